"""What a connection sees of its socket. `sockets` has the real one; tests stand in others."""

from mypy_extensions import i64, mypyc_attr

from hognose.server.poller import Watched


@mypyc_attr(allow_interpreted_subclasses=True)
class Transport(Watched):
    """The way to one client.

    Attributes:
        peer, local: The two ends, as the socket module tells addresses: (host, port, ...) for TCP.
        unsent_bytes: What was written and waits for the client to read.
    """

    def __init__(self, fd: int, peer: object, local: object) -> None:
        super().__init__(fd)
        self.peer: object = peer
        self.local: object = local
        self.unsent_bytes: i64 = 0

    def write(self, data: bytes) -> None:
        """Sends, or keeps what the socket does not take at once. Ignored once it is closed."""
        raise NotImplementedError

    def pause_reading(self) -> None:
        """Takes nothing more from the client."""
        raise NotImplementedError

    def resume_reading(self) -> None:
        """The opposite of `pause_reading`."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes as soon as everything written is sent; reads no more. `connection_lost` follows, not at once."""
        raise NotImplementedError

    def abort(self) -> None:
        """Closes now; what is unsent is dropped. `connection_lost` follows, not at once."""
        raise NotImplementedError
