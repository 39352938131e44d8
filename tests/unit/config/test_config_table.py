"""The table of directives: its defaults are the real server's, and everything made from it agrees with it."""

import ast
from pathlib import Path

import pytest
from config_harness import RealServer

from hognose.config import settings as settings_module
from hognose.config.directives import BY_NAME, DIRECTIVES, SUBJECTS, find
from hognose.config.directives.record import HIDDEN, IMMUTABLE, MULTI_ARG, PROTECTED, SENSITIVE, Directive
from hognose.config.kinds import decode
from hognose.config.reference import configuration_reference
from hognose.config.settings import Settings
from hognose.config.store import Config

ROOT = Path(__file__).parents[3]

NEW_IN_7_2 = {
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "cluster-announce-human-nodename",
    "cluster-ping-interval",
    "locale-collate",
}
OURS = {"rdb-version", "rdb-module-data", "snapshot-mode"}

# redis-server 7.0 lists these; 7.2 made it a test knob.
HIDDEN_SINCE_7_2 = {"aof-disable-auto-gc"}

# Set by the harness, so that the real server can run beside others.
NOT_AT_DEFAULT = {"port", "bind", "dir", "save", "enable-protected-configs"}


def shown_default(directive: Directive) -> str:
    return decode(directive.kind.show(directive.default))


@pytest.mark.server
def test_every_name_the_real_server_knows_is_in_the_table_and_listed_alike(real_server: RealServer) -> None:
    listed = {name.decode() for name, _ in real_server.get("*")}
    assert listed <= set(BY_NAME)
    ours = {name for name, directive in BY_NAME.items() if not directive.has(HIDDEN)}
    assert ours - listed == (NEW_IN_7_2 | OURS) - {"cluster-ping-interval"}
    assert listed - ours == HIDDEN_SINCE_7_2


@pytest.mark.server
@pytest.mark.parametrize("name", sorted(set(BY_NAME) - NEW_IN_7_2 - OURS - NOT_AT_DEFAULT))
def test_defaults_are_those_of_the_real_server(real_server: RealServer, name: str) -> None:
    assert real_server.get(name) == [(name.encode(), shown_default(BY_NAME[name]).encode())]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("set-max-listpack-entries", "128"),
        ("set-max-listpack-value", "64"),
        ("cluster-announce-human-nodename", ""),
        ("cluster-ping-interval", "0"),
        ("locale-collate", ""),
        ("port", "6379"),
        ("bind", "* -::*"),
        ("save", "3600 1 300 100 60 10000"),
        ("enable-protected-configs", "no"),
    ],
)
def test_defaults_the_real_server_here_cannot_show(name: str, value: str) -> None:
    # The first five are new in 7.2 and documented in its redis.conf; the others are what the harness has to change.
    assert shown_default(BY_NAME[name]) == value


@pytest.mark.server
@pytest.mark.parametrize("directive", DIRECTIVES, ids=[directive.name for directive in DIRECTIVES])
def test_the_real_server_agrees_on_what_is_immutable(real_server: RealServer, directive: Directive) -> None:
    if directive.name in NEW_IN_7_2 | OURS:
        assert not directive.has(IMMUTABLE)
        return
    ((_, value),) = real_server.get(directive.name)
    assert ("immutable" in real_server.set(directive.name, value)) is directive.has(IMMUTABLE)


def test_each_default_is_a_value_its_directive_takes(config: Config) -> None:
    for directive in DIRECTIVES:
        if directive.field == "dir":
            continue
        words = directive.kind.show(directive.default)
        args = [word for word in words.split(b" ") if word] if directive.has(MULTI_ARG) else [words]
        if directive.name == "replicaof":
            args = [b"no", b"one"]
        assert directive.kind.parse(args, directive.default) == directive.default, directive.name


def test_settings_declare_a_field_of_the_right_type_for_every_directive() -> None:
    source = Path(settings_module.__file__).parent / "settings.py"
    tree = ast.parse(source.read_text("utf-8"))
    (declared,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    fields = {
        ast.unparse(node.target): ast.unparse(node.annotation)
        for node in declared.body
        if isinstance(node, ast.AnnAssign)
    }
    assert fields == {directive.field: directive.kind.field_type() for directive in DIRECTIVES}


def test_new_settings_are_the_defaults() -> None:
    settings = Settings()
    assert settings.port == 6379
    assert settings.requirepass == b""
    assert settings.client_output_buffer_limit[1].soft_seconds == 60
    assert all(getattr(settings, directive.field) == directive.default for directive in DIRECTIVES)


def test_every_subject_and_summary_says_something() -> None:
    assert all(table for _, table in SUBJECTS)
    assert all(directive.summary.endswith(".") for directive in DIRECTIVES)


def test_names_are_found_in_either_case_and_by_their_old_form() -> None:
    assert find(b"SLAVE-Read-Only") is BY_NAME["replica-read-only"]
    assert find(b"slave-read-write") is None
    assert find(b"") is None
    assert find(b"\xff") is None


def test_secrets_and_protected_directives_are_marked() -> None:
    assert {each.name for each in DIRECTIVES if each.has(SENSITIVE)} == {
        *("requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass")
    }
    assert {each.name for each in DIRECTIVES if each.has(PROTECTED)} == {"dir", "dbfilename"}


def test_the_reference_page_is_current() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert page == configuration_reference(), "run: python -m hognose.config"
