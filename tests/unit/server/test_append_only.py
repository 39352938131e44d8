"""When the append-only file is written and synced, when replies go out, and what happens when the disk fails."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hognose.persistence.child import Child
from hognose.persistence.disk import Disk, DiskJob, DiskThread
from hognose.server.append_only import AppendOnly
from tests.inprocess import InProcessClient, InProcessServer

NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
IO_ERROR = OSError(errno.EIO, "Input/output error")


class FakeDisk(Disk):
    """Keeps what is written, and fails when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()
        self.writes = 0
        self.syncs = 0
        self.write_error: OSError | None = None
        self.sync_error: OSError | None = None
        self.truncate_error: OSError | None = None
        self.room: int | None = None

    def write(self, fd: int, data: bytes) -> int:
        if self.write_error is not None:
            raise self.write_error
        if self.room is not None:
            if self.room == 0:
                raise NO_SPACE
            data = data[: self.room]
            self.room -= len(data)
        self.writes += 1
        self.data += data
        return len(data)

    def sync(self, fd: int) -> None:
        self.syncs += 1
        if self.sync_error is not None:
            raise self.sync_error

    def truncate(self, fd: int, size: int) -> None:
        if self.truncate_error is not None:
            raise self.truncate_error
        del self.data[size:]


class FakeLoop(asyncio.AbstractEventLoop):
    """An event loop whose turns the test takes."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []

    def call_soon(self, callback, *args, context=None):  # type: ignore[no-untyped-def]
        self.soon.append(callback)

    def call_soon_threadsafe(self, callback, *args, context=None):  # type: ignore[no-untyped-def]
        self.soon.append(callback)

    def turn(self) -> None:
        """Runs what is due."""
        due, self.soon = self.soon, []
        for callback in due:
            callback()


class FakeThread(DiskThread):
    """Does its jobs when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[tuple[DiskJob, Callable[[], None] | None]] = []
        self.is_eager = False

    def submit(self, job: DiskJob, on_done: Callable[[], None] | None = None) -> None:
        self.jobs.append((job, on_done))
        if self.is_eager:
            self.work()

    def work(self) -> None:
        """Does all jobs."""
        jobs, self.jobs = self.jobs, []
        for job, on_done in jobs:
            job.run()
            if on_done is not None:
                on_done()


class Setup:
    """A server with an append-only file on a fake disk."""

    def __init__(self, policy: str) -> None:
        self.inside = InProcessServer(appendfsync=policy)
        self.server = self.inside.server
        self.disk = FakeDisk()
        self.loop = FakeLoop()
        self.thread = FakeThread()
        self.aof: AppendOnly = self.server.append_only
        self.aof.file.disk = self.disk
        self.aof.thread = self.thread
        self.server.loop = self.loop
        self.aof.resume(99, 0)
        self.aof.state = 1
        self.server.propagation.attach(self.aof)
        self.inside.clock.advance(5000)

    def client(self) -> InProcessClient:
        return self.inside.client()

    def turns(self) -> None:
        """Lets the loop and the thread go on until there is nothing to do."""
        while self.loop.soon or self.thread.jobs:
            self.loop.turn()
            self.thread.work()


@pytest.fixture
def always() -> Setup:
    return Setup("always")


@pytest.fixture
def everysec() -> Setup:
    return Setup("everysec")


def test_commands_of_a_turn_are_written_together_before_any_reply(everysec: Setup) -> None:
    one, two = everysec.client(), everysec.client()
    one.send("SET", "a", "1")
    two.send("SET", "b", "2")
    assert (one.reply(), two.reply(), everysec.disk.writes) == (..., ..., 0)
    everysec.loop.turn()
    assert (one.reply(), two.reply(), everysec.disk.writes) == (b"OK", b"OK", 1)


def test_readers_of_what_is_not_written_yet_wait_too(everysec: Setup) -> None:
    writer, reader = everysec.client(), everysec.client()
    writer.send("SET", "a", "1")
    reader.send("GET", "a")
    assert reader.reply() is ...
    everysec.loop.turn()
    assert reader.reply() == b"1"


def test_reads_alone_wait_for_nothing(everysec: Setup) -> None:
    assert everysec.client()("GET", "a") is None
    assert everysec.loop.soon == []


def test_with_always_replies_wait_for_the_sync(always: Setup) -> None:
    client = always.client()
    client.send("SET", "a", "1")
    always.loop.turn()
    assert (client.reply(), always.disk.writes, always.disk.syncs) == (..., 1, 0)
    always.thread.work()
    assert always.disk.syncs == 1
    always.loop.turn()
    assert client.reply() == b"OK"


