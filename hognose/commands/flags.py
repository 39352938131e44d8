"""Command flags, key-spec flags and ACL categories, with the words COMMAND INFO uses for them."""

from typing import Final

from mypy_extensions import i64

WRITE: Final = 1 << 0
READONLY: Final = 1 << 1
DENYOOM: Final = 1 << 2
ADMIN: Final = 1 << 3
PUBSUB: Final = 1 << 4
NOSCRIPT: Final = 1 << 5
BLOCKING: Final = 1 << 6
LOADING: Final = 1 << 7
STALE: Final = 1 << 8
SKIP_MONITOR: Final = 1 << 9
SKIP_SLOWLOG: Final = 1 << 10
ASKING: Final = 1 << 11
FAST: Final = 1 << 12
NO_AUTH: Final = 1 << 13
MAY_REPLICATE: Final = 1 << 14
NO_MANDATORY_KEYS: Final = 1 << 15
NO_ASYNC_LOADING: Final = 1 << 16
NO_MULTI: Final = 1 << 17
ALLOW_BUSY: Final = 1 << 18
TOUCHES_ARBITRARY_KEYS: Final = 1 << 19
PROTECTED: Final = 1 << 20
MODULE: Final = 1 << 21
DANGEROUS: Final = 1 << 22  # no word in COMMAND INFO: only puts a command that is not ADMIN into @dangerous
CONNECTION: Final = 1 << 23  # likewise for @connection
KEYSPACE: Final = 1 << 24  # likewise for @keyspace
MOVABLE_KEYS: Final = 1 << 25
SYSCMD: Final = 1 << 26  # likewise, in COMMAND DOCS: for servers to say to each other
NOT_KEYSPACE: Final = 1 << 27  # likewise: keeps a command of the generic group (SORT, WAIT) out of @keyspace

# Which arguments are channels that a user must be allowed to use; no words either.
CHANNEL_NAME: Final = 1 << 28  # the first
CHANNEL_NAMES: Final = 1 << 29  # all
CHANNEL_PATTERNS: Final = 1 << 30  # all are patterns of channels

# MAY_REPLICATE, PROTECTED and TOUCHES_ARBITRARY_KEYS are the server's own business: real servers do not show them.
FLAG_WORDS: Final[list[tuple[int, bytes]]] = [
    (WRITE, b"write"),
    (READONLY, b"readonly"),
    (DENYOOM, b"denyoom"),
    (MODULE, b"module"),
    (ADMIN, b"admin"),
    (PUBSUB, b"pubsub"),
    (NOSCRIPT, b"noscript"),
    (BLOCKING, b"blocking"),
    (LOADING, b"loading"),
    (STALE, b"stale"),
    (SKIP_MONITOR, b"skip_monitor"),
    (SKIP_SLOWLOG, b"skip_slowlog"),
    (ASKING, b"asking"),
    (FAST, b"fast"),
    (NO_AUTH, b"no_auth"),
    (NO_MANDATORY_KEYS, b"no_mandatory_keys"),
    (NO_ASYNC_LOADING, b"no_async_loading"),
    (NO_MULTI, b"no_multi"),
    (MOVABLE_KEYS, b"movablekeys"),
    (ALLOW_BUSY, b"allow_busy"),
]

RO: Final = 1 << 0
RW: Final = 1 << 1
OW: Final = 1 << 2
RM: Final = 1 << 3
ACCESS: Final = 1 << 4
UPDATE: Final = 1 << 5
INSERT: Final = 1 << 6
DELETE: Final = 1 << 7
NOT_KEY: Final = 1 << 8
INCOMPLETE: Final = 1 << 9
VARIABLE_FLAGS: Final = 1 << 10

RO_ACCESS: Final = RO | ACCESS
RW_ACCESS_UPDATE: Final = RW | ACCESS | UPDATE
RW_UPDATE: Final = RW | UPDATE
RW_INSERT: Final = RW | INSERT
OW_UPDATE: Final = OW | UPDATE
OW_INSERT: Final = OW | INSERT
RM_DELETE: Final = RM | DELETE
RW_ACCESS_DELETE: Final = RW | ACCESS | DELETE

KEY_FLAG_WORDS: Final[list[tuple[int, bytes]]] = [
    (RO, b"RO"),
    (RW, b"RW"),
    (OW, b"OW"),
    (RM, b"RM"),
    (ACCESS, b"access"),
    (UPDATE, b"update"),
    (INSERT, b"insert"),
    (DELETE, b"delete"),
    (NOT_KEY, b"not_key"),
    (INCOMPLETE, b"incomplete"),
    (VARIABLE_FLAGS, b"variable_flags"),
]

CATEGORIES: Final = [
    b"keyspace",
    b"read",
    b"write",
    b"set",
    b"sortedset",
    b"list",
    b"hash",
    b"string",
    b"bitmap",
    b"hyperloglog",
    b"geo",
    b"stream",
    b"pubsub",
    b"admin",
    b"fast",
    b"slow",
    b"blocking",
    b"dangerous",
    b"connection",
    b"transaction",
    b"scripting",
    b"bloom",
    b"cuckoo",
    b"cms",
    b"topk",
]

GROUP_CATEGORIES: Final[dict[str, bytes]] = {
    "string": b"string",
    "list": b"list",
    "set": b"set",
    "sorted_set": b"sortedset",
    "hash": b"hash",
    "bitmap": b"bitmap",
    "hyperloglog": b"hyperloglog",
    "geo": b"geo",
    "stream": b"stream",
    "scripting": b"scripting",
    "transactions": b"transaction",
    "connection": b"connection",
    "generic": b"keyspace",
    "bf": b"bloom",
    "cf": b"cuckoo",
    "cms": b"cms",
    "topk": b"topk",
}


def words_of(flags: i64, words: list[tuple[int, bytes]]) -> list[bytes]:
    """The words for the flags that are set, in the table's order."""
    return [word for flag, word in words if flags & flag]
