"""The list commands that move elements between lists or pop from the first of several, and their blocking forms.

A blocking command that finds nothing waits for its keys (`blocking`) and runs again, from the start, once one may have
come to life. What goes to the AOF and the replicas never blocks: a plain LPOP, RPOP, LMOVE or RPOPLPUSH.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, integer_between
from hognose.commands.blocking import timeout_deadline, wait_for_keys
from hognose.commands.context import DENY_BLOCKING, Context
from hognose.commands.flags import BLOCKING, DENYOOM, RW_ACCESS_DELETE, RW_INSERT, WRITE
from hognose.commands.keyspec import keynum, keys
from hognose.commands.list_access import is_tail, list_to_write, pop_one, pop_some, push_one, report_removal
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import SYNTAX, CommandError
from hognose.resp.reply import NULL_ARRAY

command = CommandGroup("list")

NUMKEYS_NOT_POSITIVE: Final = "ERR numkeys should be greater than 0"
COUNT_NOT_POSITIVE: Final = "ERR count should be greater than 0"


# Moving


def move(ctx: Context, source: bytes, destination: bytes, from_tail: bool, to_tail: bool) -> bytes | None:
    """Takes an element off one list and pushes it to another, or to the same. Returns it; None if there is none."""
    giver = list_to_write(ctx, source)
    if giver is None:
        return None
    taker = list_to_write(ctx, destination)
    element = giver.pop_tail() if from_tail else giver.pop_head()
    push_one(ctx, destination, taker, element, to_tail)
    report_removal(ctx, source, giver, b"rpop" if from_tail else b"lpop", 1)
    return element


@command(
    "LMOVE",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_ACCESS_DELETE), keys(2, RW_INSERT)],
    since="6.2.0",
    summary="Takes an element off an end of one list, pushes it to an end of another and returns it.",
    syntax="source destination <LEFT | RIGHT> <LEFT | RIGHT>",
)
def lmove(ctx: Context, argv: Argv) -> Reply:
    from_tail = is_tail(argv[3])
    return move(ctx, argv[1], argv[2], from_tail, is_tail(argv[4]))


@command(
    "RPOPLPUSH",
    arity=3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_ACCESS_DELETE), keys(2, RW_INSERT)],
    since="1.2.0",
    summary="Takes the last element off one list, makes it the first of another and returns it.",
    syntax="source destination",
    deprecated=("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"),
)
def rpoplpush(ctx: Context, argv: Argv) -> Reply:
    return move(ctx, argv[1], argv[2], from_tail=True, to_tail=False)


def block_move(ctx: Context, argv: Argv, deadline_ms: i64, from_tail: bool, to_tail: bool) -> Reply:
    """BLMOVE and BRPOPLPUSH. Where a client must not wait the answer is nil, not the nil array of a wait in vain."""
    element = move(ctx, argv[1], argv[2], from_tail, to_tail)
    if element is not None or ctx.flags & DENY_BLOCKING:
        return element
    return wait_for_keys(ctx, argv, [argv[1]], b"list", deadline_ms, NULL_ARRAY)


@command(
    "BLMOVE",
    arity=6,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=[keys(1, RW_ACCESS_DELETE), keys(2, RW_INSERT)],
    since="6.2.0",
    summary="Does what LMOVE does, waiting for an element if need be.",
    syntax="source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
)
def blmove(ctx: Context, argv: Argv) -> Reply:
    from_tail = is_tail(argv[3])
    to_tail = is_tail(argv[4])
    deadline_ms = timeout_deadline(ctx, argv[5])
    ctx.propagate_as([b"LMOVE", argv[1], argv[2], argv[3], argv[4]])
    return block_move(ctx, argv, deadline_ms, from_tail, to_tail)


@command(
    "BRPOPLPUSH",
    arity=4,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=[keys(1, RW_ACCESS_DELETE), keys(2, RW_INSERT)],
    since="2.2.0",
    summary="Does what RPOPLPUSH does, waiting for an element if need be.",
    syntax="source destination timeout",
    history=[("6.0.0", "`timeout` may have a fraction.")],
    deprecated=("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
)
def brpoplpush(ctx: Context, argv: Argv) -> Reply:
    deadline_ms = timeout_deadline(ctx, argv[3])
    ctx.propagate_as([b"RPOPLPUSH", argv[1], argv[2]])
    return block_move(ctx, argv, deadline_ms, from_tail=True, to_tail=False)


# Popping from several lists


class PopQuery:
    """The arguments of LMPOP and BLMPOP from the number of keys on.

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
        self.from_tail = is_tail(argv[end])
        self.count = 1
        if len(argv) > end + 1:
            if argv[end + 1].upper() != b"COUNT" or len(argv) < end + 3:
                raise CommandError(SYNTAX)
            self.count = integer_between(argv[end + 2], 1, I64_MAX, COUNT_NOT_POSITIVE)
        if len(argv) > end + 3:
            raise CommandError(SYNTAX)


