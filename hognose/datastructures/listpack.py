"""Listpack: a list of strings and integers in one run of bytes, the form of every small list, hash, set and sorted set.

Bit for bit the server's format, so DUMP, RESTORE and RDB files copy it. Here the owner of a listpack keeps two things
apart: `body`, the entries alone, an immutable `bytes`; and the number of entries. `seal` adds header and end mark when
the blob leaves the process, `unseal` checks and strips a blob that came in. A changed listpack is a new `bytes`.

    blob    total bytes  u32 le | entries  u16 le, 65535 = count them | body | 0xFF
    entry   encoding and data  | backlen

    0xxxxxxx                             integer 0..127
    10llllll data                        string of up to 63 bytes
    110xxxxx xxxxxxxx                    integer -4096..4095, two's complement of 13 bits, high byte first
    1110llll llllllll data               string of up to 4095 bytes, high byte of the length first
    11110000 llllllll x 4 data           string of any length, u32 le
    11110001 x 2 ... 11110100 x 8        integer of 16, 24, 32 or 64 bits, two's complement, le
    backlen                              size of the entry before it, 7 bits a byte, most significant first; every byte
                                         but the first has its top bit set, so it is read from its end backwards

A string that is a canonical 64-bit integer is always stored as one, in the narrowest encoding. So an element has one
form only, and two elements are equal if their entries are (`unseal` brings foreign blobs to that form).

How it is used: an entry is addressed by its offset in `body`. `encode` turns an element into an entry once; it is then
found, inserted or put in place of another without being encoded again. Offsets are valid until the body changes.
All reads are range-checked, none can leave the body; on a body that did not pass `unseal` they may raise IndexError.

Measured compiled (one core, 10-byte elements; ns per operation at 60 B / 300 B / 8 KB, and a range of 25 elements):

                 push at end      push at front     pop            range of 25
    bytes        27 / 28 / 119    27 / 28 / 122     25 / 25 / 113    422
    bytearray    48 / 43 / 41     about 160         about 160       3081

A `bytearray` appends to 8 KB faster, but every index into it and every element taken out is a generic call.

Source: the listpack specification by Salvatore Sanfilippo; golden blobs recorded from a real server in the tests.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i16_le, write_i32_le, write_i64_le
from librt.vecs import vec
from mypy_extensions import i16, i32, i64, u8

from hognose.datastructures.numbers import canonical_int, canonical_value, format_i64

HEADER_BYTES: Final = 6
OVERHEAD_BYTES: Final = 7
"""What a blob has beside its body: the header and the end mark."""
END_MARK: Final = 0xFF
NINE: Final = 0x39
COUNT_UNKNOWN: Final = 65535

STRING6: Final = 0x80
INT13: Final = 0xC0
STRING12: Final = 0xE0
STRING32: Final = 0xF0
INT16: Final = 0xF1
INT24: Final = 0xF2
INT32: Final = 0xF3
INT64: Final = 0xF4
MAX_BLOB_BYTES: Final = 1 << 30
"""The most a listpack of a value may take, header and end included."""
MAX_STRING6: Final = 63
MAX_STRING12: Final = 4095
LONGEST_INT_TEXT: Final = 20

ONE_BYTE: Final[list[bytes]] = [bytes([byte]) for byte in range(256)]
SMALL_INT_TEXT: Final[list[bytes]] = [str(value).encode() for value in range(128)]
SMALL_INT_ENTRY: Final[list[bytes]] = [bytes([value, 1]) for value in range(128)]
MARK_BITS: Final = 12
MARKS: Final = 1 << MARK_BITS
"""So many that the fields of a usual hash hardly ever share one."""
HASH_BITS: Final = 48
HASH_MASK: Final = (1 << HASH_BITS) - 1
HASH_FACTOR: Final = 0x9E3779B97F4B
"""The golden ratio's fraction in as many bits, made odd: spreads what it multiplies over the high ones (Knuth)."""
LONG_COMPARE: Final = 64
"""From this size on, comparing through a slice is cheaper than byte by byte."""


# Entries


def encode(element: bytes) -> bytes:
    """Makes the entry of an element, an integer entry if it is the text of a 64-bit integer.

    Complexity:
        O(len(element)).
    """
    size: i64 = len(element)
    if size <= LONGEST_INT_TEXT and canonical_int(element):
        return encode_i64(canonical_value(element))
    if size <= MAX_STRING6:
        return b"%b%b%b" % (ONE_BYTE[STRING6 | size], element, ONE_BYTE[size + 1])
    if size <= MAX_STRING12:
        return b"%b%b%b%b" % (
            ONE_BYTE[STRING12 | (size >> 8)],
            ONE_BYTE[size & 255],
            element,
            encode_backlen(size + 2),
        )
    writer = BytesWriter()
    writer.append(u8(STRING32))
    write_i32_le(writer, i32(size))
    return b"%b%b%b" % (writer.getvalue(), element, encode_backlen(size + 5))


