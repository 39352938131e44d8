"""Clients that are broken or mean no good: the server answers as the real one does, closes, and never grows."""

from __future__ import annotations

import contextlib
import re
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import hognose
from compat.servers import RunningServer, install, start
from tests.integration.server_process import TIMEOUT_S, ServerProcess

pytestmark = pytest.mark.server

MIB = 1 << 20


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RunningServer]:
    with start(install("redis-7.0")) as server:
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[hognose.Server]:
    with hognose.Server() as running:
        yield running


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), TIMEOUT_S)


def read_all(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection, or up to its reset."""
    received = bytearray()
    while True:
        try:
            chunk = connection.recv(1 << 16)
        except ConnectionResetError:
            return bytes(received)
        if not chunk:
            return bytes(received)
        received += chunk


def answer(port: int, data: bytes) -> bytes:
    """What a server sends for some bytes until the connection ends, which it does after the last of them at latest."""
    with connect(port) as connection:
        with contextlib.suppress(OSError):  # it may end before all is sent
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def closes_by_itself(port: int, data: bytes) -> bool:
    """Whether the server ends the connection although the client leaves it open: a PING behind gets no answer."""
    with connect(port) as connection:
        try:
            connection.sendall(data)
            connection.sendall(b"\r\nPING\r\n")
            received = bytearray()
            while not received.endswith(b"+PONG\r\n"):
                chunk = connection.recv(1 << 16)
                if not chunk:
                    return True
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            return True
        return False


SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n"

MALFORMED = [
    b"*3000000000\r\n",
    b"*2147483648\r\n",
    b"*foo\r\n",
    b"*1 \r\n",
    b"* 1\r\n",
    b"*+1\r\n",
    b"*01\r\n",
    b"*\r\n",
    b"*--1\r\n",
    b"*99999999999999999999\r\n",
    b"*1\r\nfooz\r\n",
    b"*1\r\n:4\r\n",
    b"*1\r\n*1\r\n",
    b"*1\r\n\xff\r\n",
    b"*1\r\n\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$\r\n",
    b"*1\r\n$+4\r\n",
    b"*1\r\n$ 4\r\n",
    b"*1\r\n$04\r\n",
    b"*1\r\n$4x\r\n",
    SET + b"$-10\r\n",
    SET + b"$2000000000\r\n",
    SET + b"$536870913\r\n",
    SET + b"$99999999999999999999\r\n",
    SET + b"$blabla\r\n",
    SET + b"fooz\r\n",
    b'SET k "abc\r\n',
    b"SET k 'abc\r\n",
    b'SET k "abc"def\r\n',
    b"*" + b"1" * 70000,
    b"*1\r\n$" + b"1" * 70000,
    b"A" * 70000,
]

HARMLESS = [
    b"\r\n\r\n\r\n",
    b"\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*-10\r\n",
    b"   \t  \r\n",
    b"*1\r\n$0\r\n\r\n",
    b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
    b"*1\r\n$4\r\nPINGxx",
    b"PING\n",
    b"  PING  \r\n",
    b'"\\x50ING"\r\n',
    b"nosuch \xff\xfe\r\n",
    b"GET\r\n",
    b"GET a b\r\n",
]

ENDLESS = [
    b"PI\0NG\r\nPING\r\n",
    b'ECHO "a\0b"\r\n',
    b"PING\r\nPING\0\r\n",
    b"\0\r\n" + b"PING\r\n" * 10_923,  # five bytes too many: more would be unread at the end, which resets connections
]


def shown(data: bytes) -> str:
    return ascii(data[:40].decode("latin-1"))


@pytest.mark.parametrize("data", ENDLESS, ids=shown)
def test_a_line_with_a_nul_never_ends(server: hognose.Server, redis_server: RunningServer, data: bytes) -> None:
    assert answer(server.port, data) == answer(redis_server.port, data)


BROWSERS = [
    b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSET stolen 1\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"*2\r\n$4\r\npOsT\r\n$1\r\n/\r\n",
    b"PING\r\nPOST / x\r\n",
    b"MULTI\r\nPOST\r\nEXEC\r\n",
]


@pytest.mark.parametrize("data", BROWSERS, ids=shown)
def test_a_browser_is_dropped_without_a_word(server: hognose.Server, redis_server: RunningServer, data: bytes) -> None:
    assert answer(server.port, data) == answer(redis_server.port, data) == b""
    assert closes_by_itself(server.port, data)
    with connect(server.port) as connection:
        connection.sendall(b"EXISTS stolen\r\n")
        assert connection.recv(100) == b":0\r\n"


def test_a_browser_is_dropped_before_it_is_asked_for_a_password_and_named_in_the_log() -> None:
    with ServerProcess(options=["--requirepass", "secret"]) as process:
        port = process.ready().port
        assert answer(port, b"POST / HTTP/1.1\r\n") == answer(port, b"Host: x\r\n") == b""
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
    warnings = re.findall(r"# Possible SECURITY ATTACK detected\..* 127\.0\.0\.1:\d+ aborted\.\n", process.log())
    assert len(warnings) == 1, "one line a minute is enough"


@pytest.mark.parametrize("data", MALFORMED, ids=shown)
def test_a_malformed_request_gets_the_real_servers_error_and_the_connection_closes(
    server: hognose.Server, redis_server: RunningServer, data: bytes
) -> None:
    expected = answer(redis_server.port, data)
    assert expected.startswith(b"-ERR Protocol error: ")
    assert answer(server.port, data) == expected
    assert closes_by_itself(server.port, data)


@pytest.mark.parametrize("data", HARMLESS, ids=shown)
def test_an_odd_request_is_answered_as_by_the_real_server_and_the_connection_goes_on(
    server: hognose.Server, redis_server: RunningServer, data: bytes
) -> None:
    assert answer(server.port, data) == answer(redis_server.port, data)
    assert not closes_by_itself(redis_server.port, data)
    assert not closes_by_itself(server.port, data)


def test_commands_before_a_malformed_one_are_answered(server: hognose.Server, redis_server: RunningServer) -> None:
    data = b"PING\r\nECHO one\r\n*1\r\n$x\r\nECHO two\r\n"
    assert answer(server.port, data) == answer(redis_server.port, data)


def test_requests_may_come_one_byte_at_a_time(server: hognose.Server) -> None:
    data = b"*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$5\r\nvalue\r\nGET slow\r\n*1\r\n$4\r\nPING\r\n"
    with connect(server.port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(data)):
            connection.sendall(data[index : index + 1])
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"+OK\r\n$5\r\nvalue\r\n+PONG\r\n"


def test_a_pipeline_of_any_length_is_answered_in_full(server: hognose.Server) -> None:
    count = 100_000
    with connect(server.port) as connection:
        # Nothing is read before everything is written, as simple clients do.
        connection.sendall(b"PING\r\n" * count)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"+PONG\r\n" * count


# Memory


def resident_bytes(pid: int) -> int:
    """The memory a process occupies."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def test_what_is_announced_and_never_sent_costs_nothing() -> None:
    with ServerProcess() as process, ExitStack() as open_connections:
        connect(process.ready().port).close()
        before = resident_bytes(process.process.pid)
        for _ in range(20):
            connection = open_connections.enter_context(connect(process.port))
            connection.sendall(SET + b"$536870912\r\n" + b"x" * 1000)
            connection = open_connections.enter_context(connect(process.port))
            connection.sendall(b"*2147483647\r\n$4\r\nMSET\r\n")
        with connect(process.port) as other:
            other.sendall(b"PING\r\n")
            assert other.recv(100) == b"+PONG\r\n"
        assert resident_bytes(process.process.pid) - before < 8 * MIB


def never_reads(port: int, command: bytes) -> int:
    """Sends a command over and over without reading a reply until the server has had enough; returns how often."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(TIMEOUT_S)
        connection.connect(("127.0.0.1", port))
        sent = 0
        try:
            while sent < 1_000_000:
                connection.sendall(command)
                sent += 1
        except (ConnectionResetError, BrokenPipeError):
            pass
        return sent


def test_a_client_that_never_reads_is_dropped_at_the_hard_limit() -> None:
    options = ["--client-output-buffer-limit", "normal 2mb 0 0"]
    with ServerProcess(options=options) as process, process.ready().client() as client:
        client.set("value", b"x" * 100_000)
        before = resident_bytes(process.process.pid)
        assert never_reads(process.port, b"GET value\r\n") < 1_000_000
        line = process.wait_for("output buffer limits")
        assert "scheduled to be closed ASAP for overcoming of output buffer limits." in line
        assert re.search(r"# Client id=\d+ addr=127\.0\.0\.1:.* omem=\d{6,} tot-mem=\d+ .* cmd=get .* scheduled", line)
        assert client.ping()
        assert resident_bytes(process.process.pid) - before < 64 * MIB


def test_a_client_that_asks_for_too_much_at_once_is_named_with_what_it_sent() -> None:
    with ServerProcess(options=["--client-query-buffer-limit", "1mb"]) as process:
        with connect(process.ready().port) as connection, contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(b"*2\r\n$4\r\nECHO\r\n$4000000\r\n" + b"y" * 3 * MIB)
            read_all(connection)
        line = process.wait_for("max query buffer length")
    assert re.search(r"length: id=\d+ addr=127.* laddr=127.* qbuf=\d{6,} .* \(qbuf initial bytes: \"y*\"\)\n$", line)


def test_a_reply_larger_than_the_hard_limit_ends_the_connection() -> None:
    with hognose.Server(config={"client-output-buffer-limit": "normal 1mb 0 0"}) as server:
        server.execute("SET", "value", b"x" * (2 * MIB))
        with connect(server.port) as connection:
            connection.sendall(b"GET value\r\n")
            assert len(read_all(connection)) < 2 * MIB


def test_a_stranger_who_never_reads_is_dropped_without_any_limit_configured() -> None:
    with hognose.Server(config={"requirepass": "secret"}) as server:
        assert never_reads(server.port, b"GET value\r\n" * 100) < 1_000_000
        assert server.execute("PING") == b"PONG"


def test_an_unfinished_request_beyond_the_query_buffer_limit_ends_the_connection() -> None:
    with hognose.Server(config={"client-query-buffer-limit": "1mb"}) as server, connect(server.port) as connection:
        connection.sendall(SET + b"$1000\r\n" + b"x" * 1000 + b"\r\n")
        assert connection.recv(100) == b"+OK\r\n"
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(SET + b"$104857600\r\n" + b"x" * (100 * MIB))


# Strangers


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
        (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", b"-ERR Protocol error: unauthenticated bulk length\r\n"),
    ],
    ids=["arguments", "length"],
)
def test_who_has_not_authenticated_may_send_only_small_requests(data: bytes, error: bytes) -> None:
    with hognose.Server(config={"requirepass": "secret"}) as server:
        assert answer(server.port, data) == error
        small = b"*10\r\n" + b"$4\r\nMGET\r\n" + b"$1\r\nk\r\n" * 9
        assert answer(server.port, small) == b"-NOAUTH Authentication required.\r\n"


# Crowds


def test_one_client_too_many_is_told_so_and_there_is_room_again_when_one_leaves() -> None:
    with hognose.Server(config={"maxclients": 3}) as server:
        clients = [connect(server.port) for _ in range(3)]
        for client in clients:
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"
        with connect(server.port) as refused:
            assert read_all(refused) == b"-ERR max number of clients reached\r\n"
        clients.pop().close()
        until_served(server)
        for client in clients:
            client.close()


def until_served(server: hognose.Server) -> None:
    """Connects until the server has noticed that somebody left."""
    for _ in range(10_000):
        with connect(server.port) as connection:
            try:
                connection.sendall(b"PING\r\n")
                if connection.recv(100) == b"+PONG\r\n":
                    return
            except (ConnectionResetError, BrokenPipeError):
                continue
    raise AssertionError("still no room")


def test_a_thousand_idle_clients_hinder_nobody() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    try:
        with ServerProcess() as process, ExitStack() as idle:
            process.ready()
            for _ in range(1000):
                idle.enter_context(connect(process.port))
            with connect(process.port) as connection:
                connection.sendall(b"PING\r\n" * 100)
                connection.shutdown(socket.SHUT_WR)
                assert read_all(connection) == b"+PONG\r\n" * 100
            assert resident_bytes(process.process.pid) < 120 * MIB
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
