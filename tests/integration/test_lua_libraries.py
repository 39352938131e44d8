"""cjson, cmsgpack, struct and bit beside those of a real server: the same Lua on both, nothing expected of our own.

A script's body runs protected, and what it gives or raises is written out by the same Lua on both sides, keys in order,
numbers with all their digits.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa.lua51 import LuaRuntime

from compat.servers import find, hognose_binary, start
from hognose.scripting.libraries import install_libraries
from tests.integration.server_process import command
from tests.side_by_side import RealClient, plain

EXPRESSIONS = Path(__file__).with_name("lua_expressions")

WRITE_OUT = rb"""
local function order(a, b)
  local x, y = type(a), type(b)
  if x ~= y then return x < y end
  if x == 'number' or x == 'string' then return a < b end
  return tostring(a) < tostring(b)
end
local function dump(value)
  local kind = type(value)
  if kind == 'table' then
    local keys, pieces = {}, {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, order)
    for index, key in ipairs(keys) do pieces[index] = dump(key) .. '=' .. dump(value[key]) end
    return '{' .. table.concat(pieces, ',') .. '}'
  end
  if kind == 'number' then return value ~= value and 'nan' or string.format('%.17g', value) end
  if kind == 'string' then return string.format('%q', value) end
  return tostring(value)
end
local function dump_all(...)
  local pieces = {}
  for index = 1, select('#', ...) do pieces[index] = dump((select(index, ...))) end
  return table.concat(pieces, ' ; ')
