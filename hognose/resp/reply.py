"""The values commands answer with, beyond plain Python's, and the encoder of them all.

A handler returns a Python value; only this module knows how RESP2 and RESP3 write it:

    value                RESP2                        RESP3
    bytes                $3 abc                       $3 abc
    bytearray            $3 abc                       $3 abc
    int                  :1                           :1
    None                 $-1                          _
    float                $3 1.5                       ,1.5
    bool                 :1                           #t
    list, tuple          *2 ...                       *2 ...
    dict, MapReply       *4 key value key value       %2 key value key value
    set, SetReply        *2 ...                       ~2 ...
    Simple               +OK                          +OK
    ErrorReply           -ERR ...                     -ERR ...
    NULL_ARRAY           *-1                          _
    Verbatim             $3 abc                       =7 txt:abc
    BigNumber            $3 123                       (123
    Push                 *2 ...                       >2 ...
    Encoded              as it is                     as it is

(Line ends are left out above.) Source: the RESP2 and RESP3 specifications.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.datastructures.numbers import format_double

Argv = list[bytes]
Reply = object

CRLF: Final = b"\r\n"
NULL_BULK_LINE: Final = b"$-1\r\n"
NULL_ARRAY_LINE: Final = b"*-1\r\n"
NULL_LINE: Final = b"_\r\n"

SMALL: Final = 1024
INTEGER_LINES: Final = [b":%d\r\n" % n for n in range(SMALL)]
# Larger integers are put together from groups of three digits.
INTEGER_HEADS: Final = [b":%d" % n for n in range(1000)]
INNER_DIGITS: Final = [b"%03d" % n for n in range(1000)]
LAST_DIGITS: Final = [b"%03d\r\n" % n for n in range(1000)]
BULK_HEADERS: Final = [b"$%d\r\n" % n for n in range(SMALL)]
ARRAY_HEADERS: Final = [b"*%d\r\n" % n for n in range(SMALL)]


class Simple:
    """A simple string such as OK. It must not contain CR or LF."""

    def __init__(self, text: bytes) -> None:
        self.text: Final = text
        self.line: Final = b"+" + text + CRLF


class ErrorReply:
    """An error as a value: inside the array EXEC answers, or what a script catches."""

    def __init__(self, text: str) -> None:
        self.text: Final = text


class MapReply:
    """A map whose keys need not be hashable: key, value, key, value..."""

    def __init__(self, flat: list[object]) -> None:
        self.flat: Final = flat


class SetReply:
    """A set, given as the list of its members."""

    def __init__(self, members: list[object]) -> None:
        self.members: Final = members


class Push:
    """An out-of-band message (pub/sub, invalidation, MONITOR is not one)."""

    def __init__(self, items: list[object]) -> None:
        self.items: Final = items


class Verbatim:
    """Text with a three-letter format, for people: b"txt" or b"mkd"."""

    def __init__(self, text: bytes, text_format: bytes = b"txt") -> None:
        self.text: Final = text
        self.text_format: Final = text_format


class BigNumber:
    """An integer beyond 64 bits, as decimal digits."""

    def __init__(self, digits: bytes) -> None:
        self.digits: Final = digits


class Encoded:
    """A reply that is RESP already, for large replies a command writes itself."""

    def __init__(self, payload: bytes) -> None:
        self.payload: Final = payload


class Marker:
    """A reply that is one of a kind; compared by identity."""


OK: Final = Simple(b"OK")
PONG: Final = Simple(b"PONG")
QUEUED: Final = Simple(b"QUEUED")
NULL_ARRAY: Final = Marker()
NO_REPLY: Final = Marker()
"""The command has written what it had to say itself, or its reply comes later (blocking commands)."""


def encode(out: BytesWriter, reply: Reply, resp: i64) -> None:
    """Appends a reply in wire form.

    Args:
        out: Where it goes.
        reply: Any value of the table above.
        resp: The protocol version of the client, 2 or 3.

    Complexity: linear in the size of the reply.
    """
    if isinstance(reply, bytes):
        write_bulk(out, reply)
    elif isinstance(reply, Simple):
        out.write(reply.line)
    elif isinstance(reply, bool):
        if resp == 3:
            out.write(b"#t\r\n" if reply else b"#f\r\n")
        else:
            out.write(INTEGER_LINES[1] if reply else INTEGER_LINES[0])
    elif isinstance(reply, int):
        write_integer(out, reply)
    elif reply is None:
        out.write(NULL_LINE if resp == 3 else NULL_BULK_LINE)
    elif isinstance(reply, list):
        write_array_header(out, len(reply))
        for item in reply:
            encode(out, item, resp)
    else:
        _encode_rare(out, reply, resp)


def write_bulk(out: BytesWriter, text: bytes) -> None:
    """Appends a bulk string."""
    size: i64 = len(text)
    if size < SMALL:
        out.write(BULK_HEADERS[size])
    else:
        out.write(b"$" + str(size).encode() + CRLF)
    out.write(text)
    out.write(CRLF)


def write_integer(out: BytesWriter, number: int) -> None:
    """Appends an integer."""
    if 0 <= number < SMALL:
        out.write(INTEGER_LINES[number])
    elif SMALL <= number < 1_000_000_000:
        _write_up_to_nine_digits(out, number)
    else:
        out.write(b":" + str(number).encode() + CRLF)


def _write_up_to_nine_digits(out: BytesWriter, number: i64) -> None:
    """Appends an integer of four to nine digits."""
    thousands: i64 = number // 1000
    if thousands < 1000:
        out.write(INTEGER_HEADS[thousands])
    else:
        out.write(INTEGER_HEADS[thousands // 1000])
        out.write(INNER_DIGITS[thousands % 1000])
    out.write(LAST_DIGITS[number % 1000])


def write_array_header(out: BytesWriter, count: i64) -> None:
    """Appends the header of an array of `count` elements."""
    if count < SMALL:
        out.write(ARRAY_HEADERS[count])
    else:
        out.write(b"*" + str(count).encode() + CRLF)


def write_map_header(out: BytesWriter, pairs: i64, resp: i64) -> None:
    """Appends the header of a map: an array of twice as many elements in RESP2."""
    if resp == 3:
        out.write(b"%" + str(pairs).encode() + CRLF)
    else:
        write_array_header(out, pairs * 2)


def write_error(out: BytesWriter, text: str) -> None:
    """Appends an error line; `text` has its prefix and no line end."""
    out.write(b"-" + text.encode("utf-8", "surrogateescape") + CRLF)


def _encode_rare(out: BytesWriter, reply: Reply, resp: i64) -> None:
    """The kinds that are not on the hot path."""
    if isinstance(reply, float):
        text = format_double(reply)
        if resp == 3:
            out.write(b"," + text + CRLF)
        else:
            write_bulk(out, text)
    elif isinstance(reply, (bytearray, str)):
        write_bulk(out, reply.encode() if isinstance(reply, str) else bytes(reply))
    elif isinstance(reply, ErrorReply):
        write_error(out, reply.text)
    elif isinstance(reply, dict):
        write_map_header(out, len(reply), resp)
        for key, value in reply.items():
            encode(out, key, resp)
            encode(out, value, resp)
    elif isinstance(reply, MapReply):
        write_map_header(out, len(reply.flat) // 2, resp)
        _encode_all(out, reply.flat, resp)
    elif isinstance(reply, (set, frozenset, SetReply)):
        members = reply.members if isinstance(reply, SetReply) else list(reply)
        _write_aggregate_header(out, b"~", len(members), resp)
        _encode_all(out, members, resp)
    elif isinstance(reply, tuple):
        write_array_header(out, len(reply))
        _encode_all(out, list(reply), resp)
    elif isinstance(reply, Push):
        _write_aggregate_header(out, b">", len(reply.items), resp)
        _encode_all(out, reply.items, resp)
    else:
        _encode_scalar(out, reply, resp)


def _encode_scalar(out: BytesWriter, reply: Reply, resp: i64) -> None:
    """The rare kinds that hold no other replies."""
    if isinstance(reply, Verbatim):
        if resp == 3:
            out.write(b"=" + str(len(reply.text) + 4).encode() + CRLF + reply.text_format + b":" + reply.text + CRLF)
        else:
            write_bulk(out, reply.text)
    elif isinstance(reply, BigNumber):
        if resp == 3:
            out.write(b"(" + reply.digits + CRLF)
        else:
            write_bulk(out, reply.digits)
    elif isinstance(reply, Encoded):
        out.write(reply.payload)
    elif reply is NULL_ARRAY:
        out.write(NULL_LINE if resp == 3 else NULL_ARRAY_LINE)
    elif reply is not NO_REPLY:
        raise TypeError(f"a command returned {type(reply).__name__}, which is no reply")


def _write_aggregate_header(out: BytesWriter, resp3_type: bytes, count: i64, resp: i64) -> None:
    """Appends the header of a set or push: an array in RESP2."""
    if resp == 3:
        out.write(resp3_type + str(count).encode() + CRLF)
    else:
        write_array_header(out, count)


def _encode_all(out: BytesWriter, items: list[object], resp: i64) -> None:
    for item in items:
        encode(out, item, resp)
