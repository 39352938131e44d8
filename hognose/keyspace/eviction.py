"""Eviction: which key to give up when memory is short, by the eight policies of maxmemory-policy.

LRU, LFU and TTL are approximated by sampling, as in Redis: maxmemory-samples keys are looked at per round, the 16
worst seen so far wait in a pool, and the worst of the pool goes. Sampling costs one random number a round: a segment
of the table is chosen at random and its entries are taken in a row from a random place on. Entries of a segment have
nothing in common but bits of their hash, so such a row is as good as single random keys, and it lies together in
memory.

    round    samples -> pool, kept sorted by score      [ 3 | 17 | 40 | 95 ] -> evict the key with score 95

A score is higher the sooner a key should go: seconds since its last access (LRU), 255 minus its access counter (LFU),
how soon its deadline is (TTL). A key in the pool that has been used since, or is gone, is dropped from it.

Source: the approximation is described in Redis' documentation on key eviction (pool since 3.0, LFU since 4.0).
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.datastructures.hashtable import USED, HashTable, Segment
from hognose.keyspace.access import LFU_MAX, access_second, lfu_counter
from hognose.keyspace.bare import clock_at
from hognose.keyspace.events import EVICTED

if TYPE_CHECKING:
    from hognose.keyspace.database import Database
    from hognose.keyspace.keyspace import Keyspace

LRU: Final = 0
LFU: Final = 1
TTL: Final = 2
RANDOM: Final = 3
NOTHING: Final = 4

RANKINGS: Final[dict[str, int]] = {
    "lru": LRU,
    "lfu": LFU,
    "ttl": TTL,
    "random": RANDOM,
    "noeviction": NOTHING,
}

POOL_SIZE: Final = 16
GONE: Final = -1
"""The score of a key that cannot be evicted any more."""
FARTHEST_DEADLINE: Final = 2**62


class Candidate:
    """A key that may have to go.

    Attributes:
        score: The higher, the sooner.
    """

    def __init__(self, score: i64, database: "Database", key: bytes) -> None:
        self.score: i64 = score
        self.database: Final = database
        self.key: Final = key


class Eviction:
    """Chooses keys to evict and removes them.

    Attributes:
        ranking: LRU, LFU, TTL, RANDOM or NOTHING.
        volatile: Only keys with a deadline may go.
        samples: Keys looked at per database and round (maxmemory-samples).
    """

    def __init__(self, keyspace: "Keyspace") -> None:
        self._keyspace: Final = keyspace
        self.ranking: i64 = NOTHING
        self.volatile = False
        self.samples: i64 = 5
        self._pool: list[Candidate] = []  # scores rise
        self._next_database: i64 = 0

    def set_policy(self, policy: str, samples: i64) -> None:
        """Puts a policy of maxmemory-policy in force."""
        scope, _, ranking = policy.partition("-")
        self.ranking = RANKINGS[ranking or scope]
        self.volatile = scope == "volatile"
        self.samples = samples
        self._pool.clear()

    def evict_one(self) -> bool:
        """Removes the key that should go first. False if there is none that may.

        Complexity: O(maxmemory-samples * databases in use); with a volatile policy and hardly any key with a deadline,
        a walk over the segments until one is found.
        """
        if self.ranking == NOTHING:
            return False
        if self.ranking == RANDOM:
            return self._evict_random()
        while True:
            found = self._fill_pool()
            if not found:
                return False
            while self._pool:
                best = self._pool.pop()
                score = self._present_score(best)
                # A key used since it was sampled has earned its place; a deadline or a count cannot get worse.
                if score != GONE and score >= best.score:
                    self.remove(best.database, best.key)
                    return True

    def remove(self, database: "Database", key: bytes) -> None:
        """Evicts a key, with all that follows: DEL for replicas, statistics, event. O(1)."""
        keyspace = self._keyspace
        keyspace.listener.key_evicted(database.index, key)
        keyspace.lazyfree.discard(database.remove(key), keyspace.lazyfree.of_evicted)
        keyspace.evicted_keys += 1
        database.signal(key)
        database.notify(EVICTED, b"evicted", key)

    # Sampling

    def _fill_pool(self) -> bool:
        """Takes a sample of each database into the pool. False if no key may be evicted."""
        found = False
        for database in self._keyspace.databases:
            table = database.table
            if (table.expires if self.volatile else table.count) != 0 and self._sample(database, table):
                found = True
        return found

    def _sample(self, database: "Database", table: HashTable) -> bool:
        """Offers a row of entries to the pool. False if there were none."""
        segments = table.segments
        count: i64 = len(segments)
        index: i64 = self._keyspace.random.randrange(count)
        visited: i64 = 0
        taken: i64 = 0
        while visited < count and taken < self.samples:
            segment = segments[index]
            if segment.live != 0 and (segment.has_deadlines or not self.volatile):
                taken += self._sample_segment(database, segment, self.samples - taken)
            index += 1
            if index == count:
                index = 0
            visited += 1
        return taken != 0

    def _sample_segment(self, database: "Database", segment: Segment, wanted: i64) -> i64:
        """Offers up to `wanted` entries of a segment. Returns how many there were."""
        place: i64 = self._keyspace.random.randrange(segment.capacity)
        steps: i64 = 0
        taken: i64 = 0
        while steps < segment.capacity and taken < wanted:
            if segment.tags[place] >= USED and not (self.volatile and segment.deadlines[place] == 0):
                taken += 1
                self._offer(database, segment, place)
            place += 1
            if place == segment.capacity:
                place = 0
            steps += 1
        return taken

    def _offer(self, database: "Database", segment: Segment, place: i64) -> None:
        """Takes an entry into the pool if it is worse than what is there, or there is room."""
        score = self._score(segment, place)
        pool = self._pool
        size: i64 = len(pool)
        if size == POOL_SIZE and score <= pool[0].score:
            return
        key = segment.slots[2 * place]
        assert isinstance(key, bytes)
        at: i64 = size
        while at > 0 and pool[at - 1].score > score:
            at -= 1
        for candidate in pool:
            if candidate.key is key:
                return
        pool.insert(at, Candidate(score, database, key))
        if size == POOL_SIZE:
            pool.pop(0)

    def _score(self, segment: Segment, place: i64) -> i64:
        """How soon the entry should go."""
        if self.ranking == TTL:
            deadline: i64 = segment.deadlines[place]
            return FARTHEST_DEADLINE - deadline
        clock = clock_at(segment, place)
        if self.ranking == LFU:
            return LFU_MAX - lfu_counter(self._keyspace, clock)
        idle: i64 = i64(access_second(self._keyspace.clock.now_ms)) - i64(clock)
        return max(0, idle)

    def _present_score(self, candidate: Candidate) -> i64:
        """The score of a key in the pool as it is now, or GONE."""
        table = candidate.database.table
        place = table.find(candidate.key)
        if place < 0:
            return GONE
        segment = table.found
        if self.volatile and (not segment.has_deadlines or segment.deadlines[place] == 0):
            return GONE
        return self._score(segment, place)

    def _evict_random(self) -> bool:
        """Evicts any key, the databases taking turns."""
        databases = self._keyspace.databases
        tries: i64 = 0
        while tries < len(databases):
            database = databases[self._next_database]
            self._next_database = (self._next_database + 1) % len(databases)
            tries += 1
            table = database.table
            if table.count == 0 or (self.volatile and table.expires == 0):
                continue
            key = self._random_volatile(table) if self.volatile else table.random_key(self._keyspace.random)
            self.remove(database, key)
            return True
        return False

    def _random_volatile(self, table: HashTable) -> bytes:
        """A random key with a deadline; there must be one."""
        segments = table.segments
        index: i64 = self._keyspace.random.randrange(len(segments))
        while True:
            segment = segments[index]
            if segment.has_deadlines:
                place: i64 = self._keyspace.random.randrange(segment.capacity)
                steps: i64 = 0
                while steps < segment.capacity:
                    if segment.tags[place] >= USED and segment.deadlines[place] != 0:
                        key = segment.slots[2 * place]
                        assert isinstance(key, bytes)
                        return key
                    place = place + 1 if place + 1 < segment.capacity else 0
                    steps += 1
            index = index + 1 if index + 1 < len(segments) else 0
