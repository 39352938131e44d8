"""The commands of one server: each record of `spec` with this server's statistics of it, found by name."""

from typing import Final

from mypy_extensions import i64

from hognose.commands.spec import SPECS, CommandSpec
from hognose.telemetry.histogram import Histogram

ANY_NUMBER: Final = 2**62


class Command:
    """A command of one server.

    Attributes:
        spec: What it is.
        id: Its number among this server's commands and subcommands; ACL rules are kept by it.
        name: Full lower-case name, "container|sub" for a subcommand.
        handler: What runs it.
        least, most: Bounds of the number of arguments, the name included.
        calls, microseconds, rejected, failed: As in INFO commandstats.
        histogram: Its durations, made at the first call.
        subcommands: By lower-case name; empty unless it is a container.
    """

    def __init__(self, spec: CommandSpec) -> None:
        self.id: i64 = 0
        self.spec: Final = spec
        self.name: Final = spec.name
        self.flags: i64 = spec.flags
        self.handler: Final = spec.handler
        arity = spec.arity
        self.least: i64 = arity if arity >= 0 else -arity
        self.most: i64 = arity if arity >= 0 else ANY_NUMBER
        self.calls: i64 = 0
        self.microseconds: i64 = 0
        self.rejected: i64 = 0
        self.failed: i64 = 0
        self.histogram: Histogram | None = None
        self.is_container = len(spec.subcommands) != 0
        self.subcommands: Final[dict[bytes, Command]] = {
            name.encode(): Command(sub) for name, sub in spec.subcommands.items()
        }

    def reset_statistics(self) -> None:
        """Forgets all calls (CONFIG RESETSTAT)."""
        self.calls = 0
        self.microseconds = 0
        self.rejected = 0
        self.failed = 0
        self.histogram = None
        for sub in self.subcommands.values():
            sub.reset_statistics()


class CommandTable:
    """All commands of a server.

    Attributes:
        by_name: Commands by name in lower and in upper case, the two spellings clients use.
        commands: Commands by lower-case name.
    """

    def __init__(self) -> None:
        self.by_name: dict[bytes, Command] = {}
        self.commands: dict[bytes, Command] = {}
        for name, spec in SPECS.items():
            self._file(name.encode(), Command(spec))
        for number, command in enumerate(self.everything()):
            command.id = number

    def _file(self, name: bytes, command: Command) -> None:
        self.commands[name] = command
        self.by_name[name] = command
        self.by_name[name.upper()] = command

    def rename(self, old: bytes, new: bytes) -> bool:
        """Gives a command another name, or none (rename-command). False if `old` is no command or `new` is taken."""
        command = self.commands.get(old.lower())
        if command is None or (new and new.lower() in self.commands):
            return False
        del self.commands[old.lower()]
        del self.by_name[old.lower()]
        del self.by_name[old.upper()]
        if new:
            self._file(new.lower(), command)
        return True

    def find(self, argv: list[bytes]) -> Command | None:
        """The command, or subcommand, that `argv` names; None if there is none.

        A container alone, or with a word that is none of its subcommands, is the container's own `Command`.
        """
        command = self.by_name.get(argv[0])
        if command is None:
            command = self.by_name.get(argv[0].lower())
            if command is None:
                return None
        if command.is_container and len(argv) > 1:
            sub = command.subcommands.get(argv[1].lower())
            if sub is not None:
                return sub
        return command

    def by_full_name(self, name: bytes) -> Command | None:
        """The command with a full name such as b"config|get" (any case)."""
        container, bar, sub = name.lower().partition(b"|")
        command = self.commands.get(container)
        if command is None or not bar:
            return command
        return command.subcommands.get(sub)

    def everything(self) -> list[Command]:
        """All commands and subcommands."""
        found: list[Command] = []
        for command in self.commands.values():
            found.append(command)
            found.extend(command.subcommands.values())
        return found
