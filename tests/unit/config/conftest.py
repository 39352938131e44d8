"""Fixtures: a configuration at its defaults, a real server to compare with."""

from collections.abc import Iterator

import pytest
from config_harness import RealServer, StandStill

from hognose.config.store import Config


@pytest.fixture(scope="module")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A redis-server shared by a module's tests, with protected directives open to all."""
    server = RealServer(tmp_path_factory.mktemp("real"), "save ''\nenable-protected-configs yes\n")
    yield server
    server.stop()


@pytest.fixture
def config() -> Config:
    """A configuration at its defaults."""
    return Config(StandStill())
