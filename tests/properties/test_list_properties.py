"""The list value against a plain Python list, with limits small enough to reach every split, merge and conversion."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hognose.datastructures.quicklist import ListLimits, ListValue, list_from_nodes

ELEMENTS = st.one_of(
    st.sampled_from([b"a", b"b", b"1", b"-5", b"300"]),
    st.binary(max_size=12),
    st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n),
    st.integers(0, 90).map(lambda n: b"x" * n),
)
FEW = st.lists(ELEMENTS, min_size=1, max_size=4)
INDEX = st.integers(0, 10_000)


class ListMachine(RuleBasedStateMachine):
    """Every operation done to both; the contents must stay equal."""

    @initialize(
        max_listpack_size=st.sampled_from([1, 2, 3, 5, 128, -1, -2, -5]),
        plain_bytes=st.sampled_from([50, 2**30]),
        elements=st.lists(ELEMENTS, max_size=40),
        head=st.booleans(),
    )
    def start(self, max_listpack_size: int, plain_bytes: int, elements: list[bytes], head: bool) -> None:
        self.limits = ListLimits(max_listpack_size, plain_bytes)
        self.value = ListValue(self.limits)
        for element in elements:
            if head:
                self.value.push_head([element])
            else:
                self.value.push_tail([element])
        self.model = elements[::-1] if head else elements[:]

    @rule(elements=FEW)
    def push_head(self, elements: list[bytes]) -> None:
        self.value.push_head([b"skipped", *elements], 1)
        self.model[0:0] = reversed(elements)

    @rule(elements=FEW)
    def push_tail(self, elements: list[bytes]) -> None:
        self.value.push_tail([b"skipped", *elements], 1)
        self.model.extend(elements)

    @rule(from_tail=st.booleans())
    def pop(self, from_tail: bool) -> None:
        if self.model:
            popped = self.value.pop_tail() if from_tail else self.value.pop_head()
            assert popped == self.model.pop(-1 if from_tail else 0)

    @rule(count=st.integers(0, 6), from_tail=st.booleans())
    def pop_many(self, count: int, from_tail: bool) -> None:
        popped = self.value.pop_many(count, from_tail)
        expected = [self.model.pop(-1 if from_tail else 0) for _ in range(min(count, len(self.model)))]
        assert popped == expected

    @rule(from_tail=st.booleans())
    def rotate(self, from_tail: bool) -> None:
        if self.model:
            moved = self.model.pop(-1 if from_tail else 0)
            self.model.insert(0 if from_tail else len(self.model), moved)
            assert self.value.rotate(from_tail) == moved

    @rule(index=INDEX, element=ELEMENTS)
    def set_element(self, index: int, element: bytes) -> None:
        if self.model:
            index %= len(self.model)
            self.value.set(index, element)
            self.model[index] = element

    @rule(pivot=st.none() | ELEMENTS, index=INDEX, element=ELEMENTS, after=st.booleans())
    def insert(self, pivot: bytes | None, index: int, element: bytes, after: bool) -> None:
        if pivot is None:
            pivot = self.model[index % len(self.model)] if self.model else b"absent"
        found = pivot in self.model
        assert self.value.insert(pivot, element, after) is found
        if found:
            self.model.insert(self.model.index(pivot) + (1 if after else 0), element)

    @rule(element=ELEMENTS, count=st.integers(-3, 3))
    def remove(self, element: bytes, count: int) -> None:
        expected = 0
        limit = abs(count) or len(self.model)
        while expected < limit and element in self.model:
            if count < 0:
                del self.model[len(self.model) - 1 - self.model[::-1].index(element)]
            else:
                self.model.remove(element)
            expected += 1
        assert self.value.remove(element, count) == expected

    @rule(start=INDEX, count=INDEX)
    def delete_range(self, start: int, count: int) -> None:
        start %= len(self.model) + 1
        count %= min(len(self.model) - start, 3) + 1
        self.value.delete_range(start, count)
        del self.model[start : start + count]

    @rule(start=INDEX, count=INDEX)
    def trim(self, start: int, count: int) -> None:
        start %= min(len(self.model), 3) + 1
        count = len(self.model) - start - count % (min(len(self.model) - start, 3) + 1)
        self.value.trim(start, count)
        self.model[:] = self.model[start : start + count]

    @rule(element=ELEMENTS, rank=st.sampled_from([1, 2, 3, -1, -2, 2**62, -(2**62)]), limit=INDEX, compared=INDEX)
    def positions(self, element: bytes, rank: int, limit: int, compared: int) -> None:
        limit %= 4
        compared %= len(self.model) + 2
        indexes = list(range(len(self.model)))
        if rank < 0:
            indexes.reverse()
        looked_at = indexes[:compared] if compared else indexes
        matches = [index for index in looked_at if self.model[index] == element][abs(rank) - 1 :]
        assert self.value.positions(element, rank, limit, compared) == (matches[:limit] if limit else matches)

    @rule(start=INDEX, count=INDEX)
    def read_range(self, start: int, count: int) -> None:
        start %= len(self.model) + 1
        count %= len(self.model) - start + 1
        out = [b"before"]
        self.value.extend(out, start, count)
        assert out == [b"before", *self.model[start : start + count]]

    @rule()
    def copy_and_reload(self) -> None:
        twin = self.value.copy()
        assert twin.encoding() == self.value.encoding()
        nodes = self.value.nodes()
        loaded = list_from_nodes(self.limits, [node.payload() for node in nodes], [node.plain for node in nodes])
        for other in (twin, loaded):
            out: list[bytes] = []
            other.extend(out, 0, other.length())
            assert out == self.model
            other.check_invariants()

    @rule(index=INDEX)
    def read_one(self, index: int) -> None:
        if self.model:
            index %= len(self.model)
            assert self.value.element(index) == self.model[index]

    @invariant()
    def contents_are_equal(self) -> None:
        if hasattr(self, "value"):
            self.value.check_invariants()
            out: list[bytes] = []
            self.value.extend(out, 0, self.value.length())
            assert out == self.model


TestListMachine = ListMachine.TestCase
TestListMachine.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)


@pytest.mark.parametrize("max_listpack_size", [1, 2, 3, 5, 30, -1])
@pytest.mark.parametrize("plain_bytes", [60, 2**30])
def test_a_long_run_of_random_changes_agrees_with_a_plain_list(max_listpack_size: int, plain_bytes: int) -> None:
    source = random.Random(max_listpack_size * plain_bytes)
    limits = ListLimits(max_listpack_size, plain_bytes)
    value = ListValue(limits)
    model: list[bytes] = []
    for _ in range(800):
        change_both(source, value, model)
        value.check_invariants()
        out: list[bytes] = []
        value.extend(out, 0, value.length())
        assert out == model


def change_both(source: random.Random, value: ListValue, model: list[bytes]) -> None:
    """Makes one random change to a list and to its model; lists stay at about 40 elements."""
    element = source.choice([b"%d" % source.randrange(3000), b"x" * source.randrange(200), b"a", b"b"])
    if len(model) <= source.randrange(80):
        if not model or source.random() < 0.2:
            value.push_tail([element])
            model.append(element)
            return
        index = source.randrange(len(model))
        after = source.random() < 0.5
        assert value.insert(model[index], element, after)
        model.insert(model.index(model[index]) + after, element)
        return
    index = source.randrange(len(model))
    kind = source.randrange(4)
    if kind == 0:
        count = source.randrange(min(6, len(model) - index))
        value.delete_range(index, count)
        del model[index : index + count]
    elif kind == 1:
        value.set(index, element)
        model[index] = element
    elif kind == 2:
        assert value.remove(model[index], 1) == 1
        model.remove(model[index])
    else:
        assert value.remove(model[index], -1) == 1
        del model[len(model) - 1 - model[::-1].index(model[index])]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(500, 600).map(lambda n: b"x" * n), min_size=30, max_size=60), st.booleans())
def test_a_long_list_becomes_a_quicklist_and_shrinks_back_at_half_the_limit(elements: list[bytes], head: bool) -> None:
    value = ListValue(ListLimits())
    for element in elements:
        if head:
            value.push_head([element])
        else:
            value.push_tail([element])
    assert value.encoding() == b"quicklist"
    # Before each push a listpack is asked whether it will do, without the four bytes an entry takes beside its text.
    assert all(node.size() <= 8192 + 4 for node in value.nodes())
    while value.length() > 1:
        value.pop_head()
        nodes = value.nodes()
        fits = len(nodes) == 1 and nodes[0].size() <= 4096
        assert value.encoding() == (b"listpack" if fits else b"quicklist")


END_CHANGES = st.lists(
    st.tuples(st.integers(1, 100), st.booleans(), st.none() | ELEMENTS | st.just(b"x" * 600)), min_size=5, max_size=30
)
"""How often, at the tail or the head, and what is pushed; None pops."""


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([1, 3, 30, 100, -1]), st.sampled_from([80, 2**30]), END_CHANGES)
def test_ends_that_are_packed_late_give_the_nodes_that_packing_at_once_gives(
    max_listpack_size: int, plain_bytes: int, changes: list[tuple[int, bool, bytes | None]]
) -> None:
    limits = ListLimits(max_listpack_size, plain_bytes)
    late, at_once = ListValue(limits), ListValue(limits)
    model: list[bytes] = []
    for times, at_tail, element in changes:
        for _ in range(times):
            for value in (late, at_once):
                if element is not None:
                    (value.push_tail if at_tail else value.push_head)([element])
                elif model:
                    assert (value.pop_tail() if at_tail else value.pop_head()) == model[-1 if at_tail else 0]
            if element is not None:
                model.insert(len(model) if at_tail else 0, element)
            elif model:
                model.pop(-1 if at_tail else 0)
            at_once.nodes()
            assert late.length() == at_once.length() == len(model)
    weight = late.memory_bytes()
    assert weight >= sum(len(node.body) for node in at_once.nodes())
    nodes = [[(node.plain, node.count, node.body) for node in value.nodes()] for value in (late, at_once)]
    assert nodes[0] == nodes[1]
    assert late.memory_bytes() == weight, "reading is no change that anybody weighs"
    assert late.encoding() == at_once.encoding()
    late.check_invariants()
    out: list[bytes] = []
    late.extend(out, 0, late.length())
    assert out == model
