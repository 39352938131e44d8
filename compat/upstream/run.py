"""One test file of the suite, run to its end or to its time limit, with nothing left behind.

Where the kernel allows it, the file runs in network and process namespaces of its own: every port is free, whatever it
starts dies with it, and files can run side by side. A namespace has no address but loopback, and some tests want
another, so it gets one. Elsewhere each job has a range of ports and its process group is killed at the end.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from compat.upstream.known import left_out
from compat.upstream.results import UnitResult, read_log
from compat.upstream.suite import Suite

BASE_PORT: Final = 17_100
PORTS_PER_JOB: Final = 840
HANG_SECONDS: Final = 120
OWN_ADDRESS: Final = "10.9.9.1"

NAMESPACE: Final = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")


@dataclass(frozen=True)
class RunOptions:
    """How test files are run.

    Attributes:
        server: The words that start the server under test.
        limit: Seconds after which a file is given up.
        tags: Tags as the suite takes them: `-slow` leaves slow tests out.
        extra: Further words for the suite's command line.
        logs: Where each file's output is kept.
    """

    server: tuple[str, ...]
    limit: float
    tags: str
    extra: tuple[str, ...]
    logs: Path


def run_unit(suite: Suite, unit: str, options: RunOptions, job: int = 0) -> UnitResult:
    """Runs one test file.

    Args:
        suite: The suite.
        unit: The file, such as `unit/type/string`.
        options: How to run it.
        job: Which of the files running side by side this is, from 0; chooses the ports.

    Returns:
        Its tests by outcome.
    """
    log = options.logs / f"{unit.replace('/', '__')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hognose-upstream-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        suite.lay_out(folder, options.server)
        with log.open("wb") as output:
            in_time = _run(_isolated(suite_command(unit, options, job)), folder, output.fileno(), options.limit)
    return read_log(unit, log.read_text(errors="replace"), seconds=time.monotonic() - began, in_time=in_time)


def suite_command(unit: str, options: RunOptions, job: int) -> list[str]:
    """The suite's own command line for one file."""
    return [
        *("tclsh", "tests/test_helper.tcl", "--single", unit, "--clients", "1", "--durable"),
        *(word for name in left_out(unit) for word in ("--skiptest", name)),
        *("--baseport", str(BASE_PORT + job * PORTS_PER_JOB), "--portcount", str(PORTS_PER_JOB)),
        *("--timeout", str(HANG_SECONDS), "--tags", options.tags, *options.extra),
    ]


@cache
def has_namespaces() -> bool:
    """Whether this process may make network and process namespaces."""
    try:
        done = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return False
    return done.returncode == 0


def _isolated(command: Sequence[str]) -> list[str]:
    if not has_namespaces():
        return list(command)
    return [*NAMESPACE, sys.executable, str(Path(__file__).with_name("namespace.py")), OWN_ADDRESS, *command]


def _run(command: list[str], folder: Path, output: int, limit: float) -> bool:
    """Runs a command in a session of its own; False if it had to be killed."""
    environment = {**os.environ, "TERM": "dumb"}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        return False
    finally:
        _end_group(process)
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kills what is left of a command's session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
