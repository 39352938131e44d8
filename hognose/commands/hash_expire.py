"""Deadlines of single fields of a hash: the HEXPIRE family of Redis 7.4, and HGETEX, HSETEX, HGETDEL of 8.0.

As with keys, a deadline is kept and propagated in Unix ms whatever the client used: HEXPIRE goes out as HPEXPIREAT with
the fields it took effect on and without its condition, a deadline in the past as HDEL.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import EX, EXAT, EXPIRE_UNITS, I64_MAX, PX, integer, integer_between
from hognose.commands.context import Context
from hognose.commands.expire import CONDITIONS, condition_holds
from hognose.commands.flags import (
    DENYOOM,
    FAST,
    READONLY,
    RO_ACCESS,
    RW_ACCESS_DELETE,
    RW_ACCESS_UPDATE,
    RW_UPDATE,
    WRITE,
)
from hognose.commands.hash import report_deleted
from hognose.commands.hash_access import created_hash, read_hash, write_hash
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.numbers import format_i64
from hognose.errors import SYNTAX, CommandError, invalid_expire_time, printable, wrong_number_of_arguments
from hognose.keyspace.events import HASH

command = CommandGroup("hash")

MAX_DEADLINE_MS: Final = 2**46 - 1
"""The latest deadline a field can have: a quarter of the 48 bits the real server keeps it in."""

NO_FIELD: Final = -2
NO_DEADLINE: Final = -1
CONDITION_FAILED: Final = 0
DONE: Final = 1
DELETED: Final = 2

FIELDS_MISSING: Final = "ERR Mandatory argument FIELDS is missing or not at the right position"
NUMFIELDS_TOO_SMALL: Final = "ERR Parameter `numFields` should be greater than 0"
NUMFIELDS_NOT_POSITIVE: Final = "ERR Number of fields must be a positive integer"
NUMFIELDS_INVALID: Final = "ERR invalid number of fields"
NUMFIELDS_MISMATCH: Final = "ERR The `numfields` parameter must match the number of arguments"
NEGATIVE_TIME: Final = "ERR invalid expire time, must be >= 0"
TIME_MISSING: Final = "ERR missing expire time"
ONE_CONDITION: Final = "ERR Only one of FXX or FNX arguments can be specified"
ONE_TIME_OR_KEEPTTL: Final = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"


def field_deadline(ctx: Context, argument: bytes, unit: i64) -> i64:
    """The deadline in Unix ms that an argument means, in a unit EX, PX, EXAT or PXAT; it may lie in the past.

    Raises:
        CommandError: It is no integer, negative or too late.
    """
    amount = integer(argument)
    if amount < 0:
        raise CommandError(NEGATIVE_TIME)
    if unit in {EX, EXAT}:
        amount *= 1000
    if unit in {EX, PX} and amount <= MAX_DEADLINE_MS:
        amount += int(ctx.now_ms())  # int: a sum with the i64 itself would wrap
    if amount > MAX_DEADLINE_MS:
        raise invalid_expire_time(ctx.command_name())
    return amount


def fields_after(argv: Argv, at: i64, error: str) -> Argv:
    """The fields behind `FIELDS numfields`, which must stand at an index and end the arguments.

    Args:
        argv: The request.
        at: Where FIELDS must stand.
        error: What to answer if the number is not positive.
    """
    if at >= len(argv) or argv[at].upper() != b"FIELDS":
        raise CommandError(FIELDS_MISSING)
    if at + 1 >= len(argv):
        raise CommandError(NUMFIELDS_MISMATCH)
    count = integer_between(argv[at + 1], 1, I64_MAX, error)
    if count != len(argv) - at - 2:
        raise CommandError(NUMFIELDS_MISMATCH)
    return argv[at + 2 :]


class FieldChanges:
    """What a command does to fields of one hash, to be reported and propagated together."""

    def __init__(self, ctx: Context, key: bytes, value: HashValue) -> None:
        self._ctx: Final = ctx
        self._key: Final = key
        self._value: Final = value
        self._moved: list[bytes] = []
        self._persisted: list[bytes] = []
        self._deleted: list[bytes] = []
        self._deadline: i64 = 0

    def set_deadline(self, field: bytes, deadline: i64) -> bool:
        """Gives a field that is there a deadline, or deletes it if that is past. Returns whether it is still there."""
        if deadline <= self._ctx.now_ms() and self._ctx.keyspace.may_expire:
            self.delete(field)
            return False
        self._value.set_deadline(field, max(deadline, 1))
        self._moved.append(field)
        self._deadline = deadline
        return True

    def persist(self, field: bytes) -> bool:
        """Takes a field's deadline away. Returns whether it had one."""
        if self._value.deadline(field) <= 0:
            return False
        self._value.set_deadline(field, 0)
        self._persisted.append(field)
        return True

    def delete(self, field: bytes) -> None:
        """Deletes a field that is there."""
        self._value.delete(field)
        self._deleted.append(field)

    def report(self) -> None:
        """Counts the changes, fires their events, and says what replicas are to be sent."""
        commands = self.propagated()
        if not commands:
            return
        ctx = self._ctx
        db = ctx.db
        key = self._key
        ctx.propagate_as(*commands)
        if self._moved:
            db.await_fields(key, self._value.next_deadline())
            db.changed(HASH, b"hexpire", key)
        if self._persisted:
            db.changed(HASH, b"hpersist", key)
        ctx.keyspace.dirty += max(len(self._moved) - 1, 0) + max(len(self._persisted) - 1, 0)
        if self._deleted:
            report_deleted(ctx, key, self._value, len(self._deleted))

    def propagated(self) -> list[list[bytes]]:
        """The commands with the same effect on a replica."""
        key = self._key
        commands: list[list[bytes]] = []
        if self._moved:
            commands.append([b"HPEXPIREAT", key, format_i64(self._deadline), *counted(self._moved)])
        if self._persisted:
            commands.append([b"HPERSIST", key, *counted(self._persisted)])
        if self._deleted:
            commands.append([b"HDEL", key, *self._deleted])
        return commands


