"""The few calls by which the append-only file reaches the disk, and the thread that makes those that may take long.

Everything goes through a `Disk`, which tests derive from to have writes fail, come short or wait.

Jobs of the thread are done one after the other: bringing a file to disk, closing one that is full, giving back the
space of one that has been deleted (which takes long too, where it is large).
"""

import os
import queue
import threading
from collections.abc import Callable
from typing import Final

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Disk:
    """The real one."""

    def write(self, fd: int, data: bytes) -> int:
        """Appends bytes; returns how many were taken. Raises OSError."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Brings a file's content to disk. Raises OSError."""
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cuts a file off. Raises OSError."""
        os.ftruncate(fd, size)


@mypyc_attr(allow_interpreted_subclasses=True)
class DiskJob:
    """Something for the thread to do.

    Attributes:
        error: Why it failed, once it is over.
    """

    def __init__(self) -> None:
        self.error: OSError | None = None
        self._over: Final = threading.Event()

    def work(self) -> None:
        """Does it, in the thread. Raises OSError."""
        raise NotImplementedError

    def run(self) -> None:
        """Does it and notes how it went."""
        try:
            self.work()
        except OSError as error:
            self.error = error
        self._over.set()

    def is_over(self) -> bool:
        """Whether it is done, or has failed."""
        return self._over.is_set()

    def wait(self) -> None:
        """Waits until it is over."""
        self._over.wait()


class SyncJob(DiskJob):
    """Brings a file to disk."""

    def __init__(self, disk: Disk, fd: int) -> None:
        super().__init__()
        self._disk: Final = disk
        self._fd: Final = fd

    def work(self) -> None:
        self._disk.sync(self._fd)


class CloseJob(SyncJob):
    """Brings a file to disk that nothing more is written to, and closes it."""

    def work(self) -> None:
        try:
            super().work()
        finally:
            os.close(self._fd)


class DeleteJob(DiskJob):
    """Gives back the space of a file that is deleted. Its name is gone at once: others may take it before its turn.

    Raises:
        OSError: It cannot be deleted, or is not there.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._fd: Final = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.unlink(path)  # noqa: PTH108
        except OSError:
            os.close(self._fd)
            raise

    def work(self) -> None:
        os.close(self._fd)


@mypyc_attr(allow_interpreted_subclasses=True)
class DiskThread:
    """Does jobs in order. The thread starts with the first of them, and ends with the process.

    Args:
        on_start: What it does first of all.
    """

    def __init__(self, on_start: Callable[[], None] | None = None) -> None:
        self._on_start: Final = on_start
        self._jobs: Final[queue.SimpleQueue[tuple[DiskJob, Callable[[], None] | None]]] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None

    def submit(self, job: DiskJob, on_done: Callable[[], None] | None = None) -> None:
        """Has a job done.

        Args:
            job: The job.
            on_done: Called from the thread when it is over.
        """
        if self._worker is None:
            self._worker = threading.Thread(target=self._run, name="hognose-disk", daemon=True)
            self._worker.start()
        self._jobs.put((job, on_done))

    def _run(self) -> None:
        if self._on_start is not None:
            self._on_start()
        while True:
            job, on_done = self._jobs.get()
            job.run()
            if on_done is not None:
                on_done()
