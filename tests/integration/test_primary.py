"""A primary and those who follow it: raw connections, redis-cli, and a real server as a replica."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hiredis
import pytest
import redis

from compat.servers import install, start
from hognose.persistence.rdb_reader import DatasetReader
from hognose.persistence.rdb_source import RdbSource
from tests.inprocess import InProcessServer
from tests.integration.server_process import TIMEOUT_S, ServerProcess

RECEIVED_BYTES = 128 * 1024


class RawReplica:
    """A connection that speaks a replica's part."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(TIMEOUT_S)
        # Of a large buffer the kernel tells the sender only now and then that there is room: it would see no progress.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        self._socket.connect(("127.0.0.1", port))
        self._file = self._socket.makefile("rb")

    def send(self, *words: str | bytes | int) -> None:
        self._socket.sendall(hiredis.pack_command(words))

    def line(self) -> bytes:
        """The next line that is not a sign of life."""
        while True:
            line = self._file.readline()
            assert line.endswith(b"\n"), "connection closed"
            if line != b"\n":
                return line.rstrip()

    def ask(self, *words: str | bytes | int) -> bytes:
        self.send(*words)
        return self.line()

    def dump(self) -> bytes:
        """The dump, by length or up to its mark."""
        head = self.line()
        if not head.startswith(b"$EOF:"):
            return self._file.read(int(head[1:]))
        mark = head[5:]
        assert len(mark) == 40
        data = b""
        while not data.endswith(mark):
            data += self._file.read(1)
        return data[:-40]

    def take(self, count: int) -> bytes:
        """So many bytes of whatever comes."""
        return self._file.read(count)

    def command(self) -> list[bytes]:
        """The next command of the stream that is no ping."""
        while True:
            words = []
            for _ in range(int(self.line()[1:])):
                size = int(self.line()[1:])
                words.append(self._file.read(size + 2)[:-2])
            if words != [b"PING"]:
                return words

    def commands(self, count: int) -> list[list[bytes]]:
        return [self.command() for _ in range(count)]

    def is_closed(self) -> bool:
        return self._file.read(1) == b""

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    options = ["--dir", str(tmp_path), "--save", "", "--repl-diskless-sync-delay", "0", "--rdb-version", "10"]
    with ServerProcess(*options, "--enable-debug-command", "yes").ready() as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[redis.Redis]:
    with server.client() as connected:
        yield connected


@pytest.fixture
def replica(server: ServerProcess) -> Iterator[RawReplica]:
    raw = RawReplica(server.port)
    yield raw
    raw.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def keys_of(dump: bytes) -> list[bytes]:
    """The keys of a dump."""
    server = InProcessServer().server
    DatasetReader(server.keyspace, server.value_limits).read(RdbSource(dump), True)
    found: list[bytes] = []
    for database in server.keyspace.databases:
        found += database.table.keys()
    return sorted(found)


def test_sync_sends_a_dump_and_then_every_effect(client: redis.Redis, replica: RawReplica) -> None:
    client.set("before", "1")
    replica.send("SYNC")
    assert keys_of(replica.dump()) == [b"before"]
    client.set("key", "value", ex=100)
    client.sadd("set", "only")
    client.spop("set")
    with client.pipeline(transaction=True) as pipeline:
        pipeline.incr("a").incr("b").execute()
    client.get("key")
    client.execute_command("SELECT", 3)
    stream = replica.commands(2)
    assert stream[0] == [b"SELECT", b"0"]
    assert stream[1][:3] == [b"SET", b"key", b"value"]
    assert stream[1][3].upper() == b"PXAT"
    assert [words[0].upper() for words in replica.commands(2)] == [b"SADD", b"SREM"]
    assert replica.commands(4) == [[b"MULTI"], [b"INCRBY", b"a", b"1"], [b"INCRBY", b"b", b"1"], [b"EXEC"]]


def test_replica_may_not_touch_the_keyspace_itself(replica: RawReplica) -> None:
    replica.ask("PSYNC", "?", "-1")
    replica.dump()
    assert replica.ask("GET", "key") == b"-ERR Replica can't interact with the keyspace"


