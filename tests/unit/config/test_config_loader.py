"""Start-up: which source wins, what adds up, includes, the lines that are no settings."""

from pathlib import Path

import pytest
from config_harness import StandStill, loaded, started_with

from hognose.config.errors import ConfigError, ConfigFileUnreadableError
from hognose.config.loader import MAX_INCLUDE_DEPTH, StartupChecks, load
from hognose.config.store import Config


def test_command_line_wins_over_environment_over_stdin_over_file(tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text("port 1\ntimeout 1\nhz 11\ndatabases 1")
    config = Config(StandStill())
    load(
        config,
        str(file),
        stdin=b"\ntimeout 2\nhz 12\ndatabases 2",
        environ={"HOGNOSE_HZ": "13", "HOGNOSE_DATABASES": "3"},
        options=b"databases 4",
    )
    settings = config.settings
    assert (settings.port, settings.timeout, settings.hz, settings.databases) == (1, 2, 13, 4)
    assert config.path == str(file)


def test_save_lines_add_up_and_the_first_replaces_the_built_in_ones(tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text("save 900 1\n")
    assert loaded("").settings.save == ((3600, 1), (300, 100), (60, 10000))
    assert started_with(str(file)).settings.save == ((900, 1),)
    assert started_with(str(file), "--save", "100", "100").settings.save == ((900, 1), (100, 100))
    assert started_with(str(file), "--save", "").settings.save == ()
    assert started_with(str(file), "--save", "--port", "0").settings.save == ()
    assert loaded("save 1 1\nsave ''\nsave 2 2\n").settings.save == ((2, 2),)
    assert loaded("save\n").settings.save == ()


def test_save_in_the_environment_replaces_what_the_file_says() -> None:
    config = Config(StandStill())
    load(config, stdin=b"save 1 1\n", environ={"HOGNOSE_SAVE": "2 2 3 3"})
    assert config.settings.save == ((2, 2), (3, 3))
    load(config, stdin=b"save 1 1\n", environ={"HOGNOSE_SAVE": ""})
    assert config.settings.save == ()


def test_an_environment_value_of_several_words_needs_no_quotes() -> None:
    config = Config(StandStill())
    load(config, environ={"HOGNOSE_BIND": "127.0.0.1 ::1", "HOGNOSE_REQUIREPASS": 'a b"c'})
    assert config.settings.bind == ("127.0.0.1", "::1")
    assert config.settings.requirepass == b'a b"c'


def test_included_files_are_read_on_the_spot_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / f"{name}.conf").write_text(f"masteruser {name}")
    (tmp_path / "c.conf").write_text("\nmasteruser c\nport 3\n")
    with pytest.raises(ConfigError, match="at line 1\n>>> 'masteruser amasteruser b'\nwrong number"):
        loaded(f"include {tmp_path}/[ab].conf\n")  # as in the real server, files are joined as they are
    assert loaded(f"port 1\ninclude {tmp_path}/c.conf\n").settings.port == 3
    assert loaded(f"include {tmp_path}/c.conf\nport 1\n").settings.port == 1
    assert loaded(f"include {tmp_path}/*.none\n").settings.port == 6379


def test_an_include_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileUnreadableError, match="can't open config file '/nope': No such file"):
        loaded("include /nope\n")


def test_a_file_that_includes_itself_is_found_out(tmp_path: Path) -> None:
    file = tmp_path / "loop.conf"
    file.write_text(f"include {file}\n")
    with pytest.raises(ConfigError, match=f"More than {MAX_INCLUDE_DEPTH} nested includes"):
        started_with(str(file))


def test_a_directory_counts_from_the_line_it_stands_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "here.conf").write_text("port 7\n")
    config = Config()
    load(config, stdin=f"dir {tmp_path}\ninclude here.conf\n".encode())
    assert config.settings.port == 7
    assert config.settings.dir == str(tmp_path.resolve())


class Checks(StartupChecks):
    """Knows one command and dislikes one user."""

    def __init__(self) -> None:
        self.renamed: list[tuple[bytes, bytes]] = []

    def rename_command(self, name: bytes, new_name: bytes) -> str:
        self.renamed.append((name, new_name))
        return "" if name == b"flushall" else "No such command in rename-command"

    def declare_user(self, name: bytes, rules: list[bytes]) -> tuple[bytes, str]:
        return (rules[0], "Syntax error") if rules == [b"bad"] else (b"", "")


def test_commands_are_renamed_by_those_who_know_them() -> None:
    checks = Checks()
    loaded("rename-command flushall ''\nRENAME-COMMAND flushall badger\n", checks)
    assert checks.renamed == [(b"flushall", b""), (b"flushall", b"badger")]
    with pytest.raises(ConfigError, match=">>> 'rename-command x y'\nNo such command in rename-command"):
        loaded("rename-command x y", checks)


def test_users_are_checked_and_kept() -> None:
    config = loaded("user alice on +@all\nuser bob\n", Checks())
    assert config.users == [[b"alice", b"on", b"+@all"], [b"bob"]]
    with pytest.raises(ConfigError, match=r"\nError in user declaration 'bad': Syntax error$"):
        loaded("user alice bad", Checks())


def test_modules_and_sentinel_lines_are_kept() -> None:
    config = loaded("loadmodule /x.so a b\nx.setting 1 2\nsentinel\n")
    assert config.modules == [[b"/x.so", b"a", b"b"]]
    assert config.module_settings == {b"x.setting": b"1 2"}
    with pytest.raises(ConfigError, match="sentinel directive while not in sentinel mode"):
        loaded("sentinel monitor a 127.0.0.1 1 2\n")
    config = Config(StandStill())
    load(config, stdin=b"sentinel monitor a 127.0.0.1 1 2\n", is_sentinel=True)
    assert config.sentinel_lines == [[b"monitor", b"a", b"127.0.0.1", b"1", b"2"]]


def test_a_cluster_node_has_one_database_and_no_primary_in_its_file() -> None:
    config = Config(StandStill())
    assert load(config, stdin=b"cluster-enabled yes\n") == [
        "WARNING: Changing databases number from 16 to 1 since we are in cluster mode"
    ]
    assert config.settings.databases == 1
    with pytest.raises(ConfigError) as refused:
        loaded("cluster-enabled yes\nreplicaof 127.0.0.1 1\n")
    assert str(refused.value) == (
        "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nreplicaof directive not allowed in cluster mode"
    )


def test_the_log_file_is_tried_at_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    loaded(f"logfile {log}\n")
    assert log.read_bytes() == b""
    with pytest.raises(ConfigError, match=r"\*\*\*\nCan't open the log file: Is a directory$"):
        loaded(f"logfile {tmp_path}\n")


def test_lines_before_the_wrong_one_are_in_force() -> None:
    config = Config(StandStill())
    with pytest.raises(ConfigError):
        load(config, stdin=b"port 7\nport x\nport 8\n")
    assert config.settings.port == 7


def test_bytes_that_are_no_text_show_in_the_message_as_they_are() -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(b"port \xff\n")
    assert b">>> 'port \xff'" in str(refused.value).encode("utf-8", "surrogateescape")
