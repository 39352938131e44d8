"""The sorted set commands that take members off an end, and their blocking forms.

A blocking command that finds nothing waits for one of its keys (`blocking`) and runs again, from the start, once one
may have come to life. What goes to the AOF and the replicas is always a plain ZPOPMIN or ZPOPMAX.
"""

from typing import Final

from hognose.commands.arguments import I64_MAX, integer_between
from hognose.commands.blocking import timeout_deadline, wait_for_keys
from hognose.commands.flags import BLOCKING, FAST, RW_ACCESS_DELETE, WRITE
from hognose.commands.keyspec import keynum, keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.zset_access import report_removal, zset_to_write
from hognose.datastructures.zset import ZSetValue
from hognose.errors import SYNTAX, VALUE_MUST_BE_POSITIVE, CommandError
from hognose.resp.reply import NULL_ARRAY

command = CommandGroup("sorted_set")

NUMKEYS_NOT_POSITIVE: Final = "ERR numkeys should be greater than 0"
COUNT_NOT_POSITIVE: Final = "ERR count should be greater than 0"


def pop(ctx: Context, key: bytes, zset: ZSetValue, count: int, highest: bool) -> tuple[list[bytes], list[float]]:
    """Takes members off an end of a set that has some, and reports it.

    Args:
        ctx: The client.
        key: The set's key.
        zset: The set.
        count: How many at most, at least 1.
        highest: From which end.

    Returns:
        The members and their scores, the outermost first.
    """
    length: int = zset.length()
    taken = min(count, length)
    start = length - taken if highest else 0
    members = zset.members(start, start + taken)
    scores = zset.scores(start, start + taken)
    zset.remove_ranks(start, start + taken)
    if highest:
        members.reverse()
        scores.reverse()
    report_removal(ctx, key, zset, b"zpopmax" if highest else b"zpopmin", taken)
    return members, scores


def pairs(members: list[bytes], scores: list[float]) -> list[object]:
    """A list of [member, score]."""
    reply: list[object] = []
    for i in range(len(members)):
        pair: list[object] = [members[i], scores[i]]
        reply.append(pair)
    return reply


def pop_reply(ctx: Context, argv: Argv, highest: bool) -> Reply:
    """ZPOPMIN and ZPOPMAX."""
    if len(argv) > 3:
        raise CommandError(SYNTAX)
    count = integer_between(argv[2], 0, I64_MAX, VALUE_MUST_BE_POSITIVE) if len(argv) == 3 else 1
    zset = zset_to_write(ctx, argv[1])
    if zset is None or count == 0:
        return []
    members, scores = pop(ctx, argv[1], zset, count, highest)
    if ctx.resp == 3 and len(argv) == 3:
        return pairs(members, scores)
    reply: list[object] = []
    for i in range(len(members)):
        reply.append(members[i])
        reply.append(scores[i])
    return reply


@command(
    "ZPOPMIN",
    arity=-2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE)],
    since="5.0.0",
    summary="Takes the members with the lowest scores out of a sorted set; the key goes with the last one.",
    complexity="O(M*log(N)), N the number of members, M of those taken",
    syntax="key [count]",
)
def zpopmin(ctx: Context, argv: Argv) -> Reply:
    return pop_reply(ctx, argv, highest=False)


@command(
    "ZPOPMAX",
    arity=-2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE)],
    since="5.0.0",
    summary="Takes the members with the highest scores out of a sorted set; the key goes with the last one.",
    complexity="O(M*log(N)), N the number of members, M of those taken",
    syntax="key [count]",
)
def zpopmax(ctx: Context, argv: Argv) -> Reply:
    return pop_reply(ctx, argv, highest=True)


class PopQuery:
    """The arguments of ZMPOP and BZMPOP from the number of keys on.

    Args:
        argv: The request.
        at: The index of the number of keys.
    """

    def __init__(self, argv: Argv, at: int) -> None:
        numkeys = integer_between(argv[at], 1, I64_MAX, NUMKEYS_NOT_POSITIVE)
        end = at + numkeys + 1
        if end >= len(argv):
            raise CommandError(SYNTAX)
        self.keys: list[bytes] = argv[at + 1 : end]
        word = argv[end].upper()
        if word not in {b"MIN", b"MAX"}:
            raise CommandError(SYNTAX)
        self.highest = word == b"MAX"
        self.count = 1
        if len(argv) > end + 1:
            if argv[end + 1].upper() != b"COUNT" or len(argv) < end + 3:
                raise CommandError(SYNTAX)
            self.count = integer_between(argv[end + 2], 1, I64_MAX, COUNT_NOT_POSITIVE)
        if len(argv) > end + 3:
            raise CommandError(SYNTAX)


