"""The hash value: what HSET, HGET and their kin work on, with deadlines of single fields.

    encoding      held in     entries                                       becomes a hashtable when
    listpack      `_body`     field, value, field, value...                 it has more than hash-max-listpack-entries
    listpackex    `_body`     field, value, deadline, field, value...       fields, or a field or value is longer than
    hashtable     `_table`    field -> value, deadlines in the table        hash-max-listpack-value

A hash never goes back. It becomes a listpackex with the first deadline; there the fields stand in the order of their
deadlines (Unix ms), those without one (0) last, so the next to expire is always the first. Both listpacks are the real
server's bytes; see `listpack`.

Nothing here expires by itself: a field past its deadline is there until somebody asks for `due` and deletes it.

Not here: what a listpack looks like inside a file (`persistence`).
"""

from typing import Final

from librt.random import Random
from mypy_extensions import i64, mypyc_attr

from hognose.datastructures import listpack
from hognose.datastructures.hashtable import USED, HashTable
from hognose.datastructures.listpack import (
    count_entries,
    cut,
    encode,
    encode_i64,
    entry_size,
    extend_list,
    find,
    get,
    get_i64,
    insert,
    is_int,
    replace,
    skip,
)
from hognose.datastructures.numbers import MAX_I64_TEXT, format_i64, parse_i64
from hognose.datastructures.value import Value, bytes_size

HASH_BYTES: Final = 16 + 8 * 8 + 33
"""A hash beside its entries: the object, its attributes, the header of the `bytes`."""
TABLE_BYTES: Final = 200
"""What a table adds beside what it counts itself: the objects of the table and its first segment list."""
I64_MAX: Final = 2**63 - 1
UNDOUBTED: Final = 2**61
"""Two numbers below this size have a sum of 64 bits; constants of 2**62 and more cost compiled code an object."""
PAIR: Final = 2
TRIPLE: Final = 3
ALL: Final = 1 << 60
NO_DEADLINE_ENTRY: Final = b"\x00\x01"
SMALLEST_ENTRY: Final = 2
UNCOUNTED: Final = -1


def checked_sum(a: i64, b: i64) -> i64:
    """Adds two integers.

    Raises:
        OverflowError: The sum is none of 64 bits.
    """
    if -UNDOUBTED < a < UNDOUBTED and -UNDOUBTED < b < UNDOUBTED:
        return a + b
    if (b > 0 and a > I64_MAX - b) or (b < 0 and a < -I64_MAX - b - 1):
        raise OverflowError("sum beyond 64 bits")
    return a + b


class HashLimits:
    """Up to where a hash is a listpack.

    Attributes:
        max_entries: Fields (hash-max-listpack-entries).
        max_value_bytes: Bytes of a field or value (hash-max-listpack-value).
    """

    def __init__(self, max_entries: i64 = 512, max_value_bytes: i64 = 64) -> None:
        self.max_entries: i64 = max_entries
        self.max_value_bytes: i64 = max_value_bytes


