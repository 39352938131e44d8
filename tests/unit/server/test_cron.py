"""The regular work, tick by tick, on a clock and a loop in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hognose.clock import FakeClock
from hognose.config.store import Config
from hognose.datastructures.hashvalue import HashLimits, HashValue
from hognose.server.cron import EXPIRY_SLICE_US, CronTask
from hognose.server.server import Server


class Handle:
    """A timer that can be cancelled."""

    def __init__(self, when: float, action: Callable[[], None]) -> None:
        self.when = when
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class ManualLoop:
    """An event loop's timers, run by the test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.handles: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, action: Callable[[], None]) -> Handle:
        self.handles.append(Handle(when, action))
        return self.handles[-1]

    def call_later(self, delay: float, action: Callable[[], None]) -> Handle:
        return self.call_at(self.now + delay, action)

    def call_soon(self, action: Callable[[], None]) -> Handle:
        return self.call_at(self.now, action)

    def run_next(self, late_s: float = 0.0) -> float:
        """Moves to the next timer, runs it, and returns the time it was due."""
        handle = min(self.handles, key=lambda each: each.when)
        self.handles.remove(handle)
        self.now = max(self.now, handle.when) + late_s
        if handle.action is not None:
            handle.action()
        return handle.when


class Harness:
    """A server, its clock and its loop."""

    def __init__(self, **directives: str) -> None:
        config = Config()
        config.set_many([(name.replace("_", "-").encode(), value.encode()) for name, value in directives.items()])
        self.clock = FakeClock()
        self.server = Server(config, self.clock)
        self.server.log_file.level = 4
        self.loop = ManualLoop()
        self.cron = self.server.cron

    def start(self) -> None:
        loop: asyncio.AbstractEventLoop = self.loop  # type: ignore[assignment]
        self.cron.start(loop)


def test_ticks_come_hz_times_a_second_without_drift() -> None:
    harness = Harness(hz="10")
    harness.start()
    due = [harness.loop.run_next(late_s=0.03) for _ in range(11)]
    assert [round(when - due[0], 6) for when in due] == [round(0.1 * n, 6) for n in range(11)]
    assert harness.cron.ticks == 11


def test_ticks_that_were_missed_are_left_out() -> None:
    harness = Harness(hz="10")
    harness.start()
    harness.loop.run_next(late_s=5.0)
    assert round(harness.loop.run_next(), 6) == 1005.1


def test_hz_holds_from_the_next_tick_on() -> None:
    harness = Harness(hz="10")
    harness.start()
    harness.loop.run_next()
    harness.server.config.set_many([(b"hz", b"100")])
    first = harness.loop.run_next()
    assert round(harness.loop.run_next() - first, 6) == 0.01


def test_many_clients_raise_the_rate_with_dynamic_hz() -> None:
    harness = Harness(hz="10")
    assert harness.cron.rate() == 10
    for _ in range(5000):
        connection = harness.server.new_connection()
        harness.server.clients[connection.id] = connection
    assert harness.cron.rate() == 40
    harness.server.config.set_many([(b"dynamic-hz", b"no")])
    assert harness.cron.rate() == 10


def test_paused_ticks_do_nothing() -> None:
    harness = Harness()
    harness.cron.paused = True
    harness.cron.tick()
    assert harness.cron.ticks == 0


def test_stopped_there_are_no_more_ticks() -> None:
    harness = Harness()
    harness.start()
    harness.cron.stop()
    harness.loop.run_next()
    assert harness.loop.handles == []
    assert harness.cron.ticks == 0


def test_every_client_is_visited_within_a_second() -> None:
    harness = Harness(hz="10", timeout="30")
    connections = [harness.server.new_connection() for _ in range(95)]
    for connection in connections:
        harness.server.clients[connection.id] = connection
    harness.clock.advance(31_000)
    for tick in range(10):
        assert not all(connection.closed for connection in connections), tick
        harness.cron.tick()
    assert all(connection.closed for connection in connections)


def test_expired_keys_are_removed_and_the_access_clock_moves() -> None:
    harness = Harness()
    database = harness.server.keyspace.databases[0]
    for number in range(10):
        database.set(b"key:%d" % number, b"value")
        database.set_deadline(b"key:%d" % number, harness.clock.now_ms + 500)
    before = harness.server.keyspace.access_clock
    harness.clock.advance(2000)
    harness.cron.tick()
    assert len(database.table) == 0
    assert harness.server.keyspace.expired_keys == 10
    assert harness.server.keyspace.access_clock == before + 2


