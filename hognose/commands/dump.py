"""DUMP and RESTORE: one value as bytes, to be carried to another server.

Payloads are checked to the last byte whatever sanitize-dump-payload says: what comes in as a blob is kept as that blob,
so a damaged one must not get in. See `persistence.dump_payload` for their form.
"""

from typing import Final

from hognose.commands.arguments import I64_MAX, integer, syntax_error
from hognose.commands.context import Context
from hognose.commands.flags import ASKING, DANGEROUS, DENYOOM, KEYSPACE, OW_UPDATE, READONLY, RO_ACCESS, SYSCMD, WRITE
from hognose.commands.host import WARNING
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError
from hognose.keyspace.access import idle_clock, lfu_minute, lfu_pack
from hognose.keyspace.events import GENERIC
from hognose.persistence.dump_payload import dump_value, is_intact, restore_value
from hognose.persistence.lzf import Compressor
from hognose.persistence.rdb_format import RdbError
from hognose.resp.reply import OK

command = CommandGroup("generic")
server_command = CommandGroup("server")

BUSY_KEY: Final = "BUSYKEY Target key name already exists."
BAD_PAYLOAD: Final = "ERR DUMP payload version or checksum are wrong"
BAD_DATA: Final = "ERR Bad data format"
BAD_TTL: Final = "ERR Invalid TTL value, must be >= 0"
BAD_IDLETIME: Final = "ERR Invalid IDLETIME value, must be >= 0"
BAD_FREQ: Final = "ERR Invalid FREQ value, must be >= 0 and <= 255"
UNSET: Final = -1

_COMPRESSOR: Final = Compressor()  # its table is large; whatever stands in it, results are right

RESTORE_SYNTAX: Final = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency:integer]"
RESTORE_COMPLEXITY: Final = "O(N) for N bytes of payload, O(N*log(N)) for sorted sets beyond a listpack."
RESTORE_HISTORY: Final[list[tuple[str, str]]] = [
    ("3.0.0", "REPLACE."),
    ("5.0.0", "ABSTTL."),
    ("5.0.0", "IDLETIME and FREQ."),
]


@command(
    "DUMP",
    arity=2,
    flags=READONLY,
    keys=[keys(1, RO_ACCESS)],
    since="2.6.0",
    summary="Returns the value of a key as bytes that RESTORE takes, here or on another server.",
    complexity="O(N) for N bytes of value.",
    syntax="key",
    tips=[b"nondeterministic_output"],
)
def dump(ctx: Context, argv: Argv) -> Reply:
    value = ctx.db.lookup_read(argv[1])
    return None if value is None else payload_of(ctx, value)


def payload_of(ctx: Context, value: object) -> bytes:
    """A value as DUMP gives it, in the version and with the compression that are set. O(N)."""
    settings = ctx.host.settings
    return dump_value(value, settings.rdb_version, _COMPRESSOR if settings.rdbcompression else None)


class RestoreOptions:
    """The options of RESTORE.

    Attributes:
        idle_seconds, frequency: UNSET if not given.
    """

    def __init__(self) -> None:
        self.replace = False
        self.is_absolute = False
        self.idle_seconds: int = UNSET
        self.frequency: int = UNSET


def parse_restore_options(argv: Argv) -> RestoreOptions:
    """Reads the options; IDLETIME and FREQ exclude each other."""
    options = RestoreOptions()
    count = len(argv)
    i = 4
    while i < count:
        word = argv[i].upper()
        if word == b"REPLACE":
            options.replace = True
        elif word == b"ABSTTL":
            options.is_absolute = True
        elif word == b"IDLETIME" and i + 1 < count and options.frequency == UNSET:
            i += 1
            options.idle_seconds = integer(argv[i])
            if options.idle_seconds < 0:
                raise CommandError(BAD_IDLETIME)
        elif word == b"FREQ" and i + 1 < count and options.idle_seconds == UNSET:
            i += 1
            options.frequency = integer(argv[i])
            if not 0 <= options.frequency <= 255:
                raise CommandError(BAD_FREQ)
        else:
            raise syntax_error()
        i += 1
    return options


def restored(ctx: Context, payload: bytes) -> object:
    """The value of a payload, or the error."""
    if not is_intact(payload, ctx.host.snapshots.skips_checksums):
        raise CommandError(BAD_PAYLOAD)
    try:
        return restore_value(payload, ctx.host.value_limits)
    except RdbError as error:
        ctx.host.log(WARNING, f"RESTORE: bad payload: {error}")
        raise CommandError(BAD_DATA) from None


def set_usage(ctx: Context, key: bytes, options: RestoreOptions) -> None:
    """Gives a key the idle time or the frequency it had, if the eviction policy keeps such a thing."""
    keyspace = ctx.keyspace
    now_ms = ctx.host.clock.now_ms
    if keyspace.lfu:
        if options.frequency != UNSET:
            ctx.db.set_access_clock(key, lfu_pack(lfu_minute(now_ms), options.frequency))
    elif options.idle_seconds != UNSET:
        ctx.db.set_access_clock(key, idle_clock(now_ms, options.idle_seconds))


def restore_key(ctx: Context, argv: Argv) -> Reply:
    """RESTORE: everything is checked before the old value goes."""
    options = parse_restore_options(argv)
    key = argv[1]
    db = ctx.db
    if not options.replace and db.lookup_write(key) is not None:
        raise CommandError(BUSY_KEY)
    deadline = integer(argv[2])
    if deadline < 0:
        raise CommandError(BAD_TTL)
    value = restored(ctx, argv[3])
    was_deleted = options.replace and db.delete(key) is not None
    if deadline != 0 and not options.is_absolute:
        deadline = min(deadline + int(ctx.now_ms()), I64_MAX)
    if deadline != 0 and deadline <= ctx.now_ms() and ctx.keyspace.may_expire:
        if was_deleted:
            ctx.propagate_as([b"UNLINK" if ctx.host.settings.lazyfree_lazy_server_del else b"DEL", key])
            db.changed(GENERIC, b"del", key)
        return OK
    db.set(key, value)
    if deadline != 0:
        db.set_deadline(key, deadline)
        if not options.is_absolute:
            ctx.propagate_as([argv[0], key, b"%d" % deadline, *argv[3:], b"ABSTTL"])
    set_usage(ctx, key, options)
    db.changed(GENERIC, b"restore", key)
    return OK


@command(
    "RESTORE",
    arity=-4,
    flags=WRITE | DENYOOM | DANGEROUS,
    keys=[keys(1, OW_UPDATE)],
    since="2.6.0",
    summary="Gives a key the value that DUMP returned for another.",
    complexity=RESTORE_COMPLEXITY,
    syntax=RESTORE_SYNTAX,
    history=RESTORE_HISTORY,
)
def restore(ctx: Context, argv: Argv) -> Reply:
    return restore_key(ctx, argv)


@server_command(
    "RESTORE-ASKING",
    arity=-4,
    flags=WRITE | DENYOOM | ASKING | KEYSPACE | DANGEROUS | SYSCMD,
    keys=[keys(1, OW_UPDATE)],
    since="3.0.0",
    summary="RESTORE as nodes of a cluster send it when keys move.",
    complexity=RESTORE_COMPLEXITY,
    syntax=RESTORE_SYNTAX,
    history=RESTORE_HISTORY,
)
def restore_asking(ctx: Context, argv: Argv) -> Reply:
    return restore_key(ctx, argv)
