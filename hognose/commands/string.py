"""The string commands.

A string is `bytes` as it came, `int` where a counter made it, `bytearray` once it has grown in place. All three read
alike through `text_of`.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import EX, EXPIRE_UNITS, I64_MAX, I64_MIN, PX, PXAT, deadline_from, integer
from hognose.commands.context import REPLICATION_LINK
from hognose.commands.flags import (
    DENYOOM,
    FAST,
    INSERT,
    OW,
    OW_UPDATE,
    READONLY,
    RO,
    RO_ACCESS,
    RW_ACCESS_DELETE,
    RW_ACCESS_UPDATE,
    RW_INSERT,
    RW_UPDATE,
    VARIABLE_FLAGS,
    WRITE,
)
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.datastructures.longdouble import incr_float
from hognose.errors import (
    DECR_OVERFLOW,
    NAN_OR_INFINITY,
    NOT_FLOAT,
    OFFSET_OUT_OF_RANGE,
    OVERFLOW,
    STRING_TOO_LONG,
    SYNTAX,
    WRONG_TYPE,
    CommandError,
    wrong_number_of_arguments,
)
from hognose.keyspace.events import GENERIC, STRING
from hognose.keyspace.memory import value_size
from hognose.resp.reply import OK

command = CommandGroup("string")

NX: Final = 1
XX: Final = 2
UNDOUBTED: Final = 2**61
"""A number below this size has 64 bits; comparing with I64_MAX itself costs compiled code an object."""


def text_of(value: object) -> bytes:
    """The bytes of a string in any of its forms.

    Raises:
        CommandError: The value is not a string.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return str(value).encode()
    if isinstance(value, bytearray):
        return bytes(value)
    raise CommandError(WRONG_TYPE)


def read_text(ctx: Context, key: bytes) -> bytes | None:
    """The string at a key, for reading; None if there is no key."""
    value = ctx.db.lookup_read(key)
    return None if value is None else text_of(value)


def require_string(value: object) -> None:
    """Refuses a value that is there and not a string."""
    if value is not None and not isinstance(value, (bytes, int, bytearray)):
        raise CommandError(WRONG_TYPE)


@command(
    "GET",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns the string at a key.",
    syntax="key",
)
def get(ctx: Context, argv: Argv) -> Reply:
    value = ctx.db.lookup_read(argv[1])
    if value is None or isinstance(value, bytes):
        return value
    return text_of(value)


class SetOptions:
    """The options of SET after key and value."""

    def __init__(self) -> None:
        self.condition: i64 = 0
        self.get = False
        self.keep_ttl = False
        self.unit: i64 = 0
        self.time = b""


def parse_set_options(argv: Argv) -> SetOptions:
    """Reads SET's options; contradicting ones are a syntax error."""
    options = SetOptions()
    i = 3
    while i < len(argv):
        word = argv[i].upper()
        unit = EXPIRE_UNITS.get(word)
        if word == b"NX" and options.condition != XX:
            options.condition = NX
        elif word == b"XX" and options.condition != NX:
            options.condition = XX
        elif word == b"GET":
            options.get = True
        elif word == b"KEEPTTL" and options.unit == 0:
            options.keep_ttl = True
        elif unit is not None and options.unit == 0 and not options.keep_ttl and i + 1 < len(argv):
            options.unit = unit
            options.time = argv[i + 1]
            i += 1
        else:
            raise CommandError(SYNTAX)
        i += 1
    return options


@command(
    "SET",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_ACCESS_UPDATE | VARIABLE_FLAGS)],
    since="1.0.0",
    summary="Sets a key to a string, whatever it held; with conditions, a deadline, or the old value as the reply.",
    syntax="key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
    "PXAT unix-time-milliseconds | KEEPTTL]",
    history=[
        ("2.6.12", "EX, PX, NX and XX."),
        ("6.0.0", "KEEPTTL."),
        ("6.2.0", "GET, EXAT and PXAT."),
        ("7.0.0", "NX and GET together."),
    ],
)
def set_(ctx: Context, argv: Argv) -> Reply:
    if len(argv) == 3:
        db = ctx.db
        db.set(argv[1], argv[2])
        db.changed(STRING, b"set", argv[1])
        return OK
    return set_with_options(ctx, argv)


