"""CLIENT TRACKING and its kin through in-process connections."""

import hiredis
import pytest

from tests.inprocess import InProcessClient, InProcessServer


@pytest.fixture
def cache(server: InProcessServer) -> InProcessClient:
    """A RESP3 client that tracks what it reads."""
    client = server.client()
    client("HELLO", 3)
    client("CLIENT", "TRACKING", "ON")
    return client


def message(client: InProcessClient) -> object:
    """The next message, as a list; `...` if there is none."""
    reply = client.reply()
    return list(reply) if isinstance(reply, (list, hiredis.PushNotification)) else reply


def test_a_key_that_was_read_is_reported_once(cache: InProcessClient, client: InProcessClient) -> None:
    cache("GET", "a")
    client("SET", "b", 1)
    assert message(cache) is ...
    client("SET", "a", 1)
    assert message(cache) == [b"invalidate", [b"a"]]
    client("SET", "a", 2)
    assert message(cache) is ...


@pytest.mark.parametrize(
    ("words", "keys"),
    [("RENAME a b", [b"a", b"b"]), ("RENAMENX a c", [b"a", b"c"]), ("LMOVE x y LEFT LEFT", [b"y", b"x"])],
)
def test_keys_are_reported_in_the_order_of_real_servers(
    cache: InProcessClient, client: InProcessClient, words: str, keys: list[bytes]
) -> None:
    client("MSET", "a", 1, "b", 2)
    client("RPUSH", "x", 1, 2)
    cache("EXISTS", "a", "b", "c", "x", "y")
    client(*words.split())
    assert [message(cache), message(cache), message(cache)] == [*([b"invalidate", [key]] for key in keys), ...]


def test_ones_own_change_is_reported_after_the_reply(cache: InProcessClient) -> None:
    cache("GET", "a")
    assert cache.raw(b"SET a 1\r\n") == b"+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n"


def test_noloop_keeps_ones_own_changes_quiet(server: InProcessServer, cache: InProcessClient) -> None:
    cache("CLIENT", "TRACKING", "ON", "NOLOOP")
    cache("GET", "a")
    assert cache.raw(b"SET a 1\r\n") == b"+OK\r\n"


