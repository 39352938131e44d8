"""Ranges of sorted sets as commands name them, turned into ranks.

    by rank     0 -1            both ends inclusive, negative ones counted from the end
    by score    1.5 (3 -inf     `(` leaves the bound itself out
    by member   [a (b - +       `[` takes the bound in, `(` leaves it out, - and + are the ends of all strings

Whatever the kind, a range of a given set is a start and a stop rank, and reading, counting and removing go by those.
"""

from typing import Final, final

from hognose.commands.arguments import integer
from hognose.datastructures.number_syntax import KIND_DECIMAL, KIND_HEX, KIND_INVALID, number_kind
from hognose.datastructures.zset import ZSetValue
from hognose.errors import CommandError

MIN_OR_MAX_NOT_FLOAT: Final = "ERR min or max is not a float"
MIN_OR_MAX_NOT_LEX: Final = "ERR min or max not valid string range item"
INFINITE_BOUNDS: Final = {b"-inf": float("-inf"), b"+inf": float("inf"), b"inf": float("inf")}
DIGIT_0: Final = 0x30
DIGIT_9: Final = 0x39
BLANKS: Final = b" \t\n\v\f\r"
OPEN: Final = ord("(")
CLOSED: Final = ord("[")


class Range:
    """A range that is not yet of any set."""

    def ranks(self, zset: ZSetValue) -> tuple[int, int]:
        """The range in a set as start and stop; empty where stop is not above start."""
        raise NotImplementedError


@final
class RankRange(Range):
    """From the first to the last index; with `reverse`, indexes count from the end of the set."""

    def __init__(self, first: bytes, last: bytes, reverse: bool = False) -> None:
        self.first = integer(first)
        self.last = integer(last)
        self.reverse = reverse

    def ranks(self, zset: ZSetValue) -> tuple[int, int]:
        length = int(zset.length())
        start = self.first + length if self.first < 0 else self.first
        last = self.last + length if self.last < 0 else self.last
        start = max(start, 0)
        last = min(last, length - 1)
        if start > last:
            return 0, 0
        if self.reverse:
            return length - 1 - last, length - start
        return start, last + 1


@final
class ScoreRange(Range):
    """From one score to another."""

    def __init__(self, low: bytes, high: bytes) -> None:
        self.low_is_open = low[:1] == b"("
        self.low = score_bound(low)
        self.high_is_open = high[:1] == b"("
        self.high = score_bound(high)

    def ranks(self, zset: ZSetValue) -> tuple[int, int]:
        start = zset.count_below_score(self.low, self.low_is_open)
        return start, zset.count_below_score(self.high, not self.high_is_open)


@final
class LexRange(Range):
    """From one member to another, in a set whose scores are equal."""

    def __init__(self, low: bytes, high: bytes) -> None:
        check_lex_bound(low)
        check_lex_bound(high)
        self.low = low
        self.high = high

    def ranks(self, zset: ZSetValue) -> tuple[int, int]:
        start = lex_rank(zset, self.low, is_low=True)
        stop = lex_rank(zset, self.high, is_low=False)
        # Where scores differ members are in no order and anything may come; but real servers look at both ends first.
        if start < stop and not (
            self._begins_before(zset.members(zset.length() - 1, zset.length())[0])
            and self._ends_behind(zset.members(0, 1)[0])
        ):
            return 0, 0
        return start, stop

    def _begins_before(self, member: bytes) -> bool:
        kind = self.low[0]
        if kind == CLOSED:
            return member >= self.low[1:]
        return member > self.low[1:] if kind == OPEN else self.low[:1] == b"-"

    def _ends_behind(self, member: bytes) -> bool:
        kind = self.high[0]
        if kind == CLOSED:
            return member <= self.high[1:]
        return member < self.high[1:] if kind == OPEN else self.high[:1] == b"+"


def score_bound(text: bytes) -> float:
    """A bound of a range of scores, read as C's strtod does: blanks in front are skipped, nothing at all is zero.

    Raises:
        CommandError: It is no number.
    """
    infinite = INFINITE_BOUNDS.get(text)
    if infinite is not None:
        return infinite
    if text and DIGIT_0 <= text[0] <= DIGIT_9 and number_kind(text) == KIND_DECIMAL:
        return float(text)
    number = text[1:] if text[:1] == b"(" else text
    number = number.partition(b"\0")[0]
    if not number:
        return 0.0
    number = number.lstrip(BLANKS)
    kind = number_kind(number)
    if kind == KIND_INVALID:
        raise CommandError(MIN_OR_MAX_NOT_FLOAT)
    if kind == KIND_HEX:
        try:
            return float.fromhex(number.decode("ascii"))
        except OverflowError:
            return float("-inf") if number[:1] == b"-" else float("inf")
    return float(number)


def check_lex_bound(text: bytes) -> None:
    """Refuses what is no bound of a range of members."""
    if text[:1] not in {b"(", b"["} and text.partition(b"\0")[0] not in {b"-", b"+"}:
        raise CommandError(MIN_OR_MAX_NOT_LEX)


def lex_rank(zset: ZSetValue, bound: bytes, is_low: bool) -> int:
    """The rank where a range of members begins (`is_low`) or ends."""
    kind = bound[0]
    if kind == CLOSED:
        return zset.count_below_member(bound[1:], not is_low)
    if kind == OPEN:
        return zset.count_below_member(bound[1:], is_low)
    return 0 if bound[:1] == b"-" else zset.length()


def limited(start: int, stop: int, offset: int, count: int, reverse: bool) -> tuple[int, int]:
    """What LIMIT leaves of a range of ranks.

    Args:
        start: The first rank.
        stop: The rank behind the last.
        offset: How many to pass over; a negative number passes over all.
        count: How many to keep; a negative number keeps all.
        reverse: Whether the range is walked down from its end.

    Returns:
        Start and stop; empty where stop is not above start.
    """
    if offset < 0 or start >= stop:
        return 0, 0
    if reverse:
        stop -= offset
        return (max(start, stop - count) if count >= 0 else start), stop
    if offset >= stop - start:
        return 0, 0
    start += offset
    return start, (min(stop, start + count) if count >= 0 else stop)
