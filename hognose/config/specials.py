"""Values with rules of their own: save points, output buffer limits, addresses, event classes and the like.

Most of them take several arguments. They are kept as tuples, never changed in place, so that putting an old value back
is one assignment.
"""

import math
import re
from typing import Final

from hognose.config.errors import WRONG_ARGUMENT_COUNT, ValueRefused
from hognose.config.kinds import (
    ConfigLine,
    Kind,
    Text,
    decode,
    encode,
    format_memory,
    parse_loose_integer,
    parse_memory,
    quote,
)
from hognose.keyspace import events

MAX_BIND_ADDRESSES: Final = 16
"""As many listening addresses as redis-server takes."""

OOM_SCORE_LIMIT: Final = 2000

NORMAL: Final = 0
REPLICA: Final = 1
PUBSUB: Final = 2
"""Indexes into `client_output_buffer_limit`, the classes of clients that have an output buffer limit."""

EVENTS_BY_KEY: Final = 1 << 0
EVENTS_BY_EVENT: Final = 1 << 1
"""Bits of notify-keyspace-events that say where to publish; `keyspace.events` has those that say what."""

_BUFFER_CLASSES: Final[dict[bytes, int]] = {
    b"normal": NORMAL,
    b"slave": REPLICA,
    b"replica": REPLICA,
    b"pubsub": PUBSUB,
}
_BUFFER_CLASS_SHOWN: Final = [b"normal", b"slave", b"pubsub"]
_BUFFER_CLASS_WRITTEN: Final = [b"normal", b"replica", b"pubsub"]

_EVENT_BITS: Final[list[tuple[str, int]]] = [
    ("g", events.GENERIC),
    ("$", events.STRING),
    ("l", events.LIST),
    ("s", events.SET),
    ("h", events.HASH),
    ("z", events.ZSET),
    ("x", events.EXPIRED),
    ("e", events.EVICTED),
    ("t", events.STREAM),
    ("d", events.MODULE),
    ("n", events.NEW),
    ("K", EVENTS_BY_KEY),
    ("E", EVENTS_BY_EVENT),
    ("m", events.KEY_MISS),
]
"""The letters in the order CONFIG GET shows them."""

_ALL_EVENTS: Final = sum(bit for letter, bit in _EVENT_BITS if letter in "g$lshzxetd")
_NOT_IN_ALL: Final = "KEm"

_DECIMAL: Final = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_HEXADECIMAL: Final = re.compile(rb"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?\Z")


def event_flags(classes: str) -> int:
    """The bits of a notify-keyspace-events string.

    Returns:
        The bits; -1 where a letter is no event class.
    """
    bits = dict(_EVENT_BITS)
    bits["A"] = _ALL_EVENTS
    flags = 0
    for letter in classes:
        if letter not in bits:
            return -1
        flags |= bits[letter]
    return flags


def event_classes(flags: int) -> str:
    """The letters of notify-keyspace-events bits, `A` for the ten classes it stands for.

    Beside `A` the letter `n` is left out, although `A` does not include it: redis-server 7.2 loses it there too.
    """
    everything = flags & _ALL_EVENTS == _ALL_EVENTS
    letters = [letter for letter, bit in _EVENT_BITS if flags & bit and (not everything or letter in _NOT_IN_ALL)]
    return ("A" if everything else "") + "".join(letters)


class SavePoints(Kind):
    """Pairs of seconds and changes; no pair means no snapshots on a timer."""

    def parse(self, args: list[bytes], current: object) -> object:
        if args == [b""]:
            return ()
        numbers = [parse_loose_integer(arg) for arg in args]
        points: list[tuple[int, int]] = []
        for seconds, changes in zip(numbers[::2], numbers[1::2], strict=False):
            if seconds is None or changes is None or seconds < 1 or changes < 0:
                raise ValueRefused("Invalid save parameters")
            points.append((seconds, changes))
        if len(numbers) % 2:
            raise ValueRefused("Invalid save parameters")
        return tuple(points)

    def show(self, value: object) -> bytes:
        assert isinstance(value, tuple)
        return b" ".join(b"%d %d" % point for point in value)

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        assert isinstance(value, tuple)
        if not value:
            return [ConfigLine(b'save ""', True)]
        return [ConfigLine(b"save %d %d" % point, True) for point in value]

    def field_type(self) -> str:
        return "tuple[tuple[int, int], ...]"

    def describe(self) -> str:
        return 'pairs of seconds and changes, or `""`'


