"""The sorted set value: encodings, thresholds, the bytes of its listpack, its accounting."""

import math

import pytest

from hognose.datastructures.listpack import seal, unseal
from hognose.datastructures.zset import ADDED, GT, INCR, NOT_A_NUMBER, SKIPPED, UPDATED, XX, ZSetLimits, ZSetValue

# The listpack in what redis-server 7.0.15 answers to DUMP after
#   ZADD k 1 one -inf low inf 12345 2.5 "" -0 zero 1e17 big -70000 xxx...(64) 1 "one\0" 0 a 4096 m
GOLDEN = bytes.fromhex(
    "9c0000001400836c6f7704842d696e6605e040"
    + "78" * 64
    + "42f290eefe048161020001847a65726f050001836f6e65040101846f6e65"
    "00050101800183322e3504816d02f10010038362696704f400008a5d7845630109f139300383696e6604ff"
)
GOLDEN_PAIRS = [
    (b"one", 1.0),
    (b"low", -math.inf),
    (b"12345", math.inf),
    (b"", 2.5),
    (b"zero", -0.0),
    (b"big", 1e17),
    (b"x" * 64, -70000.0),
    (b"one\0", 1.0),
    (b"a", 0.0),
    (b"m", 4096.0),
]


def filled(limits: ZSetLimits, count: int) -> ZSetValue:
    """A set of `count` members with their numbers as scores."""
    zset = ZSetValue(limits)
    for number in range(count):
        zset.add(b"m%d" % number, float(number))
    return zset


def test_the_listpack_is_the_real_servers_byte_for_byte() -> None:
    zset = ZSetValue(ZSetLimits())
    for member, score in GOLDEN_PAIRS:
        zset.add(member, score)
    assert seal(zset.body(), 2 * zset.length()) == GOLDEN


def test_a_listpack_from_a_dump_is_read() -> None:
    zset = ZSetValue(ZSetLimits())
    zset.load_body(unseal(GOLDEN), len(GOLDEN_PAIRS))
    assert dict(zip(zset.members(0, 10), zset.scores(0, 10), strict=True)) == dict(GOLDEN_PAIRS)
    zset.check_invariants()


def test_one_member_more_than_allowed_makes_a_skiplist() -> None:
    limits = ZSetLimits(10, 64)
    zset = filled(limits, 10)
    assert zset.encoding() == b"listpack"
    zset.add(b"m9", 100.0)
    assert zset.encoding() == b"listpack"
    zset.add(b"eleventh", 1.0)
    assert zset.encoding() == b"skiplist"
    zset.check_invariants()


def test_one_byte_more_than_allowed_makes_a_skiplist() -> None:
    zset = filled(ZSetLimits(10, 64), 2)
    zset.add(b"x" * 64, 1.0)
    assert zset.encoding() == b"listpack"
    zset.add(b"x" * 65, 1.0)
    assert zset.encoding() == b"skiplist"


def test_a_skiplist_that_shrinks_stays_one_until_it_is_packed() -> None:
    limits = ZSetLimits(10, 64)
    zset = filled(limits, 11)
    zset.remove_ranks(0, 5)
    assert zset.encoding() == b"skiplist"
    zset.pack()
    assert zset.encoding() == b"listpack"
    assert zset.members(0, 6) == [b"m5", b"m6", b"m7", b"m8", b"m9", b"m10"]


def test_a_set_is_born_as_what_the_first_command_needs() -> None:
    limits = ZSetLimits(10, 64)
    assert ZSetValue(limits, 10, 64).encoding() == b"listpack"
    assert ZSetValue(limits, 11, 1).encoding() == b"skiplist"
    assert ZSetValue(limits, 1, 65).encoding() == b"skiplist"


@pytest.mark.parametrize("count", [3, 300])
def test_adding_infinities_of_both_signs_changes_nothing(count: int) -> None:
    zset = filled(ZSetLimits(), count)
    zset.add(b"m1", math.inf)
    assert zset.add(b"m1", -math.inf, INCR)[0] == NOT_A_NUMBER
    assert zset.score(b"m1") == (True, math.inf)


@pytest.mark.parametrize("count", [3, 300])
def test_an_increment_answers_the_sum(count: int) -> None:
    zset = filled(ZSetLimits(), count)
    assert zset.add(b"m1", 1.5, INCR) == (UPDATED, 2.5)
    assert zset.add(b"new", 1.5, INCR | GT) == (ADDED, 1.5)
    assert zset.add(b"newer", 1.5, INCR | XX)[0] == SKIPPED


def test_the_account_returns_to_where_it_was() -> None:
    zset = filled(ZSetLimits(0, 64), 100)
    before = zset.memory_bytes()
    zset.add(b"long" * 100, 1.0)
    assert zset.memory_bytes() > before + 400
    zset.remove(b"long" * 100)
    assert abs(zset.memory_bytes() - before) < 400


def test_scores_of_all_kinds_survive_a_listpack() -> None:
    zset = ZSetValue(ZSetLimits())
    scores = [5e-324, 0.1, 1 / 3, 1.5, 2.0**53 - 1, 2.0**53, 2.0**63, 1.7976931348623157e308]
    for number, score in enumerate(scores):
        zset.add(b"%d" % number, score)
        zset.add(b"-%d" % number, -score)
    assert zset.scores(0, 16) == sorted([*scores, *(-score for score in scores)])
