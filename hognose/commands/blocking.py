"""What blocking commands have in common: the timeout argument, and the wait.

A blocking command is an ordinary handler. When it finds nothing to do it returns `wait_for_keys(...)`: the client then
waits, in the order clients came, for one of the keys to come to life, and the handler runs again with the same
arguments. If there is again nothing to do (another client was served first) it calls `wait_for_keys` again and the
client keeps its place.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.context import DENY_BLOCKING, Context
from hognose.datastructures.longdouble import milliseconds_of
from hognose.errors import CommandError
from hognose.resp.reply import NO_REPLY, Argv, Reply

TIMEOUT_NOT_FLOAT: Final = "ERR timeout is not a float or out of range"
TIMEOUT_NEGATIVE: Final = "ERR timeout is negative"
TIMEOUT_OUT_OF_RANGE: Final = "ERR timeout is out of range"
UNBLOCKED: Final = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
I64_MAX: Final = 2**63 - 1


class BlockedRequest:
    """A client's wait.

    Attributes:
        argv: The command, to be run again.
        db_index: The database its keys are in.
        keys: What it waits for.
        type_name: The type of value that ends the wait.
        deadline_ms: When it gives up, Unix ms; 0: never.
        timeout_reply: What it is answered then.
        wakes_on_loss: Whether deletion of a key, or another type at it, ends the wait too (XREADGROUP).
    """

    def __init__(
        self,
        argv: Argv,
        db_index: i64,
        keys: list[bytes],
        type_name: bytes,
        deadline_ms: i64,
        timeout_reply: Reply,
        wakes_on_loss: bool,
    ) -> None:
        self.argv: Final = argv
        self.db_index: i64 = db_index
        self.keys: Final = keys
        self.type_name: Final = type_name
        self.deadline_ms: i64 = deadline_ms
        self.timeout_reply: Final = timeout_reply
        self.wakes_on_loss: Final = wakes_on_loss


def timeout_deadline(ctx: Context, argument: bytes) -> i64:
    """The moment, in Unix ms, at which a timeout in seconds (fractions allowed) ends; 0 for a timeout of 0: never.

    Raises:
        CommandError: It is no number, negative, or beyond what a clock can count.
    """
    try:
        milliseconds = milliseconds_of(argument)
    except ValueError:
        raise CommandError(TIMEOUT_NOT_FLOAT) from None
    return deadline_after(ctx, milliseconds)


def deadline_after(ctx: Context, milliseconds: int) -> i64:
    """The moment so many milliseconds from now, Unix ms; 0 for 0."""
    if milliseconds > I64_MAX:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    if milliseconds < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    if milliseconds == 0:
        return 0
    deadline = milliseconds + int(ctx.host.clock.now_ms)
    if deadline > I64_MAX:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return deadline


def wait_for_keys(
    ctx: Context,
    argv: Argv,
    keys: list[bytes],
    type_name: bytes,
    deadline_ms: i64,
    timeout_reply: Reply,
    wakes_on_loss: bool = False,
) -> Reply:
    """Makes the client wait; to be returned by the handler.

    Returns:
        NO_REPLY, or the reply of a timeout at once where a client must not wait: in EXEC and in scripts.
    """
    if ctx.flags & DENY_BLOCKING:
        return timeout_reply
    request = BlockedRequest(argv, ctx.db.index, keys, type_name, deadline_ms, timeout_reply, wakes_on_loss)
    ctx.host.block(ctx, request)
    return NO_REPLY
