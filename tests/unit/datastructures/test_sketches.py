"""Bloom filters, cuckoo filters, count-min sketches and top-k: the bounds that were asked for, and what they carry."""

import random
import subprocess
import sys

import pytest

from hognose.datastructures.bloom import BloomFilter, FilterFullError, FilterTooLargeError, bloom_from
from hognose.datastructures.count_min_sketch import COUNTER_MAX, CountMinSketch, depth_for, width_for
from hognose.datastructures.cuckoo import (
    ADDED,
    MAX_LAYERS,
    NO_MORE_LAYERS,
    NO_ROOM,
    PRESENT,
    CuckooFilter,
    buckets_for,
    cuckoo_from,
)
from hognose.datastructures.sketch import DamagedSketchError, Sketch, fill_all, pieces_of
from hognose.datastructures.topk import TopK


def members(count: int) -> list[bytes]:
    return [b"member:%d" % number for number in range(count)]


def strangers(count: int) -> list[bytes]:
    return [b"stranger:%d" % number for number in range(count)]


# Bloom filters


@pytest.mark.parametrize("error_rate", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("capacity", [500, 10_000])
@pytest.mark.parametrize("expansion", [0, 2])
def test_a_bloom_filter_at_its_capacity_keeps_the_error_rate(error_rate: float, capacity: int, expansion: int) -> None:
    bloom = BloomFilter(capacity, error_rate, expansion)
    for item in members(capacity):
        bloom.add(item)
    asked = 40_000
    mistakes = sum(bloom.has(item) for item in strangers(asked))
    # Four standard deviations above the rate.
    assert mistakes <= asked * error_rate + 4 * (asked * error_rate) ** 0.5
    bloom.check_invariants()


@pytest.mark.parametrize("expansion", [1, 2, 4])
def test_a_bloom_filter_that_grew_keeps_the_error_rate_and_forgets_nothing(expansion: int) -> None:
    bloom = BloomFilter(200, 0.01, expansion)
    items = members(6000)
    for item in items:
        bloom.add(item)
    assert all(bloom.has(item) for item in items)
    assert len(bloom.layers) > 1
    asked = 40_000
    mistakes = sum(bloom.has(item) for item in strangers(asked))
    assert mistakes <= asked * 0.01 + 4 * (asked * 0.01) ** 0.5
    assert 6000 * (1 - 0.01) - 40 <= bloom.items() <= 6000
    bloom.check_invariants()


def test_a_bloom_filter_has_the_bits_and_hashes_that_theory_asks_for() -> None:
    layer = BloomFilter(1000, 0.01, 0).layers[0]
    assert layer.hashes == 7
    assert 9585 <= layer.size < 9585 + 64


def test_a_bloom_filter_that_must_not_grow_refuses_what_is_beyond_its_capacity() -> None:
    bloom = BloomFilter(3, 0.001, 0)
    for item in members(3):
        assert bloom.add(item)
    assert not bloom.add(b"member:0")
    with pytest.raises(FilterFullError):
        bloom.add(b"member:3")
    assert bloom.items() == 3


def test_a_bloom_filter_beyond_the_size_limit_is_refused_before_it_is_made() -> None:
    with pytest.raises(FilterTooLargeError):
        BloomFilter(1 << 30, 1e-300, 2)


def test_a_bloom_layer_without_any_error_left_is_refused() -> None:
    with pytest.raises(FilterTooLargeError):
        BloomFilter(1, 5e-324, 2)


# Cuckoo filters


@pytest.mark.parametrize("bucket_size", [1, 2, 4])
def test_a_cuckoo_filter_keeps_the_error_rate_of_its_bucket_size(bucket_size: int) -> None:
    cuckoo = CuckooFilter(buckets_for(4096, bucket_size), bucket_size, 100, 0)
    items = members(1800)
    assert all(cuckoo.add(item, False) == ADDED for item in items)
    assert all(cuckoo.has(item) for item in items)
    asked = 40_000
    bound = 2 * bucket_size / 255
    mistakes = sum(cuckoo.has(item) for item in strangers(asked))
    assert mistakes <= asked * bound + 4 * (asked * bound) ** 0.5
    cuckoo.check_invariants()


def test_moving_fills_a_cuckoo_filter_well_beyond_half() -> None:
    cuckoo = CuckooFilter(512, 4, 500, 0)
    added = 0
    for item in members(2048):
        if cuckoo.add(item, False) != ADDED:
            break
        added += 1
    assert added > 0.9 * 2048
    assert all(cuckoo.has(item) for item in members(added))
    cuckoo.check_invariants()


def test_an_item_for_which_there_is_no_room_changes_nothing() -> None:
    cuckoo = CuckooFilter(2, 1, 20, 0)
    assert [cuckoo.add(b"1", False) for _ in range(4)] == [ADDED, ADDED, NO_ROOM, NO_ROOM]
    before = cuckoo.tables(0, 2)
    assert cuckoo.add(b"other", False) == NO_ROOM
    assert cuckoo.tables(0, 2) == before
    cuckoo.check_invariants()


def test_a_cuckoo_filter_grows_only_so_often() -> None:
    cuckoo = CuckooFilter(2, 1, 5, 1)
    outcomes = [cuckoo.add(b"same", False) for _ in range(2 * MAX_LAYERS + 1)]
    assert outcomes[:-1] == [ADDED] * (2 * MAX_LAYERS)
    assert outcomes[-1] == NO_MORE_LAYERS
    assert cuckoo.count(b"same") == 2 * MAX_LAYERS


def test_a_cuckoo_filter_counts_and_deletes_what_was_added() -> None:
    cuckoo = CuckooFilter(64, 2, 20, 1)
    assert cuckoo.add(b"a", True) == ADDED
    assert cuckoo.add(b"a", True) == PRESENT
    cuckoo.add(b"a", False)
    assert cuckoo.count(b"a") == 2
    assert [cuckoo.delete(b"a") for _ in range(3)] == [True, True, False]
    assert (cuckoo.items, cuckoo.deleted) == (0, 2)
    cuckoo.check_invariants()


def test_compacting_drops_layers_that_older_ones_have_room_for() -> None:
    cuckoo = CuckooFilter(64, 2, 20, 2)
    items = members(600)
    assert all(cuckoo.add(item, False) == ADDED for item in items)
    layers = len(cuckoo.layers)
    for item in items[:500]:
        cuckoo.delete(item)
    cuckoo.compact()
    assert len(cuckoo.layers) < layers
    assert cuckoo.deleted == 0
    assert cuckoo.items == 100
    assert all(cuckoo.has(item) for item in items[500:])
    cuckoo.check_invariants()


# Count-min sketches


@pytest.mark.parametrize(("error", "probability"), [(0.01, 0.01), (0.002, 0.1)])
def test_counts_are_never_too_low_and_seldom_too_high(error: float, probability: float) -> None:
    chance = random.Random(7)
    sketch = CountMinSketch(int(width_for(error)), depth_for(probability))
    truth: dict[bytes, int] = {}
    for _ in range(30_000):
        item = b"item:%d" % int(chance.paretovariate(0.6))
        truth[item] = truth.get(item, 0) + 1
        sketch.add(item, 1)
    too_high = 0
    for item, count in truth.items():
        estimate = sketch.count(item)
        assert estimate >= count
        too_high += estimate > count + error * 30_000
    assert too_high <= probability * len(truth)
    sketch.check_invariants()


def test_a_counter_stops_at_its_end() -> None:
    sketch = CountMinSketch(10, 2)
    assert sketch.add(b"a", COUNTER_MAX - 1) == COUNTER_MAX - 1
    assert sketch.add(b"a", 5) == COUNTER_MAX
    assert sketch.count(b"a") == COUNTER_MAX
    sketch.check_invariants()


def test_a_merge_adds_with_weights_and_refuses_what_leaves_the_range() -> None:
    first, second, target = (CountMinSketch(50, 3) for _ in range(3))
    first.add(b"a", 10)
    second.add(b"a", 3)
    second.add(b"b", 4)
    assert target.merge([first, second], [2, 5])
    assert (target.count(b"a"), target.count(b"b"), target.total) == (35, 20, 55)
    before = target.tables(0, target.table_bytes())
    for weights in ([1, -4], [2**62, 1], [COUNTER_MAX, 1]):
        assert not target.merge([first, second], weights)
    assert target.tables(0, target.table_bytes()) == before
    target.check_invariants()


def test_the_size_of_a_sketch_follows_from_error_and_probability() -> None:
    assert (width_for(0.001), depth_for(0.01)) == (2000, 7)


# Top-k


def test_the_most_frequent_items_of_a_skewed_stream_are_found() -> None:
    chance = random.Random(3)
    top = TopK(10, 200, 5, 0.9)
    truth: dict[bytes, int] = {}
    for _ in range(40_000):
        item = b"item:%d" % min(int(chance.paretovariate(0.8)), 5000)
        truth[item] = truth.get(item, 0) + 1
        top.add(item, 1)
    expected = sorted(truth, key=lambda item: -truth[item])[:10]
    found = dict(top.ranking())
    assert len(set(expected) & set(found)) >= 9
    for item, estimate in found.items():
        assert estimate <= truth[item] or estimate < 0.01 * 40_000
    top.check_invariants()


def test_the_same_commands_make_the_same_top_k() -> None:
    first, second = TopK(5, 8, 3, 0.9), TopK(5, 8, 3, 0.9)
    for number in range(3000):
        item = b"item:%d" % (number * number % 97)
        assert first.add(item, 1 + number % 3) == second.add(item, 1 + number % 3)
    assert first.header() == second.header()
    assert pieces_of(first) == pieces_of(second)


def test_an_item_that_comes_in_drives_out_the_one_with_the_lowest_count() -> None:
    top = TopK(2, 8, 7, 0.9)
    assert [top.add(b"foo", 3), top.add(b"bar", 5), top.add(b"baz", 10)] == [None, None, b"foo"]
    assert top.ranking() == [(b"baz", 10), (b"bar", 5)]
    assert not top.has(b"foo")
    top.check_invariants()


# All of them


def filled() -> list[Sketch]:
    bloom = BloomFilter(50, 0.01, 2)
    cuckoo = CuckooFilter(16, 2, 10, 2)
    sketch = CountMinSketch(40, 3)
    top = TopK(4, 8, 3, 0.9)
    for number in range(200):
        item = b"item:%d" % number
        bloom.add(item)
        cuckoo.add(item, False)
        sketch.add(item, number)
        top.add(item, 1 + number)
    return [bloom, cuckoo, sketch, top]


@pytest.mark.parametrize("index", range(4))
def test_a_copy_is_equal_and_independent(index: int) -> None:
    value = filled()[index]
    twin = value.copy()
    assert isinstance(twin, Sketch)
    twin.check_invariants()
    assert (twin.header(), pieces_of(twin)) == (value.header(), pieces_of(value))
    assert twin.memory_bytes() == value.memory_bytes()
    before = pieces_of(value)
    twin.fill(0, bytes(int(twin.table_bytes())))
    assert pieces_of(value) == before


@pytest.mark.parametrize("index", range(4))
def test_tables_in_pieces_of_any_size_are_the_tables(index: int) -> None:
    value = filled()[index]
    total = int(value.table_bytes())
    whole = value.tables(0, total)
    for size in (4, 12, 100):
        assert b"".join(value.tables(at, min(at + size, total)) for at in range(0, total, size)) == whole


@pytest.mark.parametrize("index", range(4))
def test_tables_that_are_too_long_or_too_short_are_refused(index: int) -> None:
    value = filled()[index]
    twin = value.copy()
    assert isinstance(twin, Sketch)
    whole = value.tables(0, value.table_bytes())
    for damaged in (whole + b"\0\0\0\0", whole[:-4]):
        with pytest.raises(DamagedSketchError):
            fill_all(twin, [damaged])


def test_no_damage_to_a_header_makes_more_than_the_tables_that_are_there() -> None:
    bloom, cuckoo = filled()[:2]
    for value, build in ((bloom, bloom_from), (cuckoo, cuckoo_from)):
        header = value.header()
        size = int(value.table_bytes())
        for at in range(len(header)):
            for byte in (0, 1, 0x7F, 0xFF):
                damaged = header[:at] + bytes((byte,)) + header[at + 1 :]
                try:
                    made: Sketch = build(damaged, size)
                except DamagedSketchError:
                    continue
                assert made.table_bytes() == size


def test_mmh3_is_imported_only_when_something_is_hashed() -> None:
    code = "import sys, hognose.commands as c; c.load_all(); assert 'mmh3' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
