"""From the bytes of an RDB file or a DUMP payload to a value: every type in every encoding there has been.

A blob in a form this server has itself (listpack, intset) is checked and kept; older forms (ziplist, zipmap) are turned
into it. Either way every byte is checked first, so that what gets past here holds the invariants of its structure.
Streams are in `rdb_read_streams`. Not here: keys, deadlines, databases (`rdb_reader`), checksums of payloads (`dump`).
"""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures import intset, listpack
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.numbers import parse_double
from hognose.datastructures.quicklist import ListValue, list_from_nodes
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ADDED, ZSetValue
from hognose.persistence import rdb_format as rdb
from hognose.persistence.rdb_format import EmptyCollectionError, RdbError, ValueLimits
from hognose.persistence.rdb_modules import read_module_name
from hognose.persistence.rdb_old_encodings import ziplist_elements, zipmap_elements
from hognose.persistence.rdb_read_streams import read_stream, skip_producers
from hognose.persistence.rdb_sketches import read_sketch
from hognose.persistence.rdb_source import RdbSource

BLOBS: Final[dict[int, str]] = {
    rdb.LIST_ZIPLIST: "List ziplist",
    rdb.LIST_QUICKLIST: "List ziplist",
    rdb.LIST_QUICKLIST_2: "List listpack",
    rdb.SET_INTSET: "Intset",
    rdb.SET_LISTPACK: "Set listpack",
    rdb.ZSET_ZIPLIST: "Zset ziplist",
    rdb.ZSET_LISTPACK: "Zset listpack",
    rdb.HASH_ZIPMAP: "Zipmap",
    rdb.HASH_ZIPLIST: "Hash ziplist",
    rdb.HASH_LISTPACK: "Hash listpack",
    rdb.HASH_TRIPLES: "Hash listpack",
    rdb.STREAM: "Stream listpack",
    rdb.STREAM_2: "Stream listpack",
    rdb.STREAM_3: "Stream listpack",
    rdb.STREAM_4: "Stream listpack",
}
"""What is damaged, by type of value."""

PAIR: Final = 2
TRIPLE: Final = 3
TWICE: Final = "the same element twice"
SCORE_NAN: Final = 253
SCORE_INFINITE: Final = 254
SCORE_MINUS_INFINITE: Final = 255


def read_value(source: RdbSource, kind: i64, limits: ValueLimits, is_valkey: bool) -> object:
    """Reads the value that follows its type.

    Args:
        source: Where it comes from.
        kind: Its type, one of the value types of `rdb_format`.
        limits: What the value is made with.
        is_valkey: Whether types 22 and 23 have Valkey's meaning.

    Returns:
        A string as bytes or int, or a `Value`.

    Raises:
        EmptyCollectionError: It is a collection without elements; it was read to its end.
        RdbError: It is damaged, or of a type unknown here.

    Complexity:
        O(N).
    """
    if kind == rdb.STRING:
        return source.string_value()
    try:
        value = _read_collection(source, kind, limits, is_valkey)
    except RdbError:
        raise
    except (ValueError, IndexError) as error:
        raise source.error(f"{BLOBS.get(int(kind), 'Value')} integrity check failed: {error}") from None
    if int(kind) in BLOBS:
        limits.checked_values += 1
    if value.length() == 0 and not isinstance(value, StreamValue):
        raise EmptyCollectionError("Collection without elements", source.offset())
    return value


def _read_collection(source: RdbSource, kind: i64, limits: ValueLimits, is_valkey: bool) -> Value:
    if kind == rdb.HASH_LISTPACK:
        return hash_of_body(listpack.unseal(source.string()), PAIR, limits)
    if kind == rdb.HASH:
        return read_pairs(source, limits)
    if kind in (rdb.LIST, rdb.LIST_ZIPLIST, rdb.LIST_QUICKLIST, rdb.LIST_QUICKLIST_2):
        return read_list(source, kind, limits)
    if kind in (rdb.SET, rdb.SET_INTSET, rdb.SET_LISTPACK):
        return read_set(source, kind, limits)
    if kind in (rdb.ZSET, rdb.ZSET_BINARY):
        return read_scored_members(source, kind, limits)
    if kind == rdb.ZSET_ZIPLIST:
        return zset_of_body(listpack.encode_all(ziplist_elements(source.string())), limits)
    if kind == rdb.ZSET_LISTPACK:
        return zset_of_body(listpack.unseal(source.string()), limits)
    if kind in (rdb.STREAM, rdb.STREAM_2, rdb.STREAM_3):
        return read_stream(source, kind)
    if not is_valkey and kind == rdb.STREAM_4:
        stream = read_stream(source, rdb.STREAM_3)
        skip_producers(source)
        return stream
    if kind == rdb.HASH_ZIPMAP:
        return hash_of_zipmap(source.string(), limits)
    if kind == rdb.HASH_ZIPLIST:
        return hash_of_body(listpack.encode_all(ziplist_elements(source.string())), PAIR, limits)
    if is_valkey and kind == rdb.VALKEY_HASH_DEADLINES:
        return read_valkey_hash(source, limits)
    if not is_valkey and kind in (rdb.HASH_DEADLINES, rdb.HASH_DEADLINES_EARLY):
        return read_hash_with_deadlines(source, limits, is_early=kind == rdb.HASH_DEADLINES_EARLY)
    if not is_valkey and kind in (rdb.HASH_TRIPLES, rdb.HASH_TRIPLES_EARLY):
        if kind == rdb.HASH_TRIPLES:
            source.i64_le()  # the earliest deadline, which the listpack tells as well
        return hash_of_triples(listpack.unseal(source.string()), limits)
    if kind == rdb.MODULE:
        return read_sketch(source, read_module_name(source))
    if kind == rdb.MODULE_OLD:
        raise source.error("Value of a module, which only the module could read")
    what = "" if is_valkey else rdb.NOT_HERE.get(int(kind), "")
    if what:
        raise source.error(f"Type of value {kind} of newer Redis, {what}, which there is not here,")
    raise source.error(f"Unknown type of value {kind}")


