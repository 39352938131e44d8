"""Geohash against plain arithmetic: searches lose nothing, scores keep positions, distances are a metric."""

import math
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from hognose.datastructures import geohash

LONGITUDES = st.floats(-180, 179.999)  # 180 itself falls off the end of its scores, on the real server too
LATITUDES = st.floats(geohash.LATITUDE_MIN, geohash.LATITUDE_MAX)
POSITIONS = st.tuples(LONGITUDES, LATITUDES)
MODERATE = st.tuples(LONGITUDES, st.floats(-65, 65))
METRES = st.floats(0.01, 1_000_000)


@given(position=POSITIONS)
def test_a_score_keeps_its_position_within_one_square(position: tuple[float, float]) -> None:
    longitude, latitude = geohash.decode(float(geohash.encode(*position)))
    assert abs(longitude - position[0]) <= 360 / 2**26
    assert abs(latitude - position[1]) <= 171 / 2**26


@given(score=st.floats(allow_nan=False))
def test_every_score_decodes_to_a_position_on_the_map(score: float) -> None:
    longitude, latitude = geohash.decode(score)
    assert -180 <= longitude <= 180
    assert geohash.LATITUDE_MIN <= latitude <= geohash.LATITUDE_MAX


@given(centre=MODERATE, bearing=st.floats(0, 2 * math.pi), radius=METRES, part=st.floats(0, 1))
def test_a_circle_search_reads_every_position_inside(
    centre: tuple[float, float], bearing: float, radius: float, part: float
) -> None:
    # Beyond 66 degrees or across the ends of the map the real server's squares may leave gaps, and so do these.
    north = math.degrees(radius * part / geohash.EARTH_RADIUS_M) * math.cos(bearing)
    latitude = centre[1] + north
    east = math.degrees(radius * part / geohash.EARTH_RADIUS_M) * math.sin(bearing) / math.cos(math.radians(latitude))
    longitude = (centre[0] + east + 180) % 360 - 180
    assume(abs(latitude) < 65)
    score = float(geohash.encode(longitude, latitude))
    circle = geohash.Circle(*centre, radius, 1.0)
    if circle.distance_inside(*geohash.decode(score))[0]:
        assert any(least <= score < end for least, end in geohash.search_ranges(circle))


@given(centre=POSITIONS, radius=st.floats(0, 1e9))
def test_no_score_is_read_twice(centre: tuple[float, float], radius: float) -> None:
    ranges = sorted(geohash.search_ranges(geohash.Circle(*centre, radius, 1.0)))
    assert len(ranges) <= 9
    for (_, end), (least, _) in pairwise(ranges):
        assert end <= least


@given(one=POSITIONS, two=POSITIONS)
def test_distance_is_symmetric_and_at_most_half_way_around(one: tuple[float, float], two: tuple[float, float]) -> None:
    there = geohash.distance_m(*one, *two)
    assert there == geohash.distance_m(*two, *one) or math.isnan(there)
    assert not there > math.pi * geohash.EARTH_RADIUS_M * 1.0000001


@given(
    corners=st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=3, max_size=3, unique=True),
    weights=st.tuples(st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0.05, 1)),
)
def test_what_lies_between_the_corners_of_a_triangle_is_inside(
    corners: list[tuple[float, float]], weights: tuple[float, float, float]
) -> None:
    (ax, ay), (bx, by), (cx, cy) = corners
    assume(abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) > 1)
    total = sum(weights)
    x = sum(weight * corner[0] for weight, corner in zip(weights, corners, strict=True)) / total
    y = sum(weight * corner[1] for weight, corner in zip(weights, corners, strict=True)) / total
    triangle = geohash.Polygon(corners)
    assert triangle.distance_inside(x, y)[0]
    assert not triangle.distance_inside(2 * ax - x, 2 * ay - y)[0]
    score = float(geohash.encode(x, y))
    assert any(least <= score < end for least, end in geohash.search_ranges(triangle))


@given(
    st.floats(-180, 180),
    st.floats(geohash.LATITUDE_MIN, geohash.LATITUDE_MAX),
    st.floats(-180, 180),
    st.floats(geohash.LATITUDE_MIN, geohash.LATITUDE_MAX),
    st.one_of(st.floats(0, 3e7), st.floats(0.999, 1.001)),
)
def test_a_circle_leaves_out_no_position_within_its_radius(
    longitude: float, latitude: float, other_longitude: float, other_latitude: float, radius: float
) -> None:
    distance = geohash.distance_m(longitude, latitude, other_longitude, other_latitude)
    if 0.9 < radius < 1.1:  # a radius that the other position is just inside or outside of
        radius *= distance
    circle = geohash.Circle(longitude, latitude, radius, 1.0)
    inside, _ = circle.distance_inside(other_longitude, other_latitude)
    assert inside == (not distance > radius)
