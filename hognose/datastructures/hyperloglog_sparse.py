"""The sparse form of a HyperLogLog: run-length opcodes over its 16384 registers.

Not here: the header's meaning, hashing, estimating, the dense form (see `hyperloglog`). Functions take the whole value,
header included, and never change it: a sparse value is at most a few kilobytes, and `bytes` is the form that compiled
code reads by index at no cost. A change builds a new value.

Opcodes, one after another from byte 16, cover every register once, in order:

    ZERO    00xxxxxx            xxxxxx + 1 registers (1 to 64) are 0
    XZERO   01xxxxxx yyyyyyyy   xxxxxxyyyyyyyy + 1 registers (1 to 16384) are 0
    VAL     1vvvvvxx            xx + 1 registers (1 to 4) are vvvvv + 1 (1 to 32)

Setting register 1001 of an empty value to 3 makes of XZERO:16384

    XZERO:1001  VAL:3,1  XZERO:15382

How a run is split and which neighbours are joined afterwards is not free to choose: dumps of equal histories must be
equal byte by byte.

Source: the format is that of Redis' HyperLogLog strings (magic HYLL, encoding 1).
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, u8

HEADER_BYTES: Final = 16
REGISTERS: Final = 16384

VAL_BIT: Final = 0x80
XZERO_BIT: Final = 0x40

MAX_VALUE: Final = 32
_MAX_VAL_RUN: Final = 4
_MAX_ZERO_RUN: Final = 64

_BYTES: Final[list[bytes]] = [bytes((byte,)) for byte in range(256)]

# How many opcodes, from the one before the change on, are looked at for runs of equal values to join.
_JOIN_WINDOW: Final = 5


class CorruptHyperLogLog(ValueError):  # noqa: N818 - the state of the value, named as the answer to the client names it
    """The opcodes do not cover the registers exactly."""


def value_of(opcode: i64) -> i64:
    """The register value of a VAL opcode, 0 for the others. O(1)."""
    return ((opcode >> 2) & 0x1F) + 1 if opcode & VAL_BIT else 0


def run_of(data: bytes, pos: i64) -> i64:
    """The number of registers that the opcode at a position covers. O(1)."""
    opcode: i64 = data[pos]
    if opcode & VAL_BIT:
        return (opcode & 3) + 1
    if opcode & XZERO_BIT:
        # A cut-off XZERO counts as if followed by a zero byte, which is what the real server finds there.
        low: i64 = data[pos + 1] if pos + 1 < len(data) else 0
        return (((opcode & 0x3F) << 8) | low) + 1
    return opcode + 1


def size_of(opcode: i64) -> i64:
    """The bytes of an opcode, by its first byte: 2 for XZERO, 1 for the others. O(1)."""
    return 2 if opcode & 0xC0 == XZERO_BIT else 1


def set_register(data: bytes, index: i64, value: i64, max_bytes: i64) -> bytes | None:
    """Raises one register to a value.

    Args:
        data: The whole value.
        index: The register, 0 to 16383.
        value: 1 to 32.
        max_bytes: The size the value must not grow beyond.

    Returns:
        The new value, header unchanged; `data` itself when the register already holds as much; None when splitting
        the opcode would make the value too large (joining neighbours afterwards does not count).

    Raises:
        CorruptHyperLogLog: when no opcode covers the register.

    Complexity: O(N) in the bytes of the value.
    """
    end: i64 = len(data)
    pos: i64 = HEADER_BYTES
    before_pos: i64 = HEADER_BYTES
    first: i64 = 0
    opcode: i64 = 0
    run: i64 = 0
    size: i64 = 1
    while pos < end:
        # The most frequent opcodes of a long value first: this walk is what adding to a sparse value costs.
        opcode = data[pos]
        size = 1
        if opcode < XZERO_BIT:
            run = opcode + 1
        elif opcode & VAL_BIT:
            run = (opcode & 3) + 1
        else:
            run = run_of(data, pos)
            size = 2
        if index < first + run:
            break
        before_pos = pos
        pos += size
        first += run
    if pos >= end:
        raise CorruptHyperLogLog
    old = value_of(opcode)
    if old >= value:
        return data
    before = _run(index - first, old)
    after = _run(first + run - 1 - index, old)
    growth: i64 = len(before) + 1 + len(after) - size
    if growth > 0 and end + growth > max_bytes:
        return None
    changed = b"%b%b%b%b%b" % (data[:pos], before, _run(1, value), after, data[pos + size :])
    return _join_runs(changed, before_pos)


def add_to_histogram(data: bytes, histogram: vec[i64]) -> bool:
    """Counts the registers by value.

    Args:
        data: The whole value.
        histogram: 64 counters, increased in place.

    Returns:
        Whether the opcodes cover the registers exactly.

    Complexity: O(N) in the bytes of the value.
    """
    covered: i64 = 0
    pos: i64 = HEADER_BYTES
    while pos < len(data):
        opcode: i64 = data[pos]
        run = run_of(data, pos)
        histogram[value_of(opcode)] += run
        covered += run
        pos += size_of(opcode)
    return covered == REGISTERS


def raise_registers(data: bytes, registers: vec[u8]) -> None:
    """Raises each of 16384 registers, in place, to what this value has there.

    Args:
        data: The whole value.
        registers: 16384 register values.

    Raises:
        CorruptHyperLogLog: when the opcodes do not cover the registers exactly.

    Complexity: O(registers).
    """
    index: i64 = 0
    pos: i64 = HEADER_BYTES
    while pos < len(data):
        opcode: i64 = data[pos]
        value = value_of(opcode)
        run_end = index + run_of(data, pos)
        if value and run_end > REGISTERS:
            raise CorruptHyperLogLog
        while value and index < run_end:
            if i64(registers[index]) < value:
                registers[index] = u8(value)
            index += 1
        index = run_end
        pos += size_of(opcode)
    if index != REGISTERS:
        raise CorruptHyperLogLog


def decode(data: bytes) -> bytes:
    """The opcodes in words: `z:LEN`, `Z:LEN` and `v:VALUE,LEN`, as PFDEBUG DECODE tells them. O(N)."""
    words: list[bytes] = []
    pos: i64 = HEADER_BYTES
    while pos < len(data):
        opcode: i64 = data[pos]
        run = run_of(data, pos)
        if opcode & VAL_BIT:
            words.append(b"v:%d,%d" % (value_of(opcode), run))
        else:
            words.append(b"%b:%d" % (b"Z" if opcode & XZERO_BIT else b"z", run))
        pos += size_of(opcode)
    return b" ".join(words)


def check_invariants(data: bytes) -> None:
    """Asserts that opcodes are whole and cover every register once. O(N)."""
    covered: i64 = 0
    pos: i64 = HEADER_BYTES
    while pos < len(data):
        covered += run_of(data, pos)
        pos += size_of(data[pos])
    assert pos == len(data), "the last opcode is cut off"
    assert covered == REGISTERS, f"{covered} registers covered"


def _run(length: i64, value: i64) -> bytes:
    """The opcode for a run of registers with one value; nothing for an empty run."""
    if length == 0:
        return b""
    if value:
        return _BYTES[VAL_BIT | (value - 1) << 2 | (length - 1)]
    if length > _MAX_ZERO_RUN:
        return _BYTES[XZERO_BIT | (length - 1) >> 8] + _BYTES[(length - 1) & 0xFF]
    return _BYTES[length - 1]


def _join_runs(data: bytes, start: i64) -> bytes:
    """Joins adjacent VAL runs of one value within a few opcodes from `start` on."""
    pos = start
    steps: i64 = _JOIN_WINDOW
    while pos < len(data) and steps > 0:
        steps -= 1
        opcode: i64 = data[pos]
        if opcode & VAL_BIT and pos + 1 < len(data):
            follower: i64 = data[pos + 1]
            run = (opcode & 3) + 1 + (follower & 3) + 1
            if (opcode & ~3) == (follower & ~3) and run <= _MAX_VAL_RUN:
                data = b"%b%b%b" % (data[:pos], _run(run, value_of(opcode)), data[pos + 2 :])
                continue
        pos += size_of(opcode)
    return data