# Lists


def read_list(source: RdbSource, kind: i64, limits: ValueLimits) -> ListValue:
    """Reads a list: elements one by one, one ziplist, or nodes."""
    if kind in (rdb.LIST, rdb.LIST_ZIPLIST):
        value = ListValue(limits.lists)
        value.push_tail(read_strings(source) if kind == rdb.LIST else ziplist_elements(source.string()))
        return value
    payloads: list[bytes] = []
    plain: list[bool] = []
    left = source.count()
    while left > 0:
        is_plain = False
        if kind == rdb.LIST_QUICKLIST_2:
            container = source.length()
            if container not in (rdb.NODE_PLAIN, rdb.NODE_PACKED):
                raise source.error("List node of no known kind")
            is_plain = container == rdb.NODE_PLAIN
            payloads.append(source.string())
        else:
            elements = ziplist_elements(source.string())
            payloads.append(listpack.seal(listpack.encode_all(elements), len(elements)))
        plain.append(is_plain)
        left -= 1
    return list_from_nodes(limits.lists, payloads, plain)


def read_strings(source: RdbSource) -> list[bytes]:
    """Reads a number of strings and the strings."""
    left = source.count()
    out: list[bytes] = []
    while left > 0:
        out.append(source.string())
        left -= 1
    return out


# Sets


def read_set(source: RdbSource, kind: i64, limits: ValueLimits) -> SetValue:
    """Reads a set: members one by one, an intset or a listpack."""
    value = SetValue(limits.sets)
    if kind == rdb.SET_INTSET:
        blob = source.string()
        intset.validate(blob)
        value.adopt_intset(blob)
    elif kind == rdb.SET_LISTPACK:
        body = listpack.unseal(source.string())
        count, is_distinct = listpack.survey(body, 1)
        if not is_distinct:
            raise ValueError(TWICE)
        value.adopt_listpack(body, count)
    else:
        members = read_strings(source)
        if members:
            value.prepare(members[0], len(members))
        for member in members:
            if not value.add(member):
                raise source.error("Set with a member twice")
    return value


def check_distinct(texts: list[bytes]) -> None:
    """Raises ValueError if a text is there twice."""
    if len(set(texts)) != len(texts):
        raise ValueError(TWICE)


# Sorted sets


def read_scored_members(source: RdbSource, kind: i64, limits: ValueLimits) -> ZSetValue:
    """Reads a sorted set whose members stand one by one, each followed by its score, in either order of scores."""
    left = source.count()
    members: list[bytes] = []
    scores: list[float] = []
    while left > 0:
        members.append(source.string())
        score = source.double() if kind == rdb.ZSET_BINARY else read_score_text(source)
        if score != score:  # noqa: PLR0124 - NaN, the one value that differs from itself
            raise source.error("Sorted set with a score that is no number")
        scores.append(score)
        left -= 1
    if len(scores) > 1 and scores[0] > scores[len(scores) - 1]:
        members.reverse()
        scores.reverse()
    return zset_of(members, scores, limits)


def read_score_text(source: RdbSource) -> float:
    """Reads a score as old servers wrote it: the size of its text and the text, sizes from 253 being the extremes."""
    size = source.byte()
    if size == SCORE_NAN:
        raise source.error("Sorted set with a score that is no number")
    if size == SCORE_INFINITE:
        return float("inf")
    if size == SCORE_MINUS_INFINITE:
        return float("-inf")
    return parse_double(source.take(size))


def zset_of(members: list[bytes], scores: list[float], limits: ValueLimits) -> ZSetValue:
    """Makes a sorted set; raises ValueError if a member is there twice."""
    value = ZSetValue(limits.zsets, len(members), 0)
    for index in range(len(members)):
        outcome, _ = value.add(members[index], scores[index])
        if outcome != ADDED:
            raise ValueError("sorted set with a member twice")
    return value


