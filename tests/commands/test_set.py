"""Set commands through an in-process connection, in all three encodings."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer
from tests.recording import RecordingServer

WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
ENCODINGS = pytest.mark.parametrize("encoding", ["intset", "listpack", "hashtable"])
SIZES = {"intset": 20, "listpack": 20, "hashtable": 600}


def filled(client: InProcessClient, encoding: str, key: str = "s") -> set[bytes]:
    """A set in one of the encodings."""
    words = {"intset": "%d", "listpack": "m%d", "hashtable": "m%d"}[encoding]
    members = {(words % n).encode() for n in range(SIZES[encoding])}
    assert client("SADD", key, *members) == len(members)
    assert client("OBJECT", "ENCODING", key) == encoding.encode()
    return members


def as_set(reply: object) -> set[bytes]:
    assert isinstance(reply, list)
    assert len(set(reply)) == len(reply)
    return set(reply)


@ENCODINGS
def test_all_that_reads_a_set_agrees(client: InProcessClient, encoding: str) -> None:
    members = filled(client, encoding)
    assert as_set(client("SMEMBERS", "s")) == members
    assert client("SCARD", "s") == len(members)
    one = min(members)
    assert client("SISMEMBER", "s", one) == 1
    assert client("SISMEMBER", "s", "none") == 0
    assert client("SMISMEMBER", "s", "none", one, "007") == [0, 1, 0]


@ENCODINGS
def test_smembers_is_a_set_in_resp3(server: InProcessServer, encoding: str) -> None:
    client = server.client()
    members = filled(client, encoding)
    client("HELLO", "3")
    raw = client.raw(b"*2\r\n$8\r\nSMEMBERS\r\n$1\r\ns\r\n")
    assert raw.startswith(b"~%d\r\n" % len(members))
    assert raw.count(b"$") == len(members)
    assert client.raw(b"*2\r\n$8\r\nSMEMBERS\r\n$1\r\nx\r\n") == b"~0\r\n"


def test_replies_for_a_missing_key(client: InProcessClient) -> None:
    assert client("SMEMBERS", "none") == []
    assert client("SCARD", "none") == 0
    assert client("SREM", "none", "a") == 0
    assert client("SPOP", "none") is None
    assert client("SPOP", "none", "3") == []
    assert client("SRANDMEMBER", "none") is None
    assert client("SRANDMEMBER", "none", "-3") == []
    assert client("SMISMEMBER", "none", "a", "b") == [0, 0]
    assert client("SSCAN", "none", "0", "WHAT") == [b"0", []]
    assert client("SMOVE", "none", "other", "a") == 0


@pytest.mark.parametrize(
    "argv",
    [
        ("SADD", "k", "a"),
        ("SREM", "k", "a"),
        ("SMEMBERS", "k"),
        ("SISMEMBER", "k", "a"),
        ("SCARD", "k"),
        ("SPOP", "k"),
        ("SRANDMEMBER", "k", "2"),
        ("SSCAN", "k", "0"),
        ("SMOVE", "k", "s", "a"),
        ("SMOVE", "s", "k", "a"),
        ("SINTER", "none", "k"),
        ("SINTERCARD", "2", "none", "k"),
        ("SUNION", "s", "k"),
        ("SDIFF", "none", "k"),
        ("SINTERSTORE", "s", "none", "k"),
        ("SUNIONSTORE", "s", "k"),
    ],
)
def test_a_key_of_another_type_is_refused_wherever_it_stands(client: InProcessClient, argv: tuple[str, ...]) -> None:
    client("SET", "k", "string")
    client("SADD", "s", "a")
    assert client.error(*argv) == WRONG_TYPE
    assert client("SMEMBERS", "s") == [b"a"]


@ENCODINGS
def test_srem_of_the_last_member_deletes_the_key(encoding: str) -> None:
    server = RecordingServer()
    client = server.client()
    members = sorted(filled(client, encoding))
    server.events()
    assert client("SREM", "s", members[0], "none") == 1
    assert server.events() == ["srem s"]
    assert client("SREM", "s", *members) == len(members) - 1
    assert server.events() == ["srem s", "del s"]
    assert client("EXISTS", "s") == 0
    assert server.server.keyspace.memory_bytes == 0


def test_sadd_of_known_members_is_no_change() -> None:
    server = RecordingServer()
    client = server.client()
    assert client("SADD", "s", "a", "b", "a") == 2
    server.sent()
    server.events()
    assert client("SADD", "s", "a") == 0
    assert server.sent() == []
    assert server.events() == []


def test_smove_makes_the_target_and_deletes_the_empty_source() -> None:
    server = RecordingServer()
    client = server.client()
    client("SADD", "from", "1")
    server.events()
    assert client("SMOVE", "from", "to", "2") == 0
    assert client("SMOVE", "from", "to", "1") == 1
    assert server.events() == ["srem from", "del from", "sadd to"]
    assert client("OBJECT", "ENCODING", "to") == b"intset"
    assert client("SMOVE", "to", "to", "1") == 1
    assert client("SMOVE", "to", "to", "2") == 0


@ENCODINGS
def test_sscan_returns_every_member(client: InProcessClient, encoding: str) -> None:
    members = filled(client, encoding)
    found: list[bytes] = []
    cursor = b"0"
    while True:
        cursor, part = client("SSCAN", "s", cursor)  # type: ignore[misc]
        found += part
        if cursor == b"0":
            break
    assert as_set(found) == members
    one = min(members)
    assert client("SSCAN", "s", "0", "MATCH", one, "COUNT", "10000") == [b"0", [one]]


@ENCODINGS
@pytest.mark.parametrize("share", [0.1, 0.7, 1.0, 2.0])
def test_srandmember_with_a_positive_count_answers_different_members(
    client: InProcessClient, encoding: str, share: float
) -> None:
    members = filled(client, encoding)
    count = int(len(members) * share)
    got = as_set(client("SRANDMEMBER", "s", count))
    assert len(got) == min(count, len(members))
    assert got <= members
    assert client("SCARD", "s") == len(members)


@ENCODINGS
def test_srandmember_with_a_negative_count_answers_as_many_as_asked(client: InProcessClient, encoding: str) -> None:
    members = filled(client, encoding)
    got = client("SRANDMEMBER", "s", -2000)
    assert isinstance(got, list)
    assert len(got) == 2000
    assert set(got) <= members
    assert len(set(got)) > len(members) / 2
    assert client("SRANDMEMBER", "s", 0) == []


@ENCODINGS
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_spop_takes_out_what_it_answers_and_propagates_that(encoding: str, share: float) -> None:
    server = RecordingServer()
    client = server.client()
    members = filled(client, encoding)
    count = int(len(members) * share)
    server.sent()
    server.events()
    got = as_set(client("SPOP", "s", count))
    assert len(got) == count
    assert as_set(client("SMEMBERS", "s")) == members - got
    sent = server.sent()
    assert [command[:2] for command in sent] == [[b"SREM", b"s"]]
    assert as_set(sent[0][2:]) == got
    assert server.events() == ["spop s"]


@ENCODINGS
@pytest.mark.parametrize(("lazy", "word"), [("no", b"DEL"), ("yes", b"UNLINK")])
def test_spop_of_everything_deletes_the_key(encoding: str, lazy: str, word: bytes) -> None:
    server = RecordingServer(lazyfree_lazy_server_del=lazy)
    client = server.client()
    members = filled(client, encoding)
    server.sent()
    server.events()
    assert as_set(client("SPOP", "s", 10_000)) == members
    assert server.sent() == [[word, b"s"]]
    assert server.events() == ["spop s", "del s"]
    assert server.server.keyspace.memory_bytes == 0


def test_a_large_spop_is_propagated_in_batches() -> None:
    server = RecordingServer()
    client = server.client()
    client("SADD", "s", *range(3000))
    server.sent()
    client("SPOP", "s", 2500)
    assert [len(command) - 2 for command in server.sent()] == [1024, 1024, 452]


def test_spop_of_one_is_propagated_as_srem() -> None:
    server = RecordingServer()
    client = server.client()
    client("SADD", "s", "a", "b")
    server.sent()
    first = client("SPOP", "s")
    assert server.sent() == [[b"SREM", b"s", first]]
    client("SPOP", "s")
    assert client("EXISTS", "s") == 0


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("SPOP", "s", "-1"), "ERR value is out of range, must be positive"),
        (("SPOP", "s", "x"), "ERR value is out of range, must be positive"),
        (("SPOP", "s", "1", "2"), "ERR syntax error"),
        (("SRANDMEMBER", "s", "x"), "ERR value is not an integer or out of range"),
        (("SRANDMEMBER", "s", "1", "2"), "ERR syntax error"),
        (("SINTERCARD", "0", "s"), "ERR numkeys should be greater than 0"),
        (("SINTERCARD", "x", "s"), "ERR numkeys should be greater than 0"),
        (("SINTERCARD", "2", "s"), "ERR Number of keys can't be greater than number of args"),
        (("SINTERCARD", "1", "s", "LIMIT"), "ERR syntax error"),
        (("SINTERCARD", "1", "s", "LIMIT", "-1"), "ERR LIMIT can't be negative"),
    ],
)
def test_wrong_arguments_are_refused(client: InProcessClient, argv: tuple[str, ...], error: str) -> None:
    client("SADD", "s", "a")
    assert client.error(*argv) == error


@pytest.mark.parametrize("first", ["intset", "listpack", "hashtable"])
@pytest.mark.parametrize("second", ["intset", "listpack", "hashtable"])
def test_algebra_agrees_with_pythons_sets_in_every_pair_of_encodings(
    client: InProcessClient, first: str, second: str
) -> None:
    a = filled(client, first, "a")
    b = filled(client, second, "b")
    client("SADD", "c", "3", "m3", "m550")
    c = {b"3", b"m3", b"m550"}
    for command, expected in {
        ("SINTER", "a", "b"): a & b,
        ("SUNION", "a", "b", "c"): a | b | c,
        ("SDIFF", "a", "b"): a - b,
        ("SDIFF", "a", "c", "none"): a - c,
        ("SDIFF", "c", "a", "b"): c - a - b,
        ("SDIFF", "a", "a"): set(),
        ("SINTER", "a", "none"): set(),
        ("SDIFF", "none", "a"): set(),
        ("SINTER", "a", "b", "c"): a & b & c,
    }.items():
        assert as_set(client(*command)) == expected
        assert client(command[0] + "STORE", "to", *command[1:]) == len(expected)
        assert as_set(client("SMEMBERS", "to")) == expected
        assert client("EXISTS", "to") == (1 if expected else 0)
    assert client("SINTERCARD", "2", "a", "b") == len(a & b)
    assert client("SINTERCARD", "2", "a", "b", "LIMIT", "5") == min(5, len(a & b))


def test_storing_nothing_deletes_the_target_and_storing_something_takes_its_deadline_away() -> None:
    server = RecordingServer()
    client = server.client()
    client("SADD", "a", "1", "2")
    client("SET", "to", "string", "EX", "100")
    assert client("SUNIONSTORE", "to", "a") == 2
    assert client("TTL", "to") == -1
    assert client("OBJECT", "ENCODING", "to") == b"intset"
    server.events()
    assert client("SDIFFSTORE", "to", "a", "a") == 0
    assert server.events() == ["del to"]
    assert client("SDIFFSTORE", "to", "a", "a") == 0
    assert server.events() == []


def test_a_set_can_be_stored_over_one_of_its_sources(client: InProcessClient) -> None:
    client("SADD", "a", "1", "2", "3")
    client("SADD", "b", "2", "3", "x")
    assert client("SINTERSTORE", "a", "a", "b") == 2
    assert as_set(client("SMEMBERS", "a")) == {b"2", b"3"}


def test_config_set_of_the_thresholds_reaches_sets_that_are_there(client: InProcessClient) -> None:
    client("SADD", "i", "1", "2")
    client("SADD", "l", "a", "b")
    client("CONFIG", "SET", "set-max-intset-entries", "2", "set-max-listpack-entries", "2")
    client("SADD", "i", "3")
    client("SADD", "l", "c")
    assert (client("OBJECT", "ENCODING", "i"), client("OBJECT", "ENCODING", "l")) == (b"hashtable", b"hashtable")
