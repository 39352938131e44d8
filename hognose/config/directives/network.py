"""Directives about listening, connections, TLS, what a client may use, and who may do what."""

from typing import Final

from hognose.config.directives.record import (
    IMMUTABLE,
    MULTI_ARG,
    NO_MEANING,
    SENSITIVE,
    VOLATILE,
    Directive,
    choice,
    integer,
    memory,
    optional_text,
    secret,
    special,
    text,
    yes_no,
)
from hognose.config.kinds import INT64_MAX, UINT_MAX, Integer, MemoryOrPercent, Octal
from hognose.config.specials import Addresses, OutputBufferLimit, OutputBufferLimits

PORT_MAX: Final = 65535
MIB: Final = 1 << 20
_ALLOWED_TO: Final = ["no", "yes", "local"]

LISTENING: Final[list[Directive]] = [
    special(
        "bind",
        Addresses(),
        ("*", "-::*"),
        "Addresses to listen on. One that begins with `-` may be missing on this machine.",
        MULTI_ARG,
    ),
    optional_text("bind-source-addr", "Address that outgoing connections (replication, cluster bus) leave from."),
    integer("port", 6379, "TCP port for clients; 0 listens on none.", high=PORT_MAX),
    integer("tcp-backlog", 511, "Connections the kernel may queue before they are accepted.", IMMUTABLE),
    optional_text("unixsocket", "Path of a unix socket to listen on besides TCP.", IMMUTABLE),
    special("unixsocketperm", Octal(0, 0o777), 0, "Permissions of the unix socket; 0 keeps the default.", IMMUTABLE),
    integer("timeout", 0, "Seconds after which an idle client is disconnected; 0 never does."),
    integer("tcp-keepalive", 300, "Seconds between keepalive probes on idle connections; 0 sends none."),
    special(
        "socket-mark-id",
        Integer(0, UINT_MAX),
        0,
        "Mark (SO_MARK) on the listening sockets, for the kernel's packet filters; 0 sets none.",
        IMMUTABLE,
    ),
    yes_no("protected-mode", True, "Serve only local clients while the default user has no password."),
]

CLIENTS: Final[list[Directive]] = [
    integer("maxclients", 10000, "Connections served at the same time; one more is refused.", low=1, high=UINT_MAX),
    special(
        "maxmemory-clients",
        MemoryOrPercent(100),
        0,
        "Memory all clients' buffers may use together before the largest are disconnected; a share is of maxmemory, "
        "0 is no limit.",
    ),
    memory(
        "client-query-buffer-limit", 1024 * MIB, "Size of one client's unparsed input before it is closed.", low=MIB
    ),
    special(
        "client-output-buffer-limit",
        OutputBufferLimits(),
        (
            OutputBufferLimit(0, 0, 0),
            OutputBufferLimit(256 * MIB, 64 * MIB, 60),
            OutputBufferLimit(32 * MIB, 8 * MIB, 60),
        ),
        "Unsent replies after which a client is disconnected: at once over the hard limit, or after so many seconds "
        "over the soft limit. Classes not named keep theirs.",
        MULTI_ARG,
    ),
    memory("proto-max-bulk-len", 512 * MIB, "Longest string a request may carry.", low=MIB),
    integer(
        "tracking-table-max-keys", 1000000, "Keys remembered for client-side caching; 0 is no limit.", high=INT64_MAX
    ),
    integer(
        "io-threads",
        1,
        "Threads for network I/O. Here one event loop does it all.",
        IMMUTABLE | NO_MEANING,
        low=1,
        high=128,
    ),
    yes_no("io-threads-do-reads", False, "Whether those threads also read. See io-threads.", IMMUTABLE | NO_MEANING),
]

ACCESS: Final[list[Directive]] = [
    secret("requirepass", "Password of the default user.", SENSITIVE),
    text("aclfile", "", "File that holds the users; `user` lines are then not allowed.", IMMUTABLE),
    choice(
        "acl-pubsub-default",
        ["allchannels", "resetchannels"],
        "resetchannels",
        "Whether a new user may use every channel or none.",
    ),
    integer("acllog-max-len", 128, "Entries ACL LOG keeps.", high=INT64_MAX),
    choice("enable-protected-configs", _ALLOWED_TO, "no", "Who may CONFIG SET protected directives.", IMMUTABLE),
    choice("enable-debug-command", _ALLOWED_TO, "no", "Who may use DEBUG.", IMMUTABLE),
    choice("enable-module-command", _ALLOWED_TO, "no", "Who may use MODULE.", IMMUTABLE),
]

TLS: Final[list[Directive]] = [
    integer("tls-port", 0, "Port for TLS clients; 0 listens on none.", high=PORT_MAX),
    optional_text("tls-cert-file", "Certificate of the server, PEM.", VOLATILE),
    optional_text("tls-key-file", "Private key for tls-cert-file, PEM.", VOLATILE),
    optional_text("tls-key-file-pass", "Passphrase of tls-key-file.", SENSITIVE),
    optional_text(
        "tls-client-cert-file", "Certificate for outgoing connections, if another than the server's.", VOLATILE
    ),
    optional_text("tls-client-key-file", "Private key for tls-client-cert-file.", VOLATILE),
    optional_text("tls-client-key-file-pass", "Passphrase of tls-client-key-file.", SENSITIVE),
    optional_text("tls-dh-params-file", "Parameters for Diffie-Hellman key exchange.", VOLATILE),
    optional_text("tls-ca-cert-file", "Certificates of the authorities that peers are checked against.", VOLATILE),
    optional_text("tls-ca-cert-dir", "Directory of such certificates, by hash.", VOLATILE),
    choice("tls-auth-clients", ["no", "yes", "optional"], "yes", "Whether clients must show a certificate."),
    yes_no("tls-replication", False, "Connect to the primary over TLS."),
    yes_no("tls-cluster", False, "Use TLS on the cluster bus."),
    optional_text("tls-protocols", "Protocol versions to allow, such as `TLSv1.2 TLSv1.3`."),
    optional_text("tls-ciphers", "Ciphers for TLS up to 1.2, in OpenSSL's notation."),
    optional_text("tls-ciphersuites", "Cipher suites for TLS 1.3. Refused before Python 3.15, which cannot set them."),
    yes_no("tls-prefer-server-ciphers", False, "Let the server's order of ciphers win over the client's."),
    yes_no("tls-session-caching", True, "Let clients resume TLS sessions. `no` hands out no tickets."),
    integer(
        "tls-session-cache-size",
        20480,
        "TLS sessions kept for that. Python leaves OpenSSL's number, which is this default.",
        NO_MEANING,
    ),
    integer(
        "tls-session-cache-timeout",
        300,
        "Seconds a TLS session is kept. Python leaves OpenSSL's number, which is this default.",
        NO_MEANING,
    ),
]
