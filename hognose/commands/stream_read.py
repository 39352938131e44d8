"""XREAD and XREADGROUP: new entries of several streams at once, waiting for them where there are none.

XREADGROUP does two things under one name. With the ID ">" it gives a consumer entries that no consumer of the group has
had, and makes them pending. With any other ID it repeats what this consumer has pending already. Replicas and files do
not get the command: they get the outcome, as XCLAIM, XGROUP SETID and XGROUP CREATECONSUMER.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.arguments import integer
from hognose.commands.blocking import deadline_after, wait_for_keys
from hognose.commands.context import SCRIPT
from hognose.commands.flags import BLOCKING, READONLY, RO_ACCESS, WRITE
from hognose.commands.keyspec import keyword
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.stream_arguments import (
    claim_command,
    encoded_array,
    entry_reply,
    entry_with_id,
    group_at,
    range_reply,
    set_id_command,
    stream_of,
    strict_id,
    write_entry,
)
from hognose.commands.stream_groups import PORTION, create_consumer
from hognose.datastructures.stream import StreamCursor, StreamValue
from hognose.datastructures.stream_groups import Consumer, ConsumerGroup
from hognose.datastructures.stream_id import MAX_ID, format_id
from hognose.errors import SYNTAX, CommandError, printable
from hognose.resp.reply import NULL_ARRAY, MapReply

command = CommandGroup("stream")

BAD_TIMEOUT: Final = "ERR timeout is not an integer or out of range"
GROUP_WITH_XREAD: Final = "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
NOACK_WITH_XREAD: Final = "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
GROUP_MISSING: Final = "ERR Missing GROUP option for XREADGROUP"
PLUS_WITH_GROUP: Final = (
    "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    "specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set."
)
DOLLAR_WITH_GROUP: Final = (
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
)
NEW_WITHOUT_GROUP: Final = (
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
)
IN_XREADGROUP: Final = " in XREADGROUP with GROUP option"

NEW_ENTRIES: Final = MAX_ID
"""What stands for ">": there can be nothing behind this ID, so it is of no other use."""

NO_BLOCK: Final = -1


class ReadOptions:
    """What stands before the keys of XREAD and XREADGROUP.

    Attributes:
        block_ms: How long to wait, 0 for ever, NO_BLOCK for not at all.
        count: How many entries of each stream at most; 0 is no limit.
        group, consumer: Whom to read for; None for XREAD.
        noack: Whether what is given counts as acknowledged.
        keys_at: Index of the first key.
        streams: How many there are.
    """

    def __init__(self) -> None:
        self.block_ms: int = NO_BLOCK
        self.count: int = 0
        self.group: bytes | None = None
        self.consumer = b""
        self.noack = False
        self.keys_at: i64 = 0
        self.streams: i64 = 0


def parse_read_options(ctx: Context, argv: Argv, for_group: bool) -> ReadOptions:
    """Reads everything up to the keys."""
    options = ReadOptions()
    i: i64 = 1
    while i < len(argv) and not options.keys_at:
        word = argv[i].upper()
        more = len(argv) - i - 1
        if word == b"BLOCK" and more:
            i += 1
            options.block_ms = block_time(ctx, argv, argv[i])
        elif word == b"COUNT" and more:
            i += 1
            options.count = max(integer(argv[i]), 0)
        elif word == b"STREAMS" and more:
            options.keys_at = i + 1
        elif word == b"GROUP" and more >= 2:
            if not for_group:
                raise CommandError(GROUP_WITH_XREAD)
            options.group = argv[i + 1]
            options.consumer = argv[i + 2]
            i += 2
        elif word == b"NOACK":
            if not for_group:
                raise CommandError(NOACK_WITH_XREAD)
            options.noack = True
        else:
            raise CommandError(SYNTAX)
        i += 1
    check_streams(options, argv, for_group)
    return options


def block_time(ctx: Context, argv: Argv, argument: bytes) -> int:
    """Reads BLOCK's milliseconds."""
    if ctx.flags & SCRIPT:
        raise CommandError(f"ERR {printable(argv[0])} command is not allowed with BLOCK option from scripts")
    milliseconds = integer(argument, BAD_TIMEOUT)
    deadline_after(ctx, milliseconds)
    return milliseconds


