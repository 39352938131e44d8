"""What CONFIG SET changes besides the value: the settings that live on in other objects as plain attributes.

Most of the server reads `Settings` where it needs a value. The few places too hot for that, or below the configuration,
keep a copy; each copy is made here, at the start and after every change. What concerns sockets and the process is
applied by its owners: `listeners`, `oomscore`, `client_limits`.
"""

from typing import TYPE_CHECKING, Final

from hognose.server.log import LEVELS

if TYPE_CHECKING:
    from hognose.server.server import Server

MS: Final = 1000
"""Microseconds in a millisecond."""


class Appliers:
    """Keeps the copies of one server's settings."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server

    def register(self) -> None:
        """Puts all settings in force, now and whenever they change."""
        on_change = self._server.config.on_change
        on_change("loglevel", self.logging)
        on_change("proto-max-bulk-len", self.string_limit)
        for name in ("slowlog-log-slower-than", "latency-monitor-threshold", "latency-tracking"):
            on_change(name, self.measuring)
        on_change("notify-keyspace-events", self.notifications)
        for name in ("maxmemory-policy", "lfu-log-factor", "lfu-decay-time"):
            on_change(name, self.access_clocks)
        for name in ("lazyfree-lazy-expire", "lazyfree-lazy-eviction", "lazyfree-lazy-server-del"):
            on_change(name, self.lazy_freeing)
        self.logging()
        self.lazy_freeing()
        self.string_limit()
        self.measuring()
        self.notifications()
        self.access_clocks()

    def logging(self) -> str:
        """loglevel."""
        self._server.log_file.level = LEVELS.index(self._server.settings.loglevel)
        return ""

    def string_limit(self) -> str:
        """proto-max-bulk-len: for commands, and for the parsers of all connections."""
        server = self._server
        server.max_string_bytes = server.settings.proto_max_bulk_len
        for connection in server.clients.values():
            connection.parser.max_bulk_bytes = server.max_string_bytes
        return ""

    def measuring(self) -> str:
        """The thresholds of the slow log and the latency monitor, and latency-tracking."""
        dispatcher = self._server.dispatcher
        settings = self._server.settings
        dispatcher.slow_us = settings.slowlog_log_slower_than
        dispatcher.spike_us = min(settings.latency_monitor_threshold, 1 << 50) * MS
        self._server.latency.threshold_ms = settings.latency_monitor_threshold
        dispatcher.tracks_latency = settings.latency_tracking
        return ""

    def notifications(self) -> str:
        """notify-keyspace-events."""
        self._server.keyspace.notify_classes = self._server.settings.notify_keyspace_events
        return ""

    def lazy_freeing(self) -> str:
        """Which values the keyspace frees in slices; the directives about commands are read by the commands."""
        settings = self._server.settings
        lazyfree = self._server.keyspace.lazyfree
        lazyfree.of_expired = settings.lazyfree_lazy_expire
        lazyfree.of_evicted = settings.lazyfree_lazy_eviction
        lazyfree.of_overwritten = settings.lazyfree_lazy_server_del
        return ""

    def access_clocks(self) -> str:
        """Whether keys carry a time of access or a frequency, and how the frequency rises and falls."""
        keyspace = self._server.keyspace
        settings = self._server.settings
        keyspace.lfu = settings.maxmemory_policy.endswith("-lfu")
        keyspace.lfu_log_factor = settings.lfu_log_factor
        keyspace.lfu_decay_minutes = settings.lfu_decay_time
        keyspace.update_access_clock()
        return self._server.memory_limit.apply()
