"""Many clients, and clients that take much: each is bounded, and others are served meanwhile."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import hiredis
import pytest

from tests.integration.server_process import TIMEOUT_S, ServerProcess
from tests.integration.test_hostile_clients import SET, connect, resident_bytes

pytestmark = pytest.mark.server

MIB = 1 << 20
IDLE_CLIENTS = 10_000
LONGEST_WAIT_S = 1.0
"""Far above what it takes (0.03 s compiled), for slow and busy machines; without bounds it would be many times that."""
KINDS: dict[str, Callable[[int], tuple[str | int, ...]]] = {
    "strings": lambda i: ("SET", f"key:{i:012}", "x" * 71),
    "integers": lambda i: ("SET", f"key:{i:012}", i),
    "strings that expire": lambda i: ("SET", f"key:{i:012}", "x" * 71, "EX", 100_000),
    "strings of 3 KB": lambda i: ("SET", f"key:{i}", "x" * 3000),
    "small hashes": lambda i: ("HSET", f"hash:{i:012}", *(f"{kind}{j}" for j in range(10) for kind in "fv")),
    "a hash": lambda i: ("HSET", "hash", f"field:{i:012}", f"value:{i}"),
    "a set": lambda i: ("SADD", "set", f"member:{i:012}"),
    "a sorted set": lambda i: ("ZADD", "zset", i, f"member:{i:012}"),
    "a list": lambda i: ("RPUSH", "list", f"element:{i:012}" + "x" * 60),
    "a stream": lambda i: ("XADD", "stream", "*", "field", f"value:{i}" + "x" * 60),
}
"""How the keys or members of a dataset are made, one by one."""


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Lets this process and those it starts have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= count, f"the test needs a limit of {count} open files, the machine allows {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ping(connection: socket.socket) -> float:
    """One round trip; returns its seconds."""
    began = time.perf_counter()
    connection.sendall(b"PING\r\n")
    assert connection.recv(100) == b"+PONG\r\n"
    return time.perf_counter() - began


def longest_wait(port: int, load: Callable[[], None]) -> float:
    """The longest that another client waits for a reply while something runs."""
    done = threading.Event()

    def run() -> None:
        try:
            load()
        finally:
            done.set()

    with connect(port) as connection:
        thread = threading.Thread(target=run)
        thread.start()
        longest = 0.0
        while not done.is_set():
            longest = max(longest, ping(connection))
        thread.join()
    return longest


def test_ten_thousand_idle_clients_hinder_nobody_and_take_little() -> None:
    with many_files(IDLE_CLIENTS + 200), ServerProcess() as process, ExitStack() as idle:
        process.ready()
        with connect(process.port) as connection:
            ping(connection)
        before = resident_bytes(process.process.pid)
        for _ in range(IDLE_CLIENTS - 10):
            client = idle.enter_context(connect(process.port))
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"
        grown = resident_bytes(process.process.pid) - before
        with connect(process.port) as connection:
            assert max(ping(connection) for _ in range(100)) < LONGEST_WAIT_S
            connection.sendall(b"INFO clients\r\n")
            assert f"connected_clients:{IDLE_CLIENTS - 9}".encode() in connection.recv(1 << 16)
        assert grown < IDLE_CLIENTS * 8192


def test_clients_that_have_read_much_keep_nothing_of_it() -> None:
    clients, size = 300, 200_000
    with ServerProcess() as process, ExitStack() as idle:
        process.ready()
        with connect(process.port) as connection:
            connection.sendall(SET + b"$%d\r\n%s\r\n" % (size, b"x" * size))
            assert connection.recv(100) == b"+OK\r\n"
        before = resident_bytes(process.process.pid)
        for _ in range(clients):
            client = idle.enter_context(connect(process.port))
            client.sendall(b"GET k\r\n")
            left = size + len(b"$200000\r\n\r\n")
            while left:
                left -= len(client.recv(left))
        assert resident_bytes(process.process.pid) - before < clients * size / 4


def test_a_pipeline_of_a_million_commands_is_answered_while_others_are_served() -> None:
    count = 1_000_000

    def load() -> None:
        with connect(process.port) as connection:
            reader = threading.Thread(target=read_exactly, args=(connection, count * len(b"+PONG\r\n")))
            reader.start()
            connection.sendall(b"PING\r\n" * count)
            reader.join()

    with ServerProcess() as process:
        process.ready()
        before = resident_bytes(process.process.pid)
        assert longest_wait(process.port, load) < LONGEST_WAIT_S
        assert resident_bytes(process.process.pid) - before < 64 * MIB


def read_exactly(connection: socket.socket, size: int) -> None:
    """Reads so many bytes and forgets them."""
    while size:
        size -= len(connection.recv(min(size, 1 << 20)))


def test_a_pipeline_that_is_read_only_at_its_end_is_bounded_by_its_replies() -> None:
    count = 1_000_000

    def load() -> None:
        with connect(process.port) as connection:
            connection.sendall(b"PING\r\n" * count)
            read_exactly(connection, count * len(b"+PONG\r\n"))

    with ServerProcess() as process:
        process.ready()
        before = resident_bytes(process.process.pid)
        assert longest_wait(process.port, load) < LONGEST_WAIT_S
        assert resident_bytes(process.process.pid) - before < 64 * MIB


def test_a_gigabyte_that_is_announced_and_does_not_come_costs_nothing_and_hinders_nobody() -> None:
    with ServerProcess(options=["--proto-max-bulk-len", "1gb"]) as process, ExitStack() as liars:
        process.ready()
        before = resident_bytes(process.process.pid)
        for _ in range(50):
            liar = liars.enter_context(connect(process.port))
            liar.sendall(SET + b"$1073741824\r\n" + b"x" * 100)
        with connect(process.port) as connection:
            assert max(ping(connection) for _ in range(100)) < LONGEST_WAIT_S
        assert resident_bytes(process.process.pid) - before < 8 * MIB


def test_many_clients_that_send_byte_by_byte_hinder_nobody() -> None:
    request = b"*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$5\r\nvalue\r\n"

    def load() -> None:
        with ExitStack() as stack:
            slow = [stack.enter_context(connect(process.port)) for _ in range(100)]
            for client in slow:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for index in range(len(request)):
                for client in slow:
                    client.sendall(request[index : index + 1])
            for client in slow:
                assert client.recv(100) == b"+OK\r\n"

    with ServerProcess() as process:
        process.ready()
        assert longest_wait(process.port, load) < LONGEST_WAIT_S


@pytest.mark.parametrize("drop", [b"UNLINK large\r\n", b"FLUSHALL ASYNC\r\n", b"SET large value\r\n"])
def test_dropping_what_is_large_hinders_nobody(drop: bytes) -> None:
    count = 200_000

    def load() -> None:
        with connect(process.port) as connection:
            connection.sendall(drop)
            assert connection.recv(100) in {b"+OK\r\n", b":1\r\n"}
            waiting = b""
            while b"lazyfree_pending_objects:0" not in waiting:
                connection.sendall(b"INFO memory\r\n")
                waiting = connection.recv(1 << 16)

    with ServerProcess() as process, process.ready().client() as client:
        for first in range(0, count, 10_000):
            client.sadd("large", *range(first, first + 10_000))
        assert longest_wait(process.port, load) < LONGEST_WAIT_S
        assert client.info("memory")["lazyfreed_objects"] == 1


def test_a_client_that_never_reads_waits_alone() -> None:
    """Without any limit configured its commands stop running once a gigabyte of replies waits; here it is less."""

    def load() -> None:
        with socket.socket() as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy.settimeout(TIMEOUT_S)
            greedy.connect(("127.0.0.1", process.port))
            greedy.sendall(b"GET k\r\n" * 500)

    with ServerProcess() as process:
        process.ready()
        with connect(process.port) as connection:
            connection.sendall(SET + b"$100000\r\n" + b"x" * 100_000 + b"\r\n")
            assert connection.recv(100) == b"+OK\r\n"
        assert longest_wait(process.port, load) < LONGEST_WAIT_S


def fill(connection: socket.socket, request: Callable[[int], tuple[str | int, ...]], first: int, count: int) -> None:
    """Runs requests, few at a time: the memory that longer pipelines take may stay as holes between the values."""
    reader = hiredis.Reader(notEnoughData=...)
    for start in range(first, first + count, 50):
        connection.sendall(b"".join(hiredis.pack_command(request(i)) for i in range(start, start + 50)))
        missing = 50
        while missing:
            while missing and reader.gets() is not ...:
                missing -= 1
            if missing:
                reader.feed(connection.recv(1 << 16))


@pytest.mark.parametrize("kind", KINDS)
def test_used_memory_tells_what_the_process_has_grown_by(kind: str) -> None:
    with ServerProcess() as process, process.ready().client() as client, connect(process.port) as connection:
        if kind == "small hashes" and client.info("server")["hognose_build"] == "interpreted":
            pytest.skip("where Python formats them, values that grow leave holes between them")
        fill(connection, KINDS[kind], 0, 1000)  # what comes with the first commands is there before and after
        used, resident = client.info("memory")["used_memory"], resident_bytes(process.process.pid)
        first = 1000
        while resident_bytes(process.process.pid) - resident < 24 * MIB:
            fill(connection, KINDS[kind], first, 5000)
            first += 5000
        grown = resident_bytes(process.process.pid) - resident
        assert client.info("memory")["used_memory"] - used == pytest.approx(grown, rel=0.1)
