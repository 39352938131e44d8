"""The slow log: the last commands that took longer than slowlog-log-slower-than, newest first.

Arguments are trimmed so that a log of huge commands stays small: at most 32 of them, at most 128 bytes each, with a
note of what is missing in the last one. Secrets are hidden by whoever adds the entry.
"""

from collections import deque
from typing import Final

from mypy_extensions import i64

MAX_ARGUMENTS: Final = 32
MAX_ARGUMENT_BYTES: Final = 128


class SlowLogEntry:
    """One slow command.

    Attributes:
        id: Rising without gaps for the life of the server.
        at_s: When it ran, Unix seconds.
        duration_us: How long it took.
        argv: Its arguments, trimmed.
        address: Of the client, "ip:port".
        client_name: As CLIENT SETNAME gave it.
    """

    def __init__(
        self, entry_id: i64, at_s: i64, duration_us: i64, argv: list[bytes], address: bytes, client_name: bytes
    ) -> None:
        self.id: i64 = entry_id
        self.at_s: i64 = at_s
        self.duration_us: i64 = duration_us
        self.argv: Final = argv
        self.address: Final = address
        self.client_name: Final = client_name


class SlowLog:
    """The entries, bounded by the length given with each new one.

    Attributes:
        entries: Newest first.
    """

    def __init__(self) -> None:
        self.entries: Final[deque[SlowLogEntry]] = deque()
        self._next_id: i64 = 0

    def add(
        self, at_s: i64, duration_us: i64, argv: list[bytes], address: bytes, client_name: bytes, max_entries: i64
    ) -> None:
        """Logs a command.

        Args:
            at_s: Unix seconds.
            duration_us: How long it took.
            argv: Its arguments, secrets hidden.
            address: Of the client.
            client_name: Of the client.
            max_entries: How many entries may stay; the oldest go (slowlog-max-len).

        Complexity: O(1).
        """
        self.entries.appendleft(SlowLogEntry(self._next_id, at_s, duration_us, trimmed(argv), address, client_name))
        self._next_id += 1
        while len(self.entries) > max_entries:
            self.entries.pop()

    def clear(self) -> None:
        """Forgets all entries; ids go on rising."""
        self.entries.clear()


def trimmed(argv: list[bytes]) -> list[bytes]:
    """The arguments as the log keeps them."""
    count = len(argv)
    kept = argv if count <= MAX_ARGUMENTS else argv[: MAX_ARGUMENTS - 1]
    shown = [_trimmed_argument(argument) for argument in kept]
    if count > MAX_ARGUMENTS:
        shown.append(b"... (%d more arguments)" % (count - MAX_ARGUMENTS + 1))
    return shown


def _trimmed_argument(argument: bytes) -> bytes:
    more = len(argument) - MAX_ARGUMENT_BYTES
    return argument if more <= 0 else argument[:MAX_ARGUMENT_BYTES] + b"... (%d more bytes)" % more
