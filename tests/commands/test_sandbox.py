"""What scripts must not be able to do: change what they share, get out of Lua, or take all memory."""

from __future__ import annotations

import pytest

from tests.inprocess import InProcessClient, InProcessServer

READ_ONLY = "Attempt to modify a readonly table"


@pytest.fixture
def client() -> InProcessClient:
    return InProcessServer().client()


@pytest.mark.parametrize(
    "script",
    [
        "x = 1",
        "function f() end",
        "KEYS = 1",
        "_G.x = 1",
        "_G._G = 1",
        "redis = 1",
        "redis.call = 1",
        "redis.x = 1",
        "local r = redis r.call = 1",
        "({redis})[1].call = 1",
        "(nil or redis).call = 1",
        "string.rep = 1",
        "math.random = 1",
        "table.insert = 1",
        "cjson.encode = 1",
        "cmsgpack.pack = 1",
        "bit.band = 1",
        "struct.pack = 1",
        "coroutine.wrap = 1",
        "os.clock = 1",
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'call', 1)",
        "rawset(string, 'rep', 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "getmetatable(_G).__index = {}",
        "getmetatable(_G).__newindex = nil",
        "getmetatable('').__index = {}",
        "getmetatable('').__index.rep = nil",
        "loadstring('x = 1')()",
        "load(function() end)() x = 1",
    ],
)
def test_what_scripts_share_cannot_be_changed(client: InProcessClient, script: str) -> None:
    assert READ_ONLY in client.error("EVAL", script, 0)
    assert client("EVAL", "return ('x'):rep(3) .. type(redis.call)", 0) == b"xxxfunction"


@pytest.mark.parametrize(
    "script",
    [
        "KEYS[1] = 'x' ARGV[1] = 'x'",
        "KEYS[2] = 'x'",
        "local keys = KEYS keys[2] = 'x'",
        "local arguments arguments = ARGV arguments[2] = 'x'",
        "table.insert(ARGV, 'x')",
        "local function all() return ARGV end all()[2] = 'x'",
        "local keep = {ARGV} keep[1][2] = 'x'",
        "(ARGV[1] and ARGV or KEYS)[2] = 'x'",
        "setmetatable(ARGV, {__index = function() return 'x' end})",
        "_G.ARGV[2] = 'x'",
        "_G['ARGV'][2] = 'x'",
        "rawset(rawget(_G, 'KEYS'), 2, 'x')",
        "loadstring('ARGV[2] = 1')()",
        "load(coroutine.wrap(function() coroutine.yield('ARGV[2] = 1') end))()",
        "for name, value in pairs(_G) do if name == 'KEYS' then value[2] = 'x' end end",
    ],
)
def test_what_a_script_does_to_its_arguments_is_gone_afterwards(client: InProcessClient, script: str) -> None:
    reading = "return {#KEYS, #ARGV, KEYS[1], ARGV[1], tostring(KEYS[2]), tostring(ARGV[2])}"
    for _ in range(2):
        assert client("EVAL", reading, 1, "k", "v") == [1, 1, b"k", b"v", b"nil", b"nil"]
        assert client("EVAL", script + " return 1", 1, "k", "v") == 1


@pytest.mark.parametrize(
    "name",
    ["python", "io", "package", "debug", "require", "module", "dofile", "loadfile", "print", "getfenv", "setfenv",
     "newproxy", "lupa"],
)  # fmt: skip
def test_ways_out_of_lua_are_not_there(client: InProcessClient, name: str) -> None:
    expected = f"Script attempted to access nonexistent global variable '{name}'"
    assert expected in client.error("EVAL", f"return {name}", 0)
    assert client("EVAL", f"return rawget(_G, '{name}')", 0) is None
    assert client("EVAL", f"for k in pairs(_G) do if k == '{name}' then return k end end", 0) is None


def test_only_the_clock_is_left_of_os(client: InProcessClient) -> None:
    assert client("EVAL", "local n = {} for k in pairs(os) do n[#n + 1] = k end return n", 0) == [b"clock"]


