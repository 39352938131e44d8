"""One Lua state with the sandbox in it. It is made once and lives as long as the server.

Nothing of Python is reachable from a script: Python's objects never get into one (calls answer with plain values, see
`conversion`), and `sandbox.lua`, which alone holds the functions handed in here, does not pass them on.
"""

from collections.abc import Callable
from typing import Any, Final

from hognose.scripting.bytecode import Program
from hognose.version import REDIS_VERSION

SOFT_LIMIT_BYTES: Final = 1 << 29
"""A script that holds more than this fails at its next call of the server."""
HEADROOM_BYTES: Final = 1 << 27
"""What Lua may have beyond: room for the server's answers and for requests, whose allocation must never fail."""
LARGE_BYTES: Final = 1 << 20
"""What is larger is compared with the room there is."""
RESERVE_BYTES: Final = 1 << 24
COMPILED_RATIO: Final = 4
"""A text, the program it becomes, and the bytecode that is made in between."""


class CompileError(Exception):
    """Lua does not understand a script; the text is Lua's."""


class LuaState:
    """A sandbox.

    Args:
        server: What Lua calls, by name.
        commands: The commands, by the names scripts call them.
        is_eval: For scripts; otherwise for functions.

    Attributes:
        make_table: Makes a Lua table of nested lists and dicts.
    """

    def __init__(
        self, server: dict[bytes, Callable[..., object]], commands: dict[bytes, object], is_eval: bool
    ) -> None:
        from lupa.lua51 import LuaRuntime  # noqa: PLC0415 - takes time that only those pay who use scripts

        from hognose.scripting.libraries import install_libraries  # noqa: PLC0415

        lua = LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_no_attributes,
            max_memory=SOFT_LIMIT_BYTES + HEADROOM_BYTES,
        )
        install_libraries(lua)
        major, minor, patch = (int(part) for part in REDIS_VERSION.split("."))
        options: dict[bytes, object] = {
            b"is_eval": is_eval,
            b"version": REDIS_VERSION.encode(),
            b"version_number": major << 16 | minor << 8 | patch,
            b"soft_limit_kb": SOFT_LIMIT_BYTES >> 10,
        }
        functions = _load_sandbox(lua, lua.table_from(server), lua.table_from(commands), lua.table_from(options))
        self._lua: Final[Any] = lua
        self._functions: Final[Any] = functions
        self._compile: Final[Callable[..., Any]] = functions[b"compile"]
        # Not looked up when it is needed: in the middle of a script's call lupa would mistake what is on Lua's stack.
        self._collect: Final[Callable[..., object]] = functions[b"collect"]
        self.make_table: Final[Callable[..., object]] = lua.table_from

    def compile(self, text: bytes, name: bytes) -> Any:
        """Makes a Lua function of a text.

        Args:
            text: The program.
            name: What errors call it, with a leading @.

        Raises:
            CompileError: It is no valid program.
        """
        return self._functions[b"undump"](self._program(text, name).code())

    def script(self, text: bytes) -> Callable[..., object]:
        """Makes a script of a text.

        Returns:
            What runs it: takes the client's protocol, the number of keys, the keys and the arguments. For more of them
            than Lua's stack holds it takes two tables in place of all that follows the protocol.

        Raises:
            CompileError: It is no valid program.
        """
        program = self._program(text, b"@user_script")
        body = self._functions[b"undump"](program.code())
        run: Callable[..., object] = self._functions[b"runner"](body, program.is_plain)
        return run

    def _program(self, text: bytes, name: bytes) -> Program:
        if len(text) > LARGE_BYTES and not self.has_room(len(text) * COMPILED_RATIO):
            raise CompileError("not enough memory")
        made = self._compile(text, name)
        if isinstance(made, tuple):
            raise CompileError(made[1].decode("utf-8", "surrogateescape"))
        return Program(self._functions[b"dump"](made))

    def load_library(self, body: object) -> bytes | None:
        """Runs the text of a library, which registers its functions. Returns why it failed, or None."""
        problem = self._functions[b"load_library"](body)
        assert problem is None or isinstance(problem, bytes)
        return problem

    def has_room(self, size: int) -> bool:
        """Whether so many bytes can be handed to Lua. Garbage is collected if that helps."""
        limit = SOFT_LIMIT_BYTES + HEADROOM_BYTES - RESERVE_BYTES
        if self.memory_bytes() + size > limit:
            self.collect()
        return self.memory_bytes() + size <= limit

    def sweep(self) -> None:
        """Cleans the shared tables."""
        self._functions[b"sweep"]()

    def collect(self) -> None:
        """Collects all garbage."""
        self._collect()

    def memory_bytes(self) -> int:
        """What the state occupies."""
        return int(self._lua.get_memory_used())


def _no_attributes(holder: object, name: object, is_setting: bool) -> object:
    """Should a Python object ever get into Lua, it has no attributes there."""
    raise AttributeError("not accessible from Lua")


def _load_sandbox(lua: Any, server: object, commands: object, options: object) -> Any:
    """Runs sandbox.lua, whose own globals are already those of scripts."""
    from importlib.resources import files  # noqa: PLC0415 - takes time that would be the start's

    source = files("hognose.scripting").joinpath("lua/sandbox.lua").read_bytes()
    start = lua.eval(
        b"function(source, ...) local env = {} local chunk = assert(loadstring(source, '=hognose'))"
        b" return setfenv(chunk, env)(_G, env, ...) end"
    )
    return start(source, server, commands, options)
