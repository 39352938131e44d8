"""hognose: a Redis-protocol compatible in-memory data structure server.

with hognose.Server() as server:
    ...  # any Redis client, at server.url
"""

from typing import TYPE_CHECKING

from hognose.version import VERSION as __version__  # noqa: N811 - the name is Python's

if TYPE_CHECKING:
    from hognose.config.errors import ConfigError
    from hognose.embedded import Server, StartError

__all__ = ["ConfigError", "Server", "StartError", "__version__"]


def __getattr__(name: str) -> object:
    """Imports what a program asks for when it asks: starting the command line must not pay for it."""
    if name == "ConfigError":
        from hognose.config.errors import ConfigError  # noqa: PLC0415 - see above

        return ConfigError
    if name in {"Server", "StartError"}:
        from hognose import embedded  # noqa: PLC0415 - see above

        return getattr(embedded, name)
    raise AttributeError(f"module 'hognose' has no attribute {name!r}")
