"""RQ: jobs, dependent jobs, retries and failures, through two workers that fork for every job."""

import subprocess
import sys
import time
from typing import Any

from compat.applications.report import Tally, run_job
from compat.applications.rq_tasks import failing, square

TIMEOUT_SECONDS = 60
WORKER = "import sys, redis, rq; rq.Worker(['default'], connection=redis.Redis(port=int(sys.argv[1]))).work()"


def wait_for(jobs: list[Any], states: set[str]) -> list[str]:
    """Waits until all jobs are in one of the states; gives those they are in."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        found = [str(getattr(state := job.get_status(refresh=True), "value", state)) for job in jobs]
        if all(state in states for state in found) or time.monotonic() > deadline:
            return found


def one_round(queue: Any, first: int, tally: Tally) -> None:
    """Puts jobs of every kind in and compares all that comes out."""
    from rq import Retry  # noqa: PLC0415

    numbers = list(range(first, first + 10))
    jobs = [queue.enqueue(square, number) for number in numbers]
    dependent = queue.enqueue(square, 7, depends_on=jobs)
    failed = queue.enqueue(failing, first, retry=Retry(max=2))
    tally.compare("jobs", wait_for([*jobs, dependent], {"finished", "failed"}), ["finished"] * 11)
    tally.compare("results", [job.return_value() for job in jobs], [number * number for number in numbers])
    tally.compare("failure", wait_for([failed], {"failed"}), ["failed"])
    tally.add(12)


def job(port: int, seconds: float, tally: Tally) -> None:
    """Rounds until the time is over; then the workers are told to end."""
    import redis  # noqa: PLC0415
    from rq import Queue  # noqa: PLC0415

    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(port)], stdout=sys.stderr) for _ in range(2)]
    try:
        queue = Queue(connection=redis.Redis(port=port))
        rounds = 0
        for number in tally.until(seconds):
            one_round(queue, number * 100, tally)
            rounds += 1
        tally.compare("failed jobs kept", len(queue.failed_job_registry), rounds)
        tally.compare("jobs left", queue.count, 0)
    finally:
        for worker in workers:
            worker.terminate()
        tally.compare("the workers' ends", [worker.wait(TIMEOUT_SECONDS) for worker in workers], [0, 0])


if __name__ == "__main__":
    run_job(job)
