"""Publish and subscribe through in-process connections."""

from __future__ import annotations

import hiredis
import pytest

from tests.inprocess import InProcessClient, InProcessServer


@pytest.fixture
def other(server: InProcessServer) -> InProcessClient:
    return server.client()


@pytest.fixture
def modern(server: InProcessServer) -> InProcessClient:
    """A RESP3 client."""
    client = server.client()
    client("HELLO", 3)
    return client


def messages(client: InProcessClient) -> list[list[object]]:
    """All that has come in, as lists."""
    found: list[list[object]] = []
    while (reply := client.reply()) is not ...:
        assert isinstance(reply, (list, hiredis.PushNotification))
        found.append(list(reply))
    return found


def test_subscribe_confirms_every_channel_with_the_count_so_far(client: InProcessClient) -> None:
    assert client.raw(b"SUBSCRIBE a b a\r\n") == (
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n"
    )


def test_in_resp3_confirmations_and_messages_are_pushes(modern: InProcessClient, client: InProcessClient) -> None:
    assert modern.raw(b"SUBSCRIBE a\r\n") == b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
    client("PUBLISH", "a", "hello")
    assert modern.raw(b"") == b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n"
    assert modern.raw(b"UNSUBSCRIBE\r\nUNSUBSCRIBE\r\n") == (
        b">3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n>3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n"
    )


def test_publish_reaches_channels_first_then_each_pattern(client: InProcessClient, other: InProcessClient) -> None:
    client.send("PSUBSCRIBE", "n*", "ne?s")
    client.send("SUBSCRIBE", "news")
    messages(client)
    assert other("PUBLISH", "news", "x") == 3
    assert messages(client) == [
        [b"message", b"news", b"x"],
        [b"pmessage", b"n*", b"news", b"x"],
        [b"pmessage", b"ne?s", b"news", b"x"],
    ]
    assert other("PUBLISH", "weather", "x") == 0


def test_channels_and_patterns_are_counted_together_and_shards_apart(client: InProcessClient) -> None:
    client.send("SUBSCRIBE", "a")
    client.send("PSUBSCRIBE", "p*")
    client.send("SSUBSCRIBE", "s")
    assert [reply[2] for reply in messages(client)] == [1, 2, 1]
    client.send("UNSUBSCRIBE")
    client.send("SUNSUBSCRIBE")
    client.send("PUNSUBSCRIBE")
    assert messages(client) == [[b"unsubscribe", b"a", 1], [b"sunsubscribe", b"s", 0], [b"punsubscribe", b"p*", 0]]


@pytest.mark.parametrize("word", ["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"])
def test_leaving_everything_without_having_anything_is_confirmed_once(client: InProcessClient, word: str) -> None:
    assert client(word) == [word.lower().encode(), None, 0]
    assert client(word, "x") == [word.lower().encode(), b"x", 0]


def test_no_pattern_reaches_shard_channels(client: InProcessClient, other: InProcessClient) -> None:
    client.send("PSUBSCRIBE", "*")
    client.send("SSUBSCRIBE", "s")
    messages(client)
    assert other("SPUBLISH", "s", "x") == 1
    assert messages(client) == [[b"smessage", b"s", b"x"]]
    assert other("PUBLISH", "s", "x") == 1


def test_a_resp2_subscriber_may_only_subscribe_and_ping(client: InProcessClient) -> None:
    client("SSUBSCRIBE", "s")
    assert client.error("GET", "key").startswith("ERR Can't execute 'get': only (P|S)SUBSCRIBE")
    assert client("PING") == [b"pong", b""]
    client("SUNSUBSCRIBE")
    assert client("GET", "key") is None
    assert client("PING") == b"PONG"


def test_a_resp3_subscriber_may_do_anything(modern: InProcessClient) -> None:
    modern("SUBSCRIBE", "a")
    assert modern("SET", "key", "value") == b"OK"
    assert modern("PING") == b"PONG"


def test_a_message_to_oneself_comes_behind_the_reply(modern: InProcessClient) -> None:
    modern("SUBSCRIBE", "a")
    assert modern.raw(b"PUBLISH a 1\r\n") == b":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n"


