"""The classes of keyspace events, as in notify-keyspace-events, and who is told of changes."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

GENERIC: Final = 1 << 2  # g
STRING: Final = 1 << 3  # $
LIST: Final = 1 << 4  # l
SET: Final = 1 << 5  # s
HASH: Final = 1 << 6  # h
ZSET: Final = 1 << 7  # z
EXPIRED: Final = 1 << 8  # x
EVICTED: Final = 1 << 9  # e
STREAM: Final = 1 << 10  # t
KEY_MISS: Final = 1 << 11  # m, not part of A
MODULE: Final = 1 << 13  # d
NEW: Final = 1 << 14  # n, not part of A


@mypyc_attr(allow_interpreted_subclasses=True)
class KeyspaceListener:
    """What the keyspace tells the server above it. The base does nothing."""

    def key_modified(self, db_index: i64, key: bytes) -> None:
        """A key changed; called only while `Keyspace.observed` (WATCH, client tracking)."""

    def key_event(self, event_class: i64, event: bytes, key: bytes, db_index: i64) -> None:
        """A keyspace event of a class that notify-keyspace-events asks for."""

    def key_expired(self, db_index: i64, key: bytes) -> None:
        """A key is about to be deleted because its deadline passed: AOF and replicas get a DEL."""

    def fields_expired(self, db_index: i64, key: bytes, fields: list[bytes]) -> None:
        """Fields of a hash were deleted because their deadlines passed: AOF and replicas get an HDEL."""

    def key_evicted(self, db_index: i64, key: bytes) -> None:
        """A key is about to be deleted to free memory: AOF and replicas get a DEL."""

    def key_ready(self, db_index: i64, key: bytes) -> None:
        """A key that clients block on came to life; called only for keys in `Database.awaited`."""

    def database_emptied(self, db_index: i64) -> None:
        """A database, or with -1 every one, is about to be emptied (FLUSHDB, FLUSHALL): all its keys change."""

    def data_to_free(self) -> None:
        """Values wait to be freed in slices (`lazyfree`)."""

    def databases_swapped(self, first: i64, second: i64) -> None:
        """Two databases have exchanged their contents: keys changed, and may be there for blocked clients, in both."""