def counted(fields: list[bytes]) -> list[bytes]:
    """`FIELDS numfields field...`."""
    return [b"FIELDS", format_i64(len(fields)), *fields]


# HEXPIRE and its kin


def expire_fields(ctx: Context, argv: Argv, unit: i64) -> Reply:
    """HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT."""
    value = write_hash(ctx, argv[1])
    deadline = field_deadline(ctx, argv[2], unit)
    condition = CONDITIONS.get(argv[3].upper(), 0)
    fields = fields_after(argv, 3 if condition == 0 else 4, NUMFIELDS_TOO_SMALL)
    if value is None:
        return [NO_FIELD] * len(fields)
    changes = FieldChanges(ctx, argv[1], value)
    results: list[object] = []
    for field in fields:
        current = value.deadline(field)
        if current < 0:
            results.append(NO_FIELD)
        elif not condition_holds(condition, current, deadline):
            results.append(CONDITION_FAILED)
        else:
            results.append(DONE if changes.set_deadline(field, deadline) else DELETED)
    changes.report()
    return results


@command(
    "HEXPIRE",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="7.4.0",
    summary="Lets fields of a hash expire after some seconds.",
    complexity="O(N) for N fields.",
    syntax="key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
)
def hexpire(ctx: Context, argv: Argv) -> Reply:
    return expire_fields(ctx, argv, EX)


@command(
    "HPEXPIRE",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="7.4.0",
    summary="Lets fields of a hash expire after some milliseconds.",
    complexity="O(N) for N fields.",
    syntax="key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
)
def hpexpire(ctx: Context, argv: Argv) -> Reply:
    return expire_fields(ctx, argv, PX)


@command(
    "HEXPIREAT",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="7.4.0",
    summary="Lets fields of a hash expire at a Unix time in seconds.",
    complexity="O(N) for N fields.",
    syntax="key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
)
def hexpireat(ctx: Context, argv: Argv) -> Reply:
    return expire_fields(ctx, argv, EXAT)


@command(
    "HPEXPIREAT",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="7.4.0",
    summary="Lets fields of a hash expire at a Unix time in milliseconds.",
    complexity="O(N) for N fields.",
    syntax="key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
)
def hpexpireat(ctx: Context, argv: Argv) -> Reply:
    return expire_fields(ctx, argv, EXPIRE_UNITS[b"PXAT"])


@command(
    "HPERSIST",
    arity=-5,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="7.4.0",
    summary="Takes the expiration of fields of a hash away.",
    complexity="O(N) for N fields.",
    syntax="key FIELDS numfields field [field ...]",
)
def hpersist(ctx: Context, argv: Argv) -> Reply:
    value = write_hash(ctx, argv[1])
    fields = fields_after(argv, 2, NUMFIELDS_NOT_POSITIVE)
    if value is None:
        return [NO_FIELD] * len(fields)
    changes = FieldChanges(ctx, argv[1], value)
    results: list[object] = []
    for field in fields:
        if value.deadline(field) < 0:
            results.append(NO_FIELD)
        else:
            results.append(DONE if changes.persist(field) else NO_DEADLINE)
    changes.report()
    return results


