"""MULTI, EXEC, WATCH through in-process connections."""

import hiredis
import pytest

from tests.inprocess import InProcessClient, InProcessServer


def test_exec_runs_what_was_queued(client: InProcessClient) -> None:
    assert client("MULTI") == b"OK"
    assert client("SET", "a", 1) == b"QUEUED"
    assert client("INCR", "a") == b"QUEUED"
    assert client("EXEC") == [b"OK", 2]
    assert client("GET", "a") == b"2"


def test_an_error_inside_exec_is_part_of_the_reply(client: InProcessClient) -> None:
    client("MULTI")
    client("SET", "a", "x")
    client("INCR", "a")
    replies = client("EXEC")
    assert isinstance(replies, list)
    assert replies[0] == b"OK"
    assert str(replies[1]) == "ERR value is not an integer or out of range"


def test_a_command_refused_while_queueing_aborts_the_transaction(client: InProcessClient) -> None:
    client("MULTI")
    assert client.error("NOSUCH") == "ERR unknown command 'NOSUCH', with args beginning with: "
    client("SET", "a", 1)
    assert client.error("EXEC") == "EXECABORT Transaction discarded because of previous errors."
    assert client("GET", "a") is None


@pytest.mark.parametrize("first", ["PING", "MULTI"])
def test_exec_with_arguments_gives_the_transaction_up(client: InProcessClient, first: str) -> None:
    client(first)
    assert client.error("EXEC", "x") == (
        "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"
    )
    assert client("PING") == b"PONG"


def test_exec_that_is_not_allowed_says_so_in_its_own_words(server: InProcessServer) -> None:
    admin = server.client()
    admin("ACL", "SETUSER", "user", "on", "nopass", "+@all", "-exec")
    admin("CONFIG", "SET", "requirepass", "secret")
    client = server.client()
    assert client.error("EXEC") == "EXECABORT Transaction discarded because of: NOAUTH Authentication required."
    client("AUTH", "user", "any")
    assert client.error("EXEC") == (
        "EXECABORT Transaction discarded because of: NOPERM User user has no permissions to run the 'exec' command"
    )


def test_exec_fails_when_another_client_changed_a_watched_key(server: InProcessServer, client: InProcessClient) -> None:
    other = server.client()
    client("WATCH", "a")
    other("SET", "a", 1)
    client("MULTI")
    client("SET", "a", 2)
    assert client("EXEC") is None
    assert client("GET", "a") == b"1"
    assert not server.server.keyspace.observed


def test_exec_fails_when_a_watched_key_has_expired(server: InProcessServer, client: InProcessClient) -> None:
    client("SET", "a", 1, "PX", 10)
    client("WATCH", "a")
    client("MULTI")
    client("PING")
    server.clock.advance(11)
    assert client("EXEC") is None


def test_unwatch_lets_the_transaction_pass(server: InProcessServer, client: InProcessClient) -> None:
    client("WATCH", "a")
    server.client()("SET", "a", 1)
    client("UNWATCH")
    client("MULTI")
    client("PING")
    assert client("EXEC") == [b"PONG"]


def test_transaction_words_out_of_place_are_refused(client: InProcessClient) -> None:
    assert client.error("EXEC") == "ERR EXEC without MULTI"
    assert client.error("DISCARD") == "ERR DISCARD without MULTI"
    client("MULTI")
    assert isinstance(client("MULTI"), hiredis.ReplyError)
    assert isinstance(client("WATCH", "a"), hiredis.ReplyError)


def test_client_reply_in_a_transaction_holds_from_there_on(client: InProcessClient) -> None:
    client.raw(b"MULTI\r\nPING\r\nCLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n")
    assert client.raw(b"EXEC\r\n") == b"*5\r\n+PONG\r\n+OK\r\n+PONG\r\n"
    client.raw(b"CLIENT REPLY OFF\r\nMULTI\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n")
    assert client.raw(b"EXEC\r\n") == b"+OK\r\n+PONG\r\n"
    client.raw(b"MULTI\r\nCLIENT REPLY SKIP\r\nPING\r\n")
    assert client.raw(b"EXEC\r\nGET a\r\nGET b\r\n") == b"*2\r\n+PONG\r\n$-1\r\n"


def test_who_is_disconnected_by_a_transaction_of_its_own_gets_no_further_reply(client: InProcessClient) -> None:
    client.raw(b"MULTI\r\nCLIENT KILL TYPE normal SKIPME no\r\nSET a 1\r\nPING\r\n")
    assert client.raw(b"EXEC\r\n") == b"*3\r\n:1\r\n"
    assert client.transport.closed
