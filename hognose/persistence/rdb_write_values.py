"""From a value to the bytes of an RDB file or a DUMP payload; the other side of `rdb_read_values`.

A compact value goes out as the blob it is. For old versions, whose readers do not know listpacks, collections go out
element by element, a form every version reads.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures import listpack
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.sketch import Sketch
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_groups import Consumer, ConsumerGroup, Pending
from hognose.datastructures.stream_id import MAX_U64
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_sketches import write_sketch

RANKS_AT_A_TIME: Final = 1024
NO_DEADLINE: Final = -1
"""What Valkey writes for a field that does not expire."""


def version_for(value: object, version: i64) -> i64:
    """The version a payload with this value needs: the given one, or newer if that could not hold it. O(1)."""
    if isinstance(value, HashValue) and value.next_deadline() != 0:
        return max(version, rdb.FIELD_DEADLINES_SINCE)
    return version


def value_type(value: object, version: i64) -> i64:
    """The type under which a value is written in a version. O(1)."""
    if not isinstance(value, Value):
        return rdb.STRING
    has_listpacks = version >= rdb.LISTPACKS_SINCE
    if isinstance(value, HashValue):
        if value.next_deadline() != 0:
            if version >= rdb.VALKEY:
                return rdb.VALKEY_HASH_DEADLINES
            return rdb.HASH_DEADLINES if value.packed() is None else rdb.HASH_TRIPLES
        return rdb.HASH_LISTPACK if has_listpacks and value.packed() is not None else rdb.HASH
    if isinstance(value, ListValue):
        return rdb.LIST_QUICKLIST_2 if has_listpacks else rdb.LIST
    if isinstance(value, SetValue):
        if value.encoding() == b"intset":
            return rdb.SET_INTSET
        return rdb.SET_LISTPACK if version >= rdb.SET_LISTPACK_SINCE and value.blob() is not None else rdb.SET
    if isinstance(value, ZSetValue):
        return rdb.ZSET_LISTPACK if has_listpacks and value.encoding() == b"listpack" else rdb.ZSET_BINARY
    if isinstance(value, Sketch):
        return rdb.MODULE
    assert isinstance(value, StreamValue)
    if version >= rdb.SET_LISTPACK_SINCE:
        return rdb.STREAM_3
    return rdb.STREAM_2 if has_listpacks else rdb.STREAM


def write_value(sink: RdbSink, value: object, kind: i64) -> None:
    """Writes a value without its type.

    Args:
        sink: Where it goes.
        value: A string in any of its forms, or a `Value`.
        kind: What `value_type` said.

    Complexity:
        O(N).
    """
    if isinstance(value, bytes):
        sink.string(value)
    elif isinstance(value, int):
        sink.integer(value)
    elif isinstance(value, ListValue):
        write_list(sink, value, kind)
    elif isinstance(value, HashValue):
        write_hash(sink, value, kind)
    elif isinstance(value, SetValue):
        write_set(sink, value, kind)
    elif isinstance(value, ZSetValue):
        write_zset(sink, value, kind)
    elif isinstance(value, StreamValue):
        write_stream(sink, value, kind)
    elif isinstance(value, Sketch):
        write_sketch(sink, value)
    else:
        assert isinstance(value, bytearray)
        sink.string(bytes(value))


def write_strings(sink: RdbSink, texts: list[bytes]) -> None:
    """Writes strings one after the other."""
    for text in texts:
        sink.string(text)


def write_list(sink: RdbSink, value: ListValue, kind: i64) -> None:
    """Writes a list, as nodes or element by element."""
    nodes = value.nodes()
    if kind == rdb.LIST:
        sink.length(value.length())
        for node in nodes:
            write_strings(sink, [node.body] if node.plain else listpack.elements(node.body))
        return
    sink.length(len(nodes))
    for node in nodes:
        sink.length(rdb.NODE_PLAIN if node.plain else rdb.NODE_PACKED)
        sink.string(node.body if node.plain else listpack.seal(node.body, node.count))


def write_set(sink: RdbSink, value: SetValue, kind: i64) -> None:
    """Writes a set."""
    blob = value.blob()
    if kind == rdb.SET or blob is None:
        sink.length(value.length())
        write_strings(sink, value.members())
    elif kind == rdb.SET_INTSET:
        sink.string(blob)
    else:
        sink.string(listpack.seal(blob, value.length()))


def write_zset(sink: RdbSink, value: ZSetValue, kind: i64) -> None:
    """Writes a sorted set; member by member the highest first, as other servers do, which lets readers build faster."""
    length = value.length()
    if kind == rdb.ZSET_LISTPACK:
        sink.string(listpack.seal(value.body(), 2 * length))
        return
    sink.length(length)
    stop = length
    while stop > 0:
        start = max(stop - RANKS_AT_A_TIME, 0)
        members = value.members(start, stop)
        scores = value.scores(start, stop)
        for index in range(len(members) - 1, -1, -1):
            sink.string(members[index])
            sink.double(scores[index])
        stop = start


def write_hash(sink: RdbSink, value: HashValue, kind: i64) -> None:
    """Writes a hash, with the deadlines of its fields where there are any."""
    body = value.packed()
    if kind == rdb.HASH_LISTPACK:
        assert body is not None
        if value.stride() != 2:
            body = listpack.encode_all(value.pairs())
        sink.string(listpack.seal(body, 2 * value.length()))
    elif kind == rdb.HASH_TRIPLES:
        assert body is not None
        sink.i64_le(value.next_deadline())
        sink.string(listpack.seal(body, 3 * value.length()))
    elif kind == rdb.HASH:
        sink.length(value.length())
        write_strings(sink, value.pairs())
    else:
        write_deadlines(sink, value, is_valkey=kind == rdb.VALKEY_HASH_DEADLINES)


def write_deadlines(sink: RdbSink, value: HashValue, is_valkey: bool) -> None:
    """Writes a hash field by field with deadlines: Redis counts them from the earliest, Valkey writes them whole."""
    pairs = value.pairs()
    deadlines = [int(value.deadline(field)) for field in pairs[::2]]
    earliest = min([deadline for deadline in deadlines if deadline != 0], default=0)
    if not is_valkey:
        sink.i64_le(earliest)
    sink.length(value.length())
    for index in range(len(deadlines)):
        deadline = deadlines[index]
        if not is_valkey:
            sink.length(deadline - earliest + 1 if deadline else 0)
        sink.string(pairs[2 * index])
        sink.string(pairs[2 * index + 1])
        if is_valkey:
            sink.i64_le(deadline or NO_DEADLINE)


# Streams; the layout is drawn in `rdb_read_streams`


def write_id(sink: RdbSink, entry_id: int) -> None:
    """Writes an ID as two lengths."""
    sink.unsigned(entry_id >> 64)
    sink.unsigned(entry_id & MAX_U64)


def write_stream(sink: RdbSink, value: StreamValue, kind: i64) -> None:
    """Writes a stream."""
    sink.length(len(value.blocks))
    for block in value.blocks:
        sink.string(block.first_id.to_bytes(16, "big"))
        sink.string(block.to_blob())
    write_stream_end(sink, value, kind)


def write_stream_end(sink: RdbSink, value: StreamValue, kind: i64) -> None:
    """Writes what follows a stream's blocks."""
    write_stream_middle(sink, value, kind)
    for group in value.groups.values():
        write_group(sink, group, kind)


