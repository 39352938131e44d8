"""The decimal digits of a double as the Grisu2 algorithm finds them, which version 7.2 prints doubles with.

Python's repr gives the shortest digits that read back as the same number, and of those the closest. Grisu2 computes
with 64 bits only; in 999 of 1,000 cases it gives the same digits, else more of them, or others that read back as well:
22.158277 comes out as 22.158276999999998. Whoever compares replies or dumps byte by byte sees the difference.

How it works: `is_certain` proves, exactly, that the shortest digits lie so well inside the interval of all numbers that
read back as the same double that Grisu2 must find them; `short_decimal` finds and proves them at once for everyday
numbers. Only where neither can, `grisu2` runs.

    lower          value           upper      the interval, scaled by a power of ten so that upper / one is 1..10 digits
      |--------------|--------------|
           ^ the digits: upper cut off after as few digits as leave it above lower, then stepped down towards value

Not here: where the point goes (`numbers`).

Source: Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", PLDI 2010, section 6.
Which power of ten is taken where two fit shows in the digits; the choice here gives those of the real server.
"""

import math
from typing import Final

from mypy_extensions import i64

MANTISSA_BITS: Final = 53
HIDDEN_BIT: Final = 1 << 52
TWO_TO_53: Final = 9007199254740992.0
MAX_WORD_SHIFT: Final = 62
MAX_SHORT_DECIMALS: Final = 6
MIN_EXPONENT: Final = -1074
WORD_BITS: Final = 64
HALF_WORD: Final = 1 << 63

FIRST_POWER: Final = -348
POWER_STEP: Final = 8
POWER_COUNT: Final = 87
MIN_SCALED_EXPONENT: Final = -60
MAX_SCALED_EXPONENT: Final = -32
LOG10_OF_2: Final = 0.30102999566398114

EXACT_TENS: Final[list[int]] = [10**exponent for exponent in range(28)]
MAX_EXACT_SHIFT: Final = 200


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
        self.power: Final[int] = power
        self.significand: Final[int] = significand
        self.exponent: Final[int] = exponent


def rounded_ratio(numerator: int, denominator: int, exponent: int) -> int:
    """Divides numerator by denominator * 2**exponent, rounded to the nearest integer."""
    if exponent >= 0:
        denominator <<= exponent
    else:
        numerator <<= -exponent
    return (2 * numerator + denominator) // (2 * denominator)


POWERS: Final[list[ScaledPower]] = [ScaledPower(FIRST_POWER + POWER_STEP * index) for index in range(POWER_COUNT)]


def is_certain(value: float, digits: int, exponent: int) -> bool:
    """Tells whether Grisu2 surely gives these shortest digits of a positive double; False means it may not.

    Args:
        value: The double.
        digits: Its shortest digits.
        exponent: The power of ten the last of them is worth.
    """
    fraction, binary_exponent = math.frexp(value)
    mantissa = int(fraction * TWO_TO_53)
    binary_exponent -= MANTISSA_BITS
    if abs(exponent) >= len(EXACT_TENS) or abs(binary_exponent) > MAX_EXACT_SHIFT:
        return False
    decimal_unit = 1
    binary_unit = 1
    if exponent >= 0:
        decimal_unit = EXACT_TENS[exponent]
    else:
        binary_unit = EXACT_TENS[-exponent]
    if binary_exponent >= 0:
        binary_unit <<= binary_exponent
    else:
        decimal_unit <<= -binary_exponent
    off = abs(digits * decimal_unit - mantissa * binary_unit)
    percent: int = margin_percent(mantissa)
    return decimal_unit >= binary_unit and 100 * off < percent * binary_unit


def margin_percent(mantissa: i64) -> i64:
    """How far digits may surely be off, in hundredths of the distance to the next double: safely below one half.

    Below a power of two the doubles lie twice as close.
    """
    return 24 if mantissa == HIDDEN_BIT else 49


