"""`python -m compat.applications [--server NAME...] [--seconds N]`: prints a table of applications per server."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from compat.applications.drive import APPLICATIONS, run_application
from compat.servers import find, hognose_binary
from compat.toolchain import ToolError


def main(words: Sequence[str]) -> int:
    """Runs the applications, prints a line for each.

    Returns:
        0, or 1 when something was lost or an application could not run.
    """
    parser = argparse.ArgumentParser(prog="python -m compat.applications", description=__doc__)
    parser.add_argument("--server", nargs="+", default=["hognose", "redis-7.0"], metavar="NAME")
    parser.add_argument("--application", nargs="+", default=list(APPLICATIONS), choices=list(APPLICATIONS))
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each works; default: 60")
    parser.add_argument("--hognose", help="the command that starts hognose; default: the installed one")
    options = parser.parse_args(words)
    status = 0
    for name in options.server:
        is_given = name == "hognose" and options.hognose
        binary = hognose_binary(shlex.split(options.hognose)) if is_given else find(name)
        if binary is None:
            print(f"{name} is not installed", file=sys.stderr)
            return 1
        print(f"{name} {binary.version}, {options.seconds:g} seconds each")
        for application in options.application:
            try:
                outcome = run_application(application, binary, options.seconds)
            except ToolError as error:
                print(f"  {application}: {error}", file=sys.stderr)
                status = 1
                continue
            print(
                f"  {application:8} {outcome.done:>7} done  {'; '.join(outcome.faults) or 'nothing lost'}", flush=True
            )
            if outcome.faults:
                print(outcome.output[-3000:], file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
