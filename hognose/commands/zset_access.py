"""What the sorted set and geo commands share: looking sets up, reporting changes, storing results, pairs in replies."""

from hognose.commands.context import Context
from hognose.datastructures.zset import ZSetLimits, ZSetValue
from hognose.errors import WRONG_TYPE, CommandError
from hognose.keyspace.events import GENERIC, ZSET


def limits_of(ctx: Context) -> ZSetLimits:
    """What a sorted set of this server may hold as a listpack."""
    return ctx.host.zset_limits


def zset_to_read(ctx: Context, key: bytes) -> ZSetValue | None:
    """The sorted set at a key, for reading; None if there is no key.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_read(key)
    if value is None or isinstance(value, ZSetValue):
        return value
    raise CommandError(WRONG_TYPE)


def zset_to_write(ctx: Context, key: bytes) -> ZSetValue | None:
    """The sorted set at a key, for changing it; None if there is no key.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_write(key)
    if value is None or isinstance(value, ZSetValue):
        return value
    raise CommandError(WRONG_TYPE)


def report(ctx: Context, key: bytes, event: bytes, changes: int) -> None:
    """Reports that a command added, changed or removed so many members, at least one."""
    ctx.keyspace.dirty += changes - 1
    ctx.db.changed(ZSET, event, key)


def report_removal(ctx: Context, key: bytes, zset: ZSetValue, event: bytes, removed: int) -> None:
    """Reports that members were removed, and deletes the key if none is left."""
    empty = zset.length() == 0
    if empty:
        ctx.db.remove(key)
    report(ctx, key, event, removed)
    if empty:
        ctx.db.notify(GENERIC, b"del", key)


def store_result(ctx: Context, key: bytes, zset: ZSetValue, event: bytes, changes: int = 1) -> int:
    """Puts a set a command built at its destination; an empty one deletes what is there.

    Args:
        ctx: The client.
        key: The destination.
        zset: The result.
        event: The name of the keyspace event.
        changes: How many changes the command counts as.

    Returns:
        The number of members, which is the reply.
    """
    if zset.length() > 0:
        ctx.db.set(key, zset)
        report(ctx, key, event, changes)
    elif ctx.db.drop(key):
        ctx.db.changed(GENERIC, b"del", key)
    return zset.length()


def pairs_reply(ctx: Context, members: list[bytes], scores: list[float]) -> list[object]:
    """Members with their scores: one flat list in RESP2, a list of pairs in RESP3."""
    reply: list[object] = []
    if ctx.resp == 3:
        for i in range(len(members)):
            pair: list[object] = [members[i], scores[i]]
            reply.append(pair)
    else:
        for i in range(len(members)):
            reply.append(members[i])
            reply.append(scores[i])
    return reply
