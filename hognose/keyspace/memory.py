"""What values weigh in memory: the accounting behind used_memory, MEMORY USAGE and eviction.

Sizes are those of CPython's objects as its allocator rounds them (to 16 bytes up to 512, as malloc does above), known
from the length alone, so that every write can keep the total in O(1).
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.value import BYTES_HEADER, Value, bytes_size

__all__ = ["bytes_size", "value_size"]

INT_BYTES: Final = 32
BYTEARRAY_HEADER: Final = 64


def value_size(value: object) -> i64:
    """The memory of a value, in bytes. O(1)."""
    if isinstance(value, bytes):
        return (len(value) + BYTES_HEADER + 15) & ~15
    if isinstance(value, int):
        return INT_BYTES
    if isinstance(value, bytearray):
        return BYTEARRAY_HEADER + ((len(value) + 16) & ~15)
    assert isinstance(value, Value)
    return value.memory_bytes()
