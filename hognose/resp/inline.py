"""Splitting a line into words, with the quoting rules of inline commands, redis-cli and redis.conf.

    "..."   understands \\n \\r \\t \\b \\a \\\\ \\" and \\xHH        '...'   understands only \\'

A closing quote must be followed by white space or the end of the line.
"""

from typing import Final

ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
SPACES: Final = b" \t\n\r\v\f\0"


class UnbalancedQuotesError(ValueError):
    """A quote is never closed, or something other than white space follows a closing quote."""


def split_words(line: bytes) -> list[bytes]:
    """Splits a line into words.

    Args:
        line: One line without its line end.

    Returns:
        The words, unquoted. Empty for a blank line.

    Raises:
        UnbalancedQuotesError: The quotes do not balance.

    Complexity: O(len(line)).
    """
    if b'"' not in line and b"'" not in line:
        return line.replace(b"\0", b" ").split()
    words: list[bytes] = []
    pos = 0
    end = len(line)
    while True:
        while pos < end and line[pos] in SPACES:
            pos += 1
        if pos == end:
            return words
        word, pos = _take_word(line, pos)
        words.append(word)


def _take_word(line: bytes, pos: int) -> tuple[bytes, int]:
    """The word that starts at `pos`, and the position after it. Quotes may open in the middle of a word."""
    word = b""
    end = len(line)
    while pos < end:
        char = line[pos : pos + 1]
        if char in SPACES:
            break
        if char in {b'"', b"'"}:
            part, pos = _take_double_quoted(line, pos + 1) if char == b'"' else _take_single_quoted(line, pos + 1)
            word += part
            if pos < end and line[pos] not in SPACES:
                raise UnbalancedQuotesError
            break
        word += char
        pos += 1
    return word, pos


def _take_double_quoted(line: bytes, pos: int) -> tuple[bytes, int]:
    """The text up to the closing double quote, and the position after the quote."""
    text = bytearray()
    end = len(line)
    while pos < end:
        char = line[pos : pos + 1]
        if char == b'"':
            return bytes(text), pos + 1
        if char != b"\\" or pos + 1 == end:
            text += char
            pos += 1
            continue
        escaped = line[pos + 1 : pos + 2]
        digits = line[pos + 2 : pos + 4]
        if escaped == b"x" and len(digits) == 2 and digits[0] in HEX_DIGITS and digits[1] in HEX_DIGITS:
            text.append(int(digits, 16))
            pos += 4
        else:
            text += ESCAPES.get(escaped, escaped)
            pos += 2
    raise UnbalancedQuotesError


def _take_single_quoted(line: bytes, pos: int) -> tuple[bytes, int]:
    """The text up to the closing single quote, and the position after the quote."""
    text = bytearray()
    end = len(line)
    while pos < end:
        char = line[pos : pos + 1]
        if char == b"'":
            return bytes(text), pos + 1
        if char == b"\\" and line[pos + 1 : pos + 2] == b"'":
            char = b"'"
            pos += 1
        text += char
        pos += 1
    raise UnbalancedQuotesError
