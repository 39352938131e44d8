"""COMMAND and its subcommands: what the command table says about the commands.

Everything comes from the records of `spec`, the tree of arguments from their `syntax`. The replies' shapes are those of
Redis 7.2; redis-cli makes its hints from COMMAND DOCS, cluster clients find keys by COMMAND INFO.
"""

from typing import Final

from hognose.commands.flags import (
    CATEGORIES,
    CONNECTION,
    FLAG_WORDS,
    KEY_FLAG_WORDS,
    LOADING,
    MOVABLE_KEYS,
    NO_MANDATORY_KEYS,
    NOT_KEY,
    STALE,
    SYSCMD,
    words_of,
)
from hognose.commands.help import help_reply
from hognose.commands.keyspec import (
    BEGIN_INDEX,
    BEGIN_KEYWORD,
    FIND_KEYNUM,
    FIND_RANGE,
    KeySpec,
    key_range,
)
from hognose.commands.keyuse import KeyUse, key_uses
from hognose.commands.spec import Argv, CommandGroup, CommandSpec, Context, Reply
from hognose.commands.syntax import Argument, parse_syntax
from hognose.commands.table import Command
from hognose.datastructures.glob import glob_match
from hognose.errors import SYNTAX, CommandError, printable, unknown_subcommand
from hognose.resp.reply import MapReply, SetReply, Simple

command = CommandGroup("server")

ABOUT_COMMANDS: Final = LOADING | STALE | CONNECTION
DIFFERENT_ORDER: Final = b"nondeterministic_output_order"


@command(
    "COMMAND",
    arity=-1,
    flags=ABOUT_COMMANDS,
    since="2.8.13",
    summary="Describes every command of this server.",
    complexity="O(N) where N is the number of commands.",
    tips=[DIFFERENT_ORDER],
)
def command_(ctx: Context, argv: Argv) -> Reply:
    if len(argv) > 1:
        raise unknown_subcommand(printable(argv[1]), "COMMAND")
    return [described(each) for each in ctx.host.table().commands.values()]


@command(
    "COMMAND|COUNT",
    arity=2,
    flags=ABOUT_COMMANDS,
    since="2.8.13",
    summary="Counts the commands of this server, subcommands not included.",
)
def command_count(ctx: Context, argv: Argv) -> Reply:
    return len(ctx.host.table().commands)


@command(
    "COMMAND|INFO",
    arity=-2,
    flags=ABOUT_COMMANDS,
    since="2.8.13",
    summary="Describes the commands named, or every command.",
    complexity="O(N) where N is the number of commands to describe.",
    syntax="[command-name [command-name ...]]",
    tips=[DIFFERENT_ORDER],
    history=[("7.0.0", "No name at all now means every command.")],
)
def command_info(ctx: Context, argv: Argv) -> Reply:
    table = ctx.host.table()
    if len(argv) == 2:
        return [described(each) for each in table.commands.values()]
    replies: list[object] = []
    for name in argv[2:]:
        found = table.by_full_name(name)
        replies.append(None if found is None else described(found))
    return replies


@command(
    "COMMAND|DOCS",
    arity=-2,
    flags=ABOUT_COMMANDS,
    since="7.0.0",
    summary="Documents the commands named, or every command.",
    complexity="O(N) where N is the number of commands to document.",
    syntax="[command-name [command-name ...]]",
    tips=[DIFFERENT_ORDER],
)
def command_docs(ctx: Context, argv: Argv) -> Reply:
    table = ctx.host.table()
    chosen: list[Command] = []
    if len(argv) == 2:
        chosen = list(table.commands.values())
    for name in argv[2:]:
        found = table.by_full_name(name)
        if found is not None:
            chosen.append(found)
    flat: list[object] = []
    for each in chosen:
        flat.extend([each.name.encode(), documented(each.spec)])
    return MapReply(flat)