def pop_first(ctx: Context, query: PopQuery) -> Reply:
    """Pops from the first of the keys that holds a list: [key, elements], or None where none does."""
    for key in query.keys:
        value = list_to_write(ctx, key)
        if value is not None:
            elements = pop_some(ctx, key, value, query.count, query.from_tail)
            ctx.propagate_as([b"RPOP" if query.from_tail else b"LPOP", key, str(len(elements)).encode()])
            return [key, elements]
    return None


@command(
    "LMPOP",
    arity=-4,
    flags=WRITE,
    keys=[keynum(1, RW_ACCESS_DELETE)],
    since="7.0.0",
    summary="Takes elements off an end of the first of several lists that there is.",
    complexity="O(N+M), N the number of keys, M the number of elements returned",
    syntax="numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
)
def lmpop(ctx: Context, argv: Argv) -> Reply:
    reply = pop_first(ctx, PopQuery(argv, 1))
    return NULL_ARRAY if reply is None else reply


@command(
    "BLMPOP",
    arity=-5,
    flags=WRITE | BLOCKING,
    keys=[keynum(2, RW_ACCESS_DELETE)],
    since="7.0.0",
    summary="Takes elements off an end of the first of several lists that there is, waiting for one if need be.",
    complexity="O(N+M), N the number of keys, M the number of elements returned",
    syntax="timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
)
def blmpop(ctx: Context, argv: Argv) -> Reply:
    query = PopQuery(argv, 2)
    deadline_ms = timeout_deadline(ctx, argv[1])
    reply = pop_first(ctx, query)
    return wait_for_keys(ctx, argv, query.keys, b"list", deadline_ms, NULL_ARRAY) if reply is None else reply


def block_pop(ctx: Context, argv: Argv, from_tail: bool) -> Reply:
    """BLPOP and BRPOP."""
    deadline_ms = timeout_deadline(ctx, argv[-1])
    names = argv[1:-1]
    for key in names:
        value = list_to_write(ctx, key)
        if value is not None:
            ctx.propagate_as([b"RPOP" if from_tail else b"LPOP", key])
            return [key, pop_one(ctx, key, value, from_tail)]
    return wait_for_keys(ctx, argv, names, b"list", deadline_ms, NULL_ARRAY)


@command(
    "BLPOP",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=[keys(1, RW_ACCESS_DELETE, last=-2)],
    since="2.0.0",
    summary="Takes the first element off the first of several lists that there is, waiting for one if need be.",
    complexity="O(N), N the number of keys",
    syntax="key [key ...] timeout",
    history=[("6.0.0", "`timeout` may have a fraction.")],
)
def blpop(ctx: Context, argv: Argv) -> Reply:
    return block_pop(ctx, argv, from_tail=False)


@command(
    "BRPOP",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=[keys(1, RW_ACCESS_DELETE, last=-2)],
    since="2.0.0",
    summary="Takes the last element off the first of several lists that there is, waiting for one if need be.",
    complexity="O(N), N the number of keys",
    syntax="key [key ...] timeout",
    history=[("6.0.0", "`timeout` may have a fraction.")],
)
def brpop(ctx: Context, argv: Argv) -> Reply:
    return block_pop(ctx, argv, from_tail=True)
