"""Which values a snapshot in slices writes in parts, and how each of them is."""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.sketch import Sketch
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.persistence import rdb_format as rdb
from hognose.persistence.large_lists import LargeList
from hognose.persistence.large_pages import GrowingText, LargeSketch
from hognose.persistence.large_streams import LargeStream
from hognose.persistence.large_tables import ScoredValue, TableValue
from hognose.persistence.large_values import LargeValue, Notes, Pieces, Text
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_write_values import write_value

MANY_ELEMENTS: Final = 1000
"""From here on a value is written in parts: a part of a millisecond."""
MANY_BYTES: Final = 1 << 17
"""Or from here on, however few elements these are: compressing them takes a millisecond."""


def is_large(value: object, longest: i64) -> bool:
    """Whether a value is to be written in parts. O(1).

    Args:
        value: Any.
        longest: Up to how many bytes a string is written at once.
    """
    if isinstance(value, bytes):
        return len(value) > longest
    if isinstance(value, int):
        return False
    if isinstance(value, bytearray):
        return len(value) > MANY_BYTES
    assert isinstance(value, Value)
    if value.memory_bytes() > MANY_BYTES:
        return True
    return not isinstance(value, (ListValue, StreamValue)) and value.length() > MANY_ELEMENTS


def note_value(database: i64, head: bytes, value: object, kind: i64, notes: Notes) -> LargeValue:
    """Begins to write a large value, which stands in the file as it is now.

    Args:
        database: The index of its database.
        head: What stands before its content.
        value: It.
        kind: What `value_type` said.
        notes: The account of what is noted.

    Complexity:
        O(1) but for streams (O(groups and consumers)), and what is one blob in the file or in an old form (O(N)).
    """
    if isinstance(value, bytes):
        return Text(database, head, value)
    if isinstance(value, bytearray):
        return GrowingText(database, head, value, notes)
    if isinstance(value, Sketch):
        return LargeSketch(database, head, value, notes)
    if isinstance(value, StreamValue):
        return LargeStream(database, head, value, kind, notes)
    if isinstance(value, ListValue) and kind == rdb.LIST_QUICKLIST_2:
        row = value.row()
        if row is not None:
            return LargeList(database, head, row, notes)
    if isinstance(value, (HashValue, SetValue)):
        table = value.table()
        if table is not None:
            return TableValue(database, head, table, kind, value.next_deadline(), notes)
    if isinstance(value, ZSetValue):
        scores = value.table()
        order = value.order()
        if scores is not None and order is not None:
            return ScoredValue(database, head, value, scores, order, notes)
    content = RdbSink(None)
    content.raw(head)
    write_value(content, value, kind)
    return Pieces(database, [content.getvalue()])
