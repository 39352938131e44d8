"""Fixtures of the command tests: an in-process server, and a client that speaks RESP2 and one that speaks RESP3."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer


@pytest.fixture
def server() -> InProcessServer:
    return InProcessServer()


@pytest.fixture
def client(server: InProcessServer) -> InProcessClient:
    return server.client()
