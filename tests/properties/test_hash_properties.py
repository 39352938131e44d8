"""HashValue against a dict of values and a dict of deadlines, with tiny and with default thresholds."""

import re

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from librt.random import Random

from hognose.datastructures.hashvalue import HashLimits, HashValue

FIELDS = st.one_of(st.integers(-5, 40).map(lambda n: b"%d" % n), st.binary(max_size=12), st.just(b"x" * 70))
VALUES = st.one_of(st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n), st.binary(max_size=80))
DEADLINES = st.integers(1, 1000)


class HashMachine(RuleBasedStateMachine):
    """The same steps on a hash and on two dicts."""

    @initialize(limits=st.sampled_from([(0, 64), (4, 8), (20, 64), (512, 64)]))
    def start(self, limits: tuple[int, int]) -> None:
        self.hash = HashValue(HashLimits(*limits))
        self.values: dict[bytes, bytes] = {}
        self.deadlines: dict[bytes, int] = {}

    @rule(field=FIELDS, value=VALUES, keep=st.booleans())
    def set(self, field: bytes, value: bytes, keep: bool) -> None:
        assert self.hash.set(field, value, keep) == (field not in self.values)
        self.values[field] = value
        if not keep:
            self.deadlines.pop(field, None)

    @rule(field=FIELDS, by=st.one_of(st.integers(-200, 200), st.sampled_from([-(2**63), 2**63 - 1])))
    def increment(self, field: bytes, by: int) -> None:
        old = self.values.get(field, b"0")
        is_integer = re.fullmatch(rb"0|-?[1-9][0-9]*", old) is not None and -(2**63) <= int(old) < 2**63
        if not is_integer:
            with pytest.raises(ValueError):
                self.hash.increment(field, by)
        elif not -(2**63) <= int(old) + by < 2**63:
            with pytest.raises(OverflowError):
                self.hash.increment(field, by)
        else:
            self.values[field] = b"%d" % (int(old) + by)
            assert self.hash.increment(field, by) == int(old) + by

    @rule(field=FIELDS)
    def delete(self, field: bytes) -> None:
        assert self.hash.delete(field) == (field in self.values)
        self.values.pop(field, None)
        self.deadlines.pop(field, None)

    @rule(data=st.data(), deadline=DEADLINES | st.just(0))
    def set_deadline(self, data: st.DataObject, deadline: int) -> None:
        if self.values:
            field = data.draw(st.sampled_from(sorted(self.values)))
            self.hash.set_deadline(field, deadline)
            self.deadlines[field] = deadline
            if deadline == 0:
                del self.deadlines[field]

    @rule(now=DEADLINES)
    def expire(self, now: int) -> None:
        due = self.hash.due(now)
        assert sorted(due) == sorted(field for field, deadline in self.deadlines.items() if deadline < now)
        for field in due:
            self.delete(field)
        left = self.hash.next_deadline()
        assert left == 0 or left >= now or not self.deadlines or left <= min(self.deadlines.values())

    @rule(field=FIELDS)
    def read(self, field: bytes) -> None:
        assert self.hash.get(field) == self.values.get(field)
        assert self.hash.has(field) == (field in self.values)
        expected = self.deadlines.get(field, 0) if field in self.values else -1
        assert self.hash.deadline(field) == expected

    @rule()
    def copy(self) -> None:
        twin = self.hash.copy()
        self.hash.set(b"only in the original", b"1")
        self.hash.delete(b"only in the original")
        twin.check_invariants()
        assert twin.memory_bytes() > 0
        self.hash = twin

    @rule(count=st.integers(0, 600))
    def reserve(self, count: int) -> None:
        self.hash.reserve(count)

    @invariant()
    def agrees(self) -> None:
        self.hash.check_invariants()
        assert self.hash.length() == len(self.values)
        fields = self.hash.fields()
        assert sorted(fields) == sorted(self.values)
        assert self.hash.values() == [self.values[field] for field in fields]
        pairs = self.hash.pairs()
        assert dict(zip(pairs[::2], pairs[1::2], strict=True)) == self.values
        earliest = self.hash.next_deadline()
        assert not self.deadlines or 0 < earliest <= min(self.deadlines.values())


TestHash = HashMachine.TestCase
TestHash.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("fields", [10, 1000])
def test_every_field_is_drawn_about_equally_often(fields: int) -> None:
    value = HashValue(HashLimits())
    for n in range(fields):
        value.set(b"f%d" % n, b"v%d" % n)
    random = Random(7)
    drawn = [0] * fields
    for _ in range(fields * 200):
        field, text = value.random_pair(random)
        assert text == b"v" + field[1:]
        drawn[int(field[1:])] += 1
    assert min(drawn) > 120
    assert max(drawn) < 300


def test_a_listpack_becomes_a_table_at_the_first_field_beyond_the_limit() -> None:
    limits = HashLimits(4, 64)
    value = HashValue(limits)
    for n in range(4):
        value.set(b"f%d" % n, b"v")
    assert value.encoding() == b"listpack"
    value.set(b"f0", b"other")
    assert value.encoding() == b"listpack"
    value.set(b"f4", b"v")
    assert value.encoding() == b"hashtable"


def test_a_value_longer_than_the_limit_makes_a_table_and_a_changed_limit_reaches_old_hashes() -> None:
    limits = HashLimits(512, 64)
    value = HashValue(limits)
    value.set(b"f", b"x" * 64)
    assert value.encoding() == b"listpack"
    limits.max_value_bytes = 100
    value.set(b"f", b"x" * 100)
    assert value.encoding() == b"listpack"
    value.set(b"f", b"x" * 101)
    assert value.encoding() == b"hashtable"
    assert value.get(b"f") == b"x" * 101


def test_fields_of_a_listpackex_stand_in_the_order_of_their_deadlines() -> None:
    value = HashValue(HashLimits())
    for field in (b"a", b"b", b"c", b"d"):
        value.set(field, b"1")
    value.set_deadline(b"c", 300)
    value.set_deadline(b"a", 200)
    value.set_deadline(b"d", 250)
    assert value.encoding() == b"listpackex"
    assert value.fields() == [b"a", b"d", b"c", b"b"]
    assert value.next_deadline() == 200
    value.set_deadline(b"a", 0)
    assert value.fields() == [b"d", b"c", b"b", b"a"]
    assert value.due(251) == [b"d"]
