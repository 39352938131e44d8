"""Choosing several of N at once, each choice equally likely.

Source: Knuth, The Art of Computer Programming, volume 2, section 3.4.2: algorithm S (selection sampling) and
algorithm P (shuffling).
"""

from librt.random import Random
from mypy_extensions import i64


def choose_in_order(random: Random, size: i64, count: i64) -> list[int]:
    """Chooses distinct indexes below a size, ascending.

    Args:
        random: Where chance comes from.
        size: How many there are to choose from.
        count: How many to choose; no more than `size`.

    Complexity:
        O(size).
    """
    chosen: list[int] = []
    needed = count
    index: i64 = 0
    while needed > 0:
        if random.randrange(size - index) < needed:
            chosen.append(index)
            needed -= 1
        index += 1
    return chosen


def choose(random: Random, pool: list[bytes], count: i64) -> list[bytes]:
    """Chooses distinct places of a list, in random order; the list is shuffled. O(count)."""
    size: i64 = len(pool)
    index: i64 = 0
    while index < count:
        other = index + random.randrange(size - index)
        held = pool[index]
        pool[index] = pool[other]
        pool[other] = held
        index += 1
    return pool[:count]
