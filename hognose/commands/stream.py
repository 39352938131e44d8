"""The stream commands on entries: adding, deleting, trimming, counting, ranges.

Elsewhere: reading and waiting (`stream_read`), groups (`stream_groups`, `stream_claim`), XINFO (`stream_info`).
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer
from hognose.commands.context import REPLICATION_LINK
from hognose.commands.flags import DELETE, DENYOOM, FAST, READONLY, RO, RO_ACCESS, RW, RW_UPDATE, WRITE
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.stream_arguments import (
    range_end,
    range_reply,
    range_start,
    stream_of,
    stream_ready,
    strict_id,
)
from hognose.datastructures.stream import MAX_ENTRY_BYTES, StreamValue
from hognose.datastructures.stream_id import INVALID, MAX_ID, MAX_U64, format_id, parse_u64
from hognose.errors import NO_SUCH_KEY, SYNTAX, CommandError, wrong_number_of_arguments
from hognose.keyspace.events import STREAM
from hognose.resp.reply import NULL_ARRAY, OK

command = CommandGroup("stream")

TWO_STRATEGIES: Final = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
NEGATIVE_MAXLEN: Final = "ERR The MAXLEN argument must be >= 0."
NEGATIVE_LIMIT: Final = "ERR The LIMIT argument must be >= 0."
LIMIT_ALONE: Final = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
LIMIT_EXACT: Final = "ERR syntax error, LIMIT cannot be used without the special ~ option"
NO_STRATEGY: Final = "ERR syntax error, XTRIM must be called with a trimming strategy"
ZERO_ID: Final = "ERR The ID specified in XADD must be greater than 0-0"
EXHAUSTED: Final = "ERR The stream has exhausted the last possible ID, unable to add more items"
ID_TOO_SMALL: Final = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
TOO_LARGE: Final = "ERR Elements are too large to be stored"

NO_TRIM: Final = 0
MAXLEN: Final = 1
MINID: Final = 2

# An approximate trim without LIMIT removes so many blocks' worth of entries at most, within these bounds.
TRIM_BLOCKS: Final = 100
TRIM_ENTRIES_DEFAULT: Final = 10_000
TRIM_ENTRIES_MOST: Final = 1_000_000


class TrimOptions:
    """The trimming options of XADD and XTRIM.

    Attributes:
        strategy: NO_TRIM, MAXLEN or MINID.
        max_length: How many entries may stay.
        min_id: The lowest ID that may stay.
        approximate: Whether `~` was said.
        limit: How many entries to remove at most; 0 is no limit.
        threshold_at: Index of the length or ID among the arguments.
        create: Whether the stream may be created (no NOMKSTREAM).
        next_at: Index of the first argument behind the options.
    """

    def __init__(self) -> None:
        self.strategy: i64 = NO_TRIM
        self.max_length: i64 = 0
        self.min_id: int = 0
        self.approximate = False
        self.limit: i64 = 0
        self.limit_given = False
        self.threshold_at: i64 = 0
        self.create = True
        self.next_at: i64 = 2

    def take_threshold(self, argv: Argv, strategy: i64) -> None:
        """Reads MAXLEN or MINID and what follows it; `next_at` stands at the word."""
        if self.strategy != NO_TRIM:
            raise CommandError(TWO_STRATEGIES)
        at = self.next_at + 1
        self.approximate = False
        if at + 1 < len(argv) and argv[at] in {b"~", b"="}:
            self.approximate = argv[at] == b"~"
            at += 1
        if strategy == MAXLEN:
            self.max_length = integer(argv[at])
            if self.max_length < 0:
                raise CommandError(NEGATIVE_MAXLEN)
        else:
            self.min_id = strict_id(argv[at])
        self.strategy = strategy
        self.threshold_at = at
        self.next_at = at + 1

    def take_limit(self, argv: Argv) -> None:
        """Reads LIMIT and its number; `next_at` stands at the word."""
        self.limit = integer(argv[self.next_at + 1])
        if self.limit < 0:
            raise CommandError(NEGATIVE_LIMIT)
        self.limit_given = True
        self.next_at += 2

    def settle_limit(self, ctx: Context) -> None:
        """Checks LIMIT against the other options and fills in what it is by default."""
        if self.limit and self.strategy == NO_TRIM:
            raise CommandError(LIMIT_ALONE)
        if ctx.attention & REPLICATION_LINK:
            # The primary has trimmed already and says by how much: here it is carried out to the letter.
            self.limit = 0
        elif self.limit_given:
            if not self.approximate:
                raise CommandError(LIMIT_EXACT)
        elif self.approximate:
            wanted = TRIM_BLOCKS * ctx.host.settings.stream_node_max_entries
            self.limit = min(wanted, TRIM_ENTRIES_MOST) if wanted > 0 else TRIM_ENTRIES_DEFAULT

    def trim(self, stream: StreamValue) -> i64:
        """Trims; how many entries were removed."""
        if self.strategy == MAXLEN:
            return stream.trim_to_length(self.max_length, self.approximate, self.limit)
        return stream.trim_below_id(self.min_id, self.approximate, self.limit)

    def exact_command(self, argv: Argv, stream: StreamValue) -> Argv:
        """The command with an exact trim to what an approximate one has left, for replicas."""
        rewritten = argv.copy()
        rewritten[self.threshold_at - 1] = b"="
        if self.strategy == MAXLEN:
            rewritten[self.threshold_at] = b"%d" % stream.length()
        else:
            rewritten[self.threshold_at] = format_id(stream.blocks[0].first_id if stream.blocks else MAX_ID)
        return rewritten


def parse_add_options(ctx: Context, argv: Argv) -> TrimOptions:
    """Reads the options of XADD, up to the ID, at which `next_at` then stands."""
    options = TrimOptions()
    while options.next_at < len(argv):
        word = argv[options.next_at]
        if word == b"*":
            break
        more = options.next_at + 1 < len(argv)
        upper = word.upper()
        if upper == b"MAXLEN" and more:
            options.take_threshold(argv, MAXLEN)
        elif upper == b"MINID" and more:
            options.take_threshold(argv, MINID)
        elif upper == b"LIMIT" and more:
            options.take_limit(argv)
        elif upper == b"NOMKSTREAM":
            options.create = False
            options.next_at += 1
        else:
            check_added_id(word)
            break
    options.settle_limit(ctx)
    return options


def check_added_id(text: bytes) -> None:
    """Refuses what is neither an ID nor `MS-*`; the error comes before any about the options' combination."""
    if text.endswith(b"-*") and parse_u64(text[:-2]) != INVALID:
        return
    strict_id(text)


