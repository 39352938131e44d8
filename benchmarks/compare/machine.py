"""What a comparison ran on, and which core runs what."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pinning:
    """The CPUs of the servers and of the clients; None where nothing is pinned."""

    server: frozenset[int] | None
    client: frozenset[int] | None

    def describe(self) -> str:
        """One line for the report."""
        if self.server is None or self.client is None:
            return "server and client are not pinned to cores"
        return f"server on CPU {min(self.server)}, client on CPU {min(self.client)}"


def choose_pinning(cpus: set[int], *, wanted: bool) -> Pinning:
    """The first CPU for the server, the second for the client; nothing is pinned with fewer than two, or on request.

    Args:
        cpus: those that this process may run on.
        wanted: whether to pin at all.
    """
    if not wanted or len(cpus) < 2:
        return Pinning(None, None)
    first, second = sorted(cpus)[:2]
    return Pinning(frozenset({first}), frozenset({second}))


def pin_client(pinning: Pinning) -> None:
    """Moves this process, and with it the clients that it starts later, to the clients' CPU."""
    if pinning.client is not None:
        os.sched_setaffinity(0, pinning.client)


def describe() -> dict[str, str]:
    """Processor, core count, kernel and Python version, for the head of a report."""
    return {
        "processor": processor_name(Path("/proc/cpuinfo").read_text()) or platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def processor_name(cpuinfo: str) -> str | None:
    """The first `model name` in the text of /proc/cpuinfo; some architectures have none."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == "model name"), None)
