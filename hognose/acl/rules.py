"""What all rules share: why one is refused, how its text is read, and how passwords are kept.

A rule is one word of ACL SETUSER, of a line of the ACL file, or of a `user` line of the configuration, such as `on`,
`>secret`, `~cache:*` or `+@read`. `selector` and `user` know what each of them does.
"""

import hashlib
import hmac
from typing import Final

HASH_CHARACTERS: Final = 64
"""A password is kept as the SHA-256 digest of it, in lower-case hexadecimal digits."""

_HASH_DIGITS: Final = frozenset(b"0123456789abcdef")
_BLANKS: Final = b" \t\n\v\f\r\x00"

UNKNOWN_COMMAND: Final = "Unknown command or category name in ACL"
SYNTAX_ERROR: Final = "Syntax error"
KEYS_AFTER_ALL: Final = (
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
    "Try 'resetkeys' to start with an empty list of patterns"
)
CHANNELS_AFTER_ALL: Final = (
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. "
    "Try 'resetchannels' to start with an empty list of channels"
)
NO_SUCH_PASSWORD: Final = "The password you are trying to remove from the user does not exist"
BAD_HASH: Final = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
FIRST_ARGUMENT_OF_SUBCOMMAND: Final = "Allowing first-arg of a subcommand is not supported"
DUPLICATE_USER: Final = "Duplicate user found. A user can only be defined once in config files"


class RuleError(Exception):
    """A rule makes no sense.

    Attributes:
        reason: Why, as clients are told.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


class UnmatchedParenthesisError(Exception):
    """A selector has no end.

    Attributes:
        at: Index of the rule it begins with.
    """

    def __init__(self, at: int) -> None:
        super().__init__(f"rule {at}")
        self.at: Final = at


def up_to_nul(text: bytes) -> bytes:
    """What a reader of C strings sees of a text; keywords and command names are read that way."""
    return text.partition(b"\x00")[0]


def has_blanks(text: bytes) -> bool:
    """Whether a name or pattern could not be written back as one word. O(n)."""
    return any(byte in _BLANKS for byte in text)


def password_hash(password: bytes) -> bytes:
    """How a password is kept."""
    return hashlib.sha256(password).hexdigest().encode()


def checked_hash(text: bytes) -> bytes:
    """A hash given in place of a password.

    Raises:
        RuleError: It is none.
    """
    if len(text) != HASH_CHARACTERS or not _HASH_DIGITS.issuperset(text):
        raise RuleError(BAD_HASH)
    return text


def matches_any(password: bytes, hashes: list[bytes]) -> bool:
    """Whether a password is one of those kept; the time it takes does not tell how nearly it is. O(hashes)."""
    wanted = password_hash(password)
    found = False
    for each in hashes:
        if hmac.compare_digest(wanted, each):
            found = True
    return found


def merge_selectors(rules: list[bytes]) -> list[bytes]:
    """Joins selectors that were spread over several words, as in `(~key:* +get)` without quotes.

    Raises:
        UnmatchedParenthesisError: A selector has no end.

    Complexity:
        O(length of the rules).
    """
    merged: list[bytes] = []
    selector: list[bytes] = []
    began = 0
    for index, rule in enumerate(rules):
        if selector:
            selector.append(up_to_nul(rule))
        elif rule.startswith(b"(") and not rule.endswith(b")"):
            selector = [rule]
            began = index
            continue
        else:
            merged.append(rule)
            continue
        if rule.endswith(b")"):
            merged.append(b" ".join(selector))
            selector = []
    if selector:
        raise UnmatchedParenthesisError(began)
    return merged
