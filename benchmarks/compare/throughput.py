"""Throughput, server CPU and latency, by workload and pipeline depth.

All servers are up at once, and one is driven at a time: round by round, in each round every server in turn, so that a
machine that gets slower in the meantime gets slower for all. Before every run a server is emptied and filled.

The CPU time of a run is the difference of two readings of /proc/PID/stat, which counts in ticks of mostly 10 ms. So the
number of requests is chosen such that the quickest server needs `cpu_seconds` for them: 1 s makes a tick 1%.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.compare import redis_benchmark, transactions
from benchmarks.compare.connection import CommandFailedError, Connection
from benchmarks.compare.redis_benchmark import CONNECTIONS, ClientError
from benchmarks.compare.subscribers import Subscribers
from benchmarks.compare.workloads import Workload
from compat.servers import RunningServer

_PILOT_REQUESTS: Final = 8_000
_PILOT_GROWTH: Final = 4
_PILOT_CPU_SECONDS: Final = 0.1
_MICROSECONDS: Final = 1e6


@dataclass(frozen=True)
class Sample:
    """One run of one server; CPU in microseconds per command, latencies in milliseconds."""

    requests: int
    requests_per_second: float
    user_us: float
    system_us: float
    p50_ms: float
    p99_ms: float
    p999_ms: float

    @property
    def cpu_us(self) -> float:
        """User and system time per command, in microseconds."""
        return self.user_us + self.system_us

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the whole run, in seconds."""
        return self.cpu_us * self.requests / _MICROSECONDS


@dataclass(frozen=True)
class Cell:
    """All runs of one workload at one pipeline depth.

    Attributes:
        workload: its name.
        pipeline: the depth.
        samples: by server, one per round, in the order of the rounds.
        failures: by server that could not do it, why.
    """

    workload: str
    pipeline: int
    samples: dict[str, list[Sample]]
    failures: dict[str, str]


@dataclass(frozen=True)
class Plan:
    """How much to run: `requests` per run, or as many as take the quickest server `cpu_seconds`."""

    rounds: int
    cpu_seconds: float
    requests: int | None = None


def measure(servers: Mapping[str, RunningServer], workload: Workload, pipeline: int, plan: Plan) -> Cell:
    """Runs one workload at one depth on all servers, in interleaved rounds.

    A server that fails is left out of the rounds that follow, and the others go on.
    """
    cell = Cell(workload.name, pipeline, {}, {})
    requests = plan.requests or _choose_requests(servers, workload, cell, plan.cpu_seconds)
    requests = round_up(requests, CONNECTIONS * pipeline)
    for _ in range(plan.rounds):
        for name in servers:
            sample = _attempt(servers[name], workload, cell, requests)
            if sample is not None:
                cell.samples.setdefault(name, []).append(sample)
    return cell


def run_once(server: RunningServer, workload: Workload, pipeline: int, requests: int) -> Sample:
    """Empties and fills the server, then measures one run.

    Raises:
        ClientError, CommandFailedError, OSError: when the server refuses a command or is gone.
    """
    prepare(server, workload, requests)
    with Subscribers(server, workload.subscribers):
        before = server.cpu_times()
        client = transactions if workload.transaction else redis_benchmark
        report = client.run(server, workload.command, requests=requests, pipeline=pipeline)
        cpu = server.cpu_times().since(before)
    return Sample(
        requests=report.requests,
        requests_per_second=report.requests_per_second,
        user_us=cpu.user / report.requests * _MICROSECONDS,
        system_us=cpu.system / report.requests * _MICROSECONDS,
        p50_ms=report.p50_ms,
        p99_ms=report.p99_ms,
        p999_ms=report.p999_ms,
    )


def prepare(server: RunningServer, workload: Workload, requests: int) -> None:
    """Leaves exactly the workload's fills in the server."""
    with Connection(server.connect(timeout=60.0)) as connection:
        connection.call("FLUSHALL", "SYNC")
        for fill in workload.fills:
            connection.repeat(fill.command, requests if fill.count is None else fill.count)


def round_up(requests: int, step: int) -> int:
    """The next multiple of `step`: then every connection sends whole pipelines and no request goes uncounted."""
    return -(-requests // step) * step


def _choose_requests(servers: Mapping[str, RunningServer], workload: Workload, cell: Cell, cpu_seconds: float) -> int:
    """How many requests take the quickest server about `cpu_seconds`: runs grow until their CPU time can be trusted."""
    chosen = 1
    for server in servers.values():
        requests = round_up(_PILOT_REQUESTS, CONNECTIONS * cell.pipeline)
        pilot = _attempt(server, workload, cell, requests)
        while pilot is not None and pilot.cpu_seconds < _PILOT_CPU_SECONDS:
            requests *= _PILOT_GROWTH
            pilot = _attempt(server, workload, cell, requests)
        if pilot is not None:
            chosen = max(chosen, math.ceil(requests * cpu_seconds / pilot.cpu_seconds))
    return chosen


def _attempt(server: RunningServer, workload: Workload, cell: Cell, requests: int) -> Sample | None:
    """One run, or None for a server that fails it or has failed before; the reason is kept in the cell."""
    name = server.binary.name
    if name in cell.failures:
        return None
    try:
        return run_once(server, workload, cell.pipeline, requests)
    except (ClientError, CommandFailedError, OSError) as error:
        cell.failures[name] = str(error)
        return None
