"""From member to score: the hash table of a large sorted set.

It is the `hashtable` with one change: the values are floats, kept unboxed in a vector, and the segments are dense. A
member costs 32 bytes here (beside its own bytes) instead of 53 with a float object in the general table, and the
members are the very objects the skiplist holds.

How it works: linear hashing over small segments of about 32 members; the same bits of the key's hash as in `hashtable`
choose the segment. A segment has no empty places: entries stand in the order they came, a removal moves the last one
into the gap, and a lookup walks over one byte of the hash per entry:

    Segment    tags     u8     a byte of the hash of each member
               members  bytes
               scores   float

An insert splits at most one segment and a removal joins at most two, so no operation is slow, and `scan` visits
segments by reversed index bits, which gives ZSCAN its guarantee while the table grows and shrinks (see `hashtable`).

Source: Litwin, "Linear hashing: a new tool for file and table addressing", VLDB 1980.
"""

from typing import Final, final

from librt.vecs import append, pop, vec
from mypy_extensions import i64, u8

from hognose.datastructures.keyhash import HASHER

SEGMENT_ENTRIES: Final = 32
GROWTH_STEP: Final = 8  # places by which a segment's vectors grow
SEGMENT_BYTES: Final = 400  # measured: the segment, its list and two vectors, their allocator headers
PLACE_BYTES: Final = 17


@final
class Segment:
    """The members whose hashes end alike."""

    def __init__(self, capacity: i64) -> None:
        self.capacity: i64 = capacity
        self.tags: vec[u8] = vec[u8](capacity=capacity)
        self.members: list[bytes] = []
        self.scores: vec[float] = vec[float](capacity=capacity)

    def copy(self) -> "Segment":
        """An independent segment with the same entries."""
        twin = Segment(0)
        twin.capacity = self.capacity
        twin.tags = vec[u8](self.tags, capacity=self.capacity)
        twin.members = self.members[:]
        twin.scores = vec[float](self.scores, capacity=self.capacity)
        return twin

    def find(self, key_hash: i64, member: bytes) -> i64:
        """The place of a member, or -1."""
        tag = u8(key_hash & 0xFF)
        tags = self.tags
        count: i64 = len(tags)
        place: i64 = 0
        while place < count:
            if tags[place] == tag and self.members[place] == member:
                return place
            place += 1
        return -1

    def add(self, key_hash: i64, member: bytes, score: float) -> None:
        """Appends an entry, with more room if there is none."""
        if len(self.tags) == self.capacity:
            self.capacity += GROWTH_STEP
            self.tags = vec[u8](self.tags, capacity=self.capacity)
            self.scores = vec[float](self.scores, capacity=self.capacity)
        self.tags = append(self.tags, u8(key_hash & 0xFF))
        self.scores = append(self.scores, score)
        self.members.append(member)

    def drop(self, place: i64) -> None:
        """Removes an entry; the last one takes its place."""
        self.tags, tag = pop(self.tags)
        self.scores, score = pop(self.scores)
        member = self.members.pop()
        if place < len(self.members):
            self.tags[place] = tag
            self.scores[place] = score
            self.members[place] = member


