"""The machine underneath: what the administrator should know, and what the server may ask of the kernel."""

import os
from pathlib import Path
from typing import Final

PR_SET_THP_DISABLE: Final = 41
"""From linux/prctl.h."""

HUGE_PAGES: Final = "THP"
"""The check of what a server sees to by itself, if disable-thp lets it."""


def warnings(tcp_backlog: int) -> list[str]:
    """What in the system's settings will hurt later.

    Args:
        tcp_backlog: The directive's value.
    """
    return [problem for name, problem in checks(tcp_backlog) if problem and name != HUGE_PAGES]


def checks(tcp_backlog: int) -> list[tuple[str, str]]:
    """What of the system's settings matters, each with what is wrong with it, or nothing.

    Args:
        tcp_backlog: The directive's value.
    """
    queue = _read("/proc/sys/net/core/somaxconn")
    short, overcommit, huge = "", "", ""
    if queue.isdigit() and int(queue) < tcp_backlog:
        short = (
            f"tcp-backlog {tcp_backlog} cannot be had: net.core.somaxconn is {queue}, and the kernel takes the smaller"
        )
    if _read("/proc/sys/vm/overcommit_memory") == "0":
        overcommit = "vm.overcommit_memory is 0: a snapshot in a child process may fail for lack of memory. Set it to 1"
    if _has_huge_pages():
        huge = "transparent huge pages are always on, which makes a fork's copies expensive: "
        huge += "leave disable-thp at yes, or write madvise to /sys/kernel/mm/transparent_hugepage/enabled"
    return [("overcommit", overcommit), (HUGE_PAGES, huge), ("somaxconn", short)]


def _has_huge_pages() -> bool:
    return "[always]" in _read("/sys/kernel/mm/transparent_hugepage/enabled")


def _read(path: str) -> str:
    """A file of the kernel, without its line end; empty where there is none."""
    try:
        return Path(path).read_text("ascii").strip()
    except OSError:
        return ""


def set_cpus(cpus: str) -> None:
    """Confines this process to processors.

    Args:
        cpus: Numbers and ranges such as `0-3,7` or, every second one, `0-10:2`. A list that names no processor of this
            machine changes nothing.
    """
    try:
        os.sched_setaffinity(0, parse_cpus(cpus))
    except (OSError, ValueError):
        return


def parse_cpus(cpus: str) -> set[int]:
    """The processors a list such as `0-10:2,15` names.

    Raises:
        ValueError: It is no such list.
    """
    found: set[int] = set()
    for part in cpus.split(","):
        span, _, step = part.partition(":")
        first, dash, last = span.partition("-")
        found.update(range(int(first), int(last if dash else first) + 1, int(step or "1")))
    return found


def disable_huge_pages() -> None:
    """Keeps the kernel from backing this process with transparent huge pages, which make a fork's copies expensive."""
    if not _has_huge_pages():
        return
    import ctypes  # noqa: PLC0415 - rarely needed, and slow to import

    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
