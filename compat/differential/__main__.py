"""`python -m compat.differential`: compares, prints what differs, and exits with 1 if anything does."""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from random import SystemRandom
from typing import Final

from compat.differential.compare import Outcome, Pair, compare
from compat.differential.departures import EXCLUDED, OTHERWISE
from compat.differential.generate import specs_of
from compat.differential.wire import Link, parse
from compat.servers import NAMES, ServerBinary, hognose_binary, install, start

SUBCOMMANDS: Final = 9
"""Index of the subcommands in an entry of COMMAND, from Redis 7.0 on."""


def differential(
    ours: ServerBinary, theirs: ServerBinary, *, groups: list[str], commands: int, seed: int, resp: int
) -> Outcome:
    """Starts both servers and compares them.

    Args:
        ours: hognose.
        theirs: The real server.
        groups: Command groups to generate from, or `all`.
        commands: How many commands to send.
        seed: Decides which.
        resp: Protocol version, 2 or 3.

    Raises:
        ValueError: There is no such group.
    """
    specs = specs_of(groups, set(EXCLUDED) | OTHERWISE.get(theirs.name, frozenset()))
    with start(ours, config=debugging(ours)) as mine, start(theirs, config=debugging(theirs)) as real:
        # DBSIZE counts expired keys until a server comes by to remove them: neither does so by itself here.
        for server in (mine, real):
            with Link(server.host, server.port) as link:
                link.ask([b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0"])
        pair = Pair(lambda: Link(mine.host, mine.port, resp), lambda: Link(real.host, real.port, resp), theirs.name)
        with Link(real.host, real.port) as link:
            arities = known_arities(link)
        specs = [spec for spec in specs if arities.get(spec.name, spec.arity) == spec.arity and spec.name in arities]
        try:
            return compare(pair, specs, commands, seed)
        finally:
            pair.close()


def debugging(server: ServerBinary) -> dict[str, str]:
    """What lets DEBUG be used: version 6.2 allows it always, and does not know the directive."""
    return {} if server.name == "redis-6.2" else {"enable-debug-command": "yes"}


def known_arities(link: Link) -> dict[str, int]:
    """The commands a server has, by full name: those it lacks, or takes otherwise, cannot be compared on it."""
    found: dict[str, int] = {}
    for entry in parse(link.ask([b"COMMAND"])).items:
        for described in (entry, *(entry.items[SUBCOMMANDS].items if len(entry.items) > SUBCOMMANDS else ())):
            name, arity = described.items[0].text or b"", described.items[1].text or b"0"
            found[name.decode().lower()] = int(arity)
    return found


def report(outcome: Outcome, *, quiet: bool) -> str:
    """What a comparison found, for people."""
    lines = [finding.text() + "\n" for finding in outcome.findings]
    if not quiet:
        lines.extend(f"allowed {count:6d}  {name}" for name, count in sorted(outcome.allowed.items()))
    return "\n".join(lines)


def main(words: Sequence[str]) -> int:
    """Runs the comparison the words ask for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m compat.differential", description=__doc__)
    parser.add_argument("--commands", type=int, default=20_000, help="how many commands to send")
    parser.add_argument("--seed", type=int, help="decides which commands; printed, so that a run can be repeated")
    parser.add_argument("--groups", default="all", help="command groups, comma separated, or all")
    parser.add_argument("--resp", type=int, choices=[2, 3], default=2)
    parser.add_argument("--server", choices=NAMES, default="redis-7.0", help="the real server")
    parser.add_argument("--hognose", help="the command that starts hognose; by default the installed one")
    parser.add_argument("--quiet", action="store_true", help="only differences and the last line")
    options = parser.parse_args(words)
    seed = options.seed if options.seed is not None else SystemRandom().randrange(1_000_000)
    ours = hognose_binary(shlex.split(options.hognose) if options.hognose else ())
    if ours is None:
        parser.error("hognose does not start")
    began = time.monotonic()
    outcome = differential(
        ours,
        install(options.server),
        groups=options.groups.split(","),
        commands=options.commands,
        seed=seed,
        resp=options.resp,
    )
    text = report(outcome, quiet=options.quiet)
    if text:
        print(text)
    print(
        f"{outcome.commands} commands ({len(outcome.per_command)} different) on {ours.name} {ours.version} and "
        f"{options.server}, RESP{options.resp}, seed {seed}, {time.monotonic() - began:.0f} s: "
        f"{len(outcome.findings)} differences"
    )
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
