"""A client for what redis-benchmark does not send: transactions, MULTI, the same command ten times, EXEC.

50 connections, each with `pipeline` transactions under way. All replies of a transaction have the same bytes, so they
are compared as bytes and not parsed: the client costs as little as may be on the core beside the server.
"""

import random
import socket
import time
from contextlib import ExitStack
from typing import Final

from benchmarks.compare.connection import counting_template, encode
from benchmarks.compare.redis_benchmark import CONNECTIONS, ClientError, ClientReport
from benchmarks.compare.workloads import KEYSPACE, Command
from compat.servers import RunningServer

COMMANDS: Final = 10
"""How many commands stand between MULTI and EXEC."""

_SEED: Final = 1


def run(server: RunningServer, command: Command, *, requests: int, pipeline: int) -> ClientReport:
    """Runs `requests` transactions, each with its own random numbers.

    Args:
        server: where to.
        command: one of the ten, as in the table of workloads; its reply is `+OK`.
        requests: how many transactions in all, a multiple of 50 times `pipeline`.
        pipeline: transactions that a connection sends before it waits for their replies.

    Raises:
        ClientError: when a reply is not the expected one, or the server closes.
    """
    template, places = counting_template(command)
    template = (encode(("MULTI",)) + template * COMMANDS + encode(("EXEC",))) * pipeline
    numbers = random.Random(_SEED)
    expected = (b"+OK\r\n" + b"+QUEUED\r\n" * COMMANDS + b"*%d\r\n" % COMMANDS + b"+OK\r\n" * COMMANDS) * pipeline
    latencies: list[float] = []
    started = time.perf_counter()
    with ExitStack() as opened:
        connections = [opened.enter_context(server.connect()) for _ in range(CONNECTIONS)]
        for _ in range(requests // (CONNECTIONS * pipeline)):
            sent = []
            for connection in connections:
                drawn = numbers.choices(range(KEYSPACE), k=places * COMMANDS * pipeline)
                request = template % tuple(drawn)
                sent.append(time.perf_counter())
                connection.sendall(request)
            for connection, since in zip(connections, sent, strict=True):
                _expect(connection, expected)
                latencies.append(time.perf_counter() - since)
    elapsed = time.perf_counter() - started
    latencies.sort()
    p50, p99, p999 = (1000 * latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.99, 0.999))
    return ClientReport(requests, requests / elapsed, p50, p99, p999)


def _expect(connection: socket.socket, expected: bytes) -> None:
    """Reads the replies of what was sent, and nothing but them."""
    received = bytearray()
    while len(received) < len(expected):
        data = connection.recv(len(expected))
        if not data:
            raise ClientError("the server closed the connection")
        received += data
        if not expected.startswith(received):
            raise ClientError(f"unexpected reply: {bytes(received[:200])!r}")
