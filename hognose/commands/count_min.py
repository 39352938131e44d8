"""The count-min sketch commands CMS.*, as in Redis 8."""

from typing import Final

from hognose.commands.arguments import I64_MAX, integer
from hognose.commands.context import Context
from hognose.commands.flags import (
    ACCESS,
    DENYOOM,
    FAST,
    MODULE,
    READONLY,
    RO_ACCESS,
    RW_INSERT,
    RW_UPDATE,
    WRITE,
)
from hognose.commands.keyspec import keynum, keys
from hognose.commands.sketch_chunks import announce, require_free
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.count_min_sketch import (
    COUNTER_MAX,
    CountMinSketch,
    depth_for,
    is_possible,
    width_for,
)
from hognose.datastructures.numbers import parse_double
from hognose.errors import WRONG_TYPE, CommandError, wrong_number_of_arguments
from hognose.resp.reply import OK, ErrorReply, MapReply, Simple

command = CommandGroup("cms")

TYPE: Final = b"CMSk-TYPE"
MISSING: Final = "CMS: key does not exist"
EXISTS: Final = "CMS: key already exists"
INVALID_WIDTH: Final = "CMS: invalid width"
INVALID_DEPTH: Final = "CMS: invalid depth"
INVALID_SIZE: Final = "CMS: invalid init arguments"
INVALID_ERROR: Final = "CMS: invalid overestimation value"
INVALID_PROBABILITY: Final = "CMS: invalid prob value"
NOT_A_NUMBER: Final = "CMS: Cannot parse number"
NEGATIVE: Final = "CMS: Number cannot be negative"
INCRBY_OVERFLOW: Final = "CMS: INCRBY overflow"
MERGE_OVERFLOW: Final = "CMS: MERGE overflow"
INVALID_NUMKEYS: Final = "CMS: invalid numkeys"
NUMKEYS_NOT_POSITIVE: Final = "CMS: Number of keys must be positive"
WRONG_KEYS: Final = "CMS: wrong number of keys"
WRONG_WEIGHTS: Final = "CMS: wrong number of keys/weights"
INVALID_WEIGHT: Final = "CMS: invalid weight value"
DIFFERENT_SIZE: Final = "CMS: width/depth is not equal"
NO_MEMORY: Final = "CMS: Insufficient memory to create the key"


def sketch_at(ctx: Context, key: bytes, *, to_write: bool) -> CountMinSketch:
    """The sketch at a key.

    Raises:
        CommandError: There is none, or something else.
    """
    value = ctx.db.lookup_write(key) if to_write else ctx.db.lookup_read(key)
    if isinstance(value, CountMinSketch):
        return value
    raise CommandError(MISSING if value is None else WRONG_TYPE)


def create(ctx: Context, key: bytes, width: int, depth: int) -> Reply:
    """Makes an empty sketch."""
    require_free(ctx, key, TYPE, EXISTS)
    try:
        value = CountMinSketch(width, depth)
    except MemoryError:
        raise CommandError(NO_MEMORY) from None
    ctx.db.set(key, value)
    announce(ctx, key)
    return OK


def positive(argument: bytes, error: str) -> int:
    """An argument as an integer from 1 on."""
    number = integer(argument, error)
    if number < 1:
        raise CommandError(error)
    return number


def fraction(argument: bytes, error: str) -> float:
    """An argument as a number between 0 and 1, both excluded."""
    try:
        number = parse_double(argument)
    except ValueError:
        raise CommandError(error) from None
    if not 0.0 < number < 1.0:
        raise CommandError(error)
    return number


@command(
    "CMS.INITBYDIM",
    arity=4,
    flags=WRITE | DENYOOM | FAST | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="2.0.0",
    summary="Makes an empty count-min sketch of a given size.",
    complexity="O(1)",
    syntax="key width:integer depth:integer",
)
def cms_initbydim(ctx: Context, argv: Argv) -> Reply:
    width = positive(argv[2], INVALID_WIDTH)
    depth = positive(argv[3], INVALID_DEPTH)
    if not is_possible(float(width), float(depth)):
        raise CommandError(INVALID_SIZE)
    return create(ctx, argv[1], width, depth)