def pop_first(ctx: Context, query: PopQuery) -> Reply:
    """Pops from the first of the keys that holds a set: [key, pairs], or None where none does."""
    for key in query.keys:
        zset = zset_to_write(ctx, key)
        if zset is not None:
            members, scores = pop(ctx, key, zset, query.count, query.highest)
            name = b"ZPOPMAX" if query.highest else b"ZPOPMIN"
            ctx.propagate_as([name, key, str(len(members)).encode()])
            return [key, pairs(members, scores)]
    return None


@command(
    "ZMPOP",
    arity=-4,
    flags=WRITE,
    keys=[keynum(1, RW_ACCESS_DELETE)],
    since="7.0.0",
    summary="Takes members off an end of the first of several sorted sets that there is.",
    complexity="O(K) + O(M*log(N)), K the number of keys, N the number of members, M of those taken",
    syntax="numkeys key [key ...] <MIN | MAX> [COUNT count]",
)
def zmpop(ctx: Context, argv: Argv) -> Reply:
    reply = pop_first(ctx, PopQuery(argv, 1))
    return NULL_ARRAY if reply is None else reply


def block_pop(ctx: Context, argv: Argv, highest: bool) -> Reply:
    """BZPOPMIN and BZPOPMAX."""
    deadline_ms = timeout_deadline(ctx, argv[-1])
    waited_for = argv[1:-1]
    for key in waited_for:
        zset = zset_to_write(ctx, key)
        if zset is not None:
            members, scores = pop(ctx, key, zset, 1, highest)
            ctx.propagate_as([b"ZPOPMAX" if highest else b"ZPOPMIN", key])
            return [key, members[0], scores[0]]
    return wait_for_keys(ctx, argv, waited_for, b"zset", deadline_ms, NULL_ARRAY)


@command(
    "BZPOPMIN",
    arity=-3,
    flags=WRITE | FAST | BLOCKING,
    keys=[keys(1, RW_ACCESS_DELETE, last=-2)],
    since="5.0.0",
    summary="Takes the member with the lowest score out of the first of several sorted sets, or waits for one.",
    complexity="O(log(N)), N the number of members",
    syntax="key [key ...] timeout",
    history=[("6.0.0", "`timeout` may have a fraction.")],
)
def bzpopmin(ctx: Context, argv: Argv) -> Reply:
    return block_pop(ctx, argv, highest=False)


@command(
    "BZPOPMAX",
    arity=-3,
    flags=WRITE | FAST | BLOCKING,
    keys=[keys(1, RW_ACCESS_DELETE, last=-2)],
    since="5.0.0",
    summary="Takes the member with the highest score out of the first of several sorted sets, or waits for one.",
    complexity="O(log(N)), N the number of members",
    syntax="key [key ...] timeout",
    history=[("6.0.0", "`timeout` may have a fraction.")],
)
def bzpopmax(ctx: Context, argv: Argv) -> Reply:
    return block_pop(ctx, argv, highest=True)


@command(
    "BZMPOP",
    arity=-5,
    flags=WRITE | BLOCKING,
    keys=[keynum(2, RW_ACCESS_DELETE)],
    since="7.0.0",
    summary="Takes members off an end of the first of several sorted sets that there is, waiting for one if need be.",
    complexity="O(K) + O(M*log(N)), K the number of keys, N the number of members, M of those taken",
    syntax="timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
)
def bzmpop(ctx: Context, argv: Argv) -> Reply:
    query = PopQuery(argv, 2)
    deadline_ms = timeout_deadline(ctx, argv[1])
    reply = pop_first(ctx, query)
    return wait_for_keys(ctx, argv, query.keys, b"zset", deadline_ms, NULL_ARRAY) if reply is None else reply
