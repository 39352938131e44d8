-- struct: numbers and strings as the bytes of C structures, by a format.
--
--   b B  1 byte          < >  little, big endian (little at first)      s   a string that ends with a zero byte
--   h H  2 bytes         !n   alignment to n bytes at most (first 1;    cn  n characters (c: 1; c0: pack all of the
--   i I  4 bytes, in In:      without n: 8)                             string, unpack as many as the number before)
--        n bytes, up to 32                                              f d float, double
--   l L T  8 bytes       x    a zero byte, blank nothing                (capital letters: unsigned)
--
-- A format is read once into a list of steps, which is kept. A step that cannot be is a fault, raised only when the
-- steps before it are done, as a real server reads the format while it works.

local arguments, ieee754 = ...

local byte, char, find, format, rep, reverse, sub =
  string.byte, string.char, string.find, string.format, string.rep, string.reverse, string.sub
local concat, ceil, floor = table.concat, math.ceil, math.floor
local select, tonumber, type, unpack = select, tonumber, type, unpack

local INT_MAX = 2147483647
local MAX_INTEGER_SIZE = 32
local NATIVE_ALIGNMENT = 8
-- The slots that a function written in C has on Lua's stack bound how many results there are.
local STACK_SLOTS = 8000
-- Formats that are remembered; then all are forgotten.
local MAX_FORMATS = 256

local SIZES = { b = 1, B = 1, h = 2, H = 2, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1 }
local SIGNED = { b = true, h = true, i = true, l = true }

-- Reading formats

-- The digits after an option and the place after them.
local function read_count(text, at, default)
  local _, stop = find(text, "^%d+", at)
  if not stop then return default, at end
  local count = tonumber(sub(text, at, stop))
  if count > INT_MAX then return nil, at, "integral size overflow" end
  return count, stop + 1
end

local function is_power_of_two(number)
  while number > 1 do number = number / 2 end
  return number == 1
end

-- One option at a place: its size and the place after it, or nil, the place and a fault.
local function read_size(text, at, option)
  if SIZES[option] then return SIZES[option], at end
  if option == "i" or option == "I" then
    local size, after, fault = read_count(text, at, 4)
    if fault then return nil, at, fault end
    if size > MAX_INTEGER_SIZE then
      return nil, at, format("integral size %d is larger than limit of %d", size, MAX_INTEGER_SIZE)
    end
    return size, after
  end
  if option == "c" then return read_count(text, at, 1) end
  return 0, at
end

-- The steps of a format: their options, sizes, alignments and byte orders side by side. The last step may be a fault.
local function compile(text)
  local options, sizes, alignments, littles = {}, {}, {}, {}
  local steps = { options = options, sizes = sizes, alignments = alignments, littles = littles }
  local at, alignment, little = 1, 1, true
  while at <= #text do
    local option = sub(text, at, at)
    if option == "\0" then break end
    local size, after, fault = read_size(text, at + 1, option)
    at = after
    if fault then
      steps.fault = fault
      break
    end
    if option == "<" then
      little = true
    elseif option == ">" then
      little = false
    elseif option == "!" then
      local most, next_at, overflow = read_count(text, at, NATIVE_ALIGNMENT)
      if overflow or not is_power_of_two(most) then
        steps.fault = overflow or format("alignment %d is not a power of 2", most)
        break
      end
      alignment, at = most, next_at
    elseif option ~= " " then
      local count = #options + 1
      options[count], sizes[count], littles[count] = option, size, little
      local is_aligned = option ~= "c" and option ~= "s" and size > 0
      alignments[count] = is_aligned and (size < alignment and size or alignment) or 1
    end
  end
  return steps
end

local formats, formats_kept = {}, 0

local function steps_of(text)
  local steps = formats[text]
  if steps then return steps end
  if formats_kept == MAX_FORMATS then formats, formats_kept = {}, 0 end
  steps = compile(text)
  formats[text], formats_kept = steps, formats_kept + 1
  return steps
end

