"""When the append-only file is written anew, and when not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hognose.persistence.child import Child
from hognose.persistence.disk import DiskJob
from hognose.server.append_only import ON
from tests.inprocess import InProcessServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessServer]:
    """A server whose append-only file is on."""
    monkeypatch.chdir(tmp_path)
    server = InProcessServer(appendonly="yes")
    assert server.server.rewrite.open_at_start()
    yield server
    server.server.rewrite.stop_child()
    server.server.append_only.file.close()


def rewrites_after(server: InProcessServer, seconds: int) -> int:
    """How many rewrites have begun by then."""
    rewrite = server.server.rewrite
    server.clock.advance(1000 * seconds)
    rewrite.tick(server.clock.now_ms)
    return int(rewrite.rewrites)


def test_a_scheduled_rewrite_begins_with_the_next_tick(server: InProcessServer) -> None:
    server.server.rewrite.is_scheduled = True
    assert rewrites_after(server, 1) == 1
    assert server.server.rewrite.is_running()


def test_rewrites_that_keep_failing_wait_longer_and_longer(server: InProcessServer) -> None:
    rewrite = server.server.rewrite
    rewrite.failures = 3
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        rewrite.is_scheduled = True
        begun = int(rewrite.rewrites)
        assert rewrites_after(server, 0) == begun
        assert rewrites_after(server, 60 * minutes - 1) == begun
        assert rewrites_after(server, 1) == begun + 1
        rewrite.stop_child()


def test_bgrewriteaof_does_not_wait_for_that(server: InProcessServer) -> None:
    rewrite = server.server.rewrite
    rewrite.failures = 5
    rewrite.is_scheduled = True
    assert rewrites_after(server, 1) == 0
    client = server.client()
    client("MULTI")
    client("BGREWRITEAOF")
    client("EXEC")
    assert rewrites_after(server, 0) == 1


@pytest.mark.parametrize(
    ("base", "size", "percentage", "begins"),
    [
        (1000, 2000, "100", True),
        (1000, 1999, "100", False),
        (1000, 999_999, "0", False),
        (100, 1000, "100", False),  # not larger than the least size
        (0, 2000, "100", True),
    ],
)
def test_growth_begins_a_rewrite(server: InProcessServer, base: int, size: int, percentage: str, begins: bool) -> None:
    client = server.client()
    client("CONFIG", "SET", "auto-aof-rewrite-min-size", 1000)
    client("CONFIG", "SET", "auto-aof-rewrite-percentage", percentage)
    aof = server.server.append_only
    assert aof.state == ON
    aof.base_size = base
    aof.current_size = size
    assert rewrites_after(server, 1) == int(begins)


def test_no_rewrite_begins_beside_another_child(server: InProcessServer) -> None:
    server.server.snapshots.children.active = Child(0, -1, "RDB", 0, 0)
    client = server.client()
    assert client("BGREWRITEAOF") == b"Background append only file rewriting scheduled"
    assert rewrites_after(server, 10) == 0
    server.server.snapshots.children.active = None
    assert rewrites_after(server, 1) == 1


def test_the_file_cannot_be_switched_on_before_the_dataset_is_there() -> None:
    client = InProcessServer().client()
    assert "needs a server process of its own" in client.error("CONFIG", "SET", "appendonly", "yes")


class Waiting(DiskJob):
    """Keeps the thread that looks after the disk busy."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def work(self) -> None:
        self.go_on.wait()


def finish_rewrite(server: InProcessServer) -> None:
    """Waits for the child of a rewrite and takes in what it has written."""
    rewrite = server.server.rewrite
    deadline = time.monotonic() + 20
    while rewrite.is_running():
        assert time.monotonic() < deadline
        rewrite.tick(server.clock.now_ms)
        time.sleep(0.01)


def test_deleting_what_failed_cannot_meet_the_file_that_takes_its_name(server: InProcessServer) -> None:
    rewrite, thread = server.server.rewrite, server.server.append_only.thread
    folder = Path("appendonlydir")
    in_the_way = folder / "temp-appendonly.aof.manifest"
    busy = Waiting()
    thread.submit(busy)  # such as a sync that takes long
    assert rewrite.start()
    in_the_way.mkdir()
    finish_rewrite(server)
    assert not rewrite.last_ok
    in_the_way.rmdir()
    assert rewrite.start()
    finish_rewrite(server)
    assert rewrite.last_ok
    busy.go_on.set()
    last = Waiting()
    last.go_on.set()
    thread.submit(last)
    last.wait()
    manifest = server.server.append_only.directory.manifest
    assert [file.name for file in manifest.files() if not (folder / file.name).exists()] == []
