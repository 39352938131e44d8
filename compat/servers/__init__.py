"""Real Redis and Valkey servers, and hognose itself, as processes that tests and benchmarks can start.

`catalogue` knows which servers serve as oracles, finds those that are there and installs those that are not;
`process` starts any of them on a free port of 127.0.0.1 and measures it from outside. `python -m compat.servers`
shows the table.

    with start(find("redis-7.0") or install("redis-7.0")) as server:
        ...  # connect to server.host, server.port

Not here: a client. Whoever starts a server brings the connection that suits the test.
"""

from compat.servers.catalogue import (
    NAMES,
    InstallError,
    ServerBinary,
    available,
    cache_directory,
    find,
    hognose_binary,
    install,
)
from compat.servers.process import CpuTimes, RunningServer, StartError, start

__all__ = [
    "NAMES",
    "CpuTimes",
    "InstallError",
    "RunningServer",
    "ServerBinary",
    "StartError",
    "available",
    "cache_directory",
    "find",
    "hognose_binary",
    "install",
    "start",
]
