"""The plain sorts of value a directive can have: yes/no, whole numbers, amounts of memory, strings, one of a list.

A kind knows three texts of a value and keeps them apart:

    file, command line, CONFIG SET  --parse-->  typed value  --show-->          CONFIG GET     maxmemory 1048576
                                                             --config_lines-->  CONFIG REWRITE maxmemory 1mb

It does not know which directive it serves, and it changes nothing: `parse` returns the new value or raises
`ValueRefused`. Values with rules of their own (save points, buffer limits, addresses) are in `specials`.

Numbers are read as strictly as redis-server reads them: no blanks, no plus sign, no leading zeros for plain integers;
amounts of memory wrap at 2**64, which is why 18446744073709551615 is a valid maxmemory and 18446744073709551616 is not
told apart from it.
"""

import re
from collections.abc import Callable
from typing import Final

from hognose.config.errors import ValueRefused

NOT_INTEGER: Final = "argument couldn't be parsed into an integer"
NOT_OCTAL: Final = "argument couldn't be parsed as an octal number"
NOT_MEMORY: Final = "argument must be a memory value"
NOT_MEMORY_OR_PERCENT: Final = "argument must be a memory or percent value"
NOT_YES_OR_NO: Final = "argument must be 'yes' or 'no'"

INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1
UINT_MAX: Final = 2**32 - 1
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
UINT64_MAX: Final = 2**64 - 1

_PLAIN_INTEGER: Final = re.compile(rb"(?:0|-?[1-9][0-9]*)\Z")
_LOOSE_INTEGER: Final = re.compile(rb"[ \t\n\v\f\r]*[+-]?[0-9]+\Z")
_LOOSE_OCTAL: Final = re.compile(rb"[ \t\n\v\f\r]*[+-]?[0-7]+\Z")
_MEMORY: Final = re.compile(rb"([0-9]{0,127})([a-zA-Z]*)\Z")
_MEMORY_UNITS: Final[dict[bytes, int]] = {
    b"": 1,
    b"b": 1,
    b"k": 1000,
    b"kb": 1 << 10,
    b"m": 1000**2,
    b"mb": 1 << 20,
    b"g": 1000**3,
    b"gb": 1 << 30,
}


def parse_integer(text: bytes) -> int | None:
    """Reads a signed 64-bit decimal in its one canonical spelling.

    Returns:
        The number, or None where the text is spelled otherwise or does not fit.
    """
    if _PLAIN_INTEGER.match(text) is None or len(text) > 20:
        return None
    number = int(text)
    return number if INT64_MIN <= number <= INT64_MAX else None


def parse_loose_integer(text: bytes) -> int | None:
    """Reads a decimal as C's `strtoll` does: blanks and a sign in front allowed, too large saturates, empty is 0."""
    if not text:
        return 0
    if _LOOSE_INTEGER.match(text) is None or len(text) > 1000:
        return None
    return max(INT64_MIN, min(INT64_MAX, int(text)))


def parse_memory(text: bytes) -> int | None:
    """Reads an amount of memory such as 100, 64kb or 1G.

    Args:
        text: Digits and a unit in either case: k, m, g count in powers of 1000, kb, mb, gb in powers of 1024.

    Returns:
        Bytes, modulo 2**64; None where the text is no amount. No digits at all count as 0.
    """
    match = _MEMORY.match(text)
    if match is None:
        return None
    unit = _MEMORY_UNITS.get(match[2].lower())
    if unit is None:
        return None
    return min(int(match[1] or b"0"), UINT64_MAX) * unit & UINT64_MAX


