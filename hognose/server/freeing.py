"""When what waits in `keyspace.lazyfree` is freed: a slice of at most a millisecond in each turn of the event loop.

Between two slices everybody who waits is served, so that no client waits longer than a slice.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.server.cron import CronTask

if TYPE_CHECKING:
    from hognose.server.server import Server

SLICE_US: Final = 1000


class Freeing(CronTask):
    """Frees the data of one server in slices."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._goes_on = False

    def begin(self) -> None:
        """There is something to free: the first slice comes with the loop's next turn."""
        loop = self._server.loop
        if loop is not None and not self._goes_on:
            self._goes_on = True
            loop.call_soon(self._on_turn)

    def tick(self, now_ms: i64) -> None:
        """Frees a slice where there is no event loop that does; with one, sees to it that it goes on."""
        if not self._server.keyspace.lazyfree.has_more():
            return
        if self._server.loop is None:
            self._run_slice()
        else:
            self.begin()

    def _on_turn(self) -> None:
        self._goes_on = False
        self._run_slice()
        if self._server.keyspace.lazyfree.has_more():
            self.begin()

    def _run_slice(self) -> None:
        lazyfree = self._server.keyspace.lazyfree
        clock = self._server.clock
        started_us = clock.read()
        while lazyfree.has_more():
            lazyfree.step()
            if clock.read() - started_us > SLICE_US:
                break
