"""The 80-bit arithmetic of INCRBYFLOAT and HINCRBYFLOAT: parse, add once, print with at most 17 decimals.

The server adds in the x87 `long double`: a 64-bit significand, exponents from 2**-16445 to below 2**16384, round half
to even. The replies show it (0.1 + 0.2 is "0.3", and 1000.1 is "1000.10000000000000003"), so they are computed in it.

    value = significand * 2**exponent            0 <= |significand| <= 2**64

How it works: every long double is a rational number, so parsing, adding and printing are exact integer operations with
one rounding at the end of each (`round_ratio`). That gives the same digits on every platform, where C's own type is 64
bits wide on some, 128 on others, and out of reach from Python on all.

Not here: ordinary doubles (`numbers`).

Source: IEEE 754-2019 (extended format, round half to even); replies compared with a real server on x86-64.
"""

from typing import Final

from hognose.datastructures.number_syntax import KIND_DECIMAL, KIND_HEX, KIND_INFINITY, number_kind

SIGNIFICAND_BITS: Final = 64
MIN_EXPONENT: Final = -16445
"""The weight of the lowest bit of the smallest subnormal."""
MAX_BITS: Final = 16384
"""A finite value is below 2 to this power."""
MAX_TEXT: Final = 5 * 1024
"""Texts as long as this are refused: the size of the buffer the server copies them to."""
DECIMALS: Final = 17
TEN_TO_DECIMALS: Final = 10**17
DIGIT_CHUNK: Final = 4000
"""Digits converted at once; CPython refuses more than 4,300."""
MAX_DECIMAL_EXPONENT: Final = 20_000
"""Beyond this power of ten, with at most MAX_TEXT digits, every value overflows or vanishes."""


class LongDouble:
    """A finite 80-bit number, or an infinity.

    Attributes:
        significand: Signed, at most 2**64 in size; the sign alone where `infinite` is set.
        exponent: The power of two it is multiplied with.
        infinite: Whether this is an infinity.
    """

    def __init__(self, significand: int, exponent: int, infinite: bool) -> None:
        self.significand: Final[int] = significand
        self.exponent: Final[int] = exponent
        self.infinite: Final[bool] = infinite


def incr_float(value: bytes, increment: bytes) -> bytes:
    """Adds two numbers as INCRBYFLOAT does.

    Args:
        value: The number so far, as text.
        increment: What to add, as text.

    Returns:
        The sum without exponent, with at most 17 decimals and no trailing zeros.

    Raises:
        ValueError: One of the two is not a number.
        OverflowError: The sum is NaN or infinite.
    """
    return format_long_double(add_long_doubles(parse_long_double(value), parse_long_double(increment)))


def milliseconds_of(seconds: bytes) -> int:
    """A number of seconds in milliseconds, rounded up, as the timeouts of blocking commands are read.

    Raises:
        ValueError: It is not a number.
    """
    value = parse_long_double(seconds)
    if value.infinite:
        return -(2**63) if value.significand < 0 else 2**63
    scaled = value.significand * 1000
    if value.exponent >= 0:
        return scaled << value.exponent
    return -(-scaled >> -value.exponent)


def parse_long_double(text: bytes) -> LongDouble:
    """Reads a number as strtold does, refusing what the server refuses.

    Raises:
        ValueError: It is no number, or NaN, or overflows, or is not zero but rounds to it.
    """
    kind = number_kind(text)
    if len(text) >= MAX_TEXT:
        kind = 0
    negative = text[:1] == b"-"
    if kind == KIND_INFINITY:
        return LongDouble(-1 if negative else 1, 0, True)
    if kind == KIND_DECIMAL:
        result = parse_decimal(text.lstrip(b"+-"))
    elif kind == KIND_HEX:
        result = parse_hex(text.lstrip(b"+-")[2:])
    else:
        raise ValueError("not a number")
    if result.infinite:
        raise ValueError("number out of range")
    return LongDouble(-result.significand, result.exponent, False) if negative else result


def add_long_doubles(a: LongDouble, b: LongDouble) -> LongDouble:
    """Adds with one rounding.

    Raises:
        OverflowError: The sum is NaN or infinite.
    """
    if a.infinite or b.infinite:
        raise OverflowError("sum is NaN or infinite")
    low = min(a.exponent, b.exponent)
    total = (a.significand << (a.exponent - low)) + (b.significand << (b.exponent - low))
    size = abs(total)
    result = round_ratio(size << low, 1) if low >= 0 else round_ratio(size, 1 << -low)
    if result.infinite:
        raise OverflowError("sum is NaN or infinite")
    return LongDouble(-result.significand, result.exponent, False) if total < 0 else result


