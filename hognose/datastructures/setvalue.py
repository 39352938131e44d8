"""The set value: what SADD, SISMEMBER and their kin work on.

    encoding     held in                  while
    intset       `_blob`, an intset       all members are 64-bit integers, at most set-max-intset-entries of them
    listpack     `_blob`, a body          at most set-max-listpack-entries members, none longer than
                                          set-max-listpack-value
    hashtable    `_table`                 beyond that; a set never goes back

Both blobs are the real server's bytes; see `intset` and `listpack`.
"""

from typing import Final

from librt.random import Random
from mypy_extensions import i64, mypyc_attr

from hognose.datastructures import intset, listpack
from hognose.datastructures.hashtable import HashTable
from hognose.datastructures.listpack import (
    append,
    count_entries,
    cut,
    encode,
    encode_all,
    encode_i64,
    extend_list,
    find,
    get,
    skip,
)
from hognose.datastructures.numbers import canonical_int, canonical_value, format_i64
from hognose.datastructures.value import Value, bytes_size

SET_BYTES: Final = 16 + 6 * 8 + 33
"""A set beside its members: the object, its attributes, the header of the `bytes`."""
TABLE_BYTES: Final = 200
"""What a table adds beside what it counts itself."""
MAX_BODY_BYTES: Final = 1 << 30
MAX_INTSET_ENTRIES: Final = 1 << 30
PRESENT: Final = True
"""What the table has as the value of every member."""

INTSET: Final = 0
LISTPACK: Final = 1
TABLE: Final = 2


class SetLimits:
    """Up to where a set is compact.

    Attributes:
        max_intset_entries: Members of an intset (set-max-intset-entries).
        max_listpack_entries: Members of a listpack (set-max-listpack-entries).
        max_value_bytes: Bytes of a member of a listpack (set-max-listpack-value).
    """

    def __init__(
        self, max_intset_entries: i64 = 512, max_listpack_entries: i64 = 128, max_value_bytes: i64 = 64
    ) -> None:
        self.max_intset_entries: i64 = max_intset_entries
        self.max_listpack_entries: i64 = max_listpack_entries
        self.max_value_bytes: i64 = max_value_bytes

    def intset_holds(self, count: i64) -> bool:
        """Whether an intset may have so many members."""
        return count <= self.max_intset_entries and count <= MAX_INTSET_ENTRIES


