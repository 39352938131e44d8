"""One client's connection: bytes from the socket to the parser, commands to the dispatcher, replies to the socket.

What reads and writes the socket is in `sockets`, which calls the methods named as asyncio names them.

One chunk of input is one pass: all commands in it run, their replies collect in `out`, and go to the socket together.
A long pipeline comes in many chunks, between which others are served.
"""

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.commands.client_text import WRITER_BYTES
from hognose.commands.context import BLOCKED, CLOSE_AFTER_REPLY, REPLY_OFF, REPLY_SKIP, UNIX_SOCKET, Context
from hognose.commands.flags import WRITE
from hognose.errors import ProtocolError
from hognose.resp.parser import RequestParser
from hognose.resp.reply import write_error
from hognose.server.transport import Transport

if TYPE_CHECKING:
    from hognose.server.server import Server

FLUSH_BYTES: Final = 256 * 1024
"""Replies of a pass go to the socket early from this size on, so that a long pipeline does not pile them up."""

KEPT_BYTES: Final = 16 * 1024
"""A client's buffer for replies that has grown beyond this is not kept for the next pass."""


def _address(name: object) -> bytes:
    """A socket name as "ip:port", with brackets around IPv6 addresses."""
    if not isinstance(name, tuple):
        return b"?:0"
    host = str(name[0])
    return f"[{host}]:{name[1]}".encode() if ":" in host else f"{host}:{name[1]}".encode()


