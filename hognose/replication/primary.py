"""The primary's side of replication without sockets, files and timers: who follows, what they get, how far they are.

    stream     the effects of all commands in wire form, one sequence of bytes for all replicas; SELECT where the
               database changes; PING now and then; REPLCONF GETACK where somebody waits
    replica    WAIT_START  wants a full copy, no snapshot for it has begun
               WAIT_END    the snapshot is being written; the stream from its moment on collects in `held`
               SENDING     the file is on its way; the stream still collects
               ONLINE      gets the stream as it comes

A replica that comes back says which stream it followed and how far (PSYNC id offset). If that is this stream, or the
one this server followed before it became a primary, and the backlog reaches back so far, it gets the rest (+CONTINUE);
else everything anew (+FULLRESYNC).

What sends, waits and forks is `server.replicas`.
"""

import os
from typing import Final

from mypy_extensions import i64

from hognose.commands.context import Context
from hognose.persistence.aof_format import encode_command
from hognose.replication.backlog import Backlog

WAIT_START: Final = 0
WAIT_END: Final = 1
SENDING: Final = 2
ONLINE: Final = 3
STATE_NAMES: Final = ("wait_bgsave", "wait_bgsave", "send_bulk", "online")

CAN_EOF: Final = 1 << 0  # takes a dump that ends with a mark instead of announcing its length
CAN_PSYNC2: Final = 1 << 1  # takes another stream's id in +CONTINUE

NO_ID: Final = "0" * 40
NO_DATABASE: Final = -1
ANY_OFFSET: Final = -1
PING: Final = [b"PING"]
GETACK: Final = [b"REPLCONF", b"GETACK", b"*"]


