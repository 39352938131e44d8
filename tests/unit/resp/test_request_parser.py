"""The request parser: what it takes, what it refuses and with which words, how much it holds."""

import pytest

from hognose.errors import ProtocolError
from hognose.resp.parser import RequestParser


def parse(*chunks: bytes, authenticated: bool = True, max_bulk_bytes: int = 512 * 1024 * 1024) -> list[list[bytes]]:
    parser = RequestParser(max_bulk_bytes)
    parser.authenticated = authenticated
    commands: list[list[bytes]] = []
    for chunk in chunks:
        parser.feed(chunk)
        while (argv := parser.next()) is not None:
            commands.append(argv)
    return commands


def error_of(data: bytes, authenticated: bool = True, max_bulk_bytes: int = 512 * 1024 * 1024) -> str:
    with pytest.raises(ProtocolError) as caught:
        parse(data, authenticated=authenticated, max_bulk_bytes=max_bulk_bytes)
    return caught.value.text


def request(*arguments: bytes) -> bytes:
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in arguments)


def test_an_array_of_bulk_strings_is_a_command() -> None:
    assert parse(b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n") == [[b"GET", b"key"]]


def test_a_pipeline_gives_its_commands_in_order() -> None:
    pipeline = request(b"SET", b"a", b"1") + request(b"INCR", b"a") + request(b"INCR", b"b") + request(b"GET", b"a")
    assert parse(pipeline) == [[b"SET", b"a", b"1"], [b"INCR", b"a"], [b"INCR", b"b"], [b"GET", b"a"]]


def test_names_of_one_length_are_told_apart() -> None:
    names = [b"GET", b"SET", b"GET", b"DEL", b"get", b"EVALSHA", b"HGETALL", b"EXPIREAT", b"EXPIREXX"]
    assert parse(b"".join(request(name, b"a long enough key") for name in names)) == [
        [name, b"a long enough key"] for name in names
    ]


def test_more_than_nine_arguments_are_a_command() -> None:
    many = [b"MSET", *(b"%d" % number for number in range(1000))]
    assert parse(request(*many)) == [many]


def test_empty_arguments_are_kept() -> None:
    assert parse(request(b"SET", b"", b"")) == [[b"SET", b"", b""]]


@pytest.mark.parametrize("size", [999, 1000, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 999_999, 1_000_000, 3_000_000])
def test_long_arguments_arrive_whole_in_chunks_of_any_size(size: int) -> None:
    value = bytes(range(256)) * (size // 256 + 1)
    data = request(b"SET", b"key", value[:size]) + request(b"PING")
    for chunk in (len(data), 65536, 1000):
        chunks = [data[start : start + chunk] for start in range(0, len(data), chunk)]
        assert parse(*chunks) == [[b"SET", b"key", value[:size]], [b"PING"]]


def test_binary_bytes_and_line_ends_in_arguments_are_data() -> None:
    assert parse(request(b"ECHO", b"\r\n$3\r\n\x00\xff*1\r\n")) == [[b"ECHO", b"\r\n$3\r\n\x00\xff*1\r\n"]]


def test_a_line_of_words_is_a_command() -> None:
    assert parse(b"SET key 'two words'\r\nPING\n") == [[b"SET", b"key", b"two words"], [b"PING"]]


@pytest.mark.parametrize("blank", [b"\r\n", b"\n", b"   \r\n", b"*0\r\n", b"*-1\r\n", b"*-7\r\n"])
def test_an_empty_request_is_skipped(blank: bytes) -> None:
    assert parse(blank + request(b"PING")) == [[], [b"PING"]]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"*x\r\n", "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"*01\r\n", "invalid multibulk length"),
        (b"*2147483648\r\n", "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$\r\n", "invalid bulk length"),
        (b"*1\r\n$03\r\nGET\r\n", "invalid bulk length"),
        (b"*1\r\n$3x\r\nGET\r\n", "invalid bulk length"),
        (b"*1\r\n$ 3\r\nGET\r\n", "invalid bulk length"),
        (b"*1\r\n$+3\r\nGET\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n:3\r\n", "expected '$', got ':'"),
        (b"*2\r\n$3\r\nGET\r\nkey\r\n", "expected '$', got 'k'"),
        (b"*" + b"1" * 65537, "too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 65537, "too big bulk count string"),
        (b"x" * 65537, "too big inline request"),
        # Also where the whole line comes at once: how it was cut must not matter.
        (b"*" + b"1" * 65537 + b"\r\n", "too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 65537 + b"\r\n", "too big bulk count string"),
        (b"x" * 65537 + b"\r\n", "too big inline request"),
        (b"SET key 'open\r\n", "unbalanced quotes in request"),
    ],
)
def test_malformed_requests_are_refused_with_redis_words(data: bytes, text: str) -> None:
    assert error_of(data) == text


def test_the_longest_argument_is_configurable() -> None:
    assert parse(request(b"ECHO", b"x" * 20), max_bulk_bytes=20) == [[b"ECHO", b"x" * 20]]
    assert error_of(request(b"ECHO", b"x" * 21), max_bulk_bytes=20) == "invalid bulk length"


def test_clients_that_have_not_authenticated_have_small_limits() -> None:
    ten = [b"AUTH", *[b"x"] * 9]
    assert parse(request(*ten), authenticated=False) == [ten]
    assert error_of(request(*ten, b"x"), authenticated=False) == "unauthenticated multibulk length"
    assert error_of(request(b"AUTH", b"x" * 16385), authenticated=False) == "unauthenticated bulk length"


def test_what_waits_in_the_parser_is_counted() -> None:
    parser = RequestParser()
    parser.feed(b"*2\r\n$4\r\nECHO\r\n$100\r\n" + b"x" * 60)
    assert parser.next() is None
    assert parser.pending_bytes() == 4 + 60
    parser.feed(b"x" * 40 + b"\r\n")
    assert parser.next() == [b"ECHO", b"x" * 100]
    assert parser.pending_bytes() == 0
