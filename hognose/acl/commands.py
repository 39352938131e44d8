"""ACL: looking at users, changing them, and what they were refused. What the rules mean stands in `hognose.acl`."""

import os
from itertools import islice
from typing import Final

from hognose.acl.control import access_control, denial_text
from hognose.acl.file import AclFileError
from hognose.acl.log import LogEntry
from hognose.acl.permission import AUTH, CHANNEL, COMMAND, KEY, denial
from hognose.acl.selector import Selector
from hognose.acl.user import user_name, user_name_bytes
from hognose.commands.arguments import integer
from hognose.commands.context import Context
from hognose.commands.flags import ADMIN, CATEGORIES, LOADING, NOSCRIPT, STALE
from hognose.commands.help import help_reply
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError, printable, wrong_number_of_arguments
from hognose.resp.reply import OK, MapReply, SetReply

command = CommandGroup("server")
command.container("ACL", since="6.0.0", summary="Manages users and what they may do.")

BY_ANYONE: Final = NOSCRIPT | LOADING | STALE
BY_ADMIN: Final = ADMIN | BY_ANYONE
ALL_NODES: Final = [b"request_policy:all_nodes", b"response_policy:all_succeeded"]

NO_ACL_FILE: Final = (
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
    "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
    "users in the Redis configuration."
)
MAX_PASSWORD_BITS: Final = 4096
BAD_PASSWORD_BITS: Final = (
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to "
    f"{MAX_PASSWORD_BITS}"
)
DEFAULT_PASSWORD_BITS: Final = 256
DEFAULT_LOG_ENTRIES: Final = 10

REASON_WORDS: Final[dict[int, bytes]] = {COMMAND: b"command", KEY: b"key", CHANNEL: b"channel", AUTH: b"auth"}


def require_at_most(argv: Argv, most: int) -> None:
    """Refuses more arguments than the subcommand takes, in the words of commands that check that themselves."""
    if len(argv) > most:
        text = f"unknown subcommand or wrong number of arguments for '{printable(argv[1])[:128]}'. Try ACL HELP."
        raise CommandError("ERR " + text)


# Users


@command(
    "ACL|SETUSER",
    arity=-3,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Makes or changes a user by rules.",
    complexity="O(N). Where N is the number of rules provided.",
    syntax="username [rule [rule ...]]",
    tips=ALL_NODES,
    history=[("6.2.0", "Channel patterns."), ("7.0.0", "Selectors; reading and writing keys apart.")],
)
def acl_setuser(ctx: Context, argv: Argv) -> Reply:
    for index in range(2, len(argv)):
        ctx.redact(argv, index)
    access_control(ctx).set_user(argv[2], argv[3:], ctx)
    return OK


@command(
    "ACL|DELUSER",
    arity=-3,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Deletes users and closes their connections.",
    complexity="O(1) amortized time considering the typical user.",
    syntax="username [username ...]",
    tips=ALL_NODES,
)
def acl_deluser(ctx: Context, argv: Argv) -> Reply:
    return access_control(ctx).delete_users(argv[2:], ctx)


@command(
    "ACL|GETUSER",
    arity=3,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Returns what a user may do, and the hashes of its passwords.",
    complexity="O(N). Where N is the number of password, command and pattern rules that the user has.",
    syntax="username",
    history=[("6.2.0", "Channel patterns."), ("7.0.0", "Selectors; patterns are shown as the rules that make them.")],
)
def acl_getuser(ctx: Context, argv: Argv) -> Reply:
    user = access_control(ctx).users.get(user_name(argv[2]))
    if user is None:
        return None
    flat: list[object] = [b"flags", SetReply(list(user.flags())), b"passwords", list(user.passwords)]
    flat.extend(described(user.selectors[0]))
    flat.extend([b"selectors", [MapReply(described(selector)) for selector in user.selectors[1:]]])
    return MapReply(flat)


def described(selector: Selector) -> list[object]:
    """The permissions of a selector, with their names."""
    flat: list[object] = [b"commands", selector.commands_text(), b"keys", selector.keys_text()]
    flat.extend([b"channels", selector.channels_text()])
    return flat


@command(
    "ACL|LIST",
    arity=2,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Lists the users as the lines that make them in files.",
    complexity="O(N). Where N is the number of configured users.",
)
def acl_list(ctx: Context, argv: Argv) -> Reply:
    return [b"user " + user.line() for user in access_control(ctx).sorted_users()]


@command(
    "ACL|USERS",
    arity=2,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Lists the names of the users.",
    complexity="O(N). Where N is the number of configured users.",
)
def acl_users(ctx: Context, argv: Argv) -> Reply:
    return [user_name_bytes(user.name) for user in access_control(ctx).sorted_users()]


@command(
    "ACL|WHOAMI",
    arity=2,
    flags=BY_ANYONE,
    since="6.0.0",
    summary="Returns the name of the user the connection is.",
)
def acl_whoami(ctx: Context, argv: Argv) -> Reply:
    return user_name_bytes(ctx.user)


