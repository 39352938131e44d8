"""Deadlines of single fields of a hash."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer
from tests.recording import RecordingServer

NOW = 1_700_000_000_000


@pytest.fixture(params=[3, 600], ids=["listpack", "hashtable"])
def recording(request: pytest.FixtureRequest) -> RecordingServer:
    """A server with a hash at `h` in one of the encodings; fields a, b, c and fillers."""
    server = RecordingServer()
    client = server.client()
    client("HSET", "h", "a", "1", "b", "2", "c", "3")
    for n in range(3, request.param):
        client("HSET", "h", f"filler{n}", n)
    server.sent()
    server.events()
    return server


@pytest.mark.parametrize(
    ("word", "amount"),
    [("HEXPIRE", 100), ("HPEXPIRE", 100_000), ("HEXPIREAT", NOW // 1000 + 100), ("HPEXPIREAT", NOW + 100_000)],
)
def test_every_unit_means_the_same_deadline_and_is_propagated_in_unix_ms(
    recording: RecordingServer, word: str, amount: int
) -> None:
    client = recording.client()
    assert client(word, "h", amount, "FIELDS", "2", "a", "none") == [1, -2]
    assert recording.sent() == [[b"HPEXPIREAT", b"h", b"%d" % (NOW + 100_000), b"FIELDS", b"1", b"a"]]
    assert recording.events() == ["hexpire h"]
    assert client("HTTL", "h", "FIELDS", "3", "a", "b", "none") == [100, -1, -2]
    assert client("HPTTL", "h", "FIELDS", "1", "a") == [100_000]
    assert client("HEXPIRETIME", "h", "FIELDS", "1", "a") == [NOW // 1000 + 100]
    assert client("HPEXPIRETIME", "h", "FIELDS", "1", "a") == [NOW + 100_000]


def test_httl_rounds_up(recording: RecordingServer) -> None:
    client = recording.client()
    client("HPEXPIRE", "h", "1001", "FIELDS", "1", "a")
    assert client("HTTL", "h", "FIELDS", "1", "a") == [2]


@pytest.mark.parametrize(
    ("current", "option", "amount", "result"),
    [
        (None, "NX", 10, 1),
        (100, "NX", 10, 0),
        (None, "XX", 10, 0),
        (100, "XX", 10, 1),
        (None, "GT", 10, 0),
        (100, "GT", 101, 1),
        (100, "GT", 100, 0),
        (None, "LT", 10, 1),
        (100, "LT", 100, 0),
        (100, "LT", 99, 1),
    ],
)
def test_conditions_compare_with_the_deadline_there_is(
    recording: RecordingServer, current: int | None, option: str, amount: int, result: int
) -> None:
    client = recording.client()
    if current is not None:
        client("HEXPIRE", "h", current, "FIELDS", "1", "a")
    recording.sent()
    assert client("HEXPIRE", "h", amount, option, "FIELDS", "1", "a") == [result]
    assert client("HTTL", "h", "FIELDS", "1", "a") == [amount if result else current or -1]
    assert len(recording.sent()) == result


def test_a_field_is_gone_after_its_last_millisecond_for_every_command(recording: RecordingServer) -> None:
    client = recording.client()
    size = client("HLEN", "h")
    assert isinstance(size, int)
    client("HPEXPIRE", "h", "50", "FIELDS", "2", "a", "b")
    recording.clock.advance(50)
    assert client("HGET", "h", "a") == b"1"
    recording.clock.advance(1)
    assert client("HLEN", "h") == size - 2
    assert client("HMGET", "h", "a", "b", "c") == [None, None, b"3"]
    assert "hexpired h" in recording.events()
    assert [(key, sorted(fields)) for key, fields in recording.listener.fields] == [(b"h", [b"a", b"b"])]


def test_the_hash_goes_with_its_last_field(server: InProcessServer) -> None:
    client = server.client()
    client("HSET", "h", "a", "1")
    client("HPEXPIRE", "h", "50", "FIELDS", "1", "a")
    server.clock.advance(51)
    assert client("HGET", "h", "a") is None
    assert client("DBSIZE") == 0
    assert server.server.keyspace.memory_bytes == 0


def test_the_expiry_cycle_finds_fields_nobody_asks_for(recording: RecordingServer) -> None:
    client = recording.client()
    size = client("HLEN", "h")
    assert isinstance(size, int)
    client("HPEXPIRE", "h", "50", "FIELDS", "1", "a")
    client("HPEXPIRE", "h", "500", "FIELDS", "1", "b")
    client("RENAME", "h", "g")
    value = recording.server.keyspace.databases[0].peek(b"g")
    recording.clock.advance(51)
    recording.server.expiry.run(100_000)
    assert value.length() == size - 1  # type: ignore[attr-defined]
    recording.clock.advance(500)
    recording.server.expiry.run(100_000)
    assert value.length() == size - 2  # type: ignore[attr-defined]
    assert recording.server.keyspace.expired_fields == 2
    recording.server.expiry.run(100_000)
    assert recording.server.keyspace.databases[0].field_deadlines.count == 0


def test_a_copy_expires_like_its_original(recording: RecordingServer) -> None:
    client = recording.client()
    client("HPEXPIRE", "h", "50", "FIELDS", "1", "a")
    client("COPY", "h", "g", "DB", "1")
    client("SWAPDB", "0", "1")
    recording.clock.advance(51)
    recording.server.expiry.run(100_000)
    value = recording.server.keyspace.databases[0].peek(b"g")
    assert value.deadline(b"a") == -1  # type: ignore[union-attr]


def test_where_fields_may_not_expire_readers_do_not_see_them_and_nothing_is_deleted(recording: RecordingServer) -> None:
    client = recording.client()
    size = client("HLEN", "h")
    assert isinstance(size, int)
    client("HPEXPIRE", "h", "50", "FIELDS", "1", "a")
    recording.clock.advance(51)
    recording.server.keyspace.may_expire = False
    assert client("HGET", "h", "a") is None
    assert client("HLEN", "h") == size - 1
    value = recording.server.keyspace.databases[0].peek(b"h")
    assert value.length() == size  # type: ignore[union-attr]
    assert client("HDEL", "h", "a") == 1


def test_a_past_deadline_deletes_at_once_and_is_propagated_as_hdel(recording: RecordingServer) -> None:
    client = recording.client()
    assert client("HEXPIRE", "h", "0", "FIELDS", "2", "a", "none") == [2, -2]
    assert client("HEXISTS", "h", "a") == 0
    assert recording.sent() == [[b"HDEL", b"h", b"a"]]
    assert recording.events() == ["hdel h"]


def test_hset_takes_the_deadline_away_and_counters_keep_it(recording: RecordingServer) -> None:
    client = recording.client()
    client("HEXPIRE", "h", "100", "FIELDS", "3", "a", "b", "c")
    client("HSET", "h", "a", "9")
    client("HINCRBY", "h", "b", "1")
    client("HINCRBYFLOAT", "h", "c", "1")
    assert client("HTTL", "h", "FIELDS", "3", "a", "b", "c") == [-1, 100, 100]


def test_hpersist_takes_the_deadline_away_once(recording: RecordingServer) -> None:
    client = recording.client()
    client("HEXPIRE", "h", "100", "FIELDS", "1", "a")
    recording.sent()
    recording.events()
    assert client("HPERSIST", "h", "FIELDS", "3", "a", "b", "none") == [1, -1, -2]
    assert recording.sent() == [[b"HPERSIST", b"h", b"FIELDS", b"1", b"a"]]
    assert recording.events() == ["hpersist h"]
    assert client("HPERSIST", "h", "FIELDS", "1", "a") == [-1]
    assert recording.sent() == []


def test_hgetdel_answers_and_deletes(recording: RecordingServer) -> None:
    client = recording.client()
    assert client("HGETDEL", "h", "FIELDS", "3", "a", "none", "a") == [b"1", None, None]
    assert recording.sent() == [[b"HDEL", b"h", b"a"]]
    assert client("HGETDEL", "none", "FIELDS", "1", "a") == [None]


def test_hgetex_answers_and_sets_or_takes_away_the_deadline(recording: RecordingServer) -> None:
    client = recording.client()
    assert client("HGETEX", "h", "FIELDS", "2", "a", "none") == [b"1", None]
    assert recording.sent() == []
    assert client("HGETEX", "h", "EX", "10", "FIELDS", "2", "a", "none") == [b"1", None]
    assert client("HTTL", "h", "FIELDS", "1", "a") == [10]
    assert client("HGETEX", "h", "PERSIST", "FIELDS", "2", "a", "b") == [b"1", b"2"]
    assert client("HTTL", "h", "FIELDS", "1", "a") == [-1]
    assert client("HGETEX", "h", "PXAT", "1", "FIELDS", "1", "a") == [b"1"]
    assert [sent[0] for sent in recording.sent()] == [b"HPEXPIREAT", b"HPERSIST", b"HDEL"]
    assert client("HEXISTS", "h", "a") == 0


def test_hsetex_sets_fields_and_deadline_under_a_condition(recording: RecordingServer) -> None:
    client = recording.client()
    assert client("HSETEX", "h", "FNX", "EX", "10", "FIELDS", "2", "new", "1", "a", "9") == 0
    assert client("HSETEX", "h", "FXX", "FIELDS", "2", "new", "1", "a", "9") == 0
    assert client("HGET", "h", "a") == b"1"
    assert client("HSETEX", "h", "FXX", "EX", "10", "FIELDS", "2", "a", "8", "b", "9") == 1
    deadline = b"%d" % (NOW + 10_000)
    assert recording.sent() == [[b"HSETEX", b"h", b"PXAT", deadline, b"FIELDS", b"2", b"a", b"8", b"b", b"9"]]
    assert recording.events() == ["hset h", "hexpire h"]
    assert client("HSETEX", "h", "KEEPTTL", "FIELDS", "1", "a", "7") == 1
    assert client("HSETEX", "h", "FIELDS", "1", "b", "7") == 1
    assert client("HTTL", "h", "FIELDS", "2", "a", "b") == [10, -1]


def test_hsetex_sets_fields_of_a_hash_that_is_there_or_is_not() -> None:
    recording = RecordingServer()
    client = recording.client()
    assert client("HSETEX", "h", "XX", "FIELDS", "1", "a", "1") == 0
    assert client("EXISTS", "h") == 0
    assert client("HSETEX", "h", "NX", "FIELDS", "1", "a", "1") == 1
    assert client("HSETEX", "h", "NX", "FIELDS", "1", "b", "1") == 0
    assert client("HSETEX", "h", "XX", "XX", "FNX", "FIELDS", "1", "b", "2") == 1
    assert client("HGETALL", "h") == [b"a", b"1", b"b", b"2"]
    assert client.error("HSETEX", "h", "NX", "XX", "FIELDS", "1", "a", "1") == "ERR syntax error"
    assert recording.sent() == [
        [b"HSETEX", b"h", b"FIELDS", b"1", b"a", b"1"],
        [b"HSETEX", b"h", b"FIELDS", b"1", b"b", b"2"],
    ]


def test_info_counts_hashes_with_fields_that_expire_and_fields_that_have(
    server: InProcessServer, client: InProcessClient
) -> None:
    client("HSET", "h", "a", "1", "b", "2", "c", "3")
    client("HPEXPIRE", "h", "10", "FIELDS", "2", "a", "b")
    assert b"keys=1,expires=0,avg_ttl=0,subexpiry=1\r\n" in client("INFO", "keyspace")
    server.clock.advance(11)
    assert client("HGET", "h", "a") is None
    assert client("HSET", "h", "d", "4") == 1
    assert b"\r\nexpired_subkeys:2\r\n" in client("INFO", "stats")


def test_hsetex_into_the_past_leaves_nothing(server: InProcessServer) -> None:
    recording = RecordingServer()
    client = recording.client()
    assert client("HSETEX", "h", "PXAT", "1", "FIELDS", "1", "a", "1") == 1
    assert client("EXISTS", "h") == 0
    assert recording.sent() == [[b"HDEL", b"h", b"a"]]
    assert recording.server.keyspace.memory_bytes == 0


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("HEXPIRE", "h", "x", "FIELDS", "1", "a"), "ERR value is not an integer or out of range"),
        (("HEXPIRE", "h", "-1", "FIELDS", "1", "a"), "ERR invalid expire time, must be >= 0"),
        (("HEXPIRE", "h", "70368744178", "FIELDS", "1", "a"), "ERR invalid expire time in 'hexpire' command"),
        (("HPEXPIRE", "h", "70368744177664", "FIELDS", "1", "a"), "ERR invalid expire time in 'hpexpire' command"),
        (
            ("HEXPIRE", "h", "1", "FIELD", "1", "a"),
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        (
            ("HEXPIRE", "h", "1", "NX", "GT", "1", "a"),
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        (("HEXPIRE", "h", "1", "FIELDS", "0", "a"), "ERR Parameter `numFields` should be greater than 0"),
        (
            ("HEXPIRE", "h", "1", "FIELDS", "2", "a"),
            "ERR The `numfields` parameter must match the number of arguments",
        ),
        (("HTTL", "h", "FIELDS", "0", "a"), "ERR Number of fields must be a positive integer"),
        (
            ("HGETEX", "h", "EX", "1", "PX", "2", "FIELDS", "1", "a"),
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        (("HSETEX", "h", "PERSIST", "FIELDS", "1", "a", "1"), "ERR unknown argument: PERSIST"),
        (("HGETEX", "h", "EX", "1", "FIELDS"), "ERR wrong number of arguments for 'hgetex' command"),
        (("HGETEX", "h", "FIELDS", "0", "a"), "ERR Number of fields must be a positive integer"),
        (
            ("HSETEX", "h", "FNX", "FXX", "FIELDS", "1", "a", "1"),
            "ERR Only one of FXX or FNX arguments can be specified",
        ),
        (("HSETEX", "h", "FIELDS", "1", "a", "1", "b"), "ERR wrong number of arguments for 'hsetex' command"),
    ],
)
def test_wrong_arguments_are_refused(client: InProcessClient, argv: tuple[str, ...], error: str) -> None:
    client("HSET", "h", "a", "1")
    assert client.error(*argv) == error
    assert client("HGETALL", "h") == [b"a", b"1"]
