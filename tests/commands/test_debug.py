"""DEBUG through an in-process connection."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer

EMPTY = b"0" * 40


@pytest.fixture
def server() -> InProcessServer:
    server = InProcessServer()
    server.server.settings.enable_debug_command = "yes"
    return server


def test_debug_is_refused_unless_enabled() -> None:
    client = InProcessServer().client()
    assert client.error("DEBUG", "JMAP").startswith("ERR DEBUG command not allowed.")


@pytest.mark.parametrize("words", [("NONSENSE",), ("SLEEP",), ("SLEEP", "1", "2"), ("DIGEST", "x")])
def test_unknown_subcommands_and_counts_are_refused(client: InProcessClient, words: tuple[str, ...]) -> None:
    text = f"ERR unknown subcommand or wrong number of arguments for '{words[0]}'. Try DEBUG HELP."
    assert client.error("DEBUG", *words) == text


def test_listpack_does_not_see_an_expired_key(server: InProcessServer, client: InProcessClient) -> None:
    client("HSET", "h", "f", "v")
    assert client("DEBUG", "LISTPACK", "h") == b"Listpack structure printed to the log"
    client("PEXPIRE", "h", 10)
    server.clock.advance(11)
    assert client.error("DEBUG", "LISTPACK", "h") == "ERR no such key"


def test_the_digest_depends_on_content_not_on_order_or_encoding(client: InProcessClient) -> None:
    assert client("DEBUG", "DIGEST") == EMPTY
    client("SADD", "s", *range(10))
    client("HSET", "h", "f", "v", "g", "w")
    client("ZADD", "z", 1, "a", 2, "b")
    client("RPUSH", "l", "x", "y")
    client("XADD", "st", "1-1", "f", "v")
    client("SET", "n", 12)
    first = client("DEBUG", "DIGEST")
    client("FLUSHALL")
    client("CONFIG", "SET", "set-max-intset-entries", "1", "hash-max-listpack-entries", "1")
    client("CONFIG", "SET", "zset-max-listpack-entries", "1", "set-max-listpack-entries", "1")
    client("APPEND", "n", "12")
    client("XADD", "st", "1-1", "f", "v")
    client("RPUSH", "l", "x", "y")
    client("ZADD", "z", 2, "b", 1, "a")
    client("HSET", "h", "g", "w", "f", "v")
    client("SADD", "s", *reversed(range(10)))
    assert client("OBJECT", "ENCODING", "s") == b"hashtable"
    assert client("DEBUG", "DIGEST") == first


@pytest.mark.parametrize(
    "change",
    [
        ("SADD", "s", "x"),
        ("HSET", "h", "f", "other"),
        ("ZADD", "z", "1.5", "a"),
        ("LSET", "l", "0", "other"),
        ("SET", "n", "2"),
        ("EXPIRE", "n", "1000"),
        ("XADD", "st", "2-1", "f", "v"),
        ("RENAME", "n", "m"),
    ],
)
def test_every_change_changes_the_digest(client: InProcessClient, change: tuple[str, ...]) -> None:
    client("SADD", "s", "a")
    client("HSET", "h", "f", "v")
    client("ZADD", "z", 1, "a")
    client("RPUSH", "l", "x", "y")
    client("XADD", "st", "1-1", "f", "v")
    client("SET", "n", 1)
    before = client("DEBUG", "DIGEST")
    client(*change)
    assert client("DEBUG", "DIGEST") != before


def test_digest_value_of_a_missing_key_is_zero(client: InProcessClient) -> None:
    client("SET", "a", "1")
    client("SET", "b", "1")
    one, two, none = client("DEBUG", "DIGEST-VALUE", "a", "b", "none")  # type: ignore[misc]
    assert one == two != EMPTY
    assert none == EMPTY


def test_populate_adds_keys_and_keeps_those_that_are_there(client: InProcessClient) -> None:
    client("SET", "key:1", "mine")
    assert client("DEBUG", "POPULATE", 3) == b"OK"
    assert client("MGET", "key:0", "key:1", "key:2") == [b"value:0", b"mine", b"value:2"]
    client("DEBUG", "POPULATE", 1, "p", 10)
    assert client("GET", "p:0") == b"value:0\0\0\0"


def test_debug_object_tells_encoding_and_access_clock(client: InProcessClient) -> None:
    client("SET", "n", 1)
    text = client("DEBUG", "OBJECT", "n")
    assert isinstance(text, bytes)
    assert b" refcount:1 encoding:int serializedlength:2 lru:%d lru_seconds_idle:0" % (1_700_000_000 % 2**24) in text
    assert client.error("DEBUG", "OBJECT", "none") == "ERR no such key"


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("SET key v", 2),
        ("SET key abcdefghij", 11),
        ("RPUSH key 1 2 3", 16),
        ("SADD key a b", 14),
        ("HSET key a b", 14),
        ("ZADD key 1 a", 13),
        ("XADD key 1-1 a b", 57),
    ],
)
def test_debug_object_tells_how_long_a_value_is_in_a_dump(client: InProcessClient, words: str, size: int) -> None:
    client(*words.split())  # sizes are those of redis 8.2
    text = client("DEBUG", "OBJECT", "key")
    assert isinstance(text, bytes)
    assert b" serializedlength:%d " % size in text


def test_protocol_shows_each_reply_type(client: InProcessClient) -> None:
    assert client.raw(b"DEBUG PROTOCOL bignum\r\n") == b"$37\r\n1234567999999999999999999999999999999\r\n"
    assert client.error("DEBUG", "PROTOCOL", "push") == "ERR RESP2 is not supported by this command"
    client("HELLO", 3)
    assert client.raw(b"DEBUG PROTOCOL bignum\r\n") == b"(1234567999999999999999999999999999999\r\n"
    assert client.raw(b"DEBUG PROTOCOL double\r\n") == b",3.141\r\n"
    assert client.raw(b"DEBUG PROTOCOL map\r\n") == b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"
    assert client.raw(b"DEBUG PROTOCOL verbatim\r\n") == b"=29\r\ntxt:This is a verbatim\nstring\r\n"
    assert client.raw(b"DEBUG PROTOCOL attrib\r\n").startswith(b"|1\r\n$14\r\nkey-popularity\r\n")
    assert client.error("DEBUG", "PROTOCOL", "x").startswith("ERR Wrong protocol type name.")


def test_expired_keys_stay_while_active_expiry_is_off(client: InProcessClient, server: InProcessServer) -> None:
    client("SET", "k", "v", "PX", 10)
    client("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    server.clock.advance(1000)
    server.server.cron.tick()
    assert client("DBSIZE") == 1
    client("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    server.server.cron.tick()
    assert client("DBSIZE") == 0


def test_error_answers_the_text_without_line_ends(client: InProcessClient) -> None:
    assert client.raw(b"*3\r\n$5\r\nDEBUG\r\n$5\r\nERROR\r\n$5\r\nA\r\nBC\r\n") == b"-A  BC\r\n"


def test_table_figures_are_for_tables_only(client: InProcessClient) -> None:
    client("SET", "k", "v")
    client("SADD", "s", *[f"m{n}" for n in range(500)])
    text = client("DEBUG", "HTSTATS", 0)
    assert isinstance(text, bytes)
    assert b"number of elements: 2" in text
    assert b"number of elements: 500" in client("DEBUG", "HTSTATS-KEY", "s")  # type: ignore[operator]
    assert client.error("DEBUG", "HTSTATS-KEY", "k").startswith("ERR The value stored at the specified key")
    assert client.error("DEBUG", "HTSTATS", 99) == "ERR Out of range database"