def encode_i64(value: i64) -> bytes:
    """Makes the entry of an integer."""
    if 0 <= value <= 127:
        return SMALL_INT_ENTRY[value]
    if -4096 <= value <= 4095:
        return b"%b%b\x02" % (ONE_BYTE[INT13 | ((value >> 8) & 31)], ONE_BYTE[value & 255])
    writer = BytesWriter()
    if -32768 <= value <= 32767:
        writer.append(u8(INT16))
        write_i16_le(writer, i16(value))
        writer.append(3)
    elif -8388608 <= value <= 8388607:
        writer.append(u8(INT24))
        write_i16_le(writer, i16(value & 0x7FFF) | i16(-0x8000 if value & 0x8000 else 0))
        writer.append(u8((value >> 16) & 255))
        writer.append(4)
    elif -2147483648 <= value <= 2147483647:
        writer.append(u8(INT32))
        write_i32_le(writer, i32(value))
        writer.append(5)
    else:
        writer.append(u8(INT64))
        write_i64_le(writer, value)
        writer.append(9)
    return writer.getvalue()


def encode_all(elements: list[bytes]) -> bytes:
    """Makes the body that holds these elements in order."""
    return b"".join([encode(element) for element in elements])


def entry_size(body: bytes, at: i64) -> i64:
    """Returns the size of the entry at an offset, its backlen included."""
    first: i64 = body[at]
    if first < STRING6:
        return 2
    if first < INT13:
        return (first & 63) + 2
    size = encoded_size(body, at)
    return size + backlen_size(size)


def encoded_size(body: bytes, at: i64) -> i64:
    """Returns the size of the entry at an offset without its backlen."""
    first: i64 = body[at]
    if first < STRING6:
        return 1
    if first < INT13:
        return (first & 63) + 1
    if first < STRING12:
        return 2
    if first < STRING32:
        return (((first & 15) << 8) | body[at + 1]) + 2
    if first == STRING32:
        return u32_le(body, at + 1) + 5
    if first < INT64:
        return first - INT16 + 3
    if first == INT64:
        return 9
    raise ValueError("bad listpack encoding")


def u32_le(data: bytes, at: i64) -> i64:
    """Reads four bytes as an unsigned little-endian integer."""
    low: i64 = data[at]
    second: i64 = data[at + 1]
    third: i64 = data[at + 2]
    high: i64 = data[at + 3]
    return low | (second << 8) | (third << 16) | (high << 24)


def backlen_size(size: i64) -> i64:
    """Returns how many bytes the backlen of an entry takes; the real bounds are these, from 14 bits on one too low."""
    if size <= 127:
        return 1
    if size < 16383:
        return 2
    if size < 2097151:
        return 3
    if size < 268435455:
        return 4
    return 5


def encode_backlen(size: i64) -> bytes:
    """Makes the backlen of an entry that takes `size` bytes without it."""
    length = backlen_size(size)
    if length == 1:
        return ONE_BYTE[size]
    if length == 2:
        return b"%b%b" % (ONE_BYTE[size >> 7], ONE_BYTE[(size & 127) | 128])
    shift = 7 * (length - 1)
    writer = BytesWriter()
    writer.append(u8(size >> shift))
    while shift > 0:
        shift -= 7
        writer.append(u8(((size >> shift) & 127) | 128))
    return writer.getvalue()


def is_int(body: bytes, at: i64) -> bool:
    """Tells whether the entry at an offset is an integer."""
    first: i64 = body[at]
    return first < STRING6 or INT13 <= first < STRING12 or first > STRING32


def get_i64(body: bytes, at: i64) -> i64:
    """Returns the value of the integer entry at an offset."""
    first: i64 = body[at]
    if first < STRING6:
        return first
    low: i64 = body[at + 1]
    if first < STRING12:
        value = ((first & 31) << 8) | low
        return value - 8192 if value >= 4096 else value
    if first == INT64:
        return read_i64_le(body, at + 1)
    value = low | (i64(body[at + 2]) << 8)
    if first == INT16:
        return value - 0x10000 if value >= 0x8000 else value
    value |= i64(body[at + 3]) << 16
    if first == INT24:
        return value - 0x1000000 if value >= 0x800000 else value
    value |= i64(body[at + 4]) << 24
    return value - 0x100000000 if value >= 0x80000000 else value


