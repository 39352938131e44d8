"""Listpacks and intsets against a plain list and a plain set, and against any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hognose.datastructures import intset, listpack

ELEMENT = st.one_of(
    st.binary(max_size=80),
    st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n),
    st.sampled_from([0, 62, 64, 126, 127, 4095, 4096, 16378]).map(lambda n: b"x" * n),
)
LISTS = st.lists(ELEMENT, max_size=12)
I64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-40000, 40000), st.integers(-20, 20))


@given(LISTS)
def test_elements_survive_both_ways(elements: list[bytes]) -> None:
    body = listpack.encode_all(elements)
    blob = listpack.seal(body, len(elements))
    assert listpack.validate(blob)
    assert listpack.unseal(blob) == body
    assert listpack.count_entries(body) == len(elements)
    assert listpack.elements(body) == elements
    listpack.check_invariants(body)
    for index in range(len(elements) + 1):
        assert listpack.seek(body, len(elements), index) == listpack.skip(body, 0, index)


@given(LISTS, st.integers(0, 12), ELEMENT, st.integers(0, 4))
def test_changes_agree_with_a_plain_list(elements: list[bytes], index: int, element: bytes, count: int) -> None:
    index = min(index, len(elements))
    count = min(count, len(elements) - index)
    body = listpack.encode_all(elements)
    at = listpack.seek(body, len(elements), index)
    entry = listpack.encode(element)
    assert listpack.elements(listpack.insert(body, at, entry)) == [*elements[:index], element, *elements[index:]]
    assert listpack.elements(listpack.remove(body, at, count)) == elements[:index] + elements[index + count :]
    assert listpack.append(body, element) == body + entry
    assert listpack.prepend(body, element) == entry + body
    if index < len(elements):
        replaced = listpack.elements(listpack.replace(body, at, entry))
        assert replaced == [*elements[:index], element, *elements[index + 1 :]]


@given(LISTS, ELEMENT, st.integers(1, 3))
def test_find_agrees_with_a_plain_list(elements: list[bytes], element: bytes, step: int) -> None:
    elements = elements[: len(elements) // step * step]
    body = listpack.encode_all(elements)
    wanted = elements[::step]
    for sought in (element, *elements):
        expected = listpack.skip(body, 0, wanted.index(sought) * step) if sought in wanted else -1
        assert listpack.find(body, listpack.encode(sought), 0, step) == expected


@given(LISTS, st.integers(1, 3))
def test_stepped_reading_agrees_with_slicing(elements: list[bytes], step: int) -> None:
    elements = elements[: len(elements) // step * step]
    out: list[bytes] = []
    listpack.extend_list(out, listpack.encode_all(elements), 0, len(elements) // step, step)
    assert out == elements[::step]


FEW = st.sampled_from([b"1", b"300"]) | st.sampled_from([0, 4, 5, 6, 7, 13, 14, 15, 62, 64]).map(lambda n: b"x" * n)


@given(st.lists(ELEMENT | FEW, max_size=40), st.integers(1, 3))
def test_survey_finds_repeated_firsts_of_groups(elements: list[bytes], stride: int) -> None:
    firsts = elements[::stride]
    count, is_distinct = listpack.survey(listpack.encode_all(elements), stride)
    assert count == len(elements)
    assert is_distinct == (len(set(firsts)) == len(firsts))


@given(LISTS, st.data())
def test_a_blob_with_changed_bytes_is_refused_or_readable_to_its_end(
    elements: list[bytes], data: st.DataObject
) -> None:
    blob = bytearray(listpack.seal(listpack.encode_all(elements), len(elements)))
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    check_any_blob(bytes(blob))


@given(st.binary(max_size=60), st.integers(0, 5) | st.just(65535))
def test_any_bytes_in_a_good_frame_are_refused_or_readable_to_their_end(body: bytes, count: int) -> None:
    check_any_blob((len(body) + 7).to_bytes(4, "little") + count.to_bytes(2, "little") + body + b"\xff")


def check_any_blob(blob: bytes) -> None:
    try:
        is_proper = listpack.validate(blob)
    except ValueError:
        with pytest.raises(ValueError):
            listpack.unseal(blob)
        return
    entries = blob[6:-1]
    assert is_proper == listpack.is_canonical(entries)
    body = listpack.unseal(blob)
    assert listpack.count_entries(body) == listpack.count_entries(entries)
    assert int.from_bytes(blob[4:6], "little") in (listpack.count_entries(body), 65535)
    assert listpack.elements(body) == listpack.elements(entries)
    assert listpack.is_canonical(body)


@given(st.lists(st.tuples(st.booleans(), I64), max_size=40))
def test_an_intset_agrees_with_a_set(changes: list[tuple[bool, int]]) -> None:
    value = intset.EMPTY
    model: set[int] = set()
    for adding, member in changes:
        if adding:
            value = intset.add(value, member)
            model.add(member)
        else:
            value = intset.remove(value, member)
            model.discard(member)
        intset.check_invariants(value)
        assert intset.contains(value, member) is adding
    assert intset.members(value) == sorted(model)
    assert [intset.get(value, index) for index in range(intset.length(value))] == sorted(model)


@given(st.binary(max_size=40))
def test_any_bytes_are_an_intset_or_refused(blob: bytes) -> None:
    try:
        intset.validate(blob)
    except ValueError:
        return
    intset.check_invariants(blob)


@given(st.sampled_from([2, 4, 8]), st.binary(max_size=64), st.integers(0, 9))
def test_any_bytes_behind_a_good_header_are_an_intset_or_refused(width: int, body: bytes, count: int) -> None:
    blob = width.to_bytes(4, "little") + count.to_bytes(4, "little") + body
    try:
        assert intset.validate(blob) == count
    except ValueError:
        return
    members = intset.members(blob)
    assert members == sorted(set(members))
    assert len(members) == count
