"""The ACL file: what is read, what is refused with which line number, and how it is written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from hognose.acl.file import NOTHING_CHANGED, AclFileError, AclFileReader, write_acl_file
from hognose.acl.index import CommandIndex
from hognose.acl.user import User, default_user
from hognose.commands import load_all
from hognose.commands.table import CommandTable


@pytest.fixture(scope="module")
def index() -> CommandIndex:
    load_all()
    return CommandIndex(CommandTable())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.acl"


def errors_of(path: Path, index: CommandIndex) -> str:
    with pytest.raises(AclFileError) as raised:
        AclFileReader(str(path), index).read()
    return raised.value.text


def test_users_are_read_line_by_line_and_empty_lines_ignored(path: Path, index: CommandIndex) -> None:
    path.write_bytes(b"\nuser a on  nopass ~x:* (~y +get)\r\n\n  user b off ( ~z +set )\n")
    users = AclFileReader(str(path), index).read()
    assert list(users) == ["a", "b"]
    assert users["a"].line() == b"a on nopass sanitize-payload ~x:* resetchannels -@all (~y resetchannels -@all +get)"
    assert users["b"].line() == b"b off sanitize-payload resetchannels -@all (~z resetchannels -@all +set)"


def test_every_wrong_line_is_reported_with_its_number(path: Path, index: CommandIndex) -> None:
    path.write_text(
        "# a comment\nuser\nuser a +nonsense on\nuser a on\n"
        "user b >secret ~* ~x +@nothing &* &x\nuser c (~x\nuser d\tx\n"
    )
    assert errors_of(path, index) == (
        f"{path}:1 should start with user keyword followed by the username. "
        f"{path}:2 should start with user keyword followed by the username. "
        f"{path}:3: Error in applying operation '+nonsense': Unknown command or category name in ACL. "
        "WARNING: Duplicate user 'a' found on line 4. "
        f"{path}:5: Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any "
        "effect. Try 'resetkeys' to start with an empty list of patterns. "
        f"{path}:5: Error in applying operation '+@nothing': Unknown command or category name in ACL. "
        f"{path}:6: Unmatched parenthesis in selector definition."
        f"'{path}:7: username 'd\tx' contains invalid characters. "
        f"{NOTHING_CHANGED}"
    )


def test_a_wrong_password_hash_is_not_shown(path: Path, index: CommandIndex) -> None:
    path.write_text("user a #verysecret\n")
    assert "verysecret" not in errors_of(path, index)


def test_a_missing_file_is_named(path: Path, index: CommandIndex) -> None:
    assert errors_of(path, index) == f"Error loading ACLs, opening file '{path}': No such file or directory"


def test_what_is_written_reads_back(path: Path, index: CommandIndex) -> None:
    user = User("w\udcffber", index)
    for rule in (b"on", b">x", b"%R~a", b"+@read", b"-get", b"(&c +publish)"):
        user.apply(rule)
    write_acl_file(str(path), [default_user(index), user])
    users = AclFileReader(str(path), index).read()
    assert [each.line() for each in users.values()] == [default_user(index).line(), user.line()]
    assert [entry.name for entry in path.parent.iterdir()] == ["users.acl"]


def busy(path: Path, content: bytes) -> None:
    """What the system says to whoever replaces a file that is mounted by itself."""
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def full(path: Path, content: bytes) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("old", [b"", b"user default on\n", b"user default on " + b"~x " * 1000])
def test_a_mounted_file_is_overwritten_in_place(path: Path, index: CommandIndex, old: bytes) -> None:
    path.write_bytes(old)
    number = path.stat().st_ino
    write_acl_file(str(path), [default_user(index)], busy)
    assert path.read_bytes() == b"user default on nopass sanitize-payload ~* &* +@all\n"
    assert path.stat().st_ino == number


def test_a_full_disk_leaves_the_old_file(path: Path, index: CommandIndex) -> None:
    path.write_bytes(b"user default on\n")
    with pytest.raises(OSError, match="No space left"):
        write_acl_file(str(path), [default_user(index)], full)
    assert path.read_bytes() == b"user default on\n"


def test_a_file_that_is_not_there_is_not_made_in_place(path: Path, index: CommandIndex) -> None:
    with pytest.raises(OSError, match="busy"):
        write_acl_file(str(path), [default_user(index)], busy)
    assert not path.exists()
