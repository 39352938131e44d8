"""Bytes that commands change in place, in a snapshot that is written in slices: strings, and tables of filters.

    bytes now      [ page 0 ][ page 1 ][ page 2 ][ page 3 ][ page 4 ] appended since
    noted          |                              [ page 3, as it was ]
                   written | `_at`

Whoever is about to change bytes says which; the pages that these lie on, and that are not written yet, are copied
first. So a change costs a copy of the pages that it touches, once, whatever the size of the value. What is appended
concerns nobody: the file holds as many bytes as there were.
"""

from typing import Final, final

from mypy_extensions import i64

from hognose.datastructures.sketch import Sketch, TableWatcher
from hognose.persistence.large_values import PIECE_BYTES, LargeValue, Notes
from hognose.persistence.rdb_modules import END, STRING
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_sketches import write_sketch_head

PAGE_BYTES: Final = 1 << 12
"""Small, as one command on a filter may touch thousands of pages, each with one bit."""
NOTED_PAGE_BYTES: Final = 150
"""What a noted page weighs beside its bytes: their header, a place in a dict, its number."""


class PagesAsOf(TableWatcher):
    """Bytes as they were when this was made.

    Args:
        size: How many there were.
        notes: The account.
        page_bytes: What is copied at once.
        piece_bytes: What is read at once, a multiple of `page_bytes`.
    """

    def __init__(self, size: i64, notes: Notes, page_bytes: i64 = PAGE_BYTES, piece_bytes: i64 = PIECE_BYTES) -> None:
        self._size: Final[i64] = size
        self._notes: Final = notes
        self._page_bytes: Final[i64] = page_bytes
        self._piece_bytes: Final[i64] = piece_bytes
        self._at: i64 = 0
        self._noted: Final[dict[int, bytes]] = {}  # by the number of the page

    def read_now(self, start: i64, stop: i64) -> bytes:
        """Some of the bytes as they are now. O(stop - start)."""
        raise NotImplementedError

    def before_change(self, start: i64, stop: i64) -> None:
        """Bytes from `start` up to `stop` are about to change. O(pages touched), with a copy of each, once."""
        stop = min(stop, self._size)
        at = max(start, self._at)
        if at >= stop:
            return
        at -= at % self._page_bytes
        while at < stop:
            page = int(at // self._page_bytes)
            if page not in self._noted:
                noted = self.read_now(at, min(at + self._page_bytes, self._size))
                self._noted[page] = noted
                self._notes.used_bytes += len(noted) + NOTED_PAGE_BYTES
            at += self._page_bytes

    def has_more(self) -> bool:
        """Whether anything has not been read. O(1)."""
        return self._at < self._size

    def next(self) -> bytes:
        """The next piece. O(piece)."""
        start = self._at
        stop = min(start + self._piece_bytes, self._size)
        self._at = stop
        if not self._noted:
            return self.read_now(start, stop)
        pages: list[bytes] = []
        while start < stop:
            page = int(start // self._page_bytes)
            if page in self._noted:
                pages.append(self._take(page))
            else:
                pages.append(self.read_now(start, min(start + self._page_bytes, stop)))
            start += self._page_bytes
        return b"".join(pages)

    def close(self) -> None:
        """Forgets what was noted."""
        for page in list(self._noted):
            self._take(page)

    def _take(self, page: int) -> bytes:
        noted = self._noted.pop(page)
        self._notes.used_bytes -= len(noted) + NOTED_PAGE_BYTES
        return noted


@final
class TextAsOf(PagesAsOf):
    """A string as it was when this was made.

    Args:
        text: It.
    """

    def __init__(
        self, text: bytearray, notes: Notes, page_bytes: i64 = PAGE_BYTES, piece_bytes: i64 = PIECE_BYTES
    ) -> None:
        super().__init__(len(text), notes, page_bytes, piece_bytes)
        self._text: Final = text

    def read_now(self, start: i64, stop: i64) -> bytes:
        return bytes(self._text[start:stop])


@final
class TablesAsOf(PagesAsOf):
    """The tables of a value of a probabilistic type as they were when this was made.

    Args:
        value: Watched until `close`.
    """

    def __init__(
        self, value: Sketch, notes: Notes, page_bytes: i64 = PAGE_BYTES, piece_bytes: i64 = PIECE_BYTES
    ) -> None:
        super().__init__(value.table_bytes(), notes, page_bytes, piece_bytes)
        self._value: Final = value
        value.watch(self)

    def read_now(self, start: i64, stop: i64) -> bytes:
        return self._value.tables(start, stop)

    def close(self) -> None:
        self._value.watch(None)
        super().close()


@final
class GrowingText(LargeValue):
    """A string that commands change in place."""

    def __init__(self, database: i64, head: bytes, text: bytearray, notes: Notes) -> None:
        super().__init__(database, head)
        self.told_of = text
        self._size: Final[i64] = len(text)
        self._pages: Final = TextAsOf(text, notes)
        self._is_first = True

    def about_to_overwrite(self, start: i64, stop: i64) -> None:
        self._pages.before_change(start, stop)

    def close(self) -> None:
        self._pages.close()

    def write_part(self, sink: RdbSink) -> bool:
        if self._is_first:
            self._is_first = False
            sink.length(self._size)
        sink.raw(self._pages.next())
        return self._pages.has_more()


@final
class LargeSketch(LargeValue):
    """A value of a probabilistic type: its tables in pieces, which the format leaves to the writer."""

    def __init__(self, database: i64, head: bytes, value: Sketch, notes: Notes) -> None:
        super().__init__(database, head)
        start = RdbSink(None)
        write_sketch_head(start, value)
        self._start: Final = start.getvalue()
        self._pages: Final = TablesAsOf(value, notes)
        self._is_first = True

    def close(self) -> None:
        self._pages.close()

    def write_part(self, sink: RdbSink) -> bool:
        if self._is_first:
            self._is_first = False
            sink.raw(self._start)
        if self._pages.has_more():
            sink.length(STRING)
            sink.string(self._pages.next())
        if self._pages.has_more():
            return True
        sink.length(END)
        return False
