"""Freeing large values and whole databases in slices, so that no client waits for it.

Dropping the last reference to a collection frees its elements in one go: 0.05 to 0.1 s for a million of them. A thread
would hold the interpreter's lock for just as long. So what is to be freed is kept here instead, and taken apart piece
by piece between the passes of clients:

    UNLINK key     the value leaves its table at once   values  [zset] [hash]
    FLUSHALL ASYNC databases get new, empty tables      tables  [ segment | segment | ... ]

`step` frees some elements. Who calls it, and for how long at a time, is the server's affair.

When: UNLINK, FLUSHALL ASYNC and what the `lazyfree-*` directives say, for values worth it (`Value.free_effort` above
`WORTHWHILE`, as in Redis). Values that are very large (`ALWAYS`) are never freed in one go where the server itself
drops them, because they expired, were evicted or overwritten, whatever the directives say: waiting serves nobody. Only
DEL and FLUSHALL SYNC of a client are taken at their word.

The account: a value's memory is off it when the value leaves its table; that of a flushed database stays until each key
is freed, as counting it would take as long as freeing it.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.datastructures.hashtable import HashTable, Segment
from hognose.datastructures.value import Value
from hognose.keyspace.memory import bytes_size, value_size

if TYPE_CHECKING:
    from hognose.keyspace.keyspace import Keyspace

WORTHWHILE: Final = 64
"""Values with no more parts than this are freed at once (Redis: LAZYFREE_THRESHOLD)."""
ALWAYS: Final = 4096
"""Values with more parts than this are freed in slices, even where the directives say otherwise; 4,096 take 0.5 ms."""
STEP: Final = 16
"""Parts freed by one step: 2 us worth, but up to a thousand times more where their memory goes back to the system. That
comes in bursts near the end, when the last objects of many arenas go."""
SEGMENTS_PER_STEP: Final = 16


class LazyFree:
    """What is still to be freed of one server's data.

    Attributes:
        pending_objects: Keys and values waiting (INFO lazyfree_pending_objects).
        freed_objects: Those freed so far (INFO lazyfreed_objects).
        pending_bytes: What the waiting values occupy that are off the account.
        table_bytes: What the tables of flushed databases occupy, without keys and values.
        of_expired, of_evicted, of_overwritten: lazyfree-lazy-expire, -eviction and -server-del.
    """

    def __init__(self, keyspace: "Keyspace") -> None:
        self._keyspace: Final = keyspace
        self._values: list[Value] = []
        self._sizes: list[i64] = []
        self._tables: list[list[Segment]] = []
        self._indexes: list[list[Segment]] = []
        self.pending_objects: i64 = 0
        self.freed_objects: i64 = 0
        self.pending_bytes: i64 = 0
        self.table_bytes: i64 = 0
        self.of_expired = False
        self.of_evicted = False
        self.of_overwritten = False

    def discard(self, value: object, lazily: bool) -> None:
        """Takes a value that has left its table; the caller must not use it any more. O(1).

        Args:
            value: Any value; what is not worth it is simply dropped.
            lazily: Whether it is to be freed in slices if it is worth it.
        """
        if isinstance(value, (bytes, int)) or not isinstance(value, Value):
            return
        effort = value.free_effort()
        if effort > WORTHWHILE and (lazily or effort > ALWAYS):
            self.pending_objects += 1
            self._add(value)
            self._keyspace.listener.data_to_free()

    def discard_table(self, table: HashTable) -> None:
        """Takes all keys and values of a table that is still accounted for, and leaves it empty. O(1)."""
        self.pending_objects += table.count
        self.table_bytes += table.structure_bytes
        self._tables.append(table.detach())
        self._keyspace.listener.data_to_free()

    def discard_index(self, table: HashTable) -> None:
        """Takes a table of keys that are accounted for elsewhere, and leaves it empty. O(1)."""
        self._indexes.append(table.detach())
        self._keyspace.listener.data_to_free()

    def has_more(self) -> bool:
        """Whether anything is left to free."""
        return len(self._values) != 0 or len(self._tables) != 0 or len(self._indexes) != 0

    def step(self) -> None:
        """Frees a small part of what waits. Call it while `has_more`."""
        if self._values:
            if self._values[-1].take_apart(STEP):
                return
            self._values.pop()
            self.pending_bytes -= self._sizes.pop()
            self._count(1)
        elif self._tables:
            segments = self._tables[-1]
            if segments and self._free_keys(segments[-1]):
                segments.pop()
            if not segments:
                self._tables.pop()
            if not self._tables:
                self.table_bytes = 0
        elif self._indexes:
            segments = self._indexes[-1]
            del segments[max(len(segments) - SEGMENTS_PER_STEP, 0) :]
            if not segments:
                self._indexes.pop()

    def _add(self, value: Value) -> None:
        size = value.memory_bytes()
        self._values.append(value)
        self._sizes.append(size)
        self.pending_bytes += size

    def _count(self, objects: i64) -> None:
        self.freed_objects += objects
        self.pending_objects -= objects

    def _free_keys(self, segment: Segment) -> bool:
        """Frees the last keys of a segment and their values; large ones are taken apart next. True if none is left."""
        keyspace = self._keyspace
        slots = segment.slots
        freed: i64 = 0
        first: i64 = max(len(slots) // 2 - STEP, 0)
        place: i64 = first
        while 2 * place < len(slots):
            key = slots[2 * place]
            if isinstance(key, bytes):
                value = slots[2 * place + 1]
                keyspace.memory_bytes -= bytes_size(len(key)) + value_size(value)
                if isinstance(value, Value) and value.free_effort() > WORTHWHILE:
                    self._add(value)
                else:
                    freed += 1
            place += 1
        del slots[2 * first :]
        self._count(freed)
        return first == 0
