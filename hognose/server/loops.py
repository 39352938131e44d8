"""Which event loop runs the server: uvloop where it is installed, asyncio's own otherwise."""

import asyncio
import os


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop; HOGNOSE_LOOP=asyncio forbids uvloop."""
    if os.environ.get("HOGNOSE_LOOP") != "asyncio":
        try:
            import uvloop  # noqa: PLC0415 - an optional dependency
        except ImportError:
            pass
        else:
            return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def loop_name(loop: asyncio.AbstractEventLoop) -> str:
    """The name for INFO multiplexing_api and the log: "uvloop" or "asyncio"."""
    return "uvloop" if type(loop).__module__.startswith("uvloop") else "asyncio"
