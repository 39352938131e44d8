"""Commands in the form they have in append-only files: that of requests.

    *3 CR LF $3 CR LF SET CR LF $3 CR LF key CR LF $5 CR LF value CR LF

Between commands there may be annotations, lines that begin with #; one sort has a meaning, the time in Unix seconds at
which the commands behind it ran (aof-timestamp-enabled):

    #TS:1700000000 CR LF
"""

from typing import BinaryIO, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from hognose.resp.reply import ARRAY_HEADERS, BULK_HEADERS, CRLF, SMALL

CHUNK_BYTES: Final = 1 << 20
MAX_LINE_BYTES: Final = 1024
HASH: Final = 35
STAR: Final = 42
DOLLAR: Final = 36
CR: Final = 13
LF: Final = 10
ZERO: Final = 48
MAX_NUMBER: Final = 1 << 40
MOST_LENGTH_DIGITS: Final = 7
"""Longer arguments than these digits can say are not worth a short cut."""


def write_command(out: BytesWriter, argv: list[bytes]) -> None:
    """Appends a command. O(bytes)."""
    count: i64 = len(argv)
    out.write(ARRAY_HEADERS[count] if count < SMALL else b"*%d\r\n" % int(count))
    for argument in argv:
        size: i64 = len(argument)
        out.write(BULK_HEADERS[size] if size < SMALL else b"$%d\r\n" % int(size))
        out.write(argument)
        out.write(CRLF)


def encode_command(argv: list[bytes]) -> bytes:
    """One command."""
    out = BytesWriter()
    write_command(out, argv)
    return out.getvalue()


def timestamp(now_s: i64) -> bytes:
    """The annotation that says when the commands behind it ran."""
    return b"#TS:%d\r\n" % int(now_s)


class AofError(ValueError):
    """A file that does not hold commands.

    Attributes:
        is_truncated: It only ends too early, within a command.
        offset: Where the error is.
    """

    def __init__(self, text: str, offset: int, is_truncated: bool = False) -> None:
        super().__init__(text)
        self.offset: Final = offset
        self.is_truncated: Final = is_truncated


class CommandReader:
    """Reads commands from a file, from where it stands.

    Attributes:
        offset: Behind the command read last, in the file.
    """

    def __init__(self, file: BinaryIO, offset: i64 = 0) -> None:
        self._file: Final = file
        self._data: bytes = b""
        self._start: i64 = offset  # of `_data` in the file
        self._at: i64 = 0
        self.offset: i64 = offset

    def next(self) -> list[bytes] | None:
        """The next command; None at the end of the file.

        Raises:
            AofError: There is no command here, or half of one.
            OSError: The file cannot be read.
        """
        argv = self._take_whole(self._data, self._at)
        if argv is not None:
            return argv
        while True:
            if self._at == len(self._data) and not self._read_more(1):
                return None
            first: i64 = self._data[self._at]
            if first != HASH:
                break
            self._line(HASH)
            self.offset = self._start + self._at
        count = self._line(STAR)
        if count < 1:
            raise self._error("a command without arguments")
        argv = []
        while count > 0:
            argv.append(self._argument())
            count -= 1
        self.offset = self._start + self._at
        return argv

    def _take_whole(self, data: bytes, pos: i64) -> list[bytes] | None:
        """Takes the command at `pos` if it has at most nine arguments, is all there and has nothing wrong with it.

        Returns:
            The arguments; None, and nothing has changed, if the command needs a closer look.
        """
        end: i64 = len(data)
        if pos + 4 > end or data[pos] != STAR or data[pos + 2] != CR or data[pos + 3] != LF:
            return None
        count: i64 = i64(data[pos + 1]) - ZERO
        if count < 1 or count > 9:
            return None
        argv: list[bytes] = []
        at: i64 = pos + 4
        while count > 0:
            if at + 4 > end or data[at] != DOLLAR:
                return None
            at += 1
            size: i64 = 0
            stop: i64 = min(end, at + MOST_LENGTH_DIGITS)
            first = at
            while at < stop:
                digit: i64 = i64(data[at]) - ZERO
                if digit < 0 or digit > 9:
                    break
                size = size * 10 + digit
                at += 1
            if at == first or at + size + 4 > end or data[at] != CR or data[at + 1] != LF:
                return None
            at += 2
            argv.append(data[at : at + size])
            at += size
            if data[at] != CR or data[at + 1] != LF:
                return None
            at += 2
            count -= 1
        self._at = at
        self.offset = self._start + at
        return argv

    def _argument(self) -> bytes:
        size = self._line(DOLLAR)
        if len(self._data) - self._at < size + 2 and not self._read_more(size + 2):
            raise self._truncated()
        at = self._at
        argument = self._data[at : at + size]
        if self._data[at + size] != CR or self._data[at + size + 1] != LF:
            raise self._error("no line end behind an argument")
        self._at = at + size + 2
        return argument

    def _line(self, mark: i64) -> i64:
        """Steps over a line that begins with a mark; returns the number behind it, 0 for an annotation."""
        if self._at == len(self._data) and not self._read_more(1):
            raise self._truncated()
        if i64(self._data[self._at]) != mark:
            raise self._error("expected " + chr(mark))
        end: i64 = self._data.find(b"\n", self._at)
        if end < 0:
            self._read_more(MAX_LINE_BYTES)
            end = self._data.find(b"\n", self._at)
            if end < 0:
                raise self._error("a line without end") if self._is_long() else self._truncated()
        number: i64 = 0
        i = self._at + 1
        if mark != HASH:
            while i < end:
                digit: i64 = i64(self._data[i]) - ZERO
                if digit < 0 or digit > 9 or number > MAX_NUMBER:
                    break
                number = number * 10 + digit
                i += 1
            if i == self._at + 1 or end - i > 1 or (end - i == 1 and self._data[i] != 13):
                raise self._error("not a number")
        self._at = end + 1
        return number

    def _is_long(self) -> bool:
        return len(self._data) - self._at >= MAX_LINE_BYTES

    def _read_more(self, count: i64) -> bool:
        """Sees to it that so many bytes are there; False if the file ends before."""
        missing: i64 = count - (len(self._data) - self._at)
        chunk = self._file.read(max(missing, CHUNK_BYTES))
        self._start += self._at
        self._data = self._data[self._at :] + chunk if self._at != len(self._data) else chunk
        self._at = 0
        return len(self._data) >= count

    def _error(self, text: str) -> AofError:
        return AofError(text, int(self._start + self._at))

    def _truncated(self) -> AofError:
        return AofError("the end is missing", int(self._start + self._at), is_truncated=True)
