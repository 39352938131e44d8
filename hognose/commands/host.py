"""The server as commands see it.

Commands live below the server: what they need of it they ask of this base class, which the real server, the in-process
test server and the embedded one derive from.
"""

from typing import TYPE_CHECKING, Final

from librt.random import Random
from mypy_extensions import i64

from hognose.clock import Clock
from hognose.commands.context import Context
from hognose.keyspace.keyspace import Keyspace

if TYPE_CHECKING:
    from hognose.commands.table import Command, CommandTable

DEBUG: Final = 0
VERBOSE: Final = 1
NOTICE: Final = 2
WARNING: Final = 3


class Host:
    """What commands may ask of the server around them.

    Attributes:
        propagating: An AOF is on or a replica is attached, so effects have to be recorded.
        effects_pending: Keys expired or were evicted on the way; their DELs wait to be propagated.
        keys_ready: Keys that blocked clients wait for have come to life.
        max_string_bytes: Longest string a command may make (proto-max-bulk-len).
    """

    def __init__(self, keyspace: Keyspace, clock: Clock, random: Random) -> None:
        self.keyspace: Final = keyspace
        self.clock: Final = clock
        self.random: Final = random
        self.propagating = False
        self.effects_pending = False
        self.keys_ready = False
        self.max_string_bytes: i64 = 512 * 1024 * 1024

    def table(self) -> "CommandTable":
        """The commands of this server."""
        raise NotImplementedError

    def log(self, level: int, text: str) -> None:
        """Writes a line to the log; level DEBUG, VERBOSE, NOTICE or WARNING."""
        raise NotImplementedError

    # What the dispatcher asks while it checks a command; the base has no objection to anything.

    def access_denied(self, ctx: Context, command: "Command", argv: list[bytes]) -> str | None:
        """The ACL's refusal of a command, or None."""
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

    def postpone(self, ctx: Context, command: "Command", argv: list[bytes]) -> bool:
        """Keeps a command for when CLIENT PAUSE is over; False if the pause does not concern it."""
        return False

    # What the dispatcher reports.

    def command_changed(self, ctx: Context, command: "Command", argv: list[bytes], changed: bool) -> None:
        """A command changed data (or, with `changed` False, keys expired on its way): propagate the effects."""

    def serve_blocked(self) -> None:
        """Serves clients blocked on keys that came to life."""

    def feed_monitors(self, ctx: Context, command: "Command", argv: list[bytes]) -> None:
        """Shows a command to MONITOR clients."""

    def slow_command(self, ctx: Context, argv: list[bytes], duration_us: i64) -> None:
        """A command took longer than slowlog-log-slower-than."""

    def latency_spike(self, command: "Command", duration_us: i64) -> None:
        """A command took longer than latency-monitor-threshold."""

    def internal_error(self, ctx: Context, command: "Command", argv: list[bytes], error: Exception) -> None:
        """A handler raised what no handler should."""
        raise error
