"""ACL LOG: what was refused lately, newest first.

A refusal that repeats one of the ten newest within a minute raises that one's count instead of adding an entry, so that
one misconfigured client does not push all others out.
"""

from collections import deque
from itertools import islice
from typing import Final

from mypy_extensions import i64

REMEMBERED_MS: Final = 60_000
"""A refusal this much later than the last one like it is a new entry."""
COMPARED_ENTRIES: Final = 10


class LogEntry:
    """Refusals that are alike.

    Attributes:
        id: Rising without gaps for the life of the server.
        reason: Of `permission`.
        context: Where it happened: b"toplevel", b"multi" or b"lua".
        subject: The command, key or channel that was refused.
        user: Whose refusal it was.
        client: The client, as CLIENT LIST shows it, at the last of them.
        count: How many there were.
        created_ms, updated_ms: When the first and the last were, Unix.
    """

    def __init__(
        self, entry_id: i64, reason: i64, context: bytes, subject: bytes, user: str, client: bytes, now_ms: i64
    ) -> None:
        self.id: i64 = entry_id
        self.reason: i64 = reason
        self.context: Final = context
        self.subject: Final = subject
        self.user: Final = user
        self.client = client
        self.count: i64 = 1
        self.created_ms: i64 = now_ms
        self.updated_ms: i64 = now_ms

    def is_like(self, other: "LogEntry") -> bool:
        """Whether another refusal belongs to this entry."""
        return (
            self.reason == other.reason
            and self.context == other.context
            and -REMEMBERED_MS <= other.updated_ms - self.updated_ms <= REMEMBERED_MS
            and self.subject == other.subject
            and self.user == other.user
        )


class AclLog:
    """The entries, bounded by the length given with each new one.

    Attributes:
        entries: Newest first.
    """

    def __init__(self) -> None:
        self.entries: Final[deque[LogEntry]] = deque()
        self._next_id: i64 = 0

    def add(
        self, reason: i64, context: bytes, subject: bytes, user: str, client: bytes, now_ms: i64, max_entries: int
    ) -> None:
        """Logs a refusal.

        Args:
            reason: Of `permission`.
            context: b"toplevel", b"multi" or b"lua".
            subject: The command, key or channel that was refused.
            user: Whose refusal it is.
            client: The client as CLIENT LIST shows it.
            now_ms: Unix time.
            max_entries: How many entries may stay; the oldest go (acllog-max-len).

        Complexity: O(1).
        """
        entry = LogEntry(self._next_id, reason, context, subject, user, client, now_ms)
        for at, known in enumerate(list(islice(self.entries, COMPARED_ENTRIES))):
            if known.is_like(entry):
                known.client = client
                known.updated_ms = now_ms
                known.count += 1
                del self.entries[at]
                self.entries.appendleft(known)
                return
        self._next_id += 1
        self.entries.appendleft(entry)
        while len(self.entries) > max_entries:
            self.entries.pop()

    def clear(self) -> None:
        """Forgets all entries; ids go on rising."""
        self.entries.clear()
