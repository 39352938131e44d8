"""Writing large replies straight from values to the client's output, without a list of Python objects in between.

A handler that has done so answers NO_REPLY. Not for scripts, which want the reply as a value: see `writes_straight`.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.context import SCRIPT, Context
from hognose.datastructures.hashtable import USED, HashTable
from hognose.datastructures.listpack import INT13, STRING6, entry_size, get, skip
from hognose.resp.reply import BULK_HEADERS, CRLF, write_array_header, write_bulk

RESP3: Final = 3


def writes_straight(ctx: Context) -> bool:
    """Whether a handler may write its reply to the output itself."""
    return ctx.flags & SCRIPT == 0


def write_set_header(out: BytesWriter, count: i64, resp: i64) -> None:
    """Appends the header of a set: an array in RESP2."""
    if resp == RESP3:
        out.write(b"~%d\r\n" % count)
    else:
        write_array_header(out, count)


def write_entries(out: BytesWriter, body: bytes, at: i64, entries: i64, step: i64 = 1) -> None:
    """Appends elements of a listpack as bulk strings.

    Args:
        out: Where they go.
        body: The entries.
        at: The offset of the first.
        entries: How many to write.
        step: 2 writes every other one, and so on.

    Complexity:
        O(entries * step).
    """
    left = entries
    passed_over = step - 1
    while left > 0:
        first: i64 = body[at]
        if STRING6 <= first < INT13:
            size = first & 63
            out.write(BULK_HEADERS[size])
            out.write(body[at + 1 : at + 1 + size])
            out.write(CRLF)
            at += size + 2
        else:
            write_bulk(out, get(body, at))
            at += entry_size(body, at)
        left -= 1
        if passed_over and left > 0:
            at = skip(body, at, passed_over)


def write_keys(ctx: Context, table: HashTable) -> None:
    """Writes all keys of a table as bulk strings, in parts that go to the client meanwhile. O(N)."""
    for segment in table.segments:
        if not ctx.pass_on():
            return
        out = ctx.out
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                key = segment.slots[2 * place]
                assert isinstance(key, bytes)
                write_bulk(out, key)
            place += 1


def write_values(ctx: Context, table: HashTable) -> None:
    """`write_keys` for the values of a table, which must be bytes. O(N)."""
    for segment in table.segments:
        if not ctx.pass_on():
            return
        out = ctx.out
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                value = segment.slots[2 * place + 1]
                assert isinstance(value, bytes)
                write_bulk(out, value)
            place += 1


def write_pairs(ctx: Context, table: HashTable) -> None:
    """`write_keys` for all keys, each followed by its value. O(N)."""
    for segment in table.segments:
        if not ctx.pass_on():
            return
        out = ctx.out
        place: i64 = 0
        while place < segment.capacity:
            if segment.tags[place] >= USED:
                key = segment.slots[2 * place]
                value = segment.slots[2 * place + 1]
                assert isinstance(key, bytes)
                assert isinstance(value, bytes)
                write_bulk(out, key)
                write_bulk(out, value)
            place += 1
