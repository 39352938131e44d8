"""The steps of the scenario, how a program reports them, and what the Python programs share.

A program gets the server's port as its first argument and goes through STEPS in this order. On standard output it
writes one line per step, `ok STEP` or `fail STEP WHAT`, and `restart` when the server shall be restarted; it goes on
when a line comes in on standard input. A step that a library has no feature for is left out. It ends with status 0.
"""

import sys
import traceback
from collections.abc import Coroutine
from typing import Final

STEPS: Final = (
    "strings",
    "binary",
    "hashes",
    "sorted_sets",
    "pipeline",
    "transaction",
    "publish_subscribe",
    "blocking_pop",
    "streams",
    "scan",
    "scripts",
    "large_value",
    "client_side_cache",
    "reconnect",
)
"""What every program goes through."""

ALL_BYTES: Final = bytes(range(256))
UNICODE: Final = "grüße 你好 \U0001f40d"
LARGE_BYTES: Final = 8 << 20


def check(found: object, expected: object) -> None:
    """Fails a step unless two values are equal."""
    if found != expected:
        raise AssertionError(f"{_short(found)} instead of {_short(expected)}")


def ask_for_restart() -> None:
    """Has the server restarted, and waits until it is back."""
    print("restart", flush=True)
    sys.stdin.readline()


def say(step: str, fault: BaseException | None = None) -> None:
    """Reports a step."""
    if fault is None:
        print("ok", step, flush=True)
        return
    traceback.print_exception(fault)
    print("fail", step, f"{type(fault).__name__}: {fault}".replace("\n", " ")[:300], flush=True)


def report(scenario: object, *, has_cache: bool = False) -> None:
    """Goes through the steps: the methods of an object that have their names."""
    for step in STEPS:
        if step == "client_side_cache" and not has_cache:
            continue
        try:
            getattr(scenario, step)()
        except Exception as error:  # noqa: BLE001 - whatever a library raises is what went wrong
            say(step, error)
        else:
            say(step)


async def report_async(scenario: object, *, has_cache: bool = False) -> None:
    """The same for coroutines."""
    for step in STEPS:
        if step == "client_side_cache" and not has_cache:
            continue
        try:
            action: Coroutine[object, object, None] = getattr(scenario, step)()
            await action
        except Exception as error:  # noqa: BLE001
            say(step, error)
        else:
            say(step)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else text[:200] + "..."
