"""The HyperLogLog commands.

A HyperLogLog is a string with a header; `datastructures.hyperloglog` knows its bytes. Here: which key holds one, what
is answered when it holds something else, and what is reported as changed.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.bitmap import raw_string
from hognose.commands.flags import (
    ACCESS,
    ADMIN,
    DENYOOM,
    FAST,
    INSERT,
    MAY_REPLICATE,
    READONLY,
    RO_ACCESS,
    RW,
    RW_INSERT,
    SYSCMD,
    WRITE,
)
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.datastructures import hyperloglog as hll
from hognose.datastructures import hyperloglog_sparse
from hognose.datastructures.hyperloglog_selftest import self_test
from hognose.datastructures.hyperloglog_sparse import CorruptHyperLogLog
from hognose.datastructures.value import Value
from hognose.errors import WRONG_TYPE, CommandError
from hognose.keyspace.events import STRING
from hognose.resp.reply import OK, Simple

command = CommandGroup("hyperloglog")

NOT_A_HYPERLOGLOG: Final = "WRONGTYPE Key is not a valid HyperLogLog string value."
CORRUPT: Final = "INVALIDOBJ Corrupted HLL object detected"
KEY_MISSING: Final = "ERR The specified key does not exist"
NOT_SPARSE: Final = "ERR HLL encoding is not sparse"


def checked(value: object) -> bytes | bytearray:
    """The HyperLogLog that a value is.

    Raises:
        CommandError: It is of another type, or a string that is no HyperLogLog.
    """
    if isinstance(value, Value):
        raise CommandError(WRONG_TYPE)
    if isinstance(value, (bytes, bytearray)) and hll.is_hyperloglog(value):
        return value
    raise CommandError(NOT_A_HYPERLOGLOG)


def store(ctx: Context, key: bytes, old: object, new: bytes | bytearray) -> None:
    """Puts a HyperLogLog that may have become another object under its key."""
    if new is old:
        return
    text = raw_string(new) if isinstance(new, bytes) else new
    if old is None:
        ctx.db.set(key, text)
    else:
        ctx.db.replace(key, text)


@command(
    "PFADD",
    arity=-2,
    flags=WRITE | DENYOOM | FAST,
    keys=[keys(1, RW_INSERT)],
    since="2.8.9",
    summary="Shows elements to a HyperLogLog, which is created where there is none.",
    complexity="O(1) for each element",
    syntax="key [element [element ...]]",
)
def pfadd(ctx: Context, argv: Argv) -> Reply:
    key = argv[1]
    old = ctx.db.lookup_write(key)
    if isinstance(old, bytearray) and hll.is_dense(old):  # what most commands meet
        changes = hll.add_dense(old, argv, 2)
        return report_added(ctx, key, changes)
    value: bytes | bytearray = hll.EMPTY_STALE if old is None else checked(old)
    try:
        value, changes = hll.add(value, argv, 2, ctx.host.settings.hll_sparse_max_bytes)
    except CorruptHyperLogLog:
        raise CommandError(CORRUPT) from None
    if old is None:
        changes += 1
    if changes:
        store(ctx, key, old, value)
    return report_added(ctx, key, changes)


def report_added(ctx: Context, key: bytes, changes: i64) -> i64:
    """Reports what PFADD changed and gives its reply: whether that is anything."""
    if not changes:
        return 0
    ctx.db.changed(STRING, b"pfadd", key)
    ctx.keyspace.dirty += changes - 1
    return 1


@command(
    "PFCOUNT",
    arity=-2,
    flags=READONLY | MAY_REPLICATE,
    keys=[keys(1, RW | ACCESS, last=-1)],
    since="2.8.9",
    summary="Estimates how many different elements one or several HyperLogLogs have seen.",
    complexity="O(1) for one key, mostly answered from the value's header; O(N) and much slower for N keys.",
    syntax="key [key ...]",
)
def pfcount(ctx: Context, argv: Argv) -> Reply:
    try:
        if len(argv) == 2:
            return count_one(ctx, argv[1])
        values: list[bytes | bytearray] = []
        for key in argv[1:]:
            value = ctx.db.lookup_read(key)
            if value is not None:
                values.append(checked(value))
        return hll.estimate_union(values)
    except CorruptHyperLogLog:
        raise CommandError(CORRUPT) from None


def count_one(ctx: Context, key: bytes) -> int:
    """The estimate of one key, from its header or, when that is stale, computed and put there."""
    old = ctx.db.lookup_read(key)
    if old is None:
        return 0
    value = checked(old)
    cached = hll.cached_estimate(value)
    if cached >= 0:
        return cached
    estimate = hll.estimate(value)
    ctx.db.open_read(key)
    # The header is part of the string, so replicas have to learn of it although nothing was written.
    store(ctx, key, old, hll.with_cached_estimate(value, estimate))
    ctx.db.signal(key)
    ctx.keyspace.dirty += 1
    return estimate


@command(
    "PFMERGE",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW | ACCESS | INSERT), keys(2, RO_ACCESS, last=-1)],
    since="2.8.9",
    summary="Makes one HyperLogLog see what others have seen.",
    complexity="O(N) for N HyperLogLogs, with a high constant",
    syntax="destkey [sourcekey [sourcekey ...]]",
)
def pfmerge(ctx: Context, argv: Argv) -> Reply:
    target = ctx.db.lookup_read(argv[1])
    value: bytes | bytearray = hll.EMPTY if target is None else checked(target)
    sources: list[bytes | bytearray] = []
    wrong_type: CommandError | None = None
    for key in argv[2:]:
        source = ctx.db.lookup_read(key)
        if source is None:
            continue
        try:
            sources.append(checked(source))
        except CommandError as refused:
            wrong_type = refused
            break
    ctx.db.open_read(argv[1])
    try:
        if wrong_type is not None:
            hll.estimate_union([value, *sources])  # a corrupt value before the key of a wrong type is found first
            raise wrong_type
        merged = hll.merge(value, sources, ctx.host.settings.hll_sparse_max_bytes)
    except CorruptHyperLogLog:
        raise CommandError(CORRUPT) from None
    store(ctx, argv[1], target, merged)
    ctx.db.changed(STRING, b"pfadd", argv[1])
    return OK


@command(
    "PFDEBUG",
    arity=3,
    flags=WRITE | DENYOOM | ADMIN | SYSCMD,
    keys=[keys(2, RW | ACCESS)],
    since="2.8.9",
    summary="Shows how a HyperLogLog is stored: its registers, its opcodes, its form; or makes it dense.",
    complexity="O(1), the value's size being bounded",
    syntax="<GETREG | DECODE | ENCODING | TODENSE> key",
)
def pfdebug(ctx: Context, argv: Argv) -> Reply:
    old = ctx.db.lookup_write(argv[2])
    if old is None:
        raise CommandError(KEY_MISSING)
    value = checked(old)
    word = argv[1].upper()
    if word == b"ENCODING":
        return DENSE_WORD if hll.encoding_of(value) == hll.DENSE else SPARSE_WORD
    if word == b"DECODE":
        if hll.encoding_of(value) == hll.DENSE:
            raise CommandError(NOT_SPARSE)
        return hyperloglog_sparse.decode(bytes(value))
    if word == b"GETREG":
        make_dense(ctx, argv[2], value)
        return hll.registers_of(value)
    if word == b"TODENSE":
        return make_dense(ctx, argv[2], value)
    name = argv[1].decode("utf-8", "surrogateescape")
    raise CommandError(f"ERR Unknown PFDEBUG subcommand '{name}'")


DENSE_WORD: Final = Simple(b"dense")
SPARSE_WORD: Final = Simple(b"sparse")


def make_dense(ctx: Context, key: bytes, value: bytes | bytearray) -> i64:
    """Makes a sparse value dense; 1 if it was sparse, else 0."""
    if hll.encoding_of(value) == hll.DENSE:
        return 0
    try:
        dense = hll.to_dense(value)
    except CorruptHyperLogLog:
        raise CommandError(CORRUPT) from None
    store(ctx, key, value, dense)
    # Not a change that anybody watching the key would care for, but replicas are to have the same bytes.
    ctx.keyspace.dirty += 1
    return 1


@command(
    "PFSELFTEST",
    arity=1,
    flags=ADMIN | SYSCMD,
    since="2.8.9",
    summary="Checks the HyperLogLog arithmetic of the running server.",
    complexity="O(1), some ten milliseconds",
)
def pfselftest(ctx: Context, argv: Argv) -> Reply:
    failure = self_test(ctx.host.random, ctx.host.settings.hll_sparse_max_bytes)
    if failure is not None:
        raise CommandError(failure)
    return OK
