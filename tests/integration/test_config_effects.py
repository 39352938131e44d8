"""CONFIG SET does what it says, at once: sockets, limits, measuring, events."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import hognose
from tests.integration.server_process import TIMEOUT_S, ServerProcess, free_port


@pytest.fixture
def server() -> Iterator[hognose.Server]:
    with hognose.Server() as running:
        yield running


def ping(port: int, host: str = "127.0.0.1") -> bytes:
    with socket.create_connection((host, port), TIMEOUT_S) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(100)


def set_config(server: hognose.Server, *pairs: str) -> object:
    return server.execute("CONFIG", "SET", *pairs)


def get_config(server: hognose.Server, name: str) -> bytes:
    found = server.execute("CONFIG", "GET", name)
    assert isinstance(found, dict)
    value = found[name.encode()]
    assert isinstance(value, bytes)
    return value


# Listening


def test_the_port_moves_and_connections_stay(server: hognose.Server) -> None:
    old, new = server.port, free_port()
    with socket.create_connection(("127.0.0.1", old), TIMEOUT_S) as connection:
        set_config(server, "port", str(new))
        assert ping(new) == b"+PONG\r\n"
        with pytest.raises(ConnectionRefusedError):
            ping(old)
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"
    assert server.port == new
    set_config(server, "port", str(old))
    assert ping(old) == b"+PONG\r\n"


def test_a_port_in_use_is_refused_and_the_old_one_kept(server: hognose.Server) -> None:
    old = server.port
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Exception, match=r"Unable to listen on this port\. Check server logs\."):
            set_config(server, "port", str(other.getsockname()[1]))
    assert get_config(server, "port") == str(old).encode()
    assert ping(old) == b"+PONG\r\n"


def test_port_0_closes_the_port_until_another_is_set(server: hognose.Server) -> None:
    old = server.port
    set_config(server, "port", "0")
    with pytest.raises(ConnectionRefusedError):
        ping(old)
    set_config(server, "port", str(old))
    assert ping(old) == b"+PONG\r\n"


def test_several_addresses_are_listened_on(server: hognose.Server) -> None:
    set_config(server, "bind", "127.0.0.1 127.0.0.2")
    assert ping(server.port, "127.0.0.1") == ping(server.port, "127.0.0.2") == b"+PONG\r\n"
    set_config(server, "bind", "127.0.0.2")
    assert ping(server.port, "127.0.0.2") == b"+PONG\r\n"
    with pytest.raises(ConnectionRefusedError):
        ping(server.port, "127.0.0.1")


def test_all_addresses_and_those_of_ipv6_are_listened_on(server: hognose.Server) -> None:
    set_config(server, "bind", "* -::*")
    assert ping(server.port, "127.0.0.3") == b"+PONG\r\n"
    if has_ipv6():
        assert ping(server.port, "::1") == b"+PONG\r\n"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_an_address_of_another_machine_is_refused_unless_it_is_optional(server: hognose.Server) -> None:
    with pytest.raises(Exception, match=r"Failed to bind to specified addresses\."):
        set_config(server, "bind", "127.0.0.1 192.0.2.1")
    assert ping(server.port) == b"+PONG\r\n"
    assert get_config(server, "bind") == b"127.0.0.1"
    set_config(server, "bind", "127.0.0.1 -192.0.2.1")
    assert ping(server.port) == b"+PONG\r\n"


def test_no_address_closes_the_port_and_leaves_the_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "hognose.sock")
    with hognose.Server(unix_socket=path) as server:
        set_config(server, "bind", "")
        with pytest.raises(ConnectionRefusedError):
            ping(server.port)
        with redis.Redis(unix_socket_path=path) as client:
            assert client.ping()
            assert client.client_list()[0]["addr"] == f"{path}:0"
            assert client.config_set("bind", "*")
        assert ping(server.port) == b"+PONG\r\n"


@pytest.mark.parametrize("name", ["databases", "unixsocket", "daemonize", "tcp-backlog", "logfile"])
def test_what_is_fixed_at_the_start_cannot_be_changed(server: hognose.Server, name: str) -> None:
    with pytest.raises(Exception, match="can't set immutable config"):
        set_config(server, name, "1")


# Clients


def test_a_password_is_asked_of_new_clients_only(server: hognose.Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as early:
        early.sendall(b"PING\r\n")
        assert early.recv(100) == b"+PONG\r\n"
        set_config(server, "requirepass", "secret")
        assert ping(server.port) == b"-NOAUTH Authentication required.\r\n"
        early.sendall(b"PING\r\n")
        assert early.recv(100) == b"+PONG\r\n"
        set_config(server, "requirepass", "")
    assert ping(server.port) == b"+PONG\r\n"


def test_maxclients_holds_for_new_clients(server: hognose.Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as first:
        first.sendall(b"PING\r\n")
        assert first.recv(100) == b"+PONG\r\n"
        set_config(server, "maxclients", "1")
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as second:
            assert second.recv(100) == b"-ERR max number of clients reached\r\n"
        set_config(server, "maxclients", "100")
        assert ping(server.port) == b"+PONG\r\n"


@pytest.mark.server
def test_more_clients_than_the_system_allows_are_refused_with_how_many_are_possible() -> None:
    with ServerProcess(options=["--maxclients", "100"]) as process, process.ready().client() as client:
        with pytest.raises(redis.ResponseError, match="not able to handle the specified number of clients, try with"):
            client.config_set("maxclients", 4_000_000_000)
        assert client.config_get("maxclients") == {"maxclients": "100"}


def test_the_longest_string_is_limited_for_clients_that_are_connected_already(server: hognose.Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"
        set_config(server, "proto-max-bulk-len", "1mb")
        connection.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n")
        assert connection.recv(100) == b"-ERR Protocol error: invalid bulk length\r\n"
    with pytest.raises(Exception, match="string exceeds maximum allowed size"):
        server.execute("SETRANGE", "key", 1 << 20, "x")


# Measuring and events


def test_the_slow_logs_threshold_changes(server: hognose.Server) -> None:
    set_config(server, "slowlog-log-slower-than", "-1")
    server.execute("SLOWLOG", "RESET")
    server.execute("PING")
    assert server.execute("SLOWLOG", "LEN") == 0
    set_config(server, "slowlog-log-slower-than", "0")
    server.execute("PING")
    assert server.execute("SLOWLOG", "LEN") != 0


def test_latency_is_tracked_only_while_asked_for(server: hognose.Server) -> None:
    set_config(server, "latency-tracking", "no")
    server.execute("SET", "key", "value")
    assert server.execute("LATENCY", "HISTOGRAM", "set") == {}
    set_config(server, "latency-tracking", "yes")
    server.execute("SET", "key", "value")
    assert server.execute("LATENCY", "HISTOGRAM", "set") != {}


def test_keys_carry_a_frequency_only_under_an_lfu_policy(server: hognose.Server) -> None:
    set_config(server, "maxmemory-policy", "allkeys-lfu")
    server.execute("SET", "key", "value")
    assert server.execute("OBJECT", "FREQ", "key") == 5
    set_config(server, "maxmemory-policy", "allkeys-lru")
    with pytest.raises(Exception, match="An LFU maxmemory policy is not selected"):
        server.execute("OBJECT", "FREQ", "key")
