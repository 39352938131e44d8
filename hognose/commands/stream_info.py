"""XINFO: what a stream, its groups and their consumers are made of."""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer
from hognose.commands.flags import LOADING, READONLY, RO_ACCESS, STALE
from hognose.commands.help import help_reply
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.stream_arguments import entries_between, no_group, stream_of
from hognose.commands.stream_groups import bad_subcommand
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_groups import (
    ENTRIES_READ_UNKNOWN,
    NEVER_MS,
    Consumer,
    ConsumerGroup,
    PendingList,
)
from hognose.datastructures.stream_id import MAX_ID, MIN_ID, format_id
from hognose.errors import NO_SUCH_KEY, CommandError
from hognose.resp.reply import MapReply

command = CommandGroup("stream")

KEY_BYTES: Final = 16
FULL_COUNT_DEFAULT: Final = 10
EVERYTHING: Final = 2**62

command.container("XINFO", since="5.0.0", summary="Looks into streams and their consumer groups.")


def required_stream(ctx: Context, key: bytes) -> StreamValue:
    """The stream that a subcommand of XINFO is about."""
    stream = stream_of(ctx.db.lookup_read(key))
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    return stream


def as_i64(count: int) -> int:
    """A count as the protocol's signed 64 bits hold it: XSETID and dumps can set one close to their end."""
    return (count + 2**63) % 2**64 - 2**63


@command(
    "XINFO|STREAM",
    arity=-3,
    flags=READONLY,
    keys=[keys(2, RO_ACCESS)],
    since="5.0.0",
    summary="Tells of a stream: its counters, its ends, and with FULL its entries and groups.",
    complexity="O(N) in the stream's blocks",
    syntax="key [FULL [COUNT count]]",
    history=[
        ("6.0.0", "Added `FULL`."),
        ("7.0.0", "Added the counters of deleted and added entries, of entries read, and the lag."),
        ("7.2.0", "Added `active-time`; `seen-time` is that of the last attempt."),
    ],
)
def xinfo_stream(ctx: Context, argv: Argv) -> Reply:
    stream = required_stream(ctx, argv[2])
    if len(argv) == 3:
        return MapReply(common_fields(stream) + summary_fields(stream))
    if len(argv) not in {4, 6} or argv[3].upper() != b"FULL":
        raise bad_subcommand(argv)
    count = FULL_COUNT_DEFAULT
    if len(argv) == 6:
        if argv[4].upper() != b"COUNT":
            raise bad_subcommand(argv)
        count = integer(argv[5])
        if count < 0:
            count = FULL_COUNT_DEFAULT
    return MapReply(common_fields(stream) + full_fields(stream, count))


def common_fields(stream: StreamValue) -> list[object]:
    """The counters and IDs of a stream."""
    return [
        b"length",
        stream.length(),
        b"radix-tree-keys",
        len(stream.blocks),
        b"radix-tree-nodes",
        radix_tree_nodes(stream),
        b"last-generated-id",
        format_id(stream.last_id),
        b"max-deleted-entry-id",
        format_id(stream.max_deleted_id),
        b"entries-added",
        as_i64(stream.entries_added),
        b"recorded-first-entry-id",
        format_id(stream.first_id),
    ]


def radix_tree_nodes(stream: StreamValue) -> int:
    """How many nodes the radix tree would have that other servers keep the blocks in.

    There is no such tree here; the number is that of a compressed tree over the blocks' 16-byte IDs: one node for every
    place where keys part, one for every run of bytes without a branch, one for every key's end. Keys are in order, so
    the places where they part are found by a stack of depths.
    """
    blocks = stream.blocks
    if not blocks:
        return 1
    nodes = 0
    depths: list[int] = []
    parted = -1
    for index in range(len(blocks)):
        below = -1
        if index + 1 < len(blocks):
            difference = blocks[index].first_id ^ blocks[index + 1].first_id
            below = KEY_BYTES - 1 - (difference.bit_length() - 1) // 8
        # The leaf, and the run of bytes that leads to it from the deepest parting beside it.
        nodes += 2 if KEY_BYTES - max(parted, below) - 1 > 0 else 1
        while depths and depths[-1] > below:
            depth = depths.pop()
            above = max(depths[-1] if depths else -1, below)
            nodes += 2 if depth - above - 1 > 0 else 1
        if below >= 0 and (not depths or depths[-1] < below):
            depths.append(below)
        parted = below
    return nodes


def summary_fields(stream: StreamValue) -> list[object]:
    """What XINFO STREAM tells without FULL."""
    first = entries_between(stream, MIN_ID, MAX_ID, 1)
    last = entries_between(stream, MIN_ID, MAX_ID, 1, backward=True)
    return [
        b"groups",
        len(stream.groups),
        b"first-entry",
        first[0] if first else None,
        b"last-entry",
        last[0] if last else None,
    ]