def test_expiry_and_eviction_are_reported(
    server: InProcessServer, cache: InProcessClient, client: InProcessClient
) -> None:
    client("SET", "a", 1, "PX", 10)
    cache("GET", "a")
    server.clock.advance(11)
    server.server.cron.tick()
    assert message(cache) == [b"invalidate", [b"a"]]
    client("SET", "b", 1)
    cache("GET", "b")
    client("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "1")
    client("PING")
    assert message(cache) == [b"invalidate", [b"b"]]


def test_flushall_invalidates_everything(cache: InProcessClient, client: InProcessClient) -> None:
    cache("GET", "a")
    client("FLUSHALL")
    assert message(cache) == [b"invalidate", None]


def test_optin_remembers_only_after_caching_yes(cache: InProcessClient, client: InProcessClient) -> None:
    cache("CLIENT", "TRACKING", "ON", "OPTIN")
    cache("GET", "a")
    cache("CLIENT", "CACHING", "YES")
    cache("GET", "b")
    cache("GET", "c")
    client("MSET", "a", 1, "b", 1, "c", 1)
    assert message(cache) == [b"invalidate", [b"b"]]
    assert message(cache) is ...


def test_caching_yes_holds_for_a_whole_transaction(cache: InProcessClient, client: InProcessClient) -> None:
    cache("CLIENT", "TRACKING", "ON", "OPTIN")
    cache("CLIENT", "CACHING", "YES")
    cache("MULTI")
    cache("GET", "a")
    cache("GET", "b")
    cache("EXEC")
    client("DEL", "a")
    client("MSET", "a", 1, "b", 1)
    assert [message(cache), message(cache)] == [[b"invalidate", [b"a"]], [b"invalidate", [b"b"]]]


def test_optout_leaves_out_what_follows_caching_no(cache: InProcessClient, client: InProcessClient) -> None:
    cache("CLIENT", "TRACKING", "ON", "OPTOUT")
    cache("CLIENT", "CACHING", "NO")
    cache("GET", "a")
    cache("GET", "b")
    client("MSET", "a", 1, "b", 1)
    assert message(cache) == [b"invalidate", [b"b"]]


def test_caching_outlasts_other_subcommands_of_client(cache: InProcessClient, client: InProcessClient) -> None:
    cache("CLIENT", "TRACKING", "ON", "OPTIN")
    cache("CLIENT", "CACHING", "YES")
    cache("CLIENT", "GETNAME")
    cache("GET", "a")
    client("SET", "a", 1)
    assert message(cache) == [b"invalidate", [b"a"]]


def test_caching_is_over_with_a_request_that_is_no_command(cache: InProcessClient, client: InProcessClient) -> None:
    cache("CLIENT", "TRACKING", "ON", "OPTIN")
    cache("CLIENT", "CACHING", "YES")
    cache("NONSENSE")
    cache("GET", "a")
    client("SET", "a", 1)
    assert message(cache) is ...


def test_broadcast_reports_prefixes_and_keys_in_their_order(server: InProcessServer, client: InProcessClient) -> None:
    listener = server.client()
    listener("HELLO", 3)
    listener("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "foo", "PREFIX", "bar")
    info = listener("CLIENT", "TRACKINGINFO")
    assert isinstance(info, dict)
    assert info[b"prefixes"] == [b"bar", b"foo"]
    assert listener.error("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "").startswith(
        "ERR Prefix '' overlaps with an existing prefix 'bar'."
    )
    client("MSET", "foo2", 1, "foo1", 2, "bar", 3)
    assert [message(listener), message(listener)] == [[b"invalidate", [b"bar"]], [b"invalidate", [b"foo1", b"foo2"]]]


def test_broadcast_reports_changes_below_its_prefixes_together(
    server: InProcessServer, client: InProcessClient
) -> None:
    listener = server.client()
    listener("HELLO", 3)
    listener("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:", "PREFIX", "item:")
    client("MSET", "user:1", 1, "other", 1, "user:2", 1)
    assert message(listener) == [b"invalidate", [b"user:1", b"user:2"]]
    assert message(listener) is ...


def test_redirected_messages_go_to_the_other_client(server: InProcessServer, client: InProcessClient) -> None:
    receiver, reader = server.client(), server.client()
    receiver("HELLO", 3)
    assert reader("CLIENT", "TRACKING", "ON", "REDIRECT", receiver.connection.id) == b"OK"
    assert reader("CLIENT", "GETREDIR") == receiver.connection.id
    reader("GET", "a")
    client("SET", "a", 1)
    assert message(receiver) == [b"invalidate", [b"a"]]
    reader("GET", "a")
    client("CLIENT", "KILL", "ID", receiver.connection.id)
    client("SET", "a", 1)
    info = reader("CLIENT", "TRACKINGINFO")
    assert info == [b"flags", [b"on", b"broken_redirect"], b"redirect", receiver.connection.id, b"prefixes", []]


def test_the_table_of_read_keys_is_bounded(
    server: InProcessServer, cache: InProcessClient, client: InProcessClient
) -> None:
    client("CONFIG", "SET", "tracking-table-max-keys", 3)
    listener = server.client()
    listener("HELLO", 3)
    listener("CLIENT", "TRACKING", "ON", "BCAST")
    for number in range(4):
        cache("GET", f"key:{number}")
    server.clock.advance(200)
    server.server.cron.tick()
    assert server.server.invalidation.key_count() == 3
    assert message(cache) == [b"invalidate", [b"key:0"]]
    client("PING")
    assert message(listener) is ...  # nothing has changed


def test_tracking_ends_with_off_reset_and_the_connection(server: InProcessServer, cache: InProcessClient) -> None:
    assert cache("CLIENT", "TRACKING", "OFF") == b"OK"
    assert cache("CLIENT", "GETREDIR") == -1
    cache("CLIENT", "TRACKING", "ON")
    cache("RESET")
    assert server.server.invalidation.trackers == {}
    assert not server.server.keyspace.observed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("PREFIX", "a"), "PREFIX option requires BCAST mode to be enabled"),
        (("BCAST", "OPTIN"), "OPTIN and OPTOUT are not compatible with BCAST"),
        (("OPTIN", "OPTOUT"), "You can't specify both OPTIN mode and OPTOUT mode"),
        (("REDIRECT", "99999"), "The client ID you want redirect to does not exist"),
        (("NONSENSE",), "syntax error"),
        (
            ("BCAST", "PREFIX", "ab", "PREFIX", "abc"),
            "Prefix 'ab' overlaps with another provided prefix 'abc'. Prefixes for a single client must not overlap.",
        ),
    ],
)
def test_contradicting_options_are_refused(client: InProcessClient, arguments: tuple[str, ...], text: str) -> None:
    assert client.error("CLIENT", "TRACKING", "ON", *arguments) == "ERR " + text
    assert client("CLIENT", "TRACKINGINFO") == [b"flags", [b"off"], b"redirect", -1, b"prefixes", []]


def test_caching_needs_its_mode(client: InProcessClient) -> None:
    assert client.error("CLIENT", "CACHING", "YES").startswith("ERR CLIENT CACHING can be called only when")
    client("CLIENT", "TRACKING", "ON", "OPTOUT")
    assert client.error("CLIENT", "CACHING", "YES").endswith("tracking is enabled in OPTIN mode.")
    assert client.error("CLIENT", "CACHING", "MAYBE") == "ERR syntax error"
    assert client.error("CLIENT", "TRACKING", "ON", "OPTIN").startswith("ERR You can't switch OPTIN/OPTOUT mode")


