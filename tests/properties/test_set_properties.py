"""SetValue against a Python set, with tiny and with default thresholds."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from librt.random import Random

from hognose.datastructures.setvalue import SetLimits, SetValue

INTEGERS = st.one_of(st.integers(-40, 40), st.sampled_from([2**31, -(2**63), 2**63 - 1])).map(lambda n: b"%d" % n)
MEMBERS = st.one_of(INTEGERS, st.binary(max_size=12), st.just(b"x" * 70), st.sampled_from([b"007", b"-0", b"+1"]))


class SetMachine(RuleBasedStateMachine):
    """The same steps on both."""

    @initialize(limits=st.sampled_from([(0, 0, 64), (4, 8, 8), (8, 4, 64), (512, 128, 64)]), integers=st.booleans())
    def start(self, limits: tuple[int, int, int], integers: bool) -> None:
        self.limits = SetLimits(*limits)
        self.set = SetValue(self.limits)
        self.model: set[bytes] = set()
        self.integers = integers

    @rule(data=st.data())
    def add(self, data: st.DataObject) -> None:
        member = data.draw(INTEGERS if self.integers else MEMBERS)
        assert self.set.add(member) == (member not in self.model)
        self.model.add(member)

    @rule(member=MEMBERS)
    def remove(self, member: bytes) -> None:
        assert self.set.remove(member) == (member in self.model)
        self.model.discard(member)

    @rule(data=st.data())
    def remove_all(self, data: st.DataObject) -> None:
        if self.model:
            gone = data.draw(st.sets(st.sampled_from(sorted(self.model))))
            self.set.remove_all(sorted(gone))
            self.model -= gone

    @rule(member=MEMBERS, count=st.integers(1, 600))
    def prepare(self, member: bytes, count: int) -> None:
        self.set.prepare(member, count)

    @rule(member=MEMBERS)
    def ask(self, member: bytes) -> None:
        assert self.set.has(member) == (member in self.model)

    @rule()
    def copy(self) -> None:
        twin = self.set.copy()
        assert twin.encoding() == self.set.encoding()
        assert twin.memory_bytes() > 0
        self.set.add(b"only in the original")
        self.set = twin

    @rule()
    def to_intset(self) -> None:
        if self.integers:
            self.set.to_intset()
            assert self.set.encoding() == b"intset" or len(self.model) > self.limits.max_intset_entries

    @invariant()
    def agrees(self) -> None:
        self.set.check_invariants()
        assert self.set.length() == len(self.model)
        assert sorted(self.set.members()) == sorted(self.model)
        if self.set.encoding() == b"listpack":
            assert len(self.model) <= self.limits.max_listpack_entries


TestSet = SetMachine.TestCase
TestSet.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("make", ["%d", "m%d"])
@pytest.mark.parametrize("size", [10, 1000])
def test_every_member_is_drawn_about_equally_often(make: str, size: int) -> None:
    value = SetValue(SetLimits())
    members = [(make % n).encode() for n in range(size)]
    for member in members:
        value.add(member)
    random = Random(11)
    drawn = dict.fromkeys(members, 0)
    for _ in range(size * 200):
        drawn[value.random_member(random)] += 1
    assert min(drawn.values()) > 120
    assert max(drawn.values()) < 300


def test_a_string_turns_a_small_intset_into_a_listpack_and_a_large_one_into_a_table() -> None:
    small = SetValue(SetLimits())
    large = SetValue(SetLimits())
    for n in range(200):
        large.add(b"%d" % n)
        if n < 127:
            small.add(b"%d" % n)
    assert (small.encoding(), large.encoding()) == (b"intset", b"intset")
    small.add(b"word")
    large.add(b"word")
    assert (small.encoding(), large.encoding()) == (b"listpack", b"hashtable")
    small.add(b"another")
    assert small.encoding() == b"hashtable"


def test_large_additions_start_in_a_table() -> None:
    value = SetValue(SetLimits())
    value.prepare(b"word", 129)
    assert value.encoding() == b"hashtable"
    value = SetValue(SetLimits())
    value.prepare(b"1", 513)
    assert value.encoding() == b"hashtable"
