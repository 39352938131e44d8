"""CLUSTER: the records of its subcommands, on a server that is no node of a cluster.

A server whose cluster support is disabled refuses all of them alike, HELP included, but says which exist and how they
are called; monitoring asks for CLUSTER INFO and expects that error.
"""

from typing import Final

from hognose.commands.cluster_session import NOT_A_NODE
from hognose.commands.context import Context
from hognose.commands.flags import ADMIN, LOADING, NO_ASYNC_LOADING, NOSCRIPT, STALE
from hognose.commands.spec import Argv, CommandGroup, Reply
from hognose.errors import CommandError

command = CommandGroup("cluster")
command.container("CLUSTER", since="3.0.0", summary="Reads and changes what the node knows of its cluster.")

CHANGES: Final = ADMIN | STALE | NO_ASYNC_LOADING
UNCERTAIN: Final = [b"nondeterministic_output"]


def refuse(ctx: Context, argv: Argv) -> Reply:
    """The answer of a server that is no node of a cluster."""
    raise CommandError(NOT_A_NODE)


command(
    "CLUSTER|ADDSLOTS",
    arity=-3,
    flags=CHANGES,
    since="3.0.0",
    summary="Makes the node serve hash slots.",
    complexity="O(N) where N is the number of slots",
    syntax="slot [slot ...]",
)(refuse)

command(
    "CLUSTER|ADDSLOTSRANGE",
    arity=-4,
    flags=CHANGES,
    since="7.0.0",
    summary="Makes the node serve ranges of hash slots.",
    complexity="O(N) where N is the number of slots in the ranges",
    syntax="start-slot end-slot [start-slot end-slot ...]",
)(refuse)

command(
    "CLUSTER|BUMPEPOCH",
    arity=2,
    flags=CHANGES,
    since="3.0.0",
    summary="Raises the node's configuration epoch.",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|COUNT-FAILURE-REPORTS",
    arity=3,
    flags=ADMIN | STALE,
    since="3.0.0",
    summary="Counts the nodes that report another one as failing.",
    complexity="O(N) where N is the number of reports",
    syntax="node-id",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|COUNTKEYSINSLOT",
    arity=3,
    flags=STALE,
    since="3.0.0",
    summary="Counts the keys in a hash slot.",
    syntax="slot",
)(refuse)

command(
    "CLUSTER|DELSLOTS",
    arity=-3,
    flags=CHANGES,
    since="3.0.0",
    summary="Makes the node forget who serves hash slots.",
    complexity="O(N) where N is the number of slots",
    syntax="slot [slot ...]",
)(refuse)

command(
    "CLUSTER|DELSLOTSRANGE",
    arity=-4,
    flags=CHANGES,
    since="7.0.0",
    summary="Makes the node forget who serves ranges of hash slots.",
    complexity="O(N) where N is the number of slots in the ranges",
    syntax="start-slot end-slot [start-slot end-slot ...]",
)(refuse)

command(
    "CLUSTER|FAILOVER",
    arity=-2,
    flags=CHANGES,
    since="3.0.0",
    summary="Lets a replica take over from its primary.",
    syntax="[FORCE | TAKEOVER]",
)(refuse)

command(
    "CLUSTER|FLUSHSLOTS",
    arity=2,
    flags=CHANGES,
    since="3.0.0",
    summary="Makes the node forget who serves every hash slot.",
)(refuse)

command(
    "CLUSTER|FORGET",
    arity=3,
    flags=CHANGES,
    since="3.0.0",
    summary="Removes a node from those that the node knows.",
    syntax="node-id",
)(refuse)

command(
    "CLUSTER|GETKEYSINSLOT",
    arity=4,
    flags=STALE,
    since="3.0.0",
    summary="Returns some of the keys in a hash slot.",
    complexity="O(N) where N is the number of keys returned",
    syntax="slot count",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|HELP",
    arity=2,
    flags=LOADING | STALE,
    since="5.0.0",
    summary="Explains the subcommands.",
)(refuse)

