"""Large values in a snapshot that is written in slices: part by part, as they were when their turn came.

Of a list the nodes are noted at once, of a stream the blocks, which never change or are copied. Sets, hashes and sorted
sets are read as they are written, unless a command is about to change them: then references to all elements that are
left are noted first, which takes a third of the time or less that writing them does. From then on the value may change
or go. Memory: nothing while it does not change, then 8 bytes for each element, 40 for each member of a sorted set, and
what the value gives up meanwhile.

Not in parts: strings, values in old forms (lists for versions below 10), hashes with deadlines, groups of streams.
"""

from typing import Final

from librt.time import time
from mypy_extensions import i64

from hognose.datastructures import listpack
from hognose.datastructures.hashtable import USED, Segment
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_block import StreamBlock
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_write_values import RANKS_AT_A_TIME, write_stream_end

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
        value: What must not change before `let_go`; None if it may.
    """

    def __init__(self, database: i64, head: bytes) -> None:
        self.database: i64 = database
        self.head: Final = head
        self.value: Value | None = None
        self._at: i64 = 0

    def let_go(self) -> None:
        """The value is about to change: notes what is still needed of it. O(N), but little for each element."""

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
    """A set, a hash (fields and values in turn) or a sorted set (the highest first, as `rdb_write_values` does).

    It is read from the value itself, some elements at a time, until the value is about to change.
    """

    def __init__(self, database: i64, head: bytes, value: Value, stride: i64) -> None:
        super().__init__(database, head)
        self.value = value
        self._count: Final[int] = value.length()
        self._stride: i64 = stride
        self._texts: list[bytes] = []
        self._scores: list[float] = []
        self._written: i64 = 0  # of the texts at hand
        self._next: i64 = self._count if isinstance(value, ZSetValue) else 0  # rank or segment

    def memory_bytes(self) -> i64:
        return 8 * len(self._texts) + 32 * len(self._scores)

    def parts(self) -> i64:
        return self._count

    def write_part(self, sink: RdbSink, index: i64) -> None:
        while self._written == len(self._texts):
            self._texts = []
            self._scores = []
            self._written = 0
            self._fetch(RANKS_AT_A_TIME)
        at = self._written
        sink.string(self._texts[at])
        if self._scores:
            sink.double(self._scores[at])
        elif self._stride == 2:
            sink.string(self._texts[at + 1])
        self._written = at + self._stride

    def _fetch(self, ranks: i64) -> None:
        """Notes the next elements: those of a segment, or so many ranks."""
        value = self.value
        if isinstance(value, ZSetValue):
            start = max(self._next - ranks, 0)
            members = value.members(start, self._next)
            scores = value.scores(start, self._next)
            members.reverse()
            scores.reverse()
            self._texts.extend(members)
            self._scores.extend(scores)
            self._next = start
            return
        assert isinstance(value, (HashValue, SetValue))
        table = value.table()
        assert table is not None
        note_segment(table.segments[self._next], self._texts, self._stride == 2)
        self._next += 1

    def let_go(self) -> None:
        value = self.value
        if isinstance(value, ZSetValue):
            self._fetch(self._next)
        elif isinstance(value, (HashValue, SetValue)):
            table = value.table()
            assert table is not None
            while self._next < len(table.segments):
                self._fetch(0)
        self.value = None


def note_segment(segment: Segment, texts: list[bytes], has_values: bool) -> None:
    """Notes the keys of a segment, each with its value if it has one. O(capacity)."""
    slots = segment.slots
    place: i64 = 0
    while place < segment.capacity:
        if segment.tags[place] >= USED:
            key = slots[2 * place]
            assert isinstance(key, bytes)
            texts.append(key)
            if has_values:
                value = slots[2 * place + 1]
                assert isinstance(value, bytes)
                texts.append(value)
        place += 1


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
    """Notes what a large value holds now. O(nodes or blocks)."""
    if isinstance(value, (SetValue, ZSetValue, HashValue)):
        return Elements(database, head, value, 2 if isinstance(value, HashValue) else 1)
    if isinstance(value, ListValue):
        nodes = value.nodes()
        bodies = [node.body for node in nodes]
        return Nodes(database, head, bodies, [PLAIN if node.plain else int(node.count) for node in nodes])
    assert isinstance(value, StreamValue)
    sink = RdbSink(None)
    write_stream_end(sink, value, kind)
    return Blocks(database, head, [block.copy() for block in value.blocks], sink.getvalue())
