"""Users of real servers: from the configuration, from the ACL file, across restarts, and what the log tells."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

import hognose
from hognose.embedded import StartError
from tests.integration.server_process import ServerProcess, run

pytestmark = pytest.mark.server

RULES = "user worker on >secret ~jobs:* (%R~config +get)"


def test_users_of_the_configuration_survive_rewriting_it(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text(f"dir {tmp_path}\n{RULES}\nuser default on nopass ~* &* +@all\n", "utf-8")
    with ServerProcess(str(path)).ready() as server, server.client() as client:
        client.execute_command("ACL", "SETUSER", "worker", "+@list", "&c")
        client.execute_command("ACL", "SETUSER", "other", "on", "nopass")
        before = client.acl_list()
        assert client.config_rewrite()
    assert path.read_text("utf-8").count("\nuser ") == 3
    with ServerProcess(str(path)).ready() as server, server.client() as client:
        assert client.acl_list() == before
        with redis.Redis(port=server.port, username="worker", password="secret") as worker:
            assert worker.llen("jobs:1") == 0
            with pytest.raises(redis.exceptions.NoPermissionError, match="No permissions to access a key"):
                worker.llen("config")


def test_users_of_the_acl_file_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_text(RULES + "\n", "utf-8")
    with ServerProcess("--aclfile", str(path)).ready() as server, server.client() as client:
        client.execute_command("ACL", "SETUSER", "other", "on", "nopass", "+@read")
        assert client.execute_command("ACL", "SAVE")
        before = client.acl_list()
    with ServerProcess("--aclfile", str(path)).ready() as server, server.client() as client:
        assert client.acl_list() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["users.acl"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("user a on\nuser a off\n", "WARNING: Duplicate user 'a' found on line 2."),
        ("user a +nonsense\n", ":1: Error in applying operation '+nonsense': Unknown command or category name in ACL."),
        ("default on\n", ":1 should start with user keyword followed by the username."),
        (None, "No such file or directory"),
    ],
)
def test_a_wrong_acl_file_keeps_the_server_from_starting(tmp_path: Path, content: str | None, reason: str) -> None:
    path = tmp_path / "users.acl"
    if content is not None:
        path.write_text(content, "utf-8")
    ended = run("--port", "0", "--unixsocket", str(tmp_path / "s"), "--aclfile", str(path))
    assert ended.returncode == 1
    assert reason in ended.stdout


def test_users_in_two_places_keep_the_server_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_text("", "utf-8")
    ended = run("-", "--port", "0", "--unixsocket", str(tmp_path / "s"), "--aclfile", str(path), stdin=RULES)
    assert ended.returncode == 1
    assert "An ACL file and users in the configuration exclude each other" in ended.stdout


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("user a on\nuser a on", "Error in user declaration 'a': Duplicate user found."),
        ("user a ~* ~x", "Error in user declaration '~x': Adding a pattern after the * pattern"),
        ("user a (+get", "Error in user declaration '(+get': Syntax error"),
        ("user a nonsense", "Error in user declaration 'nonsense': Syntax error"),
    ],
)
def test_a_wrong_user_line_is_reported_with_its_number(lines: str, reason: str) -> None:
    ended = run("--test-config", "-", stdin=lines)
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert f"at line {lines.count(chr(10)) + 1}" in ended.stderr


def test_rules_outlive_renamed_commands(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text('rename-command GET ""\nrename-command SET put\nuser worker on nopass ~* +get -set\n', "utf-8")
    with ServerProcess(str(path)).ready() as server, server.client() as client:
        assert client.acl_getuser("worker")["commands"] == ["+get", "-set"]  # type: ignore[index]
        client.execute_command("ACL", "SETUSER", "worker", "+set")
        assert client.execute_command("PUT", "k", "v")
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.execute_command("GET", "k")
        with redis.Redis(port=server.port, username="worker", password="") as worker:
            assert worker.execute_command("PUT", "k", "v")


def test_embedded_servers_take_an_acl_file(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_text(RULES + "\n", "utf-8")
    with hognose.Server(config={"aclfile": str(path)}) as server:
        assert server.execute("ACL", "USERS") == [b"default", b"worker"]
    path.write_text("nonsense\n", "utf-8")
    with pytest.raises(StartError, match="should start with user keyword"):
        hognose.Server(config={"aclfile": str(path)}).start()
