"""How long writing and reading a dump take: `python -m benchmarks.dumps [--rounds N] [SERVER...]`.

A server holds 2 million strings of 16 + 71 bytes, or 200,000 hashes of ten small fields. Timed are SAVE and, from the
file it wrote, DEBUG RELOAD NOSAVE, each round trip as a whole; the smallest of the rounds is printed, for other work on
the machine only adds. SERVER: names as `compat.servers` knows them, to be measured beside hognose.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.compare.connection import Connection
from benchmarks.compare.workloads import HASH, KEY, STRING_VALUE, Command, pairs_of
from compat.servers import RunningServer, find, hognose_binary, start

LONGEST_WAIT_S: Final = 600.0
CONFIG: Final = {"enable-debug-command": "yes"}
CASES: Final[dict[str, tuple[Command, int]]] = {
    "2,000,000 strings": (("SET", KEY, STRING_VALUE), 2_000_000),
    "200,000 hashes": (("HSET", HASH, *pairs_of(10)), 200_000),
}


def seconds(connection: Connection, *command: str) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    connection.call(*command)
    return time.perf_counter() - began


def measure(server: RunningServer, fill: Command, count: int, rounds: int) -> tuple[float, float]:
    """Fills, saves and loads.

    Returns:
        The shortest times of writing and of reading, in seconds.
    """
    with Connection(server.connect(timeout=LONGEST_WAIT_S)) as connection:
        connection.call("FLUSHALL")
        connection.repeat(fill, count)
        times = [(seconds(connection, "SAVE"), seconds(connection, "DEBUG", "RELOAD", "NOSAVE")) for _ in range(rounds)]
    return min(save for save, _ in times), min(load for _, load in times)


def main(words: Sequence[str]) -> int:
    """Measures hognose, and the servers that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("servers", nargs="*")
    arguments = parser.parse_args(words)
    binaries = [hognose_binary(), *(find(name) for name in arguments.servers)]
    print(f"  {'':18s} {'':12s} {'SAVE s':>8} {'load s':>8}")
    for name, (fill, count) in CASES.items():
        for binary in binaries:
            if binary is None:
                print("not all of these servers are there; see python -m compat.servers", file=sys.stderr)
                return 2
            with start(binary, config=CONFIG) as server:
                save, load = measure(server, fill, count, arguments.rounds)
            print(f"  {name:18s} {binary.name:12s} {save:8.2f} {load:8.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
