"""The server as a process among processes: background, process id file, service manager, name.

Nothing here knows the event loop; all of it happens before the loop starts or after it ends, in the main thread. Only
the command line uses it: a server inside a Python program touches nothing of its process.
"""

import os
import signal
import socket
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from hognose.commands.host import NOTICE, VERBOSE, WARNING
from hognose.server.log import Log

DEFAULT_PID_FILE: Final = "/var/run/redis.pid"
"""Where a server in the background writes its process id unless told otherwise."""


def go_to_background() -> None:
    """Goes on in a child process without a terminal; the parent exits with 0. Call before threads and loops exist."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)


class PidFile:
    """The file other programs read the process id from.

    Args:
        path: Where; empty for none.
        log: Told of failures, which never keep a server from running.
    """

    def __init__(self, path: str, log: Log) -> None:
        self._path: Final = os.path.abspath(path) if path else ""  # noqa: PTH100 - `dir` may change later
        self._log: Final = log
        self._written = False

    def write(self) -> None:
        """Writes the process id."""
        if not self._path:
            return
        try:
            Path(self._path).write_text(f"{os.getpid()}\n", "ascii")
            self._written = True
        except OSError as error:
            self._log.write(NOTICE, f"Failed to write PID file: {error.strerror}")

    def remove(self) -> None:
        """Removes the file this process wrote."""
        if not self._written:
            return
        self._written = False
        self._log.write(NOTICE, "Removing the pid file.")
        try:
            Path(self._path).unlink()
        except OSError as error:
            self._log.write(NOTICE, f"Failed to remove PID file: {error.strerror}")


class Supervisor:
    """The service manager that started this process, if one did.

    systemd gives the path of a datagram socket in NOTIFY_SOCKET and is sent lines such as `READY=1`. Upstart, which
    some old systems have, waits for the process to stop itself.

    Args:
        environ: The process' environment.
        log: Receives what was found.
    """

    def __init__(self, environ: MutableMapping[str, str], log: Log) -> None:
        self._environ: Final = environ
        self._log: Final = log
        self._notify_path = ""

    def attach(self, mode: str) -> bool:
        """Looks for the service manager.

        Args:
            mode: The `supervised` directive: no, auto, systemd or upstart.

        Returns:
            Whether there is one; the server then does not go to the background by itself.
        """
        if mode == "auto":
            mode = self._detect()
        if mode == "systemd":
            return self._attach_systemd()
        if mode == "upstart":
            return self._attach_upstart()
        return False

    def _detect(self) -> str:
        for variable, mode in (("UPSTART_JOB", "upstart"), ("NOTIFY_SOCKET", "systemd")):
            if variable in self._environ:
                self._log.write(VERBOSE, f"Started by {mode}, as {variable} is set")
                return mode
        return "no"

    def _attach_systemd(self) -> bool:
        self._notify_path = self._environ.get("NOTIFY_SOCKET", "")
        if not self._notify_path:
            self._log.write(WARNING, "systemd supervision requested, but NOTIFY_SOCKET is not set")
            return False
        if not self.notify("STATUS=Loading"):
            return False
        self._log.write(NOTICE, "Supervised by systemd; TimeoutStartSec and TimeoutStopSec of the unit must be enough")
        return True

    def _attach_upstart(self) -> bool:
        if self._environ.pop("UPSTART_JOB", None) is None:
            self._log.write(WARNING, "upstart supervision requested, but UPSTART_JOB is not set")
            return False
        self._log.write(NOTICE, "Supervised by upstart; stopping to signal readiness")
        os.kill(os.getpid(), signal.SIGSTOP)
        return True

    def notify(self, *lines: str) -> bool:
        """Sends lines to systemd; does nothing without it.

        Returns:
            Whether they were sent.
        """
        path = self._notify_path
        if not path:
            return False
        address = "\0" + path[1:] if path.startswith("@") else path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto("\n".join(lines).encode(), address)
            except OSError as error:
                self._log.write(WARNING, f"Cannot tell systemd on {path}: {error.strerror}")
                return False
        return True


def set_process_name(name: str) -> None:
    """Sets the name that `ps -o comm`, `top` and `pgrep` know the process by: 15 bytes, on Linux only."""
    try:
        Path("/proc/self/comm").write_text(name[:15], "utf-8")
    except OSError:
        return
