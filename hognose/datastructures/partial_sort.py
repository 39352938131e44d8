"""Sorting just so much of a list that a range of it holds what it would hold if all were sorted.

Which of several equal elements come first, and so which of them are within the range at all, is up to the algorithm:
this is the one by which servers cut results off, so that a search with a limit finds the same members as theirs.

How it works: quicksort that splits in three, smaller, equal and larger, and goes on only where a part overlaps with the
range. Up to 7 elements are sorted by insertion; the pivot is the middle one, or the median of three, or for more than
40 elements the median of three such medians.

    | equal to the pivot | smaller | not seen yet | larger | equal |
      first                equal_end  left      right        equal_start

While splitting, equal ones are kept at both ends; they are swapped to the middle afterwards.

Source: Jon Bentley and Douglas McIlroy, "Engineering a Sort Function", Software: Practice and Experience 23 (11), 1993,
program 7.
"""

from typing import Final

from mypy_extensions import i64

MANY: Final = 40
FEW: Final = 7


class PartialSort:
    """Indexes of keys, of which a range is sorted by key.

    Attributes:
        order: The indexes as they stand now.
    """

    def __init__(self, keys: list[float]) -> None:
        self._keys: Final = keys
        self.order: Final[list[int]] = list(range(len(keys)))
        self._larger_start: i64 = 0
        self._smaller_end: i64 = 0

    def run(self, low: i64, high: i64) -> None:
        """Sorts what belongs at the positions from low to high, both included. O(N + M*log(M)) on average."""
        starts: list[int] = [0]
        ends: list[int] = [len(self.order)]
        while starts:
            start: i64 = starts.pop()
            end: i64 = ends.pop()
            if end - start < FEW:
                self._insert(start, end)
                continue
            self._split(start, end)
            if self._smaller_end - start > 1 and low < self._smaller_end and high >= start:
                starts.append(start)
                ends.append(self._smaller_end)
            if end - self._larger_start > 1 and low < end and high >= self._larger_start:
                starts.append(self._larger_start)
                ends.append(end)

    def _key(self, position: i64) -> float:
        return self._keys[self.order[position]]

    def _swap(self, one: i64, other: i64) -> None:
        order = self.order
        kept = order[one]
        order[one] = order[other]
        order[other] = kept

    def _swap_runs(self, one: i64, other: i64, count: i64) -> None:
        """Swaps so many elements that begin at two positions."""
        i: i64 = 0
        while i < count:
            self._swap(one + i, other + i)
            i += 1

    def _insert(self, start: i64, end: i64) -> None:
        """Sorts by insertion."""
        i = start + 1
        while i < end:
            position = i
            while position > start and self._key(position - 1) > self._key(position):
                self._swap(position, position - 1)
                position -= 1
            i += 1

    def _median(self, one: i64, two: i64, three: i64) -> i64:
        """Which of three positions holds the middle key; between equal ones the order of the questions decides."""
        a = self._key(one)
        b = self._key(two)
        c = self._key(three)
        if a < b:
            if b < c:
                return two
            return three if a < c else one
        if b > c:
            return two
        return one if a < c else three

    def _pivot(self, start: i64, end: i64) -> i64:
        """The position of the key to split by."""
        count = end - start
        middle = start + count // 2
        if count == FEW:
            return middle
        left = start
        right = end - 1
        if count > MANY:
            step = count // 8
            left = self._median(left, left + step, left + 2 * step)
            middle = self._median(middle - step, middle, middle + step)
            right = self._median(right - 2 * step, right - step, right)
        return self._median(left, middle, right)

    def _split(self, start: i64, end: i64) -> None:
        """Brings what is smaller than the pivot to the front and what is larger to the back; says where they end."""
        self._swap(start, self._pivot(start, end))
        pivot = self._key(start)
        equal_end = left = start + 1
        equal_start = right = end - 1
        while True:
            while left <= right and self._key(left) <= pivot:
                if self._key(left) == pivot:
                    self._swap(equal_end, left)
                    equal_end += 1
                left += 1
            while left <= right and self._key(right) >= pivot:
                if self._key(right) == pivot:
                    self._swap(right, equal_start)
                    equal_start -= 1
                right -= 1
            if left > right:
                break
            self._swap(left, right)
            left += 1
            right -= 1
        smaller = left - equal_end
        larger = equal_start - right
        moved = smaller if smaller < equal_end - start else equal_end - start
        self._swap_runs(start, left - moved, moved)
        moved = larger if larger < end - equal_start - 1 else end - equal_start - 1
        self._swap_runs(left, end - moved, moved)
        self._smaller_end = start + smaller
        self._larger_start = end - larger


def partial_order(keys: list[float], low: i64, high: i64) -> list[int]:
    """The indexes of keys in an order that is the sorted one from position low to high, both included."""
    sorting = PartialSort(keys)
    sorting.run(low, high)
    return sorting.order
