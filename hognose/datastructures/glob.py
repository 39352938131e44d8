"""Glob patterns over bytes, as KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL rules understand them.

    *       any run of bytes          [abc]   one of the bytes          [^a]    any other byte
    ?       any one byte              [a-z]   one of a range            \\x      the byte x itself

Not here: the special case of `KEYS *` and `SCAN MATCH *`, which skip matching altogether and so find the empty key too
(`Glob.matches_everything` tells them). Matched here, `*` refuses the empty string, as it does in the real server.

How it works: every element but `*` eats exactly one byte, so a star that failed to lead to a match can never be saved
by an earlier star eating more. It is enough to remember the last star and let it eat one byte more: time is
O(len(pattern) * len(value)) at worst, whatever the pattern, and nothing recurses. The server's own limit of 1,000 stars
in front of an element is kept, since a pattern beyond it must not match there.

The odd corners are the server's as well, and are tested against it: an unclosed class ends with the pattern, a range
may be written backwards, bytes from 0x80 up are negative in a range (its `char` is signed), an escaped byte inside a
class keeps its case when case is ignored, and a lone backslash at the end stands for itself.
"""

from typing import Final

from mypy_extensions import i64

STAR: Final = 0x2A
QUESTION: Final = 0x3F
OPEN: Final = 0x5B
CLOSE: Final = 0x5D
CARET: Final = 0x5E
DASH: Final = 0x2D
BACKSLASH: Final = 0x5C

MAX_STARS: Final = 1000
"""More stars than this before an element never match: the depth at which the server gives up."""

KIND_ANYTHING: Final = 0
KIND_EXACT: Final = 1
KIND_PREFIX: Final = 2
KIND_GENERAL: Final = 3


def glob_match(pattern: bytes, value: bytes, ignore_case: bool = False) -> bool:
    """Tells whether a pattern matches the whole of a value.

    To match one pattern against many values build a `Glob` once.

    Args:
        pattern: The glob pattern.
        value: The bytes to match.
        ignore_case: Whether ASCII letters match in either case.

    Complexity:
        O(len(pattern) * len(value)) at worst, O(len(value)) for the usual patterns.
    """
    p: i64 = 0
    v: i64 = 0
    pattern_len: i64 = len(pattern)
    value_len: i64 = len(value)
    stars: i64 = 0
    after_star: i64 = -1
    retry_at: i64 = 0
    while v < value_len:
        if p < pattern_len and pattern[p] == STAR:
            p = skip_stars(pattern, p)
            if p == pattern_len:
                return True
            stars += 1
            if stars > MAX_STARS:
                return False
            after_star = p
            retry_at = v
        elif p < pattern_len and element_matches(pattern, p, value[v], ignore_case):
            p = element_end(pattern, p)
            v += 1
        elif after_star >= 0:
            retry_at += 1
            v = retry_at
            p = after_star
        else:
            return False
    if value_len > 0:
        p = skip_stars(pattern, p)
    return p == pattern_len


class Glob:
    """A pattern made ready to be matched against many values.

    Attributes:
        pattern: The pattern as given.
        matches_everything: Whether it is exactly `*`, for the callers that then skip matching.
        literal_prefix: The bytes every matching value starts with, when case matters.
    """

    def __init__(self, pattern: bytes, ignore_case: bool = False) -> None:
        self.pattern: Final[bytes] = pattern
        self.ignore_case: Final[bool] = ignore_case
        self.matches_everything: Final[bool] = pattern == b"*"
        plain_end = literal_length(pattern)
        self.literal_prefix: Final[bytes] = b"" if ignore_case else pattern[:plain_end]
        self.kind: Final[i64] = classify(pattern, plain_end, ignore_case)

    def matches(self, value: bytes) -> bool:
        """Tells whether the pattern matches the whole of a value; see `glob_match`.

        Complexity:
            O(len(pattern)) for an exact pattern or a prefix followed by a star, else as `glob_match`.
        """
        kind = self.kind
        if kind == KIND_PREFIX:
            return value.startswith(self.literal_prefix)
        if kind == KIND_EXACT:
            return value == self.pattern
        if kind == KIND_ANYTHING:
            return len(value) > 0
        return glob_match(self.pattern, value, self.ignore_case)


