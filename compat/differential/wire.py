"""RESP as bytes: finds where a reply ends, and what it is made of, without deciding what it means.

    reply     one line for the kinds + - : _ , # (        "+OK"
              line and payload for $ = !                  "$3 abc"
              line and that many replies for * ~ >        "*2 ..."
              line and twice as many for % |              "%1 ..."

Both protocol versions are read alike: a RESP2 server just never sends the newer kinds.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

LINE_KINDS: Final = b"+-:_,#("
PAYLOAD_KINDS: Final = b"$=!"
AGGREGATE_KINDS: Final = b"*~>%|"
PAIRED_KINDS: Final = b"%|"

_READ_BYTES: Final = 1 << 16


class WireError(Exception):
    """A server sent what is no RESP, closed the connection, or sent nothing in time."""


@dataclass(frozen=True)
class Node:
    """One reply as it stood on the wire.

    Attributes:
        kind: Its first byte.
        text: Its line without the kind, or its payload; None for null bulks and null arrays.
        items: What an aggregate holds; keys and values in turn for maps.
    """

    kind: bytes
    text: bytes | None
    items: tuple["Node", ...] = ()


class Link:
    """A connection that pipelines commands and hands out the raw bytes of each reply.

    Args:
        host: Where the server listens.
        port: Its port.
        resp: 2 or 3; for 3 the connection says HELLO 3 first.
        timeout: Seconds without a byte after which a reply is given up.
    """

    def __init__(self, host: str, port: int, resp: int = 2, timeout: float = 20.0) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self.resp = resp
        if resp == 3:
            reply = self.ask([b"HELLO", b"3"])
            if not reply.startswith(b"%"):
                raise WireError(f"HELLO 3 answered {reply[:200]!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def send(self, commands: Iterable[list[bytes]]) -> None:
        """Sends commands without waiting for replies."""
        self._socket.sendall(b"".join(map(pack, commands)))

    def ask(self, argv: list[bytes]) -> bytes:
        """Sends one command and returns the raw bytes of its reply."""
        self.send([argv])
        return self.reply()

    def reply(self) -> bytes:
        """The raw bytes of the next reply.

        Raises:
            WireError: The connection ended, or nothing came in time.
        """
        while True:
            end = reply_end(self._buffer, 0)
            if end >= 0:
                raw = bytes(self._buffer[:end])
                del self._buffer[:end]
                return raw
            try:
                data = self._socket.recv(_READ_BYTES)
            except OSError as error:
                raise WireError(f"no reply: {error}") from None
            if not data:
                raise WireError("the server closed the connection")
            self._buffer += data


def pack(argv: list[bytes]) -> bytes:
    """A command in wire form."""
    return b"*%d\r\n" % len(argv) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in argv])


def reply_end(data: bytes | bytearray, start: int) -> int:
    """Where the reply that begins at `start` ends; -1 if it is not all there.

    Raises:
        WireError: No reply begins like that.
    """
    pending = 1
    at = start
    while pending:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return -1
        kind = data[at]
        after = line_end + 2
        pending -= 1
        if kind in PAYLOAD_KINDS:
            size = int(data[at + 1 : line_end])
            after += size + 2 if size >= 0 else 0
        elif kind in AGGREGATE_KINDS:
            count = max(int(data[at + 1 : line_end]), 0)
            pending += count * 2 if kind in PAIRED_KINDS else count
        elif kind not in LINE_KINDS:
            raise WireError(f"no reply begins with {bytes(data[at : at + 40])!r}")
        if after > len(data):
            return -1
        at = after
    return at


def parse(raw: bytes) -> Node:
    """The tree of one complete reply."""
    return _parse(raw, 0)[0]


def _parse(raw: bytes, at: int) -> tuple[Node, int]:
    line_end = raw.index(b"\r\n", at)
    kind = raw[at : at + 1]
    line = raw[at + 1 : line_end]
    after = line_end + 2
    if kind in PAYLOAD_KINDS:
        size = int(line)
        if size < 0:
            return Node(kind, None), after
        return Node(kind, raw[after : after + size]), after + size + 2
    if kind not in AGGREGATE_KINDS:
        return Node(kind, line), after
    count = int(line)
    if count < 0:
        return Node(kind, None), after
    items: list[Node] = []
    for _ in range(count * 2 if kind in PAIRED_KINDS else count):
        item, after = _parse(raw, after)
        items.append(item)
    return Node(kind, line, tuple(items)), after
