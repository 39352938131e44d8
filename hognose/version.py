"""The versions this server tells: its own, and the Redis version whose behaviour it follows."""

from typing import Final

VERSION: Final = "0.1.0"

REDIS_VERSION: Final = "7.2.4"
"""What INFO, HELLO and LOLWUT report as `redis_version`. Valkey stays at it for ever; clients gate features on it."""
