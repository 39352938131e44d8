"""An unrolled indexable skiplist: (score, member) pairs in order, found by key, by score, by member or by rank.

It is the order of a large sorted set and nothing else: it does not know which members exist (a map from member to score
stands beside it, see `zset`), and it does not refuse duplicates.

How it works. The bottom list consists of blocks of sorted pairs. Above it run two lanes, which hold of each block, and
of each stretch of up to 128 blocks, the least score and the number of pairs, side by side in arrays:

    upper lane    least scores   0.0            40.0            a stretch each
                  pairs          9              6
    lower lane    least scores   0.0  10.0  25.0     40.0  62.0      a block each
                  pairs          4    2     3        3     3
    blocks        [a b c d] -> [e f] -> [g h i] -> [k l m] -> [n o p]

A search bisects the upper lane, then the lower lane of one stretch, then one block; the numbers before the place add
up to its rank. Where a skiplist with towers of pointers waits for memory at every step, this waits a handful of times:
at a million members that is what a search costs.

A full block splits in two halves, except at the far end, where a fresh block is begun (ascending inserts leave full
blocks behind). A block that falls to a quarter is joined with a neighbour when both fit in three quarters of a block.
Stretches split and join in the same way. The first block and the first stretch count as beginning at minus infinity, so
every pair has a place to go to; only in an empty list is a block empty.

There are no backward pointers: they would make reference cycles, and the collector does not run. All range operations
work on ranks: a range of scores or members is turned into ranks by `count_below_score` and `count_below_member` first.

Pairs are ordered by score, then by the bytes of the member. Scores are never NaN.

Sources: W. Pugh, "A skip list cookbook", 1990, for the ranks; Shao et al., "Unrolled linked lists", 1994, for the
blocks; S. Sprenger, S. Zeuch, U. Leser, "Cache-sensitive skip list", 2016, for lanes in arrays.
"""

from collections.abc import Iterator
from typing import Final, final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64

DEFAULT_BLOCK_SIZE: Final = 128
STRETCH_BLOCKS: Final = 128
GROWTH_STEP: Final = 16  # pairs by which a block's room grows: wastes little, copies rarely
FEW_EQUAL: Final = 4  # so many members of one score are compared in turn, more are bisected
NODE_BYTES: Final = 288  # the block, its list and vector, their allocator headers, its places in the lane
STRETCH_BYTES: Final = 320


@final
class Node:
    """One block of pairs.

    Attributes:
        following: The next block, of whatever stretch.
    """

    def __init__(self, scores: vec[float], members: list[bytes]) -> None:
        self.scores: vec[float] = scores
        self.members: list[bytes] = members
        self.capacity: i64 = len(scores)
        self.following: Node | None = None

    def copy(self) -> "Node":
        """A block of the same pairs that nothing follows. O(block)."""
        twin = Node(vec[float](self.scores, capacity=self.capacity), self.members[:])
        twin.capacity = self.capacity
        return twin

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

    def position_of_present(self, score: float, member: bytes) -> i64:
        """The position of a pair that is in this block. O(log block).

        A score that stands alone finds it without a look at the members, which are elsewhere in memory; and the last
        of a few with the same score is the one that is left.
        """
        scores = self.scores
        size: i64 = len(scores)
        position = self.position_of_score(score, False)
        if position + FEW_EQUAL < size and scores[position + FEW_EQUAL] == score:
            return self.position(score, member)
        while position + 1 < size and scores[position + 1] == score and self.members[position] != member:
            position += 1
        return position

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
            self.scores = extend(vec[float](capacity=self.capacity), self.scores)
        self.scores = inserted(self.scores, position, score)
        self.members.insert(position, member)

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

    def split(self, keep: i64) -> "Node":
        """Moves all but the first `keep` pairs to a fresh block, which follows this one. O(block)."""
        fresh = Node(self.scores[keep:], self.members[keep:])
        fresh.following = self.following
        self.scores = self.scores[:keep]
        self.members = self.members[:keep]
        self.capacity = keep
        self.following = fresh
        return fresh

    def take(self, other: "Node") -> None:
        """Appends all pairs of the following block to this one and unlinks that. O(block)."""
        self.capacity = len(self.members) + len(other.members) + GROWTH_STEP
        joined = extend(vec[float](capacity=self.capacity), self.scores)
        self.scores = extend(joined, other.scores)
        self.members.extend(other.members)
        self.following = other.following


