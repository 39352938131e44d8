"""Positions on Earth as sorted-set scores, and the ranges of scores that cover an area.

A position is 52 bits: longitude and latitude cut into 2**26 steps each, their bits interleaved, longitude first. Nearby
positions mostly share leading bits, so a square of the map is a range of scores. This module knows no sorted set:
`search_ranges` says which ranges of scores to read, and the shape says which of the positions found there lie inside.

    bit  51 50 49 48 ...  1  0
          x  y  x  y ...  x  y        x: steps east of -180, y: steps north of -85.05112878 (where Mercator maps end)

How a search goes: the map is cut into squares of 2**step by 2**step, the step chosen so that the square around the
centre and its eight neighbours cover the shape; squares that cannot touch the shape are left out. The map is a torus
here: the neighbour across the date line is the right one, the neighbour beyond a pole is a wrong but harmless one, for
every position found is measured again. Distances are great circles on a sphere (haversine).

The arithmetic is that of Redis to the last bit, since replies show the results: the same constants, the same order of
operations, the same order of squares (which is the order of an unsorted reply).

Sources: G. Niemeyer, geohash (2008), for the interleaving and the base-32 alphabet; the constants and the order of
squares as Redis 7 has them; Valkey 9 for the polygon; W. R. Franklin's PNPOLY note for its even-odd rule.
"""

import math
from typing import Final, final

from mypy_extensions import i64, mypyc_attr

LONGITUDE_MIN: Final = -180.0
LONGITUDE_MAX: Final = 180.0
LATITUDE_MIN: Final = -85.05112878
LATITUDE_MAX: Final = 85.05112878
FINEST_STEP: Final = 26
FINEST_PART: Final = 1.0 / 67108864.0  # 2**-26: to multiply by it is as exact as to divide by 2**26
SCORE_BITS: Final = 52
EARTH_RADIUS_M: Final = 6372797.560856
MERCATOR_MAX_M: Final = 20037726.37  # half the equator as the Mercator projection has it
RADIANS: Final = math.pi / 180.0
ROUNDING: Final = 1.000001  # far more than what rounding can do to a distance
ROUNDING_DEGREES: Final = 1e-9
NEAR_POLE: Final = 89.9
ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
TEXT_CHARACTERS: Final = 10  # 52 bits make ten characters of five bits; the eleventh is always 0

UINT32: Final = 0xFFFFFFFF
UINT64: Final = 0xFFFFFFFFFFFFFFFF
TWO_TO_53: Final = 9007199254740992.0
TWO_TO_63: Final = 9223372036854775808.0
TWO_TO_64: Final = 18446744073709551616.0

# Where the squares of a search lie, in the order they are read: (east, north) of the one around the centre.
SQUARES: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))


# Interleaving


def _spread(value: i64) -> i64:
    """Puts a zero bit before each of the low 32 bits."""
    value = (value | (value << 16)) & 0x0000FFFF0000FFFF
    value = (value | (value << 8)) & 0x00FF00FF00FF00FF
    value = (value | (value << 4)) & 0x0F0F0F0F0F0F0F0F
    value = (value | (value << 2)) & 0x3333333333333333
    return (value | (value << 1)) & 0x5555555555555555


def _gather(value: i64) -> i64:
    """Undoes `_spread`; the bits between are ignored."""
    value &= 0x5555555555555555
    value = (value | (value >> 1)) & 0x3333333333333333
    value = (value | (value >> 2)) & 0x0F0F0F0F0F0F0F0F
    value = (value | (value >> 4)) & 0x00FF00FF00FF00FF
    value = (value | (value >> 8)) & 0x0000FFFF0000FFFF
    return (value | (value >> 16)) & 0x00000000FFFFFFFF


def _steps(coordinate: float, least: float, most: float, step: i64) -> i64:
    """How many of 2**step equal parts of least..most lie below a coordinate; 2**step at the far end itself."""
    parts: i64 = 1
    parts <<= step
    offset = (coordinate - least) / (most - least)
    return int(offset * float(parts))


