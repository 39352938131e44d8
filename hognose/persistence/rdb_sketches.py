"""The probabilistic types in RDB files and payloads: as values of module types that no other server has.

    7 | id: nine letters of six bits, version of ten | 5 header | 5 piece of the tables ... | 0

(each 5 announces a string). The names are not those of Redis' own Bloom module, whose filters have other bits: a real
server says that it knows no such module, instead of reading what would mean something else there.
"""

from typing import Final

from hognose.datastructures.bloom import BloomFilter, bloom_from
from hognose.datastructures.count_min_sketch import CountMinSketch, count_min_from
from hognose.datastructures.cuckoo import CuckooFilter, cuckoo_from
from hognose.datastructures.sketch import DamagedSketchError, Sketch, fill_all, pieces_of
from hognose.datastructures.topk import TopK, topk_from
from hognose.persistence.rdb_modules import ALPHABET, END, STRING, VERSION_BITS
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_source import RdbSource

BLOOM: Final = "hgBloomFl"
CUCKOO: Final = "hgCuckooF"
COUNT_MIN: Final = "hgCountMS"
TOP_K: Final = "hgTopKHKp"
NAMES: Final = [BLOOM, CUCKOO, COUNT_MIN, TOP_K]
VERSION: Final = 1


def name_of(value: Sketch) -> str:
    """The module type under which a value is written. O(1)."""
    if isinstance(value, BloomFilter):
        return BLOOM
    if isinstance(value, CuckooFilter):
        return CUCKOO
    if isinstance(value, CountMinSketch):
        return COUNT_MIN
    assert isinstance(value, TopK)
    return TOP_K


def module_id(name: str, version: int) -> int:
    """The number that stands for a module type. O(1)."""
    number = 0
    for letter in name:
        number = number << 6 | ALPHABET.index(letter)
    return number << VERSION_BITS | version


def write_sketch(sink: RdbSink, value: Sketch) -> None:
    """Writes a value without its type. O(N) for N bytes of tables."""
    write_sketch_head(sink, value)
    for piece in pieces_of(value):
        sink.length(STRING)
        sink.string(piece)
    sink.length(END)


def write_sketch_head(sink: RdbSink, value: Sketch) -> None:
    """Writes what stands before a value's tables."""
    sink.unsigned(module_id(name_of(value), VERSION))
    sink.length(STRING)
    sink.string(value.header())


def read_sketch(source: RdbSource, name: str) -> Sketch:
    """Reads what follows the id of one of `NAMES`.

    Raises:
        RdbError: It is no such value. Nothing larger than what was read is made before that is known.

    Complexity:
        O(N) for N bytes of tables.
    """
    strings: list[bytes] = []
    kind = source.length()
    while kind == STRING:
        strings.append(source.string())
        kind = source.length()
    if kind != END or not strings:
        raise source.error(f"Damaged value of type {name}")
    pieces = strings[1:]
    size = sum(len(piece) for piece in pieces)
    try:
        value = empty_sketch(name, strings[0], size)
        fill_all(value, pieces)
    except DamagedSketchError as error:
        raise source.error(f"Damaged value of type {name}: {error}") from None
    return value


def empty_sketch(name: str, header: bytes, size: int) -> Sketch:
    """The value of a header, with empty tables of a size.

    Raises:
        DamagedSketchError: There is none.
    """
    if name == BLOOM:
        return bloom_from(header, size)
    if name == CUCKOO:
        return cuckoo_from(header, size)
    if name == COUNT_MIN:
        return count_min_from(header, size)
    if name == TOP_K:
        return topk_from(header, size)
    raise DamagedSketchError("only its module could read it")
