"""Geo commands: replies in both protocols, errors and their order, storing, polygons."""

import pytest

from tests.inprocess import InProcessClient

SICILY = ("13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania")
ANTIPODES = ("154.9148", "74.3413", "a", "-25.0852", "-74.3413", "b")
AROUND = ("FROMLONLAT", "15", "37")


@pytest.fixture
def sicily(client: InProcessClient) -> InProcessClient:
    client("GEOADD", "Sicily", *SICILY)
    return client


def test_geoadd_stores_a_score_that_sorted_set_commands_see(sicily: InProcessClient) -> None:
    assert sicily("ZSCORE", "Sicily", "Palermo") == b"3479099956230698"
    assert sicily("TYPE", "Sicily") == b"zset"


def test_a_position_outside_the_map_is_refused_with_what_was_read(client: InProcessClient) -> None:
    assert client.error("GEOADD", "key", "1", "1", "a", "200", "10.5", "b") == (
        "ERR invalid longitude,latitude pair 200.000000,10.500000"
    )
    assert client("EXISTS", "key") == 0


def test_coordinates_have_seventeen_decimals_at_most_in_either_protocol(sicily: InProcessClient) -> None:
    assert sicily("GEOPOS", "Sicily", "Palermo", "none") == [[b"13.36138933897018433", b"38.11555639549629859"], None]
    sicily("HELLO", "3")
    assert sicily.raw(b"GEOPOS Sicily Palermo\r\n") == b"*1\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n"


def test_distances_have_four_decimals_in_any_unit(sicily: InProcessClient) -> None:
    assert sicily("GEODIST", "Sicily", "Palermo", "Catania") == b"166274.1516"
    assert sicily("GEODIST", "Sicily", "Palermo", "Catania", "km") == b"166.2742"
    assert sicily("GEODIST", "Sicily", "Palermo", "Catania", "MI") == b"103.3182"
    assert sicily("GEODIST", "Sicily", "Palermo", "none") is None
    assert sicily.error("GEODIST", "Sicily", "Palermo", "Catania", "x") == (
        "ERR unsupported unit provided. please use M, KM, FT, MI"
    )


def test_it_is_ten_thousand_times_the_distance_that_is_rounded(client: InProcessClient) -> None:
    client("GEOADD", "key", "0.03295093774795532", "85.01850311659757153", "m")
    around = ("FROMLONLAT", "180.0", "32.5150577295", "BYRADIUS", "25650689.673", "ft")
    assert client("GEOSEARCH", "key", *around, "WITHDIST") == [[b"m", b"22794982.9864"]]


def test_antipodes_have_a_distance(client: InProcessClient) -> None:
    client("GEOADD", "key", *ANTIPODES)
    assert client("GEODIST", "key", "a", "b") == b"20020734.0000"


@pytest.mark.parametrize(
    ("count", "order", "members"),
    [
        (9, "ASC", b"m1 m4 m7 m0"),
        (9, "DESC", b"m8 m5 m2 m0"),
        (20, "ASC", b"m16 m10 m13 m1"),
        (20, "DESC", b"m8 m5 m2 m17"),
        (60, "ASC", b"m7 m10 m13 m16"),
        (60, "DESC", b"m11 m59 m56 m53"),
    ],
)
def test_a_count_cuts_equally_distant_members_off_as_real_servers_do(
    client: InProcessClient, count: int, order: str, members: bytes
) -> None:
    for number in range(count):
        client("GEOADD", "key", str(number % 3), "0", f"m{number}")
    around = ("FROMLONLAT", "1", "0", "BYRADIUS", "200", "km")
    assert client("GEOSEARCH", "key", *around, order, "COUNT", "4") == members.split()


def test_geosearch_answers_what_is_asked_for_in_a_fixed_order(sicily: InProcessClient) -> None:
    reply = sicily(
        "GEOSEARCH", "Sicily", *AROUND, "BYBOX", "400", "400", "km", "ASC", "WITHCOORD", "WITHHASH", "WITHDIST"
    )
    assert reply == [
        [b"Catania", b"56.4413", 3479447370796909, [b"15.08726745843887329", b"37.50266842333162032"]],
        [b"Palermo", b"190.4424", 3479099956230698, [b"13.36138933897018433", b"38.11555639549629859"]],
    ]