def encode(longitude: float, latitude: float) -> i64:
    """The score of a position.

    Args:
        longitude: Degrees east, -180 to 180.
        latitude: Degrees north, -85.05112878 to 85.05112878.

    Returns:
        52 bits (and bit 52 or 53 at the very end of a range).
    """
    x = _steps(longitude, LONGITUDE_MIN, LONGITUDE_MAX, FINEST_STEP)
    y = _steps(latitude, LATITUDE_MIN, LATITUDE_MAX, FINEST_STEP)
    return _spread(x) << 1 | _spread(y)


def _score_bits(score: float) -> int:
    """A score as the unsigned 64-bit number that the C conversion on x86-64 makes of it, whatever the score."""
    if -TWO_TO_63 <= score < TWO_TO_64:
        return int(score) & UINT64
    return 0 if score > 0 else 1 << 63


def decode(score: float) -> tuple[float, float]:
    """The position a score stands for: the middle of its square.

    Args:
        score: Any score; those that no position has give a position too.

    Returns:
        Longitude and latitude in degrees.
    """
    return longitude_of(score), latitude_of(score)


def longitude_of(score: float) -> float:
    """The longitude of the position a score stands for, in degrees."""
    return _middle(_gather(_signed_bits(score) >> 1), LONGITUDE_MIN, LONGITUDE_MAX)


def latitude_of(score: float) -> float:
    """The latitude of the position a score stands for, in degrees."""
    return _middle(_gather(_signed_bits(score)), LATITUDE_MIN, LATITUDE_MAX)


def _signed_bits(score: float) -> i64:
    """What `_score_bits` makes of a score, as a signed number of 64 bits."""
    if 0.0 <= score < TWO_TO_53:
        return int(score)
    bits = _score_bits(score)
    return bits - (UINT64 + 1) if bits >> 63 else bits


def _edge(steps: i64, least: float, most: float, step: i64) -> float:
    """The coordinate where part number `steps` of 2**step begins."""
    parts: i64 = 1
    parts <<= step
    return least + (float(steps) / float(parts)) * (most - least)


def _middle(steps: i64, least: float, most: float) -> float:
    extent = most - least
    begin = least + float(steps) * FINEST_PART * extent
    end = least + float((steps + 1) & UINT32) * FINEST_PART * extent
    middle = (begin + end) / 2
    if middle > most:
        return most
    return middle if middle >= least else least


def text(longitude: float, latitude: float) -> bytes:
    """The geohash of eleven characters that other software understands.

    It divides latitude from -90 to 90, unlike the score, and its last character is always 0.
    """
    x = _steps(longitude, LONGITUDE_MIN, LONGITUDE_MAX, FINEST_STEP)
    y = _steps(latitude, -90.0, 90.0, FINEST_STEP)
    bits = _spread(x) << 1 | _spread(y)
    characters = bytearray()
    shift: i64 = SCORE_BITS
    for _ in range(TEXT_CHARACTERS):
        shift -= 5
        characters.append(ALPHABET[(bits >> shift) & 31])
    characters.append(ALPHABET[0])
    return bytes(characters)


# Distances


def distance_m(longitude1: float, latitude1: float, longitude2: float, latitude2: float) -> float:
    """The great-circle distance of two positions in metres (haversine formula).

    Returns:
        Metres; NaN for antipodes whose haversine rounds to so much more than 1 that its root does, too.
    """
    across = math.sin((longitude2 * RADIANS - longitude1 * RADIANS) / 2)
    if across == 0.0:
        return _meridian_m(latitude1, latitude2)
    radians1 = latitude1 * RADIANS
    radians2 = latitude2 * RADIANS
    along = math.sin((radians2 - radians1) / 2)
    haversine = along * along + math.cos(radians1) * math.cos(radians2) * across * across
    sine = math.sqrt(haversine)
    if sine > 1.0:
        return math.nan
    return 2.0 * EARTH_RADIUS_M * math.asin(sine)


