"""Writing a whole dataset as an RDB file.

    REDIS0011 or VALKEY080 | auxiliary fields | function libraries | per database: number, sizes, keys | end
    | CRC-64 or 0, 8 bytes low first

    key    [deadline in ms] [idle seconds or access frequency] type | name | value

Not here: files, forks and when to save (`snapshot`); values (`rdb_write_values`).
"""

from typing import Final

from mypy_extensions import i32, i64

from hognose.config.settings import Settings
from hognose.datastructures.hashtable import USED, HashTable, Segment
from hognose.keyspace.access import CLOCK_EPOCH_SECONDS, lfu_counter
from hognose.keyspace.bare import clock_at
from hognose.keyspace.database import Database
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence import rdb_format as rdb
from hognose.persistence.progress import Progress
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_write_values import value_type, write_value
from hognose.version import REDIS_VERSION


class FileOptions:
    """How a file is written.

    Attributes:
        version: The RDB version asked for; data that needs a newer one gets it.
        has_checksum: Whether it ends with one (rdbchecksum).
        keeps_usage: Whether idle times or frequencies are written: those the eviction policy goes by.
        now_ms: The time, Unix ms.
        is_aof_base: Whether it is the base of an append-only file.
        stream: How far the replication stream is that goes on from this dataset: database selected last (-1 for none),
            id, offset. None if there is none.
        has_keys, has_functions: What is written; all, unless a replica asks for less.
    """

    def __init__(self, version: i64, has_checksum: bool, keeps_usage: bool, now_ms: i64) -> None:
        self.is_aof_base = False
        self.stream: tuple[int, bytes, int] | None = None
        self.has_keys = True
        self.has_functions = True
        self.version: i64 = version
        self.has_checksum: Final = has_checksum
        self.keeps_usage: Final = keeps_usage
        self.now_ms: i64 = now_ms


def file_options(settings: Settings, keyspace: Keyspace) -> FileOptions:
    """How files are written by the settings in force."""
    policy = settings.maxmemory_policy
    keeps_usage = "lru" in policy or "lfu" in policy
    return FileOptions(settings.rdb_version, settings.rdbchecksum, keeps_usage, i64(keyspace.clock.now_ms))


def write_dataset(sink: RdbSink, keyspace: Keyspace, options: FileOptions, progress: Progress | None = None) -> None:
    """Writes all databases.

    Args:
        sink: Where it goes.
        keyspace: Is only read.
        options: How.
        progress: Told of every key.

    Complexity:
        O(N).
    """
    counter = Progress() if progress is None else progress
    write_beginning(sink, keyspace, options)
    if options.has_keys:
        for database in keyspace.databases:
            if database.table.count != 0:
                _write_database(sink, database, options, counter)
    write_end(sink, options)


def write_beginning(sink: RdbSink, keyspace: Keyspace, options: FileOptions) -> None:
    """Writes what stands before the keys, and settles the version."""
    for database in keyspace.databases:
        if database.field_deadlines.count != 0:
            options.version = max(options.version, rdb.FIELD_DEADLINES_SINCE)
    magic = b"VALKEY%03d" if options.version >= rdb.VALKEY else b"REDIS%04d"
    sink.raw(magic % int(options.version))
    _write_aux(sink, b"redis-ver", REDIS_VERSION.encode())
    _write_aux(sink, b"redis-bits", b"64")
    _write_aux(sink, b"ctime", b"%d" % (int(options.now_ms) // 1000))
    _write_aux(sink, b"used-mem", b"%d" % int(keyspace.used_memory()))
    if options.stream is not None:
        db_index, stream_id, offset = options.stream
        if db_index >= 0:
            _write_aux(sink, b"repl-stream-db", b"%d" % db_index)
        _write_aux(sink, b"repl-id", stream_id)
        _write_aux(sink, b"repl-offset", b"%d" % offset)
    _write_aux(sink, b"aof-base", b"1" if options.is_aof_base else b"0")
    if options.has_functions and options.version >= rdb.FUNCTIONS_SINCE:
        for source in keyspace.libraries.sources():
            sink.byte(rdb.FUNCTION)
            sink.string(source)


def write_end(sink: RdbSink, options: FileOptions) -> None:
    """Writes what stands behind the keys."""
    sink.byte(rdb.END)
    sink.i64_le(sink.checksum() if options.has_checksum else 0)
    sink.flush()


def _write_aux(sink: RdbSink, name: bytes, text: bytes) -> None:
    sink.byte(rdb.AUX)
    sink.string(name)
    sink.string(text)


def write_select(sink: RdbSink, index: i64) -> None:
    """Writes which database the keys that follow belong to; can stand more than once."""
    sink.byte(rdb.SELECT)
    sink.length(index)


def write_sizes(sink: RdbSink, table: HashTable) -> None:
    """Writes how many keys a database has, for readers that make room in advance."""
    sink.byte(rdb.RESIZE)
    sink.length(table.count)
    sink.length(table.expires)


def write_entry(sink: RdbSink, keyspace: Keyspace, segment: Segment, place: i64, options: FileOptions) -> None:
    """Writes one key with all that belongs to it. O(size of the value)."""
    value = keyspace.value_at(segment, place)
    kind = value_type(value, options.version)
    write_head(sink, keyspace, segment, place, kind, options)
    write_value(sink, value, kind)


def write_head(
    sink: RdbSink, keyspace: Keyspace, segment: Segment, place: i64, kind: i64, options: FileOptions
) -> None:
    """Writes what stands before a value of a type. O(length of the key)."""
    if segment.has_deadlines and segment.deadlines[place] != 0:
        sink.byte(rdb.DEADLINE_MS)
        sink.i64_le(segment.deadlines[place])
    if options.keeps_usage:
        _write_usage(sink, keyspace, i64(clock_at(segment, place)), options)
    key = segment.slots[2 * place]
    assert isinstance(key, bytes)
    sink.byte(kind)
    sink.string(key)


def _write_database(sink: RdbSink, database: Database, options: FileOptions, progress: Progress) -> None:
    table = database.table
    write_select(sink, database.index)
    write_sizes(sink, table)
    for segment in table.segments:
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                write_entry(sink, database.keyspace, segment, place, options)
                sink.pass_on()
                progress.key_done()
            place += 1


def _write_usage(sink: RdbSink, keyspace: Keyspace, clock: i64, options: FileOptions) -> None:
    """Writes how often or how recently a key was used."""
    if keyspace.lfu:
        sink.byte(rdb.FREQ)
        sink.byte(lfu_counter(keyspace, i32(clock)))
    else:
        sink.byte(rdb.IDLE)
        sink.length(max(0, options.now_ms // 1000 - CLOCK_EPOCH_SECONDS - clock))
