"""Stream IDs: when an entry was added, in milliseconds, and which of that millisecond's entries it is.

An ID is one int, the milliseconds in the upper 64 bits and the sequence in the lower, so that IDs compare and count as
numbers do. Its text is `MS-SEQ`. Not here: what "$", ">" and "(" mean to a command.
"""

from typing import Final

MAX_U64: Final = (1 << 64) - 1
MIN_ID: Final = 0
MAX_ID: Final = (1 << 128) - 1

INVALID: Final = -1
"""What parsing answers for a text that is no ID."""

# The longest text looked at; more than an ID can be made to need, and what the real server's buffer takes.
_MAX_TEXT_BYTES: Final = 127

# A number this short is below 2**63 whatever its digits are.
_SAFE_DIGITS: Final = 18


def make_id(ms: int, seq: int) -> int:
    """Puts an ID together from milliseconds and sequence, both 0 to 2**64 - 1. O(1)."""
    return (ms << 64) | seq


def format_id(entry_id: int) -> bytes:
    """Writes an ID as `MS-SEQ`. O(1)."""
    return b"%d-%d" % (entry_id >> 64, entry_id & MAX_U64)


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