def _meridian_m(latitude1: float, latitude2: float) -> float:
    """The distance of two positions on one meridian."""
    return EARTH_RADIUS_M * abs(latitude2 * RADIANS - latitude1 * RADIANS)


# Shapes


@final
class Bounds:
    """A rectangle of longitudes and latitudes, in degrees; may reach beyond the map."""

    def __init__(self, west: float, south: float, east: float, north: float) -> None:
        self.west = west
        self.south = south
        self.east = east
        self.north = north


@mypyc_attr(allow_interpreted_subclasses=False)
class Shape:
    """What a search looks inside of.

    Attributes:
        longitude: Degrees east of the point that distances are measured from.
        latitude: Degrees north of that point.
        south: No position south of this latitude lies inside.
        north: None north of this one.
    """

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude = longitude
        self.latitude = latitude
        self.south = -math.inf
        self.north = math.inf

    def bounds(self) -> Bounds:
        """A rectangle around the shape."""
        raise NotImplementedError

    def reach_m(self) -> float:
        """The distance from the centre to the farthest point, in metres."""
        raise NotImplementedError

    def distance_inside(self, longitude: float, latitude: float) -> tuple[bool, float]:
        """Whether a position lies inside, and its distance from the centre in metres if so."""
        raise NotImplementedError

    def _bounds_around(self, half_width_m: float, half_height_m: float) -> Bounds:
        """The bounds of what extends so far from the centre.

        East and west are measured along the edge nearer to a pole, where a degree is shortest.
        """
        if math.isinf(half_width_m) or math.isinf(half_height_m):
            return Bounds(-math.inf, -math.inf, math.inf, math.inf)
        up = half_height_m / EARTH_RADIUS_M / RADIANS
        edge = self.latitude - up if self.latitude < 0 else self.latitude + up
        sideways = half_width_m / EARTH_RADIUS_M / math.cos(edge * RADIANS) / RADIANS
        return Bounds(self.longitude - sideways, self.latitude - up, self.longitude + sideways, self.latitude + up)


@final
class Circle(Shape):
    """All positions within a distance of the centre.

    Args:
        longitude: Degrees east of the centre.
        latitude: Degrees north of the centre.
        radius: In units.
        unit_m: Metres in a unit.
    """

    def __init__(self, longitude: float, latitude: float, radius: float, unit_m: float) -> None:
        super().__init__(longitude, latitude)
        self.radius_m = radius * unit_m
        # No position differs by more degrees than these from the centre: a way of this length that stays below the
        # highest latitude it can reach gets no farther. Beyond a pole every longitude can be reached.
        up = self.radius_m / EARTH_RADIUS_M / RADIANS * ROUNDING + ROUNDING_DEGREES
        self._most_north = up
        self.south = latitude - up
        self.north = latitude + up
        highest = abs(latitude) + up
        self._most_east = up / math.cos(highest * RADIANS) * ROUNDING if highest < NEAR_POLE else math.inf

    def bounds(self) -> Bounds:
        return self._bounds_around(self.radius_m, self.radius_m)

    def reach_m(self) -> float:
        return self.radius_m

    def distance_inside(self, longitude: float, latitude: float) -> tuple[bool, float]:
        if abs(latitude - self.latitude) > self._most_north:
            return False, 0.0
        aside = abs(longitude - self.longitude)
        if aside > self._most_east and 360.0 - aside > self._most_east:
            return False, 0.0
        distance = distance_m(self.longitude, self.latitude, longitude, latitude)
        return not distance > self.radius_m, distance


