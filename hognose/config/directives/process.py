"""Directives about the server process: how it runs, what it logs, how it stops, what it measures."""

from typing import Final

from hognose.config.directives.record import (
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    MULTI_ARG,
    NO_MEANING,
    PROTECTED,
    Directive,
    choice,
    integer,
    optional_text,
    special,
    text,
    yes_no,
)
from hognose.config.kinds import INT64_MAX, INT_MAX, Choice, FlagSet, Integer
from hognose.config.specials import Directory, EventClasses, OomScores, Percentiles

SHUTDOWN_SAVE: Final = 1
SHUTDOWN_NOSAVE: Final = 2
SHUTDOWN_NOW: Final = 4
SHUTDOWN_FORCE: Final = 8
"""Bits of shutdown-on-sigint and shutdown-on-sigterm; the same options as of the SHUTDOWN command."""

MIN_HZ: Final = 1
MAX_HZ: Final = 500

_SHUTDOWN_WORDS: Final = [
    ("default", 0),
    ("save", SHUTDOWN_SAVE),
    ("nosave", SHUTDOWN_NOSAVE),
    ("now", SHUTDOWN_NOW),
    ("force", SHUTDOWN_FORCE),
]

# What a variable stands for while a template is checked: those that can turn out empty count as empty.
_TITLE_VARIABLES: Final[dict[str, str]] = {
    "title": "",
    "listen-addr": "*:0",
    "server-mode": "",
    "port": "0",
    "tls-port": "0",
    "unixsocket": "",
    "config-file": "-",
}


def check_shutdown_flags(flags: int) -> str:
    """Why these options of SHUTDOWN do not go together, or the empty string."""
    if flags & SHUTDOWN_SAVE and flags & SHUTDOWN_NOSAVE:
        return "shutdown options SAVE and NOSAVE can't be used simultaneously"
    return ""


def check_title_template(template: str) -> str:
    """Why a process title cannot be made from this template, or the empty string."""
    title = expand_title(template, _TITLE_VARIABLES)
    return "" if title else "template format is invalid or contains unknown variables"


def expand_title(template: str, variables: dict[str, str]) -> str | None:
    """Fills in a template such as `{title} {listen-addr}`; `{{` stands for a brace.

    Returns:
        The title without surrounding spaces; None where a brace is not closed or a variable is unknown.
    """
    title = ""
    rest = template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        title += before
        if rest.startswith("{"):
            title += "{"
            rest = rest[1:]
            continue
        name, brace, rest = rest.partition("}")
        value = variables.get(name)
        if not brace or value is None:
            return None
        title += value
    return (title + rest).strip(" ")


def _shutdown_flags(name: str, summary: str) -> Directive:
    return special(name, FlagSet(_SHUTDOWN_WORDS, check_shutdown_flags), 0, summary, MULTI_ARG)


PROCESS: Final[list[Directive]] = [
    yes_no("daemonize", False, "Run in the background.", IMMUTABLE),
    choice(
        "supervised",
        ["upstart", "systemd", "auto", "no"],
        "no",
        "Tell the service manager when the server is ready.",
        IMMUTABLE,
    ),
    optional_text("pidfile", "File to write the process id to.", IMMUTABLE),
    special(
        "dir",
        Directory(),
        "",
        "Working directory; dump files, append-only files and relative paths live in it.",
        PROTECTED | DENY_LOADING,
    ),
    integer("databases", 16, "Number of databases.", IMMUTABLE, low=1),
    yes_no("set-proc-title", True, "Show the server's state in its process title.", IMMUTABLE),
    text(
        "proc-title-template",
        "{title} {listen-addr} {server-mode}",
        "What the process title shows. Variables: title, listen-addr, server-mode, port, tls-port, unixsocket, "
        "config-file.",
        check=check_title_template,
    ),
    text("locale-collate", "", "Locale that SORT ALPHA compares by; empty is the environment's."),
    special(
        "hz",
        Integer(0, INT_MAX, (MIN_HZ, MAX_HZ)),
        10,
        f"Background task runs per second; numbers outside {MIN_HZ} to {MAX_HZ} are moved into it.",
    ),
    yes_no("dynamic-hz", True, "Run background tasks more often when there are many clients."),
    optional_text("server_cpulist", "Processors the main thread may use, such as `0-3`.", IMMUTABLE),
    optional_text("bio_cpulist", "Processors the background threads may use.", IMMUTABLE),
    optional_text("aof_rewrite_cpulist", "Processors the append-only file rewrite may use.", IMMUTABLE),
    optional_text("bgsave_cpulist", "Processors the snapshot child may use.", IMMUTABLE),
    special(
        "oom-score-adj",
        Choice(["no", "yes", "relative", "absolute"], {"relative": "yes"}),
        "no",
        "Whether oom-score-adj-values are set, relative to the score at start or as absolute numbers.",
    ),
    special(
        "oom-score-adj-values",
        OomScores(),
        (0, 200, 800),
        "Scores for the kernel's out-of-memory killer: primary, replica, child process.",
        MULTI_ARG,
    ),
    yes_no("disable-thp", True, "Turn off transparent huge pages for this process.", IMMUTABLE),
    text("ignore-warnings", "", "Start-up checks to pass over. There are none here that stop the start.", NO_MEANING),
]

