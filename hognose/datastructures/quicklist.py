"""The list value: what LPUSH, LRANGE, LINSERT and their kin work on.

A list is one listpack while that stays within list-max-listpack-size (by default 8 KB), and a row of such listpacks
beyond (`listnodes`):

    encoding    held in               becomes the other when
    listpack    `_body`, `_count`     what is about to be pushed, put in or set would take it over the limit
    quicklist   `_row`                something was removed or replaced, one packed node is left, and that is within
                                      half of the limit (half, so that a list near the limit does not flip)

Not here: list-compress-depth. Inner nodes are never compressed; the setting has no effect on what a client can see.

All indexes here are 0-based and within the list; negative and overshooting ones are the command's to resolve.

Measured compiled, against the real server: see docs/design/lists.md.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from hognose.datastructures.listnode import ListLimits, ListNode, Wanted, remove_equal_entries
from hognose.datastructures.listnodes import NodeRow
from hognose.datastructures.listpack import (
    OVERHEAD_BYTES,
    append,
    count_entries,
    cut,
    encode,
    entry_equals,
    entry_size,
    extend_list,
    find,
    get,
    insert,
    is_canonical,
    prepend,
    previous_offset,
    replace,
    seek,
    unseal,
)
from hognose.datastructures.value import Value

__all__ = ["ListLimits", "ListNode", "ListValue", "list_from_nodes"]

LIST_BYTES: Final = 16 + 5 * 8 + 33
"""A list beside its entries: the object, its attributes, the header of the `bytes`."""
ROW_BYTES: Final = 16 + 16 + 10 * 8 + 56 + 2 * (16 + 16 + 3 * 8 + 56)
"""What a row of nodes adds, beside its nodes."""


@mypyc_attr(acyclic=True)
class ListValue(Value):
    """A list of byte strings."""

    def __init__(self, limits: ListLimits) -> None:
        """Makes an empty list, to be filled at once: an empty list is no value.

        Args:
            limits: What a listpack may hold. Kept, not copied, so that a change of the setting reaches every list.
        """
        self._limits: Final[ListLimits] = limits
        self._body: bytes = b""
        self._count: i64 = 0
        self._row: NodeRow | None = None

    # As a value

    def type_name(self) -> bytes:
        """The word TYPE answers."""
        return b"list"

    def encoding(self) -> bytes:
        """The word OBJECT ENCODING answers: listpack or quicklist."""
        return b"listpack" if self._row is None else b"quicklist"

    def length(self) -> i64:
        """The number of elements. O(1)."""
        row = self._row
        return self._count if row is None else row.count

    def memory_bytes(self) -> i64:
        """What the list occupies, in bytes. O(1)."""
        row = self._row
        if row is None:
            return LIST_BYTES + len(self._body)
        return LIST_BYTES + ROW_BYTES + row.memory_bytes()

    def free_effort(self) -> i64:
        """The number of nodes. O(1)."""
        row = self._row
        return 1 if row is None else row.node_count()

    def take_apart(self, effort: i64) -> bool:
        """Frees some nodes of a list that nobody uses any more. O(effort)."""
        row = self._row
        return row is not None and row.take_apart(effort)

    def copy(self) -> "ListValue":
        """An independent list with the same elements in the same encoding. O(nodes): the entries are shared."""
        twin = ListValue(self._limits)
        row = self._row
        if row is None:
            twin._body = self._body
            twin._count = self._count
        else:
            twin._row = copy_row(row.nodes(), self._limits)
        return twin

    # Ends

    def push_head(self, elements: list[bytes], start: i64 = 0) -> None:
        """Puts elements before all others one after the other, so that the last one given ends up first.

        Args:
            elements: What to push.
            start: The index of the first one to push, so that a command can pass its arguments as they are.

        Complexity:
            O(1) an element, with a copy of at most one node.
        """
        self._make_room(elements, start)
        row = self._row
        i = start
        end: i64 = len(elements)
        if row is None:
            while i < end:
                self._body = prepend(self._body, elements[i])
                i += 1
            self._count += end - start
        else:
            while i < end:
                row.push_head(elements[i])
                i += 1

    def push_tail(self, elements: list[bytes], start: i64 = 0) -> None:
        """Puts elements behind all others, in order; see `push_head`."""
        self._make_room(elements, start)
        row = self._row
        i = start
        end: i64 = len(elements)
        if row is None:
            if end - start > 1:
                self._body += b"".join([encode(element) for element in elements[start:]])
            elif end > start:
                self._body = append(self._body, elements[start])
            self._count += end - start
        else:
            while i < end:
                row.push_tail(elements[i])
                i += 1

    def pop_head(self) -> bytes:
        """Takes out the first element; the list must have one. O(1), with a copy of at most one node."""
        row = self._row
        if row is not None:
            element = row.pop_head()
            self._shrink()
            return element
        body = self._body
        element = get(body, 0)
        self._body = body[entry_size(body, 0) :]
        self._count -= 1
        return element

    def pop_tail(self) -> bytes:
        """Takes out the last element; the list must have one. O(1), with a copy of at most one node."""
        row = self._row
        if row is not None:
            element = row.pop_tail()
            self._shrink()
            return element
        body = self._body
        at = previous_offset(body, len(body))
        element = get(body, at)
        self._body = body[:at]
        self._count -= 1
        return element

    def pop_many(self, count: i64, from_tail: bool) -> list[bytes]:
        """Takes out up to `count` elements from one end, that end's first.

        Complexity:
            O(count), with a copy of at most one node.
        """
        size = self.length()
        taken = min(count, size)
        out: list[bytes] = []
        start = size - taken if from_tail else 0
        self.extend(out, start, taken)
        self.delete_range(start, taken)
        if from_tail:
            out.reverse()
        return out

    # Reading

    def element(self, index: i64) -> bytes:
        """The element with a 0-based index. O(nodes) to find its node, O(entries in it) to find it there."""
        row = self._row
        if row is None:
            return get(self._body, seek(self._body, self._count, index))
        number, inside = row.locate(index)
        return row.node(number).element(inside)

    def extend(self, out: list[bytes], start: i64, count: i64) -> None:
        """Appends elements to a list.

        Args:
            out: Where they go.
            start: The 0-based index of the first.
            count: How many; all of them must exist.

        Complexity:
            O(nodes + count).
        """
        row = self._row
        if row is not None:
            row.extend(out, start, count)
        elif count > 0:
            extend_list(out, self._body, seek(self._body, self._count, start), count)

    def positions(self, element: bytes, rank: i64, limit: i64, max_compared: i64) -> list[int]:
        """Finds equal elements, as LPOS does.

        Args:
            element: What to look for.
            rank: 1 reports from the first match on, 2 from the second, and so on; -1 from the last one backwards.
            limit: How many to report at most, 0 for all.
            max_compared: How many elements to look at, 0 for all.

        Returns:
            Their 0-based indexes, in the order they were found.

        Complexity:
            O(N).
        """
        size = self.length()
        if rank > size or rank < -size:
            return []
        compared = size if max_compared == 0 else min(max_compared, size)
        reported = size if limit == 0 else min(limit, size)
        passed_over = (rank if rank > 0 else -rank) - 1
        found: list[int] = []
        if rank > 0:
            self._matches(found, Wanted(element), compared, passed_over + reported)
        else:
            self._matches_backward(found, Wanted(element), compared, passed_over + reported)
        return found[passed_over:]

    def _matches(self, found: list[int], wanted: Wanted, compared: i64, limit: i64) -> None:
        """Collects indexes of matches among the first `compared` elements."""
        index: i64 = 0
        for node in self.nodes():
            index = node_matches(found, node, wanted, index, compared, limit=limit)
            if index >= compared or len(found) >= limit:
                return

    def _matches_backward(self, found: list[int], wanted: Wanted, compared: i64, limit: i64) -> None:
        """Collects indexes of matches among the last `compared` elements, the last one first."""
        size = self.length()
        lowest = size - compared
        start = size
        for node in reversed(self.nodes()):
            start -= node.count
            here: list[int] = []
            node_matches(here, node, wanted, start, size, limit=size)
            here.reverse()
            for index in here:
                if index < lowest or len(found) >= limit:
                    return
                found.append(index)
            if start <= lowest:
                return

    # Anywhere

    def set(self, index: i64, element: bytes) -> None:
        """Puts an element in the place of the one with a 0-based index. As `element`, with a copy of its node."""
        self._make_room([element], 0)
        row = self._row
        if row is None:
            at = seek(self._body, self._count, index)
            self._body = replace(self._body, at, encode(element))
        else:
            row.set(index, element)
            self._shrink()

    def insert(self, pivot: bytes, element: bytes, after: bool) -> bool:
        """Puts an element next to the first one that equals a pivot.

        Returns:
            Whether there is such a pivot. Even if not, the list may have become a quicklist, as in the real server.

        Complexity:
            O(N).
        """
        self._make_room([element], 0)
        row = self._row
        if row is not None:
            number, index = row.find(pivot)
            if number < 0:
                return False
            row.insert(number, index, after, element)
            return True
        entry = encode(pivot)
        at = find(self._body, entry, 0, 1)
        if at < 0:
            return False
        self._body = insert(self._body, at + len(entry) if after else at, encode(element))
        self._count += 1
        return True

    def remove(self, element: bytes, count: i64) -> i64:
        """Deletes equal elements, as LREM does.

        Args:
            element: What to delete.
            count: At most so many from the head; if negative, from the tail; 0 deletes all.

        Returns:
            How many were deleted.

        Complexity:
            O(N).
        """
        limit = self.length() if count == 0 else abs_i64(count)
        from_tail = count < 0
        row = self._row
        if row is not None:
            removed = row.remove_equal(element, limit, from_tail)
            if removed:
                self._shrink()
            return removed
        gone, self._body = remove_equal_entries(self._body, encode(element), limit, from_tail)
        self._count -= gone
        return gone

    def delete_range(self, start: i64, count: i64) -> None:
        """Deletes `count` elements from a 0-based index on; all of them must exist. O(nodes), with a copy of two."""
        row = self._row
        if count <= 0:
            return
        if row is not None:
            row.delete_range(start, count)
            self._shrink()
            return
        body = self._body
        first = seek(body, self._count, start)
        last = seek(body, self._count, start + count)
        self._body = cut(body, first, last)
        self._count -= count

    def trim(self, start: i64, count: i64) -> None:
        """Keeps `count` elements from a 0-based index on and deletes all others. Complexity as `delete_range`."""
        self.delete_range(start + count, self.length() - start - count)
        self.delete_range(0, start)
        self._shrink()

    def rotate(self, from_tail: bool) -> bytes:
        """Moves the element of one end to the other and returns it. O(1)."""
        element = self.pop_tail() if from_tail else self.pop_head()
        if from_tail:
            self.push_head([element])
        else:
            self.push_tail([element])
        return element

    # Nodes and encodings

    def packed(self) -> bytes | None:
        """The entries of a list that is one listpack, for reading them in place; None for a quicklist. O(1)."""
        return self._body if self._row is None else None

    def row(self) -> NodeRow | None:
        """The nodes of a quicklist, for reading them in place; None for a list that is one listpack. O(1)."""
        return self._row

    def nodes(self) -> list[ListNode]:
        """The nodes as DUMP and RDB files hold them; a list of one listpack is one node. O(nodes)."""
        row = self._row
        if row is None:
            return [ListNode(self._body, self._count, False)]
        return row.nodes()

    def adopt(self, row: NodeRow) -> None:
        """Takes a row of nodes for its content, as one listpack if it fits (in the whole limit, not half of it)."""
        self._row = row
        self._try_listpack(self._limits.size_limit, self._limits.count_limit)

    def _shrink(self) -> None:
        """Makes a quicklist that lost elements a listpack if it fits in half the limit."""
        row = self._row
        if row is not None and row.node_count() == 1:
            self._try_listpack(self._limits.size_limit // 2, self._limits.count_limit // 2)

    def _try_listpack(self, size_limit: i64, count_limit: i64) -> None:
        """Makes a quicklist of one packed node a listpack if it is within these limits."""
        row = self._row
        if row is None or row.node_count() != 1:
            return
        node = row.node(0)
        if node.plain or node.size() > size_limit or node.count > count_limit:
            return
        self._body = node.body
        self._count = node.count
        self._row = None

    def _make_room(self, incoming: list[bytes], start: i64) -> None:
        """Makes a listpack a quicklist if it would exceed the limit with what is about to come."""
        if self._row is not None:
            return
        size: i64 = len(self._body) + OVERHEAD_BYTES
        i = start
        end: i64 = len(incoming)
        while i < end:
            size += len(incoming[i])
            i += 1
        if self._limits.exceeded(size, self._count + end - start):
            row = NodeRow(self._limits)
            if self._count > 0:
                row.add_node(0, ListNode(self._body, self._count, False))
            self._row = row
            self._body = b""
            self._count = 0

    def check_invariants(self) -> None:
        """Raises AssertionError if the parts of the list disagree. O(N)."""
        count: i64 = 0
        size: i64 = 0
        nodes = self.nodes()
        for node in nodes:
            assert node.count > 0 or self._row is None
            assert not node.plain or node.count == 1
            assert node.plain or count_entries(node.body) == node.count
            assert node.plain or is_canonical(node.body)
            count += node.count
            size += len(node.body)
        assert count == self.length()
        row = self._row
        if row is not None:
            assert self._body == b""
            assert self._count == 0
            assert row.body_bytes == size
            assert row.node_count() == len(nodes)
        assert self.memory_bytes() >= size


def abs_i64(value: i64) -> i64:
    """The magnitude of a count; the most negative one counts as the largest."""
    if value >= 0:
        return value
    return -(value + 1) + 1 if value > -(2**62) else 2**62


def copy_row(nodes: list[ListNode], limits: ListLimits) -> NodeRow:
    """Makes a row of copies of nodes; their bodies are shared, being immutable."""
    row = NodeRow(limits)
    for node in nodes:
        row.add_node(row.node_count(), ListNode(node.body, node.count, node.plain))
    return row


def node_matches(found: list[int], node: ListNode, wanted: Wanted, start: i64, end: i64, *, limit: i64) -> i64:
    """Collects the indexes of the elements of one node that equal an element.

    Args:
        found: Where the indexes go.
        node: The node.
        wanted: What to look for.
        start: The index of the node's first element in the list.
        end: The index at which to stop.
        limit: How many may be in `found` at most.

    Returns:
        The index of the first element not looked at.
    """
    if node.plain:
        if node.body == wanted.element:
            found.append(start)
        return start + 1
    entry = wanted.entry
    body = node.body
    size: i64 = len(body)
    at: i64 = 0
    index = start
    while at < size and index < end and len(found) < limit:
        if entry_equals(body, at, entry):
            found.append(index)
        at += entry_size(body, at)
        index += 1
    return index


def list_from_nodes(limits: ListLimits, payloads: list[bytes], plain: list[bool]) -> ListValue:
    """Makes a list of the nodes of a DUMP or an RDB file.

    Args:
        limits: What a listpack may hold.
        payloads: Per node, its sealed listpack or its one element. Listpacks without any entry are left out.
        plain: Per node, whether it is one element.

    Raises:
        ValueError: A listpack is corrupt, or a node of one element has none.

    Complexity:
        O(N).
    """
    value = ListValue(limits)
    row = NodeRow(limits)
    for payload, is_plain in zip(payloads, plain, strict=True):
        if is_plain and not payload:
            raise ValueError("node of its own for an empty element")
        body = payload if is_plain else unseal(payload)
        count = 1 if is_plain else count_entries(body)
        if count > 0:
            row.add_node(row.node_count(), ListNode(body, count, is_plain))
    value.adopt(row)
    return value
