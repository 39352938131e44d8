"""XGROUP, XACK and XPENDING: making and changing consumer groups, acknowledging, and seeing what is pending.

A change of a group is no change of the entries: keyspace events are fired and replicas are told, but clients that WATCH
the key are not.
"""

from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.flags import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    LOADING,
    READONLY,
    RO,
    RW,
    RW_UPDATE,
    STALE,
    WRITE,
)
from hognose.commands.help import help_reply
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.stream_arguments import (
    any_id,
    group_at,
    group_changed,
    no_group,
    range_end,
    range_start,
    stream_of,
    stream_ready,
    strict_id,
)
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_groups import (
    ENTRIES_READ_UNKNOWN,
    Consumer,
    ConsumerGroup,
    PendingList,
)
from hognose.datastructures.stream_id import format_id
from hognose.errors import SYNTAX, CommandError, printable
from hognose.resp.reply import NULL_ARRAY, OK

command = CommandGroup("stream")

KEY_REQUIRED: Final = (
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
    "to create an empty stream automatically."
)
GROUP_EXISTS: Final = "BUSYGROUP Consumer Group name already exists"
BAD_ENTRIES_READ: Final = "ERR value for ENTRIESREAD must be positive or -1"

# Pending entries are looked at in portions of this size, so that a short answer does not pay for a long list.
PORTION: Final = 128


def bad_subcommand(argv: Argv) -> CommandError:
    """The error for a subcommand whose arguments make no sense."""
    word = printable(argv[1][:128])
    container = printable(argv[0]).upper()
    return CommandError(f"ERR unknown subcommand or wrong number of arguments for '{word}'. Try {container} HELP.")


def create_consumer(ctx: Context, group: ConsumerGroup, key: bytes, name: bytes) -> Consumer:
    """Creates a consumer that a command has mentioned, and reports it."""
    consumer = group.create_consumer(name, ctx.now_ms())
    group_changed(ctx, b"xgroup-createconsumer", key)
    return consumer


class GroupOptions:
    """The options of XGROUP CREATE and SETID."""

    def __init__(self) -> None:
        self.make_stream = False
        self.entries_read = ENTRIES_READ_UNKNOWN


def parse_group_options(argv: Argv, may_make_stream: bool) -> GroupOptions:
    """Reads what follows the ID of XGROUP CREATE and SETID."""
    options = GroupOptions()
    i = 5
    while i < len(argv):
        word = argv[i].upper()
        if word == b"MKSTREAM" and may_make_stream:
            options.make_stream = True
            i += 1
        elif word == b"ENTRIESREAD" and i + 1 < len(argv):
            options.entries_read = integer(argv[i + 1])
            if options.entries_read < ENTRIES_READ_UNKNOWN:
                raise CommandError(BAD_ENTRIES_READ)
            i += 2
        else:
            raise bad_subcommand(argv)
    return options


def required_stream(ctx: Context, key: bytes) -> StreamValue:
    """The stream that a subcommand of XGROUP is about."""
    stream = stream_of(ctx.db.lookup_write(key))
    if stream is None:
        raise CommandError(KEY_REQUIRED)
    return stream


def required_group(ctx: Context, argv: Argv) -> ConsumerGroup:
    """The group that a subcommand of XGROUP is about."""
    group = required_stream(ctx, argv[2]).groups.get(argv[3])
    if group is None:
        raise no_group(argv[2], argv[3])
    return group


command.container("XGROUP", since="5.0.0", summary="Creates and changes consumer groups.")


@command(
    "XGROUP|CREATE",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[keys(2, RW | INSERT)],
    since="5.0.0",
    summary="Creates a consumer group that starts behind an ID.",
    syntax="key group <id | $> [MKSTREAM] [ENTRIESREAD entriesread]",
    history=[("7.0.0", "Added `ENTRIESREAD`.")],
)
def xgroup_create(ctx: Context, argv: Argv) -> Reply:
    options = parse_group_options(argv, may_make_stream=True)
    key = argv[2]
    stream = stream_of(ctx.db.lookup_write(key)) if options.make_stream else required_stream(ctx, key)
    newest = 0 if stream is None else stream.last_id
    last_id = newest if argv[4] == b"$" else strict_id(argv[4])
    if stream is None:
        stream = StreamValue()
        ctx.db.set(key, stream)
        ctx.db.signal(key)
    if stream.create_group(argv[3], last_id, options.entries_read) is None:
        raise CommandError(GROUP_EXISTS)
    group_changed(ctx, b"xgroup-create", key)
    return OK


@command(
    "XGROUP|SETID",
    arity=-5,
    flags=WRITE,
    keys=[keys(2, RW_UPDATE)],
    since="5.0.0",
    summary="Moves a consumer group to behind another ID.",
    syntax="key group <id | $> [ENTRIESREAD entriesread]",
    history=[("7.0.0", "Added `ENTRIESREAD`.")],
)
def xgroup_setid(ctx: Context, argv: Argv) -> Reply:
    options = parse_group_options(argv, may_make_stream=False)
    stream = required_stream(ctx, argv[2])
    group = required_group(ctx, argv)
    group.last_id = stream.last_id if argv[4] == b"$" else any_id(argv[4])
    group.entries_read = options.entries_read
    group_changed(ctx, b"xgroup-setid", argv[2])
    return OK


