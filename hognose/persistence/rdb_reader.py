"""Reading an RDB file of any version into the keyspace; the layout is drawn in `rdb_writer`.

Nothing is half loaded in silence: whatever is not as it must be is an `RdbError` with its offset, and the caller has to
throw away what was read by then. Data of modules, which no one but the module could read, is refused or stepped over.
"""

import time as sleeping
from typing import Final

from librt.strings import read_i64_le
from librt.time import time
from mypy_extensions import i64

from hognose.errors import printable
from hognose.keyspace.access import idle_clock, lfu_minute, lfu_pack
from hognose.keyspace.database import Database
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_format import EmptyCollectionError, ValueLimits, is_known_version
from hognose.persistence.rdb_modules import read_module_name, skip_module_data
from hognose.persistence.rdb_read_values import read_value
from hognose.persistence.rdb_sketches import NAMES, read_sketch
from hognose.persistence.rdb_source import RdbSource

MAGIC_BYTES: Final = 9
CHECKSUM_SINCE: Final = 5
UNSET: Final = -1
SMALLEST_KEY_BYTES: Final = 3
"""A key in a file: its type, its name, its value."""
KEYS_PER_CLOCK_READING: Final = 32
"""A power of two: whether it is time again is then told without a division."""
NO_LIMIT: Final = 1 << 62
MODULE_REMARK: Final = "Left out: data of module"
MOST_REMARKS: Final = 10
"""On each subject, so that a strange file does not flood the log."""


class KeyAttributes:
    """What stands before a key: its deadline in Unix ms, its idle seconds, its frequency; UNSET where nothing does."""

    def __init__(self) -> None:
        self.deadline_ms: i64 = UNSET
        self.idle_seconds: i64 = UNSET
        self.frequency: i64 = UNSET

    def are_set(self) -> bool:
        """Whether anything stands there."""
        return self.deadline_ms != UNSET or self.idle_seconds != UNSET or self.frequency != UNSET


