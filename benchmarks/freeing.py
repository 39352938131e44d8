"""The longest pause while a large value, or a whole database, is dropped: `python -m benchmarks.freeing [SERVER...]`.

One connection drops it (UNLINK, or FLUSHALL ASYNC), another sends PING after PING until everything is freed. The
longest round trip is the longest time the server kept that client waiting. Two figures are printed per case: the first
round trip after the command (what the command itself took), and the longest of those that follow (the slices).

Server and client run at real-time priority where that is allowed, so that other work on the machine does not count.
SERVER: names as `compat.servers` knows them; without any, hognose.
"""

import os
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.compare.connection import Connection, encode
from benchmarks.compare.workloads import RANDOM, Command
from compat.servers import RunningServer, ServerBinary, find, hognose_binary, start

MEMBERS: Final = 1_000_000
KEYS: Final = 2_000_000
PING: Final = encode(("PING",))
LONGEST_WAIT_S: Final = 60.0


@dataclass(frozen=True)
class Case:
    """Something large.

    Attributes:
        name: What it is.
        fill: The command that adds to it, run `count` times.
        drop: The command that drops it.
    """

    name: str
    fill: Command
    count: int
    drop: Command


CASES: Final = (
    Case("sorted set", ("ZADD", "key", RANDOM, "member:" + RANDOM), MEMBERS, ("UNLINK", "key")),
    Case("hash", ("HSET", "key", "field:" + RANDOM, "value"), MEMBERS, ("UNLINK", "key")),
    Case("set", ("SADD", "key", "member:" + RANDOM), MEMBERS, ("UNLINK", "key")),
    Case("list", ("RPUSH", "key", "element:" + RANDOM), MEMBERS, ("UNLINK", "key")),
    Case("stream", ("XADD", "key", "*", "field", RANDOM), MEMBERS, ("UNLINK", "key")),
    Case("set, overwritten", ("SADD", "key", "member:" + RANDOM), MEMBERS, ("SET", "key", "value")),
    Case("set, DEL", ("SADD", "key", "member:" + RANDOM), MEMBERS, ("DEL", "key")),
    Case("database", ("SET", "key:" + RANDOM, "v" * 71), KEYS, ("FLUSHALL", "ASYNC")),
    Case("database, SYNC", ("SET", "key:" + RANDOM, "v" * 71), KEYS, ("FLUSHALL", "SYNC")),
)


def hurry(pid: int, heirs: bool = False) -> bool:
    """Real-time priority for a process; whether that was allowed.

    Args:
        pid: The process.
        heirs: Whether threads and children that it makes from now on have it as well.
    """
    policy = os.SCHED_FIFO if heirs else os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(pid, policy, os.sched_param(1))
    except PermissionError:
        return False
    return True


def measure(server: RunningServer, case: Case) -> tuple[float, float, float]:
    """Fills, drops, pings.

    Returns:
        Milliseconds: the first round trip, the longest after it, and until everything was freed.
    """
    with Connection(server.connect(timeout=LONGEST_WAIT_S)) as filler:
        filler.call("FLUSHALL")
        filler.repeat(case.fill, case.count)
    with (
        server.connect(timeout=LONGEST_WAIT_S) as dropper,
        server.connect(timeout=LONGEST_WAIT_S) as pinger,
        Connection(server.connect(timeout=LONGEST_WAIT_S)) as watcher,
    ):
        dropper.sendall(encode(case.drop))
        began = time.perf_counter()
        trips = [ping(pinger)]
        while True:
            trips += [ping(pinger) for _ in range(100)]
            if watcher.info("memory", "lazyfree_pending_objects") == "0":
                break
        total = time.perf_counter() - began
        dropper.recv(100)
    return trips[0] * 1000, max(trips[1:]) * 1000, total * 1000


def ping(connection: socket.socket) -> float:
    """One round trip, in seconds."""
    sent = time.perf_counter()
    connection.sendall(PING)
    connection.recv(64)
    return time.perf_counter() - sent


def report(binary: ServerBinary) -> None:
    """Prints all cases of one server."""
    print(f"{binary.name}: {'first':>9} {'longest':>9} {'all freed':>10}  ms")
    for case in CASES:
        with start(binary) as server:
            hurry(server.pid)
            first, longest, total = measure(server, case)
        print(f"  {case.name:20s} {first:9.2f} {longest:9.2f} {total:10.1f}", flush=True)


def main(names: Sequence[str]) -> int:
    """Measures the servers that are named, or hognose."""
    binaries = [find(name) for name in names] or [hognose_binary()]
    if None in binaries:
        print("not all of these servers are there; see python -m compat.servers", file=sys.stderr)
        return 2
    if not hurry(0):
        print("no real-time priority here: other work on this machine counts", file=sys.stderr)
    for binary in binaries:
        if binary is not None:
            report(binary)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
