"""EVAL and its kin, and SCRIPT."""

from __future__ import annotations

import hashlib

import hiredis
import pytest

from compat.differential.compare import round_commands
from compat.differential.departures import EXCLUDED
from compat.differential.generate import specs_of
from tests.inprocess import InProcessClient, InProcessServer


@pytest.fixture
def server() -> InProcessServer:
    return InProcessServer()


@pytest.fixture
def client(server: InProcessServer) -> InProcessClient:
    return server.client()


def digest_of(script: str) -> str:
    return hashlib.sha1(script.encode()).hexdigest()


def located(text: str, script: str, line: int = 1) -> str:
    """The error of a script that fails on a line."""
    return f"{text} script: {digest_of(script)}, on @user_script:{line}."


# Arguments and replies


def test_a_script_sets_and_gets_keys(client: InProcessClient) -> None:
    assert client("EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", 1, "key", "value") == b"OK"
    assert client("EVAL", "return redis.call('GET', KEYS[1])", 1, "key") == b"value"
    assert client("GET", "key") == b"value"


def test_the_number_of_keys_is_checked(client: InProcessClient) -> None:
    assert client.error("EVAL", "return 1", "x") == "ERR value is not an integer or out of range"
    assert client.error("EVAL", "return 1", 2, "a") == "ERR Number of keys can't be greater than number of args"
    assert client.error("EVAL", "return 1", -1) == "ERR Number of keys can't be negative"


def test_more_arguments_than_fit_on_the_stack_of_lua_arrive(client: InProcessClient) -> None:
    words = [str(i) for i in range(20_000)]
    script = "return {#KEYS, #ARGV, KEYS[1], KEYS[12000], ARGV[1], ARGV[8000]}"
    assert client("EVAL", script, 12_000, *words) == [12_000, 8_000, b"0", b"11999", b"12000", b"19999"]


def test_a_script_calls_the_server_with_thousands_of_arguments(client: InProcessClient) -> None:
    script = "local a = {} for i = 1, 7990 do a[i] = i end return redis.call('RPUSH', 'list', unpack(a))"
    assert client("EVAL", script, 0) == 7990
    assert client("LINDEX", "list", -1) == b"7990"


def test_a_long_reply_arrives_whole_in_a_script(client: InProcessClient) -> None:
    client("RPUSH", "list", *range(5000))
    script = "local l = redis.call('LRANGE', 'list', 0, -1) return {#l, l[1], l[1000], l[1001], l[5000]}"
    assert client("EVAL", script, 0) == [5000, b"0", b"999", b"1000", b"4999"]


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ("return 3.99", 3),
        ("return -3.99", -3),
        ("return 'text'", b"text"),
        ("return 'a\\0b'", b"a\0b"),
        ("return true", 1),
        ("return false", None),
        ("return nil", None),
        ("return {1, 2, nil, 4}", [1, 2]),
        ("return {1, {2, 'x'}, true, false}", [1, [2, b"x"], 1, None]),
        ("return {ok='fine'}", b"fine"),
        ("return {ok='a\\nb'}", b"a b"),
        ("return {double=3.5}", b"3.5"),
        ("return {big_number='123'}", b"123"),
        ("return {verbatim_string={format='txt', string='hi'}}", b"hi"),
        ("return {map={a=1}}", [b"a", 1]),
        ("return {set={a=true}}", [b"a"]),
        ("return function() end", None),
        ("return 1/0", -(2**63)),
    ],
)
def test_what_a_script_returns_becomes_a_reply(client: InProcessClient, script: str, reply: object) -> None:
    assert client("EVAL", script, 0) == reply


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ("return {double=3.5}", b",3.5\r\n"),
        ("return {big_number='123'}", b"(123\r\n"),
        ("return {verbatim_string={format='t', string='hi'}}", b"=6\r\nt  :hi\r\n"),
        ("return {map={a=1}}", b"%1\r\n$1\r\na\r\n:1\r\n"),
        ("return {set={a=true}}", b"~1\r\n$1\r\na\r\n"),
        ("return nil", b"_\r\n"),
        ("return true", b":1\r\n"),
        ("return {false}", b"*1\r\n_\r\n"),
        ("redis.setresp(3) return true", b"#t\r\n"),
        ("redis.setresp(3) return {true, false}", b"*2\r\n#t\r\n#f\r\n"),
    ],
)
def test_a_client_of_resp3_gets_the_richer_types(client: InProcessClient, script: str, reply: bytes) -> None:
    client("HELLO", 3)
    assert client.raw(hiredis.pack_command(("EVAL", script, "0"))) == reply


