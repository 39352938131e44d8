"""Stream commands: generated IDs, waiting readers, groups and time, and what is told to replicas."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer

NOW = 1_700_000_000_000


def test_generated_ids_follow_the_clock_and_never_go_back(client: InProcessClient, server: InProcessServer) -> None:
    assert client("XADD", "s", "*", "f", "v") == b"%d-0" % NOW
    assert client("XADD", "s", "*", "f", "v") == b"%d-1" % NOW
    server.clock.advance(5)
    assert client("XADD", "s", "*", "f", "v") == b"%d-0" % (NOW + 5)
    assert client("XADD", "s", f"{NOW + 5}-*", "f", "v") == b"%d-1" % (NOW + 5)
    assert client("XADD", "s", f"{NOW + 99}-7", "f", "v") == b"%d-7" % (NOW + 99)
    assert client("XADD", "s", "*", "f", "v") == b"%d-8" % (NOW + 99)


def test_the_highest_id_is_the_last_one(client: InProcessClient) -> None:
    highest = "18446744073709551615-18446744073709551615"
    client("XADD", "s", highest, "f", "v")
    exhausted = "ERR The stream has exhausted the last possible ID, unable to add more items"
    assert client.error("XADD", "s", "*", "f", "v") == exhausted
    assert client.error("XADD", "s", "5-5", "f", "v") == exhausted


def test_an_entry_without_value_is_an_arity_error_and_creates_nothing(client: InProcessClient) -> None:
    assert client.error("XADD", "s", "*", "f", "v", "g") == "ERR wrong number of arguments for 'xadd' command"
    assert client.error("XADD", "s", "0-0", "f", "v") == "ERR The ID specified in XADD must be greater than 0-0"
    assert client("EXISTS", "s") == 0


def test_xread_waits_and_is_served_by_the_next_entry(server: InProcessServer) -> None:
    reader, writer = server.client(), server.client()
    writer("XADD", "s", "1-1", "f", "old")
    reader.send("XREAD", "BLOCK", "0", "STREAMS", "other", "s", "$", "$")
    assert reader.reply() is ...
    writer("XADD", "s", "2-1", "f", "new")
    assert reader.reply() == [[b"s", [[b"2-1", [b"f", b"new"]]]]]
    writer("XADD", "s", "3-1", "f", "newer")
    assert reader.reply() is ...


def test_xread_serves_every_waiting_reader(server: InProcessServer) -> None:
    readers = [server.client() for _ in range(3)]
    for reader in readers:
        reader.send("XREAD", "BLOCK", "0", "STREAMS", "s", "0")
    server.client()("XADD", "s", "1-1", "f", "v")
    for reader in readers:
        assert reader.reply() == [[b"s", [[b"1-1", [b"f", b"v"]]]]]


def test_xreadgroup_gives_an_entry_to_one_waiting_consumer(server: InProcessServer) -> None:
    writer = server.client()
    writer("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    readers = [server.client() for _ in range(2)]
    for number, reader in enumerate(readers):
        reader.send("XREADGROUP", "GROUP", "g", f"c{number}", "BLOCK", "0", "STREAMS", "s", ">")
    writer("XADD", "s", "1-1", "f", "v")
    assert readers[0].reply() == [[b"s", [[b"1-1", [b"f", b"v"]]]]]
    assert readers[1].reply() is ...
    writer("XADD", "s", "2-1", "f", "v")
    assert readers[1].reply() == [[b"s", [[b"2-1", [b"f", b"v"]]]]]


@pytest.mark.parametrize("loss", [("XGROUP", "DESTROY", "s", "g"), ("DEL", "s"), ("SET", "s", "text")])
def test_a_consumer_waiting_for_a_group_that_goes_away_is_told(server: InProcessServer, loss: tuple[str, ...]) -> None:
    reader, writer = server.client(), server.client()
    writer("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    reader.send("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    writer(*loss)
    assert str(reader.reply()).split(" ")[0] in {"NOGROUP", "WRONGTYPE"}


def test_a_consumers_history_shows_deleted_entries_without_fields(client: InProcessClient) -> None:
    client("XADD", "s", "1-1", "f", "a")
    client("XADD", "s", "2-1", "f", "b")
    client("XGROUP", "CREATE", "s", "g", "0")
    client("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    client("XDEL", "s", "1-1")
    assert client("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0") == [
        [b"s", [[b"1-1", None], [b"2-1", [b"f", b"b"]]]]
    ]


def test_idle_time_decides_what_is_claimed(client: InProcessClient, server: InProcessServer) -> None:
    for number in (1, 2, 3):
        client("XADD", "s", f"{number}-0", "f", "v")
    client("XGROUP", "CREATE", "s", "g", "0")
    client("XREADGROUP", "GROUP", "g", "alice", "COUNT", "2", "STREAMS", "s", ">")
    server.clock.advance(1000)
    client("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "s", ">")
    assert client("XPENDING", "s", "g", "IDLE", "500", "-", "+", "10") == [
        [b"1-0", b"alice", 1000, 1],
        [b"2-0", b"alice", 1000, 1],
    ]
    assert client("XCLAIM", "s", "g", "bob", "500", "1-0", "3-0", "JUSTID") == [b"1-0"]
    assert client("XAUTOCLAIM", "s", "g", "bob", "500", "0", "COUNT", "1") == [b"3-0", [[b"2-0", [b"f", b"v"]]], []]
    assert client("XPENDING", "s", "g") == [3, b"1-0", b"3-0", [[b"alice", b"1"], [b"bob", b"2"]]]
    server.clock.advance(7)
    assert client("XINFO", "CONSUMERS", "s", "g") == [
        [b"name", b"alice", b"pending", 1, b"idle", 7, b"inactive", 7],
        [b"name", b"bob", b"pending", 2, b"idle", 7, b"inactive", 7],
    ]


def test_a_consumer_that_got_nothing_was_seen_but_never_active(client: InProcessClient) -> None:
    client("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    assert client("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">") is None
    assert client("XINFO", "CONSUMERS", "s", "g") == [[b"name", b"c", b"pending", 0, b"idle", 0, b"inactive", -1]]


def test_xinfo_stream_full_shows_groups_and_pending_entries(client: InProcessClient) -> None:
    client("XADD", "s", "1-1", "f", "v")
    client("XGROUP", "CREATE", "s", "g", "0")
    client("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    reply = client("XINFO", "STREAM", "s", "FULL")
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    assert fields[b"entries"] == [[b"1-1", [b"f", b"v"]]]
    (group,) = fields[b"groups"]
    shown = dict(zip(group[::2], group[1::2], strict=True))
    assert shown[b"pending"] == [[b"1-1", b"c", NOW, 1]]
    consumer = [b"name", b"c", b"seen-time", NOW, b"active-time", NOW, b"pel-count", 1, b"pending", [[b"1-1", NOW, 1]]]
    assert shown[b"consumers"] == [consumer]


def test_the_memory_account_follows_entries_and_groups(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    before = keyspace.memory_bytes
    for number in range(1, 300):
        client("XADD", "s", "MAXLEN", "~", "150", f"{number}-0", "field", "v" * number)
    client("XGROUP", "CREATE", "s", "g", "0")
    client("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    client("XACK", "s", "g", "298-0")
    client("XDEL", "s", "297-0")
    assert keyspace.memory_bytes - before > 150 * 200
    client("DEL", "s")
    assert keyspace.memory_bytes == before


def test_reading_answers_with_a_map_in_resp3(client: InProcessClient) -> None:
    client("XADD", "s", "1-1", "f", "v")
    client("HELLO", "3")
    assert client("XREAD", "STREAMS", "s", "0") == {b"s": [[b"1-1", [b"f", b"v"]]]}
