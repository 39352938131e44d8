"""Bit operations at the edges that a random test seldom meets: lengths around a word, a group and a copied chunk."""

import pytest

from hognose.datastructures import bits

WORD_EDGES = [0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 95, 96, 97, 65535, 65536, 65537, 131073]


@pytest.mark.parametrize("length", WORD_EDGES)
@pytest.mark.parametrize("form", [bytes, bytearray])
def test_bitcount_of_a_full_string_is_eight_per_byte(form: type, length: int) -> None:
    assert bits.bitcount(form(b"\xff" * length), 0, length - 1) == 8 * length


@pytest.mark.parametrize("length", WORD_EDGES)
def test_bitcount_of_high_bits_only_is_not_disturbed_by_signed_words(length: int) -> None:
    assert bits.bitcount(b"\x80" * length, 0, length - 1) == length


def test_bitcount_of_an_empty_range_is_zero() -> None:
    assert bits.bitcount(b"\xff\xff", 1, 0) == 0
    assert bits.bitcount_bits(b"\xff\xff", 9, 8) == 0


def test_bitcount_bits_inside_one_byte_counts_only_the_range() -> None:
    assert [bits.bitcount_bits(b"\xb6", first, last) for first, last in ((0, 7), (1, 6), (3, 3), (4, 4))] == [
        5,
        4,
        1,
        0,
    ]


@pytest.mark.parametrize("length", WORD_EDGES[1:])
@pytest.mark.parametrize("form", [bytes, bytearray])
def test_find_bit_finds_the_only_bit_at_the_end(form: type, length: int) -> None:
    zeros = form(bytes(length - 1) + b"\x01")
    ones = form(b"\xff" * (length - 1) + b"\xfe")
    last = 8 * length - 1
    assert bits.find_bit(zeros, 1, 0, last) == last
    assert bits.find_bit(ones, 0, 0, last) == last
    assert bits.find_bit(zeros, 1, 0, last - 1) == -1
    assert bits.find_bit(ones, 0, 0, last - 1) == -1


def test_find_bit_skips_bits_before_the_range_in_its_first_byte() -> None:
    assert bits.find_bit(b"\x80\x01", 1, 1, 15) == 15
    assert bits.find_bit(b"\x7f\xfe", 0, 1, 15) == 15


def test_find_bit_in_an_empty_range_finds_nothing() -> None:
    assert bits.find_bit(b"\xff", 1, 3, 2) == -1


def test_get_bit_beyond_the_end_is_zero() -> None:
    assert bits.get_bit(b"\xff", 8) == 0
    assert bits.get_bit(b"", 0) == 0


def test_set_bit_pads_with_zero_bytes_and_answers_the_old_bit() -> None:
    data = bytearray()
    assert bits.set_bit(data, 18, 1) == 0
    assert data == b"\x00\x00\x20"
    assert bits.set_bit(data, 18, 0) == 1
    assert data == bytes(3)


@pytest.mark.parametrize("length", WORD_EDGES)
def test_invert_twice_is_the_same_string(length: int) -> None:
    source = (b"\x01\x80\x00\xff\x7f" * (length // 5 + 1))[:length]
    assert bits.invert(bits.invert(source)) == source
    assert bits.combine(bits.XOR, [source, bits.invert(source)]) == b"\xff" * length


def test_combine_pads_short_strings_with_zero_bytes() -> None:
    long, short = b"\xff" * 20, b"\x0f" * 9
    assert bits.combine(bits.AND, [short, long]) == short + bytes(11)
    assert bits.combine(bits.OR, [short, long]) == long
    assert bits.combine(bits.XOR, [long, short]) == b"\xf0" * 9 + b"\xff" * 11


def test_combine_of_one_string_is_that_string() -> None:
    assert bits.combine(bits.AND, [b"abc"]) == b"abc"


def test_a_field_across_nine_bytes_is_read_back() -> None:
    data = bytearray(b"\xff" * 12)
    bits.set_field(data, 7, 64, 0x0123456789ABCDEF)
    assert bits.get_unsigned(data, 7, 64) == 0x0123456789ABCDEF
    assert bits.bitcount_bits(data, 0, 6) == 7
    assert bits.bitcount_bits(data, 71, 95) == 25


def test_a_field_beyond_the_end_reads_as_zero_bits() -> None:
    assert bits.get_unsigned(b"\xff", 4, 8) == 0xF0
    assert bits.get_signed(b"\xff", 4, 8) == -16
    assert bits.get_unsigned(b"", 100, 63) == 0


@pytest.mark.parametrize(
    ("value", "signed", "width", "wrapped", "saturated"),
    [
        (128, True, 8, -128, 127),
        (-129, True, 8, 127, -128),
        (256, False, 8, 0, 255),
        (-1, False, 8, 255, 0),
        (1 << 63, True, 64, -(1 << 63), (1 << 63) - 1),
        (1 << 63, False, 63, 0, (1 << 63) - 1),
        (1, True, 1, -1, 0),
    ],
)
def test_overflow_policies(value: int, signed: bool, width: int, wrapped: int, saturated: int) -> None:
    assert bits.fit(value, signed, width, bits.WRAP) == wrapped
    assert bits.fit(value, signed, width, bits.SAT) == saturated
    assert bits.fit(value, signed, width, bits.FAIL) is None


def test_a_value_that_fits_is_kept_by_every_policy() -> None:
    for policy in (bits.WRAP, bits.SAT, bits.FAIL):
        assert bits.fit(-128, True, 8, policy) == -128
        assert bits.fit(255, False, 8, policy) == 255