def test_other_parts_take_part_in_ticks() -> None:
    class Task(CronTask):
        def __init__(self) -> None:
            self.times: list[int] = []

        def tick(self, now_ms: int) -> None:
            self.times.append(now_ms)

    harness = Harness()
    task = Task()
    harness.cron.tasks.append(task)
    harness.cron.tick()
    assert task.times == [harness.clock.now_ms]


def test_expiry_with_much_to_do_goes_on_in_slices_until_it_is_done() -> None:
    clock = FakeClock()
    server = Server(Config(), clock)
    server.log_file.level = 4
    loop = ManualLoop()
    database = server.keyspace.databases[0]
    for number in range(30_000):
        database.set(b"key:%d" % number, b"value")
        database.set_deadline(b"key:%d" % number, clock.now_ms - 1)
    clock.us_per_reading = 4  # what ends a slice is the time it has taken
    server.cron.start(loop)  # type: ignore[arg-type]
    slices = 0
    while len(database.table) and slices < 1000:
        loop.run_next()
        slices += 1
    assert len(database.table) == 0
    assert slices > 3
    assert loop.now == 1000.0  # no pause between them


def test_expired_keys_get_half_of_the_time_while_clients_keep_the_server_busy() -> None:
    """50 clients with pipelines of 0.3 ms each: a turn of the loop is 15 ms long, which is 15 slices."""
    clock = FakeClock()
    server = Server(Config(), clock)
    server.log_file.level = 4
    loop = ManualLoop()
    server.cron.start(loop)  # type: ignore[arg-type]
    loop.run_next()
    database = server.keyspace.databases[0]
    for number in range(30_000):
        database.set(b"key:%d" % number, b"value")
        database.set_deadline(b"key:%d" % number, clock.now_ms - 1)
    clients = [server.new_connection() for _ in range(50)]
    clock.us_per_reading = 4
    began_us, pass_us, longest_us, turns = clock.time_us, 0, 0, 0
    while database.table.count and turns < 1000:
        loop.run_next()
        for client in clients:
            clock.time_us += 300
            pass_us += 300
            clock.read()
            before_us = clock.time_us
            server.end_of_pass(client)
            longest_us = max(longest_us, clock.time_us - before_us)
        turns += 1
    expiry_us = clock.time_us - began_us - pass_us
    assert database.table.count == 0
    assert expiry_us > 5 * EXPIRY_SLICE_US
    assert pass_us <= expiry_us + turns * 50 * 300 / 15 + 50 * 300  # a pass may end just before, the last turn goes on
    assert longest_us < 1.1 * EXPIRY_SLICE_US


def test_nothing_expires_between_passes_while_a_script_runs() -> None:
    harness = Harness()
    database = harness.server.keyspace.databases[0]
    database.set(b"key", b"value")
    database.set_deadline(b"key", harness.clock.now_ms - 1)
    harness.cron.has_expired_keys = True
    harness.clock.advance(1000)
    client = harness.server.new_connection()
    harness.server.dispatcher.depth = 1
    harness.server.end_of_pass(client)
    assert database.table.count == 1
    harness.server.dispatcher.depth = 0
    harness.server.end_of_pass(client)
    assert database.table.count == 0
    assert not harness.cron.has_expired_keys


def test_fields_that_expire_count_as_keys_do_when_the_next_slice_is_due() -> None:
    clock = FakeClock()
    server = Server(Config(), clock)
    server.log_file.level = 4
    loop = ManualLoop()
    for number in range(1000):
        value = HashValue(HashLimits())
        for field in (b"kept", b"gone"):
            value.set(field, b"value")
        value.set_deadline(b"gone", clock.now_ms - 1)
        server.keyspace.databases[0].set(b"hash:%d" % number, value)
    server.keyspace.settle_memory()
    server.cron.start(loop)  # type: ignore[arg-type]
    clock.us_per_reading = 10
    began = loop.now
    while server.keyspace.expired_fields < 1000:
        loop.run_next()
    assert server.expiry.time_limit_reached > 3
    assert loop.now == began
