"""The histogram of durations: rows and percentiles as real servers show them.

The expected figures come from Redis 7.0.15 and 8.2.3 and Valkey 9.1.2: DEBUG SLEEP, then LATENCY HISTOGRAM debug and
INFO latencystats.
"""

import pytest

from hognose.telemetry.histogram import Histogram

BOUNDS_US = [1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633, 135266, 270532, 541065]
LAST_BOUND_US = 1_073_741


def histogram_of(*durations: int) -> Histogram:
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    return histogram


def test_every_duration_counts_up_to_the_first_bound_that_is_not_below_it() -> None:
    for low, high in zip([0, *BOUNDS_US], [*BOUNDS_US, LAST_BOUND_US], strict=True):
        assert histogram_of(low + 1).rows() == [(high, 1)]
        assert histogram_of(min(high, 1_000_000)).rows() == [(high, 1)]


def test_rows_are_cumulative_and_leave_out_what_adds_nothing() -> None:
    histogram = histogram_of(0, 1, 3, 3, 30, 5_000_000)
    assert histogram.total == 6
    assert histogram.rows() == [(1, 2), (4, 4), (33, 5), (LAST_BOUND_US, 6)]


@pytest.mark.parametrize(
    ("duration", "shown"),
    [(60, 60.159), (67, 67.071), (2125, 2129.919), (4077, 4079.615), (64_200, 64_225.279), (1_500_000, 1_002_438.655)],
)
def test_a_percentile_is_the_end_of_the_bucket_as_on_real_servers(duration: int, shown: float) -> None:
    assert histogram_of(duration).percentile(50.0) == shown


def test_percentiles_of_four_durations_change_where_they_do_on_real_servers() -> None:
    histogram = histogram_of(1062, 4077, 16_100, 64_200)
    percents = (0, 10, 37, 38, 62, 63, 99, 100)
    expected = [1056.768, 1064.959, 1064.959, 4079.615, 4079.615, 16121.855, 64225.279, 64225.279]
    assert [histogram.percentile(float(percent)) for percent in percents] == expected


def test_an_empty_histogram_has_no_rows() -> None:
    assert histogram_of().rows() == []
    assert histogram_of().percentile(50.0) == 0.0
