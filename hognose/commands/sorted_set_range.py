"""The sorted set commands that work on ranges: reading, storing, counting and removing them."""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer
from hognose.commands.flags import DELETE, DENYOOM, FAST, OW_UPDATE, READONLY, RO_ACCESS, RW, WRITE
from hognose.commands.keyspec import keys
from hognose.commands.long_reply import members_reply, scored_reply
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.zset_access import (
    limits_of,
    report_removal,
    store_result,
    zset_to_read,
    zset_to_write,
)
from hognose.commands.zset_ranges import LexRange, Range, RankRange, ScoreRange, limited
from hognose.datastructures.zset import ZSetValue
from hognose.errors import SYNTAX, CommandError

command = CommandGroup("sorted_set")

LIMIT_NEEDS_BY: Final = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
NO_SCORES_BY_LEX: Final = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"

UNSAID: Final = 0
BY_RANK: Final = 1
BY_SCORE: Final = 2
BY_LEX: Final = 3
FORWARD: Final = 1
REVERSE: Final = 2


class RangeQuery:
    """The arguments of ZRANGE and its relatives behind the key.

    Args:
        kind: BY_RANK, BY_SCORE, BY_LEX, or UNSAID if the arguments say it.
        direction: FORWARD, REVERSE, or UNSAID likewise.
        stores: Whether the result is stored, so that WITHSCORES makes no sense.
    """

    def __init__(self, kind: i64, direction: i64, stores: bool = False) -> None:
        self.kind: i64 = kind
        self.direction: i64 = direction
        self.stores = stores
        self.with_scores = False
        self.offset = 0
        self.count = -1
        self.range: Range = Range()

    def parse(self, argv: Argv, key_at: i64) -> None:
        """Reads the arguments behind the key, options before bounds, as the real server does."""
        i = key_at + 3
        size: i64 = len(argv)
        while i < size:
            word = argv[i].upper()
            if word == b"WITHSCORES" and not self.stores:
                self.with_scores = True
            elif word == b"LIMIT" and i + 2 < size:
                self.offset = integer(argv[i + 1])
                self.count = integer(argv[i + 2])
                i += 2
            elif not self._take_word(word):
                raise CommandError(SYNTAX)
            i += 1
        self._settle(argv[key_at + 1], argv[key_at + 2])

    def _take_word(self, word: bytes) -> bool:
        """Takes in an option of one word; False if it is none, or fixed by the command's name."""
        if word == b"REV" and self.direction == UNSAID:
            self.direction = REVERSE
        elif word == b"BYSCORE" and self.kind == UNSAID:
            self.kind = BY_SCORE
        elif word == b"BYLEX" and self.kind == UNSAID:
            self.kind = BY_LEX
        else:
            return False
        return True

    def _settle(self, first: bytes, last: bytes) -> None:
        """Checks the options against each other and reads the bounds."""
        if self.kind == UNSAID:
            self.kind = BY_RANK
        if self.count != -1 and self.kind == BY_RANK:
            raise CommandError(LIMIT_NEEDS_BY)
        if self.with_scores and self.kind == BY_LEX:
            raise CommandError(NO_SCORES_BY_LEX)
        reverse = self.direction == REVERSE
        if self.kind == BY_RANK:
            self.range = RankRange(first, last, reverse)
            return
        if reverse:
            first, last = last, first
        self.range = ScoreRange(first, last) if self.kind == BY_SCORE else LexRange(first, last)

    def ranks(self, zset: ZSetValue) -> tuple[int, int]:
        """Start and stop rank of what is asked for in a set."""
        start, stop = self.range.ranks(zset)
        if self.kind == BY_RANK:
            return start, stop
        return limited(start, stop, self.offset, self.count, self.direction == REVERSE)


def range_reply(ctx: Context, argv: Argv, kind: i64, direction: i64) -> Reply:
    """ZRANGE and the six commands that are special cases of it."""
    query = RangeQuery(kind, direction)
    query.parse(argv, 1)
    zset = zset_to_read(ctx, argv[1])
    if zset is None:
        return []
    start, stop = query.ranks(zset)
    members = zset.members(start, stop)
    if query.direction == REVERSE:
        members.reverse()
    if not query.with_scores:
        return members_reply(ctx, members)
    scores = zset.scores(start, stop)
    if query.direction == REVERSE:
        scores.reverse()
    return scored_reply(ctx, members, scores)


@command(
    "ZRANGE",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.2.0",
    summary="Lists the members of a range of ranks, scores or members.",
    complexity="O(log(N)+M), N the number of members, M of those listed",
    syntax="key start:string stop:string [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    history=[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")],
)
def zrange(ctx: Context, argv: Argv) -> Reply:
    return range_reply(ctx, argv, UNSAID, UNSAID)


@command(
    "ZREVRANGE",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.2.0",
    summary="Lists the members of a range of ranks, counted and listed from the highest score down.",
    complexity="O(log(N)+M), N the number of members, M of those listed",
    syntax="key start stop [WITHSCORES]",
    deprecated=("6.2.0", "`ZRANGE` with the `REV` argument"),
)
def zrevrange(ctx: Context, argv: Argv) -> Reply:
    return range_reply(ctx, argv, BY_RANK, REVERSE)


@command(
    "ZRANGEBYSCORE",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.5",
    summary="Lists the members of a range of scores.",
    complexity="O(log(N)+M), N the number of members, M of those listed",
    syntax="key min max [WITHSCORES] [LIMIT offset count]",
    history=[("2.0.0", "Added the `WITHSCORES` option.")],
    deprecated=("6.2.0", "`ZRANGE` with the `BYSCORE` argument"),
)
def zrangebyscore(ctx: Context, argv: Argv) -> Reply:
    return range_reply(ctx, argv, BY_SCORE, FORWARD)


