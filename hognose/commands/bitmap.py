"""The bitmap commands: strings read and written bit by bit.

Here are arguments, ranges and replies; the work on the bytes is done by `datastructures.bits`. A string that is written
to becomes a `bytearray`, which further writes change in place.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer
from hognose.commands.context import REPLICATION_LINK
from hognose.commands.flags import (
    DENYOOM,
    FAST,
    OW_UPDATE,
    READONLY,
    RO_ACCESS,
    RW_ACCESS_UPDATE,
    VARIABLE_FLAGS,
    WRITE,
)
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.string import grown, require_string, store_grown, text_of
from hognose.datastructures import bits
from hognose.datastructures.numbers import parse_i64
from hognose.errors import SYNTAX, CommandError
from hognose.keyspace.events import GENERIC, STRING
from hognose.keyspace.memory import value_size

command = CommandGroup("bitmap")

BIT_OFFSET_OUT_OF_RANGE: Final = "ERR bit offset is not an integer or out of range"
BIT_OUT_OF_RANGE: Final = "ERR bit is not an integer or out of range"
BIT_NOT_BINARY: Final = "ERR The bit argument must be 1 or 0."
NOT_WITH_SEVERAL_KEYS: Final = "ERR BITOP NOT must be called with a single source key."
BAD_FIELD_TYPE: Final = (
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
)
BAD_OVERFLOW: Final = "ERR Invalid OVERFLOW type specified"
READ_ONLY_FIELDS: Final = "ERR BITFIELD_RO only supports the GET subcommand"

# The longest string the real server embeds in its header; a longer one is "raw" whatever made it.
EMBEDDED_BYTES: Final = 44


def bytes_of(value: object) -> bytes | bytearray:
    """The bytes of a string, not copied where it is long."""
    return value if isinstance(value, bytearray) else text_of(value)


def raw_string(text: bytes) -> bytes | bytearray:
    """A string in the form whose encoding is "raw", as results are that no client sent."""
    return bytearray(text) if len(text) <= EMBEDDED_BYTES else text


def bit_offset(ctx: Context, argument: bytes) -> i64:
    """Reads the offset of a bit.

    Raises:
        CommandError: It is no number, negative, or beyond the longest string.
    """
    return checked_bit_offset(ctx, integer(argument, BIT_OFFSET_OUT_OF_RANGE))


def checked_bit_offset(ctx: Context, offset: int) -> i64:
    """Refuses an offset outside the longest string there may be."""
    beyond = offset >> 3 >= int(ctx.host.max_string_bytes) and ctx.attention & REPLICATION_LINK == 0
    if offset < 0 or beyond or offset > 2**62:
        raise CommandError(BIT_OFFSET_OUT_OF_RANGE)
    return offset


@command(
    "SETBIT",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_ACCESS_UPDATE)],
    since="2.2.0",
    summary="Sets or clears one bit of a string, which is created or lengthened where necessary.",
    syntax="key offset value:integer",
)
def setbit(ctx: Context, argv: Argv) -> Reply:
    offset = bit_offset(ctx, argv[2])
    bit = integer(argv[3], BIT_OUT_OF_RANGE)
    if bit not in {0, 1}:
        raise CommandError(BIT_OUT_OF_RANGE)
    text, lengthened = writable_string(ctx, argv[1], offset)
    ctx.keyspace.about_to_overwrite(text, offset >> 3, (offset >> 3) + 1)
    old = bits.set_bit(text, offset, bit)
    if lengthened or old != bit:
        ctx.db.changed(STRING, b"setbit", argv[1])
    return old


def writable_string(ctx: Context, key: bytes, last_bit: i64) -> tuple[bytearray, bool]:
    """The string at a key in the form that changes in place, long enough to hold a bit, created where missing.

    Returns:
        The string, and whether it was created or lengthened.
    """
    value = ctx.db.lookup_write(key)
    require_string(value)
    size = (last_bit >> 3) + 1
    if isinstance(value, bytearray) and len(value) >= size:
        return value, False
    old_bytes: i64 = 0 if value is None else value_size(value)
    text = bytearray() if value is None else grown(value)
    lengthened = len(text) < size
    bits.grow(text, size)
    store_grown(ctx, key, value, text, old_bytes)
    return text, lengthened


@command(
    "GETBIT",
    arity=3,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.2.0",
    summary="Returns one bit of a string.",
    syntax="key offset",
)
def getbit(ctx: Context, argv: Argv) -> Reply:
    offset = bit_offset(ctx, argv[2])
    value = ctx.db.lookup_read(argv[1])
    return 0 if value is None else bits.get_bit(bytes_of(value), offset)


def parse_unit(word: bytes) -> bool:
    """Whether a range is given in bits: the BYTE or BIT at its end."""
    unit = word.upper()
    if unit not in {b"BIT", b"BYTE"}:
        raise CommandError(SYNTAX)
    return unit == b"BIT"


def absolute_range(start: int, end: int, total: i64) -> tuple[int, int]:
    """Turns indexes that may be negative (counted from the end) or too large into absolute ones.

    Returns:
        First and last index, inside the string; the first above the last when the range is empty.
    """
    first = max(start + int(total) if start < 0 else start, 0)
    last = max(end + int(total) if end < 0 else end, 0)
    return first, min(last, int(total) - 1)


@command(
    "BITCOUNT",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.6.0",
    summary="Counts the bits that are set in a string or a part of it.",
    complexity="O(N)",
    syntax="key [start end [BYTE | BIT]]",
    history=[("7.0.0", "Ranges can be given in bits: BYTE and BIT.")],
)
def bitcount(ctx: Context, argv: Argv) -> Reply:
    value = ctx.db.lookup_read(argv[1])
    if value is None:
        return 0
    text = bytes_of(value)
    size: i64 = len(text)
    if len(argv) == 2:
        return bits.bitcount(text, 0, size - 1)
    if len(argv) not in {4, 5}:
        raise CommandError(SYNTAX)
    start = integer(argv[2])
    end = integer(argv[3])
    if start < 0 and end < 0 and start > end:
        return 0
    if len(argv) == 5 and parse_unit(argv[4]):
        first, last = absolute_range(start, end, 8 * size)
        return 0 if first > last else bits.bitcount_bits(text, first, last)
    first, last = absolute_range(start, end, size)
    return 0 if first > last else bits.bitcount(text, first, last)


@command(
    "BITPOS",
    arity=-3,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.8.7",
    summary="Finds the first bit that is set, or clear, in a string or a part of it.",
    complexity="O(N)",
    syntax="key bit [start [end [BYTE | BIT]]]",
    history=[("7.0.0", "Ranges can be given in bits: BYTE and BIT.")],
)
def bitpos(ctx: Context, argv: Argv) -> Reply:
    bit = integer(argv[2])
    if bit not in {0, 1}:
        raise CommandError(BIT_NOT_BINARY)
    value = ctx.db.lookup_read(argv[1])
    if value is None:
        return -1 if bit else 0
    text = bytes_of(value)
    size: i64 = len(text)
    first, last = bitpos_range(argv, size)
    if first > last:
        return -1
    found = bits.find_bit(text, bit, first, last)
    if found < 0 and bit == 0 and len(argv) <= 4:
        # Without an end, the string counts as followed by zeros.
        return 8 * size
    return found


def bitpos_range(argv: Argv, size: i64) -> tuple[int, int]:
    """The range of BITPOS in bits; empty when the first is above the last."""
    if len(argv) > 6:
        raise CommandError(SYNTAX)
    start = 0
    end = -1
    in_bits = False
    if len(argv) > 3:
        start = integer(argv[3])
        in_bits = len(argv) == 6 and parse_unit(argv[5])
        if len(argv) > 4:
            end = integer(argv[4])
    if in_bits:
        return absolute_range(start, end, 8 * size)
    first, last = absolute_range(start, end, size)
    return 8 * first, 8 * last + 7


@command(
    "BITOP",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=[keys(2, OW_UPDATE), keys(3, RO_ACCESS, last=-1)],
    since="2.6.0",
    summary="Combines strings bit by bit and stores the result.",
    complexity="O(N)",
    syntax="<AND | OR | XOR | NOT> destkey key [key ...]",
)
def bitop(ctx: Context, argv: Argv) -> Reply:
    operation = argv[1].upper()
    if operation not in OPERATIONS:
        raise CommandError(SYNTAX)
    if operation == b"NOT" and len(argv) != 4:
        raise CommandError(NOT_WITH_SEVERAL_KEYS)
    sources: list[bytes] = []
    for key in argv[3:]:
        value = ctx.db.lookup_read(key)
        sources.append(b"" if value is None else text_of(value))
    result = bits.invert(sources[0]) if operation == b"NOT" else bits.combine(OPERATIONS[operation], sources)
    target = argv[2]
    if result:
        ctx.db.set(target, raw_string(result))
        ctx.db.changed(STRING, b"set", target)
    elif ctx.db.drop(target):
        ctx.db.changed(GENERIC, b"del", target)
    return len(result)


OPERATIONS: Final[dict[bytes, int]] = {b"AND": bits.AND, b"OR": bits.OR, b"XOR": bits.XOR, b"NOT": -1}
POLICIES: Final[dict[bytes, int]] = {b"WRAP": bits.WRAP, b"SAT": bits.SAT, b"FAIL": bits.FAIL}

GET: Final = 0
SET: Final = 1
INCRBY: Final = 2
FIELD_OPERATIONS: Final[dict[bytes, int]] = {b"GET": GET, b"SET": SET, b"INCRBY": INCRBY}


class FieldOperation:
    """One GET, SET or INCRBY of a BITFIELD.

    Attributes:
        kind: Which of them.
        signed: Whether the field is two's complement.
        width: Its bits.
        offset: Where its most significant bit is.
        operand: The value to set or to add.
        policy: What to do when it does not fit: WRAP, SAT or FAIL.
    """

    def __init__(self, kind: i64, signed: bool, width: i64, offset: i64) -> None:
        self.kind: i64 = kind
        self.signed = signed
        self.width: i64 = width
        self.offset: i64 = offset
        self.operand = 0
        self.policy: i64 = bits.WRAP

    def read(self, text: bytes | bytearray) -> int:
        """The field's value."""
        if self.signed:
            return bits.get_signed(text, self.offset, self.width)
        return bits.get_unsigned(text, self.offset, self.width)

    def result(self, old: int) -> int | None:
        """What to store in place of the old value; None if it does not fit and must not be made to."""
        if self.kind == INCRBY:
            wanted = old + self.operand
        elif self.signed:
            wanted = self.operand
        else:
            # A negative number to set is taken for the unsigned one of the same 64 bits.
            wanted = self.operand & 0xFFFFFFFFFFFFFFFF
        return bits.fit(wanted, self.signed, self.width, self.policy)


