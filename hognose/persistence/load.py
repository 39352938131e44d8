"""Reading files into the keyspace in steps, so that whoever drives it can look after other things between them.

A `LoadJob` is one file or a row of files; `RdbLoad` is the dump. What drives a job: `server.loading`, from the event
loop while the server starts; `LoadJob.run`, all at once, where a command waits for it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from librt.time import time
from mypy_extensions import i64, mypyc_attr

from hognose.config.settings import Settings
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.rdb_format import RdbError, ValueLimits
from hognose.persistence.rdb_reader import NO_LIMIT, DatasetReader
from hognose.persistence.rdb_source import RdbSource

NOTICE: Final = 2
WARNING: Final = 3
MEGABYTE: Final = 1 << 20


@mypyc_attr(allow_interpreted_subclasses=True)
class LoadJob:
    """Something to be read into the keyspace.

    Attributes:
        total_bytes: The size of all its files.
        rdb_used_mem: What the writer of the dump said its data took, in bytes; 0 if it did not.
    """

    def __init__(self) -> None:
        self.total_bytes: i64 = 0
        self.rdb_used_mem: i64 = 0

    def loaded_bytes(self) -> i64:
        """How much has been read."""
        raise NotImplementedError

    def step(self, budget_bytes: i64, until_us: i64) -> bool:
        """Reads on for a while: until one of the limits is reached, and at least one key or command.

        Args:
            budget_bytes: Read no more than about this (loading-process-events-interval-bytes).
            until_us: Stop at this Unix time in microseconds.

        Returns:
            Whether everything has been read. No step follows then.

        Raises:
            RdbError: A dump is damaged.
            OSError: A file cannot be read.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Gives up what is open; called once, at the end or when a step has failed."""

    def failure(self, error: Exception) -> str:
        """What the log says when a step has raised this error and the server cannot go on."""
        return f"Fatal error loading the DB: {error}. Exiting."

    def run(self) -> None:
        """Reads everything at once. Raises what `step` raises. O(N)."""
        try:
            while not self.step(NO_LIMIT, NO_LIMIT):
                pass
        finally:
            self.close()


class RdbLoad(LoadJob):
    """A dump file.

    Args:
        path: Where it is.
        replaces: Whether keys that are there are replaced; else such a key is an error.
        checks: Whether its checksum is compared.
        on_loaded: Told of the reader when all has been read.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be opened.

    Attributes:
        reader: What has been read.
    """

    def __init__(
        self,
        path: str,
        keyspace: Keyspace,
        settings: Settings,
        limits: ValueLimits,
        log: Callable[[int, str], None],
        replaces: bool = False,
        checks: bool = True,
        on_loaded: Callable[[DatasetReader], None] | None = None,
    ) -> None:
        super().__init__()
        self._path: Final = path
        self._settings: Final = settings
        self._log: Final = log
        self._on_loaded: Final = on_loaded
        self._started: Final = time()
        self._file: Final[BinaryIO] = Path(path).open("rb")  # noqa: SIM115 - closed by `close`
        self.total_bytes = os.fstat(self._file.fileno()).st_size
        self._source: Final = RdbSource(b"", self._file, self.total_bytes)
        self._is_announced = False
        self._checks: Final = checks and settings.rdbchecksum
        self.reader: Final = DatasetReader(keyspace, limits, replaces, settings.rdb_module_data == "skip")

    def loaded_bytes(self) -> i64:
        return self._source.position()

    def step(self, budget_bytes: i64, until_us: i64) -> bool:
        reader = self.reader
        source = self._source
        reader.key_delay_us = self._settings.key_load_delay
        until = source.position() + budget_bytes if budget_bytes < NO_LIMIT else budget_bytes
        try:
            if source.position() == 0:
                reader.begin(source, self._checks)
            is_at_end = reader.step(source, until, until_us)
        except RdbError as error:
            self._log(WARNING, f"Internal error in RDB reading offset {error.offset}: {error.text}")
            raise
        if not self._is_announced:
            self._announce()
        if is_at_end:
            self._report()
            if self._on_loaded is not None:
                self._on_loaded(reader)
        return is_at_end

    def close(self) -> None:
        self._file.close()

    def failure(self, error: Exception) -> str:
        if isinstance(error, RdbError):
            self._log(WARNING, f"Fatal error loading the DB from {self._path}: {error}. Run `hognose check` on it.")
            return "Terminating server after rdb file reading failure."
        return f"Fatal error loading the DB from {self._path}: {error}. Exiting."

    def _announce(self) -> None:
        """Logs who wrote the file and when; the fields about that stand before the first key."""
        self._is_announced = True
        aux = self.reader.aux
        if b"redis-ver" in aux:
            self._log(NOTICE, f"Loading RDB produced by version {aux[b'redis-ver'].decode(errors='replace')}")
        elif b"valkey-ver" in aux:
            self._log(NOTICE, f"Loading RDB produced by Valkey version {aux[b'valkey-ver'].decode(errors='replace')}")
        if aux.get(b"ctime", b"").isdigit():
            age = max(0, int(time()) - int(aux[b"ctime"]))
            self._log(NOTICE, f"RDB age {age} seconds")
        if aux.get(b"used-mem", b"").isdigit():
            self.rdb_used_mem = min(int(aux[b"used-mem"]), NO_LIMIT)
            self._log(NOTICE, f"RDB memory usage when created {int(self.rdb_used_mem) / MEGABYTE:.2f} Mb")

    def _report(self) -> None:
        reader = self.reader
        for remark in reader.remarks:
            self._log(WARNING, remark)
        text = f"Done loading RDB, keys loaded: {reader.keys_loaded}, keys expired: {reader.keys_expired}"
        if reader.keys_empty:
            text += f", empty keys skipped: {reader.keys_empty}"
        if reader.keys_of_modules:
            text += f", keys of modules left out: {reader.keys_of_modules}"
        self._log(NOTICE, text + ".")
        self._log(NOTICE, f"DB loaded from disk: {time() - self._started:.3f} seconds")
