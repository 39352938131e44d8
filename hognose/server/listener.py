"""What the server does when keys change: WATCH, tracking, blocked clients, keyspace events, DELs of expired keys."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.context import DIRTY_CAS, Context
from hognose.config.specials import EVENTS_BY_EVENT, EVENTS_BY_KEY
from hognose.keyspace.events import KeyspaceListener

if TYPE_CHECKING:
    from hognose.server.server import Server


class ServerListener(KeyspaceListener):
    """Hears of every change in the keyspace of one server."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._watchers: Final[dict[tuple[i64, bytes], dict[i64, Context]]] = {}

    # WATCH

    def watch(self, ctx: Context, key: bytes) -> None:
        """A client watches a key of its database. Watching twice is harmless."""
        name = (ctx.db.index, key)
        watchers = self._watchers.setdefault(name, {})
        if ctx.id not in watchers:
            watchers[ctx.id] = ctx
            expired = ctx.db.table.find(key) >= 0 and ctx.db.peek(key) is None
            ctx.watched.append((ctx.db.index, key, expired))
        self.update_observed()

    def unwatch_all(self, ctx: Context) -> None:
        """A client forgets the keys it watches. O(keys watched)."""
        for db_index, key, _ in ctx.watched:
            watchers = self._watchers[db_index, key]
            del watchers[ctx.id]
            if not watchers:
                del self._watchers[db_index, key]
        ctx.watched.clear()
        self.update_observed()

    def update_observed(self) -> None:
        """Lets the keyspace report changes only while somebody cares."""
        server = self._server
        server.keyspace.observed = len(self._watchers) != 0 or len(server.invalidation.trackers) != 0

    def key_modified(self, db_index: i64, key: bytes) -> None:
        """A key changed: transactions that watch it fail, clients that cached it are told."""
        if self._server.invalidation.trackers:
            self._server.invalidation.key_changed(key)
        watchers = self._watchers.get((db_index, key))
        if watchers is not None:
            for ctx in watchers.values():
                if not self._was_expired(ctx, db_index, key):
                    ctx.flags |= DIRTY_CAS

    def _was_expired(self, ctx: Context, db_index: i64, key: bytes) -> bool:
        """Whether the change is only that a key already expired when it was watched has now left memory."""
        for watched_db, watched_key, expired in ctx.watched:
            if watched_db == db_index and watched_key == key:
                return expired and self._server.keyspace.databases[db_index].peek(key) is None
        return False

    def database_emptied(self, db_index: i64) -> None:
        """A database (-1: every one) is about to be emptied: whoever watches a key that is there is told."""
        databases = self._server.keyspace.databases
        if self._server.invalidation.trackers:
            self._server.invalidation.everything_changed()
        for watched_db, key in self._watchers:
            if db_index in {-1, watched_db} and databases[watched_db].table.find(key) >= 0:
                self.key_modified(watched_db, key)
        for database in databases:
            if db_index in {-1, database.index}:
                self._server.blocking.database_changed(database.index)

    def data_to_free(self) -> None:
        """Values wait to be freed between the passes of clients."""
        self._server.freeing.begin()

    def databases_swapped(self, first: i64, second: i64) -> None:
        """Two databases have exchanged their contents: a watched key that is there in either has changed."""
        for (watched_db, key), watchers in self._watchers.items():
            if watched_db in {first, second}:
                for ctx in watchers.values():
                    self._swapped(ctx, watched_db, second if watched_db == first else first, key)
        self._server.blocking.database_changed(first)
        self._server.blocking.database_changed(second)

    def _swapped(self, ctx: Context, db_index: i64, other_index: i64, key: bytes) -> None:
        """What an exchange of databases means for one watched key: no key and an expired key are the same."""
        databases = self._server.keyspace.databases
        was_there = databases[other_index].table.find(key) >= 0
        is_there = databases[db_index].table.find(key) >= 0
        if not was_there and not is_there:
            return
        is_expired = is_there and databases[db_index].peek(key) is None
        for i in range(len(ctx.watched)):
            watched_db, watched_key, expired = ctx.watched[i]
            if watched_db != db_index or watched_key != key:
                continue
            if (is_expired or not is_there) if expired else (is_expired and not was_there):
                ctx.watched[i] = (db_index, key, is_expired)
            else:
                ctx.flags |= DIRTY_CAS

    # Blocked clients

    def key_ready(self, db_index: i64, key: bytes) -> None:
        """A key that clients block on came to life or was lost."""
        self._server.blocking.key_ready(db_index, key)

    # Keyspace events

    def key_event(self, event_class: i64, event: bytes, key: bytes, db_index: i64) -> None:
        """Publishes an event of a class somebody may want to hear of: by key, by event, or both."""
        pubsub = self._server.pubsub
        if not pubsub.has_listeners():
            return
        classes = self._server.keyspace.notify_classes
        if classes & EVENTS_BY_KEY:
            pubsub.publish(b"__keyspace@%d__:%s" % (int(db_index), key), event)
        if classes & EVENTS_BY_EVENT:
            pubsub.publish(b"__keyevent@%d__:%s" % (int(db_index), event), key)

    # AOF and replicas

    def key_expired(self, db_index: i64, key: bytes) -> None:
        """A key is about to go because its deadline passed."""
        server = self._server
        if server.propagating:
            server.propagation.key_deleted(db_index, key, server.settings.lazyfree_lazy_expire)

    def fields_expired(self, db_index: i64, key: bytes, fields: list[bytes]) -> None:
        """Fields of a hash are gone because their deadlines passed."""
        if self._server.propagating:
            self._server.propagation.happened(db_index, [b"HDEL", key, *fields])

    def key_evicted(self, db_index: i64, key: bytes) -> None:
        """A key is about to go to free memory."""
        server = self._server
        if server.propagating:
            server.propagation.key_deleted(db_index, key, server.settings.lazyfree_lazy_eviction)
