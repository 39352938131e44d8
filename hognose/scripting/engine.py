"""Scripts and functions of one server: the cache of scripts, and what happens around a script that runs.

There are two Lua states, one for scripts and one for functions, each made when it is first needed. While a script runs
the keyspace's clock stands still, the effects of its commands collect to one unit, and no other client is served; once
it has run longer than busy-reply-threshold, the server answers the others between its instructions (`server.busy`).
"""

import hashlib
import math
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from hognose.commands.arguments import integer
from hognose.commands.context import Context
from hognose.commands.flags import DENYOOM, MAY_REPLICATE, STALE, WRITE
from hognose.commands.host import NOTICE, WARNING, Host
from hognose.commands.scripts import ScriptMemory, Scripts
from hognose.datastructures.numbers import format_double
from hognose.errors import CommandError, CountedError
from hognose.resp.reply import Encoded, Reply
from hognose.scripting import errors
from hognose.scripting.calls import Calls, Run
from hognose.scripting.conversion import ELEMENT_BYTES
from hognose.scripting.functions import Function, FunctionLibraries
from hognose.scripting.shebang import (
    ALLOW_OOM,
    ALLOW_STALE,
    COMPATIBLE,
    NO_CLUSTER,
    NO_WRITES,
    Shebang,
)
from hognose.scripting.state import LARGE_BYTES, CompileError, LuaState

MOST_EVAL_SCRIPTS: Final = 500
"""So many scripts that only EVAL has brought are kept, as in Redis 7.4."""
MOST_ARGUMENTS: Final = 4000
"""More do not fit on Lua's stack of 8000 together with what else is there."""
SCRIPT_OVERHEAD_BYTES: Final = 400
"""A cached script without its text and its Lua function, measured."""
RUNS_PER_SWEEP: Final = 1000
I64_MIN: Final = -(2**63)
ENCODED: Final = 1
ERROR_REPLY: Final = 2
FAILURE: Final = 3
DIGEST_SIZE: Final = 40


class Script:
    """A cached script.

    Attributes:
        digest: SHA-1 of the text, in hexadecimal.
        text: As it came.
        flags: What its first line declares, or COMPATIBLE.
        run: Runs it; see `LuaState.script`.
        is_kept: It came by SCRIPT LOAD, so that it stays until SCRIPT FLUSH.
    """

    def __init__(self, digest: bytes, text: bytes, flags: i64, run: Callable[..., object]) -> None:
        self.digest: Final = digest
        self.text: Final = text
        self.flags: i64 = flags
        self.run: Final[Callable[..., object]] = run
        self.is_kept = False


