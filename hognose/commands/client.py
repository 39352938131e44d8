"""CLIENT: what a connection says of itself and asks for itself. What it does to others is in `client_admin`."""

from typing import Final

from hognose.commands.client_text import client_line
from hognose.commands.context import NO_EVICT, NO_TOUCH, REPLY_OFF, REPLY_SKIP, REPLY_SKIP_NEXT, Context
from hognose.commands.flags import ADMIN, CONNECTION, LOADING, NOSCRIPT, STALE
from hognose.commands.help import help_reply
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import SYNTAX, CommandError, printable
from hognose.resp.reply import NO_REPLY, OK, Verbatim

command = CommandGroup("connection")
command.container("CLIENT", since="2.4.0", summary="Looks at clients and changes how they are served.")

OF_CLIENT: Final = CONNECTION | NOSCRIPT | LOADING | STALE
BY_ADMIN: Final = ADMIN | OF_CLIENT
ALL_NODES: Final = [b"request_policy:all_nodes", b"response_policy:all_succeeded"]

BAD_NAME: Final = "ERR Client names cannot contain spaces, newlines or special characters."


def is_plain(text: bytes) -> bool:
    """Whether a text is printable ASCII without blanks, so that it cannot break the lines of CLIENT LIST."""
    return all(33 <= byte <= 126 for byte in text)


def require_name(name: bytes) -> None:
    """Refuses a client name that would break the lines of CLIENT LIST."""
    if not is_plain(name):
        raise CommandError(BAD_NAME)


def switch(word: bytes) -> bool:
    """Reads `on` or `off`."""
    upper = word.upper()
    if upper not in (b"ON", b"OFF"):
        raise CommandError(SYNTAX)
    return upper == b"ON"


@command("CLIENT|ID", arity=2, flags=OF_CLIENT, since="5.0.0", summary="Returns the id of the connection.")
def client_id(ctx: Context, argv: Argv) -> Reply:
    return int(ctx.id)


@command(
    "CLIENT|INFO",
    arity=2,
    flags=OF_CLIENT,
    since="6.2.0",
    summary="Describes the connection in one line.",
    tips=[b"nondeterministic_output"],
)
def client_info(ctx: Context, argv: Argv) -> Reply:
    return Verbatim(client_line(ctx) + b"\n")


@command("CLIENT|GETNAME", arity=2, flags=OF_CLIENT, since="2.6.9", summary="Returns the name of the connection.")
def client_getname(ctx: Context, argv: Argv) -> Reply:
    return ctx.name or None


@command(
    "CLIENT|SETNAME",
    arity=3,
    flags=OF_CLIENT,
    since="2.6.9",
    summary="Gives the connection a name.",
    syntax="connection-name",
    tips=ALL_NODES,
)
def client_setname(ctx: Context, argv: Argv) -> Reply:
    require_name(argv[2])
    ctx.name = argv[2]
    return OK


@command(
    "CLIENT|SETINFO",
    arity=4,
    flags=OF_CLIENT,
    since="7.2.0",
    summary="Tells the server which client library it talks to.",
    syntax="<LIB-NAME libname | LIB-VER libver>",
    tips=ALL_NODES,
)
def client_setinfo(ctx: Context, argv: Argv) -> Reply:
    attribute = argv[2].lower()
    if attribute not in (b"lib-name", b"lib-ver"):
        raise CommandError(f"ERR Unrecognized option '{printable(argv[2])}'")
    if not is_plain(argv[3]):
        raise CommandError(f"ERR {printable(attribute)} cannot contain spaces, newlines or special characters.")
    if attribute == b"lib-name":
        ctx.lib_name = argv[3]
    else:
        ctx.lib_ver = argv[3]
    return OK


@command(
    "CLIENT|REPLY",
    arity=3,
    flags=OF_CLIENT,
    since="3.2.0",
    summary="Turns replies to the connection on or off, or off for the next command.",
    syntax="<ON | OFF | SKIP>",
)
def client_reply(ctx: Context, argv: Argv) -> Reply:
    mode = argv[2].upper()
    if mode == b"ON":
        ctx.attention &= ~(REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT)
        return OK
    if mode == b"OFF":
        ctx.attention |= REPLY_OFF
    elif mode == b"SKIP":
        # The bit for the next command; where this one is skipped itself, that is set once its own bit is taken back.
        if ctx.attention & REPLY_SKIP:
            ctx.attention |= REPLY_SKIP_NEXT
        elif ctx.attention & REPLY_OFF == 0:
            ctx.attention |= REPLY_SKIP
    else:
        raise CommandError(SYNTAX)
    return NO_REPLY


@command(
    "CLIENT|NO-EVICT",
    arity=3,
    flags=BY_ADMIN,
    since="7.0.0",
    summary="Keeps the connection when clients are dropped to save memory.",
    syntax="<ON | OFF>",
)
def client_no_evict(ctx: Context, argv: Argv) -> Reply:
    if switch(argv[2]):
        ctx.flags |= NO_EVICT
    else:
        ctx.flags &= ~NO_EVICT
    return OK


@command(
    "CLIENT|NO-TOUCH",
    arity=3,
    flags=OF_CLIENT,
    since="7.2.0",
    summary="Lets the connection's commands leave the keys' times of access alone.",
    syntax="<ON | OFF>",
)
def client_no_touch(ctx: Context, argv: Argv) -> Reply:
    if switch(argv[2]):
        ctx.attention |= NO_TOUCH
    else:
        ctx.attention &= ~NO_TOUCH
    return OK


@command(
    "CLIENT|HELP",
    arity=2,
    flags=CONNECTION | LOADING | STALE,
    since="5.0.0",
    summary="Lists the subcommands.",
)
def client_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "CLIENT",
        [
            ("CACHING (YES|NO)", "Track, or do not track, the keys of the next command (OPTIN, OPTOUT)."),
            ("GETREDIR", "Return the id of the client that gets this one's invalidations."),
            ("GETNAME", "Return the name of this connection."),
            ("ID", "Return the id of this connection."),
            ("INFO", "Return a line about this connection."),
            ("KILL <ip:port>", "Close the connection made from this address."),
            (
                "KILL <option> <value> [<option> <value> [...]]",
                "Close connections by ID, ADDR, LADDR, TYPE (NORMAL|MASTER|REPLICA|PUBSUB), USER, MAXAGE; SKIPME.",
            ),
            ("LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <id> [...]]", "Return a line for each connection."),
            ("NO-EVICT (ON|OFF)", "Keep this connection when memory for clients is short."),
            ("NO-TOUCH (ON|OFF)", "Leave keys' times of access alone."),
            ("PAUSE <timeout> [WRITE|ALL]", "Keep commands, or only writes, back for <timeout> milliseconds."),
            ("REPLY (ON|OFF|SKIP)", "Switch replies to this connection."),
            ("SETINFO (LIB-NAME|LIB-VER) <value>", "Tell which client library this is."),
            ("SETNAME <name>", "Name this connection."),
            (
                "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
                "Switch invalidation messages for client-side caches.",
            ),
            ("TRACKINGINFO", "Return how this connection tracks."),
            ("UNBLOCK <clientid> [TIMEOUT|ERROR]", "End the wait of a client in a blocking command."),
            ("UNPAUSE", "End the pause."),
        ],
    )
