"""Integers and doubles read and printed exactly as the server reads and prints them.

- Integers are canonical or refused: no sign but one minus, no leading zero, no blank, no "-0", within 64 bits. So the
  text can be had back from the number, which is what lets a string, a list element or a set member be kept as a number.
- Doubles are read as C's strtod does (hexadecimal and infinities included) when the text has nothing else in it; NaN is
  refused, and so is what overflows or is not zero but rounds to it.
- Doubles are printed as version 7.2 does in ZSCORE and every other reply, in RESP2 as in RESP3: with the digits that
  `grisu` finds. (7.0 printed "%.17g" in RESP2: 3.1000000000000001 where 7.2 says 3.1.) The layout is not that of C nor
  of Python:

      digits d1..dn, last one worth 10**K      printed as               examples
      0 <= K < 8                               all digits, K zeros      9007199254740993000000    1e+20 is beyond
      K < 0 and (K > -7 or 1e-3 <= x < 1e4)    decimal point            3.1    0.000001    1234.5678901
      else                                     scientific               1e+20    1e-7    1.23456789012e+4

`incr_float` of INCRBYFLOAT is at home in `longdouble` and offered here too.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.grisu import grisu2
from hognose.datastructures.longdouble import incr_float
from hognose.datastructures.number_syntax import KIND_HEX, KIND_INVALID, number_kind

__all__ = [
    "canonical_int",
    "canonical_value",
    "format_double",
    "format_i64",
    "incr_float",
    "parse_double",
    "parse_i64",
]

UP_TO_3_DIGITS: Final[list[bytes]] = [b"%d" % value for value in range(1000)]
THREE_DIGITS: Final[list[bytes]] = [b"%03d" % value for value in range(1000)]
MAX_I64_TEXT: Final = 20
"""The longest canonical integer: a minus and 19 digits."""
MINUS: Final = 0x2D
ZERO: Final = 0x30
NINE: Final = 0x39
LAST_BEFORE_OVERFLOW: Final = 922337203685477580
"""2**63 // 10: a number above it takes no further digit."""
SAFE_INTEGRAL: Final = 4611686018427387904.0
"""Doubles without a fraction, up to this size, are printed as integers: 2**62, as the server's own test has it."""
MAX_EXACT_DIGITS: Final = 15
MAX_PLAIN_ZEROS: Final = 7
MAX_PLAIN_DECIMALS: Final = 6
MIN_PLAIN_POINT: Final = -2
MAX_PLAIN_POINT: Final = 4
"""Numbers from 1e-3 to below 1e4 have a point and no exponent, however many decimals they have."""
ZEROS: Final = b"00000000"
INFINITY: Final = float("inf")


def parse_i64(text: bytes) -> i64:
    """Reads a canonical 64-bit integer.

    Raises:
        ValueError: It is not one.

    Complexity:
        O(len(text)), at most 20 bytes.
    """
    if not canonical_int(text):
        raise ValueError("not a canonical 64-bit integer")
    return canonical_value(text)


def canonical_int(text: bytes) -> bool:
    """Tells whether a text is exactly how a 64-bit integer prints; never raises.

    Complexity:
        O(len(text)), at most 20 bytes.
    """
    size: i64 = len(text)
    if size == 0 or size > MAX_I64_TEXT:
        return False
    i: i64 = 0
    if text[0] == MINUS:
        i = 1
        if size == 1:
            return False
    first: i64 = text[i]
    if first == ZERO:
        return size == 1
    digits = size - i
    if digits > 19:
        return False
    while i < size:
        c: i64 = text[i]
        if c < ZERO or c > NINE:
            return False
        i += 1
    return digits < 19 or fits_i64(text)


def fits_i64(text: bytes) -> bool:
    """Tells whether a canonical number of 19 digits is within 64 bits."""
    negative = text[0] == MINUS
    size: i64 = len(text)
    value: i64 = 0
    i: i64 = 1 if negative else 0
    while i < size - 1:
        value = value * 10 + (text[i] - ZERO)
        i += 1
    last: i64 = text[i] - ZERO
    if value == LAST_BEFORE_OVERFLOW:
        return last <= (8 if negative else 7)
    return value < LAST_BEFORE_OVERFLOW


def canonical_value(text: bytes) -> i64:
    """The value of a text that `canonical_int` accepts; meaningless for any other."""
    size: i64 = len(text)
    if text[0] == MINUS:
        negative: i64 = 0
        i: i64 = 1
        while i < size:
            negative = negative * 10 - (text[i] - ZERO)
            i += 1
        return negative
    value: i64 = 0
    k: i64 = 0
    while k < size:
        value = value * 10 + (text[k] - ZERO)
        k += 1
    return value


