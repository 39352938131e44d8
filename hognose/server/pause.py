"""CLIENT PAUSE: commands of all clients, or only those that may write, wait until a time or CLIENT UNPAUSE.

A client whose command is kept back is BLOCKED: nothing more of it is parsed, so its commands stay in order. When the
pause is over, the waiting commands run in the order they came, each followed by whatever its client sent behind it.

While a pause is on the dataset stands still: keys neither expire nor are evicted (readers see them gone all the same).
That is what makes it a tool for moving clients to another server without losing a write.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.context import BLOCKED
from hognose.commands.flags import MAY_REPLICATE, WRITE
from hognose.server.cron import CronTask
from hognose.server.dispatch import PAUSED

if TYPE_CHECKING:
    from hognose.server.connection import Connection
    from hognose.server.server import Server

NOT_PAUSED: Final = 0
WRITES: Final = 1
ALL: Final = 2

FARTHEST_TIMER_MS: Final = 24 * 60 * 60 * 1000


class Waiting:
    """A command that is kept back."""

    def __init__(self, connection: "Connection", argv: list[bytes]) -> None:
        self.connection: Final = connection
        self.argv: Final = argv


class ClientPause(CronTask):
    """The pause of one server, and who waits for its end.

    Attributes:
        waiting: In the order they came.
        due: A pause has ended and those that waited have not run yet.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._mode: i64 = NOT_PAUSED
        self._until_ms: i64 = 0
        self.due = False
        self.waiting: list[Waiting] = []

    def pause(self, until_ms: i64, everything: bool) -> None:
        """Pauses until a time. A pause that is on is never made shorter or milder by another."""
        server = self._server
        if self._mode == NOT_PAUSED or until_ms > self._until_ms:
            self._until_ms = until_ms
        self._mode = ALL if everything or self._mode == ALL else WRITES
        server.dispatcher.attention |= PAUSED
        server.keyspace.may_expire = False
        loop = server.loop
        # A time too far for the loop's clock is met by the cron.
        if loop is not None and until_ms - server.clock.now_ms < FARTHEST_TIMER_MS:
            loop.call_later(float(self._until_ms - server.clock.now_ms) / 1000.0, self._on_timer)

    def resume(self) -> None:
        """Ends the pause; the waiting commands run when the pass of the present client is over."""
        self._mode = NOT_PAUSED
        self._until_ms = 0
        server = self._server
        server.dispatcher.attention &= ~PAUSED
        server.keyspace.may_expire = not server.is_replica()
        self.due = len(self.waiting) != 0

    def is_paused(self, mode: i64) -> bool:
        """Whether a pause is on that holds back what `mode` (WRITES or ALL) stands for."""
        return self._mode >= mode

    def timeout_ms(self) -> i64:
        """How long the pause will last still; 0 without one."""
        left = self._until_ms - self._server.clock.now_ms
        return left if self._mode != NOT_PAUSED and left > 0 else 0

    def holds(self, flags: i64) -> bool:
        """Whether a command with these flags has to wait."""
        if self._mode != NOT_PAUSED and self._until_ms <= self._server.clock.now_ms:
            self.resume()
        if self._mode == ALL:
            return True
        return self._mode == WRITES and flags & (WRITE | MAY_REPLICATE) != 0

    def keep(self, connection: "Connection", argv: list[bytes]) -> None:
        """Keeps a command back."""
        self.waiting.append(Waiting(connection, argv))

    def forget(self, connection: "Connection") -> None:
        """Drops what a client that is gone has waiting."""
        self.waiting = [each for each in self.waiting if each.connection is not connection]

    def tick(self, now_ms: i64) -> None:
        """Ends the pause when its time has come."""
        if self._mode != NOT_PAUSED and self._until_ms <= now_ms:
            self.resume()
        self.run_released()

    def _on_timer(self) -> None:
        self._server.clock.read()
        self.tick(self._server.clock.now_ms)
        self._server.flush_waiting()

    def run_released(self) -> None:
        """Runs the waiting commands if a pause has ended."""
        if not self.due:
            return
        self.due = False
        released = self.waiting
        self.waiting = []
        for each in released:
            connection = each.connection
            if connection.closed:
                continue
            connection.flags &= ~BLOCKED
            self._server.dispatcher.execute(connection, each.argv)
            connection.process()
