"""Fixtures for tests that need a server; pytest finds them by itself once hognose is installed.

    def test_counts(hognose_clean):
        client = redis.Redis.from_url(hognose_clean.url)
        assert client.incr("counter") == 1

One server serves the whole session, in the test process, on a free port of 127.0.0.1. Under pytest-xdist every worker
is a session and has a server of its own. Directives for it stand in the ini option `hognose_config`, one to a line:

    [pytest]
    hognose_config =
        maxmemory 100mb
        notify-keyspace-events KEA
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hognose.embedded import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the ini option."""
    parser.addini("hognose_config", "directives for the hognose server, one to a line", type="linelist", default=[])


@pytest.fixture(scope="session")
def hognose_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A server for the whole session. What tests leave in it stays; see `hognose_clean`."""
    from hognose.embedded import Server  # noqa: PLC0415 - sessions without a server must not pay for it

    lines: list[str] = pytestconfig.getini("hognose_config")
    config: dict[str, str | bytes | int | float] = {}
    for line in lines:
        name, _, value = line.partition(" ")
        config[name] = value.strip()
    with Server(config=config) as server:
        yield server


@pytest.fixture(scope="session")
def hognose_url(hognose_server: Server) -> str:
    """The URL of `hognose_server`, for settings that are made once."""
    return hognose_server.url


@pytest.fixture
def hognose_clean(hognose_server: Server) -> Server:
    """`hognose_server` without a key in it."""
    hognose_server.flush()
    return hognose_server
