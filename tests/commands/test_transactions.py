"""MULTI, EXEC, WATCH through in-process connections."""

import hiredis

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
