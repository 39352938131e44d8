"""Getting at the hash of a key: the type check, and fields past their deadline gone before any command sees them."""

from hognose.commands.context import Context
from hognose.datastructures.hashvalue import HashValue
from hognose.errors import WRONG_TYPE, CommandError


def read_hash(ctx: Context, key: bytes) -> HashValue | None:
    """The hash at a key, for reading; None if there is none.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_read(key)
    if value is None:
        return None
    if not isinstance(value, HashValue):
        raise CommandError(WRONG_TYPE)
    if value.next_deadline() != 0:
        return without_expired(ctx, key, value)
    return value


def write_hash(ctx: Context, key: bytes) -> HashValue | None:
    """The hash at a key, to be changed; None if there is none.

    Raises:
        CommandError: The key holds something else.
    """
    value = ctx.db.lookup_write(key)
    if value is None:
        return None
    if not isinstance(value, HashValue):
        raise CommandError(WRONG_TYPE)
    if value.next_deadline() != 0 and ctx.keyspace.may_expire:
        return without_expired(ctx, key, value)
    return value


def without_expired(ctx: Context, key: bytes, value: HashValue) -> HashValue | None:
    """The hash at a key without the fields that have expired, or None if none are left.

    They are deleted; where that is the primary's affair (a replica), the caller gets a copy without them instead.
    """
    if ctx.keyspace.may_expire:
        ctx.db.expire_fields(key, value)
        return value if value.length() != 0 else None
    now_ms = ctx.now_ms()
    if value.next_deadline() >= now_ms:
        return value
    seen = value.copy()
    for field in seen.due(now_ms):
        seen.delete(field)
    return seen if seen.length() != 0 else None


def created_hash(ctx: Context, key: bytes) -> HashValue:
    """The hash at a key, made if there was none; the caller fills it before anything can fail."""
    value = write_hash(ctx, key)
    if value is None:
        value = HashValue(ctx.host.hash_limits)
        ctx.db.set(key, value)
    return value