def set_with_options(ctx: Context, argv: Argv) -> Reply:
    """SET with at least one option."""
    options = parse_set_options(argv)
    key = argv[1]
    deadline: i64 = 0
    if options.unit != 0:
        deadline = deadline_from(ctx, options.unit, options.time)
    db = ctx.db
    old: bytes | None = None
    if options.get:
        old = read_text(ctx, key)
    if options.condition != 0:
        exists = db.lookup_write(key) is not None
        if exists == (options.condition == NX):
            return old
    store(ctx, key, argv[2], deadline, options.keep_ttl)
    if options.unit not in {0, PXAT}:
        # It has taken place: its condition, which may be another's elsewhere, does not matter any more.
        ctx.propagate_as([b"SET", key, argv[2], b"PXAT", str(deadline).encode()])
    elif options.get and options.unit == 0:
        ctx.propagate_as(argv[:3] + [word for word in argv[3:] if word.upper() != b"GET"])
    return old if options.get else OK


def store(ctx: Context, key: bytes, value: bytes, deadline: i64, keep_ttl: bool) -> None:
    """Sets a key, with a deadline in Unix ms unless that is 0, and reports it as SET does."""
    db = ctx.db
    if keep_ttl:
        db.set_keep_deadline(key, value)
    else:
        db.set(key, value)
    db.changed(STRING, b"set", key)
    if deadline != 0:
        db.set_deadline(key, deadline)
        db.notify(GENERIC, b"expire", key)


@command(
    "SETNX",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, OW | INSERT)],
    since="1.0.0",
    summary="Sets a key to a string unless the key exists.",
    syntax="key value",
    deprecated=("2.6.12", "`SET` with the `NX` argument"),
)
def setnx(ctx: Context, argv: Argv) -> Reply:
    if ctx.db.lookup_write(argv[1]) is not None:
        return 0
    store(ctx, argv[1], argv[2], 0, keep_ttl=False)
    return 1


def set_expiring(ctx: Context, argv: Argv, unit: i64) -> Reply:
    """SETEX and PSETEX."""
    deadline = deadline_from(ctx, unit, argv[2])
    store(ctx, argv[1], argv[3], deadline, keep_ttl=False)
    ctx.propagate_as([b"SET", argv[1], argv[3], b"PXAT", str(deadline).encode()])
    return OK


@command(
    "SETEX",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE)],
    since="2.0.0",
    summary="Sets a key to a string that expires after some seconds.",
    syntax="key seconds value",
    deprecated=("2.6.12", "`SET` with the `EX` argument"),
)
def setex(ctx: Context, argv: Argv) -> Reply:
    return set_expiring(ctx, argv, EX)


@command(
    "PSETEX",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE)],
    since="2.6.0",
    summary="Sets a key to a string that expires after some milliseconds.",
    syntax="key milliseconds value",
    deprecated=("2.6.12", "`SET` with the `PX` argument"),
)
def psetex(ctx: Context, argv: Argv) -> Reply:
    return set_expiring(ctx, argv, PX)


@command(
    "GETSET",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="1.0.0",
    summary="Sets a key to a string and returns the one it held.",
    syntax="key value",
    deprecated=("6.2.0", "`SET` with the `!GET` argument"),
)
def getset(ctx: Context, argv: Argv) -> Reply:
    old = read_text(ctx, argv[1])
    store(ctx, argv[1], argv[2], 0, keep_ttl=False)
    ctx.propagate_as([b"SET", argv[1], argv[2]])
    return old


@command(
    "GETDEL",
    arity=2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_DELETE)],
    since="6.2.0",
    summary="Returns the string at a key and deletes the key.",
    syntax="key",
)
def getdel(ctx: Context, argv: Argv) -> Reply:
    old = read_text(ctx, argv[1])
    if old is not None:
        ctx.db.remove(argv[1])
        ctx.propagate_as([b"DEL", argv[1]])
        ctx.db.changed(GENERIC, b"del", argv[1])
    return old


@command(
    "GETEX",
    arity=-2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="6.2.0",
    summary="Returns the string at a key and changes when it expires.",
    syntax="key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
)
def getex(ctx: Context, argv: Argv) -> Reply:
    unit, time, persist = parse_getex_options(argv)
    db = ctx.db
    key = argv[1]
    text = read_text(ctx, key)
    if text is None:
        return None
    if unit != 0:
        deadline = deadline_from(ctx, unit, time)
        if unit > PX and deadline <= ctx.now_ms():
            db.remove(key)
            ctx.propagate_as([b"DEL", key])
            db.changed(GENERIC, b"del", key)
        else:
            db.set_deadline(key, deadline)
            ctx.propagate_as([b"PEXPIREAT", key, str(deadline).encode()])
            db.changed(GENERIC, b"expire", key)
    elif persist and db.deadline(key) > 0:
        db.set_deadline(key, 0)
        ctx.propagate_as([b"PERSIST", key])
        db.changed(GENERIC, b"persist", key)
    return text


