"""Intsets: golden bytes of a real server, widening, and corrupt blobs."""

import pytest

from hognose.datastructures import intset
from tests.unit.datastructures.golden_dumps import INTSETS


@pytest.mark.parametrize(("added", "blob"), INTSETS)
def test_additions_give_the_bytes_of_a_real_server(added: list[int], blob: bytes) -> None:
    value = intset.EMPTY
    for member in added:
        value = intset.add(value, member)
        intset.check_invariants(value)
    assert value == blob
    assert intset.validate(blob) == len(set(added))
    assert intset.members(blob) == sorted(set(added))
    assert intset.from_sorted(sorted(set(added))) == blob


def test_a_wider_member_widens_all_and_its_removal_narrows_none() -> None:
    narrow = intset.from_sorted([1, 2])
    assert intset.width(narrow) == 2
    wide = intset.add(narrow, 2**40)
    assert intset.width(wide) == 8
    assert intset.members(intset.remove(wide, 2**40)) == [1, 2]
    assert intset.width(intset.remove(wide, 2**40)) == 8


def test_no_members_make_the_empty_set() -> None:
    assert intset.from_sorted([]) == intset.EMPTY
    assert not intset.contains(intset.EMPTY, 1)
    assert intset.remove(intset.from_sorted([7]), 7) == intset.EMPTY


def test_adding_a_member_again_or_removing_a_stranger_changes_nothing() -> None:
    value = intset.from_sorted([1, 5])
    assert intset.add(value, 5) is value
    assert intset.remove(value, 4) is value
    assert not intset.contains(value, 2**50)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        intset.EMPTY,
        b"\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00",
        b"\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00",
        b"\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00",
        b"\x02\x00\x00\x00\xff\xff\xff\xff\x01\x00",
        b"\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x01\x00",
        b"\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x01\x00",
    ],
)
def test_a_corrupt_blob_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError):
        intset.validate(blob)
