"""MIGRATE: keys go to another server, whole, and leave this one when that has them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import hiredis
import pytest

import hognose
from compat.servers import install, start
from hognose.commands.context import TO_REPLICAS
from hognose.server.propagation import Sink
from tests.inprocess import InProcessClient, InProcessServer
from tests.integration.server_process import TIMEOUT_S, free_port
from tests.side_by_side import RealClient, plain

VALUES = [
    ("SET", "string", "x" * 1000),
    ("SET", "number", "17"),
    ("RPUSH", "list", *map(str, range(1000))),
    ("HSET", "hash", "f", "v"),
    ("SADD", "set", "a", "b"),
    ("ZADD", "zset", "1.5", "a"),
    ("XADD", "stream", "1-1", "f", "v"),
]


@pytest.fixture
def server() -> Iterator[InProcessServer]:
    server = InProcessServer()
    yield server
    server.server.migrate_links.close()


@pytest.fixture
def client(server: InProcessServer) -> InProcessClient:
    return server.client()


@pytest.fixture
def target() -> Iterator[hognose.Server]:
    with hognose.Server() as server:
        yield server


def migrate(client: InProcessClient, target: hognose.Server, *args: str | bytes | int) -> object:
    return client("MIGRATE", "127.0.0.1", target.port, *args)


def test_a_key_moves_with_its_value_and_deadline(
    server: InProcessServer, client: InProcessClient, target: hognose.Server
) -> None:
    client("SET", "key", "value", "PX", "100000")
    assert migrate(client, target, "key", 9, 5000) == b"OK"
    assert client("EXISTS", "key") == 0
    with RealTarget(target.port, 9) as there:
        assert there("GET", "key") == b"value"
        left = there("PTTL", "key")
        assert isinstance(left, int)
        assert 90_000 < left <= 100_000
    assert migrate(client, target, "key", 9, 5000) == b"NOKEY"


class RealTarget:
    """A connection to the target with a database selected."""

    def __init__(self, port: int, db: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.client = SocketClient(self._socket)
        assert self.client("SELECT", db) == b"OK"

    def __enter__(self) -> SocketClient:
        return self.client

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class SocketClient(RealClient):
    """A client over a socket that is there already."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = hiredis.Reader(notEnoughData=...)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[1])
def test_every_type_arrives_as_it_was(client: InProcessClient, target: hognose.Server, value: tuple[str, ...]) -> None:
    client(*value)
    before = client("DUMP", value[1])
    assert migrate(client, target, value[1], 0, 5000, "COPY") == b"OK"
    assert client("DUMP", value[1]) == target.execute("DUMP", value[1]) == before


def test_several_keys_go_at_once_and_those_that_are_missing_are_passed_over(
    client: InProcessClient, target: hognose.Server
) -> None:
    client("MSET", "a", "1", "b", "2", "c", "3")
    assert migrate(client, target, "", 0, 5000, "KEYS", "a", "missing", "c") == b"OK"
    assert client("KEYS", "*") == [b"b"]
    assert target.execute("MGET", "a", "b", "c") == [b"1", None, b"3"]


def test_only_keys_the_target_accepts_are_deleted_here(client: InProcessClient, target: hognose.Server) -> None:
    client("MSET", "a", "1", "b", "2", "c", "3")
    target.execute("SET", "b", "there")
    reply = migrate(client, target, "", 0, 5000, "KEYS", "a", "b", "c")
    assert str(reply) == "ERR Target instance replied with error: BUSYKEY Target key name already exists."
    assert client("KEYS", "*") == [b"b"]
    assert migrate(client, target, "b", 0, 5000, "REPLACE") == b"OK"
    assert target.execute("MGET", "a", "b", "c") == [b"1", b"2", b"3"]


def test_a_password_may_be_needed(client: InProcessClient, target: hognose.Server) -> None:
    client("SET", "key", "value")
    target.execute("CONFIG", "SET", "requirepass", "secret")
    target.execute("ACL", "SETUSER", "mover", "on", ">p", "~*", "+@all")
    for args in ((), ("AUTH", "wrong"), ("AUTH2", "mover", "wrong")):
        assert "Target instance replied with error: " in str(migrate(client, target, "key", 0, 5000, *args))
        assert client("EXISTS", "key") == 1
    assert migrate(client, target, "key", 0, 5000, "COPY", "AUTH", "secret") == b"OK"
    assert migrate(client, target, "key", 0, 5000, "REPLACE", "AUTH2", "mover", "p") == b"OK"


def test_passwords_are_hidden_from_the_slow_log(client: InProcessClient) -> None:
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    client("MIGRATE", "127.0.0.1", "1", "key", "0", "1", "AUTH", "secret")
    client("MIGRATE", "127.0.0.1", "1", "key", "0", "1", "AUTH2", "secret", "secret")
    shown = repr(client("SLOWLOG", "GET"))
    assert "secret" not in shown
    assert shown.count("(redacted)") == 3


def test_a_connection_is_kept_and_closed_when_idle(
    server: InProcessServer, client: InProcessClient, target: hognose.Server
) -> None:
    client("MSET", "a", "1", "b", "2")
    migrate(client, target, "a", 0, 5000)
    migrate(client, target, "b", 0, 5000)
    assert cached(client) == 1
    assert target.execute("INFO", "clients").count(b"connected_clients:1\r\n") == 1  # type: ignore[union-attr]
    server.clock.advance(10_001)
    server.server.migrate_links.close_idle(server.clock.now_ms)
    assert cached(client) == 0


