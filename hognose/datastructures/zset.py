"""The sorted set value: members with scores, in order of score, then member.

Two encodings, with Redis' names and thresholds:

    listpack     at most `max_entries` members of at most `max_value_bytes` bytes: one blob (`zset_listpack`)
    skiplist     beyond: a `Skiplist` for the order, a `HashTable` for the scores; both hold the same member objects

A set becomes a skiplist when it outgrows the limits and never goes back by itself (`pack` does it, for commands that
build a set anew). Every range of scores or members is asked for as ranks: `count_below_score(min)` to
`count_below_score(max)`; what is then read, counted or removed are ranks.

It does not know commands: NaN, syntax and the meaning of negative indexes are theirs.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from hognose.datastructures import listpack
from hognose.datastructures import zset_listpack as packed
from hognose.datastructures.hashtable import HashTable
from hognose.datastructures.listpack import elements, extend_list, get, skip
from hognose.datastructures.skiplist import Skiplist
from hognose.datastructures.value import Value

__all__ = [
    "ADDED",
    "GT",
    "INCR",
    "LT",
    "NOT_A_NUMBER",
    "NX",
    "SAME",
    "SKIPPED",
    "UPDATED",
    "XX",
    "ZSetLimits",
    "ZSetValue",
]

# What `add` is asked.
NX: Final = 1 << 0  # only new members
XX: Final = 1 << 1  # only members that are there
GT: Final = 1 << 2  # of those that are there, only to a greater score
LT: Final = 1 << 3  # or only to a smaller one
INCR: Final = 1 << 4  # the score is added to the old one

# What `add` did.
SKIPPED: Final = 0  # a condition was not met
ADDED: Final = 1
UPDATED: Final = 2
SAME: Final = 3  # the member had this score already
NOT_A_NUMBER: Final = 4  # infinities of both signs were added; nothing changed

VALUE_BYTES: Final = 16 + 8 + 6 * 8 + 33  # object, vtable, attributes, header of the `bytes`
LARGE_BYTES: Final = 400  # a skiplist's and a table's own objects
MEMBER_HEADER: Final = 33
PRESENT: Final = True  # what the table has as the value of every member, beside its score
MAX_BODY_BYTES: Final = 1 << 30  # the most a listpack may take


class ZSetLimits:
    """What a sorted set may hold as a listpack.

    Attributes:
        max_entries: Members (zset-max-listpack-entries).
        max_value_bytes: Bytes of a member (zset-max-listpack-value).
    """

    def __init__(self, max_entries: i64 = 128, max_value_bytes: i64 = 64) -> None:
        self.max_entries: i64 = max_entries
        self.max_value_bytes: i64 = max_value_bytes


@final
@mypyc_attr(acyclic=True)
class ZSetValue(Value):
    """A sorted set.

    Args:
        limits: Kept, not copied, so that a change of the setting reaches every set.
        expected_entries: How many members are about to be added.
        first_value_bytes: The length of the first of them.
    """

    def __init__(self, limits: ZSetLimits, expected_entries: i64 = 0, first_value_bytes: i64 = 0) -> None:
        self._limits: Final[ZSetLimits] = limits
        self._body: bytes = b""
        self._pairs: i64 = 0
        self._order: Skiplist | None = None
        self._table: HashTable = EMPTY_TABLE
        self._member_bytes: i64 = 0
        if expected_entries > limits.max_entries or first_value_bytes > limits.max_value_bytes:
            self.unpack()

    # As a value

    def type_name(self) -> bytes:
        """The word TYPE answers."""
        return b"zset"

    def encoding(self) -> bytes:
        """The word OBJECT ENCODING answers: listpack or skiplist."""
        return b"listpack" if self._order is None else b"skiplist"

    def length(self) -> i64:
        """The number of members. O(1)."""
        order = self._order
        return self._pairs if order is None else order.length()

    def memory_bytes(self) -> i64:
        """What the set occupies, in bytes. O(1)."""
        order = self._order
        if order is None:
            return VALUE_BYTES + len(self._body)
        return VALUE_BYTES + LARGE_BYTES + order.memory_bytes() + self._table.memory_bytes() + self._member_bytes

    def free_effort(self) -> i64:
        """The number of members that are objects of their own. O(1)."""
        order = self._order
        return 1 if order is None else order.length()

    def take_apart(self, effort: i64) -> bool:
        """Frees some members of a set that nobody uses any more. O(effort)."""
        order = self._order
        if order is not None:
            if not order.take_apart(effort):
                self._order = None
            return True
        return self._table.take_apart(effort)

    def copy(self) -> "ZSetValue":
        """An independent set with the same members and scores in the same encoding. O(N)."""
        twin = ZSetValue(self._limits)
        order = self._order
        if order is None:
            twin._body = self._body
            twin._pairs = self._pairs
        else:
            twin._order = order.copy()
            twin._table = self._table.copy()
            twin._member_bytes = self._member_bytes
        return twin

    # Encodings

    def unpack(self) -> None:
        """Makes it a skiplist. O(N)."""
        if self._order is not None:
            return
        flat = elements(self._body)
        self._order = Skiplist()
        self._table = HashTable(scores=True)
        self._body = b""
        self._pairs = 0
        i: i64 = 0
        while i < len(flat):
            self._insert_unpacked(flat[i], float(flat[i + 1]))
            i += 2

    def pack(self) -> None:
        """Makes a skiplist that is within the limits a listpack, as commands do with a set they built. O(N)."""
        order = self._order
        if order is None or order.length() > self._limits.max_entries:
            return
        members = order.members(0, order.length())
        size: i64 = 0
        for member in members:
            if len(member) > self._limits.max_value_bytes:
                return
            size += len(member)
        if size > MAX_BODY_BYTES:
            return
        self.load_pairs(members, order.scores(0, order.length()))

    def load_pairs(self, members: list[bytes], scores: list[float]) -> None:
        """Becomes a listpack of these pairs, which are in order and within the limits. O(N)."""
        entries: list[bytes] = []
        for i in range(len(members)):
            entries.append(packed.encode(members[i]))
            entries.append(packed.encode_score(scores[i]))
        self.load_body(b"".join(entries), len(members))

    def load_body(self, body: bytes, pairs: i64) -> None:
        """Becomes the listpack that a dump held; its entries are in order. O(1)."""
        self._body = body
        self._pairs = pairs
        self._order = None
        self._table = EMPTY_TABLE
        self._member_bytes = 0

    def body(self) -> bytes:
        """The entries of a set that is a listpack, for dumps. O(1)."""
        return self._body

    def expect(self, entries: i64) -> None:
        """Makes it a skiplist at once if a command is about to add more members than a listpack may hold."""
        if entries > self._limits.max_entries:
            self.unpack()

    # Single members

    def score(self, member: bytes) -> tuple[bool, float]:
        """Looks a member up. O(1), in a listpack O(N).

        Returns:
            Whether it is there, and its score (0.0 where it is not).
        """
        if self._order is not None:
            table = self._table
            place = table.find(member)
            return (True, table.found.scores[place]) if place >= 0 else (False, 0.0)
        at = packed.position_of(self._body, member)
        if at < 0:
            return False, 0.0
        return True, packed.score_of(self._body, at)

    def add(self, member: bytes, score: float, conditions: i64 = 0) -> tuple[i64, float]:
        """Adds a member, or changes its score.

        Args:
            member: The member.
            score: Its score, or with INCR the increment; not NaN.
            conditions: NX, XX, GT, LT, INCR together.

        Returns:
            What happened (ADDED, UPDATED, SAME, SKIPPED, NOT_A_NUMBER), and the score the member has then (meaningless
            for the last two).

        Complexity:
            O(log N), in a listpack O(N).
        """
        order = self._order
        if order is None:
            return self._add_packed(member, score, conditions)
        table = self._table
        place = table.find(member)
        if place < 0:
            if conditions & XX:
                return SKIPPED, score
            place = table.insert_missing(member, PRESENT)
            table.set_score(place, score)
            order.insert(score, member)
            self._member_bytes += (len(member) + MEMBER_HEADER + 15) & ~15
            return ADDED, score
        old = table.found.scores[place]
        outcome, score = judged(old, score, conditions)
        if outcome == UPDATED:
            table.set_score(place, score)
            stored = table.found.slots[2 * place]
            assert isinstance(stored, bytes)
            order.move(old, stored, score)
        return outcome, score

    def _add_packed(self, member: bytes, score: float, conditions: i64) -> tuple[i64, float]:
        body = self._body
        at = packed.position_of(body, member)
        if at >= 0:
            outcome, score = judged(packed.score_of(body, at), score, conditions)
            if outcome == UPDATED:
                self._body = packed.put(packed.take(body, at), self._pairs - 1, score, member)
            return outcome, score
        if conditions & XX:
            return SKIPPED, score
        limits = self._limits
        if (
            self._pairs + 1 > limits.max_entries
            or len(member) > limits.max_value_bytes
            or len(body) + len(member) > MAX_BODY_BYTES
        ):
            self.unpack()
            self._insert_unpacked(member, score)
            return ADDED, score
        self._body = packed.put(body, self._pairs, score, member)
        self._pairs += 1
        return ADDED, score

    def _insert_unpacked(self, member: bytes, score: float) -> None:
        """Puts a new member into the skiplist and the table."""
        order = self._order
        assert order is not None
        table = self._table
        table.find(member)
        place = table.insert_missing(member, PRESENT)
        table.set_score(place, score)
        order.insert(score, member)
        self._member_bytes += (len(member) + MEMBER_HEADER + 15) & ~15

    def extend(self, members: list[bytes], scores: list[float]) -> None:
        """Adds members that are not there yet. O(N log N); O(N) if they come in order."""
        for i in range(len(members)):
            self.add(members[i], scores[i])

    def remove(self, member: bytes) -> bool:
        """Takes a member out. O(log N), in a listpack O(N).

        Returns:
            Whether it was there.
        """
        order = self._order
        if order is None:
            at = packed.position_of(self._body, member)
            if at < 0:
                return False
            self._body = packed.take(self._body, at)
            self._pairs -= 1
            return True
        table = self._table
        place = table.find(member)
        if place < 0:
            return False
        order.remove(table.found.scores[place], member)
        table.remove_found(place)
        self._member_bytes -= (len(member) + MEMBER_HEADER + 15) & ~15
        return True

    # Ranks

    def rank(self, member: bytes) -> tuple[i64, float]:
        """Finds a member's place. O(log N), in a listpack O(N).

        Returns:
            The number of members before it, or -1 if it is not there; and its score.
        """
        order = self._order
        if order is None:
            at = packed.position_of(self._body, member)
            if at < 0:
                return -1, 0.0
            return packed.rank_at(self._body, at), packed.score_of(self._body, at)
        table = self._table
        place = table.find(member)
        if place < 0:
            return -1, 0.0
        score = table.found.scores[place]
        return order.rank_of_present(score, member), score

    def member_at(self, rank: i64) -> bytes:
        """The member with a rank from 0 to length - 1. O(log N), in a listpack O(N)."""
        order = self._order
        if order is None:
            return get(self._body, skip(self._body, 0, 2 * rank))
        return order.member_at(rank)

    def score_at(self, rank: i64) -> float:
        """The score with a rank from 0 to length - 1. O(log N), in a listpack O(N)."""
        order = self._order
        if order is None:
            return packed.score_entry(self._body, skip(self._body, 0, 2 * rank + 1))
        return order.score_at(rank)

    def count_below_score(self, score: float, inclusive: bool) -> i64:
        """Counts the members with a score below (inclusive: or equal to) the given one. O(log N)."""
        order = self._order
        if order is None:
            return packed.count_below_score(self._body, self._pairs, score, inclusive)
        return order.count_below_score(score, inclusive)

    def count_below_member(self, member: bytes, inclusive: bool) -> i64:
        """Counts the members below (inclusive: or equal to) a member, in a set whose scores are equal. O(log N)."""
        order = self._order
        if order is None:
            return packed.count_below_member(self._body, self._pairs, member, inclusive)
        return order.count_below_member(member, inclusive)

    def table(self) -> HashTable | None:
        """The table of scores, to read; None in a listpack. O(1)."""
        return self._table if self._order is not None else None

    def order(self) -> Skiplist | None:
        """The skiplist, for those who walk over its blocks; None in a listpack. O(1)."""
        return self._order

    def members(self, start: i64, stop: i64) -> list[bytes]:
        """The members with ranks start to stop - 1, where 0 <= start and stop <= length. O(log N + M)."""
        order = self._order
        if order is not None:
            return order.members(start, stop)
        found: list[bytes] = []
        if start < stop:
            extend_list(found, self._body, skip(self._body, 0, 2 * start), stop - start, 2)
        return found

    def scores(self, start: i64, stop: i64) -> list[float]:
        """The scores with ranks start to stop - 1, where 0 <= start and stop <= length. O(log N + M)."""
        order = self._order
        if order is not None:
            return order.scores(start, stop)
        return packed.scores_between(self._body, start, stop)

    def remove_ranks(self, start: i64, stop: i64) -> i64:
        """Takes out the members with ranks start to stop - 1, where 0 <= start and stop <= length. O(log N + M).

        Returns:
            How many there were.
        """
        if start >= stop:
            return 0
        order = self._order
        if order is None:
            body = self._body
            first = skip(body, 0, 2 * start)
            self._body = packed.cut(body, first, skip(body, first, 2 * (stop - start)))
            self._pairs -= stop - start
            return stop - start
        for member in order.remove_ranks(start, stop):
            self._table.pop(member)
            self._member_bytes -= (len(member) + MEMBER_HEADER + 15) & ~15
        return stop - start

    # Walks

    def scan(self, cursor: i64, wanted: i64, members: list[bytes], scores: list[float]) -> i64:
        """One step of a scan: a listpack gives all at once, a skiplist members in no order.

        Args:
            cursor: 0 to begin, then what the step before returned. Any value is safe.
            wanted: About how many members to return, at least 1.
            members: Where the members of this step are appended.
            scores: Where their scores are appended.

        Returns:
            The next cursor; 0 when the scan is complete.
        """
        if self._order is not None:
            table = self._table
            first = len(members)
            cursor = table.scan(cursor, wanted, members)
            for member in members[first:]:
                place = table.find(member)
                scores.append(table.found.scores[place])
            return cursor
        members.extend(self.members(0, self._pairs))
        scores.extend(self.scores(0, self._pairs))
        return 0

    def check_invariants(self) -> None:
        """Asserts all that must hold between operations. For tests; O(N)."""
        length = self.length()
        members = self.members(0, length)
        scores = self.scores(0, length)
        pairs = list(zip(scores, members, strict=True))
        assert len(pairs) == length
        assert all(pairs[i] < pairs[i + 1] for i in range(len(pairs) - 1))
        order = self._order
        if order is None:
            assert self._table is EMPTY_TABLE
            assert self._member_bytes == 0
            listpack.check_invariants(self._body)
            return
        assert self._body == b""
        order.check_invariants()
        self._table.check_invariants()
        assert self._table.count == length
        assert all(self.score(member) == (True, score) for score, member in pairs)
        assert self._member_bytes == sum((len(member) + MEMBER_HEADER + 15) & ~15 for member in members)


def judged(old: float, score: float, conditions: i64) -> tuple[i64, float]:
    """Decides what adding does to a member that is there.

    Args:
        old: The score it has.
        score: The score or increment given.
        conditions: As for `ZSetValue.add`.

    Returns:
        UPDATED, SAME, SKIPPED or NOT_A_NUMBER, and the score it is to have.
    """
    if conditions & NX:
        return SKIPPED, old
    if conditions & INCR:
        score += old
        if score != score:  # noqa: PLR0124 - NaN, the one value that differs from itself
            return NOT_A_NUMBER, old
    if (conditions & LT and score >= old) or (conditions & GT and score <= old):
        return SKIPPED, old
    return (UPDATED if score != old else SAME), score


EMPTY_TABLE: Final = HashTable(scores=True)
"""Stands where a listpack has no table; never filled."""
