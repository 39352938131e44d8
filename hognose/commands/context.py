"""What a handler is given besides its arguments: the client it serves.

`Context` is one client: a connection, or an internal one (a script, the AOF loader, the replication link). The server
derives its connections from it, so that nothing here knows sockets or the event loop.
"""

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.keyspace.database import Database
from hognose.resp.reply import Reply, encode, write_error

if TYPE_CHECKING:
    from hognose.commands.host import Host
    from hognose.commands.table import Command

# Why a client's commands need the full ladder of checks: bits of Context.attention.
UNAUTHENTICATED: Final = 1 << 0
IN_MULTI: Final = 1 << 1
SUBSCRIBED: Final = 1 << 2  # in a RESP2 connection: only a few commands are allowed
RESTRICTED: Final = 1 << 3  # an ACL user that may not do everything
REPLY_OFF: Final = 1 << 4
REPLY_SKIP: Final = 1 << 5
TRACKING: Final = 1 << 6
NO_TOUCH: Final = 1 << 7
ASKING_NEXT: Final = 1 << 8
REPLICATION_LINK: Final = 1 << 9  # the primary's commands, or the AOF's: exempt from most checks
REPLY_SKIP_NEXT: Final = 1 << 10
ONLOOKER: Final = 1 << 11  # a monitor or replica: gets to see commands, and may not touch the keyspace itself

# What a client is: bits of Context.flags, for CLIENT LIST and for handlers.
DENY_BLOCKING: Final = 1 << 0  # inside EXEC or a script
MONITOR: Final = 1 << 1
NO_EVICT: Final = 1 << 2
CLOSE_AFTER_REPLY: Final = 1 << 3
UNIX_SOCKET: Final = 1 << 4
READONLY_CLUSTER: Final = 1 << 5
DIRTY_CAS: Final = 1 << 6  # a watched key changed
DIRTY_EXEC: Final = 1 << 7  # a command was refused while queueing
SCRIPT: Final = 1 << 8
BLOCKED: Final = 1 << 9
REPLICA: Final = 1 << 10
INTERNAL: Final = 1 << 11  # not a connection
PRIMARY: Final = 1 << 12  # the link to the primary of this replica
BROKEN_REDIRECT: Final = 1 << 13  # invalidations go to a client that is gone
PUBSUB: Final = 1 << 14  # subscribed to something, in either protocol
TRACKING_BROADCAST: Final = 1 << 15

REDACTED: Final = b"(redacted)"

# Where effects go.
TO_APPEND_ONLY_FILE: Final = 1 << 0
TO_REPLICAS: Final = 1 << 1
EVERYWHERE: Final = TO_APPEND_ONLY_FILE | TO_REPLICAS


