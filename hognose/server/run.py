"""The command line: from the arguments to a running server, and to the exit status.

    hognose [FILE] [-] [--directive value ...]
    hognose [FILE] [-] [--directive value ...] --test-config
    hognose --version and the like: `command_words`

A process that runs a server runs nothing else, so here, and only here, the process belongs to it: signals, the limit of
open files, the process id file, garbage collection. A server inside another program is `hognose.embedded`.
"""

import asyncio
import gc
import locale
import os
import signal
import sys
from pathlib import Path
from typing import Final

from hognose.acl.index import CommandIndex
from hognose.acl.rules import (
    DUPLICATE_USER,
    SYNTAX_ERROR,
    UNKNOWN_COMMAND,
    RuleError,
    UnmatchedParenthesisError,
    merge_selectors,
)
from hognose.acl.user import User, user_name
from hognose.commands import load_all
from hognose.commands.host import NOTICE, WARNING
from hognose.commands.table import CommandTable
from hognose.config.directives.process import expand_title
from hognose.config.effects import settings_without_effect
from hognose.config.errors import NO_CLUSTER, ConfigError, ConfigFileUnreadableError
from hognose.config.grammar import parse_command_line
from hognose.config.loader import StartupChecks, load, refuse_modules
from hognose.config.settings import Settings
from hognose.config.store import Config
from hognose.server import daemon, system
from hognose.server.append_only_load import AofLoadError
from hognose.server.append_only_rewrite import LastWrite
from hognose.server.banner import banner, start_line
from hognose.server.command_words import early_status
from hognose.server.crash import CrashHandler
from hognose.server.filelimit import RESERVED_FILES, clients_possible
from hognose.server.lifecycle import Lifecycle
from hognose.server.listeners import ListenError
from hognose.server.log import LEVELS, Log
from hognose.server.loops import new_event_loop
from hognose.server.oomscore import OomScore
from hognose.server.proctitle import ProcessTitle
from hognose.server.server import Server
from hognose.server.snapshots import DataDirectory, LastSnapshot, files_to_load

TEST_CONFIG: Final = "--test-config"
"""Among the arguments: only reads the configuration."""

HANDLED_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class CommandNames(StartupChecks):
    """Checks `rename-command` and `user` lines against the commands there are, and collects the former for the server.

    Attributes:
        renames: Old and new names; an empty new name removes the command.
    """

    def __init__(self) -> None:
        load_all()
        self._table: Final = CommandTable()
        self._index: Final = CommandIndex(self._table)
        self._users: Final[set[bytes]] = set()
        self.renames: Final[list[tuple[bytes, bytes]]] = []

    def declare_user(self, name: bytes, rules: list[bytes]) -> tuple[bytes, str]:
        """Commands that are not known may be a module's; the server finds out about them when it takes the users."""
        if name in self._users:
            return name, DUPLICATE_USER
        self._users.add(name)
        user = User(user_name(name), self._index)
        try:
            merged = merge_selectors(rules)
        except UnmatchedParenthesisError as unmatched:
            return rules[unmatched.at], SYNTAX_ERROR
        for rule in merged:
            try:
                user.apply(rule)
            except RuleError as wrong:
                if wrong.reason != UNKNOWN_COMMAND:
                    return rule, wrong.reason
        return b"", ""

    def rename_command(self, name: bytes, new_name: bytes) -> str:
        if name.lower() not in self._table.commands:
            return "No such command in rename-command"
        if not self._table.rename(name, new_name):
            return "Target command name already exists"
        self.renames.append((name, new_name))
        return ""


