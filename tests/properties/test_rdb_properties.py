"""Every value written in every version reads as an equal value, and damaged payloads are refused, never a crash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hognose.datastructures.hashvalue import HashLimits, HashValue
from hognose.datastructures.quicklist import ListLimits, ListValue
from hognose.datastructures.setvalue import SetLimits, SetValue
from hognose.datastructures.zset import ZSetLimits, ZSetValue
from hognose.persistence.dump_payload import FOOTER_BYTES, dump_value, is_intact, restore_value
from hognose.persistence.lzf import Compressor
from hognose.persistence.rdb_format import RdbError, ValueLimits

LIMITS = ValueLimits(ListLimits(4), HashLimits(4, 20), SetLimits(3, 4, 20), ZSetLimits(4, 20))
TEXTS = st.one_of(st.binary(max_size=30), st.integers(-(2**65), 2**65).map(lambda number: b"%d" % number))
DEADLINES = st.integers(0, 3).map(lambda number: number and 4102444800000 + number * 1000)


def make_list(elements: list[bytes]) -> ListValue:
    value = ListValue(LIMITS.lists)
    value.push_tail(elements)
    return value


def make_set(members: set[bytes]) -> SetValue:
    value = SetValue(LIMITS.sets)
    for member in sorted(members):
        value.add(member)
    return value


def make_hash(fields: dict[bytes, tuple[bytes, int]]) -> HashValue:
    value = HashValue(LIMITS.hashes)
    for field, (text, deadline) in fields.items():
        value.set(field, text)
        if deadline:
            value.set_deadline(field, deadline)
    return value


def make_zset(scores: dict[bytes, float]) -> ZSetValue:
    value = ZSetValue(LIMITS.zsets)
    for member, score in scores.items():
        value.add(member, score)
    return value


VALUES = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=12).map(make_list),
    st.sets(TEXTS, min_size=1, max_size=8).map(make_set),
    st.dictionaries(TEXTS, st.tuples(TEXTS, DEADLINES), min_size=1, max_size=8).map(make_hash),
    st.dictionaries(TEXTS, st.floats(allow_nan=False), min_size=1, max_size=8).map(make_zset),
)
VERSIONS = st.sampled_from([9, 10, 11, 12, 80])


def content(value: object) -> object:
    """What a value holds, in a form that compares; that of sets and hashes in no order."""
    if isinstance(value, ListValue):
        elements: list[bytes] = []
        value.extend(elements, 0, value.length())
        return elements
    if isinstance(value, SetValue):
        return set(value.members())
    if isinstance(value, HashValue):
        return {field: (value.get(field), value.deadline(field)) for field in value.fields()}
    assert isinstance(value, ZSetValue)
    return list(zip(value.members(0, value.length()), value.scores(0, value.length()), strict=True))


def restored_or_error(payload: bytes) -> object:
    """The value of a payload, or the error that refuses it; any other exception is a defect."""
    try:
        return restore_value(payload, LIMITS)
    except RdbError as error:
        return error


@given(VALUES, VERSIONS, st.booleans())
def test_a_collection_comes_back_equal(
    value: ListValue | SetValue | HashValue | ZSetValue, version: int, compresses: bool
) -> None:
    payload = dump_value(value, version, Compressor() if compresses else None)
    assert is_intact(payload)
    restored = restore_value(payload, LIMITS)
    assert isinstance(restored, type(value))
    restored.check_invariants()
    assert content(restored) == content(value)


@given(st.one_of(st.binary(max_size=2000), st.integers(-(2**63), 2**63 - 1)), VERSIONS)
def test_a_string_comes_back_equal(value: bytes | int, version: int) -> None:
    restored = restore_value(dump_value(value, version, Compressor()), LIMITS)
    assert isinstance(restored, (bytes, int))
    text = b"%d" % value if isinstance(value, int) else value
    assert (b"%d" % restored if isinstance(restored, int) else restored) == text


@settings(max_examples=300)
@given(VALUES, VERSIONS, st.data())
def test_a_damaged_payload_is_refused_or_a_sound_value(
    value: ListValue | SetValue | HashValue | ZSetValue, version: int, data: st.DataObject
) -> None:
    payload = bytearray(dump_value(value, version, None))
    at = data.draw(st.integers(0, len(payload) - FOOTER_BYTES - 1))
    payload[at] = data.draw(st.integers(0, 255))
    restored = restored_or_error(bytes(payload))
    if isinstance(restored, RdbError):
        assert 0 <= restored.offset <= len(payload)
    elif isinstance(restored, (ListValue, SetValue, HashValue, ZSetValue)):
        restored.check_invariants()


@pytest.mark.parametrize("kind", range(256))
@settings(max_examples=20)
@given(rest=st.binary(max_size=60))
def test_any_bytes_are_refused_or_a_value(kind: int, rest: bytes) -> None:
    payload = bytes([kind]) + rest + bytes([11, 0]) + bytes(8)
    restored = restored_or_error(payload)
    assert not isinstance(restored, RdbError) or 0 <= restored.offset <= len(payload)
