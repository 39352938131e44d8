"""Words, quotes, command line and environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hognose.config.errors import ConfigError
from hognose.config.grammar import environment_lines, parse_command_line, parse_line, split_args
from hognose.config.kinds import quote


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b"  a  b\tc ", [b"a", b"b", b"c"]),
        (b'"a b" c', [b"a b", b"c"]),
        (rb'"\n\r\t\b\a\x41\xfF\q\\\""', [b'\n\r\t\b\aA\xffq\\"']),
        (rb'"\x4g"', [b"x4g"]),
        (rb"'it\'s' '\n'", [b"it's", rb"\n"]),
        (b'ab"cd ef"', [b"abcd ef"]),
        (b'""', [b""]),
        (b"a\x0bb", [b"a\x0bb"]),
        (b"\x0ba", [b"a"]),
        (b"a\0b", [b"a"]),
        (b"a # b", [b"a", b"#", b"b"]),
    ],
)
def test_a_line_is_split_into_words(line: bytes, words: list[bytes]) -> None:
    assert split_args(line) == words


@pytest.mark.parametrize("line", [b'"a', b"'a", b'"a"b', b"'a'b", b'a"', rb'"a\"', b'"a\0"'])
def test_unbalanced_quotes_are_refused(line: bytes) -> None:
    assert split_args(line) is None


@given(st.lists(st.binary(max_size=20), min_size=1))
def test_quoted_words_come_back_as_they_were(words: list[bytes]) -> None:
    assert split_args(b" ".join(quote(word) for word in words)) == words


@given(st.binary(max_size=60))
def test_any_line_splits_or_is_refused(line: bytes) -> None:
    words = split_args(line)
    assert words is None or all(isinstance(word, bytes) for word in words)


def test_comments_and_blank_lines_say_nothing() -> None:
    assert parse_line(1, b"  # port 1") is None
    assert parse_line(1, b" \t\r") is None
    assert parse_line(1, b"\x0b") is None


def test_a_line_knows_where_it_stands() -> None:
    line = parse_line(7, b"  PORT  6380 \r")
    assert line is not None
    assert (line.number, line.text, line.name, line.args) == (7, b"PORT  6380", b"port", [b"6380"])
    with pytest.raises(ConfigError, match="at line 7\n>>> 'port \"1'\nUnbalanced quotes in configuration line"):
        parse_line(7, b'port "1')


@pytest.mark.parametrize(
    ("argv", "path", "options"),
    [
        ([], "", b""),
        (["a.conf"], "a.conf", b""),
        (["a.conf", "--port", "1"], "a.conf", b'port "1" '),
        (["--port", "1", "--bind", "127.0.0.1", "::1"], "", b'port "1" \nbind "127.0.0.1" "::1" '),
        (["--port 1"], "", b"port 1 "),
        (["--port 1", "--timeout", "2"], "", b'port 1 \ntimeout "2" '),
        (["--logfile", "--x", "--port", "1"], "", b'logfile "--x" \nport "1" '),
        (["--save", ""], "", b'save "" '),
        (["--save", "--port", "1"], "", b'save ""\nport "1" '),
        (["--port", "1", "--save"], "", b'port "1" \nsave ""'),
        (["--logfile", "--save", "--save", ""], "", b'logfile "--save" \nsave "" '),
        (["", "--port", "1"], ".", b'port "1" '),
        (["--sentinel", "--port", "1"], "", b'sentinel \nport "1" '),
        (
            ["a.conf", "loglevel", "verbose", "--maxmemory '7mb'"],
            "a.conf",
            b'"loglevel" "verbose" \nmaxmemory \'7mb\' ',
        ),
        (["-x"], "", b'"-x" '),
        (["--port", 'a"b'], "", rb'port "a\"b" '),
    ],
)
def test_the_command_line_becomes_configuration_lines(argv: list[str], path: str, options: bytes) -> None:
    line = parse_command_line(argv)
    assert line.path == path
    assert [each.rstrip() for each in line.options.split(b"\n")] == [each.rstrip() for each in options.split(b"\n")]


@pytest.mark.parametrize(
    ("argv", "reads_stdin"),
    [(["-"], True), (["a.conf", "-"], True), (["-", "--port", "1"], True), (["a.conf", "-", "--port", "1"], False)],
)
def test_a_dash_at_either_end_asks_for_standard_input(argv: list[str], reads_stdin: bool) -> None:
    assert parse_command_line(argv).reads_stdin is reads_stdin


def test_environment_variables_become_lines_and_strangers_are_left_alone() -> None:
    environ = {"HOGNOSE_TCP_KEEPALIVE": "7", "HOGNOSE_PURE": "1", "PORT": "1", "HOGNOSE_SERVER_CPULIST": 'a"b'}
    lines = environment_lines(environ, ["tcp-keepalive", "port", "server_cpulist"])
    assert lines == [rb'server_cpulist "a\"b"', b'tcp-keepalive "7"']
