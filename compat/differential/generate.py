"""Commands made up from the command table: mostly sensible, sometimes extreme, sometimes wrong.

The tree of arguments that `hognose.commands.syntax` reads from each record is walked with a seeded generator: options
are taken or left, repetitions repeat, a count such as `numkeys` mostly says the truth about what follows. Values come
from small pools per type and name, so that commands meet on the same few keys, members and ids, and hit limits. Some
commands are then spoilt: an argument too few or too many, two swapped, another case.

Values that would make a real server spend its memory or the clock decide the reply (an offset of a hundred megabytes, a
timeout of zero, a deadline a second away) are in no pool.
"""

from random import Random
from typing import Final

from hognose.commands import load_all
from hognose.commands.command import arguments_of
from hognose.commands.flags import BLOCKING
from hognose.commands.spec import SPECS, CommandSpec
from hognose.commands.syntax import BLOCK, DOUBLE, INTEGER, KEY, ONEOF, PATTERN, PURE_TOKEN, UNIX_TIME, Argument

OPTION_CHANCE: Final = 0.35
SPOIL_CHANCE: Final = 0.08
OTHER_GROUP_CHANCE: Final = 0.12
WRONG_COUNT_CHANCE: Final = 0.08
LARGEST_REPEAT: Final = 3
KEYS_PER_GROUP: Final = 4

# Counts of what follows them.
COUNTS: Final = {"numkeys": KEY, "numfields": "field", "numids": "id"}

INTEGERS: Final = [
    *b"0 1 2 3 5 10 100 -1 -2 -3 -100 65536 4294967296 9223372036854775807 -9223372036854775808".split(),
    *b"9223372036854775808 -9223372036854775809 1.5 abc +1 01 -0 1e3 0x10".split(),
    *[b"", b" 1", b"1 ", b"1\x00"],
]
DOUBLES: Final = [
    *b"0 1 -1 1.5 0.1 3.0 2 10 1e3 1e-7 1e308 -1e308 123456789.123456789 inf -inf +inf nan (1 (2.5 (-inf".split(),
    *b"abc 0x1p3 1e400 -0 5e-324 1.7976931348623157e308 .5 5. 1,5".split(),
    *[b"", b" 1", b"1 ", b"("],
]
PATTERNS: Final = [b"*", b"s*", b"[a-l]*", b"?", b"*:1", b"", b"*[", b"h\\*", b"str?ng:*", b"[^s]*", b"nothing"]
# Long ago, far away, or no time at all: never so near that the clock decides.
UNIX_TIMES: Final = b"1 0 -1 4102444800 4102444800000 9223372036854775807 -9223372036854775808 abc 1.5".split()
DURATIONS: Final = b"100000 5000000 0 -1 9223372036854775807 9223372036854775 -9223372036854775808 abc 1.5".split()
TIMEOUTS: Final = [b"0.01", b"0.02", b"-1", b"abc", b"nan"]
STRINGS: Final = [
    b"", b"a", b"b", b"hello", b"hello world", b"10", b"-5", b"3.5", b"9223372036854775807", b"-9223372036854775808",
    b"inf", b"nan", b"1e400", b"007", b" 1", b"0x10", b"\r\n", b"\x00\xff\x80", b"foobar" * 20, b"x" * 3000,
    b"ohmytext", b"mynewtext", b"\xf0\x9f\x90\x8d", b"4.50", b"1.0e3",
]  # fmt: skip
MEMBERS: Final = [b"a", b"b", b"c", b"d", b"e", b"1", b"2", b"-7", b"300000", b"", b"\x00\xff", b"m" * 70, b"10.5"]
SMALL_INDEXES: Final = b"0 1 2 3 5 -1 -2 -3 100 -100 9223372036854775807 -9223372036854775808 abc 1.5".split()