def added_id(stream: StreamValue | None, text: bytes, now_ms: i64) -> tuple[int, int]:
    """The ID for a new entry: as given, or with the parts generated that are left to the server.

    Args:
        stream: Where it goes; None if that is yet to be created.
        text: The ID argument of XADD, already checked.
        now_ms: Unix time in ms.

    Returns:
        Its milliseconds and sequence.

    Raises:
        CommandError: It is not above the last one, or there are no IDs left.
    """
    last_ms = 0 if stream is None else stream.last_ms
    last_seq = 0 if stream is None else stream.last_seq
    if last_ms == MAX_U64 and last_seq == MAX_U64:
        raise CommandError(EXHAUSTED)
    if text == b"*":
        return (int(now_ms), 0) if stream is None else stream.next_id(now_ms)
    if text.endswith(b"-*"):
        ms = parse_u64(text[:-2])
        seq = 0
        if ms == last_ms:
            if last_seq == MAX_U64:
                raise CommandError(ID_TOO_SMALL)
            seq = last_seq + 1
    else:
        entry_id = strict_id(text)
        ms = entry_id >> 64
        seq = entry_id & MAX_U64
    if ms < last_ms or (ms == last_ms and seq <= last_seq):
        raise CommandError(ID_TOO_SMALL)
    return ms, seq


