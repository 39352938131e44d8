"""Tables tell their watcher before a segment changes, whatever changes it, and of few segments at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hognose.datastructures.hashtable import HashTable
from tests.watchers import Noting

FIRST = 100


def key(number: int) -> bytes:
    return b"key%d" % number


def filled(segment_entries: int = 4) -> HashTable:
    table = HashTable(segment_entries=segment_entries, scores=True)
    for number in range(FIRST):
        table.set(key(number), number)
        table.set_score(table.find(key(number)), number / 2)
        if number % 5 == 0:
            table.set_deadline(table.find(key(number)), 1000 + number)
    return table


def grow(table: HashTable) -> None:
    for number in range(FIRST, 4 * FIRST):
        table.set(key(number), number)


def shrink(table: HashTable) -> None:
    for number in range(FIRST):
        table.pop(key(number))


def take_apart(table: HashTable) -> None:
    while table.take_apart(3):
        pass


def replace(table: HashTable) -> None:
    table.replace_found(table.find(key(7)), -1)


def insert_missing(table: HashTable) -> None:
    assert table.find(b"fresh") < 0
    table.insert_missing(b"fresh", 1)


CHANGES: dict[str, Callable[[HashTable], object]] = {
    "set": lambda table: table.set(key(7), -1),
    "set of a new key": lambda table: table.set(b"fresh", 1),
    "replace_found": replace,
    "set_score": lambda table: table.set_score(table.find(key(7)), -1.0),
    "insert_missing": insert_missing,
    "pop": lambda table: table.pop(key(7)),
    "remove_found": lambda table: table.remove_found(table.find(key(7))),
    "set_deadline": lambda table: table.set_deadline(table.find(key(7)), 50),
    "set_deadline to none": lambda table: table.set_deadline(table.find(key(5)), 0),
    "growth": grow,
    "shrinking": shrink,
    "clear": lambda table: table.clear(),
    "detach": lambda table: [segment.slots.clear() for segment in table.detach()],
    "take_apart": take_apart,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("segment_entries", [1, 4, 1024])
def test_watcher_of_a_hash_table_knows_what_it_held(change: str, segment_entries: int) -> None:
    table = filled(segment_entries)
    watcher = Noting(table)
    CHANGES[change](table)
    assert watcher.content() == watcher.before
    if change not in {"clear", "detach"}:
        assert watcher.told > 0


def test_lookups_and_what_changes_nothing_tell_nobody() -> None:
    table = filled()
    watcher = Noting(table)
    table.find(key(1))
    table.get(key(2))
    table.pop(b"missing")
    table.deadline(table.find(key(5)))
    table.copy().set(key(1), 5)
    table.scan(0, 10, [])
    assert watcher.told == 0


def test_change_of_a_hash_table_tells_of_three_segments_at_most() -> None:
    table = filled(segment_entries=1)
    watcher = Noting(table)
    most = 0
    for number in range(FIRST):
        before = watcher.told
        table.pop(key(number)) if number % 2 else table.set(key(FIRST + number), 1)
        most = max(most, watcher.told - before)
    for number in range(FIRST):
        before = watcher.told
        table.pop(key(number))
        most = max(most, watcher.told - before)
    assert most <= 3
    assert watcher.content() == watcher.before


def test_merge_of_segments_that_did_not_change_is_told_of() -> None:
    table = filled()
    most = len(table.segments)
    numbers = iter(range(FIRST))
    while len(table.segments) == most:
        table.pop(key(next(numbers)))
    for _ in range(10):
        watcher = Noting(table)
        count = len(table.segments)
        while len(table.segments) == count:
            table.pop(key(next(numbers)))
        assert watcher.content() == watcher.before
        table.unwatch()


def test_table_can_be_watched_again_and_forgets_who_watched_before() -> None:
    table = filled()
    first = Noting(table)
    table.set(key(7), -1)
    table.unwatch()
    second = Noting(table)
    told = first.told
    table.set(key(7), -2)
    table.set(key(8), -2)
    assert first.told == told
    assert second.content() == second.before
    assert (key(7), -1, 0, 3.5) in second.before
