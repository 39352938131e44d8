"""A digest of data, the same for the same content whatever its encoding and order of insertion: DEBUG DIGEST.

20 bytes, shown as 40 hex digits, equal to what other servers of this family compute: comparing a server with its
replica, or with the one its data was moved to, is what the digest is for. With SHA-1, two ways to add something to a
digest d:

    unordered   d' = d xor SHA1(data)             members of sets, whole pairs, whole keys
    in order    d' = SHA1(d xor SHA1(data))       elements of lists, what belongs to one pair or key

A key is its name and its value in order, in a database of the number that stands before all of its keys. A value is the
number of its type (32 bits, high byte first), then

    string         its text
    list           its elements in order
    set            its members, unordered
    sorted set     its pairs unordered, each of them member and score in order; the score is printed by its digits
                   alone (1e+8), as since 7.2; before it was with 17 digits, so only such scores compare as need no more
    hash           its pairs unordered, each of them field and value in order, and a mark if the field has a deadline
    stream         entry by entry the ID (its two numbers with a dot between them), fields and values; no groups
    sketches       number 5, that of modules; then what the sketch holds, which no other server has

and a mark if the key has a deadline. Encodings, access clocks and the deadlines themselves do not count. The marks
below are part of the format.
"""

import hashlib
import math
from typing import Final

from hognose.commands.string import text_of
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.numbers import format_digits, format_double
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.sketch import Sketch, pieces_of
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.keyspace.database import Database

DIGEST_BYTES: Final = 20
MAX_ID: Final = 2**128 - 1

STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3
HASH: Final = 4
MODULE: Final = 5
STREAM: Final = 6

DEADLINE_MARK: Final = b"!!expire!!"
FIELD_DEADLINE_MARK: Final = b"!!hexpire!!"


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha1(data, usedforsecurity=False).digest(), "big")


def _then(digest: int, data: bytes) -> int:
    """A digest with something added in order."""
    return _hash((digest ^ _hash(data)).to_bytes(DIGEST_BYTES, "big"))


def _all(digest: int, parts: list[bytes]) -> int:
    """A digest with several things added in order."""
    for part in parts:
        digest = _then(digest, part)
    return digest


def _group(parts: list[bytes]) -> int:
    """What things that belong together add where groups are unordered."""
    return _hash(_all(0, parts).to_bytes(DIGEST_BYTES, "big"))


def _number(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _list(digest: int, value: ListValue) -> int:
    elements: list[bytes] = []
    value.extend(elements, 0, value.length())
    return _all(digest, elements)


def _set(digest: int, value: SetValue) -> int:
    for member in value.members():
        digest ^= _hash(member)
    return digest


def _score_text(score: float) -> bytes:
    return format_double(score) if score == 0 or math.isinf(score) else format_digits(score)


def _zset(digest: int, value: ZSetValue) -> int:
    scores = value.scores(0, value.length())
    for index, member in enumerate(value.members(0, value.length())):
        digest ^= _group([member, _score_text(scores[index])])
    return digest


def _hash_value(digest: int, value: HashValue) -> int:
    pairs = value.pairs()
    for index in range(0, len(pairs), 2):
        parts = pairs[index : index + 2]
        if value.deadline(parts[0]) > 0:
            marked = _all(0, parts) ^ _hash(FIELD_DEADLINE_MARK)
            digest ^= _hash(marked.to_bytes(DIGEST_BYTES, "big"))
        else:
            digest ^= _group(parts)
    return digest


def _stream(digest: int, value: StreamValue) -> int:
    cursor = value.cursor(0, MAX_ID)
    while cursor.advance():
        digest = _then(digest, cursor.id_text().replace(b"-", b"."))
        digest = _all(digest, cursor.pairs())
    return digest


def _with_value(digest: int, value: object) -> int:
    """A digest with a value added. O(N)."""
    if not isinstance(value, Value):
        return _all(digest, [_number(STRING), text_of(value)])
    if isinstance(value, SetValue):
        return _set(_then(digest, _number(SET)), value)
    if isinstance(value, HashValue):
        return _hash_value(_then(digest, _number(HASH)), value)
    if isinstance(value, ZSetValue):
        return _zset(_then(digest, _number(ZSET)), value)
    if isinstance(value, ListValue):
        return _list(_then(digest, _number(LIST)), value)
    if isinstance(value, StreamValue):
        return _stream(_then(digest, _number(STREAM)), value)
    assert isinstance(value, Sketch)
    return _all(digest, [_number(MODULE), value.type_name(), value.header(), *pieces_of(value)])


def _with_entry(digest: int, database: Database, key: bytes) -> int:
    """A digest with the value of a key added that is there, and whether it has a deadline."""
    place = database.table.find(key)
    segment = database.table.found
    deadline = database.table.deadline(place)
    digest = _with_value(digest, database.keyspace.value_at(segment, place))
    return digest ^ _hash(DEADLINE_MARK) if deadline != 0 else digest


def key_digest(database: Database, key: bytes) -> int:
    """The digest of a key's value and of whether it has a deadline; 0 if there is no such key. O(N)."""
    return _with_entry(0, database, key) if database.table.find(key) >= 0 else 0


def dataset_digest(databases: list[Database]) -> int:
    """The digest of all keys of all databases; 0 if there are none. O(N)."""
    digest = 0
    for database in databases:
        if database.table.count == 0:
            continue
        digest = _then(digest, _number(int(database.index)))
        for key in database.table.keys():  # noqa: SIM118 - not a dict
            entry = _with_entry(_then(0, key), database, key)
            digest ^= _hash(entry.to_bytes(DIGEST_BYTES, "big"))
    return digest


def as_hex(digest: int) -> bytes:
    """A digest as people see it."""
    return digest.to_bytes(DIGEST_BYTES, "big").hex().encode()
