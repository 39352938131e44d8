-- cmsgpack: MessagePack for scripts, byte for byte as real servers pack.
--
-- A whole number from -2^63 below 2^63 takes the shortest integer, any other the shortest float that loses nothing. A
-- table is an array when its keys are 1 to n, else a map in the order of `next`; from the 17th level on tables become
-- nil, as do values of types that MessagePack does not have. Binary and extension types are not understood.
--
--   00-7f fixint   80-8f fixmap   90-9f fixarray   a0-bf fixstr   c0 nil   c2 false   c3 true   ca cb float, double
--   cc-cf uint 8-64   d0-d3 int 8-64   d9-db str 8-32   dc dd array 16, 32   de df map 16, 32   e0-ff negative fixint
--
-- Source: the MessagePack specification, without bin and ext.

local arguments, ieee754 = ...

local byte, char, format, sub = string.byte, string.char, string.format, string.sub
local concat, floor = table.concat, math.floor
local error, next, rawget, select, type, unpack = error, next, rawget, select, type, unpack
local double, fits_float, float, words = ieee754.double, ieee754.fits_float, ieee754.float, ieee754.words
local from_double, from_float = ieee754.from_double, ieee754.from_float

-- Tables nested deeper are packed as nil.
local MAX_NESTING = 16
-- The slots that a function written in C has on Lua's stack: they bound how much can be read at once.
local STACK_SLOTS = 8000

local library = {
  _NAME = "cmsgpack",
  _VERSION = "lua-cmsgpack 0.4.0",
  _COPYRIGHT = "Copyright (C) 2012, Salvatore Sanfilippo",
  _DESCRIPTION = "MessagePack C implementation for Lua",
}

local BYTE = {}
for code = 0, 255 do BYTE[code] = char(code) end

local function word32(number)
  return char(floor(number / 16777216), floor(number / 65536) % 256, floor(number / 256) % 256, number % 256)
end

-- A type byte and a length of 16 or 32 bits.
local function long_header(length, code16, code32)
  if length < 65536 then return char(code16, floor(length / 256), length % 256) end
  return BYTE[code32] .. word32(length)
end

local function pack_integer(number)
  if number >= 0 then
    if number < 128 then return BYTE[number] end
    if number < 256 then return char(204, number) end
    if number < 65536 then return char(205, floor(number / 256), number % 256) end
    if number < 4294967296 then return "\206" .. word32(number) end
    local high, low = words(number)
    return "\207" .. word32(high) .. word32(low)
  end
  if number >= -32 then return BYTE[256 + number] end
  if number >= -128 then return char(208, 256 + number) end
  if number >= -32768 then return char(209, floor(number / 256) % 256, number % 256) end
  if number >= -2147483648 then return "\210" .. word32(number + 4294967296) end
  local high, low = words(number)
  return "\211" .. word32(high) .. word32(low)
end

local function pack_number(number)
  if number % 1 == 0 and number >= -9223372036854775808 and number < 9223372036854775808 then
    return pack_integer(number)
  end
  if fits_float(number) then return "\202" .. float(number) end
  return "\203" .. double(number)
end

local function string_header(length)
  if length < 32 then return BYTE[160 + length] end
  if length < 256 then return char(217, length) end
  return long_header(length, 218, 219)
end

-- How many elements an array has, or nil and how many pairs a map has.
local function count(value)
  local items, highest = 0, 0
  local is_array = true
  for key in next, value do
    items = items + 1
    if is_array then
      if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
        is_array = false
      elseif key > highest then
        highest = key
      end
    end
  end
  if is_array and highest == items then return items end
  return nil, items
end

-- What has been packed so far is pieces[1..used].
local pieces, used

