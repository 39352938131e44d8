"""What commands write to the append-only file, beside what a real server writes for the same commands."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.servers import install, start
from hognose.persistence.aof_format import CommandReader
from tests.integration.server_process import ServerProcess
from tests.side_by_side import RealClient

DIRECTIVES = {
    "appendonly": "yes",
    "aof-use-rdb-preamble": "no",
    "appendfsync": "no",
    "save": "",
    "enable-debug-command": "yes",
}
FAR = "4102444800000"
NOW = re.compile(rb"\b1[789]\d{11}\b")
"""A time in ms of these years; the two servers are asked at different ones."""

CASES: dict[str, str] = {
    "set": f"""
        SET a 1 EX 100 | SET a 1 PX 100000 XX | SET b 1 EXAT 4102444800 | SET b 2 PXAT {FAR} | SET b 3 KEEPTTL
        SET b 4 GET | SET b 5 GET EX 10 | SET b 6 XX GET | SETEX c 10 v | PSETEX c 10000 v | SETNX d 1 | GETSET d 2
        GETDEL d | GETDEL d | SET nx 1 NX | SET nx 1 NX""",
    "getex": f"""
        SET e 1 | GETEX e | GETEX e EX 100 | GETEX e PX 1000000 | GETEX e EXAT 4102444800 | GETEX e PXAT {FAR}
        GETEX e PERSIST | GETEX e PERSIST | GETEX e PXAT 1""",
    "numbers and ranges": """
        INCRBYFLOAT f 1.5 | INCRBYFLOAT f 1e10 | INCR n | DECRBY n 3 | APPEND s abc | SETRANGE s 2 xyz | MSET m 1 k 2
        MSETNX x 1 y 2 | MSETNX x 1 z 2 | SETBIT bm 7 1 | BITFIELD bm SET u8 0 255 | BITFIELD bm GET u8 0
        BITOP NOT bn bm""",
    "expire": f"""
        SET m 1 | EXPIRE m 100 | EXPIRE m 200 GT | EXPIRE m 1 GT | PEXPIRE m 100000 | EXPIREAT m 4102444800
        PEXPIREAT m {FAR} | PEXPIREAT m {FAR} LT | PERSIST m | PERSIST m | EXPIRE m -1 | SET m 1 | EXPIREAT m 1""",
    "delete and move": """
        MSET a 1 b 2 c 3 | DEL a missing | UNLINK b | DEL missing | RENAME c d | RENAMENX d e | COPY e f | COPY e f
        MOVE f 1 | SWAPDB 0 1 | SWAPDB 0 1 | FLUSHDB | FLUSHALL | FLUSHDB""",
    "sets": """
        SADD one x | SPOP one | SPOP one | SADD one x | SPOP one 5 | SADD s1 a b | SADD s1 a | SADD s2 b c
        SINTERSTORE si s1 s2 | SUNIONSTORE su s1 s2 | SDIFFSTORE sd s1 s1 | SMOVE s1 s2 a | SREM s2 a z""",
    "lists": """
        RPUSH l a b c d e f g h i j k | LPOP l | LPOP l 2 | RPOPLPUSH l m | LMOVE l m LEFT RIGHT
        BLMOVE l m LEFT RIGHT 0 | BRPOPLPUSH l m 0 | BLPOP m l 0 | BRPOP m 0 | BLMPOP 0 2 l m LEFT COUNT 1
        LMPOP 2 l m RIGHT COUNT 10 | LINSERT m BEFORE x y | RPUSHX m a | RPUSHX missing a | RPUSH n 1 2 3 4
        LREM n 1 2 | LTRIM n 0 1 | LSET n 0 x | SORT n ALPHA STORE o | SORT missing STORE o""",
    "sorted sets": """
        ZADD z 1 a 2 b 3 c 4 d 5 e | ZADD z INCR 1.5 a | ZADD z NX 1 a | ZINCRBY z 2 b | ZPOPMIN z | ZPOPMAX z 1
        ZADD z 1 q 2 r 3 s | BZPOPMIN z 0 | BZPOPMAX z 0 | BZMPOP 0 1 z MIN COUNT 1 | ZMPOP 1 z MAX COUNT 5
        ZADD z 1 a 2 b 3 c | ZRANGESTORE zz z 0 -1 | ZUNIONSTORE zz 2 z z | ZREMRANGEBYSCORE z 1 2
        ZREMRANGEBYRANK z 0 0 | ZREMRANGEBYRANK z 0 0""",
    "hashes": """
        HSET h a 1 b 2 | HMSET h c 3 | HSETNX h d 4 | HSETNX h d 5 | HINCRBY h a 5 | HINCRBYFLOAT h a 1.5
        HDEL h a missing | HDEL h missing""",
    "geo and hyperloglog": """
        ZADD g 3479099956230698 P 3479447370796909 C | GEORADIUS g 15 37 200 km STORE gs
        GEORADIUSBYMEMBER g P 200 km STOREDIST gs | GEOSEARCHSTORE gs g FROMLONLAT 15 37 BYRADIUS 200 km
        PFADD p a b c | PFADD p a | PFCOUNT p | PFCOUNT p | PFMERGE pp p""",
    "stream entries": """
        XADD st 1-1 f v | XADD st 1-* f v | XADD st MAXLEN = 10 2-1 f v | XADD st MAXLEN ~ 1000 3-1 f v
        XADD st MINID ~ 1-1 4-1 f v | XADD st NOMKSTREAM 5-1 f v | XADD missing NOMKSTREAM 5-1 f v
        XTRIM st MAXLEN ~ 100 | XTRIM st MAXLEN 4 | XDEL st 3-1 | XDEL st 3-1 | XSETID st 9-9""",
    "stream groups": """
        XADD st 1-1 f v | XADD st 2-1 f v | XADD st 3-1 f v | XGROUP CREATE st grp 0 | XGROUP CREATE s2 grp $ MKSTREAM
        XGROUP CREATECONSUMER st grp c0 | XREADGROUP GROUP grp c1 NOACK COUNT 1 STREAMS st >
        XREADGROUP GROUP grp c1 COUNT 2 STREAMS st 0 | XREADGROUP GROUP grp c9 STREAMS s2 > | XACK st grp 1-2
        XCLAIM st grp c2 0 9-9 | XGROUP SETID st grp 0 | XGROUP DELCONSUMER st grp c0 | XGROUP DESTROY st grp
        XGROUP DESTROY st grp""",
    "transactions": """
        MULTI | SET a 1 | EXEC | MULTI | SET a 1 | GET a | INCR a | EXEC | MULTI | SPOP missing | EXEC
        MULTI | SELECT 2 | SET b 1 | SELECT 0 | SET c 1 | EXEC | MULTI | LPUSH a x | SET d 1 | SET e 1 | EXEC
        MULTI | SET a 1 | DISCARD""",
    "lazy expiry": """
        DEBUG SET-ACTIVE-EXPIRE 0 | SET a 1 PX 1 | SET b 1 PX 1 | PAUSE | MGET a b | SET c 1 PX 1 | PAUSE | INCR c
        SET d 1 PX 1 | PAUSE | EXPIRE d 100 | SET e 1 PX 1 | PAUSE | SET e 2 | SADD s x | SET f 1 PX 1 | PAUSE
        RENAME s f | SET g 1 PX 1 | PAUSE | DEL g""",
    "scripts": """
        EVAL redis.call('set','a','1') 0 | EVAL redis.call('set','a','1');redis.call('incr','a') 0
        EVAL return(redis.call('get','a')) 0 | EVAL redis.call('set','a','1');redis.call('bad') 0
        MULTI | EVAL redis.call('incr','a') 0 | SET b 1 | EXEC""",
}


class Log:
    """The increment a server writes, read as far as it has been written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offset = 0

    def taken(self) -> list[bytes]:
        """The commands since the last question, the times in them blanked out.

        SELECT is left out: Redis 7.0 writes it before the MULTI, later versions and hognose behind it.
        """
        path = next(self._folder.glob("appendonlydir/*.incr.aof"))
        commands = []
        with path.open("rb") as file:
            file.seek(self._offset)
            reader = CommandReader(file)
            while (argv := reader.next()) is not None:
                if argv[0] != b"SELECT":
                    commands.append(NOW.sub(b"NOW", b" ".join(argv)))
            self._offset += reader.offset
        return commands


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealClient, Log]]:
    folder = tmp_path_factory.mktemp("real")
    with start(install("redis-7.0"), config=DIRECTIVES, directory=folder) as server:
        client = RealClient(server)
        yield client, Log(folder)
        client.close()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealClient, Log]]:
    folder = tmp_path_factory.mktemp("ours")
    options = [word for name, value in DIRECTIVES.items() for word in (f"--{name}", value)]
    with ServerProcess("--dir", str(folder), options=options) as server:
        server.ready()
        client = RealClient(server)
        yield client, Log(folder)
        client.close()


