"""A full copy on its way to replicas: the dump file to one of them, or the pipe of the child that writes to many.

Neither fills the memory: a replica that reads slowly slows its own file down, and the child that all of a pipe's
replicas share. All that are behind it go through the event loop; nothing here blocks.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from hognose.commands.host import NOTICE, WARNING
from hognose.config.settings import Settings
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.child import ChildWork
from hognose.persistence.lzf import Compressor
from hognose.persistence.progress import Progress
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_writer import FileOptions, write_dataset
from hognose.replication.primary import Replica
from hognose.server.connection import Connection

if TYPE_CHECKING:
    from hognose.server.replicas import Replicas
    from hognose.server.server import Server

CHUNK_BYTES: Final = 64 * 1024
WAITING_BYTES: Final = 1 << 20
"""A replica with so much unread gets nothing more for a moment."""
PAUSE_SECONDS: Final = 0.002
MARK_BYTES: Final = 20


class FileTransfer:
    """Sends the dump file to one replica."""

    def __init__(self, server: "Server", owner: "Replicas", replica: Replica, path: str) -> None:
        self._server: Final = server
        self._owner: Final = owner
        self._replica: Final = replica
        self._file: Final[BinaryIO] = Path(path).open("rb")  # noqa: SIM115 - closed at the end

    def begin(self) -> None:
        """Announces the length and starts."""
        connection = self._replica.ctx
        assert isinstance(connection, Connection)
        size = os.fstat(self._file.fileno()).st_size
        connection.send_raw(b"$%d\r\n" % size)
        self._go_on()

    def _go_on(self) -> None:
        connection = self._replica.ctx
        assert isinstance(connection, Connection)
        loop = self._server.loop
        while not connection.closed:
            if loop is not None and connection.output_bytes() - connection.held_bytes > WAITING_BYTES:
                loop.call_later(PAUSE_SECONDS, self._go_on)
                return
            data = self._file.read(CHUNK_BYTES)
            if not data:
                self._file.close()
                self._owner.copy_sent(self._replica)
                return
            connection.send_raw(data)
        self._file.close()


class PipeWork(ChildWork):
    """Writes the dataset to a pipe, in the child."""

    def __init__(self, fd: int, settings: Settings, keyspace: Keyspace, options: FileOptions) -> None:
        self._fd: Final = fd
        self._settings: Final = settings
        self._keyspace: Final = keyspace
        self._options: Final = options

    def keeps(self) -> list[int]:
        return [self._fd]

    def run(self, progress: Progress) -> None:
        with os.fdopen(self._fd, "wb") as file:
            sink = RdbSink(Compressor() if self._settings.rdbcompression else None, file)
            write_dataset(sink, self._keyspace, self._options, progress)


class PipeTransfer:
    """Passes on what the child writes.

    Attributes:
        members: The replicas that get it.
    """

    def __init__(self, server: "Server", owner: "Replicas", members: list[Replica], fd: int) -> None:
        self._server: Final = server
        self._owner: Final = owner
        self._fd: int = fd
        self._mark: Final = os.urandom(MARK_BYTES).hex().encode()
        self._child_ended = False
        self._is_whole = False
        self._unread: Final[dict[Replica, int]] = {}  # what members have left unread, when that was looked at last
        self._took_ms: Final[dict[Replica, int]] = {}  # when they were last seen to take something, or to lack nothing
        self.members: Final = members

    def begin(self) -> None:
        """Announces the mark and starts."""
        os.set_blocking(self._fd, False)
        for member in self.members:
            self._send(member, b"$EOF:%b\r\n" % self._mark)
        self._listen()

    def _send(self, member: Replica, data: bytes) -> None:
        connection = member.ctx
        assert isinstance(connection, Connection)
        if not connection.closed:
            connection.send_raw(data)

    def _listen(self) -> None:
        loop = self._server.loop
        assert loop is not None
        if self._fd >= 0:
            loop.add_reader(self._fd, self._on_readable)

    def _on_readable(self) -> None:
        try:
            data = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        for member in self.members:
            self._send(member, data)
        if not data:
            self._close()
            self._finish()
        elif self._is_full():
            loop = self._server.loop
            assert loop is not None
            self._stop_listening()
            loop.call_later(PAUSE_SECONDS, self._resume)

    def _is_full(self) -> bool:
        return any(self._unread_bytes(member) > WAITING_BYTES for member in self.members)

    def _unread_bytes(self, member: Replica) -> int:
        """What a member has left unread of what it was sent."""
        connection = member.ctx
        assert isinstance(connection, Connection)
        return 0 if connection.closed else int(connection.output_bytes() - connection.held_bytes)

    def stuck(self, now_ms: int, timeout_s: int) -> list[Replica]:
        """Those that have taken nothing for longer than a time, while the child and all others wait for them.

        To be called regularly: a member is stuck if it was found so each time.
        """
        found: list[Replica] = []
        for member in self.members:
            unread = self._unread_bytes(member)
            if unread <= WAITING_BYTES or unread < self._unread.get(member, unread + 1):
                self._took_ms[member] = now_ms
            elif now_ms - self._took_ms[member] > timeout_s * 1000:
                found.append(member)
            self._unread[member] = unread
        return found

    def _resume(self) -> None:
        loop = self._server.loop
        assert loop is not None
        if self._is_full():
            loop.call_later(PAUSE_SECONDS, self._resume)
        else:
            self._listen()

    def _stop_listening(self) -> None:
        loop = self._server.loop
        if loop is not None:
            # uvloop returns None where it is declared to return a bool, which compiled code would object to.
            remove = cast("Callable[[int], object]", loop.remove_reader)
            remove(self._fd)

    def _close(self) -> None:
        if self._fd >= 0:
            self._stop_listening()
            with contextlib.suppress(OSError):
                os.close(self._fd)
        self._fd = -1

    def child_ended(self, ok: bool) -> None:
        """The child is gone; what it has written may still be in the pipe."""
        self._child_ended = True
        self._is_whole = ok
        if not ok:
            self._close()
        self._finish()

    def _finish(self) -> None:
        """Both the child and the pipe have come to their end: the replicas have everything, or never will."""
        if not self._child_ended or self._fd >= 0:
            return
        self._owner.pipe_ended(self)
        for member in self.members:
            if self._is_whole:
                self._send(member, self._mark)
                self._owner.copy_sent(member)
            else:
                self._server.log(WARNING, f"Full copy for replica {member.address()} failed, closing the connection")
                member.ctx.disconnect()
        if self._is_whole:
            self._server.log(NOTICE, f"Sent the dataset to {len(self.members)} replicas without a file")

    def drop(self, replica: Replica) -> bool:
        """A replica is gone. Returns whether it was the last one."""
        if replica not in self.members:
            return False
        self.members.remove(replica)
        return not self.members
