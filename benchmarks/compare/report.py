"""What was measured, as tables for a terminal or for Markdown, and as JSON with every single sample."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from benchmarks.compare.memory import MemoryUse
from benchmarks.compare.pause import Pause
from benchmarks.compare.summary import Row, rows
from benchmarks.compare.throughput import Cell
from compat.servers import ServerBinary

ABSENT: Final = "-"


@dataclass
class Report:
    """One comparison; filled section by section.

    Attributes:
        subject: the name of the server that the ratios are about.
        machine: facts about the machine, the client and the pinning.
        binaries: what ran.
        cells: workload by pipeline depth.
        memory: by kind of data and server.
        pauses: by server, one per round.
        failures: what a server could not do in the last two sections, as (section, server, reason).
    """

    subject: str
    machine: dict[str, str]
    binaries: Sequence[ServerBinary]
    cells: list[Cell] = field(default_factory=list)
    memory: dict[str, dict[str, MemoryUse]] = field(default_factory=dict)
    pauses: dict[str, list[Pause]] = field(default_factory=dict)
    failures: list[tuple[str, str, str]] = field(default_factory=list)


Table = list[list[str]]


def render(report: Report, *, markdown: bool) -> str:
    """The whole report as text."""
    sections = [
        ("Machine", [["fact", "value"], *([name, value] for name, value in report.machine.items())]),
        ("Servers", servers_table(report.binaries)),
        ("Server CPU per command (us, medians), throughput, latency", throughput_table(report.cells, report.subject)),
        ("Memory per key (bytes)", memory_table(report.memory, report.subject)),
        ("Longest PING while loading (ms)", pause_table(report.pauses, report.subject)),
        ("Failed", failures_table(report)),
    ]
    lay_out = markdown_table if markdown else text_table
    heading = "## {}" if markdown else "{}"
    return "\n\n".join(f"{heading.format(title)}\n\n{lay_out(table)}" for title, table in sections if len(table) > 1)


def as_json(report: Report) -> dict[str, object]:
    """Everything in plain types: the summary rows and all samples behind them."""
    return {**asdict(report), "rows": [asdict(row) for cell in report.cells for row in rows(cell, report.subject)]}


def servers_table(binaries: Sequence[ServerBinary]) -> Table:
    """Names, versions and how each was started."""
    return [["server", "version", "started as"], *([each.name, each.version, " ".join(each.argv)] for each in binaries)]


def throughput_table(cells: Sequence[Cell], subject: str) -> Table:
    """One line per workload, depth and server; ratios are the subject's CPU and user CPU divided by the server's."""
    heading = ["workload", "P", "server", "requests/s", "user", "system", "total", "spread"]
    heading += [f"{subject}/it total", "user", "p50 ms", "p99 ms", "p99.9 ms"]
    return [heading, *(_throughput_line(row) for cell in cells for row in rows(cell, subject))]


def memory_table(memory: Mapping[str, Mapping[str, MemoryUse]], subject: str) -> Table:
    """Growth per key or member by both accounts, and the subject's divided by the server's."""
    table = [["data", "server", "keys", "rss", "used_memory", f"{subject}/it rss", "used_memory"]]
    for data, uses in memory.items():
        ours = uses.get(subject)
        for server, use in uses.items():
            ratios = [ABSENT, ABSENT]
            if ours is not None and server != subject:
                ratios = [
                    quotient(ours.rss_per_key, use.rss_per_key),
                    quotient(ours.used_memory_per_key, use.used_memory_per_key),
                ]
            figures = [str(use.keys), f"{use.rss_per_key:.1f}", f"{use.used_memory_per_key:.1f}"]
            table.append([data, server, *figures, *ratios])
    return table


def pause_table(pauses: Mapping[str, Sequence[Pause]], subject: str) -> Table:
    """For every server the round with the shortest longest pause: noise of the machine only ever adds to it."""
    table = [["server", "keys", "longest", "second", "third", "p99.9", "pings", "load s", f"{subject}/it longest"]]
    best = {server: min(rounds, key=lambda pause: pause.longest_ms) for server, rounds in pauses.items() if rounds}
    for server, pause in best.items():
        ratio = ABSENT
        if subject in best and server != subject:
            ratio = quotient(best[subject].longest_ms[0], pause.longest_ms[0])
        longest = [f"{each:.2f}" for each in pause.longest_ms]
        counts = [f"{pause.p999_ms:.3f}", str(pause.pings), f"{pause.seconds:.1f}", ratio]
        table.append([server, str(pause.keys), *longest, *counts])
    if not all(pause.real_time for pause in best.values()):
        table[0][2] += " (with waits for the loader: no real-time priority)"
    return table


def failures_table(report: Report) -> Table:
    """What could not be measured, and why."""
    cells = [
        [f"{cell.workload} P={cell.pipeline}", server, reason]
        for cell in report.cells
        for server, reason in cell.failures.items()
    ]
    return [["what", "server", "reason"], *cells, *(list(failure) for failure in report.failures)]


def quotient(ours: float, theirs: float) -> str:
    """ours / theirs for a table; a dash where that has no meaning."""
    return f"{ours / theirs:.2f}" if theirs > 0 else ABSENT


def text_table(table: Table) -> str:
    """Columns aligned for a terminal: those of figures to the right, those with a word to the left."""
    columns = list(zip(*table, strict=True))
    widths = [max(map(len, column)) for column in columns]
    rights = [all(_is_figure(cell) for cell in column[1:]) for column in columns]
    layout = list(zip(widths, rights, strict=True))
    lines = (zip(line, layout, strict=True) for line in table)
    return "\n".join("  ".join(_align(cell, *column) for cell, column in line).rstrip() for line in lines)


def markdown_table(table: Table) -> str:
    """The same as a Markdown table."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in table]
    return "\n".join([lines[0], "|" + " --- |" * len(table[0]), *lines[1:]])


def _throughput_line(row: Row) -> list[str]:
    names = [row.workload, str(row.pipeline), row.server, f"{row.requests_per_second:.0f}"]
    cpu = [f"{row.user_us:.3f}", f"{row.system_us:.3f}", f"{row.total_us:.3f}", f"{row.spread:.0%}"]
    ratios = [ABSENT if ratio is None else f"{ratio:.2f}" for ratio in (row.ratio_total, row.ratio_user)]
    return [*names, *cpu, *ratios, f"{row.p50_ms:.3f}", f"{row.p99_ms:.3f}", f"{row.p999_ms:.3f}"]


def _is_figure(cell: str) -> bool:
    return cell == ABSENT or cell.removesuffix("%").removeprefix("-").replace(".", "", 1).isdigit()


def _align(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)
