"""Rounds reduced to one figure each: medians, ratios, spread.

A ratio is the median of the ratios within each round, not the ratio of two medians: both servers of a round ran within
seconds of each other, so whatever slows the machine for a while cancels out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.compare.throughput import Cell, Sample


@dataclass(frozen=True)
class Row:
    """One server in one cell, all figures medians over the rounds.

    Attributes:
        spread: (largest - smallest CPU per command) / median; how far to trust the row.
        ratio_total: hognose's CPU per command divided by this server's; None in hognose's own row or without it.
        ratio_user: the same for user time alone, which leaves out what the kernel costs every server.
    """

    workload: str
    pipeline: int
    server: str
    requests_per_second: float
    user_us: float
    system_us: float
    total_us: float
    spread: float
    ratio_total: float | None
    ratio_user: float | None
    p50_ms: float
    p99_ms: float
    p999_ms: float


def rows(cell: Cell, subject: str) -> list[Row]:
    """One row for each server that has samples, `subject` being the server that the others are compared with."""
    return [_row(cell, server, subject) for server, samples in cell.samples.items() if samples]


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """The median over rounds of ours / theirs; None without a round in which both ran and theirs is above 0."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=False) if their > 0]
    return median(ratios) if ratios else None


def spread(figures: Sequence[float]) -> float:
    """(largest - smallest) / median; 0 for a single figure or a median of 0."""
    middle = median(figures)
    return (max(figures) - min(figures)) / middle if middle else 0.0


def percentile(ordered: Sequence[int], percent: float) -> int:
    """The smallest of the ordered figures that at least `percent` of them do not exceed (nearest rank)."""
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def _row(cell: Cell, server: str, subject: str) -> Row:
    samples = cell.samples[server]
    subject_samples = [] if server == subject else cell.samples.get(subject, [])

    def middle(figure: Callable[[Sample], float]) -> float:
        return median(figure(sample) for sample in samples)

    def ratio(figure: Callable[[Sample], float]) -> float | None:
        return paired_ratio([figure(each) for each in subject_samples], [figure(each) for each in samples])

    return Row(
        workload=cell.workload,
        pipeline=cell.pipeline,
        server=server,
        requests_per_second=middle(lambda sample: sample.requests_per_second),
        user_us=middle(lambda sample: sample.user_us),
        system_us=middle(lambda sample: sample.system_us),
        total_us=middle(lambda sample: sample.cpu_us),
        spread=spread([sample.cpu_us for sample in samples]),
        ratio_total=ratio(lambda sample: sample.cpu_us),
        ratio_user=ratio(lambda sample: sample.user_us),
        p50_ms=middle(lambda sample: sample.p50_ms),
        p99_ms=middle(lambda sample: sample.p99_ms),
        p999_ms=middle(lambda sample: sample.p999_ms),
    )
