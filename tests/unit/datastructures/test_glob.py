"""Glob patterns, each expectation observed on redis-server 7.0.15 (KEYS, and COMMAND LIST for ignored case)."""

import time

import pytest

from hognose.datastructures.glob import Glob, glob_match

MATCHING = [
    (b"", b""),
    (b"*", b"x"),
    (b"**", b"x"),
    (b"a*", b"a"),
    (b"a***", b"a"),
    (b"*a", b"bba"),
    (b"*a*b*", b"xxayybzz"),
    (b"h?llo", b"hello"),
    (b"h[ae]llo", b"hallo"),
    (b"h[^e]llo", b"hallo"),
    (b"h[a-b]llo", b"hbllo"),
    (b"h[b-a]llo", b"hbllo"),
    (b"\\*", b"*"),
    (b"\\\\", b"\\"),
    (b"\\", b"\\"),
    (b"[\\]]", b"]"),
    (b"[a\\-z]", b"-"),
    (b"[a", b"a"),
    (b"[^", b"a"),
    (b"[a-", b"-"),
    (b"[a-]", b"`"),
    (b"[^]", b"x"),
    (b"[\x01-\xff]", b"\x00"),
    (b"[\x80-\xff]", b"\x90"),
]

DIFFERING = [
    (b"", b"a"),
    (b"*", b""),
    (b"**", b""),
    (b"?", b""),
    (b"??", b"a"),
    (b"a", b"ab"),
    (b"ab", b"a"),
    (b"a*b", b"a"),
    (b"h[^e]llo", b"hello"),
    (b"[]", b"]"),
    (b"[", b"["),
    (b"[\x01-\xff]", b"\x7f"),
    (b"[a\\-z]", b"b"),
    (b"A", b"a"),
]

MATCHING_IN_ANY_CASE = [
    (b"GET", b"get"),
    (b"g[E]t", b"get"),
    (b"[A-Z]et", b"get"),
    (b"G*T", b"get"),
    (b"\\Get", b"get"),
]


@pytest.mark.parametrize(("pattern", "value"), MATCHING)
def test_pattern_matches_value(pattern: bytes, value: bytes) -> None:
    assert glob_match(pattern, value)
    assert Glob(pattern).matches(value)


@pytest.mark.parametrize(("pattern", "value"), DIFFERING)
def test_pattern_does_not_match_value(pattern: bytes, value: bytes) -> None:
    assert not glob_match(pattern, value)
    assert not Glob(pattern).matches(value)


@pytest.mark.parametrize(("pattern", "value"), MATCHING_IN_ANY_CASE)
def test_pattern_matches_value_in_any_case_when_asked_to(pattern: bytes, value: bytes) -> None:
    assert glob_match(pattern, value, True)
    assert Glob(pattern, True).matches(value)
    assert not glob_match(pattern.upper(), value)


def test_an_escaped_byte_inside_a_class_keeps_its_case() -> None:
    assert not glob_match(b"[\\G]et", b"get", True)
    assert glob_match(b"[\\g]et", b"get", True)


def test_only_a_lone_star_matches_everything() -> None:
    assert Glob(b"*").matches_everything
    assert not Glob(b"**").matches_everything
    assert not Glob(b"a*").matches_everything


def test_literal_prefix_ends_at_the_first_special_byte() -> None:
    assert Glob(b"user:*:name").literal_prefix == b"user:"
    assert Glob(b"user\\:x").literal_prefix == b"user"
    assert Glob(b"user:*", True).literal_prefix == b""


def test_up_to_a_thousand_stars_before_an_element_match_and_no_more() -> None:
    value = b"a" * 5000
    assert glob_match(b"*a" * 1000, value)
    assert glob_match(b"*a" * 1000 + b"*", value)
    assert not glob_match(b"*a" * 1001, value)


def test_nested_stars_do_not_blow_up() -> None:
    started = time.process_time()
    assert not glob_match(b"a*" * 40 + b"b", b"a" * 20_000)
    assert time.process_time() - started < 5