class DatasetReader:
    """Reads one file, in steps.

    Args:
        keyspace: Where the keys go.
        limits: What values are made with.
        replaces: Whether a key that is there already is replaced; else that is an error.
        skips_modules: Whether data of modules is left out (rdb-module-data skip); else it is an error.

    Attributes:
        version: The file's RDB version.
        aux: The auxiliary fields.
        key: The key read last; it tells where an error is.
        keys_loaded, keys_expired, keys_empty, keys_of_modules: What became of the keys.
        remarks: What was left out or is remarkable, for the log.
        key_delay_us: key-load-delay: how long to wait after each key; if negative, after how many keys to wait 1 us.
    """

    def __init__(
        self, keyspace: Keyspace, limits: ValueLimits, replaces: bool = False, skips_modules: bool = False
    ) -> None:
        self._keyspace: Final = keyspace
        self._limits: Final = limits
        self._replaces: Final = replaces
        self._skips_modules: Final = skips_modules
        self._checks = False
        self._database: Database = keyspace.databases[0]
        self._attributes: KeyAttributes = KeyAttributes()
        self._keys: i64 = 0
        self.version: i64 = 0
        self.is_valkey = False
        self.aux: dict[bytes, bytes] = {}
        self.remarks: list[str] = []
        self.key: bytes = b""
        self.keys_loaded: i64 = 0
        self.keys_expired: i64 = 0
        self.keys_empty: i64 = 0
        self.keys_of_modules: i64 = 0
        self.key_delay_us: i64 = 0
        self._values_cut: i64 = 0

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
        self.begin(source, checks)
        while not self.step(source, NO_LIMIT, NO_LIMIT):
            pass

    def begin(self, source: RdbSource, checks: bool) -> None:
        """Reads the beginning; `step` reads the rest. Arguments and errors as of `read`. O(1)."""
        self._checks = checks
        source.checked = checks
        self._read_magic(source)

    def step(self, source: RdbSource, until_offset: i64, until_us: i64) -> bool:
        """Reads on until a limit is reached, at least one key.

        Args:
            source: The one given to `begin`.
            until_offset: Stop at this offset in the file.
            until_us: Stop at this Unix time in microseconds.

        Returns:
            Whether everything has been read.

        Raises:
            RdbError: As `read`.
        """
        keyspace = self._keyspace
        notify_classes = keyspace.notify_classes
        keyspace.notify_classes = 0
        try:
            is_at_end = self._read_keys(source, until_offset, until_us)
        finally:
            keyspace.settle_memory()
            keyspace.notify_classes = notify_classes
        if is_at_end and self.version >= CHECKSUM_SINCE:
            self._compare_checksum(source)
        return is_at_end

    def _compare_checksum(self, source: RdbSource) -> None:
        actual = source.checksum() if self._checks else 0
        stored = read_i64_le(source.take(8), 0)
        if self._checks and stored not in (0, actual):
            expected, got = int(stored) & (1 << 64) - 1, int(actual) & (1 << 64) - 1
            raise source.error(f"RDB CRC error: expected {expected:x}, got {got:x},")

    def _read_magic(self, source: RdbSource) -> None:
        magic = source.take(MAGIC_BYTES)
        self.is_valkey = magic.startswith(b"VALKEY")
        digits = magic[6:] if self.is_valkey else magic[5:]
        if not (self.is_valkey or magic.startswith(b"REDIS")) or not digits.isdigit():
            raise source.error("Wrong signature trying to load DB from file")
        self.version = int(digits)
        if not is_known_version(self.version) or (self.version >= rdb.VALKEY) != self.is_valkey:
            raise source.error(f"Can't handle RDB format version {digits.decode()}")

    def _read_keys(self, source: RdbSource, until_offset: i64, until_us: i64) -> bool:
        """Reads keys and what is between them up to a limit or the end; whether the end was reached."""
        while True:
            code = source.byte()
            if code == rdb.END:
                return True
            if code == rdb.SELECT:
                self.select(source, source.length())
            elif code == rdb.DEADLINE_MS:
                self._attributes.deadline_ms = source.i64_le()
            elif code == rdb.DEADLINE_SECONDS:
                self._attributes.deadline_ms = source.i32_le() * 1000
            elif code == rdb.IDLE:
                self._attributes.idle_seconds = source.length()
            elif code == rdb.FREQ:
                self._attributes.frequency = source.byte()
            elif code >= rdb.LOWEST_OPCODE:
                self._read_other(source, code)
            else:
                self._read_key(source, code, self._attributes)
                if self._attributes.are_set():
                    self._attributes = KeyAttributes()
                if self._ends_step(source, until_offset, until_us):
                    return False

    def _ends_step(self, source: RdbSource, until_offset: i64, until_us: i64) -> bool:
        """Whether a step is over after a key; waits as key-load-delay says."""
        self._keys += 1
        delay_us = self.key_delay_us
        if delay_us > 0:
            sleeping.sleep(float(delay_us) / 1e6)
        elif delay_us < 0 and self._keys % -delay_us == 0:
            sleeping.sleep(1e-6)
        if source.position() >= until_offset:
            return True
        return self._keys & (KEYS_PER_CLOCK_READING - 1) == 0 and i64(time() * 1_000_000) >= until_us

    def _read_other(self, source: RdbSource, code: i64) -> None:
        """Reads what is neither a key nor about one."""
        if code == rdb.AUX:
            name = source.string()
            self.aux[name] = source.string()
        elif code == rdb.RESIZE:
            keys = source.length()
            expires = source.length()
            self.announce(min(keys, source.left_bytes() // SMALLEST_KEY_BYTES), expires)
        elif code == rdb.SLOT_INFO:
            for _ in range(3):
                source.length()
        elif code == rdb.FUNCTION:
            self.store_library(source, source.string())
        elif code == rdb.MODULE_AUX:
            self._read_module_aux(source)
        elif code == rdb.SLOT_IMPORT and self.is_valkey:
            self._read_slot_import(source)
        else:
            raise source.error(f"Unknown opcode {code}")

    def _read_module_aux(self, source: RdbSource) -> None:
        name = read_module_name(source)
        if not self._skips_modules:
            raise source.error(f"Data of module {name}, which only the module could read")
        source.length()
        source.length()
        skip_module_data(source)
        self.remarks.append(f"{MODULE_REMARK} {name}")

    def _read_slot_import(self, source: RdbSource) -> None:
        """Reads which slots were on their way to a Valkey node; the import is over, keys that had come are kept."""
        job = source.string()
        left = source.count()
        while left > 0:
            first = source.length()
            last = source.length()
            self.remarks.append(f"Import {job.decode(errors='replace')} of slots {first} to {last} was not finished")
            left -= 1

    def _skip_module_value(self, source: RdbSource, key: bytes, name: str) -> None:
        if not self._skips_modules:
            raise source.error(f"Value of module type {name}, which only the module could read")
        skip_module_data(source)
        self.keys_of_modules += 1
        if self.keys_of_modules <= MOST_REMARKS:
            self.remarks.append(f"Left out: key {printable(key)} of module type {name}")

    def _read_key(self, source: RdbSource, kind: i64, attributes: KeyAttributes) -> None:
        key = source.string()
        self.key = key
        try:
            if kind == rdb.MODULE:
                name = read_module_name(source)
                if name not in NAMES:
                    self._skip_module_value(source, key, name)
                    return
                value: object = read_sketch(source, name)
            else:
                value = read_value(source, kind, self._limits, self.is_valkey)
        except EmptyCollectionError:
            self.keys_empty += 1
            if self.keys_empty <= MOST_REMARKS:
                self.remarks.append(f"skipping empty key: {printable(key)}")
            return
        if source.remark:
            self._values_cut += 1
            if self._values_cut <= MOST_REMARKS:
                self.remarks.append(f"Left out: of stream {printable(key)} {source.remark}")
            source.remark = ""
        self.store(source, key, value, attributes)

    # Where it goes; tools that only look at a file override these

    def select(self, source: RdbSource, index: i64) -> None:
        """The keys that follow belong to this database."""
        if index >= len(self._keyspace.databases):
            raise source.error(f"Database {index}, but `databases` allows less")
        self._database = self._keyspace.databases[index]

    def announce(self, keys: i64, expires: i64) -> None:
        """The database has about so many keys, of which so many expire: a hint to which nothing needs to hold."""
        self._database.table.reserve(keys - expires)  # those may have expired meanwhile, and are left out then

    def store_library(self, source: RdbSource, text: bytes) -> None:
        """Takes a library of functions."""
        problem = self._keyspace.libraries.load(text, self._replaces)
        if problem:
            raise source.error(f"Library of functions: {problem}")

    def store(self, source: RdbSource, key: bytes, value: object, attributes: KeyAttributes) -> None:
        """Takes a key, unless it has expired meanwhile."""
        database = self._database
        deadline = attributes.deadline_ms
        if deadline != UNSET and self._keyspace.may_expire and deadline < self._keyspace.clock.now_ms:
            self.keys_expired += 1
            return
        if database.table.find(key) < 0:
            database.insert_missing(key, value)
        elif self._replaces:
            database.set(key, value)
        else:
            raise source.error("The same key twice")
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
            database.set_access_clock(key, idle_clock(now_ms, attributes.idle_seconds))
