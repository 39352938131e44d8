"""A selector: one set of permissions for commands, keys and channels, that a command must pass as a whole.

Every user has a root selector, which the rules outside parentheses change, and any number of others. What a command
needs has to come from one selector alone: the right to the command of one and to its keys of another is no right.

Two forms of the same permission are kept side by side. `allowed` has one byte per command, by `Command.id`: that is
what checks read. `rules` are the command rules in the order they were given, shortened where a later one makes an
earlier one void: that is what ACL LIST shows and what is written to files.

    +@all -@dangerous +config|get        rules [-@dangerous, +config|get], allows_future

`+@all` stands for commands that do not exist yet, too; `allows_future` remembers which of the two began the rules.

A command that has no subcommands may be allowed for a first argument alone, `+select|0`. That is deprecated; such
arguments are in `first_arguments`.
"""

from typing import Final

from mypy_extensions import i64

from hognose.acl.index import CommandIndex
from hognose.acl.rules import (
    CHANNELS_AFTER_ALL,
    FIRST_ARGUMENT_OF_SUBCOMMAND,
    KEYS_AFTER_ALL,
    SYNTAX_ERROR,
    UNKNOWN_COMMAND,
    RuleError,
    has_blanks,
    up_to_nul,
)
from hognose.commands.flags import ACCESS, DELETE, INSERT, UPDATE
from hognose.commands.table import Command
from hognose.datastructures.glob import Glob

READ: Final = 1 << 0
WRITE: Final = 1 << 1
READ_AND_WRITE: Final = READ | WRITE

_SIGNS: Final[dict[int, bytes]] = {READ: b"%R~", WRITE: b"%W~", READ_AND_WRITE: b"~"}


def permission_for(key_flags: i64) -> i64:
    """Which permissions a command needs for a key, by the flags of its key specification."""
    needed: i64 = 0
    if key_flags & ACCESS:
        needed |= READ
    if key_flags & (INSERT | UPDATE | DELETE):
        needed |= WRITE
    return needed


class KeyPattern:
    """Keys that may be read, written, or both.

    Attributes:
        pattern: As it was given.
        permissions: READ, WRITE or both.
    """

    def __init__(self, pattern: bytes, permissions: i64) -> None:
        self.pattern: Final = pattern
        self.permissions: i64 = permissions
        self.glob: Final = Glob(pattern)

    def text(self) -> bytes:
        """The rule that makes it."""
        return _SIGNS[int(self.permissions)] + self.pattern


