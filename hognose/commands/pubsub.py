"""The publish and subscribe commands. Who listens to what is kept by `subscriptions`.

SUBSCRIBE and its kin answer with one message per name instead of one reply. In RESP2 a subscribed client may do little
else (the dispatcher sees to that); in RESP3 messages are pushes, which clients tell from replies.
"""

from typing import Final

from librt.strings import BytesWriter

from hognose.commands.context import DENY_BLOCKING, REPLY_OFF, REPLY_SKIP, TO_REPLICAS, Context
from hognose.commands.flags import (
    CHANNEL_NAME,
    CHANNEL_NAMES,
    CHANNEL_PATTERNS,
    FAST,
    LOADING,
    MAY_REPLICATE,
    NOSCRIPT,
    NOT_KEY,
    PUBSUB,
    STALE,
)
from hognose.commands.help import help_reply
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.commands.subscriptions import Subscriptions
from hognose.datastructures.glob import Glob
from hognose.errors import CommandError, printable
from hognose.resp.reply import NO_REPLY, Push, encode

command = CommandGroup("pubsub")
command.container("PUBSUB", since="2.8.0", summary="Tells who listens to what.")

TO_LISTEN: Final = PUBSUB | NOSCRIPT | LOADING | STALE
TO_PUBLISH: Final = PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE | CHANNEL_NAME
TO_ASK: Final = PUBSUB | LOADING | STALE

NOT_QUEUED: Final = "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"


def confirm(ctx: Context, word: bytes, name: bytes | None, count: int) -> None:
    """Tells a client of one name it has subscribed to or left; CLIENT REPLY OFF does not silence that."""
    reply = Push([word, name, count])
    if ctx.attention & (REPLY_OFF | REPLY_SKIP):
        writer = BytesWriter()
        encode(writer, reply, ctx.resp)
        ctx.held_pushes.append(writer.getvalue())
    else:
        ctx.write(reply)


def count_for(ctx: Context, kind: Subscriptions) -> int:
    """The number a confirmation ends with: shard channels are counted apart."""
    if kind is ctx.host.pubsub.shard_channels:
        return int(ctx.shard_channels)
    return int(ctx.channels + ctx.patterns)


def subscribe_to(ctx: Context, kind: Subscriptions, word: bytes, names: list[bytes]) -> Reply:
    """Subscribes a client to names, one confirmation each."""
    for name in names:
        ctx.host.pubsub.subscribe(kind, ctx, name)
        confirm(ctx, word, name, count_for(ctx, kind))
    return NO_REPLY


def leave(ctx: Context, kind: Subscriptions, word: bytes, names: list[bytes]) -> Reply:
    """Takes names, or all there are, from a client, one confirmation each and at least one."""
    leaving = names or kind.names_of(ctx)
    for name in leaving:
        ctx.host.pubsub.unsubscribe(kind, ctx, name)
        confirm(ctx, word, name, count_for(ctx, kind))
    if not leaving:
        confirm(ctx, word, None, count_for(ctx, kind))
    return NO_REPLY


# Channels


@command(
    "SUBSCRIBE",
    arity=-2,
    flags=TO_LISTEN | CHANNEL_NAMES,
    since="2.0.0",
    summary="Listens to channels.",
    complexity="O(N) where N is the number of channels to subscribe to.",
    syntax="channel [channel ...]",
)
def subscribe(ctx: Context, argv: Argv) -> Reply:
    return subscribe_to(ctx, ctx.host.pubsub.channels, b"subscribe", argv[1:])


@command(
    "UNSUBSCRIBE",
    arity=-1,
    flags=TO_LISTEN,
    since="2.0.0",
    summary="Leaves channels, or all channels.",
    complexity="O(N) where N is the number of channels to unsubscribe.",
    syntax="[channel [channel ...]]",
)
def unsubscribe(ctx: Context, argv: Argv) -> Reply:
    return leave(ctx, ctx.host.pubsub.channels, b"unsubscribe", argv[1:])


@command(
    "PUBLISH",
    arity=3,
    flags=TO_PUBLISH,
    since="2.0.0",
    summary="Sends a message to a channel's listeners.",
    complexity=(
        "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of "
        "subscribed patterns (by any client)."
    ),
    syntax="channel message",
)
def publish(ctx: Context, argv: Argv) -> Reply:
    # In a cluster the bus carries messages, to replicas as well.
    if not ctx.host.clustered:
        ctx.propagate_anyway(TO_REPLICAS)
    return ctx.host.pubsub.publish(argv[1], argv[2])


# Patterns


@command(
    "PSUBSCRIBE",
    arity=-2,
    flags=TO_LISTEN | CHANNEL_PATTERNS,
    since="2.0.0",
    summary="Listens to all channels whose names match patterns.",
    complexity="O(N) where N is the number of patterns to subscribe to.",
    syntax="pattern [pattern ...]",
)
def psubscribe(ctx: Context, argv: Argv) -> Reply:
    return subscribe_to(ctx, ctx.host.pubsub.patterns, b"psubscribe", argv[1:])


@command(
    "PUNSUBSCRIBE",
    arity=-1,
    flags=TO_LISTEN,
    since="2.0.0",
    summary="Leaves patterns, or all patterns.",
    complexity="O(N) where N is the number of patterns to unsubscribe.",
    syntax="[pattern [pattern ...]]",
)
def punsubscribe(ctx: Context, argv: Argv) -> Reply:
    return leave(ctx, ctx.host.pubsub.patterns, b"punsubscribe", argv[1:])


