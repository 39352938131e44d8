"""From samples to figures: medians, paired ratios, percentiles, and the tables they are printed in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.compare.__main__ import parse_arguments
from benchmarks.compare.machine import choose_pinning, processor_name
from benchmarks.compare.memory import MemoryUse
from benchmarks.compare.pause import Pause, summarize
from benchmarks.compare.report import (
    Report,
    as_json,
    markdown_table,
    memory_table,
    pause_table,
    render,
    text_table,
)
from benchmarks.compare.summary import paired_ratio, percentile, rows, spread
from benchmarks.compare.throughput import Cell, Sample, round_up
from compat.servers import ServerBinary


def sample(user: float, system: float = 0.0, rate: float = 1000.0) -> Sample:
    return Sample(100, rate, user, system, p50_ms=0.5, p99_ms=0.9, p999_ms=1.5)


def pause(longest: float, *, real_time: bool = True) -> Pause:
    return Pause(1000, 2.0, 50, [longest, 1.0, 0.5], 0.4, real_time)


def test_ratios_are_paired_by_round_so_that_a_slow_phase_cancels_out() -> None:
    assert paired_ratio([1.0, 10.0, 1.0], [2.0, 20.0, 2.0]) == 0.5
    assert paired_ratio([1.0, 3.0], [1.0, 1.0]) == 2.0


@pytest.mark.parametrize(("ours", "theirs"), [([], [1.0]), ([1.0], []), ([1.0], [0.0])])
def test_there_is_no_ratio_without_a_round_in_which_both_ran(ours: list[float], theirs: list[float]) -> None:
    assert paired_ratio(ours, theirs) is None


def test_spread_is_relative_to_the_median() -> None:
    assert spread([9.0, 10.0, 12.0]) == pytest.approx(0.3)
    assert spread([5.0]) == 0.0
    assert spread([0.0, 0.0]) == 0.0


@given(st.lists(st.integers(), min_size=1), st.floats(min_value=0.1, max_value=100))
def test_a_percentile_is_the_smallest_figure_that_enough_do_not_exceed(figures: list[int], percent: float) -> None:
    ordered = sorted(figures)
    found = percentile(ordered, percent)
    needed = len(ordered) * percent / 100
    assert sum(figure <= found for figure in ordered) >= needed
    assert sum(figure < found for figure in ordered) < max(needed, 1)


@given(st.integers(min_value=1, max_value=10**9), st.integers(min_value=1, max_value=10**4))
def test_rounding_up_reaches_the_next_whole_pipeline(requests: int, step: int) -> None:
    rounded = round_up(requests, step)
    assert rounded % step == 0
    assert requests <= rounded < requests + step


def test_rows_hold_medians_and_the_ratio_to_each_server() -> None:
    ours, theirs = [sample(1.0, 1.0), sample(3.0, 1.0), sample(2.0, 1.0)], [sample(2.0, 2.0)] * 3
    ours_row, theirs_row = rows(Cell("SET", 16, {"hognose": ours, "redis-7.0": theirs}, {}), "hognose")
    assert (ours_row.user_us, ours_row.total_us, ours_row.ratio_total) == (2.0, 3.0, None)
    assert ours_row.spread == pytest.approx(2 / 3)
    assert (theirs_row.ratio_total, theirs_row.ratio_user) == (0.75, 1.0)
    assert (theirs_row.workload, theirs_row.pipeline, theirs_row.server) == ("SET", 16, "redis-7.0")


def test_a_server_is_reported_without_ratios_where_hognose_failed() -> None:
    cell = Cell("SET", 1, {"redis-7.0": [sample(1.0)]}, {"hognose": "ERR unknown command"})
    (row,) = rows(cell, "hognose")
    assert (row.ratio_total, row.ratio_user) == (None, None)
    text = render(Report("hognose", {}, [], cells=[cell]), markdown=False)
    assert "ERR unknown command" in text


def test_pauses_are_summed_up_by_the_longest_three() -> None:
    measured = summarize([1_000_000, 5_000_000, 250_000, 2_000_000], 1000, 3.0, real_time=True)
    assert measured.longest_ms == [5.0, 2.0, 1.0]
    assert (measured.pings, measured.p999_ms) == (4, 5.0)


def test_the_round_with_the_shortest_longest_pause_counts() -> None:
    table = pause_table({"hognose": [pause(8.0), pause(4.0)], "redis-7.0": [pause(2.0)]}, "hognose")
    assert [(line[0], line[2], line[-1]) for line in table[1:]] == [
        ("hognose", "4.00", "-"),
        ("redis-7.0", "2.00", "2.00"),
    ]


def test_pauses_without_real_time_priority_say_so() -> None:
    assert "no real-time priority" in pause_table({"hognose": [pause(1.0, real_time=False)]}, "hognose")[0][2]


def test_memory_is_divided_by_each_servers() -> None:
    uses = {"hognose": MemoryUse(10, 150.0, 120.0), "redis-7.0": MemoryUse(10, 100.0, 0.0)}
    table = memory_table({"hashes": uses}, "hognose")
    assert table[1][1:] == ["hognose", "10", "150.0", "120.0", "-", "-"]
    assert table[2][1:] == ["redis-7.0", "10", "100.0", "0.0", "1.50", "-"]


def test_text_tables_align_figures_right_and_words_left() -> None:
    table = [["name", "us", "x"], ["a", "10.5", "-"], ["longer", "9", "0.5"]]
    assert text_table(table) == "name      us    x\na       10.5    -\nlonger     9  0.5"


def test_markdown_tables_escape_what_would_end_a_cell() -> None:
    assert markdown_table([["a", "b"], ["x|y", "1\n2"]]) == "| a | b |\n| --- | --- |\n| x\\|y | 1 2 |"


def test_json_has_every_sample_and_the_summary() -> None:
    cell = Cell("SET", 1, {"hognose": [sample(1.0), sample(3.0)]}, {})
    binary = ServerBinary("hognose", ("hognose",), "1.0")
    decoded = json.loads(json.dumps(as_json(Report("hognose", {"cores": "2"}, [binary], cells=[cell]))))
    assert [each["user_us"] for each in decoded["cells"][0]["samples"]["hognose"]] == [1.0, 3.0]
    assert decoded["rows"][0]["user_us"] == 2.0


def test_sections_that_measured_nothing_are_left_out() -> None:
    assert render(Report("hognose", {"cores": "2"}, []), markdown=True) == (
        "## Machine\n\n| fact | value |\n| --- | --- |\n| cores | 2 |"
    )


def test_server_and_client_get_a_core_each_where_there_are_two() -> None:
    pinning = choose_pinning({3, 1, 2}, wanted=True)
    assert (pinning.server, pinning.client) == (frozenset({1}), frozenset({2}))
    assert pinning.describe() == "server on CPU 1, client on CPU 2"


@pytest.mark.parametrize(("cpus", "wanted"), [({0}, True), ({0, 1}, False)])
def test_nothing_is_pinned_on_one_core_or_on_request(cpus: set[int], wanted: bool) -> None:
    assert choose_pinning(cpus, wanted=wanted).server is None


def test_the_processor_is_named_where_the_kernel_knows_it() -> None:
    assert processor_name("processor\t: 0\nmodel name\t: Some CPU: 9\nmodel name\t: Other\n") == "Some CPU: 9"
    assert processor_name("processor\t: 0\n") is None


def test_all_sections_run_unless_some_are_named() -> None:
    everything, only_memory = parse_arguments([]), parse_arguments(["--memory"])
    assert (everything.throughput, everything.memory, everything.pause) == (True, True, True)
    assert (only_memory.throughput, only_memory.memory, only_memory.pause) == (False, True, False)


def test_quick_shrinks_what_is_not_given() -> None:
    options = parse_arguments(["--quick", "--rounds", "3", "--pipelines", "1,8", "--hognose", "python -m hognose"])
    assert (options.rounds, options.cpu_seconds, options.memory_keys) == (3, 0.1, 200_000)
    assert (options.pipelines, options.hognose) == ([1, 8], ["python", "-m", "hognose"])


@pytest.mark.parametrize("words", [["--rounds", "0"], ["--pipelines", "1,,2"], ["--requests", "-5"]])
def test_sizes_that_are_no_positive_numbers_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(words)
