"""SCAN, and what it shares with HSCAN, SSCAN and ZSCAN: the cursor and the options.

A call visits whole segments of the table until it has come across COUNT keys, matching or not, so its cost does not
depend on how many match. The cursor guarantees that what is there from the first call to the last is returned; see
`datastructures/hashtable`.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer, syntax_error
from hognose.commands.context import Context
from hognose.commands.flags import READONLY, TOUCHES_ARBITRARY_KEYS
from hognose.commands.generic import type_of
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.datastructures.glob import Glob
from hognose.datastructures.hashtable import HashTable
from hognose.errors import INVALID_CURSOR, CommandError
from hognose.keyspace.database import Database

command = CommandGroup("generic")

DEFAULT_COUNT: Final = 10
STEPS_PER_COUNT: Final = 10
"""A call ends after so many steps for each key it was to find: an almost empty table must not hold it up."""
CURSOR_MASK: Final = 2**63 - 1
CURSOR_LIMIT: Final = 2**64
BLANKS: Final = b" \t\n\v\f\r"


def parse_cursor(argument: bytes) -> i64:
    """A cursor as clients send it back: an unsigned integer as C's strtoul reads it.

    Raises:
        CommandError: It is none.
    """
    digits = argument.partition(b"\0")[0]
    if digits[:1] in {b"-", b"+"}:
        digits = digits[1:]
    if argument[:1] and argument[:1] in BLANKS:
        raise CommandError(INVALID_CURSOR)
    if not digits and len(argument) == 0:
        return 0
    if not digits.isdigit() or len(digits.lstrip(b"0")) > 20:
        raise CommandError(INVALID_CURSOR)
    value = int(digits)
    if value >= CURSOR_LIMIT:
        raise CommandError(INVALID_CURSOR)
    if argument.startswith(b"-"):
        value = -value
    return value & CURSOR_MASK


class ScanOptions:
    """The options of a scan.

    Attributes:
        count: How many elements one call should come across.
        glob: The pattern of MATCH; None for all.
        type_name: The word of TYPE in lower case; None for all.
    """

    def __init__(self) -> None:
        self.count: i64 = DEFAULT_COUNT
        self.glob: Glob | None = None
        self.type_name: bytes | None = None


def parse_scan_options(argv: Argv, start: i64, of_keys: bool) -> ScanOptions:
    """Reads the options of a scan.

    Args:
        argv: The request.
        start: The index of the first option.
        of_keys: Whether TYPE is allowed, as it is in SCAN alone.
    """
    options = ScanOptions()
    i = start
    size: i64 = len(argv)
    while i < size:
        if i + 1 >= size:
            raise syntax_error()
        word = argv[i].upper()
        if word == b"COUNT":
            options.count = integer(argv[i + 1])
            if options.count < 1:
                raise syntax_error()
        elif word == b"MATCH":
            glob = Glob(argv[i + 1])
            options.glob = None if glob.matches_everything else glob
        elif word == b"TYPE" and of_keys:
            options.type_name = argv[i + 1].lower()
        else:
            raise syntax_error()
        i += 2
    return options


def scan_table(table: HashTable, cursor: i64, options: ScanOptions, found: list[bytes]) -> i64:
    """One call's worth of a table's keys, filtered by MATCH.

    Args:
        table: What is scanned.
        cursor: Where to go on.
        options: COUNT and MATCH.
        found: Where the keys are appended.

    Returns:
        The next cursor, 0 at the end.

    Complexity:
        O(COUNT).
    """
    visited: list[bytes] = []
    # COUNT may be as large as 2**63 - 1; no table has that many keys.
    steps: i64 = STEPS_PER_COUNT * min(options.count, table.count + 1)
    while True:
        cursor = table.scan(cursor, options.count - len(visited), visited)
        steps -= 1
        if cursor == 0 or len(visited) >= options.count or steps == 0:
            break
    glob = options.glob
    if glob is None:
        found.extend(visited)
    else:
        found.extend([key for key in visited if glob.matches(key)])
    return cursor


def scan_reply(cursor: i64, found: list[bytes]) -> Reply:
    """What any scan answers."""
    return [str(cursor).encode(), found]


def is_listed(db: Database, key: bytes, type_name: bytes | None) -> bool:
    """Whether SCAN lists a key it came across: not when it has expired or is of another type."""
    if db.table.expires != 0 and db.expire_if_past(key):
        return False
    return type_name is None or type_of(db.peek(key)).lower() == type_name


@command(
    "SCAN",
    arity=-2,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    since="2.8.0",
    summary="Lists the keys of the database a few at a time.",
    complexity="O(1) a call, O(N) for all calls of a scan of N keys.",
    syntax="cursor [MATCH pattern] [COUNT count] [TYPE type]",
    tips=[b"nondeterministic_output", b"request_policy:special", b"response_policy:special"],
    history=[("6.0.0", "Added the `TYPE` option.")],
)
def scan(ctx: Context, argv: Argv) -> Reply:
    cursor = parse_cursor(argv[1])
    options = parse_scan_options(argv, 2, of_keys=True)
    db = ctx.db
    found: list[bytes] = []
    cursor = scan_table(db.table, cursor, options, found)
    if db.table.expires != 0 or options.type_name is not None:
        found = [key for key in found if is_listed(db, key, options.type_name)]
    return scan_reply(cursor, found)
