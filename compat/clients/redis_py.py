"""The scenario through redis-py, blocking: `python -m compat.clients.redis_py PORT PROTOCOL`."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection
from redis.retry import Retry

from compat.clients.scenario import ALL_BYTES, LARGE_BYTES, UNICODE, ask_for_restart, check, report

ADD_SCRIPT = "local n = redis.call('INCRBY', KEYS[1], ARGV[1]) return {n, KEYS[1], ARGV[2]}"


class Scenario:
    """The steps; each is a method of its name."""

    def __init__(self, port: int, protocol: int) -> None:
        self._port = port
        self._protocol = protocol
        self._client: Any = self._connect()
        self._client.flushall()

    def _connect(self) -> Any:  # redis-py's annotations differ between its versions
        # A server that restarts refuses connections for a moment.
        retry = Retry(ConstantBackoff(0.1), 100)
        return redis.Redis(port=self._port, protocol=self._protocol, socket_timeout=20, retry=retry)

    def strings(self) -> None:
        client = self._client
        check(client.set("s", "value", ex=100), True)
        check(client.get("s"), b"value")
        check(95 <= client.ttl("s") <= 100, True)
        check(client.set("s", "other", nx=True), None)
        check(client.set("s", "other", get=True), b"value")
        check([client.incr("n"), client.incrby("n", 41), client.incrbyfloat("f", 1.5)], [1, 42, 1.5])
        check(client.mset({"a": 1, "b": 2}), True)
        check(client.mget("a", "b", "none"), [b"1", b"2", None])
        check(client.delete("a", "b", "none"), 2)

    def binary(self) -> None:
        client = self._client
        check(client.set(ALL_BYTES, ALL_BYTES), True)
        check(client.get(ALL_BYTES), ALL_BYTES)
        check(client.hset("u", UNICODE, UNICODE), 1)
        check(client.hgetall("u"), {UNICODE.encode(): UNICODE.encode()})

    def hashes(self) -> None:
        client = self._client
        check(client.hset("h", mapping={"a": 1, "b": "two"}), 2)
        check(client.hgetall("h"), {b"a": b"1", b"b": b"two"})
        check(client.hincrby("h", "a", 4), 5)
        check(client.hmget("h", ["a", "none"]), [b"5", None])
        check(dict(client.hscan_iter("h")), {b"a": b"5", b"b": b"two"})

    def sorted_sets(self) -> None:
        client = self._client
        check(client.zadd("z", {"a": 1, "b": 2.5, "c": 3}), 3)
        pairs = client.zrange("z", 0, -1, withscores=True)
        check([tuple(pair) for pair in pairs], [(b"a", 1.0), (b"b", 2.5), (b"c", 3.0)])
        check(client.zscore("z", "b"), 2.5)
        check(client.zrank("z", "c"), 2)
        check(client.zincrby("z", 10, "a"), 11.0)
        check(client.zrangebyscore("z", 2, 5), [b"b", b"c"])
        check([tuple(pair) for pair in client.zpopmin("z", 1)], [(b"b", 2.5)])

    def pipeline(self) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            for number in range(1000):
                pipe.rpush("p", number)
            pipe.lrange("p", 0, -1)
            pipe.incr("p")
            replies = pipe.execute(raise_on_error=False)
        check(replies[:1000], list(range(1, 1001)))
        check(replies[1000], [str(number).encode() for number in range(1000)])
        check(type(replies[1001]), redis.ResponseError)

    def transaction(self) -> None:
        client, other = self._client, self._connect()
        client.set("t", 1)
        with client.pipeline() as pipe:
            pipe.watch("t")
            other.set("t", 2)
            pipe.multi()
            pipe.incr("t")
            try:
                pipe.execute()
            except redis.WatchError:
                pass
            else:
                raise AssertionError("the transaction went through although its key was changed")
        check(client.get("t"), b"2")
        with client.pipeline() as pipe:
            check(pipe.incr("t").get("t").execute(), [3, b"3"])
        other.close()

    def publish_subscribe(self) -> None:
        pubsub = self._client.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe("news")
        pubsub.psubscribe("ne?t")
        receivers = self._until(lambda: self._client.publish("news", "one"), lambda count: count == 1)
        check(receivers, 1)
        self._client.publish("next", b"\x00\xff")
        found: list[object] = []
        while len(found) < 2:
            message = pubsub.get_message(timeout=20)
            if message is not None:
                found.append((message["type"], message["channel"], message["data"]))
        check(found, [("message", b"news", b"one"), ("pmessage", b"next", b"\x00\xff")])
        pubsub.close()

    @staticmethod
    def _until(action: Callable[[], int], holds: Callable[[int], bool]) -> int:
        deadline = time.monotonic() + 20
        while not holds(result := action()):
            check(time.monotonic() < deadline, True)
        return result

    def blocking_pop(self) -> None:
        client, other = self._client, self._connect()
        got: list[Any] = []
        waiter = threading.Thread(target=lambda: got.append(other.blpop(["q1", "q2"], timeout=20)))
        waiter.start()
        self._until(lambda: client.info("clients")["blocked_clients"], lambda count: count == 1)
        client.rpush("q2", "job")
        waiter.join()
        check([tuple(item) for item in got], [(b"q2", b"job")])
        check(client.blpop(["q1"], timeout=0.05), None)
        other.close()

    def streams(self) -> None:
        client = self._client
        ids = [client.xadd("x", {"n": str(number)}) for number in range(3)]
        check(client.xgroup_create("x", "g", id="0"), True)
        check(self._delivered(client.xreadgroup("g", "one", {"x": ">"}, count=2)), ids[:2])
        check(client.xack("x", "g", ids[0]), 1)
        check(client.xpending("x", "g")["pending"], 1)
        claimed = client.xautoclaim("x", "g", "two", min_idle_time=0)
        check([entry[0] for entry in claimed[1]], [ids[1]])
        check(self._delivered(client.xreadgroup("g", "two", {"x": ">"}, block=1000)), ids[2:])
        check(client.xlen("x"), 3)
        check(client.xinfo_groups("x")[0]["pending"], 2)

    @staticmethod
    def _delivered(reply: object) -> list[bytes]:
        """The ids of one stream's entries, in the list of RESP2 and in the dictionary of RESP3."""
        if isinstance(reply, dict):
            entries = next(iter(reply.values()))
            return [entry[0] for entry in (entries[0] if isinstance(entries[0], list) else entries)]
        assert isinstance(reply, list)
        return [entry[0] for entry in reply[0][1]]

    def scan(self) -> None:
        client = self._client
        client.mset({f"scan:{number}": number for number in range(1000)})
        found = set(client.scan_iter(match="scan:*", count=100))
        check(found, {f"scan:{number}".encode() for number in range(1000)})

    def scripts(self) -> None:
        client = self._client
        script = client.register_script(ADD_SCRIPT)
        check(script(keys=["count"], args=[5, "x"]), [5, b"count", b"x"])
        client.script_flush()
        # EVALSHA is refused with NOSCRIPT; the library loads the script and tries again.
        check(script(keys=["count"], args=[5, "y"]), [10, b"count", b"y"])
        check(client.eval("return {1, 'two', {3}, false}", 0), [1, b"two", [3], None])
        try:
            client.eval("return redis.error_reply('MINE no')", 0)
        except redis.ResponseError as error:
            check(str(error), "MINE no")
        else:
            raise AssertionError("an error reply raised nothing")

    def large_value(self) -> None:
        value = b"\xab" * LARGE_BYTES
        check(self._client.set("large", value), True)
        check(self._client.get("large") == value, True)
        check(self._client.getrange("large", -2, -1), value[-2:])
        self._client.delete("large")

    def client_side_cache(self) -> None:
        # redis-py wants 7.4 in HELLO's version; all that it uses is in 6.0.
        CacheProxyConnection.MIN_ALLOWED_VERSION = "7.0.0"
        options: dict[str, Any] = {"protocol": 3, "cache_config": CacheConfig(), "single_connection_client": True}
        with redis.Redis(port=self._port, **options) as caching:
            self._client.set("cached", "1")
            self._client.config_resetstat()
            check([caching.get("cached") for _ in range(5)], [b"1"] * 5)
            check(self._client.info("commandstats")["cmdstat_get"]["calls"], 1)
            self._client.set("cached", "2")
            deadline = time.monotonic() + 20
            while caching.get("cached") != b"2":
                check(time.monotonic() < deadline, True)

    def reconnect(self) -> None:
        self._client.set("before", "1")
        ask_for_restart()
        check(self._client.set("after", "2"), True)
        check(self._client.get("after"), b"2")


if __name__ == "__main__":
    report(Scenario(int(sys.argv[1]), int(sys.argv[2])), has_cache=True)
