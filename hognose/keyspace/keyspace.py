"""All databases of a server, and what they have in common: counters, clocks, the memory account."""

from typing import Final

from librt.random import Random
from mypy_extensions import i32, i64

from hognose.clock import Clock
from hognose.datastructures.hashtable import Segment
from hognose.datastructures.hashvalue import HashLimits, HashValue
from hognose.datastructures.value import Value
from hognose.keyspace.access import LFU_START, access_second, lfu_minute, lfu_pack
from hognose.keyspace.bare import bare_hash, is_bare, lay_bare
from hognose.keyspace.database import Database
from hognose.keyspace.events import KeyspaceListener
from hognose.keyspace.freeze import Freezer
from hognose.keyspace.lazyfree import LazyFree
from hognose.keyspace.libraries import Libraries
from hognose.keyspace.memory import value_size


class Keyspace:
    """The databases.

    Args:
        clock: Where time comes from.
        count: How many databases (the `databases` directive).
        random: Where chance comes from.

    Attributes:
        dirty: Changes since the last save.
        memory_bytes: What keys and values occupy, tables not included.
        hits, misses, expired_keys, evicted_keys, expired_fields: As INFO reports them.
        may_expire: Whether this server deletes expired keys itself (False on a replica and while loading).
        frozen_now_ms: When not 0, "now" for deadlines: all of a script or transaction sees one time.
        frozen_now_us: While that is so, what TIME tells; it moves on only when a script has run for so long that others
            are served beside it, so that one that waits for a time gets there.
        ignores_deadlines: Nothing has expired: what is loaded from the append-only file says itself when keys went.
        freezer: The snapshot that is being written while the data goes on changing; None if none is.
        observed: Whether anybody WATCHes keys or tracks them.
        lazyfree: What is freed in slices.
        notify_classes: The event classes that notify-keyspace-events asks for.
        libraries: The libraries of functions, which are saved with the data.
        hash_limits: Up to where hashes are compact.
        touches: Whether lookups renew access clocks (False while a NO-TOUCH client's command runs).
    """

    def __init__(self, clock: Clock, count: i64 = 16, random: Random | None = None) -> None:
        self.clock: Final = clock
        self.random: Random = Random() if random is None else random
        self.listener: KeyspaceListener = KeyspaceListener()
        self.libraries: Libraries = Libraries()
        self.hash_limits: Final = HashLimits()
        self.freezer: Freezer | None = None
        self.dirty: i64 = 0
        self.memory_bytes: i64 = 0
        self.hits: i64 = 0
        self.misses: i64 = 0
        self.expired_keys: i64 = 0
        self.evicted_keys: i64 = 0
        self.expired_fields: i64 = 0
        self.may_expire = True
        self.frozen_now_ms: i64 = 0
        self.frozen_now_us: i64 = 0
        self.ignores_deadlines = False
        self.observed = False
        self.notify_classes: i64 = 0
        self.touches = True
        self.lfu = False
        self.lfu_log_factor: i64 = 10
        self.lfu_decay_minutes: i64 = 1
        self.access_clock: i32 = 0
        self.fresh_clock: i32 = 0
        self._opened: Value | None = None
        self._opened_bytes: i64 = 0
        self._opened_segment: Segment | None = None  # where `_opened` is, if that is a hash
        self._opened_place: i64 = 0
        self._open: list[Value] = []
        self._open_bytes: list[i64] = []
        self.lazyfree: Final = LazyFree(self)
        self.update_access_clock()
        self.databases: Final = [Database(self, index) for index in range(count)]

    def update_access_clock(self) -> None:
        """Brings the access clocks up to the clock; the cron calls it ten times a second."""
        now_ms = self.clock.now_ms
        self.access_clock = access_second(now_ms)
        self.fresh_clock = lfu_pack(lfu_minute(now_ms), LFU_START) if self.lfu else self.access_clock

    def freeze_time(self) -> None:
        """Keeps what is now for the script or transaction that begins; `frozen_now_ms = 0` ends it."""
        self.frozen_now_ms = self.clock.now_ms
        self.frozen_now_us = self.clock.now_us

    def now_ms(self) -> i64:
        """The time, in Unix ms, by which deadlines are judged."""
        return self.frozen_now_ms if self.frozen_now_ms != 0 else self.clock.now_ms

    def deadline_passed(self, deadline_ms: i64) -> bool:
        """Whether a deadline lies in the past."""
        return deadline_ms < self.now_ms() and not self.ignores_deadlines

    def about_to_overwrite(self, text: bytearray, start: i64, stop: i64) -> None:
        """A command is about to change bytes of a string in place, from `start` up to `stop`; appending needs no word.

        Every such change has to come by here, after its key was looked up for writing, but those of HyperLogLogs: these
        are at most 32 KB long, or corrupt and not changed.
        """
        freezer = self.freezer
        if freezer is not None:
            freezer.about_to_overwrite(text, start, stop)

    def value_at(self, segment: Segment, place: i64) -> object:
        """The value of an entry of a table of keys; of a bare hash one to read, which is made for the purpose. O(1)."""
        if is_bare(segment, place):
            return bare_hash(segment, place, self.hash_limits)
        return segment.slots[2 * place + 1]

    # The memory account of values that change in place: weighed when opened and again when the command is over.

    # Most commands open one value: it has a place of its own, `_opened`, and only further ones go to the lists. A small
    # hash that is that one stands bare between commands.

    def note_open(self, value: Value) -> None:
        """A command is about to change a value that is in a table."""
        if self._opened is None:
            self._opened = value
            self._opened_bytes = value.memory_bytes()
        elif not self._is_open(value):
            self._open.append(value)
            self._open_bytes.append(value.memory_bytes())

    def note_hash(self, value: HashValue, size: i64, segment: Segment, place: i64) -> None:
        """As `note_open` and `note_new`, for a hash.

        Args:
            value: The hash.
            size: What is accounted for it.
            segment: Where it is.
            place: The place there.
        """
        if self._opened is None:
            self._opened = value
            self._opened_bytes = size
            self._opened_segment = segment
            self._opened_place = place
        elif not self._is_open(value):
            self._open.append(value)
            self._open_bytes.append(size)

    def _is_open(self, value: Value) -> bool:
        """Whether a value has been noted as open."""
        return self._opened is value or any(known is value for known in self._open)

    def note_new(self, value: Value) -> None:
        """A value has come into a table and may still change before the command is over."""
        if self._opened is None:
            self._opened = value
            self._opened_bytes = 0
            return
        self._open.append(value)
        self._open_bytes.append(0)

    def weigh_leaving(self, value: object) -> i64:
        """The bytes to take off the account for a value that leaves its table."""
        if isinstance(value, (bytes, int)) or not isinstance(value, Value):
            return value_size(value)
        if self._opened is value:
            self._close()
            return self._opened_bytes
        for index in range(len(self._open)):
            if self._open[index] is value:
                self._open.pop(index)
                return self._open_bytes.pop(index)
        return value.memory_bytes()

    def weigh_replaced(self, value: object, replacement: object) -> i64:
        """As `weigh_leaving`, for a value that another one takes the place of, after which nobody uses it any more."""
        if isinstance(value, (bytes, int)) or not isinstance(value, Value):
            return value_size(value)
        size = self.weigh_leaving(value)
        if value is not replacement:
            self.lazyfree.discard(value, self.lazyfree.of_overwritten)
        return size

    def settle_memory(self) -> None:
        """Weighs the values the command opened again. O(values opened)."""
        opened = self._opened
        if opened is not None:
            self.memory_bytes += self._settled_bytes(opened) - self._opened_bytes
            self._close()
        if len(self._open) == 0:
            return
        for index in range(len(self._open)):
            self.memory_bytes += self._open[index].memory_bytes() - self._open_bytes[index]
        self._open.clear()
        self._open_bytes.clear()

    def _settled_bytes(self, opened: Value) -> i64:
        """What a value weighs when its command is over, after which a small hash stands bare."""
        segment = self._opened_segment
        if segment is not None and isinstance(opened, HashValue) and lay_bare(segment, self._opened_place, opened):
            return value_size(segment.slots[2 * self._opened_place + 1])
        return opened.memory_bytes()

    def _close(self) -> None:
        """Forgets the value opened first, and its segment, which would live on after its table."""
        self._opened = None
        if self._opened_segment is not None:
            self._opened_segment = None

    def used_memory(self) -> i64:
        """The memory of all data: keys, values and tables, in bytes. O(databases)."""
        total: i64 = self.memory_bytes + self.lazyfree.table_bytes
        for database in self.databases:
            total += database.table.memory_bytes()
            if database.field_deadlines.count != 0:
                total += database.field_deadlines.memory_bytes()
        return total

    def swap(self, first: i64, second: i64) -> None:
        """Exchanges the contents of two databases; the clients in them see the other's at once. O(1)."""
        one = self.databases[first]
        two = self.databases[second]
        one.table, two.table = two.table, one.table
        one.field_deadlines, two.field_deadlines = two.field_deadlines, one.field_deadlines

    def clear(self) -> i64:
        """Removes all keys of all databases. Returns how many there were."""
        count: i64 = 0
        for database in self.databases:
            count += database.clear()
        return count

    def clear_lazily(self) -> i64:
        """The same, with the memory given back in slices later. O(databases)."""
        count: i64 = 0
        for database in self.databases:
            count += database.clear_lazily()
        return count
