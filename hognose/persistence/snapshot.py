"""Snapshots: the dataset in one RDB file, written now or in the background, by itself when enough has changed.

A snapshot is written to a file of its own beside the real one, brought to disk, and takes its name only then; the
directory is brought to disk as well. So there is always one whole file, the old or the new.

    fork          a child (`child`) has the data as it is now and writes it; the parent goes on, and its `tick` finds
                  the child's end
    cooperative   no child: the file is written in slices, by `step`, while the data goes on changing (`cooperative`)

snapshot-mode says which; `auto` forks unless the system refuses to or has no memory left for the copied pages.

Of the process around it this knows only files and children: no clients, no event loop.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mypy_extensions import i64, mypyc_attr

from hognose.config.settings import Settings
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.child import Child, Children, ChildWork, describe_end
from hognose.persistence.cooperative import CooperativeSnapshot
from hognose.persistence.directory_lock import DirectoryGuard
from hognose.persistence.dump_file import SaveError, name_file, remove
from hognose.persistence.load import RdbLoad
from hognose.persistence.lzf import Compressor
from hognose.persistence.progress import Progress
from hognose.persistence.rdb_format import ValueLimits
from hognose.persistence.rdb_reader import DatasetReader
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_writer import FileOptions, file_options, write_dataset

NOTICE: Final = 2
WARNING: Final = 3
RETRY_SECONDS: Final = 5
"""After a snapshot has failed the next one starts no sooner."""
NEVER: Final = -1
FILE_MODE: Final = 0o644
SYNC_BYTES: Final = 4 << 20
MEGABYTE: Final = 1 << 20
PURPOSE: Final = "RDB"


@mypyc_attr(allow_interpreted_subclasses=True)
class SnapshotListener:
    """Who wants to know when a snapshot in the background is over."""

    def snapshot_ended(self, ok: bool) -> None:
        """It is over.

        Args:
            ok: Whether it was written. It may have gone elsewhere than to the file; see `Snapshots.start`.
        """
        raise NotImplementedError


class Snapshots:
    """The snapshots of one server.

    Attributes:
        children: The server's child processes.
        is_automatic: Whether save points are heeded: a server that has its process to itself does.
        last_save_s: When the last one succeeded, Unix seconds; the start of the server counts.
        last_ok: Whether the last one in the background succeeded.
        last_duration_s: How long that took; NEVER if there was none.
        last_cow_bytes: What copying on write cost during the last one, at most.
        saves: How many were started.
        scheduled: BGSAVE SCHEDULE: one starts as soon as it can.
        keys_loaded, keys_expired: By the last load.
        skips_checksums: Files and payloads are read whatever their checksums say (a knob for tests).
        listeners: Told of every end.
        rewrites_in_slices: Whether the append-only file is being rewritten without a child.
        guard: Asked before anything is written to the data directory.
    """

    def __init__(
        self, keyspace: Keyspace, settings: Settings, limits: ValueLimits, log: Callable[[int, str], None]
    ) -> None:
        self._keyspace: Final = keyspace
        self._settings: Final = settings
        self._limits: Final = limits
        self._log: Final = log
        self.children: Final = Children(keyspace.clock)
        self._child: Child | None = None
        self._slices: CooperativeSnapshot | None = None
        self._slices_path = ""
        self._goes_to_file = True
        self._started_s: i64 = 0
        self._last_try_s: i64 = 0
        self._dirty_before: i64 = 0
        self.is_automatic = False
        self.last_save_s: i64 = keyspace.clock.now_ms // 1000
        self.last_ok = True
        self.last_duration_s: i64 = NEVER
        self.last_cow_bytes: i64 = 0
        self.saves: i64 = 0
        self.scheduled = False
        self.keys_loaded: i64 = 0
        self.keys_expired: i64 = 0
        self.skips_checksums = False
        self.listeners: Final[list[SnapshotListener]] = []
        self.rewrites_in_slices = False
        self.guard: DirectoryGuard = DirectoryGuard()

    def _path(self, name: str) -> str:
        """Where a file of the data directory is: servers inside another program do not share its working directory."""
        return path_in(self._settings, name)

    def _now_s(self) -> i64:
        return self._keyspace.clock.now_ms // 1000

    def is_saving(self) -> bool:
        """Whether one is being written in the background."""
        return self._child is not None or self._slices is not None

    def goes_in_slices(self) -> bool:
        """Whether one is being written that needs `step`."""
        return self._slices is not None

    def is_occupied(self) -> bool:
        """Whether something is being written in the background; nothing else is begun then."""
        return self.children.active is not None or self._slices is not None or self.rewrites_in_slices

    def running_s(self) -> i64:
        """For how many seconds one has been written in the background; NEVER if none is."""
        return self._now_s() - self._started_s if self.is_saving() else NEVER

    def refuses_writes(self) -> bool:
        """Whether writes are refused because the last snapshot failed (stop-writes-on-bgsave-error)."""
        return not self.last_ok and self._settings.stop_writes_on_bgsave_error and len(self._settings.save) != 0

    # Now

    def save(self, progress: Progress | None = None) -> bool:
        """Writes a snapshot while everything waits; False, with the reason logged, if that fails. O(N).

        Args:
            progress: Told of every key.
        """
        if not self._may_write():
            return False
        self.saves += 1
        counter = Progress(self._settings.rdb_key_save_delay) if progress is None else progress
        try:
            write_file(self._settings, self._keyspace, file_options(self._settings, self._keyspace), counter)
        except OSError as error:
            self._log(WARNING, str(error))
            return False
        self._log(NOTICE, "DB saved on disk")
        self._keyspace.dirty = 0
        self.last_save_s = self._now_s()
        self.last_ok = True
        return True

    def _may_write(self) -> bool:
        """Whether the data directory is this server's; False, with the reason logged, if another one saves there."""
        reason = self.guard.claim()
        if reason:
            self._log(WARNING, reason)
        return not reason

    # In the background

    def start(self, work: ChildWork | None = None, options: FileOptions | None = None) -> bool:
        """Starts a snapshot in the background. No other child may run.

        Args:
            work: What writes it, if it is not to go to the file (a replica's socket).
            options: How it is written, if not as the settings say.

        Returns:
            False, with the reason logged, if that fails.

        Complexity:
            O(size of page tables).
        """
        self._last_try_s = self._now_s()
        if work is None and not self._may_write():
            self.scheduled = False
            return False
        self._dirty_before = self._keyspace.dirty
        self.saves += 1
        self.scheduled = False
        if options is None:
            options = file_options(self._settings, self._keyspace)
        self._goes_to_file = work is None
        if work is None:
            if not self.forks():
                return self._start_slices(options)
            work = FileWork(self._settings, self._keyspace, options)
        return self._start_child(work, options)

    def forks(self) -> bool:
        """Whether the next one in the background is written by a child."""
        mode = self._settings.snapshot_mode
        return mode == "fork" or (mode == "auto" and hasattr(os, "fork") and has_memory_for_copies())

    def _start_child(self, work: ChildWork, options: FileOptions) -> bool:
        total: i64 = 0
        for database in self._keyspace.databases:
            total += database.table.count
        try:
            self._child = self.children.start(work, PURPOSE, self._settings.rdb_key_save_delay, total)
        except OSError as error:
            self._log(WARNING, f"Can't save in background: fork: {error.strerror}")
            if self._goes_to_file and self._settings.snapshot_mode == "auto":
                return self._start_slices(options)
            self.last_ok = False
            return False
        self._started_s = self._now_s()
        target = "saving" if self._goes_to_file else "RDB transfer"
        self._log(NOTICE, f"Background {target} started by pid {self._child.pid}")
        return True

    def _start_slices(self, options: FileOptions) -> bool:
        path = self._path(f"temp-{os.getpid()}-slices.rdb")  # SAVE's name must stay free
        syncs_every: i64 = SYNC_BYTES if self._settings.rdb_save_incremental_fsync else 0
        try:
            target = self._path(self._settings.dbfilename)
            self._slices = CooperativeSnapshot(path, target, self._keyspace, self._settings, options, syncs_every)
        except OSError as error:
            self.last_ok = False
            self._log(WARNING, f"Failed opening the temp RDB file {path} for saving: {error.strerror}")
            return False
        self._slices_path = path
        self._started_s = self._now_s()
        self._log(NOTICE, "Background saving started, without a child")
        return True

    def step(self, until_us: i64) -> bool:
        """Goes on with one that is written in slices; call it while `goes_in_slices`.

        Args:
            until_us: Stop at this Unix time in microseconds.

        Returns:
            Whether there is more to do at once; else only the disk is awaited, and `tick` looks after that.
        """
        slices = self._slices
        if slices is None:
            return False
        if slices.is_void:
            self._stop_slices()
            self.scheduled = True
            self._log(NOTICE, "A database was emptied while it was being saved: saving begins anew")
            return False
        if slices.failure() is None and not slices.step(until_us):
            return True
        if slices.is_done():
            self._end_slices(slices)
        return False

    def _end_slices(self, slices: CooperativeSnapshot) -> None:
        """The disk has taken everything, or has failed."""
        failure = slices.failure()
        self._slices = None
        slices.give_up()
        self.last_cow_bytes = slices.peak_bytes
        if failure is not None:
            remove(self._slices_path)
            self._log(WARNING, f"Background saving error: {failure.strerror or failure}")
        self._end(failure is None)

    def _stop_slices(self) -> None:
        slices = self._slices
        if slices is None:
            return
        self._slices = None
        slices.give_up()
        remove(self._slices_path)

    def progress(self) -> tuple[int, int, int, int, int]:
        """The one in the background in figures for INFO.

        Returns:
            Memory it costs now and has cost at most, seconds since that was known, keys written, keys in all.
        """
        slices = self._slices
        if slices is not None:
            size = int(slices.memory_bytes())
            return size, max(size, int(slices.peak_bytes)), 0, int(slices.keys()), int(slices.total_keys)
        child = self.children.active
        if child is None:
            return 0, 0, 0, 0, 0
        now_ms = self._keyspace.clock.now_ms
        child.listen(now_ms)
        age = int(now_ms - child.reported_ms) // 1000
        return int(child.cow_bytes), int(child.cow_peak_bytes), age, int(child.keys), int(child.total_keys)

    def tick(self, now_ms: i64) -> None:
        """Looks after the one in the background, and starts what is due; called several times a second."""
        if self._child is not None:
            self._look_after()
            return
        if self._slices is not None:
            self.step(0)
            return
        now_s = now_ms // 1000
        if self.is_occupied() or (not self.last_ok and now_s - self._last_try_s <= RETRY_SECONDS):
            return
        if self.scheduled:
            self.start()
        elif self.is_automatic:
            self._start_if_due(now_s)

    def _start_if_due(self, now_s: i64) -> None:
        dirty = self._keyspace.dirty
        for seconds, changes in self._settings.save:
            if dirty >= changes and now_s - self.last_save_s > seconds:
                self._log(NOTICE, f"{changes} changes in {seconds} seconds. Saving...")
                self.start()
                return

    def _look_after(self) -> None:
        """Takes in the child's reports, and notes its end, if it has ended."""
        child = self._child
        assert child is not None
        child.listen(self._keyspace.clock.now_ms)
        status = self.children.ended()
        if status is None:
            return
        self._child = None
        self.last_cow_bytes = child.cow_peak_bytes
        if status != 0:
            remove(self._path(temporary_name(child.pid)))
            self._log(WARNING, f"Background saving error: {describe_end(child, status)}")
        else:
            current, peak = int(child.cow_bytes) // MEGABYTE, int(child.cow_peak_bytes) // MEGABYTE
            self._log(NOTICE, f"Fork CoW for {PURPOSE}: current {current} MB, peak {peak} MB")
        self._end(status == 0)

    def _end(self, ok: bool) -> None:
        """One in the background is over."""
        self.last_duration_s = self._now_s() - self._started_s
        if self._goes_to_file:
            self.last_ok = ok
            if ok:
                self._keyspace.dirty -= self._dirty_before
                self.last_save_s = self._now_s()
        if ok:
            self._log(NOTICE, "Background saving terminated with success")
        for listener in self.listeners:
            listener.snapshot_ended(ok)

    def stop_child(self) -> None:
        """Ends the one in the background, if there is one: what it would save is of no use any more."""
        child = self._child
        if child is None and self._slices is None:
            return
        if child is not None:
            self.children.kill()
            self._child = None
            remove(self._path(temporary_name(child.pid)))
        self._stop_slices()
        for listener in self.listeners:
            listener.snapshot_ended(False)

    def data_flushed(self) -> None:
        """Everything was deleted: a running snapshot is void; with save points the empty dataset is saved at once."""
        self.stop_child()
        if self.is_automatic and self._settings.save:
            self.save()

    # Loading

    def open(self, replaces: bool = False) -> RdbLoad | None:
        """The file, ready to be read into the keyspace; None if there is none.

        Args:
            replaces: Whether keys that are there are replaced.

        Raises:
            OSError: It cannot be read.
        """
        if not self._settings.dbfilename:
            return None
        try:
            return RdbLoad(
                self._path(self._settings.dbfilename),
                self._keyspace,
                self._settings,
                self._limits,
                self._log,
                replaces,
                not self.skips_checksums,
                self._loaded,
            )
        except FileNotFoundError:
            return None

    def _loaded(self, reader: DatasetReader) -> None:
        """Takes note of a file that has been read."""
        self.keys_loaded = reader.keys_loaded
        self.keys_expired = reader.keys_expired

    def load(self, replaces: bool = False) -> bool:
        """Reads the file into the keyspace, all at once.

        Args:
            replaces: Whether keys that are there are replaced.

        Returns:
            Whether there was a file.

        Raises:
            RdbError: The file is damaged. What was read by then is still there.
            OSError: It cannot be read.
        """
        job = self.open(replaces)
        if job is None:
            return False
        job.run()
        return True


