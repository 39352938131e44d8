"""Any sequence of operations leaves the probabilistic values in order, and never makes them forget."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from hognose.datastructures.bloom import BloomFilter, FilterFullError
from hognose.datastructures.count_min_sketch import CountMinSketch
from hognose.datastructures.cuckoo import ADDED, PRESENT, CuckooFilter
from hognose.datastructures.topk import TopK

items = st.integers(0, 60).map(lambda number: b"item:%d" % number)


@given(st.lists(items), st.integers(1, 20), st.sampled_from([0, 1, 2]), st.sampled_from([0.5, 0.05, 1e-6]))
def test_a_bloom_filter_has_whatever_it_took(added: list[bytes], capacity: int, expansion: int, rate: float) -> None:
    bloom = BloomFilter(capacity, rate, expansion)
    taken: set[bytes] = set()
    for item in added:
        try:
            bloom.add(item)
        except FilterFullError:
            assert bloom.items() == capacity
            continue
        taken.add(item)
    assert all(bloom.has(item) for item in taken)
    assert bloom.items() <= len(taken)
    bloom.check_invariants()
    twin = bloom.copy()
    assert all(twin.has(item) for item in taken)
    twin.check_invariants()


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "add", "addnx", "del"]), items), max_size=150),
    st.sampled_from([1, 2, 8]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 20]),
    st.sampled_from([0, 1, 2, 3]),
)
def test_a_cuckoo_filter_counts_at_least_what_it_holds(
    steps: list[tuple[str, bytes]], buckets: int, bucket_size: int, iterations: int, expansion: int
) -> None:
    cuckoo = CuckooFilter(buckets, bucket_size, iterations, expansion)
    held: Counter[bytes] = Counter()
    for step, item in steps:
        if step == "del":
            # Deleting what is not there could take what shares its fingerprint.
            if held[item]:
                assert cuckoo.delete(item)
                held[item] -= 1
            continue
        outcome = cuckoo.add(item, step == "addnx")
        assert outcome != PRESENT or step == "addnx"
        held[item] += outcome == ADDED
    assert cuckoo.items == held.total()
    for item, count in held.items():
        assert cuckoo.count(item) >= count
    cuckoo.check_invariants()
    layers = len(cuckoo.layers)
    cuckoo.compact()
    assert len(cuckoo.layers) <= layers
    assert all(cuckoo.count(item) >= count for item, count in held.items())
    cuckoo.check_invariants()
    twin = cuckoo.copy()
    assert all(twin.count(item) >= count for item, count in held.items())
    twin.check_invariants()


@given(st.lists(st.tuples(items, st.integers(0, 2**33)), max_size=60), st.integers(1, 40), st.integers(1, 5))
def test_a_count_min_sketch_never_counts_too_low(counts: list[tuple[bytes, int]], width: int, depth: int) -> None:
    sketch = CountMinSketch(width, depth)
    truth: Counter[bytes] = Counter()
    for item, count in counts:
        bounded = min(count, 2**32 - 1)
        truth[item] += bounded
        assert sketch.add(item, bounded) == sketch.count(item)
    for item, count in truth.items():
        assert sketch.count(item) >= min(count, 2**32 - 1)
    sketch.check_invariants()


@given(
    st.lists(st.tuples(items, st.integers(1, 30)), max_size=80),
    st.integers(1, 8),
    st.integers(1, 10),
    st.integers(1, 4),
    st.sampled_from([0.01, 0.9, 1.0]),
)
def test_a_top_k_list_is_in_order_and_driven_out_items_are_gone(
    steps: list[tuple[bytes, int]], k: int, width: int, depth: int, decay: float
) -> None:
    top = TopK(k, width, depth, decay)
    listed: set[bytes] = set()
    for item, count in steps:
        gone = top.add(item, count)
        if gone is not None:
            assert gone in listed
            assert not top.has(gone)
            listed.discard(gone)
        if top.has(item):
            listed.add(item)
        top.check_invariants()
    ranking = top.ranking()
    assert {item for item, _ in ranking} == listed
    assert [count for _, count in ranking] == sorted((count for _, count in ranking), reverse=True)
    assert top.copy().ranking() == ranking
