"""Large values in a snapshot that is written in slices: what they hold is noted at once, and written bit by bit.

Noting copies references only, to the elements of a collection, the nodes of a list or the blocks of a stream, all of
which are immutable or copied; it takes some percent of the time that writing takes. From then on the value may change
or go. Memory: 8 bytes for each element, 32 for each member of a sorted set, until they are written, and what the value
gives up meanwhile.

Not in parts: strings, values in old forms (lists for versions below 10), hashes with deadlines, groups of streams.
"""

from typing import Final

from librt.time import time
from mypy_extensions import i64

from hognose.datastructures import listpack
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_block import StreamBlock
from hognose.datastructures.zset import ZSetValue
from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_write_values import write_stream_end

MANY_ELEMENTS: Final = 1000
"""From here on a value is written in parts: a part of a millisecond."""
MANY_NODES: Final = 20
"""Nodes of lists and blocks of streams hold some KB each."""
ELEMENTS_PER_CLOCK_READING: Final = 32
NODES_PER_CLOCK_READING: Final = 2
PLAIN: Final = -1


class LargeValue:
    """A value as it was, to be written in parts.

    Attributes:
        database: The index of its database.
        head: What stands before its content: deadline, usage, type, key.
    """

    def __init__(self, database: i64, head: bytes) -> None:
        self.database: i64 = database
        self.head: Final = head
        self._at: i64 = 0

    def memory_bytes(self) -> i64:
        """What it occupies beside what the value itself does. O(1)."""
        return 0

    def parts(self) -> i64:
        """How many parts there are."""
        raise NotImplementedError

    def write_part(self, sink: RdbSink, index: i64) -> None:
        """Writes one of them."""
        raise NotImplementedError

    def write_end(self, sink: RdbSink) -> None:
        """Writes what follows the parts."""

    def step(self, sink: RdbSink, until_us: i64) -> bool:
        """Goes on writing until a Unix time in microseconds, one part at least; whether everything is written."""
        count = self.parts()
        if self._at == 0:
            sink.raw(self.head)
            sink.length(count)
        readings: i64 = ELEMENTS_PER_CLOCK_READING if isinstance(self, Elements) else NODES_PER_CLOCK_READING
        while self._at < count:
            self.write_part(sink, self._at)
            self._at += 1
            if self._at % readings == 0 and i64(time() * 1e6) >= until_us:
                return False
        self.write_end(sink)
        return True


class Elements(LargeValue):
    """A set, a hash (fields and values in turn) or a sorted set (the highest first, as `rdb_write_values` does)."""

    def __init__(self, database: i64, head: bytes, texts: list[bytes], stride: i64, scores: list[float]) -> None:
        super().__init__(database, head)
        self._texts: Final = texts
        self._stride: i64 = stride
        self._scores: Final = scores

    def memory_bytes(self) -> i64:
        return 8 * len(self._texts) + 32 * len(self._scores)

    def parts(self) -> i64:
        return len(self._texts) // self._stride

    def write_part(self, sink: RdbSink, index: i64) -> None:
        texts = self._texts
        if self._scores:
            place = len(texts) - 1 - index
            sink.string(texts[place])
            sink.double(self._scores[place])
            return
        sink.string(texts[self._stride * index])
        if self._stride == 2:
            sink.string(texts[2 * index + 1])


class Nodes(LargeValue):
    """A list: its nodes' content, and how many elements each has; PLAIN for a node that is one element."""

    def __init__(self, database: i64, head: bytes, bodies: list[bytes], counts: list[int]) -> None:
        super().__init__(database, head)
        self._bodies: Final = bodies
        self._counts: Final = counts

    def memory_bytes(self) -> i64:
        return 16 * len(self._bodies)

    def parts(self) -> i64:
        return len(self._bodies)

    def write_part(self, sink: RdbSink, index: i64) -> None:
        count = self._counts[index]
        body = self._bodies[index]
        sink.length(rdb.NODE_PLAIN if count == PLAIN else rdb.NODE_PACKED)
        sink.string(body if count == PLAIN else listpack.seal(body, count))


class Blocks(LargeValue):
    """A stream: its blocks, and what follows them as bytes."""

    def __init__(self, database: i64, head: bytes, blocks: list[StreamBlock], end: bytes) -> None:
        super().__init__(database, head)
        self._blocks: Final = blocks
        self._end: Final = end

    def memory_bytes(self) -> i64:
        return 100 * len(self._blocks) + len(self._end)

    def parts(self) -> i64:
        return len(self._blocks)

    def write_part(self, sink: RdbSink, index: i64) -> None:
        block = self._blocks[index]
        sink.string(block.first_id.to_bytes(16, "big"))
        sink.string(block.to_blob())

    def write_end(self, sink: RdbSink) -> None:
        sink.raw(self._end)


def is_large(value: object, kind: i64) -> bool:
    """Whether a value is to be written in parts. O(1).

    Args:
        value: Any.
        kind: What `value_type` said.
    """
    if isinstance(value, HashValue):
        return kind == rdb.HASH and value.length() > MANY_ELEMENTS
    if isinstance(value, SetValue):
        return kind == rdb.SET and value.length() > MANY_ELEMENTS
    if isinstance(value, ZSetValue):
        return kind == rdb.ZSET_BINARY and value.length() > MANY_ELEMENTS
    if isinstance(value, ListValue):
        return kind == rdb.LIST_QUICKLIST_2 and value.free_effort() > MANY_NODES
    return isinstance(value, StreamValue) and len(value.blocks) > MANY_NODES


def note_value(database: i64, head: bytes, value: object, kind: i64) -> LargeValue:
    """Notes what a large value holds now. O(N), but little for each element."""
    if isinstance(value, HashValue):
        return Elements(database, head, value.pairs(), 2, [])
    if isinstance(value, SetValue):
        return Elements(database, head, value.members(), 1, [])
    if isinstance(value, ZSetValue):
        length = value.length()
        return Elements(database, head, value.members(0, length), 1, value.scores(0, length))
    if isinstance(value, ListValue):
        nodes = value.nodes()
        bodies = [node.body for node in nodes]
        return Nodes(database, head, bodies, [PLAIN if node.plain else int(node.count) for node in nodes])
    assert isinstance(value, StreamValue)
    sink = RdbSink(None)
    write_stream_end(sink, value, kind)
    return Blocks(database, head, [block.copy() for block in value.blocks], sink.getvalue())
