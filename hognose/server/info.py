"""INFO: the state of the server as text, in sections of `name:value` lines.

    # Section
    name:value
    name:value

Names are those of Redis 7.2, which exporters and clients read; values are this server's own. A name whose thing does
not exist here (a defragmenter, jemalloc) is there with the value that says so. `hognose_version` and `hognose_build`
tell what really runs.
"""

import os
import resource
import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hognose.acl.permission import AUTH, CHANNEL, COMMAND, KEY
from hognose.commands.context import TRACKING
from hognose.commands.table import Command
from hognose.datastructures.hashtable import HashTable
from hognose.server import statistics
from hognose.server.append_only import OFF
from hognose.version import REDIS_VERSION, VERSION

if TYPE_CHECKING:
    from hognose.server.server import Server

Fields = list[tuple[str, object]]

DEFAULT_SECTIONS: Final = [
    "server",
    "clients",
    "memory",
    "persistence",
    "stats",
    "replication",
    "cpu",
    "modules",
    "errorstats",
    "cluster",
    "keyspace",
]
ALL_SECTIONS: Final = [
    "server",
    "clients",
    "memory",
    "persistence",
    "stats",
    "replication",
    "cpu",
    "modules",
    "commandstats",
    "errorstats",
    "latencystats",
    "cluster",
    "keyspace",
]
HIDDEN_SECTIONS: Final = ["debug"]
"""Shown only when asked for by name."""

UNITS: Final = "KMGTP"
COMPILED: Final = not __file__.endswith(".py")


def gcc_version() -> str:
    """The compiler Python was built with; 0.0.0 where that was another one, as Redis says it."""
    import platform  # noqa: PLC0415 - takes time that would be the start's

    name, _, version = platform.python_compiler().partition(" ")
    return version.partition(" ")[0] if name == "GCC" else "0.0.0"


def human(amount: int) -> str:
    """An amount of memory for people: 1.50M."""
    if amount < 1024:
        return f"{amount}B"
    size = float(amount)
    unit = -1
    while size >= 1024.0 and unit < len(UNITS) - 1:
        size /= 1024.0
        unit += 1
    return f"{size:.2f}{UNITS[unit]}"


def ratio(part: float, whole: float) -> float:
    """A quotient that is 0 where there is nothing to divide by."""
    return part / whole if whole else 0.0