POOLS: Final[dict[str, list[bytes]]] = {
    "value": STRINGS,
    "element": MEMBERS,
    "member": MEMBERS,
    "member1": MEMBERS,
    "member2": MEMBERS,
    "field": MEMBERS,
    "pivot": MEMBERS,
    "start": [*SMALL_INDEXES, b"-", b"+", b"[a", b"(b", b"0-1"],
    "stop": [*SMALL_INDEXES, b"-", b"+", b"[a", b"(b"],
    "end": [*SMALL_INDEXES, b"-", b"+", b"2-0"],
    "index": SMALL_INDEXES,
    "rank": b"1 2 -1 -2 0 9223372036854775807 -9223372036854775808 abc".split(),
    "count": b"0 1 2 3 5 10 100 -1 -2 -5 9223372036854775807 9223372036854775808 -9223372036854775808 abc".split(),
    "offset": b"0 1 2 7 8 9 31 63 64 100 1000 -1 4294967296 9223372036854775807 abc #1 #0 #3".split(),
    "bit": b"0 1 2 -1 abc".split(),
    "encoding": b"u8 i8 u4 i5 u16 i16 u1 i1 u63 i64 u64 i65 u0 x u 8".split(),
    "seconds": DURATIONS,
    "milliseconds": DURATIONS,
    "ttl": DURATIONS,
    "timeout": TIMEOUTS,
    "cursor": b"0 0 0 0 0 1 abc -1 18446744073709551616".split(),
    "min": [*DOUBLES[:20], b"-", b"+", b"[a", b"(b", b"[", b"a"],
    "max": [*DOUBLES[:20], b"-", b"+", b"[c", b"(d", b"[", b"a"],
    "longitude": b"13.361389 15.087269 2.349014 0 -180 180 181 -200 abc nan".split(),
    "latitude": b"38.115556 37.502669 48.864716 0 85.05112878 -85.05112878 90 abc nan".split(),
    "radius": b"0 1 100 200 5000 1e6 -1 abc".split(),
    "width": b"0 1 400 10000 -1 abc".split(),
    "height": b"0 1 400 10000 -1 abc".split(),
    "id": b"0-1 1-1 1-2 2-0 2 5-5 5-6 0 0-0 18446744073709551615-18446744073709551615 $ > - + abc 1-abc".split(),
    "last-id": b"0-0 1-1 5-5 9-9 abc".split(),
    "group": [b"g1", b"g1", b"g2", b"nogroup"],
    "consumer": [b"c1", b"c1", b"c2"],
    "threshold": b"0 1 2 5 1-1 2-0 -1 abc".split(),
    "min-idle-time": b"0 0 100000000 -1 abc".split(),
    "destination-db": b"0 1 15 16 -1 abc".split(),
    "db": b"0 1 15 16 -1 abc".split(),
    "index1": b"0 1 2 15 16 -1 abc".split(),
    "index2": b"0 1 2 15 16 -1 abc".split(),
    "type": [b"string", b"list", b"set", b"zset", b"hash", b"stream", b"nosuchtype"],
    "min-match-len": b"0 1 2 3 -1 abc".split(),
    "weight": DOUBLES[:22],
    "len": b"0 1 2 3 100 -1 abc".split(),
    "limit": b"0 1 2 3 -1 abc".split(),
}  # fmt: skip
BY_TYPE: Final[dict[str, list[bytes]]] = {
    INTEGER: INTEGERS,
    DOUBLE: DOUBLES,
    PATTERN: PATTERNS,
    UNIX_TIME: UNIX_TIMES,
}

# By the token in front: these milliseconds are waited for.
BY_TOKEN: Final = {"BLOCK": [b"1", b"2", b"-1", b"abc"]}

# Tokens that make the reply or the data depend on the clock: XADD's own ids.
NEVER_TAKEN: Final = {"*"}


