"""Stream IDs: when an entry was added, in milliseconds, and which of that millisecond's entries it is.

An ID is one int, the milliseconds in the upper 64 bits and the sequence in the lower, so that IDs compare and count as
numbers do. Its text is `MS-SEQ`. Not here: what "$", ">" and "(" mean to a command.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.numbers import THREE_DIGITS, format_i64

MAX_U64: Final = (1 << 64) - 1
MIN_ID: Final = 0
MAX_ID: Final = (1 << 128) - 1

INVALID: Final = -1
"""What parsing answers for a text that is no ID."""

# The longest text looked at; more than an ID can be made to need, and what the real server's buffer takes.
_MAX_TEXT_BYTES: Final = 127

_MILLION: Final = 1_000_000
_FAR: Final = 1 << 60  # beyond, times and sequences are nobody's clock; they are written the slow way

# A number this short is below 2**63 whatever its digits are.
_SAFE_DIGITS: Final = 18


def make_id(ms: int, seq: int) -> int:
    """Puts an ID together from milliseconds and sequence, both 0 to 2**64 - 1. O(1)."""
    return (ms << 64) | seq


def format_id(entry_id: int) -> bytes:
    """Writes an ID as `MS-SEQ`. O(1)."""
    return b"%d-%d" % (entry_id >> 64, entry_id & MAX_U64)


class IdFormatter:
    """Writes IDs whose times lie close together: the digits above the millionth are kept from one to the next.

    That is the usual case, both of entries added and of entries read in a row, and a third of the cost.
    """

    def __init__(self) -> None:
        self._millions: i64 = -1
        self._digits: bytes = b""

    def text(self, ms: int, seq: int) -> bytes:
        """Writes an ID given in its two parts. O(1)."""
        if not (_MILLION <= ms < _FAR and seq < _FAR):
            return b"%d-%d" % (ms, seq)
        small_ms: i64 = ms
        millions = small_ms // _MILLION
        if millions != self._millions:
            self._millions = millions
            self._digits = b"%d" % millions
        thousands = THREE_DIGITS[small_ms // 1000 % 1000]
        return b"%b%b%b-%b" % (self._digits, thousands, THREE_DIGITS[small_ms % 1000], format_i64(seq))


def parse_id(text: bytes, missing_seq: int) -> int:
    """Reads `MS-SEQ` or `MS`.

    Args:
        text: The ID as a client wrote it.
        missing_seq: The sequence of an ID that gives milliseconds only.

    Returns:
        The ID, or INVALID.

    Complexity: O(1).
    """
    if len(text) > _MAX_TEXT_BYTES:
        return INVALID
    ms_text, dash, seq_text = text.partition(b"\0")[0].partition(b"-")
    ms = parse_u64(ms_text)
    seq = parse_u64(seq_text) if dash else missing_seq
    if ms < 0 or seq < 0:
        return INVALID
    return (ms << 64) | seq


def parse_u64(text: bytes) -> int:
    """Reads an unsigned 64-bit number as C's strtoull does, which is what the real server falls back to.

    Args:
        text: Digits; leading zeros, leading white space and a sign are taken too. A minus sign wraps around, unless the
            number is a plain negative one.

    Returns:
        The number, or INVALID.
    """
    if text.isdigit() and len(text) <= _SAFE_DIGITS:
        return int(text)
    digits = text.lstrip(b" \t\n\v\f\r")
    negative = digits.startswith(b"-")
    if negative or digits.startswith(b"+"):
        digits = digits[1:]
    if not digits.isdigit() or int(digits) > MAX_U64:
        return INVALID
    number = int(digits)
    if not negative:
        return number
    if text == b"-%d" % number and 0 < number <= 1 << 63:
        return INVALID
    return -number & MAX_U64
