"""The geo commands on single members: adding positions, reading them, distances.

Positions are sorted set scores (`datastructures/geohash`), so that every sorted set command works on them too. Searches
are in `geo_search`.
"""

import math
from typing import Final

from hognose.commands.arguments import floating
from hognose.commands.flags import DENYOOM, READONLY, RO_ACCESS, RW_UPDATE, WRITE
from hognose.commands.keyspec import keys
from hognose.commands.sorted_set import add_members
from hognose.commands.spec import Argv, CommandGroup, Context, Reply
from hognose.commands.zset_access import zset_to_read
from hognose.datastructures import geohash
from hognose.errors import SYNTAX, CommandError
from hognose.resp.reply import NULL_ARRAY, Encoded

command = CommandGroup("geo")

UNKNOWN_UNIT: Final = "ERR unsupported unit provided. please use M, KM, FT, MI"
NO_DISTANCE: Final = b"-922337203685477.5808"
"""What real servers make of NaN, which the distance of some antipodes is."""
METRES: Final[dict[bytes, float]] = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}


def metres_in(unit: bytes) -> float:
    """The metres in a unit of length.

    Raises:
        CommandError: There is no such unit.
    """
    metres = METRES.get(unit.upper())
    if metres is None:
        raise CommandError(UNKNOWN_UNIT)
    return metres


def position_from(argv: Argv, at: int) -> tuple[float, float]:
    """The longitude and latitude in two arguments.

    Raises:
        CommandError: They are no numbers, or no position on the map.
    """
    longitude = floating(argv[at])
    latitude = floating(argv[at + 1])
    if not (
        geohash.LONGITUDE_MIN <= longitude <= geohash.LONGITUDE_MAX
        and geohash.LATITUDE_MIN <= latitude <= geohash.LATITUDE_MAX
    ):
        raise CommandError(f"ERR invalid longitude,latitude pair {longitude:.6f},{latitude:.6f}")
    return longitude, latitude


def coordinate_reply(ctx: Context, degrees: float) -> Reply:
    """A coordinate as replies show it: 17 decimals without the zeros at the end."""
    text = f"{degrees:.17f}".rstrip("0").rstrip(".")
    if text == "-0":
        text = "0"
    return Encoded(b",%b\r\n" % text.encode()) if ctx.resp == 3 else text.encode()


def position_reply(ctx: Context, longitude: float, latitude: float) -> list[object]:
    """A position as a reply."""
    return [coordinate_reply(ctx, longitude), coordinate_reply(ctx, latitude)]


def distance_reply(distance: float) -> bytes:
    """A distance as replies show it: with four decimals, a tenth of a millimetre or of a metre.

    It is the product that is rounded, as real servers do; printing the distance itself would round what the product
    loses.
    """
    if math.isnan(distance):
        return NO_DISTANCE
    scaled = round(distance * 10_000.0)
    return b"%d.%04d" % (scaled // 10_000, scaled % 10_000)


@command(
    "GEOADD",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[keys(1, RW_UPDATE)],
    since="3.2.0",
    summary="Adds members with their positions to a geospatial index, or moves members already there.",
    complexity="O(log(N)) per member, N the number of members",
    syntax="key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
    history=[("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
)
def geoadd(ctx: Context, argv: Argv) -> Reply:
    at = 2
    options: set[bytes] = set()
    while at < len(argv) and argv[at].upper() in {b"NX", b"XX", b"CH"}:
        options.add(argv[at].upper())
        at += 1
    if (len(argv) - at) % 3 != 0 or (b"NX" in options and b"XX" in options):
        raise CommandError(SYNTAX)
    as_zadd = [b"ZADD", *argv[1:at]]
    for i in range(at, len(argv), 3):
        longitude, latitude = position_from(argv, i)
        as_zadd.append(str(geohash.encode(longitude, latitude)).encode())
        as_zadd.append(argv[i + 2])
    reply = add_members(ctx, as_zadd, 0)
    ctx.propagate_as(as_zadd)
    return reply


@command(
    "GEODIST",
    arity=-4,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="3.2.0",
    summary="Tells the distance between two members of a geospatial index.",
    syntax="key member1 member2 [M | KM | FT | MI]",
)
def geodist(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 5:
        raise CommandError(SYNTAX)
    unit_m = metres_in(argv[4]) if len(argv) == 5 else 1.0
    zset = zset_to_read(ctx, argv[1])
    if zset is None:
        return None
    has_first, first = zset.score(argv[2])
    has_second, second = zset.score(argv[3])
    if not (has_first and has_second):
        return None
    longitude1, latitude1 = geohash.decode(first)
    longitude2, latitude2 = geohash.decode(second)
    return distance_reply(geohash.distance_m(longitude1, latitude1, longitude2, latitude2) / unit_m)


@command(
    "GEOHASH",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="3.2.0",
    summary="Tells the positions of members as geohash strings.",
    complexity="O(1) per member asked for",
    syntax="key [member [member ...]]",
)
def geohash_command(ctx: Context, argv: Argv) -> Reply:
    zset = zset_to_read(ctx, argv[1])
    reply: list[object] = []
    for i in range(2, len(argv)):
        found, score = (False, 0.0) if zset is None else zset.score(argv[i])
        if found:
            longitude, latitude = geohash.decode(score)
            reply.append(geohash.text(longitude, latitude))
        else:
            reply.append(None)
    return reply


@command(
    "GEOPOS",
    arity=-2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="3.2.0",
    summary="Tells the longitudes and latitudes of members.",
    complexity="O(1) per member asked for",
    syntax="key [member [member ...]]",
)
def geopos(ctx: Context, argv: Argv) -> Reply:
    zset = zset_to_read(ctx, argv[1])
    reply: list[object] = []
    for i in range(2, len(argv)):
        found, score = (False, 0.0) if zset is None else zset.score(argv[i])
        if found:
            longitude, latitude = geohash.decode(score)
            reply.append(position_reply(ctx, longitude, latitude))
        else:
            reply.append(NULL_ARRAY)
    return reply
