"""A histogram of durations to two significant digits, cheap enough to feed with every command.

The counts are those of an HdrHistogram (Gil Tene, hdrhistogram.org) of nanoseconds up to one second, as real servers
keep them, so that INFO latencystats and LATENCY HISTOGRAM show the same figures: each power of two is divided into 128
buckets. Durations come in whole microseconds, and of the short ones each has a bucket of its own:

    below 256 us       one counter per microsecond
    up to a second     128 counters per power of two of nanoseconds, from 2**17 ns on
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

SUB_BUCKETS: Final = 128
EXACT: Final = 256
SHIFT: Final = 10
"""By so many bits the nanoseconds of the shortest duration beyond the exact ones are shifted to fit into 8 bits."""
GROUPS: Final = 13
LONGEST_US: Final = 1_000_000
"""Longer durations count as this one."""
HIGHEST_NS: Final = (1 << 30) - 1
"""The end of the last bucket."""
FIRST_ROW_NS: Final = 1024


class Histogram:
    """Counts of durations."""

    def __init__(self) -> None:
        counts = vec[i64](capacity=EXACT + GROUPS * SUB_BUCKETS)
        i: i64 = 0
        while i < EXACT + GROUPS * SUB_BUCKETS:
            counts = append(counts, 0)
            i += 1
        self._counts: vec[i64] = counts
        self.total: i64 = 0

    def record(self, microseconds: i64) -> None:
        """Counts one duration. O(1)."""
        index: i64 = max(microseconds, 0)
        if index >= EXACT:
            index = _index(min(microseconds, LONGEST_US) * 1000)
        # In one statement on the attribute, mypyc would box the counts.
        counts = self._counts
        counts[index] = counts[index] + 1
        self.total += 1

    def percentile(self, percent: float) -> float:
        """The duration in us that `percent` percent of the recorded ones do not exceed; 0 if there are none.

        Of the bucket where it is, the end is told; for 0 percent, the start.
        """
        if self.total == 0:
            return 0.0
        wanted: i64 = max(int(percent / 100.0 * float(self.total) + 0.5), 1)
        seen: i64 = 0
        i: i64 = 0
        while i < len(self._counts) - 1:
            seen += self._counts[i]
            if seen >= wanted:
                break
            i += 1
        found_ns = _highest_ns(i)
        return float(_start_ns(found_ns) if percent <= 0.0 else found_ns) / 1000.0

    def rows(self) -> list[tuple[int, int]]:
        """What LATENCY HISTOGRAM shows: bounds in us that double, and how many durations do not exceed each.

        A bound is the end of the bucket that begins at 1024 ns times a power of two. Rows that add none are left out.
        """
        rows: list[tuple[int, int]] = []
        start_ns: i64 = FIRST_ROW_NS
        seen: i64 = 0
        i: i64 = 0
        while i < len(self._counts) and seen < self.total:
            bound_ns = _end_ns(start_ns)
            before = seen
            while i < len(self._counts) and _highest_ns(i) <= bound_ns:
                seen += self._counts[i]
                i += 1
            if seen != before:
                rows.append((min(bound_ns, HIGHEST_NS) // 1000, seen))
            start_ns *= 2
        return rows


def _index(nanoseconds: i64) -> i64:
    """The counter of a duration that is not among the exact ones."""
    shift: i64 = SHIFT
    while nanoseconds >> shift >= 2 * SUB_BUCKETS:
        shift += 1
    return EXACT + (shift - SHIFT) * SUB_BUCKETS + (nanoseconds >> shift) - SUB_BUCKETS


def _start_ns(nanoseconds: i64) -> i64:
    """The shortest duration that real servers do not tell from this one."""
    shift: i64 = 0
    while nanoseconds >> shift >= 2 * SUB_BUCKETS:
        shift += 1
    return (nanoseconds >> shift) << shift


def _end_ns(nanoseconds: i64) -> i64:
    """The longest duration that real servers do not tell from this one."""
    shift: i64 = 0
    while nanoseconds >> shift >= 2 * SUB_BUCKETS:
        shift += 1
    return (((nanoseconds >> shift) + 1) << shift) - 1


def _highest_ns(index: i64) -> i64:
    """The longest duration that real servers do not tell from those of a counter."""
    if index < EXACT:
        return _end_ns(max(index * 1000, 1))
    group = (index - EXACT) // SUB_BUCKETS
    return _end_ns(((index - EXACT) % SUB_BUCKETS + SUB_BUCKETS) << (group + SHIFT))
