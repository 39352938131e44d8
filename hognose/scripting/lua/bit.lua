-- bit: operations on numbers as 32 bits, with signed results.
--
-- Lua 5.1 has no bit operators. A number is taken modulo 2^32, split into bytes, and each pair of bytes is looked up in
-- a table of exclusive ors; and = (a + b - xor) / 2, or = (a + b + xor) / 2. The table's rows are made when first used.
-- Shifts and rotations are multiplications by powers of two.
--
-- Numbers that are not whole are rounded, halves to even; beyond 2^51 what counts are the lowest 32 bits of a double's
-- mantissa after that rounding, as on real servers.

local arguments = ...

local floor, frexp, huge = math.floor, math.frexp, math.huge
local select, type = select, type
local format, sub, upper = string.format, string.sub, string.upper

-- Added to a number below 2^51, it leaves the rounded number in the lowest bits of the mantissa: 2^52 + 2^51.
local ROUNDING = 6755399441055744

local POWER = {}
for exponent = 0, 32 do POWER[exponent] = 2 ^ exponent end

local library = {}

-- Any number as 0 to 2^32 - 1.
local function unsigned(number)
  if number % 1 == 0 and number > -2251799813685248 and number < 2251799813685248 then return number % 4294967296 end
  local sum = number + ROUNDING
  if sum ~= sum or sum == huge or sum == -huge then return 0 end
  local mantissa = frexp(sum)
  return (mantissa < 0 and -mantissa or mantissa) * 9007199254740992 % 4294967296
end

local function signed(number)
  return number < 2147483648 and number or number - 4294967296
end

-- An argument as 0 to 2^32 - 1.
local function operand(public, index, value, absent)
  if type(value) ~= "number" then value = arguments.number(public, index, value, absent) end
  return unsigned(value)
end

-- XOR[a][b] for bytes; a row is made from that of the lower bits.
local XOR = {}

local function make_row(a)
  local row = {}
  for b = 0, 255 do
    local result, weight, x, y = 0, 1, a, b
    while x > 0 or y > 0 do
      if x % 2 ~= y % 2 then result = result + weight end
      x, y, weight = floor(x / 2), floor(y / 2), weight * 2
    end
    row[b] = result
  end
  XOR[a] = row
  return row
end

local function xor(a, b)
  local a1, b1 = a % 256, b % 256
  a, b = (a - a1) / 256, (b - b1) / 256
  local a2, b2 = a % 256, b % 256
  a, b = (a - a2) / 256, (b - b2) / 256
  local a3, b3 = a % 256, b % 256
  local a4, b4 = (a - a3) / 256, (b - b3) / 256
  return (XOR[a1] or make_row(a1))[b1] + (XOR[a2] or make_row(a2))[b2] * 256
    + (XOR[a3] or make_row(a3))[b3] * 65536 + (XOR[a4] or make_row(a4))[b4] * 16777216
end

-- Two operands are the usual case; the others are folded one by one.

local band
function band(...)
  local count, first, second = select("#", ...), ...
  local result = operand(band, 1, first, count < 1)
  if count > 1 then
    second = operand(band, 2, second)
    result = (result + second - xor(result, second)) / 2
    for index = 3, count do
      local value = operand(band, index, (select(index, ...)))
      result = (result + value - xor(result, value)) / 2
    end
  end
  return (signed(result))
end

local bor
function bor(...)
  local count, first, second = select("#", ...), ...
  local result = operand(bor, 1, first, count < 1)
  if count > 1 then
    second = operand(bor, 2, second)
    result = (result + second + xor(result, second)) / 2
    for index = 3, count do
      local value = operand(bor, index, (select(index, ...)))
      result = (result + value + xor(result, value)) / 2
    end
  end
  return (signed(result))
end

local bxor
function bxor(...)
  local count, first, second = select("#", ...), ...
  local result = operand(bxor, 1, first, count < 1)
  if count > 1 then
    result = xor(result, operand(bxor, 2, second))
    for index = 3, count do result = xor(result, operand(bxor, index, (select(index, ...)))) end
  end
  return (signed(result))
end

local tobit
function tobit(...)
  return (signed(operand(tobit, 1, (...), select("#", ...) < 1)))
end

local bnot
function bnot(...)
  return (signed(4294967295 - operand(bnot, 1, (...), select("#", ...) < 1)))
end

local bswap
function bswap(...)
  local number = operand(bswap, 1, (...), select("#", ...) < 1)
  local a = number % 256
  local b = floor(number / 256) % 256
  local c = floor(number / 65536) % 256
  return (signed(a * 16777216 + b * 65536 + c * 256 + floor(number / 16777216)))
end

-- The operand and the distance, modulo 32, of a shift.
local function shift_operands(public, ...)
  local count, value, distance = select("#", ...), ...
  value = operand(public, 1, value, count < 1)
  return value, operand(public, 2, distance, count < 2) % 32
end

local lshift
function lshift(...)
  local value, distance = shift_operands(lshift, ...)
  return (signed(value % POWER[32 - distance] * POWER[distance]))
end

local rshift
function rshift(...)
  local value, distance = shift_operands(rshift, ...)
  return (signed(floor(value / POWER[distance])))
end

local arshift
function arshift(...)
  local value, distance = shift_operands(arshift, ...)
  return (floor(signed(value) / POWER[distance]))
end

local rol
function rol(...)
  local value, distance = shift_operands(rol, ...)
  return (signed(value % POWER[32 - distance] * POWER[distance] + floor(value / POWER[32 - distance])))
end

local ror
function ror(...)
  local value, distance = shift_operands(ror, ...)
  return (signed(value % POWER[distance] * POWER[32 - distance] + floor(value / POWER[distance])))
end

-- The lowest digits in hexadecimal: 8, or as many as asked for; upper case for a negative number of them.
local tohex
function tohex(...)
  local count, value, digits = select("#", ...), ...
  value = operand(tohex, 1, value, count < 1)
  digits = count < 2 and 8 or signed(operand(tohex, 2, digits))
  local text = format("%04x%04x", floor(value / 65536), value % 65536)
  if digits < 0 then
    digits = -digits
    text = upper(text)
  end
  if digits == 0 then return "" end
  return (sub(text, digits < 8 and -digits or -8))
end

library.band, library.bor, library.bxor, library.bnot = band, bor, bxor, bnot
library.lshift, library.rshift, library.arshift, library.rol, library.ror = lshift, rshift, arshift, rol, ror
library.tobit, library.tohex, library.bswap = tobit, tohex, bswap
arguments.name(library)
return library
