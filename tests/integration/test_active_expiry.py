"""Many keys that expire at the same moment leave memory by themselves. How fast is for `benchmarks.expiring` to say."""

from __future__ import annotations

import socket
import time

import pytest
import redis

from tests.integration.server_process import ServerProcess
from tests.integration.test_hostile_clients import connect

pytestmark = pytest.mark.server

KEYS_COMPILED = 1_000_000
KEYS_INTERPRETED = 20_000
BATCH = 500
SECONDS_AHEAD = (5, 20, 80, 320)
"""The deadline is so far ahead when loading begins; the later ones are for machines on which it takes longer."""
FEWEST_SLICES = 10
"""Expiry in one go would be one slice; with those of a millisecond it takes several hundred."""


def load(connection: socket.socket, keys: int, deadline_ms: int) -> None:
    """Sets keys that all expire at one Unix time in ms."""
    for first in range(0, keys, BATCH):
        requests = [
            b"*5\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$20\r\n%020d\r\n$4\r\nPXAT\r\n$13\r\n%d\r\n" % (n, n, deadline_ms)
            for n in range(first, first + BATCH)
        ]
        connection.sendall(b"".join(requests))
        missing = len(b"+OK\r\n") * BATCH
        while missing:
            missing -= len(connection.recv(missing))


def load_before_they_expire(port: int, client: redis.Redis, keys: int) -> int:
    """Sets keys with a deadline that is still ahead when the last is set; returns it."""
    for seconds in SECONDS_AHEAD:
        deadline_ms = int(time.time() * 1000) + seconds * 1000
        with connect(port) as connection:
            load(connection, keys, deadline_ms)
        if client.time()[0] * 1000 + 1000 < deadline_ms:
            return deadline_ms
        client.flushall()
        client.config_resetstat()
    raise AssertionError(f"{keys} keys could not be set in {SECONDS_AHEAD[-1]} s")


def test_keys_that_expire_at_one_moment_all_leave_memory_untouched() -> None:
    with ServerProcess("--save", "") as process, process.ready().client() as client:
        compiled = client.info("server")["hognose_build"] == "compiled"
        keys = KEYS_COMPILED if compiled else KEYS_INTERPRETED
        empty = client.info("memory")["used_memory"]
        deadline_ms = load_before_they_expire(process.port, client, keys)
        assert client.dbsize() == keys
        assert client.info("keyspace")["db0"]["expires"] == keys
        full = client.info("memory")["used_memory"]
        client.blpop("nothing", max(deadline_ms / 1000 - time.time(), 0.001))  # lets the deadline come
        while client.dbsize():
            pass
        stats = client.info("stats")
        assert stats["expired_keys"] == keys
        assert stats["keyspace_hits"] == stats["evicted_keys"] == 0
        assert stats["expired_time_cap_reached_count"] >= FEWEST_SLICES
        assert client.info("memory")["used_memory"] < empty + (full - empty) / 100
        assert "db0" not in client.info("keyspace")
