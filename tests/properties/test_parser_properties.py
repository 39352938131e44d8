"""Any bytes, whole or in any pieces, give the same commands or the same ProtocolError.

Interpreted and compiled forms go through these tests; `split` is the model of the chunking.
"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hognose.errors import ProtocolError
from hognose.resp.parser import RequestParser

Outcome = tuple[list[list[bytes]], str]

argument = st.binary(max_size=40) | st.sampled_from([b"GET", b"SET", b"INCR", b"x" * 999, b"y" * 17000])
request = st.lists(argument, min_size=1, max_size=12).map(
    lambda arguments: b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in arguments)
)
PIECES = [b"*", b"$", b"\r\n", b"\r", b"\n", b"0", b"1", b"3", b"-1", b"12", b"GET", b"'", b'"', b"\\x41", b" ", b"key"]
noise = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=25).map(b"".join)
stream = st.lists(request | noise | st.just(b"PING key\r\n"), max_size=6).map(b"".join)


def outcome(chunks: list[bytes], authenticated: bool) -> Outcome:
    """What a parser makes of the chunks: the commands, and the text of the error that ended them, if any."""
    parser = RequestParser()
    parser.authenticated = authenticated
    commands: list[list[bytes]] = []
    try:
        for chunk in chunks:
            parser.feed(chunk)
            while (argv := parser.next()) is not None:
                commands.append(argv)
    except ProtocolError as error:
        return commands, error.text
    return commands, ""


@given(data=stream, cuts=st.lists(st.integers(0, 2000), max_size=8), authenticated=st.booleans())
def test_chunking_changes_nothing(data: bytes, cuts: list[int], authenticated: bool) -> None:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[start:stop] for start, stop in itertools.pairwise(edges)]
    assert outcome(chunks, authenticated) == outcome([data], authenticated)


@given(data=stream)
def test_one_byte_at_a_time_changes_nothing(data: bytes) -> None:
    assert outcome([data[at : at + 1] for at in range(len(data))], True) == outcome([data], True)


@given(commands=st.lists(st.lists(argument, min_size=1, max_size=12), max_size=8))
def test_well_formed_commands_come_out_as_they_went_in(commands: list[list[bytes]]) -> None:
    data = b"".join(
        b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in argv) for argv in commands
    )
    assert outcome([data], True) == (commands, "")


@pytest.mark.parametrize("position", range(24))
def test_a_foreign_byte_at_any_place_never_raises_anything_but_a_protocol_error(position: int) -> None:
    valid = b"*2\r\n$3\r\nGET\r\n$2\r\nke\r\n"
    for byte in range(256):
        outcome([valid[:position] + bytes([byte]) + valid[position + 1 :], b"\r\n" * 4], True)
