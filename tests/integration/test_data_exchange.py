"""A dataset of every type and encoding goes from each real server to hognose and back, by file and by DUMP."""

from __future__ import annotations

import shutil
from pathlib import Path

import hiredis
import pytest

from compat.dataset import DATABASES, LIBRARY, TRAITS, Traits, content, fill, key_content
from compat.servers import RunningServer, install, start
from tests.inprocess import InProcessClient, InProcessServer
from tests.side_by_side import RealClient

pytestmark = pytest.mark.server

HOGNOSE = Traits(80, field_deadlines=True)
TARGETS = [
    ("redis-6.2", "9"),
    ("redis-7.0", "9"),
    ("redis-7.0", "10"),
    ("redis-8.2", "9"),
    ("redis-8.2", "11"),
    ("redis-8.2", "12"),
    ("valkey-9.1", "10"),
    ("valkey-9.1", "11"),
    ("valkey-9.1", "80"),
]
"""Servers, and versions that each of them reads."""


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcessServer:
    """A server in a folder of its own, in which it keeps its file."""
    folder = tmp_path / "ours"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return InProcessServer()


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The folder of the real server."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    return folder


def sources(server: InProcessServer) -> list[bytes]:
    """The libraries of functions a server keeps."""
    return server.server.keyspace.libraries.sources()


def traits_of(name: str, version: str) -> Traits:
    """What a server can be given in a file of this version."""
    traits = TRAITS[name]
    return Traits(
        int(version),
        traits.field_deadlines and int(version) >= 12,
        traits.functions and int(version) >= 10,
        traits.counts_entries and int(version) >= 10,
        traits.active_times and int(version) >= 11,
        traits.exact_deadlines,
    )


def ask_of(running: RunningServer) -> RealClient:
    """A client that fails on errors."""

    class Strict(RealClient):
        def __call__(self, *args: str | bytes | float) -> object:
            reply = super().__call__(*args)
            assert not isinstance(reply, hiredis.ReplyError), (args, reply)
            return reply

    return Strict(running)


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("name", TRAITS)
def test_file_of_each_real_server_loads_with_equal_content(
    ours: InProcessServer, theirs: Path, name: str, compression: str
) -> None:
    traits = TRAITS[name]
    with start(install(name), directory=theirs, config={"rdbcompression": compression}) as running:
        real = ask_of(running)
        fill(real, traits)
        if traits.functions:
            real("FUNCTION", "LOAD", LIBRARY)
        assert real("SAVE") == b"OK"
        shutil.copy(theirs / "dump.rdb", "dump.rdb")
        assert ours.server.snapshots.load()
        expected = content(real, traits)
        real.close()
    found = content(ours.client(), traits)
    assert found.keys() == expected.keys()
    assert found == expected
    assert sources(ours) == ([LIBRARY.encode()] if traits.functions else [])
    if traits.functions:
        assert ours.client()("FCALL", "answer", 0) == 42


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize(("name", "version"), TARGETS)
def test_file_of_hognose_loads_in_each_real_server_with_equal_content(
    ours: InProcessServer, theirs: Path, name: str, version: str, compression: str
) -> None:
    traits = traits_of(name, version)
    client = ours.client()
    client("CONFIG", "SET", "rdb-version", version, "rdbcompression", compression)
    fill(client, traits)
    if TRAITS[name].functions:
        assert ours.server.keyspace.libraries.load(LIBRARY.encode(), False) == ""
    assert client("SAVE") == b"OK"
    magic = b"VALKEY080" if version == "80" else b"REDIS%04d" % int(version)
    assert Path("dump.rdb").read_bytes().startswith(magic)
    shutil.copy("dump.rdb", theirs / "dump.rdb")
    with start(install(name), directory=theirs) as running:
        real = ask_of(running)
        expected = content(client, traits)
        found = content(real, traits)
        assert found.keys() == expected.keys()
        assert found == expected
        if traits.functions:
            assert real("FCALL", "answer", 0) == 42
        real.close()


