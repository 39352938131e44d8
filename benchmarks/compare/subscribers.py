"""Connections that listen to a channel while a workload publishes to it, and throw away what they hear.

They are drained by a thread of this process, which runs on the client's core beside redis-benchmark.
"""

import selectors
import socket
import threading
from contextlib import ExitStack
from typing import Final, Self

from benchmarks.compare.connection import encode
from benchmarks.compare.workloads import CHANNEL
from compat.servers import RunningServer

_READ_BYTES: Final = 262_144


class Subscribers:
    """A number of subscribed connections, from entering the context to leaving it."""

    def __init__(self, server: RunningServer, count: int) -> None:
        self._server = server
        self._count = count
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        if self._count == 0:
            return self
        with ExitStack() as opened:
            selector = opened.enter_context(selectors.DefaultSelector())
            for _ in range(self._count):
                selector.register(opened.enter_context(self._subscribed()), selectors.EVENT_READ)
            stopping, stop = socket.socketpair()
            opened.enter_context(stopping)
            selector.register(stopping, selectors.EVENT_READ)
            thread = threading.Thread(target=_drain, args=(selector, stopping), daemon=True)
            thread.start()
            opened.callback(thread.join)
            opened.enter_context(stop)
            self._cleanup = opened.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def _subscribed(self) -> socket.socket:
        connection = self._server.connect()
        connection.sendall(encode(("SUBSCRIBE", CHANNEL)))
        if not connection.recv(_READ_BYTES).startswith(b"*3"):
            raise ConnectionError("SUBSCRIBE was refused")
        return connection


def _drain(selector: selectors.BaseSelector, stopping: socket.socket) -> None:
    """Reads whatever arrives until the other end of `stopping` is closed."""
    while True:
        for key, _ in selector.select():
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            if connection is stopping:
                return
            if not connection.recv(_READ_BYTES):
                selector.unregister(connection)
