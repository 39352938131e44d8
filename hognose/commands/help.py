"""HELP of the containers: made from their subcommands' records, so that it cannot disagree with them.

The frame (first line, HELP as the last entry, four blanks before an explanation) is what redis-cli's users know.
"""

from hognose.commands.spec import CommandSpec
from hognose.resp.reply import Reply, Simple


def help_reply(container: CommandSpec, alone: str = "") -> Reply:
    """What `CONTAINER HELP` answers.

    Args:
        container: The record of the container.
        alone: What the container does without a subcommand; empty if it does nothing.

    Returns:
        An array of lines.
    """
    lines = [f"{container.name.upper()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    if alone:
        lines.extend(["(no subcommand)", f"    {alone}"])
    for name in sorted(container.subcommands):
        sub = container.subcommands[name]
        if name != "help":
            lines.extend([f"{name.upper()} {sub.syntax}".rstrip(), f"    {sub.summary}"])
    lines.extend(["HELP", "    Print this help."])
    return [Simple(line.encode()) for line in lines]