@mypyc_attr(acyclic=True, free_list_len=1)
class HashValue(Value):
    """A map from fields to values, both bytes.

    The memory of one is kept for the next: of a small hash, each command makes one anew (see `keyspace.bare`).
    """

    def __init__(self, limits: HashLimits) -> None:
        """Makes an empty hash, to be filled at once: an empty hash is no value.

        Args:
            limits: Kept, not copied, so that a change of the setting reaches every hash.
        """
        self._limits: Final[HashLimits] = limits
        self._body: bytes = b""
        self._count: i64 = 0  # of a listpack; UNCOUNTED until somebody asks
        self._stride: i64 = PAIR
        self._table: HashTable | None = None
        self._text_bytes: i64 = 0
        self._earliest: i64 = 0

    # As a value

    def type_name(self) -> bytes:
        """The word TYPE answers."""
        return b"hash"

    def encoding(self) -> bytes:
        """The word OBJECT ENCODING answers: listpack, listpackex or hashtable."""
        if self._table is not None:
            return b"hashtable"
        return b"listpack" if self._stride == PAIR else b"listpackex"

    def length(self) -> i64:
        """The number of fields, those past their deadline included. O(1); O(N) the first time after `unpack`."""
        table = self._table
        if table is not None:
            return table.count
        if self._count < 0:
            self._count = count_entries(self._body) // self._stride
        return self._count

    def memory_bytes(self) -> i64:
        """What the hash occupies, in bytes. O(1)."""
        table = self._table
        if table is None:
            return HASH_BYTES + len(self._body)
        return HASH_BYTES + TABLE_BYTES + table.memory_bytes() + self._text_bytes

    def free_effort(self) -> i64:
        """The number of fields that are objects of their own. O(1)."""
        table = self._table
        return 1 if table is None else table.count

    def take_apart(self, effort: i64) -> bool:
        """Frees some fields of a value that nobody uses any more. O(effort)."""
        table = self._table
        return table is not None and table.take_apart(effort)

    def copy(self) -> "HashValue":
        """An independent hash with the same fields, values and deadlines in the same encoding. O(N)."""
        twin = HashValue(self._limits)
        twin._body = self._body
        twin._count = self._count
        twin._stride = self._stride
        twin._text_bytes = self._text_bytes
        twin._earliest = self._earliest
        table = self._table
        if table is not None:
            twin._table = table.copy()
        return twin

    def next_deadline(self) -> i64:
        """No field expires before this, in Unix ms; 0 if none ever does. O(1)."""
        return self._earliest

    # Fields

    def get(self, field: bytes) -> bytes | None:
        """The value of a field, or None. O(1); O(N) in a listpack."""
        table = self._table
        if table is not None:
            place = table.find(field)
            if place < 0:
                return None
            stored = table.found.slots[2 * place + 1]
            assert isinstance(stored, bytes)
            return stored
        body = self._body
        entry = encode(field)
        at = find(body, entry, 0, self._stride)
        if at < 0:
            return None
        return get(body, at + len(entry))

    def has(self, field: bytes) -> bool:
        """Tells whether a field is there. O(1); O(N) in a listpack."""
        table = self._table
        if table is not None:
            return table.find(field) >= 0
        return find(self._body, encode(field), 0, self._stride) >= 0

    def set(self, field: bytes, value: bytes, keep_deadline: bool = False) -> bool:
        """Gives a field a value and, unless told otherwise, takes its deadline away.

        Returns:
            Whether the field is new.

        Complexity:
            O(1); O(N) in a listpack, with one copy of it.
        """
        if self._table is None:
            limits = self._limits
            longest = limits.max_value_bytes
            if len(field) <= longest and len(value) <= longest:
                is_new = self._set_packed(field, value, keep_deadline)
                # Without having counted: so few bytes cannot be too many entries.
                if len(self._body) > PAIR * SMALLEST_ENTRY * limits.max_entries and self.length() > limits.max_entries:
                    self._to_table()
                return is_new
            self._to_table()
        return self._set_in_table(field, value, keep_deadline)

    def _set_packed(self, field: bytes, value: bytes, keep_deadline: bool) -> bool:
        body = self._body
        entry = encode(field)
        at = find(body, entry, 0, self._stride)
        if self._stride == TRIPLE:
            return self._set_triple(at, entry, encode(value), keep_deadline)
        if at >= 0:
            self._body = replace(body, at + len(entry), encode(value))
            return False
        self._body = b"%b%b%b" % (body, entry, encode(value))
        if self._count >= 0:
            self._count += 1
        return True

    def _set_triple(self, at: i64, field_entry: bytes, value_entry: bytes, keep_deadline: bool) -> bool:
        """Sets a field of a listpackex; `at` is where it stands, or -1."""
        body = self._body
        if at < 0:
            self._body = b"%b%b%b%b" % (body, field_entry, value_entry, NO_DEADLINE_ENTRY)
            self._count += 1
            return True
        value_at = at + len(field_entry)
        deadline = get_i64(body, skip(body, value_at, 1))
        if deadline == 0 or keep_deadline:
            self._body = replace(body, value_at, value_entry)
            return False
        body = cut(body, at, skip(body, at, TRIPLE))
        self._body = b"%b%b%b%b" % (body, field_entry, value_entry, NO_DEADLINE_ENTRY)
        self._read_earliest()
        return False

    def _set_in_table(self, field: bytes, value: bytes, keep_deadline: bool) -> bool:
        table = self._table
        assert table is not None
        place = table.find(field)
        if place < 0:
            table.insert_missing(field, value)
            self._text_bytes += bytes_size(len(field)) + bytes_size(len(value))
            return True
        old = table.found.slots[2 * place + 1]
        assert isinstance(old, bytes)
        table.replace_found(place, value)
        self._text_bytes += bytes_size(len(value)) - bytes_size(len(old))
        if self._earliest != 0 and not keep_deadline:
            table.set_deadline(place, 0)
        return False

    def increment(self, field: bytes, by: i64) -> i64:
        """Adds to the integer in a field, 0 if the field is not there; its deadline stays.

        Returns:
            The sum.

        Raises:
            ValueError: The field holds no integer.
            OverflowError: The sum is none of 64 bits.

        Complexity:
            O(1); O(N) in a listpack, which is searched once.
        """
        longest = self._limits.max_value_bytes
        if self._table is None and len(field) <= longest and longest >= MAX_I64_TEXT:
            body = self._body
            entry = encode(field)
            at = find(body, entry, 0, self._stride)
            if at >= 0:
                at += len(entry)
                if not is_int(body, at):
                    raise ValueError("not an integer")
                total = checked_sum(get_i64(body, at), by)
                self._body = replace(body, at, encode_i64(total))
                return total
        old = self.get(field)
        total = by if old is None else checked_sum(parse_i64(old), by)
        self.set(field, format_i64(total), keep_deadline=True)
        return total

    def reserve(self, fields: i64) -> None:
        """Changes to a table at once if so many fields are about to be set that a listpack would not hold them."""
        if self._table is None and fields > self._limits.max_entries:
            self._to_table()

    def delete(self, field: bytes) -> bool:
        """Takes a field out. Returns whether it was there. O(1); O(N) in a listpack."""
        table = self._table
        if table is not None:
            place = table.find(field)
            if place < 0:
                return False
            value = table.remove_found(place)
            assert isinstance(value, bytes)
            self._text_bytes -= bytes_size(len(field)) + bytes_size(len(value))
            return True
        body = self._body
        at = find(body, encode(field), 0, self._stride)
        if at < 0:
            return False
        self._body = cut(body, at, skip(body, at, self._stride))
        if self._count > 0:
            self._count -= 1
        if self._stride == TRIPLE:
            self._read_earliest()
        return True

    # Deadlines

    def deadline(self, field: bytes) -> i64:
        """The deadline of a field in Unix ms; 0 if it has none, -1 if there is no such field."""
        table = self._table
        if table is not None:
            place = table.find(field)
            return -1 if place < 0 else table.deadline(place)
        body = self._body
        at = find(body, encode(field), 0, self._stride)
        if at < 0:
            return -1
        return 0 if self._stride == PAIR else get_i64(body, skip(body, at, 2))

    def set_deadline(self, field: bytes, deadline_ms: i64) -> None:
        """Gives a field that is there a deadline in Unix ms; 0 takes it away. O(1); O(N) in a listpack."""
        table = self._table
        if table is not None:
            place = table.find(field)
            assert place >= 0
            table.set_deadline(place, deadline_ms)
            if deadline_ms != 0 and (self._earliest == 0 or deadline_ms < self._earliest):
                self._earliest = deadline_ms
            return
        if self._stride == PAIR:
            if deadline_ms == 0:
                return
            self._to_triples()
        self._move_triple(field, deadline_ms)

    def _move_triple(self, field: bytes, deadline_ms: i64) -> None:
        """Puts a field of a listpackex where its new deadline belongs."""
        body = self._body
        at = find(body, encode(field), 0, TRIPLE)
        assert at >= 0
        deadline_at = skip(body, at, 2)
        pair = body[at:deadline_at]
        body = cut(body, at, deadline_at + entry_size(body, deadline_at))
        to: i64 = 0
        size: i64 = len(body)
        while to < size:
            deadline_at = skip(body, to, 2)
            there = get_i64(body, deadline_at)
            if there == 0 or (deadline_ms != 0 and there > deadline_ms):
                break
            to = deadline_at + entry_size(body, deadline_at)
        if deadline_ms == 0:
            to = size
        self._body = insert(body, to, pair + encode_i64(deadline_ms))
        self._read_earliest()

    def _read_earliest(self) -> None:
        """The first field of a listpackex has the earliest deadline."""
        body = self._body
        self._earliest = 0 if len(body) == 0 else get_i64(body, skip(body, 0, 2))

    def due(self, now_ms: i64, enough: i64 = ALL) -> list[bytes]:
        """The fields whose deadline lies before a time in Unix ms. Brings `next_deadline` up to date, if these are all.

        Args:
            now_ms: The time.
            enough: After so many, and those of the same segment, no more are looked for.

        Complexity:
            O(due fields) in a listpack, O(segments + due fields) in a table.
        """
        fields: list[bytes] = []
        table = self._table
        if self._earliest == 0 or self._earliest >= now_ms:
            return fields
        if table is None:
            self._due_triples(fields, now_ms)
            return fields
        earliest: i64 = 0
        for index in range(len(table.segments)):
            fields.extend(table.due(index, now_ms - 1))
            if len(fields) >= enough:
                return fields
            here = table.segments[index].earliest
            if here != 0 and (earliest == 0 or here < earliest):
                earliest = here
        self._earliest = earliest if table.expires != 0 else 0
        return fields

    def _due_triples(self, fields: list[bytes], now_ms: i64) -> None:
        body = self._body
        at: i64 = 0
        size: i64 = len(body)
        while at < size:
            deadline_at = skip(body, at, 2)
            deadline = get_i64(body, deadline_at)
            if deadline == 0 or deadline >= now_ms:
                return
            fields.append(get(body, at))
            at = deadline_at + entry_size(body, deadline_at)

    # Reading many

    def packed(self) -> bytes | None:
        """The entries of the listpack, `stride()` for each field; None if the hash is a table. O(1)."""
        return self._body if self._table is None else None

    def stride(self) -> i64:
        """Entries for each field in `packed`: 2, or 3 with deadlines."""
        return self._stride

    def table(self) -> HashTable | None:
        """The table of fields and values, to read; None if the hash is a listpack. O(1)."""
        return self._table

    def fields(self) -> list[bytes]:
        """All fields. O(N)."""
        table = self._table
        if table is not None:
            return table.keys()
        out: list[bytes] = []
        extend_list(out, self._body, 0, self.length(), self._stride)
        return out

    def values(self) -> list[bytes]:
        """All values, in the order of `fields`. O(N)."""
        out: list[bytes] = []
        if self._table is not None:
            pairs = self.pairs()
            return pairs[1::2]
        if len(self._body) != 0:
            extend_list(out, self._body, entry_size(self._body, 0), self.length(), self._stride)
        return out

    def pairs(self) -> list[bytes]:
        """All fields, each followed by its value. O(N)."""
        out: list[bytes] = []
        table = self._table
        if table is not None:
            for segment in table.segments:
                place: i64 = 0
                while place < segment.capacity:
                    if segment.tags[place] >= USED:
                        field = segment.slots[2 * place]
                        value = segment.slots[2 * place + 1]
                        assert isinstance(field, bytes)
                        assert isinstance(value, bytes)
                        out.append(field)
                        out.append(value)
                    place += 1
            return out
        body = self._body
        if self._stride == PAIR:
            extend_list(out, body, 0, 2 * self.length())
            return out
        at: i64 = 0
        size: i64 = len(body)
        while at < size:
            extend_list(out, body, at, 2)
            at = skip(body, at, TRIPLE)
        return out

    def random_pair(self, random: Random) -> tuple[bytes, bytes]:
        """A field with its value, each field with the same probability. The hash must not be empty.

        Complexity:
            O(1) expected; O(N) in a listpack.
        """
        table = self._table
        if table is not None:
            place = table.random_place(random)
            field = table.found.slots[2 * place]
            value = table.found.slots[2 * place + 1]
            assert isinstance(field, bytes)
            assert isinstance(value, bytes)
            return field, value
        body = self._body
        at = skip(body, 0, self._stride * random.randrange(self.length()))
        return get(body, at), get(body, skip(body, at, 1))

    # Encodings

    def unpack(self, body: bytes) -> None:
        """Makes an empty hash what another was that had no deadlines, from what that gave as `packed`. O(1)."""
        self._body = body
        self._count = UNCOUNTED

    def adopt(self, body: bytes, stride: i64, count: i64) -> None:
        """Makes an empty hash what a listpack of a file holds, then changes to a table if there are too many fields.

        A field or value beyond the limit of bytes stays in the listpack, as on real servers.

        Args:
            body: Entries that passed `listpack.unseal`, no field twice.
            stride: 2 for field and value, 3 with deadlines, in their order.
            count: How many fields.
        """
        self._body = body
        self._stride = stride
        self._count = count
        if stride == TRIPLE:
            self._read_earliest()
        if count > self._limits.max_entries:
            self._to_table()

    def _to_triples(self) -> None:
        """Makes room for deadlines in the listpack."""
        body = self._body
        pieces: list[bytes] = []
        at: i64 = 0
        size: i64 = len(body)
        while at < size:
            after = skip(body, at, PAIR)
            pieces.append(body[at:after])
            pieces.append(NO_DEADLINE_ENTRY)
            at = after
        self._body = b"".join(pieces)
        self._stride = TRIPLE

    def _to_table(self) -> None:
        """Changes to a table, with deadlines. O(N)."""
        body = self._body
        table = HashTable()
        at: i64 = 0
        size: i64 = len(body)
        while at < size:
            value_at = at + entry_size(body, at)
            after = value_at + entry_size(body, value_at)
            field = get(body, at)
            value = get(body, value_at)
            table.set(field, value)
            self._text_bytes += bytes_size(len(field)) + bytes_size(len(value))
            if self._stride == TRIPLE:
                table.set_deadline(table.find(field), get_i64(body, after))
                after += entry_size(body, after)
            at = after
        self._table = table
        self._body = b""
        self._count = 0
        self._stride = PAIR

    def check_invariants(self) -> None:
        """Raises AssertionError if something that must hold does not. O(N)."""
        table = self._table
        if table is not None:
            table.check_invariants()
            assert self._body == b""
            assert self._count == 0
            assert self._text_bytes == sum([bytes_size(len(text)) for text in self.pairs()])
            deadlines = [table.deadline(table.find(field)) for field in self.fields()]
            assert all(deadline == 0 or 0 < self._earliest <= deadline for deadline in deadlines)
            return
        body = self._body
        listpack.check_invariants(body)
        assert count_entries(body) == self.length() * self._stride
        fields = self.fields()
        assert len(set(fields)) == len(fields)
        deadlines = [self.deadline(field) for field in fields]
        late = 1 << 63
        assert deadlines == sorted(deadlines, key=lambda deadline: deadline or late)
        assert self._earliest == (deadlines[0] if deadlines else 0)