def cached(client: InProcessClient) -> int:
    stats = client("INFO", "stats")
    assert isinstance(stats, bytes)
    return int(stats.partition(b"migrate_cached_sockets:")[2].partition(b"\r\n")[0])


def test_a_stale_connection_is_opened_anew(client: InProcessClient, target: hognose.Server) -> None:
    client("MSET", "a", "1", "b", "2")
    assert migrate(client, target, "a", 0, 5000) == b"OK"
    target.execute("CLIENT", "KILL", "TYPE", "normal")
    assert migrate(client, target, "b", 0, 5000) == b"OK"
    assert target.execute("MGET", "a", "b") == [b"1", b"2"]


def test_nobody_listening_is_an_error(client: InProcessClient) -> None:
    client("SET", "key", "value")
    for port in (str(free_port()), "nonsense", "65536"):
        assert client.error("MIGRATE", "127.0.0.1", port, "key", "0", "100") == (
            "IOERR error or timeout writing to target instance"
        )
    for host, port in (("nosuchhost.invalid", "1"), ("127.0.0.1", "-5"), ("a" * 300, "1"), ("\0", "1")):
        assert client.error("MIGRATE", host, port, "key", "0", "100") == (
            "IOERR error or timeout connecting to the client"
        )
    assert client("GET", "key") == b"value"


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """Starts something that takes one connection after the other, answers with fixed bytes and closes."""
    listeners: list[socket.socket] = []

    def serve(listener: socket.socket, answer: bytes) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    def begin(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield begin
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("answer", [b"", b"+OK\r\n", b"?garbage\r\n", b"+O"])
def test_a_target_that_breaks_off_leaves_the_keys_here(
    client: InProcessClient, answering: Callable[[bytes], int], answer: bytes
) -> None:
    client("SET", "key", "value")
    port = answering(answer)
    assert client.error("MIGRATE", "127.0.0.1", port, "key", "0", "1000") == (
        "IOERR error or timeout reading to target instance"
    )
    assert client("GET", "key") == b"value"
    assert cached(client) == 0


class Recorder(Sink):
    """Remembers what replicas would get."""

    def __init__(self) -> None:
        super().__init__(TO_REPLICAS)
        self.commands: list[list[bytes]] = []

    def write(self, db_index: int, argv: list[bytes]) -> None:
        if db_index >= 0:
            self.commands.append(argv)


def test_what_was_accepted_before_the_break_is_gone_and_propagated(
    server: InProcessServer, client: InProcessClient, answering: Callable[[bytes], int]
) -> None:
    client("MSET", "a", "1", "b", "2")
    recorder = Recorder()
    server.server.propagation.attach(recorder)
    port = answering(b"+OK\r\n+OK\r\n")
    reply = client.error("MIGRATE", "127.0.0.1", port, "", "0", "1000", "KEYS", "a", "b")
    assert reply == "IOERR error or timeout reading to target instance"
    assert client("KEYS", "*") == [b"b"]
    assert recorder.commands == [[b"DEL", b"a"]]


def test_time_runs_out(client: InProcessClient) -> None:
    client("SET", "key", "value")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert client.error("MIGRATE", "127.0.0.1", port, "key", "0", "50") == (
            "IOERR error or timeout reading to target instance"
        )
    assert client("GET", "key") == b"value"


@pytest.mark.server
def test_arguments_are_refused_as_a_real_server_refuses_them(client: InProcessClient) -> None:
    with start(install("redis-7.0")) as real_server:
        real = RealClient(real_server)
        port = str(free_port())
        for both in (real, client):
            both("SET", "key", "value")
        for line in (
            "MIGRATE 127.0.0.1 1 key 0", "MIGRATE 127.0.0.1 1 key x 10", "MIGRATE 127.0.0.1 1 key 0 x",
            "MIGRATE 127.0.0.1 1 key 0 10 NONSENSE", "MIGRATE 127.0.0.1 1 key 0 10 AUTH", "MIGRATE h 1 key x 1 AUTH2 a",
            "MIGRATE 127.0.0.1 1 key 0 10 KEYS a", "MIGRATE 127.0.0.1 1 nokey 0 10", "MIGRATE 127.0.0.1 1  0 10 KEYS",
            "MIGRATE 127.0.0.1 1  0 10 KEYS x y", "MIGRATE 127.0.0.1 1 key 0 10 COPY REPLACE AUTH x",
            "COMMAND GETKEYS MIGRATE h 1 key 0 10", "COMMAND GETKEYS MIGRATE h 1  0 10 KEYS a b",
            "COMMAND GETKEYS MIGRATE h 1  0 10 AUTH KEYS KEYS a b", "COMMAND GETKEYS MIGRATE h 1  0 10 COPY KEYS a",
            "COMMAND GETKEYSANDFLAGS MIGRATE h 1  0 10 AUTH2 KEYS x KEYS a", "COMMAND GETKEYS MIGRATE h 1  0 10",
        ):  # fmt: skip
            request = line.replace("127.0.0.1 1 ", f"127.0.0.1 {port} ").split(" ")
            assert plain(client(*request)) == plain(real(*request)), line
        real.close()
