"""Loading the dataset while clients are served: in slices from the event loop, so that everybody can ask how far it is.

    begin -> slice -> the event loop serves whoever has sent something -> slice -> ... -> the end

While it lasts, commands without the LOADING flag are refused, and the cron leaves the data alone: nothing expires, is
evicted or saved. A slice is over after loading-process-events-interval-bytes or SLICE_US, whichever is first; one value
is always read whole. A dataset that fits into the first slice is there before any client is served.

What is loaded are the jobs of `persistence.load`; a command that waits for a file (DEBUG RELOAD) uses their `run`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.host import NOTICE, WARNING
from hognose.persistence.load import LoadJob
from hognose.server.dispatch import LOADING_DATA

if TYPE_CHECKING:
    from hognose.server.server import Server

SLICE_US: Final = 10_000
PROGRESS_MS: Final = 5_000
"""How often the log says how far it is."""


class Loading:
    """Loads what a server starts with.

    Attributes:
        is_on: Whether something is being loaded.
        started_ms: When that began, Unix ms.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._jobs: list[LoadJob] = []
        self._done_bytes: i64 = 0
        self._total_bytes: i64 = 0
        self._rdb_used_mem: i64 = 0
        self._reported_ms: i64 = 0
        self._on_end: Callable[[bool], None] | None = None
        self.is_on = False
        self.started_ms: i64 = 0

    def begin(self, jobs: list[LoadJob], on_end: Callable[[bool], None]) -> None:
        """Loads files, one after the other; the first slice at once, the rest from the event loop.

        Args:
            jobs: What to load. Each is closed when it is done.
            on_end: Called when everything is loaded (True), or a job has failed and the log says why (False). What was
                loaded by then is still there.
        """
        server = self._server
        self._jobs = list(jobs)
        self._on_end = on_end
        self._done_bytes = 0
        self._rdb_used_mem = 0
        self._total_bytes = 0
        for job in jobs:
            self._total_bytes += job.total_bytes
        server.clock.read()
        self.started_ms = server.clock.now_ms
        self._reported_ms = self.started_ms
        self.is_on = True
        server.dispatcher.attention |= LOADING_DATA
        self._slice()

    def give_up(self) -> None:
        """Ends loading where it is, because the server stops; `on_end` is not called."""
        if self._jobs:
            self._jobs[0].close()
        self._jobs = []
        self.is_on = False

    def _slice(self) -> None:
        """Loads for a while, and comes back later if there is more."""
        if not self.is_on:
            return
        server = self._server
        until_us = server.clock.read() + SLICE_US
        while self._jobs:
            job = self._jobs[0]
            try:
                is_done = job.step(server.settings.loading_process_events_interval_bytes, until_us)
            except (OSError, ValueError) as error:
                server.log(WARNING, job.failure(error))
                self._end(False)
                return
            self._rdb_used_mem = max(self._rdb_used_mem, job.rdb_used_mem)
            if not is_done:
                self._come_back()
                return
            self._done_bytes += job.total_bytes
            self._jobs.pop(0)
            job.close()
        self._end(True)

    def _come_back(self) -> None:
        loop = self._server.loop
        assert loop is not None
        loop.call_soon(self._slice)
        now_ms = self._server.clock.now_ms
        if now_ms - self._reported_ms >= PROGRESS_MS:
            self._reported_ms = now_ms
            text = f"Loading: {self.percent():.2f}% of {int(self._total_bytes)} bytes, about {self.eta_s()} s to go"
            self._server.log(NOTICE, text)

    def _end(self, is_complete: bool) -> None:
        self.give_up()
        self._server.dispatcher.attention &= ~LOADING_DATA
        self._server.clock.read()
        on_end = self._on_end
        self._on_end = None
        if on_end is not None:
            on_end(is_complete)

    # How far it is

    def loaded_bytes(self) -> i64:
        """How much of the files has been read."""
        return self._done_bytes + self._jobs[0].loaded_bytes() if self._jobs else self._done_bytes

    def percent(self) -> float:
        """The same as a part of all."""
        return 100.0 * float(self.loaded_bytes()) / float(max(self._total_bytes, 1))

    def eta_s(self) -> int:
        """How many seconds it will take, going on as till now; 1 in the first second."""
        elapsed_s = (self._server.clock.now_ms - self.started_ms) // 1000
        if elapsed_s == 0:
            return 1
        loaded = self.loaded_bytes()
        return int(elapsed_s) * int(max(self._total_bytes - loaded, 0)) // int(loaded + 1)

    def fields(self) -> list[tuple[str, object]]:
        """What INFO adds while it lasts."""
        if not self.is_on:
            return []
        return [
            ("loading_start_time", int(self.started_ms) // 1000),
            ("loading_total_bytes", int(self._total_bytes)),
            ("loading_rdb_used_mem", int(self._rdb_used_mem)),
            ("loading_loaded_bytes", int(self.loaded_bytes())),
            ("loading_loaded_perc", f"{self.percent():.2f}"),
            ("loading_eta_seconds", self.eta_s()),
        ]
