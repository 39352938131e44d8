"""The cuckoo filter commands CF.*, as in Redis 8.

Options and replies are those of Redis; the fingerprints are not (see `datastructures.sketch`), so what SCANDUMP returns
can be loaded only here.
"""

from typing import Final

from hognose.commands.arguments import I64_MAX, integer
from hognose.commands.context import Context
from hognose.commands.flags import DELETE, DENYOOM, FAST, MODULE, READONLY, RO_ACCESS, RW, RW_INSERT, WRITE
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
from hognose.datastructures.cuckoo import (
    ADDED,
    MAX_BUCKET_SIZE,
    MAX_EXPANSION,
    MAX_ITERATIONS,
    NO_MORE_LAYERS,
    NO_ROOM,
    PRESENT,
    CuckooFilter,
    buckets_for,
    cuckoo_from,
)
from hognose.datastructures.sketch import MAX_TABLE_BYTES, DamagedSketchError
from hognose.errors import WRONG_TYPE, CommandError, wrong_number_of_arguments
from hognose.resp.reply import OK, MapReply, Simple

command = CommandGroup("cf")

TYPE: Final = b"MBbloomCF"
DEFAULT_CAPACITY: Final = 1024
DEFAULT_BUCKET_SIZE: Final = 2
DEFAULT_MAX_ITERATIONS: Final = 20
DEFAULT_EXPANSION: Final = 1

BAD_CAPACITY: Final = "Bad capacity"
CAPACITY_TOO_SMALL: Final = "Capacity must be at least (BucketSize * 2)"
FILTER_FULL: Final = "Filter is full"
NO_MORE_EXPANSIONS: Final = "Maximum expansions reached"
MISSING: Final = "Not found"
RANGES: Final[dict[bytes, tuple[int, int]]] = {
    b"BUCKETSIZE": (1, MAX_BUCKET_SIZE),
    b"MAXITERATIONS": (1, MAX_ITERATIONS),
    b"EXPANSION": (0, MAX_EXPANSION),
}


