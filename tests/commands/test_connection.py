"""AUTH, HELLO, RESET, SELECT and PING through in-process connections."""

import hiredis
import pytest

from tests.inprocess import InProcessClient, InProcessServer


@pytest.fixture
def guarded() -> InProcessServer:
    """A server with a password."""
    return InProcessServer(requirepass="secret")


def test_commands_need_a_password_until_auth(guarded: InProcessServer) -> None:
    client = guarded.client()
    assert client.error("GET", "key") == "NOAUTH Authentication required."
    assert client.error("AUTH", "wrong") == "WRONGPASS invalid username-password pair or user is disabled."
    assert client.error("AUTH", "somebody", "secret").startswith("WRONGPASS")
    assert client("AUTH", "secret") == b"OK"
    assert client("GET", "key") is None
    assert client("AUTH", "default", "secret") == b"OK"


def test_auth_without_a_password_set_is_refused_with_one_argument_only(client: InProcessClient) -> None:
    assert "without any password configured" in client.error("AUTH", "x")
    assert client("AUTH", "default", "anything") == b"OK"
    assert client.error("AUTH", "a", "b", "c") == "ERR syntax error"


def test_unauthenticated_clients_may_not_send_large_requests(guarded: InProcessServer) -> None:
    client = guarded.client()
    assert client.raw(b"*11\r\n").startswith(b"-ERR Protocol error: unauthenticated multibulk length")


def test_taking_the_password_away_lets_waiting_clients_in(guarded: InProcessServer) -> None:
    inside, outside = guarded.client(), guarded.client()
    inside("AUTH", "secret")
    inside("CONFIG", "SET", "requirepass", "")
    assert outside("PING") == b"PONG"
    inside("CONFIG", "SET", "requirepass", "new")
    assert inside("PING") == b"PONG"
    assert outside.error("PING").startswith("NOAUTH")


def test_hello_answers_its_fields_in_order(client: InProcessClient) -> None:
    reply = client("HELLO")
    assert isinstance(reply, list)
    assert reply[::2] == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
    assert reply[1::2] == [b"redis", b"7.2.4", 2, reply[7], b"standalone", b"master", []]


def test_hello_switches_protocol_and_sets_the_name(client: InProcessClient) -> None:
    reply = client("HELLO", 3, "SETNAME", "me")
    assert isinstance(reply, dict)
    assert reply[b"proto"] == 3
    assert client("CLIENT", "GETNAME") == b"me"
    assert isinstance(client("HELLO", 2), list)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("4",), "NOPROTO unsupported protocol version"),
        (("x",), "ERR Protocol version is not an integer or out of range"),
        (("3", "NAME", "x"), "ERR Syntax error in HELLO option 'NAME'"),
        (("3", "AUTH", "default"), "ERR Syntax error in HELLO option 'AUTH'"),
        (("3", "SETNAME", "a b"), "ERR Client names cannot contain spaces, newlines or special characters."),
    ],
)
def test_hello_refuses_what_it_does_not_know(client: InProcessClient, arguments: tuple[str, ...], text: str) -> None:
    assert client.error("HELLO", *arguments) == text
    assert client("CLIENT", "GETNAME") is None


def test_hello_logs_in_or_demands_it(guarded: InProcessServer) -> None:
    client = guarded.client()
    assert client.error("HELLO", 3).startswith("NOAUTH HELLO must be called with the client already authenticated")
    assert client.error("HELLO", 3, "AUTH", "default", "wrong").startswith("WRONGPASS")
    assert isinstance(client("HELLO", 3, "AUTH", "default", "secret"), dict)
    assert client("PING") == b"PONG"


def test_reset_makes_the_connection_new_but_keeps_the_library_name(client: InProcessClient) -> None:
    client("HELLO", 3)
    client("SELECT", 5)
    client("CLIENT", "SETNAME", "me")
    client("CLIENT", "SETINFO", "LIB-NAME", "lib")
    client("CLIENT", "NO-TOUCH", "ON")
    client("MULTI")
    assert client("RESET") == b"RESET"
    line = client("CLIENT", "INFO")
    assert isinstance(line, bytes)
    for field in (b"db=0", b"name= ", b"resp=2", b"flags=N", b"lib-name=lib", b"multi=-1"):
        assert field in line


def test_reset_ends_the_login(guarded: InProcessServer) -> None:
    client = guarded.client()
    client("AUTH", "secret")
    assert client("RESET") == b"RESET"
    assert isinstance(client("PING"), hiredis.ReplyError)
