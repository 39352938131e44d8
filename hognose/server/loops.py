"""Which event loop runs the server, and who watches its sockets.

uvloop and epoll where they are there, asyncio's own loop otherwise. HOGNOSE_LOOP=asyncio is what remains on any system.
"""

import asyncio
import os
import select

from hognose.server.poller import EpollPoller, LoopPoller, Poller


def is_plain() -> bool:
    """Whether nothing but asyncio is wanted."""
    return os.environ.get("HOGNOSE_LOOP") == "asyncio"


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop."""
    if not is_plain():
        try:
            import uvloop  # noqa: PLC0415 - an optional dependency
        except ImportError:
            pass
        else:
            return uvloop.new_event_loop()
    return asyncio.SelectorEventLoop()  # Windows' default one does not tell of sockets


def loop_name(loop: asyncio.AbstractEventLoop) -> str:
    """The name for INFO multiplexing_api and the log: "uvloop" or "asyncio"."""
    return "uvloop" if type(loop).__module__.startswith("uvloop") else "asyncio"


def new_poller(loop: asyncio.AbstractEventLoop) -> Poller:
    """What watches the sockets of a server on a loop."""
    return EpollPoller(loop) if hasattr(select, "epoll") and not is_plain() else LoopPoller(loop)
