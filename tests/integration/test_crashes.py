"""The end of the process by a signal leaves a report in the log; a loop that stands still leaves a stack."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import redis

import hognose
from hognose.errors import CommandError
from tests.integration.server_process import ServerProcess

pytestmark = pytest.mark.server

DEBUG_ALLOWED = ["--enable-debug-command", "yes"]


def crash(server: ServerProcess, word: str) -> int:
    """Has a server crash; returns its exit status."""
    with server.ready().client() as client:
        client.client_setname("culprit")
        with pytest.raises(redis.ConnectionError):
            client.execute_command("DEBUG", word)
    return server.wait()


@pytest.mark.parametrize(
    ("word", "number", "cause"),
    [
        ("SEGFAULT", signal.SIGSEGV, "DEBUG SEGFAULT was called"),
        ("PANIC", signal.SIGABRT, "PANIC: DEBUG PANIC was called"),
        ("ASSERT", signal.SIGABRT, "ASSERTION FAILED: DEBUG ASSERT was called"),
        ("OOM", signal.SIGABRT, "Out of memory: DEBUG OOM was called"),
    ],
)
def test_debug_ends_the_process_with_a_report(word: str, number: signal.Signals, cause: str) -> None:
    with ServerProcess(options=DEBUG_ALLOWED) as server:
        assert crash(server, word) == -number
    log = server.log()
    assert cause in log
    assert f"crashed by signal: {int(number)} ({number.name})" in log
    assert "redis_version:" in log
    assert "name=culprit" in log
    assert "most recent call first" in log


def test_a_signal_from_outside_is_reported_in_the_log_file(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with ServerProcess(options=["--logfile", str(path)]) as server:
        with redis.Redis(port=server.port) as client:
            while not path.exists() or "Ready to accept connections" not in path.read_text():
                assert server.process.poll() is None
            assert client.ping()
        server.signal(signal.SIGABRT)
        assert server.wait() == -signal.SIGABRT
    log = path.read_text()
    assert "Fatal Python error: Aborted" in log
    assert "crashed by signal: 6 (SIGABRT)" in log


def test_without_crash_log_there_is_no_report() -> None:
    with ServerProcess(options=["--crash-log-enabled", "no", *DEBUG_ALLOWED]) as server:
        assert crash(server, "SEGFAULT") == -signal.SIGSEGV
    assert "crashed by signal" not in server.log()
    assert "Fatal Python error" not in server.log()


def test_use_exit_on_panic_exits_instead_of_aborting() -> None:
    with ServerProcess(options=["--use-exit-on-panic", "yes", *DEBUG_ALLOWED]) as server:
        assert crash(server, "PANIC") == 1


def test_the_watchdog_shows_where_the_loop_stands_still_and_the_server_goes_on() -> None:
    with ServerProcess(options=DEBUG_ALLOWED) as server, server.ready().client() as client:
        client.config_set("watchdog-period", 1)
        assert client.config_get("watchdog-period") == {"watchdog-period": "200"}
        client.ping()
        client.execute_command("DEBUG", "SLEEP", "0.7")
        server.wait_for("Timeout (")
        server.wait_for("most recent call first")
        assert client.config_set("watchdog-period", 0)
        assert client.ping()


def test_a_server_inside_another_program_does_not_end_it() -> None:
    with hognose.Server(config={"enable-debug-command": "yes"}) as server:
        with pytest.raises(CommandError, match="part of another program"):
            server.execute("DEBUG", "SEGFAULT")
        assert server.execute("PING") == b"PONG"
