"""The comparison on a real server, small: what it measures and how it goes on when a server cannot do something."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.compare import memory, pause
from benchmarks.compare.connection import CommandFailedError, Connection
from benchmarks.compare.throughput import Plan, measure, prepare
from benchmarks.compare.workloads import (
    CHANNEL,
    KEY,
    MEMORY_WORKLOADS,
    RANDOM,
    VALUE,
    WORKLOADS,
    Fill,
    MemoryWorkload,
    Workload,
)
from compat.servers import RunningServer, ServerBinary, install, start

pytestmark = pytest.mark.server

SMALL = Plan(rounds=2, cpu_seconds=0.01, requests=2_000)


def bytes_sent(server: RunningServer) -> int:
    """How many bytes the server has sent to all clients."""
    with Connection(server.connect()) as connection:
        return int(connection.info("stats", "total_net_output_bytes"))


@pytest.fixture(scope="module")
def redis() -> ServerBinary:
    return install("redis-7.0")


@pytest.fixture
def server(redis: ServerBinary) -> Iterator[RunningServer]:
    with start(redis) as running:
        yield running


def command_calls(server: RunningServer, command: str) -> int:
    """How often the server has executed a command since the statistics were last reset."""
    with Connection(server.connect()) as connection:
        calls = connection.info("commandstats", f"cmdstat_{command}")
    return int(calls.removeprefix("calls=").partition(",")[0])


def test_a_cell_has_one_sample_per_round_of_whole_pipelines_on_fresh_data(server: RunningServer) -> None:
    workload = Workload("LPOP", "lists", ("LPOP", "list"), (Fill(("LPUSH", "list", VALUE), None),))
    cell = measure({"redis": server}, workload, 16, SMALL)
    assert [sample.requests for sample in cell.samples["redis"]] == [2_400, 2_400]
    assert (command_calls(server, "lpush"), command_calls(server, "lpop")) == (4_800, 4_800)
    with Connection(server.connect()) as connection:
        assert connection.call("DBSIZE") == 0


def test_without_a_number_of_requests_a_run_takes_the_wanted_cpu_time(server: RunningServer) -> None:
    workload = Workload("SET", "strings", ("SET", KEY, VALUE))
    cell = measure({"redis": server}, workload, 1, replace(SMALL, cpu_seconds=0.3, requests=None, rounds=1))
    (sample,) = cell.samples["redis"]
    assert sample.cpu_seconds > 0.1
    assert sample.requests * sample.cpu_us == pytest.approx(sample.cpu_seconds * 1e6)


def test_a_server_that_refuses_a_command_is_left_out_and_the_others_go_on(
    server: RunningServer, redis: ServerBinary
) -> None:
    refusing = ServerBinary("refusing", redis.argv, redis.version)
    with start(refusing, "--rename-command", "LPUSH", "") as second:
        workload = Workload("LPUSH", "lists", ("LPUSH", "list", VALUE))
        cell = measure({redis.name: server, refusing.name: second}, workload, 1, SMALL)
    assert len(cell.samples[redis.name]) == 2
    assert "unknown command" in cell.failures[refusing.name]
    assert refusing.name not in cell.samples


def test_subscribers_hear_what_a_workload_publishes(server: RunningServer) -> None:
    workload = Workload("PUBLISH", "pubsub", ("PUBLISH", CHANNEL, VALUE), subscribers=10)
    before = bytes_sent(server)
    cell = measure({server.binary.name: server}, workload, 1, replace(SMALL, rounds=1))
    assert cell.failures == {}
    assert bytes_sent(server) - before > 2_000 * 10 * len(VALUE)


def test_a_transaction_of_ten_commands_is_one_request(server: RunningServer) -> None:
    workload = Workload("MULTI", "transactions", ("SET", KEY, VALUE), transaction=True)
    cell = measure({server.binary.name: server}, workload, 16, replace(SMALL, rounds=1))
    (sample,) = cell.samples[server.binary.name]
    assert (command_calls(server, "exec"), command_calls(server, "set")) == (sample.requests, 10 * sample.requests)


def test_a_transaction_that_is_refused_ends_the_run(redis: ServerBinary) -> None:
    with start(redis, "--rename-command", "EXEC", "") as refusing:
        workload = Workload("MULTI", "transactions", ("SET", KEY, VALUE), transaction=True)
        cell = measure({redis.name: refusing}, workload, 1, SMALL)
    assert "unexpected reply" in cell.failures[redis.name]


def test_an_error_in_a_fill_is_raised(server: RunningServer) -> None:
    with Connection(server.connect()) as connection, pytest.raises(CommandFailedError, match="wrong number"):
        connection.repeat(("SET", KEY), 1_200)


def test_bytes_per_key_lie_between_the_data_and_twice_its_size(redis: ServerBinary) -> None:
    strings = next(each for each in MEMORY_WORKLOADS if each.name == "string of 71 bytes")
    use = memory.measure(redis, strings, 50_000, None)
    assert 16 + 71 < use.used_memory_per_key < 2 * (16 + 71) + 20
    assert use.rss_per_key > 16 + 71


@pytest.mark.parametrize("workload", MEMORY_WORKLOADS, ids=lambda workload: workload.name)
def test_every_kind_of_data_can_be_weighed(redis: ServerBinary, workload: MemoryWorkload) -> None:
    use = memory.measure(redis, workload, 20_000, None)
    assert use.keys == 20_000 // workload.divisor
    assert use.used_memory_per_key > 16


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_every_workload_finds_the_data_it_asks_for(server: RunningServer, workload: Workload) -> None:
    fills = tuple(replace(fill, count=min(fill.count or 200, 200)) for fill in workload.fills)
    prepare(server, replace(workload, fills=fills), 200)
    with Connection(server.connect()) as connection:
        reply = connection.call(*(word.replace(RANDOM, "7".zfill(12)) for word in workload.command))
    assert reply not in (None, []), "an empty answer measures nothing"


def test_pings_are_answered_while_keys_are_loaded(redis: ServerBinary) -> None:
    measured = pause.measure(redis, 50_000, None)
    assert measured.pings > 0
    assert measured.longest_ms[0] >= measured.longest_ms[1] >= measured.longest_ms[2] > 0
    assert measured.seconds > 0
