"""Tests of the official suite that cannot pass on hognose, each with its reason. Everything else must.

A test is named by its file and by its name, as the suite prints it, or the beginning of it.
"""

from dataclasses import dataclass
from typing import Final


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
