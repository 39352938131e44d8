"""Large streams in a snapshot that is written in slices: blocks first, then groups.

Of groups and consumers what is small is noted as bytes when the stream's turn comes. The blocks, and then the lists of
pending entries, are watched, and read in the order of IDs:

    now             [3] [4] [7] | [9] [12] [15] [16]
    changed since               |     [12: new] [14: as it was]     what each was that is not written yet
                       next ID: 8

Written next: 9; not 12, which is new; 14 as it was. So a command costs a note for each block and each pending entry
that it touches. Notes of blocks share their bytes.
"""

from heapq import heappop, heappush
from typing import Final, final

from mypy_extensions import i64

from hognose.datastructures.stream import BlockWatcher, StreamValue
from hognose.datastructures.stream_block import StreamBlock
from hognose.datastructures.stream_groups import Pending, PendingList, PendingWatcher
from hognose.persistence.large_values import LargeValue, Notes
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_write_values import (
    write_consumer_head,
    write_group_head,
    write_group_pending,
    write_stream_middle,
)

NOTED_BLOCK_BYTES: Final = 400
"""A copy without its bytes, with places in a dict and a heap."""
NOTED_PENDING_BYTES: Final = 250
"""Its ID twice, with places in a dict and a heap, and a record."""
PENDING_AT_A_TIME: Final = 64


@final
class BlocksAsOf(BlockWatcher):
    """The blocks of a stream as they were when this was made, in the order of IDs.

    Args:
        value: Watched until `close`.
        notes: The account.

    Attributes:
        left: How many have not been read.
    """

    def __init__(self, value: StreamValue, notes: Notes) -> None:
        self.left: i64 = len(value.blocks)
        self._value: Final = value
        self._next: int = 0  # blocks whose first ID is lower have been read
        self._old: Final[dict[int, StreamBlock | None]] = {}  # by first ID; None is a new block
        self._gone: Final[list[int]] = []  # heap of the first IDs of those that were there
        self._notes: Final = notes
        value.watcher = self

    def before_addition(self, first_id: int) -> None:
        if self._has_to_note(first_id):
            self._old[first_id] = None

    def before_change(self, block: StreamBlock) -> None:
        if self._has_to_note(block.first_id):
            self._note(block.copy())

    def before_removal(self, block: StreamBlock) -> None:
        if self._has_to_note(block.first_id):
            self._note(block)

    def _has_to_note(self, first_id: int) -> bool:
        """Whether what is under an ID is news; it has to be noted then."""
        if self.left == 0 or first_id < self._next or first_id in self._old:
            return False
        self._notes.used_bytes += NOTED_BLOCK_BYTES
        return True

    def _note(self, block: StreamBlock) -> None:
        self._old[block.first_id] = block
        heappush(self._gone, block.first_id)

    def next(self) -> StreamBlock:
        """The next block; there must be one left. O(log N), and as much for each new one that is passed over."""
        gone = self._gone
        while True:
            block = self._value.block_from(self._next)
            if gone and (block is None or gone[0] <= block.first_id):
                block = self._forget(heappop(gone))
                assert block is not None
                break
            assert block is not None, "a block that was there is neither there nor noted"
            self._next = block.first_id + 1
            if block.first_id not in self._old:
                break
            self._forget(block.first_id)
        self._next = block.first_id + 1
        self.left -= 1
        return block

    def _forget(self, first_id: int) -> StreamBlock | None:
        self._notes.used_bytes -= NOTED_BLOCK_BYTES
        return self._old.pop(first_id)

    def close(self) -> None:
        """Ends the watch."""
        self._value.watcher = None
        self._notes.used_bytes -= NOTED_BLOCK_BYTES * len(self._old)
        self._old.clear()
        self._gone.clear()


