"""Blocking commands over real sockets: timers that fire, clients that hang up, and waking from other connections."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import hiredis
import pytest
import redis

from tests.integration.server_process import TIMEOUT_S, ServerProcess


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--save", "") as running:
        running.wait_for("Ready to accept connections")
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[redis.Redis]:
    with redis.Redis(host="127.0.0.1", port=server.port, socket_timeout=TIMEOUT_S) as connected:
        connected.flushall()
        yield connected


class RawClient:
    """A socket that sends commands and reads replies when told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._reader = hiredis.Reader(notEnoughData=...)

    def send(self, *words: str) -> None:
        self.socket.sendall(
            b"".join([b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(w), w.encode()) for w in words)])
        )

    def reply(self) -> object:
        while (reply := self._reader.gets()) is ...:
            data = self.socket.recv(65536)
            assert data, "the server hung up"
            self._reader.feed(data)
        return reply

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def waiter(server: ServerProcess) -> Iterator[RawClient]:
    raw = RawClient(server.port)
    yield raw
    raw.close()


def wait_for_blocked(client: redis.Redis, count: int) -> None:
    """Waits until so many clients are blocked."""
    deadline = time.monotonic() + TIMEOUT_S
    while client.info("clients")["blocked_clients"] != count:
        assert time.monotonic() < deadline


def test_a_timeout_with_a_fraction_ends_neither_early_nor_much_too_late(waiter: RawClient) -> None:
    started = time.monotonic()
    waiter.send("BLPOP", "none", "0.05")
    assert waiter.reply() is None
    assert 0.049 <= time.monotonic() - started < TIMEOUT_S / 2


def test_an_earlier_deadline_is_met_though_a_later_one_came_first(server: ServerProcess, waiter: RawClient) -> None:
    other = RawClient(server.port)
    other.send("BLPOP", "none", "1000")
    waiter.send("BLPOP", "none", "0.02")
    assert waiter.reply() is None
    other.close()


def test_a_push_from_another_connection_is_answered_at_once(client: redis.Redis, waiter: RawClient) -> None:
    waiter.send("BLMOVE", "source", "target", "LEFT", "RIGHT", "0")
    wait_for_blocked(client, 1)
    client.rpush("source", "x")
    assert waiter.reply() == b"x"
    assert client.lrange("target", 0, -1) == [b"x"]


def test_an_expiring_stream_ends_the_wait_of_a_group_with_no_command_around(
    client: redis.Redis, waiter: RawClient
) -> None:
    client.xgroup_create("stream", "group", mkstream=True)
    waiter.send("XREADGROUP", "GROUP", "group", "me", "BLOCK", "0", "STREAMS", "stream", ">")
    wait_for_blocked(client, 1)
    client.pexpire("stream", 20)
    assert str(waiter.reply()).startswith("NOGROUP ")


def test_a_client_that_hangs_up_takes_nothing(server: ServerProcess, client: redis.Redis, waiter: RawClient) -> None:
    gone = RawClient(server.port)
    gone.send("BLPOP", "list", "0")
    wait_for_blocked(client, 1)
    waiter.send("BLPOP", "list", "0")
    wait_for_blocked(client, 2)
    gone.close()
    wait_for_blocked(client, 1)
    client.rpush("list", "a")
    assert waiter.reply() == [b"list", b"a"]


def test_what_was_pipelined_behind_a_wait_is_answered_after_it(client: redis.Redis, waiter: RawClient) -> None:
    waiter.send("BLPOP", "list", "0")
    waiter.send("ECHO", "after")
    wait_for_blocked(client, 1)
    client.rpush("list", "a")
    assert waiter.reply() == [b"list", b"a"]
    assert waiter.reply() == b"after"
