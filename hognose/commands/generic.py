"""Commands on keys of any type: what they are called, whether they are there, copying, moving and deleting them.

Elsewhere: deadlines (`expire`), SCAN (`scan`), OBJECT (`object`), whole databases (`databases`).
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer_between, syntax_error
from hognose.commands.context import Context
from hognose.commands.flags import (
    DANGEROUS,
    DENYOOM,
    FAST,
    INSERT,
    OW,
    OW_UPDATE,
    READONLY,
    RM_DELETE,
    RO,
    RO_ACCESS,
    RW_ACCESS_DELETE,
    RW_ACCESS_UPDATE,
    TOUCHES_ARBITRARY_KEYS,
    WRITE,
)
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.glob import Glob
from hognose.datastructures.value import Value
from hognose.errors import DB_OUT_OF_RANGE, NO_SUCH_KEY, NOT_INTEGER, SAME_OBJECT, CommandError
from hognose.keyspace.database import Database
from hognose.keyspace.events import GENERIC
from hognose.resp.reply import OK, Simple

command = CommandGroup("generic")

INT32_MAX: Final = 2**31 - 1
RANDOM_KEY_TRIES: Final = 100
"""Expired keys RANDOMKEY comes across before it answers with one, where it may not delete them (a replica)."""

NONE_TYPE: Final = Simple(b"none")
STRING_TYPE: Final = Simple(b"string")


def type_of(value: object) -> bytes:
    """The word TYPE answers for a value."""
    return value.type_name() if isinstance(value, Value) else b"string"


# Whether a key is there, and what it is


@command(
    "EXISTS",
    arity=-2,
    flags=READONLY | FAST,
    keys=[keys(1, RO, last=-1)],
    since="1.0.0",
    summary="Counts how many of the keys exist; a key named twice counts twice.",
    complexity="O(N) for N keys.",
    syntax="key [key ...]",
    tips=[b"request_policy:multi_shard", b"response_policy:agg_sum"],
    history=[("3.0.3", "Accepts several keys.")],
)
def exists(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    count: i64 = 0
    for i in range(1, len(argv)):
        if db.lookup_untouched(argv[i]) is not None:
            count += 1
    return count


@command(
    "TOUCH",
    arity=-2,
    flags=READONLY | FAST,
    keys=[keys(1, RO, last=-1)],
    since="3.2.1",
    summary="Marks keys as used just now and counts those that exist.",
    complexity="O(N) for N keys.",
    syntax="key [key ...]",
    tips=[b"request_policy:multi_shard", b"response_policy:agg_sum"],
)
def touch(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    count: i64 = 0
    for i in range(1, len(argv)):
        if db.lookup_read(argv[i]) is not None:
            count += 1
    return count


@command(
    "TYPE",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="1.0.0",
    summary="Tells the type of the value at a key.",
    syntax="key",
)
def type_(ctx: Context, argv: Argv) -> Reply:
    value = ctx.db.lookup_untouched(argv[1])
    if value is None:
        return NONE_TYPE
    return Simple(value.type_name()) if isinstance(value, Value) else STRING_TYPE


# Finding keys


@command(
    "KEYS",
    arity=2,
    flags=READONLY | DANGEROUS,
    since="1.0.0",
    summary="Lists all keys that match a glob pattern, in one go: SCAN is the one for production.",
    complexity="O(N) for N keys in the database, if keys and pattern are short.",
    syntax="pattern",
    tips=[b"request_policy:all_shards", b"nondeterministic_output_order"],
)
def keys_(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    table = db.table
    glob = Glob(argv[1])
    found: list[object] = []
    for index in range(len(table.segments)):
        matching = [key for key in table.keys_of(index) if glob.matches_everything or glob.matches(key)]
        found.extend([key for key in matching if table.expires == 0 or db.deadline(key) >= 0])
    return found


@command(
    "RANDOMKEY",
    arity=1,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    since="1.0.0",
    summary="Picks one of the database's keys, each with the same probability.",
    tips=[b"request_policy:all_shards", b"response_policy:special", b"nondeterministic_output"],
)
def randomkey(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    tries: i64 = RANDOM_KEY_TRIES
    while db.table.count != 0:
        key = db.table.random_key(ctx.host.random)
        if not db.expire_if_past(key):
            return key
        if not ctx.keyspace.may_expire and db.table.expires == db.table.count:
            tries -= 1
            if tries == 0:
                return key
    return None


# Deleting


def delete_keys(ctx: Context, argv: Argv, lazily: bool) -> Reply:
    """DEL and UNLINK: deletes the keys after the command's name and counts them.

    While a snapshot is written in slices, DEL frees as UNLINK does: the snapshot may hold what a value consists of, and
    would free it in one go when nobody expects it.
    """
    db = ctx.db
    count: i64 = 0
    for i in range(1, len(argv)):
        value = db.delete(argv[i])
        if value is not None:
            db.changed(GENERIC, b"del", argv[i])
            count += 1
            if lazily or ctx.keyspace.freezer is not None:
                ctx.keyspace.lazyfree.discard(value, True)
    return count


@command(
    "DEL",
    arity=-2,
    flags=WRITE,
    keys=[keys(1, RM_DELETE, last=-1)],
    since="1.0.0",
    summary="Deletes keys and counts those that were there.",
    complexity="O(N) for N keys of strings; a key with a collection adds its number of elements.",
    syntax="key [key ...]",
    tips=[b"request_policy:multi_shard", b"response_policy:agg_sum"],
)
def del_(ctx: Context, argv: Argv) -> Reply:
    return delete_keys(ctx, argv, ctx.host.settings.lazyfree_lazy_user_del)


@command(
    "UNLINK",
    arity=-2,
    flags=WRITE | FAST,
    keys=[keys(1, RM_DELETE, last=-1)],
    since="4.0.0",
    summary="Deletes keys, may give their memory back later, and counts those that were there.",
    complexity="O(1) a key, and O(N) for the N objects in it when their memory is given back.",
    syntax="key [key ...]",
    tips=[b"request_policy:multi_shard", b"response_policy:agg_sum"],
)
def unlink(ctx: Context, argv: Argv) -> Reply:
    return delete_keys(ctx, argv, True)


# Moving a value to another key or database


def transfer(source: Database, key: bytes, target: Database, new_key: bytes) -> None:
    """Moves the live value at `key`, with deadline and access clock, to `new_key`, which must be free."""
    deadline = source.deadline(key)
    clock = source.access_clock(key)
    value = source.remove(key)
    assert value is not None
    target.set(new_key, value)
    target.set_access_clock(new_key, clock)
    if deadline > 0:
        target.set_deadline(new_key, deadline)


def rename_key(ctx: Context, argv: Argv, only_if_free: bool) -> bool:
    """RENAME and RENAMENX. Returns whether the key has the new name only now."""
    db = ctx.db
    key = argv[1]
    new_key = argv[2]
    if db.lookup_write(key) is None:
        raise CommandError(NO_SUCH_KEY)
    if key == new_key:
        return False
    if db.lookup_write(new_key) is not None and only_if_free:
        return False
    db.drop(new_key)
    transfer(db, key, db, new_key)
    db.changed(GENERIC, b"rename_from", key)
    db.signal(new_key)
    db.notify(GENERIC, b"rename_to", new_key)
    return True


@command(
    "RENAME",
    arity=3,
    flags=WRITE,
    keys=[keys(1, RW_ACCESS_DELETE), keys(2, OW_UPDATE)],
    since="1.0.0",
    summary="Gives a key another name; a key that had it is overwritten.",
    syntax="key newkey",
)
def rename(ctx: Context, argv: Argv) -> Reply:
    rename_key(ctx, argv, only_if_free=False)
    return OK


@command(
    "RENAMENX",
    arity=3,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE), keys(2, OW | INSERT)],
    since="1.0.0",
    summary="Gives a key another name unless a key has it already.",
    syntax="key newkey",
    history=[("3.2.0", "Two equal names are no error any more.")],
)
def renamenx(ctx: Context, argv: Argv) -> Reply:
    return 1 if rename_key(ctx, argv, only_if_free=True) else 0


def database_argument(ctx: Context, argument: bytes) -> Database:
    """The database with the number an argument gives."""
    index = integer_between(argument, -INT32_MAX - 1, INT32_MAX, NOT_INTEGER)
    databases = ctx.keyspace.databases
    if index < 0 or index >= len(databases):
        raise CommandError(DB_OUT_OF_RANGE)
    return databases[index]


@command(
    "MOVE",
    arity=3,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="1.0.0",
    summary="Moves a key to another database unless the key exists there.",
    syntax="key db",
)
def move(ctx: Context, argv: Argv) -> Reply:
    if ctx.host.clustered:
        raise CommandError("ERR MOVE is not allowed in cluster mode")
    key = argv[1]
    source = ctx.db
    target = database_argument(ctx, argv[2])
    if source is target:
        raise CommandError(SAME_OBJECT)
    if source.lookup_write(key) is None or target.lookup_write(key) is not None:
        return 0
    target.drop(key)
    transfer(source, key, target, key)
    target.signal(key)
    source.changed(GENERIC, b"move_from", key)
    target.notify(GENERIC, b"move_to", key)
    return 1


class CopyOptions:
    """The options of COPY after the two keys."""

    def __init__(self, target: Database) -> None:
        self.target: Database = target
        self.replace = False


def parse_copy_options(ctx: Context, argv: Argv) -> CopyOptions:
    """Reads COPY's options; the last `DB` counts."""
    options = CopyOptions(ctx.db)
    i: i64 = 3
    count: i64 = len(argv)
    while i < count:
        word = argv[i].upper()
        if word == b"REPLACE":
            options.replace = True
        elif word == b"DB" and i + 1 < count:
            options.target = database_argument(ctx, argv[i + 1])
            i += 1
        else:
            raise syntax_error()
        i += 1
    return options


