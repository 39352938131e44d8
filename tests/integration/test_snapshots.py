"""Snapshots: saved, loaded again, checked by the real server's tool and loaded by the real server, and back."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import hiredis
import pytest

from compat.servers import install, start
from hognose.persistence.rdb_format import RdbError
from tests.inprocess import InProcessClient, InProcessServer
from tests.integration.server_process import ServerProcess
from tests.side_by_side import RealClient

MANY = range(700)
DEBUGGING = {"enable-debug-command": "yes"}


def debuggable_server() -> InProcessServer:
    """A server that lets DEBUG in."""
    server = InProcessServer()
    server.server.settings.enable_debug_command = "yes"
    return server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(client: InProcessClient | RealClient) -> None:
    """Sets keys of every type and encoding in two databases."""
    client("SELECT", 0)
    client("SET", "integer", 12345)
    client("SET", "text", b"\x00binary" * 500)
    client("SET", "volatile", "v", "PXAT", 4102444800000)
    for size in (3, len(MANY)):
        client("RPUSH", f"list{size}", *[f"element {index}" * 5 for index in range(size)])
        client("SADD", f"set{size}", *[f"member {index}" for index in range(size)])
        client("SADD", f"integers{size}", *range(size))
        client("HSET", f"hash{size}", *[part for index in range(size) for part in (f"f{index}", index)])
        client("ZADD", f"zset{size}", *[part for index in range(size) for part in (index / 4, f"m{index}")])
    for index in range(1, 300):
        client("XADD", "stream", f"{index}-0", "field", index)
    client("XGROUP", "CREATE", "stream", "group", "0")
    client("XREADGROUP", "GROUP", "group", "consumer", "COUNT", 5, "STREAMS", "stream", ">")
    client("SELECT", 9)
    client("SET", "elsewhere", "x")
    client("SELECT", 0)


READERS: dict[object, tuple[str | int, ...]] = {
    b"string": ("GET",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"hash": ("HGETALL",),
    b"zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    b"stream": ("XRANGE", "-", "+"),
}


def content(client: InProcessClient | RealClient) -> dict[object, object]:
    """What two databases hold: per key its deadline and its elements, those of sets and hashes sorted."""
    found: dict[object, object] = {}
    for index in (0, 9):
        client("SELECT", index)
        keys = client("KEYS", "*")
        assert isinstance(keys, list)
        for key in keys:
            kind = client("TYPE", key)
            name, *rest = READERS[kind]
            value = client(name, key, *rest)
            if kind in (b"set", b"hash"):
                assert isinstance(value, list)
                value = sorted(value)
            found[index, key] = (kind, client("PEXPIRETIME", key), value)
    client("SELECT", 0)
    assert len(found) == 15
    return found


def test_reloading_keeps_content_encodings_and_deadlines(folder: Path) -> None:
    client = debuggable_server().client()
    fill(client)
    keys = client("KEYS", "*")
    assert isinstance(keys, list)

    def seen() -> list[object]:
        kept = [(client("TYPE", key), client("OBJECT", "ENCODING", key), client("PEXPIRETIME", key)) for key in keys]
        return [client("DEBUG", "DIGEST"), client("XINFO", "GROUPS", "stream"), client("DBSIZE"), *kept]

    before = seen()
    assert client("DEBUG", "RELOAD") == b"OK"
    assert seen() == before


def test_reloading_without_a_dump_says_so(folder: Path) -> None:
    client = debuggable_server().client()
    client("SET", "key", "value")
    assert client.error("DEBUG", "RELOAD", "NOSAVE").startswith("ERR Error trying to load the RDB dump")
    assert client("DBSIZE") == 0


def test_reloading_counts_as_a_change_of_every_key(folder: Path) -> None:
    server = debuggable_server()
    client, watcher, cache = server.client(), server.client(), server.client()
    cache("HELLO", 3)
    cache("CLIENT", "TRACKING", "ON")
    client("SET", "key", "value")
    cache("GET", "key")
    watcher("WATCH", "key")
    assert client("DEBUG", "RELOAD") == b"OK"
    assert cache.raw(b"") == b">2\r\n$10\r\ninvalidate\r\n_\r\n"
    watcher("MULTI")
    assert watcher("EXEC") is None


def test_hash_fields_keep_their_deadlines_in_either_familys_form(folder: Path) -> None:
    client = debuggable_server().client()
    for version, magic in (("11", b"REDIS0012"), ("80", b"VALKEY080")):
        client("CONFIG", "SET", "rdb-version", version)
        for key, fields in (("small", 3), ("large", len(MANY))):
            client("HSET", key, *[part for index in range(fields) for part in (f"f{index}", index)])
            client("HPEXPIREAT", key, 4102444800000, "FIELDS", 2, "f0", "f1")
        assert client("DEBUG", "RELOAD") == b"OK"
        assert Path("dump.rdb").read_bytes().startswith(magic)
        for key in ("small", "large"):
            assert client("HPEXPIRETIME", key, "FIELDS", 3, "f0", "f1", "f2") == [4102444800000, 4102444800000, -1]
            assert client("HGET", key, "f2") == b"2"


@pytest.mark.server
def test_real_server_and_its_tool_take_our_file(folder: Path) -> None:
    client = debuggable_server().client()
    client("CONFIG", "SET", "rdb-version", "10")
    fill(client)
    assert client("SAVE") == b"OK"
    with start(install("redis-7.0"), config=DEBUGGING) as running:
        tool = shutil.which("redis-check-rdb")
        if tool is not None:
            checked = subprocess.run([tool, "dump.rdb"], capture_output=True, text=True, check=False, timeout=20)
            assert "RDB looks OK" in checked.stdout
        shutil.copy("dump.rdb", running.directory / "dump.rdb")
        real = RealClient(running)
        assert real("DEBUG", "RELOAD", "NOSAVE") == b"OK"
        assert content(real) == content(client)
        assert real("XINFO", "GROUPS", "stream") == client("XINFO", "GROUPS", "stream")
        real.close()


@pytest.mark.server
def test_file_of_the_real_server_is_loaded(folder: Path) -> None:
    server = debuggable_server()
    client = server.client()
    with start(install("redis-7.0"), config=DEBUGGING) as running:
        real = RealClient(running)
        fill(real)
        assert real("SAVE") == b"OK"
        shutil.copy(running.directory / "dump.rdb", "dump.rdb")
        assert client("DEBUG", "RELOAD", "NOSAVE") == b"OK"
        assert content(real) == content(client)
        assert real("XPENDING", "stream", "group") == client("XPENDING", "stream", "group")
        real.close()


def test_every_changed_byte_is_refused(folder: Path) -> None:
    server = debuggable_server()
    client = server.client()
    client("RPUSH", "list", "a", "b")
    client("SET", "key", "value")
    client("SAVE")
    whole = Path("dump.rdb").read_bytes()
    for at in range(len(whole)):
        Path("dump.rdb").write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        server.server.keyspace.clear()
        with pytest.raises(RdbError):
            server.server.snapshots.load()


def test_every_cut_is_refused(folder: Path) -> None:
    server = debuggable_server()
    client = server.client()
    client("HSET", "hash", "field", "value" * 30)
    client("SAVE")
    whole = Path("dump.rdb").read_bytes()
    for size in range(len(whole)):
        Path("dump.rdb").write_bytes(whole[:size])
        server.server.keyspace.clear()
        with pytest.raises(RdbError):
            server.server.snapshots.load()


def wait_for_the_child(server: InProcessServer) -> None:
    """Lets the cron find the end of the child that saves."""
    deadline = time.monotonic() + 20
    while server.server.snapshots.is_saving():
        assert time.monotonic() < deadline
        server.server.cron.tick()


def test_background_save_writes_the_data_of_its_start(folder: Path) -> None:
    server = debuggable_server()
    client = server.client()
    client("SET", "key", "old")
    assert client("BGSAVE") == b"Background saving started"
    assert client.error("BGSAVE") == "ERR Background save already in progress"
    assert client.error("SAVE") == "ERR Background save already in progress"
    client("SET", "key", "new")
    wait_for_the_child(server)
    info = client("INFO", "persistence")
    assert isinstance(info, bytes)
    assert b"rdb_last_bgsave_status:ok" in info
    assert b"rdb_changes_since_last_save:1\r" in info
    assert client("DEBUG", "RELOAD", "NOSAVE") == b"OK"
    assert client("GET", "key") == b"old"
    assert os.listdir(".") == ["dump.rdb"]  # noqa: PTH208 - nothing else may be left


def test_failed_background_save_refuses_writes_until_one_succeeds(folder: Path) -> None:
    server = debuggable_server()
    client = server.client()
    client("SET", "key", "value")
    Path("dump.rdb").mkdir()
    client("BGSAVE")
    wait_for_the_child(server)
    server.server.cron.tick()
    assert client.error("SET", "key", "other").startswith("MISCONF Redis is configured to save RDB snapshots")
    assert client("GET", "key") == b"value"
    assert isinstance(client("SAVE"), hiredis.ReplyError)
    Path("dump.rdb").rmdir()
    assert client("SAVE") == b"OK"
    server.server.cron.tick()
    assert client("SET", "key", "other") == b"OK"


def test_server_saves_at_its_end_and_loads_at_its_start(folder: Path) -> None:
    options = ["--dir", str(folder)]
    with ServerProcess(*options) as server, server.ready().client() as client:
        client.set("key", "value")
        server.process.terminate()
        server.process.wait(20)
    assert (folder / "dump.rdb").exists()
    with ServerProcess(*options) as server, server.ready().client() as client:
        assert client.get("key") == b"value"


def test_reloading_keeps_the_probabilistic_types(folder: Path) -> None:
    client = debuggable_server().client()
    client("BF.MADD", "bloom", *MANY)
    client("CF.INSERT", "cuckoo", "CAPACITY", 100, "ITEMS", *MANY)
    client("CMS.INITBYPROB", "sketch", "0.01", "0.01")
    client("TOPK.RESERVE", "top", 5)
    for number in MANY:
        client("CMS.INCRBY", "sketch", number % 50, number)
        client("TOPK.ADD", "top", number % 50)
    before = client("DEBUG", "DIGEST")
    assert client("DEBUG", "RELOAD") == b"OK"
    assert client("DEBUG", "DIGEST") == before
    assert client("BF.MEXISTS", "bloom", *MANY) == [1 for _ in MANY]
    assert client("CF.MEXISTS", "cuckoo", *MANY) == [1 for _ in MANY]
