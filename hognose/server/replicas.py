"""Replicas of this server: the handshake, the full copy, the stream, and everything that has a time to it.

    REPLCONF ...         noted in `replication.primary`
    PSYNC id offset      +CONTINUE and the rest, or
    PSYNC ? -1, SYNC     a snapshot, by one of two ways:
                           over disk   BGSAVE as usual; then the file goes out, "$<length>" before it
                           diskless    the child writes to a pipe, from which all that wait get it at once, between a
                                       mark of 40 characters announced by "$EOF:<mark>" and the mark itself
    REPLCONF ACK offset  how far the replica is: for WAIT, min-replicas-to-write, INFO and the end of the server

The stream is a sink of `propagation` from the first replica on, until the backlog is given up (repl-backlog-ttl). A
replica that waits for its copy has the stream held for it from the moment of the snapshot.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.arguments import integer, integer_between
from hognose.commands.context import BLOCKED, CLOSE_AFTER_REPLY, ONLOOKER, REPLICA, TO_REPLICAS, Context
from hognose.commands.host import NOTICE, WARNING
from hognose.errors import NOT_INTEGER, CommandError, printable
from hognose.persistence.rdb_writer import FileOptions, file_options
from hognose.persistence.snapshot import SnapshotListener, path_in
from hognose.replication.primary import (
    CAN_EOF,
    CAN_PSYNC2,
    GETACK,
    NO_DATABASE,
    ONLINE,
    PING,
    SENDING,
    STATE_NAMES,
    WAIT_END,
    WAIT_START,
    Primary,
    Replica,
)
from hognose.server.connection import Connection
from hognose.server.cron import CronTask
from hognose.server.propagation import Sink
from hognose.server.replica_transfer import FileTransfer, PipeTransfer, PipeWork

if TYPE_CHECKING:
    from hognose.server.server import Server

NO_OFFSET: Final = -1
SECOND_MS: Final = 1000
LONGEST_TIMER_MS: Final = 3_600_000
NETWORK_NAME_BYTES: Final = 255
LEAST_BACKLOG_BYTES: Final = 16 * 1024
"""CONFIG SET raises a smaller repl-backlog-size to this, as real servers do."""
PENDING_OUTPUT: Final = "ERR SYNC and PSYNC are invalid with pending output"
FILTER_NEEDS_EOF: Final = "ERR Filtered replica requires EOF capability"


class StreamSink(Sink):
    """Takes the effects of all commands into the stream."""

    def __init__(self, replicas: "Replicas") -> None:
        super().__init__(TO_REPLICAS)
        self._replicas: Final = replicas

    def write(self, db_index: i64, argv: list[bytes]) -> None:
        self._replicas.feed(db_index, argv)


class Waiter:
    """A client in WAIT."""

    def __init__(self, ctx: Context, wanted: i64, deadline_ms: i64) -> None:
        self.ctx: Final = ctx
        self.wanted: i64 = wanted
        self.deadline_ms: i64 = deadline_ms


class CopyStarter(SnapshotListener):
    """Hears of the ends of snapshots."""

    def __init__(self, replicas: "Replicas") -> None:
        self._replicas: Final = replicas

    def snapshot_ended(self, ok: bool) -> None:
        self._replicas.snapshot_ended(ok)


class Replicas(CronTask):
    """The replicas of one server.

    Attributes:
        primary: The stream, and what is known of each.
        full_syncs, partial_syncs, partial_refusals: How often each has happened (INFO sync_*).
        stream_bytes: How much has been sent to replicas.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self.primary: Final = Primary()
        self._sink: Final = StreamSink(self)
        self._pipe: PipeTransfer | None = None
        self._file_is_for_replicas = False
        self._waiters: list[Waiter] = []
        self._acks_asked_at: i64 = NO_OFFSET
        self._second_ms: i64 = 0
        self._seconds: i64 = 0
        self._alone_since_ms: i64 = 0
        self.full_syncs: i64 = 0
        self.partial_syncs: i64 = 0
        self.partial_refusals: i64 = 0
        self.stream_bytes: i64 = 0
        server.snapshots.listeners.append(CopyStarter(self))
        server.config.on_change("repl-backlog-size", self.apply_backlog_size)
        server.config.on_change("min-replicas-to-write", self.apply_good_replicas)
        server.config.on_change("min-replicas-max-lag", self.apply_good_replicas)

    # The stream

    def feed(self, db_index: i64, argv: list[bytes]) -> None:
        """Adds a command to the stream; a negative database for commands that need none. O(bytes * replicas)."""
        primary = self.primary
        data = primary.encode(db_index, argv)
        primary.extend(data)
        for replica in primary.replicas.values():
            if replica.state == WAIT_START or replica.wants_only_dump:
                continue
            ctx = replica.ctx
            if replica.state != ONLINE or replica.starts_on_ack:
                self._hold(replica, data)
            else:
                self.stream_bytes += len(data)
                ctx.out.write(data)
                ctx.flush_soon()

    def _hold(self, replica: Replica, data: bytes) -> None:
        """Keeps a part of the stream for a replica that cannot take it yet; too much of it, and the replica goes."""
        replica.held.append(data)
        connection = replica.ctx
        assert isinstance(connection, Connection)
        connection.held_bytes += len(data)
        self._server.check_output_limit(connection)

    def _release(self, replica: Replica) -> None:
        """Sends what was kept; from now on the stream goes to the replica directly."""
        connection = replica.ctx
        assert isinstance(connection, Connection)
        for data in replica.held:
            connection.held_bytes -= len(data)
            self.stream_bytes += len(data)
            connection.out.write(data)
        replica.held.clear()
        connection.flush_soon()

    def _open_stream(self) -> None:
        """From now on effects go into the stream."""
        if self.primary.backlog is not None:
            return
        self.primary.open_backlog(self._server.settings.repl_backlog_size)
        self._server.propagation.attach(self._sink)
        self._server.log(NOTICE, f"Replication backlog created, the stream's id is {self.primary.id}")

    def apply_backlog_size(self) -> str:
        """Applier of `repl-backlog-size`."""
        settings = self._server.settings
        settings.repl_backlog_size = max(settings.repl_backlog_size, LEAST_BACKLOG_BYTES)
        backlog = self.primary.backlog
        if backlog is not None:
            self.primary.backlog = backlog.resized(settings.repl_backlog_size)
        return ""

    def apply_good_replicas(self) -> str:
        """Applier of `min-replicas-to-write` and `min-replicas-max-lag`."""
        self._server.update_refusal()
        return ""

    def change_id(self) -> None:
        """Takes a new id for the stream: no replica can go on with what it has."""
        self.primary.change_id()

    # The handshake

    def says(self, ctx: Context, option: bytes, value: bytes) -> bool:
        """One option of REPLCONF. Returns whether it is answered."""
        replica = self.primary.candidate(ctx)
        if option == b"ack":
            self._acknowledged(ctx, value)
            return False
        if option == b"fack":
            if self.primary.find(ctx) is not None:
                replica.append_only_offset = integer(value)
            return True
        if option == b"getack":
            return False  # only a replica has something to answer
        if option == b"listening-port":
            replica.port = integer(value)
        elif option == b"ip-address":
            replica.ip = value[:NETWORK_NAME_BYTES].decode("utf-8", "replace")
        elif option == b"capa":
            replica.capabilities |= {b"eof": CAN_EOF, b"psync2": CAN_PSYNC2}.get(value.lower(), 0)
        elif option == b"rdb-only":
            replica.wants_only_dump = integer_between(value, 0, 1, NOT_INTEGER) == 1
        elif option == b"rdb-filter-only":
            self._filter(replica, value)
        elif option not in (b"version", b"rdb-channel"):
            raise CommandError(f"ERR Unrecognized REPLCONF option: {printable(option)}")
        return True

    def _filter(self, replica: Replica, value: bytes) -> None:
        for word in value.split():
            if word.lower() != b"functions":
                raise CommandError(f"ERR Unsupported rdb-filter-only option: {printable(word)}")
        replica.wants_keys = False
        replica.wants_functions = len(value.split()) != 0

    def _acknowledged(self, ctx: Context, value: bytes) -> None:
        replica = self.primary.find(ctx)
        if replica is None:
            return
        replica.acknowledged = max(replica.acknowledged, integer(value))
        replica.acknowledged_ms = self._server.clock.now_ms
        if replica.starts_on_ack and replica.state == ONLINE:
            replica.starts_on_ack = False
            self._release(replica)
        self._end_waits()

    def add(self, ctx: Context, stream_id: bytes | None, offset: i64) -> None:
        """SYNC (without a stream) or PSYNC: makes a client a replica.

        Args:
            ctx: The client.
            stream_id: The stream it followed; `?` for none.
            offset: The first byte of it that it does not have.

        Raises:
            CommandError: It has unread replies, or wants what it cannot get.
        """
        if ctx.flags & REPLICA:
            return
        if ctx.output_bytes() != 0:
            raise CommandError(PENDING_OUTPUT)
        replica = self.primary.candidate(ctx)
        server = self._server
        server.log(NOTICE, f"Replica {replica.address()} asks for synchronization")
        if stream_id is not None:
            rest = self.primary.continuation(stream_id, offset)
            if rest is not None:
                self._continue(replica, rest)
                return
            if stream_id != b"?":
                self.partial_refusals += 1
        if replica.is_filtered() and replica.capabilities & CAN_EOF == 0:
            raise CommandError(FILTER_NEEDS_EOF)
        self.full_syncs += 1
        replica.is_old = stream_id is None
        replica.state = WAIT_START
        replica.waiting_since_ms = server.clock.now_ms
        self._enlist(replica)
        self._open_stream()
        if not self._share_copy(replica):
            self._start_copy_if_due()

    def _enlist(self, replica: Replica) -> None:
        replica.acknowledged_ms = self._server.clock.now_ms
        replica.ctx.flags |= REPLICA
        replica.ctx.attention |= ONLOOKER
        self.primary.enlist(replica)

    def _continue(self, replica: Replica, rest: bytes) -> None:
        """Gives a replica that comes back what it has missed."""
        self.partial_syncs += 1
        replica.state = ONLINE
        self._enlist(replica)
        out = replica.ctx.out
        if replica.capabilities & CAN_PSYNC2:
            out.write(b"+CONTINUE %b\r\n" % self.primary.id.encode())
        else:
            out.write(b"+CONTINUE\r\n")
        out.write(rest)
        self.stream_bytes += len(rest)
        text = f"Partial resynchronization of replica {replica.address()}: sending {len(rest)} bytes of backlog"
        self._server.log(NOTICE, text)
        self._server.update_refusal()

    # The full copy

    def _share_copy(self, replica: Replica) -> bool:
        """Lets a replica have the snapshot that is being written to disk for another one, if there is such."""
        if self._pipe is not None or not self._server.snapshots.is_saving():
            return False
        for other in self.primary.in_state(WAIT_END):
            if replica.can_share(other):
                self._begin_wait(replica, other.start_offset)
                replica.held = list(other.held)
                connection = replica.ctx
                assert isinstance(connection, Connection)
                for data in replica.held:
                    connection.held_bytes += len(data)
                return True
        return False

    def _begin_wait(self, replica: Replica, offset: i64) -> None:
        """The snapshot for a replica stands for this offset in the stream."""
        replica.start_offset = offset
        replica.state = WAIT_END
        self.primary.forget_selection()
        if not replica.is_old:
            replica.ctx.out.write(b"+FULLRESYNC %b %d\r\n" % (self.primary.id.encode(), int(offset)))
            replica.ctx.flush_soon()

    def _start_copy_if_due(self) -> None:
        """Starts a snapshot for the replicas that wait for one, unless others are to join them or a child is busy."""
        waiting = self.primary.in_state(WAIT_START)
        snapshots = self._server.snapshots
        if not waiting or snapshots.is_occupied():
            return
        first = waiting[0]
        group = [each for each in waiting if each.can_share(first)]
        goes_to_sockets = self._goes_to_sockets(group)
        if goes_to_sockets and not self._is_time(group):
            return
        options = file_options(self._server.settings, self._server.keyspace)
        options.stream = (int(self.primary.selected()), self.primary.id.encode(), int(self.primary.offset))
        options.has_keys, options.has_functions = first.content()
        started = self._start_pipe(group, options) if goes_to_sockets else self._start_file(options)
        if not started:
            for replica in group:
                replica.ctx.write_error("ERR BGSAVE failed, replication can't continue")
                replica.ctx.flags |= CLOSE_AFTER_REPLY
                replica.ctx.flush_soon()
            return
        for replica in group:
            self._begin_wait(replica, self.primary.offset)
        if self._pipe is not None:
            self._server.flush_waiting()
            self._pipe.begin()

    def _goes_to_sockets(self, group: list[Replica]) -> bool:
        can = all(each.capabilities & CAN_EOF for each in group) and self._server.loop is not None
        if not (self._server.snapshots.forks() or group[0].is_filtered()):
            return False  # only a child can write to a pipe
        return can and (self._server.settings.repl_diskless_sync or group[0].is_filtered())

    def _is_time(self, group: list[Replica]) -> bool:
        """Whether repl-diskless-sync-delay is over, or so many wait that nobody else is expected."""
        settings = self._server.settings
        longest_ms = max(self._server.clock.now_ms - each.waiting_since_ms for each in group)
        if longest_ms >= i64(settings.repl_diskless_sync_delay) * SECOND_MS:
            return True
        return 0 < settings.repl_diskless_sync_max_replicas <= len(group)

    def _start_file(self, options: FileOptions) -> bool:
        self._file_is_for_replicas = True
        return self._server.snapshots.start(None, options)

    def _start_pipe(self, group: list[Replica], options: FileOptions) -> bool:
        server = self._server
        reader, writer = os.pipe()
        started = server.snapshots.start(PipeWork(writer, server.settings, server.keyspace, options), options)
        os.close(writer)
        if not started:
            os.close(reader)
            return False
        self._pipe = PipeTransfer(server, self, list(group), reader)
        return True

    def snapshot_ended(self, ok: bool) -> None:
        """A snapshot in the background is over."""
        pipe = self._pipe
        if pipe is not None:
            pipe.child_ended(ok)
        else:
            for replica in self.primary.in_state(WAIT_END):
                self._send_file(replica, ok)
        self._start_copy_if_due()

    def _send_file(self, replica: Replica, ok: bool) -> None:
        """Sends the file that was written for a replica; without one it has to come again."""
        server = self._server
        if not ok:
            server.log(WARNING, f"Snapshot for replica {replica.address()} failed, closing the connection")
            replica.ctx.disconnect()
            return
        replica.state = SENDING
        try:
            transfer = FileTransfer(server, self, replica, path_in(server.settings, server.settings.dbfilename))
        except OSError as error:
            server.log(WARNING, f"Can't open the dump for replica {replica.address()}: {error}")
            replica.ctx.disconnect()
            return
        transfer.begin()

    def pipe_ended(self, pipe: PipeTransfer) -> None:
        """A transfer by pipe is over."""
        if self._pipe is pipe:
            self._pipe = None

    def copy_sent(self, replica: Replica) -> None:
        """A replica has been sent the whole dump."""
        server = self._server
        went_by_pipe = replica.state == WAIT_END
        if replica.wants_only_dump:
            server.log(NOTICE, f"Replica {replica.address()} has the dump it wanted, closing the connection")
            replica.ctx.flags |= CLOSE_AFTER_REPLY
            replica.ctx.flush_soon()
            server.flush_waiting()
            return
        replica.state = ONLINE
        replica.acknowledged_ms = server.clock.now_ms
        server.log(NOTICE, f"Synchronization with replica {replica.address()} succeeded")
        # One that reads up to a mark may take the first of the stream for what follows it; it says when it is ready.
        replica.starts_on_ack = went_by_pipe
        if not replica.starts_on_ack:
            self._release(replica)
        server.update_refusal()
        server.flush_waiting()
        self._remove_unwanted_file()

    def _remove_unwanted_file(self) -> None:
        """Deletes a dump that was written for replicas only, if this server is to leave no data on disk."""
        settings = self._server.settings
        if not (self._file_is_for_replicas and settings.rdb_del_sync_files) or settings.save or settings.appendonly:
            return
        if any(each.state != ONLINE for each in self.primary.replicas.values()):
            return
        self._file_is_for_replicas = False
        try:
            Path(path_in(settings, settings.dbfilename)).unlink()
        except OSError:
            return
        self._server.log(NOTICE, "Removed the dump that was made for replicas: nothing is to stay on disk")

    # The end of a replica

    def client_gone(self, ctx: Context) -> None:
        """A client is gone, replica or not."""
        replica = self.primary.find(ctx)
        self._waiters = [each for each in self._waiters if each.ctx is not ctx]
        if not self.primary.forget(ctx) or replica is None:
            return
        ctx.flags &= ~REPLICA
        self._server.log(NOTICE, f"Connection with replica {replica.address()} lost.")
        if not self.primary.replicas:
            self._alone_since_ms = self._server.clock.now_ms
        if self._pipe is not None and self._pipe.drop(replica):
            self._server.log(NOTICE, "No replica is left that waits for the dataset, ending the child that sends it")
            self._server.snapshots.stop_child()
        self._server.update_refusal()

    # Regular work

    def tick(self, now_ms: i64) -> None:
        """Once a second: pings, timeouts, copies that are due, and the end of the backlog."""
        if now_ms - self._second_ms < SECOND_MS:
            return
        self._second_ms = now_ms
        self._seconds += 1
        settings = self._server.settings
        if self.primary.replicas and self._seconds % settings.repl_ping_replica_period == 0:
            self.feed(NO_DATABASE, PING)
        self._keep_alive()
        self._drop_silent(now_ms)
        self._start_copy_if_due()
        self._give_up_backlog(now_ms)
        if settings.min_replicas_to_write:
            self._server.update_refusal()

    def _keep_alive(self) -> None:
        """A line feed for those that wait for their copy, so that they do not think the link is dead."""
        for replica in self.primary.replicas.values():
            if replica.state == WAIT_START or (replica.state == WAIT_END and self._pipe is None):
                replica.ctx.out.write(b"\n")
                replica.ctx.flush_soon()

    def _drop_silent(self, now_ms: i64) -> None:
        timeout_s = self._server.settings.repl_timeout
        for replica in self.primary.in_state(ONLINE):
            if not replica.is_old and replica.lag_s(now_ms) > timeout_s:
                self._server.log(WARNING, f"Disconnecting timedout replica: {replica.address()}")
                replica.ctx.disconnect()
        if self._pipe is not None:
            for replica in self._pipe.stuck(int(now_ms), timeout_s):
                self._server.log(WARNING, f"Disconnecting timedout replica (full sync): {replica.address()}")
                replica.ctx.disconnect()

    def _give_up_backlog(self, now_ms: i64) -> None:
        ttl_s: i64 = self._server.settings.repl_backlog_ttl
        if self.primary.backlog is None or self.primary.replicas or ttl_s == 0:
            return
        if (now_ms - self._alone_since_ms) // SECOND_MS > ttl_s:
            self.primary.close_backlog()
            self._server.propagation.detach(self._sink)
            self._server.log(NOTICE, f"Replication backlog given up after {ttl_s} seconds without replicas.")

    # Who waits for replicas

    def timeout_count(self) -> int:
        """How many clients wait for replicas until a time. O(waiting clients)."""
        return sum(1 for waiter in self._waiters if waiter.deadline_ms != 0)

    def wait(self, ctx: Context, wanted: int, deadline_ms: i64) -> None:
        """WAIT: blocks a client until so many replicas have what it wrote, or a time (Unix ms; 0 for never)."""
        ctx.flags |= BLOCKED
        self._waiters.append(Waiter(ctx, wanted, deadline_ms))
        self._ask_for_acks()
        loop = self._server.loop
        if deadline_ms != 0 and loop is not None:
            delay_ms = min(max(deadline_ms - self._server.clock.now_ms, 0), LONGEST_TIMER_MS)
            loop.call_later(float(delay_ms) / 1000.0, self._on_timer)

    def _ask_for_acks(self) -> None:
        """Has the replicas say how far they are; not again while nothing was written since they were asked."""
        if self.primary.replicas and self._acks_asked_at != self.primary.offset:
            self.feed(NO_DATABASE, GETACK)
            self._acks_asked_at = self.primary.offset

    def _on_timer(self) -> None:
        self._server.clock.read()
        self._end_waits()
        self._server.flush_waiting()

    def _end_waits(self) -> None:
        """Answers those who have waited long enough."""
        if not self._waiters:
            return
        now_ms = self._server.clock.now_ms
        waiting = self._waiters
        self._waiters = []
        for waiter in waiting:
            reached = self.primary.acknowledged_by(waiter.ctx.write_offset)
            if reached >= waiter.wanted or (waiter.deadline_ms != 0 and now_ms >= waiter.deadline_ms):
                self._end_wait(waiter.ctx, reached)
            else:
                self._waiters.append(waiter)

    def _end_wait(self, ctx: Context, reached: int, error: str = "") -> None:
        ctx.flags &= ~BLOCKED
        self._server.dispatcher.end_wait(ctx, [b"wait"], reached, error)
        ctx.flush_soon()
        self._server.resume(ctx)

    def unblock(self, ctx: Context, error: str) -> bool:
        """CLIENT UNBLOCK: ends a client's WAIT, with an error if there is a text. False if it is in none."""
        for waiter in self._waiters:
            if waiter.ctx is ctx:
                self._waiters.remove(waiter)
                self._end_wait(ctx, self.primary.acknowledged_by(ctx.write_offset), error)
                return True
        return False

    def lacks_replicas(self) -> bool:
        """Whether too few replicas are up for writes to be accepted (min-replicas-to-write)."""
        settings = self._server.settings
        wanted = settings.min_replicas_to_write
        if wanted == 0 or settings.min_replicas_max_lag == 0 or self._server.is_replica():
            return False
        return self.primary.good_replicas(settings.min_replicas_max_lag, self._server.clock.now_ms) < wanted

    # Before the end

    def in_sync(self) -> bool:
        """Whether every replica has everything; asks those that may not."""
        if self.primary.in_sync():
            return True
        self._ask_for_acks()
        self._server.flush_waiting()
        return False

    def report_lagging(self) -> None:
        """Logs at the end who does not have everything."""
        replicas = list(self.primary.replicas.values())
        if not replicas:
            return
        offset = self.primary.offset
        good = 0
        for replica in replicas:
            if replica.acknowledged == offset:
                good += 1
                continue
            behind = offset - replica.acknowledged
            lag = replica.lag_s(self._server.clock.now_ms) if replica.state == ONLINE else 0
            text = f"Lagging replica {replica.address()} reported offset {behind} behind master, lag={lag}"
            self._server.log(NOTICE, f"{text}, state={STATE_NAMES[replica.state]}.")
        self._server.log(NOTICE, f"{good} of {len(replicas)} replicas are in sync when shutting down.")

    # Reports

    def fields(self) -> list[tuple[str, object]]:
        """The replication section of INFO, for a primary."""
        primary = self.primary
        server = self._server
        settings = server.settings
        fields: list[tuple[str, object]] = [
            ("role", "slave" if server.is_replica() else "master"),
            ("connected_slaves", len(primary.replicas)),
        ]
        now_ms = server.clock.now_ms
        if settings.min_replicas_to_write and settings.min_replicas_max_lag:
            good = primary.good_replicas(settings.min_replicas_max_lag, now_ms)
            fields.append(("min_slaves_good_slaves", good))
        for index, replica in enumerate(primary.replicas.values()):
            lag = int(replica.lag_s(now_ms)) if replica.state == ONLINE else 0
            text = f"ip={replica.host()},port={int(replica.port)},state={STATE_NAMES[replica.state]}"
            fields.append((f"slave{index}", f"{text},offset={int(replica.acknowledged)},lag={lag}"))
        backlog = primary.backlog
        return [
            *fields,
            ("master_failover_state", "no-failover"),
            ("master_replid", primary.id),
            ("master_replid2", primary.former_id),
            ("master_repl_offset", int(primary.offset)),
            ("second_repl_offset", int(primary.former_until)),
            ("repl_backlog_active", 0 if backlog is None else 1),
            ("repl_backlog_size", settings.repl_backlog_size),
            ("repl_backlog_first_byte_offset", 0 if backlog is None else int(backlog.first_offset())),
            ("repl_backlog_histlen", 0 if backlog is None else int(backlog.length)),
        ]

    def role(self) -> list[object]:
        """What ROLE answers on a primary."""
        replicas: list[object] = [
            [each.host().encode(), b"%d" % int(each.port), b"%d" % int(each.acknowledged)]
            for each in self.primary.in_state(ONLINE)
        ]
        return [b"master", int(self.primary.offset), replicas]

    def backlog_bytes(self) -> int:
        """The memory of the backlog."""
        backlog = self.primary.backlog
        return 0 if backlog is None else int(backlog.memory_bytes())

    def buffer_bytes(self) -> int:
        """The memory of everything kept for replicas."""
        return self.backlog_bytes() + sum(int(each.ctx.output_bytes()) for each in self.primary.replicas.values())
