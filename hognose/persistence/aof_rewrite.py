"""Writing a whole dataset as commands: the base of an append-only file where aof-use-rdb-preamble is off.

    SET key value | RPUSH key element ... | SADD key member ... | ZADD key score member ... | HMSET key field value ...
    XADD, XSETID, XGROUP CREATE, XCLAIM, XGROUP CREATECONSUMER     a stream, its groups and what is pending
    PEXPIREAT key ms                                               a key that expires
    HPEXPIREAT key ms FIELDS 1 field                               a field that expires

Collections go out in commands of 64 elements, so that no client, replica or loader has to hold a huge one at once.

Not here: files, forks and when to rewrite.
"""

import os
from typing import BinaryIO, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.datastructures.hashtable import USED
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.numbers import format_double, format_i64
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_groups import ConsumerGroup
from hognose.datastructures.stream_id import MAX_ID, format_id
from hognose.datastructures.zset import ZSetValue
from hognose.keyspace.database import Database
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.aof_format import write_command
from hognose.persistence.dump_payload import dump_value
from hognose.persistence.progress import Progress
from hognose.persistence.rdb_format import FIELD_DEADLINES_SINCE

ITEMS_PER_COMMAND: Final = 64
CHUNK_BYTES: Final = 1 << 18
EMPTY_STREAM_ID: Final = b"0-1"
"""XADD refuses 0-0."""


class CommandSink:
    """Collects commands and passes them on to a file.

    Args:
        file: Where they go.
        syncs_every: Bring the file to disk whenever it has grown by so many bytes (aof-rewrite-incremental-fsync), so
            that the end does not have to wait for all of it; 0 for never.
    """

    def __init__(self, file: BinaryIO, syncs_every: i64 = 0) -> None:
        self._file: Final = file
        self._syncs_every: i64 = syncs_every
        self._unsynced: i64 = 0
        self._out: BytesWriter = BytesWriter()

    def write(self, argv: list[bytes]) -> None:
        """Appends a command. O(bytes)."""
        write_command(self._out, argv)
        if len(self._out) >= CHUNK_BYTES:
            self.flush()

    def raw(self, data: bytes) -> None:
        """Appends bytes as they are."""
        self._out.write(data)

    def flush(self) -> None:
        """Gives the file what has collected."""
        data = self._out.getvalue()
        self._out.truncate(0)
        self._file.write(data)
        self._unsynced += len(data)
        if self._syncs_every != 0 and self._unsynced >= self._syncs_every:
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self._unsynced = 0


def write_commands(sink: CommandSink, keyspace: Keyspace, progress: Progress) -> None:
    """Writes all function libraries and databases.

    Args:
        sink: Where they go; flushed at the end.
        keyspace: Is only read.
        progress: Told of every key.

    Complexity:
        O(N).
    """
    for source in keyspace.libraries.sources():
        sink.write([b"FUNCTION", b"LOAD", source])
    for database in keyspace.databases:
        if database.table.count != 0:
            sink.write([b"SELECT", format_i64(database.index)])
            _write_database(sink, database, progress)
    sink.flush()


def _write_database(sink: CommandSink, database: Database, progress: Progress) -> None:
    for segment in database.table.segments:
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                key = segment.slots[2 * place]
                assert isinstance(key, bytes)
                write_value_commands(sink, key, database.keyspace.value_at(segment, place))
                if segment.has_deadlines and segment.deadlines[place] != 0:
                    sink.write([b"PEXPIREAT", key, format_i64(segment.deadlines[place])])
                progress.key_done()
            place += 1


