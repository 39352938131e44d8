"""The append-only file of a running server: when it is written and brought to disk, and when replies may go out.

Effects collect in the buffer of `persistence.aof_log`. The first of a turn of the event loop has the buffer written at
the end of that turn, when the input of every client that had sent something is worked off: one write for all of them.
Until then replies wait, to writers and readers alike (a reader may have seen what was just written):

    appendfsync no         write, then the replies
    appendfsync everysec   write, then the replies; about once a second a thread brings the file to disk
    appendfsync always     write; a thread brings the file to disk; then the replies. Commands of the meantime are run,
                           and the next turn of write, sync and replies follows when this one is over

So nobody has seen, with `always`, what a power failure could take back, and with the others, what a crash of the server
could. With `everysec`, while a sync runs, writes wait up to a second for it, because the system would have them wait
anyway, and the server with them; the replies go out meanwhile.

Errors. A write that fails stays in the buffer and is tried again every second; until it succeeds, writing commands are
refused (MISCONF). After a sync has failed nobody knows what is on disk, and trying again would not tell: the dataset is
written anew in the background (`append_only_rewrite`), and writing commands are refused until that is done. With
`always` the clients whose replies wait are disconnected in both cases: what they wrote is in memory, but was never
confirmed.
"""

import time
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.context import CLOSE_AFTER_REPLY, TO_APPEND_ONLY_FILE
from hognose.commands.host import NOTICE, WARNING
from hognose.persistence.aof_directory import NO_FILE, AofDirectory
from hognose.persistence.aof_format import write_command
from hognose.persistence.aof_log import AppendLog
from hognose.persistence.disk import CloseJob, Disk, DiskThread, SyncJob
from hognose.server.propagation import Sink
from hognose.server.system import set_cpus

if TYPE_CHECKING:
    from hognose.server.connection import Connection
    from hognose.server.server import Server

OFF: Final = 0
ON: Final = 1
WAITING: Final = 2
"""Switched on at run time: the first rewrite has yet to be done before the files are complete."""

POSTPONED_AT_MOST_MS: Final = 1000
"""So long a write waits for a sync: everysec promises that no more is lost than that, if only the server is killed."""
LOG_ERRORS_EVERY_S: Final = 30
ALWAYS: Final = "always"
EVERYSEC: Final = "everysec"


class Batch:
    """Replies that wait for a sync.

    Attributes:
        job: The sync.
        size: How much of the file it brings to disk.
    """

    def __init__(self, job: SyncJob, size: i64) -> None:
        self.job: Final = job
        self.size: i64 = size
        self.clients: Final[list[Connection]] = []
        self.replies: Final[list[bytes]] = []


