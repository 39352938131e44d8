"""HyperLogLog: an estimate of how many different elements were seen, in at most 12 KB, as a string value.

A HyperLogLog is an ordinary string to the rest of the server; these functions take its bytes and give new bytes back.
The commands look keys up and answer; configuration (hll-sparse-max-bytes) is passed in.

    byte 0      4          5          8                 16
         | HYLL | encoding | 0  0  0  | cached estimate | registers ...
           magic  0 dense    reserved   little endian;
                  1 sparse              top bit: stale

An element's 64-bit hash picks a register by its low 14 bits; the register keeps the longest run of zero bits ever seen
in the other 50, plus one. Two forms hold the 16384 registers:

- sparse, run lengths, for small sets: see `hyperloglog_sparse`. Kept as `bytes`.
- dense, 6 bits a register, lowest bits of a byte first. Kept as a `bytearray`, changed in place:

      +--------+--------+--------+--
      |11000000|22221111|33333322|
      +--------+--------+--------+--

Sources: Flajolet et al., "HyperLogLog", 2007; Heule et al., "HyperLogLog in Practice", 2013 (64-bit hash, sparse form);
O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284 (the estimator: section 4,
with sigma and tau).
"""

import math
from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i16_le, write_i32_le
from librt.vecs import vec
from mypy_extensions import i16, i32, i64, u8

from hognose.datastructures import hyperloglog_sparse as sparse
from hognose.datastructures.hyperloglog_sparse import HEADER_BYTES, REGISTERS
from hognose.datastructures.murmurhash import murmurhash64a

DENSE: Final = 0
SPARSE: Final = 1
DENSE_BYTES: Final = HEADER_BYTES + REGISTERS * 6 // 8

EMPTY: Final = b"HYLL" + bytes((SPARSE, 0, 0, 0)) + bytes(8) + b"\x7f\xff"
"""A value that has seen nothing: sparse, one XZERO over all registers, cached estimate 0."""

EMPTY_STALE: Final = EMPTY[:15] + b"\x80" + EMPTY[16:]
"""The same, its cached estimate marked stale: what PFADD starts from."""

_SPARSE_START: Final = b"HYLL\1"
_H: Final = 0x48
_Y: Final = 0x59
_L: Final = 0x4C

_HASH_SEED: Final = 0xADC83B19
_INDEX_BITS: Final = 14
_RANK_BITS: Final = 50  # hash bits left for the run of zeros; ranks go to 51
_STALE: Final = 0x80  # in byte 15, the top byte of the cached estimate; read as a number, the field is negative then
_ALPHA_INFINITY: Final = 0.721347520444481703680  # 0.5 / ln(2)


def is_hyperloglog(value: bytes | bytearray) -> bool:
    """Whether a string has the header of a HyperLogLog and, when dense, its exact size. O(1)."""
    return is_dense(value) or (len(value) >= HEADER_BYTES and value.startswith(_SPARSE_START))


def is_dense(value: bytes | bytearray) -> bool:
    """Whether a string has the header and the size of a dense HyperLogLog. O(1).

    Byte by byte, for every PFADD asks: of a bytearray, `startswith` and comparisons take about twice as long.
    """
    if len(value) != DENSE_BYTES or value[0] != _H or value[1] != _Y or value[2] != _L or value[3] != _L:
        return False
    return value[4] == DENSE


def encoding_of(value: bytes | bytearray) -> i64:
    """DENSE or SPARSE. O(1)."""
    return value[4]


