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
STRING_VALUE: Final = "x" * 71

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
        transaction: the command is sent ten times in a transaction, which counts as one request.
    """

    name: str
    group: str
    command: Command
    fills: tuple[Fill, ...] = ()
    subscribers: int = 0
    transaction: bool = False


CHANNEL: Final = "channel"

STRING_KEYS: Final = (Fill(("SET", KEY, VALUE), KEYSPACE),)
COUNTERS: Final = (Fill(("INCR", COUNTER), KEYSPACE),)

LIST: Final = "list"
LIST_ITEMS: Final = (Fill(("RPUSH", LIST, VALUE), 600),)
ELEMENT: Final = f"element:{RANDOM}"
HASH: Final = f"hash:{RANDOM}"
SORTED_SET: Final = (Fill(("ZADD", "zset", RANDOM, ELEMENT), KEYSPACE),)
SCORES: Final = (Fill(("ZADD", "scores", f"0.{RANDOM}12345", ELEMENT), KEYSPACE),)  # of 16 and 17 digits
STREAM: Final = (Fill(("XADD", "stream", "*", "field", VALUE), 10_000),)
BITMAP: Final = f"bitmap:{RANDOM}"  # clients draw no offsets: a number with leading zeros is none to SETBIT
BITMAPS: Final = (Fill(("SETBIT", BITMAP, "1023", "1"), KEYSPACE),)
SCRIPT: Final = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"


def pairs_of(count: int) -> tuple[str, ...]:
    """Short fields with short values, as the arguments of HSET."""
    return tuple(word for index in range(count) for word in (f"field:{index}", f"value:{index:04}"))


def small_items(count: int) -> tuple[str, ...]:
    """Short texts that differ."""
    return tuple(f"item:{index:04}" for index in range(count))


SMALL_HASHES: Final = (Fill(("HSET", HASH, *pairs_of(10), "count", "0"), KEYSPACE),)
SMALL_SETS: Final = (Fill(("SADD", f"set:{RANDOM}", *small_items(20)), KEYSPACE),)

# 100 rows of 1000 points, 0.1 degrees apart in latitude and 0.01 in longitude.
POINTS: Final = tuple(
    Fill(("GEOADD", "geo", f"{RANDOM}e-2", f"{40 + row / 10:.1f}", f"point:{row}:{RANDOM}"), 1000) for row in range(100)
)
HERE: Final = ("FROMLONLAT", f"{RANDOM}e-4", "45")

WORKLOADS: Final = (
    Workload("PING", "strings", ("PING",)),
    Workload("SET", "strings", ("SET", KEY, VALUE), STRING_KEYS),
    Workload("GET", "strings", ("GET", KEY), STRING_KEYS),
    Workload("INCR", "strings", ("INCR", COUNTER), COUNTERS),
    Workload("MSET_10", "strings", ("MSET", *(KEY, VALUE) * 10), STRING_KEYS),
    Workload("LPUSH", "lists", ("LPUSH", LIST, VALUE)),
    Workload("RPUSH", "lists", ("RPUSH", LIST, VALUE)),
    Workload("LPOP", "lists", ("LPOP", LIST), (Fill(("LPUSH", LIST, VALUE), None),)),
    Workload("RPOP", "lists", ("RPOP", LIST), (Fill(("LPUSH", LIST, VALUE), None),)),
    Workload("LRANGE_100", "lists", ("LRANGE", LIST, "0", "99"), LIST_ITEMS),
    Workload("LRANGE_300", "lists", ("LRANGE", LIST, "0", "299"), LIST_ITEMS),
    Workload("LRANGE_600", "lists", ("LRANGE", LIST, "0", "599"), LIST_ITEMS),
    Workload("SADD", "sets", ("SADD", "set", ELEMENT)),
    Workload("SADD_SMALL", "sets", ("SADD", f"set:{RANDOM}", "a", "b", "c"), SMALL_SETS),
    Workload("SPOP", "sets", ("SPOP", "set"), (Fill(("SADD", "set", ELEMENT), None),)),
    Workload("HSET", "hashes", ("HSET", "hash", ELEMENT, VALUE)),
    Workload("HSET_SMALL", "hashes", ("HSET", HASH, "field:3", VALUE), SMALL_HASHES),
    Workload("HINCRBY", "hashes", ("HINCRBY", HASH, "count", "1"), SMALL_HASHES),
    Workload("HGETALL_20", "hashes", ("HGETALL", "hash"), (Fill(("HSET", "hash", *pairs_of(20))),)),
    Workload("ZADD", "sorted_sets", ("ZADD", "zset", RANDOM, ELEMENT)),
    Workload("ZRANK", "sorted_sets", ("ZRANK", "zset", ELEMENT), SORTED_SET),
    Workload("ZRANGE_100", "sorted_sets", ("ZRANGE", "zset", "0", "99"), SORTED_SET),
    Workload("ZRANGE_100_SCORES", "sorted_sets", ("ZRANGE", "scores", "0", "99", "WITHSCORES"), SCORES),
    Workload("ZRANGEBYSCORE", "sorted_sets", ("ZRANGEBYSCORE", "zset", RANDOM, "inf", "LIMIT", "0", "100"), SORTED_SET),
    Workload("GEOSEARCH_10KM", "geo", ("GEOSEARCH", "geo", *HERE, "BYRADIUS", "10", "km"), POINTS),
    Workload("XADD", "streams", ("XADD", "stream", "*", "field", VALUE)),
    Workload("XRANGE_100", "streams", ("XRANGE", "stream", "-", "+", "COUNT", "100"), STREAM),
    Workload("SETBIT", "bitmaps", ("SETBIT", BITMAP, "777", "1"), BITMAPS),
    Workload("GETBIT", "bitmaps", ("GETBIT", BITMAP, "777"), BITMAPS),
    Workload("BITFIELD", "bitmaps", ("BITFIELD", BITMAP, "INCRBY", "u8", "#7", "1"), BITMAPS),
    Workload("BITCOUNT_1MB", "bitmaps", ("BITCOUNT", "bits"), (Fill(("SET", "bits", "bitcount" * 131_072)),)),
    Workload("PFADD", "hyperloglog", ("PFADD", "hll", ELEMENT)),
    Workload("PUBLISH_100", "pubsub", ("PUBLISH", CHANNEL, VALUE), subscribers=100),
    Workload("MULTI_10", "transactions", ("SET", KEY, VALUE), STRING_KEYS, transaction=True),
    Workload("EVAL_2", "scripting", ("EVAL", SCRIPT, "1", KEY, VALUE), STRING_KEYS),
)


@dataclass(frozen=True)
class MemoryWorkload:
    """One kind of data whose memory is measured.

    Attributes:
        name: what the report prints.
        command: makes one key, or one member, each time it is sent.
        divisor: the data set has the number of keys asked for, divided by this.
        one_key: everything goes into one key.
    """

    name: str
    command: Command
    divisor: int = 1
    one_key: bool = False


MEMORY_WORKLOADS: Final = (
    MemoryWorkload("string of 71 bytes", ("SET", KEY, STRING_VALUE)),
    MemoryWorkload("hash of 10 small fields", ("HSET", HASH, *pairs_of(10)), 10),
    MemoryWorkload("list of 20 small items", ("RPUSH", f"list:{RANDOM}", *small_items(20)), 10),
    MemoryWorkload("set of 20 small members", ("SADD", f"set:{RANDOM}", *small_items(20)), 10),
    MemoryWorkload("member of a sorted set", ("ZADD", "zset", RANDOM, f"member:{RANDOM}"), 2, one_key=True),
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