@pytest.mark.parametrize(
    ("call", "in_resp2", "in_resp3"),
    [
        ("'GET', 'none'", b"boolean", b"nil"),
        ("'HGETALL', 'hash'", b"table", b"table"),
        ("'ZSCORE', 'zset', 'm'", b"string", b"table"),
        ("'SMEMBERS', 'set'", b"table", b"table"),
    ],
)
def test_what_a_script_gets_depends_on_setresp(
    client: InProcessClient, call: str, in_resp2: bytes, in_resp3: bytes
) -> None:
    client("HSET", "hash", "f", "v")
    client("ZADD", "zset", 1.5, "m")
    client("SADD", "set", "m")
    assert client("EVAL", f"return type(redis.call({call}))", 0) == in_resp2
    assert client("EVAL", f"redis.setresp(3) return type(redis.call({call}))", 0) == in_resp3


def test_maps_and_sets_and_doubles_are_tagged_tables_in_resp3(client: InProcessClient) -> None:
    client("HSET", "hash", "f", "v")
    client("ZADD", "zset", 1.5, "m")
    client("SADD", "set", "m")
    script = (
        "redis.setresp(3) return {redis.call('HGETALL', 'hash').map.f, redis.call('SMEMBERS', 'set').set.m, "
        "tostring(redis.call('ZSCORE', 'zset', 'm').double)}"
    )
    assert client("EVAL", script, 0) == [b"v", 1, b"1.5"]


def test_replies_that_commands_encode_themselves_arrive_as_values(client: InProcessClient) -> None:
    client("GEOADD", "geo", 1.5, 2.5, "m")
    client("BF.ADD", "filter", "item")
    script = "return redis.call('GEORADIUS', 'geo', 1.5, 2.5, 10, 'km', 'WITHCOORD')[1][2][1]"
    assert str(client("EVAL", script, 0)).startswith("b'1.5")
    assert client("EVAL", f"redis.setresp(3) {script}.double > 1.49", 0) == 1
    assert client("EVAL", "return #redis.call('BF.INFO', 'filter')", 0) == 10
    assert client("EVAL", "redis.setresp(3) return redis.call('BF.INFO', 'filter').map.Capacity", 0) == 100


@pytest.mark.parametrize("resp", [2, 3])
def test_every_reply_of_every_command_arrives_in_a_script(server: InProcessServer, resp: int) -> None:
    client = server.client()
    specs = specs_of(["all"], set(EXCLUDED))
    script = f"redis.setresp({resp}) return redis.call(unpack(ARGV))"
    for number in range(10):
        for argv in round_commands(specs, 11, number):
            reply = client("EVAL", script, 0, *argv)
            assert "internal error" not in str(reply), argv


@pytest.mark.parametrize(
    "arguments",
    ["'GET', nil", "'GET', true", "'GET', {}", "'GET', 'k', nil", "'SET', 'k', nil", "'SET', nil, 'v'",
     "'SET', 'k', {}", "'SET', 'k', 'v', nil", "nil, 'k'", "{}, 'k'", "true, 'k', 'v'"],
)  # fmt: skip
def test_only_strings_and_numbers_are_arguments(client: InProcessClient, arguments: str) -> None:
    problem = "ERR Lua redis lib command arguments must be strings or integers"
    assert client.error("EVAL", f"return redis.pcall({arguments})", 0) == problem
    assert client("EXISTS", "k") == 0


