"""A snapshot written in slices holds the dataset of its beginning, whatever is written meanwhile."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hognose.persistence.rdb_reader import NO_LIMIT
from tests.inprocess import InProcessClient, InProcessServer

KEYS = [f"key{number}" for number in range(30)]


def commands(draw: random.Random) -> list[str | int | float]:
    """A command that changes something, with every type and every way to lose or move a key."""
    key, other = draw.choice(KEYS), draw.choice(KEYS)
    number = draw.randrange(1000)
    return draw.choice(
        [
            ["SET", key, number],
            ["SET", key, "x" * number],
            ["APPEND", key, "tail"],
            ["SETRANGE", key, 3, "range"],
            ["SETBIT", key, number, 1],
            ["INCR", key],
            ["INCRBYFLOAT", key, 0.5],
            ["DEL", key],
            ["UNLINK", key],
            ["RENAME", key, other],
            ["COPY", key, other, "REPLACE"],
            ["MOVE", key, 1],
            ["SWAPDB", 0, draw.randrange(3)],
            ["PEXPIREAT", key, 4102444800000 + number],
            ["PEXPIREAT", key, 1],
            ["PERSIST", key],
            ["GETEX", key, "PXAT", 4102444800000 + number],
            ["RPUSH", key, number, "element"],
            ["LPOP", key],
            ["LSET", key, 0, "changed"],
            ["LMOVE", key, other, "LEFT", "RIGHT"],
            ["SADD", key, number, f"member{number}"],
            ["SPOP", key],
            ["HSET", key, f"field{number % 20}", number],
            ["HDEL", key, f"field{number % 20}"],
            ["HPEXPIREAT", key, 4102444800000 + number, "FIELDS", 1, f"field{number % 20}"],
            ["ZADD", key, number, f"member{number % 50}"],
            ["ZPOPMIN", key],
            ["ZINCRBY", key, 1.5, f"member{number % 50}"],
            ["XADD", key, "*", "field", number],
            ["XTRIM", key, "MAXLEN", 2],
            ["XGROUP", "CREATE", key, f"group{number % 3}", "0"],
            ["XREADGROUP", "GROUP", f"group{number % 3}", "consumer", "STREAMS", key, ">"],
            ["PFADD", key, number],
            ["PFCOUNT", key],
            ["SORT", key, "ALPHA", "STORE", other],
            ["SELECT", draw.randrange(2)],
        ]
    )


def fill(client: InProcessClient, draw: random.Random, count: int) -> None:
    for _ in range(count):
        client(*commands(draw))
    for database in range(3):
        client("SELECT", database)
        for number in range(draw.randrange(300)):
            client("SET", f"{database}:{number}", "v" * draw.randrange(60))
    client("SELECT", 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def debuggable_server() -> InProcessServer:
    """A server that lets DEBUG in."""
    server = InProcessServer()
    server.server.settings.enable_debug_command = "yes"
    return server


def cooperative_server() -> InProcessServer:
    server = debuggable_server()
    server.server.settings.snapshot_mode = "cooperative"
    for database in server.server.keyspace.databases:
        database.table.segment_entries = 16
    return server


def content(server: InProcessServer) -> list[object]:
    """What the dataset holds: a digest of everything, and of streams the groups as well."""
    client = server.client()
    found: list[object] = [client("DEBUG", "DIGEST")]
    for database in (0, 1, 2):
        client("SELECT", database)
        found += [client("XINFO", "STREAM", key, "FULL") for key in KEYS if client("TYPE", key) == b"stream"]
    return found


def finish(server: InProcessServer) -> None:
    """Writes what is left, and waits for the disk."""
    deadline = time.monotonic() + 20
    while server.server.snapshots.is_saving():
        assert time.monotonic() < deadline
        server.server.snapshots.step(NO_LIMIT)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_file_holds_the_dataset_of_the_beginning(folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    server = cooperative_server()
    client = server.client()
    fill(client, draw, draw.randrange(200))
    before = content(server)
    assert client("BGSAVE") == b"Background saving started"
    for _ in range(draw.randrange(300)):
        client(*commands(draw))
        for fresh in range(draw.choice([0, 0, 5])):
            client("SET", f"fresh:{draw.randrange(500)}", fresh)
        if draw.random() < 0.3:
            server.server.snapshots.step(0)
    finish(server)
    assert server.server.snapshots.last_ok
    for database in server.server.keyspace.databases:
        database.table.check_invariants()
        assert not any(segment.is_unsaved or segment.noted for segment in database.table.segments)
    other = debuggable_server()
    other.server.snapshots.load()
    assert content(other) == before


def test_memory_account_is_right_after_a_snapshot(folder: Path) -> None:
    server = cooperative_server()
    client = server.client()
    draw = random.Random(7)
    fill(client, draw, 300)
    client("BGSAVE")
    for _ in range(300):
        client(*commands(draw))
        server.server.snapshots.step(0)
    finish(server)
    client("FLUSHALL")
    assert server.server.keyspace.memory_bytes == 0


def test_emptied_database_has_the_snapshot_begin_anew(folder: Path) -> None:
    server = cooperative_server()
    client = server.client()
    fill(client, random.Random(1), 50)
    client("SELECT", 2)
    client("SET", "kept", "v")
    client("BGSAVE")
    server.server.snapshots.step(0)
    client("SELECT", 0)
    client("FLUSHDB")
    before = client("DEBUG", "DIGEST")
    server.server.snapshots.step(0)
    assert not server.server.snapshots.is_saving()
    server.server.cron.tick()
    finish(server)
    other = debuggable_server()
    other.server.snapshots.load()
    assert other.client()("DEBUG", "DIGEST") == before
    assert [path.name for path in folder.iterdir()] == ["dump.rdb"]


@pytest.mark.parametrize("mode", ["SYNC", "ASYNC"])
def test_emptying_an_empty_database_does_not_disturb_the_snapshot(folder: Path, mode: str) -> None:
    server = cooperative_server()
    client = server.client()
    fill(client, random.Random(1), 50)
    client("BGSAVE")
    server.server.snapshots.step(0)
    client("SELECT", 9)
    client("FLUSHDB", mode)
    server.server.snapshots.step(0)
    assert server.server.snapshots.is_saving()
    finish(server)


def test_given_up_snapshot_leaves_no_file_and_no_marks(folder: Path) -> None:
    server = cooperative_server()
    client = server.client()
    fill(client, random.Random(2), 50)
    client("BGSAVE")
    server.server.snapshots.step(0)
    server.server.snapshots.stop_child()
    assert list(folder.iterdir()) == []
    for database in server.server.keyspace.databases:
        assert not any(segment.is_unsaved or segment.noted for segment in database.table.segments)
        assert not database.table.keeps_segments


def test_disk_that_fails_is_reported_and_the_old_file_stays(folder: Path) -> None:
    server = cooperative_server()
    client = server.client()
    client("SET", "key", "value")
    (folder / "dump.rdb").mkdir()
    client("BGSAVE")
    finish(server)
    assert not server.server.snapshots.last_ok
    assert [path.name for path in folder.iterdir()] == ["dump.rdb"]


LARGE = 3000


def large_values(client: InProcessClient) -> None:
    """Values of every type that are written in parts."""
    for start in range(0, LARGE, 500):
        numbers = range(start, start + 500)
        client("RPUSH", "list", *[f"{number}:{'x' * 100}" for number in numbers])
        client("SADD", "set", *[f"member{number}" for number in numbers])
        client("HSET", "hash", *[word for number in numbers for word in (f"field{number}", number)])
        client("ZADD", "zset", *[word for number in numbers for word in (number / 7, f"member{number}")])
        for number in numbers:
            client("XADD", "stream", f"{number + 1}-1", "field", number)
    client("LSET", "list", 7, "y" * 100_000)
    client("XGROUP", "CREATE", "stream", "group", "0")
    client("XREADGROUP", "GROUP", "group", "consumer", "COUNT", 100, "STREAMS", "stream", ">")


@pytest.mark.parametrize(("name", "change"), [("set", "SREM"), ("hash", "HDEL"), ("zset", "ZREM")])
def test_a_large_value_behind_which_no_key_follows_is_saved_as_it_was(folder: Path, name: str, change: str) -> None:
    server = cooperative_server()
    client = server.client()
    large_values(client)
    client("DEL", *({"list", "set", "hash", "zset", "stream"} - {name}))
    before = client("DEBUG", "DIGEST")
    client("BGSAVE")
    assert server.server.snapshots.step(0)
    members = [f"field{number}" if name == "hash" else f"member{number}" for number in range(LARGE)]
    for start in range(0, LARGE - 100, 100):
        client(change, name, *members[start : start + 100])
        server.server.snapshots.step(0)
    finish(server)
    assert server.server.snapshots.last_ok
    other = debuggable_server()
    assert other.server.snapshots.load()
    assert other.client()("DEBUG", "DIGEST") == before


CHANGES: list[list[str | int | float]] = [
    ["LPOP", "list"],
    ["LSET", "list", 100, "changed"],
    ["SREM", "set", "member7"],
    ["SADD", "set", "fresh"],
    ["HSET", "hash", "field7", "changed"],
    ["HDEL", "hash", "field8"],
    ["ZINCRBY", "zset", 10_000, "member3"],
    ["ZPOPMAX", "zset"],
    ["XDEL", "stream", "7-1"],
    ["XADD", "stream", "*", "f", "v"],
    ["XACK", "stream", "group", "3-1"],
    ["DEL", "list"],
    ["RENAME", "zset", "other"],
    ["SET", "hash", "gone"],
    ["SET", "small", "changed"],
    ["INCR", "counter"],
]


@pytest.mark.parametrize("seed", range(3))
def test_large_values_are_written_in_parts_as_they_were(folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    server = cooperative_server()
    client = server.client()
    large_values(client)
    for number in range(300):
        client("SET", f"small{number}", number)
    client("SELECT", 1)
    client("SET", "elsewhere", 1)
    client("SELECT", 0)
    client("MSET", "small", "v", "counter", 1)
    names = ["list", "set", "hash", "zset", "stream"]
    before = [client("DEBUG", "DIGEST"), client("XINFO", "STREAM", "stream", "FULL")]
    client("BGSAVE")
    steps = 0
    for change in draw.sample(CHANGES, len(CHANGES)):
        client(*change)
        client("SET", f"small{draw.randrange(300)}", "changed")
        client("SELECT", draw.randrange(2))
        client("SET", "elsewhere", "changed")
        client("SELECT", 0)
        for _ in range(draw.randrange(40)):
            steps += server.server.snapshots.step(0)
    while server.server.snapshots.step(0):
        steps += 1
    assert steps > LARGE // 32, "written in few parts"
    finish(server)
    assert server.server.snapshots.last_ok
    other = debuggable_server()
    assert other.server.snapshots.load()
    reader = other.client()
    assert [reader("DEBUG", "DIGEST"), reader("XINFO", "STREAM", "stream", "FULL")] == before
    assert reader("EXISTS", *names) == len(names)