@final
class PendingAsOf(PendingWatcher):
    """The pending entries of a group or consumer as they were when this was made, in the order of IDs.

    Args:
        pending: Watched until `close`.
        notes: The account.
    """

    def __init__(self, pending: PendingList, notes: Notes) -> None:
        self._pending: Final = pending
        self._left: i64 = pending.size()
        self._next: int = 0  # the least ID not read yet
        self._old: Final[dict[int, Pending | None]] = {}
        self._gone: Final[list[int]] = []  # heap of those that were pending
        self._notes: Final = notes
        pending.watcher = self

    def before_change(self, entry_id: int, record: Pending | None) -> None:
        if entry_id < self._next or entry_id in self._old:
            return
        self._notes.used_bytes += NOTED_PENDING_BYTES
        if record is None:
            self._old[entry_id] = None
        else:
            self._old[entry_id] = Pending(record.consumer, record.delivery_time_ms, record.delivery_count)
            heappush(self._gone, entry_id)

    def next(self, ids: list[int], records: list[Pending]) -> bool:
        """Appends entries that were not read before; there may be none among those looked at.

        Returns:
            Whether there may be more.

        Complexity:
            O(log N), as PENDING_AT_A_TIME is fixed.
        """
        present: list[int] = []
        stop = self._pending.walk(self._next, PENDING_AT_A_TIME, present)
        gone = self._gone
        index: i64 = 0
        while len(ids) < PENDING_AT_A_TIME and self._left > 0:
            is_old = len(gone) != 0 and (index == len(present) or gone[0] <= present[index])
            if is_old and (stop < 0 or gone[0] < stop):
                entry_id = heappop(gone)
                record = self._old[entry_id]
                assert record is not None
            elif index < len(present):
                entry_id = present[index]
                index += 1
                self._next = entry_id + 1
                if entry_id in self._old:
                    continue
                record = self._pending.by_id[entry_id]
            else:
                assert stop >= 0, "entries that were pending are neither there nor noted"
                self._next = max(self._next, stop)
                return True
            ids.append(entry_id)
            records.append(record)
            self._next = entry_id + 1
            self._left -= 1
        return self._left > 0

    def close(self) -> None:
        """Ends the watch."""
        self._pending.watcher = None
        self._notes.used_bytes -= NOTED_PENDING_BYTES * len(self._old)
        self._old.clear()
        self._gone.clear()


@final
class Section:
    """Bytes, and pending entries that follow them.

    Args:
        head: The bytes.
        pending: The entries; None if none follow.
        has_records: Whether deliveries belong to them, as in groups.
    """

    def __init__(self, head: RdbSink, pending: PendingAsOf | None, has_records: bool) -> None:
        self.head: Final = head.getvalue()
        self.pending: Final = pending
        self.has_records: Final[bool] = has_records


@final
class LargeStream(LargeValue):
    """A stream."""

    def __init__(self, database: i64, head: bytes, value: StreamValue, kind: i64, notes: Notes) -> None:
        super().__init__(database, head)
        self._blocks: Final = BlocksAsOf(value, notes)
        self._sections: Final = sections_of(value, kind, notes)
        self._at: i64 = 0  # section
        self._is_first = True
        self._is_amid = False  # the head of the section is written

    def close(self) -> None:
        self._blocks.close()
        for section in self._sections:
            if section.pending is not None:
                section.pending.close()

    def write_part(self, sink: RdbSink) -> bool:
        if self._is_first:
            self._is_first = False
            sink.length(self._blocks.left)
        if self._blocks.left == 0:
            return self._write_section(sink)
        while self._blocks.left > 0 and self._room > 0:
            block = self._blocks.next()
            self.target(sink).string(block.first_id.to_bytes(16, "big"))
            self.text(sink, block.to_blob())
        return True

    def _write_section(self, sink: RdbSink) -> bool:
        """Writes some of a group or consumer; whether there is more of the stream."""
        section = self._sections[self._at]
        if not self._is_amid:
            self._is_amid = True
            sink.raw(section.head)
        pending = section.pending
        ids: list[int] = []
        records: list[Pending] = []
        if pending is None or not pending.next(ids, records):
            self._at += 1
            self._is_amid = False
        for index in range(len(ids)):
            if section.has_records:
                write_group_pending(sink, ids[index], records[index])
            else:
                sink.raw(ids[index].to_bytes(16, "big"))
        return self._at < len(self._sections)


def sections_of(value: StreamValue, kind: i64, notes: Notes) -> list[Section]:
    """What follows a stream's blocks. O(groups and consumers)."""
    head = RdbSink(None)
    write_stream_middle(head, value, kind)
    found = [Section(head, None, has_records=False)]
    for group in value.groups.values():
        head = RdbSink(None)
        write_group_head(head, group, kind)
        found.append(Section(head, PendingAsOf(group.pending, notes), has_records=True))
        head = RdbSink(None)
        head.length(len(group.consumers))
        found.append(Section(head, None, has_records=False))
        for name in sorted(group.consumers):
            consumer = group.consumers[name]
            head = RdbSink(None)
            write_consumer_head(head, consumer, kind)
            found.append(Section(head, PendingAsOf(consumer.pending, notes), has_records=False))
    return found
