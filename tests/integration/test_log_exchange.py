"""A dataset of every type goes from each real server to hognose and back by append-only file, rewritten or not."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import hiredis
import pytest

from compat.dataset import TRAITS, content, fill
from compat.servers import RunningServer, ServerBinary, hognose_binary, install, start
from hognose.tools import check
from tests.integration.server_process import command
from tests.side_by_side import RealClient

pytestmark = pytest.mark.server

MULTI_PART = [name for name in TRAITS if name != "redis-6.2"]
VERSIONS = {"redis-7.0": "10", "redis-8.2": "12", "valkey-9.1": "80"}
ON = {"appendonly": "yes", "appendfsync": "everysec"}


class Strict(RealClient):
    """A client that fails on errors."""

    def __call__(self, *args: str | bytes | float) -> object:
        reply = super().__call__(*args)
        assert not isinstance(reply, hiredis.ReplyError), (args, reply)
        return reply


def hognose() -> ServerBinary:
    binary = hognose_binary(command())
    assert binary is not None
    return binary


def rewrite(client: RealClient) -> None:
    """Rewrites the file and waits for the end."""
    client("BGREWRITEAOF")
    deadline = time.monotonic() + 30
    while b"aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0" not in info(client):
        assert time.monotonic() < deadline
    assert b"aof_last_bgrewrite_status:ok" in info(client)


def info(client: RealClient) -> bytes:
    reply = client("INFO", "persistence")
    assert isinstance(reply, bytes)
    return reply


def written(running: RunningServer, name: str, rewritten: bool) -> dict[object, object]:
    """Fills a server, before and after a rewrite; returns what it holds."""
    client = Strict(running)
    traits = replace(TRAITS[name], seen_times=False)
    fill(client, traits)
    if rewritten:
        rewrite(client)
        client("SET", "after", "the rewrite")
        client("DEL", "list:small")
    found = content(client, traits)
    client.close()
    return found


def held(running: RunningServer, name: str) -> dict[object, object]:
    """What a server holds after its start."""
    client = Strict(running)
    found = content(client, replace(TRAITS[name], seen_times=False))
    client.close()
    return found


@pytest.mark.parametrize(("rewritten", "preamble"), [(False, "yes"), (True, "yes"), (True, "no")])
@pytest.mark.parametrize("name", TRAITS)
def test_append_only_file_of_each_real_server_is_loaded(
    tmp_path: Path, name: str, rewritten: bool, preamble: str
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    config = {**ON, "aof-use-rdb-preamble": preamble}
    with start(install(name), directory=theirs, config=config) as running:
        expected = written(running, name, rewritten)
    shutil.copytree(theirs, ours)
    assert check.main([str(ours)]) == 0
    with start(hognose(), directory=ours, config=ON) as running:
        assert held(running, name) == expected
    if name == "redis-6.2":  # its one file has become one of several parts
        assert (ours / "appendonlydir" / "appendonly.aof.manifest").exists()
        with start(hognose(), directory=ours, config=ON) as running:
            assert held(running, name) == expected


@pytest.mark.parametrize(("rewritten", "preamble"), [(False, "yes"), (True, "yes"), (True, "no")])
@pytest.mark.parametrize("name", MULTI_PART)
def test_append_only_file_of_hognose_is_loaded_by_each_real_server(
    tmp_path: Path, name: str, rewritten: bool, preamble: str
) -> None:
    config = {**ON, "aof-use-rdb-preamble": preamble, "rdb-version": VERSIONS[name]}
    with start(hognose(), directory=tmp_path, config=config) as running:
        expected = written(running, name, rewritten)
    assert check.main([str(tmp_path)]) == 0
    with start(install(name), directory=tmp_path, config=ON) as running:
        assert held(running, name) == expected


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("name", MULTI_PART)
def test_real_tools_accept_our_append_only_files(tmp_path: Path, name: str, preamble: str) -> None:
    # valkey-check-aof does not know Valkey's own version 80.
    version = "11" if name == "valkey-9.1" else VERSIONS[name]
    config = {**ON, "aof-use-rdb-preamble": preamble, "rdb-version": version}
    with start(hognose(), directory=tmp_path, config=config) as running:
        written(running, "redis-7.0" if name == "valkey-9.1" else name, rewritten=True)
    tool = tmp_path / f"{name.partition('-')[0]}-check-aof"
    tool.symlink_to(shutil.which(install(name).argv[0]) or "")  # servers become the tool by its name
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    done = subprocess.run([tool, manifest], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout
    assert "All AOF files and manifest are valid" in done.stdout
