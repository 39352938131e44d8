"""Intersections, unions and differences of sets.

Intersections go through the smallest set and ask the others, so their cost is that of the smallest. Differences take
the cheaper of two ways: ask every other set about each member of the first, or strike the members of the others out.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, integer_between, syntax_error
from hognose.commands.context import Context
from hognose.commands.flags import DENYOOM, OW_UPDATE, READONLY, RO_ACCESS, RW_UPDATE, WRITE
from hognose.commands.keyspec import keynum, keys
from hognose.commands.long_reply import set_reply
from hognose.commands.set import read_set
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.setvalue import SetValue
from hognose.errors import CommandError
from hognose.keyspace.events import GENERIC, SET

command = CommandGroup("set")

NUMKEYS_NOT_POSITIVE: Final = "ERR numkeys should be greater than 0"
TOO_FEW_KEYS: Final = "ERR Number of keys can't be greater than number of args"
LIMIT_NEGATIVE: Final = "ERR LIMIT can't be negative"


def sets_at(ctx: Context, names: list[bytes]) -> list[SetValue | None]:
    """The sets at some keys, None where there is none. All are checked before any is used."""
    return [read_set(ctx, name) for name in names]


def all_present(values: list[SetValue | None]) -> list[SetValue]:
    """The sets that are there."""
    return [value for value in values if value is not None]


# The three operations


def cardinality(value: SetValue) -> int:
    """The number of members, to sort by."""
    return value.length()


def intersection(values: list[SetValue], limit: i64) -> list[bytes]:
    """The members all of the sets have, in the order of the smallest.

    Args:
        values: At least one set.
        limit: How many suffice; 0 for all.

    Complexity:
        O(N * M) for M sets, the smallest with N members.
    """
    ordered = sorted(values, key=cardinality)
    smallest = ordered[0]
    others = [value for value in ordered[1:] if value is not smallest]
    found: list[bytes] = []
    for member in smallest.members():
        if in_all(member, others):
            found.append(member)
            if limit != 0 and len(found) >= limit:
                break
    return found


def in_all(member: bytes, values: list[SetValue]) -> bool:
    """Whether a string is a member of every set."""
    for value in values:  # noqa: SIM110 - a generator is slower compiled
        if not value.has(member):
            return False
    return True


def in_any(member: bytes, values: list[SetValue]) -> bool:
    """Whether a string is a member of a set."""
    for value in values:  # noqa: SIM110 - a generator is slower compiled
        if value.has(member):
            return True
    return False


def union(values: list[SetValue]) -> list[bytes]:
    """The members any of the sets has, each once. O(N), N the members of all."""
    if len(values) == 1:
        return values[0].members()
    found: dict[bytes, None] = {}
    for value in values:
        for member in value.members():
            found[member] = None
    return list(found)


def difference(first: SetValue, others: list[SetValue]) -> list[bytes]:
    """The members of the first set that none of the others has.

    Complexity:
        The less of O(N * M), N the members of the first and M the number of sets, and O(members of all sets).
    """
    asking: i64 = first.length() * (len(others) + 1) // 2
    striking: i64 = first.length()
    for value in others:
        if value is first:
            return []
        striking += value.length()
    if asking <= striking:
        largest_first = sorted(others, key=cardinality, reverse=True)
        return [member for member in first.members() if not in_any(member, largest_first)]
    left: dict[bytes, None] = dict.fromkeys(first.members())
    for value in others:
        for member in value.members():
            left.pop(member, None)
    return list(left)


def difference_of(values: list[SetValue | None]) -> list[bytes]:
    """What SDIFF answers for the sets at its keys."""
    first = values[0]
    if first is None:
        return []
    return difference(first, all_present(values[1:]))


def intersection_of(values: list[SetValue | None], limit: i64) -> list[bytes]:
    """What SINTER answers for the sets at its keys."""
    present = all_present(values)
    return intersection(present, limit) if len(present) == len(values) else []


# Storing


def store_members(ctx: Context, key: bytes, members: list[bytes], event: bytes) -> Reply:
    """Makes a key the set of some members, none twice, or deletes it if there are none; answers how many."""
    db = ctx.db
    if not members:
        if db.drop(key):
            db.changed(GENERIC, b"del", key)
        return 0
    value = SetValue(ctx.host.set_limits)
    for member in members:
        value.add(member)
    return store_set(ctx, key, value, event)


def store_set(ctx: Context, key: bytes, value: SetValue, event: bytes) -> Reply:
    """Makes a key a set that is not empty; answers how many members it has."""
    ctx.db.set(key, value)
    ctx.db.changed(SET, event, key)
    return value.length()


def store_union(ctx: Context, key: bytes, values: list[SetValue], event: bytes) -> Reply:
    """Makes a key the union of sets.

    A set that stays a table whatever is added to it is copied as a whole, which is much cheaper than member by member.
    """
    largest = max(values, key=cardinality, default=None)
    if largest is None or not largest.must_be_table():
        return store_members(ctx, key, union(values), event)
    value = largest.copy()
    for other in values:
        if other is not largest:
            for member in other.members():
                value.add(member)
    return store_set(ctx, key, value, event)


# The commands


@command(
    "SINTER",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS, last=-1)],
    since="1.0.0",
    summary="Returns the members that all of the sets have.",
    complexity="O(N*M) for M sets, the smallest with N members.",
    syntax="key [key ...]",
    tips=[b"nondeterministic_output_order"],
)
def sinter(ctx: Context, argv: Argv) -> Reply:
    return set_reply(ctx, intersection_of(sets_at(ctx, argv[1:]), 0))


@command(
    "SINTERSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_UPDATE), keys(2, RO_ACCESS, last=-1)],
    since="1.0.0",
    summary="Stores the members that all of the sets have, as a set.",
    complexity="O(N*M) for M sets, the smallest with N members.",
    syntax="destination key [key ...]",
)
def sinterstore(ctx: Context, argv: Argv) -> Reply:
    return store_members(ctx, argv[1], intersection_of(sets_at(ctx, argv[2:]), 0), b"sinterstore")


@command(
    "SINTERCARD",
    arity=-3,
    flags=READONLY,
    keys=[keynum(1, RO_ACCESS)],
    since="7.0.0",
    summary="Counts the members that all of the sets have, up to a limit.",
    complexity="O(N*M) for M sets, the smallest with N members.",
    syntax="numkeys key [key ...] [LIMIT limit]",
)
def sintercard(ctx: Context, argv: Argv) -> Reply:
    count = integer_between(argv[1], 1, I64_MAX, NUMKEYS_NOT_POSITIVE)
    if count > len(argv) - 2:
        raise CommandError(TOO_FEW_KEYS)
    limit: i64 = 0
    i: i64 = 2 + count
    while i < len(argv):
        if argv[i].upper() != b"LIMIT" or i + 1 >= len(argv):
            raise syntax_error()
        limit = integer_between(argv[i + 1], 0, I64_MAX, LIMIT_NEGATIVE)
        i += 2
    return len(intersection_of(sets_at(ctx, argv[2 : 2 + count]), limit))


@command(
    "SUNION",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS, last=-1)],
    since="1.0.0",
    summary="Returns the members that any of the sets has.",
    complexity="O(N) for N members in all sets together.",
    syntax="key [key ...]",
    tips=[b"nondeterministic_output_order"],
)
def sunion(ctx: Context, argv: Argv) -> Reply:
    return set_reply(ctx, union(all_present(sets_at(ctx, argv[1:]))))


@command(
    "SUNIONSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE), keys(2, RO_ACCESS, last=-1)],
    since="1.0.0",
    summary="Stores the members that any of the sets has, as a set.",
    complexity="O(N) for N members in all sets together.",
    syntax="destination key [key ...]",
)
def sunionstore(ctx: Context, argv: Argv) -> Reply:
    return store_union(ctx, argv[1], all_present(sets_at(ctx, argv[2:])), b"sunionstore")


@command(
    "SDIFF",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS, last=-1)],
    since="1.0.0",
    summary="Returns the members of the first set that none of the others has.",
    complexity="O(N) for N members in all sets together.",
    syntax="key [key ...]",
    tips=[b"nondeterministic_output_order"],
)
def sdiff(ctx: Context, argv: Argv) -> Reply:
    return set_reply(ctx, difference_of(sets_at(ctx, argv[1:])))


@command(
    "SDIFFSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE), keys(2, RO_ACCESS, last=-1)],
    since="1.0.0",
    summary="Stores the members of the first set that none of the others has, as a set.",
    complexity="O(N) for N members in all sets together.",
    syntax="destination key [key ...]",
)
def sdiffstore(ctx: Context, argv: Argv) -> Reply:
    return store_members(ctx, argv[1], difference_of(sets_at(ctx, argv[2:])), b"sdiffstore")
