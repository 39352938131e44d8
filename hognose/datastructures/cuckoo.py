"""A cuckoo filter: which items have been added and not deleted, with some false positives and no false negatives.

Of an item only a fingerprint of one byte (1 to 255) is kept, in one of two buckets:

    first = hash & (buckets - 1)        second = first ^ (fingerprint * odd constant) & (buckets - 1)

Each follows from the other and the fingerprint, so that a fingerprint can be moved without knowing its item. If both
buckets are full, one fingerprint there makes room by going to its other bucket, and so on; after `max_iterations` moves
everything is put back and a further layer is added, `expansion` times as large. Which fingerprint has to go is decided
by the number of the move, not by chance: the same commands make the same filter everywhere.

An item can be added several times (as often as there is room in its two buckets), and deleting takes one away. Deleting
what was never added can take away another item's fingerprint.

Header, after the magic (numbers are u64, low byte first):

    buckets of the first layer | bucket size | max iterations | expansion | layers | deleted

Source: B. Fan et al., "Cuckoo Filter: Practically Better Than Bloom" (2014).
"""

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

MAGIC: Final = b"hgCucko1"
SEED: Final = 0x1F3B92C5
SPREAD: Final = 0x5BD1E995
"""The multiplier of MurmurHash2: odd, with its bits well mixed."""
MAX_BUCKET_SIZE: Final = 255
MAX_ITERATIONS: Final = 65535
MAX_EXPANSION: Final = 32768
MAX_LAYERS: Final = 32
FINGERPRINTS: Final = 255
OBJECT_BYTES: Final = 176
LAYER_BYTES: Final = 112

ADDED: Final = 1
PRESENT: Final = 0
NO_ROOM: Final = -1
NO_MORE_LAYERS: Final = -2
NO_MEMORY: Final = -3


def power_of_two(number: int) -> int:
    """The smallest power of two that is not below a positive number. O(1)."""
    return 1 << (number - 1).bit_length()


class CuckooLayer(ByteTable):
    """One filter of fixed size: `buckets` times `bucket_size` fingerprints, 0 for a free place."""

    def __init__(self, buckets: int, bucket_size: int, start: i64) -> None:
        super().__init__(buckets * bucket_size, start)
        self.buckets: i64 = buckets
        self.bucket_size: i64 = bucket_size
        self.mask: i64 = buckets - 1

    def find(self, bucket: i64, fingerprint: i64) -> i64:
        """The place of a fingerprint in a bucket; -1 if it is not there. O(bucket size)."""
        place = bucket * self.bucket_size
        stop = place + self.bucket_size
        places = self.data
        while place < stop:
            if i64(places[place]) == fingerprint:
                return place
            place += 1
        return -1

    def count(self, bucket: i64, fingerprint: i64) -> i64:
        """How often a fingerprint is in a bucket. O(bucket size)."""
        place = bucket * self.bucket_size
        stop = place + self.bucket_size
        places = self.data
        found: i64 = 0
        while place < stop:
            if i64(places[place]) == fingerprint:
                found += 1
            place += 1
        return found

    def other(self, bucket: i64, fingerprint: i64) -> i64:
        """The other bucket of a fingerprint. O(1)."""
        return (bucket ^ (fingerprint * SPREAD)) & self.mask

    def place_for(self, first: i64, second: i64, fingerprint: i64) -> bool:
        """Puts a fingerprint into one of its buckets if one has room. O(bucket size)."""
        place = self.find(first, 0)
        if place < 0:
            place = self.find(second, 0)
        if place < 0:
            return False
        self.put(place, fingerprint)
        return True

    def push(self, first: i64, fingerprint: i64, moves: i64) -> bool:
        """Puts a fingerprint in by moving others; False, with nothing changed, if so many moves do not do. O(moves)."""
        places = self.data
        path: list[int] = []
        bucket = first
        moving = fingerprint
        move: i64 = 0
        while move < moves:
            place = bucket * self.bucket_size + move % self.bucket_size
            victim: i64 = i64(places[place])
            self.put(place, moving)
            path.append(int(place))
            moving = victim
            bucket = self.other(bucket, moving)
            free = self.find(bucket, 0)
            if free >= 0:
                self.put(free, moving)
                return True
            move += 1
        index: i64 = len(path) - 1
        while index >= 0:
            place = path[index]
            before: i64 = i64(places[place])
            self.put(place, moving)
            moving = before
            index -= 1
        return False


