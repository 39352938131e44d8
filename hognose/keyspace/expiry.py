"""The active expiry cycle: expired keys leave memory soon even when nobody asks for them.

Each segment of a table knows the earliest deadline in it, so a segment with nothing due costs one comparison, and a
full pass over a million keys (some 20,000 segments) under a millisecond. The cycle therefore needs no sampling: it
walks all segments round and round, a slice of bounded time per call, and finds every expired key.

It walks from the last segment to the first. A table that becomes empty merges its last segment into one before it: what
was due there is gone by then, or comes to where the cycle has yet to go. The other way round it would come to where the
cycle has been, and wait for another round: a quarter of a table of which every key expires.

Fields of hashes expire the same way: before the segments of a database's keys come those of its `field_deadlines`,
which say of each hash with expiring fields when the first of them is due.
"""

from typing import Final

from mypy_extensions import i64

from hognose.keyspace.database import Database
from hognose.keyspace.keyspace import Keyspace

SEGMENTS_PER_CLOCK_READING: Final = 16
KEYS_PER_CLOCK_READING: Final = 8
"""So many values that are freed in one go, of 4,096 parts at most (`lazyfree.ALWAYS`), take 4 ms."""
AT_END: Final = 1 << 60
"""A place behind the last segment of any table."""


class ExpiryCycle:
    """Walks the databases for expired keys.

    Attributes:
        enabled: DEBUG SET-ACTIVE-EXPIRE 0 turns the cycle off.
        time_limit_reached: How many slices ended at their time limit (INFO expired_time_cap_reached_count).
    """

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace: Final = keyspace
        self._db: i64 = 0
        self._in_hashes = True  # they come first
        self._segment: i64 = AT_END  # all before it are still to be visited
        self.enabled = True
        self.time_limit_reached: i64 = 0

    def run(self, budget_us: i64) -> bool:
        """Expires keys for at most about `budget_us` microseconds.

        Returns:
            True when a whole round is done; False when the time ran out, so that the caller calls again soon.
        """
        keyspace = self._keyspace
        if not self.enabled or not keyspace.may_expire:
            return True
        clock = keyspace.clock
        start = clock.read()
        now_ms = clock.now_ms
        databases = len(keyspace.databases)
        visited: i64 = 0
        while visited <= databases:
            database = keyspace.databases[self._db]
            if (database.table.expires != 0 or database.field_deadlines.count != 0) and not self._run_database(
                database, now_ms, start + budget_us
            ):
                self.time_limit_reached += 1
                return False
            visited += 1
            self._in_hashes = True
            self._segment = AT_END
            self._db = (self._db + 1) % databases
        return True

    def _run_database(self, database: Database, now_ms: i64, until_us: i64) -> bool:
        """Goes on through one database's segments; False when the time ran out first."""
        if self._in_hashes:
            if not self._expire_fields(database, now_ms, until_us):
                return False
            self._in_hashes = False
            self._segment = AT_END
        return self._expire_keys(database, now_ms, until_us)

    def _expire_fields(self, database: Database, now_ms: i64, until_us: i64) -> bool:
        """Goes on through the hashes with fields that expire; False when the time ran out first."""
        hashes = database.field_deadlines
        steps: i64 = 0
        while True:
            segment: i64 = min(self._segment, len(hashes.segments)) - 1
            if segment < 0:
                return True
            for key in hashes.due(segment, now_ms - 1):
                goes_on = True
                while goes_on:
                    goes_on = database.expire_fields_at(key)
                    self._keyspace.settle_memory()
                    if self._keyspace.clock.read() > until_us:
                        return False
            self._segment = segment
            steps += 1
            if steps % SEGMENTS_PER_CLOCK_READING == 0 and self._keyspace.clock.read() > until_us:
                return False

    def _expire_keys(self, database: Database, now_ms: i64, until_us: i64) -> bool:
        """Goes on through the keys that expire; False when the time ran out first."""
        keys = database.table
        steps: i64 = 0
        expired: i64 = 0
        while True:
            segment: i64 = min(self._segment, len(keys.segments)) - 1
            if segment < 0:
                return True
            due = keys.due(segment, now_ms - 1)
            while due:
                # Taken out of the list, which would keep them: freed all together, the last keys of a segment can hand
                # dozens of arenas of the allocator back to the system, a tenth of a millisecond each.
                key = due.pop()
                database.expire(key)
                expired += 1
                # A segment can hold a thousand keys, more than one slice may take.
                if expired % KEYS_PER_CLOCK_READING == 0 and self._keyspace.clock.read() > until_us:
                    return False
            self._segment = segment
            steps += 1
            if steps % SEGMENTS_PER_CLOCK_READING == 0 and self._keyspace.clock.read() > until_us:
                return False
