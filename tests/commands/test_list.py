"""List commands: the main replies, and what comparing replies cannot show: accounts, encodings, events, effects."""

from __future__ import annotations

import pytest

from tests.commands.recorder import recorded_events
from tests.inprocess import InProcessClient, InProcessServer

SYNTAX = "ERR syntax error"
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_INTEGER = "ERR value is not an integer or out of range"
NOT_POSITIVE = "ERR value is out of range, must be positive"


def filled(client: InProcessClient, key: str, *elements: str | int) -> None:
    client("DEL", key)
    client("RPUSH", key, *elements)


def content(client: InProcessClient, key: str) -> object:
    return client("LRANGE", key, 0, -1)


# Pushing and popping


def test_pushes_at_the_head_end_up_in_reverse(client: InProcessClient) -> None:
    assert client("LPUSH", "list", "a", "b") == 2
    assert client("RPUSH", "list", "c", "d") == 4
    assert content(client, "list") == [b"b", b"a", b"c", b"d"]


def test_pushx_makes_no_list(client: InProcessClient) -> None:
    assert client("LPUSHX", "list", "a") == 0
    assert client("RPUSHX", "list", "a") == 0
    assert client("EXISTS", "list") == 0
    client("RPUSH", "list", "b")
    assert client("LPUSHX", "list", "a") == 2
    assert client("RPUSHX", "list", "c", "d") == 4
    assert content(client, "list") == [b"a", b"b", b"c", b"d"]


def test_pop_takes_one_element_or_an_array(client: InProcessClient) -> None:
    filled(client, "list", *range(6))
    assert client("LPOP", "list") == b"0"
    assert client("RPOP", "list") == b"5"
    assert client("LPOP", "list", 2) == [b"1", b"2"]
    assert client("RPOP", "list", 9) == [b"4", b"3"]
    assert client("EXISTS", "list") == 0


def test_pop_from_nothing_is_nil_and_with_a_count_the_nil_array(client: InProcessClient) -> None:
    client.send("LPOP", "none")
    client.send("RPOP", "none", 1)
    client.send("RPOP", "none", 0)
    assert client.transport.written == b"$-1\r\n*-1\r\n*-1\r\n"


def test_pop_of_no_elements_is_an_empty_array(client: InProcessClient) -> None:
    filled(client, "list", "a")
    assert client("LPOP", "list", 0) == []
    assert client("LLEN", "list") == 1


def test_pop_refuses_counts_that_are_none(client: InProcessClient) -> None:
    assert client.error("LPOP", "list", -1) == NOT_POSITIVE
    assert client.error("RPOP", "list", "x") == NOT_POSITIVE
    assert client.error("RPOP", "list", 1, 2) == "ERR wrong number of arguments for 'rpop' command"


# Ranges and indexes


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, 0, "a"), (1, -2, "bcd"), (-3, 9, "cde"), (-99, 1, "ab"), (3, 1, ""), (5, 9, ""), (0, -6, "")],
)
@pytest.mark.parametrize("size", ["", "x" * 3000])
def test_lrange_counts_from_both_ends_and_stops_at_them(
    client: InProcessClient, start: int, stop: int, expected: str, size: str
) -> None:
    filled(client, "list", *(letter + size for letter in "abcde"))
    assert client("LRANGE", "list", start, stop) == [(letter + size).encode() for letter in expected]


def test_lrange_reads_the_arguments_before_the_key(client: InProcessClient) -> None:
    client("SET", "string", "x")
    assert client.error("LRANGE", "string", "a", 1) == NOT_INTEGER
    assert client.error("LRANGE", "string", 0, 1) == WRONG_TYPE
    assert client("LRANGE", "none", 0, 1) == []


def test_lindex_reads_the_key_before_the_index(client: InProcessClient) -> None:
    filled(client, "list", "a", "b")
    assert [client("LINDEX", "list", i) for i in (-3, -2, -1, 0, 1, 2)] == [None, b"a", b"b", b"a", b"b", None]
    assert client("LINDEX", "none", "x") is None
    assert client.error("LINDEX", "list", "x") == NOT_INTEGER


