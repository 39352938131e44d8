"""The commands, one module per group, and the record that describes each."""

from importlib import import_module
from typing import Final

UPPER_MODULES: Final = ("hognose.acl.commands",)
"""The command modules of the layers above this one. They are found by name: imports go down only."""


def load_all() -> None:
    """Imports every command module, which registers its commands. Cheap when called again."""
    from hognose.commands import (  # noqa: F401, PLC0415 - imported for what importing them does
        append_only,
        bitmap,
        bloom,
        client,
        client_admin,
        cluster,
        cluster_session,
        command,
        config,
        connection,
        count_min,
        cuckoo,
        databases,
        debug,
        dump,
        eval,  # noqa: A004
        expire,
        function,
        generic,
        geo,
        geo_search,
        hash,  # noqa: A004
        hash_expire,
        hash_walk,
        hyperloglog,
        inspection,
        latency,
        lcs,
        list,  # noqa: A004
        list_move,
        lolwut,
        memory,
        migrate,
        persistence,
        pubsub,
        replication,
        scan,
        server,
        set,  # noqa: A004
        set_algebra,
        slowlog,
        sort,
        sorted_set,
        sorted_set_algebra,
        sorted_set_pop,
        sorted_set_range,
        stream,
        stream_claim,
        stream_groups,
        stream_info,
        stream_read,
        string,
        top_k,
        tracking,
        transactions,
    )

    for name in UPPER_MODULES:
        import_module(name)
