"""The skiplist at its real block size: ranks over many blocks, the ways blocks come and go, its accounting."""

import random

import pytest

from hognose.datastructures.skiplist import DEFAULT_BLOCK_SIZE, FEW_EQUAL, Skiplist


@pytest.fixture
def thousand() -> Skiplist:
    """Scores 0..999 with members of the same number, put in shuffled."""
    listed = Skiplist()
    numbers = list(range(1000))
    random.Random(5).shuffle(numbers)
    for number in numbers:
        listed.insert(float(number), b"%04d" % number)
    return listed


def test_every_rank_finds_its_pair_and_every_pair_its_rank(thousand: Skiplist) -> None:
    for rank in range(1000):
        assert thousand.member_at(rank) == b"%04d" % rank
        assert thousand.score_at(rank) == rank
        assert thousand.rank(float(rank), b"%04d" % rank) == rank
        assert thousand.rank_of_present(float(rank), b"%04d" % rank) == rank


@pytest.mark.parametrize("equal", [1, 2, 3, FEW_EQUAL, FEW_EQUAL + 1, 9, 200])
def test_members_of_equal_scores_are_found_and_moved(equal: int) -> None:
    pairs = [(float(number // equal), b"%04d" % number) for number in range(600)]
    listed = Skiplist()
    for score, member in random.Random(6).sample(pairs, len(pairs)):
        listed.insert(score, member)
    for rank, (score, member) in enumerate(pairs):
        assert listed.rank_of_present(score, member) == rank
    for index in random.Random(7).sample(range(600), 300):
        score, member = pairs[index]
        listed.move(score, member, (score + 7.0) % 50.0)
        pairs[index] = ((score + 7.0) % 50.0, member)
    assert list(listed.ascending()) == sorted(pairs)
    listed.check_invariants()


def test_a_pair_with_another_score_is_not_found(thousand: Skiplist) -> None:
    assert thousand.rank(17.5, b"0017") == -1
    assert not thousand.remove(17.5, b"0017")
    assert thousand.length() == 1000


def test_infinite_bounds_take_in_everything(thousand: Skiplist) -> None:
    assert thousand.count_below_score(float("-inf"), True) == 0
    assert thousand.count_below_score(float("inf"), False) == 1000


def test_ascending_inserts_fill_their_blocks() -> None:
    listed = Skiplist()
    blocks = 10
    for number in range(blocks * DEFAULT_BLOCK_SIZE):
        listed.insert(float(number), b"m")
    assert listed._nodes == blocks


def test_negative_zero_counts_as_zero() -> None:
    listed = Skiplist()
    listed.insert(-0.0, b"b")
    listed.insert(0.0, b"a")
    assert listed.members(0, 2) == [b"a", b"b"]
    assert listed.rank(0.0, b"b") == 1


def test_equal_scores_fall_in_the_order_of_unsigned_bytes() -> None:
    listed = Skiplist()
    for member in (b"\xff", b"a", b"", b"a\x00", b"Z"):
        listed.insert(1.0, member)
    assert listed.members(0, 5) == [b"", b"Z", b"a", b"a\x00", b"\xff"]


def test_removing_everything_leaves_one_empty_block_and_no_bytes(thousand: Skiplist) -> None:
    empty_bytes = Skiplist().memory_bytes()
    assert len(thousand.remove_ranks(0, 1000)) == 1000
    thousand.check_invariants()
    thousand.insert(1.0, b"x")
    thousand.remove(1.0, b"x")
    assert thousand.length() == 0
    assert thousand.memory_bytes() <= empty_bytes + 16 * 32


def test_a_step_within_a_block_leaves_the_towers_alone(thousand: Skiplist) -> None:
    nodes = thousand._nodes
    thousand.move(500.0, b"0500", 501.5)
    thousand.check_invariants()
    assert thousand.rank(501.5, b"0500") == 501
    assert thousand._nodes == nodes


def test_a_step_to_either_end_arrives(thousand: Skiplist) -> None:
    thousand.move(500.0, b"0500", float("inf"))
    thousand.move(400.0, b"0400", float("-inf"))
    thousand.check_invariants()
    assert thousand.member_at(0) == b"0400"
    assert thousand.member_at(999) == b"0500"


def test_a_long_list_is_freed_without_deep_recursion() -> None:
    listed = Skiplist(4)
    for number in range(200_000):
        listed.insert(float(number), b"m")
    assert listed._nodes == 50_000
    del listed


def test_stretches_split_and_join_as_blocks_come_and_go() -> None:
    listed = Skiplist(4, 4)
    numbers = list(range(2000))
    random.Random(5).shuffle(numbers)
    for number in numbers:
        listed.insert(float(number), b"%04d" % number)
    listed.check_invariants()
    assert len(listed._stretches) > 100
    for number in numbers[:-20]:
        assert listed.remove(float(number), b"%04d" % number)
    listed.check_invariants()
    assert len(listed._stretches) <= 20
    assert listed.members(0, 20) == sorted(b"%04d" % number for number in numbers[-20:])


def test_taking_apart_frees_all_blocks_in_steps() -> None:
    listed = Skiplist(4, 4)
    for number in range(500):
        listed.insert(float(number), b"%04d" % number)
    steps = 1
    while listed.take_apart(50):
        steps += 1
    assert 500 // 60 <= steps <= 500 // 40 + 2
