"""TLS over real sockets, on both event loops, with certificates made for the occasion."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from subprocess import run

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import hognose
from compat.certificates import Certificates
from hognose.embedded import StartError
from hognose.errors import CommandError
from tests.integration.server_process import TIMEOUT_S, ServerProcess, free_port

UPDATE_FAILED = r"Unable to update TLS configuration\. Check server logs\."


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOGNOSE_LOOP", request.param)
    return str(request.param)


def settings(certificates: Certificates, **more: str) -> dict[str, str]:
    return {
        "tls-port": str(free_port()),
        "tls-cert-file": str(certificates.certificate("server")),
        "tls-key-file": str(certificates.key("server")),
        "tls-ca-cert-file": str(certificates.certificate("ca")),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


class TlsServer(hognose.Server):
    """An embedded server with a TLS port."""

    def __init__(self, certificates: Certificates, config: Mapping[str, str]) -> None:
        super().__init__(config=config)
        self.certificates = certificates
        self.tls_port = int(config["tls-port"])

    def client(self, certificate: str | None = "client", port: int | None = None) -> redis.Redis:
        """A redis-py client, with a certificate of its own or without."""
        shown = None if certificate is None else self.certificates
        return redis.Redis(
            port=self.tls_port if port is None else port,
            ssl=True,
            ssl_ca_certs=str(self.certificates.certificate("ca")),
            ssl_certfile=str(shown.certificate(certificate or "")) if shown else None,
            ssl_keyfile=str(shown.key(certificate or "")) if shown else None,
            socket_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """A connection that has shaken hands."""
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.tls_port), TIMEOUT_S))

    def set(self, *pairs: str) -> None:
        self.execute("CONFIG", "SET", *pairs)

    def stat(self, section: str, name: str) -> str:
        text = self.execute("INFO", section)
        assert isinstance(text, bytes)
        return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line).get(name, "")


@pytest.fixture
def server(certificates: Certificates, loop: str) -> Iterator[TlsServer]:
    with TlsServer(certificates, settings(certificates)) as running:
        yield running


def context_of(certificates: Certificates, certificate: str = "client") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates.certificate("ca")))
    context.check_hostname = False
    context.load_cert_chain(certificates.certificate(certificate), certificates.key(certificate))
    return context


def ping(connection: socket.socket) -> bytes:
    connection.sendall(b"PING\r\n")
    return connection.recv(100)


def test_commands_and_large_values_pass_in_both_directions(server: TlsServer) -> None:
    value = bytes(range(256)) * 20_000
    with server.client() as client:
        assert client.set("key", value)
        assert client.get("key") == value
        pipeline = client.pipeline(transaction=False)
        for number in range(2000):
            pipeline.rpush("list", number)
        assert pipeline.execute() == list(range(1, 2001))


def test_both_ports_serve_the_same_data(server: TlsServer) -> None:
    with server.client() as secure, redis.Redis(port=server.port) as plain:
        secure.set("key", "value")
        assert plain.get("key") == b"value"


def test_messages_reach_subscribers_over_tls(server: TlsServer) -> None:
    with server.client() as client, client.pubsub() as listener:
        listener.subscribe("news")
        assert listener.get_message(timeout=TIMEOUT_S) is not None
        client.publish("news", "hello")
        message = listener.get_message(timeout=TIMEOUT_S)
        assert message is not None
        assert message["data"] == b"hello"


def test_a_request_may_come_one_byte_per_record(server: TlsServer) -> None:
    with server.connect(context_of(server.certificates)) as connection:
        for byte in b"*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n":
            connection.sendall(bytes([byte]))
        assert connection.recv(100) == b"$3\r\nabc\r\n"


class Records:
    """A client that sends several records at once."""

    def __init__(self, server: TlsServer) -> None:
        context = context_of(server.certificates)
        self.socket = socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT_S)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing)
        self.answer_of(self.tls.do_handshake)
        self.tls.write(b"PING\r\n")
        self.socket.sendall(self._outgoing.read())
        assert self.answer_of(lambda: self.tls.read(100)) == b"+PONG\r\n"

    def answer_of(self, action: Callable[[], object]) -> object:
        """What an action yields once enough has come from the server."""
        while True:
            try:
                return action()
            except ssl.SSLWantReadError:
                self.socket.sendall(self._outgoing.read())
                data = self.socket.recv(65536)
                assert data, "closed without an answer"
                self._incoming.write(data)
            finally:
                if self._outgoing.pending:
                    self.socket.sendall(self._outgoing.read())

    def send_with(self, request: bytes, end: bytes | None) -> None:
        """Sends a request and right behind it other bytes, or the goodbye of TLS."""
        self.tls.write(request)
        if end is None:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.unwrap()
        self.socket.sendall(self._outgoing.read() + (end or b""))


def test_a_request_that_comes_with_the_goodbye_of_tls_is_answered(server: TlsServer) -> None:
    client = Records(server)
    with client.socket:
        client.send_with(b"SET key value\r\nGET key\r\n", None)
        assert client.answer_of(lambda: client.tls.read(100)) == b"+OK\r\n$5\r\nvalue\r\n"


def test_what_is_no_tls_behind_a_request_harms_nobody_else(server: TlsServer, caplog: pytest.LogCaptureFixture) -> None:
    client = Records(server)
    with client.socket, server.client() as other:
        client.send_with(b"SET key value\r\n", b"no record at all")
        while client.socket.recv(65536):
            pass
        assert other.get("key") == b"value"
    assert caplog.records == []  # where an event loop tells of exceptions that nobody has caught


def test_the_state_of_tls_counts_as_memory_of_the_client(server: TlsServer) -> None:
    with server.client() as secure, redis.Redis(port=server.port) as plain:
        sizes = [int(client.client_info()["tot-mem"]) for client in (secure, plain)]
    assert 20_000 < sizes[0] - sizes[1] < 50_000


def test_info_names_the_listeners(server: TlsServer) -> None:
    assert server.stat("server", "listener0") == f"name=tcp,bind=127.0.0.1,port={server.port}"
    assert server.stat("server", "listener2") == f"name=tls,bind=127.0.0.1,port={server.tls_port}"
    assert server.stat("server", "tcp_port") == str(server.port)


def test_plain_text_on_the_tls_port_is_refused_and_counted(server: TlsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT_S) as connection:
        connection.sendall(b"PING\r\n")
        answer = b""
        while chunk := connection.recv(100):
            answer += chunk
    assert b"PONG" not in answer
    assert server.stat("stats", "rejected_tls_handshakes") == "1"
    server.execute("CONFIG", "RESETSTAT")
    assert server.stat("stats", "rejected_tls_handshakes") == "0"


@pytest.mark.parametrize(
    ("mode", "certificate", "is_served"),
    [
        ("yes", "client", True),
        ("yes", None, False),
        ("optional", "client", True),
        ("optional", None, True),
        ("no", None, True),
        ("yes", "server", False),  # not made for clients
    ],
)
def test_tls_auth_clients_decides_who_is_served(
    server: TlsServer, mode: str, certificate: str | None, is_served: bool
) -> None:
    server.set("tls-auth-clients", mode)
    with server.client(certificate) as client:
        if is_served:
            assert client.ping()
        else:
            with pytest.raises(redis.ConnectionError):
                client.ping()
    assert server.stat("stats", "rejected_tls_handshakes") == ("0" if is_served else "1")


def test_a_certificate_of_another_authority_is_refused(server: TlsServer, tmp_path: Path) -> None:
    stranger = Certificates(tmp_path, "Another Authority")
    context = context_of(server.certificates)
    context.load_cert_chain(stranger.certificate("client"), stranger.key("client"))
    with server.connect(context) as connection, pytest.raises((ssl.SSLError, ConnectionError)):
        ping(connection)


def test_tls_protocols_limits_the_versions(server: TlsServer) -> None:
    with server.connect(context_of(server.certificates)) as connection:
        assert connection.version() == "TLSv1.3"
    server.set("tls-protocols", "TLSv1.2")
    with server.connect(context_of(server.certificates)) as connection:
        assert connection.version() == "TLSv1.2"
    only_newest = context_of(server.certificates)
    only_newest.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.connect(only_newest)


def test_tls_ciphers_and_whose_order_counts(server: TlsServer) -> None:
    server.set("tls-protocols", "TLSv1.2", "tls-ciphers", "AES128-SHA256:AES256-SHA256")
    context = context_of(server.certificates)
    context.set_ciphers("AES256-SHA256:AES128-SHA256")
    # Python's client contexts say nothing about order; the server follows the client's unless told otherwise.
    with server.connect(context) as connection:
        assert connection.cipher() == ("AES256-SHA256", "TLSv1.2", 256)
    server.set("tls-prefer-server-ciphers", "yes")
    with server.connect(context) as connection:
        assert connection.cipher() == ("AES128-SHA256", "TLSv1.2", 128)


def test_without_session_caching_there_are_no_tickets(server: TlsServer) -> None:
    for caching, has_ticket in (("yes", True), ("no", False)):
        server.set("tls-session-caching", caching)
        with server.connect(context_of(server.certificates)) as connection:
            assert ping(connection) == b"+PONG\r\n"
            assert (connection.session is not None and connection.session.has_ticket) is has_ticket


def test_the_port_moves_between_plain_and_tls(server: TlsServer) -> None:
    port = server.tls_port
    with server.client() as client:
        client.config_set("tls-port", 0)
        client.config_set("port", port)
        with redis.Redis(port=port) as plain:
            assert plain.ping()
            plain.config_set("port", 0)
            plain.config_set("tls-port", port)
        assert client.ping()  # connections live on
    with server.client() as client:
        assert client.ping()
    assert server.stat("server", "tcp_port") == str(port)


def test_a_tls_port_in_use_is_refused_and_the_old_one_kept(server: TlsServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(CommandError, match="Unable to listen on this port"):
            server.set("tls-port", str(other.getsockname()[1]))
    with server.client() as client:
        assert client.ping()


def test_config_set_takes_a_renewed_certificate(server: TlsServer) -> None:
    old = ssl.get_server_certificate(("127.0.0.1", server.tls_port))
    certificate, key = server.certificates.certificate("redis"), server.certificates.key("redis")
    server.set("tls-cert-file", str(certificate), "tls-key-file", str(key))
    assert ssl.get_server_certificate(("127.0.0.1", server.tls_port)) != old
    with server.client() as client:
        assert client.ping()


def test_what_makes_no_context_is_refused_and_changes_nothing(server: TlsServer, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing\n")
    for name, value in (
        ("tls-cert-file", str(tmp_path / "missing")),
        ("tls-cert-file", str(nothing)),
        ("tls-cert-file", ""),
        ("tls-key-file", str(nothing)),
        ("tls-key-file", str(server.certificates.key("client"))),  # of another certificate
        ("tls-ca-cert-file", str(nothing)),
        ("tls-ca-cert-file", ""),
        ("tls-dh-params-file", str(nothing)),
        ("tls-protocols", "SSLv3"),
        ("tls-ciphers", "NO-SUCH-CIPHER"),
    ):
        before = server.execute("CONFIG", "GET", name)
        with pytest.raises(CommandError, match=UPDATE_FAILED):
            server.set(name, value)
        assert server.execute("CONFIG", "GET", name) == before
    with server.client() as client:
        assert client.ping()


def test_cipher_suites_are_set_or_refused_but_never_passed_over(server: TlsServer) -> None:
    suite = "TLS_CHACHA20_POLY1305_SHA256"
    if hasattr(ssl.SSLContext, "set_ciphersuites"):
        server.set("tls-ciphersuites", suite)
        with server.connect(context_of(server.certificates)) as connection:
            assert (connection.cipher() or ("",))[0] == suite
    else:
        with pytest.raises(CommandError, match=UPDATE_FAILED):
            server.set("tls-ciphersuites", suite)


def test_an_encrypted_key_needs_its_password(server: TlsServer) -> None:
    encrypted = str(server.certificates.encrypt_key("server", "1234"))
    with pytest.raises(CommandError, match=UPDATE_FAILED):
        server.set("tls-key-file", encrypted)
    with pytest.raises(CommandError, match=UPDATE_FAILED):
        server.set("tls-key-file", encrypted, "tls-key-file-pass", "4321")
    server.set("tls-key-file", encrypted, "tls-key-file-pass", "1234")
    with server.client() as client:
        assert client.ping()


def test_clients_in_their_handshake_count_against_maxclients(server: TlsServer) -> None:
    server.set("maxclients", "1")
    with socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT_S) as silent:
        with socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT_S) as refused:
            assert refused.recv(100) == b""
        assert server.stat("clients", "connected_clients") == "1"
        assert silent.fileno() >= 0


def test_a_server_without_certificates_does_not_start(certificates: Certificates) -> None:
    for missing in ("tls-cert-file", "tls-key-file", "tls-ca-cert-file"):
        config = settings(certificates)
        del config[missing]
        with pytest.raises(StartError, match="Failed to configure TLS"), hognose.Server(config=config):
            pass


def test_a_server_with_only_a_tls_port_has_a_url_for_it(certificates: Certificates) -> None:
    config = settings(certificates, tls_auth_clients="no")
    with hognose.Server(port=None, config=config) as server:
        assert server.url == f"rediss://127.0.0.1:{config['tls-port']}/0"
        with redis.Redis.from_url(server.url, ssl_ca_certs=config["tls-ca-cert-file"]) as client:
            assert client.ping()


def options(config: Mapping[str, str]) -> list[str]:
    return [word for name, value in config.items() for word in (f"--{name}", value)]


def test_hangup_loads_renewed_certificates_and_keeps_the_old_where_they_are_broken(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    config = settings(certificates)
    address = ("127.0.0.1", int(config["tls-port"]))
    with ServerProcess(options=options(config)) as process:
        process.ready()
        old = ssl.get_server_certificate(address)
        certificates.issue("server")
        assert ssl.get_server_certificate(address) == old
        process.signal(signal.SIGHUP)
        process.wait_for("TLS certificates and keys loaded again")
        new = ssl.get_server_certificate(address)
        assert new != old
        certificates.certificate("server").write_text("broken\n")
        process.signal(signal.SIGHUP)
        process.wait_for("Failed to load certificate")
        assert ssl.get_server_certificate(address) == new


def test_redis_cli_connects(certificates: Certificates) -> None:
    with TlsServer(certificates, settings(certificates)) as server:
        words = ["redis-cli", "-p", str(server.tls_port), "--tls", "--cacert", str(certificates.certificate("ca"))]
        words += ["--cert", str(certificates.certificate("client")), "--key", str(certificates.key("client")), "PING"]
        done = run(words, capture_output=True, check=False, timeout=TIMEOUT_S)
        assert done.stdout == b"PONG\n"
