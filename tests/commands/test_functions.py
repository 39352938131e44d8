"""FUNCTION and FCALL."""

from __future__ import annotations

import pytest

from tests.inprocess import InProcessClient, InProcessServer

LIBRARY = """#!lua name=mylib
local function add(keys, args) return redis.call('INCRBY', keys[1], args[1]) end
redis.register_function('add', add)
redis.register_function{function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end,
    flags={'no-writes', 'allow-stale'}, description='reads'}
"""
BAD_NAME = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
NOT_THERE = "Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable"
GOLDEN_SOURCE = b"#!lua name=l\nredis.register_function('f', function(k,a) return {k,a} end)"


@pytest.fixture
def client() -> InProcessClient:
    return InProcessServer().client()


def test_a_library_is_loaded_and_its_functions_called(client: InProcessClient) -> None:
    assert client("FUNCTION", "LOAD", LIBRARY) == b"mylib"
    assert client("FCALL", "add", 1, "n", 5) == 5
    assert client("FCALL", "ADD", 1, "n", 5) == 10
    assert client("FCALL_RO", "look", 1, "n") == b"10"
    assert client.error("FCALL", "nosuch", 0) == "ERR Function not found"
    assert client.error("FCALL", "add", "x") == "ERR Bad number of keys provided"
    assert client.error("FCALL", "add", 2, "x") == "ERR Number of keys can't be greater than number of args"
    assert client.error("FCALL", "add", -1) == "ERR Number of keys can't be negative"


def test_a_function_that_may_write_does_not_run_read_only(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    expected = "ERR Can not execute a script with write flag using *_ro command."
    assert client.error("FCALL_RO", "add", 1, "n", 5) == expected
    client("FUNCTION", "LOAD", "#!lua name=w\nredis.register_function{function_name='w', flags={'no-writes'}, "
           "callback=function() return redis.call('SET', 'k', 1) end}")  # fmt: skip
    expected = "ERR Write commands are not allowed from read-only scripts. script: w, on @user_function:2."
    assert client.error("FCALL", "w", 0) == expected


def test_a_list_describes_the_libraries(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    functions = [
        [b"name", b"add", b"description", None, b"flags", []],
        [b"name", b"look", b"description", b"reads", b"flags", [b"no-writes", b"allow-stale"]],
    ]
    shown = [b"library_name", b"mylib", b"engine", b"LUA", b"functions", functions]
    assert client("FUNCTION", "LIST") == [shown]
    assert client("FUNCTION", "LIST", "LIBRARYNAME", "MY*") == [shown]
    assert client("FUNCTION", "LIST", "LIBRARYNAME", "other*") == []
    assert client("FUNCTION", "LIST", "WITHCODE") == [[*shown, b"library_code", LIBRARY.encode()]]
    assert client.error("FUNCTION", "LIST", "LIBRARYNAME") == "ERR library name argument was not given"
    assert client.error("FUNCTION", "LIST", "WITHCODE", "WITHCODE") == "ERR Unknown argument WITHCODE"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("return 1", "Missing library metadata"),
        ("#!lua name=x", "Invalid library metadata"),
        ("#!lua\nx", "Library name was not given"),
        ("#!lua name=a name=b\nx", "Invalid metadata value, name argument was given multiple times"),
        ("#!lua name=a foo=b\nx", "Invalid metadata value given: foo=b"),
        (
            "#!lua name=a-b\nx",
            BAD_NAME,
        ),
        ("#!java name=a\nx", "Engine 'java' not found"),
        ("#!lua name=a\nx", "Error compiling function: user_function:2: '=' expected near '<eof>'"),
        ("#!lua name=a\nlocal x", "No functions registered"),
        (
            "#!lua name=a\nredis.call('PING')",
            f"{NOT_THERE} 'call'",
        ),
        (
            "#!lua name=a\nlocal x = math.random()",
            f"{NOT_THERE} 'math'",
        ),
        (
            "#!lua name=a\nredis.register_function('f')",
            (
                "Error registering functions: ERR calling redis.register_function with a single argument is only "
                "applicable to Lua table (representing named arguments)."
            ),
        ),
        (
            "#!lua name=a\nredis.register_function('f', 1)",
            "Error registering functions: ERR second argument to redis.register_function must be a function",
        ),
        (
            "#!lua name=a\nredis.register_function{function_name='f', callback=redis.log, flags={'nope'}}",
            "Error registering functions: ERR unknown flag given",
        ),
        (
            "#!lua name=a\nredis.register_function('f', redis.log)\nredis.register_function('f', redis.log)",
            "Error registering functions: ERR Function already exists in the library",
        ),
    ],
)
def test_a_library_that_cannot_be_loaded_is_refused(client: InProcessClient, source: str, text: str) -> None:
    assert client.error("FUNCTION", "LOAD", source) == f"ERR {text}"
    assert client("FUNCTION", "LIST") == []


