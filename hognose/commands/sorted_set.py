"""The sorted set commands that work on members: adding, removing, scores, ranks, random members, scanning.

Not here: ranges (`sorted_set_range`), pops (`sorted_set_pop`), unions, intersections and differences
(`sorted_set_algebra`).
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, floating, integer, integer_between
from hognose.commands.flags import (
    DELETE,
    DENYOOM,
    FAST,
    READONLY,
    RO,
    RO_ACCESS,
    RW,
    RW_ACCESS_UPDATE,
    RW_UPDATE,
    WRITE,
)
from hognose.commands.keyspec import keys
from hognose.commands.long_reply import Draws, drawn_reply
from hognose.commands.scan import STEPS_PER_COUNT, parse_cursor, parse_scan_options, scan_reply
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.zset_access import (
    limits_of,
    pairs_reply,
    report,
    report_removal,
    zset_to_read,
    zset_to_write,
)
from hognose.datastructures.numbers import format_double
from hognose.datastructures.zset import ADDED, GT, INCR, LT, NOT_A_NUMBER, NX, SKIPPED, UPDATED, XX, ZSetValue
from hognose.errors import OUT_OF_RANGE, SYNTAX, CommandError, wrong_number_of_arguments
from hognose.resp.reply import NULL_ARRAY

command = CommandGroup("sorted_set")

XX_AND_NX: Final = "ERR XX and NX options at the same time are not compatible"
GT_LT_NX: Final = "ERR GT, LT, and/or NX options at the same time are not compatible"
INCR_TAKES_ONE_PAIR: Final = "ERR INCR option supports a single increment-element pair"
SCORE_NOT_A_NUMBER: Final = "ERR resulting score is not a number (NaN)"
RANDOM_COUNT_RANGE: Final = f"ERR value is out of range, value must between -{I64_MAX} and {I64_MAX}"

CH: Final = 1 << 8
"""Beside the conditions of `ZSetValue.add`: the reply counts updated members too."""
ADD_OPTIONS: Final[dict[bytes, int]] = {b"NX": NX, b"XX": XX, b"GT": GT, b"LT": LT, b"INCR": INCR, b"CH": CH}
LETTERS: Final = ord("A")
"""From this byte on an argument may be an option; digits, signs and the point come before it."""


def add_members(ctx: Context, argv: Argv, conditions: i64) -> Reply:
    """ZADD, ZINCRBY (with INCR) and what GEOADD becomes.

    All scores are parsed before anything changes.
    """
    at: i64 = 2
    count: i64 = len(argv)
    while at < count and len(argv[at]) > 0 and argv[at][0] >= LETTERS:
        option = ADD_OPTIONS.get(argv[at].upper())
        if option is None:
            break
        conditions |= option
        at += 1
    check_add_options(count - at, conditions)
    scores = vec[float](capacity=(count - at) >> 1)
    i: i64 = at
    while i < count:
        scores = append(scores, floating(argv[i]))
        i += 2
    return apply_add(ctx, argv, at, scores, conditions)


def check_add_options(arguments: i64, conditions: i64) -> None:
    """Refuses options of ZADD that contradict each other, or arguments that are no pairs."""
    if arguments == 0 or arguments & 1:
        raise CommandError(SYNTAX)
    if conditions & NX and conditions & XX:
        raise CommandError(XX_AND_NX)
    if (conditions & NX and conditions & (GT | LT)) or conditions & (GT | LT) == GT | LT:
        raise CommandError(GT_LT_NX)
    if conditions & INCR and arguments > 2:
        raise CommandError(INCR_TAKES_ONE_PAIR)


def apply_add(ctx: Context, argv: Argv, at: i64, scores: vec[float], conditions: i64) -> Reply:
    """Adds the members that stand behind the scores in `argv`, from the score at index `at` on."""
    key = argv[1]
    zset = zset_to_write(ctx, key)
    if zset is None:
        if conditions & XX:
            return None if conditions & INCR else 0
        zset = ZSetValue(limits_of(ctx), len(scores), len(argv[at + 1]))
        ctx.db.set(key, zset)
    else:
        zset.expect(len(scores))
    added: i64 = 0
    updated: i64 = 0
    outcome: i64 = SKIPPED
    result = 0.0
    at += 1
    for score in scores:
        outcome, result = zset.add(argv[at], score, conditions)
        if outcome == ADDED:
            added += 1
        elif outcome == UPDATED:
            updated += 1
        at += 2
    if outcome == NOT_A_NUMBER:
        raise CommandError(SCORE_NOT_A_NUMBER)
    if added + updated > 0:
        report(ctx, key, b"zincr" if conditions & INCR else b"zadd", added + updated)
    if conditions & INCR:
        return None if outcome == SKIPPED else result
    return added + updated if conditions & CH else added


@command(
    "ZADD",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="1.2.0",
    summary="Adds members to a sorted set, or updates the scores of members already there.",
    complexity="O(log(N)) per member, N the number of members",
    syntax="key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    history=[
        ("2.4.0", "Takes several members."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ],
)
def zadd(ctx: Context, argv: Argv) -> Reply:
    return add_members(ctx, argv, 0)


@command(
    "ZINCRBY",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="1.2.0",
    summary="Adds to the score of a member, which is created with that score if it is missing.",
    complexity="O(log(N)), N the number of members",
    syntax="key increment member",
)
def zincrby(ctx: Context, argv: Argv) -> Reply:
    return add_members(ctx, argv, INCR)


@command(
    "ZREM",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW | DELETE)],
    since="1.2.0",
    summary="Removes members from a sorted set; the key goes with the last one.",
    complexity="O(M*log(N)), N the number of members, M of those removed",
    syntax="key member [member ...]",
    history=[("2.4.0", "Takes several members.")],
)
def zrem(ctx: Context, argv: Argv) -> Reply:
    zset = zset_to_write(ctx, argv[1])
    if zset is None:
        return 0
    removed = 0
    for i in range(2, len(argv)):
        if zset.remove(argv[i]):
            removed += 1
            if zset.length() == 0:
                break
    if removed:
        report_removal(ctx, argv[1], zset, b"zrem", removed)
    return removed


@command(
    "ZCARD",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="1.2.0",
    summary="Counts the members of a sorted set.",
    syntax="key",
)
def zcard(ctx: Context, argv: Argv) -> Reply:
    zset = zset_to_read(ctx, argv[1])
    return 0 if zset is None else zset.length()


@command(
    "ZSCORE",
    arity=3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="1.2.0",
    summary="Tells the score of a member.",
    syntax="key member",
)
def zscore(ctx: Context, argv: Argv) -> Reply:
    zset = zset_to_read(ctx, argv[1])
    return None if zset is None else score_or_none(zset, argv[2])


def score_or_none(zset: ZSetValue, member: bytes) -> float | None:
    """The score of a member, None if it is not there."""
    found, score = zset.score(member)
    return score if found else None


@command(
    "ZMSCORE",
    arity=-3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="6.2.0",
    summary="Tells the scores of several members.",
    complexity="O(N), N the number of members asked for",
    syntax="key member [member ...]",
)
def zmscore(ctx: Context, argv: Argv) -> Reply:
    zset = zset_to_read(ctx, argv[1])
    return [None if zset is None else score_or_none(zset, argv[i]) for i in range(2, len(argv))]


def rank_reply(ctx: Context, argv: Argv, reverse: bool) -> Reply:
    """ZRANK and ZREVRANK."""
    if len(argv) > 4:
        raise wrong_number_of_arguments(ctx.command_name())
    with_score = len(argv) == 4
    if with_score and argv[3].upper() != b"WITHSCORE":
        raise CommandError(SYNTAX)
    missing: Reply = NULL_ARRAY if with_score else None
    zset = zset_to_read(ctx, argv[1])
    if zset is None:
        return missing
    rank, score = zset.rank(argv[2])
    if rank < 0:
        return missing
    if reverse:
        rank = zset.length() - 1 - rank
    return [rank, score] if with_score else rank


@command(
    "ZRANK",
    arity=-3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Tells how many members come before a member, in ascending order.",
    complexity="O(log(N)), N the number of members",
    syntax="key member [WITHSCORE]",
    history=[("7.2.0", "Added the `WITHSCORE` option.")],
)
def zrank(ctx: Context, argv: Argv) -> Reply:
    return rank_reply(ctx, argv, reverse=False)


@command(
    "ZREVRANK",
    arity=-3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Tells how many members come before a member, in descending order.",
    complexity="O(log(N)), N the number of members",
    syntax="key member [WITHSCORE]",
    history=[("7.2.0", "Added the `WITHSCORE` option.")],
)
def zrevrank(ctx: Context, argv: Argv) -> Reply:
    return rank_reply(ctx, argv, reverse=True)


@command(
    "ZRANDMEMBER",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="6.2.0",
    summary="Picks members of a sorted set by chance: different ones, or with a negative count independent ones.",
    complexity="O(M*log(N)), M the number of members picked",
    syntax="key [count [WITHSCORES]]",
    tips=[b"nondeterministic_output"],
)
def zrandmember(ctx: Context, argv: Argv) -> Reply:
    if len(argv) == 2:
        zset = zset_to_read(ctx, argv[1])
        return None if zset is None else zset.member_at(ctx.host.random.randrange(zset.length()))
    count = integer_between_or_default(argv[2])
    with_scores = len(argv) == 4
    if len(argv) > 4 or (with_scores and argv[3].upper() != b"WITHSCORES"):
        raise CommandError(SYNTAX)
    if with_scores and abs(count) > I64_MAX // 2:
        raise CommandError(OUT_OF_RANGE)
    zset = zset_to_read(ctx, argv[1])
    if zset is None:
        return []
    return random_members(ctx, zset, count, with_scores)


def integer_between_or_default(argument: bytes) -> int:
    """The count of ZRANDMEMBER: any integer but the least, whose negative there is not."""
    return integer_between(argument, -I64_MAX, I64_MAX, RANDOM_COUNT_RANGE) if integer(argument) else 0


def random_members(ctx: Context, zset: ZSetValue, count: int, with_scores: bool) -> Reply:
    """The members ZRANDMEMBER picks."""
    length = zset.length()
    if count < 0:
        return drawn_reply(ctx, RankDraws(ctx, zset, with_scores), -count, 2 if with_scores and ctx.resp == 2 else 1)
    if count >= length:
        members = zset.members(0, length)
        return pairs_reply(ctx, members, zset.scores(0, length)) if with_scores else members
    return members_at(ctx, zset, distinct_ranks(ctx, length, count), with_scores)


def members_at(ctx: Context, zset: ZSetValue, ranks: list[int], with_scores: bool) -> list[object]:
    """The members at some ranks as ZRANDMEMBER answers them."""
    members = [zset.member_at(rank) for rank in ranks]
    if not with_scores:
        return list(members)
    return pairs_reply(ctx, members, [zset.score_at(rank) for rank in ranks])


class RankDraws(Draws):
    """Members of a sorted set, each drawn from all of them."""

    def __init__(self, ctx: Context, zset: ZSetValue, with_scores: bool) -> None:
        self._ctx: Final = ctx
        self._zset: Final = zset
        self._with_scores: Final = with_scores

    def draw(self, count: i64) -> list[object]:
        """The elements of so many draws."""
        ranks = random_ranks(self._ctx, self._zset.length(), int(count))
        return members_at(self._ctx, self._zset, ranks, self._with_scores)


def random_ranks(ctx: Context, length: i64, count: int) -> list[int]:
    """So many numbers below `length`, each drawn anew."""
    random = ctx.host.random
    return [random.randrange(length) for _ in range(count)]


def distinct_ranks(ctx: Context, length: i64, count: i64) -> list[int]:
    """So many different numbers below `length`, every choice equally likely (Floyd's sampling). O(count)."""
    random = ctx.host.random
    chosen: dict[int, bool] = {}
    for upper in range(length - count, length):
        rank: int = random.randrange(upper + 1)
        chosen[upper if rank in chosen else rank] = True
    return list(chosen)


@command(
    "ZSCAN",
    arity=-3,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.8.0",
    summary="Lists the members of a sorted set and their scores a few at a time.",
    complexity="O(1) a call, O(N) for all calls of a scan of N members.",
    syntax="key cursor [MATCH pattern] [COUNT count]",
    tips=[b"nondeterministic_output"],
)
def zscan(ctx: Context, argv: Argv) -> Reply:
    cursor = parse_cursor(argv[2])
    zset = zset_to_read(ctx, argv[1])
    if zset is None:
        return scan_reply(0, [])
    options = parse_scan_options(argv, 3, of_keys=False)
    members: list[bytes] = []
    scores: list[float] = []
    steps: i64 = STEPS_PER_COUNT * min(options.count, zset.length())
    while True:
        cursor = zset.scan(cursor, options.count - len(members), members, scores)
        steps -= 1
        if cursor == 0 or len(members) >= options.count or steps == 0:
            break
    packed = zset.encoding() == b"listpack"
    glob = options.glob
    found: list[bytes] = []
    for i in range(len(members)):
        if glob is None or glob.matches(members[i]):
            found.append(members[i])
            found.append(format_double(scores[i]) if packed else scanned_score(scores[i]))
    return scan_reply(cursor, found)


def scanned_score(score: float) -> bytes:
    """A score as ZSCAN of a large set prints it: with 17 digits, unlike everywhere else."""
    return b"%.17g" % score
