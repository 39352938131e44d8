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


def test_info_keyspace_counts_keys_deadlines_and_their_mean(client: InProcessClient) -> None:
    client("SET", "a", "1")
    client("SET", "b", "1", "PX", 4000)
    client("SET", "c", "1", "PX", 6000)
    assert info(client, "keyspace") == {"db0": "keys=3,expires=2,avg_ttl=5000"}


def test_info_memory_grows_with_the_data(client: InProcessClient) -> None:
    info(client, "memory")  # from now on the client keeps a buffer for this reply
    before = int(info(client, "memory")["used_memory"])
    client("SET", "k", "x" * 100_000)
    after = info(client, "memory")
    assert 100_000 <= int(after["used_memory"]) - before < 101_000
    assert int(after["used_memory_peak"]) >= int(after["used_memory"])
    assert int(after["used_memory_rss"]) > int(after["used_memory"])


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
    client("SET", "k", "v")
    stats = client("MEMORY", "STATS")
    assert isinstance(stats, dict)
    assert stats[b"keys.count"] == 1
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
