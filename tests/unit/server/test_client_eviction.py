"""maxmemory-clients, with a clock and transports in the test's hands."""

from __future__ import annotations

import pytest

from hognose.clock import FakeClock
from hognose.commands.client_text import memory_of
from hognose.commands.context import REPLICA
from hognose.config.store import Config
from hognose.server.client_eviction import BUCKETS, LEAST_LIMIT_BYTES, bucket_of, limit_of
from hognose.server.connection import KEPT_BYTES, Connection
from hognose.server.server import Server
from tests.unit.server.test_client_limits import SlowTransport

KIB = 1024
MIB = 1024 * KIB


class Harness:
    """A server on a standing clock."""

    def __init__(self, **directives: str) -> None:
        config = Config()
        config.set_many([(name.replace("_", "-").encode(), value.encode()) for name, value in directives.items()])
        self.clock = FakeClock()
        self.server = Server(config, self.clock)
        self.server.log_file.level = 4

    def connect(self) -> tuple[Connection, SlowTransport]:
        connection = self.server.new_connection()
        transport = SlowTransport()
        connection.connection_made(transport)  # type: ignore[arg-type]
        return connection, transport

    def send_part(self, connection: Connection, size: int) -> None:
        """Sends a request of which `size` bytes arrive and some more do not."""
        connection.data_received(b"*1\r\n$%d\r\n" % (size + 1) + b"v" * size)

    def evicted(self) -> int:
        return self.server.memory_limit.client_eviction.evicted

    def set(self, name: str, value: str) -> None:
        self.server.config.set_many([(name.encode(), value.encode())])


def test_each_bucket_spans_a_power_of_two() -> None:
    assert [bucket_of(size) for size in (0, 32767, 32768, 65535, 65536)] == [0, 0, 1, 1, 2]
    assert bucket_of(1 << 50) == BUCKETS - 1


def test_the_limit_may_be_a_share_of_maxmemory() -> None:
    assert limit_of(0, 100 * MIB) == 0
    assert limit_of(3 * MIB, 0) == 3 * MIB
    assert limit_of(-10, 100 * MIB) == 10 * MIB
    assert limit_of(-10, 0) == 0
    assert limit_of(1, 0) == LEAST_LIMIT_BYTES


def test_the_largest_client_goes_first_and_only_until_the_rest_fits() -> None:
    harness = Harness(maxmemory_clients="1mb")
    small, middle, large = (harness.connect()[0] for _ in range(3))
    harness.send_part(small, 100 * KIB)
    harness.send_part(middle, 300 * KIB)
    harness.send_part(large, 600 * KIB)
    assert harness.evicted() == 0
    harness.send_part(harness.connect()[0], 200 * KIB)
    assert large.closed
    assert not small.closed
    assert not middle.closed
    assert harness.evicted() == 1
    assert large.id not in harness.server.clients


def test_a_client_may_be_evicted_by_its_own_request() -> None:
    harness = Harness(maxmemory_clients="1mb")
    connection, transport = harness.connect()
    harness.send_part(connection, 2 * MIB)
    assert transport.aborted
    assert harness.evicted() == 1


@pytest.mark.parametrize("command", [b"WATCH %d\r\n", b"SUBSCRIBE %d\r\n", b"SSUBSCRIBE %d\r\n", b"PSUBSCRIBE %d\r\n"])
def test_what_a_client_has_joined_counts(command: bytes) -> None:
    harness = Harness(maxmemory_clients="200000")
    connection, _ = harness.connect()
    number = 0
    while not connection.closed and number < 2000:
        connection.data_received(command % number)
        number += 1
    assert connection.closed
    assert number > 100
    assert harness.server.pubsub.channels.listeners == {}
    assert not harness.server.keyspace.observed


def test_prefixes_that_a_client_is_told_of_count() -> None:
    harness = Harness(maxmemory_clients="200000")
    connection, _ = harness.connect()
    before = memory_of(connection)
    for number in range(100):
        connection.data_received(b"CLIENT TRACKING ON BCAST PREFIX prefix:%03d\r\n" % number)
    assert memory_of(connection) > before + 10_000