def test_what_is_written_while_the_dump_is_made_comes_after_it(client: redis.Redis, replica: RawReplica) -> None:
    client.execute_command("DEBUG", "POPULATE", "200")
    client.config_set("rdb-key-save-delay", 2000)
    replica.send("SYNC")
    wait_until(lambda: client.info("persistence")["rdb_bgsave_in_progress"] == 1)
    assert client.info("replication")["slave0"]["state"] == "wait_bgsave"
    client.set("late", "1")
    assert b"late" not in keys_of(replica.dump())
    assert replica.commands(2) == [[b"SELECT", b"0"], [b"SET", b"late", b"1"]]
    assert client.info("replication")["slave0"]["state"] == "online"


def test_replica_that_comes_back_gets_what_it_missed(client: redis.Redis, server: ServerProcess) -> None:
    first = RawReplica(server.port)
    assert first.ask("REPLCONF", "listening-port", 7777, "capa", "psync2", "capa", "eof") == b"+OK"
    word, stream_id, offset = first.ask("PSYNC", "?", "-1").split()
    assert word == b"+FULLRESYNC"
    first.dump()
    first.send("REPLCONF", "ACK", 0)
    client.set("key", "1")
    assert first.commands(2) == [[b"SELECT", b"0"], [b"SET", b"key", b"1"]]
    seen = int(client.info("replication")["master_repl_offset"])
    first.send("REPLCONF", "ACK", seen)
    wait_until(lambda: client.info("replication")["slave0"]["offset"] == seen)
    assert client.execute_command("ROLE") == [b"master", seen, [[b"127.0.0.1", b"7777", b"%d" % seen]]]
    first.close()
    wait_until(lambda: client.info("replication")["connected_slaves"] == 0)
    client.set("missed", "2")
    again = RawReplica(server.port)
    again.ask("REPLCONF", "capa", "psync2")
    assert again.ask("PSYNC", stream_id, seen + 1) == b"+CONTINUE " + stream_id
    assert again.command() == [b"SET", b"missed", b"2"]
    again.close()
    stranger = RawReplica(server.port)
    assert stranger.ask("PSYNC", "0" * 40, seen).startswith(b"+FULLRESYNC " + stream_id)
    stranger.close()
    late = RawReplica(server.port)
    assert late.ask("PSYNC", stream_id, seen + 100000).startswith(b"+FULLRESYNC")
    late.close()
    stats = client.info("stats")
    assert (stats["sync_full"], stats["sync_partial_ok"], stats["sync_partial_err"]) == (3, 1, 2)
    assert int(offset) < seen


def test_changed_replication_id_ends_partial_resynchronization(client: redis.Redis, replica: RawReplica) -> None:
    _, stream_id, offset = replica.ask("PSYNC", "?", "-1").split()
    replica.dump()
    client.execute_command("DEBUG", "CHANGE-REPL-ID")
    assert client.info("replication")["master_replid"] != stream_id.decode()
    assert int(offset) >= 0


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_two_replicas_share_one_snapshot(client: redis.Redis, server: ServerProcess, diskless: str) -> None:
    client.config_set("repl-diskless-sync", diskless)
    client.config_set("repl-diskless-sync-delay", 1)
    client.config_set("rdb-key-save-delay", 1000)
    client.execute_command("DEBUG", "POPULATE", "300")
    before = client.info("stats")["total_forks"]
    both = [RawReplica(server.port), RawReplica(server.port)]
    for each in both:
        each.ask("REPLCONF", "capa", "eof")
        each.send("PSYNC", "?", "-1")
    for each in both:
        assert each.line().startswith(b"+FULLRESYNC")
        assert len(keys_of(each.dump())) == 300
        each.send("REPLCONF", "ACK", 0)
    client.set("key", "1")
    for each in both:
        assert each.commands(2) == [[b"SELECT", b"0"], [b"SET", b"key", b"1"]]
        each.close()
    assert client.info("stats")["total_forks"] == before + 1