class Generator:
    """Makes commands.

    Args:
        specs: The commands to choose from.
        random: Decides everything: the same generator makes the same commands.
        spoils_case: Names and tokens may come in any case.
    """

    def __init__(self, specs: list[CommandSpec], random: Random) -> None:
        self._random = random
        self._specs = specs
        self._arguments = {spec.name: arguments_of(spec) for spec in specs}
        self._groups = sorted({spec.group for spec in specs})
        self._promised: dict[str, int] = {}
        self._group = ""

    def command(self) -> list[bytes]:
        """The next command."""
        spec = self._random.choice(self._specs)
        self._group = spec.group
        self._promised = {}
        words = [self._cased(word) for word in spec.name.upper().split("|")]
        for argument in self._ordered(self._arguments[spec.name]):
            words.extend(self._argument(argument))
        if self._random.random() < SPOIL_CHANCE and not spec.flags & BLOCKING:
            self._spoil(words, len(spec.name.split("|")))
        return words

    def _ordered(self, arguments: list[Argument]) -> list[Argument]:
        """The arguments, options at the end sometimes in another order."""
        options: list[Argument] = []
        while len(options) < len(arguments) and arguments[-1 - len(options)].optional:
            options.insert(0, arguments[-1 - len(options)])
        if len(options) < 2 or self._random.random() < 0.5:
            return arguments
        fixed = arguments[: len(arguments) - len(options)]
        self._random.shuffle(options)
        return [*fixed, *options]

    def _argument(self, argument: Argument) -> list[bytes]:
        if argument.optional and self._random.random() >= OPTION_CHANCE:
            return []
        words: list[bytes] = []
        for number in range(self._repeats(argument)):
            if argument.token and argument.kind != PURE_TOKEN and (number == 0 or argument.multiple_token):
                words.append(self._cased(argument.token))
            words.extend(self._once(argument))
        return words

    def _repeats(self, argument: Argument) -> int:
        if not argument.multiple:
            return 1
        promised = self._promised.pop(argument.name, None) or self._promised.pop(argument.kind, None)
        return promised or self._random.randint(1, LARGEST_REPEAT)

    def _once(self, argument: Argument) -> list[bytes]:
        if argument.kind == PURE_TOKEN:
            return [self._cased(argument.token)]
        if argument.kind == ONEOF:
            choices = [choice for choice in argument.arguments if choice.token not in NEVER_TAKEN]
            return self._argument(self._random.choice(choices or argument.arguments))
        if argument.kind == BLOCK:
            return [word for inner in argument.arguments for word in self._argument(inner)]
        return [self._value(argument)]

    def _value(self, argument: Argument) -> bytes:
        random = self._random
        if argument.kind == KEY:
            return self._key()
        if argument.name in COUNTS:
            count = random.randint(1, LARGEST_REPEAT)
            self._promised[COUNTS[argument.name]] = count
            return str(count).encode() if random.random() >= WRONG_COUNT_CHANCE else random.choice(SMALL_INDEXES)
        if argument.token in BY_TOKEN:
            return random.choice(BY_TOKEN[argument.token])
        return random.choice(POOLS.get(argument.name) or BY_TYPE.get(argument.kind) or STRINGS)

    def _key(self) -> bytes:
        """One of the few keys of the command's group; sometimes of another group, which may hold another type."""
        group = self._group
        if self._random.random() < OTHER_GROUP_CHANCE:
            group = self._random.choice(self._groups)
        return f"{group}:{self._random.randint(1, KEYS_PER_GROUP)}".encode()

    def _cased(self, word: str) -> bytes:
        return self._random.choice([word, word, word, word.lower(), word.title()]).encode()

    def _spoil(self, words: list[bytes], name_words: int) -> None:
        """Makes a mistake that people make."""
        arguments = len(words) - name_words
        mistake = self._random.randrange(4)
        if mistake == 0 and arguments:
            words.pop()
        elif mistake == 1 and arguments:
            del words[self._random.randrange(name_words, len(words))]
        elif mistake == 2:
            words.append(self._random.choice(STRINGS))
        elif arguments >= 2:
            at = self._random.randrange(name_words, len(words) - 1)
            words[at], words[at + 1] = words[at + 1], words[at]


def specs_of(groups: list[str], excluded: set[str]) -> list[CommandSpec]:
    """The records of groups, subcommands included, those named left out.

    Args:
        groups: Names of groups, `_` or `-` alike; `all` for every group.
        excluded: Full lower-case names; a container's name stands for its subcommands too.

    Raises:
        ValueError: There is no such group.
    """
    load_all()
    wanted = {group.replace("-", "_") for group in groups}
    unknown = wanted - {spec.group for spec in SPECS.values()} - {"all"}
    if unknown:
        raise ValueError(f"no such group: {', '.join(sorted(unknown))}")
    found: list[CommandSpec] = []
    for spec in SPECS.values():
        if ("all" not in wanted and spec.group not in wanted) or spec.name in excluded:
            continue
        if not spec.subcommands or spec.handler is not None:
            found.append(spec)
        found.extend(sub for sub in spec.subcommands.values() if sub.name not in excluded)
    return sorted(found, key=lambda spec: spec.name)
