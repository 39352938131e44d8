"""COMMAND and its subcommands through an in-process connection."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer


def names(reply: object) -> set[bytes]:
    assert isinstance(reply, list)
    return set(reply)


def test_command_count_is_the_number_of_entries_command_answers(client: InProcessClient) -> None:
    everything = client("COMMAND")
    assert isinstance(everything, list)
    assert client("COMMAND", "COUNT") == len(everything)
    assert client("COMMAND", "INFO") == everything


def test_command_info_answers_null_for_a_name_that_is_none(client: InProcessClient) -> None:
    assert client("COMMAND", "INFO", "nosuchcommand", "get|nosuch") == [None, None]


def test_command_info_knows_subcommands_by_their_full_name_in_any_case(client: InProcessClient) -> None:
    reply = client("COMMAND", "INFO", "Command|DOCS")
    assert isinstance(reply, list)
    assert reply[0][:2] == [b"command|docs", -2]


def test_command_docs_leaves_out_what_it_does_not_know(client: InProcessClient) -> None:
    assert client("COMMAND", "DOCS", "nosuchcommand") == []
    reply = client("COMMAND", "DOCS", "nosuchcommand", "get")
    assert isinstance(reply, list)
    assert reply[0] == b"get"


def test_command_docs_is_a_map_in_resp3(server: InProcessServer) -> None:
    client = server.client()
    client("HELLO", 3)
    assert client.raw(b"COMMAND DOCS get\r\n").startswith(b"%1\r\n$3\r\nget\r\n%")


def test_command_list_has_subcommands_and_command_count_has_not(client: InProcessClient) -> None:
    listed = names(client("COMMAND", "LIST"))
    assert {b"get", b"command", b"command|docs"} <= listed
    count = client("COMMAND", "COUNT")
    assert count == len({name for name in listed if b"|" not in name})


def test_command_list_filters_by_category_pattern_and_module(client: InProcessClient) -> None:
    strings = names(client("COMMAND", "LIST", "FILTERBY", "ACLCAT", "string"))
    assert b"getrange" in strings
    assert b"del" not in strings
    assert names(client("COMMAND", "LIST", "filterby", "pattern", "COMMAND|get*")) == {
        b"command|getkeys",
        b"command|getkeysandflags",
    }
    assert client("COMMAND", "LIST", "FILTERBY", "MODULE", "json") == []
    assert client("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuchcategory") == []


@pytest.mark.parametrize("words", [["FILTERBY"], ["FILTERBY", "ACLCAT"], ["FILTERBY", "NAME", "x"], ["BY", "x", "y"]])
def test_command_list_refuses_other_filters(client: InProcessClient, words: list[str]) -> None:
    assert client.error("COMMAND", "LIST", *words) == "ERR syntax error"


def test_getkeys_finds_every_second_argument_of_mset(client: InProcessClient) -> None:
    assert client("COMMAND", "GETKEYS", "MSET", "a", 1, "b", 2) == [b"a", b"b"]


def test_the_flags_of_sets_key_depend_on_the_get_option(client: InProcessClient) -> None:
    assert client("COMMAND", "GETKEYSANDFLAGS", "SET", "k", "GET") == [[b"k", [b"OW", b"update"]]]
    assert client("COMMAND", "GETKEYSANDFLAGS", "SET", "k", "v", "get") == [[b"k", [b"RW", b"access", b"update"]]]


def test_getkeys_says_what_is_wrong(client: InProcessClient) -> None:
    assert client.error("COMMAND", "GETKEYS", "NOSUCH", "a") == "ERR Invalid command specified"
    assert client.error("COMMAND", "GETKEYS", "COMMAND", "NOSUCH") == "ERR Invalid command specified"
    assert client.error("COMMAND", "GETKEYS", "PING", "a") == "ERR The command has no key arguments"
    assert client.error("COMMAND", "GETKEYS", "GET") == "ERR Invalid number of arguments specified for command"
    for request in (["ZUNIONSTORE", "to", "0", "a"], ["ZUNIONSTORE", "to", "3", "a", "b"], ["ZUNION", "0", "a"]):
        assert client.error("COMMAND", "GETKEYS", *request) == "ERR Invalid arguments specified for command"
    assert client("COMMAND", "GETKEYS", "EVAL", "return 1", "0", "a") == []


def test_an_unknown_subcommand_is_refused(client: InProcessClient) -> None:
    assert client.error("COMMAND", "NOSUCH") == "ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP."


def test_help_names_each_subcommand_with_its_arguments(client: InProcessClient) -> None:
    lines = client("COMMAND", "HELP")
    assert isinstance(lines, list)
    assert lines[0] == b"COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert b"INFO [command-name [command-name ...]]" in lines
    assert lines[-2] == b"HELP"
