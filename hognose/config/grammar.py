r"""From text to arguments: lines of a configuration file, the command line, the environment.

Nothing here knows a directive. Everything ends up as one text in the file's own syntax, read from top to bottom, in
which the last word wins:

    the file, then standard input
    HOGNOSE_<DIRECTIVE> variables        PORT=6380 as   port "6380"
    command line options                 --port 6380 as port "6380"

which is also how line numbers in error messages count.

A line is words between blanks. A word may be quoted: between double quotes \n \r \t \b \a \xHH and a backslash before
any other character are understood, between single quotes only \'. A closing quote must end the word. A line that begins
with # is a comment; there are no comments behind a directive.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from hognose.config.errors import UNBALANCED_QUOTES, ConfigError
from hognose.config.kinds import encode, quote

ENVIRONMENT_PREFIX: Final = "HOGNOSE_"

_TRIMMED: Final = b" \t\r\n"
_SKIPPED: Final = b" \t\n\v\f\r"
_WORD_END: Final = b" \n\r\t\0"
_DOUBLE_QUOTE: Final = 0x22
_SINGLE_QUOTE: Final = 0x27
_BACKSLASH: Final = 0x5C
_HEX_MARK: Final = 0x78
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
_SIMPLE_ESCAPES: Final[dict[int, int]] = {0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09, 0x62: 0x08, 0x61: 0x07}


class _Words:
    """A cursor over one line; `at` is 0-based and never passes the end."""

    def __init__(self, line: bytes) -> None:
        end = line.find(b"\0")
        self._line: Final = line if end < 0 else line[:end]
        self._at = 0

    def split(self) -> list[bytes] | None:
        words: list[bytes] = []
        while self._skip_blanks():
            word = self._word()
            if word is None:
                return None
            words.append(word)
        return words

    def _skip_blanks(self) -> bool:
        while self._at < len(self._line) and self._line[self._at] in _SKIPPED:
            self._at += 1
        return self._at < len(self._line)

    def _word(self) -> bytes | None:
        word = bytearray()
        while self._at < len(self._line):
            byte = self._line[self._at]
            if byte in _WORD_END:
                break
            self._at += 1
            if byte in (_DOUBLE_QUOTE, _SINGLE_QUOTE):
                return bytes(word) if self._quoted(word, byte) else None
            word.append(byte)
        return bytes(word)

    def _quoted(self, word: bytearray, mark: int) -> bool:
        """Reads up to the closing quote; False where it is missing or glued to what follows."""
        while self._at < len(self._line):
            byte = self._line[self._at]
            self._at += 1
            if byte == mark:
                return self._at == len(self._line) or self._line[self._at] in _SKIPPED
            if byte == _BACKSLASH and self._at < len(self._line):
                byte = self._escaped(mark)
            word.append(byte)
        return False

    def _escaped(self, mark: int) -> int:
        """The byte meant by what follows a backslash, which stands for itself where it escapes nothing."""
        byte = self._line[self._at]
        if mark == _SINGLE_QUOTE:
            if byte != _SINGLE_QUOTE:
                return _BACKSLASH
            self._at += 1
            return byte
        digits = self._line[self._at + 1 : self._at + 3]
        if byte == _HEX_MARK and len(digits) == 2 and digits[0] in _HEX_DIGITS and digits[1] in _HEX_DIGITS:
            self._at += 3
            return int(digits, 16)
        self._at += 1
        return _SIMPLE_ESCAPES.get(byte, byte)


def split_args(line: bytes) -> list[bytes] | None:
    """Splits a line into its words.

    Returns:
        The words with quotes and escapes resolved; None where quotes are unbalanced.

    Complexity:
        O(len(line)).
    """
    return _Words(line).split()


class SourceLine:
    """One line that says something.

    Attributes:
        number: 1-based.
        text: The line without blanks around it.
        name: The directive in lower case.
        args: What follows it.
    """

    def __init__(self, number: int, text: bytes, words: list[bytes]) -> None:
        self.number: Final = number
        self.text: Final = text
        self.name: Final = words[0].lower()
        self.args: Final = words[1:]

    def error(self, reason: str) -> ConfigError:
        """The error that points at this line."""
        return ConfigError(reason, self.number, self.text)


def parse_line(number: int, raw: bytes) -> SourceLine | None:
    """Reads one line of a configuration.

    Args:
        number: Its number, for messages.
        raw: The line; a line end is allowed.

    Returns:
        The line; None for blank lines and comments.

    Raises:
        ConfigError: Quotes are unbalanced.
    """
    text = raw.strip(_TRIMMED)
    if not text or text.startswith(b"#"):
        return None
    words = split_args(text)
    if words is None:
        raise ConfigError(UNBALANCED_QUOTES, number, text)
    return SourceLine(number, text, words) if words else None


class CommandLine:
    """What the arguments of the program say about the configuration.

    Attributes:
        path: The configuration file; empty where none is named.
        reads_stdin: Whether `-` asks for more configuration on standard input.
        options: The other arguments as configuration lines.
    """

    def __init__(self, path: str, reads_stdin: bool, options: bytes) -> None:
        self.path: Final = path
        self.reads_stdin: Final = reads_stdin
        self.options: Final = options


def parse_command_line(argv: list[str]) -> CommandLine:
    """Reads the program's arguments the way redis-server 7.2 does.

    A first argument that does not begin with a dash is the file; an empty one is the directory one is in, and what is
    a directory says nothing. `--name` opens a directive and everything up to the
    next `--name` are its arguments, except that the argument right behind a bare `--name` is a value whatever it looks
    like: `--logfile --x` logs to `--x`. An argument of several words, `--port 6380` in one, is complete in itself.
    Since an empty list of save points often comes out as nothing at all, `--save` without a value is `--save ""`.

    Args:
        argv: The arguments without the program's name and without those that are no configuration (`--help` and such).
    """
    names_file = bool(argv) and not argv[0].startswith("-")
    path = (argv[0] or ".") if names_file else ""
    rest = argv[1:] if names_file else argv
    lines: list[bytes] = []
    reads_stdin = False
    wants_value = False
    for index, arg in enumerate(rest):
        is_last = index == len(rest) - 1
        if arg == "-" and (is_last or (index == 0 and not path)):
            reads_stdin = True
        elif arg.startswith("--") and not wants_value:
            lines.append(encode(arg[2:]) + b" ")
            wants_value = _is_one_word(arg)
            if wants_value and _stands_alone(arg, "" if is_last else rest[index + 1], is_last):
                lines[-1] += b'""' if arg.lower() == "--save" else b""
                wants_value = False
        else:
            if not lines:
                lines.append(b"")
            lines[-1] += quote(encode(arg)) + b" "
            wants_value = False
    return CommandLine(path, reads_stdin, b"\n".join(lines))


def _is_one_word(arg: str) -> bool:
    words = split_args(encode(arg))
    return words is not None and len(words) == 1


def _stands_alone(arg: str, following: str, is_last: bool) -> bool:
    return arg.lower() in ("--save", "--sentinel") and (is_last or following.startswith("--"))


def environment_lines(environ: Mapping[str, str], names: Iterable[str]) -> list[bytes]:
    """Turns environment variables into configuration lines.

    Args:
        environ: Variables; HOGNOSE_ and the directive in capitals, dashes as underscores: HOGNOSE_TCP_KEEPALIVE.
        names: The directives there are. Variables that name none are left alone: others share the prefix.

    Returns:
        A line per variable, its value as one quoted argument.
    """
    by_variable = {ENVIRONMENT_PREFIX + name.replace("-", "_").upper(): name for name in names}
    lines: list[bytes] = []
    for variable in sorted(environ):
        name = by_variable.get(variable)
        if name is not None:
            lines.append(encode(name) + b" " + quote(encode(environ[variable])))
    return lines
