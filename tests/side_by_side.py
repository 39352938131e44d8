"""The same commands on hognose in this process and on a real server, replies compared: tests without expected values.

    pair = SideBySide(InProcessServer(), real_server)
    pair("SETBIT", "key", 7, 1)        # fails when the two answer differently

Replies are compared as hiredis reads them; errors by their text.
"""

from __future__ import annotations

import socket
from typing import Protocol

import hiredis

from tests.inprocess import InProcessClient, InProcessServer

Argument = str | bytes | float


def plain(reply: object) -> object:
    """A reply in a form that compares by value: errors as their text."""
    if isinstance(reply, hiredis.ReplyError):
        return ("error", str(reply))
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return reply


class Connectable(Protocol):
    """A server that can be connected to."""

    def connect(self) -> socket.socket: ...


class RealClient:
    """A blocking connection to a server in a process of its own, in RESP2."""

    def __init__(self, server: Connectable) -> None:
        self._socket: socket.socket = server.connect()
        self._reader = hiredis.Reader(notEnoughData=...)

    def __call__(self, *args: Argument) -> object:
        """Sends one command and waits for its reply."""
        self._socket.sendall(hiredis.pack_command(args))
        return self.reply()

    def reply(self) -> object:
        """Waits for the next reply."""
        while (reply := self._reader.gets()) is ...:
            self._reader.feed(self._socket.recv(65536))
        return reply

    def close(self) -> None:
        self._socket.close()


class SideBySide:
    """One client on either server."""

    def __init__(self, server: InProcessServer, real: RealClient) -> None:
        self.server = server
        self.client: InProcessClient = server.client()
        self.real = real

    def __call__(self, *args: Argument) -> object:
        """Sends a command to both and returns the reply, which must be the same."""
        real = plain(self.real(*args))
        ours = plain(self.client(*args))
        assert ours == real, f"{args!r}: the real server answers {real!r}, hognose {ours!r}"
        return ours
