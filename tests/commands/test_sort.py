"""SORT and SORT_RO: orders, weights in other keys, what is fetched, what is stored."""

from __future__ import annotations

import locale
from collections.abc import Iterator

import pytest

from tests.commands.recorder import recorded_events
from tests.inprocess import InProcessClient, InProcessServer

NOT_A_SCORE = "ERR One or more scores can't be converted into double"


@pytest.fixture(autouse=True)
def _byte_order() -> Iterator[None]:
    former = locale.setlocale(locale.LC_COLLATE)
    locale.setlocale(locale.LC_COLLATE, "C")
    yield
    locale.setlocale(locale.LC_COLLATE, former)


@pytest.fixture
def numbers(client: InProcessClient) -> InProcessClient:
    client("RPUSH", "numbers", "3", "10", "2.5", "-1")
    for element, weight in (("3", "30"), ("10", "10"), ("2.5", "40")):
        client("SET", f"w_{element}", weight)
    client("HSET", "h_3", "weight", "1", "name", "three")
    client("HSET", "h_10", "weight", "2")
    return client


def test_elements_are_sorted_as_numbers_or_with_alpha_as_texts(numbers: InProcessClient) -> None:
    assert numbers("SORT", "numbers") == [b"-1", b"2.5", b"3", b"10"]
    assert numbers("SORT", "numbers", "DESC") == [b"10", b"3", b"2.5", b"-1"]
    assert numbers("SORT_RO", "numbers", "ALPHA") == [b"-1", b"10", b"2.5", b"3"]
    assert numbers("SORT", "numbers", "ALPHA", "DESC", "ASC") == [b"-1", b"10", b"2.5", b"3"]


def test_equal_numbers_go_by_their_bytes(client: InProcessClient) -> None:
    client("RPUSH", "list", "1.0", "01", "1", "+1")
    assert client("SORT", "list") == [b"+1", b"01", b"1", b"1.0"]
    assert client("SORT", "list", "DESC") == [b"1.0", b"1", b"01", b"+1"]


def test_sets_and_sorted_sets_are_sorted_too(client: InProcessClient) -> None:
    client("SADD", "set", "c", "a", "b")
    client("ZADD", "zset", 1, "20", 2, "3", 3, "100")
    assert client("SORT", "set", "ALPHA") == [b"a", b"b", b"c"]
    assert client("SORT", "zset") == [b"3", b"20", b"100"]
    assert client("SORT", "zset", "BY", "nosort", "DESC", "LIMIT", 1, 5) == [b"3", b"20"]
    assert client("SORT", "none") == []


def test_other_types_are_refused(client: InProcessClient) -> None:
    client("HSET", "hash", "a", "b")
    assert client.error("SORT", "hash") == "WRONGTYPE Operation against a key holding the wrong kind of value"


@pytest.mark.parametrize("text", ["abc", "1x", " ", "nan", "1e999"])
def test_what_is_no_number_cannot_be_sorted_as_one(client: InProcessClient, text: str) -> None:
    client("RPUSH", "list", "1", text)
    assert client.error("SORT", "list") == NOT_A_SCORE


def test_numbers_are_read_as_the_c_library_reads_them(client: InProcessClient) -> None:
    client("RPUSH", "list", "inf", " 7", "0x10", "", "-inf")
    assert client("SORT", "list") == [b"-inf", b"", b" 7", b"0x10", b"inf"]


def test_weights_come_from_keys_and_hash_fields(numbers: InProcessClient) -> None:
    assert numbers("SORT", "numbers", "BY", "w_*") == [b"-1", b"10", b"3", b"2.5"]
    assert numbers("SORT", "numbers", "BY", "h_*->weight", "DESC") == [b"10", b"3", b"2.5", b"-1"]
    assert numbers("SORT", "numbers", "BY", "w_*", "ALPHA", "DESC") == [b"2.5", b"3", b"10", b"-1"]


def test_by_without_a_pattern_keeps_the_order(numbers: InProcessClient) -> None:
    assert numbers("SORT", "numbers", "BY", "nosort") == [b"3", b"10", b"2.5", b"-1"]
    assert numbers("SORT", "numbers", "BY", "nosort", "DESC") == [b"-1", b"2.5", b"10", b"3"]


def test_get_fetches_elements_strings_and_fields(numbers: InProcessClient) -> None:
    reply = numbers("SORT", "numbers", "LIMIT", 2, 1, "GET", "#", "GET", "w_*", "GET", "h_*->name", "GET", "fixed")
    assert reply == [b"3", b"30", b"three", None]
    assert numbers("SORT", "numbers", "LIMIT", 0, 1, "GET", "w_*", "GET", "h_*->none") == [None, None]


