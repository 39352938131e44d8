"""The lock on the data directory."""

from __future__ import annotations

import os
from pathlib import Path

from hognose.persistence.directory_lock import DirectoryLock


def test_second_lock_of_a_directory_is_refused_with_the_owner(tmp_path: Path) -> None:
    first, second = DirectoryLock(), DirectoryLock()
    assert first.take(str(tmp_path)) == ""
    reason = second.take(str(tmp_path))
    assert f"(process {os.getpid()})" in reason
    assert str(tmp_path) in reason
    first.release()
    assert second.take(str(tmp_path)) == ""


def test_lock_moves_to_another_directory_and_is_kept_where_that_is_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first, second = DirectoryLock(), DirectoryLock()
    first.take(str(one))
    second.take(str(two))
    assert first.take(str(two)) != ""
    assert first.path == str(one)
    assert DirectoryLock().take(str(one)) != ""
    second.release()
    assert first.take(str(two)) == ""
    assert second.take(str(one)) == ""


def test_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "No such file or directory" in DirectoryLock().take(str(tmp_path / "missing"))


def test_nothing_is_left_in_the_directory(tmp_path: Path) -> None:
    lock = DirectoryLock()
    lock.take(str(tmp_path))
    lock.release()
    assert list(tmp_path.iterdir()) == []
