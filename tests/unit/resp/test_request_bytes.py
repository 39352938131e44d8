"""The bytes of a request as it came, for those who keep it."""

from __future__ import annotations

import pytest

from hognose.resp.parser import RequestParser

PING = b"*1\r\n$4\r\nPING\r\n"


def request_of(data: bytes, chunks: int = 1) -> bytes | None:
    """What the parser says of the last complete request in the data, while that is the last."""
    parser = RequestParser()
    size = -(-len(data) // chunks)
    found: list[bytes | None] = []
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
        while (argv := parser.next()) is not None:
            found.append(parser.request_of(argv))
    return found[-1]


@pytest.mark.parametrize("request_", [PING, b"*1\r\n$0\r\n\r\n", b"*2\r\n$3\r\nGET\r\n$12\r\nkkkkkkkkkkkk\r\n"])
@pytest.mark.parametrize("before", [b"", PING])
def test_a_request_in_one_piece_is_at_hand(request_: bytes, before: bytes) -> None:
    assert request_of(before + request_) == request_


def test_a_request_in_two_pieces_is_not_at_hand() -> None:
    assert request_of(PING, chunks=2) is None


def test_an_inline_request_is_not_at_hand() -> None:
    assert request_of(b"PING\r\n") is None


@pytest.mark.parametrize(
    "odd",
    [
        b"*2\rx$3\r\nGET\r\n$1\r\nk\r\n",
        b"*2\r\n$3\rxGET\r\n$1\r\nk\r\n",
        b"*2\r\n$3\r\nGETxx$1\r\nk\r\n",
        b"*2\r\n$3\r\nGET\r\n$1\r\nkx\n",
    ],
)
def test_a_request_with_odd_line_ends_is_served_but_not_handed_on(odd: bytes) -> None:
    assert request_of(odd) is None


@pytest.mark.parametrize("waits", [True, False])
def test_a_request_is_not_at_hand_any_more_once_something_else_is_asked_for(waits: bool) -> None:
    parser = RequestParser()
    parser.feed(PING)
    argv = parser.next()
    assert argv is not None
    if waits:
        assert parser.next() is None
    else:
        parser.feed(b"abc")
    assert parser.request_of(argv) is None
