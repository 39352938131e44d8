"""Large lists in a snapshot that is written in slices: node by node, from the head.

Nodes are read from the list itself where it has not changed, and the row says before it does (`NodeWatcher`). What is
as it was, and not written, is one stretch of the row at any time. A node that is about to change, or a place where one
is about to come in or go, must not be inside: what lies between it and the nearer end of the stretch is noted first.

    written   noted before      the stretch       noted behind
              [n3] [n4]         n5 n6 ... n90     [n91] [n92]
                                a change of n88 notes n88, n89 and n90 behind

Nodes that are noted never change: their row goes on with copies. A push or pop notes a node, once; a change in the
middle half of them at most, once, as references: less than the walk costs by which the command has found its place, for
that begins at the nearer end of the list.
"""

from collections import deque
from typing import Final, final

from mypy_extensions import i64

from hognose.datastructures.listnode import ListNode
from hognose.datastructures.listnodes import NodeRow, NodeWatcher
from hognose.persistence import rdb_format as rdb
from hognose.persistence.large_values import LargeValue, Notes
from hognose.persistence.rdb_sink import RdbSink

NOTED_NODE_BYTES: Final = 8
NOTED_RUN_BYTES: Final = 80
"""What nodes that are noted together weigh beside those: a list, and its place in another."""


@final
class NodesAsOf(NodeWatcher):
    """The nodes of a list as they were when this was made, from the head.

    Args:
        row: Watched until `close`.
        notes: The account.
    """

    def __init__(self, row: NodeRow, notes: Notes) -> None:
        row.settle()
        self._row: Final = row
        self._start: i64 = 0  # of the stretch
        self._stop: i64 = row.node_count()
        # Runs of nodes, each with its first node last. They are cut out of the row as they are: a second reference to
        # each node would take as long as the first.
        self._before: Final[deque[list[ListNode]]] = deque()
        self._behind: Final[list[list[ListNode]]] = []  # the first one last
        self._notes: Final = notes
        row.watcher = self

    def before_change(self, number: i64) -> None:
        self._leave(number, number + 1)

    def before_insertion(self, number: i64) -> None:
        if number > self._start:
            self._leave(number, number)
        if number <= self._start:
            self._start += 1
            self._stop += 1

    def before_removal(self, first: i64, stop: i64) -> None:
        self._leave(first, stop)
        if first < self._start:
            self._start -= stop - first
            self._stop -= stop - first

    def has_more(self) -> bool:
        """Whether any node has not been read. O(1)."""
        return len(self._before) != 0 or self._start < self._stop or len(self._behind) != 0

    def next(self) -> ListNode:
        """The next node; there must be one. O(1)."""
        if self._before:
            run = self._before[0]
            node = self._take(run)
            if not run:
                self._before.popleft()
        elif self._start < self._stop:
            node = self._row.node(self._start)
            self._start += 1
        else:
            run = self._behind[-1]
            node = self._take(run)
            if not run:
                self._behind.pop()
        return node

    def _take(self, run: list[ListNode]) -> ListNode:
        """Takes the first node out of a run."""
        self._notes.used_bytes -= NOTED_NODE_BYTES if len(run) > 1 else NOTED_NODE_BYTES + NOTED_RUN_BYTES
        return run.pop()

    def close(self) -> None:
        """Ends the watch."""
        self._row.watcher = None
        for run in [*self._before, *self._behind]:
            self._notes.used_bytes -= NOTED_NODE_BYTES * len(run) + NOTED_RUN_BYTES
        self._before.clear()
        self._behind.clear()

    def _leave(self, first: i64, stop: i64) -> None:
        """Has the stretch end before the nodes from `first` up to `stop` or begin behind them, whichever notes less."""
        first = max(first, self._start)
        stop = min(stop, self._stop)
        if first > stop or self._start == self._stop:
            return
        is_nearer_to_start = stop - self._start < self._stop - first
        if is_nearer_to_start:
            run = self._row.nodes_between(self._start, stop)
            self._start = stop
        else:
            run = self._row.nodes_between(first, self._stop)
            self._stop = first
        if not run:
            return
        run.reverse()
        if is_nearer_to_start:
            self._before.append(run)
        else:
            self._behind.append(run)
        self._notes.used_bytes += NOTED_NODE_BYTES * len(run) + NOTED_RUN_BYTES


@final
class LargeList(LargeValue):
    """A list."""

    def __init__(self, database: i64, head: bytes, row: NodeRow, notes: Notes) -> None:
        super().__init__(database, head)
        self._nodes: Final = NodesAsOf(row, notes)
        self._count: Final[i64] = row.node_count()
        self._is_first = True

    def close(self) -> None:
        self._nodes.close()

    def write_part(self, sink: RdbSink) -> bool:
        if self._is_first:
            self._is_first = False
            sink.length(self._count)
        while self._room > 0 and self._nodes.has_more():
            node = self._nodes.next()
            self.target(sink).length(rdb.NODE_PLAIN if node.plain else rdb.NODE_PACKED)
            self.text(sink, node.payload())
        return self._nodes.has_more()