class CuckooFilter(Sketch):
    """A cuckoo filter that grows.

    Args:
        buckets: Of the first layer, a power of two.
        bucket_size: Fingerprints in a bucket, 1 to 255. More fill better and mistake more.
        max_iterations: How many fingerprints are moved before a layer counts as full, 1 to 65535.
        expansion: How many times larger a further layer is, rounded up to a power of two; 0 for no further layer.
    """

    def __init__(self, buckets: int, bucket_size: int, max_iterations: int, expansion: int) -> None:
        self.buckets: Final = buckets
        self.bucket_size: Final = bucket_size
        self.max_iterations: Final = max_iterations
        self.expansion: Final = power_of_two(expansion) if expansion else 0
        self.layers: list[CuckooLayer] = []
        self.items: i64 = 0
        self.deleted: i64 = 0
        self._table_bytes: i64 = 0
        self.add_layer()

    def add_layer(self) -> bool:
        """Puts an empty layer on top; False if it would be too large. O(N) for N bytes."""
        buckets: int = self.buckets * self.expansion ** len(self.layers)
        if int(self._table_bytes) + buckets * self.bucket_size > MAX_TABLE_BYTES:
            return False
        self.layers.append(CuckooLayer(buckets, self.bucket_size, self._table_bytes))
        self._table_bytes += buckets * self.bucket_size
        return True

    def add(self, item: bytes, only_new: bool) -> i64:
        """Adds an item.

        Args:
            item: Whatever bytes.
            only_new: Not if it seems to be there already.

        Returns:
            ADDED; PRESENT; NO_ROOM if there is none and there must be no further layer; NO_MORE_LAYERS if there are as
            many as there may be; NO_MEMORY if the next one would be too large.

        Complexity:
            O(layers * bucket size + max_iterations).
        """
        pair = HASH.pair(item, SEED)
        hashed: i64 = pair[0] & POSITIVE
        fingerprint: i64 = pair[1] % FINGERPRINTS + 1
        if only_new and self._has(hashed, fingerprint):
            return PRESENT
        index: i64 = len(self.layers) - 1
        while index >= 0:
            layer = self.layers[index]
            first = hashed & layer.mask
            if layer.place_for(first, layer.other(first, fingerprint), fingerprint):
                self.items += 1
                return ADDED
            index -= 1
        return self._make_room(hashed, fingerprint)

    def _make_room(self, hashed: i64, fingerprint: i64) -> i64:
        """Adds a fingerprint for which no bucket has room."""
        newest = self.layers[-1]
        if not newest.push(hashed & newest.mask, fingerprint, self.max_iterations):
            if self.expansion == 0:
                return NO_ROOM
            if len(self.layers) >= MAX_LAYERS:
                return NO_MORE_LAYERS
            if not self.add_layer():
                return NO_MEMORY
            newest = self.layers[-1]
            first = hashed & newest.mask
            newest.place_for(first, newest.other(first, fingerprint), fingerprint)
        self.items += 1
        return ADDED

    def _has(self, hashed: i64, fingerprint: i64) -> bool:
        for layer in self.layers:
            first = hashed & layer.mask
            if layer.find(first, fingerprint) >= 0 or layer.find(layer.other(first, fingerprint), fingerprint) >= 0:
                return True
        return False

    def has(self, item: bytes) -> bool:
        """Whether an item seems to be there. O(layers * bucket size)."""
        pair = HASH.pair(item, SEED)
        return self._has(pair[0] & POSITIVE, pair[1] % FINGERPRINTS + 1)

    def count(self, item: bytes) -> i64:
        """How often an item seems to be there. O(layers * bucket size)."""
        pair = HASH.pair(item, SEED)
        hashed: i64 = pair[0] & POSITIVE
        fingerprint: i64 = pair[1] % FINGERPRINTS + 1
        found: i64 = 0
        for layer in self.layers:
            first = hashed & layer.mask
            second = layer.other(first, fingerprint)
            found += layer.count(first, fingerprint)
            if second != first:
                found += layer.count(second, fingerprint)
        return found

    def delete(self, item: bytes) -> bool:
        """Takes an item away once; False if it is not there. O(layers * bucket size)."""
        pair = HASH.pair(item, SEED)
        hashed: i64 = pair[0] & POSITIVE
        fingerprint: i64 = pair[1] % FINGERPRINTS + 1
        index: i64 = len(self.layers) - 1
        while index >= 0:
            layer = self.layers[index]
            first = hashed & layer.mask
            place = layer.find(first, fingerprint)
            if place < 0:
                place = layer.find(layer.other(first, fingerprint), fingerprint)
            if place >= 0:
                layer.put(place, 0)
                self.items -= 1
                self.deleted += 1
                return True
            index -= 1
        return False

    def compact(self) -> None:
        """Moves fingerprints into older layers where these have room, and drops the newest ones that are empty then.

        An older layer is smaller: its buckets for a fingerprint are those of the newer one by fewer bits. O(N) for N
        bytes.
        """
        index: i64 = len(self.layers) - 1
        while index > 0:
            if self._emptied(index) and index == len(self.layers) - 1:
                self.layers[index].about_to_change(0, len(self.layers[index].data))
                gone = self.layers.pop()
                self._table_bytes -= len(gone.data)
            index -= 1
        self.deleted = 0

    def _emptied(self, index: i64) -> bool:
        """Moves what can be moved out of a layer; whether nothing is left in it."""
        layer = self.layers[index]
        places = layer.data
        size = layer.bucket_size
        place: i64 = 0
        left: i64 = 0
        while place < len(places):
            fingerprint: i64 = i64(places[place])
            if fingerprint != 0:
                if self._settle_below(index, place // size, fingerprint):
                    layer.put(place, 0)
                else:
                    left += 1
            place += 1
        return left == 0

    def _settle_below(self, index: i64, bucket: i64, fingerprint: i64) -> bool:
        """Puts a fingerprint from a bucket of one layer into an older one; False if none has room."""
        older: i64 = 0
        while older < index:
            layer = self.layers[older]
            first = bucket & layer.mask
            if layer.place_for(first, layer.other(first, fingerprint), fingerprint):
                return True
            older += 1
        return False

    def bucket_count(self) -> i64:
        """Buckets of all layers. O(layers)."""
        total: i64 = 0
        for layer in self.layers:
            total += layer.buckets
        return total

    def type_name(self) -> bytes:
        return b"MBbloomCF"

    def memory_bytes(self) -> i64:
        return OBJECT_BYTES + self._table_bytes + len(self.layers) * LAYER_BYTES

    def copy(self) -> "CuckooFilter":
        twin = cuckoo_from(self.header(), self._table_bytes)
        fill_all(twin, pieces_of(self))
        return twin

    # The form in which it is carried

    def header(self) -> bytes:
        sizes = struct.pack("<QQQQ", self.buckets, self.bucket_size, self.max_iterations, self.expansion)
        return MAGIC + sizes + struct.pack("<QQ", len(self.layers), int(self.deleted))

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
            raise DamagedSketchError("fingerprints outside the filter")
        at: i64 = 0
        count: i64 = len(data)
        offset: i64 = 0
        for layer in self.layers:
            places = layer.data
            size: i64 = len(places)
            place = start + at - offset
            layer.about_to_change(place, place + count - at)
            while at < count and place < size:
                byte: i64 = data[at]
                self.items += (1 if byte else 0) - (1 if places[place] else 0)
                places[place] = u8(byte)
                at += 1
                place += 1
            offset += size

    def check_invariants(self) -> None:
        assert self.buckets == power_of_two(self.buckets)
        assert 1 <= len(self.layers) <= MAX_LAYERS
        assert self.expansion != 0 or len(self.layers) == 1
        assert self.items == sum(len(layer.data) - bytes(layer.data).count(0) for layer in self.layers)
        assert self._table_bytes == sum(len(layer.data) for layer in self.layers)
        for index, layer in enumerate(self.layers):
            assert layer.buckets == self.buckets * self.expansion**index
            assert len(layer.data) == layer.buckets * layer.bucket_size


def buckets_for(capacity: int, bucket_size: int) -> int:
    """How many buckets a first layer for so many items has. O(1)."""
    return power_of_two(max(1, -(-capacity // bucket_size)))


def cuckoo_from(header: bytes, table_bytes: int) -> CuckooFilter:
    """The filter of a header, with no fingerprint in it yet.

    Args:
        header: What `header` returned.
        table_bytes: The size its tables have to have; -1 if that is not known yet.

    Raises:
        DamagedSketchError: It is no header, or of a filter with tables of another size.

    Complexity:
        O(N) for N bytes of tables.
    """
    reader = HeaderReader(header, MAGIC)
    buckets = reader.number(MAX_TABLE_BYTES)
    bucket_size = reader.number(MAX_BUCKET_SIZE)
    max_iterations = reader.number(MAX_ITERATIONS)
    expansion = reader.number(MAX_EXPANSION)
    layers = reader.number(MAX_LAYERS)
    deleted = reader.number(POSITIVE)
    reader.finish()
    if 0 in (buckets, bucket_size, max_iterations, layers) or (expansion == 0 and layers != 1):
        raise DamagedSketchError("impossible parameters")
    if buckets != power_of_two(buckets) or (expansion and expansion != power_of_two(expansion)):
        raise DamagedSketchError("sizes that are no powers of two")
    total = sum(buckets * bucket_size * expansion**index for index in range(layers))
    if total > MAX_TABLE_BYTES or table_bytes not in (-1, total):
        raise DamagedSketchError("tables of another size")
    found = CuckooFilter(buckets, bucket_size, max_iterations, expansion)
    for _ in range(layers - 1):
        found.add_layer()
    found.deleted = deleted
    return found
