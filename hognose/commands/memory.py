"""MEMORY: what keys and the server's parts occupy.

Sizes are those of the account that maxmemory works with (`keyspace.memory`): exact for what Python's allocator hands
out for an object, known without walking through a value. SAMPLES is checked and has nothing to do.
"""

import gc
import sys
from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.context import Context
from hognose.commands.flags import LOADING, READONLY, RO, STALE
from hognose.commands.help import help_reply
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.hashtable import CLOCK_BYTES, PLACE_BYTES
from hognose.errors import SYNTAX, CommandError
from hognose.keyspace.memory import bytes_size, value_size
from hognose.resp.reply import OK, MapReply, Verbatim

command = CommandGroup("server")
command.container("MEMORY", since="4.0.0", summary="Reports what occupies memory.")

REPORT_TIPS: Final = [b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"]
SMALL_INSTANCE_BYTES: Final = 5 * 1024 * 1024
BLOATED_CLIENT_BYTES: Final = 200 * 1024


@command(
    "MEMORY|USAGE",
    arity=-3,
    flags=READONLY,
    keys=[keys(2, RO)],
    since="4.0.0",
    summary="Returns how many bytes a key and its value occupy.",
    complexity="O(N) where N is the number of samples.",
    syntax="key [SAMPLES count]",
)
def memory_usage(ctx: Context, argv: Argv) -> Reply:
    for index in range(3, len(argv), 2):
        if argv[index].upper() != b"SAMPLES" or index + 1 == len(argv):
            raise CommandError(SYNTAX)
        if integer(argv[index + 1]) < 0:
            raise CommandError(SYNTAX)
    key = argv[2]
    place = ctx.db.table.find(key)
    if place < 0:
        return None
    value = ctx.db.table.found.slots[2 * place + 1]  # also of a key whose time is over: it still takes memory
    return int(bytes_size(len(key)) + value_size(value)) + PLACE_BYTES + CLOCK_BYTES


@command(
    "MEMORY|STATS",
    arity=2,
    since="4.0.0",
    summary="Returns what the parts of the server occupy.",
    tips=REPORT_TIPS,
)
def memory_stats(ctx: Context, argv: Argv) -> Reply:
    host = ctx.host
    figures = {
        line.split(b":")[0]: line.split(b":")[1] for line in host.info([b"memory"]).split(b"\r\n") if b":" in line
    }
    total = int(figures[b"used_memory"])
    peak = int(figures[b"used_memory_peak"])
    flat: list[object] = [b"peak.allocated", peak, b"total.allocated", total]
    for name, size in host.overhead_bytes():
        flat += [name, size]
    for database in ctx.keyspace.databases:
        if database.table.count:
            tables: list[object] = [b"overhead.hashtable.main", int(database.table_overhead())]
            tables += [b"overhead.hashtable.expires", int(database.index_overhead())]
            flat += [b"db.%d" % int(database.index), MapReply([*tables])]
    count = sum(int(database.table.count) for database in ctx.keyspace.databases)
    dataset = int(figures[b"used_memory_dataset"])
    startup = int(figures[b"used_memory_startup"])
    net = max(1, total - startup)
    flat += [b"overhead.total", int(figures[b"used_memory_overhead"]), b"keys.count", count]
    flat += [b"keys.bytes-per-key", net // count if count else 0, b"dataset.bytes", dataset]
    flat += [b"dataset.percentage", dataset * 100.0 / net, b"peak.percentage", total * 100.0 / max(1, peak)]
    for name in (b"allocated", b"active", b"resident"):
        flat += [b"allocator." + name, int(figures[b"allocator_" + name])]
    flat += [b"allocator-fragmentation.ratio", float(figures[b"allocator_frag_ratio"])]
    flat += [b"allocator-fragmentation.bytes", int(figures[b"allocator_frag_bytes"])]
    flat += [b"allocator-rss.ratio", float(figures[b"allocator_rss_ratio"])]
    flat += [b"allocator-rss.bytes", int(figures[b"allocator_rss_bytes"])]
    flat += [b"rss-overhead.ratio", float(figures[b"rss_overhead_ratio"])]
    flat += [b"rss-overhead.bytes", int(figures[b"rss_overhead_bytes"])]
    flat += [b"fragmentation", float(figures[b"mem_fragmentation_ratio"])]
    flat += [b"fragmentation.bytes", int(figures[b"mem_fragmentation_bytes"])]
    return MapReply(flat)


@command(
    "MEMORY|DOCTOR",
    arity=2,
    since="4.0.0",
    summary="Explains what is unusual about the use of memory.",
    tips=REPORT_TIPS,
)
def memory_doctor(ctx: Context, argv: Argv) -> Reply:
    host = ctx.host
    used = int(ctx.keyspace.used_memory())
    if used < SMALL_INSTANCE_BYTES:
        return Verbatim(b"There is hardly any data here, so there is nothing to say about memory.\n")
    findings: list[str] = []
    figures = {
        line.split(b":")[0]: line.split(b":")[1] for line in host.info([b"memory"]).split(b"\r\n") if b":" in line
    }
    if int(figures[b"used_memory_peak"]) > used * 3 // 2:
        findings.append("The peak was more than 1.5 times what is in use now: the process may keep that memory.")
    clients = host.clients_now()
    if clients and int(figures[b"mem_clients_normal"]) // len(clients) > BLOATED_CLIENT_BYTES:
        findings.append("Clients occupy more than 200 KB on average: CLIENT LIST shows whose replies pile up.")
    maxmemory = host.settings.maxmemory
    if maxmemory and used > maxmemory * 95 // 100:
        findings.append("The data has reached maxmemory.")
    if not findings:
        return Verbatim(b"Nothing unusual about the use of memory.\n")
    return Verbatim(("\n".join("* " + finding for finding in findings) + "\n").encode())


@command(
    "MEMORY|PURGE",
    arity=2,
    since="4.0.0",
    summary="Gives free memory back to the system.",
    complexity="Depends on how much memory is allocated, could be slow",
    tips=[b"request_policy:all_shards", b"response_policy:all_succeeded"],
)
def memory_purge(ctx: Context, argv: Argv) -> Reply:
    gc.collect()
    if sys.platform.startswith("linux"):
        import ctypes  # noqa: PLC0415 - takes time that would be the start's

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
    return OK


@command(
    "MEMORY|MALLOC-STATS",
    arity=2,
    since="4.0.0",
    summary="Says that the allocator has no report to show.",
    complexity="Depends on how much memory is allocated, could be slow",
    tips=REPORT_TIPS,
)
def memory_malloc_stats(ctx: Context, argv: Argv) -> Reply:
    return b"Stats not supported for the current allocator"


@command("MEMORY|HELP", arity=2, flags=LOADING | STALE, since="4.0.0", summary="Lists the subcommands.")
def memory_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "MEMORY",
        [
            ("DOCTOR", "Return what is unusual, in words."),
            ("MALLOC-STATS", "Return the allocator's report."),
            ("PURGE", "Give free memory back to the system."),
            ("STATS", "Return the memory of the server's parts."),
            ("USAGE <key> [SAMPLES <count>]", "Return the bytes a key and its value occupy."),
        ],
    )
