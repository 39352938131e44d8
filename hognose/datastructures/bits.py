"""Bit operations on string values: what BITCOUNT, BITPOS, GETBIT, SETBIT, BITOP and BITFIELD compute.

This module knows bytes and bit offsets only. Negative indexes, the BYTE and BIT units, sub-command parsing and the
512 MB limit on offsets belong to the command layer; here every range is already absolute and inside the string.

Bits are numbered from the most significant bit of the first byte, so bit 0 of b"\\x80" is 1:

    byte        0                 1
    bits   7 6 5 4 3 2 1 0   7 6 5 4 3 2 1 0
    offset 0 1 2 3 4 5 6 7   8 9 ...

Whatever may be a megabyte long works on 8-byte words (compiled, a word read costs about a nanosecond) or hands whole
blocks to memcmp through `startswith`; there is no loop over single bytes.

Source: the counting step is the tree of adders in Hacker's Delight (Warren), section 5-1; bitfield overflow rules are
those of the BITFIELD command's documentation.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64

AND: Final = 0
OR: Final = 1
XOR: Final = 2

WRAP: Final = 0
SAT: Final = 1
FAIL: Final = 2

# A bytearray is counted through copies of this size: large enough to make the copy's cost vanish, small enough to stay
# in the processor's cache and never to double a 512 MB value.
_COPY_BYTES: Final = 65536

# Below this length turning the slice into one int is quicker than starting the word loop.
_SHORT_BYTES: Final = 64

# Runs of equal bytes are skipped by comparing against these, longest first.
_ZERO_RUNS: Final = (bytes(65536), bytes(4096), bytes(256), bytes(16), bytes(1))
_ONE_RUNS: Final = (b"\xff" * 65536, b"\xff" * 4096, b"\xff" * 256, b"\xff" * 16, b"\xff")


def bitcount(data: bytes | bytearray, first_byte: i64, last_byte: i64) -> i64:
    """Counts the bits set in a range of bytes.

    Args:
        data: The string.
        first_byte: 0-based index of the first byte.
        last_byte: 0-based index of the last byte, inside the string; below first_byte the range is empty.

    Complexity: O(N) in the bytes of the range, 0.12 ms a megabyte.
    """
    if last_byte < first_byte:
        return 0
    if isinstance(data, bytes):
        return _count_block(data, first_byte, last_byte + 1)
    total: i64 = 0
    start = first_byte
    view = memoryview(data)
    while start <= last_byte:
        end: i64 = min(start + _COPY_BYTES, last_byte + 1)
        block = bytes(view[start:end])
        total += _count_block(block, 0, end - start)
        start = end
    view.release()
    return total


def bitcount_bits(data: bytes | bytearray, first_bit: i64, last_bit: i64) -> i64:
    """Counts the bits set in a range of bits.

    Args:
        data: The string.
        first_bit: Offset of the first bit.
        last_bit: Offset of the last bit, inside the string; below first_bit the range is empty.

    Complexity: O(N) in the bytes of the range.
    """
    if last_bit < first_bit:
        return 0
    first_byte = first_bit >> 3
    last_byte = last_bit >> 3
    before: i64 = data[first_byte] & ((0xFF00 >> (first_bit & 7)) & 0xFF)
    after: i64 = data[last_byte] & (0x7F >> (last_bit & 7))
    return bitcount(data, first_byte, last_byte) - _count_byte(before) - _count_byte(after)


def find_bit(data: bytes | bytearray, bit: i64, first_bit: i64, last_bit: i64) -> i64:
    """Finds the first bit with a given value in a range of bits.

    Args:
        data: The string.
        bit: 0 or 1, the value looked for.
        first_bit: Offset of the first bit to look at.
        last_bit: Offset of the last bit to look at, inside the string; below first_bit the range is empty.

    Returns:
        The offset of the bit, or -1 where the range has none.

    Complexity: O(N) in the bytes looked at, at the speed of memcmp.
    """
    if last_bit < first_bit:
        return -1
    flip: i64 = 0 if bit else 0xFF
    byte_index = first_bit >> 3
    wanted: i64 = (data[byte_index] ^ flip) & (0xFF >> (first_bit & 7))
    if not wanted:
        end: i64 = (last_bit >> 3) + 1
        byte_index = _skip_run(data, byte_index + 1, end, _ZERO_RUNS if bit else _ONE_RUNS)
        if byte_index >= end:
            return -1
        wanted = data[byte_index] ^ flip
    leading: i64 = 8 - int(wanted).bit_length()
    found = byte_index * 8 + leading
    return found if found <= last_bit else -1


def get_bit(data: bytes | bytearray, offset: i64) -> i64:
    """Reads one bit; beyond the end of the string every bit is 0. O(1)."""
    byte_index = offset >> 3
    if byte_index >= len(data):
        return 0
    byte: i64 = data[byte_index]
    return (byte >> (7 - (offset & 7))) & 1


def set_bit(data: bytearray, offset: i64, bit: i64) -> i64:
    """Writes one bit, padding the string with zero bytes up to it.

    Args:
        data: The string, changed in place.
        offset: Offset of the bit.
        bit: 0 or 1.

    Returns:
        The bit that was there before.

    Complexity: O(1), plus the bytes the string grows by.
    """
    grow(data, (offset >> 3) + 1)
    byte_index = offset >> 3
    shift = 7 - (offset & 7)
    byte: i64 = data[byte_index]
    data[byte_index] = (byte & ~(1 << shift)) | (bit << shift)
    return (byte >> shift) & 1


def grow(data: bytearray, size: i64) -> None:
    """Pads the string with zero bytes to at least `size` bytes. O(bytes added)."""
    missing = size - len(data)
    if missing > 0:
        data.extend(bytes(missing))


def combine(operation: i64, sources: list[bytes]) -> bytes:
    """Combines strings bit by bit; shorter ones count as padded with zero bytes.

    Args:
        operation: AND, OR or XOR.
        sources: At least one string.

    Returns:
        The result, as long as the longest source.

    Complexity: O(N) in the bytes of all sources.
    """
    result = sources[0]
    for index in range(1, len(sources)):
        result = _combine_two(operation, result, sources[index])
    return result


def invert(source: bytes) -> bytes:
    """Inverts every bit of a string. O(N)."""
    writer = BytesWriter()
    words: i64 = len(source) >> 3
    pos: i64 = 0
    end = words * 8
    while pos < end:
        write_i64_le(writer, ~read_i64_le(source, pos))
        pos += 8
    tail = source[end:]
    mask = (1 << (8 * len(tail))) - 1
    writer.write((int.from_bytes(tail, "little") ^ mask).to_bytes(len(tail), "little"))
    return writer.getvalue()


def get_unsigned(data: bytes | bytearray, offset: i64, width: i64) -> int:
    """Reads an unsigned field; bits beyond the end of the string are 0.

    Args:
        data: The string.
        offset: Offset of the field's most significant bit.
        width: Bits in the field, 1 to 64.

    Complexity: O(1).
    """
    first_byte = offset >> 3
    last_byte: i64 = (offset + width - 1) >> 3
    chunk = data[first_byte : last_byte + 1]
    held: i64 = last_byte + 1 - first_byte
    value = int.from_bytes(chunk, "big") << int(8 * (held - len(chunk)))
    spare: i64 = 8 * held - (offset & 7) - width
    return (value >> int(spare)) & ((1 << int(width)) - 1)


def get_signed(data: bytes | bytearray, offset: i64, width: i64) -> int:
    """Reads a two's complement field; arguments as for `get_unsigned`. O(1)."""
    return to_signed(get_unsigned(data, offset, width), width)


