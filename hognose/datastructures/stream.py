"""The stream: an append-only log of entries under ascending IDs, each a list of fields and values.

Entries live in blocks (see `stream_block`); beside the blocks stands the sorted list of their first IDs, which bisect
searches. New entries go to the last block until that is full; trimming takes whole blocks off the front. A list is
enough as an index: it has one slot per hundred entries, and both of its common changes are at its ends.

    first IDs      1700-0        1745-3        1802-0
    blocks         [100 entries] [100 entries] [17 entries]  <- append

Consumer groups hang off the stream by name (see `stream_groups`). The stream itself knows what a group's progress
means: `entries_added` counts every entry ever added, so a group that has read N of them lags by the difference, as long
as no deletion makes that count meaningless.

IDs are ints, see `stream_id`. Time is passed in.
"""

from bisect import bisect_left, bisect_right
from typing import Final

from mypy_extensions import i64

from hognose.datastructures.stream_block import StreamBlock, block_from_blob, encode_master
from hognose.datastructures.stream_groups import ENTRIES_READ_UNKNOWN, ConsumerGroup, MemoryMeter
from hognose.datastructures.stream_id import MAX_ID, MAX_U64, MIN_ID, IdFormatter
from hognose.datastructures.value import Value

MAX_ENTRY_BYTES: Final = 1 << 30
"""The most bytes that fields and values of one entry may have together, and the most a block may be configured to."""

_STREAM_BYTES: Final = 428  # measured compiled, with tracemalloc: an empty stream


# One for the process: whoever writes IDs in a row finds the digits of the one before.
_FORMATTER: Final = IdFormatter()


class BlockWatcher:
    """Who has to be told before blocks of a stream change: a snapshot that is written in slices."""

    def before_addition(self, first_id: int) -> None:
        """A block is about to come in, with this first ID."""
        raise NotImplementedError

    def before_change(self, block: StreamBlock) -> None:
        """A block is about to get another entry, or to lose one."""
        raise NotImplementedError

    def before_removal(self, block: StreamBlock) -> None:
        """A block is about to go, and does not change any more."""
        raise NotImplementedError


