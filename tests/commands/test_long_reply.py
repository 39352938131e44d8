"""Long replies: they go out in parts, and those without end are refused or end at the client's limit."""

from __future__ import annotations

import pytest

from hognose.commands.long_reply import PART
from tests.inprocess import InProcessClient, InProcessServer, MemoryTransport

FILL = {
    "HRANDFIELD": ("HSET", "key", "field", "value"),
    "SRANDMEMBER": ("SADD", "key", "field"),
    "ZRANDMEMBER": ("ZADD", "key", 1, "field"),
}
WITH = {"HRANDFIELD": "WITHVALUES", "ZRANDMEMBER": "WITHSCORES"}


@pytest.mark.parametrize("command", FILL)
@pytest.mark.parametrize("count", [1, PART, PART + 1, 3 * PART])
def test_a_long_reply_has_as_many_elements_as_a_short_one_would(
    client: InProcessClient, command: str, count: int
) -> None:
    client(*FILL[command])
    assert client(command, "key", -count) == [b"field"] * count


@pytest.mark.parametrize("command", WITH)
@pytest.mark.parametrize("resp", [2, 3])
def test_pairs_of_a_long_reply_have_the_shape_of_a_short_one(client: InProcessClient, command: str, resp: int) -> None:
    client("HELLO", resp)
    client(*FILL[command])
    one = client(command, "key", -1, WITH[command])
    assert isinstance(one, list)
    assert client(command, "key", -(PART + 5), WITH[command]) == one * (PART + 5)


class UnreadTransport(MemoryTransport):
    """Nobody reads what is written."""

    def write(self, data: bytes) -> None:
        super().write(data)
        self.unsent_bytes = len(self.written)


@pytest.mark.parametrize("command", FILL)
def test_a_reply_without_end_ends_with_the_client_at_its_limit(command: str) -> None:
    server = InProcessServer(client_output_buffer_limit="normal 1000000 0 0")
    client = server.client()
    client(*FILL[command])
    transport = UnreadTransport()
    client.connection.transport = transport
    client.send(command, "key", -9_999_999)
    assert client.connection.closed
    assert len(transport.written) < 1_500_000


@pytest.mark.parametrize("command", FILL)
def test_a_draw_longer_than_the_longest_string_is_refused(client: InProcessClient, command: str) -> None:
    client(*FILL[command])
    client("CONFIG", "SET", "proto-max-bulk-len", "1mb")
    assert client.error(command, "key", -200_000_000) == "ERR value is out of range"
    assert client(command, "key", -50_000) == [b"field"] * 50_000
    assert not client.connection.closed


@pytest.mark.parametrize("command", FILL)
def test_such_a_draw_ends_a_client_with_a_limit_at_once(command: str) -> None:
    server = InProcessServer(client_output_buffer_limit="normal 1000000 0 0")
    client = server.client()
    client(*FILL[command])
    client.send(command, "key", -999_999_999)
    assert client.connection.closed
    assert not client.transport.written
    other = server.client()
    other("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
    assert other.error(command, "key", -999_999_999) == "ERR value is out of range"


class PieceTransport(MemoryTransport):
    """Keeps the sizes of what is written, too."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, data: bytes) -> None:
        super().write(data)
        self.sizes.append(len(data))


LONG = 15_000
LONG_REPLIES = [
    ("LRANGE", "list", "0", "-1"),
    ("HGETALL", "hash"),
    ("HKEYS", "hash"),
    ("HVALS", "hash"),
    ("SMEMBERS", "set"),
    ("SUNION", "set", "none"),
    ("ZRANGE", "zset", "0", "-1"),
    ("ZRANGE", "zset", "0", "-1", "WITHSCORES"),
    ("ZUNION", "1", "zset", "WITHSCORES"),
    ("SORT_RO", "list", "ALPHA"),
    ("SRANDMEMBER", "set", str(-LONG)),
]


@pytest.fixture(scope="module")
def loaded() -> InProcessServer:
    """A server with all keys of `LONG_REPLIES`."""
    server = InProcessServer()
    client = server.client()
    members = [f"member:{number:030}" for number in range(LONG)]
    client("RPUSH", "list", *members)
    client("SADD", "set", *members)
    client("HSET", "hash", *[word for member in members for word in (member, member)])
    client("ZADD", "zset", *[word for member in members for word in ("1.5", member)])
    return server


@pytest.fixture
def reader(loaded: InProcessServer) -> InProcessClient:
    """A client of it, whose transport is a `PieceTransport`."""
    client = loaded.client()
    client.transport = PieceTransport()
    client.connection.transport = client.transport
    return client


def sizes(client: InProcessClient) -> list[int]:
    """The sizes of the parts that a reader got since the last call."""
    assert isinstance(client.transport, PieceTransport)
    found = client.transport.sizes
    client.transport.sizes = []
    return found


@pytest.mark.parametrize("argv", LONG_REPLIES)
@pytest.mark.parametrize("resp", [2, 3])
def test_a_long_reply_goes_out_in_parts_that_make_the_whole(
    reader: InProcessClient, argv: tuple[str, ...], resp: int
) -> None:
    reader("HELLO", resp)
    sizes(reader)
    reply = reader(*argv)
    parts = sizes(reader)
    assert len(parts) > 1
    assert max(parts) < 1_000_000
    reader("MULTI")
    reader(*argv)
    sizes(reader)
    whole = reader("EXEC")
    assert len(sizes(reader)) == 1
    assert isinstance(whole, list)
    if argv[0] != "SRANDMEMBER":
        assert reply == whole[0]


def test_a_long_reply_that_nobody_wants_is_not_sent(reader: InProcessClient) -> None:
    reader.send("CLIENT", "REPLY", "OFF")
    reader.send("LRANGE", "list", "0", "-1")
    assert not sizes(reader)
    reader.send("CLIENT", "REPLY", "ON")
    reader.send("CLIENT", "REPLY", "SKIP")
    reader.send("LRANGE", "list", "0", "-1")
    assert sizes(reader) == [len("+OK\r\n")]


def test_a_transaction_may_hold_a_long_reply(client: InProcessClient) -> None:
    client(*FILL["SRANDMEMBER"])
    client("MULTI")
    client("SRANDMEMBER", "key", -(PART + 1))
    client("PING")
    assert client("EXEC") == [[b"field"] * (PART + 1), b"PONG"]