def test_a_message_to_oneself_comes_behind_the_whole_transaction(modern: InProcessClient) -> None:
    modern("SUBSCRIBE", "a")
    for words in (["MULTI"], ["PUBLISH", "a", "1"], ["PUBLISH", "a", "2"]):
        modern(*words)
    first, second = (b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n%d\r\n" % number for number in (1, 2))
    assert modern.raw(b"EXEC\r\n") == b"*2\r\n:1\r\n:1\r\n" + first + second


def test_subscribing_in_a_transaction_is_allowed_but_not_to_shards(client: InProcessClient) -> None:
    for words in (["MULTI"], ["SUBSCRIBE", "a"], ["SSUBSCRIBE", "s"]):
        client(*words)
    assert client.raw(b"EXEC\r\n") == (
        b"*2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n"
    )


def test_client_reply_off_silences_neither_confirmations_nor_messages(
    client: InProcessClient, other: InProcessClient
) -> None:
    client.send("CLIENT", "REPLY", "OFF")
    client.send("SUBSCRIBE", "a")
    other("PUBLISH", "a", "x")
    client.send("PING")
    assert messages(client) == [[b"subscribe", b"a", 1], [b"message", b"a", b"x"]]


def test_pubsub_tells_who_listens(client: InProcessClient, other: InProcessClient) -> None:
    client.send("SUBSCRIBE", "a1", "b1")
    client.send("PSUBSCRIBE", "p*", "q*")
    client.send("SSUBSCRIBE", "s1")
    assert other("PUBSUB", "CHANNELS") == [b"a1", b"b1"]
    assert other("PUBSUB", "CHANNELS", "a*") == [b"a1"]
    assert other("PUBSUB", "NUMSUB") == []
    assert other("PUBSUB", "NUMSUB", "a1", "none") == [b"a1", 1, b"none", 0]
    assert other("PUBSUB", "NUMPAT") == 2
    assert other("PUBSUB", "SHARDCHANNELS", "s*") == [b"s1"]
    assert other("PUBSUB", "SHARDNUMSUB", "s1", "a1") == [b"s1", 1, b"a1", 0]
    other.error("PUBSUB", "CHANNELS", "a", "b")


def test_two_clients_with_one_pattern_count_as_one_pattern(client: InProcessClient, other: InProcessClient) -> None:
    client("PSUBSCRIBE", "p*")
    other("PSUBSCRIBE", "p*")
    third = InProcessClient(client.connection.server)
    assert third("PUBSUB", "NUMPAT") == 1
    assert third("PUBLISH", "pq", "x") == 2
    client("PUNSUBSCRIBE", "p*")
    assert third("PUBLISH", "pq", "x") == 1


def test_client_list_shows_the_subscriptions(client: InProcessClient, other: InProcessClient) -> None:
    client.send("SUBSCRIBE", "a", "b")
    client.send("PSUBSCRIBE", "p*")
    client.send("SSUBSCRIBE", "s")
    line = other("CLIENT", "LIST", "TYPE", "pubsub")
    assert isinstance(line, bytes)
    assert b" sub=2 psub=1 ssub=1 " in line
    assert b" flags=P " in line
    info = other("INFO", "stats")
    assert isinstance(info, bytes)
    assert b"pubsub_channels:2\r\npubsub_patterns:1\r\npubsubshard_channels:1\r\n" in info


@pytest.mark.parametrize("end", ["RESET", "disconnect"])
def test_reset_and_disconnecting_leave_everything(client: InProcessClient, other: InProcessClient, end: str) -> None:
    client.send("SUBSCRIBE", "a")
    client.send("PSUBSCRIBE", "a*")
    client.send("SSUBSCRIBE", "a")
    messages(client)
    if end == "RESET":
        assert client("RESET") == b"RESET"
        assert client("GET", "key") is None
    else:
        client.connection.connection_lost()
    assert other("PUBLISH", "a", "x") == 0
    assert other("SPUBLISH", "a", "x") == 0
    assert other("PUBSUB", "NUMPAT") == 0


def test_keyspace_events_are_published_by_key_and_by_event(client: InProcessClient, other: InProcessClient) -> None:
    client.send("PSUBSCRIBE", "__key*")
    other("CONFIG", "SET", "notify-keyspace-events", "KEA")
    messages(client)
    other("SELECT", 3)
    other("SET", "key", "value")
    assert [message[2:] for message in messages(client)] == [
        [b"__keyspace@3__:key", b"set"],
        [b"__keyevent@3__:set", b"key"],
    ]


@pytest.mark.parametrize(
    ("classes", "heard"),
    [
        ("A", []),
        ("K", []),
        ("Kl", [b"__keyspace@0__:list"]),
        ("E$", [b"__keyevent@0__:set"]),
        ("Elg", [b"__keyevent@0__:rpush", b"__keyevent@0__:del"]),
        ("En", [b"__keyevent@0__:new", b"__keyevent@0__:new"]),
        ("Em", [b"__keyevent@0__:keymiss"]),
    ],
)
def test_only_the_classes_asked_for_are_published(
    client: InProcessClient, other: InProcessClient, classes: str, heard: list[bytes]
) -> None:
    client.send("PSUBSCRIBE", "__key*")
    messages(client)
    other("CONFIG", "SET", "notify-keyspace-events", classes)
    for words in (["RPUSH", "list", "x"], ["SET", "string", "x"], ["DEL", "list"], ["GET", "none"]):
        other(*words)
    assert [message[2] for message in messages(client)] == heard


@pytest.mark.parametrize(
    ("words", "is_miss"),
    [
        ("XREADGROUP GROUP g c STREAMS none >", True),
        ("XACK none g 1-1", True),
        ("OBJECT ENCODING none", False),
        ("XGROUP DESTROY none g", False),
        ("HDEL none field", False),
    ],
)
def test_a_missing_key_is_told_of_where_it_is_read(
    client: InProcessClient, other: InProcessClient, words: str, is_miss: bool
) -> None:
    other("CONFIG", "SET", "notify-keyspace-events", "Em")
    client.send("SUBSCRIBE", "__keyevent@0__:keymiss")
    messages(client)
    other(*words.split())
    assert [message[2] for message in messages(client)] == ([b"none"] if is_miss else [])
