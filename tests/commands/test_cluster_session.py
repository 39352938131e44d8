"""READONLY, READWRITE and ASKING on a server alone and on one that is a node of a cluster."""

import pytest

from hognose.commands.context import ASKING_NEXT, READONLY_CLUSTER
from tests.inprocess import InProcessClient, InProcessServer


@pytest.mark.parametrize("name", ["READONLY", "READWRITE", "ASKING"])
def test_a_server_alone_knows_no_such_thing(client: InProcessClient, name: str) -> None:
    assert client.error(name) == "ERR This instance has cluster support disabled"


def test_a_node_remembers_what_its_client_wants(server: InProcessServer, client: InProcessClient) -> None:
    server.server.clustered = True
    assert client("READONLY") == b"OK"
    assert client.connection.flags & READONLY_CLUSTER
    assert client("READWRITE") == b"OK"
    assert client.connection.flags & READONLY_CLUSTER == 0


def test_asking_holds_for_one_command(server: InProcessServer, client: InProcessClient) -> None:
    server.server.clustered = True
    assert client("ASKING") == b"OK"
    assert client.connection.attention & ASKING_NEXT
    assert client("PING") == b"PONG"
    assert client.connection.attention & ASKING_NEXT == 0
