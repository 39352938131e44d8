"""BGREWRITEAOF: has the append-only file written anew. How is the server's business."""

from typing import Final

from hognose.commands.context import DENY_BLOCKING, Context
from hognose.commands.flags import ADMIN, NO_ASYNC_LOADING, NOSCRIPT
from hognose.commands.host import REWRITE_FAILED, REWRITE_RUNNING, REWRITE_SCHEDULED
from hognose.commands.persistence import claim_directory
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError
from hognose.resp.reply import Simple

command = CommandGroup("server")

RUNNING: Final = "ERR Background append only file rewriting already in progress"
FAILED: Final = (
    "ERR Can't execute an AOF background rewriting. Please check the server logs for more information about the error."
)
STARTED: Final = Simple(b"Background append only file rewriting started")
SCHEDULED: Final = Simple(b"Background append only file rewriting scheduled")


@command(
    "BGREWRITEAOF",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    since="1.0.0",
    summary="Writes the append-only file anew in the background.",
    complexity="O(1)",
)
def bgrewriteaof(ctx: Context, argv: Argv) -> Reply:
    claim_directory(ctx)
    outcome = ctx.host.rewrite_append_only(later=ctx.flags & DENY_BLOCKING != 0)
    if outcome == REWRITE_RUNNING:
        raise CommandError(RUNNING)
    if outcome == REWRITE_FAILED:
        raise CommandError(FAILED)
    return SCHEDULED if outcome == REWRITE_SCHEDULED else STARTED
