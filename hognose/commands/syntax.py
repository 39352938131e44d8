"""The arguments of a command, read from the `syntax` of its record.

The notation is the one of redis.io, which people read and this module parses, so that it need not be said twice:

    word                an argument                        key
    WORD = ~ * $ ""     a literal token                    LIMIT
    TOKEN a b           a token that introduces arguments  LIMIT offset count
    [ x ]               x may be left out                  [WITHSCORES]
    a | b               one of these                       [NX | XX]
    < a | b >           one of these, not to be left out   <LEFT | RIGHT>
    x [x ...]           x at least once                    score member [score member ...]
    [x ...]             x any number of times              [arg ...]
    word:type           an argument of a type that its name does not tell   increment:double

The types are those of COMMAND DOCS. Most follow from the name (`count` is an integer, `destination` a key): the tables
below. A group of several arguments is a `block`, a choice is a `oneof`; they get their names from what is in them.

Not here: any use of the tree. COMMAND DOCS writes it out, the reference lists it, the differential tests walk it.
"""

import re
from typing import Final

KEY: Final = "key"
STRING: Final = "string"
INTEGER: Final = "integer"
DOUBLE: Final = "double"
PATTERN: Final = "pattern"
UNIX_TIME: Final = "unix-time"
PURE_TOKEN: Final = "pure-token"
ONEOF: Final = "oneof"
BLOCK: Final = "block"

TYPES: Final = {KEY, STRING, INTEGER, DOUBLE, PATTERN, UNIX_TIME}

_NAMES_OF_TYPE: Final = {
    KEY: "destination destkey dst key key1 key2 newkey source sourcekey src storedistkey storekey",
    INTEGER: (
        "bit bits capacity client-id cluster-bus-port config-epoch count current-epoch cursor cursor-id db decrement "
        "destination-db end end-slot entries-added entries-read entriesread expansion frequency idletime increment "
        "index index1 index2 len limit milliseconds min-match-len ms num-matches numfields numids numkeys numlocal "
        "numreplicas offset port maxage protover rank seconds slot start start-slot stop ttl version weight width-bits"
    ),
    DOUBLE: "height latitude longitude max min radius score timeout width error probability error-rate decay",
    PATTERN: "pattern",
    UNIX_TIME: "unix-time-seconds unix-time-milliseconds unix-time",
}
TYPE_OF_NAME: Final = {name: kind for kind, names in _NAMES_OF_TYPE.items() for name in names.split()}

_WORDS: Final = re.compile(r"\.\.\.|[\[\]<>|]|[^\s\[\]<>|]+")
_TOKEN: Final = re.compile(r'(?=.*[A-Z])[A-Z0-9_.\-]+|[=~*$+\-#]|""')
_REPEAT: Final = "..."
_LONGEST_NAME: Final = 40  # of a group; longer ones say no more than its type
_CLOSING: Final = {"[": "]", "<": ">"}
_NAMES_OF_SYMBOLS: Final = {
    "=": "equal",
    "~": "approximately",
    "*": "any",
    "$": "last",
    "+": "plus",
    "-": "minus",
    '""': "empty",
}


class SyntaxFormatError(ValueError):
    """A record's syntax does not follow the notation: a mistake of ours, found when it is first read."""


