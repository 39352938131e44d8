"""The official suite's old dumps, `tests/assets/*.rdb`, on a real server and hognose: equal content, or both refuse.

    python -m compat.upstream.assets --suite PATH [--server COMMAND]

They come from servers of all ages, some damaged on purpose. What each holds is asked of the real server, so there is no
list of expected values here.
"""

import argparse
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import hiredis

from compat.dataset import TRAITS, content
from compat.servers import RunningServer, ServerBinary, StartError, hognose_binary, install, start
from compat.upstream.__main__ import UNPACKED
from compat.upstream.suite import SuiteError, unpack

ORACLE: Final = "redis-7.0"
DATABASES: Final = range(16)


class Client:
    """A connection to a server; errors are raised."""

    def __init__(self, server: RunningServer) -> None:
        self._socket = server.connect()
        self._reader = hiredis.Reader(notEnoughData=...)

    def __call__(self, *words: str | bytes | float) -> object:
        """Sends a command and waits for its reply."""
        self._socket.sendall(hiredis.pack_command(words))  # type: ignore[arg-type]
        while (reply := self._reader.gets()) is ...:
            self._reader.feed(self._socket.recv(65536))
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()


def loaded(binary: ServerBinary, dump: Path) -> dict[object, object] | None:
    """What a server holds after starting with a dump; None if it refuses to start."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(dump, folder / "dump.rdb")
        try:
            server = start(binary, directory=folder)
        except StartError:
            return None
        with server:
            client = Client(server)
            found = content(client, TRAITS[ORACLE], DATABASES)
            client.close()
            return found


def compare(dump: Path, ours: ServerBinary, theirs: ServerBinary) -> str:
    """How a dump fares on both: what differs, or the empty string."""
    expected, found = loaded(theirs, dump), loaded(ours, dump)
    if expected == found:
        return ""
    if expected is None or found is None:
        return f"{'refused' if found is None else 'loaded'} here, not by {theirs.name}"
    keys = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    return f"other content: {keys[:10]}"


def main(words: Sequence[str]) -> int:
    """Compares all dumps; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m compat.upstream.assets", description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="a checkout of redis, or its source package")
    parser.add_argument("--server", help="the command that starts hognose; by default the installed one")
    options = parser.parse_args(words)
    ours = hognose_binary(shlex.split(options.server) if options.server else ())
    if ours is None:
        parser.error("hognose does not start")
    try:
        root = unpack(options.suite, UNPACKED)
    except SuiteError as error:
        parser.error(str(error))
    dumps = sorted((root / "tests" / "assets").glob("*.rdb"))
    failed = 0
    for dump in dumps:
        difference = compare(dump, ours, install(ORACLE))
        failed += bool(difference)
        print(f"{dump.name}: {difference or 'equal'}", flush=True)
    print(f"{len(dumps) - failed} passed, {failed} failed")
    return 1 if failed or not dumps else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