-- The bits that two small numbers share.
local function common_bits(a, b)
  local common, weight = 0, 1
  while a > 0 and b > 0 do
    if a % 2 == 1 and b % 2 == 1 then common = common + weight end
    a, b, weight = floor(a / 2), floor(b / 2), weight * 2
  end
  return common
end

-- The bytes to skip before a step. Sizes such as 3 are aligned by the bits of size - 1, as they come.
local function padding(position, alignment)
  local mask = alignment - 1
  return common_bits(alignment - common_bits(position % 4294967296, mask), mask)
end

-- Integers

-- The lower 8 bytes of a number as words, cut towards zero; what does not fit becomes what a processor makes of it.
local function words_of(number)
  if number ~= number or number < -9223372036854775808 then return 2147483648, 0 end
  if number >= 18446744073709551616 then return 0, 0 end
  return ieee754.words(number < 0 and ceil(number) or floor(number))
end

local function integer_bytes(number, size, little)
  if size == 1 and number >= 0 and number < 256 then return char(floor(number)) end
  local high, low = words_of(number)
  local bytes
  if size <= 4 then
    bytes = sub(char(low % 256, floor(low / 256) % 256, floor(low / 65536) % 256, floor(low / 16777216)), 1, size)
  else
    bytes = char(
      low % 256, floor(low / 256) % 256, floor(low / 65536) % 256, floor(low / 16777216),
      high % 256, floor(high / 256) % 256, floor(high / 65536) % 256, floor(high / 16777216)
    )
    if size < 8 then bytes = sub(bytes, 1, size) elseif size > 8 then bytes = bytes .. rep("\0", size - 8) end
  end
  return little and bytes or reverse(bytes)
end

-- Reads up to 8 bytes as two words, most significant byte first.
local function read_words(bytes)
  local high, low = 0, 0
  local count = #bytes
  for index = 1, count do
    local code = byte(bytes, index)
    if index <= count - 4 then high = high * 256 + code else low = low * 256 + code end
  end
  return high, low
end

local function integer_from(text, at, size, little, signed)
  if size == 1 then
    local code = byte(text, at)
    return signed and code > 127 and code - 256 or code
  end
  local bytes = sub(text, at, at + size - 1)
  if little then bytes = reverse(bytes) end
  local high, low = read_words(sub(bytes, -8))
  if signed and size > 0 then
    -- The sign is the bit that a processor finds by shifting 8 * size - 1 places, which wrap at 64.
    local bit = (size * 8 - 1) % 64
    if bit < 32 then
      if high > 0 or low >= 2 ^ bit then return low % 2 ^ bit - 2 ^ bit end
    elseif high >= 2 ^ (bit - 32) then
      return (high % 2 ^ (bit - 32) - 2 ^ (bit - 32)) * 4294967296 + low
    end
  end
  return high * 4294967296 + low
end

local library = {}

-- Packs the arguments after the format.
local pack
function pack(...)
  local text = arguments.string(pack, 1, (...), select("#", ...) < 1)
  local steps = steps_of(text)
  local options, sizes, alignments, littles = steps.options, steps.sizes, steps.alignments, steps.littles
  local values = { ... }
  local pieces, used, length, argument = {}, 0, 0, 1
  for index = 1, #options do
    local option, size, little, alignment = options[index], sizes[index], littles[index], alignments[index]
    if alignment > 1 then
      local skipped = padding(length, alignment)
      if skipped > 0 then
        used, length = used + 1, length + skipped
        pieces[used] = rep("\0", skipped)
      end
    end
    local piece
    if option == "x" then
      piece = "\0"
    elseif option == "f" or option == "d" then
      argument = argument + 1
      local number = arguments.number(pack, argument, values[argument])
      piece = option == "f" and ieee754.float(number) or ieee754.double(number)
      if little then piece = reverse(piece) end
    elseif option == "s" then
      argument = argument + 1
      piece = arguments.string(pack, argument, values[argument]) .. "\0"
    elseif option == "c" then
      argument = argument + 1
      piece = arguments.string(pack, argument, values[argument])
      if size > #piece then arguments.refuse(pack, argument + 1, "string too short") end
      if size > 0 then piece = sub(piece, 1, size) end
    elseif SIZES[option] or option == "i" or option == "I" then
      argument = argument + 1
      local number = values[argument]
      if type(number) ~= "number" then number = arguments.number(pack, argument, number) end
      piece = integer_bytes(number, size, little)
    else
      arguments.refuse(pack, 1, "invalid format option '" .. option .. "'")
    end
    used, length = used + 1, length + #piece
    pieces[used] = piece
  end
  if steps.fault then arguments.raise(pack, steps.fault) end
  return (concat(pieces, "", 1, used))
