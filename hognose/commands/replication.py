"""What replicas say to their primary (REPLCONF, SYNC, PSYNC), and WAIT, by which clients hear how far they are.

What stands behind it is `server.replicas`; the handlers check arguments.
"""

from typing import Final

from hognose.commands.arguments import I64_MAX, integer_between, syntax_error
from hognose.commands.context import DENY_BLOCKING, Context
from hognose.commands.flags import (
    ADMIN,
    ALLOW_BUSY,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    NOT_KEYSPACE,
    STALE,
    SYSCMD,
)
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import NOT_INTEGER, CommandError
from hognose.resp.reply import NO_REPLY, OK

command = CommandGroup("server")
generic = CommandGroup("generic")

TIMEOUT_NOT_INTEGER: Final = "ERR timeout is not an integer or out of range"
TIMEOUT_NEGATIVE: Final = "ERR timeout is negative"
WAIT_ON_REPLICA: Final = (
    "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured "
    "to be writable (which is not the default) writes to replicas are just local and are not propagated."
)


@command(
    "REPLCONF",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY | SYSCMD,
    since="3.0.0",
    summary="Tells a primary about its replica, and how far that is.",
    complexity="O(1)",
)
def replconf(ctx: Context, argv: Argv) -> Reply:
    if len(argv) % 2 == 0:
        raise syntax_error()
    replies = True
    for index in range(1, len(argv), 2):
        replies = ctx.host.replica_says(ctx, argv[index].lower(), argv[index + 1]) and replies
    return OK if replies else NO_REPLY


@command(
    "SYNC",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="1.0.0",
    summary="Makes the client a replica that gets the whole dataset, as replicas did before version 2.8.",
)
def sync(ctx: Context, argv: Argv) -> Reply:
    ctx.host.add_replica(ctx, None, -1)
    return NO_REPLY


@command(
    "PSYNC",
    arity=-3,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="2.8.0",
    summary="Makes the client a replica that gets what it has missed, or the whole dataset.",
    syntax="replicationid offset",
)
def psync(ctx: Context, argv: Argv) -> Reply:
    offset = integer_between(argv[2], -I64_MAX - 1, I64_MAX, NOT_INTEGER)
    ctx.host.add_replica(ctx, argv[1], offset)
    return NO_REPLY


@generic(
    "WAIT",
    arity=3,
    flags=NOT_KEYSPACE,
    since="3.0.0",
    summary="Waits until so many replicas have what this client has written.",
    complexity="O(1)",
    syntax="numreplicas timeout:integer",
    tips=[b"request_policy:all_shards", b"response_policy:agg_min"],
    categories=[b"connection"],
)
def wait(ctx: Context, argv: Argv) -> Reply:
    if ctx.host.is_replica():
        raise CommandError(WAIT_ON_REPLICA)
    wanted = integer_between(argv[1], -I64_MAX - 1, I64_MAX, NOT_INTEGER)
    timeout_ms = integer_between(argv[2], -I64_MAX - 1, I64_MAX, TIMEOUT_NOT_INTEGER)
    if timeout_ms < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    reached = ctx.host.replicas_that_have(ctx.write_offset)
    if reached >= wanted or ctx.flags & DENY_BLOCKING:
        return reached
    now_ms = int(ctx.host.clock.now_ms)
    ctx.host.wait_for_replicas(ctx, wanted, min(timeout_ms + now_ms, I64_MAX) if timeout_ms else 0)
    return NO_REPLY
