"""Commands of every group fire the keyspace events that a real server fires, in its order.

Left out is what Redis 7.2 does otherwise than 7.0: XCLAIM and XAUTOCLAIM create the
consumer even if nothing is claimed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from compat.servers import install, start
from tests.inprocess import InProcessClient, InProcessServer
from tests.side_by_side import RealClient

pytestmark = pytest.mark.server

END = "the end of what the command fired"
PAST = "PXAT 1000"  # SET with this leaves a key that has expired and is still in memory

SEQUENCES = {
    "strings": """
        SET k v; SET k v; SET k v EX 100; SET k v PX 100000 GET; SET k v NX; SET k2 v NX; SET k v KEEPTTL
        SET k v XX GET
        GET k; GET none; GETSET k w; GETSET new w; GETDEL k; GETDEL none; MSET a 1 b 2 a 3; MSETNX a 1 c 2
        MSETNX c 1 d 2
        SETNX a 1; SETNX e 1; SETEX a 100 v; PSETEX a 100000 v; APPEND a x; APPEND app x; STRLEN none; STRLEN a
        SETRANGE a 3 y; SETRANGE a 0 ''; SETRANGE range 2 y; SETRANGE none 0 ''; GETRANGE none 0 1; GETRANGE a 0 1
        INCR n; INCRBY n 5; DECR n; DECRBY n 3; INCRBYFLOAT n 1.5; INCRBYFLOAT f 1; INCR a; MGET a none n
        GETEX a; GETEX a EX 100; GETEX a PERSIST; GETEX a PERSIST; GETEX none; GETEX a PXAT 1000; GET a
        SUBSTR n 0 1; LCS n f; LCS none n
    """,
    "expiry": f"""
        SET k v; EXPIRE k 100; EXPIRE k 200 NX; EXPIRE k 50 LT; PEXPIRE k 100000; EXPIREAT k 99999999999
        PEXPIREAT k 99999999999999; PERSIST k; PERSIST k; TTL k; PTTL k; TTL none; PTTL none; EXPIRETIME none
        PEXPIRETIME k; EXPIRE none 10; EXPIRE k 0; GET k; SET k v; EXPIRE k -1; SET k v; PEXPIREAT k 1; SET k v
        EXPIREAT k 1; TOUCH k; SET k v {PAST}; GET k; SET k v {PAST}; SET k w; SET k v {PAST}; DEL k; SET k v {PAST}
        EXISTS k; SET k v {PAST}; TYPE k; SET k v {PAST}; TTL k; SET k v {PAST}; APPEND k x; SET k v {PAST}; RPUSH k x
        SET k v {PAST}; SADD k m; DEL k; SET k v {PAST}; SADD k m; DEL k; SET k v {PAST}; RENAME k other; SET k v {PAST}
        SET o v; RENAME o k; SET k v {PAST}; COPY k o; SET o v; COPY o k; COPY o k REPLACE; SET k v {PAST}; MOVE k 1
        SET k v {PAST}; UNLINK k; SET k v {PAST}; PERSIST k; SET k v {PAST}; EXPIRE k 10; SET k v {PAST}
        OBJECT ENCODING k
        SET k v {PAST}; SETNX k v; SET k v {PAST}; INCR k; SET k v {PAST}; GETSET k v; SET k v {PAST}; GETDEL k
        SET k v {PAST}; MSETNX k v; SET k v {PAST}; MSET k v; SET k v {PAST}; SETRANGE k 0 x; SET k v {PAST}; KEYS *
        SET k v {PAST}; SCAN 0; SET k v {PAST}; DBSIZE; HSET k f v; SET k v {PAST}
        LPUSHX k v
        SET k v {PAST}; SORT k; SET k v {PAST}; SUNIONSTORE k none; SET k v {PAST}; ZADD k 1 m; SET k v {PAST}
        XADD k * f v
        SET k v {PAST}; SETBIT k 1 1; SET k v {PAST}; PFADD k a; SET k v {PAST}; BITOP NOT k none
        SET k v {PAST}; GEORADIUS none 1 1 1 km STORE k; SET k v {PAST}; SINTERSTORE k none; SET k v {PAST}; WATCH k
        SORT none STORE k; SET k v {PAST}; ZUNIONSTORE k 1 none
    """,
    "keys": """
        SET a 1; SET b 2; RENAME a c; RENAME c b; RENAME b b; RENAMENX b c; SET d 1; RENAMENX c d; RENAME none x
        COPY c e; COPY c e; COPY c e REPLACE; COPY c f DB 1; MOVE c 1; MOVE none 1; SELECT 1; DEL c f; SELECT 0
        EXPIRE d 100; RENAME d g; PERSIST g; DEL g none; UNLINK e none; DEL none; UNLINK none; EXISTS none; TYPE none
        TOUCH none; OBJECT ENCODING none; OBJECT FREQ none; OBJECT IDLETIME none; OBJECT REFCOUNT none
        RPUSH list 3 1 2; SORT list; SORT list STORE sorted; SORT none STORE sorted; SORT none; SORT_RO none
        SORT list BY nokey STORE sorted; SORT list BY w_* GET x_* GET # STORE sorted; SORT list BY nosort GET *->f
        FLUSHDB; SET a 1; SWAPDB 0 1; SWAPDB 0 1; FLUSHALL; KEYS *; RANDOMKEY; SCAN 0; DBSIZE
    """,
    "lists": """
        RPUSH l 1 2 3; LPUSH l 0; RPUSHX l 4; LPUSHX l 5; RPUSHX none 1; LPUSHX none 1; LINSERT l BEFORE 1 x
        LINSERT l AFTER zz x; LINSERT none AFTER a b; LSET l 0 y; LSET l 99 y; LSET none 0 y; LREM l 0 x; LREM l 0 zz
        LREM none 0 a; LTRIM l 0 2; LTRIM l 0 99; LTRIM none 0 1; LINDEX l 0; LINDEX none 0; LLEN none; LRANGE none 0 -1
        LPOS l zz; LPOS none a; LPOP l; RPOP l; LPOP none; RPOP none; LPOP none 2; RPOP l 0; RPUSH l a b c; LPOP l 2
        RPOP l 9; RPUSH l a b c; RPOPLPUSH l m; RPOPLPUSH l l; RPOPLPUSH none m; LMOVE l m LEFT RIGHT
        LMOVE l m RIGHT LEFT; LMOVE m m LEFT RIGHT; LMOVE none m LEFT LEFT; LMPOP 2 none m LEFT; LMPOP 1 m RIGHT COUNT 9
        LMPOP 1 none LEFT; RPUSH l a b c d e f; BLPOP none l 1; BRPOP l 1; BRPOPLPUSH l m 1; BLMOVE l m LEFT LEFT 1
        BLMPOP 1 2 none l LEFT COUNT 1; LTRIM l 9 9; RPUSH l a a; LREM l 0 a; RPUSH l a; BLPOP l 1; DEL m
        RPUSH l a; LMOVE l m LEFT LEFT; RPUSH x 1; RPOPLPUSH x m; MULTI; BLPOP none 0; EXEC
    """,
    "sets": """
        SADD s a b c; SADD s a; SADD s 1 2; SREM s a; SREM s zz; SREM none a; SISMEMBER none a; SMISMEMBER none a
        SCARD none; SMEMBERS none; SRANDMEMBER none; SRANDMEMBER none 2; SRANDMEMBER s; SPOP none; SPOP none 2; SPOP s
        SPOP s 0; SPOP s 2; SPOP s 99; SADD s a b; SMOVE s t a; SMOVE s t zz; SMOVE none t a; SMOVE s s b; SADD t b
        SMOVE s t b; SADD s x y z; SADD t x y; SINTERSTORE d s t; SUNIONSTORE d s t; SDIFFSTORE d s t
        SINTERSTORE d s none; SINTERSTORE d s none; SDIFFSTORE d s s; SUNIONSTORE d none none2; SUNIONSTORE s s t
        SINTER s none; SUNION s none; SDIFF none s; SINTERCARD 2 s none; SREM s x y z; DEL t; SADD one 1; SPOP one
        SADD one 1; SREM one 1; SADD one 1; SPOP one 1; SSCAN none 0; SET str v; SUNIONSTORE str none; SADD u 1 2
        SINTERSTORE u u u; SUNIONSTORE new u
    """,
    "hashes": """
        HSET h f v g w; HSET h f v; HSET h f new; HMSET h a 1 b 2; HSETNX h a 1; HSETNX h c 1; HINCRBY h n 1
        HINCRBYFLOAT h n 1.5; HINCRBY h f 1; HDEL h a zz; HDEL h zz; HDEL none a; HGET none a; HGET h zz; HMGET none a
        HGETALL none; HKEYS none; HVALS none; HLEN none; HEXISTS none a; HSTRLEN none a; HRANDFIELD none
        HRANDFIELD none 2; HSCAN none 0; HDEL h f g b c n; HSET h f v; HDEL h f f; HINCRBY new f 1
        HINCRBYFLOAT new2 f 1
        HSETNX new3 f v
    """,
    "sorted sets": """
        ZADD z 1 a 2 b 3 c; ZADD z 1 a; ZADD z 5 a; ZADD z NX 1 a; ZADD z XX CH 9 a; ZADD z XX 9 zz; ZADD none XX 1 a
        ZADD z INCR 1 a; ZADD z NX INCR 1 a; ZADD new INCR 1 a; ZADD z GT 1 a; ZINCRBY z 2 b; ZINCRBY z 0 b
        ZINCRBY n2 1 m; ZREM z zz; ZREM z a; ZREM none a; ZSCORE none a; ZSCORE z zz; ZMSCORE none a; ZCARD none
        ZCOUNT none 0 1; ZLEXCOUNT none - +; ZRANK none a; ZREVRANK none a; ZRANGE none 0 -1; ZREVRANGE none 0 -1
        ZRANGEBYSCORE none 0 1; ZRANGEBYLEX none - +; ZREVRANGEBYSCORE none 1 0; ZREVRANGEBYLEX none + -
        ZRANDMEMBER none; ZRANDMEMBER none 2; ZSCAN none 0; ZPOPMIN none; ZPOPMAX none 2; ZPOPMIN z 0; ZPOPMIN z
        ZADD z 1 a 2 b 3 c 4 d; ZPOPMAX z 2; ZPOPMIN z 99; ZADD z 1 a 2 b 3 c 4 d; ZREMRANGEBYRANK z 0 0
        ZREMRANGEBYRANK z 9 9; ZREMRANGEBYSCORE z 2 2; ZREMRANGEBYSCORE z 99 100; ZREMRANGEBYLEX z [c [c
        ZREMRANGEBYLEX none - +; ZREMRANGEBYSCORE z -inf +inf; ZADD z 1 a 2 b; ZADD y 1 a; ZUNIONSTORE d 2 z y
        ZINTERSTORE d 2 z y; ZDIFFSTORE d 2 z y; ZINTERSTORE d 2 z none; ZINTERSTORE d 2 z none; ZDIFFSTORE d 1 none
        ZUNIONSTORE z 2 z y; ZRANGESTORE r z 0 -1; ZRANGESTORE r z 9 9; ZRANGESTORE r none 0 1; ZRANGESTORE r z 9 9
        ZRANGESTORE r z 1 2 BYSCORE; ZUNION 2 z none; ZINTER 2 z none; ZDIFF 2 none z; ZINTERCARD 2 z none
        ZMPOP 2 none z MIN; ZMPOP 1 z MAX COUNT 9; ZMPOP 1 none MIN; ZADD z 1 a 2 b 3 c; BZPOPMIN none z 1; BZPOPMAX z 1
        BZMPOP 1 2 none z MIN; ZADD z 1 a; ZREM z a; ZADD z 1 a; ZPOPMAX z; SADD s a; ZUNIONSTORE d 1 s
        SET str v; ZUNIONSTORE str 1 none; ZRANGESTORE str none 0 1
    """,
    "geo": """
        GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania; GEOADD g 13.361389 38.115556 Palermo
        GEOADD g XX 1 1 none; GEODIST none a b; GEOPOS none a; GEOHASH none a; GEODIST g Palermo Catania
        GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 200 km; GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCHSTORE d g FROMLONLAT 50 37 BYRADIUS 2 km; GEOSEARCHSTORE d none FROMLONLAT 50 37 BYRADIUS 2 km
        GEORADIUS g 15 37 200 km STORE d; GEORADIUSBYMEMBER g Palermo 200 km STOREDIST d; GEORADIUS none 15 37 1 km
        GEORADIUS none 15 37 200 km STORE d; GEORADIUS g 15 37 200 km; GEORADIUS_RO none 1 1 1 km
    """,
    "bitmaps": """
        SETBIT b 7 1; SETBIT b 7 1; SETBIT b 7 0; GETBIT none 1; BITCOUNT none; BITPOS none 1; BITPOS none 0
        BITFIELD none GET u8 0; BITFIELD b SET u8 0 255; BITFIELD b INCRBY u8 0 1 GET u8 0
        BITFIELD b OVERFLOW FAIL INCRBY u2 0 9
        BITFIELD new SET u8 0 1 SET u8 8 1; BITFIELD_RO none GET u8 0; BITOP AND d b new; BITOP NOT d b; BITOP OR d none
        BITOP OR d none; BITOP XOR e none b; SETBIT far 100 0
    """,
    "hyperloglogs": """
        PFADD h a b; PFADD h a; PFADD empty; PFADD empty; PFCOUNT h; PFCOUNT none; PFCOUNT h none; PFMERGE d h none
        PFMERGE d; PFMERGE new; PFADD h c; PFCOUNT h h; PFMERGE h d
    """,
    "streams": """
        XADD x 1-1 f v; XADD x 2-1 f v; XADD x NOMKSTREAM 3-1 f v; XADD none NOMKSTREAM 1-1 f v; XADD x MAXLEN 2 4-1 f v
        XADD x MAXLEN = 9 5-1 f v; XADD x 1-1 f v; XLEN none; XRANGE none - +; XREVRANGE none + -; XDEL x 2-1
        XDEL x 99-1
        XDEL none 1-1; XTRIM x MAXLEN 9; XTRIM x MAXLEN 1; XTRIM none MAXLEN 1; XTRIM x MINID 1; XSETID x 9-1
        XSETID none 9-1; XREAD STREAMS x 0; XREAD STREAMS none 0; XREAD COUNT 1 STREAMS x none 0 0
        XGROUP CREATE x g 0; XGROUP CREATE x g 0; XGROUP CREATE none g 0; XGROUP CREATE mk g $ MKSTREAM
        XGROUP SETID x g 0; XGROUP SETID x nog 0; XGROUP CREATECONSUMER x g c; XGROUP CREATECONSUMER x g c
        XREADGROUP GROUP g d STREAMS x >; XREADGROUP GROUP g d STREAMS x >; XREADGROUP GROUP g d STREAMS x 0
        XREADGROUP GROUP g e COUNT 1 STREAMS x 0; XREADGROUP GROUP nog e STREAMS x >
        XPENDING x g; XPENDING x g - + 10; XPENDING none g; XCLAIM x g f 0 5-1; XCLAIM x g f 0 5-1
        XCLAIM none g f 0 5-1
        XAUTOCLAIM x g h 0 0; XAUTOCLAIM none g h 0 0; XACK x g 5-1
        XACK x g 5-1; XACK none g 1-1; XGROUP DELCONSUMER x g c; XGROUP DELCONSUMER x g zz; XGROUP DESTROY x g
        XGROUP DESTROY x g; XGROUP DESTROY none g; XINFO STREAM none; XINFO STREAM x; XINFO GROUPS none
        XINFO CONSUMERS none g; XTRIM x MAXLEN 0; XDEL x 5-1; DEL x
    """,
    "transactions": """
        MULTI; SET a 1; INCR a; DEL a; EXEC; MULTI; SET a 1; DISCARD; WATCH a; SET a 2; MULTI; SET a 3; EXEC; UNWATCH
    """,
}


class Side:
    """A server, a client that changes keys, and one that listens to the events."""

    def __init__(self, sender: InProcessClient | RealClient, listener: InProcessClient | RealClient) -> None:
        self.sender = sender
        self.listener = listener
        self._queueing = False
        sender("FLUSHALL")
        sender("CONFIG", "SET", "notify-keyspace-events", "KEAmn")
        listener("PSUBSCRIBE", "__key*")
        listener("PSUBSCRIBE", END)

    def events(self, words: list[str]) -> list[tuple[object, object]]:
        """The events a command fires, as channels and messages."""
        self.sender(*[word.encode("latin-1") for word in words])
        if words[0] in {"MULTI", "EXEC", "DISCARD"}:
            self._queueing = words[0] == "MULTI"
        if self._queueing:
            return []  # PUBLISH would be queued
        self.sender("PUBLISH", END, "")
        found: list[tuple[object, object]] = []
        while True:
            message = self.listener.reply()
            assert isinstance(message, list)
            if message[2] == END.encode():
                return found
            found.append((message[2], message[3]))


@pytest.fixture(scope="module")
def real_server() -> Iterator[tuple[RealClient, RealClient]]:
    with start(install("redis-7.0"), config={"enable-debug-command": "yes", "hz": "1"}) as server:
        clients = RealClient(server), RealClient(server)
        clients[0]("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        yield clients
        for client in clients:
            client.close()


def commands_of(text: str) -> list[list[str]]:
    """Commands, one a line or parted by semicolons; quotes and escapes as in a shell."""
    lines = [part.strip() for line in text.splitlines() for part in line.split(";")]
    return [
        [word.encode().decode("unicode_escape") for word in shlex.split(line.replace("\\", "\\\\"))]
        for line in lines
        if line
    ]


@pytest.mark.parametrize("group", SEQUENCES)
def test_the_events_are_the_real_servers(real_server: tuple[RealClient, RealClient], group: str) -> None:
    server = InProcessServer()
    server.server.settings.enable_debug_command = "yes"
    ours = Side(server.client(), server.client())
    theirs = Side(*real_server)
    departures = []
    fired = 0
    for words in commands_of(SEQUENCES[group]):
        real, own = theirs.events(words), ours.events(words)
        fired += len(real)
        if own != real:
            departures.append(f"{' '.join(words)}: the real server fires {real}, hognose {own}")
    assert not departures, "\n".join(departures)
    assert fired > 0
