"""A client's connection over TLS: records from the socket to commands, replies to records.

        socket --records--> incoming --+            +--> data_received of the plain connection
                                       | SSLObject  |
        socket <--records-- outgoing --+            +<-- its replies

OpenSSL works between two memory buffers and never touches the socket, so both event loops behave alike, and what the
client leaves unread is counted where it is for everybody else: in the socket's own buffer.

The client is registered when it connects, so that handshakes count against `maxclients`, and welcome once its handshake
is over. One that fails is counted, logged and closed.
"""

import contextlib
import ssl
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.context import CLOSE_AFTER_REPLY
from hognose.commands.host import WARNING
from hognose.server.connection import Connection
from hognose.server.tls import describe
from hognose.server.transport import Transport

if TYPE_CHECKING:
    from hognose.server.server import Server

RECORD_BYTES: Final = 16 * 1024
"""The most one TLS record carries."""
TLS_STATE_BYTES: Final = 31_500
"""What a connection weighs more over TLS; measured with OpenSSL 3.0."""
WRITE_BYTES: Final = 16 * RECORD_BYTES
"""So much is encrypted at a time, so that a large reply does not exist three times at once."""


class TlsConnection(Connection):
    """A client connected over TLS."""

    def __init__(self, server: "Server", client_id: i64) -> None:
        super().__init__(server, client_id)
        self._incoming: Final = ssl.MemoryBIO()
        self._outgoing: Final = ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._shakes_hands = True
        self._has_ended = False

    def connection_made(self, transport: Transport) -> None:
        """The client is there; its handshake comes next."""
        context = self.server.tls.server
        assert context is not None, "listening for TLS without a context"
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        super().connection_made(transport)

    def transport_bytes(self) -> i64:
        """The state of TLS."""
        return TLS_STATE_BYTES

    def is_shaking_hands(self) -> bool:
        """Whether the handshake is still going on."""
        return self._shakes_hands

    def data_received(self, data: bytes) -> None:
        """Records have arrived, or parts of them."""
        if self.closed:
            return
        self._incoming.write(data)
        if self._shakes_hands and not self._shake_hands():
            return
        plain = self._decrypt()
        self._send_records()
        if plain:
            super().data_received(plain)
        if self._has_ended and not self.closed:
            self.flags |= CLOSE_AFTER_REPLY
            self.flush()

    def _shake_hands(self) -> bool:
        """Goes on with the handshake; whether it is over and the client is served."""
        tls = self._tls
        assert tls is not None
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send_records()
            return False
        except ssl.SSLError as error:
            self._send_records()  # the alert that tells the client why
            self._refuse(error)
            return False
        self._shakes_hands = False
        self._send_records()
        self.server.welcome(self)
        return not self.closed

    def _refuse(self, error: ssl.SSLError) -> None:
        server = self.server
        server.tls.refused += 1
        ends = f"addr={self.peer.decode()} laddr={self.local.decode()}"
        server.log(WARNING, f"Error accepting a client connection: {describe(error)} ({ends})")
        self.close()

    def _decrypt(self) -> bytes:
        """What the client has said in the records that are complete."""
        tls = self._tls
        assert tls is not None
        chunks: list[bytes] = []
        try:
            while self._incoming.pending or tls.pending():
                chunk = tls.read(RECORD_BYTES)
                if not chunk:
                    self._has_ended = True
                    break
                chunks.append(chunk)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            # The client has said goodbye, or sends what is no TLS. Complete commands before that still run.
            self._has_ended = True
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def transmit(self, transport: Transport, data: bytes) -> None:
        """Encrypts and sends output; before the end of the handshake there is no way to, and it is dropped.

        Nor is there one after the client has sent what is no TLS: it is disconnected then.
        """
        tls = self._tls
        assert tls is not None
        if self._shakes_hands:
            return
        start = 0
        while start < len(data):
            try:
                tls.write(data[start : start + WRITE_BYTES])
            except ssl.SSLError:
                self.abort()
                return
            self._send_records()
            start += WRITE_BYTES

    def _send_records(self) -> None:
        """Hands what OpenSSL has to say to the socket."""
        transport = self.transport
        if self._outgoing.pending and transport is not None:
            transport.write(self._outgoing.read())

    def close(self) -> None:
        """Says goodbye, and closes after what is already handed to the socket is sent."""
        tls = self._tls
        if tls is not None and not self._shakes_hands and not self.closed:
            with contextlib.suppress(ssl.SSLError):  # The client's own goodbye is not waited for.
                tls.unwrap()
            self._send_records()
        super().close()
