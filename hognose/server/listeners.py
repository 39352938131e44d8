"""The listening sockets: made from `bind`, `port`, `tls-port` and `unixsocket`, anew when CONFIG SET changes those.

A socket is bound and listens at once, so a failure shows where it belongs: at start-up or in the reply to CONFIG SET.
Connections wait in the kernel's queue until the event loop's next turn; what becomes of them then is in `sockets`.

`*` stands for all addresses, `::*` for all of IPv6, and a leading `-` lets an address be missing on this machine. What
accepted connections need (keepalive) is set on the listening socket, from which the kernel hands it down.
"""

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hognose.commands.host import NOTICE, WARNING
from hognose.server import tls
from hognose.server.connection import Connection
from hognose.server.poller import READ, Watched
from hognose.server.sockets import ClientSockets

if TYPE_CHECKING:
    from hognose.server.server import Server

PORT_FAILED: Final = "Unable to listen on this port. Check server logs."
BIND_FAILED: Final = "Failed to bind to specified addresses."

NO_SUCH_FAMILY: Final = frozenset(
    {errno.ENOPROTOOPT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EPFNOSUPPORT, errno.EAFNOSUPPORT}
)
"""This machine has no such protocol: that address is passed over, as if it had a `-`."""

SO_MARK: Final = 36
"""Linux' number of the socket option; Python has no name for it."""

KEEPALIVE_PROBES: Final = 3

PAUSE_SECONDS: Final = 0.1
"""How long a listening socket is left alone of which nothing can be accepted, as when there are no descriptors left."""


class ListenError(Exception):
    """Some address cannot be listened on; the text says which and why, and so does the log."""


