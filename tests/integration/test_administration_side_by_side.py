"""What administrative commands answer to good and bad arguments, compared with a real server, word by word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.servers import install, start
from tests.inprocess import InProcessClient, InProcessServer
from tests.side_by_side import RealClient, SideBySide

pytestmark = pytest.mark.server

SAME = [
    "AUTH",
    "AUTH x",
    "AUTH default x",
    "AUTH nobody x",
    "AUTH a b c",
    "HELLO 4",
    "HELLO x",
    "HELLO 99999999999999999999",
    "HELLO 2 x",
    "HELLO 2 AUTH x",
    "HELLO 2 AUTH nobody x",
    "HELLO 2 SETNAME",
    "HELLO 2 SETNAME a\tb",
    "SELECT x",
    "SELECT 99",
    "SELECT -1",
    "SELECT 2147483648",
    "SELECT -2147483649",
    "SELECT 99999999999999999999",
    "CLUSTER",
    "CLUSTER NONSENSE",
    "CLUSTER HELP",
    "CLUSTER HELP x",
    "CLUSTER INFO",
    "CLUSTER INFO x",
    "CLUSTER KEYSLOT",
    "CLUSTER KEYSLOT key",
    "CLUSTER MEET 127.0.0.1",
    "CLUSTER MEET 127.0.0.1 1",
    "CLUSTER NODES",
    "CLUSTER SETSLOT 1",
    "CLUSTER SHARDS",
    "CLUSTER SLOTS",
    "READONLY",
    "READWRITE",
    "ASKING",
    "CLIENT",
    "CLIENT NONSENSE",
    "CLIENT ID x",
    "CLIENT GETNAME",
    "CLIENT SETNAME",
    "CLIENT SETNAME name",
    "CLIENT GETNAME",
    "CLIENT LIST x",
    "CLIENT LIST TYPE",
    "CLIENT LIST TYPE x",
    "CLIENT LIST TYPE replica",
    "CLIENT LIST ID",
    "CLIENT LIST ID x",
    "CLIENT LIST ID 99999",
    "CLIENT KILL",
    "CLIENT KILL 1.2.3.4:5",
    "CLIENT KILL ID 99999",
    "CLIENT KILL ID x",
    "CLIENT KILL ID 1 x",
    "CLIENT KILL TYPE x",
    "CLIENT KILL USER nobody",
    "CLIENT KILL SKIPME x",
    "CLIENT KILL ADDR 1:1 LADDR 2:2",
    "CLIENT PAUSE",
    "CLIENT PAUSE x",
    "CLIENT PAUSE -1",
    "CLIENT PAUSE 1 x",
    "CLIENT PAUSE 1 WRITE x",
    "CLIENT PAUSE 99999999999999999999",
    "CLIENT PAUSE 0",
    "CLIENT UNPAUSE",
    "CLIENT UNPAUSE x",
    "CLIENT UNBLOCK",
    "CLIENT UNBLOCK x",
    "CLIENT UNBLOCK 99999",
    "CLIENT UNBLOCK 99999 x",
    "CLIENT UNBLOCK 99999 ERROR x",
    "CLIENT REPLY",
    "CLIENT REPLY x",
    "CLIENT REPLY ON",
    "CLIENT NO-EVICT",
    "CLIENT NO-EVICT x",
    "CLIENT NO-EVICT on",
    "CLIENT TRACKING",
    "CLIENT TRACKING x",
    "CLIENT TRACKING ON x",
    "CLIENT TRACKING ON PREFIX a",
    "CLIENT TRACKING ON REDIRECT",
    "CLIENT TRACKING ON REDIRECT x",
    "CLIENT TRACKING ON REDIRECT 99999",
    "CLIENT TRACKING ON BCAST OPTIN",
    "CLIENT TRACKING ON OPTIN OPTOUT",
    "CLIENT TRACKING ON BCAST PREFIX a PREFIX ab",
    "CLIENT TRACKINGINFO",
    "CLIENT GETREDIR",
    "CLIENT CACHING",
    "CLIENT CACHING YES",
    "CLIENT TRACKING ON OPTIN",
    "CLIENT CACHING NO",
    "CLIENT CACHING x",
    "CLIENT CACHING yes",
    "CLIENT TRACKINGINFO",
    "CLIENT TRACKING ON OPTOUT",
    "CLIENT TRACKING ON BCAST",
    "CLIENT GETREDIR",
    "CLIENT TRACKING OFF",
    "CLIENT TRACKING ON BCAST PREFIX a",
    "CLIENT TRACKING ON BCAST PREFIX abc",
    "CLIENT TRACKING ON BCAST PREFIX b NOLOOP",
    "CLIENT TRACKINGINFO",
    "CLIENT TRACKING OFF x",
    "CLIENT TRACKING OFF",
    "CLIENT TRACKINGINFO",
    "CONFIG",
    "CONFIG x",
    "CONFIG GET",
    "CONFIG GET nonsense",
    "CONFIG GET maxmemory",
    "CONFIG SET",
    "CONFIG SET maxmemory",
    "CONFIG SET maxmemory x",
    "CONFIG SET a b c",
    "CONFIG SET nonsense 1",
    "CONFIG SET maxmemory 1 maxmemory 2",
    "CONFIG SET databases 2",
    "CONFIG REWRITE x",
    "CONFIG RESETSTAT",
    "SLOWLOG",
    "SLOWLOG GET x",
    "SLOWLOG GET -2",
    "SLOWLOG GET 1 2",
    "SLOWLOG RESET",
    "SLOWLOG LEN",
    "SLOWLOG LEN x",
    "LATENCY",
    "LATENCY GRAPH",
    "LATENCY GRAPH x",
    "LATENCY HISTORY x",
    "LATENCY LATEST",
    "LATENCY RESET x",
    "LATENCY HISTOGRAM nonsense",
    "MEMORY",
    "MEMORY USAGE",
    "MEMORY USAGE none",
    "MEMORY USAGE none SAMPLES",
    "MEMORY USAGE none SAMPLES x",
    "MEMORY USAGE none SAMPLES -1",
    "MEMORY USAGE none x 1",
    "MEMORY STATS x",
    "MEMORY PURGE",
    "TIME x",
    "ROLE",
    "ROLE x",
    "LASTSAVE x",
    "MODULE LIST",
    "MODULE LOAD x",
    "MODULE UNLOAD x",
    "SHUTDOWN x",
    "SHUTDOWN SAVE NOSAVE",
    "SHUTDOWN ABORT",
    "SHUTDOWN ABORT NOW",
    "MONITOR x",
    "DEBUG",
    "DEBUG SLEEP",
    "DEBUG OBJECT none",
    "DEBUG PROTOCOL string",
    "DEBUG PROTOCOL bignum",
    "DEBUG PROTOCOL double",
    "DEBUG PROTOCOL map",
    "DEBUG PROTOCOL push",
    "DEBUG PROTOCOL x",
    "DEBUG ERROR text",
    "DEBUG DIGEST",
    "DEBUG DIGEST-VALUE none",
    "DEBUG HTSTATS x",
    "DEBUG HTSTATS 99",
    "DEBUG HTSTATS-KEY none",
    "DEBUG POPULATE x",
    "DEBUG POPULATE -1",
    "DEBUG QUICKLIST-PACKED-THRESHOLD x",
    "DEBUG QUICKLIST-PACKED-THRESHOLD 5gb",
    "RESET x",
    "RESET",
]


@pytest.fixture(scope="module")
def pair() -> Iterator[SideBySide]:
    with start(install("redis-7.0"), config={"enable-debug-command": "yes"}) as server:
        ours = InProcessServer()
        ours.server.settings.enable_debug_command = "yes"
        real = RealClient(server)
        yield SideBySide(ours, real)
        real.close()


@pytest.mark.parametrize("line", SAME)
def test_the_answer_is_the_real_servers(pair: SideBySide, line: str) -> None:
    pair(*line.split(" "))


@pytest.mark.parametrize("resp", [2, 3])
def test_hello_answers_the_same_fields(pair: SideBySide, resp: int) -> None:
    answers = []
    for reply in (pair.real("HELLO", resp), pair.client("HELLO", resp)):
        fields = dict(zip(reply[::2], reply[1::2], strict=True)) if isinstance(reply, list) else reply
        assert isinstance(fields, dict)
        answers.append([(name, value) for name, value in fields.items() if name not in {b"version", b"id"}])
    assert answers[0] == answers[1]
    pair("RESET")


def field_names(text: object) -> list[bytes]:
    assert isinstance(text, bytes)
    return [line.partition(b":")[0] for line in text.split(b"\r\n") if b":" in line or line.startswith(b"#")]


@pytest.mark.parametrize("section", ["clients", "memory", "persistence", "stats", "replication", "cpu", "cluster"])
def test_info_has_every_field_of_the_real_server_in_its_order(pair: SideBySide, section: str) -> None:
    theirs = field_names(pair.real("INFO", section))
    ours = field_names(pair.client("INFO", section))
    assert [name for name in ours if name in theirs] == theirs


def test_client_info_has_every_field_of_the_real_server_in_its_order(pair: SideBySide) -> None:
    names = []
    for reply in (pair.real("CLIENT", "INFO"), pair.client("CLIENT", "INFO")):
        assert isinstance(reply, bytes)
        names.append([pair.partition(b"=")[0] for pair in reply.split()])
    assert names[1][: len(names[0])] == names[0]


def test_monitor_writes_lines_as_the_real_server_does() -> None:
    requests: list[tuple[str | bytes, ...]] = [("SET", b'k"', bytes(range(256))), ("AUTH", "x"), ("GET", "\r\n\t\a\b")]
    seen: list[list[bytes]] = []
    server = InProcessServer()
    with start(install("redis-7.0")) as real_server:
        watchers: list[tuple[RealClient | InProcessClient, RealClient | InProcessClient]] = [
            (RealClient(real_server), RealClient(real_server)),
            (server.client(), server.client()),
        ]
        for watcher, sender in watchers:
            assert watcher("MONITOR") == b"OK"
            for request in requests:
                sender(*request)
            lines: list[bytes] = []
            while len(lines) < len(requests):
                reply = watcher.reply()
                assert isinstance(reply, bytes)
                lines.append(reply.partition(b"] ")[2])
            seen.append(lines)
        for real in watchers[0]:
            assert isinstance(real, RealClient)
            real.close()
    assert seen[0] == seen[1]
