"""The set commands: members, pops, scans. What combines several sets is in `set_algebra`."""

from typing import Final

from librt.random import Random
from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, integer_between, random_count, syntax_error
from hognose.commands.bulk import write_entries, write_keys, write_set_header, writes_straight
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
    WRITE,
)
from hognose.commands.keyspec import keys
from hognose.commands.long_reply import Draws, drawn_reply
from hognose.commands.scan import parse_cursor, parse_scan_options, scan_reply, scan_table
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.sampling import choose, choose_in_order
from hognose.datastructures.setvalue import SetValue
from hognose.errors import VALUE_MUST_BE_POSITIVE, WRONG_TYPE, CommandError
from hognose.keyspace.events import SET
from hognose.resp.reply import NO_REPLY, SetReply

command = CommandGroup("set")

LIST_ALL_FACTOR: Final = 3
"""More than a third of a set is wanted: listing all and choosing from that beats drawing until enough differ."""
PROPAGATED_AT_ONCE: Final = 1024
"""Members an SPOP sends in one SREM."""


def read_set(ctx: Context, key: bytes) -> SetValue | None:
    """The set at a key, for reading; None if there is none.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_read(key)
    if value is None or isinstance(value, SetValue):
        return value
    raise CommandError(WRONG_TYPE)


def write_set(ctx: Context, key: bytes) -> SetValue | None:
    """The set at a key, to be changed; None if there is none.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_write(key)
    if value is None or isinstance(value, SetValue):
        return value
    raise CommandError(WRONG_TYPE)


# Members


@command(
    "SADD",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds members to a set, which is made if need be, and counts the new ones.",
    complexity="O(N) for N members.",
    syntax="key member [member ...]",
    history=[("2.4.0", "Accepts several members.")],
)
def sadd(ctx: Context, argv: Argv) -> Reply:
    key = argv[1]
    count: i64 = len(argv)
    value = write_set(ctx, key)
    if value is None:
        value = SetValue(ctx.host.set_limits)
        value.prepare(argv[2], count - 2)
        ctx.db.set(key, value)
    elif count > 3:
        value.prepare(argv[2], count - 2)
    added: i64 = 0
    i: i64 = 2
    while i < count:
        if value.add(argv[i]):
            added += 1
        i += 1
    if added != 0:
        ctx.keyspace.dirty += added - 1
        ctx.db.changed(SET, b"sadd", key)
    return added


@command(
    "SREM",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW | DELETE)],
    since="1.0.0",
    summary="Removes members from a set, and the set with its last member.",
    complexity="O(N) for N members.",
    syntax="key member [member ...]",
    history=[("2.4.0", "Accepts several members.")],
)
def srem(ctx: Context, argv: Argv) -> Reply:
    key = argv[1]
    value = write_set(ctx, key)
    if value is None:
        return 0
    removed: i64 = 0
    for i in range(2, len(argv)):
        if value.remove(argv[i]):
            removed += 1
            if value.length() == 0:
                break
    if removed != 0:
        ctx.keyspace.dirty += removed - 1
        ctx.db.changed(SET, b"srem", key)
        if value.length() == 0:
            ctx.db.delete_empty(key)
    return removed


