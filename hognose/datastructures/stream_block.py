"""One block of a stream: up to about a hundred entries in one listpack, their IDs as differences to the first.

The block knows nothing of the stream around it, of consumer groups or of keys. Kept apart here is what the blob that
goes into dumps has in one piece:

    blob     live | deleted | field count | field 1 ... field N | 0 | entry | entry ...
             counters         master                                  entries

    entry    flags | ms - first ms | seq - first seq | [count, field 1,] value 1, ... | elements before this one

`flags` has bit 0 set for an entry that was deleted (it stays as a tombstone) and bit 1 for one whose fields are the
master's, in order: such an entry stores its values only. The number at the end lets a reader walk backwards. The first
entry of a block gives it the first ID and the master's fields, and never leaves even when deleted.

Differences are taken modulo 2**64 and stored signed, so a sequence may well be smaller than the first one's.

The block that entries are appended to keeps them in a writer, which grows in place; the bytes to read from are taken
out of it when somebody reads. A block that is closed, as all but a stream's last are, has the bytes only.

Source: the format is that of Redis' stream nodes; golden blobs recorded from a real server in the tests.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, u8

from hognose.datastructures import listpack
from hognose.datastructures.numbers import canonical_int, canonical_value
from hognose.datastructures.stream_id import MAX_U64

DELETED: Final = 1
SAME_FIELDS: Final = 2

BLOCK_OVERHEAD_BYTES: Final = 255  # measured compiled, with tracemalloc: an empty block and its places in two lists

_FLAGS: Final[list[bytes]] = [listpack.encode_i64(flags) for flags in range(4)]

# Below this, sums of two numbers stay small ints in compiled code.
_FAR: Final = 1 << 61


class StreamBlock:
    """The entries from one ID up to the next block's first.

    Args:
        first_id: The ID all differences are taken to.
        master: The encoded master part: field count, fields, zero.

    Attributes:
        first_ms: Milliseconds of the first ID.
        first_seq: Sequence of the first ID.
        field_count: Fields in the master part.
        live: Entries that are not deleted.
        deleted: Tombstones.
        live_start: Offset in `entries` before which there are tombstones only.
        last_ms, last_seq: The ID of the last entry, tombstone or not.
    """

    def __init__(self, first_id: int, master: bytes) -> None:
        self.first_id: int = first_id
        self.first_ms: int = first_id >> 64
        self.first_seq: int = first_id & MAX_U64
        self.master: bytes = master
        self.field_count: i64 = listpack.get_i64(master, 0)
        self._entries: bytes = b""
        self._writer: BytesWriter | None = None
        self._unread = False  # the writer has what the bytes do not have yet
        self.live: i64 = 0
        self.deleted: i64 = 0
        self.live_start: i64 = 0
        self.last_ms: int = self.first_ms
        self.last_seq: int = self.first_seq

    def blob_bytes(self) -> i64:
        """The size of the blob this block is in dumps, by which it counts as full. O(1)."""
        counters = _count_bytes(self.live) + _count_bytes(self.deleted)
        return listpack.OVERHEAD_BYTES + counters + len(self.master) + self.entries_bytes()

    def memory_bytes(self) -> i64:
        """What the block occupies. O(1)."""
        return BLOCK_OVERHEAD_BYTES + len(self.master) + self.entries_bytes()

    @property
    def entries(self) -> bytes:
        """All encoded entries, tombstones included. O(1), after a change O(bytes)."""
        if self._unread:
            writer = self._writer
            assert writer is not None
            self._entries = writer.getvalue()
            self._unread = False
        return self._entries

    @entries.setter
    def entries(self, entries: bytes) -> None:
        self._entries = entries
        self._writer = None
        self._unread = False

    def entries_bytes(self) -> i64:
        """The size of all encoded entries. O(1)."""
        writer = self._writer
        return len(self._entries) if writer is None else len(writer)

    def close(self) -> None:
        """Lets go of the room to grow, when no more entries will come. O(bytes)."""
        self.entries = self.entries

    def _opened(self) -> BytesWriter:
        """The writer, with all entries in it."""
        writer = self._writer
        if writer is None:
            writer = BytesWriter()
            writer.write(self._entries)
            self._writer = writer
        return writer

    def fields(self) -> list[bytes]:
        """The master's fields, in order. O(fields)."""
        names: list[bytes] = []
        listpack.extend_list(names, self.master, listpack.entry_size(self.master, 0), self.field_count)
        return names

    def append(self, ms: int, seq: int, argv: list[bytes], first: i64, same_fields: bool) -> i64:
        """Appends an entry.

        Args:
            ms: Milliseconds of its ID, which is above all in the block (or the block's first).
            seq: Sequence of its ID.
            argv: A list that ends with fields and values, alternating.
            first: Index of the first field in it.
            same_fields: Whether these fields are the master's, in order.

        Returns:
            The bytes the block grew by.

        Complexity: O(bytes of the entry), amortized.
        """
        writer = self._opened()
        size_before: i64 = len(writer)
        end: i64 = len(argv)
        count = (end - first) // 2
        index = first
        _write_i64(writer, SAME_FIELDS if same_fields else 0)
        _write_difference(writer, ms - self.first_ms)
        _write_difference(writer, seq - self.first_seq)
        if same_fields:
            index += 1
            while index < end:
                _write_text(writer, argv[index])
                index += 2
            _write_i64(writer, count + 3)
        else:
            _write_i64(writer, count)
            while index < end:
                _write_text(writer, argv[index])
                index += 1
            _write_i64(writer, 2 * count + 4)
        self._unread = True
        self.live += 1
        self.last_ms = ms
        self.last_seq = seq
        return len(writer) - size_before

    def delete_at(self, at: i64) -> None:
        """Makes a tombstone of the live entry at an offset. O(bytes of the block), a copy."""
        entries = self.entries
        flags: i64 = entries[at]
        writer = self._writer
        if writer is not None:
            writer[at] = u8(flags | DELETED)
            self._unread = True
        else:
            self._entries = b"".join((entries[:at], _FLAGS[flags | DELETED], entries[at + 2 :]))
        self.live -= 1
        self.deleted += 1
        if at == self.live_start:
            self.live_start = self.end_of(at)

    def end_of(self, at: i64) -> i64:
        """The offset behind the entry at an offset. O(elements of the entry)."""
        entries = self.entries
        flags = listpack.get_i64(entries, at)
        values_at = listpack.skip(entries, at, 3)
        if flags & SAME_FIELDS:
            return listpack.skip(entries, values_at, self.field_count + 1)
        return listpack.skip(entries, values_at, 2 * listpack.get_i64(entries, values_at) + 2)

    def start_of_previous(self, end: i64) -> i64:
        """The offset of the entry that ends at an offset above 0. O(elements of the entry)."""
        at = listpack.previous_offset(self.entries, end)
        left = listpack.get_i64(self.entries, at)
        while left > 0:
            at = listpack.previous_offset(self.entries, at)
            left -= 1
        return at

    def seek(self, ms: int, seq: int) -> i64:
        """The offset of the first entry, tombstone or not, whose ID is not below a given one.

        Args:
            ms: Milliseconds of the ID.
            seq: Sequence of the ID.

        Returns:
            An offset from `live_start` to the end of `entries`.

        Complexity: O(elements up to it), from the end whose ID is nearer: who follows a stream asks for its last few.
        """
        entry_id = (ms << 64) | seq
        if entry_id <= self.first_id:
            return self.live_start
        if entry_id - self.first_id > (self.last_ms << 64 | self.last_seq) - entry_id:
            at: i64 = len(self.entries)
            while at > self.live_start:
                previous = self.start_of_previous(at)
                if self._is_below(previous, ms, seq):
                    break
                at = previous
            return at
        at = self.live_start
        while at < len(self.entries) and self._is_below(at, ms, seq):
            at = self.end_of(at)
        return at

    def ms_at(self, at: i64) -> int:
        """The milliseconds of the entry at an offset. O(1)."""
        return _sum(self.first_ms, listpack.get_i64(self.entries, at + 2))

    def seq_at(self, at: i64) -> int:
        """The sequence of the entry at an offset. O(1)."""
        entries = self.entries
        seq_at = at + 2 + listpack.entry_size(entries, at + 2)
        return _sum(self.first_seq, listpack.get_i64(entries, seq_at))

    def _is_below(self, at: i64, ms: int, seq: int) -> bool:
        """Whether the ID of the entry at an offset is below the given one."""
        own_ms = self.ms_at(at)
        return own_ms < ms or (own_ms == ms and self.seq_at(at) < seq)

    def is_deleted(self, at: i64) -> bool:
        """Whether the entry at an offset is a tombstone. O(1)."""
        return self.entries[at] & DELETED != 0

    def read_pairs(self, at: i64, master_fields: list[bytes], pairs: list[bytes]) -> i64:
        """Reads the fields and values of the entry at an offset.

        Args:
            at: Offset of the entry.
            master_fields: What `fields` answers; the caller keeps it for the whole block.
            pairs: Where they go, alternating.

        Returns:
            The offset behind the entry.

        Complexity: O(bytes of the entry).
        """
        entries = self.entries
        flags: i64 = entries[at]
        value_at = listpack.skip(entries, at, 3)
        if not flags & SAME_FIELDS:
            count = listpack.get_i64(entries, value_at)
            value_at += listpack.entry_size(entries, value_at)
            listpack.extend_list(pairs, entries, value_at, 2 * count)
            return listpack.skip(entries, value_at, 2 * count + 1)
        for name in master_fields:
            pairs.append(name)
            first: i64 = entries[value_at]
            if listpack.STRING6 <= first < listpack.INT13:
                end = value_at + 1 + (first & 63)
                pairs.append(entries[value_at + 1 : end])
                value_at = end + 1
            else:
                pairs.append(listpack.get(entries, value_at))
                value_at += listpack.entry_size(entries, value_at)
        return value_at + listpack.entry_size(entries, value_at)

    def to_blob(self) -> bytes:
        """The block as one listpack, as dumps hold it. O(bytes of the block)."""
        counters = listpack.encode_i64(self.live) + listpack.encode_i64(self.deleted)
        body = b"".join((counters, self.master, self.entries))
        return listpack.seal(body, listpack.count_entries(body))

    def copy(self) -> "StreamBlock":
        """An equal block; the bytes are shared. O(1)."""
        twin = StreamBlock(self.first_id, self.master)
        twin.entries = self.entries
        twin.live = self.live
        twin.deleted = self.deleted
        twin.live_start = self.live_start
        twin.last_ms = self.last_ms
        twin.last_seq = self.last_seq
        return twin

    def check_invariants(self) -> None:
        """Asserts counters, order of IDs and every entry's shape. O(bytes of the block)."""
        twin = block_from_blob(self.first_id, self.to_blob())
        assert twin.entries == self.entries
        assert (twin.live, twin.deleted) == (self.live, self.deleted)
        assert (twin.last_ms, twin.last_seq) == (self.last_ms, self.last_seq)
        assert self.live_start <= len(self.entries)
        before = -1
        at: i64 = 0
        while at < len(self.entries):
            assert self.is_deleted(at) or at >= self.live_start
            entry_id = (self.ms_at(at) << 64) | self.seq_at(at)
            assert entry_id > before
            before = entry_id
            at = self.end_of(at)


