"""Disks that are small, may only be read, or are wanted by two servers: real ones where tests may mount them.

Where it does not, calls of the system fail as they would there (`failing_calls`); the log of the test says which.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.faults.failing_calls import Faults
from tests.integration.server_process import TIMEOUT_S, ServerProcess

ROOM = 3_000_000
"""What a small disk has room for."""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Disk:
    """A small disk, mounted or made believe.

    Args:
        folder: Where it is to be.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self.path.mkdir()
        self.faults = Faults(folder / "faults")
        self._fault = ExitStack()
        options = ["-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(self.path)]
        self.is_real = subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
        print("a real tmpfs" if self.is_real else "no mount: failing calls instead")

    def server(self, *options: str) -> ServerProcess:
        words = ["--dir", str(self.path), "--hz", "100", "--rdbcompression", "no"]
        return ServerProcess(*words, options=options, launcher=self.faults.launcher())

    def fill(self) -> None:
        """Leaves no room."""
        if not self.is_real:
            for call in ("write", "fsync"):
                self._fault.enter_context(self.faults.failing(call, "ENOSPC", str(self.path)))
            return
        with (self.path / "filler").open("wb", buffering=0) as file:
            size = 1 << 16
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def refuse_writes(self) -> None:
        """Lets nothing be written, as after an error of the file system."""
        if not self.is_real:
            self._fault.enter_context(self.faults.failing("open", "EROFS", r"temp|\.(rdb|aof|manifest)$"))
            return
        subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)

    def recover(self) -> None:
        """Is as it was."""
        self._fault.close()
        if self.is_real:
            subprocess.run(["mount", "-o", "remount,rw", str(self.path)], check=True)
            (self.path / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        self._fault.close()
        if self.is_real:
            subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    yield disk
    disk.close()


def write_until_refused(process: ServerProcess) -> int:
    """Counts up until that is refused; returns the last number that was confirmed."""
    confirmed = 0
    with process.client() as client:
        while True:
            try:
                confirmed = client.incr("count")
                client.set("filler", "x" * 50_000)
            except redis.ConnectionError:
                continue  # not confirmed; the connection is made anew
            except redis.ResponseError as error:
                assert str(error).startswith("MISCONF Errors writing to the AOF file")  # noqa: PT017 - ends the loop
                return confirmed


def can_write(client: redis.Redis) -> bool:
    try:
        return bool(client.set("again", 1))
    except redis.RedisError:
        return False


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_a_full_disk_refuses_writes_rewrites_and_snapshots_until_there_is_room(disk: Disk, policy: str) -> None:
    log = ["--save", "", "--appendonly", "yes", "--appendfsync", policy, "--auto-aof-rewrite-percentage", "0"]
    with disk.server(*log).ready() as process, process.client() as client:
        client.set("data", os.urandom(200_000))
        disk.fill()
        confirmed = write_until_refused(process)
        assert int(client.get("count") or 0) >= confirmed
        for snapshot in ("BGSAVE", "SAVE"):
            try:
                client.execute_command(snapshot)
            except redis.ResponseError:
                assert snapshot == "SAVE"
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        disk.recover()
        wait_until(lambda: can_write(client))
        client.bgrewriteaof()
        process.wait_for("Background AOF rewrite finished successfully")
        process.process.kill()
        process.wait()
    with disk.server(*log).ready() as again, again.client() as reader:
        assert int(reader.get("count") or 0) >= confirmed
        assert (reader.get("again"), reader.strlen("data")) == (b"1", 200_000)
        assert "Truncating" not in again.log()


@pytest.mark.parametrize("mode", ["fork", "cooperative"])
def test_a_disk_that_may_only_be_read_fails_snapshots_and_keeps_the_old_one(disk: Disk, mode: str) -> None:
    with disk.server("--save", "3600 1000", "--snapshot-mode", mode).ready() as process, process.client() as client:
        client.set("key", "saved")
        client.save()
        dump = (disk.path / "dump.rdb").read_bytes()
        client.set("key", "not saved")
        disk.refuse_writes()
        with pytest.raises(redis.ResponseError):
            client.save()
        assert "Read-only file system" in process.wait_for("Failed opening the temp RDB file")
        if mode == "fork":
            client.bgsave()
        else:
            with pytest.raises(redis.ResponseError):
                client.bgsave()
        process.wait_for("Failed opening the temp RDB file")
        wait_until(lambda: not can_write(client))
        assert client.get("key") == b"not saved"
        with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
            client.execute_command("SHUTDOWN")
        assert (disk.path / "dump.rdb").read_bytes() == dump
        disk.recover()
        client.bgsave()
        wait_until(lambda: can_write(client))
        process.process.kill()
        process.wait()
    with disk.server().ready() as again, again.client() as reader:
        assert reader.get("key") == b"not saved"


def test_a_disk_that_may_only_be_read_refuses_to_keep_an_append_only_file(disk: Disk) -> None:
    disk.refuse_writes()
    with disk.server("--appendonly", "yes") as process:
        assert process.wait() == 1
        assert "Read-only file system" in process.log() or not disk.is_real
    with disk.server("--save", "").ready() as process, process.client() as client:
        with pytest.raises(redis.ResponseError, match="Unable to turn on AOF"):
            client.config_set("appendonly", "yes")
        assert client.set("key", "value")


@pytest.mark.parametrize(
    ("call", "error", "pattern"),
    [("fsync", "EIO", r"rdb$"), ("fsync", "EIO", "data$"), ("rename", "EIO", r"dump\.rdb$")],
)
@pytest.mark.parametrize("mode", ["fork", "cooperative"])
def test_a_snapshot_that_cannot_be_brought_to_disk_fails(
    tmp_path: Path, mode: str, call: str, error: str, pattern: str
) -> None:
    faults = Faults(tmp_path / "faults")
    data = tmp_path / "data"
    data.mkdir()
    options = ["--dir", str(data), "--save", "3600 1000", "--hz", "100", "--snapshot-mode", mode]
    with ServerProcess(*options, launcher=faults.launcher()).ready() as process, process.client() as client:
        client.set("key", "value")
        with faults.failing(call, error, pattern):
            client.bgsave()
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
            with pytest.raises(redis.ResponseError):
                client.save()
        assert not can_write(client)
        assert not list(data.glob("temp-*"))
        client.bgsave()
        wait_until(lambda: can_write(client))


@pytest.mark.parametrize("mode", ["fork", "auto"])
def test_a_snapshot_without_a_child_takes_over_or_fails_where_none_can_be_made(tmp_path: Path, mode: str) -> None:
    faults = Faults(tmp_path / "faults")
    options = ["--dir", str(tmp_path), "--save", "3600 1000", "--hz", "100", "--snapshot-mode", mode]
    with ServerProcess(*options, launcher=faults.launcher()).ready() as process, process.client() as client:
        client.set("key", "value")
        with faults.failing("fork", "ENOMEM"):
            if mode == "auto":
                client.bgsave()
                wait_until((tmp_path / "dump.rdb").exists)
            else:
                with pytest.raises(redis.ResponseError):
                    client.bgsave()
                assert "Cannot allocate memory" in process.wait_for("Can't save in background: fork")


def test_one_of_two_servers_that_start_on_one_directory_at_once_runs(tmp_path: Path) -> None:
    options = ["--dir", str(tmp_path), "--appendonly", "yes"]
    with ServerProcess(*options) as first, ServerProcess(*options) as second:
        wait_until(lambda: has_ended(first) or has_ended(second))
        loser, winner = (first, second) if has_ended(first) else (second, first)
        assert loser.wait() == 1
        assert f"Another server (process {winner.process.pid}) saves its data in {tmp_path}" in loser.log()
        with winner.ready().client() as client:
            assert client.set("key", "value")


def has_ended(process: ServerProcess) -> bool:
    return process.process.poll() is not None
