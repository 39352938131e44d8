"""The append-only file where calls of the system fail: what was confirmed is there, and what is there can be loaded."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

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
        for client in (writer, script):
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
