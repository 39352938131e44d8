"""A server inside a Python program: in a thread and an event loop of its own, on a free port.

    with hognose.Server() as server:
        client = redis.Redis.from_url(server.url)

    async with hognose.Server(config={"maxmemory": "100mb"}) as server:
        ...

It takes nothing from the program around it: no signal handlers, no working directory, no limits, no standard output; it
ends with its `with` block, at the latest with the interpreter. Any number of them can run side by side. Directives that
concern a whole process (`daemonize` and such) are refused.

Being in the same process, server and client share one interpreter: for load, or for many cores, start `hognose` as a
process.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote as quote_url

from hognose.commands.context import DENY_BLOCKING, INTERNAL, Context
from hognose.config.directives import find
from hognose.config.errors import NO_CLUSTER, ConfigError
from hognose.config.kinds import encode, quote
from hognose.config.loader import load
from hognose.config.store import Config, WorkingDirectory
from hognose.errors import CommandError
from hognose.server.lifecycle import Lifecycle
from hognose.server.listeners import ListenError
from hognose.server.loops import new_event_loop
from hognose.server.server import Server as CoreServer

Setting = str | bytes | int | float
"""A directive's value: as in a configuration file, or as a number; True and False are yes and no."""

PROCESS_DIRECTIVES: Final = frozenset(
    {"appendonly", "daemonize", "supervised", "pidfile", "oom-score-adj", "server_cpulist", "syslog-enabled"}
)
"""What only a process of its own can have."""

NOT_EMBEDDED: Final = "this needs a server process of its own"


class StartError(Exception):
    """The server could not start; the text says why."""


class _OwnDirectory(WorkingDirectory):
    """A working directory that leaves the process' own alone."""

    def __init__(self) -> None:
        self._path = str(Path.cwd())

    def current(self) -> str:
        return self._path

    def enter(self, path: str) -> None:
        place = (Path(self._path) / path).resolve()
        place.stat()
        if not place.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(place))
        self._path = str(place)


