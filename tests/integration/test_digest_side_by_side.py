"""DEBUG DIGEST computes what real servers compute, for every type, in every encoding."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from compat.dataset import DATABASES, Traits, fill
from compat.servers import install, start
from tests.inprocess import InProcessServer
from tests.side_by_side import Argument, RealClient, SideBySide

pytestmark = pytest.mark.server

COMPACT = {
    "hash-max-listpack-entries": ("512", "0"),
    "list-max-listpack-size": ("-2", "1"),
    "set-max-intset-entries": ("512", "0"),
    "zset-max-listpack-entries": ("128", "0"),
    "stream-node-max-entries": ("100", "1"),
}
SCORES = [
    "0",
    "-0",
    "inf",
    "-inf",
    "0.1",
    "1e300",
    "5e-324",
    "-2.5",
    "3",
    "9007199254740993",
    "1e22",
    "12345678901234567",
]


def debuggable() -> InProcessServer:
    server = InProcessServer()
    server.server.settings.enable_debug_command = "yes"
    return server


@pytest.fixture(params=["redis-7.0", "redis-8.2", "valkey-9.1"])
def pair(request: pytest.FixtureRequest) -> Iterator[SideBySide]:
    with start(install(request.param), "--enable-debug-command", "yes") as running:
        real = RealClient(running)
        yield SideBySide(debuggable(), real)
        real.close()


def compare(pair: SideBySide) -> None:
    """Compares the digests of everything, and of each key."""
    for index in DATABASES:
        pair("SELECT", index)
        keys = pair.real("KEYS", "*")
        assert isinstance(keys, list)
        for key in sorted(keys):
            pair("DEBUG", "DIGEST-VALUE", key)
    digest = pair("DEBUG", "DIGEST")
    assert digest != b"0" * 40
    pair("SELECT", 0)


@pytest.mark.parametrize("is_compact", [True, False])
def test_the_digest_of_every_type_is_that_of_the_real_server(pair: SideBySide, is_compact: bool) -> None:
    for name, values in COMPACT.items():
        pair("CONFIG", "SET", name, values[0 if is_compact else 1])

    def ask(*words: Argument) -> object:
        pair.real(*words)
        return pair.client(*words)

    fill(ask, Traits(10, functions=False))
    for index in DATABASES if has_long_scores(pair) else ():
        pair("SELECT", index)
        pair("DEL", "zset:small", "zset:large")
    compare(pair)


def has_long_scores(pair: SideBySide) -> bool:
    """Whether the real server prints all scores with 17 digits, as 7.0 does."""
    pair.real("ZADD", "probe", "0.1", "m")
    score = pair.real("ZINCRBY", "probe", "0.1", "m")
    pair.real("DEL", "probe")
    return score != b"0.2"


def test_scores_are_hashed_with_the_digits_that_7_2_prints() -> None:
    random = Random(1)
    scores = [
        *SCORES,
        *(repr(random.uniform(-1e6, 1e6)) for _ in range(200)),
        *(f"1{'0' * zeros}" for zeros in range(25)),
    ]
    with start(install("redis-8.2"), "--enable-debug-command", "yes") as running:
        real = RealClient(running)
        pair = SideBySide(debuggable(), real)
        for entries in ("500", "0"):
            pair("CONFIG", "SET", "zset-max-listpack-entries", entries)
            for index, score in enumerate(scores):
                pair("ZADD", f"z{entries}", score, f"member {index}")
            pair("ZINCRBY", f"z{entries}", "0.1", "member 4")
        compare(pair)
        real.close()


def test_numbers_are_hashed_as_their_text_and_deadlines_as_a_mark(pair: SideBySide) -> None:
    pair("SET", "number", "12345")
    pair("RPUSH", "list", "1", "-1", "127", "128", "9223372036854775807", "-9223372036854775808", "01", "")
    pair("SADD", "set", "1", "-1", "70000", "9223372036854775807")
    pair("HSET", "hash", "1", "2", "-70000", "", "", "x")
    pair("XADD", "stream", "18446744073709551615-1", "1", "2", "a", "")
    pair("XADD", "deleted", "1-1", "a", "b")
    pair("XDEL", "deleted", "1-1")
    pair("XGROUP", "CREATE", "stream", "group", "0")
    for key in ("number", "list", "set", "hash", "stream", "deleted"):
        pair("COPY", key, f"{key} that expires")
        pair("EXPIRE", f"{key} that expires", 100_000)
    pair("SELECT", 9)
    pair("SET", "number", "12345")
    compare(pair)


def test_fields_with_a_deadline_are_marked() -> None:
    with start(install("redis-8.2"), "--enable-debug-command", "yes") as running:
        real = RealClient(running)
        pair = SideBySide(debuggable(), real)
        for entries in ("512", "1"):
            pair("CONFIG", "SET", "hash-max-listpack-entries", entries)
            pair("HSET", f"h{entries}", "a", "1", "b", "2", "c", "3")
            pair("HEXPIRE", f"h{entries}", 100_000, "FIELDS", 2, "a", "c")
        compare(pair)
        real.close()
