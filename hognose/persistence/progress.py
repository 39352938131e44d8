"""How far a long write is: counted key by key, told to whoever waits, slowed down where a test wants that.

The counting is all that happens for most keys; every LOOK_EVERY keys `look` is called, which subclasses override: the
child tells its parent (`child`), the last save before the end looks for a signal (`server.snapshots`).
"""

import time
from typing import Final

from mypy_extensions import i64, mypyc_attr

LOOK_EVERY: Final = 256


@mypyc_attr(allow_interpreted_subclasses=True)
class Progress:
    """Counts the keys of one write.

    Args:
        delay_us: rdb-key-save-delay: how long to wait after each key; if negative, after how many keys to wait 1 us.

    Attributes:
        keys: Written so far.
    """

    def __init__(self, delay_us: i64 = 0) -> None:
        self._delay_us: i64 = delay_us
        self.keys: i64 = 0

    def key_done(self) -> None:
        """A key was written. O(1)."""
        self.keys += 1
        delay_us = self._delay_us
        if delay_us > 0:
            time.sleep(float(delay_us) / 1e6)
            self.look()
            return
        if delay_us < 0 and self.keys % -delay_us == 0:
            time.sleep(1e-6)
        if self.keys % LOOK_EVERY == 0:
            self.look()

    def look(self) -> None:
        """Called now and then while the write goes on; may raise an OSError to end it."""

    def complete(self) -> None:
        """Called when everything is written, before it takes its place; may raise an OSError to prevent that."""
