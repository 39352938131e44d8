"""The record that describes one command, and the decorator that makes it.

One record is everything the server, COMMAND, ACL rules, cluster routing and the documentation know of a command. The
handlers of a module register themselves when the module is imported:

    command = CommandGroup("string")

    @command("STRLEN", arity=2, flags=READONLY | FAST, keys=[keys(1, RO)], since="2.2.0", summary="...", syntax="key")
    def strlen(ctx: Context, argv: Argv) -> Reply: ...

A subcommand is named "CONTAINER|SUB"; its handler gets the whole argv, container included, and its arity counts it.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from hognose.commands.context import Context
from hognose.commands.flags import (
    ADMIN,
    BLOCKING,
    CONNECTION,
    DANGEROUS,
    FAST,
    GROUP_CATEGORIES,
    KEYSPACE,
    NOT_KEYSPACE,
    PUBSUB,
    READONLY,
    WRITE,
)
from hognose.commands.keyspec import KeySpec
from hognose.resp.reply import Argv, Reply

Handler = Callable[[Context, list[bytes]], object]


class CommandSpec:
    """What is known of a command before any server runs.

    Attributes:
        name: In lower case, subcommands as "container|sub".
        arity: Number of arguments, the name (and a container's) included; negative for "at least".
        handler: What runs it; None for a container, which has only subcommands.
        keys: Where its keys stand.
        subcommands: Those of a container, by their own lower-case name.
    """

    def __init__(
        self,
        name: str,
        group: str,
        arity: i64,
        flags: i64,
        keys: list[KeySpec],
        since: str,
        summary: str,
        complexity: str,
        syntax: str,
        tips: list[bytes],
        history: list[tuple[str, str]],
        deprecated: tuple[str, str] | None,
        categories: list[bytes],
        handler: Handler | None,
    ) -> None:
        self.name: Final = name
        self.group: Final = group
        self.arity: i64 = arity
        self.flags: i64 = flags
        self.keys: Final = keys
        self.since: Final = since
        self.summary: Final = summary
        self.complexity: Final = complexity
        self.syntax: Final = syntax
        self.tips: Final = tips
        self.history: Final = history
        self.deprecated: Final = deprecated
        self.extra_categories: Final = categories
        self.handler: Final = handler
        self.subcommands: dict[str, CommandSpec] = {}

    def categories(self) -> list[bytes]:
        """The ACL categories the command belongs to: those its flags and group imply, and those named."""
        found: list[bytes] = []
        group = GROUP_CATEGORIES.get(self.group)
        if group is not None and self.handler is not None and self.flags & NOT_KEYSPACE == 0:
            found.append(group)
        flags = self.flags
        if flags & WRITE:
            found.append(b"write")
        if flags & READONLY and b"scripting" not in found:
            found.append(b"read")
        if flags & ADMIN:
            found.extend([b"admin", b"dangerous"])
        if flags & DANGEROUS and b"dangerous" not in found:
            found.append(b"dangerous")
        if flags & PUBSUB and b"pubsub" not in found:
            found.append(b"pubsub")
        if flags & BLOCKING:
            found.append(b"blocking")
        if flags & CONNECTION and b"connection" not in found:
            found.append(b"connection")
        if flags & KEYSPACE and b"keyspace" not in found:
            found.append(b"keyspace")
        found.append(b"fast" if flags & FAST else b"slow")
        found.extend(self.extra_categories)
        return found


SPECS: Final[dict[str, CommandSpec]] = {}
"""Every top-level command by its lower-case name, filled as the command modules are imported."""


class Registration:
    """What the decorator waits with for the handler."""

    def __init__(self, spec_of: "CommandGroup", fields: "Fields") -> None:
        self._group: Final = spec_of
        self._fields: Final = fields

    def __call__(self, handler: Handler) -> Handler:
        """Registers the handler."""
        self._group.add(self._fields, handler)
        return handler


class Fields:
    """The arguments of the decorator."""

    def __init__(self, name: str, arity: i64, flags: i64, keys: list[KeySpec], since: str, summary: str) -> None:
        self.name: Final = name.lower()
        self.arity: i64 = arity
        self.flags: i64 = flags
        self.keys: Final = keys
        self.since: Final = since
        self.summary: Final = summary
        self.complexity = ""
        self.syntax = ""
        self.tips: list[bytes] = []
        self.history: list[tuple[str, str]] = []
        self.deprecated: tuple[str, str] | None = None
        self.categories: list[bytes] = []


class CommandGroup:
    """The decorator for the commands of one group.

    Args:
        name: The group as COMMAND DOCS names it, such as "string" or "sorted_set".
    """

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def __call__(
        self,
        name: str,
        *,
        arity: int,
        flags: int = 0,
        keys: list[KeySpec] | None = None,
        since: str,
        summary: str,
        complexity: str = "O(1)",
        syntax: str = "",
        tips: list[bytes] | None = None,
        history: list[tuple[str, str]] | None = None,
        deprecated: tuple[str, str] | None = None,
        categories: list[bytes] | None = None,
    ) -> Registration:
        """Describes a command; the handler follows.

        Args:
            name: Upper case; subcommands as "CONTAINER|SUB".
            arity: As COMMAND INFO gives it.
            flags: Of `commands.flags`.
            keys: Where its keys stand.
            since: The Redis version that introduced it.
            summary: One sentence, for COMMAND DOCS.
            complexity: For COMMAND DOCS.
            syntax: The arguments after the name, in the notation of redis.io: `[optional]`, `a | b`, `name ...`.
            tips: Command tips such as b"nondeterministic_output".
            history: (version, change) pairs.
            deprecated: (since, replaced by).
            categories: ACL categories beyond those implied.
        """
        fields = Fields(name, arity, flags, keys if keys is not None else [], since, summary)
        fields.complexity = complexity
        fields.syntax = syntax
        fields.tips = tips if tips is not None else []
        fields.history = history if history is not None else []
        fields.deprecated = deprecated
        fields.categories = categories if categories is not None else []
        return Registration(self, fields)

    def container(
        self, name: str, *, since: str, summary: str, flags: int = 0, categories: list[bytes] | None = None
    ) -> None:
        """Registers a command that is only a family of subcommands."""
        fields = Fields(name, -2, flags, [], since, summary)
        fields.complexity = "Depends on subcommand."
        fields.categories = categories if categories is not None else []
        self.add(fields, None)

    def add(self, fields: Fields, handler: Handler | None) -> None:
        """Makes the record and files it under its name."""
        spec = CommandSpec(
            fields.name,
            self.name,
            fields.arity,
            fields.flags,
            fields.keys,
            fields.since,
            fields.summary,
            fields.complexity,
            fields.syntax,
            fields.tips,
            fields.history,
            fields.deprecated,
            fields.categories,
            handler,
        )
        container, bar, sub = fields.name.partition("|")
        siblings = SPECS[container].subcommands if bar else SPECS
        word = sub if bar else container
        if word in siblings:
            raise ValueError(f"{fields.name} is registered twice")
        siblings[word] = spec


__all__ = ["SPECS", "Argv", "CommandGroup", "CommandSpec", "Context", "Handler", "Reply"]
