"""What the parts of the RDB codec agree on: the numbers of the format, the error, the limits values are made with.

    value types   0-28     what follows the key; of a collection each encoding has its own
    opcodes       242-255  what is not a key: databases, deadlines, auxiliary fields, the end

Redis and Valkey went different ways after version 11: types 22 and 23 and opcode 243 mean one thing in files that begin
with REDIS and another in those that begin with VALKEY. A DUMP payload has no such beginning; there versions from 80 on
are Valkey's.

Source: the format notes of both projects; what was not written down was found by reading what real servers write.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.hashvalue import HashLimits
from hognose.datastructures.quicklist import ListLimits
from hognose.datastructures.setvalue import SetLimits
from hognose.datastructures.zset import ZSetLimits

STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3
HASH: Final = 4
ZSET_BINARY: Final = 5
MODULE_OLD: Final = 6
MODULE: Final = 7
HASH_ZIPMAP: Final = 9
LIST_ZIPLIST: Final = 10
SET_INTSET: Final = 11
ZSET_ZIPLIST: Final = 12
HASH_ZIPLIST: Final = 13
LIST_QUICKLIST: Final = 14
STREAM: Final = 15
HASH_LISTPACK: Final = 16
ZSET_LISTPACK: Final = 17
LIST_QUICKLIST_2: Final = 18
STREAM_2: Final = 19
SET_LISTPACK: Final = 20
STREAM_3: Final = 21
HASH_DEADLINES_EARLY: Final = 22  # Redis 7.4 before its release: deadlines are absolute
HASH_TRIPLES_EARLY: Final = 23
HASH_DEADLINES: Final = 24
HASH_TRIPLES: Final = 25
STREAM_4: Final = 26
VALKEY_HASH_DEADLINES: Final = 22
NOT_HERE: Final[dict[int, str]] = {
    27: "stream with entries that were given back (XNACK)",
    28: "array",
    29: "hash with a template",
    30: "hash with a template",
    31: "hash with a template",
    32: "hash with a template",
}
"""Types of Redis 8.8 and later for which there is nothing here."""

LOWEST_OPCODE: Final = 242
SLOT_IMPORT: Final = 243  # Valkey's meaning
SLOT_INFO: Final = 244
FUNCTION: Final = 245
FUNCTION_EARLY: Final = 246
MODULE_AUX: Final = 247
IDLE: Final = 248
FREQ: Final = 249
AUX: Final = 250
RESIZE: Final = 251
DEADLINE_MS: Final = 252
DEADLINE_SECONDS: Final = 253
SELECT: Final = 254
END: Final = 255

ENCODED_INT8: Final = 0
ENCODED_INT16: Final = 1
ENCODED_INT32: Final = 2
ENCODED_LZF: Final = 3

NODE_PLAIN: Final = 1
NODE_PACKED: Final = 2

NEWEST_REDIS: Final = 15
VALKEY: Final = 80

LATEST_FIELD_DEADLINE: Final = (1 << 48) - 2
"""Redis keeps deadlines of fields in 48 bits: up to the year 10889. Later ones, which Valkey can have, become this."""

FIELD_DEADLINES_SINCE: Final = 12
SET_LISTPACK_SINCE: Final = 11
LISTPACKS_SINCE: Final = 10
FUNCTIONS_SINCE: Final = 10


class RdbError(ValueError):
    """What was read is not what the format allows.

    Attributes:
        text: What is wrong.
        offset: Where in the file or payload, 0-based.
    """

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(f"{text} at offset {offset}")
        self.text = text
        self.offset = offset


class EmptyCollectionError(RdbError):
    """A collection without elements, as damaged or very old servers may have written: no value, but no damage."""


class ValueLimits:
    """Up to where values that are read are compact; see the values' own limits.

    Attributes:
        checked_values: How many values came as blobs and were checked (INFO dump_payload_sanitizations).
    """

    def __init__(self, lists: ListLimits, hashes: HashLimits, sets: SetLimits, zsets: ZSetLimits) -> None:
        self.lists: Final = lists
        self.hashes: Final = hashes
        self.sets: Final = sets
        self.zsets: Final = zsets
        self.checked_values: i64 = 0


def is_known_version(version: i64) -> bool:
    """Whether files and payloads of this version can be read."""
    return 1 <= version <= NEWEST_REDIS or version == VALKEY