end

-- The number that c0 takes its length from, as a processor converts it.
local function length_from(number)
  if number < 0 or number ~= number then return INT_MAX * INT_MAX end
  return number >= 18446744073709551616 and 0 or floor(number)
end

-- Unpacks the values of a string from byte `start` on, and gives the place after them.
local unpack_values
function unpack_values(...)
  local given = select("#", ...)
  local text, data, start = ...
  text = arguments.string(unpack_values, 1, text, given < 1)
  data = arguments.string(unpack_values, 2, data, given < 2)
  local position = start == nil and 0 or arguments.integer(unpack_values, 3, start) - 1
  if position == -1 then arguments.refuse(unpack_values, 3, "offset must be 1 or greater") end
  local steps, total = steps_of(text), #data
  local options, sizes, alignments, littles = steps.options, steps.sizes, steps.alignments, steps.littles
  local values, count = {}, 0
  for index = 1, #options do
    local option, size, little = options[index], sizes[index], littles[index]
    if alignments[index] > 1 then position = position + padding(position, alignments[index]) end
    if position < 0 or position > total or size > total - position then
      arguments.refuse(unpack_values, 2, "data string too short")
    end
    if given + count + 2 > STACK_SLOTS then arguments.raise(unpack_values, "stack overflow (too many results)") end
    local at, value = position + 1, nil
    if option == "f" then
      local bytes = sub(data, at, at + 3)
      value = ieee754.from_float(byte(little and reverse(bytes) or bytes, 1, 4))
    elseif option == "d" then
      local bytes = sub(data, at, at + 7)
      value = ieee754.from_double(byte(little and reverse(bytes) or bytes, 1, 8))
    elseif option == "s" then
      local stop = find(data, "%z", at)
      if not stop then arguments.raise(unpack_values, "unfinished string in data") end
      value, size = sub(data, at, stop - 1), stop - position
    elseif option == "c" then
      if size == 0 then
        local before = tonumber(values[count])
        if not before then arguments.raise(unpack_values, "format 'c0' needs a previous size") end
        size = length_from(before)
        count = count - 1
        if size > total - position then arguments.refuse(unpack_values, 2, "data string too short") end
      end
      value = sub(data, at, position + size)
    elseif SIZES[option] and option ~= "x" or option == "i" or option == "I" then
      value = integer_from(data, at, size, little, SIGNED[option])
    elseif option ~= "x" then
      arguments.refuse(unpack_values, 1, "invalid format option '" .. option .. "'")
    end
    if value ~= nil then
      count = count + 1
      values[count] = value
    end
    position = position + size
  end
  if steps.fault then arguments.raise(unpack_values, steps.fault) end
  for index = #values, count + 1, -1 do values[index] = nil end
  values[count + 1] = position + 1
  return unpack(values)
end

-- The size of a format in bytes; options without a fixed size are refused, unknown ones count nothing.
local size_of
function size_of(...)
  local steps = steps_of(arguments.string(size_of, 1, (...), select("#", ...) < 1))
  local total = 0
  for index = 1, #steps.options do
    local option, size, alignment = steps.options[index], steps.sizes[index], steps.alignments[index]
    if option == "s" then arguments.refuse(size_of, 1, "option 's' has no fixed size") end
    if option == "c" and size == 0 then arguments.refuse(size_of, 1, "option 'c0' has no fixed size") end
    if alignment > 1 then total = total + padding(total, alignment) end
    total = total + size
  end
  if steps.fault then arguments.raise(size_of, steps.fault) end
  return total
end

library.pack, library.unpack, library.size = pack, unpack_values, size_of
arguments.name(library)
return library