def parse_field_type(argument: bytes) -> tuple[bool, int]:
    """Reads i1 to i64 or u1 to u63: whether the field is signed, and its bits."""
    signed = argument.startswith(b"i")
    if not signed and not argument.startswith(b"u"):
        raise CommandError(BAD_FIELD_TYPE)
    try:
        width = parse_i64(argument[1:])
    except ValueError:
        raise CommandError(BAD_FIELD_TYPE) from None
    if not 1 <= width <= (64 if signed else 63):
        raise CommandError(BAD_FIELD_TYPE)
    return signed, width


def parse_field_offset(ctx: Context, argument: bytes, width: int) -> i64:
    """Reads the offset of a field, in bits or, after #, in fields."""
    if argument.startswith(b"#"):
        return checked_bit_offset(ctx, integer(argument[1:], BIT_OFFSET_OUT_OF_RANGE) * width)
    return bit_offset(ctx, argument)


def parse_field_operations(ctx: Context, argv: Argv) -> list[FieldOperation]:
    """Reads everything after BITFIELD's key."""
    operations: list[FieldOperation] = []
    policy: i64 = bits.WRAP
    i: i64 = 2
    while i < len(argv):
        word = argv[i].upper()
        left = len(argv) - i - 1
        if word == b"OVERFLOW" and left >= 1:
            name = argv[i + 1].upper()
            if name not in POLICIES:
                raise CommandError(BAD_OVERFLOW)
            policy = POLICIES[name]
            i += 2
            continue
        kind = FIELD_OPERATIONS.get(word, -1)
        if kind < 0 or left < (2 if kind == GET else 3):
            raise CommandError(SYNTAX)
        signed, width = parse_field_type(argv[i + 1])
        operation = FieldOperation(kind, signed, width, parse_field_offset(ctx, argv[i + 2], width))
        operation.policy = policy
        if kind != GET:
            operation.operand = integer(argv[i + 3])
        operations.append(operation)
        i += 3 if kind == GET else 4
    return operations