class InfoReport:
    """One answer to INFO."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._writers: Final[dict[str, Callable[[], Fields]]] = {
            "server": self._server_fields,
            "clients": self._clients,
            "memory": self._memory,
            "persistence": self._persistence,
            "stats": self._stats,
            "replication": self._replication,
            "cpu": self._cpu,
            "modules": self._modules,
            "commandstats": self._command_statistics,
            "errorstats": self._errors,
            "latencystats": self._latencies,
            "cluster": self._cluster,
            "keyspace": self._keyspace,
            "debug": self._debug,
        }

    def text(self, names: list[bytes]) -> bytes:
        """The sections of these names, each once, in the fixed order; unknown names are passed over."""
        wanted: set[str] = set()
        for name in names or [b"default"]:
            word = name.decode("utf-8", "surrogateescape").lower()
            if word == "default":
                wanted.update(DEFAULT_SECTIONS)
            elif word in ("all", "everything"):
                wanted.update(ALL_SECTIONS)
            else:
                wanted.add(word)
        sections = [self._section(name) for name in ALL_SECTIONS + HIDDEN_SECTIONS if name in wanted]
        return "\r\n".join(sections).encode("utf-8", "surrogateescape")

    def _section(self, name: str) -> str:
        title = "CPU" if name == "cpu" else name.capitalize()
        lines = [f"# {title}"]
        for field, value in self._writers[name]():
            lines.append(f"{field}:{value}")
        return "\r\n".join(lines) + "\r\n"

    def _server_fields(self) -> Fields:
        server = self._server
        settings = server.settings
        system = os.uname()
        now_ms = int(server.clock.now_ms)
        uptime = (now_ms - int(server.started_ms)) // 1000
        return [
            ("redis_version", REDIS_VERSION),
            ("redis_git_sha1", "00000000"),
            ("redis_git_dirty", 0),
            ("redis_build_id", VERSION),
            ("redis_mode", server.mode().decode()),
            ("hognose_version", VERSION),
            ("hognose_build", "compiled" if COMPILED else "interpreted"),
            ("python_version", sys.version.partition(" ")[0]),
            ("os", f"{system.sysname} {system.release} {system.machine}"),
            ("arch_bits", 64 if sys.maxsize > 2**32 else 32),
            ("monotonic_clock", "POSIX clock_gettime"),
            ("multiplexing_api", "epoll" if hasattr(select, "epoll") else "kqueue"),
            ("atomicvar_api", "none"),
            ("gcc_version", gcc_version()),
            ("process_id", os.getpid()),
            ("process_supervised", settings.supervised),
            ("run_id", server.run_id),
            ("tcp_port", settings.port or settings.tls_port),
            ("server_time_usec", int(server.clock.now_us)),
            ("uptime_in_seconds", uptime),
            ("uptime_in_days", uptime // 86400),
            ("hz", int(server.cron.rate())),
            ("configured_hz", settings.hz),
            ("lru_clock", int(server.clock.now_ms // 1000) & 0xFFFFFF),
            ("executable", server.executable),
            ("config_file", server.config.path),
            ("io_threads_active", 0),
            *self._listeners(),
            *server.shutdown.fields(),
        ]

    def _listeners(self) -> Fields:
        """Where clients can connect, numbered by the sort of socket."""
        settings = self._server.settings
        binds = "".join(f",bind={address}" for address in settings.bind)
        fields: Fields = []
        if settings.port:
            fields.append(("listener0", f"name=tcp{binds},port={settings.port}"))
        if settings.unixsocket:
            fields.append(("listener1", f"name=unix,bind={settings.unixsocket}"))
        if settings.tls_port:
            fields.append(("listener2", f"name=tls{binds},port={settings.tls_port}"))
        return fields

    def _clients(self) -> Fields:
        server = self._server
        now_ms = server.clock.now_ms
        tracking = sum(1 for client in server.clients.values() if client.attention & TRACKING)
        return [
            ("connected_clients", len(server.clients)),
            ("cluster_connections", 0),
            ("maxclients", server.settings.maxclients),
            ("client_recent_max_input_buffer", int(server.limits.input_peak.highest(now_ms))),
            ("client_recent_max_output_buffer", int(server.limits.output_peak.highest(now_ms))),
            ("blocked_clients", server.blocked_clients()),
            ("tracking_clients", tracking),
            ("clients_in_timeout_table", server.blocking.timeout_count() + server.replicas.timeout_count()),
            ("total_blocking_keys", sum(len(db.awaited) for db in server.keyspace.databases)),
            ("total_blocking_keys_on_nokey", server.blocking.keys_whose_loss_wakes()),
        ]

    def _memory(self) -> Fields:
        server = self._server
        used = int(statistics.used_memory(server))
        peak = max(used, int(server.peak_memory_bytes))
        resident = statistics.resident_bytes()
        total = statistics.total_system_bytes()
        normal, replicas = statistics.client_bytes(server)
        startup = int(server.startup_bytes)
        overhead = statistics.overhead(server)
        dataset = used - overhead
        expected = int(statistics.expected_bytes(server, used))
        maxmemory = server.settings.maxmemory
        fields: Fields = [
            ("used_memory", used),
            ("used_memory_human", human(used)),
            ("used_memory_rss", resident),
            ("used_memory_rss_human", human(resident)),
            ("used_memory_peak", peak),
            ("used_memory_peak_human", human(peak)),
            ("used_memory_peak_perc", f"{ratio(used, peak) * 100:.2f}%"),
            ("used_memory_overhead", overhead),
            ("used_memory_startup", startup),
            ("used_memory_dataset", dataset),
            ("used_memory_dataset_perc", f"{ratio(dataset, used - startup) * 100:.2f}%"),
            ("allocator_allocated", expected),
            ("allocator_active", max(expected, resident)),
            ("allocator_resident", resident),
            ("total_system_memory", total),
            ("total_system_memory_human", human(total)),
        ]
        fields += self._script_memory()
        fields += [
            ("maxmemory", maxmemory),
            ("maxmemory_human", human(maxmemory)),
            ("maxmemory_policy", server.settings.maxmemory_policy),
        ]
        return fields + self._fragmentation(expected, resident) + self._buffers(normal, replicas)

    def _script_memory(self) -> Fields:
        memory = self._server.engine.memory()
        states = int(memory.eval_bytes + memory.function_bytes)
        records = int(memory.script_bytes + memory.library_bytes)
        return [
            ("used_memory_lua", int(memory.eval_bytes)),
            ("used_memory_vm_eval", int(memory.eval_bytes)),
            ("used_memory_lua_human", human(int(memory.eval_bytes))),
            ("used_memory_scripts_eval", int(memory.script_bytes)),
            ("number_of_cached_scripts", int(memory.scripts)),
            ("number_of_functions", int(memory.functions)),
            ("number_of_libraries", int(memory.libraries)),
            ("used_memory_vm_functions", int(memory.function_bytes)),
            ("used_memory_vm_total", states),
            ("used_memory_vm_total_human", human(states)),
            ("used_memory_functions", int(memory.library_bytes)),
            ("used_memory_scripts", records),
            ("used_memory_scripts_human", human(records)),
        ]

    def _fragmentation(self, expected: int, resident: int) -> Fields:
        active = max(expected, resident)
        return [
            ("allocator_frag_ratio", f"{ratio(active, expected):.2f}"),
            ("allocator_frag_bytes", active - expected),
            ("allocator_rss_ratio", f"{ratio(resident, active):.2f}"),
            ("allocator_rss_bytes", resident - active),
            ("rss_overhead_ratio", "1.00"),
            ("rss_overhead_bytes", 0),
            ("mem_fragmentation_ratio", f"{ratio(resident, expected):.2f}"),
            ("mem_fragmentation_bytes", resident - expected),
        ]

    def _buffers(self, normal: int, replicas: int) -> Fields:
        lazyfree = self._server.keyspace.lazyfree
        backlog = self._server.replicas.backlog_bytes()
        unwritten = len(self._server.append_only.file.buffer)
        return [
            ("mem_not_counted_for_evict", replicas + backlog + unwritten),
            ("mem_replication_backlog", backlog),
            ("mem_total_replication_buffers", self._server.replicas.buffer_bytes()),
            ("mem_clients_slaves", replicas),
            ("mem_clients_normal", normal),
            ("mem_cluster_links", 0),
            ("mem_aof_buffer", unwritten),
            ("mem_allocator", "pymalloc"),
            ("active_defrag_running", 0),
            ("lazyfree_pending_objects", int(lazyfree.pending_objects)),
            ("lazyfreed_objects", int(lazyfree.freed_objects)),
        ]

    def _persistence(self) -> Fields:
        server = self._server
        snapshots = server.snapshots
        return [
            ("loading", 1 if server.is_loading() else 0),
            ("async_loading", 0),
            *self._child(),
            ("rdb_changes_since_last_save", int(server.keyspace.dirty)),
            ("rdb_bgsave_in_progress", int(snapshots.is_saving())),
            ("rdb_last_save_time", int(server.last_save_s())),
            ("rdb_last_bgsave_status", "ok" if snapshots.last_ok else "err"),
            ("rdb_last_bgsave_time_sec", int(snapshots.last_duration_s)),
            ("rdb_current_bgsave_time_sec", int(snapshots.running_s())),
            ("rdb_saves", int(snapshots.saves)),
            ("rdb_last_cow_size", int(snapshots.last_cow_bytes)),
            ("rdb_last_load_keys_expired", int(snapshots.keys_expired)),
            ("rdb_last_load_keys_loaded", int(snapshots.keys_loaded)),
            *self._append_only(),
            ("module_fork_in_progress", 0),
            ("module_fork_last_cow_size", 0),
            *self._append_only_sizes(),
            *server.loading.fields(),
        ]

    def _append_only(self) -> Fields:
        """The append-only file and its rewrites."""
        aof = self._server.append_only
        rewrite = self._server.rewrite
        return [
            ("aof_enabled", 0 if aof.state == OFF else 1),
            ("aof_rewrite_in_progress", 1 if rewrite.is_running() else 0),
            ("aof_rewrite_scheduled", 1 if rewrite.is_scheduled else 0),
            ("aof_last_rewrite_time_sec", int(rewrite.last_duration_s)),
            ("aof_current_rewrite_time_sec", int(rewrite.running_s())),
            ("aof_last_bgrewrite_status", "ok" if rewrite.last_ok else "err"),
            ("aof_rewrites", int(rewrite.rewrites)),
            ("aof_rewrites_consecutive_failures", int(rewrite.failures)),
            ("aof_last_write_status", "ok" if aof.refusal() is None else "err"),
            ("aof_last_cow_size", int(rewrite.last_cow_bytes)),
        ]

    def _append_only_sizes(self) -> Fields:
        """What is shown only where the append-only file is on."""
        if not self._server.settings.appendonly:
            return []
        aof = self._server.append_only
        return [
            ("aof_current_size", int(aof.current_size)),
            ("aof_base_size", int(aof.base_size)),
            ("aof_pending_rewrite", 1 if self._server.rewrite.is_scheduled else 0),
            ("aof_buffer_length", len(aof.file.buffer)),
            ("aof_pending_bio_fsync", 1 if aof.has_pending_sync() else 0),
            ("aof_delayed_fsync", int(aof.delayed_syncs)),
        ]

    def _child(self) -> Fields:
        """How far the dataset is on its way to disk in the background, and what that costs."""
        cow_bytes, peak, age, keys, total = self._server.snapshots.progress()
        return [
            ("current_cow_peak", peak),
            ("current_cow_size", cow_bytes),
            ("current_cow_size_age", age),
            ("current_fork_perc", f"{ratio(keys, total) * 100:.2f}"),
            ("current_save_keys_processed", keys),
            ("current_save_keys_total", total),
        ]

    def _stats(self) -> Fields:
        server = self._server
        dispatcher = server.dispatcher
        keyspace = server.keyspace
        fields: Fields = [
            ("total_connections_received", int(server.total_connections)),
            ("total_commands_processed", int(dispatcher.total_commands)),
            ("instantaneous_ops_per_sec", int(server.commands_rate.per_second())),
            ("total_net_input_bytes", int(server.total_in)),
            ("total_net_output_bytes", int(server.total_out)),
            ("total_net_repl_input_bytes", 0),
            ("total_net_repl_output_bytes", int(server.replicas.stream_bytes)),
            ("instantaneous_input_kbps", f"{int(server.input_rate.per_second()) / 1024:.2f}"),
            ("instantaneous_output_kbps", f"{int(server.output_rate.per_second()) / 1024:.2f}"),
            ("instantaneous_input_repl_kbps", "0.00"),
            ("instantaneous_output_repl_kbps", "0.00"),
            ("rejected_connections", int(server.rejected_connections)),
            ("rejected_tls_handshakes", server.tls.refused),
            ("sync_full", int(server.replicas.full_syncs)),
            ("sync_partial_ok", int(server.replicas.partial_syncs)),
            ("sync_partial_err", int(server.replicas.partial_refusals)),
            ("expired_keys", int(keyspace.expired_keys)),
            ("expired_subkeys", int(keyspace.expired_fields)),
            ("expired_stale_perc", f"{stale_percentage(server):.2f}"),
            ("expired_time_cap_reached_count", int(server.expiry.time_limit_reached)),
            ("expire_cycle_cpu_milliseconds", int(server.expiry_us) // 1000),
            ("evicted_keys", int(keyspace.evicted_keys)),
            ("evicted_clients", server.memory_limit.client_eviction.evicted),
            ("total_eviction_exceeded_time", int(server.memory_limit.total_over_ms())),
            ("current_eviction_exceeded_time", int(server.memory_limit.current_over_ms())),
            ("keyspace_hits", int(keyspace.hits)),
            ("keyspace_misses", int(keyspace.misses)),
        ]
        return fields + self._more_stats()

    def _more_stats(self) -> Fields:
        server = self._server
        passes = server.passes
        return [
            ("pubsub_channels", len(server.pubsub.channels.listeners)),
            ("pubsub_patterns", len(server.pubsub.patterns.listeners)),
            ("pubsubshard_channels", len(server.pubsub.shard_channels.listeners)),
            ("latest_fork_usec", int(server.snapshots.children.latest_fork_us)),
            ("total_forks", int(server.snapshots.children.total_forks)),
            ("migrate_cached_sockets", server.migrate_links.count()),
            ("slave_expires_tracked_keys", 0),
            ("active_defrag_hits", 0),
            ("active_defrag_misses", 0),
            ("active_defrag_key_hits", 0),
            ("active_defrag_key_misses", 0),
            ("total_active_defrag_time", 0),
            ("current_active_defrag_time", 0),
            ("tracking_total_keys", server.invalidation.key_count()),
            ("tracking_total_items", server.invalidation.item_count()),
            ("tracking_total_prefixes", server.invalidation.prefix_count()),
            ("unexpected_error_replies", 0),
            ("total_error_replies", int(server.dispatcher.total_errors)),
            ("dump_payload_sanitizations", int(server.value_limits.checked_values)),
            ("total_reads_processed", int(server.reads)),
            ("total_writes_processed", int(server.writes)),
            ("io_threaded_reads_processed", 0),
            ("io_threaded_writes_processed", 0),
            ("reply_buffer_shrinks", server.limits.buffer_shrinks),
            ("reply_buffer_expands", 0),
            ("eventloop_cycles", int(passes.count)),
            ("eventloop_duration_sum", int(passes.duration_us)),
            ("eventloop_duration_cmd_sum", self._command_microseconds()),
            ("instantaneous_eventloop_cycles_per_sec", int(passes.count_rate.per_second())),
            ("instantaneous_eventloop_duration_usec", int(passes.mean_us())),
            ("acl_access_denied_auth", server.acl.denied[AUTH]),
            ("acl_access_denied_cmd", server.acl.denied[COMMAND]),
            ("acl_access_denied_key", server.acl.denied[KEY]),
            ("acl_access_denied_channel", server.acl.denied[CHANNEL]),
        ]

    def _command_microseconds(self) -> int:
        return sum(int(command.microseconds) for command in self._server.command_table.everything())

    def _replication(self) -> Fields:
        return self._server.replicas.fields()

    def _cpu(self) -> Fields:
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        fields: Fields = [
            ("used_cpu_sys", f"{own.ru_stime:.6f}"),
            ("used_cpu_user", f"{own.ru_utime:.6f}"),
            ("used_cpu_sys_children", f"{children.ru_stime:.6f}"),
            ("used_cpu_user_children", f"{children.ru_utime:.6f}"),
        ]
        if hasattr(resource, "RUSAGE_THREAD"):
            thread = resource.getrusage(resource.RUSAGE_THREAD)
            fields.append(("used_cpu_sys_main_thread", f"{thread.ru_stime:.6f}"))
            fields.append(("used_cpu_user_main_thread", f"{thread.ru_utime:.6f}"))
        return fields

    def _modules(self) -> Fields:
        return []

    def _used_commands(self) -> list[Command]:
        return [command for command in self._server.command_table.everything() if command.calls or command.rejected]

    def _command_statistics(self) -> Fields:
        fields: Fields = []
        for command in self._used_commands():
            calls, spent = int(command.calls), int(command.microseconds)
            text = f"calls={calls},usec={spent},usec_per_call={ratio(spent, calls):.2f}"
            text += f",rejected_calls={command.rejected},failed_calls={command.failed}"
            fields.append((f"cmdstat_{command.name}", text))
        return fields

    def _errors(self) -> Fields:
        counts = self._server.dispatcher.error_counts
        return [(f"errorstat_{prefix}", f"count={counts[prefix]}") for prefix in sorted(counts)]

    def _latencies(self) -> Fields:
        percents = self._server.settings.latency_tracking_info_percentiles
        fields: Fields = []
        for command in self._server.command_table.everything():
            histogram = command.histogram
            if histogram is None:
                continue
            parts = [f"p{percent:.15g}={histogram.percentile(percent):.3f}" for percent in percents]
            fields.append((f"latency_percentiles_usec_{command.name}", ",".join(parts)))
        return fields

    def _cluster(self) -> Fields:
        return [("cluster_enabled", 1 if self._server.settings.cluster_enabled else 0)]

    def _keyspace(self) -> Fields:
        fields: Fields = []
        for database in self._server.keyspace.databases:
            table = database.table
            if table.count:
                ttl = average_ttl_ms(self._server, int(database.index))
                described = f"keys={table.count},expires={table.expires},avg_ttl={ttl}"
                hashes = database.field_deadlines.count
                fields.append((f"db{database.index}", f"{described},subexpiry={hashes}"))
        return fields

    def _debug(self) -> Fields:
        passes = self._server.passes
        return [
            ("eventloop_duration_aof_sum", 0),
            ("eventloop_duration_cron_sum", int(passes.cron_us)),
            ("eventloop_duration_max", int(passes.longest_us)),
            ("eventloop_cmd_per_cycle_max", int(passes.most_commands)),
        ]


TTL_SAMPLE_SEGMENTS: Final = 16


def sampled_deadlines(table: HashTable) -> list[int]:
    """Deadlines, in Unix ms, of some keys of a table. O(1)."""
    if table.expires == 0:
        return []
    step = max(1, len(table.segments) // TTL_SAMPLE_SEGMENTS)
    found: list[int] = []
    for segment in table.segments[::step]:
        if segment.has_deadlines:
            for deadline in segment.deadlines:
                if deadline > 0:
                    found.append(deadline)  # noqa: PERF401 - a vector, which compiled code walks without boxes
    return found


def average_ttl_ms(server: "Server", db_index: int) -> int:
    """The mean time to live, in ms, of the keys with a deadline, from a sample of the table. O(1)."""
    now_ms = int(server.clock.now_ms)
    deadlines = sampled_deadlines(server.keyspace.databases[db_index].table)
    left = [deadline - now_ms for deadline in deadlines if deadline > now_ms]
    return sum(left) // len(left) if left else 0


def stale_percentage(server: "Server") -> float:
    """How many of the keys with a deadline are past it and still in memory, in percent, from a sample. O(databases)."""
    now_ms = int(server.clock.now_ms)
    deadlines: list[int] = []
    for database in server.keyspace.databases:
        deadlines += sampled_deadlines(database.table)
    return ratio(sum(1 for deadline in deadlines if deadline < now_ms), len(deadlines)) * 100
