"""Where a command's keys stand among its arguments: Redis 7's key specifications.

A specification has two steps. Begin: at a fixed index, or after a keyword. Find: a range of arguments with a step, or a
number that says how many keys follow. Cluster routing, ACL key checks, COMMAND GETKEYS and tracking all use it.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.flags import INCOMPLETE, NOT_KEY

BEGIN_INDEX: Final = 0
BEGIN_KEYWORD: Final = 1
BEGIN_UNKNOWN: Final = 2
FIND_RANGE: Final = 0
FIND_KEYNUM: Final = 1
FIND_UNKNOWN: Final = 2


class KeySpec:
    """One specification.

    Attributes:
        flags: What the command does with these keys (RO, RW, ACCESS...).
        begin: BEGIN_INDEX (`index`), BEGIN_KEYWORD (`keyword`, searched from `index`; negative: from the end).
        find: FIND_RANGE (`last` relative to the first key, negative from the end of the arguments; `step`; `limit`:
            when `last` is -1, stop at 1/limit of the arguments) or FIND_KEYNUM (number at `keynum`, first key at
            `first`, both relative to where the search began).
    """

    def __init__(self, flags: i64, begin: i64, index: i64, find: i64) -> None:
        self.flags: i64 = flags
        self.begin: i64 = begin
        self.index: i64 = index
        self.keyword: bytes = b""
        self.find: i64 = find
        self.last: i64 = 0
        self.step: i64 = 1
        self.limit: i64 = 0
        self.keynum: i64 = 0
        self.first: i64 = 0
        self.notes: bytes = b""

    def positions(self, argv: list[bytes]) -> list[int] | None:
        """The indexes of the keys in `argv`; None if the arguments do not fit the specification."""
        count: i64 = len(argv)
        start = self._start(argv, count)
        if start < 0:
            return []
        if self.find == FIND_KEYNUM:
            return self._numbered(argv, start, count)
        if self.find == FIND_UNKNOWN or self.begin == BEGIN_UNKNOWN:
            return []
        last = start + self.last
        if self.last < 0:
            last = count + self.last
            if self.limit > 1:
                last = start + (count - start) // self.limit + self.last
        found: list[int] = []
        while start <= last:
            if start >= count:
                return None
            found.append(start)
            start += self.step
        return found

    def _start(self, argv: list[bytes], count: i64) -> i64:
        """Where the search for keys begins; -1 if nowhere."""
        if self.begin == BEGIN_INDEX:
            return self.index
        if self.begin == BEGIN_UNKNOWN:
            return -1
        at: i64 = self.index if self.index >= 0 else count + self.index
        step: i64 = 1 if self.index >= 0 else -1
        while 0 < at < count:
            if argv[at].upper() == self.keyword:
                return at + 1 if at + 1 < count else -1
            at += step
        return -1

    def _numbered(self, argv: list[bytes], start: i64, count: i64) -> list[int] | None:
        """The keys behind a number of keys."""
        at = start + self.keynum
        if at >= count or not argv[at].isdigit() or len(argv[at]) > 9:
            return None
        number: i64 = int(argv[at])
        first = start + self.first
        if number == 0 or first + number * self.step > count:
            return None
        found: list[int] = []
        while number > 0:
            found.append(first)
            first += self.step
            number -= 1
        return found


def keys(first: int, flags: int, *, last: int = 0, step: int = 1, limit: int = 0) -> KeySpec:
    """Keys at fixed places: from index `first` to `last` more (negative: counted from the end), every `step`."""
    spec = KeySpec(flags, BEGIN_INDEX, first, FIND_RANGE)
    spec.last = last
    spec.step = step
    spec.limit = limit
    return spec


def keynum(index: int, flags: int, *, first: int = 1, step: int = 1) -> KeySpec:
    """A number of keys at `index`, the keys themselves `first` places behind it."""
    spec = KeySpec(flags, BEGIN_INDEX, index, FIND_KEYNUM)
    spec.first = first
    spec.step = step
    return spec


def keyword(word: bytes, flags: int, *, start: int, last: int = 0, step: int = 1, limit: int = 0) -> KeySpec:
    """Keys after a keyword, searched from index `start` (negative: backwards from the end)."""
    spec = KeySpec(flags, BEGIN_KEYWORD, start, FIND_RANGE)
    spec.keyword = word
    spec.last = last
    spec.step = step
    spec.limit = limit
    return spec


def unknown_keys(flags: int, notes: bytes = b"") -> KeySpec:
    """Keys that no rule can find (SORT's BY patterns)."""
    spec = KeySpec(flags, BEGIN_UNKNOWN, 0, FIND_UNKNOWN)
    spec.notes = notes
    return spec


def key_positions(specs: list[KeySpec], argv: list[bytes]) -> list[int] | None:
    """All key positions of a command, in the order of its specifications; None if the arguments do not fit."""
    found: list[int] = []
    for spec in specs:
        if spec.flags & NOT_KEY:
            continue
        some = spec.positions(argv)
        if some is None:
            return None
        found.extend(some)
    return found


class KeyRange:
    """Where a command's keys stand for clients that know only one range: COMMAND's first key, last key and step.

    Attributes:
        first: Index of the first key; 0 if no range tells it.
        last: Index of the last, negative from the end of the arguments.
        step: From one key to the next.
        movable: Some keys are outside the range, so that COMMAND GETKEYS must be asked.
    """

    def __init__(self, first: i64, last: i64, step: i64, *, movable: bool) -> None:
        self.first: i64 = first
        self.last: i64 = last
        self.step: i64 = step
        self.movable = movable


def key_range(specs: list[KeySpec]) -> KeyRange:
    """The one range that covers as many of a command's keys as a range can.

    A single specification that is a range is taken as it is. Of several, those are joined that follow each other
    without a gap and a step.
    """
    if len(specs) == 1 and is_range(specs[0]):
        only = specs[0]
        return KeyRange(only.index, last_index(only), only.step, movable=only.flags & INCOMPLETE != 0)
    first: i64 = 0
    last: i64 = 0
    movable = False
    for spec in specs:
        if not is_range(spec) or spec.step != 1 or spec.flags & INCOMPLETE or (last != 0 and last != spec.index - 1):
            movable = True
            continue
        if first == 0:
            first = spec.index
        last = last_index(spec)
    return KeyRange(first, last, 1 if first != 0 else 0, movable=movable)


def is_range(spec: KeySpec) -> bool:
    """Whether the keys are a range from a fixed index."""
    return spec.begin == BEGIN_INDEX and spec.find == FIND_RANGE


def last_index(spec: KeySpec) -> i64:
    """Index of the last key of a range, negative from the end of the arguments."""
    return spec.index + spec.last if spec.last >= 0 else spec.last
