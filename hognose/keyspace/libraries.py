"""Libraries of functions as the dataset knows them: source text that is saved and loaded with the data.

What a library does, and whether its code is any good, only the scripting layer knows: it derives its registry from
`Libraries` and puts it in the keyspace's place. Without it sources are kept as they came, so that a file that passes
through loses nothing.
"""

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Libraries:
    """The libraries of a server, kept but not run."""

    def __init__(self) -> None:
        self._sources: list[bytes] = []

    def sources(self) -> list[bytes]:
        """The source of every library, as FUNCTION LOAD took it."""
        return self._sources

    def load(self, source: bytes, replaces: bool) -> str:
        """Takes in a library that was saved.

        Args:
            source: Its text.
            replaces: Whether it may take the place of one of the same name.

        Returns:
            Why it cannot be taken in, or the empty string.
        """
        if source not in self._sources:
            self._sources.append(source)
        return ""

    def clear(self) -> None:
        """Drops all libraries."""
        self._sources.clear()