command(
    "CLUSTER|INFO",
    arity=2,
    flags=STALE,
    since="3.0.0",
    summary="Returns the state of the cluster as the node sees it.",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|KEYSLOT",
    arity=3,
    flags=STALE,
    since="3.0.0",
    summary="Returns the hash slot of a key.",
    complexity="O(N) where N is the length of the key",
    syntax="key:string",
)(refuse)

command(
    "CLUSTER|LINKS",
    arity=2,
    flags=STALE,
    since="7.0.0",
    summary="Lists the node's connections to other nodes.",
    complexity="O(N) where N is the number of nodes",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|MEET",
    arity=-4,
    flags=CHANGES,
    since="3.0.0",
    summary="Introduces the node to another one.",
    syntax="ip port [cluster-bus-port]",
    history=[("4.0.0", "Takes the port of the cluster bus.")],
)(refuse)

command(
    "CLUSTER|MYID",
    arity=2,
    flags=STALE,
    since="3.0.0",
    summary="Returns the node's id.",
)(refuse)

command(
    "CLUSTER|MYSHARDID",
    arity=2,
    flags=STALE,
    since="7.2.0",
    summary="Returns the id of the node's shard.",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|NODES",
    arity=2,
    flags=STALE,
    since="3.0.0",
    summary="Describes every node, a line each.",
    complexity="O(N) where N is the number of nodes",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|REPLICAS",
    arity=3,
    flags=ADMIN | STALE,
    since="5.0.0",
    summary="Describes the replicas of a primary.",
    complexity="O(N) where N is the number of replicas",
    syntax="node-id",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|REPLICATE",
    arity=3,
    flags=CHANGES,
    since="3.0.0",
    summary="Makes the node a replica of a primary.",
    syntax="node-id",
)(refuse)

command(
    "CLUSTER|RESET",
    arity=-2,
    flags=ADMIN | STALE | NOSCRIPT,
    since="3.0.0",
    summary="Makes the node forget the cluster.",
    complexity="O(N) where N is the number of nodes known",
    syntax="[HARD | SOFT]",
)(refuse)

command(
    "CLUSTER|SAVECONFIG",
    arity=2,
    flags=CHANGES,
    since="3.0.0",
    summary="Writes what the node knows of the cluster to its file.",
)(refuse)

command(
    "CLUSTER|SET-CONFIG-EPOCH",
    arity=3,
    flags=CHANGES,
    since="3.0.0",
    summary="Gives a new node its first configuration epoch.",
    syntax="config-epoch",
)(refuse)

command(
    "CLUSTER|SETSLOT",
    arity=-4,
    flags=CHANGES,
    since="3.0.0",
    summary="Assigns a hash slot to a node, or says that it is being moved.",
    syntax="slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>",
)(refuse)

command(
    "CLUSTER|SHARDS",
    arity=2,
    flags=LOADING | STALE,
    since="7.0.0",
    summary="Describes the shards: their slots and their nodes.",
    complexity="O(N) where N is the number of nodes",
    tips=UNCERTAIN,
)(refuse)

command(
    "CLUSTER|SLAVES",
    arity=3,
    flags=ADMIN | STALE,
    since="3.0.0",
    summary="Describes the replicas of a primary.",
    complexity="O(N) where N is the number of replicas",
    syntax="node-id",
    tips=UNCERTAIN,
    deprecated=("5.0.0", "`CLUSTER REPLICAS`"),
)(refuse)

command(
    "CLUSTER|SLOTS",
    arity=2,
    flags=LOADING | STALE,
    since="3.0.0",
    summary="Lists ranges of hash slots and the nodes that serve them.",
    complexity="O(N) where N is the number of nodes",
    tips=UNCERTAIN,
    history=[("4.0.0", "Has the ids of nodes."), ("7.0.0", "Has further addresses of nodes.")],
    deprecated=("7.0.0", "`CLUSTER SHARDS`"),
)(refuse)
