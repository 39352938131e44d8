"""Dump files on disk: how one takes its name for good, and what can go wrong with that."""

import os
from pathlib import Path

from mypy_extensions import mypyc_attr


@mypyc_attr(native_class=False)
class SaveError(OSError):
    """A snapshot could not be written; the text says what failed and why."""


def name_file(temporary: str, path: str) -> None:
    """Gives a file that is complete and on disk its real name, for good.

    Args:
        temporary: Where it is now.
        path: Where it is to be, in the same directory.

    Raises:
        SaveError: That failed; the temporary file is gone.
    """
    try:
        Path(temporary).rename(path)
    except OSError as error:
        remove(temporary)
        text = f"Error moving temp DB file {temporary} on the final destination {path}"
        raise SaveError(f"{text}: {error.strerror}") from error
    try:
        sync_directory(str(Path(path).parent))
    except OSError as failure:
        raise SaveError(f"Failed to fsync directory while saving DB: {failure.strerror}") from failure


def remove(path: str) -> None:
    """Removes a file if it is there."""
    try:
        Path(path).unlink()
    except OSError:
        return


def sync_directory(path: str) -> None:
    """Brings the names in a directory to disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