def get(body: bytes, at: i64) -> bytes:
    """Returns the element at an offset, an integer as its text.

    Complexity:
        O(len(element)).
    """
    first: i64 = body[at]
    if STRING6 <= first < INT13:
        start = at + 1
        return body[start : start + (first & 63)]
    if first < STRING6:
        return SMALL_INT_TEXT[first]
    if is_int(body, at):
        return format_i64(get_i64(body, at))
    size = encoded_size(body, at)
    start = at + 5 if first == STRING32 else at + 2
    return body[start : at + size]


# Positions


def previous_offset(body: bytes, at: i64) -> i64:
    """Returns the offset of the entry before the offset `at`, which may be the end of the body but not its start."""
    i = at - 1
    byte: i64 = body[i]
    size = byte & 127
    shift: i64 = 7
    while byte & 128:
        i -= 1
        byte = body[i]
        size |= (byte & 127) << shift
        shift += 7
    return i - size


def skip(body: bytes, at: i64, entries: i64) -> i64:
    """Returns the offset so many entries behind an offset.

    Complexity:
        O(entries), a few nanoseconds each.
    """
    left = entries
    while left > 0:
        first: i64 = body[at]
        if STRING6 <= first < INT13:
            at += (first & 63) + 2
        else:
            at += entry_size(body, at)
        left -= 1
    return at


def seek(body: bytes, count: i64, index: i64) -> i64:
    """Returns the offset of the entry with a 0-based index, walking from the nearer end.

    Args:
        body: The entries.
        count: How many there are.
        index: From 0; `count` gives the end of the body.

    Complexity:
        O(min(index, count - index)).
    """
    if index <= count // 2:
        return skip(body, 0, index)
    at: i64 = len(body)
    left = count - index
    while left > 0:
        at = previous_offset(body, at)
        left -= 1
    return at


def count_entries(body: bytes) -> i64:
    """Counts the entries of a body. O(N)."""
    at: i64 = 0
    size: i64 = len(body)
    count: i64 = 0
    while at < size:
        at += entry_size(body, at)
        count += 1
    return count


class Marks:
    """Which hashes have come by since a look began: a slot has the number of the look that met it last.

    So nothing has to be cleared for each of many small listpacks.
    """

    def __init__(self) -> None:
        self.looks: vec[i64] = vec[i64]([0] * MARKS)
        self.look: i64 = 0


SEEN: Final = Marks()


def survey(body: bytes, stride: i64) -> tuple[i64, bool]:
    """Looks at what a listpack of a file holds, in groups of entries: members, fields with values and so on.

    Args:
        body: Entries in their proper form, as `unseal` returns them.
        stride: How many entries make a group.

    Returns:
        How many entries there are, and whether the first of each group is there once.

    Complexity:
        O(N).
    """
    at: i64 = 0
    size: i64 = len(body)
    count: i64 = 0
    place: i64 = 0
    may_repeat = False
    looks = SEEN.looks
    SEEN.look += 1
    look = SEEN.look
    while at < size:
        first: i64 = body[at]
        end = at + (first & 63) + 2 if STRING6 <= first < INT13 else at + entry_size(body, at)
        if place == 0:
            mark = hash_of_entry(body, at, end)
            may_repeat = may_repeat or looks[mark] == look
            looks[mark] = look
        place += 1
        if place == stride:
            place = 0
        count += 1
        at = end
    return count, not may_repeat or are_distinct(body, stride)


def hash_of_entry(body: bytes, at: i64, end: i64) -> i64:
    """A number below MARKS that equal entries have in common."""
    value: i64 = 0
    last = end - 8
    if last < at:
        while at < end:
            value = mixed(value, body[at])
            at += 1
        return value >> (HASH_BITS - MARK_BITS)
    while at < last:
        value = mixed(value, read_i64_le(body, at))
        at += 8
    value = mixed(value, read_i64_le(body, last))  # some of it for the second time
    return value >> (HASH_BITS - MARK_BITS)


def mixed(value: i64, word: i64) -> i64:
    """Goes on with a hash."""
    return (value ^ word ^ (word >> 32)) * HASH_FACTOR & HASH_MASK


def are_distinct(body: bytes, stride: i64) -> bool:
    """Whether the first entries of groups differ from each other. O(N)."""
    at: i64 = 0
    size: i64 = len(body)
    place: i64 = 0
    groups: i64 = 0
    firsts: set[bytes] = set()
    while at < size:
        end = at + entry_size(body, at)
        if place == 0:
            firsts.add(body[at:end])
            groups += 1
        place = place + 1 if place + 1 < stride else 0
        at = end
    return len(firsts) == groups