def full_fields(stream: StreamValue, count: int) -> list[object]:
    """What XINFO STREAM FULL tells; of entries and pending entries `count` each, 0 for all."""
    groups: list[object] = [full_group(stream, stream.groups[name], count) for name in sorted(stream.groups)]
    return [b"entries", entries_between(stream, MIN_ID, MAX_ID, count), b"groups", groups]


def full_group(stream: StreamValue, group: ConsumerGroup, count: int) -> MapReply:
    """A group as XINFO STREAM FULL shows it."""
    consumers: list[object] = [full_consumer(group.consumers[name], count) for name in sorted(group.consumers)]
    progress = [b"name", group.name, *progress_fields(stream, group)]
    pending = full_pending(group.pending, count, with_consumer=True)
    return MapReply(
        [*progress, b"pel-count", group.pending.size(), b"pending", pending, b"consumers", consumers],
    )


def full_consumer(consumer: Consumer, count: int) -> MapReply:
    """A consumer as XINFO STREAM FULL shows it."""
    return MapReply(
        [
            b"name",
            consumer.name,
            b"seen-time",
            consumer.seen_time_ms,
            b"active-time",
            consumer.active_time_ms,
            b"pel-count",
            consumer.pending.size(),
            b"pending",
            full_pending(consumer.pending, count, with_consumer=False),
        ]
    )


def full_pending(pending: PendingList, count: int, with_consumer: bool) -> list[object]:
    """Pending entries as XINFO STREAM FULL shows them."""
    limit: i64 = min(count, EVERYTHING) if count else EVERYTHING
    found: list[object] = []
    for entry_id in pending.ids_from(MIN_ID, limit):
        record = pending.by_id[entry_id]
        fields: list[object] = [format_id(entry_id)]
        if with_consumer:
            fields.append(record.consumer)
        fields.append(record.delivery_time_ms)
        fields.append(record.delivery_count)
        found.append(fields)
    return found


def progress_fields(stream: StreamValue, group: ConsumerGroup) -> list[object]:
    """How far a group has come."""
    entries_read = None if group.entries_read == ENTRIES_READ_UNKNOWN else as_i64(group.entries_read)
    lag = stream.lag(group)
    last_id = format_id(group.last_id)
    return [b"last-delivered-id", last_id, b"entries-read", entries_read, b"lag", None if lag is None else as_i64(lag)]


@command(
    "XINFO|GROUPS",
    arity=3,
    flags=READONLY,
    keys=[keys(2, RO_ACCESS)],
    since="5.0.0",
    summary="Lists the consumer groups of a stream.",
    syntax="key",
    history=[("7.0.0", "Added `entries-read` and `lag`.")],
)
def xinfo_groups(ctx: Context, argv: Argv) -> Reply:
    stream = required_stream(ctx, argv[2])
    replies: list[object] = []
    for name in sorted(stream.groups):
        group = stream.groups[name]
        sizes = [b"consumers", len(group.consumers), b"pending", group.pending.size()]
        replies.append(MapReply([b"name", name, *sizes, *progress_fields(stream, group)]))
    return replies


@command(
    "XINFO|CONSUMERS",
    arity=4,
    flags=READONLY,
    keys=[keys(2, RO_ACCESS)],
    since="5.0.0",
    summary="Lists the consumers of a consumer group.",
    syntax="key group",
    tips=[b"nondeterministic_output"],
    history=[("7.2.0", "Added `inactive`.")],
)
def xinfo_consumers(ctx: Context, argv: Argv) -> Reply:
    group = required_stream(ctx, argv[2]).groups.get(argv[3])
    if group is None:
        raise no_group(argv[2], argv[3])
    now_ms = ctx.now_ms()
    replies: list[object] = []
    for name in sorted(group.consumers):
        consumer = group.consumers[name]
        idle_ms = max(now_ms - consumer.seen_time_ms, 0)
        inactive_ms: i64 = NEVER_MS
        if consumer.active_time_ms != NEVER_MS:
            inactive_ms = now_ms - consumer.active_time_ms
        sizes = [b"name", name, b"pending", consumer.pending.size()]
        replies.append(MapReply([*sizes, b"idle", idle_ms, b"inactive", inactive_ms]))
    return replies


@command(
    "XINFO|HELP",
    arity=2,
    flags=LOADING | STALE,
    since="5.0.0",
    summary="Explains the subcommands.",
)
def xinfo_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply("XINFO")
