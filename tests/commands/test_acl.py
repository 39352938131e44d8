"""Users and what they may do, through in-process connections: the effects of ACL on clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from hognose.commands.context import RESTRICTED
from tests.inprocess import InProcessClient, InProcessServer

NOPERM_KEY = "NOPERM No permissions to access a key"
NOPERM_CHANNEL = "NOPERM No permissions to access a channel"


def fields(reply: object) -> dict[object, object]:
    assert isinstance(reply, list)
    return dict(zip(reply[::2], reply[1::2], strict=True))


def log_of(client: InProcessClient, *args: str) -> list[dict[object, object]]:
    reply = client("ACL", "LOG", *args)
    assert isinstance(reply, list)
    return [fields(entry) for entry in reply]


def logged_in(server: InProcessServer, client: InProcessClient, *rules: str) -> InProcessClient:
    """A client that is a user made with these rules."""
    assert client("ACL", "SETUSER", "worker", "reset", "on", "nopass", *rules) == b"OK"
    other = server.client()
    assert other("AUTH", "worker", "any") == b"OK"
    return other


def stats(client: InProcessClient, section: str) -> dict[bytes, bytes]:
    reply = client("INFO", section)
    assert isinstance(reply, bytes)
    pairs = [line.partition(b":") for line in reply.split(b"\r\n")]
    return {name: value for name, _, value in pairs}


# What it costs


def test_only_clients_of_restricted_users_are_marked(server: InProcessServer, client: InProcessClient) -> None:
    assert client.connection.attention & RESTRICTED == 0
    worker = logged_in(server, client, "allkeys", "allchannels", "allcommands")
    assert worker.connection.attention & RESTRICTED == 0
    client("ACL", "SETUSER", "worker", "-get")
    assert worker.connection.attention & RESTRICTED
    client("ACL", "SETUSER", "worker", "(~* &* +@all)")
    assert worker.connection.attention & RESTRICTED == 0
    client("ACL", "SETUSER", "worker", "clearselectors")
    assert worker.connection.attention & RESTRICTED
    assert worker("RESET") == b"RESET"
    assert worker.connection.attention & RESTRICTED == 0
    client("ACL", "SETUSER", "default", "-debug")
    assert client.connection.attention & RESTRICTED
    assert server.client().connection.attention & RESTRICTED


# Commands, keys, channels


def test_commands_are_refused_by_their_full_name(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "~*", "+@all", "-config", "+config|get", "-get")
    assert worker.error("GET", "x") == "NOPERM User worker has no permissions to run the 'get' command"
    assert worker.error("config", "SET", "a", "b").endswith("run the 'config|set' command")
    assert worker("CONFIG", "GET", "port") == [b"port", b"6379"]
    assert worker("AUTH", "worker", "x") == b"OK"


def test_first_arguments_can_be_allowed_for_commands_without_subcommands(
    server: InProcessServer, client: InProcessClient
) -> None:
    worker = logged_in(server, client, "+select|0")
    assert worker("SELECT", "0") == b"OK"
    assert worker.error("SELECT", "1").endswith("run the 'select' command")
    client("ACL", "SETUSER", "worker", "-select")
    assert worker.error("SELECT", "0").endswith("run the 'select' command")


def test_reading_and_writing_keys_are_allowed_apart(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+@all", "%R~read:*", "%W~write:*")
    assert worker("GET", "read:1") is None
    assert worker.error("GET", "write:1") == NOPERM_KEY
    assert worker("SET", "write:1", "v") == b"OK"
    assert worker.error("SET", "read:1", "v") == NOPERM_KEY
    assert worker.error("SET", "write:1", "v", "GET") == NOPERM_KEY
    assert worker("COPY", "read:1", "write:2") == 0
    assert worker.error("COPY", "write:1", "read:1") == NOPERM_KEY
    assert worker.error("INCR", "write:1") == NOPERM_KEY
    assert worker("SORT", "read:1", "STORE", "write:1") == 0
    assert worker.error("SORT", "read:1", "STORE", "read:2") == NOPERM_KEY
    assert worker("EXISTS", "write:1") == 0  # neither reads nor writes the value: any pattern will do
    assert worker.error("EXISTS", "other") == NOPERM_KEY


def test_the_only_key_of_pfmerge_is_checked_too(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+pfmerge", "~a")
    assert worker.error("PFMERGE", "b") == NOPERM_KEY
    assert worker("PFMERGE", "a") == b"OK"


def test_dryrun_names_keys_byte_by_byte(client: InProcessClient) -> None:
    client("ACL", "SETUSER", "worker", "+get")
    reply = client("ACL", "DRYRUN", "worker", "GET", b"\r\n\x00\xff")
    assert reply == b"User worker has no permissions to access the '\r\n\x00\xff' key"


def test_one_selector_has_to_allow_all_of_a_command(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+get", "~a", "(+set ~b)", "(+mget ~a ~b)")
    assert worker("GET", "a") is None
    assert worker.error("GET", "b") == NOPERM_KEY
    assert worker("SET", "b", "1") == b"OK"
    assert worker.error("SET", "a", "1") == NOPERM_KEY
    assert worker("MGET", "a", "b") == [None, b"1"]
    assert worker.error("DEL", "a").endswith("run the 'del' command")


def test_channels_are_matched_and_patterns_compared(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+@all", "&news:*", "&a?")
    assert worker("PUBLISH", "news:x", "m") == 0
    assert worker.error("PUBLISH", "other", "m") == NOPERM_CHANNEL
    assert worker.error("SPUBLISH", "other", "m") == NOPERM_CHANNEL
    assert worker.error("SUBSCRIBE", "news:1", "b") == NOPERM_CHANNEL
    assert worker.error("SSUBSCRIBE", "b") == NOPERM_CHANNEL
    assert worker.error("PSUBSCRIBE", "news:1") == NOPERM_CHANNEL
    assert worker("PSUBSCRIBE", "a?") == [b"psubscribe", b"a?", 1]
    assert worker("UNSUBSCRIBE", "b") == [b"unsubscribe", b"b", 1]


def test_sort_by_and_get_need_leave_to_read_every_key(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+@all", "~list")
    by, get = "BY option of SORT denied", "GET option of SORT denied"
    assert by in worker.error("SORT", "list", "BY", "w_*")
    assert get in worker.error("SORT", "list", "GET", "w_*")
    assert worker("SORT", "list", "BY", "nosort") == []
    client("ACL", "SETUSER", "worker", "%R~*")
    assert worker("SORT", "list", "BY", "w_*", "GET", "#") == []


# Transactions and blocked clients


def test_a_refused_command_spoils_the_transaction(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+@all", "-set", "~*")
    worker("MULTI")
    assert worker.error("SET", "a", "1").startswith("NOPERM")
    assert worker.error("EXEC") == "EXECABORT Transaction discarded because of previous errors."
    assert log_of(client)[0][b"context"] == b"multi"


def test_rules_that_changed_since_queueing_are_heeded_by_exec(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+@all", "~*", "&*", "-debug")
    worker("MULTI")
    for request in (("SET", "a", "1"), ("SET", "b", "1"), ("PUBLISH", "c", "m")):
        assert worker(*request) == b"QUEUED"
    client("ACL", "SETUSER", "worker", "resetkeys", "~b", "resetchannels")
    replies = worker("EXEC")
    assert isinstance(replies, list)
    assert str(replies[0]).startswith("NOPERM ACLs rules changed between the moment the transaction was accumulated")
    assert str(replies[0]).endswith("reason: no permission to touch the specified keys")
    assert replies[1] == b"OK"
    assert str(replies[2]).endswith("reason: no permission to access one of the channels used as arguments")
    assert [(entry[b"reason"], entry[b"context"]) for entry in log_of(client)] == [
        (b"channel", b"multi"),
        (b"key", b"multi"),
    ]
    assert b" cmd=exec " in log_of(client)[0][b"client-info"]  # type: ignore[operator]
    assert b" cmd=exec " in client("CLIENT", "LIST", "ID", str(worker.connection.id))  # type: ignore[operator]


def test_a_blocked_command_is_checked_again_when_it_is_served(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+@all", "~list", "-debug")
    worker.send("BLPOP", "list", "0")
    client("ACL", "SETUSER", "worker", "resetkeys")
    client("RPUSH", "list", "x")
    assert str(worker.reply()) == NOPERM_KEY
    assert client("LLEN", "list") == 1


# Who clients are


def test_the_default_user_and_requirepass_are_the_same_thing(server: InProcessServer, client: InProcessClient) -> None:
    client("CONFIG", "SET", "requirepass", "secret")
    user = fields(client("ACL", "GETUSER", "default"))
    assert user[b"flags"] == [b"on", b"sanitize-payload"]
    assert len(user[b"passwords"]) == 1  # type: ignore[arg-type]
    client("ACL", "SETUSER", "default", ">other")
    for password in ("secret", "other"):
        assert server.client()("AUTH", password) == b"OK"
    client("CONFIG", "SET", "requirepass", "")
    assert fields(client("ACL", "GETUSER", "default"))[b"flags"] == [b"on", b"nopass", b"sanitize-payload"]
    assert server.client()("PING") == b"PONG"


def test_with_the_default_user_off_everyone_has_to_log_in(server: InProcessServer, client: InProcessClient) -> None:
    logged_in(server, client, "+ping")
    client("ACL", "SETUSER", "default", "off")
    assert client("PING") == b"PONG"
    new = server.client()
    assert new.error("PING").startswith("NOAUTH")
    assert new.error("AUTH", "default", "").startswith("WRONGPASS")
    assert new("AUTH", "worker", "") == b"OK"
    assert new("PING") == b"PONG"
    assert new("RESET") == b"RESET"
    assert new.error("PING").startswith("NOAUTH")


def test_client_list_shows_the_user_and_kill_finds_it(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+client|info")
    info = worker("CLIENT", "INFO")
    assert isinstance(info, bytes)
    assert b" user=worker " in info
    assert client.error("CLIENT", "KILL", "USER", "nobody") == "ERR No such user 'nobody'"
    assert client("CLIENT", "KILL", "USER", "worker") == 1
    assert worker.transport.closed


def test_names_of_users_may_be_any_bytes(server: InProcessServer, client: InProcessClient) -> None:
    name = b"w\xe9ber'"
    assert client("ACL", "SETUSER", name, "on", "nopass", "+acl|whoami") == b"OK"
    assert client("ACL", "USERS") == [b"default", name]
    other = server.client()
    other("AUTH", name, "")
    assert other("ACL", "WHOAMI") == name
    assert other.raw(b"GET x\r\n") == b"-NOPERM User " + name + b" has no permissions to run the 'get' command\r\n"


def test_clients_of_a_deleted_user_are_closed(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+@all")
    assert client("ACL", "DELUSER", "worker", "nobody") == 1
    assert worker.transport.closed
    assert not client.transport.closed
    other = logged_in(server, client, "+@all")
    assert other("ACL", "DELUSER", "worker") == 1
    assert other.transport.closed


def test_a_rule_that_makes_no_sense_changes_nothing(client: InProcessClient) -> None:
    client("ACL", "SETUSER", "worker", "on", "~a")
    before = client("ACL", "LIST")
    assert client.error("ACL", "SETUSER", "worker", "off", "+get", "nonsense") == (
        "ERR Error in ACL SETUSER modifier 'nonsense': Syntax error"
    )
    assert client("ACL", "LIST") == before


@pytest.mark.parametrize(
    ("subscribe", "change", "stays"),
    [
        (("SUBSCRIBE", "a"), ("resetchannels", "&b"), False),
        (("SUBSCRIBE", "a"), ("resetchannels", "&a", "&b"), True),
        (("SSUBSCRIBE", "a"), ("resetchannels", "&b"), False),
        (("PSUBSCRIBE", "a*"), ("resetchannels", "&a?"), False),
        (("PSUBSCRIBE", "a*"), ("resetchannels", "&a*"), True),
        (("SUBSCRIBE", "a"), ("resetchannels", "(&a)"), True),
        (("SUBSCRIBE", "a"), ("allchannels",), True),
        (("PING",), ("resetchannels",), True),
    ],
)
def test_subscribers_are_closed_when_they_may_listen_no_longer(
    server: InProcessServer, client: InProcessClient, subscribe: tuple[str, ...], change: tuple[str, ...], stays: bool
) -> None:
    worker = logged_in(server, client, "+@all", "&a", "&a*")
    worker(*subscribe)
    client("ACL", "SETUSER", "worker", *change)
    assert worker.transport.closed is not stays


def test_acl_pubsub_default_is_for_new_users_and_reset(server: InProcessServer, client: InProcessClient) -> None:
    client("ACL", "SETUSER", "a")
    client("CONFIG", "SET", "acl-pubsub-default", "allchannels")
    client("ACL", "SETUSER", "b", "(+get)")
    client("ACL", "SETUSER", "a", "off")
    assert client("ACL", "LIST") == [
        b"user a off sanitize-payload resetchannels -@all",
        b"user b off sanitize-payload &* -@all (&* -@all +get)",
        b"user default on nopass sanitize-payload ~* &* +@all",
    ]
    client("ACL", "SETUSER", "a", "reset")
    assert fields(client("ACL", "GETUSER", "a"))[b"channels"] == b"&*"


# The log


def test_similar_refusals_within_a_minute_are_one_entry(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+get", "~a")
    for _ in range(3):
        worker("GET", "b")
        server.clock.advance(59_000)
    assert [(entry[b"count"], entry[b"entry-id"]) for entry in log_of(client)] == [(3, 0)]
    first = log_of(client)[0]
    assert first[b"timestamp-last-updated"] - first[b"timestamp-created"] == 118_000  # type: ignore[operator]
    assert first[b"age-seconds"] == b"59"
    server.clock.advance(2_000)
    worker("GET", "b")
    worker("GET", "c")
    assert [(entry[b"object"], entry[b"entry-id"]) for entry in log_of(client)] == [(b"c", 2), (b"b", 1), (b"b", 0)]


def test_the_log_keeps_acllog_max_len_entries(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+get")
    client("CONFIG", "SET", "acllog-max-len", "3")
    for name in "abcde":
        worker("GET", name)
    assert [entry[b"object"] for entry in log_of(client)] == [b"e", b"d", b"c"]
    assert len(log_of(client, "2")) == 2
    assert client("ACL", "LOG", "RESET") == b"OK"
    assert log_of(client) == []
    worker("GET", "a")
    assert log_of(client)[0][b"entry-id"] == 5


def test_failed_logins_are_logged_with_the_name_tried(server: InProcessServer, client: InProcessClient) -> None:
    client("ACL", "SETUSER", "worker", "on", ">p")
    other = server.client()
    other("Auth", "worker", "wrong")
    other("HELLO", "3", "AUTH", "nobody", "wrong")
    assert [(entry[b"reason"], entry[b"object"], entry[b"username"]) for entry in log_of(client)] == [
        (b"auth", b"HELLO", b"nobody"),
        (b"auth", b"Auth", b"worker"),
    ]


def test_refusals_are_counted(server: InProcessServer, client: InProcessClient) -> None:
    worker = logged_in(server, client, "+get", "+publish", "~a")
    for request in (("GET", "b"), ("GET", "b"), ("SET", "a", "1"), ("PUBLISH", "c", "m"), ("AUTH", "worker2", "x")):
        worker(*request)
    found = stats(client, "stats")
    counts = {name: found[b"acl_access_denied_" + name] for name in (b"auth", b"cmd", b"key", b"channel")}
    assert counts == {b"auth": b"1", b"cmd": b"1", b"key": b"2", b"channel": b"1"}
    assert stats(client, "errorstats")[b"errorstat_NOPERM"] == b"count=4"
    assert b"rejected_calls=2," in stats(client, "commandstats")[b"cmdstat_get"]
    client("CONFIG", "RESETSTAT")
    assert stats(client, "stats")[b"acl_access_denied_key"] == b"0"


# Secrets


def test_secrets_are_hidden_from_monitor_and_slow_log(server: InProcessServer, client: InProcessClient) -> None:
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    monitor = server.client()
    monitor("MONITOR")
    other = server.client()
    other("ACL", "SETUSER", "worker", "on", ">secret")
    other("AUTH", "worker", "secret")
    other("AUTH", "secret")
    client("CONFIG", "SET", "requirepass", "secret", "masterauth", "secret", "maxmemory", "0")
    client("HELLO", "2", "AUTH", "default", "secret")
    shown = repr(client("SLOWLOG", "GET", "-1")) + repr(bytes(monitor.transport.written))
    assert "secret" not in shown
    assert shown.count("(redacted)") >= 10


def test_genpass_gives_as_many_digits_as_the_bits_need(client: InProcessClient) -> None:
    passwords = [client("ACL", "GENPASS", *args) for args in ((), ("1",), ("5",), ("4096",))]
    assert [len(password) for password in passwords] == [64, 1, 2, 1024]  # type: ignore[arg-type]
    assert client("ACL", "GENPASS") != client("ACL", "GENPASS")


# Commands that the configuration opens

PROTECTED = "command not allowed. If the enable-"


def test_debug_and_module_are_refused_before_anything_else_is_checked(server: InProcessServer) -> None:
    server.server.settings.enable_debug_command = "no"
    client = server.client()
    assert PROTECTED in client.error("DEBUG", "SLEEP", "0")
    client("MULTI")
    assert PROTECTED in client.error("MODULE", "LOAD", "x")
    assert client.error("EXEC").startswith("EXECABORT")
    client("CONFIG", "SET", "requirepass", "secret")
    new = server.client()
    assert PROTECTED in new.error("DEBUG", "SLEEP", "0")
    assert new.error("MODULE", "LIST").startswith("NOAUTH")
    server.server.settings.enable_debug_command = "local"
    assert new.error("DEBUG", "SLEEP", "0").startswith("NOAUTH")
    assert client("DEBUG", "SLEEP", "0") == b"OK"


# Files


@pytest.fixture
def filed(tmp_path: Path) -> InProcessServer:
    """A server with an ACL file."""
    path = tmp_path / "users.acl"
    path.write_text("user worker on nopass +@all ~a\n")
    server = InProcessServer()
    server.server.settings.aclfile = str(path)
    assert server.server.acl.load_at_start() == ""
    return server


def test_load_replaces_all_users_and_closes_their_clients(filed: InProcessServer) -> None:
    client, worker, temporary = filed.client(), filed.client(), filed.client()
    client("ACL", "SETUSER", "temporary", "on", "nopass")
    temporary("AUTH", "temporary", "")
    worker("AUTH", "worker", "")
    path = Path(filed.server.settings.aclfile)
    path.write_text("user default on >p allkeys +@read\n")
    assert client("ACL", "LOAD") == b"OK"
    assert client("GET", "a") is None
    assert client.error("ACL", "USERS").startswith("NOPERM")
    assert worker.transport.closed
    assert temporary.transport.closed
    assert not client.transport.closed
    assert filed.client().error("GET", "a").startswith("NOAUTH")


def test_a_wrong_file_changes_nothing(filed: InProcessServer) -> None:
    client = filed.client()
    before = client("ACL", "LIST")
    path = Path(filed.server.settings.aclfile)
    path.write_text("user worker on\nuser worker off\n")
    assert client.error("ACL", "LOAD") == (
        "ERR WARNING: Duplicate user 'worker' found on line 2. WARNING: ACL errors detected, no change to the "
        "previously active ACL rules was performed"
    )
    assert client("ACL", "LIST") == before


def test_save_writes_what_list_shows(filed: InProcessServer) -> None:
    client = filed.client()
    client("ACL", "SETUSER", "new", "on", ">p", "(~x +get)")
    assert client("ACL", "SAVE") == b"OK"
    lines = client("ACL", "LIST")
    assert isinstance(lines, list)
    assert Path(filed.server.settings.aclfile).read_bytes().splitlines() == lines
    assert client("ACL", "LOAD") == b"OK"
    assert client("ACL", "LIST") == lines


def test_a_file_that_cannot_be_written_is_reported(filed: InProcessServer, tmp_path: Path) -> None:
    filed.server.settings.aclfile = str(tmp_path / "missing" / "users.acl")
    assert filed.client().error("ACL", "SAVE") == (
        "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
    )


def test_users_of_the_configuration_are_made_at_the_start_and_not_beside_a_file(tmp_path: Path) -> None:
    server = InProcessServer(requirepass="old")
    server.server.config.users.append([b"worker", b"on", b"nopass", b"(~a", b"+get)"])
    server.server.config.users.append([b"default", b"on", b"nopass", b"+@all"])
    assert server.server.acl.load_at_start() == ""
    assert server.client()("ACL", "LIST") == [
        b"user default on nopass sanitize-payload resetchannels +@all",
        b"user worker on nopass sanitize-payload resetchannels -@all (~a resetchannels -@all +get)",
    ]
    server.server.config.users.append([b"other", b"+nonsense"])
    assert server.server.acl.load_at_start() == (
        "Error loading ACL rule '+nonsense' for the user named 'other': Unknown command or category name in ACL"
    )
    server.server.settings.aclfile = str(tmp_path / "users.acl")
    assert "exclude each other" in server.server.acl.load_at_start()
