"""docs/configuration.md, made from the table of directives."""

from typing import Final

from hognose.config.directives import SUBJECTS
from hognose.config.directives.record import (
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    NO_MEANING,
    PROTECTED,
    SENSITIVE,
    Directive,
)
from hognose.config.kinds import Memory, decode, format_memory

_NOTES: Final[list[tuple[int, str]]] = [
    (IMMUTABLE, "at start-up only"),
    (PROTECTED, "CONFIG SET needs enable-protected-configs"),
    (DENY_LOADING, "not while loading"),
    (SENSITIVE, "kept out of logs"),
    (HIDDEN, "hidden"),
    (NO_MEANING, "no effect here"),
]

_INTRODUCTION: Final = """# Configuration

<!-- Written by `python -m hognose.config`; change the tables in hognose/config/directives instead. -->

hognose takes the configuration files, command lines and CONFIG commands of redis-server 7.2. What counts, from weak to
strong: the built-in default, the file, standard input (an argument `-`), environment variables, the command line.

    hognose /etc/hognose.conf --port 6380 --bind 127.0.0.1 ::1
    HOGNOSE_MAXMEMORY=2gb HOGNOSE_SAVE="3600 1" hognose

Amounts of memory may have a unit: `k`, `m`, `g` are powers of 1000, `kb`, `mb`, `gb` powers of 1024. A file may also
hold `include PATH` (patterns allowed), `user NAME RULES...` and `rename-command OLD NEW` (`""` removes the command).
`loadmodule` is refused: there are no modules.

Notes in the last column: *at start-up only*: CONFIG SET refuses it. *Hidden*: CONFIG GET returns it only by its exact
name. *No effect here*: accepted so that existing files work, for the reason given.
"""


def configuration_reference() -> str:
    """The text of docs/configuration.md."""
    parts = [_INTRODUCTION]
    for title, table in SUBJECTS:
        rows = "\n".join(_row(directive) for directive in table)
        parts.append(f"## {title}\n\n| directive | value | default | what it is for |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(directive: Directive) -> str:
    name = f"`{directive.name}`"
    if directive.alias:
        name += f"<br>`{directive.alias}`"
    notes = ", ".join(note for flag, note in _NOTES if directive.has(flag))
    about = directive.summary + (f" *{notes[0].upper()}{notes[1:]}.*" if notes else "")
    return f"| {name} | {directive.kind.describe()} | {_default(directive)} | {about} |"


def _default(directive: Directive) -> str:
    if directive.field == "dir":
        return "where it was started"
    if isinstance(directive.kind, Memory) and isinstance(directive.default, int):
        return f"`{decode(format_memory(directive.default))}`"
    shown = decode(directive.kind.show(directive.default))
    return f"`{shown}`" if shown else "empty"