def classify(pattern: bytes, plain_end: i64, ignore_case: bool) -> i64:
    """Finds the cheapest way to match a pattern whose first `plain_end` bytes are literal."""
    size: i64 = len(pattern)
    only_stars_follow = plain_end < size and skip_stars(pattern, plain_end) == size
    if plain_end == 0 and only_stars_follow:
        return KIND_ANYTHING
    if ignore_case:
        return KIND_GENERAL
    if plain_end == size:
        return KIND_EXACT
    if only_stars_follow:
        return KIND_PREFIX
    return KIND_GENERAL


def literal_length(pattern: bytes) -> i64:
    """Counts the bytes at the start of a pattern that stand for themselves."""
    size: i64 = len(pattern)
    i: i64 = 0
    while i < size:
        c: i64 = pattern[i]
        if c in (STAR, QUESTION, OPEN, BACKSLASH):
            return i
        i += 1
    return size


def skip_stars(pattern: bytes, start: i64) -> i64:
    """Returns the index of the first byte from `start` on that is not a star."""
    i = start
    size: i64 = len(pattern)
    while i < size and pattern[i] == STAR:
        i += 1
    return i


def element_end(pattern: bytes, start: i64) -> i64:
    """Returns the index just past the one-byte element (literal, `?`, class or escape) at `start`."""
    size: i64 = len(pattern)
    c: i64 = pattern[start]
    if c == BACKSLASH:
        return min(start + 2, size)
    if c != OPEN:
        return start + 1
    i = class_start(pattern, start)
    while i < size:
        if pattern[i] == CLOSE:
            return i + 1
        i = class_item_end(pattern, i)
    return size


def element_matches(pattern: bytes, start: i64, byte: i64, ignore_case: bool) -> bool:
    """Tells whether the one-byte element at `start` accepts a byte."""
    c: i64 = pattern[start]
    if c == QUESTION:
        return True
    if c == OPEN:
        return class_matches(pattern, start, byte, ignore_case)
    if c == BACKSLASH and start + 1 < len(pattern):
        c = pattern[start + 1]
    if ignore_case:
        return lower(c) == lower(byte)
    return c == byte


def class_start(pattern: bytes, start: i64) -> i64:
    """Returns the index of the first item of the class whose bracket is at `start`."""
    if start + 1 < len(pattern) and pattern[start + 1] == CARET:
        return start + 2
    return start + 1


def class_item_end(pattern: bytes, i: i64) -> i64:
    """Returns the index just past the class item (escape, range or byte) at `i`."""
    left = len(pattern) - i
    if pattern[i] == BACKSLASH and left >= 2:
        return i + 2
    if left >= 3 and pattern[i + 1] == DASH:
        return i + 3
    return i + 1


def class_matches(pattern: bytes, start: i64, byte: i64, ignore_case: bool) -> bool:
    """Tells whether the class whose bracket is at `start` accepts a byte."""
    size: i64 = len(pattern)
    i = class_start(pattern, start)
    negated = i == start + 2
    found = False
    while i < size and pattern[i] != CLOSE:
        end = class_item_end(pattern, i)
        if class_item_matches(pattern, i, end, byte, ignore_case):
            found = True
            break
        i = end
    return found != negated


def class_item_matches(pattern: bytes, i: i64, end: i64, byte: i64, ignore_case: bool) -> bool:
    """Tells whether the class item in `pattern[i:end]` accepts a byte."""
    first: i64 = pattern[i]
    if end == i + 3:
        return range_matches(first, pattern[i + 2], byte, ignore_case)
    if end == i + 2:
        escaped: i64 = pattern[i + 1]
        return escaped == byte
    if ignore_case:
        return lower(first) == lower(byte)
    return first == byte


def range_matches(first: i64, last: i64, byte: i64, ignore_case: bool) -> bool:
    """Tells whether a byte lies between two others, whichever comes first, compared as signed."""
    a = signed(first)
    b = signed(last)
    low = min(a, b)
    high = max(a, b)
    c = signed(byte)
    if ignore_case:
        return lower(low) <= lower(c) <= lower(high)
    return low <= c <= high


def signed(byte: i64) -> i64:
    """The value of a byte read as a signed char."""
    return byte - 256 if byte >= 128 else byte


def lower(byte: i64) -> i64:
    """The byte in lower case if it is an ASCII capital, else itself."""
    return byte + 32 if 65 <= byte <= 90 else byte
