"""Runs an application's program against a server of its own and collects its report.

The program leads a process group of its own: when it has ended, nothing of the group may be left, and what is left
after a failure is ended with it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compat.servers import ServerBinary, start
from compat.toolchain import node_command

ROOT: Final = Path(__file__).resolve().parents[2]
GRACE_SECONDS: Final = 180.0
"""How much longer than asked a program may take: the last round, the start and end of its workers."""

Command = tuple[list[str], dict[str, str]]


def _python(module: str) -> Callable[[int, float], Command]:
    def command(port: int, seconds: float) -> Command:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        argv = [sys.executable, "-m", f"compat.applications.{module}", str(port), str(seconds)]
        return argv, {**os.environ, "PYTHONPATH": path}

    return command


APPLICATIONS: Final[dict[str, Callable[[int, float], Command]]] = {
    "Celery": _python("celery_job"),
    "RQ": _python("rq_job"),
    "Django": _python("django_job"),
    "BullMQ": lambda port, seconds: node_command("bullmq.cjs", str(port), str(seconds)),
}
"""Every application, and how its program is started for a port and a time."""


@dataclass
class Outcome:
    """How an application fared.

    Attributes:
        done: Pieces of work that came out right.
        faults: What was lost or wrong.
        output: What the program and its workers wrote on standard error.
    """

    done: int
    faults: list[str]
    output: str


def run_application(name: str, binary: ServerBinary, seconds: float) -> Outcome:
    """Has an application work for a time, against a fresh server.

    Args:
        name: One of APPLICATIONS.
        binary: The server.
        seconds: How long new work is put in; at least one round is done.

    Raises:
        ToolError: What the application needs is not there.
    """
    with start(binary) as server, tempfile.TemporaryFile("w+") as errors:
        argv, environment = APPLICATIONS[name](server.port, seconds)
        program = subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = program.communicate(timeout=seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            output = ""
        left = _end_group(program)
        errors.seek(0)
        text = errors.read()
    reports = [line for line in output.splitlines() if line.startswith('{"done"')]
    if not reports:
        return Outcome(0, [f"no report; status {program.returncode}"], text)
    report = json.loads(reports[-1])
    faults = [*report["faults"], *(["processes were left"] if left else [])]
    return Outcome(report["done"], faults, text)


def _end_group(program: "subprocess.Popen[str]") -> bool:
    """Ends what is left of a program's process group; returns whether there was anything but itself."""
    is_over = program.poll() is not None
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    program.wait()
    return is_over
