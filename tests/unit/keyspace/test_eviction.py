"""Eviction on a bare keyspace: which keys go, and what is reported."""

import pytest
from librt.random import Random
from mypy_extensions import i64

from hognose.clock import FakeClock
from hognose.keyspace.events import EVICTED, KeyspaceListener
from hognose.keyspace.eviction import Eviction
from hognose.keyspace.keyspace import Keyspace

POLICIES = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
]
NOW_MS = 1_700_000_000_000


class Recorder(KeyspaceListener):
    """Remembers evictions and events."""

    def __init__(self) -> None:
        self.evicted: list[bytes] = []
        self.events: list[bytes] = []

    def key_evicted(self, db_index: i64, key: bytes) -> None:
        self.evicted.append(key)

    def key_event(self, event_class: i64, event: bytes, key: bytes, db_index: i64) -> None:
        self.events.append(event + b" " + key)


def make(policy: str, samples: int = 5) -> tuple[Keyspace, Eviction, Recorder]:
    keyspace = Keyspace(FakeClock(NOW_MS), 4, Random(7))
    keyspace.lfu = policy.endswith("lfu")
    keyspace.update_access_clock()
    recorder = Recorder()
    keyspace.listener = recorder
    eviction = Eviction(keyspace)
    eviction.set_policy(policy, samples)
    return keyspace, eviction, recorder


def fill(keyspace: Keyspace, count: int, volatile_every: int = 1) -> None:
    database = keyspace.databases[0]
    for number in range(count):
        key = b"key:%d" % number
        database.set(key, b"value")
        if number % volatile_every == 0:
            database.set_deadline(key, NOW_MS + 1000 + number)


@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_can_evict_everything_it_may_and_no_more(policy: str) -> None:
    keyspace, eviction, recorder = make(policy)
    fill(keyspace, 500, volatile_every=5)
    may_go = 100 if policy.startswith("volatile") else 500
    for _ in range(may_go):
        assert eviction.evict_one()
    assert not eviction.evict_one()
    assert keyspace.databases[0].table.count == 500 - may_go
    assert keyspace.evicted_keys == may_go == len(set(recorder.evicted))


def test_noeviction_evicts_nothing() -> None:
    keyspace, eviction, _ = make("noeviction")
    fill(keyspace, 10)
    assert not eviction.evict_one()
    assert keyspace.databases[0].table.count == 10


def test_the_account_is_empty_when_everything_is_evicted() -> None:
    keyspace, eviction, _ = make("allkeys-lru")
    before = keyspace.memory_bytes
    fill(keyspace, 100)
    while eviction.evict_one():
        pass
    assert keyspace.memory_bytes == before


def test_an_eviction_fires_its_event() -> None:
    keyspace, eviction, recorder = make("allkeys-random")
    keyspace.notify_classes = EVICTED
    fill(keyspace, 1)
    assert eviction.evict_one()
    assert recorder.events == [b"evicted key:0"]


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu"])
def test_what_is_used_stays(policy: str) -> None:
    """Of 1,000 keys 200 are used again and again; at most a few of them are among the 500 that go."""
    keyspace, eviction, recorder = make(policy, samples=10)
    fill(keyspace, 1000)
    clock = keyspace.clock
    assert isinstance(clock, FakeClock)
    database = keyspace.databases[0]
    for _ in range(30):
        clock.advance(1000)
        keyspace.update_access_clock()
        for number in range(200):
            database.lookup_read(b"key:%d" % number)
    for _ in range(500):
        assert eviction.evict_one()
    lost = sum(1 for key in recorder.evicted if int(key[4:]) < 200)
    assert lost <= 10, lost


def test_volatile_ttl_takes_the_nearest_deadlines_first() -> None:
    keyspace, eviction, recorder = make("volatile-ttl", samples=20)
    fill(keyspace, 1000)
    for _ in range(300):
        assert eviction.evict_one()
    assert sum(1 for key in recorder.evicted if int(key[4:]) < 500) >= 290


def test_a_key_used_after_it_was_sampled_is_passed_over() -> None:
    keyspace, eviction, recorder = make("allkeys-lru", samples=64)
    fill(keyspace, 10)
    clock = keyspace.clock
    assert isinstance(clock, FakeClock)
    clock.advance(10_000)
    keyspace.update_access_clock()
    assert eviction.evict_one()  # the other nine are in the pool now
    survivors = keyspace.databases[0].table.keys()
    for key in survivors[:8]:
        keyspace.databases[0].lookup_read(key)
    assert eviction.evict_one()
    assert recorder.evicted[-1] == survivors[8]


def test_databases_take_turns_with_random_policies() -> None:
    keyspace, eviction, _ = make("allkeys-random")
    for database in keyspace.databases:
        for number in range(10):
            database.set(b"%d" % number, b"x")
    for _ in range(20):
        assert eviction.evict_one()
    assert [database.table.count for database in keyspace.databases] == [5, 5, 5, 5]