def test_an_arrow_with_nothing_behind_it_is_part_of_the_key(client: InProcessClient) -> None:
    client("RPUSH", "list", "1")
    client("SET", "k1->", "x")
    assert client("SORT", "list", "GET", "k*->") == [b"x"]


def test_get_of_a_key_of_another_type_is_nil(numbers: InProcessClient) -> None:
    assert numbers("SORT", "numbers", "LIMIT", 2, 1, "GET", "h_*", "GET", "w_*->name") == [None, None]


@pytest.mark.parametrize(
    ("offset", "count", "expected"),
    [(0, 2, "ab"), (1, -1, "bcd"), (-5, 1, "a"), (2, 9, "cd"), (4, 1, ""), (9, 9, ""), (0, 0, ""), (1, -7, "bcd")],
)
@pytest.mark.parametrize("by", [(), ("BY", "nosort")])
def test_limit_cuts_a_part_out(
    client: InProcessClient, offset: int, count: int, expected: str, by: tuple[str, ...]
) -> None:
    client("RPUSH", "list", *"abcd")
    reply = client("SORT", "list", "ALPHA", *by, "LIMIT", offset, count)
    assert reply == [letter.encode() for letter in expected]


@pytest.mark.parametrize(
    ("options", "elements"),
    [
        (("LIMIT", "0", "5"), b"e0 e15 e9 e3 e12"),
        (("DESC", "LIMIT", "3", "4"), b"e11 e2 e5 e19"),
        ((), b"e0 e3 e6 e9 e12 e15 e18 e1 e4 e7 e10 e13 e16 e19 e2 e5 e8 e11 e14 e17"),
    ],
)
def test_a_limit_cuts_equal_texts_off_as_real_servers_do(
    client: InProcessClient, options: tuple[str, ...], elements: bytes
) -> None:
    for number in range(20):
        client("RPUSH", "list", f"e{number}")
        client("SET", f"we{number}", str(number % 3))
    assert client("SORT", "list", "BY", "w*", "ALPHA", *options) == elements.split()


def test_store_makes_a_list_and_takes_the_deadline_away(numbers: InProcessClient) -> None:
    numbers("SET", "target", "x", "EX", 100)
    assert numbers("SORT", "numbers", "GET", "w_*", "STORE", "target") == 4
    assert numbers("LRANGE", "target", 0, -1) == [b"", b"40", b"30", b"10"]
    assert numbers("TTL", "target") == -1


def test_store_of_nothing_deletes_the_target(server: InProcessServer, numbers: InProcessClient) -> None:
    events = recorded_events(server)
    assert numbers("SORT", "numbers", "STORE", "target") == 4
    assert numbers("SORT", "none", "STORE", "target") == 0
    assert numbers("SORT", "none", "STORE", "target") == 0
    assert numbers("EXISTS", "target") == 0
    assert events.seen == ["sortstore target", "del target"]


def test_a_set_stored_without_an_order_is_stored_in_alphabetical_order(client: InProcessClient) -> None:
    members = [f"m{number:03}" for number in range(300)]
    client("SADD", "set", *reversed(members))
    client("SORT", "set", "BY", "nosort", "STORE", "target")
    assert client("LRANGE", "target", 0, -1) == [member.encode() for member in members]


def test_sort_ro_does_not_store(client: InProcessClient) -> None:
    assert client.error("SORT_RO", "list", "STORE", "target") == "ERR syntax error"


@pytest.mark.parametrize("options", [("LIMIT", "1"), ("BY",), ("GET",), ("STORE",), ("UP",)])
def test_options_that_fit_no_syntax_are_refused(client: InProcessClient, options: tuple[str, ...]) -> None:
    assert client.error("SORT", "list", *options) == "ERR syntax error"


def test_limits_that_are_no_numbers_are_refused(client: InProcessClient) -> None:
    assert client.error("SORT", "list", "LIMIT", "x", 1) == "ERR value is not an integer or out of range"


def test_command_getkeys_finds_the_key_that_is_stored_to(client: InProcessClient) -> None:
    reply = client("COMMAND", "GETKEYS", "SORT", "list", "GET", "STORE", "STORE", "a", "LIMIT", 0, 1, "STORE", "b")
    assert reply == [b"list", b"b"]
    assert client("COMMAND", "GETKEYS", "SORT_RO", "list", "BY", "w_*") == [b"list"]


def test_expired_hash_fields_have_no_weight(server: InProcessServer, client: InProcessClient) -> None:
    client("RPUSH", "list", "1", "2")
    client("HSET", "h1", "f", "x")
    client("HPEXPIRE", "h1", 10, "FIELDS", 1, "f")
    assert client("SORT", "list", "GET", "h*->f") == [b"x", None]
    server.clock.advance(11)
    assert client("SORT", "list", "GET", "h*->f") == [None, None]
