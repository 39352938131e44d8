"""Rates: the mean over the last 16 samples of a growing total."""

from hognose.server.sampling import SAMPLES, Rate

START_MS = 1_700_000_000_000


def sampled(totals: list[int], interval_ms: int = 100) -> int:
    rate = Rate()
    for index, total in enumerate(totals):
        rate.sample(total, START_MS + index * interval_ms)
    return int(rate.per_second())


def test_the_first_sample_says_nothing() -> None:
    assert sampled([1_000_000]) == 0


def test_a_steady_total_has_its_rate() -> None:
    assert sampled([50 * n for n in range(SAMPLES + 1)]) == 500


def test_a_late_sample_counts_for_the_time_it_took() -> None:
    assert sampled([50 * n for n in range(SAMPLES + 1)], interval_ms=200) == 250


def test_a_burst_is_forgotten_after_all_samples() -> None:
    assert sampled([0, 160_000]) == 100_000
    assert sampled([0, 160_000] + [160_000] * SAMPLES) == 0


def test_a_reset_total_is_no_growth() -> None:
    assert sampled([1000, 1000, 0]) == 0
