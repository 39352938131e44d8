"""The forked child that writes the dataset as it is at one moment, while its parent goes on; a server has one at most.

    parent                                       child
    fork ------------------------------------->  has all data as of now, and nothing else: files and sockets are closed,
                                                 signals have their defaults, the collector is off
    tick  <--- p <keys> <copied bytes> ---------  now and then, through a pipe
    tick  <--- e <what went wrong> -------------  at the end, if it failed
    tick  <--- exit status ---------------------

What the child writes is a `ChildWork`. Pages that either side changes are copied by the kernel; how many bytes that
made is what the child reports (its private dirty memory, from /proc; 0 where there is no such thing).
"""

import contextlib
import errno
import gc
import os
import signal
import time
from pathlib import Path
from typing import Final

from mypy_extensions import i64, mypyc_attr

from hognose.clock import Clock
from hognose.persistence.progress import Progress

FIRST_FREE_FD: Final = 3
MESSAGE_BYTES: Final = 1 << 16
REPORT_SECONDS: Final = 0.25
REPORT_COST: Final = 50
"""A report is not made more often than this multiple of the time it takes: reading the figure walks the page tables."""
NEVER: Final = -1


@mypyc_attr(allow_interpreted_subclasses=True)
class ChildWork:
    """What a child does."""

    def run(self, progress: Progress) -> None:
        """Does it, in the child.

        Args:
            progress: To be told of every key.

        Raises:
            OSError: It failed; the parent hears why.
        """
        raise NotImplementedError

    def keeps(self) -> list[int]:
        """The file descriptors the child needs; all others are closed."""
        return []


class ChildProgress(Progress):
    """Tells the parent how far the child is, and ends the child when the parent is gone.

    What the child of a dead server writes must not take the place of what the next one has written meanwhile.
    """

    def __init__(self, pipe: int, delay_us: i64, parent: int) -> None:
        super().__init__(delay_us)
        self._pipe: Final = pipe
        self._parent: Final = parent
        self._due = time.monotonic() + REPORT_SECONDS

    def look(self) -> None:
        if time.monotonic() >= self._due:
            self.complete()
            self.report()

    def complete(self) -> None:
        if os.getppid() != self._parent:
            raise OSError(errno.ESRCH, "the server is gone")

    def report(self) -> None:
        """Sends a report now."""
        started = time.monotonic()
        line = b"p %d %d\n" % (int(self.keys), private_dirty_bytes())
        with contextlib.suppress(BlockingIOError):  # the parent is busy; the next one will do
            os.write(self._pipe, line)
        now = time.monotonic()
        self._due = now + max(REPORT_SECONDS, REPORT_COST * (now - started))


class Child:
    """A running child, as its parent sees it.

    Attributes:
        pid: Its process id.
        purpose: What it is for: "RDB", "AOF", or another word for the log.
        started_ms: When, Unix ms.
        total_keys: How many keys there were then.
        keys: How many it has written.
        cow_bytes, cow_peak_bytes: Memory that copying on write has cost it, now and at most.
        reported_ms: When it has said so.
        message: What went wrong.
    """

    def __init__(self, pid: int, pipe: int, purpose: str, now_ms: i64, total_keys: i64) -> None:
        self.pid: Final = pid
        self._pipe: int = pipe
        self._unread = b""
        self.purpose: Final = purpose
        self.started_ms: i64 = now_ms
        self.total_keys: i64 = total_keys
        self.keys: i64 = 0
        self.cow_bytes: i64 = 0
        self.cow_peak_bytes: i64 = 0
        self.reported_ms: i64 = now_ms
        self.message = ""

    def listen(self, now_ms: i64) -> None:
        """Takes in what it has reported."""
        while True:
            try:
                data = os.read(self._pipe, MESSAGE_BYTES)
            except (BlockingIOError, OSError):
                return
            if not data:
                return
            *lines, self._unread = (self._unread + data).split(b"\n")
            for line in lines:
                self._take(line, now_ms)

    def _take(self, line: bytes, now_ms: i64) -> None:
        if line.startswith(b"e "):
            self.message = line[2:].decode(errors="replace")
        elif line.startswith(b"p "):
            words = line.split()
            self.keys = int(words[1])
            self.cow_bytes = int(words[2])
            self.cow_peak_bytes = max(self.cow_peak_bytes, self.cow_bytes)
            self.reported_ms = now_ms

    def close(self) -> None:
        """Closes the pipe."""
        os.close(self._pipe)