def add(
    value: bytes | bytearray, elements: list[bytes], first: i64, sparse_max_bytes: i64
) -> tuple[bytes | bytearray, i64]:
    """Adds elements.

    Args:
        value: A HyperLogLog. A dense `bytearray` is changed in place.
        elements: A list that ends with the elements.
        first: 0-based index of the first element in it.
        sparse_max_bytes: The size, header included, beyond which a sparse value becomes dense.

    Returns:
        The value after it (the cached estimate marked stale when something changed) and how many elements changed it.

    Raises:
        CorruptHyperLogLog: when the opcodes of a sparse value do not cover the registers; nothing is changed.

    Complexity: O(1) per element when dense, O(bytes) when sparse.
    """
    if isinstance(value, bytearray) and encoding_of(value) == DENSE:
        return value, add_dense(value, elements, first)
    current = value
    changed: i64 = 0
    for position in range(first, len(elements)):
        hashed = murmurhash64a(elements[position], _HASH_SEED)
        updated = _set_register(current, hashed & (REGISTERS - 1), _rank(hashed), sparse_max_bytes)
        if updated is not None:
            current = updated
            changed += 1
    if changed:
        current = mark_stale(current)
    return current, changed


def add_dense(dense: bytearray, elements: list[bytes], first: i64) -> i64:
    """Adds elements, as `add` does, to a dense value in place; how many changed it. O(1) per element."""
    changed: i64 = 0
    position = first
    while position < len(elements):
        hashed = murmurhash64a(elements[position], _HASH_SEED)
        index = hashed & (REGISTERS - 1)
        rank = _rank(hashed)
        if dense_register(dense, index) < rank:
            write_dense_register(dense, index, rank)
            changed += 1
        position += 1
    if changed:
        mark_stale(dense)
    return changed


def mark_stale(value: bytes | bytearray) -> bytes | bytearray:
    """Marks the cached estimate stale; in place where the value is a bytearray. O(1) when dense, else O(bytes)."""
    top: i64 = value[15]
    if top & _STALE:
        return value
    if isinstance(value, bytearray):
        value[15] = top | _STALE
        return value
    return value[:15] + bytes((top | _STALE,)) + value[16:]


def cached_estimate(value: bytes | bytearray) -> int:
    """The estimate kept in the header, or -1 when it is stale. O(1)."""
    cached = read_i64_le(value if isinstance(value, bytes) else bytes(value[:HEADER_BYTES]), 8)
    return -1 if cached < 0 else int(cached)


