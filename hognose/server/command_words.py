"""Words of the command line that are no configuration: what they ask for is done or refused, and nothing starts.

    -v, --version, -h, --help    as the first word
    --check-system               as the first word: what in the system's settings will hurt, as Redis looks for it
    --test-memory MEGABYTES      refused: programs that test memory do it better
    --sentinel                   anywhere, or a program name such as redis-sentinel: refused, there is no such mode

Refusing is what makes the difference: whoever asks for a Sentinel must not get a server that answers as one of the
primaries it is to watch.
"""

import sys
from pathlib import Path
from typing import Final

from hognose.commands.host import WARNING
from hognose.config.settings import Settings
from hognose.server import system
from hognose.server.banner import version_line
from hognose.server.log import Log

USAGE: Final = """\
Usage: hognose [FILE] [-] [--DIRECTIVE VALUE ...]
       hognose [FILE] [-] [--DIRECTIVE VALUE ...] --test-config
       hognose --version | --help | --check-system
       hognose check FILE|DIR ... | convert SOURCE TARGET     (see --help of each)

Starts a server. Settings come from FILE (the format of redis.conf), then from standard input if `-` is given, then from
environment variables such as HOGNOSE_MAXMEMORY, then from the command line; what comes last holds.

  hognose                                        port 6379, all settings at their defaults
  hognose /etc/redis/redis.conf
  hognose --port 6380 --maxmemory 100mb --save 60 1000 --save 300 10
  echo 'port 6380' | hognose - --loglevel verbose
"""

NO_SENTINEL: Final = (
    "There is no Sentinel mode here; redis-sentinel and valkey-sentinel watch hognose servers. Exiting..."
)
NO_MEMORY_TEST: Final = "hognose does not test memory. Programs such as memtester and memtest86+ do."


def early_status(program: str, args: list[str]) -> int | None:
    """Does what the words ask for that are no configuration.

    Args:
        program: The name the program was started by.
        args: The other arguments.

    Returns:
        The exit status; None if a server is asked for.
    """
    if "-sentinel" in Path(program).name or "--sentinel" in args:
        log = Log()
        log.role = "X"
        log.write(WARNING, NO_SENTINEL)
        return 1
    first = args[0] if args else ""
    if first in ("-v", "--version"):
        print(version_line())
    elif first in ("-h", "--help"):
        print(USAGE, end="")
    elif first == "--check-system":
        return check_system()
    elif first == "--test-memory":
        print(NO_MEMORY_TEST, file=sys.stderr)
        return 1
    else:
        return None
    return 0


def check_system() -> int:
    """Prints what was looked at, and what is wrong with it; returns the exit status."""
    status = 0
    for name, problem in system.checks(Settings().tcp_backlog):
        print(f"[{name}]...WARNING:\n{problem}" if problem else f"[{name}]...OK")
        if problem:
            status = 1
    return status
