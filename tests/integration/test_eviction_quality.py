"""How well eviction keeps what is used: the hit ratio on a Zipf trace, beside a real server's.

The same trace goes to both as a cache would send it: GET, and on a miss SET. Both hold the same number of keys: as many
as the real server holds on average during the trace are what hognose's limit is measured with. The real server lives in
real time; hognose lives through the same seconds on a fake clock, so the access clocks of both tick equally often.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_left
from itertools import accumulate

import pytest

from compat.servers import install, start
from tests.inprocess import InProcessClient, InProcessServer
from tests.side_by_side import RealClient

KEYS = 8_000
CAPACITY = 1_000
REQUESTS = 60_000
SKEW = 0.9
VALUE = "x" * 100
ALLOWED_DIFFERENCE = 0.02
SIZE_EVERY = 500

pytestmark = pytest.mark.server


def zipf_trace(seed: int) -> list[str]:
    """Keys, the n-th most frequent with a probability of about 1 / n ** SKEW; ranks are spread over the names."""
    chance = random.Random(seed)
    weights = list(accumulate(1.0 / rank**SKEW for rank in range(1, KEYS + 1)))
    names = [f"key:{number}" for number in range(KEYS)]
    chance.shuffle(names)
    return [names[bisect_left(weights, chance.random() * weights[-1])] for _ in range(REQUESTS)]


def limit_to_capacity(client: RealClient | InProcessClient, policy: str, capacity: int) -> None:
    """Fills the cache with as many keys as it shall hold, and makes that its limit."""
    for number in range(capacity):
        client("SET", f"fill:{number}", VALUE)
    text = client("INFO", "memory")
    assert isinstance(text, bytes)
    used = next(line for line in text.split(b"\r\n") if line.startswith(b"used_memory:")).partition(b":")[2]
    assert client("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", used) == b"OK"


class Outcome:
    """What came of a trace: the hit ratio, and how many keys there were on average."""

    def __init__(self, hits: int, sizes: list[int]) -> None:
        self.ratio = hits / REQUESTS
        self.keys = sum(sizes) // len(sizes)


def look_up(client: RealClient | InProcessClient, key: str) -> bool:
    """One request of the cache; whether it was a hit."""
    if client("GET", key) is not None:
        return True
    client("SET", key, VALUE)
    return False


def size_of(client: RealClient | InProcessClient) -> int:
    size = client("DBSIZE")
    assert isinstance(size, int)
    return size


def run_real(client: RealClient, trace: list[str]) -> tuple[Outcome, float]:
    """The trace on the real server, and how many seconds it took."""
    hits = 0
    sizes: list[int] = []
    started = time.monotonic()
    for number, key in enumerate(trace):
        hits += look_up(client, key)
        if number % SIZE_EVERY == 0:
            sizes.append(size_of(client))
    return Outcome(hits, sizes), time.monotonic() - started


def run_ours(server: InProcessServer, client: InProcessClient, trace: list[str], seconds: float) -> Outcome:
    """The trace here, spread over as many seconds."""
    hits = 0
    passed_ms = 0
    sizes: list[int] = []
    for number, key in enumerate(trace):
        due_ms = int(number * seconds * 1000 / len(trace))
        if due_ms > passed_ms:
            server.clock.advance(due_ms - passed_ms)
            if due_ms // 100 != passed_ms // 100:
                server.server.cron.tick()
            passed_ms = due_ms
        hits += look_up(client, key)
        if number % SIZE_EVERY == 0:
            sizes.append(size_of(client))
    return Outcome(hits, sizes)


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_the_hit_ratio_is_that_of_a_real_server(policy: str) -> None:
    trace = zipf_trace(seed=20)
    with start(install("redis-7.0")) as real_server:
        real = RealClient(real_server)
        limit_to_capacity(real, policy, CAPACITY)
        theirs, seconds = run_real(real, trace)
        real.close()
    server = InProcessServer()
    client = server.client()
    limit_to_capacity(client, policy, theirs.keys)
    ours = run_ours(server, client, trace, seconds)
    assert abs(ours.keys - theirs.keys) <= theirs.keys // 20, (ours.keys, theirs.keys)
    assert ours.ratio >= theirs.ratio - ALLOWED_DIFFERENCE, (ours.ratio, theirs.ratio)
