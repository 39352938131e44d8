"""Every error text a client can see, and the exceptions that carry them.

The prefix (the first word) and the text are API: client libraries match on them. Texts live here once; those with a
hole are functions.
"""

from typing import Final


class CommandError(Exception):
    """A command was refused: the client gets `-TEXT` and the connection goes on.

    Args:
        text: The error line with its prefix, without the leading `-`, such as "ERR syntax error".
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class CountedError(CommandError):
    """An error that is in the statistics already: a script failed with what a command of it failed with."""


class ProtocolError(Exception):
    """The client broke the protocol: it gets `-ERR Protocol error: TEXT` and the connection closes.

    Args:
        text: What was wrong, as Redis words it, such as "invalid bulk length".
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


SYNTAX: Final = "ERR syntax error"
WRONG_TYPE: Final = "WRONGTYPE Operation against a key holding the wrong kind of value"
NO_SUCH_KEY: Final = "ERR no such key"
NOT_INTEGER: Final = "ERR value is not an integer or out of range"
NOT_FLOAT: Final = "ERR value is not a valid float"
OVERFLOW: Final = "ERR increment or decrement would overflow"
DECR_OVERFLOW: Final = "ERR decrement would overflow"
NAN_OR_INFINITY: Final = "ERR increment would produce NaN or Infinity"
OFFSET_OUT_OF_RANGE: Final = "ERR offset is out of range"
INDEX_OUT_OF_RANGE: Final = "ERR index out of range"
OUT_OF_RANGE: Final = "ERR value is out of range"
VALUE_MUST_BE_POSITIVE: Final = "ERR value is out of range, must be positive"
STRING_TOO_LONG: Final = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
SAME_OBJECT: Final = "ERR source and destination objects are the same"
DB_OUT_OF_RANGE: Final = "ERR DB index is out of range"
NESTED_MULTI: Final = "ERR MULTI calls can not be nested"
EXEC_WITHOUT_MULTI: Final = "ERR EXEC without MULTI"
INVALID_FIRST_DB: Final = "ERR invalid first DB index"
INVALID_SECOND_DB: Final = "ERR invalid second DB index"
INVALID_CURSOR: Final = "ERR invalid cursor"
TOO_MANY_CLIENTS: Final = "ERR max number of clients reached"
INTERNAL: Final = "ERR internal error"
SHUTDOWN_FAILED: Final = "ERR Errors trying to SHUTDOWN. Check logs."

NOAUTH: Final = "NOAUTH Authentication required."
NOAUTH_HELLO: Final = (
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
    "option can be used to authenticate the client and select the RESP protocol version at the same time"
)
WRONGPASS: Final = "WRONGPASS invalid username-password pair or user is disabled."
NO_PASSWORD_SET: Final = (
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration "
    "is correct?"
)
NOPROTO: Final = "NOPROTO unsupported protocol version"
PROTOCOL_NOT_INTEGER: Final = "ERR Protocol version is not an integer or out of range"
LOADING: Final = "LOADING Redis is loading the dataset in memory"
BUSY_SCRIPT: Final = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
OUT_OF_MEMORY: Final = "OOM command not allowed when used memory > 'maxmemory'."
READONLY: Final = "READONLY You can't write against a read only replica."
MISCONF_RDB: Final = (
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    "may modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    "error."
)
NOREPLICAS: Final = "NOREPLICAS Not enough good replicas to write."
MASTERDOWN: Final = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
EXECABORT_BECAUSE: Final = "EXECABORT Transaction discarded because of: "
EXECABORT: Final = "EXECABORT Transaction discarded because of previous errors."
PROTECTED_MODE: Final = (
    "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    "default user. In this mode connections are only accepted from the loopback interface. If you want to connect "
    "from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode "
    "sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the "
    "same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. "
    "Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by "
    "editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the "
    "server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' "
    "option. 4) Set up an authentication password for the default user. NOTE: You only need to do one of the above "
    "things in order for the server to start accepting connections from the outside."
)


def wrong_number_of_arguments(full_name: str) -> CommandError:
    """The arity error; `full_name` is lower case with `|` before a subcommand ("config|get")."""
    return CommandError(f"ERR wrong number of arguments for '{full_name}' command")


def unknown_subcommand(name: str, container: str) -> CommandError:
    """The error for a subcommand the container does not have.

    Args:
        name: The word the client sent, shown to 128 characters.
        container: The container command's name in upper case.
    """
    return CommandError(f"ERR unknown subcommand '{name[:128]}'. Try {container} HELP.")


def unknown_command(argv: list[bytes]) -> CommandError:
    """The error for an unknown command, with the first arguments, as much as fits in 128 bytes."""
    shown = ""
    for argument in argv[1:]:
        if len(shown) >= 128:
            break
        shown += f"'{printable(argument[: 128 - len(shown)])}' "
    return CommandError(f"ERR unknown command '{printable(argv[0][:128])}', with args beginning with: {shown}")


def printable(text: bytes) -> str:
    """`text` as it may stand in an error line: up to a NUL; CR and LF, which would end the line, become spaces."""
    text = text.partition(b"\x00")[0]
    return text.decode("utf-8", "surrogateescape").replace("\r", " ").replace("\n", " ")


def protected_command(word: str) -> str:
    """The error for DEBUG or MODULE (`word`) where the configuration does not let the client use it."""
    return (
        f'ERR {word} command not allowed. If the enable-{word.lower()}-command option is set to "local", you can run '
        "it from a local connection, otherwise you need to set this option in the configuration file, and then restart "
        "the server."
    )


def invalid_expire_time(full_name: str) -> CommandError:
    """The error for an expire time that is zero, negative or too far away to be counted in milliseconds."""
    return CommandError(f"ERR invalid expire time in '{full_name}' command")
