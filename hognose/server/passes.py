"""How busy the server is: passes over clients' input and cron ticks, their number and their time, for INFO.

One chunk of input from a client with everything it leads to is a pass; a tick of the cron counts as one too. Waiting
for the network between them is not counted.
"""

from mypy_extensions import i64

from hognose.server.sampling import Rate


class Passes:
    """Totals since the start or CONFIG RESETSTAT.

    Attributes:
        count: Passes and ticks.
        duration_us: Time spent in them.
        longest_us: The longest one.
        cron_us: The part spent in ticks.
        most_commands: The most commands run in one pass.
        count_rate: Passes per second.
    """

    def __init__(self) -> None:
        self.count: i64 = 0
        self.duration_us: i64 = 0
        self.longest_us: i64 = 0
        self.cron_us: i64 = 0
        self.most_commands: i64 = 0
        self.count_rate = Rate()
        self.duration_rate = Rate()

    def note(self, duration_us: i64, commands: i64) -> None:
        """Counts a pass. O(1)."""
        self.count += 1
        self.duration_us += duration_us
        self.longest_us = max(self.longest_us, duration_us)
        self.most_commands = max(self.most_commands, commands)

    def note_tick(self, duration_us: i64) -> None:
        """Counts a tick of the cron. O(1)."""
        self.cron_us += duration_us
        self.note(duration_us, 0)

    def sample(self, now_ms: i64) -> None:
        """Takes samples for the rates."""
        self.count_rate.sample(self.count, now_ms)
        self.duration_rate.sample(self.duration_us, now_ms)

    def mean_us(self) -> i64:
        """The mean duration of the passes of the last second and a half."""
        passes = self.count_rate.per_second()
        return self.duration_rate.per_second() // passes if passes > 0 else 0

    def reset(self) -> None:
        """Starts all totals anew."""
        self.count = 0
        self.duration_us = 0
        self.longest_us = 0
        self.cron_us = 0
        self.most_commands = 0
        self.count_rate = Rate()
        self.duration_rate = Rate()
