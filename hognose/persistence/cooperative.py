"""A snapshot without a child: the dataset of one moment, written in slices while commands go on changing it.

Where a system cannot fork, or has no memory for the pages that forking copies, this writes the same file:

    begin      every segment of every table is marked unsaved
    step       writes the entries of the next unsaved segments, and unmarks them
    a change   of an entry in an unsaved segment writes that entry first, as it still is, and notes its key in the
               segment; `step` passes over noted keys. A new key in an unsaved segment is noted without being written.

So each key that was there at the beginning is written once, with the value it had then, and no other is. Entries of
different databases come mixed; SELECT stands in the file wherever the database changes, as the format allows.

    segments     [saved] [saved] [unsaved: k7, k9 noted] [unsaved] ...
                                  ^ step is here

A segment may be split while this goes on: both halves carry mark and notes. Segments are not merged until the end. A
database that is emptied voids the snapshot, which then begins anew.

A large value is written part by part (`large_values`), in the steps that follow its turn; it stands in the file as it
was then, whatever becomes of it. Its segment keeps its mark until that is done, so that it learns of changes. Entries
that have to be written meanwhile collect aside, for the parts of a value stand together in the file, and follow it.

Memory: the noted keys (at most those changed meanwhile), what is noted of large values, what is aside, and what the
disk has not taken yet, of which `step` waits to be less than QUEUE_BYTES. Pauses: a step ends after its time, but for
what `large_values` cannot divide. Clocks of access are those of the moment an entry is written.
"""

from collections import deque
from typing import Final

from librt.time import time
from mypy_extensions import i64

from hognose.config.settings import Settings
from hognose.datastructures.hashtable import USED, HashTable, Segment
from hognose.keyspace.freeze import Freezer
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.disk_writer import DiskWriter
from hognose.persistence.large_values import LONG_BYTES, LargeValue, Notes, Pieces
from hognose.persistence.lzf import Compressor
from hognose.persistence.note_value import is_large, note_value
from hognose.persistence.progress import Progress
from hognose.persistence.rdb_format import END
from hognose.persistence.rdb_sink import CHUNK_BYTES, RdbSink
from hognose.persistence.rdb_write_values import value_type
from hognose.persistence.rdb_writer import (
    FileOptions,
    write_beginning,
    write_entry,
    write_head,
    write_select,
    write_sizes,
)

QUEUE_BYTES: Final = 8 << 20
ENTRIES_PER_CLOCK_READING: Final = 8
NOTED_KEY_BYTES: Final = 100
"""What a noted key weighs: its place in a set; the key itself is mostly shared with the table."""
NO_DATABASE: Final = -1
MANY_BYTES_AT_ONCE: Final = 4096
"""A longer string that is about to be replaced is kept, and compressed later: a command may replace thousands."""


class FrozenTable:
    """A table as it was at the beginning.

    Attributes:
        at: The index of the next segment to look at.
    """

    def __init__(self, table: HashTable, index: i64) -> None:
        self.table: Final = table
        self.index: i64 = index
        self.at: i64 = 0


class Aside:
    """Entries that cannot be written where they belong just now, in chunks.

    Args:
        compressor: As that of the file.

    Attributes:
        sink: Where the next one goes.
        selected: The database selected last.
    """

    def __init__(self, compressor: Compressor | None) -> None:
        self.sink: Final = RdbSink(compressor)
        self.selected: i64 = NO_DATABASE
        self._chunks: list[bytes] = []
        self._chunk_bytes: i64 = 0

    def memory_bytes(self) -> i64:
        """What it holds. O(1)."""
        return self._chunk_bytes + len(self.sink.out)

    def cut(self) -> None:
        """Begins a new chunk if this one is full; called between entries."""
        if len(self.sink.out) >= CHUNK_BYTES:
            self._cut()

    def take(self) -> list[bytes]:
        """Hands over all chunks. O(CHUNK_BYTES)."""
        self._cut()
        chunks = self._chunks
        self._chunks = []
        self._chunk_bytes = 0
        self.selected = NO_DATABASE
        return chunks

    def _cut(self) -> None:
        self._chunk_bytes += len(self.sink.out)
        self._chunks.append(self.sink.getvalue())
        self.sink.out.truncate(0)


