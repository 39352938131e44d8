"""Rewrites of the append-only file: begun by BGREWRITEAOF, by growth, or to switch the file on.

A child writes the new base, or where none can be made, `persistence.cooperative` does, in slices, as a dump.

    before    base 1, incr 1 being written
    start     incr 2 is begun, in the manifest and on disk; whoever writes has the data as of now and writes it
    end       its file becomes base 2; the manifest names base 2 and incr 2; base 1 and incr 1 are history, and deleted
    failure   base 1, incr 1 and incr 2 are the dataset; the next rewrite begins incr 3, if there is anything in incr 2

At no moment is the dataset on disk incomplete: whatever ends the server, a whole manifest is there with all it names.

Where the file is switched on at run time there is nothing on disk yet. Commands are then kept in a temporary increment,
which gets its name together with the first base; until then the state is WAITING, and a failure begins anew.

A rewrite that failed three times in a row is tried by itself only after a minute, then two, four, up to an hour.
"""

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.host import (
    NOTICE,
    REWRITE_FAILED,
    REWRITE_RUNNING,
    REWRITE_SCHEDULED,
    REWRITE_STARTED,
    WARNING,
)
from hognose.config.directives.process import SHUTDOWN_FORCE, SHUTDOWN_NOSAVE
from hognose.persistence.aof_directory import NO_FILE, NOT_SAVED, SAVED
from hognose.persistence.child import Child, describe_end
from hognose.persistence.cooperative import CooperativeSnapshot
from hognose.persistence.dump_file import remove
from hognose.persistence.progress import Progress
from hognose.persistence.rdb_writer import file_options
from hognose.server.append_only import OFF, ON, WAITING, AppendOnly
from hognose.server.append_only_base import SYNC_BYTES, BaseWork, temporary_base, write_base
from hognose.server.cron import CronTask
from hognose.server.lifecycle import ShutdownStep

if TYPE_CHECKING:
    from hognose.server.server import Server

PURPOSE: Final = "AOF rewrite"
UNFINISHED: Final = ".part"
"""What the name of a base ends with while it is written in slices."""
MEGABYTE: Final = 1 << 20
NEVER: Final = -1
FAILURES_BEFORE_DELAY: Final = 3
LONGEST_DELAY_MINUTES: Final = 60
RETRY_SECONDS: Final = 5
"""How long to wait between two tries to get over a sync that failed."""


