"""Hash commands through an in-process connection, each in both encodings where that can matter."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer
from tests.recording import RecordingServer

WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
SIZES = pytest.mark.parametrize("size", [3, 600], ids=["listpack", "hashtable"])


def filled(client: InProcessClient, size: int) -> dict[bytes, bytes]:
    """A hash at `h` with so many fields."""
    expected = {b"f%d" % n: b"%d" % n if n % 2 else b"value %d" % n for n in range(size)}
    for field, value in expected.items():
        client("HSET", "h", field, value)
    assert client("OBJECT", "ENCODING", "h") == (b"listpack" if size < 100 else b"hashtable")
    return expected


def pairs(flat: object) -> dict[bytes, bytes]:
    assert isinstance(flat, list)
    return dict(zip(flat[::2], flat[1::2], strict=True))


@SIZES
def test_all_that_reads_a_hash_agrees(client: InProcessClient, size: int) -> None:
    expected = filled(client, size)
    assert pairs(client("HGETALL", "h")) == expected
    fields = client("HKEYS", "h")
    assert isinstance(fields, list)
    assert set(fields) == set(expected)
    assert client("HVALS", "h") == [expected[field] for field in fields]
    assert client("HMGET", "h", *fields, "none") == [*[expected[field] for field in fields], None]
    assert client("HLEN", "h") == size
    assert client("HGET", "h", "f2") == b"value 2"
    assert client("HSTRLEN", "h", "f2") == 7
    assert client("HEXISTS", "h", "f2") == 1
    assert (client("HGET", "h", "none"), client("HSTRLEN", "h", "none"), client("HEXISTS", "h", "none")) == (None, 0, 0)


@SIZES
def test_hgetall_is_a_map_in_resp3(client: InProcessClient, size: int) -> None:
    client("HELLO", "3")
    expected = filled(client, size)
    assert client("HGETALL", "h") == expected
    assert client("HGETALL", "none") == {}


def test_replies_for_a_missing_key(client: InProcessClient) -> None:
    for word in ("HGETALL", "HKEYS", "HVALS"):
        assert client(word, "none") == []
    assert client("HMGET", "none", "a", "b") == [None, None]
    assert client("HLEN", "none") == 0
    assert client("HDEL", "none", "a") == 0
    assert client("HRANDFIELD", "none") is None
    assert client("HRANDFIELD", "none", "5") == []
    assert client("HSCAN", "none", "0", "WHAT") == [b"0", []]


def test_hset_counts_new_fields_and_reports_once_however_many() -> None:
    server = RecordingServer()
    client = server.client()
    assert client("HSET", "h", "a", "1", "b", "2", "a", "3") == 2
    assert server.events() == ["hset h"]
    assert server.server.keyspace.dirty == 3
    assert client("HSET", "h", "a", "4") == 0
    assert client("HMSET", "h", "a", "5") == b"OK"
    assert client.error("HSET", "h", "a") == "ERR wrong number of arguments for 'hset' command"
    assert client.error("HMSET", "h", "a", "1", "b") == "ERR wrong number of arguments for 'hmset' command"


def test_hsetnx_leaves_an_existing_field_alone(client: InProcessClient) -> None:
    assert client("HSETNX", "h", "a", "1") == 1
    assert client("HSETNX", "h", "a", "2") == 0
    assert client("HGET", "h", "a") == b"1"


@SIZES
def test_hdel_of_the_last_field_deletes_the_key(size: int) -> None:
    server = RecordingServer()
    client = server.client()
    fields = list(filled(client, size))
    server.events()
    assert client("HDEL", "h", fields[0], "none") == 1
    assert server.events() == ["hdel h"]
    assert client("HDEL", "h", *fields) == size - 1
    assert server.events() == ["hdel h", "del h"]
    assert client("EXISTS", "h") == 0
    assert server.server.keyspace.memory_bytes == 0


@pytest.mark.parametrize(
    "argv",
    [
        ("HGET", "s", "f"),
        ("HSET", "s", "f", "v"),
        ("HSETNX", "s", "f", "v"),
        ("HDEL", "s", "f"),
        ("HLEN", "s"),
        ("HGETALL", "s"),
        ("HMGET", "s", "f"),
        ("HINCRBY", "s", "f", "1"),
        ("HINCRBYFLOAT", "s", "f", "1"),
        ("HSCAN", "s", "0"),
        ("HRANDFIELD", "s"),
        ("HEXPIRE", "s", "x", "FIELDS", "1", "f"),
        ("HTTL", "s", "FIELDS", "1", "f"),
        ("HGETDEL", "s", "FIELDS", "1", "f"),
        ("HGETEX", "s", "FIELDS", "1", "f"),
        ("HSETEX", "s", "FIELDS", "1", "f", "v"),
    ],
)
def test_a_key_of_another_type_is_refused(client: InProcessClient, argv: tuple[str, ...]) -> None:
    client("SET", "s", "string")
    assert client.error(*argv) == WRONG_TYPE


@pytest.mark.parametrize(
    ("value", "increment", "error"),
    [
        ("x", "1", "ERR hash value is not an integer"),
        (" 1", "1", "ERR hash value is not an integer"),
        ("1", "x", "ERR value is not an integer or out of range"),
        ("9223372036854775807", "1", "ERR increment or decrement would overflow"),
        ("-9223372036854775808", "-1", "ERR increment or decrement would overflow"),
    ],
)
def test_hincrby_refuses_what_is_no_integer(client: InProcessClient, value: str, increment: str, error: str) -> None:
    client("HSET", "h", "f", value)
    assert client.error("HINCRBY", "h", "f", increment) == error
    assert client("HGET", "h", "f") == value.encode()


def test_a_sum_longer_than_a_listpack_may_hold_makes_the_hash_a_table(client: InProcessClient) -> None:
    client("CONFIG", "SET", "hash-max-listpack-value", "1")
    assert client("HINCRBY", "h", "n", "5") == 5
    assert client("OBJECT", "ENCODING", "h") == b"listpack"
    assert client("HINCRBY", "h", "n", "5") == 10
    assert client("OBJECT", "ENCODING", "h") == b"hashtable"


def test_hincrby_makes_field_and_hash(client: InProcessClient) -> None:
    assert client("HINCRBY", "h", "f", "5") == 5
    assert client("HINCRBY", "h", "f", "-7") == -2
    assert client.error("HINCRBY", "none", "f", "x") == "ERR value is not an integer or out of range"
    assert client("EXISTS", "none") == 0


@pytest.mark.parametrize(
    ("value", "increment", "error"),
    [
        ("x", "1", "ERR hash value is not a float"),
        ("1", "x", "ERR value is not a valid float"),
        ("1", "inf", "ERR value is NaN or Infinity"),
    ],
)
def test_hincrbyfloat_refuses_what_is_no_number(
    client: InProcessClient, value: str, increment: str, error: str
) -> None:
    client("HSET", "h", "f", value)
    assert client.error("HINCRBYFLOAT", "h", "f", increment) == error


def test_hincrbyfloat_is_propagated_as_its_result() -> None:
    server = RecordingServer()
    client = server.client()
    client("HSET", "h", "f", "3.0e3")
    server.sent()
    assert client("HINCRBYFLOAT", "h", "f", "0.5") == b"3000.5"
    assert server.sent() == [[b"HSET", b"h", b"f", b"3000.5"]]
    client("HPEXPIREAT", "h", "1700000009000", "FIELDS", "1", "f")
    server.sent()
    client("HINCRBYFLOAT", "h", "f", "1")
    assert client("HPEXPIRETIME", "h", "FIELDS", "1", "f") == [1700000009000]
    assert server.sent() == [
        [b"HSET", b"h", b"f", b"3001.5"],
        [b"HPEXPIREAT", b"h", b"1700000009000", b"FIELDS", b"1", b"f"],
    ]


@SIZES
def test_hscan_returns_every_field_with_its_value(client: InProcessClient, size: int) -> None:
    expected = filled(client, size)
    found: list[bytes] = []
    names: list[bytes] = []
    cursor = b"0"
    while True:
        _, some = client("HSCAN", "h", cursor, "NOVALUES")  # type: ignore[misc]
        cursor, part = client("HSCAN", "h", cursor)  # type: ignore[misc]
        found += part
        names += some
        if cursor == b"0":
            break
    assert pairs(found) == expected
    assert sorted(names) == sorted(expected)
    assert client("HSCAN", "h", "0", "MATCH", "f2", "COUNT", "10000") == [b"0", [b"f2", b"value 2"]]
    assert client.error("HSCAN", "h", "0", "TYPE", "hash") == "ERR syntax error"


@SIZES
@pytest.mark.parametrize("share", [0.1, 0.7, 1.0, 3.0])
def test_hrandfield_with_a_positive_count_answers_different_fields(
    client: InProcessClient, size: int, share: float
) -> None:
    expected = filled(client, size)
    count = max(int(size * share), 1)
    got = pairs(client("HRANDFIELD", "h", count, "WITHVALUES"))
    assert len(got) == min(count, size)
    assert got.items() <= expected.items()
    names = client("HRANDFIELD", "h", count)
    assert isinstance(names, list)
    assert len(set(names)) == len(names) == min(count, size)


@SIZES
def test_hrandfield_with_a_negative_count_answers_as_many_as_asked(client: InProcessClient, size: int) -> None:
    expected = filled(client, size)
    names = client("HRANDFIELD", "h", -2000)
    assert isinstance(names, list)
    assert len(names) == 2000
    assert set(names) <= set(expected)
    assert len(set(names)) > size / 2
    assert client("HRANDFIELD", "h", 0) == []
    assert client("HRANDFIELD", "h") in expected


def test_hrandfield_answers_pairs_in_resp3_and_refuses_what_it_cannot_count(client: InProcessClient) -> None:
    client("HELLO", "3")
    client("HSET", "h", "f", "v")
    assert client("HRANDFIELD", "h", "-2", "WITHVALUES") == [[b"f", b"v"], [b"f", b"v"]]
    assert client.error("HRANDFIELD", "h", "x") == "ERR value is not an integer or out of range"
    assert client.error("HRANDFIELD", "h", "1", "VALUES") == "ERR syntax error"
    out_of_range = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
    assert client.error("HRANDFIELD", "h", "-9223372036854775808") == out_of_range
    assert client.error("HRANDFIELD", "h", "-9223372036854775807", "WITHVALUES") == "ERR value is out of range"


def test_config_set_of_the_thresholds_reaches_hashes_that_are_there(client: InProcessClient) -> None:
    client("HSET", "h", "a", "1", "b", "2")
    client("CONFIG", "SET", "hash-max-listpack-entries", "2")
    client("HSET", "h", "a", "3")
    assert client("OBJECT", "ENCODING", "h") == b"listpack"
    client("HSET", "h", "c", "3")
    assert client("OBJECT", "ENCODING", "h") == b"hashtable"
    client("CONFIG", "SET", "hash-max-listpack-value", "3")
    client("HSET", "g", "a", "abc")
    assert client("OBJECT", "ENCODING", "g") == b"listpack"
    client("HSET", "g", "a", "abcd")
    assert client("OBJECT", "ENCODING", "g") == b"hashtable"


@SIZES
def test_the_memory_account_follows_every_change(server: InProcessServer, size: int) -> None:
    client = server.client()
    keyspace = server.server.keyspace
    fields = list(filled(client, size))
    client("HSET", "h", fields[0], "x" * 60)
    client("HINCRBY", "h", "n", "1")
    client("HPEXPIRE", "h", "100", "FIELDS", "1", fields[1])
    assert keyspace.memory_bytes > 0
    server.clock.advance(101)
    assert client("HGET", "h", fields[1]) is None
    client("RENAME", "h", "g")
    client("COPY", "g", "h")
    client("DEL", "g", "h")
    assert keyspace.memory_bytes == 0