def entry_equals(body: bytes, at: i64, entry: bytes) -> bool:
    """Tells whether the entry at an offset is equal to an encoded one."""
    if body[at] != entry[0]:
        return False
    size: i64 = len(entry)
    if at + size > len(body):
        return False
    if size >= LONG_COMPARE:
        return body[at : at + size] == entry
    i = size - 1
    while i > 0:
        if body[at + i] != entry[i]:
            return False
        i -= 1
    return True


def find(body: bytes, entry: bytes, start: i64, step: i64) -> i64:
    """Finds the first entry equal to an encoded one.

    Args:
        body: The entries.
        entry: What `encode` made of the wanted element.
        start: The offset of the first entry to look at.
        step: 1 looks at every entry, 2 at every other one (fields but not values), and so on.

    Returns:
        Its offset, or -1.

    Complexity:
        O(N), without decoding an element.
    """
    at = start
    size: i64 = len(body)
    wanted: i64 = entry[0]
    # Entries of up to 63 bytes with equal first bytes are equally long, and their last bytes differ more often.
    last_at: i64 = len(entry) - 2 if wanted < INT13 else 0
    last: i64 = entry[last_at]
    passed_over = step - 1
    while at < size:
        first: i64 = body[at]
        if first == wanted and body[at + last_at] == last and entry_equals(body, at, entry):
            return at
        if STRING6 <= first < INT13:
            at += (first & 63) + 2
        else:
            at += entry_size(body, at)
        if passed_over:
            at = skip(body, at, passed_over)
    return -1


# Reading many


def extend_list(out: list[bytes], body: bytes, at: i64, entries: i64, step: i64 = 1) -> None:
    """Appends elements to a list, in order.

    Args:
        out: Where they go.
        body: The entries.
        at: The offset of the first.
        entries: How many to append.
        step: 2 takes every other one: fields alone, or values alone.

    Complexity:
        O(entries * step).
    """
    left = entries
    passed_over = step - 1
    while left > 0:
        first: i64 = body[at]
        if STRING6 <= first < INT13:
            end = at + 1 + (first & 63)
            out.append(body[at + 1 : end])
            at = end + 1
        else:
            out.append(get(body, at))
            at += entry_size(body, at)
        left -= 1
        if passed_over and left > 0:
            at = skip(body, at, passed_over)


def extend_list_backward(out: list[bytes], body: bytes, end: i64, entries: i64) -> None:
    """Appends the elements before the offset `end` to a list, the last one first."""
    at = end
    left = entries
    while left > 0:
        at = previous_offset(body, at)
        out.append(get(body, at))
        left -= 1


def elements(body: bytes) -> list[bytes]:
    """Returns all elements in order. O(N)."""
    out: list[bytes] = []
    extend_list(out, body, 0, count_entries(body))
    return out


# Changing


def append(body: bytes, element: bytes) -> bytes:
    """Returns the body with an element behind its last one, copied once. O(len(body))."""
    size: i64 = len(element)
    if size <= MAX_STRING6 and not canonical_int(element):
        return b"%b%b%b%b" % (body, ONE_BYTE[STRING6 | size], element, ONE_BYTE[size + 1])
    return body + encode(element)


def prepend(body: bytes, element: bytes) -> bytes:
    """Returns the body with an element before its first one, copied once. O(len(body))."""
    size: i64 = len(element)
    if size <= MAX_STRING6 and not canonical_int(element):
        return b"%b%b%b%b" % (ONE_BYTE[STRING6 | size], element, ONE_BYTE[size + 1], body)
    return encode(element) + body


def insert(body: bytes, at: i64, entries: bytes) -> bytes:
    """Returns the body with encoded entries put in at an offset. O(len(body))."""
    if at == len(body):
        return body + entries
    if at == 0:
        return entries + body
    return b"%b%b%b" % (body[:at], entries, body[at:])


def replace(body: bytes, at: i64, entry: bytes) -> bytes:
    """Returns the body with the entry at an offset exchanged for an encoded one. O(len(body))."""
    return b"%b%b%b" % (body[:at], entry, body[at + entry_size(body, at) :])


def remove(body: bytes, at: i64, entries: i64) -> bytes:
    """Returns the body without so many entries from an offset on. O(len(body))."""
    return cut(body, at, skip(body, at, entries))


