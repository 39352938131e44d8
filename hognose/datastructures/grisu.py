"""The decimal digits of a double as the Grisu2 algorithm finds them, which version 7.2 prints doubles with.

Python's repr gives the shortest digits that read back as the same number, and of those the closest. Grisu2 computes
with 64 bits only; in 999 of 1,000 cases it gives the same digits, else more of them, or others that read back as well:
22.158277 comes out as 22.158276999999998. Whoever compares replies or dumps byte by byte sees the difference.

    lower          value           upper      the interval of what reads back as the same double, scaled by a power of
      |--------------|--------------|         ten so that the part of upper above the point has 1 to 10 digits
           ^ the digits: upper cut off after as few digits as leave it above lower, then stepped down towards value

How it works: `grisu2` computes in words. A scaled number has 64 bits, one too many for `i64`, whose results must be the
same interpreted, so it is held as its upper 59 and its lower 5 bits, and products are put together from halves:

    (y * p + 2**54) >> 55      y: 55 bits, a bound of the interval      p: 64 bits, the power of ten
    y = yh yl  (27, 28 bits)   p = ph pl  (32, 32 bits)                 each product of halves is below 2**60

Subnormal numbers have fewer than 53 bits and a wide interval: `grisu2_exact` does the same with Python's integers. The
tests hold the two against each other.

Not here: where the point goes (`numbers`).

Source: Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", PLDI 2010, section 6.
Which power of ten is taken where two fit shows in the digits; the choice here gives those of the real server.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_f64_le
from mypy_extensions import i64

FRACTION_BITS: Final = 52
HIDDEN_BIT: Final = 1 << 52
FRACTION_MASK: Final = HIDDEN_BIT - 1
EXPONENT_OF_ONE: Final = 1075
"""What the exponent field holds where the mantissa, taken as an integer, is worth itself."""
MIN_EXPONENT: Final = -1074
WORD_BITS: Final = 64
HALF_WORD: Final = 1 << 63
BOUND_SHIFT: Final = 9
"""How far a bound, four times the mantissa and a little, is from filling 64 bits."""

FIRST_POWER: Final = -348
POWER_STEP: Final = 8
POWER_COUNT: Final = 87
MIN_SCALED_EXPONENT: Final = -60
MAX_SCALED_EXPONENT: Final = -32
LOG10_SCALE: Final = 10_000_000_000
LOG10_OF_2: Final = 3_010_299_957
"""In units of LOG10_SCALE."""

MAX_UNIT_BITS: Final = 60
MAX_UNIT: Final = 1 << 60
"""Shifted right for a power of two: compiled code shifts small literals left within 32 bits."""
LOW_HALF: Final = (1 << 28) - 1
ROUNDING: Final = 1 << 54


class ScaledPower:
    """A power of ten as significand * 2**exponent, the significand rounded to 64 bits."""

    def __init__(self, power: int) -> None:
        numerator = 10**power if power >= 0 else 1
        denominator = 10**-power if power < 0 else 1
        exponent = numerator.bit_length() - denominator.bit_length() - WORD_BITS
        significand = rounded_ratio(numerator, denominator, exponent)
        if significand >= 1 << WORD_BITS:
            exponent += 1
            significand = rounded_ratio(numerator, denominator, exponent)
        self.power: Final[i64] = power
        self.significand: Final[int] = significand
        self.high: Final[i64] = significand >> 32
        self.low: Final[i64] = significand & 0xFFFFFFFF
        self.exponent: Final[i64] = exponent


def rounded_ratio(numerator: int, denominator: int, exponent: int) -> int:
    """Divides numerator by denominator * 2**exponent, rounded to the nearest integer."""
    if exponent >= 0:
        denominator <<= exponent
    else:
        numerator <<= -exponent
    return (2 * numerator + denominator) // (2 * denominator)


POWERS: Final[list[ScaledPower]] = [ScaledPower(FIRST_POWER + POWER_STEP * index) for index in range(POWER_COUNT)]


def grisu2(value: float) -> tuple[i64, i64]:
    """Finds the digits of a positive double.

    Returns:
        The digits as one integer, and the power of ten the last of them is worth.
    """
    mantissa, exponent = decompose(value)
    if mantissa < HIDDEN_BIT:
        digits, last_power = grisu2_exact(value)
        return digits, last_power
    exponent -= 2 + BOUND_SHIFT
    power = fitting_power(exponent)
    one_bits = -(exponent + power.exponent + WORD_BITS)
    upper, upper_rest = scaled(4 * mantissa + 2, power)
    lower, lower_rest = scaled(4 * mantissa - (1 if mantissa == HIDDEN_BIT else 2), power)
    middle, middle_rest = scaled(4 * mantissa, power)
    # The bounds are narrowed by one for what rounding may have moved them.
    delta = ((upper - lower) << 5) + upper_rest - lower_rest - 2
    off = ((upper - middle) << 5) + upper_rest - middle_rest - 1
    if upper_rest == 0:
        upper -= 1
        upper_rest = 32
    whole = upper >> (one_bits - 5)
    rest = ((upper - (whole << (one_bits - 5))) << 5) + upper_rest - 1
    if rest <= delta:
        return without_zeros(whole, -power.power)
    return with_fraction(whole, rest, one_bits, delta, off, -power.power)


def decompose(value: float) -> tuple[i64, i64]:
    """Splits a positive double in its mantissa, of 53 bits unless it is subnormal, and its binary exponent."""
    image = BytesWriter()
    write_f64_le(image, value)
    bits: i64 = read_i64_le(image.getvalue(), 0)
    exponent = bits >> FRACTION_BITS
    if exponent == 0:
        return bits, MIN_EXPONENT
    return (bits & FRACTION_MASK) + HIDDEN_BIT, exponent - EXPONENT_OF_ONE


def fitting_power(exponent: i64) -> ScaledPower:
    """Finds the power of ten that brings a 64-bit number with this exponent to between 1 and 10 digits."""
    index = (-FIRST_POWER * LOG10_SCALE - (exponent + POWER_COUNT) * LOG10_OF_2) // (POWER_STEP * LOG10_SCALE)
    while True:
        power = POWERS[index]
        scaled_exponent = exponent + power.exponent + WORD_BITS
        if scaled_exponent < MIN_SCALED_EXPONENT:
            index += 1
        elif scaled_exponent > MAX_SCALED_EXPONENT:
            index -= 1
        else:
            return power


def scaled(bound: i64, power: ScaledPower) -> tuple[i64, i64]:
    """Multiplies a bound of 55 bits, as 64 bits, with a power of ten and keeps the upper 64 bits of 128, rounded.

    Returns:
        The upper 59 and the lower 5 of these bits.
    """
    bound_high = bound >> 28
    bound_low = bound & LOW_HALF
    sum_28 = ((bound_low * power.low + ROUNDING) >> 28) + bound_high * power.low
    sum_32 = (sum_28 >> 4) + bound_low * power.high
    carried = sum_32 >> 23
    return bound_high * power.high + (carried >> 5), carried & 31


def without_zeros(digits: i64, exponent: i64) -> tuple[i64, i64]:
    """Takes the zeros off the end of digits of which the last is worth 10**exponent."""
    while digits % 10 == 0:
        digits //= 10
        exponent += 1
    return digits, exponent


def with_fraction(whole: i64, rest: i64, one_bits: i64, delta: i64, off: i64, exponent: i64) -> tuple[i64, i64]:
    """Appends digits below the point until what is left is smaller than the interval.

    Args:
        whole: The upper bound's part above the point.
        rest: The part below it, in units of 2**-one_bits, as are delta and off.
        one_bits: See rest.
        delta: The size of the interval.
        off: How far the value lies below the upper bound.
        exponent: The power of ten the last digit of whole is worth.
    """
    digits = whole
    while True:
        # Times ten, in units of half the size: times five.
        one_bits -= 1
        rest *= 5
        delta *= 5
        off *= 5
        digit = rest >> one_bits
        rest -= digit << one_bits
        digits = digits * 10 + digit
        exponent -= 1
        if rest < delta:
            return stepped_down(digits, rest, MAX_UNIT >> (MAX_UNIT_BITS - one_bits), delta, off), exponent


def stepped_down(digits: i64, rest: i64, unit: i64, delta: i64, off: i64) -> i64:
    """Lowers the last digit while that comes closer to the value and stays within the interval."""
    while rest < off and delta - rest >= unit and (rest + unit < off or off - rest > rest + unit - off):
        digits -= 1
        rest += unit
    return digits


def grisu2_exact(value: float) -> tuple[int, int]:
    """`grisu2` with integers of any size: for subnormal numbers, and right for all others."""
    parts = decompose(value)
    mantissa: int = parts[0]
    exponent: int = parts[1]
    double_lower = 4 * mantissa - (1 if mantissa == HIDDEN_BIT else 2)
    shift = WORD_BITS - (4 * mantissa + 2).bit_length()
    exponent -= 2 + shift
    power = fitting_power(exponent)
    one_bits: int = -(exponent + power.exponent + WORD_BITS)
    upper = scaled_exact((4 * mantissa + 2) << shift, power) - 1
    lower = scaled_exact(double_lower << shift, power) + 1
    middle = scaled_exact((4 * mantissa) << shift, power)
    kappa = len(str(upper >> one_bits)) - 1
    while True:
        digits, rest, unit, delta, off = cut_off(upper, lower, middle, one_bits, kappa)
        if rest <= delta and (kappa >= 0 or rest < delta):
            return stepped_down_exact(digits, rest, unit, delta, off), kappa - int(power.power)
        kappa -= 1


def scaled_exact(significand: int, power: ScaledPower) -> int:
    """Multiplies a 64-bit number with a power of ten and keeps the upper 64 bits, rounded."""
    return (significand * power.significand + HALF_WORD) >> WORD_BITS


def cut_off(upper: int, lower: int, middle: int, one_bits: int, kappa: int) -> tuple[int, int, int, int, int]:
    """Cuts the upper bound off at the digit worth 10**kappa.

    Returns:
        The digits; then in one unit what was cut off, what the last digit is worth, the size of the interval, and how
        far the value lies below the upper bound.
    """
    delta = upper - lower
    off = upper - middle
    if kappa >= 0:
        unit: int = 10**kappa << one_bits
        return upper // unit, upper % unit, unit, delta, off
    zoom: int = 10**-kappa
    unit = 1 << one_bits
    return upper * zoom >> one_bits, upper * zoom & (unit - 1), unit, delta * zoom, off * zoom


def stepped_down_exact(digits: int, rest: int, unit: int, delta: int, off: int) -> int:
    """`stepped_down` with integers of any size."""
    while rest < off and delta - rest >= unit and (rest + unit < off or off - rest > rest + unit - off):
        digits -= 1
        rest += unit
    return digits