class Connection(Context):
    """A connected client.

    Attributes:
        parser: Its requests.
        peer, local: The two ends of the connection, as "ip:port".
        total_in, total_out: Bytes received and sent.
        closed: The connection is gone, or about to.
        in_pass: Its commands are running.
        counted_bytes: What the memory limit counts for it.
        memory_bucket: Where client eviction looks for it; -1 for nowhere.
        is_held: Its replies wait for the append-only file; see `append_only`.
        held_bytes: Those that wait for a sync, and are not in `out` any more.
        stalled: It leaves so much unread that nothing more is read from it.
    """

    def __init__(self, server: "Server", client_id: i64) -> None:
        super().__init__(server, client_id)
        self.server: Final = server
        self.parser: Final = RequestParser(server.max_string_bytes)
        self.transport: Transport | None = None
        self.soft_limit_since_ms: i64 = 0
        self._peak_since_ms: i64 = server.clock.now_ms
        self.total_in: i64 = 0
        self.total_out: i64 = 0
        self.total_commands: i64 = 0
        self.closed = False
        self.flush_pending = False
        self.in_pass = False
        self.counted_bytes: i64 = 0
        self.memory_bucket: i64 = -1
        self.is_held = False
        self.held_bytes: i64 = 0
        self.stalled = False
        self.peer: bytes = b""
        self.local: bytes = b""

    # What its socket calls

    def connection_made(self, transport: Transport) -> None:
        """The client is there; it may be refused at once."""
        self.adopt(transport)
        self.server.client_connected(self)

    def adopt(self, transport: Transport) -> None:
        """Takes over the socket."""
        self.transport = transport
        self.fd = transport.fd
        if self.flags & UNIX_SOCKET:
            self.peer = self.local = self.server.settings.unixsocket.encode("utf-8", "surrogateescape") + b":0"
            return
        self.peer = _address(transport.peer)
        self.local = _address(transport.local)

    def is_shaking_hands(self) -> bool:
        """Whether the connection is not ready for commands yet."""
        return False

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        server = self.server
        self.total_in += len(data)
        server.total_in += len(data)
        server.reads += 1
        if self.closed:
            return
        started_us = server.clock.read()
        commands = server.dispatcher.total_commands
        self.active_ms = server.clock.now_ms
        self.parser.feed(data)
        eviction = server.memory_limit.client_eviction
        if eviction.is_on and not eviction.check(self):
            return
        self.process()
        # The end of the last command was the last reading of the clock.
        server.passes.note(server.clock.now_us - started_us, server.dispatcher.total_commands - commands)
        if self.parser.pending_bytes() + self.queued_bytes != 0:
            server.limits.check_input(self)
        if eviction.is_on:
            eviction.check(self)

    def ends_with_held_replies(self) -> bool:
        """The client sends no more: whether replies wait for the disk, after which the connection closes itself."""
        if (not self.is_held and self.held_bytes == 0) or self.flags & BLOCKED:
            return False
        self.flags |= CLOSE_AFTER_REPLY
        return True

    def connection_lost(self) -> None:
        """The connection is gone."""
        self.closed = True
        self.transport = None
        self.server.client_gone(self)

    def pause_writing(self) -> None:
        """The client leaves too much unread: nothing more is read from it, and no further command of it runs."""
        self.stalled = True
        self.pause_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.stalled = False
        self.resume_reading()
        if not self.closed:
            self.process()

    def pause_reading(self) -> None:
        """Takes nothing more from the client for now."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Listens to the client again, unless it is still stalled."""
        if self.transport is not None and not self.stalled:
            self.transport.resume_reading()

    # Passes

    def process(self) -> None:
        """Runs the complete commands that have arrived, then sends the replies."""
        server = self.server
        dispatcher = server.dispatcher
        parser = self.parser
        self.in_pass = True
        try:
            while self.flags & BLOCKED == 0 and not self.stalled:
                argv = parser.next()
                if argv is None:
                    break
                if len(argv) == 0:
                    continue
                dispatcher.execute(self, argv)
                if len(self.out) > FLUSH_BYTES:
                    self.flush()
                if self.closed or self.flags & CLOSE_AFTER_REPLY:
                    break
        except ProtocolError as error:
            self._protocol_error(error)
        self.in_pass = False
        server.end_of_pass(self)

    def _protocol_error(self, error: ProtocolError) -> None:
        """Answers malformed input and closes."""
        self.server.protocol_error(self, error)
        write_error(self.out, f"ERR Protocol error: {error.text}")
        self.flags |= CLOSE_AFTER_REPLY

    # Output

    def flush(self) -> None:
        """Hands the collected replies to the socket, now or when what they tell of is safe. O(bytes)."""
        self.flush_pending = False
        if self.server.holds_replies:
            self.server.append_only.hold(self)
            return
        out = self.out
        size: i64 = len(out)
        if size != 0:
            if size > self.output_peak_bytes:
                self.output_peak_bytes = size
            self.server.check_output_limit(self)
            transport = self.transport
            if transport is None or self.closed:
                out.truncate(0)
                return
            self.total_out += size
            self.server.total_out += size
            self.server.writes += 1
            self.transmit(transport, out.getvalue())
            if size > KEPT_BYTES:
                self.out = BytesWriter()
                self.buffer_bytes = 0
            else:
                out.truncate(0)
                if size > self.buffer_bytes:
                    self.buffer_bytes = size
        if self.flags & CLOSE_AFTER_REPLY and not self.closed:
            self.close()

    def transmit(self, transport: Transport, data: bytes) -> None:
        """Hands replies to the socket."""
        transport.write(data)

    def resize_buffer(self, peak_reset_ms: i64) -> None:
        """Gives up a buffer for replies of which the last seconds needed less than half. Called by the cron. O(1).

        Args:
            peak_reset_ms: How long the largest output counts; 0 for ever.
        """
        now_ms = self.server.clock.now_ms
        if self.buffer_bytes > 2 * max(self.output_peak_bytes, WRITER_BYTES) and len(self.out) == 0:
            self.out = BytesWriter()
            self.buffer_bytes = 0
            self.server.limits.buffer_shrinks += 1
        if peak_reset_ms != 0 and now_ms - self._peak_since_ms >= peak_reset_ms:
            self._peak_since_ms = now_ms
            self.output_peak_bytes = len(self.out)

    def send_raw(self, data: bytes) -> None:
        """Sends bytes that are no reply (a dump for a replica), behind what waits to be sent. O(bytes)."""
        self.out.write(data)
        self.flush()

    def take_output(self) -> bytes:
        """Takes away the collected replies; `deliver` gets them when they may be sent. O(bytes)."""
        data = self.out.getvalue()
        self.output_peak_bytes = max(self.output_peak_bytes, len(data))
        self.out = BytesWriter()
        self.held_bytes += len(data)
        self.server.check_output_limit(self)
        return data

    def deliver(self, data: bytes) -> None:
        """Hands replies to the socket that have waited. O(bytes)."""
        self.held_bytes -= len(data)
        transport = self.transport
        if transport is None or self.closed:
            return
        if data:
            self.total_out += len(data)
            self.server.total_out += len(data)
            self.server.writes += 1
            self.transmit(transport, data)
        if self.flags & CLOSE_AFTER_REPLY and len(self.out) == 0 and self.held_bytes == 0:
            self.close()

    def may_write(self) -> bool:
        """Whether what waits for the client is still within its limits; it is disconnected if not."""
        self.server.check_output_limit(self)
        return not self.closed

    def may_get(self, size: i64) -> bool:
        """See `Context`."""
        self.server.limits.check_output(self, size)
        return not self.closed

    def pass_on(self) -> bool:
        """Hands the first part of a long reply to the socket, so that the whole is not held twice. O(bytes).

        Not where it may have to be taken back (CLIENT REPLY), or tells of changes that are not on disk yet: those of a
        transaction, or of the command itself, are on their way only when it is over.
        """
        command = self.command
        if len(self.out) < FLUSH_BYTES:
            return not self.closed
        if (
            command is None
            or command.flags & WRITE
            or self.server.dispatcher.depth != 1
            or self.attention & (REPLY_OFF | REPLY_SKIP)
            or self.flags & CLOSE_AFTER_REPLY
            or self.server.holds_replies
        ):
            return self.may_write()
        self.flush()
        return not self.closed

    def flush_soon(self) -> None:
        """Sees to it that what was written outside this client's own pass is sent at the end of the running one."""
        if not self.flush_pending:
            self.flush_pending = True
            self.server.to_flush.append(self)

    def output_bytes(self) -> i64:
        """Bytes waiting for the client to read them."""
        waiting: i64 = len(self.out) + self.held_bytes
        transport = self.transport
        if transport is not None:
            waiting += transport.unsent_bytes
        return waiting

    def close(self) -> None:
        """Closes after the replies already handed to the socket are sent."""
        self.closed = True
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Closes at once; unsent replies are lost."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    def disconnect(self) -> None:
        """Closes at once, and is no client any more from now on."""
        self.abort()
        self.server.client_gone(self)

    def require_password(self, required: bool) -> None:
        """Refuses the client's commands until it has authenticated, with small request limits; or no longer does."""
        super().require_password(required)
        self.parser.authenticated = not required

    def request_of(self, argv: list[bytes]) -> bytes | None:
        """The bytes in which the running command came, if they are at hand as they were."""
        return self.parser.request_of(argv)

    def address(self) -> bytes:
        """Where the client is, as "ip:port"."""
        return self.peer

    def local_address(self) -> bytes:
        """The address the client connected to, as "ip:port"."""
        return self.local

    def is_local(self) -> bool:
        """Whether the client is on this machine."""
        return self.flags & UNIX_SOCKET != 0 or self.peer.startswith((b"127.", b"[::1]"))

    def query_bytes(self) -> i64:
        """Bytes of requests received and not yet done with; those of the command running now count."""
        return self.parser.unused_bytes(self.in_pass)

    def argument_bytes(self) -> i64:
        """The size of the arguments held for the client."""
        return self.parser.argument_bytes()