def test_copy_without_a_child_is_the_dataset_of_its_moment(client: redis.Redis, replica: RawReplica) -> None:
    client.config_set("snapshot-mode", "cooperative")
    client.execute_command("DEBUG", "POPULATE", "5000", "key", "100")
    replica.ask("REPLCONF", "capa", "eof")
    replica.send("PSYNC", "?", "-1")
    client.set("late", "1")
    assert replica.line().startswith(b"+FULLRESYNC")
    assert len(keys_of(replica.dump())) == 5000
    assert replica.commands(2) == [[b"SELECT", b"0"], [b"SET", b"late", b"1"]]
    assert client.info("stats")["total_forks"] == 0


def test_wait_counts_replicas_that_have_the_clients_writes(client: redis.Redis, replica: RawReplica) -> None:
    assert client.wait(0, 100) == 0
    replica.ask("PSYNC", "?", "-1")
    replica.dump()
    client.set("key", "1")
    assert client.wait(1, 50) == 0
    assert replica.commands(3)[2] == [b"REPLCONF", b"GETACK", b"*"]
    replica.send("REPLCONF", "ACK", client.info("replication")["master_repl_offset"])
    assert client.wait(1, 0) == 1


def test_waiting_client_is_released_by_an_acknowledgement_or_by_another_client(
    server: ServerProcess, client: redis.Redis, replica: RawReplica
) -> None:
    replica.ask("PSYNC", "?", "-1")
    replica.dump()
    waiting = RawReplica(server.port)
    number = waiting.ask("CLIENT", "ID")[1:]
    waiting.ask("SET", "key", "1")
    waiting.send("WAIT", 1, 0)
    assert replica.commands(3)[2] == [b"REPLCONF", b"GETACK", b"*"]
    assert client.info("clients")["blocked_clients"] == 1
    replica.send("REPLCONF", "ACK", client.info("replication")["master_repl_offset"])
    assert waiting.line() == b":1"
    waiting.ask("SET", "key", "2")
    waiting.send("WAIT", 1, 0)
    wait_until(lambda: client.info("clients")["blocked_clients"] == 1)
    assert client.client_unblock(int(number), error=True)
    assert waiting.line() == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK"
    waiting.close()


def test_writes_are_refused_while_too_few_replicas_are_up(client: redis.Redis, replica: RawReplica) -> None:
    client.config_set("min-replicas-to-write", 1)
    with pytest.raises(redis.ResponseError, match="NOREPLICAS Not enough good replicas to write"):
        client.set("key", "1")
    assert client.info("replication")["min_slaves_good_slaves"] == 0
    assert client.ping()
    replica.ask("PSYNC", "?", "-1")
    replica.dump()
    assert client.set("key", "1")
    assert client.info("replication")["min_slaves_good_slaves"] == 1


def test_replica_that_does_not_read_is_dropped_at_its_limit(
    server: ServerProcess, client: redis.Redis, replica: RawReplica
) -> None:
    client.config_set("client-output-buffer-limit", "replica 2mb 0 0")
    client.config_set("repl-backlog-size", "16kb")
    replica.ask("PSYNC", "?", "-1")
    replica.dump()
    value = "x" * 1_000_000
    for _ in range(40):
        client.set("key", value)
    server.wait_for("overcoming of output buffer limits")
    assert client.info("replication")["connected_slaves"] == 0


def test_replica_that_stops_reading_its_copy_does_not_keep_the_child_for_ever(
    server: ServerProcess, client: redis.Redis, replica: RawReplica
) -> None:
    client.config_set("rdbcompression", "no")
    client.config_set("repl-timeout", 2)
    client.execute_command("DEBUG", "POPULATE", "40", "key", "1000000")
    replica.ask("REPLCONF", "capa", "eof")
    replica.ask("PSYNC", "?", "-1")
    wait_until(lambda: client.info("persistence")["rdb_bgsave_in_progress"] == 1)
    server.wait_for("Disconnecting timedout replica (full sync): 127.0.0.1")
    wait_until(lambda: client.info("persistence")["rdb_bgsave_in_progress"] == 0)
    assert client.info("replication")["connected_slaves"] == 0


