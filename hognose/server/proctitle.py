"""The process title: what `ps` shows in place of the command line.

Linux shows the memory that the kernel once put the arguments into, with the environment right behind it:

    arg_start            arg_end = env_start                 env_end
    | python -m hognose  | PATH=... HOME=...                 |
    | hognose *:6379 0 0 0 0 0 0 0 0 0 0 ...

and, where the last byte of the arguments is not 0, reads on into the environment up to the next 0. So a title may be as
long as both together, provided the environment has moved elsewhere before. Source: proc(5).
"""

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

ARG_START_FIELD: Final = 48
"""Of /proc/self/stat, 1-based; arg_end, env_start and env_end follow."""


class ProcessTitle:
    """The title of this process.

    Args:
        environ: The environment; putting a variable must copy it to other memory, as `os.environ` does.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._start = 0
        self._size = 0
        try:
            stat = Path("/proc/self/stat").read_text("utf-8", "replace")
        except OSError:
            return
        fields = stat.rpartition(") ")[2].split()[ARG_START_FIELD - 3 :]
        start, arguments_end, variables_start, variables_end = (int(field) for field in fields[:4])
        if start == 0:
            return
        is_one_piece = variables_start == arguments_end
        if is_one_piece:
            for name in list(environ):
                environ[name] = environ[name]
        self._start = start
        self._size = (variables_end if is_one_piece else arguments_end) - start

    def set(self, title: str) -> None:
        """Shows a title, as much of it as fits. Does nothing where the system does not say where it stands."""
        if self._size <= 0:
            return
        import ctypes  # noqa: PLC0415 - only needed here, and slow to import

        text = os.fsencode(title)[: self._size - 1]
        ctypes.memset(self._start, 0, self._size)
        ctypes.memmove(self._start, text, len(text))
