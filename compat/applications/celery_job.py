"""Celery: groups, chords, retries and failures, through a worker with two processes, with results in the server."""

import os
import subprocess
import sys
from typing import Any

from compat.applications.report import Tally, run_job

TIMEOUT_SECONDS = 60


def start_worker() -> "subprocess.Popen[bytes]":
    """A worker as an operator starts it."""
    argv = [sys.executable, "-m", "celery", "-A", "compat.applications.celery_tasks", "worker"]
    options = ["--concurrency", "2", "--loglevel", "WARNING", "--hostname", "one@localhost"]
    return subprocess.Popen([*argv, *options], stdout=sys.stderr)


def one_round(first: int, tally: Tally) -> None:
    """Puts tasks of every kind in and compares all that comes out."""
    from celery import chord, group  # noqa: PLC0415 - after HOGNOSE_URL is set

    from compat.applications.celery_tasks import failing, square, third_time_lucky, total  # noqa: PLC0415

    numbers = list(range(first, first + 20))
    squares: Any = group(square.s(number) for number in numbers).apply_async()
    sums: Any = chord((square.s(number) for number in numbers), total.s()).apply_async()
    lucky = [third_time_lucky.delay(number) for number in numbers[:3]]
    failed = failing.delay(first)
    expected = [number * number for number in numbers]
    tally.compare("group", squares.get(timeout=TIMEOUT_SECONDS), expected)
    tally.compare("chord", sums.get(timeout=TIMEOUT_SECONDS), sum(expected))
    tally.compare("retries", [task.get(timeout=TIMEOUT_SECONDS) for task in lucky], numbers[:3])
    tally.compare("failure", repr(failed.get(timeout=TIMEOUT_SECONDS, propagate=False)), f"ValueError('no {first}')")
    tally.add(20 + 21 + 3 + 1)


def job(port: int, seconds: float, tally: Tally) -> None:
    """Rounds until the time is over; then the worker is told to end."""
    os.environ["HOGNOSE_URL"] = f"redis://127.0.0.1:{port}/0"
    worker = start_worker()
    try:
        for number in tally.until(seconds):
            one_round(number * 100, tally)
    finally:
        worker.terminate()
        tally.compare("the worker's end", worker.wait(TIMEOUT_SECONDS), 0)
    import redis  # noqa: PLC0415

    with redis.Redis(port=port) as client:
        tally.compare("tasks left in the queue", client.llen("celery"), 0)
        tally.compare("tasks left unacknowledged", client.hlen("unacked"), 0)


if __name__ == "__main__":
    run_job(job)
