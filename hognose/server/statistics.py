"""What several reports of a server share: the memory it uses, part by part, and CONFIG RESETSTAT.

`used_memory` is kept by accounting, not read from the process: keys, values and tables by the keyspace, clients and
logs by the functions here. The interpreter and the code are not in it, so that maxmemory limits data and clients and
nothing else; `used_memory_startup` is what an empty server accounts for. `used_memory_rss` is the whole process. What
is compared with it, to tell what fragmentation takes, is `expected_bytes`: what the process had when the server was
made, and what has been accounted for since.
"""

import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.client_text import REPLICA_CLIENT, memory_of, type_of

if TYPE_CHECKING:
    from hognose.server.server import Server

SLOWLOG_ENTRY_BYTES: Final = 400
"""An entry of the slow log with short arguments, measured."""
PAGE_BYTES: Final = resource.getpagesize()


def resident_bytes() -> int:
    """The resident memory of the process, in bytes; its highest value where the system tells no other."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * PAGE_BYTES
    except OSError:
        highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return highest if sys.platform == "darwin" else highest * 1024


def total_system_bytes() -> int:
    """The physical memory of the machine, in bytes; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def client_bytes(server: "Server") -> tuple[int, int]:
    """The memory of ordinary clients, and of replicas. O(clients)."""
    normal = 0
    replicas = 0
    for client in server.clients.values():
        if type_of(client) == REPLICA_CLIENT:
            replicas += memory_of(client)
        else:
            normal += memory_of(client)
    return normal, replicas


def memory_overheads(server: "Server") -> list[tuple[bytes, int]]:
    """The parts of used_memory that are not data, by the names MEMORY STATS gives them; tables left out. O(clients)."""
    normal, replicas = client_bytes(server)
    scripts = server.engine.memory()
    return [
        (b"startup.allocated", int(server.startup_bytes)),
        (b"replication.backlog", server.replicas.backlog_bytes()),
        (b"clients.slaves", replicas),
        (b"clients.normal", normal),
        (b"cluster.links", 0),
        (b"aof.buffer", len(server.append_only.file.buffer)),
        (b"lua.caches", int(scripts.script_bytes)),
        (b"functions.caches", int(scripts.library_bytes)),
    ]


def used_memory(server: "Server") -> i64:
    """All memory accounted for, in bytes: data, clients, logs. O(clients)."""
    normal, replicas = client_bytes(server)
    logs = SLOWLOG_ENTRY_BYTES * len(server.slowlog.entries)
    scripts = server.engine.memory()
    logs += int(scripts.script_bytes + scripts.library_bytes)
    kept = server.replicas.backlog_bytes() + len(server.append_only.file.buffer)
    return server.keyspace.used_memory() + server.keyspace.lazyfree.pending_bytes + normal + replicas + logs + kept


def overhead(server: "Server") -> int:
    """The part of used_memory that is not keys and values. O(clients + databases)."""
    tables = sum(int(database.table_overhead() + database.index_overhead()) for database in server.keyspace.databases)
    return tables + sum(size for _, size in memory_overheads(server))


def expected_bytes(server: "Server", used: i64) -> i64:
    """What the process would occupy if nothing were lost to fragmentation."""
    return server.process_bytes + used - server.startup_bytes


def reset_statistics(server: "Server") -> None:
    """Sets the counters that INFO stats shows back to zero."""
    server.total_in = 0
    server.total_out = 0
    server.reads = 0
    server.writes = 0
    server.total_connections = 0
    server.rejected_connections = 0
    server.tls.refused = 0
    server.limits.buffer_shrinks = 0
    server.value_limits.checked_values = 0
    server.memory_limit.client_eviction.evicted = 0
    server.passes.reset()
    server.acl.reset_statistics()
    keyspace = server.keyspace
    keyspace.hits = 0
    keyspace.misses = 0
    keyspace.expired_keys = 0
    keyspace.expired_fields = 0
    keyspace.evicted_keys = 0
    keyspace.lazyfree.freed_objects = 0
    server.expiry.time_limit_reached = 0
    server.expiry_us = 0
    server.memory_limit.reset_statistics()
    dispatcher = server.dispatcher
    server.append_only.delayed_syncs = 0
    server.rewrite.rewrites = 0
    server.rewrite.failures = 0
    dispatcher.total_commands = 0
    dispatcher.total_errors = 0
    dispatcher.error_counts.clear()
    for command in server.command_table.commands.values():
        command.reset_statistics()
