"""What the probabilistic values have in common: a hash of items, and the form in which they are kept and carried.

A Bloom filter, cuckoo filter, count-min sketch and top-k list are each a small header and large tables of bits, bytes
or counters. RDB files, DUMP payloads, COPY and the SCANDUMP commands all see them so:

    header   a few numbers, from which the size of the tables follows
    tables   so many bytes, in pieces of any size

Header and tables are this server's own: other servers use other hash functions, so their bytes mean nothing here and
ours nothing there. Every header therefore begins with a magic of eight bytes.

Hashing is MurmurHash3 (128 bits, of which both halves are used), from mmh3, which is imported at its first use.
"""

import struct
from collections.abc import Callable
from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, u8

from hognose.datastructures.value import Value

MAGIC_BYTES: Final = 8
POSITIVE: Final = (1 << 62) - 1
"""Keeps a hash small enough that sums of two do not overflow 64 bits."""
MAX_TABLE_BYTES: Final = 1 << 32
"""No value is made whose tables are larger; a request for more is refused like one that finds no memory."""
PIECE_BYTES: Final = 16 * 1024 * 1024
"""The pieces in which tables are carried."""

Hash64 = Callable[[bytes, int], tuple[int, int]]


class HashFunction:
    """MurmurHash3, from when it is first needed."""

    def __init__(self) -> None:
        self._hash64: Hash64 | None = None

    def pair(self, item: bytes, seed: int) -> tuple[int, int]:
        """Two independent signed 64-bit hashes of an item. O(N) for N bytes."""
        if self._hash64 is None:
            from mmh3 import hash64  # noqa: PLC0415 - at start-up nobody needs it

            self._hash64 = hash64
        return self._hash64(item, seed)


HASH: Final = HashFunction()


class DamagedSketchError(ValueError):
    """A header or tables that no value of this server has."""


class TableWatcher:
    """Who has to be told before bytes of a value's tables change: a snapshot that is written in slices."""

    def before_change(self, start: i64, stop: i64) -> None:
        """Bytes of the tables, as `Sketch.tables` counts them, are about to change or go. O(stop - start)."""
        raise NotImplementedError


class ByteTable:
    """A table of bytes, one of those of a value.

    Args:
        size: How many.
        start: How many bytes stand before it in the tables of the value.

    Attributes:
        data: They, to be read; `put` changes them, or who has called `about_to_change`.
        watcher: Told before a change; None if nobody is.
    """

    def __init__(self, size: i64, start: i64) -> None:
        self.data: vec[u8] = vec[u8](bytes(size))
        self.start: Final[i64] = start
        self.watcher: TableWatcher | None = None

    def about_to_change(self, place: i64, stop: i64) -> None:
        """Tells the watcher that bytes are about to change; some may lie behind the end."""
        watcher = self.watcher
        if watcher is not None and place < len(self.data):
            watcher.before_change(self.start + place, self.start + min(stop, len(self.data)))

    def put(self, place: i64, byte: i64) -> None:
        """Overwrites a byte. O(1)."""
        if self.watcher is not None:
            self.about_to_change(place, place + 1)
        self.data[place] = u8(byte)


class Sketch(Value):
    """A probabilistic value."""

    def length(self) -> i64:
        """Never 0: a filter that holds nothing yet is kept, with its parameters."""
        return 1

    def encoding(self) -> bytes:
        """What other servers say of values that modules define."""
        return b"raw"

    def header(self) -> bytes:
        """The parameters and small parts, in bytes that begin with the type's magic."""
        raise NotImplementedError

    def table_bytes(self) -> i64:
        """The size of the tables. O(1)."""
        raise NotImplementedError

    def tables(self, start: i64, stop: i64) -> bytes:
        """A piece of the tables. O(stop - start)."""
        raise NotImplementedError

    def watch(self, watcher: TableWatcher | None) -> None:
        """Has someone told before the tables change; None ends that. Tables added later are not watched. O(tables)."""
        raise NotImplementedError

    def fill(self, start: i64, data: bytes) -> None:
        """Overwrites a piece of the tables. O(len(data)).

        Raises:
            DamagedSketchError: The piece is not inside the tables, or not on the border of a number.
        """
        raise NotImplementedError

    def check_invariants(self) -> None:
        """Asserts what must hold between any two operations, for tests."""
        raise NotImplementedError


class HeaderReader:
    """Takes a header apart.

    Args:
        data: The header.
        magic: What it has to begin with.

    Raises:
        DamagedSketchError: It does not.
    """

    def __init__(self, data: bytes, magic: bytes) -> None:
        self._data: Final = data
        self._at: i64 = MAGIC_BYTES
        if not data.startswith(magic):
            raise DamagedSketchError("not made by this server, or of another type")

    def number(self, highest: int) -> int:
        """The next number: eight bytes, low first; not above `highest`."""
        (value,) = struct.unpack("<Q", self.take(8))
        if value > highest:
            raise DamagedSketchError("number out of range")
        return int(value)

    def fraction(self) -> float:
        """The next number that is a double."""
        (value,) = struct.unpack("<d", self.take(8))
        return float(value)

    def take(self, count: i64) -> bytes:
        """The next so many bytes."""
        at = self._at
        piece = self._data[at : at + count]
        if len(piece) != count:
            raise DamagedSketchError("header ends too early")
        self._at = at + count
        return piece

    def finish(self) -> None:
        """Sees to it that everything has been read."""
        if self._at != len(self._data):
            raise DamagedSketchError("header is too long")


def pieces_of(sketch: Sketch) -> list[bytes]:
    """All tables of a value in pieces. O(N)."""
    total = sketch.table_bytes()
    found: list[bytes] = []
    start: i64 = 0
    while start < total:
        stop = min(start + PIECE_BYTES, total)
        found.append(sketch.tables(start, stop))
        start = stop
    return found


def fill_all(sketch: Sketch, pieces: list[bytes]) -> None:
    """Gives a new value all its tables. O(N).

    Raises:
        DamagedSketchError: They are not of its size.
    """
    start: i64 = 0
    for piece in pieces:
        sketch.fill(start, piece)
        start += len(piece)
    if start != sketch.table_bytes():
        raise DamagedSketchError("tables of another size than the header says")
