-- Errors as functions written in C raise them: located where the script called the library, and argument errors that
-- name the function as the call did ("bad argument #1 to 'encode' (string expected, got nil)").
--
-- Not a library for scripts: it is handed to the libraries when they are loaded. An error is rare, so the public
-- function is looked for on the stack only then, and nothing is paid for a call that goes well.

local error, format, getinfo, tonumber, type = error, string.format, debug.getinfo, tonumber, type
local ceil, floor = math.ceil, math.floor

local arguments = {}

-- The names of public functions, for calls that leave none: `return cjson.decode(x)`. Weak, as cjson.new makes more.
local names = setmetatable({}, { __mode = "k" })

-- The stack level of a public function as its caller sees it.
local function level_of(public)
  local level = 2
  while true do
    local info = getinfo(level, "f")
    if not info then return nil end
    if info.func == public then return level - 1 end
    level = level + 1
  end
end

-- Registers the public functions of a library under their names.
function arguments.name(library)
  for name, value in pairs(library) do
    if type(value) == "function" then names[value] = name end
  end
end

-- Raises a message at the place where a public function was called.
function arguments.raise(public, message)
  local level = level_of(public)
  error(message, level and level + 1 or 0)
end

-- Raises the error of an argument: `index` counts from 1.
function arguments.refuse(public, index, message)
  local level = level_of(public)
  if not level then error(format("bad argument #%d (%s)", index, message), 0) end
  local call = getinfo(level, "n")
  local name = call.name
  if call.namewhat == "method" then
    index = index - 1
    if index == 0 then error(format("calling '%s' on bad self (%s)", name, message), level + 1) end
  end
  if not name then
    local caller = getinfo(level + 1, "S")
    name = caller and caller.what == "tail" and names[public] or "?"
  end
  error(format("bad argument #%d to '%s' (%s)", index, name, message), level + 1)
end

local function wrong_type(public, index, expected, value, absent)
  local found = absent and "no value" or type(value)
  arguments.refuse(public, index, expected .. " expected, got " .. found)
end

-- A string argument; numbers become strings. `absent`: the caller passed fewer arguments.
function arguments.string(public, index, value, absent)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return value .. "" end
  wrong_type(public, index, "string", value, absent)
end

-- A number argument; strings that are numbers become numbers.
function arguments.number(public, index, value, absent)
  local number = type(value) == "number" and value or type(value) == "string" and tonumber(value)
  if number then return number end
  wrong_type(public, index, "number", value, absent)
end

-- A number cut to a signed integer of 64 bits; what does not fit becomes the smallest.
function arguments.integer(public, index, value, absent)
  local number = arguments.number(public, index, value, absent)
  if number >= -2^63 and number < 2^63 then return number < 0 and ceil(number) or floor(number) end
  return -2^63
end

-- The lowest 32 bits of an integer, as a signed number.
function arguments.int32(integer)
  local low = integer % 2^32
  return low < 2^31 and low or low - 2^32
end

return arguments
