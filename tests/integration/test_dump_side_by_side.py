"""DUMP on one server, RESTORE on the other, both ways, for every type and encoding; and what RESTORE refuses."""

from collections.abc import Iterator

import pytest

from compat.servers import install, start
from tests.inprocess import InProcessServer
from tests.side_by_side import Argument, RealClient, SideBySide, plain

pytestmark = pytest.mark.server

Commands = list[tuple[Argument, ...]]


@pytest.fixture(scope="module")
def real() -> Iterator[RealClient]:
    with start(install("redis-7.0")) as running:
        client = RealClient(running)
        yield client
        client.close()


@pytest.fixture
def pair(real: RealClient) -> SideBySide:
    real("FLUSHALL")
    for kind, entries in (("hash", "512"), ("zset", "128")):
        real("CONFIG", "SET", f"{kind}-max-listpack-entries", entries, f"{kind}-max-listpack-value", "64")
    server = InProcessServer()
    pair = SideBySide(server, real)
    pair.client("CONFIG", "SET", "rdb-version", "10")
    return pair


MANY = range(600)
GROUP: Commands = [
    *[("XADD", "k", f"{index}-{index}", "f", f"value{index}", "n", index) for index in range(1, 250)],
    ("XDEL", "k", "7-7"),
    ("XADD", "k", "300-0", "other", "x"),
    ("XGROUP", "CREATE", "k", "g", "0"),
    ("XGROUP", "CREATE", "k", "late", "$"),
    ("XREADGROUP", "GROUP", "g", "alice", "COUNT", "3", "STREAMS", "k", ">"),
    ("XREADGROUP", "GROUP", "g", "bob", "COUNT", "2", "STREAMS", "k", ">"),
]
VALUES: dict[str, Commands] = {
    "small integer": [("SET", "k", "7")],
    "integer of 16 bits": [("SET", "k", "-30000")],
    "integer of 32 bits": [("SET", "k", "2000000000")],
    "integer of 64 bits": [("SET", "k", "-9223372036854775808")],
    "short text": [("SET", "k", "hello")],
    "long text": [("SET", "k", bytes(range(256)) * 3 + b"a" * 20000)],
    "empty text": [("SET", "k", "")],
    "grown text": [("SET", "k", "5"), ("APPEND", "k", "0 is fifty")],
    "small list": [("RPUSH", "k", "a", "12", "-5000000000", "b" * 5000)],
    "large list": [("RPUSH", "k", *[f"element {index}" * 20 for index in MANY])],
    "intset": [("SADD", "k", "1", "-70000", "3")],
    "wide intset": [("SADD", "k", "1", "9223372036854775807")],
    "large set": [("SADD", "k", *[f"member {index}" for index in MANY])],
    "small hash": [("HSET", "k", "f", "v", "1", "2", "empty", "")],
    "large hash": [("HSET", "k", *[part for index in MANY for part in (f"f{index}", index)])],
    "small sorted set": [("ZADD", "k", "1.5", "a", "-inf", "b", "3", "c", str(2**52 + 0.5), "d")],
    "large sorted set": [("ZADD", "k", *[part for index in MANY for part in (index / 4, f"m{index}")])],
    "stream": GROUP,
    "emptied stream": [("XADD", "k", "5-1", "a", "b"), ("XDEL", "k", "5-1")],
}
UNORDERED: dict[object, Commands] = {b"set": [("SMEMBERS", "k")], b"hash": [("HKEYS", "k"), ("HVALS", "k")]}
READ: dict[object, Commands] = {
    b"string": [("GET", "k")],
    b"list": [("LRANGE", "k", 0, -1)],
    b"set": [("SCARD", "k")],
    b"hash": [("HLEN", "k")],
    b"zset": [("ZRANGE", "k", 0, -1, "WITHSCORES")],
    b"stream": [("XRANGE", "k", "-", "+"), ("XINFO", "STREAM", "k"), ("XINFO", "GROUPS", "k")],
}


def compare(pair: SideBySide) -> None:
    """Compares type, encoding and content of the key on both servers."""
    kind = pair("TYPE", "k")
    if kind not in (b"string", b"list", b"stream"):  # a string that grew is short again where it is loaded
        pair("OBJECT", "ENCODING", "k")
    for command in UNORDERED.get(kind, []):
        theirs, ours = pair.real(*command), pair.client(*command)
        assert isinstance(theirs, list)
        assert isinstance(ours, list)
        assert sorted(theirs) == sorted(ours)
    for command in READ[kind]:
        if command[:2] != ("XINFO", "STREAM"):
            pair(*command)
            continue
        theirs, ours = pair.real(*command), pair.client(*command)
        assert isinstance(theirs, list)
        assert isinstance(ours, list)
        skipped = {b"radix-tree-keys", b"radix-tree-nodes"}
        assert [row for row in zip(theirs[::2], theirs[1::2], strict=True) if row[0] not in skipped] == [
            row for row in zip(ours[::2], ours[1::2], strict=True) if row[0] not in skipped
        ]


