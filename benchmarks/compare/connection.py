"""A blocking connection that prepares data: single commands, and the same command many times, pipelined.

Not a client library: it raises on the first error reply, because a benchmark on wrong data is worth nothing.
"""

import socket
from typing import Final, Self

import hiredis

from benchmarks.compare.workloads import RANDOM, Command

# Commands written in one piece. With the small ones used here some 50 KB: one or two reads of any server.
BATCH_COMMANDS: Final = 500

_READ_BYTES: Final = 65_536
_COUNTER: Final = b"%012d"  # as wide as the word it stands for


class CommandFailedError(Exception):
    """The server answered with an error."""


class Connection:
    """One connection to a server; a context manager that closes it."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = hiredis.Reader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def call(self, *words: str) -> object:
        """Sends one command and returns its reply.

        Raises:
            CommandFailedError: when the reply is an error.
        """
        self._socket.sendall(encode(words))
        return self._reply()

    def repeat(self, command: Command, count: int) -> None:
        """Sends a command `count` times, `RANDOM` in it counting up from 0; two batches are under way at any time.

        Raises:
            CommandFailedError: on the first error reply.
        """
        template, places = counting_template(command)
        awaited = 0
        for first in range(0, count, BATCH_COMMANDS):
            size = min(BATCH_COMMANDS, count - first)
            self._socket.sendall(render(template, places, first, size))
            self._skip_replies(awaited)
            awaited = size
        self._skip_replies(awaited)

    def info(self, section: str, field: str) -> str:
        """One field of INFO, such as `used_memory` of section `memory`."""
        reply = self.call("INFO", section)
        assert isinstance(reply, bytes)
        return parse_info(reply.decode())[field]

    def _skip_replies(self, count: int) -> None:
        for _ in range(count):
            self._reply()

    def _reply(self) -> object:
        reply: object = self._reader.gets()
        while reply is False:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._reader.feed(data)
            reply = self._reader.gets()
        if isinstance(reply, hiredis.ReplyError):
            raise CommandFailedError(str(reply))
        return reply


def encode(words: Command) -> bytes:
    """A command as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode()) for word in words]
    return b"".join(parts)


def counting_template(command: Command) -> tuple[bytes, int]:
    """The encoded command with a place for a number instead of each `RANDOM`, and how many places there are."""
    encoded = encode(command).replace(b"%", b"%%")
    return encoded.replace(RANDOM.encode(), _COUNTER), encoded.count(RANDOM.encode())


def render(template: bytes, places: int, first: int, size: int) -> bytes:
    """The requests number `first` up to `first + size`, each with its number in all of its places."""
    numbers = tuple(number for number in range(first, first + size) for _ in range(places))
    return (template * size) % numbers


def parse_info(text: str) -> dict[str, str]:
    """The fields of an INFO reply; headings and blank lines are left out."""
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in pairs if colon}
