"""SLOWLOG: the commands that took longest lately; see `telemetry.slowlog`."""

from itertools import islice
from typing import Final

from hognose.commands.arguments import I64_MAX, integer_between
from hognose.commands.context import Context
from hognose.commands.flags import ADMIN, LOADING, STALE
from hognose.commands.help import help_reply
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError, printable
from hognose.resp.reply import OK

command = CommandGroup("server")
command.container("SLOWLOG", since="2.2.12", summary="Shows the commands that took long.")

OF_SLOWLOG: Final = ADMIN | LOADING | STALE
BAD_COUNT: Final = "ERR count should be greater than or equal to -1"
DEFAULT_COUNT: Final = 10


@command(
    "SLOWLOG|GET",
    arity=-2,
    flags=OF_SLOWLOG,
    since="2.2.12",
    summary="Returns the latest slow commands, newest first.",
    complexity="O(N) where N is the number of entries returned",
    syntax="[count]",
    tips=[b"request_policy:all_nodes", b"nondeterministic_output"],
    history=[("4.0.0", "Shows the client's address and name.")],
)
def slowlog_get(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 3:
        text = f"unknown subcommand or wrong number of arguments for '{printable(argv[1])}'. Try SLOWLOG HELP."
        raise CommandError("ERR " + text)
    count = integer_between(argv[2], -1, I64_MAX, BAD_COUNT) if len(argv) == 3 else DEFAULT_COUNT
    entries = ctx.host.slowlog.entries
    replies: list[object] = []
    for entry in entries if count == -1 else islice(entries, min(count, len(entries))):
        shown: list[object] = [int(entry.id), int(entry.at_s), int(entry.duration_us)]
        replies.append([*shown, entry.argv, entry.address, entry.client_name])
    return replies


@command(
    "SLOWLOG|LEN",
    arity=2,
    flags=OF_SLOWLOG,
    since="2.2.12",
    summary="Returns how many entries the slow log has.",
    tips=[b"request_policy:all_nodes", b"response_policy:agg_sum", b"nondeterministic_output"],
)
def slowlog_len(ctx: Context, argv: Argv) -> Reply:
    return len(ctx.host.slowlog.entries)


@command(
    "SLOWLOG|RESET",
    arity=2,
    flags=OF_SLOWLOG,
    since="2.2.12",
    summary="Empties the slow log.",
    complexity="O(N) where N is the number of entries in the slowlog",
    tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"],
)
def slowlog_reset(ctx: Context, argv: Argv) -> Reply:
    ctx.host.slowlog.clear()
    return OK


@command("SLOWLOG|HELP", arity=2, flags=LOADING | STALE, since="6.2.0", summary="Lists the subcommands.")
def slowlog_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "SLOWLOG",
        [
            (
                "GET [<count>]",
                "Return the newest entries (default: 10, -1: all): id, time, microseconds, arguments, address, name.",
            ),
            ("LEN", "Return how many entries there are."),
            ("RESET", "Drop all entries."),
        ],
    )