class Selector:
    """One set of permissions.

    Attributes:
        all_commands, all_keys, all_channels: Nothing of that kind needs to be checked.
        allows_future: The rules begin with +@all, not with -@all.
        allowed: One byte per command, by its id: 1 if it is allowed.
        first_arguments: By command id, the first arguments with which a command that is not allowed may be run.
        patterns: Of keys.
        channels: Patterns of channels.
        rules: The command rules behind +@all or -@all.
    """

    def __init__(self, index: CommandIndex) -> None:
        self.index: Final = index
        self.all_commands = False
        self.all_keys = False
        self.all_channels = index.all_channels
        self.allows_future = False
        self.allowed: bytearray = bytearray(index.size)
        self.first_arguments: dict[int, set[bytes]] = {}
        self.patterns: list[KeyPattern] = []
        self.channels: list[Glob] = []
        self.channel_names: list[bytes] = []
        self.rules: list[bytes] = []

    def copy(self) -> "Selector":
        """A selector with the same permissions, which can be changed alone."""
        other = Selector(self.index)
        other.all_channels = self.all_channels
        other.all_commands = self.all_commands
        other.all_keys = self.all_keys
        other.allows_future = self.allows_future
        other.allowed = bytearray(self.allowed)
        other.first_arguments = {command: set(words) for command, words in self.first_arguments.items()}
        other.patterns = [KeyPattern(each.pattern, each.permissions) for each in self.patterns]
        other.channels = list(self.channels)
        other.channel_names = list(self.channel_names)
        other.rules = list(self.rules)
        return other

    def allows_everything(self) -> bool:
        """Whether nothing at all needs to be checked."""
        return self.all_commands and self.all_keys and self.all_channels

    # Rules

    def apply(self, rule: bytes) -> None:
        """Changes the permissions by one rule.

        Raises:
            RuleError: It makes no sense; nothing has changed.
        """
        word = up_to_nul(rule)
        if self._apply_keyword(word.lower()):
            return
        first = word[:1]
        if first in (b"~", b"%"):
            self._add_keys(rule)
        elif first == b"&":
            self._add_channels(rule[1:])
        elif first in (b"+", b"-") and word[1:2] == b"@":
            self._change_category(word[1:], allow=first == b"+")
        elif first == b"+":
            self._allow(word[1:])
        elif first == b"-":
            self._change(self._command(word[1:]), allow=False)
        else:
            raise RuleError(SYNTAX_ERROR)

    def _apply_keyword(self, word: bytes) -> bool:
        """Applies a rule that allows or takes away everything of a kind; False if it is none of these."""
        if word in (b"allkeys", b"~*", b"resetkeys"):
            self.all_keys = word != b"resetkeys"
            self.patterns = []
        elif word in (b"allchannels", b"&*", b"resetchannels"):
            self.all_channels = word != b"resetchannels"
            self.channels = []
            self.channel_names = []
        elif word in (b"allcommands", b"+@all"):
            self._set_all_commands(True)
        elif word in (b"nocommands", b"-@all"):
            self._set_all_commands(False)
        else:
            return False
        return True

    def _set_all_commands(self, allow: bool) -> None:
        self.all_commands = allow
        self.allows_future = allow
        self.allowed = bytearray((b"\x01" if allow else b"\x00") * self.index.size)
        self.first_arguments = {}
        self.rules = []

    def _add_keys(self, rule: bytes) -> None:
        if self.all_keys:
            raise RuleError(KEYS_AFTER_ALL)
        permissions: i64 = READ_AND_WRITE
        pattern = rule[1:]
        if rule.startswith(b"%"):
            letters, _, pattern = pattern.partition(b"~")
            permissions = _permissions_of(letters.upper())
        if has_blanks(pattern):
            raise RuleError(SYNTAX_ERROR)
        for known in self.patterns:
            if known.pattern == pattern:
                known.permissions |= permissions
                return
        self.patterns.append(KeyPattern(pattern, permissions))

    def _add_channels(self, pattern: bytes) -> None:
        if self.all_channels:
            raise RuleError(CHANNELS_AFTER_ALL)
        if has_blanks(pattern):
            raise RuleError(SYNTAX_ERROR)
        if pattern not in self.channel_names:
            self.channel_names.append(pattern)
            self.channels.append(Glob(pattern))

    def _command(self, name: bytes) -> Command:
        command = self.index.find(name)
        if command is None:
            raise RuleError(UNKNOWN_COMMAND)
        return command

    def _allow(self, name: bytes) -> None:
        """Allows a command, a subcommand, or a command with a first argument."""
        container_name, bar, word = name.rpartition(b"|")
        if not bar:
            self._change(self._command(name), allow=True)
            return
        container = self._command(container_name)
        if b"|" in container_name:
            raise RuleError(FIRST_ARGUMENT_OF_SUBCOMMAND)
        if not word:
            raise RuleError(SYNTAX_ERROR)
        if container.is_container:
            self._change(self._command(name), allow=True)
            return
        self.first_arguments.setdefault(int(container.id), set()).add(word.lower())
        self._remember(name.lower(), allow=True)

    def _change(self, command: Command, allow: bool) -> None:
        self._set_command(command, allow)
        self._remember(command.name.encode(), allow)

    def _set_command(self, command: Command, allow: bool) -> None:
        """Allows or forbids a command with all its subcommands."""
        self._set_bit(command.id, allow)
        self.first_arguments.pop(int(command.id), None)
        for sub in command.subcommands.values():
            self._set_bit(sub.id, allow)

    def _set_bit(self, command_id: i64, allow: bool) -> None:
        self.allowed[command_id] = 1 if allow else 0
        if not allow:
            self.all_commands = False

    def _change_category(self, name: bytes, allow: bool) -> None:
        """Allows or forbids all commands of a category, named with its @."""
        commands = self.index.category(name[1:])
        if commands is None:
            raise RuleError(UNKNOWN_COMMAND)
        self._remember(name.lower(), allow)
        for command in commands:
            self._set_command(command, allow)

    def _remember(self, body: bytes, allow: bool) -> None:
        """Notes a command rule as the last one; those about the same command or its subcommands are void now."""
        self.rules = [rule for rule in self.rules if rule[1:] != body and not rule[1:].startswith(body + b"|")]
        self.rules.append((b"+" if allow else b"-") + body)

    # Texts

    def commands_text(self) -> bytes:
        """The rules that make the command permissions."""
        return b" ".join([b"+@all" if self.allows_future else b"-@all", *self.rules])

    def keys_text(self) -> bytes:
        """The rules that make the key permissions; empty if there are none."""
        if self.all_keys:
            return b"~*"
        texts = [pattern.text() for pattern in self.patterns]
        if len(texts) > 1:
            # Beside other patterns ~* would make them void, or be refused for them, when the text is read back.
            texts = [b"%RW~*" if text == b"~*" else text for text in texts]
        return b" ".join(texts)

    def channels_text(self) -> bytes:
        """The rules that make the channel permissions; empty if there are none."""
        return b"&*" if self.all_channels else b" ".join([b"&" + name for name in self.channel_names])

    def text(self) -> bytes:
        """The rules that make the selector from a new one."""
        parts = [self.keys_text()] if self.all_keys or self.patterns else []
        if not self.all_channels:
            parts.append(b"resetchannels")
        if self.all_channels or self.channel_names:
            parts.append(self.channels_text())
        parts.append(self.commands_text())
        return b" ".join(parts)

    # Checks

    def may_run(self, command_id: i64, word: bytes | None) -> bool:
        """Whether a command may be run with a first argument. O(1) unless it is allowed for some arguments only."""
        if self.all_commands or self.allowed[command_id] != 0:
            return True
        if word is None or not self.first_arguments:
            return False
        words = self.first_arguments.get(int(command_id))
        return words is not None and up_to_nul(word).lower() in words

    def may_use_key(self, key: bytes, needed: i64) -> bool:
        """Whether a key may be used with the permissions `permission_for` tells. O(patterns)."""
        if self.all_keys:
            return True
        return any(pattern.permissions & needed == needed and pattern.glob.matches(key) for pattern in self.patterns)

    def may_use_every_key(self, needed: i64) -> bool:
        """Whether every key there might be may be used. O(patterns)."""
        if self.all_keys:
            return True
        return any(pattern.permissions & needed == needed and pattern.pattern == b"*" for pattern in self.patterns)

    def may_use_channel(self, channel: bytes, is_pattern: bool) -> bool:
        """Whether a channel may be used; a pattern must be among the user's word for word. O(patterns)."""
        if self.all_channels:
            return True
        if is_pattern:
            return channel in self.channel_names
        return any(glob.matches(channel) for glob in self.channels)


def _permissions_of(letters: bytes) -> i64:
    """The permissions between % and ~.

    Raises:
        RuleError: There are none, or others than R and W, or one of them twice.
    """
    if letters == b"R":
        return READ
    if letters == b"W":
        return WRITE
    if letters in (b"RW", b"WR"):
        return READ_AND_WRITE
    raise RuleError(SYNTAX_ERROR)
