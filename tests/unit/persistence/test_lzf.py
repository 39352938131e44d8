"""LZF: texts taken apart by hand, damaged ones, and every text back again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hognose.persistence.lzf import Compressor, decompress, repeat_length

ENOUGH = 1 << 30


def test_literals_are_taken_as_they_are() -> None:
    assert decompress(b"\x02abc", 3) == b"abc"


def test_short_repeat_says_length_and_distance_in_two_bytes() -> None:
    assert decompress(b"\x02abc\x20\x02", 6) == b"abcabc"


def test_long_repeat_may_reach_into_itself() -> None:
    assert decompress(b"\x00a\xe0\xff\x00", 265) == b"a" * 265


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"\x02ab", 3),
        (b"\x20\x00", 3),
        (b"\x00a\x20\x01", 4),
        (b"\x00a\x20", 4),
        (b"\x00a\xe0", 10),
        (b"\x00a\xe0\x00", 10),
        (b"\x02abc", 2),
        (b"\x02abc", 4),
        (b"\x00a\xe0\xff\x00", 100),
    ],
)
def test_damaged_text_is_refused(data: bytes, size: int) -> None:
    with pytest.raises(ValueError, match="compressed string"):
        decompress(data, size)


def test_text_that_does_not_shrink_is_not_compressed() -> None:
    assert Compressor().compress(bytes(range(100)), 96) is None


def test_run_becomes_a_few_bytes() -> None:
    packed = Compressor().compress(b"x" * 1000, 50)
    assert packed is not None
    assert decompress(packed, 1000) == b"x" * 1000


TEXTS = st.one_of(
    st.binary(max_size=500),
    st.lists(st.sampled_from([b"one", b"two ", b"three", b"a" * 300, b"\x00" * 20]), max_size=60).map(b"".join),
)


@given(st.lists(TEXTS, max_size=6))
def test_every_text_comes_back_whatever_was_compressed_before(texts: list[bytes]) -> None:
    compressor = Compressor()
    for text in texts:
        packed = compressor.compress(text, ENOUGH)
        assert packed is not None
        assert decompress(packed, len(text)) == text


@pytest.mark.parametrize("rest", [b"", b"x", b"x" * 7, b"x" * 8, b"x" * 400])
@pytest.mark.parametrize("differing", [b"\x00", b"\x80", b"\xff"])
def test_repeat_ends_where_the_first_byte_differs(differing: bytes, rest: bytes) -> None:
    for length in [*range(3, 30), 255, 256, 263]:
        same = bytes(1 + index % 100 for index in range(length))
        text = same + b"\x7f" + rest + same + differing + rest
        assert repeat_length(text, 0, length + 1 + len(rest)) == length
    assert repeat_length(b"a" * 900, 0, 1) == 264


def test_repeats_farther_than_the_format_reaches_are_not_used() -> None:
    text = b"abcdefgh" + bytes(index * 7919 % 251 for index in range(9000)) + b"abcdefgh"
    packed = Compressor().compress(text, ENOUGH)
    assert packed is not None
    assert decompress(packed, len(text)) == text
