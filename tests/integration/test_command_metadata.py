"""COMMAND INFO and COMMAND DOCS of every command, beside real servers."""

from contextlib import ExitStack

import pytest

from compat.differential.wire import Link
from compat.metadata import DEPARTURES, Fields, differences, fields_of
from compat.servers import RunningServer, ServerBinary, hognose_binary, install, start

ORACLES = ("redis-7.0", "valkey-9.1")

# Requests with keys in all the places they can have, whole and spoilt, for COMMAND GETKEYS.
REQUESTS = [
    "GET a", "MSET a 1 b 2", "MSET a 1 b", "SET k v GET", "BITOP AND dest a b", "LMPOP 2 a b LEFT", "LMPOP 3 a b LEFT",
    "ZUNIONSTORE dest 2 a b WEIGHTS 1 2", "ZUNION 1 a", "SINTERCARD 2 a b LIMIT 3", "XREAD COUNT 2 STREAMS a b 0 0",
    "XREADGROUP GROUP g c STREAMS a >", "GEORADIUS k 1 2 3 m STORE dest", "BLPOP a b 0", "OBJECT ENCODING k", "LCS a b",
    "RENAME a b", "BITFIELD k GET u8 0", "BITFIELD k SET u8 0 1", "XGROUP CREATE k g $", "PFMERGE d a b", "COPY a b",
    "SMOVE a b m", "SORT a STORE b", "SORT a BY x GET y STORE b store c",
    "ZRANGESTORE d s 0 1", "ZINTER 0 a", "ZINTER x a",
]  # fmt: skip


def binary(name: str) -> ServerBinary:
    found = hognose_binary() if name == "hognose" else install(name)
    assert found is not None
    return found


def connected(server: RunningServer) -> Link:
    return Link(server.host, server.port, resp=3)


def described(name: str) -> dict[str, Fields]:
    with start(binary(name)) as server, connected(server) as link:
        return fields_of(link)


@pytest.mark.server
def test_every_command_is_described_as_a_real_server_describes_it() -> None:
    found = differences(described("hognose"), {name: described(name) for name in ORACLES})
    assert not found, "\n".join(found)


def test_departures_are_of_commands_and_fields_that_exist() -> None:
    assert {field for _, field in DEPARTURES} <= {
        *("arity", "flags", "key range", "categories", "tips", "key specs", "is container"),
        *("since", "group", "doc flags", "deprecated since", "history", "arguments"),
    }


@pytest.mark.server
@pytest.mark.parametrize("subcommand", ["GETKEYS", "GETKEYSANDFLAGS"])
def test_keys_are_found_where_a_real_server_finds_them(subcommand: str) -> None:
    assert_same([f"{subcommand} {request}" for request in REQUESTS])


@pytest.mark.server
def test_errors_of_command_are_those_of_a_real_server() -> None:
    assert_same(["GETKEYS", "GETKEYS NOSUCH a", "GETKEYS PING a", "GETKEYS GET a b", "LIST FILTERBY", "LIST X Y Z"])


def assert_same(requests: list[str]) -> None:
    """Both servers answer these requests to COMMAND with the same bytes."""
    with start(binary("hognose")) as ours, start(binary("redis-7.0")) as theirs, ExitStack() as stack:
        mine, real = (stack.enter_context(connected(server)) for server in (ours, theirs))
        for request in requests:
            words = [b"COMMAND", *request.encode().split()]
            assert mine.ask(words) == real.ask(words), request
