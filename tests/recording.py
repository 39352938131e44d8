"""A server that remembers what it would send to replicas, and which keyspace events it fired.

server = RecordingServer()
client = server.client()
client("EXPIRE", "key", "-1")
assert server.sent() == [[b"DEL", b"key"]]
assert server.events() == ["del key"]
"""

from __future__ import annotations

from hognose.commands.context import TO_REPLICAS
from hognose.keyspace.events import KeyspaceListener
from hognose.server.propagation import Sink
from tests.inprocess import InProcessServer


class EventRecorder(KeyspaceListener):
    """Remembers events, changed keys and expired fields."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.modified: list[bytes] = []
        self.fields: list[tuple[bytes, list[bytes]]] = []
        self.emptied: list[int] = []

    def key_event(self, event_class: int, event: bytes, key: bytes, db_index: int) -> None:
        self.events.append(f"{event.decode()} {key.decode()}" + (f" in {db_index}" if db_index else ""))

    def key_modified(self, db_index: int, key: bytes) -> None:
        self.modified.append(key)

    def fields_expired(self, db_index: int, key: bytes, fields: list[bytes]) -> None:
        self.fields.append((key, fields))

    def database_emptied(self, db_index: int) -> None:
        self.emptied.append(db_index)


class _PropagationRecorder(Sink):
    """Remembers the commands whose effects go to replicas, without the words that wrap several."""

    def __init__(self) -> None:
        super().__init__(TO_REPLICAS)
        self.propagated: list[list[bytes]] = []

    def write(self, db_index: int, argv: list[bytes]) -> None:
        if argv not in ([b"MULTI"], [b"EXEC"]):
            self.propagated.append(argv)


class RecordingServer(InProcessServer):
    """An in-process server with both recorders."""

    def __init__(self, **directives: str) -> None:
        super().__init__(**directives)
        self.recorder = _PropagationRecorder()
        self.server.propagation.attach(self.recorder)
        self.server.log_file.level = 4
        self.listener = EventRecorder()
        self.server.keyspace.listener = self.listener
        self.server.keyspace.notify_classes = -1
        self.server.keyspace.observed = True

    def sent(self) -> list[list[bytes]]:
        """What was sent to replicas since the last question."""
        sent = list(self.recorder.propagated)
        self.recorder.propagated.clear()
        return sent

    def events(self) -> list[str]:
        """The events since the last question, misses and new keys left out."""
        events = [event for event in self.listener.events if not event.startswith(("keymiss ", "new "))]
        self.listener.events.clear()
        return events

    def modified(self) -> list[bytes]:
        """The keys reported as changed since the last question."""
        modified = list(self.listener.modified)
        self.listener.modified.clear()
        return modified
