"""Deadlines of keys: the EXPIRE family, the TTL family, PERSIST.

Whatever unit and base a client uses, a deadline is kept and propagated in Unix ms, so that it means the same moment on
every replica and after a restart: EXPIRE goes out as PEXPIREAT, and an EXPIRE into the past as DEL.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import I64_MAX, I64_MIN, integer
from hognose.commands.context import Context
from hognose.commands.flags import FAST, READONLY, RO_ACCESS, RW_UPDATE, WRITE
from hognose.commands.keyspec import keys
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError, invalid_expire_time, printable
from hognose.keyspace.events import GENERIC

command = CommandGroup("generic")

NX: Final = 1
XX: Final = 2
GT: Final = 4
LT: Final = 8
CONDITIONS: Final[dict[bytes, int]] = {b"NX": NX, b"XX": XX, b"GT": GT, b"LT": LT}

NX_CONFLICT: Final = "ERR NX and XX, GT or LT options at the same time are not compatible"
GT_LT_CONFLICT: Final = "ERR GT and LT options at the same time are not compatible"

NO_KEY: Final = -2
NO_DEADLINE: Final = -1


def parse_conditions(argv: Argv) -> i64:
    """The options of an EXPIRE as bits.

    Raises:
        CommandError: An unknown option, or two that exclude each other.
    """
    conditions: i64 = 0
    for i in range(3, len(argv)):
        condition = CONDITIONS.get(argv[i].upper())
        if condition is None:
            option = printable(argv[i].rstrip(b"\r\n"))  # line ends at the end of an error are dropped
            raise CommandError(f"ERR Unsupported option {option}")
        conditions |= condition
    if conditions & NX and conditions != NX:
        raise CommandError(NX_CONFLICT)
    if conditions & GT and conditions & LT:
        raise CommandError(GT_LT_CONFLICT)
    return conditions


def condition_holds(conditions: i64, current: i64, deadline: i64) -> bool:
    """Whether a deadline may replace the current one (0: none, which counts as infinitely late)."""
    if current <= 0:
        return conditions & (XX | GT) == 0
    if conditions & NX:
        return False
    if conditions & GT and deadline <= current:
        return False
    return not (conditions & LT and deadline >= current)


def deadline_of(ctx: Context, argument: bytes, in_seconds: bool, relative: bool) -> int:
    """The deadline in Unix ms that an argument means; it may lie in the past.

    Raises:
        CommandError: It is no integer, or no 64-bit number of ms.
    """
    amount = integer(argument)
    if in_seconds:
        amount *= 1000
        if amount > I64_MAX or amount < I64_MIN:
            raise invalid_expire_time(ctx.command_name())
    if relative:
        now: int = ctx.now_ms()  # not i64, in which the sum would wrap
        amount += now
        if amount > I64_MAX:
            raise invalid_expire_time(ctx.command_name())
    return amount


def expire_key(ctx: Context, argv: Argv, in_seconds: bool, relative: bool) -> Reply:
    """EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT."""
    conditions = parse_conditions(argv)
    deadline = deadline_of(ctx, argv[2], in_seconds, relative)
    db = ctx.db
    key = argv[1]
    if db.lookup_write(key) is None:
        return 0
    if conditions != 0 and not condition_holds(conditions, db.deadline(key), deadline):
        return 0
    if deadline <= ctx.now_ms() and ctx.keyspace.may_expire:
        db.remove(key)
        ctx.propagate_as([b"UNLINK" if ctx.host.settings.lazyfree_lazy_expire else b"DEL", key])
        db.changed(GENERIC, b"del", key)
        return 1
    db.set_deadline(key, max(deadline, 1))
    if in_seconds or relative:
        ctx.propagate_as([b"PEXPIREAT", key, str(deadline).encode(), *argv[3:]])
    db.changed(GENERIC, b"expire", key)
    return 1


@command(
    "EXPIRE",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="1.0.0",
    summary="Lets a key expire after some seconds.",
    syntax="key seconds [NX | XX | GT | LT]",
    history=[("7.0.0", "Added the conditions `NX`, `XX`, `GT` and `LT`.")],
)
def expire(ctx: Context, argv: Argv) -> Reply:
    return expire_key(ctx, argv, in_seconds=True, relative=True)


@command(
    "PEXPIRE",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="2.6.0",
    summary="Lets a key expire after some milliseconds.",
    syntax="key milliseconds [NX | XX | GT | LT]",
    history=[("7.0.0", "Added the conditions `NX`, `XX`, `GT` and `LT`.")],
)
def pexpire(ctx: Context, argv: Argv) -> Reply:
    return expire_key(ctx, argv, in_seconds=False, relative=True)


@command(
    "EXPIREAT",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="1.2.0",
    summary="Lets a key expire at a Unix time in seconds.",
    syntax="key unix-time-seconds [NX | XX | GT | LT]",
    history=[("7.0.0", "Added the conditions `NX`, `XX`, `GT` and `LT`.")],
)
def expireat(ctx: Context, argv: Argv) -> Reply:
    return expire_key(ctx, argv, in_seconds=True, relative=False)


@command(
    "PEXPIREAT",
    arity=-3,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="2.6.0",
    summary="Lets a key expire at a Unix time in milliseconds.",
    syntax="key unix-time-milliseconds [NX | XX | GT | LT]",
    history=[("7.0.0", "Added the conditions `NX`, `XX`, `GT` and `LT`.")],
)
def pexpireat(ctx: Context, argv: Argv) -> Reply:
    return expire_key(ctx, argv, in_seconds=False, relative=False)


def rounded_seconds(milliseconds: i64) -> i64:
    """Milliseconds in whole seconds, half up."""
    return milliseconds // 1000 + (1 if milliseconds % 1000 >= 500 else 0)


def live_deadline(ctx: Context, key: bytes) -> i64:
    """The deadline of a key in Unix ms, or NO_KEY or NO_DEADLINE. Counts as a read but is no use of the key."""
    db = ctx.db
    if db.lookup_untouched(key) is None:
        return NO_KEY
    deadline = db.deadline(key)
    return deadline if deadline > 0 else NO_DEADLINE


def remaining(ctx: Context, key: bytes) -> i64:
    """The time to live of a key in ms, or NO_KEY or NO_DEADLINE."""
    deadline = live_deadline(ctx, key)
    if deadline < 0:
        return deadline
    left = deadline - ctx.now_ms()
    return max(0, left)


@command(
    "TTL",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="1.0.0",
    summary="Tells in how many seconds a key expires: -1 for never, -2 for no such key.",
    syntax="key",
    tips=[b"nondeterministic_output"],
    history=[("2.8.0", "Added the -2 reply.")],
)
def ttl(ctx: Context, argv: Argv) -> Reply:
    left = remaining(ctx, argv[1])
    return rounded_seconds(left) if left >= 0 else left


@command(
    "PTTL",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="2.6.0",
    summary="Tells in how many milliseconds a key expires: -1 for never, -2 for no such key.",
    syntax="key",
    tips=[b"nondeterministic_output"],
    history=[("2.8.0", "Added the -2 reply.")],
)
def pttl(ctx: Context, argv: Argv) -> Reply:
    return remaining(ctx, argv[1])


@command(
    "EXPIRETIME",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="7.0.0",
    summary="Tells the Unix time in seconds at which a key expires: -1 for never, -2 for no such key.",
    syntax="key",
)
def expiretime(ctx: Context, argv: Argv) -> Reply:
    deadline = live_deadline(ctx, argv[1])
    return rounded_seconds(deadline) if deadline >= 0 else deadline


@command(
    "PEXPIRETIME",
    arity=2,
    flags=READONLY | FAST,
    keys=[keys(1, RO_ACCESS)],
    since="7.0.0",
    summary="Tells the Unix time in milliseconds at which a key expires: -1 for never, -2 for no such key.",
    syntax="key",
)
def pexpiretime(ctx: Context, argv: Argv) -> Reply:
    return live_deadline(ctx, argv[1])


@command(
    "PERSIST",
    arity=2,
    flags=WRITE | FAST,
    keys=[keys(1, RW_UPDATE)],
    since="2.2.0",
    summary="Takes the expiration of a key away.",
    syntax="key",
)
def persist(ctx: Context, argv: Argv) -> Reply:
    db = ctx.db
    key = argv[1]
    if db.lookup_write(key) is None or db.deadline(key) <= 0:
        return 0
    db.set_deadline(key, 0)
    db.changed(GENERIC, b"persist", key)
    return 1
