"""The skiplist against a SortedList of pairs, with tiny blocks so that every split and join is reached."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sortedcontainers import SortedList

from hognose.datastructures.skiplist import Skiplist

SCORES = st.sampled_from([float("-inf"), -2.5, -1.0, 0.0, 1.0, 1.5, 2.0, 3.0, 1e300, float("inf")]) | st.floats(
    allow_nan=False
)
MEMBERS = st.binary(max_size=2)


class SkiplistMachine(RuleBasedStateMachine):
    """Every operation on both sides, compared after each step."""

    @initialize(block_size=st.sampled_from([4, 5, 8, 128]), stretch_blocks=st.sampled_from([4, 5, 128]))
    def start(self, block_size: int, stretch_blocks: int) -> None:
        self.list = Skiplist(block_size, stretch_blocks)
        self.model: SortedList = SortedList()
        self.score_of: dict[bytes, float] = {}

    @rule(score=SCORES, member=MEMBERS)
    def insert(self, score: float, member: bytes) -> None:
        if member in self.score_of:
            return
        self.list.insert(score, member)
        self.model.add((score, member))
        self.score_of[member] = score

    @rule(pairs=st.dictionaries(MEMBERS, SCORES, max_size=40))
    def insert_many(self, pairs: dict[bytes, float]) -> None:
        for member, score in pairs.items():
            self.insert(score, member)

    @rule(count=st.integers(1, 60), score=st.floats(-100, 100))
    def append_ascending(self, count: int, score: float) -> None:
        for index in range(count):
            self.insert(score + index, b"a%d" % index)

    @rule()
    def swap_for_a_copy(self) -> None:
        twin = self.list.copy()
        for score, member in self.model:
            self.list.move(score, member, 0.5)
        self.list.insert(2.0, b"not in the copy")
        self.list = twin

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        score, member = data.draw(st.sampled_from(list(self.model)))
        assert self.list.remove(score, member)
        self.model.remove((score, member))
        del self.score_of[member]

    @rule(score=SCORES, member=MEMBERS)
    def remove_absent(self, score: float, member: bytes) -> None:
        if (score, member) not in self.model:
            assert not self.list.remove(score, member)
            assert self.list.rank(score, member) == -1

    @precondition(lambda self: self.model)
    @rule(data=st.data(), score=SCORES)
    def move(self, data: st.DataObject, score: float) -> None:
        old, member = data.draw(st.sampled_from(list(self.model)))
        self.list.move(old, member, score)
        self.model.remove((old, member))
        self.model.add((score, member))
        self.score_of[member] = score

    @rule(data=st.data())
    def remove_ranks(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(start, len(self.model)))
        expected = [member for _, member in self.model[start:stop]]
        assert self.list.remove_ranks(start, stop) == expected
        del self.model[start:stop]
        for member in expected:
            del self.score_of[member]

    @rule(data=st.data())
    def read_ranks(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(start, len(self.model)))
        assert self.list.members(start, stop) == [member for _, member in self.model[start:stop]]
        assert self.list.scores(start, stop) == [score for score, _ in self.model[start:stop]]
        assert list(self.list.ascending(start)) == list(self.model[start:])
        if self.model:
            assert list(self.list.descending(min(start, len(self.model) - 1))) == list(self.model[: start + 1])[::-1]

    @rule(score=SCORES)
    def count_by_score(self, score: float) -> None:
        assert self.list.count_below_score(score, False) == sum(s < score for s, _ in self.model)
        assert self.list.count_below_score(score, True) == sum(s <= score for s, _ in self.model)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def look_up_by_rank(self, data: st.DataObject) -> None:
        rank = data.draw(st.integers(0, len(self.model) - 1))
        score, member = self.model[rank]
        assert self.list.rank(score, member) == rank
        assert self.list.member_at(rank) == member
        assert self.list.score_at(rank) == score

    @invariant()
    def holds_the_same(self) -> None:
        if hasattr(self, "list"):
            self.list.check_invariants()
            assert self.list.length() == len(self.model)
            assert list(self.list.ascending()) == list(self.model)
            assert list(self.list.descending()) == list(self.model)[::-1]


TestSkiplistMachine = SkiplistMachine.TestCase


@given(members=st.sets(MEMBERS, max_size=200), bound=MEMBERS, block_size=st.sampled_from([4, 7, 128]))
def test_members_of_one_score_are_counted_by_their_bytes(members: set[bytes], bound: bytes, block_size: int) -> None:
    listed = Skiplist(block_size, 4)
    for member in members:
        listed.insert(7.0, member)
    assert listed.count_below_member(bound, False) == sum(member < bound for member in members)
    assert listed.count_below_member(bound, True) == sum(member <= bound for member in members)


@given(order=st.permutations(list(range(120))), keep_every=st.integers(2, 20))
def test_thinning_out_leaves_no_row_of_tiny_blocks(order: list[int], keep_every: int) -> None:
    listed = Skiplist(8)
    for number in order:
        listed.insert(float(number), b"%d" % number)
    for number in range(120):
        if number % keep_every:
            listed.remove(float(number), b"%d" % number)
            listed.check_invariants()
    # Two small neighbours are always joined, so no more than one block in two is small.
    sizes = block_sizes(listed)
    small = [size <= 1 for size in sizes]
    assert not any(one and two for one, two in pairwise(small))


def block_sizes(listed: Skiplist) -> list[int]:
    """The number of pairs in each block, first to last."""
    return [len(node.members) for stretch in listed._stretches for node in stretch.blocks]
