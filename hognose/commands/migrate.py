"""MIGRATE: moves keys to another server, or copies them there.

The keys go over as one pipeline of RESTORE commands; each is deleted here when the other server has said OK to it, and
only then. AOF and replicas get DEL for those. If the connection breaks before the first answer, and not because time
ran out, everything is sent once more over a new one: a connection kept from an earlier MIGRATE may have been closed by
the other side meanwhile.
"""

from typing import Final

from hognose.commands.arguments import integer, syntax_error
from hognose.commands.context import Context
from hognose.commands.flags import ACCESS, DANGEROUS, DELETE, INCOMPLETE, RW, WRITE
from hognose.commands.keyspec import BEGIN_INDEX, BEGIN_KEYWORD, FIND_RANGE, KeySpec
from hognose.commands.migrate_links import UNKNOWN_DB, MigrateLink
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError, printable
from hognose.keyspace.events import GENERIC
from hognose.persistence.dump_payload import dump_value
from hognose.persistence.lzf import Compressor
from hognose.resp.reply import OK, Simple

command = CommandGroup("generic")

FIRST_OPTION: Final = 6
RW_ACCESS_DELETE: Final = RW | ACCESS | DELETE
NO_KEY: Final = Simple(b"NOKEY")
KEY_NOT_EMPTY: Final = "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
NOT_CONNECTED: Final = "IOERR error or timeout connecting to the client"
NOT_WRITTEN: Final = "IOERR error or timeout writing to target instance"
NOT_READ: Final = "IOERR error or timeout reading to target instance"
DEFAULT_TIMEOUT_MS: Final = 1000
LONGEST_TIMEOUT_MS: Final = 1 << 40

_COMPRESSOR: Final = Compressor()


def keys_option(argv: Argv) -> int:
    """Index of the word KEYS; 0 if there is none, or if passwords and the like are all that looks like it."""
    i = FIRST_OPTION
    while i < len(argv):
        word = argv[i].upper()
        if word == b"KEYS":
            return i
        i += {b"AUTH": 2, b"AUTH2": 3}.get(word, 1)
    return 0


class FirstKey(KeySpec):
    """The key in its fixed place, which is empty where KEYS is given."""

    def __init__(self) -> None:
        super().__init__(RW_ACCESS_DELETE, BEGIN_INDEX, 3, FIND_RANGE)

    def positions(self, argv: list[bytes]) -> list[int] | None:
        """The index of the key, if it stands there."""
        return [] if keys_option(argv) != 0 else [3]


class MoreKeys(KeySpec):
    """The keys behind KEYS."""

    def __init__(self) -> None:
        super().__init__(RW_ACCESS_DELETE | INCOMPLETE, BEGIN_KEYWORD, -2, FIND_RANGE)
        self.keyword = b"KEYS"
        self.last = -1

    def positions(self, argv: list[bytes]) -> list[int] | None:
        """The indexes of the keys, if there are any and the fixed place is empty."""
        option = keys_option(argv)
        return list(range(option + 1, len(argv))) if option != 0 and not argv[3] else []


class Order:
    """What a MIGRATE is to do.

    Attributes:
        copy: The keys stay here as well.
        replace: Keys that are there already are overwritten.
        user, password: To log in with; None without.
        keys: Their names.
        db_index: The database over there.
        timeout_ms: For each step of the exchange.
    """

    def __init__(self, ctx: Context, argv: Argv) -> None:
        self.copy = False
        self.replace = False
        self.user: bytes | None = None
        self.password: bytes | None = None
        self.keys = [argv[3]]
        i = FIRST_OPTION
        while i < len(argv):
            i += self._read(ctx, argv, i)
        self.timeout_ms = integer(argv[5])
        self.db_index = integer(argv[4])
        if self.timeout_ms <= 0:
            self.timeout_ms = DEFAULT_TIMEOUT_MS

    def _read(self, ctx: Context, argv: Argv, at: int) -> int:
        """Reads the option at an index. Returns how many arguments it takes."""
        word = argv[at].upper()
        left = len(argv) - at - 1
        if word == b"COPY":
            self.copy = True
        elif word == b"REPLACE":
            self.replace = True
        elif word == b"AUTH" and left >= 1:
            ctx.redact(argv, at + 1)
            self.user, self.password = None, argv[at + 1]
            return 2
        elif word == b"AUTH2" and left >= 2:
            ctx.redact(argv, at + 1)
            ctx.redact(argv, at + 2)
            self.user, self.password = argv[at + 1], argv[at + 2]
            return 3
        elif word == b"KEYS":
            if argv[3]:
                raise CommandError(KEY_NOT_EMPTY)
            self.keys = argv[at + 1 :]
            return left + 1
        else:
            raise syntax_error()
        return 1

    def timeout_s(self) -> float:
        """The time for one step, in the unit sockets take."""
        return min(self.timeout_ms, LONGEST_TIMEOUT_MS) / 1000


