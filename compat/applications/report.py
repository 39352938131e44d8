"""What the programs of the applications share: `PORT SECONDS` as arguments, and a line of JSON as the report.

    {"done": 450, "faults": []}

`done` counts the pieces of work whose outcome was seen and right; `faults` says what was lost or wrong.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator


class Tally:
    """What has been done and what was wrong."""

    def __init__(self) -> None:
        self.done = 0
        self.faults: list[str] = []

    def add(self, count: int) -> None:
        """Counts finished work."""
        self.done += count

    def compare(self, what: str, found: object, expected: object) -> None:
        """Notes a fault unless two values are equal."""
        if found != expected:
            self.faults.append(f"{what}: {str(found)[:200]} instead of {str(expected)[:200]}")

    def until(self, seconds: float) -> Iterator[int]:
        """Numbers of rounds, at least one, until the time is over or something went wrong."""
        end = time.monotonic() + seconds
        number = 0
        while number == 0 or (time.monotonic() < end and not self.faults):
            yield number
            number += 1


def run_job(job: Callable[[int, float, Tally], None]) -> None:
    """Runs a program's job with its arguments and reports."""
    tally = Tally()
    try:
        job(int(sys.argv[1]), float(sys.argv[2]), tally)
    except Exception as error:  # noqa: BLE001 - whatever an application raises is what went wrong
        traceback.print_exc()
        tally.faults.append(f"{type(error).__name__}: {error}"[:400])
    print(json.dumps({"done": tally.done, "faults": tally.faults}), flush=True)
