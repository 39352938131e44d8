"""New connections: from a listening socket to the event loop's transport.

    accepted        here, when the loop finds the listening socket readable
    arriving        until the loop has made a transport of the socket, one or two of its turns later
    served          `Connection.connection_made` was called

The loop could accept by itself, but then nobody could tell which connections are arriving. A script that begins in just
that moment runs inside one of the loop's callbacks, and whoever arrives has to be told that it is busy, and may be the
one who has come to end it: `busy` looks for them here.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from hognose.commands.host import WARNING
from hognose.server.connection import Connection
from hognose.server.direct_transport import DirectTransport

if TYPE_CHECKING:
    from hognose.server.server import Server

MOST_ACCEPTED: Final = 100
"""Connections accepted from one socket at a time."""
PAUSE_SECONDS: Final = 0.1
"""How long a listening socket is left alone of which nothing can be accepted, as when there are no descriptors left."""


class Arrivals:
    """The connections of a server that its event loop does not serve yet."""

    def __init__(self, server: "Server", loop: asyncio.AbstractEventLoop) -> None:
        self._server: Final = server
        self._loop: Final = loop
        self._arriving: dict[Connection, socket.socket] = {}
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    def accept(self, sock: socket.socket, make: Callable[[], Connection]) -> bool:
        """Takes in the clients that wait at a listening socket.

        Args:
            sock: The listening socket.
            make: Makes the object for a new connection.

        Returns:
            Whether the next ones can be accepted as well.
        """
        for _ in range(MOST_ACCEPTED):
            try:
                accepted, _ = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:
                self._server.log(WARNING, f"Accepting client connection: {error.strerror}")
                return False
            accepted.setblocking(False)
            connection = make()
            self._arriving[connection] = accepted
            task = self._loop.create_task(self._hand_over(connection, accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    async def _hand_over(self, connection: Connection, sock: socket.socket) -> None:
        """Gives a connection to the event loop."""
        protocol = cast("asyncio.BaseProtocol", connection)
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, sock)
        except OSError:
            sock.close()
            connection.connection_lost(None)
        finally:
            self._arriving.pop(connection, None)

    def meet(self) -> list[Connection]:
        """Serves those who arrive past the event loop until it has them. O(arriving).

        Returns:
            Those that were not served yet.
        """
        met: list[Connection] = []
        arriving = self._arriving
        self._arriving = {}
        for connection, sock in arriving.items():
            if connection.transport is None and not connection.closed:
                transport = DirectTransport(sock.fileno(), sock, None)
                connection.connection_made(cast("asyncio.Transport", transport))
                met.append(connection)
        return met

    def close(self) -> None:
        """Turns away whoever is arriving: `Connection.connection_made` closes what is closed already."""
        for connection in self._arriving:
            connection.closed = True
