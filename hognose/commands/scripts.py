"""Scripts and functions as commands see them: the base class that the scripting layer derives its engine from.

The commands EVAL, SCRIPT and FUNCTION live here with all others, so that there is one table; Lua lives above them.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from hognose.resp.reply import Reply

if TYPE_CHECKING:
    from hognose.commands.context import Context


class ScriptMemory:
    """What scripts occupy, in bytes, and how many there are.

    Attributes:
        eval_bytes, function_bytes: The two Lua states.
        script_bytes, library_bytes: Sources and records outside of Lua.
        scripts, functions, libraries: Their numbers.
    """

    def __init__(self) -> None:
        self.eval_bytes: i64 = 0
        self.function_bytes: i64 = 0
        self.script_bytes: i64 = 0
        self.library_bytes: i64 = 0
        self.scripts: i64 = 0
        self.functions: i64 = 0
        self.libraries: i64 = 0


class Scripts:
    """The scripts of one server."""

    # EVAL and SCRIPT

    def run_text(self, ctx: "Context", argv: list[bytes], read_only: bool) -> Reply:
        """EVAL, EVAL_RO."""
        raise NotImplementedError

    def run_digest(self, ctx: "Context", argv: list[bytes], read_only: bool) -> Reply:
        """EVALSHA, EVALSHA_RO."""
        raise NotImplementedError

    def load(self, text: bytes) -> bytes:
        """SCRIPT LOAD. Returns the digest."""
        raise NotImplementedError

    def exists(self, digest: bytes) -> bool:
        """Whether a script is cached."""
        raise NotImplementedError

    def forget_all(self) -> None:
        """SCRIPT FLUSH."""
        raise NotImplementedError

    def kill(self, function: bool) -> None:
        """SCRIPT KILL, or FUNCTION KILL with `function`.

        Raises:
            CommandError: Nothing runs, what runs is of the other sort, or has changed data.
        """
        raise NotImplementedError

    # FCALL and FUNCTION

    def run_function(self, ctx: "Context", argv: list[bytes], read_only: bool) -> Reply:
        """FCALL, FCALL_RO."""
        raise NotImplementedError

    def load_library(self, source: bytes, replaces: bool, is_limited: bool) -> bytes:
        """FUNCTION LOAD. Returns the library's name.

        Args:
            source: The text.
            replaces: Whether it may take the place of one of the same name.
            is_limited: Whether loading may only take half a second.
        """
        raise NotImplementedError

    def delete_library(self, name: bytes) -> None:
        """FUNCTION DELETE."""
        raise NotImplementedError

    def flush_libraries(self) -> None:
        """FUNCTION FLUSH."""
        raise NotImplementedError

    def list_libraries(self, pattern: bytes | None, with_code: bool) -> Reply:
        """FUNCTION LIST."""
        raise NotImplementedError

    def dump_libraries(self) -> bytes:
        """FUNCTION DUMP."""
        raise NotImplementedError

    def restore_libraries(self, payload: bytes, policy: bytes) -> None:
        """FUNCTION RESTORE; the policy is b"FLUSH", b"APPEND" or b"REPLACE"."""
        raise NotImplementedError

    def statistics(self) -> Reply:
        """FUNCTION STATS."""
        raise NotImplementedError

    # What the server asks

    def command_flags(self, argv: list[bytes], flags: i64) -> i64:
        """The flags of a request to run a script: those the script declares take the place of the command's."""
        return flags

    def is_overdue(self) -> bool:
        """Whether a script runs for longer than busy-reply-threshold."""
        return False

    def busy_text(self) -> str:
        """What clients are told while a script takes long."""
        raise NotImplementedError

    def memory(self) -> ScriptMemory:
        """What scripts occupy."""
        return ScriptMemory()
