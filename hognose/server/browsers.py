"""Cross-protocol scripting: a web page that has a browser talk to the server, which runs on the reader's own machine.

A browser sends `POST / HTTP/1.1`, `Host: ...` and then a body of the page's choosing. Line by line that is inline
commands, and the body would be obeyed. So a client that says one of the two words is gone before anything else of what
it sent is looked at, and learns nothing: no reply, not even to what came before.

Both are words that no command has, so they are looked for only where a command was not found.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.commands.context import Context
from hognose.commands.host import WARNING

if TYPE_CHECKING:
    from hognose.server.server import Server

WORDS: Final = (b"post", b"host:")
LOG_INTERVAL_MS: Final = 60_000
"""Between two lines in the log: whoever attacks shall not fill the disk."""


class BrowserGuard:
    """Drops the clients of one server that speak HTTP."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server
        self._silent_until_ms: i64 = 0

    def drops(self, ctx: Context, name: bytes) -> bool:
        """Drops a client because of a command's name. Returns whether it did. O(1)."""
        if name.lower() not in WORDS:
            return False
        now_ms = self._server.clock.now_ms
        if now_ms >= self._silent_until_ms:
            self._silent_until_ms = now_ms + LOG_INTERVAL_MS
            address = ctx.address().decode("utf-8", "replace")
            text = "Possible SECURITY ATTACK detected. A client sends POST or Host: as browsers do, probably because a "
            text += f"web page wants to reach this server through its reader. Connection from {address} aborted."
            self._server.log(WARNING, text)
        ctx.disconnect()
        return True