class Server:
    """A server in this process.

    Args:
        port: TCP port on 127.0.0.1; 0 for a free one, None for none.
        unix_socket: Path of a unix socket to listen on as well.
        config: Further directives. Names may be written with underscores.

    Raises:
        ConfigError: A directive does not exist or its value is wrong.
    """

    def __init__(
        self,
        port: int | None = 0,
        *,
        unix_socket: str | PathLike[str] | None = None,
        config: Mapping[str, Setting] | None = None,
    ) -> None:
        self._any_port: Final = port == 0
        self._config: Final = Config(_OwnDirectory())
        settings = {_directive_name(name): value for name, value in (config or {}).items()}
        for name in sorted(PROCESS_DIRECTIVES & set(settings)):
            raise ConfigError(f"{name}: {NOT_EMBEDDED}")
        lines: dict[str, Setting] = {"bind": "127.0.0.1", "save": ""}
        if "logfile" not in settings:
            lines["loglevel"] = "nothing"
        lines |= settings
        lines["port"] = port or 0
        if unix_socket is not None:
            lines["unixsocket"] = fspath(unix_socket)
        load(self._config, options=b"\n".join(_line(name, value) for name, value in lines.items()))
        if self._config.settings.cluster_enabled:
            raise ConfigError(NO_CLUSTER)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._core: CoreServer | None = None
        self._is_ending = False

    # Where it is

    @property
    def host(self) -> str:
        """The address clients connect to."""
        first = self._config.settings.bind[0].removeprefix("-") if self._config.settings.bind else ""
        return {"*": "127.0.0.1", "::*": "::1", "0.0.0.0": "127.0.0.1"}.get(first, first)

    @property
    def port(self) -> int:
        """The TCP port; 0 where there is none, or where a free one is yet to be found by `start`."""
        return self._config.settings.port

    @property
    def unix_socket(self) -> str | None:
        """The path of the unix socket; None where there is none."""
        return self._config.settings.unixsocket or None

    @property
    def url(self) -> str:
        """The URL that client libraries take, with the password if one is set."""
        settings = self._config.settings
        secret = quote_url(settings.requirepass, safe="")
        password = f":{secret}@" if secret else ""
        if settings.port == 0 and settings.unixsocket:
            return f"unix://{password}{quote_url(settings.unixsocket)}?db=0"
        host = f"[{self.host}]" if ":" in self.host else self.host
        if settings.port == 0 and settings.tls_port:
            return f"rediss://{password}{host}:{settings.tls_port}/0"
        return f"redis://{password}{host}:{settings.port}/0"

    # Start and end

    def start(self) -> Self:
        """Starts the server; returns when clients can connect. `with` does this.

        Raises:
            StartError: It cannot listen.
        """
        if self._thread is not None:
            raise RuntimeError("this server has been started before")
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="hognose", daemon=True)
        self._thread.start()
        try:
            started.result()
        except BaseException:
            self._thread.join()
            raise
        atexit.register(self.close)
        return self

    def close(self) -> None:
        """Disconnects all clients and ends the server; its data is gone. `with` does this. Harmless when repeated."""
        atexit.unregister(self.close)
        thread = self._thread
        loop = self._loop
        if thread is None or loop is None:
            return
        with contextlib.suppress(RuntimeError):  # after SHUTDOWN the loop is closed already
            loop.call_soon_threadsafe(self._stop)
        thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def _run(self, started: Future[None]) -> None:
        """What the thread does from beginning to end."""
        loop = new_event_loop()
        try:
            lifecycle = self._listen(loop)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            started.set_exception(error)
            return
        loop.call_soon(started.set_result, None)
        loop.run_forever()
        self._is_ending = True
        _end(loop, lifecycle)

    def _stop(self) -> None:
        """Ends the thread, in the thread; unless SHUTDOWN was quicker."""
        if not self._is_ending and self._loop is not None:
            self._loop.stop()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> Lifecycle:
        core = CoreServer(self._config)
        core.log_file.to_file(self._config.settings.logfile)
        for name in ("oom-score-adj", "oom-score-adj-values"):
            core.config.on_change(name, _refuse)
        reason = core.acl.load_at_start()
        if reason:
            raise StartError(reason)
        lifecycle = Lifecycle(core, loop)
        try:
            lifecycle.start(self._any_port)
        except ListenError as error:
            raise StartError(str(error)) from error
        if not lifecycle.listens():
            raise StartError("neither a port nor a unix socket to listen on")
        self._core = core
        self._loop = loop
        return lifecycle

    # Commands without a connection

    def execute(self, *args: str | bytes | float) -> object:
        """Runs one command in the server and returns its reply, without a client library or a connection.

        Args:
            args: The command and its arguments. It must not be one that waits for something to happen.

        Returns:
            The reply as Python values, RESP3's where they are richer; strings are bytes.

        Raises:
            CommandError: The command failed.
        """
        core, loop = self._core, self._loop
        if core is None or loop is None or loop.is_closed():
            raise RuntimeError("the server is not running")
        argv = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        return _read_reply(_call(loop, lambda: _execute(core, argv)))

    def flush(self) -> None:
        """Removes all keys of all databases."""
        self.execute("FLUSHALL")


def _refuse() -> str:
    return NOT_EMBEDDED


def _directive_name(name: str) -> str:
    """The directive meant by a name that may be written with underscores."""
    return name if find(encode(name)) is not None else name.replace("_", "-")


def _line(name: str, value: Setting) -> bytes:
    """A directive as a line of a configuration."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return encode(name) + b" " + quote(value if isinstance(value, bytes) else encode(str(value)))


def _call(loop: asyncio.AbstractEventLoop, action: Callable[[], bytes]) -> bytes:
    """Runs something in the loop's thread and returns what it returns."""
    done: Future[bytes] = Future()

    def run() -> None:
        try:
            done.set_result(action())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            done.set_exception(error)

    loop.call_soon_threadsafe(run)
    return done.result()


def _execute(core: CoreServer, argv: list[bytes]) -> bytes:
    """Runs a command for an internal client; returns the encoded reply."""
    core.clock.read()
    ctx = Context(core, 0)
    ctx.resp = 3
    ctx.flags |= INTERNAL | DENY_BLOCKING
    core.dispatcher.execute(ctx, argv)
    core.flush_waiting()
    return ctx.out.getvalue()


def _read_reply(reply: bytes) -> object:
    """The Python values of an encoded reply."""
    import hiredis  # noqa: PLC0415 - only needed here

    reader = hiredis.Reader()
    reader.feed(reply)
    value: object = reader.gets()
    if isinstance(value, hiredis.ReplyError):
        raise CommandError(str(value))
    return value


def _end(loop: asyncio.AbstractEventLoop, lifecycle: Lifecycle) -> None:
    """Closes all sockets and then the loop, giving it the turns it needs to let go of them."""
    lifecycle.stop()
    loop.run_until_complete(asyncio.sleep(0))
    lifecycle.abort_clients()
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
