"""A histogram of durations with bounded relative error, cheap enough to feed with every command.

Values up to 31 us have a bucket each; above, each power of two is divided into 16 buckets, so a percentile is off by at
most 1/16 = 6%. The idea is HdrHistogram's (Gil Tene); the resolution is chosen for memory: 16 * 30 counters.
"""

import math
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

SUB_BITS: Final = 4
SUB_BUCKETS: Final = 1 << SUB_BITS
EXACT: Final = 2 * SUB_BUCKETS
GROUPS: Final = 28
"""Powers of two above the exact range: durations to 2**32 us, over an hour."""


class Histogram:
    """Counts of durations in microseconds."""

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
        value: i64 = max(microseconds, 0)
        index: i64 = value
        if value >= EXACT:
            shift: i64 = 0
            while value >= EXACT and shift < GROUPS:
                value >>= 1
                shift += 1
            if value >= EXACT:
                value = EXACT - 1
            index = shift * SUB_BUCKETS + value
        # In one statement on the attribute, mypyc would box the counts.
        counts = self._counts
        counts[index] = counts[index] + 1
        self.total += 1

    def percentile(self, percent: float) -> float:
        """The duration in us that `percent` percent of the recorded ones do not exceed; 0 if there are none."""
        if self.total == 0:
            return 0.0
        wanted: i64 = math.ceil(percent / 100.0 * float(self.total))
        seen: i64 = 0
        i: i64 = 0
        while i < len(self._counts):
            seen += self._counts[i]
            if seen > 0 and seen >= wanted:
                return float(_highest(i))
            i += 1
        return float(_highest(len(self._counts) - 1))

    def powers_of_two(self) -> list[tuple[int, int]]:
        """Cumulative counts at 1, 2, 4, 8... us up to the longest recorded duration, as LATENCY HISTOGRAM shows."""
        rows: list[tuple[int, int]] = []
        bound: i64 = 1
        seen: i64 = 0
        i: i64 = 0
        while i < len(self._counts) and seen < self.total:
            before = seen
            while i < len(self._counts) and _highest(i) <= bound:
                seen += self._counts[i]
                i += 1
            if seen != before:
                rows.append((bound, seen))
            bound *= 2
        return rows


def _highest(index: i64) -> i64:
    """The longest duration that counts in bucket `index`."""
    if index < EXACT:
        return index
    shift = index // SUB_BUCKETS - 1
    return ((index - shift * SUB_BUCKETS + 1) << shift) - 1
