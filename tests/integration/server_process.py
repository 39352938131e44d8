"""A hognose process for tests: started from the command line, followed by its log, gone at the end."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

import hognose

PACKAGE_FOLDER = Path(hognose.__file__).resolve().parents[1]
"""Where the package under test is, source or compiled."""

TIMEOUT_S = 20.0
"""Far above what anything here takes; a test that waits so long has failed."""


def command(*args: str) -> list[str]:
    """The command line that runs hognose with these arguments."""
    return [sys.executable, "-m", "hognose", *args]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment a server is started in: this one, with the package to be found and no settings in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOGNOSE_")}
    return {**kept, "PYTHONPATH": str(PACKAGE_FOLDER), **(extra or {})}


def run(*args: str, stdin: str = "", env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs hognose to its end."""
    return subprocess.run(
        command(*args),
        input=stdin,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """A running server and its log."""

    def __init__(
        self,
        *args: str,
        port: int | None = None,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        launcher: Sequence[str] = ("-m", "hognose"),
    ) -> None:
        self.port = free_port() if port is None else port
        words = [*args, "--bind", "127.0.0.1", "--port", str(self.port), *options]
        self._folder = tempfile.TemporaryDirectory()  # for the dump a server leaves at its end
        self.process = subprocess.Popen(
            [sys.executable, *launcher, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(env),
            cwd=self._folder.name,
            text=True,
        )
        assert self.process.stdin is not None
        if stdin is not None:
            self.process.stdin.write(stdin)
        self.process.stdin.close()
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put("")

    def wait_for(self, text: str) -> str:
        """Waits for a log line that contains a text, and returns it."""
        while True:
            line = self._queue.get(timeout=TIMEOUT_S)
            if not line:
                raise AssertionError(f"no {text!r} in the log:\n{''.join(self.lines)}")
            self.lines.append(line)
            if text in line:
                return line

    def ready(self) -> Self:
        """Waits until clients can connect."""
        self.wait_for("Ready to accept connections")
        return self

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S)

    def client(self) -> redis.Redis:
        """A new client."""
        return redis.Redis(port=self.port, socket_timeout=TIMEOUT_S)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Waits for the end and returns the exit status; `lines` then holds the whole log."""
        status = self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        while True:
            line = self._queue.get(timeout=TIMEOUT_S)
            if not line:
                return status
            self.lines.append(line)

    def log(self) -> str:
        """What has been read of the log."""
        return "".join(self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._folder.cleanup()
