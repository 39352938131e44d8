"""Bytes that change in place are read as they were, page by page, whatever becomes of them meanwhile."""

from __future__ import annotations

import random

import pytest

from hognose.persistence.large_pages import NOTED_PAGE_BYTES, TextAsOf
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
