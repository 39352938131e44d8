"""redis-cli works with hognose as with its own server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import hognose
from tests.integration.server_process import TIMEOUT_S


@pytest.fixture
def server(tmp_path: Path) -> Iterator[hognose.Server]:
    with hognose.Server(unix_socket=tmp_path / "hognose.sock") as running:
        yield running


def cli(server: hognose.Server, *args: str, stdin: str = "") -> str:
    """What redis-cli prints."""
    words = ["redis-cli", "-p", str(server.port), *args]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    return done.stdout


def test_it_sends_commands_over_tcp_and_over_the_unix_socket(server: hognose.Server) -> None:
    assert cli(server, "SET", "key", "value") == "OK\n"
    assert server.unix_socket is not None
    assert cli(server, "-s", server.unix_socket, "GET", "key") == "value\n"


def test_it_speaks_resp3(server: hognose.Server) -> None:
    assert cli(server, "-3", "--json", "CONFIG", "GET", "maxmemory") == '{"maxmemory":"0"}\n'


def test_it_scans(server: hognose.Server) -> None:
    for number in range(100):
        server.execute("SET", f"key:{number}", number)
    assert sorted(cli(server, "--scan", "--pattern", "key:1?").split()) == [f"key:{n}" for n in range(10, 20)]


def test_it_pipes_a_mass_of_commands(server: hognose.Server) -> None:
    commands = "".join(f"SET key:{number} {number}\r\n" for number in range(5000))
    assert "errors: 0, replies: 5000" in cli(server, "--pipe", stdin=commands)
    assert server.execute("DBSIZE") == 5000


def test_it_finds_the_biggest_keys(server: hognose.Server) -> None:
    server.execute("SET", "small", "x")
    server.execute("SET", "large", "x" * 1000)
    report = cli(server, "--bigkeys")
    assert "large" in report
    assert "has 1000 bytes" in report
