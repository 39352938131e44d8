"""Client-side caching: who may hold which key in a cache of its own, and telling them when it changes.

Two ways to be told, per client:

    default      the server remembers the keys the client has read; a key that changes is reported once and forgotten
    broadcast    the client names prefixes; every change of a key below one is reported, nothing is remembered

Messages are RESP3 pushes, or, redirected to a RESP2 client that subscribes to `__redis__:invalidate`, pub/sub
messages. They never come between a command and its reply: `Context.push` lets those for a client whose command is
running wait until it is over, and broadcasts are collected until all clients that are served together have been, so
that a key that many of them change is told once. Keys are known by name, in whichever database they are.

Source: the documentation of client-side caching in Redis 6.0 and later.
"""

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.context import BROKEN_REDIRECT, PUBSUB, TRACKING, TRACKING_BROADCAST, Context
from hognose.commands.flags import NO_MANDATORY_KEYS, READONLY
from hognose.commands.flags import PUBSUB as OF_PUBSUB
from hognose.commands.keyspec import key_positions
from hognose.resp.reply import Push, Reply, encode

if TYPE_CHECKING:
    from hognose.commands.host import Host
    from hognose.commands.table import Command

CHANNEL: Final = b"__redis__:invalidate"


class Tracker:
    """How one client tracks.

    Attributes:
        opt_in: Only keys read right after CLIENT CACHING YES are remembered.
        opt_out: Keys read right after CLIENT CACHING NO are not.
        no_loop: Changes of its own are not reported.
        caching_given: CLIENT CACHING was called for the command, or transaction, that follows.
        prefixes: In broadcast mode, those it is told of, sorted: the order of messages.
        own_changes: What its running command has changed (None: everything), told when that is over.
    """

    def __init__(self, client: Context, opt_in: bool, opt_out: bool, no_loop: bool) -> None:
        self.client: Final = client
        self.opt_in = opt_in
        self.opt_out = opt_out
        self.no_loop = no_loop
        self.caching_given = False
        self.prefixes: dict[bytes, None] = {}
        self.own_changes: list[bytes | None] = []


