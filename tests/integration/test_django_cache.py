"""Django's own Redis cache backend against a running server."""

from collections.abc import Iterator

import pytest
from django.core.cache.backends.redis import RedisCache

import hognose


@pytest.fixture
def cache() -> Iterator[RedisCache]:
    with hognose.Server(port=0) as server:
        cache = RedisCache(server.url, {"TIMEOUT": 300, "KEY_PREFIX": "site"})
        yield cache
        cache.close()


def test_djangos_cache_stores_counts_and_forgets(cache: RedisCache) -> None:
    assert cache.add("greeting", {"text": "hello"})
    assert not cache.add("greeting", "again")
    assert cache.get("greeting") == {"text": "hello"}
    cache.set("visits", 41)
    assert cache.incr("visits") == 42
    assert cache.decr("visits", 2) == 40
    assert cache.has_key("visits")
    assert cache.touch("visits", 10)
    assert not cache.touch("missing", 10)
    assert cache.delete("visits")
    assert cache.get("visits", "gone") == "gone"


def test_djangos_cache_handles_many_keys_at_once(cache: RedisCache) -> None:
    pages = {f"page:{number}": [number] * 3 for number in range(50)}
    assert cache.set_many(pages, timeout=60) == []
    assert cache.get_many(pages) == pages
    cache.delete_many(["page:1", "page:2"])
    assert len(cache.get_many(pages)) == 48
    cache.clear()
    assert cache.get_many(pages) == {}


def test_djangos_cache_expires_at_once_with_a_timeout_of_zero(cache: RedisCache) -> None:
    cache.set("key", "value", timeout=0)
    assert cache.get("key") is None
