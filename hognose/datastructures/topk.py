"""The k items counted most often, by HeavyKeeper: counters that remember whose they are, and forget the rare.

The table has `depth` rows of `width` buckets; a bucket holds a fingerprint and a count. An item that meets its own
fingerprint adds to the count. One that meets another's lowers that count with probability decay**count, and takes the
bucket when it comes to 0: so counts of the frequent hardly ever fall, and those of the rare soon do. The highest count
of an item's own buckets is its estimate; items whose estimate is among the k highest are kept by name, in a heap with
the lowest on top.

Chance comes from a generator inside the value, and is part of it when it is saved: the same commands make the same list
on every server.

Header, after the magic (numbers are u64, low byte first):

    k | width | depth | decay f64 | state of the generator | items | count, size of each item in heap order... | items

Tables: all fingerprints, then all counts, 32 bits each.

Source: J. Gong et al., "HeavyKeeper: An Accurate Algorithm for Finding Top-k Elephant Flows" (2018).
"""

import struct
from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

from hognose.datastructures.count_min_sketch import counter_bytes, counters_of, fill_counters
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
from hognose.datastructures.value import bytes_size

MAGIC: Final = b"hgTopK_1"
SEED: Final = 0x3A7C15B9
BUCKET_BYTES: Final = 8
COUNTER_BYTES: Final = 4
COUNTER_MAX: Final = (1 << 32) - 1
RANDOM_RANGE: Final = 4294967296.0
FIRST_STATE: Final = 0x9E3779B9
OBJECT_BYTES: Final = 328
PLACE_BYTES: Final = 160
"""Of one of the k places: two list slots, a count, an entry in the index."""


