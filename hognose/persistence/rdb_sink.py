"""Writing the primitives of the RDB format; the other side of `rdb_source`, where they are drawn."""

import os
from typing import BinaryIO, Final

from librt.strings import (
    BytesWriter,
    write_f64_le,
    write_i16_le,
    write_i32_be,
    write_i32_le,
    write_i64_be,
    write_i64_le,
)
from mypy_extensions import i16, i32, i64, u8

from hognose.datastructures.numbers import canonical_int, canonical_value, format_i64
from hognose.persistence.crc64 import crc64
from hognose.persistence.lzf import Compressor

CHUNK_BYTES: Final = 1 << 18
LONGEST_ENCODED_INT: Final = 11
"""The text of the lowest 32-bit integer."""
SHORTEST_COMPRESSED: Final = 21
COMPRESSION_GAIN: Final = 4
"""A compressed string is used if it saves more bytes than this."""


class RdbSink:
    """Collects what is written, and passes it on to a file if there is one.

    Args:
        compressor: Compresses strings; None leaves them as they are.
        file: Where it goes, in chunks.
        syncs_every: Bring the file to disk whenever it has grown by so many bytes (rdb-save-incremental-fsync), so that
            the end does not have to wait for all of it; 0 for never.

    Attributes:
        written: Bytes passed on to the file.
    """

    def __init__(self, compressor: Compressor | None, file: BinaryIO | None = None, syncs_every: i64 = 0) -> None:
        self._syncs_every: i64 = syncs_every
        self._unsynced: i64 = 0
        self._compressor: Compressor | None = compressor
        self._file: BinaryIO | None = file
        self._checksum: i64 = 0
        self.out: BytesWriter = BytesWriter()
        self.written: i64 = 0

    def getvalue(self) -> bytes:
        """What was written and not passed on."""
        return self.out.getvalue()

    def pass_on(self) -> None:
        """Gives a file its chunk when it is large enough; called between values."""
        if self._file is not None and len(self.out) >= CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Gives the file everything, and counts it into the checksum."""
        chunk = self.out.getvalue()
        self._checksum = crc64(self._checksum, chunk)
        self.written += len(chunk)
        self.out.truncate(0)
        file = self._file
        if file is None:
            return
        file.write(chunk)
        if self._syncs_every != 0:
            self._unsynced += len(chunk)
            if self._unsynced >= self._syncs_every:
                self._unsynced = 0
                file.flush()
                os.fdatasync(file.fileno())

    def take(self) -> bytes:
        """Hands over what was written, counted into the checksum, for the caller to pass on."""
        chunk = self.out.getvalue()
        self._checksum = crc64(self._checksum, chunk)
        self.written += len(chunk)
        self.out.truncate(0)
        return chunk

    def checksum(self) -> i64:
        """The checksum of everything written. What was not passed on yet is."""
        self.flush()
        return self._checksum

    def byte(self, value: i64) -> None:
        """A byte."""
        self.out.append(u8(value))

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self.out.write(data)

    def i64_le(self, value: i64) -> None:
        """Eight bytes, low first."""
        write_i64_le(self.out, value)

    def double(self, value: float) -> None:
        """A number in eight bytes."""
        write_f64_le(self.out, value)

    def length(self, value: i64) -> None:
        """A length, or any unsigned 64-bit number; a negative one stands for what it is modulo 2**64."""
        out = self.out
        if 0 <= value < 64:
            out.append(u8(value))
        elif 0 <= value < 16384:
            out.append(u8(0x40 | (value >> 8)))
            out.append(u8(value & 255))
        elif 0 <= value <= 0x7FFFFFFF:
            out.append(u8(0x80))
            write_i32_be(out, i32(value))
        elif 0 <= value <= 0xFFFFFFFF:
            out.append(u8(0x80))
            write_i32_be(out, i32(value - 0x100000000))
        else:
            out.append(u8(0x81))
            write_i64_be(out, value)

    def unsigned(self, value: int) -> None:
        """An unsigned 64-bit number, written like a length."""
        self.length(value - (1 << 64) if value >> 63 else value)

    def string(self, text: bytes) -> None:
        """A string: as an integer or compressed where that is shorter."""
        size: i64 = len(text)
        if size <= LONGEST_ENCODED_INT and canonical_int(text):
            self.integer(canonical_value(text))
            return
        compressor = self._compressor
        if compressor is not None and size >= SHORTEST_COMPRESSED:
            packed = compressor.compress(text, size - COMPRESSION_GAIN)
            if packed is not None:
                self.out.append(u8(0xC3))
                self.length(len(packed))
                self.length(size)
                self.out.write(packed)
                return
        self.length(size)
        self.out.write(text)

    def integer(self, value: i64) -> None:
        """An integer in place of a string; beyond 32 bits its text."""
        out = self.out
        if -128 <= value <= 127:
            out.append(u8(0xC0))
            out.append(u8(value & 255))
        elif -32768 <= value <= 32767:
            out.append(u8(0xC1))
            write_i16_le(out, i16(value))
        elif -2147483648 <= value <= 2147483647:
            out.append(u8(0xC2))
            write_i32_le(out, i32(value))
        else:
            text = format_i64(value)
            self.length(len(text))
            out.write(text)
