"""HyperLogLog against golden bytes of a real server, at the edges of both forms, and with corrupt values."""

import base64
import json
import zlib
from pathlib import Path

import pytest

from hognose.datastructures import hyperloglog as hll
from hognose.datastructures.hyperloglog_sparse import CorruptHyperLogLog, decode

GOLDEN = json.loads((Path(__file__).parent / "golden" / "hyperloglog.json").read_text())["cases"]
MAX_BYTES = 3000


def header(encoding: int) -> bytes:
    return b"HYLL" + bytes((encoding, 0, 0, 0)) + bytes(7) + b"\x80"


def dense_of(registers: list[int]) -> bytes:
    bits = sum(rank << (6 * index) for index, rank in enumerate(registers))
    return header(hll.DENSE) + bits.to_bytes(12288, "little")


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['elements']}-of-{case['sparse_max_bytes']}")
def test_adding_the_same_elements_gives_the_bytes_of_the_real_server(case: dict) -> None:
    elements = [b"element:%d" % number for number in range(case["elements"])]
    value, _ = hll.add(hll.EMPTY, elements, 0, case["sparse_max_bytes"])
    assert bytes(hll.mark_stale(value)) == zlib.decompress(base64.b64decode(case["value"]))
    assert hll.estimate(value) == case["count"]
    hll.check_invariants(value)


def test_an_element_seen_before_changes_nothing() -> None:
    value, changed = hll.add(hll.EMPTY, [b"key", b"a", b"b", b"a"], 1, MAX_BYTES)
    assert changed == 2
    again, changed = hll.add(value, [b"b", b"a"], 0, MAX_BYTES)
    assert changed == 0
    assert again is value


def test_a_dense_bytearray_is_changed_in_place() -> None:
    value = hll.to_dense(hll.EMPTY)
    after, changed = hll.add(value, [b"a"], 0, MAX_BYTES)
    assert changed == 1
    assert after is value


def test_a_rank_beyond_the_sparse_limit_makes_the_value_dense() -> None:
    merged = hll.merge(hll.EMPTY, [dense_of([33] + [0] * 16383)], MAX_BYTES)
    assert hll.encoding_of(merged) == hll.DENSE
    assert hll.registers_of(merged)[:2] == [33, 0]


def test_merging_sparse_values_stays_sparse_until_the_size_limit() -> None:
    first, _ = hll.add(hll.EMPTY, [b"%d" % number for number in range(50)], 0, MAX_BYTES)
    second, _ = hll.add(hll.EMPTY, [b"%d" % number for number in range(25, 75)], 0, MAX_BYTES)
    merged = hll.merge(first, [second], MAX_BYTES)
    assert hll.encoding_of(merged) == hll.SPARSE
    assert hll.registers_of(merged) == list(map(max, hll.registers_of(first), hll.registers_of(second)))
    assert hll.encoding_of(hll.merge(first, [second], len(first) + 10)) == hll.DENSE
    assert hll.estimate_union([first, second]) == hll.estimate(merged)


def test_the_cached_estimate_is_kept_and_marked_stale() -> None:
    assert hll.cached_estimate(hll.EMPTY) == 0
    value = hll.with_cached_estimate(hll.mark_stale(hll.EMPTY), 77)
    assert hll.cached_estimate(value) == 77
    assert hll.cached_estimate(hll.mark_stale(value)) == -1


def test_decode_tells_every_opcode_in_words() -> None:
    value = header(hll.SPARSE) + bytes((0x80 | 4 << 2 | 2, 0x3F, 0x40 | 0x3F, 0xBC))
    assert decode(value) == b"v:5,3 z:64 Z:16317"


def test_all_registers_at_their_limit_give_the_least_integer() -> None:
    assert hll.estimate(dense_of([51] * 16384)) == -(1 << 63)
    assert hll.estimate(dense_of([63] * 16384)) == -(1 << 63)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"HYLL",
        b"HYLX" + hll.EMPTY[4:],
        b"HYLK" + dense_of([0] * 16384)[4:],
        b"HYLM" + dense_of([0] * 16384)[4:],
        b"HYLL\1" + bytes(10),
        header(2) + b"\x7f\xff",
        dense_of([0] * 16384)[:-1],
        dense_of([0] * 16384) + b"\0",
        header(hll.DENSE),
    ],
)
def test_strings_without_the_right_header_or_size_are_no_hyperloglog(value: bytes) -> None:
    assert not hll.is_hyperloglog(value)
    assert not hll.is_hyperloglog(bytearray(value))
    assert not hll.is_dense(bytearray(value))


@pytest.mark.parametrize("opcodes", [b"", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f", b"\x7f\xff\x80"])
def test_opcodes_that_do_not_cover_the_registers_are_corrupt(opcodes: bytes) -> None:
    value = header(hll.SPARSE) + opcodes
    assert hll.is_hyperloglog(value)
    for operation in (hll.estimate, hll.to_dense, hll.registers_of, lambda corrupt: hll.estimate_union([corrupt])):
        with pytest.raises(CorruptHyperLogLog):
            operation(value)
    with pytest.raises(CorruptHyperLogLog):
        hll.merge(hll.EMPTY, [value], MAX_BYTES)


def test_adding_to_a_value_whose_opcodes_end_early_is_corrupt() -> None:
    with pytest.raises(CorruptHyperLogLog):
        hll.add(header(hll.SPARSE) + b"\x00", [b"a", b"b", b"c"], 0, MAX_BYTES)


@pytest.mark.parametrize("size", [100, 1000, 10_000, 100_000])
def test_the_estimate_is_within_six_standard_errors(size: int) -> None:
    value, _ = hll.add(hll.EMPTY, [b"%d" % number for number in range(size)], 0, MAX_BYTES)
    assert abs(hll.estimate(value) - size) <= 6 * 1.04 / 128 * size
