"""Time, as one object that tests replace.

Redis counts in three units: expiry deadlines in Unix milliseconds, the access clocks of OBJECT IDLETIME in seconds,
durations of commands in microseconds. All three come from one reading of the wall clock, taken once per command: the
end of a command is the start of the next, and a command sees one and the same `now` from its first line to its last.
"""

from librt.time import time
from mypy_extensions import i64


class Clock:
    """The wall clock. `now_ms` holds the reading that the command running now sees.

    Attributes:
        now_us: Unix time in microseconds of the last reading.
        now_ms: The same in milliseconds.
    """

    def __init__(self) -> None:
        self.now_us: i64 = 0
        self.now_ms: i64 = 0
        self.read()

    def read(self) -> i64:
        """Reads the clock, remembers the reading and returns it in microseconds."""
        now_us = i64(time() * 1_000_000)
        self.now_us = now_us
        self.now_ms = now_us // 1000
        return now_us


class FakeClock(Clock):
    """A clock that stands still until a test moves it.

    Attributes:
        time_us: The time, Unix microseconds.
        us_per_reading: The clock moves by so much with each reading: the work done between two of them.
        readings: How many there have been.
    """

    def __init__(self, now_ms: i64 = 1_700_000_000_000) -> None:
        self.time_us: i64 = now_ms * 1000
        self.us_per_reading: i64 = 0
        self.readings: i64 = 0
        super().__init__()

    def read(self) -> i64:
        """Returns the time the test has set, in microseconds."""
        self.readings += 1
        self.time_us += self.us_per_reading
        self.now_us = self.time_us
        self.now_ms = self.time_us // 1000
        return self.time_us

    def advance(self, milliseconds: i64) -> None:
        """Moves the clock forward and reads it."""
        self.time_us += milliseconds * 1000
        self.read()
