"""Which keys a request uses, and what it does with each: for COMMAND GETKEYS, and for what users may do with keys."""

from typing import Final

from hognose.commands.flags import ACCESS, INCOMPLETE, NOT_KEY, OW, RO, RW, UPDATE, VARIABLE_FLAGS
from hognose.commands.keyspec import KeySpec
from hognose.commands.spec import CommandSpec


class KeyUse:
    """A key in a request.

    Attributes:
        at: Its index.
        flags: What the command does with it, in the words of key specifications.
    """

    def __init__(self, at: int, flags: int) -> None:
        self.at: Final = at
        self.flags: Final = flags


def key_uses(spec: CommandSpec, request: list[bytes]) -> list[KeyUse]:
    """The keys of a request, in the order of the command's specifications; none if the arguments do not fit these."""
    uses: list[KeyUse] = []
    for key_spec in spec.keys:
        if key_spec.flags & NOT_KEY:
            continue
        positions = key_spec.positions(request)
        if positions is None:
            return []
        flags = actual_flags(spec, key_spec, request) & ~INCOMPLETE  # here all are found
        uses.extend([KeyUse(at, flags) for at in positions])
    return uses


def actual_flags(spec: CommandSpec, key_spec: KeySpec, request: list[bytes]) -> int:
    """What this request does with a key, where that depends on its options (SET with GET, BITFIELD with GET only)."""
    flags: int = key_spec.flags
    if flags & VARIABLE_FLAGS == 0:
        return flags
    words = [word.upper() for word in request[2:]]
    if spec.name == "set":
        return RW | ACCESS | UPDATE if b"GET" in words[1:] else OW | UPDATE
    if spec.name == "bitfield":
        return RW | ACCESS | UPDATE if b"SET" in words or b"INCRBY" in words else RO | ACCESS
    return flags