def encode_master(argv: list[bytes], first: i64) -> bytes:
    """Makes the master part of a block from the fields of its first entry.

    Args:
        argv: A list that ends with fields and values, alternating.
        first: Index of the first field in it.

    Complexity: O(bytes of the fields).
    """
    writer = BytesWriter()
    _write_i64(writer, (len(argv) - first) // 2)
    for index in range(first, len(argv), 2):
        _write_text(writer, argv[index])
    _write_i64(writer, 0)
    return writer.getvalue()


def block_from_blob(first_id: int, blob: bytes) -> StreamBlock:
    """Checks a blob from a dump and makes a block of it.

    Args:
        first_id: The ID that the dump gives the block.
        blob: The listpack.

    Raises:
        ValueError: It is no listpack, or not one of a stream: counters, shape of an entry or order of IDs are wrong.

    Complexity: O(bytes of the blob).
    """
    body = listpack.unseal(blob)
    at: i64 = 0
    live = _checked_count(body, at)
    at += listpack.entry_size(body, at)
    deleted = _checked_count(body, at)
    at += listpack.entry_size(body, at)
    master_at = at
    fields = _checked_count(body, at)
    at = _checked_skip(body, at, fields + 1)
    if _checked_count(body, at) != 0:
        raise ValueError("stream block without the end of its master part")
    at += listpack.entry_size(body, at)
    block = StreamBlock(first_id, body[master_at:at])
    block.entries = body[at:]
    at = 0
    while at < len(block.entries):
        at = _checked_entry(block, at)
    if block.live != live or block.deleted != deleted:
        raise ValueError("stream block with other counts than its entries")
    return block


def _checked_entry(block: StreamBlock, at: i64) -> i64:
    """Checks one entry, counts it, takes its ID for the block's last, and returns where it ends."""
    entries = block.entries
    flags = _checked_count(entries, at)
    if flags > (DELETED | SAME_FIELDS):
        raise ValueError("stream entry with unknown flags")
    ms_at = at + listpack.entry_size(entries, at)
    seq_at = _checked_skip(entries, ms_at, 1)
    values_at = _checked_skip(entries, seq_at, 1)
    if not (listpack.is_int(entries, ms_at) and listpack.is_int(entries, seq_at)):
        raise ValueError("stream entry whose ID is no number")
    if flags & SAME_FIELDS:
        between = block.field_count
    else:
        count = _checked_count(entries, values_at)
        if count > len(entries):
            raise ValueError("stream entry with more fields than elements")
        between = 2 * count + 1
    count_at = _checked_skip(entries, values_at, between)
    if _checked_count(entries, count_at) != between + 3:
        raise ValueError("stream entry with a wrong number of elements")
    block.last_ms = block.ms_at(at)
    block.last_seq = block.seq_at(at)
    if flags & DELETED:
        block.deleted += 1
    else:
        block.live += 1
    return count_at + listpack.entry_size(entries, count_at)


def _checked_count(body: bytes, at: i64) -> i64:
    """The non-negative number at an offset."""
    if at >= len(body) or not listpack.is_int(body, at):
        raise ValueError("stream block with something else where a number belongs")
    number = listpack.get_i64(body, at)
    if number < 0:
        raise ValueError("stream block with a negative count")
    return number


def _checked_skip(body: bytes, at: i64, elements: i64) -> i64:
    """The offset so many elements further, which may be the end of the body but not beyond."""
    left = elements
    while left > 0:
        if at >= len(body):
            raise ValueError("stream block that ends inside an entry")
        at += listpack.entry_size(body, at)
        left -= 1
    return at


def _count_bytes(count: i64) -> i64:
    """The size of a counter's entry."""
    return 2 if count < 128 else len(listpack.encode_i64(count))


def _write_text(writer: BytesWriter, text: bytes) -> None:
    """Appends the listpack entry of a text: as `listpack.encode` makes it, without making it first."""
    size: i64 = len(text)
    if size <= listpack.LONGEST_INT_TEXT and canonical_int(text):
        _write_i64(writer, canonical_value(text))
    elif size <= listpack.MAX_STRING6:
        writer.append(u8(listpack.STRING6 | size))
        writer.write(text)
        writer.append(u8(size + 1))
    else:
        writer.write(listpack.encode(text))


def _write_i64(writer: BytesWriter, value: i64) -> None:
    """Appends the listpack entry of a number: as `listpack.encode_i64` makes it, without making it first."""
    if 0 <= value <= 127:
        writer.append(u8(value))
        writer.append(1)
    elif -4096 <= value <= 4095:
        writer.append(u8(listpack.INT13 | ((value >> 8) & 31)))
        writer.append(u8(value & 255))
        writer.append(2)
    elif -32768 <= value <= 32767:
        writer.append(u8(listpack.INT16))
        writer.append(u8(value & 255))
        writer.append(u8((value >> 8) & 255))
        writer.append(3)
    else:
        writer.write(listpack.encode_i64(value))


def _write_difference(writer: BytesWriter, difference: int) -> None:
    """Appends a difference of two unsigned 64-bit numbers, modulo 2**64 and signed."""
    if -_FAR < difference < _FAR:
        _write_i64(writer, difference)
        return
    wrapped = difference & MAX_U64
    _write_i64(writer, wrapped - (1 << 64) if wrapped >> 63 else wrapped)


def _sum(first: int, difference: int) -> int:
    """The unsigned 64-bit number that differs so much from the first, modulo 2**64."""
    total = first + difference
    return total if 0 <= total < _FAR else total & MAX_U64
