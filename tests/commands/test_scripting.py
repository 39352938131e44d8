"""EVAL and its kin, and SCRIPT."""

import pytest

from tests.inprocess import InProcessServer


@pytest.fixture
def server() -> InProcessServer:
    return InProcessServer()


def test_a_script_sets_and_gets_keys(server: InProcessServer) -> None:
    client = server.client()
    assert client("EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", 1, "key", "value") == b"OK"
    assert client("EVAL", "return redis.call('GET', KEYS[1])", 1, "key") == b"value"
    assert client("GET", "key") == b"value"


def test_the_number_of_keys_is_checked(server: InProcessServer) -> None:
    client = server.client()
    assert client.error("EVAL", "return 1", "x") == "ERR value is not an integer or out of range"
    assert client.error("EVAL", "return 1", 2, "a") == "ERR Number of keys can't be greater than number of args"
    assert client.error("EVAL", "return 1", -1) == "ERR Number of keys can't be negative"


def test_more_arguments_than_fit_on_the_stack_of_lua_arrive(server: InProcessServer) -> None:
    client = server.client()
    words = [str(i) for i in range(20_000)]
    script = "return {#KEYS, #ARGV, KEYS[1], KEYS[12000], ARGV[1], ARGV[8000]}"
    assert client("EVAL", script, 12_000, *words) == [12_000, 8_000, b"0", b"11999", b"12000", b"19999"]


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ("return 3.99", 3),
        ("return -3.99", -3),
        ("return 'text'", b"text"),
        ("return true", 1),
        ("return false", None),
        ("return nil", None),
        ("return {1, 2, nil, 4}", [1, 2]),
        ("return {1, {2, 'x'}, true, false}", [1, [2, b"x"], 1, None]),
        ("return {ok='fine'}", b"fine"),
        ("return {double=3.5}", b"3.5"),
        ("return {big_number='123'}", b"123"),
        ("return {verbatim_string={format='txt', string='hi'}}", b"hi"),
        ("return {map={a=1}}", [b"a", 1]),
        ("return {set={a=true}}", [b"a"]),
        ("return function() end", None),
        ("return 1/0", -(2**63)),
    ],
)
def test_what_a_script_returns_becomes_a_reply(server: InProcessServer, script: str, reply: object) -> None:
    assert server.client()("EVAL", script, 0) == reply
