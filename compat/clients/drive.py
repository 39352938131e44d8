"""Runs a client's program against a server of its own, restarts the server when asked, and collects what it reports."""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from compat.clients.scenario import STEPS
from compat.servers import RunningServer, ServerBinary, start
from compat.toolchain import compiled, node_command

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT_SECONDS: Final = 120.0
"""For one program; all of them take a few seconds."""

Command = tuple[list[str], dict[str, str]]


def _python(module: str, *arguments: str) -> Callable[[int], Command]:
    def command(port: int) -> Command:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        return [sys.executable, "-m", module, str(port), *arguments], {**os.environ, "PYTHONPATH": path}

    return command


def _node(program: str, *arguments: str) -> Callable[[int], Command]:
    return lambda port: node_command(program, str(port), *arguments)


def _hiredis(port: int) -> Command:
    program = compiled(Path(__file__).with_name("hiredis_client.c"), "hiredis")
    return [str(program), str(port)], dict(os.environ)


CLIENTS: Final[dict[str, Callable[[int], Command]]] = {
    "redis-py, RESP2": _python("compat.clients.redis_py", "2"),
    "redis-py, RESP3": _python("compat.clients.redis_py", "3"),
    "redis-py asyncio, RESP2": _python("compat.clients.redis_py_asyncio", "2"),
    "redis-py asyncio, RESP3": _python("compat.clients.redis_py_asyncio", "3"),
    "node-redis, RESP2": _node("node_redis.cjs", "2"),
    "node-redis, RESP3": _node("node_redis.cjs", "3"),
    "ioredis": _node("ioredis.cjs"),
    "hiredis": _hiredis,
}
"""Every client, and how its program is started for a port."""

WITHOUT_CACHE: Final = frozenset(CLIENTS) - {"redis-py, RESP2", "redis-py, RESP3", "node-redis, RESP3"}
"""Clients whose library keeps no cache of its own."""


def expected_steps(client: str) -> list[str]:
    """The steps that a client's program must report."""
    return [step for step in STEPS if step != "client_side_cache" or client not in WITHOUT_CACHE]


@dataclass
class Outcome:
    """How a client fared.

    Attributes:
        faults: By step: what was wrong, or the empty string.
        output: What the program wrote on standard error.
    """

    faults: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def missing(self, client: str) -> list[str]:
        """Steps that were not reported."""
        return [step for step in expected_steps(client) if step not in self.faults]

    def is_clean(self, client: str) -> bool:
        """Whether all steps were reported and none has a fault."""
        return not self.missing(client) and not any(self.faults.values())


def run_client(client: str, binary: ServerBinary) -> Outcome:
    """Goes through the scenario with one client, against a fresh server.

    Raises:
        ToolError: What the client needs is not there.
    """
    server = start(binary)
    outcome = Outcome()
    try:
        argv, environment = CLIENTS[client](server.port)
        with tempfile.TemporaryFile("w+") as errors:
            with _program(argv, environment, errors.fileno()) as program:
                assert program.stdin is not None
                for line in _lines(program):
                    if line == "restart":
                        server = _restarted(binary, server)
                        program.stdin.write(b"\n")
                        program.stdin.flush()
                    elif line.startswith(("ok ", "fail ")):
                        word, step, *rest = line.split(" ", 2)
                        outcome.faults[step] = " ".join(rest) or "failed" if word == "fail" else ""
            errors.seek(0)
            outcome.output = errors.read()
    finally:
        server.stop()
    return outcome


@contextmanager
def _program(argv: list[str], environment: dict[str, str], errors: int) -> Iterator[subprocess.Popen[bytes]]:
    """A program with pipes; it is gone at the end, whatever happens."""
    program = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    try:
        with program:
            try:
                yield program
            finally:
                if program.poll() is None:
                    program.kill()
    finally:
        program.wait()


def _lines(program: subprocess.Popen[bytes]) -> Iterator[str]:
    """The lines a program writes, until its end or the limit."""
    assert program.stdout is not None
    descriptor = program.stdout.fileno()
    deadline = time.monotonic() + LIMIT_SECONDS
    pending = b""
    while time.monotonic() < deadline:
        if not select.select([descriptor], [], [], deadline - time.monotonic())[0]:
            return
        data = os.read(descriptor, 65536)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")


def _restarted(binary: ServerBinary, server: RunningServer) -> RunningServer:
    server.stop()
    return start(binary, port=server.port)