LOGGING: Final[list[Directive]] = [
    choice(
        "loglevel",
        ["debug", "verbose", "notice", "warning", "nothing"],
        "notice",
        "Least important level that is logged.",
    ),
    text("logfile", "", "File to log to; empty is standard output.", IMMUTABLE),
    yes_no("always-show-logo", False, "Log the banner even where the log is not a terminal.", IMMUTABLE),
    yes_no("syslog-enabled", False, "Log to syslog too.", IMMUTABLE),
    text("syslog-ident", "redis", "Name under which to log there.", IMMUTABLE),
    choice(
        "syslog-facility",
        ["user", *[f"local{number}" for number in range(8)]],
        "local0",
        "Syslog facility.",
        IMMUTABLE,
    ),
    yes_no("crash-log-enabled", True, "Log a report when the process crashes."),
    yes_no("crash-memcheck-enabled", True, "Test memory after a crash. A Python process does not.", NO_MEANING),
    yes_no("use-exit-on-panic", False, "Exit instead of aborting on a failed assertion.", HIDDEN),
    integer("watchdog-period", 0, "Milliseconds the event loop may stall before a report is logged; 0 is off.", HIDDEN),
]

SHUTDOWN: Final[list[Directive]] = [
    integer("shutdown-timeout", 10, "Seconds a shutdown waits for replicas that lag."),
    _shutdown_flags("shutdown-on-sigint", "Options of SHUTDOWN that SIGINT implies."),
    _shutdown_flags("shutdown-on-sigterm", "Options of SHUTDOWN that SIGTERM implies."),
]

MONITORING: Final[list[Directive]] = [
    integer(
        "slowlog-log-slower-than",
        10000,
        "Microseconds after which a command enters the slow log; 0 logs all, -1 none.",
        low=-1,
        high=INT64_MAX,
    ),
    integer("slowlog-max-len", 128, "Entries the slow log keeps.", high=INT64_MAX),
    integer(
        "latency-monitor-threshold", 0, "Milliseconds after which LATENCY records an event; 0 is off.", high=INT64_MAX
    ),
    yes_no("latency-tracking", True, "Keep a latency histogram for every command."),
    special(
        "latency-tracking-info-percentiles",
        Percentiles(),
        (50.0, 99.0, 99.9),
        "Percentiles that INFO latencystats shows.",
        MULTI_ARG,
    ),
    special(
        "notify-keyspace-events",
        EventClasses(),
        0,
        "Keyspace events to publish. Where: `K` by key, `E` by event. What: `g` generic, `$` strings, `l` lists, "
        "`s` sets, `h` hashes, `z` sorted sets, `t` streams, `d` modules, `x` expired, `e` evicted, `A` all of these; "
        "`n` new keys, `m` misses.",
    ),
]

SCRIPTING: Final[list[Directive]] = [
    integer(
        "busy-reply-threshold",
        5000,
        "Milliseconds after which a running script no longer keeps others from being told BUSY; 0 waits for ever.",
        alias="lua-time-limit",
        high=INT64_MAX,
    ),
]
