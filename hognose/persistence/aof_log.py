"""The increment that is being written: commands collect in a buffer, go to the file together, and are brought to disk.

    appended -> buffer -> written (`size`) -> brought to disk (`synced_size`)

A write that comes short is undone by cutting the file off where it ended before, so that what stands there are whole
units, and the rest stays in the buffer for another try.

What it is not: it knows neither when to write nor when to sync, nor whom that concerns.
"""

import errno
import os
from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.datastructures.numbers import format_i64
from hognose.persistence.aof_format import timestamp, write_command
from hognose.persistence.disk import Disk

NO_FILE: Final = -1
UNKNOWN_DATABASE: Final = -1
KEPT_BUFFER_BYTES: Final = 1 << 20
"""A larger buffer is not kept for the next commands."""


class AppendLog:
    """The file commands are appended to.

    Attributes:
        fd: The file, or NO_FILE.
        size: How much of it is written.
        synced_size: How much of that is on disk.
        buffer: What is not written yet.
        short: The last write stopped after so many bytes, of so many; (0, 0) if it failed otherwise.
        undo_error: Why a short write could not be undone, or the empty string.
    """

    def __init__(self, disk: Disk) -> None:
        self.disk: Disk = disk
        self.fd: int = NO_FILE
        self.size: i64 = 0
        self.synced_size: i64 = 0
        self.buffer: BytesWriter = BytesWriter()
        self.short: tuple[int, int] = (0, 0)
        self.undo_error = ""
        self._database: i64 = UNKNOWN_DATABASE
        self._timestamp_s: i64 = 0

    def begin(self, fd: int, size: i64) -> None:
        """Goes on in another file, of this size; the buffer's content goes there."""
        self.fd = fd
        self.size = size
        self.synced_size = size
        self._database = UNKNOWN_DATABASE

    def close(self) -> None:
        """Forgets the file and what was not written."""
        if self.fd != NO_FILE:
            os.close(self.fd)
        self.begin(NO_FILE, 0)
        self.clear()

    def clear(self) -> None:
        """Drops what was not written."""
        self.buffer = BytesWriter()
        self._database = UNKNOWN_DATABASE

    def select(self, db_index: i64) -> None:
        """Sees to it that the next command is for a database; a negative number is for any."""
        if db_index == self._database or db_index < 0:
            return
        self._database = db_index
        write_command(self.buffer, [b"SELECT", format_i64(db_index)])

    def stamp(self, now_s: i64) -> None:
        """Notes the time, in Unix seconds, where it has changed since the last note."""
        if now_s > self._timestamp_s:
            self._timestamp_s = now_s
            self.buffer.write(timestamp(now_s))

    def write_out(self) -> OSError | None:
        """Writes the buffer to the file; returns what failed. What was not written stays in the buffer."""
        data = self.buffer.getvalue()
        count = len(data)
        done = 0
        try:
            while done < count:
                done += self.disk.write(self.fd, data[done:] if done else data)
        except OSError as error:
            return self._failed(data, done, error)
        self.size += count
        if count > KEPT_BUFFER_BYTES:
            self.buffer = BytesWriter()
        else:
            self.buffer.truncate(0)
        return None

    def _failed(self, data: bytes, done: int, error: OSError) -> OSError:
        """Undoes half a write."""
        self.short = (0, 0)
        self.undo_error = ""
        if done == 0:
            return error
        self.short = (done, len(data))
        try:
            self.disk.truncate(self.fd, int(self.size))
        except OSError as failure:
            self.undo_error = failure.strerror or str(failure)
            self.size += done
            rest = BytesWriter()
            rest.write(data[done:])
            self.buffer = rest
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self) -> None:
        """Brings the file to disk now. Raises OSError."""
        size = self.size
        self.disk.sync(self.fd)
        self.synced_size = size
