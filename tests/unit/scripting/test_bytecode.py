"""What is found out about compiled scripts. That it is used with care, tests/commands/test_sandbox.py shows."""

from __future__ import annotations

import pytest
from lupa.lua51 import LuaRuntime

from hognose.scripting.bytecode import Program


@pytest.fixture(scope="module")
def lua() -> LuaRuntime:
    return LuaRuntime(encoding=None)


def program(lua: LuaRuntime, text: str) -> Program:
    compiled = lua.eval(b"function(text) return string.dump(assert(loadstring(text))) end")(text.encode())
    return Program(compiled)


@pytest.mark.parametrize(
    "text",
    [
        "return 1",
        "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])",
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
        "local call, total = redis.call, 0 for i = 1, #KEYS do total = total + call('GET', KEYS[i]) end return total",
        "local function name(i) return KEYS[i] end return name(1)",
        "return pcall(redis.call, 'GET', (nil or KEYS)[1])",
    ],
)
def test_a_script_that_only_reads_its_arguments_is_plain(lua: LuaRuntime, text: str) -> None:
    assert program(lua, text).is_plain


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "return KEYS",
        "KEYS[1] = 1",
        "local t = ARGV t[1] = 1",
        "local t t = KEYS[1] and ARGV t[1] = 1",
        "return unpack(ARGV)",
        "return function() return KEYS end",
        "redis.call = 1",
        "return redis:call('PING')",
        "return _G.KEYS",
        "return loadstring(ARGV[1])()",
        "return load(ARGV[1])",
    ],
)
def test_a_script_that_could_keep_or_change_them_is_not(lua: LuaRuntime, text: str) -> None:
    assert not program(lua, text).is_plain
