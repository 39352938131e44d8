"""MONITOR: every command that runs, as a line to each client that asked for it.

    +1700000000.123456 [0 127.0.0.1:50312] "set" "key" "value"

Administrative commands are not shown, secrets are shown as "(redacted)", and bytes that are no printable ASCII are
escaped, so that a line is a line.
"""

from typing import Final

from hognose.commands.context import SCRIPT, UNIX_SOCKET, Context

ESCAPES: Final[dict[int, str]] = {92: "\\\\", 34: '\\"', 10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b"}
_SPELLING: Final = [
    ESCAPES.get(byte, chr(byte) if 32 <= byte <= 126 else f"\\x{byte:02x}").encode() for byte in range(256)
]


def quoted(text: bytes) -> bytes:
    """Text between double quotes with everything unprintable escaped."""
    return b'"' + b"".join([_SPELLING[byte] for byte in text]) + b'"'


def monitor_line(ctx: Context, argv: list[bytes]) -> bytes:
    """The line about a command, as a status reply.

    Args:
        ctx: Who sent it.
        argv: The command.
    """
    now_us = int(ctx.host.clock.now_us)
    if ctx.flags & SCRIPT:
        where = b"lua"
    elif ctx.flags & UNIX_SOCKET:
        where = b"unix:" + ctx.address().removesuffix(b":0")
    else:
        where = ctx.address()
    words = b" ".join([quoted(argument) for argument in ctx.shown(argv)])
    return b"+%d.%06d [%d %s] %s\r\n" % (now_us // 1_000_000, now_us % 1_000_000, int(ctx.db.index), where, words)