def test_with_always_commands_of_the_meantime_share_the_next_sync(always: Setup) -> None:
    one, two, three = always.client(), always.client(), always.client()
    one.send("SET", "a", "1")
    always.loop.turn()
    two.send("SET", "b", "2")
    three.send("GET", "b")
    always.loop.turn()
    assert (two.reply(), always.disk.writes) == (..., 1)
    always.thread.work()
    always.loop.turn()
    assert (one.reply(), two.reply(), three.reply()) == (b"OK", ..., ...)
    always.turns()
    assert (two.reply(), three.reply(), always.disk.syncs) == (b"OK", b"2", 2)


def test_with_always_one_client_gets_its_replies_in_order(always: Setup) -> None:
    client = always.client()
    client.send("INCR", "n")
    always.loop.turn()
    client.send("INCR", "n")
    client.send("GET", "n")
    always.turns()
    assert [client.reply(), client.reply(), client.reply(), client.reply()] == [1, 2, b"2", ...]


@pytest.mark.parametrize("policy", ["everysec", "no"])
def test_replies_stay_in_order_when_always_is_given_up_while_some_wait_for_the_sync(always: Setup, policy: str) -> None:
    client, other = always.client(), always.client()
    client.send("INCR", "n")
    always.loop.turn()  # its sync begins, and hangs
    other.send("CONFIG", "SET", "appendfsync", policy)
    client.send("INCR", "n")
    always.loop.turn()
    assert client.reply() is ...
    always.turns()
    assert [client.reply(), client.reply(), other.reply()] == [1, 2, b"OK"]


def test_replies_stay_in_order_when_a_child_stops_syncs_while_some_wait_for_one(always: Setup) -> None:
    client = always.client()
    client("CONFIG", "SET", "no-appendfsync-on-rewrite", "yes")
    client.send("INCR", "n")
    always.loop.turn()  # its sync begins, and hangs
    always.server.snapshots.children.active = Child(0, -1, "RDB", 0, 0)
    client.send("INCR", "n")
    always.loop.turn()
    assert client.reply() is ...
    always.turns()
    assert [client.reply(), client.reply()] == [1, 2]


def test_no_reply_is_forgotten_when_a_rewrite_begins_during_a_sync(always: Setup, tmp_path: Path) -> None:
    writer, reader = always.client(), always.client()
    writer.send("SET", "a", "1")
    always.loop.turn()  # its sync begins, and hangs
    reader.send("GET", "a")
    always.aof.flush(now=True)  # as a rewrite does
    always.thread.work()
    always.aof.switch_to(os.open(tmp_path / "next", os.O_WRONLY | os.O_CREAT))
    always.turns()
    assert (writer.reply(), reader.reply()) == (b"OK", b"1")


def test_everysec_syncs_once_a_second(everysec: Setup) -> None:
    client = everysec.client()
    for _ in range(5):
        client("SET", "a", "1")
        everysec.turns()
    assert everysec.disk.syncs == 1
    everysec.inside.clock.advance(1000)
    client("SET", "a", "1")
    everysec.turns()
    assert everysec.disk.syncs == 2


def test_everysec_syncs_what_was_written_last_without_a_further_command(everysec: Setup) -> None:
    client = everysec.client()
    client("SET", "a", "1")
    everysec.turns()
    client("SET", "a", "2")
    everysec.turns()
    before = everysec.disk.syncs
    everysec.inside.clock.advance(2000)
    everysec.server.cron.tick()
    everysec.turns()
    assert everysec.disk.syncs == before + 1
    assert everysec.aof.file.synced_size == everysec.aof.file.size


def test_everysec_waits_a_second_for_a_sync_that_runs_then_writes_all_the_same(everysec: Setup) -> None:
    client = everysec.client()
    client.send("SET", "a", "1")
    everysec.loop.turn()  # the sync begins, and hangs
    assert client.reply() == b"OK"
    client.send("SET", "a", "2")
    everysec.loop.turn()
    assert (client.reply(), everysec.disk.writes) == (b"OK", 1)
    everysec.inside.clock.advance(999)
    everysec.server.cron.tick()
    assert everysec.disk.writes == 1
    everysec.inside.clock.advance(1)
    client.send("SET", "a", "3")
    everysec.loop.turn()
    assert (client.reply(), everysec.disk.writes, everysec.aof.delayed_syncs) == (b"OK", 2, 1)


