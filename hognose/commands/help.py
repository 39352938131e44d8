"""HELP of the containers: made from their subcommands' records, so that it cannot disagree with them.

The frame (first line, HELP as the last entry, four blanks before an explanation) is what redis-cli's users know.
"""

from hognose.commands.spec import SPECS
from hognose.commands.syntax import usage
from hognose.resp.reply import Reply, Simple


def help_reply(container: str, entries: list[tuple[str, str]] | None = None) -> Reply:
    """What `CONTAINER HELP` answers.

    Args:
        container: The container's name, in upper case.
        entries: Usage and explanation of each subcommand, where the records' own words do not do.

    Returns:
        An array of lines.
    """
    lines = [f"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    shown = entries if entries is not None else entries_of(container)
    for call, explanation in shown:
        lines.extend([call, f"    {explanation}"])
    lines.extend(["HELP", "    Print this help."])
    return [Simple(line.encode()) for line in lines]


def entries_of(container: str) -> list[tuple[str, str]]:
    """Usage and summary of each subcommand but HELP, by name."""
    subcommands = SPECS[container.lower()].subcommands
    return [
        (f"{name.upper()} {usage(subcommands[name].syntax)}".rstrip(), subcommands[name].summary)
        for name in sorted(subcommands)
        if name != "help"
    ]
