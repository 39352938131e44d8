"""The Bloom filter commands BF.*, as in Redis 8.

Options and replies are those of Redis; the filter's bits are not (see `datastructures.sketch`), so what SCANDUMP
returns can be loaded only here.
"""

from typing import Final

from hognose.commands.arguments import floating, integer
from hognose.commands.context import Context
from hognose.commands.flags import DENYOOM, FAST, MODULE, READONLY, RO_ACCESS, RW_INSERT, WRITE
from hognose.commands.keyspec import keys
from hognose.commands.sketch_chunks import (
    BAD_DATA,
    HEADER_ITERATOR,
    ITEM_EXISTS,
    NO_MEMORY,
    NOT_FOUND,
    NOT_NUMERIC,
    UNKNOWN_ARGUMENT,
    announce,
    load_piece,
    require_free,
    scan_dump,
)
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.bloom import (
    MAX_CAPACITY,
    MAX_EXPANSION,
    BloomFilter,
    FilterFullError,
    FilterTooLargeError,
    bloom_from,
)
from hognose.datastructures.sketch import DamagedSketchError
from hognose.errors import WRONG_TYPE, CommandError, wrong_number_of_arguments
from hognose.resp.reply import OK, ErrorReply, MapReply, Simple

command = CommandGroup("bf")

TYPE: Final = b"MBbloom--"
DEFAULT_CAPACITY: Final = 100
DEFAULT_ERROR_RATE: Final = 0.01
DEFAULT_EXPANSION: Final = 2

BAD_ERROR_RATE: Final = "bad error rate"
ERROR_RATE_RANGE: Final = "ERR (0 < error rate range < 1)"
BAD_CAPACITY: Final = "bad capacity"
CAPACITY_RANGE: Final = f"ERR (capacity should be in the range of 1 to {MAX_CAPACITY})"
BAD_EXPANSION: Final = "bad expansion"
EXPANSION_RANGE: Final = f"ERR (expansion should be in the range of 0 to {MAX_EXPANSION})"
NO_EXPANSION: Final = "ERR no expansion"
CANNOT_EXPAND: Final = "Nonscaling filters cannot expand"
FILTER_FULL: Final = "ERR non scaling filter is full"
BAD_INFORMATION: Final = "ERR Invalid information value"