def test_lset_replaces_at_an_index(client: InProcessClient) -> None:
    filled(client, "list", "a", "b", "c")
    assert client("LSET", "list", -1, "z") == b"OK"
    assert client("LSET", "list", 0, 7) == b"OK"
    assert content(client, "list") == [b"7", b"b", b"z"]
    assert client.error("LSET", "list", 3, "x") == "ERR index out of range"
    assert client.error("LSET", "list", "x", "x") == NOT_INTEGER
    assert client.error("LSET", "none", "x", "x") == "ERR no such key"


def test_where_elements_are_counted_one_above_the_limit_of_bytes_is_still_a_listpack(client: InProcessClient) -> None:
    client("CONFIG", "SET", "list-max-listpack-size", "5")
    client("RPUSH", "list", "a")
    client("LSET", "list", 0, "x" * 70_000)
    assert client("OBJECT", "ENCODING", "list") == b"listpack"
    client("RPUSH", "list", "b")
    assert client("OBJECT", "ENCODING", "list") == b"quicklist"


def test_ltrim_keeps_a_range_and_deletes_an_empty_list(client: InProcessClient) -> None:
    filled(client, "list", *range(10))
    assert client("LTRIM", "list", 2, -3) == b"OK"
    assert content(client, "list") == [b"2", b"3", b"4", b"5", b"6", b"7"]
    assert client("LTRIM", "list", 6, 9) == b"OK"
    assert client("EXISTS", "list") == 0
    assert client("LTRIM", "none", 0, 1) == b"OK"


# Searching


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), 0),
        (("RANK", 2), 2),
        (("RANK", -1), 5),
        (("RANK", 4), None),
        (("COUNT", 0), [0, 2, 5]),
        (("COUNT", 2), [0, 2]),
        (("RANK", -2, "COUNT", 2), [2, 0]),
        (("RANK", 4, "COUNT", 1), []),
        (("COUNT", 0, "MAXLEN", 3), [0, 2]),
        (("RANK", -1, "COUNT", 0, "MAXLEN", 4), [5, 2]),
        (("rank", 9, "RANK", 1), 0),
    ],
)
def test_lpos_finds_by_rank_count_and_maxlen(
    client: InProcessClient, options: tuple[str | int, ...], expected: object
) -> None:
    filled(client, "list", *"abaxxa")
    assert client("LPOS", "list", "a", *options) == expected


def test_lpos_refuses_options_that_mean_nothing(client: InProcessClient) -> None:
    assert client.error("LPOS", "list", "a", "RANK", 0).startswith("ERR RANK can't be zero: use 1 to start from the")
    assert client.error("LPOS", "list", "a", "RANK", "x") == NOT_INTEGER
    out_of_range = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
    assert client.error("LPOS", "list", "a", "RANK", -(2**63)) == out_of_range
    assert client.error("LPOS", "list", "a", "COUNT", -1) == "ERR COUNT can't be negative"
    assert client.error("LPOS", "list", "a", "MAXLEN", "x") == "ERR MAXLEN can't be negative"
    assert client.error("LPOS", "list", "a", "COUNT") == SYNTAX
    assert client.error("LPOS", "list", "a", "FIRST", 1) == SYNTAX


def test_lpos_of_nothing_is_nil_or_with_a_count_empty(client: InProcessClient) -> None:
    assert client("LPOS", "none", "a") is None
    assert client("LPOS", "none", "a", "COUNT", 1) == []


@pytest.mark.parametrize(
    ("count", "removed", "left"), [(0, 3, "bc"), (2, 2, "bca"), (-2, 2, "abc"), (-9, 3, "bc"), (9, 3, "bc")]
)
def test_lrem_removes_from_the_end_its_sign_names(client: InProcessClient, count: int, removed: int, left: str) -> None:
    filled(client, "list", *"abaca")
    assert client("LREM", "list", count, "a") == removed
    assert content(client, "list") == [letter.encode() for letter in left]


def test_lrem_of_the_last_element_deletes_the_key(client: InProcessClient) -> None:
    filled(client, "list", "a", "a")
    assert client("LREM", "list", 0, "b") == 0
    assert client("LREM", "list", 0, "a") == 2
    assert client("EXISTS", "list") == 0
    assert client("LREM", "list", 0, "a") == 0


