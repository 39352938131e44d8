"""`python -m benchmarks.compare`: the command line of the comparison.

Without a choice of sections all three run: workloads, memory, pause. Progress goes to stderr, the report to stdout.
The exit status says whether the comparison could run, never how fast anything was.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.compare import machine, memory, pause, throughput
from benchmarks.compare.connection import CommandFailedError
from benchmarks.compare.redis_benchmark import ClientError, client_version
from benchmarks.compare.report import Report, as_json, render
from benchmarks.compare.workloads import MEMORY_WORKLOADS, select
from compat.servers import NAMES, ServerBinary, StartError, available, hognose_binary, start

SUBJECT: Final = "hognose"

# Full size and, for --quick, a tenth of it: enough to see that everything works, not to quote.
ROUNDS: Final = (5, 1)
CPU_SECONDS: Final = (1.0, 0.1)
MEMORY_KEYS: Final = (2_000_000, 200_000)
PAUSE_KEYS: Final = (5_000_000, 500_000)
PAUSE_ROUNDS: Final = (3, 1)


class SetupError(Exception):
    """The comparison cannot run; the message says why."""


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Reads the command line; sizes that are not given follow from --quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description="hognose beside real servers.")
    what = parser.add_argument_group("what to measure (all, if none is named)")
    what.add_argument("--throughput", action="store_true", help="CPU per command, throughput, latency")
    what.add_argument("--memory", action="store_true", help="bytes per key")
    what.add_argument("--pause", action="store_true", help="longest PING while keys are loaded")
    against = parser.add_argument_group("servers")
    against.add_argument("--hognose", type=shlex.split, default=[], metavar="WORDS", help="what starts hognose")
    against.add_argument("--servers", default="all", metavar="NAMES", help=f"comma-separated, of {', '.join(NAMES)}")
    against.add_argument("--config", type=directives, default={}, metavar="NAME=VALUE,...", help="for --throughput")
    against.add_argument("--no-pin", action="store_true", help="leave all processes to the scheduler")
    size = parser.add_argument_group("how much")
    size.add_argument("--workloads", default="all", metavar="NAMES", help="comma-separated workloads or groups")
    size.add_argument("--pipelines", type=numbers, default=[1, 16, 64], metavar="N,N", help="default 1,16,64")
    size.add_argument("--rounds", type=positive, help="runs per server and cell, in turn")
    size.add_argument("--requests", type=positive, help="per run; by default as many as take 1 s of server CPU")
    size.add_argument("--memory-keys", type=positive, help="default 2 million")
    size.add_argument("--pause-keys", type=positive, help="default 5 million")
    size.add_argument("--pause-rounds", type=positive, help="the smallest result counts")
    size.add_argument("--quick", action="store_true", help="a tenth of everything, one round: to see that it works")
    output = parser.add_argument_group("output")
    output.add_argument("--markdown", action="store_true", help="tables in Markdown")
    output.add_argument("--json", type=Path, metavar="FILE", help="every sample, as JSON")
    return with_defaults(parser.parse_args(words))


def with_defaults(options: argparse.Namespace) -> argparse.Namespace:
    """Fills in the sizes, and all sections where none was named."""
    quick = int(options.quick)
    options.cpu_seconds = CPU_SECONDS[quick]
    options.rounds = options.rounds or ROUNDS[quick]
    options.memory_keys = options.memory_keys or MEMORY_KEYS[quick]
    options.pause_keys = options.pause_keys or PAUSE_KEYS[quick]
    options.pause_rounds = options.pause_rounds or PAUSE_ROUNDS[quick]
    if not (options.throughput or options.memory or options.pause):
        options.throughput = options.memory = options.pause = True
    return options


def positive(word: str) -> int:
    """A whole number above 0."""
    number = int(word)
    if number < 1:
        raise ValueError
    return number


def numbers(words: str) -> list[int]:
    """A comma-separated list of whole numbers above 0."""
    return [positive(word) for word in words.split(",")]


def directives(words: str) -> dict[str, str]:
    """Directives that all servers are started with: name=value, comma-separated."""
    return {name: value for name, _, value in (word.partition("=") for word in words.split(","))}


def choose_binaries(hognose: Sequence[str], names: str) -> list[ServerBinary]:
    """hognose first, then the real servers asked for (`all`: those that are there).

    Raises:
        SetupError: when hognose or a server that was named is missing.
    """
    subject = hognose_binary(hognose)
    if subject is None:
        raise SetupError("hognose does not run; install it (pip install .) or say what starts it: --hognose WORDS")
    present = available()
    wanted = list(present) if names == "all" else [name.strip() for name in names.split(",")]
    missing = [name for name in wanted if name not in present]
    if missing:
        raise SetupError(f"not here: {', '.join(missing)}; run: scripts/install-servers {' '.join(missing)}")
    return [subject, *(present[name] for name in wanted)]


def progress(text: str) -> None:
    """Tells who waits how far it is."""
    print(text, file=sys.stderr, flush=True)


def run_throughput(report: Report, options: argparse.Namespace, pinning: machine.Pinning) -> None:
    """All cells, with all servers up from the first to the last."""
    plan = throughput.Plan(options.rounds, options.cpu_seconds, options.requests)
    with ExitStack() as stack:
        running = {
            each.name: stack.enter_context(start(each, config=options.config, cpus=pinning.server))
            for each in report.binaries
        }
        for workload in select(options.workloads):
            for pipeline in options.pipelines:
                progress(f"{workload.name} at pipeline {pipeline}")
                report.cells.append(throughput.measure(running, workload, pipeline, plan))


def run_memory(report: Report, options: argparse.Namespace, pinning: machine.Pinning) -> None:
    """One server after the other, each started for it."""
    for workload in MEMORY_WORKLOADS:
        measured = report.memory.setdefault(workload.name, {})
        for binary in report.binaries:
            progress(f"memory of {binary.name}: {workload.name}")
            try:
                measured[binary.name] = memory.measure(binary, workload, options.memory_keys, pinning.server)
            except (CommandFailedError, OSError, StartError, ValueError) as error:
                report.failures.append((f"memory: {workload.name}", binary.name, str(error)))


def run_pause(report: Report, options: argparse.Namespace, pinning: machine.Pinning) -> None:
    """Round by round, in each one server after the other."""
    for _ in range(options.pause_rounds):
        for binary in report.binaries:
            progress(f"pause of {binary.name}")
            try:
                measured = pause.measure(binary, options.pause_keys, pinning.server)
                report.pauses.setdefault(binary.name, []).append(measured)
            except (OSError, StartError) as error:
                report.failures.append(("pause", binary.name, str(error)))


def compare(options: argparse.Namespace) -> Report:
    """Runs the sections that were asked for.

    Raises:
        ClientError, SetupError, StartError, ValueError: when it cannot run; nothing has been measured then.
    """
    select(options.workloads)
    pinning = machine.choose_pinning(os.sched_getaffinity(0), wanted=not options.no_pin)
    facts = {**machine.describe(), "client": client_version(), "pinning": pinning.describe()}
    report = Report(SUBJECT, facts, choose_binaries(options.hognose, options.servers))
    machine.pin_client(pinning)
    for wanted, section in (
        (options.throughput, run_throughput),
        (options.memory, run_memory),
        (options.pause, run_pause),
    ):
        if wanted:
            section(report, options, pinning)
    return report


def main(words: Sequence[str]) -> int:
    """Compares and prints.

    Returns:
        0 when the comparison ran, whatever it found; 2 when it could not.
    """
    options = parse_arguments(words)
    try:
        report = compare(options)
    except (ClientError, SetupError, StartError, ValueError) as error:
        progress(f"cannot compare: {error}")
        return 2
    print(render(report, markdown=options.markdown))
    if options.json:
        options.json.write_text(json.dumps(as_json(report), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
