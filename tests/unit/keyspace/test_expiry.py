"""The expiry cycle on its own: a round misses nothing, and a slice is as long as it may be."""

from __future__ import annotations

import sys

import pytest

from hognose.clock import FakeClock
from hognose.datastructures.hashtable import SEGMENT_ENTRIES
from hognose.datastructures.hashvalue import HashLimits, HashValue
from hognose.keyspace.database import FIELDS_AT_A_TIME
from hognose.keyspace.events import KeyspaceListener
from hognose.keyspace.expiry import KEYS_PER_CLOCK_READING, SEGMENTS_PER_CLOCK_READING, ExpiryCycle
from hognose.keyspace.keyspace import Keyspace
from hognose.keyspace.lazyfree import ALWAYS

KEYS = 20_000
SLICE_US = 1000
MICROSECONDS_PER_PART = 0.5 / ALWAYS * 1000
"""What `lazyfree` says of the time that freeing takes: 0.5 ms for as many parts as are freed in one go."""


def fill(keyspace: Keyspace, db_index: int, keys: int = KEYS) -> None:
    """Sets keys that have all expired a moment ago."""
    database = keyspace.databases[db_index]
    for number in range(keys):
        key = b"key:%012d" % number
        database.set(key, b"value")
        database.set_deadline(key, keyspace.clock.now_ms - 1)


@pytest.mark.parametrize("first", [0, 5])
def test_a_round_leaves_no_expired_key_although_the_table_shrinks_under_it(first: int) -> None:
    keyspace = Keyspace(FakeClock())
    cycle = ExpiryCycle(keyspace)
    for _ in range(first):  # each round begins one database further on
        cycle.run(SLICE_US)
    fill(keyspace, 0)
    segments = len(keyspace.databases[0].table.segments)
    assert cycle.run(SLICE_US)
    assert keyspace.databases[0].table.count == 0
    assert keyspace.expired_keys == KEYS
    assert len(keyspace.databases[0].table.segments) < segments


def test_a_round_leaves_no_expired_field_although_the_tables_shrink_under_it() -> None:
    keyspace = Keyspace(FakeClock())
    database = keyspace.databases[0]
    for number in range(KEYS):
        value = HashValue(HashLimits())
        value.set(b"field", b"value")
        value.set_deadline(b"field", keyspace.clock.now_ms - 1)
        database.set(b"hash:%012d" % number, value)
    keyspace.settle_memory()
    assert ExpiryCycle(keyspace).run(SLICE_US)
    assert keyspace.expired_fields == KEYS
    assert database.table.count == database.field_deadlines.count == 0


def test_fields_of_one_large_hash_expire_a_part_at_a_time() -> None:
    clock = FakeClock()
    keyspace = Keyspace(clock)
    database = keyspace.databases[0]
    value = HashValue(HashLimits())
    value.set(b"stays", b"value")
    for number in range(KEYS):
        field = b"field:%d" % number
        value.set(field, b"value")
        value.set_deadline(field, clock.now_ms - 1)
    database.set(b"hash", value)
    keyspace.settle_memory()
    cycle = ExpiryCycle(keyspace)
    clock.us_per_reading = SLICE_US + 1
    slices = 0
    while not cycle.run(SLICE_US) or value.length() > 1:
        before = keyspace.expired_fields
        assert 0 < before <= (slices + 1) * (FIELDS_AT_A_TIME + 2 * SEGMENT_ENTRIES)
        slices += 1
        assert slices < KEYS
    assert slices > KEYS // (FIELDS_AT_A_TIME + 2 * SEGMENT_ENTRIES) // 2
    assert keyspace.expired_fields == KEYS
    value.check_invariants()
    clock.us_per_reading = 0
    assert cycle.run(SLICE_US)
    assert database.field_deadlines.count == 0
    assert database.table.count == 1


def test_a_slice_ends_within_the_work_between_two_readings_of_the_clock() -> None:
    us = 4
    clock = FakeClock()
    keyspace = Keyspace(clock)
    fill(keyspace, 0)
    clock.us_per_reading = us
    cycle = ExpiryCycle(keyspace)
    longest, most, slices, done = 0, 0, 0, False
    while not done:
        began, before = clock.time_us, keyspace.expired_keys
        done = cycle.run(SLICE_US)
        longest = max(longest, clock.time_us - began)
        most = max(most, keyspace.expired_keys - before)
        slices += 1
    assert keyspace.expired_keys == KEYS
    assert cycle.time_limit_reached == slices - 1 > 3
    assert longest <= SLICE_US + 2 * us
    assert most <= (SLICE_US // us + 2) * KEYS_PER_CLOCK_READING


class LastExpired(KeyspaceListener):
    """Looks at each expired key when the next one expires: has it left memory, but for what this holds itself?"""

    def __init__(self) -> None:
        self.key = b""
        self.seen = 0

    def key_expired(self, db_index: int, key: bytes) -> None:
        if self.seen > 0:
            references = sys.getrefcount(self.key)
            assert references == 2  # the attribute and the argument
        self.key = key
        self.seen += 1


def test_each_key_has_left_memory_before_the_next_one_expires() -> None:
    """All keys of the last segments together free so many arenas that it takes longer than a slice may."""
    keyspace = Keyspace(FakeClock())
    fill(keyspace, 0)
    keyspace.listener = last = LastExpired()
    assert ExpiryCycle(keyspace).run(SLICE_US)
    assert last.seen == KEYS


def test_what_comes_between_two_readings_of_the_clock_fits_in_five_milliseconds_whatever_the_values() -> None:
    """One reading more than the slice, and the values freed before it as large as values freed in one go may be."""
    assert SLICE_US + KEYS_PER_CLOCK_READING * ALWAYS * MICROSECONDS_PER_PART <= 5000


def test_segments_in_which_nothing_is_due_cost_no_more_than_a_look() -> None:
    clock = FakeClock()
    keyspace = Keyspace(clock)
    fill(keyspace, 0)
    clock.time_us -= 1_000_000
    clock.read()
    clock.readings = 0
    assert ExpiryCycle(keyspace).run(SLICE_US)
    segments = len(keyspace.databases[0].table.segments)
    assert keyspace.expired_keys == 0
    assert clock.readings <= 2 + 2 * segments // SEGMENTS_PER_CLOCK_READING
