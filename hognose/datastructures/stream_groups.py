"""Consumer groups of a stream: who was given which entry, and has not acknowledged it yet.

A group belongs to one stream and knows IDs only; what an entry holds, and how far the group lags behind, is the
stream's affair (see `stream`). Time is passed in.

An entry given to a consumer is pending in two lists, the group's and the consumer's, until XACK. Both map its ID to the
same `Pending` record, which names its consumer instead of pointing to it: two records pointing at each other would
never be freed, as the collector does not run.

    group.pending     10-0: Pending(alice)   11-0: Pending(bob)   12-0: Pending(alice)
    alice.pending     10-0: ^                                     12-0: ^
    bob.pending                              11-0: ^
"""

from bisect import bisect_left
from itertools import pairwise
from typing import Final

from mypy_extensions import i64, mypyc_attr

ENTRIES_READ_UNKNOWN: Final = -1

NEVER_MS: Final = -1
"""The active time of a consumer that was never given anything."""

# Measured compiled, with tracemalloc: an ID in two lists with its record; a consumer and a group with empty lists.
_PENDING_BYTES: Final = 230
_CONSUMER_BYTES: Final = 320
_GROUP_BYTES: Final = 400


class MemoryMeter:
    """The bytes that all groups of one stream occupy, so that the sum need not be taken."""

    def __init__(self) -> None:
        self.used_bytes: i64 = 0


class Pending:
    """One entry that was delivered and not acknowledged.

    Attributes:
        consumer: Name of the consumer it was last delivered to.
        delivery_time_ms: Unix time of that delivery.
        delivery_count: How often it was delivered.
    """

    def __init__(self, consumer: bytes, delivery_time_ms: i64, delivery_count: i64) -> None:
        self.consumer: bytes = consumer
        self.delivery_time_ms: i64 = delivery_time_ms
        self.delivery_count: i64 = delivery_count


@mypyc_attr(allow_interpreted_subclasses=True)
class PendingWatcher:
    """Who reads a list of pending entries bit by bit, as it was when it began to watch."""

    def before_change(self, entry_id: int, record: Pending | None) -> None:
        """An entry is about to be added (`record` is None), to change or to be removed. O(log N)."""
        raise NotImplementedError