def test_count_without_any_gives_the_nearest(sicily: InProcessClient) -> None:
    assert sicily("GEOSEARCH", "Sicily", *AROUND, "BYRADIUS", "200", "km", "COUNT", "1") == [b"Catania"]
    assert sicily("GEOSEARCH", "Sicily", *AROUND, "BYRADIUS", "200", "km", "COUNT", "1", "DESC") == [b"Palermo"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("BYRADIUS", "1", "km"), "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH"),
        (("FROMLONLAT", "1", "1"), "ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH"),
        (("FROMLONLAT", "1", "1", "BYRADIUS", "1", "km", "BYBOX", "1", "1", "km"), "ERR syntax error"),
        (("FROMMEMBER", "x", "BYRADIUS", "1", "km"), "ERR could not decode requested zset member"),
        (("FROMLONLAT", "1", "1", "BYRADIUS", "-1", "km"), "ERR radius cannot be negative"),
        (("FROMLONLAT", "1", "1", "BYRADIUS", "x", "km"), "ERR need numeric radius"),
        (("FROMLONLAT", "1", "1", "BYBOX", "1", "x", "km"), "ERR need numeric height"),
        (("FROMLONLAT", "1", "1", "BYBOX", "-1", "1", "km"), "ERR height or width cannot be negative"),
        (("FROMLONLAT", "1", "1", "BYRADIUS", "1", "km", "ANY"), "ERR the ANY argument requires COUNT argument"),
        (("FROMLONLAT", "1", "1", "BYRADIUS", "1", "km", "COUNT", "0"), "ERR COUNT must be > 0"),
        (("FROMLONLAT", "1", "1", "BYRADIUS", "1", "km", "STOREDIST"), "ERR syntax error"),
    ],
)
def test_geosearch_refuses_what_makes_no_area(sicily: InProcessClient, arguments: tuple[str, ...], error: str) -> None:
    # Padded with a repeated option, which changes nothing, to the number of arguments the command needs at least.
    padding = ["ASC"] * max(0, 5 - len(arguments))
    assert sicily.error("GEOSEARCH", "Sicily", *arguments, *padding) == error


def test_geosearchstore_keeps_scores_or_distances(sicily: InProcessClient) -> None:
    area = ("Sicily", *AROUND, "BYRADIUS", "100", "km")
    assert sicily("GEOSEARCHSTORE", "near", *area) == 1
    assert sicily("ZRANGE", "near", "0", "-1", "WITHSCORES") == [b"Catania", b"3479447370796909"]
    assert sicily("GEOSEARCHSTORE", "near", *area, "STOREDIST") == 1
    assert abs(float(sicily("ZSCORE", "near", "Catania")) - 56.4412578701582) < 1e-9  # type: ignore[arg-type]


def test_storing_nothing_deletes_the_destination(sicily: InProcessClient) -> None:
    sicily("SET", "near", "x")
    assert sicily("GEOSEARCHSTORE", "near", "Sicily", "FROMLONLAT", "0", "0", "BYRADIUS", "1", "m") == 0
    assert sicily("EXISTS", "near") == 0
    sicily("SET", "near", "x")
    assert sicily("GEORADIUS", "none", "1", "1", "1", "m", "STORE", "near") == 0
    assert sicily("EXISTS", "near") == 0


def test_georadius_ro_knows_no_store(sicily: InProcessClient) -> None:
    assert sicily.error("GEORADIUS_RO", "Sicily", "15", "37", "1", "km", "STORE", "x") == "ERR syntax error"
    assert sicily.error("GEORADIUSBYMEMBER_RO", "Sicily", "Catania", "1", "km", "STORE", "x") == "ERR syntax error"


def test_georadius_with_store_answers_no_details(sicily: InProcessClient) -> None:
    assert sicily.error("GEORADIUS", "Sicily", "15", "37", "1", "km", "STORE", "x", "WITHDIST") == (
        "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
    )


def test_a_polygon_is_searched_without_a_centre(sicily: InProcessClient) -> None:
    triangle = ("BYPOLYGON", "3", "13", "38", "14", "38", "13.5", "39")
    assert sicily("GEOSEARCH", "Sicily", *triangle) == [b"Palermo"]
    assert sicily("GEOSEARCHSTORE", "in", "Sicily", *triangle) == 1
    assert sicily.error("GEOSEARCH", "Sicily", *triangle, "FROMLONLAT", "1", "1") == "ERR syntax error"
    assert sicily.error("GEOSEARCH", "Sicily", *triangle, "BYRADIUS", "1", "m") == "ERR syntax error"


@pytest.mark.parametrize(
    "corners", [("2", "1", "1", "2", "2"), ("4", "1", "1", "2", "2", "3", "3"), ("-3", "1", "1", "2")]
)
def test_a_polygon_needs_three_corners(sicily: InProcessClient, corners: tuple[str, ...]) -> None:
    assert sicily.error("GEOSEARCH", "Sicily", "BYPOLYGON", *corners) == (
        "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"
    )