class OutputBufferLimit:
    """How much may wait for one client before it is disconnected.

    Attributes:
        hard_bytes: At this much at once; 0 means no such limit.
        soft_bytes: At this much for `soft_seconds` without a pause; 0 means no such limit.
        soft_seconds: See `soft_bytes`.
    """

    def __init__(self, hard_bytes: int, soft_bytes: int, soft_seconds: int) -> None:
        self.hard_bytes: Final = hard_bytes
        self.soft_bytes: Final = soft_bytes
        self.soft_seconds: Final = soft_seconds

    def as_tuple(self) -> tuple[int, int, int]:
        """The three numbers, in the order they are written."""
        return (self.hard_bytes, self.soft_bytes, self.soft_seconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OutputBufferLimit) and self.as_tuple() == other.as_tuple()

    def __hash__(self) -> int:
        return hash(self.as_tuple())


class OutputBufferLimits(Kind):
    """A limit for each class of clients; a value may name some of the classes and leaves the others as they are."""

    def parse(self, args: list[bytes], current: object) -> object:
        if len(args) % 4:
            raise ValueRefused("Wrong number of arguments in buffer limit configuration.")
        assert isinstance(current, tuple)
        limits: list[OutputBufferLimit] = list(current)
        for start in range(0, len(args), 4):
            index = _BUFFER_CLASSES.get(args[start].lower(), -1)
            if index < 0:
                raise ValueRefused("Invalid client class specified in buffer limit configuration.")
            limits[index] = self._limit(args[start + 1 : start + 4])
        return tuple(limits)

    def _limit(self, args: list[bytes]) -> OutputBufferLimit:
        hard, soft, seconds = parse_memory(args[0]), parse_memory(args[1]), parse_loose_integer(args[2])
        if hard is None or soft is None or seconds is None or seconds < 0:
            raise ValueRefused("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
        return OutputBufferLimit(hard, soft, seconds)

    def show(self, value: object) -> bytes:
        assert isinstance(value, tuple)
        limits: list[OutputBufferLimit] = list(value)
        return b" ".join(
            b"%s %d %d %d" % (name, limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
            for name, limit in zip(_BUFFER_CLASS_SHOWN, limits, strict=True)
        )

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        assert isinstance(value, tuple)
        assert isinstance(default, tuple)
        lines: list[ConfigLine] = []
        limits: list[OutputBufferLimit] = list(value)
        for index, limit in enumerate(limits):
            amounts = (format_memory(limit.hard_bytes), format_memory(limit.soft_bytes), limit.soft_seconds)
            text = b"%s %s %s %s %d" % (encode(name), _BUFFER_CLASS_WRITTEN[index], *amounts)
            lines.append(ConfigLine(text, limit != default[index]))
        return lines

    def field_type(self) -> str:
        return "tuple[OutputBufferLimit, ...]"

    def describe(self) -> str:
        return "groups of class (`normal`, `replica`, `pubsub`), hard limit, soft limit, seconds"


class OomScores(Kind):
    """Three scores for the kernel's out-of-memory killer: as primary, as replica, in a child process."""

    def parse(self, args: list[bytes], current: object) -> object:
        if len(args) != 3:
            raise ValueRefused(WRONG_ARGUMENT_COUNT)
        scores: list[int] = []
        for arg in args:
            score = parse_loose_integer(arg)
            if score is None or abs(score) > OOM_SCORE_LIMIT:
                raise ValueRefused("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
            scores.append(score)
        return tuple(scores)

    def show(self, value: object) -> bytes:
        assert isinstance(value, tuple)
        return b" ".join(b"%d" % score for score in value)

    def field_type(self) -> str:
        return "tuple[int, ...]"

    def describe(self) -> str:
        return f"three integers, -{OOM_SCORE_LIMIT} to {OOM_SCORE_LIMIT}"


class EventClasses(Kind):
    """Letters naming the keyspace events to publish, kept as bits."""

    def parse(self, args: list[bytes], current: object) -> object:
        flags = event_flags(decode(args[0]))
        if flags < 0:
            raise ValueRefused("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        return flags

    def show(self, value: object) -> bytes:
        assert isinstance(value, int)
        return encode(event_classes(value))

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        assert isinstance(value, int)
        letters = event_classes(value)
        # CONFIG GET leaves out `n` beside `A`, as the real server does; the file must not lose it.
        if value & events.NEW and "n" not in letters:
            letters += "n"
        return [ConfigLine(encode(name) + b" " + quote(encode(letters)), value != default)]

    def field_type(self) -> str:
        return "int"

    def describe(self) -> str:
        return "letters from `Ag$lshzxeKEtmdn`, or empty"


class Addresses(Kind):
    """The addresses to listen on; a leading `-` makes one optional; none at all closes the port."""

    def parse(self, args: list[bytes], current: object) -> object:
        if len(args) > MAX_BIND_ADDRESSES:
            raise ValueRefused("Too many bind addresses specified.")
        return () if args == [b""] else tuple(decode(arg) for arg in args)

    def show(self, value: object) -> bytes:
        assert isinstance(value, tuple)
        return encode(" ".join(value))

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        if value == default:
            return []
        return [ConfigLine(encode(name) + b" " + (self.show(value) or b'""'), True)]

    def field_type(self) -> str:
        return "tuple[str, ...]"

    def describe(self) -> str:
        return f"up to {MAX_BIND_ADDRESSES} addresses"


class Primary(Kind):
    """Host and port of the primary to replicate from, or None; `no one` is None."""

    def parse(self, args: list[bytes], current: object) -> object:
        if len(args) != 2:
            raise ValueRefused(WRONG_ARGUMENT_COUNT)
        if args[0].lower() == b"no" and args[1].lower() == b"one":
            return None
        port = parse_loose_integer(args[1])
        if port is None or not 0 <= port <= 65535:
            raise ValueRefused("Invalid master port")
        return (decode(args[0]), port)

    def show(self, value: object) -> bytes:
        if value is None:
            return b""
        assert isinstance(value, tuple)
        host, port = value
        return encode(f"{host} {port}")

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        return [] if value is None else [ConfigLine(encode(name) + b" " + self.show(value), True)]

    def field_type(self) -> str:
        return "tuple[str, int] | None"

    def describe(self) -> str:
        return "host and port, or `no one`"


class Percentiles(Kind):
    """The latency percentiles INFO reports."""

    def parse(self, args: list[bytes], current: object) -> object:
        if args == [b""]:
            return ()
        percentiles: list[float] = []
        for arg in args:
            number = parse_float(arg)
            if number is None:
                raise ValueRefused("Invalid latency-tracking-info-percentiles parameters")
            if not 0.0 <= number <= 100.0:
                raise ValueRefused("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
            percentiles.append(number)
        return tuple(percentiles)

    def show(self, value: object) -> bytes:
        assert isinstance(value, tuple)
        return b" ".join((b"%f" % number).rstrip(b"0").rstrip(b".") for number in value)

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        return [ConfigLine(encode(name) + b" " + (self.show(value) or b'""'), True)]

    def field_type(self) -> str:
        return "tuple[float, ...]"

    def describe(self) -> str:
        return "numbers from 0 to 100"


def parse_float(text: bytes) -> float | None:
    """Reads a number the way C's `strtod` does when nothing may be left over.

    Returns:
        The number, which may be infinite; None for anything else, NaN included.
    """
    if _DECIMAL.match(text) is not None:
        number = float(text)
        return None if math.isinf(number) else number
    if _HEXADECIMAL.match(text) is not None:
        return _parse_hexadecimal(text)
    if text.lower().lstrip(b"+-") in (b"inf", b"infinity") and len(text.lstrip(b"+-")) >= len(text) - 1:
        return -math.inf if text.startswith(b"-") else math.inf
    return None


def _parse_hexadecimal(text: bytes) -> float | None:
    try:
        return float.fromhex(text.decode("ascii"))
    except OverflowError:
        return None


class Directory(Text):
    """A directory's path. Reading it is all that happens here; `store` enters it."""

    def __init__(self) -> None:
        super().__init__(empty_is_unset=False)

    def parse(self, args: list[bytes], current: object) -> object:
        if len(args) != 1:
            raise ValueRefused(WRONG_ARGUMENT_COUNT)
        return super().parse(args, current)

    def config_lines(self, name: str, value: object, default: object) -> list[ConfigLine]:
        return [ConfigLine(encode(name) + b" " + quote(self.show(value)), True)]

    def describe(self) -> str:
        return "path of a directory"