class Startup:
    """A configuration that was read without an error.

    Attributes:
        config: All of it.
        executable: The program that was started.
        warnings: To be logged.
        renames: See `CommandNames`.
        has_arguments: Whether anything was configured on the command line.
    """

    def __init__(self, args: list[str]) -> None:
        self.executable: Final = str(Path(sys.argv[0]).absolute())  # before `dir` changes the directory
        line = parse_command_line(args)
        names = CommandNames()
        self.config: Final = Config()
        stdin = sys.stdin.buffer.read() if line.reads_stdin else b""
        self.warnings: Final = load(
            self.config, line.path, stdin=stdin, environ=os.environ, options=line.options, checks=names
        )
        if self.config.settings.cluster_enabled:
            raise ConfigError(NO_CLUSTER)
        self.renames: Final = names.renames
        self.has_arguments: Final = bool(args)


def run_command_line(args: list[str]) -> int:
    """Does what the arguments ask for.

    Args:
        args: Without the program's name.

    Returns:
        The exit status, where it comes to that: a server ends the process itself.
    """
    status = early_status(sys.argv[0], args)
    if status is not None:
        return status
    only_test = TEST_CONFIG in args
    try:
        startup = Startup([arg for arg in args if arg != TEST_CONFIG])
        if only_test:
            refuse_modules(startup.config)
    except ConfigFileUnreadableError as unreadable:  # compiled, one name has one type
        log = Log()
        log.role = "C"
        log.write(WARNING, str(unreadable))
        return 1
    except ConfigError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if only_test:
        print("The configuration is OK")
        return 0
    leave(run_server(startup))
    return 0


