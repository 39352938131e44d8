"""XCLAIM and XAUTOCLAIM: taking over what another consumer of the group was given and has not acknowledged.

Replicas and append-only files get one XCLAIM per entry that changed hands, with the outcome spelt out, in place of the
command the client sent: whether an entry was idle for long enough is decided once.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer, integer_between
from hognose.commands.flags import DELETE, FAST, RW, RW_UPDATE, WRITE
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.stream_arguments import (
    claim_command,
    entry_with_id,
    group_at,
    range_start,
    set_id_command,
    stream_of,
    strict_id,
)
from hognose.commands.stream_groups import PORTION, create_consumer
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_groups import Consumer, ConsumerGroup, Pending
from hognose.datastructures.stream_id import INVALID, format_id, parse_id
from hognose.errors import SYNTAX, CommandError, printable

command = CommandGroup("stream")

BAD_CLAIM_IDLE: Final = "ERR Invalid min-idle-time argument for XCLAIM"
BAD_IDLE: Final = "ERR Invalid IDLE option argument for XCLAIM"
BAD_TIME: Final = "ERR Invalid TIME option argument for XCLAIM"
BAD_RETRY_COUNT: Final = "ERR Invalid RETRYCOUNT option argument for XCLAIM"
BAD_AUTOCLAIM_IDLE: Final = "ERR Invalid min-idle-time argument for XAUTOCLAIM"
BAD_COUNT: Final = "ERR COUNT must be > 0"

# XAUTOCLAIM looks at this many pending entries for each that it may return.
TRIES_PER_ENTRY: Final = 10
MOST_CLAIMED: Final = (2**63 - 1) // 16

NOT_GIVEN: Final = -1


class Claim:
    """A claim being carried out, common to both commands.

    Attributes:
        key, stream, group, consumer: Where, and for whom.
        now_ms: Unix time.
        min_idle_ms: How long an entry must have been left alone.
        just_id: Answer with IDs, and do not count the claim as a delivery.
        changes: How many entries changed hands or were dropped.
        effects: What replicas are told.
    """

    def __init__(self, ctx: Context, argv: Argv, stream: StreamValue, group: ConsumerGroup) -> None:
        self.key: Final = argv[1]
        self.stream: Final = stream
        self.group: Final = group
        consumer = group.consumers.get(argv[3])
        if consumer is None:
            consumer = create_consumer(ctx, group, argv[1], argv[3])
        self.consumer: Consumer = consumer
        self.now_ms: int = int(ctx.now_ms())
        self.min_idle_ms: int = 0
        self.just_id = False
        self.changes: i64 = 0
        self.propagating: bool = ctx.host.propagating
        self.effects: list[list[bytes]] = []
        consumer.seen_time_ms = self.now_ms

    def is_idle(self, record: Pending) -> bool:
        """Whether an entry was left alone for long enough."""
        return not self.min_idle_ms or self.now_ms - int(record.delivery_time_ms) >= self.min_idle_ms

    def forget(self, entry_id: int) -> None:
        """Drops a pending entry that is no longer in the stream."""
        self._note(entry_id)
        self.group.acknowledge(entry_id)

    def take(self, entry_id: int, delivery_time_ms: int, delivery_count: i64) -> None:
        """Makes an entry pending for the claiming consumer."""
        self.group.assign(entry_id, self.consumer, delivery_time_ms, delivery_count)
        self.consumer.active_time_ms = self.now_ms
        self._note(entry_id)

    def _note(self, entry_id: int) -> None:
        """Counts a change, and keeps what replicas are to be told of it."""
        self.changes += 1
        if self.propagating:
            self.effects.append(claim_command(self.key, self.group, entry_id))

    def reply_for(self, entry_id: int) -> object:
        """What the client gets for an entry it now has."""
        return format_id(entry_id) if self.just_id else entry_with_id(self.stream, entry_id)

    def finish(self, ctx: Context) -> None:
        """Tells replicas what has become of it, instead of what was asked."""
        ctx.keyspace.dirty += self.changes
        ctx.propagate_as(*self.effects)


class ClaimOptions:
    """What follows the IDs of XCLAIM; NOT_GIVEN where it is left to the server."""

    def __init__(self) -> None:
        self.delivery_time_ms: int = NOT_GIVEN
        self.retry_count: int = NOT_GIVEN
        self.force = False
        self.just_id = False
        self.last_id: int = 0


def parse_claim_options(argv: Argv, start: int, now_ms: int) -> ClaimOptions:
    """Reads the options of XCLAIM from an index on."""
    options = ClaimOptions()
    i = start
    while i < len(argv):
        word = argv[i].upper()
        more = i + 1 < len(argv)
        i += 2
        if word == b"FORCE":
            options.force = True
            i -= 1
        elif word == b"JUSTID":
            options.just_id = True
            i -= 1
        elif word == b"IDLE" and more:
            options.delivery_time_ms = now_ms - integer(argv[i - 1], BAD_IDLE)
        elif word == b"TIME" and more:
            options.delivery_time_ms = integer(argv[i - 1], BAD_TIME)
        elif word == b"RETRYCOUNT" and more:
            options.retry_count = integer(argv[i - 1], BAD_RETRY_COUNT)
        elif word == b"LASTID" and more:
            options.last_id = strict_id(argv[i - 1])
        else:
            raise CommandError(f"ERR Unrecognized XCLAIM option '{printable(argv[i - 2])}'")
    # A time that makes no sense, such as one in the future, counts as now: clients' clocks are not the server's.
    if not 0 <= options.delivery_time_ms <= now_ms:
        options.delivery_time_ms = now_ms
    return options


@command(
    "XCLAIM",
    arity=-6,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="5.0.0",
    summary="Takes over pending entries, given by ID, for a consumer.",
    complexity="O(log N) for each ID, N being the group's pending entries",
    syntax="key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] "
    "[FORCE] [JUSTID] [LASTID lastid]",
    tips=[b"nondeterministic_output"],
)
def xclaim(ctx: Context, argv: Argv) -> Reply:
    value = ctx.db.lookup_counted(argv[1])
    group = group_at(value, argv[1], argv[2])
    stream = stream_of(value)
    assert stream is not None
    min_idle_ms = max(integer(argv[4], BAD_CLAIM_IDLE), 0)
    ids: list[int] = []
    for argument in argv[5:]:
        entry_id = parse_id(argument, 0)
        if entry_id == INVALID:
            break
        ids.append(entry_id)
    options = parse_claim_options(argv, 5 + len(ids), int(ctx.now_ms()))
    moved = options.last_id > group.last_id
    if moved:
        group.last_id = options.last_id
    claim = Claim(ctx, argv, stream, group)
    claim.min_idle_ms = min_idle_ms
    claim.just_id = options.just_id
    replies = claim_all(claim, ids, options)
    if moved and not claim.changes:
        claim.changes = 1
        claim.effects.append(set_id_command(argv[1], group))
    claim.finish(ctx)
    return replies


def claim_all(claim: Claim, ids: list[int], options: ClaimOptions) -> list[object]:
    """Claims what can be claimed of XCLAIM's IDs; the replies."""
    replies: list[object] = []
    for entry_id in ids:
        record = claim.group.pending.get(entry_id)
        if not claim.stream.contains(entry_id):
            if record is not None:
                claim.forget(entry_id)
            continue
        if record is None and not options.force:
            continue
        if record is not None and not claim.is_idle(record):
            continue
        # An entry that FORCE makes pending starts like one delivered once, and this claim counts as another delivery.
        count: i64 = 1 if record is None else record.delivery_count
        if options.retry_count >= 0:
            count = options.retry_count
        elif not options.just_id:
            count += 1
        claim.take(entry_id, options.delivery_time_ms, count)
        replies.append(claim.reply_for(entry_id))
    return replies


