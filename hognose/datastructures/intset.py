"""Intset: a set of 64-bit integers as one sorted array, the form of every small set of integers.

Bit for bit the server's format, so DUMP, RESTORE and RDB files copy it:

    width  u32 le: 2, 4 or 8 | count  u32 le | count integers of that width, two's complement le, strictly ascending

The width is that of the widest integer ever added; it grows when a wider one comes and never shrinks.

Here an intset is an immutable `bytes` in exactly that form; a change makes a new one. That is cheap at the sizes it is
used for (at most set-max-intset-entries, by default 512), and lets a copy of a set share it.

Membership is a binary search, O(log N); adding and removing copy once, O(N).

Source: the format is described in the RDB file format notes; golden blobs recorded from a real server in the tests.
"""

from typing import Final

from librt.strings import (
    BytesWriter,
    read_i16_le,
    read_i32_le,
    read_i64_le,
    write_i16_le,
    write_i32_le,
    write_i64_le,
)
from mypy_extensions import i16, i32, i64

HEADER_BYTES: Final = 8
NARROW: Final = 2
MIDDLE: Final = 4
WIDE: Final = 8
EMPTY: Final = b"\x02\x00\x00\x00\x00\x00\x00\x00"
"""An intset without members."""


def length(intset: bytes) -> i64:
    """The number of members. O(1)."""
    return i64(read_i32_le(intset, 4))


def width(intset: bytes) -> i64:
    """The bytes one member takes: 2, 4 or 8."""
    return intset[0]


def width_of(value: i64) -> i64:
    """The bytes a value needs."""
    if -32768 <= value <= 32767:
        return NARROW
    if -2147483648 <= value <= 2147483647:
        return MIDDLE
    return WIDE


def get(intset: bytes, index: i64) -> i64:
    """The member with a 0-based index, in ascending order; a random member for a random index. O(1)."""
    size: i64 = intset[0]
    at = HEADER_BYTES + index * size
    if size == NARROW:
        return i64(read_i16_le(intset, at))
    if size == MIDDLE:
        return i64(read_i32_le(intset, at))
    return read_i64_le(intset, at)


def contains(intset: bytes, value: i64) -> bool:
    """Tells whether a value is a member. O(log N)."""
    index = lower_bound(intset, value)
    return index < length(intset) and get(intset, index) == value


def lower_bound(intset: bytes, value: i64) -> i64:
    """The number of members less than a value, which is the index it has or would get. O(log N)."""
    low: i64 = 0
    high = length(intset)
    if high > 0 and get(intset, high - 1) < value:
        return high
    while low < high:
        middle = (low + high) // 2
        if get(intset, middle) < value:
            low = middle + 1
        else:
            high = middle
    return low


def add(intset: bytes, value: i64) -> bytes:
    """Returns the set with a value in it, the same object if it was there already. O(N)."""
    needed = width_of(value)
    if needed > width(intset):
        intset = widen(intset, needed)
    index = lower_bound(intset, value)
    count = length(intset)
    if index < count and get(intset, index) == value:
        return intset
    size = width(intset)
    at = HEADER_BYTES + index * size
    writer = BytesWriter()
    write_header(writer, size, count + 1)
    writer.write(intset[HEADER_BYTES:at])
    write_member(writer, size, value)
    writer.write(intset[at:])
    return writer.getvalue()


def remove(intset: bytes, value: i64) -> bytes:
    """Returns the set without a value, the same object if it was not there. O(N)."""
    index = lower_bound(intset, value)
    count = length(intset)
    if index == count or get(intset, index) != value:
        return intset
    size = width(intset)
    at = HEADER_BYTES + index * size
    writer = BytesWriter()
    write_header(writer, size, count - 1)
    writer.write(intset[HEADER_BYTES:at])
    writer.write(intset[at + size :])
    return writer.getvalue()


def from_sorted(values: list[int]) -> bytes:
    """Makes an intset of 64-bit integers that are strictly ascending. O(N)."""
    if not values:
        return EMPTY
    size = max(width_of(values[0]), width_of(values[-1]))
    writer = BytesWriter()
    write_header(writer, size, len(values))
    for value in values:
        write_member(writer, size, value)
    return writer.getvalue()


def members(intset: bytes) -> list[int]:
    """All members, ascending. O(N)."""
    out: list[int] = []
    count = length(intset)
    index: i64 = 0
    while index < count:
        out.append(get(intset, index))
        index += 1
    return out


def widen(intset: bytes, size: i64) -> bytes:
    """Returns the set with members of a greater width. O(N)."""
    count = length(intset)
    writer = BytesWriter()
    write_header(writer, size, count)
    index: i64 = 0
    while index < count:
        write_member(writer, size, get(intset, index))
        index += 1
    return writer.getvalue()


def write_header(writer: BytesWriter, size: i64, count: i64) -> None:
    """Writes the width and the number of members."""
    write_i32_le(writer, i32(size))
    write_i32_le(writer, i32(count))


def write_member(writer: BytesWriter, size: i64, value: i64) -> None:
    """Writes one member in a width that holds it."""
    if size == NARROW:
        write_i16_le(writer, i16(value))
    elif size == MIDDLE:
        write_i32_le(writer, i32(value))
    else:
        write_i64_le(writer, value)


def validate(intset: bytes) -> i64:
    """Checks a blob that came in through RESTORE or a file.

    Returns:
        The number of members, at least one.

    Raises:
        ValueError: It is no intset, is empty, or its members are not strictly ascending.

    Complexity:
        O(N); nothing is ever read outside the blob.
    """
    if len(intset) < HEADER_BYTES:
        raise ValueError("intset shorter than its header")
    size = i64(read_i32_le(intset, 0))
    count = i64(read_i32_le(intset, 4)) & 0xFFFFFFFF
    if size not in (NARROW, MIDDLE, WIDE):
        raise ValueError("intset of unknown width")
    if count == 0 or len(intset) != HEADER_BYTES + count * size:
        raise ValueError("intset of another size than its header says")
    index: i64 = 1
    while index < count:
        if get(intset, index - 1) >= get(intset, index):
            raise ValueError("intset out of order")
        index += 1
    return count


def check_invariants(intset: bytes) -> None:
    """Raises AssertionError if the set is not in its proper form. O(N)."""
    if intset != EMPTY and length(intset) > 0:
        assert validate(intset) == length(intset)
    assert len(intset) == HEADER_BYTES + length(intset) * width(intset)