class FileWork(ChildWork):
    """Writes the dump file."""

    def __init__(self, settings: Settings, keyspace: Keyspace, options: FileOptions) -> None:
        self._settings: Final = settings
        self._keyspace: Final = keyspace
        self._options: Final = options

    def run(self, progress: Progress) -> None:
        write_file(self._settings, self._keyspace, self._options, progress)


def write_file(settings: Settings, keyspace: Keyspace, options: FileOptions, progress: Progress) -> None:
    """Writes the dump under a temporary name, brings it to disk and gives it its name.

    Raises:
        SaveError: That failed; the old file is untouched, and the temporary one is gone.
    """
    temporary = path_in(settings, temporary_name(os.getpid()))
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        text = f"Failed opening the temp RDB file {temporary} for saving"
        raise SaveError(f"{text}: {error.strerror}") from error
    try:
        with os.fdopen(fd, "wb") as file:
            compressor = Compressor() if settings.rdbcompression else None
            sink = RdbSink(compressor, file, SYNC_BYTES if settings.rdb_save_incremental_fsync else 0)
            write_dataset(sink, keyspace, options, progress)
            file.flush()
            os.fsync(fd)
        progress.complete()
    except OSError as failure:
        remove(temporary)
        raise SaveError(f"Write error while saving DB to the disk: {failure.strerror or failure}") from failure
    name_file(temporary, path_in(settings, settings.dbfilename))


def path_in(settings: Settings, name: str) -> str:
    """The path of a file in the data directory."""
    return f"{settings.dir.rstrip('/')}/{name}"


def temporary_name(pid: int) -> str:
    """What a file is called while a process writes it."""
    return f"temp-{pid}.rdb"


def has_memory_for_copies() -> bool:
    """Whether the system has memory left for half of this process' pages: more are hardly ever copied."""
    try:
        resident = int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        with Path("/proc/meminfo").open("rb") as file:
            for line in file:
                if line.startswith(b"MemAvailable:"):
                    return int(line.split()[1]) * 1024 >= resident // 2
    except OSError:
        pass
    return True
