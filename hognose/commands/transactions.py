"""The transaction commands: MULTI, EXEC, DISCARD, WATCH, UNWATCH.

Between MULTI and EXEC the dispatcher queues commands instead of running them. EXEC runs them with nothing in between
and one and the same "now"; it refuses if a watched key changed, or if a command was refused while queueing.
"""

from mypy_extensions import i64

from hognose.commands.context import DENY_BLOCKING, DIRTY_CAS, DIRTY_EXEC, IN_MULTI
from hognose.commands.flags import ALLOW_BUSY, FAST, LOADING, NOSCRIPT, RO, SKIP_SLOWLOG, STALE
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.errors import EXEC_WITHOUT_MULTI, EXECABORT, NESTED_MULTI, CommandError
from hognose.resp.reply import NO_REPLY, NULL_ARRAY, OK, write_array_header

command = CommandGroup("transactions")


@command(
    "MULTI",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    since="1.2.0",
    summary="Begins a transaction: the commands that follow are queued until EXEC.",
)
def multi(ctx: Context, argv: Argv) -> Reply:
    if ctx.attention & IN_MULTI:
        raise CommandError(NESTED_MULTI)
    ctx.attention |= IN_MULTI
    ctx.flags &= ~DIRTY_EXEC
    return OK


@command(
    "DISCARD",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    since="2.0.0",
    summary="Drops the queued commands of a transaction and forgets all watched keys.",
    complexity="O(N), when N is the number of queued commands",
)
def discard(ctx: Context, argv: Argv) -> Reply:
    if ctx.attention & IN_MULTI == 0:
        raise CommandError("ERR DISCARD without MULTI")
    ctx.host.discard_transaction(ctx)
    return OK


@command(
    "EXEC",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG,
    since="1.2.0",
    summary="Runs all queued commands of a transaction.",
    complexity="Depends on commands in the transaction",
)
def exec_(ctx: Context, argv: Argv) -> Reply:
    host = ctx.host
    if ctx.attention & IN_MULTI == 0:
        raise CommandError(EXEC_WITHOUT_MULTI)
    spoilt = ctx.flags & DIRTY_CAS != 0 or watched_key_expired(ctx)
    refused = ctx.flags & DIRTY_EXEC != 0
    queued = ctx.queued
    host.discard_transaction(ctx)
    if refused:
        raise CommandError(EXECABORT)
    if spoilt:
        return NULL_ARRAY
    keyspace = ctx.keyspace
    ctx.flags |= DENY_BLOCKING
    keyspace.freeze_time()
    out = ctx.out
    if not ctx.hears_nothing():
        write_array_header(out, len(queued))
    for each in queued:
        silent = ctx.hears_nothing()
        mark: i64 = len(out)
        host.run_queued(ctx, each.command, each.argv)
        if silent and ctx.hears_nothing():
            out.truncate(mark)
    keyspace.frozen_now_ms = 0
    ctx.flags &= ~DENY_BLOCKING
    return NO_REPLY


def watched_key_expired(ctx: Context) -> bool:
    """Whether the deadline of a watched key has passed since it was watched."""
    for db_index, key, was_expired in ctx.watched:
        database = ctx.keyspace.databases[db_index]
        if not was_expired and database.table.find(key) >= 0 and database.peek(key) is None:
            return True
    return False


@command(
    "WATCH",
    arity=-2,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    keys=[keys(1, RO, last=-1)],
    since="2.2.0",
    summary="Makes the next transaction fail if one of these keys changes before it.",
    complexity="O(1) for every key.",
    syntax="key [key ...]",
)
def watch(ctx: Context, argv: Argv) -> Reply:
    if ctx.attention & IN_MULTI:
        raise CommandError("ERR WATCH inside MULTI is not allowed")
    # A transaction that will fail already needs to watch nothing more.
    if ctx.flags & DIRTY_CAS == 0:
        for key in argv[1:]:
            ctx.host.watch(ctx, key)
    return OK


@command(
    "UNWATCH",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    since="2.2.0",
    summary="Forgets all watched keys.",
)
def unwatch(ctx: Context, argv: Argv) -> Reply:
    ctx.host.unwatch_all(ctx)
    return OK
