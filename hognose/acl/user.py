"""A user: whether it may log in, its passwords, and its selectors.

The text of a user is the rules that make it, in an order that gives the same user again whatever it was before the
rules of a new one (see `User`):

    on nopass sanitize-payload ~* &* +@all
    off sanitize-payload #<hash> %R~cache:* resetchannels -@all +get (~jobs:* resetchannels -@all +@list)
    |----- flags ------| |hashes| |----------- root selector ----------| |------- more selectors --------|
"""

from typing import Final

from hognose.acl.index import CommandIndex
from hognose.acl.rules import NO_SUCH_PASSWORD, RuleError, checked_hash, matches_any, password_hash, up_to_nul
from hognose.acl.selector import Selector
from hognose.config.grammar import split_args

DEFAULT_USER: Final = "default"
DEFAULT_RULES: Final = (b"+@all", b"~*", b"&*", b"on", b"nopass")


class User:
    """One user. A new one may not log in and do nothing.

    Args:
        name: Bytes that are no UTF-8 as surrogate escapes.
        index: The commands its rules are about.

    Attributes:
        enabled: Whether anybody may log in with it.
        without_password: Whether any password will do.
        sanitizes: Whether payloads of RESTORE are to be checked; this server checks them for every user.
        passwords: Hashes.
        selectors: The root selector first.
    """

    def __init__(self, name: str, index: CommandIndex) -> None:
        self.name: Final = name
        self._index: Final = index
        self.enabled = False
        self.without_password = False
        self.sanitizes = True
        self.passwords: list[bytes] = []
        self.selectors: list[Selector] = [Selector(index)]

    def copy(self) -> "User":
        """A user with the same rights, which can be changed alone."""
        other = User(self.name, self._index)
        other.enabled = self.enabled
        other.without_password = self.without_password
        other.sanitizes = self.sanitizes
        other.passwords = list(self.passwords)
        other.selectors = [selector.copy() for selector in self.selectors]
        return other

    def is_unrestricted(self) -> bool:
        """Whether it may do everything, so that nothing needs to be checked."""
        return any(selector.allows_everything() for selector in self.selectors)

    def accepts(self, password: bytes) -> bool:
        """Whether somebody with this password may log in."""
        return self.enabled and (self.without_password or matches_any(password, self.passwords))

    # Rules

    def apply(self, rule: bytes) -> None:
        """Changes the user by one rule.

        Raises:
            RuleError: It makes no sense; nothing has changed.
        """
        if not rule or self._apply_keyword(up_to_nul(rule).lower()):
            return
        first = rule[:1]
        if first in (b">", b"#"):
            self._add_password(password_hash(rule[1:]) if first == b">" else checked_hash(rule[1:]))
        elif first in (b"<", b"!"):
            self._remove_password(password_hash(rule[1:]) if first == b"<" else checked_hash(rule[1:]))
        elif first == b"(" and rule.endswith(b")"):
            self._add_selector(rule[1:-1])
        else:
            self.selectors[0].apply(rule)

    def _apply_keyword(self, word: bytes) -> bool:
        """Applies a rule that is one fixed word; False if it is none of these."""
        if word in (b"on", b"off"):
            self.enabled = word == b"on"
        elif word in (b"sanitize-payload", b"skip-sanitize-payload"):
            self.sanitizes = word == b"sanitize-payload"
        elif word in (b"nopass", b"resetpass"):
            self.without_password = word == b"nopass"
            self.passwords = []
        elif word == b"clearselectors":
            self.selectors = self.selectors[:1]
        elif word == b"reset":
            self._reset()
        else:
            return False
        return True

    def _reset(self) -> None:
        self.enabled = False
        self.without_password = False
        self.sanitizes = True
        self.passwords = []
        self.selectors = [Selector(self._index)]

    def _add_password(self, digest: bytes) -> None:
        if digest not in self.passwords:
            self.passwords.append(digest)
        self.without_password = False

    def _remove_password(self, digest: bytes) -> None:
        if digest not in self.passwords:
            raise RuleError(NO_SUCH_PASSWORD)
        self.passwords.remove(digest)

    def _add_selector(self, text: bytes) -> None:
        selector = Selector(self._index)
        for rule in split_args(text) or []:
            selector.apply(rule)
        self.selectors.append(selector)

    # Texts

    def flags(self) -> list[bytes]:
        """The words about the user as a whole, as ACL GETUSER lists them."""
        words = [b"on" if self.enabled else b"off"]
        if self.without_password:
            words.append(b"nopass")
        words.append(b"sanitize-payload" if self.sanitizes else b"skip-sanitize-payload")
        return words

    def text(self) -> bytes:
        """The rules that make the user."""
        parts = self.flags()
        parts.extend([b"#" + digest for digest in self.passwords])
        parts.append(self.selectors[0].text())
        parts.extend([b"(" + selector.text() + b")" for selector in self.selectors[1:]])
        return b" ".join(parts)

    def line(self) -> bytes:
        """The name and the rules, as they stand behind the word `user` in files."""
        return user_name_bytes(self.name) + b" " + self.text()


def user_name(name: bytes) -> str:
    """The name of a user as the server keeps it."""
    return name.decode("utf-8", "surrogateescape")


def user_name_bytes(name: str) -> bytes:
    """The name of a user as clients know it."""
    return name.encode("utf-8", "surrogateescape")


def default_user(index: CommandIndex) -> User:
    """The user every client is at first, who may do everything until somebody changes that."""
    user = User(DEFAULT_USER, index)
    for rule in DEFAULT_RULES:
        user.apply(rule)
    return user
