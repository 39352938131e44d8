"""The geo commands that search an area: GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS family.

A search names a centre and a shape (or a polygon, which has its centre by itself), reads the ranges of scores that
cover it, keeps the members inside, and answers or stores them.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import I64_MIN, floating, integer, integer_between
from hognose.commands.flags import DENYOOM, OW_UPDATE, READONLY, RO_ACCESS, WRITE
from hognose.commands.geo import distance_reply, metres_in, position_from, position_reply
from hognose.commands.keyspec import keys, keyword
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.zset_access import limits_of, store_result, zset_to_read
from hognose.datastructures import geohash
from hognose.datastructures.geohash import TWO_TO_63, Box, Circle, Polygon, Shape
from hognose.datastructures.partial_sort import partial_order
from hognose.datastructures.skiplist import Skiplist
from hognose.datastructures.zset import ZSetValue
from hognose.errors import SYNTAX, CommandError, printable

command = CommandGroup("geo")

NEED_NUMERIC_RADIUS: Final = "ERR need numeric radius"
NEGATIVE_RADIUS: Final = "ERR radius cannot be negative"
NEED_NUMERIC_WIDTH: Final = "ERR need numeric width"
NEED_NUMERIC_HEIGHT: Final = "ERR need numeric height"
NEGATIVE_BOX: Final = "ERR height or width cannot be negative"
NO_SUCH_MEMBER: Final = "ERR could not decode requested zset member"
COUNT_NOT_POSITIVE: Final = "ERR COUNT must be > 0"
ANY_NEEDS_COUNT: Final = "ERR the ANY argument requires COUNT argument"
INVALID_VERTICES: Final = "ERR invalid number of vertices"
TOO_FEW_VERTICES: Final = "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"

UNSORTED: Final = 0
ASCENDING: Final = 1
DESCENDING: Final = 2

NO_SHAPE: Final = 0
CIRCLE: Final = 1
BOX: Final = 2
POLYGON: Final = 3


class Hit:
    """A member inside the area."""

    def __init__(self, member: bytes, distance: float, score: float, longitude: float, latitude: float) -> None:
        self.member: Final = member
        self.distance: Final = distance
        self.score: Final = score
        self.longitude: Final = longitude
        self.latitude: Final = latitude


class AreaQuery:
    """What a search command asks for.

    Args:
        source: The set to search; None where there is no key, when arguments are still checked.

    Attributes:
        is_new: GEOSEARCH or GEOSEARCHSTORE: the area is given by options, not by position.
        may_store: STORE and STOREDIST with a key are options (GEORADIUS and GEORADIUSBYMEMBER).
        destination: The key that gets the result; None for a reply.
        centred: A centre has been given.
        shape: NO_SHAPE, CIRCLE, BOX or POLYGON.
        unit_m: Metres in the unit of the area, which is that of the distances in the reply.
    """

    def __init__(self, source: ZSetValue | None) -> None:
        self.source: Final = source
        self.is_new = False
        self.may_store = False
        self.destination: bytes | None = None
        self.stores_distance = False
        self.with_distance = False
        self.with_hash = False
        self.with_position = False
        self.from_member = False
        self.from_position = False
        self.longitude = 0.0
        self.latitude = 0.0
        self.shape: i64 = NO_SHAPE
        self.width = 0.0
        self.height = 0.0
        self.unit_m = 1.0
        self.corners: list[tuple[float, float]] = []
        self.order: i64 = UNSORTED
        self.any = False
        self.count = 0

    # Arguments

    def take_member(self, member: bytes) -> None:
        """Takes the position of a member for the centre; without a set there is nothing to look up."""
        if self.source is None:
            return
        found, score = self.source.score(member)
        if not found:
            raise CommandError(NO_SUCH_MEMBER)
        self.longitude, self.latitude = geohash.decode(score)

    def take_position(self, argv: Argv, at: int) -> None:
        """Takes two arguments for the centre."""
        self.longitude, self.latitude = position_from(argv, at)

    def take_circle(self, argv: Argv, at: int) -> None:
        """Takes radius and unit."""
        self.width = floating(argv[at], NEED_NUMERIC_RADIUS)
        if self.width < 0:
            raise CommandError(NEGATIVE_RADIUS)
        self.unit_m = metres_in(argv[at + 1])
        self.shape = CIRCLE

    def take_box(self, argv: Argv, at: int) -> None:
        """Takes width, height and unit."""
        self.width = floating(argv[at], NEED_NUMERIC_WIDTH)
        self.height = floating(argv[at + 1], NEED_NUMERIC_HEIGHT)
        if self.width < 0 or self.height < 0:
            raise CommandError(NEGATIVE_BOX)
        self.unit_m = metres_in(argv[at + 2])
        self.shape = BOX

    def take_polygon(self, argv: Argv, at: int) -> int:
        """Takes the number of corners and the corners. Returns the index of the last of these arguments."""
        count = integer_between(argv[at], -(2**31), 2**31 - 1, INVALID_VERTICES)
        if count < 3 or count > (len(argv) - at - 1) // 2:
            raise CommandError(TOO_FEW_VERTICES)
        last = at + 2 * count
        self.corners.clear()
        for i in range(at + 1, last, 2):
            self.corners.append(position_from(argv, i))
        self.unit_m = 1.0
        self.shape = POLYGON
        return last

    def parse_options(self, argv: Argv, start: int) -> None:
        """Reads everything behind the fixed arguments."""
        i = start
        while i < len(argv):
            word = argv[i].upper()
            left = len(argv) - i - 1
            if not self._take_flag(word):
                used = self._take_count_or_store(argv, i, word, left)
                if used == 0 and self.is_new:
                    used = self._take_area(argv, i, word, left)
                if used == 0:
                    raise CommandError(SYNTAX)
                i += used
            i += 1

    def _take_flag(self, word: bytes) -> bool:
        """Takes in an option of one word; False if it is none."""
        if word == b"WITHDIST":
            self.with_distance = True
        elif word == b"WITHHASH":
            self.with_hash = True
        elif word == b"WITHCOORD":
            self.with_position = True
        elif word == b"ANY":
            self.any = True
        elif word == b"ASC":
            self.order = ASCENDING
        elif word == b"DESC":
            self.order = DESCENDING
        elif word == b"STOREDIST" and self.is_new and self.destination is not None:
            self.stores_distance = True
        else:
            return False
        return True

    def _take_count_or_store(self, argv: Argv, i: int, word: bytes, left: int) -> int:
        """Takes in COUNT, STORE or STOREDIST. Returns how many arguments behind the word are used, 0 if it is none."""
        if left < 1:
            return 0
        if word == b"COUNT":
            self.count = integer(argv[i + 1])
            if self.count <= 0:
                raise CommandError(COUNT_NOT_POSITIVE)
            return 1
        if word in {b"STORE", b"STOREDIST"} and self.may_store:
            self.destination = argv[i + 1]
            self.stores_distance = word == b"STOREDIST"
            return 1
        return 0

    def _take_area(self, argv: Argv, i: int, word: bytes, left: int) -> int:
        """Takes in a centre or shape. Returns how many arguments behind the word are used, 0 if it does not fit."""
        if word == b"FROMMEMBER" and left >= 1 and not self.from_position and self.shape != POLYGON:
            self.take_member(argv[i + 1])
            self.from_member = True
            return 1
        if word == b"FROMLONLAT" and left >= 2 and not self.from_member and self.shape != POLYGON:
            self.take_position(argv, i + 1)
            self.from_position = True
            return 2
        if word == b"BYRADIUS" and left >= 2 and self.shape in {NO_SHAPE, CIRCLE}:
            self.take_circle(argv, i + 1)
            return 2
        if word == b"BYBOX" and left >= 3 and self.shape in {NO_SHAPE, BOX}:
            self.take_box(argv, i + 1)
            return 3
        has_centre = self.from_member or self.from_position
        if word == b"BYPOLYGON" and left >= 1 and self.shape in {NO_SHAPE, POLYGON} and not has_centre:
            return self.take_polygon(argv, i + 1) - i
        return 0

    def check(self, name: bytes) -> None:
        """Refuses options that do not go together.

        Args:
            name: The command's name as the client wrote it.
        """
        if self.destination is not None and (self.with_distance or self.with_hash or self.with_position):
            what = "GEOSEARCHSTORE" if self.is_new else "STORE option in GEORADIUS"
            raise CommandError(f"ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
        shown = printable(name)
        if self.is_new and not (self.from_member or self.from_position or self.shape == POLYGON):
            raise CommandError(f"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {shown}")
        if self.is_new and self.shape == NO_SHAPE:
            raise CommandError(f"ERR exactly one of BYRADIUS and BYBOX can be specified for {shown}")
        if self.any and self.count == 0:
            raise CommandError(ANY_NEEDS_COUNT)

    # Search

    def area(self) -> Shape:
        """The area as the geometry knows it."""
        if self.shape == CIRCLE:
            return Circle(self.longitude, self.latitude, self.width, self.unit_m)
        if self.shape == BOX:
            return Box(self.longitude, self.latitude, self.width, self.height, self.unit_m)
        return Polygon(self.corners)

    def hits(self, zset: ZSetValue) -> list[Hit]:
        """The members to answer or store, in order."""
        found: list[Hit] = []
        area = self.area()
        enough = self.count if self.any else 0
        for least, end in geohash.search_ranges(area):
            if enough and len(found) >= enough:
                break
            self._search_range(zset, area, least, end, found)
        order = self.order
        if self.count and order == UNSORTED and not self.any:
            order = ASCENDING
        if order == UNSORTED:
            return found[: self.count] if self.count else found
        if self.count and self.count < len(found):
            return self._nearest(found, order)
        found.sort(key=distance_of if order == ASCENDING else negative_distance_of)
        return found

    def _nearest(self, found: list[Hit], order: i64) -> list[Hit]:
        """The first of the hits in order; among equally distant ones those that real servers answer."""
        distances = [hit.distance if order == ASCENDING else -hit.distance for hit in found]
        ranked = partial_order(distances, 0, self.count - 1)
        return [found[ranked[i]] for i in range(self.count)]

    def _search_range(self, zset: ZSetValue, area: Shape, least: float, end: float, found: list[Hit]) -> None:
        """Appends the members inside the area whose scores are in a range; with ANY, until there are enough."""
        order = zset.order()
        if order is not None:
            self._search_blocks(order, area, least, end, found)
            return
        start = zset.count_below_score(least, False)
        stop = zset.count_below_score(end, False)
        members = zset.members(start, stop)
        scores = zset.scores(start, stop)
        for i in range(len(members)):
            longitude, latitude = geohash.decode(scores[i])
            inside, distance = area.distance_inside(longitude, latitude)
            if inside:
                found.append(Hit(members[i], distance, scores[i], longitude, latitude))
                if self.any and len(found) >= self.count:
                    return

    def _search_blocks(self, order: Skiplist, area: Shape, least: float, end: float, found: list[Hit]) -> None:
        """`_search_range` in a skiplist: walks from block to block without copying what is in them."""
        south = area.south
        north = area.north
        node, position = order.seek_score(least)
        while True:
            scores = node.scores
            count: i64 = len(scores)
            while position < count:
                score = scores[position]
                if score >= end:
                    return
                position += 1
                latitude = geohash.latitude_of(score)
                if latitude < south or latitude > north:
                    continue
                longitude = geohash.longitude_of(score)
                inside, distance = area.distance_inside(longitude, latitude)
                if inside:
                    found.append(Hit(node.members[position - 1], distance, score, longitude, latitude))
                    if self.any and len(found) >= self.count:
                        return
            following = node.following
            if following is None:
                return
            node = following
            position = 0

    # Results

    def reply(self, ctx: Context, hits: list[Hit]) -> Reply:
        """The hits as a reply: members, or lists that begin with one."""
        if not (self.with_distance or self.with_hash or self.with_position):
            return [hit.member for hit in hits]
        return [self._hit_reply(ctx, hit) for hit in hits]

    def _hit_reply(self, ctx: Context, hit: Hit) -> list[object]:
        item: list[object] = [hit.member]
        if self.with_distance:
            item.append(distance_reply(hit.distance / self.unit_m))
        if self.with_hash:
            item.append(hash_reply(hit.score))
        if self.with_position:
            item.append(position_reply(ctx, hit.longitude, hit.latitude))
        return item

    def stored(self, ctx: Context, hits: list[Hit]) -> ZSetValue:
        """The hits as a sorted set, with their scores or their distances."""
        zset = ZSetValue(limits_of(ctx), len(hits))
        for hit in hits:
            zset.add(hit.member, hit.distance / self.unit_m if self.stores_distance else hit.score)
        return zset


def hash_reply(score: float) -> int:
    """A score as WITHHASH shows it: as C on x86-64 converts it, for a sorted set may hold scores beyond 64 bits."""
    return int(score) if -TWO_TO_63 <= score < TWO_TO_63 else I64_MIN


def distance_of(hit: Hit) -> float:
    """The sort key for ASC."""
    return hit.distance


def negative_distance_of(hit: Hit) -> float:
    """The sort key for DESC; equal distances stay in the order found, as they do with ASC."""
    return -hit.distance


def finish(ctx: Context, argv: Argv, query: AreaQuery) -> Reply:
    """Searches, and answers or stores."""
    query.check(argv[0])
    destination = query.destination
    zset = query.source
    hits: list[Hit] = [] if zset is None else query.hits(zset)
    if destination is None:
        return query.reply(ctx, hits)
    event = b"geosearchstore" if query.is_new else b"georadiusstore"
    return store_result(ctx, destination, query.stored(ctx, hits), event, max(len(hits), 1))


def search(ctx: Context, argv: Argv, stores: bool) -> Reply:
    """GEOSEARCH and GEOSEARCHSTORE."""
    at = 2 if stores else 1
    query = AreaQuery(zset_to_read(ctx, argv[at]))
    query.is_new = True
    if stores:
        query.destination = argv[1]
    query.parse_options(argv, at + 1)
    return finish(ctx, argv, query)


def radius_around_position(ctx: Context, argv: Argv, may_store: bool) -> Reply:
    """GEORADIUS and GEORADIUS_RO."""
    query = AreaQuery(zset_to_read(ctx, argv[1]))
    query.may_store = may_store
    query.take_position(argv, 2)
    query.take_circle(argv, 4)
    query.parse_options(argv, 6)
    return finish(ctx, argv, query)


def radius_around_member(ctx: Context, argv: Argv, may_store: bool) -> Reply:
    """GEORADIUSBYMEMBER and GEORADIUSBYMEMBER_RO; where there is no key the radius is not looked at."""
    query = AreaQuery(zset_to_read(ctx, argv[1]))
    query.may_store = may_store
    if query.source is not None:
        query.take_member(argv[2])
        query.take_circle(argv, 3)
    query.parse_options(argv, 5)
    return finish(ctx, argv, query)


SEARCH_COMPLEXITY: Final = (
    "O(N+log(M)), N the number of members in the squares of the map around the area, M the number of all members"
)
AREA: Final = (
    "[FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height "
    "<M | KM | FT | MI> | BYPOLYGON num-vertices:integer longitude latitude [longitude latitude ...]>"
)
RADIUS_OPTIONS: Final = "[WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]"
STORE_OPTIONS: Final = "[STORE storekey | STOREDIST storedistkey]"


@command(
    "GEOSEARCH",
    arity=-7,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="6.2.0",
    summary="Lists the members inside a circle, a box or a polygon.",
    complexity=SEARCH_COMPLEXITY,
    syntax="key " + AREA + " [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
    history=[("7.0.0", "Unit names may be in upper case.")],
)
def geosearch(ctx: Context, argv: Argv) -> Reply:
    return search(ctx, argv, stores=False)


@command(
    "GEOSEARCHSTORE",
    arity=-8,
    flags=WRITE | DENYOOM,
    keys=[keys(1, OW_UPDATE), keys(2, RO_ACCESS)],
    since="6.2.0",
    summary="Stores the members inside a circle, a box or a polygon in another key.",
    complexity=SEARCH_COMPLEXITY,
    syntax="destination source " + AREA + " [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
    history=[("7.0.0", "Unit names may be in upper case.")],
)
def geosearchstore(ctx: Context, argv: Argv) -> Reply:
    return search(ctx, argv, stores=True)


@command(
    "GEORADIUS",
    arity=-6,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RO_ACCESS), keyword(b"STORE", OW_UPDATE, start=6), keyword(b"STOREDIST", OW_UPDATE, start=6)],
    since="3.2.0",
    summary="Lists or stores the members within a distance of a position.",
    complexity=SEARCH_COMPLEXITY,
    syntax="key longitude latitude radius <M | KM | FT | MI> " + RADIUS_OPTIONS + " " + STORE_OPTIONS,
    history=[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Unit names may be in upper case.")],
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
)
def georadius(ctx: Context, argv: Argv) -> Reply:
    return radius_around_position(ctx, argv, may_store=True)


@command(
    "GEORADIUS_RO",
    arity=-6,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="3.2.10",
    summary="Lists the members within a distance of a position.",
    complexity=SEARCH_COMPLEXITY,
    syntax="key longitude latitude radius <M | KM | FT | MI> " + RADIUS_OPTIONS,
    history=[("6.2.0", "Added the `ANY` option for `COUNT`.")],
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"),
)
def georadius_ro(ctx: Context, argv: Argv) -> Reply:
    return radius_around_position(ctx, argv, may_store=False)


@command(
    "GEORADIUSBYMEMBER",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RO_ACCESS), keyword(b"STORE", OW_UPDATE, start=5), keyword(b"STOREDIST", OW_UPDATE, start=5)],
    since="3.2.0",
    summary="Lists or stores the members within a distance of a member.",
    complexity=SEARCH_COMPLEXITY,
    syntax="key member radius <M | KM | FT | MI> " + RADIUS_OPTIONS + " " + STORE_OPTIONS,
    history=[("7.0.0", "Unit names may be in upper case.")],
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember(ctx: Context, argv: Argv) -> Reply:
    return radius_around_member(ctx, argv, may_store=True)


@command(
    "GEORADIUSBYMEMBER_RO",
    arity=-5,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="3.2.10",
    summary="Lists the members within a distance of a member.",
    complexity=SEARCH_COMPLEXITY,
    syntax="key member radius <M | KM | FT | MI> " + RADIUS_OPTIONS,
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember_ro(ctx: Context, argv: Argv) -> Reply:
    return radius_around_member(ctx, argv, may_store=False)
