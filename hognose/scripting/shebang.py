"""The first line of scripts and libraries: `#!lua flags=no-writes,allow-stale` and `#!lua name=mylib`.

A script without such a line runs as scripts always did (COMPATIBLE): it may do anything, and each of its commands is
checked on its own. One with the line is refused at its start if what it may do is not possible now.
"""

from typing import Final

from mypy_extensions import i64

from hognose.resp.inline import split_words

NO_WRITES: Final = 1 << 0
ALLOW_OOM: Final = 1 << 1
ALLOW_STALE: Final = 1 << 2
NO_CLUSTER: Final = 1 << 3
COMPATIBLE: Final = 1 << 4
ALLOW_CROSS_SLOT: Final = 1 << 5

FLAG_WORDS: Final[list[tuple[int, bytes]]] = [
    (NO_WRITES, b"no-writes"),
    (ALLOW_OOM, b"allow-oom"),
    (ALLOW_STALE, b"allow-stale"),
    (NO_CLUSTER, b"no-cluster"),
    (ALLOW_CROSS_SLOT, b"allow-cross-slot-keys"),
]


def flag_named(word: bytes) -> int:
    """The flag with a name; 0 if there is none."""
    for flag, name in FLAG_WORDS:
        if name == word:
            return flag
    return 0


def flag_names(flags: i64) -> list[bytes]:
    """The names of flags."""
    return [name for flag, name in FLAG_WORDS if flags & flag]


def _shown(text: bytes) -> str:
    return text.partition(b"\x00")[0].decode("utf-8", "surrogateescape")


class Shebang:
    """What the first line of a script says.

    Args:
        text: The script.

    Attributes:
        size: The length of the line, without its end; 0 without such a line.
        flags: What it declares; COMPATIBLE without such a line.
        problem: What is wrong with it, or the empty string.
    """

    def __init__(self, text: bytes) -> None:
        self.size: i64 = 0
        self.flags: i64 = COMPATIBLE
        self.problem = ""
        if text.startswith(b"#!"):
            self.problem = self._read(text)

    def _read(self, text: bytes) -> str:
        end = text.find(b"\n")
        if end < 0:
            return "Invalid script shebang"
        self.size = end
        words = split_line(text[:end])
        if not words:
            return "Invalid engine in script shebang"
        if words[0] != b"#!lua":
            return f"Unexpected engine in script shebang: {_shown(words[0])}"
        self.flags = 0
        for word in words[1:]:
            if not word.startswith(b"flags="):
                return f"Unknown lua shebang option: {_shown(word)}"
            listed = word[6:]
            for name in listed.split(b",") if listed else []:
                flag = flag_named(name)
                if flag == 0:
                    return f"Unexpected flag in script shebang: {_shown(name)}"
                self.flags |= flag
        return ""


class LibraryHead:
    """What the first line of a library says.

    Args:
        source: The library.

    Attributes:
        engine, name: What it is written in, and its name.
        size: The length of the line, without its end.
        problem: What is wrong with it, or the empty string.
    """

    def __init__(self, source: bytes) -> None:
        self.engine = b""
        self.name: bytes | None = None
        self.size: i64 = 0
        self.problem = self._read(source)

    def _read(self, source: bytes) -> str:
        if not source.startswith(b"#!"):
            return "Missing library metadata"
        end = source.find(b"\n")
        words = split_line(source[:end]) if end >= 0 else []
        if not words:
            return "Invalid library metadata"
        self.size = end
        self.engine = words[0][2:]
        for word in words[1:]:
            if word[:5].lower() != b"name=":
                return f"Invalid metadata value given: {_shown(word)}"
            if self.name is not None:
                return "Invalid metadata value, name argument was given multiple times"
            self.name = word[5:]
        return "Library name was not given" if self.name is None else ""


def split_line(line: bytes) -> list[bytes]:
    """The words of a line, which may be quoted; none if a quote is not closed."""
    return split_words(line) or []
