"""Numbers as text: whatever is printed reads back, and the 80-bit sums agree with exact fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from hognose.datastructures.numbers import canonical_int, format_double, format_i64, incr_float, parse_double, parse_i64

I64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@given(I64)
def test_every_64_bit_integer_survives_printing_and_reading(value: int) -> None:
    text = format_i64(value)
    assert canonical_int(text)
    assert parse_i64(text) == value


@given(st.binary(max_size=22) | st.integers(-(2**65), 2**65).map(lambda n: b"%d" % n))
def test_canonical_means_it_prints_back_to_the_same_text(text: bytes) -> None:
    try:
        value = int(text)
        expected = -(2**63) <= value < 2**63 and b"%d" % value == text
    except ValueError:
        expected = False
    assert canonical_int(text) is expected


@given(st.floats(allow_nan=False))
def test_every_double_survives_printing_and_reading(value: float) -> None:
    assert parse_double(format_double(value)) == value


@given(st.text("0123456789", min_size=1, max_size=20))
def test_digits_are_read_as_python_reads_them(text: str) -> None:
    assert parse_double(text.encode()) == float(text)


@given(st.floats(min_value=-8, max_value=8).map(lambda x: round(x, 15)), st.integers(-8, 8))
def test_small_decimal_sums_come_out_without_noise(value: float, increment: int) -> None:
    text = f"{value:.15f}".encode()
    assert Fraction(incr_float(text, b"%d" % increment).decode()) == Fraction(text.decode()) + increment


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_integer_sums_within_64_bits_are_exact(value: int, increment: int) -> None:
    assert incr_float(b"%d" % value, b"%d" % increment) == b"%d" % (value + increment)