@command(
    "COMMAND|LIST",
    arity=-2,
    flags=ABOUT_COMMANDS,
    since="7.0.0",
    summary="Lists the names of the commands and their subcommands.",
    complexity="O(N) where N is the number of commands.",
    syntax="[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    tips=[DIFFERENT_ORDER],
)
def command_list(ctx: Context, argv: Argv) -> Reply:
    everything = ctx.host.table().everything()
    if len(argv) == 2:
        return [each.name.encode() for each in everything]
    if len(argv) != 5 or argv[2].upper() != b"FILTERBY":
        raise CommandError(SYNTAX)
    kind = argv[3].upper()
    if kind == b"MODULE":
        return []  # no command of this server comes from a module
    if kind == b"ACLCAT":
        category = argv[4].lower()
        return [each.name.encode() for each in everything if category in each.spec.categories()]
    if kind == b"PATTERN":
        return [each.name.encode() for each in everything if glob_match(argv[4], each.name.encode(), ignore_case=True)]
    raise CommandError(SYNTAX)


@command(
    "COMMAND|GETKEYS",
    arity=-3,
    flags=ABOUT_COMMANDS,
    since="2.8.13",
    summary="Finds the keys in a full command.",
    complexity="O(N) where N is the number of arguments of that command.",
    syntax="command [arg [arg ...]]",
)
def command_getkeys(ctx: Context, argv: Argv) -> Reply:
    request = argv[2:]
    return [request[use.at] for use in keys_used(ctx, request)]


@command(
    "COMMAND|GETKEYSANDFLAGS",
    arity=-3,
    flags=ABOUT_COMMANDS,
    since="7.0.0",
    summary="Finds the keys in a full command and says what the command does with each.",
    complexity="O(N) where N is the number of arguments of that command.",
    syntax="command [arg [arg ...]]",
)
def command_getkeysandflags(ctx: Context, argv: Argv) -> Reply:
    request = argv[2:]
    return [[request[use.at], statuses(words_of(use.flags, KEY_FLAG_WORDS))] for use in keys_used(ctx, request)]


@command(
    "COMMAND|HELP",
    arity=2,
    flags=ABOUT_COMMANDS,
    since="5.0.0",
    summary="Lists the subcommands.",
)
def command_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply("COMMAND")


# Keys of a request


def keys_used(ctx: Context, request: Argv) -> list[KeyUse]:
    """The keys of a request given to COMMAND GETKEYS.

    Raises:
        CommandError: There is no such command, it has no keys, or the arguments do not fit it.
    """
    found = named_by(ctx, request)
    if found is None:
        raise CommandError("ERR Invalid command specified")
    spec = found.spec
    if all_without_keys(spec.keys):
        raise CommandError("ERR The command has no key arguments")
    if len(request) < found.least or len(request) > found.most:
        raise CommandError("ERR Invalid number of arguments specified for command")
    uses = key_uses(spec, request)
    if not uses and spec.flags & NO_MANDATORY_KEYS == 0:
        raise CommandError("ERR Invalid arguments specified for command")
    return uses


def named_by(ctx: Context, request: Argv) -> Command | None:
    """The command a request names; None for an unknown subcommand as well."""
    found = ctx.host.table().find(request)
    if found is not None and found.is_container and len(request) > 1:
        return None
    return found


def all_without_keys(specs: list[KeySpec]) -> bool:
    """Whether no specification finds keys."""
    return all(spec.flags & NOT_KEY != 0 for spec in specs)


# COMMAND INFO


def statuses(words: list[bytes]) -> SetReply:
    """A set of simple strings."""
    return SetReply([Simple(word) for word in words])


def described(each: Command) -> Reply:
    """One command as COMMAND and COMMAND INFO describe it."""
    spec = each.spec
    keys = key_range(spec.keys)
    flags = spec.flags | (MOVABLE_KEYS if keys.movable else 0)
    belongs = spec.categories()
    return [
        each.name.encode(),
        spec.arity,
        statuses(words_of(flags, FLAG_WORDS)),
        keys.first,
        keys.last,
        keys.step,
        statuses([b"@" + category for category in CATEGORIES if category in belongs]),
        SetReply(list(spec.tips)),
        SetReply([key_spec_reply(key_spec) for key_spec in spec.keys]),
        [described(sub) for sub in each.subcommands.values()],
    ]


