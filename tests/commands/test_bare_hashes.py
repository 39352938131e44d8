"""Small hashes stand in the table of keys without an object around them, whatever commands do to them meanwhile."""

import random
import sys

import pytest

from hognose.datastructures.hashvalue import HashValue
from hognose.keyspace.bare import LONGEST_BARE, is_bare
from hognose.keyspace.keyspace import Keyspace
from hognose.keyspace.memory import bytes_size, value_size
from tests.inprocess import InProcessClient, InProcessServer

SEED = 20261128


def stored(keyspace: Keyspace, key: bytes, index: int = 0) -> tuple[object, bool]:
    """What stands in the table for a key, and whether it is marked as a bare hash."""
    table = keyspace.databases[index].table
    place = table.find(key)
    assert place >= 0
    return table.found.slots[2 * place + 1], is_bare(table.found, place)


def stands_bare(keyspace: Keyspace, key: bytes, index: int = 0) -> bool:
    value, marked = stored(keyspace, key, index)
    assert marked == isinstance(value, bytes)
    return marked


def check_account(keyspace: Keyspace) -> None:
    """The account of memory is what a look at everything comes to."""
    total = 0
    for database in keyspace.databases:
        for key in database.table.keys():  # noqa: SIM118 - not a dict
            value = database.table.get(key)
            total += int(bytes_size(len(key)) + value_size(value))
    assert keyspace.memory_bytes == total


