"""Whether a user may run a command: the command itself, every key it uses, every channel it names.

One selector has to allow all of it. If none does, one of the refusals is reported: of a key or channel rather than of
the command, since a selector that got so far was the nearer one, and the one furthest right among equals.
"""

from typing import Final

from mypy_extensions import i64

from hognose.acl.selector import READ, Selector, permission_for
from hognose.acl.user import User
from hognose.commands.flags import CHANNEL_NAME, CHANNEL_NAMES, CHANNEL_PATTERNS, NO_AUTH
from hognose.commands.keyuse import KeyUse, key_uses
from hognose.commands.table import Command

# Why something is refused. Of two refusals of one request, the higher is reported.
COMMAND: Final = 1
KEY: Final = 2
AUTH: Final = 3
CHANNEL: Final = 4

ALLOWED: Final = 0


class Denial:
    """A refusal.

    Attributes:
        reason: COMMAND, KEY or CHANNEL.
        at: Index of the argument that is not allowed; 0 for the command.
    """

    def __init__(self, reason: i64, at: i64) -> None:
        self.reason: i64 = reason
        self.at: i64 = at


class Request:
    """A command with its arguments, on its way through the selectors of a user.

    Attributes:
        denied_at: Index of the argument the last selector refused.
    """

    def __init__(self, command: Command, argv: list[bytes]) -> None:
        self._command: Final = command
        self._argv: Final = argv
        self._uses: list[KeyUse] | None = None
        self.denied_at: i64 = 0

    def denied_by(self, selector: Selector) -> i64:
        """Why a selector does not allow the request; ALLOWED if it does."""
        command = self._command
        argv = self._argv
        self.denied_at = 0
        if command.flags & NO_AUTH == 0 and not selector.all_commands:
            at = 2 if "|" in command.name else 1
            if not selector.may_run(command.id, argv[at] if len(argv) > at else None):
                return COMMAND
        if command.spec.keys and not selector.all_keys and not self._may_use_keys(selector):
            return KEY
        if command.flags & (CHANNEL_NAME | CHANNEL_NAMES | CHANNEL_PATTERNS) == 0 or selector.all_channels:
            return ALLOWED
        return ALLOWED if self._may_use_channels(selector) else CHANNEL

    def _may_use_keys(self, selector: Selector) -> bool:
        uses = self._uses
        if uses is None:
            uses = key_uses(self._command.spec, self._argv)
            self._uses = uses
        for use in uses:
            if not selector.may_use_key(self._argv[use.at], permission_for(use.flags)):
                self.denied_at = use.at
                return False
        return True

    def _may_use_channels(self, selector: Selector) -> bool:
        flags = self._command.flags
        is_pattern = flags & CHANNEL_PATTERNS != 0
        last: i64 = 1 if flags & CHANNEL_NAME else len(self._argv) - 1
        at: i64 = 1
        while at <= last:
            if not selector.may_use_channel(self._argv[at], is_pattern):
                self.denied_at = at
                return False
            at += 1
        return True


def denial(user: User, command: Command, argv: list[bytes]) -> Denial | None:
    """Why a user may not run a command; None if it may.

    Complexity:
        O(selectors * (keys * patterns)).
    """
    request = Request(command, argv)
    reason: i64 = COMMAND
    at: i64 = 0
    for selector in user.selectors:
        refused = request.denied_by(selector)
        if refused == ALLOWED:
            return None
        if refused > reason or (refused == reason and request.denied_at > at):
            reason = refused
            at = request.denied_at
    return Denial(reason, at)


def may_read_every_key(user: User, command: Command, argv: list[bytes]) -> bool:
    """Whether a selector that allows a command also lets it read any key there might be."""
    request = Request(command, argv)
    return any(
        request.denied_by(selector) == ALLOWED and selector.may_use_every_key(READ) for selector in user.selectors
    )
