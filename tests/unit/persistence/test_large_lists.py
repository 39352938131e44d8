"""Nodes of a list are read as they were, one by one, whatever becomes of the list meanwhile."""

from __future__ import annotations

import random

import pytest

from hognose.datastructures.listnode import ListNode
from hognose.datastructures.listnodes import NodeRow
from hognose.datastructures.quicklist import ListLimits, ListValue
from hognose.persistence.large_lists import NOTED_NODE_BYTES, NOTED_RUN_BYTES, NodesAsOf
from hognose.persistence.large_values import Notes

PLAIN_BYTES = 50


def element(draw: random.Random) -> bytes:
    return draw.choice([b"a", b"b", b"c", b"%d" % draw.randrange(1000), b"p" * PLAIN_BYTES])


def some_elements(draw: random.Random, most: int) -> list[bytes]:
    return [element(draw) for _ in range(draw.randrange(1, most))]


def row_of(value: ListValue) -> NodeRow:
    row = value.row()
    assert row is not None
    return row


def content(nodes: list[ListNode]) -> list[tuple[bytes, int, bool]]:
    return [(node.body, int(node.count), bool(node.plain)) for node in nodes]


def change_anywhere(draw: random.Random, value: ListValue) -> None:
    size = int(value.length())
    index = draw.randrange(size)
    match draw.randrange(10):
        case 0 | 1:
            value.set(index, element(draw))
        case 2 | 3 | 4:
            value.insert(value.element(index), element(draw), draw.random() < 0.5)
        case 5:
            value.remove(element(draw), draw.choice([-1, 1, 3]))
        case 6:
            value.delete_range(index, min(draw.choice([1, 3, 30]), size - index))
        case 7:
            value.trim(draw.randrange(3), size - draw.randrange(3, 6))
        case 8:
            value.check_invariants()  # which reads, and so packs the ends
        case _:
            value.rotate(draw.random() < 0.5)


def change(draw: random.Random, value: ListValue, growth: float) -> None:
    size = int(value.length())
    if draw.random() < growth or size < 12:
        push = draw.choice([value.push_head, value.push_tail])
        push(some_elements(draw, 9))
    elif draw.random() < 0.4:
        change_anywhere(draw, value)
    elif draw.random() < 0.5:
        value.pop_many(min(draw.choice([1, 5, 70]), size - 8), draw.random() < 0.5)
    elif draw.random() < 0.5:
        value.pop_head()
    else:
        value.pop_tail()


@pytest.mark.parametrize("seed", range(300))
def test_nodes_are_read_as_they_were(seed: int) -> None:
    draw = random.Random(seed)
    value = ListValue(ListLimits(draw.choice([1, 2, 3, 5]), PLAIN_BYTES))
    for _ in range(draw.choice([5, 20, 100])):
        value.push_tail(some_elements(draw, 9))
        if draw.random() < 0.2:
            value.push_head([element(draw)])
    before = content(row_of(value).nodes())
    notes = Notes()
    reader = NodesAsOf(row_of(value), notes)
    found: list[ListNode] = []
    changes = draw.choice([0, 1, 3, 20])
    growth = draw.choice([0.1, 0.5])
    while reader.has_more():
        for _ in range(changes):
            change(draw, value, growth)
        found.extend(reader.next() for _ in range(draw.choice([1, 9])) if reader.has_more())
        if found and draw.random() < 0.05:
            assert content(found) == before[: len(found)], "what is read does not change any more"
    assert content(found) == before
    assert notes.used_bytes == 0
    row = row_of(value)
    reader.close()
    assert row.watcher is None
    value.check_invariants()


@pytest.mark.parametrize("taken", [0, 3, 50])
def test_nodes_of_a_list_that_is_taken_apart_are_read_as_they_were(taken: int) -> None:
    draw = random.Random(taken)
    value = ListValue(ListLimits(2, PLAIN_BYTES))
    for _ in range(100):
        value.push_head([element(draw)])
    for _ in range(20):
        value.pop_head()
    before = content(row_of(value).nodes())
    reader = NodesAsOf(row_of(value), Notes())
    found = [reader.next() for _ in range(min(taken, len(before)))]
    while value.take_apart(5):
        if reader.has_more():
            found.append(reader.next())
    while reader.has_more():
        found.append(reader.next())
    assert content(found) == before


def test_a_change_notes_what_lies_between_it_and_the_nearer_end() -> None:
    value = ListValue(ListLimits(1))
    value.push_tail([b"%d" % number for number in range(100)])
    notes = Notes()
    reader = NodesAsOf(row_of(value), notes)
    assert notes.used_bytes == 0
    value.set(3, b"changed")
    assert notes.used_bytes == 4 * NOTED_NODE_BYTES + NOTED_RUN_BYTES
    value.set(98, b"changed")
    assert notes.used_bytes == 6 * NOTED_NODE_BYTES + 2 * NOTED_RUN_BYTES
    value.set(2, b"changed")
    value.set(98, b"again")
    value.push_tail([b"more"] * 200)
    value.push_head([b"more"] * 200)
    assert notes.used_bytes == 6 * NOTED_NODE_BYTES + 2 * NOTED_RUN_BYTES
    reader.close()
    assert notes.used_bytes == 0