@pytest.mark.parametrize("name", ["get", "GET", "Get"])
def test_the_case_of_a_commands_name_does_not_matter(client: InProcessClient, name: str) -> None:
    client("SET", "key", "value")
    assert client("EVAL", f"return redis.call('{name}', KEYS[1])", 1, "key") == b"value"


def test_every_kind_of_answer_arrives_with_one_argument_and_with_two(client: InProcessClient) -> None:
    client("RPUSH", "list", "a")
    client("HSET", "hash", "f", "1")
    one = (
        "return {redis.call('TYPE', 'list').ok, redis.call('GET', 'none') == false, redis.pcall('GET', 'list').err, "
        "redis.call('HGETALL', 'hash'), redis.call('LLEN', 'list'), redis.call('ECHO', 2), redis.call('SELECT', 1).ok}"
    )
    wrong_type = b"WRONGTYPE Operation against a key holding the wrong kind of value"
    assert client("EVAL", one, 0) == [b"list", 1, wrong_type, [b"f", b"1"], 1, b"2", b"OK"]
    two = (
        "return {redis.call('SET', 'k', 1.5).ok, redis.call('HGET', 'hash', 'none') == false, "
        "redis.pcall('INCRBY', 'k', 1).err, redis.call('HMGET', 'hash', 'f'), redis.call('HGET', 'hash', 'f'), "
        "redis.call('OBJECT', 'ENCODING', 'list')}"
    )
    not_integer = b"ERR value is not an integer or out of range"
    assert client("EVAL", two, 0) == [b"OK", 1, not_integer, [b"1"], b"1", b"listpack"]
    assert client("EVAL", "redis.setresp(3) return redis.call('GET', 'none') == nil", 0) == 1


def test_keys_and_arguments_are_those_of_the_call_only(client: InProcessClient) -> None:
    counting = "return {#KEYS, #ARGV, tostring(KEYS[1]), tostring(ARGV[1]), tostring(ARGV[2]), tostring(ARGV[3])}"
    for keys, values in ((1, 2), (1, 0), (2, 3), (1, 1), (0, 2), (0, 0), (1, 3), (1, 2), (0, 1), (1, 0)):
        key = [b"k0" if keys else b"nil"]
        arguments = [b"v%d" % at if at < values else b"nil" for at in range(3)]
        names = [*(f"k{at}" for at in range(keys)), *(f"v{at}" for at in range(values))]
        assert client("EVAL", counting, keys, *names) == [keys, values, *key, *arguments]


def test_numbers_are_arguments_in_their_shortest_form(client: InProcessClient) -> None:
    script = "return redis.call('ECHO', ARGV[1] + 0)"
    for text, argument in (("10", b"10"), ("0.5", b"0.5"), ("1e15", b"1000000000000000"), ("1e300", b"1e+300")):
        assert client("EVAL", script, 0, text) == argument


def test_members_of_a_set_may_be_tables(client: InProcessClient) -> None:
    script = """
        redis.setresp(3)
        local entry = redis.call('COMMAND', 'INFO', 'GET')[1]
        local found = {}
        for flag in pairs(entry[3].set) do found[#found + 1] = flag.ok end
        for keys in pairs(entry[9].set) do found[#found + 1] = keys.map.begin_search.map.type end
        table.sort(found)
        return found
    """
    assert client("EVAL", script, 0) == [b"fast", b"index", b"readonly"]


