"""Reading what files may hold besides keys: libraries, data of modules, slots, marks of both families."""

import io

import pytest

from hognose.clock import FakeClock
from hognose.datastructures.hashvalue import HashLimits, HashValue
from hognose.datastructures.quicklist import ListLimits
from hognose.datastructures.setvalue import SetLimits
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.zset import ZSetLimits
from hognose.keyspace.keyspace import Keyspace
from hognose.persistence.rdb_format import RdbError, ValueLimits
from hognose.persistence.rdb_reader import DatasetReader
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_source import RdbSource
from hognose.persistence.rdb_writer import FileOptions, write_dataset
from tests.inprocess import InProcessServer

END = b"\xff" + bytes(8)  # a checksum of 0 is none
KEY = b"\x00\x01k\x01v"


def module_id(name: str) -> bytes:
    """The id of a module's type, as a length of 8 bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bits = 0
    for character in name:
        bits = bits << 6 | alphabet.index(character)
    return b"\x81" + (bits << 10 | 3).to_bytes(8, "big")


MODULE_DATA = b"\x02\x05\x01\x40\xff\x03abcd\x04abcdefgh\x05\x03end\x00"


def read(data: bytes, skips_modules: bool = False, replaces: bool = False) -> tuple[DatasetReader, Keyspace]:
    """Reads a file into a new keyspace."""
    keyspace = Keyspace(FakeClock())
    limits = ValueLimits(ListLimits(-2), HashLimits(), SetLimits(), ZSetLimits())
    reader = DatasetReader(keyspace, limits, replaces, skips_modules)
    reader.read(RdbSource(data), True)
    return reader, keyspace


def written(keyspace: Keyspace, version: int) -> bytes:
    """The file of a keyspace."""
    file = io.BytesIO()
    write_dataset(RdbSink(None, file), keyspace, FileOptions(version, True, False, 0))
    return file.getvalue()


def test_libraries_are_kept_and_written_back_in_order() -> None:
    data = b"REDIS0011" + b"\xf5\x05#!one" + b"\xf5\x05#!two" + END
    _, keyspace = read(data)
    assert keyspace.libraries.sources() == [b"#!one", b"#!two"]
    assert b"\xf5\x05#!one\xf5\x05#!two" in written(keyspace, 11)
    assert b"#!one" not in written(keyspace, 9)  # readers of that version know no libraries


@pytest.mark.parametrize(
    ("expires", "left", "segments"),
    [
        (0, 40_000, 9),  # 10,000 keys without deadline, at 1,024 to a segment
        (9_000, 40_000, 1),  # they may all be left out
        (0, 100, 1),  # a file of so few bytes cannot hold them
    ],
)
def test_room_is_made_for_keys_that_will_stay_and_for_which_there_are_bytes(
    expires: int, left: int, segments: int
) -> None:
    sizes = b"\xfb\x80" + (10_000).to_bytes(4, "big") + b"\x80" + expires.to_bytes(4, "big")
    aux = b"\xfa\x01a\x80" + left.to_bytes(4, "big") + b"x" * left
    _, keyspace = read(b"REDIS0011" + sizes + aux + END)
    assert len(keyspace.databases[0].table.segments) == segments


@pytest.mark.parametrize(
    ("magic", "rest"),
    [
        (b"REDIS0012", b"\xf4\x05\x01\x00"),
        (b"VALKEY080", b"\xf4\x05\x01\x00"),
        (b"VALKEY080", b"\xf3\x03job\x02\x00\x09\x0b\x0c"),
        (b"REDIS0011", b"\xfa\x04name\xc0\x05"),
        (b"REDIS0003", b"\xfb\x01\x00"),
    ],
)
def test_what_stands_between_keys_is_understood_in_either_family(magic: bytes, rest: bytes) -> None:
    reader, keyspace = read(magic + rest + b"\xfe\x00" + KEY + END)
    assert reader.keys_loaded == 1
    assert keyspace.databases[0].table.find(b"k") >= 0


def test_slots_that_were_being_imported_are_remarked() -> None:
    reader, _ = read(b"VALKEY080" + b"\xf3\x03job\x02\x00\x09\x0b\x0c" + END)
    assert reader.remarks == [
        "Import job of slots 0 to 9 was not finished",
        "Import job of slots 11 to 12 was not finished",
    ]


@pytest.mark.parametrize("code", [0xF2, 0xF3])
def test_marks_of_one_family_are_refused_in_a_file_of_the_other(code: int) -> None:
    with pytest.raises(RdbError, match=f"Unknown opcode {code} at offset 10"):
        read(b"REDIS0012" + bytes([code]) + b"\x03job\x00" + END)


def test_data_of_modules_is_refused_by_default_and_names_the_module() -> None:
    value = b"\x07\x03key" + module_id("ReJSON-RL") + MODULE_DATA
    aux = b"\xf7" + module_id("graphdata") + b"\x02\x01" + MODULE_DATA
    with pytest.raises(RdbError, match="Value of module type ReJSON-RL"):
        read(b"REDIS0011\xfe\x00" + value + KEY + END)
    with pytest.raises(RdbError, match="Data of module graphdata"):
        read(b"REDIS0011" + aux + b"\xfe\x00" + KEY + END)


def test_data_of_modules_is_stepped_over_if_so_configured() -> None:
    value = b"\xfc" + (2**41).to_bytes(8, "little") + b"\x07\x03key" + module_id("ReJSON-RL") + MODULE_DATA
    aux = b"\xf7" + module_id("graphdata") + b"\x02\x01" + MODULE_DATA
    reader, keyspace = read(b"REDIS0011" + aux + b"\xfe\x00" + value + KEY + END, skips_modules=True)
    assert reader.remarks == ["Left out: data of module graphdata", "Left out: key key of module type ReJSON-RL"]
    assert (reader.keys_loaded, reader.keys_of_modules) == (1, 1)
    database = keyspace.databases[0]
    assert database.table.deadline(database.table.find(b"k")) == 0  # the deadline was that of the key left out


@pytest.mark.parametrize("size", range(len(MODULE_DATA)))
def test_cut_data_of_modules_is_refused(size: int) -> None:
    with pytest.raises(RdbError):
        read(b"REDIS0011\xfe\x00\x07\x03key" + module_id("ReJSON-RL") + MODULE_DATA[:size], skips_modules=True)


def test_values_of_the_first_kind_of_modules_are_refused_always() -> None:
    with pytest.raises(RdbError, match="which only the module could read"):
        read(b"REDIS0008\xfe\x00\x06\x03key" + module_id("ReJSON-RL") + b"\x00" + END, skips_modules=True)


@pytest.mark.parametrize("magic", [b"REDIS0016", b"REDIS0080", b"VALKEY011", b"VALKEY081", b"REDIS00xx", b"RADIS0011"])
def test_other_versions_and_signatures_are_refused(magic: bytes) -> None:
    with pytest.raises(RdbError, match=r"Can't handle RDB format version|Wrong signature"):
        read(magic + END)


def test_empty_collections_are_left_out_and_remarked() -> None:
    reader, keyspace = read(b"REDIS0009\xfe\x00" + b"\x02\x05empty\x00" + KEY + END)
    assert reader.remarks == ["skipping empty key: empty"]
    assert (reader.keys_loaded, reader.keys_empty) == (1, 1)
    assert keyspace.databases[0].table.count == 1


def test_deadlines_of_fields_that_redis_cannot_hold_become_its_latest() -> None:
    far = (2**62).to_bytes(8, "little")
    _, keyspace = read(b"VALKEY080\xfe\x00" + b"\x16\x04hash\x01\x01f\x01v" + far + END)
    database = keyspace.databases[0]
    value = database.table.found.slots[2 * database.table.find(b"hash") + 1]
    assert isinstance(value, HashValue)
    assert value.deadline(b"f") == 2**48 - 2


def test_such_deadlines_are_refused_in_files_of_redis() -> None:
    for deadline in (2**48 - 1, 2**62, 2**63):
        entry = b"\x18\x04hash" + (1).to_bytes(8, "little") + b"\x01\x81" + deadline.to_bytes(8, "big") + b"\x01f\x01v"
        with pytest.raises(RdbError, match="impossible deadline"):
            read(b"REDIS0012\xfe\x00" + entry + END)


# A stream as redis 8.6 writes it: what its third version holds, then 100 seconds, 100 entries, one producer with one
# message, two messages ever, none that came again.
NAMED = b"\x40\x64" * 2 + b"\x01\x01p\x01\x01i" + b"\x81" + bytes(7) + b"\x01\x01" + b"\x02\x00"
NO_PRODUCERS = b"\x40\x64" * 2 + bytes(3)


def stream_of_version_3() -> bytes:
    """A stream without its type."""
    server = InProcessServer()
    client = server.client()
    client("XADD", "s", "1-1", "field", "value")
    client("XGROUP", "CREATE", "s", "group", "0")
    client("XREADGROUP", "GROUP", "group", "consumer", "STREAMS", "s", ">")
    payload = client("DUMP", "s")
    assert isinstance(payload, bytes)
    assert payload[0] == 21
    return payload[1:-10]


@pytest.mark.parametrize(("end", "remarks"), [(NAMED, 1), (NO_PRODUCERS, 0)])
def test_streams_of_redis_8_6_are_read_without_their_producers(end: bytes, remarks: int) -> None:
    values = b"\x1a\x01s" + stream_of_version_3() + end + b"\x00\x03key\x05value"
    reader, keyspace = read(b"REDIS0013" + values + b"\xff" + bytes(8))
    stream = keyspace.databases[0].lookup_read(b"s")
    assert isinstance(stream, StreamValue)
    assert (stream.length(), list(stream.groups)) == (1, [b"group"])
    assert keyspace.databases[0].lookup_read(b"key") == b"value"
    assert len(reader.remarks) == remarks
    assert all("Left out: of stream s what 1 producers have sent" in remark for remark in reader.remarks)


@pytest.mark.parametrize(("kind", "what"), [(27, "XNACK"), (28, "array"), (29, "template"), (32, "template")])
def test_types_of_newer_redis_are_refused_by_name(kind: int, what: str) -> None:
    with pytest.raises(RdbError, match=f"Type of value {kind} of newer Redis, .*{what}"):
        read(b"REDIS0015" + bytes([kind]) + b"\x03key\x01\xff" + bytes(8))


def test_type_26_is_no_stream_in_dumps_of_valkey() -> None:
    with pytest.raises(RdbError, match="Unknown type of value 26"):
        read(b"VALKEY080" + b"\x1a\x01s" + stream_of_version_3() + NO_PRODUCERS + b"\xff" + bytes(8))
