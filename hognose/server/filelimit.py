"""The limit of open files, which bounds the number of clients. Only for a process that is a server and nothing else."""

import resource
from typing import Final

RESERVED_FILES: Final = 32
"""Files the server itself needs: listening sockets, data files, the log, the event loop's own."""


def clients_possible(maxclients: int) -> int:
    """Raises the limit of open files as far as `maxclients` needs.

    Args:
        maxclients: How many clients are wanted.

    Returns:
        How many there can be: `maxclients`, or fewer; 0 or less where the limit leaves room for none.

    Complexity:
        O(log(maxclients)) system calls.
    """
    wanted = maxclients + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return maxclients
    if _try_limit(wanted, hard):
        return maxclients
    # How much is allowed is nowhere to be read, so it is searched for: `allowed` is, `wanted` is not.
    allowed = soft
    while wanted - allowed > 1:
        middle = (allowed + wanted) // 2
        if _try_limit(middle, hard):
            allowed = middle
        else:
            wanted = middle
    return allowed - RESERVED_FILES


def _try_limit(limit: int, hard: int) -> bool:
    """Sets the limit; the hard one goes up with it where this process may do that."""
    try:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (limit, hard if hard == resource.RLIM_INFINITY else max(limit, hard))
        )
    except (OSError, ValueError):
        return False
    return True
