"""`hognose check FILE|DIR ...`: are dumps and append-only files sound, and if not, what is wrong where?

    file that begins with REDIS or VALKEY    a dump; what follows its end must be commands, or nothing
    file that begins with * or #             commands
    *.manifest                               an append-only file of several parts, all of which are checked
    folder                                   every dump, manifest and append-only file in it and one folder below

Nothing is changed unless `--fix` is given: it cuts off a torn end of commands, after asking, and only
where no running server has its directory locked. Whether the data are those
that were written once no tool can know: a checksum says so for a dump that has one.

Exit status: 0 if everything is sound, 1 if not, 2 if something could not be read.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from hognose.persistence.aof_manifest import BASE, MANIFEST_SUFFIX, ManifestError, parse_manifest
from hognose.persistence.directory_lock import DirectoryLock
from hognose.persistence.rdb_format import RdbError
from hognose.tools.check_commands import check_commands
from hognose.tools.dump_scan import DumpScan
from hognose.tools.progress_bar import ProgressBar

SOUND: Final = 0
DAMAGED: Final = 1
UNREADABLE: Final = 2
COMMAND_MARKS: Final = (b"*", b"#")
MAGIC: Final = (b"REDIS", b"VALKEY")
DESCRIPTION: Final = "Checks dumps and append-only files, and says what is wrong at which offset."


class Report:
    """What was found in one file.

    Attributes:
        path: The file.
        lines: What it holds.
        problem: What is wrong, and where; empty if nothing is.
        keep_bytes: Where to cut a torn end off; -1 if there is none.
        status: SOUND, DAMAGED or UNREADABLE.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.lines: list[str] = []
        self.problem = ""
        self.keep_bytes = -1
        self.status = SOUND

    def damaged(self, problem: str, keep_bytes: int = -1) -> None:
        """Something is wrong."""
        self.problem = problem
        self.keep_bytes = keep_bytes
        self.status = DAMAGED

    def text(self) -> str:
        """The report, for people."""
        lines = [f"{self.path}: {'OK' if self.status == SOUND else self.problem}"]
        lines.extend(f"    {line}" for line in self.lines)
        if self.keep_bytes >= 0:
            lost = self.path.stat().st_size - self.keep_bytes
            lines.append(f"    sound up to offset {self.keep_bytes}; `--fix` cuts off the {lost} bytes behind it")
        return "\n".join(lines)


def check_file(path: Path) -> Report:
    """Checks one file, whatever it is."""
    report = Report(path)
    try:
        with path.open("rb") as file:
            _check_open_file(report, file)
    except OSError as error:
        report.problem = f"cannot be read: {error.strerror}"
        report.status = UNREADABLE
    return report


def _check_open_file(report: Report, file: BinaryIO) -> None:
    size = os.fstat(file.fileno()).st_size
    head = file.read(len(MAGIC[1]))
    file.seek(0)
    bar = ProgressBar(report.path.name, size, sys.stderr)
    is_log = ".aof" in report.path.name
    if head.startswith(MAGIC):
        end = _check_dump(report, file, bar)
        if 0 <= end < size:
            file.seek(end)
            if is_log or file.read(1) in COMMAND_MARKS:
                _check_log(report, file, end, bar)
            else:
                report.lines.append(f"{size - end} bytes follow the end, which no server reads")
    elif head[:1] in COMMAND_MARKS or (is_log and not head):
        _check_log(report, file, 0, bar)
    elif is_log:
        report.damaged("offset 0: neither a dump nor a command stands here", -1)
    else:
        report.damaged("neither a dump nor an append-only file")
    bar.finish()


def _check_dump(report: Report, file: BinaryIO, bar: ProgressBar) -> int:
    """Checks the dump at the start of a file; returns the offset behind it, -1 if it is damaged."""
    scan = DumpScan()
    try:
        end = scan.scan(file, bar)
    except RdbError as error:
        report.damaged(f"{scan.place(error)}: {error.text}")
        return -1
    report.lines.extend(scan.summary())
    return end


def _check_log(report: Report, file: BinaryIO, start: int, bar: ProgressBar) -> None:
    found = check_commands(file, start, bar)
    report.lines.append(f"{found.commands} commands")
    if found.problem:
        text = f"offset {found.offset} (0x{found.offset:x}): {found.problem}"
        report.damaged(text, found.sound_bytes if found.is_torn else -1)


