"""From a request to its reply: finding the command, the order of refusals, the call and what follows it.

The order in which a command can be refused is behaviour that clients see, so it stands here as one sequence, `_admit`.
Most clients of most servers give no reason for any of those checks (no password pending, no MULTI, no memory limit, no
replica, no monitor): then `attention` is 0 on both sides and the sequence is skipped as a whole.

The clock is read once per command: the end of one command is the start of the next.
"""

from typing import Final

from mypy_extensions import i64

from hognose import errors
from hognose.clock import Clock
from hognose.commands.context import (
    ASKING_NEXT,
    BLOCKED,
    DENY_BLOCKING,
    DIRTY_EXEC,
    IN_MULTI,
    NO_TOUCH,
    ONLOOKER,
    REPLICATION_LINK,
    REPLY_OFF,
    REPLY_SKIP,
    REPLY_SKIP_NEXT,
    RESTRICTED,
    SUBSCRIBED,
    TRACKING,
    UNAUTHENTICATED,
    Context,
    QueuedCommand,
)
from hognose.commands.flags import (
    ADMIN,
    DENYOOM,
    LOADING,
    MAY_REPLICATE,
    NO_AUTH,
    NO_MANDATORY_KEYS,
    NO_MULTI,
    PROTECTED,
    READONLY,
    SKIP_MONITOR,
    SKIP_SLOWLOG,
    STALE,
    WRITE,
)
from hognose.commands.host import Host
from hognose.commands.table import Command, CommandTable
from hognose.errors import CommandError, CountedError
from hognose.keyspace.keyspace import Keyspace
from hognose.resp.reply import NO_REPLY, QUEUED, Reply, encode, write_error
from hognose.telemetry.histogram import Histogram

# Why every client's commands need the full sequence of checks: bits of Dispatcher.attention.
LOADING_DATA: Final = 1 << 0
MEMORY_LIMIT: Final = 1 << 1
MONITORED: Final = 1 << 2
PAUSED: Final = 1 << 3
WRITES_REFUSED: Final = 1 << 4  # persistence failed, too few replicas, or a read-only replica
CLUSTERED: Final = 1 << 5
BUSY: Final = 1 << 6

MOST_PREFIXES: Final = 128
LONGEST_PREFIX: Final = 30
OTHER_PREFIXES: Final = "ERRORSTATS_OVERFLOW"
"""How errors are counted by prefix, as Valkey does it: so many prefixes of so many characters; the others together."""

RUNS_SCRIPT: Final = SKIP_MONITOR | NO_MANDATORY_KEYS
"""What only EVAL, FCALL and their kin are."""

TRANSACTION_WORDS: Final = ("exec", "discard", "multi", "watch", "quit", "reset")
ENDS_OF_TRANSACTIONS: Final = ("exec", "discard", "quit", "reset")
SUBSCRIBER_WORDS: Final = (
    "ping",
    "subscribe",
    "ssubscribe",
    "psubscribe",
    "unsubscribe",
    "sunsubscribe",
    "punsubscribe",
    "quit",
    "reset",
)


