"""The dataset that an append-only file stands for: its commands are run, as a server does that starts with it.

So this needs as much memory as the data. Nothing expires meanwhile: for keys that should be gone the file has a DEL.
"""

import os
import sys
from pathlib import Path
from typing import Final

from hognose.commands.context import DENY_BLOCKING, INTERNAL, Context
from hognose.config.store import Config
from hognose.persistence.aof_format import CommandReader
from hognose.persistence.rdb_reader import DatasetReader
from hognose.persistence.rdb_source import RdbSource
from hognose.server.server import Server
from hognose.tools.progress_bar import ProgressBar

MAGIC: Final = (b"REDIS", b"VALKEY")
MAGIC_BYTES: Final = 6
COMMANDS_PER_UPDATE: Final = 1024
MOST_REMARKS: Final = 10


class Replay:
    """Runs append-only files.

    Attributes:
        server: Holds the data.
        commands: How many were run.
        failures: How many answered an error.
        remarks: The first of those errors, and what dumps had to say.
    """

    def __init__(self) -> None:
        self.server: Final = Server(Config())
        self.server.keyspace.may_expire = False
        self._client: Final = Context(self.server, 0)
        self._client.flags |= INTERNAL | DENY_BLOCKING
        self.commands = 0
        self.failures = 0
        self.remarks: Final[list[str]] = []

    def run(self, path: Path) -> None:
        """Runs one file: a dump, commands, or a dump followed by commands.

        Raises:
            RdbError: The dump is damaged.
            AofError: The commands are.
            OSError: It cannot be read.
        """
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            bar = ProgressBar(path.name, size, sys.stderr)
            start = 0
            if file.read(MAGIC_BYTES).startswith(MAGIC):
                file.seek(0)
                source = RdbSource(b"", file, size)
                reader = DatasetReader(self.server.keyspace, self.server.value_limits, False, True)
                reader.read(source, True)
                self.remarks.extend(reader.remarks)
                start = source.offset()
            file.seek(start)
            commands = CommandReader(file, start)
            while (argv := commands.next()) is not None:
                self._execute(argv, int(commands.offset))
                if self.commands % COMMANDS_PER_UPDATE == 0:
                    bar.update(int(commands.offset))
            bar.finish()

    def _execute(self, argv: list[bytes], end: int) -> None:
        server = self.server
        client = self._client
        server.clock.read()
        server.dispatcher.execute(client, argv)
        server.flush_waiting()
        self.commands += 1
        reply = client.out.getvalue()
        client.out.truncate(0)
        if reply.startswith(b"-"):
            self.failures += 1
            if self.failures <= MOST_REMARKS:
                text = reply.strip().decode(errors="replace")
                self.remarks.append(f"{argv[0].decode(errors='replace')} before offset {end} answered {text}")
