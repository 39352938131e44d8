"""The segmented hash table against a dict."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from librt.random import Random

from hognose.datastructures.hashtable import HashTable
from tests.watchers import Noting

KEYS = st.integers(0, 300).map(lambda n: b"k%d" % n) | st.binary(max_size=40)


class HashTableMachine(RuleBasedStateMachine):
    """Every operation on a table with tiny segments and on a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.table = HashTable(clocks=True, segment_entries=3, scores=True)
        self.model: dict[bytes, int] = {}
        self.deadlines: dict[bytes, int] = {}
        self.watcher: Noting | None = None

    @rule()
    def watch(self) -> None:
        if self.watcher is not None:
            self.table.unwatch()
        self.watcher = Noting(self.table)

    @rule(clears=st.booleans())
    def empty(self, clears: bool) -> None:
        if clears:
            self.table.clear()
        else:
            self.table.detach()
        self.model.clear()
        self.deadlines.clear()

    @rule(key=KEYS, value=st.integers(0, 5))
    def set(self, key: bytes, value: int) -> None:
        assert self.table.set(key, value) == (key not in self.model)
        place = self.table.find(key)
        self.table.set_score(place, value / 4)
        self.model[key] = value

    @rule(key=KEYS)
    def pop(self, key: bytes) -> None:
        self.deadlines.pop(key, None)
        assert self.table.pop(key) == self.model.pop(key, None)

    @rule(keys=st.lists(KEYS, max_size=60))
    def set_many(self, keys: list[bytes]) -> None:
        for key in keys:
            self.set(key, 1)

    @rule(keys=st.lists(KEYS, max_size=60))
    def pop_many(self, keys: list[bytes]) -> None:
        for key in keys:
            self.pop(key)

    @rule(key=KEYS, deadline=st.integers(0, 100))
    def set_deadline(self, key: bytes, deadline: int) -> None:
        place = self.table.find(key)
        if place < 0:
            return
        self.table.set_deadline(place, deadline)
        self.deadlines[key] = deadline
        assert self.table.deadline(place) == deadline

    @rule()
    def swap_for_a_copy(self) -> None:
        twin = self.table.copy()
        assert twin.memory_bytes() == self.table.memory_bytes()
        for key in [*self.model, b"not in the copy"]:
            self.table.set(key, 9)
            place = self.table.find(key)
            self.table.set_score(place, -1.0)
            self.table.set_deadline(place, 1)
        self.watcher_knows_what_there_was()
        self.watcher = None
        self.table = twin

    @rule(now=st.integers(1, 100))
    def due(self, now: int) -> None:
        found = [key for index in range(len(self.table.segments)) for key in self.table.due(index, now)]
        assert sorted(found) == sorted(key for key, at in self.deadlines.items() if 0 < at <= now)

    @invariant()
    def watcher_knows_what_there_was(self) -> None:
        assert self.watcher is None or self.watcher.content() == self.watcher.before

    @invariant()
    def same_content(self) -> None:
        self.table.check_invariants()
        assert len(self.table) == len(self.model)
        assert sorted(self.table.keys()) == sorted(self.model)
        for key, value in self.model.items():
            assert self.table.get(key) == value
            place = self.table.find(key)
            assert self.table.found.scores[place] == value / 4


TestHashTable = HashTableMachine.TestCase
TestHashTable.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(
    first=st.integers(0, 400),
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 999)), max_size=300),
    per_step=st.integers(1, 40),
    wanted=st.integers(1, 20),
    segment_entries=st.sampled_from([1, 3, 40]),
)
@settings(deadline=None)
def test_a_scan_returns_whatever_is_present_from_start_to_end(
    first: int, changes: list[tuple[bool, int]], per_step: int, wanted: int, segment_entries: int
) -> None:
    table = HashTable(segment_entries=segment_entries)
    for n in range(first):
        table.set(b"stays%d" % n, True)
    seen: list[bytes] = []
    cursor = table.scan(0, wanted, seen)
    pending = list(changes)
    steps = 0
    while cursor != 0:
        for insert, n in pending[:per_step]:
            if insert:
                table.set(b"comes%d" % n, True)
            else:
                table.pop(b"comes%d" % n)
        pending = pending[per_step:]
        cursor = table.scan(cursor, wanted, seen)
        steps += 1
        assert steps < 10_000
    assert {b"stays%d" % n for n in range(first)} <= set(seen)


