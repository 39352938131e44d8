"""Closing the connections that MIGRATE has kept and that nobody has used for a while."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from hognose.server.cron import CronTask

if TYPE_CHECKING:
    from hognose.server.server import Server


class IdleMigrateLinks(CronTask):
    """Looks after the connections of one server."""

    def __init__(self, server: "Server") -> None:
        self._server: Final = server

    def tick(self, now_ms: i64) -> None:
        """Closes those that are idle."""
        self._server.migrate_links.close_idle(now_ms)