@command(
    "ZREVRANGEBYSCORE",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.2.0",
    summary="Lists the members of a range of scores, from the highest down.",
    complexity="O(log(N)+M), N the number of members, M of those listed",
    syntax="key max min [WITHSCORES] [LIMIT offset count]",
    history=[("2.1.6", "`min` and `max` can be exclusive.")],
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"),
)
def zrevrangebyscore(ctx: Context, argv: Argv) -> Reply:
    return range_reply(ctx, argv, BY_SCORE, REVERSE)


@command(
    "ZRANGEBYLEX",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.8.9",
    summary="Lists the members between two strings, in a set whose scores are equal.",
    complexity="O(log(N)+M), N the number of members, M of those listed",
    syntax="key min:string max:string [LIMIT offset count]",
    deprecated=("6.2.0", "`ZRANGE` with the `BYLEX` argument"),
)
def zrangebylex(ctx: Context, argv: Argv) -> Reply:
    return range_reply(ctx, argv, BY_LEX, FORWARD)


@command(
    "ZREVRANGEBYLEX",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.8.9",
    summary="Lists the members between two strings from the last down, in a set whose scores are equal.",
    complexity="O(log(N)+M), N the number of members, M of those listed",
    syntax="key max:string min:string [LIMIT offset count]",
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"),
)
def zrevrangebylex(ctx: Context, argv: Argv) -> Reply:
    return range_reply(ctx, argv, BY_LEX, REVERSE)


@command(
    "ZRANGESTORE",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE), keys(2, RO_ACCESS)],
    since="6.2.0",
    summary="Stores the members of a range of ranks, scores or members in another sorted set.",
    complexity="O(log(N)+M), N the number of members, M of those stored",
    syntax="dst src min:string max:string [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
)
def zrangestore(ctx: Context, argv: Argv) -> Reply:
    query = RangeQuery(UNSAID, UNSAID, stores=True)
    query.parse(argv, 2)
    source = zset_to_read(ctx, argv[2])
    if source is None:
        return store_result(ctx, argv[1], ZSetValue(limits_of(ctx)), b"zrangestore")
    start, stop = query.ranks(source)
    expected = max(stop - start, 0) if query.kind == BY_RANK else 0
    result = ZSetValue(limits_of(ctx), expected)
    result.extend(source.members(start, stop), source.scores(start, stop))
    return store_result(ctx, argv[1], result, b"zrangestore")


def count_range(ctx: Context, key: bytes, wanted: Range) -> Reply:
    """The number of members of a range."""
    zset = zset_to_read(ctx, key)
    if zset is None:
        return 0
    start, stop = wanted.ranks(zset)
    return max(stop - start, 0)


@command(
    "ZCOUNT",
    arity=4,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Counts the members of a range of scores.",
    complexity="O(log(N)), N the number of members",
    syntax="key min max",
)
def zcount(ctx: Context, argv: Argv) -> Reply:
    return count_range(ctx, argv[1], ScoreRange(argv[2], argv[3]))


@command(
    "ZLEXCOUNT",
    arity=4,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.8.9",
    summary="Counts the members between two strings, in a set whose scores are equal.",
    complexity="O(log(N)), N the number of members",
    syntax="key min:string max:string",
)
def zlexcount(ctx: Context, argv: Argv) -> Reply:
    return count_range(ctx, argv[1], LexRange(argv[2], argv[3]))


def remove_range(ctx: Context, key: bytes, wanted: Range, event: bytes) -> Reply:
    """Removes the members of a range and tells how many there were."""
    zset = zset_to_write(ctx, key)
    if zset is None:
        return 0
    start, stop = wanted.ranks(zset)
    removed = zset.remove_ranks(start, stop)
    if removed > 0:
        report_removal(ctx, key, zset, event, removed)
    return removed


@command(
    "ZREMRANGEBYRANK",
    arity=4,
    flags=WRITE,
    keys=[keys(1, RW | DELETE)],
    since="2.0.0",
    summary="Removes the members of a range of ranks; the key goes with the last one.",
    complexity="O(log(N)+M), N the number of members, M of those removed",
    syntax="key start stop",
)
def zremrangebyrank(ctx: Context, argv: Argv) -> Reply:
    return remove_range(ctx, argv[1], RankRange(argv[2], argv[3]), b"zremrangebyrank")


@command(
    "ZREMRANGEBYSCORE",
    arity=4,
    flags=WRITE,
    keys=[keys(1, RW | DELETE)],
    since="1.2.0",
    summary="Removes the members of a range of scores; the key goes with the last one.",
    complexity="O(log(N)+M), N the number of members, M of those removed",
    syntax="key min max",
)
def zremrangebyscore(ctx: Context, argv: Argv) -> Reply:
    return remove_range(ctx, argv[1], ScoreRange(argv[2], argv[3]), b"zremrangebyscore")


@command(
    "ZREMRANGEBYLEX",
    arity=4,
    flags=WRITE,
    keys=[keys(1, RW | DELETE)],
    since="2.8.9",
    summary="Removes the members between two strings, in a set whose scores are equal.",
    complexity="O(log(N)+M), N the number of members, M of those removed",
    syntax="key min:string max:string",
)
def zremrangebylex(ctx: Context, argv: Argv) -> Reply:
    return remove_range(ctx, argv[1], LexRange(argv[2], argv[3]), b"zremrangebylex")
