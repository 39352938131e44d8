"""Writing a whole dataset as an RDB file.

    REDIS0011 or VALKEY080 | auxiliary fields | function libraries | per database: number, sizes, keys | end
    | CRC-64 or 0, 8 bytes low first

    key    [deadline in ms] [idle seconds or access frequency] type | name | value

Not here: files, forks and when to save (`snapshot`); values (`rdb_write_values`).
"""

from typing import Final

from mypy_extensions import i32, i64

from hognose.datastructures.hashtable import USED
from hognose.keyspace.access import CLOCK_EPOCH_SECONDS, lfu_counter
from hognose.keyspace.database import Database
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence import rdb_format as rdb
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
    """

    def __init__(self, version: i64, has_checksum: bool, keeps_usage: bool, now_ms: i64) -> None:
        self.version: i64 = version
        self.has_checksum: Final = has_checksum
        self.keeps_usage: Final = keeps_usage
        self.now_ms: i64 = now_ms


def write_dataset(sink: RdbSink, keyspace: Keyspace, options: FileOptions) -> None:
    """Writes all databases.

    Args:
        sink: Where it goes.
        keyspace: Is only read.
        options: How.

    Complexity:
        O(N).
    """
    for database in keyspace.databases:
        if database.field_deadlines.count != 0:
            options.version = max(options.version, rdb.FIELD_DEADLINES_SINCE)
    magic = b"VALKEY%03d" if options.version >= rdb.VALKEY else b"REDIS%04d"
    sink.raw(magic % int(options.version))
    _write_aux(sink, b"redis-ver", REDIS_VERSION.encode())
    _write_aux(sink, b"redis-bits", b"64")
    _write_aux(sink, b"ctime", b"%d" % (int(options.now_ms) // 1000))
    _write_aux(sink, b"used-mem", b"%d" % int(keyspace.used_memory()))
    _write_aux(sink, b"aof-base", b"0")
    if options.version >= rdb.FUNCTIONS_SINCE:
        for source in keyspace.libraries.sources():
            sink.byte(rdb.FUNCTION)
            sink.string(source)
    for database in keyspace.databases:
        if database.table.count != 0:
            _write_database(sink, database, options)
    sink.byte(rdb.END)
    sink.i64_le(sink.checksum() if options.has_checksum else 0)
    sink.flush()


def _write_aux(sink: RdbSink, name: bytes, text: bytes) -> None:
    sink.byte(rdb.AUX)
    sink.string(name)
    sink.string(text)


def _write_database(sink: RdbSink, database: Database, options: FileOptions) -> None:
    table = database.table
    sink.byte(rdb.SELECT)
    sink.length(database.index)
    sink.byte(rdb.RESIZE)
    sink.length(table.count)
    sink.length(table.expires)
    for segment in table.segments:
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                if segment.has_deadlines and segment.deadlines[place] != 0:
                    sink.byte(rdb.DEADLINE_MS)
                    sink.i64_le(segment.deadlines[place])
                if options.keeps_usage:
                    _write_usage(sink, database.keyspace, i64(segment.clocks[place]), options)
                key = segment.slots[2 * place]
                assert isinstance(key, bytes)
                value = segment.slots[2 * place + 1]
                kind = value_type(value, options.version)
                sink.byte(kind)
                sink.string(key)
                write_value(sink, value, kind)
                sink.pass_on()
            place += 1


def _write_usage(sink: RdbSink, keyspace: Keyspace, clock: i64, options: FileOptions) -> None:
    """Writes how often or how recently a key was used."""
    if keyspace.lfu:
        sink.byte(rdb.FREQ)
        sink.byte(lfu_counter(keyspace, i32(clock)))
    else:
        sink.byte(rdb.IDLE)
        sink.length(max(0, options.now_ms // 1000 - CLOCK_EPOCH_SECONDS - clock))
