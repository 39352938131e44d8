"""Data of modules in RDB files: it names its module and can be stepped over, but only the module could read it.

    id      64 bits, written like a length: nine characters of 6 bits each, the first highest, and a version of 10 bits
    data    (kind, value) ... 0     each kind a length: 1, 2 integer like a length | 3 float, 4 bytes
                                    | 4 double, 8 bytes | 5 string

Values of the first kind that servers before 4.0 wrote have no such marks: where they end only the module knows.
"""

from typing import Final

from hognose.persistence.rdb_source import RdbSource

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NAME_CHARACTERS: Final = 9
VERSION_BITS: Final = 10

END: Final = 0
SIGNED: Final = 1
UNSIGNED: Final = 2
FLOAT: Final = 3
DOUBLE: Final = 4
STRING: Final = 5


def read_module_name(source: RdbSource) -> str:
    """Reads an id and returns the name of the module's type."""
    bits = source.unsigned() >> VERSION_BITS
    name = ""
    for _ in range(NAME_CHARACTERS):
        name = ALPHABET[bits & 63] + name
        bits >>= 6
    return name


def skip_module_data(source: RdbSource) -> None:
    """Steps over what follows an id.

    Raises:
        RdbError: It is not marked as it must be.

    Complexity:
        O(bytes).
    """
    while True:
        kind = source.length()
        if kind == END:
            return
        if kind in (SIGNED, UNSIGNED):
            source.number()
        elif kind == FLOAT:
            source.take(4)
        elif kind == DOUBLE:
            source.double()
        elif kind == STRING:
            source.string()
        else:
            raise source.error(f"Data of a module with an unknown mark {kind}")
