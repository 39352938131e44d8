"""Libraries of functions: what FUNCTION manages and FCALL calls.

A library is source text; running it once registers its functions. The texts are part of the dataset: they are saved
with it (`keyspace.libraries` is this registry), and the commands that change them are propagated.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.datastructures.glob import glob_match
from hognose.errors import CommandError
from hognose.keyspace.libraries import Libraries
from hognose.persistence.crc64 import crc64
from hognose.persistence.dump_payload import is_intact
from hognose.persistence.lzf import Compressor
from hognose.persistence.rdb_format import FUNCTION, FUNCTION_EARLY, RdbError
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_source import RdbSource
from hognose.resp.reply import MapReply, Reply, SetReply, Simple
from hognose.scripting.errors import BAD_NAME
from hognose.scripting.shebang import LibraryHead, flag_named, flag_names
from hognose.scripting.state import CompileError

if TYPE_CHECKING:
    from hognose.scripting.engine import Engine

LOAD_TIMEOUT_MS: Final = 500
FOOTER_BYTES: Final = 10
LIBRARY_OVERHEAD_BYTES: Final = 600
FUNCTION_OVERHEAD_BYTES: Final = 400
"""A library and a function without text and Lua's part, measured."""


class Function:
    """A function.

    Attributes:
        name: What FCALL calls it.
        description: For FUNCTION LIST.
        flags: Those of `shebang`.
        run: Runs it; see `LuaState.script`.
    """

    def __init__(self, name: bytes, description: bytes | None, flags: i64, run: Callable[..., object]) -> None:
        self.name: Final = name
        self.description: Final = description
        self.flags: i64 = flags
        self.run: Final[Callable[..., object]] = run


class Library:
    """A library.

    Attributes:
        name: Unique on the server.
        source: As it came.
        functions: By name.
    """

    def __init__(self, name: bytes, source: bytes) -> None:
        self.name: Final = name
        self.source: Final = source
        self.functions: dict[bytes, Function] = {}


class Registry:
    """Libraries by name, and their functions.

    Attributes:
        libraries: By name.
        functions: By name in lower case, by which FCALL finds them.
    """

    def __init__(self) -> None:
        self.libraries: dict[bytes, Library] = {}
        self.functions: dict[bytes, Function] = {}

    def link(self, library: Library) -> None:
        """Takes in a library."""
        self.libraries[library.name] = library
        for name, function in library.functions.items():
            self.functions[name.lower()] = function

    def unlink(self, library: Library) -> None:
        """Drops a library."""
        del self.libraries[library.name]
        for name in library.functions:
            del self.functions[name.lower()]

    def holder_of(self, function_name: bytes) -> Library | None:
        """The library that has a function of this name, in any case. O(functions) if there is one."""
        lowered = function_name.lower()
        if lowered not in self.functions:
            return None
        for library in self.libraries.values():
            for name in library.functions:
                if name.lower() == lowered:
                    return library
        return None