@command(
    "XADD",
    arity=-5,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="5.0.0",
    summary="Adds an entry to a stream, which is created where there is none, and may trim the stream.",
    complexity="O(1) to add; when trimming, O(N) in the entries removed",
    syntax="key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]",
    tips=[b"nondeterministic_output"],
    history=[
        ("6.2.0", "Added `NOMKSTREAM`, `MINID` and `LIMIT`."),
        ("7.0.0", "IDs of the form `<ms>-*` are understood."),
    ],
)
def xadd(ctx: Context, argv: Argv) -> Reply:
    options: TrimOptions | None = None
    id_at: i64 = 2
    if argv[2] != b"*":
        options = parse_add_options(ctx, argv)
        id_at = options.next_at
    first = id_at + 1
    if len(argv) - first < 2 or (len(argv) - first) & 1:
        raise wrong_number_of_arguments("xadd")
    id_text = argv[id_at]
    if options is not None and id_text != b"*" and not id_text.endswith(b"-*") and strict_id(id_text) == 0:
        raise CommandError(ZERO_ID)
    key = argv[1]
    stream = stream_of(ctx.db.lookup_write(key))
    if stream is None and options is not None and not options.create:
        return None
    ms, seq = added_id(stream, id_text, ctx.now_ms())
    check_entry_size(argv, first)
    if stream is None:
        stream = StreamValue()
        ctx.db.set(key, stream)
    settings = ctx.host.settings
    stream.append_at(ms, seq, argv, first, settings.stream_node_max_bytes, settings.stream_node_max_entries)
    ctx.db.changed(STREAM, b"xadd", key)
    id_reply = stream.last_id_text()
    trimming = options is not None and options.strategy != NO_TRIM
    if trimming:
        assert options is not None
        if options.trim(stream):
            ctx.db.notify(STREAM, b"xtrim", key)
    if ctx.host.propagating:
        rewritten = argv.copy()
        if trimming and options is not None and options.approximate:
            rewritten = options.exact_command(argv, stream)
        rewritten[id_at] = id_reply
        ctx.propagate_as(rewritten)
    stream_ready(ctx, key)
    return id_reply


def check_entry_size(argv: Argv, first: i64) -> None:
    """Refuses an entry that is too large for a block."""
    size: i64 = 0
    for index in range(first, len(argv)):
        size += len(argv[index])
    if size > MAX_ENTRY_BYTES:
        raise CommandError(TOO_LARGE)


def parse_trim_options(ctx: Context, argv: Argv) -> TrimOptions:
    """Reads the options of XTRIM, which are all it has behind the key."""
    options = TrimOptions()
    while options.next_at < len(argv):
        more = options.next_at + 1 < len(argv)
        upper = argv[options.next_at].upper()
        if upper == b"MAXLEN" and more:
            options.take_threshold(argv, MAXLEN)
        elif upper == b"MINID" and more:
            options.take_threshold(argv, MINID)
        elif upper == b"LIMIT" and more:
            options.take_limit(argv)
        else:
            raise CommandError(SYNTAX)
    if options.limit and options.strategy == NO_TRIM:
        raise CommandError(LIMIT_ALONE)
    if options.strategy == NO_TRIM:
        raise CommandError(NO_STRATEGY)
    options.settle_limit(ctx)
    return options


@command(
    "XTRIM",
    arity=-4,
    flags=WRITE,
    keys=[keys(1, RW | DELETE)],
    since="5.0.0",
    summary="Removes the oldest entries of a stream.",
    complexity="O(N) in the entries removed, with a very small constant: whole blocks are dropped at once",
    syntax="key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]",
    tips=[b"nondeterministic_output"],
    history=[("6.2.0", "Added `MINID` and `LIMIT`.")],
)
def xtrim(ctx: Context, argv: Argv) -> Reply:
    options = parse_trim_options(ctx, argv)
    stream = stream_of(ctx.db.lookup_write(argv[1]))
    if stream is None:
        return 0
    removed = options.trim(stream)
    if removed:
        ctx.db.changed(STREAM, b"xtrim", argv[1])
        ctx.keyspace.dirty += removed - 1
        if options.approximate:
            ctx.propagate_as(options.exact_command(argv, stream))
    return removed


@command(
    "XDEL",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW | DELETE)],
    since="5.0.0",
    summary="Deletes single entries of a stream; returns how many there were.",
    complexity="O(1) for each ID, whatever the stream's size",
    syntax="key id [id ...]",
)
def xdel(ctx: Context, argv: Argv) -> Reply:
    stream = stream_of(ctx.db.lookup_write(argv[1]))
    if stream is None:
        return 0
    ids = [strict_id(argument) for argument in argv[2:]]
    deleted: i64 = 0
    for entry_id in ids:
        if stream.delete(entry_id):
            deleted += 1
    if deleted:
        ctx.db.changed(STREAM, b"xdel", argv[1])
        ctx.keyspace.dirty += deleted - 1
    return deleted


