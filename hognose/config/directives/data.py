"""Directives about the dataset in memory: limits, eviction, expiry, compact encodings."""

from typing import Final

from hognose.config.directives.record import (
    NO_MEANING,
    Directive,
    choice,
    integer,
    memory,
    special,
    yes_no,
)
from hognose.config.kinds import INT64_MAX, INT_MIN, UINT64_MAX, YesNo

_NO_DEFRAGMENTATION: Final = (
    "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the "
    "one shipped by default with the Redis source distribution"
)
_ALLOCATOR: Final = "Memory is handed out by Python's allocator."

EVICTION: Final[list[Directive]] = [
    memory("maxmemory", 0, "Memory the dataset may use; 0 is no limit.", high=UINT64_MAX),
    choice(
        "maxmemory-policy",
        [
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "noeviction",
        ],
        "noeviction",
        "Which keys to remove at the limit: among all or those that expire, by use, frequency, time to live or chance.",
    ),
    integer("maxmemory-samples", 5, "Keys looked at to find a good one to remove.", low=1),
    integer(
        "maxmemory-eviction-tenacity", 10, "How long a round of removing may take, 0 short to 100 as needed.", high=100
    ),
    integer("lfu-log-factor", 10, "How slowly the frequency counter saturates."),
    integer("lfu-decay-time", 1, "Minutes after which the frequency counter is lowered by one; 0 never does."),
    integer("active-expire-effort", 1, "How much time goes into finding expired keys.", low=1, high=10),
    yes_no("lazyfree-lazy-eviction", False, "Free evicted values in the background."),
    yes_no("lazyfree-lazy-expire", False, "Free expired values in the background."),
    yes_no("lazyfree-lazy-server-del", False, "Free values that a command overwrites in the background."),
    yes_no("lazyfree-lazy-user-del", False, "Let DEL behave as UNLINK."),
    yes_no("lazyfree-lazy-user-flush", False, "Let FLUSHALL and FLUSHDB without an option behave as with ASYNC."),
]

ENCODINGS: Final[list[Directive]] = [
    integer(
        "hash-max-listpack-entries",
        512,
        "Fields up to which a hash is one compact blob.",
        alias="hash-max-ziplist-entries",
        high=INT64_MAX,
    ),
    memory(
        "hash-max-listpack-value",
        64,
        "Length of a field or value up to which a hash is one compact blob.",
        alias="hash-max-ziplist-value",
    ),
    integer(
        "list-max-listpack-size",
        -2,
        "Size of a list's blocks: positive counts elements, -1 to -5 mean 4, 8, 16, 32, 64 kb.",
        alias="list-max-ziplist-size",
        low=INT_MIN,
    ),
    integer(
        "list-compress-depth",
        0,
        "Blocks at each end of a list that stay uncompressed; 0 compresses none. No block is compressed yet.",
        NO_MEANING,
    ),
    integer("set-max-intset-entries", 512, "Members up to which a set of integers is one sorted blob.", high=INT64_MAX),
    integer("set-max-listpack-entries", 128, "Members up to which any other set is one compact blob.", high=INT64_MAX),
    integer("set-max-listpack-value", 64, "Length of a member up to which that holds.", high=INT64_MAX),
    integer(
        "zset-max-listpack-entries",
        128,
        "Members up to which a sorted set is one compact blob.",
        alias="zset-max-ziplist-entries",
        high=INT64_MAX,
    ),
    memory(
        "zset-max-listpack-value",
        64,
        "Length of a member up to which a sorted set is one compact blob.",
        alias="zset-max-ziplist-value",
    ),
    memory("hll-sparse-max-bytes", 3000, "Size up to which a HyperLogLog stays in its sparse form."),
    memory("stream-node-max-bytes", 4096, "Size of a stream's blocks; 0 is no limit."),
    integer("stream-node-max-entries", 100, "Entries in a stream's block; 0 is no limit.", high=INT64_MAX),
]

ALLOCATOR: Final[list[Directive]] = [
    yes_no(
        "activerehashing",
        True,
        "Grow tables in idle time. Tables here grow a segment at a time and have nothing to catch up on.",
        NO_MEANING,
    ),
    yes_no("jemalloc-bg-thread", True, f"Let jemalloc give memory back in the background. {_ALLOCATOR}", NO_MEANING),
    special("activedefrag", YesNo(_NO_DEFRAGMENTATION), False, f"Move values to close gaps. {_ALLOCATOR}"),
    integer(
        "active-defrag-cycle-min",
        1,
        "Least effort in percent of a processor. See activedefrag.",
        NO_MEANING,
        low=1,
        high=99,
    ),
    integer(
        "active-defrag-cycle-max",
        25,
        "Most effort in percent of a processor. See activedefrag.",
        NO_MEANING,
        low=1,
        high=99,
    ),
    integer(
        "active-defrag-threshold-lower", 10, "Percent of waste to start at. See activedefrag.", NO_MEANING, high=1000
    ),
    integer(
        "active-defrag-threshold-upper",
        100,
        "Percent of waste for most effort. See activedefrag.",
        NO_MEANING,
        high=1000,
    ),
    memory("active-defrag-ignore-bytes", 100 << 20, "Bytes of waste to start at. See activedefrag.", NO_MEANING, low=1),
    integer(
        "active-defrag-max-scan-fields",
        1000,
        "Elements of a value to handle at once. See activedefrag.",
        NO_MEANING,
        low=1,
        high=INT64_MAX,
    ),
]
