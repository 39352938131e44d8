"""The one table of directives: what CONFIG, the configuration file, `Settings` and docs/configuration.md are made from.

Not in it are the lines that are no settings: `include`, `user`, `rename-command`, `loadmodule` and `sentinel`, which
`loader` handles.
"""

from typing import Final

from hognose.config.directives.data import ALLOCATOR, ENCODINGS, EVICTION
from hognose.config.directives.distribution import CLUSTER, REPLICATION
from hognose.config.directives.network import ACCESS, CLIENTS, LISTENING, TLS
from hognose.config.directives.persistence import APPEND_ONLY, SNAPSHOTS
from hognose.config.directives.process import LOGGING, MONITORING, PROCESS, SCRIPTING, SHUTDOWN
from hognose.config.directives.record import Directive

SUBJECTS: Final[list[tuple[str, list[Directive]]]] = [
    ("Listening", LISTENING),
    ("Clients", CLIENTS),
    ("Access", ACCESS),
    ("Memory and eviction", EVICTION),
    ("Compact encodings", ENCODINGS),
    ("Snapshots", SNAPSHOTS),
    ("Append-only file", APPEND_ONLY),
    ("Replication", REPLICATION),
    ("Cluster", CLUSTER),
    ("Process", PROCESS),
    ("Logging", LOGGING),
    ("Shutdown", SHUTDOWN),
    ("Monitoring and events", MONITORING),
    ("Scripting", SCRIPTING),
    ("TLS", TLS),
    ("Allocator", ALLOCATOR),
]

DIRECTIVES: Final[list[Directive]] = [directive for _, table in SUBJECTS for directive in table]


def _index() -> dict[str, Directive]:
    index: dict[str, Directive] = {}
    for directive in DIRECTIVES:
        for name in (directive.name, directive.alias):
            assert name not in index or not name, name
            if name:
                index[name] = directive
    return index


BY_NAME: Final[dict[str, Directive]] = _index()
"""Every name, old ones included, to its directive; in the order of the table, an alias after its name."""

RETIRED: Final = frozenset({"list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"})
"""Accepted in a file with one argument and forgotten, so that old files still load."""


def find(name: bytes) -> Directive | None:
    """The directive of this name or old name, in either case; None where there is none."""
    return BY_NAME.get(name.decode("utf-8", "surrogateescape").lower())
