"""The keyspace events a server fires, noted in a list."""

from __future__ import annotations

from hognose.keyspace.events import KeyspaceListener
from tests.inprocess import InProcessServer


class EventRecorder(KeyspaceListener):
    """Notes events as "name key"; blocked clients are told of keys as before, nothing else is.

    Attributes:
        seen: The events, oldest first.
    """

    def __init__(self, former: KeyspaceListener) -> None:
        self._former = former
        self.seen: list[str] = []

    def key_event(self, event_class: int, event: bytes, key: bytes, db_index: int) -> None:
        self.seen.append(f"{event.decode()} {key.decode()}")

    def key_ready(self, db_index: int, key: bytes) -> None:
        self._former.key_ready(db_index, key)


def recorded_events(server: InProcessServer) -> EventRecorder:
    """Lets a server fire all its events, to be noted."""
    keyspace = server.server.keyspace
    recorder = EventRecorder(keyspace.listener)
    keyspace.listener = recorder
    server.client()("CONFIG", "SET", "notify-keyspace-events", "KEA")
    return recorder
