"""Bytes per key or member: what the process grows by when data is loaded, and what the server says it uses.

Every server starts afresh for it, because memory that an allocator once had does not come back. Growth of resident
memory is what an operator pays; `used_memory` is the server's own account and what `maxmemory` acts on.
"""

from collections.abc import Collection
from dataclasses import dataclass

from benchmarks.compare.connection import Connection
from benchmarks.compare.workloads import MemoryWorkload
from compat.servers import ServerBinary, start


@dataclass(frozen=True)
class MemoryUse:
    """Bytes per key (or member): growth of resident memory, and of INFO's used_memory."""

    keys: int
    rss_per_key: float
    used_memory_per_key: float


def measure(binary: ServerBinary, workload: MemoryWorkload, keys: int, cpus: Collection[int] | None) -> MemoryUse:
    """Loads one kind of data into a fresh server.

    Args:
        binary: the server.
        workload: what is loaded.
        keys: how many keys, before the workload's divisor.
        cpus: the server's CPUs; None for any.

    Raises:
        CommandFailedError, OSError, StartError: when the server refuses a command, is gone, or does not start.
        ValueError: when it does not hold as many keys as it was sent.
    """
    keys = max(1, keys // workload.divisor)
    with start(binary, cpus=cpus) as server, Connection(server.connect(timeout=60.0)) as connection:
        rss_before, used_before = server.rss_bytes(), int(connection.info("memory", "used_memory"))
        connection.repeat(workload.command, keys)
        rss_after, used_after = server.rss_bytes(), int(connection.info("memory", "used_memory"))
        held = connection.call("ZCARD", "zset") if workload.one_key else connection.call("DBSIZE")
        if held != keys:
            raise ValueError(f"{binary.name} does not hold the {keys} keys that it was sent")
    return MemoryUse(keys, (rss_after - rss_before) / keys, (used_after - used_before) / keys)