def filter_at(ctx: Context, key: bytes, *, to_write: bool) -> BloomFilter | None:
    """The filter at a key; None if there is none.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_write(key) if to_write else ctx.db.lookup_read(key)
    if value is None or isinstance(value, BloomFilter):
        return value
    raise CommandError(WRONG_TYPE)


def existing_filter(ctx: Context, key: bytes) -> BloomFilter:
    """The filter at a key that has to be there."""
    value = filter_at(ctx, key, to_write=False)
    if value is None:
        raise CommandError(NOT_FOUND)
    return value


class Shape:
    """The parameters of a filter to be made, which the options change."""

    def __init__(self) -> None:
        self.capacity = DEFAULT_CAPACITY
        self.error_rate = DEFAULT_ERROR_RATE
        self.expansion = DEFAULT_EXPANSION
        self.has_expansion = False
        self.is_nonscaling = False

    def set_error_rate(self, argument: bytes, error: str) -> None:
        """Reads an error rate."""
        self.error_rate = floating(argument, error)
        if not 0.0 < self.error_rate < 1.0:
            raise CommandError(ERROR_RATE_RANGE)

    def set_capacity(self, argument: bytes, error: str) -> None:
        """Reads a capacity."""
        self.capacity = integer(argument, error)
        if not 1 <= self.capacity <= MAX_CAPACITY:
            raise CommandError(CAPACITY_RANGE)

    def set_expansion(self, argument: bytes, error: str) -> None:
        """Reads an expansion; 0 means that the filter must not grow."""
        self.expansion = integer(argument, error)
        if not 0 <= self.expansion <= MAX_EXPANSION:
            raise CommandError(EXPANSION_RANGE)
        self.has_expansion = True

    def make(self) -> BloomFilter:
        """The empty filter."""
        try:
            return BloomFilter(self.capacity, self.error_rate, 0 if self.is_nonscaling else self.expansion)
        except (FilterTooLargeError, MemoryError):
            raise CommandError(NO_MEMORY) from None


@command(
    "BF.RESERVE",
    arity=-4,
    flags=WRITE | DENYOOM | FAST | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Makes an empty Bloom filter for a number of items and a rate of false positives.",
    complexity="O(1)",
    syntax="key error_rate:double capacity:integer [EXPANSION expansion:integer] [NONSCALING]",
)
def bf_reserve(ctx: Context, argv: Argv) -> Reply:
    shape = Shape()
    shape.set_error_rate(argv[2], "ERR " + BAD_ERROR_RATE)
    shape.set_capacity(argv[3], "ERR " + BAD_CAPACITY)
    count = len(argv)
    i = 4
    while i < count:
        word = argv[i].upper()
        if word == b"NONSCALING":
            shape.is_nonscaling = True
        elif word == b"EXPANSION":
            if i + 1 == count:
                raise CommandError(NO_EXPANSION)
            i += 1
            shape.set_expansion(argv[i], "ERR " + BAD_EXPANSION)
        else:
            raise CommandError(UNKNOWN_ARGUMENT)
        i += 1
    if shape.is_nonscaling and shape.has_expansion and shape.expansion > 0:
        raise CommandError(CANNOT_EXPAND)
    require_free(ctx, argv[1], TYPE, ITEM_EXISTS)
    ctx.db.set(argv[1], shape.make())
    announce(ctx, argv[1])
    return OK


def add_items(ctx: Context, argv: Argv, first: int, shape: Shape, *, creates: bool) -> list[object]:
    """Adds items to the filter at argv[1]; the replies end with the error at the first for which there is no room."""
    key = argv[1]
    value = filter_at(ctx, key, to_write=True)
    if value is None:
        if not creates:
            raise CommandError(NOT_FOUND)
        value = shape.make()
        ctx.db.set(key, value)
        announce(ctx, key)
    replies: list[object] = []
    added = 0
    try:
        for item in argv[first:]:
            is_new = value.add(item)
            replies.append(is_new)
            added += is_new
    except FilterFullError:
        replies.append(ErrorReply(FILTER_FULL))
    except (FilterTooLargeError, MemoryError):
        replies.append(ErrorReply(NO_MEMORY))
    if added:
        announce(ctx, key)
    return replies


@command(
    "BF.ADD",
    arity=3,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds an item to a Bloom filter, which is made where there is none.",
    complexity="O(k) for k hashes of each of the filter's layers.",
    syntax="key item",
)
def bf_add(ctx: Context, argv: Argv) -> Reply:
    return add_items(ctx, argv, 2, Shape(), creates=True)[0]


@command(
    "BF.MADD",
    arity=-3,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds items to a Bloom filter, which is made where there is none.",
    complexity="O(k * n) for k hashes and n items.",
    syntax="key item [item ...]",
)
def bf_madd(ctx: Context, argv: Argv) -> Reply:
    return add_items(ctx, argv, 2, Shape(), creates=True)


@command(
    "BF.INSERT",
    arity=-4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds items to a Bloom filter, which is made with the given parameters where there is none.",
    complexity="O(k * n) for k hashes and n items.",
    syntax="key [CAPACITY capacity:integer] [ERROR error:double] [EXPANSION expansion:integer] [NOCREATE] [NONSCALING] "
    "ITEMS item [item ...]",
)
def bf_insert(ctx: Context, argv: Argv) -> Reply:
    shape = Shape()
    creates = True
    count = len(argv)
    i = 2
    while i < count:
        word = argv[i].upper()
        if word == b"ITEMS":
            break
        if word == b"NOCREATE":
            creates = False
        elif word == b"NONSCALING":
            shape.is_nonscaling = True
        elif word not in (b"CAPACITY", b"ERROR", b"EXPANSION"):
            raise CommandError(UNKNOWN_ARGUMENT)
        elif i + 1 == count:
            break
        else:
            i += 1
            if word == b"CAPACITY":
                shape.set_capacity(argv[i], BAD_CAPACITY.capitalize())
            elif word == b"ERROR":
                shape.set_error_rate(argv[i], BAD_ERROR_RATE.capitalize())
            else:
                shape.set_expansion(argv[i], BAD_EXPANSION.capitalize())
        i += 1
    if i + 1 >= count or argv[i].upper() != b"ITEMS":
        raise wrong_number_of_arguments("bf.insert")
    return add_items(ctx, argv, i + 1, shape, creates=creates)


def seen(ctx: Context, argv: Argv) -> list[object]:
    """Whether each item seems to be in the filter; a key with something else is a filter that has nothing."""
    value = ctx.db.lookup_read(argv[1])
    if not isinstance(value, BloomFilter):
        return [False] * (len(argv) - 2)
    return [value.has(item) for item in argv[2:]]


@command(
    "BF.EXISTS",
    arity=3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Tells whether an item has been added to a Bloom filter, now and then wrongly that it has.",
    complexity="O(k) for k hashes of each of the filter's layers.",
    syntax="key item",
)
def bf_exists(ctx: Context, argv: Argv) -> Reply:
    return seen(ctx, argv)[0]


@command(
    "BF.MEXISTS",
    arity=-3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Tells of each item whether it has been added to a Bloom filter.",
    complexity="O(k * n) for k hashes and n items.",
    syntax="key item [item ...]",
)
def bf_mexists(ctx: Context, argv: Argv) -> Reply:
    return seen(ctx, argv)


def information(value: BloomFilter) -> list[tuple[bytes, Simple, object]]:
    """What BF.INFO tells: the word that asks for it, its name, the figure."""
    return [
        (b"CAPACITY", Simple(b"Capacity"), value.capacity()),
        (b"SIZE", Simple(b"Size"), int(value.memory_bytes())),
        (b"FILTERS", Simple(b"Number of filters"), len(value.layers)),
        (b"ITEMS", Simple(b"Number of items inserted"), int(value.items())),
        (b"EXPANSION", Simple(b"Expansion rate"), value.expansion or None),
    ]


@command(
    "BF.INFO",
    arity=-2,
    flags=READONLY | FAST | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Describes a Bloom filter.",
    complexity="O(1)",
    syntax="key [CAPACITY | SIZE | FILTERS | ITEMS | EXPANSION]",
)
def bf_info(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 3:
        raise wrong_number_of_arguments("bf.info")
    lines = information(existing_filter(ctx, argv[1]))
    flat: list[object] = []
    for word, name, figure in lines:
        if len(argv) == 2:
            flat += [name, figure]
        elif word == argv[2].upper():
            return MapReply([name, figure]) if ctx.resp == 3 else [figure]
    if len(argv) == 3:
        raise CommandError(BAD_INFORMATION)
    return MapReply(flat)


@command(
    "BF.CARD",
    arity=2,
    flags=READONLY | FAST | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="2.4.4",
    summary="Counts the items that were new when they were added to a Bloom filter.",
    complexity="O(1)",
    syntax="key",
)
def bf_card(ctx: Context, argv: Argv) -> Reply:
    value = filter_at(ctx, argv[1], to_write=False)
    return 0 if value is None else int(value.items())


@command(
    "BF.SCANDUMP",
    arity=3,
    flags=WRITE | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns a Bloom filter piece by piece, for BF.LOADCHUNK.",
    complexity="O(n) for n bytes of a piece.",
    syntax="key iterator:integer",
)
def bf_scandump(ctx: Context, argv: Argv) -> Reply:
    integer(argv[2], NOT_NUMERIC)
    return scan_dump(existing_filter(ctx, argv[1]), argv)


@command(
    "BF.LOADCHUNK",
    arity=4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Restores a piece of a Bloom filter that BF.SCANDUMP returned.",
    complexity="O(n) for n bytes of a piece, for the first piece of the filter.",
    syntax="key iterator:integer data",
)
def bf_loadchunk(ctx: Context, argv: Argv) -> Reply:
    iterator = integer(argv[2], NOT_NUMERIC)
    key = argv[1]
    value = filter_at(ctx, key, to_write=True)
    if iterator == HEADER_ITERATOR:
        try:
            loaded = bloom_from(argv[3], -1)
        except (DamagedSketchError, MemoryError):
            raise CommandError(BAD_DATA) from None
        ctx.db.remove(key)
        ctx.db.set(key, loaded)
    elif value is None:
        raise CommandError(NOT_FOUND)
    else:
        load_piece(value, iterator, argv[3])
    announce(ctx, key)
    return OK
