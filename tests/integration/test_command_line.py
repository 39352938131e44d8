"""The command line: what redis-server's start scripts, unit files and container images rely on."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redis

import hognose
from hognose.server.command_words import early_status
from hognose.version import REDIS_VERSION, VERSION
from tests.integration.server_process import TIMEOUT_S, ServerProcess, command, environment, free_port, run

pytestmark = pytest.mark.server


@pytest.mark.parametrize("option", ["-v", "--version"])
def test_version_is_one_line_with_both_versions_and_the_form(option: str) -> None:
    done = run(option)
    assert done.returncode == 0
    assert re.fullmatch(
        rf"hognose {re.escape(VERSION)} \((compiled|interpreted)\), Redis {re.escape(REDIS_VERSION)} compatible\n",
        done.stdout,
    )


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_the_ways_to_configure(option: str) -> None:
    done = run(option)
    assert done.returncode == 0
    assert "--DIRECTIVE VALUE" in done.stdout


def test_test_config_accepts_a_good_file_and_starts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "good.conf"
    path.write_text("port 0\nmaxmemory 10mb\n", "utf-8")
    done = run("--test-config", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "OK" in done.stdout


def test_test_config_points_at_the_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.conf"
    path.write_text("port 0\nmaxmemory lots\n", "utf-8")
    done = run("--test-config", str(path))
    assert done.returncode == 1
    assert "at line 2" in done.stderr
    assert "maxmemory lots" in done.stderr


def test_a_node_of_a_cluster_is_refused_rather_than_pretended() -> None:
    done = run("--cluster-enabled", "yes", "--port", "0")
    assert done.returncode == 1
    assert "cannot be a node of a cluster yet" in done.stderr


def test_an_unknown_directive_ends_with_1_and_the_real_servers_message() -> None:
    ours = run("--no-such-thing", "1")
    real = subprocess.run(
        ["redis-server", "--no-such-thing", "1"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert ours.returncode == real.returncode == 1
    assert ours.stderr.replace(REDIS_VERSION, "X") == re.sub(r"\d+\.\d+\.\d+", "X", real.stderr)


def test_test_config_may_stand_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "good.conf"
    path.write_text("port 0\n", "utf-8")
    for words in ([str(path), "--test-config"], ["--port", "0", "--test-config", "--maxmemory", "1mb"]):
        done = run(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "The configuration is OK\n", "")
    assert run("--maxmemory", "lots", "--test-config").returncode == 1


@pytest.mark.parametrize("words", [["--sentinel"], ["x.conf", "--port", "0", "--sentinel"]])
def test_a_sentinel_is_refused_instead_of_being_a_server(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert re.search(r"^\d+:X .* # There is no Sentinel mode here.* Exiting\.\.\.\n$", done.stdout)


def test_the_name_of_a_sentinel_is_enough(capfd: pytest.CaptureFixture[str]) -> None:
    assert early_status("/usr/bin/redis-sentinel", ["x.conf"]) == 1
    assert "no Sentinel mode" in capfd.readouterr().out
    assert early_status("/usr/bin/redis-server", ["x.conf"]) is None
    assert early_status("/srv/x-sentinel/bin/hognose", []) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("loadmodule /nope.so", "Can't load module from /nope.so: server aborting"),
        ("a.b c", "Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting"),
    ],
)
def test_modules_end_the_start_as_in_a_real_server_without_them(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "modules.conf"
    path.write_text(f"{line}\n", "utf-8")
    real = start_real(str(path), "--port", str(free_port()), "--bind", "127.0.0.1")
    with ServerProcess(str(path)) as server:
        assert server.wait() == real.returncode == 1
    assert re.search(rf"# {re.escape(reason)}", server.log())
    assert reason in real.stdout
    tested = run(str(path), "--test-config")
    assert tested.returncode == 1
    assert reason in tested.stderr


def start_real(*args: str) -> subprocess.CompletedProcess[str]:
    """Has a redis-server refuse to start."""
    return subprocess.run(
        ["redis-server", *args], capture_output=True, text=True, timeout=TIMEOUT_S, check=False, input=""
    )


def test_a_missing_file_is_named_in_the_log_with_its_whole_path(tmp_path: Path) -> None:
    missing = os.path.relpath(tmp_path / "missing.conf")
    ours = run(missing)
    real = start_real(missing)
    assert ours.returncode == real.returncode == 1
    assert ours.stderr == real.stderr == ""
    assert ours.stdout.partition(" # ")[2] == real.stdout.partition(" # ")[2]
    assert re.match(r"\d+:C \d\d ", ours.stdout)


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_directory_in_the_place_of_the_file_says_nothing(path: str) -> None:
    with ServerProcess(path) as server, server.ready().client() as client:
        assert client.ping()


def test_an_empty_name_of_the_dump_loads_nothing_and_cannot_be_saved_to(tmp_path: Path) -> None:
    path = tmp_path / "no-dump.conf"
    path.write_text(f'dir {tmp_path}\ndbfilename ""\nsave ""\n', "utf-8")
    with ServerProcess(str(path)) as server, server.ready().client() as client:
        client.set("k", "v")
        with pytest.raises(redis.ResponseError):
            client.save()
        assert client.get("k") == b"v"


def test_check_system_names_what_it_looks_at_and_says_by_its_status_whether_all_is_well() -> None:
    done = run("--check-system")
    lines = re.findall(r"^\[(\S+)\]\.\.\.(OK|WARNING:)$", done.stdout, re.MULTILINE)
    assert [name for name, _ in lines] == ["overcommit", "THP", "somaxconn"]
    overcommitted = Path("/proc/sys/vm/overcommit_memory").read_text("ascii").strip() != "0"
    assert (lines[0][1] == "OK") == overcommitted
    assert done.returncode == (0 if all(verdict == "OK" for _, verdict in lines) else 1)


def test_test_memory_is_refused_with_what_does_it() -> None:
    done = run("--test-memory", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "memtester" in done.stderr


def test_command_line_beats_environment_beats_standard_input_beats_file(tmp_path: Path) -> None:
    path = tmp_path / "hognose.conf"
    path.write_text("maxclients 11\ntimeout 21\nslowlog-max-len 31\nhz 41\n", "utf-8")
    with ServerProcess(
        str(path),
        options=["--maxclients", "14", "-"],
        stdin="maxclients 12\ntimeout 22\nslowlog-max-len 32\n",
        env={"HOGNOSE_MAXCLIENTS": "13", "HOGNOSE_TIMEOUT": "23"},
    ) as server:
        client = server.ready().client()
        values = client.config_get("maxclients", "timeout", "slowlog-max-len", "hz")
        client.close()
    assert values == {"maxclients": "14", "timeout": "23", "slowlog-max-len": "32", "hz": "41"}


def test_a_renamed_command_answers_only_to_its_new_name(tmp_path: Path) -> None:
    path = tmp_path / "rename.conf"
    path.write_text('rename-command ECHO PARROT\nrename-command INCR ""\n', "utf-8")
    with ServerProcess(str(path)) as server, server.ready().client() as client:
        assert client.execute_command("PARROT", "hi") == b"hi"
        for gone in ("ECHO", "INCR"):
            with pytest.raises(redis.ResponseError, match="unknown command"):
                client.execute_command(gone, "hi")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("rename-command NOSUCH X", "No such command in rename-command"),
        ("rename-command GET SET", "Target command name already exists"),
    ],
)
def test_an_impossible_rename_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "rename.conf"
    path.write_text(line + "\n", "utf-8")
    done = run("--test-config", str(path))
    assert done.returncode == 1
    assert reason in done.stderr


# The log


def test_the_log_has_what_other_tools_wait_for() -> None:
    with ServerProcess(options=["--always-show-logo", "yes"]) as server:
        server.ready()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        pid = server.process.pid
    log = server.log()
    assert re.search(rf" PID: {pid}.*Server initialized.*Ready to accept connections tcp\n", log, re.DOTALL)
    assert "User requested shutdown..." in log
    assert log.endswith("Redis is now ready to exit, bye bye...\n")
    assert re.search(rf"^{pid}:M \d\d [A-Z][a-z][a-z] \d{{4}} \d\d:\d\d:\d\d\.\d{{3}} \* ", log, re.MULTILINE)


def test_the_first_line_has_version_and_process_in_the_shape_of_the_real_servers(tmp_path: Path) -> None:
    with ServerProcess() as server:
        server.ready()
        pid = server.process.pid
    first = server.log().partition("\n")[0]
    assert re.search(r" version=([^,]+),.* bits=64, commit=\w{8}, modified=0, pid=(\d+), just started$", first)
    assert f"hognose version={VERSION}," in first
    assert f" pid={pid}," in first


def test_what_became_of_config_rewrite_is_logged(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    path = folder / "x.conf"
    path.write_text(f"dir {tmp_path}\n", "utf-8")
    with ServerProcess(str(path)) as server, server.ready().client() as client:
        assert client.config_rewrite()
        assert " * " in server.wait_for("CONFIG REWRITE executed with success.\n")
        shutil.rmtree(folder)
        with pytest.raises(redis.ResponseError, match="Rewriting config file: No such file or directory"):
            client.config_rewrite()
        assert " # " in server.wait_for("CONFIG REWRITE failed: No such file or directory\n")


def test_without_a_terminal_there_is_no_picture_but_the_port() -> None:
    with ServerProcess() as server:
        server.ready()
        assert f"Running mode=standalone, port={server.port}." in server.log()
        assert "PID:" not in server.log()


def test_the_log_goes_to_a_file_from_its_level_on(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with ServerProcess(options=["--logfile", str(path), "--loglevel", "warning"]) as server:
        connect(server.port).close()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert server.log() == ""
    text = path.read_text("utf-8")
    assert "Received SIGTERM" in text
    assert "Ready to accept" not in text


def connect(port: int) -> socket.socket:
    """A connection to a server that is about to listen."""
    until = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        except ConnectionRefusedError:
            assert time.monotonic() < until


# The end


def cpu_seconds(pid: int) -> float:
    """The processor time a process has used, which unlike the time on the wall does not depend on what else runs."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_starting_takes_little_work() -> None:
    with ServerProcess() as server:
        with connect(server.port) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100) == b"+PONG\r\n"
        # The aim is 0.3 s for the compiled form.
        assert cpu_seconds(server.process.pid) < 1.0