def check_streams(options: ReadOptions, argv: Argv, for_group: bool) -> None:
    """Checks that there are as many IDs as keys, and what must have been said before them."""
    if not options.keys_at:
        raise CommandError(SYNTAX)
    left = len(argv) - options.keys_at
    if left & 1:
        name = "xreadgroup" if for_group else "xread"
        symbol = ">" if for_group else "$"
        text = f"ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be specified."
        raise CommandError(text)
    options.streams = left // 2
    if for_group and options.group is None:
        raise CommandError(GROUP_MISSING)


def wait_for_streams(ctx: Context, argv: Argv, options: ReadOptions) -> Reply:
    """What is answered, or done, when there is nothing to read now."""
    if options.block_ms == NO_BLOCK:
        return NULL_ARRAY
    keys = argv[options.keys_at : options.keys_at + options.streams]
    deadline = deadline_after(ctx, options.block_ms)
    return wait_for_keys(ctx, argv, keys, b"stream", deadline, NULL_ARRAY, wakes_on_loss=options.group is not None)


def streams_reply(ctx: Context, flat: list[object]) -> Reply:
    """Keys and entries, given as key, entries, key, entries...: a map in RESP3, pairs in RESP2."""
    if ctx.resp == 3:
        return MapReply(flat)
    pairs: list[object] = []
    for index in range(0, len(flat), 2):
        pairs.append([flat[index], flat[index + 1]])  # noqa: PERF401 - compiled, the loop is the faster one
    return pairs


@command(
    "XREAD",
    arity=-4,
    flags=BLOCKING | READONLY,
    keys=[keyword(b"STREAMS", RO_ACCESS, start=1, last=-1, limit=2)],
    since="5.0.0",
    summary="Returns the entries of streams behind given IDs; waits for one where there is none.",
    complexity="O(N) in the entries returned",
    syntax="[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
    history=[("7.4.0", "The ID `+` stands for the last entry.")],
)
def xread(ctx: Context, argv: Argv) -> Reply:
    options = parse_read_options(ctx, argv, for_group=False)
    after: list[int] = []
    for index in range(options.streams):
        stream = stream_of(ctx.db.lookup_read(argv[options.keys_at + index]))
        id_text = argv[options.keys_at + options.streams + index]
        if id_text == b"$":
            after.append(0 if stream is None else stream.last_id)
        elif id_text == b"+":
            # The last entry itself, and so whatever is above the ID right below it.
            after.append(0 if stream is None else max(stream.last_live_id() - 1, 0))
        elif id_text == b">":
            raise CommandError(NEW_WITHOUT_GROUP)
        else:
            after.append(strict_id(id_text))
    flat: list[object] = []
    for index in range(options.streams):
        key = argv[options.keys_at + index]
        stream = stream_of(ctx.db.lookup_read(key))
        if stream is None or after[index] >= stream.last_id:
            continue
        entries, found = range_reply(ctx, stream, after[index] + 1, MAX_ID, options.count)
        if found:
            flat.append(key)
            flat.append(entries)
    if flat:
        return streams_reply(ctx, flat)
    if options.block_ms == NO_BLOCK:
        return NULL_ARRAY
    return wait_for_streams(ctx, with_ids(argv, options, after), options)


def with_ids(argv: Argv, options: ReadOptions, after: list[int]) -> Argv:
    """The command with every "$" made the ID it stood for, so that it can be run again later."""
    first = options.keys_at + options.streams
    if b"$" not in argv[first:]:
        return argv
    return argv[:first] + [format_id(entry_id) for entry_id in after]