def test_no_never_syncs() -> None:
    setup = Setup("no")
    client = setup.client()
    client("SET", "a", "1")
    setup.inside.clock.advance(5000)
    setup.turns()
    setup.server.cron.tick()
    assert (setup.disk.writes, setup.disk.syncs) == (1, 0)


def test_a_full_disk_refuses_writes_until_there_is_room(everysec: Setup) -> None:
    client = everysec.client()
    everysec.disk.write_error = NO_SPACE
    client("SET", "a", "1")
    everysec.turns()
    client.reply()
    assert client.error("SET", "a", "2") == "MISCONF Errors writing to the AOF file: No space left on device"
    assert client("GET", "a") == b"1"
    everysec.disk.write_error = None
    everysec.inside.clock.advance(2000)
    everysec.server.cron.tick()
    everysec.turns()
    client.send("SET", "a", "3")
    everysec.turns()
    assert client.reply() == b"OK"
    assert everysec.disk.data.count(b"$3\r\nSET\r\n") == 2


def test_a_short_write_is_undone_and_tried_again_whole(everysec: Setup) -> None:
    client = everysec.client()
    everysec.disk.room = 20
    client("SET", "a", "1")
    everysec.turns()
    assert everysec.disk.data == b""
    everysec.disk.room = None
    everysec.inside.clock.advance(2000)
    everysec.server.cron.tick()
    assert bytes(everysec.disk.data).endswith(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")


def test_a_short_write_that_cannot_be_undone_goes_on_where_it_stopped(everysec: Setup) -> None:
    client = everysec.client()
    everysec.disk.room = 20
    everysec.disk.truncate_error = IO_ERROR
    client("SET", "a", "1")
    everysec.turns()
    assert len(everysec.disk.data) == 20
    everysec.disk.room = None
    everysec.inside.clock.advance(2000)
    everysec.server.cron.tick()
    assert bytes(everysec.disk.data) == b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"


def test_with_always_a_full_disk_confirms_nothing_and_disconnects_who_waits(always: Setup) -> None:
    client, other = always.client(), always.client()
    always.disk.write_error = NO_SPACE
    client.send("SET", "a", "1")
    always.turns()
    assert (client.reply(), client.transport.closed) == (..., True)
    assert other.error("SET", "a", "2").startswith("MISCONF")


def test_with_always_a_failed_sync_confirms_nothing_and_refuses_writes(always: Setup) -> None:
    client, other = always.client(), always.client()
    always.disk.sync_error = IO_ERROR
    client.send("SET", "a", "1")
    always.turns()
    assert (client.reply(), client.transport.closed) == (..., True)
    always.disk.sync_error = None
    assert other.error("SET", "a", "2") == "MISCONF Errors writing to the AOF file: Input/output error"
    always.aof.is_healed()  # a rewrite that began before is done, and lacks it
    assert other.error("SET", "a", "2").startswith("MISCONF")
    always.aof.resume(99, 0)  # another begins
    always.aof.is_healed()
    other.send("SET", "a", "2")
    always.turns()
    assert other.reply() == b"OK"


def test_with_always_a_sync_that_fails_amid_a_round_confirms_nothing_of_that_round(always: Setup) -> None:
    client, other = always.client(), always.client()
    client.send("SET", "a", "1")
    always.loop.turn()
    always.disk.sync_error = IO_ERROR
    always.thread.work()
    always.server.in_round = True  # as the asyncio loop has it, between its callbacks for sockets
    other.send("SET", "a", "2")
    sync_is_over = always.loop.soon.pop(0)
    sync_is_over()
    always.server.in_round = False
    always.server.end_of_round()
    assert (client.reply(), client.transport.closed) == (..., True)
    assert (other.reply(), other.transport.closed) == (..., True)


def test_with_everysec_a_failed_sync_refuses_writes_though_the_next_might_succeed(everysec: Setup) -> None:
    client = everysec.client()
    everysec.disk.sync_error = IO_ERROR
    client("SET", "a", "1")
    everysec.turns()
    client.reply()
    everysec.disk.sync_error = None
    everysec.inside.clock.advance(3000)
    assert client.error("SET", "a", "2").startswith("MISCONF")
    assert everysec.aof.sync_error is IO_ERROR


def test_what_follows_quit_is_not_run_while_the_replies_wait(always: Setup) -> None:
    client, other = always.client(), always.client()
    client.send("SET", "a", "1")
    client.send("QUIT")
    client.send("SET", "a", "2")
    always.turns()
    assert (client.reply(), client.reply(), client.transport.closed) == (b"OK", b"OK", True)
    assert other("GET", "a") == b"1"


def test_no_appendfsync_on_rewrite_does_not_wait_while_a_child_writes(always: Setup) -> None:
    always.server.settings.no_appendfsync_on_rewrite = True
    children = always.server.snapshots.children
    children.active = Child(0, -1, "RDB", 0, 0)
    client = always.client()
    client.send("SET", "a", "1")
    always.loop.turn()
    assert (client.reply(), always.disk.syncs) == (b"OK", 0)


def test_after_a_failed_sync_the_dataset_is_written_anew_and_writes_are_served_again(
    always: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    always.thread.is_eager = True
    always.aof.resume(os.open("log", os.O_WRONLY | os.O_CREAT), 0)
    client = always.client()
    always.disk.sync_error = IO_ERROR
    client.send("SET", "a", "1")
    always.turns()
    always.disk.sync_error = None
    other = always.client()
    assert other.error("SET", "a", "2").startswith("MISCONF")
    while always.aof.sync_error is not None:
        always.inside.clock.advance(100)
        always.server.rewrite.tick(always.inside.clock.now_ms)
        always.turns()
    other.send("SET", "a", "2")
    always.turns()
    assert other.reply() == b"OK"
    names = sorted(path.name for path in (tmp_path / "appendonlydir").iterdir())
    assert names == ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"]
    always.aof.file.close()


def test_a_switch_whose_last_sync_fails_refuses_writes(always: Setup, tmp_path: Path) -> None:
    always.aof.resume(os.open(tmp_path / "old", os.O_WRONLY | os.O_CREAT), 0)
    always.disk.sync_error = IO_ERROR
    always.aof.switch_to(os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT))
    always.turns()
    always.aof.tick(always.inside.clock.now_ms // 1000)
    assert always.client().error("SET", "a", "1").startswith("MISCONF")
    always.aof.file.close()


def test_no_rewrite_begins_while_something_is_still_to_be_written_to_the_old_file(
    everysec: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = everysec.client()
    everysec.disk.write_error = NO_SPACE
    client("INCR", "n")
    everysec.turns()
    client.reply()
    assert client.error("BGREWRITEAOF").startswith("ERR Can't execute an AOF background rewriting")
    assert everysec.server.rewrite.last_ok is False


def test_what_a_client_sent_before_a_pause_is_written_as_it_was(everysec: Setup) -> None:
    client, other = everysec.client(), everysec.client()
    other("CLIENT", "PAUSE", "100000", "WRITE")
    client.send("SET", "a", "1")
    client.connection.data_received(b"PING\r\n")
    other("CLIENT", "UNPAUSE")
    everysec.turns()
    assert client.reply() == b"OK"
    assert bytes(everysec.disk.data).endswith(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")


@pytest.mark.parametrize("policy", ["always", "everysec", "no"])
def test_a_busy_script_has_replies_that_wait_sent_after_what_they_tell_of_is_safe(policy: str) -> None:
    setup = Setup(policy)
    setup.thread.is_eager = True
    writer, script = setup.client(), setup.client()
    writer.send("SET", "a", "1")
    assert writer.reply() is ...
    setup.server.set_busy(script.connection, True)
    assert (writer.reply(), setup.disk.writes) == (b"OK", 1)
    assert setup.aof.file.synced_size == (0 if policy == "no" else len(setup.disk.data))
    assert writer.error("GET", "a").startswith("BUSY")
    setup.server.set_busy(script.connection, False)
    script.send("SET", "b", "2")
    assert script.reply() is ...
    setup.turns()
    assert (script.reply(), setup.disk.writes) == (b"OK", 2)


def test_a_busy_script_waits_for_a_sync_that_runs_so_that_replies_stay_in_order(always: Setup) -> None:
    writer, script = always.client(), always.client()
    writer.send("INCR", "n")
    always.loop.turn()  # the sync begins
    threading.Thread(target=always.thread.work).start()
    always.server.set_busy(script.connection, True)
    assert (writer.reply(), writer.error("GET", "n")[:4]) == (1, "BUSY")


@pytest.mark.parametrize("fails", ["write", "sync"])
def test_a_busy_script_confirms_nothing_that_the_disk_refuses(always: Setup, fails: str) -> None:
    always.thread.is_eager = True
    writer, script = always.client(), always.client()
    if fails == "write":
        always.disk.write_error = NO_SPACE
    else:
        always.disk.sync_error = IO_ERROR
    writer.send("SET", "a", "1")
    always.server.set_busy(script.connection, True)
    assert (writer.reply(), writer.transport.closed) == (..., True)
