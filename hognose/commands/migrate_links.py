"""The connections over which MIGRATE sends keys: opened once, kept for the next command, closed when idle.

They block: the server does nothing else until the other one has answered or the time is over, as in Redis, so that no
client sees a key on both servers or on none.
"""

import socket
from typing import Final

from mypy_extensions import i64

KEPT_MS: Final = 10_000
"""So long unused connections are kept."""
MOST_KEPT: Final = 64
READ_BYTES: Final = 64 * 1024
UNKNOWN_DB: Final = -1


class MigrateLink:
    """A connection to another server.

    Attributes:
        db_index: The database selected there; UNKNOWN_DB if that is not known.
        used_ms: When it was used last, Unix ms.
    """

    def __init__(self, link: socket.socket) -> None:
        self._socket: Final = link
        import hiredis  # noqa: PLC0415 - takes time that would be the start's

        self._reader: Final = hiredis.Reader(notEnoughData=Ellipsis)
        self.db_index: i64 = UNKNOWN_DB
        self.used_ms: i64 = 0

    def send(self, request: bytes, timeout_s: float) -> None:
        """Sends bytes.

        Raises:
            OSError: That failed, or took too long.
        """
        self._socket.settimeout(timeout_s)
        self._socket.sendall(request)

    def receive_error(self, timeout_s: float) -> str | None:
        """Waits for one reply; returns its text if it is an error.

        Raises:
            OSError: None came in time, or what came is none.
        """
        import hiredis  # noqa: PLC0415 - as above

        self._socket.settimeout(timeout_s)
        while True:
            try:
                reply: object = self._reader.gets()
            except hiredis.ProtocolError as error:
                raise OSError(str(error)) from error
            if reply is not Ellipsis:
                return str(reply) if isinstance(reply, hiredis.ReplyError) else None
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise ConnectionResetError("the other server has closed the connection")
            self._reader.feed(data)

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()


class MigrateLinks:
    """The connections of one server."""

    def __init__(self) -> None:
        self._links: Final[dict[tuple[bytes, bytes], MigrateLink]] = {}

    def count(self) -> int:
        """How many are open."""
        return len(self._links)

    def get(self, host: bytes, port: bytes, timeout_s: float, now_ms: i64) -> MigrateLink:
        """The connection to a server, a new one if there is none.

        Raises:
            OSError: It cannot be reached in time.
        """
        link = self._links.get((host, port))
        if link is None:
            if len(self._links) >= MOST_KEPT:
                self.drop(*next(iter(self._links)))
            address = (host.decode("utf-8", "surrogateescape"), port_number(port))
            try:
                opened = socket.create_connection(address, timeout_s)
            except (UnicodeError, OverflowError) as error:  # a name or number that cannot be an address
                raise OSError(str(error)) from error
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = MigrateLink(opened)
            self._links[host, port] = link
        link.used_ms = now_ms
        return link

    def drop(self, host: bytes, port: bytes) -> None:
        """Closes the connection to a server, if there is one."""
        link = self._links.pop((host, port), None)
        if link is not None:
            link.close()

    def close_idle(self, now_ms: i64) -> None:
        """Closes the connections that nobody has used for long."""
        for address, link in list(self._links.items()):
            if now_ms - link.used_ms > KEPT_MS:
                self.drop(*address)

    def close(self) -> None:
        """Closes all connections."""
        for address in list(self._links):
            self.drop(*address)


def port_number(text: bytes) -> int:
    """A port as C reads it: the digits it begins with, 16 bits of them; 0, where nobody listens, without digits."""
    digits = text[: len(text) - len(text.lstrip(b"-0123456789"))]
    try:
        number = int(digits)
    except ValueError:
        return 0
    return number & 0xFFFF if number >= 0 else number