def cut(body: bytes, start: i64, end: i64) -> bytes:
    """Returns the body without what lies between two offsets. O(len(body))."""
    if start == 0:
        return body[end:]
    if end == len(body):
        return body[:start]
    return body[:start] + body[end:]


# Blobs


def seal(body: bytes, count: i64) -> bytes:
    """Makes the blob that DUMP and RDB files hold.

    Args:
        body: The entries.
        count: How many there are.
    """
    writer = BytesWriter()
    write_i32_le(writer, i32(len(body) + OVERHEAD_BYTES))
    known = min(count, COUNT_UNKNOWN)
    writer.append(u8(known & 255))
    writer.append(u8(known >> 8))
    writer.write(body)
    writer.append(u8(END_MARK))
    return writer.getvalue()


def unseal(blob: bytes) -> bytes:
    """Checks every byte of a blob and returns its body, each element in its one proper form.

    Raises:
        ValueError: It is not a listpack; nothing is ever read outside it.

    Complexity:
        O(N).
    """
    is_proper = validate(blob)
    body = blob[HEADER_BYTES : len(blob) - 1]
    return body if is_proper else encode_all(elements(body))


def validate(blob: bytes) -> bool:
    """Checks header, end mark, every entry and every backlen of a blob.

    Returns:
        Whether every element is in the form `encode` gives it.

    Raises:
        ValueError: Something does not fit.
    """
    size: i64 = len(blob)
    if size < OVERHEAD_BYTES:
        raise ValueError("listpack shorter than its header")
    if u32_le(blob, 0) != size or blob[size - 1] != END_MARK:
        raise ValueError("listpack of another size than its header says")
    end = size - 1
    at: i64 = HEADER_BYTES
    count: i64 = 0
    is_proper = True
    while at < end:
        count += 1
        first: i64 = blob[at]
        length = (first & 63) + 1
        if STRING6 < first < INT13 and at + length < end and blob[at + length] == length and blob[at + 1] > NINE:
            at += length + 1  # most entries: a short text that is no number
            continue
        after = checked_end(blob, at, end)
        is_proper = is_proper and is_canonical_entry(blob, at)
        at = after
    claimed = i64(blob[4]) | (i64(blob[5]) << 8)
    if claimed not in (count, COUNT_UNKNOWN):
        raise ValueError("listpack with another number of entries than its header says")
    return is_proper


def checked_end(blob: bytes, at: i64, end: i64) -> i64:
    """Returns where the entry at an offset ends.

    Raises:
        ValueError: It is of no known kind, reaches beyond `end` or has a wrong backlen.
    """
    first: i64 = blob[at]
    if STRING6 <= first < INT13:
        length = (first & 63) + 1
        if at + length < end and blob[at + length] == length:
            return at + length + 1
        raise ValueError("bad listpack entry")
    if first < STRING6:
        if at + 1 < end and blob[at + 1] == 1:
            return at + 2
        raise ValueError("bad listpack entry")
    length_bytes: i64 = 5 if first == STRING32 else (2 if STRING12 <= first < STRING32 else 1)
    if first > INT64 or at + length_bytes > end:
        raise ValueError("bad listpack entry")
    size = encoded_size(blob, at)
    after = at + size + backlen_size(size)
    if after > end or blob[at + size : after] != encode_backlen(size):
        raise ValueError("bad listpack entry")
    return after


def check_invariants(body: bytes) -> None:
    """Raises AssertionError if these are not the entries that the real server would have written. O(N)."""
    assert is_canonical(body)
    assert len(body) + OVERHEAD_BYTES <= MAX_BLOB_BYTES


def is_canonical(body: bytes) -> bool:
    """Tells whether every element of a valid body is in the form `encode` gives it. O(N)."""
    at: i64 = 0
    size: i64 = len(body)
    while at < size:
        if not is_canonical_entry(body, at):
            return False
        at += entry_size(body, at)
    return True


def is_canonical_entry(body: bytes, at: i64) -> bool:
    """Tells whether the entry at an offset is in the form `encode` gives its element."""
    first: i64 = body[at]
    if first < STRING6:
        return True
    if STRING6 < first < INT13:
        byte: i64 = body[at + 1]
        if byte > NINE or (first & 63) > LONGEST_INT_TEXT:
            return True
    if is_int(body, at):
        return len(encode_i64(get_i64(body, at))) == entry_size(body, at)
    length = encoded_size(body, at)
    if first < INT13:
        return length - 1 > LONGEST_INT_TEXT or not canonical_int(get(body, at))
    if first < STRING32:
        return length - 2 > MAX_STRING6
    return length - 5 > MAX_STRING12