def last_written_bit(operations: list[FieldOperation]) -> i64:
    """The highest bit that any of the operations writes; -1 if they only read."""
    highest: i64 = -1
    for operation in operations:
        if operation.kind != GET:
            highest = max(highest, operation.offset + operation.width - 1)
    return highest


def read_fields(ctx: Context, key: bytes, operations: list[FieldOperation]) -> Reply:
    """Answers operations that only read."""
    value = ctx.db.lookup_read(key)
    text: bytes | bytearray = b"" if value is None else bytes_of(value)
    return [operation.read(text) for operation in operations]


@command(
    "BITFIELD",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_ACCESS_UPDATE | VARIABLE_FLAGS)],
    since="3.2.0",
    summary="Reads, sets and adds to integers of any width inside a string.",
    complexity="O(1) for each operation",
    syntax="key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value:integer | "
    "INCRBY encoding offset increment> ...]",
)
def bitfield(ctx: Context, argv: Argv) -> Reply:
    operations = parse_field_operations(ctx, argv)
    last_bit = last_written_bit(operations)
    if last_bit < 0:
        return read_fields(ctx, argv[1], operations)
    text, lengthened = writable_string(ctx, argv[1], last_bit)
    replies: list[object] = []
    changes: i64 = 0
    for operation in operations:
        old = operation.read(text)
        if operation.kind == GET:
            replies.append(old)
            continue
        new = operation.result(old)
        if new is None:
            replies.append(None)
            continue
        last_bit = operation.offset + operation.width - 1
        ctx.keyspace.about_to_overwrite(text, operation.offset >> 3, (last_bit >> 3) + 1)
        bits.set_field(text, operation.offset, operation.width, new)
        replies.append(old if operation.kind == SET else new)
        if lengthened or old != new:
            changes += 1
    if changes:
        ctx.db.changed(STRING, b"setbit", argv[1])
        ctx.keyspace.dirty += changes - 1
    return replies


@command(
    "BITFIELD_RO",
    arity=-2,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="6.0.0",
    summary="Reads integers of any width inside a string.",
    complexity="O(1) for each operation",
    syntax="key [GET encoding offset [GET encoding offset ...]]",
)
def bitfield_ro(ctx: Context, argv: Argv) -> Reply:
    operations = parse_field_operations(ctx, argv)
    if last_written_bit(operations) >= 0:
        raise CommandError(READ_ONLY_FIELDS)
    return read_fields(ctx, argv[1], operations)
