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

from librt.strings import BytesWriter, read_i64_le
from librt.vecs import append, vec
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
        table = vec[i64](capacity=1 << TABLE_BITS)
        while len(table) < 1 << TABLE_BITS:
            table = append(table, 0)
        self._table: vec[i64] = table
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
        three: i64 = two_bytes(text, 0)
        while at + 2 < size:
            third: i64 = text[at + 2]
            three = ((three << 8) | third) & 0xFFFFFF
            slot = (three * HASH_FACTOR >> 18) & ((1 << TABLE_BITS) - 1)
            there = table[slot] - base
            table[slot] = base + at
            if there < 0 or there >= at or at - there > FARTHEST or three_bytes(text, there) != three:
                at += 1
                continue
            length = repeat_length(text, there, at)
            write_literals(out, text, copied, at)
            write_repeat(out, at - there - 1, length)
            at += length
            copied = at
            three = two_bytes(text, at)
            if len(out) > limit:
                return None
        write_literals(out, text, copied, size)
        return out.getvalue() if len(out) <= limit else None


def two_bytes(text: bytes, at: i64) -> i64:
    """The two bytes at a place, the first one high; 0 if there are not as many."""
    if at + 1 >= len(text):
        return 0
    first: i64 = text[at]
    second: i64 = text[at + 1]
    return (first << 8) | second


def three_bytes(text: bytes, at: i64) -> i64:
    """The three bytes at a place, the first one highest."""
    third: i64 = text[at + 2]
    return (two_bytes(text, at) << 8) | third


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
    while start < end:
        count: i64 = min(end - start, LONGEST_LITERAL)
        out.append(u8(count - 1))
        if count > FEW_LITERALS:
            out.write(text[start : start + count])
            start += count
            continue
        while count > 0:
            out.append(u8(i64(text[start])))
            start += 1
            count -= 1


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
    out = BytesWriter()
    at: i64 = 0
    end: i64 = len(data)
    while at < end:
        control: i64 = data[at]
        at += 1
        if control < LONGEST_LITERAL:
            after = at + control + 1
            if after > end:
                raise ValueError("compressed string that ends too early")
            out.write(data[at:after])
            at = after
        else:
            at = copy_repeat(out, data, at, control, size)
        if len(out) > size:
            raise ValueError("compressed string longer than it says")
    if len(out) != size:
        raise ValueError("compressed string shorter than it says")
    return out.getvalue()


def copy_repeat(out: BytesWriter, data: bytes, at: i64, control: i64, size: i64) -> i64:
    """Makes the repeat with a control byte; returns where the next piece begins."""
    length = control >> 5
    end: i64 = len(data)
    if at + (1 if length == LONG_REPEAT else 0) >= end:
        raise ValueError("compressed string that ends too early")
    if length == LONG_REPEAT:
        extra: i64 = data[at]
        length += extra
        at += 1
    low: i64 = data[at]
    source = len(out) - (((control & 31) << 8) | low) - 1
    if source < 0 or len(out) + length + 2 > size:
        raise ValueError("compressed string that repeats what is not there")
    stop = source + length + 2
    while source < stop:
        out.append(out[source])
        source += 1
    return at + 1
