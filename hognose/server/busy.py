"""Serving clients while a script takes long, between the script's instructions.

A script runs inside one callback of the event loop, so the loop cannot serve anybody until it is over. Once it has run
for longer than busy-reply-threshold, the hook that counts its instructions calls `serve` here, which serves all sockets
as the loop would: whoever has sent something is read and answered, with BUSY or with what the few commands answer that
are allowed then (SCRIPT KILL, FUNCTION KILL, SHUTDOWN NOSAVE, AUTH, MULTI ...). New clients are accepted too, because
who comes to end the script is usually new.

What it is not: a second event loop. Nothing blocks or waits here, and no timer runs.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.context import Context
from hognose.server.connection import Connection
from hognose.server.dispatch import BUSY

if TYPE_CHECKING:
    from hognose.server.server import Server

INTERVAL_US: Final = 5000
"""Clients are looked after this often."""


class BusyService:
    """Looks after the clients of one server while a script runs."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._next_us: i64 = 0
        self._caller: Connection | None = None

    def begin(self, caller: Context) -> None:
        """A script has run too long. Waits for the disk if replies do.

        Args:
            caller: Whose script it is; nothing more is read from it until the script is over.
        """
        self._server.append_only.settle()  # from now on no reply has to wait: effects of scripts come at their end
        self._server.dispatcher.attention |= BUSY
        if isinstance(caller, Connection):
            self._caller = caller
            caller.pause_reading()

    def serve(self) -> None:
        """Answers whoever has sent something. Returns at once if it was called a moment ago."""
        lifecycle = self._server.lifecycle
        clock = self._server.clock
        if lifecycle is None or clock.read() < self._next_us:
            return
        lifecycle.sockets.serve()
        self._next_us = clock.read() + INTERVAL_US

    def end(self) -> None:
        """The script is over; the event loop takes over."""
        self._server.dispatcher.attention &= ~BUSY
        self._next_us = 0
        if self._caller is not None:
            self._caller.resume_reading()
            self._caller = None
