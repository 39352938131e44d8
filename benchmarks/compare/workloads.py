"""The table of workloads: a new one is one line in `WORKLOADS`.

A command is written as redis-benchmark takes it: each `__rand_int__` becomes 12 random digits below the key space, anew
for every request. A fill prepares the data before every single run (the server is empty before it); there the same word
counts up from 0, so a fill of `KEYSPACE` creates every key that the workload can meet.
"""

from dataclasses import dataclass
from typing import Final

RANDOM: Final = "__rand_int__"
KEYSPACE: Final = 100_000

KEY: Final = f"key:{RANDOM}"  # 16 bytes
COUNTER: Final = f"counter:{RANDOM}"
VALUE: Final = "x" * 64

Command = tuple[str, ...]


@dataclass(frozen=True)
class Fill:
    """A command sent before a run, `count` times, or as often as the run has requests where that is None."""

    command: Command
    count: int | None = 1


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes:
        name: what `--workloads` takes and the report prints.
        group: a family of workloads; `--workloads` takes it too.
        command: what the client sends.
        fills: what the data set is made of.
        subscribers: how many connections listen to `CHANNEL` during the run.
    """

    name: str
    group: str
    command: Command
    fills: tuple[Fill, ...] = ()
    subscribers: int = 0


CHANNEL: Final = "channel"

STRING_KEYS: Final = (Fill(("SET", KEY, VALUE), KEYSPACE),)
COUNTERS: Final = (Fill(("INCR", COUNTER), KEYSPACE),)

WORKLOADS: Final = (
    Workload("PING", "strings", ("PING",)),
    Workload("SET", "strings", ("SET", KEY, VALUE), STRING_KEYS),
    Workload("GET", "strings", ("GET", KEY), STRING_KEYS),
    Workload("INCR", "strings", ("INCR", COUNTER), COUNTERS),
    Workload("MSET_10", "strings", ("MSET", *(KEY, VALUE) * 10), STRING_KEYS),
)


def select(names: str, table: tuple[Workload, ...] = WORKLOADS) -> list[Workload]:
    """The workloads that a comma-separated list of names and groups asks for, in the table's order.

    Args:
        names: such as `SET,GET` or `strings`; letter case does not matter; `all` is everything.
        table: where to choose from.

    Raises:
        ValueError: for a word that names neither a workload nor a group.
    """
    words = {word.strip().upper() for word in names.split(",")}
    known = {"ALL"} | {name.upper() for workload in table for name in (workload.name, workload.group)}
    if words - known:
        raise ValueError(f"no such workload: {', '.join(sorted(words - known))}")
    return [each for each in table if {"ALL", each.name.upper(), each.group.upper()} & words]
