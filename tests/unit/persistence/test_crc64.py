"""CRC-64 against its published check value, and piece by piece against all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hognose.persistence.crc64 import crc64

UNSIGNED = (1 << 64) - 1


def test_checksum_of_the_nine_digits_is_the_published_one() -> None:
    assert crc64(0, b"123456789") & UNSIGNED == 0xE9C6D914C4B8D9CA


def test_checksum_of_nothing_is_what_came_before() -> None:
    assert crc64(0, b"") == 0
    assert crc64(-5, b"") == -5


def bitwise(data: bytes) -> int:
    """The checksum by its definition, a bit at a time."""
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x95AC9329AC4BC9B5 if register & 1 else 0)
    return register


@given(st.binary(max_size=200))
def test_checksum_is_the_bitwise_one(data: bytes) -> None:
    assert crc64(0, data) & UNSIGNED == bitwise(data)


@pytest.mark.parametrize("cut", range(25))
def test_checksum_of_two_pieces_is_that_of_the_whole(cut: int) -> None:
    data = bytes(range(200, 225))
    assert crc64(crc64(0, data[:cut]), data[cut:]) == crc64(0, data)
