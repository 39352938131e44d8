"""`python -m compat.upstream --suite PATH [UNITS...]`: runs test files of the official suite on hognose."""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from compat.servers import hognose_binary
from compat.upstream.known import QUICK, reason_for
from compat.upstream.results import UnitResult, lost, write_json
from compat.upstream.run import RunOptions, run_unit
from compat.upstream.suite import Suite, SuiteError, unpack

UNPACKED: Final = Path(tempfile.gettempdir()) / "hognose-upstream-suites"


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m compat.upstream", description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="a checkout of redis, or its source package")
    parser.add_argument("units", nargs="*", help="test files such as unit/type/string; default: all")
    parser.add_argument("--quick", action="store_true", help="the files that CI runs")
    parser.add_argument("--skip", nargs="*", default=[], metavar="UNIT", help="test files to leave out")
    parser.add_argument("--server", help="the command that starts the server under test; default: hognose")
    parser.add_argument("--jobs", type=int, default=1, help="test files side by side")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one file")
    parser.add_argument("--tls", action="store_true", help="all connections of the suite over TLS; needs tcl-tls")
    parser.add_argument("--slow", action="store_true", help="slow tests as well")
    parser.add_argument("--tags", default="", help="further tags, such as -needs:debug")
    parser.add_argument("--extra", default="", help="further words for the suite's own command line")
    parser.add_argument("--logs", type=Path, help="where to keep the output of each file")
    parser.add_argument("--json", type=Path, help="where to keep the outcomes")
    parser.add_argument("--baseline", type=Path, help="earlier outcomes: tests that passed there and do not here fail")
    return parser.parse_args(words)


def run_units(suite: Suite, units: Sequence[str], options: RunOptions, jobs: int) -> Iterator[UnitResult]:
    """Runs test files, some side by side; gives the results in the order of the files."""
    free: SimpleQueue[int] = SimpleQueue()
    for job in range(jobs):
        free.put(job)

    def run(unit: str) -> UnitResult:
        job = free.get()
        try:
            return run_unit(suite, unit, options, job)
        finally:
            free.put(job)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(run, units)


def show(result: UnitResult) -> int:
    """Prints how a file went; returns how many tests failed that should not."""
    print(result.line(), flush=True)
    unexpected = 0
    for name in result.failed:
        reason = reason_for(result.unit, name)
        unexpected += reason is None
        print(f"    failed: {name}" + (f" (known: {reason})" if reason else ""), flush=True)
    return unexpected


def server_words(command: str | None) -> tuple[str, ...]:
    """The words that start the server under test.

    Raises:
        SuiteError: hognose does not start.
    """
    if command is not None:
        return tuple(shlex.split(command))
    binary = hognose_binary()
    if binary is None:
        raise SuiteError("hognose does not start")
    return binary.argv


def main(words: Sequence[str]) -> int:
    """Runs what the words ask for.

    Returns:
        0 if everything passed that can, 1 if not, 2 if nothing could be run.
    """
    arguments = parse_arguments(words)
    try:
        suite = Suite(unpack(arguments.suite, UNPACKED), tls=arguments.tls)
        server = server_words(arguments.server)
    except SuiteError as error:
        print(error, file=sys.stderr)
        return 2
    tags = " ".join(["-large-memory", *([] if arguments.slow else ["-slow"]), arguments.tags]).strip()
    logs = arguments.logs or Path(tempfile.mkdtemp(prefix="hognose-upstream-logs-"))
    extra = (*(["--tls"] if arguments.tls else []), *shlex.split(arguments.extra))
    options = RunOptions(server, arguments.limit, tags, extra, logs)
    named = arguments.units or (QUICK if arguments.quick else suite.units())
    units = [unit for unit in named if unit not in arguments.skip]
    results: list[UnitResult] = []
    unexpected = 0
    for result in run_units(suite, units, options, arguments.jobs):
        unexpected += show(result)
        results.append(result)
    if arguments.json is not None:
        write_json(results, arguments.json)
    if arguments.baseline is not None:
        gone = lost(arguments.baseline, results)
        for test in gone:
            print(f"lost: {test}")
        unexpected = max(unexpected, len(gone))
    print(f"logs: {logs}")
    print(f"{sum(len(r.passed) for r in results)} passed, {sum(len(r.failed) for r in results)} failed")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
