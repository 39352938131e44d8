"""Serving clients while a script takes long: a small poll of the sockets between the script's instructions.

A script runs inside one callback of the event loop, so the loop cannot serve anybody until it is over. Once it has run
for longer than busy-reply-threshold, the hook that counts its instructions calls `serve` here: whoever has sent
something is read and answered, with BUSY or with what the few commands answer that are allowed then (SCRIPT KILL,
FUNCTION KILL, SHUTDOWN NOSAVE, AUTH, MULTI ...). New connections are accepted too, because whoever comes to end the
script is usually new; they are handed to the event loop when the script is over.

What it is not: a second event loop. Nothing blocks or waits here, and no timer runs.
"""

import asyncio
import os
import selectors
import socket
from typing import TYPE_CHECKING, Final, cast

from mypy_extensions import i64

from hognose.commands.context import Context
from hognose.server.connection import Connection
from hognose.server.dispatch import BUSY
from hognose.server.listeners import Listening

if TYPE_CHECKING:
    from hognose.server.server import Server

INTERVAL_US: Final = 5000
"""Clients are looked after this often."""
READ_BYTES: Final = 65536
MOST_ACCEPTED: Final = 100
"""Connections accepted at a time."""


class DirectTransport:
    """Sends past the event loop: the part of asyncio's transports that connections use.

    Args:
        sock: Of a connection the loop does not know yet; None for others.
        transport: The loop's own for the connection, which gets what the socket does not take at once; or None.

    Attributes:
        rest: What the socket did not take at once, of a connection the loop does not know yet.
    """

    def __init__(self, fd: int, sock: socket.socket | None, transport: asyncio.Transport | None) -> None:
        self._fd: Final = fd
        self.sock: Final = sock
        self._transport: Final = transport
        self.rest = b""
        self._is_closed = False

    def write(self, data: bytes) -> None:
        """Sends, behind whatever waits to be sent."""
        if not self._is_closed and self.get_write_buffer_size() == 0:
            data = data[send_now(self._fd, data) :]
        if self._transport is None:
            self.rest += data
        elif data:
            self._transport.write(data)

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.close()
        elif self.sock is not None and not self._is_closed:
            self.sock.close()
        self._is_closed = True

    def abort(self) -> None:
        """Closes the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        self.close()

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._is_closed

    def get_write_buffer_size(self) -> int:
        """How much waits to be sent."""
        return len(self.rest) if self._transport is None else self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """What waits stays small: only errors and short answers are sent here."""

    def pause_reading(self) -> None:
        """Lets the loop's transport read no more; what has no transport yet is read by `BusyService` only."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """The opposite of `pause_reading`."""
        if self._transport is not None:
            self._transport.resume_reading()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """The socket and its two ends."""
        sock = self.sock
        if sock is None or self._is_closed:
            return default
        if name == "socket":
            return sock
        if name == "peername":
            return sock.getpeername()
        return sock.getsockname() if name == "sockname" else default


def send_now(fd: int, data: bytes) -> int:
    """How many bytes a socket has taken at once."""
    try:
        return os.write(fd, data)
    except OSError:
        return 0


class BusyService:
    """Looks after the clients of one server while a script runs.

    Attributes:
        accepted: The connections that came meanwhile.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._selector: selectors.BaseSelector | None = None
        self._next_us: i64 = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted: list[Connection] = []

    def begin(self, caller: Context) -> None:
        """A script has run too long. O(clients).

        Args:
            caller: Whose script it is; it is not listened to.
        """
        server = self._server
        server.dispatcher.attention |= BUSY
        self._selector = selectors.DefaultSelector()
        lifecycle = server.lifecycle
        if lifecycle is None:
            return
        listeners = lifecycle.listeners
        for listening in listeners.tcp + listeners.unix + listeners.tls:
            self._watch(listening.sock.fileno(), listening)
        for connection in server.clients.values():
            if connection is not caller and connection.transport is not None:
                self._watch(int(connection.fd), connection)

    def _watch(self, fd: int, what: object) -> None:
        selector = self._selector
        if selector is None or fd < 0:
            return
        try:
            selector.register(fd, selectors.EVENT_READ, what)
        except (OSError, ValueError, KeyError):
            return  # closed in the meantime

    def serve(self) -> None:
        """Answers whoever has sent something. Returns at once if it was called a moment ago."""
        selector = self._selector
        server = self._server
        now_us = server.clock.read()
        if selector is None or now_us < self._next_us:
            return
        held = server.holds_replies
        server.holds_replies = False  # what is answered here tells of no change
        for key, _ in selector.select(0):
            if isinstance(key.data, Connection):
                self._read(key.data, key.fd)
            elif isinstance(key.data, Listening):
                self._accept(key.data)
        server.holds_replies = held
        self._next_us = server.clock.read() + INTERVAL_US

    def _read(self, connection: Connection, fd: int) -> None:
        """Serves one client."""
        selector = self._selector
        assert selector is not None
        transport = connection.transport
        if connection.closed or transport is None:
            selector.unregister(fd)
            return
        if connection.stalled or connection.in_pass:
            return
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            selector.unregister(fd)  # the loop finds the end of the connection itself
            if connection in self.accepted:
                connection.disconnect()
            return
        if connection in self.accepted:
            connection.data_received(data)
            return
        connection.use_transport(cast("asyncio.Transport", DirectTransport(fd, None, transport)))
        connection.data_received(data)
        if connection.transport is not None:
            connection.use_transport(transport)

    def _accept(self, listening: Listening) -> None:
        """Takes in new clients."""
        for _ in range(MOST_ACCEPTED):
            try:
                sock, _ = listening.sock.accept()
            except OSError:
                return
            sock.setblocking(False)
            connection = self._connection_for(listening)
            self.accepted.append(connection)
            transport = DirectTransport(sock.fileno(), sock, None)
            connection.connection_made(cast("asyncio.Transport", transport))
            if not connection.closed:
                self._watch(sock.fileno(), connection)

    def _connection_for(self, listening: Listening) -> Connection:
        server = self._server
        if listening.sock.family == socket.AF_UNIX:
            return server.new_unix_connection()
        assert server.lifecycle is not None
        return server.new_tls_connection() if listening in server.lifecycle.listeners.tls else server.new_connection()

    def end(self) -> None:
        """The script is over; the event loop takes over the clients that came meanwhile."""
        server = self._server
        server.dispatcher.attention &= ~BUSY
        selector = self._selector
        if selector is not None:
            selector.close()
        self._selector = None
        self._next_us = 0
        accepted = self.accepted
        self.accepted = []
        loop = server.loop
        for connection in accepted:
            if not connection.closed and loop is not None:
                task = loop.create_task(hand_over(loop, connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)


async def hand_over(loop: asyncio.AbstractEventLoop, connection: Connection) -> None:
    """Gives a connection to the event loop."""
    direct = cast("DirectTransport", connection.transport)
    assert direct.sock is not None
    protocol = cast("asyncio.BaseProtocol", connection)
    await loop.connect_accepted_socket(lambda: protocol, direct.sock)
    if direct.rest and connection.transport is not None:
        connection.transport.write(direct.rest)
