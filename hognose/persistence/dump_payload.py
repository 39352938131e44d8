"""The payload of DUMP and RESTORE: one value as in an RDB file, with version and checksum behind it.

type u8 | value | RDB version u16, low byte first | CRC-64 of all before it, 8 bytes, low first
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from hognose.persistence.crc64 import crc64
from hognose.persistence.lzf import Compressor
from hognose.persistence.rdb_format import VALKEY, ValueLimits, is_known_version
from hognose.persistence.rdb_read_values import read_value
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_source import RdbSource
from hognose.persistence.rdb_write_values import value_type, version_for, write_value

TYPE_BYTES: Final = 1
FOOTER_BYTES: Final = 10
CHECKSUM_BYTES: Final = 8


def dump_value(value: object, version: i64, compressor: Compressor | None) -> bytes:
    """Makes the payload of a value.

    Args:
        value: A string in any of its forms, or a `Value`.
        version: The RDB version to write; a value that needs a newer one gets it.
        compressor: Compresses strings; None leaves them as they are.

    Complexity:
        O(N).
    """
    version = version_for(value, version)
    sink = RdbSink(compressor)
    kind = value_type(value, version)
    sink.byte(kind)
    write_value(sink, value, kind)
    sink.byte(version & 255)
    sink.byte(version >> 8)
    sink.i64_le(crc64(0, sink.getvalue()))
    return sink.getvalue()


def is_intact(payload: bytes, skips_checksum: bool = False) -> bool:
    """Whether a payload is of a known version and its checksum is right, or not looked at. O(N)."""
    size = len(payload)
    if size < FOOTER_BYTES or not is_known_version(payload_version(payload)):
        return False
    return skips_checksum or crc64(0, payload[: size - CHECKSUM_BYTES]) == read_i64_le(payload, size - CHECKSUM_BYTES)


def payload_version(payload: bytes) -> i64:
    """The RDB version of a payload that has at least its footer."""
    at = len(payload) - FOOTER_BYTES
    low: i64 = payload[at]
    high: i64 = payload[at + 1]
    return low | (high << 8)


def restore_value(payload: bytes, limits: ValueLimits) -> object:
    """Reads the value of a payload that is intact.

    Raises:
        RdbError: Its bytes are no value, or an empty one. What follows a complete value is not looked at, as in the
            real server.

    Complexity:
        O(N).
    """
    source = RdbSource(payload[: len(payload) - FOOTER_BYTES])
    kind = source.byte()
    return read_value(source, kind, limits, payload_version(payload) >= VALKEY)
