"""A client in one line, as CLIENT LIST, CLIENT INFO and the log show it, and the classes clients fall into.

    id=3 addr=127.0.0.1:41526 laddr=127.0.0.1:6379 fd=8 name= age=5 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1
    qbuf=26 qbuf-free=0 argv-mem=10 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=2202 events=r
    cmd=client|list user=default redir=-1 resp=2 lib-name= lib-ver=

(one line in truth). Fields are found by their name; the order is that of Redis 7.2.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.context import (
    BLOCKED,
    BROKEN_REDIRECT,
    CLOSE_AFTER_REPLY,
    DIRTY_CAS,
    IN_MULTI,
    MONITOR,
    NO_EVICT,
    NO_TOUCH,
    PRIMARY,
    PUBSUB,
    READONLY_CLUSTER,
    REPLICA,
    TRACKING,
    TRACKING_BROADCAST,
    UNIX_SOCKET,
    Context,
)

NORMAL_CLIENT: Final = 0
REPLICA_CLIENT: Final = 1
PUBSUB_CLIENT: Final = 2
PRIMARY_CLIENT: Final = 3

TYPES: Final[dict[bytes, int]] = {
    b"normal": NORMAL_CLIENT,
    b"slave": REPLICA_CLIENT,
    b"replica": REPLICA_CLIENT,
    b"pubsub": PUBSUB_CLIENT,
    b"master": PRIMARY_CLIENT,
}

CLIENT_OBJECT_BYTES: Final = 1760
"""What a connection's objects weigh without its buffers (context, parser, writer, transport), measured on 3.11."""
WRITER_BYTES: Final = 256
"""The capacity an output buffer starts with."""

# What clients make the server keep for them, names not included; each measured on 3.11 with 100,000 of them.
WATCHED_KEY_BYTES: Final = 420
CHANNEL_BYTES: Final = 340
PATTERN_BYTES: Final = 560
PREFIX_BYTES: Final = 120
QUEUED_COMMAND_BYTES: Final = 300


def type_of(client: Context) -> int:
    """Which of the four classes a client belongs to."""
    if client.flags & PRIMARY:
        return PRIMARY_CLIENT
    if client.flags & REPLICA and client.flags & MONITOR == 0:
        return REPLICA_CLIENT
    return PUBSUB_CLIENT if client.flags & PUBSUB else NORMAL_CLIENT


def memory_of(client: Context) -> i64:
    """What a client occupies in bytes: its buffers, and what it has joined, watched and queued. O(1)."""
    total: i64 = CLIENT_OBJECT_BYTES + client.transport_bytes()
    total += client.query_bytes() + client.argument_bytes()
    total += client.queued_bytes + QUEUED_COMMAND_BYTES * len(client.queued)
    total += max(WRITER_BYTES, client.buffer_bytes) + client.output_bytes()
    total += WATCHED_KEY_BYTES * len(client.watched)
    total += CHANNEL_BYTES * (client.channels + client.shard_channels) + PATTERN_BYTES * client.patterns
    if client.flags & TRACKING_BROADCAST:
        total += PREFIX_BYTES * client.host.invalidation.prefixes_of(client)
    return total


def flag_letters(client: Context) -> str:
    """The letters behind `flags=`."""
    flags = client.flags
    attention = client.attention
    letters = ""
    for is_set, letter in (
        (flags & MONITOR, "O"),
        (flags & REPLICA, "S"),
        (flags & PRIMARY, "M"),
        (flags & PUBSUB, "P"),
        (attention & IN_MULTI, "x"),
        (flags & BLOCKED, "b"),
        (attention & TRACKING, "t"),
        (flags & BROKEN_REDIRECT, "R"),
        (flags & TRACKING_BROADCAST, "B"),
        (flags & DIRTY_CAS, "d"),
        (flags & CLOSE_AFTER_REPLY, "c"),
        (flags & UNIX_SOCKET, "U"),
        (flags & READONLY_CLUSTER, "r"),
        (flags & NO_EVICT, "e"),
        (attention & NO_TOUCH, "T"),
    ):
        if is_set:
            letters += letter
    return letters or "N"


def client_line(client: Context) -> bytes:
    """One client as a line, without line end."""
    now_ms = client.host.clock.now_ms
    command = client.command
    waiting = client.output_bytes()
    in_multi = client.attention & IN_MULTI != 0
    redirect = client.redirect if client.attention & TRACKING else -1
    text = (
        f" fd={client.fd} name={_text(client.name)} age={(now_ms - client.created_ms) // 1000}"
        f" idle={(now_ms - client.active_ms) // 1000} flags={flag_letters(client)} db={client.db.index}"
        f" sub={client.channels} psub={client.patterns} ssub={client.shard_channels}"
        f" multi={len(client.queued) if in_multi else -1} qbuf={client.query_bytes()} qbuf-free=0"
        f" argv-mem={client.argument_bytes()} multi-mem={client.queued_bytes}"
        f" rbs={max(WRITER_BYTES, client.buffer_bytes)} rbp={client.output_peak_bytes} obl={len(client.out)}"
        f" oll={1 if waiting > len(client.out) else 0} omem={waiting - len(client.out)}"
        f" tot-mem={memory_of(client)} events={'rw' if waiting > len(client.out) else 'r'}"
        f" cmd={command.name if command is not None else 'NULL'} user={client.user} redir={redirect}"
        f" resp={client.resp} lib-name={_text(client.lib_name)} lib-ver={_text(client.lib_ver)}"
    )
    head = b"id=%d addr=%s laddr=%s" % (int(client.id), client.address(), client.local_address())
    return head + text.encode("utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