@pytest.mark.parametrize("name", VALUES)
def test_what_the_real_server_dumps_is_restored_here(pair: SideBySide, name: str) -> None:
    for command in VALUES[name]:
        pair.real(*command)
    payload = pair.real("DUMP", "k")
    assert isinstance(payload, bytes)
    assert pair.client("RESTORE", "k", "0", payload) == b"OK"
    compare(pair)


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("version", ["9", "10"])
@pytest.mark.parametrize("name", VALUES)
def test_what_is_dumped_here_is_restored_by_the_real_server(
    pair: SideBySide, name: str, version: str, compression: str
) -> None:
    if version == "9" and "stream" in name:
        version = "10"  # version 9 does not hold all that is compared
    pair.client("CONFIG", "SET", "rdb-version", version, "rdbcompression", compression)
    for command in VALUES[name]:
        pair.client(*command)
    payload = pair.client("DUMP", "k")
    assert isinstance(payload, bytes)
    assert plain(pair.real("RESTORE", "k", "0", payload)) == b"OK"
    compare(pair)


def test_small_blobs_are_dumped_byte_for_byte_as_by_the_real_server(pair: SideBySide) -> None:
    for name in ("small integer", "short text", "small list", "intset", "wide intset", "small hash"):
        pair.client("FLUSHALL")
        pair.real("FLUSHALL")
        pair.client("CONFIG", "SET", "rdbcompression", "no")
        pair.real("CONFIG", "SET", "rdbcompression", "no")
        for command in VALUES[name]:
            pair(*command)
        pair("DUMP", "k")
    pair.real("CONFIG", "SET", "rdbcompression", "yes")


@pytest.mark.parametrize("largest", ["3", "4"])
@pytest.mark.parametrize(
    "fill",
    [
        ("HSET", "k", "field", "v", "f", "value", "g", "1", "h", "2"),
        ("ZADD", "k", "1", "a", "2", "long member", "3", "c", "4", "d"),
        ("SADD", "k", "a", "long member", "c", "d"),
    ],
)
def test_only_the_number_of_elements_decides_whether_a_restored_value_stays_compact(
    pair: SideBySide, fill: tuple[str, ...], largest: str
) -> None:
    send = pair.client if fill[0] == "SADD" else pair
    if fill[0] == "SADD":  # redis 7.0 has no sets of this form, 7.2 treats them as it treats hashes
        pair.client("CONFIG", "SET", "rdb-version", "11")
    send(*fill)
    payload = pair.client("DUMP", "k")
    assert isinstance(payload, bytes)
    for kind in ("hash", "zset", "set"):
        for client in (pair.client, pair.real):
            client("CONFIG", "SET", f"{kind}-max-listpack-entries", largest)
            client("CONFIG", "SET", f"{kind}-max-listpack-value", "2")
    send("RESTORE", "k", "0", payload, "REPLACE")
    assert (send("OBJECT", "ENCODING", "k") == b"listpack") == (largest == "4")


REFUSALS: Commands = [
    ("RESTORE", "k", "0", b"too short"),
    ("RESTORE", "k", "-1", b"payload"),
    ("RESTORE", "k", "x", b"payload"),
    ("RESTORE", "k", "0", b"payload", "IDLETIME", "-1"),
    ("RESTORE", "k", "0", b"payload", "IDLETIME", "x"),
    ("RESTORE", "k", "0", b"payload", "FREQ", "256"),
    ("RESTORE", "k", "0", b"payload", "FREQ"),
    ("RESTORE", "k", "0", b"payload", "FREQ", "1", "IDLETIME", "1"),
    ("RESTORE", "k", "0", b"payload", "SOON"),
    ("RESTORE", "there", "-1", b"payload"),
    ("RESTORE", "there", "0", b"payload", "FREQ", "-1"),
    ("RESTORE", "k", "0"),
    ("DUMP", "missing"),
]


@pytest.mark.parametrize("command", REFUSALS)
def test_refusals_come_in_the_same_order_with_the_same_words(pair: SideBySide, command: tuple[Argument, ...]) -> None:
    pair("SET", "there", "1")
    pair(*command)
    pair("DBSIZE")


def test_every_changed_byte_of_a_payload_is_refused_by_both(pair: SideBySide) -> None:
    pair("RPUSH", "k", "a", "b", "1000")
    payload = pair.real("DUMP", "k")
    assert isinstance(payload, bytes)
    for at in range(len(payload)):
        damaged = payload[:at] + bytes([payload[at] ^ 0x20]) + payload[at + 1 :]
        pair("RESTORE", "new", "0", damaged)


def test_times_and_usage_are_restored(pair: SideBySide) -> None:
    pair("SET", "k", "value")
    payload = pair.real("DUMP", "k")
    assert isinstance(payload, bytes)
    pair("RESTORE", "k", "1000", payload)
    pair("RESTORE", "k", "100000", payload, "REPLACE")
    assert pair("PEXPIRETIME", "other") == -2
    pair("RESTORE", "a", "99999999999999", payload, "ABSTTL", "IDLETIME", "500")
    pair("PEXPIRETIME", "a")
    pair("OBJECT", "IDLETIME", "a")
    pair("RESTORE", "k", "5", payload, "ABSTTL", "REPLACE")
    pair("EXISTS", "k")


@pytest.mark.parametrize(
    "command",
    [
        ("BF.ADD", "k", "item"),
        ("CF.ADD", "k", "item"),
        ("CMS.INITBYDIM", "k", "10", "3"),
        ("TOPK.RESERVE", "k", "3"),
    ],
)
def test_the_real_server_refuses_the_probabilistic_types(pair: SideBySide, command: tuple[Argument, ...]) -> None:
    pair.client(*command)
    payload = pair.client("DUMP", "k")
    assert isinstance(payload, bytes)
    assert "Bad data format" in str(plain(pair.real("RESTORE", "k", "0", payload)))
    assert pair.real("EXISTS", "k") == 0
