"""CONFIG: reading and changing the directives, writing them back to the file, and starting statistics anew.

What the directives are and how a change is checked stands in `hognose.config`; here is only the wire.
"""

from hognose.commands.context import Context
from hognose.commands.flags import ADMIN, LOADING, NOSCRIPT, STALE
from hognose.commands.help import help_reply
from hognose.commands.host import NOTICE, WARNING
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.config.errors import NO_CONFIG_FILE
from hognose.config.rewrite import rewrite
from hognose.errors import SYNTAX, CommandError
from hognose.resp.reply import OK, MapReply

command = CommandGroup("server")
command.container("CONFIG", since="2.0.0", summary="Reads and changes the configuration.")

PRIVILEGED = ADMIN | NOSCRIPT | LOADING | STALE
ALL_NODES = [b"request_policy:all_nodes", b"response_policy:all_succeeded"]


@command(
    "CONFIG|GET",
    arity=-3,
    flags=PRIVILEGED,
    since="2.0.0",
    summary="Returns the directives that match any of the patterns, with their values.",
    complexity="O(N) when N is the number of configuration parameters provided",
    syntax="parameter [parameter ...]",
    history=[("7.0.0", "Takes several patterns.")],
)
def config_get(ctx: Context, argv: Argv) -> Reply:
    flat: list[object] = []
    for name, value in ctx.host.config.matching(argv[2:]):
        flat.append(name)
        flat.append(value)
    return MapReply(flat)


@command(
    "CONFIG|SET",
    arity=-4,
    flags=PRIVILEGED,
    since="2.0.0",
    summary="Changes directives, all of them or none.",
    complexity="O(N) when N is the number of configuration parameters provided",
    syntax="parameter value [parameter value ...]",
    tips=ALL_NODES,
    history=[("7.0.0", "Takes several directives.")],
)
def config_set(ctx: Context, argv: Argv) -> Reply:
    if len(argv) % 2 != 0:
        raise CommandError(SYNTAX)
    host = ctx.host
    pairs: list[tuple[bytes, bytes]] = []
    for index in range(2, len(argv), 2):
        if host.config.is_sensitive(argv[index]):
            ctx.redact(argv, index + 1)
        pairs.append((argv[index], argv[index + 1]))
    host.config.set_many(pairs, ctx.is_local(), host.is_loading())
    return OK


@command(
    "CONFIG|REWRITE",
    arity=2,
    flags=PRIVILEGED,
    since="2.8.0",
    summary="Brings the configuration file up to the directives in force.",
    tips=ALL_NODES,
)
def config_rewrite(ctx: Context, argv: Argv) -> Reply:
    host = ctx.host
    try:
        rewrite(host.config, host.user_lines())
    except CommandError as error:
        if error.text != NO_CONFIG_FILE:
            host.log(WARNING, f"CONFIG REWRITE failed: {error.text.partition(': ')[2]}")
        raise
    host.log(NOTICE, "CONFIG REWRITE executed with success.")
    return OK


@command(
    "CONFIG|RESETSTAT",
    arity=2,
    flags=PRIVILEGED,
    since="2.0.0",
    summary="Starts the statistics of INFO anew.",
    tips=ALL_NODES,
)
def config_resetstat(ctx: Context, argv: Argv) -> Reply:
    ctx.host.reset_statistics()
    return OK


@command("CONFIG|HELP", arity=2, flags=LOADING | STALE, since="5.0.0", summary="Lists the subcommands.")
def config_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "CONFIG",
        [
            ("GET <pattern> [<pattern> ...]", "Return the directives whose names match, and their values."),
            ("SET <directive> <value> [<directive> <value> ...]", "Change directives; all are changed or none."),
            ("RESETSTAT", "Set the counters of INFO back to zero."),
            ("REWRITE", "Write the directives in force to the configuration file."),
        ],
    )
