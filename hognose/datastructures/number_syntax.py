"""The spelling of floating point numbers, as C's strtod and strtold read them when nothing may be left over.

    number   = [+ | -] (decimal | hex | "inf" | "infinity")         words and letters in either case
    decimal  = digits [. [digits]] | . digits      followed by      [e [+ | -] digits]
    hex      = 0x then the same with hex digits    followed by      [p [+ | -] digits]

Not here: what such a text is worth (`numbers` for doubles, `longdouble` for INCRBYFLOAT). Left out on purpose is "nan",
which C reads and every command refuses, and blanks in front, which C skips and every command refuses too.

Source: ISO C 7.22.1.3, with the server's own refusals on top.
"""

from typing import Final

from mypy_extensions import i64

KIND_INVALID: Final = 0
KIND_DECIMAL: Final = 1
KIND_HEX: Final = 2
KIND_INFINITY: Final = 3

PLUS: Final = 0x2B
MINUS: Final = 0x2D
POINT: Final = 0x2E
ZERO: Final = 0x30
NINE: Final = 0x39
LOWER_A: Final = 0x61
LOWER_E: Final = 0x65
LOWER_F: Final = 0x66
LOWER_I: Final = 0x69
LOWER_P: Final = 0x70
LOWER_X: Final = 0x78
TO_LOWER: Final = 0x20


def number_kind(text: bytes) -> i64:
    """Classifies a text as one of the KIND constants.

    Complexity:
        O(len(text)).
    """
    start = after_sign(text, 0)
    size: i64 = len(text)
    if start >= size:
        return KIND_INVALID
    first: i64 = text[start]
    if first | TO_LOWER == LOWER_I:
        return KIND_INFINITY if text[start:].lower() in (b"inf", b"infinity") else KIND_INVALID
    if first == ZERO and start + 1 < size and text[start + 1] | TO_LOWER == LOWER_X:
        return KIND_HEX if is_number_body(text, start + 2, True) else KIND_INVALID
    return KIND_DECIMAL if is_number_body(text, start, False) else KIND_INVALID


def is_number_body(text: bytes, start: i64, is_hex: bool) -> bool:
    """Tells whether a mantissa and perhaps an exponent fill a text from `start` to its end."""
    size: i64 = len(text)
    i = after_digits(text, start, is_hex)
    digits = i - start
    if i < size and text[i] == POINT:
        fraction = i + 1
        i = after_digits(text, fraction, is_hex)
        digits += i - fraction
    if digits == 0:
        return False
    if i == size:
        return True
    if text[i] | TO_LOWER != (LOWER_P if is_hex else LOWER_E):
        return False
    exponent = after_sign(text, i + 1)
    return exponent < size and after_digits(text, exponent, False) == size


def after_sign(text: bytes, i: i64) -> i64:
    """Returns the index behind the sign at `i`, or `i` where there is none."""
    if i < len(text) and (text[i] == MINUS or text[i] == PLUS):
        return i + 1
    return i


def after_digits(text: bytes, i: i64, is_hex: bool) -> i64:
    """Returns the index of the first byte from `i` on that is no digit."""
    size: i64 = len(text)
    while i < size:
        c: i64 = text[i]
        if not (ZERO <= c <= NINE or (is_hex and LOWER_A <= c | TO_LOWER <= LOWER_F)):
            return i
        i += 1
    return i
