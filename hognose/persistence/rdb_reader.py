"""Reading an RDB file of any version into the keyspace; the layout is drawn in `rdb_writer`.

Nothing is half loaded in silence: whatever is not as it must be is an `RdbError` with its offset, and the caller has to
throw away what was read by then. Values of modules are refused: no one but the module could read them.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i32, i64

from hognose.keyspace.access import CLOCK_EPOCH_SECONDS, lfu_minute, lfu_pack
from hognose.keyspace.database import Database
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_format import EmptyCollectionError, ValueLimits, is_known_version
from hognose.persistence.rdb_read_values import read_value
from hognose.persistence.rdb_source import RdbSource

MAGIC_BYTES: Final = 9
CHECKSUM_SINCE: Final = 5
UNSET: Final = -1


class KeyAttributes:
    """What stands before a key: its deadline in Unix ms, its idle seconds, its frequency; UNSET where nothing does."""

    def __init__(self) -> None:
        self.deadline_ms: i64 = UNSET
        self.idle_seconds: i64 = UNSET
        self.frequency: i64 = UNSET


class DatasetReader:
    """Reads one file.

    Args:
        keyspace: Where the keys go.
        limits: What values are made with.
        replaces: Whether a key that is there already is replaced; else that is an error.

    Attributes:
        version: The file's RDB version.
        aux: The auxiliary fields.
        keys_loaded, keys_expired, keys_empty: What became of the keys.
        functions: The libraries of functions, as source.
    """

    def __init__(self, keyspace: Keyspace, limits: ValueLimits, replaces: bool = False) -> None:
        self._keyspace: Final = keyspace
        self._limits: Final = limits
        self._replaces: Final = replaces
        self.version: i64 = 0
        self.is_valkey = False
        self.aux: dict[bytes, bytes] = {}
        self.functions: list[bytes] = []
        self.keys_loaded: i64 = 0
        self.keys_expired: i64 = 0
        self.keys_empty: i64 = 0

    def read(self, source: RdbSource, checks: bool) -> None:
        """Reads everything.

        Args:
            source: From its first byte.
            checks: Whether the checksum is compared.

        Raises:
            RdbError: The file is damaged, ends too early, or is of a version or holds something unknown here.

        Complexity:
            O(N).
        """
        source.checked = checks
        self._read_magic(source)
        notify_classes = self._keyspace.notify_classes
        self._keyspace.notify_classes = 0
        try:
            self._read_keys(source)
        finally:
            self._keyspace.settle_memory()
            self._keyspace.notify_classes = notify_classes
        if self.version >= CHECKSUM_SINCE:
            actual = source.checksum() if checks else 0
            stored = read_i64_le(source.take(8), 0)
            if checks and stored not in (0, actual):
                raise source.error("Wrong RDB checksum")

    def _read_magic(self, source: RdbSource) -> None:
        magic = source.take(MAGIC_BYTES)
        self.is_valkey = magic.startswith(b"VALKEY")
        digits = magic[6:] if self.is_valkey else magic[5:]
        if not (self.is_valkey or magic.startswith(b"REDIS")) or not digits.isdigit():
            raise source.error("Wrong signature trying to load DB from file")
        self.version = int(digits)
        if not is_known_version(self.version) or (self.version >= rdb.VALKEY) != self.is_valkey:
            raise source.error(f"Can't handle RDB format version {digits.decode()}")

    def _read_keys(self, source: RdbSource) -> None:
        database = self._keyspace.databases[0]
        attributes = KeyAttributes()
        while True:
            code = source.byte()
            if code == rdb.END:
                return
            if code == rdb.SELECT:
                index = source.length()
                if index >= len(self._keyspace.databases):
                    raise source.error(f"Database {index}, but `databases` allows less")
                database = self._keyspace.databases[index]
            elif code == rdb.DEADLINE_MS:
                attributes.deadline_ms = source.i64_le()
            elif code == rdb.DEADLINE_SECONDS:
                attributes.deadline_ms = source.i32_le() * 1000
            elif code == rdb.IDLE:
                attributes.idle_seconds = source.length()
            elif code == rdb.FREQ:
                attributes.frequency = source.byte()
            elif code >= rdb.SLOT_IMPORT:
                self._read_other(source, code)
            else:
                self._read_key(source, code, database, attributes)
                attributes = KeyAttributes()

    def _read_other(self, source: RdbSource, code: i64) -> None:
        """Reads what is neither a key nor about one."""
        if code == rdb.AUX:
            name = source.string()
            self.aux[name] = source.string()
        elif code == rdb.RESIZE:
            source.length()
            source.length()
        elif code == rdb.SLOT_INFO and not self.is_valkey:
            for _ in range(3):
                source.length()
        elif code == rdb.FUNCTION:
            self.functions.append(source.string())
        elif code == rdb.MODULE_AUX:
            raise source.error("Data of a module, which only the module could read")
        else:
            raise source.error(f"Unknown opcode {code}")

    def _read_key(self, source: RdbSource, kind: i64, database: Database, attributes: KeyAttributes) -> None:
        key = source.string()
        try:
            value = read_value(source, kind, self._limits, self.is_valkey)
        except EmptyCollectionError:
            self.keys_empty += 1
            return
        deadline = attributes.deadline_ms
        if deadline != UNSET and self._keyspace.may_expire and deadline < self._keyspace.clock.now_ms:
            self.keys_expired += 1
            return
        if not self._replaces and database.table.find(key) >= 0:
            raise source.error("The same key twice")
        database.set(key, value)
        self._keyspace.settle_memory()
        if deadline != UNSET:
            database.set_deadline(key, max(deadline, 1))
        self._set_usage(database, key, attributes)
        self.keys_loaded += 1

    def _set_usage(self, database: Database, key: bytes, attributes: KeyAttributes) -> None:
        """Gives a key the idle time or frequency it had."""
        now_ms = self._keyspace.clock.now_ms
        if self._keyspace.lfu:
            if attributes.frequency != UNSET:
                database.set_access_clock(key, lfu_pack(lfu_minute(now_ms), attributes.frequency))
        elif attributes.idle_seconds != UNSET:
            second = now_ms // 1000 - CLOCK_EPOCH_SECONDS - min(attributes.idle_seconds, now_ms // 1000)
            database.set_access_clock(key, i32(second))
