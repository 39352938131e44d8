"""Random stream commands on hognose and on a real server: same replies, same state of streams and groups.

The real server is a Valkey, whose streams are those of Redis 7.2; in 7.0 a consumer is created later and has no time of
its last success. Times are left out of the comparison, as the clock here stands still. So is ENTRIESREAD with a number
that is not true: Valkey 9 stops believing it sooner than Redis 7 does, which `test_stream_properties` compares.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.servers import install, start
from tests.inprocess import InProcessServer
from tests.side_by_side import RealClient, SideBySide, plain

pytestmark = pytest.mark.server

KEYS = st.sampled_from(["s", "s", "s", "t", "text", "missing"])
GROUPS = st.sampled_from(["g", "g", "h", "no"])
CONSUMERS = st.sampled_from(["alice", "bob", "carol"])
SMALL_IDS = st.builds("{}-{}".format, st.integers(0, 12), st.integers(0, 3))
ODD_IDS = st.sampled_from(
    [
        "0",
        "5",
        "-",
        "+",
        "x",
        "",
        "1-",
        "-1",
        "0-0",
        "18446744073709551615-18446744073709551615",
        "5-*",
        "$",
        ">",
        "1-2-3",
    ]
)
IDS = st.one_of(SMALL_IDS, SMALL_IDS, SMALL_IDS, ODD_IDS)
ENDS = st.one_of(IDS, IDS.map("({}".format), st.sampled_from(["-", "+"]))
COUNTS = st.sampled_from(["0", "1", "2", "5", "-1", "x", "9223372036854775808"])
NO_COUNTS = st.sampled_from(["-1", "-2", "x"])
PAIRS = st.lists(st.sampled_from(["a", "b", "1", "-500", "value"]), min_size=1, max_size=4)
IDLE = st.sampled_from(["0", "0", "-5", "9999999999", "x"])


def option(*words: st.SearchStrategy[str] | str) -> st.SearchStrategy[list[str]]:
    """Nothing, or these words."""
    strategies = [word if not isinstance(word, str) else st.just(word) for word in words]
    return st.one_of(st.just([]), st.tuples(*strategies).map(list))


def line(*parts: st.SearchStrategy | str) -> st.SearchStrategy[list[str]]:
    """A command made of words and lists of words."""
    strategies = [part if not isinstance(part, str) else st.just(part) for part in parts]

    def flatten(values: tuple[str | list[str], ...]) -> list[str]:
        return [word for value in values for word in ([value] if isinstance(value, str) else value)]

    return st.tuples(*strategies).map(flatten)


TRIM = line(
    st.sampled_from(["MAXLEN", "minid", "MAXLEN", "MAXLEN"]),
    st.sampled_from([[], ["~"], ["="]]),
    st.one_of(st.integers(0, 6).map(str), SMALL_IDS, COUNTS),
    option("LIMIT", st.sampled_from(["0", "2", "10", "-1", "x"])),
)
ADD = line("XADD", KEYS, st.one_of(st.just([]), st.just([]), TRIM, st.just(["NOMKSTREAM"])), IDS, PAIRS)
GROUP_COMMANDS = st.one_of(
    line("XGROUP", "CREATE", KEYS, GROUPS, IDS, option("MKSTREAM"), option("ENTRIESREAD", NO_COUNTS)),
    line("XGROUP", "SETID", KEYS, GROUPS, IDS, option("ENTRIESREAD", NO_COUNTS)),
    line("XGROUP", "DESTROY", KEYS, GROUPS),
    line("XGROUP", "CREATECONSUMER", KEYS, GROUPS, CONSUMERS),
    line("XGROUP", "DELCONSUMER", KEYS, GROUPS, CONSUMERS),
    line("XGROUP", st.sampled_from(["NONSENSE", "CREATE"]), KEYS),
)
READ_GROUP = line(
    "XREADGROUP", "GROUP", GROUPS, CONSUMERS, option("COUNT", COUNTS), option("NOACK"), "STREAMS", KEYS,
    st.sampled_from([">", ">", ">", "0", "3-1", "$", "+", "x"]),
)  # fmt: skip
CLAIM_OPTIONS = line(
    option("IDLE", st.sampled_from(["0", "5", "x"])), option("TIME", st.sampled_from(["1", "x"])),
    option("RETRYCOUNT", COUNTS), option("FORCE"), option("JUSTID"), option("LASTID", IDS),
)  # fmt: skip
COMMANDS = st.one_of(
    ADD,
    ADD,
    line("XDEL", KEYS, st.lists(IDS, min_size=1, max_size=3)),
    line("XTRIM", KEYS, TRIM),
    line("XLEN", KEYS),
    line("XRANGE", KEYS, ENDS, ENDS, option("COUNT", COUNTS)),
    line("XREVRANGE", KEYS, ENDS, ENDS, option("COUNT", COUNTS)),
    line("XREAD", option("COUNT", COUNTS), "STREAMS", KEYS, "t", IDS, IDS),
    line("XREAD", option("BLOCK", st.sampled_from(["-1", "x"])), "STREAMS", KEYS, option(IDS)),
    line("XSETID", KEYS, IDS, option("ENTRIESADDED", COUNTS), option("MAXDELETEDID", IDS)),
    GROUP_COMMANDS,
    READ_GROUP,
    READ_GROUP,
    line("XACK", KEYS, GROUPS, st.lists(IDS, min_size=1, max_size=3)),
    line("XPENDING", KEYS, GROUPS),
    line("XCLAIM", KEYS, GROUPS, CONSUMERS, IDLE, st.lists(IDS, min_size=1, max_size=3), CLAIM_OPTIONS),
    line("XAUTOCLAIM", KEYS, GROUPS, CONSUMERS, IDLE, ENDS, option("COUNT", COUNTS), option("JUSTID")),
    line("XINFO", "GROUPS", KEYS),
    line("XINFO", "STREAM", KEYS),
)


@pytest.fixture(scope="module")
def real() -> Iterator[RealClient]:
    with start(install("valkey-9.1")) as server:
        client = RealClient(server)
        yield client
        client.close()


def without_times(rows: object, *indexes: int) -> object:
    """Rows of a reply without the columns that hold times."""
    if not isinstance(rows, list):
        return rows
    return [[item for index, item in enumerate(row) if index not in indexes] for row in rows]


def compare_state(pair: SideBySide) -> None:
    """Compares everything that can be seen of all streams."""
    for key in ("s", "t"):
        pair("XRANGE", key, "-", "+")
        pair("XINFO", "STREAM", key)
        groups = pair("XINFO", "GROUPS", key)
        for group in groups if isinstance(groups, list) else []:
            query = ("XPENDING", key, group[1], "-", "+", "100")
            assert without_times(pair.client(*query), 2) == without_times(pair.real(*query), 2)
            query = ("XINFO", "CONSUMERS", key, group[1])
            ours, theirs = pair.client(*query), pair.real(*query)
            assert without_times(ours, 5, 7) == without_times(theirs, 5, 7)
            assert [row[7] < 0 for row in ours] == [row[7] < 0 for row in theirs]


@settings(deadline=None, max_examples=400)
@given(commands=st.lists(COMMANDS, max_size=40), entries=st.sampled_from(["1", "3", "100"]))
def test_stream_commands(real: RealClient, commands: list[list[str]], entries: str) -> None:
    real("FLUSHALL")
    real("CONFIG", "SET", "stream-node-max-entries", entries)
    pair = SideBySide(InProcessServer(stream_node_max_entries=entries), real)
    pair("SET", "text", "x")
    pair("XADD", "s", "1-1", "a", "1")
    pair("XGROUP", "CREATE", "s", "g", "0")
    for command in commands:
        pair(*command)
    compare_state(pair)


@settings(deadline=None, max_examples=100)
@given(ids=st.lists(st.integers(1, 2**128 - 1), unique=True, max_size=60).map(sorted))
def test_the_number_of_radix_tree_nodes_is_that_of_the_real_tree(real: RealClient, ids: list[int]) -> None:
    real("FLUSHALL")
    real("CONFIG", "SET", "stream-node-max-entries", "1")
    pair = SideBySide(InProcessServer(stream_node_max_entries="1"), real)
    pair("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    for entry_id in ids:
        pair("XADD", "s", f"{entry_id >> 64}-{entry_id % 2**64}", "f", "v")
    pair("XINFO", "STREAM", "s")


def test_the_number_of_nodes_after_ascending_and_dropped_ids(real: RealClient) -> None:
    real("FLUSHALL")
    real("CONFIG", "SET", "stream-node-max-entries", "1")
    pair = SideBySide(InProcessServer(stream_node_max_entries="1"), real)
    for number in range(1, 700):
        pair("XADD", "s", f"{number * 37}-{number % 3}", "f", "v")
        if number % 50 == 0:
            pair("XDEL", "s", f"{number * 37}-{number % 3}", f"{(number - 1) * 37}-{(number - 1) % 3}")
            assert plain(pair("XINFO", "STREAM", "s"))
