"""Pending entries are read as they were, bit by bit, whatever becomes of them meanwhile."""

from __future__ import annotations

import random

import pytest

from hognose.datastructures.stream_groups import Consumer, ConsumerGroup, MemoryMeter, Pending, PendingList
from hognose.persistence.large_streams import PENDING_AT_A_TIME, PendingAsOf
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
