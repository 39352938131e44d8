"""CLIENT LIST, KILL, PAUSE, UNPAUSE and UNBLOCK: what one client may see of the others and do to them."""

from typing import Final

from hognose.commands.arguments import I64_MAX, integer, integer_between
from hognose.commands.client import BY_ADMIN
from hognose.commands.client_text import TYPES, client_line, type_of
from hognose.commands.context import BLOCKED, CLOSE_AFTER_REPLY, Context
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import SYNTAX, CommandError, printable
from hognose.resp.reply import OK, Verbatim

command = CommandGroup("connection")

INVALID_CLIENT_ID: Final = "ERR Invalid client ID"
ID_NOT_POSITIVE: Final = "ERR client-id should be greater than 0"
NO_SUCH_CLIENT: Final = "ERR No such client"
NOT_A_TIMEOUT: Final = "ERR timeout is not an integer or out of range"
TIMEOUT_TOO_LONG: Final = "ERR timeout is out of range"
NEGATIVE_TIMEOUT: Final = "ERR timeout is negative"
NOT_A_PAUSE_MODE: Final = "ERR CLIENT PAUSE mode must be WRITE or ALL"
NOT_A_REASON: Final = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
SUBCOMMAND_SYNTAX: Final = "ERR unknown subcommand or wrong number of arguments for '{}'. Try CLIENT HELP."

ANY: Final = -1


def client_type(word: bytes) -> int:
    """One of the four classes of clients by its name."""
    kind = TYPES.get(word.lower())
    if kind is None:
        raise CommandError(f"ERR Unknown client type '{printable(word)}'")
    return kind


@command(
    "CLIENT|LIST",
    arity=-2,
    flags=BY_ADMIN,
    since="2.4.0",
    summary="Describes the connections, one line each.",
    complexity="O(N) where N is the number of client connections",
    syntax="[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
    tips=[b"nondeterministic_output"],
    history=[
        ("2.8.12", "Shows the unique client id."),
        ("5.0.0", "The TYPE filter."),
        ("6.0.0", "Shows the user."),
        ("6.2.0", "Shows argv-mem, tot-mem, laddr and redir; the ID filter."),
        ("7.0.0", "Shows resp, multi-mem, rbs and rbp."),
        ("7.0.3", "Shows ssub."),
    ],
)
def client_list(ctx: Context, argv: Argv) -> Reply:
    clients = ctx.host.clients_now()
    word = argv[2].upper() if len(argv) > 3 else b""
    if word == b"TYPE" and len(argv) == 4:
        kind = client_type(argv[3])
        clients = [client for client in clients if type_of(client) == kind]
    elif word == b"ID":
        ids = [integer(argument, INVALID_CLIENT_ID) for argument in argv[3:]]
        named = [ctx.host.find_client(client_id) for client_id in ids]
        clients = [client for client in named if client is not None]
    elif len(argv) != 2:
        raise CommandError(SYNTAX)
    return Verbatim(b"".join([client_line(client) + b"\n" for client in clients]))


