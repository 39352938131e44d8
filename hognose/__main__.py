"""The command line: `hognose [/path/to.conf] [--directive value ...]`, or `hognose TOOL ...`.

A first word that is the name of a tool starts the tool; a configuration file of that name is started as `./check`.
"""

import gc
import sys


def main() -> int:
    """Runs the server, or one of the tools; returns the exit status."""
    args = sys.argv[1:]
    if args[:1] == ["check"]:
        from hognose.tools import check  # noqa: PLC0415 - only what is asked for is loaded

        return check.main(args[1:])
    if args[:1] == ["convert"]:
        from hognose.tools import convert  # noqa: PLC0415 - only what is asked for is loaded

        return convert.main(args[1:])
    # What is imported lives until the end: looking for garbage among it would take as long as a tenth of the start.
    gc.disable()
    from hognose.server.run import run_command_line  # noqa: PLC0415 - keeps `python -c 'import hognose'` light

    return run_command_line(args)


if __name__ == "__main__":
    sys.exit(main())
