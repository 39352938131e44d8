"""SAVE and BGSAVE: the dataset to its file, now or in the background. How is the business of `persistence.snapshot`."""

from typing import Final

from hognose.commands.arguments import syntax_error
from hognose.commands.context import DENY_BLOCKING, Context
from hognose.commands.flags import ADMIN, NO_ASYNC_LOADING, NO_MULTI, NOSCRIPT
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError
from hognose.resp.reply import OK, Simple

command = CommandGroup("server")

IN_PROGRESS: Final = "ERR Background save already in progress"
OTHER_CHILD: Final = (
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
    "BGSAVE whenever possible."
)
FAILED: Final = "ERR"
STARTED: Final = Simple(b"Background saving started")
SCHEDULED: Final = Simple(b"Background saving scheduled")


def claim_directory(ctx: Context) -> None:
    """Refuses to write where another server saves."""
    reason = ctx.host.snapshots.guard.claim()
    if reason:
        raise CommandError(f"ERR {reason}")


@command(
    "SAVE",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="1.0.0",
    summary="Saves the dataset to disk while every client waits.",
    complexity="O(N) for N keys in all databases.",
)
def save(ctx: Context, argv: Argv) -> Reply:
    snapshots = ctx.host.snapshots
    if snapshots.is_saving():
        raise CommandError(IN_PROGRESS)
    claim_directory(ctx)
    if not snapshots.save():
        raise CommandError(FAILED)
    return OK


@command(
    "BGSAVE",
    arity=-1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    since="1.0.0",
    summary="Saves the dataset to disk in the background.",
    syntax="[SCHEDULE]",
    history=[("3.2.2", "SCHEDULE.")],
)
def bgsave(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 2 or (len(argv) == 2 and argv[1].upper() != b"SCHEDULE"):
        raise syntax_error()
    snapshots = ctx.host.snapshots
    if snapshots.is_saving():
        raise CommandError(IN_PROGRESS)
    claim_directory(ctx)
    # Beside another child, and inside a transaction, none is made.
    if snapshots.is_occupied() or ctx.flags & DENY_BLOCKING:
        if len(argv) == 1 and ctx.flags & DENY_BLOCKING == 0:
            raise CommandError(OTHER_CHILD)
        snapshots.scheduled = True
        return SCHEDULED
    if not snapshots.start():
        raise CommandError(FAILED)
    return STARTED
