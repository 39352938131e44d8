"""The compact encodings that servers before Redis 7.0 wrote: ziplist and zipmap. Read, never written.

ziplist   total bytes u32 | offset of the last entry u32 | entries u16, 65535 = count them | entry ... | 0xFF
entry     size of the one before: 1 byte, or 0xFE and 4 bytes | encoding | data

00llllll                  string of up to 63 bytes        11000000 x 2   int16     11111110 x 1   int8
01llllll llllllll         up to 16383, high byte first    11010000 x 4   int32     1111vvvv       v - 1, from 0 to 12
10000000 x 4              32-bit size, high byte first    11100000 x 8   int64     11110000 x 3   int24

zipmap    entries u8, 254 = count them | key size | key | value size | free u8 | value | free bytes ... | 0xFF
size      1 byte up to 253, or 0xFE and 4 bytes low first
"""

from typing import Final

from librt.strings import read_i16_le, read_i32_be, read_i32_le, read_i64_le
from mypy_extensions import i64

from hognose.datastructures.listpack import u32_le

ZIPLIST_HEADER: Final = 10
END: Final = 0xFF
LARGE: Final = 0xFE
COUNT_UNKNOWN: Final = 65535


def ziplist_elements(blob: bytes) -> list[bytes]:
    """The elements of a ziplist, integers as their texts.

    Raises:
        ValueError: It is damaged.

    Complexity:
        O(N).
    """
    size: i64 = len(blob)
    if size < ZIPLIST_HEADER + 1 or u32_le(blob, 0) != size or blob[size - 1] != END:
        raise ValueError("ziplist of another size than its header says")
    out: list[bytes] = []
    at: i64 = ZIPLIST_HEADER
    before: i64 = 0
    last: i64 = ZIPLIST_HEADER
    end = size - 1
    while at < end:
        last = at
        at = _read_entry(blob, at, end, before, out)
        before = at - last
    claimed = i64(blob[8]) | (i64(blob[9]) << 8)
    if at != end or u32_le(blob, 4) != last or claimed not in (len(out), COUNT_UNKNOWN):
        raise ValueError("ziplist that does not fit its header")
    return out


def _read_entry(blob: bytes, at: i64, end: i64, before: i64, out: list[bytes]) -> i64:
    """Appends the element at an offset to a list; returns the offset behind it."""
    claimed: i64 = blob[at]
    at += 1
    if claimed == LARGE:
        if at + 4 > end:
            raise ValueError("ziplist entry that ends too early")
        claimed = u32_le(blob, at)
        at += 4
    if claimed != before or at >= end:
        raise ValueError("ziplist entry with a wrong size of the one before")
    first: i64 = blob[at]
    if first >= 0xC0:
        return _read_integer(blob, at, end, first, out)
    start = at + (5 if first >= 0x80 else (2 if first >= 0x40 else 1))
    if start > end:
        raise ValueError("ziplist entry that ends too early")
    length = first & 63
    if first >= 0x80:
        length = i64(read_i32_be(blob, at + 1)) & 0xFFFFFFFF
    elif first >= 0x40:
        length = (length << 8) | i64(blob[at + 1])
    if first > 0x80 or start + length > end:
        raise ValueError("ziplist entry that ends too early")
    out.append(blob[start : start + length])
    return start + length


def _read_integer(blob: bytes, at: i64, end: i64, first: i64, out: list[bytes]) -> i64:
    """Appends the text of the integer at an offset; returns the offset behind it."""
    if 0xF1 <= first <= 0xFD:
        out.append(b"%d" % int(first - 0xF1))
        return at + 1
    width: i64 = 0
    if first == 0xC0:
        width = 2
    elif first == 0xD0:
        width = 4
    elif first == 0xE0:
        width = 8
    elif first == 0xF0:
        width = 3
    elif first == 0xFE:
        width = 1
    if width == 0 or at + 1 + width > end:
        raise ValueError("ziplist entry of no known kind")
    out.append(b"%d" % int(_signed(blob, at + 1, width)))
    return at + 1 + width


def _signed(blob: bytes, at: i64, width: i64) -> i64:
    """The integer of so many bytes, low first."""
    if width == 8:
        return read_i64_le(blob, at)
    if width == 4:
        return i64(read_i32_le(blob, at))
    if width == 2:
        return i64(read_i16_le(blob, at))
    value = i64(blob[at])
    if width == 1:
        return value - 256 if value >= 128 else value
    value |= (i64(blob[at + 1]) << 8) | (i64(blob[at + 2]) << 16)
    return value - 0x1000000 if value >= 0x800000 else value


def zipmap_elements(blob: bytes) -> list[bytes]:
    """The keys of a zipmap, each followed by its value.

    Raises:
        ValueError: It is damaged.

    Complexity:
        O(N).
    """
    end = len(blob) - 1
    if end < 1 or blob[end] != END:
        raise ValueError("zipmap without its end")
    out: list[bytes] = []
    at: i64 = 1
    while at < end:
        for is_value in (False, True):
            start, length = _zipmap_size(blob, at, end)
            free: i64 = 0
            if is_value:
                if start >= end:
                    raise ValueError("zipmap entry that ends too early")
                free = blob[start]
                start += 1
            at = start + length + free
            if at > end:
                raise ValueError("zipmap entry that ends too early")
            out.append(blob[start : start + length])
    if not out or (blob[0] < LARGE and 2 * i64(blob[0]) != len(out)):
        raise ValueError("zipmap with another number of entries than it says")
    return out


def _zipmap_size(blob: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Where the text behind a size begins, and the size."""
    if at >= end:
        raise ValueError("zipmap entry that ends too early")
    first: i64 = blob[at]
    if first < LARGE:
        return at + 1, first
    if first == END or at + 5 > end:
        raise ValueError("zipmap entry that ends too early")
    return at + 5, u32_le(blob, at + 1)