@final
class Stretch:
    """Neighbouring blocks with their part of the lower lane.

    Attributes:
        leasts: The least score of each block.
        counts: The number of pairs of each block.
    """

    def __init__(self, leasts: vec[float], counts: vec[i64], blocks: list[Node]) -> None:
        self.leasts: vec[float] = leasts
        self.counts: vec[i64] = counts
        self.blocks: list[Node] = blocks

    def copy(self) -> "Stretch":
        """A stretch of copies of the blocks, each followed by the next. O(N)."""
        blocks = [block.copy() for block in self.blocks]
        for index in range(len(blocks) - 1):
            blocks[index].following = blocks[index + 1]
        return Stretch(self.leasts[:], self.counts[:], blocks)

    def insert(self, index: i64, block: Node) -> None:
        """Puts in a block with at least one pair. O(blocks)."""
        self.leasts = inserted(self.leasts, index, block.scores[0])
        self.counts = inserted_count(self.counts, index, len(block.members))
        self.blocks.insert(index, block)

    def pop(self, index: i64) -> None:
        """Takes out a block. O(blocks)."""
        self.leasts, _ = pop(self.leasts, index)
        self.counts, _ = pop(self.counts, index)
        self.blocks.pop(index)

    def total(self) -> i64:
        """The number of pairs. O(blocks)."""
        return sum_of(self.counts, 0, len(self.counts))


def inserted(numbers: vec[float], index: i64, number: float) -> vec[float]:
    """Numbers with one more at an index. O(N)."""
    numbers = append(numbers, number)
    size: i64 = len(numbers)
    while index < size:
        # Every number goes one on: forward, so that one place is looked up at each step and not two.
        displaced = numbers[index]
        numbers[index] = number
        number = displaced
        index += 1
    return numbers


def inserted_count(counts: vec[i64], index: i64, count: i64) -> vec[i64]:
    """Counts with one more at an index. O(N)."""
    counts = append(counts, count)
    size: i64 = len(counts)
    while index < size:
        displaced = counts[index]
        counts[index] = count
        count = displaced
        index += 1
    return counts


def sum_of(counts: vec[i64], start: i64, stop: i64) -> i64:
    """The sum of the counts from one index to before another. O(N)."""
    total: i64 = 0
    while start < stop:
        total += counts[start]
        start += 1
    return total


def sum_before(counts: vec[i64], index: i64, total: i64) -> i64:
    """The sum of the counts before an index, whichever side is the shorter; `total` is that of all. O(N)."""
    size: i64 = len(counts)
    if 2 * index <= size:
        return sum_of(counts, 0, index)
    return total - sum_of(counts, index, size)


