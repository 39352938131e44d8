-- Numbers as the bytes of IEEE 754, and back; and as two words of 32 bits. Big-endian byte lists: callers turn them.
--
--   float    s eeeeeeee m(23)         value = 1.m * 2^(e - 127),  subnormal 0.m * 2^-126
--   double   s eeeeeeeeeee m(52)      value = 1.m * 2^(e - 1023), subnormal 0.m * 2^-1022
--
-- Not a library for scripts: cmsgpack and struct are built on it. Lua 5.1 has no bytes of numbers, so mantissas come
-- from math.frexp; everything is exact, as each step scales by a power of two. Of a NaN only the sign is kept.
-- Source: IEEE 754-2019.

local char, format, sub = string.char, string.format, string.sub
local frexp, ldexp, floor, huge = math.frexp, math.ldexp, math.floor, math.huge

local ieee754 = {}

-- Only the text of a NaN tells its sign.
local function is_negative_nan(number) return sub(format("%f", number), 1, 1) == "-" end

-- Processors differ in the sign of 0 / 0.
local positive_nan = 0 / 0
if is_negative_nan(positive_nan) then positive_nan = -positive_nan end
local negative_nan = -positive_nan

-- Rounds to a whole number, halves to the even one.
local function round(number)
  local whole = floor(number)
  local rest = number - whole
  if rest > 0.5 or (rest == 0.5 and whole % 2 == 1) then return whole + 1 end
  return whole
end

-- The 4 bytes of a number as a float, most significant first; too large becomes infinity.
function ieee754.float(number)
  local sign = 0
  if number ~= number then return is_negative_nan(number) and "\255\192\0\0" or "\127\192\0\0" end
  if number < 0 or (number == 0 and 1 / number < 0) then sign, number = 128, -number end
  if number == 0 then return char(sign, 0, 0, 0) end
  if number == huge then return char(sign + 127, 128, 0, 0) end
  local mantissa, exponent = frexp(number)
  local bits
  if exponent > -126 then
    -- Rounding up may carry into the exponent, which the sum does right.
    bits = (exponent + 125) * 8388608 + round(ldexp(mantissa, 24))
  else
    bits = round(ldexp(number, 149))
  end
  if bits >= 2139095040 then bits = 2139095040 end
  local high = floor(bits / 65536)
  local low = bits - high * 65536
  return char(sign + floor(high / 256), high % 256, floor(low / 256), low % 256)
end

-- Whether a number loses nothing as a float.
function ieee754.fits_float(number)
  if number ~= number then return false end
  if number == huge or number == -huge or number == 0 then return true end
  local mantissa, exponent = frexp(number)
  if exponent > 128 then return false end
  if exponent < -125 then return ldexp(number, 149) % 1 == 0 end
  return mantissa * 16777216 % 1 == 0
end

-- The 8 bytes of a number as a double, most significant first.
function ieee754.double(number)
  local sign = 0
  if number ~= number then
    return is_negative_nan(number) and "\255\248\0\0\0\0\0\0" or "\127\248\0\0\0\0\0\0"
  end
  if number < 0 or (number == 0 and 1 / number < 0) then sign, number = 128, -number end
  if number == 0 then return char(sign, 0, 0, 0, 0, 0, 0, 0) end
  if number == huge then return char(sign + 127, 240, 0, 0, 0, 0, 0, 0) end
  local mantissa, exponent = frexp(number)
  if exponent > -1022 then
    exponent, mantissa = exponent + 1022, ldexp(mantissa, 53) - 4503599627370496
  else
    exponent, mantissa = 0, ldexp(number, 1074)
  end
  local high = floor(mantissa / 4294967296)
  local low = mantissa - high * 4294967296
  return char(
    sign + floor(exponent / 16), exponent % 16 * 16 + floor(high / 65536), floor(high / 256) % 256, high % 256,
    floor(low / 16777216), floor(low / 65536) % 256, floor(low / 256) % 256, low % 256
  )
end

-- The number that 4 bytes of a float stand for, most significant first.
function ieee754.from_float(a, b, c, d)
  local sign = 1
  if a >= 128 then sign, a = -1, a - 128 end
  local exponent = a * 2 + (b >= 128 and 1 or 0)
  local mantissa = b % 128 * 65536 + c * 256 + d
  if exponent == 0 then return sign * ldexp(mantissa, -149) end
  if exponent < 255 then return sign * ldexp(mantissa + 8388608, exponent - 150) end
  if mantissa == 0 then return sign * huge end
  return sign > 0 and positive_nan or negative_nan
end

-- The number that 8 bytes of a double stand for, most significant first.
function ieee754.from_double(a, b, c, d, e, f, g, h)
  local sign = 1
  if a >= 128 then sign, a = -1, a - 128 end
  local exponent = a * 16 + floor(b / 16)
  local mantissa = ((b % 16 * 256 + c) * 256 + d) * 4294967296 + ((e * 256 + f) * 256 + g) * 256 + h
  if exponent == 0 then return sign * ldexp(mantissa, -1074) end
  if exponent < 2047 then return sign * ldexp(mantissa + 4503599627370496, exponent - 1075) end
  if mantissa == 0 then return sign * huge end
  return sign > 0 and positive_nan or negative_nan
end

-- A whole number from -2^63 to 2^64 as two's complement: the higher and the lower 32 bits.
function ieee754.words(number)
  local low = number % 4294967296
  return (number - low) / 4294967296 % 4294967296, low
end

return ieee754
