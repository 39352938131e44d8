"""String commands through an in-process connection."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.inprocess import InProcessClient, InProcessServer


def test_set_and_get_return_the_same_bytes(client: InProcessClient) -> None:
    value = bytes(range(256)) * 3
    assert client("SET", "key", value) == b"OK"
    assert client("GET", "key") == value


def test_incr_of_a_missing_key_starts_at_zero(client: InProcessClient) -> None:
    assert client("INCR", "n") == 1
    assert client("GET", "n") == b"1"


def test_set_with_px_expires_when_the_clock_has_moved(client: InProcessClient, server: InProcessServer) -> None:
    client("SET", "key", "value", "PX", 50)
    server.clock.advance(50)
    assert client("GET", "key") == b"value"
    server.clock.advance(1)
    assert client("GET", "key") is None


def test_append_and_setrange_keep_the_memory_account(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    before = keyspace.memory_bytes
    client("APPEND", "key", "x" * 100)
    client("APPEND", "key", "y" * 1000)
    client("SETRANGE", "key", 5000, "z" * 10)
    client("INCR", "n")
    client("INCRBY", "n", 10**15)
    client("SET", "key", "short")
    client("GETDEL", "key")
    client("GETDEL", "n")
    assert keyspace.memory_bytes == before


@pytest.mark.parametrize(
    "change",
    [["SETRANGE", "key", "7", "patch"], ["SETBIT", "key", "7", "1"], ["BITFIELD", "key", "SET", "u8", "7", "1"]],
    ids=["SETRANGE", "SETBIT", "BITFIELD"],
)
def test_string_that_changes_in_place_is_not_copied_again(client: InProcessClient, change: list[str]) -> None:
    client("SETBIT", "key", 8 * 1_000_000, 1)
    tracemalloc.start()
    try:
        client(*change)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
