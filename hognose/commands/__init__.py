"""The commands, one module per group, and the record that describes each."""


def load_all() -> None:
    """Imports every command module, which registers its commands. Cheap when called again."""
    from hognose.commands import (  # noqa: F401, PLC0415 - imported for what importing them does
        command,
        bitmap,
        connection,
        databases,
        expire,
        generic,
        inspection,
        lcs,
        scan,
        hyperloglog,
        string,
    )