class Transfer:
    """One attempt to hand keys over.

    Attributes:
        refusal: The first error the other server has answered with; None if it accepted everything.
        moved: The keys it has accepted.
        failure: The error for the client if the connection broke; None if it held.
        may_retry: It broke before anything was answered, and not because time ran out.
    """

    def __init__(self, ctx: Context, order: Order, link: MigrateLink) -> None:
        self._ctx: Final = ctx
        self._order: Final = order
        self._link: Final = link
        self.refusal: str | None = None
        self.moved: list[bytes] = []
        self.failure: str | None = None
        self.may_retry = False

    def run(self, found: list[tuple[bytes, object]]) -> None:
        """Sends all keys, and notes what becomes of each."""
        order, link = self._order, self._link
        selects = link.db_index != order.db_index
        keys, request = self._request(found, selects)
        self.failure = NOT_WRITTEN
        self.may_retry = True
        try:
            link.send(request, order.timeout_s())
            self.failure = NOT_READ
            for _ in range((order.password is not None) + selects):
                self._note(link.receive_error(order.timeout_s()))
            is_welcome = self.refusal is None
            for key in keys:
                error = link.receive_error(order.timeout_s())
                self.may_retry = False
                self._note(error)
                if is_welcome and error is None:
                    self.moved.append(key)
        except OSError as broken:
            self.may_retry = self.may_retry and not isinstance(broken, TimeoutError)
            return
        self.failure = None
        link.db_index = order.db_index if self.refusal is None else UNKNOWN_DB

    def _note(self, error: str | None) -> None:
        """Keeps the first error the other server answers with."""
        if self.refusal is None:
            self.refusal = error

    def _request(self, found: list[tuple[bytes, object]], selects: bool) -> tuple[list[bytes], bytes]:
        """The pipeline, and the keys that are in it: those whose time is over by now are not."""
        ctx, order = self._ctx, self._order
        settings = ctx.host.settings
        compressor = _COMPRESSOR if settings.rdbcompression else None
        parts: list[bytes] = []
        if order.password is not None:
            user = [] if order.user is None else [order.user]
            parts.append(encoded([b"AUTH", *user, order.password]))
        if selects:
            parts.append(encoded([b"SELECT", b"%d" % order.db_index]))
        word = b"RESTORE-ASKING" if ctx.host.clustered else b"RESTORE"
        keys: list[bytes] = []
        for key, value in found:
            deadline = ctx.db.deadline(key)
            if deadline < 0:
                continue
            ttl = 0 if deadline == 0 else max(int(deadline) - int(ctx.now_ms()), 1)
            keys.append(key)
            payload = dump_value(value, settings.rdb_version, compressor)
            parts.append(encoded([word, key, b"%d" % ttl, payload, *([b"REPLACE"] if order.replace else [])]))
        return keys, b"".join(parts)


def encoded(words: list[bytes]) -> bytes:
    """A request in wire form."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def transferred(ctx: Context, argv: Argv, order: Order, found: list[tuple[bytes, object]]) -> Transfer:
    """Hands keys over, at the second attempt if the first met a connection that had gone stale.

    Raises:
        CommandError: There is no connection to be had.
    """
    links = ctx.host.migrate_links
    host, port = argv[1], argv[2]
    for is_last in (False, True):
        try:
            link = links.get(host, port, order.timeout_s(), ctx.host.clock.now_ms)
        except ConnectionError as refused:  # real servers notice that when they write
            raise CommandError(NOT_WRITTEN) from refused
        except OSError as error:
            raise CommandError(NOT_CONNECTED) from error
        transfer = Transfer(ctx, order, link)
        transfer.run(found)
        if transfer.failure is None:
            break
        links.drop(host, port)
        if is_last or not transfer.may_retry:
            break
    return transfer


def delete_moved(ctx: Context, keys: list[bytes]) -> None:
    """Deletes the keys that the other server has; AOF and replicas get DEL."""
    for key in keys:
        ctx.db.remove(key)
        ctx.db.changed(GENERIC, b"del", key)
    if keys:
        ctx.propagate_as([b"DEL", *keys])


@command(
    "MIGRATE",
    arity=-6,
    flags=WRITE | DANGEROUS,
    keys=[FirstKey(), MoreKeys()],
    since="2.6.0",
    summary="Moves keys to another server, or copies them there.",
    complexity=(
        "DUMP and DEL here, RESTORE on the other server: as complex as these, and O(N) for the bytes that go over."
    ),
    syntax=(
        'host port <key | ""> destination-db:integer timeout:integer [COPY] [REPLACE] '
        "[AUTH password | AUTH2 username password] [KEYS key [key ...]]"
    ),
    tips=[b"nondeterministic_output"],
    history=[("3.0.0", "COPY and REPLACE."), ("3.0.6", "KEYS."), ("4.0.7", "AUTH."), ("6.0.0", "AUTH2.")],
)
def migrate(ctx: Context, argv: Argv) -> Reply:
    order = Order(ctx, argv)
    found: list[tuple[bytes, object]] = []
    for key in order.keys:
        value = ctx.db.lookup_read(key)
        if value is not None:
            found.append((key, value))
    if not found:
        return NO_KEY
    transfer = transferred(ctx, argv, order, found)
    if not order.copy:
        delete_moved(ctx, transfer.moved)
    if transfer.refusal is not None:
        raise CommandError(f"ERR Target instance replied with error: {printable(transfer.refusal.encode())}")
    if transfer.failure is not None:
        raise CommandError(transfer.failure)
    return OK
