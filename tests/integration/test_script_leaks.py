"""Scripts leave nothing behind, however many run and however they end.

How many of each kind: HOGNOSE_SCRIPT_RUNS, 20,000 by default, which takes some seconds.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import hiredis
import pytest

from tests.integration.server_process import ServerProcess
from tests.integration.test_hostile_clients import connect, resident_bytes

RUNS = int(os.environ.get("HOGNOSE_SCRIPT_RUNS", "20000"))
WARM_UP = 5000
"""After so many, caches are full and Lua's memory has found its size."""
PIPELINE = 100
MIB = 1 << 20

SCRIPTS: dict[str, Callable[[int], str]] = {
    "the same": lambda i: "redis.call('set', KEYS[1], ARGV[1]) return {redis.call('get', KEYS[1]), {1, 'x', false}}",
    "each another": lambda i: f"return {{{i}, redis.call('get', KEYS[1])}}",
    "that fail in a command": lambda i: "return redis.call('lpush', KEYS[1], 1)",
    "that raise": lambda i: "local t = {} for j = 1, 20 do t[j] = ARGV[1] .. j end error(t)",
    "that do not compile": lambda i: f"return {i} +",
    "that answer errors": lambda i: "return {redis.pcall('nosuch'), {err = ARGV[1] .. ' text'}}",
    "that end in coroutines": lambda i: "local f = coroutine.wrap(function() coroutine.yield(ARGV[1]) end) return f()",
}

pytestmark = pytest.mark.server


def run(connection: socket.socket, make: Callable[[int], str], first: int, count: int) -> None:
    """Runs so many scripts."""
    reader = hiredis.Reader(notEnoughData=...)
    for start in range(first, first + count, PIPELINE):
        requests = [("EVAL", make(i), 1, "key", f"value{i}") for i in range(start, start + PIPELINE)]
        connection.sendall(b"".join(map(hiredis.pack_command, requests)))
        missing = PIPELINE
        while missing:
            if reader.gets() is ...:
                reader.feed(connection.recv(1 << 16))
            else:
                missing -= 1


@pytest.mark.parametrize("kind", SCRIPTS)
def test_scripts_leave_nothing_behind(kind: str) -> None:
    with ServerProcess("--save", "") as process, connect(process.ready().port) as connection:
        connection.sendall(b"SET key text\r\n")
        assert connection.recv(100) == b"+OK\r\n"
        run(connection, SCRIPTS[kind], 0, WARM_UP)
        before = resident_bytes(process.process.pid)
        run(connection, SCRIPTS[kind], WARM_UP, RUNS)
        grown = resident_bytes(process.process.pid) - before
        print(f"{RUNS} scripts {kind}: {grown / MIB:.2f} MiB more")
        assert grown < 2 * MIB
