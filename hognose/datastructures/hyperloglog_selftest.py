"""The self-test behind PFSELFTEST: do registers leave their neighbours alone, do both forms estimate alike and well?

It runs in the server that is to be checked, on values of its own, so it shows what the tests of the build cannot: that
this machine's arithmetic, compiled as it is, gives the right bits.
"""

import math
from typing import Final

from librt.random import Random
from mypy_extensions import i64

from hognose.datastructures import hyperloglog as hll
from hognose.datastructures.hyperloglog_sparse import REGISTERS

_REGISTER_ROUNDS: Final = 3
_MOST_ELEMENTS: Final = 100_000
_STANDARD_ERROR: Final = 1.04 / math.sqrt(REGISTERS)
_TOLERATED_ERRORS: Final = 6.0


def self_test(random: Random, sparse_max_bytes: i64) -> str | None:
    """Runs both tests.

    Args:
        random: Where chance comes from.
        sparse_max_bytes: As configured.

    Returns:
        What failed, or None.

    Complexity: some ten milliseconds compiled.
    """
    for _ in range(_REGISTER_ROUNDS):
        failure = _test_registers(random)
        if failure is not None:
            return failure
    return _test_estimates(random.randint(0, (1 << 62) - 1), sparse_max_bytes)


def _test_registers(random: Random) -> str | None:
    """Writes a random value to every register of a dense value, then reads all back."""
    dense = hll.to_dense(hll.EMPTY)
    expected: list[int] = []
    index: i64
    for index in range(REGISTERS):
        rank = random.randint(0, 63)
        expected.append(rank)
        hll.write_dense_register(dense, index, rank)
    for index in range(REGISTERS):
        found = hll.dense_register(dense, index)
        if found != expected[index]:
            return f"TESTFAILED Register {index} should be {expected[index]} but is {found}"
    return None


def _test_estimates(seed: i64, sparse_max_bytes: i64) -> str | None:
    """Adds elements to a value that starts sparse and one that is dense, and compares at every power of ten."""
    small: bytes | bytearray = hll.EMPTY
    dense: bytes | bytearray = hll.to_dense(hll.EMPTY)
    checkpoint: i64 = 1
    number: i64 = 1
    while number <= _MOST_ELEMENTS:
        element = [int(seed ^ number).to_bytes(8, "little")]
        small, _ = hll.add(small, element, 0, sparse_max_bytes)
        dense, _ = hll.add(dense, element, 0, sparse_max_bytes)
        if number == checkpoint:
            failure = _compare(small, dense, number, sparse_max_bytes)
            if failure is not None:
                return failure
            checkpoint *= 10
        number += 1
    return None


def _compare(small: bytes | bytearray, dense: bytes | bytearray, count: i64, sparse_max_bytes: i64) -> str | None:
    """Checks form, agreement and error of two values that have both seen `count` elements."""
    if count < sparse_max_bytes // 2 and hll.encoding_of(small) != hll.SPARSE:
        return "TESTFAILED sparse encoding not used"
    estimate = hll.estimate(dense)
    if estimate != hll.estimate(small):
        return "TESTFAILED dense/sparse disagree"
    error = abs(estimate - int(count))
    if error > math.ceil(_STANDARD_ERROR * _TOLERATED_ERRORS * float(count)):
        return f"TESTFAILED Too big error. card:{count} abserr:{error}"
    return None
