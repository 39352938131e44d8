"""SORT and SORT_RO: the elements of a list, set or sorted set in order, or what keys named after them hold.

    elements -> weight of each -> sort -> LIMIT -> GET values of each -> reply or STORE
                  BY w_*                              GET #  GET o_*  GET h_*->field

The weight is the element itself, or the value of the key that BY names when the element takes the place of `*`; it is
read as a number, or with ALPHA compared as text in the order of `locale-collate` (byte by byte if the result is stored,
so that every server that stores it stores the same). A BY without `*` means: do not sort.

The real server turns a compact sorted set into a skiplist on the way; this one only reads it.
"""

import locale
from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.context import SCRIPT, Context
from hognose.commands.flags import (
    DANGEROUS,
    DENYOOM,
    NOT_KEYSPACE,
    OW_UPDATE,
    READONLY,
    RO_ACCESS,
    WRITE,
)
from hognose.commands.hash_access import without_expired
from hognose.commands.keyspec import BEGIN_UNKNOWN, FIND_UNKNOWN, KeySpec, keys, unknown_keys
from hognose.commands.list_access import report
from hognose.commands.long_reply import members_reply
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.commands.string import text_of
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.numbers import parse_double
from hognose.datastructures.partial_sort import partial_order
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.errors import SYNTAX, WRONG_TYPE, CommandError
from hognose.keyspace.events import GENERIC

command = CommandGroup("generic")

BY_IN_CLUSTER: Final = "ERR BY option of SORT denied in Cluster mode."
GET_IN_CLUSTER: Final = "ERR GET option of SORT denied in Cluster mode."
BY_NOT_PERMITTED: Final = "ERR BY option of SORT denied due to insufficient ACL permissions."
GET_NOT_PERMITTED: Final = "ERR GET option of SORT denied due to insufficient ACL permissions."
NOT_A_SCORE: Final = "ERR One or more scores can't be converted into double"

SPACES: Final = b" \t\n\v\f\r"
BYTE_ORDERS: Final = ("C", "POSIX", "C.UTF-8", "C.utf8")
"""Locales that collate as the bytes stand."""
NOTE: Final = b"For the optional %b keyword. It is marked 'unknown' because the %b"


class SortOptions:
    """What SORT is told beside the key.

    Attributes:
        by: The pattern of the keys that hold the weights; None where the elements are their own.
        unsorted: BY names no pattern: the order is that of the value itself.
        descending, alpha: As the words say.
        offset, count: LIMIT; a negative count is no limit.
        gets: The GET patterns.
        store: The key for the result.
    """

    def __init__(self, ctx: Context, argv: Argv, may_store: bool) -> None:
        self.by: bytes | None = None
        self.unsorted = False
        self.descending = False
        self.alpha = False
        self.offset = 0
        self.count = -1
        self.gets: list[bytes] = []
        self.store: bytes | None = None
        i = 2
        while i < len(argv):
            i += self._read(ctx, argv, i, may_store)

    def cuts_off(self, length: int) -> bool:
        """Whether LIMIT leaves less than so many elements."""
        return self.offset > 0 or (0 <= self.count < length)

    def _read(self, ctx: Context, argv: Argv, at: int, may_store: bool) -> int:
        """Reads the option at an index. Returns how many arguments it takes."""
        word = argv[at].upper()
        left = len(argv) - at - 1
        if word in {b"ASC", b"DESC"}:
            self.descending = word == b"DESC"
        elif word == b"ALPHA":
            self.alpha = True
        elif word == b"LIMIT" and left >= 2:
            self.offset = integer(argv[at + 1])
            self.count = integer(argv[at + 2])
            return 3
        elif word == b"STORE" and left >= 1 and may_store:
            self.store = argv[at + 1]
            return 2
        elif word == b"BY" and left >= 1:
            self._weigh_by(ctx, argv, argv[at + 1])
            return 2
        elif word == b"GET" and left >= 1:
            check_patterns(ctx, argv, GET_IN_CLUSTER, GET_NOT_PERMITTED)
            self.gets.append(argv[at + 1])
            return 2
        else:
            raise CommandError(SYNTAX)
        return 1

    def _weigh_by(self, ctx: Context, argv: Argv, pattern: bytes) -> None:
        self.by = pattern
        if b"*" in pattern:
            check_patterns(ctx, argv, BY_IN_CLUSTER, BY_NOT_PERMITTED)
        else:
            self.unsorted = True


