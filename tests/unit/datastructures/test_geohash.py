"""Geohash: scores, texts and distances a real server gives; what shapes hold; searches at the ends of the map.

The positions, scores, texts and distances in this file were read off redis-server 7.0.15.
"""

import math

import pytest

from hognose.datastructures import geohash

PALERMO = (13.361389, 38.115556)
CATANIA = (15.087269, 37.502669)


@pytest.mark.parametrize(
    ("longitude", "latitude", "score"),
    [
        (*PALERMO, 3479099956230698),
        (*CATANIA, 3479447370796909),
        (0.0, 0.0, 3377699720527872),
        (-180.0, -85.05112878, 0),
        (180.0, 85.05112878, 13510798882111488),
        (-0.0001, 51.5, 2163558280248802),
    ],
)
def test_a_position_has_the_servers_score(longitude: float, latitude: float, score: int) -> None:
    assert geohash.encode(longitude, latitude) == score


@pytest.mark.parametrize(
    ("score", "longitude", "latitude"),
    [
        (3479099956230698.0, 13.36138933897018433, 38.11555639549629859),
        (3479447370796909.0, 15.08726745843887329, 37.50266842333162032),
    ],
)
def test_a_score_has_the_servers_position(score: float, longitude: float, latitude: float) -> None:
    assert geohash.decode(score) == (longitude, latitude)


@pytest.mark.parametrize(
    ("score", "longitude", "latitude"),
    [
        (-1.0, 180.0, 85.05112878),
        (1e300, -179.99999731779099, -85.05112751263943),
        (math.inf, -179.99999731779099, -85.05112751263943),
        (-math.inf, 180.0, -85.05112751263943),
        (2.0**63, 180.0, -85.05112751263943),
        (4503599627370496.0, -179.99999731779099, 85.05112878),
    ],
)
def test_a_score_that_is_no_position_decodes_as_on_the_server(score: float, longitude: float, latitude: float) -> None:
    assert geohash.decode(score) == (longitude, latitude)


def test_the_text_is_the_common_geohash_with_a_zero_behind() -> None:
    assert geohash.text(*geohash.decode(3479099956230698.0)) == b"sqc8b49rny0"
    assert geohash.text(*geohash.decode(3479447370796909.0)) == b"sqdtr74hyu0"


def test_distance_is_the_servers() -> None:
    palermo = geohash.decode(3479099956230698.0)
    catania = geohash.decode(3479447370796909.0)
    assert f"{geohash.distance_m(*palermo, *catania):.4f}" == "166274.1516"


def test_distance_along_a_meridian_is_the_length_of_the_arc() -> None:
    assert geohash.distance_m(7.0, 10.0, 7.0, 11.0) == pytest.approx(geohash.EARTH_RADIUS_M * math.radians(1))


def found(shape: geohash.Shape, positions: dict[str, tuple[float, float]]) -> list[str]:
    """A search as GEOSEARCH does it, over named positions."""
    scores = sorted((float(geohash.encode(*position)), name) for name, position in positions.items())
    names = []
    for least, end in geohash.search_ranges(shape):
        for score, name in scores:
            inside, _ = shape.distance_inside(*geohash.decode(score))
            if least <= score < end and inside:
                names.append(name)
    return names


def test_a_circle_reaches_across_the_date_line() -> None:
    fiji = {"east": (179.9, -17.0), "west": (-179.9, -17.0), "far": (170.0, -17.0)}
    assert sorted(found(geohash.Circle(179.95, -17.0, 50.0, 1000.0), fiji)) == ["east", "west"]


def test_a_circle_near_the_pole_takes_in_all_longitudes() -> None:
    ring = {str(longitude): (float(longitude), 85.0) for longitude in range(-180, 180, 30)}
    assert sorted(found(geohash.Circle(0.0, 85.0, 1200.0, 1000.0), ring)) == sorted(ring)


def test_an_endless_circle_finds_every_position_once() -> None:
    world = {f"{x},{y}": (float(x), float(y)) for x in range(-180, 180, 20) for y in range(-80, 81, 20)}
    names = found(geohash.Circle(10.0, 50.0, math.inf, 1.0), world)
    assert sorted(names) == sorted(world)


def test_a_circle_of_no_radius_holds_its_centre_if_that_is_a_position_exactly() -> None:
    centre = geohash.decode(3479099956230698.0)
    assert found(geohash.Circle(*centre, 0.0, 1.0), {"there": centre, "beside": CATANIA}) == ["there"]


def test_a_box_is_as_wide_as_said_at_each_latitude() -> None:
    box = geohash.Box(0.0, 60.0, 400.0, 800.0, 1000.0)
    assert box.distance_inside(3.4, 59.0)[0]
    assert not box.distance_inside(3.4, 57.0)[0]
    assert not box.distance_inside(0.0, 63.7)[0]


def test_a_polygon_with_a_bay_leaves_the_bay_out() -> None:
    bay = geohash.Polygon([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (5.0, 2.0), (0.0, 10.0)])
    places = {"left": (1.0, 5.0), "bay": (5.0, 6.0), "right": (9.0, 5.0), "below": (5.0, 1.0), "outside": (11.0, 5.0)}
    assert sorted(found(bay, places)) == ["below", "left", "right"]


def test_a_polygon_that_crosses_itself_counts_crossings() -> None:
    bow_tie = geohash.Polygon([(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0)])
    assert sorted(found(bow_tie, {"left": (2.0, 5.0), "top": (5.0, 8.0), "right": (8.0, 5.0)})) == ["left", "right"]


def test_distances_in_a_polygon_are_measured_from_the_mean_of_its_corners() -> None:
    square = geohash.Polygon([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    inside, distance = square.distance_inside(0.5, 0.0)
    assert inside
    assert distance == pytest.approx(geohash.distance_m(0.0, 0.0, 0.5, 0.0))


def test_a_polygon_around_the_pole_of_the_map_can_be_searched() -> None:
    cap = geohash.Polygon([(-170.0, 80.0), (-60.0, 80.0), (60.0, 80.0), (170.0, 80.0), (0.0, 85.0)])
    assert found(cap, {"in": (0.0, 84.0), "out": (0.0, 70.0)}) == ["in"]