class PendingList:
    """Pending entries by ID, in the order of IDs.

    A dict finds them; a sorted list of IDs keeps the order. IDs come nearly always in ascending order, so adding
    appends. Removing leaves the ID in the list until half of it is such leftovers; those at both ends are cut off when
    an end is looked at.

    Attributes:
        by_id: The records; to be read only.
        watcher: Who is told before anything changes; None if nobody is.
    """

    def __init__(self) -> None:
        self.by_id: dict[int, Pending] = {}
        self._order: list[int] = []
        self.watcher: PendingWatcher | None = None

    def size(self) -> i64:
        """The number of pending entries. O(1)."""
        return len(self.by_id)

    def get(self, entry_id: int) -> Pending | None:
        """The record of an ID, or None. O(1)."""
        return self.by_id.get(entry_id)

    def add(self, entry_id: int, record: Pending) -> None:
        """Adds or replaces a record. O(1) for the highest ID so far, else O(log N) and a move of pointers."""
        if self.watcher is not None:
            self.about_to_change(entry_id)
        order = self._order
        if not order or entry_id > order[-1]:
            order.append(entry_id)
        elif entry_id not in self.by_id:
            position = bisect_left(order, entry_id)
            if order[position] != entry_id:
                order.insert(position, entry_id)
        self.by_id[entry_id] = record

    def remove(self, entry_id: int) -> Pending | None:
        """Takes a record out and returns it; None where there is none. O(1) amortized."""
        if self.watcher is not None:
            self.about_to_change(entry_id)
        record = self.by_id.pop(entry_id, None)
        if record is not None and len(self._order) > 2 * len(self.by_id) + 16:
            self._order = sorted(self.by_id)
        return record

    def about_to_change(self, entry_id: int) -> None:
        """Says that the record of an ID is about to change, if there is one, or to be added. O(1) if nobody watches."""
        watcher = self.watcher
        if watcher is not None:
            watcher.before_change(entry_id, self.by_id.get(entry_id))

    def take_apart(self, effort: i64) -> i64:
        """Frees up to so many records of a list that nobody uses any more; returns how much effort is left."""
        order = self._order
        while effort > 0 and order:
            entry_id = order.pop()
            if self.watcher is not None:
                self.about_to_change(entry_id)
            self.by_id.pop(entry_id, None)
            effort -= 1
        return effort

    def first_id(self) -> int:
        """The lowest ID of a non-empty list. O(1) amortized."""
        order = self._order
        leftovers: i64 = 0
        while order[leftovers] not in self.by_id:
            leftovers += 1
        if leftovers:
            del order[:leftovers]
        return order[0]

    def last_id(self) -> int:
        """The highest ID of a non-empty list. O(1) amortized."""
        order = self._order
        while order[-1] not in self.by_id:
            order.pop()
        return order[-1]

    def ids_from(self, start: int, limit: i64) -> list[int]:
        """The lowest IDs that are not below a given one.

        Args:
            start: The least ID wanted.
            limit: How many at most.

        Complexity: O(log N + limit), amortized.
        """
        found: list[int] = []
        order = self._order
        index: i64 = bisect_left(order, start)
        while index < len(order) and len(found) < limit:
            entry_id = order[index]
            if entry_id in self.by_id:
                found.append(entry_id)
            index += 1
        return found

    def walk(self, start: int, effort: i64, found: list[int]) -> int:
        """One step of a walk over all IDs in their order.

        Args:
            start: The least ID wanted.
            effort: How many IDs to look at, pending ones and leftovers.
            found: Where the pending ones are appended.

        Returns:
            Where the next step is to start; -1 at the end.

        Complexity: O(log N + effort).
        """
        order = self._order
        index: i64 = bisect_left(order, start)
        stop: i64 = min(index + effort, len(order))
        while index < stop:
            entry_id = order[index]
            if entry_id in self.by_id:
                found.append(entry_id)
            index += 1
        return -1 if index == len(order) else order[index]

    def check_invariants(self) -> None:
        """Asserts that the order is strictly ascending and misses no record. O(N)."""
        order = self._order
        assert all(before < after for before, after in pairwise(order))
        assert self.by_id.keys() <= set(order)
        assert len(order) <= 2 * len(self.by_id) + 16


class Consumer:
    """One reader of a group.

    Attributes:
        name: Its name.
        pending: What it was given and has not acknowledged.
        seen_time_ms: Unix time when it last tried to read or claim.
        active_time_ms: Unix time when it last got something, or NEVER_MS.
    """

    def __init__(self, name: bytes, now_ms: i64) -> None:
        self.name: bytes = name
        self.pending: PendingList = PendingList()
        self.seen_time_ms: i64 = now_ms
        self.active_time_ms: i64 = NEVER_MS


