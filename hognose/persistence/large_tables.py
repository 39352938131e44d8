"""Large sets, hashes and sorted sets in a snapshot that is written in slices.

Their tables are watched (`HashTable.watch`) while they are written: a segment that is about to
change is noted first, as it still is, and what is not written and not noted is read from the table. So a change costs
the copy of three segments at most, whatever the size of the value, and what becomes of the value does not matter: the
table is held, also where it is taken apart or the value takes another.

A sorted set is written from its highest rank down, which lets readers build it faster, until it changes for the first
time. What is left is then written in the table's order: an element is left if it stands below the one written last.

    ranks, high to low    [9.5 f] [8.0 a] [8.0 Z] | [7.1 c] [7.1 b] [3.0 e]
                                             written last ^ left: score and member, as they were, are below 8.0 Z
"""

from typing import Final, final

from mypy_extensions import i64

from hognose.datastructures.hashtable import USED, HashTable, Segment, SegmentWatcher
from hognose.datastructures.skiplist import Skiplist
from hognose.datastructures.zset import ZSetValue
from hognose.persistence import rdb_format as rdb
from hognose.persistence.large_values import LargeValue, Notes
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_write_values import NO_DEADLINE

TEXT_BYTES: Final = 8
SCORED_BYTES: Final = 40
"""What a noted text, and a noted member with its score, weigh: places in lists, and a float object."""
RANKS_AT_A_TIME: Final = 128


@final
class Entries:
    """The entries of a segment, or of some ranks.

    Attributes:
        texts: Members, or fields and values in turn.
        deadlines: Those of the fields, Unix ms, 0 for none; empty if none has one.
        scores: Those of the members of a sorted set.
        at: How many texts are written.
    """

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.deadlines: list[int] = []
        self.scores: list[float] = []
        self.at: i64 = 0

    def is_done(self) -> bool:
        """Whether everything is written. O(1)."""
        return self.at >= len(self.texts)


def entries_of(segment: Segment, has_values: bool) -> Entries:
    """The entries of a segment of a set or, with values, of a hash. O(capacity)."""
    found = Entries()
    texts = found.texts
    slots = segment.slots
    place: i64 = 0
    while place < segment.capacity:
        if segment.tags[place] >= USED:
            key = slots[2 * place]
            assert isinstance(key, bytes)
            texts.append(key)
            if has_values:
                value = slots[2 * place + 1]
                assert isinstance(value, bytes)
                texts.append(value)
            if segment.has_deadlines:
                found.deadlines.append(segment.deadlines[place])
        place += 1
    return found


class TableNotes(SegmentWatcher):
    """What a table held when this was made: segments noted before they changed, and those that have not.

    Args:
        table: Watched until `close`.
        entry_bytes: What a noted text weighs, with all that belongs to it.
        notes: The account.
    """

    def __init__(self, table: HashTable, entry_bytes: i64, notes: Notes) -> None:
        self._table: Final = table
        self._segments: Final = table.segments
        self._at: i64 = 0
        self._noted: Final[list[Entries]] = []
        self._entry_bytes: i64 = entry_bytes
        self._notes: Final = notes
        table.watch(self)

    def note(self, entries: Entries) -> None:
        """Keeps entries of a segment that is about to change."""
        self._noted.append(entries)
        self._notes.used_bytes += self._entry_bytes * len(entries.texts)

    def take_noted(self) -> Entries | None:
        """Hands over entries that were noted; None if there are none."""
        if not self._noted:
            return None
        entries = self._noted.pop()
        self._notes.used_bytes -= self._entry_bytes * len(entries.texts)
        return entries

    def next_segment(self) -> Segment | None:
        """The next segment that has not changed and was not returned before; None at the end."""
        epoch = self._table.epoch
        count: i64 = len(self._segments)
        while self._at < count:
            segment = self._segments[self._at]
            self._at += 1
            if segment.epoch != epoch:
                segment.epoch = epoch
                return segment
        return None

    def close(self) -> None:
        """Ends the watch, with everything read or not."""
        self._table.unwatch()
        while self.take_noted() is not None:
            pass


@final
class TableAsOf(TableNotes):
    """The entries of a hash table as they were when this was made, in no order.

    Args:
        table: Watched until `close`.
        has_values: Whether the values are strings that belong to the entries; members of sets have none.
        notes: The account.
    """

    def __init__(self, table: HashTable, has_values: bool, notes: Notes) -> None:
        super().__init__(table, TEXT_BYTES, notes)
        self._has_values: Final = has_values

    def before_change(self, segment: Segment) -> None:
        self.note(entries_of(segment, self._has_values))

    def next(self) -> Entries | None:
        """Entries that were not returned before; none may be among them. None at the end. O(segment)."""
        noted = self.take_noted()
        if noted is not None:
            return noted
        segment = self.next_segment()
        return None if segment is None else entries_of(segment, self._has_values)