@pytest.mark.parametrize(
    ("script", "level", "levels"),
    [
        ("local a = {} a[1] = a return a", b"*1\r\n", 7995),
        ("local a = {} a.map = {b = a} return a", b"%1\r\n$1\r\nb\r\n", 2664),
        ("local a = {map = {}} a.map[a] = 1 return a", b"%1\r\n", 1999),
        ("local a = {set = {}} a.set[a] = 1 return a", b"~1\r\n", 2665),
    ],
)
def test_a_reply_that_contains_itself_ends(client: InProcessClient, script: str, level: bytes, levels: int) -> None:
    client("HELLO", 3)
    client.send("EVAL", script, 0)
    written = bytes(client.transport.written)
    assert written.startswith(levels * level)
    assert written.count(level) == levels
    assert b"-ERR reached lua stack limit\r\n" in written
    client.transport.written.clear()
    assert client.raw(b"PING\r\n") == b"+PONG\r\n"


# Errors


@pytest.mark.parametrize(
    ("script", "text", "line"),
    [
        ("return redis.call('nosuch')", "ERR Unknown Redis command called from script", 1),
        ("\n\nreturn redis.call('GET')", "ERR Wrong number of args calling Redis command from script", 3),
        ("return redis.call('MULTI')", "ERR This Redis command is not allowed from script", 1),
        ("return redis.call('GET', {})", "ERR Lua redis lib command arguments must be strings or integers", 1),
        ("return redis.call()", "ERR Please specify at least one argument for this redis lib call", 1),
        ("return nosuch", "ERR user_script:1: Script attempted to access nonexistent global variable 'nosuch'", 1),
        ("local x\nreturn x.y", "ERR user_script:2: attempt to index local 'x' (a nil value)", 2),
        ("error('mine')", "ERR user_script:1: mine", 1),
        ("error('mine', 0)", "ERR mine", 1),
        ("error({err='MY own'})", "MY own", 1),
        ("error(12)", "ERR user_script:1: 12", 1),
        ("redis.log(1)", "ERR redis.log() requires two arguments or more.", 1),
        ("redis.log('x', 'y')", "ERR First argument must be a number (log level).", 1),
        ("redis.log(9, 'y')", "ERR Invalid debug level.", 1),
        ("redis.setresp(4)", "ERR RESP version must be 2 or 3.", 1),
        ("return redis.sha1hex()", "ERR wrong number of arguments", 1),
        ("return math.random(0)", "ERR user_script:1: bad argument #1 to 'random' (interval is empty)", 1),
        ("return cjson.decode('{')", "ERR user_script:1: Expected object key string but found T_END at character 2", 1),
    ],
)
def test_an_error_names_the_place(client: InProcessClient, script: str, text: str, line: int) -> None:
    assert client.error("EVAL", script, 0) == located(text, script, line)


@pytest.mark.parametrize(
    ("script", "text"),
    [
        # Redis 7.0 ends with the first four; these are the answers of Redis 8.2, like Valkey 9.1's.
        ("error({})", "ERR unknown error"),
        ("error({1, 2})", "ERR unknown error"),
        ("error({err = true})", "ERR unknown error"),
        ("error({ok = 'x'})", "ERR unknown error"),
        ("error()", "ERR nil"),
        ("error(true)", "ERR true"),
        ("error(5)", "ERR user_script:1: 5"),
        ("error({err = 5})", "5"),
        ("error({err = ''})", ""),
    ],
)
def test_whatever_a_script_raises_becomes_an_error(client: InProcessClient, script: str, text: str) -> None:
    assert client.error("EVAL", script, 0) == located(text, script, 1)


def test_an_error_of_a_command_passes_through(client: InProcessClient) -> None:
    client("SET", "key", "text")
    script = "local x = 1\nreturn redis.call('LPUSH', 'key', 1)"
    wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value"
    assert client.error("EVAL", script, 0) == located(wrong_type, script, 2)
    assert client.error("EVAL", "return redis.pcall('LPUSH', 'key', 1)", 0) == wrong_type
    assert client("EVAL", "return redis.pcall('LPUSH', 'key', 1).err", 0) == wrong_type.encode()
    assert client("EVAL", "return select(2, pcall(redis.call, 'LPUSH', 'key', 1))", 0) == wrong_type.encode()