@final
class Box(Shape):
    """All positions whose distance from the centre along a meridian and along a circle of latitude is small enough.

    Args:
        longitude: Degrees east of the centre.
        latitude: Degrees north of the centre.
        width: In units.
        height: In units.
        unit_m: Metres in a unit.
    """

    def __init__(self, longitude: float, latitude: float, width: float, height: float, unit_m: float) -> None:
        super().__init__(longitude, latitude)
        half_width = width / 2
        half_height = height / 2
        self.half_width_m = width * unit_m / 2
        self.half_height_m = height * unit_m / 2
        self._reach_m = math.sqrt(half_width * half_width + half_height * half_height) * unit_m

    def bounds(self) -> Bounds:
        return self._bounds_around(self.half_width_m, self.half_height_m)

    def reach_m(self) -> float:
        return self._reach_m

    def distance_inside(self, longitude: float, latitude: float) -> tuple[bool, float]:
        if _meridian_m(latitude, self.latitude) > self.half_height_m:
            return False, 0.0
        if distance_m(longitude, latitude, self.longitude, latitude) > self.half_width_m:
            return False, 0.0
        return True, distance_m(self.longitude, self.latitude, longitude, latitude)


@final
class Polygon(Shape):
    """All positions inside a polygon on the flat map, by the even-odd rule; no edge crosses the date line.

    Distances are measured from its centre: the mean of the corners as points in space, seen from Earth's centre.

    Args:
        corners: Longitude and latitude of each corner in degrees, three corners or more.
    """

    def __init__(self, corners: list[tuple[float, float]]) -> None:
        x = 0.0
        y = 0.0
        z = 0.0
        for longitude, latitude in corners:
            flat = EARTH_RADIUS_M * math.cos(latitude * RADIANS)
            x += flat * math.cos(longitude * RADIANS)
            y += flat * math.sin(longitude * RADIANS)
            z += EARTH_RADIUS_M * math.sin(latitude * RADIANS)
        x /= len(corners)
        y /= len(corners)
        z /= len(corners)
        longitude = math.atan2(y, x) * 180.0 / math.pi  # in this order the last digit is the real server's
        latitude = math.atan2(z, math.sqrt(x * x + y * y)) * 180.0 / math.pi
        super().__init__(longitude, latitude)
        self.corners = corners
        longitudes = [corner[0] for corner in corners]
        latitudes = [corner[1] for corner in corners]
        self._bounds = Bounds(min(longitudes), min(latitudes), max(longitudes), max(latitudes))

    def bounds(self) -> Bounds:
        return self._bounds

    def reach_m(self) -> float:
        bounds = self._bounds
        reach = 0.0
        for longitude in (bounds.west, bounds.east):
            for latitude in (bounds.north, bounds.south):
                distance = distance_m(self.longitude, self.latitude, longitude, latitude)
                reach = max(reach, distance)
        return reach

    def distance_inside(self, longitude: float, latitude: float) -> tuple[bool, float]:
        inside = False
        behind_longitude, behind_latitude = self.corners[-1]
        for corner_longitude, corner_latitude in self.corners:
            if (corner_latitude > latitude) != (behind_latitude > latitude):
                # The edge crosses the position's circle of latitude: count it if it does so to the east.
                sideways = (behind_longitude - corner_longitude) * (latitude - corner_latitude)
                if longitude < sideways / (behind_latitude - corner_latitude) + corner_longitude:
                    inside = not inside
            behind_longitude = corner_longitude
            behind_latitude = corner_latitude
        if not inside:
            return False, 0.0
        return True, distance_m(self.longitude, self.latitude, longitude, latitude)


# Searching


