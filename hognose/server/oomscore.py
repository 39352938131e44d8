"""How eager the kernel is to end this process when memory runs out: oom-score-adj.

The directive gives three scores, for a primary, a replica and a child that writes a snapshot. `relative` (`yes`) counts
them from the score the process was started with, which comes back when the directive is turned off.
"""

from pathlib import Path
from typing import Final

from mypy_extensions import mypyc_attr

from hognose.commands.host import WARNING
from hognose.config.settings import Settings
from hognose.server.log import Log

PRIMARY: Final = 0
REPLICA: Final = 1
CHILD: Final = 2
"""Indexes into oom-score-adj-values."""

SCORE_LIMIT: Final = 1000
"""The kernel takes -1000 to 1000."""


@mypyc_attr(allow_interpreted_subclasses=True)
class ScoreFile:
    """The kernel's file for this process; tests put another in its place."""

    def read(self) -> int:
        """The score in force.

        Raises:
            OSError: There is no such file here.
        """
        return int(Path("/proc/self/oom_score_adj").read_text("ascii"))

    def write(self, score: int) -> None:
        """Puts a score in force.

        Raises:
            OSError: The process may not do that, such as lower it without privilege.
        """
        Path("/proc/self/oom_score_adj").write_text(str(score), "ascii")


class OomScore:
    """Keeps the score as the settings want it.

    Attributes:
        is_replica: Which of the scores applies; call `apply` after a change.
    """

    def __init__(self, settings: Settings, log: Log, file: ScoreFile | None = None) -> None:
        self._settings: Final = settings
        self._log: Final = log
        self._file: Final = file or ScoreFile()
        self._base = 0
        self._is_adjusted = False
        self.is_replica = False

    def apply(self) -> str:
        """Brings the score in line with the settings; an applier of CONFIG SET.

        Returns:
            Why that failed, or the empty string.
        """
        return self._apply(REPLICA if self.is_replica else PRIMARY)

    def apply_to_child(self) -> None:
        """Gives this process, a forked child, the score of children. Failures are logged."""
        self._apply(CHILD)

    def _apply(self, role: int) -> str:
        try:
            self._adjust(role)
        except OSError as error:
            self._log.write(WARNING, f"Unable to write oom_score_adj: {error.strerror}")
            return "Failed to set current oom_score_adj. Check server logs."
        return ""

    def _adjust(self, role: int) -> None:
        settings = self._settings
        if settings.oom_score_adj == "no":
            if self._is_adjusted:
                self._is_adjusted = False
                self._file.write(self._base)
            return
        if not self._is_adjusted:
            self._base = self._file.read()
            self._is_adjusted = True
        score = settings.oom_score_adj_values[role]
        if settings.oom_score_adj == "yes":
            score += self._base
        self._file.write(max(-SCORE_LIMIT, min(SCORE_LIMIT, score)))
