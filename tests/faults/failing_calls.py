"""A server whose calls of the system fail as files in a folder say, while they are there.

    python tests/faults/failing_calls.py FOLDER [arguments of hognose ...]

A file is named after the call, which must be one of `CALLS`, and holds the name of the error and a regular expression
for the path that is concerned; fork takes any. `write` with ENOSPC takes half of the bytes first, as a disk does that
becomes full. Compiled modules find these functions in `os` as interpreted ones do, so both forms of the server fail.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS = ["fdatasync", "fork", "fsync", "ftruncate", "open", "rename", "write"]
TAKE_PATHS = {"open", "rename"}
"""Others take the number of an open file."""


class FailingCalls:
    """Puts itself in front of the calls.

    Args:
        folder: Where the files are that have calls fail.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in CALLS:
            setattr(os, name, self._guard(name, getattr(os, name)))

    def _guard(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def guarded(*args: object, **options: object) -> object:
            code = self._error(name, args)
            if code is None:
                return call(*args, **options)
            if name == "write" and code == errno.ENOSPC:
                data = bytes(args[1])  # type: ignore[arg-type]
                if len(data) > 1:
                    return call(args[0], data[: len(data) // 2])
            raise OSError(code, os.strerror(code))

        return guarded

    def _error(self, name: str, args: tuple[object, ...]) -> int | None:
        try:
            error, pattern = (self._folder / name).read_text().split(maxsplit=1)
        except FileNotFoundError:
            return None
        if name == "fork":
            paths = [name]
        elif name in TAKE_PATHS:
            paths = [str(arg) for arg in args]
        else:
            paths = [str(Path(f"/proc/self/fd/{args[0]}").readlink())]
        return getattr(errno, error) if any(re.search(pattern, path) for path in paths) else None


class Faults:
    """The test's side: what fails.

    Args:
        folder: The same folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def launcher(self) -> list[str]:
        """What starts such a server, in place of `-m hognose`."""
        return [__file__, str(self.folder)]

    @contextmanager
    def failing(self, call: str, error: str, pattern: str = ".") -> Iterator[None]:
        """Has a call fail for paths that match a pattern, for the time of a block."""
        assert call in CALLS
        written = self.folder / f"new-{call}"
        written.write_text(f"{error} {pattern}")
        written.replace(self.folder / call)
        yield
        (self.folder / call).unlink()


if __name__ == "__main__":
    FailingCalls(Path(sys.argv[1]))
    from hognose.__main__ import main

    sys.argv[:] = ["hognose", *sys.argv[2:]]
    sys.exit(main())