class Invalidation:
    """All tracking clients of a server, and what they have read.

    Attributes:
        trackers: By client id.
        current: The client whose command is running, where somebody has to know.
    """

    def __init__(self, host: "Host") -> None:
        self._host: Final = host
        self.trackers: Final[dict[int, Tracker]] = {}
        self.current: Context | None = None
        self._readers: Final[dict[bytes, dict[int, None]]] = {}
        self._has_broadcasters = False
        self._broadcasts: dict[bytes, Context | None] = {}  # who changed the key

    # Switching on and off

    def enable(
        self, ctx: Context, redirect: i64, prefixes: list[bytes] | None, opt_in: bool, opt_out: bool, no_loop: bool
    ) -> None:
        """Makes a client track, or changes how it does. `prefixes` is None outside the broadcast mode."""
        known = self.trackers.get(ctx.id)
        if known is None:
            known = Tracker(ctx, opt_in, opt_out, no_loop)
            self.trackers[ctx.id] = known
        known.opt_in, known.opt_out, known.no_loop = opt_in, opt_out, no_loop
        ctx.attention |= TRACKING
        ctx.flags &= ~(BROKEN_REDIRECT | TRACKING_BROADCAST)
        ctx.redirect = redirect
        if prefixes is not None:
            ctx.flags |= TRACKING_BROADCAST
            known.prefixes = dict.fromkeys(sorted([*known.prefixes, *(prefixes or [b""])]))
            self._has_broadcasters = True
        self._host.observe_changes()

    def prefixes_of(self, ctx: Context) -> int:
        """How many prefixes a client is told of. O(1)."""
        tracker = self.trackers.get(ctx.id)
        return 0 if tracker is None else len(tracker.prefixes)

    def disable(self, ctx: Context) -> None:
        """Ends tracking. What the client has read is forgotten as those keys change."""
        if self.trackers.pop(ctx.id, None) is None:
            return
        ctx.attention &= ~TRACKING
        ctx.flags &= ~(BROKEN_REDIRECT | TRACKING_BROADCAST)
        ctx.redirect = 0
        self._has_broadcasters = any(tracker.prefixes for tracker in self.trackers.values())
        if not self.trackers:
            self._readers.clear()
        self._host.observe_changes()

    # Reading

    def remember(self, ctx: Context, command: "Command", argv: list[bytes]) -> None:
        """Notes the keys a tracking client has just read. O(keys)."""
        tracker = self.trackers.get(ctx.id)
        if tracker is None or ctx.flags & TRACKING_BROADCAST or command.flags & READONLY == 0:
            return
        if (tracker.opt_in and not tracker.caching_given) or (tracker.opt_out and tracker.caching_given):
            return
        if command.flags & (OF_PUBSUB | NO_MANDATORY_KEYS):  # a script's keys count as its commands read them
            return
        for position in key_positions(command.spec.keys, argv) or []:
            self._readers.setdefault(argv[position], {})[ctx.id] = None

    def command_over(self, ctx: Context, in_transaction: bool, was_client: bool) -> None:
        """A tracking client's command is done: what CLIENT CACHING said of it no longer holds.

        Args:
            ctx: The client.
            in_transaction: It is between MULTI and EXEC, so CLIENT CACHING holds on.
            was_client: The command was CLIENT CACHING itself or another subcommand of CLIENT, which it outlasts.
        """
        tracker = self.trackers.get(ctx.id)
        if tracker is not None and not in_transaction and not was_client:
            tracker.caching_given = False

    # Changes

    def key_changed(self, key: bytes) -> None:
        """A key was changed, deleted, evicted or has expired."""
        if self._has_broadcasters:
            self._broadcasts[key] = self.current
        self._forget(key)

    def _forget(self, key: bytes) -> None:
        """Tells those who have read a key that they no longer hear of it."""
        current = self.current
        readers = self._readers.pop(key, None)
        if readers is None:
            return
        for client_id in readers:
            tracker = self.trackers.get(client_id)
            if tracker is None or tracker.client.flags & TRACKING_BROADCAST:
                continue
            if tracker.client is not current or not tracker.no_loop:
                self._tell(tracker, key)

    def everything_changed(self) -> None:
        """All keys are gone (FLUSHALL, FLUSHDB)."""
        for tracker in self.trackers.values():
            self._tell(tracker, None)
        self._readers.clear()

    def _tell(self, tracker: Tracker, key: bytes | None) -> None:
        """Tells a client of a key, or of all; of what it does itself, behind all else that its command brings it."""
        client = tracker.client
        if client is self.current and client.holds_pushes:
            tracker.own_changes.append(key)
        else:
            self._send(client, None if key is None else [key])

    def send_own_changes(self, ctx: Context) -> None:
        """Tells a client whose command is over what that has changed."""
        tracker = self.trackers.get(ctx.id)
        if tracker is not None and tracker.own_changes:
            changes = tracker.own_changes
            tracker.own_changes = []
            for key in changes:
                self._send(ctx, None if key is None else [key])

    def has_broadcasts(self) -> bool:
        """Whether `send_broadcasts` has something to do."""
        return len(self._broadcasts) != 0

    def send_broadcasts(self) -> None:
        """Tells the clients in broadcast mode what has changed since the last time.

        Prefixes and keys go in their order, as real servers send them. O(clients * prefixes * keys changed).
        """
        authors = self._broadcasts
        changed = sorted(authors)
        self._broadcasts = {}
        for tracker in self.trackers.values():
            for prefix in tracker.prefixes:
                keys = [
                    key
                    for key in changed
                    if key.startswith(prefix) and not (tracker.no_loop and authors[key] is tracker.client)
                ]
                if keys:
                    self._send(tracker.client, keys)

    def trim(self, max_keys: i64) -> None:
        """Keeps the memory of read keys below tracking-table-max-keys.

        Who has read what is forgotten is told; who is told of prefixes is not, since nothing has changed.
        """
        while max_keys > 0 and len(self._readers) > max_keys:
            self._forget(next(iter(self._readers)))

    # Messages

    def _send(self, ctx: Context, keys: list[bytes] | None) -> None:
        """Sends a message about some keys, or about all (None)."""
        target = ctx
        is_redirected = ctx.redirect != 0
        if is_redirected:
            found = self._host.find_client(ctx.redirect)
            if found is None:
                ctx.flags |= BROKEN_REDIRECT
                if ctx.resp == 3:
                    push(ctx, Push([b"tracking-redir-broken", int(ctx.redirect)]))
                return
            target = found
        if target.resp == 3:
            push(target, Push([b"invalidate", keys]))
        elif is_redirected and target.flags & PUBSUB:
            push(target, [b"message", CHANNEL, keys])

    # Figures for INFO

    def key_count(self) -> int:
        """How many keys are remembered."""
        return len(self._readers)

    def item_count(self) -> int:
        """How many readers of keys are remembered. O(keys)."""
        return sum(len(readers) for readers in self._readers.values())

    def prefix_count(self) -> int:
        """How many different prefixes are broadcast."""
        return len({prefix for tracker in self.trackers.values() for prefix in tracker.prefixes})


def push(client: Context, message: Reply) -> None:
    """Sends a message in the client's protocol, behind the reply of a command of its own that is running."""
    writer = BytesWriter()
    encode(writer, message, client.resp)
    client.push(writer.getvalue())
