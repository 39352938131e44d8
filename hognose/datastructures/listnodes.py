"""The nodes of a long list: a row of listpacks, each within a limit, with constant-time ends.

    head                                                   tail
    [e2 e1 e0] + [ . . . | node | node | node | node ] + [e7 e8 e9]
     open          free    ^ first                          open

Not here: the node itself (`listnode`), the short list that is one listpack, and when a list becomes the one or the
other (`quicklist`).

How it works: the nodes stand in one Python list with free places in front, so that both ends grow and shrink in
amortised constant time, and a node in the middle is reached by its number. No node knows its neighbours, so that
nothing refers to itself and a deleted list is freed at once. Where an element goes, which node is split, and which
neighbours are merged, follows the real server's rules, so both hold the same nodes after the same commands.

A node's body does not change in place: a push or pop would copy it. So the ends of a row of several nodes are open: up
to `MOST_OPEN` of the outermost elements stand unpacked in a list, the outermost last. They are packed into their node
all at once when there are more, or when anything but a push or pop comes (`settle`); pops unpack some of a node at a
time. The nodes after `settle` are those that packing each element at once would have made.

Readers pack the ends too, and nobody weighs a value that is only read. So the weight that a row tells of is that from
before it was packed, until the next change.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.listnode import (
    NODE_BYTES,
    ListLimits,
    ListNode,
    Wanted,
    index_in_node,
    new_node,
    remove_equal_entries,
)
from hognose.datastructures.listpack import (
    append,
    cut,
    encode,
    entry_size,
    extend_list,
    get,
    insert,
    prepend,
    previous_offset,
    replace,
)
from hognose.datastructures.value import bytes_size

FREE_PLACES: Final = 8
MOST_OPEN: Final = 64
"""Elements of an open end."""
UNPACKED: Final = 32
"""Elements that a pop takes out of a node at a time."""
MOST_OPEN_BYTES: Final = 512
"""Longer elements are packed at once: many of them would be much memory, and they are few to a node."""
FEWEST_NODES: Final = 3
"""Only a row of so many nodes has open ends: no node has both, and none is open when a row becomes one listpack."""
FREE: Final = ListNode(b"", 0, True)
"""Stands in the free places of a row."""


class UnpackedEnd:
    """The outermost elements of a row at one end, unpacked.

    Attributes:
        elements: The outermost last.
        from_node: How many of them, at the beginning, were taken out of the node beside them, and so fit in again.
    """

    def __init__(self) -> None:
        self.elements: list[bytes] = []
        self.from_node: i64 = 0

    def take(self) -> bytes:
        """Takes off the outermost element; there must be one. O(1)."""
        element = self.elements.pop()
        if self.from_node > len(self.elements):
            self.from_node = len(self.elements)
        return element


class NodeWatcher:
    """Who has to be told before nodes of a row change: a snapshot that is written in slices.

    Nodes are told by their numbers. The node objects that a watcher gets hold of never change any more: while one
    watches, a node that is about to change is replaced by a copy.
    """

    def before_change(self, number: i64) -> None:
        """A node is about to get another body."""
        raise NotImplementedError

    def before_insertion(self, number: i64) -> None:
        """A node is about to come in, and to get this number."""
        raise NotImplementedError

    def before_removal(self, first: i64, stop: i64) -> None:
        """The nodes from `first` up to `stop` are about to go."""
        raise NotImplementedError


class NodeRow:
    """All elements of a long list, in nodes.

    Args:
        limits: What a node may hold. Kept, not copied, so that a change of the setting reaches every list.

    Attributes:
        count: The number of elements.
        body_bytes: The sum of the sizes of all bodies, and what open elements occupy.
        watcher: Who is told before nodes change; None if nobody is.
    """

    def __init__(self, limits: ListLimits) -> None:
        self.count: i64 = 0
        self.body_bytes: i64 = 0
        self.watcher: NodeWatcher | None = None
        self._limits: Final = limits
        self._nodes: list[ListNode] = []
        self._first: i64 = 0
        self._saved_bytes: i64 = 0  # what packing the ends has saved since the last change; below 0 if it took more
        self._head: Final = UnpackedEnd()
        self._tail: Final = UnpackedEnd()

    def take_apart(self, effort: i64) -> bool:
        """Frees so many nodes of a row that nobody uses any more; whether any are left. O(effort)."""
        keep: i64 = max(len(self._nodes) - effort, 0)
        watcher = self.watcher
        if watcher is not None:
            watcher.before_removal(max(keep - self._first, 0), max(self.node_count(), 0))
        del self._nodes[keep:]
        return keep != 0

    def memory_bytes(self) -> i64:
        """What nodes and open elements occupy; changes only where elements do, not where ends are packed. O(1)."""
        return self._occupied_bytes() + self._saved_bytes

    def _occupied_bytes(self) -> i64:
        return self.node_count() * NODE_BYTES + self.body_bytes

    # Nodes

    def node_count(self) -> i64:
        """The number of nodes."""
        return len(self._nodes) - self._first

    def node(self, number: i64) -> ListNode:
        """The node with a 0-based number."""
        return self._nodes[self._first + number]

    def nodes(self) -> list[ListNode]:
        """All nodes in order, with no end open. O(nodes)."""
        self.settle()
        return self._nodes[self._first :]

    def nodes_between(self, first: i64, stop: i64) -> list[ListNode]:
        """The nodes from one number up to another, as they are if no end is open. O(stop - first)."""
        return self._nodes[self._first + first : self._first + stop]

    def add_node(self, number: i64, node: ListNode) -> None:
        """Puts a node in, so that it gets this number. Amortised O(1) at both ends, O(nodes) between."""
        watcher = self.watcher
        if watcher is not None:
            watcher.before_insertion(number)
        self._saved_bytes = 0
        self.count += node.count
        self.body_bytes += len(node.body)
        if number == 0:
            if self._first == 0:
                self._make_room()
            self._first -= 1
            self._nodes[self._first] = node
        else:
            self._nodes.insert(self._first + number, node)

    def remove_node(self, number: i64) -> None:
        """Takes a node out with all its elements. Amortised O(1) at both ends, O(nodes) between."""
        self.remove_nodes(number, number + 1)

    def remove_nodes(self, first: i64, stop: i64) -> None:
        """Takes the nodes from one number up to another out. O(stop - first) at both ends, O(nodes) between."""
        watcher = self.watcher
        if watcher is not None:
            watcher.before_removal(first, stop)
        self._saved_bytes = 0
        at = self._first + first
        end = self._first + stop
        while at < end:
            node = self._nodes[at]
            self.count -= node.count
            self.body_bytes -= len(node.body)
            if first == 0:
                self._nodes[at] = FREE
            at += 1
        if first != 0:
            del self._nodes[self._first + first : end]
            return
        self._first = end
        if self._first > FREE_PLACES and self._first * 2 > len(self._nodes):
            del self._nodes[: self._first]
            self._first = 0

    def _make_room(self) -> None:
        """Adds free places in front, more for a longer row."""
        places = FREE_PLACES + len(self._nodes) // 2
        self._nodes[0:0] = [FREE] * places
        self._first = places

    def _own(self, number: i64) -> ListNode:
        """The node with a number, which is about to change. O(1)."""
        at = self._first + number
        node = self._nodes[at]
        watcher = self.watcher
        if watcher is not None:
            watcher.before_change(number)
            node = ListNode(node.body, node.count, node.plain)
            self._nodes[at] = node
        return node

    def change(self, node: ListNode, body: bytes, count: i64) -> None:
        """Gives a node that was made ready by `_own`, or is new, another body and keeps the sums right."""
        self._saved_bytes = 0
        self.count += count - node.count
        self.body_bytes += len(body) - len(node.body)
        node.body = body
        node.count = count

    def locate(self, index: i64) -> tuple[i64, i64]:
        """Finds an element.

        Args:
            index: 0-based; must be below `count`.

        Returns:
            The number of its node, and its index in there.

        Complexity:
            O(nodes), from the nearer end.
        """
        self.settle()
        if index <= self.count // 2:
            number: i64 = 0
            while True:
                here = self.node(number).count
                if index < here:
                    return number, index
                index -= here
                number += 1
        number = self.node_count()
        behind = self.count - index
        while behind > 0:
            number -= 1
            behind -= self.node(number).count
        return number, -behind

    # Ends

    def push_head(self, element: bytes) -> None:
        """Puts an element before all others. Amortised O(1)."""
        if self._may_open(element):
            self._push_open(self._head, element)
            return
        self.settle()
        if self.count > 0:
            node = self._nodes[self._first]
            if node.has_room(len(element), self._limits):
                self.change(self._own(0), prepend(node.body, element), node.count + 1)
                return
        self.add_node(0, new_node(element, self._limits))

    def push_tail(self, element: bytes) -> None:
        """Puts an element behind all others. Amortised O(1)."""
        if self._may_open(element):
            self._push_open(self._tail, element)
            return
        self.settle()
        if self.count > 0:
            node = self._nodes[-1]
            if node.has_room(len(element), self._limits):
                self.change(self._own(self.node_count() - 1), append(node.body, element), node.count + 1)
                return
        self.add_node(self.node_count(), new_node(element, self._limits))

    def pop_head(self) -> bytes:
        """Takes the first element out of a row that has one. Amortised O(1)."""
        if self.node_count() >= FEWEST_NODES:
            return self._pop_open(self._head)
        node = self.node(0)
        body = node.body
        if node.count == 1:
            element = node.element(0)
            self.remove_node(0)
            return element
        element = get(body, 0)
        self.change(self._own(0), body[entry_size(body, 0) :], node.count - 1)
        return element

    def pop_tail(self) -> bytes:
        """Takes the last element out of a row that has one. Amortised O(1)."""
        if self.node_count() >= FEWEST_NODES:
            return self._pop_open(self._tail)
        node = self._nodes[-1]
        body = node.body
        if node.count == 1:
            element = node.element(0)
            self.remove_node(self.node_count() - 1)
            return element
        at = previous_offset(body, len(body))
        element = get(body, at)
        self.change(self._own(self.node_count() - 1), body[:at], node.count - 1)
        return element

    # Open ends

    def _may_open(self, element: bytes) -> bool:
        """Whether an element may stand unpacked."""
        size: i64 = len(element)
        return size <= MOST_OPEN_BYTES and size < self._limits.plain_bytes and self.node_count() >= FEWEST_NODES

    def _push_open(self, end: UnpackedEnd, element: bytes) -> None:
        """Puts an element outside all others of an end."""
        self._saved_bytes = 0
        if len(end.elements) >= MOST_OPEN:
            self._pack(end)
        end.elements.append(element)
        self.count += 1
        self.body_bytes += bytes_size(len(element))

    def _pop_open(self, end: UnpackedEnd) -> bytes:
        """Takes off the outermost element of an end."""
        self._saved_bytes = 0
        number: i64 = 0 if end is self._head else self.node_count() - 1
        node = self.node(number)
        if not end.elements and node.plain:
            element = node.body
            self.remove_node(number)
        else:
            if not end.elements:
                self._unpack(end, number)
            element = end.take()
            self.count -= 1
            self.body_bytes -= bytes_size(len(element))
            if end.elements or self.node(number).count > 0:
                return element
            self.remove_node(number)
        if self.node_count() < FEWEST_NODES:
            self.settle()
        return element

    def settle(self) -> None:
        """Packs what is open, so that the nodes hold everything. O(MOST_OPEN), with a copy of two nodes."""
        if not self._head.elements and not self._tail.elements:
            return
        weight = self.memory_bytes()
        if self._head.elements:
            self._pack(self._head)
        if self._tail.elements:
            self._pack(self._tail)
        self._saved_bytes = weight - self._occupied_bytes()

    def _pack(self, end: UnpackedEnd) -> None:
        """Packs the elements of an open end into its node, and into new ones where that has no room for them."""
        elements = end.elements
        at_head = end is self._head
        node = self._own(0 if at_head else self.node_count() - 1)
        limits = self._limits
        batch: list[bytes] = []
        size: i64 = node.size()
        for index, element in enumerate(elements):
            entry = encode(element)
            fits = index < end.from_node or (
                not node.plain and limits.have_room(size, node.count + len(batch), len(element))
            )
            if not fits:
                self._put_back(node, batch, at_head)
                batch = []
                node = ListNode(b"", 0, False)
                size = node.size()
                self.add_node(0 if at_head else self.node_count(), node)
            batch.append(entry)
            size += len(entry)
            self.body_bytes -= bytes_size(len(element))
        self._put_back(node, batch, at_head)
        end.elements = []
        end.from_node = 0

    def _put_back(self, node: ListNode, entries: list[bytes], at_head: bool) -> None:
        """Adds entries, the outermost last, to the outer side of an outermost node, which are counted already."""
        if at_head:
            entries.reverse()
            body = b"".join(entries) + node.body
        else:
            body = node.body + b"".join(entries)
        self._resize(node, body, node.count + len(entries))

    def _unpack(self, end: UnpackedEnd, number: i64) -> None:
        """Takes the outermost elements out of the outermost node, which may have none left then."""
        at_head = end is self._head
        node = self._own(number)
        taken = min(UNPACKED, node.count)
        at = node.offset(taken if at_head else node.count - taken)
        elements: list[bytes] = []
        extend_list(elements, node.body, 0 if at_head else at, taken)
        if at_head:
            elements.reverse()
        for element in elements:
            self.body_bytes += bytes_size(len(element))
        self._resize(node, node.body[at:] if at_head else node.body[:at], node.count - taken)
        end.elements = elements
        end.from_node = taken

    def _resize(self, node: ListNode, body: bytes, count: i64) -> None:
        """Gives a node another body without its elements coming or going: they are open, or were."""
        self.body_bytes += len(body) - len(node.body)
        node.body = body
        node.count = count

    # Anywhere

    def extend(self, out: list[bytes], start: i64, count: i64) -> None:
        """Appends `count` elements from a 0-based index on to a list."""
        if count <= 0:
            return
        number, index = self.locate(start)
        left = count
        while left > 0:
            node = self.node(number)
            here = min(left, node.count - index)
            node.extend(out, index, here)
            left -= here
            index = 0
            number += 1

    def find(self, element: bytes) -> tuple[i64, i64]:
        """Finds the first element equal to this one.

        Returns:
            The number of its node and its index in there, or -1 and 0.
        """
        self.settle()
        wanted = Wanted(element)
        number: i64 = 0
        end = self.node_count()
        while number < end:
            index = index_in_node(self.node(number), wanted)
            if index >= 0:
                return number, index
            number += 1
        return -1, 0

    def insert(self, number: i64, index: i64, after: bool, element: bytes) -> None:
        """Puts an element before or after the one that `locate` found.

        A full node passes it on to a neighbour with room when it belongs at the border; else the node is split.
        """
        node = self.node(number)
        at_border = index == (node.count - 1 if after else 0)
        if node.has_room(len(element), self._limits):
            at = node.offset(index + 1 if after else index)
            self.change(self._own(number), insert(node.body, at, encode(element)), node.count + 1)
        elif at_border:
            self._insert_at_border(number, after, element)
        else:
            self._insert_by_split(number, index + 1 if after else index, after, element)

    def _insert_at_border(self, number: i64, after: bool, element: bytes) -> None:
        """Puts an element behind or before a whole node, in the neighbour there if it has room."""
        neighbour_number = number + 1 if after else number - 1
        if 0 <= neighbour_number < self.node_count():
            neighbour = self.node(neighbour_number)
            if neighbour.has_room(len(element), self._limits):
                body = prepend(neighbour.body, element) if after else append(neighbour.body, element)
                self.change(self._own(neighbour_number), body, neighbour.count + 1)
                return
        self.add_node(number + 1 if after else number, new_node(element, self._limits))

    def _insert_by_split(self, number: i64, index: i64, after: bool, element: bytes) -> None:
        """Splits a packed node before an index and puts an element between the halves, then merges what fits."""
        right = self._split(number, index)
        if len(element) >= self._limits.plain_bytes:
            self.add_node(number + 1, new_node(element, self._limits))
            return
        if after:
            self.change(right, prepend(right.body, element), right.count + 1)
            self._merge_around(number)
        else:
            left = self.node(number)
            self.change(left, append(left.body, element), left.count + 1)
            self._merge_around(number + 1)

    def _split(self, number: i64, index: i64) -> ListNode:
        """Cuts a packed node in two before an index; returns the new right half."""
        node = self._own(number)
        at = node.offset(index)
        right = ListNode(node.body[at:], node.count - index, False)
        self.change(node, node.body[:at], index)
        self.add_node(number + 1, right)
        return right

    def _merge_around(self, number: i64) -> None:
        """Merges what fits together: the two nodes before one, the two behind it, then the node with either side."""
        if number >= 2 and self._merge(number - 2):
            number -= 1
        self._merge(number + 1)
        if number >= 1 and self._merge(number - 1):
            number -= 1
        self._merge(number)

    def _merge(self, number: i64) -> bool:
        """Merges a node with the next one if there is one and both fit together."""
        if number + 1 >= self.node_count():
            return False
        left = self.node(number)
        right = self.node(number + 1)
        if not left.can_merge(right, self._limits):
            return False
        body = left.body + right.body
        count = left.count + right.count
        self.remove_node(number + 1)
        self.change(self._own(number), body, count)
        return True

    def set(self, index: i64, element: bytes) -> None:
        """Puts an element in the place of the one with a 0-based index."""
        number, inside = self.locate(index)
        node = self.node(number)
        is_large = len(element) >= self._limits.plain_bytes
        if not node.plain and not is_large:
            self.change(self._own(number), replace(node.body, node.offset(inside), encode(element)), node.count)
        elif node.plain and is_large:
            self.change(self._own(number), element, 1)
        elif node.plain:
            self._insert_at_border(number, True, element)
            self.remove_node(number)
        else:
            self._set_large(number, inside, element)

    def _set_large(self, number: i64, index: i64, element: bytes) -> None:
        """Puts a huge element in the place of a packed one."""
        if index < self.node(number).count - 1:
            self._split(number, index + 1)
        node = self._own(number)
        self.add_node(number + 1, new_node(element, self._limits))
        if node.count == 1:
            self.remove_node(number)
        else:
            self.change(node, node.body[: node.offset(index)], index)
            self._merge_around(number + 1)

    def delete_range(self, start: i64, count: i64) -> None:
        """Deletes `count` elements from a 0-based index on.

        Complexity:
            O(nodes) and the sizes of the first and last node touched.
        """
        if count <= 0:
            return
        number, index = self.locate(start)
        left = count
        if index > 0:
            here = min(left, self.node(number).count - index)
            self._cut_in_node(number, index, index + here)
            left -= here
            number += 1
        stop = number
        while left > 0 and left >= self.node(stop).count:
            left -= self.node(stop).count
            stop += 1
        self.remove_nodes(number, stop)
        if left > 0:
            self._cut_in_node(number, 0, left)

    def _cut_in_node(self, number: i64, first: i64, stop: i64) -> None:
        """Deletes some, not all, elements of a node."""
        node = self._own(number)
        body = cut(node.body, node.offset(first), node.offset(stop))
        self.change(node, body, node.count - (stop - first))

    def remove_equal(self, element: bytes, limit: i64, from_tail: bool) -> i64:
        """Deletes elements equal to this one.

        Args:
            element: What to look for.
            limit: How many to delete at most.
            from_tail: Whether the last ones go first.

        Returns:
            How many were deleted.
        """
        self.settle()
        wanted = Wanted(element)
        removed: i64 = 0
        number = self.node_count() - 1 if from_tail else 0
        while 0 <= number < self.node_count() and removed < limit:
            removed += self._remove_in_node(number, wanted, limit - removed, from_tail)
            if self.node(number).count == 0:
                self.remove_node(number)
            elif not from_tail:
                number += 1
            if from_tail:
                number -= 1
        return removed

    def _remove_in_node(self, number: i64, wanted: Wanted, limit: i64, from_tail: bool) -> i64:
        """Deletes equal elements of one node; a node left without any is still in the row."""
        node = self.node(number)
        if node.plain:
            if node.body != wanted.element:
                return 0
            self.change(self._own(number), b"", 0)
            return 1
        gone, body = remove_equal_entries(node.body, wanted.entry, limit, from_tail)
        if gone:
            self.change(self._own(number), body, node.count - gone)
        return gone