@command(
    "SMOVE",
    arity=4,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE), keys(2, RW_INSERT)],
    since="1.0.0",
    summary="Moves a member from one set to another.",
    syntax="source destination member",
)
def smove(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    member = argv[3]
    source = db.lookup_write(argv[1])
    target = db.lookup_write(argv[2])
    if source is None:
        return 0
    if not isinstance(source, SetValue) or (target is not None and not isinstance(target, SetValue)):
        raise CommandError(WRONG_TYPE)
    if source is target:
        return 1 if source.has(member) else 0
    if not source.remove(member):
        return 0
    db.changed(SET, b"srem", argv[1])
    if source.length() == 0:
        db.delete_empty(argv[1])
    if target is None:
        target = SetValue(ctx.host.set_limits)
        target.prepare(member, 1)
        db.set(argv[2], target)
    if target.add(member):
        db.changed(SET, b"sadd", argv[2])
    return 1


@command(
    "SISMEMBER",
    arity=3,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="1.0.0",
    summary="Tells whether a set has a member.",
    syntax="key member",
)
def sismember(ctx: Context, argv: Argv) -> Reply:
    value = read_set(ctx, argv[1])
    return 1 if value is not None and value.has(argv[2]) else 0


@command(
    "SMISMEMBER",
    arity=-3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="6.2.0",
    summary="Tells of several strings whether they are members of a set.",
    complexity="O(N) for N members.",
    syntax="key member [member ...]",
)
def smismember(ctx: Context, argv: Argv) -> Reply:
    value = read_set(ctx, argv[1])
    return [1 if value is not None and value.has(argv[i]) else 0 for i in range(2, len(argv))]


@command(
    "SCARD",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="1.0.0",
    summary="Counts the members of a set.",
    syntax="key",
)
def scard(ctx: Context, argv: Argv) -> Reply:
    value = read_set(ctx, argv[1])
    return 0 if value is None else value.length()


def members_reply(ctx: Context, value: SetValue) -> Reply:
    """All members of a set."""
    blob = value.blob()
    table = value.table()
    if writes_straight(ctx) and (table is not None or value.encoding() == b"listpack"):
        write_set_header(ctx.out, value.length(), ctx.resp)
        if table is not None:
            write_keys(ctx, table)
        elif blob is not None:
            write_entries(ctx.out, blob, 0, value.length())
        return NO_REPLY
    return SetReply(list(value.members()))


@command(
    "SMEMBERS",
    arity=2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns all members of a set.",
    complexity="O(N) for N members.",
    syntax="key",
    tips=[b"nondeterministic_output_order"],
)
def smembers(ctx: Context, argv: Argv) -> Reply:
    value = read_set(ctx, argv[1])
    return SetReply([]) if value is None else members_reply(ctx, value)


@command(
    "SSCAN",
    arity=-3,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.8.0",
    summary="Lists the members of a set a few at a time.",
    complexity="O(1) a call, O(N) for all calls of a scan of N members.",
    syntax="key cursor [MATCH pattern] [COUNT count]",
    tips=[b"nondeterministic_output"],
)
def sscan(ctx: Context, argv: Argv) -> Reply:
    cursor = parse_cursor(argv[2])
    value = read_set(ctx, argv[1])
    if value is None:
        return scan_reply(0, [])
    options = parse_scan_options(argv, 3, of_keys=False)
    table = value.table()
    if table is not None:
        found: list[bytes] = []
        cursor = scan_table(table, cursor, options, found)
        return scan_reply(cursor, found)
    glob = options.glob
    return scan_reply(0, [member for member in value.members() if glob is None or glob.matches(member)])


# At random


def different_members(value: SetValue, count: i64, random: Random) -> list[bytes]:
    """So many different members, or all if there are not more."""
    size = value.length()
    if count >= size:
        return value.members()
    table = value.table()
    if table is None:
        members = value.members()
        return [members[index] for index in choose_in_order(random, size, count)]
    if count * LIST_ALL_FACTOR > size:
        return choose(random, table.keys(), count)
    seen: dict[bytes, None] = {}
    while len(seen) < count:
        seen[value.random_member(random)] = None
    return list(seen)


def any_members(value: SetValue, count: i64, random: Random) -> list[bytes]:
    """So many members, each drawn from all of them."""
    if value.table() is not None:
        return [value.random_member(random) for _ in range(count)]
    members = value.members()
    size: i64 = len(members)
    return [members[random.randrange(size)] for _ in range(count)]


@command(
    "SRANDMEMBER",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns random members of a set: different ones for a count above 0, any for one below.",
    complexity="O(1) without a count, else O(N) for N members returned.",
    syntax="key [count]",
    tips=[b"nondeterministic_output"],
    history=[("2.6.0", "Added the optional count.")],
)
def srandmember(ctx: Context, argv: Argv) -> Reply:
    random = ctx.host.random
    if len(argv) == 2:
        value = read_set(ctx, argv[1])
        return None if value is None else value.random_member(random)
    if len(argv) > 3:
        raise syntax_error()
    count = random_count(argv[2])
    value = read_set(ctx, argv[1])
    if value is None or count == 0:
        return []
    if count < 0:
        return drawn_reply(ctx, MemberDraws(value, random), -count, 1)
    return different_members(value, count, random)


class MemberDraws(Draws):
    """Members of a set, each drawn from all of them."""

    def __init__(self, value: SetValue, random: Random) -> None:
        self._value: Final = value
        self._random: Final = random

    def draw(self, count: i64) -> list[object]:
        """The elements of so many draws."""
        return list(any_members(self._value, count, self._random))


@command(
    "SPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE)],
    since="1.0.0",
    summary="Removes random members from a set and returns them; the set goes with its last member.",
    complexity="O(1) without a count, else O(N) for N members returned.",
    syntax="key [count]",
    tips=[b"nondeterministic_output"],
    history=[("3.2.0", "Added the optional count.")],
)
def spop(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 3:
        raise syntax_error()
    key = argv[1]
    if len(argv) == 3:
        count = integer_between(argv[2], 0, I64_MAX, VALUE_MUST_BE_POSITIVE)
        value = write_set(ctx, key)
        if value is None or count == 0:
            return SetReply([])
        if count >= value.length():
            ctx.keyspace.hits += 1  # as real servers, for which that is reading the set and deleting it
        return SetReply(list(pop_members(ctx, key, value, count)))
    value = write_set(ctx, key)
    if value is None:
        return None
    member = value.random_member(ctx.host.random)
    value.remove(member)
    ctx.propagate_as([b"SREM", key, member])
    ctx.db.changed(SET, b"spop", key)
    if value.length() == 0:
        ctx.db.delete_empty(key)
    return member


def pop_members(ctx: Context, key: bytes, value: SetValue, count: i64) -> list[bytes]:
    """Takes out so many random members, or all; replicas are sent which they were."""
    popped = different_members(value, count, ctx.host.random)
    db = ctx.db
    ctx.keyspace.dirty += len(popped) - 1
    if len(popped) == value.length():
        ctx.propagate_as([b"UNLINK" if ctx.host.settings.lazyfree_lazy_server_del else b"DEL", key])
        db.changed(SET, b"spop", key)
        db.delete_empty(key)
        return popped
    value.remove_all(popped)
    batches: list[list[bytes]] = []
    for start in range(0, len(popped), PROPAGATED_AT_ONCE):
        batches.append([b"SREM", key, *popped[start : start + PROPAGATED_AT_ONCE]])  # noqa: PERF401
    ctx.propagate_as(*batches)
    db.changed(SET, b"spop", key)
    return popped
