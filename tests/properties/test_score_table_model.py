"""The score table against a dict, with tiny segments so that it splits and joins all the time."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hognose.datastructures.score_table import ScoreTable

MEMBERS = st.binary(max_size=2) | st.binary(min_size=15, max_size=40)
SCORES = st.floats(allow_nan=False)


class ScoreTableMachine(RuleBasedStateMachine):
    """Every operation on both sides; one scan is under way all the time."""

    @initialize(segment_entries=st.sampled_from([1, 3, 32]))
    def start(self, segment_entries: int) -> None:
        self.table = ScoreTable(segment_entries)
        self.model: dict[bytes, float] = {}
        self.begin_scan()

    def begin_scan(self) -> None:
        self.cursor = 0
        self.seen: set[bytes] = set()
        self.staying = set(self.model)

    @rule(members=st.lists(MEMBERS, max_size=30), score=SCORES)
    def put(self, members: list[bytes], score: float) -> None:
        for member in members:
            place = self.table.find(member)
            assert (place >= 0) == (member in self.model)
            if place >= 0:
                self.table.found.scores[place] = score
            else:
                self.table.insert_missing(member, score)
            self.model[member] = score

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 30))
    def remove(self, data: st.DataObject, count: int) -> None:
        for _ in range(min(count, len(self.model))):
            member = data.draw(st.sampled_from(sorted(self.model)))
            assert self.table.remove(member) == (True, self.model.pop(member))
            self.staying.discard(member)

    @rule()
    def swap_for_a_copy(self) -> None:
        twin = self.table.copy()
        for member in self.model:
            self.table.remove(member)
        self.table.add(b"not in the copy", 1.0)
        self.table = twin

    @rule(member=MEMBERS)
    def look_up(self, member: bytes) -> None:
        assert self.table.score(member) == (member in self.model, self.model.get(member, 0.0))
        if member not in self.model:
            assert self.table.remove(member) == (False, 0.0)

    @rule(steps=st.integers(1, 20))
    def scan(self, steps: int) -> None:
        for _ in range(steps):
            members: list[bytes] = []
            scores: list[float] = []
            self.cursor = self.table.scan(self.cursor, members, scores)
            assert [self.model[member] for member in members] == scores
            self.seen.update(members)
            if self.cursor == 0:
                assert self.staying <= self.seen
                self.begin_scan()

    @invariant()
    def holds_the_same(self) -> None:
        if hasattr(self, "table"):
            self.table.check_invariants()
            assert self.table.length() == len(self.model)


TestScoreTableMachine = ScoreTableMachine.TestCase