def filter_at(ctx: Context, key: bytes, *, to_write: bool) -> CuckooFilter | None:
    """The filter at a key; None if there is none.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_write(key) if to_write else ctx.db.lookup_read(key)
    if value is None or isinstance(value, CuckooFilter):
        return value
    raise CommandError(WRONG_TYPE)


def existing_filter(ctx: Context, key: bytes) -> CuckooFilter:
    """The filter at a key that has to be there."""
    value = filter_at(ctx, key, to_write=False)
    if value is None:
        raise CommandError(NOT_FOUND)
    return value


def new_filter(capacity: int, bucket_size: int, max_iterations: int, expansion: int) -> CuckooFilter:
    """An empty filter for so many items.

    Raises:
        CommandError: It would be too small or too large.
    """
    if capacity < bucket_size * 2:
        raise CommandError(CAPACITY_TOO_SMALL)
    buckets = buckets_for(capacity, bucket_size)
    if buckets * bucket_size > MAX_TABLE_BYTES:
        raise CommandError(NO_MEMORY)
    try:
        return CuckooFilter(buckets, bucket_size, max_iterations, expansion)
    except MemoryError:
        raise CommandError(NO_MEMORY) from None


def capacity_of(argument: bytes) -> int:
    """An argument as a capacity."""
    capacity = integer(argument, BAD_CAPACITY)
    if not 1 <= capacity <= I64_MAX:
        raise CommandError(BAD_CAPACITY)
    return capacity


@command(
    "CF.RESERVE",
    arity=-3,
    flags=WRITE | DENYOOM | FAST | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Makes an empty cuckoo filter for a number of items.",
    complexity="O(1)",
    syntax="key capacity:integer [BUCKETSIZE bucketsize:integer] [MAXITERATIONS maxiterations:integer] "
    "[EXPANSION expansion:integer]",
)
def cf_reserve(ctx: Context, argv: Argv) -> Reply:
    if len(argv) % 2 == 0:
        raise wrong_number_of_arguments("cf.reserve")
    capacity = capacity_of(argv[2])
    given: dict[bytes, int] = {}
    for index in range(3, len(argv), 2):
        word = argv[index].upper()
        if word not in RANGES:
            raise CommandError(UNKNOWN_ARGUMENT)
        low, high = RANGES[word]
        name = word.decode()
        number = integer(argv[index + 1], f"Couldn't parse {name}")
        if not low <= number <= high:
            raise CommandError(f"{name}: value must be an integer between {low} and {high}, inclusive.")
        given[word] = number
    bucket_size = given.get(b"BUCKETSIZE", DEFAULT_BUCKET_SIZE)
    max_iterations = given.get(b"MAXITERATIONS", DEFAULT_MAX_ITERATIONS)
    value = new_filter(capacity, bucket_size, max_iterations, given.get(b"EXPANSION", DEFAULT_EXPANSION))
    require_free(ctx, argv[1], TYPE, ITEM_EXISTS)
    ctx.db.set(argv[1], value)
    announce(ctx, argv[1])
    return OK


def open_filter(ctx: Context, key: bytes, capacity: int, *, creates: bool) -> CuckooFilter:
    """The filter at a key, to be changed; made where there is none."""
    value = filter_at(ctx, key, to_write=True)
    if value is None:
        if not creates:
            raise CommandError(NOT_FOUND)
        value = new_filter(capacity, DEFAULT_BUCKET_SIZE, DEFAULT_MAX_ITERATIONS, DEFAULT_EXPANSION)
        ctx.db.set(key, value)
        announce(ctx, key)
    return value


def add_item(ctx: Context, argv: Argv, *, only_new: bool) -> Reply:
    """Adds one item."""
    value = open_filter(ctx, argv[1], DEFAULT_CAPACITY, creates=True)
    outcome = value.add(argv[2], only_new)
    if outcome == ADDED:
        announce(ctx, argv[1])
        return True
    if outcome == PRESENT:
        return False
    if outcome == NO_ROOM:
        raise CommandError(FILTER_FULL)
    raise CommandError(NO_MORE_EXPANSIONS if outcome == NO_MORE_LAYERS else NO_MEMORY)


@command(
    "CF.ADD",
    arity=3,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds an item to a cuckoo filter, which is made where there is none.",
    complexity="O(k + i) for k layers and i moves.",
    syntax="key item",
)
def cf_add(ctx: Context, argv: Argv) -> Reply:
    return add_item(ctx, argv, only_new=False)


@command(
    "CF.ADDNX",
    arity=3,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds an item to a cuckoo filter unless it seems to be there.",
    complexity="O(k + i) for k layers and i moves.",
    syntax="key item",
)
def cf_addnx(ctx: Context, argv: Argv) -> Reply:
    return add_item(ctx, argv, only_new=True)


def insert_items(ctx: Context, argv: Argv, *, only_new: bool) -> list[int]:
    """Adds items, after options; 1, 0 or -1 for each."""
    capacity = DEFAULT_CAPACITY
    creates = True
    count = len(argv)
    i = 2
    while i < count and argv[i].upper() != b"ITEMS":
        word = argv[i].upper()
        if word == b"NOCREATE":
            creates = False
        elif word == b"CAPACITY" and i + 1 < count:
            i += 1
            capacity = capacity_of(argv[i])
        else:
            raise CommandError(UNKNOWN_ARGUMENT)
        i += 1
    if i + 1 >= count:
        raise wrong_number_of_arguments(ctx.command_name())
    value = open_filter(ctx, argv[1], capacity, creates=creates)
    outcomes = [max(-1, int(value.add(item, only_new))) for item in argv[i + 1 :]]
    if ADDED in outcomes:
        announce(ctx, argv[1])
    return outcomes


INSERT_SYNTAX: Final = "key [CAPACITY capacity:integer] [NOCREATE] ITEMS item [item ...]"


@command(
    "CF.INSERT",
    arity=-4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds items to a cuckoo filter, which is made with the given capacity where there is none.",
    complexity="O(n * (k + i)) for n items, k layers and i moves.",
    syntax=INSERT_SYNTAX,
)
def cf_insert(ctx: Context, argv: Argv) -> Reply:
    replies: list[object] = list(insert_items(ctx, argv, only_new=False))
    return [True if outcome == ADDED else outcome for outcome in replies]


@command(
    "CF.INSERTNX",
    arity=-4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Adds those items to a cuckoo filter that do not seem to be there.",
    complexity="O(n * (k + i)) for n items, k layers and i moves.",
    syntax=INSERT_SYNTAX,
)
def cf_insertnx(ctx: Context, argv: Argv) -> Reply:
    return insert_items(ctx, argv, only_new=True)


def seen(ctx: Context, argv: Argv) -> list[object]:
    """Whether each item seems to be in the filter; a key with something else is a filter that has nothing."""
    value = ctx.db.lookup_read(argv[1])
    if not isinstance(value, CuckooFilter):
        return [False] * (len(argv) - 2)
    return [value.has(item) for item in argv[2:]]


@command(
    "CF.EXISTS",
    arity=3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Tells whether an item is in a cuckoo filter, now and then wrongly that it is.",
    complexity="O(k) for k layers.",
    syntax="key item",
)
def cf_exists(ctx: Context, argv: Argv) -> Reply:
    return seen(ctx, argv)[0]


@command(
    "CF.MEXISTS",
    arity=-3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Tells of each item whether it is in a cuckoo filter.",
    complexity="O(k * n) for k layers and n items.",
    syntax="key item [item ...]",
)
def cf_mexists(ctx: Context, argv: Argv) -> Reply:
    return seen(ctx, argv)


@command(
    "CF.DEL",
    arity=3,
    flags=WRITE | MODULE,
    keys=[keys(1, RW | DELETE)],
    since="1.0.0",
    summary="Takes an item out of a cuckoo filter once.",
    complexity="O(k) for k layers.",
    syntax="key item",
)
def cf_del(ctx: Context, argv: Argv) -> Reply:
    value = filter_at(ctx, argv[1], to_write=True)
    if value is None:
        raise CommandError(MISSING)
    if not value.delete(argv[2]):
        return False
    announce(ctx, argv[1])
    return True


@command(
    "CF.COMPACT",
    arity=2,
    flags=WRITE | MODULE,
    keys=[keys(1, RW)],
    since="1.0.0",
    summary="Moves what is in newer layers of a cuckoo filter into older ones that have room again.",
    complexity="O(N) for N bytes.",
    syntax="key",
)
def cf_compact(ctx: Context, argv: Argv) -> Reply:
    value = filter_at(ctx, argv[1], to_write=True)
    if value is None:
        raise CommandError(MISSING)
    value.compact()
    announce(ctx, argv[1])
    return OK


@command(
    "CF.COUNT",
    arity=3,
    flags=READONLY | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Estimates how often an item is in a cuckoo filter, never too low.",
    complexity="O(k) for k layers.",
    syntax="key item",
)
def cf_count(ctx: Context, argv: Argv) -> Reply:
    value = filter_at(ctx, argv[1], to_write=False)
    return 0 if value is None else int(value.count(argv[2]))


@command(
    "CF.INFO",
    arity=2,
    flags=READONLY | FAST | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Describes a cuckoo filter.",
    complexity="O(1)",
    syntax="key",
)
def cf_info(ctx: Context, argv: Argv) -> Reply:
    value = existing_filter(ctx, argv[1])
    lines: list[tuple[bytes, int]] = [
        (b"Size", int(value.memory_bytes())),
        (b"Number of buckets", int(value.bucket_count())),
        (b"Number of filters", len(value.layers)),
        (b"Number of items inserted", int(value.items)),
        (b"Number of items deleted", int(value.deleted)),
        (b"Bucket size", value.bucket_size),
        (b"Expansion rate", value.expansion),
        (b"Max iterations", value.max_iterations),
    ]
    flat: list[object] = []
    for name, figure in lines:
        flat += [Simple(name), figure]
    return MapReply(flat)


@command(
    "CF.SCANDUMP",
    arity=3,
    flags=WRITE | MODULE,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Returns a cuckoo filter piece by piece, for CF.LOADCHUNK.",
    complexity="O(n) for n bytes of a piece.",
    syntax="key iterator:integer",
)
def cf_scandump(ctx: Context, argv: Argv) -> Reply:
    integer(argv[2], NOT_NUMERIC)
    return scan_dump(existing_filter(ctx, argv[1]), argv)


@command(
    "CF.LOADCHUNK",
    arity=4,
    flags=WRITE | DENYOOM | MODULE,
    keys=[keys(1, RW_INSERT)],
    since="1.0.0",
    summary="Restores a piece of a cuckoo filter that CF.SCANDUMP returned.",
    complexity="O(n) for n bytes of a piece, for the first piece of the filter.",
    syntax="key iterator:integer data",
)
def cf_loadchunk(ctx: Context, argv: Argv) -> Reply:
    iterator = integer(argv[2], NOT_NUMERIC)
    key = argv[1]
    value = filter_at(ctx, key, to_write=True)
    if iterator == HEADER_ITERATOR:
        try:
            loaded = cuckoo_from(argv[3], -1)
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