def leave(status: int) -> None:
    """Ends the process without taking the data apart key by key first, which can take seconds."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def configure_log(log: Log, settings: Settings) -> None:
    """Directs a log where the settings want it."""
    log.level = LEVELS.index(settings.loglevel)
    log.to_file(settings.logfile)
    if settings.syslog_enabled:
        log.to_syslog(settings.syslog_ident, settings.syslog_facility)


def run_server(startup: Startup) -> int:
    """Runs a server until it is told to stop; returns the exit status."""
    settings = startup.config.settings
    log = Log()
    configure_log(log, settings)
    supervisor = daemon.Supervisor(os.environ, log)
    in_background = not supervisor.attach(settings.supervised) and settings.daemonize
    if in_background:
        daemon.go_to_background()
    pid_path = settings.pidfile or (daemon.DEFAULT_PID_FILE if in_background else "")
    process = ServerProcess(startup, supervisor, daemon.PidFile(pid_path, log))
    return process.run()


class ServerProcess:
    """One server and the process it has to itself."""

    def __init__(self, startup: Startup, supervisor: daemon.Supervisor, pid_file: daemon.PidFile) -> None:
        self._startup: Final = startup
        self._supervisor: Final = supervisor
        self._pid_file: Final = pid_file
        self._settings: Final = startup.config.settings
        self._server: Final = Server(startup.config)
        self._server.executable = startup.executable
        self._loop: Final = new_event_loop()
        self._lifecycle: Final = Lifecycle(self._server, self._loop)
        self._oom_score: Final = OomScore(self._settings, self._server.log_file)
        self._data_directory: Final = DataDirectory(self._server)
        self._has_failed = False
        self._title: ProcessTitle | None = None
        configure_log(self._server.log_file, self._settings)
        for old, new in startup.renames:
            self._server.command_table.rename(old, new)

    def run(self) -> int:
        """Runs until the end; returns the exit status."""
        asyncio.set_event_loop(self._loop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # They wait in the kernel until the loop runs: before that it may lose them.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED_SIGNALS)
        self._greet()
        if not self._take_users() or not self._fit_clients() or not self._listen():
            return 1
        self._server.log(NOTICE, "Server initialized")
        try:
            refuse_modules(self._startup.config)
        except ConfigError as error:
            self._server.log(WARNING, error.reason)
            return 1
        self._lifecycle.steps.append(LastWrite(self._server))
        self._lifecycle.steps.append(LastSnapshot(self._server))
        self._take_process()
        self._freeze_objects()  # before there is data, all of which the collector would visit
        self._load()
        self._loop.call_soon(self._handle_signals)
        if not self._has_failed:
            self._loop.run_forever()
        if self._has_failed:
            return 1
        self._server.log(WARNING, "Redis is now ready to exit, bye bye...")
        return 0

    def _load(self) -> None:
        """Begins to load the dataset; how it ends is told to `_on_loaded`."""
        config = self._server.config
        reason = self._data_directory.apply()
        if reason:
            self._server.log(WARNING, f"{reason}. Exiting.")
            self._has_failed = True
            return
        config.on_change("dir", self._data_directory.apply)
        config.on_change("save", self._data_directory.apply)
        try:
            jobs = files_to_load(self._server)
        except OSError as error:
            self._server.log(WARNING, f"Fatal error loading the DB: {error}. Exiting.")
            self._has_failed = True
            return
        except AofLoadError as refusal:
            self._server.log(WARNING, str(refusal))
            self._has_failed = True
            return
        self._server.loading.begin(jobs, self._on_loaded)

    def _on_loaded(self, is_complete: bool) -> None:
        if not is_complete or not self._open_append_only():
            self._has_failed = True
            self._loop.stop()
            return
        self._server.keyspace.dirty = 0
        self._server.snapshots.is_automatic = True
        gc.freeze()
        self._announce()

    def _open_append_only(self) -> bool:
        """Goes on writing the append-only file, if it is on; False, with the reason logged, if that fails."""
        server = self._server
        try:
            is_open = server.rewrite.open_at_start()
        except OSError as error:
            server.log(WARNING, f"Write error writing append only file on disk: {error.strerror or error}")
            return False
        server.config.on_change("appendonly", self._apply_appendonly)
        return is_open

    def _apply_appendonly(self) -> str:
        """Applier of `appendonly`."""
        return self._data_directory.apply() or self._server.rewrite.apply_appendonly()

    # Start

    def _greet(self) -> None:
        """The head of the log: what runs, how it was configured, the banner."""
        server = self._server
        server.log(NOTICE, start_line(server.pid))
        for warning in self._startup.warnings:
            server.log(WARNING, warning)
        if self._startup.has_arguments:
            server.log(NOTICE, "Configuration loaded")
        else:
            server.log(WARNING, "No configuration given, all settings are at their defaults")
        for line in settings_without_effect(self._startup.config):
            server.log(WARNING, line)
        for warning in system.warnings(self._settings.tcp_backlog):
            server.log(WARNING, warning)
        self._pid_file.write()
        self._show_banner()

    def _show_banner(self) -> None:
        settings = self._settings
        mode = self._server.mode().decode()
        to_terminal = not settings.logfile and not settings.syslog_enabled and sys.stdout.isatty()
        if settings.always_show_logo or to_terminal:
            if self._server.log_file.level <= NOTICE:
                self._server.log_file.write_raw(banner(self._server.pid, settings.port, mode))
        else:
            self._server.log(NOTICE, f"Running mode={mode}, port={settings.port or settings.tls_port}.")

    def _take_users(self) -> bool:
        """Makes the users of the configuration or of the ACL file; False, with the reason logged, if that fails."""
        reason = self._server.acl.load_at_start()
        if reason:
            self._server.log(WARNING, reason)
        return not reason

    def _fit_clients(self) -> bool:
        """Makes room for `maxclients` files, or lowers it to what there is room for; False if for none."""
        settings = self._settings
        possible = clients_possible(settings.maxclients)
        if possible <= 0:
            needed = settings.maxclients + RESERVED_FILES
            self._server.log(WARNING, f"The limit of open files leaves no room for clients; {needed} would be enough")
            return False
        if possible < settings.maxclients:
            text = f"maxclients lowered from {settings.maxclients} to {possible}, what the limit of open files allows"
            self._server.log(WARNING, text)
            settings.maxclients = possible
        return True

    def _apply_maxclients(self) -> str:
        """Applier of `maxclients`."""
        possible = clients_possible(self._settings.maxclients)
        if possible < self._settings.maxclients:
            return f"The operating system is not able to handle the specified number of clients, try with {possible}"
        return ""

    def _apply_collation(self) -> str:
        """Applier of `locale-collate`, by which SORT ALPHA compares."""
        try:
            locale.setlocale(locale.LC_COLLATE, self._settings.locale_collate)
        except locale.Error:
            return "Invalid locale name"
        return ""

    def _listen(self) -> bool:
        """Starts listening; False, with the reason logged, if that fails."""
        try:
            self._lifecycle.start()
        except ListenError:
            return False
        if not self._lifecycle.listens():
            self._server.log(WARNING, "Configured to not listen anywhere, exiting.")
            return False
        return True

    def _take_process(self) -> None:
        """Makes the process the server's: name, processors, scores, garbage collection."""
        settings = self._settings
        config = self._server.config
        self._lifecycle.when_stopping(self._on_stopping)
        if settings.set_proc_title:
            daemon.set_process_name("hognose")
            self._title = ProcessTitle(os.environ)
            self._show_title()
            config.on_change("proc-title-template", self._show_title)
            self._lifecycle.listeners.on_moved = self._show_title
        if settings.server_cpulist:
            system.set_cpus(settings.server_cpulist)
        if settings.disable_thp:
            system.disable_huge_pages()
        config.on_change("maxclients", self._apply_maxclients)
        config.on_change("locale-collate", self._apply_collation)
        if self._apply_collation():
            self._server.log(WARNING, f"No such locale: {settings.locale_collate or 'that of the environment'}")
        config.on_change("oom-score-adj", self._oom_score.apply)
        config.on_change("oom-score-adj-values", self._oom_score.apply)
        self._oom_score.apply()
        CrashHandler(self._server).install()
        gc.disable()

    def _freeze_objects(self) -> None:
        """Has the collector forget what there is: it lives until the end, and no cycles arise in the steady state."""
        gc.collect()
        gc.freeze()

    def _show_title(self) -> str:
        """Applier of `proc-title-template`: fills it in."""
        settings = self._settings
        address = settings.bind[0].removeprefix("-") if settings.bind else ""
        port = settings.port or settings.tls_port
        variables = {
            "title": "hognose",
            "listen-addr": f"{address}:{port}" if port else settings.unixsocket,
            "server-mode": "[cluster]" if settings.cluster_enabled else "",
            "port": str(settings.port),
            "tls-port": str(settings.tls_port),
            "unixsocket": settings.unixsocket,
            "config-file": self._server.config.path,
        }
        title = expand_title(settings.proc_title_template, variables)
        if self._title is not None and title is not None:
            self._title.set(title)
        return ""

    def _announce(self) -> None:
        """Says that clients are welcome, to whoever waits for it."""
        for sort in self._lifecycle.listens():
            self._server.log(NOTICE, f"Ready to accept connections {sort}")
        self._supervisor.notify("STATUS=Ready to accept connections")
        self._supervisor.notify("READY=1")

    # End

    def _handle_signals(self) -> None:
        """Handles signals from now on, those first that came since the start of the process."""
        self._loop.add_signal_handler(signal.SIGTERM, self._on_terminate)
        self._loop.add_signal_handler(signal.SIGINT, self._on_interrupt)
        self._loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED_SIGNALS)

    def _on_terminate(self) -> None:
        self._server.shutdown.schedule("SIGTERM", self._settings.shutdown_on_sigterm)

    def _on_interrupt(self) -> None:
        if self._server.shutdown.is_scheduled():
            self._server.shutdown.insist()
        self._server.shutdown.schedule("SIGINT", self._settings.shutdown_on_sigint)

    def _on_hangup(self) -> None:
        """SIGHUP: certificates may have been renewed. Without TLS it means nothing, as in Redis."""
        tls = self._server.tls
        if tls.is_wanted() and tls.configure():
            self._server.log(NOTICE, "Received SIGHUP, TLS certificates and keys loaded again")

    def _on_stopping(self) -> None:
        self._supervisor.notify("STOPPING=1")
        self._pid_file.remove()
