-- cjson: JSON for scripts, with the settings, limits and error texts that scripts of real servers meet.
--
-- Encoding walks the value once and collects pieces in a buffer that is kept between calls; strings without anything
-- to escape, which is nearly all, are taken as they are. Decoding is a recursive descent by string.find and
-- string.byte: plain strings and whole numbers are found by one pattern each. What is wrong with a text is found out
-- only when a token does not fit: `describe` then reads it again and names it. Source: RFC 8259.
--
-- A table is an array when all its keys are whole numbers from 1; an empty table is an object. Null is a value of its
-- own, `cjson.null`. A zero byte ends a text.

local arguments = ...

local byte, char, find, format, gsub, sub =
  string.byte, string.char, string.find, string.format, string.gsub, string.sub
local concat = table.concat
local floor, huge = math.floor, math.huge
local next, rawget, select, tonumber, type, getmetatable = next, rawget, select, tonumber, type, getmetatable

-- Null looks like the pointer that it is in C.
local null = newproxy(true)
getmetatable(null).__tostring = function() return "userdata: (nil)" end
getmetatable(null).__metatable = false

-- Deeper, a real server's stack for C functions ends, whatever the limits are set to.
local STACK_DEPTH = 7998
local INT_MAX = 2147483647

local BLANKS = { [32] = true, [10] = true, [13] = true, [9] = true }

local ENDS_NUMBER = { [44] = true, [93] = true, [125] = true }

-- What the C numbers inf and nan begin with.
local NUMBER_LETTERS = { [73] = true, [105] = true, [78] = true, [110] = true }

