"""SLOWLOG, LATENCY and MONITOR through in-process connections."""

import pytest

from hognose.clock import Clock
from hognose.config.store import Config
from hognose.server.server import Server
from hognose.telemetry.latency import HISTORY, LatencyEvent, LatencyMonitor, graph
from hognose.telemetry.slowlog import SlowLog, trimmed
from tests.inprocess import InProcessClient, InProcessServer


def slow_entries(client: InProcessClient, *count: int) -> list[list[object]]:
    entries = client("SLOWLOG", "GET", *count)
    assert isinstance(entries, list)
    return entries


def test_slowlog_keeps_the_newest_entries_with_rising_ids(client: InProcessClient) -> None:
    client("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "3")
    for number in range(5):
        client("SET", "key", number)
    entries = slow_entries(client, -1)
    assert [entry[3] for entry in entries] == [[b"SET", b"key", b"%d" % n] for n in (4, 3, 2)]
    ids = [entry[0] for entry in entries]
    assert isinstance(ids[0], int)
    assert ids == [ids[0], ids[0] - 1, ids[0] - 2]
    assert client("SLOWLOG", "LEN") == 3


def test_slowlog_entries_tell_time_address_and_name(client: InProcessClient, server: InProcessServer) -> None:
    client("CLIENT", "SETNAME", "me")
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    client("PING")
    entry = slow_entries(client, 1)[0]
    assert entry[1:] == [server.clock.now_ms // 1000, 0, [b"PING"], client.connection.address(), b"me"]


def test_slowlog_trims_arguments_and_their_number() -> None:
    long = trimmed([b"x" * 129])
    assert long == [b"x" * 128 + b"... (1 more bytes)"]
    many = trimmed([b"%d" % n for n in range(33)])
    assert len(many) == 32
    assert many[-1] == b"... (2 more arguments)"
    assert trimmed([b"a"] * 32) == [b"a"] * 32


def test_slowlog_with_length_zero_keeps_nothing() -> None:
    log = SlowLog()
    log.add(1, 2, [b"PING"], b"", b"", 0)
    assert len(log.entries) == 0


@pytest.mark.parametrize("count", ["-2", "x"])
def test_slowlog_refuses_bad_counts(client: InProcessClient, count: str) -> None:
    assert client.error("SLOWLOG", "GET", count) == "ERR count should be greater than or equal to -1"


def test_slowlog_hides_passwords(client: InProcessClient) -> None:
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    client.error("AUTH", "user", "pass")
    client.error("HELLO", "3", "AUTH", "user", "pass")
    assert [entry[3] for entry in slow_entries(client, 2)] == [
        [b"HELLO", b"3", b"AUTH", b"(redacted)", b"(redacted)"],
        [b"AUTH", b"(redacted)", b"(redacted)"],
    ]


def test_slowlog_hides_passphrases(client: InProcessClient) -> None:
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    client("CONFIG", "SET", "TLS-KEY-FILE-PASS", "secret", "maxmemory", "0", "tls-client-key-file-pass", "secret")
    shown = [b"TLS-KEY-FILE-PASS", b"(redacted)", b"maxmemory", b"0", b"tls-client-key-file-pass", b"(redacted)"]
    assert slow_entries(client, 1)[0][3] == [b"CONFIG", b"SET", *shown]


def test_slowlog_has_the_commands_of_scripts_and_whose_they_are(client: InProcessClient) -> None:
    client("CLIENT", "SETNAME", "me")
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    script = "redis.call('set', 'x', 1) redis.pcall('nosuch') redis.pcall('lpush', 'x', 1) redis.call('get', 'x')"
    client("EVAL", script, 0)
    client("MULTI")
    client("EVAL", "return redis.call('get', 'x')", 0)
    client("EXEC")
    entries = slow_entries(client, 7)
    assert [entry[3] for entry in entries] == [
        [b"EVAL", b"return redis.call('get', 'x')", b"0"],
        [b"get", b"x"],
        [b"MULTI"],
        [b"EVAL", script.encode(), b"0"],
        [b"get", b"x"],
        [b"lpush", b"x", b"1"],
        [b"set", b"x", b"1"],
    ]
    assert {(entry[4], entry[5]) for entry in entries} == {(client.connection.address(), b"me")}


def test_slowlog_hides_the_secrets_of_scripts(client: InProcessClient) -> None:
    client("CONFIG", "SET", "slowlog-log-slower-than", "0")
    client("EVAL", "return redis.call('migrate', '127.0.0.1', 1, 'nokey', 0, 10, 'AUTH', 'secret')", 0)
    migrate = [b"migrate", b"127.0.0.1", b"1", b"nokey", b"0", b"10", b"AUTH", b"(redacted)"]
    assert slow_entries(client, 2)[1][3] == migrate


def test_latency_has_the_commands_of_scripts() -> None:
    client = InProcessClient(Server(Config(), Clock()))
    client("CONFIG", "SET", "latency-monitor-threshold", "1")
    client("RPUSH", "list", *range(100_000))
    client("LATENCY", "RESET")
    assert client("EVAL", "return #redis.call('lpop', 'list', 100000)", 0) == 100_000
    latest = client("LATENCY", "LATEST")
    assert isinstance(latest, list)
    assert {event[0] for event in latest} == {b"command", b"fast-command"}


def test_latency_keeps_one_sample_a_second_with_the_worst() -> None:
    event = LatencyEvent()
    event.add(100, 30)
    event.add(100, 50)
    event.add(100, 40)
    event.add(101, 20)
    assert [(s.at_s, s.latency_ms) for s in event.samples] == [(100, 50), (101, 20)]
    assert event.worst_ms == 50
    for second in range(HISTORY):
        event.add(200 + second, 10)
    assert len(event.samples) == HISTORY
    assert event.samples[0].at_s == 200
    assert event.worst_ms == 50


def test_latency_below_the_threshold_is_not_recorded() -> None:
    monitor = LatencyMonitor()
    monitor.note(b"command", 1000, 999)
    monitor.threshold_ms = 100
    monitor.note(b"command", 1000, 99)
    assert monitor.events == {}
    monitor.note(b"command", 1000, 100)
    assert monitor.reset([b"other"]) == 0
    assert monitor.reset([]) == 1


def test_latency_reports_name_event_time_and_delays(client: InProcessClient, server: InProcessServer) -> None:
    client("CONFIG", "SET", "latency-monitor-threshold", "10")
    server.server.latency.note(b"fork", server.clock.now_ms, 30)
    server.clock.advance(1000)
    server.server.latency.note(b"fork", server.clock.now_ms, 20)
    now = server.clock.now_ms // 1000
    assert client("LATENCY", "LATEST") == [[b"fork", now, 20, 30]]
    assert client("LATENCY", "HISTORY", "fork") == [[now - 1, 30], [now, 20]]
    assert client("LATENCY", "HISTORY", "none") == []
    drawing = client("LATENCY", "GRAPH", "fork")
    assert isinstance(drawing, bytes)
    assert drawing.startswith(b"fork - high 30 ms, low 20 ms (all time high 30 ms)\n" + b"-" * 80)
    assert client.error("LATENCY", "GRAPH", "none") == "ERR No samples available for event 'none'"
    report = client("LATENCY", "DOCTOR")
    assert isinstance(report, bytes)
    assert b"fork: 2 seconds with a delay, 25 ms on average" in report
    assert client("LATENCY", "RESET", "fork", "none") == 1


def test_a_graph_draws_higher_delays_higher() -> None:
    event = LatencyEvent()
    for second, delay in enumerate((10, 80)):
        event.add(second, delay)
    rows = graph(b"x", event, 1).decode().splitlines()[2:]
    tops = [next(row for row, line in enumerate(rows) if line[column : column + 1].strip()) for column in (0, 1)]
    assert tops[1] < tops[0]


def test_latency_histogram_counts_calls_of_commands_and_subcommands(client: InProcessClient) -> None:
    client("CONFIG", "RESETSTAT")
    client("CLIENT", "ID")
    client("CLIENT", "GETNAME")
    reply = client("LATENCY", "HISTOGRAM", "client", "nonsense")
    assert isinstance(reply, list)
    assert set(reply[::2]) == {b"client|id", b"client|getname"}
    assert reply[1][:3] == [b"calls", 1, b"histogram_usec"]
    assert client("LATENCY", "HISTOGRAM", "get") == []


def test_monitor_shows_commands_but_no_secrets_and_nothing_administrative(server: InProcessServer) -> None:
    watcher, client = server.client(), server.client()
    assert watcher("MONITOR") == b"OK"
    client("SELECT", 2)
    client("SET", "k", b'a"\n\x00\\')
    client("CONFIG", "GET", "port")
    client.error("AUTH", "secret")
    now = server.clock.now_us
    head = b"+%d.%06d [%d %s] " % (now // 10**6, now % 10**6, 2, client.connection.address())
    assert watcher.raw(b"") == (
        head + b'"SELECT" "2"\r\n' + head + b'"SET" "k" "a\\"\\n\\x00\\\\"\r\n' + head + b'"AUTH" "(redacted)"\r\n'
    )


@pytest.mark.parametrize("words", ["GET a", "SET a b", "KEYS *", "FLUSHALL", "PUBLISH a b", "EVAL x 0", "PFCOUNT a"])
def test_monitor_may_not_touch_the_keyspace_itself(server: InProcessServer, words: str) -> None:
    watcher = server.client()
    watcher("MONITOR")
    assert watcher.error(*words.split()) == "ERR Replica can't interact with the keyspace"
    assert watcher.raw(b"PING\r\n").startswith(b"+PONG\r\n")
    watcher.raw(b"MULTI\r\n")
    assert watcher.error(*words.split()) == "ERR Replica can't interact with the keyspace"
    assert watcher.raw(b"EXEC\r\n").startswith(b"-EXECABORT")
    assert watcher("RESET") == b"RESET"
    assert watcher("GET", "a") is None


def test_monitor_heeds_client_reply(server: InProcessServer) -> None:
    watcher, client = server.client(), server.client()
    watcher.raw(b"MONITOR\r\nCLIENT REPLY OFF\r\n")
    client("GET", "a")
    reply = watcher.raw(b"CLIENT REPLY ON\r\n")
    assert reply.startswith(b"+OK\r\n")
    assert b"GET" not in reply
    client("GET", "b")
    assert watcher.raw(b"").endswith(b'"GET" "b"\r\n')


def test_reset_ends_monitoring(server: InProcessServer) -> None:
    watcher, client = server.client(), server.client()
    watcher("MONITOR")
    assert watcher("RESET") == b"RESET"
    client("PING")
    assert watcher.reply() is ...
    assert server.server.monitors == []
