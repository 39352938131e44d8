"""`python -m compat.clients [--server NAME...] [--client NAME...]`: prints a table of clients and steps per server."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from compat.clients.drive import CLIENTS, Outcome, run_client
from compat.clients.scenario import STEPS
from compat.servers import find, hognose_binary
from compat.toolchain import ToolError


def table(outcomes: dict[str, Outcome]) -> str:
    """A line per client: its count of steps, and what failed; `-` marks what its library does not have."""
    width = max(len(client) for client in outcomes)
    lines = [f"{'':{width}}  " + " ".join(f"{number:>2}" for number in range(1, len(STEPS) + 1))]
    for client, outcome in outcomes.items():
        missing = outcome.missing(client)
        marks = []
        for step in STEPS:
            fault = outcome.faults.get(step)
            marks.append("??" if step in missing else " -" if fault is None else "NO" if fault else "ok")
        lines.append(f"{client:{width}}  {' '.join(marks)}")
    return "\n".join(lines)


def main(words: Sequence[str]) -> int:
    """Runs the clients, prints the tables.

    Returns:
        0, or 1 when a step failed or a client could not run.
    """
    parser = argparse.ArgumentParser(prog="python -m compat.clients", description=__doc__)
    parser.add_argument("--server", nargs="+", default=["hognose", "redis-7.0"], metavar="NAME")
    parser.add_argument("--client", nargs="+", default=list(CLIENTS), choices=list(CLIENTS), metavar="NAME")
    parser.add_argument("--hognose", help="the command that starts hognose; default: the installed one")
    options = parser.parse_args(words)
    print("steps: " + ", ".join(f"{number} {step}" for number, step in enumerate(STEPS, 1)))
    status = 0
    for name in options.server:
        is_given = name == "hognose" and options.hognose
        binary = hognose_binary(shlex.split(options.hognose)) if is_given else find(name)
        if binary is None:
            print(f"{name} is not installed", file=sys.stderr)
            return 1
        outcomes: dict[str, Outcome] = {}
        for client in options.client:
            try:
                outcomes[client] = run_client(client, binary)
            except ToolError as error:
                print(f"{client}: {error}", file=sys.stderr)
                status = 1
        print(f"\n{name} {binary.version}\n{table(outcomes)}" if outcomes else f"\n{name}: nothing ran")
        for client, outcome in outcomes.items():
            for step, fault in outcome.faults.items():
                if fault:
                    print(f"  {client}: {step}: {fault}")
            if not outcome.is_clean(client):
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
