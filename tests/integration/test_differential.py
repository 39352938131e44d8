"""The short form of the differential comparison: every group, both protocol versions, against every server at hand."""

import pytest

from compat.differential.__main__ import differential, report
from compat.servers import ServerBinary, hognose_binary, install

COMMANDS = 4_000
SEED = 20_240_601


@pytest.fixture(scope="module")
def hognose() -> ServerBinary:
    binary = hognose_binary()
    assert binary is not None
    return binary


@pytest.mark.server
@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("server", ["redis-7.0", "valkey-9.1"])
def test_generated_commands_are_answered_as_a_real_server_answers_them(
    hognose: ServerBinary, server: str, resp: int
) -> None:
    outcome = differential(hognose, install(server), groups=["all"], commands=COMMANDS, seed=SEED, resp=resp)
    assert outcome.commands >= COMMANDS
    assert not outcome.findings, report(outcome, quiet=True)
