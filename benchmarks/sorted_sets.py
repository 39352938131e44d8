"""The sorted set structures alone, without commands: `python -m benchmarks.sorted_sets [members]`.

Prints nanoseconds of processor time per operation for random members and scores, and bytes per member as the process
grows. Says whether the code measured is compiled, for interpreted it is some thirty times slower.
"""

import gc
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hognose.datastructures import skiplist
from hognose.datastructures.skiplist import Skiplist
from hognose.datastructures.zset import INCR, ZSetLimits, ZSetValue

PAGE_BYTES = 4096
REPEATED_SMALL = 2000


def resident_bytes() -> int:
    """The memory of this process that is in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def timed(name: str, operations: int, run: Callable[[], None]) -> None:
    """Runs something once and prints what each of its operations took."""
    start = time.process_time_ns()
    run()
    print(f"    {name:28s}{(time.process_time_ns() - start) / operations:8.0f} ns")


def measure_skiplist(members: list[bytes], scores: list[float], block_size: int) -> None:
    """Insert, rank, move, ranges and removal in a bare skiplist."""
    count = len(members)
    order = random.sample(range(count), count)
    listed = Skiplist(block_size)
    print(f"  skiplist, {count} pairs, blocks of up to {block_size}")

    def insert() -> None:
        add = listed.insert
        for i in range(count):
            add(scores[i], members[i])

    def rank() -> None:
        find = listed.rank
        for i in order:
            find(scores[i], members[i])

    def count_below() -> None:
        find = listed.count_below_score
        for i in order:
            find(scores[i], True)

    def read_ranges() -> None:
        read = listed.members
        for i in order[: count // 100]:
            read(i, min(i + 100, count))

    def remove() -> None:
        take = listed.remove
        for i in order[: count // 2]:
            take(scores[i], members[i])

    timed("insert", count, insert)
    print(f"    bytes per pair, accounted   {listed.memory_bytes() / count:8.1f}")
    timed("rank", count, rank)
    timed("count_below_score", count, count_below)
    timed("members of 100 ranks", count // 100, read_ranges)
    timed("remove", count // 2, remove)


def measure_zset(count: int) -> None:
    """Add, score, rank and increment in a whole sorted set, and its memory."""
    print(f"  sorted set of {count} members")
    before = resident_bytes()
    zset = ZSetValue(ZSetLimits())

    def add() -> None:
        put = zset.add
        for i in range(count):
            put(b"member:%07d" % i, random.random() * 1e6)

    timed("add", count, add)
    print(f"    bytes per member            {(resident_bytes() - before) / count:8.1f}")
    asked = [b"member:%07d" % i for i in random.sample(range(count), count)]

    def score() -> None:
        for member in asked:
            zset.score(member)

    def rank() -> None:
        for member in asked:
            zset.rank(member)

    def increment() -> None:
        for member in asked:
            zset.add(member, 3.0, INCR)

    timed("score", count, score)
    timed("rank", count, rank)
    timed("increment", count, increment)


def measure_small(count: int) -> None:
    """Filling a listpack, score by score."""
    print(f"  sorted set of {count} members (a listpack)")
    members = [b"member:%07d" % i for i in random.sample(range(count), count)]
    limits = ZSetLimits()

    def fill() -> None:
        for _ in range(REPEATED_SMALL):
            zset = ZSetValue(limits)
            for i in range(count):
                zset.add(members[i], float(i))

    timed("add, whole scores", REPEATED_SMALL * count, fill)


def main(words: Sequence[str]) -> int:
    """Measures everything for a number of members."""
    count = int(words[0]) if words else 200_000
    gc.disable()
    random.seed(1)
    print("compiled" if str(skiplist.__file__).endswith(".so") else "interpreted", sys.version.split()[0])
    measure_zset(count)  # first, while memory given back by others does not hide what it takes
    members = [b"member:%07d" % i for i in range(count)]
    scores = [random.random() * 1e6 for _ in range(count)]
    for block_size in (32, 64, 128, 256):
        measure_skiplist(members, scores, block_size)
    for small in (10, 100, 128):
        measure_small(small)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
