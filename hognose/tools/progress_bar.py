"""A progress bar on standard error, where that is a terminal.

dump.rdb [#########...........]  45%  120.0 MB/s  12 s left
"""

import time
from typing import Final, TextIO

WIDTH: Final = 30
SHOWN_EVERY_S: Final = 0.1
MEGABYTE: Final = 1_000_000
CLEAR_LINE: Final = "\r\x1b[K"


class ProgressBar:
    """Shows how much of some bytes is done.

    Args:
        label: What is being worked on.
        total: How many bytes there are.
        out: Where it is shown; nothing is shown unless that is a terminal.
    """

    def __init__(self, label: str, total: int, out: TextIO) -> None:
        self._label: Final = label
        self._total: Final = max(total, 1)
        self._out: Final = out
        self._is_shown: Final = out.isatty()
        self._started: Final = time.monotonic()
        self._shown_at = self._started

    def update(self, done: int) -> None:
        """So many bytes are done. O(1)."""
        now = time.monotonic()
        if not self._is_shown or now - self._shown_at < SHOWN_EVERY_S:
            return
        self._shown_at = now
        self._out.write(CLEAR_LINE + self.line(done, now - self._started))
        self._out.flush()

    def line(self, done: int, seconds: float) -> str:
        """The bar after so many bytes and seconds."""
        share = min(done / self._total, 1.0)
        filled = int(share * WIDTH)
        speed = done / max(seconds, 1e-9)
        left = (self._total - done) / speed if done else 0.0
        return (
            f"{self._label} [{'#' * filled}{'.' * (WIDTH - filled)}] {share:4.0%}  {speed / MEGABYTE:.1f} MB/s  "
            f"{max(left, 0.0):.0f} s left"
        )

    def finish(self) -> None:
        """Removes the bar."""
        if self._is_shown:
            self._out.write(CLEAR_LINE)
            self._out.flush()
