"""A count-min sketch: how often each item was counted, never too low, and only so much too high.

The table has `depth` rows of `width` counters of 32 bits. An item has one counter in each row, and its count is the
lowest of them: others that share a counter with it can only raise it.

    width = ceil(2 / error)    depth = ceil(log2(1 / probability))

With those, a count is more than `error` times the sum of all counts too high with at most that probability. The
counters of an item come from two hashes a and b, at (a + row * b) modulo the width.

A counter that reaches its end stays there. Header, after the magic (numbers are u64, low byte first):

    width | depth | sum of all counts

Source: G. Cormode and S. Muthukrishnan, "An improved data stream summary: the count-min sketch and its applications"
(2005).
"""

import math
import struct
from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

from hognose.datastructures.sketch import (
    HASH,
    MAX_TABLE_BYTES,
    POSITIVE,
    DamagedSketchError,
    HeaderReader,
    Sketch,
    TableWatcher,
    fill_all,
    pieces_of,
)

MAGIC: Final = b"hgCntMn1"
SEED: Final = 0x2E9D4B83
COUNTER_BYTES: Final = 4
COUNTER_MAX: Final = (1 << 32) - 1
OBJECT_BYTES: Final = 136


def width_for(error: float) -> float:
    """The width with which counts are at most `error` of the sum too high; a whole number. O(1)."""
    return math.ceil(2.0 / error) if error > 2.0 / POSITIVE else math.inf


def depth_for(probability: float) -> int:
    """The depth with which that holds except with a probability. O(1)."""
    return max(1, math.ceil(-math.log2(probability)))


class CountMinSketch(Sketch):
    """A count-min sketch.

    Args:
        width: Counters in a row.
        depth: Rows. Both are positive, and `is_possible` together.
    """

    def __init__(self, width: int, depth: int) -> None:
        self.width: i64 = width
        self.depth: i64 = depth
        self.total: i64 = 0
        self.counters: vec[i32] = counters_of(bytes(width * depth * COUNTER_BYTES))
        self._watcher: TableWatcher | None = None

    def add(self, item: bytes, count: i64) -> i64:
        """Counts an item `count` times, at most 2**32 - 1.

        Returns:
            Its count now; COUNTER_MAX if that ran over.

        Complexity:
            O(depth).
        """
        pair = HASH.pair(item, SEED)
        width = self.width
        counters = self.counters
        watcher = self._watcher
        at: i64 = (pair[0] & POSITIVE) % width
        step: i64 = (pair[1] & POSITIVE) % width
        lowest: i64 = COUNTER_MAX
        row: i64 = 0
        while row < self.depth:
            place = row * width + at
            if watcher is not None:
                watcher.before_change(place * COUNTER_BYTES, (place + 1) * COUNTER_BYTES)
            value = (i64(counters[place]) & COUNTER_MAX) + count
            if value > COUNTER_MAX:
                value = COUNTER_MAX
            counters[place] = i32(value if value < 0x80000000 else value - 0x100000000)
            lowest = min(lowest, value)
            at = (at + step) % width
            row += 1
        self.total += count
        return lowest

    def count(self, item: bytes) -> i64:
        """How often an item was counted, or more. O(depth)."""
        pair = HASH.pair(item, SEED)
        width = self.width
        at: i64 = (pair[0] & POSITIVE) % width
        step: i64 = (pair[1] & POSITIVE) % width
        lowest: i64 = COUNTER_MAX
        row: i64 = 0
        while row < self.depth:
            lowest = min(lowest, i64(self.counters[row * width + at]) & COUNTER_MAX)
            at = (at + step) % width
            row += 1
        return lowest

    def merge(self, sources: list["CountMinSketch"], weights: list[int]) -> bool:
        """Becomes the weighted sum of sketches of its size; False, unchanged, if a counter would leave its range.

        Complexity:
            O(width * depth * sources).
        """
        total = sum(int(source.total) * weight for source, weight in zip(sources, weights, strict=True))
        if not 0 <= total <= POSITIVE:
            return False
        count: i64 = len(self.counters)
        merged = counters_of(bytes(int(count) * COUNTER_BYTES))
        place: i64 = 0
        while place < count:
            value: int = 0  # not i64, in which a large weight would wrap
            for index in range(len(sources)):
                value += int(i64(sources[index].counters[place]) & COUNTER_MAX) * weights[index]
            if not 0 <= value <= COUNTER_MAX:
                return False
            merged[place] = i32(value if value < 0x80000000 else value - 0x100000000)
            place += 1
        self._about_to_change(0, self.table_bytes())
        self.counters = merged
        self.total = total
        return True

    def type_name(self) -> bytes:
        return b"CMSk-TYPE"

    def memory_bytes(self) -> i64:
        return OBJECT_BYTES + len(self.counters) * COUNTER_BYTES

    def copy(self) -> "CountMinSketch":
        twin = count_min_from(self.header(), self.table_bytes())
        fill_all(twin, pieces_of(self))
        return twin

    # The form in which it is carried

    def header(self) -> bytes:
        return MAGIC + struct.pack("<QQQ", int(self.width), int(self.depth), int(self.total))

    def table_bytes(self) -> i64:
        return len(self.counters) * COUNTER_BYTES

    def tables(self, start: i64, stop: i64) -> bytes:
        return counter_bytes(self.counters, start, stop)

    def watch(self, watcher: TableWatcher | None) -> None:
        self._watcher = watcher

    def _about_to_change(self, start: i64, stop: i64) -> None:
        if self._watcher is not None:
            self._watcher.before_change(start, stop)

    def fill(self, start: i64, data: bytes) -> None:
        self._about_to_change(start, start + len(data))
        fill_counters(self.counters, start, data)

    def check_invariants(self) -> None:
        assert len(self.counters) == self.width * self.depth
        # Every row has had every count, unless a counter stands at its end.
        for row in range(int(self.depth)):
            start = row * self.width
            values = [i64(each) & COUNTER_MAX for each in self.counters[start : start + self.width]]
            assert sum(values) == self.total or max(values) == COUNTER_MAX