def test_a_script_that_does_not_compile_is_refused(client: InProcessClient) -> None:
    expected = "ERR Error compiling script (new function): user_script:1: '=' expected near '<eof>'"
    assert client.error("EVAL", "x", 0) == expected
    assert client.error("SCRIPT", "LOAD", "x") == expected


def test_what_fails_inside_a_script_is_counted_once(client: InProcessClient) -> None:
    client("SET", "key", "text")
    client("CONFIG", "RESETSTAT")
    client.error("EVAL", "return redis.call('LPUSH', 'key', 1)", 0)
    client.error("EVAL", "return redis.pcall('LPUSH', 'key', 1)", 0)
    client.error("EVAL", "return redis.call('LPUSH')", 0)
    stats = client("INFO", "errorstats", "commandstats")
    assert isinstance(stats, bytes)
    assert b"errorstat_WRONGTYPE:count=2\r\n" in stats
    assert b"errorstat_ERR:count=1\r\n" in stats
    lines = {line.partition(b":")[0]: line for line in stats.split(b"\r\n")}
    assert lines[b"cmdstat_eval"].endswith(b"rejected_calls=0,failed_calls=3")
    assert lines[b"cmdstat_lpush"].startswith(b"cmdstat_lpush:calls=2,")
    assert lines[b"cmdstat_lpush"].endswith(b"rejected_calls=1,failed_calls=2")


def test_errors_are_counted_by_so_many_prefixes_and_no_more(client: InProcessClient) -> None:
    """The figures are Valkey 9.1's."""
    client("CONFIG", "RESETSTAT")
    for number in range(140):
        client.error("EVAL", "return {err = ARGV[1]}", 0, f"V{number} text")
    for word in ("x" * 30, "x" * 31, "word"):
        client.error("EVAL", "return {err = ARGV[1]}", 0, f"{word} text" if word != "word" else word)
    client.error("EVALSHA", "x" * 40, 0)
    stats = client("INFO", "errorstats")
    assert isinstance(stats, bytes)
    assert stats.count(b"errorstat_") == 130
    assert b"errorstat_NOSCRIPT:count=1\r\n" in stats
    assert b"errorstat_V127:count=1\r\n" in stats
    assert b"errorstat_ERRORSTATS_OVERFLOW:count=15\r\n" in stats


def test_error_reply_gives_an_error_a_code(client: InProcessClient) -> None:
    for argument, text in (("MY problem", "MY problem"), ("-MY problem", "MY problem"), ("problem", "ERR problem")):
        assert client.error("EVAL", "return redis.error_reply(ARGV[1])", 0, argument) == text
    assert client("EVAL", "return redis.status_reply('fine')", 0) == b"fine"


# The cache


def test_evalsha_runs_what_eval_or_script_load_brought(client: InProcessClient) -> None:
    assert client.error("EVALSHA", digest_of("return 7"), 0) == "NOSCRIPT No matching script. Please use EVAL."
    assert client("SCRIPT", "LOAD", "return 7") == digest_of("return 7").encode()
    assert client("EVALSHA", digest_of("return 7").upper(), 0) == 7
    client("EVAL", "return 8", 0)
    assert client("EVALSHA", digest_of("return 8"), 0) == 8
    assert client("SCRIPT", "EXISTS", digest_of("return 7"), digest_of("return 8"), "x") == [1, 1, 0]
    assert client("SCRIPT", "FLUSH") == b"OK"
    assert client("SCRIPT", "EXISTS", digest_of("return 7")) == [0]
    assert client.error("SCRIPT", "FLUSH", "NOW") == "ERR SCRIPT FLUSH only support SYNC|ASYNC option"