class AppendOnlyRewrite(CronTask):
    """The rewrites of one server, and the file's being switched on and off.

    Attributes:
        is_scheduled: One begins as soon as no other child runs.
        rewrites: How many were begun.
        failures: How many have failed since one succeeded.
        last_ok: Whether the last one succeeded.
        last_duration_s: How long it took; NEVER if there was none.
        last_cow_bytes: What copying on write cost during it, at most.
    """

    def __init__(self, server: "Server", aof: AppendOnly) -> None:
        self._server: Final = server
        self._aof: Final = aof
        self._child: Child | None = None
        self._slices: CooperativeSnapshot | None = None
        self._started_s: i64 = 0
        self._delay_minutes: i64 = 0
        self._delayed_until_s: i64 = 0
        self._last_heal_s: i64 = 0
        self._has_unused_increment = False  # of a rewrite that could not begin; it will do for the next one
        self.is_scheduled = False
        self.rewrites: i64 = 0
        self.failures: i64 = 0
        self.last_ok = True
        self.last_duration_s: i64 = NEVER
        self.last_cow_bytes: i64 = 0
        server.config.on_change("aof-disable-auto-gc", self._apply_auto_gc)
        server.config.on_change("appendonly", self._refuse)

    def _refuse(self) -> str:
        """Applier of `appendonly` until the server has loaded its data, if it ever does: embedded ones keep none."""
        return "The append-only file needs a server process of its own" if self._server.settings.appendonly else ""

    def _apply_auto_gc(self) -> str:
        """Applier of `aof-disable-auto-gc`: deletes what has been kept."""
        self._aof.directory.delete_history()
        return ""

    def _now_s(self) -> i64:
        return self._server.clock.now_ms // 1000

    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._child is not None or self._slices is not None

    def goes_in_slices(self) -> bool:
        """Whether one is under way that needs `step`."""
        return self._slices is not None

    def running_s(self) -> i64:
        """For how many seconds; NEVER if none is."""
        return self._now_s() - self._started_s if self.is_running() else NEVER

    # Begin

    def request(self, later: bool) -> i64:
        """BGREWRITEAOF: begins one now, or as soon as it can be; returns REWRITE_..."""
        if self.is_running():
            return REWRITE_RUNNING
        if later or self._server.snapshots.is_occupied():
            self.is_scheduled = True
            self.failures = 0  # whoever asks for it does not want to wait
            return REWRITE_SCHEDULED
        return REWRITE_STARTED if self.start() else REWRITE_FAILED

    def start(self) -> bool:
        """Begins a rewrite; False, with the reason logged, if that fails. Nothing else may be written meanwhile."""
        server = self._server
        aof = self._aof
        if not aof.directory.create() or not self._begin_increment():
            self._note_end(ok=False)
            return False
        self.rewrites += 1
        has_begun = self._start_child() if server.snapshots.forks() else self._start_slices()
        self._has_unused_increment = not has_begun
        if not has_begun:
            self._note_end(ok=False)
            self._drop_temporary_increment()
            return False
        self.is_scheduled = False
        self._started_s = self._now_s()
        return True

    def _start_child(self) -> bool:
        server = self._server
        total: i64 = 0
        for database in server.keyspace.databases:
            total += database.table.count
        work = BaseWork(server.settings, server.keyspace)
        try:
            child = server.snapshots.children.start(work, PURPOSE, server.settings.rdb_key_save_delay, total)
        except OSError as error:
            server.log(WARNING, f"Can't rewrite append only file in background: fork: {error.strerror}")
            return server.settings.snapshot_mode == "auto" and self._start_slices()
        self._child = child
        server.log(NOTICE, f"Background append only file rewriting started by pid {child.pid}")
        return True

    def _start_slices(self) -> bool:
        server = self._server
        settings = server.settings
        options = file_options(settings, server.keyspace)
        options.is_aof_base = True
        base = temporary_base(os.getpid())
        syncs_every: i64 = SYNC_BYTES if settings.aof_rewrite_incremental_fsync else 0
        try:
            slices = CooperativeSnapshot(base + UNFINISHED, base, server.keyspace, settings, options, syncs_every)
        except OSError as error:
            server.log(WARNING, f"Can't rewrite append only file in background: {error.strerror}")
            return False
        self._slices = slices
        server.snapshots.rewrites_in_slices = True
        server.log(NOTICE, "Background append only file rewriting started, without a child")
        return True

    def step(self, until_us: i64) -> bool:
        """Goes on with a rewrite that is written in slices. Arguments and result as of `Snapshots.step`."""
        slices = self._slices
        if slices is None:
            return False
        if slices.is_void:
            self._server.log(NOTICE, "A database was emptied while the AOF was being rewritten: that begins anew")
            self._stop_slices()
            self._drop_temporary_increment()
            self.is_scheduled = True
            return False
        if slices.failure() is None and not slices.step(until_us):
            return True
        if slices.is_done():
            self._end_slices(slices)
        return False

    def _end_slices(self, slices: CooperativeSnapshot) -> None:
        """The base is on disk, or the disk has failed."""
        failure = slices.failure()
        self.last_cow_bytes = slices.peak_bytes
        base = temporary_base(os.getpid())
        self._stop_slices()
        if failure is None:
            self._server.log(NOTICE, "Background AOF rewrite terminated with success")
            self._note_end(self._adopt(base, is_dump=True))
        else:
            text = f"Background AOF rewrite terminated with error: {failure.strerror or failure}"
            self._server.log(WARNING, text)
            self._note_end(ok=False)
        self._clean_up(base)

    def _stop_slices(self) -> None:
        slices = self._slices
        if slices is None:
            return
        self._slices = None
        self._server.snapshots.rewrites_in_slices = False
        slices.give_up()
        remove(temporary_base(os.getpid()) + UNFINISHED)

    def _begin_increment(self) -> bool:
        """Has commands go to a new increment from now on, so that the old ones end where the new base begins."""
        aof = self._aof
        if aof.state == OFF:
            return True
        directory = aof.directory
        aof.flush(now=True)
        if len(aof.file.buffer) != 0:
            # The new base will contain what it does; in the new increment it would be done twice.
            self._server.log(WARNING, "The AOF cannot be rewritten while it cannot be written")
            return False
        if aof.state == ON and self._has_unused_increment and aof.file.size == 0:
            return True
        manifest = directory.manifest.copy()
        if aof.state == WAITING:
            name = directory.temporary_increment()
        else:
            name = manifest.new_increment(self._server.settings.appendfilename)
        fd = directory.open(name, empties=True)
        if fd == NO_FILE:
            return False
        if aof.state == ON and directory.save(manifest) != SAVED:
            os.close(fd)  # it stays, for a manifest may name it; the next rewrite takes it
            return False
        self._server.log(NOTICE, f"Creating AOF incr file {name} on background rewrite")
        aof.switch_to(fd)
        if aof.state == WAITING:
            self._server.propagation.attach(aof)
        return True

    # End

    def _reap(self) -> None:
        """Notes the child's end, if it has ended."""
        child = self._child
        assert child is not None
        child.listen(self._server.clock.now_ms)
        status = self._server.snapshots.children.ended()
        if status is None:
            return
        self._child = None
        self.last_cow_bytes = child.cow_peak_bytes
        log = self._server.log
        if status == 0:
            log(NOTICE, f"Successfully created the temporary AOF base file {temporary_base(child.pid)}")
            current, peak = int(child.cow_bytes) // MEGABYTE, int(child.cow_peak_bytes) // MEGABYTE
            log(NOTICE, f"Fork CoW for {PURPOSE}: current {current} MB, peak {peak} MB")
            log(NOTICE, "Background AOF rewrite terminated with success")
            self._note_end(self._adopt(temporary_base(child.pid), self._server.settings.aof_use_rdb_preamble))
        else:
            log(WARNING, f"Background AOF rewrite terminated with error: {describe_end(child, status)}")
            self._note_end(ok=False)
        self._clean_up(temporary_base(child.pid))

    def _note_end(self, ok: bool) -> None:
        self.last_ok = ok
        if ok:
            self.failures = 0
            self._server.log(NOTICE, "Background AOF rewrite finished successfully")
        else:
            self.failures += 1

    def _adopt(self, temporary: str, is_dump: bool) -> bool:
        """Makes what was written the base, with a manifest that says so; False, with the reason logged, on failure."""
        server = self._server
        settings = server.settings
        directory = self._aof.directory
        manifest = directory.manifest.copy()
        base = manifest.new_base(settings.appendfilename, is_dump)
        if not self._rename(temporary, directory.path(base), "base"):
            return False
        increment = ""
        if self._aof.state == WAITING:
            increment = manifest.new_increment(settings.appendfilename)
            if not self._rename(directory.path(directory.temporary_increment()), directory.path(increment), "incr"):
                directory.delete(directory.path(base))
                return False
        manifest.retire_increments(keeps_last=self._aof.state != OFF)
        saved = directory.save(manifest)
        if saved == NOT_SAVED:
            directory.delete(directory.path(base))
            if increment:
                directory.delete(directory.path(increment))
            return False
        if saved != SAVED:
            directory.go_on_unsynced(manifest)
        self._go_on_from(directory.size(base), saved == SAVED)
        directory.delete_history()
        return saved == SAVED

    def _go_on_from(self, base_size: i64, is_synced: bool) -> None:
        """The manifest names the new base."""
        aof = self._aof
        if aof.state == OFF:
            return
        aof.current_size = base_size + aof.file.size
        aof.base_size = aof.current_size
        if is_synced:
            aof.is_healed()
        elif aof.state == WAITING:  # there is no manifest before this one that a power failure might bring back
            aof.note_sync_error(OSError(errno.EIO, os.strerror(errno.EIO)))
        aof.state = ON

    def _rename(self, old: str, new: str, kind: str) -> bool:
        try:
            Path(old).rename(new)
        except OSError as error:
            text = f"Error trying to rename the temporary AOF {kind} file {old} into {new}: {error.strerror}"
            self._server.log(WARNING, text)
            return False
        text = f"Successfully renamed the temporary AOF {kind} file {Path(old).name} into {Path(new).name}"
        self._server.log(NOTICE, text)
        return True

    def _clean_up(self, temporary: str) -> None:
        """Leaves nothing behind, whatever became of it."""
        self._aof.directory.delete(temporary)
        self.last_duration_s = self._now_s() - self._started_s
        self._drop_temporary_increment()

    def _drop_temporary_increment(self) -> None:
        """Begins anew where the file is being switched on, and the first base could not be made."""
        aof = self._aof
        if aof.state != WAITING:
            return
        self._server.propagation.detach(aof)
        aof.file.clear()
        name = aof.directory.temporary_increment()
        self._server.log(NOTICE, f"Removing the temp incr aof file {name} in the background")
        aof.directory.delete(aof.directory.path(name))
        self.is_scheduled = True

    def stop_child(self) -> None:
        """Ends a rewrite that is of no use any more."""
        self._stop_slices()
        child = self._child
        if child is None:
            return
        self._server.log(NOTICE, f"Killing running AOF rewrite child: {child.pid}")
        self._server.snapshots.children.kill()
        self._child = None
        self._aof.directory.delete(temporary_base(child.pid))

    # Regular work

    def tick(self, now_ms: i64) -> None:
        aof = self._aof
        now_s = now_ms // 1000
        if aof.state != OFF:
            aof.tick(now_s)
        if self._child is not None:
            self._reap()
        elif self._slices is not None:
            self.step(0)
        elif not self._server.snapshots.is_occupied() and not self._server.is_loading():
            self._start_if_due(now_s)

    def _start_if_due(self, now_s: i64) -> None:
        aof = self._aof
        if self.is_scheduled:
            if not self._is_delayed():
                self.start()
        elif aof.state != ON:
            return
        elif aof.sync_error is not None:
            if now_s - self._last_heal_s >= RETRY_SECONDS:
                self._last_heal_s = now_s
                self.start()
        else:
            self._start_if_grown()

    def _start_if_grown(self) -> None:
        """Begins a rewrite when the files have grown by as much as configured."""
        aof = self._aof
        settings = self._server.settings
        percentage = settings.auto_aof_rewrite_percentage
        if percentage == 0 or aof.current_size <= settings.auto_aof_rewrite_min_size:
            return
        growth = int(aof.current_size) * 100 // int(max(aof.base_size, 1)) - 100
        if growth >= percentage and not self._is_delayed():
            self._server.log(NOTICE, f"Starting automatic rewriting of AOF on {growth}% growth")
            self.start()

    def _is_delayed(self) -> bool:
        """Whether rewrites have failed so often that the next has to wait."""
        if self.failures < FAILURES_BEFORE_DELAY:
            self._delay_minutes = 0
            self._delayed_until_s = 0
            return False
        now_s = self._now_s()
        if self._delayed_until_s != 0:
            if now_s < self._delayed_until_s:
                return True
            self._delayed_until_s = 0
            return False
        self._delay_minutes = min(max(2 * self._delay_minutes, 1), LONGEST_DELAY_MINUTES)
        self._delayed_until_s = now_s + self._delay_minutes * 60
        text = "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in "
        self._server.log(WARNING, f"{text}{self._delay_minutes} minutes")
        return True

    # On and off

    def apply_appendonly(self) -> str:
        """Applier of `appendonly`."""
        wanted = self._server.settings.appendonly
        if self._server.is_loading() or wanted == (self._aof.state != OFF):
            return ""
        if not wanted:
            self.switch_off()
            return ""
        return "" if self.switch_on() else "Unable to turn on AOF. Check server logs."

    def switch_on(self) -> bool:
        """Begins to keep the file, from the dataset as it is now; False, with the reason logged, if that fails."""
        server = self._server
        aof = self._aof
        aof.state = WAITING
        if server.snapshots.is_occupied() and not self.is_running():
            self.is_scheduled = True
            text = "AOF was enabled but there is already another background operation. An AOF background was scheduled "
            server.log(NOTICE, text + "to start when possible.")
        elif server.dispatcher.depth > 1:
            self.is_scheduled = True
            text = "AOF was enabled during a transaction. An AOF background was scheduled to start when possible."
            server.log(NOTICE, text)
        else:
            if self.is_running():
                text = "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF "
                server.log(NOTICE, text + "and starting a rewrite now.")
                self.stop_child()
            if not self.start():
                aof.stop()
                self.is_scheduled = False
                text = "The AOF has to be enabled but a background AOF rewrite operation can't be triggered. "
                server.log(WARNING, text + "Check the above logs for more info about the error.")
                return False
        return True

    def switch_off(self) -> None:
        """Stops keeping the file: everything is written and brought to disk first."""
        self._server.propagation.detach(self._aof)
        self._aof.stop()
        self.is_scheduled = False
        self.stop_child()

    # The start of the server

    def open_at_start(self) -> bool:
        """Opens the file once the dataset is loaded, if `appendonly` is on; False, with the reason logged, on failure.

        Raises:
            OSError: The first base cannot be written.
        """
        server = self._server
        aof = self._aof
        directory = aof.directory
        if not server.settings.appendonly:
            # What there is from before counts on when the file is switched on.
            if not directory.load():
                return False
            directory.delete_history()
            return True
        if not directory.create():
            return False
        manifest = directory.manifest.copy()
        name = server.settings.appendfilename
        if manifest.is_empty():
            base = manifest.new_base(name, server.settings.aof_use_rdb_preamble)
            write_base(directory.path(base), server.settings, server.keyspace, Progress())
            server.log(NOTICE, f"Creating AOF base file {base} on server start")
        is_new = not manifest.increments
        increment = manifest.new_increment(name) if is_new else manifest.increments[-1].name
        fd = directory.open(increment, empties=False)
        if fd == NO_FILE or directory.save(manifest) != SAVED:
            return False
        server.log(NOTICE, f"{'Creating' if is_new else 'Opening'} AOF incr file {increment} on server start")
        aof.resume(fd, directory.size(increment))
        aof.state = ON
        server.propagation.attach(aof)
        directory.delete_history()
        return True


class LastWrite(ShutdownStep):
    """Brings the append-only file to disk before the end."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server

    def finish(self, options: int) -> str:
        server = self._server
        aof = server.append_only
        if server.rewrite.is_running():
            if aof.state == WAITING:
                if options & SHUTDOWN_FORCE == 0:
                    return "Writing initial AOF, can't exit."
                server.log(WARNING, "Writing initial AOF. Exit anyway.")
            server.log(WARNING, "There is a child rewriting the AOF. Killing it!")
            server.rewrite.stop_child()
        if aof.state != OFF:
            server.log(NOTICE, "Calling fsync() on the AOF file.")
            failure = aof.finish()
            if failure and options & SHUTDOWN_NOSAVE:
                server.log(WARNING, f"{failure}. Exit anyway.")
            elif failure:
                return failure
        return ""