def key_spec_reply(spec: KeySpec) -> MapReply:
    """One key specification."""
    flat: list[object] = []
    if spec.notes:
        flat.extend([b"notes", spec.notes])
    flat.extend([b"flags", statuses(words_of(spec.flags, KEY_FLAG_WORDS))])
    flat.extend([b"begin_search", begin_reply(spec), b"find_keys", find_reply(spec)])
    return MapReply(flat)


def begin_reply(spec: KeySpec) -> MapReply:
    """Where the search for keys begins."""
    if spec.begin == BEGIN_INDEX:
        return typed(b"index", [b"index", spec.index])
    if spec.begin == BEGIN_KEYWORD:
        return typed(b"keyword", [b"keyword", spec.keyword, b"startfrom", spec.index])
    return typed(b"unknown", [])


def find_reply(spec: KeySpec) -> MapReply:
    """How keys are found from there."""
    if spec.find == FIND_RANGE:
        return typed(b"range", [b"lastkey", spec.last, b"keystep", spec.step, b"limit", spec.limit])
    if spec.find == FIND_KEYNUM:
        return typed(b"keynum", [b"keynumidx", spec.keynum, b"firstkey", spec.first, b"keystep", spec.step])
    return typed(b"unknown", [])


def typed(kind: bytes, flat: list[object]) -> MapReply:
    """A step of a key specification: its type, and what that type needs."""
    return MapReply([b"type", kind, b"spec", MapReply(flat)])


# COMMAND DOCS


def documented(spec: CommandSpec) -> MapReply:
    """One command as COMMAND DOCS documents it."""
    flat: list[object] = [b"summary", spec.summary, b"since", spec.since, b"group", spec.group.replace("_", "-")]
    flat.extend([b"complexity", spec.complexity])
    doc_flags: list[bytes] = [b"deprecated"] if spec.deprecated is not None else []
    if spec.flags & SYSCMD:
        doc_flags.append(b"syscmd")
    if doc_flags:
        flat.extend([b"doc_flags", statuses(doc_flags)])
    if spec.deprecated is not None:
        since, replaced_by = spec.deprecated
        flat.extend([b"deprecated_since", since])
        if replaced_by:
            flat.extend([b"replaced_by", replaced_by])
    if spec.history:
        flat.extend([b"history", SetReply([[version, change] for version, change in spec.history])])
    arguments = arguments_of(spec)
    if arguments:
        flat.extend([b"arguments", [argument_reply(argument) for argument in arguments]])
    if spec.subcommands:
        subcommands: list[object] = []
        for sub in spec.subcommands.values():
            subcommands.extend([sub.name, documented(sub)])
        flat.extend([b"subcommands", MapReply(subcommands)])
    return MapReply(flat)


def arguments_of(spec: CommandSpec) -> list[Argument]:
    """The tree of a command's arguments."""
    return parse_syntax(spec.syntax, len(spec.keys))


def argument_reply(argument: Argument) -> MapReply:
    """One argument, with all that it holds."""
    flat: list[object] = [b"name", argument.name, b"type", argument.kind]
    if not argument.is_group():
        flat.extend([b"display_text", argument.name])
    if argument.key_spec >= 0:
        flat.extend([b"key_spec_index", argument.key_spec])
    if argument.token:
        flat.extend([b"token", argument.token])
    words: list[bytes] = []
    if argument.optional:
        words.append(b"optional")
    if argument.multiple:
        words.append(b"multiple")
    if argument.multiple_token:
        words.append(b"multiple_token")
    if words:
        flat.extend([b"flags", statuses(words)])
    if argument.is_group():
        flat.extend([b"arguments", [argument_reply(each) for each in argument.arguments]])
    return MapReply(flat)
