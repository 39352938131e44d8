"""CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO; what they switch is in `invalidation`."""

from typing import Final

from hognose.commands.arguments import integer
from hognose.commands.client import OF_CLIENT, switch
from hognose.commands.context import BROKEN_REDIRECT, TRACKING, TRACKING_BROADCAST, Context
from hognose.commands.invalidation import Tracker
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import SYNTAX, CommandError, printable
from hognose.resp.reply import OK, MapReply, SetReply

command = CommandGroup("connection")

ONE_REDIRECT: Final = "ERR A client can only redirect to a single other client"
NO_SUCH_REDIRECT: Final = "ERR The client ID you want redirect to does not exist"
PREFIX_NEEDS_BROADCAST: Final = "ERR PREFIX option requires BCAST mode to be enabled"
BROADCAST_FIXED: Final = (
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a "
    "different mode."
)
OPTIONS_WITH_BROADCAST: Final = "ERR OPTIN and OPTOUT are not compatible with BCAST"
BOTH_OPTIONS: Final = "ERR You can't specify both OPTIN mode and OPTOUT mode"
OPTION_FIXED: Final = (
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a "
    "different mode."
)
CACHING_WITHOUT_MODE: Final = (
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
)
YES_NEEDS_OPTIN: Final = "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
NO_NEEDS_OPTOUT: Final = "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."


class TrackingOptions:
    """The options of CLIENT TRACKING."""

    def __init__(self) -> None:
        self.redirect = 0
        self.broadcast = False
        self.opt_in = False
        self.opt_out = False
        self.no_loop = False
        self.prefixes: list[bytes] = []


def parse_tracking(ctx: Context, argv: Argv) -> TrackingOptions:
    """Reads the options behind ON or OFF."""
    options = TrackingOptions()
    index = 3
    while index < len(argv):
        word = argv[index].upper()
        has_more = index + 1 < len(argv)
        if word == b"REDIRECT" and has_more:
            index += 1
            if options.redirect:
                raise CommandError(ONE_REDIRECT)
            options.redirect = integer(argv[index])
            if ctx.host.find_client(options.redirect) is None:
                raise CommandError(NO_SUCH_REDIRECT)
        elif word == b"PREFIX" and has_more:
            index += 1
            options.prefixes.append(argv[index])
        elif word == b"BCAST":
            options.broadcast = True
        elif word == b"OPTIN":
            options.opt_in = True
        elif word == b"OPTOUT":
            options.opt_out = True
        elif word == b"NOLOOP":
            options.no_loop = True
        else:
            raise CommandError(SYNTAX)
        index += 1
    return options


def check_tracking(ctx: Context, options: TrackingOptions, known: Tracker | None) -> None:
    """Refuses options that contradict each other or how the client tracks already."""
    if options.prefixes and not options.broadcast:
        raise CommandError(PREFIX_NEEDS_BROADCAST)
    if known is not None and options.broadcast != (ctx.flags & TRACKING_BROADCAST != 0):
        raise CommandError(BROADCAST_FIXED)
    if options.broadcast and (options.opt_in or options.opt_out):
        raise CommandError(OPTIONS_WITH_BROADCAST)
    if options.opt_in and options.opt_out:
        raise CommandError(BOTH_OPTIONS)
    if known is not None and ((options.opt_in and known.opt_out) or (options.opt_out and known.opt_in)):
        raise CommandError(OPTION_FIXED)
    check_prefixes(options.prefixes, list(known.prefixes) if known is not None else [])


def check_prefixes(prefixes: list[bytes], existing: list[bytes]) -> None:
    """Refuses prefixes of which one is the beginning of another: a change would be reported twice."""
    for index, prefix in enumerate(prefixes):
        for other, words in [(each, "an existing prefix") for each in existing] + [
            (each, "another provided prefix") for each in prefixes[index + 1 :]
        ]:
            if prefix.startswith(other) or other.startswith(prefix):
                raise CommandError(
                    f"ERR Prefix '{printable(prefix)}' overlaps with {words} '{printable(other)}'. "
                    "Prefixes for a single client must not overlap."
                )


@command(
    "CLIENT|TRACKING",
    arity=-3,
    flags=OF_CLIENT,
    since="6.0.0",
    summary="Switches messages about keys that the client has cached and that change.",
    complexity="O(1). Some options may introduce additional complexity.",
    syntax="<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
)
def client_tracking(ctx: Context, argv: Argv) -> Reply:
    options = parse_tracking(ctx, argv)
    invalidation = ctx.host.invalidation
    if not switch(argv[2]):
        invalidation.disable(ctx)
        return OK
    check_tracking(ctx, options, invalidation.trackers.get(ctx.id))
    prefixes = options.prefixes if options.broadcast else None
    invalidation.enable(ctx, options.redirect, prefixes, options.opt_in, options.opt_out, options.no_loop)
    return OK


@command(
    "CLIENT|CACHING",
    arity=3,
    flags=OF_CLIENT,
    since="6.0.0",
    summary="Says whether the keys of the next command are cached.",
    syntax="<YES | NO>",
)
def client_caching(ctx: Context, argv: Argv) -> Reply:
    tracker = ctx.host.invalidation.trackers.get(ctx.id)
    if tracker is None:
        raise CommandError(CACHING_WITHOUT_MODE)
    word = argv[2].upper()
    if word == b"YES" and not tracker.opt_in:
        raise CommandError(YES_NEEDS_OPTIN)
    if word == b"NO" and not tracker.opt_out:
        raise CommandError(NO_NEEDS_OPTOUT)
    if word not in (b"YES", b"NO"):
        raise CommandError(SYNTAX)
    tracker.caching_given = True
    return OK


@command(
    "CLIENT|GETREDIR",
    arity=2,
    flags=OF_CLIENT,
    since="6.0.0",
    summary="Returns the id of the client that gets this one's messages: 0 for itself, -1 without tracking.",
)
def client_getredir(ctx: Context, argv: Argv) -> Reply:
    return int(ctx.redirect) if ctx.attention & TRACKING else -1


@command(
    "CLIENT|TRACKINGINFO",
    arity=2,
    flags=OF_CLIENT,
    since="6.2.0",
    summary="Returns how the client tracks.",
)
def client_trackinginfo(ctx: Context, argv: Argv) -> Reply:
    tracker = ctx.host.invalidation.trackers.get(ctx.id)
    words: list[object] = [b"off" if tracker is None else b"on"]
    prefixes: list[object] = []
    if tracker is not None:
        prefixes.extend(tracker.prefixes)
        for is_set, word in (
            (ctx.flags & TRACKING_BROADCAST != 0, b"bcast"),
            (tracker.opt_in, b"optin"),
            (tracker.opt_in and tracker.caching_given, b"caching-yes"),
            (tracker.opt_out, b"optout"),
            (tracker.opt_out and tracker.caching_given, b"caching-no"),
            (tracker.no_loop, b"noloop"),
            (ctx.flags & BROKEN_REDIRECT != 0, b"broken_redirect"),
        ):
            if is_set:
                words.append(word)
    redirect = int(ctx.redirect) if tracker is not None else -1
    return MapReply([b"flags", SetReply(words), b"redirect", redirect, b"prefixes", prefixes])