def with_cached_estimate(value: bytes | bytearray, estimate: int) -> bytes | bytearray:
    """Puts an estimate into the header; in place where the value is a bytearray. O(1) when dense, else O(bytes)."""
    field = (estimate & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little")
    if isinstance(value, bytearray):
        value[8:16] = field
        return value
    return value[:8] + field + value[16:]


def estimate(value: bytes | bytearray) -> int:
    """Estimates the number of different elements from the registers, whatever the header says.

    Raises:
        CorruptHyperLogLog: when the opcodes of a sparse value do not cover the registers.

    Complexity: O(registers) when dense, O(bytes) when sparse.
    """
    histogram = _zero_histogram()
    if encoding_of(value) == DENSE:
        _add_dense_to_histogram(value, histogram)
    elif not sparse.add_to_histogram(bytes(value), histogram):
        raise sparse.CorruptHyperLogLog
    return _estimate_from(histogram)


def estimate_union(values: list[bytes | bytearray]) -> int:
    """Estimates the number of different elements that at least one of several values has seen.

    Raises:
        CorruptHyperLogLog: when the opcodes of a sparse value do not cover the registers.

    Complexity: O(registers) per value.
    """
    registers = _zero_registers()
    for value in values:
        _raise_registers(value, registers)
    histogram = _zero_histogram()
    index: i64
    for index in range(REGISTERS):
        histogram[i64(registers[index])] += 1
    return _estimate_from(histogram)


def merge(target: bytes | bytearray, sources: list[bytes | bytearray], sparse_max_bytes: i64) -> bytes | bytearray:
    """Makes the target see what the sources have seen.

    Args:
        target: A HyperLogLog. A dense `bytearray` is changed in place.
        sources: Any number of HyperLogLogs.
        sparse_max_bytes: The size, header included, beyond which a sparse value becomes dense.

    Returns:
        The target after it, dense when one of all was dense, its cached estimate marked stale.

    Raises:
        CorruptHyperLogLog: when the opcodes of a sparse value do not cover the registers; nothing is changed.

    Complexity: O(registers) per value; a sparse result costs O(bytes) for each register raised.
    """
    registers = _zero_registers()
    _raise_registers(target, registers)
    any_dense = encoding_of(target) == DENSE
    for source in sources:
        _raise_registers(source, registers)
        any_dense = any_dense or encoding_of(source) == DENSE
    if any_dense:
        return mark_stale(_pack(registers, target))
    merged: bytes | bytearray = bytes(target)
    index: i64
    for index in range(REGISTERS):
        rank = i64(registers[index])
        if rank:
            updated = _set_register(merged, index, rank, sparse_max_bytes)
            merged = merged if updated is None else updated
    return mark_stale(merged)


def to_dense(value: bytes | bytearray) -> bytearray:
    """The dense form of a value, header kept; a dense bytearray itself.

    Raises:
        CorruptHyperLogLog: when the opcodes of a sparse value do not cover the registers.

    Complexity: O(registers).
    """
    if encoding_of(value) == DENSE:
        return value if isinstance(value, bytearray) else bytearray(value)
    registers = _zero_registers()
    _raise_registers(value, registers)
    return _pack(registers, value)


def registers_of(value: bytes | bytearray) -> list[int]:
    """All register values in order.

    Raises:
        CorruptHyperLogLog: when the opcodes of a sparse value do not cover the registers.

    Complexity: O(registers).
    """
    registers = _zero_registers()
    _raise_registers(value, registers)
    return [int(registers[index]) for index in range(REGISTERS)]


def check_invariants(value: bytes | bytearray) -> None:
    """Asserts that a value this module made is well-formed. O(registers)."""
    assert is_hyperloglog(value)
    assert value[5:8] == b"\0\0\0"
    if encoding_of(value) == SPARSE:
        assert isinstance(value, bytes)
        sparse.check_invariants(value)
    assert max(registers_of(value)) <= _RANK_BITS + 1
    cached = cached_estimate(value)
    assert cached in {-1, estimate(value)}


def _rank(hashed: i64) -> i64:
    """One more than the zero bits below the lowest set bit of the hash's upper 50 bits; 51 when there is none."""
    rest: i64 = ((hashed >> _INDEX_BITS) & ((1 << _RANK_BITS) - 1)) | (1 << _RANK_BITS)
    rank: i64 = 1
    while not rest & 1:
        rest >>= 1
        rank += 1
    return rank


def _set_register(value: bytes | bytearray, index: i64, rank: i64, sparse_max_bytes: i64) -> bytes | bytearray | None:
    """The value with one register raised, in its old form or promoted to dense; None when nothing changes."""
    if encoding_of(value) == SPARSE and rank <= sparse.MAX_VALUE:
        packed = bytes(value)
        updated = sparse.set_register(packed, index, rank, sparse_max_bytes)
        if updated is not None:
            return None if updated is packed else updated
    elif encoding_of(value) == DENSE and dense_register(value, index) >= rank:
        return None
    dense = to_dense(value)
    write_dense_register(dense, index, rank)
    return dense


def dense_register(value: bytes | bytearray, index: i64) -> i64:
    """One register of a dense value. O(1)."""
    bit = index * 6
    pos: i64 = HEADER_BYTES + (bit >> 3)
    shift = bit & 7
    pair: i64 = value[pos]
    if shift > 2:
        high: i64 = value[pos + 1]
        pair |= high << 8
    return (pair >> shift) & 0x3F


def write_dense_register(dense: bytearray, index: i64, rank: i64) -> None:
    """Sets one register of a dense value, whatever it was; the cached estimate is the caller's to mark. O(1)."""
    bit = index * 6
    pos: i64 = HEADER_BYTES + (bit >> 3)
    shift = bit & 7
    low: i64 = dense[pos]
    dense[pos] = ((low & ~(0x3F << shift)) | (rank << shift)) & 0xFF
    if shift > 2:
        high: i64 = dense[pos + 1]
        dense[pos + 1] = (high & ~(0x3F >> (8 - shift))) | (rank >> (8 - shift))


def _zero_registers() -> vec[u8]:
    return vec[u8](bytes(REGISTERS))


def _zero_histogram() -> vec[i64]:
    return vec[i64]([0] * 64)


def _raise_registers(value: bytes | bytearray, registers: vec[u8]) -> None:
    """Raises each register to what the value has there."""
    if encoding_of(value) == SPARSE:
        sparse.raise_registers(bytes(value), registers)
        return
    padded = bytes(value) + b"\0\0"
    index: i64 = 0
    pos: i64 = HEADER_BYTES
    while index < REGISTERS:
        eight = read_i64_le(padded, pos)
        end = index + 8
        while index < end:
            rank = eight & 0x3F
            if i64(registers[index]) < rank:
                registers[index] = u8(rank)
            eight >>= 6
            index += 1
        pos += 6


def _add_dense_to_histogram(value: bytes | bytearray, histogram: vec[i64]) -> None:
    padded = bytes(value) + b"\0\0"
    pos: i64 = HEADER_BYTES
    while pos < DENSE_BYTES:
        eight = read_i64_le(padded, pos)
        step: i64 = 0
        while step < 8:
            histogram[eight & 0x3F] += 1
            eight >>= 6
            step += 1
        pos += 6


def _pack(registers: vec[u8], like: bytes | bytearray) -> bytearray:
    """The dense form of registers, with the magic and cached estimate of another value.

    Written into `like` itself when that is already a dense bytearray, so that the value stays the same object.
    """
    writer = BytesWriter()
    index: i64 = 0
    while index < REGISTERS:
        eight: i64 = 0
        offset: i64
        for offset in range(8):
            eight |= i64(registers[index + offset]) << (6 * offset)
        write_i32_le(writer, _signed_32(eight))
        write_i16_le(writer, _signed_16(eight >> 32))
        index += 8
    dense = like if isinstance(like, bytearray) and encoding_of(like) == DENSE else bytearray(like[:HEADER_BYTES])
    dense[4] = DENSE
    dense[HEADER_BYTES:] = writer.getvalue()
    return dense


def _signed_32(number: i64) -> i32:
    low = number & 0xFFFFFFFF
    return i32(low - (1 << 32) if low >> 31 else low)


def _signed_16(number: i64) -> i16:
    low = number & 0xFFFF
    return i16(low - (1 << 16) if low >> 15 else low)


def _estimate_from(histogram: vec[i64]) -> int:
    """The improved raw estimator (Ertl, algorithm 6) over the count of registers by value."""
    m = float(REGISTERS)
    z = m * _tau((m - float(histogram[_RANK_BITS + 1])) / m)
    rank: i64
    for rank in range(_RANK_BITS, 0, -1):
        z = (z + float(histogram[rank])) * 0.5
    z += m * _sigma(float(histogram[0]) / m)
    if z == 0.0:
        # Every register at its limit or beyond, which no set of elements reaches: the estimate is infinite, and the
        # real server's conversion to an integer gives the least one.
        return -(1 << 63)
    exact = _ALPHA_INFINITY * m * m / z
    floor = math.floor(exact)
    return floor + 1 if exact - floor >= 0.5 else floor


def _sigma(x: float) -> float:
    """The correction for registers still zero: x plus the sum over k >= 1 of x^(2^k) 2^(k-1)."""
    if x == 1.0:
        return math.inf
    weight = 1.0
    z = x
    while True:
        x *= x
        previous = z
        z += x * weight
        weight += weight
        if z == previous:
            return z


def _tau(x: float) -> float:
    """The correction for registers at their limit: (1 - x - the sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3."""
    if x in (0.0, 1.0):
        return 0.0
    weight = 1.0
    z = 1.0 - x
    while True:
        x = math.sqrt(x)
        previous = z
        weight *= 0.5
        z -= (1.0 - x) * (1.0 - x) * weight
        if z == previous:
            return z / 3.0
