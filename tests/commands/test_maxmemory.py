"""maxmemory through an in-process connection."""

import pytest

from hognose.server.memory_limit import time_limit_us
from tests.inprocess import InProcessClient, InProcessServer


def limit_to(server: InProcessServer, client: InProcessClient, policy: str, extra_bytes: int) -> int:
    """Sets maxmemory to what is in use plus some; returns it."""
    text = client("INFO", "memory")
    assert isinstance(text, bytes)
    fields = dict(line.split(b":", 1) for line in text.split(b"\r\n") if b":" in line)
    limit = int(fields[b"used_memory"]) + extra_bytes
    client("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", limit)
    return limit


def test_commands_that_need_memory_are_refused_where_nothing_may_be_evicted(client: InProcessClient) -> None:
    client("SET", "k", "v")
    client("CONFIG", "SET", "maxmemory", 1)
    assert client.error("SET", "k", "w") == "OOM command not allowed when used memory > 'maxmemory'."
    assert client("GET", "k") == b"v"
    assert client("DEL", "k") == 1


def test_nothing_is_queued_while_memory_is_short(client: InProcessClient) -> None:
    client("SET", "a", 1)
    client("MULTI")
    client("GET", "a")
    client("CONFIG", "SET", "maxmemory", 0)
    assert client("EXEC") == [b"1", b"OK"]
    client("CONFIG", "SET", "maxmemory", 1)
    assert client("MULTI") == b"OK"
    for words in ("GET a", "EVAL x 0", "PING"):
        assert client.error(*words.split()).startswith("OOM command not allowed")
    assert client.error("EXEC").startswith("EXECABORT")
    client("MULTI")
    assert client("DISCARD") == b"OK"
    assert client("GET", "a") == b"1"


@pytest.mark.parametrize("policy", ["allkeys-random", "allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl"])
def test_memory_stays_below_the_limit(server: InProcessServer, client: InProcessClient, policy: str) -> None:
    limit = limit_to(server, client, policy, 100_000)
    for number in range(3000):
        assert client("SET", f"key:{number}", "x" * 100, "EX", 1000 + number) == b"OK"
    client("PING")
    assert server.server.keyspace.used_memory() + server.server.memory_limit.client_bytes <= limit
    assert server.server.keyspace.evicted_keys > 1000
    assert client("DBSIZE") == 3000 - server.server.keyspace.evicted_keys


def test_volatile_policies_spare_keys_without_a_deadline(server: InProcessServer, client: InProcessClient) -> None:
    for number in range(100):
        client("SET", f"keep:{number}", "x" * 100)
    limit_to(server, client, "volatile-lru", 50_000)
    for number in range(1000):
        client("SET", f"go:{number}", "x" * 100, "EX", 1000)
    assert client("EXISTS", *[f"keep:{number}" for number in range(100)]) == 100
    while client("DBSIZE") != 100:
        client("DEL", *client("KEYS", "go:*"))  # type: ignore[attr-defined]
    client("CONFIG", "SET", "maxmemory", 1)
    assert client.error("SET", "k", "v").startswith("OOM")


def test_nothing_is_evicted_during_a_pause(server: InProcessServer, client: InProcessClient) -> None:
    client("SET", "k", "v")
    client("CLIENT", "PAUSE", 1000, "WRITE")
    client("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "allkeys-lru")
    assert client("GET", "k") == b"v"
    client("CLIENT", "UNPAUSE")
    assert client("GET", "k") is None


def test_time_above_the_limit_is_counted(server: InProcessServer, client: InProcessClient) -> None:
    client("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "volatile-lru")
    client("SET", "k", "v")
    client("PING")
    server.clock.advance(500)
    text = client("INFO", "stats")
    assert isinstance(text, bytes)
    assert b"current_eviction_exceeded_time:500" in text
    client("CONFIG", "SET", "maxmemory", 0)
    text = client("INFO", "stats")
    assert isinstance(text, bytes)
    assert b"total_eviction_exceeded_time:500\r\ncurrent_eviction_exceeded_time:0" in text


def test_tenacity_sets_the_time_for_eviction() -> None:
    assert [time_limit_us(tenacity) for tenacity in (0, 5, 10, 11)] == [0, 250, 500, 575]
    assert time_limit_us(100) > time_limit_us(99) > 100_000_000


def test_integers_are_not_shared_while_each_needs_its_own_clock(client: InProcessClient) -> None:
    client("SET", "n", 1)
    assert client("OBJECT", "REFCOUNT", "n") == 2**31 - 1
    client("CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lru")
    assert client("OBJECT", "REFCOUNT", "n") == 1
    client("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
    assert client("OBJECT", "REFCOUNT", "n") == 2**31 - 1
