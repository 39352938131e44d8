"""The scenario through redis-py's asyncio client: `python -m compat.clients.redis_py_asyncio PORT PROTOCOL`."""

import asyncio
import sys
import time
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from compat.clients.redis_py import ADD_SCRIPT
from compat.clients.scenario import ALL_BYTES, LARGE_BYTES, UNICODE, ask_for_restart, check, report_async


class Scenario:
    """The steps; each is a coroutine of its name."""

    def __init__(self, port: int, protocol: int) -> None:
        self._port = port
        self._protocol = protocol
        self._client: Any = self._connect()

    def _connect(self) -> Any:  # redis-py's annotations differ between its versions
        retry = Retry(ConstantBackoff(0.1), 100)
        return redis.asyncio.Redis(port=self._port, protocol=self._protocol, socket_timeout=20, retry=retry)

    async def strings(self) -> None:
        client = self._client
        await client.flushall()
        check(await client.set("s", "value", ex=100), True)
        check(await client.get("s"), b"value")
        check(await client.set("s", "other", nx=True), None)
        check([await client.incr("n"), await client.incrby("n", 41), await client.incrbyfloat("f", 1.5)], [1, 42, 1.5])
        check(await client.mset({"a": 1, "b": 2}), True)
        check(await client.mget("a", "b", "none"), [b"1", b"2", None])
        check(await client.delete("a", "b", "none"), 2)
        # Many at once, each on a connection of its own.
        check(sorted(await asyncio.gather(*(client.incr("many") for _ in range(50)))), list(range(1, 51)))

    async def binary(self) -> None:
        client = self._client
        check(await client.set(ALL_BYTES, ALL_BYTES), True)
        check(await client.get(ALL_BYTES), ALL_BYTES)
        check(await client.hset("u", UNICODE, UNICODE), 1)
        check(await client.hgetall("u"), {UNICODE.encode(): UNICODE.encode()})

    async def hashes(self) -> None:
        client = self._client
        check(await client.hset("h", mapping={"a": 1, "b": "two"}), 2)
        check(await client.hgetall("h"), {b"a": b"1", b"b": b"two"})
        check(await client.hincrby("h", "a", 4), 5)
        check(await client.hmget("h", ["a", "none"]), [b"5", None])
        check({field: value async for field, value in client.hscan_iter("h")}, {b"a": b"5", b"b": b"two"})

    async def sorted_sets(self) -> None:
        client = self._client
        check(await client.zadd("z", {"a": 1, "b": 2.5, "c": 3}), 3)
        pairs = await client.zrange("z", 0, -1, withscores=True)
        check([tuple(pair) for pair in pairs], [(b"a", 1.0), (b"b", 2.5), (b"c", 3.0)])
        check(await client.zscore("z", "b"), 2.5)
        check(await client.zincrby("z", 10, "a"), 11.0)
        check([tuple(pair) for pair in await client.zpopmin("z", 1)], [(b"b", 2.5)])

    async def pipeline(self) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            for number in range(1000):
                pipe.rpush("p", number)
            pipe.lrange("p", 0, -1)
            pipe.incr("p")
            replies = await pipe.execute(raise_on_error=False)
        check(replies[:1000], list(range(1, 1001)))
        check(replies[1000], [str(number).encode() for number in range(1000)])
        check(type(replies[1001]), redis.ResponseError)

    async def transaction(self) -> None:
        client, other = self._client, self._connect()
        await client.set("t", 1)
        async with client.pipeline() as pipe:
            await pipe.watch("t")
            await other.set("t", 2)
            pipe.multi()
            pipe.incr("t")
            try:
                await pipe.execute()
            except redis.WatchError:
                pass
            else:
                raise AssertionError("the transaction went through although its key was changed")
        async with client.pipeline(transaction=True) as pipe:
            check(await pipe.incr("t").get("t").execute(), [3, b"3"])
        await other.aclose()

    async def publish_subscribe(self) -> None:
        pubsub = self._client.pubsub(ignore_subscribe_messages=True)
        await pubsub.subscribe("news")
        await pubsub.psubscribe("ne?t")
        deadline = time.monotonic() + 20
        while await self._client.publish("news", "one") != 1:
            check(time.monotonic() < deadline, True)
        await self._client.publish("next", b"\x00\xff")
        found: list[object] = []
        while len(found) < 2:
            message = await pubsub.get_message(timeout=20)
            if message is not None:
                found.append((message["type"], message["channel"], message["data"]))
        check(found, [("message", b"news", b"one"), ("pmessage", b"next", b"\x00\xff")])
        await pubsub.aclose()

    async def blocking_pop(self) -> None:
        client, other = self._client, self._connect()
        waiter = asyncio.create_task(other.blpop(["q1", "q2"], timeout=20))
        while (await client.info("clients"))["blocked_clients"] != 1:
            check(waiter.done(), False)
        await client.rpush("q2", "job")
        check(tuple(await waiter), (b"q2", b"job"))
        check(await client.blpop(["q1"], timeout=0.05), None)
        await other.aclose()

    async def streams(self) -> None:
        client = self._client
        ids = [await client.xadd("x", {"n": str(number)}) for number in range(3)]
        check(await client.xgroup_create("x", "g", id="0"), True)
        await client.xreadgroup("g", "one", {"x": ">"}, count=2)
        check(await client.xack("x", "g", ids[0]), 1)
        check((await client.xpending("x", "g"))["pending"], 1)
        claimed = await client.xautoclaim("x", "g", "two", min_idle_time=0)
        check([entry[0] for entry in claimed[1]], [ids[1]])
        # Blocks until another connection adds what it waits for.
        await client.xreadgroup("g", "two", {"x": ">"})
        waiter = asyncio.create_task(client.xreadgroup("g", "two", {"x": ">"}, block=20000))
        while (await self._client.info("clients"))["blocked_clients"] != 1:
            check(waiter.done(), False)
        last = await client.xadd("x", {"n": "last"})
        check(last in str(await waiter).encode(), True)
        check(await client.xlen("x"), 4)

    async def scan(self) -> None:
        client = self._client
        await client.mset({f"scan:{number}": number for number in range(1000)})
        found = {key async for key in client.scan_iter(match="scan:*", count=100)}
        check(found, {f"scan:{number}".encode() for number in range(1000)})

    async def scripts(self) -> None:
        client = self._client
        script = client.register_script(ADD_SCRIPT)
        check(await script(keys=["count"], args=[5, "x"]), [5, b"count", b"x"])
        await client.script_flush()
        check(await script(keys=["count"], args=[5, "y"]), [10, b"count", b"y"])
        check(await client.eval("return {1, 'two', {3}, false}", 0), [1, b"two", [3], None])

    async def large_value(self) -> None:
        value = b"\xab" * LARGE_BYTES
        check(await self._client.set("large", value), True)
        check(await self._client.get("large") == value, True)
        await self._client.delete("large")

    async def reconnect(self) -> None:
        await self._client.set("before", "1")
        ask_for_restart()
        check(await self._client.set("after", "2"), True)
        check(await self._client.get("after"), b"2")
        await self._client.aclose()


if __name__ == "__main__":
    asyncio.run(report_async(Scenario(int(sys.argv[1]), int(sys.argv[2]))))
