"""Start and end of a server process."""

import asyncio
import gc
import signal
from collections.abc import Callable
from typing import cast

from hognose.config.loader import StartupChecks, load
from hognose.config.grammar import parse_command_line
from hognose.config.store import Config
from hognose.server.loops import new_event_loop
from hognose.server.server import Server


def run_command_line(args: list[str]) -> int:
    line = parse_command_line(args)
    config = Config()
    load(config, line.path, options=line.options, checks=StartupChecks())
    server = Server(config)
    loop = new_event_loop()
    asyncio.set_event_loop(loop)
    server.loop = loop
    sockets = loop.run_until_complete(loop.create_server(cast("Callable[[], asyncio.Protocol]", server.new_connection), "127.0.0.1", config.settings.port))
    loop.add_signal_handler(signal.SIGTERM, loop.stop)
    loop.add_signal_handler(signal.SIGINT, loop.stop)
    server.log(2, "Ready to accept connections tcp")
    gc.collect()
    gc.freeze()
    gc.disable()
    loop.run_forever()
    sockets.close()
    return 0
