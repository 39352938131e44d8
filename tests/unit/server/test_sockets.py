"""Clients' sockets: real ones, connected to the test, on an event loop that runs as far as the test lets it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from hognose.clock import FakeClock
from hognose.commands.context import Context
from hognose.config.store import Config
from hognose.server import sockets
from hognose.server.connection import Connection
from hognose.server.lifecycle import Lifecycle
from hognose.server.loops import new_event_loop
from hognose.server.server import Server

MOST_TURNS: Final = 100_000
PONG: Final = b"+PONG\r\n"


class Harness:
    """A server that listens on a free port of this machine."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        config = Config()
        config.set_many([(b"bind", b"127.0.0.1")])
        self.loop: Final = loop
        self.server: Final = Server(config, FakeClock())
        self.server.log_file.level = 4
        self.lifecycle: Final = Lifecycle(self.server, loop)
        self.lifecycle.listeners.open(any_port=True)

    def turn(self) -> None:
        """One turn of the event loop."""
        self.loop.run_until_complete(asyncio.sleep(0))

    def until(self, condition: Callable[[], bool]) -> None:
        """Turns the loop until something is so."""
        for _ in range(MOST_TURNS):
            if condition():
                return
            self.turn()
        raise AssertionError("it never came")

    def connect(self) -> tuple[socket.socket, Connection]:
        """A client, and the server's object for it."""
        known = set(self.server.clients)
        client = socket.create_connection(("127.0.0.1", self.server.settings.port))
        client.setblocking(False)
        self.until(lambda: len(self.server.clients) > len(known))
        (new,) = set(self.server.clients) - known
        return client, self.server.clients[new]

    def receive(self, client: socket.socket, size: int) -> bytes:
        """That many bytes from the server."""
        received = bytearray()

        def is_complete() -> bool:
            try:
                received.extend(client.recv(size - len(received)))
            except BlockingIOError:
                return False
            return len(received) == size

        self.until(is_complete)
        return bytes(received)


@pytest.fixture(params=["epoll", "asyncio"])
def harness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    monkeypatch.setenv("HOGNOSE_LOOP", request.param)
    loop = new_event_loop()
    harness = Harness(loop)
    yield harness
    harness.lifecycle.stop()
    harness.turn()
    harness.lifecycle.abort_clients()
    harness.turn()
    loop.close()


def has_ended(client: socket.socket) -> bool:
    """Whether the server has closed a connection; what it sent before is thrown away."""
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


