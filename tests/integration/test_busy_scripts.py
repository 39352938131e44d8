"""Scripts that take long: others are told so, and can end them."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from compat.certificates import Certificates
from tests.integration.server_process import TIMEOUT_S, ServerProcess, free_port

BUSY_SCRIPT = "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
BUSY_FUNCTION = "Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
KILLED = "Script killed by user with SCRIPT KILL..."
ENDLESS = "#!lua name=endless\nredis.register_function('endless', function() while true do end end)"

pytestmark = pytest.mark.server


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--busy-reply-threshold", "20", "--save", "") as process:
        yield process.ready()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


class Running:
    """A command that a client of its own runs in a thread."""

    def __init__(self, server: ServerProcess, *args: str) -> None:
        self._client = server.client()
        self._args = args
        self.error = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        server.wait_for("Slow script detected")

    def _run(self) -> None:
        try:
            self._client.execute_command(*self._args)
        except redis.RedisError as error:
            self.error = str(error)
        self._client.close()

    def wait(self) -> str:
        """The error it ended with."""
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()
        return self.error


def tls_options(certificates: Certificates, port: int) -> list[str]:
    """The options of a server that also listens for TLS."""
    options = {
        "--tls-port": str(port),
        "--tls-cert-file": str(certificates.certificate("server")),
        "--tls-key-file": str(certificates.key("server")),
        "--tls-ca-cert-file": str(certificates.certificate("ca")),
        "--tls-auth-clients": "no",
    }
    return [part for pair in options.items() for part in pair]


def error_of(client: redis.Redis, *args: str) -> str:
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command(*args)
    return str(caught.value)


@pytest.mark.parametrize(
    "script",
    [
        "while true do end",
        "while true do redis.call('PING') end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "while true do coroutine.wrap(function() while true do end end)() end",
        "local t = setmetatable({}, {__index = function() while true do end end}) while true do pcall(next, t.x) end",
        "while true do load(function() while true do end end) end",
        "local t = {1} for i = 1, 60 do t = {t, t} end return t",
        "while true do pcall(function() local t = {} while true do t[#t + 1] = ('x'):rep(1e6) end end) end",
    ],
)
def test_a_script_is_killed_whatever_it_catches(server: ServerProcess, script: str) -> None:
    before = server.client()
    before.ping()
    running = Running(server, "EVAL", script, "0")
    assert error_of(before, "GET", "key").endswith(BUSY_SCRIPT)
    assert error_of(server.client(), "GET", "key").endswith(BUSY_SCRIPT)
    assert server.client().execute_command("SCRIPT KILL") is True
    assert running.wait().startswith(KILLED)
    assert before.ping()
    assert server.client().eval("return 1", 0) == 1


def test_a_script_that_waits_for_a_time_gets_there(server: ServerProcess) -> None:
    script = """
        local function now() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end
        local start = now()
        while now() < start + 50000 do end
        return 'over'
    """
    assert server.client().eval(script, 0) == b"over"


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_clients_that_came_while_a_script_ran_are_served_afterwards(loop: str) -> None:
    with ServerProcess("--busy-reply-threshold", "20", env={"HOGNOSE_LOOP": loop}) as process:
        server = process.ready()
        before = server.client()
        before.ping()
        running = Running(server, "EVAL", "while true do end", "0")
        came = server.client()
        for client in (before, came):
            assert error_of(client, "GET", "key").endswith(BUSY_SCRIPT)
        came.execute_command("SCRIPT KILL")
        running.wait()
        for client in (before, came):
            assert client.set("key", "x" * 1_000_000)
            assert client.strlen("key") == 1_000_000
            assert client.get("key") == b"x" * 1_000_000


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_clients_over_tls_are_answered_too(loop: str, certificates: Certificates) -> None:
    port = free_port()

    def connect() -> redis.Redis:
        ca = str(certificates.certificate("ca"))
        return redis.Redis(port=port, ssl=True, ssl_ca_certs=ca, socket_timeout=TIMEOUT_S)

    options = tls_options(certificates, port)
    with ServerProcess("--busy-reply-threshold", "20", *options, env={"HOGNOSE_LOOP": loop}) as process:
        server = process.ready()
        before = connect()
        before.ping()
        running = Running(server, "EVAL", "while true do end", "0")
        came = connect()
        for client in (before, came):
            assert error_of(client, "GET", "key").endswith(BUSY_SCRIPT)
        came.execute_command("SCRIPT KILL")
        running.wait()
        for client in (before, came):
            assert client.set("key", "x" * 1_000_000)
            assert client.get("key") == b"x" * 1_000_000


def stop(server: ServerProcess) -> None:
    """Stops the process, so that what comes now is found all at once when it goes on."""
    server.signal(signal.SIGSTOP)
    os.waitpid(server.process.pid, os.WUNTRACED)


def secured(sock: socket.socket, certificates: Certificates) -> ssl.SSLSocket:
    """The connection over TLS."""
    context = ssl.create_default_context(cafile=str(certificates.certificate("ca")))
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def ask(sock: socket.socket, request: bytes) -> bytes:
    """The line that answers a request."""
    sock.sendall(request + b"\r\n")
    with sock.makefile("rb") as answers:
        return answers.readline()


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("kind", ["tcp", "unix", "tls"])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_who_arrives_in_the_moment_a_script_begins_is_answered(
    loop: str, kind: str, is_first: bool, certificates: Certificates, tmp_path: Path
) -> None:
    tls_port = free_port()
    options = [*tls_options(certificates, tls_port), "--unixsocket", str(tmp_path / "socket")]
    with ServerProcess("--busy-reply-threshold", "20", *options, env={"HOGNOSE_LOOP": loop}) as process:
        server = process.ready()
        tcp = ("127.0.0.1", tls_port if kind == "tls" else server.port)
        with (
            server.connect() as caller,
            server.connect() as another,
            socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as plain,
        ):
            plain.settimeout(TIMEOUT_S)
            for greeting in (caller, another):  # the kernel tells of who has spoken last first
                assert ask(greeting, b"PING") == b"+PONG\r\n"
            stop(server)
            if not is_first:
                caller.sendall(b'EVAL "while true do end" 0\r\n')
            plain.connect(str(tmp_path / "socket") if kind == "unix" else tcp)
            if is_first:
                caller.sendall(b'EVAL "while true do end" 0\r\n')
            server.signal(signal.SIGCONT)
            with secured(plain, certificates) if kind == "tls" else plain as came:
                assert BUSY_SCRIPT in ask(came, b"GET key").decode()
                assert ask(came, b"SCRIPT KILL") == b"+OK\r\n"
                assert ask(came, b"SET key value") == b"+OK\r\n"


def test_who_leaves_while_a_script_runs_is_forgotten(server: ServerProcess) -> None:
    running = Running(server, "EVAL", "while true do end", "0")
    with server.connect() as quitter:
        assert ask(quitter, b"QUIT") == b"+OK\r\n"
        assert quitter.recv(1) == b""
        address = "{}:{}".format(*quitter.getsockname())
    came = server.client()
    came.execute_command("SCRIPT KILL")
    running.wait()
    for _ in range(1000):  # the event loop needs a few turns
        if address not in [client["addr"] for client in came.client_list()]:
            return
    raise AssertionError("still a client")


def test_a_script_that_has_written_cannot_be_killed(server: ServerProcess) -> None:
    Running(server, "EVAL", "redis.call('SET', 'key', 1) while true do end", "0")
    client = server.client()
    assert error_of(client, "SCRIPT", "KILL").startswith("UNKILLABLE Sorry the script already executed write commands")
    assert error_of(client, "SHUTDOWN").endswith(BUSY_SCRIPT)
    with pytest.raises(redis.ConnectionError):
        client.execute_command("SHUTDOWN", "NOSAVE")
    assert server.wait() == 0


def test_functions_are_killed_by_function_kill(server: ServerProcess) -> None:
    client = server.client()
    client.function_load(ENDLESS)
    running = Running(server, "FCALL", "endless", "0")
    assert error_of(client, "GET", "key").endswith(BUSY_FUNCTION)
    assert error_of(client, "SCRIPT", "KILL").endswith(BUSY_FUNCTION)
    stats = client.execute_command("FUNCTION", "STATS")
    assert b"endless" in str(stats).encode()
    assert client.execute_command("FUNCTION KILL") == b"OK"
    assert running.wait().startswith(KILLED)


def test_a_transaction_goes_on_after_a_busy_script(server: ServerProcess) -> None:
    pool = server.client().connection_pool
    client = pool.get_connection()
    client.send_command("MULTI")
    assert client.read_response() == b"OK"
    running = Running(server, "EVAL", "while true do end", "0")
    client.send_command("GET", "key")
    with pytest.raises(redis.ResponseError):
        client.read_response()
    server.client().execute_command("SCRIPT KILL")
    running.wait()
    client.send_command("EXEC")
    with pytest.raises(redis.exceptions.ExecAbortError):
        client.read_response()
    client.disconnect()


def test_a_library_that_takes_long_to_load_is_refused(server: ServerProcess) -> None:
    client = server.client()
    assert error_of(client, "FUNCTION", "LOAD", "#!lua name=a\nlocal a = 1 while true do a = a + 1 end").endswith(
        "Error registering functions: ERR FUNCTION LOAD timeout"
    )
    assert client.ping()