local function pack_value(value, nesting)
  local kind = type(value)
  used = used + 1
  if kind == "string" then
    pieces[used] = string_header(#value)
    used = used + 1
    pieces[used] = value
  elseif kind == "number" then
    pieces[used] = pack_number(value)
  elseif kind == "boolean" then
    pieces[used] = value and "\195" or "\194"
  elseif kind == "table" and nesting < MAX_NESTING then
    local length, pairs_count = count(value)
    if length then
      pieces[used] = length < 16 and BYTE[144 + length] or long_header(length, 220, 221)
      for index = 1, length do pack_value(rawget(value, index), nesting + 1) end
    else
      pieces[used] = pairs_count < 16 and BYTE[128 + pairs_count] or long_header(pairs_count, 222, 223)
      for key, item in next, value do
        pack_value(key, nesting + 1)
        pack_value(item, nesting + 1)
      end
    end
  else
    pieces[used] = "\192"
  end
end

-- Packs every argument, one after the other, into one string.
local pack
function pack(...)
  local total = select("#", ...)
  if total == 0 then arguments.refuse(pack, 0, "MessagePack pack needs input.") end
  if total * 2 > STACK_SLOTS then arguments.refuse(pack, 0, "Too many arguments for MessagePack pack.") end
  pieces, used = {}, 0
  if total == 1 then
    pack_value((...), 0)
  else
    local values = { ... }
    for index = 1, total do pack_value(values[index], 0) end
  end
  local packed = concat(pieces, "", 1, used)
  pieces = nil
  return packed
end

-- Unpacking: readers take the place of a value's first byte and give the value and the place after it. `public` is the
-- function that the script called, for errors; `height` counts the stack slots in use as C code would use them.

local text, public

local function missing() arguments.raise(public, "Missing bytes in input.") end

local function overflow(what) arguments.raise(public, "stack overflow (" .. what .. ")") end

local function read_unsigned(at, size)
  if size == 1 then return byte(text, at) or missing() end
  local a, b, c, d = byte(text, at, at + size - 1)
  if size == 2 then return b and a * 256 + b or missing() end
  return d and ((a * 256 + b) * 256 + c) * 256 + d or missing()
end

local function read_signed(at, size)
  local number, bound = read_unsigned(at, size), 256 ^ size
  return number < bound / 2 and number or number - bound
end

-- 64 bits, signed or not: a real server reads both into a signed integer.
local function read_64(at)
  if #text < at + 7 then missing() end
  return read_signed(at, 4) * 4294967296 + read_unsigned(at + 4, 4)
end

local function read_string(at, length)
  if #text < at + length - 1 then missing() end
  return sub(text, at, at + length - 1), at + length
end

local read_value

local function read_array(at, length, height)
  if height + 2 > STACK_SLOTS then overflow("in function mp_decode_to_lua_array") end
  local list = {}
  for index = 1, length do
    list[index], at = read_value(at, height + 2)
  end
  return list, at
end

local function read_map(at, length, height)
  local map = {}
  for _ = 1, length do
    local key, item
    key, at = read_value(at, height + 1)
    item, at = read_value(at, height + 2)
    if key == nil then error("table index is nil", 0) end
    if key ~= key then error("table index is NaN", 0) end
    map[key] = item
  end
  return map, at
end

-- The types from c0 to df.
local function read_typed(code, at, height)
  if code == 192 then return nil, at end
  if code == 194 then return false, at end
  if code == 195 then return true, at end
  if code == 202 then
    local a, b, c, d = byte(text, at, at + 3)
    if not d then missing() end
    return from_float(a, b, c, d), at + 4
  end
  if code == 203 then
    if #text < at + 7 then missing() end
    return from_double(byte(text, at, at + 7)), at + 8
  end
  if code == 204 then return read_unsigned(at, 1), at + 1 end
  if code == 205 then return read_unsigned(at, 2), at + 2 end
  if code == 206 then return read_unsigned(at, 4), at + 4 end
  if code == 208 then return read_signed(at, 1), at + 1 end
  if code == 209 then return read_signed(at, 2), at + 2 end
  if code == 210 then return read_signed(at, 4), at + 4 end
  if code == 207 or code == 211 then return read_64(at), at + 8 end
  if code == 217 then return read_string(at + 1, read_unsigned(at, 1)) end
  if code == 218 then return read_string(at + 2, read_unsigned(at, 2)) end
  if code == 219 then return read_string(at + 4, read_unsigned(at, 4)) end
  if code == 220 then return read_array(at + 2, read_unsigned(at, 2), height) end
  if code == 221 then return read_array(at + 4, read_unsigned(at, 4), height) end
  if code == 222 then return read_map(at + 2, read_unsigned(at, 2), height) end
  if code == 223 then return read_map(at + 4, read_unsigned(at, 4), height) end
  arguments.raise(public, "Bad data format in input.")
end

function read_value(at, height)
  local code = byte(text, at)
  if not code then missing() end
  if height + 1 > STACK_SLOTS then
    overflow("too many return values at once; use unpack_one or unpack_limit instead.")
  end
  if code < 128 then return code, at + 1 end
  if code >= 224 then return code - 256, at + 1 end
  if code >= 192 then return read_typed(code, at + 1, height) end
  if code >= 160 then return read_string(at + 1, code - 160) end
  if code >= 144 then return read_array(at + 1, code - 144, height) end
  return read_map(at + 1, code - 128, height)
end

-- Gives values 1 to `total`: `unpack` alone cannot give as many as fit on the stack.
local function results(values, total)
  if total < 2 then return unpack(values, 1, total) end
  return values[1], values[2], unpack(values, 3, total)
end

-- Reads up to `limit` values from byte `offset` on, all if both are 0; `in_use` is how many slots of the stack hold
-- arguments. Unless all are asked for, the first result is the offset to go on from, -1 at the end.
local function read_many(called, input, limit, offset, in_use)
  public, text = called, input
  local length = #input
  if limit < 0 or offset < 0 then
    local place = arguments.int32(offset)
    arguments.raise(called, format("Invalid request to unpack with offset of %d and limit of %d.", place, length))
  elseif offset > length then
    local place = arguments.int32(offset)
    arguments.raise(called, format("Start offset %d greater than input length %d.", place, length))
  end
  local reads_all = limit == 0 and offset == 0
  local most = reads_all and length or limit
  local at, values, total = offset + 1, {}, 0
  while at <= length and total < most do
    total = total + 1
    values[total], at = read_value(at, in_use + total - 1)
  end
  text = nil
  if reads_all then return results(values, total) end
  if in_use + total + 1 > STACK_SLOTS then overflow("in function mp_unpack_full") end
  return at > length and -1 or at - 1, results(values, total)
end

-- In the public functions `select` keeps the call from being a tail call: errors are located by their frame.

-- Gives all values in a string.
local unpack_all
function unpack_all(...)
  local input = arguments.string(unpack_all, 1, (...), select("#", ...) < 1)
  return select(1, read_many(unpack_all, input, 0, 0, select("#", ...)))
end

-- Gives the offset after one value, or -1 at the end, and the value.
local unpack_one
function unpack_one(...)
  local input, offset = ...
  offset = offset ~= nil and arguments.integer(unpack_one, 2, offset) or 0
  input = arguments.string(unpack_one, 1, input, select("#", ...) < 1)
  return select(1, read_many(unpack_one, input, 1, offset, 1))
end

-- Gives the offset after at most `limit` values, or -1 at the end, and the values.
local unpack_limit
function unpack_limit(...)
  local input, limit, offset = ...
  limit = arguments.integer(unpack_limit, 2, limit, select("#", ...) < 2)
  offset = offset ~= nil and arguments.integer(unpack_limit, 3, offset) or 0
  input = arguments.string(unpack_limit, 1, input, select("#", ...) < 1)
  return select(1, read_many(unpack_limit, input, limit, offset, 1))
end

library.pack, library.unpack = pack, unpack_all
library.unpack_one, library.unpack_limit = unpack_one, unpack_limit
arguments.name(library)
return library