class FunctionLibraries(Libraries):
    """The libraries of one server.

    Args:
        engine: Has the Lua state.
    """

    def __init__(self, engine: "Engine") -> None:
        super().__init__()
        self._engine: Final = engine
        self._registry = Registry()
        self._loading: Library | None = None
        self._deadline_ms: i64 = 0

    # What the dataset asks

    def sources(self) -> list[bytes]:
        """The source of every library."""
        return [library.source for library in self._registry.libraries.values()]

    def load(self, source: bytes, replaces: bool) -> str:
        """Takes in a library that was saved. Returns why it cannot be taken in, or the empty string."""
        try:
            self.add(source, replaces, is_limited=False)
        except CommandError as error:
            return error.text.removeprefix("ERR ")
        return ""

    def clear(self) -> None:
        """Drops all libraries."""
        self._registry = Registry()

    # Looking

    def find(self, name: bytes) -> Function | None:
        """A function; names are compared without regard to case."""
        function = self._registry.functions.get(name)
        return self._registry.functions.get(name.lower()) if function is None else function

    def count(self) -> int:
        """How many libraries there are."""
        return len(self._registry.libraries)

    def function_count(self) -> int:
        """How many functions there are."""
        return len(self._registry.functions)

    def memory_bytes(self) -> int:
        """What the records and texts occupy. O(libraries)."""
        total = FUNCTION_OVERHEAD_BYTES * len(self._registry.functions)
        for library in self._registry.libraries.values():
            total += LIBRARY_OVERHEAD_BYTES + len(library.source)
        return total

    def describe(self, pattern: bytes | None, with_code: bool) -> Reply:
        """FUNCTION LIST."""
        return [
            self._description(library, with_code)
            for library in self._registry.libraries.values()
            if pattern is None or glob_match(pattern, library.name, ignore_case=True)
        ]

    def _description(self, library: Library, with_code: bool) -> Reply:
        functions: list[object] = []
        for function in library.functions.values():
            flags: list[object] = [Simple(name) for name in flag_names(function.flags)]
            fields: list[object] = [b"name", function.name, b"description", function.description]
            functions.append(MapReply([*fields, b"flags", SetReply(flags)]))
        shown: list[object] = [b"library_name", library.name, b"engine", b"LUA", b"functions", functions]
        if with_code:
            shown += [b"library_code", library.source]
        return MapReply(shown)

    # Changing

    def add(self, source: bytes, replaces: bool, is_limited: bool) -> bytes:
        """Takes in a library. Returns its name."""
        library = self._built(source, is_limited, self._registry.libraries if not replaces else {})
        old = self._registry.libraries.get(library.name)
        for name in library.functions:
            holder = self._registry.holder_of(name)
            if holder is not None and holder is not old:
                raise CommandError(f"ERR Function {name.decode()} already exists")
        if old is not None:
            self._registry.unlink(old)
        self._registry.link(library)
        return library.name

    def delete(self, name: bytes) -> None:
        """FUNCTION DELETE."""
        library = self._registry.libraries.get(name)
        if library is None:
            raise CommandError("ERR Library not found")
        self._registry.unlink(library)

    # Loading

    def _built(self, source: bytes, is_limited: bool, taken: dict[bytes, Library]) -> Library:
        """Makes a library of a text by running it."""
        head = LibraryHead(source)
        if head.problem:
            raise CommandError(f"ERR {head.problem}")
        name = head.name
        assert name is not None
        if not is_name(name):
            raise CommandError(f"ERR {BAD_NAME}")
        if head.engine.lower() != b"lua":
            raise CommandError(f"ERR Engine '{head.engine.decode('utf-8', 'surrogateescape')}' not found")
        if name in taken:
            raise CommandError(f"ERR Library '{name.decode()}' already exists")
        library = Library(name, source)
        self._run(library, source[head.size :], is_limited)
        if not library.functions:
            raise CommandError("ERR No functions registered")
        return library

    def _run(self, library: Library, text: bytes, is_limited: bool) -> None:
        state = self._engine.function_state()
        try:
            body = state.compile(text, b"@user_function")
        except CompileError as error:
            raise CommandError(f"ERR Error compiling function: {error}") from None
        self._loading = library
        self._deadline_ms = self._engine.clock_ms() + LOAD_TIMEOUT_MS if is_limited else 0
        try:
            problem = state.load_library(body)
        finally:
            self._loading = None
        if problem is not None:
            shown = problem.decode("utf-8", "surrogateescape").replace("\r", " ").replace("\n", " ")
            raise CommandError(f"ERR Error registering functions: {shown}")

    def is_loading(self) -> bool:
        """Whether the text of a library is running."""
        return self._loading is not None

    def overdue(self) -> bytes | None:
        """Why loading has to end, or None."""
        if self._deadline_ms != 0 and self._engine.clock_ms() > self._deadline_ms:
            return b"ERR FUNCTION LOAD timeout"
        return None

    # What Lua calls

    def register(self, name: object, description: object, run: object, *flags: object) -> bytes | None:
        """redis.register_function. Returns what is wrong, or None."""
        library = self._loading
        assert isinstance(name, bytes)
        if library is None:
            return b"redis.register_function can only be called on FUNCTION LOAD command"
        if not is_name(name):
            return BAD_NAME.encode()
        if name in library.functions:
            return b"Function already exists in the library"
        assert description is None or isinstance(description, bytes)
        assert callable(run)
        bits: i64 = 0
        for flag in flags:
            assert isinstance(flag, bytes)
            bits |= flag_named(flag.lower())
        library.functions[name] = Function(name, description, bits, run)
        return None

    def knows_flags(self, *flags: object) -> bool:
        """Whether all of these are flags."""
        return all(isinstance(flag, bytes) and flag_named(flag.lower()) != 0 for flag in flags)

    # Moving between servers

    def dump(self) -> bytes:
        """FUNCTION DUMP: libraries as in an RDB file, with version and checksum behind them. O(N)."""
        sink = RdbSink(Compressor())
        for library in self._registry.libraries.values():
            sink.byte(FUNCTION)
            sink.string(library.source)
        version = int(self._engine.rdb_version())
        sink.byte(version & 255)
        sink.byte(version >> 8)
        sink.i64_le(crc64(0, sink.getvalue()))
        return sink.getvalue()

    def restore(self, payload: bytes, policy: bytes) -> None:
        """FUNCTION RESTORE: all libraries of the payload, or none."""
        if not is_intact(payload):
            raise CommandError("ERR DUMP payload version or checksum are wrong")
        new = Registry()
        for source in sources_in(payload):
            library = self._built(source, False, new.libraries)
            for name in library.functions:
                if name.lower() in new.functions:
                    raise CommandError(f"ERR Function {name.decode()} already exists")
            new.link(library)
        if policy == b"FLUSH":
            self._registry = new
        else:
            self._join(new, policy == b"REPLACE")

    def _join(self, new: Registry, replaces: bool) -> None:
        replaced: list[Library] = []
        for name in new.libraries:
            old = self._registry.libraries.get(name)
            if old is not None:
                if not replaces:
                    raise CommandError(f"ERR Library {name.decode()} already exists")
                replaced.append(old)
        for function in new.functions.values():
            holder = self._registry.holder_of(function.name)
            if holder is not None and holder not in replaced:
                raise CommandError(f"ERR Function {function.name.decode()} already exists")
        for library in replaced:
            self._registry.unlink(library)
        for library in new.libraries.values():
            self._registry.link(library)


def sources_in(payload: bytes) -> list[bytes]:
    """The texts in a payload of FUNCTION DUMP."""
    source = RdbSource(payload[: len(payload) - FOOTER_BYTES])
    found: list[bytes] = []
    while not source.is_at_end():
        code = source.byte()
        if code == FUNCTION_EARLY:
            raise CommandError("ERR Pre-GA function format not supported")
        if code != FUNCTION:
            raise CommandError("ERR given type is not a function")
        try:
            found.append(source.string())
        except RdbError:
            raise CommandError("ERR Failed loading library data") from None
    return found


def is_name(name: bytes) -> bool:
    """Whether a library or function may be called that."""
    return len(name) != 0 and name.replace(b"_", b"a").isalnum()


__all__ = ["Function", "FunctionLibraries", "Library"]