def twin_of(value: object) -> object:
    """An independent value equal to another; strings that cannot change are shared."""
    if isinstance(value, Value):
        return value.copy()
    return bytearray(value) if isinstance(value, bytearray) else value


@command(
    "COPY",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RO_ACCESS), keys(2, OW_UPDATE)],
    since="6.2.0",
    summary="Copies the value of a key, with its expiration, to another key.",
    complexity="O(1) for strings, O(N) for a collection of N elements.",
    syntax="source destination [DB destination-db] [REPLACE]",
)
def copy(ctx: Context, argv: Argv) -> Reply:
    options = parse_copy_options(ctx, argv)
    source = ctx.db
    target = options.target
    if ctx.host.clustered and (source.index != 0 or target.index != 0):
        raise CommandError("ERR Copying to another database is not allowed in cluster mode")
    key = argv[1]
    new_key = argv[2]
    if source is target and key == new_key:
        raise CommandError(SAME_OBJECT)
    value = source.lookup_read(key)
    if value is None:
        return 0
    if target.lookup_write(new_key) is not None and not options.replace:
        return 0
    target.drop(new_key)
    target.set(new_key, twin_of(value))
    deadline = source.deadline(key)
    if deadline > 0:
        target.set_deadline(new_key, deadline)
    target.changed(GENERIC, b"copy_to", new_key)
    return 1
