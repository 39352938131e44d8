"""The scenario of `compat.clients` through every client library, on hognose; a real server is held to it as well."""

import pytest

from compat.clients.drive import CLIENTS, run_client
from compat.servers import find, hognose_binary
from tests.integration.server_process import command


@pytest.mark.parametrize("client", CLIENTS)
def test_every_step_of_the_scenario_works_through_a_client(client: str) -> None:
    binary = hognose_binary(command())
    assert binary is not None
    outcome = run_client(client, binary)
    assert not any(outcome.faults.values()), f"{outcome.faults}\n{outcome.output}"
    assert outcome.missing(client) == []


def test_the_scenario_is_what_a_real_server_does() -> None:
    binary = find("redis-7.0")
    assert binary is not None, "scripts/install-servers redis-7.0 gets it"
    for client in ("redis-py, RESP3", "node-redis, RESP3", "hiredis"):
        outcome = run_client(client, binary)
        assert outcome.is_clean(client), f"{client}: {outcome.faults}\n{outcome.output}"
