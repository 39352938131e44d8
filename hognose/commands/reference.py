"""docs/commands.md, written from the records: every command by group, with its arguments and what it does.

scripts/write-docs
"""

from typing import Final

from hognose.commands import load_all
from hognose.commands.spec import SPECS, CommandSpec
from hognose.commands.syntax import usage

TITLES: Final = {
    "generic": "Keys",
    "string": "Strings",
    "bitmap": "Bitmaps",
    "list": "Lists",
    "hash": "Hashes",
    "set": "Sets",
    "sorted_set": "Sorted sets",
    "geo": "Geo",
    "stream": "Streams",
    "hyperloglog": "HyperLogLog",
    "bf": "Bloom filters",
    "cf": "Cuckoo filters",
    "cms": "Count-min sketches",
    "topk": "Top-k",
    "pubsub": "Publish and subscribe",
    "transactions": "Transactions",
    "scripting": "Scripts and functions",
    "connection": "Connection",
    "server": "Server",
    "cluster": "Cluster",
    "sentinel": "Sentinel",
}

OPENING: Final = """# Commands

Written by `scripts/write-docs` from the command table; do not edit. *Since* is the version of Redis that brought the
command; for Bloom and cuckoo filters, count-min sketches and top-k that of the module they came in. Departures from
Redis are in [differences.md](differences.md).
"""


def render() -> str:
    """The whole document."""
    load_all()
    groups: dict[str, list[CommandSpec]] = {}
    for spec in SPECS.values():
        listed = groups.setdefault(spec.group, [])
        if spec.handler is not None:
            listed.append(spec)
        listed.extend(spec.subcommands.values())
    known = [group for group in TITLES if group in groups]
    others = sorted(group for group in groups if group not in TITLES)
    total = sum(len(listed) for listed in groups.values())
    parts = [OPENING, f"{total} commands, subcommands included.\n"]
    parts.extend(section(group, groups[group]) for group in known + others)
    return "\n".join(parts)


def section(group: str, specs: list[CommandSpec]) -> str:
    """One group as a heading and a table."""
    title = TITLES.get(group, group.replace("_", " ").capitalize())
    lines = [f"## {title}\n", "| command | what it does | since | complexity |", "|---|---|---|---|"]
    lines.extend(row(spec) for spec in sorted(specs, key=name_of))
    return "\n".join(lines) + "\n"


def name_of(spec: CommandSpec) -> str:
    """A record's name, to sort by."""
    return spec.name


def row(spec: CommandSpec) -> str:
    """One command."""
    call = f"{spec.name.replace('|', ' ').upper()} {usage(spec.syntax)}".rstrip()
    summary = spec.summary
    if spec.deprecated is not None:
        since, instead = spec.deprecated
        summary += f" Deprecated since {since}" + (f": use {instead}." if instead else ".")
    cells = [f"`{call}`", summary, spec.since, spec.complexity]
    return "| " + " | ".join([cell.replace("|", "\\|") for cell in cells]) + " |"