def test_names_are_taken_once(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    assert client.error("FUNCTION", "LOAD", LIBRARY) == "ERR Library 'mylib' already exists"
    other = "#!lua name=other\nredis.register_function('add', function() end)"
    assert client.error("FUNCTION", "LOAD", other) == "ERR Function add already exists"
    replacement = "#!lua name=mylib\nredis.register_function('add', function() return 'new' end)"
    assert client("FUNCTION", "LOAD", "REPLACE", replacement) == b"mylib"
    assert client("FCALL", "add", 0) == b"new"
    assert client.error("FCALL", "look", 0) == "ERR Function not found"
    assert client.error("FUNCTION", "LOAD", "NOPE", replacement) == "ERR Unknown option given: NOPE"


def test_a_replacement_that_fails_leaves_the_library(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    client.error("FUNCTION", "LOAD", "REPLACE", "#!lua name=mylib\nerror('no')")
    assert client("FCALL", "add", 1, "n", 1) == 1


def test_libraries_are_deleted_and_flushed(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    assert client("FUNCTION", "DELETE", "mylib") == b"OK"
    assert client.error("FUNCTION", "DELETE", "mylib") == "ERR Library not found"
    assert client.error("FCALL", "add", 0) == "ERR Function not found"
    client("FUNCTION", "LOAD", LIBRARY)
    assert client("FUNCTION", "FLUSH", "ASYNC") == b"OK"
    assert client("FUNCTION", "LIST") == []
    assert client.error("FUNCTION", "FLUSH", "NOW") == "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"


def test_flushall_keeps_libraries(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    client("FLUSHALL")
    assert client("FCALL", "add", 1, "n", 1) == 1


def test_a_dump_is_that_of_the_real_server(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", GOLDEN_SOURCE)
    payload = client("FUNCTION", "DUMP")
    assert isinstance(payload, bytes)
    assert payload[:-10] == b"\xf5@\x49" + GOLDEN_SOURCE
    assert payload[-10:-8] == b"\x0b\x00"


def test_dumped_libraries_are_restored(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    payload = client("FUNCTION", "DUMP")
    assert isinstance(payload, bytes)
    assert client.error("FUNCTION", "RESTORE", payload) == "ERR Library mylib already exists"
    assert client("FUNCTION", "RESTORE", payload, "REPLACE") == b"OK"
    client("FUNCTION", "FLUSH")
    client("FUNCTION", "LOAD", GOLDEN_SOURCE)
    assert client("FUNCTION", "RESTORE", payload) == b"OK"
    assert client("FCALL", "add", 1, "n", 1) == 1
    assert client("FUNCTION", "RESTORE", payload, "FLUSH") == b"OK"
    assert client.error("FCALL", "f", 0) == "ERR Function not found"
    assert client.error("FUNCTION", "RESTORE", payload[:-1]) == "ERR DUMP payload version or checksum are wrong"
    assert client.error("FUNCTION", "RESTORE", payload, "MERGE") == (
        "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
    )


def test_statistics_count_libraries_and_functions(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", LIBRARY)
    counts = [b"libraries_count", 1, b"functions_count", 2]
    assert client("FUNCTION", "STATS") == [b"running_script", None, b"engines", [b"LUA", counts]]


def test_functions_keep_what_they_close_over(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", "#!lua name=c\nlocal n = 0\n"
           "redis.register_function('count', function() n = n + 1 return n end)")  # fmt: skip
    assert [client("FCALL", "count", 0) for _ in range(3)] == [1, 2, 3]


def test_functions_have_no_keys_argv_or_register_function(client: InProcessClient) -> None:
    client("FUNCTION", "LOAD", "#!lua name=c\nredis.register_function('f', function() return KEYS end)\n"
           "redis.register_function('g', function() redis.register_function('h', print) end)")  # fmt: skip
    missing = "ERR user_function:2: Script attempted to access nonexistent global variable 'KEYS'"
    assert client.error("FCALL", "f", 0) == f"{missing} script: f, on @user_function:2."
    assert client.error("FCALL", "g", 0).startswith("ERR user_function:3: ")