LATER = {"argparse", "bz2", "glob", "hiredis", "hypothesis", "importlib.resources", "json", "lupa", "lzma"}
LATER |= {"multiprocessing", "platform", "random", "redis", "secrets", "shutil", "tempfile", "unittest", "uuid"}
"""What no empty server needs, and asyncio and uvloop do without."""


def test_what_is_not_needed_yet_is_not_imported_at_the_start() -> None:
    with ServerProcess(env={"PYTHONPROFILEIMPORTTIME": "1"}) as server:
        server.ready()
        imported = set(re.findall(r"^import time:.*\| +(\S+)$", server.log(), re.MULTILINE))
    assert "asyncio" in imported
    assert imported & LATER == set()


def test_fragmentation_is_what_the_process_has_beyond_its_start_and_the_data() -> None:
    options = ["--enable-debug-command", "yes"]
    with ServerProcess(options=options) as server, server.ready().client() as client:
        empty = client.info("memory")
        assert 0.8 < empty["mem_fragmentation_ratio"] < 1.5
        assert 0.8 < empty["allocator_frag_ratio"] < 1.5
        assert abs(empty["mem_fragmentation_bytes"]) < 10_000_000
        client.execute_command("DEBUG", "POPULATE", 100_000, "key", 500)
        full = client.info("memory")
        assert full["used_memory"] > 50_000_000
        assert 0.8 < full["mem_fragmentation_ratio"] < 1.5
        assert full["used_memory_dataset"] == full["used_memory"] - full["used_memory_overhead"]


