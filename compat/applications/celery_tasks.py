"""The tasks of the Celery application; what a worker imports. HOGNOSE_URL names the server."""

import os
from typing import Any

from celery import Celery

app = Celery("hognose", broker=os.environ["HOGNOSE_URL"], backend=os.environ["HOGNOSE_URL"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 600},
    task_acks_late=True,
    worker_prefetch_multiplier=4,
    worker_send_task_events=True,
    result_expires=3600,
)


@app.task  # type: ignore[untyped-decorator]
def square(number: int) -> int:
    """A task with a result."""
    return number * number


@app.task  # type: ignore[untyped-decorator]
def total(numbers: list[int]) -> int:
    """The end of a chord."""
    return sum(numbers)


@app.task(bind=True, max_retries=5)  # type: ignore[untyped-decorator]
def third_time_lucky(self: Any, number: int) -> int:
    """A task that fails twice; the broker keeps it until its time comes."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.05, exc=RuntimeError("not yet"))
    return number


@app.task  # type: ignore[untyped-decorator]
def failing(number: int) -> None:
    """A task whose result is an error."""
    raise ValueError(f"no {number}")