class StreamCursor:
    """Walks the entries of a stream between two IDs, forwards or backwards, tombstones left out.

    Valid as long as the stream is not changed.

    Attributes:
        ms, seq: The ID of the current entry, in its two parts.
    """

    def __init__(self, stream: "StreamValue", start: int, end: int, backward: bool) -> None:
        self.ms: int = 0
        self.seq: int = 0
        self._blocks: list[StreamBlock] = stream.blocks
        self._backward: bool = backward
        self._start_ms: int = start >> 64
        self._start_seq: int = start & MAX_U64
        # Up to the very end, the usual range, no ID need be compared: the parts of the highest one are large ints.
        self._bounded: bool = end != MAX_ID
        self._end_ms: int = end >> 64 if self._bounded else 0
        self._end_seq: int = end & MAX_U64 if self._bounded else 0
        self._fields: list[bytes] | None = None
        self._block: StreamBlock | None = None
        self._entry_at: i64 = 0
        # Forward: where the next entry starts, or -1 as long as nobody has read so far. Backward: where it ends.
        self._at: i64 = 0
        index = stream.block_index(end if backward else start)
        self._index: i64 = index if backward else max(index, 0)
        self._first_index: i64 = self._index

    def advance(self) -> bool:
        """Goes to the next entry; False when there is none left in the range. O(elements passed over)."""
        while True:
            block = self._block
            if block is None:
                if self._index < 0 or self._index >= len(self._blocks):
                    return False
                block = self._blocks[self._index]
                self._block = block
                self._fields = None
                if self._backward:
                    self._at = len(block.entries)
                elif self._index == self._first_index:
                    self._at = block.seek(self._start_ms, self._start_seq)
                else:
                    self._at = block.live_start
            found = self._advance_backward(block) if self._backward else self._advance_forward(block)
            if found:
                return True
            if self._index < 0:
                return False
            self._block = None
            self._index += -1 if self._backward else 1

    def block(self) -> StreamBlock:
        """The block of the current entry."""
        block = self._block
        assert block is not None
        return block

    def entry_id(self) -> int:
        """The ID of the current entry."""
        return (self.ms << 64) | self.seq

    def id_text(self) -> bytes:
        """The ID of the current entry as text."""
        return _FORMATTER.text(self.ms, self.seq)

    def pairs(self) -> list[bytes]:
        """The fields and values of the current entry, alternating, in a fresh list. O(bytes of the entry)."""
        block = self.block()
        fields = self._fields
        if fields is None:
            fields = block.fields()
            self._fields = fields
        pairs: list[bytes] = []
        end = block.read_pairs(self._entry_at, fields, pairs)
        if not self._backward:
            self._at = end
        return pairs

    def _advance_forward(self, block: StreamBlock) -> bool:
        """Goes to the next entry of the block that is in range; past the range it ends the walk for good."""
        at = self._at
        if at < 0:
            at = block.end_of(self._entry_at)
        size = block.entries_bytes()
        while at < size:
            self._entry_at = at
            if block.is_deleted(at):
                at = block.end_of(at)
                continue
            self._take_id(block)
            if self.ms < self._start_ms or (self.ms == self._start_ms and self.seq < self._start_seq):
                at = block.end_of(at)
                continue
            self._at = -1
            if self._bounded and self._is_beyond_end():
                self._index = -1
                return False
            return True
        self._at = at
        return False

    def _advance_backward(self, block: StreamBlock) -> bool:
        """The same, from the end of the block to its start."""
        at = self._at
        while at > block.live_start:
            at = block.start_of_previous(at)
            self._entry_at = at
            if block.is_deleted(at):
                continue
            self._take_id(block)
            if self._bounded and self._is_beyond_end():
                continue
            self._at = at
            if self.ms < self._start_ms or (self.ms == self._start_ms and self.seq < self._start_seq):
                self._index = -1
                return False
            return True
        return False

    def _is_beyond_end(self) -> bool:
        return self.ms > self._end_ms or (self.ms == self._end_ms and self.seq > self._end_seq)

    def _take_id(self, block: StreamBlock) -> None:
        at = self._entry_at
        self.ms = block.ms_at(at)
        self.seq = block.seq_at(at)

    def delete_current(self) -> i64:
        """Makes a tombstone of the current entry. The cursor must not be used afterwards.

        Returns:
            The index of its block, when that has no live entry left, else -1.
        """
        block = self.block()
        block.delete_at(self._entry_at)
        return self._index if block.live == 0 else -1


