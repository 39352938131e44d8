"""What rules refer to: the commands by their original names, whatever `rename-command` made of them.

Every command and subcommand has a number, `Command.id`, by which selectors keep whether it is allowed.
"""

from typing import Final

from hognose.commands.flags import CATEGORIES
from hognose.commands.table import Command, CommandTable


class CommandIndex:
    """The commands of one server.

    Args:
        table: All commands, before any is renamed.

    Attributes:
        size: How many commands and subcommands there are.
        all_channels: Whether new users and selectors may use all channels until told otherwise (acl-pubsub-default).
    """

    def __init__(self, table: CommandTable) -> None:
        everything = table.everything()
        self.size: Final = len(everything)
        self.all_channels = False
        self._commands: Final[dict[bytes, Command]] = dict(table.commands)
        # A container comes before its subcommands: what a rule does to it, it does to them, unless they say otherwise.
        self._categories: Final[dict[bytes, list[Command]]] = {category: [] for category in CATEGORIES}
        for command in everything:
            for category in command.spec.categories():
                self._categories[category].append(command)

    def find(self, name: bytes) -> Command | None:
        """The command with a full name in any case, such as b"get" or b"config|set". O(1)."""
        container, bar, sub = name.lower().partition(b"|")
        command = self._commands.get(container)
        if command is None or not bar:
            return command
        return command.subcommands.get(sub)

    def category(self, name: bytes) -> list[Command] | None:
        """The commands of a category, its name in any case; None if there is no such category. O(1)."""
        return self._categories.get(name.lower())
