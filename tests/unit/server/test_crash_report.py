"""A command that fails by a bug: the client is told, the log gets a report without secrets, the server lives on."""

from __future__ import annotations

from pathlib import Path

import pytest

from hognose.commands.context import Context
from hognose.commands.host import WARNING
from hognose.commands.spec import CommandSpec
from hognose.commands.table import Command
from tests.inprocess import InProcessServer


def broken(ctx: Context, argv: list[bytes]) -> object:
    """A handler with a bug."""
    ctx.redact(argv, 2)
    raise KeyError("the bug")


@pytest.fixture
def server(tmp_path: Path) -> InProcessServer:
    """A server with a broken command that logs to a file."""
    server = InProcessServer()
    spec = CommandSpec("broken", "generic", -1, 0, [], "1.0.0", "", "", "", [], [], None, [], broken)
    table = server.server.command_table
    table.commands[b"broken"] = table.by_name[b"BROKEN"] = Command(spec)
    server.server.log_file.level = WARNING
    server.server.log_file.to_file(str(tmp_path / "log"))
    return server


def test_the_log_tells_command_client_and_place_but_no_secret(server: InProcessServer, tmp_path: Path) -> None:
    client = server.client()
    client("CLIENT", "SETNAME", "culprit")
    assert client.error("BROKEN", "a\nb", "secret", "x" * 200, *["more"] * 40) == "ERR internal error"
    text = (tmp_path / "log").read_text("utf-8")
    assert "Internal error in broken" in text
    assert "name=culprit " in text
    assert '"BROKEN" "a\\nb" "(redacted)" "' + "x" * 128 + "... (72 more bytes)" in text
    assert "(13 more arguments)" in text
    assert "KeyError: 'the bug'" in text
    assert "secret" not in text


def test_the_server_lives_on(server: InProcessServer) -> None:
    client = server.client()
    client("MULTI")
    client("BROKEN", "a", "b")
    client("SET", "key", "value")
    replies = client("EXEC")
    assert isinstance(replies, list)
    assert [str(replies[0]), replies[1]] == ["ERR internal error", b"OK"]
    assert client("GET", "key") == b"value"
    assert b"broken:calls=1," in client("INFO", "commandstats")  # type: ignore[operator]