def steps(case: str) -> list[list[str]]:
    """The commands of a case."""
    lines = [line.strip() for line in CASES[case].replace("\n", "|").split("|")]
    return [script_words(line) if line.startswith("EVAL") else line.split() for line in lines if line]


def script_words(line: str) -> list[str]:
    """EVAL, whose script may hold blanks."""
    script, count = line.removeprefix("EVAL ").rsplit(" ", 1)
    return ["EVAL", script, count]


def run(side: tuple[RealClient, Log], words: list[list[str]]) -> list[tuple[str, list[bytes]]]:
    """Runs commands in an empty database; what each has written."""
    client, log = side
    client("SELECT", "0")
    client("FLUSHALL")
    log.taken()
    written = []
    for word in words:
        if word == ["PAUSE"]:
            wait_until_past(client)
            continue
        client(*word)
        written.append((" ".join(word), log.taken()))
    client("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    return written


def wait_until_past(client: RealClient) -> None:
    """Waits until what was to expire within a millisecond has."""
    first = client("TIME")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        now = client("TIME")
        if milliseconds(now) > milliseconds(first) + 5:
            return


def milliseconds(reply: object) -> int:
    """The reply of TIME."""
    assert isinstance(reply, list)
    return int(reply[0]) * 1000 + int(reply[1]) // 1000


@pytest.mark.parametrize("case", list(CASES))
def test_the_same_commands_are_written(case: str, real: tuple[RealClient, Log], ours: tuple[RealClient, Log]) -> None:
    words = steps(case)
    assert run(ours, words) == run(real, words)