class Context:
    """One client.

    Attributes:
        id: Unique for the life of the server, rising.
        db: The selected database.
        resp: 2 or 3.
        out: Replies not yet handed to the socket.
        attention: Why commands of this client need the full ladder of checks; 0 for most.
        flags: What the client is.
        command: The command running now.
        rewritten: What to send to AOF and replicas in place of the command running now; None for the command itself.
        allowed_targets: Where its commands' effects may go at all (redis.set_repl of scripts).
        forced_targets: Where the running command goes even if it changes nothing: TO_APPEND_ONLY_FILE, TO_REPLICAS.
        write_offset: How long the replication stream was after the client's last write; WAIT waits for that.
        authenticated: Whether the client has given a valid password, or connected when none was needed.
        created_ms, active_ms: When it connected and when it last sent something, Unix ms.
        fd: The file descriptor of its socket; -1 without one.
        channels, patterns, shard_channels: How many it is subscribed to.
        redirect: The id of the client its invalidations go to; 0 for itself.
        holds_pushes: A command of it is running, so that messages wait in `held_pushes` until its reply is written.
        output_peak_bytes: The most `out` has held at the end of a pass of the last seconds.
        buffer_bytes: The room that `out` has kept from earlier passes.
    """

    def __init__(self, host: "Host", client_id: i64) -> None:
        self.host: Final = host
        self.keyspace: Final = host.keyspace
        self.id: i64 = client_id
        self.db: Database = host.keyspace.databases[0]
        self.resp: i64 = 2
        self.out: BytesWriter = BytesWriter()
        self.attention: i64 = 0
        self.flags: i64 = 0
        self.command: Command | None = None
        self.rewritten: list[list[bytes]] | None = None
        self.forced_targets: i64 = 0
        self.write_offset: i64 = 0
        self.allowed_targets: i64 = EVERYWHERE
        self.name: bytes = b""
        self.lib_name: bytes = b""
        self.lib_ver: bytes = b""
        self.user: str = "default"
        self.queued: list[QueuedCommand] = []
        self.queued_bytes: i64 = 0
        self.watched: list[tuple[i64, bytes, bool]] = []
        self.authenticated = True
        self.created_ms: i64 = host.clock.now_ms
        self.active_ms: i64 = host.clock.now_ms
        self.fd: i64 = -1
        self.channels: i64 = 0
        self.patterns: i64 = 0
        self.shard_channels: i64 = 0
        self.redirect: i64 = 0
        self.output_peak_bytes: i64 = 0
        self.buffer_bytes: i64 = 0
        self.holds_pushes = False
        self.held_pushes: list[bytes] = []
        self._secret_argv: list[bytes] | None = None
        self._shown_argv: list[bytes] = []

    # What CLIENT LIST shows and CLIENT KILL selects by; a connection knows better.

    def address(self) -> bytes:
        """Where the client is, as "ip:port"."""
        return b"?:0"

    def local_address(self) -> bytes:
        """The address the client connected to, as "ip:port"."""
        return b"?:0"

    def is_local(self) -> bool:
        """Whether the client is on this machine (a loopback address or a unix socket)."""
        return True

    def query_bytes(self) -> i64:
        """Bytes of requests received and not yet done with."""
        return 0

    def argument_bytes(self) -> i64:
        """The size of the arguments held for the client."""
        return 0

    def output_bytes(self) -> i64:
        """Bytes of replies the client has not taken yet."""
        return len(self.out)

    def transport_bytes(self) -> i64:
        """What lies between the client and its socket, such as the state of TLS."""
        return 0

    def may_write(self) -> bool:
        """Whether what waits for the client is still within its limits; it is disconnected if not."""
        return True

    def may_get(self, size: i64) -> bool:
        """Whether a reply of so many bytes is within the client's limit; it is disconnected if not."""
        return True

    def pass_on(self) -> bool:
        """Hands on what is written of a long reply so far, if that may be; false where nobody wants the rest.

        `out` is another object afterwards.
        """
        return self.may_write()

    def set_authenticated(self, authenticated: bool) -> None:
        """Lets the client in, or makes it authenticate before anything else."""
        self.authenticated = authenticated
        self.require_password(not authenticated)

    def require_password(self, required: bool) -> None:
        """Refuses the client's commands until it has authenticated, or no longer."""
        if required:
            self.attention |= UNAUTHENTICATED
        else:
            self.attention &= ~UNAUTHENTICATED

    def disconnect(self) -> None:
        """Closes the client at once."""

    def request_of(self, argv: list[bytes]) -> bytes | None:
        """The bytes in which the running command came; None where there are none, or they are not at hand any more."""
        return None

    def flush_soon(self) -> None:
        """Sees to it that what another client's command wrote to this one is sent soon."""

    def push(self, message: bytes) -> None:
        """Sends a message, in wire form; it never comes between a command of the client and its reply."""
        if self.holds_pushes:
            self.held_pushes.append(message)
        else:
            self.out.write(message)
            self.flush_soon()

    def release_pushes(self) -> None:
        """Sends the messages that have waited for the end of a command."""
        for message in self.held_pushes:
            self.out.write(message)
        self.held_pushes.clear()

    # Secrets

    def redact(self, argv: list[bytes], index: i64) -> None:
        """Hides an argument of the running command from MONITOR, the slow log and crash reports."""
        if self._secret_argv is not argv:
            self._secret_argv = argv
            self._shown_argv = list(argv)
        self._shown_argv[index] = REDACTED

    def shown(self, argv: list[bytes]) -> list[bytes]:
        """The arguments of a command as others may see them."""
        return self._shown_argv if self._secret_argv is argv else argv

    def now_ms(self) -> i64:
        """The time the running command sees, Unix ms."""
        return self.keyspace.now_ms()

    def command_name(self) -> str:
        """The full lower-case name of the running command, such as "config|get"."""
        command = self.command
        return command.name if command is not None else ""

    def propagate_as(self, *commands: list[bytes]) -> None:
        """Sends these commands to AOF and replicas in place of the one running (none at all: nothing)."""
        self.rewritten = list(commands)

    def propagate_anyway(self, targets: i64) -> None:
        """Sends the running command to AOF or replicas (TO_...) though it changes no data, as PUBLISH does."""
        if self.host.propagating:
            self.forced_targets |= targets
            self.host.effects_pending = True

    def hears_nothing(self) -> bool:
        """Whether no further reply goes to the client: CLIENT REPLY OFF, or it is about to be disconnected."""
        return self.attention & REPLY_OFF != 0 or self.flags & CLOSE_AFTER_REPLY != 0

    def write(self, reply: Reply) -> None:
        """Appends a reply to the output."""
        encode(self.out, reply, self.resp)

    def write_error(self, text: str) -> None:
        """Appends an error reply to the output."""
        write_error(self.out, text)

    def select(self, index: i64) -> bool:
        """Selects a database. False if there is no such."""
        if index < 0 or index >= len(self.keyspace.databases):
            return False
        self.db = self.keyspace.databases[index]
        return True


class QueuedCommand:
    """A command waiting for EXEC.

    Attributes:
        flags: Those of the command, or what a script declares of itself.
    """

    def __init__(self, command: "Command", argv: list[bytes], flags: i64) -> None:
        self.command: Final = command
        self.argv: Final = argv
        self.flags: i64 = flags