def check_patterns(ctx: Context, argv: Argv, in_cluster: str, not_permitted: str) -> None:
    """Refuses a pattern where the keys it will name may be on other nodes, or not for this user's eyes."""
    if ctx.host.clustered:
        raise CommandError(in_cluster)
    if not ctx.host.may_read_every_key(ctx, argv):
        raise CommandError(not_permitted)


class StoreKey(KeySpec):
    """The key behind the last STORE, which no key specification that clients know can express."""

    def __init__(self) -> None:
        super().__init__(OW_UPDATE, BEGIN_UNKNOWN, 0, FIND_UNKNOWN)
        self.notes = NOTE % (b"STORE", b"keyword can appear anywhere in the argument array")

    def positions(self, argv: list[bytes]) -> list[int] | None:
        """The index of the key, if there is one."""
        found: list[int] = []
        i = 2
        while i < len(argv):
            word = argv[i].upper()
            if word == b"STORE" and i + 1 < len(argv):
                found = [i + 1]
            i += {b"LIMIT": 3, b"GET": 2, b"BY": 2}.get(word, 1)
        return found


def elements_of(value: object) -> list[bytes]:
    """The elements of what is to be sorted, in their own order."""
    if value is None:
        return []
    if isinstance(value, SetValue):
        return value.members()
    if isinstance(value, ZSetValue):
        return value.members(0, value.length())
    if isinstance(value, ListValue):
        elements: list[bytes] = []
        value.extend(elements, 0, value.length())
        return elements
    raise CommandError(WRONG_TYPE)


def value_by_pattern(ctx: Context, pattern: bytes, element: bytes) -> bytes | None:
    """What a pattern means for an element: itself (#), the string or the hash field it names; None if there is none."""
    if pattern == b"#":
        return element
    before, star, after = pattern.partition(b"*")
    if not star:
        return None
    field = b""
    arrow = after.find(b"->")
    if arrow >= 0 and arrow + 2 < len(after):
        field = after[arrow + 2 :]
        after = after[:arrow]
    key = before + element + after
    value = ctx.db.lookup_read(key)
    if field:
        if not isinstance(value, HashValue):
            return None
        fields = without_expired(ctx, key, value) if value.next_deadline() != 0 else value
        return None if fields is None else fields.get(field)
    return None if value is None or isinstance(value, Value) else text_of(value)


def score_of(text: bytes) -> float:
    """A weight as the C library reads a number: after blanks, up to a NUL; nothing at all is 0.

    Raises:
        CommandError: It is no number.
    """
    seen = text.partition(b"\0")[0]
    if not seen:
        return 0.0
    try:
        return parse_double(seen.lstrip(SPACES))
    except ValueError:
        raise CommandError(NOT_A_SCORE) from None


class ByText:
    """What elements are compared by where their weights are texts; no weight comes before any."""

    def __init__(self, weights: dict[bytes, bytes | None] | None, collates: bool) -> None:
        self._weights: Final = weights
        self._collates: Final = collates

    def key(self, element: bytes) -> tuple[bool, str | bytes]:
        """What an element is compared by; itself, where there are no other weights."""
        weight = element if self._weights is None else self._weights[element]
        if weight is None:
            return False, "" if self._collates else b""
        if not self._collates:
            return True, weight
        return True, locale.strxfrm(weight.partition(b"\0")[0].decode("utf-8", "surrogateescape"))


class ByScore:
    """What elements are compared by where their weights are numbers."""

    def __init__(self, weights: dict[bytes, bytes | None]) -> None:
        self._weights: Final = weights

    def key(self, element: bytes) -> float:
        """The number; 0 for no weight."""
        weight = self._weights[element]
        return 0.0 if weight is None else score_of(weight)


def weights_of(ctx: Context, elements: list[bytes], pattern: bytes) -> dict[bytes, bytes | None]:
    """What a pattern means for each of the elements."""
    weights: dict[bytes, bytes | None] = {}
    for element in elements:
        if element not in weights:
            weights[element] = value_by_pattern(ctx, pattern, element)
    return weights


def sort_elements(ctx: Context, elements: list[bytes], options: SortOptions) -> None:
    """Sorts the elements as asked for. O(N*log(N))."""
    descending = options.descending
    weights = None if options.by is None else weights_of(ctx, elements, options.by)
    if not options.alpha:
        # Those of equal weight go by their bytes, for sorting again keeps the order among them.
        elements.sort(reverse=descending)
        elements.sort(key=score_of if weights is None else ByScore(weights).key, reverse=descending)
        return
    collates = options.store is None and locale.setlocale(locale.LC_COLLATE) not in BYTE_ORDERS
    if weights is None and not collates:
        elements.sort(reverse=descending)
        return
    order = ByText(weights, collates)
    if weights is None or not options.cuts_off(len(elements)):
        elements.sort(key=order.key, reverse=descending)
    else:
        cut_off_by_text(elements, order, options)