def parse_getex_options(argv: Argv) -> tuple[int, bytes, bool]:
    """Unit of the expire time (0: none), the time, and whether PERSIST was said."""
    if len(argv) == 2:
        return 0, b"", False
    word = argv[2].upper()
    if word == b"PERSIST" and len(argv) == 3:
        return 0, b"", True
    unit = EXPIRE_UNITS.get(word)
    if unit is None or len(argv) != 4:
        raise CommandError(SYNTAX)
    return unit, argv[3], False


@command(
    "STRLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO)],
    since="2.2.0",
    summary="Returns the length of the string at a key, in bytes.",
    syntax="key",
)
def strlen(ctx: Context, argv: Argv) -> Reply:
    value = ctx.db.lookup_read(argv[1])
    return 0 if value is None else text_size(value)


def text_size(value: object) -> int:
    """The length of a string, which is not copied for that. O(1).

    Raises:
        CommandError: The value is not a string.
    """
    return len(value) if isinstance(value, (bytes, bytearray)) else len(text_of(value))


def check_string_size(ctx: Context, size: int) -> None:
    """Refuses a string longer than proto-max-bulk-len."""
    if size > int(ctx.host.max_string_bytes) and ctx.attention & REPLICATION_LINK == 0:
        raise CommandError(STRING_TOO_LONG)


def grown(value: object) -> bytearray:
    """A string in the form that grows in place."""
    return value if isinstance(value, bytearray) else bytearray(text_of(value))


def store_grown(ctx: Context, key: bytes, old: object, text: bytearray, old_bytes: i64) -> None:
    """Puts a string changed in place back; `old_bytes` is what the old value weighed before the change."""
    if old is text:
        ctx.keyspace.memory_bytes += value_size(text) - old_bytes
    elif old is None:
        ctx.db.set(key, text)
    else:
        ctx.db.replace(key, text)


@command(
    "APPEND",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="2.0.0",
    summary="Adds bytes to the end of the string at a key; a missing key counts as empty.",
    complexity="O(N) where N is the number of bytes added, on average.",
    syntax="key value",
)
def append(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    key = argv[1]
    value = db.lookup_write(key)
    if value is None:
        db.set(key, argv[2])
        size = len(argv[2])
    else:
        require_string(value)
        old_bytes = value_size(value)
        text = grown(value)
        size = len(text) + len(argv[2])
        check_string_size(ctx, size)
        text += argv[2]
        store_grown(ctx, key, value, text, old_bytes)
    db.changed(STRING, b"append", key)
    return size


@command(
    "SETRANGE",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_UPDATE)],
    since="2.2.0",
    summary="Writes bytes into the string at a key from an offset on; what lies between is zero bytes.",
    complexity="O(N) where N is the number of bytes written, the gap before them included.",
    syntax="key offset value",
)
def setrange(ctx: Context, argv: Argv) -> Reply:
    offset = integer(argv[2])
    patch = argv[3]
    if offset < 0:
        raise CommandError(OFFSET_OUT_OF_RANGE)
    db = ctx.db
    key = argv[1]
    value = db.lookup_write(key)
    require_string(value)
    if not patch:
        return 0 if value is None else text_size(value)
    check_string_size(ctx, offset + len(patch))
    old_bytes: i64 = 0 if value is None else value_size(value)
    text = bytearray() if value is None else grown(value)
    if len(text) < offset:
        text.extend(bytes(offset - len(text)))
    ctx.keyspace.about_to_overwrite(text, offset, offset + len(patch))
    text[offset : offset + len(patch)] = patch
    store_grown(ctx, key, value, text, old_bytes)
    db.changed(STRING, b"setrange", key)
    return len(text)


@command(
    "GETRANGE",
    arity=4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.4.0",
    summary="Returns a part of the string at a key.",
    complexity="O(N) where N is the length of that part.",
    syntax="key start end",
)
def getrange(ctx: Context, argv: Argv) -> Reply:
    start = integer(argv[2])
    end = integer(argv[3])
    value = ctx.db.lookup_read(argv[1])
    if value is None:
        return b""
    text: bytes | bytearray = value if isinstance(value, bytearray) else text_of(value)
    size = len(text)
    if start < 0 and end < 0 and start > end:
        return b""
    start = max(start + size if start < 0 else start, 0)
    end = min(max(end + size if end < 0 else end, 0), size - 1)
    if start > end or size == 0:
        return b""
    return bytes(text[start : end + 1])


@command(
    "SUBSTR",
    arity=4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns a part of the string at a key.",
    complexity="O(N) where N is the length of that part.",
    syntax="key start end",
    deprecated=("2.0.0", "`GETRANGE`"),
)
def substr(ctx: Context, argv: Argv) -> Reply:
    return getrange(ctx, argv)


