"""The end of the replication stream, kept so that a replica that lost its link for a while can go on where it was.

A ring of repl-backlog-size bytes; positions are offsets in the stream, the first byte ever sent having offset 1.

    first_offset          first_offset + length - 1
    |<------- kept ------------->|
"""

from mypy_extensions import i64


class Backlog:
    """The last bytes of the stream.

    Args:
        size: How many to keep.
        next_offset: The offset of the first byte that will be added.

    Attributes:
        length: How many are kept.
    """

    def __init__(self, size: i64, next_offset: i64) -> None:
        self._ring = bytearray(int(size))
        self._size: i64 = size
        self._at: i64 = 0  # where the next byte goes
        self._next_offset: i64 = next_offset
        self.length: i64 = 0

    def first_offset(self) -> i64:
        """The offset of the oldest byte kept; of the next one if none is."""
        return self._next_offset - self.length

    def add(self, data: bytes) -> None:
        """Appends to the stream. O(bytes)."""
        count: i64 = len(data)
        self._next_offset += count
        self.length = min(self._size, self.length + count)
        if count >= self._size:
            self._ring[:] = data[count - self._size :]
            self._at = 0
            return
        room = self._size - self._at
        if count <= room:
            self._ring[self._at : self._at + count] = data
            self._at = (self._at + count) % self._size
            return
        self._ring[self._at :] = data[:room]
        self._ring[: count - room] = data[room:]
        self._at = count - room

    def has(self, offset: i64) -> bool:
        """Whether the stream from this offset on is kept; from the next byte on it always is."""
        return self.first_offset() <= offset <= self._next_offset

    def since(self, offset: i64) -> bytes:
        """The stream from an offset on, for which `has` holds. O(bytes)."""
        count = self._next_offset - offset
        if count <= self._at:
            return bytes(self._ring[self._at - count : self._at])
        return bytes(self._ring[self._size - (count - self._at) :]) + bytes(self._ring[: self._at])

    def resized(self, size: i64) -> "Backlog":
        """A backlog of another size with as much of this one as fits. O(size)."""
        kept = min(self.length, size)
        fresh = Backlog(size, self._next_offset - kept)
        fresh.add(self.since(self._next_offset - kept))
        return fresh

    def memory_bytes(self) -> i64:
        """What it occupies."""
        return self._size
