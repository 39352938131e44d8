"""A Bloom filter that grows: which items have been added, with some false positives and no false negatives.

A filter is a list of layers. A layer for `capacity` items with error rate p has m = capacity * -ln(p) / ln(2)^2 bits,
of which an item sets k = ceil(-log2(p)). When the newest layer is full, another one follows, `expansion` times as large
and with half the error rate; as the first begins with half the rate asked for, all together stay below it. A filter
that must not grow has one layer with the rate as it is, and refuses items when that is full.

The k positions of an item come from two hashes a and b by enhanced double hashing: a, a+b, a+2b+1, a+3b+4...

Header, after the magic (numbers are u64, low byte first):

    error rate f64 | expansion (0: must not grow) | layers | capacity, items of each layer...

Sources: B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors" (1970); P. S. Almeida et al.,
"Scalable Bloom Filters" (2007); P. C. Dillinger and P. Manolios, "Bloom filters in probabilistic verification" (2004).
"""

import math
import struct
from typing import Final

from mypy_extensions import i64, u8

from hognose.datastructures.sketch import (
    HASH,
    MAX_TABLE_BYTES,
    POSITIVE,
    ByteTable,
    DamagedSketchError,
    HeaderReader,
    Sketch,
    TableWatcher,
    fill_all,
    pieces_of,
)

MAGIC: Final = b"hgBloom1"
SEED: Final = 0x5C3D1A27
TIGHTENING: Final = 0.5
MAX_CAPACITY: Final = 1 << 30
"""Of the first layer."""
MAX_EXPANSION: Final = 32768
MAX_LAYERS: Final = 1024
OBJECT_BYTES: Final = 160
LAYER_BYTES: Final = 160
WORD_BITS: Final = 64
WORD_BYTES: Final = 8
BITS_PER_NAT: Final = 1.0 / (math.log(2.0) * math.log(2.0))
"""Bits for each item and each factor of e by which the error rate is below 1."""


class FilterFullError(Exception):
    """A filter that must not grow has as many items as it was made for."""


class FilterTooLargeError(Exception):
    """A layer would be larger than the limit."""


def words_for(capacity: int, error_rate: float) -> int:
    """How many words of 64 bits a layer has. O(1).

    Raises:
        FilterTooLargeError: More than there may be.
    """
    if error_rate <= 0.0:  # halved until nothing is left
        raise FilterTooLargeError
    wanted = capacity * -math.log(error_rate) * BITS_PER_NAT
    if wanted > MAX_TABLE_BYTES * 8.0:
        raise FilterTooLargeError
    return max(1, math.ceil(wanted / WORD_BITS))


def layer_rate(error_rate: float, expansion: int, index: int) -> float:
    """The error rate of a filter's layer `index`, 0-based. O(1)."""
    return error_rate * TIGHTENING ** (index + 1) if expansion else error_rate


class Layer(ByteTable):
    """One filter of fixed size.

    Args:
        capacity: For how many items it is made.
        error_rate: Its false-positive rate.
        start: See `ByteTable`.

    Attributes:
        capacity: For how many items it is made.
        items: How many it has.
        size: Bits.
        hashes: Bits set for each item.
    """

    def __init__(self, capacity: int, error_rate: float, start: i64) -> None:
        words = words_for(capacity, error_rate)
        super().__init__(words * WORD_BYTES, start)
        self.capacity: Final = capacity
        self.error_rate: Final = error_rate
        self.items: i64 = 0
        self.size: i64 = words * WORD_BITS
        self.hashes: i64 = max(1, math.ceil(-math.log2(error_rate)))

    def has(self, first: i64, second: i64) -> bool:
        """Whether all bits of an item are set. O(k)."""
        size = self.size
        bits = self.data
        at: i64 = first % size
        step: i64 = second % size
        number: i64 = 0
        while number < self.hashes:
            byte: i64 = i64(bits[at >> 3])
            if (byte >> (at & 7)) & 1 == 0:
                return False
            at = (at + step) % size
            number += 1
            step = (step + number) % size
        return True

    def set(self, first: i64, second: i64) -> None:
        """Sets all bits of an item. O(k)."""
        size = self.size
        bits = self.data
        at: i64 = first % size
        step: i64 = second % size
        number: i64 = 0
        one: i64 = 1
        while number < self.hashes:
            byte: i64 = i64(bits[at >> 3])
            self.put(at >> 3, byte | (one << (at & 7)))
            at = (at + step) % size
            number += 1
            step = (step + number) % size
        self.items += 1


