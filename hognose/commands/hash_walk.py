"""HSCAN and HRANDFIELD: a hash in steps, and at random."""

from typing import Final

from librt.random import Random
from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, random_count, syntax_error
from hognose.commands.context import Context
from hognose.commands.flags import READONLY, RO_ACCESS
from hognose.commands.hash_access import read_hash
from hognose.commands.keyspec import keys
from hognose.commands.long_reply import Draws, drawn_reply
from hognose.commands.scan import ScanOptions, parse_cursor, parse_scan_options, scan_reply, scan_table
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.sampling import choose, choose_in_order
from hognose.errors import OUT_OF_RANGE, CommandError

command = CommandGroup("hash")

LIST_ALL_FACTOR: Final = 3
"""More than a third of a table is wanted: listing all and choosing from that beats drawing until enough differ."""


@command(
    "HSCAN",
    arity=-3,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.8.0",
    summary="Lists the fields of a hash with their values a few at a time.",
    complexity="O(1) a call, O(N) for all calls of a scan of N fields.",
    syntax="key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    tips=[b"nondeterministic_output"],
    history=[("7.4.0", "Added the `NOVALUES` option.")],
)
def hscan(ctx: Context, argv: Argv) -> Reply:
    cursor = parse_cursor(argv[2])
    value = read_hash(ctx, argv[1])
    if value is None:
        return scan_reply(0, [])
    novalues = [i for i in range(3, len(argv)) if is_novalues(argv, i)]
    options = parse_scan_options([word for i, word in enumerate(argv) if i not in novalues], 3, of_keys=False)
    found: list[bytes] = []
    table = value.table()
    if table is not None:
        fields: list[bytes] = []
        cursor = scan_table(table, cursor, options, fields)
        for field in fields:
            add_pair(found, value, field)
    else:
        cursor = 0
        add_matching_pairs(found, value, options)
    return scan_reply(cursor, found[::2] if novalues else found)


def is_novalues(argv: Argv, i: int) -> bool:
    """Whether an argument is the option NOVALUES, and not the argument of another option."""
    return argv[i].upper() == b"NOVALUES" and argv[i - 1].upper() not in {b"MATCH", b"COUNT"}


def add_pair(found: list[bytes], value: HashValue, field: bytes) -> None:
    """Appends a field and its value."""
    text = value.get(field)
    assert text is not None
    found.append(field)
    found.append(text)


def add_matching_pairs(found: list[bytes], value: HashValue, options: ScanOptions) -> None:
    """Appends all fields that match, each with its value."""
    pairs = value.pairs()
    glob = options.glob
    if glob is None:
        found.extend(pairs)
        return
    i: i64 = 0
    while i < len(pairs):
        if glob.matches(pairs[i]):
            found.append(pairs[i])
            found.append(pairs[i + 1])
        i += 2


@command(
    "HRANDFIELD",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="6.2.0",
    summary="Returns random fields of a hash: different ones for a count above 0, any for one below.",
    complexity="O(N) for N fields returned.",
    syntax="key [count [WITHVALUES]]",
    tips=[b"nondeterministic_output"],
)
def hrandfield(ctx: Context, argv: Argv) -> Reply:
    if len(argv) == 2:
        value = read_hash(ctx, argv[1])
        return None if value is None else value.random_pair(ctx.host.random)[0]
    count = random_count(argv[2])
    if len(argv) > 4 or (len(argv) == 4 and argv[3].upper() != b"WITHVALUES"):
        raise syntax_error()
    with_values = len(argv) == 4
    if with_values and abs(count) > I64_MAX // 2:
        raise CommandError(OUT_OF_RANGE)
    value = read_hash(ctx, argv[1])
    if value is None or count == 0:
        return []
    if count < 0:
        draws = FieldDraws(value, ctx.host.random, with_values, ctx.resp == 3)
        return drawn_reply(ctx, draws, -count, 2 if with_values and ctx.resp == 2 else 1)
    return shaped_pairs(different_pairs(value, count, ctx.host.random), with_values, ctx.resp == 3)


def shaped_pairs(pairs: list[bytes], with_values: bool, nested: bool) -> list[object]:
    """Fields and values as HRANDFIELD answers them: fields alone, flat, or each pair an array (RESP3)."""
    if not with_values:
        return list(pairs[::2])
    if not nested:
        return list(pairs)
    return [[pairs[i], pairs[i + 1]] for i in range(0, len(pairs), 2)]


class FieldDraws(Draws):
    """Fields of a hash, each drawn from all of them."""

    def __init__(self, value: HashValue, random: Random, with_values: bool, nested: bool) -> None:
        self._value: Final = value
        self._random: Final = random
        self._with_values: Final = with_values
        self._nested: Final = nested

    def draw(self, count: i64) -> list[object]:
        """The elements of so many draws."""
        return shaped_pairs(any_pairs(self._value, count, self._random), self._with_values, self._nested)


def any_pairs(value: HashValue, count: i64, random: Random) -> list[bytes]:
    """So many fields with values, each drawn from all of them."""
    table = value.table()
    chosen: list[bytes] = []
    if table is not None:
        while count > 0:
            field, text = value.random_pair(random)
            chosen.append(field)
            chosen.append(text)
            count -= 1
        return chosen
    pairs = value.pairs()
    fields: i64 = len(pairs) // 2
    while count > 0:
        index = random.randrange(fields)
        chosen.append(pairs[2 * index])
        chosen.append(pairs[2 * index + 1])
        count -= 1
    return chosen


def different_pairs(value: HashValue, count: i64, random: Random) -> list[bytes]:
    """So many different fields with values, or all if there are not more."""
    size = value.length()
    if count >= size:
        return value.pairs()
    chosen: list[bytes] = []
    table = value.table()
    if table is None:
        pairs = value.pairs()
        for index in choose_in_order(random, size, count):
            chosen.append(pairs[2 * index])
            chosen.append(pairs[2 * index + 1])
        return chosen
    if count * LIST_ALL_FACTOR > size:
        for field in choose(random, table.keys(), count):
            add_pair(chosen, value, field)
        return chosen
    seen: set[bytes] = set()
    while len(seen) < count:
        field, text = value.random_pair(random)
        if field not in seen:
            seen.add(field)
            chosen.append(field)
            chosen.append(text)
    return chosen