def test_nothing_a_script_reaches_is_an_object_of_python(client: InProcessClient) -> None:
    script = """
        local seen, found = {}, {}
        local function visit(value, path)
            if type(value) == 'userdata' then found[#found + 1] = path end
            if type(value) ~= 'table' or seen[value] then return end
            seen[value] = true
            for k, v in pairs(value) do visit(k, path .. '.k') visit(v, path .. '.' .. tostring(k)) end
            visit(getmetatable(value), path .. '.meta')
        end
        visit(_G, '_G')
        visit(getmetatable(''), 'string')
        visit({xpcall('nosuch', tostring)}, 'error')
        for _, call in ipairs({redis.pcall, pcall}) do
            visit({call('nosuch')}, 'error')
            visit({call('PING')}, 'reply')
        end
        local co = coroutine.create(function() redis.call('nosuch') end)
        visit({coroutine.resume(co)}, 'coroutine')
        visit({load(function() redis.call('nosuch') end)}, 'load')
        return found
    """
    assert client("EVAL", script, 0) == [b"_G.cjson.null"]


@pytest.mark.parametrize("call", ["pairs(nil)", "ipairs(nil)", "next(nil)", "setmetatable(nil)", "_G.rawget(nil)"])
def test_guarded_built_ins_name_the_line_of_the_script(client: InProcessClient, call: str) -> None:
    name = call.partition("(")[0].removeprefix("_G.")
    problem = f"user_script:2: bad argument #1 to '{name}' (table expected, got nil)"
    for script in (f"local a = 1\n{call}", f"local a = 1\nreturn {call}"):
        assert client.error("EVAL", script, 0).startswith(f"ERR {problem} script: ")
    assert client("EVAL", f"return select(2, pcall(function()\nlocal a = {call} end))", 0).decode() == problem


def test_bytecode_is_not_loaded(client: InProcessClient) -> None:
    script = "local f, problem = loadstring(string.dump(function() return 5 end)) return {f == nil, problem}"
    refused, problem = client("EVAL", script, 0)  # type: ignore[misc]
    assert refused == 1
    assert b"unexpected symbol near" in problem
    script = (
        "local d, i = string.dump(function() end), 0 return load(function() i = i + 1 return d:sub(i, i) end) == nil"
    )
    assert client("EVAL", script, 0) == 1
    assert "unable to dump given function" in client.error("EVAL", "return string.dump(redis.call)", 0)
    assert "compiling script" in client.error("EVAL", b"\x1bLua", 0)


def test_what_a_script_puts_into_shared_tables_does_not_stay(client: InProcessClient) -> None:
    client("EVAL", "table.insert(redis, 'message')", 0)
    for _ in range(1000):
        client("EVAL", "return 1", 0)
    assert client("EVAL", "return redis[1]", 0) is None


@pytest.mark.parametrize(
    "script",
    [
        "local function f() return 1 + f() end return f()",
        "local s = '(' .. ('('):rep(5000) return loadstring('return ' .. s)",
        "local t = {} t.t = t return cjson.encode(t)",
        "return ('x'):rep(2^40)",
        "local s = 'xxxxxxxxxxxxxxxx' while true do s = s .. s end",
        "return string.format('%1000d', 1)",
        "local co co = coroutine.wrap(function() co() end) co()",
        "local function f(g) return coroutine.wrap(g)(g) end f(f)",
    ],
)
def test_a_script_that_overdoes_it_fails_alone(client: InProcessClient, script: str) -> None:
    client("EVAL", script, 0)
    assert client("EVAL", "return redis.call('PING').ok", 0) == b"PONG"
    assert client("EVAL", "return ('x'):rep(100000):len()", 0) == 100_000


def test_the_collector_stays_on(client: InProcessClient) -> None:
    client("EVAL", "collectgarbage('stop')", 0)
    script = "for i = 1, 20000 do local t = {i} end return collectgarbage('count') < 3000"
    assert client("EVAL", script, 0) == 1


def test_arguments_and_answers_that_do_not_fit_are_refused(client: InProcessClient) -> None:
    megabytes = 400 << 20
    client("SETRANGE", "large", megabytes - 1, "x")
    assert client("EVAL", "return #redis.call('GET', 'large')", 0) == megabytes
    script = "local a = redis.call('GET', 'large') local b = redis.call('GET', 'large') return #a + #b"
    assert "not enough memory" in client.error("EVAL", script + " + #(a .. b)", 0)
    assert client.error("EVAL", "return 1", 0, b"x" * megabytes) == "ERR Error running script: not enough memory"
    assert client("EVAL", "return 1", 0) == 1
