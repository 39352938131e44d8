"""LOLWUT: a picture and the version. The picture is a snake, since this server passes for a more famous one.

The snake lies in a sine wave whose amplitude shrinks from head to tail; its length and bends can be chosen:

    LOLWUT [VERSION version] [columns [bends]]

VERSION is taken for compatibility; there is one picture.
"""

import math
from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.context import Context
from hognose.commands.flags import FAST, READONLY
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.resp.reply import Verbatim
from hognose.version import REDIS_VERSION, VERSION

command = CommandGroup("server")

COLUMNS: Final = 66
MOST_COLUMNS: Final = 1000
BENDS: Final = 3
MOST_BENDS: Final = 40
HEIGHT: Final = 9
SCALES: Final = "=~-"


@command(
    "LOLWUT",
    arity=-1,
    flags=READONLY | FAST,
    since="5.0.0",
    summary="Draws a snake and tells the version.",
    complexity="",
    syntax="[VERSION version]",
)
def lolwut(ctx: Context, argv: Argv) -> Reply:
    rest = argv[1:]
    if len(rest) >= 2 and rest[0].upper() == b"VERSION":
        integer(rest[1])
        rest = rest[2:]
    columns = integer(rest[0]) if rest else COLUMNS
    bends = integer(rest[1]) if len(rest) > 1 else BENDS
    picture = snake(max(10, min(columns, MOST_COLUMNS)), max(1, min(bends, MOST_BENDS)))
    return Verbatim(f"{picture}\nhognose {VERSION}, Redis ver. {REDIS_VERSION}\n".encode())


def snake(columns: int, bends: int) -> str:
    """A snake of a width in characters, with so many bends."""
    canvas = [[" "] * columns for _ in range(HEIGHT)]
    middle = HEIGHT // 2
    for column in range(columns):
        along = column / columns
        height = math.sin(along * bends * 2 * math.pi) * middle * (1 - along)
        canvas[middle - round(height)][column] = SCALES[int(along * len(SCALES))]
    canvas[middle][0] = "@"
    canvas[middle][1] = "="
    return "\n".join("".join(row).rstrip() for row in canvas) + "\n"
