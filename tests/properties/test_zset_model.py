"""The sorted set against a dict, through both encodings and the step between them."""

import math

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hognose.datastructures.zset import (
    ADDED,
    GT,
    INCR,
    LT,
    NOT_A_NUMBER,
    NX,
    SAME,
    SKIPPED,
    UPDATED,
    XX,
    ZSetLimits,
    ZSetValue,
)

SCORES = st.sampled_from([float("-inf"), -1.5, -1.0, -0.0, 0.0, 1.0, 2.5, 3e17, float("inf")]) | st.floats(
    allow_nan=False
)
MEMBERS = st.binary(max_size=2) | st.integers(-300, 300).map(lambda n: b"%d" % n) | st.binary(min_size=9, max_size=12)
CONDITIONS = st.sampled_from([0, 0, NX, XX, GT, LT, XX | GT, XX | LT, INCR, INCR | NX, INCR | XX, INCR | GT, INCR | LT])


class ZSetMachine(RuleBasedStateMachine):
    """Every operation on both sides, compared after each step."""

    @initialize(entries=st.sampled_from([0, 5, 20, 128]), value_bytes=st.sampled_from([8, 64]))
    def start(self, entries: int, value_bytes: int) -> None:
        self.limits = ZSetLimits(entries, value_bytes)
        self.zset = ZSetValue(self.limits)
        self.model: dict[bytes, float] = {}
        self.has_grown = False

    def ordered(self) -> list[tuple[float, bytes]]:
        return sorted((score, member) for member, score in self.model.items())

    @rule(member=MEMBERS, score=SCORES, conditions=CONDITIONS)
    def add(self, member: bytes, score: float, conditions: int) -> None:
        outcome, result = self.zset.add(member, score, conditions)
        assert outcome == self.expected_outcome(member, score, conditions)
        if outcome in {ADDED, UPDATED}:
            self.model[member] = result
        if outcome in {ADDED, UPDATED, SAME}:
            assert result == (self.model[member] if conditions & INCR else score)

    def expected_outcome(self, member: bytes, score: float, conditions: int) -> int:
        if member not in self.model:
            return SKIPPED if conditions & XX else ADDED
        old = self.model[member]
        wanted = old + score if conditions & INCR else score
        if conditions & NX:
            return SKIPPED
        if math.isnan(wanted):
            return NOT_A_NUMBER
        if (conditions & GT and not wanted > old) or (conditions & LT and not wanted < old):
            return SKIPPED
        return SAME if wanted == old else UPDATED

    @rule(pairs=st.dictionaries(MEMBERS, SCORES, max_size=30))
    def add_many(self, pairs: dict[bytes, float]) -> None:
        for member, score in pairs.items():
            self.add(member, score, 0)

    @rule(member=MEMBERS)
    def remove(self, member: bytes) -> None:
        assert self.zset.remove(member) == (self.model.pop(member, None) is not None)

    @rule(data=st.data())
    def remove_ranks(self, data: st.DataObject) -> None:
        ordered = self.ordered()
        start = data.draw(st.integers(0, len(ordered)))
        stop = data.draw(st.integers(start, len(ordered)))
        assert self.zset.remove_ranks(start, stop) == stop - start
        for _, member in ordered[start:stop]:
            del self.model[member]

    @rule(member=MEMBERS)
    def look_up(self, member: bytes) -> None:
        if member in self.model:
            score = self.model[member]
            assert self.zset.score(member) == (True, score)
            assert self.zset.rank(member) == (self.ordered().index((score, member)), score)
        else:
            assert self.zset.score(member) == (False, 0.0)
            assert self.zset.rank(member) == (-1, 0.0)

    @rule(score=SCORES)
    def count(self, score: float) -> None:
        assert self.zset.count_below_score(score, False) == sum(s < score for s in self.model.values())
        assert self.zset.count_below_score(score, True) == sum(s <= score for s in self.model.values())

    @rule(data=st.data())
    def read_ranks(self, data: st.DataObject) -> None:
        ordered = self.ordered()
        start = data.draw(st.integers(0, len(ordered)))
        stop = data.draw(st.integers(start, len(ordered)))
        assert self.zset.members(start, stop) == [member for _, member in ordered[start:stop]]
        assert self.zset.scores(start, stop) == [score for score, _ in ordered[start:stop]]
        if start < len(ordered):
            assert (self.zset.score_at(start), self.zset.member_at(start)) == ordered[start]

    @precondition(lambda self: self.zset.length() > 0)
    @rule()
    def repack(self) -> None:
        self.zset.unpack()
        assert self.zset.encoding() == b"skiplist"
        self.zset.pack()
        fits = len(self.model) <= self.limits.max_entries
        fits = fits and all(len(member) <= self.limits.max_value_bytes for member in self.model)
        assert self.zset.encoding() == (b"listpack" if fits else b"skiplist")

    @rule()
    def swap_for_a_copy(self) -> None:
        twin = self.zset.copy()
        assert twin.encoding() == self.zset.encoding()
        self.zset.add(b"not in the copy", 1.0)
        self.zset = twin

    @invariant()
    def holds_the_same(self) -> None:
        if not hasattr(self, "zset"):
            return
        self.zset.check_invariants()
        length = self.zset.length()
        pairs = list(zip(self.zset.scores(0, length), self.zset.members(0, length), strict=True))
        assert pairs == self.ordered()
        scanned: list[bytes] = []
        scores: list[float] = []
        cursor = self.zset.scan(0, 10, scanned, scores)
        while cursor:
            cursor = self.zset.scan(cursor, 10, scanned, scores)
        assert dict(zip(scanned, scores, strict=True)) == self.model


TestZSetMachine = ZSetMachine.TestCase