local ESCAPED = { ['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\127"] = "\\u007f" }
for code = 0, 31 do ESCAPED[char(code)] = format("\\u%04x", code) end
ESCAPED["\b"], ESCAPED["\t"], ESCAPED["\n"], ESCAPED["\f"], ESCAPED["\r"] = "\\b", "\\t", "\\n", "\\f", "\\r"

local UNESCAPED = {
  [34] = '"', [92] = "\\", [47] = "/", [98] = "\b", [102] = "\f", [110] = "\n", [114] = "\r", [116] = "\t",
}

local PUNCTUATION = {
  [123] = "T_OBJ_BEGIN", [125] = "T_OBJ_END", [91] = "T_ARR_BEGIN", [93] = "T_ARR_END", [44] = "T_COMMA",
  [58] = "T_COLON",
}

-- Settings are read as a real server reads them: by an option's name or a boolean, and integers within bounds.

local function check_count(public, most, ...)
  if select("#", ...) > most then arguments.refuse(public, most + 1, "found too many arguments") end
end

local function integer_option(public, index, value, current, lowest, highest)
  if value == nil then return current end
  local integer = arguments.int32(arguments.integer(public, index, value))
  if integer < lowest or integer > highest then
    arguments.refuse(public, 1, format("expected integer between %d and %d", lowest, highest))
  end
  return integer
end

local function switch_option(public, value, current, has_null)
  if value == nil then return current end
  if type(value) == "boolean" then return value end
  local word = arguments.string(public, 1, value)
  if word == "on" then return true end
  if word == "off" then return false end
  if word == "null" and has_null then return word end
  arguments.refuse(public, 1, "invalid option '" .. word .. "'")
end

local function utf8(code)
  if code < 128 then return char(code) end
  if code < 2048 then return char(192 + floor(code / 64), 128 + code % 64) end
  if code < 65536 then
    return char(224 + floor(code / 4096), 128 + floor(code / 64) % 64, 128 + code % 64)
  end
  return char(
    240 + floor(code / 262144), 128 + floor(code / 4096) % 64, 128 + floor(code / 64) % 64, 128 + code % 64
  )
end

-- The character of a \u escape whose backslash is at `at`, and the place after it; nil if it is wrong.
local function unicode_escape(text, at)
  if not find(text, "^%x%x%x%x", at + 2) then return nil end
  local code = tonumber(sub(text, at + 2, at + 5), 16)
  if code < 55296 or code > 57343 then return utf8(code), at + 6 end
  if code > 56319 or not find(text, "^\\u%x%x%x%x", at + 6) then return nil end
  local low = tonumber(sub(text, at + 8, at + 11), 16)
  if low < 56320 or low > 57343 then return nil end
  return utf8((code - 55296) * 1024 + low - 56320 + 65536), at + 12
end

-- The string whose content begins at `at`, and the place after its closing quote; nil, a fault and its place if it is
-- wrong.
local function escaped_string(text, at)
  local pieces, count, from = {}, 0, at
  while true do
    local stop = find(text, '["\\%z]', from)
    if not stop then return nil, "unexpected end of string", #text + 1 end
    count = count + 1
    pieces[count] = sub(text, from, stop - 1)
    local code = byte(text, stop)
    if code == 34 then return concat(pieces, "", 1, count), stop + 1 end
    if code == 0 then return nil, "unexpected end of string", stop end
    local escape = byte(text, stop + 1)
    local plain = UNESCAPED[escape]
    if not plain and escape ~= 117 then return nil, "invalid escape code", stop end
    from = stop + 2
    if not plain then
      plain, from = unicode_escape(text, stop)
      if not plain then return nil, "invalid unicode escape code", stop end
    end
    count = count + 1
    pieces[count] = plain
  end
end

-- The end of the longest number, as C reads numbers, that begins at `at`; nil if there is none.
local function number_end(text, at)
  local from = at
  local first = byte(text, at)
  if first == 45 or first == 43 then from = at + 1 end
  local _, stop = find(text, "^0[xX]%x+%.?%x*", from)
  if not stop then _, stop = find(text, "^0[xX]%.%x+", from) end
  if stop then
    local _, exponent = find(text, "^[pP][+-]?%d+", stop + 1)
    return exponent or stop
  end
  _, stop = find(text, "^%d+%.?%d*", from)
  if not stop then _, stop = find(text, "^%.%d+", from) end
  if stop then
    local _, exponent = find(text, "^[eE][+-]?%d+", stop + 1)
    return exponent or stop
  end
  _, stop = find(text, "^[iI][nN][fF]", from)
  if stop then
    local _, long = find(text, "^[iI][nN][iI][tT][yY]", stop + 1)
    return long or stop
  end
  _, stop = find(text, "^[nN][aA][nN]", from)
  if not stop then return nil end
  local _, bracket = find(text, "^%([%w_]*%)", stop + 1)
  return bracket or stop
end

-- Whether JSON does not know a number that C knows: hexadecimal, with leading zeros or a plus, infinite or none.
local function is_lenient(text, at)
  if byte(text, at) == 43 then return true end
  if byte(text, at) == 45 then at = at + 1 end
  return (find(text, "^0[xX%d]", at) or find(text, "^[iI][nN][fF]", at) or find(text, "^[nN][aA][nN]", at)) ~= nil
end

local function new()
  local keeps_buffer = true
  local sparse_converts, sparse_ratio, sparse_safe = false, 2, 10
  local encode_depth, decode_depth = 1000, 1000
  local precision, number_format = 14, "%.14g"
  local encode_lenient, decode_lenient = false, true

  local library = { null = null, _NAME = "cjson", _VERSION = "2.1.0" }

  -- Encoding: `pieces[1..used]` is the text so far.

  local pieces, used = {}, 0
  local encode

  local function cannot(what, reason) arguments.raise(encode, "Cannot serialise " .. what .. ": " .. reason) end

  local function quote(text)
    if find(text, '[%c"\\/\127]') then text = gsub(text, '[%c"\\/\127]', ESCAPED) end
    return '"' .. text .. '"'
  end

  local function number_text(number)
    if number ~= number or number == huge or number == -huge then
      if not encode_lenient then cannot("number", "must not be NaN or Inf") end
      if encode_lenient == "null" then return "null" end
      if number ~= number then return "nan" end
      return number > 0 and "inf" or "-inf"
    end
    return format(number_format, number)
  end

  -- The length of an array; nil for what is written as an object.
  local function array_length(value)
    local longest, items = 0, 0
    for key in next, value do
      if type(key) ~= "number" or key < 1 or (key % 1 ~= 0 and key ~= huge) then return nil end
      items = items + 1
      if key > longest then
        longest = key <= INT_MAX and key or -INT_MAX - 1 -- as a C int overflows
      end
    end
    if sparse_ratio > 0 and longest > items * sparse_ratio and longest > sparse_safe then
      if not sparse_converts then cannot("table", "excessively sparse array") end
      return nil
    end
    return longest > 0 and longest or nil
  end

  local encode_table

  local function encode_value(value, depth)
    local kind = type(value)
    used = used + 1
    if kind == "string" then
      pieces[used] = quote(value)
    elseif kind == "number" then
      pieces[used] = number_text(value)
    elseif kind == "boolean" then
      pieces[used] = value and "true" or "false"
    elseif kind == "table" then
      encode_table(value, depth + 1)
    elseif kind == "nil" or value == null then
      pieces[used] = "null"
    else
      cannot(kind, "type not supported")
    end
  end

  local function encode_array(value, length, depth)
    pieces[used] = "["
    local is_plain = getmetatable(value) == nil
    for index = 1, length do
      if index > 1 then
        used = used + 1
        pieces[used] = ","
      end
      local item
      if is_plain then item = value[index] else item = rawget(value, index) end
      if type(item) == "number" and item - item == 0 then
        used = used + 1
        pieces[used] = format(number_format, item)
      else
        encode_value(item, depth)
      end
    end
    used = used + 1
    pieces[used] = "]"
  end

  function encode_table(value, depth)
    if depth > encode_depth or depth >= STACK_DEPTH then
      arguments.raise(encode, format("Cannot serialise, excessive nesting (%d)", depth))
    end
    local length = array_length(value)
    if length then return encode_array(value, length, depth) end
    pieces[used] = "{"
    local before = ""
    for key, item in next, value do
      local kind = type(key)
      if kind == "string" then
        key = quote(key)
      elseif kind == "number" then
        key = '"' .. number_text(key) .. '"'
      else
        cannot(kind, "table key must be a number or string")
      end
      used = used + 1
      pieces[used] = before .. key .. ":"
      before = ","
      encode_value(item, depth)
    end
    used = used + 1
    pieces[used] = "}"
  end

  function encode(...)
    if select("#", ...) ~= 1 then arguments.refuse(encode, 1, "expected 1 argument") end
    used = 0
    if not keeps_buffer then pieces = {} end
    encode_value((...), 0)
    local text = concat(pieces, "", 1, used)
    return text
  end

  -- Decoding: every reader takes the place where its token begins and gives the value and the place after it.

  local text, decode

  local function fail(expected, found, at)
    arguments.raise(decode, format("Expected %s but found %s at character %d", expected, found, at))
  end

  -- Names the token at a place: its type or what is wrong with it, and the place to report.
  local function describe(at)
    local code = byte(text, at)
    if code == nil or code == 0 then return "T_END", at end
    if PUNCTUATION[code] then return PUNCTUATION[code], at end
    if code == 34 then
      local value, fault, place = escaped_string(text, at + 1)
      if value then return "T_STRING", at end
      return fault, place
    end
    if find(text, "^true", at) or find(text, "^false", at) then return "T_BOOLEAN", at end
    if find(text, "^null", at) then return "T_NULL", at end
    local starts_number = code == 45 or (code >= 48 and code <= 57)
    if starts_number or (code == 43 and decode_lenient) then
      if not number_end(text, at) or (not decode_lenient and is_lenient(text, at)) then return "invalid number", at end
      return "T_NUMBER", at
    end
    if decode_lenient and NUMBER_LETTERS[code] and number_end(text, at) then return "T_NUMBER", at end
    return "invalid token", at
  end

  -- The next place that is not blank, and its byte.
  local function skip(at)
    local code = byte(text, at)
    while BLANKS[code] do
      at = find(text, "[^ \n\r\t]", at) or #text + 1
      code = byte(text, at)
    end
    return at, code
  end

  local function read_string(at)
    local stop = find(text, '["\\%z]', at + 1)
    if stop and byte(text, stop) == 34 then return sub(text, at + 1, stop - 1), stop + 1 end
    return escaped_string(text, at + 1)
  end

  local function read_number(at)
    local stop = number_end(text, at)
    if not stop or (not decode_lenient and is_lenient(text, at)) then fail("value", describe(at)) end
    local digits = sub(text, at, stop)
    local value = tonumber(digits)
    if not value then value = tonumber(sub(digits, 1, 1) == "+" and sub(digits, 2) or digits) end
    return value, stop + 1
  end

  local read_value

  local function check_nesting(depth, at)
    if depth > decode_depth or depth > STACK_DEPTH then
      arguments.raise(decode, format("Found too many nested data structures (%d) at character %d", depth, at))
    end
  end

  local function read_array(at, depth)
    check_nesting(depth, at)
    local list, count, code = {}, 0, nil
    at, code = skip(at + 1)
    if code == 93 then return list, at + 1 end
    while true do
      count = count + 1
      list[count], at = read_value(at, code, depth)
      code = byte(text, at)
      if BLANKS[code] then at, code = skip(at) end
      if code == 93 then return list, at + 1 end
      if code ~= 44 then fail("comma or array end", describe(at)) end
      at = at + 1
      code = byte(text, at)
      if BLANKS[code] then at, code = skip(at) end
    end
  end

  local function read_object(at, depth)
    check_nesting(depth, at)
    local object, code = {}, nil
    at, code = skip(at + 1)
    if code == 125 then return object, at + 1 end
    while true do
      if code ~= 34 then fail("object key string", describe(at)) end
      local key, after = read_string(at)
      if not key then fail("object key string", describe(at)) end
      at = after
      code = byte(text, at)
      if BLANKS[code] then at, code = skip(at) end
      if code ~= 58 then fail("colon", describe(at)) end
      at = at + 1
      code = byte(text, at)
      if BLANKS[code] then at, code = skip(at) end
      object[key], at = read_value(at, code, depth)
      code = byte(text, at)
      if BLANKS[code] then at, code = skip(at) end
      if code == 125 then return object, at + 1 end
      if code ~= 44 then fail("comma or object end", describe(at)) end
      at = at + 1
      code = byte(text, at)
      if BLANKS[code] then at, code = skip(at) end
    end
  end

  function read_value(at, code, depth)
    if code == 34 then
      local value, after = read_string(at)
      if not value then fail("value", describe(at)) end
      return value, after
    end
    if code == 123 then return read_object(at, depth + 1) end
    if code == 91 then return read_array(at, depth + 1) end
    if code == nil then fail("value", describe(at)) end
    if code == 45 or (code >= 48 and code <= 57) then
      -- Whole numbers without leading zeros, single digits above all, need no second look.
      local follower = byte(text, at + 1)
      if ENDS_NUMBER[follower] and code ~= 45 then return code - 48, at + 1 end
      local _, stop, digits = find(text, "^(-?[1-9]%d*)[,%]}]", at)
      if stop then return tonumber(digits), stop end
      return read_number(at)
    end
    if code == 116 and find(text, "^true", at) then return true, at + 4 end
    if code == 102 and find(text, "^false", at) then return false, at + 5 end
    if code == 110 and find(text, "^null", at) then return null, at + 4 end
    local found, place = describe(at)
    if found ~= "T_NUMBER" then fail("value", found, place) end
    return read_number(at)
  end

  function decode(...)
    if select("#", ...) ~= 1 then arguments.refuse(decode, 1, "expected 1 argument") end
    text = arguments.string(decode, 1, (...))
    local first, second = byte(text, 1, 2)
    if second and (first == 0 or second == 0) then
      arguments.raise(decode, "JSON parser does not support UTF-16 or UTF-32")
    end
    local at, code = skip(1)
    local value
    value, at = read_value(at, code, 0)
    at, code = skip(at)
    if code ~= nil and code ~= 0 then fail("the end", describe(at)) end
    text = nil
    return value
  end

  library.encode, library.decode = encode, decode

  -- Settings: without an argument they tell the present value.

  function library.encode_sparse_array(...)
    local public = library.encode_sparse_array
    check_count(public, 3, ...)
    local converts, ratio, safe = ...
    sparse_converts = switch_option(public, converts, sparse_converts)
    sparse_ratio = integer_option(public, 2, ratio, sparse_ratio, 0, INT_MAX)
    sparse_safe = integer_option(public, 3, safe, sparse_safe, 0, INT_MAX)
    return sparse_converts, sparse_ratio, sparse_safe
  end

  function library.encode_max_depth(...)
    local public = library.encode_max_depth
    check_count(public, 1, ...)
    encode_depth = integer_option(public, 1, (...), encode_depth, 1, INT_MAX)
    return encode_depth
  end

  function library.decode_max_depth(...)
    local public = library.decode_max_depth
    check_count(public, 1, ...)
    decode_depth = integer_option(public, 1, (...), decode_depth, 1, INT_MAX)
    return decode_depth
  end

  function library.encode_number_precision(...)
    local public = library.encode_number_precision
    check_count(public, 1, ...)
    precision = integer_option(public, 1, (...), precision, 1, 14)
    number_format = "%." .. precision .. "g"
    return precision
  end

  function library.encode_keep_buffer(...)
    local public = library.encode_keep_buffer
    check_count(public, 1, ...)
    keeps_buffer = switch_option(public, (...), keeps_buffer)
    return keeps_buffer
  end

  function library.encode_invalid_numbers(...)
    local public = library.encode_invalid_numbers
    check_count(public, 1, ...)
    encode_lenient = switch_option(public, (...), encode_lenient, true)
    return encode_lenient
  end

  function library.decode_invalid_numbers(...)
    local public = library.decode_invalid_numbers
    check_count(public, 1, ...)
    decode_lenient = switch_option(public, (...), decode_lenient)
    return decode_lenient
  end

  library.new = new
  arguments.name(library)
  return library
end

return new()
