"""The ACL file: one user per line, nothing else but empty lines; comments would be lost when it is written.

    user default on nopass sanitize-payload ~* &* +@all
    user worker on #<hash> ~jobs:* resetchannels -@all +@list

All lines are read before anything changes. If any is wrong, all that is wrong is reported and nothing changes.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hognose.acl.index import CommandIndex
from hognose.acl.rules import UNKNOWN_COMMAND, RuleError, UnmatchedParenthesisError, has_blanks, merge_selectors
from hognose.acl.user import User, user_name
from hognose.config.rewrite import replace_file
from hognose.errors import printable

NOTHING_CHANGED: Final = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"

WRITABLE_ONLY_IN_PLACE: Final = (errno.EBUSY, errno.EACCES, errno.EPERM, errno.EROFS)
"""What replacing a file fails with where the file itself may still be written: a file that is mounted by itself into a
container cannot be replaced (EBUSY), and the directory around it may be closed to the server."""


class AclFileError(Exception):
    """The file cannot be read, or lines of it are wrong.

    Attributes:
        text: All that is wrong, in one line.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text: Final = text


class AclFileReader:
    """Reads the users of one file.

    Args:
        path: As it was configured; stands before every line number that is reported.
        index: The commands rules are about.

    Attributes:
        users: Those read so far, by name.
    """

    def __init__(self, path: str, index: CommandIndex) -> None:
        self._path: Final = path
        self._index: Final = index
        self._errors: Final[list[str]] = []
        self.users: Final[dict[str, User]] = {}

    def read(self) -> dict[str, User]:
        """Reads the whole file.

        Returns:
            Its users by name.

        Raises:
            AclFileError: It cannot be read, or lines of it are wrong.
        """
        try:
            text = Path(self._path).read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise AclFileError(f"Error loading ACLs, opening file '{self._path}': {reason}") from error
        for number, line in enumerate(text.split(b"\n"), start=1):
            words = line.strip(b" \t\r\n").split(b" ")
            if words != [b""]:
                self._read_line(number, words)
        if self._errors:
            raise AclFileError("".join(self._errors) + NOTHING_CHANGED)
        return self.users

    def _read_line(self, number: int, words: list[bytes]) -> None:
        if words[0] != b"user" or len(words) < 2:
            self._report(f"{self._path}:{number} should start with user keyword followed by the username. ")
            return
        name = words[1]
        shown = printable(name)
        if has_blanks(name):
            self._report(f"'{self._path}:{number}: username '{shown}' contains invalid characters. ")
            return
        if user_name(name) in self.users:
            self._report(f"WARNING: Duplicate user '{shown}' found on line {number}. ")
            return
        user = User(user_name(name), self._index)
        self.users[user.name] = user
        try:
            rules = merge_selectors(words[2:])
        except UnmatchedParenthesisError:
            self._report(f"{self._path}:{number}: Unmatched parenthesis in selector definition.")
            return
        self._apply_rules(number, user, rules)

    def _apply_rules(self, number: int, user: User, rules: list[bytes]) -> None:
        """Applies the rules of a line; of those that are wrong, unknown commands are named, of others only the first.

        What is wrong may be part of a password, so it is not shown.
        """
        had_error = False
        for rule in rules:
            word = rule.strip(b"\t\r\n")
            try:
                user.apply(word)
            except RuleError as error:
                if error.reason == UNKNOWN_COMMAND:
                    shown = printable(word)
                    self._report(f"{self._path}:{number}: Error in applying operation '{shown}': {error.reason}. ")
                elif not had_error:
                    self._report(f"{self._path}:{number}: {error.reason}. ")
                    had_error = True

    def _report(self, text: str) -> None:
        self._errors.append(text)


def write_acl_file(path: str, users: list[User], replace: Callable[[Path, bytes], None] = replace_file) -> None:
    """Replaces the ACL file by the users given, all of it or nothing; in place where it cannot be replaced.

    Args:
        path: The file.
        users: In the order they are to be written.
        replace: Puts another file with this content in its place.

    Raises:
        OSError: It cannot be written.
    """
    content = b"".join([b"user " + user.line() + b"\n" for user in users])
    try:
        replace(Path(path), content)
    except OSError as error:
        if error.errno not in WRITABLE_ONLY_IN_PLACE or not Path(path).exists():
            raise
        _write_in_place(path, content)


def _write_in_place(path: str, content: bytes) -> None:
    """Overwrites a file that has to stay the same file. The new text is in it before what is left of the old goes."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
