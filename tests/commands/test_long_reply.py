"""Draws without end: as many as were asked for, or as many as the client's limit allows."""

from __future__ import annotations

import pytest

from hognose.commands.long_reply import PART
from tests.inprocess import InProcessClient, InProcessServer

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


@pytest.mark.parametrize("command", FILL)
def test_a_reply_without_end_ends_with_the_client_at_its_limit(command: str) -> None:
    server = InProcessServer(client_output_buffer_limit="normal 1000000 0 0")
    client = server.client()
    client(*FILL[command])
    client.send(command, "key", -999_999_999)
    assert client.connection.closed
    assert len(client.transport.written) < 100


def test_a_transaction_may_hold_a_long_reply(client: InProcessClient) -> None:
    client(*FILL["SRANDMEMBER"])
    client("MULTI")
    client("SRANDMEMBER", "key", -(PART + 1))
    client("PING")
    assert client("EXEC") == [[b"field"] * (PART + 1), b"PONG"]
