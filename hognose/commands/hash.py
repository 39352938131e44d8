"""The hash commands of old: fields, values, counters. Deadlines of fields are in `hash_expire`, reading at random and
in steps in `hash_walk`.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer
from hognose.commands.bulk import write_entries, write_keys, write_pairs, write_values, writes_straight
from hognose.commands.context import Context
from hognose.commands.flags import (
    DELETE,
    DENYOOM,
    FAST,
    READONLY,
    RO,
    RO_ACCESS,
    RW,
    RW_ACCESS_UPDATE,
    RW_INSERT,
    RW_UPDATE,
    WRITE,
)
from hognose.commands.hash_access import created_hash, read_hash, write_hash
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.listpack import entry_size
from hognose.datastructures.longdouble import (
    LongDouble,
    add_long_doubles,
    format_long_double,
    parse_long_double,
)
from hognose.datastructures.numbers import format_i64
from hognose.errors import NAN_OR_INFINITY, NOT_FLOAT, OVERFLOW, CommandError, wrong_number_of_arguments
from hognose.keyspace.events import HASH
from hognose.resp.reply import NO_REPLY, OK, MapReply, write_array_header, write_map_header

command = CommandGroup("hash")

HASH_NOT_INTEGER: Final = "ERR hash value is not an integer"
HASH_NOT_FLOAT: Final = "ERR hash value is not a float"
INCREMENT_NOT_FINITE: Final = "ERR value is NaN or Infinity"

# Setting


def set_fields(ctx: Context, argv: Argv) -> i64:
    """HSET and HMSET: sets the fields after the key. Returns how many are new."""
    count: i64 = len(argv)
    if count & 1:
        raise wrong_number_of_arguments(ctx.command_name())
    key = argv[1]
    value = created_hash(ctx, key)
    if count > 4:
        value.reserve((count >> 1) - 1)
    created: i64 = 0
    i: i64 = 2
    while i < count:
        if value.set(argv[i], argv[i + 1]):
            created += 1
        i += 2
    ctx.keyspace.dirty += (count >> 1) - 2
    ctx.db.changed(HASH, b"hset", key)
    return created


@command(
    "HSET",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="2.0.0",
    summary="Sets fields of a hash, which is made if need be, and counts the new ones.",
    complexity="O(N) for N fields.",
    syntax="key field value [field value ...]",
    history=[("4.0.0", "Accepts several fields with values.")],
)
def hset(ctx: Context, argv: Argv) -> Reply:
    return set_fields(ctx, argv)


@command(
    "HMSET",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="2.0.0",
    summary="Sets fields of a hash, which is made if need be.",
    complexity="O(N) for N fields.",
    syntax="key field value [field value ...]",
    deprecated=("4.0.0", "`HSET` with multiple field-value pairs"),
)
def hmset(ctx: Context, argv: Argv) -> Reply:
    set_fields(ctx, argv)
    return OK


@command(
    "HSETNX",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="2.0.0",
    summary="Sets a field of a hash unless it is there already.",
    syntax="key field value",
)
def hsetnx(ctx: Context, argv: Argv) -> Reply:
    key = argv[1]
    value = created_hash(ctx, key)
    if value.has(argv[2]):
        return 0
    value.set(argv[2], argv[3])
    ctx.db.changed(HASH, b"hset", key)
    return 1


@command(
    "HDEL",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW | DELETE)],
    since="2.0.0",
    summary="Deletes fields of a hash, and the hash with its last field.",
    complexity="O(N) for N fields.",
    syntax="key field [field ...]",
    history=[("2.4.0", "Accepts several fields.")],
)
def hdel(ctx: Context, argv: Argv) -> Reply:
    key = argv[1]
    value = write_hash(ctx, key)
    if value is None:
        return 0
    deleted: i64 = 0
    for i in range(2, len(argv)):
        if value.delete(argv[i]):
            deleted += 1
            if value.length() == 0:
                break
    if deleted != 0:
        report_deleted(ctx, key, value, deleted)
    return deleted


def report_deleted(ctx: Context, key: bytes, value: HashValue, deleted: i64) -> None:
    """Reports that fields are gone from a hash; deletes its key if none are left."""
    db = ctx.db
    ctx.keyspace.dirty += deleted - 1
    db.changed(HASH, b"hdel", key)
    if value.length() == 0:
        db.delete_empty(key)


# Counters


@command(
    "HINCRBY",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="2.0.0",
    summary="Adds an integer to a field of a hash; a missing field counts as 0.",
    syntax="key field increment",
)
def hincrby(ctx: Context, argv: Argv) -> Reply:
    increment = integer(argv[3])
    key = argv[1]
    value = created_hash(ctx, key)
    try:
        number = value.increment(argv[2], increment)
    except ValueError:
        raise CommandError(HASH_NOT_INTEGER) from None
    except OverflowError:
        raise CommandError(OVERFLOW) from None
    ctx.db.changed(HASH, b"hincrby", key)
    return number


def finite_increment(argument: bytes) -> LongDouble:
    """What HINCRBYFLOAT is to add."""
    try:
        increment = parse_long_double(argument)
    except ValueError:
        raise CommandError(NOT_FLOAT) from None
    if increment.infinite:
        raise CommandError(INCREMENT_NOT_FINITE)
    return increment


def float_sum(text: bytes | None, increment: LongDouble) -> bytes:
    """The text of a field after HINCRBYFLOAT."""
    try:
        number = parse_long_double(b"0" if text is None else text)
    except ValueError:
        raise CommandError(HASH_NOT_FLOAT) from None
    try:
        return format_long_double(add_long_doubles(number, increment))
    except OverflowError:
        raise CommandError(NAN_OR_INFINITY) from None


@command(
    "HINCRBYFLOAT",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="2.6.0",
    summary="Adds a floating point number to a field of a hash; a missing field counts as 0.",
    syntax="key field increment:double",
)
def hincrbyfloat(ctx: Context, argv: Argv) -> Reply:
    increment = finite_increment(argv[3])
    key = argv[1]
    field = argv[2]
    value = write_hash(ctx, key)
    total = float_sum(None if value is None else value.get(field), increment)
    if value is None:
        value = created_hash(ctx, key)
    value.set(field, total, keep_deadline=True)
    propagate_sum(ctx, key, field, total, value.deadline(field))
    ctx.db.changed(HASH, b"hincrbyfloat", key)
    return total


def propagate_sum(ctx: Context, key: bytes, field: bytes, total: bytes, deadline: i64) -> None:
    """Sends the sum itself, so that no replica rounds differently, and the deadline HSET takes away."""
    hset_sum = [b"HSET", key, field, total]
    if deadline > 0:
        again = [b"HPEXPIREAT", key, format_i64(deadline), b"FIELDS", b"1", field]
        ctx.propagate_as(hset_sum, again)
    else:
        ctx.propagate_as(hset_sum)


# Reading


@command(
    "HGET",
    arity=3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Returns the value of a field of a hash.",
    syntax="key field",
)
def hget(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    return None if value is None else value.get(argv[2])


@command(
    "HMGET",
    arity=-3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Returns the values of several fields of a hash.",
    complexity="O(N) for N fields.",
    syntax="key field [field ...]",
)
def hmget(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    found: list[object] = []
    for i in range(2, len(argv)):
        found.append(None if value is None else value.get(argv[i]))  # noqa: PERF401 - faster compiled
    return found


@command(
    "HEXISTS",
    arity=3,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="2.0.0",
    summary="Tells whether a hash has a field.",
    syntax="key field",
)
def hexists(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    return 1 if value is not None and value.has(argv[2]) else 0


@command(
    "HSTRLEN",
    arity=3,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="3.2.0",
    summary="Returns the length of the value of a field of a hash.",
    syntax="key field",
)
def hstrlen(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    text = None if value is None else value.get(argv[2])
    return 0 if text is None else len(text)


@command(
    "HLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="2.0.0",
    summary="Counts the fields of a hash.",
    syntax="key",
)
def hlen(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    return 0 if value is None else value.length()


@command(
    "HGETALL",
    arity=2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Returns all fields of a hash with their values.",
    complexity="O(N) for N fields in the hash.",
    syntax="key",
    tips=[b"nondeterministic_output_order"],
)
def hgetall(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    if value is None:
        return MapReply([])
    body = value.packed()
    if not writes_straight(ctx) or (body is not None and value.stride() != 2):
        return MapReply(list(value.pairs()))
    out = ctx.out
    write_map_header(out, value.length(), ctx.resp)
    table = value.table()
    if table is not None:
        write_pairs(ctx, table)
    elif body is not None:
        write_entries(out, body, 0, 2 * value.length())
    return NO_REPLY


@command(
    "HKEYS",
    arity=2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Returns all fields of a hash.",
    complexity="O(N) for N fields in the hash.",
    syntax="key",
    tips=[b"nondeterministic_output_order"],
)
def hkeys(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    if value is None:
        return []
    if not writes_straight(ctx):
        return value.fields()
    out = ctx.out
    write_array_header(out, value.length())
    table = value.table()
    body = value.packed()
    if table is not None:
        write_keys(ctx, table)
    elif body is not None:
        write_entries(out, body, 0, value.length(), value.stride())
    return NO_REPLY


@command(
    "HVALS",
    arity=2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Returns all values of a hash.",
    complexity="O(N) for N fields in the hash.",
    syntax="key",
    tips=[b"nondeterministic_output_order"],
)
def hvals(ctx: Context, argv: Argv) -> Reply:
    value = read_hash(ctx, argv[1])
    if value is None:
        return []
    if not writes_straight(ctx):
        return value.values()
    out = ctx.out
    write_array_header(out, value.length())
    table = value.table()
    body = value.packed()
    if table is not None:
        write_values(ctx, table)
    elif body is not None:
        write_entries(out, body, entry_size(body, 0), value.length(), value.stride())
    return NO_REPLY
