"""Publish and subscribe: who listens to which channels and patterns, and handing them messages.

Three kinds of names are kept apart: channels, patterns over channels, and shard channels, which no pattern reaches.

    name     -> the clients that listen, in the order they came    (to publish)
    client   -> the names it listens to                            (to leave them all)

A message is encoded once for all its receivers; RESP2 and RESP3 differ in its first bytes only:

    RESP2    *3 message channel text         *4 pmessage pattern channel text
    RESP3    >3 message channel text         >4 pmessage pattern channel text

The commands are in `pubsub`; keyspace events come through `publish` as well.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.context import PUBSUB, SUBSCRIBED, Context
from hognose.datastructures.glob import Glob
from hognose.resp.reply import ARRAY_HEADERS, write_bulk

PUSH_HEADERS: Final = [b">%d\r\n" % n for n in range(5)]


class Subscriptions:
    """The subscriptions of one kind.

    Attributes:
        listeners: The clients that listen to a name, by client id; names nobody listens to are not there.
    """

    def __init__(self) -> None:
        self.listeners: Final[dict[bytes, dict[i64, Context]]] = {}
        self._names: Final[dict[i64, dict[bytes, None]]] = {}

    def add(self, ctx: Context, name: bytes) -> None:
        """A client listens to a name from now on. Doing so twice is harmless. O(1)."""
        self.listeners.setdefault(name, {})[ctx.id] = ctx
        self._names.setdefault(ctx.id, {})[name] = None

    def remove(self, ctx: Context, name: bytes) -> None:
        """A client no longer listens to a name, if it did. O(1)."""
        names = self._names.get(ctx.id)
        if names is None or name not in names:
            return
        del names[name]
        if not names:
            del self._names[ctx.id]
        clients = self.listeners[name]
        del clients[ctx.id]
        if not clients:
            del self.listeners[name]

    def names_of(self, ctx: Context) -> list[bytes]:
        """The names a client listens to, in the order it subscribed. O(names)."""
        names = self._names.get(ctx.id)
        return list(names) if names is not None else []

    def count_of(self, ctx: Context) -> i64:
        """How many names a client listens to. O(1)."""
        names = self._names.get(ctx.id)
        return len(names) if names is not None else 0

    def count_listeners(self, name: bytes) -> int:
        """How many clients listen to a name. O(1)."""
        clients = self.listeners.get(name)
        return len(clients) if clients is not None else 0


class PubSub:
    """All subscriptions of a server.

    Attributes:
        channels, patterns, shard_channels: The three kinds.
    """

    def __init__(self) -> None:
        self.channels: Final = Subscriptions()
        self.patterns: Final = Subscriptions()
        self.shard_channels: Final = Subscriptions()
        self._globs: Final[dict[bytes, Glob]] = {}

    def subscribe(self, kind: Subscriptions, ctx: Context, name: bytes) -> None:
        """A client subscribes to a name of one kind. O(1)."""
        kind.add(ctx, name)
        if kind is self.patterns and name not in self._globs:
            self._globs[name] = Glob(name)
        self._update(ctx)

    def unsubscribe(self, kind: Subscriptions, ctx: Context, name: bytes) -> None:
        """A client leaves a name of one kind. O(1)."""
        kind.remove(ctx, name)
        if kind is self.patterns and name not in kind.listeners:
            self._globs.pop(name, None)
        self._update(ctx)

    def forget(self, ctx: Context) -> None:
        """A client leaves everything, and is not told. O(names it listens to)."""
        if ctx.flags & PUBSUB == 0:
            return
        for kind in (self.channels, self.patterns, self.shard_channels):
            for name in kind.names_of(ctx):
                self.unsubscribe(kind, ctx, name)

    def _update(self, ctx: Context) -> None:
        """Notes in the client itself what it listens to."""
        ctx.channels = self.channels.count_of(ctx)
        ctx.patterns = self.patterns.count_of(ctx)
        ctx.shard_channels = self.shard_channels.count_of(ctx)
        if ctx.channels + ctx.patterns + ctx.shard_channels > 0:
            ctx.flags |= PUBSUB
            ctx.attention |= SUBSCRIBED
        else:
            ctx.flags &= ~PUBSUB
            ctx.attention &= ~SUBSCRIBED

    def publish(self, channel: bytes, message: bytes) -> int:
        """Hands a message to the subscribers of a channel, then to those of the patterns that match it.

        Returns:
            How many clients got it; one that matches several ways counts, and gets it, as often.

        Complexity: O(receivers + patterns).
        """
        receivers = 0
        listeners = self.channels.listeners.get(channel)
        if listeners is not None:
            receivers = deliver(listeners, [b"message", channel, message])
        for pattern, glob in self._globs.items():
            if glob.matches(channel):
                receivers += deliver(self.patterns.listeners[pattern], [b"pmessage", pattern, channel, message])
        return receivers

    def publish_to_shard(self, channel: bytes, message: bytes) -> int:
        """Hands a message to the subscribers of a shard channel. Returns how many there are. O(receivers)."""
        listeners = self.shard_channels.listeners.get(channel)
        return deliver(listeners, [b"smessage", channel, message]) if listeners is not None else 0

    def has_listeners(self) -> bool:
        """Whether a message to some channel could reach anybody. O(1)."""
        return len(self.channels.listeners) + len(self._globs) != 0


def deliver(listeners: dict[i64, Context], items: list[bytes]) -> int:
    """Sends one message to clients. Returns how many. O(bytes + clients)."""
    writer = BytesWriter()
    for item in items:
        write_bulk(writer, item)
    body = writer.getvalue()
    array = ARRAY_HEADERS[len(items)] + body
    push = PUSH_HEADERS[len(items)] + body
    for client in listeners.values():
        client.push(push if client.resp == 3 else array)
    return len(listeners)
