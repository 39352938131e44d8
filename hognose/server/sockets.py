"""The sockets of clients: accepted, read from and written to as the poller tells.

    listening socket --accept--> ClientSocket <--connection_made, data_received--> Connection
                                      |
                                 what a slow client has yet to read

A write goes to the socket at once. What that does not take is kept here and sent when there is room. A client that
leaves `BACK_PRESSURE_BYTES` unread is not listened to until it has read three quarters of it: that keeps the server
alive where no output limit is configured. A pipeline that is written before it is read collects far less.

A socket that is closed during a command is gone for the client at once, and for the connection (`connection_lost`) when
no command of it runs any more.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.host import WARNING
from hognose.server.connection import Connection
from hognose.server.poller import READ, WRITE, Poller, Rounds
from hognose.server.transport import Transport

if TYPE_CHECKING:
    from hognose.server.server import Server

READ_BYTES: Final = 64 * 1024
"""Taken from a client at a time: the longest pass. The C library would map larger blocks anew for every read."""
SHORT_BYTES: Final = 400
"""As much is tried first of a client that has sent no more the last time: a block of this size costs nothing to get."""
SEND_BYTES: Final = 256 * 1024
"""Handed to the kernel at a time of what is kept; more would be copied for nothing when it does not fit."""
BACK_PRESSURE_BYTES: Final = 1 << 30

# The system calls themselves: methods of sockets do the same with a tuple of arguments.
_read: Final = os.read
_write: Final = os.write

MOST_ACCEPTED: Final = 100
"""Connections accepted from one listening socket at a time."""


class ClientSocket(Transport):
    """One client's socket."""

    def __init__(self, sockets: "ClientSockets", sock: socket.socket, peer: object, connection: Connection) -> None:
        super().__init__(sock.fileno(), peer, sock.getsockname())
        self._sockets: Final = sockets
        self._poller: Final = sockets.poller
        self._socket: Final = sock
        self._connection: Final = connection
        self._unsent: Final[list[bytes]] = []
        self._sent_of_first: i64 = 0
        self._short: BytesWriter | None = None  # short pieces that wait behind `_unsent`
        self._sends_little = True
        self._is_paused = False
        self._is_closing = False  # nothing more is read, and nothing more is written
        self._is_stalled = False

    def open(self) -> None:
        """Introduces the client, and listens to it from now on unless it was turned away."""
        self._connection.connection_made(self)
        self._watch()

    def is_in_use(self) -> bool:
        """Whether commands of the client are running."""
        return self._connection.in_pass

    def _watch(self) -> None:
        if self.fd >= 0:
            events = 0 if self._is_paused or self._is_closing else READ
            self._poller.watch(self, events | WRITE if self.unsent_bytes != 0 else events)

    # What the poller calls

    def on_readable(self) -> None:
        """Takes what has arrived. O(READ_BYTES)."""
        try:
            data = _read(self.fd, SHORT_BYTES) if self._sends_little else _read(self.fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        size: i64 = len(data)
        if size == 0:
            self._client_left()
            return
        if size == SHORT_BYTES and self._sends_little:
            data = self._read_on(data)
        elif size < SHORT_BYTES:
            self._sends_little = True
        try:
            self._connection.data_received(data)
        except BaseException:
            self.abort()
            raise

    def _read_on(self, start: bytes) -> bytes:
        """Reads what has come with a start that was all that was asked for."""
        self._sends_little = False
        try:
            return start + _read(self.fd, READ_BYTES - SHORT_BYTES)
        except OSError:
            return start  # there is no more; or there is an error, which the next read meets again

    def _client_left(self) -> None:
        """The client has closed its side: it gets what it has yet to read, if it still reads, and no more."""
        if self._connection.ends_with_held_replies():
            self.pause_reading()
            return
        self.close()
        if self.fd < 0:
            self._sockets.say_goodbyes()

    def on_writable(self) -> None:
        """Sends what was kept, as far as the socket takes it."""
        while self.unsent_bytes != 0:
            if not self._unsent:
                self._join_short()
            first = self._unsent[0]
            start = self._sent_of_first
            try:
                sent = _write(self.fd, memoryview(first)[start : start + SEND_BYTES])
            except BlockingIOError:
                break
            except OSError:
                self.abort()
                return
            self.unsent_bytes -= sent
            self._sent_of_first = start + sent
            if self._sent_of_first == len(first):
                del self._unsent[0]
                self._sent_of_first = 0
        if self._is_stalled and self.unsent_bytes <= BACK_PRESSURE_BYTES // 4:
            self._is_stalled = False
            self._connection.resume_writing()
        if self._is_closing and self.unsent_bytes == 0 and self.fd >= 0:
            self._end()
        else:
            self._watch()

    def _join_short(self) -> None:
        """Makes one piece of the short ones that wait, so that one call sends many."""
        if self._short is not None:
            self._unsent.append(self._short.getvalue())
            self._short = None

    # What the connection calls

    def write(self, data: bytes) -> None:
        """See `Transport`."""
        if self._is_closing or len(data) == 0:
            return
        sent = 0
        if self.unsent_bytes == 0:
            try:
                sent = _write(self.fd, data)
            except BlockingIOError:
                pass
            except OSError:
                self.abort()
                return
            if sent == len(data):
                return
        self._keep(data, sent)

    def _keep(self, data: bytes, sent: int) -> None:
        """Keeps the part of a piece that could not be sent."""
        if self.unsent_bytes == 0:
            self._unsent.append(data)
            self._sent_of_first = sent
        elif len(data) >= READ_BYTES:
            self._join_short()
            self._unsent.append(data)
        else:
            self._keep_short(data)
        self.unsent_bytes += len(data) - sent
        self._watch()
        if self.unsent_bytes > BACK_PRESSURE_BYTES and not self._is_stalled:
            self._is_stalled = True
            self._connection.pause_writing()

    def _keep_short(self, data: bytes) -> None:
        if self._short is None:
            self._short = BytesWriter()
        self._short.write(data)
        if len(self._short) >= READ_BYTES:
            self._join_short()

    def pause_reading(self) -> None:
        """See `Transport`."""
        self._is_paused = True
        self._watch()

    def resume_reading(self) -> None:
        """See `Transport`."""
        self._is_paused = False
        self._watch()

    def close(self) -> None:
        """See `Transport`."""
        if self._is_closing:
            return
        self._is_closing = True
        if self.unsent_bytes != 0:
            self._watch()
        else:
            self._end()

    def abort(self) -> None:
        """See `Transport`."""
        self._is_closing = True
        self._unsent.clear()
        self._short = None
        self.unsent_bytes = 0
        if self.fd >= 0:
            self._end()

    def _end(self) -> None:
        """Closes the socket; the connection hears of it when nothing of it runs."""
        self._poller.watch(self, 0)
        self._socket.close()
        self.fd = -1
        self._sockets.ended(self)

    def say_goodbye(self) -> None:
        """Tells the connection that it is lost."""
        self._connection.connection_lost()


class ClientSockets(Rounds):
    """All clients' sockets of a server.

    Replies, and what commands write to other clients (messages, invalidations), are sent at the end of a round, not
    after each client that was served in it: 50 publishers and 100 subscribers are 150 system calls, not 5,050, and a
    client that is woken for its first reply finds the others there. Nobody's next command is read before that.

    Attributes:
        poller: Watches them.
    """

    def __init__(self, server: "Server", loop: asyncio.AbstractEventLoop, poller: Poller) -> None:
        self.poller: Final = poller
        self._server: Final = server
        self._loop: Final = loop
        self._ended: list[ClientSocket] = []
        self._rounds: i64 = 0  # one, or more where a script that takes long has others served
        poller.rounds = self

    def begin_round(self) -> None:
        """See `Rounds`. Within another round, whoever was served in that one is answered first."""
        if self._rounds != 0:
            self._server.flush_replies()  # some of them may have stopped sending, and are closed when that is read
        self._rounds += 1
        self._server.in_round = True

    def end_round(self) -> None:
        """See `Rounds`."""
        self._rounds -= 1
        self._server.in_round = self._rounds != 0
        self._server.end_of_round()

    def accept(self, listening: socket.socket, make: Callable[[], Connection]) -> bool:
        """Takes in the clients that wait at a listening socket.

        Args:
            listening: The listening socket.
            make: Makes the object for a new connection.

        Returns:
            Whether the next ones can be accepted as well.
        """
        for _ in range(MOST_ACCEPTED):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:
                self._server.log(WARNING, f"Accepting client connection: {error.strerror}")
                return False
            accepted.setblocking(False)
            if accepted.family != socket.AF_UNIX:
                with contextlib.suppress(OSError):  # the client may be gone already
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ClientSocket(self, accepted, peer, make()).open()
        return True

    def ended(self, ended: ClientSocket) -> None:
        """A socket is closed; its connection is told in the loop's next turn, or before."""
        if not self._ended:
            self._loop.call_soon(self.say_goodbyes)
        self._ended.append(ended)

    def say_goodbyes(self) -> None:
        """Tells connections whose sockets are closed that they are lost, unless commands of them are running."""
        ended = self._ended
        self._ended = []
        for each in ended:
            if each.is_in_use():
                self.ended(each)
            else:
                each.say_goodbye()

    def serve(self) -> None:
        """Serves clients from within a callback of the event loop that takes long."""
        self.poller.serve()
        if self._ended:
            self.say_goodbyes()