def short_decimal(value: float) -> tuple[i64, i64]:
    """Finds the digits of a positive double of moderate size that has at most six decimals, without `repr`.

    Tries one decimal, two, and so on. The first that is surely right is also the shortest. The difference between the
    digits and the double is computed modulo 2**64, and it is small wherever it matters.

    Returns:
        The digits as one integer and the number of decimals; or 0 and 0 if another way must be tried.
    """
    fraction, exponent = math.frexp(value)
    shift: i64 = MANTISSA_BITS - exponent
    if shift <= 0 or shift > MAX_WORD_SHIFT:
        return 0, 0
    mantissa: i64 = int(fraction * TWO_TO_53)
    decimals: i64 = 1
    tens: i64 = 10
    factor = 10.0
    while decimals <= MAX_SHORT_DECIMALS and value * factor < TWO_TO_53:
        digits: i64 = int(value * factor + 0.5)
        off = (digits << shift) - mantissa * tens
        if off < 0:
            off = -off
        if off <= tens:
            one: i64 = 1
            if 100 * off < margin_percent(mantissa) * tens and one << shift >= tens:
                return digits, decimals
            if 100 * off <= 51 * tens:
                return 0, 0
        decimals += 1
        tens *= 10
        factor *= 10.0
    return 0, 0


def grisu2(value: float, at_least: int) -> tuple[int, int]:
    """Finds digits of a positive double.

    Args:
        value: The double.
        at_least: How many digits the shortest form has; Grisu2 never finds fewer.

    Returns:
        The digits as one integer, and the power of ten the last of them is worth.
    """
    mantissa, exponent = decompose(value)
    double_lower = 4 * mantissa - (1 if mantissa == HIDDEN_BIT else 2)
    shift = WORD_BITS - (4 * mantissa + 2).bit_length()
    exponent -= 2 + shift
    power = fitting_power(exponent)
    one_bits = -(exponent + power.exponent + WORD_BITS)
    upper = scaled((4 * mantissa + 2) << shift, power) - 1
    lower = scaled(double_lower << shift, power) + 1
    middle = scaled((4 * mantissa) << shift, power)
    whole_digits = len(str(upper >> one_bits))
    kappa = whole_digits - max(at_least - 1, 1)
    while True:
        digits, rest, unit, delta, off = cut_off(upper, lower, middle, one_bits, kappa)
        if rest <= delta and (kappa >= 0 or rest < delta):
            return stepped_down(digits, rest, unit, delta, off), kappa - power.power
        kappa -= 1


def decompose(value: float) -> tuple[int, int]:
    """Splits a double in its mantissa, of 53 bits unless it is subnormal, and its binary exponent."""
    fraction, exponent = math.frexp(value)
    mantissa = int(fraction * TWO_TO_53)
    exponent -= MANTISSA_BITS
    if exponent < MIN_EXPONENT:
        mantissa >>= MIN_EXPONENT - exponent
        exponent = MIN_EXPONENT
    return mantissa, exponent


def fitting_power(exponent: int) -> ScaledPower:
    """Finds the power of ten that brings a 64-bit number with this exponent to between 1 and 10 digits."""
    index = int((-(exponent + POWER_COUNT) * LOG10_OF_2 - FIRST_POWER) / POWER_STEP)
    while True:
        power = POWERS[index]
        scaled_exponent = exponent + power.exponent + WORD_BITS
        if scaled_exponent < MIN_SCALED_EXPONENT:
            index += 1
        elif scaled_exponent > MAX_SCALED_EXPONENT:
            index -= 1
        else:
            return power


def scaled(significand: int, power: ScaledPower) -> int:
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
        unit = 10**kappa << one_bits
        return upper // unit, upper % unit, unit, delta, off
    zoom = 10**-kappa
    unit = 1 << one_bits
    return upper * zoom >> one_bits, upper * zoom & (unit - 1), unit, delta * zoom, off * zoom


def stepped_down(digits: int, rest: int, unit: int, delta: int, off: int) -> int:
    """Lowers the last digit while that comes closer to the value and stays within the interval."""
    while rest < off and delta - rest >= unit and (rest + unit < off or off - rest > rest + unit - off):
        digits -= 1
        rest += unit
    return digits