class CooperativeSnapshot(Freezer):
    """Writes one snapshot.

    Args:
        path: The file, under its temporary name.
        target: Its real name.
        keyspace: The data; its `freezer` is this while it lasts.
        settings: Compression, syncing, delays.
        options: How the file is written.
        syncs_every: See `DiskWriter`.

    Raises:
        OSError: The file cannot be made.

    Attributes:
        total_keys: How many keys there were at the beginning.
        peak_bytes: The most memory it has occupied, see `memory_bytes`.
        is_void: The data it was to write is gone: it has to be given up.
    """

    def __init__(
        self, path: str, target: str, keyspace: Keyspace, settings: Settings, options: FileOptions, syncs_every: i64
    ) -> None:
        self._keyspace: Final = keyspace
        self._options: Final = options
        self._disk: Final = DiskWriter(path, target, syncs_every)
        compressor = Compressor() if settings.rdbcompression else None
        self._sink: Final = RdbSink(compressor)
        self._aside: Final = Aside(compressor)
        self._large: Final[deque[LargeValue]] = deque()  # those whose turn is still to come
        self._amid: LargeValue | None = None  # that which is written in part
        self._watched: Final[dict[int, LargeValue]] = {}  # by the identity of the values they hold
        self._notes: Final = Notes()
        self._progress: Final = Progress(settings.rdb_key_save_delay)
        self._tables: Final[list[FrozenTable]] = []
        self._selected: i64 = NO_DATABASE
        self._noted: i64 = 0
        self._put_bytes: i64 = 0
        self._has_ended = False
        self.total_keys: i64 = 0
        self.peak_bytes: i64 = 0
        self.is_void = False
        write_beginning(self._sink, keyspace, options)
        for database in keyspace.databases:
            table = database.table
            if table.count != 0:
                self._freeze(table, database.index)
        keyspace.freezer = self

    def _freeze(self, table: HashTable, index: i64) -> None:
        table.saved_as = index
        table.keeps_segments = True
        for segment in table.segments:
            segment.is_unsaved = True
        self._selected = self._select(self._sink, index, self._selected)
        write_sizes(self._sink, table)
        self.total_keys += table.count
        self._tables.append(FrozenTable(table, index))

    # What changes meanwhile

    def about_to_change(self, table: HashTable, segment: Segment, place: i64) -> None:
        key = segment.slots[2 * place]
        assert isinstance(key, bytes)
        if self._note(segment, key):
            self._write(table.saved_as, segment, place, MANY_BYTES_AT_ONCE)
            self._pass_on()
        value = segment.slots[2 * place + 1]
        if not isinstance(value, (bytes, int)):
            large = self._watched.get(id(value))
            if large is not None:
                large.let_go()

    def about_to_overwrite(self, text: bytearray, start: i64, stop: i64) -> None:
        large = self._watched.get(id(text))
        if large is not None:
            large.about_to_overwrite(start, stop)

    def added(self, segment: Segment, key: bytes) -> None:
        self._note(segment, key)

    def emptied(self) -> None:
        self.is_void = True

    def _note(self, segment: Segment, key: bytes) -> bool:
        """Has `step` pass over a key. Returns whether that is news."""
        noted = segment.noted
        if noted is None:
            noted = set()
            segment.noted = noted
        elif key in noted:
            return False
        noted.add(key)
        self._noted += 1
        return True

    # Writing

    def step(self, until_us: i64) -> bool:
        """Writes for a while.

        Args:
            until_us: Stop at this Unix time in microseconds; at least one entry is written.

        Returns:
            Whether everything is on its way to the disk; `is_done` tells when it has arrived.
        """
        if self._has_ended or self.waiting_bytes() > QUEUE_BYTES:
            return self._has_ended
        self.peak_bytes = max(self.peak_bytes, self.memory_bytes())
        if not self._write_large(until_us):
            return False
        while self._tables:
            frozen = self._tables[-1]
            segments = frozen.table.segments
            while frozen.at < len(segments):
                segment = segments[frozen.at]
                if segment.is_unsaved and not self._write_segment(frozen.index, segment, until_us):
                    return False
                frozen.at += 1
                if i64(time() * 1_000_000) >= until_us or self.waiting_bytes() > QUEUE_BYTES:
                    return False
            self._tables.pop()
            frozen.table.keeps_segments = False
        self._end()
        return True

    def _write_large(self, until_us: i64) -> bool:
        """Writes the large values that were noted; False if time was up before their end."""
        while self._amid is not None or self._large:
            value = self._amid
            if value is None:
                value = self._large.popleft()
                self._amid = value
                if value.database != NO_DATABASE:
                    self._selected = self._select(self._sink, value.database, self._selected)
            is_done = value.step(self._sink, until_us)
            self._pass_on()
            if is_done:
                value.close()
                self._amid = None
                if value.told_of is not None:
                    del self._watched[id(value.told_of)]
                self._write_aside()
            if i64(time() * 1_000_000) >= until_us or self.waiting_bytes() > QUEUE_BYTES:
                return self._amid is None and not self._large
        return True

    def _write_aside(self) -> None:
        """Has what is aside written next; what comes aside meanwhile follows it."""
        aside = self._aside
        if aside.memory_bytes() != 0:
            self._selected = aside.selected
            self._amid = Pieces(NO_DATABASE, aside.take())

    def _write_segment(self, index: i64, segment: Segment, until_us: i64) -> bool:
        """Writes what is left of a segment; False if time was up before its end."""
        place: i64 = 0
        written: i64 = 0
        keys: list[bytes] = []
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                key = segment.slots[2 * place]
                assert isinstance(key, bytes)
                noted = segment.noted
                if noted is None or key not in noted:
                    is_time = written % ENTRIES_PER_CLOCK_READING == 0 and i64(time() * 1e6) >= until_us
                    if written != 0 and (is_time or self._large):
                        return self._stay_amid(segment, keys)
                    self._write(index, segment, place, LONG_BYTES)
                    self._pass_on()
                    keys.append(key)
                    written += 1
            place += 1
        if self._large:
            return self._stay_amid(segment, keys)  # while the segment is marked, changes of its values are told of
        self._unmark(segment)
        return True

    def _stay_amid(self, segment: Segment, written: list[bytes]) -> bool:
        """Notes what has been written of a segment that is to be looked at again; False."""
        for key in written:
            self._note(segment, key)
        return False

    def _unmark(self, segment: Segment) -> None:
        noted = segment.noted
        if noted is not None:
            self.peak_bytes = max(self.peak_bytes, self.memory_bytes())
            # Halves of a split segment share their notes, which would be taken off twice.
            self._noted = max(self._noted - len(noted), 0)
        segment.is_unsaved = False
        segment.noted = None

    def _write(self, index: i64, segment: Segment, place: i64, longest: i64) -> None:
        """Writes an entry, or begins to if it is large or a string longer than `longest`."""
        key = segment.slots[2 * place]
        value = segment.slots[2 * place + 1]
        assert isinstance(key, bytes)
        if is_large(value, longest) or len(key) > LONG_BYTES:
            self._begin(index, segment, place)
        elif self._amid is not None:
            aside = self._aside
            aside.selected = self._select(aside.sink, index, aside.selected)
            write_entry(aside.sink, self._keyspace, segment, place, self._options)
            aside.cut()
        else:
            self._selected = self._select(self._sink, index, self._selected)
            write_entry(self._sink, self._keyspace, segment, place, self._options)
        self._progress.key_done()

    def _begin(self, index: i64, segment: Segment, place: i64) -> None:
        """Notes an entry that is to be written in parts."""
        value = segment.slots[2 * place + 1]
        head = RdbSink(None)
        kind = value_type(value, self._options.version)
        write_head(head, self._keyspace, segment, place, kind, self._options)
        large = note_value(index, head.getvalue(), value, kind, self._notes)
        self._large.append(large)
        if large.told_of is not None:
            self._watched[id(value)] = large

    def _select(self, sink: RdbSink, index: i64, selected: i64) -> i64:
        """Has what follows belong to a database; returns its index."""
        if index != selected:
            write_select(sink, index)
        return index

    def _pass_on(self) -> None:
        if len(self._sink.out) >= CHUNK_BYTES:
            self._put(self._sink.take())

    def _put(self, data: bytes) -> None:
        self._put_bytes += len(data)
        self._disk.put(data)

    def _end(self) -> None:
        """Everything is written: the rest goes to the disk, and the data is free."""
        self._has_ended = True
        self._thaw()
        sink = self._sink
        sink.byte(END)
        self._put(sink.take())
        sink.i64_le(sink.checksum() if self._options.has_checksum else 0)
        self._put(sink.take())
        self._disk.end()

    def _thaw(self) -> None:
        self._keyspace.freezer = None
        for frozen in self._tables:
            frozen.table.keeps_segments = False
            for segment in frozen.table.segments:
                self._unmark(segment)
        self._tables.clear()
        if self._amid is not None:
            self._amid.close()
            self._amid = None
        for large in self._large:
            large.close()
        self._large.clear()
        self._watched.clear()

    def give_up(self) -> None:
        """Stops, wherever it is; the file is not whole."""
        if not self._has_ended:
            self._has_ended = True
            self._thaw()
        self._disk.give_up()

    # How far it is

    def is_done(self) -> bool:
        """Whether the disk has everything, or has failed."""
        return self._disk.is_done()

    def failure(self) -> OSError | None:
        """Why the disk has failed."""
        return self._disk.failure

    def keys(self) -> i64:
        """How many keys are written."""
        return self._progress.keys

    def waiting_bytes(self) -> i64:
        """What the disk has not taken yet."""
        return self._put_bytes - self._disk.taken

    def memory_bytes(self) -> i64:
        """What it occupies: notes and what waits for the disk."""
        size: i64 = len(self._sink.out) + self._aside.memory_bytes() + self._notes.used_bytes
        return size + self._noted * NOTED_KEY_BYTES + self.waiting_bytes()
