"""The libraries that scripts find as globals: cjson, cmsgpack, struct and bit.

They are Lua of our own in the folder `lua`, one file per library, because Lua 5.1 has none of it and values that
crossed into Python and back would cost more than the work. A library's file is run once, with what it is built on as
its arguments, and gives a table:

    arguments.lua    errors and arguments as functions written in C have them
    ieee754.lua      bytes of numbers                        (arguments and ieee754 are no globals)
    cjson.lua        (arguments)
    cmsgpack.lua     (arguments, ieee754)
    struct.lua       (arguments, ieee754)
    bit.lua          (arguments)

The engine makes the tables read-only. What the libraries need of Lua, `debug` included, they hold on to when they are
loaded, so that the engine may take it away from scripts afterwards.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lupa.lua51 import LuaRuntime  # loading it takes time that only those pay who use scripts

LIBRARIES: Final = (
    ("cjson", ("arguments",)),
    ("cmsgpack", ("arguments", "ieee754")),
    ("struct", ("arguments", "ieee754")),
    ("bit", ("arguments",)),
)
"""The globals, and what each is built on."""


def install_libraries(lua: "LuaRuntime") -> None:
    """Makes the libraries globals of a Lua state; `debug`, `newproxy` and all of the standard library must be there.

    Args:
        lua: The state, of any encoding.
    """
    shared = {name: _run(lua, name) for name in ("arguments", "ieee754")}
    lua_globals = lua.globals()
    for name, foundations in LIBRARIES:
        lua_globals[name.encode()] = _run(lua, name, *[shared[foundation] for foundation in foundations])


def _run(lua: "LuaRuntime", name: str, *arguments: object) -> object:
    from importlib import resources  # noqa: PLC0415 - takes time that would be the start's

    source = resources.files(__package__).joinpath("lua", f"{name}.lua").read_bytes()
    return lua.execute(source, *arguments, name=f"={name}".encode())
