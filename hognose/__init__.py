"""hognose: a Redis-protocol compatible in-memory data structure server."""

from hognose.version import VERSION as __version__

__all__ = ["__version__"]
