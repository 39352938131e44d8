"""The base of an append-only file: the dataset as of one moment, as a dump or as commands, written whole."""

import os
from typing import Final

from hognose.config.settings import Settings
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.aof_format import timestamp
from hognose.persistence.aof_rewrite import CommandSink, write_commands
from hognose.persistence.child import ChildWork
from hognose.persistence.lzf import Compressor
from hognose.persistence.progress import Progress
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_writer import file_options, write_dataset
from hognose.server.system import set_cpus

FILE_MODE: Final = 0o644
SYNC_BYTES: Final = 4 << 20


def temporary_base(pid: int) -> str:
    """What a child calls its file until it is done, in the working directory."""
    return f"temp-rewriteaof-bg-{pid}.aof"


def write_base(path: str, settings: Settings, keyspace: Keyspace, progress: Progress) -> None:
    """Writes the dataset as the base of an append-only file, and brings it to disk. Raises OSError. O(N)."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    syncs_every = SYNC_BYTES if settings.aof_rewrite_incremental_fsync else 0
    with os.fdopen(fd, "wb") as file:
        if settings.aof_use_rdb_preamble:
            options = file_options(settings, keyspace)
            options.is_aof_base = True
            compressor = Compressor() if settings.rdbcompression else None
            write_dataset(RdbSink(compressor, file, syncs_every), keyspace, options, progress)
        else:
            sink = CommandSink(file, syncs_every)
            if settings.aof_timestamp_enabled:
                sink.raw(timestamp(keyspace.clock.now_ms // 1000))
            write_commands(sink, keyspace, progress)
        file.flush()
        os.fsync(fd)


class BaseWork(ChildWork):
    """Writes a base, in the child."""

    def __init__(self, settings: Settings, keyspace: Keyspace) -> None:
        self._settings: Final = settings
        self._keyspace: Final = keyspace

    def run(self, progress: Progress) -> None:
        if self._settings.aof_rewrite_cpulist:
            set_cpus(self._settings.aof_rewrite_cpulist)
        write_base(temporary_base(os.getpid()), self._settings, self._keyspace, progress)
