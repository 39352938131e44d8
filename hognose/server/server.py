"""The server: what all its parts hang from, and what commands and connections ask of it."""

import asyncio
import os
import secrets
import traceback
from typing import Final

from librt.random import Random
from mypy_extensions import i64

from hognose import errors
from hognose.clock import Clock
from hognose.commands import load_all
from hognose.commands.context import CLOSE_AFTER_REPLY, UNIX_SOCKET, Context
from hognose.commands.host import VERBOSE, WARNING, Host
from hognose.commands.table import Command, CommandTable
from hognose.config.directives.process import SHUTDOWN_FORCE, SHUTDOWN_NOSAVE, SHUTDOWN_NOW, SHUTDOWN_SAVE
from hognose.config.store import Config
from hognose.errors import ProtocolError
from hognose.keyspace.expiry import ExpiryCycle
from hognose.keyspace.keyspace import Keyspace
from hognose.server.appliers import Appliers
from hognose.server.client_limits import ClientLimits, describe
from hognose.server.connection import Connection
from hognose.server.cron import Cron
from hognose.server.dispatch import Dispatcher
from hognose.server.lifecycle import Lifecycle
from hognose.server.log import Log
from hognose.server.sampling import Rate


class Server(Host):
    """One server.

    Attributes:
        config: All directives.
        clients: The connected clients by id.
        to_flush: Clients written to outside their own pass.
        cron: What is done regularly.
        limits: What one client may take.
        lifecycle: Listening and stopping; None without an event loop.
        commands_rate, input_rate, output_rate: Commands and bytes a second, for INFO.
        peak_memory_bytes: The highest memory use the cron has seen.
    """

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        load_all()
        the_clock = Clock() if clock is None else clock
        random = Random()
        keyspace = Keyspace(the_clock, config.settings.databases, random)
        super().__init__(config, keyspace, the_clock, random)
        self.log_file: Final = Log()
        self.command_table: Final = CommandTable()
        self.dispatcher: Final = Dispatcher(self, self.command_table)
        self.expiry: Final = ExpiryCycle(keyspace)
        self.clients: Final[dict[int, Connection]] = {}
        self.to_flush: list[Connection] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.run_id: Final = secrets.token_hex(20)
        self.pid: Final = os.getpid()
        self.started_ms: i64 = the_clock.now_ms
        self.next_client_id: i64 = 1
        self.total_in: i64 = 0
        self.total_out: i64 = 0
        self.total_connections: i64 = 0
        self.rejected_connections: i64 = 0
        self.peak_memory_bytes: i64 = 0
        self.commands_rate: Final = Rate()
        self.input_rate: Final = Rate()
        self.output_rate: Final = Rate()
        self.lifecycle: Lifecycle | None = None
        self.limits: Final = ClientLimits(self)
        self.cron: Final = Cron(self)
        config.on_change("client-output-buffer-limit", self.limits.apply)
        Appliers(self).register()

    def table(self) -> CommandTable:
        """The commands of this server."""
        return self.command_table

    def log(self, level: int, text: str) -> None:
        """Writes a line to the log."""
        self.log_file.write(level, text)

    # Clients

    def new_connection(self) -> Connection:
        """Makes the protocol object for a connection that is about to be accepted."""
        client_id = self.next_client_id
        self.next_client_id += 1
        return Connection(self, client_id)

    def new_unix_connection(self) -> Connection:
        """The same for a connection to the unix socket."""
        connection = self.new_connection()
        connection.flags |= UNIX_SOCKET
        return connection

    def client_connected(self, connection: Connection) -> None:
        """A connection is established: register it, or refuse it."""
        if len(self.clients) >= self.settings.maxclients:
            self._reject(connection, errors.TOO_MANY_CLIENTS)
        elif self.settings.protected_mode and not self.needs_password() and not connection.is_local():
            self._reject(connection, errors.PROTECTED_MODE)
        else:
            self.total_connections += 1
            self.clients[connection.id] = connection
            if self.needs_password():
                connection.set_authenticated(False)

    def _reject(self, connection: Connection, text: str) -> None:
        """Tells a client why it is not served, and closes."""
        self.rejected_connections += 1
        connection.write_error(text)
        connection.flags |= CLOSE_AFTER_REPLY
        connection.flush()

    def client_gone(self, connection: Connection) -> None:
        """A connection is closed."""
        self.clients.pop(connection.id, None)

    def end_of_pass(self, connection: Connection) -> None:
        """A client's input is used up for now: send its replies and whatever its commands wrote to others."""
        connection.flush()
        if self.to_flush:
            self.flush_waiting()

    def flush_waiting(self) -> None:
        """Sends what was written to clients outside their own passes."""
        while self.to_flush:
            waiting = self.to_flush
            self.to_flush = []
            for other in waiting:
                other.flush()

    def check_output_limit(self, connection: Connection) -> None:
        """Closes a client that has more unread replies than client-output-buffer-limit allows."""
        self.limits.check_output(connection)

    # Regular work

    def take_samples(self) -> None:
        """Notes for INFO how much is going on; called ten times a second."""
        now_ms = self.clock.now_ms
        self.commands_rate.sample(self.dispatcher.total_commands, now_ms)
        self.input_rate.sample(self.total_in, now_ms)
        self.output_rate.sample(self.total_out, now_ms)
        self.peak_memory_bytes = max(self.peak_memory_bytes, self.keyspace.used_memory())

    def after_background_changes(self) -> None:
        """Keys were removed outside any command: settle what a command's end would settle."""
        self.keyspace.settle_memory()
        if self.keys_ready:
            self.serve_blocked()

    # Shutdown

    def request_shutdown(self, ctx: Context, save: bool, nosave: bool, now: bool, force: bool) -> str | None:
        """SHUTDOWN: ends the server. Returns why not, or None."""
        lifecycle = self.lifecycle
        if lifecycle is None:
            return errors.SHUTDOWN_FAILED
        options = SHUTDOWN_SAVE if save else 0
        options |= SHUTDOWN_NOSAVE if nosave else 0
        options |= SHUTDOWN_NOW if now else 0
        options |= SHUTDOWN_FORCE if force else 0
        return None if lifecycle.request_stop(options) is None else errors.SHUTDOWN_FAILED

    def protocol_error(self, connection: Connection, error: ProtocolError) -> None:
        """Logs malformed input."""
        self.log(VERBOSE, f"Protocol error ({error.text}) from client: {describe(connection)}")

    def internal_error(self, ctx: Context, command: Command, argv: list[bytes], error: Exception) -> None:
        """A bug of ours: the log gets the command's name and the traceback, the server lives on."""
        trace = "".join(traceback.format_exception(error))
        self.log(WARNING, f"Internal error in {command.name} with {len(argv)} arguments:\n{trace}")
