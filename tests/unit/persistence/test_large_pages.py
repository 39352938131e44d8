"""Bytes that change in place are read as they were, page by page, whatever becomes of them meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from hognose.datastructures.bloom import BloomFilter
from hognose.datastructures.count_min_sketch import CountMinSketch
from hognose.datastructures.cuckoo import CuckooFilter
from hognose.datastructures.sketch import Sketch
from hognose.datastructures.topk import TopK
from hognose.persistence.large_pages import NOTED_PAGE_BYTES, TablesAsOf, TextAsOf
from hognose.persistence.large_values import Notes

PAGE = 8
PIECE = 24


def overwrite(draw: random.Random, text: bytearray, reader: TextAsOf) -> None:
    """Changes some bytes as a command does: it says which before, and not where it appends."""
    start = draw.randrange(len(text) + 20)
    patch = draw.randbytes(draw.choice([1, 1, 1, 7, 40]))
    if start > len(text):
        text.extend(bytes(start - len(text)))
    reader.before_change(start, start + len(patch))
    text[start : start + len(patch)] = patch


@pytest.mark.parametrize("seed", range(200))
def test_bytes_are_read_as_they_were(seed: int) -> None:
    draw = random.Random(seed)
    before = draw.randbytes(draw.choice([1, 7, 8, 9, 24, 25, 300]))
    text = bytearray(before)
    notes = Notes()
    reader = TextAsOf(text, notes, PAGE, PIECE)
    found = b""
    changes = draw.choice([0, 1, 5, 60])
    while reader.has_more():
        for _ in range(changes):
            overwrite(draw, text, reader)
        piece = reader.next()
        assert 0 < len(piece) <= PIECE
        found += piece
    assert found == before
    assert notes.used_bytes == 0


def test_a_change_notes_the_pages_it_touches_and_only_once() -> None:
    notes = Notes()
    reader = TextAsOf(bytearray(100), notes, PAGE, PIECE)
    page = PAGE + NOTED_PAGE_BYTES
    reader.before_change(15, 17)
    assert notes.used_bytes == 2 * page
    reader.before_change(8, 16)
    assert notes.used_bytes == 2 * page
    reader.before_change(100, 200)
    reader.before_change(50, 50)
    assert notes.used_bytes == 2 * page
    reader.next()
    assert notes.used_bytes == 0
    reader.before_change(0, PIECE)
    assert notes.used_bytes == 0
    reader.before_change(0, 100)
    reader.close()
    assert notes.used_bytes == 0


def some_items(draw: random.Random, count: int) -> list[bytes]:
    return [b"item%d" % draw.randrange(200) for _ in range(count)]


def change_bloom(draw: random.Random, bloom: BloomFilter) -> None:
    if draw.random() < 0.1:
        start = draw.randrange(int(bloom.table_bytes()))
        bloom.fill(start, draw.randbytes(draw.randrange(min(40, int(bloom.table_bytes()) - start) + 1)))
    for item in some_items(draw, draw.choice([1, 9])):
        bloom.add(item)


def change_cuckoo(draw: random.Random, cuckoo: CuckooFilter) -> None:
    match draw.randrange(12):
        case 0:
            cuckoo.compact()
        case 1:
            start = draw.randrange(int(cuckoo.table_bytes()))
            cuckoo.fill(start, draw.randbytes(min(9, int(cuckoo.table_bytes()) - start)))
        case 2 | 3 | 4 | 5:
            for item in some_items(draw, draw.choice([1, 200])):
                cuckoo.delete(item)
        case _:
            for item in some_items(draw, draw.choice([1, 30])):
                cuckoo.add(item, only_new=False)


def change_count_min(draw: random.Random, sketch: CountMinSketch) -> None:
    match draw.randrange(12):
        case 0:
            sketch.merge([sketch], [2])
        case 1:
            sketch.fill(4 * draw.randrange(int(sketch.table_bytes()) // 4), draw.randbytes(4))
        case _:
            sketch.add(b"item%d" % draw.randrange(99), draw.randrange(1, 9))


def change_top_k(draw: random.Random, top_k: TopK) -> None:
    if draw.random() < 0.1:
        half = int(top_k.table_bytes()) // 2
        top_k.fill(half - 8, draw.randbytes(16))
    for item in some_items(draw, draw.choice([1, 5])):
        top_k.add(item, draw.randrange(1, 4))


def bloom_filter(draw: random.Random) -> BloomFilter:
    return BloomFilter(draw.choice([5, 30]), 0.01, 2)


def cuckoo_filter(draw: random.Random) -> CuckooFilter:
    return CuckooFilter(draw.choice([4, 16]), 2, 5, draw.choice([1, 2]))


def count_min_sketch(draw: random.Random) -> CountMinSketch:
    return CountMinSketch(draw.choice([5, 20]), 3)


def top_k_list(draw: random.Random) -> TopK:
    return TopK(4, draw.choice([5, 20]), 3, 0.9)


KINDS: dict[str, tuple[Callable[[random.Random], Sketch], Callable[[random.Random, Any], None]]] = {
    "bloom": (bloom_filter, change_bloom),
    "cuckoo": (cuckoo_filter, change_cuckoo),
    "count-min": (count_min_sketch, change_count_min),
    "top-k": (top_k_list, change_top_k),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(60))
def test_tables_are_read_as_they_were(kind: str, seed: int) -> None:
    make, change = KINDS[kind]
    draw = random.Random(seed)
    value = make(draw)
    for _ in range(draw.choice([0, 3, 40])):
        change(draw, value)
    before = value.tables(0, value.table_bytes())
    notes = Notes()
    reader = TablesAsOf(value, notes, PAGE, PIECE)
    found = b""
    changes = draw.choice([0, 1, 5, 60])
    while reader.has_more():
        for _ in range(changes):
            change(draw, value)
        found += reader.next()
    assert found == before
    assert notes.used_bytes == 0
    change(draw, value)
    reader.close()
    change(draw, value)
    assert notes.used_bytes == 0
