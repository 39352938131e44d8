"""DEBUG: knobs and looks inside for tests and for those who work on the server; enable-debug-command lets it in.

Each subcommand is a function of its arguments in `HANDLERS`, with the number of arguments it takes. Not here, because
they have no meaning for this server: LEAK, RESTART and CRASH-AND-RECOVER (a supervisor's task), jemalloc's controls.
"""

import signal
import time
from collections.abc import Callable
from typing import Final

from hognose.commands.arguments import I64_MAX, integer, integer_between
from hognose.commands.context import Context
from hognose.commands.digest import as_hex, dataset_digest, key_digest
from hognose.commands.dump import payload_of
from hognose.commands.flags import ADMIN, LOADING, NOSCRIPT, PROTECTED, STALE, SYSCMD
from hognose.commands.help import help_reply
from hognose.commands.host import PEAK_RESET_MS, WARNING
from hognose.commands.inspection import encoding_of, inspected
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.config.kinds import parse_memory
from hognose.config.rewrite import rewrite
from hognose.datastructures.hashtable import HashTable
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.listnode import PLAIN_ELEMENT_BYTES
from hognose.datastructures.numbers import parse_double
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.value import Value
from hognose.errors import LOADING as LOADING_ERROR
from hognose.errors import NO_SUCH_KEY, VALUE_MUST_BE_POSITIVE, CommandError, printable
from hognose.keyspace.access import CLOCK_EPOCH_SECONDS, access_second
from hognose.keyspace.memory import value_size
from hognose.persistence.dump_payload import FOOTER_BYTES, TYPE_BYTES
from hognose.persistence.rdb_format import RdbError
from hognose.resp.reply import CRLF, NO_REPLY, OK, BigNumber, Encoded, MapReply, SetReply, Simple, Verbatim

command = CommandGroup("server")

BAD_TYPE_NAME: Final = (
    "ERR Wrong protocol type name. Please use one of the following: "
    "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
)
NOT_A_TABLE: Final = "ERR The value stored at the specified key is not represented using an hash table"
OUT_OF_RANGE_DATABASE: Final = "ERR Out of range database"
NO_RESP2: Final = "ERR RESP2 is not supported by this command"
LARGEST_THRESHOLD: Final = 1 << 32
MANY: Final = 1 << 20


class Subcommand:
    """A subcommand of DEBUG.

    Attributes:
        least, most: How many arguments it takes behind its name.
        run: What it does.
    """

    def __init__(self, least: int, most: int, run: Callable[[Context, Argv], Reply], syntax: str, about: str) -> None:
        self.least: Final = least
        self.most: Final = most
        self.run: Final = run
        self.syntax: Final = syntax
        self.about: Final = about


@command(
    "DEBUG",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED | SYSCMD,
    since="1.0.0",
    summary="Looks inside the server, for tests.",
    complexity="Depends on subcommand.",
    syntax="subcommand [arg [arg ...]]",
)
def debug(ctx: Context, argv: Argv) -> Reply:
    ctx.host.require_permitted(ctx)
    subcommand = HANDLERS.get(argv[1].upper())
    if subcommand is None or not subcommand.least <= len(argv) - 2 <= subcommand.most:
        raise unknown_subcommand(argv)
    return subcommand.run(ctx, argv)


def unknown_subcommand(argv: Argv) -> CommandError:
    """The error for a subcommand that is not there, or not with these arguments."""
    text = f"unknown subcommand or wrong number of arguments for '{printable(argv[1][:128])}'. Try DEBUG HELP."
    return CommandError("ERR " + text)


def leading_integer(text: bytes) -> int:
    """The integer a text begins with, 0 if it begins with none, as C's atoi reads it."""
    digits = text.lstrip()
    sign = -1 if digits[:1] == b"-" else 1
    digits = digits[1:] if digits[:1] in (b"-", b"+") else digits
    length = 0
    while length < len(digits) and digits[length : length + 1].isdigit():
        length += 1
    return sign * int(digits[:length] or b"0")


# The end

SIGNALS: Final[dict[bytes, tuple[str, int]]] = {
    b"ASSERT": ("ASSERTION FAILED: DEBUG ASSERT was called", signal.SIGABRT),
    b"OOM": ("Out of memory: DEBUG OOM was called", signal.SIGABRT),
    b"PANIC": ("PANIC: DEBUG PANIC was called", signal.SIGABRT),
    b"SEGFAULT": ("DEBUG SEGFAULT was called", signal.SIGSEGV),
}


def crash(ctx: Context, argv: Argv) -> Reply:
    cause, number = SIGNALS[argv[1].upper()]
    ctx.host.crash(cause, number)
    return NO_REPLY