class KillFilter:
    """Which clients CLIENT KILL closes: those that every filter given lets through."""

    def __init__(self) -> None:
        self.client_id: int = ANY
        self.kind: int = ANY
        self.address: bytes | None = None
        self.local_address: bytes | None = None
        self.user: str | None = None
        self.least_age_s: int = ANY
        self.spares_caller = True

    def matches(self, client: Context, now_ms: int) -> bool:
        """Whether a client is to be closed."""
        return (
            self.client_id in (ANY, client.id)
            and (self.kind == ANY or type_of(client) == self.kind)
            and (self.address is None or client.address() == self.address)
            and (self.local_address is None or client.local_address() == self.local_address)
            and (self.user is None or client.user == self.user)
            and (self.least_age_s == ANY or (now_ms - client.created_ms) // 1000 >= self.least_age_s)
        )


def parse_kill(ctx: Context, argv: Argv) -> KillFilter:
    """Reads the filters of CLIENT KILL in either form."""
    wanted = KillFilter()
    if len(argv) == 3:
        wanted.address = argv[2]
        wanted.spares_caller = False
        return wanted
    for index in range(2, len(argv), 2):
        if index + 1 == len(argv):
            raise CommandError(SYNTAX)
        add_kill_filter(ctx, wanted, argv[index].upper(), argv[index + 1])
    return wanted


def add_kill_filter(ctx: Context, wanted: KillFilter, option: bytes, value: bytes) -> None:
    """Reads one option of CLIENT KILL."""
    if option == b"ID":
        wanted.client_id = integer_between(value, 1, I64_MAX, ID_NOT_POSITIVE)
    elif option == b"TYPE":
        wanted.kind = client_type(value)
    elif option == b"ADDR":
        wanted.address = value
    elif option == b"LADDR":
        wanted.local_address = value
    elif option == b"USER":
        if not ctx.host.user_exists(value):
            raise CommandError(f"ERR No such user '{printable(value)}'")
        wanted.user = value.decode("utf-8", "surrogateescape")
    elif option == b"MAXAGE":
        wanted.least_age_s = integer(value, "ERR maxage is not an integer or out of range")
        if wanted.least_age_s <= 0:
            raise CommandError("ERR maxage should be greater than 0")
    elif option == b"SKIPME" and value.upper() in (b"YES", b"NO"):
        wanted.spares_caller = value.upper() == b"YES"
    else:
        raise CommandError(SYNTAX)


@command(
    "CLIENT|KILL",
    arity=-3,
    flags=BY_ADMIN,
    since="2.4.0",
    summary="Closes connections.",
    complexity="O(N) where N is the number of client connections",
    syntax=(
        "<ip:port | [ID client-id] [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] [USER username] "
        "[ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE maxage]>"
    ),
    history=[
        ("2.8.12", "Takes filters; the ID filter."),
        ("3.2.0", "TYPE knows master."),
        ("5.0.0", "TYPE knows replica beside slave."),
        ("6.2.0", "The LADDR filter."),
    ],
)
def client_kill(ctx: Context, argv: Argv) -> Reply:
    wanted = parse_kill(ctx, argv)
    killed = 0
    kills_caller = False
    now_ms = int(ctx.host.clock.now_ms)
    for client in ctx.host.clients_now():
        if (client is ctx and wanted.spares_caller) or not wanted.matches(client, now_ms):
            continue
        killed += 1
        if client is ctx:
            kills_caller = True
        else:
            client.disconnect()
    if kills_caller:
        ctx.flags |= CLOSE_AFTER_REPLY
    if len(argv) > 3:
        return killed
    if killed == 0:
        raise CommandError(NO_SUCH_CLIENT)
    return OK


@command(
    "CLIENT|PAUSE",
    arity=-3,
    flags=BY_ADMIN,
    since="3.0.0",
    summary="Keeps the commands of all clients back for a while.",
    syntax="timeout:integer [WRITE | ALL]",
    history=[("6.2.0", "The WRITE mode.")],
)
def client_pause(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 4:
        raise CommandError(SUBCOMMAND_SYNTAX.format(printable(argv[1])))
    mode = argv[3].upper() if len(argv) == 4 else b"ALL"
    if mode not in (b"WRITE", b"ALL"):
        raise CommandError(NOT_A_PAUSE_MODE)
    timeout_ms = integer(argv[2], NOT_A_TIMEOUT)
    if timeout_ms < 0:
        raise CommandError(NEGATIVE_TIMEOUT)
    if timeout_ms > I64_MAX - ctx.host.clock.now_ms:
        raise CommandError(TIMEOUT_TOO_LONG)
    ctx.host.pause_clients(ctx.host.clock.now_ms + timeout_ms, mode == b"ALL")
    return OK


@command(
    "CLIENT|UNPAUSE",
    arity=2,
    flags=BY_ADMIN,
    since="6.2.0",
    summary="Ends a pause.",
    complexity="O(N) Where N is the number of paused clients",
)
def client_unpause(ctx: Context, argv: Argv) -> Reply:
    ctx.host.resume_clients()
    return OK


@command(
    "CLIENT|UNBLOCK",
    arity=-3,
    flags=BY_ADMIN,
    since="5.0.0",
    summary="Ends the wait of a client in a blocking command.",
    complexity="O(log N) where N is the number of client connections",
    syntax="client-id [TIMEOUT | ERROR]",
)
def client_unblock(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 4:
        raise CommandError(SUBCOMMAND_SYNTAX.format(printable(argv[1])))
    reason = argv[3].upper() if len(argv) == 4 else b"TIMEOUT"
    if reason not in (b"TIMEOUT", b"ERROR"):
        raise CommandError(NOT_A_REASON)
    client = ctx.host.find_client(integer(argv[2]))
    if client is None or client.flags & BLOCKED == 0:
        return 0
    return 1 if ctx.host.unblock_client(client, reason == b"ERROR") else 0
