"""What the log gets when a command fails by a bug of ours: the command, the client, and where it happened.

    Internal error in hset, please report it
    client: id=7 addr=127.0.0.1:51222 ... cmd=hset user=default ...
    command: "HSET" "key" "field" "(redacted)"
    Traceback (most recent call last): ...

Secrets are hidden as in the slow log, and long commands are shortened as there. The server lives on.
"""

import traceback

from hognose.commands.client_text import client_line
from hognose.commands.context import Context
from hognose.commands.table import Command
from hognose.server.monitors import quoted
from hognose.telemetry.slowlog import trimmed


def crash_report(ctx: Context, command: Command, argv: list[bytes], error: Exception) -> str:
    """The lines for the log about an error that no handler should raise.

    Args:
        ctx: Whose command it was.
        command: What ran.
        argv: Its arguments.
        error: What was raised.
    """
    words = b" ".join([quoted(argument) for argument in trimmed(ctx.shown(argv))]).decode()
    client = client_line(ctx).decode("utf-8", "backslashreplace")
    trace = "".join(traceback.format_exception(error)).rstrip()
    return f"Internal error in {command.name}, please report it\nclient: {client}\ncommand: {words}\n{trace}"
