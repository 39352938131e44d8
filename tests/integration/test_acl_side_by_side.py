"""Users and rules beside a real server: what ACL answers, what users look like, and what they may do.

Redis 7.0 is asked where 7.2 did not change anything, Redis 8.2 where it did: the order of command rules is kept, users
show `sanitize-payload`, refusals name the user.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from compat.servers import install, start
from tests.inprocess import InProcessServer
from tests.side_by_side import RealClient, SideBySide, plain

pytestmark = pytest.mark.server

SAME = [
    "ACL",
    "ACL NONSENSE",
    "ACL WHOAMI",
    "ACL WHOAMI x",
    "ACL USERS",
    "ACL USERS x",
    "ACL LIST",
    "ACL GETUSER",
    "ACL GETUSER nobody",
    "ACL GETUSER default",
    "ACL CAT nonsense",
    "ACL CAT read x",
    "ACL CAT " + "x" * 200,
    "ACL GENPASS x",
    "ACL GENPASS 0",
    "ACL GENPASS -1",
    "ACL GENPASS 4097",
    "ACL GENPASS 1 2",
    "ACL LOG x",
    "ACL LOG RESET",
    "ACL LOG RESET x",
    "ACL LOG -1",
    "ACL LOAD",
    "ACL SAVE",
    "ACL LOAD x",
    "ACL DELUSER",
    "ACL DELUSER default",
    "ACL DELUSER nobody default",
    "ACL DELUSER nobody",
    "ACL DRYRUN default",
    "ACL DRYRUN nobody get x",
    "ACL DRYRUN default nonsense",
    "ACL DRYRUN default get",
    "ACL DRYRUN default get k",
    "ACL DRYRUN default config nonsense",
    "ACL DRYRUN default config get",
    "ACL SETUSER",
    "ACL SETUSER a\tb",
    "ACL SETUSER plain",
    "ACL GETUSER plain",
    "ACL SETUSER plain nonsense",
    "ACL SETUSER plain ~* ~x",
    "ACL SETUSER plain &* &x",
    "ACL SETUSER plain ~a\tb",
    "ACL SETUSER plain &a\tb",
    "ACL SETUSER plain %~",
    "ACL SETUSER plain %X~a",
    "ACL SETUSER plain %RR~a",
    "ACL SETUSER plain %R",
    "ACL SETUSER plain %rw~a %w~b %Wr~c",
    "ACL GETUSER plain",
    "ACL SETUSER plain +nonsense",
    "ACL SETUSER plain +@nonsense",
    "ACL SETUSER plain -@",
    "ACL SETUSER plain +",
    "ACL SETUSER plain +config|nonsense",
    "ACL SETUSER plain +config|get|x",
    "ACL SETUSER plain +get|",
    "ACL SETUSER plain -select|0",
    "ACL SETUSER plain +nonsense|x",
    "ACL SETUSER plain <x",
    "ACL SETUSER plain !x",
    "ACL SETUSER plain #x",
    "ACL SETUSER plain #" + "A" * 64,
    "ACL SETUSER plain !" + "a" * 64,
    "ACL SETUSER plain #" + "a" * 64 + " >secret >secret <secret",
    "ACL GETUSER plain",
    "ACL SETUSER plain nopass",
    "ACL GETUSER plain",
    "ACL SETUSER plain >x skip-sanitize-payload on",
    "ACL GETUSER plain",
    "ACL SETUSER plain (~x +get",
    "ACL SETUSER plain on (",
    "ACL SETUSER plain (nonsense)",
    "ACL SETUSER plain (+@read ~a* &c",
    'ACL SETUSER plain (+@read ~a* &c) ( +set ~b ) (%R~"x" +GET)',
    "ACL GETUSER plain",
    "ACL SETUSER plain clearselectors",
    "ACL GETUSER plain",
    "ACL SETUSER plain +select|0 +SELECT|1 +select|0 +CONFIG|get -@read +Get allchannels",
    "ACL GETUSER plain",
    "ACL LIST",
    "ACL SETUSER plain reset",
    "ACL GETUSER plain",
    "ACL SETUSER Plain on",
    "ACL SETUSER plaim on",
    "ACL USERS",
    "ACL DELUSER plain Plain plaim plain",
    "ACL USERS",
    "AUTH nobody x",
    "CLIENT KILL USER nobody",
]


@pytest.fixture(scope="module")
def pair() -> Iterator[SideBySide]:
    with start(install("redis-8.2")) as server:
        real = RealClient(server)
        yield SideBySide(InProcessServer(), real)
        real.close()


@pytest.mark.parametrize("line", SAME)
def test_the_answer_is_the_real_servers(pair: SideBySide, line: str) -> None:
    pair(*line.split(" "))


def test_categories_hold_the_commands_they_hold_in_redis_7() -> None:
    ours = InProcessServer().client()
    with start(install("redis-7.0")) as server:
        real = RealClient(server)
        known = set(words(real("COMMAND", "LIST")))
        present = set(words(ours("COMMAND", "LIST")))
        categories = words(real("ACL", "CAT"))
        assert words(ours("ACL", "CAT"))[: len(categories)] == categories
        for category in categories:
            mine = set(words(ours("ACL", "CAT", category)))
            theirs = set(words(real("ACL", "CAT", category)))
            assert mine & known == theirs & present, category
        real.close()


def words(reply: object) -> list[bytes]:
    assert isinstance(reply, list)
    return reply


KEYS = ("~*", "allkeys", "resetkeys", "~a", "~b*", "%R~a", "%W~a", "%R~c?", "%RW~b*")
CHANNELS = ("&*", "allchannels", "resetchannels", "&a", "&b*")
FLAGS = ("on", "off", "nopass", "resetpass", ">x", ">y", "<x", "reset", "sanitize-payload", "skip-sanitize-payload")
FIRST_ARGUMENTS = ("+select|0", "+select|1", "+get|a", "-select")
REQUESTS = (
    "GET a", "GET b1", "SET a 1", "SET a 1 GET", "SET c1 1", "GET c1", "MGET a b1 c1", "COPY a c1", "SORT a STORE b",
    "CONFIG GET x", "CONFIG SET x y", "SELECT 0", "SELECT 2", "SUBSCRIBE a", "SUBSCRIBE a b", "PSUBSCRIBE a b*",
    "PSUBSCRIBE b1", "PUBLISH b1 x", "SPUBLISH c x", "SSUBSCRIBE b1", "UNSUBSCRIBE c", "BITFIELD a GET u8 0", "AUTH x",
    "LMOVE a b1 LEFT LEFT", "ZUNIONSTORE b1 2 a c1", "BITFIELD c1 SET u8 0 1", "XREAD STREAMS a c1 0 0", "KEYS *",
    "SMOVE a b1 x", "EXISTS c1 d", "TYPE d", "PFCOUNT c1", "ACL WHOAMI", "ACL LIST", "CLIENT ID", "CLIENT KILL x:1",
)  # fmt: skip


def command_rules(ours: object, real: object) -> list[str]:
    """Rules about commands that both servers have and put into the same categories."""
    rules = ["+@all", "-@all", "allcommands", "nocommands", *FIRST_ARGUMENTS]
    both = set(words(ours)) & set(words(real))
    rules += [sign + name.decode() for name in sorted(both) for sign in "+-"]
    return rules


def rule_sets(pool: list[str], categories: list[bytes], seed: int) -> list[str]:
    """A handful of rules of all kinds."""
    source = random.Random(seed)
    every = [[sign + "@" + name.decode() for name in categories for sign in "+-"], pool, KEYS, CHANNELS, FLAGS]
    rules = [source.choice(source.choice(every)) for _ in range(source.randint(1, 12))]
    if source.random() < 0.5:
        inner = [source.choice(source.choice(every[:4])) for _ in range(source.randint(1, 5))]
        rules.append("(" + " ".join(inner) + ")")
    return rules


def test_random_rules_make_the_same_users_who_may_do_the_same(pair: SideBySide) -> None:
    pool = command_rules(pair.client("COMMAND", "LIST"), pair.real("COMMAND", "LIST"))
    categories = words(pair.real("ACL", "CAT"))
    for seed in range(150):
        rules = rule_sets(pool, categories, seed)
        pair("ACL", "DELUSER", "random")
        for rule in rules:
            pair("ACL", "SETUSER", "random", rule)
        pair("ACL", "GETUSER", "random")
        pair("ACL", "LIST")
        for request in REQUESTS:
            pair("ACL", "DRYRUN", "random", *request.split(" "))


def test_refusals_and_their_log_are_the_real_servers(pair: SideBySide) -> None:
    pair("ACL", "LOG", "RESET")
    pair("ACL", "SETUSER", "worker", "reset", "on", ">p", "~a*", "&c", "+@all", "-@dangerous", "+acl|log", "-mset")
    pair("AUTH", "worker", "wrong")
    pair("AUTH", "worker", "p")
    for line in (
        "GET b", "SET b 1", "MSET a 1", "CONFIG GET port", "PUBLISH d x", "KEYS *", "SORT a BY w_*", "SORT a GET #",
        "SORT a BY nosort STORE b", "MULTI", "GET b", "GET a", "EXEC", "HELLO 2 AUTH worker wrong", "NONSENSE",
        "FLUSHALL", "GET", "OBJECT ENCODING b", "SUBSCRIBE c d", "GET b",
    ):  # fmt: skip
        pair(*line.split(" "))
    for script in (
        "return redis.call('get', KEYS[1])",
        "return redis.pcall('get', 'b')",
        "return redis.call('get', 'b')",
        "return redis.call('mset', 'a', 1)",
        "return {redis.acl_check_cmd('get', 'b'), redis.acl_check_cmd('get', 'a')}",
        "return redis.acl_check_cmd('mset', 'a', 1)",
    ):
        pair("EVAL", script, "1", "a")
        pair("EVAL", script, "1", "b")
    theirs = [entry_of(reply) for reply in words(pair.real("ACL", "LOG", "99"))]
    ours = [entry_of(reply) for reply in words(pair.client("ACL", "LOG", "99"))]
    assert ours == theirs
    assert pair.real("AUTH", "default", "") == pair.client("AUTH", "default", "") == b"OK"
    pair("ACL", "DELUSER", "worker")


def entry_of(reply: object) -> list[object]:
    """An entry of the log without times and ids, which count from the start of the server."""
    flat = words(plain(reply))
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    info = bytes(fields[b"client-info"])
    told = [part for part in info.split() if part.startswith((b"user=", b"cmd=", b"name=", b"db=", b"multi="))]
    assert list(fields)[-3:] == [b"entry-id", b"timestamp-created", b"timestamp-last-updated"]
    return [*[fields[name] for name in (b"count", b"reason", b"context", b"object", b"username")], told]
