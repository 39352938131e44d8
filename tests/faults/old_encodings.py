"""Payloads in the encodings of servers before 7.0, which hognose reads and does not write.

Layouts: `hognose.persistence.rdb_old_encodings`.
"""

from typing import Final

FOOTER: Final = b"\x09\x00" + bytes(8)
"""Version 9, and a checksum that is not looked at."""


def ziplist(entries: list[bytes | int]) -> bytes:
    """A ziplist of short texts and integers."""
    body = b""
    before = 0
    last = 10
    for entry in entries:
        last = 10 + len(body)
        coded = (bytes([before]) if before < 254 else b"\xfe" + before.to_bytes(4, "little")) + coded_entry(entry)
        before = len(coded)
        body += coded
    size = 10 + len(body) + 1
    return size.to_bytes(4, "little") + last.to_bytes(4, "little") + len(entries).to_bytes(2, "little") + body + b"\xff"


def coded_entry(entry: bytes | int) -> bytes:
    """An entry of a ziplist behind the size of the one before."""
    if isinstance(entry, bytes):
        if len(entry) < 64:
            return bytes([len(entry)]) + entry
        return bytes([0x40 | len(entry) >> 8, len(entry) & 255]) + entry
    if 0 <= entry <= 12:
        return bytes([0xF1 + entry])
    for mark, width in ((0xFE, 1), (0xC0, 2), (0xF0, 3), (0xD0, 4), (0xE0, 8)):
        if -(1 << 8 * width - 1) <= entry < 1 << 8 * width - 1:
            return bytes([mark]) + entry.to_bytes(width, "little", signed=True)
    raise ValueError(entry)


def zipmap(pairs: dict[bytes, bytes]) -> bytes:
    """A zipmap of short texts, with a free byte behind every value."""
    body = b""
    for key, text in pairs.items():
        body += bytes([len(key)]) + key + bytes([len(text), 1]) + text + b"\0"
    return bytes([len(pairs)]) + body + b"\xff"


def string(data: bytes) -> bytes:
    """A string of the dump format."""
    return bytes([0x40 | len(data) >> 8, len(data) & 255]) + data


def old_payloads() -> list[bytes]:
    """One payload of each."""
    entries: list[bytes | int] = [b"a", 5, -1, b"text", 300, -70000, 2**40, b"x" * 70, b""]
    pairs: list[bytes | int] = [b"f", b"v", b"n", 12, b"big", 10**12]
    scored: list[bytes | int] = [b"m", -3, b"n", b"1.5", b"o", 7]
    bodies = [
        b"\x0a" + string(ziplist(entries)),
        b"\x0e\x02" + string(ziplist(entries)) + string(ziplist([1, 2, 3])),
        b"\x0d" + string(ziplist(pairs)),
        b"\x0c" + string(ziplist(scored)),
        b"\x09" + string(zipmap({b"f": b"v", b"field": b"value", b"": b"empty"})),
        b"\x01\x03\x01a\x01b\xc0\x05",
        b"\x02\x03\x01a\x01b\xc0\x05",
        b"\x03\x02\x01a\x031.5\x01b\xfe",
        b"\x04\x02\x01a\x01b\x01c\xc1\x00\x05",
    ]
    return [body + FOOTER for body in bodies]
