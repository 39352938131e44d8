"""LATENCY: what held the server up, and how long commands take; see `telemetry.latency` and `telemetry.histogram`."""

from typing import Final

from hognose.commands.context import Context
from hognose.commands.flags import ADMIN, LOADING, NOSCRIPT, STALE
from hognose.commands.help import help_reply
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.commands.table import Command
from hognose.errors import CommandError, printable
from hognose.resp.reply import MapReply, Verbatim
from hognose.telemetry.latency import LatencyEvent, graph

command = CommandGroup("server")
command.container("LATENCY", since="2.8.13", summary="Reports delays.")

OF_LATENCY: Final = ADMIN | NOSCRIPT | LOADING | STALE
REPORT_TIPS: Final = [b"nondeterministic_output", b"request_policy:all_nodes", b"response_policy:special"]


@command(
    "LATENCY|LATEST",
    arity=2,
    flags=OF_LATENCY,
    since="2.8.13",
    summary="Returns the latest and the worst delay of each event.",
    tips=REPORT_TIPS,
)
def latency_latest(ctx: Context, argv: Argv) -> Reply:
    replies: list[object] = []
    for name, event in ctx.host.latency.events.items():
        last = event.samples[-1]
        replies.append([name, int(last.at_s), int(last.latency_ms), int(event.worst_ms)])
    return replies


@command(
    "LATENCY|HISTORY",
    arity=3,
    flags=OF_LATENCY,
    since="2.8.13",
    summary="Returns the delays of an event: time and milliseconds.",
    syntax="event",
    tips=REPORT_TIPS,
)
def latency_history(ctx: Context, argv: Argv) -> Reply:
    event = ctx.host.latency.events.get(argv[2])
    if event is None:
        return []
    return [[int(sample.at_s), int(sample.latency_ms)] for sample in event.samples]


@command(
    "LATENCY|GRAPH",
    arity=3,
    flags=OF_LATENCY,
    since="2.8.13",
    summary="Draws the delays of an event.",
    syntax="event",
    tips=REPORT_TIPS,
)
def latency_graph(ctx: Context, argv: Argv) -> Reply:
    event = ctx.host.latency.events.get(argv[2])
    if event is None:
        raise CommandError(f"ERR No samples available for event '{printable(argv[2])}'")
    return Verbatim(graph(argv[2], event, ctx.host.clock.now_ms // 1000))


@command(
    "LATENCY|RESET",
    arity=-2,
    flags=OF_LATENCY,
    since="2.8.13",
    summary="Forgets the delays of some events, or of all.",
    syntax="[event [event ...]]",
    tips=[b"request_policy:all_nodes", b"response_policy:agg_sum"],
)
def latency_reset(ctx: Context, argv: Argv) -> Reply:
    return ctx.host.latency.reset(argv[2:])


@command(
    "LATENCY|HISTOGRAM",
    arity=-2,
    flags=OF_LATENCY,
    since="7.0.0",
    summary="Returns how the durations of commands are distributed.",
    complexity="O(N) where N is the number of commands with latency information being retrieved.",
    syntax="[command [command ...]]",
    tips=REPORT_TIPS,
)
def latency_histogram(ctx: Context, argv: Argv) -> Reply:
    table = ctx.host.table()
    chosen: list[Command] = []
    if len(argv) == 2:
        chosen = table.everything()
    for name in argv[2:]:
        command_named = table.by_full_name(name)
        if command_named is not None:
            chosen.append(command_named)
            chosen.extend(command_named.subcommands.values())
    flat: list[object] = []
    for each in chosen:
        histogram = each.histogram
        if histogram is None:
            continue
        counts: list[object] = []
        for bound, seen in histogram.rows():
            counts += [bound, seen]
        flat.append(each.name.encode())
        flat.append(MapReply([b"calls", int(histogram.total), b"histogram_usec", MapReply(counts)]))
    return MapReply(flat)


ADVICE: Final[dict[bytes, str]] = {
    b"command": (
        "Some commands are slow in themselves. SLOWLOG GET names them; look for commands over whole collections "
        "(KEYS, SMEMBERS, SORT, large ranges) and split them with the SCAN family."
    ),
    b"fast-command": (
        "Commands that should take constant time were held up. Look at the machine: swapping, a busy CPU, a hypervisor "
        "that gives the time to others."
    ),
    b"expire-cycle": "Many keys or very large ones expire at once. Spread their deadlines.",
    b"eviction-cycle": "Eviction works hard. Give the server more memory, or write less at a time.",
    b"eviction-del": "Evicted values are very large. Split them.",
    b"fork": "Starting snapshots takes long. Less memory per server, or huge pages turned off, helps.",
}


@command(
    "LATENCY|DOCTOR",
    arity=2,
    flags=OF_LATENCY,
    since="2.8.13",
    summary="Explains the delays and what can be done about them.",
    tips=REPORT_TIPS,
)
def latency_doctor(ctx: Context, argv: Argv) -> Reply:
    monitor = ctx.host.latency
    if monitor.threshold_ms <= 0 and not monitor.events:
        text = (
            "Delays are not being watched. CONFIG SET latency-monitor-threshold <milliseconds> says from which "
            "duration on they are recorded; 100 is a good start.\n"
        )
        return Verbatim(text.encode())
    if not monitor.events:
        return Verbatim(b"No delay has reached the threshold of %d ms. All is well.\n" % monitor.threshold_ms)
    now_s = int(ctx.host.clock.now_ms) // 1000
    lines = [f"{len(monitor.events)} kinds of events were slow:", ""]
    for name, event in monitor.events.items():
        lines.append(diagnosis(name, event, now_s))
    lines.append("")
    lines += [ADVICE[name] for name in monitor.events if name in ADVICE]
    return Verbatim(("\n".join(lines) + "\n").encode("utf-8", "replace"))


def diagnosis(name: bytes, event: LatencyEvent, now_s: int) -> str:
    """One event in a sentence."""
    delays = [int(sample.latency_ms) for sample in event.samples]
    mean = sum(delays) // len(delays)
    deviation = sum(abs(delay - mean) for delay in delays) // len(delays)
    ago = now_s - int(event.samples[-1].at_s)
    return (
        f"- {name.decode('utf-8', 'replace')}: {len(delays)} seconds with a delay, {mean} ms on average (mean "
        f"deviation {deviation} ms), {event.worst_ms} ms at worst, the last one {ago} seconds ago."
    )


@command("LATENCY|HELP", arity=2, flags=LOADING | STALE, since="2.8.13", summary="Lists the subcommands.")
def latency_help(ctx: Context, argv: Argv) -> Reply:
    return help_reply(
        "LATENCY",
        [
            ("DOCTOR", "Return an explanation of the delays, in words."),
            ("GRAPH <event>", "Return a drawing of an event's delays."),
            ("HISTOGRAM [<command> ...]", "Return the distribution of the durations of commands."),
            ("HISTORY <event>", "Return the delays of an event, with their times."),
            ("LATEST", "Return the last and the worst delay of each event."),
            ("RESET [<event> ...]", "Forget the delays of these events, or of all."),
        ],
    )