def write_value_commands(sink: CommandSink, key: bytes, value: object) -> None:
    """Writes the commands that make one key what it is, but for its deadline. O(N)."""
    if isinstance(value, bytes):
        sink.write([b"SET", key, value])
    elif isinstance(value, int):
        sink.write([b"SET", key, b"%d" % value])
    elif isinstance(value, ListValue):
        _write_list(sink, key, value)
    elif isinstance(value, SetValue):
        write_batches(sink, [b"SADD", key], value.members(), 1)
    elif isinstance(value, ZSetValue):
        _write_sorted_set(sink, key, value)
    elif isinstance(value, HashValue):
        _write_hash(sink, key, value)
    elif isinstance(value, StreamValue):
        _write_stream(sink, key, value)
    elif isinstance(value, bytearray):
        sink.write([b"SET", key, bytes(value)])
    else:
        # Nothing but its dump makes a sketch what it is.
        sink.write([b"RESTORE", key, b"0", dump_value(value, FIELD_DEADLINES_SINCE, None)])


def write_batches(sink: CommandSink, head: list[bytes], items: list[bytes], each: i64) -> None:
    """Writes a command for every 64 items.

    Args:
        head: The command's name and key.
        items: What follows.
        each: How many of them make one item.
    """
    step: i64 = ITEMS_PER_COMMAND * each
    start: i64 = 0
    while start < len(items):
        sink.write(head + items[start : start + step])
        start += step


def _write_list(sink: CommandSink, key: bytes, value: ListValue) -> None:
    start: i64 = 0
    while start < value.length():
        elements: list[bytes] = []
        value.extend(elements, start, min(ITEMS_PER_COMMAND, value.length() - start))
        sink.write([b"RPUSH", key, *elements])
        start += ITEMS_PER_COMMAND


def _write_sorted_set(sink: CommandSink, key: bytes, value: ZSetValue) -> None:
    start: i64 = 0
    while start < value.length():
        stop = min(start + ITEMS_PER_COMMAND, value.length())
        members = value.members(start, stop)
        scores = value.scores(start, stop)
        argv = [b"ZADD", key]
        for index in range(len(members)):
            argv.append(format_double(scores[index]))
            argv.append(members[index])
        sink.write(argv)
        start = stop


def _write_hash(sink: CommandSink, key: bytes, value: HashValue) -> None:
    pairs = value.pairs()
    write_batches(sink, [b"HMSET", key], pairs, 2)
    if value.next_deadline() == 0:
        return
    for field in pairs[::2]:
        deadline = value.deadline(field)
        if deadline != 0:
            sink.write([b"HPEXPIREAT", key, format_i64(deadline), b"FIELDS", b"1", field])


def _write_stream(sink: CommandSink, key: bytes, value: StreamValue) -> None:
    cursor = value.cursor(0, MAX_ID)
    while cursor.advance():
        sink.write([b"XADD", key, cursor.id_text(), *cursor.pairs()])
    last_id = format_id(value.last_id)
    if value.length() == 0:
        # An entry that is trimmed away at once makes an empty stream.
        first_id = last_id if value.last_id != 0 else EMPTY_STREAM_ID
        sink.write([b"XADD", key, b"MAXLEN", b"0", first_id, b"x", b"y"])
    added = b"%d" % value.entries_added
    deleted = format_id(value.max_deleted_id)
    sink.write([b"XSETID", key, last_id, b"ENTRIESADDED", added, b"MAXDELETEDID", deleted])
    for group in value.groups.values():
        _write_group(sink, key, group)


def _write_group(sink: CommandSink, key: bytes, group: ConsumerGroup) -> None:
    read = b"%d" % group.entries_read
    sink.write([b"XGROUP", b"CREATE", key, group.name, format_id(group.last_id), b"ENTRIESREAD", read])
    for consumer in group.consumers.values():
        if consumer.pending.size() == 0:
            sink.write([b"XGROUP", b"CREATECONSUMER", key, group.name, consumer.name])
        for entry_id in sorted(consumer.pending.by_id):
            record = consumer.pending.by_id[entry_id]
            argv = [b"XCLAIM", key, group.name, consumer.name, b"0", format_id(entry_id)]
            argv += [b"TIME", format_i64(record.delivery_time_ms), b"RETRYCOUNT", format_i64(record.delivery_count)]
            sink.write([*argv, b"JUSTID", b"FORCE"])