class Replica:
    """A client that follows.

    Attributes:
        ctx: The client.
        state: WAIT_START, WAIT_END, SENDING or ONLINE.
        port, ip: Where it listens, as it says.
        capabilities: CAN_* bits.
        is_old: It came by SYNC: it sends no acknowledgements.
        wants_only_dump: It wants the dump and no stream (REPLCONF rdb-only).
        wants_keys, wants_functions: What of the dump it wants (REPLCONF rdb-filter-only).
        start_offset: Where in the stream its dump was taken.
        acknowledged: How much of the stream it has, as it says.
        acknowledged_ms: When it said so, Unix ms.
        append_only_offset: How much of it is on its disk.
        waiting_since_ms: Since when it waits for a snapshot.
        starts_on_ack: The stream waits for its first acknowledgement: it may still be busy with the end of the dump.
        held: The stream for it that cannot be sent yet.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx: Final = ctx
        self.state: i64 = ONLINE
        self.port: i64 = 0
        self.ip = ""
        self.capabilities: i64 = 0
        self.is_old = False
        self.wants_only_dump = False
        self.wants_keys = True
        self.wants_functions = True
        self.start_offset: i64 = 0
        self.acknowledged: i64 = 0
        self.acknowledged_ms: i64 = 0
        self.append_only_offset: i64 = 0
        self.waiting_since_ms: i64 = 0
        self.starts_on_ack = False
        self.held: list[bytes] = []

    def can_share(self, other: "Replica") -> bool:
        """Whether the snapshot that is being made for another replica will do for this one."""
        return other.capabilities & ~self.capabilities == 0 and other.content() == self.content()

    def content(self) -> tuple[bool, bool]:
        """What of the dump it wants: keys, libraries."""
        return self.wants_keys, self.wants_functions

    def is_filtered(self) -> bool:
        """Whether it does not want all of the dump."""
        return not (self.wants_keys and self.wants_functions)

    def address(self) -> str:
        """Where its clients would find it."""
        host, _, port = self.ctx.address().decode("utf-8", "replace").rpartition(":")
        return f"{self.ip or host}:{int(self.port) or port}"

    def host(self) -> str:
        """The address part of it."""
        return self.address().rpartition(":")[0]

    def lag_s(self, now_ms: i64) -> i64:
        """Seconds since it has acknowledged anything."""
        return (now_ms - self.acknowledged_ms) // 1000


class Primary:
    """The stream of one server and who follows it.

    Attributes:
        id: Of the stream.
        former_id, former_until: The stream this server followed before, and up to which offset the two are one.
        offset: The length of the stream: the offset of its last byte.
        backlog: Its end; None while nobody has ever followed.
        replicas: In the order they came, by client id.
    """

    def __init__(self) -> None:
        self.id = os.urandom(20).hex()
        self.former_id = NO_ID
        self.former_until: i64 = -1
        self.offset: i64 = 0
        self.backlog: Backlog | None = None
        self.replicas: Final[dict[int, Replica]] = {}
        self._candidates: Final[dict[int, Replica]] = {}
        self._selected: i64 = NO_DATABASE

    # Who follows

    def candidate(self, ctx: Context) -> Replica:
        """What is known of a client that may become a replica (REPLCONF comes before PSYNC)."""
        key = int(ctx.id)
        known = self.replicas.get(key) or self._candidates.get(key)
        if known is None:
            known = Replica(ctx)
            self._candidates[key] = known
        return known

    def find(self, ctx: Context) -> Replica | None:
        """The replica that a client is; None if it is none."""
        return self.replicas.get(int(ctx.id))

    def enlist(self, replica: Replica) -> None:
        """Makes a candidate a replica."""
        key = int(replica.ctx.id)
        self._candidates.pop(key, None)
        self.replicas[key] = replica

    def forget(self, ctx: Context) -> bool:
        """A client is gone. Returns whether it was a replica."""
        key = int(ctx.id)
        self._candidates.pop(key, None)
        return self.replicas.pop(key, None) is not None

    def in_state(self, state: i64) -> list[Replica]:
        """The replicas in a state."""
        return [replica for replica in self.replicas.values() if replica.state == state]

    # The stream

    def open_backlog(self, size: i64) -> None:
        """Starts a stream: nothing of what was before can be asked for."""
        self.change_id()
        self.former_id = NO_ID
        self.former_until = -1
        self.backlog = Backlog(size, self.offset + 1)

    def close_backlog(self) -> None:
        """Gives the backlog up, and with it the stream: writes from now on are in none."""
        self.backlog = None
        self.change_id()
        self.former_id = NO_ID
        self.former_until = -1

    def change_id(self) -> None:
        """Takes a new id."""
        self.id = os.urandom(20).hex()

    def forget_selection(self) -> None:
        """Has the next command preceded by SELECT: a new reader of the stream does not know the database."""
        self._selected = NO_DATABASE

    def selected(self) -> i64:
        """The database the stream has selected; NO_DATABASE if the next command says."""
        return self._selected

    def encode(self, db_index: i64, argv: list[bytes]) -> bytes:
        """A command as the stream has it, with the SELECT it needs; negative databases need none. O(bytes)."""
        command = encode_command(argv)
        if db_index < 0 or db_index == self._selected:
            return command
        self._selected = db_index
        return encode_command([b"SELECT", b"%d" % int(db_index)]) + command

    def extend(self, data: bytes) -> None:
        """Adds to the stream."""
        self.offset += len(data)
        if self.backlog is not None:
            self.backlog.add(data)

    def continuation(self, stream_id: bytes, offset: i64) -> bytes | None:
        """What a replica that comes back has missed.

        Args:
            stream_id: The stream it followed.
            offset: The first byte it does not have.

        Returns:
            The rest of the stream; None if it needs everything anew.
        """
        asked = stream_id.decode("ascii", "replace").lower()
        is_former = asked == self.former_id and offset <= self.former_until
        backlog = self.backlog
        if (asked != self.id and not is_former) or backlog is None or not backlog.has(offset):
            return None
        return backlog.since(offset)

    # How far they are

    def acknowledged_by(self, offset: i64) -> int:
        """How many replicas have the stream up to an offset."""
        return sum(1 for each in self.replicas.values() if each.state == ONLINE and each.acknowledged >= offset)

    def good_replicas(self, max_lag_s: i64, now_ms: i64) -> int:
        """How many replicas are online and have acknowledged something within so many seconds."""
        return sum(1 for each in self.replicas.values() if each.state == ONLINE and each.lag_s(now_ms) <= max_lag_s)

    def in_sync(self) -> bool:
        """Whether every replica has everything; those that never acknowledge do not count."""
        return all(
            each.acknowledged == self.offset
            for each in self.replicas.values()
            if each.state == ONLINE and not each.is_old
        )
