"""The reply encoder: every kind of value in both protocols, and numbers of every length."""

import pytest
from librt.strings import BytesWriter

from hognose.resp.reply import (
    NULL_ARRAY,
    OK,
    BigNumber,
    Encoded,
    ErrorReply,
    MapReply,
    Push,
    Reply,
    SetReply,
    Verbatim,
    encode,
)


def encoded(reply: Reply, resp: int) -> bytes:
    out = BytesWriter()
    encode(out, reply, resp)
    return out.getvalue()


@pytest.mark.parametrize(
    ("reply", "resp2", "resp3"),
    [
        (b"abc", b"$3\r\nabc\r\n", b"$3\r\nabc\r\n"),
        (bytearray(b"abc"), b"$3\r\nabc\r\n", b"$3\r\nabc\r\n"),
        (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
        (OK, b"+OK\r\n", b"+OK\r\n"),
        (None, b"$-1\r\n", b"_\r\n"),
        (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
        (True, b":1\r\n", b"#t\r\n"),
        (False, b":0\r\n", b"#f\r\n"),
        (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
        ([1, [b"a"]], b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n", b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n"),
        ((), b"*0\r\n", b"*0\r\n"),
        ({b"k": 1}, b"*2\r\n$1\r\nk\r\n:1\r\n", b"%1\r\n$1\r\nk\r\n:1\r\n"),
        (MapReply([b"k", 1]), b"*2\r\n$1\r\nk\r\n:1\r\n", b"%1\r\n$1\r\nk\r\n:1\r\n"),
        (SetReply([b"m"]), b"*1\r\n$1\r\nm\r\n", b"~1\r\n$1\r\nm\r\n"),
        (Push([b"m"]), b"*1\r\n$1\r\nm\r\n", b">1\r\n$1\r\nm\r\n"),
        (Verbatim(b"abc"), b"$3\r\nabc\r\n", b"=7\r\ntxt:abc\r\n"),
        (BigNumber(b"123"), b"$3\r\n123\r\n", b"(123\r\n"),
        (ErrorReply("ERR no"), b"-ERR no\r\n", b"-ERR no\r\n"),
        (Encoded(b":7\r\n"), b":7\r\n", b":7\r\n"),
    ],
)
def test_each_kind_of_reply_has_its_form_in_either_protocol(reply: Reply, resp2: bytes, resp3: bytes) -> None:
    assert encoded(reply, 2) == resp2
    assert encoded(reply, 3) == resp3


EDGES = [0, 9, 10, 999, 1000, 1023, 1024, 1999, 2000, 9999, 99_999, 999_999, 1_000_000, 1_000_001, 12_345_678]


@pytest.mark.parametrize(
    "number", [*EDGES, 999_999_999, 1_000_000_000, 2**31, 2**61, 2**62, 2**63 - 1, -1, -1000, -(2**63)]
)
def test_an_integer_is_written_with_all_its_digits(number: int) -> None:
    assert encoded(number, 2) == b":" + str(number).encode() + b"\r\n"


@pytest.mark.parametrize("size", EDGES)
def test_the_header_of_a_bulk_tells_its_length(size: int) -> None:
    assert encoded(b"x" * size, 2) == b"$" + str(size).encode() + b"\r\n" + b"x" * size + b"\r\n"
