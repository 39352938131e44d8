"""Reading a dump key by key without keeping it: what the tools have in common.

    DumpScan            reads everything, checks it as a server would, counts
        RdbCopy         writes another dump
        JsonLines       writes JSON

A damaged dump raises `RdbError` as it does in a server; `DumpScan.key` then says at which key. Memory does not grow
with the values, but every name is remembered: the same key twice is damage.
"""

import os
from typing import BinaryIO, Final

from mypy_extensions import i64

from hognose.clock import Clock
from hognose.datastructures.hashvalue import HashLimits
from hognose.datastructures.quicklist import ListLimits
from hognose.datastructures.setvalue import SetLimits
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetLimits
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.rdb_format import RdbError, ValueLimits
from hognose.persistence.rdb_reader import MODULE_REMARK, UNSET, DatasetReader, KeyAttributes
from hognose.persistence.rdb_source import RdbSource
from hognose.tools.progress_bar import ProgressBar

STEP_BYTES: Final = 4 << 20
NO_DEADLINE: Final = 1 << 62
NODE_BYTES: Final = -2
"""The default of list-max-listpack-size."""


def default_limits() -> ValueLimits:
    """The limits of compact values at their defaults."""
    return ValueLimits(ListLimits(NODE_BYTES), HashLimits(), SetLimits(), ZSetLimits())


class DumpScan(DatasetReader):
    """Reads a dump and counts what is in it.

    Attributes:
        index: The database of the current key.
        keys_by_database, keys_by_type: How many there are.
        keys_with_deadline, keys_past_deadline: How many expire, and how many have already.
        libraries: How many libraries of functions there are.
    """

    def __init__(self) -> None:
        clock = Clock()
        super().__init__(Keyspace(clock, 1), default_limits(), False, True)
        self._now_ms: Final[i64] = clock.now_ms
        self._names: set[bytes] = set()
        self._names_by_database: dict[int, set[bytes]] = {0: self._names}
        self.index: int = 0
        self.keys_by_database: Final[dict[int, int]] = {}
        self.keys_by_type: Final[dict[str, int]] = {}
        self.keys_with_deadline = 0
        self.keys_past_deadline = 0
        self.libraries = 0

    def select(self, source: RdbSource, index: i64) -> None:
        self.index = int(index)
        if self.index not in self._names_by_database:
            self._names_by_database[self.index] = set()
        self._names = self._names_by_database[self.index]

    def store_library(self, source: RdbSource, text: bytes) -> None:
        self.libraries += 1

    def store(self, source: RdbSource, key: bytes, value: object, attributes: KeyAttributes) -> None:
        if key in self._names:
            raise source.error("The same key twice")
        self._names.add(key)
        self.keys_loaded += 1
        self.keys_by_database[self.index] = self.keys_by_database.get(self.index, 0) + 1
        kind = value.type_name().decode() if isinstance(value, Value) else "string"
        self.keys_by_type[kind] = self.keys_by_type.get(kind, 0) + 1
        if attributes.deadline_ms != UNSET:
            self.keys_with_deadline += 1
            if attributes.deadline_ms < self._now_ms:
                self.keys_past_deadline += 1
        self.visit(key, value, attributes)

    def visit(self, key: bytes, value: object, attributes: KeyAttributes) -> None:
        """Takes a key that is as it must be."""

    def scan(self, file: BinaryIO, bar: ProgressBar) -> int:
        """Reads a dump from the start of a file.

        Returns:
            The offset behind its end.

        Raises:
            RdbError: It is damaged.
            OSError: It cannot be read.
        """
        source = RdbSource(b"", file, os.fstat(file.fileno()).st_size)
        self.begin(source, True)
        while not self.step(source, source.position() + STEP_BYTES, NO_DEADLINE):
            bar.update(source.offset())
        return source.offset()

    def place(self, error: RdbError) -> str:
        """Where a dump is damaged, for people."""
        text = f"offset {error.offset} (0x{error.offset:x})"
        if self.key:
            text += f", database {self.index}, at or behind key {self.key!r}"
        return text

    def summary(self) -> list[str]:
        """What is in the dump, in lines."""
        family = "Valkey" if self.is_valkey else "Redis"
        writer = self.aux.get(b"valkey-ver", self.aux.get(b"redis-ver", b"?")).decode(errors="replace")
        lines = [f"RDB version {self.version}, written by {family} {writer}"]
        by_type = ", ".join(f"{count} {kind}" for kind, count in sorted(self.keys_by_type.items()))
        lines.append(
            f"{self.keys_loaded} keys ({by_type or 'none'}), {self.keys_with_deadline} expire, "
            f"{self.keys_past_deadline} have expired"
        )
        if len(self.keys_by_database) > 1:
            lines.append(", ".join(f"database {index}: {count}" for index, count in self.keys_by_database.items()))
        if self.libraries:
            lines.append(f"{self.libraries} libraries of functions")
        if self.keys_of_modules:
            lines.append(f"{self.keys_of_modules} keys of modules, whose content only the module could check")
        if self.keys_of_modules or any(remark.startswith(MODULE_REMARK) for remark in self.remarks):
            lines.append("data of modules: a server loads this dump only with `rdb-module-data skip`, and without them")
        return lines + self.remarks
