"""Every error text of scripts and functions that is not Lua's own; clients and scripts match on them."""

from typing import Final

NO_SCRIPT: Final = "NOSCRIPT No matching script. Please use EVAL."
TOO_MANY_KEYS: Final = "ERR Number of keys can't be greater than number of args"
NEGATIVE_KEYS: Final = "ERR Number of keys can't be negative"
BAD_KEYS: Final = "ERR Bad number of keys provided"
NOT_BUSY: Final = "NOTBUSY No scripts in execution right now."
UNKILLABLE: Final = (
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
    "termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)
UNKILLABLE_PRIMARY: Final = (
    "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed."
)
BUSY_SCRIPT: Final = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
BUSY_FUNCTION: Final = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
KILLED: Final = "ERR Script killed by user with SCRIPT KILL..."
ABANDONED: Final = "ERR The server is shutting down"
OUT_OF_MEMORY: Final = "ERR Error running script: not enough memory"

# At the start of a script with flags
NO_CLUSTER: Final = "ERR Can not run script on cluster, 'no-cluster' flag is set."
STALE: Final = (
    "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on "
    "the script."
)
MISCONF_RDB: Final = (
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable scripts "
    "are blocked. Use 'no-writes' flag for read only scripts."
)
MISCONF_AOF: Final = (
    "MISCONF Redis is configured to persist data to AOF, but it's currently unable to persist to disk. Writable "
    "scripts are blocked. Use 'no-writes' flag for read only scripts. AOF error: "
)
READONLY: Final = "READONLY Can not run script with write flag on readonly replica"
READING_COMMAND: Final = "ERR Can not execute a script with write flag using *_ro command."
OOM: Final = "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"

# In redis.call
NO_ARGUMENTS: Final = "ERR Please specify at least one argument for this redis lib call"
BAD_ARGUMENTS: Final = "ERR Lua redis lib command arguments must be strings or integers"
UNKNOWN_COMMAND: Final = "ERR Unknown Redis command called from script"
WRONG_ARITY: Final = "ERR Wrong number of args calling Redis command from script"
NOT_FROM_SCRIPT: Final = "ERR This Redis command is not allowed from script"
WRITE_IN_READ_ONLY: Final = "ERR Write commands are not allowed from read-only scripts."
NOT_ON_STALE: Final = "ERR Can not execute the command on a stale replica"
INVALID_ACL_COMMAND: Final = "ERR Invalid command passed to redis.acl_check_cmd()"

# Libraries
BAD_NAME: Final = (
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)


def of_script(refused: str) -> str:
    """What a script with flags is told at its start where a command of it would be told `refused`."""
    if refused.startswith("READONLY"):
        return READONLY
    if refused.startswith("MISCONF Redis is configured to save RDB"):
        return MISCONF_RDB
    if refused.startswith("MISCONF"):
        return MISCONF_AOF + refused.rpartition(": ")[2]
    return refused
