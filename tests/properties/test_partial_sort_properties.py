"""Partial sorting against sorting all: the range must hold what it would hold then."""

from hypothesis import given
from hypothesis import strategies as st

from hognose.datastructures.partial_sort import partial_order

KEYS = st.lists(st.integers(0, 9).map(float), max_size=120) | st.lists(st.floats(allow_nan=False), max_size=120)


@given(KEYS, st.integers(0, 130), st.integers(-1, 130))
def test_the_range_holds_what_sorting_all_would_leave_there(keys: list[float], low: int, high: int) -> None:
    order = partial_order(keys, low, high)
    assert sorted(order) == list(range(len(keys)))
    assert [keys[index] for index in order[low : high + 1]] == sorted(keys)[low : high + 1]