@final
class ScoreTable:
    """A map from member to score.

    Args:
        segment_entries: Average entries per segment at which the table grows; small in tests.

    Attributes:
        found: The segment of the member that `find` looked for last; valid until the table changes.
    """

    def __init__(self, segment_entries: i64 = SEGMENT_ENTRIES) -> None:
        self._segment_entries: i64 = segment_entries
        self._segments: list[Segment] = [Segment(GROWTH_STEP)]
        self.found: Segment = self._segments[0]
        self._found_hash: i64 = 0
        self._mask: i64 = 0
        self._split: i64 = 0
        self._count: i64 = 0
        self._capacity: i64 = GROWTH_STEP

    def length(self) -> i64:
        """The number of members. O(1)."""
        return self._count

    def copy(self) -> "ScoreTable":
        """An independent table with the same members and scores. O(N)."""
        twin = ScoreTable(self._segment_entries)
        twin._segments = [segment.copy() for segment in self._segments]
        twin.found = twin._segments[0]
        twin._mask = self._mask
        twin._split = self._split
        twin._count = self._count
        twin._capacity = self._capacity
        return twin

    def memory_bytes(self) -> i64:
        """What the table occupies, in bytes, without the members themselves. O(1)."""
        return len(self._segments) * SEGMENT_BYTES + self._capacity * PLACE_BYTES

    def take_apart(self, effort: i64) -> bool:
        """Frees about so many entries of a table that nobody uses any more; whether any are left. O(effort)."""
        segments = self._segments
        while effort > 0 and segments:
            members = segments[-1].members
            keep: i64 = max(len(members) - effort, 0)
            effort -= len(members) - keep + 1
            del members[keep:]
            if keep == 0:
                segments.pop()
        return len(segments) != 0

    def _segment_of(self, key_hash: i64) -> Segment:
        index: i64 = (key_hash >> 20) & (2 * self._mask + 1)
        if index >= len(self._segments):
            index &= self._mask
        return self._segments[index]

    def find(self, member: bytes) -> i64:
        """Finds a member; `found` is its segment then. O(1).

        Returns:
            Its place in `found` (its score stands at `found.scores[place]`), or -1.
        """
        key_hash = HASHER.hash(member)
        self._found_hash = key_hash
        segment = self._segment_of(key_hash)
        self.found = segment
        return segment.find(key_hash, member)

    def score(self, member: bytes) -> tuple[bool, float]:
        """Looks a member up. O(1).

        Returns:
            Whether it is there, and its score (0.0 where it is not).
        """
        place = self.find(member)
        if place < 0:
            return False, 0.0
        return True, self.found.scores[place]

    def insert_missing(self, member: bytes, score: float) -> None:
        """Puts in a member right after `find` did not find it. O(1)."""
        segment = self.found
        capacity = segment.capacity
        segment.add(self._found_hash, member, score)
        self._capacity += segment.capacity - capacity
        self._count += 1
        if self._count > self._segment_entries * len(self._segments):
            self._split_one()

    def add(self, member: bytes, score: float) -> None:
        """Puts in a member that is not there yet. O(1)."""
        self.find(member)
        self.insert_missing(member, score)

    def remove(self, member: bytes) -> tuple[bool, float]:
        """Takes a member out. O(1).

        Returns:
            Whether it was there, and the score it had (0.0 where it was not).
        """
        place = self.find(member)
        if place < 0:
            return False, 0.0
        score = self.found.scores[place]
        self.found.drop(place)
        self._count -= 1
        if len(self._segments) > 1 and self._count * 3 < self._segment_entries * len(self._segments):
            self._join_one()
        return True, score

    def scan(self, cursor: i64, members: list[bytes], scores: list[float]) -> i64:
        """One step of a scan.

        Args:
            cursor: 0 to begin, then what the step before returned. Any value is safe.
            members: Where the members of this step are appended.
            scores: Where their scores are appended, in the same order.

        Returns:
            The next cursor; 0 when the scan is complete.

        Complexity:
            O(1), some 32 members a step.
        """
        mask = self._mask
        index: i64 = cursor & mask
        self._copy_out(index, members, scores)
        if index < self._split:
            self._copy_out(index + mask + 1, members, scores)
        # Add one to the index with its bits reversed: carry from the highest bit down.
        bit: i64 = (mask + 1) >> 1
        while bit != 0 and index & bit != 0:
            index ^= bit
            bit >>= 1
        return index | bit

    def _copy_out(self, index: i64, members: list[bytes], scores: list[float]) -> None:
        segment = self._segments[index]
        members.extend(segment.members)
        scores.extend(list(segment.scores))

    def _split_one(self) -> None:
        """Splits the next segment in turn in two."""
        old = self._segments[self._split]
        bit: i64 = self._mask + 1
        stays = Segment(GROWTH_STEP)
        leaves = Segment(GROWTH_STEP)
        place: i64 = 0
        while place < len(old.members):
            member = old.members[place]
            key_hash = HASHER.hash(member)
            target = leaves if (key_hash >> 20) & bit != 0 else stays
            target.add(key_hash, member, old.scores[place])
            place += 1
        self._capacity += stays.capacity + leaves.capacity - old.capacity
        self._segments[self._split] = stays
        self._segments.append(leaves)
        self._split += 1
        if self._split > self._mask:
            self._split = 0
            self._mask = 2 * self._mask + 1

    def _join_one(self) -> None:
        """Undoes the last split."""
        if self._split == 0:
            self._mask >>= 1
            self._split = self._mask + 1
        self._split -= 1
        first = self._segments[self._split]
        second = self._segments.pop()
        joined = Segment(len(first.members) + len(second.members) + GROWTH_STEP)
        for source in (first, second):
            place: i64 = 0
            while place < len(source.members):
                joined.add(i64(source.tags[place]), source.members[place], source.scores[place])
                place += 1
        self._capacity += joined.capacity - first.capacity - second.capacity
        self._segments[self._split] = joined

    def check_invariants(self) -> None:
        """Asserts all that must hold between operations. For tests; O(N)."""
        assert len(self._segments) == self._mask + 1 + self._split
        assert 0 <= self._split <= self._mask
        assert self._capacity == sum(int(segment.capacity) for segment in self._segments)
        assert self._count == sum(len(segment.members) for segment in self._segments)
        for segment in self._segments:
            assert len(segment.tags) == len(segment.scores) == len(segment.members) <= segment.capacity
            for place, member in enumerate(segment.members):
                key_hash = HASHER.hash(member)
                assert self._segment_of(key_hash) is segment
                assert segment.find(key_hash, member) == place