@command(
    "CMS.INITBYPROB",
    arity=4,
    flags=WRITE | DENYOOM | FAST | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="2.0.0",
    summary="Makes an empty count-min sketch for a given error and the probability that it is exceeded.",
    complexity="O(1)",
    syntax="key error:double probability:double",
)
def cms_initbyprob(ctx: Context, argv: Argv) -> Reply:
    width = width_for(fraction(argv[2], INVALID_ERROR))
    depth = depth_for(fraction(argv[3], INVALID_PROBABILITY))
    if not is_possible(width, float(depth)):
        raise CommandError(INVALID_SIZE)
    return create(ctx, argv[1], int(width), depth)


def increment(argument: bytes) -> int:
    """An argument as a number of occurrences."""
    number = integer(argument, NOT_A_NUMBER)
    if number < 0:
        raise CommandError(NEGATIVE)
    return min(number, COUNTER_MAX)


@command(
    "CMS.INCRBY",
    arity=-4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_UPDATE)],
    since="2.0.0",
    summary="Counts items and returns their counts.",
    complexity="O(n) for n items.",
    syntax="key item increment:integer [item increment:integer ...]",
)
def cms_incrby(ctx: Context, argv: Argv) -> Reply:
    if len(argv) % 2:
        raise wrong_number_of_arguments("cms.incrby")
    value = sketch_at(ctx, argv[1], to_write=True)
    increments = [increment(argument) for argument in argv[3::2]]
    replies: list[object] = []
    for index, number in enumerate(increments):
        count = int(value.add(argv[2 + 2 * index], number))
        replies.append(count if count < COUNTER_MAX else ErrorReply(INCRBY_OVERFLOW))
    announce(ctx, argv[1])
    return replies


@command(
    "CMS.QUERY",
    arity=-3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Returns how often items were counted, or more.",
    complexity="O(n) for n items.",
    syntax="key item [item ...]",
)
def cms_query(ctx: Context, argv: Argv) -> Reply:
    value = sketch_at(ctx, argv[1], to_write=False)
    return [int(value.count(item)) for item in argv[2:]]


def merge_weights(argv: Argv, count: int) -> list[int]:
    """The weights of a merge of `count` sketches, 1 each unless they are given."""
    after = 3 + count
    if len(argv) == after:
        return [1] * count
    if len(argv) < after:
        raise CommandError(WRONG_KEYS)
    if argv[after].upper() != b"WEIGHTS" or len(argv) != after + 1 + count:
        raise CommandError(WRONG_WEIGHTS)
    return [integer(argument, INVALID_WEIGHT) for argument in argv[after + 1 :]]


@command(
    "CMS.MERGE",
    arity=-4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_UPDATE | ACCESS), keynum(2, RO_ACCESS)],
    since="2.0.0",
    summary="Makes a sketch the weighted sum of others.",
    complexity="O(n) for n sketches.",
    syntax="destination:key numKeys:integer source:key [source:key ...] [WEIGHTS weight:integer [weight:integer ...]]",
)
def cms_merge(ctx: Context, argv: Argv) -> Reply:
    target = sketch_at(ctx, argv[1], to_write=True)
    count = integer(argv[2], INVALID_NUMKEYS)
    if not 1 <= count <= I64_MAX:
        raise CommandError(NUMKEYS_NOT_POSITIVE)
    weights = merge_weights(argv, count)
    sources: list[CountMinSketch] = []
    for key in argv[3 : 3 + count]:
        source = sketch_at(ctx, key, to_write=False)
        if source.width != target.width or source.depth != target.depth:
            raise CommandError(DIFFERENT_SIZE)
        sources.append(source)
    if not target.merge(sources, weights):
        raise CommandError(MERGE_OVERFLOW)
    announce(ctx, argv[1])
    return OK


@command(
    "CMS.INFO",
    arity=2,
    flags=READONLY | FAST | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Describes a count-min sketch.",
    complexity="O(1)",
    syntax="key",
)
def cms_info(ctx: Context, argv: Argv) -> Reply:
    value = sketch_at(ctx, argv[1], to_write=False)
    size: list[object] = [Simple(b"width"), int(value.width), Simple(b"depth"), int(value.depth)]
    return MapReply([*size, Simple(b"count"), int(value.total)])
