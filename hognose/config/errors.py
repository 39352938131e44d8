"""What can go wrong with a configuration: at start-up, in CONFIG SET, in CONFIG REWRITE.

Three errors for three readers. `ValueRefused` is raised by a value's own rules and names only the reason; the other two
wrap it for whoever has to act: `ConfigError` for the person starting the server (which line, what is wrong with it),
`CommandError` for the client that sent CONFIG. The wording is redis-server's, because scripts match on it.
"""

from typing import Final

from hognose.errors import CommandError
from hognose.version import REDIS_VERSION

BAD_DIRECTIVE: Final = "Bad directive or wrong number of arguments"
WRONG_ARGUMENT_COUNT: Final = "wrong number of arguments"
UNBALANCED_QUOTES: Final = "Unbalanced quotes in configuration line"
REPLICA_IN_CLUSTER: Final = "replicaof directive not allowed in cluster mode"
NO_CLUSTER: Final = "cluster-enabled: hognose cannot be a node of a cluster yet; without this line it starts alone"
SENTINEL_OUTSIDE_SENTINEL: Final = "sentinel directive while not in sentinel mode"
MODULE_CONFIG_WITHOUT_VALUE: Final = "Module config specified without value"
MODULE_CONFIG_WITHOUT_MODULE: Final = (
    "Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting"
)
NO_CONFIG_FILE: Final = "ERR The server is running without a config file"


class ValueRefused(Exception):  # noqa: N818 - reads as what happened
    """A value breaks its directive's rules.

    Attributes:
        reason: Why, in redis-server's words, without the directive's name.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfigError(Exception):
    """The server cannot start with this configuration; `str()` is what redis-server prints before it exits with 1.

    Attributes:
        reason: The last line of the message.
        line_number: 1-based, counted in the text being read (an included file counts from 1 again); 0 where the fault
            is in no single line.
        line: The line without surrounding blanks.
    """

    def __init__(self, reason: str, line_number: int = 0, line: bytes = b"") -> None:
        where = ""
        if line_number:
            shown = line.decode("utf-8", "surrogateescape")
            where = f"Reading the configuration file, at line {line_number}\n>>> '{shown}'\n"
        super().__init__(f"*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***\n{where}{reason}")
        self.reason = reason
        self.line_number = line_number
        self.line = line


class ConfigFileUnreadableError(ConfigError):
    """A configuration file, named on the command line or by `include`, cannot be opened."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"Fatal error, can't open config file '{path}': {problem}")

    def __str__(self) -> str:
        """The message alone: real servers write it to their log."""
        return self.reason


def set_failed(argument: str, reason: str) -> CommandError:
    """The refusal of CONFIG SET that blames one argument.

    Args:
        argument: The directive's name, as the message shall show it.
        reason: What is wrong; may be empty.
    """
    tail = f" - {reason}" if reason else ""
    return CommandError(f"ERR CONFIG SET failed (possibly related to argument '{argument}'){tail}")


def unknown_option(name: str) -> CommandError:
    """The refusal of CONFIG SET for a name that is no directive."""
    return CommandError(f"ERR Unknown option or number of arguments for CONFIG SET - '{name}'")


def rewrite_failed(problem: str) -> CommandError:
    """The refusal of CONFIG REWRITE for what the operating system said."""
    return CommandError(f"ERR Rewriting config file: {problem}")
