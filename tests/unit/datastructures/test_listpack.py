"""Listpacks: golden bytes of a real server, every encoding's borders, and corrupt blobs."""

import pytest

from hognose.datastructures import listpack
from tests.unit.datastructures.golden_dumps import LISTPACKS

BORDERS = [0, 127, 128, 4095, 4096, 32767, 32768, 8388607, 8388608, 2**31 - 1, 2**31, 2**63 - 1]
BORDERS += [-1, -4096, -4097, -32768, -32769, -8388608, -8388609, -(2**31), -(2**31) - 1, -(2**63)]


@pytest.mark.parametrize(("elements", "blob"), LISTPACKS)
def test_elements_encode_to_the_bytes_of_a_real_server(elements: list[bytes], blob: bytes) -> None:
    assert listpack.seal(listpack.encode_all(elements), len(elements)) == blob


@pytest.mark.parametrize(("elements", "blob"), LISTPACKS)
def test_bytes_of_a_real_server_decode_to_the_elements(elements: list[bytes], blob: bytes) -> None:
    assert listpack.validate(blob)
    body = listpack.unseal(blob)
    assert listpack.count_entries(body) == len(elements)
    assert listpack.elements(body) == elements
    backward: list[bytes] = []
    listpack.extend_list_backward(backward, body, len(body), len(elements))
    assert backward == elements[::-1]


@pytest.mark.parametrize("value", BORDERS)
def test_integers_take_the_narrowest_entry(value: int) -> None:
    widths = [
        (0, 127, 2),
        (-4096, 4095, 3),
        (-(2**15), 2**15 - 1, 4),
        (-(2**23), 2**23 - 1, 5),
        (-(2**31), 2**31 - 1, 6),
    ]
    entry = listpack.encode(b"%d" % value)
    assert len(entry) == next((size for low, high, size in widths if low <= value <= high), 10)
    assert listpack.is_int(entry, 0)
    assert listpack.get_i64(entry, 0) == value
    assert listpack.get(entry, 0) == b"%d" % value


@pytest.mark.parametrize("text", [b"", b"-", b"-0", b"+1", b"01", b"1.0", b"9223372036854775808"])
def test_text_that_only_looks_like_a_number_stays_a_string(text: bytes) -> None:
    entry = listpack.encode(text)
    assert not listpack.is_int(entry, 0)
    assert listpack.get(entry, 0) == text


@pytest.mark.parametrize(
    ("size", "entry_size"),
    [(63, 65), (64, 67), (125, 128), (126, 130), (4095, 4099), (4096, 4103), (16377, 16384), (16378, 16386)],
)
def test_string_entries_have_the_sizes_of_the_real_format(size: int, entry_size: int) -> None:
    entry = listpack.encode(b"x" * size)
    assert len(entry) == entry_size
    assert listpack.entry_size(entry, 0) == entry_size
    assert listpack.previous_offset(entry, entry_size) == 0


def test_more_entries_than_the_header_can_say_are_counted_when_read() -> None:
    blob = listpack.seal(listpack.encode_all([b"1"] * 70_000), 70_000)
    assert blob[4:6] == b"\xff\xff"
    assert listpack.count_entries(listpack.unseal(blob)) == 70_000


def test_find_looks_at_fields_only_when_told_to_step_over_values() -> None:
    body = listpack.encode_all([b"a", b"b", b"b", b"c"])
    entry = listpack.encode(b"b")
    assert listpack.find(body, entry, 0, 1) == 3
    assert listpack.find(body, entry, 0, 2) == 6
    assert listpack.find(body, listpack.encode(b"c"), 0, 2) == -1
    assert listpack.find(b"", entry, 0, 2) == -1


def test_find_tells_elements_of_equal_beginning_apart() -> None:
    long = b"x" * 100
    body = listpack.encode_all([long + b"1", long + b"2", b"field:1", b"field:2"])
    for index, element in enumerate([long + b"1", long + b"2", b"field:1", b"field:2"]):
        assert listpack.find(body, listpack.encode(element), 0, 1) == listpack.seek(body, 4, index)


def test_unseal_brings_foreign_forms_to_the_proper_one() -> None:
    number_as_string = b"\x8212\x03"
    wide_number = b"\xf1\x05\x00\x03"
    short_string_in_long_form = b"\xe0\x01a\x03"
    body = number_as_string + wide_number + short_string_in_long_form
    assert not listpack.is_canonical(body)
    with pytest.raises(AssertionError):
        listpack.check_invariants(body)
    assert listpack.unseal(listpack.seal(body, 3)) == listpack.encode_all([b"12", b"5", b"a"])


def sealed(body: bytes, count: int) -> bytes:
    return (len(body) + 7).to_bytes(4, "little") + count.to_bytes(2, "little") + body + b"\xff"


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x07\x00\x00\x00\x00",
        b"\x08\x00\x00\x00\x00\x00\xff",
        b"\x07\x00\x00\x00\x00\x00\x00",
        sealed(b"\x01\x01", 2),
        sealed(b"\x01", 1),
        sealed(b"\x01\x02", 1),
        sealed(b"\x83ab\x04", 1),
        sealed(b"\x82ab\x04", 1),
        sealed(b"\xbf" + b"a" * 60, 1),
        sealed(b"\xe0", 1),
        sealed(b"\xef\xffabc", 1),
        sealed(b"\xf0\xff\xff\xff\xffabc", 1),
        sealed(b"\xf0\x01", 1),
        sealed(b"\xf4\x00\x00\x09", 1),
        sealed(b"\xf5\x01", 1),
        sealed(b"\xff\x01", 1),
    ],
)
def test_a_corrupt_blob_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError):
        listpack.unseal(blob)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(
    "elements",
    [
        [],
        [b"a", b"b", b"1"],
        [b"a", b"1", b"2", b"a", b"1", b"2"],
        [b"%d" % border for border in BORDERS],
        [b"x" * 63, b"x" * 64, b"x" * 4095, b"x" * 4096, b"1", b""],
        [b"%d" % number for number in range(3000)],  # more than there are marks
        [b"%d" % (number % 2999) for number in range(3000)],
    ],
)
def test_survey_tells_of_a_listpack_what_its_elements_tell(elements: list[bytes], stride: int) -> None:
    firsts = elements[::stride]
    expected = (len(elements), len(set(firsts)) == len(firsts))
    assert listpack.survey(listpack.encode_all(elements), stride) == expected


@pytest.mark.parametrize("size", range(75))
def test_survey_finds_a_text_again_wherever_it_stands(size: int) -> None:
    text = b"x" * size
    assert not listpack.survey(listpack.encode_all([b"a", text, b"bcd", b"1", text]), 1)[1]
    assert listpack.survey(listpack.encode_all([b"a", text, b"bcd", b"1", text + b"y"]), 1)[1]