def test_only_the_500_scripts_eval_ran_last_are_kept(client: InProcessClient) -> None:
    client("SCRIPT", "LOAD", "return 'kept'")
    client("EVAL", "return 0", 0)
    for number in range(1, 500):
        client("EVAL", f"return {number}", 0)
    client("EVAL", "return 0", 0)
    client("EVAL", "return 500", 0)
    scripts = [digest_of(text) for text in ("return 'kept'", "return 0", "return 1", "return 2", "return 500")]
    assert client("SCRIPT", "EXISTS", *scripts) == [1, 1, 0, 1, 1]


def test_info_tells_what_scripts_occupy(client: InProcessClient) -> None:
    client("EVAL", "return 1", 0)
    client("SCRIPT", "LOAD", "return 2")
    text = client("INFO", "memory")
    assert isinstance(text, bytes)
    fields = dict(line.split(b":", 1) for line in text.split(b"\r\n") if b":" in line)
    assert fields[b"number_of_cached_scripts"] == b"2"
    assert int(fields[b"used_memory_vm_eval"]) > 10_000
    assert int(fields[b"used_memory_scripts_eval"]) > len("return 1return 2")


def test_scripts_that_are_forgotten_leave_nothing_in_lua(server: InProcessServer, client: InProcessClient) -> None:
    def occupied() -> int:
        client("EVAL", "collectgarbage() return 1", 0)
        return int(server.server.engine.memory().eval_bytes)

    for number in range(1000):
        client("EVAL", f"local t = {{}} for i = 1, 10 do t[i] = {{i}} end return {number}", 0)
    before = occupied()
    for number in range(1000, 2500):
        client("EVAL", f"local t = {{}} for i = 1, 10 do t[i] = {{i}} end return {number}", 0)
    assert occupied() < before * 1.05


# Flags


def test_a_read_only_script_may_not_write(client: InProcessClient) -> None:
    script = "return redis.call('SET', 'key', 1)"
    expected = located("ERR Write commands are not allowed from read-only scripts.", script)
    assert client.error("EVAL_RO", script, 0) == expected
    assert client.error("EVALSHA_RO", digest_of(script), 0) == expected
    script = "#!lua flags=no-writes\nreturn redis.call('SET', 'key', 1)"
    assert client.error("EVAL", script, 0) == located(
        "ERR Write commands are not allowed from read-only scripts.", script, 2
    )
    assert client("EXISTS", "key") == 0


def test_a_script_that_may_write_does_not_run_read_only(client: InProcessClient) -> None:
    expected = "ERR Can not execute a script with write flag using *_ro command."
    assert client.error("EVAL_RO", "#!lua\nreturn 1", 0) == expected
    assert client("EVAL_RO", "#!lua flags=no-writes\nreturn 1", 0) == 1


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("#!lua", "Invalid script shebang"),
        ("#!not-lua\nreturn 1", "Unexpected engine in script shebang: #!not-lua"),
        ("#!lua badger=data\nreturn 1", "Unknown lua shebang option: badger=data"),
        ("#!lua flags=no-writes,nope\nreturn 1", "Unexpected flag in script shebang: nope"),
    ],
)
def test_a_first_line_that_says_nonsense_is_refused(client: InProcessClient, script: str, text: str) -> None:
    assert client.error("EVAL", script, 0) == f"ERR {text}"


def test_without_memory_only_scripts_that_may_run_do(server: InProcessServer, client: InProcessClient) -> None:
    client("SET", "key", "x" * 1000)
    client("CONFIG", "SET", "maxmemory", 1)
    oom = "OOM command not allowed when used memory > 'maxmemory'."
    script = "return redis.call('SET', 'key', 1)"
    assert client.error("EVAL", script, 0) == located(oom, script)
    assert client.error("EVAL", "#!lua\nreturn 1", 0) == oom
    assert client("EVAL", "#!lua flags=allow-oom\nreturn redis.call('SET', 'key', 1)", 0) == b"OK"
    assert client("EVAL", "#!lua flags=no-writes\nreturn redis.call('GET', 'key')", 0) == b"1"
    assert client("EVAL", "return redis.call('GET', 'key')", 0) == b"1"


# Around a script


