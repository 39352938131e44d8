"""What is changed in the bytecode of a compiled script, and what is found out about it.

It keeps the line numbers of errors: `return redis.call(...)` becomes a plain call instead of a tail call. Lua forgets a
function that ends in a tail call before what it calls begins. For redis.call, which is a Lua function here, that would
lose the line the error message has to name. Where the callee was just read from a field called like one of the server's
or the libraries' functions, or from a global called like a built-in that is guarded here, OP_TAILCALL is replaced by
OP_CALL; both are followed by the same OP_RETURN, so nothing else changes, and tail recursion of the script's own
functions stays what it is.

And it tells plain scripts: those that assign to no global and can neither change nor keep the tables KEYS, ARGV and
redis, so that none of these has to be made anew or guarded. They do nothing with them but read an element or take the
length: what OP_GETGLOBAL brings into a register, the next instruction replaces there by what it reads from it. Nor do
they name what could lead to the globals in another way.

What is read here comes from Lua's own string.dump, never from a client. Layout (Lua 5.1, 64 bits, low byte first):

    header 12 bytes | function
    function   source | first line i32 | last line i32 | upvalues, parameters, vararg, stack u8 | code | constants
               | functions | lines | local variables | names of upvalues
    code       count i32 | instructions u32: opcode 6 bits, A 8, C 9, B 9
    constants  count i32 | type u8 and value: 0 nil; 1 boolean u8; 3 number f64; 4 string
    string     size u64, NUL included, 0 for none | bytes

Source: lopcodes.h, ldump.c and lparser.c of Lua 5.1.
"""

from typing import Final

from librt.strings import read_i32_le, read_i64_le
from mypy_extensions import i64

HEADER: Final = b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"
MOVE: Final = 0
GETGLOBAL: Final = 5
GETTABLE: Final = 6
SETGLOBAL: Final = 7
SELF: Final = 11
LEN: Final = 20
CALL: Final = 28
TAILCALL: Final = 29
# Opcodes from LOADK to GETUPVAL, NEWTABLE, from ADD to CONCAT, TESTSET, CALL, CLOSURE and VARARG.
MAKES_ANOTHER_VALUE: Final = frozenset([1, 2, 3, 4, 10, *range(12, 22), 27, 28, 36, 37])
IS_CONSTANT: Final = 256
NIL: Final = 0
BOOLEAN: Final = 1
NUMBER: Final = 3
STRING: Final = 4
NAMES: Final = (
    b"call pcall encode decode encode_sparse_array encode_max_depth decode_max_depth encode_number_precision "
    b"encode_keep_buffer encode_invalid_numbers decode_invalid_numbers pack unpack unpack_one unpack_limit size "
    b"tobit tohex bnot band bor bxor lshift rshift arshift rol ror bswap "
    b"sha1hex log setresp set_repl acl_check_cmd random randomseed rep dump create resume wrap"
)
GUARDED_NAMES: Final = (
    b"getmetatable setmetatable rawset rawget next pairs ipairs loadstring load collectgarbage pcall xpcall"
)
GUARDED_FUNCTIONS: Final = frozenset([name + b"\x00" for name in GUARDED_NAMES.split()])
"""The global functions that are written in Lua here and can fail."""
FIELDS: Final = frozenset([name + b"\x00" for name in NAMES.split()]) | GUARDED_FUNCTIONS
"""The same of `redis` and the libraries, and of `_G`."""
# Names of globals.
GUARDED: Final = frozenset([b"KEYS\x00", b"ARGV\x00", b"redis\x00"])
WAYS_TO_GLOBALS: Final = frozenset([b"_G\x00", b"load\x00", b"loadstring\x00"])


class Program:
    """A compiled script. O(N).

    Args:
        code: What string.dump gave.

    Attributes:
        is_plain: It assigns to no global, and can neither change nor keep KEYS, ARGV and redis.
    """

    def __init__(self, code: bytes) -> None:
        self._code: Final = code
        self._changed: Final = bytearray(code)
        self._at: i64 = len(HEADER)
        self.is_plain = code.startswith(HEADER)
        if code.startswith(HEADER):
            self._function()

    def code(self) -> bytes:
        """The same program, whose calls of redis.call and of the libraries keep their lines."""
        return bytes(self._changed)

    def _count(self) -> i64:
        self._at += 4
        return i64(read_i32_le(self._code, self._at - 4))

    def _string(self) -> bytes:
        size = read_i64_le(self._code, self._at)
        self._at += 8 + size
        return self._code[self._at - size : self._at]

    def _function(self) -> None:
        self._string()
        self._at += 12
        size = self._count()
        start = self._at
        self._at += size * 4
        names = self._constants()
        self._replace(start, size, names)
        self._check_globals(start, size, names)
        count = self._count()
        while count > 0:
            self._function()
            count -= 1
        lines = self._count()
        self._at += lines * 4
        self._names(8)
        self._names(0)

    def _constants(self) -> list[bytes]:
        """The constants; b"" for what is no string."""
        found: list[bytes] = []
        count = self._count()
        while count > 0:
            kind: i64 = self._code[self._at]
            self._at += 1
            text = b""
            if kind == STRING:
                text = self._string()
            elif kind == NUMBER:
                self._at += 8
            elif kind == BOOLEAN:
                self._at += 1
            found.append(text)
            count -= 1
        return found

    def _names(self, behind: i64) -> None:
        """Passes over a list of names, each with so many bytes behind it."""
        count = self._count()
        while count > 0:
            self._string()
            self._at += behind
            count -= 1

    def _replace(self, start: i64, size: i64, names: list[bytes]) -> None:
        """Looks through the instructions of one function."""
        is_call = [False] * 256
        at = start
        while at < start + size * 4:
            instruction = i64(read_i32_le(self._code, at)) & 0xFFFFFFFF
            opcode = instruction & 63
            register = (instruction >> 6) & 255
            if opcode in {GETTABLE, SELF}:
                key = (instruction >> 14) & 511
                is_call[register] = key >= IS_CONSTANT and names[key - IS_CONSTANT] in FIELDS
            elif opcode == GETGLOBAL:
                is_call[register] = names[instruction >> 14] in GUARDED_FUNCTIONS
            elif opcode == MOVE:
                is_call[register] = is_call[(instruction >> 23) & 511]
            elif opcode == TAILCALL and is_call[register]:
                self._changed[at] = (self._code[at] & 0xC0) | CALL
                is_call[register] = False
            elif opcode in MAKES_ANOTHER_VALUE:
                is_call[register] = False
            at += 4

    def _check_globals(self, start: i64, size: i64, names: list[bytes]) -> None:
        """Looks what one function does with globals. A function ends in OP_RETURN, so there is a next instruction."""
        at = start
        while at < start + size * 4:
            instruction = i64(read_i32_le(self._code, at)) & 0xFFFFFFFF
            at += 4
            if instruction & 63 == SETGLOBAL:
                self.is_plain = False
            elif instruction & 63 == GETGLOBAL:
                name = names[instruction >> 14]
                if name in WAYS_TO_GLOBALS or (name in GUARDED and not self._reads(at, (instruction >> 6) & 255)):
                    self.is_plain = False

    def _reads(self, at: i64, register: i64) -> bool:
        """Whether an instruction replaces the table in a register by an element or by its length."""
        instruction = i64(read_i32_le(self._code, at)) & 0xFFFFFFFF
        is_reading = instruction & 63 in {GETTABLE, LEN}
        return is_reading and (instruction >> 6) & 255 == register and (instruction >> 23) & 511 == register