# Shard channels


@command(
    "SSUBSCRIBE",
    arity=-2,
    flags=TO_LISTEN | CHANNEL_NAMES,
    keys=[keys(1, NOT_KEY, last=-1)],
    since="7.0.0",
    summary="Listens to shard channels.",
    complexity="O(N) where N is the number of shard channels to subscribe to.",
    syntax="shardchannel [shardchannel ...]",
)
def ssubscribe(ctx: Context, argv: Argv) -> Reply:
    if ctx.flags & DENY_BLOCKING:
        raise CommandError(NOT_QUEUED)
    return subscribe_to(ctx, ctx.host.pubsub.shard_channels, b"ssubscribe", argv[1:])


@command(
    "SUNSUBSCRIBE",
    arity=-1,
    flags=TO_LISTEN,
    keys=[keys(1, NOT_KEY, last=-1)],
    since="7.0.0",
    summary="Leaves shard channels, or all shard channels.",
    complexity="O(N) where N is the number of shard channels to unsubscribe.",
    syntax="[shardchannel [shardchannel ...]]",
)
def sunsubscribe(ctx: Context, argv: Argv) -> Reply:
    return leave(ctx, ctx.host.pubsub.shard_channels, b"sunsubscribe", argv[1:])


@command(
    "SPUBLISH",
    arity=3,
    flags=TO_PUBLISH,
    keys=[keys(1, NOT_KEY)],
    since="7.0.0",
    summary="Sends a message to a shard channel's listeners.",
    complexity="O(N) where N is the number of clients subscribed to the receiving shard channel.",
    syntax="shardchannel message",
)
def spublish(ctx: Context, argv: Argv) -> Reply:
    if not ctx.host.clustered:
        ctx.propagate_anyway(TO_REPLICAS)
    return ctx.host.pubsub.publish_to_shard(argv[1], argv[2])


# Looking at it


def active(kind: Subscriptions, argv: Argv) -> Reply:
    """The names somebody listens to, those that match a pattern if one is given."""
    if len(argv) > 3:
        text = f"unknown subcommand or wrong number of arguments for '{printable(argv[1])}'. Try PUBSUB HELP."
        raise CommandError("ERR " + text)
    if len(argv) == 2:
        return list(kind.listeners)
    glob = Glob(argv[2])
    return [name for name in kind.listeners if glob.matches(name)]


def listener_counts(kind: Subscriptions, names: list[bytes]) -> Reply:
    """Each name, followed by how many listen to it."""
    reply: list[object] = []
    for name in names:
        reply += [name, kind.count_listeners(name)]
    return reply


@command(
    "PUBSUB|CHANNELS",
    arity=-2,
    flags=TO_ASK,
    since="2.8.0",
    summary="Lists the channels that have listeners.",
    complexity=(
        "O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short "
        "channels and patterns)"
    ),
    syntax="[pattern]",
)
def pubsub_channels(ctx: Context, argv: Argv) -> Reply:
    return active(ctx.host.pubsub.channels, argv)


@command(
    "PUBSUB|NUMSUB",
    arity=-2,
    flags=TO_ASK,
    since="2.8.0",
    summary="Returns how many clients listen to each channel; patterns are not counted.",
    complexity="O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    syntax="[channel [channel ...]]",
)
def pubsub_numsub(ctx: Context, argv: Argv) -> Reply:
    return listener_counts(ctx.host.pubsub.channels, argv[2:])


@command(
    "PUBSUB|NUMPAT",
    arity=2,
    flags=TO_ASK,
    since="2.8.0",
    summary="Returns how many different patterns have listeners.",
)
def pubsub_numpat(ctx: Context, argv: Argv) -> Reply:
    return len(ctx.host.pubsub.patterns.listeners)


@command(
    "PUBSUB|SHARDCHANNELS",
    arity=-2,
    flags=TO_ASK,
    since="7.0.0",
    summary="Lists the shard channels that have listeners.",
    complexity=(
        "O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively "
        "short shard channels)."
    ),
    syntax="[pattern]",
)
def pubsub_shardchannels(ctx: Context, argv: Argv) -> Reply:
    return active(ctx.host.pubsub.shard_channels, argv)


@command(
    "PUBSUB|SHARDNUMSUB",
    arity=-2,
    flags=TO_ASK,
    since="7.0.0",
    summary="Returns how many clients listen to each shard channel.",
    complexity="O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
    syntax="[shardchannel [shardchannel ...]]",
)
def pubsub_shardnumsub(ctx: Context, argv: Argv) -> Reply:
    return listener_counts(ctx.host.pubsub.shard_channels, argv[2:])


@command("PUBSUB|HELP", arity=2, flags=LOADING | STALE, since="6.2.0", summary="Lists the subcommands.")
def pubsub_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "PUBSUB",
        [
            ("CHANNELS [<pattern>]", "Return the channels that have listeners (default: all of them)."),
            ("NUMPAT", "Return how many different patterns have listeners."),
            ("NUMSUB [<channel> ...]", "Return how many clients listen to each channel, patterns not counted."),
            ("SHARDCHANNELS [<pattern>]", "Return the shard channels that have listeners (default: all of them)."),
            ("SHARDNUMSUB [<shardchannel> ...]", "Return how many clients listen to each shard channel."),
        ],
    )
