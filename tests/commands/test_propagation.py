"""What the append-only file and replicas get to see of commands, transactions, expiry and eviction."""

from __future__ import annotations

import pytest

from hognose.commands.context import EVERYWHERE, TO_APPEND_ONLY_FILE, TO_REPLICAS
from hognose.server.propagation import Sink
from tests.inprocess import InProcessClient, InProcessServer


class Recorder(Sink):
    """Remembers the commands it is given, as words; other databases than 0 are shown as in `1:SET key value`."""

    def __init__(self, target: int = TO_APPEND_ONLY_FILE) -> None:
        super().__init__(target)
        self.lines: list[str] = []

    def write(self, db_index: int, argv: list[bytes]) -> None:
        prefix = f"{db_index}:" if db_index > 0 else ""
        self.lines.append(prefix + b" ".join(argv).decode())

    def taken(self) -> list[str]:
        lines = self.lines
        self.lines = []
        return lines


class Setup:
    """A server, a client of it, and what propagates."""

    def __init__(self, **directives: str) -> None:
        self.inside = InProcessServer(**directives)
        self.server = self.inside.server
        self.clock = self.inside.clock
        self.client: InProcessClient = self.inside.client()
        self.sink = Recorder()
        self.server.propagation.attach(self.sink)

    def run(self, *lines: str) -> list[str]:
        """Runs commands, then tells what they propagated."""
        for line in lines:
            self.client(*line.split())
        return self.sink.taken()


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_a_write_propagates_as_it_is_and_a_read_does_not(setup: Setup) -> None:
    assert setup.run("SET key value", "GET key", "set key value2") == ["SET key value", "set key value2"]


def test_a_write_that_changes_nothing_does_not_propagate(setup: Setup) -> None:
    assert setup.run("DEL missing", "SET key v", "SET key w NX", "SADD s a", "SADD s a") == ["SET key v", "SADD s a"]


def test_a_command_carries_its_database(setup: Setup) -> None:
    assert setup.run("SELECT 1", "SET key value", "SELECT 0", "SET key value") == ["1:SET key value", "SET key value"]


def test_a_transaction_of_one_effect_is_not_wrapped(setup: Setup) -> None:
    assert setup.run("MULTI", "GET key", "SET key value", "EXEC") == ["SET key value"]


def test_a_transaction_of_several_effects_is_wrapped(setup: Setup) -> None:
    assert setup.run("MULTI", "SET key 1", "GET key", "INCR key", "EXEC") == ["MULTI", "SET key 1", "INCR key", "EXEC"]


def test_what_only_replicas_get_is_not_counted_among_what_the_file_gets(setup: Setup) -> None:
    replicas = Recorder(TO_REPLICAS)
    setup.server.propagation.attach(replicas)
    assert setup.run("MULTI", "PUBLISH channel a", "PUBLISH channel b", "EXEC") == []
    assert replicas.taken() == ["MULTI", "PUBLISH channel a", "PUBLISH channel b", "EXEC"]
    assert setup.run("MULTI", "SET key value", "PUBLISH channel a", "EXEC") == ["SET key value"]
    assert replicas.taken() == ["MULTI", "SET key value", "PUBLISH channel a", "EXEC"]


def test_a_transaction_across_databases_is_one_unit(setup: Setup) -> None:
    lines = setup.run("MULTI", "SET a 1", "SELECT 2", "SET b 2", "EXEC")
    assert lines == ["MULTI", "SET a 1", "2:SET b 2", "EXEC"]


def test_a_transaction_that_fails_half_way_propagates_what_it_did(setup: Setup) -> None:
    lines = setup.run("MULTI", "SET a 1", "LPUSH a x", "SET b 2", "EXEC")
    assert lines == ["MULTI", "SET a 1", "SET b 2", "EXEC"]


def test_a_key_that_a_read_finds_expired_is_deleted(setup: Setup) -> None:
    setup.run("SET key value PX 10")
    setup.clock.advance(20)
    assert setup.run("GET key") == ["DEL key"]


def test_lazyfree_lazy_expire_propagates_unlink() -> None:
    setup = Setup(lazyfree_lazy_expire="yes")
    setup.run("SET key value PX 10")
    setup.clock.advance(20)
    assert setup.run("GET key") == ["UNLINK key"]


def test_a_write_to_an_expired_key_is_one_unit_with_its_deletion(setup: Setup) -> None:
    setup.run("SET key 5 PX 10")
    setup.clock.advance(20)
    assert setup.run("INCR key") == ["MULTI", "DEL key", "INCR key", "EXEC"]


def test_two_expired_keys_met_by_one_command_are_one_unit(setup: Setup) -> None:
    setup.run("SET a 1 PX 10", "SET b 1 PX 10")
    setup.clock.advance(20)
    assert setup.run("MGET a b") == ["MULTI", "DEL a", "DEL b", "EXEC"]


