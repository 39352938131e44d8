"""The base of every value that is not a string.

A key maps to `bytes`, `bytearray` or `int` (a string in one of its forms) or to a `Value`: a list, hash, set, sorted
set, stream or one of the probabilistic types. A value object stays the same object while commands use it, whatever
encoding it changes to inside; so the keyspace never has to be told of a conversion. Between commands small hashes have
none (`keyspace.bare`).
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

BYTES_HEADER: Final = 33


def bytes_size(length: i64) -> i64:
    """The memory of a `bytes` object of `length` bytes, as CPython's allocator rounds it. O(1)."""
    return (length + BYTES_HEADER + 15) & ~15


@mypyc_attr(acyclic=True)
class Value:
    """What the keyspace, OBJECT, MEMORY USAGE and the RDB writer need to know of any non-string value.

    Values are in no reference cycles, so that they need no header for the collector: 16 bytes less for each.
    """

    def type_name(self) -> bytes:
        """The word TYPE answers: b"list", b"hash", b"set", b"zset", b"stream"..."""
        raise NotImplementedError

    def encoding(self) -> bytes:
        """The word OBJECT ENCODING answers, such as b"listpack"."""
        raise NotImplementedError

    def length(self) -> i64:
        """The number of elements; an empty value is deleted with its key."""
        raise NotImplementedError

    def memory_bytes(self) -> i64:
        """What the value occupies, in bytes, as the accounting of used_memory counts it. O(1)."""
        raise NotImplementedError

    def copy(self) -> "Value":
        """An independent value with equal content and encoding, for COPY. O(N)."""
        raise NotImplementedError

    def free_effort(self) -> i64:
        """About how many parts are freed one by one when the value is dropped; 1 for a single blob. O(1)."""
        return 1

    def take_apart(self, effort: i64) -> bool:
        """Frees about so many parts of a value that nobody uses any more, and may no longer be used for anything else.

        Returns:
            Whether it pays to call this again; if not, what is left is little.
        """
        return False

    def next_deadline(self) -> i64:
        """The Unix ms before which no part of the value expires; 0 if none ever does, as in all but hashes. O(1)."""
        return 0
