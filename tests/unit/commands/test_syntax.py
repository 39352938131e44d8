"""The notation of `syntax`: how it is read, and that what is read says the same again."""

import pytest

from hognose.commands import load_all
from hognose.commands.flags import NOT_KEY
from hognose.commands.spec import SPECS, CommandSpec
from hognose.commands.syntax import Argument, SyntaxFormatError, parse_syntax, usage


def every_spec() -> list[CommandSpec]:
    load_all()
    return [spec for top in SPECS.values() for spec in (top, *top.subcommands.values())]


def only(syntax: str) -> Argument:
    (argument,) = parse_syntax(syntax)
    return argument


def test_every_record_has_a_syntax_that_can_be_read() -> None:
    for spec in every_spec():
        assert all(argument.name for argument in parse_syntax(spec.syntax)), spec.name


def test_reading_what_was_written_gives_the_same_text() -> None:
    for spec in every_spec():
        text = usage(spec.syntax)
        assert usage(text) == text, spec.name


def test_commands_with_keys_have_key_arguments_and_those_without_have_none() -> None:
    def keys(arguments: list[Argument]) -> int:
        return sum((argument.kind == "key") + keys(argument.arguments) for argument in arguments)

    for spec in every_spec():
        if any(not each.flags & NOT_KEY for each in spec.keys):
            assert keys(parse_syntax(spec.syntax)) >= 1, spec.name


def test_a_word_in_capitals_is_a_token_and_introduces_what_follows() -> None:
    match = only("[MATCH pattern]")
    assert (match.token, match.name, match.kind, match.optional) == ("MATCH", "pattern", "pattern", True)
    limit = only("[LIMIT offset count]")
    assert (limit.token, limit.kind, [each.name for each in limit.arguments]) == ("LIMIT", "block", ["offset", "count"])


def test_a_token_alone_is_a_pure_token() -> None:
    assert (only("[WITHSCORES]").kind, only("[WITHSCORES]").token) == ("pure-token", "WITHSCORES")


def test_bars_make_a_choice_that_brackets_make_optional() -> None:
    choice = only("[NX | XX]")
    assert (choice.kind, choice.optional, [each.token for each in choice.arguments]) == ("oneof", True, ["NX", "XX"])
    assert not only("<LEFT | RIGHT>").optional


def test_a_repeated_argument_is_multiple_and_a_repeated_pair_is_a_block() -> None:
    assert [each.multiple for each in parse_syntax("numkeys key [key ...]")] == [False, True]
    pair = parse_syntax("key score member [score member ...]")[1]
    assert (pair.kind, pair.multiple, len(pair.arguments)) == ("block", True, 2)


def test_a_token_is_repeated_only_where_the_repetition_has_it() -> None:
    assert only("[GET pattern [GET pattern ...]]").multiple_token
    assert not only("[KEYS key [key ...]]").multiple_token


def test_an_argument_may_be_said_not_at_all_or_many_times() -> None:
    argument = only("[arg [arg ...]]")
    assert argument.optional
    assert argument.multiple


def test_the_type_comes_from_the_name_unless_the_syntax_gives_one() -> None:
    assert [each.kind for each in parse_syntax("count increment increment:double key value")] == [
        "integer",
        "integer",
        "double",
        "key",
        "string",
    ]
    assert usage("increment:double") == "increment"


def test_a_colon_that_names_no_type_is_part_of_the_name() -> None:
    assert only("ip:port").name == "ip:port"


def test_keys_are_given_to_the_key_specifications_in_order() -> None:
    assert [each.key_spec for each in parse_syntax("destination source value", 2)] == [0, 1, -1]
    assert [each.key_spec for each in parse_syntax("key1 key2", 1)] == [0, 0]


@pytest.mark.parametrize("syntax", ["[key", "key]", "<NX | XX", "[NX | ]", "[... key]"])
def test_a_syntax_that_does_not_follow_the_notation_is_refused(syntax: str) -> None:
    with pytest.raises(SyntaxFormatError):
        parse_syntax(syntax)
