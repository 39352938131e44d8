"""A dump as JSON, one key per line.

    {"db": 0, "key": "k", "type": "hash", "expires_at_ms": 4102444800000, "value": [["field", "value"], ...]}

    string    text                         set     [member, ...]
    list      [element, ...]               zset    [[member, score], ...]      infinite scores: "inf", "-inf"
    hash      [[field, value], ...]        with a deadline of the field in Unix ms: [field, value, deadline]
    stream    {"entries": [{"id", "fields": [[field, value], ...]}], "last_id", "max_deleted_id", "entries_added",
               "groups": [{"name", "last_id", "entries_read", "consumers": [{"name", "seen_ms", "active_ms"}],
                           "pending": [{"id", "consumer", "delivered_ms", "deliveries"}]}]}

Text that is not UTF-8 is {"base64": "..."}. Libraries of functions are lines {"function": source}. Values of other
types are {"dump": base64}: the payload that RESTORE takes.
"""

import base64
import json
import math
from typing import Final, TextIO

from mypy_extensions import i64

from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_groups import ConsumerGroup
from hognose.datastructures.stream_id import MAX_U64
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.persistence.dump_payload import dump_value
from hognose.persistence.rdb_reader import UNSET, KeyAttributes
from hognose.persistence.rdb_source import RdbSource
from hognose.tools.dump_scan import DumpScan

MAX_ID: Final = 2**128 - 1
DUMP_VERSION: Final = 11


class JsonLines(DumpScan):
    """Writes what it reads as JSON lines."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out: Final = out

    def store_library(self, source: RdbSource, text: bytes) -> None:
        self.libraries += 1
        self._write({"function": readable(text)})

    def visit(self, key: bytes, value: object, attributes: KeyAttributes) -> None:
        kind = value.type_name().decode() if isinstance(value, Value) else "string"
        line: dict[str, object] = {"db": self.index, "key": readable(key), "type": kind}
        if attributes.deadline_ms != UNSET:
            line["expires_at_ms"] = int(attributes.deadline_ms)
        line["value"] = content(value)
        self._write(line)

    def _write(self, line: dict[str, object]) -> None:
        self._out.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def readable(text: bytes) -> object:
    """Text as JSON has it. O(N)."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(text).decode()}


def content(value: object) -> object:
    """A value as JSON has it. O(N)."""
    if isinstance(value, bytes):
        return readable(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, ListValue):
        elements: list[bytes] = []
        value.extend(elements, 0, value.length())
        return [readable(element) for element in elements]
    if isinstance(value, SetValue):
        return [readable(member) for member in value.members()]
    if isinstance(value, HashValue):
        return hash_content(value)
    if isinstance(value, ZSetValue):
        scores = value.scores(0, value.length())
        members = value.members(0, value.length())
        return [[readable(member), json_score(scores[index])] for index, member in enumerate(members)]
    if isinstance(value, StreamValue):
        return stream_content(value)
    return {"dump": base64.b64encode(dump_value(value, DUMP_VERSION, None)).decode()}


def json_score(score: float) -> object:
    """A score as JSON has it: whole numbers without a fraction, infinity as text."""
    if math.isinf(score):
        return "inf" if score > 0 else "-inf"
    return int(score) if score.is_integer() and abs(score) < 2**53 else score


def hash_content(value: HashValue) -> object:
    """The fields of a hash."""
    pairs = value.pairs()
    found: list[list[object]] = []
    for index in range(0, len(pairs), 2):
        row: list[object] = [readable(pairs[index]), readable(pairs[index + 1])]
        deadline: i64 = value.deadline(pairs[index])
        if deadline > 0:
            row.append(int(deadline))
        found.append(row)
    return found


def id_text(entry_id: int) -> str:
    """An ID as commands show it."""
    return f"{entry_id >> 64}-{entry_id & MAX_U64}"


def stream_content(value: StreamValue) -> object:
    """The entries of a stream, its counters and groups."""
    entries: list[object] = []
    cursor = value.cursor(0, MAX_ID)
    while cursor.advance():
        pairs = cursor.pairs()
        fields = [[readable(pairs[index]), readable(pairs[index + 1])] for index in range(0, len(pairs), 2)]
        entries.append({"id": cursor.id_text().decode(), "fields": fields})
    return {
        "entries": entries,
        "last_id": id_text(value.last_id),
        "max_deleted_id": id_text(value.max_deleted_id),
        "entries_added": value.entries_added,
        "groups": [group_content(group) for group in value.groups.values()],
    }


def group_content(group: ConsumerGroup) -> object:
    """A consumer group."""
    pending: list[object] = []
    for entry_id in sorted(group.pending.by_id):
        record = group.pending.by_id[entry_id]
        pending.append(
            {
                "id": id_text(entry_id),
                "consumer": readable(record.consumer),
                "delivered_ms": int(record.delivery_time_ms),
                "deliveries": int(record.delivery_count),
            }
        )
    consumers = [
        {
            "name": readable(name),
            "seen_ms": int(group.consumers[name].seen_time_ms),
            "active_ms": int(group.consumers[name].active_time_ms),
        }
        for name in sorted(group.consumers)
    ]
    return {
        "name": readable(group.name),
        "last_id": id_text(group.last_id),
        "entries_read": group.entries_read,
        "consumers": consumers,
        "pending": pending,
    }