def test_time_stands_still_in_a_script(server: InProcessServer, client: InProcessClient) -> None:
    script = "local a = redis.call('TIME') for i = 1, 1000 do end return {a, redis.call('TIME')}"
    first, second = client("EVAL", script, 0)  # type: ignore[misc]
    assert first == second


def test_time_in_scripts_and_transactions_tells_microseconds(server: InProcessServer, client: InProcessClient) -> None:
    server.clock.time_us += 123_456
    server.clock.read()
    now = client("TIME")
    assert isinstance(now, list)
    assert now[1] == b"123456"
    assert client("EVAL", "return redis.call('TIME')", 0) == now
    client("MULTI")
    client("TIME")
    client("EVAL", "return redis.call('TIME')", 0)
    assert client("EXEC") == [now, now]


def test_select_in_a_script_is_the_scripts_own(client: InProcessClient) -> None:
    client("EVAL", "redis.call('SELECT', 3) redis.call('SET', 'key', 'there')", 0)
    assert client("EXISTS", "key") == 0
    assert client("EVAL", "return redis.call('EXISTS', 'key')", 0) == 0
    client("SELECT", 3)
    assert client("GET", "key") == b"there"


def test_blocking_commands_do_not_wait_in_scripts(client: InProcessClient) -> None:
    assert client("EVAL", "return redis.call('BLPOP', 'none', 0)", 0) is None


def test_monitor_shows_a_script_before_its_commands(server: InProcessServer, client: InProcessClient) -> None:
    monitor = server.client()
    monitor("MONITOR")
    client("EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "key")
    shown = [monitor.reply(), monitor.reply()]
    assert isinstance(shown[0], bytes)
    assert isinstance(shown[1], bytes)
    assert shown[0].endswith(b"""] "EVAL" "return redis.call('SET', KEYS[1], 1)" "1" "key\"""")
    assert shown[1].endswith(b'[0 lua] "SET" "key" "1"')


def test_scripts_run_inside_transactions(client: InProcessClient) -> None:
    client("MULTI")
    client("EVAL", "return redis.call('INCR', 'n')", 0)
    client("EVAL", "return redis.call('nosuch')", 0)
    client("INCR", "n")
    replies = client("EXEC")
    assert isinstance(replies, list)
    assert replies[0] == 1
    assert isinstance(replies[1], hiredis.ReplyError)
    assert replies[2] == 2


def test_keys_that_clients_wait_for_are_served_after_the_script(
    server: InProcessServer, client: InProcessClient
) -> None:
    waiting = server.client()
    waiting.send("BLPOP", "list", 0)
    client("EVAL", "redis.call('RPUSH', 'list', 'a') redis.call('LPUSH', 'list', 'b')", 0)
    assert waiting.reply() == [b"list", b"b"]


def test_kill_without_a_script_is_an_error(client: InProcessClient) -> None:
    assert client.error("SCRIPT", "KILL") == "NOTBUSY No scripts in execution right now."
    assert client.error("FUNCTION", "KILL") == "NOTBUSY No scripts in execution right now."


def test_there_is_no_debugger(client: InProcessClient) -> None:
    assert client("SCRIPT", "DEBUG", "NO") == b"OK"
    assert client.error("SCRIPT", "DEBUG", "YES") == "ERR The Lua debugger is not available"
    assert client.error("SCRIPT", "DEBUG", "MAYBE") == "ERR Use SCRIPT DEBUG YES/SYNC/NO"
    assert client("EVAL", "redis.debug('x') return redis.breakpoint()", 0) is None


def test_random_numbers_are_those_of_the_real_server(client: InProcessClient) -> None:
    # Golden values from redis-server 7.0.15.
    assert client("EVAL", "return {math.random(1000), math.random(1000)}", 0) == [397, 841]
    script = "math.randomseed(5) return {math.random(1000), math.random(1000), math.random(5, 8)}"
    assert client("EVAL", script, 0) == [525, 273, 8]
