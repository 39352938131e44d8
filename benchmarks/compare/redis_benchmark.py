"""redis-benchmark as the client: its command line, one run, and what its report says.

The full text report is read, because the CSV form leaves out the 99.9th percentile:

      40000 requests completed in 0.50 seconds
    ...
    99.902% <= 4.887 milliseconds (cumulative count 199808)
    ...
      throughput summary: 404040.41 requests per second
      latency summary (msec):
              avg       min       p50       p95       p99       max
            1.749     0.400     1.615     3.135     4.287     5.159

Source: redis-benchmark 7.0.15's output.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from benchmarks.compare.workloads import KEYSPACE, Command
from compat.servers import RunningServer

CONNECTIONS: Final = 50

# A run is ended when it takes this long: a server that hangs must not hang the comparison.
_TIMEOUT_SECONDS: Final = 600.0

_COMPLETED: Final = re.compile(r"^\s*(\d+) requests completed in", re.MULTILINE)
_THROUGHPUT: Final = re.compile(r"throughput summary: ([\d.]+) requests per second")
_PERCENTILE: Final = re.compile(r"^([\d.]+)% <= ([\d.]+) milliseconds", re.MULTILINE)
_SUMMARY: Final = re.compile(r"avg +min +p50 +p95 +p99 +max\s+([\d. ]+)")


class ClientError(Exception):
    """redis-benchmark failed or printed something unexpected; the message is what it said."""


@dataclass(frozen=True)
class ClientReport:
    """What the client saw of one run; latencies in milliseconds."""

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float


def client_path() -> str:
    """The client's path.

    Raises:
        ClientError: when it is not installed.
    """
    path = shutil.which("redis-benchmark")
    if path is None:
        raise ClientError("redis-benchmark is not on PATH; run: scripts/install-servers redis-7.0")
    return path


def client_version() -> str:
    """What the client prints about itself, such as `redis-benchmark 7.0.15`."""
    return subprocess.run([client_path(), "--version"], capture_output=True, text=True, check=True).stdout.strip()


def run(server: RunningServer, command: Command, *, requests: int, pipeline: int) -> ClientReport:
    """Sends a command `requests` times over 50 connections.

    Args:
        server: where to.
        command: as in the table of workloads.
        requests: how many in all.
        pipeline: requests that a connection sends before it waits for their replies.

    Raises:
        ClientError: when the client fails, for example because the server answers with an error.
    """
    options = ["-h", server.host, "-p", str(server.port), "-c", str(CONNECTIONS), "--precision", "3"]
    options += ["-r", str(KEYSPACE), "-n", str(requests), "-P", str(pipeline)]
    argv = [client_path(), *options, *command]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ClientError(f"no end after {_TIMEOUT_SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise ClientError(done.stderr.strip() or f"exit status {done.returncode}")
    return parse_report(done.stdout)


def parse_report(text: str) -> ClientReport:
    """Reads the client's report, progress lines and all.

    Raises:
        ClientError: when a figure is missing.
    """
    # Progress lines end in a carriage return only, and so would hide the line that follows them.
    lines = text.replace("\r", "\n")
    completed, throughput, summary = _COMPLETED.search(lines), _THROUGHPUT.search(lines), _SUMMARY.search(lines)
    tail = [float(ms) for percent, ms in _PERCENTILE.findall(lines) if float(percent) >= 99.9]
    if completed is None or throughput is None or summary is None or not tail:
        raise ClientError(f"unexpected report: {text[-400:]!r}")
    _, _, p50, _, p99, _ = (float(figure) for figure in summary.group(1).split())
    return ClientReport(int(completed.group(1)), float(throughput.group(1)), p50, p99, min(tail))
