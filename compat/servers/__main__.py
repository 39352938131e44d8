"""`python -m compat.servers`: which servers are here, and `--install` to get those that are not."""

import argparse
import sys
from collections.abc import Sequence

from compat.servers.catalogue import NAMES, SOURCES, InstallError, find, install


def table() -> str:
    """One line per server: name, version or `missing`, source, path."""
    rows = [("name", "version", "from", "path")]
    for name in NAMES:
        binary = find(name)
        found = (binary.version, binary.argv[0]) if binary else ("missing", "-")
        rows.append((name, found[0], SOURCES[name].describe(), found[1]))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    )


def main(words: Sequence[str]) -> int:
    """Installs what is asked for, then prints the table.

    Returns:
        0, or 1 when a server that was asked for could not be installed.
    """
    parser = argparse.ArgumentParser(prog="python -m compat.servers", description="The real servers used as oracles.")
    parser.add_argument("--install", nargs="+", metavar="NAME", choices=[*NAMES, "all"], default=[])
    wanted: list[str] = parser.parse_args(words).install
    status = 0
    for name in NAMES if "all" in wanted else wanted:
        try:
            install(name)
        except InstallError as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = 1
    print(table())
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
