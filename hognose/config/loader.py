"""Start-up: reads file, standard input, environment and command line into a `Config`.

Lines take effect one by one, in order, as in redis-server, which is why `dir` moves the place later includes are looked
for in, and why the first wrong line is the one reported. `include` is read on the spot, as a text of its own with its
own line numbers. `save` lines add up; the first one, wherever it stands, replaces the built-in save points.

Lines that are no settings are checked by those who know: `StartupChecks`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mypy_extensions import mypyc_attr

from hognose.config.directives import BY_NAME, RETIRED, find
from hognose.config.directives.record import MULTI_ARG, Directive
from hognose.config.errors import (
    BAD_DIRECTIVE,
    MODULE_CONFIG_WITHOUT_MODULE,
    MODULE_CONFIG_WITHOUT_VALUE,
    REPLICA_IN_CLUSTER,
    SENTINEL_OUTSIDE_SENTINEL,
    WRONG_ARGUMENT_COUNT,
    ConfigError,
    ConfigFileUnreadableError,
    ValueRefused,
)
from hognose.config.grammar import SourceLine, environment_lines, parse_line, split_args
from hognose.config.kinds import decode
from hognose.config.store import Config

MAX_INCLUDE_DEPTH: Final = 32
"""Deeper than any real layout; a file that includes itself ends here instead of never."""


@mypyc_attr(allow_interpreted_subclasses=True)
class StartupChecks:
    """What the configuration needs to know from the parts of the server it names.

    The base class accepts everything, which suits tools that only read settings.
    """

    def rename_command(self, name: bytes, new_name: bytes) -> str:
        """Renames a command, or removes it where the new name is empty.

        Returns:
            Why that is impossible, or the empty string.
        """
        return ""

    def declare_user(self, name: bytes, rules: list[bytes]) -> tuple[bytes, str]:
        """Checks a `user` line.

        Returns:
            The rule (or the name) that is wrong and why; an empty reason where all is well.
        """
        return b"", ""


class Loader:
    """Reads texts into one `Config`.

    Args:
        config: Receives the values.
        checks: Checks the lines that are no settings.
        is_sentinel: Whether the server runs as a Sentinel, which is what allows `sentinel` lines.
    """

    def __init__(self, config: Config, checks: StartupChecks, is_sentinel: bool = False) -> None:
        self._config: Final = config
        self._checks: Final = checks
        self._is_sentinel: Final = is_sentinel
        self._saw_save = False

    def read(self, text: bytes, depth: int = 0) -> None:
        """Puts every line of a text in force.

        Args:
            text: Configuration lines.
            depth: How many includes led here.

        Raises:
            ConfigError: A line is wrong; those before it are in force.
        """
        for index, raw in enumerate(text.split(b"\n")):
            line = parse_line(index + 1, raw)
            if line is not None:
                self._take(line, depth)

    def _take(self, line: SourceLine, depth: int) -> None:
        directive = find(line.name)
        if directive is not None:
            try:
                self._set(directive, line.args)
            except ValueRefused as refused:
                raise line.error(refused.reason) from refused
            return
        reason = self._other(line, depth)
        if reason:
            raise line.error(reason)

    def _set(self, directive: Directive, args: list[bytes]) -> None:
        if not directive.has(MULTI_ARG):
            if len(args) != 1:
                raise ValueRefused(WRONG_ARGUMENT_COUNT)
        elif len(args) == 1 and args[0]:
            args = split_args(args[0]) or []
        earlier = self._config.settings.save if self._saw_save else ()
        self._config.assign(directive, args)
        if directive.name == "save":
            if args != [b""]:
                self._config.settings.save = earlier + self._config.settings.save
            self._saw_save = True

    def _other(self, line: SourceLine, depth: int) -> str:
        """Takes a line that is no setting; returns why it is wrong, or the empty string."""
        name, args = line.name, line.args
        if decode(name) in RETIRED and len(args) == 1:
            return ""
        if name == b"include" and len(args) == 1:
            self.include(decode(args[0]), depth + 1)
            return ""
        if name == b"rename-command" and len(args) == 2:
            return self._checks.rename_command(args[0], args[1])
        if name == b"user" and args:
            return self._user(args)
        if name == b"loadmodule" and args:
            self._config.modules.append(args)
            return ""
        if b"." in name:
            return self._module_setting(name, args)
        if name == b"sentinel":
            return self._sentinel(args)
        return BAD_DIRECTIVE

    def _user(self, args: list[bytes]) -> str:
        culprit, reason = self._checks.declare_user(args[0], args[1:])
        if reason:
            return f"Error in user declaration '{decode(culprit)}': {reason}"
        self._config.users.append(args)
        return ""

    def _module_setting(self, name: bytes, args: list[bytes]) -> str:
        if not args:
            return MODULE_CONFIG_WITHOUT_VALUE
        self._config.module_settings[name] = b" ".join(args)
        return ""

    def _sentinel(self, args: list[bytes]) -> str:
        if args and not self._is_sentinel:
            return SENTINEL_OUTSIDE_SENTINEL
        if args:
            self._config.sentinel_lines.append(args)
        return ""

    def include(self, path: str, depth: int) -> None:
        """Reads a file, or every file a glob pattern matches, which may be none, as one text.

        Raises:
            ConfigFileUnreadableError: It cannot be opened.
            ConfigError: A line in it is wrong, or includes are nested too deeply.
        """
        if depth > MAX_INCLUDE_DEPTH:
            raise ConfigError(f"More than {MAX_INCLUDE_DEPTH} nested includes, does '{path}' include itself?")
        self.read(read_files(path), depth)


def absolute(path: str) -> str:
    """The whole path of a file; of its dots only those at its start are resolved, as INFO of real servers shows it."""
    folder = Path.cwd()
    while path.startswith("../"):
        folder = folder.parent
        path = path[3:]
    return str(folder / path)


def read_files(path: str) -> bytes:
    """The text of a file, or of all files a pattern matches, in the order of their names.

    Raises:
        ConfigFileUnreadableError: It cannot be opened.
    """
    paths = [path]
    if any(mark in path for mark in "*?["):
        import glob  # noqa: PLC0415 - takes time that would be the start's

        paths = sorted(glob.glob(path))  # noqa: PTH207
    texts: list[bytes] = []
    for each in paths:
        try:
            texts.append(Path(each).read_bytes())
        except IsADirectoryError:
            continue  # as in real servers a directory says nothing
        except OSError as error:
            raise ConfigFileUnreadableError(each, error.strerror or str(error)) from error
    return b"".join(texts)


def load(
    config: Config,
    path: str = "",
    *,
    stdin: bytes = b"",
    environ: Mapping[str, str] | None = None,
    options: bytes = b"",
    checks: StartupChecks | None = None,
    is_sentinel: bool = False,
) -> list[str]:
    """Reads the whole configuration of a starting server.

    Args:
        config: A new `Config`; receives the values.
        path: The configuration file; empty for none.
        stdin: More of it, from standard input.
        environ: The environment, for HOGNOSE_* variables, which win over both.
        options: `CommandLine.options`, which win over all.
        checks: See `StartupChecks`.
        is_sentinel: Whether the server runs as a Sentinel.

    Returns:
        Warnings to log.

    Raises:
        ConfigError: The server cannot start with this.
    """
    config.path = absolute(path) if path else ""
    variables = environment_lines(environ or {}, BY_NAME)
    text = (read_files(config.path) if path else b"") + stdin
    for line in variables:
        text += b"\n" + (b'save ""\n' if line.startswith(b"save ") else b"") + line
    if options:
        text += b"\n" + options
    Loader(config, checks or StartupChecks(), is_sentinel).read(text)
    return finish(config)


def finish(config: Config) -> list[str]:
    """Checks what no single line can tell.

    Returns:
        Warnings to log.

    Raises:
        ConfigError: Settings contradict each other, or the log file cannot be written.
    """
    settings = config.settings
    if settings.logfile:
        _check_log_file(settings.logfile)
    if settings.cluster_enabled and settings.replicaof is not None:
        raise ConfigError(REPLICA_IN_CLUSTER)
    if settings.cluster_enabled and settings.databases > 1:
        warning = f"WARNING: Changing databases number from {settings.databases} to 1 since we are in cluster mode"
        settings.databases = 1
        return [warning]
    return []


def refuse_modules(config: Config) -> None:
    """Refuses to go on with modules, of which there are none here: who asks for one relies on it.

    Raises:
        ConfigError: A module is to be loaded or configured.
    """
    if config.modules:
        path = decode(config.modules[0][0])
        raise ConfigError(f"Can't load module from {path}: server aborting. hognose has no modules")
    if config.module_settings:
        raise ConfigError(MODULE_CONFIG_WITHOUT_MODULE)


def _check_log_file(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError as error:
        raise ConfigError(f"Can't open the log file: {error.strerror}") from error
    os.close(descriptor)