def test_hangup_is_ignored() -> None:
    with ServerProcess() as server, server.ready().client() as client:
        server.signal(signal.SIGHUP)
        assert client.ping()


def test_interrupt_ends_the_server_cleanly() -> None:
    with ServerProcess() as server:
        server.ready().signal(signal.SIGINT)
        assert server.wait() == 0
    assert "Received SIGINT scheduling shutdown..." in server.log()


def test_shutdown_ends_the_server_without_a_reply() -> None:
    with ServerProcess() as server:
        with socket.create_connection(("127.0.0.1", server.ready().port), TIMEOUT_S) as connection:
            connection.sendall(b"SHUTDOWN NOSAVE\r\n")
            assert connection.recv(100) == b""
        assert server.wait() == 0


# The process


def test_the_pid_file_is_written_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "server.pid"
    with ServerProcess(options=["--pidfile", str(path)]) as server:
        server.ready()
        assert path.read_text("ascii") == f"{server.process.pid}\n"
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert not path.exists()
    assert "Removing the pid file." in server.log()


def test_a_pid_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    with ServerProcess(options=["--pidfile", str(tmp_path / "missing" / "x.pid")]) as server:
        server.ready()
        assert "Failed to write PID file" in server.log()


def test_the_process_has_a_name() -> None:
    with ServerProcess() as server:
        server.ready()
        assert Path(f"/proc/{server.process.pid}/comm").read_text("ascii") == "hognose\n"


