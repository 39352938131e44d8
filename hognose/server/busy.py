"""Serving clients while a script takes long: a small poll of the sockets between the script's instructions.

A script runs inside one callback of the event loop, so the loop cannot serve anybody until it is over. Once it has run
for longer than busy-reply-threshold, the hook that counts its instructions calls `serve` here: whoever has sent
something is read and answered, with BUSY or with what the few commands answer that are allowed then (SCRIPT KILL,
FUNCTION KILL, SHUTDOWN NOSAVE, AUTH, MULTI ...). So is whoever is about to connect or does so now (`arrivals`), because
who comes to end the script is usually new.

What it is not: a second event loop. Nothing blocks or waits here, and no timer runs.
"""

import asyncio
import os
import selectors
from typing import TYPE_CHECKING, Final, cast

from mypy_extensions import i64

from hognose.commands.context import Context
from hognose.server.connection import Connection
from hognose.server.direct_transport import DirectTransport
from hognose.server.dispatch import BUSY
from hognose.server.listeners import Listening

if TYPE_CHECKING:
    from hognose.server.server import Server

INTERVAL_US: Final = 5000
"""Clients are looked after this often."""
READ_BYTES: Final = 65536


class BusyService:
    """Looks after the clients of one server while a script runs."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._selector: selectors.BaseSelector | None = None
        self._next_us: i64 = 0

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
                key.data.accept()
        if server.lifecycle is not None:
            for connection in server.lifecycle.listeners.arrivals.meet():
                self._watch(int(connection.fd), connection)
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
        is_direct = isinstance(cast("object", transport), DirectTransport)
        if not data:
            selector.unregister(fd)  # the loop finds the end of the connection itself
            if is_direct:
                connection.disconnect()
            return
        if is_direct:
            connection.data_received(data)
            return
        connection.use_transport(cast("asyncio.Transport", DirectTransport(fd, None, transport)))
        connection.data_received(data)
        if connection.transport is not None:
            connection.use_transport(transport)

    def end(self) -> None:
        """The script is over; the event loop takes over."""
        self._server.dispatcher.attention &= ~BUSY
        selector = self._selector
        if selector is not None:
            selector.close()
        self._selector = None
        self._next_us = 0
