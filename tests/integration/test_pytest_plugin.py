"""The fixtures hognose gives to other projects' tests, used as those would."""

import subprocess
import sys
from pathlib import Path

from tests.integration.server_process import TIMEOUT_S, environment

TESTS = """
import pytest
import redis

@pytest.mark.parametrize("number", range(4))
def test_every_test_finds_an_empty_server(hognose_clean, number):
    client = redis.Redis.from_url(hognose_clean.url)
    assert client.incr("counter") == 1
    client.close()

def test_the_url_is_the_servers(hognose_server, hognose_url):
    assert hognose_url == hognose_server.url == f"redis://127.0.0.1:{hognose_server.port}/0"

def test_the_ini_file_configures_the_server(hognose_server):
    assert hognose_server.execute("CONFIG", "GET", "maxmemory") == {b"maxmemory": b"104857600"}
    assert hognose_server.execute("CONFIG", "GET", "save") == {b"save": b"60 1000"}

def test_where_it_is(hognose_server, worker_file):
    worker_file.write_text(str(hognose_server.port))
"""

CONFTEST = """
import pathlib
import pytest

@pytest.fixture
def worker_file(worker_id):
    return pathlib.Path(__file__).parent / f"port-{worker_id}"
"""

INI = """
[pytest]
hognose_config =
    maxmemory 100mb
    save 60 1000
"""


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs tests in a project of their own."""
    (folder / "test_project.py").write_text(TESTS, "utf-8")
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    (folder / "pytest.ini").write_text(INI, "utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "hognose.pytest_plugin", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        words,
        cwd=folder,
        env=environment({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S * 3,
        check=False,
    )


def test_the_fixtures_work_without_xdist(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "-p", "xdist")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


def test_under_xdist_every_worker_has_a_server_of_its_own(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "-p", "xdist", "--dist", "each", "--tx", "2*popen")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "14 passed" in done.stdout
    ports = {path.read_text("ascii") for path in tmp_path.glob("port-gw*")}
    assert len(ports) == 2
