"""FUNCTION: the commands that manage libraries of functions."""

from typing import Final

from hognose.commands.context import Context
from hognose.commands.flags import ALLOW_BUSY, DENYOOM, LOADING, NOSCRIPT, STALE, WRITE
from hognose.commands.help import help_reply
from hognose.commands.spec import CommandGroup
from hognose.errors import CommandError, printable
from hognose.resp.reply import OK, Argv, Reply

command = CommandGroup("scripting")

ALL_SHARDS: Final = b"request_policy:all_shards"
ALL_SUCCEEDED: Final = b"response_policy:all_succeeded"
POLICIES: Final = (b"FLUSH", b"APPEND", b"REPLACE")


def wrong_usage(argv: Argv) -> CommandError:
    """The error for arguments that no form of a subcommand has."""
    word = printable(argv[1])[:128]
    return CommandError(f"ERR unknown subcommand or wrong number of arguments for '{word}'. Try FUNCTION HELP.")


command.container("FUNCTION", since="7.0.0", summary="The commands for libraries of functions.")


@command(
    "FUNCTION|LOAD",
    arity=-3,
    flags=NOSCRIPT | WRITE | DENYOOM,
    since="7.0.0",
    summary="Takes in a library of functions.",
    complexity="O(1) (considering compilation time is redundant)",
    syntax="[REPLACE] function-code",
    tips=[ALL_SHARDS, ALL_SUCCEEDED],
)
def function_load(ctx: Context, argv: Argv) -> Reply:
    replaces = False
    for option in argv[2:-1]:
        if option.upper() != b"REPLACE":
            raise CommandError(f"ERR Unknown option given: {printable(option)}")
        replaces = True
    name = ctx.host.scripts().load_library(argv[-1], replaces, not ctx.host.must_obey(ctx))
    ctx.keyspace.dirty += 1
    return name


@command(
    "FUNCTION|DELETE",
    arity=3,
    flags=NOSCRIPT | WRITE,
    since="7.0.0",
    summary="Drops a library and its functions.",
    syntax="library-name",
    tips=[ALL_SHARDS, ALL_SUCCEEDED],
)
def function_delete(ctx: Context, argv: Argv) -> Reply:
    ctx.host.scripts().delete_library(argv[2])
    ctx.keyspace.dirty += 1
    return OK


@command(
    "FUNCTION|FLUSH",
    arity=-2,
    flags=NOSCRIPT | WRITE,
    since="7.0.0",
    summary="Drops all libraries.",
    complexity="O(N) where N is the number of functions deleted",
    syntax="[ASYNC | SYNC]",
    tips=[ALL_SHARDS, ALL_SUCCEEDED],
)
def function_flush(ctx: Context, argv: Argv) -> Reply:
    """Both modes free at once: a function is gone as soon as nothing refers to it."""
    if len(argv) > 3:
        raise wrong_usage(argv)
    if len(argv) == 3 and argv[2].upper() not in {b"ASYNC", b"SYNC"}:
        raise CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    ctx.host.scripts().flush_libraries()
    ctx.keyspace.dirty += 1
    return OK


@command(
    "FUNCTION|LIST",
    arity=-2,
    flags=NOSCRIPT,
    since="7.0.0",
    summary="Describes the libraries.",
    complexity="O(N) where N is the number of functions",
    syntax="[LIBRARYNAME library-name-pattern] [WITHCODE]",
    tips=[b"nondeterministic_output_order"],
)
def function_list(ctx: Context, argv: Argv) -> Reply:
    pattern: bytes | None = None
    with_code = False
    at = 2
    while at < len(argv):
        word = argv[at].upper()
        if word == b"WITHCODE" and not with_code:
            with_code = True
        elif word == b"LIBRARYNAME" and pattern is None:
            at += 1
            if at == len(argv):
                raise CommandError("ERR library name argument was not given")
            pattern = argv[at]
        else:
            raise CommandError(f"ERR Unknown argument {printable(argv[at])}")
        at += 1
    return ctx.host.scripts().list_libraries(pattern, with_code)


@command(
    "FUNCTION|DUMP",
    arity=2,
    flags=NOSCRIPT,
    since="7.0.0",
    summary="Returns all libraries as bytes that FUNCTION RESTORE takes, here or on another server.",
    complexity="O(N) where N is the number of functions",
)
def function_dump(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().dump_libraries()


@command(
    "FUNCTION|RESTORE",
    arity=-3,
    flags=NOSCRIPT | WRITE | DENYOOM,
    since="7.0.0",
    summary="Takes in the libraries that FUNCTION DUMP gave.",
    complexity="O(N) where N is the number of functions on the payload",
    syntax="serialized-value [FLUSH | APPEND | REPLACE]",
    tips=[ALL_SHARDS, ALL_SUCCEEDED],
)
def function_restore(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 4:
        raise wrong_usage(argv)
    policy = argv[3].upper() if len(argv) == 4 else b"APPEND"
    if policy not in POLICIES:
        raise CommandError("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    ctx.host.scripts().restore_libraries(argv[2], policy)
    ctx.keyspace.dirty += 1
    return OK


@command(
    "FUNCTION|STATS",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    since="7.0.0",
    summary="Tells which function is running.",
    tips=[b"nondeterministic_output", ALL_SHARDS, b"response_policy:special"],
)
def function_stats(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.scripts().statistics()


@command(
    "FUNCTION|KILL",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    since="7.0.0",
    summary="Ends the function that is running, if it has not written anything.",
    tips=[ALL_SHARDS, b"response_policy:one_succeeded"],
)
def function_kill(ctx: Context, argv: Argv) -> Reply:
    ctx.host.scripts().kill(function=True)
    return OK


@command(
    "FUNCTION|HELP",
    arity=2,
    flags=LOADING | STALE,
    since="7.0.0",
    summary="Lists the subcommands.",
)
def function_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply("FUNCTION")