# Time and cycles


def sleep(ctx: Context, argv: Argv) -> Reply:
    try:
        seconds = parse_double(argv[2])
    except ValueError:
        seconds = 0.0
    if seconds > 0:
        time.sleep(seconds)
    return OK


def set_active_expire(ctx: Context, argv: Argv) -> Reply:
    ctx.host.set_active_expire(leading_integer(argv[2]) != 0)
    return OK


def pause_cron(ctx: Context, argv: Argv) -> Reply:
    ctx.host.set_cron_paused(leading_integer(argv[2]) != 0)
    return OK


def log(ctx: Context, argv: Argv) -> Reply:
    ctx.host.log(WARNING, f"DEBUG LOG: {argv[2].decode('utf-8', 'surrogateescape')}")
    return OK


def change_replication_id(ctx: Context, argv: Argv) -> Reply:
    ctx.host.change_replication_id()
    return OK


def config_rewrite_force_all(ctx: Context, argv: Argv) -> Reply:
    rewrite(ctx.host.config, ctx.host.user_lines(), forces_all=True)
    return OK


def set_disable_deny_scripts(ctx: Context, argv: Argv) -> Reply:
    ctx.host.allows_denied_in_scripts = leading_integer(argv[2]) != 0
    return OK


def quicklist_packed_threshold(ctx: Context, argv: Argv) -> Reply:
    size = parse_memory(argv[2])
    if size is None or not 0 <= size <= LARGEST_THRESHOLD:
        raise CommandError("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
    ctx.host.list_limits.plain_bytes = size or PLAIN_ELEMENT_BYTES
    return OK


# Data


def populate(ctx: Context, argv: Argv) -> Reply:
    count = integer_between(argv[2], 0, I64_MAX, VALUE_MUST_BE_POSITIVE)
    prefix = argv[3] if len(argv) > 3 else b"key"
    size = integer_between(argv[4], 0, I64_MAX, VALUE_MUST_BE_POSITIVE) if len(argv) > 4 else 0
    db = ctx.db
    for number in range(count):
        key = b"%b:%d" % (prefix, number)
        if db.lookup_write(key) is not None:
            continue
        value = b"value:%d" % number
        if size:
            value = value[:size].ljust(size, b"\0")
        db.set(key, value)
        db.signal(key)
    return OK


def digest(ctx: Context, argv: Argv) -> Reply:
    return Simple(as_hex(dataset_digest(ctx.keyspace.databases)))


def digest_value(ctx: Context, argv: Argv) -> Reply:
    return [Simple(as_hex(key_digest(ctx.db, key))) for key in argv[2:]]


def present_value(ctx: Context, key: bytes) -> object:
    """The value of a key, expired or not."""
    table = ctx.db.table
    place = table.find(key)
    if place < 0:
        raise CommandError(NO_SUCH_KEY)
    return ctx.keyspace.value_at(table.found, place)


def debug_object(ctx: Context, argv: Argv) -> Reply:
    value = present_value(ctx, argv[2])
    clock = int(ctx.db.access_clock(argv[2]))
    lfu = ctx.keyspace.lfu
    idle = 0 if lfu else max(0, int(access_second(ctx.host.clock.now_ms)) - clock)
    shown_clock = (clock if lfu else clock + CLOCK_EPOCH_SECONDS) & 0xFFFFFF
    serialized = len(payload_of(ctx, value)) - TYPE_BYTES - FOOTER_BYTES
    text = (
        f"Value at:0x{id(value):x} refcount:1 encoding:{encoding_of(value).decode()} "
        f"serializedlength:{serialized} lru:{shown_clock} lru_seconds_idle:{idle}"
    )
    if isinstance(value, ListValue) and value.encoding() == b"quicklist":
        nodes = len(value.nodes())
        mean = value.length() / nodes
        limit = ctx.host.settings.list_max_listpack_size
        text += f" ql_nodes:{nodes} ql_avg_node:{mean:.2f} ql_listpack_max:{limit} ql_compressed:0"
        text += f" ql_uncompressed_size:{value_size(value)}"
    return Simple(text.encode())


def listpack(ctx: Context, argv: Argv) -> Reply:
    value = inspected(ctx, argv[2])
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    if not isinstance(value, Value) or value.encoding() != b"listpack":
        raise CommandError("ERR Not a listpack encoded object.")
    ctx.host.log(WARNING, f"listpack of {value.length()} elements, {value.memory_bytes()} bytes")
    return Simple(b"Listpack structure printed to the log")


def table_report(table: HashTable) -> str:
    """A hash table in figures."""
    if table.count == 0:
        return "Hash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n"
    segments = table.segments
    places = sum(int(segment.capacity) for segment in segments)
    fullest = max(int(segment.live) for segment in segments)
    return (
        "Hash table 0 stats (main hash table):\n"
        f" table size: {places}\n number of elements: {table.count}\n segments: {len(segments)}\n"
        f" elements per segment: {table.count / len(segments):.2f}\n fullest segment: {fullest}\n"
    )


def htstats(ctx: Context, argv: Argv) -> Reply:
    index = integer(argv[2])
    databases = ctx.keyspace.databases
    if not 0 <= index < len(databases):
        raise CommandError(OUT_OF_RANGE_DATABASE)
    table = databases[index].table
    text = f"[Dictionary HT]\n{table_report(table)}[Expires HT]\n number of elements: {table.expires}\n"
    return Verbatim(text.encode())


def htstats_key(ctx: Context, argv: Argv) -> Reply:
    value = present_value(ctx, argv[2])
    table = value.table() if isinstance(value, (HashValue, SetValue)) else None
    if table is None:
        raise CommandError(NOT_A_TABLE)
    return Verbatim(table_report(table).encode())


def reload(ctx: Context, argv: Argv) -> Reply:
    words = {word.upper() for word in argv[2:]}
    if not words <= {b"NOSAVE", b"NOFLUSH", b"MERGE"}:
        raise CommandError("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    if ctx.host.is_loading():
        raise CommandError(LOADING_ERROR)
    snapshots = ctx.host.snapshots
    snapshots.stop_child()
    if b"NOSAVE" not in words and not snapshots.save():
        raise CommandError("ERR")
    if b"NOFLUSH" not in words:
        ctx.keyspace.listener.database_emptied(-1)
        ctx.keyspace.clear()
        ctx.keyspace.libraries.clear()
    problem = "there is no dump"
    try:
        if snapshots.load(replaces=b"MERGE" in words):
            problem = ""
    except (RdbError, OSError) as error:
        problem = str(error)
    if problem:
        ctx.host.log(WARNING, f"DEBUG RELOAD: {problem}")
        raise CommandError("ERR Error trying to load the RDB dump, check server logs.")
    ctx.host.log(WARNING, "DB reloaded by DEBUG RELOAD")
    return OK


def aof_flush_sleep(ctx: Context, argv: Argv) -> Reply:
    ctx.host.delay_append_only(min(leading_integer(argv[2]), LARGEST_THRESHOLD))
    return OK


def loadaof(ctx: Context, argv: Argv) -> Reply:
    if not ctx.host.load_append_only():
        raise CommandError("ERR Error trying to load the AOF files, check server logs.")
    return OK


def set_skip_checksum_validation(ctx: Context, argv: Argv) -> Reply:
    ctx.host.snapshots.skips_checksums = leading_integer(argv[2]) != 0
    return OK


def replybuffer(ctx: Context, argv: Argv) -> Reply:
    what, value = argv[2].lower(), argv[3].lower()
    host = ctx.host
    if what == b"peak-reset-time":
        host.peak_reset_ms = peak_reset_ms(value)
    elif what == b"resizing":
        host.resizes_buffers = leading_integer(value) != 0
    else:
        raise unknown_subcommand(argv)
    return OK


def peak_reset_ms(value: bytes) -> int:
    """How long the largest output counts: 0 stands for ever."""
    if value == b"never":
        return 0
    return PEAK_RESET_MS if value == b"reset" else integer(value)


# Replies


def protocol(ctx: Context, argv: Argv) -> Reply:
    kind = argv[2].lower()
    if kind == b"attrib":
        if ctx.resp == 3:
            ctx.out.write(b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n")
        return b"Some real reply following the attribute"
    if kind == b"push":
        if ctx.resp == 2:
            raise CommandError(NO_RESP2)
        ctx.out.write(b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n")
        return b"Some real reply following the push reply"
    if kind not in SAMPLES:
        raise CommandError(BAD_TYPE_NAME)
    return SAMPLES[kind]


SAMPLES: Final[dict[bytes, object]] = {
    b"string": b"Hello World",
    b"integer": 12345,
    b"double": 3.141,
    b"bignum": BigNumber(b"1234567999999999999999999999999999999"),
    b"null": None,
    b"array": [0, 1, 2],
    b"set": SetReply([0, 1, 2]),
    b"map": MapReply([0, False, 1, True, 2, False]),
    b"verbatim": Verbatim(b"This is a verbatim\nstring"),
    b"true": True,
    b"false": False,
}


def error(ctx: Context, argv: Argv) -> Reply:
    line = argv[2].replace(b"\r", b" ").replace(b"\n", b" ")
    return Encoded(b"-" + line + CRLF)


def debug_help(ctx: Context, argv: Argv) -> Reply:
    lines = [(name.syntax, name.about) for name in HANDLERS.values() if name.syntax != "HELP"]
    return help_reply("DEBUG", lines)


HANDLERS: Final[dict[bytes, Subcommand]] = {
    b"AOF-FLUSH-SLEEP": Subcommand(
        1, 1, aof_flush_sleep, "AOF-FLUSH-SLEEP <microseconds>", "Wait before each write to the append-only file."
    ),
    b"ASSERT": Subcommand(0, 0, crash, "ASSERT", "End the process as a failed assertion does."),
    b"CHANGE-REPL-ID": Subcommand(0, 0, change_replication_id, "CHANGE-REPL-ID", "Take a new replication id."),
    b"CONFIG-REWRITE-FORCE-ALL": Subcommand(
        0, 0, config_rewrite_force_all, "CONFIG-REWRITE-FORCE-ALL", "Write all directives, those at their default too."
    ),
    b"DIGEST": Subcommand(0, 0, digest, "DIGEST", "Return a digest of all data."),
    b"DIGEST-VALUE": Subcommand(
        0, MANY, digest_value, "DIGEST-VALUE <key> [<key> ...]", "Return a digest of each key's value."
    ),
    b"ERROR": Subcommand(1, 1, error, "ERROR <string>", "Return this error."),
    b"HELP": Subcommand(0, 0, debug_help, "HELP", ""),
    b"HTSTATS": Subcommand(1, 2, htstats, "HTSTATS <dbid> [FULL]", "Return figures about a database's table."),
    b"HTSTATS-KEY": Subcommand(1, 2, htstats_key, "HTSTATS-KEY <key> [FULL]", "The same for a hash or set."),
    b"LISTPACK": Subcommand(1, 1, listpack, "LISTPACK <key>", "Log figures about a listpack."),
    b"LOADAOF": Subcommand(0, 0, loadaof, "LOADAOF", "Empty the databases and load the append-only file again."),
    b"LOG": Subcommand(1, 1, log, "LOG <message>", "Write a line to the log."),
    b"OBJECT": Subcommand(1, 1, debug_object, "OBJECT <key>", "Return how a key's value is kept."),
    b"OOM": Subcommand(0, 0, crash, "OOM", "End the process as a lack of memory does."),
    b"PANIC": Subcommand(0, 0, crash, "PANIC", "End the process as an error without remedy does."),
    b"PAUSE-CRON": Subcommand(1, 1, pause_cron, "PAUSE-CRON <0|1>", "Stop the regular work, or go on with it."),
    b"POPULATE": Subcommand(
        1, 3, populate, "POPULATE <count> [<prefix>] [<size>]", "Add string keys; replicas do not get them."
    ),
    b"PROTOCOL": Subcommand(1, 1, protocol, "PROTOCOL <type>", "Return a sample of a reply type."),
    b"QUICKLIST-PACKED-THRESHOLD": Subcommand(
        1, 1, quicklist_packed_threshold, "QUICKLIST-PACKED-THRESHOLD <size>", "Elements this large get their own node."
    ),
    b"RELOAD": Subcommand(
        0, 3, reload, "RELOAD [MERGE] [NOFLUSH] [NOSAVE]", "Save the dataset, empty the databases and load it again."
    ),
    b"REPLYBUFFER": Subcommand(
        2,
        2,
        replybuffer,
        "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|<milliseconds>> | RESIZING <0|1>",
        "Set when clients' buffers for replies shrink.",
    ),
    b"SEGFAULT": Subcommand(0, 0, crash, "SEGFAULT", "End the process by an invalid access to memory."),
    b"SET-ACTIVE-EXPIRE": Subcommand(
        1,
        1,
        set_active_expire,
        "SET-ACTIVE-EXPIRE <0|1>",
        "Let expired keys be removed only when asked for, or always.",
    ),
    b"SET-DISABLE-DENY-SCRIPTS": Subcommand(
        1, 1, set_disable_deny_scripts, "SET-DISABLE-DENY-SCRIPTS <0|1>", "Let scripts run any command."
    ),
    b"SET-SKIP-CHECKSUM-VALIDATION": Subcommand(
        1,
        1,
        set_skip_checksum_validation,
        "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
        "Take dumps whose checksums are wrong, or refuse them.",
    ),
    b"SLEEP": Subcommand(1, 1, sleep, "SLEEP <seconds>", "Do nothing for a while."),
}
