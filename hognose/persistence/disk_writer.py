"""A thread that writes one file, brings it to disk and names it, while the server goes on.

It knows nothing but bytes and paths. The disk may take long, and nobody is to wait for it.
"""

import os
import queue
import threading
from typing import Final

from mypy_extensions import i64

from hognose.persistence.dump_file import name_file

FILE_MODE: Final = 0o644


class DiskWriter:
    """Writes a file in a thread.

    Args:
        path: Where.
        target: What it is called when it is whole and on disk.
        syncs_every: Bring it to disk after so many bytes; 0 only at the end.

    Raises:
        OSError: It cannot be made.

    Attributes:
        taken: How many bytes are written.
        failure: Why writing failed; None if it has not.
    """

    def __init__(self, path: str, target: str, syncs_every: i64) -> None:
        self._path: Final = path
        self._target: Final = target
        self._fd: Final = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        self._syncs_every: i64 = syncs_every
        self._queue: Final[queue.SimpleQueue[bytes | None]] = queue.SimpleQueue()
        self._worker: Final = threading.Thread(target=self._run, name="snapshot", daemon=True)
        self._given_up = False
        self.taken: i64 = 0
        self.failure: OSError | None = None
        self._worker.start()

    def put(self, data: bytes) -> None:
        """Has data written behind what was put before."""
        self._queue.put(data)

    def end(self) -> None:
        """Has the file brought to disk, closed and named."""
        self._queue.put(None)

    def give_up(self) -> None:
        """Stops writing, and waits until that is so."""
        self._given_up = True
        self._queue.put(None)
        self._worker.join()

    def is_done(self) -> bool:
        """Whether it has come to its end, good or bad."""
        return not self._worker.is_alive()

    def _run(self) -> None:
        try:
            self._write_all()
            if not self._given_up:
                os.fsync(self._fd)
                name_file(self._path, self._target)
        except OSError as error:
            self.failure = error
        finally:
            os.close(self._fd)

    def _write_all(self) -> None:
        unsynced: i64 = 0
        while True:
            data = self._queue.get()
            if data is None or self._given_up:
                return
            at: i64 = 0
            size: i64 = len(data)
            while at < size:
                at += os.write(self._fd, data[at:] if at else data)
            self.taken += size
            unsynced += size
            if self._syncs_every != 0 and unsynced >= self._syncs_every:
                unsynced = 0
                os.fdatasync(self._fd)
