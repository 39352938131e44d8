"""What the stream commands share: IDs and ranges as arguments, entries as replies, errors with names in them."""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.context import SCRIPT, Context
from hognose.datastructures.stream import StreamCursor, StreamValue
from hognose.datastructures.stream_groups import ConsumerGroup
from hognose.datastructures.stream_id import INVALID, MAX_ID, MAX_U64, MIN_ID, format_id, parse_id
from hognose.errors import WRONG_TYPE, CommandError, printable
from hognose.keyspace.events import STREAM
from hognose.resp.reply import Encoded, Reply, write_array_header, write_bulk

INVALID_ID: Final = "ERR Invalid stream ID specified as stream command argument"
INVALID_START: Final = "ERR invalid start ID for the interval"
NO_ENTRIES: Final = Encoded(b"*0\r\n")
TWO_ELEMENTS: Final = b"*2\r\n"

INVALID_END: Final = "ERR invalid end ID for the interval"


def stream_of(value: object) -> StreamValue | None:
    """The stream that a looked-up value is; None where there is no key.

    Raises:
        CommandError: It is of another type.
    """
    if value is None:
        return None
    if isinstance(value, StreamValue):
        return value
    raise CommandError(WRONG_TYPE)


def strict_id(argument: bytes, missing_seq: int = 0) -> int:
    """Reads an ID; "-" and "+" are none here.

    Args:
        argument: `MS-SEQ` or `MS`.
        missing_seq: The sequence of an ID that gives milliseconds only.

    Raises:
        CommandError: It is no ID.
    """
    entry_id = parse_id(argument, missing_seq)
    if entry_id == INVALID:
        raise CommandError(INVALID_ID)
    return entry_id


def any_id(argument: bytes, missing_seq: int = 0) -> int:
    """Reads an ID, "-" for the lowest and "+" for the highest there is."""
    if argument == b"-":
        return MIN_ID
    if argument == b"+":
        return MAX_ID
    return strict_id(argument, missing_seq)


def range_start(argument: bytes) -> int:
    """Reads the lower end of a range, which a "(" in front leaves out."""
    if len(argument) > 1 and argument.startswith(b"("):
        start = strict_id(argument[1:])
        if start == MAX_ID:
            raise CommandError(INVALID_START)
        return start + 1
    return any_id(argument)


def range_end(argument: bytes) -> int:
    """Reads the upper end of a range, which a "(" in front leaves out."""
    if len(argument) > 1 and argument.startswith(b"("):
        end = strict_id(argument[1:], MAX_U64)
        if end == MIN_ID:
            raise CommandError(INVALID_END)
        return end - 1
    return any_id(argument, MAX_U64)


def entry_reply(cursor: StreamCursor) -> list[object]:
    """An entry as clients get it: its ID, and its fields and values."""
    return [cursor.id_text(), cursor.pairs()]


def entry_with_id(stream: StreamValue, entry_id: int) -> list[object] | None:
    """The reply for one entry; None if there is no such entry."""
    cursor = StreamCursor(stream, entry_id, entry_id, False)
    return entry_reply(cursor) if cursor.advance() else None


def entries_between(stream: StreamValue, start: int, end: int, count: int, backward: bool = False) -> list[object]:
    """The replies for the entries of a range.

    Args:
        stream: Where they are.
        start: The lowest ID, included.
        end: The highest ID, included.
        count: How many at most; 0 is no limit.
        backward: From the highest to the lowest.

    Complexity: O(log blocks + entries).
    """
    replies: list[object] = []
    cursor = StreamCursor(stream, start, end, backward)
    while cursor.advance():
        replies.append([cursor.id_text(), cursor.pairs()])
        if len(replies) == count:
            break
    return replies


def range_reply(
    ctx: Context, stream: StreamValue, start: int, end: int, count: int, backward: bool = False
) -> tuple[Reply, int]:
    """The entries of a range as one reply, written out at once; arguments as for `entries_between`.

    Written out, a long range costs half of what it costs as lists of lists. Scripts look into replies: they get lists.

    Returns:
        The reply, and how many entries it has.

    Complexity: O(log blocks + entries).
    """
    if ctx.flags & SCRIPT:
        entries = entries_between(stream, start, end, count, backward)
        return entries, len(entries)
    body = BytesWriter()
    cursor = StreamCursor(stream, start, end, backward)
    written = 0
    while cursor.advance():
        write_entry(body, cursor)
        written += 1
        if written == count:
            break
    return encoded_array(body, written), written


def write_entry(out: BytesWriter, cursor: StreamCursor) -> None:
    """Appends the entry a cursor stands at, as it goes over the wire."""
    out.write(TWO_ELEMENTS)
    write_bulk(out, cursor.id_text())
    pairs = cursor.pairs()
    write_array_header(out, len(pairs))
    for text in pairs:
        write_bulk(out, text)


def encoded_array(body: BytesWriter, count: i64) -> Encoded:
    """An array of so many elements that are written already."""
    if count == 0:
        return NO_ENTRIES
    out = BytesWriter()
    write_array_header(out, count)
    return Encoded(out.getvalue() + body.getvalue())


def group_at(value: object, key: bytes, name: bytes, addition: str = "") -> ConsumerGroup:
    """The group of a stream.

    Args:
        value: What was looked up under the key.
        key: The key, for the error.
        name: The group.
        addition: What the error says at its end.

    Raises:
        CommandError: There is no key, no stream, or no such group.
    """
    stream = stream_of(value)
    group = None if stream is None else stream.groups.get(name)
    if group is None:
        text = f"NOGROUP No such key '{printable(key)}' or consumer group '{printable(name)}'{addition}"
        raise CommandError(text)
    return group


def no_group(key: bytes, name: bytes) -> CommandError:
    """The error for a group that a stream, which is there, does not have."""
    return CommandError(f"NOGROUP No such consumer group '{printable(name)}' for key name '{printable(key)}'")


def group_changed(ctx: Context, event: bytes, key: bytes) -> None:
    """Reports a change of a group. The entries are as before, so nobody who watches the key is told."""
    ctx.keyspace.dirty += 1
    ctx.db.notify(STREAM, event, key)


def stream_ready(ctx: Context, key: bytes) -> None:
    """Tells clients that wait for this key that something about its stream has changed."""
    awaited = ctx.db.awaited
    if len(awaited) != 0 and key in awaited:
        ctx.keyspace.listener.key_ready(ctx.db.index, key)


def claim_command(key: bytes, group: ConsumerGroup, entry_id: int) -> list[bytes]:
    """The XCLAIM that makes a replica's pending entry what this one's is."""
    record = group.pending.get(entry_id)
    assert record is not None
    return [
        b"XCLAIM",
        key,
        group.name,
        record.consumer,
        b"0",
        format_id(entry_id),
        b"TIME",
        b"%d" % record.delivery_time_ms,
        b"RETRYCOUNT",
        b"%d" % record.delivery_count,
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        format_id(group.last_id),
    ]


def set_id_command(key: bytes, group: ConsumerGroup) -> list[bytes]:
    """The XGROUP SETID that brings a replica's group to where this one is."""
    last_id = format_id(group.last_id)
    return [b"XGROUP", b"SETID", key, group.name, last_id, b"ENTRIESREAD", b"%d" % group.entries_read]
