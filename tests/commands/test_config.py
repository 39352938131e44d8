"""CONFIG through an in-process connection."""

from pathlib import Path

from tests.inprocess import InProcessClient, InProcessServer


def test_config_get_returns_a_map_of_all_matches(server: InProcessServer) -> None:
    client = server.client()
    client("HELLO", 3)
    found = client("CONFIG", "GET", "maxmemory*", "port")
    assert isinstance(found, dict)
    assert {b"maxmemory", b"maxmemory-policy", b"maxmemory-samples", b"port"} <= set(found)
    assert found[b"maxmemory-policy"] == b"noeviction"


def test_config_set_changes_all_directives_or_none(client: InProcessClient) -> None:
    text = client.error("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "sometimes")
    assert text.startswith("ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy')")
    assert client("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"0"]
    assert client("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru") == b"OK"
    assert client("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"104857600"]


def test_config_set_with_a_name_and_no_value_is_a_syntax_error(client: InProcessClient) -> None:
    assert client.error("CONFIG", "SET", "maxmemory", "1", "port").endswith("syntax error")


def test_config_set_raises_a_replication_backlog_that_is_too_small(client: InProcessClient) -> None:
    assert client("CONFIG", "SET", "repl-backlog-size", "1kb") == b"OK"
    assert client("CONFIG", "GET", "repl-backlog-size") == [b"repl-backlog-size", b"16384"]


def test_config_rewrite_without_a_file_is_refused(client: InProcessClient) -> None:
    assert client.error("CONFIG", "REWRITE").endswith("The server is running without a config file")


def test_config_rewrite_writes_what_was_set(client: InProcessClient, server: InProcessServer, tmp_path: Path) -> None:
    path = tmp_path / "server.conf"
    path.write_text("# kept\nmaxmemory 1\n")
    server.server.config.path = str(path)
    client("CONFIG", "SET", "maxmemory", "5mb")
    assert client("CONFIG", "REWRITE") == b"OK"
    assert path.read_text().splitlines()[:2] == ["# kept", "maxmemory 5mb"]


def test_config_resetstat_clears_calls_errors_and_hits(client: InProcessClient, server: InProcessServer) -> None:
    client("GET", "missing")
    client.error("NOSUCH")
    client("CONFIG", "RESETSTAT")
    assert server.server.keyspace.misses == 0
    text = client("INFO", "errorstats", "commandstats")
    assert isinstance(text, bytes)
    assert b"errorstat_" not in text
    assert b"cmdstat_get:" not in text


def test_a_secret_in_config_set_is_hidden_from_the_slow_log(client: InProcessClient) -> None:
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    client("CONFIG", "SET", "maxmemory", "0", "masterauth", "s3cret")
    entries = client("SLOWLOG", "GET", "1")
    assert isinstance(entries, list)
    assert entries[0][3] == [b"CONFIG", b"SET", b"maxmemory", b"0", b"masterauth", b"(redacted)"]
