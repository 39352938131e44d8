"""Reading the official suite's output, and laying out the folder it runs in; the suite itself is not needed."""

import subprocess
from pathlib import Path

import pytest

from compat.upstream.results import UnitResult, lost, read_log, write_json
from compat.upstream.suite import Suite, SuiteError, unpack

OUTPUT = """Testing unit/sample
[ok]: Names keep their (brackets) (3 ms)
[ok]: Twice (0 ms)
[err]: Twice in tests/unit/sample.tcl
Expected 'a' to be equal to 'b'
[skip]: Not now: Tag: slow denied
[exception]: Executing test client: no such thing
[1/1 done]: unit/sample (1 seconds)

                   The End

[ok]: only a summary
"""


def suite_folder(path: Path) -> Path:
    (path / "tests" / "tmp").mkdir(parents=True)
    (path / "tests" / "test_helper.tcl").write_text("puts {unit/one\nunit/two}\n")
    return path


def test_each_test_has_one_outcome_and_a_failure_counts_more_than_a_pass() -> None:
    result = read_log("unit/sample", OUTPUT, seconds=1.0, in_time=True)
    assert result.passed == ["Names keep their (brackets)"]
    assert result.failed == ["Twice", "exception: Executing test client: no such thing"]
    assert result.skipped == ["Not now: Tag: slow denied"]


def test_a_file_without_its_end_has_failed() -> None:
    assert read_log("unit/sample", "[ok]: a (1 ms)\n", seconds=1.0, in_time=True).failed == ["the suite ended early"]
    assert read_log("unit/sample", "", seconds=9.0, in_time=False).failed == ["the file did not end in time"]


def test_a_baseline_counts_only_the_files_that_were_run(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_json([UnitResult("unit/a", passed=["one", "two"], failed=["three"]), UnitResult("unit/b", ["four"])], path)
    assert lost(path, [UnitResult("unit/a", passed=["two"])]) == ["unit/a::one"]


def test_a_folder_without_the_suite_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"test_helper\.tcl"):
        Suite(tmp_path)


def test_the_files_of_a_suite_are_those_it_lists(tmp_path: Path) -> None:
    assert Suite(suite_folder(tmp_path)).units() == ["unit/one", "unit/two"]


def test_the_server_script_becomes_the_server(tmp_path: Path) -> None:
    suite = Suite(suite_folder(tmp_path / "suite"))
    suite.lay_out(tmp_path / "copy", ["/bin/echo", "with space"])
    done = subprocess.run([tmp_path / "copy/src/redis-server", "a b"], capture_output=True, text=True, check=True)
    assert done.stdout == "with space a b\n"
    assert (tmp_path / "copy/tests/test_helper.tcl").is_file()
    assert not (tmp_path / "copy/tests/tmp").is_symlink()


def test_a_package_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "package.tar.gz").write_text("no archive")
    with pytest.raises(SuiteError, match=r"package\.tar\.gz"):
        unpack(tmp_path / "package.tar.gz", tmp_path)
