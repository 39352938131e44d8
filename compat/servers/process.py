"""One server process: started on a free port, watched until it answers, measured from outside, stopped by its pid.

Every server gets a folder of its own for its data and its log, and listens on 127.0.0.1 only. It is up when it answers
PING on a connection; nothing waits a fixed time. CPU time and memory are read from /proc, so a server is measured the
same whatever it says about itself:

    /proc/PID/stat    fields 14 and 15: user and system time of all its threads, in clock ticks (mostly 10 ms)
    /proc/PID/statm   field 2: resident pages

Source: proc(5).
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from compat.servers.catalogue import ServerBinary

HOST: Final = "127.0.0.1"

# The cluster bus listens at the client port plus this much, so a free port is one whose bus port is free too.
CLUSTER_BUS_OFFSET: Final = 10_000

CLOCK_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

_POLL_SECONDS: Final = 0.005
_STOP_SECONDS: Final = 20.0
_PORT_TRIES: Final = 5
_LOG_TAIL_BYTES: Final = 2_000


class StartError(Exception):
    """The server ended, or did not answer in time; the message ends with its log's last lines."""


class CpuTimes(NamedTuple):
    """CPU time of a process, all its threads together, in seconds."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """User and system time together, in seconds."""
        return self.user + self.system

    def since(self, earlier: "CpuTimes") -> "CpuTimes":
        """The time that passed between an earlier reading and this one."""
        return CpuTimes(self.user - earlier.user, self.system - earlier.system)


class RunningServer:
    """A started server; a context manager that stops it.

    Attributes:
        binary: what was started.
        port: the client port on `host`.
        directory: its working folder, with data files and `server.log`.
    """

    def __init__(
        self, binary: ServerBinary, process: subprocess.Popen[bytes], port: int, directory: Path, *, keep: bool
    ) -> None:
        self.binary = binary
        self.host = HOST
        self.port = port
        self.directory = directory
        self._process = process
        self._keep_directory = keep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything the server has printed so far."""
        return _log_path(self.directory).read_text(errors="replace")

    def is_running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def connect(self, timeout: float = 10.0) -> socket.socket:
        """Opens a TCP connection with Nagle's algorithm off.

        Args:
            timeout: seconds, for connecting and for every later operation on the socket.
        """
        connection = socket.create_connection((self.host, self.port), timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def cpu_times(self) -> CpuTimes:
        """CPU time used since the start, in seconds; resolution is a clock tick, mostly 10 ms."""
        return parse_cpu_times(Path(f"/proc/{self.pid}/stat").read_text(), CLOCK_TICKS_PER_SECOND)

    def rss_bytes(self) -> int:
        """Resident memory of the process in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def stop(self) -> int:
        """Ends the server by SIGTERM, by SIGKILL when that takes too long, and removes its folder. Repeatable.

        Returns:
            The exit status; negative for the signal that ended it.
        """
        status = _end(self._process)
        if not self._keep_directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        return status


def start(
    binary: ServerBinary,
    *args: str,
    config: Mapping[str, str] | None = None,
    port: int | None = None,
    directory: Path | None = None,
    cpus: Collection[int] | None = None,
    timeout: float = 30.0,
) -> RunningServer:
    """Starts a server and waits until it answers PING.

    Args:
        binary: what to start.
        *args: further words of the command line, after all options.
        config: directives, without dashes; they replace the defaults (no snapshots, `bind`, `dir`).
        port: the client port; by default a free one is chosen.
        directory: the working folder, kept afterwards; by default a fresh one that `stop` removes.
        cpus: the CPUs the process may run on; by default those of the caller.
        timeout: seconds until it must answer, loading its data included.

    Returns:
        The running server, to be used as a context manager or stopped by `stop`.

    Raises:
        StartError: when the process ends or does not answer in time; nothing is left behind.
    """
    tries = _PORT_TRIES if port is None else 1
    for attempt in range(1, tries + 1):
        chosen = free_port() if port is None else port
        try:
            return _start_on(
                binary, args, config=config or {}, port=chosen, directory=directory, cpus=cpus, timeout=timeout
            )
        except StartError as error:
            # Between finding a port free and the server's bind, someone else may have taken it.
            if attempt == tries or "address already in use" not in str(error).lower():
                raise
    raise AssertionError("the loop returns or raises")


def free_port() -> int:
    """A TCP port that is free on 127.0.0.1 just now, and whose cluster bus port is free as well."""
    while True:
        with socket.socket() as client_port, socket.socket() as bus_port:
            client_port.bind((HOST, 0))
            port: int = client_port.getsockname()[1]
            if port + CLUSTER_BUS_OFFSET > 65_535:
                continue
            try:
                bus_port.bind((HOST, port + CLUSTER_BUS_OFFSET))
            except OSError:
                continue
            return port


def parse_cpu_times(stat: str, ticks_per_second: int) -> CpuTimes:
    """User and system time in the text of /proc/PID/stat.

    Args:
        stat: the file's text. The command name (field 2) may hold blanks and brackets, so fields count from its end.
        ticks_per_second: the clock's resolution.

    Returns:
        Both times in seconds.
    """
    fields = stat[stat.rindex(")") + 2 :].split()
    return CpuTimes(int(fields[11]) / ticks_per_second, int(fields[12]) / ticks_per_second)


def command_line(binary: ServerBinary, args: Collection[str], directives: Mapping[str, str]) -> list[str]:
    """The words that start a server with these directives, as redis-server and hognose both understand them.

    Example:
        `{"port": "7000", "save": ""}` becomes `--port 7000 --save ''`.
    """
    options = [word for name, value in directives.items() for word in (f"--{name}", value)]
    return [*binary.argv, *options, *args]


def _start_on(
    binary: ServerBinary,
    args: Collection[str],
    *,
    config: Mapping[str, str],
    port: int,
    directory: Path | None,
    cpus: Collection[int] | None,
    timeout: float,
) -> RunningServer:
    folder = directory or Path(tempfile.mkdtemp(prefix=f"{binary.name}-"))
    defaults = {"port": str(port), "bind": HOST, "dir": str(folder), "save": ""}
    argv = command_line(binary, args, {**defaults, **config})
    with _log_path(folder).open("ab") as log, _allowed_cpus(cpus):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    server = RunningServer(binary, process, port, folder, keep=directory is not None)
    try:
        _wait_until_up(server, process, time.monotonic() + timeout)
    except BaseException:
        server.stop()
        raise
    return server


@contextmanager
def _allowed_cpus(cpus: Collection[int] | None) -> Iterator[None]:
    """Lets the calling thread run on these CPUs only: a process started meanwhile inherits them, threads and all."""
    if cpus is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _wait_until_up(server: RunningServer, process: subprocess.Popen[bytes], deadline: float) -> None:
    while not _answers_ping(server, deadline):
        # Waiting for the process's end is what paces the polling, and notices a server that gave up.
        try:
            status = process.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            raise StartError(_failure(server, "did not answer PING in time")) from None
        raise StartError(_failure(server, f"ended with status {status}"))


def _answers_ping(server: RunningServer, deadline: float) -> bool:
    """Whether the server answers PING by PONG or asks for a password first; while it loads data it is not up."""
    try:
        with server.connect(timeout=max(deadline - time.monotonic(), _POLL_SECONDS)) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            reply = connection.recv(64)
    except OSError:
        return False
    return reply.startswith((b"+PONG", b"-NOAUTH"))


def _failure(server: RunningServer, what: str) -> str:
    words = " ".join(server.binary.argv)
    return f"{server.binary.name} ({words}) on port {server.port} {what}\n{server.log[-_LOG_TAIL_BYTES:]}"


def _log_path(directory: Path) -> Path:
    return directory / "server.log"


def _end(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
