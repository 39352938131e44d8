"""The digits of doubles: what is called certain must be what Grisu2 finds, and all of it must read back."""

from hypothesis import example, given
from hypothesis import strategies as st

from hognose.datastructures.grisu import grisu2, is_certain, short_decimal

POSITIVE = st.floats(min_value=5e-324, max_value=1.7e308)
DECIMALS = st.builds(lambda digits, places: digits / 10.0**places, st.integers(1, 10**12), st.integers(0, 12))


def shortest(value: float) -> tuple[int, int]:
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    return int(significant), int(power or 0) - len(fraction) + len(digits) - len(significant)


@given(POSITIVE | DECIMALS)
@example(22.158277)
@example(7e22)
@example(2.0**-1074)
@example(2.0**-1022)
@example(1.7976931348623157e308)
def test_digits_read_back_and_are_the_shortest_where_that_is_certain(value: float) -> None:
    digits, exponent = shortest(value)
    found = grisu2(value, len(str(digits)))
    assert float(f"{found[0]}e{found[1]}") == value
    if is_certain(value, digits, exponent):
        assert found == (digits, exponent)


@given(DECIMALS)
@example(0.5)
@example(22.158277)
def test_short_decimals_are_what_grisu2_finds(value: float) -> None:
    digits, decimals = short_decimal(value)
    if decimals and not value.is_integer():
        assert grisu2(value, len(str(digits))) == (digits, -decimals)
        assert shortest(value) == (digits, -decimals)
