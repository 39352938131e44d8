"""Blocking commands: who waits, who is served and when, what ends a wait, and what others see of it."""

from __future__ import annotations

import hiredis
import pytest

from hognose.commands.spec import SPECS
from tests.commands.recorder import recorded_events
from tests.inprocess import InProcessClient, InProcessServer

PENDING = ...


@pytest.fixture
def waiter(server: InProcessServer) -> InProcessClient:
    return server.client()


@pytest.fixture
def second(server: InProcessServer) -> InProcessClient:
    return server.client()


def is_blocked(client: InProcessClient) -> bool:
    """Whether a client that was sent nothing else since waits; takes the place of no reply."""
    return client.reply() is PENDING


def client_id(client: InProcessClient) -> int:
    return client.connection.id


def packed(*args: str) -> bytes:
    """A command as it is sent."""
    request: bytes = hiredis.pack_command(args)
    return request


def pass_time(server: InProcessServer, milliseconds: int) -> None:
    server.clock.advance(milliseconds)
    server.server.end_waits()


# Being served


def test_blpop_waits_for_the_list_that_a_push_makes(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLPOP", "list", 0)
    assert is_blocked(waiter)
    assert client("RPUSH", "list", "a", "b") == 2
    assert waiter.reply() == [b"list", b"a"]
    assert client("LRANGE", "list", 0, -1) == [b"b"]


def test_blpop_does_not_wait_where_there_is_something(client: InProcessClient) -> None:
    client("RPUSH", "second", "a")
    assert client("BLPOP", "first", "second", 0) == [b"second", b"a"]
    assert client("EXISTS", "second") == 0


def test_clients_are_served_in_the_order_they_blocked(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("BLPOP", "list", 0)
    second.send("BRPOP", "other", "list", 0)
    client("RPUSH", "list", "a")
    assert waiter.reply() == [b"list", b"a"]
    assert is_blocked(second)
    client("RPUSH", "list", "b")
    assert second.reply() == [b"list", b"b"]


def test_one_push_serves_as_many_clients_as_it_brought_elements(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("BLPOP", "list", 0)
    second.send("BRPOP", "list", 0)
    assert client("RPUSH", "list", "a", "b", "c") == 3
    assert waiter.reply() == [b"list", b"a"]
    assert second.reply() == [b"list", b"c"]


def test_a_client_waiting_for_several_keys_is_served_once(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLPOP", "a", "b", "a", 0)
    client("RPUSH", "b", "x")
    assert waiter.reply() == [b"b", b"x"]
    client("RPUSH", "a", "y")
    assert waiter.reply() is PENDING
    assert client("LRANGE", "a", 0, -1) == [b"y"]


def test_of_several_keys_filled_at_once_the_first_named_serves(
    client: InProcessClient, waiter: InProcessClient
) -> None:
    waiter.send("BLPOP", "first", "second", 0)
    client("MULTI")
    client("RPUSH", "second", "2")
    client("RPUSH", "first", "1")
    client("EXEC")
    assert waiter.reply() == [b"first", b"1"]


def test_waits_are_served_only_after_the_transaction(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLPOP", "list", 0)
    client("MULTI")
    client("RPUSH", "list", "a")
    client("DEL", "list")
    client("RPUSH", "list", "b")
    assert client("EXEC") == [1, 1, 1]
    assert waiter.reply() == [b"list", b"b"]


def test_a_list_gone_again_before_the_end_of_the_transaction_serves_nobody(
    client: InProcessClient, waiter: InProcessClient
) -> None:
    waiter.send("BLPOP", "list", 0)
    client("MULTI")
    client("RPUSH", "list", "a")
    client("DEL", "list")
    client("EXEC")
    assert is_blocked(waiter)


def test_a_key_of_another_type_serves_nobody_and_ends_no_wait(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLPOP", "key", 0)
    client("ZADD", "key", 1, "a")
    client("SET", "key", "string")
    assert is_blocked(waiter)
    client("DEL", "key")
    client("LPUSH", "key", "x")
    assert waiter.reply() == [b"key", b"x"]


def test_lists_and_sorted_sets_are_waited_for_apart(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("BLPOP", "key", 0)
    second.send("BZPOPMIN", "key", 0)
    client("ZADD", "key", 1, "a")
    assert second.reply() == [b"key", b"a", b"1"]
    client("LPUSH", "key", "x")
    assert waiter.reply() == [b"key", b"x"]


def test_a_key_of_the_wrong_type_is_refused_at_once(client: InProcessClient) -> None:
    client("SET", "string", "x")
    wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value"
    assert client.error("BLPOP", "none", "string", 0) == wrong_type
    assert client.error("BLMOVE", "string", "list", "LEFT", "LEFT", 0) == wrong_type
    assert client.error("BLMPOP", 0, 1, "string", "LEFT") == wrong_type


@pytest.mark.parametrize(
    "making",
    [
        ("RENAME", "source", "list"),
        ("COPY", "source", "list"),
        ("LMOVE", "source", "list", "LEFT", "LEFT"),
        ("SORT", "source", "ALPHA", "STORE", "list"),
    ],
)
def test_whatever_makes_the_list_serves_it(
    client: InProcessClient, waiter: InProcessClient, making: tuple[str, ...]
) -> None:
    client("RPUSH", "source", "x")
    waiter.send("BLPOP", "list", 0)
    client(*making)
    assert waiter.reply() == [b"list", b"x"]


def test_swapdb_and_move_bring_lists_to_those_who_wait(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    client("SELECT", 1)
    client("RPUSH", "list", "x")
    client("RPUSH", "other", "y")
    waiter.send("BLPOP", "list", 0)
    client("MOVE", "list", 0)
    assert waiter.reply() == [b"list", b"x"]
    second.send("BLPOP", "other", 0)
    client("SWAPDB", 0, 1)
    assert second.reply() == [b"other", b"y"]


def test_swapdb_with_an_expired_list_serves_nobody(
    server: InProcessServer, client: InProcessClient, waiter: InProcessClient
) -> None:
    client("SELECT", 1)
    client("RPUSH", "list", "x")
    client("PEXPIRE", "list", 10)
    waiter.send("BLPOP", "list", 0)
    server.clock.advance(11)
    client("SWAPDB", 0, 1)
    assert is_blocked(waiter)


def test_what_the_client_sent_behind_the_blocking_command_runs_once_it_is_served(
    client: InProcessClient, waiter: InProcessClient
) -> None:
    waiter.raw(packed("BLPOP", "list", "0") + packed("SET", "after", "1"))
    assert client("EXISTS", "after") == 0
    client("RPUSH", "list", "a")
    assert client("GET", "after") == b"1"
    assert waiter.reply() == [b"list", b"a"]
    assert waiter.reply() == b"OK"


def test_a_chain_of_clients_each_waking_the_next_one_does_not_nest(server: InProcessServer) -> None:
    links = [server.client() for _ in range(500)]
    for number, link in enumerate(links):
        pop = packed("BLPOP", f"list{number}", "0")
        link.raw(pop + packed("RPUSH", f"list{number + 1}", "x"))
    server.client()("RPUSH", "list0", "x")
    assert links[-1].reply() == [b"list499", b"x"]


# Moving


def test_blmove_moves_between_the_ends_it_names(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLMOVE", "source", "destination", "RIGHT", "LEFT", 0)
    client("RPUSH", "destination", "z")
    client("RPUSH", "source", "a", "b")
    assert waiter.reply() == b"b"
    assert client("LRANGE", "destination", 0, -1) == [b"b", b"z"]


def test_a_chain_of_moves_runs_through_at_once(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    second.send("BRPOPLPUSH", "middle", "end", 0)
    waiter.send("BLMOVE", "start", "middle", "LEFT", "LEFT", 0)
    client("RPUSH", "start", "x")
    assert waiter.reply() == b"x"
    assert second.reply() == b"x"
    assert client("LRANGE", "end", 0, -1) == [b"x"]
    assert client("EXISTS", "start", "middle") == 0


def test_a_circle_of_moves_ends(client: InProcessClient, waiter: InProcessClient, second: InProcessClient) -> None:
    waiter.send("BLMOVE", "a", "b", "LEFT", "LEFT", 0)
    second.send("BLMOVE", "b", "a", "LEFT", "LEFT", 0)
    client("RPUSH", "a", "x")
    assert (waiter.reply(), second.reply()) == (b"x", b"x")
    assert client("LRANGE", "a", 0, -1) == [b"x"]


def test_what_a_served_client_pushes_waits_its_turn_behind_the_key_being_served(
    server: InProcessServer, client: InProcessClient
) -> None:
    mover, popper, last = server.client(), server.client(), server.client()
    mover.send("BLMOVE", "a", "b", "LEFT", "RIGHT", 0)
    popper.send("BLPOP", "b", "a", 0)
    last.send("BLPOP", "b", 0)
    client("RPUSH", "a", "1", "2")
    # The popper, second in the queue of `a`, runs before anybody in the queue of `b`, and finds `b` first.
    assert mover.reply() == b"1"
    assert popper.reply() == [b"b", b"1"]
    assert is_blocked(last)
    assert client("LRANGE", "a", 0, -1) == [b"2"]


def test_blmove_to_a_key_of_another_type_fails_when_it_is_served_and_moves_nothing(
    client: InProcessClient, waiter: InProcessClient
) -> None:
    waiter.send("BLMOVE", "source", "string", "LEFT", "LEFT", 0)
    client("SET", "string", "x")
    client("RPUSH", "source", "a")
    reply = waiter.reply()
    assert str(reply) == "WRONGTYPE Operation against a key holding the wrong kind of value"
    assert client("LRANGE", "source", 0, -1) == [b"a"]
    assert waiter("PING") == b"PONG"


def test_blmpop_takes_up_to_its_count_when_it_is_served(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLMPOP", 0, 2, "none", "list", "RIGHT", "COUNT", 2)
    client("RPUSH", "list", "a", "b", "c")
    assert waiter.reply() == [b"list", [b"c", b"b"]]
    assert client("LRANGE", "list", 0, -1) == [b"a"]


def test_a_push_made_by_a_served_client_spoils_transactions_that_watch_it(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("BLMOVE", "source", "destination", "LEFT", "LEFT", 0)
    client("WATCH", "destination")
    client("MULTI")
    client("PING")
    second("RPUSH", "source", "x")
    assert client("EXEC") is None


# Timeouts


@pytest.mark.parametrize(
    ("timeout", "milliseconds"), [("1", 1000), ("0.25", 250), ("0.001", 1), ("1.0001", 1001), ("1e-2", 10)]
)
def test_a_wait_ends_with_its_timeout_which_may_have_a_fraction(
    server: InProcessServer, waiter: InProcessClient, timeout: str, milliseconds: int
) -> None:
    waiter.send("BLPOP", "list", timeout)
    pass_time(server, milliseconds - 1)
    assert is_blocked(waiter)
    pass_time(server, 1)
    assert waiter.transport.written == b"*-1\r\n"
    assert waiter.reply() is None
    assert waiter("PING") == b"PONG"


@pytest.mark.parametrize(
    "command",
    [
        ("BLPOP", "a", "b", "1"),
        ("BLMOVE", "a", "b", "LEFT", "LEFT", "1"),
        ("BRPOPLPUSH", "a", "b", "1"),
        ("BLMPOP", "1", "1", "a", "LEFT"),
        ("BZPOPMAX", "a", "1"),
        ("BZMPOP", "1", "1", "a", "MIN"),
        ("XREAD", "BLOCK", "1000", "STREAMS", "a", "$"),
    ],
)
@pytest.mark.parametrize(("protocol", "null"), [("2", b"*-1\r\n"), ("3", b"_\r\n")])
def test_every_wait_in_vain_is_answered_with_the_null_array(
    server: InProcessServer, waiter: InProcessClient, command: tuple[str, ...], protocol: str, null: bytes
) -> None:
    waiter("HELLO", protocol)
    waiter.send(*command)
    pass_time(server, 1000)
    assert waiter.transport.written == null


def test_a_timeout_of_zero_never_ends(server: InProcessServer, waiter: InProcessClient) -> None:
    waiter.send("BLPOP", "list", 0)
    pass_time(server, 1 << 40)
    assert is_blocked(waiter)


def test_timeouts_end_waits_in_the_order_of_their_deadlines(
    server: InProcessServer, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("BLPOP", "list", 2)
    second.send("BLPOP", "list", 1)
    pass_time(server, 1000)
    assert is_blocked(waiter)
    assert second.reply() is None
    pass_time(server, 1000)
    assert waiter.reply() is None


def test_a_served_client_is_not_answered_again_when_its_time_is_over(
    server: InProcessServer, client: InProcessClient, waiter: InProcessClient
) -> None:
    waiter.send("BLPOP", "list", 1)
    client("RPUSH", "list", "a")
    assert waiter.reply() == [b"list", b"a"]
    pass_time(server, 5000)
    assert waiter.reply() is PENDING


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        ("-1", "ERR timeout is negative"),
        ("abc", "ERR timeout is not a float or out of range"),
        ("1 ", "ERR timeout is not a float or out of range"),
        ("nan", "ERR timeout is not a float or out of range"),
        ("1e30", "ERR timeout is out of range"),
        ("9223372036854775", "ERR timeout is out of range"),
    ],
)
def test_timeouts_that_mean_nothing_are_refused(client: InProcessClient, timeout: str, error: str) -> None:
    assert client.error("BLPOP", "list", timeout) == error
    assert client.error("BLMPOP", timeout, 1, "list", "LEFT") == error


# What else ends a wait, or does not


def test_client_unblock_ends_a_wait_as_a_timeout_would(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLPOP", "list", 0)
    assert client("CLIENT", "UNBLOCK", client_id(waiter)) == 1
    assert waiter.reply() is None
    assert client("CLIENT", "UNBLOCK", client_id(waiter)) == 0


def test_client_unblock_with_error_says_so(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLMOVE", "a", "b", "LEFT", "LEFT", 0)
    assert client("CLIENT", "UNBLOCK", client_id(waiter), "ERROR") == 1
    assert str(waiter.reply()) == "UNBLOCKED client unblocked via CLIENT UNBLOCK"
    assert waiter("PING") == b"PONG"


def test_client_unblock_ends_wait_too_and_its_error_counts(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("WAIT", 1, 0)
    assert client("CLIENT", "UNBLOCK", client_id(waiter), "ERROR") == 1
    assert str(waiter.reply()) == "UNBLOCKED client unblocked via CLIENT UNBLOCK"
    assert client("INFO", "errorstats") == b"# Errorstats\r\nerrorstat_UNBLOCKED:count=1\r\n"
    waiter("CLIENT", "REPLY", "SKIP")
    waiter.send("WAIT", 1, 0)
    assert client("CLIENT", "UNBLOCK", client_id(waiter)) == 1
    assert waiter.reply() is ...
    assert waiter("PING") == b"PONG"


def test_an_unblocked_client_may_block_again(client: InProcessClient, waiter: InProcessClient) -> None:
    for _ in range(3):
        waiter.send("BLPOP", "list", 0)
        assert client("CLIENT", "UNBLOCK", client_id(waiter)) == 1
        assert waiter.reply() is None
    waiter.send("BLPOP", "list", 0)
    client("RPUSH", "list", "a")
    assert waiter.reply() == [b"list", b"a"]


def test_a_client_that_is_gone_takes_nothing(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("BLPOP", "list", 0)
    second.send("BLPOP", "list", 0)
    waiter.connection.connection_lost()
    client("RPUSH", "list", "a")
    assert second.reply() == [b"list", b"a"]


def test_a_killed_client_does_not_run_what_it_had_sent(
    server: InProcessServer, client: InProcessClient, waiter: InProcessClient
) -> None:
    waiter.raw(packed("BLPOP", "list", "0") + packed("SET", "after", "1"))
    client("MULTI")
    client("RPUSH", "list", "a")
    client("CLIENT", "KILL", "ID", client_id(waiter))
    client("EXEC")
    assert client("EXISTS", "after") == 0


def test_nothing_is_left_of_waits_that_are_over(
    server: InProcessServer, client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("BLPOP", "a", "b", 10)
    second.send("BLPOP", "b", 5)
    client("RPUSH", "a", "x")
    pass_time(server, 5000)
    assert all(not database.awaited for database in server.server.keyspace.databases)
    assert server.server.blocking.requests == {}
    assert server.server.blocking.expire(1 << 60) == 0


def test_blocking_commands_do_not_wait_in_a_transaction(client: InProcessClient) -> None:
    client("MULTI")
    client("BLPOP", "a", 0)
    client("BLMOVE", "a", "b", "LEFT", "LEFT", 0)
    client("BRPOPLPUSH", "a", "b", 0)
    client("BLMPOP", 0, 1, "a", "LEFT")
    client("BZMPOP", 0, 1, "a", "MIN")
    replies = client.raw(packed("EXEC"))
    assert replies.endswith(b"*5\r\n*-1\r\n$-1\r\n$-1\r\n*-1\r\n*-1\r\n")


def test_a_blocking_command_in_a_transaction_takes_what_is_there(client: InProcessClient) -> None:
    client("MULTI")
    client("RPUSH", "a", "x")
    client("BLPOP", "a", 0)
    assert client("EXEC") == [1, [b"a", b"x"]]


def test_client_reply_off_silences_the_answer_to_a_wait(
    server: InProcessServer, client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    waiter.send("CLIENT", "REPLY", "OFF")
    waiter.send("BLPOP", "list", 0)
    second.send("CLIENT", "REPLY", "SKIP")
    second.send("BLPOP", "none", 1)
    client("RPUSH", "list", "a")
    pass_time(server, 1000)
    assert (bytes(waiter.transport.written), bytes(second.transport.written)) == (b"", b"")
    assert client("EXISTS", "list") == 0
    assert second("PING") == b"PONG"


def test_a_pause_keeps_a_client_that_could_be_served_waiting(
    server: InProcessServer, client: InProcessClient, waiter: InProcessClient
) -> None:
    waiter.send("BLPOP", "list", 0)
    client("MULTI")
    client("RPUSH", "list", "a")
    client("CLIENT", "PAUSE", 100_000, "WRITE")
    client("EXEC")
    assert is_blocked(waiter)
    assert client("LRANGE", "list", 0, -1) == [b"a"]
    client("CLIENT", "UNPAUSE")
    assert waiter.reply() == [b"list", b"a"]


# What others see


def test_a_waiting_client_is_shown_as_blocked(client: InProcessClient, waiter: InProcessClient) -> None:
    waiter.send("BLPOP", "list", 0)
    line = client("CLIENT", "LIST", "ID", client_id(waiter))
    assert isinstance(line, bytes)
    assert b" flags=b " in line
    assert b" cmd=blpop " in line


def test_a_command_that_waited_counts_once(server: InProcessServer, client: InProcessClient) -> None:
    served, timed_out = server.client(), server.client()
    served.send("BLPOP", "list", 0)
    timed_out.send("BLPOP", "none", 1)
    command = server.server.table().by_name[b"blpop"]
    assert command.calls == 0
    client("RPUSH", "list", "a")
    assert command.calls == 1
    pass_time(server, 1000)
    assert (command.calls, command.failed) == (2, 0)


def test_a_served_command_fires_its_events(server: InProcessServer, client: InProcessClient) -> None:
    waiter = server.client()
    events = recorded_events(server)
    waiter.send("BLMOVE", "a", "b", "LEFT", "RIGHT", 0)
    client("RPUSH", "a", "x")
    assert waiter.reply() == b"x"
    assert events.seen == ["rpush a", "rpush b", "lpop a", "del a"]


@pytest.mark.parametrize(
    ("command", "sent_on"),
    [
        ("BLPOP none list 0", "LPOP list"),
        ("BRPOP list 0", "RPOP list"),
        ("BLMPOP 0 2 none list LEFT COUNT 5", "LPOP list 2"),
        ("BLMPOP 0 1 list RIGHT", "RPOP list 1"),
        ("LMPOP 1 list RIGHT COUNT 2", "RPOP list 2"),
        ("BLMOVE list other LEFT RIGHT 0", "LMOVE list other LEFT RIGHT"),
        ("BRPOPLPUSH list other 0", "RPOPLPUSH list other"),
    ],
)
def test_replicas_are_sent_what_happened_and_never_a_command_that_waits(
    client: InProcessClient, command: str, sent_on: str
) -> None:
    client("RPUSH", "list", "a", "b")
    argv = command.encode().split()
    handler = SPECS[argv[0].decode().lower()].handler
    assert handler is not None
    handler(client.connection, argv)
    assert client.connection.rewritten == [sent_on.encode().split()]


def test_info_counts_keys_waited_for_and_those_whose_loss_is_awaited(
    client: InProcessClient, waiter: InProcessClient, second: InProcessClient
) -> None:
    client("XGROUP", "CREATE", "stream", "group", "$", "MKSTREAM")
    waiter.send("BLPOP", "list", "stream2", 0)
    second.send("XREADGROUP", "GROUP", "group", "me", "BLOCK", 0, "STREAMS", "stream", ">")
    report = client("INFO", "clients")
    assert isinstance(report, bytes)
    lines = report.splitlines()
    assert b"blocked_clients:2" in lines
    assert b"total_blocking_keys:3" in lines
    assert b"total_blocking_keys_on_nokey:1" in lines
    client("DEL", "stream")
    assert str(second.reply()).startswith("NOGROUP ")
    assert is_blocked(waiter)