class ConsumerGroup:
    """A group of consumers that share the entries of a stream.

    Attributes:
        name: Its name.
        last_id: The highest ID delivered to any consumer.
        entries_read: How many entries of the stream's whole history lie up to `last_id`, or ENTRIES_READ_UNKNOWN.
        pending: All pending entries.
        consumers: The consumers by name.
    """

    def __init__(self, name: bytes, last_id: int, entries_read: int, meter: MemoryMeter) -> None:
        self.name: bytes = name
        self.last_id: int = last_id
        self.entries_read: int = entries_read
        self.pending: PendingList = PendingList()
        self.consumers: dict[bytes, Consumer] = {}
        self._meter: MemoryMeter = meter
        meter.used_bytes += _GROUP_BYTES + len(name)

    def take_apart(self, effort: i64) -> i64:
        """Frees up to so many records of a group that nobody uses any more.

        Returns:
            How much effort is left; below 0 if the group was too large for it.
        """
        effort = self.pending.take_apart(effort)
        while effort > 0 and self.consumers:
            name, consumer = self.consumers.popitem()
            effort = consumer.pending.take_apart(effort - 1)
            if consumer.pending.by_id:
                self.consumers[name] = consumer
        return -1 if self.pending.by_id or self.consumers else effort

    def create_consumer(self, name: bytes, now_ms: i64) -> Consumer:
        """Creates a consumer, seen now; its name must be free. O(1)."""
        consumer = Consumer(name, now_ms)
        self.consumers[name] = consumer
        self._meter.used_bytes += _CONSUMER_BYTES + len(name)
        return consumer

    def delete_consumer(self, name: bytes) -> i64:
        """Deletes a consumer and forgets what it had pending.

        Returns:
            The number of entries it had pending, or -1 where there is no such consumer.

        Complexity: O(pending entries of the consumer).
        """
        consumer = self.consumers.pop(name, None)
        if consumer is None:
            return -1
        self._meter.used_bytes -= _CONSUMER_BYTES + len(name)
        for entry_id in consumer.pending.by_id:
            self.pending.remove(entry_id)
            self._meter.used_bytes -= _PENDING_BYTES
        return consumer.pending.size()

    def assign(self, entry_id: int, consumer: Consumer, delivery_time_ms: i64, delivery_count: i64) -> Pending:
        """Makes an entry pending for a consumer, taking it from another consumer where necessary.

        Args:
            entry_id: The entry.
            consumer: A consumer of this group.
            delivery_time_ms: Unix time of the delivery.
            delivery_count: How often it was delivered, this time included.

        Returns:
            Its record, new or changed.

        Complexity: O(1) for the highest ID, else O(log N) and a move of pointers.
        """
        record = self.pending.get(entry_id)
        if record is None:
            record = Pending(consumer.name, delivery_time_ms, delivery_count)
            self.pending.add(entry_id, record)
            consumer.pending.add(entry_id, record)
            self._meter.used_bytes += _PENDING_BYTES
            return record
        if record.consumer != consumer.name:
            self.consumers[record.consumer].pending.remove(entry_id)
            consumer.pending.add(entry_id, record)
            record.consumer = consumer.name
        self.redeliver(entry_id, record, delivery_time_ms, delivery_count)
        return record

    def redeliver(self, entry_id: int, record: Pending, delivery_time_ms: i64, delivery_count: i64) -> None:
        """Notes in an entry's record that it was delivered once more. Arguments as of `assign`. O(1)."""
        self.pending.about_to_change(entry_id)
        record.delivery_time_ms = delivery_time_ms
        record.delivery_count = delivery_count

    def acknowledge(self, entry_id: int) -> bool:
        """Forgets that an entry is pending; whether it was. O(1) amortized."""
        record = self.pending.remove(entry_id)
        if record is None:
            return False
        self.consumers[record.consumer].pending.remove(entry_id)
        self._meter.used_bytes -= _PENDING_BYTES
        return True

    def release_memory(self) -> None:
        """Takes the group off its stream's meter, when the stream drops it. O(consumers)."""
        self._meter.used_bytes -= self._memory_bytes()

    def copy(self, meter: MemoryMeter) -> "ConsumerGroup":
        """An independent equal group on another stream's meter. O(pending entries)."""
        twin = ConsumerGroup(self.name, self.last_id, self.entries_read, meter)
        for consumer in self.consumers.values():
            consumer_twin = twin.create_consumer(consumer.name, consumer.seen_time_ms)
            consumer_twin.active_time_ms = consumer.active_time_ms
        for entry_id in sorted(self.pending.by_id):
            record = self.pending.by_id[entry_id]
            owner = twin.consumers[record.consumer]
            twin.assign(entry_id, owner, record.delivery_time_ms, record.delivery_count)
        return twin

    def check_invariants(self) -> None:
        """Asserts that the group's pending list is exactly that of its consumers. O(pending entries)."""
        self.pending.check_invariants()
        owned = 0
        for name, consumer in self.consumers.items():
            assert consumer.name == name
            consumer.pending.check_invariants()
            for entry_id, record in consumer.pending.by_id.items():
                assert self.pending.get(entry_id) is record
                assert record.consumer == name
                owned += 1
        assert owned == self.pending.size()

    def _memory_bytes(self) -> i64:
        total: i64 = _GROUP_BYTES + len(self.name)
        for name in self.consumers:
            total += _CONSUMER_BYTES + len(name)
        return total + self.pending.size() * _PENDING_BYTES
