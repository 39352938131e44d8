"""Large values in a snapshot that is written in slices: part by part, as they were when their turn came.

    value                      kept as it was by
    hash, set, sorted set      copying each segment before it first changes (`large_tables`)
    list                       noting nodes before they first change (`large_lists`)
    stream                     noting each block and pending entry before it first changes (`large_streams`)
    string in one piece        itself: `bytes` never change
    string changed in place,   copying each page before it first changes (`large_pages`)
    probabilistic types

Where a value holds a string longer than LONG_BYTES (an element, a node, or the string itself), that stands in the file
as it is, not compressed, and is written in pieces: a run of the compressor cannot be interrupted.

Here are the base of all, strings in one piece and what is kept as bytes; see `large_tables`, `large_lists`,
`large_streams` and `large_pages` for the rest.
"""

from typing import Final

from librt.time import time
from mypy_extensions import i64

from hognose.persistence.rdb_sink import CHUNK_BYTES, RdbSink

LONG_BYTES: Final = 1 << 17
"""A longer string is written in pieces, as it is: compressing this many bytes takes about a millisecond."""
PIECE_BYTES: Final = 1 << 16
PART_BYTES: Final = 1 << 13
"""About how much is written between two looks at the clock."""
ELEMENT_BYTES: Final = 256
"""What an element counts for beside its bytes: a part has 32 small ones at most."""


class Notes:
    """What the values of one snapshot that are not written yet occupy in notes.

    Attributes:
        used_bytes: That.
    """

    def __init__(self) -> None:
        self.used_bytes: i64 = 0


class LargeValue:
    """A value as it was, to be written in parts.

    Args:
        database: The index of its database; below 0 if what it writes says that itself.
        head: What stands before its content: deadline, usage, type, key.

    Attributes:
        told_of: The value, if this has to be told of what becomes of it; None if it finds out by itself.
    """

    def __init__(self, database: i64, head: bytes) -> None:
        self.database: Final[i64] = database
        self.told_of: object | None = None
        self._head: Final = head
        self._long: list[bytes] = []  # strings that are written in pieces, and what stands between them
        self._long_at: i64 = 0
        self._behind: RdbSink = RdbSink(None)  # what follows them
        self._room: i64 = 0  # left in this part
        self._has_begun = False
        self._has_ended = False

    def let_go(self) -> None:
        """The value's key is about to be changed or removed, perhaps not for the first time."""

    def about_to_overwrite(self, start: i64, stop: i64) -> None:
        """Bytes of a string from `start` up to `stop` are about to change in place."""

    def close(self) -> None:
        """It is written, or will not be."""

    def write_part(self, sink: RdbSink) -> bool:
        """Writes about as much as there is `_room` for, with `text` and `target`; whether there is more."""
        raise NotImplementedError

    def target(self, sink: RdbSink) -> RdbSink:
        """Where whatever comes next is to be written. O(1)."""
        return self._behind if self._long else sink

    def text(self, sink: RdbSink, text: bytes) -> None:
        """Writes a string, or has it written in pieces."""
        target = self.target(sink)
        size: i64 = len(text)
        self._room -= size + ELEMENT_BYTES
        if size <= LONG_BYTES:
            target.string(text)
            return
        target.length(size)
        self.pieces(text)

    def pieces(self, data: bytes) -> None:
        """Has bytes written in pieces, as they are."""
        self._room = 0
        if self._long:
            self._long.append(self._behind.getvalue())
            self._behind = RdbSink(None)
        self._long.append(data)

    def step(self, sink: RdbSink, until_us: i64) -> bool:
        """Goes on writing, one part at least, until a Unix time in microseconds or until a chunk is full.

        Returns:
            Whether everything is written.
        """
        if not self._has_begun:
            self._has_begun = True
            self.pieces(self._head)
        while True:
            if self._long:
                self._write_piece(sink)
            else:
                self._room = PART_BYTES
                self._has_ended = not self.write_part(sink)
            if self._has_ended and not self._long:
                return True
            if len(sink.out) >= CHUNK_BYTES or i64(time() * 1e6) >= until_us:
                return False

    def _write_piece(self, sink: RdbSink) -> None:
        data = self._long[0]
        at = self._long_at
        stop: i64 = min(at + PIECE_BYTES, len(data))
        sink.raw(data if stop - at == len(data) else data[at:stop])
        self._long_at = stop
        if stop == len(data):
            self._long.pop(0)
            self._long_at = 0
            if not self._long:
                sink.raw(self._behind.getvalue())
                self._behind.out.truncate(0)


class Text(LargeValue):
    """A string that never changes."""

    def __init__(self, database: i64, head: bytes, text: bytes) -> None:
        super().__init__(database, head)
        self._text: Final = text

    def write_part(self, sink: RdbSink) -> bool:
        self.text(sink, self._text)
        return False


class Pieces(LargeValue):
    """What is there as the bytes of the file already."""

    def __init__(self, database: i64, pieces: list[bytes]) -> None:
        super().__init__(database, b"")
        self._pieces: Final = pieces
        pieces.reverse()

    def write_part(self, sink: RdbSink) -> bool:
        if self._pieces:
            self.pieces(self._pieces.pop())
        return len(self._pieces) != 0
