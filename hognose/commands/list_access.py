"""What the list commands share: looking lists up, pushing and popping with their reports, writing ranges to clients."""

from typing import Final

from mypy_extensions import i64

from hognose.commands.bulk import write_entries, writes_straight
from hognose.commands.context import Context
from hognose.datastructures.listpack import seek
from hognose.datastructures.quicklist import ListValue
from hognose.errors import SYNTAX, WRONG_TYPE, CommandError
from hognose.keyspace.events import LIST
from hognose.resp.reply import NO_REPLY, Reply, write_array_header, write_bulk


def list_to_read(ctx: Context, key: bytes) -> ListValue | None:
    """The list at a key, for reading; None if there is no key.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_read(key)
    if value is None or isinstance(value, ListValue):
        return value
    raise CommandError(WRONG_TYPE)


def list_to_write(ctx: Context, key: bytes) -> ListValue | None:
    """The list at a key, for changing it; None if there is no key.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_write(key)
    if value is None or isinstance(value, ListValue):
        return value
    raise CommandError(WRONG_TYPE)


HEAD_WORD: Final = b"LEFT"
TAIL_WORD: Final = b"RIGHT"


def is_tail(argument: bytes) -> bool:
    """Whether an argument names the tail, RIGHT, and not the head, LEFT.

    Raises:
        CommandError: It is neither.
    """
    word = argument.upper()
    if word == TAIL_WORD:
        return True
    if word == HEAD_WORD:
        return False
    raise CommandError(SYNTAX)


def report(ctx: Context, key: bytes, event: bytes, changes: i64) -> None:
    """Reports what a command did to a list; it may count as no change at all (LTRIM that keeps everything)."""
    ctx.keyspace.dirty += changes
    ctx.db.signal(key)
    ctx.db.notify(LIST, event, key)


def report_removal(ctx: Context, key: bytes, value: ListValue, event: bytes, removed: i64) -> None:
    """Reports that elements were taken out, and deletes the key if none is left."""
    report(ctx, key, event, removed)
    if value.length() == 0:
        ctx.db.delete_empty(key)


def push_one(ctx: Context, key: bytes, value: ListValue | None, element: bytes, to_tail: bool) -> None:
    """Pushes an element to a list, or to a new one, and fires the event. The caller counts the change.

    Args:
        ctx: The client.
        key: The list's key.
        value: The list; None if there is no such key.
        element: What to push.
        to_tail: To which end.
    """
    target = ListValue(ctx.host.list_limits) if value is None else value
    if to_tail:
        target.push_tail([element])
    else:
        target.push_head([element])
    if value is None:
        ctx.db.set(key, target)
    report(ctx, key, b"rpush" if to_tail else b"lpush", 0)


def pop_one(ctx: Context, key: bytes, value: ListValue, from_tail: bool) -> bytes:
    """Takes an element off an end, with all reports."""
    if from_tail:
        element = value.pop_tail()
        report_removal(ctx, key, value, b"rpop", 1)
    else:
        element = value.pop_head()
        report_removal(ctx, key, value, b"lpop", 1)
    return element


def pop_some(ctx: Context, key: bytes, value: ListValue, count: i64, from_tail: bool) -> list[bytes]:
    """Takes up to `count` elements, at least 1, off an end, with all reports. The outermost comes first."""
    elements = value.pop_many(count, from_tail)
    report_removal(ctx, key, value, b"rpop" if from_tail else b"lpop", len(elements))
    return elements


def range_reply(ctx: Context, value: ListValue, start: i64, count: i64) -> Reply:
    """The reply that holds a range of a list, written straight to the output where that may be.

    Args:
        ctx: The client.
        value: The list.
        start: The 0-based index of the first element.
        count: How many; all of them must exist.
    """
    if not writes_straight(ctx):
        elements: list[bytes] = []
        value.extend(elements, start, count)
        return elements
    write_array_header(ctx.out, count)
    row = value.row()
    if row is None:
        body = value.packed()
        assert body is not None
        write_entries(ctx.out, body, seek(body, value.length(), start), count)
        return NO_REPLY
    number, index = row.locate(start)
    left = count
    while left > 0 and ctx.pass_on():
        node = row.node(number)
        here = min(left, node.count - index)
        if node.plain:
            write_bulk(ctx.out, node.body)
        else:
            write_entries(ctx.out, node.body, node.offset(index), here)
        left -= here
        index = 0
        number += 1
    return NO_REPLY
