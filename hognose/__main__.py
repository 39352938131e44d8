"""The command line: `hognose [/path/to.conf] [--directive value ...]`."""

import sys


def main() -> int:
    """Runs the server, or one of the tools; returns the exit status."""
    from hognose.server.run import run_command_line  # noqa: PLC0415 - keeps `python -c 'import hognose'` light

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