# HTTL and its kin


def report_deadlines(ctx: Context, argv: Argv, in_seconds: bool, relative: bool) -> Reply:
    """HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME; seconds are rounded up."""
    value = read_hash(ctx, argv[1])
    fields = fields_after(argv, 2, NUMFIELDS_NOT_POSITIVE)
    base = ctx.now_ms() if relative else 0
    results: list[object] = []
    for field in fields:
        deadline: i64 = -1 if value is None else value.deadline(field)
        if deadline < 0:
            results.append(NO_FIELD)
        elif deadline == 0:
            results.append(NO_DEADLINE)
        else:
            left = deadline - base
            results.append((left + 999) // 1000 if in_seconds else left)
    return results


@command(
    "HTTL",
    arity=-5,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="7.4.0",
    summary="Tells in how many seconds fields of a hash expire: -1 for never, -2 for no such field.",
    complexity="O(N) for N fields.",
    syntax="key FIELDS numfields field [field ...]",
    tips=[b"nondeterministic_output"],
)
def httl(ctx: Context, argv: Argv) -> Reply:
    return report_deadlines(ctx, argv, in_seconds=True, relative=True)


@command(
    "HPTTL",
    arity=-5,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="7.4.0",
    summary="Tells in how many milliseconds fields of a hash expire: -1 for never, -2 for no such field.",
    complexity="O(N) for N fields.",
    syntax="key FIELDS numfields field [field ...]",
    tips=[b"nondeterministic_output"],
)
def hpttl(ctx: Context, argv: Argv) -> Reply:
    return report_deadlines(ctx, argv, in_seconds=False, relative=True)


@command(
    "HEXPIRETIME",
    arity=-5,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="7.4.0",
    summary="Tells the Unix time in seconds at which fields of a hash expire: -1 for never, -2 for no such field.",
    complexity="O(N) for N fields.",
    syntax="key FIELDS numfields field [field ...]",
)
def hexpiretime(ctx: Context, argv: Argv) -> Reply:
    return report_deadlines(ctx, argv, in_seconds=True, relative=False)


@command(
    "HPEXPIRETIME",
    arity=-5,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="7.4.0",
    summary="Tells the Unix time in milliseconds at which fields of a hash expire: -1 for never, -2 for no such field.",
    complexity="O(N) for N fields.",
    syntax="key FIELDS numfields field [field ...]",
)
def hpexpiretime(ctx: Context, argv: Argv) -> Reply:
    return report_deadlines(ctx, argv, in_seconds=False, relative=False)


# HGETDEL, HGETEX and HSETEX


@command(
    "HGETDEL",
    arity=-5,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE)],
    since="8.0.0",
    summary="Returns the values of fields of a hash and deletes the fields.",
    complexity="O(N) for N fields.",
    syntax="key FIELDS numfields field [field ...]",
)
def hgetdel(ctx: Context, argv: Argv) -> Reply:
    value = write_hash(ctx, argv[1])
    fields = fields_after(argv, 2, NUMFIELDS_NOT_POSITIVE)
    if value is None:
        return [None] * len(fields)
    changes = FieldChanges(ctx, argv[1], value)
    texts: list[object] = []
    for field in fields:
        text = value.get(field)
        texts.append(text)
        if text is not None:
            changes.delete(field)
    changes.report()
    return texts


class FieldOptions:
    """The options of HSETEX before FIELDS.

    Attributes:
        has_deadline: A time was given.
        deadline: The time, Unix ms.
        keeps: KEEPTTL was given.
        condition: b"FNX", b"FXX" or empty.
        key_condition: b"NX", b"XX" or empty, as in Valkey: of the whole hash.
        operands: What follows `FIELDS numfields`: fields and values.
    """

    def __init__(self) -> None:
        self.has_deadline = False
        self.deadline: i64 = 0
        self.keeps = False
        self.condition = b""
        self.key_condition = b""
        self.operands: list[bytes] = []


def parse_field_options(ctx: Context, argv: Argv) -> FieldOptions:
    """Reads the options of HSETEX, up to and with the fields; a time is judged where it stands."""
    options = FieldOptions()
    i: i64 = 2
    while i < len(argv):
        word = argv[i].upper()
        unit = EXPIRE_UNITS.get(word)
        if word == b"FIELDS":
            options.operands = operands_after(ctx, argv, i)
            return options
        if unit is not None or word == b"KEEPTTL":
            if options.has_deadline or options.keeps:
                raise CommandError(ONE_TIME_OR_KEEPTTL)
            if unit is None:
                options.keeps = True
            elif i + 1 >= len(argv):
                raise CommandError(TIME_MISSING)
            else:
                i += 1
                options.deadline = field_deadline(ctx, argv[i], unit)
                options.has_deadline = True
        elif word in {b"FNX", b"FXX"}:
            if options.condition:
                raise CommandError(ONE_CONDITION)
            options.condition = word
        elif word in {b"NX", b"XX"}:
            if options.key_condition not in {b"", word}:
                raise CommandError(SYNTAX)
            options.key_condition = word
        else:
            raise CommandError(f"ERR unknown argument: {printable(argv[i])}")
        i += 1
    raise CommandError(FIELDS_MISSING)