@command(
    "MGET",
    arity=-2,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS, last=-1)],
    since="1.0.0",
    summary="Returns the strings at several keys.",
    complexity="O(N) where N is the number of keys.",
    syntax="key [key ...]",
    tips=[b"request_policy:multi_shard"],
)
def mget(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    values: list[object] = []
    for i in range(1, len(argv)):
        value = db.lookup_read(argv[i])
        if isinstance(value, bytes):
            values.append(value)
        elif isinstance(value, (int, bytearray)):
            values.append(text_of(value))
        else:
            values.append(None)
    return values


@command(
    "MSET",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE, last=-1, step=2)],
    since="1.0.1",
    summary="Sets several keys to strings at once.",
    complexity="O(N) where N is the number of keys.",
    syntax="key value [key value ...]",
    tips=[b"request_policy:multi_shard", b"response_policy:all_succeeded"],
)
def mset(ctx: Context, argv: Argv) -> Reply:
    if len(argv) & 1 == 0:
        raise wrong_number_of_arguments("mset")
    set_all(ctx, argv)
    return OK


def set_all(ctx: Context, argv: Argv) -> None:
    """Sets the key-value pairs after the command's name."""
    db = ctx.db
    i: i64 = 1
    count: i64 = len(argv)
    while i < count:
        db.set(argv[i], argv[i + 1])
        db.changed(STRING, b"set", argv[i])
        i += 2


@command(
    "MSETNX",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW | INSERT, last=-1, step=2)],
    since="1.0.1",
    summary="Sets several keys to strings at once, unless one of them exists.",
    complexity="O(N) where N is the number of keys.",
    syntax="key value [key value ...]",
)
def msetnx(ctx: Context, argv: Argv) -> Reply:
    if len(argv) & 1 == 0:
        raise wrong_number_of_arguments("msetnx")
    for i in range(1, len(argv), 2):
        if ctx.db.lookup_write(argv[i]) is not None:
            return 0
    set_all(ctx, argv)
    return 1


def add_to_counter(ctx: Context, key: bytes, increment: int) -> Reply:
    """INCR, DECR, INCRBY, DECRBY."""
    db = ctx.db
    value = db.lookup_write(key)
    total: object = increment  # one object for the keyspace and for the reply
    if value is None:
        db.set(key, total)
    else:
        before: int
        if isinstance(value, int):
            before = value
        else:
            require_string(value)
            before = integer(text_of(value))
        number = before + increment
        if not -UNDOUBTED < number < UNDOUBTED and not I64_MIN <= number <= I64_MAX:
            raise CommandError(OVERFLOW)
        total = number
        db.replace_found(value, total)
    db.changed(STRING, b"incrby", key)
    return total


@command(
    "INCR",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="1.0.0",
    summary="Adds one to the integer at a key; a missing key counts as 0.",
    syntax="key",
)
def incr(ctx: Context, argv: Argv) -> Reply:
    return add_to_counter(ctx, argv[1], 1)


@command(
    "DECR",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="1.0.0",
    summary="Takes one from the integer at a key; a missing key counts as 0.",
    syntax="key",
)
def decr(ctx: Context, argv: Argv) -> Reply:
    return add_to_counter(ctx, argv[1], -1)


@command(
    "INCRBY",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="1.0.0",
    summary="Adds a number to the integer at a key; a missing key counts as 0.",
    syntax="key increment",
)
def incrby(ctx: Context, argv: Argv) -> Reply:
    return add_to_counter(ctx, argv[1], integer(argv[2]))


@command(
    "DECRBY",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="1.0.0",
    summary="Takes a number from the integer at a key; a missing key counts as 0.",
    syntax="key decrement",
)
def decrby(ctx: Context, argv: Argv) -> Reply:
    decrement = integer(argv[2])
    if decrement == I64_MIN:
        raise CommandError(DECR_OVERFLOW)
    return add_to_counter(ctx, argv[1], -decrement)


@command(
    "INCRBYFLOAT",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="2.6.0",
    summary="Adds a number to the one at a key, with decimals; a missing key counts as 0.",
    syntax="key increment:double",
)
def incrbyfloat(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    key = argv[1]
    value = db.lookup_write(key)
    require_string(value)
    text = b"0" if value is None else text_of(value)
    try:
        total = incr_float(text, argv[2])
    except OverflowError:
        raise CommandError(NAN_OR_INFINITY) from None
    except ValueError:
        raise CommandError(NOT_FLOAT) from None
    if value is None:
        db.set(key, total)
    else:
        db.replace(key, total)
    db.changed(STRING, b"incrbyfloat", key)
    ctx.propagate_as([b"SET", key, total, b"KEEPTTL"])
    return total
