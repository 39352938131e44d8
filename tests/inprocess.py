"""A server and clients inside the test: no sockets, no threads, and a clock that stands still.

    server = InProcessServer()
    client = server.client()
    assert client("SET", "key", "value") == b"OK"

Replies come through hiredis: statuses and bulks as bytes, errors as `hiredis.ReplyError`, RESP3 types as it maps them.
"""

from __future__ import annotations

import hiredis

from hognose.clock import FakeClock
from hognose.config.store import Config
from hognose.server.server import Server
from hognose.server.transport import Transport


class MemoryTransport(Transport):
    """What a connection writes to, kept in memory."""

    def __init__(self) -> None:
        super().__init__(-1, ("127.0.0.1", 12345), ("127.0.0.1", 12345))
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Nothing is read here but what the test sends."""

    def resume_reading(self) -> None:
        """The same."""


class InProcessClient:
    """One client of an in-process server."""

    def __init__(self, server: Server) -> None:
        self.transport = MemoryTransport()
        self.connection = server.new_connection()
        self.connection.connection_made(self.transport)
        self._reader = hiredis.Reader(notEnoughData=...)

    def __call__(self, *args: str | bytes | float) -> object:
        """Sends one command and returns its reply."""
        self.send(*args)
        return self.reply()

    def send(self, *args: str | bytes | float) -> None:
        """Sends a command without waiting for its reply."""
        self.connection.data_received(hiredis.pack_command(args))

    def raw(self, data: bytes) -> bytes:
        """Sends bytes as they are and returns all bytes that come back."""
        self.connection.data_received(data)
        answer = bytes(self.transport.written)
        self.transport.written.clear()
        return answer

    def reply(self) -> object:
        """The next reply; `...` if there is none."""
        self._reader.feed(bytes(self.transport.written))
        self.transport.written.clear()
        return self._reader.gets()

    def error(self, *args: str | bytes | float) -> str:
        """Sends a command that must fail; returns the error line."""
        reply = self(*args)
        assert isinstance(reply, hiredis.ReplyError), f"{args!r} answered {reply!r}"
        return str(reply)


class InProcessServer:
    """A server without sockets."""

    def __init__(self, **directives: str) -> None:
        config = Config()
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in directives.items()]
        if pairs:
            config.set_many(pairs)
        self.clock = FakeClock()
        self.server = Server(config, self.clock)
        self.server.log_file.level = 4

    def client(self) -> InProcessClient:
        return InProcessClient(self.server)
