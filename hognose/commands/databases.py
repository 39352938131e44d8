"""Commands on whole databases: their size, emptying them, swapping two."""

from mypy_extensions import i64

from hognose.commands.arguments import integer_between, syntax_error
from hognose.commands.context import EVERYWHERE, Context
from hognose.commands.flags import DANGEROUS, FAST, KEYSPACE, READONLY, WRITE
from hognose.commands.generic import INT32_MAX
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import DB_OUT_OF_RANGE, INVALID_FIRST_DB, INVALID_SECOND_DB, CommandError
from hognose.resp.reply import OK

command = CommandGroup("server")


@command(
    "DBSIZE",
    arity=1,
    flags=READONLY | FAST | KEYSPACE,
    since="1.0.0",
    summary="Counts the keys of the database, expired ones that are still in memory included.",
    tips=[b"request_policy:all_shards", b"response_policy:agg_sum"],
)
def dbsize(ctx: Context, argv: Argv) -> Reply:
    return ctx.db.table.count


def is_lazy_flush(ctx: Context, argv: Argv) -> bool:
    """Whether the memory is given back after the reply, in slices: ASYNC, or lazyfree-lazy-user-flush without a word.

    Raises:
        CommandError: There is any argument but one SYNC or ASYNC.
    """
    if len(argv) == 1:
        return ctx.host.settings.lazyfree_lazy_user_flush
    mode = argv[1].upper()
    if len(argv) > 2 or mode not in {b"SYNC", b"ASYNC"}:
        raise syntax_error()
    return mode == b"ASYNC"


def count_flush(ctx: Context, removed: i64) -> None:
    """Counts a flush as changes, and propagates it even if there was nothing to empty."""
    ctx.keyspace.dirty += removed
    ctx.propagate_anyway(EVERYWHERE)


@command(
    "FLUSHDB",
    arity=-1,
    flags=WRITE | KEYSPACE | DANGEROUS,
    since="1.0.0",
    summary="Deletes all keys of the database.",
    complexity="O(N) for N keys in the database; with ASYNC after the reply.",
    syntax="[ASYNC | SYNC]",
    tips=[b"request_policy:all_shards", b"response_policy:all_succeeded"],
    history=[("4.0.0", "Added the `ASYNC` mode."), ("6.2.0", "Added the `SYNC` mode.")],
)
def flushdb(ctx: Context, argv: Argv) -> Reply:
    lazily = is_lazy_flush(ctx, argv)
    ctx.keyspace.listener.database_emptied(ctx.db.index)
    count_flush(ctx, ctx.db.clear_lazily() if lazily else ctx.db.clear())
    return OK


@command(
    "FLUSHALL",
    arity=-1,
    flags=WRITE | KEYSPACE | DANGEROUS,
    since="1.0.0",
    summary="Deletes all keys of all databases.",
    complexity="O(N) for N keys in all databases; with ASYNC after the reply.",
    syntax="[ASYNC | SYNC]",
    tips=[b"request_policy:all_shards", b"response_policy:all_succeeded"],
    history=[("4.0.0", "Added the `ASYNC` mode."), ("6.2.0", "Added the `SYNC` mode.")],
)
def flushall(ctx: Context, argv: Argv) -> Reply:
    lazily = is_lazy_flush(ctx, argv)
    ctx.keyspace.listener.database_emptied(-1)
    count_flush(ctx, ctx.keyspace.clear_lazily() if lazily else ctx.keyspace.clear())
    ctx.host.data_flushed()
    return OK


@command(
    "SWAPDB",
    arity=3,
    flags=WRITE | FAST | KEYSPACE | DANGEROUS,
    since="4.0.0",
    summary="Exchanges the contents of two databases; clients connected to one see the other's at once.",
    complexity="O(N) for N clients that watch or wait for keys of the two.",
    syntax="index1 index2",
)
def swapdb(ctx: Context, argv: Argv) -> Reply:
    if ctx.host.clustered:
        raise CommandError("ERR SWAPDB is not allowed in cluster mode")
    first = integer_between(argv[1], -INT32_MAX - 1, INT32_MAX, INVALID_FIRST_DB)
    second = integer_between(argv[2], -INT32_MAX - 1, INT32_MAX, INVALID_SECOND_DB)
    count = len(ctx.keyspace.databases)
    if not (0 <= first < count and 0 <= second < count):
        raise CommandError(DB_OUT_OF_RANGE)
    if first != second:
        ctx.keyspace.swap(first, second)
        ctx.keyspace.listener.databases_swapped(first, second)
    ctx.keyspace.dirty += 1
    return OK
