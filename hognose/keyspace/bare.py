"""Small hashes stand in the keys' table bare: their listpack as it is, without the object that is usually around it.

The object takes 80 bytes, the listpack of ten small fields 240. So it is made when a command asks for the hash, and
goes when the command is over:

    between commands    slots: key, b"..."        clock: when << 1 | 1
    HGET                slots: key, b"..."        a HashValue of its own, to read
    HSET                slots: key, HashValue     clock: when << 1
    after it            slots: key, b"..."        clock: when << 1 | 1       `Keyspace.settle_memory`

What tells a bare hash from a string is the lowest bit of the access clock, which lies beside value and deadline and is
touched with them. A hash that is too large, has deadlines, or has been moved by its command, keeps its object; so the
keyspace takes either form everywhere. Whoever walks a table of keys reads values with `Keyspace.value_at`.
"""

from typing import Final

from mypy_extensions import i32, i64

from hognose.datastructures.hashtable import Segment
from hognose.datastructures.hashvalue import PAIR, HashLimits, HashValue

BARE: Final = 1
LONGEST_BARE: Final = 1024
"""Bytes of a listpack up to which it stands bare: how many fields it has is counted each time somebody asks."""


def clock_at(segment: Segment, place: i64) -> i32:
    """The access clock of an entry; see `access`."""
    return segment.clocks[place] >> 1


def set_clock_at(segment: Segment, place: i64, clock: i32) -> None:
    """Gives an entry another access clock."""
    segment.clocks[place] = clock << 1 | segment.clocks[place] & BARE


def is_bare(segment: Segment, place: i64) -> bool:
    """Whether the entry is a bare hash."""
    return segment.clocks[place] & BARE != 0


def bare_hash(segment: Segment, place: i64, limits: HashLimits) -> HashValue:
    """A hash of its own with what stands bare at a place. O(1)."""
    body = segment.slots[2 * place + 1]
    assert isinstance(body, bytes)
    value = HashValue(limits)
    value.unpack(body)
    return value


def lay_bare(segment: Segment, place: i64, value: HashValue) -> bool:
    """Leaves only the listpack of a hash in its place, if it can stand bare and is still there. O(1)."""
    body = value.packed()
    if body is None or len(body) > LONGEST_BARE or value.next_deadline() != 0 or value.stride() != PAIR:
        return False
    slot: i64 = 2 * place + 1
    if slot >= len(segment.slots) or segment.slots[slot] is not value:
        return False
    segment.slots[slot] = body
    segment.clocks[place] = segment.clocks[place] | BARE
    return True
