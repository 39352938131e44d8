"""Snapshots on disks that are full or go away, and children that are killed: what is refused, and that it ends."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.integration.server_process import TIMEOUT_S, ServerProcess

MISCONF = "MISCONF Redis is configured to save RDB snapshots"
MODES = ["fork", "cooperative"]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def saving(client: redis.Redis) -> bool:
    return client.info("persistence")["rdb_bgsave_in_progress"] == 1


def save_in_background(client: redis.Redis) -> str:
    """Runs a snapshot to its end; returns its status."""
    client.bgsave()
    wait_until(lambda: not saving(client))
    return str(client.info("persistence")["rdb_last_bgsave_status"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    allowed = ["--enable-debug-command", "yes", "--enable-protected-configs", "yes"]
    with ServerProcess("--dir", str(tmp_path), "--save", "3600 1000000", *allowed) as running:
        yield running.ready()


@pytest.fixture
def client(server: ServerProcess) -> Iterator[redis.Redis]:
    with server.client() as connected:
        yield connected


def limit_files(server: ServerProcess, size: int) -> None:
    """Lets the server's files grow no larger than this, as a full disk would; its children inherit that."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("mode", MODES)
def test_full_disk_refuses_writes_until_there_is_room(
    server: ServerProcess, client: redis.Redis, tmp_path: Path, mode: str
) -> None:
    client.config_set("snapshot-mode", mode)
    client.set("first", "1")
    assert save_in_background(client) == "ok"
    before = (tmp_path / "dump.rdb").read_bytes()
    client.config_set("rdbcompression", "no")
    client.execute_command("DEBUG", "POPULATE", "2000", "key", "1000")
    limit_files(server, 500_000)
    assert save_in_background(client) == "err"
    server.wait_for("Background saving error")
    for refused in (lambda: client.set("second", "2"), client.ping):
        with pytest.raises(redis.ResponseError, match=MISCONF):
            refused()
    assert client.get("first") == b"1"
    assert client.publish("channel", "message") == 0
    assert (tmp_path / "dump.rdb").read_bytes() == before
    assert os.listdir(tmp_path) == ["dump.rdb"]  # noqa: PTH208 - the temporary file is gone
    limit_files(server, resource.RLIM_INFINITY)
    assert save_in_background(client) == "ok"
    assert client.ping()
    assert client.set("second", "2")


def test_save_on_a_full_disk_fails_with_the_reason_in_the_log(server: ServerProcess, client: redis.Redis) -> None:
    client.config_set("rdbcompression", "no")
    client.execute_command("DEBUG", "POPULATE", "2000", "key", "1000")
    limit_files(server, 500_000)
    with pytest.raises(redis.ResponseError):
        client.save()
    assert "File too large" in server.wait_for("Write error while saving DB")


@pytest.mark.parametrize("mode", MODES)
def test_directory_that_is_gone_fails_snapshots_and_harms_nothing_else(
    server: ServerProcess, client: redis.Redis, tmp_path: Path, mode: str
) -> None:
    client.config_set("snapshot-mode", mode)
    client.set("key", "value")
    folder = tmp_path / "gone"
    folder.mkdir()
    client.config_set("dir", str(folder))
    folder.rmdir()
    try:
        assert save_in_background(client) == "err"
    except redis.ResponseError:
        assert mode == "cooperative"
    assert "No such file or directory" in server.wait_for("Failed opening the temp RDB file")
    with pytest.raises(redis.ResponseError):
        client.save()
    client.config_set("dir", str(tmp_path))
    assert save_in_background(client) == "ok"
    assert (tmp_path / "dump.rdb").exists()


@pytest.mark.parametrize("mode", MODES)
def test_name_that_cannot_be_given_fails_the_snapshot(client: redis.Redis, tmp_path: Path, mode: str) -> None:
    client.config_set("snapshot-mode", mode)
    client.set("key", "value")
    (tmp_path / "dump.rdb").mkdir()
    assert save_in_background(client) == "err"
    assert os.listdir(tmp_path) == ["dump.rdb"]  # noqa: PTH208
    (tmp_path / "dump.rdb").rmdir()
    assert save_in_background(client) == "ok"


def test_killed_child_leaves_no_file_and_is_reported(
    server: ServerProcess, client: redis.Redis, tmp_path: Path
) -> None:
    client.config_set("rdb-key-save-delay", 1_000_000)
    client.mset({f"key{number}": "value" for number in range(20)})
    client.bgsave()
    child = int(server.wait_for("started by pid").rsplit(maxsplit=1)[1])
    wait_until((tmp_path / f"temp-{child}.rdb").exists)
    os.kill(child, signal.SIGKILL)
    server.wait_for("Background saving error: terminated by signal 9")
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    with pytest.raises(redis.ResponseError, match=MISCONF):
        client.set("key", "value")
    client.config_set("stop-writes-on-bgsave-error", "no")
    wait_until(lambda: client.ping() is True)
    assert client.set("key", "value")


def test_child_of_a_killed_server_does_not_replace_the_dump(tmp_path: Path) -> None:
    options = ["--dir", str(tmp_path), "--enable-debug-command", "yes"]
    with ServerProcess(*options).ready() as server, server.client() as client:
        client.execute_command("DEBUG", "POPULATE", "50")
        client.save()
        client.execute_command("DEBUG", "POPULATE", "1000", "more")
        client.config_set("rdb-key-save-delay", 1000)
        client.bgsave()
        wait_until(lambda: any(path.name.startswith("temp-") for path in tmp_path.iterdir()))
        server.process.kill()
        server.process.wait(TIMEOUT_S)
    wait_until(lambda: os.listdir(tmp_path) == ["dump.rdb"])  # noqa: PTH208 - the child cleans up
    with ServerProcess(*options).ready() as server, server.client() as client:
        assert client.dbsize() == 50


def test_flushed_data_is_not_saved_any_more(client: redis.Redis, tmp_path: Path) -> None:
    client.config_set("save", "")
    client.config_set("rdb-key-save-delay", 1_000_000)
    client.mset({f"key{number}": "value" for number in range(20)})
    client.bgsave()
    assert saving(client)
    client.flushall()
    assert not saving(client)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    assert client.set("key", "value")
