"""Rates per second over the last second and a half, behind the instantaneous_* fields of INFO.

The cron samples running totals; the rate shown is the mean of the last 16 samples, so it neither jumps nor lags.
"""

from typing import Final

from mypy_extensions import i64

SAMPLES: Final = 16


class Rate:
    """The rate of one running total."""

    def __init__(self) -> None:
        self._rates: Final[list[float]] = []
        self._next = 0
        self._last_total: i64 = 0
        self._last_us: i64 = 0

    def sample(self, now_us: i64, total: i64) -> None:
        """Takes a sample of the total. O(1)."""
        elapsed_us: i64 = now_us - self._last_us
        if self._last_us != 0 and elapsed_us > 0:
            self._record(float(total - self._last_total) * 1_000_000.0 / float(elapsed_us))
        self._last_us = now_us
        self._last_total = total

    def sample_mean(self, count: i64, total: i64) -> None:
        """Takes a sample of a mean: how much the total grew for each of the events counted. O(1)."""
        events: i64 = count - self._last_us
        if events > 0:
            self._record(float(total - self._last_total) / float(events))
        self._last_us = count
        self._last_total = total

    def _record(self, value: float) -> None:
        if len(self._rates) < SAMPLES:
            self._rates.append(value)
            return
        self._rates[self._next] = value
        self._next = (self._next + 1) % SAMPLES

    def per_second(self) -> float:
        """The rate now; 0 before the second sample."""
        return sum(self._rates) / len(self._rates) if self._rates else 0.0

    def reset(self) -> None:
        """Forgets the samples; the next one starts anew."""
        self._rates.clear()
        self._next = 0
        self._last_us = 0
        self._last_total = 0
