"""An unrolled indexable skiplist: (score, member) pairs in order, found by key, by score, by member or by rank.

It is the order of a large sorted set and nothing else: it does not know which members exist (a map from member to score
stands beside it, see `zset`), and it does not refuse duplicates.

How it works. A skiplist (Pugh 1990) whose nodes hold sorted blocks of pairs instead of one pair each. Searching walks
the towers over the blocks' least pairs, then bisects one block. Each forward pointer carries its span, the number of
pairs between the first of this block and the first of the block it points to, so the walk also adds up the rank:

    level 2   head ---------------------- 7 --------------------> end
    level 1   head -------- 4 --------> C --------- 3 ----------> end
    level 0   head -- 2 --> B -- 2 --> C -- 1 --> D ----- 2 -----> end
              [a b]         [c d]      [e]        [f g]

The head is a block like the others whose least pair counts as minus infinity; so every pair has a block to go to. A
full block splits in two halves, except at the far end, where a fresh block is begun (ascending inserts leave full
blocks behind). A block that falls to a quarter is joined with a neighbour when both fit in three quarters of a block.

There are no backward pointers: they would make reference cycles, and the collector does not run. Walking down asks for
the block of the previous rank, one search per block. For the same reason all range operations work on ranks: a range of
scores or members is turned into ranks by `count_below_score` and `count_below_member` first.

Pairs are ordered by score, then by the bytes of the member. Scores are never NaN.

Sources: W. Pugh, "Skip lists: a probabilistic alternative to balanced trees", CACM 33(6), 1990; "A skip list cookbook",
1990, for the ranks; Shao et al., "Unrolled linked lists", 1994, for the blocks.
"""

from collections.abc import Iterator
from typing import Final, final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64

DEFAULT_BLOCK_SIZE: Final = 128
MAX_LEVELS: Final = 16  # a quarter of the blocks reach the next level: enough for 4**16 blocks
GROWTH_STEP: Final = 16  # pairs by which a block's room grows: wastes little, copies rarely
NODE_BYTES: Final = 416  # measured: the node, its two lists and two vectors, their allocator headers, 1.33 levels


@final
class Node:
    """One block of pairs and the tower above it."""

    def __init__(self, scores: vec[float], members: list[bytes], levels: i64) -> None:
        self.scores: vec[float] = scores
        self.members: list[bytes] = members
        self.capacity: i64 = len(scores)
        self.forward: list[Node | None] = [None] * levels
        self.spans: vec[i64] = vec[i64]([0] * levels)
        # The least pair once more, beside the pointers, for the walk. Stays as it was when the block runs empty, so
        # that an empty block can still be found by it.
        self.least_score: float = 0.0
        self.least_member: bytes = b""
        self.refresh_least()

    def refresh_least(self) -> None:
        """Takes the least pair from the block again, after its beginning changed."""
        if self.members:
            self.least_score = self.scores[0]
            self.least_member = self.members[0]

    def position(self, score: float, member: bytes) -> i64:
        """The number of pairs in this block below (score, member). O(log block)."""
        scores = self.scores
        low: i64 = 0
        high: i64 = len(scores)
        while low < high:
            middle = (low + high) >> 1
            at = scores[middle]
            if at < score or (at == score and self.members[middle] < member):
                low = middle + 1
            else:
                high = middle
        return low

    def position_of_score(self, score: float, inclusive: bool) -> i64:
        """The number of pairs in this block with a score below (inclusive: or equal to) the given. O(log block)."""
        scores = self.scores
        low: i64 = 0
        high: i64 = len(scores)
        while low < high:
            middle = (low + high) >> 1
            at = scores[middle]
            if at < score or (inclusive and at == score):
                low = middle + 1
            else:
                high = middle
        return low

    def position_of_member(self, member: bytes, inclusive: bool) -> i64:
        """The number of pairs in this block with a member below (inclusive: or equal to) the given. O(log block)."""
        members = self.members
        low: i64 = 0
        high: i64 = len(members)
        while low < high:
            middle = (low + high) >> 1
            at = members[middle]
            if at < member or (inclusive and at == member):
                low = middle + 1
            else:
                high = middle
        return low

    def has(self, position: i64, score: float, member: bytes) -> bool:
        """Whether the pair at the position is (score, member)."""
        return position < len(self.members) and self.scores[position] == score and self.members[position] == member

    def put(self, position: i64, score: float, member: bytes) -> None:
        """Inserts a pair; room is made if there is none. O(block)."""
        size: i64 = len(self.members)
        if size == self.capacity:
            self.capacity = size + GROWTH_STEP
            self.scores = vec[float](self.scores, capacity=self.capacity)
        scores = append(self.scores, score)
        while size > position:
            scores[size] = scores[size - 1]
            size -= 1
        scores[position] = score
        self.scores = scores
        self.members.insert(position, member)
        if position == 0:
            self.refresh_least()

    def cut(self, start: i64, stop: i64) -> None:
        """Removes the pairs at positions start to stop - 1. O(block)."""
        if stop - start == 1:
            self.scores, _ = pop(self.scores, start)
            self.members.pop(start)
        else:
            self.capacity = len(self.members) - (stop - start) + GROWTH_STEP
            kept = extend(vec[float](capacity=self.capacity), self.scores[:start])
            self.scores = extend(kept, self.scores[stop:])
            del self.members[start:stop]
        if start == 0:
            self.refresh_least()

    def take(self, other: "Node") -> None:
        """Appends all pairs of a later block to this one. O(block)."""
        self.capacity = len(self.members) + len(other.members) + GROWTH_STEP
        joined = extend(vec[float](capacity=self.capacity), self.scores)
        self.scores = extend(joined, other.scores)
        self.members.extend(other.members)
        self.refresh_least()


