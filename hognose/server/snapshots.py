"""What ties the snapshots of `persistence.snapshot` to a running server: its regular work and its end."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.host import NOTICE, WARNING
from hognose.config.directives.process import SHUTDOWN_NOSAVE, SHUTDOWN_SAVE
from hognose.persistence.directory_lock import DirectoryGuard, DirectoryLock
from hognose.persistence.load import LoadJob
from hognose.server.append_only_load import load_append_only
from hognose.server.cron import CronTask
from hognose.server.lifecycle import ShutdownStep

if TYPE_CHECKING:
    from hognose.server.server import Server


SLICE_US: Final = 1000
"""The longest that clients wait for a slice; `persistence.large_values` names the exceptions."""


class SnapshotTask(CronTask):
    """Looks after the child that writes a snapshot and starts what is due; refuses writes after a failure."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._comes_back = False

    def _come_back(self) -> None:
        """Has the next slice of a snapshot written after the clients that wait have been served."""
        loop = self._server.loop
        self._comes_back = loop is not None
        if loop is not None:
            loop.call_soon(self._slice)

    def _slice(self) -> None:
        self._comes_back = False
        server = self._server
        until_us = server.clock.read() + SLICE_US
        writes_base = server.rewrite.goes_in_slices()
        if server.rewrite.step(until_us) if writes_base else server.snapshots.step(until_us):
            self._come_back()
        else:
            self._server.update_refusal()

    def tick(self, now_ms: i64) -> None:
        snapshots = self._server.snapshots
        snapshots.tick(now_ms)
        if (snapshots.goes_in_slices() or self._server.rewrite.goes_in_slices()) and not self._comes_back:
            self._come_back()
        self._server.update_refusal()


class DataDirectory(DirectoryGuard):
    """Keeps other servers out of the directory of one that saves anything by itself, or has been told to save."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._lock: Final = DirectoryLock()
        self._is_claimed = False
        server.snapshots.guard = self

    def apply(self) -> str:
        """Applier of `dir`, `save` and `appendonly`: takes the lock or gives it up; why it cannot be had, or ""."""
        settings = self._server.settings
        if not settings.save and not settings.appendonly:
            if not self._is_claimed:
                self._lock.release()
            return ""
        reason = self._take()
        return f'{reason}, or turn persistence off here (save "", appendonly no)' if reason else ""

    def claim(self) -> str:
        reason = self._take()
        self._is_claimed = not reason
        return reason

    def _take(self) -> str:
        reason = self._lock.take(self._server.settings.dir)
        if self._lock.remark:
            self._server.log(WARNING, self._lock.remark)
            self._lock.remark = ""
        return reason


def files_to_load(server: "Server") -> list[LoadJob]:
    """What the dataset is made from at the start; empty if there is nothing.

    Raises:
        OSError: A file is there but cannot be opened.
        AofLoadError: The append-only file is of no use.
    """
    if server.settings.appendonly:
        append_only = load_append_only(server)
        return [] if append_only is None else [append_only]
    job = server.snapshots.open()
    return [] if job is None else [job]


class LastSnapshot(ShutdownStep):
    """Saves the dataset before the end, if save points are set or SHUTDOWN says so."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server

    def finish(self, options: int) -> str:
        server = self._server
        if server.loading.is_on:
            server.loading.give_up()  # what is there so far must not replace the file it comes from
            return ""
        if server.snapshots.is_saving():
            server.log(WARNING, "There is a child saving an .rdb. Killing it!")
            server.snapshots.stop_child()
        if options & SHUTDOWN_SAVE == 0 and (options & SHUTDOWN_NOSAVE or not server.settings.save):
            return ""
        server.log(NOTICE, "Saving the final RDB snapshot before exiting.")
        return "" if server.shutdown.save() else "Error trying to save the DB"