def test_linsert_puts_next_to_the_first_equal_element(client: InProcessClient) -> None:
    filled(client, "list", "a", "b", "a")
    assert client("LINSERT", "list", "before", "a", "1") == 4
    assert client("LINSERT", "list", "AFTER", "a", "2") == 5
    assert client("LINSERT", "list", "AFTER", "none", "x") == -1
    assert client("LINSERT", "none", "AFTER", "a", "x") == 0
    assert content(client, "list") == [b"1", b"a", b"2", b"b", b"a"]
    assert client.error("LINSERT", "none", "NEXT", "a", "x") == SYNTAX


# Moving


def test_lmove_moves_between_any_two_ends(client: InProcessClient) -> None:
    filled(client, "source", *"abcd")
    assert client("LMOVE", "source", "target", "LEFT", "LEFT") == b"a"
    assert client("LMOVE", "source", "target", "right", "LEFT") == b"d"
    assert client("LMOVE", "source", "target", "LEFT", "RIGHT") == b"b"
    assert client("RPOPLPUSH", "source", "target") == b"c"
    assert content(client, "target") == [b"c", b"d", b"a", b"b"]
    assert client("EXISTS", "source") == 0
    assert client("LMOVE", "source", "target", "LEFT", "LEFT") is None


def test_lmove_on_one_list_rotates_it(client: InProcessClient) -> None:
    filled(client, "list", *"abc")
    assert client("LMOVE", "list", "list", "LEFT", "RIGHT") == b"a"
    assert content(client, "list") == [b"b", b"c", b"a"]
    filled(client, "single", "a")
    assert client("RPOPLPUSH", "single", "single") == b"a"
    assert content(client, "single") == [b"a"]


def test_lmove_to_a_key_of_another_type_takes_nothing(client: InProcessClient) -> None:
    filled(client, "list", "a")
    client("SET", "string", "x")
    assert client.error("LMOVE", "list", "string", "LEFT", "LEFT") == WRONG_TYPE
    assert client.error("LMOVE", "string", "list", "LEFT", "LEFT") == WRONG_TYPE
    assert client("LMOVE", "none", "string", "LEFT", "LEFT") is None
    assert client.error("LMOVE", "none", "list", "LEFT", "UP") == SYNTAX
    assert content(client, "list") == [b"a"]


def test_lmpop_pops_from_the_first_list_there_is(client: InProcessClient) -> None:
    filled(client, "list", *"abc")
    assert client("LMPOP", 2, "none", "list", "LEFT") == [b"list", [b"a"]]
    assert client("LMPOP", 1, "list", "RIGHT", "COUNT", 5) == [b"list", [b"c", b"b"]]
    client.send("LMPOP", 2, "none", "list", "LEFT")
    assert client.transport.written == b"*-1\r\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("0", "a", "LEFT"), "ERR numkeys should be greater than 0"),
        (("x", "a", "LEFT"), "ERR numkeys should be greater than 0"),
        (("2", "a", "LEFT"), SYNTAX),
        (("1", "a", "UP"), SYNTAX),
        (("1", "a", "LEFT", "COUNT"), SYNTAX),
        (("1", "a", "LEFT", "COUNT", "0"), "ERR count should be greater than 0"),
        (("1", "a", "LEFT", "COUNT", "1", "COUNT", "1"), SYNTAX),
        (("1", "a", "LEFT", "FIRST", "1"), SYNTAX),
    ],
)
def test_lmpop_refuses_what_fits_no_syntax(client: InProcessClient, arguments: tuple[str, ...], error: str) -> None:
    assert client.error("LMPOP", *arguments) == error
    assert client.error("BLMPOP", "0", *arguments) == error


@pytest.mark.parametrize(
    "command",
    [
        ("LPUSH", "key", "x"),
        ("RPUSHX", "key", "x"),
        ("LPOP", "key"),
        ("RPOP", "key", "1"),
        ("LLEN", "key"),
        ("LINDEX", "key", "0"),
        ("LINSERT", "key", "BEFORE", "a", "b"),
        ("LSET", "key", "0", "x"),
        ("LTRIM", "key", "0", "1"),
        ("LREM", "key", "0", "x"),
        ("LPOS", "key", "x"),
        ("LMPOP", "1", "key", "LEFT"),
    ],
)
def test_other_types_are_refused(client: InProcessClient, command: tuple[str, ...]) -> None:
    client("SADD", "key", "member")
    assert client.error(*command) == WRONG_TYPE


