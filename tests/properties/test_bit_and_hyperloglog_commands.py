"""Random bitmap and HyperLogLog commands on hognose and on a real server: same replies, same bytes, same encodings."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.servers import install, start
from tests.inprocess import InProcessServer
from tests.side_by_side import RealClient, SideBySide

pytestmark = pytest.mark.server

KEYS = st.sampled_from(["a", "b", "c", "list", "missing"])
WRITTEN = st.sampled_from(["a", "b", "c", "d", "list"])
NUMBERS = st.one_of(
    st.integers(-10, 70).map(str),
    st.sampled_from(
        ["-9223372036854775808", "9223372036854775807", "9223372036854775808", "4294967295", "x", "", "1.5", "01"]
    ),
)
OFFSETS = st.one_of(
    st.integers(-2, 300).map(str), st.integers(0, 9).map("#{}".format), st.sampled_from(["4294967296", "#x", "", "abc"])
)
TYPES = st.one_of(
    st.integers(1, 64).map("i{}".format),
    st.integers(1, 63).map("u{}".format),
    st.sampled_from(["u64", "i65", "u0", "x8", "i", ""]),
)
VALUES = st.one_of(st.integers(-300, 300).map(str), st.integers(-(2**63), 2**63 - 1).map(str), st.just("x"))
UNITS = st.sampled_from([[], ["BIT"], ["byte"], ["Bits"]])

FIELD_OPERATION = st.one_of(
    st.tuples(st.just("GET"), TYPES, OFFSETS),
    st.tuples(st.just("SET"), TYPES, OFFSETS, VALUES),
    st.tuples(st.just("incrby"), TYPES, OFFSETS, VALUES),
    st.tuples(st.just("OVERFLOW"), st.sampled_from(["wrap", "SAT", "FAIL", "none"])),
).map(list)


def flat(words: list[list[str]]) -> list[str]:
    return [word for part in words for word in part]


BIT_COMMAND = st.one_of(
    st.tuples(st.just("SETBIT"), WRITTEN, OFFSETS, st.sampled_from(["0", "1", "1", "2", "-1", "x"])).map(list),
    st.tuples(st.just("GETBIT"), KEYS, OFFSETS).map(list),
    st.tuples(st.just("SET"), WRITTEN, st.one_of(st.text("01ab", max_size=50), st.integers(0, 10**6).map(str))).map(
        list
    ),
    st.builds(lambda key, ends, unit: ["BITCOUNT", key, *ends, *unit], KEYS, st.lists(NUMBERS, max_size=2), UNITS),
    st.builds(
        lambda key, bit, ends, unit: ["BITPOS", key, bit, *ends, *unit],
        KEYS,
        st.sampled_from(["0", "1", "1", "2", "x"]),
        st.lists(NUMBERS, max_size=2),
        UNITS,
    ),
    st.builds(
        lambda name, target, sources: ["BITOP", name, target, *sources],
        st.sampled_from(["AND", "or", "XOR", "NOT", "NAND"]),
        WRITTEN,
        st.lists(KEYS, min_size=1, max_size=4),
    ),
    st.builds(
        lambda name, key, operations: [name, key, *flat(operations)],
        st.sampled_from(["BITFIELD", "BITFIELD", "BITFIELD_RO"]),
        WRITTEN,
        st.lists(FIELD_OPERATION, max_size=4),
    ),
)

ELEMENTS = st.lists(st.integers(0, 3000).map(str), max_size=60)
HLL_COMMAND = st.one_of(
    st.builds(lambda key, elements: ["PFADD", key, *elements], WRITTEN, ELEMENTS),
    st.builds(lambda sources: ["PFCOUNT", *sources], st.lists(KEYS, min_size=1, max_size=3)),
    st.builds(lambda target, sources: ["PFMERGE", target, *sources], WRITTEN, st.lists(KEYS, max_size=3)),
    st.tuples(st.just("PFDEBUG"), st.sampled_from(["ENCODING", "DECODE", "TODENSE", "GETREG", "X"]), KEYS).map(list),
    st.tuples(st.just("APPEND"), st.sampled_from(["a", "c"]), st.sampled_from(["x", "\x7f"])).map(list),
    st.tuples(st.just("DEL"), WRITTEN).map(list),
)


@pytest.fixture(scope="module")
def real() -> Iterator[RealClient]:
    with start(install("redis-7.0")) as server:
        client = RealClient(server)
        yield client
        client.close()


def play(real: RealClient, commands: list[list[str]], **directives: str) -> None:
    real("FLUSHALL")
    for name, value in directives.items():
        real("CONFIG", "SET", name.replace("_", "-"), value)
    pair = SideBySide(InProcessServer(**directives), real)
    pair("XADD", "list", "1-1", "f", "v")
    for command in commands:
        pair(*command)
    for key in ("a", "b", "c", "d"):
        pair("GET", key)
        pair("OBJECT", "ENCODING", key)


@settings(deadline=None, max_examples=300)
@given(commands=st.lists(BIT_COMMAND, max_size=25))
def test_bitmap_commands(real: RealClient, commands: list[list[str]]) -> None:
    play(real, commands)


@settings(deadline=None)
@given(commands=st.lists(HLL_COMMAND, max_size=15), max_bytes=st.sampled_from(["0", "40", "300", "3000"]))
def test_hyperloglog_commands(real: RealClient, commands: list[list[str]], max_bytes: str) -> None:
    play(real, commands, hll_sparse_max_bytes=max_bytes)
