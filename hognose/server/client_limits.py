"""What one client may take: input not yet understood, replies not yet read, time in silence.

Output limits hold per class of clients (client-output-buffer-limit): at the hard limit a client is dropped at once,
over the soft limit after so many seconds without a break. As in Redis, the first 16 KB of replies are not counted.
One more limit holds on a server that has none configured: a client that has yet to authenticate may leave almost
nothing unread.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.client_text import QUEUED_COMMAND_BYTES, client_line
from hognose.commands.context import BLOCKED, MONITOR, PRIMARY, REPLICA, UNAUTHENTICATED
from hognose.commands.host import VERBOSE, WARNING
from hognose.config import specials
from hognose.config.specials import OutputBufferLimit
from hognose.server.monitors import quoted

if TYPE_CHECKING:
    from hognose.server.connection import Connection
    from hognose.server.server import Server

UNCOUNTED_BYTES: Final = 16 * 1024
"""Redis' fixed reply buffer of a client, which its limits leave out (PROTO_REPLY_CHUNK_BYTES)."""

UNAUTHENTICATED_OUTPUT_BYTES: Final = 1024
"""What a client that has never authenticated may leave unread beyond `UNCOUNTED_BYTES`."""

HANDSHAKE_MS: Final = 60_000
"""How long a TLS handshake may take; Redis waits for ever."""

SHOWN_INPUT_BYTES: Final = 64

PEAK_SECONDS: Final = 8
"""For how long INFO's largest buffers of clients are remembered, as in Redis."""


