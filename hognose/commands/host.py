"""The server as commands see it.

Commands live below the server: what they need of it they ask of this base class, which the real server, the in-process
test server and the embedded one derive from.
"""

from typing import TYPE_CHECKING, Final

from librt.random import Random
from mypy_extensions import i64

from hognose.clock import Clock
from hognose.commands.context import REPLICATION_LINK, Context
from hognose.commands.flags import FAST
from hognose.commands.invalidation import Invalidation
from hognose.commands.migrate_links import MigrateLinks
from hognose.commands.scripts import Scripts
from hognose.commands.subscriptions import PubSub
from hognose.config.store import Config, is_allowed
from hognose.datastructures.quicklist import ListLimits
from hognose.datastructures.setvalue import SetLimits
from hognose.datastructures.zset import ZSetLimits
from hognose.errors import CommandError, protected_command
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.rdb_format import ValueLimits
from hognose.persistence.snapshot import Snapshots
from hognose.resp.reply import Reply
from hognose.telemetry.latency import LatencyMonitor
from hognose.telemetry.slowlog import SlowLog

if TYPE_CHECKING:
    from hognose.commands.blocking import BlockedRequest
    from hognose.commands.table import Command, CommandTable

DEBUG: Final = 0
VERBOSE: Final = 1
NOTICE: Final = 2
WARNING: Final = 3

# What `Host.rewrite_append_only` answers.
REWRITE_STARTED: Final = 0
REWRITE_SCHEDULED: Final = 1
REWRITE_RUNNING: Final = 2
REWRITE_FAILED: Final = 3

PEAK_RESET_MS: Final = 5000

NOT_MY_PROCESS: Final = "ERR This server is part of another program, which it must not end"