def write_stream_middle(sink: RdbSink, value: StreamValue, kind: i64) -> None:
    """Writes what stands between a stream's blocks and its groups."""
    sink.length(value.length())
    write_id(sink, value.last_id)
    if kind != rdb.STREAM:
        write_id(sink, value.first_id)
        write_id(sink, value.max_deleted_id)
        sink.unsigned(value.entries_added)
    sink.length(len(value.groups))


def write_group(sink: RdbSink, group: ConsumerGroup, kind: i64) -> None:
    """Writes a consumer group."""
    write_group_head(sink, group, kind)
    for entry_id in sorted(group.pending.by_id):
        write_group_pending(sink, entry_id, group.pending.by_id[entry_id])
    sink.length(len(group.consumers))
    for name in sorted(group.consumers):
        consumer = group.consumers[name]
        write_consumer_head(sink, consumer, kind)
        for entry_id in sorted(consumer.pending.by_id):
            sink.raw(entry_id.to_bytes(16, "big"))


def write_group_head(sink: RdbSink, group: ConsumerGroup, kind: i64) -> None:
    """Writes what stands before a group's pending entries."""
    sink.string(group.name)
    write_id(sink, group.last_id)
    if kind != rdb.STREAM:
        sink.unsigned(group.entries_read % 2**64)
    sink.length(group.pending.size())


def write_group_pending(sink: RdbSink, entry_id: int, record: Pending) -> None:
    """Writes a pending entry of a group."""
    sink.raw(entry_id.to_bytes(16, "big"))
    sink.i64_le(record.delivery_time_ms)
    sink.length(record.delivery_count)


def write_consumer_head(sink: RdbSink, consumer: Consumer, kind: i64) -> None:
    """Writes what stands before a consumer's pending entries."""
    sink.string(consumer.name)
    sink.i64_le(consumer.seen_time_ms)
    if kind == rdb.STREAM_3:
        sink.i64_le(consumer.active_time_ms)
    sink.length(consumer.pending.size())