class Argument:
    """One argument, or a group of them.

    Attributes:
        name: As the syntax says; for a token its lower case; for a group made of what is in it.
        kind: Its type, one of the constants above.
        token: The literal that introduces it, or that it is; empty if there is none.
        optional: It may be left out.
        multiple: It may be repeated.
        multiple_token: Each repetition has its token again.
        arguments: What a block or a oneof holds.
        key_spec: Index of the key specification that finds it; -1 for what is no key.
    """

    def __init__(self, name: str, kind: str, token: str = "") -> None:
        self.name = name
        self.kind = kind
        self.token = token
        self.optional = False
        self.multiple = False
        self.multiple_token = False
        self.arguments: list[Argument] = []
        self.key_spec = -1

    def is_group(self) -> bool:
        """Whether it is a block or a choice."""
        return self.kind in {ONEOF, BLOCK}

    def text(self) -> str:
        """The argument in the notation it was read from, types left out."""
        core = self._core()
        if self.multiple:
            again = core if self.multiple_token or not self.token else self._core_without_token()
            if self.optional and not self.token:
                return f"[{core} ...]" if self.is_group() else f"[{core} [{again} ...]]"
            core = f"{core} [{again} ...]"
        return f"[{core}]" if self.optional else core

    def _core(self) -> str:
        if self.kind == PURE_TOKEN:
            return self.token
        inner = self._core_without_token()
        return f"{self.token} {inner}" if self.token else inner

    def _core_without_token(self) -> str:
        if self.kind == BLOCK:
            return " ".join([argument.text() for argument in self.arguments])
        if self.kind == ONEOF:
            choices = " | ".join([argument.text() for argument in self.arguments])
            return choices if self.optional and not self.token and not self.multiple else f"<{choices}>"
        return self.name


def parse_syntax(syntax: str, key_specs: int = 1) -> list[Argument]:
    """Reads a syntax.

    Args:
        syntax: In the notation above.
        key_specs: Number of the command's key specifications: keys are given to them in order, the last takes the rest.

    Returns:
        The arguments in order.

    Raises:
        SyntaxFormatError: A bracket is not closed, or an alternative is empty.

    Complexity: O(length).
    """
    words = _Words(_WORDS.findall(syntax), syntax)
    alternatives = words.alternatives("")
    arguments = _top_level(alternatives[0]) if len(alternatives) == 1 else [_choice(alternatives)]
    _number_keys(arguments, 0, key_specs)
    return arguments


def usage(syntax: str) -> str:
    """A syntax as people read it: without the types that some words carry for the program."""
    return " ".join([argument.text() for argument in parse_syntax(syntax)])


class _Words:
    """The words of a syntax, read from left to right."""

    def __init__(self, words: list[str], syntax: str) -> None:
        self.words: Final = words
        self.syntax: Final = syntax
        self.at = 0

    def alternatives(self, closing: str) -> list[list[Argument]]:
        """Reads up to the closing bracket ("" for the end): what stands between the bars."""
        found: list[list[Argument]] = []
        sequence: list[Argument] = []
        while self.at < len(self.words) and self.words[self.at] != closing:
            word = self.words[self.at]
            self.at += 1
            if word == "|":
                found.append(self._not_empty(sequence))
                sequence = []
            elif word == _REPEAT:
                if not sequence:
                    raise SyntaxFormatError(f"nothing to repeat in {self.syntax!r}")
                sequence.append(Argument(_REPEAT, STRING))
            elif word in _CLOSING:
                self._group(sequence, word)
            elif word in {"]", ">"}:
                raise SyntaxFormatError(f"unbalanced brackets in {self.syntax!r}")
            else:
                sequence.append(_argument(word))
        if (closing != "") == (self.at >= len(self.words)):
            raise SyntaxFormatError(f"unbalanced brackets in {self.syntax!r}")
        self.at += 1
        if sequence or found:
            found.append(self._not_empty(sequence))
        return found or [[]]

    def _not_empty(self, sequence: list[Argument]) -> list[Argument]:
        if not sequence:
            raise SyntaxFormatError(f"an empty alternative in {self.syntax!r}")
        return sequence

    def _group(self, sequence: list[Argument], opening: str) -> None:
        """Reads a bracketed group that follows `sequence`, and appends it or repeats what stands there."""
        alternatives = self.alternatives(_CLOSING[opening])
        if opening == "<":
            sequence.append(_choice(alternatives))
            return
        last = alternatives[-1]
        repeats = bool(last) and last[-1].name == _REPEAT
        if repeats:
            last.pop()
            if len(alternatives) == 1 and _repeat(sequence, last):
                return
        group = _choice(alternatives) if len(alternatives) > 1 else _block(last)
        if group.multiple and group.optional:
            sequence.append(group)
            return
        group.optional = True
        group.multiple = group.multiple or repeats
        group.multiple_token = group.multiple_token or (repeats and group.token != "")
        sequence.append(group)


