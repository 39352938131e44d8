"""What the server does without being asked, `hz` times a second.

A tick is short: clocks, samples for INFO, a slice of the clients, a slice of expiry. Expiry that has more to do goes on
in further slices between the passes of clients, so that no client waits longer than a slice:

    it finds expired keys     the next slice follows as soon as everyone waiting has been served
    it finds hardly any       it pauses a few ms first; walking a large keyspace then costs some percent of the time

Ticks are due at fixed distances from the first; a tick that comes late does not move those after it, and one that is
missed altogether is left out.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from hognose.server.sampling import SAMPLE_INTERVAL_MS

if TYPE_CHECKING:
    from hognose.server.connection import Connection
    from hognose.server.server import Server

EXPIRY_SLICE_US: Final = 1000
"""The longest a client may wait for expiry."""
FRUITFUL_SLICE: Final = 64
"""So many expired keys in a slice are worth another one at once."""
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

    def _expire(self) -> None:
        """One slice of expiry; sees to the next where this one was not enough."""
        server = self._server
        before = server.keyspace.expired_keys
        started_us = server.clock.read()
        is_done = server.expiry.run(EXPIRY_SLICE_US)
        server.note_expiry(server.clock.read() - started_us)
        found = server.keyspace.expired_keys - before
        if found > 0:
            server.after_background_changes()
        loop = self._loop
        self._expiry_goes_on = not is_done and loop is not None
        if is_done or loop is None:
            return
        if found >= FRUITFUL_SLICE:
            loop.call_soon(self._go_on_expiring)
        else:
            effort = server.settings.active_expire_effort
            loop.call_later(EXPIRY_PAUSE_SECONDS / effort, self._go_on_expiring)

    def _go_on_expiring(self) -> None:
        if self._loop is None or self.paused:
            self._expiry_goes_on = False
            return
        self._expire()
        self._server.flush_waiting()