def test_replica_that_reads_its_copy_slowly_is_waited_for(client: redis.Redis, replica: RawReplica) -> None:
    client.config_set("rdbcompression", "no")
    client.config_set("repl-timeout", 2)
    client.execute_command("DEBUG", "POPULATE", "40", "key", "1000000")
    replica.ask("REPLCONF", "capa", "eof")
    replica.ask("PSYNC", "?", "-1")
    began = time.monotonic()
    while time.monotonic() - began < 4:
        assert len(replica.take(500_000)) == 500_000
        time.sleep(0.5)
    assert client.info("replication")["connected_slaves"] == 1


def test_backlog_is_given_up_when_nobody_follows(client: redis.Redis, server: ServerProcess) -> None:
    client.config_set("repl-backlog-ttl", 1)
    raw = RawReplica(server.port)
    raw.ask("PSYNC", "?", "-1")
    raw.dump()
    assert client.info("replication")["repl_backlog_active"] == 1
    stream_id = client.info("replication")["master_replid"]
    raw.close()
    wait_until(lambda: client.info("replication")["repl_backlog_active"] == 0)
    assert client.info("replication")["master_replid"] != stream_id


def test_options_of_replicas_are_checked(client: redis.Redis) -> None:
    for words, error in (
        (("foo", "bar"), "Unrecognized REPLCONF option: foo"),
        (("rdb-filter-only", "x"), "Unsupported rdb-filter-only option: x"),
        (("listening-port", "x"), "value is not an integer or out of range"),
        (("listening-port",), "syntax error"),
    ):
        with pytest.raises(redis.ResponseError, match=error):
            client.execute_command("REPLCONF", *words)
    with client.pipeline(transaction=True) as pipeline:
        pipeline.execute_command("SYNC")
        with pytest.raises(redis.ResponseError, match="Command not allowed inside a transaction"):
            pipeline.execute()


def test_redis_cli_takes_dumps(server: ServerProcess, client: redis.Redis, tmp_path: Path) -> None:
    client.set("key", "value")
    for option in ("--rdb", "--functions-rdb"):
        taken = tmp_path / option
        command = ["redis-cli", "-p", str(server.port), option, str(taken)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
        assert "Transfer finished with success" in done.stderr + done.stdout
        assert keys_of(taken.read_bytes()) == ([b"key"] if option == "--rdb" else [])


@pytest.mark.server
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_real_server_follows(server: ServerProcess, client: redis.Redis, diskless: str) -> None:
    client.config_set("repl-diskless-sync", diskless)
    client.set("before", "1")
    client.rpush("list", *range(500))
    with start(install("redis-7.0")) as real, redis.Redis(port=real.port, socket_timeout=TIMEOUT_S) as follower:
        follower.replicaof("127.0.0.1", str(server.port))
        wait_until(lambda: follower.info("replication")["master_link_status"] == "up")
        client.set("key", "value", px=100000)
        client.zadd("zset", {"a": 1, "b": 2})
        client.zpopmin("zset")
        client.execute_command("SPOP", "list2") if client.sadd("list2", "a", "b") else None
        assert client.wait(1, 5000) == 1
        assert follower.get("before") == b"1"
        assert follower.llen("list") == 500
        assert follower.pttl("key") > 90000
        assert follower.zrange("zset", 0, -1) == [b"b"]
        assert follower.smembers("list2") == client.smembers("list2")
        assert client.info("replication")["slave0"]["port"] == real.port
        follower.client_kill_filter(_type="master")
        wait_until(lambda: client.info("stats")["sync_partial_ok"] == 1)
        client.set("after", "1")
        assert client.wait(1, 5000) == 1
        assert follower.get("after") == b"1"


def test_backlog_can_be_resized_without_losing_its_end(client: redis.Redis, server: ServerProcess) -> None:
    raw = RawReplica(server.port)
    stream_id = raw.ask("PSYNC", "?", "-1").split()[1]
    raw.dump()
    client.set("key", "x" * 30_000)
    seen = int(client.info("replication")["master_repl_offset"])
    client.config_set("repl-backlog-size", "20kb")
    assert client.info("replication")["repl_backlog_histlen"] == 20 * 1024
    client.set("missed", "1")
    again = RawReplica(server.port)
    assert again.ask("PSYNC", stream_id, seen + 1) == b"+CONTINUE"
    assert again.command() == [b"SET", b"missed", b"1"]
    raw.close()
    again.close()
