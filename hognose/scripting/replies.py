"""Reading a reply that a command has written in wire form, for scripts, which want values.

Only what our own `resp.reply` writes comes here; it is the other side of that.
"""

from typing import Final

from mypy_extensions import i64

from hognose.resp.reply import NULL_ARRAY, BigNumber, ErrorReply, MapReply, SetReply, Simple, Verbatim

LINE_END: Final = b"\r\n"


class Decoder:
    """Reads one reply.

    Args:
        data: RESP2 or RESP3.
    """

    def __init__(self, data: bytes) -> None:
        self._data: Final = data
        self._at: i64 = 0

    def read(self) -> object:
        """The next value. O(N)."""
        kind = self._data[self._at : self._at + 1]
        text = self._line()
        if kind == b"+":
            return Simple(text)
        if kind == b"-":
            return ErrorReply(text.decode("utf-8", "surrogateescape"))
        if kind == b":":
            return int(text)
        if kind == b"_":
            return None
        if kind == b"#":
            return text == b"t"
        if kind == b",":
            return float(text)
        if kind == b"(":
            return BigNumber(text)
        return self._sized(kind, int(text))

    def _line(self) -> bytes:
        end: i64 = self._data.index(LINE_END, self._at)
        text = self._data[self._at + 1 : end]
        self._at = end + 2
        return text

    def _sized(self, kind: bytes, size: int) -> object:
        """What has a length."""
        if kind in {b"$", b"="}:
            if size < 0:
                return None
            text = self._data[self._at : self._at + size]
            self._at += size + 2
            return text if kind == b"$" else Verbatim(text[4:], text[:3])
        if size < 0:
            return NULL_ARRAY
        items = [self.read() for _ in range(size * 2 if kind == b"%" else size)]
        if kind == b"%":
            return MapReply(items)
        return SetReply(items) if kind == b"~" else items


def decode(data: bytes) -> object:
    """The value of a reply in wire form."""
    return Decoder(data).read()
