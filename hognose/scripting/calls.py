"""redis.call: what happens when a script calls the server.

The order in which a command can be refused is behaviour, and differs from that of clients' commands: unknown, arity,
not from scripts, stale replica, ACL, writing where that is not allowed, memory. Source: the behaviour of real servers.
"""

from typing import Final

from mypy_extensions import i64

from hognose.commands.context import DENY_BLOCKING, EVERYWHERE, INTERNAL, RESTRICTED, SCRIPT, TRACKING, Context
from hognose.commands.flags import DENYOOM, MAY_REPLICATE, NOSCRIPT, STALE, WRITE
from hognose.commands.host import Host
from hognose.commands.table import Command
from hognose.errors import INTERNAL as INTERNAL_ERROR
from hognose.errors import OUT_OF_MEMORY, CommandError
from hognose.resp.reply import NO_REPLY, NULL_ARRAY, OK, Encoded, ErrorReply, Simple
from hognose.scripting import errors
from hognose.scripting.conversion import (
    BUILT,
    FLAT,
    LONG,
    NIL_RESULT,
    NOT_PLAIN,
    PART,
    STATUS,
    TRUE,
    argument_of,
    failed,
    plain_bytes,
    tree_bytes,
    tree_of,
)
from hognose.scripting.replies import decode
from hognose.scripting.state import LARGE_BYTES, LuaState

LUA_OUT_OF_MEMORY: Final = "ERR not enough memory"


class Run:
    """A script or function that is running.

    Attributes:
        caller: Its client.
        argv: The command that runs it.
        name: The script's digest or the function's name.
        is_function: Which of the two it is.
        is_read_only: It may not write.
        allows_oom: It may write although memory is short.
        is_oom: Memory was short when it began.
        has_written: It has run a command that writes.
        started_us: When it began, Unix us.
        is_overdue: It has run longer than busy-reply-threshold.
        is_killed: It is to end.
        is_abandoned: It is to end with the server; what it has done so far is not kept.
        answers_error: There is an error inside of its reply.
    """

    def __init__(self, caller: Context, argv: list[bytes], name: bytes, is_function: bool) -> None:
        self.caller: Final = caller
        self.argv: Final = argv
        self.name: Final = name
        self.is_function: Final = is_function
        self.is_read_only = False
        self.allows_oom = False
        self.is_oom = False
        self.has_written = False
        self.started_us: i64 = 0
        self.is_overdue = False
        self.is_killed = False
        self.is_abandoned = False
        self.answers_error = False


class ScriptClient(Context):
    """The client as which scripts run commands.

    Attributes:
        caller: Who runs the script.
    """

    def __init__(self, host: Host) -> None:
        super().__init__(host, 0)
        self.flags |= SCRIPT | DENY_BLOCKING | INTERNAL
        self.caller: Context | None = None

    def address(self) -> bytes:
        """Where the caller is: the slow log tells whose commands they are."""
        return b"?:0" if self.caller is None else self.caller.address()


class ScriptCommand:
    """A command as Lua has it: reading one of its fields runs it with the field's name as the only argument, calling it
    with the two that are given. Lua gets in here faster by those roads than by a call with any number of arguments.

    Args:
        calls: Of which Lua state.
        name: As scripts write it.
        command: The command.
    """

    def __init__(self, calls: "Calls", name: bytes, command: Command) -> None:
        self._calls: Final = calls
        self._name: Final = name
        self._command: Final = command

    def __getitem__(self, argument: object) -> object:
        """Runs it. Returns a plain value, or None, which says that `Calls.take_answer` has the answer."""
        text = argument_of(argument)
        if text is None:
            return self._calls.hold(failed(errors.BAD_ARGUMENTS, False))
        return self._calls.hold(self._calls.run_command(self._command, [self._name, text]))

    def __call__(self, first: object, second: object) -> object:
        """Runs it. Returns the answer as `Calls.call` does."""
        text, other = argument_of(first), argument_of(second)
        if text is None or other is None:
            return failed(errors.BAD_ARGUMENTS, False)
        return self._calls.run_command(self._command, [self._name, text, other])


