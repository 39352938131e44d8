"""The latency monitor: for each kind of event, the spikes of the last time, at most one per second.

An event is something that can hold the server up: b"command", b"fast-command", b"expire-cycle", b"eviction-cycle",
b"fork", b"aof-fsync-always"... Whoever does the work measures it and reports what exceeded latency-monitor-threshold.
Each event keeps its last 160 seconds with a spike; several spikes within a second count as the highest.
"""

from collections import deque
from typing import Final

from mypy_extensions import i64

HISTORY: Final = 160
"""Samples kept per event, as many as Redis keeps."""


class LatencySample:
    """The worst spike of one second.

    Attributes:
        at_s: The second, Unix time.
        latency_ms: The longest delay in it.
    """

    def __init__(self, at_s: i64, latency_ms: i64) -> None:
        self.at_s: i64 = at_s
        self.latency_ms: i64 = latency_ms


class LatencyEvent:
    """The history of one kind of event.

    Attributes:
        samples: Oldest first.
        worst_ms: The longest delay since the last reset.
    """

    def __init__(self) -> None:
        self.samples: Final[deque[LatencySample]] = deque(maxlen=HISTORY)
        self.worst_ms: i64 = 0

    def add(self, at_s: i64, latency_ms: i64) -> None:
        """Records a spike. O(1)."""
        self.worst_ms = max(self.worst_ms, latency_ms)
        if self.samples and self.samples[-1].at_s == at_s:
            last = self.samples[-1]
            last.latency_ms = max(last.latency_ms, latency_ms)
            return
        self.samples.append(LatencySample(at_s, latency_ms))

    def lowest_ms(self) -> int:
        """The shortest delay in the history."""
        return min(sample.latency_ms for sample in self.samples)

    def highest_ms(self) -> int:
        """The longest delay in the history."""
        return max(sample.latency_ms for sample in self.samples)


class LatencyMonitor:
    """All events.

    Attributes:
        threshold_ms: Delays below this are not recorded; 0 turns the monitor off (latency-monitor-threshold).
        events: By name.
    """

    def __init__(self) -> None:
        self.threshold_ms: i64 = 0
        self.events: Final[dict[bytes, LatencyEvent]] = {}

    def note(self, event: bytes, now_ms: i64, latency_ms: i64) -> None:
        """Reports how long something took; kept only if it is a spike. O(1)."""
        if self.threshold_ms <= 0 or latency_ms < self.threshold_ms:
            return
        known = self.events.get(event)
        if known is None:
            known = LatencyEvent()
            self.events[event] = known
        known.add(now_ms // 1000, latency_ms)

    def reset(self, names: list[bytes]) -> int:
        """Forgets the events of these names (none: all). Returns how many there were."""
        if not names:
            count = len(self.events)
            self.events.clear()
            return count
        return sum(1 for name in names if self.events.pop(name, None) is not None)


def graph(name: bytes, event: LatencyEvent, now_s: i64) -> bytes:
    """The history of an event as a picture in text: a line of figures, a rule, columns, and how long ago each was.

    Args:
        name: The event's.
        event: Must have a sample.
        now_s: Unix seconds.
    """
    high, low = event.highest_ms(), event.lowest_ms()
    head = b"%s - high %d ms, low %d ms (all time high %d ms)\n" % (name, high, low, event.worst_ms)
    columns = [_bar(int(each.latency_ms), low, high) + _ago(int(now_s - each.at_s)) for each in event.samples]
    depth = max(len(column) for column in columns)
    rows = ["".join(column[row : row + 1] or " " for column in columns).rstrip() for row in range(depth)]
    return head + b"-" * 80 + b"\n" + "\n".join(rows).encode() + b"\n\n"


def _bar(value: int, low: int, high: int) -> str:
    """One column: four characters, the higher the value the higher the mark."""
    level = 7 if high == low else (value - low) * 7 // (high - low)
    cell = 3 - level // 2
    return " " * cell + ("#" if level % 2 else "_") + "|" * (3 - cell)


def _ago(seconds: int) -> str:
    """A time span in one unit, such as 15s or 3h."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"
