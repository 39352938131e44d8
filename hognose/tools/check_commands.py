"""Checking a file of commands: is each whole, is every MULTI closed, and where does the sound part end?

A server that loses power leaves the end of its last file torn: half a command, a transaction without its EXEC, or zeros
where the file system had made room. Only such an end can be cut off without losing anything that was acknowledged as
safe; damage with commands behind it is another matter.
"""

from typing import BinaryIO, Final

from hognose.persistence.aof_format import AofError, CommandReader
from hognose.tools.progress_bar import ProgressBar

CHUNK_BYTES: Final = 1 << 20
KEYS_PER_UPDATE: Final = 1024


class CommandCheck:
    """What was found in a file of commands.

    Attributes:
        commands: How many are whole.
        problem: What is wrong; empty if nothing is.
        offset: Where.
        sound_bytes: Up to where everything is whole.
        is_torn: Only the end is missing.
    """

    def __init__(self, start: int) -> None:
        self.commands = 0
        self.problem = ""
        self.offset = start
        self.sound_bytes = start
        self.is_torn = False

    def note(self, problem: str, offset: int, is_torn: bool) -> None:
        """Something is wrong."""
        self.problem = problem
        self.offset = offset
        self.is_torn = is_torn


def check_commands(file: BinaryIO, start: int, bar: ProgressBar) -> CommandCheck:
    """Reads commands from an offset to the end of the file. O(bytes)."""
    found = CommandCheck(start)
    file.seek(start)
    reader = CommandReader(file, start)
    opened = -1  # where the MULTI stands that waits for its EXEC
    while True:
        before = int(reader.offset)
        try:
            argv = reader.next()
        except AofError as error:
            is_zeros = not error.is_truncated and is_all_zeros(file, int(reader.offset))
            text = "zeros up to the end" if is_zeros else str(error)
            found.note(text, error.offset, error.is_truncated or is_zeros)
            break
        if argv is None:
            if opened >= 0:
                found.note("MULTI without its EXEC", opened, True)
            break
        name = argv[0].upper()
        if name == b"MULTI":
            if opened >= 0:
                found.note("MULTI inside of a MULTI", before, False)
                break
            opened = before
        elif name == b"EXEC":
            if opened < 0:
                found.note("EXEC without a MULTI", before, False)
                break
            opened = -1
        found.commands += 1
        if opened < 0:
            found.sound_bytes = int(reader.offset)
        if found.commands % KEYS_PER_UPDATE == 0:
            bar.update(before)
    return found


def is_all_zeros(file: BinaryIO, start: int) -> bool:
    """Whether a file holds nothing but zeros from an offset on, and at least one."""
    file.seek(start)
    chunk = file.read(CHUNK_BYTES)
    if not chunk:
        return False
    while chunk:
        if chunk.count(0) != len(chunk):
            return False
        chunk = file.read(CHUNK_BYTES)
    return True
