"""The append-only file where calls of the system fail: what was confirmed is there, and what is there can be loaded."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.faults.failing_calls import Faults
from tests.integration.server_process import TIMEOUT_S, ServerProcess

ENDLESS = "while true do end"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path / "faults")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def server(data: Path, faults: Faults, *options: str) -> ServerProcess:
    """A server with an append-only file that is synced always, and rewritten as soon as wanted."""
    words = ["--dir", str(data), "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--hz", "100"]
    return ServerProcess(*words, "--enable-debug-command", "yes", options=options, launcher=faults.launcher())


def kill(process: ServerProcess) -> None:
    process.process.kill()
    process.wait()


def test_a_busy_script_lets_no_reply_out_before_its_command_is_on_disk(data: Path, faults: Faults) -> None:
    with (
        server(data, faults, "--busy-reply-threshold", "50").ready() as process,
        process.connect() as writer,
        process.connect() as script,
    ):
        for client in (script, writer):  # who was served last comes first in the next turn
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"
        process.signal(signal.SIGSTOP)  # so that both arrive in one turn of the event loop
        writer.sendall(b"SET confirmed yes\r\n")
        script.sendall(b'EVAL "%s" 0\r\n' % ENDLESS.encode())
        process.signal(signal.SIGCONT)
        process.wait_for("Slow script detected")
        writer.sendall(b"PING\r\n")
        replies = b""
        while b"BUSY" not in replies:
            replies += writer.recv(1000)
        assert replies.startswith(b"+OK\r\n-BUSY")
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert client.get("confirmed") == b"yes"


DIRECTORY = r"/appendonlydir$"
INCREMENT = r"incr\.aof$"


def manifest(data: Path) -> list[str]:
    """The files that make up the dataset."""
    lines = (data / "appendonlydir" / "appendonly.aof.manifest").read_text().splitlines()
    return [line.split()[1] for line in lines if not line.endswith("type h")]


def slow_rewrite(client: redis.Redis) -> None:
    """Begins a rewrite that goes on for a second."""
    client.mset({f"key{number}": "value" for number in range(10)})
    client.config_set("rdb-key-save-delay", 100_000)
    client.bgrewriteaof()


def rewrite(client: redis.Redis) -> str:
    """Waits for the end of the rewrite that runs; returns its status."""
    wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    return str(client.info("persistence")["aof_last_bgrewrite_status"])


def can_write(client: redis.Redis) -> bool:
    try:
        return bool(client.set("again", "1"))
    except redis.RedisError:
        return False


def test_a_directory_that_cannot_be_synced_at_the_end_of_a_rewrite_can_be_loaded(data: Path, faults: Faults) -> None:
    with server(data, faults).ready() as process, process.client() as client:
        slow_rewrite(client)
        with faults.failing("fsync", "EIO", DIRECTORY):
            assert rewrite(client) == "err"
            client.set("confirmed", "yes")
        assert set(manifest(data)) < {path.name for path in (data / "appendonlydir").iterdir()}
        # The power failure that the missing sync leaves room for would bring back these two.
        assert (data / "appendonlydir" / "appendonly.aof.1.base.rdb").exists()
        assert (data / "appendonlydir" / "appendonly.aof.1.incr.aof").exists()
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert (client.get("confirmed"), client.dbsize()) == (b"yes", 11)
        wait_until(lambda: len(list((data / "appendonlydir").iterdir())) == 3)


def test_a_directory_that_cannot_be_synced_at_the_start_of_a_rewrite_keeps_the_old_files_in_use(
    data: Path, faults: Faults
) -> None:
    with server(data, faults).ready() as process, process.client() as client:
        client.set("before", "1")
        with faults.failing("fsync", "EIO", DIRECTORY):
            for _ in range(3):
                with pytest.raises(redis.ResponseError, match="Can't execute an AOF background rewriting"):
                    client.bgrewriteaof()
            client.set("confirmed", "yes")
        kill(process)
    log = data / "appendonlydir" / "appendonly.aof.1.incr.aof"
    log.write_bytes(log.read_bytes() + b"*3\r\n$3\r\nSE")  # torn by the kill
    assert manifest(data)[1:] == ["appendonly.aof.1.incr.aof", "appendonly.aof.2.incr.aof"]
    with server(data, faults).ready() as again, again.client() as client:
        assert client.mget("before", "confirmed") == [b"1", b"yes"]
        client.bgrewriteaof()
        assert rewrite(client) == "ok"


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_a_failed_sync_of_what_comes_after_the_start_of_a_rewrite_is_not_healed_by_it(
    data: Path, faults: Faults, policy: str
) -> None:
    with server(data, faults, "--appendfsync", policy).ready() as process, process.client() as client:
        slow_rewrite(client)
        with faults.failing("fdatasync", "EIO", INCREMENT):
            wait_until(lambda: not can_write(client))
        wait_until(lambda: can_write(client))
        # The first is that of the start, the second that of the rewrite, which lacks what came later.
        assert manifest(data)[0] == "appendonly.aof.3.base.rdb"
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert client.get("again") == b"1"


def test_a_failed_sync_before_a_rewrite_is_healed_by_it(data: Path, faults: Faults) -> None:
    with server(data, faults).ready() as process, process.client() as client:
        with faults.failing("fdatasync", "EIO", INCREMENT):
            wait_until(lambda: not can_write(client))
        wait_until(lambda: can_write(client))
        assert "Background AOF rewrite finished successfully" in process.wait_for("finished")


@pytest.mark.parametrize(("call", "pattern"), [("fork", "."), ("rename", "manifest"), ("fsync", DIRECTORY)])
def test_rewrites_that_cannot_begin_are_tried_three_times_and_leave_one_file_at_most(
    data: Path, faults: Faults, call: str, pattern: str
) -> None:
    options = ["--auto-aof-rewrite-min-size", "1kb", "--auto-aof-rewrite-percentage", "10", "--snapshot-mode", "fork"]
    with server(data, faults, *options).ready() as process, process.client() as client:
        files = len(list((data / "appendonlydir").iterdir()))
        with faults.failing(call, "ENOMEM", pattern):
            client.set("big", "x" * 3000)
            process.wait_for("Background AOF rewrite has repeatedly failed and triggered the limit")
            assert process.log().count("Starting automatic rewriting of AOF") == 3
            assert len(list((data / "appendonlydir").glob("*.aof"))) <= files
            assert can_write(client)
        client.bgrewriteaof()
        assert rewrite(client) == "ok"
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert (client.strlen("big"), client.get("again")) == (3000, b"1")


@pytest.mark.parametrize("name", [r"base\.rdb$", r"incr\.aof$", r"manifest$"])
def test_renames_that_fail_at_the_end_of_a_rewrite_lose_nothing(data: Path, faults: Faults, name: str) -> None:
    with server(data, faults, "--appendonly", "no").ready() as process, process.client() as client:
        client.mset({f"key{number}": "value" for number in range(10)})
        with faults.failing("rename", "EIO", name):
            client.config_set("appendonly", "yes")
            process.wait_for("Error trying to rename the temporary AOF")
            client.set("confirmed", "yes")
        wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        process.wait_for("Background AOF rewrite finished successfully")
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert (client.get("confirmed"), client.dbsize()) == (b"yes", 11)


def test_a_file_that_cannot_be_switched_on_for_want_of_a_child_stays_off(data: Path, faults: Faults) -> None:
    options = ["--appendonly", "no", "--snapshot-mode", "fork"]
    with server(data, faults, *options).ready() as process, process.client() as client:
        with faults.failing("fork", "ENOMEM"), pytest.raises(redis.ResponseError, match="Unable to turn on AOF"):
            client.config_set("appendonly", "yes")
        client.set("key", "value")
        assert client.info("persistence")["aof_enabled"] == 0
        assert client.config_get("appendonly") == {"appendonly": "no"}
        client.config_set("appendonly", "yes")
        assert rewrite(client) == "ok"
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert client.get("key") == b"value"


@pytest.mark.parametrize("mode", ["cooperative", "auto"])
def test_rewrites_need_no_child(data: Path, faults: Faults, mode: str) -> None:
    options = ["--snapshot-mode", mode, "--aof-use-rdb-preamble", "no", "--save", ""]
    with server(data, faults, *options).ready() as process, process.client() as client:
        with faults.failing("fork", "ENOMEM"):
            client.mset({f"key{number}": "before" for number in range(500)})
            client.set("deleted", "1")
            client.config_set("rdb-key-save-delay", 1000)
            client.bgrewriteaof()
            process.wait_for("Background append only file rewriting started, without a child")
            with pytest.raises(redis.ResponseError, match="Another child process is active"):
                client.execute_command("BGSAVE")
            client.set("key7", "meanwhile")
            client.incr("new")
            client.delete("deleted")
            assert rewrite(client) == "ok"
            client.set("after", "1")
        assert manifest(data) == ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof"]
        kill(process)
    assert not list(data.glob("temp-*"))
    with server(data, faults).ready() as again, again.client() as client:
        assert client.mget("key6", "key7", "new", "deleted", "after") == [b"before", b"meanwhile", b"1", None, b"1"]
        assert client.dbsize() == 502


def test_a_rewrite_without_a_child_begins_anew_when_everything_is_flushed(data: Path, faults: Faults) -> None:
    with server(data, faults, "--snapshot-mode", "cooperative").ready() as process, process.client() as client:
        client.mset({f"key{number}": "before" for number in range(500)})
        client.config_set("rdb-key-save-delay", 1000)
        client.bgrewriteaof()
        client.flushall()
        client.set("after", "1")
        process.wait_for("that begins anew")
        process.wait_for("Background AOF rewrite finished successfully")
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert client.keys() == [b"after"]


def test_the_file_is_switched_on_without_a_child(data: Path, faults: Faults) -> None:
    options = ["--snapshot-mode", "cooperative", "--appendonly", "no"]
    with server(data, faults, *options).ready() as process, process.client() as client:
        client.set("before", "1")
        client.config_set("appendonly", "yes")
        client.set("meanwhile", "1")
        assert rewrite(client) == "ok"
        client.set("after", "1")
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert sorted(client.keys()) == [b"after", b"before", b"meanwhile"]


def test_a_rewrite_without_a_child_that_fails_leaves_what_there_was(data: Path, faults: Faults) -> None:
    with server(data, faults, "--snapshot-mode", "cooperative").ready() as process, process.client() as client:
        client.set("before", "1")
        with faults.failing("write", "EIO", "temp-rewriteaof"):
            client.bgrewriteaof()
            assert "Input/output error" in process.wait_for("Background AOF rewrite terminated with error")
        client.set("after", "1")
        wait_until(lambda: not list(data.glob("temp-*")))
        kill(process)
    with server(data, faults).ready() as again, again.client() as client:
        assert sorted(client.keys()) == [b"after", b"before"]