class Host:
    """What commands may ask of the server around them.

    Attributes:
        config: All directives; `settings` has their values.
        slowlog, latency: What took long.
        invalidation: The clients that cache keys themselves.
        pubsub: Who listens to which channels.
        propagating: An AOF is on or a replica is attached, so effects have to be recorded.
        effects_pending: Effects of the running command, such as DELs of expired keys, wait to be propagated.
        keys_ready: Keys that blocked clients wait for have come to life.
        clustered: Whether this is a node of a cluster (cluster-enabled).
        allows_denied_in_scripts: DEBUG SET-DISABLE-DENY-SCRIPTS: scripts may run any command.
        max_string_bytes: Longest string a command may make (proto-max-bulk-len).
        resizes_buffers: Whether clients' buffers for replies shrink when they need less.
        peak_reset_ms: For how long the largest reply counts in that; 0 for ever.
        hash_limits: Up to where hashes are compact (hash-max-listpack-entries and -value).
        list_limits: Up to where lists, and the nodes of long ones, are one listpack (list-max-listpack-size).
        set_limits: Up to where sets are compact (set-max-intset-entries, set-max-listpack-entries and -value).
        zset_limits: Up to where sorted sets are compact (zset-max-listpack-entries and -value).
        value_limits: All of these together, for values that are read from dumps.
        snapshots: The dataset's file.
        migrate_links: Connections over which MIGRATE sends keys.
        access: Users and what they may do; whatever the layer above has put there, which alone knows it.
    """

    def __init__(self, config: Config, keyspace: Keyspace, clock: Clock, random: Random) -> None:
        self.config: Final = config
        self.settings: Final = config.settings
        self.slowlog: Final = SlowLog()
        self.latency: Final = LatencyMonitor()
        self.invalidation: Final = Invalidation(self)
        self.pubsub: Final = PubSub()
        self.keyspace: Final = keyspace
        self.clock: Final = clock
        self.random: Final = random
        self.migrate_links: Final = MigrateLinks()
        self.access: object | None = None
        self.propagating = False
        self.effects_pending = False
        self.keys_ready = False
        self.clustered = False
        self.allows_denied_in_scripts = False
        self.max_string_bytes: i64 = 512 * 1024 * 1024
        self.resizes_buffers = True
        self.peak_reset_ms: i64 = PEAK_RESET_MS
        self.hash_limits: Final = keyspace.hash_limits
        self.list_limits: Final = ListLimits(self.settings.list_max_listpack_size)
        config.on_change("list-max-listpack-size", self._apply_list_limits)
        self.set_limits: Final = SetLimits()
        self._apply_hash_limits()
        self._apply_set_limits()
        config.on_change("hash-max-listpack-entries", self._apply_hash_limits)
        config.on_change("hash-max-listpack-value", self._apply_hash_limits)
        config.on_change("set-max-intset-entries", self._apply_set_limits)
        config.on_change("set-max-listpack-entries", self._apply_set_limits)
        config.on_change("set-max-listpack-value", self._apply_set_limits)
        self.zset_limits: Final = ZSetLimits()
        self._apply_zset_limits()
        config.on_change("zset-max-listpack-entries", self._apply_zset_limits)
        config.on_change("zset-max-listpack-value", self._apply_zset_limits)
        self.value_limits: Final = ValueLimits(self.list_limits, self.hash_limits, self.set_limits, self.zset_limits)
        self.snapshots: Final = Snapshots(keyspace, self.settings, self.value_limits, self.log)

    def _apply_hash_limits(self) -> str:
        self.hash_limits.max_entries = self.settings.hash_max_listpack_entries
        self.hash_limits.max_value_bytes = self.settings.hash_max_listpack_value
        return ""

    def _apply_list_limits(self) -> str:
        self.list_limits.configure(self.settings.list_max_listpack_size)
        return ""

    def _apply_set_limits(self) -> str:
        self.set_limits.max_intset_entries = self.settings.set_max_intset_entries
        self.set_limits.max_listpack_entries = self.settings.set_max_listpack_entries
        self.set_limits.max_value_bytes = self.settings.set_max_listpack_value
        return ""

    def _apply_zset_limits(self) -> str:
        self.zset_limits.max_entries = self.settings.zset_max_listpack_entries
        self.zset_limits.max_value_bytes = self.settings.zset_max_listpack_value
        return ""

    def table(self) -> "CommandTable":
        """The commands of this server."""
        raise NotImplementedError

    def log(self, level: int, text: str) -> None:
        """Writes a line to the log; level DEBUG, VERBOSE, NOTICE or WARNING."""
        raise NotImplementedError

    # Waiting, watching, transactions

    def block(self, ctx: Context, request: "BlockedRequest") -> None:
        """Makes a client wait for keys; see `commands.blocking`."""
        raise NotImplementedError

    def watch(self, ctx: Context, key: bytes) -> None:
        """WATCH: marks the client's transaction as spoilt when the key changes."""
        raise NotImplementedError

    def unwatch_all(self, ctx: Context) -> None:
        """UNWATCH: forgets the client's watched keys."""
        raise NotImplementedError

    def discard_transaction(self, ctx: Context) -> None:
        """Drops the client's queued commands and watched keys."""
        raise NotImplementedError

    def run_queued(self, ctx: Context, command: "Command", argv: list[bytes]) -> None:
        """Runs one command of a transaction; its reply goes to the client's output."""
        raise NotImplementedError

    # Scripts

    def scripts(self) -> Scripts:
        """The scripts and functions of this server."""
        raise NotImplementedError

    def call_nested(self, ctx: Context, command: "Command", argv: list[bytes]) -> Reply:
        """Runs a command of a script; returns its reply, raises what it raises."""
        raise NotImplementedError

    def count_error(self, text: str, is_custom: bool = False) -> None:
        """Enters an error reply into the statistics."""

    def show_to_monitors(self, ctx: Context, argv: list[bytes]) -> None:
        """Shows a command to MONITOR clients before it runs, so that it comes before those it runs itself."""

    def checks_script_calls(self) -> bool:
        """Whether the state of the server (cluster, replica, failed persistence) may refuse commands of scripts."""
        return False

    def script_writes_refused(self, ctx: Context) -> str | None:
        """Why a script that declares that it writes must not begin, or None."""
        return None

    def foreign_keys(self, ctx: Context, command: "Command", argv: list[bytes]) -> str | None:
        """Why a script's command may not use its keys on this node of a cluster, or None."""
        return None

    def must_obey(self, ctx: Context) -> bool:
        """Whether what a client sends has been decided elsewhere: by the primary, or by what the AOF says."""
        return ctx.attention & REPLICATION_LINK != 0

    def set_busy(self, ctx: Context, busy: bool) -> None:
        """A script of a client has run for longer than busy-reply-threshold; or it is over."""

    def serve_while_busy(self) -> None:
        """Answers clients between the instructions of a script that takes long: BUSY, or what is allowed then."""

    def forget_effects(self) -> None:
        """Drops what the running command has done so far from what is propagated."""

    # Clients

    def clients_now(self) -> list[Context]:
        """The connected clients, in the order they connected."""
        return []

    def find_client(self, client_id: i64) -> Context | None:
        """A connected client by its id."""
        return None

    def authenticate(self, ctx: Context, user: bytes, password: bytes, word: bytes) -> bool:
        """Logs a client in as a user; False if the pair is not valid. `word` is the command it came with."""
        raise NotImplementedError

    def start_as_default(self, ctx: Context) -> None:
        """Makes a client the default user, authenticated if that takes no password."""
        ctx.user = "default"
        ctx.set_authenticated(not self.needs_password())

    def needs_password(self) -> bool:
        """Whether the default user takes certain passwords only."""
        return len(self.settings.requirepass) != 0

    def user_exists(self, name: bytes) -> bool:
        """Whether there is such a user."""
        return name == b"default"

    def user_lines(self) -> list[bytes]:
        """What CONFIG REWRITE writes behind the word `user`, one per user."""
        return []

    def pause_clients(self, until_ms: i64, everything: bool) -> None:
        """Keeps back clients' commands, all or only those that may write, until a time (Unix ms)."""
        raise NotImplementedError

    def resume_clients(self) -> None:
        """Ends `pause_clients` now."""
        raise NotImplementedError

    def unblock_client(self, ctx: Context, with_error: bool) -> bool:
        """Ends the wait of a client in a blocking command, as if its time ran out or with an UNBLOCKED error.

        Returns:
            False if it does not wait in such a command.
        """
        return False

    def forget_client_state(self, ctx: Context) -> None:
        """RESET: leaves what the client has joined outside its own object (channels, tracking, monitors, MULTI)."""

    def observe_changes(self) -> None:
        """Has the keyspace report changes of keys if anybody watches or tracks them."""

    def add_monitor(self, ctx: Context) -> None:
        """Makes a client a MONITOR."""
        raise NotImplementedError

    # Reports and the process

    def info(self, sections: list[bytes]) -> bytes:
        """What INFO answers for these section names (none: the default ones)."""
        raise NotImplementedError

    def overhead_bytes(self) -> list[tuple[bytes, int]]:
        """The parts of used_memory that are not keys and values, by the names MEMORY STATS gives them."""
        return []

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        raise NotImplementedError

    def mode(self) -> bytes:
        """b"standalone", b"cluster" or b"sentinel"."""
        return b"cluster" if self.settings.cluster_enabled else b"standalone"

    def role(self) -> list[object]:
        """What ROLE answers."""
        return [b"master", 0, []]

    def rewrite_append_only(self, later: bool) -> i64:
        """BGREWRITEAOF.

        Args:
            later: No child may be made now: inside a transaction.

        Returns:
            REWRITE_STARTED, REWRITE_SCHEDULED, REWRITE_RUNNING (there is one already) or REWRITE_FAILED.
        """
        raise NotImplementedError

    def delay_append_only(self, delay_us: i64) -> None:
        """DEBUG AOF-FLUSH-SLEEP: waits before each write to the append-only file."""
        raise NotImplementedError

    def load_append_only(self) -> bool:
        """DEBUG LOADAOF: replaces the dataset by what the append-only file holds; False, with the reason logged."""
        raise NotImplementedError

    def replica_says(self, ctx: Context, option: bytes, value: bytes) -> bool:
        """One option of REPLCONF (lower case) and its value. Returns whether it is answered."""
        raise NotImplementedError

    def add_replica(self, ctx: Context, stream_id: bytes | None, offset: i64) -> None:
        """PSYNC, or SYNC without a stream: makes a client a replica."""
        raise NotImplementedError

    def replicas_that_have(self, offset: i64) -> int:
        """How many replicas have the replication stream up to an offset."""
        return 0

    def wait_for_replicas(self, ctx: Context, wanted: int, deadline_ms: i64) -> None:
        """WAIT: blocks a client until so many replicas have what it wrote, or a time (Unix ms; 0 for never)."""
        raise NotImplementedError

    def is_loading(self) -> bool:
        """Whether the dataset is being read from disk."""
        return False

    def is_replica(self) -> bool:
        """Whether this server follows a primary."""
        return False

    def last_save_s(self) -> i64:
        """When the dataset was last saved, Unix seconds; the start of the server counts as a save."""
        return self.snapshots.last_save_s

    def request_shutdown(self, ctx: Context, save: bool, nosave: bool, now: bool, force: bool) -> str | None:
        """Ends the server soon. Returns why not, or None."""
        raise NotImplementedError

    def abort_shutdown(self) -> bool:
        """Calls a shutdown that is waiting off; False if there is none."""
        return False

    # DEBUG

    def crash(self, cause: str, number: int) -> None:
        """Ends the process by a signal, with a report in the log.

        Raises:
            CommandError: The process is not the server's own.
        """
        raise CommandError(NOT_MY_PROCESS)

    def set_active_expire(self, enabled: bool) -> None:
        """Whether expired keys are removed without being asked for."""
        raise NotImplementedError

    def set_cron_paused(self, paused: bool) -> None:
        """Stops the server's regular work, or lets it go on."""
        raise NotImplementedError

    def change_replication_id(self) -> None:
        """Takes a new replication id."""
        raise NotImplementedError

    def protected_refusal(self, ctx: Context, command: "Command") -> str | None:
        """Why the configuration keeps a client from DEBUG or MODULE, or None."""
        is_debug = command.name == "debug"
        settings = self.settings
        mode = settings.enable_debug_command if is_debug else settings.enable_module_command
        return None if is_allowed(mode, ctx.is_local()) else protected_command("DEBUG" if is_debug else "MODULE")

    def require_permitted(self, ctx: Context) -> None:
        """Raises the error for a running DEBUG or MODULE command that the configuration keeps the client from."""
        command = ctx.command
        text = self.protected_refusal(ctx, command) if command is not None else None
        if text is not None:
            raise CommandError(text)

    # What the dispatcher asks while it checks a command; the base has no objection to anything.

    def may_read_every_key(self, ctx: Context, argv: list[bytes]) -> bool:
        """Whether the client's user may read any key with the running command; SORT's patterns need that."""
        return True

    def may_run(self, ctx: Context, command: "Command", argv: list[bytes]) -> bool:
        """Whether the client's user may run a command; nothing is logged."""
        return True

    def access_denied(self, ctx: Context, command: "Command", argv: list[bytes], in_script: bool = False) -> str | None:
        """The ACL's refusal of a command of a RESTRICTED client, or of its script, which is logged, or None."""
        return None

    def redirect(self, ctx: Context, command: "Command", argv: list[bytes]) -> str | None:
        """The cluster's redirection or refusal of a command, or None."""
        return None

    def make_room(self) -> bool:
        """Evicts keys until memory is below maxmemory; False if that cannot be done."""
        return True

    def writes_refused(self, ctx: Context, command: "Command") -> str | None:
        """Why writes are refused now (MISCONF, NOREPLICAS, READONLY), or None."""
        return None

    def stale(self) -> bool:
        """Whether this is a replica that lost its primary and must not serve its data."""
        return False

    def busy_refusal(self, ctx: Context, command: "Command", argv: list[bytes]) -> str | None:
        """The BUSY error while a script runs too long, or None for the few commands allowed then."""
        return None

    def postpone(self, ctx: Context, argv: list[bytes], flags: i64) -> bool:
        """Keeps a command for when CLIENT PAUSE is over; False if the pause does not concern it.

        Args:
            ctx: Whose command it is.
            argv: The command.
            flags: Its flags, or for EXEC and scripts what they will do.
        """
        return False

    # What the dispatcher reports.

    def command_changed(self, ctx: Context, command: "Command", argv: list[bytes], changed: bool) -> None:
        """A command changed data (or, with `changed` False, keys expired on its way): propagate the effects."""

    def data_flushed(self) -> None:
        """FLUSHALL has emptied everything: a running snapshot is void, and with save points an empty one is due."""
        self.snapshots.data_flushed()

    def serve_blocked(self) -> None:
        """Serves clients blocked on keys that came to life."""

    def feed_monitors(self, ctx: Context, command: "Command", argv: list[bytes]) -> None:
        """Shows a command to MONITOR clients."""

    def slow_command(self, ctx: Context, argv: list[bytes], duration_us: i64) -> None:
        """A command took longer than slowlog-log-slower-than."""
        self.slowlog.add(
            self.clock.now_ms // 1000,
            duration_us,
            ctx.shown(argv),
            ctx.address(),
            ctx.name,
            self.settings.slowlog_max_len,
        )

    def latency_spike(self, command: "Command", duration_us: i64) -> None:
        """A command took longer than latency-monitor-threshold."""
        event = b"fast-command" if command.flags & FAST else b"command"
        self.latency.note(event, self.clock.now_ms, duration_us // 1000)

    def drops_browser(self, ctx: Context, name: bytes) -> bool:
        """Whether a client was dropped because the name of an unknown command is what browsers send."""
        return False

    def internal_error(self, ctx: Context, command: "Command", argv: list[bytes], error: Exception) -> None:
        """A handler raised what no handler should."""
        raise error
