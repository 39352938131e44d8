"""A copy of the suite in which one test file can run: tests, tools, and the server under test as src/redis-server.

    FOLDER/tests/...            links to the suite's own files; tests/tmp is a folder of this copy
    FOLDER/src/redis-server     #!/bin/sh
                                exec SERVER "$@"
    FOLDER/src/redis-cli ...    links to the installed tools
    FOLDER/tests/tls            certificates, where the suite is to connect over TLS

The script must `exec`: the suite takes the process it started for the server and sends it signals.
"""

import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from compat.certificates import Certificates

TOOLS: Final = ("redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb")
SENTINEL: Final = "redis-sentinel"


class SuiteError(Exception):
    """What was named is no suite, or a tool it needs is missing; the message says what to do."""


class Suite:
    """A suite on this machine.

    Args:
        root: The folder with `tests/test_helper.tcl`.
        tls: Whether the folders get certificates; made once, for all of them.

    Raises:
        SuiteError: There is no such file, or no Tcl or redis-cli to run it with.
    """

    def __init__(self, root: Path, tls: bool = False) -> None:
        if not (root / "tests" / "test_helper.tcl").is_file():
            raise SuiteError(f"{root}: no tests/test_helper.tcl there; name a checkout of redis or a source package")
        missing = [tool for tool in ("tclsh", *TOOLS) if shutil.which(tool) is None]
        if missing:
            raise SuiteError(f"missing: {', '.join(missing)}; run: apt-get install tcl redis-tools redis-server")
        self.root = root.resolve()
        self._tls = tempfile.TemporaryDirectory(prefix="hognose-upstream-tls-") if tls else None
        if self._tls is not None:
            Certificates(Path(self._tls.name)).make_dh_parameters()

    def units(self) -> list[str]:
        """The test files, such as `unit/type/string`, in the suite's order."""
        listing = ["tclsh", "tests/test_helper.tcl", "--list-tests"]
        done = subprocess.run(listing, cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.split()

    def lay_out(self, folder: Path, server: Sequence[str]) -> None:
        """Makes the folder that a test file runs in.

        Args:
            folder: An empty folder.
            server: The words that start the server under test.
        """
        tests = folder / "tests"
        (tests / "tmp").mkdir(parents=True)
        for entry in (self.root / "tests").iterdir():
            if entry.name not in {"tmp", "tls"}:
                (tests / entry.name).symlink_to(entry)
        if self._tls is not None:
            shutil.copytree(self._tls.name, tests / "tls")
        for name in ("redis.conf", "sentinel.conf", "utils"):
            if (self.root / name).exists():
                (folder / name).symlink_to(self.root / name)
        source = folder / "src"
        source.mkdir()
        _write_script(source / "redis-server", server)
        for tool in TOOLS:
            (source / tool).symlink_to(str(shutil.which(tool)))
        sentinel = shutil.which(SENTINEL)
        if sentinel is not None:
            (source / SENTINEL).symlink_to(sentinel)


def unpack(named: Path, into: Path) -> Path:
    """The suite's folder: the one that was named, or the one inside the source package that was named.

    Args:
        named: A folder, or a tar archive such as `redis_7.0.15.orig.tar.gz`.
        into: Where an archive is unpacked; a former unpacking there is used again.

    Raises:
        SuiteError: There is no such file, or it is no archive of one folder.
    """
    if named.is_dir():
        return named
    if not named.is_file():
        raise SuiteError(f"{named}: no such file or folder")
    target = into / named.name.removesuffix(".gz").removesuffix(".tar")
    if not target.is_dir():
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            with tarfile.open(named) as archive:
                archive.extractall(partial, filter="data")
        except tarfile.TarError as error:
            raise SuiteError(f"{named}: {error}") from None
        partial.rename(target)
    folders = [entry for entry in target.iterdir() if entry.is_dir()]
    if len(folders) != 1:
        raise SuiteError(f"{named}: {len(folders)} folders inside, expected one")
    return folders[0]


def _write_script(path: Path, server: Sequence[str]) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(server)} "$@"\n')
    path.chmod(0o755)
