"""A server on an event loop: listening, ticking, stopping. What the command line and `hognose.Server` have in common.

    start       sockets listen, the cron ticks; from the loop's next turn on clients are served
    stopping    SHUTDOWN or a signal: whoever has something to finish is asked, and may refuse
    stop        sockets and clients are closed

The process around it (signals, files, the log's banner) is the business of `run`; threads are that of `embedded`.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from hognose.commands.host import WARNING
from hognose.config.directives.process import SHUTDOWN_FORCE
from hognose.server import tls
from hognose.server.listeners import ListenError, Listeners
from hognose.server.loops import new_poller
from hognose.server.sockets import ClientSockets

if TYPE_CHECKING:
    from hognose.server.server import Server


@mypyc_attr(allow_interpreted_subclasses=True)
class ShutdownStep:
    """Something another part of the server has to finish before the end, such as the last snapshot."""

    def finish(self, options: int) -> str:
        """Finishes.

        Args:
            options: SHUTDOWN_* bits.

        Returns:
            Why the server must not stop, or the empty string.
        """
        raise NotImplementedError


class Lifecycle:
    """Start and end of one server.

    Attributes:
        sockets: Those of clients.
        listeners: The server's listening sockets.
        steps: What is finished before the end, in this order.
    """

    def __init__(self, server: "Server", loop: asyncio.AbstractEventLoop) -> None:
        self._server: Final = server
        self._loop: Final = loop
        self.sockets: Final = ClientSockets(server, loop, new_poller(loop))
        self.listeners: Final = Listeners(server, loop, self.sockets)
        self.steps: Final[list[ShutdownStep]] = []
        self._on_stopping: Callable[[], None] | None = None
        self._is_stopping = False
        server.loop = loop
        server.lifecycle = self

    def start(self, any_port: bool = False) -> None:
        """Listens and ticks from now on.

        Args:
            any_port: Take a free TCP port instead of the configured one.

        Raises:
            ListenError: An address cannot be had, or TLS is configured wrongly.
        """
        server = self._server
        if server.tls.is_wanted() and not server.tls.configure():
            server.log(WARNING, tls.START_FAILED)
            raise ListenError(tls.START_FAILED)
        self.listeners.open(any_port)
        config = server.config
        config.on_change("port", self.listeners.apply_port)
        config.on_change("tls-port", self.listeners.apply_tls_port)
        config.on_change("tls-auth-clients", server.tls.apply_auth_clients)
        for name in tls.DIRECTIVES:
            config.on_change(name, server.tls.apply)
        config.on_change("bind", self.listeners.apply_bind)
        config.on_change("tcp-keepalive", self.listeners.apply_keepalive)
        server.cron.start(self._loop)

    def listens(self) -> list[str]:
        """The sorts of sockets clients can come by: `tcp`, `unix`, `tls`."""
        listeners = self.listeners
        sorts = (("tcp", listeners.tcp), ("unix", listeners.unix), ("tls", listeners.tls))
        return [name for name, sockets in sorts if sockets]

    def when_stopping(self, action: Callable[[], None]) -> None:
        """Has an action run when the server begins to stop for good."""
        self._on_stopping = action

    def request_stop(self, options: int) -> str | None:
        """Stops the server, and with it the event loop's `run_forever`.

        Args:
            options: SHUTDOWN_* bits.

        Returns:
            Why it goes on instead, or None.
        """
        for step in self.steps:
            reason = step.finish(options)
            if reason and options & SHUTDOWN_FORCE == 0:
                self._server.log(WARNING, f"{reason}, can't exit.")
                return reason
            if reason:
                self._server.log(WARNING, f"{reason}. Exit anyway.")
        self._is_stopping = True
        if self._on_stopping is not None:
            self._on_stopping()
        self._server.cron.stop()
        self.listeners.close()
        self._loop.call_soon(self._loop.stop)
        return None

    def is_stopping(self) -> bool:
        """Whether `request_stop` has succeeded."""
        return self._is_stopping

    def stop(self) -> None:
        """Closes sockets and clients at once, without asking anybody."""
        self._is_stopping = True
        self._server.cron.stop()
        self.listeners.close()
        self._server.migrate_links.close()
        for connection in list(self._server.clients.values()):
            connection.flush()
            connection.close()

    def abort_clients(self) -> None:
        """Drops the clients that `stop` could not close because they do not read. Nobody can be served any more."""
        for connection in list(self._server.clients.values()):
            connection.abort()
        self.sockets.say_goodbyes()
        self.sockets.poller.close()
