"""Rates per second for INFO: instantaneous_ops_per_sec and its kin.

A total that only grows is sampled ten times a second; the rate shown is the mean over the last 16 samples, so it
settles within 1.6 seconds and does not flicker.
"""

from typing import Final

from mypy_extensions import i64

SAMPLES: Final = 16
SAMPLE_INTERVAL_MS: Final = 100


class Rate:
    """The rate of one growing total."""

    def __init__(self) -> None:
        self._samples: Final[list[i64]] = [0] * SAMPLES
        self._next: i64 = 0
        self._last_total: i64 = 0
        self._last_ms: i64 = 0

    def sample(self, total: i64, now_ms: i64) -> None:
        """Takes a sample.

        Args:
            total: The total now. A smaller one than before (CONFIG RESETSTAT) counts as no growth.
            now_ms: The time, Unix ms.
        """
        elapsed = now_ms - self._last_ms
        if self._last_ms > 0 and elapsed > 0:
            grown = total - self._last_total
            self._samples[self._next] = grown * 1000 // elapsed if grown > 0 else 0
            self._next = (self._next + 1) % SAMPLES
        self._last_total = total
        self._last_ms = now_ms

    def per_second(self) -> i64:
        """The mean of the samples, per second."""
        total: i64 = 0
        for sample in self._samples:
            total += sample
        return total // SAMPLES