class StreamValue(Value):
    """A stream: its entries, its counters and its consumer groups.

    Attributes:
        blocks: The blocks in order of IDs.
        last_ms, last_seq: `last_id` in its two parts.
        first_id: The lowest live entry's ID, 0 when there is none.
        max_deleted_id: The highest ID ever deleted singly (trimming does not count), 0 when there is none.
        entries_added: How many entries were ever added.
        groups: The consumer groups by name.
        watcher: Who is told before blocks change; None if nobody is.
    """

    def __init__(self) -> None:
        self.blocks: list[StreamBlock] = []
        self.last_ms: int = 0
        self.last_seq: int = 0
        self.first_id: int = 0
        self.max_deleted_id: int = 0
        self.entries_added: int = 0
        self.groups: dict[bytes, ConsumerGroup] = {}
        self.watcher: BlockWatcher | None = None
        self._first_ids: list[int] = []
        self._length: i64 = 0
        self._block_bytes: i64 = 0
        self._meter: MemoryMeter = MemoryMeter()
        # The master's fields of the last block, not decoded again for every append.
        self._tail_fields: list[bytes] = []

    @property
    def last_id(self) -> int:
        """The highest ID ever added; new ones must be above it."""
        return (self.last_ms << 64) | self.last_seq

    @last_id.setter
    def last_id(self, last_id: int) -> None:
        self.last_ms = last_id >> 64
        self.last_seq = last_id & MAX_U64

    def last_id_text(self) -> bytes:
        """The last ID as text. O(1)."""
        return _FORMATTER.text(self.last_ms, self.last_seq)

    # What every value tells

    def type_name(self) -> bytes:
        return b"stream"

    def encoding(self) -> bytes:
        return b"stream"

    def length(self) -> i64:
        return self._length

    def memory_bytes(self) -> i64:
        return _STREAM_BYTES + self._block_bytes + self._meter.used_bytes

    def free_effort(self) -> i64:
        """The number of blocks, and of what the groups remember. O(groups)."""
        effort: i64 = len(self.blocks)
        for group in self.groups.values():
            effort += 1 + len(group.consumers) + group.pending.size()
        return effort

    def take_apart(self, effort: i64) -> bool:
        """Frees some blocks, and then pending entries, of a stream that nobody uses any more. O(effort)."""
        while effort > 0 and self.blocks:
            self._about_to_remove(self.blocks[-1])
            self.blocks.pop()
            effort -= 1
        while effort > 0 and self.groups:
            _, group = self.groups.popitem()
            left = group.take_apart(effort)
            if left < 0:
                self.groups[group.name] = group
            effort = left
        return len(self.blocks) != 0 or len(self.groups) != 0

    def copy(self) -> "StreamValue":
        twin = StreamValue()
        twin.blocks = [block.copy() for block in self.blocks]
        twin.last_id = self.last_id
        twin.first_id = self.first_id
        twin.max_deleted_id = self.max_deleted_id
        twin.entries_added = self.entries_added
        twin._first_ids = self._first_ids.copy()
        twin._length = self._length
        twin._block_bytes = self._block_bytes
        twin._tail_fields = self._tail_fields
        for name, group in self.groups.items():
            twin.groups[name] = group.copy(twin._meter)
        return twin

    # Adding

    def next_id(self, now_ms: i64) -> tuple[int, int]:
        """The ID that an entry added now gets: of this millisecond, or right above the last.

        Args:
            now_ms: Unix time in milliseconds.

        Returns:
            Its milliseconds and sequence; 0 and 0, which no entry can have, when the last ID is the highest there is.

        Complexity: O(1).
        """
        now = int(now_ms)
        if now > self.last_ms:
            return now, 0
        if self.last_seq != MAX_U64:
            return self.last_ms, self.last_seq + 1
        return (self.last_ms + 1, 0) if self.last_ms != MAX_U64 else (0, 0)

    def append(
        self, entry_id: int, argv: list[bytes], first: i64, max_block_bytes: i64, max_block_entries: i64
    ) -> None:
        """Adds an entry, its ID in one number; see `append_at`."""
        self.append_at(entry_id >> 64, entry_id & MAX_U64, argv, first, max_block_bytes, max_block_entries)

    def append_at(
        self, ms: int, seq: int, argv: list[bytes], first: i64, max_block_bytes: i64, max_block_entries: i64
    ) -> None:
        """Adds an entry.

        Args:
            ms: Milliseconds of its ID, which is above the last.
            seq: Sequence of its ID.
            argv: A list that ends with the fields and values, alternating, of MAX_ENTRY_BYTES at most.
            first: Index of the first field in it.
            max_block_bytes: A block takes no entry that makes it as large as this; 0 stands for MAX_ENTRY_BYTES.
            max_block_entries: A block takes no entry beyond this number, tombstones counted; 0 is no limit.

        Complexity: O(bytes of the entry), amortized.
        """
        assert ms > self.last_ms or (ms == self.last_ms and seq > self.last_seq)
        block = self._tail_with_room(argv, first, max_block_bytes, max_block_entries)
        if block is None:
            block = StreamBlock((ms << 64) | seq, encode_master(argv, first))
            if self.blocks:
                self.blocks[-1].close()
            self._push_block(block)
            self._tail_fields = [argv[index] for index in range(first, len(argv), 2)]
            self._block_bytes += block.memory_bytes()
            same_fields = True
        else:
            same_fields = self._has_tail_fields(argv, first)
            if self.watcher is not None:
                self.watcher.before_change(block)
        self._block_bytes += block.append(ms, seq, argv, first, same_fields)
        self._length += 1
        self.entries_added += 1
        self.last_ms = ms
        self.last_seq = seq
        if self._length == 1:
            self.first_id = (ms << 64) | seq

    # Removing

    def delete(self, entry_id: int) -> bool:
        """Deletes one entry.

        Args:
            entry_id: The entry.

        Returns:
            Whether there was such an entry.

        Complexity: O(log blocks + bytes of a block).
        """
        cursor = StreamCursor(self, entry_id, entry_id, False)
        if not cursor.advance():
            return False
        if self.watcher is not None:
            self.watcher.before_change(cursor.block())
        emptied = cursor.delete_current()
        if emptied >= 0:
            self._drop_block(emptied)
        self._length -= 1
        self.max_deleted_id = max(self.max_deleted_id, entry_id)
        if self._length == 0 or entry_id == self.first_id:
            self.first_id = self._find_first_id()
        return True

    def trim_to_length(self, max_length: i64, approximate: bool, limit: i64) -> i64:
        """Removes the oldest entries until at most so many are left.

        Args:
            max_length: How many may stay.
            approximate: Remove whole blocks only.
            limit: Stop before the block that would make it more removed entries than this; 0 is no limit.

        Returns:
            How many entries were removed.

        Complexity: O(blocks removed + bytes of a block).
        """
        removed: i64 = 0
        blocks_removed: i64 = 0
        left = self._length
        for block in self.blocks:
            if left <= max_length or (limit and removed + block.live > limit):
                break
            if left - block.live < max_length:
                if not approximate:
                    removed += self._delete_from_front(block, left - max_length, MAX_ID)
                break
            blocks_removed += 1
            removed += block.live
            left -= block.live
        return self._finish_trim(blocks_removed, removed)

    def trim_below_id(self, min_id: int, approximate: bool, limit: i64) -> i64:
        """Removes the entries below an ID; arguments and cost as for `trim_to_length`.

        Args:
            min_id: The lowest ID that may stay.
            approximate: Remove whole blocks only.
            limit: Stop before the block that would make it more removed entries than this; 0 is no limit.

        Returns:
            How many entries were removed.
        """
        removed: i64 = 0
        blocks_removed: i64 = 0
        for block in self.blocks:
            if limit and removed + block.live > limit:
                break
            if (block.last_ms << 64 | block.last_seq) >= min_id:
                if not approximate:
                    removed += self._delete_from_front(block, block.live, min_id)
                break
            blocks_removed += 1
            removed += block.live
        return self._finish_trim(blocks_removed, removed)

    # Reading

    def cursor(self, start: int, end: int, backward: bool = False) -> StreamCursor:
        """A cursor before the first entry from `start` to `end`, both included (backward: after the last). O(log N)."""
        return StreamCursor(self, start, end, backward)

    def contains(self, entry_id: int) -> bool:
        """Whether there is a live entry with this ID. O(log blocks + bytes of a block)."""
        return StreamCursor(self, entry_id, entry_id, False).advance()

    def last_live_id(self) -> int:
        """The highest live entry's ID, 0 when there is none. O(bytes of a block)."""
        cursor = StreamCursor(self, MIN_ID, MAX_ID, True)
        return cursor.entry_id() if cursor.advance() else 0

    def block_index(self, entry_id: int) -> i64:
        """Index of the block that would hold this ID: the last that starts at or before it; -1 if none. O(log N)."""
        return bisect_right(self._first_ids, entry_id) - 1

    def block_from(self, first_id: int) -> StreamBlock | None:
        """The first block whose first ID is not below this one; None if there is none. O(log N)."""
        index = bisect_left(self._first_ids, first_id)
        return self.blocks[index] if index < len(self.blocks) else None

    # Consumer groups

    def create_group(self, name: bytes, last_id: int, entries_read: int) -> ConsumerGroup | None:
        """Creates a consumer group.

        Args:
            name: Its name.
            last_id: The ID it has read up to.
            entries_read: How many entries of the whole history that is, or ENTRIES_READ_UNKNOWN.

        Returns:
            The group, or None where the name is taken.

        Complexity: O(1).
        """
        if name in self.groups:
            return None
        group = ConsumerGroup(name, last_id, entries_read, self._meter)
        self.groups[name] = group
        return group

    def destroy_group(self, name: bytes) -> bool:
        """Drops a consumer group; whether there was one. O(consumers)."""
        group = self.groups.pop(name, None)
        if group is None:
            return False
        group.release_memory()
        return True

    def advance_group(self, group: ConsumerGroup, entry_id: int) -> None:
        """Notes that a group was given an entry above all it was given before. O(1)."""
        if group.entries_read != ENTRIES_READ_UNKNOWN and not self.has_deletion_from(entry_id):
            group.entries_read += 1
        elif self.entries_added:
            group.entries_read = self.entries_up_to(entry_id)
        group.last_id = entry_id

    def lag(self, group: ConsumerGroup) -> int | None:
        """How many entries a group has yet to be given; None where deletions make that unknown. O(1)."""
        if not self.entries_added:
            return 0
        if group.entries_read != ENTRIES_READ_UNKNOWN and not self.has_deletion_from(group.last_id):
            return self.entries_added - group.entries_read
        entries_read = self.entries_up_to(group.last_id)
        return None if entries_read == ENTRIES_READ_UNKNOWN else self.entries_added - entries_read

    def has_deletion_from(self, entry_id: int) -> bool:
        """Whether an entry at or above this ID was deleted singly while there are entries below it. O(1)."""
        if not self._length or not self.max_deleted_id or self.first_id > self.max_deleted_id:
            return False
        return entry_id <= self.max_deleted_id

    def entries_up_to(self, entry_id: int) -> int:
        """How many of all entries ever added lie up to an ID, where that can be told without counting.

        It can be told at the ends of the stream: for the last ID, for the first entry and for anything below it, the
        latter two only when nothing was deleted singly since.

        Returns:
            The number, or ENTRIES_READ_UNKNOWN.

        Complexity: O(1).
        """
        if not self.entries_added:
            return 0
        if entry_id == self.last_id or (not self._length and entry_id < self.last_id):
            return self.entries_added
        if entry_id > self.last_id or (self.max_deleted_id and self.max_deleted_id >= self.first_id):
            return ENTRIES_READ_UNKNOWN
        if entry_id < self.first_id:
            return self.entries_added - int(self._length)
        if entry_id == self.first_id:
            return self.entries_added - int(self._length) + 1
        return ENTRIES_READ_UNKNOWN

    # Dumps

    def load_block(self, first_id: int, blob: bytes) -> None:
        """Appends a block from a dump. The counters are the loader's to set, see `finish_load`.

        Args:
            first_id: Its first ID, above the blocks before it.
            blob: The listpack.

        Raises:
            ValueError: It is no stream block, or out of order.

        Complexity: O(bytes of the blob).
        """
        if self._first_ids and first_id <= self._first_ids[-1]:
            raise ValueError("stream blocks out of order")
        block = block_from_blob(first_id, blob)
        if not block.entries:
            raise ValueError("stream block without entries")
        self._push_block(block)
        self._block_bytes += block.memory_bytes()
        self._length += block.live

    def finish_load(self) -> None:
        """Finds the first ID, which old dumps do not tell, and prepares for appending. O(bytes of a block)."""
        self.first_id = self._find_first_id()
        if self.blocks:
            self._tail_fields = self.blocks[-1].fields()

    def check_invariants(self) -> None:
        """Asserts blocks, order, counters and groups. O(N)."""
        assert len(self._first_ids) == len(self.blocks)
        live: i64 = 0
        memory: i64 = 0
        last = -1
        for index, block in enumerate(self.blocks):
            block.check_invariants()
            assert block.first_id == self._first_ids[index]
            assert block.first_id > last
            last = block.last_ms << 64 | block.last_seq
            live += block.live
            memory += block.memory_bytes()
        assert last <= self.last_id
        assert (live, memory) == (self._length, self._block_bytes)
        assert self.first_id == self._find_first_id()
        assert self.entries_added >= int(self._length)
        if self.blocks:
            assert self._tail_fields == self.blocks[-1].fields()
        meter = MemoryMeter()
        for name, group in self.groups.items():
            assert group.name == name
            group.check_invariants()
            group.copy(meter)
        assert meter.used_bytes == self._meter.used_bytes

    # Blocks

    def _tail_with_room(
        self, argv: list[bytes], first: i64, max_block_bytes: i64, max_block_entries: i64
    ) -> StreamBlock | None:
        """The last block, unless the entry makes it too large or too long."""
        if not self.blocks:
            return None
        block = self.blocks[-1]
        if max_block_entries and block.live + block.deleted >= max_block_entries:
            return None
        size = block.blob_bytes()
        for index in range(first, len(argv)):
            size += len(argv[index])
        most = max_block_bytes if 0 < max_block_bytes < MAX_ENTRY_BYTES else i64(MAX_ENTRY_BYTES)
        return block if size < most else None

    def _has_tail_fields(self, argv: list[bytes], first: i64) -> bool:
        fields = self._tail_fields
        if len(argv) - first != 2 * len(fields):
            return False
        index = first
        for name in fields:
            if argv[index] != name:
                return False
            index += 2
        return True

    def _about_to_remove(self, block: StreamBlock) -> None:
        if self.watcher is not None:
            self.watcher.before_removal(block)

    def _push_block(self, block: StreamBlock) -> None:
        if self.watcher is not None:
            self.watcher.before_addition(block.first_id)
        self.blocks.append(block)
        self._first_ids.append(block.first_id)

    def _drop_block(self, index: i64) -> None:
        self._about_to_remove(self.blocks[index])
        self._block_bytes -= self.blocks[index].memory_bytes()
        del self.blocks[index]
        del self._first_ids[index]
        if self.blocks and index == len(self.blocks):
            self._tail_fields = self.blocks[-1].fields()

    def _delete_from_front(self, block: StreamBlock, most: i64, min_id: int) -> i64:
        """Makes tombstones of the first so many live entries of a block that are below an ID."""
        if self.watcher is not None:
            self.watcher.before_change(block)
        removed: i64 = 0
        at = block.live_start
        while removed < most and at < len(block.entries):
            end = block.end_of(at)
            if (block.ms_at(at) << 64 | block.seq_at(at)) >= min_id:
                break
            if not block.is_deleted(at):
                block.delete_at(at)
                removed += 1
            at = end
        return removed

    def _finish_trim(self, blocks_removed: i64, removed: i64) -> i64:
        """Cuts whole blocks off the front and brings the counters up to date."""
        if blocks_removed:
            for index in range(blocks_removed):
                self._about_to_remove(self.blocks[index])
                self._block_bytes -= self.blocks[index].memory_bytes()
            del self.blocks[:blocks_removed]
            del self._first_ids[:blocks_removed]
        self._length -= removed
        if removed:
            self.first_id = self._find_first_id()
        return removed

    def _find_first_id(self) -> int:
        """The lowest live entry's ID, 0 when there is none. O(bytes of a block)."""
        cursor = StreamCursor(self, MIN_ID, MAX_ID, False)
        return cursor.entry_id() if cursor.advance() else 0
