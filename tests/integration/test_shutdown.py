"""The end of a server: by command and by signal, called off, refused, and insisted upon."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hiredis
import pytest
import redis

from tests.integration.server_process import TIMEOUT_S, ServerProcess

FAILED = "Errors trying to SHUTDOWN. Check logs."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    options = ["--dir", str(tmp_path), "--save", "900 1", "--enable-debug-command", "yes"]
    with ServerProcess(*options).ready() as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[redis.Redis]:
    with server.client() as connected:
        yield connected


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_signal_can_be_called_off_until_the_cron_sees_it(server: ServerProcess, client: redis.Redis) -> None:
    client.execute_command("DEBUG", "PAUSE-CRON", "1")
    with pytest.raises(redis.ResponseError, match="No shutdown in progress"):
        client.execute_command("SHUTDOWN", "ABORT")
    server.signal(signal.SIGTERM)
    server.wait_for("Received SIGTERM scheduling shutdown")
    assert client.execute_command("SHUTDOWN", "ABORT")
    server.wait_for("Shutdown manually aborted")
    client.execute_command("DEBUG", "PAUSE-CRON", "0")
    assert client.ping()


@pytest.mark.parametrize("how", ["command", "signal"])
def test_server_goes_on_when_the_last_snapshot_fails(
    server: ServerProcess, client: redis.Redis, tmp_path: Path, how: str
) -> None:
    client.set("key", "value")
    (tmp_path / "dump.rdb").mkdir()
    if how == "command":
        with pytest.raises(redis.ResponseError, match=FAILED):
            client.execute_command("SHUTDOWN")
    else:
        server.signal(signal.SIGTERM)
    server.wait_for("Error trying to save the DB, can't exit.")
    server.wait_for("Errors trying to shut down the server")
    assert client.get("key") == b"value"
    client.shutdown(force=True)
    assert server.wait() == 0
    assert "Error trying to save the DB. Exit anyway." in server.log()


def test_second_interrupt_ends_the_last_snapshot_and_removes_its_file(
    server: ServerProcess, client: redis.Redis, tmp_path: Path
) -> None:
    client.mset({f"key{number}": "value" for number in range(20)})
    client.config_set("rdb-key-save-delay", 100_000)
    temporary = tmp_path / f"temp-{server.process.pid}.rdb"
    server.signal(signal.SIGINT)
    wait_until(temporary.exists)
    server.signal(signal.SIGINT)
    assert server.wait() == 1
    assert "You insist... exiting now." in server.log()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - nothing was saved


@pytest.mark.parametrize("mode", ["fork", "cooperative"])
def test_snapshot_in_the_background_is_given_up(
    server: ServerProcess, client: redis.Redis, tmp_path: Path, mode: str
) -> None:
    client.config_set("snapshot-mode", mode)
    client.execute_command("DEBUG", "POPULATE", "20")
    client.config_set("rdb-key-save-delay", 50_000)
    client.bgsave()
    wait_until(lambda: any(path.name.startswith("temp-") for path in tmp_path.iterdir()))
    client.shutdown(nosave=True)
    assert server.wait() == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208


class Follower:
    """A replica that acknowledges when it is told to."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._file = self._socket.makefile("rb")
        self.send("PSYNC", "?", "-1")
        self._line()
        self._file.read(int(self._line()[1:]))

    def _line(self) -> bytes:
        line = self._file.readline().rstrip()
        return line or self._line()

    def send(self, *words: str | int) -> None:
        self._socket.sendall(hiredis.pack_command(words))

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def lag_behind(client: redis.Redis, port: int) -> Follower:
    """A replica that has not acknowledged the last write."""
    follower = Follower(port)
    wait_until(lambda: client.info("replication").get("slave0", {}).get("state") == "online")
    client.set("key", "value")
    return follower


def ask_to_end(server: ServerProcess, errors: list[str]) -> threading.Thread:
    """A client that waits in SHUTDOWN."""

    def run() -> None:
        with server.client() as other:
            try:
                other.execute_command("SHUTDOWN", "NOSAVE")
            except redis.RedisError as error:
                errors.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_shutdown_waits_for_replicas(server: ServerProcess, client: redis.Redis) -> None:
    follower = lag_behind(client, server.port)
    thread = ask_to_end(server, [])
    server.wait_for("Waiting for replicas before shutting down")
    assert client.info("server")["shutdown_in_milliseconds"] > 0
    assert client.info("clients")["blocked_clients"] == 1
    offset = int(client.info("replication")["master_repl_offset"])
    follower.send("REPLCONF", "ACK", offset)
    assert server.wait() == 0
    assert "1 of 1 replicas are in sync when shutting down." in server.log()
    thread.join(TIMEOUT_S)
    follower.close()


def test_shutdown_does_not_wait_longer_than_its_timeout(server: ServerProcess, client: redis.Redis) -> None:
    client.config_set("shutdown-timeout", 1)
    follower = lag_behind(client, server.port)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "Lagging replica 127.0.0.1" in server.log()
    assert "0 of 1 replicas are in sync when shutting down." in server.log()
    follower.close()


def test_waiting_shutdown_can_be_called_off(server: ServerProcess, client: redis.Redis) -> None:
    follower = lag_behind(client, server.port)
    errors: list[str] = []
    threads = [ask_to_end(server, errors), ask_to_end(server, errors)]
    wait_until(lambda: client.info("clients")["blocked_clients"] == 2)
    assert client.execute_command("SHUTDOWN", "ABORT")
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert errors == [FAILED, FAILED]
    assert client.set("key", "other")
    assert "shutdown_in_milliseconds" not in client.info("server")
    client.execute_command("DEBUG", "PAUSE-CRON", "0")
    client.shutdown(nosave=True, now=True)
    assert server.wait() == 0
    follower.close()
