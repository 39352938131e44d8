"""One server per data directory: a lock on the directory itself, so that no file is left behind and none is needed.

Two servers that save into one directory overwrite each other's dumps and append-only files; nobody notices before the
next start. So a server that persists anything, by itself or once when asked to, holds an exclusive `flock` on the
directory. The kernel drops it with the process, however that ends; child processes close their copies of the descriptor
at once (`child`).

Where a file system has no such locks (some network ones) the server runs without, and says so.
"""

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

from mypy_extensions import mypyc_attr

WOULD_BLOCK: Final = (errno.EWOULDBLOCK, errno.EACCES)


@mypyc_attr(allow_interpreted_subclasses=True)
class DirectoryGuard:
    """Whom snapshots ask before they write to the data directory."""

    def claim(self) -> str:
        """Keeps other servers out from now on; who keeps this one out, or the empty string."""
        return ""


class DirectoryLock:
    """The lock of one server.

    Attributes:
        path: The locked directory; empty if none is.
        remark: Why it runs without a lock, for the log; empty if it does not.
    """

    def __init__(self) -> None:
        self._fd = -1
        self.path = ""
        self.remark = ""

    def take(self, path: str) -> str:
        """Locks a directory, and gives up the one locked before.

        Args:
            path: Its absolute path.

        Returns:
            Who has it locked, with the remedy, or the empty string. On failure the lock held before stays.
        """
        if path == self.path:
            return ""
        self.remark = ""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            return f"Can't open the data directory {path}: {error.strerror}"
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as failure:
            if failure.errno in WOULD_BLOCK:
                owner = _owner(fd)
                os.close(fd)
                return (
                    f"Another server{owner} saves its data in {path}. Give this one another `dir` or stop the other one"
                )
            self.remark = f"The data directory {path} cannot be locked against other servers: {failure.strerror}"
        self.release()
        self._fd = fd
        self.path = path
        return ""

    def release(self) -> None:
        """Gives the lock up."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self.path = ""


def _owner(fd: int) -> str:
    """The process that holds the lock on an open file, for the log; empty if that cannot be found out."""
    status = os.fstat(fd)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if len(words) > 5 and words[1] == "FLOCK" and words[5] == place:
                return f" (process {words[4]})"
    except OSError:
        pass
    return ""
