"""Streams at their edges: IDs at the limits of 64 bits, full blocks, tombstones, trimming, corrupt blobs."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from hognose.datastructures import listpack
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_block import block_from_blob
from hognose.datastructures.stream_id import INVALID, MAX_ID, MAX_U64, IdFormatter, format_id, make_id, parse_id

GOLDEN = json.loads((Path(__file__).parent / "golden" / "stream.json").read_text())["cases"]


def stream_of(*ids: int, block_entries: int = 3) -> StreamValue:
    stream = StreamValue()
    for entry_id in ids:
        stream.append(entry_id, [b"field", b"%d" % entry_id], 0, 4096, block_entries)
    stream.check_invariants()
    return stream


def ids_of(stream: StreamValue, start: int = 0, end: int = MAX_ID, *, backward: bool = False) -> list[int]:
    cursor = stream.cursor(start, end, backward)
    found = []
    while cursor.advance():
        found.append(cursor.entry_id())
    return found


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_the_blocks_are_those_of_the_real_server(case: dict) -> None:
    stream = StreamValue()
    for name, *arguments in case["steps"]:
        if name == "add":
            entry_id, pairs = arguments
            argv = [text.encode() for text in pairs]
            stream.append(parse_id(entry_id.encode(), 0), argv, 0, case["max_bytes"], case["max_entries"])
        elif name == "delete":
            assert stream.delete(parse_id(arguments[0].encode(), 0))
        else:
            stream.trim_to_length(arguments[0], False, 0)
    stream.check_invariants()
    blocks = [[format_id(block.first_id).decode(), block.to_blob()] for block in stream.blocks]
    assert blocks == [[first_id, b64decode(blob)] for first_id, blob in case["blocks"]]
    state = {"last": stream.last_id, "first": stream.first_id, "max_deleted": stream.max_deleted_id}
    assert {name: format_id(entry_id).decode() for name, entry_id in state.items()} == case["ids"]
    assert (stream.length(), stream.entries_added) == (case["length"], case["entries_added"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1-2", make_id(1, 2)),
        (b"1", make_id(1, 7)),
        (b"18446744073709551615-18446744073709551615", MAX_ID),
        (b"18446744073709551616-0", INVALID),
        (b"-1", INVALID),
        (b"1-", INVALID),
        (b"1-2-3", INVALID),
        (b"1--3", INVALID),
        (b"", INVALID),
        (b"-", INVALID),
        (b"1-a", INVALID),
        (b"007-+03", make_id(7, 3)),
        (b" 5-1", make_id(5, 1)),
        (b"5 -1", INVALID),
        (b"0" * 128, INVALID),
    ],
)
def test_parsing_an_id(text: bytes, expected: int) -> None:
    assert parse_id(text, 7) == expected


def test_the_next_id_is_of_this_millisecond_or_right_above_the_last() -> None:
    stream = stream_of(make_id(10, 5))
    assert stream.next_id(11) == (11, 0)
    assert stream.next_id(10) == (10, 6)
    assert stream.next_id(3) == (10, 6)
    assert stream_of(make_id(10, MAX_U64)).next_id(10) == (11, 0)
    assert stream_of(MAX_ID).next_id(11) == (0, 0)


@pytest.mark.parametrize("seq", [0, 5, 999, 10**6, 2**60 - 1, 2**60, MAX_U64])
def test_ids_in_a_row_are_written_like_single_ones(seq: int) -> None:
    formatter = IdFormatter()
    for ms in (0, 7, 999_999, 10**6, 10**6 + 1, 1_700_000_000_123, 1_700_000_999_000, 2**60 - 1, 2**60, MAX_U64, 10**6):
        assert formatter.text(ms, seq) == b"%d-%d" % (ms, seq) == format_id(make_id(ms, seq))


@pytest.mark.parametrize("first", [1, make_id(5, MAX_U64), make_id(MAX_U64 - 1, MAX_U64), make_id(1 << 63, 1 << 63)])
def test_differences_of_any_size_are_read_back(first: int) -> None:
    ids = sorted({first, first + 1, make_id(MAX_U64, 0), make_id(MAX_U64, 1 << 63), MAX_ID})
    stream = stream_of(*ids, block_entries=100)
    assert len(stream.blocks) == 1
    assert ids_of(stream) == ids
    assert ids_of(stream, backward=True) == ids[::-1]
    assert [ids_of(stream, entry_id, entry_id) for entry_id in ids] == [[entry_id] for entry_id in ids]


def test_entries_with_other_fields_than_the_master_keep_their_own() -> None:
    stream = StreamValue()
    entries = [[b"a", b"1", b"b", b"2"], [b"a", b"3", b"b", b"4"], [b"b", b"5", b"a", b"6"], [b"a", b"7"]]
    for number, pairs in enumerate(entries, 1):
        stream.append(number, pairs, 0, 4096, 100)
    cursor = stream.cursor(0, MAX_ID)
    for pairs in entries:
        assert cursor.advance()
        assert cursor.pairs() == pairs
    assert not cursor.advance()
    assert not cursor.advance()


def test_a_block_takes_no_entry_that_makes_it_as_large_as_the_limit() -> None:
    stream = StreamValue()
    for number in range(1, 6):
        stream.append(number, [b"f", b"x" * 100], 0, 300, 100)
    assert [block.live for block in stream.blocks] == [2, 2, 1]
    unlimited = StreamValue()
    for number in range(1, 301):
        unlimited.append(number, [b"f", b"x" * 100], 0, 0, 0)
    assert len(unlimited.blocks) == 1


def test_deleting_the_last_live_entry_of_a_block_drops_the_block() -> None:
    stream = stream_of(1, 2, 3, 4, 5, 6, 7)
    for entry_id in (4, 6, 5):
        assert stream.delete(entry_id)
        stream.check_invariants()
    assert [block.first_id for block in stream.blocks] == [1, 7]
    assert ids_of(stream) == [1, 2, 3, 7]
    assert not stream.delete(5)
    assert not stream.delete(0)
    assert (stream.max_deleted_id, stream.first_id, stream.entries_added) == (6, 1, 7)


def test_after_the_tail_block_is_gone_the_one_before_it_takes_entries() -> None:
    stream = StreamValue()
    stream.append(1, [b"a", b"1"], 0, 4096, 2)
    stream.append(2, [b"a", b"1"], 0, 4096, 2)
    stream.append(3, [b"b", b"1"], 0, 4096, 2)
    stream.delete(3)
    stream.append(4, [b"a", b"1"], 0, 4096, 3)
    stream.check_invariants()
    assert len(stream.blocks) == 1


def test_deleting_everything_leaves_the_ids_behind() -> None:
    stream = stream_of(1, 2)
    stream.delete(2)
    stream.delete(1)
    stream.check_invariants()
    assert (stream.length(), stream.blocks) == (0, [])
    assert (stream.first_id, stream.last_id, stream.max_deleted_id) == (0, 2, 2)


def test_exact_trimming_by_length_cuts_inside_a_block() -> None:
    stream = stream_of(*range(1, 11))
    assert stream.trim_to_length(5, False, 0) == 5
    stream.check_invariants()
    assert ids_of(stream) == [6, 7, 8, 9, 10]
    assert stream.first_id == 6
    assert stream.max_deleted_id == 0
    assert stream.trim_to_length(5, False, 0) == 0
    assert stream.trim_to_length(2**63 - 1, False, 0) == 0
    assert stream.trim_to_length(0, False, 0) == 5
    assert stream.blocks == []


def test_approximate_trimming_removes_whole_blocks_only_and_heeds_the_limit() -> None:
    stream = stream_of(*range(1, 11))
    assert stream.trim_to_length(5, True, 2) == 0
    assert stream.trim_to_length(5, True, 3) == 3
    assert stream.trim_to_length(6, True, 0) == 0
    assert stream.trim_below_id(9, True, 0) == 3
    stream.check_invariants()
    assert ids_of(stream) == [7, 8, 9, 10]


def test_trimming_below_an_id_cuts_inside_a_block() -> None:
    stream = stream_of(*range(10, 110, 10))
    assert stream.trim_below_id(51, False, 0) == 5
    stream.check_invariants()
    assert ids_of(stream) == [60, 70, 80, 90, 100]
    assert stream.trim_below_id(5, False, 0) == 0


def test_trimming_may_leave_a_block_of_tombstones() -> None:
    stream = stream_of(1, 2, 3)
    stream.delete(3)
    assert stream.trim_below_id(3, False, 0) == 2
    stream.check_invariants()
    assert [block.deleted for block in stream.blocks] == [3]
    assert (stream.length(), stream.first_id, ids_of(stream)) == (0, 0, [])
    stream.append(9, [b"field", b"9"], 0, 4096, 100)
    stream.check_invariants()
    assert ids_of(stream) == [9]


def test_a_copy_goes_its_own_way() -> None:
    stream = stream_of(1, 2, 3, 4)
    group = stream.create_group(b"g", 2, 2)
    assert group is not None
    group.assign(2, group.create_consumer(b"c", 5), 5, 1)
    twin = stream.copy()
    twin.check_invariants()
    assert twin.memory_bytes() == stream.memory_bytes()
    twin.delete(1)
    twin.groups[b"g"].acknowledge(2)
    twin.append(9, [b"field", b"9"], 0, 4096, 3)
    assert ids_of(stream) == [1, 2, 3, 4]
    assert group.pending.size() == 1
    stream.check_invariants()


def good_blob() -> bytes:
    return stream_of(5, 6, 7).blocks[0].to_blob()


def test_a_blob_is_loaded_and_continued() -> None:
    stream = StreamValue()
    stream.load_block(5, good_blob())
    stream.last_id, stream.entries_added = 7, 3
    stream.finish_load()
    stream.append(8, [b"field", b"8"], 0, 4096, 100)
    stream.check_invariants()
    assert ids_of(stream) == [5, 6, 7, 8]
    with pytest.raises(ValueError, match="out of order"):
        stream.load_block(5, good_blob())


def test_a_block_without_entries_is_refused() -> None:
    empty = listpack.seal(listpack.encode_all([b"0", b"0", b"1", b"field", b"0"]), 5)
    with pytest.raises(ValueError, match="without entries"):
        StreamValue().load_block(1, empty)


@pytest.mark.parametrize(
    "elements",
    [
        b"",
        b"1",
        b"1 0",
        b"x 0 1 f 0 2 0 0 v 4",
        b"1 0 1 f",
        b"1 0 9 f 0 2 0 0 v 4",
        b"1 0 -1 0 2 0 0 v 4",
        b"1 0 1 f 1 2 0 0 v 4",
        b"2 0 1 f 0 2 0 0 v 4",
        b"1 1 1 f 0 2 0 0 v 4",
        b"1 0 1 f 0 2 0 0 v 5",
        b"1 0 1 f 0 2 0 0 v",
        b"1 0 1 f 0 2 a 0 v 4",
        b"1 0 1 f 0 8 0 0 v 4",
        b"1 0 1 f 0 0 0 0 3 f v 4",
        b"1 0 1 f 0 0 0 0 99999999999999 f v 4",
        b"1 0 1 f 0 2 0 0 v 4 2 1",
    ],
)
def test_listpacks_that_are_no_stream_block_are_refused(elements: bytes) -> None:
    words = elements.split()
    with pytest.raises(ValueError):
        block_from_blob(1, listpack.seal(listpack.encode_all(words), len(words)))


def test_the_lag_is_the_entries_not_yet_given_where_deletions_allow_to_tell() -> None:
    stream = stream_of(1, 2, 3, 4, 5)
    fresh = stream.create_group(b"fresh", 0, 0)
    middle = stream.create_group(b"middle", 3, -1)
    end = stream.create_group(b"end", 5, -1)
    assert fresh is not None
    assert middle is not None
    assert end is not None
    assert [stream.lag(group) for group in (fresh, middle, end)] == [5, None, 0]
    stream.advance_group(fresh, 1)
    assert (stream.lag(fresh), fresh.entries_read) == (4, 1)
    stream.delete(3)
    assert stream.lag(fresh) is None
    stream.advance_group(fresh, 2)
    assert fresh.entries_read == -1
    assert stream.lag(fresh) is None
    stream.advance_group(fresh, 5)
    assert stream.lag(fresh) == 0
    assert StreamValue().lag(fresh) == 0


def test_dropping_a_group_gives_its_memory_back() -> None:
    stream = stream_of(1, 2, 3)
    before = stream.memory_bytes()
    group = stream.create_group(b"g", 0, 0)
    assert group is not None
    assert stream.create_group(b"g", 0, 0) is None
    consumers = [group.create_consumer(name, 1) for name in (b"alice", b"bob")]
    for entry_id in (1, 2, 3):
        group.assign(entry_id, consumers[entry_id % 2], 10, 1)
    stream.check_invariants()
    assert stream.memory_bytes() > before
    assert group.delete_consumer(b"alice") == 1
    assert group.delete_consumer(b"alice") == -1
    assert group.pending.ids_from(0, 10) == [1, 3]
    stream.check_invariants()
    assert stream.destroy_group(b"g")
    assert not stream.destroy_group(b"g")
    assert stream.memory_bytes() == before