# Encodings, accounts, events


def test_the_listpack_limit_follows_the_setting_at_run_time(client: InProcessClient) -> None:
    filled(client, "list", *range(10))
    assert client("OBJECT", "ENCODING", "list") == b"listpack"
    client("CONFIG", "SET", "list-max-listpack-size", 10)
    client("RPUSH", "list", "x")
    assert client("OBJECT", "ENCODING", "list") == b"quicklist"
    client("LPOP", "list", 6)
    assert client("OBJECT", "ENCODING", "list") == b"quicklist"  # two nodes still, of 4 and 1
    client("LPOP", "list", 4)
    assert client("OBJECT", "ENCODING", "list") == b"listpack"


def test_memory_goes_back_to_what_it_was(server: InProcessServer, client: InProcessClient) -> None:
    keyspace = server.server.keyspace
    client("LPUSH", "list", "first")
    before = keyspace.memory_bytes
    for number in range(3000):
        client("RPUSH", "list", f"element {number}")
    assert keyspace.memory_bytes > before + 3000 * 10
    client("LREM", "list", 0, "element 1500")
    client("LTRIM", "list", 0, 0)
    assert keyspace.memory_bytes == before
    client("RPOPLPUSH", "list", "other")
    client("RPOP", "other")
    assert keyspace.memory_bytes == 0


@pytest.mark.parametrize(
    "reading",
    ["LINDEX list 50", "LRANGE list 0 2", "LPOS list none", "DUMP list", "COPY list twin"],
)
def test_reading_between_pushes_and_pops_leaves_the_account_of_memory_right(
    server: InProcessServer, client: InProcessClient, reading: str
) -> None:
    keyspace = server.server.keyspace
    client("CONFIG", "SET", "list-max-listpack-size", 4)
    client("RPUSH", "list", *range(100))
    for push, pop in [("RPUSH", "RPOP"), ("LPUSH", "LPOP")] * 10:
        client(push, "list", "element")
        client(*reading.split())
        client(pop, "list")
        client(*reading.split())
    client("DEL", "list", "twin")
    assert keyspace.memory_bytes == 0


def test_changes_fire_the_events_of_the_real_server(server: InProcessServer, client: InProcessClient) -> None:
    events = recorded_events(server)
    client("RPUSH", "a", "1", "2", "3")
    client("LPUSH", "a", "0")
    client("LINSERT", "a", "BEFORE", "1", "x")
    client("LINSERT", "a", "BEFORE", "none", "x")
    client("LSET", "a", 0, "y")
    client("LREM", "a", 1, "none")
    client("LREM", "a", 1, "x")
    client("LTRIM", "a", 0, -1)
    client("LMOVE", "a", "b", "LEFT", "RIGHT")
    client("LPOP", "a", 9)
    client("LMPOP", 1, "b", "RIGHT")
    assert events.seen == [
        "rpush a",
        "lpush a",
        "linsert a",
        "lset a",
        "lrem a",
        "ltrim a",
        "rpush b",
        "lpop a",
        "lpop a",
        "del a",
        "rpop b",
        "del b",
    ]


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        (("RPUSH", "list", "a", "b"), 2),
        (("LPOP", "list", "3"), 3),
        (("LPOP", "list", "0"), 0),
        (("LTRIM", "list", "1", "3"), 2),
        (("LTRIM", "list", "0", "-1"), 0),
        (("LREM", "list", "0", "1"), 1),
        (("LREM", "list", "0", "x"), 0),
        (("LMOVE", "list", "other", "LEFT", "LEFT"), 1),
        (("LINSERT", "list", "AFTER", "x", "y"), 0),
    ],
)
def test_commands_count_as_many_changes_as_they_make(
    server: InProcessServer, client: InProcessClient, command: tuple[str, ...], changes: int
) -> None:
    filled(client, "list", *range(5))
    before = server.server.keyspace.dirty
    client(*command)
    assert server.server.keyspace.dirty - before == changes


def test_a_range_inside_a_transaction_stands_at_its_place(client: InProcessClient) -> None:
    filled(client, "list", "a", "b")
    client("MULTI")
    client("LLEN", "list")
    client("LRANGE", "list", 0, -1)
    client("LINDEX", "list", 0)
    assert client("EXEC") == [2, [b"a", b"b"], b"a"]
