"""Sorted set commands: the main replies, and what a comparison of replies cannot see: accounts, encodings, waiting."""

from collections import Counter

import pytest

from hognose.datastructures.zset import ZSetValue
from tests.inprocess import InProcessClient, InProcessServer


def filled(client: InProcessClient, key: str, count: int) -> None:
    """A set of m0, m1... with their numbers as scores."""
    words: list[str] = []
    for number in range(count):
        words += [str(number), f"m{number}"]
    client("ZADD", key, *words)


def resp3(client: InProcessClient) -> InProcessClient:
    client("HELLO", "3")
    return client


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("NX", "XX"), "ERR XX and NX options at the same time are not compatible"),
        (("NX", "GT"), "ERR GT, LT, and/or NX options at the same time are not compatible"),
        (("GT", "LT"), "ERR GT, LT, and/or NX options at the same time are not compatible"),
    ],
)
def test_zadd_refuses_options_that_contradict_each_other(
    client: InProcessClient, options: tuple[str, ...], error: str
) -> None:
    assert client.error("ZADD", "key", *options, "1", "a") == error


def test_zadd_adds_nothing_when_one_of_the_scores_is_no_number(client: InProcessClient) -> None:
    assert client.error("ZADD", "key", "1", "a", "x", "b") == "ERR value is not a valid float"
    assert client("EXISTS", "key") == 0


def test_zadd_counts_new_members_and_with_ch_changed_ones_too(client: InProcessClient) -> None:
    assert client("ZADD", "key", "1", "a", "2", "b") == 2
    assert client("ZADD", "key", "1", "a", "3", "b", "4", "c") == 1
    assert client("ZADD", "key", "CH", "1", "a", "5", "b", "6", "d") == 2


def test_zadd_incr_answers_nothing_when_a_condition_is_not_met(client: InProcessClient) -> None:
    client("ZADD", "key", "1", "a")
    assert client("ZADD", "key", "NX", "INCR", "1", "a") is None
    assert client("ZADD", "key", "GT", "INCR", "-1", "a") is None
    assert client("ZADD", "key", "XX", "INCR", "1", "b") is None
    assert client("ZADD", "none", "XX", "INCR", "1", "b") is None
    assert client("ZADD", "key", "XX", "INCR", "1.5", "a") == b"2.5"


def test_zincrby_to_no_number_is_refused_and_changes_nothing(client: InProcessClient) -> None:
    client("ZADD", "key", "inf", "a")
    assert client.error("ZINCRBY", "key", "-inf", "a") == "ERR resulting score is not a number (NaN)"
    assert client("ZSCORE", "key", "a") == b"inf"


def test_scores_are_doubles_in_resp3(client: InProcessClient) -> None:
    resp3(client)
    filled(client, "key", 2)
    assert client("ZSCORE", "key", "m1") == 1.0
    assert client("ZRANGE", "key", "0", "-1", "WITHSCORES") == [[b"m0", 0.0], [b"m1", 1.0]]
    assert client("ZPOPMAX", "key") == [b"m1", 1.0]
    assert client("ZPOPMAX", "key", "1") == [[b"m0", 0.0]]


def test_zrank_with_score_answers_both_or_a_null_array(client: InProcessClient) -> None:
    filled(client, "key", 3)
    assert client("ZRANK", "key", "m1", "WITHSCORE") == [1, b"1"]
    assert client("ZREVRANK", "key", "m0", "WITHSCORE") == [2, b"0"]
    assert client.raw(b"ZRANK key none WITHSCORE\r\n") == b"*-1\r\n"
    assert client.raw(b"ZRANK key none\r\n") == b"$-1\r\n"
    assert client.error("ZRANK", "key", "m1", "WITHSCORES") == "ERR syntax error"
    assert client.error("ZRANK", "key", "m1", "a", "b") == "ERR wrong number of arguments for 'zrank' command"


