"""Replies far longer than the data they come from, written part by part: members drawn again and again.

`HRANDFIELD key -999999999` asks for a reply of gigabytes about a hash of one field. Made as a list first it would take
many times that before any limit is looked at. So it is written in parts, and what goes beyond the client's output limit
ends with the client.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.bulk import writes_straight
from hognose.commands.context import Context
from hognose.resp.reply import NO_REPLY, Reply, encode

PART: Final = 10_000
"""So many draws make a part; up to so many are one ordinary reply."""


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

    Complexity:
        O(count), until the client's output limit is reached.
    """
    if count <= PART or not writes_straight(ctx):
        return draws.draw(count)
    ctx.out.write(b"*%d\r\n" % int(count * elements_each))
    while count > 0 and ctx.may_write():
        part = min(count, PART)
        for element in draws.draw(part):
            encode(ctx.out, element, ctx.resp)
        count -= part
    return NO_REPLY
