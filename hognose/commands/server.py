"""Commands about the server as a whole: INFO, TIME, LASTSAVE, ROLE, MONITOR, SHUTDOWN, MODULE."""

from typing import Final

from hognose.commands.context import DENY_BLOCKING, MONITOR, REPLICA, Context
from hognose.commands.flags import (
    ADMIN,
    ALLOW_BUSY,
    DANGEROUS,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    PROTECTED,
    STALE,
)
from hognose.commands.help import help_reply
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import SYNTAX, CommandError
from hognose.resp.reply import NO_REPLY, OK, Verbatim

command = CommandGroup("server")
command.container("MODULE", since="4.0.0", summary="Looks after loaded modules.")

NO_SHUTDOWN: Final = "ERR No shutdown in progress."
DENY_BLOCKING_SHUTDOWN: Final = "ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client"
MODULE_NOT_LOADED: Final = "ERR Error loading the extension. Please check the server logs."
NO_SUCH_MODULE: Final = "ERR Error unloading module: no such module with that name"


@command(
    "INFO",
    arity=-1,
    flags=LOADING | STALE | DANGEROUS,
    since="1.0.0",
    summary="Reports the state of the server in sections.",
    syntax="[section [section ...]]",
    tips=[b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"],
    history=[("7.0.0", "Takes several sections.")],
)
def info(ctx: Context, argv: Argv) -> Reply:
    return Verbatim(ctx.host.info(argv[1:]))


@command(
    "TIME",
    arity=1,
    flags=LOADING | STALE | FAST,
    since="2.6.0",
    summary="Returns the server's time: seconds, and microseconds within the second.",
    tips=[b"nondeterministic_output"],
)
def time(ctx: Context, argv: Argv) -> Reply:
    keyspace = ctx.keyspace
    now_us = ctx.host.clock.now_us if keyspace.frozen_now_ms == 0 else keyspace.frozen_now_us
    return [b"%d" % (now_us // 1_000_000), b"%d" % (now_us % 1_000_000)]


@command(
    "LASTSAVE",
    arity=1,
    flags=LOADING | STALE | FAST | DANGEROUS,
    since="1.0.0",
    summary="Returns when the dataset was last saved, as a Unix time.",
    tips=[b"nondeterministic_output"],
    categories=[b"admin"],
)
def lastsave(ctx: Context, argv: Argv) -> Reply:
    return int(ctx.host.last_save_s())


@command(
    "ROLE",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST | DANGEROUS,
    since="2.8.12",
    summary="Tells the server's part in replication, and how far it is.",
    categories=[b"admin"],
)
def role(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.role()


@command(
    "MONITOR",
    arity=1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    since="1.0.0",
    summary="Sends the client every command the server runs.",
    complexity="",
)
def monitor(ctx: Context, argv: Argv) -> Reply:
    if ctx.flags & DENY_BLOCKING:
        raise CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client")
    if ctx.flags & (REPLICA | MONITOR):
        return NO_REPLY
    ctx.host.add_monitor(ctx)
    return OK


@command(
    "SHUTDOWN",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
    since="1.0.0",
    summary="Ends the server, after saving the dataset if save points are set.",
    complexity=(
        "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)"
    ),
    syntax="[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    history=[("7.0.0", "NOW, FORCE and ABORT.")],
)
def shutdown(ctx: Context, argv: Argv) -> Reply:
    words = [argument.upper() for argument in argv[1:]]
    save, nosave = b"SAVE" in words, b"NOSAVE" in words
    now, force, abort = b"NOW" in words, b"FORCE" in words, b"ABORT" in words
    known = {b"SAVE", b"NOSAVE", b"NOW", b"FORCE", b"ABORT"}
    if not known.issuperset(words) or (save and nosave) or (abort and (save or nosave or now or force)):
        raise CommandError(SYNTAX)
    if abort:
        if not ctx.host.abort_shutdown():
            raise CommandError(NO_SHUTDOWN)
        return OK
    if not now and ctx.flags & DENY_BLOCKING:
        raise CommandError(DENY_BLOCKING_SHUTDOWN)
    if not nosave and ctx.host.scripts().is_overdue():
        raise CommandError(ctx.host.scripts().busy_text())
    reason = ctx.host.request_shutdown(ctx, save, nosave, now, force)
    if reason is not None:
        raise CommandError(reason)
    return NO_REPLY


@command(
    "MODULE|LIST",
    arity=2,
    flags=ADMIN | NOSCRIPT,
    since="4.0.0",
    summary="Lists the loaded modules.",
    complexity="O(N) where N is the number of loaded modules.",
    tips=[b"nondeterministic_output_order"],
)
def module_list(ctx: Context, argv: Argv) -> Reply:
    return []


OF_MODULES: Final = ADMIN | NOSCRIPT | NO_ASYNC_LOADING | PROTECTED


@command(
    "MODULE|LOAD",
    arity=-3,
    flags=OF_MODULES,
    since="4.0.0",
    summary="Refuses to load a module: modules are native libraries for another server.",
    syntax="path [arg [arg ...]]",
)
def module_load(ctx: Context, argv: Argv) -> Reply:
    ctx.host.require_permitted(ctx)
    raise CommandError(MODULE_NOT_LOADED)


@command(
    "MODULE|LOADEX",
    arity=-3,
    flags=OF_MODULES,
    since="7.0.0",
    summary="Refuses to load a module: modules are native libraries for another server.",
    syntax="path [CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]",
)
def module_loadex(ctx: Context, argv: Argv) -> Reply:
    ctx.host.require_permitted(ctx)
    raise CommandError(MODULE_NOT_LOADED)


@command(
    "MODULE|UNLOAD",
    arity=3,
    flags=OF_MODULES,
    since="4.0.0",
    summary="Refuses to unload a module, of which there are none.",
    syntax="name",
)
def module_unload(ctx: Context, argv: Argv) -> Reply:
    ctx.host.require_permitted(ctx)
    raise CommandError(NO_SUCH_MODULE)


@command("MODULE|HELP", arity=2, flags=LOADING | STALE, since="5.0.0", summary="Lists the subcommands.")
def module_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "MODULE",
        [
            ("LIST", "Return the loaded modules; there are none."),
            ("LOAD <path> [<arg> ...]", "Not possible: modules are native libraries for another server."),
            ("LOADEX <path> [[CONFIG NAME VALUE] ...] [ARGS ...]", "Not possible either."),
            ("UNLOAD <name>", "Unload a module."),
        ],
    )
