"""The request parser: bytes in any chunking go in, commands come out.

What it is not: it reads no socket and knows no command. It does not read replies; hiredis does, where hognose is
itself a client.

A request is a RESP array of bulk strings, or an inline command, a line of words as typed into telnet:

    *2 CR LF $3 CR LF GET CR LF $3 CR LF key CR LF         or         GET key CR LF

How it works: `feed` appends a chunk, `next` returns one complete command after the other as a list of `bytes`, then
None. A command that is whole in the buffer and has nothing unusual is taken in one go (`_take_whole`); any other goes
through the steps that keep their state and make all checks. Parsing stops at any byte and goes on there; what was
parsed of an incomplete command is not parsed again. Small remainders are glued to the next chunk. A long argument (a
512 MB value comes in thousands of chunks) collects in a `BytesWriter` of its own instead, so the work stays linear.

Source: the protocol specification (RESP2 and RESP3 share the request form) and the limits real servers enforce.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_le
from mypy_extensions import i64

from hognose.errors import ProtocolError, printable
from hognose.resp.inline import UnbalancedQuotesError, split_words

CR: Final = 13
LF: Final = 10
STAR: Final = 42
DOLLAR: Final = 36
MINUS: Final = 45
ZERO: Final = 48
NINE: Final = 57

MAX_LINE_BYTES: Final = 64 * 1024
"""Longest inline command and longest length line (Redis' PROTO_INLINE_MAX_SIZE)."""
MAX_ARGUMENTS: Final = 2**31 - 1
"""Most arguments a request may announce."""
UNAUTHENTICATED_MAX_ARGUMENTS: Final = 10
UNAUTHENTICATED_MAX_BULK: Final = 16384
LONG_ARGUMENT_BYTES: Final = 16 * 1024
"""From this length on an incomplete argument collects in a buffer of its own (Redis: PROTO_MBULK_BIG_ARG is 32 KB)."""
DEFAULT_MAX_BULK: Final = 512 * 1024 * 1024

INCOMPLETE: Final = -(2**62)

EMPTY_COMMANDS: Final = [[b""] * count for count in range(10)]
"""Copying one is the cheapest way to a list of known length."""
NO_ARGUMENTS: Final[list[bytes]] = []
KEPT_BYTES: Final = 16 * 1024
"""A buffer up to this size stays until the next comes. Freed at once, its place fills with values, which then grow out
of it: a list of 26 MB had holes of 9."""
WORD_BYTES: Final = 8
SEVEN_BYTES: Final = (1 << 56) - 1
"""Shorter masks are shifted out of this one: compiled, `1 << n` is a shift of 32 bits."""
MOST_LENGTH_DIGITS: Final = 6
"""Longer arguments than these digits can say are not worth a short cut."""
LINE_BITS: Final = 4
LINE_MASK: Final = (1 << LINE_BITS) - 1
# The first bytes of `$d CR LF` and of `$dd CR LF` as numbers, and where in them something else than a digit stands.
ONE_DIGIT_LINE: Final = DOLLAR | CR << 16 | LF << 24
ONE_DIGIT_MASK: Final = 0xFFFF00FF
TWO_DIGIT_LINE: Final = DOLLAR | CR << 24 | LF << 32
TWO_DIGIT_MASK: Final = 0xFFFF0000FF


class RequestParser:
    """An incremental parser of one connection's requests.

    Attributes:
        authenticated: False applies the small limits for clients that have yet to authenticate.
        max_bulk_bytes: Longest argument accepted (proto-max-bulk-len).
        start: Where in `buffer` the command returned last begins; with `pos` its end. Valid until `next` or `feed`
            when `whole` is True.
        whole: Whether the command returned last lies in `buffer[start:pos]` in its request form.
    """

    def __init__(self, max_bulk_bytes: i64 = DEFAULT_MAX_BULK) -> None:
        self.authenticated = True
        self.max_bulk_bytes: i64 = max_bulk_bytes
        self.buffer = b""
        self.pos: i64 = 0
        self.start: i64 = 0
        self.whole = False
        self._argv: list[bytes] = []
        self._in_array = False  # the header of the current command is parsed
        self._missing: i64 = 0  # arguments of the current command still to come
        self._bulk: i64 = -1  # length of the argument at `pos` once its $ line is parsed
        self._long: BytesWriter | None = None
        self._long_missing: i64 = 0  # bytes the long argument still lacks, its CR LF included
        self._argv_bytes: i64 = 0
        # The name of the last command taken whole, and its bytes as a number: pipelines repeat one command.
        self._name = b""
        self._name_bytes: i64 = -1
        self._name_word: i64 = 0
        self._name_mask: i64 = 0

    def feed(self, chunk: bytes) -> None:
        """Appends received bytes. All complete commands should have been taken before (`next` returned None)."""
        if self.pos == len(self.buffer):
            self.buffer = chunk
        else:
            self.buffer = self.buffer[self.pos :] + chunk
        self.whole = False
        self.pos = 0
        self.start = 0
        if self._long is not None:
            self._fill_long()

    def in_long_argument(self) -> bool:
        """Whether what comes next is the rest of a long argument."""
        return self._long is not None

    def pending_bytes(self) -> i64:
        """How many bytes wait here for the rest of their command."""
        waiting: i64 = len(self.buffer) - self.pos + self._argv_bytes
        long = self._long
        if long is not None:
            waiting += len(long)
        return waiting

    def unused_bytes(self, in_command: bool) -> i64:
        """How many received bytes are not done with; those of the command taken last count while it runs.

        Args:
            in_command: Whether it runs now.
        """
        waiting: i64 = len(self.buffer) - (self.start if in_command else self.pos)
        long = self._long
        if long is not None:
            waiting += len(long)
        return waiting

    def request_of(self, argv: list[bytes]) -> bytes | None:
        """The bytes of the command returned last, if it is the given one and they are still there in one piece."""
        if self._argv is not argv or not self.whole or self._in_array:
            return None
        # Parsing has not looked at every line end; whoever gets the bytes to keep them may rely on them.
        buffer = self.buffer
        at = _behind_line(buffer, self.start)
        for argument in argv:
            if at >= 0:
                at = _behind_line(buffer, at)
            if at < 0:
                return None
            at += len(argument)
            if buffer[at] != CR or buffer[at + 1] != LF:
                return None
            at += 2
        return buffer[self.start : at] if at == self.pos else None

    def argument_bytes(self) -> i64:
        """The size of the arguments the parser holds: of the command being received, or of the one that runs."""
        if self._in_array:
            return self._argv_bytes
        total: i64 = 0
        for argument in self._argv:
            total += len(argument)
        return total

    def next(self) -> list[bytes] | None:
        """Takes the next complete command.

        Returns:
            The arguments, the command's name first; an empty list for an empty request (a blank line, `*0`, `*-1`),
            which is skipped; None when more bytes are needed.

        Raises:
            ProtocolError: The request is malformed. The parser must not be used any more.

        Complexity: linear in the bytes of the command, however they were chunked.
        """
        if not self._in_array:
            buffer = self.buffer
            if self.pos >= len(buffer):
                # A client that is idle now would keep what it has sent last in memory.
                self._argv = NO_ARGUMENTS
                if len(buffer) > KEPT_BYTES:
                    self.buffer = b""
                    self.pos = 0
                    self.start = 0
                return None
            self.start = self.pos
            if buffer[self.pos] != STAR:
                self.whole = False
                return self._next_inline()
            if self.authenticated:
                argv = self._take_whole(buffer, self.pos)
                if argv is not None:
                    self._argv = argv
                    self.whole = True
                    return argv
            count = self._length_line("too big mbulk count string", "invalid multibulk length")
            if count == INCOMPLETE:
                return None
            if count > MAX_ARGUMENTS:
                raise ProtocolError("invalid multibulk length")
            if count > UNAUTHENTICATED_MAX_ARGUMENTS and not self.authenticated:
                raise ProtocolError("unauthenticated multibulk length")
            if count <= 0:
                return []
            self._in_array = True
            self._missing = count
            self._argv = []
            self.whole = True
        return self._next_arguments()

    def _take_whole(self, buffer: bytes, pos: i64) -> list[bytes] | None:
        """Takes the command at `pos` if it has at most nine arguments, is all there and has nothing wrong with it.

        Returns:
            The arguments, and `pos` is behind them; None, and nothing has changed, if the command needs a closer look.
        """
        end: i64 = len(buffer)
        if pos + 4 > end or buffer[pos + 2] != CR:
            return None
        count: i64 = i64(buffer[pos + 1]) - ZERO
        if count < 1 or count > 9:
            return None
        argv = EMPTY_COMMANDS[count][:]
        at: i64 = pos + 4
        index: i64 = 0
        while index < count:
            line = _bulk_line(buffer, at, end)
            if line < 0:
                return None
            size: i64 = line >> LINE_BITS
            at += line & LINE_MASK
            stop: i64 = at + size
            if stop + 2 > end or size > self.max_bulk_bytes:
                return None
            if index == 0:
                argv[0] = self._command_name(buffer, at, size)
            else:
                argv[index] = buffer[at:stop]
            at = stop + 2
            index += 1
        self.pos = at
        return argv

    def _command_name(self, buffer: bytes, at: i64, size: i64) -> bytes:
        """The bytes of a name in the buffer; of a short one that repeats, the object made before."""
        if size >= WORD_BYTES or at + WORD_BYTES > len(buffer):
            return buffer[at : at + size]
        if size != self._name_bytes:
            self._name_bytes = size
            self._name_mask = SEVEN_BYTES >> (8 * (WORD_BYTES - 1 - size))
        elif read_i64_le(buffer, at) & self._name_mask == self._name_word:
            return self._name
        self._name_word = read_i64_le(buffer, at) & self._name_mask
        self._name = buffer[at : at + size]
        return self._name

    def _next_arguments(self) -> list[bytes] | None:
        """Takes the arguments still missing from `pos` on."""
        buffer = self.buffer
        end: i64 = len(buffer)
        argv = self._argv
        missing = self._missing
        while missing > 0:
            bulk = self._bulk
            if bulk < 0:
                bulk = self._bulk_length()
                if bulk == INCOMPLETE:
                    self._missing = missing
                    return None
            pos = self.pos
            stop: i64 = pos + bulk
            if stop + 2 > end:
                self._bulk = bulk
                self._missing = missing
                if bulk >= LONG_ARGUMENT_BYTES and self._long is None:
                    self._start_long()
                return None
            argv.append(buffer[pos:stop])
            self.pos = stop + 2
            self._bulk = -1
            self._argv_bytes += bulk
            missing -= 1
        self._in_array = False
        self._argv_bytes = 0
        return argv

    def _bulk_length(self) -> i64:
        """Parses the `$<length>` line at `pos`, with all checks; INCOMPLETE if its end is not there yet."""
        if self.pos >= len(self.buffer):
            return INCOMPLETE
        if self.authenticated:
            line = _bulk_line(self.buffer, self.pos, len(self.buffer))
            if line >= 0 and line >> LINE_BITS <= self.max_bulk_bytes:
                self.pos += line & LINE_MASK
                return line >> LINE_BITS
        if self._line_end("too big bulk count string") < 0:
            return INCOMPLETE
        found = self.buffer[self.pos]
        if found != DOLLAR:
            found_text = printable(self.buffer[self.pos : self.pos + 1])
            raise ProtocolError(f"expected '$', got '{found_text}'")
        bulk = self._length_line("too big bulk count string", "invalid bulk length")
        if bulk < 0 or bulk > self.max_bulk_bytes:
            raise ProtocolError("invalid bulk length")
        if bulk > UNAUTHENTICATED_MAX_BULK and not self.authenticated:
            raise ProtocolError("unauthenticated bulk length")
        return bulk

    def _line_end(self, too_long: str) -> i64:
        """The index of the CR that ends the line at `pos`, or -1 while CR LF are not both there."""
        buffer = self.buffer
        end: i64 = len(buffer)
        i = self.pos
        while i < end and buffer[i] != CR:
            i += 1
        if i - self.pos > MAX_LINE_BYTES:
            raise ProtocolError(too_long)
        return i if i + 1 < end else -1

    def _length_line(self, too_long: str, invalid: str) -> i64:
        """Parses `<type><number> CR LF` at `pos` and steps over it; INCOMPLETE if it is not all there."""
        stop = self._line_end(too_long)
        if stop < 0:
            return INCOMPLETE
        buffer = self.buffer
        i = self.pos + 1
        negative = buffer[i] == MINUS
        if negative:
            i += 1
        if i == stop or stop - i > 18 or (buffer[i] == ZERO and (stop - i > 1 or negative)):
            raise ProtocolError(invalid)
        number: i64 = 0
        while i < stop:
            digit: i64 = i64(buffer[i]) - ZERO
            if digit < 0 or digit > 9:
                raise ProtocolError(invalid)
            number = number * 10 + digit
            i += 1
        self.pos = stop + 2
        return -number if negative else number

    def _next_inline(self) -> list[bytes] | None:
        """Takes a line of words; blank lines give an empty list."""
        buffer = self.buffer
        stop: i64 = buffer.find(b"\n", self.pos)
        if stop >= 0 and buffer.find(b"\0", self.pos, stop) >= 0:
            stop = -1  # as in real servers, whose search for the line's end goes no further than a NUL
        if (len(buffer) if stop < 0 else stop) - self.pos > MAX_LINE_BYTES:
            raise ProtocolError("too big inline request")
        if stop < 0:
            return None
        line_end = stop
        if line_end > self.pos and buffer[line_end - 1] == CR:
            line_end -= 1
        line = buffer[self.pos : line_end]
        self.pos = stop + 1
        try:
            self._argv = split_words(line)
            return self._argv
        except UnbalancedQuotesError:
            raise ProtocolError("unbalanced quotes in request") from None

    def _start_long(self) -> None:
        """Moves what is there of a long argument into a buffer of its own."""
        writer = BytesWriter()
        writer.write(self.buffer[self.pos :])
        self._long = writer
        self._long_missing = self._bulk + 2 - len(writer)
        self.buffer = b""
        self.pos = 0
        self.whole = False

    def _fill_long(self) -> None:
        """Gives the received bytes to the long argument, and the rest, once it is complete, to the next."""
        writer = self._long
        assert writer is not None
        chunk = self.buffer
        missing = self._long_missing
        if len(chunk) < missing:
            writer.write(chunk)
            self._long_missing = missing - len(chunk)
            self.pos = len(chunk)
            return
        writer.write(chunk[:missing])
        writer.truncate(self._bulk)
        self._argv.append(writer.getvalue())
        self._argv_bytes += self._bulk
        self._long = None
        self._long_missing = 0
        self._bulk = -1
        self._missing -= 1
        self.pos = missing


def _behind_line(buffer: bytes, at: i64) -> i64:
    """Where the length line at `at`, which has been parsed, ends; -1 if it does not end in CR LF."""
    while buffer[at] != CR:
        at += 1
    return at + 2 if buffer[at + 1] == LF else -1


def _bulk_line(buffer: bytes, at: i64, end: i64) -> i64:
    """Reads `$<length> CR LF` at `at`: (length << 4 | bytes of the line), or -1 if it needs a closer look."""
    if at + WORD_BYTES > end:
        return _longer_bulk_line(buffer, at, end)
    word: i64 = read_i64_le(buffer, at)
    size: i64 = ((word >> 8) & 0xFF) - ZERO
    if word & ONE_DIGIT_MASK == ONE_DIGIT_LINE and 0 <= size <= 9:
        return size << LINE_BITS | 4
    second: i64 = ((word >> 16) & 0xFF) - ZERO
    if word & TWO_DIGIT_MASK == TWO_DIGIT_LINE and 1 <= size <= 9 and 0 <= second <= 9:
        return (size * 10 + second) << LINE_BITS | 5
    return _longer_bulk_line(buffer, at, end)


def _longer_bulk_line(buffer: bytes, at: i64, end: i64) -> i64:
    """As `_bulk_line`, for lengths of up to six digits and at the end of the buffer."""
    if at + 4 > end or buffer[at] != DOLLAR:
        return -1
    stop: i64 = at + 1
    size: i64 = 0
    while True:
        digit: i64 = i64(buffer[stop]) - ZERO
        if digit < 0 or digit > 9:
            break
        size = size * 10 + digit
        stop += 1
        if stop + 1 >= end or stop - at > MOST_LENGTH_DIGITS:
            return -1
    if buffer[stop] != CR or stop == at + 1 or (stop > at + 2 and buffer[at + 1] == ZERO):
        return -1
    return size << LINE_BITS | (stop + 2 - at)