class Children:
    """The child of one server, if there is one, and what is known of those before.

    Args:
        clock: For the reports.

    Attributes:
        active: The running one.
        total_forks: How many there were.
        latest_fork_us: How long the last fork kept the parent, in microseconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self.active: Child | None = None
        self.total_forks: i64 = 0
        self.latest_fork_us: i64 = 0

    def start(self, work: ChildWork, purpose: str, delay_us: i64, total_keys: i64) -> Child:
        """Makes a child.

        Args:
            work: What it does.
            purpose: For the log.
            delay_us: rdb-key-save-delay.
            total_keys: How many keys it will write.

        Returns:
            The child, which is `active` until `ended` has found its end.

        Raises:
            OSError: The system cannot make one.

        Complexity:
            O(size of the page tables).
        """
        assert self.active is None
        collects = gc.isenabled()
        gc.freeze()
        started = time.monotonic()
        parent = os.getpid()
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        try:
            pid = os.fork()
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
        if pid == 0:
            _live(work, writer, delay_us, parent)
        self.latest_fork_us = i64((time.monotonic() - started) * 1e6)
        self.total_forks += 1
        os.close(writer)
        if collects:
            gc.unfreeze()
        child = Child(pid, reader, purpose, self._clock.now_ms, total_keys)
        self.active = child
        return child

    def ended(self) -> int | None:
        """Looks whether the child has ended, and takes in its reports.

        Returns:
            Its wait status (0 for success), or None if there is none or it still runs. After a status `active` is None.
        """
        child = self.active
        if child is None:
            return None
        try:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = child.pid, 1
        child.listen(self._clock.now_ms)
        if pid == 0:
            return None
        child.close()
        self.active = None
        return status

    def kill(self) -> None:
        """Ends the child at once, if there is one."""
        child = self.active
        if child is None:
            return
        try:
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it had ended by itself
        child.close()
        self.active = None


def describe_end(child: Child, status: int) -> str:
    """Why a child failed, for the log."""
    if child.message:
        return child.message
    if os.WIFSIGNALED(status):
        return f"terminated by signal {os.WTERMSIG(status)}"
    return f"exit status {os.waitstatus_to_exitcode(status)}"


def _live(work: ChildWork, pipe: int, delay_us: i64, parent: int) -> None:
    """The child's whole life."""
    status = 1
    try:
        gc.disable()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        _close_all_but(sorted({pipe, *work.keeps()}))
        progress = ChildProgress(pipe, delay_us, parent)
        work.run(progress)
        progress.report()
        status = 0
    except BaseException as error:  # noqa: BLE001 - nothing may escape into the parent's code
        text = f"{error.strerror or error}" if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        os.write(pipe, b"e " + text.encode(errors="replace").replace(b"\n", b" ")[:1024] + b"\n")
    finally:
        os._exit(status)


def _close_all_but(kept: list[int]) -> None:
    first = FIRST_FREE_FD
    for descriptor in kept:
        os.closerange(first, descriptor)
        first = max(first, descriptor + 1)
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def private_dirty_bytes() -> int:
    """The memory of this process that it shares with no other and has written to. O(page tables)."""
    try:
        with Path("/proc/self/smaps_rollup").open("rb") as file:
            for line in file:
                if line.startswith(b"Private_Dirty:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