def test_a_small_hash_has_no_object_between_commands(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    client("HSET", "h", "f", "v", "n", "1")
    assert stands_bare(keyspace, b"h")
    assert client("HGET", "h", "f") == b"v"
    assert client("HLEN", "h") == 2
    assert client("HINCRBY", "h", "n", "41") == 42
    assert client("HDEL", "h", "f", "other") == 1
    assert client("HGETALL", "h") == [b"n", b"42"]
    assert client("TYPE", "h") == b"hash"
    assert client("OBJECT", "ENCODING", "h") == b"listpack"
    assert stands_bare(keyspace, b"h")
    check_account(keyspace)
    assert client("HDEL", "h", "n") == 1
    assert keyspace.memory_bytes == 0


def test_a_hash_that_is_not_small_keeps_its_object(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    client("HSET", "long", "f", "x" * 65)
    client("HSET", "expiring", "f", "v", "g", "v")
    client("HEXPIRE", "expiring", "100", "FIELDS", "1", "f")
    client("HSET", "many", *[word for n in range(100) for word in (f"field{n}", "value")])
    for key in (b"long", b"expiring", b"many"):
        assert isinstance(stored(keyspace, key)[0], HashValue)
        assert not stands_bare(keyspace, key)
    check_account(keyspace)
    assert client("HPERSIST", "expiring", "FIELDS", "1", "f") == [1]
    assert pairs(client("HGETALL", "expiring")) == {b"f": b"v", b"g": b"v"}
    client("HDEL", "many", *[f"field{n}" for n in range(40, 100)])
    assert client("HLEN", "many") == 40
    assert stands_bare(keyspace, b"many")
    check_account(keyspace)


def pairs(flat: object) -> dict[bytes, bytes]:
    assert isinstance(flat, list)
    return dict(zip(flat[::2], flat[1::2], strict=True))


@pytest.mark.parametrize(
    ("commands", "key", "index"),
    [
        (["RENAME h other"], b"other", 0),
        (["SET other x", "RENAME h other"], b"other", 0),
        (["COPY h other"], b"other", 0),
        (["HSET other a b", "COPY h other REPLACE"], b"other", 0),
        (["MOVE h 3"], b"h", 3),
        (["SWAPDB 0 5"], b"h", 5),
        (["PEXPIRE h 100000", "PERSIST h"], b"h", 0),
        (["DEBUG RELOAD"], b"h", 0),
        (["MULTI", "HSET h f w", "HSET h f v", "EXEC"], b"h", 0),
    ],
)
def test_a_hash_that_moves_stands_bare_again(
    client: InProcessClient, server: InProcessServer, commands: list[str], key: bytes, index: int
) -> None:
    client("HSET", "h", "f", "v")
    for command in commands:
        client(*command.split())
    assert stands_bare(server.server.keyspace, key, index)
    client("SELECT", index)
    assert client("HGETALL", key) == [b"f", b"v"]
    check_account(server.server.keyspace)


def test_dump_and_restore_of_a_bare_hash(client: InProcessClient, server: InProcessServer) -> None:
    client("HSET", "h", "f", "v")
    payload = client("DUMP", "h")
    assert isinstance(payload, bytes)
    assert client("RESTORE", "h", "0", payload, "REPLACE", "IDLETIME", "1000") == b"OK"
    assert stands_bare(server.server.keyspace, b"h")
    assert client("OBJECT", "IDLETIME", "h") == 1000
    assert client("HGET", "h", "f") == b"v"
    assert client("OBJECT", "IDLETIME", "h") == 0


def test_a_string_in_its_place_is_a_string(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    client("HSET", "key", "f", "v")
    client("SET", "key", "text")
    assert stored(keyspace, b"key") == (b"text", False)
    client("HSET", "gone", "f", "v")
    client("DEL", "gone")
    client("SETBIT", "gone", "7", "1")
    assert client("GET", "gone") == b"\x01"
    assert client("TYPE", "gone") == b"string"
    assert "WRONGTYPE" in client.error("HGET", "gone", "f")
    check_account(keyspace)


def test_a_command_for_another_type_is_refused_and_changes_nothing(
    client: InProcessClient, server: InProcessServer
) -> None:
    client("HSET", "h", "f", "v")
    for command in ("GET h", "APPEND h x", "INCR h", "LPUSH h x", "SADD h x", "ZADD h 1 x", "XACK h g 1-1", "GETDEL h"):
        assert "WRONGTYPE" in client.error(*command.split())
    assert stands_bare(server.server.keyspace, b"h")
    assert client("HGETALL", "h") == [b"f", b"v"]
    check_account(server.server.keyspace)


@pytest.mark.parametrize("last", ["HSET h f w", "HDEL h f"])
def test_nothing_of_an_emptied_database_is_kept(client: InProcessClient, server: InProcessServer, last: str) -> None:
    client("HSET", "h", "f", "v")
    client("SET", "large", "x" * 1000)
    value, _ = stored(server.server.keyspace, b"large")
    client(*last.split())
    before = sys.getrefcount(value)
    client("FLUSHALL", "SYNC")
    after = sys.getrefcount(value)
    assert after == before - 1


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu"])
def test_clocks_of_bare_hashes_move(client: InProcessClient, server: InProcessServer, policy: str) -> None:
    client("CONFIG", "SET", "maxmemory-policy", policy)
    client("HSET", "h", "f", "v")
    client("SET", "s", "v")
    server.clock.advance(60_000)
    server.server.keyspace.update_access_clock()
    word = "IDLETIME" if policy == "allkeys-lru" else "FREQ"
    before = client("OBJECT", word, "h")
    assert before == client("OBJECT", word, "s") == (60 if word == "IDLETIME" else 4)
    client("HGET", "h", "f")
    client("GET", "s")
    assert client("OBJECT", word, "h") == client("OBJECT", word, "s") == (0 if word == "IDLETIME" else 5)
    assert stands_bare(server.server.keyspace, b"h")


def test_any_order_of_commands_agrees_with_a_model() -> None:
    """With a watch on what stands in the table, for hashes that cross the limits both ways."""
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    server = InProcessServer(hash_max_listpack_entries="12", hash_max_listpack_value="20")
    client = server.client()
    keyspace = server.server.keyspace
    model: dict[bytes, dict[bytes, bytes]] = {}
    for _ in range(4000):
        key = b"key%d" % draw.randrange(12)
        other = b"key%d" % draw.randrange(12)
        fields = model.get(key, {})
        field = b"f%d" % draw.randrange(16)
        match draw.randrange(9):
            case 0 | 1 | 2:
                value = b"x" * draw.choice([1, 5, 20, 20, 20, 30])
                assert client("HSET", key, field, value) == (field not in fields)
                model.setdefault(key, {})[field] = value
            case 3 | 4:
                assert client("HDEL", key, field) == (fields.pop(field, None) is not None)
                if not fields:
                    model.pop(key, None)
            case 5:
                client("DEL", key)
                model.pop(key, None)
            case 6 if fields:
                client("RENAME", key, other)
                model[other] = model.pop(key)
            case 7 if fields and key != other:
                client("COPY", key, other, "REPLACE")
                model[other] = dict(fields)
            case _:
                assert client("HGET", key, field) == fields.get(field)
                assert client("HLEN", key) == len(fields)
        check_account(keyspace)
    for key, fields in model.items():
        assert pairs(client("HGETALL", key)) == fields
        value, marked = stored(keyspace, key)
        assert marked == (client("OBJECT", "ENCODING", key) == b"listpack")
        assert not marked or len(value) <= LONGEST_BARE  # type: ignore[arg-type] # it is bytes
    assert client("DBSIZE") == len(model)
