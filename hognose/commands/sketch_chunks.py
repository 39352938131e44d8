"""What the commands of the probabilistic types share: error texts, and SCANDUMP's and LOADCHUNK's way of carrying.

A dump is a sequence of (iterator, data) pairs. The first data is the value's header; each further iterator is 1 more
than the offset in the tables at which its data ends, so that a pair says where its data belong.

    SCANDUMP key 0  -> 1, header
    SCANDUMP key 1  -> 1 + n, the first n bytes of the tables
    SCANDUMP key 1 + n -> 0, nothing: that was all
"""

from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.context import Context
from hognose.commands.spec import Argv, Reply
from hognose.datastructures.sketch import PIECE_BYTES, DamagedSketchError, Sketch
from hognose.errors import WRONG_TYPE, CommandError
from hognose.keyspace.events import MODULE

ITEM_EXISTS: Final = "ERR item exists"
NOT_FOUND: Final = "ERR not found"
NOT_NUMERIC: Final = "Second argument must be numeric"
BAD_DATA: Final = "ERR received bad data"
UNKNOWN_ARGUMENT: Final = "Unknown argument received"
NO_MEMORY: Final = "ERR Insufficient memory to create filter"
HEADER_ITERATOR: Final = 1


def require_free(ctx: Context, key: bytes, kind: bytes, error: str) -> None:
    """Sees to it that there is no key of this name.

    Raises:
        CommandError: There is one of this type (with the text `error`) or of another.
    """
    value = ctx.db.lookup_write(key)
    if value is not None:
        raise CommandError(error if isinstance(value, Sketch) and value.type_name() == kind else WRONG_TYPE)


def announce(ctx: Context, key: bytes) -> None:
    """Reports that the running command changed a key; its event is the command's name."""
    ctx.db.changed(MODULE, ctx.command_name().encode(), key)


def scan_dump(sketch: Sketch, argv: Argv) -> Reply:
    """The pair that follows an iterator."""
    iterator = integer(argv[2], NOT_NUMERIC)
    if iterator == 0:
        return [HEADER_ITERATOR, sketch.header()]
    start = iterator - HEADER_ITERATOR
    total = int(sketch.table_bytes())
    if start < 0 or start >= total:
        return [0, b""]
    data = sketch.tables(start, min(start + PIECE_BYTES, total))
    return [iterator + len(data), data]


def load_piece(sketch: Sketch, iterator: int, data: bytes) -> None:
    """Puts the data of a pair that is not the first where they belong."""
    start = iterator - HEADER_ITERATOR - len(data)
    if start < 0:
        raise CommandError(BAD_DATA)
    try:
        sketch.fill(start, data)
    except DamagedSketchError:
        raise CommandError(BAD_DATA) from None
