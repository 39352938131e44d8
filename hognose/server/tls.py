"""TLS as the `tls-*` directives want it: one context for clients that connect, one for connections this server makes.

Contexts are made as a pair, by `configure`: at the start, when CONFIG SET changes a directive, and when the process
gets SIGHUP because certificates were renewed. Either both are replaced or, with the reason in the log, neither is. A
connection keeps the context it was accepted with.

Defaults are those of Redis: TLS 1.2 and 1.3, OpenSSL's own list of ciphers, clients must show a certificate.

What Python's `ssl` cannot set: the size and the lifetime of the session cache, which are OpenSSL's (20,480 sessions,
300 seconds: the defaults of the directives); cipher suites of TLS 1.3 before Python 3.15, so that `tls-ciphersuites`
is refused there rather than passed over.

Not here: the connections (`tls_connection`), the listening sockets (`listeners`).
"""

import os
import ssl
import warnings
from collections.abc import Callable
from typing import Final

from hognose.commands.host import WARNING
from hognose.config.settings import Settings

UPDATE_FAILED: Final = "Unable to update TLS configuration. Check server logs."
START_FAILED: Final = "Failed to configure TLS. Check logs for more info."

CA_MISSING: Final = (
    "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
    "tls-auth-clients are enabled!"
)
UNKNOWN_PROTOCOL: Final = (
    "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."
)

VERSIONS: Final[list[tuple[str, ssl.TLSVersion, int]]] = [
    ("tlsv1", ssl.TLSVersion.TLSv1, int(ssl.OP_NO_TLSv1)),
    ("tlsv1.1", ssl.TLSVersion.TLSv1_1, int(ssl.OP_NO_TLSv1_1)),
    ("tlsv1.2", ssl.TLSVersion.TLSv1_2, int(ssl.OP_NO_TLSv1_2)),
    ("tlsv1.3", ssl.TLSVersion.TLSv1_3, int(ssl.OP_NO_TLSv1_3)),
]
"""The words of tls-protocols, oldest first, each with OpenSSL's version and the option that forbids it."""
DEFAULT_PROTOCOLS: Final = "TLSv1.2 TLSv1.3"

VERIFY_MODES: Final[dict[str, ssl.VerifyMode]] = {
    "no": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "yes": ssl.CERT_REQUIRED,
}

FILES: Final[list[str]] = [
    "tls-cert-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-client-cert-file",
    "tls-client-key-file",
    "tls-client-key-file-pass",
    "tls-dh-params-file",
    "tls-ca-cert-file",
    "tls-ca-cert-dir",
]
DIRECTIVES: Final[list[str]] = [
    *FILES,
    "tls-replication",
    "tls-cluster",
    "tls-protocols",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-prefer-server-ciphers",
    "tls-session-caching",
]
"""A change of any of these makes new contexts."""


class TlsError(Exception):
    """The directives do not make a context; the text says why."""