class AutoclaimOptions:
    """The arguments of XAUTOCLAIM behind the consumer."""

    def __init__(self) -> None:
        self.min_idle_ms: int = 0
        self.start: int = 0
        self.count: int = 100
        self.just_id = False


def parse_autoclaim_options(argv: Argv) -> AutoclaimOptions:
    """Reads min-idle-time, start and the options of XAUTOCLAIM."""
    options = AutoclaimOptions()
    options.min_idle_ms = max(integer(argv[4], BAD_AUTOCLAIM_IDLE), 0)
    options.start = range_start(argv[5])
    i = 6
    while i < len(argv):
        word = argv[i].upper()
        if word == b"COUNT" and i + 1 < len(argv):
            options.count = integer_between(argv[i + 1], 1, MOST_CLAIMED, BAD_COUNT)
            i += 2
        elif word == b"JUSTID":
            options.just_id = True
            i += 1
        else:
            raise CommandError(SYNTAX)
    return options


@command(
    "XAUTOCLAIM",
    arity=-6,
    flags=WRITE | FAST,
    keys=[keys(1, RW | DELETE)],
    since="6.2.0",
    summary="Takes over pending entries that were left alone for a while, for a consumer.",
    complexity="O(1) if COUNT is small",
    syntax="key group consumer min-idle-time start:string [COUNT count] [JUSTID]",
    tips=[b"nondeterministic_output"],
    history=[("7.0.0", "The reply ends with the IDs of pending entries that are no longer in the stream.")],
)
def xautoclaim(ctx: Context, argv: Argv) -> Reply:
    value = ctx.db.lookup_counted(argv[1])
    options = parse_autoclaim_options(argv)
    group = group_at(value, argv[1], argv[2])
    stream = stream_of(value)
    assert stream is not None
    claim = Claim(ctx, argv, stream, group)
    claim.min_idle_ms = options.min_idle_ms
    claim.just_id = options.just_id
    claimed: list[object] = []
    gone: list[object] = []
    left = options.count
    tries = TRIES_PER_ENTRY * options.count
    start = options.start
    while left and tries:
        ids = group.pending.ids_from(start, PORTION)
        for entry_id in ids:
            if not left or not tries:
                break
            tries -= 1
            start = entry_id + 1
            record = group.pending.by_id[entry_id]
            if not stream.contains(entry_id):
                claim.forget(entry_id)
                gone.append(format_id(entry_id))
                left -= 1
            elif claim.is_idle(record):
                count = record.delivery_count if options.just_id else record.delivery_count + 1
                claim.take(entry_id, claim.now_ms, count)
                claimed.append(claim.reply_for(entry_id))
                left -= 1
        if len(ids) < PORTION:
            break
    claim.finish(ctx)
    following = group.pending.ids_from(start, 1)
    return [format_id(following[0] if following else 0), claimed, gone]
