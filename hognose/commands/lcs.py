"""LCS: the longest common subsequence of two strings.

How it works: the classic table of the lengths for every pair of prefixes, filled row by row and then walked back from
its last corner. Where two ways back are equally long, the second string is shortened, so that among several longest
subsequences the same one is found as by the real server.

    lengths[i * width + j]    of the first i bytes of one string and the first j of the other; row 0 and column 0 are 0

Source: Wagner and Fischer, "The string-to-string correction problem", Journal of the ACM 21 (1974).
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64

from hognose.commands.arguments import integer, syntax_error
from hognose.commands.context import Context
from hognose.commands.flags import READONLY, RO_ACCESS
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.commands.string import text_of
from hognose.datastructures.value import Value
from hognose.errors import CommandError
from hognose.resp.reply import MapReply

command = CommandGroup("string")

CELL_BYTES: Final = 4
NOT_STRINGS: Final = "ERR The specified keys must contain string values"
LEN_AND_IDX: Final = "ERR If you want both the length and indexes, please just use IDX."
TOO_LONG: Final = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"


class LcsOptions:
    """The options of LCS after the two keys."""

    def __init__(self) -> None:
        self.only_length = False
        self.ranges = False
        self.with_lengths = False
        self.shortest: i64 = 0


def parse_lcs_options(argv: Argv) -> LcsOptions:
    """Reads LCS' options."""
    options = LcsOptions()
    i: i64 = 3
    count: i64 = len(argv)
    while i < count:
        word = argv[i].upper()
        if word == b"IDX":
            options.ranges = True
        elif word == b"LEN":
            options.only_length = True
        elif word == b"WITHMATCHLEN":
            options.with_lengths = True
        elif word == b"MINMATCHLEN" and i + 1 < count:
            options.shortest = max(integer(argv[i + 1]), 0)
            i += 1
        else:
            raise syntax_error()
        i += 1
    if options.only_length and options.ranges:
        raise CommandError(LEN_AND_IDX)
    return options


def lengths_table(a: bytes, b: bytes) -> vec[i32]:
    """The table of the module's drawing. O(len(a) * len(b)), four bytes a cell."""
    height: i64 = len(a)
    width: i64 = len(b) + 1
    lengths = vec[i32](capacity=(height + 1) * width)
    j: i64 = 0
    while j < width:
        lengths = append(lengths, 0)
        j += 1
    i: i64 = 1
    while i <= height:
        above = (i - 1) * width
        byte: i64 = a[i - 1]
        lengths = append(lengths, 0)
        left: i32 = 0
        j = 1
        while j < width:
            if byte == b[j - 1]:
                left = lengths[above + j - 1] + 1
            elif lengths[above + j] > left:
                left = lengths[above + j]
            lengths = append(lengths, left)
            j += 1
        i += 1
    return lengths


class Match:
    """A run of bytes that both strings have: where it starts in each, and how long it is."""

    def __init__(self, a_start: i64, b_start: i64, length: i64) -> None:
        self.a_start: i64 = a_start
        self.b_start: i64 = b_start
        self.length: i64 = length


def matches_backward(a: bytes, b: bytes, lengths: vec[i32]) -> list[Match]:
    """The runs that make up the longest common subsequence, the last one first."""
    width: i64 = len(b) + 1
    i: i64 = len(a)
    j: i64 = len(b)
    runs: list[Match] = []
    run: Match | None = None
    while i > 0 and j > 0:
        if a[i - 1] == b[j - 1]:
            i -= 1
            j -= 1
            if run is None:
                run = Match(i, j, 1)
                runs.append(run)
            else:
                run.a_start = i
                run.b_start = j
                run.length += 1
        else:
            run = None
            if lengths[(i - 1) * width + j] > lengths[i * width + j - 1]:
                i -= 1
            else:
                j -= 1
    return runs


def ranges_reply(runs: list[Match], total: i64, options: LcsOptions) -> Reply:
    """What LCS IDX answers: the runs that are long enough, and the length of all together."""
    shown: list[object] = []
    for run in runs:
        if run.length < options.shortest:
            continue
        item: list[object] = [
            [run.a_start, run.a_start + run.length - 1],
            [run.b_start, run.b_start + run.length - 1],
        ]
        if options.with_lengths:
            item.append(run.length)
        shown.append(item)
    return MapReply([b"matches", shown, b"len", total])


def string_or_empty(value: object) -> bytes:
    """A string for LCS; a missing key is an empty one."""
    if isinstance(value, Value):
        raise CommandError(NOT_STRINGS)
    return b"" if value is None else text_of(value)


@command(
    "LCS",
    arity=-3,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS, last=1)],
    since="7.0.0",
    summary="Finds the longest common subsequence of two strings.",
    complexity="O(N*M) for strings of N and M bytes.",
    syntax="key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
)
def lcs(ctx: Context, argv: Argv) -> Reply:
    first = ctx.db.lookup_read(argv[1])
    second = ctx.db.lookup_read(argv[2])
    a = string_or_empty(first)
    b = string_or_empty(second)
    options = parse_lcs_options(argv)
    if (len(a) + 1) * (len(b) + 1) * CELL_BYTES > ctx.host.max_string_bytes:
        raise CommandError(TOO_LONG)
    lengths = lengths_table(a, b)
    total = i64(lengths[len(lengths) - 1])
    if options.only_length:
        return total
    runs = matches_backward(a, b, lengths)
    if options.ranges:
        return ranges_reply(runs, total, options)
    runs.reverse()
    return b"".join([a[run.a_start : run.a_start + run.length] for run in runs])
