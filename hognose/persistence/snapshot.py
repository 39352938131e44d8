"""Snapshots: the dataset in one RDB file, written now or in the background, by itself when enough has changed.

A snapshot is written to a file of its own beside the real one, brought to disk, and takes its name only then; the
directory is brought to disk as well. So there is always one whole file, the old or the new.

    background    fork -> the child has the data as it is now, writes, tells by a pipe what it met, and is gone
                  the parent goes on; its `tick` finds the child's end

Of the process around it this knows only files and children: no clients, no event loop. The child does nothing but read
the data and write the file: it holds no socket (else a client the parent closes would not learn of it) and takes no
lock.
"""

import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mypy_extensions import i64

from hognose.config.settings import Settings
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.load import RdbLoad
from hognose.persistence.lzf import Compressor
from hognose.persistence.rdb_format import ValueLimits
from hognose.persistence.rdb_reader import DatasetReader
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_writer import FileOptions, write_dataset

NOTICE: Final = 2
WARNING: Final = 3
RETRY_SECONDS: Final = 5
"""After a snapshot has failed the next one starts no sooner."""
NEVER: Final = -1
FIRST_FREE_FD: Final = 3
MESSAGE_BYTES: Final = 4096
FILE_MODE: Final = 0o644


class Snapshots:
    """The snapshots of one server.

    Attributes:
        is_automatic: Whether save points are heeded: a server that has its process to itself does.
        last_save_s: When the last one succeeded, Unix seconds; the start of the server counts.
        last_ok: Whether the last one in the background succeeded.
        last_duration_s: How long that took; NEVER if there was none.
        saves: How many were started.
        scheduled: BGSAVE SCHEDULE: one starts as soon as it can.
        keys_loaded, keys_expired: By the last load.
        skips_checksums: Files and payloads are read whatever their checksums say (a knob for tests).
    """

    def __init__(
        self, keyspace: Keyspace, settings: Settings, limits: ValueLimits, log: Callable[[int, str], None]
    ) -> None:
        self._keyspace: Final = keyspace
        self._settings: Final = settings
        self._limits: Final = limits
        self._log: Final = log
        self._child: int = 0
        self._pipe: int = -1
        self._started_s: i64 = 0
        self._last_try_s: i64 = 0
        self._dirty_before: i64 = 0
        self.is_automatic = False
        self.last_save_s: i64 = keyspace.clock.now_ms // 1000
        self.last_ok = True
        self.last_duration_s: i64 = NEVER
        self.saves: i64 = 0
        self.scheduled = False
        self.keys_loaded: i64 = 0
        self.keys_expired: i64 = 0
        self.skips_checksums = False

    def _now_s(self) -> i64:
        return self._keyspace.clock.now_ms // 1000

    def is_saving(self) -> bool:
        """Whether one is being written in the background."""
        return self._child != 0

    def running_s(self) -> i64:
        """For how many seconds one has been written in the background; NEVER if none is."""
        return self._now_s() - self._started_s if self._child else NEVER

    def refuses_writes(self) -> bool:
        """Whether writes are refused because the last snapshot failed (stop-writes-on-bgsave-error)."""
        return not self.last_ok and self._settings.stop_writes_on_bgsave_error and len(self._settings.save) != 0

    # Now

    def save(self) -> bool:
        """Writes a snapshot while everything waits; False, with the reason logged, if that fails. O(N)."""
        self.saves += 1
        try:
            self._write(temporary_name(os.getpid()))
        except OSError as error:
            self._log(WARNING, f"Failed saving the DB: {error}")
            return False
        self._log(NOTICE, "DB saved on disk")
        self._keyspace.dirty = 0
        self.last_save_s = self._now_s()
        self.last_ok = True
        return True

    def _write(self, temporary: str) -> None:
        """Writes the file under a temporary name and renames it."""
        settings = self._settings
        keeps_usage = "lru" in settings.maxmemory_policy or "lfu" in settings.maxmemory_policy
        options = FileOptions(settings.rdb_version, settings.rdbchecksum, keeps_usage, i64(self._keyspace.clock.now_ms))
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(fd, "wb") as file:
                sink = RdbSink(Compressor() if settings.rdbcompression else None, file)
                write_dataset(sink, self._keyspace, options)
                file.flush()
                os.fsync(fd)
            Path(temporary).rename(settings.dbfilename)
        except OSError:
            remove(temporary)
            raise
        sync_directory()

    # In the background

    def start(self) -> bool:
        """Starts a snapshot in the background; False, with the reason logged, if that fails. O(size of page tables)."""
        self._last_try_s = self._now_s()
        self._dirty_before = self._keyspace.dirty
        self.saves += 1
        self.scheduled = False
        collects = gc.isenabled()
        gc.freeze()
        try:
            reader, writer = os.pipe()
            child = os.fork()
        except OSError as error:
            self.last_ok = False
            self._log(WARNING, f"Can't save in background: fork: {error}")
            return False
        if child == 0:
            self._run_child(writer)
        os.close(writer)
        if collects:
            gc.unfreeze()
        self._child = child
        self._pipe = reader
        self._started_s = self._now_s()
        self._log(NOTICE, f"Background saving started by pid {child}")
        return True

    def _run_child(self, pipe: int) -> None:
        """The child's whole life."""
        status = 1
        try:
            gc.disable()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.closerange(FIRST_FREE_FD, pipe)
            os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
            self._write(temporary_name(os.getpid()))
            status = 0
        except BaseException as error:  # noqa: BLE001 - nothing may escape into the parent's code
            os.write(pipe, f"{type(error).__name__}: {error}".encode()[:MESSAGE_BYTES])
        finally:
            os._exit(status)

    def tick(self, now_ms: i64) -> None:
        """Looks after the child, and starts what is due; called several times a second."""
        if self._child:
            self._reap()
            return
        now_s = now_ms // 1000
        if not self.last_ok and now_s - self._last_try_s <= RETRY_SECONDS:
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

    def _reap(self) -> None:
        """Takes note of the child's end, if it has ended."""
        try:
            pid, status = os.waitpid(self._child, os.WNOHANG)
        except ChildProcessError:
            pid, status = self._child, 1
        if pid == 0:
            return
        child = self._child
        message = os.read(self._pipe, MESSAGE_BYTES)
        self._forget_child()
        self.last_duration_s = self._now_s() - self._started_s
        self.last_ok = status == 0
        if self.last_ok:
            self._keyspace.dirty -= self._dirty_before
            self.last_save_s = self._now_s()
            self._log(NOTICE, "Background saving terminated with success")
            return
        remove(temporary_name(child))
        if message:
            self._log(WARNING, f"Background saving error: {message.decode(errors='replace')}")
        else:
            self._log(WARNING, f"Background saving terminated by signal {os.WTERMSIG(status)}")

    def _forget_child(self) -> None:
        os.close(self._pipe)
        self._child = 0
        self._pipe = -1

    def stop_child(self) -> None:
        """Ends the child, if there is one: what it would save is of no use any more."""
        child = self._child
        if child == 0:
            return
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self._forget_child()
        remove(temporary_name(child))

    def data_flushed(self) -> None:
        """Everything was deleted: a running snapshot is void; with save points the empty dataset is saved at once."""
        self.stop_child()
        if self.is_automatic and self._settings.save:
            dirty = self._keyspace.dirty
            self.save()
            self._keyspace.dirty = dirty

    # Loading

    def open(self, replaces: bool = False) -> RdbLoad | None:
        """The file, ready to be read into the keyspace; None if there is none.

        Args:
            replaces: Whether keys that are there are replaced.

        Raises:
            OSError: It cannot be read.
        """
        try:
            return RdbLoad(
                self._settings.dbfilename,
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


def temporary_name(pid: int) -> str:
    """What a file is called while a process writes it."""
    return f"temp-{pid}.rdb"


def remove(path: str) -> None:
    """Removes a file if it is there."""
    try:
        Path(path).unlink()
    except OSError:
        return


def sync_directory() -> None:
    """Brings the names in the working directory to disk."""
    fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
