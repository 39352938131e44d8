"""A small sorted set as one listpack: member, score, member, score... in order.

    body    entry of member 0 | entry of score 0 | entry of member 1 | ...        ascending by score, then member

Scores are entries like any element: integers where they are whole numbers, else the text of the number. All functions
are pure: they take a body and give back positions or a new body. A position of a pair is the offset of its member's
entry; ranks count pairs. The value that uses these is in `zset`.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.listpack import (
    cut,
    encode,
    encode_i64,
    entry_size,
    find,
    get,
    get_i64,
    insert,
    is_int,
    skip,
)
from hognose.datastructures.numbers import format_double

__all__ = [
    "count_below_member",
    "count_below_score",
    "cut",
    "encode",
    "encode_score",
    "lower_bound",
    "position_of",
    "put",
    "rank_at",
    "score_entry",
    "score_of",
    "scores_between",
    "take",
]

EXACT: Final = 9007199254740992.0  # 2**53: whole numbers up to here are written without going through their text


def encode_score(score: float) -> bytes:
    """Makes the entry of a score. A negative zero loses its sign, as on the real server."""
    if -EXACT <= score <= EXACT:
        whole: i64 = int(score)
        if float(whole) == score:
            return encode_i64(whole)
    return encode(format_double(score))


def score_entry(body: bytes, at: i64) -> float:
    """Reads the score entry at an offset."""
    if is_int(body, at):
        return float(get_i64(body, at))
    return float(get(body, at))


def score_of(body: bytes, at: i64) -> float:
    """Reads the score of the pair at a position."""
    return score_entry(body, at + entry_size(body, at))


def position_of(body: bytes, member: bytes) -> i64:
    """The position of a member, or -1. O(N)."""
    return find(body, encode(member), 0, 2)


def rank_at(body: bytes, position: i64) -> i64:
    """The number of pairs before a position. O(N)."""
    at: i64 = 0
    rank: i64 = 0
    while at < position:
        at = skip(body, at, 2)
        rank += 1
    return rank


def lower_bound(body: bytes, pairs: i64, score: float, member: bytes) -> i64:
    """The position of the first pair that is not below (score, member). O(N) steps, O(log N) comparisons."""
    at: i64 = 0
    while pairs > 0:
        half = pairs >> 1
        middle = skip(body, at, 2 * half)
        middle_score = score_of(body, middle)
        if middle_score < score or (middle_score == score and get(body, middle) < member):
            at = skip(body, middle, 2)
            pairs -= half + 1
        else:
            pairs = half
    return at


def count_below_score(body: bytes, pairs: i64, score: float, inclusive: bool) -> i64:
    """Counts the pairs with a score below (inclusive: or equal to) the given one."""
    at: i64 = 0
    below: i64 = 0
    while pairs > 0:
        half = pairs >> 1
        middle = skip(body, at, 2 * half)
        middle_score = score_of(body, middle)
        if middle_score < score or (inclusive and middle_score == score):
            at = skip(body, middle, 2)
            below += half + 1
            pairs -= half + 1
        else:
            pairs = half
    return below


def count_below_member(body: bytes, pairs: i64, member: bytes, inclusive: bool) -> i64:
    """Counts the leading pairs with a member below (inclusive: or equal to) the given one. O(N).

    Goes through from the start, so that a set with unequal scores gives what the real server's walk gives.
    """
    at: i64 = 0
    below: i64 = 0
    while below < pairs:
        found = get(body, at)
        if found > member or (found == member and not inclusive):
            break
        at = skip(body, at, 2)
        below += 1
    return below


def scores_between(body: bytes, start: i64, stop: i64) -> list[float]:
    """The scores with ranks start to stop - 1. O(N)."""
    found: list[float] = []
    if start >= stop:
        return found
    at = skip(body, 0, 2 * start + 1)
    while True:
        found.append(score_entry(body, at))
        start += 1
        if start >= stop:
            return found
        at = skip(body, at, 2)


def put(body: bytes, pairs: i64, score: float, member: bytes) -> bytes:
    """Puts in a member that is not there. O(N)."""
    at = lower_bound(body, pairs, score, member)
    return insert(body, at, encode(member) + encode_score(score))


def take(body: bytes, position: i64) -> bytes:
    """Takes out the pair at a position. O(N)."""
    return cut(body, position, skip(body, position, 2))
