"""Who has to be told before a key changes: a snapshot that is being written while the data goes on changing.

While one runs, the segments it has not written yet are marked `is_unsaved`. Whoever is about to change an entry of such
a segment, or has just added one, says so here; see `persistence.cooperative`. While none runs there are no marks, and
all it costs is looking at that bit of a segment that is at hand anyway. Large strings are written over several slices
and noted by page, so whoever is about to change some bytes of a string in place says which.
"""

from mypy_extensions import i64

from hognose.datastructures.hashtable import HashTable, Segment


class Freezer:
    """What `Database` calls."""

    def about_to_change(self, table: HashTable, segment: Segment, place: i64) -> None:
        """An entry of an unsaved segment is about to be changed or removed. O(size of its value), if that is small."""

    def about_to_overwrite(self, text: bytearray, start: i64, stop: i64) -> None:
        """Bytes of a string from `start` up to `stop` are about to be changed in place. O(stop - start).

        `about_to_change` has been told of its key before, unless that is written. Bytes beyond its end need no word.
        """

    def added(self, segment: Segment, key: bytes) -> None:
        """A key has come into an unsaved segment. O(1)."""

    def emptied(self) -> None:
        """A database is about to lose all its keys."""