def test_the_key_goes_with_its_last_member(client: InProcessClient) -> None:
    for remove in (
        ("ZREM", "key", "m0", "m1"),
        ("ZREMRANGEBYRANK", "key", "0", "-1"),
        ("ZREMRANGEBYSCORE", "key", "-inf", "inf"),
        ("ZREMRANGEBYLEX", "key", "-", "+"),
        ("ZPOPMIN", "key", "5"),
        ("ZMPOP", "1", "key", "MAX", "COUNT", "2"),
    ):
        filled(client, "key", 2)
        client(*remove)
        assert client("EXISTS", "key") == 0


@pytest.mark.parametrize("count", [10, 500])
def test_the_memory_account_returns_to_where_it_was(
    client: InProcessClient, server: InProcessServer, count: int
) -> None:
    keyspace = server.server.keyspace
    before = keyspace.memory_bytes
    filled(client, "key", count)
    client("ZUNIONSTORE", "union", "2", "key", "key")
    client("ZRANGESTORE", "part", "key", "0", "3")
    client("ZADD", "key", "1", "x" * 1000)
    assert keyspace.memory_bytes > before + 1000
    client("ZREM", "key", "x" * 1000)
    client("ZINTERSTORE", "union", "2", "key", "none")
    client("ZREMRANGEBYRANK", "key", "0", "-1")
    client("ZPOPMIN", "part", "100")
    assert keyspace.memory_bytes == before


