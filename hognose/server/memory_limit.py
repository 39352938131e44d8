"""maxmemory: keeps the memory of the data below the limit by evicting keys, or says that it cannot.

Before each command `make_room` compares the account with the limit. Above it, keys go until it is below, but for no
longer than maxmemory-eviction-tenacity allows; what is left goes on in slices between the passes of clients, and the
commands of the meantime are let through. Only where nothing may be evicted are commands that need memory refused.

Replicas' output is not counted: evicting keys makes more of it, which would evict more keys.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.client_text import REPLICA_CLIENT, memory_of, type_of
from hognose.keyspace.eviction import NOTHING, Eviction
from hognose.server.client_eviction import ClientEviction
from hognose.server.dispatch import MEMORY_LIMIT
from hognose.server.pause import WRITES

if TYPE_CHECKING:
    from hognose.server.connection import Connection
    from hognose.server.server import Server

KEYS_PER_CLOCK_READING: Final = 16
LINEAR_TENACITY: Final = 10
"""Up to this tenacity the time per command rises by 50 us a step, above it by 15% a step; 100 is no limit."""
NO_LIMIT_US: Final = 2**60


def time_limit_us(tenacity: int) -> i64:
    """How long one command may evict, by maxmemory-eviction-tenacity (0 to 100)."""
    if tenacity <= LINEAR_TENACITY:
        return 50 * tenacity
    if tenacity < 100:
        return int(500.0 * 1.15 ** (tenacity - LINEAR_TENACITY))
    return NO_LIMIT_US


class MemoryLimit:
    """The memory limit of one server.

    Attributes:
        eviction: Chooses the keys.
        client_bytes: What clients occupy, as of the cron's last visit to each.
        client_eviction: The limit of the clients alone (maxmemory-clients).
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self.eviction: Final = Eviction(server.keyspace)
        self._maxmemory: i64 = 0
        self._slice_us: i64 = 0
        self._goes_on = False
        self._over_since_us: i64 = 0
        self._over_us: i64 = 0
        self.client_bytes: i64 = 0
        self.client_eviction: Final = ClientEviction(server)
        server.config.on_change("maxmemory-clients", self.client_eviction.apply)
        for name in ("maxmemory", "maxmemory-samples", "maxmemory-eviction-tenacity"):
            server.config.on_change(name, self.apply)
        self.apply()

    def apply(self) -> str:
        """Applier of maxmemory and its kin."""
        server = self._server
        settings = server.settings
        self._maxmemory = min(settings.maxmemory, NO_LIMIT_US)
        self._slice_us = time_limit_us(settings.maxmemory_eviction_tenacity)
        self.eviction.set_policy(settings.maxmemory_policy, settings.maxmemory_samples)
        if self._maxmemory > 0:
            server.dispatcher.attention |= MEMORY_LIMIT
            self._go_on_later()
        else:
            server.dispatcher.attention &= ~MEMORY_LIMIT
            self._note_under()
        return self.client_eviction.apply()

    def make_room(self) -> bool:
        """Brings the memory below the limit, or begins to. False if nothing may be evicted."""
        if not self._is_over():
            self._note_under()
            return True
        server = self._server
        if server.is_loading() or server.pause.is_paused(WRITES):
            return True
        if server.keyspace.lazyfree.has_more():
            self._free_pending()
            if not self._is_over():
                self._note_under()
                return True
        if self.eviction.ranking == NOTHING:
            return False
        return self._evict()

    def _is_over(self) -> bool:
        maxmemory = self._maxmemory
        return maxmemory > 0 and self._server.keyspace.used_memory() + self.client_bytes > maxmemory

    def _free_pending(self) -> None:
        """Before any key goes: frees what is dead already, for one slice of time."""
        lazyfree = self._server.keyspace.lazyfree
        clock = self._server.clock
        start_us = clock.read()
        while lazyfree.has_more() and self._is_over() and clock.read() - start_us <= self._slice_us:
            lazyfree.step()

    def _evict(self) -> bool:
        """Evicts for one slice of time."""
        server = self._server
        clock = server.clock
        start_us = clock.read()
        if self._over_since_us == 0:
            self._over_since_us = start_us
        steps: i64 = 0
        room = True
        while self._is_over():
            if not self.eviction.evict_one():
                room = False
                break
            steps += 1
            if steps % KEYS_PER_CLOCK_READING == 0 and clock.read() - start_us > self._slice_us:
                self._go_on_later()
                break
        else:
            self._note_under()
        server.latency.note(b"eviction-cycle", clock.now_ms, (clock.read() - start_us) // 1000)
        server.after_background_changes()
        return room

    def _go_on_later(self) -> None:
        """Has the rest evicted between the passes of clients."""
        loop = self._server.loop
        if loop is not None and not self._goes_on:
            self._goes_on = True
            loop.call_soon(self._on_turn)

    def _on_turn(self) -> None:
        self._goes_on = False
        self.make_room()
        self._server.flush_waiting()

    def note_client(self, client: "Connection") -> None:
        """Brings the account of one client up to date; the cron does so about once a second. O(1)."""
        now = memory_of(client) if not client.closed and type_of(client) != REPLICA_CLIENT else 0
        before = client.counted_bytes
        self.client_bytes += now - before
        client.counted_bytes = now
        if self.client_eviction.is_on:
            self.client_eviction.note(client, before, now)

    # How long memory has been above the limit

    def _note_under(self) -> None:
        if self._over_since_us != 0:
            self._over_us += self._server.clock.now_us - self._over_since_us
            self._over_since_us = 0

    def current_over_ms(self) -> i64:
        """For how long memory is above the limit now."""
        return (self._server.clock.now_us - self._over_since_us) // 1000 if self._over_since_us != 0 else 0

    def total_over_ms(self) -> i64:
        """For how long memory has been above the limit in all."""
        return self._over_us // 1000 + self.current_over_ms()

    def reset_statistics(self) -> None:
        """Forgets the times above the limit."""
        self._over_us = 0