@final
class ScoresAsOf(TableNotes):
    """The members of a sorted set as they were when this was made: from the highest rank down while they do not change.

    Args:
        table: Watched until `close`.
        order: The same members in order.
        notes: The account.
    """

    def __init__(self, table: HashTable, order: Skiplist, notes: Notes) -> None:
        super().__init__(table, SCORED_BYTES, notes)
        self._order: Skiplist | None = order  # None from the first change on
        self._rank: i64 = order.length()  # where the last ranks read begin
        self._last_score: float = 0.0
        self._last_member: bytes = b""
        self._has_last = False

    def leave_order(self) -> None:
        """The set is about to change: from now on it is read from the table. O(1)."""
        self._order = None

    def before_change(self, segment: Segment) -> None:
        self._order = None
        self.note(self._read(segment))

    def next(self) -> Entries | None:
        """Members that were not returned before; none may be among them. None at the end.

        Complexity:
            O(log N), or O(segment).
        """
        order = self._order
        if order is not None:
            return self._next_ranks(order)
        noted = self.take_noted()
        if noted is not None:
            return noted
        segment = self.next_segment()
        return None if segment is None else self._read(segment)

    def _next_ranks(self, order: Skiplist) -> Entries | None:
        stop = self._rank
        if stop == 0:
            return None
        start = max(stop - RANKS_AT_A_TIME, 0)
        found = Entries()
        found.texts = order.members(start, stop)
        found.scores = order.scores(start, stop)
        self._last_score = found.scores[0]
        self._last_member = found.texts[0]
        self._has_last = True
        self._rank = start
        found.texts.reverse()
        found.scores.reverse()
        return found

    def _read(self, segment: Segment) -> Entries:
        """Those members of a segment that were not read by rank."""
        found = Entries()
        last_score = self._last_score
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                member = segment.slots[2 * place]
                assert isinstance(member, bytes)
                score = segment.scores[place]
                if not self._has_last or score < last_score or (score == last_score and member < self._last_member):
                    found.texts.append(member)
                    found.scores.append(score)
            place += 1
        return found


@final
class TableValue(LargeValue):
    """A set or a hash, with or without deadlines.

    Args:
        table: What holds it.
        kind: Its type in the file.
        earliest: No field of it expires before this, Unix ms.
    """

    def __init__(self, database: i64, head: bytes, table: HashTable, kind: i64, earliest: i64, notes: Notes) -> None:
        super().__init__(database, head)
        self._kind: i64 = kind
        self._earliest: i64 = earliest
        self._left: i64 = table.count
        self._entries: Entries | None = None
        self._is_first = True
        self._source: Final = TableAsOf(table, kind != rdb.SET, notes)

    def close(self) -> None:
        self._source.close()

    def write_part(self, sink: RdbSink) -> bool:
        if self._is_first:
            self._is_first = False
            if self._kind == rdb.HASH_DEADLINES:
                sink.i64_le(self._earliest)
            sink.length(self._left)
        entries = self._entries
        if entries is None or entries.is_done():
            entries = self._source.next()
            self._entries = entries
            assert entries is not None
        while self._room > 0 and not entries.is_done():
            self._write_entry(sink, entries)
            self._left -= 1
        return self._left > 0

    def _write_entry(self, sink: RdbSink, entries: Entries) -> None:
        at = entries.at
        if self._kind == rdb.SET:
            entries.at = at + 1
            self.text(sink, entries.texts[at])
            return
        entries.at = at + 2
        deadline: i64 = entries.deadlines[at >> 1] if entries.deadlines else 0
        if self._kind == rdb.HASH_DEADLINES:
            self.target(sink).length(deadline - self._earliest + 1 if deadline != 0 else 0)
        self.text(sink, entries.texts[at])
        self.text(sink, entries.texts[at + 1])
        if self._kind == rdb.VALKEY_HASH_DEADLINES:
            self.target(sink).i64_le(deadline if deadline != 0 else NO_DEADLINE)


@final
class ScoredValue(LargeValue):
    """A sorted set.

    Args:
        value: It.
        table: What holds its members.
        order: The same members in order.
    """

    def __init__(
        self, database: i64, head: bytes, value: ZSetValue, table: HashTable, order: Skiplist, notes: Notes
    ) -> None:
        super().__init__(database, head)
        self.told_of = value
        self._left: i64 = order.length()
        self._entries: Entries | None = None
        self._is_first = True
        self._source: Final = ScoresAsOf(table, order, notes)

    def let_go(self) -> None:
        self._source.leave_order()

    def close(self) -> None:
        self._source.close()

    def write_part(self, sink: RdbSink) -> bool:
        if self._is_first:
            self._is_first = False
            sink.length(self._left)
        entries = self._entries
        if entries is None or entries.is_done():
            entries = self._source.next()
            self._entries = entries
            assert entries is not None
        while self._room > 0 and not entries.is_done():
            at = entries.at
            entries.at = at + 1
            self._left -= 1
            self.text(sink, entries.texts[at])
            self.target(sink).double(entries.scores[at])
        return self._left > 0