class Listening(Watched):
    """One listening socket.

    Args:
        sock: Bound and listening.
        sockets: Where its clients go.
        make: Makes the object for a new connection.
        loop: Has timers.
    """

    def __init__(
        self,
        sock: socket.socket,
        sockets: ClientSockets,
        make: Callable[[], Connection],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(sock.fileno())
        self.sock: Final = sock
        self._sockets: Final = sockets
        self._make: Final = make
        self._loop: Final = loop
        self._pause: asyncio.TimerHandle | None = None
        self._listen()

    def _listen(self) -> None:
        self._pause = None
        self._sockets.poller.watch(self, READ)

    def on_readable(self) -> None:
        """Takes in the clients that are waiting."""
        if not self._sockets.accept(self.sock, self._make):
            self._sockets.poller.watch(self, 0)
            self._pause = self._loop.call_later(PAUSE_SECONDS, self._listen)

    def close(self) -> None:
        """Stops listening now; connections already accepted live on."""
        if self._pause is not None:
            self._pause.cancel()
        self._sockets.poller.watch(self, 0)
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Listeners:
    """All listening sockets of a server.

    Attributes:
        tcp, unix, tls: Those listening now.
        on_moved: Called when CONFIG SET has changed port or addresses.
    """

    def __init__(self, server: "Server", loop: asyncio.AbstractEventLoop, sockets: ClientSockets) -> None:
        self._server: Final = server
        self._loop: Final = loop
        self._sockets: Final = sockets
        self.tcp: list[Listening] = []
        self.unix: list[Listening] = []
        self.tls: list[Listening] = []
        self.on_moved: Callable[[], str] | None = None
        self._tcp_settings: tuple[int, tuple[str, ...]] = (0, ())
        self._tls_settings: tuple[int, tuple[str, ...]] = (0, ())
        self._unix_path = ""
        self._unix_inode = 0

    def open(self, any_port: bool = False) -> None:
        """Listens as the settings say.

        Args:
            any_port: Take a free port instead of the configured one, and write it to the settings.

        Raises:
            ListenError: Some address cannot be had; nothing listens then.
        """
        settings = self._server.settings
        try:
            self._open_tcp(any_port)
        except ListenError:
            self._server.log(WARNING, f"Failed listening on port {settings.port} (tcp), aborting.")
            raise
        try:
            self._open_unix()
        except ListenError:
            self._server.log(WARNING, "Failed listening on port 0 (unix), aborting.")
            self.close()
            raise
        try:
            self._open_tls()
        except ListenError:
            self._server.log(WARNING, f"Failed listening on port {settings.tls_port} (tls), aborting.")
            self.close()
            raise

    def close(self) -> None:
        """Stops listening, and removes the unix socket's file if it is still the one made here."""
        self._close_tcp()
        self._close_tls()
        for listening in self.unix:
            listening.close()
        self.unix = []
        if self._unix_path and _inode(self._unix_path) == self._unix_inode:
            self._server.log(NOTICE, "Removing the unix socket file.")
            Path(self._unix_path).unlink(missing_ok=True)
        self._unix_path = ""

    def apply_port(self) -> str:
        """Applier of `port`."""
        return self._reopen(PORT_FAILED)

    def apply_tls_port(self) -> str:
        """Applier of `tls-port`."""
        server = self._server
        if server.tls.server is None and server.tls.is_wanted() and not server.tls.configure():
            return tls.UPDATE_FAILED
        return self._reopen(PORT_FAILED)

    def apply_bind(self) -> str:
        """Applier of `bind`, which holds for TLS as well."""
        return self._reopen(BIND_FAILED)

    def _reopen(self, failure: str) -> str:
        """Closes what is not where the settings want it, and opens it there."""
        settings = self._server.settings
        has_tcp_moved = not self.tcp or self._tcp_settings != (settings.port, settings.bind)
        has_tls_moved = self._tls_settings != (settings.tls_port, settings.bind)
        # Both are closed first: they may exchange their ports.
        if has_tcp_moved:
            self._close_tcp()
        if has_tls_moved:
            self._close_tls()
        try:
            if has_tcp_moved:
                self._open_tcp(any_port=False)
            if has_tls_moved:
                self._open_tls()
        except ListenError:
            return failure
        if self.on_moved is not None and (has_tcp_moved or has_tls_moved):
            self.on_moved()
        return ""

    def apply_keepalive(self) -> str:
        """Applier of `tcp-keepalive`: for connections accepted from now on."""
        for listening in self.tcp + self.tls:
            set_keepalive(listening.sock, self._server.settings.tcp_keepalive)
        return ""

    # TCP

    def _close_tcp(self) -> None:
        for listening in self.tcp:
            listening.close()
        self.tcp = []

    def _open_tcp(self, any_port: bool) -> None:
        settings = self._server.settings
        opened = self._bind_all(0 if any_port else settings.port) if any_port or settings.port else []
        if any_port and opened:
            settings.port = opened[0].getsockname()[1]
        self._tcp_settings = (settings.port, settings.bind)
        self.tcp = [self._serve(sock, self._server.new_connection) for sock in opened]

    def _bind_all(self, port: int) -> list[socket.socket]:
        """Sockets on one port of all addresses; port 0 is any free one, the same for all."""
        opened: list[socket.socket] = []
        try:
            for address in self._server.settings.bind:
                sock = self._bind(address, port)
                if sock is not None:
                    port = sock.getsockname()[1]
                    opened.append(sock)
        except ListenError:
            for each in opened:
                each.close()
            raise
        return opened

    def _serve(self, sock: socket.socket, make: Callable[[], Connection]) -> Listening:
        return Listening(sock, self._sockets, make, self._loop)

    def _bind(self, address: str, port: int) -> socket.socket | None:
        """A socket that listens on an address; None for an address that is passed over."""
        host = address.removeprefix("-")
        settings = self._server.settings
        try:
            return listen_tcp(host, port, settings.tcp_backlog, settings.tcp_keepalive, settings.socket_mark_id)
        except OSError as error:
            reason = error.strerror or str(error)
            text = f"Could not create server TCP listening socket {host}:{port}: bind: {reason}"
            self._server.log(WARNING, text)
            is_optional = address.startswith("-") and error.errno == errno.EADDRNOTAVAIL
            if is_optional or error.errno in NO_SUCH_FAMILY:
                return None
            raise ListenError(text) from error

    # TLS

    def _close_tls(self) -> None:
        for listening in self.tls:
            listening.close()
        self.tls = []
        self._tls_settings = (0, ())

    def _open_tls(self) -> None:
        settings = self._server.settings
        if settings.tls_port != 0:
            opened = self._bind_all(settings.tls_port)
            self.tls = [self._serve(sock, self._server.new_tls_connection) for sock in opened]
        self._tls_settings = (settings.tls_port, settings.bind)

    # Unix

    def _open_unix(self) -> None:
        settings = self._server.settings
        path = settings.unixsocket
        if not path:
            return
        try:
            sock = listen_unix(path, settings.unixsocketperm, settings.tcp_backlog)
        except OSError as error:
            text = f"Failed opening Unix socket: {error.strerror or error}"
            self._server.log(WARNING, text)
            raise ListenError(text) from error
        self._unix_path = str(Path(path).absolute())
        self._unix_inode = _inode(path)
        self.unix.append(self._serve(sock, self._server.new_unix_connection))


def _inode(path: str) -> int:
    """The inode of a socket's file; 0 where there is no such file."""
    try:
        return Path(path).stat().st_ino
    except OSError:
        return 0


def listen_tcp(host: str, port: int, backlog: int, keepalive_seconds: int, mark: int = 0) -> socket.socket:
    """A socket listening on one TCP address.

    Args:
        host: An address or name; `*` for all of IPv4, `::*` for all of IPv6.
        port: 0 for any free one.
        backlog: Connections the kernel may queue.
        keepalive_seconds: See `set_keepalive`.
        mark: SO_MARK; 0 for none.

    Raises:
        OSError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    node = None if host in ("*", "::*") else host
    try:
        found = socket.getaddrinfo(node, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    except socket.gaierror as error:
        # No name of an address at all, which a dash before it does not excuse.
        raise OSError(errno.ENOENT, error.strerror) from error
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if mark:
            sock.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        set_keepalive(sock, keepalive_seconds)
        sock.setblocking(False)
        sock.bind(found[0][4])
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def listen_unix(path: str, permissions: int, backlog: int) -> socket.socket:
    """A socket listening on a path. A socket file left behind there is replaced, any other file is not.

    Args:
        path: Of the socket's file.
        permissions: Of that file; 0 keeps what umask gives.
        backlog: Connections the kernel may queue.

    Raises:
        OSError: The path cannot be had.
    """
    place = Path(path)
    if place.exists() and stat.S_ISSOCK(place.stat().st_mode):
        place.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(path)
        sock.listen(backlog)
        if permissions:
            os.chmod(path, permissions)  # noqa: PTH101 - beside `bind`, which takes a string
    except OSError:
        sock.close()
        raise
    return sock


def set_keepalive(sock: socket.socket, seconds: int) -> None:
    """Lets the kernel probe idle connections.

    Args:
        sock: A connection, or a listening socket, whose connections inherit the setting.
        seconds: Idle time before the first probe; the others follow at a third of it. 0 turns probing off.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1 if seconds > 0 else 0)
    if seconds > 0 and hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // 3))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
