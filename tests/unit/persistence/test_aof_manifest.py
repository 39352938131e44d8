"""The manifest of the append-only file."""

from __future__ import annotations

import pytest

from hognose.persistence.aof_manifest import Manifest, ManifestError, parse_manifest, quoted

NAME = "appendonly.aof"


def test_a_manifest_names_base_then_history_then_increments() -> None:
    manifest = Manifest()
    manifest.new_base(NAME, is_dump=True)
    manifest.new_increment(NAME)
    manifest.new_increment(NAME)
    manifest.new_base(NAME, is_dump=False)
    manifest.retire_increments(keeps_last=True)
    assert manifest.to_bytes().decode().splitlines() == [
        "file appendonly.aof.2.base.aof seq 2 type b",
        "file appendonly.aof.1.incr.aof seq 1 type h",
        "file appendonly.aof.1.base.rdb seq 1 type h",
        "file appendonly.aof.2.incr.aof seq 2 type i",
    ]


def test_a_manifest_reads_back_as_it_was_written() -> None:
    manifest = Manifest()
    base = manifest.new_base("with blank", is_dump=True)
    increment = manifest.new_increment("öffnen")
    text = manifest.to_bytes()
    assert parse_manifest(text).to_bytes() == text
    assert [file.name for file in parse_manifest(text).files()] == [base, increment]


def test_numbers_go_on_where_they_were() -> None:
    manifest = parse_manifest(b"file a.7.base.rdb seq 7 type b\nfile a.3.incr.aof seq 3 type i\n")
    assert manifest.new_base("a", is_dump=True) == "a.8.base.rdb"
    assert manifest.new_increment("a") == "a.4.incr.aof"


def test_changes_of_a_copy_leave_the_original_alone() -> None:
    manifest = parse_manifest(b"file a.7.base.rdb seq 7 type b\nfile a.3.incr.aof seq 3 type i\n")
    before = manifest.to_bytes()
    copy = manifest.copy()
    copy.new_base("a", is_dump=True)
    copy.retire_increments(keeps_last=False)
    assert manifest.to_bytes() == before


def test_comments_and_unknown_words_are_passed_over() -> None:
    manifest = parse_manifest(b"# a comment\nfile a seq 1 type b checksum 99\n")
    assert [file.name for file in manifest.files()] == ["a"]


def test_names_with_blanks_and_unprintable_bytes_are_quoted() -> None:
    assert quoted("plain.aof") == "plain.aof"
    assert quoted('a "b"\n') == '"a \\"b\\"\\n"'


@pytest.mark.parametrize(
    ("data", "text", "line"),
    [
        (b"", "Found an empty AOF manifest", 0),
        (b"file a seq 1 type b\n\n", "Invalid AOF manifest file format", 2),
        (b"file a seq 1\n", "Invalid AOF manifest file format", 1),
        (b"file a seq 1 type b odd\n", "Invalid AOF manifest file format", 1),
        (b"name a seq 1 type b\n", "Invalid AOF manifest file format", 1),
        (b"file a seq zero type b\n", "Invalid AOF manifest file format", 1),
        (b'file "a seq 1 type b\n', "Invalid AOF manifest file format", 1),
        (b"file a seq 1 type b", "The AOF manifest file contains too long line", 1),
        (b"file " + b"a" * 1024 + b" seq 1 type b\n", "The AOF manifest file contains too long line", 1),
        (b"file ../a seq 1 type b\n", "File can't be a path, just a filename", 1),
        (b"file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information", 2),
        (b"file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number", 2),
        (b"file a seq 1 type x\n", "Unknown AOF file type", 1),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(data: bytes, text: str, line: int) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data)
    assert (caught.value.text, caught.value.number) == (text, line)