@final
class Skiplist:
    """Pairs of a float score and a bytes member, in order, with ranks from 0.

    O(log N) below is that of bisecting the lanes, plus the additions and moves along them, which at a hundred million
    pairs come to some ten thousand numbers next to each other.

    Args:
        block_size: Most pairs in a block, at least 4. Small ones are for tests, which then reach every branch.
        stretch_blocks: Most blocks in a stretch, at least 4; likewise.
    """

    def __init__(self, block_size: i64 = DEFAULT_BLOCK_SIZE, stretch_blocks: i64 = STRETCH_BLOCKS) -> None:
        self._block_size: i64 = block_size
        self._stretch_blocks: i64 = stretch_blocks
        self._length: i64 = 0
        self._nodes: i64 = 1
        self._capacity: i64 = 0
        self._stretches: list[Stretch] = [Stretch(vec[float]([0.0]), vec[i64]([0]), [Node(vec[float](), [])])]
        self._leasts: vec[float] = vec[float]([0.0])
        self._totals: vec[i64] = vec[i64]([0])
        # What a search leaves behind: the number of the stretch, and of the block in it.
        self._at_stretch: i64 = 0
        self._at_block: i64 = 0

    def length(self) -> i64:
        """The number of pairs. O(1)."""
        return self._length

    def copy(self) -> "Skiplist":
        """An independent list of the same pairs. O(N)."""
        twin = Skiplist(self._block_size, self._stretch_blocks)
        twin._length = self._length
        twin._nodes = self._nodes
        twin._capacity = self._capacity
        twin._stretches = [stretch.copy() for stretch in self._stretches]
        twin._leasts = self._leasts[:]
        twin._totals = self._totals[:]
        for index in range(len(twin._stretches) - 1):
            twin._stretches[index].blocks[-1].following = twin._stretches[index + 1].blocks[0]
        return twin

    def memory_bytes(self) -> i64:
        """What blocks and lanes occupy, in bytes, without the members themselves. O(1)."""
        return len(self._stretches) * STRETCH_BYTES + self._nodes * NODE_BYTES + self._capacity * 16

    def take_apart(self, effort: i64) -> bool:
        """Frees about so many pairs of a list that nobody uses any more; whether any are left. O(effort).

        Block by block from the end, for each is also held by the one before it.
        """
        while effort > 0:
            stretch = self._stretches[-1]
            if not stretch.blocks:
                if len(self._stretches) == 1:
                    return False
                self._stretches.pop()
                continue
            effort -= len(stretch.blocks.pop().members) + 1
            if stretch.blocks:
                stretch.blocks[-1].following = None
            elif len(self._stretches) > 1:
                self._stretches[-2].blocks[-1].following = None
        return True

    # Searching: none of these changes anything but where the search ended.

    def _seek(self, score: float, member: bytes) -> Node:
        """The block where (score, member) is or belongs."""
        leasts = self._leasts
        low: i64 = 1
        high: i64 = len(leasts)
        while low < high:
            middle = (low + high) >> 1
            least = leasts[middle]
            if least < score or (least == score and self._stretches[middle].blocks[0].members[0] <= member):
                low = middle + 1
            else:
                high = middle
        stretch = self._stretches[low - 1]
        self._at_stretch = low - 1
        leasts = stretch.leasts
        low = 1
        high = len(leasts)
        while low < high:
            middle = (low + high) >> 1
            least = leasts[middle]
            if least < score or (least == score and stretch.blocks[middle].members[0] <= member):
                low = middle + 1
            else:
                high = middle
        self._at_block = low - 1
        return stretch.blocks[low - 1]

    def _seek_below(self, score: float, inclusive: bool) -> Node:
        """The last block that begins below (inclusive: or with) a score."""
        leasts = self._leasts
        low: i64 = 1
        high: i64 = len(leasts)
        while low < high:
            middle = (low + high) >> 1
            least = leasts[middle]
            if least < score or (inclusive and least == score):
                low = middle + 1
            else:
                high = middle
        stretch = self._stretches[low - 1]
        self._at_stretch = low - 1
        leasts = stretch.leasts
        low = 1
        high = len(leasts)
        while low < high:
            middle = (low + high) >> 1
            least = leasts[middle]
            if least < score or (inclusive and least == score):
                low = middle + 1
            else:
                high = middle
        self._at_block = low - 1
        return stretch.blocks[low - 1]

    def _seek_member(self, member: bytes, inclusive: bool) -> Node:
        """The last block that begins below (inclusive: or with) a member, in a list whose scores are all equal."""
        low: i64 = 1
        high: i64 = len(self._stretches)
        while low < high:
            middle = (low + high) >> 1
            least = self._stretches[middle].blocks[0].members[0]
            if least < member or (inclusive and least == member):
                low = middle + 1
            else:
                high = middle
        blocks = self._stretches[low - 1].blocks
        self._at_stretch = low - 1
        low = 1
        high = len(blocks)
        while low < high:
            middle = (low + high) >> 1
            least = blocks[middle].members[0]
            if least < member or (inclusive and least == member):
                low = middle + 1
            else:
                high = middle
        self._at_block = low - 1
        return blocks[low - 1]

    def _seek_rank(self, rank: i64) -> tuple[Node, i64]:
        """The block that holds the pair of this rank (below the length), and the rank of its first pair."""
        left = rank
        index: i64 = 0
        totals = self._totals
        while left >= totals[index]:
            left -= totals[index]
            index += 1
        self._at_stretch = index
        stretch = self._stretches[index]
        counts = stretch.counts
        index = 0
        while left >= counts[index]:
            left -= counts[index]
            index += 1
        self._at_block = index
        return stretch.blocks[index], rank - left

    def _start(self) -> i64:
        """The rank of the first pair of the block that a search has found."""
        counts = self._stretches[self._at_stretch].counts
        totals = self._totals
        return sum_before(totals, self._at_stretch, self._length) + sum_before(
            counts, self._at_block, totals[self._at_stretch]
        )

    def rank(self, score: float, member: bytes) -> i64:
        """The number of pairs before (score, member), or -1 where it is not in the list. O(log N)."""
        node = self._seek(score, member)
        position = node.position(score, member)
        return self._start() + position if node.has(position, score, member) else -1

    def rank_of_present(self, score: float, member: bytes) -> i64:
        """The number of pairs before a pair that is in the list. O(log N)."""
        position = self._seek(score, member).position_of_present(score, member)
        return self._start() + position

    def member_at(self, rank: i64) -> bytes:
        """The member at a rank from 0 to length - 1. O(log N)."""
        node, start = self._seek_rank(rank)
        return node.members[rank - start]

    def score_at(self, rank: i64) -> float:
        """The score at a rank from 0 to length - 1. O(log N)."""
        node, start = self._seek_rank(rank)
        return node.scores[rank - start]

    def count_below_score(self, score: float, inclusive: bool) -> i64:
        """Counts the pairs below a score: the rank where a range of scores begins or ends.

        Args:
            score: The bound, infinities included.
            inclusive: Whether pairs with exactly this score count too.

        Complexity:
            O(log N).
        """
        position = self._seek_below(score, inclusive).position_of_score(score, inclusive)
        return self._start() + position

    def seek_score(self, score: float) -> tuple[Node, i64]:
        """The block where the scores from a given one on begin, and the position there (perhaps its end). O(log N)."""
        node = self._seek_below(score, False)
        return node, node.position_of_score(score, False)

    def count_below_member(self, member: bytes, inclusive: bool) -> i64:
        """Counts the pairs below a member, in a list whose scores are all equal (else the answer means nothing).

        Args:
            member: The bound.
            inclusive: Whether this member itself counts too.

        Complexity:
            O(log N).
        """
        position = self._seek_member(member, inclusive).position_of_member(member, inclusive)
        return self._start() + position

    # Reading ranges of ranks; start and stop are 0 <= start <= stop <= length.

    def members(self, start: i64, stop: i64) -> list[bytes]:
        """The members with ranks start to stop - 1, ascending. O(log N + M)."""
        found: list[bytes] = []
        if start >= stop:
            return found
        node, first = self._seek_rank(start)
        begin = start - first
        missing = stop - start
        while True:
            found.extend(node.members[begin : begin + missing])
            missing = stop - start - len(found)
            following = node.following
            if missing <= 0 or following is None:
                return found
            node = following
            begin = 0

    def scores(self, start: i64, stop: i64) -> list[float]:
        """The scores with ranks start to stop - 1, ascending. O(log N + M)."""
        found: list[float] = []
        if start >= stop:
            return found
        node, first = self._seek_rank(start)
        begin = start - first
        missing = stop - start
        while True:
            found.extend(list(node.scores[begin : begin + missing]))
            missing = stop - start - len(found)
            following = node.following
            if missing <= 0 or following is None:
                return found
            node = following
            begin = 0

    def ascending(self, rank: i64 = 0) -> Iterator[tuple[float, bytes]]:
        """Walks up from a rank; the list must not change meanwhile. O(log N), then O(1) a pair."""
        if rank >= self._length:
            return
        node, start = self._seek_rank(rank)
        position = rank - start
        while True:
            for index in range(position, len(node.members)):
                yield node.scores[index], node.members[index]
            following = node.following
            if following is None:
                return
            node = following
            position = 0

    def descending(self, rank: i64 = -1) -> Iterator[tuple[float, bytes]]:
        """Walks down from a rank (-1: the last); the list must not change meanwhile. O(log N) a block, O(1) a pair."""
        if rank < 0:
            rank += self._length
        while rank >= 0:
            node, start = self._seek_rank(rank)
            for index in range(rank - start, -1, -1):
                yield node.scores[index], node.members[index]
            rank = start - 1

    # Changing.

    def insert(self, score: float, member: bytes) -> None:
        """Puts in a pair that is not in the list yet. O(log N)."""
        self._put(self._seek(score, member), score, member)

    def _put(self, node: Node, score: float, member: bytes) -> None:
        """Puts a pair into the block that a search has found."""
        position = node.position(score, member)
        if len(node.members) < self._block_size:
            self._put_at(node, position, score, member)
            self._count(1)
            if position == 0:
                self._refresh_least(node)
            return
        at_the_end = position == len(node.members) and node.following is None
        keep: i64 = position if at_the_end else len(node.members) >> 1
        capacity = node.capacity
        fresh = node.split(keep)
        self._capacity += node.capacity + fresh.capacity - capacity
        if position > keep or at_the_end:
            self._put_at(fresh, position - keep, score, member)
        else:
            self._put_at(node, position, score, member)
        self._length += 1
        self._totals[self._at_stretch] += 1
        self._stretches[self._at_stretch].counts[self._at_block] = len(node.members)
        if position == 0:
            self._refresh_least(node)
        self._link(fresh)

    def _put_at(self, node: Node, position: i64, score: float, member: bytes) -> None:
        """Puts a pair into a block at a position."""
        capacity = node.capacity
        node.put(position, score, member)
        self._capacity += node.capacity - capacity

    def _count(self, pairs: i64) -> None:
        """Adds to (or with a negative number takes from) the counts of the block that a search has found."""
        self._length += pairs
        self._totals[self._at_stretch] += pairs
        self._stretches[self._at_stretch].counts[self._at_block] += pairs

    def _refresh_least(self, node: Node) -> None:
        """Takes the least score of the block that a search has found into the lanes again."""
        if not node.members:
            return
        least = node.scores[0]
        self._stretches[self._at_stretch].leasts[self._at_block] = least
        if self._at_block == 0:
            self._leasts[self._at_stretch] = least

    def _link(self, fresh: Node) -> None:
        """Puts a block that was split off into the lanes, behind the one that a search has found."""
        self._nodes += 1
        stretch = self._stretches[self._at_stretch]
        stretch.insert(self._at_block + 1, fresh)
        size: i64 = len(stretch.blocks)
        if size <= self._stretch_blocks:
            return
        at_the_end = fresh.following is None
        keep = size - 1 if at_the_end else size >> 1
        behind = Stretch(stretch.leasts[keep:], stretch.counts[keep:], stretch.blocks[keep:])
        stretch.leasts = stretch.leasts[:keep]
        stretch.counts = stretch.counts[:keep]
        stretch.blocks = stretch.blocks[:keep]
        moved = behind.total()
        index = self._at_stretch
        self._totals[index] -= moved
        self._stretches.insert(index + 1, behind)
        self._leasts = inserted(self._leasts, index + 1, behind.leasts[0])
        self._totals = inserted_count(self._totals, index + 1, moved)

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
        return True

    def move(self, old_score: float, member: bytes, score: float) -> None:
        """Gives a member that is in the list under old_score another score. O(log N).

        The usual small step (ZINCRBY) stays within its block and leaves the lanes alone.
        """
        node = self._seek(old_score, member)
        position = node.position_of_present(old_score, member)
        scores = node.scores
        if position > 0 and scores[0] < score < scores[len(scores) - 1]:
            node.cut(position, position + 1)
            node.put(node.position(score, member), score, member)
            return
        self._cut(node, position, position + 1)
        self._put(self._seek(score, member), score, member)

    def remove_ranks(self, start: i64, stop: i64) -> list[bytes]:
        """Takes out the pairs with ranks start to stop - 1, where 0 <= start <= stop <= length. O(log N + M).

        Returns:
            The members removed, ascending.
        """
        removed: list[bytes] = []
        while start < stop:
            node, begin = self._seek_rank(start)
            first = start - begin
            last = first + stop - start
            last = min(last, len(node.members))
            removed.extend(node.members[first:last])
            self._cut(node, first, last)
            stop -= last - first
        return removed

    def _cut(self, node: Node, first: i64, last: i64) -> None:
        """Removes positions of the block that a search has found, and the block or its smallness if need be."""
        capacity = node.capacity
        node.cut(first, last)
        self._capacity += node.capacity - capacity
        self._count(first - last)
        size: i64 = len(node.members)
        if size == 0:
            if self._nodes > 1:
                self._unlink()
            return
        if first == 0:
            self._refresh_least(node)
        # Only at sizes that are powers of two: a small block between large neighbours must not try at every removal.
        if size * 4 <= self._block_size and (size & (size - 1) == 0 or last - first > 1):
            self._settle(node)

    def _before(self) -> Node | None:
        """The block before the one that a search has found."""
        if self._at_block > 0:
            return self._stretches[self._at_stretch].blocks[self._at_block - 1]
        return self._stretches[self._at_stretch - 1].blocks[-1] if self._at_stretch > 0 else None

    def _unlink(self) -> None:
        """Takes the block that a search has found, which is empty, out of list and lanes."""
        node = self._stretches[self._at_stretch].blocks[self._at_block]
        before = self._before()
        if before is not None:
            before.following = node.following
        self._capacity -= node.capacity
        self._drop_from_lanes()

    def _drop_from_lanes(self) -> None:
        """Takes the block that a search has found out of the lanes."""
        self._nodes -= 1
        index = self._at_stretch
        stretch = self._stretches[index]
        self._totals[index] -= stretch.counts[self._at_block]
        stretch.pop(self._at_block)
        size: i64 = len(stretch.blocks)
        if size == 0:
            self._drop_stretch(index)
            return
        self._leasts[index] = stretch.leasts[0]
        if size * 4 <= self._stretch_blocks and size & (size - 1) == 0:
            if index + 1 < len(self._stretches) and self._join_stretches(index):
                return
            if index > 0:
                self._join_stretches(index - 1)

    def _drop_stretch(self, index: i64) -> None:
        self._stretches.pop(index)
        self._leasts, _ = pop(self._leasts, index)
        self._totals, _ = pop(self._totals, index)

    def _join_stretches(self, index: i64) -> bool:
        """Joins a stretch and the next if they fit well in one."""
        first = self._stretches[index]
        second = self._stretches[index + 1]
        if (len(first.blocks) + len(second.blocks)) * 4 > self._stretch_blocks * 3:
            return False
        first.leasts = extend(first.leasts, second.leasts)
        first.counts = extend(first.counts, second.counts)
        first.blocks.extend(second.blocks)
        self._totals[index] += self._totals[index + 1]
        self._drop_stretch(index + 1)
        return True

    def _settle(self, node: Node) -> None:
        """Joins a block that has become small, found by a search, with the next or the previous one if they fit."""
        following = node.following
        if following is not None and self._fit(node, following):
            self._absorb(node, following)
            return
        before = self._before()
        if before is None or not self._fit(before, node):
            return
        if self._at_block > 0:
            self._at_block -= 1
        else:
            self._at_stretch -= 1
            self._at_block = len(self._stretches[self._at_stretch].blocks) - 1
        self._absorb(before, node)

    def _fit(self, node: Node, following: Node) -> bool:
        return (len(node.members) + len(following.members)) * 4 <= self._block_size * 3

    def _absorb(self, node: Node, following: Node) -> None:
        """Takes the pairs of the next block into the one that a search has found."""
        capacity = node.capacity + following.capacity
        gained: i64 = len(following.members)
        node.take(following)
        self._capacity += node.capacity - capacity
        self._totals[self._at_stretch] += gained
        stretch = self._stretches[self._at_stretch]
        stretch.counts[self._at_block] += gained
        if self._at_block + 1 < len(stretch.blocks):
            self._at_block += 1
        else:
            self._at_stretch += 1
            self._at_block = 0
        self._drop_from_lanes()

    # Checking.

    def check_invariants(self) -> None:
        """Asserts all that must hold between operations. For tests; O(N)."""
        blocks = [block for stretch in self._stretches for block in stretch.blocks]
        assert self._nodes == len(blocks)
        assert self._length == sum(len(node.members) for node in blocks)
        assert self._capacity == sum(int(node.capacity) for node in blocks)
        assert len(self._stretches) == len(self._leasts) == len(self._totals)
        for index, stretch in enumerate(self._stretches):
            assert 0 < len(stretch.blocks) <= self._stretch_blocks
            assert list(stretch.counts) == [len(node.members) for node in stretch.blocks]
            assert self._totals[index] == stretch.total()
            if self._length:
                assert list(stretch.leasts) == [node.scores[0] for node in stretch.blocks]
                assert self._leasts[index] == stretch.leasts[0]
        self._check_blocks(blocks)

    def _check_blocks(self, blocks: list[Node]) -> None:
        pairs: list[tuple[float, bytes]] = []
        for index, node in enumerate(blocks):
            assert len(node.scores) == len(node.members) <= node.capacity
            assert len(node.members) <= self._block_size
            assert node.members or self._length == 0
            assert node.following is (blocks[index + 1] if index + 1 < len(blocks) else None)
            pairs.extend(zip(list(node.scores), node.members, strict=True))
        assert all(pairs[index] < pairs[index + 1] for index in range(len(pairs) - 1))
