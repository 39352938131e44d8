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
from hognose.commands.context import CLOSE_AFTER_REPLY, Context
from hognose.commands.host import WARNING, Host
from hognose.commands.table import Command, CommandTable
from hognose.errors import ProtocolError
from hognose.keyspace.expiry import ExpiryCycle
from hognose.keyspace.keyspace import Keyspace
from hognose.config.store import Config
from hognose.server.connection import Connection
from hognose.server.dispatch import Dispatcher
from hognose.server.log import Log


class Server(Host):
    """One server.

    Attributes:
        config: All directives.
        clients: The connected clients by id.
        to_flush: Clients written to outside their own pass.
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

    def client_connected(self, connection: Connection) -> None:
        """A connection is established: register it, or refuse it."""
        self.total_connections += 1
        if len(self.clients) >= self.settings.maxclients:
            self.rejected_connections += 1
            connection.write_error(errors.TOO_MANY_CLIENTS)
            connection.flags |= CLOSE_AFTER_REPLY
            connection.flush()
            return
        self.clients[connection.id] = connection

    def client_gone(self, connection: Connection) -> None:
        """A connection is closed."""
        self.clients.pop(connection.id, None)

    def end_of_pass(self, connection: Connection) -> None:
        """A client's input is used up for now: send its replies and whatever its commands wrote to others."""
        connection.flush()
        if self.to_flush:
            waiting = self.to_flush
            self.to_flush = []
            for other in waiting:
                other.flush()

    def check_output_limit(self, connection: Connection) -> None:
        """Closes a client that has more unread replies than client-output-buffer-limit allows."""

    def protocol_error(self, connection: Connection, error: ProtocolError) -> None:
        """Logs malformed input."""
        self.log(1, f"Protocol error ({error.text}) from client: id={connection.id}")

    def internal_error(self, ctx: Context, command: Command, argv: list[bytes], error: Exception) -> None:
        """A bug of ours: the log gets the command's name and the traceback, the server lives on."""
        trace = "".join(traceback.format_exception(error))
        self.log(WARNING, f"Internal error in {command.name} with {len(argv)} arguments:\n{trace}")