def test_queued_commands_count() -> None:
    harness = Harness(maxmemory_clients="200000")
    connection, _ = harness.connect()
    connection.data_received(b"MULTI\r\n" + b"PING\r\n" * 2000)
    assert connection.closed


def test_messages_to_a_client_that_does_not_read_count() -> None:
    harness = Harness(maxmemory_clients="1mb")
    subscriber, transport = harness.connect()
    subscriber.data_received(b"SUBSCRIBE news\r\n")
    publisher, _ = harness.connect()
    transport.unsent_bytes = 2 * MIB
    publisher.data_received(b"PUBLISH news hello\r\n")
    assert transport.aborted
    assert not publisher.closed


def test_clients_that_ask_for_it_and_replicas_are_spared() -> None:
    harness = Harness(maxmemory_clients="1mb")
    spared, _ = harness.connect()
    spared.data_received(b"CLIENT NO-EVICT ON\r\n")
    harness.send_part(spared, 2 * MIB)
    replica, _ = harness.connect()
    replica.flags |= REPLICA
    harness.send_part(replica, 2 * MIB)
    assert harness.evicted() == 0
    assert not spared.closed
    assert not replica.closed


def test_lowering_the_limit_evicts_at_once_and_lifting_it_ends_the_account() -> None:
    harness = Harness()
    clients = [harness.connect()[0] for _ in range(4)]
    for client in clients:
        harness.send_part(client, MIB)
    harness.set("maxmemory-clients", "2500kb")
    assert sum(client.closed for client in clients) == 2
    harness.set("maxmemory-clients", "0")
    for client in clients:
        assert client.memory_bucket == -1
    harness.send_part(harness.connect()[0], 10 * MIB)
    assert harness.evicted() == 2


def test_a_share_follows_maxmemory() -> None:
    harness = Harness(maxmemory="100mb", maxmemory_clients="10%")
    client, _ = harness.connect()
    harness.send_part(client, 5 * MIB)
    assert not client.closed
    harness.set("maxmemory", "20mb")
    assert client.closed


# Buffers for replies


def test_a_buffer_for_replies_shrinks_once_less_is_needed() -> None:
    harness = Harness()
    connection, _ = harness.connect()
    connection.data_received(b"SET key %s\r\n" % (b"x" * 10_000))
    connection.data_received(b"GET key\r\n")
    assert connection.buffer_bytes > 10_000
    harness.clock.advance(5_000)
    harness.server.limits.visit(connection)  # the large reply still counts
    assert connection.buffer_bytes > 10_000
    harness.server.limits.visit(connection)
    assert connection.buffer_bytes == 0
    assert harness.server.limits.buffer_shrinks == 1
    connection.data_received(b"GET key\r\n")
    assert connection.buffer_bytes > 10_000


def test_a_buffer_of_a_large_reply_is_not_kept_at_all() -> None:
    harness = Harness()
    connection, _ = harness.connect()
    connection.data_received(b"SET key %s\r\n" % (b"x" * 40_000))
    connection.data_received(b"GET key\r\n")
    assert connection.buffer_bytes == 0 < KEPT_BYTES


def test_debug_replybuffer_keeps_buffers_as_they_are() -> None:
    harness = Harness()
    connection, transport = harness.connect()
    connection.data_received(b"SET key %s\r\nGET key\r\n" % (b"x" * 10_000))
    harness.server.settings.enable_debug_command = "yes"
    for words in (b"DEBUG REPLYBUFFER RESIZING 0", b"DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER"):
        connection.data_received(words + b"\r\n")
        assert transport.sent.endswith(b"+OK\r\n")
        for _ in range(3):
            harness.clock.advance(10_000)
            harness.server.limits.visit(connection)
        assert connection.buffer_bytes > 10_000
        connection.data_received(b"DEBUG REPLYBUFFER RESIZING 1\r\n")
    connection.data_received(b"DEBUG REPLYBUFFER PEAK-RESET-TIME RESET\r\n")
    assert harness.server.peak_reset_ms == 5000
    connection.data_received(b"DEBUG REPLYBUFFER NOTHING 1\r\n")
    assert transport.sent.endswith(
        b"-ERR unknown subcommand or wrong number of arguments for 'REPLYBUFFER'. Try DEBUG HELP.\r\n"
    )