class Dispatcher:
    """Runs the commands of one server's clients.

    Attributes:
        attention: Reasons for the full sequence of checks.
        slow_us: Commands that take at least this many microseconds go to the slow log; negative: none do.
        tracks_latency: Whether durations are counted per command (latency-tracking).
        total_commands: How many ran (INFO total_commands_processed).
        error_counts: Error replies by prefix (INFO errorstats).
    """

    def __init__(self, host: Host, table: CommandTable) -> None:
        self.host: Final = host
        self.table: Final = table
        self.keyspace: Final[Keyspace] = host.keyspace
        self.clock: Final[Clock] = host.clock
        self._by_name: Final[dict[bytes, Command]] = table.by_name
        self.attention: i64 = 0
        self.slow_us: i64 = 10_000
        self.spike_us: i64 = 0
        self.tracks_latency = True
        self.total_commands: i64 = 0
        self.total_errors: i64 = 0
        self.error_counts: dict[str, int] = {}
        self.depth: i64 = 0
        self._last_name = b""
        self._last_command: Command | None = None
        self._again = False  # the command running now was shown to monitors when it came

    def execute(self, ctx: Context, argv: list[bytes]) -> None:
        """Runs one request of a client and appends its reply to the client's output."""
        name = argv[0]
        # Pipelines repeat one command: comparing with the last name is cheaper than hashing this one.
        if name == self._last_name:
            command = self._last_command
        else:
            command = self._by_name.get(name)
            if command is not None:
                self._last_name = name
                self._last_command = command
        if command is None or command.is_container:
            command = self._find(ctx, argv)
            if command is None:
                return
        count: i64 = len(argv)
        if count < command.least or count > command.most:
            command.rejected += 1
            self._refuse_malformed(ctx, command, errors.wrong_number_of_arguments(command.name).text)
            return
        if ctx.attention | self.attention != 0:
            self._execute_watchfully(ctx, command, argv)
            return
        self.call(ctx, command, argv)

    def _find(self, ctx: Context, argv: list[bytes]) -> Command | None:
        """The command, by the slow road: any case, subcommands. Answers the client if there is none."""
        command = self.table.find(argv)
        if command is None:
            if not self.host.drops_browser(ctx, argv[0]):
                self._refuse_malformed(ctx, None, errors.unknown_command(argv).text)
            return None
        if command.is_container and command.handler is None:
            if len(argv) > 1:
                text = errors.unknown_subcommand(errors.printable(argv[1]), command.name.upper()).text
                self._refuse_malformed(ctx, None, text)
            else:
                command.rejected += 1
                self._refuse_malformed(ctx, command, errors.wrong_number_of_arguments(command.name).text)
            return None
        return command

    def _refuse_malformed(self, ctx: Context, command: Command | None, text: str) -> None:
        """Refuses a request that is no command, or too short or long for it.

        It is the client's last one all the same: CLIENT LIST shows it, and what a client asked for the next command
        (CLIENT REPLY SKIP, CLIENT CACHING, ASKING) was for this one.
        """
        ctx.command = command
        self._reject(ctx, command, text)
        if ctx.attention != 0:
            self._command_over(ctx, command, ctx.attention)

    def _reject(self, ctx: Context, command: Command | None, text: str) -> None:
        """Refuses a command. EXEC gives up its transaction, whatever it is that speaks against it."""
        if command is not None and command.name == "exec":
            if ctx.attention & IN_MULTI:
                self.host.discard_transaction(ctx)
            text = errors.EXECABORT_BECAUSE + text.removeprefix("ERR ")
        self.refuse(ctx, text)

    def refuse(self, ctx: Context, text: str) -> None:
        """Answers with an error instead of running a command; an open transaction is spoilt by it."""
        if ctx.attention & IN_MULTI:
            ctx.flags |= DIRTY_EXEC
        self.count_error(text)
        if ctx.attention & (REPLY_OFF | REPLY_SKIP) == 0:
            write_error(ctx.out, text)

    def count_error(self, text: str, is_custom: bool = False) -> None:
        """Counts an error reply by its prefix.

        Args:
            text: The error.
            is_custom: A script made it up; those get no prefixes of their own once there are many.
        """
        self.total_errors += 1
        end = text.find(" ", 0, LONGEST_PREFIX + 1)
        prefix = "ERR" if end < 0 else text[:end]
        counts = self.error_counts
        if is_custom and prefix not in counts and len(counts) >= MOST_PREFIXES:
            prefix = OTHER_PREFIXES
        counts[prefix] = counts.get(prefix, 0) + 1

    # The call

    def call(self, ctx: Context, command: Command, argv: list[bytes]) -> None:
        """Runs a command that nothing speaks against."""
        keyspace = self.keyspace
        handler = command.handler
        assert handler is not None
        dirty = keyspace.dirty
        start = self.clock.now_us
        ctx.command = command
        self.depth += 1
        try:
            reply = handler(ctx, argv)
            if reply is not NO_REPLY:
                encode(ctx.out, reply, ctx.resp)
        except CommandError as error:
            command.failed += 1
            if not isinstance(error, CountedError):
                self.count_error(error.text)
            write_error(ctx.out, error.text)
        except Exception as bug:  # noqa: BLE001 - a bug of ours must not end the server
            self._internal_error(ctx, command, argv, bug)
        self.depth -= 1
        if self.attention & MONITORED and command.flags & (SKIP_MONITOR | ADMIN) == 0 and not self._again:
            self.host.feed_monitors(ctx, command, argv)
        keyspace.settle_memory()
        if self.host.propagating and (keyspace.dirty > dirty or self.host.effects_pending):
            self.host.command_changed(ctx, command, argv, keyspace.dirty > dirty)
        ctx.rewritten = None
        duration = self.clock.read() - start
        if ctx.flags & BLOCKED == 0:
            self._record(ctx, command, argv, duration)
        if self.depth == 0 and self.host.keys_ready:
            self.host.serve_blocked()

    def _record(self, ctx: Context, command: Command, argv: list[bytes], duration: i64) -> None:
        """Enters a command that is over into the statistics; one that blocked is over when it is served."""
        command.calls += 1
        command.microseconds += duration
        self.total_commands += 1
        if self.tracks_latency:
            histogram = command.histogram
            if histogram is None:
                histogram = Histogram()
                command.histogram = histogram
            histogram.record(duration)
        if (duration >= self.slow_us and self.slow_us >= 0) or (self.spike_us > 0 and duration >= self.spike_us):
            self._note_slow(ctx, command, argv, duration)

    def run_again(self, ctx: Context, argv: list[bytes]) -> None:
        """Runs the command of a client that was blocked once more; what speaks against it by now is heard."""
        command = self.table.find(argv)
        assert command is not None
        self._again = True
        if ctx.attention | self.attention != 0:
            self._execute_watchfully(ctx, command, argv)
        else:
            self.call(ctx, command, argv)
        self._again = False

    def end_wait(self, ctx: Context, argv: list[bytes], reply: Reply, error: str = "") -> None:
        """Answers a client, not BLOCKED any more, whose command ends without running again: timeout, CLIENT UNBLOCK.

        Args:
            ctx: The client.
            argv: The command.
            reply: What it answers.
            error: What it answers instead, if not empty.
        """
        command = self.table.find(argv)
        assert command is not None
        if error:
            command.failed += 1
        self._record(ctx, command, argv, 0)
        if error:
            self.refuse(ctx, error)
        elif ctx.attention & (REPLY_OFF | REPLY_SKIP) == 0:
            encode(ctx.out, reply, ctx.resp)
        self._command_over(ctx, command, ctx.attention)

    def call_nested(self, ctx: Context, command: Command, argv: list[bytes]) -> Reply:
        """Runs a command inside another, as scripts do; its effects are part of the outer command's unit.

        The outer command has to say `ctx.propagate_as()` of itself: its effects are those of what it ran.

        Returns:
            The reply; NO_REPLY if the command wrote to `ctx.out` itself.

        Raises:
            CommandError: The command's error; it is counted here already.
        """
        keyspace = self.keyspace
        handler = command.handler
        assert handler is not None
        dirty = keyspace.dirty
        start = self.clock.read()
        ctx.command = command
        self.depth += 1
        try:
            return handler(ctx, argv)
        except CommandError as error:
            command.failed += 1
            if not isinstance(error, CountedError):
                self.count_error(error.text)
            raise
        finally:
            self.depth -= 1
            if self.attention & MONITORED and command.flags & (SKIP_MONITOR | ADMIN) == 0:
                self.host.feed_monitors(ctx, command, argv)
            keyspace.settle_memory()
            if self.host.propagating and (keyspace.dirty > dirty or self.host.effects_pending):
                self.host.command_changed(ctx, command, argv, keyspace.dirty > dirty)
            ctx.rewritten = None
            self._record(ctx, command, argv, self.clock.read() - start)

    def _internal_error(self, ctx: Context, command: Command, argv: list[bytes], error: Exception) -> None:
        """A handler raised what no handler should: the client is told, the log gets the traceback."""
        command.failed += 1
        self.count_error(errors.INTERNAL)
        self.host.internal_error(ctx, command, argv, error)
        write_error(ctx.out, errors.INTERNAL)

    def _note_slow(self, ctx: Context, command: Command, argv: list[bytes], duration: i64) -> None:
        """A command took long: slow log and latency monitor."""
        if self.slow_us >= 0 and duration >= self.slow_us and command.flags & SKIP_SLOWLOG == 0:
            self.host.slow_command(ctx, argv, duration)
        if self.spike_us > 0 and duration >= self.spike_us:
            self.host.latency_spike(command, duration)

    # The full sequence of checks

    def _execute_watchfully(self, ctx: Context, command: Command, argv: list[bytes]) -> None:
        """Runs a request with every check, and with what CLIENT REPLY, NO-TOUCH and ASKING ask for around it."""
        before = ctx.attention
        ctx.command = command
        self.keyspace.touches = before & NO_TOUCH == 0 or command.name == "touch"
        tracks = before & TRACKING != 0
        invalidation = self.host.invalidation
        if tracks:
            invalidation.trim(self.host.settings.tracking_table_max_keys)
        outer = invalidation.current
        mark: i64 = len(ctx.out)
        if self._admit(ctx, command, argv):
            # Only from here on: what checking the command evicts is reported before its reply.
            invalidation.current = ctx if tracks else outer
            ctx.holds_pushes = True
            self.call(ctx, command, argv)
            ctx.holds_pushes = False
            if tracks:
                invalidation.remember(ctx, command, argv)
        self.keyspace.touches = True
        silent = before & ctx.attention & (REPLY_OFF | REPLY_SKIP) != 0
        if silent and ctx.flags & BLOCKED == 0:
            ctx.out.truncate(mark)
        if tracks:
            invalidation.current = outer
        self._command_over(ctx, command, before)
        if ctx.held_pushes:
            ctx.release_pushes()
        if tracks:
            invalidation.send_own_changes(ctx)

    def _command_over(self, ctx: Context, command: Command | None, before: i64) -> None:
        """Ends what a client has asked for one command only; a command that waits, or is kept back, is not over.

        Args:
            ctx: The client.
            command: The command that is over; None if there is none of that name.
            before: The client's attention when the command began.
        """
        if ctx.flags & BLOCKED:
            return
        if before & ASKING_NEXT:
            ctx.attention &= ~ASKING_NEXT
        if before & REPLY_SKIP:
            ctx.attention &= ~REPLY_SKIP
        if ctx.attention & REPLY_SKIP_NEXT:
            ctx.attention = (ctx.attention & ~REPLY_SKIP_NEXT) | REPLY_SKIP
        if before & TRACKING:
            was_client = command is not None and command.name.startswith("client|")
            self.host.invalidation.command_over(ctx, ctx.attention & IN_MULTI != 0, was_client)

    def _admit(self, ctx: Context, command: Command, argv: list[bytes]) -> bool:
        """Whether the command may run now; if not, the client has got its answer. The order is behaviour."""
        flags = command.flags
        is_exec = command.name == "exec"
        if is_exec:
            for queued in ctx.queued:
                flags |= queued.flags & (WRITE | DENYOOM | MAY_REPLICATE)
        elif flags & RUNS_SCRIPT == RUNS_SCRIPT:
            flags = self.host.scripts().command_flags(argv, flags)
        reason = self._refusal(ctx, command, argv, flags)
        if reason is not None:
            command.rejected += 1
            self._reject(ctx, command, reason)
            return False
        if self.attention & PAUSED and ctx.attention & REPLICATION_LINK == 0 and self.host.postpone(ctx, argv, flags):
            ctx.flags |= BLOCKED
            return False
        if ctx.attention & IN_MULTI and ctx.flags & DENY_BLOCKING == 0 and command.name not in TRANSACTION_WORDS:
            ctx.queued.append(QueuedCommand(command, argv, flags))
            for argument in argv:
                ctx.queued_bytes += len(argument)
            encode(ctx.out, QUEUED, ctx.resp)
            return False
        return True

    def _refusal(self, ctx: Context, command: Command, argv: list[bytes], flags: i64) -> str | None:
        """Why the command may not run, in the order real servers check; None if nothing speaks against it."""
        if flags & PROTECTED:
            kept_out = self.host.protected_refusal(ctx, command)
            if kept_out is not None:
                return kept_out
        if ctx.attention & UNAUTHENTICATED and flags & NO_AUTH == 0:
            return errors.NOAUTH
        if ctx.attention & IN_MULTI and flags & NO_MULTI:
            return "ERR Command not allowed inside a transaction"
        if ctx.attention & RESTRICTED:
            denied = self.host.access_denied(ctx, command, argv)
            if denied is not None:
                return denied
        if ctx.attention & REPLICATION_LINK:
            return None
        if self.attention & CLUSTERED:
            redirect = self.host.redirect(ctx, command, argv)
            if redirect is not None:
                return redirect
        if self.attention & MEMORY_LIMIT and not self.host.make_room():
            # Queued commands take memory as well, whatever they do.
            queues = ctx.attention & IN_MULTI != 0 and command.name not in ENDS_OF_TRANSACTIONS
            if flags & DENYOOM or queues:
                return errors.OUT_OF_MEMORY
        if self.attention & WRITES_REFUSED and (flags & WRITE or command.name == "ping"):
            refused = self.host.writes_refused(ctx, command)
            if refused is not None:
                return refused
        if ctx.attention & SUBSCRIBED and ctx.resp == 2 and command.name not in SUBSCRIBER_WORDS:
            return (
                f"ERR Can't execute '{command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                "allowed in this context"
            )
        if self.attention & WRITES_REFUSED and flags & STALE == 0 and self.host.stale():
            return errors.MASTERDOWN
        if self.attention & LOADING_DATA and flags & LOADING == 0:
            return errors.LOADING
        if self.attention & BUSY:
            refused = self.host.busy_refusal(ctx, command, argv)
            if refused is not None:
                return refused
        if ctx.attention & ONLOOKER and flags & (WRITE | READONLY | MAY_REPLICATE):
            return "ERR Replica can't interact with the keyspace"
        return None
