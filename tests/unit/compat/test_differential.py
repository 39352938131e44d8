"""The parts of the differential comparison that need no server."""

from random import Random

import pytest

from compat.differential.compare import follow_ups, full_name, round_commands, shown
from compat.differential.departures import EXCLUDED, RULES, Case, allowed
from compat.differential.generate import Generator, specs_of
from compat.differential.wire import WireError, parse, reply_end

NESTED = b"*3\r\n$3\r\na\r\n\r\n%1\r\n+k\r\n~2\r\n,1.5\r\n_\r\n$-1\r\n"


def case(name: str, ours: bytes, theirs: bytes, *argv: bytes) -> Case:
    return Case("redis-7.0", name, argv or (name.encode(),), ours, theirs)


def test_a_reply_ends_where_its_last_item_ends() -> None:
    assert reply_end(NESTED + b"+OK\r\n", 0) == len(NESTED)


def test_an_incomplete_reply_has_no_end_wherever_it_is_cut() -> None:
    assert [reply_end(NESTED[:cut], 0) for cut in range(len(NESTED))] == [-1] * len(NESTED)


def test_bytes_that_begin_no_reply_are_an_error() -> None:
    with pytest.raises(WireError, match="no reply begins"):
        reply_end(b"HTTP/1.1 400\r\n", 0)


def test_the_tree_of_a_reply_keeps_payloads_with_line_ends() -> None:
    tree = parse(NESTED)
    assert tree.items[0].text == b"a\r\n"
    assert [node.kind for node in tree.items[1].items] == [b"+", b"~"]
    assert tree.items[2].text is None


def test_the_same_seed_makes_the_same_commands_and_another_makes_others() -> None:
    specs = specs_of(["string"], set())
    assert round_commands(specs, 7, 3) == round_commands(specs, 7, 3)
    assert round_commands(specs, 7, 3) != round_commands(specs, 8, 3)


def test_generated_commands_are_mostly_of_the_right_arity() -> None:
    specs = specs_of(["string"], set())
    arity = {spec.name: spec.arity for spec in specs}
    commands = round_commands(specs, 1, 1)
    fits = [len(argv) == arity[full_name(argv)] if arity[full_name(argv)] > 0 else True for argv in commands]
    assert 0.85 < sum(fits) / len(fits) < 1


def test_every_command_of_a_group_is_generated_at_some_time() -> None:
    specs = specs_of(["string"], set())
    generator = Generator(specs, Random(5))
    assert {full_name(generator.command()) for _ in range(2000)} == {spec.name for spec in specs}


def test_an_unknown_group_is_named() -> None:
    with pytest.raises(ValueError, match="no such group: strings"):
        specs_of(["strings"], set())


def test_excluded_commands_are_not_generated() -> None:
    assert not {spec.name for spec in specs_of(["all"], set(EXCLUDED))} & set(EXCLUDED)


def test_every_byte_counts_where_no_rule_applies() -> None:
    assert allowed(case("get", b"$1\r\na\r\n", b"$1\r\na\r\n")) == ""
    assert allowed(case("get", b"$1\r\na\r\n", b"$1\r\nb\r\n")) is None
    assert allowed(case("get", b"+a\r\n", b"$1\r\na\r\n")) is None


def test_members_of_a_set_may_come_in_any_order_but_not_be_others() -> None:
    assert allowed(case("smembers", b"*2\r\n+a\r\n+b\r\n", b"*2\r\n+b\r\n+a\r\n")) == "any order"
    assert allowed(case("smembers", b"*2\r\n+a\r\n+b\r\n", b"*2\r\n+b\r\n+b\r\n")) is None


def test_errors_count_to_the_letter_even_where_chance_decides_the_reply() -> None:
    for rule in RULES:
        name = min(rule.commands)
        assert allowed(case(name, b"-ERR one\r\n", b"-ERR other\r\n")) is None, rule.name


def test_arguments_are_shown_so_that_redis_cli_takes_them_back() -> None:
    assert shown(b"key:1") == "key:1"
    assert shown(b'a "b"\n') == '"a \\x22b\\x22\\x0a"'


def test_times_of_fields_may_be_close_but_signs_must_agree() -> None:
    assert allowed(case("hpttl", b"*2\r\n:-2\r\n:5000\r\n", b"*2\r\n:-2\r\n:4999\r\n")) == "clock for fields"
    assert allowed(case("hpttl", b"*2\r\n:-2\r\n:5000\r\n", b"*2\r\n:-1\r\n:5000\r\n")) is None
    assert allowed(case("hpttl", b"*1\r\n:5000\r\n", b"*2\r\n:5000\r\n:5000\r\n")) is None


def test_only_the_activity_of_consumers_and_idle_ones_may_be_missing() -> None:
    ours = b"*1\r\n*8\r\n$4\r\nname\r\n$1\r\nc\r\n$7\r\npending\r\n:2\r\n$4\r\nidle\r\n:3\r\n$8\r\ninactive\r\n:-1\r\n"
    theirs = b"*1\r\n*6\r\n$4\r\nname\r\n$1\r\nc\r\n$7\r\npending\r\n:2\r\n$4\r\nidle\r\n:0\r\n"
    assert allowed(case("xinfo|consumers", ours, theirs)) == "consumers that got nothing"
    assert allowed(case("xinfo|consumers", ours, theirs.replace(b":2\r\n", b":1\r\n"))) is None
    assert allowed(case("xinfo|consumers", ours, b"*0\r\n")) is None
    assert (
        allowed(case("xinfo|consumers", ours.replace(b":2\r\n", b":0\r\n"), b"*0\r\n")) == "consumers that got nothing"
    )


def test_sort_by_text_may_leave_ties_in_any_order() -> None:
    ours, theirs = b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*2\r\n$1\r\nb\r\n$1\r\na\r\n"
    assert allowed(case("sort", ours, theirs, b"SORT", b"k", b"BY", b"x*", b"alpha")) == "any order of equal weights"
    assert allowed(case("sort", ours, theirs, b"SORT", b"k", b"alpha")) is None


def test_what_removes_expired_keys_by_chance_is_followed_by_a_look_at_every_key() -> None:
    assert follow_ups([b"SCAN", b"1"]) == [[b"KEYS", b"*"]]
    assert follow_ups([b"Randomkey"]) == [[b"KEYS", b"*"]]
    assert follow_ups([b"SPOP", b"key"]) == [[b"DEL", b"key"]]
    assert follow_ups([b"GET", b"key"]) == []


def test_valkey_may_keep_the_sign_of_a_zero() -> None:
    assert allowed(Case("valkey-9.1", "zscore", (b"zscore",), b",0\r\n", b",-0\r\n")) == "sign of zero"
    assert allowed(Case("valkey-9.1", "zscore", (b"zscore",), b",0\r\n", b",-1\r\n")) is None
    assert allowed(Case("redis-8.2", "zscore", (b"zscore",), b",0\r\n", b",-0\r\n")) is None