@command(
    "XGROUP|DESTROY",
    arity=4,
    flags=WRITE,
    keys=[keys(2, RW | DELETE)],
    since="5.0.0",
    summary="Drops a consumer group.",
    complexity="O(N) in the group's pending entries",
    syntax="key group",
)
def xgroup_destroy(ctx: Context, argv: Argv) -> Reply:
    if not required_stream(ctx, argv[2]).destroy_group(argv[3]):
        return 0
    group_changed(ctx, b"xgroup-destroy", argv[2])
    # Whoever waits as a member of this group waits for nothing now, and is to learn that.
    stream_ready(ctx, argv[2])
    return 1


@command(
    "XGROUP|CREATECONSUMER",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=[keys(2, RW | INSERT)],
    since="6.2.0",
    summary="Creates a consumer in a consumer group.",
    syntax="key group consumer",
)
def xgroup_createconsumer(ctx: Context, argv: Argv) -> Reply:
    group = required_group(ctx, argv)
    if argv[4] in group.consumers:
        return 0
    create_consumer(ctx, group, argv[2], argv[4])
    return 1


@command(
    "XGROUP|DELCONSUMER",
    arity=5,
    flags=WRITE,
    keys=[keys(2, RW | DELETE)],
    since="5.0.0",
    summary="Deletes a consumer, and with it what it has pending; returns how much that was.",
    syntax="key group consumer",
)
def xgroup_delconsumer(ctx: Context, argv: Argv) -> Reply:
    pending = required_group(ctx, argv).delete_consumer(argv[4])
    if pending < 0:
        return 0
    group_changed(ctx, b"xgroup-delconsumer", argv[2])
    return pending


@command(
    "XGROUP|HELP",
    arity=2,
    flags=LOADING | STALE,
    since="5.0.0",
    summary="Explains the subcommands.",
)
def xgroup_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply("XGROUP")


@command(
    "XACK",
    arity=-4,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="5.0.0",
    summary="Acknowledges entries that a consumer group was given; returns how many were pending.",
    complexity="O(1) for each ID",
    syntax="key group id [id ...]",
)
def xack(ctx: Context, argv: Argv) -> Reply:
    stream = stream_of(ctx.db.lookup_counted(argv[1]))
    group = None if stream is None else stream.groups.get(argv[2])
    if group is None:
        return 0
    ids = [strict_id(argument) for argument in argv[3:]]
    acknowledged = 0
    for entry_id in ids:
        if group.acknowledge(entry_id):
            acknowledged += 1
    ctx.keyspace.dirty += acknowledged
    return acknowledged


class PendingQuery:
    """What XPENDING asks for when it asks for single entries."""

    def __init__(self) -> None:
        self.start: int = 0
        self.end: int = 0
        self.count: int = 0
        self.idle_ms: int = 0
        self.consumer: bytes | None = None


def parse_pending_query(argv: Argv) -> PendingQuery:
    """Reads what follows XPENDING's group: [IDLE ms] start end count [consumer]."""
    if not 6 <= len(argv) <= 9:
        raise CommandError(SYNTAX)
    query = PendingQuery()
    at = 3
    if argv[3].upper() == b"IDLE":
        query.idle_ms = integer(argv[4])
        if len(argv) < 8:
            raise CommandError(SYNTAX)
        at = 5
    query.count = max(integer(argv[at + 2]), 0)
    query.start = range_start(argv[at])
    query.end = range_end(argv[at + 1])
    if at + 3 < len(argv):
        query.consumer = argv[at + 3]
    return query


@command(
    "XPENDING",
    arity=-3,
    flags=READONLY,
    keys=[keys(1, RO | ACCESS)],
    since="5.0.0",
    summary="Tells what a consumer group was given and has not acknowledged: in sum, or entry by entry.",
    complexity="O(N) in the entries returned, or looked at with IDLE; the summary is O(1) plus O(N) in the consumers",
    syntax="key group [[IDLE min-idle-time:integer] start:string end:string count [consumer]]",
    tips=[b"nondeterministic_output"],
    history=[("6.2.0", "Added `IDLE`; an end of the range can be left out of it by `(`.")],
)
def xpending(ctx: Context, argv: Argv) -> Reply:
    query = None if len(argv) == 3 else parse_pending_query(argv)
    group = group_at(ctx.db.lookup_read(argv[1]), argv[1], argv[2])
    if query is None:
        return pending_summary(group)
    pending = group.pending
    if query.consumer is not None:
        consumer = group.consumers.get(query.consumer)
        if consumer is None:
            return []
        pending = consumer.pending
    return pending_entries(pending, query, ctx.now_ms())


def pending_summary(group: ConsumerGroup) -> Reply:
    """How many entries are pending, the ends of their range, and how many each consumer has."""
    if not group.pending.size():
        return [0, None, None, NULL_ARRAY]
    shares: list[object] = []
    for name in sorted(group.consumers):
        size = group.consumers[name].pending.size()
        if size:
            shares.append([name, b"%d" % size])
    pending = group.pending
    return [pending.size(), format_id(pending.first_id()), format_id(pending.last_id()), shares]


def pending_entries(pending: PendingList, query: PendingQuery, now_ms: int) -> list[object]:
    """ID, consumer, idle time and delivery count of pending entries."""
    found: list[object] = []
    start = query.start
    while len(found) < query.count:
        ids = pending.ids_from(start, PORTION)
        for entry_id in ids:
            if entry_id > query.end or len(found) == query.count:
                return found
            record = pending.by_id[entry_id]
            idle_ms = now_ms - int(record.delivery_time_ms)
            if query.idle_ms and idle_ms < query.idle_ms:
                continue
            found.append([format_id(entry_id), record.consumer, max(idle_ms, 0), record.delivery_count])
        if len(ids) < PORTION:
            break
        start = ids[-1] + 1
    return found
