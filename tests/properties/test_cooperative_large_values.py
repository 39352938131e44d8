"""Values that a snapshot in slices writes over many steps are saved as they were, whatever becomes of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hognose.datastructures.bloom import BloomFilter
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.zset import ZSetValue
from hognose.persistence.cooperative import CooperativeSnapshot
from hognose.persistence.note_value import MANY_BYTES, MANY_ELEMENTS
from tests.inprocess import InProcessClient, InProcessServer
from tests.properties.test_cooperative_snapshot import cooperative_server, debuggable_server, finish

MANY = MANY_ELEMENTS + 200
LONG = 2 * MANY_BYTES + 5
FAR_MS = 4102444800000
HASHES = ["hash", "fading"]
NAMES = ["set", *HASHES, "zset", "equal", "text", "grown", "holder", "list", "stream", "sketch"]
SCORES = [0.0, -0.0, 1.5, -1.5, float("inf"), float("-inf"), 7.25]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def value_at(server: InProcessServer, key: str) -> object:
    return server.server.keyspace.databases[0].table.get(key.encode())


def small_segments(server: InProcessServer, key: str) -> None:
    """Has a hash, set or sorted set consist of many segments."""
    value = value_at(server, key)
    assert isinstance(value, (HashValue, SetValue, ZSetValue))
    table = value.table()
    assert table is not None
    table.segment_entries = 8


def fill(server: InProcessServer, draw: random.Random, names: list[str]) -> None:
    """Makes large values of the given names."""
    client = server.client()
    numbers = range(MANY)
    if "set" in names:
        client("SADD", "set", "x" * 100)
        small_segments(server, "set")
        client("SADD", "set", *[f"member{number}" for number in numbers])
    for name in HASHES:
        if name in names:
            client("HSET", name, "long", "x" * 100)
            small_segments(server, name)
            client("HSET", name, *[word for number in numbers for word in (f"field{number}", number)])
    if "fading" in names:
        for number in range(0, MANY, 3):
            client("HPEXPIREAT", "fading", FAR_MS + draw.randrange(10**6), "FIELDS", 1, f"field{number}")
    for name in ("zset", "equal"):
        if name in names:
            client("ZADD", name, 0, "x" * 100)
            small_segments(server, name)
            scores = [number / 7 if name == "zset" else draw.choice(SCORES) for number in numbers]
            client("ZADD", name, *[word for number in numbers for word in (scores[number], f"member{number}")])
    if "text" in names:
        client("SET", "text", "t" * LONG)
    if "grown" in names:
        client("SET", "grown", draw.randbytes(LONG))
        client("APPEND", "grown", "tail")
    if "holder" in names:
        client("HSET", "holder", "short", 1, "long", "l" * LONG, "L" * LONG, "long field", "end", "s")
        client("HPEXPIREAT", "holder", FAR_MS, "FIELDS", 1, "long")
    if "list" in names:
        client("CONFIG", "SET", "list-max-listpack-size", 4)
        client("RPUSH", "list", *[f"{number}{'e' * 300}" for number in range(MANY)], "p" * LONG, "last")
    if "stream" in names:
        client("CONFIG", "SET", "stream-node-max-entries", 10)
        for number in range(MANY):
            client("XADD", "stream", f"{number + 1}-1", "field", "v" * 100)
        client("XGROUP", "CREATE", "stream", "group", "0")
        for consumer in ("one", "two", "three"):
            client("XREADGROUP", "GROUP", "group", consumer, "COUNT", MANY // 3, "STREAMS", "stream", ">")
    if "sketch" in names:
        client("BF.RESERVE", "sketch", 0.001, 200_000)
        client("BF.MADD", "sketch", *numbers)


def change(draw: random.Random) -> list[str | int | float]:
    """A command that changes a part of some large value, or all of it."""
    number = draw.randrange(MANY)
    key, other = draw.choice(NAMES), draw.choice([*NAMES, "elsewhere"])
    of_parts: list[list[str | int | float]] = [
        ["SADD", "set", f"fresh{number}"],
        ["SREM", "set", *[f"member{number + each}" for each in range(draw.choice([1, 300]))]],
        ["SPOP", "set", draw.choice([1, 50])],
        ["SMOVE", "set", "elsewhere", f"member{number}"],
        ["HSET", draw.choice(HASHES), f"field{number}", "changed"],
        ["HSET", draw.choice(HASHES), f"fresh{number}", "fresh"],
        ["HDEL", draw.choice(HASHES), *[f"field{number + each}" for each in range(draw.choice([1, 300]))]],
        ["HPEXPIREAT", draw.choice(HASHES), FAR_MS - number, "FIELDS", 1, f"field{number}"],
        ["HPEXPIREAT", draw.choice(HASHES), 1, "FIELDS", 1, f"field{number}"],
        ["HPERSIST", "fading", "FIELDS", 1, f"field{number // 3 * 3}"],
        ["HINCRBY", "hash", f"field{number}", 1],
        ["ZADD", draw.choice(["zset", "equal"]), draw.choice(SCORES), f"member{number}"],
        ["ZADD", draw.choice(["zset", "equal"]), number, f"fresh{number}"],
        ["ZINCRBY", draw.choice(["zset", "equal"]), draw.choice([-50, 0.5, 1000]), f"member{number}"],
        ["ZREM", draw.choice(["zset", "equal"]), f"member{number}"],
        ["ZREMRANGEBYRANK", draw.choice(["zset", "equal"]), number // 2, number],
        ["ZPOPMAX", draw.choice(["zset", "equal"]), 5],
        ["ZPOPMIN", draw.choice(["zset", "equal"]), 5],
        ["SETRANGE", "grown", draw.randrange(LONG), "changed"],
        ["APPEND", draw.choice(["grown", "text"]), "more"],
        ["SETBIT", draw.choice(["grown", "text"]), draw.randrange(8 * LONG), 1],
        ["BITFIELD", "grown", *[word for _ in range(3) for word in ("SET", "u40", draw.randrange(9 * LONG), 12345)]],
        ["SETRANGE", "grown", draw.randrange(2 * LONG), "v" * draw.choice([5, LONG // 2])],
        ["HSET", "holder", draw.choice(["short", "long", "L" * LONG]), "changed"],
        [draw.choice(["LPOP", "RPOP"]), "list", draw.choice([1, 100])],
        [draw.choice(["LPUSH", "RPUSH"]), "list", *["fresh"] * draw.choice([1, 100])],
        ["LSET", "list", number // 2, "changed"],
        ["LINSERT", "list", "BEFORE", f"{number}{'e' * 300}", "fresh"],
        ["LREM", "list", draw.choice([-1, 1]), f"{number}{'e' * 300}"],
        ["LTRIM", "list", draw.choice([0, 1, 60]), draw.choice([-1, -2, -60])],
        ["LRANGE", "list", number, number + 9],
        ["XDEL", "stream", *[f"{number + each}-1" for each in range(draw.choice([1, 30]))]],
        ["XADD", "stream", "*", "field", "fresh"],
        ["XADD", "stream", "*", "field", "fresh", "other", "field"],
        ["XTRIM", "stream", "MAXLEN", draw.choice(["=", "~"]), MANY - draw.randrange(300)],
        ["XTRIM", "stream", "MINID", f"{number // 4}-1"],
        ["XACK", "stream", "group", *[f"{number + each}-1" for each in range(draw.choice([1, 20]))]],
        ["XCLAIM", "stream", "group", draw.choice(["one", "new"]), 0, f"{number}-1", f"{number + 1}-1"],
        ["XREADGROUP", "GROUP", "group", "one", "COUNT", 20, "STREAMS", "stream", draw.choice([">", "0", number])],
        ["XGROUP", "DELCONSUMER", "stream", "group", draw.choice(["one", "two"])],
        ["XGROUP", "DESTROY", "stream", "group"],
        ["XGROUP", "CREATE", "stream", "group", "0"],
        ["BF.MADD", "sketch", *[f"fresh{number + each}" for each in range(draw.choice([1, 30]))]],
    ]
    of_all: list[list[str | int | float]] = [
        ["DEL", key],
        ["UNLINK", key],
        ["RENAME", key, other],
        ["COPY", key, other, "REPLACE"],
        ["COPY", other, key, "REPLACE"],
        ["MOVE", key, 1],
        ["SET", key, "overwritten"],
        ["PEXPIREAT", key, 1],
        ["PEXPIREAT", key, FAR_MS],
        ["SUNIONSTORE", other, "set"],
        ["ZUNIONSTORE", other, 2, "zset", "equal"],
        ["SWAPDB", 0, 1],
    ]
    return draw.choice(of_parts if draw.random() < 0.8 else of_all)


def content(server: InProcessServer) -> list[object]:
    """What the large values are, deadlines of fields and groups of streams as well."""
    client = server.client()
    found: list[object] = [client("DEBUG", "DIGEST")]
    found.extend(client("DEBUG", "DIGEST-VALUE", name) for name in NAMES)
    for name in (*HASHES, "holder"):
        fields = client("HKEYS", name)
        assert isinstance(fields, list)
        if fields:
            found.append(dict(zip(fields, client("HPEXPIRETIME", name, "FIELDS", len(fields), *fields), strict=True)))  # type: ignore[arg-type]
    if client("EXISTS", "stream"):
        found.append(client("XINFO", "STREAM", "stream", "FULL", "COUNT", 0))
    found.append(client("DUMP", "sketch"))
    return found


def free_some(server: InProcessServer, steps: int) -> None:
    """Frees what was unlinked, for a while."""
    lazyfree = server.server.keyspace.lazyfree
    for _ in range(steps):
        if lazyfree.has_more():
            lazyfree.step()


def check_that_nobody_watches(server: InProcessServer) -> None:
    for database in server.server.keyspace.databases:
        keys = database.table.keys()
        for key in keys:
            value = database.table.get(key)
            if isinstance(value, (HashValue, SetValue, ZSetValue)):
                table = value.table()
                assert table is None or table.watcher is None
                value.check_invariants()
            if isinstance(value, ListValue):
                row = value.row()
                assert row is None or row.watcher is None
            if isinstance(value, StreamValue):
                assert value.watcher is None
            if isinstance(value, BloomFilter):
                assert all(layer.watcher is None for layer in value.layers)


@pytest.mark.parametrize("version", [9, 11, 80])
@pytest.mark.parametrize("seed", range(5))
def test_large_values_are_saved_as_they_were(folder: Path, version: int, seed: int) -> None:
    draw = random.Random(seed)
    server = cooperative_server()
    server.server.settings.rdb_version = version
    names = draw.sample(NAMES, draw.randrange(2, len(NAMES) + 1))
    fill(server, draw, names)
    client = server.client()
    for number in range(100):
        client("SET", f"small{number}", "s" * draw.choice([3, 5000]))
    before = content(server)
    client("BGSAVE")
    for _ in range(draw.randrange(300)):
        client(*change(draw))
        client("SET", f"small{draw.randrange(100)}", "changed")
        free_some(server, draw.choice([0, 0, 30]))
        for _ in range(draw.choice([0, 1, 5])):
            server.server.snapshots.step(0)
    finish(server)
    assert server.server.snapshots.last_ok
    check_that_nobody_watches(server)
    other = debuggable_server()
    other.server.settings.rdb_version = version
    assert other.server.snapshots.load()
    assert content(other) == before


def some_steps(server: InProcessServer, count: int) -> None:
    for _ in range(count):
        assert server.server.snapshots.step(0)


ONE_CHANGE: dict[str, list[str]] = {
    "set": ["SREM", "set", "member7"],
    "hash": ["HSET", "hash", "field7", "changed"],
    "fading": ["HPEXPIREAT", "fading", str(FAR_MS), "FIELDS", "1", "field7"],
    "zset": ["ZADD", "zset", "-5", "member7"],
}


@pytest.mark.parametrize("name", ONE_CHANGE)
@pytest.mark.parametrize("steps", [0, 1, 9])
def test_one_change_notes_a_few_segments_and_not_the_value(folder: Path, name: str, steps: int) -> None:
    server = cooperative_server()
    fill(server, random.Random(1), [name])
    client = server.client()
    before = content(server)
    client("BGSAVE")
    some_steps(server, steps)
    slices = server.server.snapshots._slices
    assert isinstance(slices, CooperativeSnapshot)
    noted = slices._notes.used_bytes
    client(*ONE_CHANGE[name])
    assert slices._notes.used_bytes - noted <= 3 * 32 * 40, "three segments"
    finish(server)
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert content(other) == before


IN_PLACE: dict[str, list[str]] = {
    "SETBIT": ["SETBIT", "grown", str(8 * (LONG - 3000)), "1"],
    "SETRANGE": ["SETRANGE", "grown", str(LONG - 3000), "short"],
    "BITFIELD": ["BITFIELD", "grown", "SET", "u8", str(8 * (LONG - 3000)), "1"],
    "beyond the end": ["SETRANGE", "grown", str(LONG + 3000), "short"],
    "APPEND": ["APPEND", "grown", "more"],
    "RENAME": ["RENAME", "grown", "elsewhere"],
    "DEL": ["DEL", "grown"],
}


def test_change_of_a_filter_notes_a_page_for_each_bit_and_not_the_filter(folder: Path) -> None:
    server = cooperative_server()
    fill(server, random.Random(1), ["sketch"])
    client = server.client()
    before = content(server)
    client("BGSAVE")
    some_steps(server, 2)
    slices = server.server.snapshots._slices
    assert isinstance(slices, CooperativeSnapshot)
    client("BF.ADD", "sketch", "fresh")
    assert 0 < slices._notes.used_bytes <= 11 * 5000
    client("RENAME", "sketch", "elsewhere")
    client("BF.ADD", "elsewhere", "fresher")
    assert slices._notes.used_bytes <= 22 * 5000
    finish(server)
    check_that_nobody_watches(server)
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert content(other) == before


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("steps", [0, 2])
def test_change_of_a_string_in_place_notes_two_pages_and_not_the_string(folder: Path, name: str, steps: int) -> None:
    server = cooperative_server()
    fill(server, random.Random(1), ["grown"])
    client = server.client()
    before = content(server)
    client("BGSAVE")
    some_steps(server, steps)
    slices = server.server.snapshots._slices
    assert isinstance(slices, CooperativeSnapshot)
    client(*IN_PLACE[name])
    client("SETBIT", "elsewhere", 8 * (LONG - 6000), 1)
    assert slices._notes.used_bytes <= 2 * 5000
    finish(server)
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert content(other) == before


def test_sorted_set_that_does_not_change_is_written_from_the_highest_rank_down(folder: Path) -> None:
    server = cooperative_server()
    fill(server, random.Random(1), ["zset"])
    server.client()("BGSAVE")
    finish(server)
    file = (folder / "dump.rdb").read_bytes()
    places = [
        file.index(b"\x0amember%d" % number if number > 999 else b"\x09member%d" % number)
        for number in (1100, 600, 200)
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["text", "grown", "holder", "list"])
def test_long_strings_are_written_in_pieces(folder: Path, name: str) -> None:
    server = cooperative_server()
    fill(server, random.Random(1), [name])
    before = content(server)
    server.client()("BGSAVE")
    steps = 0
    while server.server.snapshots.step(0):
        steps += 1
    assert steps > 2 * MANY_BYTES // 65536
    finish(server)
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert content(other) == before


@pytest.mark.parametrize("flush", ["FLUSHDB", "FLUSHDB ASYNC", "FLUSHALL", "FLUSHALL ASYNC"])
def test_flush_amid_large_values_leaves_no_watchers_and_no_file_of_them(folder: Path, flush: str) -> None:
    server = cooperative_server()
    fill(server, random.Random(1), NAMES)
    client = server.client()
    client("SELECT", 1)
    client("SET", "kept", "v")
    client("BGSAVE")
    some_steps(server, 50)
    client("SELECT", 0)
    client(*flush.split())
    free_some(server, 1000)
    fill(server, random.Random(2), ["set", "zset"])
    before = content(server)
    for _ in range(3):
        server.server.snapshots.step(0)
        server.server.cron.tick()
    if not server.server.snapshots.is_saving():
        client("BGSAVE")
    finish(server)
    check_that_nobody_watches(server)
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert content(other) == before


def replace_many(client: InProcessClient, count: int, size: int) -> None:
    client("MSET", *[word for number in range(count) for word in (f"text{number}", "v" * size)])


def test_replaced_strings_of_some_size_are_kept_and_compressed_later(folder: Path) -> None:
    server = cooperative_server()
    client = server.client()
    replace_many(client, 50, 20_000)
    before = client("DEBUG", "DIGEST")
    client("BGSAVE")
    slices = server.server.snapshots._slices
    assert isinstance(slices, CooperativeSnapshot)
    replace_many(client, 50, 10)
    assert len(slices._sink.out) < 5000
    finish(server)
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert other.client()("DEBUG", "DIGEST") == before


def test_del_frees_in_slices_what_a_snapshot_may_still_hold(folder: Path) -> None:
    server = cooperative_server()
    fill(server, random.Random(1), ["set"])
    client = server.client()
    before = content(server)
    client("BGSAVE")
    some_steps(server, 5)
    client("DEL", "set")
    assert server.server.keyspace.lazyfree.has_more()
    free_some(server, 10 * MANY)
    assert not server.server.keyspace.lazyfree.has_more()
    finish(server)
    client("SADD", "set", *range(MANY))
    client("DEL", "set")
    assert not server.server.keyspace.lazyfree.has_more()
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert content(other) == before
