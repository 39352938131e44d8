"""The segmented hash table: the keyspace, every large hash, every large set, and the scores of large sorted sets.

What it is: a map from `bytes` to any object that grows and shrinks in small steps, scans without server-side cursor
state, picks random entries in O(1), and keeps per entry, beside key and value, an access clock and a deadline (both
optional).

How it works: linear hashing over open-addressing segments of about 1,000 entries. The bits of a key's hash:

    62 ............ 28   27   26 ................ 7   6 ... 0
    segment              -    home: place in it       tag

    segments   [0] [1] [2] ... [split] ... [mask] [mask+1] ...        one more for every 1,024 entries
                                  ^ the next to be split in two; those before it have been, at this level

    Segment    tags       u8  per place: 0 free, 1 deleted, 0x80 | tag used
               slots      key, value, key, value ...
               scores     float per place, beside a value that means nothing  (tables made with scores=True)
               clocks     i32 per place, what `keyspace.bare` keeps there  (tables made with clocks=True)
               deadlines  i64 per place, Unix ms or 0           (allocated when a first entry of the segment has one)

A lookup compares tags first and touches a key only when the 7 bits agree. What it costs is cache misses, so segments
are large enough that their headers stay in the cache: with 1 million keys a lookup takes 1.0 us in segments of 1,024
and 1.6 in segments of 48. An insert splits at most one segment and a removal merges at most two, 0.1 ms, so growing to
millions of keys never pauses.

A table can be watched by one `SegmentWatcher`, which is told before a segment changes for the first time since; that is
how a value is written over a while as it was at one moment. A change tells of at most three segments, whatever the size
of the table: its own, and those that a split or a merge takes with it. What writes to `slots` directly is not told of:
only the keyspace does, whose tables are not watched (see `keyspace.freeze`).

    epoch of the table     2                       begun with the watch
    epochs of segments     [2] [0] [1] [2] [0]     2: told of, read by the watcher, or made since

Sources: Litwin, "Linear hashing: a new tool for file and table addressing", VLDB 1980 (growth); Pieter Noordhuis'
reverse binary iteration (the order in which SCAN visits segments).
"""

from typing import Final

from librt.random import Random
from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr, u8

from hognose.datastructures.keyhash import HASHER

FREE: Final = 0
DELETED: Final = 1
USED: Final = 0x80

SEGMENT_SHIFT: Final = 28
HOME_SHIFT: Final = 7
HOME_BITS: Final = 20
HOMES: Final = 1 << HOME_BITS
"""How finely the hash divides a segment; a home becomes a place by scaling to the segment's capacity."""
CURSOR_LEVEL_BITS: Final = 6

SEGMENT_ENTRIES: Final = 1024
"""Entries per segment, on average, at which the table grows by a segment."""
SMALLEST_CAPACITY: Final = 8
SEGMENT_OVERHEAD_BYTES: Final = 288
"""What a segment's objects weigh without their places: measured on CPython 3.11."""
PLACE_BYTES: Final = 17
CLOCK_BYTES: Final = 4
SCORE_BYTES: Final = 8
DEADLINE_BYTES: Final = 8


class Segment:
    """A small open-addressing table with linear probing. See the module's drawing."""

    def __init__(self, capacity: i64, clocks: bool, scores: bool) -> None:
        self.capacity: i64 = capacity
        self.tags: vec[u8] = _zero_tags(capacity)
        self.slots: list[object] = [None] * (2 * capacity)
        self.clocks: vec[i32] = _zero_clocks(capacity if clocks else 0)
        self.scores: vec[float] = _zero_scores(capacity if scores else 0)
        self.deadlines: vec[i64] = vec[i64]()
        self.has_deadlines = False
        self.is_unsaved = False  # a snapshot has yet to write its entries; see `keyspace.freeze`
        self.noted: set[bytes] | None = None  # except these
        self.epoch: i64 = 0  # that of the table: a watcher of it need not be told of changes
        self.earliest: i64 = 0  # no deadline lies before this; 0 while there is none
        self.live: i64 = 0
        self.filled: i64 = 0  # used and deleted places

    def copy(self) -> "Segment":
        """An independent segment with the same entries at the same places, which no snapshot waits for."""
        twin = Segment(0, False, False)
        twin.capacity = self.capacity
        twin.tags = self.tags[:]
        twin.slots = self.slots[:]
        twin.clocks = self.clocks[:]
        twin.scores = self.scores[:]
        twin.deadlines = self.deadlines[:]
        twin.has_deadlines = self.has_deadlines
        twin.earliest = self.earliest
        twin.live = self.live
        twin.filled = self.filled
        return twin

    def memory_bytes(self, clocks: bool) -> i64:
        """What the segment occupies without keys and values."""
        place: i64 = PLACE_BYTES + (CLOCK_BYTES if clocks else 0) + (DEADLINE_BYTES if self.has_deadlines else 0)
        return SEGMENT_OVERHEAD_BYTES + self.capacity * place + len(self.scores) * SCORE_BYTES