class Calls:
    """The calls of one Lua state's scripts.

    Attributes:
        client: The client as which scripts run commands.
        run: The script that is running.
        state: The Lua state; set once it is there.
    """

    def __init__(self, host: Host) -> None:
        self._host: Final = host
        self._table: Final = host.table()
        self.client: Final = ScriptClient(host)
        self.run: Run | None = None
        self.state: LuaState | None = None
        self._rest: list[object] = []
        self._collected: list[object] = []
        self._held: object = None

    def commands(self) -> dict[bytes, object]:
        """The commands that have no subcommands, by the names in which scripts write them most often."""
        return {
            name: ScriptCommand(self, name, command)
            for name, command in self._table.by_name.items()
            if command.handler is not None and not command.is_container
        }

    # What Lua calls

    def call(self, *arguments: object) -> object:
        """redis.call and redis.pcall: runs a command; see `conversion` for what is returned."""
        argv: list[bytes] = []
        for argument in arguments:
            text = argument_of(argument)
            if text is None:
                return failed(errors.BAD_ARGUMENTS, False)
            argv.append(text)
        if len(argv) == 0:
            return failed(errors.NO_ARGUMENTS, False)
        command = self._table.by_name.get(argv[0])
        if command is None or command.is_container:
            command = self._table.find(argv)
        return self.run_command(command, argv)

    def hold(self, answer: object) -> object:
        """Lets plain values through; in place of others comes None, and `take_answer` has them."""
        if isinstance(answer, tuple):
            self._held = answer
            return None
        return answer

    def take_answer(self) -> object:
        """The answer that has been held back."""
        answer = self._held
        self._held = None
        return answer

    def run_command(self, command: Command | None, argv: list[bytes]) -> object:
        """Runs a command, or what is none. Returns the answer as Lua gets it; raises nothing."""
        try:
            if command is None or command.handler is None or self._is_checked(command, argv):
                refused = self._refusal(command, argv)
                if refused is not None:
                    return self._refuse(command, refused)
            assert command is not None
            run = self.run
            assert run is not None
            if command.flags & WRITE:
                run.has_written = True
            reply = self._host.call_nested(self.client, command, argv)
            if run.caller.attention & TRACKING:
                self._host.invalidation.remember(run.caller, command, argv)
            return self._answer(reply)
        except CommandError as error:
            return failed(error.text, True)
        except Exception as bug:  # noqa: BLE001 - a bug of ours must not get into Lua
            if command is not None:
                self._host.internal_error(self.client, command, argv, bug)
            return failed(INTERNAL_ERROR, False)

    def collect(self, *arguments: object) -> None:
        """Takes some of the arguments of a long call."""
        self._collected.extend(arguments)

    def call_collected(self) -> object:
        """Runs the command whose arguments have been collected."""
        arguments = self._collected
        self._collected = []
        return self.call(*arguments)

    def more(self) -> object:
        """The next part of a long array."""
        part = self._rest[:PART]
        self._rest = self._rest[PART:]
        return tuple(part)

    def set_resp(self, resp: object) -> None:
        """redis.setresp."""
        self.client.resp = 3 if resp == 3 else 2

    def set_repl(self, targets: object) -> None:
        """redis.set_repl."""
        assert isinstance(targets, int)
        self.client.allowed_targets = targets

    def allows(self, *arguments: object) -> object:
        """redis.acl_check_cmd: whether the caller may run a command; or None and what is wrong with the question."""
        argv: list[bytes] = []
        for argument in arguments:
            text = argument_of(argument)
            if text is None:
                return (None, errors.BAD_ARGUMENTS.encode())
            argv.append(text)
        if len(argv) == 0:
            return (None, errors.NO_ARGUMENTS.encode())
        command = self._table.find(argv)
        if command is None or (command.handler is None and len(argv) > 1):
            return (None, errors.INVALID_ACL_COMMAND.encode())
        run = self.run
        assert run is not None
        return self._host.may_run(run.caller, command, argv)

    # A run

    def begin(self, run: Run) -> None:
        """A script begins: its client is that of the caller, in RESP2."""
        client = self.client
        caller = run.caller
        client.caller = caller
        client.name = caller.name
        client.db = caller.db
        client.user = caller.user
        client.resp = 2
        client.allowed_targets = EVERYWHERE
        client.attention = caller.attention & RESTRICTED
        self.run = run

    def end(self) -> None:
        """The script is over."""
        self.run = None
        self.client.caller = None
        self._rest = []

    # Refusals

    def _is_checked(self, command: Command, argv: list[bytes]) -> bool:
        """Whether anything might speak against a command, so that the sequence of refusals has to be gone through."""
        count: i64 = len(argv)
        if count < command.least or count > command.most or command.flags & NOSCRIPT:
            return True
        run = self.run
        assert run is not None
        return run.is_read_only or run.is_oom or self.client.attention != 0 or self._host.checks_script_calls()

    def _refusal(self, command: Command | None, argv: list[bytes]) -> str | None:
        """Why a command may not run, in the order real servers check; None if nothing speaks against it."""
        if command is None or (command.handler is None and len(argv) > 1):
            return errors.UNKNOWN_COMMAND
        count: i64 = len(argv)
        if count < command.least or count > command.most or command.handler is None:
            return errors.WRONG_ARITY
        host = self._host
        flags = command.flags
        if flags & NOSCRIPT and not host.allows_denied_in_scripts:
            return errors.NOT_FROM_SCRIPT
        run = self.run
        assert run is not None
        if flags & STALE == 0 and host.stale():
            return errors.NOT_ON_STALE
        if self.client.attention & RESTRICTED:
            denied = host.access_denied(run.caller, command, argv, in_script=True)
            if denied is not None:
                return "ERR ACL failure in script: " + denied.removeprefix("NOPERM ")
        if run.is_read_only and flags & (WRITE | MAY_REPLICATE):
            return errors.WRITE_IN_READ_ONLY
        if flags & WRITE and not run.has_written:
            refused = host.writes_refused(run.caller, command)
            if refused is not None:
                return refused
        if run.is_oom and not run.allows_oom and not run.has_written and flags & DENYOOM:
            return OUT_OF_MEMORY
        return host.foreign_keys(run.caller, command, argv)

    def _refuse(self, command: Command | None, text: str) -> object:
        """Counts a refusal and answers with it."""
        self._host.count_error(text)
        if command is not None:
            command.rejected += 1
        return failed(text, True)

    # Answers

    def _fits(self, size: i64) -> bool:
        """Whether Lua has room for an answer; small ones always find it."""
        state = self.state
        assert state is not None
        return size < LARGE_BYTES or state.has_room(size)

    def _answer(self, reply: object) -> object:
        """A reply as Lua gets it."""
        if isinstance(reply, bytes):
            return reply if self._fits(len(reply)) else failed(LUA_OUT_OF_MEMORY, False)
        if reply is OK:
            return True
        client = self.client
        if isinstance(reply, int):
            if isinstance(reply, bool):
                if client.resp == 2:
                    return int(reply)
                return (None, TRUE) if reply else False
            return reply
        if reply is None or reply is NULL_ARRAY:
            return False if client.resp == 2 else NIL_RESULT
        if isinstance(reply, Simple):
            return (None, STATUS, reply.text)
        if isinstance(reply, list):
            size = plain_bytes(reply)
            if not self._fits(size):
                return failed(LUA_OUT_OF_MEMORY, False)
            if size != NOT_PLAIN and len(reply) <= PART:
                return (None, FLAT, *reply)
            if size != NOT_PLAIN:
                self._rest = reply
                return (None, LONG, len(reply))
        if isinstance(reply, ErrorReply):
            return failed(reply.text, True)
        if reply is NO_REPLY or isinstance(reply, Encoded):
            written = reply.payload if isinstance(reply, Encoded) else client.out.getvalue()
            client.out.truncate(0)
            return self._answer(decode(written)) if written else False
        state = self.state
        assert state is not None
        tree = tree_of(reply, client.resp, state.make_table)
        if isinstance(tree, (bytes, int)):
            return tree
        if not self._fits(tree_bytes(tree)):
            return failed(LUA_OUT_OF_MEMORY, False)
        return (None, BUILT, state.make_table(tree, recursive=True))
