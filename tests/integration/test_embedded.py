"""A server inside a Python program: many at once, nothing taken from the program, gone when it is told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis
import redis.asyncio

import hognose
from tests.integration.server_process import TIMEOUT_S, environment


def test_a_client_finds_the_server_by_its_url() -> None:
    with hognose.Server() as server, redis.Redis.from_url(server.url) as client:
        assert server.url == f"redis://127.0.0.1:{server.port}/0"
        assert client.set("key", "value")
        assert client.get("key") == b"value"


def test_it_works_in_an_asyncio_program_without_blocking_its_loop() -> None:
    async def program() -> bytes | None:
        async with hognose.Server() as server:
            client = redis.asyncio.Redis.from_url(server.url)
            try:
                await client.set("key", "value")
                found: bytes | None = await client.get("key")
                return found
            finally:
                await client.aclose()

    assert asyncio.run(program()) == b"value"


def test_servers_side_by_side_share_nothing() -> None:
    with hognose.Server() as one, hognose.Server() as two:
        assert one.port != two.port
        one.execute("SET", "key", "one")
        two.execute("SET", "key", "two")
        one.execute("CONFIG", "SET", "maxmemory", "100mb")
        assert one.execute("GET", "key") == b"one"
        assert two.execute("GET", "key") == b"two"
        assert two.execute("CONFIG", "GET", "maxmemory") == {b"maxmemory": b"0"}


def test_a_port_of_ones_own_is_kept() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with hognose.Server(port) as server:
        assert server.port == port
    with hognose.Server(port) as server, redis.Redis(port=port) as client:
        assert client.ping()


def test_a_unix_socket_can_take_the_ports_place(tmp_path: Path) -> None:
    path = tmp_path / "hognose.sock"
    with hognose.Server(None, unix_socket=path) as server:
        assert server.port == 0
        assert server.unix_socket == str(path)
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
    assert not path.exists()


def test_directives_may_be_written_as_python_names_and_values() -> None:
    config: dict[str, hognose.embedded.Setting] = {
        "maxmemory": "100mb",
        "notify_keyspace_events": "KEA",
        "lazyfree-lazy-expire": True,
        "databases": 3,
        "save": "60 1000",
    }
    with hognose.Server(config=config) as server:
        for name, value in {
            b"maxmemory": b"104857600",
            b"notify-keyspace-events": b"AKE",
            b"lazyfree-lazy-expire": b"yes",
            b"databases": b"3",
            b"save": b"60 1000",
        }.items():
            assert server.execute("CONFIG", "GET", name) == {name: value}


def test_the_url_carries_the_password() -> None:
    with hognose.Server(config={"requirepass": "s p@ce/"}) as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()


# What goes wrong


def test_a_wrong_directive_is_an_error_where_it_is_given() -> None:
    with pytest.raises(hognose.ConfigError, match="Bad directive"):
        hognose.Server(config={"no-such-thing": 1})


def test_a_directive_for_a_whole_process_is_refused() -> None:
    with pytest.raises(hognose.ConfigError, match="daemonize"):
        hognose.Server(config={"daemonize": True})
    with hognose.Server() as server, pytest.raises(Exception, match="server process of its own"):
        server.execute("CONFIG", "SET", "oom-score-adj", "yes")


def test_a_node_of_a_cluster_is_refused() -> None:
    with pytest.raises(hognose.ConfigError, match="cannot be a node of a cluster yet"):
        hognose.Server(config={"cluster-enabled": True})


def test_a_port_in_use_is_an_error_where_the_server_is_started() -> None:
    with hognose.Server() as first, pytest.raises(hognose.StartError, match="Address already in use"):
        hognose.Server(first.port).start()


def test_a_command_that_fails_raises() -> None:
    with hognose.Server() as server, pytest.raises(Exception, match="ERR wrong number of arguments for 'get' command"):
        server.execute("GET")


# What it leaves alone


def test_the_program_keeps_its_signals_directory_and_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    directory = Path.cwd()
    with hognose.Server(config={"dir": str(tmp_path)}) as server:
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
        assert server.execute("CONFIG", "GET", "dir") == {b"dir": os.fsencode(tmp_path)}
        assert Path.cwd() == directory
    assert capfd.readouterr() == ("", "")


def test_closing_is_quick_and_leaves_no_thread_and_no_socket() -> None:
    threads = threading.active_count()
    server = hognose.Server().start()
    clients = [socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) for _ in range(20)]
    for client in clients:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 0.2
    assert threading.active_count() == threads
    for client in clients:
        assert client.recv(100) == b""
        client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)
    server.close()


def test_a_client_that_does_not_read_cannot_hold_up_the_end() -> None:
    server = hognose.Server().start()
    server.execute("SET", "value", b"x" * 20_000_000)
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as client:
        client.sendall(b"GET value\r\n")
        assert client.recv(10) == b"$20000000\r"
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 0.5


def test_shutdown_ends_an_embedded_server_and_nothing_else() -> None:
    with hognose.Server() as server:
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as client:
            client.sendall(b"SHUTDOWN NOSAVE\r\n")
            assert client.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_program_that_forgets_to_close_still_ends(loop: str) -> None:
    program = "import hognose; server = hognose.Server().start(); print(server.execute('PING'))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment({"HOGNOSE_LOOP": loop}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "b'PONG'\n", "")


def test_importing_the_package_imports_no_server() -> None:
    program = "import sys, hognose; print(any(name.startswith('hognose.server') for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