@final
class Skiplist:
    """Pairs of a float score and a bytes member, in order, with ranks from 0.

    Args:
        block_size: Most pairs in a block, at least 4. Small ones are for tests, which then reach every branch.
    """

    def __init__(self, block_size: i64 = DEFAULT_BLOCK_SIZE) -> None:
        self._block_size: i64 = block_size
        self._head: Node = Node(vec[float](), [], 1)
        self._length: i64 = 0
        self._levels: i64 = 1
        self._nodes: i64 = 1
        self._capacity: i64 = 0
        self._seed: i64 = 1
        # What a search for a change leaves behind: at each level the last block at or before the place, and the rank of
        # that block's first pair. Kept from call to call only to save allocating them.
        self._path: list[Node] = [self._head] * MAX_LEVELS
        self._starts: vec[i64] = vec[i64]([0] * MAX_LEVELS)

    def length(self) -> i64:
        """The number of pairs. O(1)."""
        return self._length

    def memory_bytes(self) -> i64:
        """What the blocks and towers occupy, in bytes, without the members themselves. O(1)."""
        return self._nodes * NODE_BYTES + self._capacity * 16

    def take_apart(self, effort: i64) -> bool:
        """Frees about so many pairs of a list that nobody uses any more; whether any are left. O(effort).

        Block by block from the front: each is kept alive by the one before it, so dropping the first would free all.
        """
        self._path.clear()
        node = self._head
        while effort > 0:
            following = node.forward[0]
            if following is None:
                return False
            effort -= len(node.members) + 1
            node = following
            self._head = node
        return True

    # Searching: none of these changes anything.

    def _find(self, score: float, member: bytes) -> tuple[Node, i64]:
        """The block where (score, member) is or belongs, and the rank of its first pair."""
        node = self._head
        start: i64 = 0
        level: i64 = self._levels - 1
        beyond: Node | None = None
        while level >= 0:
            following = node.forward[level]
            while following is not None and following is not beyond:
                least = following.least_score
                if not (least < score or (least == score and following.least_member <= member)):
                    break
                start += node.spans[level]
                node = following
                following = node.forward[level]
            beyond = following
            level -= 1
        return node, start

    def _find_rank(self, rank: i64) -> tuple[Node, i64]:
        """The block that holds the pair of this rank, and the rank of its first pair."""
        node = self._head
        start: i64 = 0
        level: i64 = self._levels - 1
        while level >= 0:
            following = node.forward[level]
            while following is not None and start + node.spans[level] <= rank:
                start += node.spans[level]
                node = following
                following = node.forward[level]
            level -= 1
        return node, start

    def rank(self, score: float, member: bytes) -> i64:
        """The number of pairs before (score, member), or -1 where it is not in the list. O(log N)."""
        node, start = self._find(score, member)
        position = node.position(score, member)
        return start + position if node.has(position, score, member) else -1

    def member_at(self, rank: i64) -> bytes:
        """The member at a rank from 0 to length - 1. O(log N)."""
        node, start = self._find_rank(rank)
        return node.members[rank - start]

    def score_at(self, rank: i64) -> float:
        """The score at a rank from 0 to length - 1. O(log N)."""
        node, start = self._find_rank(rank)
        return node.scores[rank - start]

    def count_below_score(self, score: float, inclusive: bool) -> i64:
        """Counts the pairs below a score: the rank where a range of scores begins or ends.

        Args:
            score: The bound, infinities included.
            inclusive: Whether pairs with exactly this score count too.

        Complexity:
            O(log N).
        """
        node = self._head
        start: i64 = 0
        level: i64 = self._levels - 1
        while level >= 0:
            following = node.forward[level]
            while following is not None:
                least = following.least_score
                if not (least < score or (inclusive and least == score)):
                    break
                start += node.spans[level]
                node = following
                following = node.forward[level]
            level -= 1
        return start + node.position_of_score(score, inclusive)

    def count_below_member(self, member: bytes, inclusive: bool) -> i64:
        """Counts the pairs below a member, in a list whose scores are all equal (else the answer means nothing).

        Args:
            member: The bound.
            inclusive: Whether this member itself counts too.

        Complexity:
            O(log N).
        """
        node = self._head
        start: i64 = 0
        level: i64 = self._levels - 1
        while level >= 0:
            following = node.forward[level]
            while following is not None:
                least = following.least_member
                if not (least < member or (inclusive and least == member)):
                    break
                start += node.spans[level]
                node = following
                following = node.forward[level]
            level -= 1
        return start + node.position_of_member(member, inclusive)

    # Reading ranges of ranks; start and stop are 0 <= start <= stop <= length.

    def members(self, start: i64, stop: i64) -> list[bytes]:
        """The members with ranks start to stop - 1, ascending. O(log N + M)."""
        found: list[bytes] = []
        if start >= stop:
            return found
        node, first = self._find_rank(start)
        begin = start - first
        missing = stop - start
        while True:
            found.extend(node.members[begin : begin + missing])
            missing = stop - start - len(found)
            following = node.forward[0]
            if missing <= 0 or following is None:
                return found
            node = following
            begin = 0

    def scores(self, start: i64, stop: i64) -> list[float]:
        """The scores with ranks start to stop - 1, ascending. O(log N + M)."""
        found: list[float] = []
        if start >= stop:
            return found
        node, first = self._find_rank(start)
        begin = start - first
        missing = stop - start
        while True:
            found.extend(list(node.scores[begin : begin + missing]))
            missing = stop - start - len(found)
            following = node.forward[0]
            if missing <= 0 or following is None:
                return found
            node = following
            begin = 0

    def ascending(self, rank: i64 = 0) -> Iterator[tuple[float, bytes]]:
        """Walks up from a rank; the list must not change meanwhile. O(log N), then O(1) a pair."""
        if rank >= self._length:
            return
        node, start = self._find_rank(rank)
        position = rank - start
        while True:
            for index in range(position, len(node.members)):
                yield node.scores[index], node.members[index]
            following = node.forward[0]
            if following is None:
                return
            node = following
            position = 0

    def descending(self, rank: i64 = -1) -> Iterator[tuple[float, bytes]]:
        """Walks down from a rank (-1: the last); the list must not change meanwhile. O(log N) a block, O(1) a pair."""
        if rank < 0:
            rank += self._length
        while rank >= 0:
            node, start = self._find_rank(rank)
            for index in range(rank - start, -1, -1):
                yield node.scores[index], node.members[index]
            rank = start - 1

    # Changing.

    def insert(self, score: float, member: bytes) -> None:
        """Puts in a pair that is not in the list yet. O(log N)."""
        node = self._seek(score, member)
        position = node.position(score, member)
        if len(node.members) >= self._block_size:
            at_the_end = position == len(node.members) and node.forward[0] is None
            keep: i64 = position if at_the_end else len(node.members) >> 1
            fresh = self._split(node, keep)
            if position > keep or at_the_end:
                node = fresh
                position -= keep
                level: i64 = 0
                while level < len(fresh.forward):
                    self._path[level] = fresh
                    level += 1
        capacity = node.capacity
        node.put(position, score, member)
        self._capacity += node.capacity - capacity
        self._widen(1)

    def remove(self, score: float, member: bytes) -> bool:
        """Takes out a pair. O(log N).

        Returns:
            Whether it was in the list.
        """
        node = self._seek(score, member)
        position = node.position(score, member)
        if not node.has(position, score, member):
            return False
        self._cut(node, position, position + 1)
        size: i64 = len(node.members)
        # Only at sizes that are powers of two: a small block between large neighbours must not try at every removal.
        if size * 4 <= self._block_size and size & (size - 1) == 0:
            self._settle(node)
        return True

    def move(self, old_score: float, member: bytes, score: float) -> None:
        """Gives a member that is in the list under old_score another score. O(log N).

        The usual small step (ZINCRBY) stays within its block and leaves the towers alone.
        """
        node, _ = self._find(old_score, member)
        position = node.position(old_score, member)
        target = node.position(score, member)
        if 0 < target < len(node.members) and position > 0:
            capacity = node.capacity
            node.cut(position, position + 1)
            node.put(target - 1 if target > position else target, score, member)
            self._capacity += node.capacity - capacity
            return
        self.remove(old_score, member)
        self.insert(score, member)

    def remove_ranks(self, start: i64, stop: i64) -> list[bytes]:
        """Takes out the pairs with ranks start to stop - 1, where 0 <= start <= stop <= length. O(log N + M).

        Returns:
            The members removed, ascending.
        """
        removed: list[bytes] = []
        while start < stop:
            node = self._seek_rank(start)
            first = start - self._starts[0]
            last = first + stop - start
            last = min(last, len(node.members))
            removed.extend(node.members[first:last])
            self._cut(node, first, last)
            stop -= last - first
            if len(node.members) * 4 <= self._block_size:
                self._settle(node)
        return removed

    def _seek(self, score: float, member: bytes) -> Node:
        """Like `_find`, leaving path and starts behind."""
        node = self._head
        start: i64 = 0
        level: i64 = self._levels - 1
        beyond: Node | None = None
        while level >= 0:
            following = node.forward[level]
            while following is not None and following is not beyond:
                least = following.least_score
                if not (least < score or (least == score and following.least_member <= member)):
                    break
                start += node.spans[level]
                node = following
                following = node.forward[level]
            beyond = following
            self._path[level] = node
            self._starts[level] = start
            level -= 1
        return node

    def _seek_rank(self, rank: i64) -> Node:
        """Like `_find_rank`, leaving path and starts behind."""
        node = self._head
        start: i64 = 0
        level: i64 = self._levels - 1
        while level >= 0:
            following = node.forward[level]
            while following is not None and start + node.spans[level] <= rank:
                start += node.spans[level]
                node = following
                following = node.forward[level]
            self._path[level] = node
            self._starts[level] = start
            level -= 1
        return node

    def _seek_before(self, target: Node) -> Node:
        """The block before the target (which is not the head), leaving path and starts behind."""
        node = self._head
        start: i64 = 0
        level: i64 = self._levels - 1
        score = target.least_score
        member = target.least_member
        while level >= 0:
            following = node.forward[level]
            while following is not None:
                least = following.least_score
                if not (least < score or (least == score and following.least_member < member)):
                    break
                start += node.spans[level]
                node = following
                following = node.forward[level]
            self._path[level] = node
            self._starts[level] = start
            level -= 1
        return node

    def _widen(self, pairs: i64) -> None:
        """Adds to (or with a negative number takes from) every span over the place the path leads to."""
        self._length += pairs
        level: i64 = 0
        while level < self._levels:
            self._path[level].spans[level] += pairs
            level += 1

    def _cut(self, node: Node, first: i64, last: i64) -> None:
        """Removes positions of the block the path leads to, with spans and accounting."""
        capacity = node.capacity
        node.cut(first, last)
        self._capacity += node.capacity - capacity
        self._widen(first - last)

    def _draw_levels(self) -> i64:
        """A tower height: 1, and one more with probability 1/4 each time. The generator is Numerical Recipes' LCG."""
        levels: i64 = 1
        while levels < MAX_LEVELS:
            self._seed = (self._seed * 1664525 + 1013904223) & 0xFFFFFFFF
            if self._seed >> 30 != 0:
                break
            levels += 1
        return levels

    def _split(self, node: Node, keep: i64) -> Node:
        """Moves all but the first `keep` pairs of the path's block to a fresh one behind it, and links that.

        Leaves the path and starts leading to the old block. When the fresh block starts empty it takes its place in
        the order with its first pair, which the caller puts in at once.
        """
        levels = self._draw_levels()
        while self._levels < levels:
            self._head.forward.append(None)
            self._head.spans = append(self._head.spans, self._length)
            self._path[self._levels] = self._head
            self._starts[self._levels] = 0
            self._levels += 1
        fresh = Node(node.scores[keep:], node.members[keep:], levels)
        node_start = self._starts[0]
        self._capacity += fresh.capacity - node.capacity + keep
        node.scores = node.scores[:keep]
        node.members = node.members[:keep]
        node.capacity = keep
        level: i64 = 0
        while level < levels:
            before = self._path[level]
            distance = node_start + keep - self._starts[level]
            fresh.forward[level] = before.forward[level]
            fresh.spans[level] = before.spans[level] - distance
            before.forward[level] = fresh
            before.spans[level] = distance
            level += 1
        self._nodes += 1
        return fresh

    def _settle(self, node: Node) -> None:
        """Joins a block that has become small with the next or the previous one if they fit well in one."""
        following = node.forward[0]
        if following is not None and self._fit(node, following):
            self._seek(node.least_score, node.least_member)
            self._absorb(node, following)
        elif node is not self._head:
            before = self._seek_before(node)
            if self._fit(before, node):
                self._absorb(before, node)

    def _fit(self, node: Node, following: Node) -> bool:
        if not node.members or not following.members:
            return True
        return (len(node.members) + len(following.members)) * 4 <= self._block_size * 3

    def _absorb(self, node: Node, following: Node) -> None:
        """Takes the pairs of the next block into the path's block and unlinks the next one."""
        level: i64 = 0
        while level < len(following.forward):
            before = self._path[level]
            before.forward[level] = following.forward[level]
            before.spans[level] += following.spans[level]
            level += 1
        capacity = node.capacity + following.capacity
        node.take(following)
        self._capacity += node.capacity - capacity
        self._nodes -= 1
        while self._levels > 1 and self._head.forward[self._levels - 1] is None:
            self._levels -= 1
            self._head.forward.pop()
            self._head.spans, _ = pop(self._head.spans)

    # Checking.

    def check_invariants(self) -> None:
        """Asserts all that must hold between operations. For tests; O(N)."""
        blocks = self._check_blocks()
        assert self._nodes == len(blocks)
        assert self._length == sum(len(node.members) for node in blocks)
        assert self._capacity == sum(int(node.capacity) for node in blocks)
        assert self._levels == len(self._head.forward) == len(self._head.spans)
        assert self._levels == 1 or self._head.forward[self._levels - 1] is not None
        first_ranks: dict[int, i64] = {}
        rank: i64 = 0
        for node in blocks:
            first_ranks[id(node)] = rank
            rank += len(node.members)
        for level in range(self._levels):
            self._check_level(blocks, first_ranks, level)

    def _check_blocks(self) -> list[Node]:
        blocks: list[Node] = []
        pairs: list[tuple[float, bytes]] = []
        node: Node | None = self._head
        while node is not None:
            assert len(node.scores) == len(node.members) <= node.capacity
            assert len(node.members) <= self._block_size
            assert node.members or self._length == 0
            assert len(node.spans) == len(node.forward)
            if node.members:
                assert (node.least_score, node.least_member) == (node.scores[0], node.members[0])
            pairs.extend(zip(list(node.scores), node.members, strict=True))
            blocks.append(node)
            node = node.forward[0]
        assert all(pairs[index] < pairs[index + 1] for index in range(len(pairs) - 1))
        return blocks

    def _check_level(self, blocks: list[Node], first_ranks: dict[int, i64], level: i64) -> None:
        tall = [node for node in blocks if len(node.forward) > level]
        node = self._head
        for following in tall[1:]:
            assert node.forward[level] is following
            assert node.spans[level] == first_ranks[id(following)] - first_ranks[id(node)]
            node = following
        assert node.forward[level] is None
        assert node.spans[level] == self._length - first_ranks[id(node)]
