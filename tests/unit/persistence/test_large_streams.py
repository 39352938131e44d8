"""Blocks and pending entries of streams are read as they were, bit by bit, whatever becomes of them meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_block import StreamBlock
from hognose.datastructures.stream_groups import Consumer, ConsumerGroup, MemoryMeter, Pending, PendingList
from hognose.datastructures.stream_id import MAX_ID
from hognose.persistence.large_streams import NOTED_BLOCK_BYTES, PENDING_AT_A_TIME, BlocksAsOf, PendingAsOf
from hognose.persistence.large_values import Notes

MANY = 1000


def group_with_pending(draw: random.Random) -> ConsumerGroup:
    group = ConsumerGroup(b"group", 0, 0, MemoryMeter())
    consumers = [group.create_consumer(name, 1) for name in (b"one", b"two", b"three")]
    for entry_id in range(1, MANY):
        if draw.random() < 0.9:
            group.assign(entry_id << 64, draw.choice(consumers), draw.randrange(10**9), 1)
    for entry_id in range(200, 400):
        group.acknowledge(entry_id << 64)
    return group


def change(draw: random.Random, group: ConsumerGroup) -> None:
    entry_id = draw.randrange(1, MANY + 200) << 64
    consumers: list[Consumer] = list(group.consumers.values())
    if not consumers:
        consumers.append(group.create_consumer(b"new", 1))
    match draw.randrange(20):
        case 0 if len(consumers) > 2:
            group.delete_consumer(draw.choice(consumers).name)
        case 1:
            for each in range(entry_id >> 64, (entry_id >> 64) + 150):
                group.acknowledge(each << 64)
        case 2 | 3:
            record = group.pending.get(entry_id)
            if record is not None:
                group.redeliver(entry_id, record, 5, record.delivery_count + 1)
        case 4 | 5 | 6 | 7 | 8 | 9:
            group.acknowledge(entry_id)
        case _:
            group.assign(entry_id, draw.choice(consumers), draw.randrange(10**9), draw.randrange(5))


def content(pending: PendingList) -> list[tuple[int, int, int]]:
    return [
        (entry_id, int(pending.by_id[entry_id].delivery_time_ms), int(pending.by_id[entry_id].delivery_count))
        for entry_id in sorted(pending.by_id)
    ]


@pytest.mark.parametrize("seed", range(30))
def test_pending_entries_are_read_as_they_were(seed: int) -> None:
    draw = random.Random(seed)
    group = group_with_pending(draw)
    owner = group.consumers[b"one"].pending
    of_group, of_consumer = content(group.pending), sorted(owner.by_id)
    notes = Notes()
    readers = [PendingAsOf(group.pending, notes), PendingAsOf(owner, notes)]
    found: list[list[tuple[int, int, int]]] = [[], []]
    changes = draw.choice([0, 1, 30, 300])
    is_dropped = draw.random() < 0.3
    for which, reader in enumerate(readers):
        has_more = True
        while has_more:
            if is_dropped:
                group.take_apart(changes)
            else:
                for _ in range(changes):
                    change(draw, group)
            ids: list[int] = []
            records: list[Pending] = []
            has_more = reader.next(ids, records)
            assert len(ids) <= PENDING_AT_A_TIME
            for entry_id, record in zip(ids, records, strict=True):
                found[which].append((entry_id, int(record.delivery_time_ms), int(record.delivery_count)))
    assert found[0] == of_group
    assert [entry_id for entry_id, _, _ in found[1]] == of_consumer
    for reader in readers:
        reader.close()
    assert notes.used_bytes == 0
    assert group.pending.watcher is None
    group.pending.check_invariants()


def test_a_change_notes_one_entry() -> None:
    group = group_with_pending(random.Random(3))
    notes = Notes()
    reader = PendingAsOf(group.pending, notes)
    group.acknowledge(7 << 64)
    one = int(notes.used_bytes)
    assert one > 0
    group.assign(7 << 64, group.consumers[b"two"], 1, 1)
    assert notes.used_bytes == one
    group.assign(8 << 64, group.consumers[b"two"], 1, 1)
    assert notes.used_bytes == 2 * one
    reader.close()


def test_walk_looks_at_no_more_than_it_is_told() -> None:
    group = group_with_pending(random.Random(3))
    start: int = 0
    found: list[int] = []
    steps = 0
    while start >= 0:
        before = len(found)
        start = group.pending.walk(start, 10, found)
        assert len(found) - before <= 10
        steps += 1
    assert found == sorted(group.pending.by_id)
    assert steps >= len(found) / 10


def blocks_of(blocks: list[StreamBlock]) -> list[tuple[int, bytes]]:
    return [(block.first_id, block.to_blob()) for block in blocks]


def add(draw: random.Random, value: StreamValue, count: int) -> None:
    for _ in range(count):
        fields = draw.choice([[b"field"], [b"field"], [b"other", b"names"]])
        argv = [word for field in fields for word in (field, b"%d" % draw.randrange(10**6))]
        value.append(value.last_id + draw.choice([1, 1 << 64]), argv, 0, 0, 3)


def change_stream(draw: random.Random, value: StreamValue) -> None:
    lowest = value.first_id >> 64
    entry_id = draw.randrange(lowest, value.last_ms + 2) << 64 | draw.randrange(3)
    match draw.randrange(12):
        case 0:
            value.trim_to_length(max(int(value.length()) - draw.randrange(40), 0), draw.random() < 0.5, 0)
        case 1:
            value.trim_below_id(draw.randrange(lowest, lowest + 30) << 64, draw.random() < 0.5, 0)
        case 2 if draw.random() < 0.1:
            # As XSETID does: what is added next may stand before what was there.
            value.trim_to_length(0, False, 0)
            value.last_id = draw.randrange(value.last_ms + 1) << 64
            add(draw, value, 30)
        case 3 | 4 | 5 | 6 | 7:
            value.delete(entry_id)
        case 8:
            for each in range(10):
                value.delete(entry_id + (each << 64))
        case 9:
            assert value.length() == sum(1 for _ in walk(value))
        case _:
            add(draw, value, draw.choice([1, 9]))


def walk(value: StreamValue) -> Iterator[int]:
    cursor = value.cursor(0, MAX_ID)
    while cursor.advance():
        yield cursor.entry_id()


@pytest.mark.parametrize("seed", range(300))
def test_blocks_are_read_as_they_were(seed: int) -> None:
    draw = random.Random(seed)
    value = StreamValue()
    add(draw, value, draw.choice([1, 30, 200]))
    for _ in range(draw.choice([0, 30])):
        change_stream(draw, value)
    before = blocks_of(value.blocks)
    notes = Notes()
    reader = BlocksAsOf(value, notes)
    assert reader.left == len(before)
    found: list[tuple[int, bytes]] = []
    changes = draw.choice([0, 1, 3, 20])
    is_dropped = draw.random() < 0.2
    while reader.left > 0:
        if is_dropped:
            value.take_apart(changes)
        else:
            for _ in range(changes):
                change_stream(draw, value)
        for _ in range(draw.choice([1, 5])):
            if reader.left > 0:
                found.extend(blocks_of([reader.next()]))
    assert found == before
    if not is_dropped:
        value.check_invariants()
    reader.close()
    assert notes.used_bytes == 0
    assert value.watcher is None


def test_a_change_notes_one_block() -> None:
    draw = random.Random(1)
    value = StreamValue()
    add(draw, value, 300)
    notes = Notes()
    reader = BlocksAsOf(value, notes)
    assert notes.used_bytes == 0
    first = value.first_id
    value.delete(first)
    assert notes.used_bytes == NOTED_BLOCK_BYTES
    value.trim_to_length(value.length() - 1, False, 0)
    assert notes.used_bytes == NOTED_BLOCK_BYTES
    add(draw, value, 1)
    assert notes.used_bytes <= 2 * NOTED_BLOCK_BYTES
    reader.close()
