"""The nodes of a long list: a row of listpacks, each within a limit, with constant-time ends.

    row   [ . . . | node | node | node | node ]          node   body (a listpack's entries), count
            free    ^ first                              or     the bytes of one huge element, "plain"

Not here: the short list that is one listpack, and when a list becomes the one or the other (`quicklist`).

How it works: the nodes stand in one Python list with free places in front, so that both ends grow and shrink in
amortised constant time, and a node in the middle is reached by its number. No node knows its neighbours, so that
nothing refers to itself and a deleted list is freed at once. Where an element goes, which node is split, and which
neighbours are merged, follows the real server's rules, so both hold the same nodes after the same commands.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.listpack import (
    OVERHEAD_BYTES,
    append,
    cut,
    encode,
    entry_size,
    extend_list,
    find,
    get,
    insert,
    prepend,
    previous_offset,
    replace,
    seal,
    seek,
)

SIZE_CLASSES: Final[list[int]] = [4096, 8192, 16384, 32768, 65536]
"""What list-max-listpack-size -1 to -5 allow a node, in bytes."""
SAFE_NODE_BYTES: Final = 8192
"""The size limit of a node where only the number of its elements is limited."""
ENTRY_ESTIMATE_BYTES: Final = 8
"""What an element is taken to need beside its own bytes when it is judged whether a node has room for it."""
PLAIN_ELEMENT_BYTES: Final = 1 << 30
"""Elements of this size on get a plain node, as a listpack cannot grow beyond 1 GB."""
NODE_BYTES: Final = 40 + 33 + 8
"""A node beside its body: the object, the header of the `bytes`, the place in the row."""
FREE_PLACES: Final = 8
UNLIMITED: Final = (1 << 62) - 1


class ListLimits:
    """What one node, and so a list that is one listpack, may hold.

    Attributes:
        size_limit: Bytes of the listpack, header and end mark included.
        count_limit: Elements.
        plain_bytes: From this size on an element gets a node of its own, unpacked.
    """

    def __init__(self, max_listpack_size: i64 = -2, plain_bytes: i64 = PLAIN_ELEMENT_BYTES) -> None:
        """Reads the setting list-max-listpack-size: above 0 a number of elements, -1 to -5 a class of sizes."""
        self.size_limit: i64 = UNLIMITED
        self.count_limit: i64 = UNLIMITED
        self.plain_bytes: i64 = plain_bytes
        self.configure(max_listpack_size)

    def configure(self, max_listpack_size: i64) -> None:
        """Takes another setting, in force from the next change of each list on."""
        self.size_limit = UNLIMITED
        self.count_limit = UNLIMITED
        if max_listpack_size < 0:
            self.size_limit = SIZE_CLASSES[min(-max_listpack_size, len(SIZE_CLASSES)) - 1]
        else:
            self.count_limit = max(max_listpack_size, 1)

    def exceeded(self, size: i64, count: i64) -> bool:
        """Tells whether a listpack of so many bytes and elements is too much."""
        if self.size_limit != UNLIMITED:
            return size > self.size_limit
        return size > SAFE_NODE_BYTES or count > self.count_limit


class ListNode:
    """One listpack of a long list, or one huge element by itself.

    Attributes:
        body: The entries, or the element itself where `plain` is set.
        count: The number of elements.
        plain: Whether this is one huge element.
    """

    def __init__(self, body: bytes, count: i64, plain: bool) -> None:
        self.body: bytes = body
        self.count: i64 = count
        self.plain: bool = plain

    def size(self) -> i64:
        """The bytes that count against the limits."""
        return len(self.body) if self.plain else len(self.body) + OVERHEAD_BYTES

    def payload(self) -> bytes:
        """What DUMP and RDB files hold of the node: the element, or the sealed listpack."""
        return self.body if self.plain else seal(self.body, self.count)

    def offset(self, index: i64) -> i64:
        """The offset of the element with a 0-based index in the body of a packed node."""
        return seek(self.body, self.count, index)

    def element(self, index: i64) -> bytes:
        """The element with a 0-based index."""
        return self.body if self.plain else get(self.body, self.offset(index))

    def extend(self, out: list[bytes], start: i64, count: i64) -> None:
        """Appends `count` elements from a 0-based index on to a list."""
        if self.plain:
            out.append(self.body)
        else:
            extend_list(out, self.body, self.offset(start), count)

    def has_room(self, element_bytes: i64, limits: ListLimits) -> bool:
        """Tells whether an element of so many bytes may be packed in here."""
        if self.plain or element_bytes >= limits.plain_bytes:
            return False
        return not limits.exceeded(
            len(self.body) + OVERHEAD_BYTES + element_bytes + ENTRY_ESTIMATE_BYTES, self.count + 1
        )

    def can_merge(self, other: "ListNode", limits: ListLimits) -> bool:
        """Tells whether the elements of two nodes may be packed in one."""
        if self.plain or other.plain:
            return False
        return not limits.exceeded(len(self.body) + len(other.body) + OVERHEAD_BYTES, self.count + other.count)


class Wanted:
    """An element to look for in many nodes, and its entry, encoded once."""

    def __init__(self, element: bytes) -> None:
        self.element: Final[bytes] = element
        self.entry: Final[bytes] = encode(element)


FREE: Final = ListNode(b"", 0, True)
"""Stands in the free places of a row."""


def new_node(element: bytes, limits: ListLimits) -> ListNode:
    """Makes a node that holds one element."""
    if len(element) >= limits.plain_bytes:
        return ListNode(element, 1, True)
    return ListNode(encode(element), 1, False)


class NodeRow:
    """All elements of a long list, in nodes.

    Attributes:
        count: The number of elements.
        body_bytes: The sum of the sizes of all bodies.
    """

    def __init__(self) -> None:
        self.count: i64 = 0
        self.body_bytes: i64 = 0
        self._nodes: list[ListNode] = []
        self._first: i64 = 0

    def take_apart(self, effort: i64) -> bool:
        """Frees so many nodes of a row that nobody uses any more; whether any are left. O(effort)."""
        keep: i64 = max(len(self._nodes) - effort, 0)
        del self._nodes[keep:]
        return keep != 0

    # Nodes

    def node_count(self) -> i64:
        """The number of nodes."""
        return len(self._nodes) - self._first

    def node(self, number: i64) -> ListNode:
        """The node with a 0-based number."""
        return self._nodes[self._first + number]

    def nodes(self) -> list[ListNode]:
        """All nodes in order. O(nodes)."""
        return self._nodes[self._first :]

    def add_node(self, number: i64, node: ListNode) -> None:
        """Puts a node in, so that it gets this number. Amortised O(1) at both ends, O(nodes) between."""
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
        """Takes a node out with all its elements."""
        at = self._first + number
        node = self._nodes[at]
        self.count -= node.count
        self.body_bytes -= len(node.body)
        if number == 0:
            self._nodes[at] = FREE
            self._first += 1
            if self._first > FREE_PLACES and self._first * 2 > len(self._nodes):
                del self._nodes[: self._first]
                self._first = 0
        else:
            del self._nodes[at]

    def _make_room(self) -> None:
        """Adds free places in front, more for a longer row."""
        places = FREE_PLACES + len(self._nodes) // 2
        self._nodes[0:0] = [FREE] * places
        self._first = places

    def change(self, node: ListNode, body: bytes, count: i64) -> None:
        """Gives a node another body and keeps the sums right."""
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

    def push_head(self, element: bytes, limits: ListLimits) -> None:
        """Puts an element before all others."""
        if self.count > 0:
            node = self._nodes[self._first]
            if node.has_room(len(element), limits):
                self.change(node, prepend(node.body, element), node.count + 1)
                return
        self.add_node(0, new_node(element, limits))

    def push_tail(self, element: bytes, limits: ListLimits) -> None:
        """Puts an element behind all others."""
        if self.count > 0:
            node = self._nodes[-1]
            if node.has_room(len(element), limits):
                self.change(node, append(node.body, element), node.count + 1)
                return
        self.add_node(self.node_count(), new_node(element, limits))

    def pop_head(self) -> bytes:
        """Takes the first element out of a row that has one."""
        node = self.node(0)
        body = node.body
        if node.count == 1:
            element = node.element(0)
            self.remove_node(0)
            return element
        element = get(body, 0)
        self.change(node, body[entry_size(body, 0) :], node.count - 1)
        return element

    def pop_tail(self) -> bytes:
        """Takes the last element out of a row that has one."""
        node = self._nodes[-1]
        body = node.body
        if node.count == 1:
            element = node.element(0)
            self.remove_node(self.node_count() - 1)
            return element
        at = previous_offset(body, len(body))
        element = get(body, at)
        self.change(node, body[:at], node.count - 1)
        return element

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
        wanted = Wanted(element)
        number: i64 = 0
        end = self.node_count()
        while number < end:
            index = index_in_node(self.node(number), wanted)
            if index >= 0:
                return number, index
            number += 1
        return -1, 0

    def insert(self, number: i64, index: i64, after: bool, element: bytes, limits: ListLimits) -> None:
        """Puts an element before or after the one that `locate` found.

        A full node passes it on to a neighbour with room when it belongs at the border; else the node is split.
        """
        node = self.node(number)
        at_border = index == (node.count - 1 if after else 0)
        if node.has_room(len(element), limits):
            at = node.offset(index + 1 if after else index)
            self.change(node, insert(node.body, at, encode(element)), node.count + 1)
        elif at_border:
            self._insert_at_border(number, after, element, limits)
        else:
            self._insert_by_split(number, index + 1 if after else index, after, element, limits)

    def _insert_at_border(self, number: i64, after: bool, element: bytes, limits: ListLimits) -> None:
        """Puts an element behind or before a whole node, in the neighbour there if it has room."""
        neighbour_number = number + 1 if after else number - 1
        if 0 <= neighbour_number < self.node_count():
            neighbour = self.node(neighbour_number)
            if neighbour.has_room(len(element), limits):
                body = prepend(neighbour.body, element) if after else append(neighbour.body, element)
                self.change(neighbour, body, neighbour.count + 1)
                return
        self.add_node(number + 1 if after else number, new_node(element, limits))

    def _insert_by_split(self, number: i64, index: i64, after: bool, element: bytes, limits: ListLimits) -> None:
        """Splits a packed node before an index and puts an element between the halves, then merges what fits."""
        right = self._split(number, index)
        if len(element) >= limits.plain_bytes:
            self.add_node(number + 1, new_node(element, limits))
            return
        if after:
            self.change(right, prepend(right.body, element), right.count + 1)
            self._merge_around(number, limits)
        else:
            left = self.node(number)
            self.change(left, append(left.body, element), left.count + 1)
            self._merge_around(number + 1, limits)

    def _split(self, number: i64, index: i64) -> ListNode:
        """Cuts a packed node in two before an index; returns the new right half."""
        node = self.node(number)
        at = node.offset(index)
        right = ListNode(node.body[at:], node.count - index, False)
        self.change(node, node.body[:at], index)
        self.add_node(number + 1, right)
        return right

    def _merge_around(self, number: i64, limits: ListLimits) -> None:
        """Merges what fits together: the two nodes before one, the two behind it, then the node with either side."""
        if number >= 2 and self._merge(number - 2, limits):
            number -= 1
        self._merge(number + 1, limits)
        if number >= 1 and self._merge(number - 1, limits):
            number -= 1
        self._merge(number, limits)

    def _merge(self, number: i64, limits: ListLimits) -> bool:
        """Merges a node with the next one if there is one and both fit together."""
        if number + 1 >= self.node_count():
            return False
        left = self.node(number)
        right = self.node(number + 1)
        if not left.can_merge(right, limits):
            return False
        body = left.body + right.body
        count = left.count + right.count
        self.remove_node(number + 1)
        self.change(left, body, count)
        return True

    def set(self, index: i64, element: bytes, limits: ListLimits) -> None:
        """Puts an element in the place of the one with a 0-based index."""
        number, inside = self.locate(index)
        node = self.node(number)
        is_large = len(element) >= limits.plain_bytes
        if not node.plain and not is_large:
            self.change(node, replace(node.body, node.offset(inside), encode(element)), node.count)
        elif node.plain and is_large:
            self.change(node, element, 1)
        elif node.plain:
            self._insert_at_border(number, True, element, limits)
            self.remove_node(number)
        else:
            self._set_large(number, inside, element, limits)

    def _set_large(self, number: i64, index: i64, element: bytes, limits: ListLimits) -> None:
        """Puts a huge element in the place of a packed one."""
        node = self.node(number)
        if index < node.count - 1:
            self._split(number, index + 1)
        self.add_node(number + 1, new_node(element, limits))
        if node.count == 1:
            self.remove_node(number)
        else:
            self.change(node, node.body[: node.offset(index)], index)
            self._merge_around(number + 1, limits)

    def delete_range(self, start: i64, count: i64) -> None:
        """Deletes `count` elements from a 0-based index on.

        Complexity:
            O(nodes) and the sizes of the first and last node touched.
        """
        if count <= 0:
            return
        number, index = self.locate(start)
        left = count
        while left > 0:
            node = self.node(number)
            here = min(left, node.count - index)
            left -= here
            if here == node.count:
                self.remove_node(number)
            else:
                first = node.offset(index)
                last = node.offset(index + here)
                self.change(node, cut(node.body, first, last), node.count - here)
                index = 0
                number += 1

    def remove_equal(self, element: bytes, limit: i64, from_tail: bool) -> i64:
        """Deletes elements equal to this one.

        Args:
            element: What to look for.
            limit: How many to delete at most.
            from_tail: Whether the last ones go first.

        Returns:
            How many were deleted.
        """
        wanted = Wanted(element)
        removed: i64 = 0
        number = self.node_count() - 1 if from_tail else 0
        while 0 <= number < self.node_count() and removed < limit:
            node = self.node(number)
            gone = self._remove_in_node(node, wanted, limit - removed, from_tail)
            removed += gone
            if node.count == 0:
                self.remove_node(number)
            elif not from_tail:
                number += 1
            if from_tail:
                number -= 1
        return removed

    def _remove_in_node(self, node: ListNode, wanted: Wanted, limit: i64, from_tail: bool) -> i64:
        """Deletes equal elements of one node; a node left without any is still in the row."""
        if node.plain:
            if node.body != wanted.element:
                return 0
            self.change(node, b"", 0)
            return 1
        gone, body = remove_equal_entries(node.body, wanted.entry, limit, from_tail)
        if gone:
            self.change(node, body, node.count - gone)
        return gone


def index_in_node(node: ListNode, wanted: Wanted) -> i64:
    """Returns the index of the first equal element of a node, or -1."""
    if node.plain:
        return 0 if node.body == wanted.element else -1
    body = node.body
    offset = find(body, wanted.entry, 0, 1)
    if offset < 0:
        return -1
    at: i64 = 0
    index: i64 = 0
    while at < offset:
        at += entry_size(body, at)
        index += 1
    return index


def remove_equal_entries(body: bytes, entry: bytes, limit: i64, from_tail: bool) -> tuple[i64, bytes]:
    """Takes entries equal to an encoded one out of a body.

    Returns:
        How many went, and the body without them.
    """
    offsets: list[int] = []
    size: i64 = len(entry)
    at = find(body, entry, 0, 1)
    while at >= 0:
        offsets.append(at)
        if not from_tail and len(offsets) >= limit:
            break
        at = find(body, entry, at + size, 1)
    if from_tail and len(offsets) > limit:
        offsets = offsets[len(offsets) - limit :]
    if not offsets:
        return 0, body
    pieces: list[bytes] = []
    start: i64 = 0
    for offset in offsets:
        pieces.append(body[start:offset])
        start = offset + size
    pieces.append(body[start:])
    return len(offsets), b"".join(pieces)