class TopK(Sketch):
    """The items counted most often.

    Args:
        k: How many.
        width: Buckets in a row.
        depth: Rows.
        decay: Between 0 (excluded) and 1: the base of the probability with which a foreign count is lowered.
    """

    def __init__(self, k: int, width: int, depth: int, decay: float) -> None:
        self.k: Final = k
        self.width: i64 = width
        self.depth: i64 = depth
        self.decay: float = decay
        self._prints: vec[i32] = counters_of(bytes(width * depth * COUNTER_BYTES))
        self._counts: vec[i32] = counters_of(bytes(width * depth * COUNTER_BYTES))
        self._watcher: TableWatcher | None = None
        self._random: i64 = FIRST_STATE
        self._heap: list[bytes] = []
        self._estimates: list[int] = []
        self._places: dict[bytes, int] = {}
        self._item_bytes: i64 = 0

    def _chance(self) -> float:
        """The next number of the generator (xorshift, 32 bits), 0 (included) to 1 (excluded). O(1)."""
        state = self._random
        state ^= (state << 13) & COUNTER_MAX
        state ^= state >> 17
        state ^= (state << 5) & COUNTER_MAX
        self._random = state
        return float(state) / RANDOM_RANGE

    def add(self, item: bytes, count: i64) -> bytes | None:
        """Counts an item `count` times, at least once; returns the item that left the list for it, if any.

        Complexity:
            O(depth * count + log k).
        """
        pair = HASH.pair(item, SEED)
        width = self.width
        fingerprint: i64 = (pair[0] >> 7) & COUNTER_MAX
        at: i64 = (pair[0] & POSITIVE) % width
        step: i64 = (pair[1] & POSITIVE) % width
        highest: i64 = 0
        row: i64 = 0
        while row < self.depth:
            highest = max(highest, self._count_in(row * width + at, fingerprint, count))
            at = (at + step) % width
            row += 1
        return self._rank(item, highest)

    def _count_in(self, place: i64, fingerprint: i64, count: i64) -> i64:
        """Counts in one bucket; returns the count there if the bucket is the item's, else 0."""
        watcher = self._watcher
        if watcher is not None:
            at = place * COUNTER_BYTES
            half = len(self._prints) * COUNTER_BYTES
            watcher.before_change(at, at + COUNTER_BYTES)
            watcher.before_change(half + at, half + at + COUNTER_BYTES)
        here = i64(self._counts[place]) & COUNTER_MAX
        if here == 0:
            here = count
            self._prints[place] = as_i32(fingerprint)
        elif i64(self._prints[place]) & COUNTER_MAX == fingerprint:
            here = min(here + count, COUNTER_MAX)
        else:
            left = count
            while left > 0:
                if self._chance() < self.decay ** float(here):
                    here -= 1
                    if here == 0:
                        self._prints[place] = as_i32(fingerprint)
                        self._counts[place] = as_i32(left)
                        return left
                left -= 1
            self._counts[place] = as_i32(here)
            return 0
        self._counts[place] = as_i32(here)
        return here

    def _rank(self, item: bytes, estimate: i64) -> bytes | None:
        """Gives an item its place in the list, if it belongs there; returns whom it drives out."""
        if estimate == 0:
            return None
        if item in self._places:
            place: i64 = self._places[item]
            if estimate > self._estimates[place]:
                self._estimates[place] = int(estimate)
                self._sink(place)
            return None
        if len(self._heap) < self.k:
            self._heap.append(item)
            self._estimates.append(int(estimate))
            self._item_bytes += bytes_size(len(item))
            self._rise(len(self._heap) - 1)
            return None
        if estimate < self._estimates[0]:
            return None
        driven_out = self._heap[0]
        del self._places[driven_out]
        self._item_bytes += bytes_size(len(item)) - bytes_size(len(driven_out))
        self._heap[0] = item
        self._estimates[0] = int(estimate)
        self._places[item] = 0
        self._sink(0)
        return driven_out

    def _put(self, place: i64, item: bytes, estimate: int) -> None:
        self._heap[place] = item
        self._estimates[place] = estimate
        self._places[item] = int(place)

    def _rise(self, place: i64) -> None:
        """Moves the item of a place towards the top of the heap. O(log k)."""
        item = self._heap[place]
        estimate = self._estimates[place]
        while place > 0:
            parent = (place - 1) // 2
            if self._estimates[parent] <= estimate:
                break
            self._put(place, self._heap[parent], self._estimates[parent])
            place = parent
        self._put(place, item, estimate)

    def _sink(self, place: i64) -> None:
        """Moves the item of a place away from the top of the heap. O(log k)."""
        item = self._heap[place]
        estimate = self._estimates[place]
        size: i64 = len(self._heap)
        while True:
            child = 2 * place + 1
            if child >= size:
                break
            if child + 1 < size and self._estimates[child + 1] < self._estimates[child]:
                child += 1
            if self._estimates[child] >= estimate:
                break
            self._put(place, self._heap[child], self._estimates[child])
            place = child
        self._put(place, item, estimate)

    def has(self, item: bytes) -> bool:
        """Whether an item is among the k. O(1)."""
        return item in self._places

    def count(self, item: bytes) -> i64:
        """The estimate of an item's count; 0 if nothing is known of it. O(depth)."""
        if item in self._places:
            return self._estimates[self._places[item]]
        pair = HASH.pair(item, SEED)
        width = self.width
        fingerprint: i64 = (pair[0] >> 7) & COUNTER_MAX
        at: i64 = (pair[0] & POSITIVE) % width
        step: i64 = (pair[1] & POSITIVE) % width
        highest: i64 = 0
        row: i64 = 0
        while row < self.depth:
            place = row * width + at
            if i64(self._prints[place]) & COUNTER_MAX == fingerprint:
                highest = max(highest, i64(self._counts[place]) & COUNTER_MAX)
            at = (at + step) % width
            row += 1
        return highest

    def ranking(self) -> list[tuple[bytes, int]]:
        """The items with their counts, the highest first; among equals by their bytes. O(k log k)."""
        order = [(-self._estimates[place], self._heap[place]) for place in range(len(self._heap))]
        order.sort()
        return [(item, -negative) for negative, item in order]

    def type_name(self) -> bytes:
        return b"TopK-TYPE"

    def memory_bytes(self) -> i64:
        return OBJECT_BYTES + len(self._counts) * BUCKET_BYTES + len(self._heap) * PLACE_BYTES + self._item_bytes

    def copy(self) -> "TopK":
        twin = topk_from(self.header(), self.table_bytes())
        fill_all(twin, pieces_of(self))
        return twin

    # The form in which it is carried

    def header(self) -> bytes:
        parts = [MAGIC, struct.pack("<QQQd", self.k, int(self.width), int(self.depth), self.decay)]
        parts.append(struct.pack("<QQ", int(self._random), len(self._heap)))
        parts += [struct.pack("<QQ", self._estimates[place], len(item)) for place, item in enumerate(self._heap)]
        return b"".join(parts + self._heap)

    def table_bytes(self) -> i64:
        return len(self._counts) * BUCKET_BYTES

    def tables(self, start: i64, stop: i64) -> bytes:
        half = len(self._prints) * COUNTER_BYTES
        first = counter_bytes(self._prints, min(start, half), min(stop, half))
        return first + counter_bytes(self._counts, max(start - half, 0), max(stop - half, 0))

    def watch(self, watcher: TableWatcher | None) -> None:
        self._watcher = watcher

    def fill(self, start: i64, data: bytes) -> None:
        if self._watcher is not None:
            self._watcher.before_change(start, start + len(data))
        half = len(self._prints) * COUNTER_BYTES
        head = min(max(half - start, 0), len(data))
        fill_counters(self._prints, min(start, half), data[:head])
        fill_counters(self._counts, max(start - half, 0), data[head:])

    def restore_list(self, state: int, items: list[bytes], estimates: list[int]) -> None:
        """Gives a new value its generator's state and its list, in heap order.

        Raises:
            DamagedSketchError: That is no such list.
        """
        if not 0 < state <= COUNTER_MAX or len(items) > self.k or len(set(items)) != len(items):
            raise DamagedSketchError("impossible list of items")
        for place in range(len(items)):
            if not max(1, estimates[(place - 1) // 2] if place else 1) <= estimates[place] <= COUNTER_MAX:
                raise DamagedSketchError("list of items that is out of order")
            self._places[items[place]] = place
            self._item_bytes += bytes_size(len(items[place]))
        self._random = state
        self._heap = items
        self._estimates = estimates

    def check_invariants(self) -> None:
        assert len(self._heap) == len(self._estimates) == len(self._places) <= self.k
        for place, item in enumerate(self._heap):
            assert self._places[item] == place
            assert place == 0 or self._estimates[(place - 1) // 2] <= self._estimates[place]
        assert self._item_bytes == sum(bytes_size(len(item)) for item in self._heap)
        assert len(self._prints) == len(self._counts) == self.width * self.depth


def as_i32(value: i64) -> i32:
    """An unsigned number of 32 bits as a signed one. O(1)."""
    return i32(value if value < 0x80000000 else value - 0x100000000)


def topk_from(header: bytes, table_bytes: int) -> TopK:
    """The value of a header, with empty buckets.

    Args:
        header: What `header` returned.
        table_bytes: The size its tables have to have.

    Raises:
        DamagedSketchError: It is no header, or of a value with tables of another size.

    Complexity:
        O(N) for N bytes.
    """
    reader = HeaderReader(header, MAGIC)
    k = reader.number(MAX_TABLE_BYTES)
    width = reader.number(MAX_TABLE_BYTES)
    depth = reader.number(MAX_TABLE_BYTES)
    decay = reader.fraction()
    state = reader.number(COUNTER_MAX)
    count = reader.number(len(header) // 16)
    if k == 0 or not 0.0 < decay <= 1.0 or width == 0 or depth == 0:
        raise DamagedSketchError("impossible parameters")
    if width * depth * BUCKET_BYTES != table_bytes or table_bytes > MAX_TABLE_BYTES:
        raise DamagedSketchError("tables of another size")
    estimates: list[int] = []
    sizes: list[int] = []
    for _ in range(count):
        estimates.append(reader.number(COUNTER_MAX))
        sizes.append(reader.number(len(header)))
    items = [reader.take(size) for size in sizes]
    reader.finish()
    found = TopK(k, width, depth, decay)
    found.restore_list(state, items, estimates)
    return found