@mypyc_attr(acyclic=True)
class SetValue(Value):
    """A set of byte strings."""

    def __init__(self, limits: SetLimits) -> None:
        """Makes an empty set in its narrowest form, to be filled at once: an empty set is no value.

        Args:
            limits: Kept, not copied, so that a change of the setting reaches every set.
        """
        self._limits: Final[SetLimits] = limits
        self._form: i64 = INTSET
        self._blob: bytes = intset.EMPTY
        self._count: i64 = 0
        self._table: HashTable | None = None
        self._text_bytes: i64 = 0

    # As a value

    def type_name(self) -> bytes:
        """The word TYPE answers."""
        return b"set"

    def encoding(self) -> bytes:
        """The word OBJECT ENCODING answers: intset, listpack or hashtable."""
        if self._form == INTSET:
            return b"intset"
        return b"listpack" if self._form == LISTPACK else b"hashtable"

    def length(self) -> i64:
        """The number of members. O(1)."""
        table = self._table
        return self._count if table is None else table.count

    def memory_bytes(self) -> i64:
        """What the set occupies, in bytes. O(1)."""
        table = self._table
        if table is None:
            return SET_BYTES + len(self._blob)
        return SET_BYTES + TABLE_BYTES + table.memory_bytes() + self._text_bytes

    def free_effort(self) -> i64:
        """The number of members that are objects of their own. O(1)."""
        table = self._table
        return 1 if table is None else table.count

    def take_apart(self, effort: i64) -> bool:
        """Frees some members of a value that nobody uses any more. O(effort)."""
        table = self._table
        return table is not None and table.take_apart(effort)

    def copy(self) -> "SetValue":
        """An independent set with the same members in the same encoding. O(1); O(N) for a table."""
        twin = SetValue(self._limits)
        twin._form = self._form
        twin._blob = self._blob
        twin._count = self._count
        twin._text_bytes = self._text_bytes
        table = self._table
        if table is not None:
            twin._table = table.copy()
        return twin

    def must_be_table(self) -> bool:
        """Whether its members, added one by one to an empty set, would make a table, by their number alone. O(1)."""
        limits = self._limits
        table = self._table
        return (
            table is not None and table.count > limits.max_intset_entries and table.count > limits.max_listpack_entries
        )

    # Members

    def has(self, member: bytes) -> bool:
        """Tells whether a string is a member. O(1); O(N) in a listpack, O(log N) in an intset."""
        table = self._table
        if table is not None:
            return table.find(member) >= 0
        if self._form == LISTPACK:
            return find(self._blob, encode(member), 0, 1) >= 0
        return canonical_int(member) and intset.contains(self._blob, canonical_value(member))

    def prepare(self, first: bytes, count: i64) -> None:
        """Chooses the form for so many members about to be added, so that large additions start in a table.

        Args:
            first: The first of them; it decides what an empty set starts as.
            count: How many, equal ones included.
        """
        limits = self._limits
        if self._table is not None:
            return
        if self._count == 0 and self._form == INTSET:
            if canonical_int(first) and count <= limits.max_intset_entries:
                return
            if count <= limits.max_listpack_entries:
                self._form = LISTPACK
                self._blob = b""
                return
            self._to_table()
        elif count > (limits.max_listpack_entries if self._form == LISTPACK else limits.max_intset_entries):
            self._to_table()

    def add(self, member: bytes) -> bool:
        """Puts a member in. Returns whether it is new. O(1); O(N) in a blob, with one copy of it."""
        table = self._table
        if table is None:
            if self._form == LISTPACK:
                return self._add_packed(member)
            if canonical_int(member):
                return self._add_integer(canonical_value(member))
            self._leave_intset(len(member))
            if self._form == LISTPACK:
                self._blob = append(self._blob, member)
                self._count += 1
                return True
            table = self._table
            assert table is not None
        if table.find(member) >= 0:
            return False
        table.insert_missing(member, PRESENT)
        self._text_bytes += bytes_size(len(member))
        return True

    def _add_integer(self, number: i64) -> bool:
        """Puts an integer into an intset, which may become a table by it."""
        grown = intset.add(self._blob, number)
        if grown is self._blob:
            return False
        self._blob = grown
        self._count += 1
        if not self._limits.intset_holds(self._count):
            self._to_table()
        return True

    def _add_packed(self, member: bytes) -> bool:
        """Puts a member into a listpack, which may become a table by it."""
        body = self._blob
        limits = self._limits
        entry = encode(member)
        if find(body, entry, 0, 1) >= 0:
            return False
        if (
            self._count < limits.max_listpack_entries
            and len(member) <= limits.max_value_bytes
            and len(body) + len(entry) <= MAX_BODY_BYTES
        ):
            self._blob = body + entry
            self._count += 1
            return True
        self._to_table()
        return self.add(member)

    def remove(self, member: bytes) -> bool:
        """Takes a member out. Returns whether it was there. O(1); O(N) in a blob, with one copy of it."""
        table = self._table
        if table is not None:
            if table.pop(member) is None:
                return False
            self._text_bytes -= bytes_size(len(member))
            return True
        if self._form == LISTPACK:
            body = self._blob
            entry = encode(member)
            at = find(body, entry, 0, 1)
            if at < 0:
                return False
            self._blob = cut(body, at, at + len(entry))
        else:
            if not canonical_int(member):
                return False
            left = intset.remove(self._blob, canonical_value(member))
            if left is self._blob:
                return False
            self._blob = left
        self._count -= 1
        return True

    def remove_all(self, gone: list[bytes]) -> None:
        """Takes several members out, all of which are there. O(N) for a blob, which is built anew once."""
        if self._table is not None:
            for member in gone:
                self.remove(member)
            return
        leaving = set(gone)
        left = [member for member in self.members() if member not in leaving]
        if self._form == LISTPACK:
            self._blob = encode_all(left)
        else:
            for member in gone:
                self._blob = intset.remove(self._blob, canonical_value(member))
        self._count = len(left)

    def members(self) -> list[bytes]:
        """All members; integers of an intset ascending, a listpack's in the order they came. O(N)."""
        table = self._table
        if table is not None:
            return table.keys()
        out: list[bytes] = []
        if self._form == LISTPACK:
            extend_list(out, self._blob, 0, self._count)
            return out
        index: i64 = 0
        while index < self._count:
            out.append(format_i64(intset.get(self._blob, index)))
            index += 1
        return out

    def random_member(self, random: Random) -> bytes:
        """A member, each with the same probability; there must be one. O(1) expected; O(N) in a listpack."""
        table = self._table
        if table is not None:
            return table.random_key(random)
        index = random.randrange(self._count)
        if self._form == LISTPACK:
            return get(self._blob, skip(self._blob, 0, index))
        return format_i64(intset.get(self._blob, index))

    # Encodings

    def blob(self) -> bytes | None:
        """The intset, or the entries of the listpack; None if the set is a table. O(1)."""
        return self._blob if self._table is None else None

    def table(self) -> HashTable | None:
        """The table of members, to read; None if the set is a blob. O(1)."""
        return self._table

    def adopt_intset(self, blob: bytes) -> None:
        """Makes an empty set what a valid intset of a file holds."""
        self._blob = blob
        self._count = intset.length(blob)
        if not self._limits.intset_holds(self._count):
            self._to_table()

    def adopt_listpack(self, body: bytes, count: i64) -> None:
        """Makes an empty set what a listpack of a file holds, then changes to a table if there are too many members.

        A member beyond the limit of bytes stays in the listpack, as on real servers.

        Args:
            body: Entries that passed `listpack.unseal`, none twice.
            count: How many.
        """
        self._form = LISTPACK
        self._blob = body
        self._count = count
        if self._count > self._limits.max_listpack_entries:
            self._to_table()

    def to_intset(self) -> None:
        """Changes to an intset, if all members are integers (the caller knows) and there are few enough. O(N log N)."""
        count = self.length()
        if self._form == INTSET or not self._limits.intset_holds(count):
            return
        self._blob = intset.from_sorted(sorted([int(member) for member in self.members()]))
        self._form = INTSET
        self._count = count
        self._table = None
        self._text_bytes = 0

    def _leave_intset(self, member_bytes: i64) -> None:
        """Changes from an intset to what may take in a member of so many bytes that is no integer."""
        limits = self._limits
        widest: i64 = 0
        if self._count > 0:
            last = format_i64(intset.get(self._blob, self._count - 1))
            widest = max(len(last), len(format_i64(intset.get(self._blob, 0))))
        if self._count < limits.max_listpack_entries and max(member_bytes, widest) <= limits.max_value_bytes:
            entries = [encode_i64(intset.get(self._blob, index)) for index in range(self._count)]
            self._blob = b"".join(entries)
            self._form = LISTPACK
        else:
            self._to_table()

    def _to_table(self) -> None:
        """Changes to a table. O(N)."""
        table = HashTable()
        for member in self.members():
            table.set(member, PRESENT)
            self._text_bytes += bytes_size(len(member))
        self._table = table
        self._form = TABLE
        self._blob = b""
        self._count = 0

    def check_invariants(self) -> None:
        """Raises AssertionError if something that must hold does not. O(N)."""
        table = self._table
        members = self.members()
        assert len(members) == self.length()
        if table is not None:
            table.check_invariants()
            assert self._form == TABLE
            assert self._blob == b""
            assert self._count == 0
            assert self._text_bytes == sum([bytes_size(len(member)) for member in members])
        elif self._form == LISTPACK:
            listpack.check_invariants(self._blob)
            assert count_entries(self._blob) == self._count
            assert len(set(members)) == self._count
        else:
            intset.check_invariants(self._blob)
            assert intset.length(self._blob) == self._count