def format_i64(value: i64) -> bytes:
    """Prints an integer in its canonical form."""
    if 0 <= value < 1000:
        return UP_TO_3_DIGITS[value]
    if 0 <= value < 1_000_000:
        return b"%b%b" % (UP_TO_3_DIGITS[value // 1000], THREE_DIGITS[value % 1000])
    if 0 <= value < 1_000_000_000:
        return b"%b%b%b" % (
            UP_TO_3_DIGITS[value // 1_000_000],
            THREE_DIGITS[value // 1000 % 1000],
            THREE_DIGITS[value % 1000],
        )
    return str(value).encode()


def parse_double(text: bytes) -> float:
    """Reads a double as strtod does, refusing what the server refuses.

    Raises:
        ValueError: It is no number, or NaN, or overflows, or is not zero but rounds to it.

    Complexity:
        O(len(text)).
    """
    whole = _short_whole(text)
    if whole >= 0:
        return float(whole)
    kind = number_kind(text)
    if kind == KIND_INVALID:
        raise ValueError("not a number")
    if kind == KIND_HEX:
        return parse_hex_double(text)
    value = float(text)
    if value in (0.0, INFINITY, -INFINITY):
        check_extreme(text, value)
    return value


def _short_whole(text: bytes) -> int:
    """Reads up to 15 digits, which a double holds exactly; -1 for any other text. Most scores are of this kind."""
    size: i64 = len(text)
    if size == 0 or size > MAX_EXACT_DIGITS:
        return -1
    whole: i64 = 0
    place: i64 = 0
    while place < size:
        digit: i64 = i64(text[place]) - ZERO
        if digit < 0 or digit > 9:
            return -1
        whole = whole * 10 + digit
        place += 1
    return whole


def parse_hex_double(text: bytes) -> float:
    """Reads a hexadecimal double known to be well formed.

    Raises:
        ValueError: It overflows, or is not zero but rounds to it.
    """
    try:
        value = float.fromhex(text.decode("ascii"))
    except OverflowError:
        raise ValueError("number out of range") from None
    if value == 0.0 and any(digit not in b"0." for digit in text.lower().lstrip(b"+-")[2:].partition(b"p")[0]):
        raise ValueError("number out of range")
    return value


def check_extreme(text: bytes, value: float) -> None:
    """Refuses a decimal text that became zero or an infinity without saying so.

    Raises:
        ValueError: It did.
    """
    unsigned = text.lstrip(b"+-").lower()
    if unsigned[:1] != b"i" and (value != 0.0 or unsigned.partition(b"e")[0].strip(b"0.")):
        raise ValueError("number out of range")


def format_double(value: float) -> bytes:
    """Prints a double as every reply does; the module docstring shows the layout.

    Returns:
        Text that `parse_double` reads back as the same number ("nan" apart).
    """
    if -SAFE_INTEGRAL <= value <= SAFE_INTEGRAL:
        whole = int(value)
        if float(whole) == value:
            return b"-0" if whole == 0 and str(value)[0] == "-" else str(whole).encode()
    elif value in (INFINITY, -INFINITY):
        return b"inf" if value > 0 else b"-inf"
    elif value != value:  # noqa: PLR0124 - the one value that differs from itself
        return b"nan"
    return format_digits(value)


def format_digits(value: float) -> bytes:
    """Prints a finite double that is not zero by its digits alone, whole numbers too: 100000000 is 1e+8."""
    digits, exponent = grisu2(abs(value))
    laid_out = lay_out(str(digits).encode(), exponent)
    return b"-%b" % laid_out if value < 0 else laid_out


def lay_out(digits: bytes, exponent: i64) -> bytes:
    """Places the point, or an exponent, in digits of which the last is worth 10**exponent."""
    count: i64 = len(digits)
    point = count + exponent
    """How many digits stand before the point."""
    if exponent < 0 and (exponent >= -MAX_PLAIN_DECIMALS or MIN_PLAIN_POINT <= point <= MAX_PLAIN_POINT):
        if point > 0:
            return b"%b.%b" % (digits[:point], digits[point:])
        return b"0.%b%b" % (ZEROS[:-point], digits)
    if 0 <= exponent <= MAX_PLAIN_ZEROS:
        return digits + ZEROS[:exponent]
    sign, power = (b"-", format_i64(1 - point)) if point < 1 else (b"+", format_i64(point - 1))
    if count == 1:
        return b"%be%b%b" % (digits, sign, power)
    return b"%b.%be%b%b" % (digits[:1], digits[1:], sign, power)
