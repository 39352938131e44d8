"""A digest of data, the same for the same content whatever its encoding and order of insertion: DEBUG DIGEST.

20 bytes, shown as 40 hex digits. Unordered things (the keys of a database, the members of a set, the pairs of a hash)
are mixed by XOR of the SHA-1 of each, ordered things (lists, streams) by feeding one SHA-1 in order. What is counted:
type, content, and whether the key has a deadline. What is not: encodings, access clocks, the deadline's value.

The figures differ from those of other servers; compare digests of one kind of server only.
"""

import hashlib
from typing import Final

from hognose.commands.string import text_of
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.numbers import format_double
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.sketch import Sketch, pieces_of
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.keyspace.database import Database

DIGEST_BYTES: Final = 20
MAX_ID: Final = 2**128 - 1


def _hash(*parts: bytes) -> int:
    """SHA-1 of parts, each with its length before it, so that their borders count."""
    digest = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return int.from_bytes(digest.digest(), "big")


def _stream(value: StreamValue) -> int:
    """Entries in order, and the groups with where they stand."""
    parts: list[bytes] = []
    cursor = value.cursor(0, MAX_ID)
    while cursor.advance():
        parts.append(cursor.id_text())
        parts.extend(cursor.pairs())
    digest = _hash(b"stream", *parts)
    for name, group in value.groups.items():
        pending = [b"%d" % entry_id for entry_id in sorted(group.pending.by_id)]
        digest ^= _hash(b"group", name, b"%d" % group.last_id, *pending)
    return digest


def value_digest(value: object) -> int:
    """The digest of a value as a number of 160 bits. O(N)."""
    if not isinstance(value, Value):
        return _hash(b"string", text_of(value))
    digest = 0
    if isinstance(value, SetValue):
        for member in value.members():
            digest ^= _hash(b"member", member)
    elif isinstance(value, HashValue):
        pairs = value.pairs()
        for index in range(0, len(pairs), 2):
            expires = b"expires" if value.deadline(pairs[index]) > 0 else b""
            digest ^= _hash(b"field", pairs[index], pairs[index + 1], expires)
    elif isinstance(value, ZSetValue):
        scores = value.scores(0, value.length())
        for index, member in enumerate(value.members(0, value.length())):
            digest ^= _hash(b"score", member, format_double(scores[index]))
    elif isinstance(value, ListValue):
        elements: list[bytes] = []
        value.extend(elements, 0, value.length())
        digest = _hash(b"list", *elements)
    elif isinstance(value, StreamValue):
        digest = _stream(value)
    elif isinstance(value, Sketch):
        digest = _hash(b"sketch", value.header(), *pieces_of(value))
    return _hash(value.type_name(), digest.to_bytes(DIGEST_BYTES, "big"))


def key_digest(database: Database, key: bytes) -> int:
    """The digest of a key's value and of whether it has a deadline; 0 if there is no such key. O(N)."""
    place = database.table.find(key)
    if place < 0:
        return 0
    segment = database.table.found
    deadline = database.table.deadline(place)
    digest = value_digest(segment.slots[2 * place + 1])
    return digest ^ _hash(b"expires") if deadline != 0 else digest


def dataset_digest(databases: list[Database]) -> int:
    """The digest of all keys of all databases; 0 if there are none. O(N)."""
    digest = 0
    for database in databases:
        for key in database.table.keys():  # noqa: SIM118 - not a dict
            digest ^= _hash(b"%d" % int(database.index), key, as_hex(key_digest(database, key)))
    return digest


def as_hex(digest: int) -> bytes:
    """A digest as people see it."""
    return digest.to_bytes(DIGEST_BYTES, "big").hex().encode()
