"""`hognose convert SOURCE TARGET`: a dump or an append-only file as a dump of any version, or as JSON lines.

    hognose convert dump.rdb old.rdb --rdb-version 9      for redis 5 and 6
    hognose convert appendonlydir dump.rdb                an append-only file as a dump
    hognose convert dump.rdb dump.jsonl                   see `json_lines` for the form
    hognose convert dump.rdb - | jq .key

The target appears complete or not at all, and is replaced only with `--force`. A damaged source is an error: `hognose
check` says more, and can cut a torn end off.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from hognose.persistence import rdb_format as rdb
from hognose.persistence.aof_format import AofError
from hognose.persistence.aof_manifest import MANIFEST_SUFFIX, ManifestError, parse_manifest
from hognose.persistence.lzf import Compressor
from hognose.persistence.rdb_format import RdbError
from hognose.persistence.rdb_reader import UNSET, KeyAttributes
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_source import RdbSource
from hognose.persistence.rdb_writer import FileOptions, write_dataset
from hognose.tools.dump_scan import DumpScan
from hognose.tools.json_lines import JsonLines
from hognose.tools.progress_bar import ProgressBar
from hognose.tools.rdb_copy import ConversionError, RdbCopy
from hognose.tools.replay import Replay

STANDARD_OUTPUT: Final = "-"
VERSIONS: Final = (9, 10, 11, 12, 80)
OLDEST: Final = 9
NEWEST_REDIS: Final = 12
USUAL: Final = 11
JSON_SUFFIXES: Final = (".json", ".jsonl", ".ndjson")
DESCRIPTION: Final = "Writes a dump or an append-only file as a dump of another version, or as JSON lines."


class Request:
    """What is asked for.

    Attributes:
        source: A dump, an append-only file, a manifest, or the folder of one.
        target: A path, or STANDARD_OUTPUT.
        is_json: Whether JSON lines are written, else a dump.
        version: The RDB version to write; 0 for the source's own, as far as it can be written.
        compresses: Whether strings in a dump are compressed.
    """

    def __init__(self, source: Path, target: str, is_json: bool, version: int, compresses: bool) -> None:
        self.source: Final = source
        self.target: Final = target
        self.is_json: Final = is_json
        self.version: Final = version
        self.compresses: Final = compresses

    def sink(self, file: BinaryIO) -> RdbSink:
        """Writes a dump to a file."""
        return RdbSink(Compressor() if self.compresses else None, file)


def parse_request(words: Sequence[str]) -> Request:
    """Reads the command line; ends the process with an explanation if it makes no sense."""
    parser = argparse.ArgumentParser(prog="hognose convert", description=DESCRIPTION)
    parser.add_argument("source", type=Path, help="dump, append-only file, manifest, or the folder of one")
    parser.add_argument("target", help="file to write; - is standard output, for JSON lines")
    parser.add_argument("--to", choices=["rdb", "json"], help="default: by the target's name (.rdb, .json, .jsonl)")
    parser.add_argument("--rdb-version", type=int, choices=VERSIONS, default=0, help="default: the source's")
    parser.add_argument("--no-compression", action="store_true", help="leave strings in a dump as they are")
    parser.add_argument("--force", action="store_true", help="replace the target if it is there")
    options = parser.parse_args(words)
    suffix = Path(options.target).suffix.lower()
    is_json = options.to == "json" or (options.to is None and (suffix in JSON_SUFFIXES or options.target == "-"))
    if options.to is None and not is_json and suffix != ".rdb":
        parser.error(f"what should {options.target} be? Say --to rdb or --to json")
    if options.target == STANDARD_OUTPUT and not is_json:
        parser.error("a dump cannot go to standard output")
    if options.target != STANDARD_OUTPUT and Path(options.target).exists() and not options.force:
        parser.error(f"{options.target} is there already; --force replaces it")
    return Request(options.source, options.target, is_json, options.rdb_version, not options.no_compression)


# Dumps: key by key


def convert_dump(request: Request, out: Path) -> DumpScan:
    """Converts a dump; writes to `out`, or to standard output."""
    with request.source.open("rb") as file:
        bar = ProgressBar(request.source.name, os.fstat(file.fileno()).st_size, sys.stderr)
        scan: DumpScan
        if request.is_json:
            with open_text(request, out) as text:
                scan = JsonLines(text)
                scan.scan(file, bar)
        else:
            version = request.version or writable_version(read_version(request.source))
            with out.open("wb") as written:
                copy = RdbCopy(request.sink(written), version)
                copy.scan(file, bar)
                copy.finish()
            scan = copy
        bar.finish()
        return scan


def read_version(path: Path) -> int:
    """The RDB version of a dump.

    Raises:
        RdbError: It is none, or of an unknown version.
    """
    with path.open("rb") as file:
        scan = DumpScan()
        scan.begin(RdbSource(b"", file, os.fstat(file.fileno()).st_size), False)
        return int(scan.version)


def writable_version(version: int) -> int:
    """The version nearest to one that can be read. O(1)."""
    return version if version == rdb.VALKEY else max(OLDEST, min(version, NEWEST_REDIS))


def open_text(request: Request, out: Path) -> TextIO:
    """Where JSON lines go. Standard output stays open when this is closed."""
    if request.target == STANDARD_OUTPUT:
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    return out.open("w", encoding="utf-8")


# Append-only files: run, then written


def parts_of(source: Path) -> list[Path] | None:
    """The files of an append-only file, in order; None if it is a dump.

    Raises:
        ManifestError: Its manifest is damaged.
        OSError: It cannot be read.
    """
    if source.is_dir():
        manifests = sorted(source.glob(f"*{MANIFEST_SUFFIX}"))
        if len(manifests) != 1:
            raise ConversionError(f"{len(manifests)} manifests in {source}: name one")
        source = manifests[0]
    if source.name.endswith(MANIFEST_SUFFIX):
        return [source.parent / file.name for file in parse_manifest(source.read_bytes()).files()]
    with source.open("rb") as file:
        head = file.read(1)
    return [source] if head in (b"*", b"#") or ".aof" in source.name else None


def convert_log(request: Request, parts: list[Path], out: Path) -> Replay:
    """Converts an append-only file."""
    replay = Replay()
    for part in parts:
        try:
            replay.run(part)
        except (RdbError, AofError) as error:
            raise ConversionError(f"{part}: {error}. Run `hognose check --fix` on it.") from error
    keyspace = replay.server.keyspace
    if request.is_json:
        with open_text(request, out) as text:
            write_json(JsonLines(text), replay)
        return replay
    version = request.version or USUAL
    options = FileOptions(version, True, False, keyspace.clock.now_ms)
    with out.open("wb") as written:
        write_dataset(request.sink(written), keyspace, options)
    if request.version and options.version != version:
        raise ConversionError("there are fields that expire, which needs --rdb-version 12 or 80")
    return replay


def write_json(lines: JsonLines, replay: Replay) -> None:
    """Writes what a server holds as JSON lines."""
    for text in replay.server.keyspace.libraries.sources():
        lines.store_library(RdbSource(b""), text)
    for database in replay.server.keyspace.databases:
        lines.index = int(database.index)
        for key in database.table.keys():  # noqa: SIM118 - not a dict
            place = database.table.find(key)
            value = replay.server.keyspace.value_at(database.table.found, place)
            attributes = KeyAttributes()
            deadline = database.table.deadline(place)
            attributes.deadline_ms = deadline if deadline != 0 else UNSET
            lines.visit(key, value, attributes)


def convert(request: Request) -> list[str]:
    """Converts; returns remarks.

    Raises:
        ConversionError, RdbError, ManifestError: It cannot be done.
        OSError: A file cannot be read or written.
    """
    out = Path(f"{request.target}.{os.getpid()}.part")
    try:
        parts = parts_of(request.source)
        remarks = convert_dump(request, out).remarks if parts is None else convert_log(request, parts, out).remarks
        if request.target != STANDARD_OUTPUT:
            with out.open("rb") as written:
                os.fsync(written.fileno())
            out.replace(request.target)
    finally:
        out.unlink(missing_ok=True)
    return remarks


def main(words: Sequence[str]) -> int:
    """Converts what the words name; returns the exit status."""
    request = parse_request(words)
    try:
        remarks = convert(request)
    except (ConversionError, RdbError, ManifestError, OSError) as error:
        print(f"hognose convert: {request.source}: {error}", file=sys.stderr)
        return 1
    for remark in remarks:
        print(f"hognose convert: {remark}", file=sys.stderr)
    return 0
