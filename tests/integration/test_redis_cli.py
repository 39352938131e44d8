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


def test_it_finds_the_keys_that_use_most_memory(server: hognose.Server) -> None:
    server.execute("RPUSH", "list", *range(1000))
    server.execute("SET", "small", "x")
    assert "list" in cli(server, "--memkeys")


def test_it_repeats_commands_and_writes_csv(server: hognose.Server) -> None:
    server.execute("SET", "key", "value")
    assert cli(server, "-r", "3", "-i", "0.001", "PING") == "PONG\n" * 3
    assert cli(server, "--csv", "MGET", "key", "none") == '"value",NULL\n'


def test_it_runs_a_script_file_with_keys_and_arguments(server: hognose.Server, tmp_path: Path) -> None:
    script = tmp_path / "add.lua"
    script.write_text("return {redis.call('INCRBY', KEYS[1], ARGV[1]), cjson.encode({n = 1})}")
    assert cli(server, "--eval", str(script), "counter", ",", "5") == '5\n{"n":1}\n'


def test_it_dumps_the_dataset_as_a_replica_would(server: hognose.Server, tmp_path: Path) -> None:
    server.execute("SET", "key", "value")
    dump = tmp_path / "copy.rdb"
    cli(server, "--rdb", str(dump))
    assert dump.read_bytes().startswith(b"REDIS")
    assert b"value" in dump.read_bytes()


def test_it_shows_what_other_clients_send(server: hognose.Server) -> None:
    words = ["redis-cli", "-p", str(server.port), "MONITOR"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout is not None
        try:
            assert monitor.stdout.readline() == "OK\n"
            server.execute("SET", "key", "two words")
            assert monitor.stdout.readline().endswith('"SET" "key" "two words"\n')
        finally:
            monitor.kill()


@pytest.mark.parametrize("options", [(), ("-P", "16", "-r", "1000"), ("-3", "-c", "5"), ("--threads", "2")])
def test_redis_benchmark_gets_through_all_its_tests(server: hognose.Server, options: tuple[str, ...]) -> None:
    words = ["redis-benchmark", "-p", str(server.port), "-q", "-n", "500", *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S * 3, check=True)
    results = [line for line in done.stdout.replace("\r", "\n").splitlines() if "requests per second" in line]
    assert len(results) >= 19, done.stdout
    assert "rror" not in done.stdout + done.stderr
