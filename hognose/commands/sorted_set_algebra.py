"""Unions, intersections and differences of sorted sets (and plain sets, whose members count with score 1).

One parser reads the arguments of all seven commands; what differs is said by the class `Operation`. Results are
computed as lists in order, so that storing one only appends.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, floating, integer, integer_between
from hognose.commands.flags import DENYOOM, OW_UPDATE, READONLY, RO_ACCESS, WRITE
from hognose.commands.keyspec import keynum, keys
from hognose.commands.long_reply import members_reply, scored_reply
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.zset_access import limits_of, store_result
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.zset import ZSetValue
from hognose.errors import SYNTAX, WRONG_TYPE, CommandError

command = CommandGroup("sorted_set")

WEIGHT_NOT_FLOAT: Final = "ERR weight value is not a float"
NEGATIVE_LIMIT: Final = "ERR LIMIT can't be negative"

UNION: Final = 0
INTERSECTION: Final = 1
DIFFERENCE: Final = 2
CARDINALITY: Final = 3  # of the intersection

SUM: Final = 0
LEAST: Final = 1
GREATEST: Final = 2
AGGREGATES: Final[dict[bytes, int]] = {b"SUM": SUM, b"MIN": LEAST, b"MAX": GREATEST}

STORE_EVENTS: Final = [b"zunionstore", b"zinterstore", b"zdiffstore"]


class Source:
    """One of the sets a command works on; empty where there is no key.

    Raises:
        CommandError: The value is neither kind of set.
    """

    def __init__(self, value: object) -> None:
        self.zset: ZSetValue | None = None
        self.plain: SetValue | None = None
        self.weight = 1.0
        if isinstance(value, ZSetValue):
            self.zset = value
        elif isinstance(value, SetValue):
            self.plain = value
        elif value is not None:
            raise CommandError(WRONG_TYPE)

    def length(self) -> i64:
        """The number of members."""
        if self.zset is not None:
            return self.zset.length()
        return 0 if self.plain is None else self.plain.length()

    def members(self) -> list[bytes]:
        """All members."""
        if self.zset is not None:
            return self.zset.members(0, self.zset.length())
        return [] if self.plain is None else self.plain.members()

    def scores(self) -> list[float]:
        """The scores of `members`, without the weight."""
        if self.zset is not None:
            return self.zset.scores(0, self.zset.length())
        return [1.0] * self.length()

    def score(self, member: bytes) -> tuple[bool, float]:
        """Whether a member is there, and its score without the weight."""
        if self.zset is not None:
            return self.zset.score(member)
        return self.plain is not None and self.plain.has(member), 1.0


class Operation:
    """The arguments of one of the commands, read from its number of keys on.

    Args:
        kind: UNION, INTERSECTION, DIFFERENCE or CARDINALITY.
        stores: Whether the result goes to a key.
    """

    def __init__(self, kind: i64, stores: bool) -> None:
        self.kind: i64 = kind
        self.stores = stores
        self.sources: list[Source] = []
        self.aggregate: i64 = SUM
        self.with_scores = False
        self.limit = 0

    def parse(self, ctx: Context, argv: Argv, at: int) -> None:
        """Looks the keys up and reads the options, in the order in which the real server finds faults.

        Args:
            ctx: The client.
            argv: The request.
            at: The index of the number of keys.
        """
        count = integer(argv[at])
        if count < 1:
            raise CommandError(f"ERR at least 1 input key is needed for '{ctx.command_name()}' command")
        if count > len(argv) - at - 1:
            raise CommandError(SYNTAX)
        first = at + 1
        behind = first + count
        for i in range(first, behind):
            self.sources.append(Source(ctx.db.lookup_read(argv[i])))
        self._parse_options(argv, behind)

    def _parse_options(self, argv: Argv, i: int) -> None:
        combines = self.kind in {UNION, INTERSECTION}
        while i < len(argv):
            word = argv[i].upper()
            left = len(argv) - i - 1
            if word == b"WEIGHTS" and combines and left >= len(self.sources):
                for source in self.sources:
                    i += 1
                    source.weight = floating(argv[i], WEIGHT_NOT_FLOAT)
            elif word == b"AGGREGATE" and combines and left >= 1:
                i += 1
                aggregate = AGGREGATES.get(argv[i].upper())
                if aggregate is None:
                    raise CommandError(SYNTAX)
                self.aggregate = aggregate
            elif word == b"WITHSCORES" and not self.stores and self.kind != CARDINALITY:
                self.with_scores = True
            elif word == b"LIMIT" and self.kind == CARDINALITY and left >= 1:
                i += 1
                self.limit = integer_between(argv[i], 0, I64_MAX, NEGATIVE_LIMIT)
            else:
                raise CommandError(SYNTAX)
            i += 1

    def result(self) -> tuple[list[bytes], list[float]]:
        """The members of the result and their scores, in order."""
        if self.kind == UNION:
            union = self._union()
            # Those of equal score go by their bytes, for sorting again keeps the order among them.
            members = sorted(union)
            members.sort(key=union.__getitem__)
            return members, [union[member] for member in members]
        found: list[tuple[float, bytes]] = []
        if self.kind == INTERSECTION:
            self._intersect(found)
        else:
            self._subtract(found)
        found.sort()
        return [pair[1] for pair in found], [pair[0] for pair in found]

    def _smallest_first(self) -> list[Source]:
        """The sources by size: it decides in which order scores are summed, and so how they are rounded."""
        return sorted(self.sources, key=Source.length)

    def _union(self) -> dict[bytes, float]:
        union: dict[bytes, float] = {}
        for source in self._smallest_first():
            weight = source.weight
            scores = source.scores()
            for i, member in enumerate(source.members()):
                score = weighted(scores[i], weight)
                known = union.get(member)
                union[member] = score if known is None else combined(known, score, self.aggregate)
        return union

    def _intersect(self, found: list[tuple[float, bytes]]) -> None:
        sources = self._smallest_first()
        smallest = sources[0]
        scores = smallest.scores()
        for i, member in enumerate(smallest.members()):
            total = weighted(scores[i], smallest.weight)
            everywhere = True
            for k in range(1, len(sources)):
                other = sources[k]
                everywhere, score = other.score(member)
                if not everywhere:
                    break
                total = combined(total, score * other.weight, self.aggregate)
            if everywhere:
                found.append((total, member))

    def _subtract(self, found: list[tuple[float, bytes]]) -> None:
        first = self.sources[0]
        others = self.sources[1:]
        scores = first.scores()
        for i, member in enumerate(first.members()):
            if not in_any(others, member):
                found.append((scores[i], member))

    def intersection_size(self) -> int:
        """The number of members of the intersection, up to the limit if there is one."""
        sources = self._smallest_first()
        others = sources[1:]
        size = 0
        for member in sources[0].members():
            if in_all(others, member):
                size += 1
                if size == self.limit:
                    break
        return size


def weighted(score: float, weight: float) -> float:
    """A score with its weight; zero times infinity is zero."""
    product = score * weight
    return product if product == product else 0.0  # noqa: PLR0124 - NaN alone differs from itself


def combined(one: float, two: float, aggregate: i64) -> float:
    """Two scores of one member as one; infinities of both signs sum up to zero."""
    if aggregate == SUM:
        total = one + two
        return total if total == total else 0.0  # noqa: PLR0124 - likewise
    if aggregate == LEAST:
        return min(one, two)
    return max(one, two)


def in_any(sources: list[Source], member: bytes) -> bool:
    """Whether one of the sets has the member."""
    for source in sources:
        found, _ = source.score(member)
        if found:
            return True
    return False


def in_all(sources: list[Source], member: bytes) -> bool:
    """Whether all of the sets have the member."""
    for source in sources:
        found, _ = source.score(member)
        if not found:
            return False
    return True


def answer(ctx: Context, argv: Argv, kind: i64) -> Reply:
    """ZUNION, ZINTER and ZDIFF."""
    operation = Operation(kind, stores=False)
    operation.parse(ctx, argv, 1)
    members, scores = operation.result()
    return scored_reply(ctx, members, scores) if operation.with_scores else members_reply(ctx, members)


def store(ctx: Context, argv: Argv, kind: i64) -> Reply:
    """ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE."""
    operation = Operation(kind, stores=True)
    operation.parse(ctx, argv, 2)
    members, scores = operation.result()
    zset = ZSetValue(limits_of(ctx), len(members))
    zset.extend(members, scores)
    return store_result(ctx, argv[1], zset, STORE_EVENTS[kind])


@command(
    "ZUNION",
    arity=-3,
    flags=READONLY,
    keys=[keynum(1, RO_ACCESS)],
    since="6.2.0",
    summary="Lists the members that are in any of several sorted sets, with their scores combined.",
    complexity="O(N)+O(M*log(M)), N the sum of the sets' sizes, M the number of members listed",
    syntax="numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
)
def zunion(ctx: Context, argv: Argv) -> Reply:
    return answer(ctx, argv, UNION)


@command(
    "ZINTER",
    arity=-3,
    flags=READONLY,
    keys=[keynum(1, RO_ACCESS)],
    since="6.2.0",
    summary="Lists the members that are in all of several sorted sets, with their scores combined.",
    complexity="O(N*K)+O(M*log(M)), N the smallest set's size, K the number of sets, M the number of members listed",
    syntax="numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
)
def zinter(ctx: Context, argv: Argv) -> Reply:
    return answer(ctx, argv, INTERSECTION)


@command(
    "ZDIFF",
    arity=-3,
    flags=READONLY,
    keys=[keynum(1, RO_ACCESS)],
    since="6.2.0",
    summary="Lists the members of the first sorted set that are in none of the others.",
    complexity="O(N*K)+O(M*log(M)), N the size of the first set, K the number of sets, M the number of members listed",
    syntax="numkeys key [key ...] [WITHSCORES]",
)
def zdiff(ctx: Context, argv: Argv) -> Reply:
    return answer(ctx, argv, DIFFERENCE)


@command(
    "ZINTERCARD",
    arity=-3,
    flags=READONLY,
    keys=[keynum(1, RO_ACCESS)],
    since="7.0.0",
    summary="Counts the members that are in all of several sorted sets.",
    complexity="O(N*K), N the size of the smallest set, K the number of sets",
    syntax="numkeys key [key ...] [LIMIT limit]",
)
def zintercard(ctx: Context, argv: Argv) -> Reply:
    operation = Operation(CARDINALITY, stores=False)
    operation.parse(ctx, argv, 1)
    return operation.intersection_size()


@command(
    "ZUNIONSTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE), keynum(2, RO_ACCESS)],
    since="2.0.0",
    summary="Stores the union of several sorted sets, with their scores combined.",
    complexity="O(N)+O(M*log(M)), N the sum of the sets' sizes, M the number of members stored",
    syntax="destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
)
def zunionstore(ctx: Context, argv: Argv) -> Reply:
    return store(ctx, argv, UNION)


@command(
    "ZINTERSTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE), keynum(2, RO_ACCESS)],
    since="2.0.0",
    summary="Stores the intersection of several sorted sets, with their scores combined.",
    complexity="O(N*K)+O(M*log(M)), N the smallest set's size, K the number of sets, M the number of members stored",
    syntax="destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
)
def zinterstore(ctx: Context, argv: Argv) -> Reply:
    return store(ctx, argv, INTERSECTION)


@command(
    "ZDIFFSTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE), keynum(2, RO_ACCESS)],
    since="6.2.0",
    summary="Stores the members of the first sorted set that are in none of the others.",
    complexity="O(N*K)+O(M*log(M)), N the size of the first set, K the number of sets, M the number of members stored",
    syntax="destination numkeys key [key ...]",
)
def zdiffstore(ctx: Context, argv: Argv) -> Reply:
    return store(ctx, argv, DIFFERENCE)
