"""Loading the append-only file: its base, then its increments, command by command, asking nothing about any of them.

    base     a dump, a dump with commands behind it (old versions wrote that), or commands
    incr     commands

Commands run as those of an internal client: nothing is checked, counted, propagated or answered. Nothing expires
meanwhile, for that is what the DELs in the file say, and what comes before them must find the key as it was then.

The end of the last file (empty ones behind it do not count) may be missing, when the server or the machine went down
while it was written. With aof-load-truncated the file is cut off behind the last whole command, or before the MULTI of
a transaction that has no EXEC; otherwise the server does not start. Anything else that is not as it should be is
refused, with the offset.
"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from mypy_extensions import i64

from hognose.commands.context import DENY_BLOCKING, INTERNAL, REPLICATION_LINK, Context, QueuedCommand
from hognose.commands.host import NOTICE, WARNING
from hognose.commands.table import Command
from hognose.errors import DB_OUT_OF_RANGE, EXEC_WITHOUT_MULTI, NESTED_MULTI, CommandError, printable
from hognose.persistence.aof_directory import AofDirectory
from hognose.persistence.aof_format import AofError, CommandReader
from hognose.persistence.aof_manifest import AofFile
from hognose.persistence.load import LoadJob, RdbLoad
from hognose.persistence.rdb_format import RdbError
from hognose.server.append_only import OFF
from hognose.server.dispatch import LOADING_DATA

if TYPE_CHECKING:
    from hognose.server.server import Server

CLIENT_ID: Final = -1
DUMP_MAGIC: Final = (b"REDIS", b"VALKEY")
COMMANDS_PER_LOOK: Final = 128
NO_LIMIT: Final = 1 << 60
BROKEN: Final = 'make a backup of your AOF file, then use "redis-check-aof --fix <filename.manifest>"'
TRUNCATED: Final = (
    f"You can: 1) {BROKEN[0].upper()}{BROKEN[1:]}. 2) Alternatively you can set the 'aof-load-truncated' configuration "
    "option to yes and restart the server."
)


class AofLoadError(ValueError):
    """The server must not start with what the append-only file holds; the text says why."""


class AofLoad(LoadJob):
    """The append-only file of a server.

    Args:
        directory: Its manifest is loaded, and not empty.

    Raises:
        OSError: A file that the manifest names is not there.
    """

    def __init__(self, server: "Server", directory: AofDirectory) -> None:
        super().__init__()
        self._server: Final = server
        self._directory: Final = directory
        self._files: Final[list[AofFile]] = directory.manifest.files()
        self._index: int = -1
        self._started: Final = time.monotonic()
        self._file_started = 0.0
        self._file: BinaryIO | None = None
        self._file_bytes: i64 = 0
        self._done_bytes: i64 = 0
        self._dump: RdbLoad | None = None
        self._reader: CommandReader | None = None
        self._client: Context = Context(server, CLIENT_ID)
        self._transaction: list[QueuedCommand] | None = None
        self._before_transaction: i64 = 0
        self._multi: Final = server.command_table.commands.get(b"multi")
        self._exec: Final = server.command_table.commands.get(b"exec")
        self._last_name = b""
        self._last_command: Command | None = None
        self.base_bytes: i64 = 0
        for file in self._files:
            size = Path(directory.path(file.name)).stat().st_size
            self.total_bytes += size
            if file is directory.manifest.base:
                self.base_bytes = size
        self._begin()

    def _begin(self) -> None:
        keyspace = self._server.keyspace
        self._could_expire = keyspace.may_expire
        keyspace.may_expire = False
        keyspace.ignores_deadlines = True
        client = self._client
        client.flags |= INTERNAL | DENY_BLOCKING
        client.attention |= REPLICATION_LINK

    def loaded_bytes(self) -> i64:
        dump = self._dump
        if dump is not None:
            return self._done_bytes + dump.loaded_bytes()
        reader = self._reader
        return self._done_bytes + (reader.offset if reader is not None else 0)

    def step(self, budget_bytes: i64, until_us: i64) -> bool:
        until: i64 = self.loaded_bytes() + budget_bytes if budget_bytes < NO_LIMIT else NO_LIMIT
        while True:
            if self._file is None and not self._next_file():
                self._report()
                return True
            dump = self._dump
            if dump is not None:
                if not self._step_dump(dump, until - self.loaded_bytes(), until_us):
                    return False
            elif not self._step_commands(until, until_us):
                return False
            if self.loaded_bytes() >= until or self._server.clock.read() >= until_us:
                return False

    def close(self) -> None:
        if self._dump is not None:
            self._dump.close()
        if self._file is not None:
            self._file.close()
        keyspace = self._server.keyspace
        keyspace.may_expire = self._could_expire
        keyspace.ignores_deadlines = False

    def failure(self, error: Exception) -> str:
        return str(error)

    # Files

    def _next_file(self) -> bool:
        """Opens the next file; False if there is none."""
        if self._index >= 0:
            self._done_bytes += self._file_bytes
        self._index += 1
        if self._index == len(self._files):
            return False
        name = self._files[self._index].name
        path = self._directory.path(name)
        try:
            file = Path(path).open("rb")  # noqa: SIM115 - closed when it is read
        except OSError as error:
            text = f"Fatal error: can't open the append log file {name} for reading: {error.strerror}"
            raise AofLoadError(text) from None
        self._file = file
        self._file_bytes = os.fstat(file.fileno()).st_size
        self._file_started = time.monotonic()
        if file.read(6).startswith(DUMP_MAGIC):
            self._log(NOTICE, self._dump_words("Reading the RDB preamble of the AOF file", "Reading the RDB base file"))
            server = self._server
            self._dump = RdbLoad(path, server.keyspace, server.settings, server.value_limits, server.log)
        else:
            self._read_commands_from(0)
        return True

    def _dump_words(self, old: str, new: str) -> str:
        """What the log calls a dump: old versions put it before the commands, in one file."""
        name = self._files[self._index].name
        return f"{old if name == self._server.settings.appendfilename else new} {name}"

    def _read_commands_from(self, offset: i64) -> None:
        file = self._file
        assert file is not None
        file.seek(offset)
        self._reader = CommandReader(file, offset)
        self._before_transaction = offset

    def _file_done(self, is_cut: bool = False) -> None:
        file = self._file
        assert file is not None
        file.close()
        self._file = None
        self._reader = None
        described = self._files[self._index]
        kind = "base" if described is self._directory.manifest.base else "incr"
        if is_cut and not self._is_last():
            raise AofLoadError("Fatal error: the truncated file is not the last file")
        if self._file_bytes != 0:
            seconds = time.monotonic() - self._file_started
            self._log(NOTICE, f"DB loaded from {kind} file {described.name}: {seconds:.3f} seconds")

    def _is_last(self) -> bool:
        """Whether nothing follows the file that is being read."""
        return all(self._directory.size(file.name) == 0 for file in self._files[self._index + 1 :])

    def _report(self) -> None:
        seconds = time.monotonic() - self._started
        self._log(NOTICE, f"DB loaded from append only file: {seconds:.3f} seconds")
        aof = self._server.append_only
        aof.current_size = self._done_bytes
        aof.base_size = self.base_bytes

    def _log(self, level: int, text: str) -> None:
        self._server.log(level, text)

    # Dumps

    def _step_dump(self, dump: RdbLoad, budget_bytes: i64, until_us: i64) -> bool:
        """Reads on in a dump; True when it is done, and commands may follow it."""
        try:
            if not dump.step(max(budget_bytes, 1), until_us):
                return False
        except RdbError as error:
            text = self._dump_words("Error reading the RDB preamble of the AOF file", "Error reading the RDB base file")
            raise AofLoadError(f"{text}, AOF loading aborted: {error}") from None
        offset = dump.loaded_bytes()
        dump.close()
        self._dump = None
        self._read_commands_from(offset)
        return True

    # Commands

    def _step_commands(self, until: i64, until_us: i64) -> bool:
        """Runs commands up to a limit; True when the file is done."""
        reader = self._reader
        assert reader is not None
        delay_us = self._server.settings.key_load_delay
        until_offset: i64 = until - self._done_bytes
        count: i64 = 0
        while True:
            try:
                argv = reader.next()
            except AofError as error:
                self._broken(reader, error)
                return True
            if argv is None:
                if self._transaction is None:
                    self._file_done()
                else:
                    self._half_transaction()
                return True
            self._run(argv)
            if self._transaction is None:
                self._before_transaction = reader.offset
            if delay_us > 0:
                time.sleep(float(delay_us) / 1e6)
            count += 1
            looks = count % COMMANDS_PER_LOOK == 0 or delay_us > 0
            if looks and (reader.offset >= until_offset or self._server.clock.read() >= until_us):
                return False

    def _run(self, argv: list[bytes]) -> None:
        """Runs a command, or keeps it until its transaction is complete."""
        # Logs, like pipelines, repeat one command.
        command = self._last_command
        if command is None or argv[0] != self._last_name:
            command = self._find(argv)
        count: i64 = len(argv)
        if count < command.least or count > command.most:
            name = self._files[self._index].name
            raise AofLoadError(
                f"Bad file format reading the append only file {name}: '{command.name}' with {count} words"
            )
        transaction = self._transaction
        if command is self._multi or command is self._exec:
            self._begin_or_end(command, transaction)
        elif transaction is not None:
            transaction.append(QueuedCommand(command, argv, command.flags))
        else:
            self._call(command, argv)

    def _find(self, argv: list[bytes]) -> Command:
        """The command that goes by a name."""
        command = self._server.command_table.find(argv)
        if command is None or command.handler is None:
            word, name = printable(argv[0]), self._files[self._index].name
            raise AofLoadError(f"Unknown command '{word}' reading the append only file {name}")
        self._last_name = argv[0]
        # The word before a subcommand does not say which one comes next.
        self._last_command = None if "|" in command.name else command
        return command

    def _begin_or_end(self, command: Command, transaction: list[QueuedCommand] | None) -> None:
        """MULTI or EXEC. One too many, as servers with faults have written, takes nothing away."""
        if command is self._multi:
            if transaction is None:
                self._transaction = []
            else:
                self._error_of(command, NESTED_MULTI)
            return
        if transaction is None:
            self._error_of(command, EXEC_WITHOUT_MULTI)
            return
        self._transaction = None
        for queued in transaction:
            self._call(queued.command, queued.argv)

    def _call(self, command: Command, argv: list[bytes]) -> None:
        """Runs a command."""
        client = self._client
        client.command = command
        handler = command.handler
        assert handler is not None
        try:
            handler(client, argv)
        except CommandError as error:
            if error.text == DB_OUT_OF_RANGE:
                name = self._files[self._index].name
                text = f"The append only file {name} needs more databases than `databases` allows"
                raise AofLoadError(text) from None  # what follows a SELECT would go to the database before it
            self._error_of(command, error.text)
        self._server.keyspace.settle_memory()
        client.rewritten = None
        client.out.truncate(0)

    # What is not as it should be

    def _error_of(self, command: Command, reply: str) -> None:
        """A command failed, which did not when it was written."""
        text = "== CRITICAL == This server is sending an error to its AOF-loading-client: "
        text += f"'{reply}' after processing the command '{command.name}'"
        if self._server.settings.propagation_error_behavior == "panic":
            raise AofLoadError(text)
        self._log(WARNING, text)

    def _broken(self, reader: CommandReader, error: AofError) -> None:
        name = self._files[self._index].name
        if not error.is_truncated:
            text = f"Bad file format reading the append only file {name}: {BROKEN} ({error} at offset {error.offset})"
            raise AofLoadError(text)
        if self._transaction is not None:
            self._half_transaction()
        else:
            self._cut_off(reader.offset)

    def _half_transaction(self) -> None:
        """The file ends within a transaction."""
        self._log(WARNING, f"Revert incomplete MULTI/EXEC transaction in AOF file {self._files[self._index].name}")
        self._transaction = None
        self._cut_off(self._before_transaction)

    def _cut_off(self, offset: i64) -> None:
        """Drops what follows the last whole command, if that is allowed."""
        name = self._files[self._index].name
        if not self._server.settings.aof_load_truncated:
            raise AofLoadError(f"Unexpected end of file reading the append only file {name}. {TRUNCATED}")
        self._log(WARNING, f"!!! Warning: short read while loading the AOF file {name}!!!")
        self._log(WARNING, f"!!! Truncating the AOF {name} at offset {offset} !!!")
        if self._is_last():
            try:
                os.truncate(self._directory.path(name), int(offset))
            except OSError as error:
                raise AofLoadError(f"Error truncating the AOF file {name}: {error.strerror}") from None
            self._file_bytes = offset
            self._log(WARNING, f"AOF {name} loaded anyway because aof-load-truncated is enabled")
        self._file_done(is_cut=True)


def load_append_only(server: "Server") -> AofLoad | None:
    """The append-only file, ready to be loaded; None if there is none or it is empty.

    Raises:
        AofLoadError: It cannot be used; the log says why.
        OSError: A file is missing.
    """
    directory = server.append_only.directory
    if not directory.load():
        raise AofLoadError("The AOF manifest cannot be used")
    if directory.is_to_upgrade() and not directory.upgrade():
        raise AofLoadError("The old AOF file cannot be moved into the AOF directory")
    if directory.manifest.is_empty():
        return None
    for file in directory.manifest.files():
        directory.size(file.name)  # logs which one is missing
        if not Path(directory.path(file.name)).exists():
            raise AofLoadError(f"The AOF file {file.name}, which the manifest names, doesn't exist")
    job = AofLoad(server, directory)
    if job.total_bytes == 0:
        job.close()
        return None
    return job


def reload_append_only(server: "Server") -> bool:
    """Replaces the dataset by what the append-only file holds; False, with the reason logged, if that fails. O(N)."""
    aof = server.append_only
    if aof.state != OFF:
        aof.flush(now=True)
    server.keyspace.listener.database_emptied(-1)
    server.keyspace.clear()
    server.keyspace.libraries.clear()
    propagates = server.propagating
    server.propagating = False
    server.dispatcher.attention |= LOADING_DATA  # for those who ask while a script in the file takes long
    try:
        job = load_append_only(server)
        if aof.directory.manifest.is_empty():
            return False
        if job is not None:
            job.run()
    except (AofLoadError, OSError) as error:
        server.log(WARNING, str(error))
        return False
    finally:
        server.propagating = propagates
        server.dispatcher.attention &= ~LOADING_DATA
    server.keyspace.dirty = 0
    server.log(NOTICE, "Append Only File loaded by DEBUG LOADAOF")
    return True
