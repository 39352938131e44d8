"""OBJECT: how a value is kept, when it was used last and how often."""

from typing import Final

from hognose.commands.context import Context
from hognose.commands.flags import KEYSPACE, LOADING, READONLY, RO, STALE
from hognose.commands.help import help_reply
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.numbers import canonical_int, canonical_value
from hognose.datastructures.value import Value
from hognose.errors import CommandError
from hognose.keyspace.access import access_second, lfu_counter

command = CommandGroup("generic")
command.container("OBJECT", since="2.2.3", summary="Looks into how values are kept.")

EMBEDDED_MAX: Final = 44
"""Strings up to this length are `embstr`: what fits with its header into 64 bytes in the real server."""
LONGEST_INT_TEXT: Final = 20
SHARED_INTEGERS: Final = 10_000
"""Integers below this are one shared object each in the real server."""
SHARED_REFERENCES: Final = 2**31 - 1

NOT_LFU: Final = (
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
    "between policies at runtime LRU and LFU data will take some time to adjust."
)
IS_LFU: Final = (
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies "
    "at runtime LRU and LFU data will take some time to adjust."
)


def integer_of(value: object) -> int | None:
    """The integer a string would be kept as, or None."""
    if isinstance(value, int):
        return value
    if isinstance(value, bytes) and len(value) <= LONGEST_INT_TEXT and canonical_int(value):
        return canonical_value(value)
    return None


def encoding_of(value: object) -> bytes:
    """The word OBJECT ENCODING answers for a value."""
    if isinstance(value, Value):
        return value.encoding()
    if integer_of(value) is not None:
        return b"int"
    return b"embstr" if isinstance(value, bytes) and len(value) <= EMBEDDED_MAX else b"raw"


def inspected(ctx: Context, key: bytes) -> object | None:
    """The value of a key; counts a hit or miss, without the other effects of reading it, on clocks and events."""
    db = ctx.db
    value = None if db.expire_if_past(key) else db.peek(key)
    if value is None:
        ctx.keyspace.misses += 1
    else:
        ctx.keyspace.hits += 1
    return value


@command(
    "OBJECT|ENCODING",
    arity=3,
    flags=READONLY | KEYSPACE,
    keys=[keys(2, RO)],
    since="2.2.3",
    summary="Names the form in which the value of a key is kept.",
    syntax="key",
    tips=[b"nondeterministic_output"],
)
def object_encoding(ctx: Context, argv: Argv) -> Reply:
    value = inspected(ctx, argv[2])
    return None if value is None else encoding_of(value)


@command(
    "OBJECT|FREQ",
    arity=3,
    flags=READONLY | KEYSPACE,
    keys=[keys(2, RO)],
    since="4.0.0",
    summary="Tells how often a key was used lately, on a logarithmic scale.",
    syntax="key",
    tips=[b"nondeterministic_output"],
)
def object_freq(ctx: Context, argv: Argv) -> Reply:
    if inspected(ctx, argv[2]) is None:
        return None
    if not ctx.keyspace.lfu:
        raise CommandError(NOT_LFU)
    return lfu_counter(ctx.keyspace, ctx.db.access_clock(argv[2]))


@command(
    "OBJECT|IDLETIME",
    arity=3,
    flags=READONLY | KEYSPACE,
    keys=[keys(2, RO)],
    since="2.2.3",
    summary="Tells how many seconds ago a key was used last.",
    syntax="key",
    tips=[b"nondeterministic_output"],
)
def object_idletime(ctx: Context, argv: Argv) -> Reply:
    if inspected(ctx, argv[2]) is None:
        return None
    if ctx.keyspace.lfu:
        raise CommandError(IS_LFU)
    now = access_second(ctx.keyspace.clock.now_ms)
    return max(int(now) - int(ctx.db.access_clock(argv[2])), 0)


@command(
    "OBJECT|REFCOUNT",
    arity=3,
    flags=READONLY | KEYSPACE,
    keys=[keys(2, RO)],
    since="2.2.3",
    summary="Tells how many references to a value there are: 1, or 2147483647 for a small integer, which is shared.",
    syntax="key",
    tips=[b"nondeterministic_output"],
)
def object_refcount(ctx: Context, argv: Argv) -> Reply:
    value = inspected(ctx, argv[2])
    if value is None:
        return None
    number = integer_of(value)
    shared = number is not None and 0 <= number < SHARED_INTEGERS and not has_own_clocks(ctx)
    return SHARED_REFERENCES if shared else 1


def has_own_clocks(ctx: Context) -> bool:
    """Whether eviction needs an access clock per value, which a shared integer of the real server cannot have."""
    settings = ctx.host.settings
    return settings.maxmemory > 0 and settings.maxmemory_policy.endswith(("-lru", "-lfu"))


@command(
    "OBJECT|HELP",
    arity=2,
    flags=LOADING | STALE | KEYSPACE,
    since="6.2.0",
    summary="Lists the subcommands.",
)
def object_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "OBJECT",
        [
            ("ENCODING <key>", "Name the form in which the value is kept."),
            ("FREQ <key>", "Tell how often the key was used lately, on a logarithmic scale; needs an LFU policy."),
            ("IDLETIME <key>", "Tell how many seconds ago the key was used last."),
            ("REFCOUNT <key>", "Tell how many references to the value there are."),
        ],
    )
