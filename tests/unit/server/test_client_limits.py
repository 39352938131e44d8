"""Limits of single clients, with a clock and a transport in the test's hands."""

from __future__ import annotations

import ssl
from typing import Final

import pytest

from hognose.clock import FakeClock
from hognose.commands.context import BLOCKED, MONITOR, REPLICA
from hognose.config.store import Config
from hognose.server.client_limits import HANDSHAKE_MS, UNCOUNTED_BYTES
from hognose.server.connection import Connection
from hognose.server.server import Server
from hognose.server.transport import Transport

MIB: Final = 1 << 20


class SlowTransport(Transport):
    """A connection whose other side reads only when the test says so."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(-1, (host, 1234), (host, 6379))
        self.sent = bytearray()
        self.aborted = False
        self.closing = False
        self.reading = True

    def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Harness:
    """A server on a standing clock."""

    def __init__(self, **directives: str) -> None:
        config = Config()
        config.set_many([(name.replace("_", "-").encode(), value.encode()) for name, value in directives.items()])
        self.clock = FakeClock()
        self.server = Server(config, self.clock)
        self.server.log_file.level = 4

    def connect(self, host: str = "127.0.0.1") -> tuple[Connection, SlowTransport]:
        connection = self.server.new_connection()
        transport = SlowTransport(host)
        connection.connection_made(transport)
        return connection, transport

    def leave_unread(self, transport: SlowTransport, connection: Connection, size: int) -> None:
        transport.unsent_bytes = size + UNCOUNTED_BYTES
        connection.data_received(b"PING\r\n")


# Output


def test_the_hard_limit_drops_at_once() -> None:
    harness = Harness(client_output_buffer_limit="normal 1mb 0 0")
    connection, transport = harness.connect()
    harness.leave_unread(transport, connection, MIB - 8)
    assert not transport.aborted
    harness.leave_unread(transport, connection, MIB)
    assert transport.aborted
    assert connection.closed


def test_the_soft_limit_drops_only_after_its_seconds_without_a_break() -> None:
    harness = Harness(client_output_buffer_limit="normal 0 1mb 10")
    connection, transport = harness.connect()
    harness.leave_unread(transport, connection, 2 * MIB)
    harness.clock.advance(10_000)
    harness.server.limits.visit(connection)
    assert not transport.aborted
    harness.clock.advance(1_000)
    harness.server.limits.visit(connection)
    assert transport.aborted


def test_falling_below_the_soft_limit_starts_its_time_anew() -> None:
    harness = Harness(client_output_buffer_limit="normal 0 1mb 10")
    connection, transport = harness.connect()
    harness.leave_unread(transport, connection, 2 * MIB)
    harness.clock.advance(8_000)
    harness.leave_unread(transport, connection, 0)
    harness.leave_unread(transport, connection, 2 * MIB)
    harness.clock.advance(8_000)
    harness.server.limits.visit(connection)
    assert not transport.aborted


def test_each_class_of_clients_has_its_own_limit() -> None:
    harness = Harness(client_output_buffer_limit="normal 0 0 0 pubsub 1mb 0 0 replica 3mb 0 0", repl_backlog_size="2mb")
    normal, subscriber, replica = (harness.connect() for _ in range(3))
    subscriber[0].channels = 1
    replica[0].flags |= REPLICA
    for connection, transport in (normal, subscriber, replica):
        transport.unsent_bytes = 2 * MIB
        harness.server.limits.visit(connection)
    assert [transport.aborted for _, transport in (normal, subscriber, replica)] == [False, True, False]
    replica[1].unsent_bytes = 4 * MIB
    harness.server.limits.visit(replica[0])
    assert replica[1].aborted


def test_a_replicas_limit_is_never_below_the_backlog() -> None:
    harness = Harness(client_output_buffer_limit="replica 1mb 0 0", repl_backlog_size="5mb")
    connection, transport = harness.connect()
    connection.flags |= REPLICA
    transport.unsent_bytes = 4 * MIB
    harness.server.limits.visit(connection)
    assert not transport.aborted


def test_the_limit_may_be_changed_while_clients_are_connected() -> None:
    harness = Harness()
    connection, transport = harness.connect()
    harness.leave_unread(transport, connection, 100 * MIB)
    assert not transport.aborted
    harness.server.config.set_many([(b"client-output-buffer-limit", b"normal 1mb 0 0")])
    harness.leave_unread(transport, connection, 100 * MIB)
    assert transport.aborted


# Back-pressure


def test_a_client_far_behind_is_not_read_from_until_it_has_caught_up() -> None:
    harness = Harness()
    connection, transport = harness.connect()
    connection.pause_writing()
    assert not transport.reading
    connection.data_received(b"PING\r\nPING\r\n")
    assert transport.sent == b""
    connection.resume_writing()
    assert transport.reading
    assert transport.sent == b"+PONG\r\n+PONG\r\n"


# Input


def test_a_transaction_counts_as_unfinished_input() -> None:
    harness = Harness(client_query_buffer_limit="1mb")
    connection, transport = harness.connect()
    connection.data_received(b"GET key\r\n" * 100_000)
    assert not transport.aborted
    connection.queued_bytes = 2 * MIB
    connection.data_received(b"PING\r\n")
    assert transport.aborted


# Time


def test_an_idle_client_is_disconnected_after_the_timeout() -> None:
    harness = Harness(timeout="30")
    connection, transport = harness.connect()
    harness.clock.advance(30_000)
    harness.server.limits.visit(connection)
    assert not transport.aborted
    harness.clock.advance(1_000)
    harness.server.limits.visit(connection)
    assert transport.aborted


def test_a_tls_client_that_does_not_finish_its_handshake_is_disconnected() -> None:
    harness = Harness()
    harness.server.tls.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    connection = harness.server.new_tls_connection()
    transport = SlowTransport()
    connection.connection_made(transport)
    harness.clock.advance(HANDSHAKE_MS)
    harness.server.limits.visit(connection)
    assert not transport.aborted
    harness.clock.advance(1)
    harness.server.limits.visit(connection)
    assert transport.aborted


@pytest.mark.parametrize("flag", [REPLICA, MONITOR, BLOCKED])
def test_replicas_monitors_and_those_who_wait_may_be_idle(flag: int) -> None:
    harness = Harness(timeout="30")
    connection, transport = harness.connect()
    connection.flags |= flag
    harness.clock.advance(1_000_000)
    harness.server.limits.visit(connection)
    assert not transport.aborted


def test_subscribers_may_be_idle() -> None:
    harness = Harness(timeout="30")
    connection, transport = harness.connect()
    connection.patterns = 1
    harness.clock.advance(1_000_000)
    harness.server.limits.visit(connection)
    assert not transport.aborted


# Admission


def test_protected_mode_lets_only_this_machine_in_while_there_is_no_password() -> None:
    harness = Harness()
    _, transport = harness.connect("10.1.2.3")
    assert transport.sent.startswith(b"-DENIED Redis is running in protected mode because")
    assert transport.sent.endswith(b"accepting connections from the outside.\r\n")
    assert transport.closing
    assert harness.server.rejected_connections == 1
    for host in ("127.0.0.1", "127.8.9.1", "::1"):
        assert harness.connect(host)[1].sent == b""
    for change in ((b"requirepass", b"secret"), (b"protected-mode", b"no")):
        harness = Harness()
        harness.server.config.set_many([change])
        _, transport = harness.connect("10.1.2.3")
        assert not transport.closing
