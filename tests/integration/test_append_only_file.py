"""The append-only file through restarts, rewrites and switches, and from and to a real server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import hiredis
import pytest
import redis

from compat.dataset import Traits, content
from compat.servers import RunningServer, install, start
from hognose.persistence.aof_format import encode_command
from tests.integration.server_process import TIMEOUT_S, ServerProcess
from tests.side_by_side import RealClient

DEBUGGING = ("--enable-debug-command", "yes")


def server(folder: Path, *options: str) -> ServerProcess:
    """A server with an append-only file in a folder; readable by redis 7.0."""
    words = ["--dir", str(folder), "--appendonly", "yes", "--save", "", "--rdb-version", "10", *DEBUGGING]
    return ServerProcess(*words, options=options)


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for something that is to happen soon."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def fill(client: redis.Redis) -> None:
    """Keys of every type, large and small, in two databases."""
    client.set("text", b"\x00binary\r\n" * 100)
    client.set("number", 12345)
    client.set("volatile", "v", pxat=4102444800000)
    for size in (3, 700):
        client.rpush(f"list{size}", *[f"element {index}" for index in range(size)])
        client.sadd(f"set{size}", *[f"member {index}" for index in range(size)])
        client.sadd(f"integers{size}", *range(size))
        client.hset(f"hash{size}", mapping={f"f{index}": index for index in range(size)})
        client.zadd(f"zset{size}", {f"m{index}": index / 4 for index in range(size)})
    for index in range(1, 100):
        client.xadd("stream", {"field": index}, id=f"{index}-0")
    client.xdel("stream", "99-0")
    client.xgroup_create("stream", "group", "0")
    client.xreadgroup("group", "consumer", {"stream": ">"}, count=5)
    client.xgroup_createconsumer("stream", "group", "idle")
    client.xadd("empty", {"f": "v"}, id="5-5")
    client.xtrim("empty", maxlen=0, approximate=False)
    client.execute_command("SELECT", 9)
    client.set("elsewhere", "x")
    client.execute_command("SELECT", 0)


def digest(client: redis.Redis) -> object:
    """A digest of the dataset."""
    return client.execute_command("DEBUG DIGEST")


def content_of(process: ServerProcess | RunningServer) -> dict[object, object]:
    """What a server holds, as far as redis 7.0 knows it and an append-only file tells."""
    with closing(RealClient(process)) as client:
        return content(client, Traits(10, active_times=False, seen_times=False), [0, 9])


def single(process: ServerProcess) -> redis.Redis:
    """A client with one connection, so that SELECT lasts."""
    return redis.Redis(port=process.port, socket_timeout=TIMEOUT_S, single_connection_client=True)


def rewrite(client: redis.Redis) -> None:
    """BGREWRITEAOF to its end."""
    before = client.info("persistence")["aof_rewrites"]
    client.bgrewriteaof()
    wait_until(lambda: client.info("persistence")["aof_rewrites"] == before + 1)
    wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    assert client.info("persistence")["aof_last_bgrewrite_status"] == "ok"


def manifest(folder: Path) -> list[str]:
    """The lines of the manifest."""
    return (folder / "appendonlydir" / "appendonly.aof.manifest").read_text().splitlines()


def kill(process: ServerProcess) -> None:
    """Ends a server without giving it a chance to finish anything."""
    process.process.kill()
    process.wait()


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("rewritten", [False, True])
def test_a_killed_server_comes_back_with_everything(tmp_path: Path, preamble: str, rewritten: bool) -> None:
    options = ("--aof-use-rdb-preamble", preamble)
    with server(tmp_path, *options).ready() as process:
        client = single(process)
        fill(client)
        if rewritten:
            rewrite(client)
        client.incr("number")
        expected = digest(client)
        kill(process)
    with server(tmp_path, *options).ready() as process:
        assert digest(process.client()) == expected


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_real_server_goes_on_with_our_files_and_we_with_its(tmp_path: Path, preamble: str) -> None:
    config = {"appendonly": "yes", "save": "", "enable-debug-command": "yes", "aof-use-rdb-preamble": preamble}
    with server(tmp_path, "--aof-use-rdb-preamble", preamble).ready() as process:
        client = single(process)
        fill(client)
        rewrite(client)
        client.rpush("list3", "ours")
        expected = content_of(process)
        client.shutdown()
        assert process.wait() == 0
    with start(install("redis-7.0"), config=config, directory=tmp_path) as real:
        assert content_of(real) == expected
        with closing(RealClient(real)) as theirs:
            theirs("RPUSH", "list3", "theirs")
        expected = content_of(real)
    with server(tmp_path).ready() as process:
        assert content_of(process) == expected


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_the_real_checking_tool_finds_nothing_wrong(tmp_path: Path, preamble: str) -> None:
    with server(tmp_path, "--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes").ready() as process:
        client = single(process)
        fill(client)
        rewrite(client)
        with client.pipeline(transaction=True) as transaction:
            transaction.set("a", 1).set("b", 2).execute()
    path = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    result = subprocess.run(["redis-check-aof", str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "All AOF files and manifest are valid" in result.stdout


def test_a_rewrite_leaves_one_base_and_one_increment(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        client = single(process)
        client.set("a", 1)
        rewrite(client)
        client.set("b", 2)
        rewrite(client)
        assert manifest(tmp_path) == [
            "file appendonly.aof.3.base.rdb seq 3 type b",
            "file appendonly.aof.3.incr.aof seq 3 type i",
        ]
        names = {"appendonly.aof.3.base.rdb", "appendonly.aof.3.incr.aof", "appendonly.aof.manifest"}
        folder = tmp_path / "appendonlydir"
        wait_until(lambda: {path.name for path in folder.iterdir()} == names)
        assert [path.name for path in tmp_path.glob("temp-*")] == []


def test_writes_during_a_rewrite_are_kept(tmp_path: Path) -> None:
    with server(tmp_path, "--rdb-key-save-delay", "2000").ready() as process:
        client = single(process)
        client.mset({f"key{index}": index for index in range(200)})
        client.bgrewriteaof()
        client.set("meanwhile", "kept")
        client.set("key199", "changed")
        assert client.info("persistence")["aof_rewrite_in_progress"] == 1
        wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        kill(process)
    with server(tmp_path).ready() as process:
        client = process.client()
        assert (client.get("meanwhile"), client.get("key199"), client.dbsize()) == (b"kept", b"changed", 201)


def test_a_server_killed_during_a_rewrite_has_everything(tmp_path: Path) -> None:
    with server(tmp_path, "--rdb-key-save-delay", "100000").ready() as process:
        client = single(process)
        client.mset({f"key{index}": index for index in range(100)})
        client.bgrewriteaof()
        client.set("meanwhile", "kept")
        child = process.wait_for("rewriting started by pid").split()[-1]
        kill(process)
        subprocess.run(["kill", "-9", child], check=False)
    assert len(manifest(tmp_path)) == 3
    with server(tmp_path).ready() as process:
        client = process.client()
        assert (client.get("meanwhile"), client.dbsize()) == (b"kept", 101)


def test_loading_the_file_again_counts_as_a_change_of_every_key(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process, closing(RealClient(process)) as client:
        client("SET", "key", "value")
        rewrite(single(process))  # from the base, keys are loaded without commands
        client("WATCH", "key")
        assert single(process).execute_command("DEBUG LOADAOF")
        client("MULTI")
        assert client("EXEC") is None
        assert client("GET", "key") == b"value"


def test_switching_the_file_on_and_off_while_running(tmp_path: Path) -> None:
    with ServerProcess("--dir", str(tmp_path), "--save", "").ready() as process:
        client = single(process)
        client.set("before", 1)
        client.config_set("appendonly", "yes")
        wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        client.set("after", 2)
        client.config_set("appendonly", "no")
        client.set("unlogged", 3)
        client.config_set("appendonly", "yes")
        wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        client.delete("unlogged")
        kill(process)
    with server(tmp_path).ready() as process:
        assert sorted(process.client().keys()) == [b"after", b"before"]


def test_growth_begins_a_rewrite(tmp_path: Path) -> None:
    options = ("--auto-aof-rewrite-min-size", "10kb", "--auto-aof-rewrite-percentage", "50", "--hz", "100")
    with server(tmp_path, *options).ready() as process:
        client = process.client()
        for _ in range(100):
            client.set("key", "x" * 1000)
        process.wait_for("Starting automatic rewriting of AOF on")
        process.wait_for("Background AOF rewrite finished successfully")
        assert client.get("key") == b"x" * 1000


def test_a_file_of_an_old_version_is_taken_over(tmp_path: Path) -> None:
    commands = [[b"SELECT", b"2"], [b"SET", b"old", b"1"], [b"EXPIRE", b"old", b"1000"]]
    (tmp_path / "appendonly.aof").write_bytes(b"".join(encode_command(command) for command in commands))
    with server(tmp_path).ready() as process:
        process.client()
        assert "Successfully migrated an old-style AOF file (appendonly.aof)" in process.log()
        client = redis.Redis(port=process.port, db=2)
        assert client.get("old") == b"1"
        assert 900 < client.ttl("old") <= 1000
    assert not (tmp_path / "appendonly.aof").exists()
    assert manifest(tmp_path)[0] == "file appendonly.aof seq 1 type b"


def test_debug_loadaof_takes_libraries_of_functions_from_a_base(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        client = single(process)
        client.function_load("#!lua name=library\nredis.register_function('f', function() return 1 end)")
        client.set("key", "before")
        rewrite(client)
        client.set("key", "after")
        assert client.execute_command("DEBUG", "LOADAOF") == b"OK"
        assert (client.get("key"), client.fcall("f", 0)) == (b"after", 1)


def test_what_had_expired_when_it_was_changed_is_replayed_as_it_was(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        client = single(process)
        client.set("short", "v", px=50)
        client.append("short", "w")
        client.persist("short")
        client.set("gone", "v", px=1)
        wait_until(lambda: client.exists("gone") == 0)
        kill(process)
    with server(tmp_path).ready() as process:
        client = process.client()
        assert (client.get("short"), client.exists("gone")) == (b"vw", 0)


def test_half_a_transaction_is_dropped(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        single(process).set("a", 1)
        kill(process)
    log = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
    whole = log.read_bytes()
    with log.open("ab") as file:
        file.write(
            encode_command([b"MULTI"]) + encode_command([b"SET", b"a", b"2"]) + encode_command([b"SET", b"b", b"2"])
        )
    with server(tmp_path).ready() as process:
        assert "Revert incomplete MULTI/EXEC transaction in AOF file" in process.log()
        assert process.client().mget("a", "b") == [b"1", None]
    assert log.read_bytes() == whole


def test_a_multi_within_a_transaction_and_an_exec_without_one_take_nothing_away(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        single(process).set("a", 1)
        kill(process)
    words = ["MULTI", "INCR a", "MULTI", "INCR a", "EXEC", "EXEC", "INCR a"]
    with next((tmp_path / "appendonlydir").glob("*.incr.aof")).open("ab") as file:
        file.writelines(encode_command(word.encode().split()) for word in words)
    with server(tmp_path).ready() as process:
        assert process.client().get("a") == b"4"
        assert "'ERR MULTI calls can not be nested' after processing the command 'multi'" in process.log()
        assert "'ERR EXEC without MULTI' after processing the command 'exec'" in process.log()


def broken(tmp_path: Path, tail: bytes, *options: str) -> str:
    """What a server that must not start says of a log with something at its end."""
    with server(tmp_path).ready() as process:
        single(process).set("a", 1)
        kill(process)
    log = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
    with log.open("ab") as file:
        file.write(tail)
    with server(tmp_path, *options) as process:
        assert process.wait() == 1
        return process.log()


def test_a_missing_end_is_refused_if_so_configured(tmp_path: Path) -> None:
    text = broken(tmp_path, b"*3\r\n$3\r\nSE", "--aof-load-truncated", "no")
    assert "Unexpected end of file reading the append only file appendonly.aof.1.incr.aof" in text


def test_rubbish_is_refused_with_its_offset(tmp_path: Path) -> None:
    text = broken(tmp_path, b"rubbish" * 10)
    assert "Bad file format reading the append only file appendonly.aof.1.incr.aof" in text
    assert "at offset 50" in text


def test_a_command_nobody_knows_is_refused(tmp_path: Path) -> None:
    text = broken(tmp_path, encode_command([b"NONSENSE", b"x"]))
    assert "Unknown command 'NONSENSE' reading the append only file appendonly.aof.1.incr.aof" in text


def test_a_log_of_more_databases_than_there_are_is_refused(tmp_path: Path) -> None:
    tail = encode_command([b"SELECT", b"9"]) + encode_command([b"SET", b"a", b"of another database"])
    text = broken(tmp_path, tail, "--databases", "9")
    assert "appendonly.aof.1.incr.aof needs more databases than `databases` allows" in text
    with server(tmp_path).ready() as process:
        assert process.client().get("a") == b"1"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        kill(process)
    next((tmp_path / "appendonlydir").glob("*.incr.aof")).unlink()
    with server(tmp_path) as process:
        assert process.wait() == 1
        assert "appendonly.aof.1.incr.aof" in process.log()


def test_a_rewrite_that_fails_is_reported_and_loses_nothing(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        client = single(process)
        client.set("a", 1)
        client.config_set("rdb-key-save-delay", 10_000_000)
        client.bgrewriteaof()
        child = process.wait_for("rewriting started by pid").split()[-1]
        subprocess.run(["kill", "-9", child], check=True)
        process.wait_for("Background AOF rewrite terminated with error: terminated by signal 9")
        assert client.info("persistence")["aof_last_bgrewrite_status"] == "err"
        client.set("b", 2)
        kill(process)
    with server(tmp_path).ready() as process:
        assert process.client().dbsize() == 2


def test_shutdown_brings_the_file_to_disk(tmp_path: Path) -> None:
    with server(tmp_path, "--appendfsync", "no").ready() as process:
        client = single(process)
        client.set("a", 1)
        client.shutdown()
        assert process.wait() == 0
        assert "Calling fsync() on the AOF file." in process.log()


def test_a_second_rewrite_at_the_same_time_is_refused_and_a_snapshot_is_put_off(tmp_path: Path) -> None:
    with server(tmp_path, "--rdb-key-save-delay", "10000000").ready() as process:
        client = single(process)
        client.set("a", 1)
        assert client.bgrewriteaof() is True
        with pytest.raises(redis.ResponseError, match="Background append only file rewriting already in progress"):
            client.bgrewriteaof()
        with pytest.raises(redis.ResponseError, match="Another child process is active"):
            client.bgsave(schedule=False)
        assert client.bgsave(schedule=True)


def test_bgrewriteaof_in_a_transaction_is_scheduled(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        client = single(process)
        client.execute_command("MULTI")
        client.execute_command("BGREWRITEAOF")
        assert client.execute_command("EXEC") == [b"Background append only file rewriting scheduled"]
        process.wait_for("Background AOF rewrite finished successfully")


def test_requests_with_odd_line_ends_do_not_spoil_the_file(tmp_path: Path) -> None:
    with server(tmp_path).ready() as process:
        connection = process.connect()
        connection.sendall(b"*3\r\n$3\r\nSETxx$1\r\naxx$1\r\n1xx")
        reader = hiredis.Reader(notEnoughData=...)
        while (reply := reader.gets()) is ...:
            reader.feed(connection.recv(100))
        assert reply == b"OK"
        connection.close()
        kill(process)
    with server(tmp_path).ready() as process:
        assert process.client().get("a") == b"1"
