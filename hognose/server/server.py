"""The server: what all its parts hang from, and what commands and connections ask of it."""

import asyncio
import os
import sys
from typing import Final

from librt.random import Random
from mypy_extensions import i64

from hognose import errors
from hognose.acl.control import AccessControl
from hognose.acl.index import CommandIndex
from hognose.acl.user import user_name
from hognose.clock import Clock
from hognose.commands import load_all
from hognose.commands.blocking import UNBLOCKED, BlockedRequest
from hognose.commands.context import (
    BLOCKED,
    CLOSE_AFTER_REPLY,
    DIRTY_CAS,
    DIRTY_EXEC,
    IN_MULTI,
    MONITOR,
    ONLOOKER,
    RESTRICTED,
    TRACKING,
    UNIX_SOCKET,
    Context,
)
from hognose.commands.flags import ALLOW_BUSY
from hognose.commands.host import VERBOSE, WARNING, Host
from hognose.commands.scripts import Scripts
from hognose.commands.table import Command, CommandTable
from hognose.config.directives.process import SHUTDOWN_FORCE, SHUTDOWN_NOSAVE, SHUTDOWN_NOW, SHUTDOWN_SAVE
from hognose.config.store import Config
from hognose.errors import ProtocolError
from hognose.keyspace.expiry import ExpiryCycle
from hognose.keyspace.keyspace import Keyspace
from hognose.resp.reply import Reply
from hognose.scripting.engine import Engine
from hognose.scripting.errors import of_script
from hognose.server.append_only import AppendOnly
from hognose.server.append_only_load import reload_append_only
from hognose.server.append_only_rewrite import AppendOnlyRewrite
from hognose.server.appliers import Appliers
from hognose.server.blocking import BlockingQueues
from hognose.server.browsers import BrowserGuard
from hognose.server.busy import BusyService
from hognose.server.client_limits import ClientLimits, describe
from hognose.server.connection import Connection
from hognose.server.crash import CrashHandler
from hognose.server.crash_report import crash_report
from hognose.server.cron import Cron
from hognose.server.dispatch import CLUSTERED, MONITORED, WRITES_REFUSED, Dispatcher
from hognose.server.freeing import Freeing
from hognose.server.info import InfoReport
from hognose.server.lifecycle import Lifecycle
from hognose.server.listener import ServerListener
from hognose.server.loading import Loading
from hognose.server.log import Log
from hognose.server.memory_limit import MemoryLimit
from hognose.server.migrate_links import IdleMigrateLinks
from hognose.server.monitors import monitor_line
from hognose.server.passes import Passes
from hognose.server.pause import ClientPause
from hognose.server.propagation import Propagation
from hognose.server.replicas import Replicas
from hognose.server.sampling import Rate
from hognose.server.shutdown import Shutdown
from hognose.server.snapshots import SnapshotTask
from hognose.server.statistics import memory_overheads, reset_statistics, resident_bytes
from hognose.server.tls import Tls
from hognose.server.tls_connection import TlsConnection

LONGEST_TIMER_MS: Final = 3_600_000
"""Event loops refuse timers many days ahead; longer waits are armed again every hour."""


