"""redis-py's client-side cache works: it answers from memory, and hears of changes, expiry and flushes.

redis-py wants Redis 7.4 for it, although what it uses is in 6.0 already; its check of the version is relaxed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

from tests.integration.server_process import TIMEOUT_S, ServerProcess


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as process:
        yield process.ready()


@pytest.fixture
def plain(server: ServerProcess) -> Iterator[redis.Redis]:
    with server.client() as client:
        client.flushall()
        client.config_resetstat()
        yield client


@pytest.fixture
def caching(server: ServerProcess, plain: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    monkeypatch.setattr(CacheProxyConnection, "MIN_ALLOWED_VERSION", "7.2.0")
    options = {"socket_timeout": TIMEOUT_S, "single_connection_client": True}
    with redis.Redis(port=server.port, protocol=3, cache_config=CacheConfig(), **options) as client:
        yield client


def gets(plain: redis.Redis) -> int:
    """How many GETs have reached the server."""
    return int(plain.info("commandstats").get("cmdstat_get", {}).get("calls", 0))


def until(caching: redis.Redis, expected: bytes | None) -> None:
    """Reads the key until the cache has heard of its change."""
    deadline = time.monotonic() + TIMEOUT_S
    while (value := caching.get("key")) != expected:
        assert time.monotonic() < deadline, f"the cache still answers {value!r}"


def test_the_second_read_does_not_reach_the_server(plain: redis.Redis, caching: redis.Redis) -> None:
    plain.set("key", "value")
    assert [caching.get("key") for _ in range(5)] == [b"value"] * 5
    assert gets(plain) == 1


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (lambda client: client.set("key", "new"), b"new"),
        (lambda client: client.append("key", "+"), b"value+"),
        (lambda client: client.delete("key"), None),
        (lambda client: client.rename("key", "other"), None),
        (lambda client: client.pexpire("key", 1), None),
        (lambda client: client.flushall(), None),
        (lambda client: client.flushdb(), None),
    ],
    ids=["set", "append", "delete", "rename", "expiry", "flushall", "flushdb"],
)
def test_the_cache_hears_of_a_change(
    plain: redis.Redis, caching: redis.Redis, change: Callable[[redis.Redis], object], after: bytes | None
) -> None:
    plain.set("key", "value")
    assert caching.get("key") == b"value"
    assert caching.get("key") == b"value"
    change(plain)
    until(caching, after)


def test_changes_of_other_keys_leave_the_cache_alone(plain: redis.Redis, caching: redis.Redis) -> None:
    plain.mset({"key": "value", "other": "value"})
    assert caching.get("key") == b"value"
    plain.set("other", "new")
    assert caching.get("other") == b"new"
    assert caching.get("key") == b"value"
    assert gets(plain) == 2
