"""Damaged payloads and dump files: refused with the exact error, or a value that is sound in every way.

Payloads of every type, encoding and version, the old encodings included, are changed at random (`Damage`) and restored
without looking at their checksums. What is let in must hold its invariants, survive commands, go out and in again
unchanged, and leave no memory on the account when it is deleted. Whole files are treated likewise.

    python -m tests.faults.dump_fuzz --seconds 3600 [--seed N]

A failure prints the seed and the payload; the same seed makes the same cases in the same order.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from io import BytesIO
from random import Random, SystemRandom
from typing import Final

import hiredis

from compat.dataset import TRAITS, fill
from hognose.datastructures.hashvalue import HashValue
from hognose.datastructures.quicklist import ListValue
from hognose.datastructures.setvalue import SetValue
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.value import Value
from hognose.datastructures.zset import ZSetValue
from hognose.persistence.rdb_format import RdbError
from hognose.persistence.rdb_reader import DatasetReader
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_source import RdbSource
from hognose.persistence.rdb_writer import FileOptions, write_dataset
from tests.faults.old_encodings import old_payloads
from tests.inprocess import InProcessClient, InProcessServer

VERSIONS: Final = ("9", "10", "11", "12", "80")
REFUSALS: Final = ("ERR Bad data format", "ERR DUMP payload version or checksum are wrong")
LARGEST_PAYLOAD: Final = 3000
MOST_CPU_SECONDS: Final = 5.0
"""For one case, interpreted on a busy machine: any of these payloads restores in milliseconds."""
MOST_GROWTH_KB: Final = 300_000

INTERESTING: Final = [0, 1, 2, 63, 64, 127, 128, 191, 192, 193, 194, 195, 224, 240, 241, 254, 255]
COMMANDS: Final[dict[bytes, list[tuple[str | float, ...]]]] = {
    b"string": [("GET", "k"), ("APPEND", "k", "x"), ("STRLEN", "k"), ("GETRANGE", "k", 0, 100), ("PFCOUNT", "k")],
    b"list": [
        ("LRANGE", "k", 0, -1),
        ("LPUSH", "k", "a"),
        ("LINSERT", "k", "BEFORE", "a", "b"),
        ("LSET", "k", -1, "z"),
        ("LREM", "k", 0, "a"),
        ("LPOS", "k", "z"),
        ("RPOP", "k", 2),
        ("LTRIM", "k", 1, -2),
    ],
    b"set": [
        ("SMEMBERS", "k"),
        ("SADD", "k", "a", "1", "70000000000"),
        ("SISMEMBER", "k", "a"),
        ("SRANDMEMBER", "k", 5),
        ("SDIFF", "k"),
        ("SSCAN", "k", 0),
        ("SREM", "k", "a"),
        ("SPOP", "k"),
    ],
    b"hash": [
        ("HGETALL", "k"),
        ("HSET", "k", "a", "1", "b", "2"),
        ("HINCRBY", "k", "a", 1),
        ("HRANDFIELD", "k", 3),
        ("HSCAN", "k", 0),
        ("HPEXPIRE", "k", 100_000, "FIELDS", 1, "a"),
        ("HPTTL", "k", "FIELDS", 1, "a"),
        ("HDEL", "k", "b"),
    ],
    b"zset": [
        ("ZRANGE", "k", 0, -1, "WITHSCORES"),
        ("ZADD", "k", 1.5, "a", -3, "b"),
        ("ZRANK", "k", "a"),
        ("ZRANGEBYSCORE", "k", "-inf", "inf"),
        ("ZLEXCOUNT", "k", "-", "+"),
        ("ZINCRBY", "k", 2, "b"),
        ("ZSCAN", "k", 0),
        ("ZPOPMIN", "k", 2),
        ("ZREM", "k", "a"),
    ],
    b"MBbloom--": [("BF.EXISTS", "k", "1"), ("BF.ADD", "k", "new"), ("BF.INFO", "k")],
    b"MBbloomCF": [("CF.EXISTS", "k", "1"), ("CF.ADD", "k", "new"), ("CF.DEL", "k", "1"), ("CF.INFO", "k")],
    b"CMSk-TYPE": [("CMS.QUERY", "k", "a"), ("CMS.INCRBY", "k", "b", 5), ("CMS.INFO", "k")],
    b"TopK-TYPE": [("TOPK.QUERY", "k", "a"), ("TOPK.ADD", "k", "d"), ("TOPK.LIST", "k", "WITHCOUNT")],
    b"stream": [
        ("XRANGE", "k", "-", "+"),
        ("XREVRANGE", "k", "+", "-", "COUNT", 3),
        ("XINFO", "STREAM", "k", "FULL"),
        ("XADD", "k", "*", "f", "v"),
        ("XGROUP", "CREATE", "k", "new", 0),
        ("XREADGROUP", "GROUP", "new", "c", "COUNT", 3, "STREAMS", "k", ">"),
        ("XAUTOCLAIM", "k", "new", "d", 0, 0),
        ("XPENDING", "k", "new"),
        ("XDEL", "k", "1-1"),
        ("XTRIM", "k", "MAXLEN", 5),
    ],
}
"""What is done to a value that was let in, by its type."""

SKETCHES: Final[list[tuple[str | float, ...]]] = [
    ("BF.RESERVE", "bloom", 0.1, 10),
    ("BF.MADD", "bloom", *range(30)),
    ("CF.RESERVE", "cuckoo", 16),
    *[("CF.ADD", "cuckoo", index) for index in range(20)],
    ("CMS.INITBYDIM", "counts", 8, 2),
    ("CMS.INCRBY", "counts", "a", 3),
    ("TOPK.RESERVE", "top", 2, 8, 2, 0.9),
    ("TOPK.ADD", "top", "a", "b", "c"),
]


class Damage:
    """Changes bytes at random."""

    def __init__(self, random: Random) -> None:
        self._random: Final = random

    def apply(self, data: bytes, other: bytes) -> bytes:
        """A damaged copy; pieces may come from other bytes."""
        changed = bytearray(data)
        for _ in range(self._random.choice((1, 1, 1, 2, 4))):
            if changed:
                self._change(changed, other)
        return bytes(changed)

    def _change(self, data: bytearray, other: bytes) -> None:
        random = self._random
        at = random.randrange(len(data))
        end = min(len(data), at + random.randrange(1, 9))
        match random.randrange(9):
            case 0:
                data[at] ^= 1 << random.randrange(8)
            case 1:
                data[at] = random.randrange(256)
            case 2:
                data[at] = random.choice(INTERESTING)
            case 3:
                data[at] = (data[at] + random.choice((-1, 1))) & 255
            case 4:
                del data[at:end]
            case 5:
                data[at:at] = random.randbytes(end - at)
            case 6:
                data[at:at] = data[at:end]
            case 7:
                data[at:end] = random.choice((b"\x81" + b"\x7f" * 8, b"\x80" + b"\xff" * 4, b"\xff" * (end - at)))
            case _:
                start = random.randrange(len(other))
                data[at:end] = other[start : start + random.randrange(1, 33)]


class DumpFuzz:
    """Makes cases and judges what becomes of them.

    Args:
        seed: Decides everything.

    Attributes:
        cases, accepted: How many there were, and how many of them were let in.
    """

    def __init__(self, seed: int) -> None:
        self.seed: Final = seed
        self._random: Final = Random(seed)
        self._damage: Final = Damage(self._random)
        self._server = fuzz_server()
        self._client: InProcessClient = self._server.client()
        self._payloads: Final = payloads()
        self._files: Final = [dump_file(version) for version in VERSIONS]
        self._base_bytes = self._account()
        self._peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.cases = 0
        self.accepted = 0

    def run(self, seconds: float) -> None:
        """Goes on for a while.

        Raises:
            AssertionError: Something is wrong; the text says with what, and has the payload.
        """
        stop = time.monotonic() + seconds
        while time.monotonic() < stop:
            self.one_payload()
            if self.cases % 20 == 0:
                self.one_file()

    def one_payload(self) -> None:
        """Restores one damaged payload."""
        payload = self._random.choice(self._payloads)
        damaged = self._damage.apply(payload[:-10], self._random.choice(self._payloads)) + payload[-10:]
        self.cases += 1
        before = time.process_time()
        try:
            self._judge(damaged)
        except Exception as error:
            raise AssertionError(f"seed {self.seed}, case {self.cases}, payload {damaged!r}: {error!r}") from error
        spent = time.process_time() - before
        assert spent < MOST_CPU_SECONDS, f"seed {self.seed}: {spent:.1f} s for payload {damaged!r}"
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._peak_kb
        assert grown < MOST_GROWTH_KB, f"seed {self.seed}: {grown} kB after payload {damaged!r}"

    def _account(self) -> int:
        keyspace = self._server.server.keyspace
        keyspace.settle_memory()
        return int(keyspace.memory_bytes)

    def _judge(self, payload: bytes) -> None:
        client = self._client
        reply = client("RESTORE", "k", 0, payload)
        if isinstance(reply, hiredis.ReplyError):
            assert str(reply) in REFUSALS, reply
            assert client("EXISTS", "k") == 0
        else:
            assert reply == b"OK", reply
            self.accepted += 1
            self._use()
        client("DEL", "k", "copy")
        assert self._account() == self._base_bytes, "memory left on the account"

    def _use(self) -> None:
        """Does everything to a value that was let in."""
        client = self._client
        check_key(self._server, b"k")
        again = client("DUMP", "k")
        assert isinstance(again, bytes)
        assert client("RESTORE", "copy", 0, again) == b"OK"
        assert client("DEBUG", "DIGEST-VALUE", "k") == client("DEBUG", "DIGEST-VALUE", "copy")
        kind = client("TYPE", "k")
        assert isinstance(kind, bytes)
        for command in COMMANDS.get(kind, []):
            reply = client(*command)
            assert "internal error" not in str(reply), command
            check_key(self._server, b"k")

    def one_file(self) -> None:
        """Reads one damaged file into a server of its own."""
        whole = self._random.choice(self._files)
        damaged = self._damage.apply(whole, self._random.choice(self._files))
        self.cases += 1
        server = fuzz_server()
        core = server.server
        try:
            DatasetReader(core.keyspace, core.value_limits, False, True).read(RdbSource(damaged), False)
        except RdbError:
            return
        except Exception as error:
            raise AssertionError(f"seed {self.seed}, case {self.cases}, file {damaged!r}: {error!r}") from error
        self.accepted += 1
        for database in core.keyspace.databases:
            database.table.check_invariants()
            for key in database.table.keys():  # noqa: SIM118 - not a dict
                if database.index == 0:
                    check_key(server, key)


def fuzz_server() -> InProcessServer:
    """A server that takes damaged payloads, with small limits, so that all forms of values are met."""
    server = InProcessServer(
        hash_max_listpack_entries="8", zset_max_listpack_entries="8", set_max_listpack_entries="8", hz="1"
    )
    server.server.settings.enable_debug_command = "yes"
    server.client()("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1)
    return server


def check_key(server: InProcessServer, key: bytes) -> None:
    """Asserts what must hold of a value, if it is still there."""
    keyspace = server.server.keyspace
    table = keyspace.databases[0].table
    place = table.find(key)
    if place >= 0:
        value = keyspace.value_at(table.found, place)
        assert isinstance(value, (Value, bytes, bytearray, int))
        # The counters of sketches are numbers like any other: changed ones cannot be told from true ones.
        if isinstance(value, (ListValue, SetValue, HashValue, ZSetValue, StreamValue)):
            value.check_invariants()


def payloads() -> list[bytes]:
    """Payloads of every type and encoding in all versions, the shorter ones only: damage must hit something."""
    found = old_payloads()
    for version in VERSIONS:
        server = InProcessServer(rdb_version=version)
        client = server.client()
        fill(client, TRAITS["redis-8.2"])
        for command in SKETCHES:
            client(*command)
        for compression in ("yes", "no"):
            client("CONFIG", "SET", "rdbcompression", compression)
            keys = client("KEYS", "*")
            assert isinstance(keys, list)
            dumps = [client("DUMP", key) for key in sorted(keys)]
            found.extend(dump for dump in dumps if isinstance(dump, bytes) and len(dump) <= LARGEST_PAYLOAD)
    return found


def dump_file(version: str, has_checksum: bool = False) -> bytes:
    """A file with a few keys of every type."""
    server = InProcessServer()
    client = server.client()
    fill(client, TRAITS["redis-8.2"])
    keys = client("KEYS", "*")
    assert isinstance(keys, list)
    for key in keys:
        payload = client("DUMP", key)
        if isinstance(payload, bytes) and len(payload) > LARGEST_PAYLOAD:
            client("DEL", key)
    file = BytesIO()
    write_dataset(RdbSink(None, file), server.server.keyspace, FileOptions(int(version), has_checksum, True, 0))
    return file.getvalue()


def main(words: Sequence[str]) -> int:
    """Fuzzes for as long as the words say."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.dump_fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    options = parser.parse_args(words)
    print(f"seed {options.seed}", flush=True)
    fuzz = DumpFuzz(options.seed)
    fuzz.run(options.seconds)
    print(f"{fuzz.cases} cases, {fuzz.accepted} let in")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
