"""Commands in append-only files, written and read."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hognose.persistence.aof_format import AofError, CommandReader, encode_command, timestamp

COMMANDS = [[b"SELECT", b"0"], [b"SET", b"key", b"v" * 1100], [b"DEL", b""], [b"RPUSH", *[b"x"] * 20]]
LOG = b"".join(encode_command(command) for command in COMMANDS)


def commands_in(data: bytes) -> list[list[bytes]]:
    """The commands of a file."""
    reader = CommandReader(io.BytesIO(data))
    found = []
    while (argv := reader.next()) is not None:
        found.append(argv)
    return found


@given(st.lists(st.lists(st.binary(max_size=50), min_size=1, max_size=6), max_size=8))
def test_commands_read_back_as_they_were_written(commands: list[list[bytes]]) -> None:
    assert commands_in(b"".join(encode_command(command) for command in commands)) == commands


def test_commands_of_many_and_of_long_arguments_read_back() -> None:
    command = [b"RPUSH", *[b"x"] * 2000, b"y" * 3_000_000]
    assert commands_in(encode_command(command) * 2) == [command, command]


def test_annotations_are_passed_over() -> None:
    data = timestamp(1700000000) + LOG + timestamp(1700000001) + b"#anything\n"
    assert commands_in(data) == COMMANDS


@pytest.mark.parametrize("size", [0, 1, 5, 27, 40, 1100, 1170, 1200])
def test_the_offset_is_that_behind_the_last_whole_command(size: int) -> None:
    reader = CommandReader(io.BytesIO(LOG[:size]))
    ends = [0]
    for command in COMMANDS:
        ends.append(ends[-1] + len(encode_command(command)))
    with contextlib.suppress(AofError):
        while reader.next() is not None:
            pass
    assert reader.offset == max(end for end in ends if end <= size)


def test_a_file_cut_off_anywhere_is_whole_or_truncated_but_never_something_else() -> None:
    ends = {0}
    for command in COMMANDS:
        ends.add(max(ends) + len(encode_command(command)))
    for size in range(len(LOG)):
        if size in ends:
            commands_in(LOG[:size])
            continue
        with pytest.raises(AofError) as caught:
            commands_in(LOG[:size])
        assert caught.value.is_truncated


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"garbage", 0),
        (b"*0\r\n", 4),
        (b"*x\r\n$1\r\na\r\n", 0),
        (b"*1\r\n:1\r\n", 4),
        (b"*1\r\n$x\r\na\r\n", 4),
        (b"*1\r\n$-1\r\n", 4),
        (b"*1\r\n$1\r\naXX", 8),
        (LOG + b"SET key value\r\n", len(LOG)),
        (b"*1" + b"1" * 2000, 0),
    ],
)
def test_what_is_no_command_is_refused_with_its_offset(data: bytes, offset: int) -> None:
    with pytest.raises(AofError) as caught:
        commands_in(data)
    assert (caught.value.is_truncated, caught.value.offset) == (False, offset)
