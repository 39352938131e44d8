"""The record of one directive, and short constructors for the tables.

A table reads as one call per directive: its name, what is particular about its value, and what it is for. From the
record come parsing, CONFIG GET, SET and REWRITE, the attribute of `Settings` and the row in docs/configuration.md.
"""

from collections.abc import Callable
from typing import Final

from hognose.config.kinds import (
    INT64_MAX,
    INT_MAX,
    Choice,
    Integer,
    Kind,
    Memory,
    Secret,
    Text,
    YesNo,
)

IMMUTABLE: Final = 1
"""Set at start-up only."""
HIDDEN: Final = 2
"""CONFIG GET returns it only when asked by its exact name. Most are for tests."""
SENSITIVE: Final = 4
"""The value is kept out of MONITOR, the slow log and other logs."""
PROTECTED: Final = 8
"""CONFIG SET needs enable-protected-configs."""
DENY_LOADING: Final = 16
"""CONFIG SET is refused while the dataset is being loaded."""
MULTI_ARG: Final = 32
"""Takes several arguments, or one argument holding several words."""
VOLATILE: Final = 64
"""Setting it to the value it has is a change too: it names a file whose content may be new."""
NO_MEANING: Final = 128
"""Accepted, checked, shown and rewritten, but nothing here depends on it; the summary says why."""


class Directive:
    """One directive.

    Attributes:
        name: As documentation and CONFIG REWRITE use it.
        alias: An older name that means the same; empty where there is none.
        field: The attribute of `Settings`.
        kind: How values are read, checked, shown and written.
        default: The typed value where nothing sets it.
        flags: The constants above, or-ed.
        summary: What it is for, for docs/configuration.md.
    """

    def __init__(self, name: str, kind: Kind, default: object, summary: str, *, flags: int, alias: str) -> None:
        self.name: Final = name
        self.alias: Final = alias
        self.field: Final = name.replace("-", "_")
        self.kind: Final = kind
        self.default: Final = default
        self.flags: Final = flags
        self.summary: Final = summary

    def has(self, flag: int) -> bool:
        """Whether one of the flags is set."""
        return self.flags & flag != 0


def yes_no(name: str, default: bool, summary: str, flags: int = 0, *, alias: str = "") -> Directive:
    """A directive that is `yes` or `no`."""
    return Directive(name, YesNo(), default, summary, flags=flags, alias=alias)


def integer(
    name: str, default: int, summary: str, flags: int = 0, *, alias: str = "", low: int = 0, high: int = INT_MAX
) -> Directive:
    """A directive that is a whole number; bounds are inclusive."""
    return Directive(name, Integer(low, high), default, summary, flags=flags, alias=alias)


def memory(
    name: str, default: int, summary: str, flags: int = 0, *, alias: str = "", low: int = 0, high: int = INT64_MAX
) -> Directive:
    """A directive that is an amount of memory in bytes; bounds are inclusive."""
    return Directive(name, Memory(low, high, signed=high <= INT64_MAX), default, summary, flags=flags, alias=alias)


def choice(name: str, names: list[str], default: str, summary: str, flags: int = 0, *, alias: str = "") -> Directive:
    """A directive that is one word of a list."""
    return Directive(name, Choice(names), default, summary, flags=flags, alias=alias)


def text(
    name: str, default: str, summary: str, flags: int = 0, *, alias: str = "", check: Callable[[str], str] | None = None
) -> Directive:
    """A directive that is a string, for which the empty string is a value like any other."""
    return Directive(name, Text(False, check), default, summary, flags=flags, alias=alias)


def optional_text(
    name: str, summary: str, flags: int = 0, *, alias: str = "", check: Callable[[str], str] | None = None
) -> Directive:
    """A directive that is a string or, when empty, not set at all; not set is its default."""
    return Directive(name, Text(True, check), "", summary, flags=flags, alias=alias)


def secret(name: str, summary: str, flags: int = 0) -> Directive:
    """A directive that is a password or user name, kept as bytes and out of the logs."""
    return Directive(name, Secret(), b"", summary, flags=flags, alias="")


def special(name: str, kind: Kind, default: object, summary: str, flags: int = 0, *, alias: str = "") -> Directive:
    """A directive with a kind of its own."""
    return Directive(name, kind, default, summary, flags=flags, alias=alias)
