"""Reading streams: blocks as they are, counters, consumer groups.

    blocks     number | per block: its first ID as a string of 16 bytes, high byte first | its listpack
    counters   length | last ID | from the second version on: first ID, highest deleted ID, entries ever added
    groups     number | per group: name | last ID | from the second version on: entries read
               | pending: number | per entry: ID, 16 bytes | delivery time, 8 bytes low first | delivery count
               | consumers: number | per consumer: name | seen time | from the third version on: active time
                                     | its pending: number | per entry: ID, 16 bytes

    producers  in the fourth version: seconds and entries to remember | number | per producer: name
               | number | per message: its name | ID
               | messages ever named | messages that came again

Producers that repeat messages are not known here; what is remembered of them is left out.

An ID outside the 16-byte form is two lengths: milliseconds, sequence.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_groups import ENTRIES_READ_UNKNOWN, ConsumerGroup
from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_source import RdbSource

ID_BYTES: Final = 16


class Delivery:
    """When an entry was delivered last, in Unix ms, and how often it was."""

    def __init__(self, time_ms: i64, count: i64) -> None:
        self.time_ms: i64 = time_ms
        self.count: i64 = count


def read_stream(source: RdbSource, kind: i64) -> StreamValue:
    """Reads a stream of any of the first three versions.

    Raises:
        RdbError, ValueError: It is damaged.

    Complexity:
        O(bytes).
    """
    stream = StreamValue()
    left = source.count()
    while left > 0:
        first_id = source.string()
        if len(first_id) != ID_BYTES:
            raise source.error("Stream block whose ID is not of 16 bytes")
        stream.load_block(int.from_bytes(first_id, "big"), source.string())
        left -= 1
    _read_counters(source, stream, kind)
    left = source.count()
    while left > 0:
        _read_group(source, stream, kind)
        left -= 1
    return stream


def skip_producers(source: RdbSource) -> None:
    """Steps over what the fourth version has behind the third. Raises RdbError. O(bytes)."""
    source.length()
    source.length()
    producers = source.count()
    if producers != 0:
        source.remark = f"what {producers} producers have sent, in order to know it when it comes again"
    while producers > 0:
        source.string()
        left = source.count()
        while left > 0:
            source.string()
            _read_id(source)
            left -= 1
        producers -= 1
    source.unsigned()
    source.unsigned()


def _read_id(source: RdbSource) -> int:
    ms = source.unsigned()
    return (ms << 64) | source.unsigned()


def _read_counters(source: RdbSource, stream: StreamValue, kind: i64) -> None:
    length = source.length()
    if length != stream.length():
        raise source.error("Stream of another length than its blocks")
    last_id = _read_id(source)
    if stream.last_live_id() > last_id:
        raise source.error("Stream with an entry above its last ID")
    stream.last_id = last_id
    stream.finish_load()
    stream.entries_added = int(length)
    if kind == rdb.STREAM:
        return
    first_id = _read_id(source)
    if length != 0 and first_id != stream.first_id:
        raise source.error("Stream with another first ID than its first entry")
    stream.max_deleted_id = _read_id(source)
    stream.entries_added = source.unsigned()
    if stream.entries_added < length:
        raise source.error("Stream with more entries than were ever added")


def _read_group(source: RdbSource, stream: StreamValue, kind: i64) -> None:
    name = source.string()
    last_id = _read_id(source)
    entries_read = stream.entries_up_to(last_id) if kind == rdb.STREAM else int(source.number())
    if entries_read < ENTRIES_READ_UNKNOWN:
        raise source.error("Consumer group that has read an impossible number of entries")
    group = stream.create_group(name, last_id, entries_read)
    if group is None:
        raise source.error("Stream with a consumer group twice")
    deliveries: dict[int, Delivery] = {}
    left = source.count()
    while left > 0:
        entry_id = int.from_bytes(source.take(ID_BYTES), "big")
        time_ms = source.i64_le()
        if entry_id in deliveries:
            raise source.error("Consumer group with a pending entry twice")
        deliveries[entry_id] = Delivery(time_ms, source.length())
        left -= 1
    left = source.count()
    while left > 0:
        _read_consumer(source, group, deliveries, kind)
        left -= 1
    if group.pending.size() != len(deliveries):
        raise source.error("Consumer group with a pending entry of no consumer")


def _read_consumer(source: RdbSource, group: ConsumerGroup, deliveries: dict[int, Delivery], kind: i64) -> None:
    name = source.string()
    if name in group.consumers:
        raise source.error("Duplicate stream consumer detected")
    seen_time_ms = source.i64_le()
    consumer = group.create_consumer(name, seen_time_ms)
    consumer.active_time_ms = source.i64_le() if kind == rdb.STREAM_3 else seen_time_ms
    left = source.count()
    while left > 0:
        entry_id = int.from_bytes(source.take(ID_BYTES), "big")
        delivery = deliveries.get(entry_id)
        if delivery is None or group.pending.get(entry_id) is not None:
            raise source.error("Consumer with a pending entry that is not its group's, or another's")
        group.assign(entry_id, consumer, delivery.time_ms, delivery.count)
        left -= 1
