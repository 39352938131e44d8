"""The commands that run scripts and functions, and those that manage the cache of scripts."""

from typing import Final

from hognose.commands.context import Context
from hognose.commands.flags import (
    ACCESS,
    ALLOW_BUSY,
    LOADING,
    MAY_REPLICATE,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    RO_ACCESS,
    RW,
    SKIP_MONITOR,
    STALE,
    UPDATE,
)
from hognose.commands.help import help_reply
from hognose.commands.keyspec import KeySpec, keynum
from hognose.commands.spec import CommandGroup
from hognose.errors import CommandError
from hognose.resp.reply import OK, Argv, Reply

command = CommandGroup("scripting")

RUNS: Final = NOSCRIPT | SKIP_MONITOR | MAY_REPLICATE | NO_MANDATORY_KEYS | STALE
RUNS_READING: Final = NOSCRIPT | SKIP_MONITOR | NO_MANDATORY_KEYS | STALE | READONLY
DEPENDS_ON_SCRIPT: Final = "Depends on the script that is executed."
DEPENDS_ON_FUNCTION: Final = "Depends on the function that is executed."
UNKNOWN_USE: Final = b"We cannot tell how the keys will be used so we assume the worst, "
DIGEST_SIZE: Final = 40
NO_DEBUGGER: Final = "ERR The Lua debugger is not available"


def any_use(notes: bytes = b"") -> KeySpec:
    """Keys behind their number, of which the script may do anything with."""
    spec = keynum(2, RW | ACCESS | UPDATE)
    spec.notes = notes
    return spec


def any_reading(notes: bytes = b"") -> KeySpec:
    """Keys behind their number that the script only reads."""
    spec = keynum(2, RO_ACCESS)
    spec.notes = notes
    return spec


@command(
    "EVAL",
    arity=-3,
    flags=RUNS,
    keys=[any_use(UNKNOWN_USE + b"RW and UPDATE")],
    since="2.6.0",
    summary="Runs a Lua script in the server.",
    complexity=DEPENDS_ON_SCRIPT,
    syntax="script numkeys [key ...] [arg ...]",
)
def run_text(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().run_text(ctx, argv, read_only=False)


@command(
    "EVAL_RO",
    arity=-3,
    flags=RUNS_READING,
    keys=[any_reading(UNKNOWN_USE + b"RO and ACCESS")],
    since="7.0.0",
    summary="Runs a Lua script that may not write.",
    complexity=DEPENDS_ON_SCRIPT,
    syntax="script numkeys [key ...] [arg ...]",
)
def run_text_reading(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().run_text(ctx, argv, read_only=True)


@command(
    "EVALSHA",
    arity=-3,
    flags=RUNS,
    keys=[any_use()],
    since="2.6.0",
    summary="Runs a cached Lua script, given its SHA-1 digest.",
    complexity=DEPENDS_ON_SCRIPT,
    syntax="sha1 numkeys [key ...] [arg ...]",
)
def run_digest(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().run_digest(ctx, argv, read_only=False)


@command(
    "EVALSHA_RO",
    arity=-3,
    flags=RUNS_READING,
    keys=[any_reading()],
    since="7.0.0",
    summary="Runs a cached Lua script that may not write, given its SHA-1 digest.",
    complexity=DEPENDS_ON_SCRIPT,
    syntax="sha1 numkeys [key ...] [arg ...]",
)
def run_digest_reading(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().run_digest(ctx, argv, read_only=True)


@command(
    "FCALL",
    arity=-3,
    flags=RUNS,
    keys=[any_use(UNKNOWN_USE + b"RW and UPDATE")],
    since="7.0.0",
    summary="Calls a function of a library.",
    complexity=DEPENDS_ON_FUNCTION,
    syntax="function numkeys [key ...] [arg ...]",
)
def call_function(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().run_function(ctx, argv, read_only=False)


@command(
    "FCALL_RO",
    arity=-3,
    flags=RUNS_READING,
    keys=[any_reading(UNKNOWN_USE + b"RO and ACCESS")],
    since="7.0.0",
    summary="Calls a function of a library that may not write.",
    complexity=DEPENDS_ON_FUNCTION,
    syntax="function numkeys [key ...] [arg ...]",
)
def call_function_reading(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().run_function(ctx, argv, read_only=True)


# SCRIPT

command.container("SCRIPT", since="2.6.0", summary="The commands for cached Lua scripts.")


@command(
    "SCRIPT|LOAD",
    arity=3,
    flags=NOSCRIPT | STALE,
    since="2.6.0",
    summary="Puts a Lua script into the cache without running it.",
    complexity="O(N) with N being the length in bytes of the script body.",
    syntax="script",
    tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"],
)
def script_load(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().load(argv[2])


@command(
    "SCRIPT|EXISTS",
    arity=-3,
    flags=NOSCRIPT,
    since="2.6.0",
    summary="Tells which scripts are cached, given their SHA-1 digests.",
    complexity=("O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation)."),
    syntax="sha1 [sha1 ...]",
    tips=[b"request_policy:all_shards", b"response_policy:agg_logical_and"],
)
def script_exists(ctx: Context, argv: Argv) -> Reply:
    scripts = ctx.host.scripts()
    return [int(scripts.exists(digest)) for digest in argv[2:]]


@command(
    "SCRIPT|FLUSH",
    arity=-2,
    flags=NOSCRIPT,
    since="2.6.0",
    summary="Empties the cache of scripts.",
    complexity="O(N) with N being the number of scripts in cache",
    syntax="[ASYNC | SYNC]",
    tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"],
    history=[("6.2.0", "ASYNC and SYNC.")],
)
def script_flush(ctx: Context, argv: Argv) -> Reply:
    """Both modes free at once: a script is gone as soon as nothing refers to it."""
    if len(argv) > 3 or (len(argv) == 3 and argv[2].upper() not in {b"ASYNC", b"SYNC"}):
        raise CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    ctx.host.scripts().forget_all()
    return OK


@command(
    "SCRIPT|KILL",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    since="2.6.0",
    summary="Ends the script that is running, if it has not written anything.",
    tips=[b"request_policy:all_shards", b"response_policy:one_succeeded"],
)
def script_kill(ctx: Context, argv: Argv) -> Reply:
    ctx.host.scripts().kill(function=False)
    return OK


@command(
    "SCRIPT|DEBUG",
    arity=3,
    flags=NOSCRIPT,
    since="3.2.0",
    summary="Turns the debugger of scripts off; there is none to turn on.",
    syntax="YES | SYNC | NO",
)
def script_debug(ctx: Context, argv: Argv) -> Reply:
    mode = argv[2].upper()
    if mode in {b"YES", b"SYNC"}:
        raise CommandError(NO_DEBUGGER)
    if mode != b"NO":
        raise CommandError("ERR Use SCRIPT DEBUG YES/SYNC/NO")
    return OK


@command(
    "SCRIPT|HELP",
    arity=2,
    flags=LOADING | STALE,
    since="5.0.0",
    summary="Lists the subcommands.",
)
def script_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply("SCRIPT")
