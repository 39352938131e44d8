"""What the append-only file and replicas get to see of scripts and functions."""

from __future__ import annotations

import pytest

from hognose.commands.context import TO_APPEND_ONLY_FILE, TO_REPLICAS
from hognose.server.propagation import Sink
from tests.inprocess import InProcessClient, InProcessServer

LIBRARY = "#!lua name=mylib\nredis.register_function('add', function(keys) return redis.call('INCR', keys[1]) end)"


class Recorder(Sink):
    """Remembers the commands it is given; other databases than 0 are shown as in `1:SET key value`."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self.lines: list[str] = []

    def write(self, db_index: int, argv: list[bytes]) -> None:
        self.lines.append((f"{db_index}:" if db_index > 0 else "") + b" ".join(argv).decode())

    def taken(self) -> list[str]:
        lines, self.lines = self.lines, []
        return lines


class Setup:
    """A server, a client of it, and what it propagates."""

    def __init__(self) -> None:
        inside = InProcessServer()
        self.clock = inside.clock
        self.client: InProcessClient = inside.client()
        self.file = Recorder(TO_APPEND_ONLY_FILE)
        self.replicas = Recorder(TO_REPLICAS)
        inside.server.propagation.attach(self.file)
        inside.server.propagation.attach(self.replicas)

    def effects(self, script: str) -> list[str]:
        """What a script propagates to the file."""
        self.client("EVAL", script, 0)
        self.replicas.taken()
        return self.file.taken()


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_a_script_propagates_what_it_does_not_itself(setup: Setup) -> None:
    assert setup.effects("return redis.call('GET', 'key')") == []
    assert setup.effects("return redis.call('SET', 'key', 1)") == ["SET key 1"]
    script = "redis.call('INCR', 'key') redis.call('GET', 'key') redis.call('SADD', 's', 'a')"
    assert setup.effects(script) == ["MULTI", "INCR key", "SADD s a", "EXEC"]


def test_a_script_that_fails_has_done_what_it_did(setup: Setup) -> None:
    assert setup.effects("redis.call('SET', 'key', 1) redis.call('LPUSH', 'key', 1)") == ["SET key 1"]
    assert setup.client("GET", "key") == b"1"


def test_effects_are_those_of_the_databases_they_happened_in(setup: Setup) -> None:
    script = "redis.call('SET', 'a', 1) redis.call('SELECT', 2) redis.call('SET', 'b', 2)"
    assert setup.effects(script) == ["MULTI", "SET a 1", "2:SET b 2", "EXEC"]


def test_chance_and_time_propagate_as_what_they_led_to(setup: Setup) -> None:
    setup.client("SADD", "s", "only")
    setup.file.taken()
    script = "redis.call('SPOP', 's') redis.call('SET', 'key', 1, 'EX', 10)"
    deadline = setup.clock.now_ms + 10_000
    assert setup.effects(script) == ["MULTI", "SREM s only", f"SET key 1 PXAT {deadline}", "EXEC"]


def test_a_script_in_a_transaction_is_part_of_its_unit(setup: Setup) -> None:
    setup.client("MULTI")
    setup.client("EVAL", "redis.call('SET', 'a', 1) redis.call('SET', 'b', 1)", 0)
    setup.client("SET", "c", 1)
    setup.client("EXEC")
    assert setup.file.taken() == ["MULTI", "SET a 1", "SET b 1", "SET c 1", "EXEC"]


def test_set_repl_chooses_where_effects_go(setup: Setup) -> None:
    setup.client(
        "EVAL",
        "redis.call('SET', 'both', 1) redis.set_repl(redis.REPL_AOF) redis.call('SET', 'file', 1) "
        "redis.set_repl(redis.REPL_REPLICA) redis.call('SET', 'replica', 1) "
        "redis.set_repl(redis.REPL_NONE) redis.call('SET', 'none', 1)",
        0,
    )
    assert "SET both 1" in setup.file.lines
    assert [line for line in setup.file.taken() if line.startswith("SET")] == ["SET both 1", "SET file 1"]
    assert [line for line in setup.replicas.taken() if line.startswith("SET")] == ["SET both 1", "SET replica 1"]
    assert setup.effects("redis.call('SET', 'next', 1)") == ["SET next 1"]


def test_libraries_propagate_and_calls_of_functions_do_as_scripts(setup: Setup) -> None:
    setup.client("FUNCTION", "LOAD", LIBRARY)
    setup.client("FCALL", "add", 1, "n")
    setup.client("FUNCTION", "DELETE", "mylib")
    setup.client.error("FUNCTION", "DELETE", "mylib")
    setup.client("FUNCTION", "FLUSH")
    assert setup.file.taken() == [f"FUNCTION LOAD {LIBRARY}", "INCR n", "FUNCTION DELETE mylib", "FUNCTION FLUSH"]
