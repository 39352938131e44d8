"""A real server is started, measured, and gone afterwards: the ground that all comparisons stand on."""

import os
import socket
from pathlib import Path

import pytest

from compat.servers import ServerBinary, StartError, install, start

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def redis() -> ServerBinary:
    return install("redis-7.0")


def ask(connection: socket.socket, words: bytes) -> bytes:
    """Sends an inline command and returns what arrives."""
    connection.sendall(words + b"\r\n")
    return connection.recv(4096)


def test_a_server_answers_from_its_own_folder_and_leaves_nothing(redis: ServerBinary) -> None:
    with start(redis) as server, server.connect() as connection:
        assert ask(connection, b"PING") == b"+PONG\r\n"
        assert os.fsencode(server.directory) in ask(connection, b"CONFIG GET dir")
        assert server.rss_bytes() > 1_000_000
        assert "eady to accept connections" in server.log
    assert not server.is_running()
    assert not server.directory.exists()
    assert not Path(f"/proc/{server.pid}").exists()


def test_cpu_time_grows_with_work(redis: ServerBinary) -> None:
    with start(redis) as server, server.connect() as connection:
        before = server.cpu_times()
        ask(connection, b"EVAL 'for i = 1, 20000000 do end' 0")
        assert server.cpu_times().since(before).user > 0.01


def test_config_replaces_defaults_and_a_given_folder_is_kept(redis: ServerBinary, tmp_path: Path) -> None:
    with start(redis, config={"appendonly": "yes", "maxmemory": "64mb"}, directory=tmp_path) as server:
        with server.connect() as connection:
            assert b"67108864" in ask(connection, b"CONFIG GET maxmemory")
            assert ask(connection, b"SET key value") == b"+OK\r\n"
        port = server.port
    assert (tmp_path / "appendonlydir").is_dir()
    with start(redis, config={"appendonly": "yes"}, directory=tmp_path, port=port) as server:
        with server.connect() as connection:
            assert ask(connection, b"GET key") == b"$5\r\nvalue\r\n"
        assert server.port == port


def test_a_server_is_confined_to_the_cpus_it_is_given(redis: ServerBinary) -> None:
    own = os.sched_getaffinity(0)
    one = {min(own)}
    with start(redis, cpus=one) as server:
        threads = [int(task.name) for task in Path(f"/proc/{server.pid}/task").iterdir()]
        assert all(os.sched_getaffinity(thread) == one for thread in threads)
    assert os.sched_getaffinity(0) == own


def test_a_server_that_gives_up_is_reported_with_its_log(redis: ServerBinary) -> None:
    with pytest.raises(StartError, match=r"(?s)ended with status 1.*no-such-directive"):
        start(redis, config={"no-such-directive": "1"})