def title(pid: int) -> str:
    """What `ps` shows for a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


def test_the_process_title_follows_template_and_port(tmp_path: Path) -> None:
    path = tmp_path / "hognose.conf"
    path.write_text("timeout 0\n", "utf-8")
    with ServerProcess(str(path)) as server, server.ready().client() as client:
        pid = server.process.pid
        assert title(pid) == f"hognose 127.0.0.1:{server.port}"
        client.config_set("proc-title-template", "TEST {title} {port} {config-file} " + "x" * 200)
        assert title(pid) == f"TEST hognose {server.port} {path} " + "x" * 200
        port = free_port()
        client.config_set("port", port)
        assert title(pid).startswith(f"TEST hognose {port} ")


def test_the_environment_outlives_a_title_that_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with ServerProcess(options=["--logfile", str(path)], env={"TZ": "XXX-7"}) as server:
        with connect(server.port) as connection:
            connection.sendall(b"CONFIG SET proc-title-template '" + b"x" * 3000 + b"'\r\n")
            assert connection.recv(100) == b"+OK\r\n"
            connection.sendall(b"SHUTDOWN NOSAVE\r\n")
            assert connection.recv(100) == b""
        assert server.wait() == 0
    stamps = re.findall(r"^\d+:M \d+ \w+ \d+ (\d\d):", path.read_text("utf-8"), re.MULTILINE)
    hours = time.gmtime(time.time() + 7 * 3600).tm_hour
    assert int(stamps[-1]) in {hours, (hours - 1) % 24}


def test_in_the_background_the_starter_returns_and_the_server_lives_until_it_is_told(tmp_path: Path) -> None:
    port = free_port()
    pid_path = tmp_path / "server.pid"
    config = tmp_path / "hognose.conf"
    config.write_text(
        f"daemonize yes\nbind 127.0.0.1\nport {port}\n"
        f"pidfile {pid_path}\nlogfile {tmp_path}/server.log\ndir {tmp_path}\n",
        "utf-8",
    )
    done = run(str(config))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with connect(port) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"
        pid = int(pid_path.read_text("ascii"))
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
        session = int(stat.rpartition(")")[2].split()[3])
        assert session == pid
        connection.sendall(b"SHUTDOWN NOSAVE\r\n")
        assert connection.recv(100) == b""
    until = time.monotonic() + TIMEOUT_S
    while pid_path.exists():
        assert time.monotonic() < until
    assert "bye bye" in wait_for_text(tmp_path / "server.log", "bye bye")


def wait_for_text(path: Path, text: str) -> str:
    """The contents of a file once they contain a text."""
    until = time.monotonic() + TIMEOUT_S
    while True:
        found = path.read_text("utf-8")
        if text in found or time.monotonic() > until:
            return found


def test_systemd_is_told_of_start_and_end(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(TIMEOUT_S)
        with ServerProcess(options=["--supervised", "auto"], env={"NOTIFY_SOCKET": str(path)}) as server:
            messages = [manager.recv(1000)]
            while messages[-1] != b"READY=1":
                messages.append(manager.recv(1000))
            server.signal(signal.SIGTERM)
            messages.append(manager.recv(1000))
            assert server.wait() == 0
    assert messages == [b"STATUS=Loading", b"STATUS=Ready to accept connections", b"READY=1", b"STOPPING=1"]


def test_supervised_without_a_manager_is_a_warning() -> None:
    with ServerProcess(options=["--supervised", "systemd"]) as server:
        server.ready()
    assert "NOTIFY_SOCKET is not set" in server.log()


def test_a_low_limit_of_open_files_lowers_maxclients(tmp_path: Path) -> None:
    port = free_port()
    script = f'ulimit -n 100; exec "$@" --bind 127.0.0.1 --port {port}'

    with subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", *command()], stdout=subprocess.PIPE, env=environment(), cwd=tmp_path, text=True
    ) as process:
        assert process.stdout is not None
        log = ""
        while "Ready to accept" not in log:
            line = process.stdout.readline()
            assert line, log
            log += line
        process.terminate()
        log += process.stdout.read()
        assert process.wait(TIMEOUT_S) == 0
    assert "maxclients lowered from 10000 to 68" in log


# Listening


def test_a_port_in_use_ends_with_1_and_says_so() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with ServerProcess(port=other.getsockname()[1]) as server:
            assert server.wait() == 1
    assert f"Failed listening on port {server.port} (tcp), aborting." in server.log()
    assert "Address already in use" in server.log()


@pytest.mark.parametrize("address", ["nosuch.invalid", "-nosuch.invalid"])
def test_a_name_that_is_no_address_ends_with_1(address: str) -> None:
    options = ["--bind", address, "127.0.0.1"]
    with ServerProcess(options=options) as server:
        assert server.wait() == 1
        real = start_real("--port", str(server.port), *options)
    assert real.returncode == 1
    assert f"Failed listening on port {server.port}" in server.log()


def test_an_address_that_may_be_missing_is_passed_over() -> None:
    with ServerProcess(options=["--bind", "127.0.0.1", "-192.0.2.1"]) as server, server.ready().client() as client:
        assert client.ping()


def test_info_names_the_program_that_was_started() -> None:
    with ServerProcess(options=["--dir", "/"]) as server, server.ready().client() as client:
        executable = client.info("server")["executable"]
    assert executable == str(Path(hognose.__file__).parent / "__main__.py")


def test_nowhere_to_listen_ends_with_1() -> None:
    with ServerProcess(port=0) as server:
        assert server.wait() == 1
    assert "Configured to not listen anywhere, exiting." in server.log()


def test_a_unix_socket_alone_is_enough_and_its_file_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    with ServerProcess(port=0, options=["--unixsocket", str(path), "--unixsocketperm", "700"]) as server:
        server.wait_for("Ready to accept connections unix")
        assert path.stat().st_mode & 0o777 == 0o700
        with redis.Redis(unix_socket_path=str(path)) as client:
            assert client.ping()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert not path.exists()


def test_a_socket_file_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with ServerProcess(port=0, options=["--unixsocket", str(path)]) as server:
        server.wait_for("Ready to accept connections unix")
        with redis.Redis(unix_socket_path=str(path)) as client:
            assert client.ping()


def test_a_file_that_is_no_socket_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data", "utf-8")
    with ServerProcess(options=["--unixsocket", str(path)]) as server:
        assert server.wait() == 1
    assert "Failed opening Unix socket: Address already in use" in server.log()
    assert path.read_text("utf-8") == "data"


def test_settings_without_effect_are_named_in_the_log() -> None:
    with ServerProcess(options=["--io-threads", "4"]) as server:
        assert "Here one event loop does it all." in server.wait_for("io-threads 4 has no effect here.")