class Tls:
    """The TLS contexts of one server.

    Attributes:
        server: For clients that connect; None until it is needed.
        client: For connections that this server makes, to its primary and to other nodes of its cluster.
        refused: Handshakes that failed.
    """

    def __init__(self, settings: Settings, log: Callable[[int, str], None]) -> None:
        self._settings: Final = settings
        self._log: Final = log
        self.server: ssl.SSLContext | None = None
        self.client: ssl.SSLContext | None = None
        self.refused = 0

    def is_wanted(self) -> bool:
        """Whether any directive asks for TLS."""
        settings = self._settings
        return settings.tls_port != 0 or settings.tls_replication or settings.tls_cluster

    def configure(self) -> bool:
        """Makes both contexts from the directives; False, with the reason logged and nothing changed, if it cannot."""
        settings = self._settings
        try:
            self._check()
            server = self._server_context()
            cert, key = settings.tls_client_cert_file, settings.tls_client_key_file
            if cert and key:
                client = self._client_context(cert, key, settings.tls_client_key_file_pass)
            else:
                client = self._client_context(settings.tls_cert_file, settings.tls_key_file, settings.tls_key_file_pass)
        except TlsError as error:
            self._log(WARNING, str(error))
            return False
        self.server = server
        self.client = client
        return True

    def apply(self) -> str:
        """Applier of the directives that make a context."""
        return UPDATE_FAILED if self.is_wanted() and not self.configure() else ""

    def apply_auth_clients(self) -> str:
        """Applier of tls-auth-clients: for handshakes from now on."""
        if self.server is not None:
            self.server.verify_mode = VERIFY_MODES[self._settings.tls_auth_clients]
        return ""

    def _check(self) -> None:
        settings = self._settings
        if not settings.tls_cert_file:
            raise TlsError("No tls-cert-file configured!")
        if not settings.tls_key_file:
            raise TlsError("No tls-key-file configured!")
        needs_ca = settings.tls_auth_clients != "no" or settings.tls_cluster or settings.tls_replication
        if needs_ca and not settings.tls_ca_cert_file and not settings.tls_ca_cert_dir:
            raise TlsError(CA_MISSING)

    def _server_context(self) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._set_up(context, settings.tls_cert_file, settings.tls_key_file, settings.tls_key_file_pass)
        if not settings.tls_prefer_server_ciphers:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        if not settings.tls_session_caching:
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        if settings.tls_dh_params_file:
            load_dh_parameters(context, settings.tls_dh_params_file)
        context.verify_mode = VERIFY_MODES[settings.tls_auth_clients]
        return context

    def _client_context(self, cert: str, key: str, password: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # As in Redis: a peer is known by its certificate's authority, not by its name.
        context.check_hostname = False
        self._set_up(context, cert, key, password)
        return context

    def _set_up(self, context: ssl.SSLContext, cert: str, key: str, password: str) -> None:
        """What both sides have in common."""
        settings = self._settings
        allow_protocols(context, settings.tls_protocols)
        context.options |= ssl.OP_NO_COMPRESSION
        load_certificate(context, cert, key, password)
        load_authorities(context, settings.tls_ca_cert_file, settings.tls_ca_cert_dir)
        try:
            context.set_ciphers(settings.tls_ciphers or "DEFAULT")
        except ssl.SSLError as error:
            raise TlsError(f"Failed to configure ciphers: {settings.tls_ciphers}") from error
        if settings.tls_ciphersuites:
            set_ciphersuites(context, settings.tls_ciphersuites)


def allow_protocols(context: ssl.SSLContext, words: str) -> None:
    """Allows the versions that are named, and no other.

    Args:
        context: Where to.
        words: The value of tls-protocols; empty for the default.

    Raises:
        TlsError: A word is no version.
    """
    wanted = {word.lower() for word in (words or DEFAULT_PROTOCOLS).split(" ") if word}
    if not wanted or not wanted <= {word for word, _, _ in VERSIONS}:
        raise TlsError(UNKNOWN_PROTOCOL)
    allowed = [version for word, version, _ in VERSIONS if word in wanted]
    with warnings.catch_warnings():
        # Old versions are the operator's decision; Python warns of them, and of the options that make gaps.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = allowed[0]
        context.maximum_version = allowed[-1]
        for word, version, forbidding in VERSIONS:
            if allowed[0] < version < allowed[-1] and word not in wanted:
                context.options |= forbidding


def load_certificate(context: ssl.SSLContext, cert: str, key: str, password: str) -> None:
    """Loads a certificate with its chain, and its private key.

    Raises:
        TlsError: One of the files cannot be read, is no such thing, or they do not belong together.
    """
    for path, what in ((cert, "certificate"), (key, "private key")):
        if not os.access(path, os.R_OK):
            raise TlsError(f"Failed to load {what}: {path}: {reason_unreadable(path)}")
    try:
        # A password is always given: without one OpenSSL would ask for it at the terminal.
        context.load_cert_chain(cert, key, password=password)
    except (ssl.SSLError, OSError, ValueError) as error:
        what, path = ("private key", key) if is_certificate(cert) else ("certificate", cert)
        raise TlsError(f"Failed to load {what}: {path}: {describe(error)}") from error


def is_certificate(path: str) -> bool:
    """Whether a file holds certificates in PEM form."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (ssl.SSLError, OSError):
        return False
    return True


def load_authorities(context: ssl.SSLContext, file: str, directory: str) -> None:
    """Loads the authorities that peers are checked against.

    Raises:
        TlsError: The file is missing or holds no certificates. An empty directory is none of our business.
    """
    if not file and not directory:
        return
    try:
        context.load_verify_locations(cafile=file or None, capath=directory or None)
    except (ssl.SSLError, OSError) as error:
        raise TlsError(f"Failed to configure CA certificate(s) file/directory: {describe(error)}") from error


def load_dh_parameters(context: ssl.SSLContext, path: str) -> None:
    """Loads parameters for Diffie-Hellman key exchange.

    Raises:
        TlsError: The file is missing or holds no parameters.
    """
    if not os.access(path, os.R_OK):
        raise TlsError(f"Failed to load {path}: {reason_unreadable(path)}")
    try:
        context.load_dh_params(path)
    except (ssl.SSLError, OSError) as error:
        raise TlsError(f"{path}: failed to read DH params.") from error


def set_ciphersuites(context: ssl.SSLContext, suites: str) -> None:
    """Sets the cipher suites of TLS 1.3.

    Raises:
        TlsError: OpenSSL does not know them, or this Python cannot set any.
    """
    setter = getattr(context, "set_ciphersuites", None)
    if setter is None:
        raise TlsError(f"Failed to configure ciphersuites: {suites}: they can be set from Python 3.15 on")
    try:
        setter(suites)
    except ssl.SSLError as error:
        raise TlsError(f"Failed to configure ciphersuites: {suites}") from error


def reason_unreadable(path: str) -> str:
    """Why a file cannot be read."""
    try:
        with open(path, "rb"):  # noqa: PTH123 - the path is a value of the configuration, a string
            return "not readable"
    except OSError as error:
        return error.strerror or str(error)


def describe(error: Exception) -> str:
    """An error of OpenSSL or the system in a few words."""
    # Both may be None, whatever their types say.
    reason: object = getattr(error, "reason", None)
    if isinstance(reason, str) and reason:
        return reason.lower().replace("_", " ")
    system: object = getattr(error, "strerror", None)
    return system if isinstance(system, str) and system else str(error)
