"""Random members are drawn alike, whatever the encoding and however many at once: chi-square over many draws.

For draws of different members the statistic is smaller than for independent ones, so the same bound holds. The
generator is seeded; the order of a hash table, which differs from process to process, decides as well, so the bound is
passed by chance once in a million runs.
"""

from __future__ import annotations

import pytest

from tests.inprocess import InProcessClient, InProcessServer

MEMBERS = 40
DRAWS = 4_000
BOUND = 95.0
"""Chi-square with 39 degrees of freedom is above it with a probability of 1e-6."""

COMMANDS = {"set": "SRANDMEMBER", "hash": "HRANDFIELD", "zset": "ZRANDMEMBER"}
ENCODINGS = [
    ("set", "intset"),
    ("set", "listpack"),
    ("set", "hashtable"),
    ("hash", "listpack"),
    ("hash", "hashtable"),
    ("zset", "listpack"),
    ("zset", "skiplist"),
]


def names(encoding: str) -> list[str]:
    """Members that make the encoding, with the settings of `filled`."""
    return [str(number) if encoding == "intset" else f"member:{number}" for number in range(MEMBERS)]


def filled(kind: str, encoding: str) -> InProcessClient:
    """A client of a server with such a value at `key`."""
    server = InProcessServer()
    server.server.random.seed(11)
    client = server.client()
    if encoding in {"hashtable", "skiplist"}:
        client("CONFIG", "SET", f"{kind}-max-listpack-entries", "1")
    words = names(encoding)
    if kind == "set":
        client("SADD", "key", *words)
    elif kind == "hash":
        client("HSET", "key", *[word for name in words for word in (name, "value")])
    else:
        client("ZADD", "key", *[word for number, name in enumerate(words) for word in (number, name)])
    assert client("OBJECT", "ENCODING", "key") == encoding.encode()
    return client


def chi_square(drawn: list[bytes], encoding: str) -> float:
    counts = dict.fromkeys(names(encoding), 0)
    for member in drawn:
        counts[member.decode()] += 1
    expected = len(drawn) / MEMBERS
    return sum((count - expected) ** 2 / expected for count in counts.values())


@pytest.mark.parametrize(("kind", "encoding"), ENCODINGS)
@pytest.mark.parametrize("count", [1, 5, 30, -1, -50])
def test_every_member_is_as_likely_as_any_other(kind: str, encoding: str, count: int) -> None:
    client = filled(kind, encoding)
    drawn: list[bytes] = []
    while len(drawn) < DRAWS:
        reply = client(COMMANDS[kind], "key", count)
        assert isinstance(reply, list)
        assert len(reply) == abs(count)
        assert count < 0 or len(set(reply)) == count
        drawn.extend(reply)
    assert chi_square(drawn, encoding) < BOUND


@pytest.mark.parametrize("encoding", ["intset", "listpack", "hashtable"])
@pytest.mark.parametrize("count", [1, 5, 30])
def test_spop_takes_every_member_as_often(encoding: str, count: int) -> None:
    client = filled("set", encoding)
    drawn: list[bytes] = []
    while len(drawn) < DRAWS // 2:
        client("COPY", "key", "victim", "REPLACE")
        reply = client("SPOP", "victim", count)
        assert isinstance(reply, list)
        assert len(set(reply)) == count
        assert client("SCARD", "victim") == MEMBERS - count
        drawn.extend(reply)
    assert chi_square(drawn, encoding) < BOUND
