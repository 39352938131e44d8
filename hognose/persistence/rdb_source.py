"""Reading the primitives of the RDB format: lengths, strings, times, numbers; from memory or from a file.

    00llllll                            length 0..63
    01llllll llllllll                   length up to 16383, high byte first
    10000000 x 4                        32-bit length, high byte first
    10000001 x 8                        64-bit length, high byte first
    11000000 x 1 / ..01 x 2 / ..10 x 4  instead of a string: an integer, low byte first
    11000011 length length bytes        instead of a string: compressed size, real size, LZF

Nothing is believed: a length is compared with what is left before anything of that size is made.
"""

from typing import BinaryIO, Final

from librt.strings import read_f64_le, read_i16_le, read_i32_be, read_i32_le, read_i64_be, read_i64_le
from mypy_extensions import i64

from hognose.datastructures.numbers import canonical_int, canonical_value
from hognose.persistence.crc64 import crc64
from hognose.persistence.lzf import decompress
from hognose.persistence.rdb_format import ENCODED_INT8, ENCODED_INT16, ENCODED_INT32, ENCODED_LZF, RdbError

CHUNK_BYTES: Final = 1 << 20
LONGEST_RATIO: Final = 264
"""No compressed byte stands for more."""


class RdbSource:
    """Bytes being read.

    Args:
        data: The first bytes, or all.
        file: Where more come from; None if that is all.
        left: How many bytes the file still has.

    Attributes:
        remark: What was left out of the last value, for whoever logs that; empty once taken.
        checked: Whether a checksum is kept.
    """

    def __init__(self, data: bytes, file: BinaryIO | None = None, left: i64 = 0) -> None:
        self._data: bytes = data
        self._at: i64 = 0
        self._end: i64 = len(data)
        self._start: i64 = 0
        self._file: BinaryIO | None = file
        self._left: i64 = left
        self._checksum: i64 = 0
        self.checked = False
        self.remark = ""

    def offset(self) -> int:
        """How many bytes have been read."""
        return int(self._start + self._at)

    def position(self) -> i64:
        """The same, for loops."""
        return self._start + self._at

    def left_bytes(self) -> i64:
        """How many bytes are still to be read, at most."""
        return self._end - self._at + self._left

    def is_at_end(self) -> bool:
        """Whether everything has been read."""
        return self._at == self._end and self._left == 0

    def checksum(self) -> i64:
        """The checksum of everything read so far."""
        return crc64(self._checksum, self._data[: self._at])

    def error(self, text: str) -> RdbError:
        """An error about what stands here."""
        return RdbError(text, self.offset())

    def _need(self, count: i64) -> None:
        """Sees to it that so many bytes can be read."""
        if self._end - self._at >= count:
            return
        file = self._file
        missing = count - (self._end - self._at)
        if missing > self._left or file is None:
            raise self.error("Unexpected end of file")
        if self.checked:
            self._checksum = crc64(self._checksum, self._data[: self._at])
        wanted: i64 = min(max(missing, CHUNK_BYTES), self._left)
        more = file.read(wanted)
        if len(more) < missing:
            raise self.error("Unexpected end of file")
        self._start += self._at
        self._left -= len(more)
        self._data = self._data[self._at :] + more
        self._at = 0
        self._end = len(self._data)

    def take(self, count: i64) -> bytes:
        """The next so many bytes."""
        self._need(count)
        at = self._at
        self._at = at + count
        return self._data[at : at + count]

    def byte(self) -> i64:
        """The next byte."""
        if self._at == self._end:
            self._need(1)
        value: i64 = self._data[self._at]
        self._at += 1
        return value

    def i64_le(self) -> i64:
        """Eight bytes as a signed number: a time in ms."""
        self._need(8)
        self._at += 8
        return read_i64_le(self._data, self._at - 8)

    def i32_le(self) -> i64:
        """Four bytes as a signed number: a time in seconds."""
        self._need(4)
        self._at += 4
        return i64(read_i32_le(self._data, self._at - 4))

    def double(self) -> float:
        """Eight bytes as a number."""
        self._need(8)
        self._at += 8
        return read_f64_le(self._data, self._at - 8)

    def _long_length(self, first: i64) -> i64:
        """The rest of a length that is not in its first byte; one from 2**63 on comes out negative."""
        if first < 0x80:
            return ((first & 63) << 8) | self.byte()
        if first == 0x80:
            self._need(4)
            self._at += 4
            return i64(read_i32_be(self._data, self._at - 4)) & 0xFFFFFFFF
        if first == 0x81:
            self._need(8)
            self._at += 8
            return read_i64_be(self._data, self._at - 8)
        raise self.error("Unknown length encoding")

    def number(self) -> i64:
        """An unsigned 64-bit number written like a length; one from 2**63 on comes out negative."""
        first = self.byte()
        return first if first < 64 else self._long_length(first)

    def unsigned(self) -> int:
        """An unsigned 64-bit number written like a length."""
        return int(self.number()) & 0xFFFFFFFFFFFFFFFF

    def length(self) -> i64:
        """A length; one that cannot be is refused."""
        value = self.number()
        if value < 0:
            raise self.error("Impossible length")
        return value

    def count(self) -> i64:
        """A number of elements, each of at least one byte, so that no more can follow than there are bytes left."""
        value = self.length()
        if value > self._end - self._at + self._left:
            raise self.error("More elements announced than bytes are left")
        return value

    def string(self) -> bytes:
        """A string, integers as their text."""
        first = self.byte()
        if first < 64:
            return self.take(first)
        if first < 0xC0:
            size = self._long_length(first)
            if size < 0:
                raise self.error("Impossible length")
            return self.take(size)
        if first == 0xC0 | ENCODED_LZF:
            return self._compressed()
        return b"%d" % int(self._integer(first & 63))

    def string_value(self) -> bytes | int:
        """A string as the keyspace keeps it: an integer wherever its text is the usual one of a 64-bit integer."""
        self._need(1)
        first: i64 = self._data[self._at]
        if first >= 0xC0 and first != 0xC0 | ENCODED_LZF:
            self._at += 1
            return int(self._integer(first & 63))
        text = self.string()
        return int(canonical_value(text)) if canonical_int(text) else text

    def _integer(self, encoding: i64) -> i64:
        if encoding == ENCODED_INT8:
            value = self.byte()
            return value - 256 if value >= 128 else value
        if encoding == ENCODED_INT16:
            return i64(read_i16_le(self.take(2), 0))
        if encoding == ENCODED_INT32:
            return self.i32_le()
        raise self.error("Unknown string encoding")

    def _compressed(self) -> bytes:
        packed_size = self.length()
        size = self.length()
        packed = self.take(packed_size)
        if size // LONGEST_RATIO > packed_size:
            raise self.error("Compressed string with an impossible length")
        try:
            return decompress(packed, size)
        except ValueError as error:
            raise self.error(f"Damaged: {error}") from None
