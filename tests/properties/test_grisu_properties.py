"""The digits of doubles: computed in words they must be those computed exactly, and all of them must read back."""

from hypothesis import example, given
from hypothesis import strategies as st

from hognose.datastructures.grisu import grisu2, grisu2_exact

POSITIVE = st.floats(min_value=5e-324, max_value=1.7976931348623157e308)
UNIT_INTERVAL = st.floats(min_value=0.0, max_value=1.0, exclude_min=True)
POWERS_OF_TWO = st.integers(-1074, 1023).map(lambda exponent: 2.0**exponent)
DECIMALS = st.builds(lambda digits, places: digits / 10.0**places, st.integers(1, 10**12), st.integers(0, 12))


@given(POSITIVE | UNIT_INTERVAL | POWERS_OF_TWO | DECIMALS)
@example(22.158277)
@example(7e22)
@example(2.0**-1074)
@example(2.0**-1022)
@example(2.0**-1022 - 2.0**-1074)
@example(1.7976931348623157e308)
def test_digits_read_back_and_are_those_of_exact_computation(value: float) -> None:
    found = grisu2(value)
    assert float(f"{found[0]}e{found[1]}") == value
    assert found == grisu2_exact(value)


@given(POSITIVE | UNIT_INTERVAL | DECIMALS)
def test_digits_are_at_least_as_many_as_the_shortest(value: float) -> None:
    mantissa = repr(value).partition("e")[0].replace(".", "").strip("0")
    assert len(str(grisu2(value)[0])) >= len(mantissa)