def exchanged(source: RealClient | InProcessClient, target: RealClient | InProcessClient, traits: Traits) -> None:
    """Takes every key from one server to the other and compares it."""
    for index in DATABASES:
        source("SELECT", index)
        target("SELECT", index)
        keys = source("KEYS", "*")
        assert isinstance(keys, list)
        for key in keys:
            payload = source("DUMP", key)
            assert isinstance(payload, bytes)
            assert target("RESTORE", key, 0, payload) == b"OK", key
            (kind, _, value), (restored_kind, _, restored) = (
                key_content(source, key, traits),
                key_content(target, key, traits),
            )
            assert (restored_kind, restored) == (kind, value), key
        assert keys


@pytest.mark.parametrize("name", TRAITS)
def test_dump_of_each_real_server_is_restored(ours: InProcessServer, name: str) -> None:
    with start(install(name)) as running:
        real = ask_of(running)
        fill(real, TRAITS[name])
        exchanged(real, ours.client(), TRAITS[name])
        real.close()


@pytest.mark.parametrize(("name", "version"), TARGETS)
def test_dump_of_hognose_is_restored_by_each_real_server(ours: InProcessServer, name: str, version: str) -> None:
    traits = traits_of(name, version)
    client = ours.client()
    client("CONFIG", "SET", "rdb-version", version)
    fill(client, traits)
    with start(install(name)) as running:
        real = ask_of(running)
        exchanged(client, real, traits)
        real.close()


@pytest.mark.parametrize("name", TRAITS)
def test_access_frequencies_go_both_ways(ours: InProcessServer, theirs: Path, name: str) -> None:
    client = ours.client()
    client("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "rdb-version", str(TRAITS[name].rdb))
    for policy in ("allkeys-lfu",):
        with start(install(name), directory=theirs, config={"maxmemory-policy": policy}) as running:
            real = ask_of(running)
            real("SET", "often", "x")
            for _ in range(300):
                real("GET", "often")
            real("SET", "seldom", "x")
            frequencies = [real("OBJECT", "FREQ", key) for key in ("often", "seldom")]
            real("SAVE")
            real.close()
    shutil.copy(theirs / "dump.rdb", "dump.rdb")
    assert ours.server.snapshots.load()
    assert [client("OBJECT", "FREQ", key) for key in ("often", "seldom")] == frequencies
    assert client("SAVE") == b"OK"
    shutil.copy("dump.rdb", theirs / "dump.rdb")
    with start(install(name), directory=theirs, config={"maxmemory-policy": policy}) as running:
        real = ask_of(running)
        assert [real("OBJECT", "FREQ", key) for key in ("often", "seldom")] == frequencies
        real.close()


@pytest.mark.parametrize("name", TRAITS)
def test_idle_times_go_both_ways(ours: InProcessServer, theirs: Path, name: str) -> None:
    client = ours.client()
    client("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "rdb-version", str(TRAITS[name].rdb))
    client("SET", "key", "value")
    payload = client("DUMP", "key")
    assert isinstance(payload, bytes)
    client("RESTORE", "key", 0, payload, "REPLACE", "IDLETIME", 5000)
    assert client("SAVE") == b"OK"
    shutil.copy("dump.rdb", theirs / "dump.rdb")
    with start(install(name), directory=theirs, config={"maxmemory-policy": "allkeys-lru"}) as running:
        real = ask_of(running)
        idle = real("OBJECT", "IDLETIME", "key")
        assert isinstance(idle, int)
        assert 5000 <= idle < 5100
        real("SAVE")
        real.close()
    shutil.copy(theirs / "dump.rdb", "dump.rdb")
    client("FLUSHALL")
    assert ours.server.snapshots.load()
    idle = client("OBJECT", "IDLETIME", "key")
    assert isinstance(idle, int)
    assert 5000 <= idle < 5100