def operands_after(ctx: Context, argv: Argv, at: i64) -> Argv:
    """The fields and values behind `FIELDS numfields` at an index."""
    if at + 3 >= len(argv):
        raise wrong_number_of_arguments(ctx.command_name())
    count = integer_between(argv[at + 1], 1, 2**31 - 1, NUMFIELDS_INVALID)
    if count * 2 != len(argv) - at - 2:
        raise wrong_number_of_arguments(ctx.command_name())
    return argv[at + 2 :]


@command(
    "HGETEX",
    arity=-5,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="8.0.0",
    summary="Returns the values of fields of a hash and sets or takes away when they expire.",
    complexity="O(N) for N fields.",
    syntax="key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] "
    "FIELDS numfields field [field ...]",
)
def hgetex(ctx: Context, argv: Argv) -> Reply:
    value = write_hash(ctx, argv[1])
    option = argv[2].upper()
    unit: i64 = EXPIRE_UNITS.get(option, 0)
    persists = option == b"PERSIST"
    deadline: i64 = 0
    at: i64 = 3 if persists else 2
    if unit != 0:
        deadline = field_deadline(ctx, argv[3], unit)
        at = 4
    if at == len(argv) - 1 and argv[at].upper() == b"FIELDS":
        raise wrong_number_of_arguments(ctx.command_name())
    fields = fields_after(argv, at, NUMFIELDS_NOT_POSITIVE)
    if value is None:
        return [None] * len(fields)
    changes = FieldChanges(ctx, argv[1], value)
    texts: list[object] = []
    for field in fields:
        text = value.get(field)
        texts.append(text)
        if text is None:
            continue
        if unit != 0:
            changes.set_deadline(field, deadline)
        elif persists:
            changes.persist(field)
    changes.report()
    return texts


@command(
    "HSETEX",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="8.0.0",
    summary="Sets fields of a hash and when they expire, if asked for only if the hash, none or all of them are there.",
    complexity="O(N) for N fields.",
    syntax="key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
    "PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]",
)
def hsetex(ctx: Context, argv: Argv) -> Reply:
    options = parse_field_options(ctx, argv)
    key = argv[1]
    value = write_hash(ctx, key)
    if not fields_allow(value, options):
        return 0
    if value is None:
        value = created_hash(ctx, key)
    operands = options.operands
    i: i64 = 0
    while i < len(operands):
        value.set(operands[i], operands[i + 1], options.keeps)
        i += 2
    ctx.keyspace.dirty += len(operands) // 2 - 1
    ctx.db.changed(HASH, b"hset", key)
    if options.has_deadline:
        expire_set_fields(ctx, key, value, operands, options.deadline)
    elif options.condition or options.key_condition:
        kept = [b"KEEPTTL"] if options.keeps else []
        ctx.propagate_as([b"HSETEX", key, *kept, b"FIELDS", format_i64(len(operands) // 2), *operands])
    return 1


def fields_allow(value: HashValue | None, options: FieldOptions) -> bool:
    """Whether HSETEX's conditions hold: no hash (NX) or one (XX); no field is there (FNX), or all are (FXX)."""
    if options.key_condition and (options.key_condition == b"XX") != (value is not None):
        return False
    if not options.condition:
        return True
    wanted = options.condition == b"FXX"
    fields = options.operands[::2]
    present = [value is not None and value.has(field) for field in fields]
    return (not wanted) not in present


def expire_set_fields(ctx: Context, key: bytes, value: HashValue, operands: Argv, deadline: i64) -> None:
    """Gives the fields HSETEX has set their deadline, and propagates both as one HSETEX, or as HDEL if it is past."""
    changes = FieldChanges(ctx, key, value)
    stays = True
    for field in dict.fromkeys(operands[::2]):
        stays = changes.set_deadline(field, deadline)
    changes.report()
    if stays:
        count = format_i64(len(operands) // 2)
        ctx.propagate_as([b"HSETEX", key, b"PXAT", format_i64(deadline), b"FIELDS", count, *operands])
