"""The banner at the head of the log, and which form of hognose runs.

Tools that start a server wait for the process id in it: a space, `PID: `, the number. It stands in the banner, as in
the log of other servers of this family; where no banner is shown, one line takes its place. Other tools look for
`pid=` in the first line of the log.
"""

import sys

from hognose import clock
from hognose.version import REDIS_VERSION, VERSION

SNAKE = r"""
                        ____
                       / . .\
            hognose    \  ---<     {version} ({build}), Redis {redis_version} compatible
          ____________ /  /        Running in {mode} mode
         /  ________  /  /         Port: {port}
        /  /       / /  /          PID: {pid}
       (__(       (____/

"""


def build_form() -> str:
    """`compiled`, or `interpreted` where the modules run as Python source."""
    path = clock.__file__ or ""
    return "interpreted" if path.endswith((".py", ".pyc")) else "compiled"


def version_line() -> str:
    """What `hognose --version` prints."""
    return f"hognose {VERSION} ({build_form()}), Redis {REDIS_VERSION} compatible"


def start_line(pid: int) -> str:
    """The first line of the log, in the shape in which tools look for a version and `pid=`.

    Args:
        pid: Of the server.
    """
    bits = 64 if sys.maxsize > 2**32 else 32
    return (
        f"hognose version={VERSION}, {build_form()}, bits={bits}, commit=00000000, modified=0, pid={pid}, just started"
    )


def banner(pid: int, port: int, mode: str) -> str:
    """The picture with everything one wants to know first.

    Args:
        pid: Of the server.
        port: TCP port; 0 for none.
        mode: `standalone` or `cluster`.
    """
    text = SNAKE.replace("{version}", VERSION).replace("{build}", build_form()).replace("{mode}", mode)
    return text.replace("{redis_version}", REDIS_VERSION).replace("{port}", str(port)).replace("{pid}", str(pid))
