"""What the comparison sends and reads: workloads, commands with counting keys, redis-benchmark's report."""

import pytest

from benchmarks.compare.connection import counting_template, encode, parse_info, render
from benchmarks.compare.redis_benchmark import ClientError, ClientReport, parse_report
from benchmarks.compare.workloads import KEY, KEYSPACE, WORKLOADS, Workload, select

REPORT = (
    "set: rps=0.0 (overall: -nan) avg_msec=-nan (overall: -nan)\r"
    "set: rps=400000.0 (overall: 400000.0) avg_msec=1.700 (overall: 1.700)\r     \r"
    """====== set key:__rand_int__ x ======
  200000 requests completed in 0.50 seconds
  50 parallel clients
  54 bytes payload

Latency by percentile distribution:
0.000% <= 0.407 milliseconds (cumulative count 32)
50.000% <= 1.615 milliseconds (cumulative count 100192)
99.805% <= 4.719 milliseconds (cumulative count 199616)
99.902% <= 4.887 milliseconds (cumulative count 199808)
100.000% <= 5.159 milliseconds (cumulative count 200000)

Cumulative distribution of latencies:
99.968% <= 5.103 milliseconds (cumulative count 199936)
100.000% <= 6.103 milliseconds (cumulative count 200000)

Summary:
  throughput summary: 404040.41 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        1.749     0.400     1.615     3.135     4.287     5.159
"""
)

TABLE = (
    Workload("SET", "strings", ("SET", "k", "v")),
    Workload("LPUSH", "lists", ("LPUSH", "k", "v")),
    Workload("LPOP", "lists", ("LPOP", "k")),
)


def test_the_clients_report_gives_throughput_and_percentiles() -> None:
    assert parse_report(REPORT) == ClientReport(200_000, 404_040.41, 1.615, 4.287, 4.887)


@pytest.mark.parametrize("missing", ["requests completed", "throughput summary", "99.9", "p95"])
def test_a_report_without_a_figure_is_an_error(missing: str) -> None:
    lines = [line for line in REPORT.splitlines() if missing not in line and not line.startswith("100.000%")]
    with pytest.raises(ClientError, match="unexpected report"):
        parse_report("\n".join(lines))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("all", ["SET", "LPUSH", "LPOP"]),
        ("lists", ["LPUSH", "LPOP"]),
        ("lpop, set", ["SET", "LPOP"]),
        ("lists,LPUSH", ["LPUSH", "LPOP"]),
    ],
)
def test_workloads_are_chosen_by_name_and_by_group(names: str, chosen: list[str]) -> None:
    assert [workload.name for workload in select(names, TABLE)] == chosen


def test_an_unknown_workload_is_named() -> None:
    with pytest.raises(ValueError, match="no such workload: NOSUCH"):
        select("SET,nosuch", TABLE)


def test_workload_names_are_unique_and_distinct_from_groups() -> None:
    names = [workload.name.upper() for workload in WORKLOADS]
    assert len(set(names)) == len(names)
    assert not set(names) & {workload.group.upper() for workload in WORKLOADS}


def test_the_key_becomes_sixteen_bytes_long() -> None:
    template, places = counting_template(("GET", KEY))
    assert render(template, places, 0, 1) == encode(("GET", "key:000000000000"))
    assert len("key:000000000000") == 16


def test_commands_count_up_in_all_their_places_and_percent_signs_survive() -> None:
    template, places = counting_template(("SET", KEY, "100% of __rand_int__"))
    expected = [encode(("SET", f"key:{n:012}", f"100% of {n:012}")) for n in (KEYSPACE - 1, KEYSPACE)]
    assert render(template, places, KEYSPACE - 1, 2) == b"".join(expected)


def test_a_command_without_a_place_is_repeated_as_it_is() -> None:
    template, places = counting_template(("SET", "%d", "100%"))
    assert render(template, places, 7, 3) == encode(("SET", "%d", "100%")) * 3


def test_commands_are_encoded_by_their_length_in_bytes() -> None:
    assert encode(("SET", "é", "")) == b"*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$0\r\n\r\n"


def test_info_fields_are_read_and_headings_left_out() -> None:
    assert parse_info("# Memory: all\r\nused_memory:42\r\n\r\nos:Linux a:b\r\n") == {
        "used_memory": "42",
        "os": "Linux a:b",
    }
