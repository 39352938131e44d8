"""Which mistake HGETEX, HSETEX, HGETDEL and the HEXPIRE family report when a request has several, as in Redis 8.2."""

from collections.abc import Iterator

import pytest

from compat.servers import install, start
from tests.inprocess import InProcessServer
from tests.side_by_side import RealClient, SideBySide

pytestmark = pytest.mark.server

REQUESTS = """
hgetex h PXAT abc FIELDS -3 a b
hgetex h EXAT abc fields 3 10.5 1
hgetex h EX 10 FIELDS -3 a b
hgetex h EX 10 FIELDS abc a b
hgetex h EX -5 FIELDS 1 a b
hgetex h EX -5 BLAH
hgetex h EX -5 FIELDS
hgetex h EX -5 FIELDS 1
hgetex h EX 5 FIELDS 1
hgetex h EX 5 FIELDS
hgetex h EX -5 PX 3 FIELDS 1 a
hgetex h EX 5 PX abc FIELDS 1 a
hgetex h EX abc PX 3 FIELDS 1 a
hgetex h EX 99999999999999999 FIELDS 0 a
hgetex str EX abc FIELDS 1 a
hgetex nokey EX abc FIELDS 1 a
hgetex str EX 10 FIELDS 3 a
hgetex str BLAH 3 4 a
hgetex nokey EX 10 FIELDS 3 a
hgetex h PERSIST EX abc FIELDS 1 a
hgetex h EX 10 FIELDS 1 a EX 20
hgetex h FIELDS 1 a EX 20
hgetex h FIELDS 1 a PERSIST
hgetex h FIELDS 1 a BLAH
hgetex h FIELDS 1 a BLAH BLUB
hgetex h FIELDS 2 a b FIELDS 1 a
hgetex h FIELDS 3 a b FIELDS 1 a
hgetex h FIELDS 5 a b FIELDS 1 a
hgetex h EX 0 FIELDS 1 zzz
hgetex h EX FIELDS 1 a
hgetex h EX FIELDS 1 a b
hgetex h 2 3 4
hgetex h PERSIST 2 3 4
hgetex h FIELDS 0 a
hgetex h FIELDS 3 a
hgetex h FIELDS 1 a b
hgetex h FIELDS 1.5 a b
hgetex h FIELDS 9223372036854775807 a
hgetex h FIELDS 2147483648 a
hgetex h PX 9223372036854775807 FIELDS 5 b
hgetex h EX 5 PX 6 BLAH 5 b
hgetex h EX 5 BLAH 6 PX 5 b
hgetex h EX 5 BLAH 6 PX abc b
hgetex h EX abc BLAH 6 PX abc b
hgetex h PX
hsetex h PX FNX -922 Fields 1 300000 4.50
hsetex h FNX FXX FIELDS 1 a b
hsetex h FIELDS 1 a b FNX
hsetex h FIELDS 1 a b FXX
hsetex h FIELDS 1 a b EX 10
hsetex h FIELDS 1 a b EX abc
hsetex h FIELDS 1 a b c
hsetex h FIELDS 1 a b c d
hsetex h FIELDS 2 a b
hsetex h FIELDS 0 a b
hsetex h FIELDS x a b
hsetex h FIELDS 2 a b c
hsetex h FIELDS 2 a b c d e
hsetex str FIELDS x a b
hsetex str FIELDS 1 a b
hsetex str EX abc FIELDS 1 a b
hsetex nokey EX abc FIELDS 1 a b
hsetex h EX -1 FNX FXX FIELDS 1 a b
hsetex h EX -1 KEEPTTL FIELDS 1 a b
hsetex h KEEPTTL EX -1 FIELDS 1 a b
hsetex h FIELDS 1 a b FIELDS 1 c d
hsetex h BLAH 1 a b
hsetex h FNX FNX FIELDS 1 a b
hsetex h KEEPTTL KEEPTTL FIELDS 1 a b
hsetex h EX 10 EX 10 FIELDS 1 a b
hsetex h pxat abc FIELDS 3 a o a 1
hsetex h FNX PX -922 fields -3 1 o
hsetex h FXX PX 922 fields -3 1 o
hsetex h FXX PX 922 fields 3 1 o
hsetex h FXX PX
hsetex h FXX FIELDS 1 a
hsetex h FXX FIELDS 1 a v EX
hsetex h FXX 1 a v EX
hgetdel str FIELDS x a
hgetdel str FIELDS 0 a
hgetdel str FIELDS 3 a
hgetdel str FIELD 1 a
hgetdel h FIELDS 1 a b
hgetdel h FIELDS 2 a
hgetdel h FIELDS 9999999999 a
hgetdel h x FIELDS 1 a
hgetdel nokey x FIELDS 1 a
hgetdel nokey FIELDS x a
hgetdel nokey FIELDS 0 a
hexpire str abc FIELDS 1 a
hexpire h abc FIELDS 1 a
hexpire h -1 FIELDS 1 a
hexpire h 10 BLAH 1 a
hexpire h abc BLAH 1 a
hexpire h 10 NX FIELDS x a
hexpire h 10 NX FIELDS 3 a
hexpire h 10 NX XX FIELDS 1 a
hexpire h 10 FIELDS 1 a NX
hexpire nokey abc FIELDS 1 a
hexpire nokey 10 FIELDS 3 a
httl str FIELDS 3 a
httl nokey FIELDS 3 a
httl nokey BLAH 3 a
hpersist nokey BLAH 3 a
hpersist h FIELDS 0 a
hpersist h FIELDS 2 a
"""


@pytest.fixture(scope="module")
def real() -> Iterator[RealClient]:
    with start(install("redis-8.2")) as running:
        client = RealClient(running)
        yield client
        client.close()


@pytest.mark.parametrize("request_line", REQUESTS.strip().splitlines())
def test_mistakes_are_reported_in_the_same_order(real: RealClient, request_line: str) -> None:
    pair = SideBySide(InProcessServer(), real)
    pair("FLUSHALL")
    pair("HSET", "h", "a", "1", "b", "2")
    pair("SET", "str", "x")
    pair(*request_line.split())
    pair("HLEN", "h")
