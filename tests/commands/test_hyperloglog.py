"""HyperLogLog commands: forms, the cached estimate, corrupt values and what counts as a change."""

from tests.inprocess import InProcessClient, InProcessServer

CORRUPT = "INVALIDOBJ Corrupted HLL object detected"
INVALID = "WRONGTYPE Key is not a valid HyperLogLog string value."


def test_pfadd_without_elements_creates_the_key_once(client: InProcessClient) -> None:
    assert client("PFADD", "key") == 1
    assert client("PFADD", "key") == 0
    assert client("PFCOUNT", "key") == 0


def test_the_estimate_is_cached_in_the_value_until_it_changes(client: InProcessClient, server: InProcessServer) -> None:
    client("PFADD", "key", "a", "b", "c")
    dirty = server.server.keyspace.dirty
    assert client("PFCOUNT", "key") == 3
    assert server.server.keyspace.dirty == dirty + 1
    assert client("PFCOUNT", "key") == 3
    assert server.server.keyspace.dirty == dirty + 1
    assert client("GETRANGE", "key", 8, 15) == b"\3" + bytes(7)
    client("PFADD", "key", "d")
    assert client("GETRANGE", "key", 15, 15) == b"\x80"
    assert client("PFCOUNT", "key") == 4


def test_the_value_becomes_dense_at_the_configured_size(server: InProcessServer) -> None:
    server = InProcessServer(hll_sparse_max_bytes="30")
    client = server.client()
    client("PFADD", "key", "a")
    assert client("PFDEBUG", "ENCODING", "key") == b"sparse"
    client("PFADD", "key", *"bcdefgh")
    assert client("PFDEBUG", "ENCODING", "key") == b"dense"
    assert client("STRLEN", "key") == 12304
    assert client("PFCOUNT", "key") == 8


def test_a_merge_that_meets_another_type_leaves_a_dense_target_as_it_is() -> None:
    client = InProcessServer(hll_sparse_max_bytes="0").client()
    client("PFADD", "target", "a")
    client("PFADD", "source", "b")
    client("XADD", "stream", "1-1", "field", "value")
    assert client("PFCOUNT", "target") == 1
    before = client("GET", "target")
    assert client.error("PFMERGE", "target", "source", "stream").startswith("WRONGTYPE")
    assert client("GET", "target") == before
    assert client("PFCOUNT", "target") == 1


def test_pfdebug_shows_opcodes_and_registers(client: InProcessClient) -> None:
    client("PFADD", "key", "a")
    assert client("PFDEBUG", "DECODE", "key").count(b"v:") == 1
    registers = client("PFDEBUG", "GETREG", "key")
    assert len(registers) == 16384
    assert sum(1 for rank in registers if rank) == 1
    assert client.error("PFDEBUG", "DECODE", "key") == "ERR HLL encoding is not sparse"
    assert client("PFDEBUG", "TODENSE", "key") == 0
    assert client.error("PFDEBUG", "NONSENSE", "key") == "ERR Unknown PFDEBUG subcommand 'NONSENSE'"
    assert client.error("PFDEBUG", "ENCODING", "no") == "ERR The specified key does not exist"


def test_strings_that_are_no_hyperloglog_are_refused_and_left_alone(client: InProcessClient) -> None:
    client("SET", "text", "abc")
    client("SET", "number", 5)
    for key in ("text", "number"):
        assert client.error("PFADD", key, "a") == INVALID
        assert client.error("PFCOUNT", key) == INVALID
        assert client.error("PFMERGE", "target", key) == INVALID
    assert client("EXISTS", "target") == 0
    assert client("GET", "text") == b"abc"


def test_corrupt_values_are_refused_and_left_alone(client: InProcessClient) -> None:
    client("PFADD", "key", "a", "b", "c")
    client("APPEND", "key", "hello")
    damaged = client("GET", "key")
    assert client.error("PFCOUNT", "key") == CORRUPT
    assert client.error("PFCOUNT", "key", "other") == CORRUPT
    assert client.error("PFMERGE", "key", "other") == CORRUPT
    assert client.error("PFDEBUG", "GETREG", "key") == CORRUPT
    assert client("GET", "key") == damaged


def test_pfmerge_keeps_the_deadline_of_the_target(client: InProcessClient, server: InProcessServer) -> None:
    client("PFADD", "source", *map(str, range(2000)))
    client("PFADD", "target", "x")
    client("SET", "target", client("GET", "target"), "PX", 1000)
    assert client("PFMERGE", "target", "source") == b"OK"
    assert client("PFCOUNT", "target", "source") == client("PFCOUNT", "target")
    server.clock.advance(1001)
    assert client("PFCOUNT", "target") == 0


def test_the_memory_account_follows_every_change_of_form(client: InProcessClient, server: InProcessServer) -> None:
    keyspace = server.server.keyspace
    before = keyspace.memory_bytes
    for start in range(0, 4000, 100):
        client("PFADD", "key", *map(str, range(start, start + 100)))
        client("PFCOUNT", "key")
    client("PFMERGE", "other", "key")
    client("GETDEL", "key")
    client("GETDEL", "other")
    assert keyspace.memory_bytes == before


def test_the_self_test_passes(client: InProcessClient) -> None:
    assert client("PFSELFTEST") == b"OK"