class BloomFilter(Sketch):
    """A scalable Bloom filter.

    Args:
        capacity: For how many items the first layer is made, 1 to `MAX_CAPACITY`.
        error_rate: The false-positive rate, between 0 and 1, both excluded.
        expansion: How many times larger each further layer is; 0 if the filter must not grow.

    Raises:
        FilterTooLargeError: No such layer can be.
    """

    def __init__(self, capacity: int, error_rate: float, expansion: int) -> None:
        self.error_rate: Final = error_rate
        self.expansion: Final = expansion
        self.layers: list[Layer] = []
        self._table_bytes: i64 = 0
        self.add_layer(capacity)

    def add_layer(self, capacity: int) -> None:
        """Puts an empty layer on top. O(N) for N bytes.

        Raises:
            FilterTooLargeError: It would be too large.
        """
        rate = layer_rate(self.error_rate, self.expansion, len(self.layers))
        layer = Layer(capacity, rate, self._table_bytes)
        self.layers.append(layer)
        self._table_bytes += len(layer.data)

    def add(self, item: bytes) -> bool:
        """Adds an item; False if it seems to be there already. O(k * layers).

        Raises:
            FilterFullError: The filter must not grow, and is full.
            FilterTooLargeError: The next layer would be too large.
        """
        pair = HASH.pair(item, SEED)
        first: i64 = pair[0] & POSITIVE
        second: i64 = pair[1] & POSITIVE
        for layer in self.layers:
            if layer.has(first, second):
                return False
        newest = self.layers[-1]
        if newest.items >= newest.capacity:
            if self.expansion == 0:
                raise FilterFullError
            self.add_layer(newest.capacity * self.expansion)
            newest = self.layers[-1]
        newest.set(first, second)
        return True

    def has(self, item: bytes) -> bool:
        """Whether an item has been added; True by mistake with the error rate. O(k * layers)."""
        pair = HASH.pair(item, SEED)
        first: i64 = pair[0] & POSITIVE
        second: i64 = pair[1] & POSITIVE
        for layer in self.layers:  # noqa: SIM110 - no generator on the way of every question
            if layer.has(first, second):
                return True
        return False

    def items(self) -> i64:
        """How many items were new when they were added. O(layers)."""
        total: i64 = 0
        for layer in self.layers:
            total += layer.items
        return total

    def capacity(self) -> int:
        """How many items all layers are made for. O(layers)."""
        return sum(layer.capacity for layer in self.layers)

    def type_name(self) -> bytes:
        return b"MBbloom--"

    def memory_bytes(self) -> i64:
        return OBJECT_BYTES + self._table_bytes + len(self.layers) * LAYER_BYTES

    def copy(self) -> "BloomFilter":
        twin = bloom_from(self.header(), self._table_bytes)
        fill_all(twin, pieces_of(self))
        return twin

    # The form in which it is carried

    def header(self) -> bytes:
        parts = [MAGIC, struct.pack("<dQQ", self.error_rate, self.expansion, len(self.layers))]
        parts.extend(struct.pack("<QQ", layer.capacity, int(layer.items)) for layer in self.layers)
        return b"".join(parts)

    def table_bytes(self) -> i64:
        return self._table_bytes

    def tables(self, start: i64, stop: i64) -> bytes:
        parts: list[bytes] = []
        offset: i64 = 0
        for layer in self.layers:
            size: i64 = len(layer.data)
            low = max(start - offset, 0)
            high = min(stop - offset, size)
            if low < high:
                parts.append(bytes(layer.data[low:high]))
            offset += size
        return b"".join(parts)

    def watch(self, watcher: TableWatcher | None) -> None:
        for layer in self.layers:
            layer.watcher = watcher

    def fill(self, start: i64, data: bytes) -> None:
        if start < 0 or start + len(data) > self._table_bytes:
            raise DamagedSketchError("bits outside the filter")
        at: i64 = 0
        count: i64 = len(data)
        offset: i64 = 0
        for layer in self.layers:
            bits = layer.data
            size: i64 = len(bits)
            place = start + at - offset
            layer.about_to_change(place, place + count - at)
            while at < count and place < size:
                bits[place] = u8(data[at])
                at += 1
                place += 1
            offset += size

    def check_invariants(self) -> None:
        assert 0.0 < self.error_rate < 1.0
        assert self.layers
        assert self.expansion != 0 or len(self.layers) == 1
        for layer in self.layers[:-1]:
            assert layer.items == layer.capacity
        for layer in self.layers:
            assert layer.items <= layer.capacity
            assert len(layer.data) * 8 == layer.size
            ones = sum(byte.bit_count() for byte in bytes(layer.data))
            assert ones <= layer.items * layer.hashes
            assert (ones == 0) == (layer.items == 0)
        assert self._table_bytes == sum(len(layer.data) for layer in self.layers)


def bloom_from(header: bytes, table_bytes: int) -> BloomFilter:
    """The filter of a header, with no bit set yet.

    Args:
        header: What `header` returned.
        table_bytes: The size its tables have to have; -1 if that is not known yet.

    Raises:
        DamagedSketchError: It is no header, or of a filter with tables of another size.

    Complexity:
        O(N) for N bytes of tables.
    """
    reader = HeaderReader(header, MAGIC)
    error_rate = reader.fraction()
    expansion = reader.number(MAX_EXPANSION)
    layers = reader.number(MAX_LAYERS)
    if not 0.0 < error_rate < 1.0 or layers == 0 or (expansion == 0 and layers != 1):
        raise DamagedSketchError("impossible parameters")
    capacities: list[int] = []
    items: list[int] = []
    for _ in range(layers):
        capacities.append(reader.number(POSITIVE))
        items.append(reader.number(capacities[-1]))
    reader.finish()
    if not 1 <= capacities[0] <= MAX_CAPACITY:
        raise DamagedSketchError("impossible capacity")
    for index in range(1, layers):
        if capacities[index] != capacities[index - 1] * expansion or items[index - 1] != capacities[index - 1]:
            raise DamagedSketchError("layers that do not follow from each other")
    check_size(capacities, error_rate, expansion, table_bytes)
    found = BloomFilter(capacities[0], error_rate, expansion)
    for capacity in capacities[1:]:
        found.add_layer(capacity)
    for index in range(layers):
        found.layers[index].items = items[index]
    return found


def check_size(capacities: list[int], error_rate: float, expansion: int, table_bytes: int) -> None:
    """Refuses tables of an impossible or another size before any of them is made.

    Raises:
        DamagedSketchError: The layers are too large, or not of `table_bytes` together (-1: any size).
    """
    total = 0
    for index, capacity in enumerate(capacities):
        try:
            total += words_for(capacity, layer_rate(error_rate, expansion, index)) * WORD_BYTES
        except FilterTooLargeError:
            raise DamagedSketchError("too large") from None
    if total > MAX_TABLE_BYTES or table_bytes not in (-1, total):
        raise DamagedSketchError("tables of another size")
