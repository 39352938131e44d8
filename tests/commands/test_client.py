"""CLIENT through in-process connections."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer


def fields(line: object) -> dict[str, str]:
    """The fields of a line of CLIENT LIST."""
    assert isinstance(line, bytes)
    return dict(pair.split("=", 1) for pair in line.decode().strip().split(" "))


def test_client_info_names_every_field_of_the_reference_in_order(client: InProcessClient) -> None:
    assert list(fields(client("CLIENT", "INFO"))) == [
        "id",
        "addr",
        "laddr",
        "fd",
        "name",
        "age",
        "idle",
        "flags",
        "db",
        "sub",
        "psub",
        "ssub",
        "multi",
        "qbuf",
        "qbuf-free",
        "argv-mem",
        "multi-mem",
        "rbs",
        "rbp",
        "obl",
        "oll",
        "omem",
        "tot-mem",
        "events",
        "cmd",
        "user",
        "redir",
        "resp",
        "lib-name",
        "lib-ver",
    ]


def test_client_list_shows_age_idle_time_and_last_command(server: InProcessServer) -> None:
    idle, asking = server.client(), server.client()
    idle("SELECT", 3)
    server.clock.advance(5000)
    asking("PING")
    server.clock.advance(2000)
    lines = asking("CLIENT", "LIST")
    assert isinstance(lines, bytes)
    first, second = (fields(line) for line in lines.splitlines())
    assert (first["age"], first["idle"], first["db"], first["cmd"], first["qbuf"]) == ("7", "7", "3", "select", "0")
    assert (second["age"], second["idle"], second["cmd"], second["qbuf"]) == ("7", "0", "client|list", "26")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("PING; NONSENSE", "NULL"),
        ("PING; CLIENT NONSENSE", "NULL"),
        ("CLIENT", "client"),
        ("GET", "get"),
        ("MULTI; GET key", "get"),
        ("AUTH nobody nothing", "auth"),
        ("MULTI; GET key; EXEC", "exec"),
    ],
)
def test_client_list_shows_the_last_command_whether_it_ran_or_not(
    server: InProcessServer, words: str, shown: str
) -> None:
    watched, asking = server.client(), server.client()
    for command in words.split("; "):
        watched(*command.split())
    line = asking("CLIENT", "LIST", "ID", watched.connection.id)
    assert isinstance(line, bytes)
    assert fields(line)["cmd"] == shown


def test_client_list_shows_a_command_that_a_pause_keeps_back(server: InProcessServer) -> None:
    writer, admin = server.client(), server.client()
    admin("CLIENT", "PAUSE", 1000, "WRITE")
    writer.send("SET", "a", "1")
    line = admin("CLIENT", "LIST", "ID", writer.connection.id)
    assert isinstance(line, bytes)
    assert (fields(line)["cmd"], fields(line)["flags"]) == ("set", "b")


def test_client_list_marks_monitors(server: InProcessServer) -> None:
    watcher, admin = server.client(), server.client()
    watcher("MONITOR")
    line = admin("CLIENT", "LIST", "ID", watcher.connection.id)
    assert isinstance(line, bytes)
    assert fields(line)["flags"] == "O"


def test_client_list_filters_by_id_and_type(server: InProcessServer) -> None:
    one, two = server.client(), server.client()
    wanted = two("CLIENT", "ID")
    assert isinstance(wanted, int)
    assert fields(one("CLIENT", "LIST", "ID", wanted, 99))["id"] == str(wanted)
    assert one("CLIENT", "LIST", "TYPE", "pubsub") == b""
    assert one.error("CLIENT", "LIST", "TYPE", "x") == "ERR Unknown client type 'x'"
    assert one.error("CLIENT", "LIST", "ID", "x") == "ERR Invalid client ID"
    assert one.error("CLIENT", "LIST", "FOO") == "ERR syntax error"


@pytest.mark.parametrize("name", ["a b", "a\nb", "a\x7f", "é"])
def test_client_names_must_be_plain(client: InProcessClient, name: str) -> None:
    text = "Client names cannot contain spaces, newlines or special characters."
    assert client.error("CLIENT", "SETNAME", name) == "ERR " + text


def test_client_setinfo_refuses_unknown_attributes_and_blanks(client: InProcessClient) -> None:
    assert client("CLIENT", "SETINFO", "LIB-VER", "1.2") == b"OK"
    assert client.error("CLIENT", "SETINFO", "x", "y") == "ERR Unrecognized option 'x'"
    text = "ERR lib-name cannot contain spaces, newlines or special characters."
    assert client.error("CLIENT", "SETINFO", "lib-name", "a b") == text
    assert fields(client("CLIENT", "INFO"))["lib-ver"] == "1.2"


def test_client_kill_by_id_closes_and_counts(server: InProcessServer) -> None:
    one, two = server.client(), server.client()
    assert one("CLIENT", "KILL", "ID", two.connection.id) == 1
    assert two.transport.closed
    assert one("CLIENT", "KILL", "ID", 999) == 0
    assert one("CLIENT", "KILL", "SKIPME", "yes") == 0


def test_client_kill_of_oneself_answers_first(server: InProcessServer) -> None:
    client = server.client()
    assert client("CLIENT", "KILL", client.connection.address()) == b"OK"
    assert client.transport.closed


def test_client_kill_maxage_spares_the_young(server: InProcessServer) -> None:
    old = server.client()
    server.clock.advance(10_000)
    young = server.client()
    assert young("CLIENT", "KILL", "MAXAGE", 11) == 0
    assert young("CLIENT", "KILL", "MAXAGE", 10) == 1
    assert old.transport.closed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("1.2.3.4:5",), "ERR No such client"),
        (("ID", "0"), "ERR client-id should be greater than 0"),
        (("ID", "x"), "ERR client-id should be greater than 0"),
        (("ID", "1", "ADDR"), "ERR syntax error"),
        (("TYPE", "x"), "ERR Unknown client type 'x'"),
        (("USER", "nobody"), "ERR No such user 'nobody'"),
        (("SKIPME", "perhaps"), "ERR syntax error"),
    ],
)
def test_client_kill_refuses_bad_filters(client: InProcessClient, arguments: tuple[str, ...], text: str) -> None:
    assert client.error("CLIENT", "KILL", *arguments) == text


def test_client_reply_off_and_on(client: InProcessClient) -> None:
    client.send("CLIENT", "REPLY", "OFF")
    client.send("PING")
    assert client.reply() is ...
    assert client("CLIENT", "REPLY", "ON") == b"OK"
    assert client("PING") == b"PONG"


def test_client_reply_skip_silences_exactly_one_command(client: InProcessClient) -> None:
    client.send("CLIENT", "REPLY", "SKIP")
    client.send("PING", "one")
    assert client("PING", "two") == b"two"
    client.send("CLIENT", "REPLY", "SKIP")
    client.send("CLIENT", "REPLY", "SKIP")
    client.send("PING", "three")
    assert client("PING", "four") == b"four"


@pytest.mark.parametrize("refused", ["NONSENSE", "GET", "CLIENT", "CLIENT NONSENSE"])
def test_client_reply_skip_is_over_with_a_request_that_is_no_command(client: InProcessClient, refused: str) -> None:
    client.send("CLIENT", "REPLY", "SKIP")
    client.send(*refused.split())
    assert client("PING", "one") == b"one"


def test_client_no_touch_leaves_access_times_alone(client: InProcessClient, server: InProcessServer) -> None:
    client("SET", "key", "value")
    client("CLIENT", "NO-TOUCH", "ON")
    server.clock.advance(60_000)
    server.server.keyspace.update_access_clock()
    client("GET", "key")
    assert client("OBJECT", "IDLETIME", "key") == 60
    client("TOUCH", "key")
    assert client("OBJECT", "IDLETIME", "key") == 0


def test_pause_keeps_writes_back_and_runs_them_in_order(server: InProcessServer) -> None:
    admin, writer, reader = server.client(), server.client(), server.client()
    admin("CLIENT", "PAUSE", 1000, "WRITE")
    writer.send("SET", "a", "1")
    writer.send("PING")
    assert writer.reply() is ...
    assert reader("GET", "a") is None
    assert fields(reader("CLIENT", "LIST", "ID", writer.connection.id))["flags"] == "b"
    assert admin("CLIENT", "UNPAUSE") == b"OK"
    assert writer.reply() == b"OK"
    assert writer.reply() == b"PONG"
    assert reader("GET", "a") == b"1"


def test_pause_all_ends_by_itself(server: InProcessServer) -> None:
    admin, other = server.client(), server.client()
    admin("CLIENT", "PAUSE", 100)
    other.send("PING")
    assert other.reply() is ...
    server.clock.advance(99)
    server.server.cron.tick()
    assert other.reply() is ...
    server.clock.advance(1)
    server.server.cron.tick()
    assert other.reply() == b"PONG"


def test_a_pause_is_not_shortened_or_softened_by_another(server: InProcessServer) -> None:
    admin, second, other = server.client(), server.client(), server.client()
    second.send("MULTI")
    assert second.reply() == b"OK"
    admin("CLIENT", "PAUSE", 1000, "WRITE")
    admin("CLIENT", "PAUSE", 10, "WRITE")
    server.clock.advance(500)
    server.server.cron.tick()
    other.send("SET", "k", "v")
    assert other.reply() is ...
    second.send("SET", "k", "w")
    assert second.reply() is ...
    server.clock.advance(501)
    server.server.cron.tick()
    assert other.reply() == b"OK"
    assert second.reply() == b"QUEUED"


def test_keys_do_not_expire_during_a_pause_but_are_not_seen(server: InProcessServer) -> None:
    client = server.client()
    client("SET", "k", "v", "PX", 10)
    client("CLIENT", "PAUSE", 1000, "WRITE")
    server.clock.advance(50)
    assert client("GET", "k") is None
    assert client("DBSIZE") == 1
    client("CLIENT", "UNPAUSE")
    assert client("GET", "k") is None
    assert client("DBSIZE") == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("x",), "ERR timeout is not an integer or out of range"),
        (("-1",), "ERR timeout is negative"),
        (("1", "SOME"), "ERR CLIENT PAUSE mode must be WRITE or ALL"),
        (("9223372036854775807",), "ERR timeout is out of range"),
    ],
)
def test_client_pause_refuses_bad_arguments(client: InProcessClient, arguments: tuple[str, ...], text: str) -> None:
    assert client.error("CLIENT", "PAUSE", *arguments) == text


def test_client_unblock_tells_whether_anybody_waited(server: InProcessServer) -> None:
    client, other = server.client(), server.client()
    assert client("CLIENT", "UNBLOCK", other.connection.id) == 0
    assert client("CLIENT", "UNBLOCK", 999) == 0
    assert client.error("CLIENT", "UNBLOCK", other.connection.id, "WHY") == (
        "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
    )
    assert client.error("CLIENT", "UNBLOCK", "x") == "ERR value is not an integer or out of range"


def test_a_pause_of_writes_lets_scripts_pass_that_declare_to_write_nothing(server: InProcessServer) -> None:
    client, other = server.client(), server.client()
    reading = "#!lua flags=no-writes\nreturn 'read'"
    other("MULTI")
    other("EVAL", reading, 0)
    client("CLIENT", "PAUSE", 60_000, "WRITE")
    assert client("EVAL", reading, 0) == b"read"
    assert client("EVAL_RO", "return 1", 0) == 1
    assert other("EXEC") == [b"read"]
    assert server.client()("EVAL", "#!lua\nreturn 1", 0) is ...
    assert server.client()("EVAL", "return 1", 0) is ...


@pytest.mark.parametrize("request_bytes", [b"CLIENT INFO\r\n", b"*2\r\n$6\r\nCLIENT\r\n$4\r\nINFO\r\n"])
def test_arguments_count_in_whatever_form_they_came(client: InProcessClient, request_bytes: bytes) -> None:
    assert b" argv-mem=10 " in client.raw(request_bytes)


def test_an_idle_client_keeps_nothing_of_what_it_has_sent(server: InProcessServer, client: InProcessClient) -> None:
    idle = server.client()
    for size in (10, 20_000, 100_000):
        idle("SET", "key", "x" * size)
        shown = fields(client("CLIENT", "LIST", "ID", idle.connection.id))
        assert (shown["argv-mem"], shown["qbuf"]) == ("0", "0")
        assert int(shown["tot-mem"]) < 10_000
        assert len(idle.connection.parser.buffer) < 100  # a short one stays until the next comes
    idle.send("BLPOP", "list", 0)
    assert fields(client("CLIENT", "LIST", "ID", idle.connection.id))["argv-mem"] == "10"