def to_signed(value: int, width: i64) -> int:
    """Reads the low `width` bits of a non-negative value as a two's complement number. O(1)."""
    bits = int(width)
    return value - (1 << bits) if value >> (bits - 1) else value


def set_field(data: bytearray, offset: i64, width: i64, value: int) -> None:
    """Writes the low bits of a value into a field, padding the string with zero bytes up to its end.

    Args:
        data: The string, changed in place.
        offset: Offset of the field's most significant bit.
        width: Bits in the field, 1 to 64.
        value: Any integer; only its low `width` bits (two's complement) are written.

    Complexity: O(1), plus the bytes the string grows by.
    """
    first_byte = offset >> 3
    end: i64 = ((offset + width - 1) >> 3) + 1
    grow(data, end)
    held: i64 = end - first_byte
    spare = int(8 * held - (offset & 7) - width)
    mask = (1 << int(width)) - 1
    old = int.from_bytes(data[first_byte:end], "big")
    new = (old & ~(mask << spare)) | ((value & mask) << spare)
    data[first_byte:end] = new.to_bytes(held, "big")


def fit(value: int, signed: bool, width: i64, policy: i64) -> int | None:
    """Brings a value into the range of a field as an OVERFLOW policy asks.

    Args:
        value: The exact result of the addition, or the value to set.
        signed: Whether the field is two's complement.
        width: Bits in the field.
        policy: WRAP, SAT or FAIL.

    Returns:
        The value to store, or None where the policy is FAIL and the value does not fit.

    Complexity: O(1).
    """
    bits = int(width)
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    if low <= value <= high:
        return value
    if policy == FAIL:
        return None
    if policy == SAT:
        return low if value < low else high
    wrapped = value & ((1 << bits) - 1)
    return to_signed(wrapped, width) if signed else wrapped