def zset_of_body(body: bytes, limits: ValueLimits) -> ZSetValue:
    """Makes a sorted set of a listpack's entries, keeping them if they are as this server would have written them."""
    flat = listpack.elements(body)
    if len(flat) % PAIR:
        raise ValueError("sorted set with a member without score")
    members = flat[::2]
    scores: list[float] = []
    in_order = True
    for index in range(len(members)):
        score = parse_double(flat[2 * index + 1])
        if score != score:  # noqa: PLR0124 - NaN, the one value that differs from itself
            raise ValueError("sorted set with a score that is no number")
        if index and (scores[index - 1], members[index - 1]) >= (score, members[index]):
            in_order = False
        scores.append(score)
    check_distinct(members)
    if not in_order:
        return zset_of(members, scores, limits)
    value = ZSetValue(limits.zsets)
    value.load_body(body, len(members))
    if len(members) > limits.zsets.max_entries:
        value.unpack()
    return value


# Hashes


def read_pairs(source: RdbSource, limits: ValueLimits) -> HashValue:
    """Reads a hash whose fields and values stand one by one."""
    left = source.count()
    value = HashValue(limits.hashes)
    value.reserve(left)
    while left > 0:
        field = source.string()
        if not value.set(field, source.string()):
            raise source.error("Hash with a field twice")
        left -= 1
    return value


def hash_of_body(body: bytes, stride: i64, limits: ValueLimits) -> HashValue:
    """Makes a hash of a listpack's entries: fields and values, with a stride of 3 deadlines too."""
    count, is_distinct = listpack.survey(body, stride)
    if count % stride:
        raise ValueError("hash with a field without value")
    if not is_distinct:
        raise ValueError(TWICE)
    value = HashValue(limits.hashes)
    value.adopt(body, stride, count // stride)
    return value


def hash_of_zipmap(blob: bytes, limits: ValueLimits) -> HashValue:
    """Makes a hash of the blob of very old servers; it becomes a table where a field or value is too long as well."""
    flat = zipmap_elements(blob)
    value = HashValue(limits.hashes)
    for index in range(0, len(flat), PAIR):
        if not value.set(flat[index], flat[index + 1]):
            raise ValueError(TWICE)
    return value


def hash_of_triples(body: bytes, limits: ValueLimits) -> HashValue:
    """Makes a hash of fields, values and deadlines, which must stand in the order of deadlines, those without last."""
    at: i64 = 0
    size: i64 = len(body)
    before: i64 = 1
    while at < size:
        for _ in range(2):
            at += listpack.entry_size(body, at)
            if at >= size:
                raise ValueError("hash with a field without deadline")
        if not listpack.is_int(body, at):
            raise ValueError("hash with a deadline that is no number")
        deadline = listpack.get_i64(body, at)
        if deadline < 0 or deadline > rdb.LATEST_FIELD_DEADLINE:
            raise ValueError("hash with an impossible deadline")
        if deadline != 0 and (before == 0 or deadline < before):
            raise ValueError("hash with deadlines out of order")
        before = deadline
        at += listpack.entry_size(body, at)
    return hash_of_body(body, TRIPLE, limits)


def read_hash_with_deadlines(source: RdbSource, limits: ValueLimits, is_early: bool) -> HashValue:
    """Reads a hash whose fields have deadlines: each 0 for none, else counted from the earliest, which counts as 1."""
    earliest = 0 if is_early else source.i64_le()
    if earliest < 0:
        raise source.error("Hash with an impossible deadline")
    left = source.count()
    value = HashValue(limits.hashes)
    value.reserve(left)
    while left > 0:
        deadline = source.number()
        if deadline > 0 and not is_early:
            deadline = min(int(deadline) + int(earliest) - 1, rdb.LATEST_FIELD_DEADLINE + 1)
        if deadline < 0 or deadline > rdb.LATEST_FIELD_DEADLINE:
            raise source.error("Hash with an impossible deadline")
        read_field(source, value, deadline)
        left -= 1
    return value


def read_valkey_hash(source: RdbSource, limits: ValueLimits) -> HashValue:
    """Reads Valkey's hash with deadlines, which follow each field and value as Unix ms, -1 for none."""
    left = source.count()
    value = HashValue(limits.hashes)
    value.reserve(left)
    while left > 0:
        field = source.string()
        text = source.string()
        deadline = source.i64_le()
        put_field(source, value, field, text, 0 if deadline == -1 else min(deadline, rdb.LATEST_FIELD_DEADLINE))
        left -= 1
    return value


def read_field(source: RdbSource, value: HashValue, deadline: i64) -> None:
    """Reads a field with its value into a hash."""
    field = source.string()
    put_field(source, value, field, source.string(), deadline)


def put_field(source: RdbSource, value: HashValue, field: bytes, text: bytes, deadline: i64) -> None:
    """Puts a field that is not there yet into a hash."""
    if deadline < 0:
        raise source.error("Hash with an impossible deadline")
    if not value.set(field, text):
        raise source.error("Hash with a field twice")
    if deadline:
        value.set_deadline(field, deadline)
