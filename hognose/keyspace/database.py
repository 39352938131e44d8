"""One numbered database: the table of its keys, with expiry.

A key is live until its deadline. Past it, the key is gone for every reader at once, and leaves memory when somebody
touches it or when the expiry cycle (`expiry.py`) comes by, whichever is first. On a replica it stays until the primary
says DEL, but readers do not see it.

Commands look keys up with `lookup_read` or `lookup_write` and report what they did with `changed`, which counts the
change, fires the keyspace event and tells watchers, all in one call.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i32, i64

from hognose.datastructures.hashtable import HashTable, Segment
from hognose.datastructures.hashvalue import ALL, HashValue
from hognose.datastructures.value import Value
from hognose.keyspace.access import lfu_touched
from hognose.keyspace.bare import BARE, bare_hash, clock_at, is_bare, set_clock_at
from hognose.keyspace.events import EXPIRED, GENERIC, HASH, KEY_MISS, NEW
from hognose.keyspace.memory import bytes_size, value_size

if TYPE_CHECKING:
    from hognose.keyspace.keyspace import Keyspace

FIELDS_AT_A_TIME: Final = 512
"""Fields of a hash that expire in a row, and those of the same segment: less than a millisecond."""


class Database:
    """The keys of one database.

    Attributes:
        index: Its number.
        table: Keys to values, with access clocks and deadlines.
        field_deadlines: The keys of hashes with fields that expire, each with the earliest of their deadlines. A key
            that is gone, or its hash without such fields, stays until the expiry cycle finds out.
        awaited: Keys that blocked clients wait for, with how many do.
    """

    def __init__(self, keyspace: "Keyspace", index: i64) -> None:
        self.keyspace: Final = keyspace
        self.index: i64 = index
        self.table: HashTable = HashTable(clocks=True)
        self.field_deadlines: HashTable = HashTable()
        self.awaited: dict[bytes, int] = {}
        self._empty_bytes: Final[i64] = self.table.memory_bytes()
        self._place: i64 = -1  # where `_lookup` found its key in `table.found`

    def table_overhead(self) -> i64:
        """What the keys' table weighs beyond an empty one. O(1)."""
        return self.table.memory_bytes() - self._empty_bytes

    def index_overhead(self) -> i64:
        """What finding the fields that expire takes. O(1)."""
        return self.field_deadlines.memory_bytes() if self.field_deadlines.count != 0 else 0

    # Lookup

    def lookup_read(self, key: bytes) -> object | None:
        """The value of a key for a command that only reads; counts a hit or miss. O(1)."""
        value = self._lookup(key)
        keyspace = self.keyspace
        if value is None:
            keyspace.misses += 1
            if keyspace.notify_classes & KEY_MISS != 0:
                keyspace.listener.key_event(KEY_MISS, b"keymiss", key, self.index)
        else:
            keyspace.hits += 1
        return value

    def lookup_write(self, key: bytes) -> object | None:
        """The value of a key for a command that may change it; an expired key is deleted first. O(1)."""
        value = self._lookup(key)
        if not isinstance(value, (bytes, int)) and value is not None:
            self._open(value)
        return value

    def _open(self, value: object) -> None:
        """The value just found may be about to change in place."""
        segment = self.table.found
        if segment.is_unsaved:
            self._save_first(self._place)
        if isinstance(value, HashValue):
            self._open_hash(segment, value)
        elif isinstance(value, Value):
            self.keyspace.note_open(value)

    def _open_hash(self, segment: Segment, value: HashValue) -> None:
        """As `_open`. One that was just made of a bare hash takes its place, so that to change it changes the key."""
        place = self._place
        size = value.memory_bytes()
        if is_bare(segment, place):
            size = value_size(segment.slots[2 * place + 1])
            segment.slots[2 * place + 1] = value
            segment.clocks[place] = segment.clocks[place] & ~BARE
        self.keyspace.note_hash(value, size, segment, place)

    def open_read(self, key: bytes) -> None:
        """Says that the value of a key that was looked up for reading is about to change in place after all. O(1)."""
        place = self.table.find(key)
        if place >= 0 and self.table.found.is_unsaved:
            self._save_first(place)

    def _save_first(self, place: i64) -> None:
        """The entry just found is about to change, and a running snapshot has not written it yet: it does so now."""
        freezer = self.keyspace.freezer
        if freezer is not None:
            freezer.about_to_change(self.table, self.table.found, place)

    def lookup_counted(self, key: bytes) -> object | None:
        """As `lookup_write`, for the few writing commands (XACK, XREADGROUP) that count hits and misses. O(1)."""
        value = self.lookup_read(key)
        if not isinstance(value, (bytes, int)) and value is not None:
            self._open(value)
        return value

    def peek(self, key: bytes) -> object | None:
        """The value of a key, leaving its access clock and the statistics alone; an expired key is None. O(1)."""
        place = self.table.find(key)
        if place < 0 or self._is_past(place):
            return None
        return self.keyspace.value_at(self.table.found, place)

    def lookup_untouched(self, key: bytes) -> object | None:
        """As `lookup_read`, for a command that is no use of the key (TTL, TYPE): its access clock stays. O(1)."""
        keyspace = self.keyspace
        touches = keyspace.touches
        keyspace.touches = False
        value = self.lookup_read(key)
        keyspace.touches = touches
        return value

    def expire_if_past(self, key: bytes) -> bool:
        """Whether a key's deadline has passed; it is deleted then, unless this server must not (a replica). O(1)."""
        place = self.table.find(key)
        if place < 0 or not self._is_past(place):
            return False
        self._expire_found(place)
        return True

    def access_clock(self, key: bytes) -> i32:
        """The access clock of a key that is there; see `access`. O(1)."""
        place = self.table.find(key)
        assert place >= 0
        return clock_at(self.table.found, place)

    def set_access_clock(self, key: bytes, clock: i32) -> None:
        """Gives a key that is there another access clock, as RENAME and RESTORE do. O(1)."""
        place = self.table.find(key)
        assert place >= 0
        set_clock_at(self.table.found, place, clock)

    def _lookup(self, key: bytes) -> object | None:
        table = self.table
        place = table.find(key)
        if place < 0:
            return None
        segment = table.found
        if segment.has_deadlines and self._is_past(place):
            self._expire_found(place)
            return None
        self._place = place
        keyspace = self.keyspace
        bare: i32 = segment.clocks[place] & BARE
        if keyspace.touches:
            clock = lfu_touched(keyspace, clock_at(segment, place)) if keyspace.lfu else keyspace.access_clock
            segment.clocks[place] = clock << 1 | bare
        if bare != 0:
            return bare_hash(segment, place, keyspace.hash_limits)
        return segment.slots[2 * place + 1]

    def _is_past(self, place: i64) -> bool:
        """Whether the entry just found is past its deadline."""
        deadline = self.table.deadline(place)
        if deadline == 0:
            return False
        return self.keyspace.deadline_passed(deadline)

    def _expire_found(self, place: i64) -> None:
        """Deletes the entry just found because its deadline passed, unless this server must not (a replica)."""
        if not self.keyspace.may_expire:
            return
        key = self.table.found.slots[2 * place]
        assert isinstance(key, bytes)
        self.expire(key)

    def expire(self, key: bytes) -> None:
        """Deletes a key whose deadline passed, with all that follows: statistics, DEL for replicas, event. O(1)."""
        keyspace = self.keyspace
        keyspace.listener.key_expired(self.index, key)
        keyspace.lazyfree.discard(self.remove(key), keyspace.lazyfree.of_expired)
        keyspace.expired_keys += 1
        self.signal(key)
        self.notify(EXPIRED, b"expired", key)

    # Change

    def set(self, key: bytes, value: object) -> None:
        """Gives a key a value, new or in place of the old one, and takes its deadline away. O(1)."""
        self._put(key, value, keep_deadline=False)

    def set_keep_deadline(self, key: bytes, value: object) -> None:
        """Gives a key a value and keeps its deadline if it has one. O(1)."""
        self._put(key, value, keep_deadline=True)

    def _put(self, key: bytes, value: object, keep_deadline: bool) -> None:
        table = self.table
        keyspace = self.keyspace
        place = table.find(key)
        if place < 0:
            self.insert_missing(key, value)
            return
        segment = table.found
        if segment.is_unsaved:
            self._save_first(place)
        if segment.has_deadlines:
            if self._is_past(place) and keyspace.may_expire:
                self.expire(key)
                table.find(key)
                self.insert_missing(key, value)
                return
            if not keep_deadline:
                table.set_deadline(place, 0)
        slot: i64 = 2 * place + 1
        keyspace.memory_bytes -= keyspace.weigh_replaced(segment.slots[slot], value)
        segment.slots[slot] = value
        segment.clocks[place] = keyspace.fresh_clock << 1
        self._weigh_new(value, segment, place)
        self.wake(key)
        if isinstance(value, HashValue) and value.next_deadline() != 0:
            self.await_fields(key, value.next_deadline())

    def insert_missing(self, key: bytes, value: object) -> None:
        """Adds a key right after the table's `find` did not find it. O(1)."""
        keyspace = self.keyspace
        table = self.table
        place = table.insert_missing(key, value)
        segment = table.found
        segment.clocks[place] = keyspace.fresh_clock << 1
        if segment.is_unsaved and keyspace.freezer is not None:
            keyspace.freezer.added(segment, key)
        keyspace.memory_bytes += bytes_size(len(key))
        self._weigh_new(value, segment, place)
        if isinstance(value, HashValue) and value.next_deadline() != 0:
            self.await_fields(key, value.next_deadline())
        self.wake(key)
        if keyspace.notify_classes & NEW != 0:
            keyspace.listener.key_event(NEW, b"new", key, self.index)

    def _weigh_new(self, value: object, segment: Segment, place: i64) -> None:
        """Accounts for a value that has come into the table."""
        keyspace = self.keyspace
        if isinstance(value, (bytes, int)) or not isinstance(value, Value):
            keyspace.memory_bytes += value_size(value)
        elif isinstance(value, HashValue):
            keyspace.note_hash(value, 0, segment, place)
        else:
            keyspace.note_new(value)

    def replace_found(self, old: object, value: object) -> None:
        """Changes the value of the key that `lookup_write` has just found, saving `replace` the second search. O(1).

        Args:
            old: What `lookup_write` returned. Nothing else may have been looked up since.
            value: The new value.
        """
        segment = self.table.found
        if segment.is_unsaved:
            self._save_first(self._place)
        segment.slots[2 * self._place + 1] = value
        if isinstance(old, int) and isinstance(value, int):
            return
        keyspace = self.keyspace
        keyspace.memory_bytes -= keyspace.weigh_leaving(old)
        self._weigh_new(value, segment, self._place)

    def replace(self, key: bytes, value: object) -> None:
        """Changes the value of a key that is there, keeping deadline and clock, such as a string that grew. O(1)."""
        table = self.table
        place = table.find(key)
        assert place >= 0
        slot: i64 = 2 * place + 1
        segment = table.found
        if segment.is_unsaved:
            self._save_first(place)
        self.keyspace.memory_bytes -= self.keyspace.weigh_leaving(segment.slots[slot])
        segment.slots[slot] = value
        segment.clocks[place] = segment.clocks[place] & ~BARE
        self._weigh_new(value, segment, place)

    def remove(self, key: bytes) -> object | None:
        """Takes a key out, expired or not, with no event. Returns its value, or None. O(1)."""
        table = self.table
        place = table.find(key)
        if place < 0:
            return None
        segment = table.found
        if segment.is_unsaved:
            self._save_first(place)
        value = self.keyspace.value_at(segment, place)
        stored = table.remove_found(place)
        self.wake(key)
        self.keyspace.memory_bytes -= bytes_size(len(key)) + self.keyspace.weigh_leaving(stored)
        return value

    def delete(self, key: bytes) -> object | None:
        """Deletes a live key; an expired one is expired instead. Returns the value if there was a live one. O(1).

        Where expired keys stay until the primary deletes them (a replica), this deletes those too.
        """
        place = self.table.find(key)
        if place < 0:
            return None
        if self.keyspace.may_expire and self.table.found.has_deadlines and self._is_past(place):
            self._expire_found(place)
            return None
        return self.remove(key)

    def drop(self, key: bytes) -> bool:
        """As `remove`, for a value that makes room for something else and that nobody uses any more. O(1)."""
        value = self.remove(key)
        if value is None:
            return False
        self.keyspace.lazyfree.discard(value, self.keyspace.lazyfree.of_overwritten)
        return True

    def delete_empty(self, key: bytes) -> None:
        """Deletes a key whose value has just lost its last element, with the `del` event. O(1)."""
        self.remove(key)
        self.notify(GENERIC, b"del", key)

    def clear(self) -> i64:
        """Removes everything. Returns how many keys there were."""
        table = self.table
        count: i64 = table.count
        keyspace = self.keyspace
        if keyspace.freezer is not None and count != 0:
            keyspace.freezer.emptied()
        for segment in table.segments:
            place: i64 = 0
            while place < segment.capacity:
                key = segment.slots[2 * place]
                if isinstance(key, bytes):
                    value = segment.slots[2 * place + 1]
                    keyspace.memory_bytes -= bytes_size(len(key)) + keyspace.weigh_leaving(value)
                place += 1
        table.clear()
        self.field_deadlines.clear()
        return count

    def clear_lazily(self) -> i64:
        """Removes everything now and gives its memory back in slices. Returns how many keys there were. O(1)."""
        count: i64 = self.table.count
        if count != 0:
            if self.keyspace.freezer is not None:
                self.keyspace.freezer.emptied()
            self.keyspace.lazyfree.discard_table(self.table)
        if self.field_deadlines.count != 0:
            self.keyspace.lazyfree.discard_index(self.field_deadlines)
        return count

    # Deadlines

    def deadline(self, key: bytes) -> i64:
        """The deadline of a key in Unix ms; 0 if it has none, -1 if there is no such live key. O(1)."""
        place = self.table.find(key)
        if place < 0 or self._is_past(place):
            return -1
        return self.table.deadline(place)

    def set_deadline(self, key: bytes, deadline_ms: i64) -> None:
        """Gives a key that is there a deadline in Unix ms; 0 takes it away. O(1)."""
        place = self.table.find(key)
        assert place >= 0
        if self.table.found.is_unsaved:
            self._save_first(place)
        self.table.set_deadline(place, deadline_ms)

    # Deadlines of the fields of hashes

    def await_fields(self, key: bytes, deadline_ms: i64) -> None:
        """Notes when the first field of the hash at a key expires, in Unix ms. O(1)."""
        table = self.field_deadlines
        table.set(key, True)
        table.set_deadline(table.find(key), deadline_ms)

    def expire_fields(self, key: bytes, value: HashValue, enough: i64 = ALL) -> i64:
        """Deletes the fields of a hash whose deadlines passed, and the hash with its last one. O(expired fields).

        Args:
            key: The key.
            value: The hash there.
            enough: After about so many the others are left.

        Returns:
            How many fields were deleted.
        """
        keyspace = self.keyspace
        fields = value.due(keyspace.now_ms(), enough)
        if not fields:
            return 0
        place = self.table.find(key)
        if place >= 0 and self.table.found.is_unsaved:
            self._save_first(place)
        keyspace.note_open(value)
        for field in fields:
            value.delete(field)
        keyspace.listener.fields_expired(self.index, key, fields)
        keyspace.expired_fields += len(fields)
        self.signal(key)
        self.notify(HASH, b"hexpired", key)
        if value.length() == 0:
            self.delete_empty(key)
        return len(fields)

    def expire_fields_at(self, key: bytes) -> bool:
        """What the expiry cycle does with a key of `field_deadlines` that has come due. O(FIELDS_AT_A_TIME).

        Returns:
            Whether there may be more fields that are due.
        """
        place = self.table.find(key)
        value = self.table.found.slots[2 * place + 1] if place >= 0 else None
        earliest: i64 = 0
        expired: i64 = 0
        if isinstance(value, HashValue):
            expired = self.expire_fields(key, value, FIELDS_AT_A_TIME)
            earliest = value.next_deadline()
        if earliest != 0:
            self.await_fields(key, earliest)
        else:
            self.field_deadlines.pop(key)
        return earliest != 0 and expired >= FIELDS_AT_A_TIME

    # Reports

    def changed(self, event_class: i64, event: bytes, key: bytes) -> None:
        """Reports one change a command made: counts it, tells watchers, fires the event."""
        keyspace = self.keyspace
        keyspace.dirty += 1
        if keyspace.observed:
            keyspace.listener.key_modified(self.index, key)
        if keyspace.notify_classes & event_class != 0:
            keyspace.listener.key_event(event_class, event, key, self.index)

    def wake(self, key: bytes) -> None:
        """Tells clients blocked on a key that it came to life, was lost, or (streams) got more to read."""
        if len(self.awaited) != 0 and key in self.awaited:
            self.keyspace.listener.key_ready(self.index, key)

    def signal(self, key: bytes) -> None:
        """Tells watchers and tracking clients that a key changed."""
        if self.keyspace.observed:
            self.keyspace.listener.key_modified(self.index, key)

    def notify(self, event_class: i64, event: bytes, key: bytes) -> None:
        """Fires a keyspace event if notify-keyspace-events asks for its class."""
        if self.keyspace.notify_classes & event_class != 0:
            self.keyspace.listener.key_event(event_class, event, key, self.index)
