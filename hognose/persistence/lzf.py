"""LZF: the quick compression of strings in RDB files and DUMP payloads.

A compressed text is a row of two sorts of pieces:

    000lllll  l + 1 bytes                   so many bytes as they are, 1 to 32
    lllooooo  oooooooo                      l + 2 bytes again (l from 1 to 6) that stand o + 1 bytes back
    111ooooo  llllllll  oooooooo            the same for l + 9 bytes, up to 264

A repeat may reach into what it makes itself: one byte and a repeat of distance 1 make a run.

How compressing works: a table says for the hash of three bytes where they stood last. It is never cleared: positions
count on from one text to the next, so what earlier texts left lies before the start of this one. A match counts only
after its bytes were compared, so whatever stands in the table, the result is right.

Source: the format of Marc Lehmann's LibLZF, as its documentation describes it.
"""

from typing import Final

from librt.strings import BytesWriter, read_i32_le, read_i64_le
from librt.vecs import vec
from mypy_extensions import i64, u8

TABLE_BITS: Final = 14
HASH_FACTOR: Final = 0x9E3779B1
"""The golden ratio's fraction in 32 bits: spreads three bytes over the table (Knuth)."""
LONGEST_LITERAL: Final = 32
FEW_LITERALS: Final = 8
"""Copied one by one: quicker than making an object of them."""
LONGEST_REPEAT: Final = 264
FARTHEST: Final = 8192
LONG_REPEAT: Final = 7


class Compressor:
    """Compresses one text after the other with one table."""

    def __init__(self) -> None:
        self._table: vec[i64] = vec[i64]([0] * (1 << TABLE_BITS))
        self._next: i64 = 1

    def compress(self, text: bytes, limit: i64) -> bytes | None:
        """Compresses a text.

        Args:
            text: Any bytes.
            limit: The most bytes the result is of use with.

        Returns:
            The compressed text, or None if it would be longer.

        Complexity:
            O(len(text)).
        """
        size: i64 = len(text)
        base = self._next
        self._next += size
        table = self._table
        out = BytesWriter()
        at: i64 = 0
        copied: i64 = 0
        while at + 4 <= size:
            three = three_bytes(text, at)
            slot = (three * HASH_FACTOR >> 18) & ((1 << TABLE_BITS) - 1)
            there = table[slot] - base
            table[slot] = base + at
            if there >= 0 and at - there <= FARTHEST and three_bytes(text, there) == three:
                length = repeat_length(text, there, at)
                write_literals(out, text, copied, at)
                write_repeat(out, at - there - 1, length)
                at += length
                copied = at
                if len(out) > limit:
                    return None
            else:
                at += 1
        write_literals(out, text, copied, size)
        return out.getvalue() if len(out) <= limit else None


def three_bytes(text: bytes, at: i64) -> i64:
    """The three bytes at a place as one number; behind them must be another one."""
    return i64(read_i32_le(text, at)) & 0xFFFFFF


def repeat_length(text: bytes, there: i64, at: i64) -> i64:
    """How many bytes from `at` on are those from `there` on; the first three are known to be."""
    longest: i64 = min(len(text) - at, LONGEST_REPEAT)
    length: i64 = 3
    while length + 8 <= longest:
        differing = read_i64_le(text, there + length) ^ read_i64_le(text, at + length)
        if differing == 0:
            length += 8
            continue
        while differing & 255 == 0:
            differing >>= 8
            length += 1
        return length
    while length < longest and text[there + length] == text[at + length]:
        length += 1
    return length


def write_literals(out: BytesWriter, text: bytes, start: i64, end: i64) -> None:
    """Writes bytes as they are."""
    while start + FEW_LITERALS < end:
        stop: i64 = min(end, start + LONGEST_LITERAL)
        out.append(u8(stop - start - 1))
        out.write(text[start:stop])
        start = stop
    if start < end:
        out.append(u8(end - start - 1))
    while start < end:
        out.append(u8(i64(text[start])))
        start += 1


def write_repeat(out: BytesWriter, offset: i64, length: i64) -> None:
    """Writes a repeat of `length` bytes that stand `offset` + 1 back."""
    code = length - 2
    if code < LONG_REPEAT:
        out.append(u8((code << 5) | (offset >> 8)))
    else:
        out.append(u8((LONG_REPEAT << 5) | (offset >> 8)))
        out.append(u8(code - LONG_REPEAT))
    out.append(u8(offset & 255))


def decompress(data: bytes, size: i64) -> bytes:
    """Takes a compressed text apart.

    Args:
        data: The compressed text.
        size: How long the text must be.

    Raises:
        ValueError: It is damaged or of another length. Nothing outside `data` is read, no more than `size` is made.

    Complexity:
        O(size).
    """
    out = vec[u8]([0] * size)
    made: i64 = 0
    at: i64 = 0
    end: i64 = len(data)
    while at < end:
        control: i64 = data[at]
        at += 1
        if control < LONGEST_LITERAL:
            stop = made + control + 1
            if at + control >= end:
                raise ValueError("compressed string that ends too early")
            if stop > size:
                raise ValueError("compressed string longer than it says")
            while made < stop:
                out[made] = u8(i64(data[at]))
                made += 1
                at += 1
            continue
        length = control >> 5
        if length == LONG_REPEAT and at < end:
            extra: i64 = data[at]
            length += extra
            at += 1
        if at >= end:
            raise ValueError("compressed string that ends too early")
        low: i64 = data[at]
        at += 1
        source = made - ((control & 31) << 8 | low) - 1
        stop = made + length + 2
        if source < 0 or stop > size:
            raise ValueError("compressed string that repeats what is not there")
        while made < stop:
            out[made] = out[source]
            made += 1
            source += 1
    if made != size:
        raise ValueError("compressed string shorter than it says")
    return bytes(out)
