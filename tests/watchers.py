"""A watcher of tables that notes everything it is told of."""

from __future__ import annotations

from hognose.datastructures.hashtable import USED, HashTable, Segment, SegmentWatcher

Entry = tuple[object, object, int, float]
"""Key, value, deadline, score."""


def entries(segment: Segment) -> list[Entry]:
    """What a segment holds."""
    return [
        (
            segment.slots[2 * place],
            segment.slots[2 * place + 1],
            int(segment.deadlines[place]) if segment.has_deadlines else 0,
            segment.scores[place] if len(segment.scores) else 0.0,
        )
        for place in range(segment.capacity)
        if segment.tags[place] >= USED
    ]


class Noting(SegmentWatcher):
    """Notes what it is told of; with what is still in place, that must be what the table held."""

    def __init__(self, table: HashTable) -> None:
        self.table = table
        self.segments = table.segments
        self.before = self.present()
        self.noted: list[Entry] = []
        self.told = 0
        table.watch(self)

    def before_change(self, segment: Segment) -> None:
        self.told += 1
        self.noted += entries(segment)

    def present(self) -> list[Entry]:
        """What unmarked segments hold."""
        return sorted(
            entry
            for segment in self.segments
            if self.table.watcher is None or segment.epoch != self.table.epoch
            for entry in entries(segment)
        )

    def content(self) -> list[Entry]:
        """What it knows of the table as it was."""
        return sorted(self.noted + self.present())
