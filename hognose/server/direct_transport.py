"""Sending past the event loop: what connections write to while a script keeps the loop from running.

It is the part of asyncio's transports that connections use. The connection may have a transport of the loop's own, which
then gets what the socket does not take at once; or none yet, in which case the rest is kept for it.
"""

import asyncio
import contextlib
import os
import socket
from typing import Final


class DirectTransport:
    """Sends past the event loop.

    Args:
        fd: The connection's socket.
        sock: The same, of a connection the loop does not know yet; None for others.
        transport: The loop's own for the connection; None for one it does not know yet.

    Attributes:
        rest: What the socket did not take at once, of a connection the loop does not know yet.
    """

    def __init__(self, fd: int, sock: socket.socket | None, transport: asyncio.Transport | None) -> None:
        self._fd: Final = fd
        self._sock: Final = sock
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
        """Closes the connection when everything is sent. The loop closes the socket of one it does not know yet."""
        self._is_closed = True
        if self._transport is not None:
            self._transport.close()
        elif not self.rest:
            self._shut_down()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._is_closed = True
        self.rest = b""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._shut_down()

    def _shut_down(self) -> None:
        if self._sock is not None:
            with contextlib.suppress(OSError):  # the client was quicker
                self._sock.shutdown(socket.SHUT_RDWR)

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
        sock = self._sock
        if sock is None:
            return default
        if name == "socket":
            return sock
        try:
            if name == "peername":
                return sock.getpeername()
            return sock.getsockname() if name == "sockname" else default
        except OSError:  # gone already
            return default


def send_now(fd: int, data: bytes) -> int:
    """How many bytes a socket has taken at once."""
    try:
        return os.write(fd, data)
    except OSError:
        return 0
