"""Which files of the official suite CI runs, and which tests cannot pass on hognose, each with its reason.

A test is named by its file and by its name, as the suite prints it, or the beginning of it.
"""

from dataclasses import dataclass
from typing import Final

QUICK: Final = (
    "unit/protocol",
    "unit/keyspace",
    "unit/scan",
    "unit/type/string",
    "unit/type/incr",
    "unit/expire",
    "unit/quit",
    "unit/info-command",
    "unit/slowlog",
    "unit/latency-monitor",
    "unit/type/hash",
    "unit/type/set",
    "unit/type/zset",
    "unit/type/stream",
    "unit/bitops",
    "unit/bitfield",
    "unit/hyperloglog",
    "unit/geo",
)
"""The files that take seconds each and cover what every client meets; CI runs these."""


@dataclass(frozen=True)
class Known:
    """A test that is expected to fail.

    Attributes:
        unit: Its file.
        name: Its name, or how its name begins.
        reason: Why it cannot pass, for docs/differences.md.
    """

    unit: str
    name: str
    reason: str


KNOWN: Final[tuple[Known, ...]] = ()


def reason_for(unit: str, name: str) -> str | None:
    """Why a test may fail; None if it may not."""
    return next((known.reason for known in KNOWN if known.unit == unit and name.startswith(known.name)), None)