def test_a_served_client_does_not_get_the_messages_of_the_one_that_served_it(
    server: InProcessServer, cache: InProcessClient
) -> None:
    waiting = server.client()
    waiting("HELLO", 3)
    waiting("CLIENT", "TRACKING", "ON")
    waiting.send("BLMOVE", "source", "target", "LEFT", "LEFT", 0)
    cache("EXISTS", "source")
    assert cache("RPUSH", "source", "a") == 1
    assert message(cache) == [b"invalidate", [b"source"]]
    assert waiting.reply() == b"a"
    assert message(waiting) is ...


def test_what_is_forgotten_before_a_command_is_reported_before_its_reply(
    client: InProcessClient, cache: InProcessClient
) -> None:
    cache("MGET", "a", "b")
    client("CONFIG", "SET", "tracking-table-max-keys", "1")
    assert cache.raw(b"PING\r\n") == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n+PONG\r\n"


def test_a_script_caches_what_its_commands_read_and_nothing_else(server: InProcessServer) -> None:
    reader, writer = server.client(), server.client()
    reader("HELLO", 3)
    reader("CLIENT", "TRACKING", "ON")
    writer("MSET", "a", 1, "b", 1)
    for command in ("EVAL", "EVAL_RO"):
        reader(command, "return redis.call('get', KEYS[1])", 2, "a", "b")
        writer("SET", "b", 2)
        assert reader.reply() is ...
        writer("SET", "a", 2)
        assert reader.reply() == [b"invalidate", [b"a"]]


def test_what_a_client_waits_for_is_remembered(cache: InProcessClient, client: InProcessClient) -> None:
    cache.send("XREAD", "BLOCK", 0, "STREAMS", "stream", "$")
    client("XADD", "stream", "1-1", "a", "b")
    assert message(cache) == [b"invalidate", [b"stream"]]
    assert cache.reply() == {b"stream": [[b"1-1", [b"a", b"b"]]]}
    client("XADD", "stream", "1-2", "a", "b")
    assert message(cache) == [b"invalidate", [b"stream"]]


def test_caching_yes_outlasts_a_wait_and_a_pause(
    server: InProcessServer, cache: InProcessClient, client: InProcessClient
) -> None:
    cache("CLIENT", "TRACKING", "ON", "OPTIN")
    cache("CLIENT", "CACHING", "YES")
    cache.send("XREAD", "BLOCK", 0, "STREAMS", "stream", "$")
    client("XADD", "stream", "1-1", "a", "b")
    assert message(cache) == [b"invalidate", [b"stream"]]
    assert cache.reply() == {b"stream": [[b"1-1", [b"a", b"b"]]]}
    client("DEL", "stream")
    assert message(cache) == [b"invalidate", [b"stream"]]
    cache("CLIENT", "CACHING", "YES")
    client("CLIENT", "PAUSE", 10)
    cache.send("GET", "a")
    assert cache.reply() is ...
    server.clock.advance(11)
    server.server.cron.tick()
    assert cache.reply() is None
    client("SET", "a", 1)
    assert message(cache) == [b"invalidate", [b"a"]]


def test_caching_yes_ends_with_a_wait_that_found_nothing(cache: InProcessClient, client: InProcessClient) -> None:
    cache("CLIENT", "TRACKING", "ON", "OPTIN")
    cache("CLIENT", "CACHING", "YES")
    cache.send("BLPOP", "list", 0)
    client("CLIENT", "UNBLOCK", cache.connection.id)
    assert cache.reply() is None
    cache("GET", "a")
    client("SET", "a", 1)
    assert message(cache) is ...


def test_a_client_may_redirect_to_itself(server: InProcessServer, client: InProcessClient) -> None:
    own = server.client()
    own("CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", own.connection.id)
    own("SUBSCRIBE", "any")
    client("SET", "a", 1)
    assert own.reply() == [b"message", b"__redis__:invalidate", [b"a"]]


def test_ones_own_change_is_told_behind_the_messages_of_its_command(cache: InProcessClient) -> None:
    cache("CONFIG", "SET", "notify-keyspace-events", "E$")
    cache("SUBSCRIBE", "__keyevent@0__:set")
    cache("GET", "a")
    event = [b"message", b"__keyevent@0__:set", b"a"]
    assert cache("SET", "a", 1) == b"OK"
    assert [message(cache), message(cache), message(cache)] == [event, [b"invalidate", [b"a"]], ...]
    cache("GET", "a")
    assert cache("EVAL", "redis.call('SET', 'a', 1) redis.call('FLUSHALL') return 1", 0) == 1
    found = [message(cache), message(cache), message(cache), message(cache)]
    assert found == [event, [b"invalidate", [b"a"]], [b"invalidate", None], ...]
