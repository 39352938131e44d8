"""What the server does without being asked, `hz` times a second.

A tick is short: clocks, samples for INFO, a slice of the clients, a slice of expiry. Expiry that has more to do goes on
in further slices between the passes of clients, so that no client waits longer than a slice:

    it finds expired keys     the next slice follows as soon as everyone waiting has been served, or clients have been
                              served for as long as a slice takes: expired keys get half of the time at least
    it finds hardly any       it pauses a few ms first; walking a large keyspace then costs some percent of the time

Ticks are due at fixed distances from the first; a tick that comes late does not move those after it, and one that is
missed altogether is left out.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from hognose.keyspace.expiry import KEYS_PER_CLOCK_READING
from hognose.server.sampling import SAMPLE_INTERVAL_MS

if TYPE_CHECKING:
    from hognose.server.connection import Connection
    from hognose.server.server import Server

EXPIRY_SLICE_US: Final = 1000
"""The longest a client may wait for expiry, and the longest expired keys wait for clients."""
FRUITFUL_SLICE: Final = KEYS_PER_CLOCK_READING
"""So many expired keys, or fields of hashes, in a slice are worth another one at once: it ended among expired keys."""
EXPIRY_PAUSE_SECONDS: Final = 0.010
"""Between slices that find little; divided by active-expire-effort."""

MIN_CLIENTS_PER_TICK: Final = 5
MAX_CLIENTS_PER_TICK: Final = 200
"""With dynamic-hz the rate doubles until a tick visits no more clients than this."""
MAX_HZ: Final = 500


@mypyc_attr(allow_interpreted_subclasses=True)
class CronTask:
    """Something of another part of the server that has to be done regularly."""

    def tick(self, now_ms: i64) -> None:
        """Called `hz` times a second.

        Args:
            now_ms: The time, Unix ms.
        """
        raise NotImplementedError


class Cron:
    """The regular work of one server.

    Attributes:
        ticks: How many ticks there have been.
        paused: DEBUG PAUSE-CRON: ticks do nothing.
        has_expired_keys: The last slice of expiry has found many keys, and there are more.
        tasks: What other parts of the server have registered.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._round: list[Connection] = []
        self._sampled_ms: i64 = 0
        self._expiry_goes_on = False
        self._slice_ended_us: i64 = 0
        self.has_expired_keys = False
        self.ticks: i64 = 0
        self.paused = False
        self.tasks: list[CronTask] = []

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts ticking; the first tick comes with the loop's first turn."""
        self._loop = loop
        self._due = loop.time()
        self._timer = loop.call_at(self._due, self._on_timer)

    def stop(self) -> None:
        """Ends ticking."""
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()

    def _on_timer(self) -> None:
        loop = self._loop
        if loop is None:
            return
        period = 1.0 / float(self.rate())
        now = loop.time()
        self._due += period
        if self._due <= now:
            self._due = now + period
        self._timer = loop.call_at(self._due, self._on_timer)
        self.tick()

    def rate(self) -> i64:
        """Ticks per second: `hz`, doubled with dynamic-hz as often as many clients need it."""
        settings = self._server.settings
        hz: i64 = settings.hz
        if settings.dynamic_hz:
            clients: i64 = len(self._server.clients)
            while hz < MAX_HZ and clients // hz > MAX_CLIENTS_PER_TICK:
                hz *= 2
        return min(hz, MAX_HZ)

    def tick(self) -> None:
        """Does what is due."""
        if self.paused:
            return
        server = self._server
        self.ticks += 1
        started_us = server.clock.read()
        now_ms = server.clock.now_ms
        server.keyspace.update_access_clock()
        if now_ms - self._sampled_ms >= SAMPLE_INTERVAL_MS:
            self._sampled_ms = now_ms
            server.take_samples()
        self._visit_clients()
        server.shutdown.tick(now_ms)
        if not server.loading.is_on:
            self._look_after_data(now_ms)
        server.flush_waiting()
        server.passes.note_tick(server.clock.read() - started_us)

    def _look_after_data(self, now_ms: i64) -> None:
        """Expiry, and what other parts of the server have registered."""
        if not self._expiry_goes_on:
            self._expire()
        for task in self.tasks:
            task.tick(now_ms)

    def _visit_clients(self) -> None:
        """Visits as many clients that each gets its turn once a second."""
        clients = self._server.clients
        if not self._round:
            self._round = list(clients.values())
        count: i64 = max(MIN_CLIENTS_PER_TICK, len(clients) // self.rate() + 1)
        while count > 0 and self._round:
            connection = self._round.pop()
            if not connection.closed:
                self._server.limits.visit(connection)
            count -= 1
        self._server.memory_limit.client_eviction.evict()

    # Expiry

    def between_passes(self) -> None:
        """A slice of expiry, if clients have been served for as long as one takes. O(1) if not.

        Called at the end of a pass while `has_expired_keys`. With many clients, or with long pipelines, a turn of the
        loop would be many slices long.
        """
        server = self._server
        if server.dispatcher.depth == 0 and server.clock.now_us - self._slice_ended_us >= EXPIRY_SLICE_US:
            self._run_slice()

    def _run_slice(self) -> bool:
        """One slice of expiry. Whether there is nothing more to do."""
        server = self._server
        keyspace = server.keyspace
        before = keyspace.expired_keys + keyspace.expired_fields
        started_us = server.clock.read()
        is_done = server.expiry.run(EXPIRY_SLICE_US)
        self._slice_ended_us = server.clock.read()
        server.note_expiry(self._slice_ended_us - started_us)
        found = keyspace.expired_keys + keyspace.expired_fields - before
        self.has_expired_keys = not is_done and found >= FRUITFUL_SLICE
        if found > 0:
            server.after_background_changes()
        return is_done

    def _expire(self) -> None:
        """One slice of expiry; sees to the next where this one was not enough."""
        is_done = self._run_slice()
        loop = self._loop
        self._expiry_goes_on = not is_done and loop is not None
        if is_done or loop is None:
            return
        if self.has_expired_keys:
            loop.call_soon(self._go_on_expiring)
        else:
            effort = self._server.settings.active_expire_effort
            loop.call_later(EXPIRY_PAUSE_SECONDS / effort, self._go_on_expiring)

    def _go_on_expiring(self) -> None:
        if self._loop is None or self.paused:
            self._expiry_goes_on = False
            self.has_expired_keys = False
            return
        self._expire()
        self._server.flush_waiting()