@final
class Square:
    """One of the 2**step by 2**step squares of the map.

    Attributes:
        x: Number from the west; 2**step only for the far end of the map itself.
        y: Number from the south, likewise.
    """

    def __init__(self, x: i64, y: i64, step: i64) -> None:
        self.x = x
        self.y = y
        self.step = step

    def neighbour(self, east: i64, north: i64) -> "Square":
        """The square so many to the east and north, around the world if need be."""
        last: i64 = 1
        last = (last << self.step) - 1
        x = (self.x + east) & last if east != 0 else self.x
        y = (self.y + north) & last if north != 0 else self.y
        return Square(x, y, self.step)

    def bounds(self) -> Bounds:
        """Its edges in degrees."""
        return Bounds(
            _edge(self.x, LONGITUDE_MIN, LONGITUDE_MAX, self.step),
            _edge(self.y, LATITUDE_MIN, LATITUDE_MAX, self.step),
            _edge(self.x + 1, LONGITUDE_MIN, LONGITUDE_MAX, self.step),
            _edge(self.y + 1, LATITUDE_MIN, LATITUDE_MAX, self.step),
        )

    def scores(self) -> tuple[float, float]:
        """The range of scores inside: the first, and the first beyond."""
        bits = _spread(self.x) << 1 | _spread(self.y)
        shift: i64 = SCORE_BITS - 2 * self.step
        return float(bits << shift), float((bits + 1) << shift)


def search_ranges(shape: Shape) -> list[tuple[float, float]]:
    """The ranges of scores that hold every position inside a shape (and others), in the order of an unsorted reply.

    Returns:
        At most nine pairs: least score, and the score where the range ends (exclusive).
    """
    bounds = shape.bounds()
    step = _step_for(shape.reach_m(), shape.latitude)
    centre = _square_at(shape, step)
    if step > 1 and _reaches_beyond_neighbours(bounds, centre):
        step -= 1
        centre = _square_at(shape, step)
    edges = centre.bounds()
    ranges: list[tuple[float, float]] = []
    previous: Square | None = None
    for east, north in SQUARES:
        if step >= 2 and _is_needless(bounds, edges, east, north):
            continue
        square = centre.neighbour(east, north)
        # On a map of few squares the neighbours of both sides are one and the same.
        if previous is not None and square.x == previous.x and square.y == previous.y:
            continue
        if east != 0 or north != 0:
            previous = square
        ranges.append(square.scores())
    return ranges


def _step_for(reach_m: float, latitude: float) -> i64:
    """The finest cut of the map whose squares are likely large enough, given that they shrink towards the poles."""
    if reach_m == 0:
        return FINEST_STEP
    step: i64 = -1
    while reach_m < MERCATOR_MAX_M:
        reach_m *= 2
        step += 1
    if abs(latitude) > 66:
        step -= 1
    if abs(latitude) > 80:
        step -= 1
    return max(1, min(FINEST_STEP, step))


def _square_at(shape: Shape, step: i64) -> Square:
    """The square that holds the shape's centre; the nearest one for a centre beyond the map's north or south end."""
    latitude = max(LATITUDE_MIN, min(LATITUDE_MAX, shape.latitude))
    x = _steps(shape.longitude, LONGITUDE_MIN, LONGITUDE_MAX, step)
    return Square(x, _steps(latitude, LATITUDE_MIN, LATITUDE_MAX, step), step)


def _reaches_beyond_neighbours(bounds: Bounds, centre: Square) -> bool:
    """Whether the neighbours, where the map puts them, leave part of the bounds uncovered."""
    return (
        centre.neighbour(0, 1).bounds().north < bounds.north
        or centre.neighbour(0, -1).bounds().south > bounds.south
        or centre.neighbour(1, 0).bounds().east < bounds.east
        or centre.neighbour(-1, 0).bounds().west > bounds.west
    )


def _is_needless(bounds: Bounds, edges: Bounds, east: i64, north: i64) -> bool:
    """Whether the bounds end inside the centre square on the side where this neighbour lies."""
    if north < 0 and edges.south < bounds.south:
        return True
    if north > 0 and edges.north > bounds.north:
        return True
    if east < 0 and edges.west < bounds.west:
        return True
    return east > 0 and edges.east > bounds.east
