"""Bitmap commands: replies, limits, events and the memory account through an in-process connection."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer


def test_setbit_creates_lengthens_and_answers_the_old_bit(client: InProcessClient) -> None:
    assert client("SETBIT", "key", 1, 1) == 0
    assert client("SETBIT", "key", 1, 0) == 1
    assert client("SETBIT", "key", 23, 0) == 0
    assert client("GET", "key") == b"\0\0\0"
    assert client("GETBIT", "key", 1000) == 0


def test_setbit_on_a_counter_changes_its_digits(client: InProcessClient) -> None:
    client("INCR", "n")
    assert client("SETBIT", "n", 6, 1) == 0
    assert client("GET", "n") == b"3"
    assert client("INCR", "n") == 4


@pytest.mark.parametrize("offset", ["-1", "4294967296", "9223372036854775807", "1.0", "", "#1"])
def test_an_offset_outside_the_longest_string_is_refused(client: InProcessClient, offset: str) -> None:
    assert client.error("SETBIT", "key", offset, 1) == "ERR bit offset is not an integer or out of range"
    assert client.error("GETBIT", "key", offset) == "ERR bit offset is not an integer or out of range"
    assert client("EXISTS", "key") == 0


def test_setbit_keeps_the_deadline_and_the_memory_account(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    before = keyspace.memory_bytes
    client("SET", "key", "abc", "PX", 1000)
    client("SETBIT", "key", 80_000, 1)
    client("SETBIT", "key", 3, 1)
    client("BITFIELD", "key", "SET", "u8", 90_000, 255)
    client("BITOP", "NOT", "other", "key")
    assert client("GETDEL", "other") is not None
    server.clock.advance(1001)
    assert client("GET", "key") is None
    assert keyspace.memory_bytes == before


def test_a_setbit_that_changes_nothing_is_no_change(client: InProcessClient, server: InProcessServer) -> None:
    client("SETBIT", "key", 9, 1)
    dirty = server.server.keyspace.dirty
    client("SETBIT", "key", 9, 1)
    client("BITFIELD", "key", "SET", "u1", 9, 1)
    assert server.server.keyspace.dirty == dirty
    client("BITFIELD", "key", "SET", "u1", 9, 0, "INCRBY", "u2", 0, 1)
    assert server.server.keyspace.dirty == dirty + 2


def test_bitop_of_missing_keys_deletes_the_target(client: InProcessClient) -> None:
    client("SET", "target", "x")
    assert client("BITOP", "AND", "target", "no", "nor") == 0
    assert client("EXISTS", "target") == 0


def test_bitfield_ro_refuses_to_write(client: InProcessClient) -> None:
    assert client.error("BITFIELD_RO", "key", "SET", "u8", 0, 1) == "ERR BITFIELD_RO only supports the GET subcommand"
    assert client("BITFIELD_RO", "key", "GET", "u8", 0) == [0]
    assert client("EXISTS", "key") == 0
