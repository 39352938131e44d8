"""The list commands that work on one list. Moving between lists, popping from several, waiting: `list_move`.

How a list is held, as a listpack or as a row of them, is `datastructures.quicklist`'s affair.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, integer, integer_between, random_count
from hognose.commands.context import Context
from hognose.commands.flags import (
    DELETE,
    DENYOOM,
    FAST,
    READONLY,
    RO,
    RO_ACCESS,
    RW,
    RW_ACCESS_DELETE,
    RW_INSERT,
    RW_UPDATE,
    WRITE,
)
from hognose.commands.keyspec import keys
from hognose.commands.list_access import list_to_read, list_to_write, pop_one, pop_some, range_reply, report
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.quicklist import ListValue
from hognose.errors import (
    INDEX_OUT_OF_RANGE,
    NO_SUCH_KEY,
    SYNTAX,
    VALUE_MUST_BE_POSITIVE,
    WRONG_TYPE,
    CommandError,
    wrong_number_of_arguments,
)
from hognose.resp.reply import NULL_ARRAY, OK

command = CommandGroup("list")

RANK_IS_ZERO: Final = (
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from "
    "the end of the list"
)
COUNT_NEGATIVE: Final = "ERR COUNT can't be negative"
MAXLEN_NEGATIVE: Final = "ERR MAXLEN can't be negative"

PER_ELEMENT: Final = "O(1) for each element added, so O(N) to add N of them."


# Pushing


def push(ctx: Context, argv: Argv, to_tail: bool, only_existing: bool) -> Reply:
    """LPUSH, RPUSH, LPUSHX and RPUSHX."""
    db = ctx.db
    key = argv[1]
    found = db.lookup_write(key)
    if found is None:
        if only_existing:
            return 0
        value = ListValue(ctx.host.list_limits)
    elif isinstance(found, ListValue):
        value = found
    else:
        raise CommandError(WRONG_TYPE)
    if to_tail:
        value.push_tail(argv, 2)
    else:
        value.push_head(argv, 2)
    if found is None:
        db.set(key, value)
    report(ctx, key, b"rpush" if to_tail else b"lpush", len(argv) - 2)
    return value.length()


@command(
    "LPUSH",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds elements at the head of a list, one after the other; makes the list if there is none.",
    complexity=PER_ELEMENT,
    syntax="key element [element ...]",
    history=[("2.4.0", "Takes several elements.")],
)
def lpush(ctx: Context, argv: Argv) -> Reply:
    return push(ctx, argv, to_tail=False, only_existing=False)


@command(
    "RPUSH",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds elements at the tail of a list; makes the list if there is none.",
    complexity=PER_ELEMENT,
    syntax="key element [element ...]",
    history=[("2.4.0", "Takes several elements.")],
)
def rpush(ctx: Context, argv: Argv) -> Reply:
    return push(ctx, argv, to_tail=True, only_existing=False)


@command(
    "LPUSHX",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="2.2.0",
    summary="Adds elements at the head of a list that exists.",
    complexity=PER_ELEMENT,
    syntax="key element [element ...]",
    history=[("4.0.0", "Takes several elements.")],
)
def lpushx(ctx: Context, argv: Argv) -> Reply:
    return push(ctx, argv, to_tail=False, only_existing=True)


@command(
    "RPUSHX",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="2.2.0",
    summary="Adds elements at the tail of a list that exists.",
    complexity=PER_ELEMENT,
    syntax="key element [element ...]",
    history=[("4.0.0", "Takes several elements.")],
)
def rpushx(ctx: Context, argv: Argv) -> Reply:
    return push(ctx, argv, to_tail=True, only_existing=True)


# Popping


def pop(ctx: Context, argv: Argv, from_tail: bool) -> Reply:
    """LPOP and RPOP: one element, or with a count an array of them."""
    if len(argv) > 3:
        raise wrong_number_of_arguments(ctx.command_name())
    if len(argv) == 2:
        value = list_to_write(ctx, argv[1])
        return None if value is None else pop_one(ctx, argv[1], value, from_tail)
    count = integer_between(argv[2], 0, I64_MAX, VALUE_MUST_BE_POSITIVE)
    value = list_to_write(ctx, argv[1])
    if value is None:
        return NULL_ARRAY
    return pop_some(ctx, argv[1], value, count, from_tail) if count > 0 else []


@command(
    "LPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE)],
    since="1.0.0",
    summary="Takes elements off the head of a list; the key goes with the last one.",
    complexity="O(N), N the number of elements returned",
    syntax="key [count]",
    history=[("6.2.0", "The `count` argument.")],
)
def lpop(ctx: Context, argv: Argv) -> Reply:
    return pop(ctx, argv, from_tail=False)


@command(
    "RPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE)],
    since="1.0.0",
    summary="Takes elements off the tail of a list; the key goes with the last one.",
    complexity="O(N), N the number of elements returned",
    syntax="key [count]",
    history=[("6.2.0", "The `count` argument.")],
)
def rpop(ctx: Context, argv: Argv) -> Reply:
    return pop(ctx, argv, from_tail=True)


# Reading


@command(
    "LLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="1.0.0",
    summary="Tells how many elements a list has.",
    syntax="key",
)
def llen(ctx: Context, argv: Argv) -> Reply:
    value = list_to_read(ctx, argv[1])
    return 0 if value is None else value.length()


@command(
    "LINDEX",
    arity=3,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns the element of a list at an index; negative ones count from the tail.",
    complexity="O(N), N the number of elements passed over, so O(1) for the first and the last one.",
    syntax="key index",
)
def lindex(ctx: Context, argv: Argv) -> Reply:
    value = list_to_read(ctx, argv[1])
    if value is None:
        return None
    index = position(integer(argv[2]), value.length())
    return None if index < 0 else value.element(index)


def position(index: int, length: int) -> int:
    """The 0-based index that one which may count from the tail means; -1 if there is no such element."""
    absolute = index + length if index < 0 else index
    return absolute if 0 <= absolute < length else -1


@command(
    "LRANGE",
    arity=4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns the elements of a list between two indexes, both included.",
    complexity="O(S+N), S the distance of the first one from the nearer end, N the number of elements returned.",
    syntax="key start stop",
)
def lrange(ctx: Context, argv: Argv) -> Reply:
    first = integer(argv[2])
    last = integer(argv[3])
    value = list_to_read(ctx, argv[1])
    if value is None:
        return []
    start, count = resolve_range(first, last, value.length())
    return range_reply(ctx, value, start, count) if count > 0 else []


def resolve_range(first: int, last: int, length: int) -> tuple[i64, i64]:
    """Where a range given by two indexes, which may be negative or beyond the ends, starts and how long it is."""
    start = max(first + length if first < 0 else first, 0)
    end = min(last + length if last < 0 else last, length - 1)
    if start > end:
        return 0, 0
    return start, end - start + 1


class PosQuery:
    """The options of LPOS.

    Attributes:
        rank: Which match to begin with, negative from the tail.
        count: How many matches to return as an array, 0 for all; None for one by itself.
        max_compared: How many elements to look at, 0 for all.
    """

    def __init__(self, argv: Argv) -> None:
        self.rank = 1
        self.count: int | None = None
        self.max_compared = 0
        for i in range(3, len(argv), 2):
            word = argv[i].upper()
            if i + 1 == len(argv):
                raise CommandError(SYNTAX)
            if word == b"RANK":
                self.rank = random_count(argv[i + 1])
                if self.rank == 0:
                    raise CommandError(RANK_IS_ZERO)
            elif word == b"COUNT":
                self.count = integer_between(argv[i + 1], 0, I64_MAX, COUNT_NEGATIVE)
            elif word == b"MAXLEN":
                self.max_compared = integer_between(argv[i + 1], 0, I64_MAX, MAXLEN_NEGATIVE)
            else:
                raise CommandError(SYNTAX)


@command(
    "LPOS",
    arity=-3,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="6.0.6",
    summary="Returns the indexes of the elements of a list that equal one.",
    complexity="O(N), N the number of elements looked at",
    syntax="key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
)
def lpos(ctx: Context, argv: Argv) -> Reply:
    query = PosQuery(argv)
    value = list_to_read(ctx, argv[1])
    limit = 1 if query.count is None else query.count
    found = [] if value is None else value.positions(argv[2], query.rank, limit, query.max_compared)
    if query.count is not None:
        return found
    return found[0] if found else None


# Changing


@command(
    "LINSERT",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_INSERT)],
    since="2.2.0",
    summary="Puts an element before or after the first one that equals a pivot.",
    complexity="O(N), N the number of elements before the pivot",
    syntax="key <BEFORE | AFTER> pivot element",
)
def linsert(ctx: Context, argv: Argv) -> Reply:
    word = argv[2].upper()
    if word not in {b"BEFORE", b"AFTER"}:
        raise CommandError(SYNTAX)
    value = list_to_write(ctx, argv[1])
    if value is None:
        return 0
    if not value.insert(argv[3], argv[4], word == b"AFTER"):
        return -1
    report(ctx, argv[1], b"linsert", 1)
    return value.length()


@command(
    "LSET",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_UPDATE)],
    since="1.0.0",
    summary="Puts an element in the place of the one at an index.",
    complexity="O(N), N the length of the list; O(1) for the first and the last element.",
    syntax="key index element",
)
def lset(ctx: Context, argv: Argv) -> Reply:
    value = list_to_write(ctx, argv[1])
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    index = position(integer(argv[2]), value.length())
    if index < 0:
        raise CommandError(INDEX_OUT_OF_RANGE)
    value.set(index, argv[3])
    report(ctx, argv[1], b"lset", 1)
    return OK


@command(
    "LTRIM",
    arity=4,
    flags=WRITE,
    keys=[keys(1, RW | DELETE)],
    since="1.0.0",
    summary="Keeps the elements of a list between two indexes and removes the others; an empty list goes with its key.",
    complexity="O(N), N the number of elements removed",
    syntax="key start stop",
)
def ltrim(ctx: Context, argv: Argv) -> Reply:
    first = integer(argv[2])
    last = integer(argv[3])
    value = list_to_write(ctx, argv[1])
    if value is None:
        return OK
    length = value.length()
    start, count = resolve_range(first, last, length)
    value.trim(start, count)
    report(ctx, argv[1], b"ltrim", length - count)
    if count == 0:
        ctx.db.delete_empty(argv[1])
    return OK


@command(
    "LREM",
    arity=4,
    flags=WRITE,
    keys=[keys(1, RW | DELETE)],
    since="1.0.0",
    summary="Removes elements that equal one: all, or so many from the head, or (negative) from the tail.",
    complexity="O(N+M), N the length of the list, M the number of elements removed",
    syntax="key count element",
)
def lrem(ctx: Context, argv: Argv) -> Reply:
    count = integer(argv[2])
    value = list_to_write(ctx, argv[1])
    if value is None:
        return 0
    removed = value.remove(argv[3], count)
    if removed > 0:
        report(ctx, argv[1], b"lrem", removed)
    if value.length() == 0:
        ctx.db.delete_empty(argv[1])
    return removed
