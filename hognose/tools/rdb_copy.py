"""From a dump to a dump of another version, key by key: memory does not grow with the values.

What the new version cannot hold is an error (fields that expire before 12) or left out with a remark (libraries of
functions before 10). Access times and frequencies are kept. Auxiliary fields are not: they speak of the server that
wrote the old file.
"""

from typing import Final

from mypy_extensions import i64

from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_reader import UNSET, KeyAttributes
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_source import RdbSource
from hognose.persistence.rdb_write_values import value_type, version_for, write_value
from hognose.persistence.rdb_writer import FileOptions, write_beginning, write_end, write_select
from hognose.tools.dump_scan import DumpScan


class ConversionError(Exception):
    """The data does not fit the version asked for."""


class RdbCopy(DumpScan):
    """Writes what it reads.

    Args:
        sink: Where it goes.
        version: The RDB version to write.
    """

    def __init__(self, sink: RdbSink, version: int) -> None:
        super().__init__()
        self._sink: Final = sink
        self._version: Final[i64] = version
        self._options: Final = FileOptions(version, True, False, self._now_ms)
        self._selected = -1
        self._sizes: dict[int, tuple[int, int]] = {}
        write_beginning(sink, self._keyspace, self._options)

    def store_library(self, source: RdbSource, text: bytes) -> None:
        self.libraries += 1
        if self._version < rdb.FUNCTIONS_SINCE:
            self.remarks.append(f"Left out: a library of functions, which version {self._version} cannot hold")
            return
        self._sink.byte(rdb.FUNCTION)
        self._sink.string(text)

    def announce(self, keys: i64, expires: i64) -> None:
        self._sizes[self.index] = (int(keys), int(expires))

    def visit(self, key: bytes, value: object, attributes: KeyAttributes) -> None:
        sink = self._sink
        if version_for(value, self._version) != self._version:
            raise ConversionError(f"key {key!r} has fields that expire, which needs --rdb-version 12 or 80")
        if self._selected != self.index:
            self._select()
        if attributes.deadline_ms != UNSET:
            sink.byte(rdb.DEADLINE_MS)
            sink.i64_le(attributes.deadline_ms)
        if attributes.idle_seconds != UNSET:
            sink.byte(rdb.IDLE)
            sink.length(attributes.idle_seconds)
        if attributes.frequency != UNSET:
            sink.byte(rdb.FREQ)
            sink.byte(attributes.frequency)
        kind = value_type(value, self._version)
        sink.byte(kind)
        sink.string(key)
        write_value(sink, value, kind)
        sink.pass_on()

    def _select(self) -> None:
        """Begins the current database."""
        self._selected = self.index
        write_select(self._sink, self.index)
        if self.index in self._sizes:
            keys, expires = self._sizes[self.index]
            self._sink.byte(rdb.RESIZE)
            self._sink.length(keys)
            self._sink.length(expires)

    def finish(self) -> None:
        """Writes the end."""
        write_end(self._sink, self._options)
