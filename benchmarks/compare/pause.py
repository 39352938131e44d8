"""The longest pause while millions of keys are loaded, as another client feels it.

One process loads, pipelined, over one connection; this process sends PING after PING over a second one. The longest
round trip is the longest time the server was busy with something else: growing its table, collecting garbage, working
off a large read.

The loader and the pinger share the client's core, and the wait for that core must not count. So the pinger runs at
real-time priority (SCHED_FIFO) where that is allowed: it is scheduled as soon as its reply is there. What remains is
noise of the machine, which only ever adds: of several rounds the smallest is the server's own.
"""

import gc
import multiprocessing
import os
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Final

from benchmarks.compare.connection import Connection, encode
from benchmarks.compare.summary import percentile
from benchmarks.compare.workloads import KEY, STRING_VALUE
from compat.servers import RunningServer, ServerBinary, start

# Between two looks at whether the loader is done.
_PINGS_PER_LOOK: Final = 32
_PING: Final = encode(("PING",))
_PONG: Final = b"+PONG\r\n"
_NANOSECONDS_PER_MS: Final = 1e6
_READY: Final = "ready"
_START: Final = "start"
_DONE: Final = "done"


@dataclass(frozen=True)
class Pause:
    """What PING took while keys were loaded, in milliseconds.

    Attributes:
        keys: how many were loaded.
        seconds: how long that took.
        pings: how many were sent meanwhile.
        longest_ms: the three longest round trips, the longest first.
        p999_ms: the 99.9th percentile.
        real_time: whether the pinger had real-time priority.
    """

    keys: int
    seconds: float
    pings: int
    longest_ms: list[float]
    p999_ms: float
    real_time: bool


def measure(binary: ServerBinary, keys: int, cpus: Collection[int] | None) -> Pause:
    """Loads `keys` keys into a fresh server and pings it meanwhile.

    Raises:
        ConnectionError: when the loader or the server fails.
        StartError: when the server does not start.
    """
    with start(binary, cpus=cpus) as server:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        loader = context.Process(target=_load, args=(server.host, server.port, keys, theirs), daemon=True)
        loader.start()
        theirs.close()
        try:
            with _undisturbed() as real_time:
                started, round_trips = _ping_while_loading(server, ours)
        finally:
            loader.terminate()
            loader.join()
    return summarize(round_trips, keys, started, real_time=real_time)


def summarize(round_trips: Sequence[int], keys: int, seconds: float, *, real_time: bool) -> Pause:
    """Round trips in nanoseconds, as the figures that are reported."""
    ordered = sorted(round_trips)
    longest = [each / _NANOSECONDS_PER_MS for each in reversed(ordered[-3:])]
    p999 = percentile(ordered, 99.9) / _NANOSECONDS_PER_MS
    return Pause(keys, seconds, len(ordered), longest, p999, real_time)


def _load(host: str, port: int, keys: int, pipe: Pipe) -> None:
    """The loader's process: connects, says so, waits for the word to start, loads, says that it is done."""
    with Connection(socket.create_connection((host, port), timeout=60.0)) as connection:
        pipe.send(_READY)
        pipe.recv()
        connection.repeat(("SET", KEY, STRING_VALUE), keys)
        pipe.send(_DONE)


def _ping_while_loading(server: RunningServer, pipe: Pipe) -> tuple[float, list[int]]:
    """Starts the loader and pings until it is done; seconds that took, and every round trip in nanoseconds."""
    round_trips: list[int] = []
    with server.connect(timeout=60.0) as connection:
        _expect(pipe, _READY)
        pipe.send(_START)
        began = time.monotonic()
        while not pipe.poll():
            round_trips += [_ping(connection) for _ in range(_PINGS_PER_LOOK)]
        seconds = time.monotonic() - began
    _expect(pipe, _DONE)
    return seconds, round_trips


def _ping(connection: socket.socket) -> int:
    """One round trip, in nanoseconds."""
    sent = time.perf_counter_ns()
    connection.sendall(_PING)
    reply = connection.recv(64)
    took = time.perf_counter_ns() - sent
    if reply != _PONG:
        raise ConnectionError(f"PING was answered by {reply!r}")
    return took


def _expect(pipe: Pipe, word: str) -> None:
    """Takes the loader's next word, which is missing when the loader has failed."""
    try:
        received = pipe.recv()
    except EOFError:
        raise ConnectionError("the loader failed") from None
    assert received == word


@contextmanager
def _undisturbed() -> Iterator[bool]:
    """No garbage collection, and real-time priority; yields whether that priority was allowed."""
    gc.disable()
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        real_time = True
    except PermissionError:
        real_time = False
    try:
        yield real_time
    finally:
        if real_time:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        gc.enable()
