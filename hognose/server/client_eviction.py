"""maxmemory-clients: when all clients together take too much memory, the largest of them are disconnected.

Clients are sorted into buckets by the size of what is counted for them (`client_text.memory_of`), each bucket spanning
a power of two. A client moves when its account is brought up to date: after each pass of its own, when something was
sent to it outside one, and when the cron visits it. Evicting takes clients from the highest bucket that has any.

        bucket      0           1            2                  18
        bytes   up to 32 KB   64 KB       128 KB    ...    more than 4 GB

Neither replicas nor the link to a primary are ever evicted, nor clients that have asked for CLIENT NO-EVICT. Without
the directive the buckets are empty and nothing is kept up.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.client_text import NORMAL_CLIENT, PUBSUB_CLIENT, type_of
from hognose.commands.context import NO_EVICT
from hognose.commands.host import NOTICE
from hognose.server.client_limits import describe

if TYPE_CHECKING:
    from hognose.server.connection import Connection
    from hognose.server.server import Server

SMALLEST_BITS: Final = 15
LARGEST_BITS: Final = 33
BUCKETS: Final = LARGEST_BITS - SMALLEST_BITS + 1
NO_BUCKET: Final = -1

LEAST_LIMIT_BYTES: Final = 128 * 1024
"""A lower limit would leave nobody who could raise it again; Redis draws the line here as well."""


def bucket_of(size: i64) -> i64:
    """The bucket of a client that takes so many bytes."""
    return min(max(int(size).bit_length() - SMALLEST_BITS, 0), BUCKETS - 1)


def limit_of(maxmemory_clients: int, maxmemory: int) -> int:
    """The limit in bytes; 0 for none.

    Args:
        maxmemory_clients: Bytes, or a negative number of percent of maxmemory.
        maxmemory: Bytes; 0 for no limit, of which no share can be taken.
    """
    limit = maxmemory_clients if maxmemory_clients >= 0 else maxmemory * -maxmemory_clients // 100
    return max(limit, LEAST_LIMIT_BYTES) if limit > 0 else 0


class ClientEviction:
    """The memory limit of one server's clients.

    Attributes:
        is_on: Whether there is a limit.
        evicted: How many clients it has cost their connection (INFO evicted_clients).
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._buckets: Final[list[dict[int, Connection]]] = [{} for _ in range(BUCKETS)]
        self._limit: i64 = 0
        self._bytes: i64 = 0
        self.is_on = False
        self.evicted = 0

    def apply(self) -> str:
        """Applier of maxmemory-clients, and of maxmemory, of which it may be a share."""
        server = self._server
        limit = limit_of(server.settings.maxmemory_clients, server.settings.maxmemory)
        self._limit = min(limit, 1 << 60)
        self.is_on = limit > 0
        for client in list(server.clients.values()):
            if self.is_on:
                server.memory_limit.note_client(client)
            else:
                self._leave(client, client.counted_bytes)
        self.evict()
        return ""

    def note(self, client: "Connection", before: i64, now: i64) -> None:
        """Moves a client whose account has changed. O(1).

        Args:
            client: Whose.
            before, now: What was and what is counted for it, in bytes; 0 once it is closed.
        """
        self._leave(client, before)
        is_evictable = client.flags & NO_EVICT == 0 and type_of(client) in (NORMAL_CLIENT, PUBSUB_CLIENT)
        if now == 0 or not is_evictable:
            return
        bucket = bucket_of(now)
        client.memory_bucket = bucket
        self._buckets[bucket][int(client.id)] = client
        self._bytes += now

    def _leave(self, client: "Connection", before: i64) -> None:
        bucket = client.memory_bucket
        if bucket != NO_BUCKET:
            del self._buckets[bucket][int(client.id)]
            client.memory_bucket = NO_BUCKET
            self._bytes -= before

    def check(self, client: "Connection") -> bool:
        """Brings a client's account up to date and evicts whom it takes; whether this one is still connected."""
        self._server.memory_limit.note_client(client)
        if self._bytes > self._limit:
            self.evict()
        return not client.closed

    def evict(self) -> None:
        """Disconnects clients, the largest first, until the others are below the limit. O(clients evicted)."""
        bucket: i64 = BUCKETS - 1
        while self.is_on and self._bytes > self._limit and bucket >= 0:
            clients = self._buckets[bucket]
            if not clients:
                bucket -= 1
                continue
            for client in clients.values():
                self._evict_one(client)
                break

    def _evict_one(self, client: "Connection") -> None:
        server = self._server
        server.log(NOTICE, f"Evicting client: {describe(client)}")
        self.evicted += 1
        # Being closed, it leaves its bucket when the server notes it for the last time.
        client.disconnect()