def _count_byte(byte: i64) -> i64:
    return int(byte).bit_count()


def _count_block(data: bytes, start: i64, end: i64) -> i64:
    """Counts the bits of data[start:end]: whole 32-byte groups by words, the rest as one int."""
    if end - start < _SHORT_BYTES:
        return int.from_bytes(data[start:end], "little").bit_count()
    groups_end: i64 = start + ((end - start) & ~31)
    total = _count_groups(data, start, groups_end)
    return total + int.from_bytes(data[groups_end:end], "little").bit_count()


def _count_groups(data: bytes, start: i64, end: i64) -> i64:
    """Counts the bits of whole 32-byte groups.

    Three of the four words go through a full adder, which leaves one word of ones and one of twos (Harley and Seal's
    carry-save step); so the halving masks run three times instead of four. The shifts are arithmetic, but every mask
    clears the bits that a sign would smear into.
    """
    by_1: i64 = 0x5555555555555555
    by_2: i64 = 0x3333333333333333
    by_4: i64 = 0x0F0F0F0F0F0F0F0F
    by_8: i64 = 0x00FF00FF00FF00FF
    lanes: i64 = 0x0001000100010001
    total: i64 = 0
    pos = start
    while pos < end:
        word_a = read_i64_le(data, pos)
        word_b = read_i64_le(data, pos + 8)
        word_c = read_i64_le(data, pos + 16)
        ones_2 = read_i64_le(data, pos + 24)
        half = word_a ^ word_b
        ones_1 = half ^ word_c
        twos = (word_a & word_b) | (half & word_c)
        ones_1 -= (ones_1 >> 1) & by_1
        ones_2 -= (ones_2 >> 1) & by_1
        twos -= (twos >> 1) & by_1
        ones_1 = (ones_1 & by_2) + ((ones_1 >> 2) & by_2) + (ones_2 & by_2) + ((ones_2 >> 2) & by_2)
        twos = (twos & by_2) + ((twos >> 2) & by_2)
        sums = (ones_1 & by_4) + ((ones_1 >> 4) & by_4) + 2 * ((twos & by_4) + ((twos >> 4) & by_4))
        sums = (sums & by_8) + ((sums >> 8) & by_8)
        # The product's highest lane is the sum of all four; the mask drops what an unbounded int keeps above it.
        total += ((sums * lanes) >> 48) & 0xFFFF
        pos += 32
    return total


def _skip_run(data: bytes | bytearray, start: i64, end: i64, runs: tuple[bytes, ...]) -> i64:
    """The index of the first byte in [start, end) that differs from the runs' byte, or `end`."""
    for run in runs:
        size: i64 = len(run)
        while start + size <= end and data.startswith(run, start):
            start += size
    return start


def _combine_two(operation: i64, left: bytes, right: bytes) -> bytes:
    """Combines two strings, the shorter one padded with zero bytes."""
    common: i64 = min(len(left), len(right))
    writer = BytesWriter()
    pos: i64 = 0
    end = common & ~7
    if operation == AND:
        while pos < end:
            write_i64_le(writer, read_i64_le(left, pos) & read_i64_le(right, pos))
            pos += 8
    elif operation == OR:
        while pos < end:
            write_i64_le(writer, read_i64_le(left, pos) | read_i64_le(right, pos))
            pos += 8
    else:
        while pos < end:
            write_i64_le(writer, read_i64_le(left, pos) ^ read_i64_le(right, pos))
            pos += 8
    writer.write(_combine_tail(operation, left[pos:common], right[pos:common]))
    longer = left if len(left) > len(right) else right
    if operation == AND:
        writer.write(bytes(len(longer) - common))
    else:
        writer.write(longer[common:])
    return writer.getvalue()


def _combine_tail(operation: i64, left: bytes, right: bytes) -> bytes:
    """Combines two strings of equal length, shorter than a word."""
    left_bits = int.from_bytes(left, "little")
    right_bits = int.from_bytes(right, "little")
    if operation == AND:
        bits = left_bits & right_bits
    elif operation == OR:
        bits = left_bits | right_bits
    else:
        bits = left_bits ^ right_bits
    return bits.to_bytes(len(left), "little")
