"""Numbers as text; the expectations of incr_float and parse_double were observed on redis-server 7.0.15."""

import math

import pytest

from hognose.datastructures.numbers import (
    canonical_int,
    format_double,
    format_i64,
    incr_float,
    parse_double,
    parse_i64,
)

CANONICAL = [
    b"0",
    b"7",
    b"-1",
    b"10",
    b"999999999999999999",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"-1000000000000000000",
]
NOT_CANONICAL = [
    b"",
    b"-",
    b"-0",
    b"+1",
    b" 1",
    b"1 ",
    b"01",
    b"-01",
    b"1a",
    b"--1",
    b"1.0",
    b"1\x00",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"9999999999999999999",
    b"18446744073709551615",
    b"18446744073709551617",
    b"-18446744073709551615",
]


@pytest.mark.parametrize("text", CANONICAL)
def test_canonical_integer_is_read_and_printed_back(text: bytes) -> None:
    assert canonical_int(text)
    assert parse_i64(text) == int(text)
    assert format_i64(parse_i64(text)) == text


@pytest.mark.parametrize("text", NOT_CANONICAL)
def test_anything_else_is_no_integer(text: bytes) -> None:
    assert not canonical_int(text)
    with pytest.raises(ValueError):
        parse_i64(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1.", 1.0),
        (b".5", 0.5),
        (b"-1e-3", -0.001),
        (b"+7", 7.0),
        (b"0x10", 16.0),
        (b"-0X1.8P3", -12.0),
        (b"0x.8", 0.5),
        (b"inf", math.inf),
        (b"-Infinity", -math.inf),
        (b"0e-99999999999", 0.0),
        (b"0x0p-99999", 0.0),
        (b"5e-324", 5e-324),
        (b"1.7976931348623158e308", 1.7976931348623157e308),
    ],
)
def test_double_is_read_as_strtod_reads_it(text: bytes, value: float) -> None:
    assert parse_double(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"-",
        b"e1",
        b"1e",
        b"1e+",
        b"1_0",
        b" 1",
        b"1 ",
        b"\t1",
        b"1\x00",
        b"nan",
        b"NAN(1)",
        b"infinit",
        b"i",
        b"0x",
        b"0x.",
        b"0x1p",
        b"1.0p3",
        b"1e400",
        b"-1e400",
        b"2.4e-324",
        b"1e-400",
        b"0x1p-1075",
        b"0x1p1024",
        b"1e5.5",
        b"\xff",
    ],
)
def test_what_strtod_leaves_over_or_cannot_hold_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_double(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, b"3"),
        (3.1, b"3.1"),
        (-0.0, b"-0"),
        (0.0, b"0"),
        (math.inf, b"inf"),
        (-math.inf, b"-inf"),
        (math.nan, b"nan"),
        (1e20, b"1e+20"),
        (1e-7, b"1e-7"),
        (0.000001, b"0.000001"),
        (0.00015, b"0.00015"),
        (-2.5, b"-2.5"),
        (-1.5e-5, b"-0.000015"),
        (1.2345678901234567e16, b"12345678901234568"),
        (1.25e25, b"1.25e+25"),
        (12345.6789012, b"1.23456789012e+4"),
        (1234.56789012, b"1234.56789012"),
        (12345.678901, b"12345.678901"),
        (1714659124.1234567, b"1.7146591241234567e+9"),
        (0.00123456789, b"0.00123456789"),
        (0.000123456789, b"1.23456789e-4"),
        (2.0**53, b"9007199254740992"),
        (2.0**62, b"4611686018427387904"),
        (2.0**63, b"9223372036854776000"),
        (1.5e300, b"1.5e+300"),
        (5e-324, b"5e-324"),
        (0.5, b"0.5"),
        (99.95, b"99.95"),
        (0.1 + 0.2, b"0.30000000000000004"),
        (22.158277, b"22.158276999999998"),
        (14.916906, b"14.916906000000001"),
        (66290.9303, b"6.629093030000001e+4"),
        (7e22, b"70000000000000004000000"),
        (-8e23, b"-7.999999999999999e+23"),
        (-38.32068085710603, b"-38.320680857106026"),
    ],
)
def test_double_is_printed_as_version_7_2_does(value: float, text: bytes) -> None:
    assert format_double(value) == text


@pytest.mark.parametrize(
    ("value", "increment", "total"),
    [
        (b"0.1", b"0.2", b"0.3"),
        (b"3.0e3", b"200", b"3200"),
        (b"1000", b"0.1", b"1000.09999999999999998"),
        (b"17179869184", b"1.5", b"17179869185.5"),
        (b"1.23456789012345678", b"0", b"1.23456789012345678"),
        (b"5e-324", b"0", b"0"),
        (b"-1e-30", b"0", b"0"),
        (b"-1.5", b"1.5", b"0"),
        (b"0x10", b"1", b"17"),
        (b"18446744073709551615", b"0", b"18446744073709551615"),
        (b"18446744073709551617", b"0", b"18446744073709551616"),
        (b"36893488147419103233", b"0", b"36893488147419103232"),
        (b"1e20", b"-1", b"100000000000000000000"),
    ],
)
def test_float_increment_rounds_as_an_80_bit_number(value: bytes, increment: bytes, total: bytes) -> None:
    assert incr_float(value, increment) == total


def test_float_increment_prints_the_largest_numbers_in_full() -> None:
    total = incr_float(b"1e4932", b"0")
    assert len(total) == 4933
    assert total.startswith(b"1000000000000000000")


@pytest.mark.parametrize("text", [b"", b"nan", b" 1", b"1e4933", b"1e-5000", b"0" * 5120, b"0x1p16384", b"0x1p-16446"])
def test_float_increment_refuses_what_is_no_number(text: bytes) -> None:
    with pytest.raises(ValueError):
        incr_float(text, b"1")
    with pytest.raises(ValueError):
        incr_float(b"1", text)


@pytest.mark.parametrize(
    ("value", "increment"), [(b"inf", b"1"), (b"1", b"-inf"), (b"inf", b"-inf"), (b"1.1e4932", b"1.1e4932")]
)
def test_float_increment_refuses_a_sum_that_is_not_finite(value: bytes, increment: bytes) -> None:
    with pytest.raises(OverflowError):
        incr_float(value, increment)


def test_huge_exponents_cost_no_time_and_no_memory() -> None:
    assert incr_float(b"0e99999999999999999999", b"1") == b"1"
    with pytest.raises(ValueError):
        incr_float(b"1e99999999999999999999", b"1")
    with pytest.raises(ValueError):
        incr_float(b"0x1p99999999999999999999", b"1")
    with pytest.raises(ValueError):
        incr_float(b"0x1p-99999999999999999999", b"1")
    with pytest.raises(ValueError):
        incr_float(b"1e-99999999999999999999", b"1")
    assert incr_float(b"0x0p99999999999999999999", b"1") == b"1"
