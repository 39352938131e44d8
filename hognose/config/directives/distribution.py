"""Directives about replication and cluster."""

from typing import Final

from hognose.config.directives.record import (
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    MULTI_ARG,
    SENSITIVE,
    Directive,
    choice,
    integer,
    memory,
    optional_text,
    secret,
    special,
    text,
    yes_no,
)
from hognose.config.kinds import INT64_MAX, UINT64_MAX
from hognose.config.specials import Primary

HOSTNAME_LIMIT: Final = 256
PORT_MAX: Final = 65535
_NOT_IN_NODE_NAMES: Final = "!#$%&()*+:;<>?@[]^{|}~"


def check_hostname(name: str) -> str:
    """Why this cannot be announced as a host name, or the empty string."""
    if len(name) >= HOSTNAME_LIMIT:
        return f"Hostnames must be less than {HOSTNAME_LIMIT} characters"
    if not all(character.isascii() and (character.isalnum() or character in "-.") for character in name):
        return "Hostnames may only contain alphanumeric characters, hyphens or dots"
    return ""


def check_node_name(name: str) -> str:
    """Why this cannot be announced as a node's name, or the empty string."""
    if any(character in _NOT_IN_NODE_NAMES for character in name):
        return "Announced human node name contained invalid character"
    return ""


REPLICATION: Final[list[Directive]] = [
    special(
        "replicaof",
        Primary(),
        None,
        "Be a replica of this primary. Change it at run time with REPLICAOF.",
        IMMUTABLE | MULTI_ARG,
        alias="slaveof",
    ),
    secret("masteruser", "User to log in to the primary as.", SENSITIVE),
    secret("masterauth", "Password for the primary.", SENSITIVE),
    yes_no("replica-serve-stale-data", True, "Answer reads while the primary is away.", alias="slave-serve-stale-data"),
    yes_no("replica-read-only", True, "Refuse writes from clients on a replica.", alias="slave-read-only"),
    yes_no(
        "replica-ignore-maxmemory",
        True,
        "Leave eviction to the primary.",
        alias="slave-ignore-maxmemory",
    ),
    yes_no(
        "replica-lazy-flush", False, "Free the old dataset in the background on a full sync.", alias="slave-lazy-flush"
    ),
    yes_no("replica-ignore-disk-write-errors", False, "Keep a replica up that cannot write to its disk."),
    integer("replica-priority", 100, "Rank for promotion by Sentinel, lower first; 0 never.", alias="slave-priority"),
    yes_no("replica-announced", True, "Let Sentinel list this replica."),
    optional_text("replica-announce-ip", "Address to tell the primary and Sentinel.", alias="slave-announce-ip"),
    integer(
        "replica-announce-port",
        0,
        "Port to tell the primary and Sentinel; 0 is the real one.",
        alias="slave-announce-port",
        high=PORT_MAX,
    ),
    integer(
        "min-replicas-to-write", 0, "Replicas that must be up for writes to be accepted.", alias="min-slaves-to-write"
    ),
    integer("min-replicas-max-lag", 10, "Seconds of silence after which one is not up.", alias="min-slaves-max-lag"),
    yes_no("repl-diskless-sync", True, "Send the dump of a full sync straight to the sockets."),
    integer("repl-diskless-sync-delay", 5, "Seconds to wait for more replicas before that."),
    integer("repl-diskless-sync-max-replicas", 0, "Replicas at which not to wait longer; 0 waits the whole delay."),
    choice(
        "repl-diskless-load",
        ["disabled", "on-empty-db", "swapdb"],
        "disabled",
        "Load the dump of a full sync from the socket: never, when empty, or beside the old dataset.",
        DENY_LOADING,
    ),
    integer(
        "repl-ping-replica-period",
        10,
        "Seconds between pings to replicas.",
        alias="repl-ping-slave-period",
        low=1,
    ),
    integer("repl-timeout", 60, "Seconds of silence after which the link counts as broken.", low=1),
    yes_no("repl-disable-tcp-nodelay", False, "Collect small packets to replicas into larger ones."),
    memory("repl-backlog-size", 1 << 20, "Stream kept for replicas that come back.", low=1),
    integer("repl-backlog-ttl", 3600, "Seconds it is kept without a replica; 0 is for ever.", high=INT64_MAX),
    choice(
        "propagation-error-behavior",
        ["ignore", "panic", "panic-on-replicas"],
        "ignore",
        "What to do when a command from the primary or the append-only file fails.",
    ),
]

CLUSTER: Final[list[Directive]] = [
    yes_no("cluster-enabled", False, "Be a cluster node.", IMMUTABLE),
    text("cluster-config-file", "nodes.conf", "File in which the node keeps what it knows of the cluster.", IMMUTABLE),
    integer(
        "cluster-node-timeout", 15000, "Milliseconds of silence after which a node counts as down.", high=INT64_MAX
    ),
    integer("cluster-port", 0, "Port of the cluster bus; 0 is the client port + 10000.", IMMUTABLE, high=PORT_MAX),
    integer(
        "cluster-replica-validity-factor",
        10,
        "How old a replica's data may be, in node timeouts, for it to take over; 0 is no limit.",
        alias="cluster-slave-validity-factor",
    ),
    yes_no(
        "cluster-replica-no-failover",
        False,
        "Never let this replica take over by itself.",
        alias="cluster-slave-no-failover",
    ),
    integer("cluster-migration-barrier", 1, "Replicas a primary must keep before one may move to another primary."),
    yes_no("cluster-allow-replica-migration", True, "Let replicas move to primaries that have none."),
    yes_no("cluster-require-full-coverage", True, "Serve only while every slot is served by a node."),
    yes_no("cluster-allow-reads-when-down", False, "Serve reads while the cluster is down."),
    yes_no("cluster-allow-pubsubshard-when-down", True, "Serve sharded pub/sub while the cluster is down."),
    memory(
        "cluster-link-sendbuf-limit",
        0,
        "Unsent bytes after which a bus link is dropped; 0 is no limit.",
        high=UINT64_MAX,
    ),
    optional_text("cluster-announce-ip", "Address to tell the other nodes."),
    integer("cluster-announce-port", 0, "Client port to tell them; 0 is the real one.", high=PORT_MAX),
    integer("cluster-announce-tls-port", 0, "TLS port to tell them; 0 is the real one.", high=PORT_MAX),
    integer("cluster-announce-bus-port", 0, "Bus port to tell them; 0 is the real one.", high=PORT_MAX),
    optional_text("cluster-announce-hostname", "Host name to tell them.", check=check_hostname),
    optional_text("cluster-announce-human-nodename", "Name for logs to tell them.", check=check_node_name),
    choice(
        "cluster-preferred-endpoint-type",
        ["ip", "hostname", "unknown-endpoint"],
        "ip",
        "What redirections and CLUSTER SLOTS name a node by.",
    ),
    integer(
        "cluster-ping-interval",
        0,
        "Milliseconds between pings to one node, for tests; 0 is the usual.",
        HIDDEN,
        high=INT64_MAX,
    ),
]