def test_dirty_counts_members_as_the_real_server_does(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    for command, changes in (
        (("ZADD", "key", "1", "a", "2", "b", "3", "c"), 3),
        (("ZADD", "key", "1", "a", "5", "b"), 1),
        (("ZINCRBY", "key", "0", "a"), 0),
        (("ZREM", "key", "a", "none"), 1),
        (("ZPOPMIN", "key", "2"), 2),
        (("ZUNIONSTORE", "none", "1", "key"), 0),
        (("GEOADD", "geo", "1", "1", "a", "2", "2", "b"), 2),
        (("GEOSEARCHSTORE", "to", "geo", "FROMLONLAT", "1", "1", "BYRADIUS", "1000", "km"), 2),
    ):
        before = keyspace.dirty
        client(*command)
        assert keyspace.dirty - before == changes, command


@pytest.mark.parametrize("entries", [20, 1000])
def test_zscan_returns_every_member_that_stays(client: InProcessClient, entries: int) -> None:
    filled(client, "key", entries)
    cursor, seen, calls = b"0", set(), 0
    while cursor != b"0" or calls == 0:
        cursor, flat = client("ZSCAN", "key", cursor, "COUNT", "20")  # type: ignore[misc]
        seen.update(flat[::2])
        calls += 1
        client("ZADD", "key", "1", f"new{calls}")
        client("ZREM", "key", f"new{calls - 1}")
    assert seen >= {b"m%d" % number for number in range(entries)}


def test_zscan_filters_by_match_and_refuses_type(client: InProcessClient) -> None:
    filled(client, "key", 12)
    assert client("ZSCAN", "key", "0", "MATCH", "m1*") == [b"0", [b"m1", b"1", b"m10", b"10", b"m11", b"11"]]
    assert client.error("ZSCAN", "key", "0", "TYPE", "string") == "ERR syntax error"
    assert client.error("ZSCAN", "key", "x") == "ERR invalid cursor"


@pytest.mark.parametrize("entries", [20, 1000])
def test_zrandmember_with_a_positive_count_gives_different_members(client: InProcessClient, entries: int) -> None:
    filled(client, "key", entries)
    some = client("ZRANDMEMBER", "key", "15")
    assert isinstance(some, list)
    assert len(set(some)) == len(some) == 15
    everything = client("ZRANDMEMBER", "key", str(entries + 5))
    assert isinstance(everything, list)
    assert len(everything) == entries


def test_zrandmember_with_a_negative_count_draws_each_member_about_as_often(client: InProcessClient) -> None:
    filled(client, "key", 10)
    drawn = client("ZRANDMEMBER", "key", "-5000")
    assert isinstance(drawn, list)
    counts = Counter(drawn)
    assert len(counts) == 10
    assert all(350 < count < 650 for count in counts.values())


def test_a_setting_reaches_sets_that_are_there(client: InProcessClient) -> None:
    filled(client, "key", 5)
    client("CONFIG", "SET", "zset-max-listpack-entries", "5")
    client("ZADD", "key", "9", "m0")
    assert client("OBJECT", "ENCODING", "key") == b"listpack"
    client("ZADD", "key", "9", "sixth")
    assert client("OBJECT", "ENCODING", "key") == b"skiplist"


def test_a_stored_result_is_as_compact_as_it_can_be(client: InProcessClient) -> None:
    filled(client, "key", 200)
    assert client("ZRANGESTORE", "part", "key", "0", "9") == 10
    assert client("OBJECT", "ENCODING", "part") == b"listpack"
    assert client("ZUNIONSTORE", "all", "2", "key", "part", "AGGREGATE", "MAX") == 200
    assert client("OBJECT", "ENCODING", "all") == b"skiplist"


def test_sets_count_as_sorted_sets_with_score_one(client: InProcessClient) -> None:
    client("SADD", "plain", "a", "b")
    client("ZADD", "key", "5", "b", "6", "c")
    assert client("ZUNION", "2", "plain", "key", "WEIGHTS", "2", "1", "WITHSCORES") == [
        b"a", b"2", b"c", b"6", b"b", b"7",
    ]  # fmt: skip
    assert client("ZINTERCARD", "2", "plain", "key") == 1
    assert client("ZDIFF", "2", "key", "plain") == [b"c"]


def test_a_blocked_client_gets_the_member_as_soon_as_there_is_one(server: InProcessServer) -> None:
    waiting, other = server.client(), server.client()
    waiting.send("BZPOPMIN", "one", "two", "0")
    assert waiting.reply() is ...
    other("ZADD", "two", "2", "b", "1", "a")
    assert waiting.reply() == [b"two", b"a", b"1"]
    assert other("ZRANGE", "two", "0", "-1") == [b"b"]


def test_clients_are_served_in_the_order_they_came(server: InProcessServer) -> None:
    first, second, other = server.client(), server.client(), server.client()
    first.send("BZPOPMAX", "key", "0")
    second.send("BZMPOP", "0", "1", "key", "MIN", "COUNT", "2")
    other("ZADD", "key", "1", "a", "2", "b", "3", "c")
    assert first.reply() == [b"key", b"c", b"3"]
    assert second.reply() == [b"key", [[b"a", b"1"], [b"b", b"2"]]]
    assert other("EXISTS", "key") == 0


def test_a_blocking_pop_in_a_transaction_does_not_wait(client: InProcessClient) -> None:
    client("MULTI")
    client("BZPOPMIN", "key", "0")
    client("BZMPOP", "0", "1", "key", "MIN")
    assert client("EXEC") == [None, None]


@pytest.mark.parametrize("timeout", ["-1", "x", "1e400"])
def test_a_timeout_that_is_none_is_refused(client: InProcessClient, timeout: str) -> None:
    assert client.error("BZPOPMIN", "key", timeout).startswith("ERR timeout is ")
    assert client.error("BZMPOP", timeout, "1", "key", "MIN").startswith("ERR timeout is ")


def test_a_copy_is_independent(client: InProcessClient) -> None:
    filled(client, "key", 200)
    client("COPY", "key", "twin")
    client("ZREM", "key", "m0")
    assert client("ZCARD", "twin") == 200


def test_the_value_in_the_table_holds_together_after_a_mix_of_commands(
    client: InProcessClient, server: InProcessServer
) -> None:
    filled(client, "key", 300)
    client("ZREMRANGEBYSCORE", "key", "100", "(150")
    client("ZINCRBY", "key", "1000", "m0")
    client("ZPOPMAX", "key", "20")
    client("ZADD", "key", "LT", "-5", "m299")
    zset = server.server.keyspace.databases[0].peek(b"key")
    assert isinstance(zset, ZSetValue)
    zset.check_invariants()
    assert zset.length() == client("ZCARD", "key")