def cut_off_by_text(elements: list[bytes], order: ByText, options: SortOptions) -> None:
    """Sorts so far that what LIMIT leaves is right, and among elements of the same text is what real servers leave."""
    texts = [order.key(element) for element in elements]
    step = -1.0 if options.descending else 1.0
    ranks: dict[tuple[bool, str | bytes], float] = {}
    for text in sorted(set(texts)):
        ranks[text] = step * len(ranks)
    low = max(options.offset, 0)
    high = len(elements) - 1 if options.count < 0 else min(low + options.count, len(elements)) - 1
    before = list(elements)
    found = partial_order([ranks[text] for text in texts], min(low, len(elements)), high)
    for i in range(len(elements)):
        elements[i] = before[found[i]]


def arranged(ctx: Context, value: object, options: SortOptions) -> list[bytes]:
    """The elements of a value, sorted if they are to be, without those LIMIT leaves out."""
    elements = elements_of(value)
    if options.unsorted and isinstance(value, SetValue) and (options.store is not None or ctx.flags & SCRIPT):
        # What is stored, or what a script goes by, has to be the same everywhere; a set has no order of its own.
        options.unsorted = False
        options.alpha = True
        options.by = None
    if not options.unsorted:
        sort_elements(ctx, elements, options)
    elif options.descending and not isinstance(value, SetValue):
        elements.reverse()
    start = max(options.offset, 0)
    return elements[start:] if options.count < 0 else elements[start : start + options.count]


def sort_reply(ctx: Context, argv: Argv, may_store: bool) -> Reply:
    """SORT and SORT_RO."""
    options = SortOptions(ctx, argv, may_store)
    elements = arranged(ctx, ctx.db.lookup_read(argv[1]), options)
    if not options.gets:
        return members_reply(ctx, elements) if options.store is None else store_results(ctx, options.store, elements)
    results: list[bytes | None] = []
    for element in elements:
        results.extend([value_by_pattern(ctx, pattern, element) for pattern in options.gets])
    if options.store is None:
        return results
    return store_results(ctx, options.store, [b"" if result is None else result for result in results])


def store_results(ctx: Context, key: bytes, results: list[bytes]) -> int:
    """Makes a list of the results; no results at all delete the key. Returns how many there are."""
    if results:
        value = ListValue(ctx.host.list_limits)
        value.push_tail(results)
        ctx.db.set(key, value)
        report(ctx, key, b"sortstore", len(results))
    elif ctx.db.drop(key):
        ctx.db.changed(GENERIC, b"del", key)
    return len(results)


COMPLEXITY: Final = (
    "O(N+M*log(M)), N the number of elements, M the number of those returned; O(N) if nothing is sorted."
)
PATTERN_KEYS: Final = NOTE % (b"BY/GET", b"key names derive from the content of the key we sort")
CATEGORIES: Final = [b"set", b"sortedset", b"list"]
SYNTAX_OF_BOTH: Final = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]"


@command(
    "SORT",
    arity=-2,
    flags=WRITE | DENYOOM | DANGEROUS | NOT_KEYSPACE,
    keys=[keys(1, RO_ACCESS), unknown_keys(RO_ACCESS, PATTERN_KEYS), StoreKey()],
    since="1.0.0",
    summary="Sorts the elements of a list, a set or a sorted set, and returns or stores them.",
    complexity=COMPLEXITY,
    syntax=SYNTAX_OF_BOTH + " [STORE destination]",
    categories=CATEGORIES,
)
def sort(ctx: Context, argv: Argv) -> Reply:
    return sort_reply(ctx, argv, may_store=True)


@command(
    "SORT_RO",
    arity=-2,
    flags=READONLY | DANGEROUS | NOT_KEYSPACE,
    keys=[keys(1, RO_ACCESS), unknown_keys(RO_ACCESS, PATTERN_KEYS)],
    since="7.0.0",
    summary="Sorts the elements of a list, a set or a sorted set, and returns them.",
    complexity=COMPLEXITY,
    syntax=SYNTAX_OF_BOTH,
    categories=CATEGORIES,
)
def sort_ro(ctx: Context, argv: Argv) -> Reply:
    return sort_reply(ctx, argv, may_store=False)
