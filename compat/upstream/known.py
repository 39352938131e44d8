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
    "unit/dump",
    "integration/corrupt-dump",
    "integration/corrupt-dump-fuzzer",
    "integration/convert-ziplist-hash-on-load",
    "integration/convert-ziplist-zset-on-load",
    "integration/convert-zipmap-hash-on-load",
    "integration/redis-benchmark",
    "integration/redis-cli",
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
FORM_OF_7_2: Final = "7.0's suite expects SELECT before MULTI and PXAT in capitals; effects are propagated as 7.2 does"
SINKS_LEFT: Final = "with 7.0's suite the tests that fail before it leave two replicas attached; it passes with 7.2's"
OLD_TOOL: Final = "the installed redis-check-aof is older than the suite and takes the log for a manifest"
NO_CLUSTER: Final = "there is no cluster yet: a server that is to be a node of one does not start"
FREED_IN_SLICES: Final = "what a large expired key occupied is freed in slices, so that no expiry cycle takes long"
NO_DEBUGGER: Final = "there is no debugger of scripts; the suite's file ends where it asks for one"
LIBRARIES_IN_LUA: Final = "cjson and its like are Lua here and count as memory of scripts"
ALWAYS_SANITIZED: Final = "damaged payloads are refused at once, whatever sanitize-dump-payload says, not found later"
SEGMENTED: Final = "tables are made of segments, which grow one by one; they never rehash as a whole"
OWN_NAME: Final = "the title begins with hognose's own name, not with the path of the file that was run"
SHORT_SLICES: Final = "a large value that expires is freed in slices of a millisecond; no cycle lasts long enough"
SMALL_BUFFERS: Final = "a buffer for replies begins with 256 bytes, and one that has outgrown 16 KB is not kept"
COUNTS_BYTES: Final = "the limit counts the bytes of replies, not the blocks that Redis rounds them up to"
BYTES_UNDER_WAY: Final = "asks how much a client has sent while its bytes are still arriving"
IMMUTABLE_INTEGERS: Final = "a counter's new value is another object; the address DEBUG OBJECT shows changes with it"

KNOWN: Final = (
    Known("unit/expire", "All time-to-live(TTL) in commands are propagated as absolute timestamp", FORM_OF_7_2),
    Known("unit/expire", "All TTL in commands are propagated as absolute timestamp in replication", FORM_OF_7_2),
    Known("unit/multi", "MULTI / EXEC is propagated correctly (multiple commands", FORM_OF_7_2),
    Known("unit/multi", "MULTI with FLUSHALL and AOF", FORM_OF_7_2),
    Known("unit/multi", "exec with write commands and state change", SINKS_LEFT),
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
    Known("unit/latency-monitor", "LATENCY of expire events are correctly collected", FREED_IN_SLICES),
    Known("unit/functions", "Connect a replica to the master instance", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - creation is replicated to replica", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - call on replica", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - restore is replicated to replica", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - flush is replicated to replica", NO_REPLICATION),
    Known("unit/functions", "Disconnecting the replica from master instance", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - test replication to replica on rdb phase", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - create on read only replica", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - delete on read only replica", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - function effect is replicated to replica", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - modify key space of read only replica", NO_REPLICATION),
    Known("unit/functions", "n command 'slaveof'", NO_REPLICATION),
    Known("unit/functions", "FUNCTION can processes create, delete and flush commands in AOF", NO_REPLICATION),
    Known("unit/functions", "FUNCTION - allow stale", NO_REPLICATION),
    Known("unit/scripting", "Connect a replica to the master instance", NO_REPLICATION),
    Known("unit/scripting", "'x' should be '4' for EVALSHA being replicated by effects", NO_REPLICATION),
    Known("unit/scripting", "EVALSHA replication when first call is readonly", NO_REPLICATION),
    Known("unit/scripting", "Lua scripts using SELECT are replicated correctly", NO_REPLICATION),
    Known("unit/scripting", "Replication of script multiple pushes to list with BLPOP", NO_REPLICATION),
    Known("unit/scripting", "Test selective replication of certain Redis commands from Lua", NO_REPLICATION),
    Known("unit/scripting", "Using side effects is not a problem with command replication", NO_REPLICATION),
    Known("unit/scripting", "EVAL does not leak in the Lua stack", LIBRARIES_IN_LUA),
    # What is raised outside of any test:
    Known("unit/scripting", "a debugger is not available", NO_DEBUGGER),
    Known("unit/scripting", "exception: Executing test client", NO_DEBUGGER),
    Known("unit/multi", "MULTI / EXEC with REPLICAOF", NO_REPLICATION, left_out=True),
    Known("unit/multi", "exec with read commands and stale replica state change", NO_REPLICATION, left_out=True),
    Known("unit/other", "Don't rehash if redis has child process", SEGMENTED),
    Known("unit/other", "Process title set as expected", OWN_NAME),
    Known("unit/latency-monitor", "LATENCY of expire events are correctly collected", SHORT_SLICES),
    Known("unit/replybufsize", "verify reply buffer limits", SMALL_BUFFERS),
    Known("unit/obuf-limits", "Obuf limit, KEYS stopped mid-run", COUNTS_BYTES),
    Known("unit/client-eviction", "client evicted due to percentage of maxmemory", BYTES_UNDER_WAY),
    Known("unit/client-eviction", "client evicted due to large multi buf", BYTES_UNDER_WAY),  # its limit stays in force
    Known("unit/client-eviction", "evict clients in right order (large to small)", BYTES_UNDER_WAY),
    Known("unit/oom-score-adj", "CONFIG SET oom-score-adj works as expected", NO_REPLICATION),
    Known("integration/shutdown", "n command 'replicaof'", NO_REPLICATION),
    Known("integration/shutdown", "Shutting down master waits for replica", NO_REPLICATION),
    Known("integration/dismiss-mem", "n command 'slaveof'", NO_REPLICATION),
    Known("integration/dismiss-mem", "exception: Executing test client", NO_REPLICATION),
    Known("unit/pause", "n command 'replicaof'", NO_REPLICATION),
    Known("unit/pause", "exception: Executing test client", NO_REPLICATION),
    Known("unit/networking", "n command 'replicaof'", NO_REPLICATION),
    Known("unit/networking", "CONFIG SET bind-source-addr", NO_REPLICATION),
    Known("unit/pubsubshard", "setup replication for following tests", NO_REPLICATION),
    Known("unit/maxmemory", "slave buffer are counted correctly", NO_REPLICATION),
    Known("unit/maxmemory", "replica buffer don't induce eviction", NO_REPLICATION),
    Known("unit/tls", "n command 'replicaof'", NO_REPLICATION),
    Known("unit/tls", "TLS: switch between tcp and tls ports", NO_REPLICATION),  # runs after the server is lost
    Known("unit/tls", "TLS: Working with an encrypted keyfile", NO_REPLICATION),
    Known("unit/tls", "exception: Executing test client", NO_REPLICATION),
    Known("unit/memefficiency", "TIMEOUT: clients state report follows.", NO_CLUSTER),  # of 7.2's suite, at its end
    Known("unit/type/set", "SRANDMEMBER with a dict containing long chain", SEGMENTED, left_out=True),
    Known("unit/type/stream-cgroups", "Consumer group last ID propagation to slave", NO_REPLICATION),
    Known("unit/type/stream-cgroups", "Replication tests of XCLAIM with deleted entries", NO_REPLICATION),
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
