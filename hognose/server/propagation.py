"""What goes to the append-only file and to replicas: the effects of commands, and of keys that expire or are evicted.

An effect is a command in a form that does the same everywhere and at any time (SPOP becomes SREM, EXPIRE PEXPIREAT).
Effects collect until the outermost command is over, because only then it is known whether there is one or several:

    SET                               SET
    EXEC of SET and INCR              MULTI SET INCR EXEC
    a script, RENAME of a key that
    had expired, SPOP of many         MULTI ... EXEC
    keys removed by the expiry        DEL, DEL, ...: each is a unit of its own
    cycle or by eviction
    SCAN or RANDOMKEY that meet       DEL, DEL, ...: these keys have nothing to do with each other either
    expired keys

So whoever replays the effects sees all that a client saw happen at once, or none of it. The unit is handed to every
sink before the server does anything else: before clients that waited for a key are served, and before the reply is
sent.

What it is not: it neither encodes nor writes; that is the business of the sinks.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from hognose.commands.context import EVERYWHERE, Context
from hognose.commands.flags import TOUCHES_ARBITRARY_KEYS
from hognose.commands.table import Command

if TYPE_CHECKING:
    from hognose.server.server import Server

ANY_DATABASE: Final = -1
"""The database of commands that need none, MULTI and EXEC: no SELECT goes before them."""
MULTI: Final = [b"MULTI"]
EXEC: Final = [b"EXEC"]


@mypyc_attr(allow_interpreted_subclasses=True)
class Sink:
    """Where effects go.

    Attributes:
        target: TO_APPEND_ONLY_FILE or TO_REPLICAS: which effects it wants; nearly all are for both.
    """

    def __init__(self, target: i64) -> None:
        self.target: i64 = target

    def write(self, db_index: i64, argv: list[bytes]) -> None:
        """Takes the next command.

        Args:
            db_index: The database it belongs to, or ANY_DATABASE.
            argv: The command; not to be changed.
        """
        raise NotImplementedError

    def write_request(self, db_index: i64, argv: list[bytes], request: bytes) -> None:
        """Takes a command that is at hand in wire form as well.

        Args:
            db_index: The database it belongs to.
            argv: The command; not to be changed.
            request: What `argv` looks like on the wire.
        """
        self.write(db_index, argv)


class Effect:
    """A command that waits for the end of its unit.

    Attributes:
        targets: TO_APPEND_ONLY_FILE, TO_REPLICAS or both.
    """

    def __init__(self, db_index: i64, argv: list[bytes], targets: i64) -> None:
        self.db_index: i64 = db_index
        self.argv: Final = argv
        self.targets: i64 = targets


class Propagation:
    """Collects the effects of one server and hands them on.

    Attributes:
        sinks: Where they go. While there are none, nothing is collected.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._pending: list[Effect] = []
        self.sinks: Final[list[Sink]] = []

    def attach(self, sink: Sink) -> None:
        """Gives a sink all effects from now on."""
        self.sinks.append(sink)
        self._server.propagating = True

    def detach(self, sink: Sink) -> None:
        """Gives a sink nothing more. Harmless for one that is not attached."""
        if sink in self.sinks:
            self.sinks.remove(sink)
        if not self.sinks:
            self._server.propagating = False
            self._server.effects_pending = False
            self._pending = []

    def command_changed(self, ctx: Context, command: Command, argv: list[bytes], changed: bool) -> None:
        """A command is over that changed data (`changed`), asked to be propagated anyway, or had keys expire.

        Complexity: O(its effects * sinks).
        """
        targets: i64 = (EVERYWHERE if changed else ctx.forced_targets) & ctx.allowed_targets
        ctx.forced_targets = 0
        is_outermost = self._server.dispatcher.depth == 0
        # What EXEC ran has been collected; EXEC itself is what wraps it.
        if targets != 0 and command.name != "exec":
            rewritten = ctx.rewritten
            if rewritten is None:
                if is_outermost and not self._pending:
                    self._hand_on_request(ctx, argv, targets)
                    self._server.effects_pending = False
                    return
                self._pending.append(Effect(ctx.db.index, argv, targets))
            else:
                for effect in rewritten:
                    self._pending.append(Effect(ctx.db.index, effect, targets))
        if is_outermost:
            self._end_unit(command.flags & TOUCHES_ARBITRARY_KEYS == 0)
        elif self._pending:
            self._server.effects_pending = True

    def happened(self, db_index: i64, argv: list[bytes]) -> None:
        """Something happened that no client's command did: part of the running command, else a unit of its own."""
        if not self.sinks:
            return
        if self._server.dispatcher.depth == 0:
            self._hand_on(db_index, argv, EVERYWHERE)
            return
        self._pending.append(Effect(db_index, argv, EVERYWHERE))
        self._server.effects_pending = True

    def forget(self) -> None:
        """Drops what has collected: the server ends in the middle of a script, and half of one must not be kept."""
        self._pending = []
        self._server.effects_pending = False

    def key_deleted(self, db_index: i64, key: bytes, lazily: bool) -> None:
        """A key expired or was evicted.

        Args:
            lazily: Replicas are to free it in the background (lazyfree-lazy-expire, lazyfree-lazy-eviction).
        """
        self.happened(db_index, [b"UNLINK" if lazily else b"DEL", key])

    def _hand_on(self, db_index: i64, argv: list[bytes], targets: i64) -> None:
        """Gives one command to the sinks that want it."""
        for sink in self.sinks:
            if sink.target & targets:
                sink.write(db_index, argv)

    def _hand_on_request(self, ctx: Context, argv: list[bytes], targets: i64) -> None:
        """Gives the command of a client, just as it came, to the sinks that want it."""
        request = ctx.request_of(argv)
        if request is None:
            self._hand_on(ctx.db.index, argv, targets)
            return
        for sink in self.sinks:
            if sink.target & targets:
                sink.write_request(ctx.db.index, argv, request)

    def _end_unit(self, wraps: bool) -> None:
        """Hands on what has collected; to a sink that gets several commands as one transaction, unless told not to."""
        pending = self._pending
        self._pending = []
        self._server.effects_pending = False
        for sink in self.sinks:
            wanted = [effect for effect in pending if effect.targets & sink.target]
            is_transaction = wraps and len(wanted) > 1
            if is_transaction:
                sink.write(ANY_DATABASE, MULTI)
            for effect in wanted:
                sink.write(effect.db_index, effect.argv)
            if is_transaction:
                sink.write(ANY_DATABASE, EXEC)
