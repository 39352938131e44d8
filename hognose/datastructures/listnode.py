"""One node of a long list: a listpack within a limit, or the bytes of one huge element.

    body     a listpack's entries, or the element itself where the node is "plain"
    count    how many elements

Which limits a node keeps to is set by list-max-listpack-size. How nodes make a list: `listnodes`.
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.listpack import (
    OVERHEAD_BYTES,
    encode,
    entry_size,
    extend_list,
    find,
    get,
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

    def have_room(self, size: i64, count: i64, element_bytes: i64) -> bool:
        """Tells whether an element of so many bytes may come into a listpack of so many bytes and elements."""
        return not self.exceeded(size + element_bytes + ENTRY_ESTIMATE_BYTES, count + 1)


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
        return limits.have_room(self.size(), self.count, element_bytes)

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


def new_node(element: bytes, limits: ListLimits) -> ListNode:
    """Makes a node that holds one element."""
    if len(element) >= limits.plain_bytes:
        return ListNode(element, 1, True)
    return ListNode(encode(element), 1, False)


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