@given(wanted=st.integers(1, 12), before=st.integers(1, 200), segment_entries=st.sampled_from([1, 3, 40, 1024]))
@settings(deadline=None)
def test_a_scan_survives_a_table_that_shrinks_to_nearly_nothing(wanted: int, before: int, segment_entries: int) -> None:
    table = HashTable(segment_entries=segment_entries)
    for n in range(500):
        table.set(b"%d" % n, True)
    seen: list[bytes] = []
    cursor = 0
    for _ in range(before):
        cursor = table.scan(cursor, wanted, seen)
        if cursor == 0:
            break
    for n in range(10, 500):
        table.pop(b"%d" % n)
    while cursor != 0:
        cursor = table.scan(cursor, wanted, seen)
    assert {b"%d" % n for n in range(10)} <= set(seen)


def test_random_keys_are_uniform() -> None:
    table = HashTable(segment_entries=4)
    for n in range(100):
        table.set(b"%d" % n, True)
    random = Random(7)
    counts = dict.fromkeys(table.keys(), 0)
    draws = 50_000
    for _ in range(draws):
        counts[table.random_key(random)] += 1
    expected = draws / 100
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi_square < 160  # 99 degrees of freedom: p < 0.0001 above


def test_the_structure_shrinks_back_after_everything_is_removed() -> None:
    table = HashTable()
    empty = table.memory_bytes()
    for n in range(20_000):
        table.set(b"%d" % n, True)
    for n in range(20_000):
        table.pop(b"%d" % n)
    assert table.memory_bytes() <= empty


def test_a_table_emptied_from_its_end_moves_nothing_between_segments() -> None:
    table = HashTable()
    for n in range(20_000):
        table.set(b"%d" % n, True)
    before, first = len(table.segments), table.segments[0].slots
    for index in reversed(range(2, before)):  # the last two are merged while the second still has keys
        for key in table.keys_of(index):
            table.pop(key)
    assert len(table.segments) < before / 2
    assert table.segments[0].slots is first
    table.check_invariants()


def test_a_scan_of_a_table_that_does_not_change_returns_each_key_once_and_about_as_many_as_wanted() -> None:
    table = HashTable()
    for n in range(10_000):
        table.set(b"%d" % n, True)
    seen: list[bytes] = []
    cursor = table.scan(0, 10, seen)
    steps = 1
    while cursor != 0:
        cursor = table.scan(cursor, 10, seen)
        steps += 1
    assert sorted(seen) == sorted(table.keys())
    assert 500 < steps < 2000


def test_any_cursor_a_client_makes_up_is_safe() -> None:
    table = HashTable(segment_entries=3)
    for n in range(100):
        table.set(b"%d" % n, True)
    for cursor in (1, 12345, 2**40, 2**61 - 1, 2**62 - 1):
        table.scan(cursor, 10, [])


@given(
    reserved=st.integers(0, 3000),
    keys=st.lists(st.binary(max_size=3), max_size=300, unique=True),
    segment_entries=st.sampled_from([1, 3, 40, 1024]),
    gone=st.integers(0, 300),
)
@settings(deadline=None)
def test_a_table_with_room_made_at_once_is_a_table_like_any_other(
    reserved: int, keys: list[bytes], segment_entries: int, gone: int
) -> None:
    table = HashTable(clocks=True, segment_entries=segment_entries, scores=True)
    table.reserve(reserved)
    assert len(table.segments) == max(reserved // segment_entries, 1)
    table.check_invariants()
    for key in keys:
        assert table.set(key, 1)
    table.check_invariants()
    table.reserve(10 * reserved)  # it is not empty, if there were keys
    for key in keys[:gone]:
        assert table.pop(key) == 1
    table.check_invariants()
    assert sorted(table.keys()) == sorted(keys[gone:])
    found: list[bytes] = []
    cursor = table.scan(0, 10, found)
    while cursor:
        cursor = table.scan(cursor, 10, found)
    assert sorted(found) == sorted(keys[gone:])
