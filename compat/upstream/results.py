"""What a test file printed, as outcomes; kept as JSON and compared with an earlier run.

The suite prints one line per test, `[ok]: NAME (12 ms)`, `[err]: NAME` with an explanation below, `[skip]`, `[ignore]`,
`[exception]` when something outside a test failed, `[TIMEOUT]` when nothing happened for long; a summary follows behind
"The End". Test names are unique enough within a file: a name that failed once has failed.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_LINE: Final = re.compile(r"^\[(ok|err|skip|ignore|exception|TIMEOUT)\]: ?(.*)$", re.MULTILINE)
_DURATION: Final = re.compile(r" \(\d+ ms\)$")
_WHERE: Final = re.compile(r" in tests/\S+\.tcl$")
_SUMMARY: Final = "\n                   The End"
_LONGEST_NAME: Final = 200


@dataclass
class UnitResult:
    """The outcome of one test file.

    Attributes:
        unit: The file, such as `unit/type/string`.
        passed, failed, skipped: Names of tests.
        seconds: How long it took.
    """

    unit: str
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def line(self) -> str:
        """The one line that says how the file went."""
        return (
            f"{self.unit:40s} {len(self.passed):4d} passed {len(self.failed):4d} failed {len(self.skipped):4d} skipped "
            f"{self.seconds:6.1f} s"
        )


def read_log(unit: str, text: str, *, seconds: float, in_time: bool) -> UnitResult:
    """The outcomes in what a test file printed.

    Args:
        unit: The file.
        text: All of its output.
        seconds: How long it took.
        in_time: It ended by itself.
    """
    result = UnitResult(unit, seconds=round(seconds, 1))
    body, the_end, _ = text.partition(_SUMMARY)
    for outcome, rest in _LINE.findall(body):
        name = _WHERE.sub("", _DURATION.sub("", rest))[:_LONGEST_NAME]
        if outcome == "ok":
            result.passed.append(name)
        elif outcome in {"skip", "ignore"}:
            result.skipped.append(name)
        else:
            result.failed.append(f"{outcome}: {name}" if outcome != "err" else name)
    failed = set(result.failed)
    result.passed = [name for name in result.passed if name not in failed]
    if not in_time:
        result.failed.append("the file did not end in time")
    elif not the_end and not result.failed:
        result.failed.append("the suite ended early")
    return result


def write_json(results: Iterable[UnitResult], path: Path) -> None:
    """Keeps results: a map from `UNIT::NAME` to `passed` or `failed`."""
    outcomes: dict[str, str] = {}
    for result in results:
        outcomes.update({f"{result.unit}::{name}": "passed" for name in result.passed})
        outcomes.update({f"{result.unit}::{name}": "failed" for name in result.failed})
    path.write_text(json.dumps(outcomes, indent=0, sort_keys=True) + "\n")


def lost(baseline: Path, results: Iterable[UnitResult]) -> list[str]:
    """The tests of the files that were run which pass in a baseline and not in the results.

    Args:
        baseline: JSON as `write_json` keeps it.
        results: What was run now.

    Returns:
        `UNIT::NAME`, sorted.
    """
    outcomes: dict[str, str] = json.loads(baseline.read_text())
    passing = {f"{result.unit}::{name}" for result in results for name in result.passed}
    units = {result.unit for result in results}
    return sorted(
        test
        for test, outcome in outcomes.items()
        if outcome == "passed" and test.partition("::")[0] in units and test not in passing
    )
