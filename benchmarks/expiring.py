"""How soon many keys that expire at one moment leave memory: `python -m benchmarks.expiring [--keys N] [SERVER...]`.

A server holds N strings (1 million) that all expire at the same instant. From then on one client asks for DBSIZE now
and then until it is 0, and sends PING after PING in between. Printed are the seconds from the deadline until no key was
left, and the longest round trip of a PING meanwhile; first with nobody else there, then while other clients keep the
server busy with pipelines of GETs, with what they got done in a second before and after the deadline.

While the server is busy a PING waits for the passes of those clients as well, which is why the longest one before the
deadline is printed too. The client runs at real-time priority where that is allowed, so that its own waiting does not
count; the server does not, as Linux stops a process of that priority for 50 ms once it has used up most of a second.
Other work on the machine counts.
SERVER: names as `compat.servers` knows them, to be measured beside hognose.
"""

import argparse
import multiprocessing
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.compare.connection import Connection, encode
from benchmarks.compare.workloads import RANDOM
from benchmarks.freeing import hurry, ping
from compat.servers import RunningServer, ServerBinary, find, hognose_binary, start

LONGEST_WAIT_S: Final = 600.0
PINGS_PER_LOOK: Final = 20
CLIENTS: Final = 8
PIPELINE: Final = encode(("GET", "nothing")) * 64
PIPELINE_REPLY_BYTES: Final = 64 * len(b"$-1\r\n")


@dataclass(frozen=True)
class Pings:
    """What was seen over some time.

    Attributes:
        seconds: How long that was.
        longest_ms: The longest round trip of a PING.
        commands: How many commands the server ran a second.
    """

    seconds: float
    longest_ms: float
    commands: float


def keep_busy(host: str, port: int) -> None:
    """Sends pipelines over several connections, on each the next as soon as the last is answered, until terminated."""
    missing: dict[socket.socket, int] = {}
    with selectors.DefaultSelector() as selector:
        for _ in range(CLIENTS):
            connection = socket.create_connection((host, port), timeout=LONGEST_WAIT_S)
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(PIPELINE)
            missing[connection] = PIPELINE_REPLY_BYTES
        while True:
            for key, _ in selector.select():
                found = key.fileobj
                assert isinstance(found, socket.socket)
                missing[found] -= len(found.recv(PIPELINE_REPLY_BYTES))
                if missing[found] == 0:
                    found.sendall(PIPELINE)
                    missing[found] = PIPELINE_REPLY_BYTES


@contextmanager
def others(server: RunningServer, busy: bool) -> Iterator[None]:
    """The clients that keep the server busy, in a process of their own."""
    if not busy:
        yield
        return
    process = multiprocessing.get_context("spawn").Process(
        target=keep_busy, args=(server.host, server.port), daemon=True
    )
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def watch(watcher: Connection, pinger: socket.socket, until_s: float) -> Pings:
    """Sends PINGs until a time of the wall clock; where that is 0, until no key is left."""
    began, before = time.perf_counter(), int(watcher.info("stats", "total_commands_processed"))
    longest, pings = 0.0, 0
    while time.time() < until_s if until_s else watcher.call("DBSIZE") != 0:
        longest = max(longest, *(ping(pinger) for _ in range(PINGS_PER_LOOK)))
        pings += PINGS_PER_LOOK + 1
    seconds = time.perf_counter() - began
    commands = int(watcher.info("stats", "total_commands_processed")) - before - pings
    return Pings(seconds, longest * 1000, commands / seconds)


def measure(server: RunningServer, keys: int, ahead_s: float, busy: bool) -> tuple[Pings, Pings]:
    """Fills, waits for the deadline, watches.

    Returns:
        What was seen in the last second before the deadline, and from then until no key was left.
    """
    with (
        Connection(server.connect(timeout=LONGEST_WAIT_S)) as watcher,
        server.connect(timeout=LONGEST_WAIT_S) as pinger,
    ):
        deadline_s = time.time() + ahead_s
        watcher.repeat(("SET", "key:" + RANDOM, "v" * 20, "PXAT", str(int(deadline_s * 1000))), keys)
        if time.time() > deadline_s - 2:
            raise SystemExit(f"loading took longer than {ahead_s - 2} s; try a higher --ahead")
        assert watcher.call("DBSIZE") == keys
        time.sleep(deadline_s - 2 - time.time())
        with others(server, busy):
            watch(watcher, pinger, deadline_s - 1)  # the others are starting
            before = watch(watcher, pinger, deadline_s)
            after = watch(watcher, pinger, 0)
        assert watcher.info("stats", "expired_keys") == str(keys)
    return before, after


def report(binary: ServerBinary, keys: int, ahead_s: float) -> None:
    """Prints the two lines of one server."""
    for busy in (False, True):
        with start(binary) as server:
            before, after = measure(server, keys, ahead_s, busy)
        name = f"{binary.name} {'busy' if busy else 'idle'}"
        rates = f"{before.commands:12.0f} {after.commands:12.0f}" if busy else ""
        print(
            f"  {name:20s} {after.seconds:9.2f} {before.longest_ms:12.2f} {after.longest_ms:12.2f} {rates}", flush=True
        )


def main(words: Sequence[str]) -> int:
    """Measures hognose, and the servers that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--ahead", type=float, default=20.0, help="seconds from the first SET to the deadline")
    parser.add_argument("servers", nargs="*")
    arguments = parser.parse_args(words)
    binaries = [hognose_binary(), *(find(name) for name in arguments.servers)]
    if None in binaries:
        print("not all of these servers are there; see python -m compat.servers", file=sys.stderr)
        return 2
    if not hurry(0):
        print("no real-time priority here: the client's own waiting counts", file=sys.stderr)
    heads = f"{'all gone s':>10} {'PING before':>12} {'after ms':>12} {'GET/s before':>12} {'after':>12}"
    print(f"  {arguments.keys} keys{'':7s} {heads}")
    for binary in binaries:
        if binary is not None:
            report(binary, arguments.keys, arguments.ahead)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
