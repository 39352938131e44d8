"""Which sockets can be read from or written to: asked of the kernel for all of them at once.

    event loop ----> Poller.serve ----> Watched.on_readable, Watched.on_writable

The event loop keeps timers, signals and threads; sockets of clients and of listeners are watched here. On Linux one
epoll descriptor holds them all. That descriptor is readable itself while any of them has something to tell, and it is
all that the loop sees of them (`EpollPoller`). Elsewhere the loop watches every socket (`LoopPoller`).

Why not the loop's own transports: they are out of reach while a callback of the loop runs. A script that takes long is
such a callback; `busy` calls `serve` from within it, and everybody else is served as ever. What both cost is in
docs/design/hot-path.md.

Events are level-triggered: what is not dealt with is told again.
"""

import asyncio
import select
import selectors
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64, mypyc_attr

READ: Final = 1
WRITE: Final = 2
"""What a socket is watched for, as `selectors` numbers it; epoll has other numbers."""

MOST_EVENTS: Final = 256
"""Sockets served in a row, before timers get their turn."""

EPOLLIN: Final = 1
EPOLLOUT: Final = 4
"""Linux' numbers; `select` has these names only where there is epoll."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Watched:
    """Something with a descriptor.

    Attributes:
        fd: The descriptor.
        watched_for: READ and WRITE bits; 0 while it is not watched.
    """

    def __init__(self, fd: int) -> None:
        self.fd: int = fd
        self.watched_for: i64 = 0

    def on_readable(self) -> None:
        """There is something to read, to accept, or an error to find."""
        raise NotImplementedError

    def on_writable(self) -> None:
        """There is room to write, or an error to find."""
        raise NotImplementedError


class Rounds:
    """Who wants to know when sockets are served, so that what concerns all of them is done once."""

    def begin_round(self) -> None:
        """Some sockets are about to be served."""

    def end_round(self) -> None:
        """They have been."""


class Poller:
    """Watches sockets.

    Attributes:
        rounds: Is told when sockets are served: of each call of `serve`, and of each turn of the loop that serves any.
    """

    def __init__(self) -> None:
        self.rounds = Rounds()

    def watch(self, watched: Watched, events: int) -> None:
        """Watches a socket from now on. O(1).

        Args:
            watched: The socket.
            events: READ and WRITE bits; 0 for no longer, as has to be said before it is closed.
        """
        raise NotImplementedError

    def serve(self) -> None:
        """Serves the sockets that have something to tell now; does not wait.

        It may be called while it runs: whoever is met twice has nothing to tell the second time.
        """
        self.rounds.begin_round()
        try:
            self._serve_ready()
        finally:
            self.rounds.end_round()

    def _serve_ready(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Ends watching."""
        raise NotImplementedError


class EpollPoller(Poller):
    """A poller on an epoll descriptor of its own.

    Args:
        loop: Calls `serve` while there is something to do.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop: Final = loop
        self._epoll: Final = select.epoll()
        self._poll: Final[Callable[[float, int], list[tuple[i64, i64]]]] = self._epoll.poll
        self._watched: Final[list[Watched | None]] = []  # by descriptor: the kernel gives out the lowest that is free
        loop.add_reader(self._epoll.fileno(), self.serve)

    def watch(self, watched: Watched, events: int) -> None:
        """See `Poller`."""
        before = watched.watched_for
        if events == before:
            return
        watched.watched_for = events
        if events == 0:
            self._watched[watched.fd] = None
            self._epoll.unregister(watched.fd)
            return
        mask = (EPOLLIN if events & READ else 0) | (EPOLLOUT if events & WRITE else 0)
        if before == 0:
            while len(self._watched) <= watched.fd:
                self._watched.append(None)
            self._watched[watched.fd] = watched
            self._epoll.register(watched.fd, mask)
        else:
            self._epoll.modify(watched.fd, mask)

    def _serve_ready(self) -> None:
        watched = self._watched
        for fd, events in self._poll(0, MOST_EVENTS):
            each = watched[fd]
            if each is None:
                continue  # one that was served before has closed it
            # Errors and hang-ups come with neither bit, or both; whoever is watched for something gets to see them.
            if events != EPOLLIN and each.watched_for & WRITE:
                each.on_writable()
            if events != EPOLLOUT and each.watched_for & READ:
                each.on_readable()

    def close(self) -> None:
        """See `Poller`."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()


class LoopPoller(Poller):
    """A poller that leaves all sockets to the event loop.

    The loop calls for one socket after the other. What it is asked to do soon it does when all that were ready have had
    their turn, and before it looks for others: that is the end of the round.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._in_round = False
        self._loop: Final = loop
        self._watched: Final[dict[int, Watched]] = {}

    def watch(self, watched: Watched, events: int) -> None:
        """See `Poller`."""
        changed = watched.watched_for ^ events
        watched.watched_for = events
        if events == 0:
            self._watched.pop(watched.fd, None)
        else:
            self._watched[watched.fd] = watched
        if changed & READ:
            if events & READ:
                self._loop.add_reader(watched.fd, self._on_readable, watched)
            else:
                self._loop.remove_reader(watched.fd)
        if changed & WRITE:
            if events & WRITE:
                self._loop.add_writer(watched.fd, self._on_writable, watched)
            else:
                self._loop.remove_writer(watched.fd)

    def _on_readable(self, watched: Watched) -> None:
        self._begin_round()
        watched.on_readable()

    def _on_writable(self, watched: Watched) -> None:
        self._begin_round()
        watched.on_writable()

    def _begin_round(self) -> None:
        if not self._in_round:
            self._in_round = True
            self.rounds.begin_round()
            self._loop.call_soon(self._end_round)

    def _end_round(self) -> None:
        self._in_round = False
        self.rounds.end_round()

    def _serve_ready(self) -> None:
        """O(watched): only a script that takes long comes here."""
        with selectors.DefaultSelector() as selector:
            for watched in self._watched.values():
                selector.register(watched.fd, watched.watched_for)
            ready = selector.select(0)
        for key, events in ready:
            each = self._watched.get(key.fd)
            if each is not None and events & each.watched_for & WRITE:
                each.on_writable()
            if each is not None and events & each.watched_for & READ:
                each.on_readable()

    def close(self) -> None:
        """See `Poller`."""
        for watched in list(self._watched.values()):
            self.watch(watched, 0)
