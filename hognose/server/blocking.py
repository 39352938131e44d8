"""Clients that wait for keys: who waits for what, whom a key that came to life serves, and who has waited long enough.

A key that came to life is only noted (`key_ready`). When the command that did it is over, with everything it did, the
waiting clients are served: keys in the order they came to life, clients of a key in the order they blocked. Serving a
client runs its command once more, from the checks that any command has to pass; what that command pushes elsewhere
(BLMOVE) may serve others, but only after everybody who waits for the keys that came to life before.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64
from sortedcontainers import SortedSet

from hognose.commands.blocking import UNBLOCKED, BlockedRequest
from hognose.commands.context import BLOCKED, Context
from hognose.datastructures.value import Value
from hognose.resp.reply import NO_REPLY, Reply

if TYPE_CHECKING:
    from hognose.server.server import Server


class BlockingQueues:
    """All waits for keys of one server.

    Attributes:
        requests: The wait of each blocked client, by client id.
    """

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self.requests: Final[dict[i64, BlockedRequest]] = {}
        self._clients: Final[dict[i64, Context]] = {}
        self._queues: Final[dict[tuple[i64, bytes], dict[i64, Context]]] = {}
        self._ready: dict[tuple[i64, bytes], None] = {}
        self._deadlines: Final = SortedSet()
        self._serving = False  # what the served clients' commands make ready is served by the same loop
        self._blocked_again = False  # the client being served has found nothing, and waits on

    def block(self, ctx: Context, request: BlockedRequest) -> None:
        """Makes a client wait. A client being served again keeps the place it has."""
        ctx.flags |= BLOCKED
        if ctx.id in self.requests:
            self._blocked_again = True
            return
        self.requests[ctx.id] = request
        self._clients[ctx.id] = ctx
        awaited = self._server.keyspace.databases[request.db_index].awaited
        for key in request.keys:
            queue = self._queues.setdefault((request.db_index, key), {})
            if ctx.id not in queue:
                queue[ctx.id] = ctx
                awaited[key] = awaited.get(key, 0) + 1
        if request.deadline_ms != 0:
            self._deadlines.add((request.deadline_ms, ctx.id))
            self._server.wake_at(self._deadlines[0][0])

    def timeout_count(self) -> int:
        """How many clients wait until a time. O(1)."""
        return len(self._deadlines)

    def release(self, ctx: Context) -> None:
        """Ends a client's wait, without an answer. Harmless for one that does not wait."""
        if ctx.id in self.requests:
            ctx.flags &= ~BLOCKED
            self._forget(ctx)

    def _forget(self, ctx: Context) -> None:
        """Takes a client out of all queues. O(keys it waits for)."""
        request = self.requests.pop(ctx.id)
        del self._clients[ctx.id]
        awaited = self._server.keyspace.databases[request.db_index].awaited
        for key in request.keys:
            queue = self._queues.get((request.db_index, key))
            if queue is None or queue.pop(ctx.id, None) is None:
                continue
            if not queue:
                del self._queues[request.db_index, key]
            awaited[key] -= 1
            if awaited[key] == 0:
                del awaited[key]
        if request.deadline_ms != 0:
            self._deadlines.discard((request.deadline_ms, ctx.id))

    def unblock(self, ctx: Context, reply: Reply) -> None:
        """Ends a client's wait with an answer; what it has sent meanwhile is taken up again."""
        self._end(ctx, reply, "")

    def unblock_with_error(self, ctx: Context, text: str = UNBLOCKED) -> None:
        """Ends a client's wait with an error."""
        self._end(ctx, NO_REPLY, text)

    def _end(self, ctx: Context, reply: Reply, error: str) -> None:
        """Ends a wait that the command's own work does not end."""
        argv = self.requests[ctx.id].argv
        self.release(ctx)
        self._server.dispatcher.end_wait(ctx, argv, reply, error)
        self._server.resume(ctx)

    def key_ready(self, db_index: i64, key: bytes) -> None:
        """Notes that a key somebody waits for came to life, or was lost."""
        self._ready[db_index, key] = None
        self._server.keys_ready = True

    def database_changed(self, db_index: i64) -> None:
        """A database was emptied or exchanged: any key waited for there may have come to life or be lost."""
        for index, key in list(self._queues):
            if index == db_index:
                self.key_ready(index, key)

    def keys_whose_loss_wakes(self) -> int:
        """How many keys have a client waiting that wants to know of their deletion too. O(waits)."""
        found: set[tuple[int, bytes]] = set()
        for request in self.requests.values():
            if request.wakes_on_loss:
                found.update([(request.db_index, key) for key in request.keys])
        return len(found)

    def serve(self) -> None:
        """Serves the clients that wait for keys noted as ready, until no key is."""
        if self._serving:
            return
        self._serving = True
        while self._ready:
            ready = self._ready
            self._ready = {}
            self._server.keys_ready = False
            for db_index, key in ready:
                queue = self._queues.get((db_index, key))
                if queue is None:
                    continue
                for ctx in list(queue.values()):
                    if ctx.id in queue:
                        self._serve_client(ctx, db_index, key)
        self._serving = False

    def _serve_client(self, ctx: Context, db_index: i64, key: bytes) -> None:
        """Runs a waiting client's command again if the key can satisfy it."""
        request = self.requests[ctx.id]
        database = self._server.keyspace.databases[db_index]
        value = database.peek(key)
        fits = isinstance(value, Value) and value.type_name() == request.type_name
        if not fits and not request.wakes_on_loss:
            return
        ctx.flags &= ~BLOCKED
        self._blocked_again = False
        self._server.dispatcher.run_again(ctx, request.argv)
        if self._blocked_again:
            return
        self._forget(ctx)
        # A pause keeps the command back, and the client BLOCKED, for another reason than this.
        if ctx.flags & BLOCKED == 0:
            self._server.resume(ctx)

    def expire(self, now_ms: i64) -> i64:
        """Ends the waits whose time is over.

        Returns:
            The next deadline, Unix ms; 0 if there is none.
        """
        while self._deadlines:
            deadline, client_id = self._deadlines[0]
            if deadline > now_ms:
                return i64(deadline)
            ctx = self._clients[client_id]
            self.unblock(ctx, self.requests[client_id].timeout_reply)
        return 0
