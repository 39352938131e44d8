"""HyperLogLog against a plain list of registers, and byte for byte against a real server."""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.servers import install, start
from hognose.datastructures import hyperloglog as hll
from hognose.datastructures.murmurhash import murmurhash64a

ELEMENTS = st.lists(st.one_of(st.binary(max_size=40), st.integers(0, 5000).map(b"%d".__mod__)), max_size=400)
SPARSE_MAX_BYTES = st.sampled_from([0, 18, 30, 100, 300, 3000])


def plain_murmurhash64a(data: bytes, seed: int) -> int:
    """The hash as its author describes it, in unsigned numbers of 64 bits kept by a modulus."""
    modulus, multiplier = 2**64, 0xC6A4A7935BD1E995
    state = seed ^ len(data) * multiplier % modulus
    for pos in range(0, len(data) // 8 * 8, 8):
        word = int.from_bytes(data[pos : pos + 8], "little") * multiplier % modulus
        state = (state ^ (word ^ word >> 47) * multiplier % modulus) * multiplier % modulus
    tail = data[len(data) // 8 * 8 :]
    if tail:
        state = (state ^ int.from_bytes(tail, "little")) * multiplier % modulus
    state = (state ^ state >> 47) * multiplier % modulus
    return state ^ state >> 47


def model_registers(elements: list[bytes]) -> list[int]:
    registers = [0] * 16384
    for element in elements:
        hashed = plain_murmurhash64a(element, 0xADC83B19)
        rest = hashed >> 14 | 1 << 50
        index = hashed & 16383
        registers[index] = max(registers[index], (rest & -rest).bit_length())
    return registers


@given(st.binary(max_size=100), st.integers(0, 2**32 - 1))
def test_murmurhash64a_agrees_with_its_plain_description(data: bytes, seed: int) -> None:
    assert murmurhash64a(data, seed) & (2**64 - 1) == plain_murmurhash64a(data, seed)


@given(ELEMENTS, SPARSE_MAX_BYTES)
def test_registers_agree_with_the_model_in_every_form(elements: list[bytes], max_bytes: int) -> None:
    value, changed = hll.add(hll.EMPTY, elements, 0, max_bytes)
    hll.check_invariants(value)
    assert hll.registers_of(value) == model_registers(elements)
    assert changed <= len(elements)
    dense = hll.to_dense(value)
    hll.check_invariants(dense)
    assert hll.registers_of(dense) == hll.registers_of(value)
    assert hll.estimate(dense) == hll.estimate(value)


@given(ELEMENTS, ELEMENTS, SPARSE_MAX_BYTES)
def test_merging_is_seeing_the_elements_of_both(left: list[bytes], right: list[bytes], max_bytes: int) -> None:
    first, _ = hll.add(hll.EMPTY, left, 0, max_bytes)
    second, _ = hll.add(hll.EMPTY, right, 0, max_bytes)
    union = hll.estimate_union([first, second])
    merged = hll.merge(first, [second], max_bytes)
    hll.check_invariants(merged)
    assert hll.registers_of(merged) == model_registers(left + right)
    assert hll.estimate(merged) == union


@given(st.binary(max_size=60).map(lambda tail: hll.EMPTY[:15] + b"\x80" + tail), st.binary(max_size=8))
def test_any_opcodes_are_either_counted_or_corrupt(value: bytes, element: bytes) -> None:
    outcomes = []
    for operation in (
        lambda: hll.estimate(value),
        lambda: hll.registers_of(value),
        lambda: hll.merge(hll.EMPTY, [value], 3000),
        lambda: hll.add(value, [element], 0, 3000),
    ):
        try:
            operation()
            outcomes.append("fine")
        except hll.sparse.CorruptHyperLogLog:
            outcomes.append("corrupt")
    assert outcomes[1] == outcomes[2]
    if outcomes[0] == "fine":
        assert outcomes == ["fine"] * 4


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    with start(install("redis-7.0")) as server, redis.Redis(host=server.host, port=server.port) as connection:
        yield connection


@pytest.mark.server
@settings(deadline=None)
@given(left=st.lists(ELEMENTS, min_size=1, max_size=4), right=ELEMENTS, max_bytes=SPARSE_MAX_BYTES)
def test_the_real_server_makes_the_same_bytes(
    client: redis.Redis, left: list[list[bytes]], right: list[bytes], max_bytes: int
) -> None:
    client.flushall()
    client.config_set("hll-sparse-max-bytes", max_bytes)
    value: bytes | bytearray = hll.EMPTY_STALE
    for batch in left:
        value, changed = hll.add(value, batch, 0, max_bytes)
        created = not client.exists("left")
        assert client.execute_command("PFADD", "left", *batch) == (1 if changed or created else 0)
        assert client.get("left") == bytes(value)
    other, _ = hll.add(hll.EMPTY_STALE, right, 0, max_bytes)
    client.execute_command("PFADD", "right", *right)
    assert client.pfcount("left", "right") == hll.estimate_union([value, other])
    client.pfmerge("left", "right")
    merged = hll.merge(value, [other], max_bytes)
    assert client.get("left") == bytes(merged)
    assert client.pfcount("left") == hll.estimate(merged)
    assert client.get("left") == bytes(hll.with_cached_estimate(merged, hll.estimate(merged)))
