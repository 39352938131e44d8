"""Scripts on hognose and on a real server: replies and errors are the same, in RESP2 and RESP3.

The scripts follow each other on one dataset. What Redis 7.2 does otherwise than the real server here, which is 7.0, is
not among them: the form of numbers with fractions as arguments, and blocking commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from compat.servers import find, start
from tests.inprocess import InProcessServer
from tests.side_by_side import RealClient, SideBySide

SCRIPTS = Path(__file__).with_name("lua_scripts.lua")
BUILT_INS = Path(__file__).with_name("lua_expressions") / "built_ins.lua"

FAILING = [
    "return redis.call('nosuch')",
    "return redis.call('get')",
    "return redis.call('multi')",
    "return redis.call('lpush', 'text', 1)",
    "return redis.pcall('nosuch')",
    "return redis.pcall('lpush', 'text', 1)",
    "redis.pcall('nosuch') redis.pcall('get') redis.pcall('lpush', 'text', 1) return 1",
    "pcall(redis.call, 'nosuch') pcall(redis.call, 'lpush', 'text', 1) return 1",
    "redis.pcall('nosuch') error('x')",
    "redis.call()",
    "redis.call({})",
    "error('problem')",
    "error({err = 'BAD problem'})",
    "return {err = 'bad'}",
    "return {err = 'BAD problem'}",
    "return redis.error_reply('bad')",
    "return {1, {err = 'bad'}, {err = 'BAD problem'}}",
    "return {1, redis.pcall('nosuch')}",
    "return {1, {redis.pcall('lpush', 'text', 1)}}",
    "#!lua flags=no-writes\nreturn redis.pcall('set', 'text', 1)",
]


@pytest.fixture
def real() -> Iterator[RealClient]:
    binary = find("redis-7.0")
    assert binary is not None, "scripts/install-servers redis-7.0 gets it"
    with start(binary) as server, closing(RealClient(server)) as client:
        yield client


def test_built_ins_refuse_arguments_where_and_how_they_do_on_a_real_server(real: RealClient) -> None:
    pair = SideBySide(InProcessServer(), real)
    heading, *calls = BUILT_INS.read_text().splitlines()
    assert heading.startswith("--")
    for call in calls:
        pair("EVAL", f"return {call}", 0)
        pair("EVAL", f"local first, second = {call}\nreturn {{type(first), type(second)}}", 0)
        pair("EVAL", f"return {{pcall(function()\nlocal first = {call}\nreturn type(first) end)}}", 0)


@pytest.mark.parametrize("resp", [2, 3])
def test_scripts_answer_what_they_answer_on_a_real_server(real: RealClient, resp: int) -> None:
    pair = SideBySide(InProcessServer(), real)
    real("HELLO", resp)
    pair.client("HELLO", resp)
    heading, *scripts = SCRIPTS.read_text().splitlines()
    assert heading.startswith("--")
    assert len(scripts) > 200
    for script in scripts:
        pair("EVAL", script, 0)


def counts(info: object) -> set[str]:
    """The lines of INFO commandstats and errorstats about commands and errors, without times."""
    assert isinstance(info, bytes)
    lines = [line for line in info.decode().split("\r\n") if line.startswith(("cmdstat_", "errorstat_"))]
    return {re.sub(r"usec(_per_call)?=[0-9.]+,", "", line) for line in lines if "config" not in line}


@pytest.mark.parametrize("in_transaction", [False, True])
def test_failures_count_as_on_a_real_server(real: RealClient, in_transaction: bool) -> None:
    ours = InProcessServer().client()
    for script in FAILING:
        found = []
        for client in (real, ours):
            client("SET", "text", "x")
            client("CONFIG", "RESETSTAT")
            if in_transaction:
                client("MULTI")
            client("EVAL", script, 0)
            if in_transaction:
                client("EXEC")
            found.append(counts(client("INFO", "commandstats")) | counts(client("INFO", "errorstats")))
        assert found[1] == found[0], script


def test_libraries_move_to_a_real_server_and_back(real: RealClient) -> None:
    client = InProcessServer().client()
    source = "#!lua name=mylib\nredis.register_function{function_name='f', callback=function() return 5 end}\n"
    client("FUNCTION", "LOAD", source + "-- " + "long " * 100)
    # Real servers refuse payloads of a newer version than their own.
    client("CONFIG", "SET", "rdb-version", 10)
    payload = client("FUNCTION", "DUMP")
    assert isinstance(payload, bytes)
    assert real("FUNCTION", "RESTORE", payload) == b"OK"
    assert real("FCALL", "f", 0) == 5
    theirs = real("FUNCTION", "DUMP")
    assert isinstance(theirs, bytes)
    client("FUNCTION", "FLUSH")
    assert client("FUNCTION", "RESTORE", theirs) == b"OK"
    assert client("FCALL", "f", 0) == 5
    assert client("FUNCTION", "LIST", "WITHCODE") == real("FUNCTION", "LIST", "WITHCODE")