def is_possible(width: float, depth: float) -> bool:
    """Whether a table of this size may be. O(1)."""
    return width * depth * COUNTER_BYTES <= MAX_TABLE_BYTES


def count_min_from(header: bytes, table_bytes: int) -> CountMinSketch:
    """The sketch of a header, with all counters 0.

    Args:
        header: What `header` returned.
        table_bytes: The size its tables have to have.

    Raises:
        DamagedSketchError: It is no header, or of a sketch with tables of another size.

    Complexity:
        O(N) for N bytes of tables.
    """
    reader = HeaderReader(header, MAGIC)
    width = reader.number(MAX_TABLE_BYTES)
    depth = reader.number(MAX_TABLE_BYTES)
    total = reader.number(POSITIVE)
    reader.finish()
    if width == 0 or depth == 0 or width * depth * COUNTER_BYTES != table_bytes or table_bytes > MAX_TABLE_BYTES:
        raise DamagedSketchError("tables of another size")
    found = CountMinSketch(width, depth)
    found.total = total
    return found


# Counters as bytes, for all tables of 32-bit numbers


def counters_of(data: bytes) -> vec[i32]:
    """Counters from their bytes. O(N)."""
    return vec[i32](memoryview(data).cast("i"))


def counter_bytes(counters: vec[i32], start: i64, stop: i64) -> bytes:
    """Bytes `start` to `stop` of counters, both on the border of one. O(stop - start)."""
    return bytes(memoryview(counters[start // COUNTER_BYTES : stop // COUNTER_BYTES]))


def fill_counters(counters: vec[i32], start: i64, data: bytes) -> None:
    """Overwrites counters by their bytes. O(len(data)).

    Raises:
        DamagedSketchError: The bytes are not of whole counters, or not inside the table.
    """
    if start < 0 or start % COUNTER_BYTES or len(data) % COUNTER_BYTES:
        raise DamagedSketchError("not on the border of a counter")
    place = start // COUNTER_BYTES
    new = counters_of(data)
    if place + len(new) > len(counters):
        raise DamagedSketchError("counters outside the table")
    index: i64 = 0
    while index < len(new):
        counters[place + index] = new[index]
        index += 1
