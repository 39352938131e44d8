"""Replies too long to be made as a whole before any of them is sent.

What they are made of is there as a list, or is drawn again and again: `HRANDFIELD key -999999999` asks for gigabytes
about a hash of one field. So they are written in parts, which go to the client one by one, and what goes beyond the
client's output limit ends with the client. A draw without end is refused: see `drawn_reply`.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX
from hognose.commands.bulk import write_set_header, writes_straight
from hognose.commands.context import Context
from hognose.commands.zset_access import pairs_reply
from hognose.errors import OUT_OF_RANGE, CommandError
from hognose.resp.reply import NO_REPLY, Reply, SetReply, encode, write_array_header, write_bulk

PART: Final = 10_000
"""So many elements or draws make a part; up to so many are one ordinary reply."""


class Draws:
    """What a reply is drawn from; each draw gives the same number of elements."""

    def draw(self, count: i64) -> list[object]:
        """The elements of so many draws."""
        raise NotImplementedError


def drawn_reply(ctx: Context, draws: Draws, count: i64, elements_each: i64) -> Reply:
    """The array of so many draws.

    Args:
        ctx: Who gets it.
        draws: What they are drawn from.
        count: How many draws.
        elements_each: How many elements each adds to the array.

    Raises:
        CommandError: By what the first part takes, the reply would be longer than the longest string
            (proto-max-bulk-len), and the client has no limit that ends it before.

    Complexity:
        O(count), until the client's output limit is reached.
    """
    if count <= PART:
        return draws.draw(count)
    first = draws.draw(PART)
    parts = count // PART
    bytes_each = encoded_bytes(first, ctx.resp)
    if parts > ctx.host.max_string_bytes // bytes_each:
        if not ctx.may_get(min(parts, I64_MAX // bytes_each) * bytes_each):
            return NO_REPLY
        raise CommandError(OUT_OF_RANGE)
    if not writes_straight(ctx):
        return first + draws.draw(count - PART)
    write_array_header(ctx.out, count * elements_each)
    _write_part(ctx, first)
    left = count - PART
    while left > 0 and ctx.pass_on():
        part = min(left, PART)
        _write_part(ctx, draws.draw(part))
        left -= part
    return NO_REPLY


def encoded_bytes(elements: list[object], resp: i64) -> i64:
    """How long elements are in wire form. O(bytes)."""
    out = BytesWriter()
    for element in elements:
        encode(out, element, resp)
    return len(out)


def _write_part(ctx: Context, elements: list[object]) -> None:
    for element in elements:
        encode(ctx.out, element, ctx.resp)


def members_reply(ctx: Context, members: list[bytes]) -> Reply:
    """An array of strings. O(bytes)."""
    if len(members) <= PART or not writes_straight(ctx):
        return members
    write_array_header(ctx.out, len(members))
    _write_members(ctx, members)
    return NO_REPLY


def set_reply(ctx: Context, members: list[bytes]) -> Reply:
    """A set of strings. O(bytes)."""
    if len(members) <= PART or not writes_straight(ctx):
        return SetReply(list(members))
    write_set_header(ctx.out, len(members), ctx.resp)
    _write_members(ctx, members)
    return NO_REPLY


def _write_members(ctx: Context, members: list[bytes]) -> None:
    size: i64 = len(members)
    at: i64 = 0
    while at < size and ctx.pass_on():
        out = ctx.out
        end = min(at + PART, size)
        while at < end:
            write_bulk(out, members[at])
            at += 1


def scored_reply(ctx: Context, members: list[bytes], scores: list[float]) -> Reply:
    """Members with their scores, as `pairs_reply` has them. O(bytes)."""
    size: i64 = len(members)
    if size <= PART or not writes_straight(ctx):
        return pairs_reply(ctx, members, scores)
    write_array_header(ctx.out, size if ctx.resp == 3 else 2 * size)
    at: i64 = 0
    while at < size and ctx.pass_on():
        out = ctx.out
        end = min(at + PART, size)
        while at < end:
            if ctx.resp == 3:
                write_array_header(out, 2)
            write_bulk(out, members[at])
            encode(out, scores[at], ctx.resp)
            at += 1
    return NO_REPLY