@command(
    "XREADGROUP",
    arity=-7,
    flags=BLOCKING | WRITE,
    keys=[keyword(b"STREAMS", RO_ACCESS, start=4, last=-1, limit=2)],
    since="5.0.0",
    summary="Gives a consumer entries that its group has not had, or repeats those it has pending; waits for new ones.",
    complexity="O(N) in the entries returned",
    syntax="GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
)
def xreadgroup(ctx: Context, argv: Argv) -> Reply:
    options = parse_read_options(ctx, argv, for_group=True)
    assert options.group is not None
    after: list[int] = []
    groups: list[ConsumerGroup] = []
    for index in range(options.streams):
        key = argv[options.keys_at + index]
        id_text = argv[options.keys_at + options.streams + index]
        groups.append(group_at(ctx.db.lookup_counted(key), key, options.group, IN_XREADGROUP))
        if id_text == b"$":
            raise CommandError(DOLLAR_WITH_GROUP)
        if id_text == b"+":
            raise CommandError(PLUS_WITH_GROUP)
        after.append(NEW_ENTRIES if id_text == b">" else strict_id(id_text))
    flat: list[object] = []
    effects: list[list[bytes]] = []
    for index in range(options.streams):
        key = argv[options.keys_at + index]
        stream = stream_of(ctx.db.lookup_counted(key))
        if stream is None:
            continue
        reading = GroupRead(ctx, options, key, stream, groups[index])
        entries = reading.new_entries() if after[index] == NEW_ENTRIES else reading.history(after[index] + 1)
        effects.extend(reading.effects)
        if entries is not None:
            flat.append(key)
            flat.append(entries)
            ctx.keyspace.dirty += 1
    ctx.propagate_as(*effects)
    if flat:
        return streams_reply(ctx, flat)
    return wait_for_streams(ctx, argv, options)


class GroupRead:
    """A consumer reading from one stream.

    Attributes:
        effects: What replicas are told.
    """

    def __init__(
        self, ctx: Context, options: ReadOptions, key: bytes, stream: StreamValue, group: ConsumerGroup
    ) -> None:
        self.options: Final = options
        self.key: Final = key
        self.stream: Final = stream
        self.group: Final = group
        self.now_ms: i64 = ctx.now_ms()
        self.propagating: bool = ctx.host.propagating
        self.in_script: bool = ctx.flags & SCRIPT != 0
        self.effects: list[list[bytes]] = []
        name = options.consumer
        consumer = group.consumers.get(name)
        if consumer is None:
            consumer = create_consumer(ctx, group, key, name)
            if options.noack:
                self.effects.append([b"XGROUP", b"CREATECONSUMER", key, group.name, name])
        self.consumer: Consumer = consumer
        consumer.seen_time_ms = self.now_ms

    def new_entries(self) -> Reply:
        """Gives the consumer what the group has not had; None if there is nothing."""
        if self.group.last_id >= self.stream.last_id:
            return None
        listed: list[object] = []
        body = BytesWriter()
        found = 0
        cursor = StreamCursor(self.stream, self.group.last_id + 1, MAX_ID, False)
        while cursor.advance():
            entry_id = cursor.entry_id()
            self.stream.advance_group(self.group, entry_id)
            found += 1
            if self.in_script:
                listed.append(entry_reply(cursor))
            else:
                write_entry(body, cursor)
            if not self.options.noack:
                self.group.assign(entry_id, self.consumer, self.now_ms, 1)
                if self.propagating:
                    self.effects.append(claim_command(self.key, self.group, entry_id))
            if found == self.options.count:
                break
        if not found:
            return None
        if not self.options.noack:
            self.consumer.active_time_ms = self.now_ms
        elif self.propagating:
            self.effects.append(set_id_command(self.key, self.group))
        return listed if self.in_script else encoded_array(body, found)

    def history(self, start: int) -> Reply:
        """Repeats what the consumer has pending from an ID on; an entry deleted since has no fields."""
        found: list[object] = []
        while True:
            ids = self.consumer.pending.ids_from(start, PORTION)
            for entry_id in ids:
                entry = entry_with_id(self.stream, entry_id)
                if entry is None:
                    entry = [format_id(entry_id), NULL_ARRAY]
                else:
                    record = self.consumer.pending.by_id[entry_id]
                    self.group.redeliver(entry_id, record, self.now_ms, record.delivery_count + 1)
                found.append(entry)
                if len(found) == self.options.count:
                    return found
            if len(ids) < PORTION:
                return found
            start = ids[-1] + 1