def test_scan_deletes_expired_keys_one_by_one(setup: Setup) -> None:
    setup.run("SET a 1 PX 10", "SET b 1 PX 10")
    setup.clock.advance(20)
    assert sorted(setup.run("SCAN 0")) == ["DEL a", "DEL b"]


def test_scan_in_a_transaction_is_part_of_the_unit(setup: Setup) -> None:
    setup.run("SET a 1 PX 10", "SET b 1 PX 10")
    setup.clock.advance(20)
    lines = setup.run("MULTI", "SCAN 0", "EXEC")
    assert (lines[0], sorted(lines[1:3]), lines[3]) == ("MULTI", ["DEL a", "DEL b"], "EXEC")


def test_the_expiry_cycle_deletes_key_by_key(setup: Setup) -> None:
    setup.run("SET a 1 PX 10", "SET b 1 PX 10", "SELECT 3", "SET c 1 PX 10", "SELECT 0")
    setup.clock.advance(20)
    setup.server.cron.tick()
    assert sorted(setup.sink.taken()) == ["3:DEL c", "DEL a", "DEL b"]


@pytest.mark.parametrize(("lazily", "word"), [("no", "DEL"), ("yes", "UNLINK")])
def test_evicted_keys_are_deleted_one_by_one_before_the_command(lazily: str, word: str) -> None:
    setup = Setup(maxmemory_policy="allkeys-random", lazyfree_lazy_eviction=lazily)
    setup.run("SET a 1", "SET b 1")
    setup.client("CONFIG", "SET", "maxmemory", "1")
    lines = setup.sink.taken() + setup.run("GET c")
    assert sorted(lines) == [f"{word} a", f"{word} b"]


def test_expired_fields_of_a_hash_are_deleted_by_hdel(setup: Setup) -> None:
    setup.run("HSET hash a 1 b 2 c 3", "HPEXPIRE hash 10 FIELDS 2 a b")
    setup.clock.advance(20)
    lines = setup.run("HGETALL hash")
    assert [line.split()[:2] for line in lines] == [["HDEL", "hash"]]
    assert sorted(lines[0].split()[2:]) == ["a", "b"]


def test_a_client_that_waited_is_served_in_a_unit_of_its_own(setup: Setup) -> None:
    other = setup.inside.client()
    other.send("BLMOVE", "from", "to", "LEFT", "RIGHT", "0")
    assert setup.run("RPUSH from a") == ["RPUSH from a", "LMOVE from to LEFT RIGHT"]


def test_a_transaction_is_handed_on_before_those_who_waited_are_served(setup: Setup) -> None:
    other = setup.inside.client()
    other.send("BLPOP", "list", "0")
    lines = setup.run("MULTI", "RPUSH list a b", "SET key 1", "EXEC")
    assert lines == ["MULTI", "RPUSH list a b", "SET key 1", "EXEC", "LPOP list"]


def test_flushing_an_empty_database_propagates(setup: Setup) -> None:
    assert setup.run("FLUSHDB", "FLUSHALL") == ["FLUSHDB", "FLUSHALL"]


def test_publish_goes_to_replicas_only(setup: Setup) -> None:
    replicas = Recorder(TO_REPLICAS)
    setup.server.propagation.attach(replicas)
    assert setup.run("PUBLISH channel message") == []
    assert replicas.taken() == ["PUBLISH channel message"]


def test_nothing_is_kept_for_sinks_that_come_later() -> None:
    setup = Setup()
    setup.server.propagation.detach(setup.sink)
    assert not setup.server.propagating
    setup.run("SET key 1 PX 10", "PUBLISH channel message")
    setup.clock.advance(20)
    setup.run("GET key")
    late = Recorder(EVERYWHERE)
    setup.server.propagation.attach(late)
    setup.run("SET other 1")
    assert late.taken() == ["SET other 1"]


def test_a_nested_command_is_counted_and_part_of_the_outer_unit(setup: Setup) -> None:
    server = setup.server
    context = setup.client.connection
    table = server.command_table
    get, set_ = table.by_name[b"get"], table.by_name[b"set"]
    before = server.dispatcher.total_commands
    server.dispatcher.depth += 1
    assert server.dispatcher.call_nested(context, set_, [b"SET", b"a", b"1"]).text == b"OK"  # type: ignore[attr-defined]
    assert server.dispatcher.call_nested(context, get, [b"GET", b"a"]) == b"1"
    server.dispatcher.depth -= 1
    assert setup.sink.taken() == []
    assert setup.run("SET b 2") == ["MULTI", "SET a 1", "SET b 2", "EXEC"]
    assert server.dispatcher.total_commands == before + 3
    assert (get.calls, set_.calls) == (1, 2)
