"""What clients see while a server reads its dataset, and what its end does to the file then."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.integration.server_process import TIMEOUT_S, ServerProcess

DEBUG = ("--enable-debug-command", "yes")
SLOWLY = (*DEBUG, "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
KEYS = 3000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a dump of many keys."""
    with ServerProcess("--dir", str(tmp_path), *DEBUG).ready() as server, server.client() as client:
        client.execute_command("DEBUG", "POPULATE", str(KEYS), "key", "100")
        client.save()
    return tmp_path


def impatient(server: ServerProcess) -> redis.Redis:
    """A client that takes LOADING for an answer; redis-py would try again until it is over."""
    return redis.Redis(port=server.port, socket_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))


def persistence(client: redis.Redis) -> dict[str, object]:
    fields: dict[str, object] = client.info("persistence")
    return fields


def test_clients_are_told_and_served_what_needs_no_data(folder: Path) -> None:
    with ServerProcess("--dir", str(folder), *SLOWLY) as server:
        server.wait_for("Server initialized")
        with impatient(server) as client:
            with pytest.raises(redis.BusyLoadingError, match="Redis is loading the dataset in memory"):
                client.ping()
            with pytest.raises(redis.BusyLoadingError):
                client.get("key:1")
            with pytest.raises(redis.BusyLoadingError):
                client.execute_command("DEBUG", "RELOAD")
            fields = persistence(client)
            assert fields["loading"] == 1
            assert fields["async_loading"] == 0
            assert abs(time.time() - float(str(fields["loading_start_time"]))) < TIMEOUT_S
            assert fields["loading_total_bytes"] == (folder / "dump.rdb").stat().st_size
            assert 0 < float(str(fields["loading_loaded_perc"])) < 100
            assert int(str(fields["loading_rdb_used_mem"])) > KEYS * 100
            assert int(str(fields["loading_eta_seconds"])) >= 1
            assert client.config_get("key-load-delay") == {"key-load-delay": "2000"}
            client.config_set("key-load-delay", 0)
            server.ready()
            assert client.ping()
            assert client.dbsize() == KEYS
            fields = persistence(client)
            assert fields["loading"] == 0
            assert "loading_start_time" not in fields
            assert fields["rdb_last_load_keys_loaded"] == KEYS


@pytest.mark.parametrize("how", ["command", "signal"])
def test_server_that_ends_while_it_loads_leaves_the_dump_as_it_is(folder: Path, how: str) -> None:
    before = (folder / "dump.rdb").read_bytes()
    with ServerProcess("--dir", str(folder), *SLOWLY) as server:
        server.wait_for("Server initialized")
        if how == "signal":
            server.signal(signal.SIGTERM)
        else:
            with impatient(server) as client:
                client.shutdown(save=True)
        assert server.wait() == 0
    assert (folder / "dump.rdb").read_bytes() == before


def test_damaged_dump_ends_the_start_with_reason_and_offset(folder: Path) -> None:
    dump = folder / "dump.rdb"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-8] + b"foobar00")
    with ServerProcess("--dir", str(folder)) as server:
        assert server.wait() == 1
        assert "RDB CRC error" in server.log()
        assert f"at offset {len(whole)}" in server.log()
    assert dump.read_bytes() == whole[:-8] + b"foobar00"


def test_second_server_in_a_directory_refuses_and_names_the_first(tmp_path: Path) -> None:
    with ServerProcess("--dir", str(tmp_path)).ready() as first:
        with ServerProcess("--dir", str(tmp_path)) as second:
            assert second.wait() == 1
            assert f"Another server (process {first.process.pid}) saves its data in {tmp_path}" in second.log()
        with ServerProcess("--dir", str(tmp_path), "--save", "").ready() as other, other.client() as client:
            with pytest.raises(redis.ResponseError, match=r"CONFIG SET failed.*'save'.*Another server"):
                client.config_set("save", "60 1")
            assert client.config_get("save") == {"save": ""}
            first.process.kill()
            first.process.wait(TIMEOUT_S)
            assert client.config_set("save", "60 1")


def test_second_server_is_refused_what_it_is_asked_to_save(tmp_path: Path) -> None:
    with (
        ServerProcess("--dir", str(tmp_path)).ready() as first,
        ServerProcess("--dir", str(tmp_path), "--save", "").ready() as second,
        first.client() as owner,
        second.client() as guest,
    ):
        owner.set("whose", "first")
        owner.save()
        dump = (tmp_path / "dump.rdb").read_bytes()
        guest.set("whose", "second")
        for words in ("SAVE", "BGSAVE", "BGREWRITEAOF"):
            with pytest.raises(redis.ResponseError, match=f"Another server .process {first.process.pid}. saves its"):
                guest.execute_command(words)
        with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
            guest.execute_command("SHUTDOWN", "SAVE")
        assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]
        assert (tmp_path / "dump.rdb").read_bytes() == dump


def test_server_that_has_saved_once_keeps_others_out(tmp_path: Path) -> None:
    with (
        ServerProcess("--dir", str(tmp_path), "--save", "").ready() as first,
        ServerProcess("--dir", str(tmp_path), "--save", "").ready() as second,
        first.client() as owner,
        second.client() as guest,
    ):
        owner.save()
        owner.config_set("save", "")
        with pytest.raises(redis.ResponseError, match="Another server"):
            guest.save()
        first.process.kill()
        first.process.wait(TIMEOUT_S)
        assert guest.save()


def test_child_that_saves_does_not_keep_the_directory_locked(tmp_path: Path) -> None:
    with ServerProcess("--dir", str(tmp_path), "--rdb-key-save-delay", "1000000").ready() as first:
        with first.client() as client:
            client.set("key", "value")
            client.bgsave()
        first.wait_for("started by pid")
        first.process.kill()
        first.process.wait(TIMEOUT_S)
        with ServerProcess("--dir", str(tmp_path)).ready() as second:
            assert second.process.poll() is None