end
local function id(...) return ... end
local function body() BODY
end
return dump_all(pcall(body))
"""

LOSES_ITS_LINE = ("x[1](", "string.gsub(")
"""Calls whose errors name another line than on a real server, or none: see docs/differences.md."""


class Sides:
    """The libraries here and in a real server."""

    def __init__(self, real: RealClient) -> None:
        self._real = real
        self._lua = LuaRuntime(encoding=None)
        install_libraries(self._lua)
        self._lua.execute(b"redis = { call = function() end }")

    def __call__(self, body: str, *arguments: bytes) -> None:
        """Runs a script body on both sides; `ARGV` holds the arguments."""
        script = WRITE_OUT.replace(b"BODY", body.encode())
        expected = self._real("EVAL", script, 0, *arguments)
        self._lua.globals()[b"ARGV"] = self._lua.table(*arguments)
        ours = self._lua.execute(script, name=b"@user_script")
        assert ours == expected, f"{body} {arguments!r}"


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    binary = find("redis-7.0")
    assert binary is not None, "scripts/install-servers redis-7.0 gets it"
    with start(binary) as server, closing(RealClient(server)) as client:
        yield Sides(client)


@pytest.mark.parametrize("library", ["bit", "cjson", "cmsgpack", "struct"])
def test_every_expression_of_the_table_gives_what_it_gives_on_a_real_server(sides: Sides, library: str) -> None:
    heading, *lines = (EXPRESSIONS / f"{library}.lua").read_text().splitlines()
    assert heading.startswith("--")
    assert len(lines) > 20
    for line in lines:
        sides(line)


@pytest.mark.parametrize("library", ["bit", "cjson", "cmsgpack", "struct"])
def test_scripts_that_end_in_a_call_of_a_library_get_the_same_replies_and_errors(library: str) -> None:
    ours, theirs = hognose_binary(command()), find("redis-7.0")
    assert ours is not None
    assert theirs is not None
    _, *lines = (EXPRESSIONS / f"{library}.lua").read_text().splitlines()
    with (
        start(ours) as server,
        start(theirs) as real_server,
        closing(RealClient(server)) as client,
        closing(RealClient(real_server)) as real,
    ):
        for line in (line for line in lines if not any(form in line for form in LOSES_ITS_LINE)):
            head, _, values = line.rpartition("return id(")
            script = f"{head}return {values[:-1]}".encode()
            assert plain(client("EVAL", script, 0)) == plain(real("EVAL", script, 0)), script


def test_bit_operations_agree_on_pairs_of_awkward_numbers(sides: Sides) -> None:
    numbers = (
        "0, 1, 7, 255, 256, 65535, 65536, 2^31-1, 2^31, 2^32-1, 2^32, -1, -2, -255, 0x12345678, 0.5, 1.5, -2^31, 2^51-1"
    )
    for operation in ("band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "tohex"):
        sides(
            f"local n, r = {{{numbers}}}, {{}} for i = 1, #n do for j = 1, #n do "
            f"r[#r+1] = bit.{operation}(n[i], n[j]) end end return r"
        )


ids = st.text(max_size=6)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(ids, inner, max_size=6),
    max_leaves=30,
)
json_texts = st.builds(
    lambda value, is_ascii, indent: json.dumps(value, ensure_ascii=is_ascii, indent=indent).encode(
        "utf-8", "surrogatepass"
    ),
    json_values,
    st.booleans(),
    st.sampled_from([None, 1]),
)


@given(text=json_texts)
@settings(max_examples=300)
def test_any_document_is_decoded_encoded_and_packed_alike(sides: Sides, text: bytes) -> None:
    sides("return id(cjson.decode(ARGV[1]))", text)
    sides("local value = cjson.decode(ARGV[1]) return id(cjson.encode(value), cmsgpack.pack(value))", text)
    sides("return id(cmsgpack.unpack(cmsgpack.pack(cjson.decode(ARGV[1]))))", text)


@given(text=json_texts, at=st.integers(0, 200), damage=st.sampled_from([*b'{}[]",:\\ \x00-+.eEx0123nultrfas\n', None]))
@settings(max_examples=500)
def test_damaged_documents_are_refused_in_the_same_words(
    sides: Sides, text: bytes, at: int, damage: int | None
) -> None:
    at %= len(text)
    damaged = text[:at] if damage is None else text[:at] + bytes([damage]) + text[at + 1 :]
    sides("return id(cjson.decode(ARGV[1]))", damaged)


@given(data=st.binary(max_size=40))
@settings(max_examples=500)
def test_any_bytes_are_unpacked_or_refused_alike(sides: Sides, data: bytes) -> None:
    sides("return id(cmsgpack.unpack(ARGV[1]))", data)
    sides("return id(cmsgpack.unpack_limit(ARGV[1], 2, 1))", data)


@given(number=st.floats() | st.floats(width=32) | st.integers(-(2**70), 2**70).map(float))
@settings(max_examples=500)
def test_any_number_is_packed_alike(sides: Sides, number: float) -> None:
    raw = struct.pack("<d", math.copysign(math.nan, number) if math.isnan(number) else number)
    sides(
        "local n = struct.unpack('<d', ARGV[1]) return id(n, cmsgpack.pack(n), bit.tobit(n), pcall(cjson.encode, n), "
        "struct.pack('<f>fdhILl', n, n, n, n, n, n, n))",
        raw,
    )


FORMAT_OPTIONS = [
    "b",
    "B",
    "h",
    "H",
    "i",
    "I",
    "l",
    "L",
    "T",
    "f",
    "d",
    "x",
    "s",
    "c",
    "c3",
    "c0",
    "i3",
    "I7",
    "i12",
    " ",
]
FORMAT_MARKS = ["<", ">", "!", "!1", "!2", "!4", "!16", "!3", "i33", "q"]


@given(
    options=st.lists(st.sampled_from(FORMAT_OPTIONS * 3 + FORMAT_MARKS), max_size=8),
    data=st.binary(max_size=60),
    numbers=st.lists(st.integers(-(2**40), 2**40), min_size=8, max_size=8),
)
@settings(max_examples=500)
def test_any_format_packs_unpacks_and_counts_alike(
    sides: Sides, options: list[str], data: bytes, numbers: list[int]
) -> None:
    layout = "".join(options).encode()
    sides("return id(struct.unpack(ARGV[1], ARGV[2]))", layout, data)
    sides("return id(struct.size(ARGV[1]))", layout)
    sides("return id(struct.pack(ARGV[1], unpack(ARGV, 2)))", layout, *(str(number).encode() for number in numbers))