def _argument(word: str) -> Argument:
    """One word: a token, or an argument with the type its name or its suffix tells."""
    if _TOKEN.fullmatch(word):
        return Argument(_NAMES_OF_SYMBOLS.get(word, word.lower()), PURE_TOKEN, word)
    name, _, kind = word.rpartition(":")
    if name and kind in TYPES:
        return Argument(name, kind)
    return Argument(word, TYPE_OF_NAME.get(word, STRING))


def _repeat(sequence: list[Argument], again: list[Argument]) -> bool:
    """Marks the end of `sequence` as repeatable if `again` says the same."""
    count = len(again)
    if count == 0 or count > len(sequence):
        return False
    tail = sequence[len(sequence) - count :]
    if [argument.text() for argument in tail] != [argument.text() for argument in again]:
        return False
    del sequence[len(sequence) - count :]
    # A token in what is repeated comes again each time: GET pattern [GET pattern ...]
    repeated = _block(tail)
    repeated.multiple = True
    repeated.multiple_token = repeated.token != ""
    sequence.append(repeated)
    return True


def _choice(alternatives: list[list[Argument]]) -> Argument:
    """One of several; a choice of one is that one."""
    if len(alternatives) == 1:
        return _block(alternatives[0])
    choice = Argument("", ONEOF)
    choice.arguments = [_block(sequence) for sequence in alternatives]
    choice.name = _group_name("-or-", choice)
    return choice


def _block(sequence: list[Argument]) -> Argument:
    """A sequence as one argument: itself if it is one, else a block; a leading token becomes the token of the whole."""
    if len(sequence) == 1:
        return sequence[0]
    first = sequence[0]
    if first.kind == PURE_TOKEN and not first.optional and not _has_optional(sequence[1:]):
        return _introduced(first, sequence[1:])
    block = Argument("", BLOCK)
    block.arguments = _top_level(sequence)
    if len(block.arguments) == 1:
        return block.arguments[0]
    block.name = _group_name("-", block)
    return block


def _group_name(joint: str, group: Argument) -> str:
    """A name for a group that the syntax gives none."""
    name = joint.join([argument.name for argument in group.arguments])
    return name if len(name) <= _LONGEST_NAME else group.kind


def _has_optional(sequence: list[Argument]) -> bool:
    return any(argument.optional for argument in sequence)


def _introduced(token: Argument, rest: list[Argument]) -> Argument:
    """What a token introduces, as one argument that bears the token."""
    if len(rest) == 1 and not rest[0].token and not rest[0].optional:
        rest[0].token = token.token
        return rest[0]
    block = Argument(token.name, BLOCK, token.token)
    block.arguments = rest
    return block


def _top_level(sequence: list[Argument]) -> list[Argument]:
    """Joins each token with the arguments up to the next token or the next that may be left out."""
    joined: list[Argument] = []
    at = 0
    while at < len(sequence):
        first = sequence[at]
        at += 1
        end = at
        if first.kind == PURE_TOKEN and not first.optional:
            while end < len(sequence) and not sequence[end].optional and not sequence[end].token:
                end += 1
        joined.append(_introduced(first, sequence[at:end]) if end > at else first)
        at = end
    return joined


def _number_keys(arguments: list[Argument], following: int, key_specs: int) -> int:
    """Gives each key its specification, from number `following` on; returns the number for the next."""
    for argument in arguments:
        if argument.kind == KEY:
            argument.key_spec = min(following, key_specs - 1)
            following += 1
        following = _number_keys(argument.arguments, following, key_specs)
    return following