@command(
    "ACL|CAT",
    arity=-2,
    flags=BY_ANYONE,
    since="6.0.0",
    summary="Lists the categories, or the commands of one.",
    complexity="O(1) since the categories and commands are a fixed set.",
    syntax="[category]",
)
def acl_cat(ctx: Context, argv: Argv) -> Reply:
    require_at_most(argv, 3)
    if len(argv) == 2:
        return list(CATEGORIES)
    commands = access_control(ctx).index.category(argv[2])
    if commands is None:
        raise CommandError(f"ERR Unknown category '{printable(argv[2][:128])}'")
    return [each.name.encode() for each in commands]


@command(
    "ACL|DRYRUN",
    arity=-4,
    flags=BY_ADMIN,
    since="7.0.0",
    summary="Tells whether a user might run a command, without running it.",
    complexity="O(1).",
    syntax="username command [arg [arg ...]]",
)
def acl_dryrun(ctx: Context, argv: Argv) -> Reply:
    user = access_control(ctx).users.get(user_name(argv[2]))
    if user is None:
        raise CommandError(f"ERR User '{printable(argv[2])}' not found")
    request = argv[3:]
    found = ctx.host.table().find(request)
    if found is None or (found.is_container and len(request) > 1):
        raise CommandError(f"ERR Command '{printable(argv[3])}' not found")
    if len(request) < found.least or len(request) > found.most:
        raise wrong_number_of_arguments(found.name)
    denied = denial(user, found, request)
    if denied is None:
        return OK
    return denial_text(user, found, denied, request[denied.at]).encode("utf-8", "surrogateescape")


@command(
    "ACL|GENPASS",
    arity=-2,
    flags=BY_ANYONE,
    since="6.0.0",
    summary="Makes up a password that nobody can guess.",
    syntax="[bits:integer]",
)
def acl_genpass(ctx: Context, argv: Argv) -> Reply:
    require_at_most(argv, 3)
    bits = integer(argv[2]) if len(argv) == 3 else DEFAULT_PASSWORD_BITS
    if not 0 < bits <= MAX_PASSWORD_BITS:
        raise CommandError(BAD_PASSWORD_BITS)
    digits = (bits + 3) // 4
    return os.urandom((digits + 1) // 2).hex()[:digits].encode()


# The file


@command(
    "ACL|LOAD",
    arity=2,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Replaces all users by those of the ACL file.",
    complexity="O(N). Where N is the number of configured users.",
)
def acl_load(ctx: Context, argv: Argv) -> Reply:
    require_acl_file(ctx)
    try:
        access_control(ctx).load(ctx)
    except AclFileError as error:
        raise CommandError("ERR " + error.text) from error
    return OK


@command(
    "ACL|SAVE",
    arity=2,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Writes all users to the ACL file.",
    complexity="O(N). Where N is the number of configured users.",
    tips=ALL_NODES,
)
def acl_save(ctx: Context, argv: Argv) -> Reply:
    require_acl_file(ctx)
    access_control(ctx).save()
    return OK


def require_acl_file(ctx: Context) -> None:
    """Refuses where no file is configured."""
    if not ctx.host.settings.aclfile:
        raise CommandError(NO_ACL_FILE)


# The log


@command(
    "ACL|LOG",
    arity=-2,
    flags=BY_ADMIN,
    since="6.0.0",
    summary="Shows what users were refused lately, newest first, or forgets it.",
    complexity="O(N) with N being the number of entries shown.",
    syntax="[count:integer | RESET]",
    history=[("7.2.0", "Entries have an id, and the times of their first and their last event.")],
)
def acl_log(ctx: Context, argv: Argv) -> Reply:
    require_at_most(argv, 3)
    log = access_control(ctx).log
    if len(argv) == 3 and argv[2].upper() == b"RESET":
        log.clear()
        return OK
    count = max(integer(argv[2]), 0) if len(argv) == 3 else DEFAULT_LOG_ENTRIES
    now_ms = int(ctx.now_ms())
    return [shown_entry(entry, now_ms) for entry in islice(log.entries, min(count, len(log.entries)))]


def shown_entry(entry: LogEntry, now_ms: int) -> MapReply:
    """One entry of the log."""
    return MapReply(
        [
            b"count",
            int(entry.count),
            b"reason",
            REASON_WORDS[int(entry.reason)],
            b"context",
            entry.context,
            b"object",
            entry.subject,
            b"username",
            user_name_bytes(entry.user),
            b"age-seconds",
            (now_ms - int(entry.updated_ms)) / 1000,
            b"client-info",
            entry.client,
            b"entry-id",
            int(entry.id),
            b"timestamp-created",
            int(entry.created_ms),
            b"timestamp-last-updated",
            int(entry.updated_ms),
        ]
    )


@command("ACL|HELP", arity=2, flags=LOADING | STALE, since="6.0.0", summary="Lists the subcommands.")
def acl_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply("ACL")
