"""CRC-64 as RDB files, DUMP payloads and cluster messages end with: the polynomial Jones proposed, reflected.

    polynomial 0xAD93D23594C935A9 | start 0 | bits reflected in and out | nothing added at the end
    checksum of b"123456789": 0xE9C6D914C4B8D9CA

How it works: eight tables of 256 entries, so that one step takes eight bytes ("slicing by 8"): table k is what a byte
does to the checksum when k more bytes follow it. Checksums are signed here, since that is what an `i64` holds; only the
64 bits matter.

Sources: David T. Jones, "An improved 64-bit cyclic redundancy check for protein sequences"; Kounavis and Berry, "A
systematic approach to building high performance, software-based, CRC generators".
"""

from typing import Final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

REFLECTED_POLYNOMIAL: Final = 0x95AC9329AC4BC9B5
SLICES: Final = 8
LOW_56_BITS: Final = (1 << 56) - 1
"""Clears what an arithmetic shift of a negative number brings in from the left."""


def _remainder(byte: int) -> int:
    """What one byte leaves in an empty checksum, unsigned."""
    remainder = byte
    for _ in range(8):
        remainder = (remainder >> 1) ^ (REFLECTED_POLYNOMIAL if remainder & 1 else 0)
    return remainder


def _make_tables() -> vec[i64]:
    """All tables one after the other."""
    first = [_remainder(byte) for byte in range(256)]
    tables = vec[i64](capacity=256 * SLICES)
    current = first
    for _ in range(SLICES):
        for entry in current:
            tables = append(tables, entry - (1 << 64) if entry >> 63 else entry)
        current = [first[entry & 255] ^ (entry >> 8) for entry in current]
    return tables


class _Tables:
    """Holds the tables where compiled code reaches them without a look-up by name."""

    def __init__(self) -> None:
        self.entries: vec[i64] = _make_tables()


_TABLES: Final = _Tables()


def crc64(checksum: i64, data: bytes) -> i64:
    """Goes on with a checksum.

    Args:
        checksum: Of what came before; 0 at the start.
        data: The bytes that follow.

    Returns:
        The checksum of all, as a signed number.

    Complexity:
        O(len(data)).
    """
    tables = _TABLES.entries
    size: i64 = len(data)
    at: i64 = 0
    while at + SLICES <= size:
        word = checksum ^ read_i64_le(data, at)
        checksum = (
            tables[0x700 | (word & 255)]
            ^ tables[0x600 | ((word >> 8) & 255)]
            ^ tables[0x500 | ((word >> 16) & 255)]
            ^ tables[0x400 | ((word >> 24) & 255)]
            ^ tables[0x300 | ((word >> 32) & 255)]
            ^ tables[0x200 | ((word >> 40) & 255)]
            ^ tables[0x100 | ((word >> 48) & 255)]
            ^ tables[(word >> 56) & 255]
        )
        at += SLICES
    while at < size:
        byte: i64 = data[at]
        checksum = tables[(checksum ^ byte) & 255] ^ ((checksum >> 8) & LOW_56_BITS)
        at += 1
    return checksum
