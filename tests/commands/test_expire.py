"""Deadlines of keys through an in-process connection."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer
from tests.recording import RecordingServer


@pytest.mark.parametrize(
    ("word", "amount"),
    [("EXPIRE", 100), ("PEXPIRE", 100_000), ("EXPIREAT", 1_700_000_100), ("PEXPIREAT", 1_700_000_100_000)],
)
def test_every_unit_means_the_same_deadline_and_is_propagated_in_unix_ms(word: str, amount: int) -> None:
    server = RecordingServer()
    client = server.client()
    client("SET", "key", "v")
    server.sent()
    server.events()
    assert client(word, "key", amount) == 1
    assert client("TTL", "key") == 100
    assert client("PTTL", "key") == 100_000
    assert client("EXPIRETIME", "key") == 1_700_000_100
    assert client("PEXPIRETIME", "key") == 1_700_000_100_000
    assert server.sent() == [[b"PEXPIREAT", b"key", b"1700000100000"]]
    assert server.events() == ["expire key"]


@pytest.mark.parametrize(
    ("current", "option", "amount", "result"),
    [
        (None, "NX", 10, 1),
        (100, "NX", 10, 0),
        (None, "XX", 10, 0),
        (100, "XX", 10, 1),
        (None, "GT", 10, 0),
        (100, "GT", 100, 0),
        (100, "GT", 101, 1),
        (None, "LT", 10, 1),
        (100, "LT", 100, 0),
        (100, "LT", 99, 1),
    ],
)
def test_conditions_compare_with_the_deadline_there_is(
    client: InProcessClient, current: int | None, option: str, amount: int, result: int
) -> None:
    client("SET", "key", "v")
    if current is not None:
        client("EXPIRE", "key", current)
    assert client("EXPIRE", "key", amount, option.lower()) == result
    assert client("TTL", "key") == (amount if result else current or -1)


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("EXPIRE", "key", "10", "AB"), "ERR Unsupported option AB"),
        (("EXPIRE", "key", "x", "AB"), "ERR Unsupported option AB"),
        (("EXPIRE", "key", "10", "NX", "XX"), "ERR NX and XX, GT or LT options at the same time are not compatible"),
        (("EXPIRE", "key", "10", "LT", "NX"), "ERR NX and XX, GT or LT options at the same time are not compatible"),
        (("EXPIRE", "key", "10", "GT", "LT"), "ERR GT and LT options at the same time are not compatible"),
        (("EXPIRE", "key", "x"), "ERR value is not an integer or out of range"),
        (("EXPIRE", "key", "9223372036854776"), "ERR invalid expire time in 'expire' command"),
        (("EXPIRE", "key", "-9223372036854776"), "ERR invalid expire time in 'expire' command"),
        (("PEXPIRE", "key", "9223372036854775807"), "ERR invalid expire time in 'pexpire' command"),
    ],
)
def test_wrong_arguments_are_refused_even_for_a_missing_key(
    client: InProcessClient, argv: tuple[str, ...], error: str
) -> None:
    assert client.error(*argv) == error


@pytest.mark.parametrize(("lazy", "word"), [("no", b"DEL"), ("yes", b"UNLINK")])
def test_a_deadline_in_the_past_deletes_the_key_and_is_propagated_as_that(lazy: str, word: bytes) -> None:
    server = RecordingServer(lazyfree_lazy_expire=lazy)
    client = server.client()
    client("SET", "key", "v")
    server.sent()
    server.events()
    assert client("EXPIRE", "key", "-1") == 1
    assert client("EXISTS", "key") == 0
    assert server.sent() == [[word, b"key"]]
    assert server.events() == ["del key"]


def test_where_keys_may_not_expire_a_past_deadline_stays_and_hides_the_key(server: InProcessServer) -> None:
    client = server.client()
    client("SET", "key", "v")
    server.server.keyspace.may_expire = False
    assert client("PEXPIREAT", "key", "-5") == 1
    assert client("GET", "key") is None
    assert client("DBSIZE") == 1
    assert client("DEL", "key") == 1
    assert client("DBSIZE") == 0


def test_persist_takes_the_deadline_away_once(client: InProcessClient) -> None:
    assert client("PERSIST", "none") == 0
    client("SET", "key", "v", "EX", "10")
    assert client("PERSIST", "key") == 1
    assert client("TTL", "key") == -1
    assert client("PERSIST", "key") == 0


def test_ttl_rounds_half_seconds_up_and_tells_missing_keys_apart(
    client: InProcessClient, server: InProcessServer
) -> None:
    client("SET", "key", "v", "PX", "1500")
    assert client("TTL", "key") == 2
    server.clock.advance(1)
    assert client("TTL", "key") == 1
    assert client("TTL", "none") == -2
    client("SET", "key", "v")
    assert client("PTTL", "key") == -1


def test_a_key_lives_through_its_last_millisecond(client: InProcessClient, server: InProcessServer) -> None:
    client("SET", "key", "v")
    client("PEXPIRE", "key", "50")
    server.clock.advance(50)
    assert client("GET", "key") == b"v"
    server.clock.advance(1)
    assert client("GET", "key") is None
