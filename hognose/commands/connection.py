"""The connection commands: PING, ECHO, SELECT, QUIT."""

from hognose.commands.arguments import integer
from hognose.commands.context import CLOSE_AFTER_REPLY, SUBSCRIBED
from hognose.commands.flags import ALLOW_BUSY, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.errors import DB_OUT_OF_RANGE, INVALID_DB_INDEX, CommandError, wrong_number_of_arguments
from hognose.resp.reply import OK, PONG

command = CommandGroup("connection")


@command(
    "PING",
    arity=-1,
    flags=FAST,
    since="1.0.0",
    summary="Returns the server's liveliness response.",
    syntax="[message]",
    tips=[b"request_policy:all_shards", b"response_policy:all_succeeded"],
)
def ping(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 2:
        raise wrong_number_of_arguments("ping")
    if ctx.attention & SUBSCRIBED and ctx.resp == 2:
        return [b"pong", argv[1] if len(argv) == 2 else b""]
    return argv[1] if len(argv) == 2 else PONG


@command(
    "ECHO",
    arity=2,
    flags=LOADING | STALE | FAST,
    since="1.0.0",
    summary="Returns the given string.",
    syntax="message",
)
def echo(ctx: Context, argv: Argv) -> Reply:
    return argv[1]


@command(
    "SELECT",
    arity=2,
    flags=LOADING | STALE | FAST,
    since="1.0.0",
    summary="Changes the selected database.",
    syntax="index",
)
def select(ctx: Context, argv: Argv) -> Reply:
    index = integer(argv[1], INVALID_DB_INDEX)
    if not ctx.select(index):
        raise CommandError(DB_OUT_OF_RANGE)
    return OK


@command(
    "QUIT",
    arity=-1,
    flags=ALLOW_BUSY | LOADING | STALE | FAST | NOSCRIPT | NO_AUTH,
    since="1.0.0",
    summary="Closes the connection.",
    deprecated=("7.2.0", "just closing the connection"),
)
def quit_(ctx: Context, argv: Argv) -> Reply:
    ctx.flags |= CLOSE_AFTER_REPLY
    return OK
