"""Between Lua's values and the server's: the arguments of redis.call, and replies on their way into a script.

    reply                 in a script
    integer               number
    bulk                  string
    status                table with a field ok
    error                 table with a field err; redis.call raises it
    array                 table with the elements from 1 on
    null                  false; nil in RESP3

    RESP3 only
    boolean               boolean
    double                table with a field double
    map, set              tables with a field map or set; members of a set are keys of true
    verbatim, big number  tables with fields verbatim_string (format, string) or big_number

Plain values go as themselves. Others go as several results of which the first is nil and the second a number that says
what; `sandbox.lua` makes them up. Source: "Redis Lua API reference" of redis.io.
"""

import math
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from hognose.datastructures.numbers import format_double
from hognose.resp.reply import (
    NULL_ARRAY,
    BigNumber,
    Encoded,
    ErrorReply,
    MapReply,
    SetReply,
    Simple,
    Verbatim,
)
from hognose.scripting.replies import decode

FLAT: Final = 0
FAILED: Final = 1
STATUS: Final = 2
BUILT: Final = 3
NIL: Final = 4
TRUE: Final = 5
LONG: Final = 6

PART: Final = 1000
"""So many elements of an array go at once: well below what Lua's stack has room for."""
ELEMENT_BYTES: Final = 64
"""What an element of a table takes besides its text: its place, and the head of a string or table."""
NOT_PLAIN: Final = -1
HALF_I64: Final = 2**62
"""Integers up to here are written as such; beyond, as doubles. Source: the limits of real servers."""

NIL_RESULT: Final = (None, NIL)

MakeTable = Callable[..., object]
"""Makes a Lua table of nested lists and dicts."""


def argument_of(value: object) -> bytes | None:
    """An argument of redis.call as the command gets it; None if it is neither string nor number."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        if -HALF_I64 <= value <= HALF_I64:
            return b"%d" % value
        return format_double(float(value))
    if isinstance(value, float):
        if math.isnan(value):
            return b"-nan" if math.copysign(1.0, value) < 0 else b"nan"
        return format_double(value)
    return None


def failed(text: str, counted: bool) -> object:
    """An error on its way into a script."""
    return (None, FAILED, text.encode("utf-8", "surrogateescape"), counted)


def plain_bytes(items: list[object]) -> i64:
    """How many bytes the elements of an array occupy in Lua, about; NOT_PLAIN if some do not go as themselves."""
    total: i64 = 0
    for item in items:
        if isinstance(item, bytes):
            total += len(item) + ELEMENT_BYTES
        elif isinstance(item, int) and not isinstance(item, bool):
            total += ELEMENT_BYTES
        else:
            return NOT_PLAIN
    return total


def tree_bytes(tree: object) -> i64:
    """How many bytes nested lists and dicts occupy as Lua tables, about. O(N)."""
    if isinstance(tree, bytes):
        return len(tree) + ELEMENT_BYTES
    total: i64 = ELEMENT_BYTES
    if isinstance(tree, list):
        for item in tree:
            total += tree_bytes(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            total += tree_bytes(key) + tree_bytes(value)
    return total


def tree_of(reply: object, resp: i64, make_table: MakeTable) -> object:
    """A reply as nested lists and dicts of bytes, numbers and booleans, from which Lua tables are made.

    Members of sets and keys of maps that are tables themselves are made by `make_table` already.
    """
    if isinstance(reply, (bytes, int)):
        if isinstance(reply, bool) and resp == 2:
            return int(reply)
        return reply
    if reply is None or reply is NULL_ARRAY:
        return None if resp == 3 else False
    if isinstance(reply, (list, tuple)):
        return [tree_of(item, resp, make_table) for item in reply]
    if isinstance(reply, Simple):
        return {b"ok": reply.text}
    if isinstance(reply, (bytearray, str)):
        return reply.encode() if isinstance(reply, str) else bytes(reply)
    if isinstance(reply, ErrorReply):
        return {b"err": reply.text.encode("utf-8", "surrogateescape"), b"ignore_error_stats_update": True}
    if isinstance(reply, float):
        return {b"double": reply} if resp == 3 else format_double(reply)
    if isinstance(reply, (dict, MapReply)):
        return tree_of_map(reply, resp, make_table)
    if isinstance(reply, (set, frozenset, SetReply)):
        members = reply.members if isinstance(reply, SetReply) else list(reply)
        trees = [tree_of(member, resp, make_table) for member in members]
        return {b"set": {key_of(tree, make_table): True for tree in trees}} if resp == 3 else trees
    if isinstance(reply, Verbatim):
        text = {b"string": reply.text, b"format": reply.text_format}
        return {b"verbatim_string": text} if resp == 3 else reply.text
    if isinstance(reply, BigNumber):
        return {b"big_number": reply.digits} if resp == 3 else reply.digits
    if isinstance(reply, Encoded):
        return tree_of(decode(reply.payload), resp, make_table)
    raise TypeError(f"a command answered a script with {type(reply).__name__}")


def tree_of_map(reply: object, resp: i64, make_table: MakeTable) -> object:
    """The same for a map: flat in RESP2."""
    flat: list[object] = []
    if isinstance(reply, MapReply):
        flat = [tree_of(item, resp, make_table) for item in reply.flat]
    elif isinstance(reply, dict):
        for key, value in reply.items():
            flat.append(tree_of(key, resp, make_table))
            flat.append(tree_of(value, resp, make_table))
    if resp == 2:
        return flat
    pairs: dict[object, object] = {}
    for at in range(0, len(flat), 2):
        key = flat[at]
        if isinstance(key, dict) and b"ok" in key:
            key = key[b"ok"]  # the name of a field, which scripts want to read by it
        pairs[key_of(key, make_table)] = flat[at + 1]
    return {b"map": pairs}


def key_of(tree: object, make_table: MakeTable) -> object:
    """What stands for a value where it is a key."""
    return make_table(tree, recursive=True) if isinstance(tree, (dict, list)) else tree