class AppendOnly(Sink):
    """The append-only file of one server.

    Attributes:
        state: OFF, ON or WAITING.
        directory: Its files.
        file: The one being written.
        thread: Does what takes long.
        delayed_syncs: How often a write could not wait for a sync any longer (INFO aof_delayed_fsync).
        write_error: Why the last write failed, or None.
        sync_error: Why a sync failed, until the dataset has been written anew; or None.
        lacks_data: Whether a sync of the file being written is among them: only a rewrite that begins later helps.
        current_size: The size of the dataset's files, as of the last rewrite and what was written since.
        base_size: That size right after the last rewrite.
        write_delay_us: DEBUG AOF-FLUSH-SLEEP: how long to wait before each write.
    """

    def __init__(self, server: "Server", disk: Disk | None = None) -> None:
        super().__init__(TO_APPEND_ONLY_FILE)
        self._server: Final = server
        self.thread: DiskThread = DiskThread(self._choose_cpus)
        self.directory: Final = AofDirectory(server.settings, server.log, self.thread)
        self.file: Final = AppendLog(Disk() if disk is None else disk)
        self.state: i64 = OFF
        self._held: list[Connection] = []
        self._batch: Batch | None = None
        self._closing: list[CloseJob] = []
        self._is_due = False  # a write at the end of this turn is arranged
        self._last_sync_s: i64 = 0
        self._postponed_ms: i64 = 0
        self._error_logged_s: i64 = 0
        self._last_retry_s: i64 = 0
        self.delayed_syncs: i64 = 0
        self.write_error: OSError | None = None
        self.sync_error: OSError | None = None
        self.lacks_data = False
        self.current_size: i64 = 0
        self.base_size: i64 = 0
        self.write_delay_us: i64 = 0

    def _choose_cpus(self) -> None:
        """bio_cpulist, for the thread that calls this."""
        if self._server.settings.bio_cpulist:
            set_cpus(self._server.settings.bio_cpulist)

    def _now_s(self) -> i64:
        return self._server.clock.now_ms // 1000

    # Effects come in

    def write(self, db_index: i64, argv: list[bytes]) -> None:
        self._prepare(db_index)
        write_command(self.file.buffer, argv)
        if not self._is_due:
            self._arrange_write()

    def write_request(self, db_index: i64, argv: list[bytes], request: bytes) -> None:
        self._prepare(db_index)
        self.file.buffer.write(request)
        if not self._is_due:
            self._arrange_write()

    def _prepare(self, db_index: i64) -> None:
        file = self.file
        if self._server.settings.aof_timestamp_enabled:
            file.stamp(self._now_s())
        file.select(db_index)

    def _arrange_write(self) -> None:
        """Has the buffer written at the end of this turn, and replies wait for it."""
        loop = self._server.loop
        if loop is None:
            self.flush()
            return
        if self.write_error is not None:
            return
        self._is_due = True
        self._server.holds_replies = True
        loop.call_soon(self._at_end_of_turn)

    def _at_end_of_turn(self) -> None:
        self._is_due = False
        self._server.clock.read()
        self.flush()

    # Replies wait

    def hold(self, connection: "Connection") -> None:
        """Keeps a client's replies until what they may tell of is safe."""
        if not connection.is_held:
            connection.is_held = True
            self._held.append(connection)
        if connection.flags & CLOSE_AFTER_REPLY:
            connection.stalled = True  # nothing it still sends is run

    def _hold_those_of_round(self) -> None:
        """Has replies that wait for the end of the round wait here as well, if any do."""
        if self._server.holds_replies:
            self._server.flush_replies()

    def _release(self) -> None:
        """Sends the replies that wait."""
        self._server.holds_replies = False
        held = self._held
        self._held = []
        for connection in held:
            connection.is_held = False
            connection.flush()

    def _take_replies(self, batch: Batch) -> None:
        """Sets the replies that wait aside until a sync is over; further ones wait for the next."""
        held = self._held
        self._held = []
        for connection in held:
            connection.is_held = False
            batch.clients.append(connection)
            batch.replies.append(connection.take_output())

    def _send(self, batch: Batch) -> None:
        for index in range(len(batch.clients)):
            batch.clients[index].deliver(batch.replies[index])

    def _drop(self, clients: "list[Connection]") -> None:
        """Disconnects clients whose writes cannot be confirmed."""
        if clients:
            self._server.log(WARNING, f"Disconnecting {len(clients)} clients whose replies waited for the AOF")
        for connection in clients:
            connection.is_held = False
            connection.abort()

    def settle(self) -> None:
        """Sends all replies that wait, once what they tell of is safe, or disconnects who waits. Blocks."""
        server = self._server
        while server.holds_replies:
            self.flush(now=True)
            self.finish_sync()
        self._is_due = False  # the next effect arranges for a write, and has replies wait, anew

    # Writing

    def flush(self, now: bool = False) -> None:
        """Writes the buffer and sees to it that it is brought to disk as the policy says.

        Args:
            now: Do not wait for a sync that runs.
        """
        self._hold_those_of_round()
        if self.file.fd == NO_FILE:
            self._release()
            return
        policy = self._policy()
        if len(self.file.buffer) != 0:
            if now and self._batch is not None and policy == ALWAYS:
                self.finish_sync()
            if self._has_to_wait(policy, now):
                return
            error = self._write_out()
            if error is not None:
                self._write_failed(error, policy)
                return
            self._write_succeeded()
        elif self.write_error is not None:
            self._write_succeeded()  # what could not be written has been dropped with its file
        self._sync_as_due(policy)

    def _policy(self) -> str:
        """appendfsync; as it was while replies wait for a sync, so that those that follow do not overtake them."""
        batch = self._batch
        return ALWAYS if batch is not None and batch.clients else self._server.settings.appendfsync

    def _has_to_wait(self, policy: str, now: bool) -> bool:
        """Whether a running sync keeps the next write; replies go out or wait, as the policy says."""
        if self._batch is None or now:
            return False
        if policy == ALWAYS:
            return True
        if policy != EVERYSEC:
            return False
        now_ms = self._server.clock.now_ms
        if self._postponed_ms == 0:
            self._postponed_ms = now_ms
        if now_ms - self._postponed_ms < POSTPONED_AT_MOST_MS:
            self._release()
            return True
        self.delayed_syncs += 1
        text = "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for "
        self._server.log(NOTICE, text + "fsync to complete, this may slow down the server.")
        return False

    def _write_out(self) -> OSError | None:
        """Writes the buffer, timing it."""
        server = self._server
        if self.write_delay_us > 0:
            time.sleep(float(self.write_delay_us) / 1e6)
        before = self.file.size
        started_us = server.clock.read()
        error = self.file.write_out()
        self.current_size += self.file.size - before
        if server.latency.threshold_ms != 0:
            self._note_latency((server.clock.read() - started_us) // 1000)
        return error

    def _note_latency(self, duration_ms: i64) -> None:
        server = self._server
        if self._batch is not None:
            event = b"aof-write-pending-fsync"
        elif server.snapshots.children.active is not None:
            event = b"aof-write-active-child"
        else:
            event = b"aof-write-alone"
        server.latency.note(event, server.clock.now_ms, duration_ms)
        server.latency.note(b"aof-write", server.clock.now_ms, duration_ms)

    def _write_succeeded(self) -> None:
        self._postponed_ms = 0
        if self.write_error is not None:
            self._server.log(NOTICE, "AOF write error looks solved. The server can write again.")
            self.write_error = None
            self._server.update_refusal()

    def _write_failed(self, error: OSError, policy: str) -> None:
        """Refuses writes until one succeeds."""
        server = self._server
        self._last_retry_s = now_s = self._now_s()
        if self.write_error is None or now_s - self._error_logged_s > LOG_ERRORS_EVERY_S:
            self._error_logged_s = now_s
            self._log_failure(error)
        self.write_error = error
        server.update_refusal()
        if policy == ALWAYS:
            held = self._held
            self._held = []
            self._drop(held)
        self._release()

    def _log_failure(self, error: OSError) -> None:
        log = self._server.log
        done, wanted = self.file.short
        if done == 0:
            log(WARNING, f"Error writing to the AOF file: {error.strerror}")
            return
        log(WARNING, f"Short write while writing to the AOF file: (nwritten={done}, expected={wanted})")
        if self.file.undo_error:
            text = "Could not remove short write from the append-only file. It may have to be repaired before the next "
            log(WARNING, f"{text}start. ftruncate: {self.file.undo_error}")

    # Bringing it to disk

    def _sync_as_due(self, policy: str) -> None:
        """Starts a sync if one is due; sends the replies unless they have to wait for it."""
        server = self._server
        is_synced = self.file.size == self.file.synced_size
        if policy == ALWAYS and self._batch is not None:
            return  # when it is over it comes back here
        if server.settings.no_appendfsync_on_rewrite and server.snapshots.children.active is not None:
            self._release()
        elif policy == ALWAYS and not is_synced:
            self._start_sync(waits=True)
        else:
            now_s = self._now_s()
            if policy == EVERYSEC and not is_synced and now_s > self._last_sync_s:
                if self._batch is None:
                    self._start_sync(waits=False)
                self._last_sync_s = now_s
            self._release()

    def _start_sync(self, waits: bool) -> None:
        """Brings the file to disk in the thread.

        Args:
            waits: The replies held by now wait for it.
        """
        file = self.file
        batch = Batch(SyncJob(file.disk, file.fd), file.size)
        self._batch = batch
        if waits:
            self._take_replies(batch)
        loop = self._server.loop
        if loop is None:
            batch.job.run()
            self._sync_over()
        else:
            self.thread.submit(batch.job, self._tell_sync_over)

    def _tell_sync_over(self) -> None:
        """Called from the thread."""
        loop = self._server.loop
        assert loop is not None
        loop.call_soon_threadsafe(self._sync_over)

    def _sync_over(self) -> None:
        """A sync is over: what waited for it goes out, and what has come since is written."""
        batch = self._batch
        if batch is None or not batch.job.is_over():
            return  # it has been waited for
        self._batch = None
        self._server.clock.read()
        self._hold_those_of_round()
        if batch.job.error is not None:
            self._sync_failed(batch.job.error, batch)
            return
        self.file.synced_size = max(self.file.synced_size, min(batch.size, self.file.size))
        self._last_sync_s = self._now_s()
        self._send(batch)
        if not self._is_due:
            self.flush()

    def finish_sync(self) -> None:
        """Waits for the sync that runs, if one does, and sends what waited for it."""
        batch = self._batch
        if batch is not None:
            batch.job.wait()
            self._is_due, was_due = True, self._is_due  # the caller writes what has come since
            self._sync_over()
            self._is_due = was_due

    def _sync_failed(self, error: OSError, batch: Batch) -> None:
        """Refuses writes until the dataset has been written anew."""
        self.lacks_data = True
        self.note_sync_error(error)
        if batch.clients:
            self._drop(batch.clients)
            held = self._held
            self._held = []
            self._drop(held)
        self._release()

    def note_sync_error(self, error: OSError) -> None:
        """Something may not be on disk: writes are refused until the dataset has been written anew."""
        text = f"Fail to fsync the AOF file: {error.strerror}. Writes are refused until it is rewritten."
        self._server.log(WARNING, text)
        self.sync_error = error
        self._server.update_refusal()

    def is_healed(self) -> None:
        """The dataset as it was when the file was begun is on disk: syncs of those before it do not matter any more."""
        if not self.lacks_data:
            self.sync_error = None
            self._server.update_refusal()

    # Regular work

    def tick(self, now_s: i64) -> None:
        """Does what no command may come to trigger: late writes and syncs, another try after an error."""
        while self._closing and self._closing[0].is_over():
            problem = self._closing.pop(0).error
            if problem is not None:
                self.note_sync_error(problem)
        if self.file.fd == NO_FILE or self._is_due:
            return
        if self.write_error is not None:
            if now_s > self._last_retry_s:
                self._last_retry_s = now_s
                self.flush()
        elif self._postponed_ms != 0 or (self._batch is None and self.file.size != self.file.synced_size):
            self.flush()

    def refusal(self) -> str | None:
        """Why writing commands are refused, or None."""
        error = self.write_error or self.sync_error
        return None if error is None else f"MISCONF Errors writing to the AOF file: {error.strerror}"

    def has_pending_sync(self) -> bool:
        """Whether a sync runs."""
        return self._batch is not None

    # Files change

    def switch_to(self, fd: int) -> None:
        """Goes on in a new, empty file; the old one, all of it written, is brought to disk and closed meanwhile."""
        file = self.file
        if file.fd != NO_FILE:
            self.finish_sync()
            job = CloseJob(file.disk, file.fd)
            self._closing.append(job)
            self.thread.submit(job)
        file.begin(fd, 0)
        self.lacks_data = False
        self._last_sync_s = self._now_s()
        if not self._is_due:
            self.flush()  # replies may wait that waited for the sync, and no write may come to send them

    def resume(self, fd: int, size: i64) -> None:
        """Goes on at the end of a file that was there at the start."""
        self.file.begin(fd, size)
        self.lacks_data = False
        self._last_sync_s = self._now_s()

    def stop(self) -> None:
        """Writes everything, brings it to disk, sends what waits, and closes the file."""
        self.finish()
        self.file.close()
        self.state = OFF
        self.write_error = None
        self.sync_error = None
        self.lacks_data = False
        self._postponed_ms = 0
        self._server.update_refusal()
        self._release()

    def finish(self) -> str:
        """Writes everything and brings it to disk, whatever the policy, for the end of the server; what failed."""
        file = self.file
        if file.fd == NO_FILE:
            return ""
        self.flush(now=True)
        self.finish_sync()
        failure = self.write_error or self.sync_error
        try:
            if failure is None:
                file.sync()
        except OSError as error:
            self.lacks_data = True
            self.note_sync_error(error)
            failure = error
        self._release()
        return "" if failure is None else f"Error trying to bring the AOF to disk: {failure.strerror}"
