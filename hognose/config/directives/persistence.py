"""Directives about snapshots and the append-only file."""

from typing import Final

from hognose.config.directives.record import (
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    MULTI_ARG,
    PROTECTED,
    Directive,
    choice,
    integer,
    memory,
    special,
    text,
    yes_no,
)
from hognose.config.kinds import INT_MIN, NumberChoice
from hognose.config.specials import SavePoints


def _is_base_name(path: str) -> bool:
    return "/" not in path and "\\" not in path


def check_dump_name(name: str) -> str:
    """Why a dump file cannot be called so, or the empty string."""
    return "" if _is_base_name(name) else "dbfilename can't be a path, just a filename"


def check_append_file_name(name: str) -> str:
    """Why an append-only file cannot be called so, or the empty string."""
    if not name:
        return "appendfilename can't be empty"
    return "" if _is_base_name(name) else "appendfilename can't be a path, just a filename"


def check_append_dir_name(name: str) -> str:
    """Why the directory of the append-only files cannot be called so, or the empty string."""
    if not name:
        return "appenddirname can't be empty"
    return "" if _is_base_name(name) else "appenddirname can't be a path, just a dirname"


SNAPSHOTS: Final[list[Directive]] = [
    special(
        "save",
        SavePoints(),
        ((3600, 1), (300, 100), (60, 10000)),
        'Take a snapshot when so many seconds have passed and so many changes were made. Lines add up; `""` drops all.',
        MULTI_ARG,
    ),
    text("dbfilename", "dump.rdb", "Name of the dump file.", PROTECTED, check=check_dump_name),
    yes_no("rdbcompression", True, "Compress strings in dumps."),
    yes_no("rdbchecksum", True, "End dumps with a checksum and check it on loading.", IMMUTABLE),
    special(
        "rdb-version",
        NumberChoice([9, 10, 11, 12, 80]),
        11,
        "Format version of the dumps written: 11 is what Redis 7.2 and every Valkey read; data that needs a newer one "
        "gets it. Every listed version can be read. hognose only.",
    ),
    choice(
        "rdb-module-data",
        ["refuse", "skip"],
        "refuse",
        "What to do with data of modules in a dump that is loaded: refuse the dump, or leave that data out and log it. "
        "hognose only.",
    ),
    choice(
        "snapshot-mode",
        ["fork", "cooperative", "auto"],
        "auto",
        "How to write snapshots in the background: in a forked child, in slices between commands, or forked where the "
        "system can. hognose only.",
    ),
    yes_no("stop-writes-on-bgsave-error", True, "Refuse writes while the last snapshot has failed."),
    yes_no("rdb-del-sync-files", False, "Delete dumps made only for replication once they are used."),
    yes_no("rdb-save-incremental-fsync", True, "Bring a dump to disk in portions instead of all at the end."),
    choice(
        "sanitize-dump-payload",
        ["no", "yes", "clients"],
        "no",
        "Check compact values thoroughly when loading dumps and on RESTORE: never, always, or only from clients.",
    ),
    integer("rdb-key-save-delay", 0, "Microseconds to wait after each key of a dump, for tests.", HIDDEN, low=INT_MIN),
    integer("key-load-delay", 0, "Microseconds to wait after each key loaded, for tests.", HIDDEN, low=INT_MIN),
    integer(
        "loading-process-events-interval-bytes",
        2 << 20,
        "Bytes loaded between two looks at the clients.",
        HIDDEN,
        low=1024,
    ),
]

APPEND_ONLY: Final[list[Directive]] = [
    yes_no("appendonly", False, "Log every write to the append-only file.", DENY_LOADING),
    text("appendfilename", "appendonly.aof", "Base name of its files.", IMMUTABLE, check=check_append_file_name),
    text(
        "appenddirname",
        "appendonlydir",
        "Directory of its files, inside `dir`.",
        IMMUTABLE,
        check=check_append_dir_name,
    ),
    choice("appendfsync", ["everysec", "always", "no"], "everysec", "When writes are forced to disk."),
    yes_no("no-appendfsync-on-rewrite", False, "Do not force to disk while a child process is writing."),
    integer("auto-aof-rewrite-percentage", 100, "Growth in percent that starts a rewrite; 0 never does."),
    memory("auto-aof-rewrite-min-size", 64 << 20, "Size below which no rewrite starts by itself."),
    yes_no("aof-load-truncated", True, "Start with an append-only file whose end is cut off."),
    yes_no("aof-use-rdb-preamble", True, "Write the base file in the dump format."),
    yes_no("aof-timestamp-enabled", False, "Note the time in the file, for recovery up to a point in time."),
    yes_no("aof-rewrite-incremental-fsync", True, "Bring a rewritten file to disk in portions."),
    yes_no("aof-disable-auto-gc", False, "Keep files that are no longer used, for tests.", HIDDEN),
]