def format_long_double(value: LongDouble) -> bytes:
    """Prints a finite number without exponent: 17 decimals, rounded half to even, trailing zeros cut off."""
    size = abs(value.significand)
    scaled = size * TEN_TO_DECIMALS
    if value.exponent >= 0:
        scaled <<= value.exponent
    else:
        scaled = shift_right_half_even(scaled, -value.exponent)
    whole, fraction = divmod(scaled, TEN_TO_DECIMALS)
    text = int_digits(whole)
    if fraction:
        text += b"." + str(fraction).encode().zfill(DECIMALS).rstrip(b"0")
    return b"-" + text if value.significand < 0 and scaled else text


def round_ratio(numerator: int, denominator: int) -> LongDouble:
    """Rounds a ratio of two integers (0 or more over 1 or more) to the nearest long double, ties to even."""
    if numerator == 0:
        return LongDouble(0, 0, False)
    exponent = max(numerator.bit_length() - denominator.bit_length() - SIGNIFICAND_BITS, MIN_EXPONENT)
    quotient, rest, unit = scaled_divmod(numerator, denominator, exponent)
    if quotient.bit_length() > SIGNIFICAND_BITS:
        exponent += 1
        quotient, rest, unit = scaled_divmod(numerator, denominator, exponent)
    if 2 * rest > unit or (2 * rest == unit and quotient & 1):
        quotient += 1
    return LongDouble(quotient, exponent, quotient.bit_length() + exponent > MAX_BITS)


def scaled_divmod(numerator: int, denominator: int, exponent: int) -> tuple[int, int, int]:
    """Divides by denominator * 2**exponent: quotient, rest, and the divisor the rest belongs to."""
    if exponent >= 0:
        denominator <<= exponent
    else:
        numerator <<= -exponent
    quotient, rest = divmod(numerator, denominator)
    return quotient, rest, denominator


def shift_right_half_even(value: int, bits: int) -> int:
    """Divides a non-negative integer by 2**bits and rounds half to even."""
    result = value >> bits
    rest = value - (result << bits)
    half = 1 << (bits - 1)
    if rest > half or (rest == half and result & 1):
        result += 1
    return result


def parse_decimal(text: bytes) -> LongDouble:
    """Reads an unsigned decimal number known to be well formed.

    Raises:
        ValueError: It is not zero but rounds to it.
    """
    mantissa, _, exponent_text = text.lower().partition(b"e")
    whole, _, fraction = mantissa.partition(b".")
    significand = digits_int((whole + fraction).lstrip(b"0"))
    exponent = clamped_exponent(exponent_text) - len(fraction)
    if significand == 0:
        return LongDouble(0, 0, False)
    if exponent > MAX_DECIMAL_EXPONENT:
        return LongDouble(1, 0, True)
    if exponent < -2 * MAX_DECIMAL_EXPONENT:
        raise ValueError("number out of range")
    result = round_ratio(significand * 10**exponent, 1) if exponent >= 0 else round_ratio(significand, 10**-exponent)
    if result.significand == 0:
        raise ValueError("number out of range")
    return result


def parse_hex(text: bytes) -> LongDouble:
    """Reads an unsigned hexadecimal number known to be well formed, without its 0x.

    Raises:
        ValueError: It is not zero but rounds to it.
    """
    mantissa, _, exponent_text = text.lower().partition(b"p")
    whole, _, fraction = mantissa.partition(b".")
    significand = int(whole + fraction, 16)
    exponent = clamped_exponent(exponent_text) - 4 * len(fraction)
    if significand == 0:
        return LongDouble(0, 0, False)
    result = round_ratio(significand << exponent, 1) if exponent >= 0 else round_ratio(significand, 1 << -exponent)
    if result.significand == 0:
        raise ValueError("number out of range")
    return result


def clamped_exponent(text: bytes) -> int:
    """Reads an exponent, cut to where every number of MAX_TEXT digits has long overflown or vanished."""
    if not text:
        return 0
    size = text.lstrip(b"+-0")
    limit = 2 * MAX_DECIMAL_EXPONENT + 4 * MAX_TEXT
    exponent = min(int(size), limit) if 0 < len(size) <= 10 else (limit if size else 0)
    return -exponent if text[:1] == b"-" else exponent


def digits_int(digits: bytes) -> int:
    """Converts decimal digits, however many, to an integer."""
    result = 0
    start = 0
    while start < len(digits):
        chunk = digits[start : start + DIGIT_CHUNK]
        result = result * 10 ** len(chunk) + int(chunk)
        start += DIGIT_CHUNK
    return result


def int_digits(value: int) -> bytes:
    """Converts a non-negative integer, however large, to decimal digits."""
    power = 10**DIGIT_CHUNK
    if value < power:
        return str(value).encode()
    high, low = divmod(value, power)
    return int_digits(high) + str(low).encode().zfill(DIGIT_CHUNK)
