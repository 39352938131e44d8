"""`hognose check` and `hognose convert`: what they find, what they write, and what real servers make of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from compat.dataset import LIBRARY, TRAITS, Traits, content, fill
from compat.servers import install, start
from hognose.persistence.rdb_modules import ALPHABET
from hognose.tools import check, convert
from hognose.tools.progress_bar import ProgressBar
from tests.inprocess import InProcessServer
from tests.integration.server_process import ServerProcess, run
from tests.side_by_side import RealClient

pytestmark = pytest.mark.server

EVERYTHING = Traits(80, field_deadlines=True)
PLAIN = Traits(11)
SET = b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"
MULTI, EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(name: str, **directives: str) -> InProcessServer:
    """A server whose dump has a name of its own."""
    server = InProcessServer(**directives)
    server.server.settings.dbfilename = name
    return server


def saved(name: str, traits: Traits, version: str = "11") -> InProcessServer:
    """A server that has saved the dataset under a name."""
    server = named(name, rdb_version=version)
    client = server.client()
    fill(client, traits)
    if traits.functions:
        server.server.keyspace.libraries.load(LIBRARY.encode(), False)
    assert client("SAVE") == b"OK"
    return server


def loaded(name: str, traits: Traits) -> dict[object, object]:
    """What a server holds that starts with a dump."""
    server = named(name)
    assert server.server.snapshots.load()
    return content(server.client(), traits)


# Check


def test_check_tells_what_a_sound_dump_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved("dump.rdb", PLAIN)
    assert check.main(["dump.rdb"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "dump.rdb: OK"
    assert lines[1].startswith("    RDB version 11, written by Redis")
    assert " 2 expire, 0 have expired" in lines[2]
    assert lines[4] == "    1 libraries of functions"


@pytest.mark.parametrize("version", ["9", "12", "80"])
def test_check_finds_every_changed_byte_of_a_dump(
    folder: Path, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    client = InProcessServer(rdb_version=version).client()
    client("RPUSH", "list", "a", "b")
    client("HSET", "hash", "field", "value")
    assert client("SAVE") == b"OK"
    whole = Path("dump.rdb").read_bytes()
    for at in range(len(whole)):
        Path("bad.rdb").write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert check.main(["bad.rdb"]) == 1, at
        assert "bad.rdb: " in capsys.readouterr().out
    for size in range(len(whole)):
        Path("bad.rdb").write_bytes(whole[:size])
        assert check.main(["bad.rdb"]) == 1, size


def test_check_names_offset_database_and_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.rdb").write_bytes(b"REDIS0011\xfe\x03\x00\x03one\x01v\x00\x03two\x09v")
    assert check.main(["bad.rdb"]) == 1
    text = capsys.readouterr().out
    assert text == "bad.rdb: offset 24 (0x18), database 3, at or behind key b'two': Unexpected end of file\n"


def test_check_finds_a_key_that_is_there_twice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = b"\x00\x03key\x01v"
    Path("a.rdb").write_bytes(b"REDIS0011\xfe\x00" + entry + b"\xfe\x01" + entry + b"\xff" + bytes(8))
    Path("b.rdb").write_bytes(b"REDIS0011\xfe\x00" + entry + entry + b"\xff" + bytes(8))
    assert check.main(["a.rdb"]) == 0
    assert check.main(["b.rdb"]) == 1
    assert "The same key twice" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "problem", "keep"),
    [
        (SET + SET, "", -1),
        (b"#TS:1700000000\r\n" + SET, "", -1),
        (b"", "", -1),
        (SET + SET[:-1], "offset 59 (0x3b): the end is missing", 33),
        (SET + MULTI + SET, "offset 33 (0x21): MULTI without its EXEC", 33),
        (SET + MULTI + SET + EXEC[:3], "the end is missing", 33),
        (SET + MULTI + SET + EXEC, "", -1),
        (SET + bytes(4096), "offset 33 (0x21): zeros up to the end", 33),
        (SET + b"rubbish" + SET, "offset 33 (0x21): expected *", -1),
        (SET + EXEC + SET, "offset 33 (0x21): EXEC without a MULTI", -1),
        (SET + MULTI + MULTI, "offset 48 (0x30): MULTI inside of a MULTI", -1),
        (b"rubbish", "neither a dump nor a command", -1),
    ],
)
def test_check_tells_a_torn_end_of_commands_from_damage(folder: Path, data: bytes, problem: str, keep: int) -> None:
    Path("x.aof").write_bytes(data)
    report = check.check_file(Path("x.aof"))
    assert problem in report.problem
    assert bool(problem) == bool(report.problem)
    assert report.keep_bytes == keep


def test_every_torn_end_is_cut_back_to_whole_commands(folder: Path) -> None:
    whole = SET + MULTI + SET + SET + EXEC + SET
    sound = {0, len(SET), len(whole) - len(SET), len(whole)}
    for size in range(len(whole) + 1):
        Path("x.aof").write_bytes(whole[:size])
        assert check.main(["x.aof", "--fix", "--yes"]) == 0
        assert Path("x.aof").stat().st_size == max(end for end in sound if end <= size)
        assert check.main(["x.aof"]) == 0


def test_fix_asks_first_and_leaves_damage_in_the_middle_alone(folder: Path) -> None:
    Path("x.aof").write_bytes(SET + SET[:-1])
    for answer, size, status in (("n\n", 65, 1), ("", 65, 1), ("y\n", 33, 0)):
        done = run("check", "--fix", str(folder / "x.aof"), stdin=answer)
        assert done.returncode == status
        assert "Cut off 32 bytes" in done.stdout
        assert Path("x.aof").stat().st_size == size
    Path("x.aof").write_bytes(SET + b"rubbish" + SET)
    assert check.main(["x.aof", "--fix", "--yes"]) == 1
    assert Path("x.aof").stat().st_size == 2 * len(SET) + 7


def test_fix_leaves_files_alone_that_a_running_server_uses(folder: Path) -> None:
    with ServerProcess("--dir", str(folder), "--appendonly", "yes").ready() as server, server.client() as client:
        client.set("key", "value")
        log = folder / "appendonlydir" / "appendonly.aof.1.incr.aof"
        with log.open("ab") as file:
            file.write(SET[:-1])  # as the tool may find it while the server writes
        torn = log.read_bytes()
        done = run("check", "--fix", "--yes", str(log))
        assert (done.returncode, log.read_bytes()) == (1, torn)
        assert f"Another server (process {server.process.pid}) saves its data in {folder}" in done.stdout
        server.process.kill()
        server.wait()
    assert run("check", "--fix", "--yes", str(log)).returncode == 0
    assert log.read_bytes() == torn[: 1 - len(SET)]


def test_check_says_that_servers_refuse_data_of_modules(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [ALPHABET.index(character) for character in "ReJSON-RL"]
    name = sum(place << 58 - 6 * index for index, place in enumerate(places))
    module = b"\x81" + name.to_bytes(8, "big")
    for data in (b"\x07\x03key" + module + b"\x05\x01x\x00", b"\xf7" + module + b"\x02\x01\x00"):
        Path("dump.rdb").write_bytes(b"REDIS0011" + data + b"\xff" + bytes(8))
        assert check.main(["dump.rdb"]) == 0
        assert "only with `rdb-module-data skip`" in capsys.readouterr().out


def test_fix_agrees_with_the_real_tool(folder: Path) -> None:
    whole = SET + MULTI + SET + EXEC + SET
    for size in (10, len(SET) + 1, len(SET) + len(MULTI), 2 * len(SET) + len(MULTI) + 2, len(whole) - 1):
        for name in ("ours.aof", "theirs.aof"):
            Path(name).write_bytes(whole[:size])
        check.main(["ours.aof", "--fix", "--yes"])
        subprocess.run(["redis-check-aof", "--fix", "theirs.aof"], input=b"y\n", capture_output=True, check=True)
        assert Path("ours.aof").read_bytes() == Path("theirs.aof").read_bytes(), size


def test_check_goes_through_the_files_of_a_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = folder / "appendonlydir"
    parts.mkdir()
    saved("appendonlydir/a.aof.1.base.rdb", PLAIN)
    (parts / "a.aof.1.incr.aof").write_bytes(SET)
    (parts / "a.aof.2.incr.aof").write_bytes(SET + SET[:5])
    (parts / "a.aof.9.incr.aof").write_bytes(SET)
    (parts / "a.aof.manifest").write_text(
        "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n"
    )
    assert check.main([str(folder)]) == 1
    text = capsys.readouterr().out
    assert "a.aof.9.incr.aof is not part of the dataset" in text
    assert "sound up to offset 33" in text
    assert check.main([str(parts), "--fix", "--yes"]) == 0
    assert check.main([str(parts / "a.aof.manifest")]) == 0
    (parts / "a.aof.1.incr.aof").write_bytes(SET[:5])  # what follows would be applied to something else
    assert check.main([str(parts), "--fix", "--yes"]) == 1
    (parts / "a.aof.1.incr.aof").unlink()
    assert check.main([str(parts)]) == 2
    (parts / "a.aof.manifest").write_text("file a seq 0 type b\n")
    assert check.main([str(parts)]) == 1


def test_check_says_what_it_cannot_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.txt").write_text("hello")
    assert check.main(["missing.rdb"]) == 2
    assert check.main(["text.txt"]) == 1
    (folder / "empty").mkdir()
    assert check.main([str(folder / "empty")]) == 2
    text = capsys.readouterr().out
    assert "cannot be read: No such file" in text
    assert "neither a dump nor an append-only file" in text
    assert "no dump and no append-only file in this folder" in text


# Convert


@pytest.mark.parametrize("version", ["9", "10", "11", "12", "80"])
def test_a_converted_dump_holds_the_same(folder: Path, version: str) -> None:
    traits = Traits(int(version), version in ("12", "80"), True, version != "9", int(version) > 10)
    source = saved("dump.rdb", traits, "80" if traits.field_deadlines else "11")
    assert convert.main(["dump.rdb", "new.rdb", "--rdb-version", version]) == 0
    assert Path("new.rdb").read_bytes().startswith(b"VALKEY080" if version == "80" else b"REDIS%04d" % int(version))
    assert loaded("new.rdb", traits) == content(source.client(), traits)
    assert check.main(["new.rdb"]) == 0


@pytest.mark.parametrize(("name", "version"), [("redis-6.2", "9"), ("redis-8.2", "12"), ("valkey-9.1", "80")])
def test_real_servers_start_with_converted_dumps(folder: Path, name: str, version: str) -> None:
    traits = TRAITS[name]
    source = saved("source.rdb", traits)
    assert convert.main(["source.rdb", "dump.rdb", "--rdb-version", version, "--no-compression"]) == 0
    with start(install(name), directory=folder) as running:
        real = RealClient(running)
        assert content(real, traits) == content(source.client(), traits)
        real.close()


@pytest.mark.parametrize(
    ("name", "version", "tool"),
    [
        ("redis-6.2", "9", "redis-check-rdb"),
        ("redis-7.0", "10", "redis-check-rdb"),
        ("redis-8.2", "12", "redis-check-rdb"),
        ("valkey-9.1", "80", "valkey-check-rdb"),
    ],
)
def test_real_tools_accept_our_dumps(folder: Path, name: str, version: str, tool: str) -> None:
    saved("dump.rdb", TRAITS[name], version)
    (folder / tool).symlink_to(shutil.which(install(name).argv[0]) or "")  # servers become the tool by its name
    done = subprocess.run([folder / tool, "dump.rdb"], capture_output=True, text=True, timeout=20, check=False)
    assert "RDB looks OK" in done.stdout
    assert done.returncode == 0


def test_usage_survives_conversion(folder: Path) -> None:
    server = InProcessServer(maxmemory_policy="allkeys-lfu")
    client = server.client()
    client("SET", "key", "value")
    payload = client("DUMP", "key")
    assert isinstance(payload, bytes)
    client("RESTORE", "key", 0, payload, "REPLACE", "FREQ", 77)
    client("SAVE")
    assert convert.main(["dump.rdb", "new.rdb", "--rdb-version", "9"]) == 0
    other = named("new.rdb", maxmemory_policy="allkeys-lfu")
    assert other.server.snapshots.load()
    assert other.client()("OBJECT", "FREQ", "key") == 77


def test_fields_that_expire_do_not_fit_old_versions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved("dump.rdb", EVERYTHING)
    assert convert.main(["dump.rdb", "new.rdb", "--rdb-version", "10"]) == 1
    assert "has fields that expire, which needs --rdb-version 12 or 80" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["dump.rdb"]


def test_json_lines_hold_all_there_is(folder: Path) -> None:
    server = saved("dump.rdb", EVERYTHING)
    client = server.client()
    assert convert.main(["dump.rdb", "dump.jsonl"]) == 0
    lines = [json.loads(line) for line in Path("dump.jsonl").read_text("utf-8").splitlines()]
    assert lines[0] == {"function": LIBRARY}
    by_key = {(line["db"], str(line["key"])): line for line in lines[1:]}
    assert len(by_key) == sum(int(str(client("SELECT", db) and client("DBSIZE"))) for db in (0, 9))
    client("SELECT", 0)
    assert by_key[0, "expires"]["expires_at_ms"] == 4102444800000
    assert by_key[0, "number:-32768"]["value"] == "-32768"
    assert by_key[0, "text:6"]["value"] == {"base64": "AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/"}
    assert by_key[0, "list:small"]["value"] == ["a", "12", "-5000000000", "", "b" * 70]
    assert sorted(by_key[0, "set:small"]["value"]) == ["", "3", "a", "b"]
    assert by_key[0, "zset:small"]["value"][0] == ["m0", "-inf"]
    assert by_key[0, "zset:small"]["value"][-1] == ["m8", "inf"]
    assert ["f0", "0", 4102444800000] in by_key[0, "hash:small"]["value"]
    assert ["f4", "28"] in by_key[0, "hash:small"]["value"]
    stream = by_key[0, "stream"]["value"]
    assert len(stream["entries"]) == client("XLEN", "stream")
    assert stream["entries"][-1] == {"id": "300-0", "fields": [["other", "x"]]}
    assert (stream["last_id"], stream["entries_added"]) == ("300-0", 250)
    group = stream["groups"][0]
    assert (group["name"], [consumer["name"] for consumer in group["consumers"]]) == ("group", ["alice", "bob", "idle"])
    assert {"id": "3-3", "consumer": "bob", "delivered_ms": 1600000000000, "deliveries": 7} in group["pending"]
    assert by_key[9, "elsewhere"]["value"] == "x"


def test_json_goes_to_standard_output(folder: Path) -> None:
    InProcessServer().client()("SAVE")
    client = InProcessServer().client()
    client("SET", "key", "v\u00e4lue")
    client("SAVE")
    done = run("convert", str(folder / "dump.rdb"), "-")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"db": 0, "key": "key", "type": "string", "value": "v\u00e4lue"}


def test_an_append_only_file_of_the_real_server_becomes_a_dump(folder: Path) -> None:
    traits = replace(TRAITS["redis-7.0"], seen_times=False)
    with start(install("redis-7.0"), directory=folder, config={"appendonly": "yes"}) as running:
        real = RealClient(running)
        fill(real, traits)
        expected = content(real, traits)
        real.close()
    assert check.main(["appendonlydir"]) == 0
    assert convert.main(["appendonlydir", "dump.rdb"]) == 0
    assert loaded("dump.rdb", traits) == expected
    assert convert.main(["appendonlydir/appendonly.aof.manifest", "dump.json"]) == 0
    assert len(Path("dump.json").read_text("utf-8").splitlines()) == len(expected)


def test_a_torn_append_only_file_is_not_converted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.aof").write_bytes(SET + SET[:-1])
    assert convert.main(["x.aof", "dump.rdb"]) == 1
    assert "hognose check --fix" in capsys.readouterr().err
    assert not Path("dump.rdb").exists()


def test_targets_are_replaced_only_by_force(folder: Path) -> None:
    InProcessServer().client()("SAVE")
    Path("new.rdb").write_text("precious")
    with pytest.raises(SystemExit, match="2"):
        convert.main(["dump.rdb", "new.rdb"])
    assert Path("new.rdb").read_text() == "precious"
    assert convert.main(["dump.rdb", "new.rdb", "--force"]) == 0
    assert check.main(["new.rdb"]) == 0


@pytest.mark.parametrize("words", [["dump.rdb", "new.bin"], ["dump.rdb", "-", "--to", "rdb"], ["dump.rdb"]])
def test_unclear_requests_are_refused(folder: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        convert.main(words)


# The command line


def test_a_tool_name_starts_the_tool_and_a_path_the_server(folder: Path) -> None:
    (folder / "check").write_text("port 0\nmaxmemory 77mb\n")
    assert run("check").returncode == 2  # the tool, which misses its file
    with ServerProcess(str(folder / "check")).ready() as server, server.client() as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(77 << 20)}


def test_the_bar_is_drawn_on_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    class Terminal:
        text = ""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            pass

    terminal = Terminal()
    bar = ProgressBar("dump.rdb", 200, terminal)  # type: ignore[arg-type]
    assert bar.line(50, 2.0) == "dump.rdb [#######.......................]  25%  0.0 MB/s  6 s left"
    bar.finish()
    assert terminal.text
