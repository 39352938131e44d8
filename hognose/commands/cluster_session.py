"""READONLY, READWRITE and ASKING: what a client tells a node of a cluster about the commands that follow."""

from typing import Final

from hognose.commands.context import ASKING_NEXT, READONLY_CLUSTER, Context
from hognose.commands.flags import CONNECTION, FAST, LOADING, STALE
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError
from hognose.resp.reply import OK

command = CommandGroup("cluster")

NOT_A_NODE: Final = "ERR This instance has cluster support disabled"


def require_cluster(ctx: Context) -> None:
    """Refuses where the server is no node of a cluster."""
    if not ctx.host.clustered:
        raise CommandError(NOT_A_NODE)


@command(
    "READONLY",
    arity=1,
    flags=FAST | LOADING | STALE | CONNECTION,
    since="3.0.0",
    summary="Lets the client read from a replica in a cluster.",
)
def readonly(ctx: Context, argv: Argv) -> Reply:
    require_cluster(ctx)
    ctx.flags |= READONLY_CLUSTER
    return OK


@command(
    "READWRITE",
    arity=1,
    flags=FAST | LOADING | STALE | CONNECTION,
    since="3.0.0",
    summary="Sends the client to the primary again, after READONLY.",
)
def readwrite(ctx: Context, argv: Argv) -> Reply:
    require_cluster(ctx)
    ctx.flags &= ~READONLY_CLUSTER
    return OK


@command(
    "ASKING",
    arity=1,
    flags=FAST | CONNECTION,
    since="3.0.0",
    summary="Lets the next command use a slot that is being moved to this node.",
)
def asking(ctx: Context, argv: Argv) -> Reply:
    require_cluster(ctx)
    ctx.attention |= ASKING_NEXT
    return OK
