"""What a snapshot in the background costs: `python -m benchmarks.saving [--keys|elements|nodes N] [SERVER...]`.

A server holds N strings (2 million). BGSAVE; while it runs, one client overwrites a tenth of the keys, one after the
other, and every round trip is taken. Printed are the round trip of BGSAVE itself (the fork), the longest one after it,
how long the snapshot took, and the memory it cost at its peak, as the server says (rdb_last_cow_size). hognose is
measured with a child and without one. With --elements the data is a set, a hash and a sorted set of N elements each, of
which a tenth of N are changed; with --nodes (up to 300,000) a string of 400 MB, a list of N nodes and a stream of N
blocks, which hold one element or entry each.

Server and client run at real-time priority where that is allowed, so that other work on the machine does not count; the
child, which inherits no such priority, takes longer then on a busy machine. The thread that writes the file of a
snapshot without a child has it: else the server would wait with it for a core whenever it holds the interpreter's lock.
SERVER: names as `compat.servers` knows them, to be measured beside hognose.
"""

import argparse
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.compare.connection import Connection, encode
from benchmarks.compare.workloads import RANDOM
from benchmarks.freeing import hurry
from compat.servers import RunningServer, ServerBinary, find, hognose_binary, start

VALUE: Final = "v" * 71
OVERWRITTEN: Final = 0.1
LONGEST_WAIT_S: Final = 600.0
CONFIG: Final = {"save": "", "enable-debug-command": "yes"}


NUMBER: Final = "__number__"
"""Stands in a change for a random number without zeros in front."""
Command = tuple[str, ...]


@dataclass
class Data:
    """What the server holds.

    Attributes:
        noun: What is counted.
        filling: Each is sent as often as that.
        changes: What the client does meanwhile.
        config: Directives that it needs.
    """

    noun: str
    filling: Sequence[Command]
    changes: Sequence[Command]
    config: Mapping[str, str]


STRINGS: Final = Data("keys", [("SET", "key:" + RANDOM, VALUE)], [("SET", "key:" + RANDOM, VALUE[::-1])], {})
LARGE: Final = Data(
    "elements",
    [
        ("SADD", "set", "element:" + RANDOM),
        ("HSET", "hash", "field:" + RANDOM, VALUE),
        ("ZADD", "zset", RANDOM, "element:" + RANDOM),
    ],
    [
        ("SREM", "set", "element:" + RANDOM),
        ("HSET", "hash", "field:" + RANDOM, VALUE[::-1]),
        ("ZINCRBY", "zset", "0.5", "element:" + RANDOM),
    ],
    {},
)
ROWS: Final = Data(
    "nodes",
    [
        ("SETRANGE", "bits", "400000000", "end"),
        ("RPUSH", "list", VALUE),
        ("XADD", "stream", f"1{RANDOM}-1", "field", VALUE),
    ],
    [
        ("SETBIT", "bits", f"{NUMBER}7000", "1"),
        ("LPOP", "list"),
        ("LSET", "list", NUMBER, VALUE[::-1]),
        ("RPUSH", "list", VALUE[::-1]),
        ("XADD", "stream", "*", "field", VALUE[::-1]),
        ("XDEL", "stream", f"1{RANDOM}-1"),
    ],
    {"list-max-listpack-size": "1", "stream-node-max-entries": "1"},
)


def fill(server: RunningServer, commands: Sequence[Command], count: int) -> None:
    """Makes the data, and waits until nothing is going on."""
    with Connection(server.connect(timeout=LONGEST_WAIT_S)) as filler:
        for command in commands:
            filler.repeat(command, count)


def measure(server: RunningServer, changes: Sequence[Command], keys: int) -> tuple[float, float, float, float]:
    """Saves while keys, or elements, are changed.

    Returns:
        Milliseconds: the round trip of BGSAVE and the longest after it; seconds in all; megabytes.
    """
    chance = random.Random(1)
    with (
        Connection(server.connect(timeout=LONGEST_WAIT_S)) as watcher,
        server.connect(timeout=LONGEST_WAIT_S) as writer,
    ):
        began = time.perf_counter()
        watcher.call("BGSAVE")
        first = time.perf_counter() - began
        longest = 0.0
        left = int(keys * OVERWRITTEN)
        while watcher.info("persistence", "rdb_bgsave_in_progress") == "1":
            for _ in range(min(left, 500)):
                left -= 1
                number = chance.randrange(keys)
                words = [word.replace(RANDOM, f"{number:012d}") for word in changes[left % len(changes)]]
                request = encode(tuple(word.replace(NUMBER, str(number)) for word in words))
                sent = time.perf_counter()
                writer.sendall(request)
                writer.recv(64)
                longest = max(longest, time.perf_counter() - sent)
        total = time.perf_counter() - began
        assert watcher.info("persistence", "rdb_last_bgsave_status") == "ok"
        cost = float(watcher.info("persistence", "rdb_last_cow_size") or 0)
    return first * 1000, longest * 1000, total, cost / (1 << 20)


def report(binary: ServerBinary, keys: int, mode: str, data: Data) -> None:
    """Prints one line."""
    config = {**CONFIG, **data.config, **({"snapshot-mode": mode} if mode else {})}
    with start(binary, config=config) as server:
        fill(server, data.filling, keys)
        hurry(server.pid, heirs=mode == "cooperative")  # not before: who uses up a second of it is stopped for 50 ms
        first, longest, total, cost = measure(server, data.changes, keys)
    name = f"{binary.name} {mode}".strip()
    print(f"  {name:22s} {first:9.2f} {longest:9.2f} {total:9.2f} {cost:9.1f}", flush=True)


def main(words: Sequence[str]) -> int:
    """Measures hognose, and the servers that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=2_000_000)
    parser.add_argument("--elements", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("servers", nargs="*")
    arguments = parser.parse_args(words)
    own = hognose_binary()
    others = [find(name) for name in arguments.servers]
    if own is None or None in others:
        print("not all of these servers are there; see python -m compat.servers", file=sys.stderr)
        return 2
    if not hurry(0):
        print("no real-time priority here: other work on this machine counts", file=sys.stderr)
    count, data = arguments.keys, STRINGS
    if arguments.elements:
        count, data = arguments.elements, LARGE
    elif arguments.nodes:
        count, data = arguments.nodes, ROWS
    print(f"  {count} {data.noun:14s} {'BGSAVE ms':>9} {'longest':>9} {'total s':>9} {'MB':>9}")
    for mode in ("fork", "cooperative"):
        report(own, count, mode, data)
    for binary in others:
        if binary is not None:
            report(binary, count, "", data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
