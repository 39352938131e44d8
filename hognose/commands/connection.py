"""The commands by which a client introduces itself and moves about: AUTH, HELLO, SELECT, RESET, PING, ECHO, QUIT.

The CLIENT family is in `client` and `client_admin`.
"""

from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.client import require_name
from hognose.commands.context import (
    ASKING_NEXT,
    CLOSE_AFTER_REPLY,
    MONITOR,
    NO_EVICT,
    NO_TOUCH,
    PRIMARY,
    READONLY_CLUSTER,
    REPLICA,
    REPLY_OFF,
    REPLY_SKIP,
    REPLY_SKIP_NEXT,
    SUBSCRIBED,
    Context,
)
from hognose.commands.flags import ALLOW_BUSY, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import (
    DB_OUT_OF_RANGE,
    NO_PASSWORD_SET,
    NOAUTH_HELLO,
    NOPROTO,
    PROTOCOL_NOT_INTEGER,
    SYNTAX,
    WRONGPASS,
    CommandError,
    printable,
    wrong_number_of_arguments,
)
from hognose.resp.reply import OK, PONG, MapReply, Simple
from hognose.version import REDIS_VERSION

command = CommandGroup("connection")

C_INT_MAX: Final = 2**31 - 1

AT_THE_DOOR: Final = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY
"""Flags of what a client may always send, authenticated or not."""
DEFAULT_USER: Final = b"default"
RESET_DONE: Final = Simple(b"RESET")


@command(
    "PING",
    arity=-1,
    flags=FAST,
    since="1.0.0",
    summary="Returns the server's liveliness response.",
    syntax="[message]",
    tips=[b"request_policy:all_shards", b"response_policy:all_succeeded"],
)
def ping(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 2:
        raise wrong_number_of_arguments("ping")
    if ctx.attention & SUBSCRIBED and ctx.resp == 2:
        return [b"pong", argv[1] if len(argv) == 2 else b""]
    return argv[1] if len(argv) == 2 else PONG


@command(
    "ECHO",
    arity=2,
    flags=LOADING | STALE | FAST,
    since="1.0.0",
    summary="Returns the given string.",
    syntax="message",
)
def echo(ctx: Context, argv: Argv) -> Reply:
    return argv[1]


@command(
    "SELECT",
    arity=2,
    flags=LOADING | STALE | FAST,
    since="1.0.0",
    summary="Changes the selected database.",
    syntax="index",
)
def select(ctx: Context, argv: Argv) -> Reply:
    index = integer(argv[1])
    if not -C_INT_MAX - 1 <= index <= C_INT_MAX:
        raise CommandError(f"ERR value is out of range, value must between {-C_INT_MAX - 1} and {C_INT_MAX}")
    if not ctx.select(index):
        raise CommandError(DB_OUT_OF_RANGE)
    return OK


@command(
    "QUIT",
    arity=-1,
    flags=ALLOW_BUSY | LOADING | STALE | FAST | NOSCRIPT | NO_AUTH,
    since="1.0.0",
    summary="Closes the connection.",
    deprecated=("7.2.0", "just closing the connection"),
)
def quit_(ctx: Context, argv: Argv) -> Reply:
    ctx.flags |= CLOSE_AFTER_REPLY
    return OK


@command(
    "AUTH",
    arity=-2,
    flags=AT_THE_DOOR,
    since="1.0.0",
    summary="Authenticates the connection.",
    complexity="O(N) where N is the number of passwords defined for the user",
    syntax="[username] password",
    history=[("6.0.0", "Takes a user name.")],
)
def auth(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 3:
        raise CommandError(SYNTAX)
    for index in range(1, len(argv)):
        ctx.redact(argv, index)
    if len(argv) == 2 and not ctx.host.needs_password():
        raise CommandError(NO_PASSWORD_SET)
    user = argv[1] if len(argv) == 3 else DEFAULT_USER
    log_in(ctx, user, argv[-1], argv[0])
    return OK


def log_in(ctx: Context, user: bytes, password: bytes, word: bytes) -> None:
    """Authenticates a client, or refuses; `word` is the command it came with."""
    if not ctx.host.authenticate(ctx, user, password, word):
        raise CommandError(WRONGPASS)


class Greeting:
    """The options of HELLO.

    Attributes:
        protocol: 2 or 3; 0 to keep the present one.
        user, password: None without AUTH.
        name: None without SETNAME.
    """

    def __init__(self) -> None:
        self.protocol = 0
        self.user: bytes | None = None
        self.password = b""
        self.name: bytes | None = None


def parse_greeting(ctx: Context, argv: Argv) -> Greeting:
    """Reads HELLO's arguments and hides its secrets."""
    greeting = Greeting()
    if len(argv) > 1:
        greeting.protocol = integer(argv[1], PROTOCOL_NOT_INTEGER)
        if greeting.protocol not in (2, 3):
            raise CommandError(NOPROTO)
    index = 2
    while index < len(argv):
        option = argv[index].upper()
        more = len(argv) - 1 - index
        if option == b"AUTH" and more >= 2:
            ctx.redact(argv, index + 1)
            ctx.redact(argv, index + 2)
            greeting.user, greeting.password = argv[index + 1], argv[index + 2]
            index += 3
        elif option == b"SETNAME" and more >= 1:
            greeting.name = argv[index + 1]
            require_name(greeting.name)
            index += 2
        else:
            raise CommandError(f"ERR Syntax error in HELLO option '{printable(argv[index])}'")
    return greeting


@command(
    "HELLO",
    arity=-1,
    flags=AT_THE_DOOR,
    since="6.0.0",
    summary="Agrees on a protocol version, and authenticates and names the connection if asked to.",
    syntax="[protover [AUTH username password] [SETNAME clientname]]",
    history=[("6.2.0", "Without arguments only answers.")],
)
def hello(ctx: Context, argv: Argv) -> Reply:
    greeting = parse_greeting(ctx, argv)
    if greeting.user is not None:
        log_in(ctx, greeting.user, greeting.password, argv[0])
    if not ctx.authenticated:
        raise CommandError(NOAUTH_HELLO)
    if greeting.name is not None:
        ctx.name = greeting.name
    if greeting.protocol:
        ctx.resp = greeting.protocol
    host = ctx.host
    mode = host.mode()
    flat: list[object] = [b"server", b"redis", b"version", REDIS_VERSION.encode(), b"proto", int(ctx.resp)]
    flat += [b"id", int(ctx.id), b"mode", mode]
    if mode != b"sentinel":
        flat += [b"role", b"replica" if host.is_replica() else b"master"]
    flat += [b"modules", []]
    return MapReply(flat)


@command(
    "RESET",
    arity=1,
    flags=AT_THE_DOOR,
    since="6.2.0",
    summary="Makes the connection as it was when it was new.",
)
def reset(ctx: Context, argv: Argv) -> Reply:
    if ctx.flags & PRIMARY or (ctx.flags & REPLICA and ctx.flags & MONITOR == 0):
        raise CommandError("ERR can only reset normal client connections")
    host = ctx.host
    host.forget_client_state(ctx)
    host.discard_transaction(ctx)
    ctx.attention &= ~(REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT | NO_TOUCH | ASKING_NEXT)
    ctx.flags &= ~(NO_EVICT | READONLY_CLUSTER | MONITOR)
    ctx.select(0)
    ctx.resp = 2
    ctx.name = b""
    host.start_as_default(ctx)
    return RESET_DONE
