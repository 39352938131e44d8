"""A dataset written as commands, and made again by running them."""

from __future__ import annotations

import io

import pytest

from compat.dataset import Traits, content, fill
from hognose.persistence.aof_format import CommandReader
from hognose.persistence.aof_rewrite import ITEMS_PER_COMMAND, CommandSink, write_commands
from hognose.persistence.progress import Progress
from tests.inprocess import InProcessClient, InProcessServer

ALL = Traits(80, field_deadlines=True, active_times=False, seen_times=False)


def commands_of(server: InProcessServer) -> list[list[bytes]]:
    """The commands a rewrite writes."""
    file = io.BytesIO()
    write_commands(CommandSink(file), server.server.keyspace, Progress())
    reader = CommandReader(io.BytesIO(file.getvalue()))
    commands = []
    while (argv := reader.next()) is not None:
        commands.append(argv)
    return commands


def rebuilt(server: InProcessServer) -> InProcessClient:
    """A client of a new server that has run those commands."""
    client = InProcessServer().client()
    for argv in commands_of(server):
        reply = client(*argv)
        assert not isinstance(reply, Exception), f"{argv[:4]}: {reply}"
    return client


def test_every_type_and_encoding_is_made_again() -> None:
    server = InProcessServer()
    client = server.client()
    fill(client, ALL)
    assert content(rebuilt(server), ALL) == content(client, ALL)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 128, 700])
@pytest.mark.parametrize("kind", ["RPUSH", "SADD", "HSET", "ZADD"])
def test_collections_go_out_in_commands_of_64(kind: str, size: int) -> None:
    server = InProcessServer()
    client = server.client()
    words = {"RPUSH": "e{0}", "SADD": "e{0}", "HSET": "f{0} {0}", "ZADD": "{0} m{0}"}[kind]
    client(kind, "key", *[word for index in range(size) for word in words.format(index).split()])
    written = [argv for argv in commands_of(server) if argv[0] != b"SELECT"]
    assert len(written) == -(-size // ITEMS_PER_COMMAND)
    assert content(rebuilt(server), ALL) == content(client, ALL)


def test_deadlines_of_keys_and_fields_are_kept() -> None:
    server = InProcessServer()
    client = server.client()
    client("SET", "key", "v", "PXAT", 4102444800000)
    client("HSET", "hash", "a", 1, "b", 2)
    client("HPEXPIREAT", "hash", 4102444800123, "FIELDS", 1, "b")
    again = rebuilt(server)
    assert again("PEXPIRETIME", "key") == 4102444800000
    assert again("HPEXPIRETIME", "hash", "FIELDS", 2, "a", "b") == [-1, 4102444800123]


def test_empty_streams_and_groups_are_kept() -> None:
    server = InProcessServer()
    client = server.client()
    client("XGROUP", "CREATE", "fresh", "group", "$", "MKSTREAM")
    client("XADD", "trimmed", "5-5", "f", "v")
    client("XTRIM", "trimmed", "MAXLEN", 0)
    again = rebuilt(server)
    for key in ("fresh", "trimmed"):
        assert again("XINFO", "STREAM", key) == client("XINFO", "STREAM", key)
        assert again("XINFO", "GROUPS", key) == client("XINFO", "GROUPS", key)


def test_sketches_are_kept() -> None:
    server = InProcessServer()
    client = server.client()
    client("BF.ADD", "filter", "item")
    client("TOPK.RESERVE", "top", 3)
    client("TOPK.ADD", "top", "a", "b", "a")
    again = rebuilt(server)
    assert again("BF.EXISTS", "filter", "item") == 1
    assert again("TOPK.LIST", "top") == client("TOPK.LIST", "top")