def format_memory(amount_bytes: int) -> bytes:
    """Writes an amount with the largest unit that divides it, so that reading it gives the same number."""
    for unit, size in ((b"gb", 1 << 30), (b"mb", 1 << 20), (b"kb", 1 << 10)):
        if amount_bytes and amount_bytes % size == 0:
            return b"%d%s" % (amount_bytes // size, unit)
    return b"%d" % amount_bytes


def decode(text: bytes) -> str:
    """The text form of a string value; bytes that are no UTF-8 survive the way there and back."""
    return text.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes of a string value; the inverse of `decode`."""
    return text.encode("utf-8", "surrogateescape")


_ESCAPES: Final[dict[int, bytes]] = {
    0x5C: b"\\\\",
    0x22: b'\\"',
    0x0A: b"\\n",
    0x0D: b"\\r",
    0x09: b"\\t",
    0x07: b"\\a",
    0x08: b"\\b",
}


def quote(value: bytes) -> bytes:
    """Writes a value between double quotes so that a configuration line can hold any bytes.

    Returns:
        Printable ASCII; `grammar.split_args` reads it back to exactly `value`.
    """
    quoted = bytearray(b'"')
    for byte in value:
        escape = _ESCAPES.get(byte)
        if escape is not None:
            quoted += escape
        elif 0x20 <= byte < 0x7F:
            quoted.append(byte)
        else:
            quoted += b"\\x%02x" % byte
    quoted += b'"'
    return bytes(quoted)


class ConfigLine:
    """One line CONFIG REWRITE may write.

    Attributes:
        text: The whole line.
        forced: Written even where the old file does not mention the directive: the value is not the default.
    """

    def __init__(self, text: bytes, forced: bool) -> None:
        self.text: Final = text
        self.forced: Final = forced


class Kind:
    """Base of all kinds; see the module's opening for the three texts of a value."""

    def parse(self, args: list[bytes], current: object) -> object:
        """Checks and converts new arguments.

        Args:
            args: The arguments after the directive's name; exactly one unless the directive takes several.
            current: The value in force, for directives that change only a part of it.

        Returns:
            The new typed value.

        Raises:
            ValueRefused: The arguments break a rule.
        """
        raise NotImplementedError

    def show(self, value: object) -> bytes:
        """The value as CONFIG GET shows it, which CONFIG SET accepts back."""
        raise NotImplementedError

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        """The lines that set this value in a file; none where the absence of a line says it best."""
        return [ConfigLine(encode(name) + b" " + self.show(value), value != default)]

    def field_type(self) -> str:
        """The Python type of the value, as `Settings` declares it."""
        raise NotImplementedError

    def describe(self) -> str:
        """What may be written, for docs/configuration.md."""
        raise NotImplementedError


class YesNo(Kind):
    """`yes` or `no`, in either case."""

    def __init__(self, refuse_yes: str = "") -> None:
        self._refuse_yes: Final = refuse_yes

    def parse(self, args: list[bytes], current: object) -> object:
        word = args[0].lower()
        if word not in (b"yes", b"no"):
            raise ValueRefused(NOT_YES_OR_NO)
        if word == b"yes" and self._refuse_yes:
            raise ValueRefused(self._refuse_yes)
        return word == b"yes"

    def show(self, value: object) -> bytes:
        return b"yes" if value else b"no"

    def field_type(self) -> str:
        return "bool"

    def describe(self) -> str:
        return "`no`" if self._refuse_yes else "`yes` or `no`"


class Bounded(Kind):
    """Base of the numbers: `read` understands the text, the bounds are inclusive."""

    def __init__(self, low: int, high: int) -> None:
        self.low: Final = low
        self.high: Final = high

    def parse(self, args: list[bytes], current: object) -> object:
        number = self.read(args[0])
        if not self.low <= number <= self.high:
            raise ValueRefused(self.out_of_bounds(number))
        return number

    def read(self, text: bytes) -> int:
        raise NotImplementedError

    def out_of_bounds(self, number: int) -> str:
        return f"argument must be between {self.low} and {self.high} inclusive"

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return b"%d" % value

    def field_type(self) -> str:
        return "int"


class Integer(Bounded):
    """A whole number; `clamp` additionally moves accepted numbers into a narrower range without a word."""

    def __init__(self, low: int, high: int, clamp: tuple[int, int] | None = None) -> None:
        super().__init__(low, high)
        self._clamp: Final = clamp

    def parse(self, args: list[bytes], current: object) -> object:
        number = super().parse(args, current)
        assert isinstance(number, int)
        if self._clamp is not None:
            number = max(self._clamp[0], min(self._clamp[1], number))
        return number

    def read(self, text: bytes) -> int:
        number = parse_integer(text)
        if number is None:
            raise ValueRefused(NOT_INTEGER)
        return number

    def describe(self) -> str:
        return "integer, " + describe_range(self.low, self.high)


class Octal(Bounded):
    """File permissions, read and shown in base 8."""

    def read(self, text: bytes) -> int:
        if not text:
            return 0
        if _LOOSE_OCTAL.match(text) is None:
            raise ValueRefused(NOT_OCTAL)
        return int(text, 8)

    def out_of_bounds(self, number: int) -> str:
        return f"argument must be between {self.low:o} and {self.high:o} inclusive"

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return b"%o" % value

    def describe(self) -> str:
        return f"octal number, {self.low:o} to {self.high:o}"


class Memory(Bounded):
    """Bytes, optionally with a unit. `signed` says how numbers past 2**63 are taken: as negative, or as they are."""

    def __init__(self, low: int, high: int, signed: bool) -> None:
        super().__init__(low, high)
        self.signed: Final = signed

    def read(self, text: bytes) -> int:
        amount = parse_memory(text)
        if amount is None:
            raise ValueRefused(NOT_MEMORY)
        return amount - (1 << 64) if self.signed and amount > INT64_MAX else amount

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        assert isinstance(value, int)
        return [ConfigLine(encode(name) + b" " + format_memory(value), value != default)]

    def describe(self) -> str:
        return "memory, " + describe_range(self.low, self.high)


class MemoryOrPercent(Memory):
    """Bytes, or a share of something in percent, which is held as a negative number: -5 is 5%."""

    def __init__(self, max_percent: int) -> None:
        super().__init__(-max_percent, INT64_MAX, signed=True)

    def read(self, text: bytes) -> int:
        if text.endswith(b"%"):
            percent = parse_integer(text[:-1])
            if percent is not None and percent >= 0:
                return -percent
        if parse_memory(text) is None:
            raise ValueRefused(NOT_MEMORY_OR_PERCENT)
        return super().read(text)

    def out_of_bounds(self, number: int) -> str:
        return f"percentage argument must be less or equal to {-self.low}"

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return b"%d%%" % -value if value < 0 else b"%d" % value

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        assert isinstance(value, int)
        if value >= 0:
            return super().config_lines(name, value, default)
        return [ConfigLine(encode(name) + b" " + self.show(value), value != default)]

    def describe(self) -> str:
        return f"memory, or percent up to {-self.low}%"


class Text(Kind):
    """A string.

    Args:
        empty_is_unset: The empty string means "not set": CONFIG REWRITE then removes the line instead of writing `""`.
        check: Returns why a string is refused, or the empty string.
    """

    def __init__(self, empty_is_unset: bool, check: Callable[[str], str] | None = None) -> None:
        self._empty_is_unset: Final = empty_is_unset
        self._check: Final = check

    def parse(self, args: list[bytes], current: object) -> object:
        text = decode(args[0])
        if self._check is not None:
            reason = self._check(text)
            if reason:
                raise ValueRefused(reason)
        return text

    def show(self, value: object) -> bytes:
        assert isinstance(value, str)
        return encode(value)

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        if not value and self._empty_is_unset:
            return []
        return [ConfigLine(encode(name) + b" " + quote(self.show(value)), value != default)]

    def field_type(self) -> str:
        return "str"

    def describe(self) -> str:
        return "string"


class Secret(Text):
    """A string that clients send and that is compared with what they send: kept as the bytes it is."""

    def __init__(self) -> None:
        super().__init__(empty_is_unset=True)

    def parse(self, args: list[bytes], current: object) -> object:
        return args[0]

    def show(self, value: object) -> bytes:
        assert isinstance(value, bytes)
        return value

    def field_type(self) -> str:
        return "bytes"


def not_among(names: list[str]) -> ValueRefused:
    """The refusal that lists what would have been right."""
    return ValueRefused("argument(s) must be one of the following: " + ", ".join(names))


class Choice(Kind):
    """One word of a list, in either case.

    Args:
        names: The words, in the order error messages list them.
        synonyms: Further accepted words and what each is kept as.
    """

    def __init__(self, names: list[str], synonyms: dict[str, str] | None = None) -> None:
        self.names: Final = names
        self._synonyms: Final = synonyms or {}

    def parse(self, args: list[bytes], current: object) -> object:
        word = decode(args[0]).lower()
        if len(args) != 1 or word not in self.names:
            raise not_among(self.names)
        return self._synonyms.get(word, word)

    def show(self, value: object) -> bytes:
        assert isinstance(value, str)
        return encode(value)

    def field_type(self) -> str:
        return "str"

    def describe(self) -> str:
        return "one of " + ", ".join(f"`{name}`" for name in self.names)


class NumberChoice(Kind):
    """One number of a list."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers: Final = numbers

    def parse(self, args: list[bytes], current: object) -> object:
        number = parse_integer(args[0])
        if number is None or number not in self.numbers:
            raise not_among([str(each) for each in self.numbers])
        return number

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return b"%d" % value

    def field_type(self) -> str:
        return "int"

    def describe(self) -> str:
        return "one of " + ", ".join(f"`{number}`" for number in self.numbers)


class FlagSet(Kind):
    """Any number of words, each a bit; the first word of the list stands for none.

    Args:
        names: The words with their bits, in the order error messages and CONFIG GET list them.
        check: Returns why a combination is refused, or the empty string.
    """

    def __init__(self, names: list[tuple[str, int]], check: Callable[[int], str]) -> None:
        self._names: Final = names
        self._check: Final = check

    def parse(self, args: list[bytes], current: object) -> object:
        bits = dict(self._names)
        flags = 0
        for arg in args:
            word = decode(arg).lower()
            if word not in bits:
                raise not_among(list(bits))
            flags |= bits[word]
        if not args:
            raise not_among(list(bits))
        reason = self._check(flags)
        if reason:
            raise ValueRefused(reason)
        return flags

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        words = [name for name, bit in self._names if bit & value]
        return encode(" ".join(words) if words else self._names[0][0])

    def field_type(self) -> str:
        return "int"

    def describe(self) -> str:
        return "words from " + ", ".join(f"`{name}`" for name, _ in self._names)


_KNOWN_BOUNDS: Final[dict[int, str]] = {
    INT_MIN: "-2^31",
    INT_MAX: "2^31-1",
    UINT_MAX: "2^32-1",
    INT64_MAX: "2^63-1",
    UINT64_MAX: "2^64-1",
}


def describe_range(low: int, high: int) -> str:
    """The bounds in words, the powers of two as such."""
    return f"{_KNOWN_BOUNDS.get(low, str(low))} to {_KNOWN_BOUNDS.get(high, str(high))}"
