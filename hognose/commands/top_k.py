"""The top-k commands TOPK.*, as in Redis 8."""

from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.context import Context
from hognose.commands.flags import DENYOOM, FAST, MODULE, READONLY, RO_ACCESS, RW_INSERT, RW_UPDATE, WRITE
from hognose.commands.keyspec import keys
from hognose.commands.sketch_chunks import announce, require_free
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.numbers import parse_double
from hognose.datastructures.sketch import MAX_TABLE_BYTES
from hognose.datastructures.topk import BUCKET_BYTES, TopK
from hognose.errors import WRONG_TYPE, CommandError, wrong_number_of_arguments
from hognose.resp.reply import OK, MapReply, Simple

command = CommandGroup("topk")

TYPE: Final = b"TopK-TYPE"
DEFAULT_WIDTH: Final = 8
DEFAULT_DEPTH: Final = 7
DEFAULT_DECAY: Final = 0.9
MAX_INCREMENT: Final = 100_000
MISSING: Final = "TopK: key does not exist"
EXISTS: Final = "TopK: key already exists"
INVALID_K: Final = "TopK: invalid k"
INVALID_WIDTH: Final = "TopK: invalid width"
INVALID_DEPTH: Final = "TopK: invalid depth"
INVALID_DECAY: Final = "TopK: invalid decay value. must be '<= 1' & '> 0'"
INVALID_INCREMENT: Final = "TopK: increment must be an integer greater or equal to 1 and smaller or equal to 100,000"
WITHCOUNT_EXPECTED: Final = "WITHCOUNT keyword expected"
NO_MEMORY: Final = "ERR Insufficient memory to create topk data structure"
SHORT_ARGV: Final = 3
LONG_ARGV: Final = 6
MAX_K: Final = 2**31 - 1


def topk_at(ctx: Context, key: bytes, *, to_write: bool) -> TopK:
    """The value at a key.

    Raises:
        CommandError: There is none, or something else.
    """
    value = ctx.db.lookup_write(key) if to_write else ctx.db.lookup_read(key)
    if isinstance(value, TopK):
        return value
    raise CommandError(MISSING if value is None else WRONG_TYPE)


def positive(argument: bytes, error: str) -> int:
    """An argument as an integer from 1 to 2**31 - 1."""
    number = integer(argument, error)
    if not 1 <= number <= MAX_K:
        raise CommandError(error)
    return number


def decay_of(argument: bytes) -> float:
    """An argument as a decay."""
    try:
        decay = parse_double(argument)
    except ValueError:
        raise CommandError(INVALID_DECAY) from None
    if not 0.0 < decay <= 1.0:
        raise CommandError(INVALID_DECAY)
    return decay


@command(
    "TOPK.RESERVE",
    arity=-3,
    flags=WRITE | DENYOOM | FAST | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="2.0.0",
    summary="Makes an empty list of the k items counted most often.",
    complexity="O(1)",
    syntax="key topk:integer [width:integer depth:integer decay:double]",
)
def topk_reserve(ctx: Context, argv: Argv) -> Reply:
    if len(argv) not in (SHORT_ARGV, LONG_ARGV):
        raise wrong_number_of_arguments("topk.reserve")
    require_free(ctx, argv[1], TYPE, EXISTS)
    k = positive(argv[2], INVALID_K)
    width, depth, decay = DEFAULT_WIDTH, DEFAULT_DEPTH, DEFAULT_DECAY
    if len(argv) == LONG_ARGV:
        width = positive(argv[3], INVALID_WIDTH)
        depth = positive(argv[4], INVALID_DEPTH)
        decay = decay_of(argv[5])
    if width * depth * BUCKET_BYTES > MAX_TABLE_BYTES:
        raise CommandError(NO_MEMORY)
    try:
        value = TopK(k, width, depth, decay)
    except MemoryError:
        raise CommandError(NO_MEMORY) from None
    ctx.db.set(argv[1], value)
    announce(ctx, argv[1])
    return OK


@command(
    "TOPK.ADD",
    arity=-3,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_UPDATE)],
    since="2.0.0",
    summary="Counts items once each and returns those that left the list for them.",
    complexity="O(n * k) for n items and the depth k.",
    syntax="key items [items ...]",
)
def topk_add(ctx: Context, argv: Argv) -> Reply:
    value = topk_at(ctx, argv[1], to_write=True)
    replies: list[object] = [value.add(item, 1) for item in argv[2:]]
    announce(ctx, argv[1])
    return replies


def increment(argument: bytes) -> int:
    """An argument as a number of occurrences."""
    number = integer(argument, INVALID_INCREMENT)
    if not 1 <= number <= MAX_INCREMENT:
        raise CommandError(INVALID_INCREMENT)
    return number


@command(
    "TOPK.INCRBY",
    arity=-4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_UPDATE)],
    since="2.0.0",
    summary="Counts items several times and returns those that left the list for them.",
    complexity="O(n * k * incr) for n items, the depth k and the increment incr.",
    syntax="key item increment:integer [item increment:integer ...]",
)
def topk_incrby(ctx: Context, argv: Argv) -> Reply:
    if len(argv) % 2:
        raise wrong_number_of_arguments("topk.incrby")
    value = topk_at(ctx, argv[1], to_write=True)
    increments = [increment(argument) for argument in argv[3::2]]
    replies: list[object] = [value.add(argv[2 + 2 * index], number) for index, number in enumerate(increments)]
    announce(ctx, argv[1])
    return replies


@command(
    "TOPK.QUERY",
    arity=-3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Tells of each item whether it is among the k.",
    complexity="O(n) for n items.",
    syntax="key item [item ...]",
)
def topk_query(ctx: Context, argv: Argv) -> Reply:
    value = topk_at(ctx, argv[1], to_write=False)
    return [value.has(item) for item in argv[2:]]


@command(
    "TOPK.COUNT",
    arity=-3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Estimates how often items were counted, mostly too low.",
    complexity="O(n) for n items.",
    syntax="key item [item ...]",
    deprecated=("2.4", ""),
)
def topk_count(ctx: Context, argv: Argv) -> Reply:
    value = topk_at(ctx, argv[1], to_write=False)
    return [int(value.count(item)) for item in argv[2:]]


@command(
    "TOPK.LIST",
    arity=-2,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Returns the k items, the most frequent first.",
    complexity="O(k*log(k)) for k items.",
    syntax="key [WITHCOUNT]",
)
def topk_list(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > SHORT_ARGV:
        raise wrong_number_of_arguments("topk.list")
    with_count = len(argv) == SHORT_ARGV
    if with_count and argv[2].upper() != b"WITHCOUNT":
        raise CommandError(WITHCOUNT_EXPECTED)
    replies: list[object] = []
    for item, count in topk_at(ctx, argv[1], to_write=False).ranking():
        replies.append(item)
        if with_count:
            replies.append(count)
    return replies


@command(
    "TOPK.INFO",
    arity=2,
    flags=READONLY | FAST | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="2.0.0",
    summary="Describes a list of the k items counted most often.",
    complexity="O(1)",
    syntax="key",
)
def topk_info(ctx: Context, argv: Argv) -> Reply:
    value = topk_at(ctx, argv[1], to_write=False)
    decay = value.decay if ctx.resp == 3 else Simple(f"{value.decay:.17g}".encode())
    flat: list[object] = [Simple(b"k"), value.k, Simple(b"width"), int(value.width)]
    return MapReply([*flat, Simple(b"depth"), int(value.depth), Simple(b"decay"), decay])
