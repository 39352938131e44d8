"""What the log gets when the process itself dies by a signal, or its event loop stands still.

    12:M 22 Nov 2026 17:20:00.123 # hognose 0.1.0 crashed by signal: 6 (SIGABRT)
    # Server ... # Clients ...           INFO, then the clients, as in INFO and CLIENT LIST
    Fatal Python error: Aborted          the stack, as `faulthandler` writes it
      File "...", line 12 in ...

The stack is written by the signal handler itself, in C, wherever the process is; the report above it is only there for
signals that come from outside (kill -ABRT, systemd's watchdog) or from DEBUG. `watchdog-period` has the stack written
when no tick of the cron has come for so long; the server goes on then.

A bug in a command is no crash: see `crash_report`. Nothing here is for a server inside another program.

Source: the faulthandler module of Python's library.
"""

import faulthandler
import os
import signal
from types import FrameType
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.client_text import client_line
from hognose.commands.host import WARNING
from hognose.server.cron import CronTask
from hognose.version import VERSION

if TYPE_CHECKING:
    from hognose.server.server import Server

LEAST_WATCHDOG_TICKS: Final = 2
"""The watchdog waits for at least so many ticks of the cron."""
STANDARD_OUTPUT: Final = 1
LOG_FILE: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class CrashHandler(CronTask):
    """Reports the end of one process, which must be the server's own."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._is_watched = False
        path = server.log_file.path
        self._output: Final = os.open(path, LOG_FILE, 0o644) if path else STANDARD_OUTPUT

    def install(self) -> None:
        """Acts as the settings say, from now on and when they change."""
        config = self._server.config
        config.on_change("crash-log-enabled", self.apply)
        config.on_change("watchdog-period", self.apply)
        self._server.cron.tasks.append(self)
        self._server.crash_handler = self
        self.apply()

    def apply(self) -> str:
        """Applier of crash-log-enabled and watchdog-period."""
        settings = self._server.settings
        faulthandler.disable()
        if settings.crash_log_enabled:
            # First ours, then the one in C, which calls ours when it is done.
            signal.signal(signal.SIGABRT, self._on_abort)
            faulthandler.enable(self._output, all_threads=True)
        else:
            signal.signal(signal.SIGABRT, signal.SIG_DFL)
        if settings.watchdog_period:
            least = LEAST_WATCHDOG_TICKS * 1000 // int(self._server.cron.rate())
            settings.watchdog_period = max(settings.watchdog_period, least)
            self.tick(0)
        else:
            self._unwatch()
        return ""

    def tick(self, now_ms: i64) -> None:
        """Tells the watchdog that the event loop is alive."""
        period = self._server.settings.watchdog_period
        if period:
            self._is_watched = True
            faulthandler.dump_traceback_later(period / 1000, file=self._output)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            faulthandler.cancel_dump_traceback_later()

    def crash(self, cause: str, number: int) -> None:
        """Ends the process by a signal, with a report; DEBUG asks for that.

        Args:
            cause: What the log says.
            number: The signal's number; SIGABRT becomes an exit with status 1 where use-exit-on-panic is set.
        """
        self._server.log(WARNING, cause)
        settings = self._server.settings
        if settings.crash_log_enabled:
            self._report(number)
        if number == signal.SIGABRT:
            if settings.use_exit_on_panic:
                os._exit(1)
            faulthandler.dump_traceback(self._output)
            faulthandler.disable()
            signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _on_abort(self, number: int, frame: FrameType | None) -> None:
        """SIGABRT from outside: the stack is written already."""
        self._report(number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _report(self, number: int) -> None:
        server = self._server
        server.log(WARNING, f"hognose {VERSION} crashed by signal: {number} ({signal.Signals(number).name})")
        lines = [client_line(client) for client in server.clients.values()]
        report = server.info([b"everything"]) + b"\n# Client list\n" + b"\n".join(lines) + b"\n"
        server.log_file.write_raw(report.replace(b"\r", b"").decode("utf-8", "backslashreplace"))