@command(
    "XLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="5.0.0",
    summary="Returns how many entries a stream has.",
    syntax="key",
)
def xlen(ctx: Context, argv: Argv) -> Reply:
    stream = stream_of(ctx.db.lookup_read(argv[1]))
    return 0 if stream is None else stream.length()


def answer_range(ctx: Context, argv: Argv, start: int, end: int, backward: bool) -> Reply:
    """XRANGE and XREVRANGE behind the parsing of their range."""
    count = -1
    i = 4
    while i < len(argv):
        if i + 1 == len(argv) or argv[i].upper() != b"COUNT":
            raise CommandError(SYNTAX)
        count = max(integer(argv[i + 1]), 0)
        i += 2
    stream = stream_of(ctx.db.lookup_read(argv[1]))
    if stream is None:
        return []
    if count == 0:
        return NULL_ARRAY
    return range_reply(ctx, stream, start, end, max(count, 0), backward)[0]


@command(
    "XRANGE",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="5.0.0",
    summary="Returns the entries of a stream between two IDs.",
    complexity="O(N) in the entries returned; O(1) when that number is bounded by COUNT",
    syntax="key start:string end:string [COUNT count]",
    history=[("6.2.0", "An end of the range can be left out of it by `(`.")],
)
def xrange(ctx: Context, argv: Argv) -> Reply:
    start = range_start(argv[2])
    return answer_range(ctx, argv, start, range_end(argv[3]), backward=False)


@command(
    "XREVRANGE",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="5.0.0",
    summary="Returns the entries of a stream between two IDs, the newest first.",
    complexity="O(N) in the entries returned; O(1) when that number is bounded by COUNT",
    syntax="key end:string start:string [COUNT count]",
    history=[("6.2.0", "An end of the range can be left out of it by `(`.")],
)
def xrevrange(ctx: Context, argv: Argv) -> Reply:
    start = range_start(argv[3])
    return answer_range(ctx, argv, start, range_end(argv[2]), backward=True)


class SetIdOptions:
    """The options of XSETID; -1 and 0 where they are not given."""

    def __init__(self) -> None:
        self.entries_added = -1
        self.max_deleted_id = 0


def parse_set_id_options(argv: Argv, last_id: int) -> SetIdOptions:
    """Reads what follows XSETID's ID."""
    options = SetIdOptions()
    i = 3
    while i < len(argv):
        word = argv[i].upper()
        if i + 1 == len(argv):
            raise CommandError(SYNTAX)
        if word == b"ENTRIESADDED":
            options.entries_added = integer(argv[i + 1])
            if options.entries_added < 0:
                raise CommandError("ERR entries_added must be positive")
        elif word == b"MAXDELETEDID":
            options.max_deleted_id = strict_id(argv[i + 1])
            if last_id < options.max_deleted_id:
                text = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
                raise CommandError(text)
        else:
            raise CommandError(SYNTAX)
        i += 2
    return options


@command(
    "XSETID",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="5.0.0",
    summary="Sets a stream's last ID and counters; replication and rewritten append-only files need it.",
    syntax="key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
    history=[("7.0.0", "Added `ENTRIESADDED` and `MAXDELETEDID`.")],
)
def xsetid(ctx: Context, argv: Argv) -> Reply:
    last_id = strict_id(argv[2])
    options = parse_set_id_options(argv, last_id)
    stream = stream_of(ctx.db.lookup_write(argv[1]))
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    if last_id < stream.max_deleted_id:
        raise CommandError("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    if stream.length() > 0:
        if last_id < stream.last_live_id():
            raise CommandError("ERR The ID specified in XSETID is smaller than the target stream top item")
        if options.entries_added != -1 and int(stream.length()) > options.entries_added:
            text = "ERR The entries_added specified in XSETID is smaller than the target stream length"
            raise CommandError(text)
    stream.last_id = last_id
    if options.entries_added != -1:
        stream.entries_added = options.entries_added
    if options.max_deleted_id:
        stream.max_deleted_id = options.max_deleted_id
    ctx.keyspace.dirty += 1
    ctx.db.notify(STREAM, b"xsetid", argv[1])
    return OK
