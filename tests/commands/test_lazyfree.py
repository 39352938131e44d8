"""Freeing in slices: what waits, what is counted, and that all of it goes."""

from __future__ import annotations

import pytest

from hognose.keyspace.lazyfree import ALWAYS, WORTHWHILE, LazyFree
from tests.inprocess import InProcessClient, InProcessServer

MEMBERS = 5000
"""More than `ALWAYS`, in every type that has so many parts."""

LARGE = ["zset", "hash", "set", "list", "stream", "pending"]


@pytest.fixture
def server() -> InProcessServer:
    running = InProcessServer()
    running.server.settings.enable_debug_command = "yes"
    return running


@pytest.fixture
def client(server: InProcessServer) -> InProcessClient:
    return server.client()


def make(client: InProcessClient, kind: str, key: str, count: int = MEMBERS) -> None:
    """A value with so many parts."""
    numbers = range(count)
    if kind == "zset":
        client("ZADD", key, *(word for number in numbers for word in (number, f"member:{number}")))
    elif kind == "hash":
        client("HSET", key, *(word for number in numbers for word in (f"field:{number}", "value")))
    elif kind == "set":
        client("SADD", key, *(f"member:{number}" for number in numbers))
    elif kind == "list":
        client("CONFIG", "SET", "list-max-listpack-size", "1")
        client("RPUSH", key, *numbers)
    else:
        client("CONFIG", "SET", "stream-node-max-entries", "1")
        for number in numbers:
            client("XADD", key, f"{number + 1}-0", "field", "value")
        if kind == "pending":
            client("XGROUP", "CREATE", key, "group", "0")
            client("XREADGROUP", "GROUP", "group", "alice", "COUNT", count // 2, "STREAMS", key, ">")
            client("XREADGROUP", "GROUP", "group", "bob", "STREAMS", key, ">")


def lazyfree(server: InProcessServer) -> LazyFree:
    return server.server.keyspace.lazyfree


def run(server: InProcessServer) -> int:
    """Frees everything that waits; returns in how many steps."""
    steps = 0
    while lazyfree(server).has_more():
        lazyfree(server).step()
        steps += 1
    return steps


def info(client: InProcessClient, name: str) -> int:
    text = client("INFO", "memory")
    assert isinstance(text, bytes)
    fields = dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    return int(fields[name])


@pytest.mark.parametrize("kind", LARGE)
def test_unlink_takes_a_large_value_apart_step_by_step(
    server: InProcessServer, client: InProcessClient, kind: str
) -> None:
    empty = server.server.keyspace.used_memory()
    make(client, kind, "key")
    assert client("UNLINK", "key") == 1
    assert client("EXISTS", "key") == 0
    assert server.server.keyspace.used_memory() == empty
    assert info(client, "lazyfree_pending_objects") == 1
    assert lazyfree(server).pending_bytes > 10 * MEMBERS
    assert run(server) >= 4
    assert info(client, "lazyfree_pending_objects") == 0
    assert info(client, "lazyfreed_objects") == 1
    assert lazyfree(server).pending_bytes == 0


@pytest.mark.parametrize("kind", LARGE)
def test_no_step_frees_more_than_its_share(server: InProcessServer, client: InProcessClient, kind: str) -> None:
    make(client, kind, "key")
    value = server.server.keyspace.databases[0].peek(b"key")
    assert value is not None
    before = value.free_effort()  # type: ignore[attr-defined]
    assert value.take_apart(100)  # type: ignore[attr-defined]
    assert before == value.free_effort() or before - value.free_effort() < 2000  # type: ignore[attr-defined]


def test_small_values_and_strings_are_freed_at_once(server: InProcessServer, client: InProcessClient) -> None:
    client("SET", "string", "x" * 100_000)
    client("RPUSH", "list", *range(WORTHWHILE))
    client("HSET", "hash", "field", "v" * 100)
    assert client("UNLINK", "string", "list", "hash") == 3
    assert not lazyfree(server).has_more()
    assert info(client, "lazyfreed_objects") == 0


def test_del_frees_at_once_unless_it_is_told_to_behave_as_unlink(
    server: InProcessServer, client: InProcessClient
) -> None:
    make(client, "zset", "key")
    client("DEL", "key")
    assert not lazyfree(server).has_more()
    client("CONFIG", "SET", "lazyfree-lazy-user-del", "yes")
    make(client, "zset", "key")
    client("DEL", "key")
    assert lazyfree(server).has_more()


@pytest.mark.parametrize(
    ("directive", "way"),
    [
        ("lazyfree-lazy-server-del", "overwritten"),
        ("lazyfree-lazy-server-del", "renamed over"),
        ("lazyfree-lazy-server-del", "stored over"),
        ("lazyfree-lazy-expire", "expired"),
        ("lazyfree-lazy-eviction", "evicted"),
    ],
)
@pytest.mark.parametrize(("count", "is_lazy_without"), [(1000, False), (MEMBERS, True)])
def test_what_the_server_drops_itself_is_freed_as_configured_and_in_slices_where_it_is_very_large(
    directive: str, way: str, count: int, is_lazy_without: bool
) -> None:
    for setting in ("yes", "no"):
        server = InProcessServer()
        client = server.client()
        client("CONFIG", "SET", directive, setting)
        client("SET", "other", "1")
        make(client, "hash", "key", count)
        drop(server, client, way)
        assert lazyfree(server).has_more() is (setting == "yes" or is_lazy_without)
        run(server)
        assert lazyfree(server).pending_bytes == 0
    assert count < ALWAYS or is_lazy_without


def drop(server: InProcessServer, client: InProcessClient, way: str) -> None:
    if way == "overwritten":
        client("SET", "key", "value")
    elif way == "renamed over":
        client("RENAME", "other", "key")
    elif way == "stored over":
        client("SUNIONSTORE", "key", "nothing")
    elif way == "expired":
        client("PEXPIRE", "key", 10)
        server.clock.advance(11)
        assert client("EXISTS", "key") == 0
    else:
        server.server.memory_limit.eviction.remove(server.server.keyspace.databases[0], b"key")


def test_a_key_that_overwrites_one_of_its_sources_keeps_its_members(
    server: InProcessServer, client: InProcessClient
) -> None:
    make(client, "set", "a")
    client("SADD", "b", "one", "two")
    assert client("SUNIONSTORE", "a", "a", "b") == MEMBERS + 2
    run(server)
    assert client("SCARD", "a") == MEMBERS + 2
    assert client("SISMEMBER", "a", "member:4999") == 1


@pytest.mark.parametrize("kind", LARGE)
def test_a_copy_survives_the_original(server: InProcessServer, client: InProcessClient, kind: str) -> None:
    make(client, kind, "key")
    client("COPY", "key", "twin")
    before = client("DEBUG", "DIGEST-VALUE", "twin")
    client("UNLINK", "key")
    run(server)
    assert client("DEBUG", "DIGEST-VALUE", "twin") == before


def test_flushall_async_empties_at_once_and_frees_later(server: InProcessServer, client: InProcessClient) -> None:
    empty = server.server.keyspace.used_memory()
    client("DEBUG", "POPULATE", 10_000)
    make(client, "zset", "large")
    client("HSET", "hash", "field", "value")
    client("HEXPIRE", "hash", 100, "FIELDS", 1, "field")
    full = server.server.keyspace.used_memory()
    assert client("FLUSHALL", "ASYNC") == b"OK"
    assert client("DBSIZE") == 0
    assert info(client, "lazyfree_pending_objects") == 10_002
    assert server.server.keyspace.used_memory() > full * 0.99  # still there, and still counted
    client("SET", "new", "value")
    assert run(server) >= 10
    assert client("GET", "new") == b"value"
    client("DEL", "new")
    assert server.server.keyspace.used_memory() == empty
    assert info(client, "lazyfreed_objects") == 10_002
    assert info(client, "lazyfree_pending_objects") == 0


def test_flushdb_async_leaves_the_other_databases(server: InProcessServer, client: InProcessClient) -> None:
    client("DEBUG", "POPULATE", 1000)
    client("SELECT", 1)
    client("SET", "key", "value")
    with_one = server.server.keyspace.memory_bytes
    client("SELECT", 0)
    client("FLUSHDB", "ASYNC")
    run(server)
    assert client("DBSIZE") == 0
    client("SELECT", 1)
    assert client("GET", "key") == b"value"
    assert 0 < server.server.keyspace.memory_bytes < with_one


def test_a_flush_without_a_word_follows_lazyfree_lazy_user_flush(
    server: InProcessServer, client: InProcessClient
) -> None:
    for setting, command, is_lazy in (
        ("no", ["FLUSHALL"], False),
        ("no", ["FLUSHDB", "ASYNC"], True),
        ("yes", ["FLUSHDB"], True),
        ("yes", ["FLUSHALL", "SYNC"], False),
    ):
        client("CONFIG", "SET", "lazyfree-lazy-user-flush", setting)
        client("DEBUG", "POPULATE", 100)
        client(*command)
        assert lazyfree(server).has_more() is is_lazy
        run(server)


def test_dead_data_goes_before_any_key_is_evicted_or_refused(server: InProcessServer, client: InProcessClient) -> None:
    client("DEBUG", "POPULATE", 10_000, "key", 100)
    client("FLUSHALL", "ASYNC")
    client("SET", "kept", "value")
    client("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "1mb")
    assert client("GET", "kept") == b"value"
    client("CONFIG", "SET", "maxmemory", "0")
    client("DEBUG", "POPULATE", 10_000, "key", 100)
    client("FLUSHALL", "ASYNC")
    client("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1mb")
    assert client("SET", "another", "value") == b"OK"


def test_the_cron_frees_where_no_event_loop_does(server: InProcessServer, client: InProcessClient) -> None:
    make(client, "set", "key")
    client("UNLINK", "key")
    server.server.cron.tick()
    assert not lazyfree(server).has_more()


def test_resetstat_forgets_what_was_freed(server: InProcessServer, client: InProcessClient) -> None:
    make(client, "set", "key")
    client("UNLINK", "key")
    run(server)
    client("CONFIG", "RESETSTAT")
    assert info(client, "lazyfreed_objects") == 0