def check_manifest(path: Path) -> list[Report]:
    """Checks a manifest and the files it names."""
    report = Report(path)
    try:
        manifest = parse_manifest(path.read_bytes())
    except OSError as error:
        report.problem = f"cannot be read: {error.strerror}"
        report.status = UNREADABLE
        return [report]
    except ManifestError as damage:
        report.damaged(f"line {damage.number}: {damage.text}")
        return [report]
    reports = [report]
    files = manifest.files()
    for index, entry in enumerate(files):
        sort = "base" if entry.kind == BASE else "increment"
        report.lines.append(f"{sort} {entry.sequence}: {entry.name}")
        part = check_file(path.parent / entry.name)
        if part.keep_bytes >= 0 and any(_size(path.parent / later.name) != 0 for later in files[index + 1 :]):
            part.keep_bytes = -1
            part.lines.append("not the last file: cutting it would leave a gap before what follows")
        reports.append(part)
    named = {entry.name for entry in files} | {entry.name for entry in manifest.history}
    stem = path.name.removesuffix(MANIFEST_SUFFIX)
    for other in sorted(path.parent.glob(f"{stem}.*")):
        if other != path and other.name not in named:
            report.lines.append(f"{other.name} is not part of the dataset")
    return reports


def _size(path: Path) -> int:
    """The size of a file, 0 if it is not there."""
    return path.stat().st_size if path.exists() else 0


def check_path(path: Path) -> list[Report]:
    """Checks a file, or what a folder holds."""
    if not path.is_dir():
        return check_manifest(path) if path.name.endswith(MANIFEST_SUFFIX) else [check_file(path)]
    reports: list[Report] = []
    manifests = sorted(path.glob(f"*{MANIFEST_SUFFIX}")) + sorted(path.glob(f"*/*{MANIFEST_SUFFIX}"))
    for manifest in manifests:
        reports.extend(check_manifest(manifest))
    with_parts = {manifest.parent for manifest in manifests}
    for pattern in ("*.rdb", "*.aof"):
        if path not in with_parts:
            reports.extend(check_file(file) for file in sorted(path.glob(pattern)))
    if not reports:
        report = Report(path)
        report.problem = "no dump and no append-only file in this folder"
        report.status = UNREADABLE
        reports.append(report)
    return reports


def fix(report: Report, without_asking: bool) -> bool:
    """Cuts the torn end of a file off, if no server uses it and that is agreed to; whether it did."""
    parent = report.path.resolve().parent
    locks = [DirectoryLock(), DirectoryLock()]
    try:
        # The server's directory is the file's, or the one above that of the append-only files.
        for lock, folder in zip(locks, (parent, parent.parent), strict=True):
            reason = lock.take(str(folder))
            if reason and os.access(folder, os.R_OK):
                print(f"Left as it is, for it may be in use. {reason.split('. ')[0]}.")
                return False
        return _cut(report, without_asking)
    finally:
        for lock in locks:
            lock.release()


def _cut(report: Report, without_asking: bool) -> bool:
    """Cuts the torn end of a file off, if that is agreed to; whether it did."""
    lost = report.path.stat().st_size - report.keep_bytes
    if not without_asking:
        print(f"Cut off {lost} bytes of {report.path}, down to {report.keep_bytes}? [y/N] ", end="", flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("Left as it is.")
            return False
    with report.path.open("r+b") as file:
        file.truncate(report.keep_bytes)
        os.fsync(file.fileno())
    print(f"{report.path}: cut to {report.keep_bytes} bytes")
    return True


def main(words: Sequence[str]) -> int:
    """Checks what the words name; returns the exit status."""
    parser = argparse.ArgumentParser(prog="hognose check", description=DESCRIPTION)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="FILE|DIR", help="dump, append-only file, manifest, folder"
    )
    parser.add_argument("--fix", action="store_true", help="cut off a torn end of an append-only file, after asking")
    parser.add_argument("--yes", action="store_true", help="with --fix: do not ask")
    options = parser.parse_args(words)
    status = SOUND
    paths: list[Path] = options.paths
    for path in paths:
        for report in check_path(path):
            print(report.text(), flush=True)
            if options.fix and report.keep_bytes >= 0 and fix(report, options.yes):
                continue
            status = max(status, report.status)
    return status
