"""redis-cli's hints while one types: it makes them from COMMAND DOCS."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import termios
import time
from collections.abc import Iterator

import pytest

from compat.servers import hognose_binary, install, start

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """redis-cli on a pseudo terminal."""

    def __init__(self, port: int) -> None:
        install("redis-7.0")
        path = shutil.which("redis-cli")
        assert path is not None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm", "HOME": "/nonexistent", "COLUMNS": "200"}
            os.execve(path, [path, "-p", str(port)], environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 250, 0, 0))
        self.shown = ""

    def type(self, text: str) -> None:
        self.shown = ""
        os.write(self.fd, text.encode())

    def wait_for(self, text: str, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while text not in ESCAPES.sub("", self.shown):
            ready, _, _ = select.select([self.fd], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"{text!r} did not appear in {self.shown!r}"
            self.shown += os.read(self.fd, 65536).decode(errors="replace")

    def close(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    binary = hognose_binary()
    assert binary is not None
    with start(binary) as server:
        terminal = Terminal(server.port)
        try:
            terminal.wait_for("> ")
            yield terminal
        finally:
            terminal.close()


@pytest.mark.server
@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("get ", "key"),
        ("setrange ", "key offset value"),
        ("set ", "key value [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|"),
        ("mset ", "key value [key value ...]"),
        ("command list ", "[FILTERBY MODULE module-name|ACLCAT category|PATTERN pattern]"),
    ],
)
def test_redis_cli_shows_the_arguments_that_are_still_to_come(terminal: Terminal, typed: str, hint: str) -> None:
    terminal.type(typed)
    terminal.wait_for(hint)


@pytest.mark.server
def test_redis_cli_help_shows_what_the_server_says_of_a_command(terminal: Terminal) -> None:
    terminal.type("help @string\r")
    terminal.wait_for("GETRANGE key start end")
    terminal.wait_for("summary: Returns a part of the string at a key.")
