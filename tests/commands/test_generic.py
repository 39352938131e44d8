"""Commands on keys of any type, whole databases, OBJECT and SCAN."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer
from tests.recording import RecordingServer


def ms(server: InProcessServer) -> int:
    return int(server.clock.now_ms)


def test_exists_counts_a_key_as_often_as_it_is_named(client: InProcessClient) -> None:
    client("SET", "a", "1")
    assert client("EXISTS", "a", "b", "a") == 2


def test_del_counts_expired_keys_as_gone_and_reports_both(client: InProcessClient) -> None:
    server = RecordingServer()
    client = server.client()
    client("SET", "live", "1")
    client("SET", "dead", "1", "PX", "10")
    server.clock.advance(11)
    server.events()
    assert client("DEL", "live", "dead", "never") == 1
    assert server.events() == ["del live", "expired dead"]


@pytest.mark.parametrize("word", ["DEL", "UNLINK"])
def test_deleting_gives_the_memory_back(client: InProcessClient, server: InProcessServer, word: str) -> None:
    before = server.server.keyspace.memory_bytes
    client("SET", "a", "x" * 1000)
    client("HSET", "h", "f", "v")
    client("SADD", "s", *[f"m{n}" for n in range(300)])
    assert client(word, "a", "h", "s") == 3
    assert server.server.keyspace.memory_bytes == before


def test_type_names_the_type_and_is_no_use_of_the_key(client: InProcessClient, server: InProcessServer) -> None:
    client("SET", "key", "1")
    server.clock.advance(5000)
    server.server.keyspace.update_access_clock()
    assert client("TYPE", "key") == b"string"
    assert client("TYPE", "none") == b"none"
    assert client("OBJECT", "IDLETIME", "key") == 5
    assert client("TOUCH", "key", "none") == 1
    assert client("OBJECT", "IDLETIME", "key") == 0


def test_rename_moves_value_and_deadline_over_an_existing_key() -> None:
    server = RecordingServer()
    client = server.client()
    client("HSET", "h", "f", "v")
    client("PEXPIRE", "h", "5000")
    client("SET", "new", "old value", "EX", "7")
    server.events()
    server.modified()
    assert client("RENAME", "h", "new") == b"OK"
    assert client("HGET", "new", "f") == b"v"
    assert client("PTTL", "new") == 5000
    assert client("EXISTS", "h") == 0
    assert server.events() == ["rename_from h", "rename_to new"]
    assert sorted(server.modified()) == [b"h", b"new"]


def test_rename_of_a_key_without_deadline_takes_the_old_ones_deadline_away(client: InProcessClient) -> None:
    client("SET", "a", "1")
    client("SET", "b", "2", "EX", "100")
    client("RENAME", "a", "b")
    assert client("TTL", "b") == -1


def test_rename_of_nothing_is_refused_even_onto_itself(client: InProcessClient) -> None:
    assert client.error("RENAME", "a", "a") == "ERR no such key"
    client("SET", "a", "1")
    assert client("RENAME", "a", "a") == b"OK"
    assert client("RENAMENX", "a", "a") == 0


def test_renamenx_leaves_an_existing_key_alone(client: InProcessClient) -> None:
    client("MSET", "a", "1", "b", "2")
    assert client("RENAMENX", "a", "b") == 0
    assert client("MGET", "a", "b") == [b"1", b"2"]
    assert client("RENAMENX", "a", "c") == 1
    assert client("MGET", "a", "c") == [None, b"1"]


def test_move_takes_the_deadline_along_and_stops_at_an_existing_key() -> None:
    server = RecordingServer()
    client = server.client()
    client("SET", "key", "1", "PX", "5000")
    server.events()
    assert client("MOVE", "key", "3") == 1
    assert server.events() == ["move_from key", "move_to key in 3"]
    client("SET", "key", "2")
    assert client("MOVE", "key", "3") == 0
    client("SELECT", "3")
    assert client("GET", "key") == b"1"
    assert client("PTTL", "key") == 5000


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("MOVE", "key", "0"), "ERR source and destination objects are the same"),
        (("MOVE", "key", "16"), "ERR DB index is out of range"),
        (("MOVE", "key", "-1"), "ERR DB index is out of range"),
        (("MOVE", "key", "x"), "ERR value is not an integer or out of range"),
        (("COPY", "key", "key"), "ERR source and destination objects are the same"),
        (("COPY", "key", "new", "DB"), "ERR syntax error"),
        (("COPY", "key", "new", "DB", "99"), "ERR DB index is out of range"),
        (("COPY", "key", "new", "OVERWRITE"), "ERR syntax error"),
        (("SWAPDB", "x", "1"), "ERR invalid first DB index"),
        (("SWAPDB", "1", "x"), "ERR invalid second DB index"),
        (("SWAPDB", "1", "16"), "ERR DB index is out of range"),
        (("FLUSHALL", "NOW"), "ERR syntax error"),
        (("FLUSHDB", "SYNC", "ASYNC"), "ERR syntax error"),
        (("SCAN", "x"), "ERR invalid cursor"),
        (("SCAN", " 1"), "ERR invalid cursor"),
        (("SCAN", "18446744073709551616"), "ERR invalid cursor"),
        (("SCAN", "0", "COUNT", "0"), "ERR syntax error"),
        (("SCAN", "0", "COUNT", "x"), "ERR value is not an integer or out of range"),
        (("SCAN", "0", "MATCH"), "ERR syntax error"),
        (("SSCAN", "key", "0", "TYPE", "set"), "WRONGTYPE Operation against a key holding the wrong kind of value"),
    ],
)
def test_wrong_arguments_are_refused(client: InProcessClient, argv: tuple[str, ...], error: str) -> None:
    client("SET", "key", "1")
    assert client.error(*argv) == error
    assert client("KEYS", "*") == [b"key"]


@pytest.mark.parametrize(
    "fill",
    [
        ("HSET", "from", "f", "1"),
        ("HSET", "from", "f", "x" * 100),
        ("SADD", "from", "1", "2"),
        ("SADD", "from", "a", "b"),
        ("SADD", "from", "x" * 100),
        ("APPEND", "from", "text"),
        ("SET", "from", "12"),
    ],
)
def test_a_copy_is_independent_and_keeps_encoding_and_deadline(client: InProcessClient, fill: tuple[str, ...]) -> None:
    client(*fill)
    client("PEXPIRE", "from", "9000")
    assert client("COPY", "from", "to", "DB", "2") == 1
    encoding = client("OBJECT", "ENCODING", "from")
    {"HSET": lambda: client("HSET", "from", "f", "other"), "SADD": lambda: client("SADD", "from", "other")}.get(
        fill[0], lambda: client("APPEND", "from", "other")
    )()
    client("SELECT", "2")
    assert client("OBJECT", "ENCODING", "to") == encoding
    assert client("PTTL", "to") == 9000
    client("COPY", "to", "again", "DB", "0")
    client("SELECT", "0")
    read = {"HSET": ("HGETALL",), "SADD": ("SMEMBERS",)}.get(fill[0], ("GET",))
    assert b"other" not in str(client(*read, "again")).encode()


def test_copy_overwrites_only_with_replace(client: InProcessClient) -> None:
    client("MSET", "a", "1", "b", "2")
    assert client("COPY", "a", "b") == 0
    assert client("COPY", "none", "b", "REPLACE") == 0
    assert client("GET", "b") == b"2"
    assert client("COPY", "a", "b", "REPLACE") == 1
    assert client("GET", "b") == b"1"


def test_keys_finds_live_keys_by_pattern(client: InProcessClient, server: InProcessServer) -> None:
    client("MSET", "hello", "1", "hallo", "2", "hxllo", "3", "other", "4")
    client("PEXPIRE", "hxllo", "10")
    server.clock.advance(11)
    assert sorted(client("KEYS", "h?llo")) == [b"hallo", b"hello"]  # type: ignore[type-var, arg-type]
    assert client("DBSIZE") == 4


def test_randomkey_never_answers_with_an_expired_key(client: InProcessClient, server: InProcessServer) -> None:
    client("SET", "dead", "1", "PX", "10")
    server.clock.advance(11)
    assert client("RANDOMKEY") is None
    client("SET", "live", "1")
    assert client("RANDOMKEY") == b"live"


def test_flushes_empty_one_database_or_all_and_are_propagated_even_if_nothing_was_there() -> None:
    server = RecordingServer()
    client = server.client()
    client("SET", "a", "1")
    client("SELECT", "1")
    client("SET", "b", "1")
    server.sent()
    assert client("FLUSHDB", "ASYNC") == b"OK"
    assert client("DBSIZE") == 0
    assert client("FLUSHDB") == b"OK"
    assert server.sent() == [[b"FLUSHDB", b"ASYNC"], [b"FLUSHDB"]]
    client("FLUSHALL")
    client("SELECT", "0")
    assert client("DBSIZE") == 0
    assert server.listener.emptied == [1, 1, -1]
    server.server.freeing.tick(0)
    assert server.server.keyspace.memory_bytes == 0


def test_swapdb_shows_each_client_the_other_database_at_once(client: InProcessClient, server: InProcessServer) -> None:
    other = server.client()
    other("SELECT", "1")
    client("SET", "a", "zero", "EX", "100")
    assert client("SWAPDB", "0", "1") == b"OK"
    assert client("GET", "a") is None
    assert other("GET", "a") == b"zero"
    assert other("TTL", "a") == 100


def scan_all(client: InProcessClient, *argv: str) -> list[bytes]:
    """Everything a scan returns; `0` in argv stands for the cursor."""
    found: list[bytes] = []
    cursor = b"0"
    while True:
        cursor, part = client(*[cursor if word == "0" else word for word in argv])  # type: ignore[misc]
        found.extend(part)
        if cursor == b"0":
            return found


def test_a_scan_returns_every_key_and_one_step_some_count_of_them(client: InProcessClient) -> None:
    expected = {b"key%d" % n for n in range(2000)}
    for key in expected:
        client("SET", key, "v")
    assert set(scan_all(client, "SCAN", "0")) == expected
    cursor, part = client("SCAN", "0", "COUNT", "500")  # type: ignore[misc]
    assert cursor != b"0"
    assert 500 <= len(part) < 700


def test_scan_filters_by_pattern_and_by_type_in_any_case(client: InProcessClient) -> None:
    client("SET", "string", "v")
    client("HSET", "hash", "f", "v")
    client("SADD", "set", "m")
    assert scan_all(client, "SCAN", "0", "TYPE", "hash") == [b"hash"]
    assert scan_all(client, "SCAN", "0", "TYPE", "HASH") == [b"hash"]
    assert scan_all(client, "SCAN", "0", "TYPE", "unheard of") == []
    assert sorted(scan_all(client, "SCAN", "0", "MATCH", "s*")) == [b"set", b"string"]
    assert scan_all(client, "SCAN", "0", "MATCH", "s*", "TYPE", "set") == [b"set"]


def test_scan_deletes_the_expired_keys_it_comes_across() -> None:
    server = RecordingServer()
    client = server.client()
    client("SET", "dead", "1", "PX", "10")
    client("SET", "live", "1")
    server.clock.advance(11)
    assert scan_all(client, "SCAN", "0") == [b"live"]
    assert client("DBSIZE") == 1
    assert "expired dead" in server.events()


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        ("12", b"int"),
        ("-9223372036854775808", b"int"),
        ("9223372036854775808", b"embstr"),
        ("012", b"embstr"),
        ("", b"embstr"),
        ("x" * 44, b"embstr"),
        ("x" * 45, b"raw"),
    ],
)
def test_object_encoding_tells_how_the_real_server_would_keep_a_string(
    client: InProcessClient, value: str, encoding: bytes
) -> None:
    client("SET", "key", value)
    assert client("OBJECT", "ENCODING", "key") == encoding


def test_object_encoding_of_a_string_that_has_grown_is_raw(client: InProcessClient) -> None:
    client("SET", "key", "1")
    client("APPEND", "key", "2")
    assert client("OBJECT", "ENCODING", "key") == b"raw"
    assert client("OBJECT", "ENCODING", "none") is None


def test_object_refcount_knows_small_integers_as_shared(client: InProcessClient) -> None:
    client("MSET", "small", "9999", "large", "10000")
    assert client("OBJECT", "REFCOUNT", "small") == 2**31 - 1
    assert client("OBJECT", "REFCOUNT", "large") == 1


def test_object_freq_and_idletime_exclude_each_other(client: InProcessClient) -> None:
    client("SET", "key", "1")
    assert client.error("OBJECT", "FREQ", "key").startswith("ERR An LFU maxmemory policy is not selected, access freq")
    assert client("OBJECT", "FREQ", "none") is None
    client("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    client("SET", "other", "1")
    assert client("OBJECT", "FREQ", "other") == 5
    assert client.error("OBJECT", "IDLETIME", "key").startswith("ERR An LFU maxmemory policy is selected, idle time no")


def test_lcs_answers_text_length_or_ranges(client: InProcessClient) -> None:
    client("MSET", "a", "ohmytext", "b", "mynewtext")
    assert client("LCS", "a", "b") == b"mytext"
    assert client("LCS", "a", "b", "LEN") == 6
    ranges = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]]
    assert client("LCS", "a", "b", "IDX") == [b"matches", ranges, b"len", 6]
    long = client("LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN")
    assert long == [b"matches", [[[4, 7], [5, 8], 4]], b"len", 6]
    assert client("LCS", "a", "none") == b""


def test_lcs_refuses_values_that_are_no_strings_before_it_reads_its_options(client: InProcessClient) -> None:
    client("SADD", "set", "m")
    assert client.error("LCS", "set", "a", "WHAT") == "ERR The specified keys must contain string values"
    client("SET", "a", "x")
    assert client.error("LCS", "a", "a", "LEN", "IDX").startswith("ERR If you want both the length and indexes")
