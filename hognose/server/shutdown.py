"""The end of a server on demand: SHUTDOWN, SIGTERM, SIGINT; what it waits for, and how it is called off.

    SHUTDOWN  -> request -> (replicas lag: writes wait, clients that asked wait, until they have caught up or
                             shutdown-timeout is over) -> the steps of `lifecycle` -> the end
    a signal  -> schedule -> the next tick of the cron does the same

Each step may refuse (the last snapshot cannot be written): then everything goes on as before and whoever asked is told.
SHUTDOWN ABORT calls off what is scheduled or waiting. A second SIGINT ends the process at once, even while the last
snapshot is being written: its temporary file is removed and the old dump stays.
"""

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from hognose import errors
from hognose.commands.context import BLOCKED, Context
from hognose.commands.host import NOTICE, WARNING
from hognose.config.directives.process import SHUTDOWN_NOW
from hognose.persistence.progress import Progress

if TYPE_CHECKING:
    from hognose.server.server import Server

FOREVER_MS: Final = 1 << 60
NOT_SCHEDULED: Final = -1


@mypyc_attr(native_class=False)
class InterruptedSaveError(OSError):
    """A second SIGINT came while the last snapshot was being written."""


class LastSaveProgress(Progress):
    """Looks for a second SIGINT, which is blocked meanwhile, while the last snapshot is written."""

    def look(self) -> None:
        if signal.SIGINT in signal.sigpending():
            raise InterruptedSaveError("interrupted")


class Shutdown:
    """Ends one server.

    Attributes:
        deadline_ms: Until when it waits for replicas, Unix ms; 0 while it does not.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._options: int = 0
        self._scheduled: int = NOT_SCHEDULED
        self._signal_name = ""
        self._by_signal = False
        self._waiting: list[Context] = []
        self.deadline_ms: i64 = 0

    def is_scheduled(self) -> bool:
        """Whether a signal has come that the cron has not seen yet."""
        return self._scheduled != NOT_SCHEDULED

    def schedule(self, name: str, options: int) -> None:
        """A signal has come."""
        self._signal_name = name
        self._scheduled = options
        self._server.log(WARNING, f"Received {name} scheduling shutdown...")

    def request(self, ctx: Context, options: int) -> str | None:
        """SHUTDOWN: ends the server now, or blocks the client until that is possible.

        Args:
            ctx: Who asks.
            options: SHUTDOWN_* bits.

        Returns:
            Why the server goes on, or None.
        """
        if self._server.lifecycle is None:
            return errors.SHUTDOWN_FAILED
        if self.deadline_ms != 0 and options & SHUTDOWN_NOW == 0:
            self._block(ctx)
            return None
        self._by_signal = False
        if self._begin(options):
            self._block(ctx)
            return None
        return None if self._finish() else errors.SHUTDOWN_FAILED

    def _block(self, ctx: Context) -> None:
        ctx.flags |= BLOCKED
        self._waiting.append(ctx)

    def tick(self, now_ms: i64) -> None:
        """Does what a signal has asked for, and ends the wait for replicas."""
        if self._scheduled != NOT_SCHEDULED and self.deadline_ms == 0:
            options = self._scheduled
            self._by_signal = True
            if not self._begin(options) and not self._finish():
                text = f"{self._signal_name} received but the server cannot be shut down, the log says why"
                self._server.log(WARNING, text)
            self._scheduled = NOT_SCHEDULED
        elif self.deadline_ms != 0 and (now_ms >= self.deadline_ms or self._server.replicas.in_sync()):
            self._finish()

    def _begin(self, options: int) -> bool:
        """Starts; whether it has to wait for replicas."""
        server = self._server
        self._options = options
        server.log(NOTICE, "User requested shutdown...")
        timeout_s = server.settings.shutdown_timeout
        if options & SHUTDOWN_NOW or timeout_s == 0 or server.loading.is_on or server.replicas.in_sync():
            return False
        server.pause.pause(FOREVER_MS, everything=False)
        self.deadline_ms = server.clock.now_ms + i64(timeout_s) * 1000
        server.log(NOTICE, "Waiting for replicas before shutting down.")
        return True

    def _finish(self) -> bool:
        """Runs the steps; False if the server goes on."""
        server = self._server
        lifecycle = server.lifecycle
        if lifecycle is None:
            return False
        server.replicas.report_lagging()
        if lifecycle.request_stop(self._options) is None:
            return True
        server.log(WARNING, "Errors trying to shut down the server. Check the logs for more information.")
        self._call_off()
        return False

    def _call_off(self) -> None:
        """Goes on as before; whoever asked is told."""
        if self.deadline_ms != 0:
            self.deadline_ms = 0
            self._server.pause.resume()
        waiting = self._waiting
        self._waiting = []
        for ctx in waiting:
            ctx.flags &= ~BLOCKED
            self._server.dispatcher.count_error(errors.SHUTDOWN_FAILED)
            ctx.write_error(errors.SHUTDOWN_FAILED)
            ctx.flush_soon()
            self._server.resume(ctx)

    def abort(self) -> bool:
        """SHUTDOWN ABORT; False if there is nothing to call off."""
        if self.deadline_ms == 0 and self._scheduled == NOT_SCHEDULED:
            return False
        self._scheduled = NOT_SCHEDULED
        self._call_off()
        self._server.log(NOTICE, "Shutdown manually aborted.")
        return True

    def forget(self, ctx: Context) -> None:
        """A client is gone."""
        if ctx in self._waiting:
            self._waiting.remove(ctx)

    def fields(self) -> list[tuple[str, object]]:
        """What INFO adds while it waits."""
        if self.deadline_ms == 0:
            return []
        return [("shutdown_in_milliseconds", max(0, int(self.deadline_ms - self._server.clock.now_ms)))]

    # The last snapshot

    def save(self) -> bool:
        """Writes the last snapshot; a second SIGINT ends the process. False if it could not be written."""
        server = self._server
        delay_us: i64 = server.settings.rdb_key_save_delay
        if not self._by_signal or threading.current_thread() is not threading.main_thread():
            return server.snapshots.save()
        progress = LastSaveProgress(delay_us)
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            is_saved = server.snapshots.save(progress)
            if not is_saved and signal.SIGINT in signal.sigpending():
                self.insist()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return is_saved

    def insist(self) -> None:
        """A second SIGINT: ends the process now."""
        self._server.log(WARNING, "You insist... exiting now.")
        self._server.snapshots.stop_child()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(1)
