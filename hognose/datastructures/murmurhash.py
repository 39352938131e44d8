"""MurmurHash64A: the 64-bit hash that decides which HyperLogLog register an element falls into.

Not a hash for tables (it is not keyed): only for HyperLogLog, whose registers and dumps depend on these exact bits.

The arithmetic is modulo 2**64. Compiled, i64 wraps and `_reduce` is the identity; interpreted, int does not wrap and
`_reduce` takes it back to 64 bits. A right shift is always followed by a mask, so the sign never matters.

Source: A. Appleby, MurmurHash2, 64-bit version for 64-bit platforms (public domain), read little endian.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

_MULTIPLIER: Final = 0xC6A4A7935BD1E995 - (1 << 64)
_LOW_32: Final = 0xFFFFFFFF
_TOP_17: Final = 0x1FFFF  # what is left of a word shifted right by 47


def murmurhash64a(data: bytes, seed: i64) -> i64:
    """Hashes a string.

    Args:
        data: The string.
        seed: A non-negative 32-bit number.

    Returns:
        A number congruent to the hash modulo 2**64: mask it before use.

    Complexity: O(N), 8 bytes a step.
    """
    length: i64 = len(data)
    multiplier: i64 = _MULTIPLIER
    state: i64 = seed ^ (length * multiplier)
    words_end = length & ~7
    pos: i64 = 0
    while pos < words_end:
        word = read_i64_le(data, pos) * multiplier
        word = (word ^ ((word >> 47) & _TOP_17)) * multiplier
        state = _reduce((state ^ word) * multiplier)
        pos += 8
    if pos < length:
        shift: i64 = 0
        while pos < length:
            byte: i64 = data[pos]
            state ^= byte << shift
            shift += 8
            pos += 1
        state *= multiplier
    state = (state ^ ((state >> 47) & _TOP_17)) * multiplier
    return state ^ ((state >> 47) & _TOP_17)


def _reduce(number: i64) -> i64:
    """A number congruent modulo 2**64 that fits 64 bits."""
    return (((number >> 32) & _LOW_32) << 32) | (number & _LOW_32)