def test_what_a_client_sends_is_answered(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        client.sendall(b"PING\r\n")
        assert harness.receive(client, len(PONG)) == PONG
        assert (connection.total_in, connection.total_out) == (6, len(PONG))


def test_both_ends_are_known_by_their_addresses(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        assert connection.peer.decode() == f"127.0.0.1:{client.getsockname()[1]}"
        assert connection.local.decode() == f"127.0.0.1:{client.getpeername()[1]}"


def test_what_a_slow_client_leaves_comes_complete_and_in_order(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        pieces = [b"%07d;" % number * 1000 for number in range(2000)]
        for piece in pieces:
            connection.out.write(piece)
            connection.flush()
        assert connection.output_bytes() > 0
        assert harness.receive(client, 16_000_000) == b"".join(pieces)
        harness.until(lambda: connection.output_bytes() == 0)


def test_many_short_pieces_that_wait_come_in_order(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        large = b"x" * 8_000_000
        connection.out.write(large)
        connection.flush()
        pieces = [b"%d;" % number for number in range(50_000)]
        for piece in pieces:
            connection.out.write(piece)
            connection.flush()
        expected = large + b"".join(pieces)
        assert harness.receive(client, len(expected)) == expected


def test_a_client_that_leaves_too_much_is_read_again_once_it_has_caught_up(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        value = b"x" * (64 << 20)
        connection.out.write(b"first")
        connection.flush()
        while not connection.stalled:
            assert connection.transport is not None
            connection.transport.write(value)
            assert connection.output_bytes() < sockets.BACK_PRESSURE_BYTES + 2 * len(value)
        client.sendall(b"PING\r\n")
        for _ in range(10):
            harness.turn()
        assert connection.total_in == 0

        def is_answered() -> bool:
            try:
                while len(client.recv(1 << 22)) == 1 << 22:
                    pass
            except BlockingIOError:
                pass
            return connection.total_in == 6

        harness.until(is_answered)
        assert not connection.stalled


def test_a_client_that_catches_up_and_is_dropped_for_its_next_command_is_lost_once(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        value = b"x" * (64 << 20)
        assert connection.transport is not None
        while not connection.stalled:
            connection.transport.write(value)
        connection.parser.feed(b"PING\r\n")  # was read before, and runs as soon as it has
        harness.server.config.set_many([(b"client-output-buffer-limit", b"normal 1 0 0")])
        while not connection.closed:
            with contextlib.suppress(BlockingIOError):
                client.recv(1 << 22)
            harness.lifecycle.sockets.poller.serve()
        assert harness.lifecycle.sockets._ended == [connection.transport]
        harness.until(lambda: connection.id not in harness.server.clients)


def test_closing_sends_what_waits_first(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        value = b"x" * 16_000_000
        connection.out.write(value)
        connection.flush()
        connection.close()
        assert harness.receive(client, len(value)) == value
        harness.until(lambda: has_ended(client))
        assert connection.id not in harness.server.clients


def test_aborting_drops_what_waits_and_the_connection_hears_of_it_a_turn_later(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        connection.out.write(b"x" * 16_000_000)
        connection.flush()
        connection.abort()
        assert connection.output_bytes() == 0
        assert connection.id in harness.server.clients
        harness.until(lambda: connection.id not in harness.server.clients)
        assert has_ended(client)


def test_a_client_that_leaves_is_forgotten(harness: Harness) -> None:
    client, connection = harness.connect()
    client.close()
    harness.until(lambda: connection.id not in harness.server.clients)
    assert connection.closed


def test_a_client_that_stops_sending_gets_the_rest_of_its_replies(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        value = b"x" * 16_000_000
        connection.out.write(value)
        connection.flush()
        client.shutdown(socket.SHUT_WR)
        for _ in range(10):
            harness.turn()
        assert connection.id in harness.server.clients
        assert harness.receive(client, len(value)) == value
        harness.until(lambda: connection.id not in harness.server.clients)


def test_a_client_that_stops_sending_gets_the_replies_that_wait_for_the_disk(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        harness.server.holds_replies = True
        client.sendall(b"PING\r\n")
        client.shutdown(socket.SHUT_WR)
        harness.until(lambda: connection.total_in == 6)
        for _ in range(10):
            harness.turn()
        harness.server.append_only.flush()
        assert harness.receive(client, len(PONG)) == PONG
        harness.until(lambda: has_ended(client))
        harness.until(lambda: connection.id not in harness.server.clients)


def test_a_client_that_vanishes_while_it_is_written_to_is_forgotten(harness: Harness) -> None:
    client, connection = harness.connect()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # closing resets
    connection.out.write(b"x" * 16_000_000)
    connection.flush()
    client.close()
    harness.until(lambda: connection.id not in harness.server.clients)


def test_long_pipelines_are_read_in_parts_so_that_others_get_their_turn(harness: Harness) -> None:
    busy, busy_connection = harness.connect()
    other, other_connection = harness.connect()
    with busy, other:
        other.sendall(b"PING\r\n")
        try:
            while True:
                busy.send(b"PING\r\n" * 30_000)
        except BlockingIOError:
            pass
        harness.lifecycle.sockets.serve()
        assert (busy_connection.total_in, other_connection.total_in) == (sockets.READ_BYTES, 6)


def test_others_are_served_from_within_a_callback_of_the_loop(harness: Harness) -> None:
    client, connection = harness.connect()
    leaving, left = harness.connect()
    served: list[bytes] = []

    def work() -> None:
        client.sendall(b"PING\r\n")
        leaving.close()
        late = socket.create_connection(("127.0.0.1", harness.server.settings.port))
        while connection.total_out == 0 or left.id in harness.server.clients or len(harness.server.clients) < 2:
            harness.lifecycle.sockets.serve()
        served.append(client.recv(100))
        late.close()

    with client:
        harness.loop.call_soon(work)
        harness.until(lambda: bool(served))
    assert served == [PONG]


def in_one_round(harness: Harness, clients: list[socket.socket], requests: list[bytes], reply: bytes) -> None:
    """Has clients send a request each, all before the loop's next turn, and turns it until they are answered."""
    for client, request in zip(clients, requests, strict=True):
        client.sendall(request)
    for client in clients:
        assert harness.receive(client, len(reply)) == reply


def test_replies_of_a_round_are_sent_at_its_end(harness: Harness) -> None:
    first, known = harness.connect()
    second, listing = harness.connect()
    with first, second:
        first.sendall(b"PING\r\n")
        second.sendall(b"CLIENT LIST ID %d\r\n" % known.id)
        harness.until(lambda: listing.total_out > 0)
        assert b" obl=%d " % len(PONG) in second.recv(10_000), "the list was made while the reply waited"
        assert harness.receive(first, len(PONG)) == PONG


def test_whoever_was_served_before_a_script_that_takes_long_is_answered_though_it_has_stopped_sending(
    harness: Harness,
) -> None:
    client, connection = harness.connect()
    service = harness.lifecycle.sockets
    with client:
        service.begin_round()
        connection.data_received(b"PING\r\n")
        client.shutdown(socket.SHUT_WR)
        while not connection.closed:
            service.serve()  # as from within a script of another client of the round
        service.end_round()
        assert harness.receive(client, len(PONG)) == PONG


def test_messages_of_a_round_are_sent_to_a_subscriber_in_one_piece(harness: Harness) -> None:
    subscriber, listening = harness.connect()
    publishers = [harness.connect()[0] for _ in range(20)]
    subscriber.sendall(b"SUBSCRIBE channel\r\n")
    harness.until(lambda: listening.total_out > 0)
    writes = harness.server.writes
    in_one_round(harness, publishers, [b"PUBLISH channel message\r\n"] * 20, b":1\r\n")
    harness.turn()
    assert harness.server.writes - writes == len(publishers) + 1
    for client in (subscriber, *publishers):
        client.close()


def test_messages_are_sent_from_within_a_callback_of_the_loop(harness: Harness) -> None:
    subscriber, listening = harness.connect()
    publisher, _ = harness.connect()
    subscriber.sendall(b"SUBSCRIBE channel\r\n")
    harness.until(lambda: listening.total_out > 0)
    before = listening.total_out
    with subscriber, publisher:
        publisher.sendall(b"PUBLISH channel message\r\n")
        harness.loop.call_soon(harness.lifecycle.sockets.serve)
        harness.until(lambda: listening.total_out > before)


@pytest.mark.parametrize("options", [b"", b" BCAST"])
def test_invalidations_of_a_round_are_sent_to_a_tracking_client_in_one_piece(harness: Harness, options: bytes) -> None:
    tracking, tracker = harness.connect()
    writers = [harness.connect()[0] for _ in range(20)]
    keys = [b"key:%02d" % number for number in range(20)]
    tracking.sendall(b"HELLO 3\r\nCLIENT TRACKING ON%s\r\nMGET %s\r\nECHO read\r\n" % (options, b" ".join(keys)))
    received = bytearray()

    def is_set_up() -> bool:
        with contextlib.suppress(BlockingIOError):
            received.extend(tracking.recv(65536))
        return received.endswith(b"read\r\n")

    harness.until(is_set_up)
    writes = harness.server.writes
    in_one_round(harness, writers, [b"SET %s value\r\n" % key for key in keys], b"+OK\r\n")
    harness.turn()
    assert harness.server.writes - writes == len(writers) + 1
    pushes = tracking.recv(65536)
    assert all(pushes.count(key) == 1 for key in keys)
    assert pushes.count(b"invalidate") == (1 if options else len(keys))
    for client in (tracking, *writers):
        client.close()
    assert tracker.id in harness.server.clients


def test_a_client_is_told_of_a_change_before_the_writers_next_command_is_answered(harness: Harness) -> None:
    tracking, tracker = harness.connect()
    writer, _ = harness.connect()
    with tracking, writer:
        tracking.sendall(b"HELLO 3\r\nCLIENT TRACKING ON BCAST\r\nECHO read\r\n")
        harness.until(lambda: tracker.total_out > 0)
        before = tracker.total_out
        writer.sendall(b"SET key value\r\n")
        harness.receive(writer, 5)
        writer.sendall(b"PING\r\n")
        harness.receive(writer, len(PONG))
        assert tracker.total_out > before


def test_nothing_is_read_from_whose_script_takes_long(harness: Harness) -> None:
    client, connection = harness.connect()
    with client:
        harness.server.set_busy(connection, True)
        client.sendall(b"PING\r\n")
        for _ in range(10):
            harness.lifecycle.sockets.serve()
        assert connection.total_in == 0
        harness.server.set_busy(connection, False)
        assert harness.receive(client, len(PONG)) == PONG


def test_a_script_without_a_connection_may_take_long(harness: Harness) -> None:
    ctx = Context(harness.server, 0)
    harness.server.set_busy(ctx, True)
    harness.server.set_busy(ctx, False)


class Refusing:
    """A listening socket of which nothing can be accepted."""

    def accept(self) -> object:
        raise OSError(errno.EMFILE, "Too many open files")


def test_without_descriptors_nobody_is_accepted_and_the_caller_is_told(harness: Harness) -> None:
    refusing: object = Refusing()
    assert not harness.lifecycle.sockets.accept(refusing, harness.server.new_connection)  # type: ignore[arg-type]
    assert harness.server.clients == {}