class Engine(Scripts):
    """The scripting of one server.

    Attributes:
        run: What is running now.
        libraries: The libraries of functions.
    """

    def __init__(self, host: Host) -> None:
        self._host: Final = host
        self._scripts: dict[bytes, Script] = {}
        self._by_text: dict[bytes, Script] = {}  # a digest takes longer than all the rest of a short script
        self._text_bytes: i64 = 0
        self._recent: dict[bytes, Script] = {}
        self._newest: Script | None = None  # the one that ran last: most often the next as well
        self._eval_calls: Final = Calls(host)
        self._function_calls: Final = Calls(host)
        self._runs_since_sweep: i64 = 0
        self.run: Run | None = None
        self.libraries: Final = FunctionLibraries(self)

    # The Lua states

    def _state(self, calls: Calls, is_eval: bool) -> LuaState:
        """A Lua state, made when it is first needed."""
        state = calls.state
        if state is None:
            state = LuaState(
                {
                    b"call": calls.call,
                    b"answer": calls.take_answer,
                    b"collect": calls.collect,
                    b"call_collected": calls.call_collected,
                    b"more": calls.more,
                    b"poll": self._poll,
                    b"setresp": calls.set_resp,
                    b"set_repl": calls.set_repl,
                    b"allows": calls.allows,
                    b"sha1hex": sha1_hex,
                    b"log": self._log,
                    b"note_error": self._note_error,
                    b"format_double": format_double,
                    b"register": self.libraries.register,
                    b"known_flags": self.libraries.knows_flags,
                },
                calls.commands(),
                is_eval,
            )
            calls.state = state
        return state

    def eval_state(self) -> LuaState:
        """The state of scripts."""
        return self._state(self._eval_calls, is_eval=True)

    def function_state(self) -> LuaState:
        """The state of functions."""
        return self._state(self._function_calls, is_eval=False)

    def _log(self, level: object, text: object) -> None:
        assert isinstance(level, int)
        assert isinstance(text, bytes)
        self._host.log(level, text.decode("utf-8", "backslashreplace"))

    def _note_error(self, text: object, is_counted: object) -> None:
        """There is an error somewhere in the reply."""
        assert isinstance(text, bytes)
        if self.run is not None:
            self.run.answers_error = True
        if not is_counted:
            self._host.count_error(text.decode("utf-8", "surrogateescape"), is_custom=True)

    def _poll(self) -> bytes | None:
        """Called between a script's instructions now and then. Returns why it has to end, or None."""
        if self.libraries.is_loading():
            return self.libraries.overdue()
        run = self.run
        if run is None:
            return None
        if not run.is_overdue:
            threshold = self._host.settings.busy_reply_threshold
            elapsed_ms = (self._host.clock.read() - run.started_us) // 1000
            if threshold <= 0 or elapsed_ms < threshold:
                return None
            self._become_overdue(run, elapsed_ms)
        self._host.serve_while_busy()
        self._host.keyspace.frozen_now_us = self._host.clock.now_us
        if run.is_abandoned:
            return errors.ABANDONED.encode()
        return errors.KILLED.encode() if run.is_killed else None

    def _become_overdue(self, run: Run, elapsed_ms: i64) -> None:
        remedy = "FUNCTION KILL" if run.is_function else "SCRIPT KILL"
        self._host.log(
            WARNING,
            f"Slow script detected: still in execution after {elapsed_ms} milliseconds. You can try killing the script "
            f"using the {remedy} command. Script name is: {run.name.decode()}.",
        )
        run.is_overdue = True
        self._host.set_busy(run.caller, True)

    def clock_ms(self) -> i64:
        """The time now, Unix ms."""
        return self._host.clock.read() // 1000

    def rdb_version(self) -> int:
        """The version of dumps."""
        return self._host.settings.rdb_version

    # The cache of scripts

    def _compiled(self, digest: bytes, text: bytes) -> Script:
        """A script that is not cached yet, made and put into the cache."""
        shebang = Shebang(text)
        if shebang.problem:
            raise CommandError("ERR " + shebang.problem)
        try:
            run = self.eval_state().script(text[shebang.size :])
        except CompileError as error:
            raise CommandError(f"ERR Error compiling script (new function): {error}") from None
        script = Script(digest, text, shebang.flags, run)
        self._scripts[digest] = script
        self._by_text[text] = script
        self._text_bytes += len(text)
        return script

    def _note_use(self, script: Script) -> None:
        """Keeps the scripts that only EVAL has brought in the order of their last use, and forgets the oldest."""
        if self._newest is script:
            return
        self._newest = script
        if script.is_kept:
            return
        recent = self._recent
        if script.digest in recent:
            del recent[script.digest]
        recent[script.digest] = script
        if len(recent) > MOST_EVAL_SCRIPTS:
            oldest = recent.pop(next(iter(recent)))
            del self._scripts[oldest.digest]
            del self._by_text[oldest.text]
            self._text_bytes -= len(oldest.text)

    def load(self, text: bytes) -> bytes:
        """SCRIPT LOAD. Returns the digest."""
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
        script = self._scripts.get(digest)
        if script is None:
            script = self._compiled(digest, text)
        script.is_kept = True
        self._recent.pop(digest, None)
        return digest

    def exists(self, digest: bytes) -> bool:
        """Whether a script is cached."""
        return digest.lower() in self._scripts

    def forget_all(self) -> None:
        """SCRIPT FLUSH."""
        self._scripts = {}
        self._by_text = {}
        self._recent = {}
        self._newest = None
        self._text_bytes = 0
        state = self._eval_calls.state
        if state is not None:
            state.collect()

    # Running

    def run_text(self, ctx: Context, argv: list[bytes], read_only: bool) -> Reply:
        """EVAL, EVAL_RO."""
        self._host.show_to_monitors(ctx, argv)
        keys = key_count(argv)
        text = argv[1]
        script = self._newest
        if script is None or script.text != text:  # comparing is cheaper than hashing
            script = self._by_text.get(text)
            if script is None:
                digest = hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
                script = self._compiled(digest, text)
        return self._run_script(ctx, argv, script, keys, read_only)

    def run_digest(self, ctx: Context, argv: list[bytes], read_only: bool) -> Reply:
        """EVALSHA, EVALSHA_RO."""
        self._host.show_to_monitors(ctx, argv)
        if len(argv[1]) != DIGEST_SIZE:
            raise CommandError(errors.NO_SCRIPT)
        keys = key_count(argv)
        script = self._newest
        if script is None or script.digest != argv[1]:
            script = self._scripts.get(argv[1].lower())
            if script is None:
                raise CommandError(errors.NO_SCRIPT)
        return self._run_script(ctx, argv, script, keys, read_only)

    def _run_script(self, ctx: Context, argv: list[bytes], script: Script, keys: int, read_only: bool) -> Reply:
        self._note_use(script)
        run = Run(ctx, argv, script.digest, is_function=False)
        self._admit(run, script.flags, read_only)
        return self._run(run, self._eval_calls, script.run, keys)

    def run_function(self, ctx: Context, argv: list[bytes], read_only: bool) -> Reply:
        """FCALL, FCALL_RO."""
        self._host.show_to_monitors(ctx, argv)
        function = self.libraries.find(argv[1])
        if function is None:
            raise CommandError("ERR Function not found")
        keys = key_count(argv, errors.BAD_KEYS)
        run = Run(ctx, argv, function.name, is_function=True)
        self._admit(run, function.flags, read_only)
        return self._run(run, self._function_calls, function.run, keys)

    def _admit(self, run: Run, flags: i64, read_only: bool) -> None:
        """Refuses what must not run now; notes what it may do."""
        host = self._host
        if self.run is not None:  # DEBUG SET-DISABLE-DENY-SCRIPTS
            raise CommandError(errors.NOT_FROM_SCRIPT)
        if flags & COMPATIBLE == 0:
            self._check_flags(run, flags, read_only)
        elif host.stale():
            raise CommandError("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
        run.is_read_only = read_only or flags & (COMPATIBLE | NO_WRITES) == NO_WRITES
        run.allows_oom = flags & (COMPATIBLE | ALLOW_OOM) == ALLOW_OOM
        run.is_oom = host.settings.maxmemory != 0 and not host.make_room()

    def _check_flags(self, run: Run, flags: i64, read_only: bool) -> None:
        """What a script's flags ask for, in the order real servers check."""
        host = self._host
        if flags & NO_CLUSTER and host.settings.cluster_enabled:
            raise CommandError(errors.NO_CLUSTER)
        if flags & ALLOW_STALE == 0 and host.stale():
            raise CommandError(errors.STALE)
        if flags & NO_WRITES:
            return
        refused = host.script_writes_refused(run.caller)
        if refused is not None:
            raise CommandError(refused)
        if read_only:
            raise CommandError(errors.READING_COMMAND)
        if flags & ALLOW_OOM == 0 and host.settings.maxmemory != 0 and not host.make_room():
            raise CommandError(errors.OOM)

    def _run(self, run: Run, calls: Calls, body: Callable[..., object], keys: int) -> Reply:
        """Runs a Lua function."""
        host = self._host
        keyspace = host.keyspace
        ctx = run.caller
        if host.propagating:
            ctx.propagate_as()
        outer_now_ms = keyspace.frozen_now_ms
        run.started_us = host.clock.now_us
        if outer_now_ms == 0:
            keyspace.freeze_time()
        calls.begin(run)
        self.run = run
        try:
            return self._reply(run, calls, self._call(run, calls, body, keys))
        finally:
            self.run = None
            calls.end()
            keyspace.frozen_now_ms = outer_now_ms
            if run.is_overdue:
                host.set_busy(ctx, False)
            if run.is_abandoned:
                host.forget_effects()
            self._tidy(calls)

    def _call(self, run: Run, calls: Calls, body: Callable[..., object], keys: int) -> object:
        """Hands everything to Lua; returns what it gives back."""
        state = calls.state
        assert state is not None
        argv = run.argv
        resp = int(run.caller.resp)
        size: i64 = 0
        for argument in argv:
            size += len(argument) + ELEMENT_BYTES
        if size > LARGE_BYTES and not state.has_room(int(size) * 2):
            raise CommandError(errors.OUT_OF_MEMORY)
        count: i64 = len(argv)
        try:
            if count == 5:  # the most frequent number; a call with a list of arguments copies it twice
                return body(resp, keys, argv[3], argv[4])
            if count > MOST_ARGUMENTS:
                return body(resp, state.make_table(argv[3 : 3 + keys]), state.make_table(argv[3 + keys :]))
            return body(resp, keys, *argv[3:])
        except Exception as error:  # noqa: BLE001 - what Lua throws past its own handlers: its memory is exhausted
            if run.is_killed:
                raise CommandError(errors.KILLED) from None
            self._host.log(WARNING, f"Script {run.name.decode()} failed: {error!r}")
            state.collect()
            raise CommandError(errors.OUT_OF_MEMORY) from None

    def _reply(self, run: Run, calls: Calls, result: object) -> Reply:
        """What the client gets."""
        if isinstance(result, bytes):
            return result
        if isinstance(result, bool):
            if calls.client.resp == 3:
                return result
            return 1 if result else None
        if isinstance(result, int):
            return result
        if result is None:
            return None
        if isinstance(result, float):
            return int(result) if math.isfinite(result) and abs(result) < 2.0**63 else I64_MIN
        assert isinstance(result, tuple)
        kind = result[0]
        if kind == ENCODED:
            command = run.caller.command
            if run.answers_error and command is not None:
                command.failed += 1
            return Encoded(result[1])
        if kind == ERROR_REPLY:
            raise self._counted(result[1].decode("utf-8", "surrogateescape"), bool(result[2]))
        text, is_counted = failure(run, result)
        raise self._counted(text, is_counted)

    def _counted(self, text: str, is_counted: bool) -> CountedError:
        """A script's error, which is in the statistics from now on."""
        if not is_counted:
            self._host.count_error(text, is_custom=True)
        return CountedError(text)

    def _tidy(self, calls: Calls) -> None:
        """Now and then: cleans what scripts share."""
        self._runs_since_sweep += 1
        if self._runs_since_sweep >= RUNS_PER_SWEEP:
            self._runs_since_sweep = 0
            state = calls.state
            if state is not None:
                state.sweep()

    # Ending a script

    def kill(self, function: bool) -> None:
        """SCRIPT KILL and FUNCTION KILL."""
        run = self.run
        if run is None:
            raise CommandError(errors.NOT_BUSY)
        if self._host.must_obey(run.caller):
            raise CommandError(errors.UNKILLABLE_PRIMARY)
        if run.has_written:
            raise CommandError(errors.UNKILLABLE)
        if function != run.is_function:
            raise CommandError(self.busy_text())
        run.is_killed = True
        self._host.log(NOTICE, "Lua script killed by user with SCRIPT KILL.")

    def abandon(self) -> None:
        """The server ends: the running script, if there is one, is given up."""
        run = self.run
        if run is not None:
            run.is_abandoned = True

    def is_overdue(self) -> bool:
        """Whether a script runs for longer than busy-reply-threshold."""
        return self.run is not None and self.run.is_overdue

    def busy_text(self) -> str:
        """What clients are told while a script takes long."""
        run = self.run
        return errors.BUSY_FUNCTION if run is not None and run.is_function else errors.BUSY_SCRIPT

    # Libraries of functions

    def load_library(self, source: bytes, replaces: bool, is_limited: bool) -> bytes:
        """FUNCTION LOAD. Returns the library's name."""
        return self.libraries.add(source, replaces, is_limited)

    def delete_library(self, name: bytes) -> None:
        """FUNCTION DELETE."""
        self.libraries.delete(name)

    def flush_libraries(self) -> None:
        """FUNCTION FLUSH."""
        self.libraries.clear()

    def list_libraries(self, pattern: bytes | None, with_code: bool) -> Reply:
        """FUNCTION LIST."""
        return self.libraries.describe(pattern, with_code)

    def dump_libraries(self) -> bytes:
        """FUNCTION DUMP."""
        return self.libraries.dump()

    def restore_libraries(self, payload: bytes, policy: bytes) -> None:
        """FUNCTION RESTORE."""
        self.libraries.restore(payload, policy)

    def statistics(self) -> Reply:
        """FUNCTION STATS."""
        run = self.run
        if run is not None and not run.is_function:
            raise CommandError(errors.BUSY_SCRIPT)
        running: object = None
        if run is not None:
            duration = (self._host.clock.read() - run.started_us) // 1000
            running = {b"name": run.name, b"command": list(run.argv), b"duration_ms": int(duration)}
        counts = {
            b"libraries_count": self.libraries.count(),
            b"functions_count": self.libraries.function_count(),
        }
        return {b"running_script": running, b"engines": {b"LUA": counts}}

    # What the server asks

    def command_flags(self, argv: list[bytes], flags: i64) -> i64:
        """The flags of a request to run a script: those the script declares take the place of the command's."""
        declared = self._declared_flags(argv)
        if declared & COMPATIBLE:
            return flags
        flags &= ~(STALE | DENYOOM | WRITE | MAY_REPLICATE)
        if declared & (ALLOW_OOM | NO_WRITES) == 0:
            flags |= DENYOOM
        if declared & NO_WRITES == 0:
            flags |= WRITE
        if declared & ALLOW_STALE:
            flags |= STALE
        return flags

    def _declared_flags(self, argv: list[bytes]) -> i64:
        """What the script of a request declares; COMPATIBLE if nothing, or there is no such script."""
        word = argv[0].upper()
        if word.startswith(b"FCALL"):
            function = self.libraries.find(argv[1])
            return COMPATIBLE if function is None else function.flags
        if word.startswith(b"EVALSHA"):
            script = self._scripts.get(argv[1].lower())
            return COMPATIBLE if script is None else script.flags
        shebang = Shebang(argv[1])
        return COMPATIBLE if shebang.problem else shebang.flags

    def memory(self) -> ScriptMemory:
        """What scripts occupy."""
        found = ScriptMemory()
        if self._eval_calls.state is not None:
            found.eval_bytes = self._eval_calls.state.memory_bytes()
        if self._function_calls.state is not None:
            found.function_bytes = self._function_calls.state.memory_bytes()
        found.scripts = len(self._scripts)
        found.script_bytes = self._text_bytes + SCRIPT_OVERHEAD_BYTES * found.scripts
        found.functions = self.libraries.function_count()
        found.libraries = self.libraries.count()
        found.library_bytes = self.libraries.memory_bytes()
        return found


def key_count(argv: list[bytes], not_integer: str = "ERR value is not an integer or out of range") -> int:
    """How many of the arguments are keys."""
    if argv[2] == b"1" and len(argv) > 3:
        return 1
    keys = integer(argv[2], not_integer)
    if keys > len(argv) - 3:
        raise CommandError(errors.TOO_MANY_KEYS)
    if keys < 0:
        raise CommandError(errors.NEGATIVE_KEYS)
    return keys


def sha1_hex(text: object) -> bytes:
    """redis.sha1hex."""
    assert isinstance(text, bytes)
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


def failure(run: Run, result: tuple[object, ...]) -> tuple[str, bool]:
    """The error of a script that failed, with the place, and whether it has been counted.

    Args:
        run: The script.
        result: FAILURE, the text, whether it has been counted, source and line; or FAILURE, None, a text that is no
            error of the server's.
    """
    name = run.name.decode("utf-8", "surrogateescape")
    text = result[1]
    if text is None:
        raw = result[2]
        assert isinstance(raw, bytes)
        return f"ERR Error running script {name}, {_line(raw[:100])}", False
    assert isinstance(text, bytes)
    shown = _line(text)
    if result[3] is not None and result[4] is not None:
        source, number = result[3], result[4]
        assert isinstance(source, bytes)
        assert isinstance(number, bytes)
        shown += f" script: {name}, on {_line(source)}:{number.decode()}."
    return shown, bool(result[2])


def _line(text: bytes) -> str:
    """A text as it may stand in an error line."""
    text = text.partition(b"\x00")[0]
    return text.decode("utf-8", "surrogateescape").replace("\r", " ").replace("\n", " ")


__all__ = ["Engine", "Function", "Script"]
