"""CLUSTER on a server alone: it knows the subcommands and refuses them."""

import pytest

from hognose.commands.spec import SPECS
from tests.inprocess import InProcessClient


def test_a_server_alone_refuses_every_subcommand(client: InProcessClient) -> None:
    subcommands = SPECS["cluster"].subcommands
    assert len(subcommands) == 28
    for name, spec in subcommands.items():
        words = ["x"] * (abs(spec.arity) - 2)
        assert client.error("CLUSTER", name, *words) == "ERR This instance has cluster support disabled"


@pytest.mark.parametrize(("words", "text"), [("nonsense", "unknown subcommand"), ("info x", "wrong number")])
def test_what_is_no_such_call_is_refused_as_that(client: InProcessClient, words: str, text: str) -> None:
    assert text in client.error("CLUSTER", *words.split())
