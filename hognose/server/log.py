"""The log, in the form that people and tools know from Redis:

    1234:M 22 Nov 2026 17:20:00.123 * Ready to accept connections tcp

Process id, role (M primary, S replica, C the snapshot child, X sentinel), local time, level mark, text.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

LEVELS: Final = ("debug", "verbose", "notice", "warning", "nothing")
MARKS: Final = (".", "-", "*", "#")


class Log:
    """Where log lines go: standard output or a file, and the system log beside it.

    Attributes:
        level: The least level written, an index into LEVELS.
        role: The letter behind the process id.
    """

    def __init__(self) -> None:
        self.level = 2
        self.role = "M"
        self.path = ""
        self._syslog_ident = ""

    def to_file(self, path: str) -> None:
        """Writes to a file from now on; the empty path means standard output. Opened anew per line, as Redis does."""
        self.path = path

    def to_syslog(self, ident: str, facility: str) -> None:
        """Writes to the system log too."""
        import syslog  # noqa: PLC0415 - POSIX only

        syslog.openlog(ident, syslog.LOG_PID, getattr(syslog, "LOG_" + facility.upper(), syslog.LOG_LOCAL0))
        self._syslog_ident = ident

    def write(self, level: int, text: str) -> None:
        """Writes a line if the level asks for it; level 0 debug to 3 warning."""
        if level < self.level:
            return
        now = time.time()
        stamp = time.strftime("%d %b %Y %H:%M:%S", time.localtime(now))
        line = f"{os.getpid()}:{self.role} {stamp}.{int(now * 1000) % 1000:03d} {MARKS[level]} {text}\n"
        self.write_raw(line)
        if self._syslog_ident:
            import syslog  # noqa: PLC0415 - POSIX only

            syslog.syslog((syslog.LOG_DEBUG, syslog.LOG_INFO, syslog.LOG_NOTICE, syslog.LOG_WARNING)[level], text)

    def write_raw(self, text: str) -> None:
        """Writes text as it is. A log that cannot be written to is no reason to stop."""
        try:
            if self.path:
                with Path(self.path).open("a", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)
            else:
                sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
                sys.stdout.flush()
        except OSError:
            pass