def _zero_tags(count: i64) -> vec[u8]:
    tags = vec[u8](capacity=count)
    i: i64 = 0
    while i < count:
        tags = append(tags, FREE)
        i += 1
    return tags


def _zero_clocks(count: i64) -> vec[i32]:
    clocks = vec[i32](capacity=count)
    i: i64 = 0
    while i < count:
        clocks = append(clocks, 0)
        i += 1
    return clocks


def _zero_scores(count: i64) -> vec[float]:
    scores = vec[float](capacity=count)
    i: i64 = 0
    while i < count:
        scores = append(scores, 0.0)
        i += 1
    return scores


def _zero_deadlines(count: i64) -> vec[i64]:
    deadlines = vec[i64](capacity=count)
    i: i64 = 0
    while i < count:
        deadlines = append(deadlines, 0)
        i += 1
    return deadlines


@mypyc_attr(allow_interpreted_subclasses=True)
class SegmentWatcher:
    """Who reads the segments of a table one after the other, as all of them were when it began to watch."""

    def before_change(self, segment: Segment) -> None:
        """A segment is about to change for the first time; the watcher notes what it still needs. O(capacity)."""
        raise NotImplementedError


class HashTable:
    """A map from bytes to objects. Values must not be None.

    Args:
        clocks: Keep an access clock per entry.
        scores: Keep a float per entry, at `found.scores[place]`.
        segment_entries: Average entries per segment at which the table grows; small in tests.

    Attributes:
        count: Number of entries.
        expires: Number of entries with a deadline.
        segments: The segments, for walks over everything by index.
        found: The segment of the entry that `find` found last.
        keeps_segments: Segments are not merged: a snapshot is being written.
        saved_as: The number of the database that the snapshot files the table under.
        watcher: Who is told before a segment changes that is not of this epoch; None if nobody is.
        epoch: How often the table has been watched.
    """

    def __init__(self, clocks: bool = False, segment_entries: i64 = SEGMENT_ENTRIES, scores: bool = False) -> None:
        self.clocks: Final = clocks
        self._has_scores: Final = scores
        self.segment_entries: i64 = segment_entries
        self.keeps_segments = False
        self.saved_as: i64 = 0
        self.watcher: SegmentWatcher | None = None
        self.epoch: i64 = 0
        self.count: i64 = 0
        self.expires: i64 = 0
        self.structure_bytes: i64 = 0
        self._mask: i64 = 0
        self._split: i64 = 0
        self._widest: i64 = SMALLEST_CAPACITY
        first = Segment(SMALLEST_CAPACITY, clocks, scores)
        self.segments: list[Segment] = [first]
        self.structure_bytes = first.memory_bytes(clocks)
        self.found: Segment = first
        self._found_hash: i64 = 0

    def __len__(self) -> int:
        return self.count

    def memory_bytes(self) -> i64:
        """What the table occupies without its keys and values. O(1)."""
        return self.structure_bytes + 8 * len(self.segments)

    # Lookup

    def find(self, key: bytes) -> i64:
        """Finds the place of `key`; `found` is its segment then.

        Returns:
            The place in `found` (its value stands at `found.slots[2 * place + 1]`), or -1.

        Complexity: O(1).
        """
        key_hash = HASHER.hash(key)
        self._found_hash = key_hash
        index: i64 = (key_hash >> SEGMENT_SHIFT) & (2 * self._mask + 1)
        if index > self._mask and index - self._mask - 1 >= self._split:
            index &= self._mask
        segment = self.segments[index]
        self.found = segment
        tags = segment.tags
        slots = segment.slots
        capacity = segment.capacity
        tag: i64 = (key_hash & 0x7F) | USED
        place: i64 = (((key_hash >> HOME_SHIFT) & (HOMES - 1)) * capacity) >> HOME_BITS
        while True:
            here: i64 = i64(tags[place])
            if here == tag:
                stored = slots[2 * place]
                if isinstance(stored, bytes) and stored == key:
                    return place
            elif here == FREE:
                return -1
            place += 1
            if place == capacity:
                place = 0

    def get(self, key: bytes) -> object | None:
        """The value of `key`, or None. O(1)."""
        place = self.find(key)
        if place < 0:
            return None
        return self.found.slots[2 * place + 1]

    def __contains__(self, key: bytes) -> bool:
        return self.find(key) >= 0

    # Being watched

    def watch(self, watcher: SegmentWatcher) -> None:
        """Has a watcher told before each of the present segments changes for the first time. O(1).

        The watcher keeps `segments`, which stays its list whatever becomes of the table, and gives each segment it has
        read the epoch of the table. Nobody else may be watching.
        """
        assert self.watcher is None
        self.epoch += 1
        self.watcher = watcher

    def unwatch(self) -> None:
        """Ends the watch. O(1)."""
        self.watcher = None

    def _tell(self, segment: Segment) -> None:
        """Tells the watcher, unless it has no need to know, that a segment is about to change."""
        watcher = self.watcher
        if watcher is not None and segment.epoch != self.epoch:
            segment.epoch = self.epoch
            watcher.before_change(segment)

    # Change

    def set(self, key: bytes, value: object) -> bool:
        """Gives `key` a value; a deadline it has stays.

        Returns:
            Whether the key is new.

        Complexity: O(1).
        """
        place = self.find(key)
        if place >= 0:
            self.replace_found(place, value)
            return False
        self.insert_missing(key, value)
        return True

    def replace_found(self, place: i64, value: object) -> None:
        """Gives the entry that `find` found another value; its deadline stays. O(1)."""
        segment = self.found
        if self.watcher is not None:
            self._tell(segment)
        segment.slots[2 * place + 1] = value

    def set_score(self, place: i64, score: float) -> None:
        """Gives the entry that `find` found another score, in a table that keeps them. O(1)."""
        segment = self.found
        if self.watcher is not None:
            self._tell(segment)
        segment.scores[place] = score

    def insert_missing(self, key: bytes, value: object) -> i64:
        """Adds a key right after `find` did not find it. Returns its place in `found`. O(1)."""
        segment = self.found
        if self.watcher is not None:
            self._tell(segment)
        if segment.filled * 8 >= segment.capacity * 7:
            self._resize(segment)
        place = _claim(segment, self._found_hash)
        segment.slots[2 * place] = key
        segment.slots[2 * place + 1] = value
        self.count += 1
        if self.count > self.segment_entries * len(self.segments):
            self._split_one()
            place = self.find(key)
        return place

    def pop(self, key: bytes) -> object | None:
        """Removes `key` and returns its value, or None if it is not there. O(1)."""
        place = self.find(key)
        if place < 0:
            return None
        return self.remove_found(place)

    def remove_found(self, place: i64) -> object:
        """Removes the entry that `find` found at `place`. Returns its value. O(1)."""
        segment = self.found
        if self.watcher is not None:
            self._tell(segment)
        value = segment.slots[2 * place + 1]
        segment.slots[2 * place] = None
        segment.slots[2 * place + 1] = None
        if segment.has_deadlines and segment.deadlines[place] != 0:
            segment.deadlines[place] = 0
            self.expires -= 1
        following: i64 = place + 1
        if following == segment.capacity:
            following = 0
        # A deleted place before a free one ends no probe: it can be free itself, and so those before it.
        if segment.tags[following] == FREE:
            while True:
                segment.tags[place] = FREE
                segment.filled -= 1
                place = segment.capacity - 1 if place == 0 else place - 1
                if segment.tags[place] != DELETED:
                    break
        else:
            segment.tags[place] = DELETED
        segment.live -= 1
        self.count -= 1
        self._shrink_after_removal(segment)
        return value

    def clear(self) -> None:
        """Removes everything. O(N); see `detach` for a large table."""
        self.detach()

    def detach(self) -> list[Segment]:
        """Empties the table and hands over its old segments, so that the caller can free them in slices. O(1).

        A watcher keeps them as they are, and the caller gets none.
        """
        old: list[Segment] = [] if self.watcher is not None else self.segments
        first = Segment(SMALLEST_CAPACITY, self.clocks, self._has_scores)
        first.epoch = self.epoch
        self.segments = [first]
        self.structure_bytes = first.memory_bytes(self.clocks)
        self.found = first
        self.count = 0
        self.expires = 0
        self._mask = 0
        self._split = 0
        self._widest = SMALLEST_CAPACITY
        return old

    def take_apart(self, effort: i64) -> bool:
        """Frees about so many entries of a table that nobody uses any more; whether any are left. O(effort)."""
        segments = self.segments
        while effort > 0 and segments:
            if self.watcher is not None:
                self._tell(segments[-1])
            slots = segments[-1].slots
            keep: i64 = max(len(slots) - 2 * effort, 0)
            effort -= (len(slots) - keep) // 2 + 1
            del slots[keep:]
            if keep == 0:
                segments.pop()
        return len(segments) != 0

    def copy(self) -> "HashTable":
        """An independent table with the same keys, values, clocks and deadlines. O(N): its places are copied."""
        twin = HashTable(self.clocks, self.segment_entries, self._has_scores)
        twin.segments = [segment.copy() for segment in self.segments]
        twin.found = twin.segments[0]
        twin.count = self.count
        twin.expires = self.expires
        twin.structure_bytes = self.structure_bytes
        twin._mask = self._mask
        twin._split = self._split
        twin._widest = self._widest
        return twin

    def reserve(self, entries: i64) -> None:
        """Makes room at once for about so many entries to come, if the table is empty and they are many.

        Growing to N entries splits each segment in turn and moves every entry several times, each time from places all
        over memory; a table that is read from a file need not. O(entries).
        """
        wanted = entries // self.segment_entries
        if self.count != 0 or self.keeps_segments or wanted <= len(self.segments):
            return
        mask: i64 = 0
        while 2 * mask + 1 < wanted:
            mask = 2 * mask + 1
        self._mask = mask
        self._split = wanted - mask - 1
        whole = _capacity_for(entries // (mask + 1))
        half = _capacity_for(entries // (2 * mask + 2))
        self.structure_bytes = 0
        self.segments = []
        index: i64 = 0
        while index < wanted:
            is_half = index < self._split or index > mask
            fresh = Segment(half if is_half else whole, self.clocks, self._has_scores)
            fresh.epoch = self.epoch
            self._note(fresh)
            self.segments.append(fresh)
            index += 1
        self.found = self.segments[0]

    # Deadlines

    def deadline(self, place: i64) -> i64:
        """The deadline, in Unix ms, of the entry that `find` found, or 0. O(1)."""
        segment = self.found
        if not segment.has_deadlines:
            return 0
        return segment.deadlines[place]

    def set_deadline(self, place: i64, deadline_ms: i64) -> None:
        """Gives the entry that `find` found a deadline in Unix ms; 0 takes it away. O(1)."""
        segment = self.found
        if not segment.has_deadlines and deadline_ms == 0:
            return
        if self.watcher is not None:
            self._tell(segment)
        if not segment.has_deadlines:
            segment.deadlines = _zero_deadlines(segment.capacity)
            segment.has_deadlines = True
            self.structure_bytes += segment.capacity * DEADLINE_BYTES
        before = segment.deadlines[place]
        segment.deadlines[place] = deadline_ms
        if before == 0 and deadline_ms != 0:
            self.expires += 1
        elif before != 0 and deadline_ms == 0:
            self.expires -= 1
        if deadline_ms != 0 and (segment.earliest == 0 or deadline_ms < segment.earliest):
            segment.earliest = deadline_ms

    def due(self, index: i64, now_ms: i64) -> list[bytes]:
        """The keys of segment `index` whose deadline has passed, and brings the segment's `earliest` up to date.

        Complexity: O(1) when nothing can be due, else O(capacity of the segment).
        """
        segment = self.segments[index]
        keys: list[bytes] = []
        if segment.earliest == 0 or segment.earliest > now_ms:
            return keys
        earliest: i64 = 0
        place: i64 = 0
        while place < segment.capacity:
            deadline = segment.deadlines[place]
            if deadline != 0:
                if deadline <= now_ms:
                    key = segment.slots[2 * place]
                    assert isinstance(key, bytes)
                    keys.append(key)
                if earliest == 0 or deadline < earliest:
                    earliest = deadline
            place += 1
        segment.earliest = earliest
        return keys

    # Walks

    def keys_of(self, index: i64) -> list[bytes]:
        """The keys of one segment."""
        segment = self.segments[index]
        keys: list[bytes] = []
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                key = segment.slots[2 * place]
                assert isinstance(key, bytes)
                keys.append(key)
            place += 1
        return keys

    def keys(self) -> list[bytes]:
        """All keys. O(N)."""
        keys: list[bytes] = []
        for index in range(len(self.segments)):
            keys.extend(self.keys_of(index))
        return keys

    def scan(self, cursor: i64, wanted: i64, keys: list[bytes]) -> i64:
        """One step of a scan: whatever is present from the first step to the last is returned at least once.

        A cursor says which segment, and from which home on: (index << 6 | level) << 20 | home. Segments are visited in
        the order of their reversed index bits, so that those a segment is split into later come after it, and homes are
        a part of the hash, which does not change when a segment is resized. Only when segments were merged since
        (`level` is higher than the table's) part of what the cursor has passed is new, and the segment starts over.

        Args:
            cursor: 0 to begin, then what the step before returned. Any value is safe.
            wanted: About how many keys to return, at least 1.
            keys: Where the keys of this step are appended.

        Returns:
            The next cursor; 0 when the scan is complete.

        Complexity: O(wanted), whatever the size of the table.
        """
        mask = self._mask
        home: i64 = cursor & (HOMES - 1)
        level: i64 = (cursor >> HOME_BITS) & ((1 << CURSOR_LEVEL_BITS) - 1)
        index: i64 = (cursor >> (HOME_BITS + CURSOR_LEVEL_BITS)) & mask
        own_level = _level(mask)
        if level > own_level:
            home = 0
        there: i64 = self.segments[index].live
        if index < self._split:
            there += self.segments[index + mask + 1].live
        stop: i64 = HOMES
        if there > wanted:
            stop = home + max(HOMES // there * wanted, 1)
            stop = min(stop, HOMES)
        _collect(self.segments[index], home, stop, keys)
        if index < self._split:
            _collect(self.segments[index + mask + 1], home, stop, keys)
        if stop == HOMES:
            stop = 0
            index = _next_reversed(index, mask)
            if index == 0:
                return 0
        return (((index << CURSOR_LEVEL_BITS) | own_level) << HOME_BITS) | stop

    def random_place(self, random: Random) -> i64:
        """Chooses an entry, each with the same probability; `found` is its segment. The table must not be empty.

        Returns:
            The place in `found`.

        Complexity: O(1) expected.
        """
        segments = self.segments
        while True:
            segment = segments[random.randrange(len(segments))]
            place = random.randrange(self._widest)
            if place < segment.capacity and segment.tags[place] >= USED:
                self.found = segment
                return place

    def random_key(self, random: Random) -> bytes:
        """A key chosen uniformly. The table must not be empty. O(1) expected."""
        place = self.random_place(random)
        key = self.found.slots[2 * place]
        assert isinstance(key, bytes)
        return key

    # Growing and shrinking

    def _shrink_after_removal(self, segment: Segment) -> None:
        """Keeps segments and table from staying large when they have become empty."""
        if len(self.segments) > 1 and self.count * 3 < self.segment_entries * len(self.segments):
            if not self.keeps_segments:
                self._merge_one()
        elif segment.capacity > SMALLEST_CAPACITY and segment.live * 4 < segment.capacity:
            self._resize(segment)

    def _resize(self, segment: Segment) -> None:
        """Gives a segment the capacity its entries need, and drops its deleted places."""
        self._refill(segment, [segment])

    def _refill(self, segment: Segment, sources: list[Segment]) -> None:
        """Makes `segment` hold what the sources hold (it may be one of them)."""
        total: i64 = 0
        self.structure_bytes -= segment.memory_bytes(self.clocks)
        for source in sources:
            total += source.live
        fresh = Segment(_capacity_for(total), self.clocks, self._has_scores)
        for source in sources:
            place: i64 = 0
            while place < source.capacity:
                if source.tags[place] >= USED:
                    _move(source, place, fresh)
                place += 1
        self._adopt(segment, fresh)

    def _adopt(self, segment: Segment, fresh: Segment) -> None:
        """Makes `segment` what `fresh` is; the object stays the same, for `found` may be it."""
        segment.capacity = fresh.capacity
        segment.tags = fresh.tags
        segment.slots = fresh.slots
        segment.clocks = fresh.clocks
        segment.scores = fresh.scores
        segment.deadlines = fresh.deadlines
        segment.has_deadlines = fresh.has_deadlines
        segment.earliest = fresh.earliest
        segment.live = fresh.live
        segment.filled = fresh.filled
        self._note(segment)

    def _note(self, segment: Segment) -> None:
        """Accounts for a segment whose arrays are new."""
        self.structure_bytes += segment.memory_bytes(self.clocks)
        if segment.capacity > self._widest:
            self._widest = segment.capacity

    def _split_one(self) -> None:
        """Splits the next segment in turn in two."""
        old = self.segments[self._split]
        if self.watcher is not None:
            self._tell(old)
        bit: i64 = self._mask + 1
        high: i64 = 0
        place: i64 = 0
        while place < old.capacity:
            if old.tags[place] >= USED and _segment_bits(old, place) & bit != 0:
                high += 1
            place += 1
        stays = Segment(_capacity_for(old.live - high), self.clocks, self._has_scores)
        leaves = Segment(_capacity_for(high), self.clocks, self._has_scores)
        place = 0
        while place < old.capacity:
            if old.tags[place] >= USED:
                _move(old, place, leaves if _segment_bits(old, place) & bit != 0 else stays)
            place += 1
        self.structure_bytes -= old.memory_bytes(self.clocks)
        self._adopt(old, stays)
        self._note(leaves)
        leaves.is_unsaved = old.is_unsaved
        leaves.noted = old.noted
        leaves.epoch = self.epoch
        self.segments.append(leaves)
        self._split += 1
        if self._split > self._mask:
            self._split = 0
            self._mask = 2 * self._mask + 1

    def _merge_one(self) -> None:
        """Undoes the last split."""
        if self._split == 0:
            self._mask >>= 1
            self._split = self._mask + 1
        self._split -= 1
        if self.watcher is not None:
            self._tell(self.segments[-1])
            self._tell(self.segments[self._split])
        leaving = self.segments.pop()
        self.structure_bytes -= leaving.memory_bytes(self.clocks)
        if leaving.live != 0:  # a walk that empties the table from its end leaves nothing to move
            segment = self.segments[self._split]
            self._refill(segment, [segment, leaving])

    def check_invariants(self) -> None:
        """Asserts everything that must hold. O(N)."""
        assert len(self.segments) == self._mask + 1 + self._split
        count: i64 = 0
        expires: i64 = 0
        weight: i64 = 0
        for index in range(len(self.segments)):
            segment = self.segments[index]
            live: i64 = 0
            filled: i64 = 0
            place: i64 = 0
            while place < segment.capacity:
                if segment.tags[place] != FREE:
                    filled += 1
                if segment.tags[place] >= USED:
                    live += 1
                    key = segment.slots[2 * place]
                    assert isinstance(key, bytes)
                    assert self.find(key) == place
                    assert self.found is segment
                    if segment.has_deadlines and segment.deadlines[place] != 0:
                        expires += 1
                        assert 0 < segment.earliest <= segment.deadlines[place]
                else:
                    assert segment.slots[2 * place] is None
                    assert segment.slots[2 * place + 1] is None
                    assert not segment.has_deadlines or segment.deadlines[place] == 0
                place += 1
            assert live == segment.live
            assert filled == segment.filled < segment.capacity
            assert segment.capacity <= self._widest
            count += live
            weight += segment.memory_bytes(self.clocks)
        assert count == self.count
        assert expires == self.expires
        assert weight == self.structure_bytes


def _level(mask: i64) -> i64:
    """The number of bits of a mask."""
    level: i64 = 0
    while mask != 0:
        mask >>= 1
        level += 1
    return level


def _next_reversed(index: i64, mask: i64) -> i64:
    """Adds one to an index with its bits reversed: the carry goes from the highest bit down. 0 after the last."""
    bit: i64 = (mask + 1) >> 1
    while bit != 0 and index & bit != 0:
        index ^= bit
        bit >>= 1
    return index | bit


def _collect(segment: Segment, first: i64, stop: i64, keys: list[bytes]) -> None:
    """Appends the keys of a segment whose home lies in first..stop-1.

    A key stands at its home or, with only taken places between, behind it: so they all stand between the place of the
    first home and the first free place behind the last.
    """
    if segment.live == 0:
        return
    capacity = segment.capacity
    place: i64 = (first * capacity) >> HOME_BITS
    behind: i64 = (((stop - 1) * capacity) >> HOME_BITS) + 1 - place
    steps: i64 = 0
    while steps < capacity:
        tag: i64 = i64(segment.tags[place])
        if tag == FREE and steps >= behind:
            return
        if tag >= USED:
            key = segment.slots[2 * place]
            assert isinstance(key, bytes)
            home: i64 = (HASHER.hash(key) >> HOME_SHIFT) & (HOMES - 1)
            if first <= home < stop:
                keys.append(key)
        steps += 1
        place += 1
        if place == capacity:
            place = 0


def _capacity_for(entries: i64) -> i64:
    """The capacity for so many entries with room for half as many again."""
    capacity: i64 = entries + entries // 2 + 4
    return capacity if capacity > SMALLEST_CAPACITY else SMALLEST_CAPACITY


def _segment_bits(segment: Segment, place: i64) -> i64:
    """The bits of the key's hash that choose the segment."""
    key = segment.slots[2 * place]
    assert isinstance(key, bytes)
    return HASHER.hash(key) >> SEGMENT_SHIFT


def _claim(segment: Segment, key_hash: i64) -> i64:
    """Takes the first free place for a hash. There must be one."""
    capacity = segment.capacity
    place: i64 = (((key_hash >> HOME_SHIFT) & (HOMES - 1)) * capacity) >> HOME_BITS
    while segment.tags[place] != FREE:
        place += 1
        if place == capacity:
            place = 0
    segment.tags[place] = u8((key_hash & 0x7F) | USED)
    segment.live += 1
    segment.filled += 1
    return place


def _move(source: Segment, place: i64, target: Segment) -> None:
    """Copies an entry with its clock, score and deadline into another segment."""
    key = source.slots[2 * place]
    assert isinstance(key, bytes)
    to = _claim(target, HASHER.hash(key))
    target.slots[2 * to] = key
    target.slots[2 * to + 1] = source.slots[2 * place + 1]
    if len(source.clocks) != 0:
        target.clocks[to] = source.clocks[place]
    if len(source.scores) != 0:
        target.scores[to] = source.scores[place]
    if source.has_deadlines and source.deadlines[place] != 0:
        if not target.has_deadlines:
            target.deadlines = _zero_deadlines(target.capacity)
            target.has_deadlines = True
        deadline = source.deadlines[place]
        target.deadlines[to] = deadline
        if target.earliest == 0 or deadline < target.earliest:
            target.earliest = deadline
