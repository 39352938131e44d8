"""Which files of the official suite CI runs, and which tests cannot pass on hognose, each with its reason.

A test is named by its file and by its name, as the suite prints it, or the beginning of it.
"""

from dataclasses import dataclass
from typing import Final

QUICK: Final = (
    "unit/protocol",
    "unit/keyspace",
    "unit/scan",
    "unit/type/string",
    "unit/type/incr",
    "unit/expire",
    "unit/quit",
    "unit/multi",
    "unit/shutdown",
    "unit/auth",
    "unit/info",
    "unit/introspection-2",
    "unit/info-command",
    "unit/slowlog",
    "unit/latency-monitor",
    "unit/type/hash",
    "unit/type/set",
    "unit/type/zset",
    "unit/type/stream",
    "unit/bitops",
    "unit/bitfield",
    "unit/hyperloglog",
    "unit/geo",
)
"""The files that take seconds each and cover what every client meets; CI runs these."""


@dataclass(frozen=True)
class Known:
    """A test that is expected to fail.

    Attributes:
        unit: Its file.
        name: Its name, or how its name begins.
        reason: Why it cannot pass, for docs/differences.md.
        left_out: Whether it is not even tried: it would wait for ever, or spoil the tests behind it. `name` is its
            whole name then.
    """

    unit: str
    name: str
    reason: str
    left_out: bool = False


NO_REPLICATION: Final = "no server can be made a replica yet"
ONE_PER_FOLDER: Final = "a second server in a folder whose first one saves its data there is refused"
OLD_TOOL: Final = "the installed redis-check-aof is older than the suite and takes the log for a manifest"
NO_CLUSTER: Final = "there are no CLUSTER commands yet"
NO_DEBUGGER: Final = "there is no debugger of scripts; the suite's file ends where it asks for one"
LIBRARIES_IN_LUA: Final = "cjson and its like are Lua here and count as memory of scripts"
ALWAYS_SANITIZED: Final = "damaged payloads are refused at once, whatever sanitize-dump-payload says, not found later"
IMMUTABLE_INTEGERS: Final = "a counter's new value is another object; the address DEBUG OBJECT shows changes with it"

KNOWN: Final = (
    Known("unit/type/incr", "INCR can modify objects in-place", IMMUTABLE_INTEGERS),
    Known("unit/expire", "First server should have role slave after REPLICAOF", NO_REPLICATION),
    Known(
        "unit/expire",
        "For all replicated TTL-related commands, absolute expire times are identical on primary and replica",
        NO_REPLICATION,
        left_out=True,
    ),
    Known("integration/aof-multi-part", "Can't start the Redis server", ONE_PER_FOLDER),
    Known(
        "integration/aof",
        "Test redis-check-aof for old style resp AOF - has data in the same format as manifest",
        OLD_TOOL,
    ),
    Known("unit/auth", "MASTERAUTH test with binary password", NO_REPLICATION),
    Known("unit/introspection-2", "COMMAND LIST FILTERBY PATTERN - list all commands/subcommands", NO_CLUSTER),
    Known("unit/scripting", "CLUSTER RESET can not be invoke from within a script", NO_CLUSTER),
    Known("unit/scripting", "EVAL does not leak in the Lua stack", LIBRARIES_IN_LUA),
    # What is raised outside of any test:
    Known("unit/scripting", "a debugger is not available", NO_DEBUGGER),
    Known("unit/scripting", "exception: Executing test client", NO_DEBUGGER),
    Known("unit/multi", "MULTI / EXEC with REPLICAOF", NO_REPLICATION, left_out=True),
    Known("unit/multi", "exec with read commands and stale replica state change", NO_REPLICATION, left_out=True),
    Known("unit/bitfield", "BITFIELD: setup slave", NO_REPLICATION),
    Known("unit/bitfield", "BITFIELD: write on master, read on slave", NO_REPLICATION),
    Known("integration/corrupt-dump", "corrupt payload: listpack too long entry len", ALWAYS_SANITIZED),
    Known("integration/corrupt-dump", "corrupt payload: listpack very long entry len", ALWAYS_SANITIZED),
    Known(
        "integration/corrupt-dump", "corrupt payload: hash listpack with duplicate records - convert", ALWAYS_SANITIZED
    ),
    Known(
        "integration/corrupt-dump", "corrupt payload: fuzzer findings - NPD in streamIteratorGetID", ALWAYS_SANITIZED
    ),
    Known(
        "integration/corrupt-dump",
        "corrupt payload: fuzzer findings - listpack NPD on invalid stream",
        ALWAYS_SANITIZED,
    ),
    Known(
        "integration/corrupt-dump",
        "corrupt payload: fuzzer findings - stream bad lp_count - unsanitized",
        ALWAYS_SANITIZED,
    ),
    Known("integration/corrupt-dump", "corrupt payload: fuzzer findings - infinite loop", ALWAYS_SANITIZED),
    Known("integration/corrupt-dump", "corrupt payload: fuzzer findings - negative reply length", ALWAYS_SANITIZED),
    Known("integration/corrupt-dump", "corrupt payload: fuzzer findings - stream with no records", ALWAYS_SANITIZED),
    Known(
        "integration/corrupt-dump",
        "corrupt payload: fuzzer findings - stream listpack valgrind issue",
        ALWAYS_SANITIZED,
    ),
    Known(
        "integration/corrupt-dump",
        "corrupt payload: fuzzer findings - stream listpack lpPrev valgrind issue",
        ALWAYS_SANITIZED,
    ),
    Known(
        "integration/corrupt-dump",
        "corrupt payload: fuzzer findings - gcc asan reports false leak on assert",
        ALWAYS_SANITIZED,
    ),
    Known("integration/corrupt-dump", "corrupt payload: fuzzer findings - lpFind invalid access", ALWAYS_SANITIZED),
    Known(
        "integration/corrupt-dump",
        "corrupt payload: fuzzer findings - set with duplicate elements causes sdiff to hang",
        ALWAYS_SANITIZED,
    ),
    # The error of a RESTORE that is expected to be believed, as far as the suite takes it for a test's name:
    Known("integration/corrupt-dump", "ta format", ALWAYS_SANITIZED),
)


def left_out(unit: str) -> list[str]:
    """The tests of a file that are not tried."""
    return [known.name for known in KNOWN if known.unit == unit and known.left_out]


def reason_for(unit: str, name: str) -> str | None:
    """Why a test may fail; None if it may not."""
    return next((known.reason for known in KNOWN if known.unit == unit and name.startswith(known.name)), None)
