"""A dataset with every type and encoding, and its content in a form that compares between servers of any age.

    fill(client, traits)              sets the keys, by commands that the server knows
    content(client, traits)           reads everything back, without what depends on the encoding or the moment

A client is anything that takes a command's words and returns the reply as hiredis reads it. `Traits` says what a server
of some version knows; what two servers exchange is compared by what both know.

Not here: the exchange itself (`tests/integration/test_data_exchange.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

Word = str | bytes | int | float
Ask = Callable[..., object]

FAR_MS: Final = 4102444800000
"""A deadline that no test lives to see."""
DATABASES: Final = (0, 9)
SMALL: Final = 5
LARGE: Final = 700
LIBRARY: Final = "#!lua name=exchange\nredis.register_function('answer', function() return 42 end)"
ROUNDED_MS: Final = 100_000
"""Where only the time to live can be asked for, deadlines are compared this roughly."""


@dataclass(frozen=True)
class Traits:
    """What a server knows of what this dataset may hold.

    Attributes:
        rdb: The newest RDB version it reads.
        field_deadlines: Whether fields of hashes can expire.
        functions: Whether it has FUNCTION.
        counts_entries: Whether streams count the entries ever added (since 7.0).
        active_times: Whether consumers have an active time (since 7.2).
        exact_deadlines: Whether it has PEXPIRETIME.
        seen_times: Whether it is kept when consumers were seen; append-only files do not tell.
    """

    rdb: int
    field_deadlines: bool = False
    functions: bool = True
    counts_entries: bool = True
    active_times: bool = True
    exact_deadlines: bool = True
    seen_times: bool = True

    def common(self, other: "Traits") -> "Traits":
        """What both know."""
        return Traits(
            min(self.rdb, other.rdb),
            self.field_deadlines and other.field_deadlines,
            self.functions and other.functions,
            self.counts_entries and other.counts_entries,
            self.active_times and other.active_times,
            self.exact_deadlines and other.exact_deadlines,
            self.seen_times and other.seen_times,
        )


TRAITS: Final[Mapping[str, Traits]] = {
    "redis-6.2": Traits(9, functions=False, counts_entries=False, active_times=False, exact_deadlines=False),
    "redis-7.0": Traits(10, active_times=False),
    "redis-8.2": Traits(12, field_deadlines=True),
    "valkey-9.1": Traits(80, field_deadlines=True),
}


def fill(ask: Ask, traits: Traits) -> None:
    """Sets the keys."""
    for commands in (_strings(), _lists(), _sets(), _hashes(), _zsets(), _streams()):
        for command in commands:
            ask(*command)
    if traits.field_deadlines:
        for key in ("hash:small", "hash:large"):
            ask("HPEXPIREAT", key, FAR_MS, "FIELDS", 2, "f0", "f2")
            ask("HPEXPIREAT", key, FAR_MS + 5000, "FIELDS", 1, "f1")
    ask("SELECT", DATABASES[1])
    ask("SET", "elsewhere", "x")
    ask("SET", "volatile", "v", "PX", 10**9)
    ask("PEXPIREAT", "volatile", FAR_MS)
    ask("SELECT", 0)


def _strings() -> list[tuple[Word, ...]]:
    source = Random(1)
    numbers = (0, 1, -1, 127, -128, 128, -32768, 40000, 2**31 - 1, -(2**31), 2**31, -(2**63), 2**63 - 1)
    texts: list[bytes] = [
        b"",
        b"hello",
        b"x" * 44,
        b"y" * 45,
        b"ab" * 9000,
        source.randbytes(20_000),
        b"\x00\xff" * 21,
        b"-0",
        b"007",
        b"9223372036854775808",
    ]
    return [
        *[("SET", f"number:{number}", number) for number in numbers],
        *[("SET", f"text:{index}", text) for index, text in enumerate(texts)],
        ("SET", b"binary\x00\r\nkey\xff", "v"),
        ("SET", "expires", "v", "PX", 10**9),
        ("PEXPIREAT", "expires", FAR_MS),
        ("SETBIT", "bitmap", 100_000, 1),
        ("PFADD", "hll:sparse", "a", "b", "c"),
        *[("PFADD", "hll:dense", *[f"{part}:{index}" for index in range(500)]) for part in range(12)],
        ("APPEND", "grown", "1"),
        ("APPEND", "grown", "2"),
    ]


def _lists() -> list[tuple[Word, ...]]:
    return [
        ("RPUSH", "list:small", "a", 12, -5_000_000_000, "", "b" * 70),
        ("RPUSH", "list:large", *[f"element {index} " * 20 for index in range(LARGE)]),
        ("RPUSH", "list:integers", *range(-LARGE, LARGE)),
        ("RPUSH", "list:huge", "small", "h" * 20_000, bytes(range(256)) * 300, "small"),
    ]


def _sets() -> list[tuple[Word, ...]]:
    return [
        ("SADD", "set:int16", 1, -300, 30000),
        ("SADD", "set:int32", 1, -70000),
        ("SADD", "set:int64", 1, 2**40),
        ("SADD", "set:small", "a", "b", 3, ""),
        ("SADD", "set:long", "m" * 100),
        ("SADD", "set:large", *[f"member {index}" for index in range(LARGE)]),
        ("SADD", "set:integers", *range(LARGE)),
    ]


def _hashes() -> list[tuple[Word, ...]]:
    pairs = [part for index in range(LARGE) for part in (f"f{index}", index * 7)]
    return [
        ("HSET", "hash:small", *pairs[: 2 * SMALL], "", "empty field", "text", "x" * 60),
        ("HSET", "hash:large", *pairs, "long", "v" * 500),
        ("HSET", "hash:long", "f", "v" * 100),
    ]


def _zsets() -> list[tuple[Word, ...]]:
    scores = ["-inf", "-1.5", "0", "3", "0.1", "1e300", "5e-324", "4503599627370496.5", "inf"]
    small = [part for index, score in enumerate(scores) for part in (score, f"m{index}")]
    return [
        ("ZADD", "zset:small", *small),
        ("ZADD", "zset:ties", 1, "b", 1, "a", 1, "c"),
        ("ZADD", "zset:large", *[part for index in range(LARGE) for part in (index / 8, f"m{index}")], *small),
        ("GEOADD", "geo", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"),
    ]


def _streams() -> list[tuple[Word, ...]]:
    return [
        *[("XADD", "stream", f"{index}-{index}", "f", f"value {index}", "n", index) for index in range(1, 250)],
        ("XDEL", "stream", "7-7", "249-249"),
        ("XADD", "stream", "300-0", "other", "x"),
        ("XTRIM", "stream", "MINID", "=", "3"),
        ("XGROUP", "CREATE", "stream", "group", 0),
        ("XGROUP", "CREATE", "stream", "late", "$"),
        ("XGROUP", "CREATECONSUMER", "stream", "group", "idle"),
        ("XREADGROUP", "GROUP", "group", "alice", "COUNT", 3, "STREAMS", "stream", ">"),
        ("XREADGROUP", "GROUP", "group", "bob", "COUNT", 2, "STREAMS", "stream", ">"),
        ("XACK", "stream", "group", "4-4"),
        ("XCLAIM", "stream", "group", "bob", 0, "3-3", "TIME", 1_600_000_000_000, "RETRYCOUNT", 7),
        ("XADD", "stream:emptied", "5-1", "a", "b"),
        ("XDEL", "stream:emptied", "5-1"),
        ("XGROUP", "CREATE", "stream:created", "group", "$", "MKSTREAM"),
    ]


# Reading back


def content(ask: Ask, traits: Traits, databases: Iterable[int] = DATABASES) -> dict[object, object]:
    """What a server holds, by database and key.

    Args:
        ask: The server.
        traits: What is compared; see `Traits.common`.
        databases: Those to look into.
    """
    found: dict[object, object] = {}
    for index in databases:
        ask("SELECT", index)
        for key in _list(ask("KEYS", "*")):
            assert isinstance(key, bytes)
            found[index, key] = key_content(ask, key, traits)
    ask("SELECT", 0)
    return found


def key_content(ask: Ask, key: bytes, traits: Traits) -> tuple[object, ...]:
    """What one key holds: type, deadline, elements."""
    kind = ask("TYPE", key)
    return kind, _deadline(ask, key, traits), READERS[kind](ask, key, traits)


def _list(reply: object) -> list[object]:
    assert isinstance(reply, list), reply
    return reply


def _deadline(ask: Ask, key: bytes, traits: Traits) -> object:
    if traits.exact_deadlines:
        return ask("PEXPIRETIME", key)
    left = ask("PTTL", key)
    assert isinstance(left, int)
    seconds, microseconds = _list(ask("TIME"))
    now_ms = int(str(seconds, "ascii")) * 1000 + int(str(microseconds, "ascii")) // 1000  # type: ignore[call-overload]
    return round((now_ms + left) / ROUNDED_MS) if left >= 0 else left


def _read_string(ask: Ask, key: bytes, traits: Traits) -> object:
    return ask("GET", key)


def _read_list(ask: Ask, key: bytes, traits: Traits) -> object:
    return ask("LRANGE", key, 0, -1)


def _read_set(ask: Ask, key: bytes, traits: Traits) -> object:
    return frozenset(_list(ask("SMEMBERS", key)))


def _read_hash(ask: Ask, key: bytes, traits: Traits) -> object:
    flat = _list(ask("HGETALL", key))
    fields = flat[::2]
    deadlines: list[object] = [None] * len(fields)
    if traits.field_deadlines:
        deadlines = _list(ask("HPEXPIRETIME", key, "FIELDS", len(fields), *fields))
    return {field: (flat[2 * index + 1], deadlines[index]) for index, field in enumerate(fields)}


def _read_zset(ask: Ask, key: bytes, traits: Traits) -> object:
    flat = _list(ask("ZRANGE", key, 0, -1, "WITHSCORES"))
    scores = [float(str(score, "ascii")) for score in flat[1::2]]  # type: ignore[call-overload]
    return list(zip(flat[::2], scores, strict=True))  # how scores are printed changed with 7.2


def _read_stream(ask: Ask, key: bytes, traits: Traits) -> object:
    about = _as_map(ask("XINFO", "STREAM", key, "FULL", "COUNT", 0))
    dropped = {b"radix-tree-keys", b"radix-tree-nodes", b"idmp-duration", b"idmp-maxsize"}
    if not traits.counts_entries:
        dropped |= {b"max-deleted-entry-id", b"entries-added", b"recorded-first-entry-id", b"entries-read", b"lag"}
    if not traits.seen_times:
        dropped |= {b"seen-time", b"active-time"}
    if not traits.active_times:
        dropped.add(b"active-time")
    groups = []
    for group in map(_as_map, _list(about[b"groups"])):
        group[b"consumers"] = [_without(_as_map(consumer), dropped) for consumer in _list(group[b"consumers"])]
        groups.append(_without(group, dropped))
    about[b"groups"] = groups
    return _without(about, dropped)


def _as_map(reply: object) -> dict[object, object]:
    flat = _list(reply)
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _without(mapping: dict[object, object], dropped: set[bytes]) -> dict[object, object]:
    return {name: item for name, item in mapping.items() if name not in dropped}


READERS: Final[Mapping[object, Callable[[Ask, bytes, Traits], object]]] = {
    b"string": _read_string,
    b"list": _read_list,
    b"set": _read_set,
    b"hash": _read_hash,
    b"zset": _read_zset,
    b"stream": _read_stream,
}
