"""The manifest of the append-only file: which files make up the dataset, in which order.

    appendonlydir/
        appendonly.aof.manifest          this
        appendonly.aof.2.base.rdb        the dataset when the last rewrite began, as a dump or (.aof) as commands
        appendonly.aof.3.incr.aof        what came since: one file, more after rewrites that failed

    file appendonly.aof.2.base.rdb seq 2 type b
    file appendonly.aof.1.base.rdb seq 1 type h
    file appendonly.aof.3.incr.aof seq 3 type i

Types: b, base; i, increment; h, history: no longer part of the dataset and about to be deleted. A line may have further
pairs of words, which mean nothing here; a line that begins with # is a comment. A name with blanks or unprintable bytes
stands in double quotes.

What it is not: it opens no data file. Source: the format of Redis 7.0.
"""

from typing import Final

from mypy_extensions import i64

from hognose.config.kinds import quote
from hognose.resp.inline import UnbalancedQuotesError, split_words

BASE: Final = "b"
INCREMENT: Final = "i"
HISTORY: Final = "h"
MANIFEST_SUFFIX: Final = ".manifest"
TEMPORARY_PREFIX: Final = "temp-"
MAX_LINE_BYTES: Final = 1024
"""Longer lines are refused, as other servers do."""

EMPTY: Final = "Found an empty AOF manifest"
TOO_LONG: Final = "The AOF manifest file contains too long line"
INVALID: Final = "Invalid AOF manifest file format"
IS_PATH: Final = "File can't be a path, just a filename"
TWO_BASES: Final = "Found duplicate base file information"
NOT_RISING: Final = "Found a non-monotonic sequence number"
UNKNOWN_TYPE: Final = "Unknown AOF file type"


class ManifestError(ValueError):
    """A manifest that cannot be read.

    Attributes:
        text: What is wrong.
        number: The line, counted from 1; 0 if it is none in particular.
        line: That line.
    """

    def __init__(self, text: str, number: int = 0, line: str = "") -> None:
        super().__init__(text)
        self.text: Final = text
        self.number: Final = number
        self.line: Final = line


class AofFile:
    """One file of the manifest.

    Attributes:
        name: Without its directory.
        sequence: Counted from 1 among the files of its type.
        kind: BASE, INCREMENT or HISTORY.
    """

    def __init__(self, name: str, sequence: i64, kind: str) -> None:
        self.name: Final = name
        self.sequence: i64 = sequence
        self.kind: Final = kind


class Manifest:
    """The files of a dataset.

    Attributes:
        base: The dataset as of some time, if there is one.
        history: Files of no more use, the newest first.
        increments: What came after the base, in order.
        base_sequence, increment_sequence: The highest numbers given so far.
    """

    def __init__(self) -> None:
        self.base: AofFile | None = None
        self.history: list[AofFile] = []
        self.increments: list[AofFile] = []
        self.base_sequence: i64 = 0
        self.increment_sequence: i64 = 0

    def copy(self) -> "Manifest":
        """A copy to make changes in that may still fail."""
        twin = Manifest()
        twin.base = self.base
        twin.history = list(self.history)
        twin.increments = list(self.increments)
        twin.base_sequence = self.base_sequence
        twin.increment_sequence = self.increment_sequence
        return twin

    def is_empty(self) -> bool:
        """Whether there is no dataset."""
        return self.base is None and not self.increments

    def files(self) -> list[AofFile]:
        """The files that make up the dataset, in order."""
        return ([] if self.base is None else [self.base]) + self.increments

    def new_base(self, name: str, is_dump: bool) -> str:
        """Enters a new base; the one there was becomes history.

        Args:
            name: appendfilename.
            is_dump: Whether it has the dump format (aof-use-rdb-preamble).

        Returns:
            Its file's name.
        """
        old = self.base
        if old is not None:
            self.history.insert(0, AofFile(old.name, old.sequence, HISTORY))
        self.base_sequence += 1
        suffix = "rdb" if is_dump else "aof"
        self.base = AofFile(f"{name}.{self.base_sequence}.base.{suffix}", self.base_sequence, BASE)
        return self.base.name

    def new_increment(self, name: str) -> str:
        """Enters a new increment after those there are; returns its file's name."""
        self.increment_sequence += 1
        file = AofFile(f"{name}.{self.increment_sequence}.incr.aof", self.increment_sequence, INCREMENT)
        self.increments.append(file)
        return file.name

    def retire_increments(self, keeps_last: bool) -> None:
        """Makes the increments history that a new base contains.

        Args:
            keeps_last: The last one was begun with the rewrite and holds what came after.
        """
        kept = self.increments[-1:] if keeps_last else []
        for file in reversed(self.increments[: len(self.increments) - len(kept)]):
            self.history.insert(0, AofFile(file.name, file.sequence, HISTORY))
        self.increments = kept

    def to_bytes(self) -> bytes:
        """The manifest file's content."""
        files = ([] if self.base is None else [self.base]) + self.history + self.increments
        lines = [f"file {quoted(file.name)} seq {file.sequence} type {file.kind}\n" for file in files]
        return "".join(lines).encode("utf-8", "surrogateescape")


def quoted(name: str) -> str:
    """A file name as it stands in a manifest."""
    data = name.encode("utf-8", "surrogateescape")
    if all(33 <= byte <= 126 and byte not in b"\"'\\" for byte in data):
        return name
    return quote(data).decode("ascii")


def parse_manifest(data: bytes) -> Manifest:
    """Reads a manifest.

    Raises:
        ManifestError: It is none, or contradicts itself.
    """
    if not data:
        raise ManifestError(EMPTY)
    manifest = Manifest()
    number = 0
    for raw in data.split(b"\n"):
        number += 1
        if raw.startswith(b"#") or (not raw and number > data.count(b"\n")):
            continue
        line = raw.strip(b" \t\r\n")
        shown = line.decode("utf-8", "surrogateescape")
        if len(raw) >= MAX_LINE_BYTES or number > data.count(b"\n"):
            raise ManifestError(TOO_LONG, number, shown)
        try:
            _add(manifest, _parse_line(line))
        except ManifestError as error:
            raise ManifestError(error.text, number, shown) from None
    return manifest


def _parse_line(line: bytes) -> AofFile:
    """One line."""
    try:
        words = split_words(line)
    except UnbalancedQuotesError:
        raise ManifestError(INVALID) from None
    if len(words) < 6 or len(words) % 2:
        raise ManifestError(INVALID)
    name = kind = ""
    sequence = 0
    for index in range(0, len(words), 2):
        text = words[index + 1].decode("utf-8", "surrogateescape")
        match words[index].lower():
            case b"file":
                name = text
                if "/" in name or "\\" in name:
                    raise ManifestError(IS_PATH)
            case b"seq":
                sequence = int(text) if text.isdigit() and len(text) < 19 else 0
            case b"type":
                kind = text[:1]
    if not name or sequence == 0 or not kind:
        raise ManifestError(INVALID)
    return AofFile(name, sequence, kind)


def _add(manifest: Manifest, file: AofFile) -> None:
    """Enters a file that a line names."""
    if file.kind == BASE:
        if manifest.base is not None:
            raise ManifestError(TWO_BASES)
        manifest.base = file
        manifest.base_sequence = file.sequence
    elif file.kind == HISTORY:
        manifest.history.append(file)
    elif file.kind == INCREMENT:
        if file.sequence <= manifest.increment_sequence:
            raise ManifestError(NOT_RISING)
        manifest.increments.append(file)
        manifest.increment_sequence = file.sequence
    else:
        raise ManifestError(UNKNOWN_TYPE)