class ClientLimits:
    """Enforces the limits of one server's clients.

    Attributes:
        buffer_shrinks: How many buffers for replies were given up (INFO reply_buffer_shrinks).
        input_peak, output_peak: The largest buffers of the last seconds.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._limits: tuple[OutputBufferLimit, ...] = server.settings.client_output_buffer_limit
        self._any_limit: list[bool] = []
        self.buffer_shrinks = 0
        self.input_peak: Final = RecentPeak()
        self.output_peak: Final = RecentPeak()
        self.apply()

    def apply(self) -> str:
        """Applier of `client-output-buffer-limit`."""
        self._limits = self._server.settings.client_output_buffer_limit
        self._any_limit = [limit.hard_bytes != 0 or limit.soft_bytes != 0 for limit in self._limits]
        return ""

    def check_output(self, connection: "Connection", coming: i64 = 0) -> None:
        """Drops a client that has left too much unread, or would with so many bytes more. O(1)."""
        number = limit_class(connection)
        is_stranger = connection.attention & UNAUTHENTICATED != 0
        if connection.closed or not (self._any_limit[number] or is_stranger):
            return
        unread = connection.output_bytes() + coming - UNCOUNTED_BYTES
        if self._is_over(connection, number, unread) or (is_stranger and unread > UNAUTHENTICATED_OUTPUT_BYTES):
            text = f"Client {describe(connection)} scheduled to be closed ASAP for overcoming of output buffer limits."
            self._server.log(WARNING, text)
            connection.abort()

    def _is_over(self, connection: "Connection", number: int, unread: i64) -> bool:
        limit = self._limits[number]
        hard = limit.hard_bytes
        if number == specials.REPLICA and hard:
            # A replica may at least be as far behind as a partial resynchronization could bring it back from.
            hard = max(hard, self._server.settings.repl_backlog_size)
        if unread > 0 and hard and unread >= hard:
            return True
        if unread <= 0 or not limit.soft_bytes or unread < limit.soft_bytes:
            connection.soft_limit_since_ms = 0
            return False
        now_ms = self._server.clock.now_ms
        if connection.soft_limit_since_ms == 0:
            connection.soft_limit_since_ms = now_ms
            return False
        return now_ms // 1000 - connection.soft_limit_since_ms // 1000 > limit.soft_seconds

    def check_input(self, connection: "Connection") -> None:
        """Drops a client whose unfinished request or transaction is larger than client-query-buffer-limit. O(1)."""
        queued = connection.queued_bytes + QUEUED_COMMAND_BYTES * len(connection.queued)
        waiting = connection.parser.pending_bytes() + queued
        self.input_peak.note(waiting, self._server.clock.now_ms)
        if waiting > connection.counted_bytes:
            self._server.memory_limit.note_client(connection)
        if waiting <= self._server.settings.client_query_buffer_limit or connection.closed:
            return
        start = quoted(connection.parser.buffer[:SHOWN_INPUT_BYTES]).decode()
        text = f"Closing client that reached max query buffer length: {describe(connection)}"
        self._server.log(WARNING, f"{text} (qbuf initial bytes: {start})")
        connection.abort()

    def note_buffers(self, connection: "Connection") -> None:
        """Takes a client's buffers into account for INFO's largest ones. O(1)."""
        now_ms = self._server.clock.now_ms
        self.input_peak.note(connection.query_bytes() + connection.argument_bytes() + connection.queued_bytes, now_ms)
        self.output_peak.note(max(connection.output_bytes(), connection.output_peak_bytes), now_ms)

    def visit(self, connection: "Connection") -> None:
        """What the cron checks of a client: its idle time and how long it has been over the soft limit. O(1)."""
        self.check_output(connection)
        self.note_buffers(connection)
        if self._server.resizes_buffers:
            connection.resize_buffer(self._server.peak_reset_ms)
        self._server.memory_limit.note_client(connection)
        timeout = self._server.settings.timeout
        if connection.is_shaking_hands() and self._server.clock.now_ms - connection.created_ms > HANDSHAKE_MS:
            self._server.log(VERBOSE, f"Closing client that does not finish its handshake: {describe(connection)}")
            connection.abort()
        if timeout == 0 or connection.closed or is_exempt_from_timeout(connection):
            return
        if self._server.clock.now_ms // 1000 - connection.active_ms // 1000 > timeout:
            self._server.log(VERBOSE, f"Closing idle client {describe(connection)}")
            connection.abort()


class RecentPeak:
    """The highest of the amounts of the last PEAK_SECONDS: one maximum for each of these seconds."""

    def __init__(self) -> None:
        self._amounts: Final[list[i64]] = [0] * PEAK_SECONDS
        self._seconds: Final[list[i64]] = [0] * PEAK_SECONDS

    def note(self, amount: i64, now_ms: i64) -> None:
        """Takes an amount into account. O(1)."""
        second = now_ms // 1000
        place = second % PEAK_SECONDS
        if self._seconds[place] != second:
            self._seconds[place] = second
            self._amounts[place] = 0
        if amount > self._amounts[place]:
            self._amounts[place] = amount

    def highest(self, now_ms: i64) -> i64:
        """The highest amount; 0 if there was none. O(1)."""
        oldest = now_ms // 1000 - PEAK_SECONDS
        highest: i64 = 0
        for place in range(PEAK_SECONDS):
            if self._seconds[place] > oldest and self._amounts[place] > highest:
                highest = self._amounts[place]
        return highest


def limit_class(connection: "Connection") -> int:
    """Which of the three output limits a client falls under."""
    if connection.flags & REPLICA and connection.flags & MONITOR == 0:
        return specials.REPLICA
    return specials.PUBSUB if is_subscribed(connection) else specials.NORMAL


def is_subscribed(connection: "Connection") -> bool:
    """Whether a client is subscribed to anything."""
    return connection.channels + connection.patterns + connection.shard_channels > 0


def is_exempt_from_timeout(connection: "Connection") -> bool:
    """Whether a client may be silent for ever: replicas, monitors, subscribers, those that wait, the primary."""
    return connection.flags & (REPLICA | MONITOR | BLOCKED | PRIMARY) != 0 or is_subscribed(connection)


def describe(connection: "Connection") -> str:
    """A client in the words of the log, which are those of CLIENT LIST."""
    return client_line(connection).decode("utf-8", "replace")
