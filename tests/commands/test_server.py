"""INFO, MEMORY, TIME, ROLE, LASTSAVE, LOLWUT, MODULE and SHUTDOWN through an in-process connection."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer

SECTIONS = [
    "Server",
    "Clients",
    "Memory",
    "Persistence",
    "Stats",
    "Replication",
    "CPU",
    "Modules",
    "Errorstats",
    "Cluster",
    "Keyspace",
]


def info(client: InProcessClient, *sections: str) -> dict[str, str]:
    text = client("INFO", *sections)
    assert isinstance(text, bytes)
    lines = text.decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def titles(client: InProcessClient, *sections: str) -> list[str]:
    text = client("INFO", *sections)
    assert isinstance(text, bytes)
    return [line[2:] for line in text.decode().split("\r\n") if line.startswith("# ")]


def test_info_without_arguments_shows_the_default_sections(client: InProcessClient) -> None:
    assert titles(client) == SECTIONS
    assert titles(client, "default") == SECTIONS


def test_info_all_adds_the_statistics_of_commands(client: InProcessClient) -> None:
    everything = titles(client, "everything")
    assert everything == titles(client, "all")
    assert set(everything) - set(SECTIONS) == {"Commandstats", "Latencystats"}


def test_info_shows_each_section_once_and_no_unknown_one(client: InProcessClient) -> None:
    assert titles(client, "CPU", "cpu", "nonsense", "keyspace") == ["CPU", "Keyspace"]
    assert client("INFO", "nonsense") == b""


def test_info_tells_both_versions_and_how_it_was_built(client: InProcessClient) -> None:
    fields = info(client, "server")
    assert fields["redis_version"] == "7.2.4"
    assert fields["hognose_version"]
    assert fields["hognose_build"] in {"compiled", "interpreted"}


def test_info_tells_the_lru_clock_of_real_servers(server: InProcessServer, client: InProcessClient) -> None:
    assert info(client, "server")["lru_clock"] == str(server.clock.now_ms // 1000 % 2**24)


@pytest.mark.parametrize(
    ("words", "hits", "misses"),
    [
        ("OBJECT ENCODING set", 1, 0),
        ("OBJECT IDLETIME none", 0, 1),
        ("SPOP set 1", 0, 0),
        ("SPOP set 2", 1, 0),
        ("XREADGROUP GROUP g c STREAMS stream >", 2, 0),
        ("XREADGROUP GROUP g c STREAMS none >", 0, 1),
    ],
)
def test_commands_count_hits_and_misses_as_real_servers_do(
    client: InProcessClient, words: str, hits: int, misses: int
) -> None:
    client("SADD", "set", "a", "b")
    client("XGROUP", "CREATE", "stream", "g", "0", "MKSTREAM")
    client(*words.split())
    fields = info(client, "stats")
    assert (fields["keyspace_hits"], fields["keyspace_misses"]) == (str(hits), str(misses))


def test_info_counts_hits_misses_and_errors(client: InProcessClient) -> None:
    client("SET", "k", "v")
    client("GET", "k")
    client("GET", "none")
    client.error("SET", "k")
    client.error("INCR", "k")
    fields = info(client, "stats", "commandstats", "errorstats")
    assert (fields["keyspace_hits"], fields["keyspace_misses"]) == ("1", "1")
    assert fields["total_error_replies"] == "2"
    assert fields["errorstat_ERR"] == "count=2"
    assert fields["cmdstat_set"].startswith("calls=1,")
    assert fields["cmdstat_set"].endswith("rejected_calls=1,failed_calls=0")
    assert fields["cmdstat_incr"].endswith("rejected_calls=0,failed_calls=1")


def test_info_counts_a_container_without_a_subcommand_as_rejected(client: InProcessClient) -> None:
    client.error("OBJECT")
    client.error("OBJECT", "NONSENSE")
    assert info(client, "commandstats")["cmdstat_object"] == (
        "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"
    )


def test_info_keyspace_counts_keys_deadlines_and_their_mean(client: InProcessClient) -> None:
    client("SET", "a", "1")
    client("SET", "b", "1", "PX", 4000)
    client("SET", "c", "1", "PX", 6000)
    assert info(client, "keyspace") == {"db0": "keys=3,expires=2,avg_ttl=5000,subexpiry=0"}


def test_info_memory_grows_with_the_data(client: InProcessClient) -> None:
    info(client, "memory")  # from now on the client keeps a buffer for this reply
    before = int(info(client, "memory")["used_memory"])
    client("SET", "k", "x" * 100_000)
    after = info(client, "memory")
    assert 100_000 <= int(after["used_memory"]) - before < 101_000
    assert int(after["used_memory_peak"]) >= int(after["used_memory"])
    assert int(after["used_memory_rss"]) > int(after["used_memory"])


def test_reads_and_writes_are_counted_and_not_the_turns_of_the_server(server: InProcessServer) -> None:
    client = server.client()
    client.raw(b"PING\r\nPING\r\n")
    client.raw(b"*1\r\n$4\r\n")
    client.raw(b"PING\r\n")
    server.server.cron.tick()
    fields = info(client, "stats")
    assert (fields["total_reads_processed"], fields["total_writes_processed"]) == ("4", "2")
    client("CONFIG", "RESETSTAT")
    fields = info(client, "stats")
    assert (fields["total_reads_processed"], fields["total_writes_processed"]) == ("1", "1")


def test_clients_that_wait_until_a_time_are_counted(server: InProcessServer, client: InProcessClient) -> None:
    waiting = [server.client() for _ in range(3)]
    waiting[0].send("BLPOP", "k", 5)
    waiting[1].send("BLPOP", "k", 0)
    waiting[2].send("WAIT", 1, 5000)
    assert info(client, "clients")["clients_in_timeout_table"] == "2"
    client("RPUSH", "k", "v")
    assert info(client, "clients")["clients_in_timeout_table"] == "1"


def test_payloads_that_came_as_a_blob_are_counted_as_checked(client: InProcessClient) -> None:
    client("HSET", "h", "f", "v")
    client("SET", "s", "v")
    client("RESTORE", "h2", 0, as_bytes(client("DUMP", "h")))
    client("RESTORE", "s2", 0, as_bytes(client("DUMP", "s")))
    assert info(client, "stats")["dump_payload_sanitizations"] == "1"
    client("CONFIG", "RESETSTAT")
    assert info(client, "stats")["dump_payload_sanitizations"] == "0"


def as_bytes(reply: object) -> bytes:
    assert isinstance(reply, bytes)
    return reply


def test_the_stale_percentage_is_that_of_keys_past_their_deadline(
    server: InProcessServer, client: InProcessClient
) -> None:
    client("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    assert info(client, "stats")["expired_stale_perc"] == "0.00"
    client("SET", "lasting", "v")
    for number in range(4):
        client("SET", f"k{number}", "v", "PX", 10 if number else 1000)
    server.clock.advance(20)
    assert info(client, "stats")["expired_stale_perc"] == "75.00"
    client("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    server.server.cron.tick()
    assert info(client, "stats")["expired_stale_perc"] == "0.00"


def test_the_largest_buffers_of_clients_are_remembered_for_seconds(
    server: InProcessServer, client: InProcessClient
) -> None:
    other = server.client()
    other.raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n" + b"x" * 60000)
    other.raw(b"x" * 40000 + b"\r\n")
    other("GET", "k")
    server.server.cron.tick()
    other.connection.connection_lost()
    assert client("DEL", "k") == 1
    server.clock.advance(7000)
    fields = info(client, "clients")
    assert int(fields["client_recent_max_input_buffer"]) >= 60000
    assert int(fields["client_recent_max_output_buffer"]) >= 100000
    server.clock.advance(1000)
    fields = info(client, "clients")
    assert int(fields["client_recent_max_input_buffer"]) == 0
    assert int(fields["client_recent_max_output_buffer"]) == 0


@pytest.mark.parametrize("keys", [0, 1, 1000])
def test_the_parts_of_memory_add_up(server: InProcessServer, client: InProcessClient, keys: int) -> None:
    for number in range(keys):
        client("SET", f"key:{number}", "v" * 100, "EX", 1000)
    if keys:
        client("HSET", "h", "f", "v")
        client("HPEXPIRE", "h", 100000, "FIELDS", 1, "f")
    client("HELLO", 3)
    stats = client("MEMORY", "STATS")
    assert isinstance(stats, dict)
    databases = [value for name, value in stats.items() if name.startswith(b"db.")]
    parts = [b"startup.allocated", b"replication.backlog", b"clients.slaves", b"clients.normal", b"cluster.links"]
    parts += [b"aof.buffer", b"lua.caches", b"functions.caches"]
    overhead = sum(stats[name] for name in parts) + sum(sum(database.values()) for database in databases)
    assert stats[b"overhead.total"] == overhead
    assert stats[b"total.allocated"] - overhead == stats[b"dataset.bytes"]
    assert keys * 100 <= stats[b"dataset.bytes"] <= keys * 250 + 1000


def test_memory_usage_of_a_key_follows_its_size(client: InProcessClient) -> None:
    client("SET", "k", "x" * 10_000)
    usage = client("MEMORY", "USAGE", "k")
    assert isinstance(usage, int)
    assert 10_000 < usage < 10_200
    assert client("MEMORY", "USAGE", "k", "SAMPLES", 0) == usage
    assert client("MEMORY", "USAGE", "none") is None
    assert client.error("MEMORY", "USAGE", "k", "SAMPLES", "-1") == "ERR syntax error"
    assert client.error("MEMORY", "USAGE", "k", "FOO", "1") == "ERR syntax error"


def test_memory_usage_counts_a_key_whose_time_is_over_until_it_is_removed() -> None:
    server = InProcessServer()
    client = server.client()
    client("SET", "k", "x" * 100, "PX", 5)
    server.clock.advance(10)
    assert isinstance(client("MEMORY", "USAGE", "k"), int)
    assert client("DBSIZE") == 1
    assert client("EXISTS", "k") == 0
    assert client("MEMORY", "USAGE", "k") is None


def test_memory_stats_adds_up(client: InProcessClient) -> None:
    client("HELLO", 3)
    for number in range(100):
        client("SET", f"k{number}", "v")
    stats = client("MEMORY", "STATS")
    assert isinstance(stats, dict)
    assert stats[b"keys.count"] == 100
    assert stats[b"total.allocated"] <= stats[b"peak.allocated"]
    assert stats[b"db.0"][b"overhead.hashtable.main"] > 0
    assert isinstance(stats[b"dataset.percentage"], float)


def test_memory_purge_and_reports_answer(client: InProcessClient) -> None:
    assert client("MEMORY", "PURGE") == b"OK"
    assert client("MEMORY", "DOCTOR")
    assert client("MEMORY", "MALLOC-STATS") == b"Stats not supported for the current allocator"


def test_time_is_the_clock_in_seconds_and_microseconds(client: InProcessClient, server: InProcessServer) -> None:
    server.clock.advance(1234)
    now = server.clock.now_us
    assert client("TIME") == [b"%d" % (now // 10**6), b"%d" % (now % 10**6)]


def test_role_and_lastsave_of_a_fresh_primary(client: InProcessClient, server: InProcessServer) -> None:
    assert client("ROLE") == [b"master", 0, []]
    assert client("LASTSAVE") == server.server.started_ms // 1000


def test_lolwut_draws_within_bounds(client: InProcessClient) -> None:
    picture = client("LOLWUT", "VERSION", 5, 30, 2)
    assert isinstance(picture, bytes)
    *drawing, last = picture.decode().rstrip("\n").split("\n")
    assert "Redis ver. 7.2.4" in last
    assert max(len(line) for line in drawing) <= 30
    assert client.error("LOLWUT", "VERSION", "x").startswith("ERR value is not an integer")


def test_module_list_is_empty_and_loading_is_refused(client: InProcessClient) -> None:
    assert client("MODULE", "LIST") == []
    assert client.error("MODULE", "LOAD", "/x.so").startswith("ERR MODULE command not allowed.")


@pytest.mark.parametrize("words", [("SAVE", "NOSAVE"), ("ABORT", "NOW"), ("SOON",), ("ABORT", "SAVE")])
def test_shutdown_refuses_contradicting_words(client: InProcessClient, words: tuple[str, ...]) -> None:
    assert client.error("SHUTDOWN", *words) == "ERR syntax error"


def test_shutdown_abort_without_a_shutdown_is_an_error(client: InProcessClient) -> None:
    assert client.error("SHUTDOWN", "ABORT") == "ERR No shutdown in progress."