class Server(Host):
    """One server.

    Attributes:
        config: All directives.
        executable: The program that was started; for INFO.
        clients: The connected clients by id.
        to_flush: Clients written to outside their own pass, and those that have been served in this round.
        in_round: Sockets are being served; `end_of_round` comes when all that are ready have been.
        cron: What is done regularly.
        replicas: Who follows this server.
        loading: The dataset on its way from disk.
        freeing: Gives back the memory of large values in slices.
        limits: What one client may take.
        tls: The contexts of TLS connections.
        propagation: What goes to the append-only file and to replicas.
        append_only, rewrite: The append-only file, and its being written anew.
        holds_replies: Replies wait until the append-only file is written.
        lifecycle: Listening and stopping; None without an event loop.
        crash_handler: Reports the end of the process; None where that is another program's.
        total_in, total_out, reads, writes: Bytes and pieces that came from clients and went to them.
        process_bytes: The resident memory of the process when the server was made.
        commands_rate, input_rate, output_rate: Commands and bytes a second, for INFO.
        peak_memory_bytes: The highest memory use the cron has seen.
    """

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        load_all()
        the_clock = Clock() if clock is None else clock
        random = Random()
        keyspace = Keyspace(the_clock, config.settings.databases, random)
        super().__init__(config, keyspace, the_clock, random)
        self.log_file: Final = Log()
        self.command_table: Final = CommandTable()
        self.dispatcher: Final = Dispatcher(self, self.command_table)
        self.expiry: Final = ExpiryCycle(keyspace)
        self.clients: Final[dict[int, Connection]] = {}
        self.to_flush: list[Connection] = []
        self.in_round = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.run_id: Final = os.urandom(20).hex()
        self.pid: Final = os.getpid()
        self.executable = sys.executable
        self.started_ms: i64 = the_clock.now_ms
        self.next_client_id: i64 = 1
        self.total_in: i64 = 0
        self.total_out: i64 = 0
        self.reads: i64 = 0
        self.writes: i64 = 0
        self.total_connections: i64 = 0
        self.rejected_connections: i64 = 0
        self.peak_memory_bytes: i64 = 0
        self.commands_rate: Final = Rate()
        self.input_rate: Final = Rate()
        self.output_rate: Final = Rate()
        self.lifecycle: Lifecycle | None = None
        self.crash_handler: CrashHandler | None = None
        self.propagation: Final = Propagation(self)
        self.append_only: Final = AppendOnly(self)
        self.rewrite: Final = AppendOnlyRewrite(self, self.append_only)
        self.holds_replies = False
        self.blocking: Final = BlockingQueues(self)
        self.engine: Final = Engine(self)
        self.busy: Final = BusyService(self)
        self.browsers: Final = BrowserGuard(self)
        keyspace.libraries = self.engine.libraries
        self.changes: Final = ServerListener(self)
        keyspace.listener = self.changes
        self._to_resume: list[Connection] = []
        self._resuming = False
        self._wake_at_ms: i64 = 0
        self.tls: Final = Tls(config.settings, self.log)
        self.limits: Final = ClientLimits(self)
        self.loading: Final = Loading(self)
        self.shutdown: Final = Shutdown(self)
        self.cron: Final = Cron(self)
        self.passes: Final = Passes()
        self.freeing: Final = Freeing(self)
        self.pause: Final = ClientPause(self)
        self.monitors: Final[list[Context]] = []
        self.replicas: Final = Replicas(self)
        self.expiry_us: i64 = 0
        self.startup_bytes: i64 = keyspace.used_memory()
        self.process_bytes: Final[i64] = resident_bytes()
        self.memory_limit: Final = MemoryLimit(self)
        self.cron.tasks.append(self.pause)
        self.cron.tasks.append(IdleMigrateLinks(self))
        self.cron.tasks.append(self.freeing)
        self.cron.tasks.append(SnapshotTask(self))
        self.cron.tasks.append(self.replicas)
        self.cron.tasks.append(self.rewrite)
        self.acl: Final = AccessControl(self, CommandIndex(self.command_table))
        self.access = self.acl
        config.on_change("requirepass", self.apply_password)
        config.on_change("client-output-buffer-limit", self.limits.apply)
        Appliers(self).register()

    def table(self) -> CommandTable:
        """The commands of this server."""
        return self.command_table

    def log(self, level: int, text: str) -> None:
        """Writes a line to the log."""
        self.log_file.write(level, text)

    # Clients

    def new_connection(self) -> Connection:
        """Makes the protocol object for a connection that is about to be accepted."""
        client_id = self.next_client_id
        self.next_client_id += 1
        return Connection(self, client_id)

    def new_unix_connection(self) -> Connection:
        """The same for a connection to the unix socket."""
        connection = self.new_connection()
        connection.flags |= UNIX_SOCKET
        return connection

    def new_tls_connection(self) -> Connection:
        """The same for a connection to the TLS port."""
        client_id = self.next_client_id
        self.next_client_id += 1
        return TlsConnection(self, client_id)

    def client_connected(self, connection: Connection) -> None:
        """A connection is established: register it, or refuse it."""
        if len(self.clients) >= self.settings.maxclients:
            self._reject(connection, errors.TOO_MANY_CLIENTS)
            return
        self.clients[connection.id] = connection
        if not connection.is_shaking_hands():
            self.welcome(connection)

    def welcome(self, connection: Connection) -> None:
        """A registered connection is ready for commands: serve it from now on, or refuse it."""
        if self.settings.protected_mode and not self.needs_password() and not connection.is_local():
            self.clients.pop(connection.id, None)
            self._reject(connection, errors.PROTECTED_MODE)
            return
        self.total_connections += 1
        self.start_as_default(connection)

    def _reject(self, connection: Connection, text: str) -> None:
        """Tells a client why it is not served, and closes."""
        self.rejected_connections += 1
        connection.write_error(text)
        connection.flags |= CLOSE_AFTER_REPLY
        connection.flush()

    def client_gone(self, connection: Connection) -> None:
        """A connection is closed."""
        self.clients.pop(connection.id, None)
        if connection.flags & BLOCKED:
            self.pause.forget(connection)
            self.shutdown.forget(connection)
        self.memory_limit.note_client(connection)
        self.forget_client_state(connection)
        self.blocking.release(connection)
        self.replicas.client_gone(connection)
        self.discard_transaction(connection)

    def end_of_pass(self, connection: Connection) -> None:
        """A client's input is used up for now: send its replies, together with those of whom else is served now."""
        if self.in_round and connection.flags & CLOSE_AFTER_REPLY == 0:
            connection.flush_soon()
        else:
            connection.flush()
        if self.pause.due:
            self.pause.run_released()
        if self.cron.has_expired_keys:
            self.cron.between_passes()
        if self._to_resume:
            self.flush_waiting()
        elif not self.in_round:
            self.end_of_round()

    def end_of_round(self) -> None:
        """Sends what the clients served together have written to others, and tells of the keys they have changed."""
        if self.to_flush or self.invalidation.has_broadcasts():
            self.flush_waiting()

    def flush_waiting(self) -> None:
        """Sends what was written to clients outside their own passes; goes on with those that are blocked no more."""
        if self.invalidation.has_broadcasts():
            self.invalidation.send_broadcasts()
        self.flush_replies()
        if self._to_resume:
            self._resume_released()

    def flush_replies(self) -> None:
        """Hands what was written to clients outside their own passes, or kept for the end of the round, to sockets."""
        while self.to_flush:
            waiting = self.to_flush
            self.to_flush = []
            for other in waiting:
                other.flush()
            if self.memory_limit.client_eviction.is_on:
                for other in waiting:
                    self.memory_limit.client_eviction.check(other)

    # Waiting, watching, transactions

    def block(self, ctx: Context, request: BlockedRequest) -> None:
        """Makes a client wait for keys."""
        self.blocking.block(ctx, request)

    def serve_blocked(self) -> None:
        """Serves the clients that wait for keys that came to life."""
        self.blocking.serve()

    def unblock_client(self, ctx: Context, with_error: bool) -> bool:
        """CLIENT UNBLOCK. False if the client does not wait in a blocking command."""
        request = self.blocking.requests.get(ctx.id)
        if request is None:
            return self.replicas.unblock(ctx, UNBLOCKED if with_error else "")
        if with_error:
            self.blocking.unblock_with_error(ctx)
        else:
            self.blocking.unblock(ctx, request.timeout_reply)
        return True

    def wake_at(self, deadline_ms: i64) -> None:
        """Sees to it that blocked clients whose time is over at `deadline_ms` (Unix) are answered then."""
        loop = self.loop
        if loop is None or (self._wake_at_ms != 0 and self._wake_at_ms <= deadline_ms):
            return
        self._wake_at_ms = deadline_ms
        delay: i64 = deadline_ms - self.clock.now_ms
        loop.call_later(min(delay, LONGEST_TIMER_MS) / 1000 if delay > 0 else 0, self.end_waits)

    def end_waits(self) -> None:
        """Answers the blocked clients whose time is over."""
        self._wake_at_ms = 0
        self.clock.read()
        following = self.blocking.expire(self.clock.now_ms)
        if following != 0:
            self.wake_at(following)
        self.flush_waiting()

    def resume(self, ctx: Context) -> None:
        """Takes up again, at the end of the running pass, what a client that was blocked has sent meanwhile."""
        if isinstance(ctx, Connection):
            self._to_resume.append(ctx)

    def _resume_released(self) -> None:
        """Goes on with the clients that are blocked no more; that may release others, which come after them."""
        if self._resuming:
            return
        self._resuming = True
        while self._to_resume:
            released = self._to_resume
            self._to_resume = []
            for connection in released:
                if not connection.closed:
                    connection.process()
        self._resuming = False

    def watch(self, ctx: Context, key: bytes) -> None:
        """Marks the client's transaction as spoilt when the key changes."""
        self.changes.watch(ctx, key)

    def unwatch_all(self, ctx: Context) -> None:
        """Forgets the client's watched keys."""
        if ctx.watched:
            self.changes.unwatch_all(ctx)
        ctx.flags &= ~DIRTY_CAS

    def discard_transaction(self, ctx: Context) -> None:
        """Drops the client's queued commands and watched keys."""
        ctx.queued = []
        ctx.queued_bytes = 0
        ctx.attention &= ~IN_MULTI
        ctx.flags &= ~DIRTY_EXEC
        self.unwatch_all(ctx)

    def run_queued(self, ctx: Context, command: Command, argv: list[bytes]) -> None:
        """Runs one command of a transaction."""
        if ctx.attention & RESTRICTED:
            refusal = self.acl.refusal_at_exec(ctx, command, argv)
            if refusal is not None:
                self.dispatcher.count_error(refusal)
                ctx.write_error(refusal)
                return
        outer = ctx.command
        self.dispatcher.call(ctx, command, argv)
        ctx.command = outer  # CLIENT LIST shows EXEC
        if ctx.attention & TRACKING:
            self.invalidation.remember(ctx, command, argv)

    def check_output_limit(self, connection: Connection) -> None:
        """Closes a client that has more unread replies than client-output-buffer-limit allows."""
        self.limits.check_output(connection)

    def clients_now(self) -> list[Context]:
        """The connected clients, in the order they connected."""
        return list(self.clients.values())

    def find_client(self, client_id: i64) -> Context | None:
        """A connected client by its id."""
        return self.clients.get(client_id)

    # Users

    def authenticate(self, ctx: Context, user: bytes, password: bytes, word: bytes) -> bool:
        """Logs a client in as a user; False if the pair is not valid."""
        return self.acl.authenticate(ctx, user, password, word)

    def start_as_default(self, ctx: Context) -> None:
        """Makes a client the default user, authenticated if that takes no password."""
        self.acl.start_as_default(ctx)

    def needs_password(self) -> bool:
        """Whether the default user takes certain passwords only."""
        return self.acl.has_password()

    def apply_password(self) -> str:
        """Applier of `requirepass`: clients that came while there was none stay, others wait for AUTH again."""
        self.acl.set_default_password(self.settings.requirepass)
        return ""

    def user_exists(self, name: bytes) -> bool:
        """Whether there is such a user."""
        return user_name(name) in self.acl.users

    def user_lines(self) -> list[bytes]:
        """What CONFIG REWRITE writes behind the word `user`, one per user."""
        return [user.line() for user in self.acl.sorted_users()]

    def may_read_every_key(self, ctx: Context, argv: list[bytes]) -> bool:
        """Whether the client's user may read any key with the running command."""
        command = ctx.command
        return command is None or self.acl.may_read_every_key(ctx, command, argv)

    def may_run(self, ctx: Context, command: Command, argv: list[bytes]) -> bool:
        """Whether the client's user may run a command; nothing is logged."""
        return self.acl.denial_of(ctx, command, argv) is None

    def access_denied(self, ctx: Context, command: Command, argv: list[bytes], in_script: bool = False) -> str | None:
        """The ACL's refusal of a command, which is logged, or None."""
        return self.acl.refusal(ctx, command, argv, in_script)

    # Clients

    def blocked_clients(self) -> int:
        """How many clients wait in a blocking command or for the end of a pause. O(clients)."""
        return sum(1 for client in self.clients.values() if client.flags & BLOCKED)

    def forget_client_state(self, ctx: Context) -> None:
        """Leaves what the client has joined outside its own object."""
        self.pubsub.forget(ctx)
        self.invalidation.disable(ctx)
        if ctx.flags & MONITOR:
            self.monitors.remove(ctx)
            ctx.flags &= ~MONITOR
            ctx.attention &= ~ONLOOKER
            if not self.monitors:
                self.dispatcher.attention &= ~MONITORED

    def observe_changes(self) -> None:
        """Has the keyspace report changes of keys if anybody watches or tracks them."""
        self.changes.update_observed()

    def add_monitor(self, ctx: Context) -> None:
        """Makes a client a MONITOR."""
        if ctx.flags & MONITOR == 0:
            ctx.flags |= MONITOR
            ctx.attention |= ONLOOKER
            self.monitors.append(ctx)
            self.dispatcher.attention |= MONITORED

    def feed_monitors(self, ctx: Context, command: Command, argv: list[bytes]) -> None:
        """Shows a command to MONITOR clients."""
        line = monitor_line(ctx, argv)
        for monitor in self.monitors:
            if not monitor.hears_nothing():
                monitor.out.write(line)
                monitor.flush_soon()

    def writes_refused(self, ctx: Context, command: Command) -> str | None:
        """Why writes, and PING, are refused now, or None."""
        if self.snapshots.refuses_writes():
            return errors.MISCONF_RDB
        if command.name != "ping" and self.append_only.refusal() is None and self.replicas.lacks_replicas():
            return errors.NOREPLICAS
        return self.append_only.refusal()

    def rewrite_append_only(self, later: bool) -> i64:
        """BGREWRITEAOF."""
        return self.rewrite.request(later)

    def delay_append_only(self, delay_us: i64) -> None:
        """DEBUG AOF-FLUSH-SLEEP."""
        self.append_only.write_delay_us = delay_us

    def load_append_only(self) -> bool:
        """DEBUG LOADAOF."""
        return reload_append_only(self)

    def update_refusal(self) -> None:
        """Has writing commands checked while anything may refuse them."""
        refuses = self.snapshots.refuses_writes() or self.append_only.refusal() is not None
        if refuses or self.replicas.lacks_replicas():
            self.dispatcher.attention |= WRITES_REFUSED
        else:
            self.dispatcher.attention &= ~WRITES_REFUSED

    # Scripts

    def scripts(self) -> Scripts:
        """The scripts and functions of this server."""
        return self.engine

    def call_nested(self, ctx: Context, command: Command, argv: list[bytes]) -> Reply:
        """Runs a command of a script."""
        return self.dispatcher.call_nested(ctx, command, argv)

    def count_error(self, text: str, is_custom: bool = False) -> None:
        """Enters an error reply into the statistics."""
        self.dispatcher.count_error(text, is_custom)

    def show_to_monitors(self, ctx: Context, argv: list[bytes]) -> None:
        """Shows a command to MONITOR clients before it runs."""
        if self.monitors:
            command = ctx.command
            assert command is not None
            self.feed_monitors(ctx, command, argv)

    def checks_script_calls(self) -> bool:
        """Whether the state of the server may refuse commands of scripts."""
        return self.dispatcher.attention & (WRITES_REFUSED | CLUSTERED) != 0

    def script_writes_refused(self, ctx: Context) -> str | None:
        """Why a script that declares that it writes must not begin, or None."""
        command = ctx.command
        assert command is not None
        refused = self.writes_refused(ctx, command) if self.dispatcher.attention & WRITES_REFUSED else None
        return None if refused is None else of_script(refused)

    def set_busy(self, ctx: Context, busy: bool) -> None:
        """A script of a client has run for longer than busy-reply-threshold; or it is over."""
        if busy:
            self.busy.begin(ctx)
        else:
            self.busy.end()

    def serve_while_busy(self) -> None:
        """Answers clients between the instructions of a script that takes long."""
        self.busy.serve()

    def busy_refusal(self, ctx: Context, command: Command, argv: list[bytes]) -> str | None:
        """The BUSY error while a script runs too long, or None for the few commands allowed then."""
        return None if command.flags & ALLOW_BUSY else self.engine.busy_text()

    def forget_effects(self) -> None:
        """Drops what the running command has done so far from what is propagated."""
        self.propagation.forget()

    def command_changed(self, ctx: Context, command: Command, argv: list[bytes], changed: bool) -> None:
        """A command is over that has effects to propagate."""
        self.propagation.command_changed(ctx, command, argv, changed)
        ctx.write_offset = self.replicas.primary.offset

    # CLIENT PAUSE

    def pause_clients(self, until_ms: i64, everything: bool) -> None:
        """Keeps clients' commands back until a time."""
        self.pause.pause(until_ms, everything)

    def resume_clients(self) -> None:
        """Ends the pause now."""
        self.pause.resume()

    def postpone(self, ctx: Context, argv: list[bytes], flags: i64) -> bool:
        """Keeps a command for when the pause is over; False if the pause does not concern it."""
        if not isinstance(ctx, Connection) or not self.pause.holds(flags):
            return False
        self.pause.keep(ctx, argv)
        return True

    # Memory

    def make_room(self) -> bool:
        """Evicts keys until memory is below maxmemory; False if that cannot be done."""
        return self.memory_limit.make_room()

    def note_expiry(self, duration_us: i64) -> None:
        """The cron has spent time on expiring keys."""
        self.expiry_us += duration_us
        self.latency.note(b"expire-cycle", self.clock.now_ms, duration_us // 1000)

    # Reports

    def is_loading(self) -> bool:
        """Whether the dataset is being read from disk."""
        return self.loading.is_on

    def info(self, sections: list[bytes]) -> bytes:
        """What INFO answers."""
        return InfoReport(self).text(sections)

    def overhead_bytes(self) -> list[tuple[bytes, int]]:
        """The parts of used_memory that are not keys and values."""
        return memory_overheads(self)

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        reset_statistics(self)

    # DEBUG

    def crash(self, cause: str, number: int) -> None:
        """Ends the process by a signal, with a report in the log."""
        handler = self.crash_handler
        if handler is None:
            super().crash(cause, number)
            return
        handler.crash(cause, number)

    def set_active_expire(self, enabled: bool) -> None:
        """Whether expired keys are removed without being asked for."""
        self.expiry.enabled = enabled

    def set_cron_paused(self, paused: bool) -> None:
        """Stops the regular work, or lets it go on."""
        self.cron.paused = paused

    def change_replication_id(self) -> None:
        """Takes a new replication id."""
        self.replicas.change_id()

    # Regular work

    def take_samples(self) -> None:
        """Notes for INFO how much is going on; called ten times a second."""
        now_ms = self.clock.now_ms
        self.commands_rate.sample(self.dispatcher.total_commands, now_ms)
        self.input_rate.sample(self.total_in, now_ms)
        self.output_rate.sample(self.total_out, now_ms)
        self.passes.sample(now_ms)
        self.invalidation.trim(self.settings.tracking_table_max_keys)
        self.peak_memory_bytes = max(
            self.peak_memory_bytes, self.keyspace.used_memory() + self.memory_limit.client_bytes
        )

    def after_background_changes(self) -> None:
        """Keys were removed outside any command: settle what a command's end would settle."""
        self.keyspace.settle_memory()
        if self.keys_ready:
            self.serve_blocked()

    # Shutdown

    def request_shutdown(self, ctx: Context, save: bool, nosave: bool, now: bool, force: bool) -> str | None:
        """SHUTDOWN: ends the server. Returns why not, or None."""
        options = SHUTDOWN_SAVE if save else 0
        options |= SHUTDOWN_NOSAVE if nosave else 0
        options |= SHUTDOWN_NOW if now else 0
        options |= SHUTDOWN_FORCE if force else 0
        reason = self.shutdown.request(ctx, options)
        if self.lifecycle is not None and self.lifecycle.is_stopping():
            self.engine.abandon()
        return reason

    def abort_shutdown(self) -> bool:
        """SHUTDOWN ABORT: calls a shutdown off; False if there is none."""
        return self.shutdown.abort()

    # Replicas

    def role(self) -> list[object]:
        """What ROLE answers."""
        return self.replicas.role()

    def replica_says(self, ctx: Context, option: bytes, value: bytes) -> bool:
        """One option of REPLCONF and its value. Returns whether it is answered."""
        return self.replicas.says(ctx, option, value)

    def add_replica(self, ctx: Context, stream_id: bytes | None, offset: i64) -> None:
        """PSYNC, or SYNC without a stream: makes a client a replica."""
        self.replicas.add(ctx, stream_id, offset)

    def replicas_that_have(self, offset: i64) -> int:
        """How many replicas have the replication stream up to an offset."""
        return self.replicas.primary.acknowledged_by(offset)

    def wait_for_replicas(self, ctx: Context, wanted: int, deadline_ms: i64) -> None:
        """WAIT: blocks a client until so many replicas have what it wrote, or a time (Unix ms; 0 for never)."""
        self.replicas.wait(ctx, wanted, deadline_ms)

    def protocol_error(self, connection: Connection, error: ProtocolError) -> None:
        """Logs malformed input."""
        self.log(VERBOSE, f"Protocol error ({error.text}) from client: {describe(connection)}")

    def drops_browser(self, ctx: Context, name: bytes) -> bool:
        """Whether a client was dropped because the name of an unknown command is what browsers send."""
        return self.browsers.drops(ctx, name)

    def internal_error(self, ctx: Context, command: Command, argv: list[bytes], error: Exception) -> None:
        """A bug of ours: the log gets a report, the server lives on."""
        self.log(WARNING, crash_report(ctx, command, argv, error))
