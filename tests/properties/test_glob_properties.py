"""Glob patterns against a recursive matcher that is too simple to be wrong (and exponential)."""

from hypothesis import given
from hypothesis import strategies as st

from hognose.datastructures.glob import Glob, glob_match

ALPHABET = st.sampled_from([b"a", b"b", b"*", b"?"])
PATTERNS = st.lists(ALPHABET, max_size=10).map(b"".join)
VALUES = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=8).map(b"".join)


def reference_match(pattern: bytes, value: bytes) -> bool:
    if not pattern:
        return not value
    if pattern[:1] == b"*":
        return reference_match(pattern[1:], value) or (bool(value) and reference_match(pattern, value[1:]))
    return bool(value) and pattern[:1] in (b"?", value[:1]) and reference_match(pattern[1:], value[1:])


@given(PATTERNS, VALUES)
def test_matching_agrees_with_the_recursive_definition(pattern: bytes, value: bytes) -> None:
    starts_with_nothing_left = value == b"" and pattern != b""
    expected = not starts_with_nothing_left and reference_match(pattern, value)
    assert glob_match(pattern, value) is expected
    assert Glob(pattern).matches(value) is expected


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_any_bytes_are_a_pattern(pattern: bytes, value: bytes) -> None:
    assert Glob(pattern).matches(value) is glob_match(pattern, value)
    assert Glob(pattern, True).matches(value) is glob_match(pattern, value, True)


@given(st.binary(min_size=1, max_size=30))
def test_an_escaped_value_matches_itself(value: bytes) -> None:
    escaped = b"".join(b"\\" + bytes([byte]) for byte in value)
    assert glob_match(escaped, value)
